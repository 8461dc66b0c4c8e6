/*
 * Hashes by commands: what the rows of hash_rows.h cannot say. Large ones, long
 * values, replies that would be too long, what is random.
 */
// link: store data type resp table base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "data/kinds.h"
#include "unit/cmd/cmd_fixture.h"
#include "unit/cmd/hash_rows.h"

#include <inttypes.h>
#include <stdio.h>

#define FIELDS    3000
#define FIELD_MAX (1024 * 1024)

static void test_resp3(void **state)
{
    struct fixture f;
    UNUSED(state);
    fixture_init(&f);
    f.protocol = 3;
    for (size_t i = 0; i < ARRAY_LEN(hash_rows_resp3); i++)
        assert_string_equal(fixture_run(&f, hash_rows_resp3[i].line),
                            hash_rows_resp3[i].reply);
    fixture_release(&f);
}

/* An argument; LONG is one of so many bytes. */
static void append_argument(struct buf *out, const char *word, size_t word_len,
                            size_t len)
{
    bool is_long = word_len == 4 && memcmp(word, "LONG", 4) == 0;
    buf_printf(out, "$%zu\r\n", is_long ? len : word_len);
    if (is_long) {
        memset(buf_reserve(out, len), 'x', len);
        out->len += len;
    } else {
        buf_append(out, word, word_len);
    }
    buf_str(out, "\r\n");
}

/* A command too long for a line, in an entry of its own. */
static const char *run_long(struct fixture *f, const char *line, size_t len)
{
    struct resp_limits limits = {RESP_ARGC_MAX, RESP_BULK_MAX};
    struct buf arguments = BUF_INIT;
    uint32_t argc = 0;
    for (const char *p = line; *p != '\0'; p += strspn(p, " "), argc++) {
        size_t word = strcspn(p, " ");
        append_argument(&arguments, p, word, len);
        p += word;
    }
    buf_reset(&f->line);
    buf_reset(&f->out);
    buf_printf(&f->line, "*%u\r\n", argc);
    buf_bytes(&f->line, buf_view(&arguments));
    buf_release(&arguments);
    size_t consumed = 0;
    size_t need = 0;
    const char *error = NULL;
    enum resp_result res = resp_read(&f->reader, buf_view(&f->line), &limits,
                                     &consumed, &need, &error);
    assert_int_equal(RESP_COMMAND, res);
    const struct cmd *cmd = fixture_find(f);
    fixture_begin(f);
    if (cmd != NULL && fixture_check(f, cmd))
        fixture_execute(f, cmd, &f->out);
    fixture_commit(f);
    buf_u8(&f->out, 0);
    return (const char *)f->out.data;
}

PRINTF(2, 3)
static const char *run_number(struct fixture *f, const char *format, ...)
{
    char line[100];
    va_list ap;
    va_start(ap, format);
    vsnprintf(line, sizeof(line), format, ap);
    va_end(ap);
    return fixture_run(f, line);
}

/* ---- replies ---- */

/* The numbers of the fields that a reply tells, each counted; a field is "f"
 * and a number. Returns how many. */
static uint32_t count_fields(const char *reply, uint32_t times[FIELDS])
{
    uint32_t found = 0;
    for (const char *p = strstr(reply, "\r\nf"); p != NULL;
         p = strstr(p + 1, "\r\nf")) {
        uint32_t i = (uint32_t)strtoul(p + 3, NULL, 10);
        assert_true(i < FIELDS);
        times[i]++;
        found++;
    }
    return found;
}

static void fill(struct fixture *f, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        assert_string_equal(run_number(f, "HSET h f%u v%u", i, i), ":1\r\n");
}

/* Whether each of the first `count` fields was told exactly so often. */
static void all_told(const uint32_t times[FIELDS], uint32_t count,
                     uint32_t often)
{
    for (uint32_t i = 0; i < FIELDS; i++)
        assert_int_equal(i < count ? often : 0, times[i]);
}

