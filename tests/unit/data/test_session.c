/*
 * Sessions of nodes, and first answers of clients (once).
 */
// link: store base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data/meta.h"
#include "data/session.h"
#include "unit/data/data_fixture.h"

/* Admits one request in an entry of its own. */
static bool admit(struct fixture *f, node_id node, uint64_t incarnation,
                  uint64_t seq)
{
    begin(f);
    bool admitted = session_admit(f->ks, node, incarnation, seq);
    commit(f);
    return admitted;
}

static void expect_session(struct fixture *f, node_id node,
                           uint64_t incarnation, uint64_t seq)
{
    struct session s;
    session_get(f->ks, node, &s);
    assert_int_equal(s.incarnation, incarnation);
    assert_int_equal(s.last_seq, seq);
}

static void test_in_order(void **state)
{
    UNUSED(state);
    struct fixture f;
    setup(&f);
    expect_session(&f, 0, 0, 0);
    assert_true(admit(&f, 0, 5, 1));
    assert_true(admit(&f, 0, 5, 2));
    assert_true(admit(&f, 0, 5, 3));
    expect_session(&f, 0, 5, 3);
    expect_session(&f, 1, 0, 0);
    assert_true(admit(&f, 1, 1, 1));
    expect_session(&f, 0, 5, 3);
    teardown(&f);
}

static void test_duplicates_and_gaps(void **state)
{
    UNUSED(state);
    struct fixture f;
    setup(&f);
    assert_false(admit(&f, 2, 1, 2));
    assert_false(admit(&f, 2, 1, 0));
    assert_true(admit(&f, 2, 1, 1));
    assert_false(admit(&f, 2, 1, 1));
    assert_false(admit(&f, 2, 1, 3));
    assert_false(admit(&f, 2, 1, 0));
    assert_true(admit(&f, 2, 1, 2));
    assert_true(admit(&f, 2, 1, 3));
    assert_false(admit(&f, 2, 1, 2));
    expect_session(&f, 2, 1, 3);
    teardown(&f);
}

/* The nonce is that of the newest incarnation. */
static void test_starts(void **state)
{
    UNUSED(state);
    struct fixture f;
    struct session s;
    setup(&f);
    assert_true(admit(&f, 2, 4, 1));
    begin(&f);
    session_note_start(f.ks, 2, UINT64_MAX);
    commit(&f);
    assert_true(admit(&f, 2, 4, 2));
    keyspace_close(f.ks);
    open_keyspace(&f);
    session_get(f.ks, 2, &s);
    assert_true(s.nonce == UINT64_MAX);
    expect_session(&f, 2, 4, 2);
    assert_false(admit(&f, 2, 3, 1));
    session_get(f.ks, 2, &s);
    assert_true(s.nonce == UINT64_MAX);
    assert_true(admit(&f, 2, 5, 1));
    session_get(f.ks, 2, &s);
    assert_int_equal(s.nonce, 0);
    teardown(&f);
}

static void test_incarnations(void **state)
{
    UNUSED(state);
    struct fixture f;
    setup(&f);
    assert_true(admit(&f, 2, 4, 1));
    assert_true(admit(&f, 2, 4, 2));
    assert_false(admit(&f, 2, 3, 1));
    assert_false(admit(&f, 2, 3, 3));
    assert_false(admit(&f, 2, 6, 2));
    assert_false(admit(&f, 2, 6, 3));
    expect_session(&f, 2, 4, 2);
    assert_true(admit(&f, 2, 6, 1));
    assert_false(admit(&f, 2, 4, 3));
    assert_false(admit(&f, 2, 6, 1));
    assert_true(admit(&f, 2, 6, 2));
    expect_session(&f, 2, 6, 2);
    assert_false(admit(&f, 2, UINT64_MAX, 1));
    assert_false(admit(&f, 2, 6, UINT64_MAX));
    teardown(&f);
}

/* Several requests of an entry move the session on within it. */
static void test_within_an_entry(void **state)
{
    UNUSED(state);
    struct fixture f;
    setup(&f);
    begin(&f);
    assert_true(session_admit(f.ks, 0, 1, 1));
    assert_true(session_admit(f.ks, 0, 1, 2));
    assert_false(session_admit(f.ks, 0, 1, 2));
    assert_true(session_admit(f.ks, 1, 9, 1));
    assert_true(session_admit(f.ks, 0, 1, 3));
    commit(&f);
    keyspace_close(f.ks);
    open_keyspace(&f);
    expect_session(&f, 0, 1, 3);
    expect_session(&f, 1, 9, 1);
    teardown(&f);
}

static void test_damaged_session(void **state)
{
    UNUSED(state);
    struct fixture f;
    struct store_batch b = STORE_BATCH_INIT;
    setup(&f);
    store_batch_put(&b, STORE_STATE, BYTES_LIT("s\0\0\0\1"), BYTES_LIT("bad"));
    assert_int_equal(store_write(f.store, &b, STORE_UNLOGGED), 0);
    store_batch_release(&b);
    begin(&f);
    assert_false(session_admit(f.ks, 1, 1, 1));
    assert_int_equal(keyspace_commit(f.ks), ERR_CORRUPT);
    teardown(&f);
}

/* --- once --------------------------------------------------------------- */

static enum once_verdict check(struct fixture *f, const char *client,
                               uint64_t id, const char *reply)
{
    struct bytes got;
    enum once_verdict v = once_check(f->ks, bytes_str(client), id, &got);
    if (v == ONCE_SAME)
        assert_true(bytes_eq(got, bytes_str(reply)));
    else
        assert_int_equal(got.len, 0);
    return v;
}

