/*
 * Flushes: a database goes by its epoch alone, whether the store collects the
 * garbage or not.
 */
// link: store base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "data/key.h"
#include "data/value.h"
#include "unit/data/data_fixture.h"

static void flush(struct fixture *f, uint8_t db)
{
    begin(f);
    assert_true(keyspace_flush_db(f->ks, db));
    commit(f);
}

static void reopen(struct fixture *f)
{
    keyspace_close(f->ks);
    open_keyspace(f);
}

/* --- a store that collects garbage at once ----------------------------------
 */

/* The one in memory never does. */
struct eager {
    struct store base;
    struct store *inner;
    uint32_t discards;
};

static struct store *inner_of(struct store *s)
{
    return ((struct eager *)s)->inner;
}

static int eager_get(struct store *s, enum store_family family,
                     struct bytes key, struct buf *value)
{
    return store_get(inner_of(s), family, key, value);
}

static void collect(struct store *inner, const struct store_batch_op *op)
{
    struct store_batch b = STORE_BATCH_INIT;
    struct store_iter *it = store_iter_new(inner, STORE_STATE);
    for (store_iter_seek(it, op->key);
         store_iter_valid(it) && bytes_cmp(store_iter_key(it), op->value) < 0;
         store_iter_next(it))
        store_batch_delete(&b, STORE_STATE, store_iter_key(it));
    store_iter_free(it);
    assert_int_equal(store_write(inner, &b, STORE_UNLOGGED), 0);
    store_batch_release(&b);
}

static int eager_write(struct store *s, const struct store_batch *b,
                       enum store_write_kind kind)
{
    struct store_batch_op op;
    size_t pos = 0;
    int err = store_write(inner_of(s), b, kind);
    while (err == 0 && store_batch_next(b, &pos, &op)) {
        if (op.op != STORE_OP_DISCARD)
            continue;
        collect(inner_of(s), &op);
        ((struct eager *)s)->discards++;
    }
    return err;
}

static struct store_iter *eager_iter_new(struct store *s,
                                         enum store_family family)
{
    return store_iter_new(inner_of(s), family);
}

static const struct store_ops EAGER_OPS = {
    .get = eager_get,
    .write = eager_write,
    .iter_new = eager_iter_new,
};

static void setup_eager(struct fixture *f, struct eager *s)
{
    *s = (struct eager){{&EAGER_OPS}, store_memory_new(), 0};
    *f = (struct fixture){.store = &s->base, .now_ms = 1000};
    open_keyspace(f);
}

static void teardown_eager(struct fixture *f, struct eager *s)
{
    keyspace_close(f->ks);
    store_close(s->inner);
}

/* The values that the store has, garbage included. */
static size_t values(struct fixture *f)
{
    size_t n = 0;
    struct store_iter *it = store_iter_new(f->store, STORE_STATE);
    for (store_iter_seek(it, BYTES_LIT("k"));
         store_iter_valid(it) && row_is(store_iter_key(it), ROW_VALUE);
         store_iter_next(it))
        n++;
    store_iter_free(it);
    return n;
}

/* The counts of a database as a walk over its rows gives them. */
static struct keyspace_count walk(struct fixture *f, uint8_t db)
{
    struct keyspace_count n = {0};
    struct store_iter *it = store_iter_new(f->store, STORE_STATE);
    for (store_iter_seek(it, BYTES_LIT("k")); store_iter_valid(it);
         store_iter_next(it)) {
        struct bytes key = store_iter_key(it);
        struct value v;
        if (!row_is(key, ROW_VALUE))
            break;
        if (row_db(key) != db || !keyspace_is_current(f->ks, key))
            continue;
        assert_int_equal(value_decode(store_iter_value(it), &v), 0);
        n.keys++;
        n.expires += v.expire_ms != 0;
        n.expire_sum_low += (uint64_t)v.expire_ms; /* of few, so no more */
    }
    store_iter_free(it);
    return n;
}

static void expect_counts(struct fixture *f, uint8_t db, uint64_t keys,
                          uint64_t expires)
{
    struct keyspace_count n = walk(f, db);
    assert_int_equal(keyspace_counts(f->ks, db)->keys, keys);
    assert_int_equal(keyspace_counts(f->ks, db)->expires, expires);
    assert_int_equal(n.keys, keys);
    assert_int_equal(n.expires, expires);
    assert_memory_equal(keyspace_counts(f->ks, db), &n, sizeof(n));
}

/* --- the form --------------------------------------------------------------
 */

