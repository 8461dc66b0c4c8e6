/*
 * A disk that is short of space: all members know, and forget in time.
 */
// link: world node store data cmd
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/frame.h"
#include "codec/message.h"
#include "node/node_internal.h"
#include "world/cluster.h"

static struct cluster cluster;

static void run_ms(struct cluster *c, int64_t ms)
{
    int64_t end_ms = c->now_ms + ms;
    while (c->now_ms < end_ms)
        cluster_turn(c);
}

static void expect_short(struct cluster *c, bool is_short)
{
    for (uint32_t i = 0; i < c->count; i++)
        if (c->nodes[i].node)
            assert_int_equal(node_disk_short(c->nodes[i].node), is_short);
}

static void test_all_members_know(void **state)
{
    struct cluster *c = &cluster;
    UNUSED(state);
    cluster_init(c, CLUSTER_NODES, 90);
    uint32_t leader = (uint32_t)cluster_elect(c);
    for (uint32_t i = 0; i < CLUSTER_NODES; i++) {
        run_ms(c, 300);
        expect_short(c, false);
        node_set_disk_short(c->nodes[i].node, true);
        assert_true(node_disk_short(c->nodes[i].node));
        run_ms(c, 300);
        expect_short(c, true);
        node_set_disk_short(c->nodes[i].node, false);
    }
    run_ms(c, 300);
    expect_short(c, false);
    assert_int_equal(cluster_leader(c), leader);
    cluster_release(c);
}

/* Entries without a pause, which leave no room for heartbeats: of the leader's
 * own clients, so that nobody wants to be told when they commit. */
static void test_under_load(void **state)
{
    struct cluster *c = &cluster;
    UNUSED(state);
    cluster_init(c, CLUSTER_NODES, 96);
    uint32_t leader = (uint32_t)cluster_elect(c);
    struct cluster_client *tc = cluster_client_new(c, leader);
    for (uint32_t i = 0; i < CLUSTER_NODES; i++) {
        for (int is_short = 1; is_short >= 0; is_short--) {
            node_set_disk_short(c->nodes[i].node, is_short);
            for (int64_t end_ms = c->now_ms + 500; c->now_ms < end_ms;) {
                assert_int_equal(cluster_submit(tc, "incr n"), 0);
                cluster_turn(c);
            }
            expect_short(c, is_short);
        }
    }
    cluster_release(c);
}

/* Two are short: that one has space again is not enough. */
static void test_two_are_short(void **state)
{
    struct cluster *c = &cluster;
    UNUSED(state);
    cluster_init(c, CLUSTER_NODES, 91);
    uint32_t leader = (uint32_t)cluster_elect(c);
    for (uint32_t i = 0; i < 2; i++)
        node_set_disk_short(c->nodes[(leader + i) % CLUSTER_NODES].node, true);
    run_ms(c, 300);
    node_set_disk_short(c->nodes[leader].node, false);
    run_ms(c, 300);
    expect_short(c, true);
    node_set_disk_short(c->nodes[(leader + 1) % CLUSTER_NODES].node, false);
    run_ms(c, 300);
    expect_short(c, false);
    cluster_release(c);
}

/* A member that is down counts no more, whether it led or not; the next
 * leader learns of the others anew. */
static void test_member_goes(void **state)
{
    struct cluster *c = &cluster;
    UNUSED(state);
    for (uint32_t who = 0; who < 2; who++) {
        cluster_init(c, CLUSTER_NODES, 92 + who);
        uint32_t leader = (uint32_t)cluster_elect(c);
        uint32_t gone = (leader + who) % CLUSTER_NODES;
        node_set_disk_short(c->nodes[gone].node, true);
        run_ms(c, 300);
        expect_short(c, true);
        cluster_crash(c, gone);
        assert_true(cluster_elect(c) >= 0);
        run_ms(c, 1000);
        expect_short(c, false);
        cluster_release(c);
    }
}

/* Without a leader there is another error to tell. */
static void test_without_leader(void **state)
{
    struct cluster *c = &cluster;
    UNUSED(state);
    cluster_init(c, CLUSTER_NODES, 95);
    uint32_t leader = (uint32_t)cluster_elect(c);
    node_set_disk_short(c->nodes[leader].node, true);
    run_ms(c, 300);
    expect_short(c, true);
    cluster_crash(c, leader);
    cluster_crash(c, (leader + 1) % CLUSTER_NODES);
    run_ms(c, 1000);
    expect_short(c, false);
    cluster_release(c);
}

/* What is told of the log that all hold stops at what is committed: the rest
 * the next leader may replace. Here the leader is the only one that is up. */
