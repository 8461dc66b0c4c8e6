/*
 * The keyspace over a store in memory.
 */
// link: store base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "data/key.h"
#include "data/meta.h"
#include "data/value.h"
#include "unit/data/data_fixture.h"

static void test_new_store(void **state)
{
    UNUSED(state);
    struct fixture f;
    struct applied flushed;
    setup(&f);
    assert_int_equal(keyspace_applied(f.ks)->index, 0);
    assert_int_equal(keyspace_flushed(f.ks, &flushed), 0);
    assert_int_equal(flushed.index, 0);
    assert_int_equal(keyspace_counts(f.ks, 0)->keys, 0);
    assert_true(holds(&f, 0, "a", NULL));
    assert_false(keyspace_due(f.ks, INT64_MAX));
    teardown(&f);
}

static void test_put_get_delete(void **state)
{
    UNUSED(state);
    struct fixture f;
    struct value v;
    setup(&f);
    begin(&f);
    put(&f, 0, "a", "1", 0);
    put(&f, 0, "", "empty key", 0);
    put(&f, 1, "a", "", 5000);
    assert_true(holds(&f, 0, "a", "1"));
    commit(&f);
    assert_true(holds(&f, 0, "a", "1"));
    assert_true(holds(&f, 0, "", "empty key"));
    assert_true(holds(&f, 1, "a", ""));
    assert_true(keyspace_get(f.ks, 1, BYTES_LIT("a"), &v));
    assert_int_equal(v.version, 1);
    assert_int_equal(v.expire_ms, 5000);
    assert_int_equal(v.type, VALUE_STRING);
    begin(&f);
    assert_true(del(&f, 0, "a"));
    assert_false(del(&f, 0, "a"));
    assert_false(del(&f, 0, "nosuch"));
    assert_true(holds(&f, 0, "a", NULL));
    commit(&f);
    assert_true(holds(&f, 0, "a", NULL));
    assert_int_equal(rows(&f, ROW_VALUE), 2);
    teardown(&f);
}

static void test_position_and_counts_survive(void **state)
{
    UNUSED(state);
    struct fixture f;
    setup(&f);
    begin(&f);
    put(&f, 0, "a", "1", 0);
    put(&f, 0, "b", "1", 9000);
    put(&f, 7, "c", "1", 0);
    commit(&f);
    f.now_ms = 2000;
    f.wall_offset_ms = -3;
    begin(&f);
    put(&f, 0, "b", "2", 0);
    del(&f, 7, "c");
    commit(&f);
    keyspace_close(f.ks);
    open_keyspace(&f);
    const struct applied *a = keyspace_applied(f.ks);
    assert_int_equal(a->index, 2);
    assert_int_equal(a->term, 3);
    assert_int_equal(a->time_ms, 2000);
    assert_int_equal(a->wall_offset_ms, -3);
    assert_int_equal(keyspace_to_wall(f.ks, 9000), 8997);
    assert_int_equal(a->chain, 102);
    assert_int_equal(keyspace_counts(f.ks, 0)->keys, 2);
    assert_int_equal(keyspace_counts(f.ks, 0)->expires, 0);
    assert_int_equal(keyspace_counts(f.ks, 7)->keys, 0);
    teardown(&f);
}

/* Times of the wall clock, by the offset of the entry, and by that of the last
 * one outside; at the ends of all numbers they stay there. */
static void test_wall_times(void **state)
{
    static const struct {
        int64_t offset, wall, log, back;
    } rows[] = {
        {0, 5, 5, 5},
        {100, 5000, 4900, 5000},
        {-100, 5000, 5100, 5000},
        {100, 100, 1, 101},
        {100, 99, 1, 101},
        {100, INT64_MIN, 1, 101},
        {-100, -1, 99, 0},
        {-100, INT64_MIN, 1, 0},
        {-100, INT64_MAX, INT64_MAX, INT64_MAX},
        {-1, INT64_MAX, INT64_MAX, INT64_MAX},
        {1, INT64_MAX, INT64_MAX - 1, INT64_MAX},
        {META_OFFSET_MAX, INT64_MAX, INT64_MAX - META_OFFSET_MAX, INT64_MAX},
        {META_OFFSET_MAX, INT64_MIN, 1, META_OFFSET_MAX + 1},
        {-META_OFFSET_MAX, INT64_MAX, INT64_MAX, INT64_MAX},
        {-META_OFFSET_MAX, INT64_MIN, 1, 0},
        {-META_OFFSET_MAX, 77, META_OFFSET_MAX + 77, 77},
    };
    UNUSED(state);
    struct fixture f;
    setup(&f);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        f.wall_offset_ms = 12345; /* of the entry before */
        begin(&f);
        commit(&f);
        f.wall_offset_ms = rows[i].offset;
        begin(&f);
        int64_t log_ms = keyspace_from_wall(f.ks, rows[i].wall);
        assert_int_equal(log_ms, rows[i].log);
        assert_int_equal(keyspace_to_wall(f.ks, log_ms), rows[i].back);
        commit(&f);
        assert_int_equal(keyspace_from_wall(f.ks, rows[i].wall), log_ms);
        assert_int_equal(keyspace_to_wall(f.ks, log_ms), rows[i].back);
    }
    teardown(&f);
}