static void expect_row(struct fixture *f, struct bytes key, struct bytes value)
{
    struct buf got = BUF_INIT;
    assert_int_equal(store_get(f->store, STORE_STATE, key, &got), 0);
    assert_int_equal(got.len, value.len);
    assert_memory_equal(got.data, value.data, value.len);
    buf_release(&got);
}

static void test_form(void **state)
{
    UNUSED(state);
    struct fixture f;
    struct buf key = BUF_INIT;
    setup(&f);
    begin(&f);
    put(&f, 3, "a", "1", 0);
    put(&f, 3, "b", "1", 9000);
    commit(&f);
    expect_row(&f, BYTES_LIT("mcount\3"),
               BYTES_LIT("\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\1\0\0\0\0"
                         "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x23\x28"));
    key_encode(&key, 3, 0, BYTES_LIT("a"));
    assert_int_equal(row_epoch(buf_view(&key)), 0);
    assert_true(keyspace_is_current(f.ks, buf_view(&key)));
    flush(&f, 3);
    assert_false(keyspace_is_current(f.ks, buf_view(&key)));
    begin(&f);
    put(&f, 3, "a", "2", 0);
    commit(&f);
    expect_row(&f, BYTES_LIT("mcount\3"),
               BYTES_LIT("\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\1"
                         "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"));
    key_encode(&key, 3, 1, BYTES_LIT("a"));
    assert_true(keyspace_is_current(f.ks, buf_view(&key)));
    expect_row(&f, buf_view(&key),
               BYTES_LIT("\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\3"
                         "2"));
    assert_int_equal(rows(&f, ROW_VALUE), 1);
    buf_release(&key);
    teardown(&f);
}

/* The epoch is of the state: it comes back with it, as old as it. */
static void test_epoch_survives(void **state)
{
    UNUSED(state);
    struct fixture f;
    setup(&f);
    begin(&f);
    put(&f, 0, "a", "1", 0);
    commit(&f);
    assert_int_equal(store_flush(f.store, STORE_STATE, true), 0);
    flush(&f, 0);
    begin(&f);
    put(&f, 0, "b", "2", 0);
    commit(&f);
    reopen(&f);
    assert_true(holds(&f, 0, "a", NULL));
    assert_true(holds(&f, 0, "b", "2"));
    expect_counts(&f, 0, 1, 0);
    keyspace_close(f.ks);
    store_memory_crash(f.store, 0);
    open_keyspace(&f);
    assert_true(holds(&f, 0, "a", "1"));
    assert_true(holds(&f, 0, "b", NULL));
    expect_counts(&f, 0, 1, 0);
    teardown(&f);
}

/* A row of 16 bytes is from before there were epochs: refused. */
static void test_without_an_epoch(void **state)
{
    UNUSED(state);
    struct fixture f;
    struct store_batch b = STORE_BATCH_INIT;
    struct buf error = BUF_INIT;
    setup(&f);
    keyspace_close(f.ks);
    store_batch_put(&b, STORE_STATE, BYTES_LIT("mcount\0"),
                    BYTES_LIT("\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\1"));
    assert_int_equal(store_write(f.store, &b, STORE_UNLOGGED), 0);
    store_batch_release(&b);
    assert_int_equal(keyspace_open(&f.ks, f.store, &error), ERR_CORRUPT);
    buf_release(&error);
    teardown(&f);
}

/* --- within an entry --------------------------------------------------------
 */

/* Of an epoch that begins in the entry, nothing is read from the store. */
static void test_new_epoch_is_not_read(void **state)
{
    UNUSED(state);
    struct fixture f;
    setup(&f);
    begin(&f);
    put(&f, 0, "a", "1", 0);
    put(&f, 1, "a", "1", 0);
    commit(&f);
    begin(&f);
    keyspace_flush_db(f.ks, 0);
    store_memory_fail(f.store, "get", 1);
    assert_true(holds(&f, 0, "a", NULL));
    put(&f, 0, "b", "2", 0);
    assert_true(holds(&f, 0, "b", "2"));
    assert_int_equal(keyspace_error(f.ks), 0);
    assert_true(holds(&f, 1, "a", NULL));
    assert_int_equal(keyspace_error(f.ks), ERR_IO);
    store_memory_fail(f.store, "get", 0);
    teardown(&f);
}

/* The same key before, between and after two flushes in one entry: only what
 * comes last is written; a row of an earlier entry stays behind. */
