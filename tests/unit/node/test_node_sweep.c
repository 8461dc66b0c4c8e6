/*
 * Keys whose time has come are deleted as fast as clients can write such keys,
 * whoever leads, and nothing goes through the log for it when nothing is due.
 */
// link: world node store data cmd
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "node/node_internal.h"
#include "world/world.h"

static struct world world;

static uint64_t keys_on(struct world *w, uint32_t id)
{
    return node_counts(w->nodes[id].node, 0).keys;
}

/* New keys of this time to live, without waiting for the answers. */
static void set_keys(struct world_client *tc, uint32_t count, int ttl_ms)
{
    char line[64];
    for (uint32_t i = 0; i < count; i++) {
        snprintf(line, sizeof(line), "set key:%u v px %d", tc->asked, ttl_ms);
        assert_int_equal(world_submit(tc, line), 0);
    }
}

static void expect_gone(struct world *w, uint32_t leader, uint32_t turns)
{
    while (turns > 0 && keys_on(w, leader) > 0) {
        world_turn(w);
        turns--;
    }
    assert_int_equal(keys_on(w, leader), 0);
}

/* So many keys are written in each turn, of 2 ms by and large: there are never
 * many more than live at once. */
static void keeps_up(uint32_t nodes, uint32_t per_turn, uint32_t turns)
{
    const int ttl_ms = 20;
    struct world *w = &world;
    struct world_client *tc[WORLD_NODES];
    uint64_t most = 0;
    world_init(w, nodes, 71);
    uint32_t leader = (uint32_t)world_elect(w);
    for (uint32_t i = 0; i < nodes; i++)
        tc[i] = world_client_new(w, i);
    for (uint32_t t = 0; t < turns; t++) {
        for (uint32_t i = 0; i < nodes; i++) {
            set_keys(tc[i], per_turn / nodes, ttl_ms);
            buf_reset(&tc[i]->out);
        }
        world_turn(w);
        most = MAX(most, keys_on(w, leader));
    }
    assert_true(most > per_turn);
    assert_true(most < turns / 4 * per_turn); /* 10 turns of keys live */
    for (uint32_t i = 0; i < nodes; i++)
        world_wait_answered(w, tc[i]);
    expect_gone(w, leader, 1000);
    world_wait_equal(w);
    assert_true(world_is_equal(w));
    world_release(w);
}

/* More than 20,000 a second. */
static void test_keeps_up_with_writes(void **state)
{
    UNUSED(state);
    keeps_up(1, 120, 300);
    keeps_up(WORLD_NODES, 120, 300);
}

/* More than one smallest sweep for each turn. */
static void test_keeps_up_with_large_entries(void **state)
{
    UNUSED(state);
    keeps_up(1, 2 * SWEEP_LIMIT_MIN, 100);
}

/* All keys expire in the same millisecond: sweeps follow each other at once. */
static void test_storm(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    world_init(w, WORLD_NODES, 72);
    uint32_t leader = (uint32_t)world_elect(w);
    struct world_client *tc = world_client_new(w, leader);
    set_keys(tc, 20 * SWEEP_LIMIT_MIN, 60000);
    world_wait_answered(w, tc);
    world_run(w, 100);
    assert_int_equal(keys_on(w, leader), 20 * SWEEP_LIMIT_MIN);
    w->now_ms += 60000;
    world_turn(w);
    leader = (uint32_t)world_elect(w);
    expect_gone(w, leader, 600); /* the network takes most of them */
    world_wait_equal(w);
    assert_true(world_is_equal(w));
    world_release(w);
}

/* However many requests there were before anything was due, and whoever leads:
 * between two turns not so many rows go that others wait long for it. */
