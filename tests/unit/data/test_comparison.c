/*
 * Comparisons of states: who has reported what, for the newest mark, of which
 * database.
 */
// link: store base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data/comparison.h"
#include "unit/data/data_fixture.h"

static int make(void **state)
{
    static struct fixture f;
    setup(&f);
    *state = &f;
    return 0;
}

static int destroy(void **state)
{
    teardown(*state);
    return 0;
}

static uint64_t mark(struct fixture *f)
{
    struct comparison c;
    begin(f);
    comparison_begin(f->ks);
    commit(f);
    comparison_get(f->ks, &c);
    assert_int_equal(c.index, keyspace_applied(f->ks)->index);
    assert_int_equal(c.time_ms, keyspace_applied(f->ks)->time_ms);
    assert_int_equal(c.count, 0);
    return c.index;
}

static bool add(struct fixture *f, uint64_t index, node_id node, uint64_t began,
                uint64_t hash)
{
    struct comparison_report r = {node, began, hash != 0, hash};
    begin(f);
    bool added = comparison_add(f->ks, index, &r);
    commit(f);
    return added;
}

static void expect(struct fixture *f, node_id node, uint64_t began,
                   uint64_t hash)
{
    struct comparison c;
    comparison_get(f->ks, &c);
    const struct comparison_report *r = comparison_find(&c, node);
    assert_non_null(r);
    assert_int_equal(r->node, node);
    assert_true(r->began == began);
    assert_int_equal(r->found, hash != 0);
    assert_true(r->hash == hash);
}

static void reopen(struct fixture *f)
{
    keyspace_close(f->ks);
    open_keyspace(f);
}

static void test_reports_are_kept(void **state)
{
    struct fixture *f = *state;
    struct comparison c;
    comparison_get(f->ks, &c);
    assert_int_equal(c.index, 0);
    assert_false(add(f, 1, 1, 0, 5)); /* for no mark */
    uint64_t index = mark(f);
    assert_true(add(f, index, 7, 0, 5));
    assert_true(add(f, index, 1, 0, UINT64_MAX));
    assert_true(add(f, index, 3, 2, 0));
    for (int i = 0; i < 2; i++) {
        expect(f, 1, 0, UINT64_MAX);
        expect(f, 3, 2, 0);
        expect(f, 7, 0, 5);
        comparison_get(f->ks, &c);
        assert_int_equal(c.count, 3);
        assert_null(comparison_find(&c, 2));
        reopen(f);
    }
}

/* The next mark begins anew, and what comes for the last one is late. */
static void test_the_next_mark(void **state)
{
    struct fixture *f = *state;
    uint64_t first = mark(f);
    assert_true(add(f, first, 1, 0, 5));
    uint64_t second = mark(f);
    assert_true(second > first);
    assert_false(add(f, first, 2, 0, 5));
    assert_true(add(f, second, 2, 0, 6));
    expect(f, 2, 0, 6);
    struct comparison c;
    comparison_get(f->ks, &c);
    assert_int_equal(c.count, 1);
}

/* The report of a later database replaces that of the one before, not the other
 * way round; of one the last word counts. */
static void test_databases(void **state)
{
    struct fixture *f = *state;
    uint64_t index = mark(f);
    assert_true(add(f, index, 1, 1, 5));
    assert_false(add(f, index, 1, 0, 6));
    expect(f, 1, 1, 5);
    assert_true(add(f, index, 1, 2, 7));
    expect(f, 1, 2, 7);
    assert_true(add(f, index, 1, 2, 0));
    expect(f, 1, 2, 0);
}

static void test_no_more_than_there_is_room_for(void **state)
{
    struct fixture *f = *state;
    uint64_t index = mark(f);
    for (node_id i = 0; i < COMPARISON_REPORTS_MAX; i++)
        assert_true(add(f, index, 1000 - i, 0, i + 1));
    assert_false(add(f, index, 5, 0, 5));
    assert_false(add(f, index, 2000, 0, 5));
    assert_false(add(f, index, NODE_NONE, 0, 5));
    assert_true(add(f, index, 1000, 0, 77)); /* one that has its place */
    reopen(f);
    expect(f, 1000, 0, 77);
    for (node_id i = 1; i < COMPARISON_REPORTS_MAX; i++)
        expect(f, 1000 - i, 0, i + 1);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, make, destroy)
    const struct CMUnitTest tests[] = {
        TEST(test_reports_are_kept),
        TEST(test_the_next_mark),
        TEST(test_databases),
        TEST(test_no_more_than_there_is_room_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
