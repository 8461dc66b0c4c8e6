/*
 * Random entries on two replicas, one of which crashes and applies its log
 * again from where its state stood: both end with the same bytes in the
 * store, and both agree with a model made of plain arrays.
 */
// link: store data resp table base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "data/key.h"
#include "data/kinds.h"
#include "data/session.h"
#include "data/value.h"
#include "unit/cmd/cmd_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#define KEYS        8
#define DBS         2
#define ENTRIES     400
#define ENTRY_LINES 6

struct script_entry {
    int64_t time_ms;
    uint64_t seed;
    int count;
    struct {
        uint8_t db;
        char text[80];
    } lines[ENTRY_LINES];
};

/* --- the model ---------------------------------------------------------- */

struct model_key {
    bool exists;
    int64_t expire_ms;
    char value[4096];
};

struct model {
    struct model_key keys[DBS][KEYS];
    int64_t now_ms;
};

static struct model_key *model_live(struct model *m, uint8_t db, int key)
{
    struct model_key *k = &m->keys[db][key];
    if (k->exists && k->expire_ms != 0 && k->expire_ms <= m->now_ms)
        k->exists = false;
    if (!k->exists)
        *k = (struct model_key){false, 0, ""};
    return k;
}

/* Only what is written as a number would be is one. */
static void model_incr(struct model_key *k, long by)
{
    char again[32];
    long v = strtol(k->value, NULL, 10);
    snprintf(again, sizeof(again), "%ld", v);
    if (k->exists && strcmp(again, k->value) != 0)
        return;
    if (__builtin_add_overflow(v, by, &v))
        return;
    k->exists = true;
    snprintf(k->value, sizeof(k->value), "%ld", v);
}

static void model_expire(struct model *m, struct model_key *k, long ms)
{
    if (!k->exists)
        return;
    k->expire_ms = m->now_ms + ms;
    if (ms <= 0)
        k->exists = false;
}

/* Applies a line as script_line() writes them: "WORD key number". */
static void model_line(struct model *m, uint8_t db, const char *line)
{
    char word[16] = "";
    int key = 0;
    long n = 0;
    int fields = sscanf(line, "%15s k%d %ld", word, &key, &n);
    assert_true(fields >= 1);
    if (word[0] == 'H')
        return; /* of hashes there is no model here */
    struct model_key *k = model_live(m, db, key % KEYS);
    if (strcmp(word, "SET") == 0 || strcmp(word, "SETEX") == 0) {
        k->exists = true;
        k->expire_ms = word[3] == 0 ? 0 : m->now_ms + n * 1000;
        snprintf(k->value, sizeof(k->value), "%ld", word[3] == 0 ? n : 7);
    } else if (strcmp(word, "DEL") == 0) {
        k->exists = false;
    } else if (strcmp(word, "INCRBY") == 0) {
        model_incr(k, n);
    } else if (strcmp(word, "APPEND") == 0) {
        size_t len = strlen(k->value);
        k->exists = true;
        snprintf(k->value + len, sizeof(k->value) - len, "%ld", n);
    } else if (strcmp(word, "PEXPIRE") == 0) {
        model_expire(m, k, n);
    } else if (strcmp(word, "PERSIST") == 0) {
        k->expire_ms = 0;
    } else if (strcmp(word, "CAS") == 0) {
        char expected[24];
        snprintf(expected, sizeof(expected), "%ld", n);
        if (k->exists && strcmp(k->value, expected) == 0) {
            snprintf(k->value, sizeof(k->value), "new");
            k->expire_ms = 0;
        }
    } else if (strcmp(word, "FLUSHDB") == 0) {
        memset(m->keys[db], 0, sizeof(m->keys[db]));
    } else {
        assert_string_equal(word, "vard.sweep");
    }
}

/* Of one of two hashes: fields come and go, by commands and by their time; some
 * have long values, and there are enough of them for pages. */
static void hash_line(uint64_t *rng, char *out, size_t size)
{
    int hash = (int)rng_below(rng, 2);
    int field = (int)rng_below(rng, 300);
    int n = 1 + (int)rng_below(rng, 3000);
    switch (rng_below(rng, 8)) {
    case 0:
        snprintf(out, size, "HDEL h%d f%d", hash, field);
        return;
    case 1:
        snprintf(out, size, "HPEXPIRE h%d %d FIELDS 2 f%d f%d", hash, n, field,
                 field + 1);
        return;
    case 2:
        snprintf(out, size, "HINCRBYFLOAT h%d f%d 1e%d", hash, field, n);
        return;
    case 3:
        snprintf(out, size, "HSETEX h%d PX %d FIELDS 1 f%d v", hash, n, field);
        return;
    default:
        snprintf(out, size, "HSET h%d f%d %d f%d 1 f%d 2 f%d 3", hash, field, n,
                 field + 1, field + 2, field + 3);
    }
}