static void test_no_turn_is_long(void **state)
{
    const uint32_t keys = 3 * SWEEP_LIMIT_MAX;
    struct world *w = &world;
    UNUSED(state);
    for (uint32_t count = 1; count <= WORLD_NODES; count += 2) {
        uint64_t most = 0;
        world_init(w, count, 75);
        uint32_t leader = (uint32_t)world_elect(w);
        struct world_client *tc = world_client_new(w, leader);
        set_keys(tc, keys, 600000);
        world_wait_answered(w, tc);
        world_wait_equal(w);
        world_run(w, 10); /* the turns of those requests are over */
        w->now_ms += 600000;
        for (uint32_t t = 0; t < 5000 && keys_on(w, leader) > 0; t++) {
            uint64_t before[WORLD_NODES];
            for (uint32_t i = 0; i < count; i++)
                before[i] = keys_on(w, i);
            world_turn(w);
            for (uint32_t i = 0; i < count; i++)
                most = MAX(most, before[i] - keys_on(w, i));
        }
        assert_int_equal(keys_on(w, leader), 0);
        assert_in_range(most, 1, SWEEP_LIMIT_MAX);
        world_wait_equal(w);
        world_release(w);
    }
}

/* The leader dies in the middle of it: the next one goes on, and no replica
 * deletes anything else than the others. */
static void test_storm_over_crashes(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    for (uint64_t seed = 0; seed < 10; seed++) {
        world_init(w, WORLD_NODES, 80 + seed);
        uint32_t leader = (uint32_t)world_elect(w);
        struct world_client *tc = world_client_new(w, leader);
        set_keys(tc, 6 * SWEEP_LIMIT_MIN, 60000);
        world_wait_answered(w, tc);
        world_wait_equal(w);
        w->now_ms += 60000;
        world_turn(w);
        leader = (uint32_t)world_elect(w);
        while (keys_on(w, leader) == 6 * SWEEP_LIMIT_MIN)
            world_turn(w);
        world_run(w, (uint32_t)rng_below(&w->rng, 10));
        world_crash(w, leader);
        uint32_t next = (uint32_t)world_elect(w);
        assert_true(next != leader);
        world_start(w, leader);
        expect_gone(w, next, 2000);
        world_wait_equal(w);
        assert_true(world_is_equal(w));
        world_release(w);
    }
}

/* Nothing is due: nothing goes through the log, and the loop need not wake. */
static void test_quiet_without_work(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    world_init(w, 1, 73);
    assert_int_equal(world_elect(w), 0);
    struct world_client *tc = world_client_new(w, 0);
    set_keys(tc, 2 * SWEEP_LIMIT_MIN, 1000000);
    world_wait_answered(w, tc);
    const struct node *n = w->nodes[0].node;
    uint64_t last_seq = n->requests.ring.next_seq;
    world_run(w, 500);
    assert_int_equal(n->requests.ring.next_seq, last_seq);
    assert_false(node_sweep_goes_on(n));
    w->now_ms += 1000000;
    world_run(w, 200);
    assert_int_equal(keys_on(w, 0), 0);
    assert_false(node_sweep_goes_on(n));
    last_seq = n->requests.ring.next_seq;
    world_run(w, 500);
    assert_int_equal(n->requests.ring.next_seq, last_seq);
    assert_true(node_deadline_ms(n) > w->now_ms);
    world_release(w);
}

/* Keys that come due one by one are gathered: a sweep for each would be an
 * entry for each. */
static void test_few_entries_for_few_keys(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    world_init(w, 1, 74);
    assert_int_equal(world_elect(w), 0);
    struct world_client *tc = world_client_new(w, 0);
    for (int i = 0; i < 2000; i++) {
        set_keys(tc, 1, 20);
        world_turn(w);
    }
    world_wait_answered(w, tc);
    world_run(w, 100);
    assert_int_equal(keys_on(w, 0), 0);
    const struct node *n = w->nodes[0].node;
    uint64_t sweeps = n->applying.applied_requests - tc->asked;
    assert_true(sweeps > 100);
    assert_true(sweeps <= (uint64_t)w->now_ms / SWEEP_PAUSE_MS);
    world_release(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keeps_up_with_writes),
        cmocka_unit_test(test_keeps_up_with_large_entries),
        cmocka_unit_test(test_storm),
        cmocka_unit_test(test_no_turn_is_long),
        cmocka_unit_test(test_storm_over_crashes),
        cmocka_unit_test(test_quiet_without_work),
        cmocka_unit_test(test_few_entries_for_few_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