/* After a crash the state is as of the last flush, position included. */
static void test_crash(void **state)
{
    UNUSED(state);
    struct fixture f;
    struct applied flushed;
    setup(&f);
    begin(&f);
    put(&f, 0, "a", "1", 0);
    commit(&f);
    assert_int_equal(store_flush(f.store, STORE_STATE, true), 0);
    begin(&f);
    put(&f, 0, "a", "2", 0);
    put(&f, 0, "b", "2", 0);
    commit(&f);
    assert_int_equal(keyspace_flushed(f.ks, &flushed), 0);
    assert_int_equal(flushed.index, 1);
    keyspace_close(f.ks);
    store_memory_crash(f.store, 0);
    open_keyspace(&f);
    assert_int_equal(keyspace_applied(f.ks)->index, 1);
    assert_int_equal(keyspace_counts(f.ks, 0)->keys, 1);
    assert_true(holds(&f, 0, "a", "1"));
    assert_true(holds(&f, 0, "b", NULL));
    teardown(&f);
}

/* An uncommitted entry leaves nothing. */
static void test_commit_is_atomic(void **state)
{
    UNUSED(state);
    struct fixture f;
    setup(&f);
    begin(&f);
    put(&f, 0, "a", "1", 0);
    assert_int_equal(rows(&f, ROW_VALUE), 0);
    /* One write for data, counts and position: there is no second one that
     * could be missing after a crash. */
    store_memory_fail(f.store, "write", 2);
    commit(&f);
    assert_int_equal(rows(&f, ROW_VALUE), 1);
    teardown(&f);
}

/* Values borrowed from the keyspace may be put again, also within the same
 * key, in the same entry, and in part. */
static void test_put_borrowed(void **state)
{
    UNUSED(state);
    struct fixture f;
    struct value v;
    setup(&f);
    begin(&f);
    put(&f, 0, "a", "0123456789", 0);
    commit(&f);
    begin(&f);
    assert_true(keyspace_get(f.ks, 0, BYTES_LIT("a"), &v));
    v.expire_ms = 9000;
    keyspace_put(f.ks, 0, BYTES_LIT("a"), &v);
    assert_true(holds(&f, 0, "a", "0123456789"));
    assert_true(keyspace_get(f.ks, 0, BYTES_LIT("a"), &v));
    v.data = bytes_of(v.data.data + 3, 4);
    keyspace_put(f.ks, 0, BYTES_LIT("b"), &v);
    assert_true(keyspace_get(f.ks, 0, BYTES_LIT("a"), &v));
    v.data = bytes_of(v.data.data + 3, 4);
    keyspace_put(f.ks, 0, BYTES_LIT("a"), &v);
    assert_true(holds(&f, 0, "a", "3456"));
    commit(&f);
    assert_true(holds(&f, 0, "a", "3456"));
    assert_true(holds(&f, 0, "b", "3456"));
    assert_int_equal(keyspace_counts(f.ks, 0)->expires, 2);
    assert_int_equal(rows(&f, ROW_EXPIRY), 2);
    teardown(&f);
}

static void test_overwrite(void **state)
{
    UNUSED(state);
    struct fixture f;
    struct value v;
    setup(&f);
    begin(&f);
    keyspace_overwrite(f.ks, 0, BYTES_LIT("a"), 3, BYTES_LIT("xy"));
    commit(&f);
    assert_true(keyspace_get(f.ks, 0, BYTES_LIT("a"), &v));
    assert_true(bytes_eq(v.data, bytes_of("\0\0\0xy", 5)));
    begin(&f);
    keyspace_overwrite(f.ks, 0, BYTES_LIT("a"), 0, BYTES_LIT("abc"));
    keyspace_overwrite(f.ks, 0, BYTES_LIT("a"), 5, BYTES_LIT("!"));
    keyspace_overwrite(f.ks, 0, BYTES_LIT("a"), 1, BYTES_NONE);
    put(&f, 0, "b", "old", 1500);
    keyspace_overwrite(f.ks, 0, BYTES_LIT("b"), 0, BYTES_LIT("n"));
    commit(&f);
    assert_true(holds(&f, 0, "a", "abcxy!"));
    assert_true(keyspace_get(f.ks, 0, BYTES_LIT("b"), &v));
    assert_int_equal(v.expire_ms, 1500);
    assert_int_equal(v.version, 2);
    f.now_ms = 1500;
    begin(&f);
    keyspace_overwrite(f.ks, 0, BYTES_LIT("b"), 0, BYTES_LIT("z"));
    commit(&f);
    assert_true(holds(&f, 0, "b", "z"));
    assert_int_equal(keyspace_counts(f.ks, 0)->expires, 0);
    assert_int_equal(keyspace_counts(f.ks, 0)->keys, 2);
    assert_int_equal(rows(&f, ROW_EXPIRY), 0);
    teardown(&f);
}