static void test_large_hash(void **state)
{
    static uint32_t times[FIELDS];
    struct fixture f;
    char expected[40];
    UNUSED(state);
    fixture_init(&f);
    fill(&f, FIELDS);
    assert_string_equal(fixture_run(&f, "HLEN h"), ":3000\r\n");
    for (uint32_t i = 0; i < FIELDS; i += 7) {
        int len = snprintf(NULL, 0, "v%u", i);
        snprintf(expected, sizeof(expected), "$%d\r\nv%u\r\n", len, i);
        assert_string_equal(run_number(&f, "HGET h f%u", i), expected);
    }
    memset(times, 0, sizeof(times));
    assert_int_equal(FIELDS, count_fields(fixture_run(&f, "HGETALL h"), times));
    assert_memory_equal(f.out.data, "*6000\r\n", 7);
    assert_int_equal(FIELDS, count_fields(fixture_run(&f, "HKEYS h"), times));
    assert_memory_equal(f.out.data, "*3000\r\n", 7);
    assert_int_equal(0, count_fields(fixture_run(&f, "HVALS h"), times));
    assert_memory_equal(f.out.data, "*3000\r\n", 7);
    assert_int_equal(FIELDS,
                     count_fields(fixture_run(&f, "HRANDFIELD h 9999"), times));
    all_told(times, FIELDS, 3);
    for (uint32_t i = 0; i < FIELDS; i++)
        assert_string_equal(run_number(&f, "HDEL h f%u", i), ":1\r\n");
    assert_string_equal(fixture_run(&f, "EXISTS h"), ":0\r\n");
    assert_string_equal(fixture_run(&f, "DBSIZE"), ":0\r\n");
    fixture_release(&f);
}

/* All changes of one entry at once, and the same seen from the next. */
static void test_one_entry(void **state)
{
    static uint32_t times[FIELDS];
    struct fixture f;
    char line[60];
    UNUSED(state);
    fixture_init(&f);
    fixture_begin(&f);
    for (uint32_t i = 0; i < FIELDS; i++) {
        snprintf(line, sizeof(line), "HSET h f%u v", i);
        fixture_apply(&f, line);
        snprintf(line, sizeof(line), "HDEL h f%u", i / 2);
        if (i % 4 == 0)
            fixture_apply(&f, line);
    }
    fixture_commit(&f);
    assert_string_equal(fixture_run(&f, "HLEN h"), ":2250\r\n");
    memset(times, 0, sizeof(times));
    assert_int_equal(2250, count_fields(fixture_run(&f, "HKEYS h"), times));
    for (uint32_t i = 0; i < FIELDS; i++)
        assert_int_equal(i >= FIELDS / 2 || i % 2 == 1, times[i]);
    fixture_release(&f);
}

/* ---- HSCAN ---- */

/* The cursor of a reply. */
static uint64_t cursor_of(const char *reply)
{
    uint64_t cursor = 0;
    assert_memory_equal(reply, "*2\r\n$", 5);
    assert_int_equal(1, sscanf(reply, "*2 $%*u %" SCNu64, &cursor));
    assert_true(cursor < UINT64_C(1) << 53);
    return cursor;
}

/* Goes over all by HSCAN, inside entries and outside; how many calls. */
static uint32_t scan_all(struct fixture *f, const char *options,
                         uint32_t times[FIELDS])
{
    uint64_t cursor = 0;
    uint32_t calls = 0;
    char line[100];
    do {
        snprintf(line, sizeof(line), "HSCAN h %" PRIu64 " %s", cursor, options);
        const char *reply = calls % 2 == 0 ? fixture_run(f, line)
                                           : fixture_read(f, f->time_ms, line);
        count_fields(reply, times);
        cursor = cursor_of(reply);
        assert_true(++calls <= 2 * FIELDS);
    } while (cursor != 0);
    return calls;
}

