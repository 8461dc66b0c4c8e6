/*
 * Uploads: parts become one piece again, also when a replica starts anew in
 * between, and nothing is left of them in the end.
 */
// link: store base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data/key.h"
#include "data/upload.h"
#include "unit/data/data_fixture.h"

#define NODE 3

static const char text[] = "abcdefghijklmnopqrstuvwxyz";

static bool add_now(struct fixture *f, uint64_t number, uint64_t total,
                    uint64_t offset, size_t len)
{
    struct upload_part part = {number, total, offset,
                               bytes_of(text + offset, len)};
    return upload_add(f->ks, NODE, &part);
}

/* In an entry of its own. */
static bool add(struct fixture *f, uint64_t number, uint64_t total,
                uint64_t offset, size_t len)
{
    begin(f);
    bool added = add_now(f, number, total, offset, len);
    commit(f);
    return added;
}

/* Head and parts; of the heads each has its place in the index of expiries. */
static size_t upload_rows(struct fixture *f)
{
    size_t heads = rows(f, ROW_UPLOAD);
    assert_int_equal(rows(f, ROW_EXPIRY), heads);
    return heads + rows(f, ROW_PART);
}

static void reopen(struct fixture *f)
{
    keyspace_close(f->ks);
    open_keyspace(f);
}

static bool is_whole(struct fixture *f, uint64_t number, size_t total)
{
    struct bytes whole = BYTES_NONE;
    begin(f);
    bool found = upload_whole(f->ks, NODE, number, &whole);
    assert_true(!found || bytes_eq(whole, bytes_of(text, total)));
    commit(f);
    return found;
}

static void drop(struct fixture *f)
{
    begin(f);
    upload_drop(f->ks, NODE);
    commit(f);
}

/* Begins anew after each part that a bit of `reopens` says. */
static void upload(struct fixture *f, size_t total, size_t part,
                   unsigned reopens)
{
    for (size_t at = 0; at < total; at += part) {
        assert_false(is_whole(f, 7, total));
        assert_true(add(f, 7, total, at, MIN(part, total - at)));
        assert_int_equal(upload_rows(f), 1 + at / part + 1);
        if (reopens >> at / part & 1)
            reopen(f);
    }
    assert_true(is_whole(f, 7, total));
    assert_false(is_whole(f, 8, total));
}

static void parts_become_one_piece(void **state)
{
    UNUSED(state);
    for (size_t total = 1; total <= 9; total++) {
        for (size_t part = 1; part <= total; part++) {
            for (unsigned reopens = 0; reopens < 16; reopens++) {
                struct fixture f;
                setup(&f);
                assert_false(upload_exists(f.ks, NODE));
                upload(&f, total, part, reopens);
                assert_true(upload_exists(f.ks, NODE));
                assert_false(upload_exists(f.ks, NODE + 1));
                drop(&f);
                assert_false(upload_exists(f.ks, NODE));
                assert_int_equal(upload_rows(&f), 0);
                assert_false(is_whole(&f, 7, total));
                teardown(&f);
            }
        }
    }
}

static void what_is_not_next_changes_nothing(void **state)
{
    static const struct {
        uint64_t number, total, offset;
        size_t len;
    } wrong[] = {
        {7, 10, 6, 3}, /* one is missing */
        {7, 10, 2, 3}, /* it overlaps */
        {7, 10, 3, 2}, /* too short */
        {7, 10, 3, 4}, /* too long */
        {7, 10, 3, 0}, {7, 11, 3, 3}, {8, 10, 3, 3},
        {7, 0, 0, 0},  {7, 2, 0, 3},  {7, UPLOAD_BYTES_MAX + 1, 0, 3},
    };
    UNUSED(state);
    struct fixture f;
    setup(&f);
    assert_false(add(&f, 7, 10, 3, 3));
    assert_true(add(&f, 7, 10, 0, 3));
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        if (i % 2 == 1)
            reopen(&f);
        assert_false(add(&f, wrong[i].number, wrong[i].total, wrong[i].offset,
                         wrong[i].len));
        assert_int_equal(upload_rows(&f), 2);
    }
    assert_true(add(&f, 7, 10, 3, 3));
    assert_true(add(&f, 7, 10, 6, 3));
    assert_false(add(&f, 7, 10, 9, 3));
    assert_true(add(&f, 7, 10, 9, 1));
    assert_false(add(&f, 7, 10, 10, 1));
    assert_true(is_whole(&f, 7, 10));
    teardown(&f);
}

