/* Bounds: what is kept (X14) and what is sent again (X16). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "check/check_bound.h"

// link: check_state store codec base

#define AGAIN_MAX 2

static struct bound_check *story_new(void)
{
    struct bound_check *c = mem_alloc(sizeof(*c));

    bound_check_init(c, AGAIN_MAX);
    return c;
}

static void caught(struct bound_check *c, const char *name)
{
    assert_non_null(c->violation);
    assert_memory_equal(c->violation, name, strlen(name));
    mem_free(c);
}

static void send(struct bound_check *c, uint64_t connection, raft_term term,
                 raft_index last, int64_t now_ms)
{
    struct flow_message m = {.from = 0,
                             .to = 1,
                             .connection = connection,
                             .term = term,
                             .last = last,
                             .now_ms = now_ms};
    flow_check_sent(c, &m);
}

static void test_at_most(void **state)
{
    struct bound_check *c = story_new();

    UNUSED(state);
    bound_check_at_most(c, BOUND_INBOX, 0, 0);
    bound_check_at_most(c, BOUND_INBOX, 75, 100);
    bound_check_at_most(c, BOUND_INBOX, 30, 100);
    bound_check_at_most(c, BOUND_PENDING, 100, 100);
    assert_null(c->violation);
    assert_int_equal(c->worst_permille[BOUND_INBOX], 750);
    assert_int_equal(c->worst_permille[BOUND_PENDING], 1000);
    assert_int_equal(c->worst_permille[BOUND_LOG], 0);
    mem_free(c);
}

static void test_each_bound(void **state)
{
    UNUSED(state);
    for (int kind = 0; kind < BOUND_COUNT; kind++) {
        struct bound_check *c = story_new();
        bound_check_at_most(c, (enum bound_kind)kind, 101, 100);
        caught(c, kind == BOUND_REPEATS ? "X16" : "X14");
    }
}

/* In order, in a new term, over a new connection: nothing is sent again. */
static void test_flow(void **state)
{
    struct bound_check *c = story_new();

    UNUSED(state);
    for (raft_index i = 1; i <= 100; i++)
        send(c, 1, 1, i, 5);
    for (raft_index i = 1; i <= 100; i++)
        send(c, 1, 2, i, 5);
    for (raft_index i = 1; i <= 100; i++)
        send(c, 2, 2, i, 5);
    assert_null(c->violation);
    assert_int_equal(c->worst_again, 0);
    mem_free(c);
}

/* A little of it is allowed, in each minute. */
static void test_some_again(void **state)
{
    struct bound_check *c = story_new();

    UNUSED(state);
    send(c, 1, 1, 9, 0);
    for (int64_t minute = 0; minute < 50; minute++) {
        send(c, 1, 1, 7, minute * 60000);
        send(c, 1, 1, 7, minute * 60000 + 59999);
    }
    assert_null(c->violation);
    assert_int_equal(c->again, 100);
    assert_int_equal(c->worst_again, 2);
    mem_free(c);
}

/* All of a long window once more: that is going back once. */
static void test_window_again(void **state)
{
    struct bound_check *c = story_new();

    UNUSED(state);
    for (int pass = 0; pass < 3; pass++)
        for (raft_index i = 1; i <= 64; i++)
            send(c, 1, 1, i, 5);
    assert_null(c->violation);
    assert_int_equal(c->again, 2);
    mem_free(c);
}

static void test_again_and_again(void **state)
{
    struct bound_check *c = story_new();

    UNUSED(state);
    for (int i = 0; i < 4; i++)
        send(c, 1, 1, 7, 100 + i);
    caught(c, "X16");
}

/* A loop of a rejection and several messages. */
static void test_loop(void **state)
{
    struct bound_check *c = story_new();

    UNUSED(state);
    for (int pass = 0; pass < 4; pass++)
        for (raft_index i = 2; i <= 4; i++)
            send(c, 1, 1, i, 6);
    caught(c, "X16");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_at_most),
        cmocka_unit_test(test_each_bound),
        cmocka_unit_test(test_flow),
        cmocka_unit_test(test_some_again),
        cmocka_unit_test(test_again_and_again),
        cmocka_unit_test(test_window_again),
        cmocka_unit_test(test_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