static void test_scan(void **state)
{
    static uint32_t times[FIELDS];
    struct fixture f;
    UNUSED(state);
    fixture_init(&f);
    fill(&f, FIELDS);
    memset(times, 0, sizeof(times));
    uint32_t calls = scan_all(&f, "", times);
    assert_int_equal(300, calls);
    all_told(times, FIELDS, 1);
    assert_int_equal(4, scan_all(&f, "COUNT 999", times));
    all_told(times, FIELDS, 2);
    assert_int_equal(1, scan_all(&f, "COUNT 9223372036854775807", times));
    all_told(times, FIELDS, 3);
    memset(times, 0, sizeof(times));
    assert_int_equal(30, scan_all(&f, "MATCH f1? COUNT 100", times));
    for (uint32_t i = 0; i < FIELDS; i++)
        assert_int_equal(i >= 10 && i < 20, times[i]);
    assert_string_equal(fixture_run(&f, "HSCAN h 281474976710656"),
                        "*2\r\n$1\r\n0\r\n*0\r\n");
    assert_string_equal(fixture_run(&f, "HSCAN h 18446744073709551615"),
                        "*2\r\n$1\r\n0\r\n*0\r\n");
    assert_string_equal(fixture_run(&f, "HSCAN h -1"),
                        "*2\r\n$1\r\n0\r\n*0\r\n");
    fixture_release(&f);
}

/* ---- HRANDFIELD ---- */

static void test_random_fields(void **state)
{
    static const uint32_t sizes[] = {1, 30, 1000};
    static uint32_t times[FIELDS];
    UNUSED(state);
    for (size_t s = 0; s < ARRAY_LEN(sizes); s++) {
        struct fixture f;
        uint32_t n = sizes[s];
        fixture_init(&f);
        fill(&f, n);
        for (uint32_t k = 0; k <= n + 1; k += 1 + n / 20) {
            memset(times, 0, sizeof(times));
            const char *reply = run_number(&f, "HRANDFIELD h %u", k);
            assert_int_equal(MIN(k, n), count_fields(reply, times));
            for (uint32_t i = 0; i < FIELDS; i++)
                assert_true(times[i] <= (i < n));
            reply = run_number(&f, "HRANDFIELD h -%u", k);
            assert_int_equal(k, count_fields(reply, times));
        }
        fixture_release(&f);
    }
}

/* Each field as often as any other, in both forms and in each way to ask. */
static void test_uniform(void **state)
{
    static const char *const lines[] = {"HRANDFIELD h", "HRANDFIELD h 10",
                                        "HRANDFIELD h -10"};
    static uint32_t times[FIELDS];
    UNUSED(state);
    for (uint32_t which = 0; which < 6; which++) {
        struct fixture f;
        uint32_t n = which < 3 ? 40 : 400;
        uint32_t drawn = 0;
        double sum = 0;
        fixture_init(&f);
        fill(&f, n);
        memset(times, 0, sizeof(times));
        while (drawn < n * 50)
            drawn += count_fields(fixture_run(&f, lines[which % 3]), times);
        for (uint32_t i = 0; i < n; i++) {
            double d = times[i] - (double)drawn / n;
            sum += d * d / ((double)drawn / n);
        }
        assert_true(sum < n + 5 * 28);
        fixture_release(&f);
    }
}

/* ---- lengths ---- */

static void test_long_values(void **state)
{
    static const size_t lengths[] = {511, 512, 513, 16383, 16384, 1000000};
    struct fixture f;
    char expected[40];
    UNUSED(state);
    fixture_init(&f);
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        size_t len = lengths[i];
        assert_string_equal(run_long(&f, "HSET h f LONG", len),
                            i == 0 ? ":1\r\n" : ":0\r\n");
        snprintf(expected, sizeof(expected), ":%zu\r\n", len);
        assert_string_equal(fixture_run(&f, "HSTRLEN h f"), expected);
        int head = snprintf(expected, sizeof(expected), "$%zu\r\n", len);
        const char *reply = fixture_run(&f, "HGET h f");
        assert_memory_equal(reply, expected, (size_t)head);
        assert_int_equal((size_t)head + len + 2, strlen(reply));
        assert_int_equal(len, strspn(reply + head, "x"));
        assert_string_equal(fixture_run(&f, "HINCRBY h f 1"),
                            "-ERR hash value is not an integer\r\n");
        assert_string_equal(fixture_run(&f, "HINCRBYFLOAT h f 1"),
                            "-ERR hash value is not a float\r\n");
    }
    assert_string_equal(fixture_run(&f, "HSET h f 1"), ":0\r\n");
    assert_string_equal(fixture_run(&f, "HINCRBY h f 1"), ":2\r\n");
    /* A number of many digits is in a row of its own. */
    assert_string_equal(fixture_run(&f, "HSET h n 1e4000"), ":1\r\n");
    fixture_run(&f, "HINCRBYFLOAT h n 1e4000");
    assert_string_equal(fixture_run(&f, "HSTRLEN h n"), ":4001\r\n");
    fixture_run(&f, "HINCRBYFLOAT h n 1e4001");
    assert_string_equal(fixture_run(&f, "HSTRLEN h n"), ":4002\r\n");
    fixture_release(&f);
}