/* --- the script --------------------------------------------------------- */

static void script_line(uint64_t *rng, char *out, size_t size)
{
    int key = (int)rng_below(rng, KEYS);
    int n = (int)rng_below(rng, 12);
    if (rng_below(rng, 4) == 0) {
        hash_line(rng, out, size);
        return;
    }
    switch (rng_below(rng, 20)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
        snprintf(out, size, "SET k%d %d", key, n);
        return;
    case 5:
    case 6:
    case 7:
        snprintf(out, size, "SETEX k%d %d 7", key, n + 1);
        return;
    case 8:
    case 9:
        snprintf(out, size, "DEL k%d", key);
        return;
    case 10:
    case 11:
        snprintf(out, size, "INCRBY k%d %d", key, n);
        return;
    case 12:
        snprintf(out, size, "APPEND k%d %d", key, n);
        return;
    case 13:
    case 14:
        snprintf(out, size, "PEXPIRE k%d %d", key, (n - 1) * 500);
        return;
    case 15:
        snprintf(out, size, "PERSIST k%d", key);
        return;
    case 16:
        snprintf(out, size, "CAS k%d %d new", key, n);
        return;
    case 17:
        snprintf(out, size, n < 4 ? "FLUSHDB" : "DEL k%d", key);
        return;
    default:
        snprintf(out, size, "vard.sweep %d", n);
        return;
    }
}

static void script_make(struct script_entry *e, size_t count, uint64_t rng)
{
    int64_t now_ms = START_MS;
    for (size_t i = 0; i < count; i++) {
        now_ms += (int64_t)rng_below(&rng, 1500);
        e[i].time_ms = now_ms;
        e[i].seed = rng_next(&rng);
        e[i].count = 1 + (int)rng_below(&rng, ENTRY_LINES);
        for (int l = 0; l < e[i].count; l++) {
            e[i].lines[l].db = (uint8_t)rng_below(&rng, DBS);
            script_line(&rng, e[i].lines[l].text, sizeof(e[i].lines[l].text));
        }
    }
}

/* --- replicas ----------------------------------------------------------- */

/* Applies entry i (its index is i + 1): sessions, first answers and lines. */
static void apply_entry(struct fixture *f, const struct script_entry *e,
                        size_t i)
{
    struct applied entry = {i + 1, 1 + i / 50, e->time_ms, 0, i * 31};
    struct bytes reply;
    buf_reset(&f->out);
    keyspace_begin(f->ks, &entry, e->seed);
    bool admitted =
        session_admit(f->ks, (node_id)(i % 3), 1 + i / 100, (i % 100) / 3 + 1);
    UNUSED(admitted);
    for (int l = 0; l < e->count; l++) {
        f->db = e->lines[l].db;
        fixture_apply(f, e->lines[l].text);
    }
    if (once_check(f->ks, BYTES_LIT("client"), i / 2, &reply) == ONCE_NEW)
        once_store(f->ks, BYTES_LIT("client"), i / 2, buf_view(&f->out), 3000);
    assert_int_equal(keyspace_commit(f->ks), 0);
}

static void reopen(struct fixture *f)
{
    keyspace_close(f->ks);
    store_memory_crash(f->store, 0);
    fixture_open(f);
}

static void dump(struct store *s, struct buf *out)
{
    struct store_iter *it = store_iter_new(s, STORE_STATE);
    for (store_iter_seek(it, BYTES_NONE); store_iter_valid(it);
         store_iter_next(it)) {
        struct bytes key = store_iter_key(it);
        struct bytes value = store_iter_value(it);
        buf_u32(out, (uint32_t)key.len);
        buf_bytes(out, key);
        buf_u32(out, (uint32_t)value.len);
        buf_bytes(out, value);
    }
    assert_int_equal(store_iter_status(it), 0);
    store_iter_free(it);
}

static bool has_row(struct store *s, int64_t time_ms, struct bytes key)
{
    struct buf row = BUF_INIT;
    struct buf value = BUF_INIT;
    key_expiry(&row, time_ms, key);
    bool found = store_get(s, STORE_STATE, buf_view(&row), &value) == 0;
    buf_release(&row);
    buf_release(&value);
    return found;
}

