/*
 * What a node shows of itself and of the others.
 */
// link: world node store data cmd
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "node/node_internal.h"
#include "world/world.h"

static struct world world;

static struct node_status status_of(struct world *w, uint32_t id)
{
    struct node_status s;
    node_status(w->nodes[id].node, &s);
    return s;
}

static int64_t silence_of(struct world *w, uint32_t leader, uint32_t id)
{
    struct node_status s = status_of(w, leader);
    for (uint32_t i = 0; i < s.peer_count; i++)
        if (s.peers[i].id == id)
            return s.peers[i].silent_ms;
    fail();
    return 0;
}

static void run_ms(struct world *w, int64_t ms)
{
    int64_t end_ms = w->now_ms + ms;
    while (w->now_ms < end_ms)
        world_turn(w);
}

/* Between two heartbeats the silence grows, and ends with each. */
static void expect_beats(struct world *w, uint32_t leader, uint32_t follower)
{
    int64_t longest = 0, of_leader = 0;
    for (int i = 0; i < 1000; i++) {
        world_turn(w);
        longest = MAX(longest, silence_of(w, leader, follower));
        of_leader = MAX(of_leader, status_of(w, follower).leader_silent_ms);
        assert_true(status_of(w, follower).leader_silent_ms >= 0);
    }
    assert_in_range(longest, 20, 400);
    assert_in_range(of_leader, 20, 400);
}

static void test_silence_is_measured(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    world_init(w, WORLD_NODES, 21);
    uint32_t leader = (uint32_t)world_elect(w);
    uint32_t near = (leader + 1) % WORLD_NODES;
    uint32_t far = (leader + 2) % WORLD_NODES;
    run_ms(w, 1000);
    assert_int_equal(status_of(w, leader).leader_silent_ms, -1);
    expect_beats(w, leader, far);
    for (uint32_t i = 0; i < WORLD_NODES; i++)
        w->cut[i][far] = w->cut[far][i] = i != far;
    run_ms(w, 3000);
    assert_int_equal(world_leader(w), (int)leader);
    assert_in_range(silence_of(w, leader, far), 2900, 3500);
    assert_int_equal(status_of(w, far).leader, NODE_NONE);
    assert_int_equal(status_of(w, far).leader_silent_ms, -1);
    assert_int_equal(silence_of(w, near, leader), 0); /* leader only */
    expect_beats(w, leader, near);
    world_release(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_silence_is_measured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