static void test_long_fields(void **state)
{
    static const char refused[] =
        "-ERR member is longer than 1048576 bytes\r\n";
    static const char *const lines[] = {
        "HSET h a b LONG v",    "HSET h LONG v",    "HMSET h LONG v",
        "HSETNX h LONG v",      "HINCRBY h LONG 1", "HINCRBYFLOAT h LONG 1",
        "HSET h a 1 LONG 2 c 3"};
    struct fixture f;
    UNUSED(state);
    fixture_init(&f);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        assert_string_equal(run_long(&f, lines[i], FIELD_MAX + 1), refused);
    assert_string_equal(fixture_run(&f, "EXISTS h"), ":0\r\n");
    assert_string_equal(run_long(&f, "HSET h LONG v", FIELD_MAX), ":1\r\n");
    assert_string_equal(run_long(&f, "HGET h LONG", FIELD_MAX), "$1\r\nv\r\n");
    assert_string_equal(run_long(&f, "HGET h LONG", FIELD_MAX + 1), "$-1\r\n");
    assert_string_equal(run_long(&f, "HDEL h LONG", FIELD_MAX + 1), ":0\r\n");
    assert_string_equal(run_long(&f, "HDEL h LONG", FIELD_MAX), ":1\r\n");
    assert_string_equal(fixture_run(&f, "EXISTS h"), ":0\r\n");
    fixture_release(&f);
}

/* Ten values of 7 MB: together they are no reply. */
static void test_replies_have_a_length(void **state)
{
    static const char too_large[] = "-ERR reply too large, use HSCAN\r\n";
    struct fixture f;
    UNUSED(state);
    fixture_init(&f);
    fixture_run(&f, "HSET h small 1");
    for (int i = 0; i < 10; i++) {
        char line[20];
        snprintf(line, sizeof(line), "HSET h f%d LONG", i);
        assert_string_equal(run_long(&f, line, 7000000), ":1\r\n");
    }
    assert_string_equal(fixture_run(&f, "HGETALL h"), too_large);
    assert_string_equal(fixture_run(&f, "HVALS h"), too_large);
    assert_string_equal(fixture_run(&f, "HRANDFIELD h 11 WITHVALUES"),
                        too_large);
    assert_string_equal(fixture_run(&f, "HSCAN h 0"),
                        "-ERR reply too large, use HKEYS and HGET\r\n");
    assert_string_equal(fixture_run(&f, "HSCAN h 0 MATCH small"),
                        "*2\r\n$1\r\n0\r\n*2\r\n$5\r\nsmall\r\n$1\r\n1\r\n");
    assert_memory_equal(fixture_run(&f, "HKEYS h"), "*11\r\n", 5);
    assert_string_equal(fixture_run(&f, "HRANDFIELD h -1000001"), too_large);
    assert_string_equal(fixture_run(&f, "HDEL h f1"), ":1\r\n");
    assert_memory_equal(fixture_run(&f, "HGETALL h"), "*20\r\n", 5);
    fixture_release(&f);
}