static void test_same_key_around_flushes(void **state)
{
    UNUSED(state);
    struct fixture f;
    setup(&f);
    begin(&f);
    put(&f, 0, "a", "0", 1500);
    commit(&f);
    begin(&f);
    put(&f, 0, "a", "1", 2000);
    keyspace_flush_db(f.ks, 0);
    assert_int_equal(keyspace_counts(f.ks, 0)->keys, 0);
    assert_true(holds(&f, 0, "a", NULL));
    put(&f, 0, "a", "2", 3000);
    put(&f, 0, "b", "2", 0);
    assert_int_equal(keyspace_counts(f.ks, 0)->keys, 2);
    keyspace_flush_db(f.ks, 0);
    assert_true(holds(&f, 0, "a", NULL));
    assert_false(del(&f, 0, "b"));
    put(&f, 0, "a", "3", 4000);
    assert_true(holds(&f, 0, "a", "3"));
    commit(&f);
    expect_counts(&f, 0, 1, 1);
    assert_int_equal(values(&f), 2);
    assert_int_equal(rows(&f, ROW_EXPIRY), 2);
    f.now_ms = 3500;
    begin(&f);
    assert_int_equal(keyspace_sweep(f.ks, 10), 1);
    assert_int_equal(keyspace_sweep(f.ks, 10), 0);
    commit(&f);
    assert_true(holds(&f, 0, "a", "3"));
    expect_counts(&f, 0, 1, 1);
    assert_int_equal(rows(&f, ROW_EXPIRY), 1);
    f.now_ms = 4000;
    begin(&f);
    assert_int_equal(keyspace_sweep(f.ks, 10), 1);
    commit(&f);
    expect_counts(&f, 0, 0, 0);
    assert_int_equal(rows(&f, ROW_EXPIRY) + rows(&f, ROW_VALUE), 0);
    teardown(&f);
}

/* The sweep of an entry that has changed, flushed and written again. */
static void test_sweep_after_flush(void **state)
{
    UNUSED(state);
    struct fixture f;
    setup(&f);
    begin(&f);
    put(&f, 0, "a", "1", 2000);
    put(&f, 0, "b", "1", 2000);
    put(&f, 1, "c", "1", 2000);
    commit(&f);
    f.now_ms = 2000;
    begin(&f);
    put(&f, 0, "a", "2", 5000);
    keyspace_flush_db(f.ks, 0);
    put(&f, 0, "b", "2", 6000);
    assert_int_equal(keyspace_sweep(f.ks, 10), 3);
    assert_int_equal(keyspace_sweep(f.ks, 10), 0);
    commit(&f);
    expect_counts(&f, 0, 1, 1);
    expect_counts(&f, 1, 0, 0);
    assert_true(holds(&f, 0, "b", "2"));
    assert_int_equal(rows(&f, ROW_EXPIRY), 1);
    teardown(&f);
}

/* A flush in the entry that has swept: what was swept belongs to the ended
 * epoch now, so its index row stays, for a later sweep, which finds it. */
static void test_flush_after_sweep(void **state)
{
    UNUSED(state);
    struct fixture f;
    setup(&f);
    begin(&f);
    put(&f, 0, "a", "1", 2000);
    put(&f, 0, "b", "1", 2001);
    commit(&f);
    f.now_ms = 3000;
    begin(&f);
    assert_int_equal(keyspace_sweep(f.ks, 10), 2);
    keyspace_flush_db(f.ks, 0);
    commit(&f);
    expect_counts(&f, 0, 0, 0);
    assert_int_equal(rows(&f, ROW_EXPIRY), 2);
    assert_true(keyspace_due(f.ks, 3000));
    begin(&f);
    assert_int_equal(keyspace_sweep(f.ks, 10), 2);
    commit(&f);
    assert_int_equal(rows(&f, ROW_EXPIRY), 0);
    assert_false(keyspace_due(f.ks, 3000));
    expect_counts(&f, 0, 0, 0);
    teardown(&f);
}

/* --- garbage
 * ------------------------------------------------------------------ */

/* What the store is told: all ended epochs, but nothing of the present one. */
static void test_discards(void **state)
{
    UNUSED(state);
    struct eager s;
    struct fixture f;
    setup_eager(&f, &s);
    begin(&f);
    put(&f, 4, "a", "1", 0);
    put(&f, 5, "a", "1", 2000);
    put(&f, 6, "a", "1", 0);
    commit(&f);
    assert_int_equal(s.discards, 0);
    begin(&f);
    put(&f, 5, "b", "1", 0);
    keyspace_flush_db(f.ks, 5);
    put(&f, 5, "c", "1", 0);
    keyspace_flush_db(f.ks, 5);
    put(&f, 5, "d", "1", 0);
    commit(&f);
    /* Values, pages, those of trees, when elements are due. */
    assert_int_equal(s.discards, 4);
    assert_int_equal(values(&f), 3);
    assert_true(holds(&f, 4, "a", "1"));
    assert_true(holds(&f, 5, "d", "1"));
    assert_true(holds(&f, 6, "a", "1"));
    /* Again at each start: the store may have forgotten it. */
    uint32_t discards = s.discards;
    keyspace_close(f.ks);
    open_keyspace(&f);
    assert_int_equal(s.discards, 2 * discards);
    assert_int_equal(values(&f), 3);
    teardown_eager(&f, &s);
}

