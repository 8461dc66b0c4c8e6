/*
 * What a log is kept for, and what it is not: cutting it, and bringing the
 * state to the disk in time.
 */
// link: world node store data cmd
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "codec/frame.h"
#include "node/node_internal.h"
#include "world/world.h"

static struct world world;

/* A node that is killed again and again, each time after it was elected: it
 * must not end as one whose log takes no further term. */
static void test_killed_in_every_term(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    world_init(w, 1, 31);
    for (int i = 0; i < RAFT_RUNS_MAX + 10; i++) {
        assert_true(world_elect(w) == 0);
        world_run(w, 100); /* 200 ms */
        world_crash_keep(w, 0, 0);
        world_start(w, 0);
    }
    assert_true(world_elect(w) == 0);
    world_release(w);
}

static uint64_t log_bytes(struct world *w, uint32_t id)
{
    return (uint64_t)world_measured(w, id, METRIC_raft_log_bytes);
}

static void set_log_size(struct world *w, uint64_t soft, uint64_t hard)
{
    for (uint32_t i = 0; i < w->count; i++)
        if (w->nodes[i].node)
            node_set_log_size(w->nodes[i].node, soft, hard);
}

/* Who needs what was cut is up again, and waits: the log is cut all the same,
 * or it would fill the disks of all members. */
static void test_cut_without_outrun(void **state)
{
    const uint64_t soft = 8 * 1024, hard = 16 * 1024;
    struct world *w = &world;
    struct node_status s;
    UNUSED(state);
    world_init(w, WORLD_NODES, 32);
    w->no_transfers = true;
    uint32_t leader = (uint32_t)world_elect(w);
    uint32_t outrun = (leader + 1) % WORLD_NODES,
             other = (leader + 2) % WORLD_NODES;
    world_crash_keep(w, outrun, 0);
    set_log_size(w, soft, hard);
    world_write(w, leader, 300);
    assert_true(world_measured(w, leader, METRIC_raft_first_index) > 10);
    world_start(w, outrun);
    world_write(w, leader, 300);
    node_status(w->nodes[leader].node, &s);
    assert_int_equal(s.role, RAFT_LEADER);
    for (uint32_t i = 0; i < s.peer_count; i++)
        if (s.peers[i].id == outrun)
            assert_int_equal(s.peers[i].state, RAFT_SNAPSHOT);
    assert_true(log_bytes(w, leader) < 2 * hard);
    assert_true(log_bytes(w, other) < 2 * hard);
    world_release(w);
}

/* The leader offers a state, of which nothing comes; or has it no more (0). */
static void offer(struct world *w, uint32_t leader, uint32_t id,
                  raft_index index)
{
    struct buf payload = BUF_INIT;
    struct transfer t = {.kind = TRANSFER_GONE, .id = 5};
    if (index > 0) {
        t.kind = TRANSFER_OFFER;
        t.offer = (struct transfer_offer){
            .index = index, .term = 1, .source = leader, .level = LEVEL_MIN};
    }
    transfer_encode(&t, &payload);
    assert_int_equal(node_receive(w->nodes[id].node, leader, FRAME_SNAPSHOT,
                                  buf_view(&payload)),
                     0);
    buf_release(&payload);
}

static raft_index first_of(struct world *w, uint32_t id)
{
    return (raft_index)world_measured(w, id, METRIC_raft_first_index);
}

/* Who needs what was cut fetches a state: what is behind that one is kept, by
 * the others too, one of whom may lead next; until it takes the whole log, and
 * no longer than it is fetched. */
