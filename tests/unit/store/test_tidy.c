/*
 * When a table that deletes much is written down before it is full: the store
 * over the store in memory, which counts its tables.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/store_buffered.h"
#include "store/store_memory.h"

#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#define TABLE_BYTES ((size_t)8 * 1024 * 1024)

/* Tables that were written down, and what the last one had. */
static atomic_int tables;
static atomic_size_t rows;
static atomic_size_t deletions;

static int ingest(struct store *below, const struct memtable *m)
{
    UNUSED(below);
    atomic_store(&rows, memtable_changes(m));
    atomic_store(&deletions, memtable_deletions(m));
    atomic_fetch_add(&tables, 1);
    return 0;
}

static int setup(void **state)
{
    atomic_store(&tables, 0);
    *state = store_buffered_new(store_memory_new(), ingest, 2 * TABLE_BYTES,
                                TABLE_BYTES, 7);
    return 0;
}

static int teardown(void **state)
{
    store_close(*state);
    return 0;
}

static void write_some(struct store *s, int from, int to, bool deleted)
{
    struct store_batch b = STORE_BATCH_INIT;
    char key[16];
    for (int i = from; i < to; i++) {
        snprintf(key, sizeof(key), "%06d", i);
        if (deleted)
            store_batch_delete(&b, STORE_STATE, bytes_str(key));
        else
            store_batch_put(&b, STORE_STATE, bytes_str(key), bytes_str(key));
    }
    assert_int_equal(store_write(s, &b, STORE_UNLOGGED), 0);
    store_batch_release(&b);
}

static void tidy_often(struct store *s)
{
    for (int i = 0; i < 30; i++)
        store_tidy(s);
}

/* One was written down, when it had so much; the thread needs its time. */
static void expect_table(size_t with_rows, size_t with_deletions)
{
    for (int i = 0; i < 1000 && atomic_load(&tables) < 1; i++)
        usleep(10000);
    assert_int_equal(atomic_load(&tables), 1);
    assert_int_equal(atomic_load(&rows), with_rows);
    assert_int_equal(atomic_load(&deletions), with_deletions);
}

/* None was: what is written down now is the first. */
static void expect_no_table(struct store *s, size_t with_rows)
{
    write_some(s, 900000, 900001, false);
    assert_int_equal(store_flush(s, STORE_STATE, true), 0);
    assert_int_equal(atomic_load(&tables), 1);
    assert_int_equal(atomic_load(&rows), with_rows + 1);
}

static void test_many_deletions(void **state)
{
    struct store *s = *state;
    write_some(s, 0, 5000, false);
    write_some(s, 0, 999, true);
    tidy_often(s);
    write_some(s, 999, 1000, true);
    store_tidy(s);
    write_some(s, 5000, 5001, false);
    store_tidy(s); /* it was written again */
    write_some(s, 5001, 5002, false);
    tidy_often(s);
    expect_table(5002, 1000);
    tidy_often(s);
    expect_table(5002, 1000);
}

/* A row that is there again is no deletion. */
static void test_written_again(void **state)
{
    struct store *s = *state;
    write_some(s, 0, 1000, true);
    write_some(s, 0, 1, false);
    tidy_often(s);
    expect_no_table(s, 1000);
}

/* The more there is below, the more of it must be deleted. */
static void test_much_below(void **state)
{
    struct store *s = *state;
    struct store *below = store_buffered_below(s);
    write_some(below, 0, 64000, false);
    assert_int_equal(store_flush(below, STORE_STATE, true), 0);
    write_some(s, 0, 1999, true);
    tidy_often(s);
    write_some(s, 1999, 2000, true);
    tidy_often(s);
    expect_table(2000, 2000);
}

/* Alone, too: then there is nothing else to be written. */
static void test_discarded(void **state)
{
    struct store *s = *state;
    struct store_batch b = STORE_BATCH_INIT;
    store_batch_discard(&b, STORE_STATE, BYTES_LIT("a"), BYTES_LIT("b"));
    assert_int_equal(store_write(s, &b, STORE_UNLOGGED), 0);
    tidy_often(s);
    expect_table(0, 0);
    store_batch_release(&b);
}

/* Who writes without a pause gets his space, too, a little later. */
static void test_never_quiet(void **state)
{
    struct store *s = *state;
    write_some(s, 0, 1000, true);
    for (int looks = 0; looks < 12; looks++) {
        write_some(s, 2000 + looks * 100, 2100 + looks * 100, false);
        store_tidy(s);
    }
    expect_table(2000, 1000); /* at the tenth look */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_many_deletions), TEST(test_written_again),
        TEST(test_much_below),     TEST(test_discarded),
        TEST(test_never_quiet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