/* Counts what is there, and checks that every expiry has its index row. */
static void check_store(struct fixture *f)
{
    struct keyspace_count counts[KEYSPACE_DATABASES] = {{0}};
    struct store_iter *it = store_iter_new(f->store, STORE_STATE);
    for (store_iter_seek(it, BYTES_LIT("k")); store_iter_valid(it);
         store_iter_next(it)) {
        struct bytes key = store_iter_key(it);
        struct value v;
        if (!row_is(key, ROW_VALUE))
            break;
        if (!keyspace_is_current(f->ks, key))
            continue;
        assert_int_equal(value_decode(store_iter_value(it), &v), 0);
        counts[row_db(key)].keys++;
        counts[row_db(key)].expires += v.expire_ms != 0;
        counts[row_db(key)].expire_sum_low += (uint64_t)v.expire_ms;
        assert_true(v.expire_ms == 0 || has_row(f->store, v.expire_ms, key));
    }
    store_iter_free(it);
    for (uint8_t db = 0; db < KEYSPACE_DATABASES; db++)
        assert_memory_equal(keyspace_counts(f->ks, db), &counts[db],
                            sizeof(counts[db]));
}

static void check_model(struct fixture *f, struct model *m)
{
    keyspace_read_at(f->ks, m->now_ms);
    for (uint8_t db = 0; db < DBS; db++) {
        for (int i = 0; i < KEYS; i++) {
            char name[8];
            struct value v;
            struct model_key *k = model_live(m, db, i);
            snprintf(name, sizeof(name), "k%d", i);
            bool found = keyspace_get(f->ks, db, bytes_str(name), &v);
            assert_int_equal(found, k->exists);
            if (found) {
                assert_true(bytes_eq(v.data, bytes_str(k->value)));
                assert_int_equal(v.expire_ms, k->expire_ms);
            }
        }
    }
    assert_false(keyspace_in_doubt(f->ks));
}

/* The whole script without a crash, against the model. */
static void run_steady(struct fixture *f, struct script_entry *e)
{
    struct model *m = calloc(1, sizeof(*m));
    assert_non_null(m);
    for (size_t i = 0; i < ENTRIES; i++) {
        apply_entry(f, &e[i], i);
        m->now_ms = e[i].time_ms;
        for (int l = 0; l < e[i].count; l++)
            model_line(m, e[i].lines[l].db, e[i].lines[l].text);
        check_model(f, m);
        check_store(f);
    }
    free(m);
}

/* The same script with flushes and crashes in between. */
static void run_crashing(struct fixture *f, struct script_entry *e,
                         uint64_t rng)
{
    int crashes = 0;
    size_t i = 0;
    while (i < ENTRIES) {
        apply_entry(f, &e[i], i);
        i++;
        if (rng_below(&rng, 20) == 0)
            assert_int_equal(store_flush(f->store, STORE_STATE, true), 0);
        if (rng_below(&rng, 40) == 0 && crashes < 20) {
            struct applied flushed;
            assert_int_equal(keyspace_flushed(f->ks, &flushed), 0);
            reopen(f);
            i = (size_t)keyspace_applied(f->ks)->index;
            assert_int_equal(i, flushed.index);
            crashes++;
        }
    }
    assert_true(crashes > 0);
}

static void test_two_replicas(void **state)
{
    UNUSED(state);
    static struct script_entry script[ENTRIES];
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct fixture a;
        struct fixture b;
        struct buf dump_a = BUF_INIT;
        struct buf dump_b = BUF_INIT;
        script_make(script, ENTRIES, seed);
        fixture_init(&a);
        fixture_init(&b);
        a.internal = true;
        b.internal = true;
        run_steady(&a, script);
        run_crashing(&b, script, seed);
        dump(a.store, &dump_a);
        dump(b.store, &dump_b);
        assert_true(bytes_eq(buf_view(&dump_a), buf_view(&dump_b)));
        check_store(&b);
        assert_memory_equal(keyspace_applied(a.ks), keyspace_applied(b.ks),
                            sizeof(struct applied));
        fixture_release(&a);
        fixture_release(&b);
        buf_release(&dump_a);
        buf_release(&dump_b);
    }
}

/* In the end the sweep leaves neither records nor rows. */
static void test_sweep_leaves_nothing(void **state)
{
    UNUSED(state);
    static struct script_entry script[ENTRIES];
    struct fixture f;
    fixture_init(&f);
    f.internal = true;
    script_make(script, ENTRIES, 99);
    for (size_t i = 0; i < ENTRIES; i++)
        apply_entry(&f, &script[i], i);
    f.index = ENTRIES;
    f.time_ms = script[ENTRIES - 1].time_ms + 1000000;
    assert_true(keyspace_due(f.ks, f.time_ms));
    fixture_run(&f, "vard.sweep 1000000");
    assert_false(keyspace_due(f.ks, INT64_MAX));
    check_store(&f);
    for (uint8_t db = 0; db < DBS; db++)
        assert_int_equal(keyspace_counts(f.ks, db)->expires, 0);
    fixture_release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_replicas),
        cmocka_unit_test(test_sweep_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