/* What is looked up by reads is counted, found or not. */
static void test_lookups(void **state)
{
    struct fixture f;
    UNUSED(state);
    fixture_init(&f);
    fixture_run(&f, "HSET h a 1");
    uint64_t hits = keyspace_tally(f.ks)->hits;
    uint64_t misses = keyspace_tally(f.ks)->misses;
    fixture_read(&f, f.time_ms, "HGET h a");
    fixture_read(&f, f.time_ms, "HGET h nosuch");
    fixture_read(&f, f.time_ms, "HGETALL nokey");
    assert_int_equal(hits + 2, keyspace_tally(f.ks)->hits);
    assert_int_equal(misses + 1, keyspace_tally(f.ks)->misses);
    fixture_release(&f);
}

/* Expiry is that of the key: what has expired is not there, and what is set
 * then begins anew. */
static void test_expiry(void **state)
{
    struct fixture f;
    UNUSED(state);
    fixture_init(&f);
    fill(&f, 1000);
    fixture_run(&f, "PEXPIRE h 1000");
    fixture_run(&f, "HSET h f1 x");
    f.time_ms += 999;
    assert_string_equal(fixture_run(&f, "HGET h f1"), "$1\r\nx\r\n");
    assert_string_equal(fixture_run(&f, "PTTL h"), ":1\r\n");
    f.time_ms += 1;
    assert_string_equal(fixture_run(&f, "HGET h f1"), "$-1\r\n");
    assert_string_equal(fixture_run(&f, "HLEN h"), ":0\r\n");
    assert_string_equal(fixture_run(&f, "HSET h f1 y"), ":1\r\n");
    assert_string_equal(fixture_run(&f, "HLEN h"), ":1\r\n");
    assert_string_equal(fixture_run(&f, "PTTL h"), ":-1\r\n");
    fixture_release(&f);
}

/* ---- fields that expire ---- */

/* How many rows of a kind the store has. */
static uint32_t rows_of(struct fixture *f, enum row_letter letter)
{
    uint32_t count = 0;
    uint8_t first = (uint8_t)letter;
    struct store_iter *it = store_iter_new(f->store, STORE_STATE);
    for (store_iter_seek(it, bytes_of(&first, 1));
         store_iter_valid(it) && row_is(store_iter_key(it), letter);
         store_iter_next(it))
        count++;
    store_iter_free(it);
    return count;
}

/* Every second one of `count` fields, in a second. */
static void fill_expiring(struct fixture *f, uint32_t count)
{
    fill(f, count);
    for (uint32_t i = 0; i < count; i += 2)
        assert_string_equal(run_number(f, "HPEXPIRE h 1000 FIELDS 1 f%u", i),
                            "*1\r\n:1\r\n");
}

/* The odd ones are there, for each command. */
static void only_odd_ones(struct fixture *f, uint32_t count)
{
    static const char *const lines[] = {"HGETALL h", "HKEYS h",
                                        "HRANDFIELD h 9999",
                                        "HRANDFIELD h 9999 WITHVALUES"};
    static uint32_t times[FIELDS];
    char expected[20];
    memset(times, 0, sizeof(times));
    for (uint32_t which = 0; which < ARRAY_LEN(lines); which++)
        assert_int_equal(count / 2,
                         count_fields(fixture_run(f, lines[which]), times));
    scan_all(f, "COUNT 7", times);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(i % 2 == 0 ? 0 : ARRAY_LEN(lines) + 1, times[i]);
    for (uint32_t n = 0; n < 100; n++)
        count_fields(fixture_run(f, "HRANDFIELD h -3"), times);
    for (uint32_t i = 0; i < count; i += 2)
        assert_int_equal(0, times[i]);
    snprintf(expected, sizeof(expected), ":%u\r\n", count / 2);
    assert_string_equal(fixture_run(f, "HLEN h"), expected);
    assert_string_equal(fixture_run(f, "HGET h f2"), "$-1\r\n");
    assert_string_equal(fixture_run(f, "HMGET h f2"), "*1\r\n$-1\r\n");
    assert_string_equal(fixture_run(f, "HEXISTS h f2"), ":0\r\n");
    assert_string_equal(fixture_run(f, "HSTRLEN h f2"), ":0\r\n");
    assert_string_equal(fixture_run(f, "HTTL h FIELDS 1 f2"), "*1\r\n:-2\r\n");
    assert_string_equal(fixture_run(f, "HGET h f3"), "$2\r\nv3\r\n");
}