/* --- flush -------------------------------------------------------------- */

static void test_flush_within_an_entry(void **state)
{
    UNUSED(state);
    struct fixture f;
    setup(&f);
    begin(&f);
    put(&f, 0, "stored", "1", 0);
    put(&f, 0, "again", "1", 7000);
    put(&f, 1, "other", "1", 0);
    commit(&f);
    begin(&f);
    put(&f, 0, "before", "1", 0);
    assert_true(holds(&f, 0, "again", "1"));
    keyspace_flush_db(f.ks, 0);
    assert_true(holds(&f, 0, "stored", NULL));
    assert_true(holds(&f, 0, "before", NULL));
    assert_true(holds(&f, 0, "again", NULL));
    assert_false(del(&f, 0, "stored"));
    put(&f, 0, "again", "2", 0);
    put(&f, 0, "after", "2", 0);
    assert_int_equal(keyspace_counts(f.ks, 0)->keys, 2);
    commit(&f);
    assert_true(holds(&f, 0, "stored", NULL));
    assert_true(holds(&f, 0, "before", NULL));
    assert_true(holds(&f, 0, "again", "2"));
    assert_true(holds(&f, 0, "after", "2"));
    assert_true(holds(&f, 1, "other", "1"));
    assert_int_equal(rows(&f, ROW_VALUE), 3);
    assert_int_equal(keyspace_counts(f.ks, 0)->keys, 2);
    assert_int_equal(keyspace_counts(f.ks, 0)->expires, 0);
    teardown(&f);
}

static void test_flush_twice_in_an_entry(void **state)
{
    UNUSED(state);
    struct fixture f;
    setup(&f);
    begin(&f);
    keyspace_flush_db(f.ks, 15);
    put(&f, 15, "a", "1", 0);
    keyspace_flush_db(f.ks, 15);
    put(&f, 15, "b", "1", 0);
    keyspace_flush_db(f.ks, 0);
    commit(&f);
    assert_true(holds(&f, 15, "a", NULL));
    assert_true(holds(&f, 15, "b", "1"));
    assert_int_equal(keyspace_counts(f.ks, 15)->keys, 1);
    teardown(&f);
}

/* The rows that a flush leaves behind do no harm, even if the key lives
 * again, with another expiry or none; the sweep removes them. */
static void test_rows_after_flush(void **state)
{
    UNUSED(state);
    struct fixture f;
    setup(&f);
    begin(&f);
    put(&f, 0, "gone", "1", 2000);
    put(&f, 0, "forever", "1", 2001);
    put(&f, 0, "later", "1", 2002);
    put(&f, 0, "same", "1", 2003);
    commit(&f);
    begin(&f);
    keyspace_flush_db(f.ks, 0);
    put(&f, 0, "forever", "2", 0);
    put(&f, 0, "later", "2", 3000);
    put(&f, 0, "same", "2", 2003);
    commit(&f);
    assert_int_equal(rows(&f, ROW_EXPIRY), 6);
    f.now_ms = 2500;
    assert_true(keyspace_due(f.ks, 2500));
    begin(&f);
    assert_int_equal(keyspace_sweep(f.ks, 100), 5);
    commit(&f);
    assert_true(holds(&f, 0, "forever", "2"));
    assert_true(holds(&f, 0, "later", "2"));
    assert_true(holds(&f, 0, "same", NULL));
    assert_int_equal(rows(&f, ROW_EXPIRY), 1);
    assert_int_equal(rows(&f, ROW_VALUE), 2);
    assert_int_equal(keyspace_counts(f.ks, 0)->keys, 2);
    assert_int_equal(keyspace_counts(f.ks, 0)->expires, 1);
    teardown(&f);
}

/* --- expiry ------------------------------------------------------------- */

static void test_expiry_index_is_exact(void **state)
{
    UNUSED(state);
    struct fixture f;
    setup(&f);
    begin(&f);
    put(&f, 0, "a", "1", 5000);
    commit(&f);
    assert_int_equal(rows(&f, ROW_EXPIRY), 1);
    begin(&f);
    put(&f, 0, "a", "2", 6000);
    put(&f, 0, "a", "3", 7000);
    commit(&f);
    assert_int_equal(rows(&f, ROW_EXPIRY), 1);
    assert_false(keyspace_due(f.ks, 6999));
    assert_true(keyspace_due(f.ks, 7000));
    begin(&f);
    put(&f, 0, "a", "4", 0);
    put(&f, 0, "b", "4", 8000);
    del(&f, 0, "b");
    commit(&f);
    assert_int_equal(rows(&f, ROW_EXPIRY), 0);
    begin(&f);
    put(&f, 0, "a", "5", 7000);
    commit(&f);
    begin(&f);
    del(&f, 0, "a");
    commit(&f);
    assert_int_equal(rows(&f, ROW_EXPIRY), 0);
    teardown(&f);
}