static void test_held_is_committed(void **state)
{
    struct cluster *c = &cluster;
    struct beat b = {0};
    UNUSED(state);
    cluster_init(c, CLUSTER_NODES, 97);
    uint32_t leader = (uint32_t)cluster_elect(c);
    struct node *n = c->nodes[leader].node;
    struct cluster_client *tc = cluster_client_new(c, leader);
    for (uint32_t i = 1; i < CLUSTER_NODES; i++) {
        uint32_t other = (leader + i) % CLUSTER_NODES;
        c->cut[leader][other] = c->cut[other][leader] = true;
        cluster_link(c, leader, other, false);
    }
    raft_index commit = n->raft.commit;
    assert_int_equal(cluster_submit(tc, "incr n"), 0);
    for (int i = 0; i < 100 && n->raft.durable == commit; i++)
        cluster_turn(c);
    assert_true(n->raft.durable > commit && n->raft.role == RAFT_LEADER);
    node_compact_tell(n, &b);
    assert_int_equal(b.held_by_live, commit);
    assert_true(b.held_by_all <= commit);
    cluster_release(c);
}

static void test_leader_changes(void **state)
{
    struct cluster *c = &cluster;
    UNUSED(state);
    cluster_init(c, CLUSTER_NODES, 94);
    uint32_t leader = (uint32_t)cluster_elect(c);
    uint32_t next = (leader + 1) % CLUSTER_NODES;
    uint32_t scant = (leader + 2) % CLUSTER_NODES;
    node_set_disk_short(c->nodes[scant].node, true);
    run_ms(c, 300);
    assert_true(node_transfer(c->nodes[leader].node, next));
    run_ms(c, 1000);
    assert_int_equal(cluster_leader(c), next);
    expect_short(c, true);
    node_set_disk_short(c->nodes[scant].node, false);
    run_ms(c, 300);
    expect_short(c, false);
    cluster_release(c);
}

/* A heartbeat from the leader with this behind it. */
static int receive(struct cluster *c, uint32_t from, uint32_t to,
                   struct bytes behind)
{
    struct buf out = BUF_INIT;
    struct node_status s;
    node_status(c->nodes[to].node, &s);
    struct raft_message m = {
        .type = RAFT_MSG_HEARTBEAT,
        .cluster_id = s.cluster_id,
        .from = from,
        .to = to,
        .from_incarnation = c->nodes[from].incarnation,
        .to_incarnation = c->nodes[to].incarnation,
        .term = s.term,
    };
    message_encode(&m, &out);
    buf_bytes(&out, behind);
    int err = node_receive(c->nodes[to].node, from, FRAME_RAFT, buf_view(&out));
    buf_release(&out);
    return err;
}

/* A whole beat stands behind the message, and nothing behind that but the
 * entries of an append: else nothing of it is believed. */
static void test_beat_is_checked(void **state)
{
    struct cluster *c = &cluster;
    struct beat beat = {
        .held_by_all = 1, .held_by_live = 1, .disk_short = true};
    struct buf b = BUF_INIT;
    UNUSED(state);
    cluster_init(c, CLUSTER_NODES, 98);
    uint32_t leader = (uint32_t)cluster_elect(c);
    uint32_t to = (leader + 1) % CLUSTER_NODES;
    run_ms(c, 300);
    beat_encode(&beat, &b);
    buf_u8(&b, 0);
    assert_int_equal(receive(c, leader, to, buf_view(&b)), ERR_CORRUPT);
    for (size_t len = 0; len < BEAT_SIZE; len++)
        assert_int_equal(receive(c, leader, to, bytes_of(b.data, len)),
                         ERR_CORRUPT);
    b.data[BEAT_SIZE - 1] = 1;
    assert_int_equal(receive(c, leader, to, bytes_of(b.data, BEAT_SIZE)),
                     ERR_CORRUPT);
    b.data[BEAT_SIZE - 1] = 0;
    assert_false(node_disk_short(c->nodes[to].node));
    assert_int_equal(receive(c, leader, to, bytes_of(b.data, BEAT_SIZE)), 0);
    assert_true(node_disk_short(c->nodes[to].node));
    buf_release(&b);
    cluster_release(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_members_know),
        cmocka_unit_test(test_under_load),
        cmocka_unit_test(test_two_are_short),
        cmocka_unit_test(test_member_goes),
        cmocka_unit_test(test_without_leader),
        cmocka_unit_test(test_leader_changes),
        cmocka_unit_test(test_held_is_committed),
        cmocka_unit_test(test_beat_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