/* The next upload takes the place of one that was given up, longer or not. */
static void a_first_part_begins_anew(void **state)
{
    UNUSED(state);
    for (int again = 0; again < 2; again++) {
        struct fixture f;
        setup(&f);
        for (uint64_t at = 0; at < 8; at += 2)
            assert_true(add(&f, 1, 20, at, 2));
        if (again)
            reopen(&f);
        assert_true(add(&f, 2, 9, 0, 5));
        assert_int_equal(upload_rows(&f), 2);
        assert_false(add(&f, 1, 20, 8, 2));
        assert_true(add(&f, 2, 9, 5, 4));
        assert_true(is_whole(&f, 2, 9));
        assert_false(is_whole(&f, 1, 20));
        teardown(&f);
    }
}

/* All of it within one entry, and two uploads. */
static void within_an_entry(void **state)
{
    UNUSED(state);
    struct fixture f;
    struct bytes whole;
    setup(&f);
    begin(&f);
    assert_true(add_now(&f, 1, 5, 0, 3));
    assert_false(upload_whole(f.ks, NODE, 1, &whole));
    assert_true(add_now(&f, 1, 5, 3, 2));
    assert_true(upload_whole(f.ks, NODE, 1, &whole));
    assert_true(bytes_eq(whole, bytes_of(text, 5)));
    upload_drop(f.ks, NODE);
    assert_true(add_now(&f, 2, 4, 0, 2));
    assert_true(add_now(&f, 2, 4, 2, 2));
    commit(&f);
    assert_int_equal(upload_rows(&f), 3);
    assert_true(is_whole(&f, 2, 4));
    reopen(&f);
    assert_true(is_whole(&f, 2, 4));
    teardown(&f);
}

static uint32_t sweep_at(struct fixture *f, int64_t time_ms)
{
    f->now_ms = time_ms;
    begin(f);
    uint32_t swept = keyspace_sweep(f->ks, 100);
    commit(f);
    return swept;
}

/* Of a node that does not come back: after its last part, whatever the store
 * has of it, and never before. */
static void what_is_left_is_dropped_in_time(void **state)
{
    const int64_t kept_ms = (int64_t)UPLOAD_KEPT_MS;
    UNUSED(state);
    for (unsigned way = 0; way < 8; way++) {
        bool whole = way & 1, again = way & 2, alive = way & 4;
        struct fixture f;
        setup(&f);
        assert_true(add(&f, 7, 9, 0, 4));
        f.now_ms += 5000;
        assert_true(add(&f, 7, 9, 4, 4));
        int64_t last_ms = f.now_ms;
        if (whole)
            assert_true(add(&f, 7, 9, 8, 1));
        if (again)
            reopen(&f);
        assert_int_equal(sweep_at(&f, last_ms + kept_ms - 1), 0);
        assert_false(keyspace_due(f.ks, last_ms + kept_ms - 1));
        assert_int_equal(upload_rows(&f), whole ? 4 : 3);
        if (alive) { /* late, but it goes on */
            assert_true(add(&f, 8, 4, 0, 2));
            last_ms = f.now_ms;
            assert_int_equal(sweep_at(&f, last_ms + kept_ms - 1), 0);
            assert_true(add(&f, 8, 4, 2, 2));
            last_ms = f.now_ms;
        }
        assert_true(keyspace_due(f.ks, last_ms + kept_ms));
        assert_int_equal(sweep_at(&f, last_ms + kept_ms), 1);
        assert_int_equal(upload_rows(&f), 0);
        assert_false(upload_exists(f.ks, NODE));
        assert_false(keyspace_due(f.ks, INT64_MAX / 2));
        /* The node comes back: what is no beginning is refused. */
        assert_false(add(&f, 7, 9, 8, 1));
        assert_false(is_whole(&f, 7, 9));
        assert_true(add(&f, 1, 4, 0, 4));
        assert_true(is_whole(&f, 1, 4));
        teardown(&f);
    }
}