static void test_expired_in_apply(void **state)
{
    UNUSED(state);
    struct fixture f;
    setup(&f);
    begin(&f);
    put(&f, 0, "a", "1", 1001);
    put(&f, 0, "past", "1", 1000);
    assert_true(holds(&f, 0, "past", NULL));
    commit(&f);
    assert_true(holds(&f, 0, "a", "1"));
    f.now_ms = 1001;
    begin(&f);
    assert_true(holds(&f, 0, "a", NULL));
    assert_false(keyspace_in_doubt(f.ks));
    assert_false(del(&f, 0, "a"));
    commit(&f);
    assert_int_equal(keyspace_counts(f.ks, 0)->keys, 0);
    assert_int_equal(rows(&f, ROW_VALUE) + rows(&f, ROW_EXPIRY), 0);
    teardown(&f);
}

/* Putting an expiry that has passed deletes what was there. */
static void test_put_in_the_past(void **state)
{
    UNUSED(state);
    struct fixture f;
    setup(&f);
    begin(&f);
    put(&f, 0, "a", "1", 0);
    commit(&f);
    begin(&f);
    put(&f, 0, "a", "2", 1);
    commit(&f);
    assert_true(holds(&f, 0, "a", NULL));
    assert_int_equal(keyspace_counts(f.ks, 0)->keys, 0);
    teardown(&f);
}

static void test_doubt(void **state)
{
    UNUSED(state);
    struct fixture f;
    setup(&f);
    begin(&f);
    put(&f, 0, "a", "1", 2000);
    put(&f, 0, "b", "1", 0);
    commit(&f);
    keyspace_read_at(f.ks, 1999);
    assert_true(holds(&f, 0, "a", "1"));
    assert_int_equal(keyspace_now(f.ks), 1999);
    assert_false(keyspace_in_doubt(f.ks));
    keyspace_read_at(f.ks, 2000);
    assert_true(holds(&f, 0, "b", "1"));
    assert_false(keyspace_in_doubt(f.ks));
    assert_true(holds(&f, 0, "a", NULL));
    assert_true(keyspace_in_doubt(f.ks));
    assert_true(holds(&f, 0, "b", "1"));
    assert_true(keyspace_in_doubt(f.ks));
    keyspace_read_at(f.ks, 500);
    assert_false(keyspace_in_doubt(f.ks));
    assert_int_equal(keyspace_now(f.ks), 1000);
    f.now_ms = 2000;
    begin(&f);
    commit(&f);
    keyspace_read_at(f.ks, 500);
    assert_true(holds(&f, 0, "a", NULL));
    assert_false(keyspace_in_doubt(f.ks));
    teardown(&f);
}

static void assert_tally(struct fixture *f, uint64_t hits, uint64_t misses,
                         uint64_t expired)
{
    const struct keyspace_tally *t = keyspace_tally(f->ks);
    assert_int_equal(t->hits, hits);
    assert_int_equal(t->misses, misses);
    assert_int_equal(t->expired, expired);
}

/* Lookups of reads, each once: those of a read in doubt when it has come
 * through the log. */
static void test_lookups_are_counted(void **state)
{
    UNUSED(state);
    struct fixture f;
    setup(&f);
    begin(&f);
    put(&f, 0, "a", "1", 2000);
    put(&f, 0, "b", "1", 0);
    assert_true(holds(&f, 0, "b", "1"));
    commit(&f);
    assert_tally(&f, 0, 0, 0);
    keyspace_read_at(f.ks, 1500);
    keyspace_set_reading(f.ks, true);
    assert_true(holds(&f, 0, "a", "1"));
    assert_true(holds(&f, 0, "c", NULL));
    assert_true(holds(&f, 1, "a", NULL));
    assert_tally(&f, 1, 2, 0);
    keyspace_read_at(f.ks, 2000);
    assert_true(holds(&f, 0, "b", "1"));
    assert_true(holds(&f, 0, "a", NULL));
    assert_true(holds(&f, 0, "b", "1"));
    assert_tally(&f, 1, 2, 0);
    keyspace_set_reading(f.ks, false);
    f.now_ms = 2000;
    begin(&f);
    keyspace_set_reading(f.ks, true);
    assert_true(holds(&f, 0, "b", "1"));
    assert_true(holds(&f, 0, "a", NULL));
    keyspace_set_reading(f.ks, false);
    assert_tally(&f, 2, 3, 0);
    commit(&f);
    teardown(&f);
}