static void test_kept_for_a_transfer(void **state)
{
    const uint64_t soft = 8 * 1024, hard = 16 * 1024;
    struct world *w = &world;
    UNUSED(state);
    world_init(w, WORLD_NODES, 34);
    w->no_transfers = true;
    uint32_t leader = (uint32_t)world_elect(w);
    uint32_t outrun = (leader + 1) % WORLD_NODES,
             other = (leader + 2) % WORLD_NODES;
    world_crash_keep(w, outrun, 0);
    set_log_size(w, soft, hard);
    world_write(w, leader, 300);
    world_start(w, outrun);
    world_write(w, leader, 100);
    assert_true(first_of(w, leader) > 10);
    struct store *store = w->nodes[leader].store;
    assert_int_equal(store_flush(store, STORE_STATE, true), 0);
    for (int i = 0; i < 50 && log_bytes(w, leader) >= hard * 8 / 10; i++)
        world_write(w, leader, 5);
    for (int i = 0; i < 50 && log_bytes(w, leader) < hard * 8 / 10; i++)
        world_write(w, leader, 5);
    assert_in_range(log_bytes(w, leader), hard * 8 / 10, hard - 1);
    raft_index from = w->nodes[leader].node->raft.commit;
    offer(w, leader, outrun, from);
    world_run(w, 500); /* a second */
    world_write(w, leader, 30);
    assert_int_equal(store_flush(store, STORE_STATE, true), 0);
    for (int i = 0; i < 20 && first_of(w, leader) + 20 < from; i++) {
        world_write(w, leader, 10);
        world_run(w, 100);
        assert_true(first_of(w, leader) <= from + 1);
    }
    assert_true(first_of(w, leader) + 20 >= from);
    while (log_bytes(w, leader) < hard * 9 / 10) {
        world_write(w, leader, 10);
        world_run(w, 100);
        assert_true(first_of(w, leader) <= from + 1);
        assert_true(first_of(w, other) <= from + 1);
    }
    world_write(w, leader, 300);
    world_run(w, 500);
    assert_true(log_bytes(w, leader) < 2 * hard);
    assert_true(first_of(w, leader) > from + 1);
    assert_true(first_of(w, other) > from + 1);
    world_release(w);
}

/* Appends are enough for the followers to learn what they may cut: while they
 * come one after the other there are no heartbeats. */
static void test_followers_cut_under_load(void **state)
{
    const uint64_t soft = 8 * 1024;
    struct world *w = &world;
    UNUSED(state);
    world_init(w, WORLD_NODES, 33);
    uint32_t leader = (uint32_t)world_elect(w);
    set_log_size(w, soft, 8 * soft);
    struct world_client *tc = world_client_new(w, leader);
    for (int i = 0; i < 1500; i++) {
        assert_int_equal(world_submit(tc, "append k x"), 0);
        world_turn(w);
    }
    for (uint32_t i = 0; i < WORLD_NODES; i++)
        assert_true(log_bytes(w, i) < 4 * soft);
    world_wait_answered(w, tc);
    world_release(w);
}

/* Values of 100 bytes, of so many keys. Returns the bytes of the log. */
static uint64_t write_over(struct world *w, uint32_t at, int keys)
{
    struct world_client *tc = world_client_new(w, at);
    char line[160];
    for (int i = 0; i < 2000; i++) {
        snprintf(line, sizeof(line), "set k%d %0100d", i % keys, i);
        assert_int_equal(world_submit(tc, line), 0);
        world_turn(w);
    }
    world_wait_answered(w, tc);
    return log_bytes(w, at);
}

#define SOFT (uint64_t)(1024 * 1024)

/* In which everything may happen that needs no writing: 20 seconds. */
static void wait_quietly(struct world *w)
{
    int64_t end_ms = w->now_ms + 20000;
    while (w->now_ms < end_ms)
        world_turn(w);
}

/* A log that is larger than the state is cut although nothing is written. */
static void test_cut_when_idle(void **state)
{
    UNUSED(state);
    for (uint32_t nodes = 1; nodes <= WORLD_NODES; nodes += 2) {
        struct world *w = &world;
        world_init(w, nodes, 34);
        uint32_t leader = (uint32_t)world_elect(w);
        set_log_size(w, SOFT, 8 * SOFT);
        uint64_t bytes = write_over(w, leader, 1);
        assert_in_range(bytes, SOFT / 8, SOFT);
        assert_int_equal(world_measured(w, leader, METRIC_raft_first_index), 1);
        wait_quietly(w);
        for (uint32_t i = 0; i < nodes; i++)
            assert_true(log_bytes(w, i) <= SOFT / 16);
        world_crash(w, leader);
        world_start(w, leader);
        leader = (uint32_t)world_elect(w);
        world_write(w, leader, 10);
        world_wait_equal(w);
        assert_true(world_is_equal(w));
        world_release(w);
    }
}

/* While much is written the log may grow as far as it may: a cut would need a
 * flush, and what is read after that has to be found in files first. */