static void test_fields_expire(void **state)
{
    static const uint32_t sizes[] = {20, 2000};
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct fixture f;
        uint32_t n = sizes[i];
        fixture_init(&f);
        f.internal = true;
        fill_expiring(&f, n);
        assert_int_equal(1, rows_of(&f, ROW_DUE));
        f.time_ms += 999;
        assert_string_equal(fixture_run(&f, "HGET h f2"), "$2\r\nv2\r\n");
        assert_false(keyspace_due(f.ks, f.time_ms));
        f.time_ms += 1;
        only_odd_ones(&f, n);
        assert_true(keyspace_due(f.ks, f.time_ms));
        fixture_run(&f, "vard.sweep 10000");
        assert_int_equal(0, rows_of(&f, ROW_DUE));
        assert_int_equal(0, rows_of(&f, ROW_EXPIRY));
        assert_false(keyspace_due(f.ks, INT64_MAX));
        only_odd_ones(&f, n);
        fixture_release(&f);
    }
}

/* What was not swept yet is set as if it were not there. */
static void test_expired_fields_are_set_anew(void **state)
{
    struct fixture f;
    UNUSED(state);
    fixture_init(&f);
    fill_expiring(&f, 20);
    f.time_ms += 1000;
    assert_string_equal(fixture_run(&f, "HSET h f0 new f1 x"), ":1\r\n");
    assert_string_equal(fixture_run(&f, "HSETNX h f2 new"), ":1\r\n");
    assert_string_equal(fixture_run(&f, "HINCRBY h f4 5"), ":5\r\n");
    assert_string_equal(fixture_run(&f, "HINCRBYFLOAT h f6 5"), "$1\r\n5\r\n");
    assert_string_equal(fixture_run(&f, "HDEL h f8"), ":0\r\n");
    assert_string_equal(fixture_run(&f, "HSETEX h FNX FIELDS 1 f10 new"),
                        ":1\r\n");
    assert_string_equal(fixture_run(&f, "HSETEX h KEEPTTL FIELDS 1 f12 new"),
                        ":1\r\n");
    assert_string_equal(fixture_run(&f, "HGETDEL h FIELDS 2 f14 f15"),
                        "*2\r\n$-1\r\n$3\r\nv15\r\n");
    assert_string_equal(fixture_run(&f, "HPERSIST h FIELDS 1 f16"),
                        "*1\r\n:-2\r\n");
    assert_string_equal(fixture_run(&f, "HTTL h FIELDS 6 f0 f2 f4 f6 f10 f12"),
                        "*6\r\n:-1\r\n:-1\r\n:-1\r\n:-1\r\n:-1\r\n:-1\r\n");
    assert_string_equal(fixture_run(&f, "HLEN h"), ":15\r\n");
    fixture_release(&f);
}

/* Thousands of fields of one moment, a few with each sweep. */
static void test_sweeps_have_a_limit(void **state)
{
    struct fixture f;
    uint32_t sweeps = 0;
    UNUSED(state);
    fixture_init(&f);
    f.internal = true;
    fill_expiring(&f, 200);
    fixture_run(&f, "HSETEX h PX 1001 FIELDS 2 x 1 y 1");
    f.time_ms += 1001;
    while (keyspace_due(f.ks, f.time_ms)) {
        assert_string_equal(fixture_run(&f, "vard.sweep 3"), ":3\r\n");
        assert_string_equal(fixture_run(&f, "HLEN h"), ":100\r\n");
        assert_true(++sweeps <= 34);
    }
    assert_int_equal(34, sweeps);
    assert_int_equal(0, rows_of(&f, ROW_DUE));
    assert_int_equal(0, rows_of(&f, ROW_EXPIRY));
    fixture_release(&f);
}