/* Swept, replaced and deleted: each was there when its time had come. */
static void test_expired_keys_are_counted(void **state)
{
    UNUSED(state);
    struct fixture f;
    setup(&f);
    begin(&f);
    put(&f, 0, "swept", "1", 1500);
    put(&f, 1, "swept too", "1", 1500);
    put(&f, 0, "replaced", "1", 1600);
    put(&f, 0, "deleted", "1", 1600);
    put(&f, 0, "later", "1", 9000);
    put(&f, 0, "never", "1", 0);
    commit(&f);
    f.now_ms = 1500;
    begin(&f);
    assert_true(del(&f, 0, "deleted"));
    put(&f, 0, "deleted", "1", 1600);
    assert_tally(&f, 0, 0, 0);
    commit(&f);
    f.now_ms = 1600;
    begin(&f);
    put(&f, 0, "replaced", "2", 0);
    assert_tally(&f, 0, 0, 1);
    put(&f, 0, "replaced", "3", 0);
    put(&f, 0, "later", "2", 0);
    assert_false(del(&f, 0, "deleted"));
    assert_false(del(&f, 0, "deleted"));
    assert_true(del(&f, 0, "never"));
    assert_tally(&f, 0, 0, 2);
    assert_int_equal(keyspace_sweep(f.ks, 100), 2);
    assert_tally(&f, 0, 0, 4);
    commit(&f);
    teardown(&f);
}

static int64_t mean_ttl(const struct fixture *f, uint8_t db)
{
    return keyspace_mean_ttl_ms(keyspace_counts(f->ks, db), f->now_ms);
}

/* As exact as the times, through every way in which an expiry comes and
 * goes, and after the start. */
static void test_mean_time_to_live(void **state)
{
    UNUSED(state);
    struct fixture f;
    setup(&f);
    assert_int_equal(mean_ttl(&f, 0), 0);
    begin(&f);
    put(&f, 0, "a", "1", 3000);
    put(&f, 0, "b", "1", 6000);
    put(&f, 0, "never", "1", 0);
    put(&f, 1, "a", "1", 2000);
    commit(&f);
    assert_int_equal(mean_ttl(&f, 0), 3500);
    assert_int_equal(mean_ttl(&f, 1), 1000);
    f.now_ms = 2500;
    assert_int_equal(mean_ttl(&f, 0), 2000);
    assert_int_equal(mean_ttl(&f, 1), 0); /* it waits for the sweep */
    begin(&f);
    put(&f, 0, "a", "1", 7000);
    keyspace_overwrite(f.ks, 0, BYTES_LIT("b"), 1, BYTES_LIT("2"));
    assert_int_equal(keyspace_sweep(f.ks, 10), 1);
    commit(&f);
    assert_int_equal(mean_ttl(&f, 0), 4000);
    keyspace_close(f.ks);
    open_keyspace(&f);
    assert_int_equal(mean_ttl(&f, 0), 4000);
    begin(&f);
    put(&f, 0, "b", "1", 0);
    assert_true(del(&f, 0, "a"));
    commit(&f);
    assert_int_equal(mean_ttl(&f, 0), 0);
    teardown(&f);
}

/* Times near the end of time, whose sum has more than 64 bits. */
static void test_mean_of_far_times(void **state)
{
    UNUSED(state);
    struct fixture f;
    setup(&f);
    begin(&f);
    put(&f, 0, "a", "1", INT64_MAX);
    put(&f, 0, "b", "1", INT64_MAX - 2);
    put(&f, 0, "c", "1", INT64_MAX);
    commit(&f);
    assert_int_equal(keyspace_counts(f.ks, 0)->expire_sum_high, 1);
    assert_int_equal(mean_ttl(&f, 0), INT64_C(1) << 62);
    begin(&f);
    assert_true(del(&f, 0, "b"));
    put(&f, 0, "a", "1", 0);
    put(&f, 0, "c", "1", 3000);
    commit(&f);
    assert_int_equal(keyspace_counts(f.ks, 0)->expire_sum_high, 0);
    assert_int_equal(mean_ttl(&f, 0), 2000);
    teardown(&f);
}

