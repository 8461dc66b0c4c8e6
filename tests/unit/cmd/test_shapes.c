/*
 * Collections are the same however their operations came: each in an entry of
 * its own, many in one, with the node started again in between; and a walk over
 * one sees all that stays, whatever form it takes on the way.
 */
// link: store data type resp table base
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "data/kinds.h"
#include "data/value.h"
#include "unit/cmd/cmd_fixture.h"

#define LINES     4000
#define LINE_SIZE 1200
#define KEYS      3

/* --- lines -------------------------------------------------------------- */

/* Some text, short or so long that it is a blob. */
static const char *text(uint64_t *rng, char out[800])
{
    size_t len = rng_below(rng, 12) == 0 ? 500 + rng_below(rng, 290)
                                         : rng_below(rng, 30);
    memset(out, 'a' + (int)rng_below(rng, 26), len + 1);
    out[len + 1] = 0;
    return out;
}

static void hash_line(uint64_t *rng, int key, char *out)
{
    char value[800];
    int n = (int)rng_below(rng, 300);
    if (rng_below(rng, 3) == 0)
        snprintf(out, LINE_SIZE, "HDEL h%d f%d f%d f%d", key, n, n + 1, n + 2);
    else
        snprintf(out, LINE_SIZE, "HSET h%d f%d %s f%d x", key, n,
                 text(rng, value), n + 7);
}

static void set_line(uint64_t *rng, int key, char *out)
{
    int n = (int)rng_below(rng, 300);
    if (rng_below(rng, 3) == 0)
        snprintf(out, LINE_SIZE, "SREM s%d m%d %d", key, n, n);
    else if (rng_below(rng, 3) == 0)
        snprintf(out, LINE_SIZE, "SADD s%d %d %d", key, n, n + 1);
    else
        snprintf(out, LINE_SIZE, "SADD s%d a-long-member-%d m%d", key, n, n);
}

static void zset_line(uint64_t *rng, int key, char *out)
{
    int n = (int)rng_below(rng, 300);
    switch (rng_below(rng, 8)) {
    case 0:
    case 1:
        snprintf(out, LINE_SIZE, "ZREM z%d m%d m%d", key, n, n + 1);
        return;
    case 2:
        snprintf(out, LINE_SIZE, "ZREMRANGEBYRANK z%d %d %d", key, n, n + 5);
        return;
    case 3:
        snprintf(out, LINE_SIZE, "ZPOPMIN z%d 3", key);
        return;
    default:
        snprintf(out, LINE_SIZE, "ZADD z%d %d m%d %d m%d", key,
                 (int)rng_below(rng, 50), n, (int)rng_below(rng, 50), n + 3);
    }
}

static void list_line(uint64_t *rng, int key, char *out)
{
    char value[800];
    int n = (int)rng_below(rng, 200);
    switch (rng_below(rng, 10)) {
    case 0:
        snprintf(out, LINE_SIZE, "LPOP l%d %d", key, n % 5 + 1);
        return;
    case 1:
        snprintf(out, LINE_SIZE, "RPOP l%d %d", key, n % 5 + 1);
        return;
    case 2:
        snprintf(out, LINE_SIZE, "LINSERT l%d BEFORE e%d %s", key, n,
                 text(rng, value));
        return;
    case 3:
        snprintf(out, LINE_SIZE, "LSET l%d %d %s", key, n, text(rng, value));
        return;
    case 4:
        snprintf(out, LINE_SIZE, "LREM l%d 0 e%d", key, n);
        return;
    case 5:
        snprintf(out, LINE_SIZE, "LTRIM l%d 0 %d", key, 100 + n);
        return;
    case 6:
    case 7:
        snprintf(out, LINE_SIZE, "LPUSH l%d e%d %s", key, n, text(rng, value));
        return;
    default:
        snprintf(out, LINE_SIZE, "RPUSH l%d %s e%d", key, text(rng, value), n);
    }
}

static void stream_line(uint64_t *rng, int key, uint32_t at, char *out)
{
    char value[800];
    switch (rng_below(rng, 10)) {
    case 0:
        snprintf(out, LINE_SIZE, "XDEL x%d %d-1 %d-1", key,
                 (int)rng_below(rng, at), (int)rng_below(rng, at));
        return;
    case 1:
        snprintf(out, LINE_SIZE, "XTRIM x%d MAXLEN %d", key,
                 (int)rng_below(rng, 200));
        return;
    case 2:
        snprintf(out, LINE_SIZE, "XGROUP CREATE x%d g 0 MKSTREAM", key);
        return;
    case 3:
        snprintf(out, LINE_SIZE, "XREADGROUP GROUP g c COUNT 5 STREAMS x%d >",
                 key);
        return;
    case 4:
        snprintf(out, LINE_SIZE, "XACK x%d g %d-1", key,
                 (int)rng_below(rng, at));
        return;
    default:
        snprintf(out, LINE_SIZE, "XADD x%d %u-1 f %s", key, at,
                 text(rng, value));
    }
}