/* The last field takes the key with it. */
static void test_the_last_field(void **state)
{
    struct fixture f;
    UNUSED(state);
    fixture_init(&f);
    f.internal = true;
    fixture_run(&f, "HSETEX h PX 10 FIELDS 2 x 1 y 1");
    fixture_run(&f, "PEXPIRE h 50");
    f.time_ms += 10;
    assert_string_equal(fixture_run(&f, "HGETALL h"), "*0\r\n");
    fixture_run(&f, "vard.sweep 100");
    assert_string_equal(fixture_run(&f, "EXISTS h"), ":0\r\n");
    assert_string_equal(fixture_run(&f, "DBSIZE"), ":0\r\n");
    assert_int_equal(0, rows_of(&f, ROW_VALUE));
    assert_int_equal(0, rows_of(&f, ROW_DUE));
    assert_int_equal(0, rows_of(&f, ROW_EXPIRY));
    fixture_release(&f);
}

/* Whatever ends a hash takes along the row that says when its fields are due,
 * or a sweep finds that there is nothing. */
static void test_no_row_is_left(void **state)
{
    static const char *const ends[] = {"DEL h",
                                       "UNLINK h",
                                       "SET h x",
                                       "SETEX h 100 x",
                                       "GETSET s x",
                                       "PEXPIRE h 0",
                                       "HDEL h a b",
                                       "HGETDEL h FIELDS 2 a b",
                                       "HSET h a 1 b 2",
                                       "HPERSIST h FIELDS 2 a b",
                                       "HPEXPIRE h 0 FIELDS 2 a b",
                                       "MSET h x"};
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(ends) + 1; i++) {
        struct fixture f;
        fixture_init(&f);
        f.internal = true;
        fixture_run(&f, "HSETEX h EX 500 FIELDS 2 a 1 b 1");
        fixture_run(&f, "PEXPIRE h 1000");
        assert_int_equal(1, rows_of(&f, ROW_DUE));
        if (i < ARRAY_LEN(ends)) {
            fixture_run(&f, ends[i]);
            if (strcmp(ends[i], "GETSET s x") == 0)
                fixture_run(&f, "DEL h");
        } else { /* its key expires */
            f.time_ms += 1000;
            fixture_run(&f, "vard.sweep 100");
            assert_int_equal(0, rows_of(&f, ROW_VALUE));
        }
        if (rows_of(&f, ROW_DUE) != 0)
            fail_msg("left by %s", i < ARRAY_LEN(ends) ? ends[i] : "a sweep");
        f.time_ms += 500000;
        fixture_run(&f, "vard.sweep 100");
        assert_int_equal(0, rows_of(&f, ROW_EXPIRY));
        fixture_release(&f);
    }
}

/* Times move along with another name, and a copy has its own. */
static void test_fields_of_another_name(void **state)
{
    static const char *const names[] = {"g", "c"};
    struct fixture f;
    UNUSED(state);
    fixture_init(&f);
    f.internal = true;
    fixture_run(&f, "HSETEX g PX 300 FIELDS 1 old 1");
    fixture_run(&f, "HSETEX h PX 500 FIELDS 2 a 1 b 1");
    fixture_run(&f, "HSET h stays 1");
    assert_string_equal(fixture_run(&f, "RENAME h g"), "+OK\r\n");
    assert_string_equal(fixture_run(&f, "COPY g c"), ":1\r\n");
    assert_string_equal(fixture_run(&f, "COPY g m"), ":1\r\n");
    assert_string_equal(fixture_run(&f, "MOVE m 5"), ":1\r\n");
    assert_int_equal(3, rows_of(&f, ROW_DUE));
    fixture_run(&f, "HPERSIST c FIELDS 1 b");
    f.time_ms += 300;
    fixture_run(&f, "vard.sweep 100");
    assert_string_equal(fixture_run(&f, "HPTTL c FIELDS 3 a b stays"),
                        "*3\r\n:200\r\n:-1\r\n:-1\r\n");
    f.time_ms += 200;
    fixture_run(&f, "vard.sweep 100");
    assert_int_equal(0, rows_of(&f, ROW_DUE));
    assert_int_equal(0, rows_of(&f, ROW_EXPIRY));
    for (uint32_t i = 0; i < ARRAY_LEN(names); i++)
        assert_string_equal(run_number(&f, "HLEN %s", names[i]),
                            i == 0 ? ":1\r\n" : ":2\r\n");
    f.db = 5;
    assert_string_equal(fixture_run(&f, "HKEYS m"), "*1\r\n$5\r\nstays\r\n");
    fixture_release(&f);
}