static void test_sweep_limit_and_order(void **state)
{
    UNUSED(state);
    struct fixture f;
    setup(&f);
    begin(&f);
    put(&f, 0, "third", "1", 2003);
    put(&f, 1, "first", "1", 2001);
    put(&f, 0, "second", "1", 2002);
    put(&f, 0, "late", "1", 9999);
    commit(&f);
    f.now_ms = 3000;
    begin(&f);
    assert_int_equal(keyspace_sweep(f.ks, 0), 0);
    assert_int_equal(keyspace_sweep(f.ks, 2), 2);
    commit(&f);
    assert_int_equal(keyspace_counts(f.ks, 0)->keys, 2);
    assert_int_equal(keyspace_counts(f.ks, 1)->keys, 0);
    assert_true(keyspace_due(f.ks, 3000));
    begin(&f);
    assert_int_equal(keyspace_sweep(f.ks, 2), 1);
    assert_int_equal(keyspace_sweep(f.ks, 2), 0);
    commit(&f);
    assert_false(keyspace_due(f.ks, 3000));
    assert_int_equal(rows(&f, ROW_EXPIRY), 1);
    assert_true(holds(&f, 0, "late", "1"));
    teardown(&f);
}

/* A store that notes which keys it is told to expect, and asked for. */
struct noting {
    struct store base;
    struct store *inner;
    struct buf expected;
    struct buf asked;
};

static int noting_get(struct store *s, enum store_family family,
                      struct bytes key, struct buf *value)
{
    struct noting *n = CONTAINER_OF(s, struct noting, base);
    buf_bytes(&n->asked, key);
    return store_get(n->inner, family, key, value);
}

static int noting_write(struct store *s, const struct store_batch *b,
                        enum store_write_kind kind)
{
    return store_write(CONTAINER_OF(s, struct noting, base)->inner, b, kind);
}

static void noting_expect(const struct store *s, const struct bytes *keys,
                          size_t count)
{
    struct noting *n = CONTAINER_OF((struct store *)s, struct noting, base);
    for (size_t i = 0; i < count; i++)
        buf_bytes(&n->expected, keys[i]);
}

/* What is announced is what is then looked up, in the epoch of the time. */
static void test_expect(void **state)
{
    UNUSED(state);
    static const struct store_ops ops = {
        .get = noting_get, .write = noting_write, .expect = noting_expect};
    struct noting n = {.base = {&ops}, .inner = store_memory_new()};
    struct fixture f = {.store = &n.base, .now_ms = 1000};
    struct keyspace_key keys[KEYSPACE_EXPECT_MAX];
    char texts[KEYSPACE_EXPECT_MAX][16];
    open_keyspace(&f);
    for (size_t round = 0; round < 2; round++) {
        begin(&f);
        assert_true(keyspace_flush_db(f.ks, 3));
        commit(&f);
        for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
            snprintf(texts[i], sizeof(texts[i]), "{%zu}%zu", i % 3, i * i * i);
            keys[i] =
                (struct keyspace_key){i % 2 == 0 ? 3 : 0, bytes_str(texts[i])};
        }
        buf_reset(&n.expected);
        keyspace_expect(f.ks, keys, 0);
        assert_int_equal(n.expected.len, 0);
        keyspace_expect(f.ks, keys, ARRAY_LEN(keys));
        buf_reset(&n.asked);
        for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
            struct value v;
            assert_false(keyspace_get(f.ks, keys[i].db, keys[i].key, &v));
        }
        assert_true(n.asked.len > 0);
        assert_true(bytes_eq(buf_view(&n.expected), buf_view(&n.asked)));
    }
    keyspace_close(f.ks);
    store_close(n.inner);
    buf_release(&n.expected);
    buf_release(&n.asked);
}

/* A value that is replaced counts as a whole, though only its head is looked
 * at; its expiry goes, and reads in the same entry see the new one. */
static void test_replaced_counts(void **state)
{
    UNUSED(state);
    struct fixture f;
    static const char text[] = "0123456789";
    setup(&f);
    for (size_t len = 0; len < sizeof(text); len++) {
        const char *old = text + sizeof(text) - 1 - len;
        begin(&f);
        put(&f, 0, "k", old, 5000);
        commit(&f);
        begin(&f);
        put(&f, 0, "k", "other", 0);
        assert_int_equal(keyspace_entry_bytes(f.ks), VALUE_HEADER_SIZE + len);
        put(&f, 0, "k", "new", 0);
        assert_int_equal(keyspace_entry_bytes(f.ks), VALUE_HEADER_SIZE + len);
        assert_true(holds(&f, 0, "k", "new"));
        commit(&f);
        assert_true(holds(&f, 0, "k", "new"));
        assert_int_equal(keyspace_counts(f.ks, 0)->keys, 1);
        assert_int_equal(keyspace_counts(f.ks, 0)->expires, 0);
        assert_int_equal(rows(&f, ROW_EXPIRY), 0);
    }
    teardown(&f);
}

/* Keys that are due, with as many bytes as a row may have: a sweep does not
 * read them. */