static void any_key_line(uint64_t *rng, char *out)
{
    static const char types[] = "hszlx";
    char type = types[rng_below(rng, 5)];
    int from = (int)rng_below(rng, KEYS);
    int to = (int)rng_below(rng, KEYS);
    switch (rng_below(rng, 6)) {
    case 0:
        snprintf(out, LINE_SIZE, "DEL %c%d", type, from);
        return;
    case 1:
        snprintf(out, LINE_SIZE, "RENAME %c%d %c%d", type, from, type, to);
        return;
    case 2:
        snprintf(out, LINE_SIZE, "SET %c%d v", type, from);
        return;
    case 3:
        snprintf(out, LINE_SIZE, "SUNIONSTORE s%d s%d s%d", to, from, to);
        return;
    case 4:
        snprintf(out, LINE_SIZE, "ZUNIONSTORE z%d 2 z%d s%d", to, from, to);
        return;
    default:
        snprintf(out, LINE_SIZE, "COPY %c%d %c%d REPLACE", type, from, type,
                 to);
    }
}

static void make_line(uint64_t *rng, uint32_t at, char *out)
{
    int key = (int)rng_below(rng, KEYS);
    switch (rng_below(rng, 504) / 100) {
    case 0:
        hash_line(rng, key, out);
        return;
    case 1:
        set_line(rng, key, out);
        return;
    case 2:
        zset_line(rng, key, out);
        return;
    case 3:
        list_line(rng, key, out);
        return;
    case 4:
        stream_line(rng, key, at, out);
        return;
    default:
        any_key_line(rng, out);
    }
}

/* --- the same shapes ---------------------------------------------------- */

/* Members are hashed by the seed of the first entry that needs one: the same
 * one for all. */
static void draw_hash_seed(struct fixture *f)
{
    char line[5000] = "SADD seed";
    size_t len = strlen(line);
    for (int i = 0; i < 300; i++)
        len += (size_t)snprintf(line + len, sizeof(line) - len, " member%d", i);
    assert_true(len < sizeof(line));
    fixture_run(f, line);
}

static void open_again(struct fixture *f)
{
    keyspace_close(f->ks);
    assert_int_equal(store_flush(f->store, STORE_STATE, true), 0);
    fixture_open(f);
}

/* Runs the lines in entries of up to so many, started again now and then. */
static void run_lines(struct fixture *f, uint64_t seed, uint64_t entry_max,
                      bool starts)
{
    uint64_t rng = seed;
    uint64_t own = seed + entry_max;
    char line[LINE_SIZE];
    fixture_init(f);
    f->internal = true;
    draw_hash_seed(f);
    for (uint32_t at = 1; at <= LINES;) {
        uint64_t count = 1 + rng_below(&own, entry_max);
        fixture_begin(f);
        for (; count > 0 && at <= LINES; count--, at++) {
            make_line(&rng, at, line);
            buf_reset(&f->out);
            fixture_apply(f, line);
        }
        fixture_commit(f);
        if (starts && rng_below(&own, 100) == 0)
            open_again(f);
    }
    for (int i = 0; i < 1000 && keyspace_due(f->ks, f->time_ms); i++)
        fixture_run(f, "vard.sweep 10000");
    assert_false(keyspace_due(f->ks, f->time_ms));
}

/* Values and pages, but for the version, which is the entry's. */
static void dump(struct fixture *f, struct buf *out)
{
    struct store_iter *it = store_iter_new(f->store, STORE_STATE);
    for (store_iter_seek(it, BYTES_NONE); store_iter_valid(it);
         store_iter_next(it)) {
        struct bytes key = store_iter_key(it);
        struct bytes value = store_iter_value(it);
        bool is_value = row_is(key, ROW_VALUE);
        if (!is_value && !row_is(key, ROW_TREE))
            continue;
        buf_u32(out, (uint32_t)key.len);
        buf_bytes(out, key);
        buf_u32(out, (uint32_t)value.len);
        if (is_value) {
            buf_bytes(out, bytes_of(value.data, 12));
            value = bytes_from(value, VALUE_HEADER_SIZE);
        }
        buf_bytes(out, value);
    }
    assert_int_equal(store_iter_status(it), 0);
    store_iter_free(it);
}