/* In the very entry that sweeps, a part comes before or after. */
static void a_part_in_the_entry_that_sweeps(void **state)
{
    UNUSED(state);
    for (int before = 0; before < 2; before++) {
        struct fixture f;
        setup(&f);
        assert_true(add(&f, 7, 9, 0, 4));
        f.now_ms += (int64_t)UPLOAD_KEPT_MS;
        begin(&f);
        if (before)
            assert_true(add_now(&f, 7, 9, 4, 4));
        assert_int_equal(keyspace_sweep(f.ks, 100), !before);
        if (!before)
            assert_false(add_now(&f, 7, 9, 4, 4));
        commit(&f);
        assert_int_equal(upload_rows(&f), before ? 3 : 0);
        teardown(&f);
    }
}

/* What an entry may bring into memory is the same on every replica: one that
 * reads parts back counts no more than one that has them. */
static void reading_back_is_not_counted(void **state)
{
    UNUSED(state);
    uint64_t counted[2];
    for (int again = 0; again < 2; again++) {
        struct fixture f;
        struct bytes whole;
        setup(&f);
        assert_true(add(&f, 1, 20, 0, 10));
        if (again)
            reopen(&f);
        begin(&f);
        assert_true(add_now(&f, 1, 20, 10, 10));
        assert_true(upload_whole(f.ks, NODE, 1, &whole));
        upload_drop(f.ks, NODE);
        counted[again] = keyspace_entry_bytes(f.ks);
        commit(&f);
        teardown(&f);
    }
    assert_int_equal(counted[0], counted[1]);
}

static void write_row(struct fixture *f, struct bytes key, const char *value,
                      size_t len)
{
    struct store_batch b = STORE_BATCH_INIT;
    if (value == NULL)
        store_batch_delete(&b, STORE_STATE, key);
    else
        store_batch_put(&b, STORE_STATE, key, bytes_of(value, len));
    assert_int_equal(store_write(f->store, &b, STORE_UNLOGGED), 0);
    store_batch_release(&b);
}

/* A part is lost, short or long, or the head is: no request is made of it. */
static void damaged_rows(void **state)
{
    UNUSED(state);
    static const struct {
        bool head;
        const char *value;
        size_t len;
    } damages[] = {
        {false, NULL, 0},
        {false, "ab", 2},
        {false, "abcd", 4},
        {true,
         "\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\6\0\0\0\0\0\0\0\7\0\0\0\0\0\0\0\3"
         "\0\0\0\0\0\0\0\1",
         40},
        {true,
         "\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\6\0\0\0\0\0\0\0\6\0\0\0\0\0\0\0\0"
         "\0\0\0\0\0\0\0\1",
         40},
    };
    for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
        struct fixture f;
        struct bytes whole;
        uint8_t head[KEY_UPLOAD_SIZE];
        uint8_t part[KEY_PART_SIZE];
        setup(&f);
        assert_true(add(&f, 1, 6, 0, 3));
        assert_true(add(&f, 1, 6, 3, 3));
        write_row(&f,
                  damages[i].head ? key_upload(head, NODE)
                                  : key_part(part, NODE, 3),
                  damages[i].value, damages[i].len);
        reopen(&f);
        begin(&f);
        assert_false(upload_whole(f.ks, NODE, 1, &whole));
        assert_int_equal(keyspace_error(f.ks), ERR_CORRUPT);
        assert_int_equal(keyspace_commit(f.ks), ERR_CORRUPT);
        teardown(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_become_one_piece),
        cmocka_unit_test(what_is_not_next_changes_nothing),
        cmocka_unit_test(a_first_part_begins_anew),
        cmocka_unit_test(within_an_entry),
        cmocka_unit_test(what_is_left_is_dropped_in_time),
        cmocka_unit_test(a_part_in_the_entry_that_sweeps),
        cmocka_unit_test(reading_back_is_not_counted),
        cmocka_unit_test(damaged_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