static void test_sweep_reads_nothing(void **state)
{
    static const char *const keys[] = {"a", "b", "c"};
    UNUSED(state);
    struct fixture f;
    setup(&f);
    begin(&f);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        put(&f, 0, keys[i], "1", 2000);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        keyspace_overwrite(f.ks, 0, bytes_str(keys[i]), KEYSPACE_PAGE_SIZE - 1,
                           BYTES_LIT("x"));
    commit(&f);
    f.now_ms = 3000;
    begin(&f);
    assert_int_equal(keyspace_sweep(f.ks, 10), 3);
    assert_int_equal(keyspace_entry_bytes(f.ks), 0);
    commit(&f);
    assert_false(keyspace_due(f.ks, 3000));
    assert_int_equal(keyspace_counts(f.ks, 0)->keys, 0);
    teardown(&f);
}

/* A sweep in an entry that has changed the keys itself. */
static void test_sweep_sees_the_entry(void **state)
{
    UNUSED(state);
    struct fixture f;
    setup(&f);
    begin(&f);
    put(&f, 0, "renewed", "1", 2000);
    put(&f, 0, "persisted", "1", 2000);
    put(&f, 0, "deleted", "1", 2000);
    commit(&f);
    f.now_ms = 2000;
    begin(&f);
    put(&f, 0, "renewed", "2", 5000);
    put(&f, 0, "persisted", "2", 0);
    del(&f, 0, "deleted");
    assert_int_equal(keyspace_sweep(f.ks, 10), 0);
    commit(&f);
    assert_true(holds(&f, 0, "renewed", "2"));
    assert_true(holds(&f, 0, "persisted", "2"));
    assert_int_equal(rows(&f, ROW_EXPIRY), 1);
    assert_int_equal(keyspace_counts(f.ks, 0)->keys, 2);
    teardown(&f);
}

/* What only one replica has looked at makes no difference to a sweep. */
static void test_sweep_after_a_read(void **state)
{
    UNUSED(state);
    struct fixture f;
    setup(&f);
    begin(&f);
    put(&f, 0, "a", "1", 2000);
    commit(&f);
    f.now_ms = 2000;
    begin(&f);
    keyspace_set_reading(f.ks, true);
    assert_true(holds(&f, 0, "a", NULL));
    keyspace_set_reading(f.ks, false);
    assert_int_equal(keyspace_sweep(f.ks, 10), 1);
    assert_int_equal(keyspace_sweep(f.ks, 10), 0);
    assert_int_equal(keyspace_entry_bytes(f.ks), 0);
    commit(&f);
    assert_int_equal(rows(&f, ROW_EXPIRY), 0);
    assert_int_equal(rows(&f, ROW_VALUE), 0);
    assert_int_equal(keyspace_counts(f.ks, 0)->keys, 0);
    teardown(&f);
}

/* --- errors ------------------------------------------------------------- */

static void write_state(struct fixture *f, struct bytes key, struct bytes value)
{
    struct store_batch b = STORE_BATCH_INIT;
    store_batch_put(&b, STORE_STATE, key, value);
    assert_int_equal(store_write(f->store, &b, STORE_UNLOGGED), 0);
    store_batch_release(&b);
}

static void test_read_error_is_final(void **state)
{
    UNUSED(state);
    struct fixture f;
    setup(&f);
    begin(&f);
    put(&f, 0, "a", "1", 0);
    commit(&f);
    store_memory_fail(f.store, "get", 1);
    begin(&f);
    assert_true(holds(&f, 0, "a", NULL));
    assert_int_equal(keyspace_error(f.ks), ERR_IO);
    put(&f, 0, "a", "2", 0);
    store_memory_fail(f.store, "get", 0);
    assert_int_equal(keyspace_commit(f.ks), ERR_IO);
    assert_int_equal(keyspace_applied(f.ks)->index, 1);
    teardown(&f);
}

static void test_write_error_is_final(void **state)
{
    UNUSED(state);
    struct fixture f;
    setup(&f);
    store_memory_fail(f.store, "write", 1);
    begin(&f);
    put(&f, 0, "a", "1", 0);
    assert_int_equal(keyspace_commit(f.ks), ERR_IO);
    assert_int_equal(keyspace_error(f.ks), ERR_IO);
    assert_int_equal(keyspace_applied(f.ks)->index, 0);
    teardown(&f);
}

static void test_damaged_value(void **state)
{
    UNUSED(state);
    struct fixture f;
    struct buf key = BUF_INIT;
    setup(&f);
    key_encode(&key, 0, 0, BYTES_LIT("a"));
    write_state(&f, buf_view(&key), BYTES_LIT("\1short"));
    assert_true(holds(&f, 0, "a", NULL));
    assert_int_equal(keyspace_error(f.ks), ERR_CORRUPT);
    begin(&f);
    assert_int_equal(keyspace_commit(f.ks), ERR_CORRUPT);
    buf_release(&key);
    teardown(&f);
}