static void test_same_shapes(void **state)
{
    static const struct {
        uint64_t entry_max;
        bool starts;
    } ways[] = {{1, false}, {1, true}, {30, false}, {1000, true}};
    UNUSED(state);
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct buf first = BUF_INIT;
        for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
            struct buf other = BUF_INIT;
            struct fixture f;
            run_lines(&f, seed, ways[i].entry_max, ways[i].starts);
            dump(&f, i == 0 ? &first : &other);
            assert_true(first.len > 30000);
            if (i > 0)
                assert_true(bytes_eq(buf_view(&first), buf_view(&other)));
            buf_release(&other);
            fixture_release(&f);
        }
        buf_release(&first);
    }
}

/* --- walks -------------------------------------------------------------- */

struct kind {
    const char *scan;
    const char *add; /* of a key and a number */
    const char *remove;
};

static const struct kind kinds[] = {
    {"HSCAN", "HSET %s m%d v", "HDEL %s m%d"},
    {"SSCAN", "SADD %s m%d", "SREM %s m%d"},
    {"ZSCAN", "ZADD %s 1 m%d", "ZREM %s m%d"},
};

PRINTF(2, 3)
static const char *run(struct fixture *f, const char *format, ...)
{
    char line[256];
    va_list ap;
    va_start(ap, format);
    vsnprintf(line, sizeof(line), format, ap);
    va_end(ap);
    return fixture_run(f, line);
}

static void run_kind(struct fixture *f, const char *format, int n)
{
    char line[100];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(line, sizeof(line), format, "a", n);
#pragma GCC diagnostic pop
    const char *reply = fixture_run(f, line);
    assert_int_equal(':', reply[0]);
}

/* One page; counts members in `seen`, and returns the next cursor. */
static uint64_t scan(struct fixture *f, const struct kind *k, uint64_t cursor,
                     uint8_t seen[2000])
{
    char line[100];
    snprintf(line, sizeof(line), "%s a %" PRIu64 " COUNT 7", k->scan, cursor);
    const char *p = fixture_read(f, f->time_ms, line);
    uint64_t next = 0;
    assert_int_equal(1, sscanf(p, "*2\r\n$%*d\r\n%" SCNu64, &next));
    assert_true(next < UINT64_C(1) << 53);
    while ((p = strstr(p, "\nm")) != NULL) {
        long n = strtol(p + 2, NULL, 10);
        assert_in_range(n, 0, 1999);
        seen[n]++;
        p += 2;
    }
    return next;
}

static void come_or_go(struct fixture *f, const struct kind *k, bool come,
                       int count)
{
    for (int i = 0; i < count; i++)
        run_kind(f, come ? k->add : k->remove, 1000 + i);
}

/* Members come and go, so many that a small collection becomes a tree and is
 * packed again; and the key gets what is a copy of itself, with another id. */
static void disturb(struct fixture *f, const struct kind *k, uint64_t *rng)
{
    uint64_t way = rng_below(rng, 8);
    come_or_go(f, k, way % 2 == 0, way < 4 ? 300 : 5);
    if (rng_below(rng, 4) == 0) {
        run(f, "COPY a b REPLACE");
        run(f, "DEL a");
        run(f, "RENAME b a");
    }
    if (rng_below(rng, 4) == 0)
        open_again(f);
}

static void walk(const struct kind *k, int stay, uint64_t seed)
{
    static uint8_t seen[2000];
    struct fixture f;
    uint64_t cursor = 0;
    int calls = 0;
    fixture_init(&f);
    for (int i = 0; i < stay; i++)
        run_kind(&f, k->add, i);
    come_or_go(&f, k, seed % 3 > 0, 300);
    memset(seen, 0, sizeof(seen));
    do {
        cursor = scan(&f, k, cursor, seen);
        disturb(&f, k, &seed);
        assert_true(++calls < 1000);
    } while (cursor != 0);
    for (int i = 0; i < 2000; i++)
        assert_true(i < stay ? seen[i] == 1 : seen[i] <= 1);
    fixture_release(&f);
}

static void test_walks(void **state)
{
    static const int stay[] = {1, 5, 60, 300};
    UNUSED(state);
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        for (uint64_t i = 0; i < 12; i++)
            walk(&kinds[k], stay[i % ARRAY_LEN(stay)], i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_shapes),
        cmocka_unit_test(test_walks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