static void test_once(void **state)
{
    UNUSED(state);
    struct fixture f;
    setup(&f);
    begin(&f);
    assert_int_equal(check(&f, "c", 5, ""), ONCE_NEW);
    uint64_t bytes = keyspace_entry_bytes(f.ks);
    once_store(f.ks, BYTES_LIT("c"), 5, BYTES_LIT(":1\r\n"), 1000);
    assert_int_equal(keyspace_entry_bytes(f.ks), bytes + ONCE_HEADER_SIZE + 4);
    assert_int_equal(check(&f, "c", 5, ":1\r\n"), ONCE_SAME);
    commit(&f);
    begin(&f);
    assert_int_equal(check(&f, "c", 5, ":1\r\n"), ONCE_SAME);
    assert_int_equal(check(&f, "c", 4, ""), ONCE_STALE);
    assert_int_equal(check(&f, "c", 6, ""), ONCE_NEW);
    assert_int_equal(check(&f, "d", 5, ""), ONCE_NEW);
    once_store(f.ks, BYTES_LIT("c"), 6, BYTES_NONE, 1000);
    commit(&f);
    begin(&f);
    assert_int_equal(check(&f, "c", 5, ""), ONCE_STALE);
    assert_int_equal(check(&f, "c", 6, ""), ONCE_SAME);
    commit(&f);
    assert_int_equal(rows(&f, ROW_ONCE), 1);
    assert_int_equal(rows(&f, ROW_EXPIRY), 1);
    teardown(&f);
}

/* The log's time decides when a first answer is gone; the sweep removes it. */
static void test_once_expiry(void **state)
{
    UNUSED(state);
    struct fixture f;
    setup(&f);
    begin(&f);
    once_store(f.ks, BYTES_LIT("c"), 5, BYTES_LIT("+OK\r\n"), 1000);
    once_store(f.ks, BYTES_LIT("forever"), 1, BYTES_LIT("+OK\r\n"), INT64_MAX);
    commit(&f);
    f.now_ms = 1999;
    begin(&f);
    assert_int_equal(check(&f, "c", 5, "+OK\r\n"), ONCE_SAME);
    assert_int_equal(keyspace_sweep(f.ks, 10), 0);
    commit(&f);
    f.now_ms = 2000;
    begin(&f);
    assert_int_equal(check(&f, "c", 5, ""), ONCE_NEW);
    assert_int_equal(check(&f, "c", 4, ""), ONCE_NEW);
    assert_int_equal(keyspace_sweep(f.ks, 10), 1);
    assert_int_equal(check(&f, "forever", 1, "+OK\r\n"), ONCE_SAME);
    commit(&f);
    assert_int_equal(rows(&f, ROW_ONCE), 1);
    assert_int_equal(rows(&f, ROW_EXPIRY), 1);
    assert_int_equal(keyspace_counts(f.ks, 0)->keys, 0);
    teardown(&f);
}

/* A leader that writes an absurd time must not end the others: an answer that
 * would be kept beyond the end of all times is kept. */
static void test_once_at_the_end_of_time(void **state)
{
    UNUSED(state);
    struct fixture f;
    setup(&f);
    f.now_ms = META_TIME_MAX;
    begin(&f);
    once_store(f.ks, BYTES_LIT("c"), 5, BYTES_LIT("+OK\r\n"), INT64_MAX);
    once_store(f.ks, BYTES_LIT("d"), 5, BYTES_LIT("+OK\r\n"), 1000);
    assert_int_equal(check(&f, "c", 5, "+OK\r\n"), ONCE_SAME);
    commit(&f);
    begin(&f);
    assert_int_equal(check(&f, "c", 5, "+OK\r\n"), ONCE_SAME);
    assert_int_equal(check(&f, "d", 5, "+OK\r\n"), ONCE_SAME);
    commit(&f);
    teardown(&f);
}

/* Flushing databases forgets neither sessions nor first answers. */
static void test_flush_keeps_both(void **state)
{
    UNUSED(state);
    struct fixture f;
    setup(&f);
    begin(&f);
    assert_true(session_admit(f.ks, 0, 1, 1));
    once_store(f.ks, BYTES_LIT("c"), 5, BYTES_LIT("+OK\r\n"), 1000);
    for (uint8_t db = 0; db < KEYSPACE_DATABASES; db++)
        keyspace_flush_db(f.ks, db);
    commit(&f);
    expect_session(&f, 0, 1, 1);
    begin(&f);
    assert_int_equal(check(&f, "c", 5, "+OK\r\n"), ONCE_SAME);
    commit(&f);
    /* Those of earlier entries as well, whichever database goes. */
    for (uint8_t db = 0; db < KEYSPACE_DATABASES; db++) {
        begin(&f);
        keyspace_flush_db(f.ks, db);
        commit(&f);
        expect_session(&f, 0, 1, 1);
        begin(&f);
        assert_int_equal(check(&f, "c", 5, "+OK\r\n"), ONCE_SAME);
        commit(&f);
    }
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_order),
        cmocka_unit_test(test_duplicates_and_gaps),
        cmocka_unit_test(test_starts),
        cmocka_unit_test(test_incarnations),
        cmocka_unit_test(test_within_an_entry),
        cmocka_unit_test(test_damaged_session),
        cmocka_unit_test(test_once),
        cmocka_unit_test(test_once_expiry),
        cmocka_unit_test(test_once_at_the_end_of_time),
        cmocka_unit_test(test_flush_keeps_both),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
