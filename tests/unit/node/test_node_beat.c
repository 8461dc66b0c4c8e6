/*
 * What the beat says, and what is believed of it; a disk that is full.
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
#include "world/world.h"

static struct world world;

static void run_ms(struct world *w, int64_t ms)
{
    int64_t end_ms = w->now_ms + ms;
    while (w->now_ms < end_ms)
        world_turn(w);
}

/* What is told of the log that all hold stops at what is committed: the rest
 * the next leader may replace. Here the leader is the only one that is up. */
static void test_held_is_committed(void **state)
{
    struct world *w = &world;
    struct beat b = {0};
    UNUSED(state);
    world_init(w, WORLD_NODES, 97);
    uint32_t leader = (uint32_t)world_elect(w);
    struct node *n = w->nodes[leader].node;
    struct world_client *tc = world_client_new(w, leader);
    for (uint32_t i = 1; i < WORLD_NODES; i++) {
        uint32_t other = (leader + i) % WORLD_NODES;
        w->cut[leader][other] = w->cut[other][leader] = true;
        world_link(w, leader, other, false);
    }
    raft_index commit = n->raft.commit;
    assert_int_equal(world_submit(tc, "incr n"), 0);
    for (int i = 0; i < 100 && n->raft.durable == commit; i++)
        world_turn(w);
    assert_true(n->raft.durable > commit && n->raft.role == RAFT_LEADER);
    node_compact_tell(n, &b);
    assert_int_equal(b.held_by_live, commit);
    assert_true(b.held_by_all <= commit);
    world_release(w);
}

static raft_index last_of(struct world *w, uint32_t i)
{
    struct node_status s;
    node_status(w->nodes[i].node, &s);
    return s.last;
}

/* It falls behind, in silence, and catches up when it may. */
static void test_full_member_takes_no_entries(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    world_init(w, WORLD_NODES, 99);
    uint32_t leader = (uint32_t)world_elect(w);
    uint32_t full = (leader + 1) % WORLD_NODES;
    run_ms(w, 300);
    raft_index before = last_of(w, full);
    node_set_disk_full(w->nodes[full].node, true);
    struct world_client *c = world_client_new(w, leader);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(world_submit(c, "incr n"), 0);
        run_ms(w, 400);
    }
    assert_int_equal(last_of(w, full), before);
    assert_true(last_of(w, leader) >= before + 5);
    assert_int_equal(world_leader(w), leader);
    node_set_disk_full(w->nodes[full].node, false);
    run_ms(w, 3000);
    assert_int_equal(last_of(w, full), last_of(w, leader));
    world_release(w);
}

static void test_full_leader_proposes_nothing(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    world_init(w, WORLD_NODES, 100);
    uint32_t leader = (uint32_t)world_elect(w);
    struct world_client *c = world_client_new(w, leader);
    assert_int_equal(world_submit(c, "set e v PX 300"), 0);
    run_ms(w, 200);
    raft_index before = last_of(w, leader);
    node_set_disk_full(w->nodes[leader].node, true);
    assert_int_equal(world_submit(c, "del e"), 0);
    run_ms(w, 1000); /* a sweep is due, too */
    assert_int_equal(last_of(w, leader), before);
    assert_int_equal(world_leader(w), leader);
    node_set_disk_full(w->nodes[leader].node, false);
    run_ms(w, 500);
    assert_true(last_of(w, leader) > before);
    world_release(w);
}

/* What was deleted gets its space back only when it is written. */
static void test_short_member_writes_its_state(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    world_init(w, WORLD_NODES, 101);
    uint32_t leader = (uint32_t)world_elect(w);
    struct node *n = w->nodes[leader].node;
    struct world_client *c = world_client_new(w, leader);
    struct applied flushed;
    for (int is_short = 0; is_short < 2; is_short++) {
        node_set_disk_short(n, is_short == 1);
        assert_int_equal(world_submit(c, "del e"), 0);
        run_ms(w, 2500);
        assert_int_equal(keyspace_flushed(n->ks, &flushed), 0);
        assert_int_equal(flushed.index == keyspace_applied(n->ks)->index,
                         is_short == 1);
    }
    world_release(w);
}