/* A flush leaves rows of the index, which name nothing any more. */
static void test_flushed_fields(void **state)
{
    struct fixture f;
    UNUSED(state);
    fixture_init(&f);
    f.internal = true;
    fixture_run(&f, "HSETEX h PX 500 FIELDS 1 a 1");
    fixture_run(&f, "FLUSHDB");
    fixture_run(&f, "HSETEX h PX 900 FIELDS 1 a 2");
    f.time_ms += 500;
    fixture_run(&f, "vard.sweep 100");
    assert_string_equal(fixture_run(&f, "HGET h a"), "$1\r\n2\r\n");
    f.time_ms += 400;
    fixture_run(&f, "vard.sweep 100");
    assert_string_equal(fixture_run(&f, "DBSIZE"), ":0\r\n");
    assert_int_equal(0, rows_of(&f, ROW_EXPIRY));
    fixture_release(&f);
}

/* A read whose time is beyond the log's cannot tell whether a field is there
 * still, and sends the command through the log; it can of other fields. */
static void test_fields_in_doubt(void **state)
{
    static const char *const doubtful[] = {
        "HGET h a",     "HMGET h b a",       "HLEN h",        "HGETALL h",
        "HKEYS h",      "HEXISTS h a",       "HSTRLEN h a",   "HSCAN h 0",
        "HRANDFIELD h", "HTTL h FIELDS 1 a", "HRANDFIELD h 5"};
    struct fixture f;
    UNUSED(state);
    fixture_init(&f);
    fixture_run(&f, "HSET h a 1 b 2");
    fixture_run(&f, "HPEXPIRE h 1000 FIELDS 1 a");
    for (size_t i = 0; i < ARRAY_LEN(doubtful); i++) {
        fixture_read(&f, f.time_ms + 999, doubtful[i]);
        assert_false(keyspace_in_doubt(f.ks));
        fixture_read(&f, f.time_ms + 1000, doubtful[i]);
        if (!keyspace_in_doubt(f.ks))
            fail_msg("%s", doubtful[i]);
    }
    assert_string_equal(fixture_read(&f, f.time_ms + 1000, "HGET h b"),
                        "$1\r\n2\r\n");
    assert_false(keyspace_in_doubt(f.ks));
    f.time_ms += 1000;
    fixture_run(&f, "SET other x");
    assert_string_equal(fixture_read(&f, f.time_ms, "HGET h a"), "$-1\r\n");
    assert_false(keyspace_in_doubt(f.ks));
    fixture_release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resp3),
        cmocka_unit_test(test_large_hash),
        cmocka_unit_test(test_one_entry),
        cmocka_unit_test(test_scan),
        cmocka_unit_test(test_random_fields),
        cmocka_unit_test(test_uniform),
        cmocka_unit_test(test_long_values),
        cmocka_unit_test(test_long_fields),
        cmocka_unit_test(test_replies_have_a_length),
        cmocka_unit_test(test_lookups),
        cmocka_unit_test(test_expiry),
        cmocka_unit_test(test_fields_expire),
        cmocka_unit_test(test_expired_fields_are_set_anew),
        cmocka_unit_test(test_sweeps_have_a_limit),
        cmocka_unit_test(test_the_last_field),
        cmocka_unit_test(test_no_row_is_left),
        cmocka_unit_test(test_fields_of_another_name),
        cmocka_unit_test(test_flushed_fields),
        cmocka_unit_test(test_fields_in_doubt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