static void test_damaged_index_row(void **state)
{
    UNUSED(state);
    struct fixture f;
    setup(&f);
    write_state(&f, BYTES_LIT("x\0\0\0\0\0\0\0\1z"), BYTES_NONE);
    begin(&f);
    assert_int_equal(keyspace_sweep(f.ks, 5), 0);
    assert_int_equal(keyspace_commit(f.ks), ERR_CORRUPT);
    teardown(&f);
}

static void expect_open_fails(const char *key, size_t key_len)
{
    struct fixture f;
    struct buf error = BUF_INIT;
    setup(&f);
    write_state(&f, bytes_of(key, key_len), BYTES_LIT("not ours"));
    keyspace_close(f.ks);
    assert_int_equal(keyspace_open(&f.ks, f.store, &error), ERR_CORRUPT);
    assert_null(f.ks);
    assert_true(error.len > 0);
    buf_release(&error);
    teardown(&f);
}

static void test_damaged_position(void **state)
{
    UNUSED(state);
    expect_open_fails("mapplied", 8);
    expect_open_fails("mcount\3", 7);
    expect_open_fails("mnext", 5);
}

static void test_open_read_error(void **state)
{
    UNUSED(state);
    struct store *s = store_memory_new();
    struct keyspace *ks = NULL;
    struct buf error = BUF_INIT;
    store_memory_fail(s, "get", 1);
    assert_int_equal(keyspace_open(&ks, s, &error), ERR_IO);
    assert_true(error.len > 0);
    buf_release(&error);
    store_close(s);
}

/* --- size --------------------------------------------------------------- */

/* More keys in one entry than the overlay keeps, and then a small one. */
static void test_large_entry(void **state)
{
    UNUSED(state);
    struct fixture f;
    setup(&f);
    for (int round = 0; round < 3; round++) {
        begin(&f);
        for (uint32_t i = 0; i < 20000; i++) {
            struct value v = {.type = VALUE_STRING,
                              .data = bytes_of(&i, sizeof(i))};
            keyspace_put(f.ks, 3, v.data, &v);
        }
        commit(&f);
        begin(&f);
        put(&f, 3, "small", "1", 0);
        commit(&f);
    }
    assert_int_equal(keyspace_counts(f.ks, 3)->keys, 20001);
    for (uint32_t i = 0; i < 20000; i += 997) {
        struct value v;
        assert_true(keyspace_get(f.ks, 3, bytes_of(&i, sizeof(i)), &v));
        assert_true(bytes_eq(v.data, bytes_of(&i, sizeof(i))));
    }
    teardown(&f);
}

static void test_large_value(void **state)
{
    UNUSED(state);
    struct fixture f;
    struct value v = {.type = VALUE_STRING};
    size_t len = 8 * 1024 * 1024;
    uint8_t *data = mem_zalloc(len);
    data[len - 1] = 'x';
    v.data = bytes_of(data, len);
    setup(&f);
    begin(&f);
    keyspace_put(f.ks, 0, BYTES_LIT("big"), &v);
    commit(&f);
    assert_true(keyspace_get(f.ks, 0, BYTES_LIT("big"), &v));
    assert_int_equal(v.length, len);
    assert_true(keyspace_equals(f.ks, &v, bytes_of(data, len)));
    mem_free(data);
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_store),
        cmocka_unit_test(test_put_get_delete),
        cmocka_unit_test(test_position_and_counts_survive),
        cmocka_unit_test(test_wall_times),
        cmocka_unit_test(test_crash),
        cmocka_unit_test(test_commit_is_atomic),
        cmocka_unit_test(test_put_borrowed),
        cmocka_unit_test(test_overwrite),
        cmocka_unit_test(test_flush_within_an_entry),
        cmocka_unit_test(test_flush_twice_in_an_entry),
        cmocka_unit_test(test_rows_after_flush),
        cmocka_unit_test(test_expiry_index_is_exact),
        cmocka_unit_test(test_expired_in_apply),
        cmocka_unit_test(test_put_in_the_past),
        cmocka_unit_test(test_doubt),
        cmocka_unit_test(test_mean_time_to_live),
        cmocka_unit_test(test_mean_of_far_times),
        cmocka_unit_test(test_lookups_are_counted),
        cmocka_unit_test(test_expired_keys_are_counted),
        cmocka_unit_test(test_sweep_limit_and_order),
        cmocka_unit_test(test_expect),
        cmocka_unit_test(test_replaced_counts),
        cmocka_unit_test(test_sweep_reads_nothing),
        cmocka_unit_test(test_sweep_sees_the_entry),
        cmocka_unit_test(test_sweep_after_a_read),
        cmocka_unit_test(test_read_error_is_final),
        cmocka_unit_test(test_write_error_is_final),
        cmocka_unit_test(test_damaged_value),
        cmocka_unit_test(test_damaged_index_row),
        cmocka_unit_test(test_damaged_position),
        cmocka_unit_test(test_open_read_error),
        cmocka_unit_test(test_large_entry),
        cmocka_unit_test(test_large_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
