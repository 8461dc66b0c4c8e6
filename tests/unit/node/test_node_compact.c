/*
 * What a log is kept for, and what it is not: cutting it, and bringing the
 * state to the disk in time.
 */
// link: world node store data cmd
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "node/node_internal.h"
#include "world/cluster.h"

static struct cluster cluster;

/* A node that is killed again and again, each time after it was elected: it
 * must not end as one whose log takes no further term. */
static void test_killed_in_every_term(void **state)
{
    struct cluster *c = &cluster;
    UNUSED(state);
    cluster_init(c, 1, 31);
    for (int i = 0; i < RAFT_RUNS_MAX + 10; i++) {
        assert_true(cluster_elect(c) == 0);
        cluster_run(c, 100); /* 200 ms */
        cluster_crash_keep(c, 0, 0);
        cluster_start(c, 0);
    }
    assert_true(cluster_elect(c) == 0);
    cluster_release(c);
}

static uint64_t log_bytes(struct cluster *c, uint32_t id)
{
    struct node_status s;
    node_status(c->nodes[id].node, &s);
    return s.log_bytes;
}

static void set_log_size(struct cluster *c, uint64_t soft, uint64_t hard)
{
    for (uint32_t i = 0; i < c->count; i++)
        if (c->nodes[i].node)
            node_set_log_size(c->nodes[i].node, soft, hard);
}

/* Who needs what was cut is up again, and waits: the log is cut all the same,
 * or it would fill the disks of all members. */
static void test_cut_without_outrun(void **state)
{
    const uint64_t soft = 8 * 1024, hard = 16 * 1024;
    struct cluster *c = &cluster;
    struct node_status s;
    UNUSED(state);
    cluster_init(c, CLUSTER_NODES, 32);
    uint32_t leader = (uint32_t)cluster_elect(c);
    uint32_t outrun = (leader + 1) % CLUSTER_NODES,
             other = (leader + 2) % CLUSTER_NODES;
    cluster_crash_keep(c, outrun, 0);
    set_log_size(c, soft, hard);
    cluster_write(c, leader, 300);
    node_status(c->nodes[leader].node, &s);
    assert_true(s.first > 10);
    cluster_start(c, outrun);
    cluster_write(c, leader, 300);
    node_status(c->nodes[leader].node, &s);
    assert_int_equal(s.role, RAFT_LEADER);
    for (uint32_t i = 0; i < s.peer_count; i++)
        if (s.peers[i].id == outrun)
            assert_int_equal(s.peers[i].state, RAFT_SNAPSHOT);
    assert_true(log_bytes(c, leader) < 2 * hard);
    assert_true(log_bytes(c, other) < 2 * hard);
    cluster_release(c);
}

/* Appends are enough for the followers to learn what they may cut: while they
 * come one after the other there are no heartbeats. */
static void test_followers_cut_under_load(void **state)
{
    const uint64_t soft = 8 * 1024;
    struct cluster *c = &cluster;
    UNUSED(state);
    cluster_init(c, CLUSTER_NODES, 33);
    uint32_t leader = (uint32_t)cluster_elect(c);
    set_log_size(c, soft, 8 * soft);
    struct cluster_client *tc = cluster_client_new(c, leader);
    for (int i = 0; i < 1500; i++) {
        assert_int_equal(cluster_submit(tc, "append k x"), 0);
        cluster_turn(c);
    }
    for (uint32_t i = 0; i < CLUSTER_NODES; i++)
        assert_true(log_bytes(c, i) < 4 * soft);
    cluster_wait_answered(c, tc);
    cluster_release(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed_in_every_term),
        cmocka_unit_test(test_cut_without_outrun),
        cmocka_unit_test(test_followers_cut_under_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
