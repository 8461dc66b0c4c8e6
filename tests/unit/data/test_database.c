/*
 * Where databases are, and what exchanges them: the row of it, and that a
 * place has what it had.
 */
// link: store base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data/database.h"
#include "data/meta.h"
#include "unit/data/data_fixture.h"

static bool has_row(struct fixture *f)
{
    struct buf value = BUF_INIT;
    int err = store_get(f->store, STORE_STATE, meta_databases_key(), &value);
    assert_true(err == 0 || err == ERR_NOT_FOUND);
    buf_release(&value);
    return err == 0;
}

static void swap(struct fixture *f, uint8_t a, uint8_t b)
{
    begin(f);
    database_swap(f->ks, a, b);
    commit(f);
}

/* Written with the entry, read at the next start, as often as one likes. */
static void test_places(void **state)
{
    UNUSED(state);
    struct fixture f;
    setup(&f);
    for (uint8_t i = 0; i < KEYSPACE_DATABASES; i++)
        assert_int_equal(database_place(f.ks, i), i);
    swap(&f, 7, 7);
    assert_false(has_row(&f));
    swap(&f, 0, 15);
    assert_true(has_row(&f));
    swap(&f, 15, 3);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(database_place(f.ks, 0), 15);
        assert_int_equal(database_place(f.ks, 15), 3);
        assert_int_equal(database_place(f.ks, 3), 0);
        assert_int_equal(database_place(f.ks, 1), 1);
        for (uint8_t k = 0; k < KEYSPACE_DATABASES; k++)
            assert_int_equal(database_number(f.ks, database_place(f.ks, k)), k);
        keyspace_close(f.ks);
        open_keyspace(&f);
    }
    swap(&f, 15, 3);
    swap(&f, 0, 15);
    keyspace_close(f.ks);
    open_keyspace(&f);
    for (uint8_t i = 0; i < KEYSPACE_DATABASES; i++)
        assert_int_equal(database_place(f.ks, i), i);
    teardown(&f);
}

/* Seen by the entry itself; and another state has its own. */
static void test_within_an_entry(void **state)
{
    UNUSED(state);
    struct fixture f;
    setup(&f);
    begin(&f);
    put(&f, database_place(f.ks, 1), "a", "1", 0);
    database_swap(f.ks, 1, 2);
    assert_int_equal(database_place(f.ks, 2), 1);
    assert_int_equal(keyspace_counts(f.ks, database_place(f.ks, 2))->keys, 1);
    put(&f, database_place(f.ks, 1), "b", "1", 0);
    commit(&f);
    assert_int_equal(keyspace_counts(f.ks, 1)->keys, 1);
    assert_int_equal(keyspace_counts(f.ks, 2)->keys, 1);
    teardown(&f);
}

/* A damaged row: the keyspace does not open. */
static void test_damage(void **state)
{
    UNUSED(state);
    struct fixture f;
    struct buf error = BUF_INIT;
    struct store_batch b = STORE_BATCH_INIT;
    setup(&f);
    swap(&f, 1, 2);
    keyspace_close(f.ks);
    store_batch_put(&b, STORE_STATE, meta_databases_key(),
                    BYTES_LIT("0123456789abcdef"));
    assert_int_equal(store_write(f.store, &b, STORE_UNLOGGED), 0);
    assert_int_equal(keyspace_open(&f.ks, f.store, &error), ERR_CORRUPT);
    assert_null(f.ks);
    store_batch_release(&b);
    buf_release(&error);
    store_close(f.store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_within_an_entry),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