/* Everything that a flush ended stands in the store as before it. */
static void test_rows_that_stay(void **state)
{
    UNUSED(state);
    struct fixture f;
    setup(&f);
    begin(&f);
    put(&f, 0, "a", "1", 0);
    put(&f, 0, "b", "1", 2000);
    put(&f, 0, "c", "1", 2001);
    commit(&f);
    flush(&f, 0);
    assert_int_equal(values(&f), 3);
    expect_counts(&f, 0, 0, 0);
    assert_true(holds(&f, 0, "a", NULL));
    reopen(&f);
    assert_true(holds(&f, 0, "a", NULL));
    assert_true(holds(&f, 0, "b", NULL));
    begin(&f);
    assert_false(del(&f, 0, "a"));
    keyspace_overwrite(f.ks, 0, BYTES_LIT("b"), 1, BYTES_LIT("x"));
    put(&f, 0, "c", "2", 2001);
    commit(&f);
    expect_counts(&f, 0, 2, 1);
    assert_int_equal(values(&f), 5);
    /* The sweep takes the rows of the ended epoch alone. */
    f.now_ms = 2001;
    begin(&f);
    assert_int_equal(keyspace_sweep(f.ks, 10), 3);
    commit(&f);
    expect_counts(&f, 0, 1, 0);
    assert_int_equal(values(&f), 4);
    assert_int_equal(rows(&f, ROW_EXPIRY), 0);
    assert_true(holds(&f, 0, "c", NULL));
    flush(&f, 0);
    assert_true(holds(&f, 0, "b", NULL));
    expect_counts(&f, 0, 0, 0);
    assert_int_equal(values(&f), 4);
    teardown(&f);
}

/* One row of an ended epoch comes back, as rot brings it: old value, old
 * expiry, old index row; the key lives on with other ones. */
static void test_row_that_comes_back(void **state)
{
    UNUSED(state);
    struct fixture f;
    struct store_batch b = STORE_BATCH_INIT;
    struct value old = {.type = VALUE_STRING, .expire_ms = 2000, .version = 1};
    struct buf key = BUF_INIT;
    struct buf row = BUF_INIT;
    uint8_t header[VALUE_HEADER_SIZE];
    setup(&f);
    flush(&f, 0);
    begin(&f);
    put(&f, 0, "a", "new", 3000);
    commit(&f);
    key_encode(&key, 0, 0, BYTES_LIT("a"));
    value_encode_header(header, &old);
    buf_str(&row, "x");
    buf_u64be(&row, 2000);
    buf_bytes(&row, buf_view(&key));
    store_batch_put(&b, STORE_STATE, buf_view(&key),
                    bytes_of(header, sizeof(header)));
    store_batch_put(&b, STORE_STATE, buf_view(&row), BYTES_NONE);
    assert_int_equal(store_write(f.store, &b, STORE_UNLOGGED), 0);
    assert_true(holds(&f, 0, "a", "new"));
    expect_counts(&f, 0, 1, 1);
    f.now_ms = 2000;
    begin(&f);
    assert_int_equal(keyspace_sweep(f.ks, 10), 1);
    commit(&f);
    assert_true(holds(&f, 0, "a", "new"));
    expect_counts(&f, 0, 1, 1);
    assert_int_equal(rows(&f, ROW_EXPIRY), 1);
    begin(&f);
    assert_true(del(&f, 0, "a"));
    commit(&f);
    assert_true(holds(&f, 0, "a", NULL));
    expect_counts(&f, 0, 0, 0);
    assert_int_equal(values(&f), 1);
    store_batch_release(&b);
    buf_release(&key);
    buf_release(&row);
    teardown(&f);
}

#define KEYS    6
#define ENTRIES 1000