/* Requests that wait, and entries that are not applied, will be written. */
static void test_what_waits_is_promised(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    world_init(w, WORLD_NODES, 102);
    uint32_t leader = (uint32_t)world_elect(w);
    struct node *n = w->nodes[leader].node;
    struct world_client *c = world_client_new(w, leader);
    struct store_space idle;
    struct store_space busy;
    run_ms(w, 300);
    node_disk_space(n, &idle);
    assert_int_equal(world_submit(c, "append a 0123456789"), 0);
    node_disk_space(n, &busy);
    assert_true(busy.promised >= idle.promised + 20);
    run_ms(w, 1000);
    node_disk_space(n, &busy);
    assert_int_equal(busy.promised, idle.promised);
    world_release(w);
}

/* A heartbeat from the leader with this behind it. */
static int receive(struct world *w, uint32_t from, uint32_t to,
                   struct bytes behind)
{
    struct buf out = BUF_INIT;
    struct node_status s;
    node_status(w->nodes[to].node, &s);
    struct raft_message m = {
        .type = RAFT_MSG_HEARTBEAT,
        .cluster_id = s.cluster_id,
        .from = from,
        .to = to,
        .from_incarnation = w->nodes[from].incarnation,
        .to_incarnation = w->nodes[to].incarnation,
        .term = s.term,
    };
    message_encode(&m, &out);
    buf_bytes(&out, behind);
    int err = node_receive(w->nodes[to].node, from, FRAME_RAFT, buf_view(&out));
    buf_release(&out);
    return err;
}

/* A whole beat stands behind the message, and nothing behind that but the
 * entries of an append: else nothing of it is believed. */
static void test_beat_is_checked(void **state)
{
    struct world *w = &world;
    struct beat beat = {.held_by_all = 1,
                        .held_by_live = 1,
                        .disk_short = true,
                        .short_members = 2};
    struct buf b = BUF_INIT;
    UNUSED(state);
    world_init(w, WORLD_NODES, 98);
    uint32_t leader = (uint32_t)world_elect(w);
    uint32_t to = (leader + 1) % WORLD_NODES;
    run_ms(w, 300);
    beat_encode(&beat, &b);
    buf_u8(&b, 0);
    assert_int_equal(receive(w, leader, to, buf_view(&b)), ERR_CORRUPT);
    for (size_t len = 0; len < BEAT_SIZE; len++)
        assert_int_equal(receive(w, leader, to, bytes_of(b.data, len)),
                         ERR_CORRUPT);
    b.data[BEAT_SIZE - 1] = 1;
    assert_int_equal(receive(w, leader, to, bytes_of(b.data, BEAT_SIZE)),
                     ERR_CORRUPT);
    b.data[BEAT_SIZE - 1] = 0;
    assert_false(node_disk_short(w->nodes[to].node));
    assert_int_equal(receive(w, leader, to, bytes_of(b.data, BEAT_SIZE)), 0);
    assert_true(node_disk_short(w->nodes[to].node));
    assert_false(node_disk_paused(w->nodes[to].node));
    assert_int_equal(node_short_members(w->nodes[to].node), 2);
    b.data[24] = 2;
    assert_int_equal(receive(w, leader, to, bytes_of(b.data, BEAT_SIZE)), 0);
    assert_false(node_disk_short(w->nodes[to].node));
    assert_true(node_disk_paused(w->nodes[to].node));
    /* Of another than the leader nothing is believed. */
    b.data[24] = b.data[25] = 1;
    assert_int_equal(
        receive(w, 3 - leader - to, to, bytes_of(b.data, BEAT_SIZE)), 0);
    assert_false(node_disk_short(w->nodes[to].node));
    assert_int_equal(node_short_members(w->nodes[to].node), 2);
    buf_release(&b);
    world_release(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_full_member_takes_no_entries),
        cmocka_unit_test(test_full_leader_proposes_nothing),
        cmocka_unit_test(test_short_member_writes_its_state),
        cmocka_unit_test(test_what_waits_is_promised),
        cmocka_unit_test(test_held_is_committed),
        cmocka_unit_test(test_beat_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