static void test_not_cut_early_while_busy(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    world_init(w, 1, 34);
    uint32_t leader = (uint32_t)world_elect(w);
    set_log_size(w, SOFT, 8 * SOFT);
    int64_t begin_ms = w->now_ms;
    uint64_t bytes = write_over(w, leader, 1);
    bytes = write_over(w, leader, 1);
    assert_true(w->now_ms - begin_ms > 7000);
    assert_in_range(bytes, SOFT / 2, SOFT);
    assert_int_equal(world_measured(w, leader, METRIC_raft_first_index), 1);
    wait_quietly(w);
    assert_true(log_bytes(w, leader) <= SOFT / 16);
    world_release(w);
}

/* Not what a member lacks that is down; as soon as it has that, too. */
static void test_idle_log_waits_for_a_member(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    world_init(w, WORLD_NODES, 35);
    uint32_t leader = (uint32_t)world_elect(w);
    uint32_t down = (leader + 1) % WORLD_NODES;
    set_log_size(w, SOFT, 8 * SOFT);
    world_wait_equal(w);
    world_crash_keep(w, down, 0);
    uint64_t bytes = write_over(w, leader, 1);
    wait_quietly(w);
    assert_true(log_bytes(w, leader) >= bytes);
    world_start(w, down);
    set_log_size(w, SOFT, 8 * SOFT);
    world_wait_equal(w);
    wait_quietly(w);
    for (uint32_t i = 0; i < WORLD_NODES; i++)
        assert_true(log_bytes(w, i) <= SOFT / 16);
    assert_true(world_is_equal(w));
    world_release(w);
}

/* A log that is not larger than the state is worth its space. */
static void test_idle_log_stays_beside_a_state(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    world_init(w, 1, 36);
    uint32_t leader = (uint32_t)world_elect(w);
    set_log_size(w, SOFT, 8 * SOFT);
    (void)write_over(w, leader, 2000);
    wait_quietly(w);
    struct world_client *tc = world_client_new(w, leader);
    uint64_t before = log_bytes(w, leader);
    for (int i = 0; i < 500; i++)
        assert_int_equal(
            world_submit(tc,
                         "set a-key 0123456789012345678901234567890123456789"
                         "0123456789012345678901234567890123456789"),
            0);
    world_wait_answered(w, tc);
    uint64_t bytes = log_bytes(w, leader);
    assert_in_range(bytes, before + 50000, SOFT / 8);
    wait_quietly(w);
    assert_int_equal(log_bytes(w, leader), bytes);
    world_release(w);
}

/* ... unless the disk is short of space: then what nobody lacks goes at once;
 * what a member lacks that is down stays. */
static void test_a_short_disk_keeps_no_log(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    world_init(w, WORLD_NODES, 37);
    uint32_t leader = (uint32_t)world_elect(w);
    uint32_t down = (leader + 1) % WORLD_NODES;
    set_log_size(w, SOFT, 8 * SOFT);
    (void)write_over(w, leader, 2000);
    wait_quietly(w);
    assert_true(log_bytes(w, leader) <= SOFT / 16);
    world_crash_keep(w, down, 0);
    world_write(w, leader, 900);
    uint64_t bytes = log_bytes(w, leader);
    assert_in_range(bytes, SOFT / 16 + 10000, SOFT / 6);
    node_set_disk_short(w->nodes[leader].node, true);
    wait_quietly(w);
    assert_true(log_bytes(w, leader) >= bytes);
    world_start(w, down);
    set_log_size(w, SOFT, 8 * SOFT);
    world_wait_equal(w);
    wait_quietly(w);
    for (uint32_t i = 0; i < w->count; i++)
        assert_int_equal(log_bytes(w, i) <= SOFT / 16, i == leader);
    assert_true(world_is_equal(w));
    world_release(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed_in_every_term),
        cmocka_unit_test(test_cut_without_outrun),
        cmocka_unit_test(test_kept_for_a_transfer),
        cmocka_unit_test(test_followers_cut_under_load),
        cmocka_unit_test(test_cut_when_idle),
        cmocka_unit_test(test_not_cut_early_while_busy),
        cmocka_unit_test(test_idle_log_waits_for_a_member),
        cmocka_unit_test(test_idle_log_stays_beside_a_state),
        cmocka_unit_test(test_a_short_disk_keeps_no_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