static void random_change(struct fixture *f, uint64_t r)
{
    uint8_t db = (uint8_t)(r % 3);
    char key[2] = {(char)('a' + r / 3 % KEYS), 0};
    char data[24];
    snprintf(data, sizeof(data), "%llu", (unsigned long long)r);
    int64_t later_ms = f->now_ms + (int64_t)(r / 64 % 40);
    switch (r >> 32 & 15) {
    case 0:
        keyspace_flush_db(f->ks, db);
        break;
    case 1:
    case 2:
        (void)del(f, db, key);
        break;
    case 3:
        keyspace_overwrite(f->ks, db, bytes_str(key), 1, bytes_str(data));
        break;
    case 4:
    case 5:
        put(f, db, key, data, 0);
        break;
    default:
        put(f, db, key, data, later_ms);
    }
}

static void expect_same(struct fixture *f, struct fixture *g)
{
    for (uint8_t db = 0; db < 3; db++) {
        expect_counts(f, db, keyspace_counts(g->ks, db)->keys,
                      keyspace_counts(g->ks, db)->expires);
        for (int i = 0; i < KEYS; i++) {
            uint8_t key = (uint8_t)('a' + i);
            struct value v;
            struct value w;
            bool found = keyspace_get(f->ks, db, bytes_of(&key, 1), &v);
            assert_int_equal(keyspace_get(g->ks, db, bytes_of(&key, 1), &w),
                             found);
            if (!found)
                continue;
            assert_true(bytes_eq(v.data, w.data));
            assert_int_equal(v.expire_ms, w.expire_ms);
            assert_int_equal(v.version, w.version);
        }
    }
    assert_int_equal(rows(f, ROW_EXPIRY), rows(g, ROW_EXPIRY));
}

/* Nobody could tell a store that collects all garbage from one that collects
 * none. */
static void test_no_difference(void **state)
{
    UNUSED(state);
    struct eager s;
    struct fixture f;
    struct fixture g;
    uint64_t rng = 7;
    setup_eager(&f, &s);
    setup(&g);
    for (int i = 0; i < ENTRIES; i++) {
        f.now_ms += (int64_t)rng_below(&rng, 5);
        g.now_ms = f.now_ms;
        begin(&f);
        begin(&g);
        for (uint64_t n = rng_below(&rng, 8); n > 0; n--) {
            uint64_t r = rng_next(&rng);
            random_change(&f, r);
            random_change(&g, r);
            if (rng_below(&rng, 16) == 0)
                assert_int_equal(keyspace_sweep(f.ks, 4),
                                 keyspace_sweep(g.ks, 4));
        }
        commit(&f);
        commit(&g);
        expect_same(&f, &g);
        if (rng_below(&rng, 50) == 0)
            reopen(&g);
    }
    assert_true(s.discards > ENTRIES / 10);
    assert_true(values(&f) < values(&g) / 10);
    teardown_eager(&f, &s);
    teardown(&g);
}

/* --- the last epoch ---------------------------------------------------------
 */

/* An epoch never comes a second time. */
static void test_last_epoch(void **state)
{
    UNUSED(state);
    struct fixture f;
    struct store_batch b = STORE_BATCH_INIT;
    setup(&f);
    store_batch_put(&b, STORE_STATE, BYTES_LIT("mcount\0"),
                    BYTES_LIT("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                              "\xff\xff\xff\xfe"
                              "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"));
    assert_int_equal(store_write(f.store, &b, STORE_UNLOGGED), 0);
    store_batch_release(&b);
    reopen(&f);
    begin(&f);
    put(&f, 0, "a", "1", 0);
    commit(&f);
    flush(&f, 0);
    assert_true(holds(&f, 0, "a", NULL));
    assert_int_equal(rows(&f, ROW_VALUE), 0);
    begin(&f);
    put(&f, 0, "a", "2", 0);
    commit(&f);
    reopen(&f);
    assert_true(holds(&f, 0, "a", "2"));
    begin(&f);
    assert_false(keyspace_flush_db(f.ks, 0));
    assert_true(keyspace_flush_db(f.ks, 1));
    assert_true(holds(&f, 0, "a", "2"));
    assert_true(del(&f, 0, "a"));
    commit(&f);
    expect_counts(&f, 0, 0, 0);
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_form),
        cmocka_unit_test(test_epoch_survives),
        cmocka_unit_test(test_without_an_epoch),
        cmocka_unit_test(test_new_epoch_is_not_read),
        cmocka_unit_test(test_same_key_around_flushes),
        cmocka_unit_test(test_sweep_after_flush),
        cmocka_unit_test(test_flush_after_sweep),
        cmocka_unit_test(test_discards),
        cmocka_unit_test(test_rows_that_stay),
        cmocka_unit_test(test_row_that_comes_back),
        cmocka_unit_test(test_no_difference),
        cmocka_unit_test(test_last_epoch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
