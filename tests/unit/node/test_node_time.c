/*
 * The log's time under wall clocks that jump: it never falls, never stands
 * still, and comes back to the clock.
 */
// link: world node store data cmd
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "node/node_internal.h"

#include "world/cluster.h"

#define HOUR_MS 3600000

static struct cluster cluster;

/* Submits, and waits for the reply. */
static void ask(struct cluster *c, struct cluster_client *tc, const char *line)
{
    buf_reset(&tc->out);
    assert_int_equal(cluster_submit(tc, line), 0);
    for (int i = 0; i < 5000 && tc->answered < tc->asked; i++)
        cluster_turn(c);
    assert_int_equal(tc->answered, tc->asked);
}

static void run_ms(struct cluster *c, int64_t ms)
{
    int64_t end_ms = c->now_ms + ms;
    while (c->now_ms < end_ms)
        cluster_turn(c);
}

static bool replied(const struct cluster_client *tc, const char *text)
{
    return bytes_eq(buf_view(&tc->out), bytes_str(text));
}

/* Milliseconds until the key that was just set is gone, as a reader through
 * the log sees it; 0: not within 2 s. */
static int64_t life_ms(struct cluster *c, struct cluster_client *tc)
{
    int64_t begin_ms = c->now_ms;
    while (c->now_ms < begin_ms + 2000) {
        ask(c, tc, "get k");
        if (replied(tc, "$-1\r\n"))
            return c->now_ms - begin_ms;
    }
    return 0;
}

/* A key with PX 300 lives about so long, and goes by itself. */
static void times_to_live_are_kept(struct cluster *c, struct cluster_client *tc)
{
    ask(c, tc, "set k v px 300");
    int64_t life = life_ms(c, tc);
    assert_in_range(life, 250, 380);
    ask(c, tc, "set k v px 300");
    assert_int_equal(node_counts(tc->home->node, 0).keys, 1);
    run_ms(c, 700);
    assert_int_equal(node_counts(tc->home->node, 0).keys, 0);
}

static int64_t stamp_of(struct cluster *c, uint32_t id)
{
    return node_stamp(c->nodes[id].node) - c->now_ms - WORLD_WALL_MS;
}

static void test_clock_is_set_back(void **state)
{
    struct cluster *c = &cluster;
    UNUSED(state);
    cluster_init(c, CLUSTER_NODES, 50);
    uint32_t leader = (uint32_t)cluster_elect(c);
    struct cluster_client *tc =
        cluster_client_new(c, (leader + 1) % CLUSTER_NODES);
    times_to_live_are_kept(c, tc);
    c->wall_off_ms[leader] = HOUR_MS;
    run_ms(c, 50);
    times_to_live_are_kept(c, tc);
    c->wall_off_ms[leader] = 0;
    run_ms(c, 50);
    assert_int_equal(cluster_leader(c), leader);
    times_to_live_are_kept(c, tc);
    c->wall_off_ms[leader] = -HOUR_MS;
    times_to_live_are_kept(c, tc);
    assert_in_range(stamp_of(c, leader), HOUR_MS - 2000, HOUR_MS);
    cluster_release(c);
}

/* The next leader's clock is right: it goes on from where the log is. */
static void test_leader_was_ahead(void **state)
{
    struct cluster *c = &cluster;
    UNUSED(state);
    for (uint64_t seed = 51; seed < 56; seed++) {
        cluster_init(c, CLUSTER_NODES, seed);
        uint32_t leader = (uint32_t)cluster_elect(c);
        c->wall_off_ms[leader] = HOUR_MS;
        struct cluster_client *tc =
            cluster_client_new(c, (leader + 1) % CLUSTER_NODES);
        ask(c, tc, "set brief v px 200");
        cluster_crash(c, leader);
        assert_true(cluster_elect(c) >= 0);
        times_to_live_are_kept(c, tc);
        ask(c, tc, "exists brief");
        assert_true(replied(tc, ":0\r\n"));
        cluster_release(c);
    }
}

static void test_all_start_again(void **state)
{
    struct cluster *c = &cluster;
    UNUSED(state);
    cluster_init(c, CLUSTER_NODES, 57);
    uint32_t leader = (uint32_t)cluster_elect(c);
    for (uint32_t i = 0; i < CLUSTER_NODES; i++)
        c->wall_off_ms[i] = HOUR_MS;
    ask(c, cluster_client_new(c, leader), "set brief v px 500");
    run_ms(c, 100);
    for (uint32_t i = 0; i < CLUSTER_NODES; i++)
        cluster_crash_keep(c, i,
                           (uint32_t)store_memory_unsynced(c->nodes[i].store));
    for (uint32_t i = 0; i < CLUSTER_NODES; i++) {
        c->wall_off_ms[i] = 0;
        cluster_start(c, i); /* with a log that is not applied yet */
        assert_in_range(stamp_of(c, i), HOUR_MS - 2000, HOUR_MS);
    }
    leader = (uint32_t)cluster_elect(c);
    struct cluster_client *tc = cluster_client_new(c, leader);
    run_ms(c, 1000);
    assert_int_equal(node_counts(tc->home->node, 0).keys, 0);
    times_to_live_are_kept(c, tc);
    cluster_release(c);
}

/* A member that starts again while nothing is written: the time since the
 * last entry is not lost when it leads. */
static void test_started_again_in_silence(void **state)
{
    struct cluster *c = &cluster;
    UNUSED(state);
    cluster_init(c, CLUSTER_NODES, 58);
    uint32_t leader = (uint32_t)cluster_elect(c);
    uint32_t next = (leader + 1) % CLUSTER_NODES;
    c->wall_off_ms[leader] = HOUR_MS;
    struct cluster_client *tc = cluster_client_new(c, leader);
    ask(c, tc, "set k v px 5000");
    c->wall_off_ms[leader] = 0;
    run_ms(c, 3000);
    cluster_crash(c, next);
    cluster_start(c, next);
    run_ms(c, 1000);
    assert_int_equal(cluster_leader(c), leader);
    assert_true(node_transfer(c->nodes[leader].node, next));
    run_ms(c, 500);
    assert_int_equal(cluster_leader(c), next);
    ask(c, tc, "exists k");
    assert_true(replied(tc, ":1\r\n"));
    run_ms(c, 1100);
    assert_int_equal(node_counts(tc->home->node, 0).keys, 0);
    cluster_release(c);
}

/* It runs a twentieth slower until the clock has caught up, however often it
 * is asked. */
static void test_comes_back_to_the_clock(void **state)
{
    struct cluster *c = &cluster;
    UNUSED(state);
    cluster_init(c, 1, 59);
    assert_int_equal(cluster_elect(c), 0);
    struct cluster_client *tc = cluster_client_new(c, 0);
    c->wall_off_ms[0] = 2000;
    ask(c, tc, "set a 1");
    c->wall_off_ms[0] = 0;
    int64_t last = 0;
    int64_t begin_ms = c->now_ms;
    while (c->now_ms < begin_ms + 20000) {
        ask(c, tc, "incr a");
        int64_t stamp = node_stamp(c->nodes[0].node);
        assert_true(stamp >= last);
        last = stamp;
    }
    assert_in_range(stamp_of(c, 0), 980, 1020);
    c->now_ms += 19000;
    cluster_turn(c);
    assert_in_range(stamp_of(c, 0), 30, 70);
    c->now_ms += 2000;
    cluster_turn(c);
    assert_int_equal(stamp_of(c, 0), 0);
    cluster_release(c);
}

/* Only what was written binds. */
static void test_jump_between_entries(void **state)
{
    struct cluster *c = &cluster;
    UNUSED(state);
    cluster_init(c, CLUSTER_NODES, 60);
    uint32_t leader = (uint32_t)cluster_elect(c);
    run_ms(c, 500);
    c->wall_off_ms[leader] = HOUR_MS;
    run_ms(c, 500);
    assert_int_equal(stamp_of(c, leader), HOUR_MS);
    c->wall_off_ms[leader] = 0;
    run_ms(c, 500);
    for (uint32_t i = 0; i < CLUSTER_NODES; i++)
        assert_int_equal(stamp_of(c, i), 0);
    cluster_release(c);
}

/* So a leader's entries that were replaced do not bind. */
static void test_replaced_entries_are_forgotten(void **state)
{
    struct cluster *c = &cluster;
    UNUSED(state);
    cluster_init(c, CLUSTER_NODES, 61);
    uint32_t old = (uint32_t)cluster_elect(c);
    run_ms(c, 200);
    for (uint32_t i = 0; i < CLUSTER_NODES; i++) {
        c->cut[old][i] = c->cut[i][old] = true;
        if (i != old)
            cluster_link(c, old, i, false);
    }
    c->wall_off_ms[old] = HOUR_MS;
    struct cluster_client *lost = cluster_client_new(c, old);
    assert_int_equal(cluster_submit(lost, "set a 1"), 0);
    run_ms(c, 20);
    assert_in_range(stamp_of(c, old), HOUR_MS, HOUR_MS + 10);
    c->wall_off_ms[old] = 0;
    run_ms(c, 20);
    assert_in_range(stamp_of(c, old), HOUR_MS - 100, HOUR_MS);
    run_ms(c, 2000);
    for (uint32_t i = 0; i < CLUSTER_NODES; i++) {
        c->cut[old][i] = c->cut[i][old] = false;
        if (i != old)
            cluster_link(c, old, i, true);
    }
    run_ms(c, 1000);
    for (uint32_t i = 0; i < CLUSTER_NODES; i++)
        assert_int_equal(stamp_of(c, i), 0);
    cluster_release(c);
}

/* A stale read judges by the log's time as well, where that is ahead. */
static void test_stale_reads(void **state)
{
    struct cluster *c = &cluster;
    struct buf out = BUF_INIT;
    struct resp_writer w = {.out = &out, .protocol = 2};
    struct bytes argv[2] = {BYTES_LIT("get"), BYTES_LIT("k")};
    struct cmd_call call = {.out = &w, .argv = argv, .argc = 2};
    UNUSED(state);
    cluster_init(c, 1, 62);
    assert_int_equal(cluster_elect(c), 0);
    c->wall_off_ms[0] = HOUR_MS;
    ask(c, cluster_client_new(c, 0), "set k v px 300");
    struct node *n = c->nodes[0].node;
    node_set_read_mode(n, READ_STALE);
    node_set_time(n, c->now_ms + 200, WORLD_WALL_MS + c->now_ms + 200);
    assert_true(node_run_read(n, cmd_lookup(argv[0]), &call));
    node_set_time(n, c->now_ms + 400, WORLD_WALL_MS + c->now_ms + 400);
    assert_false(node_run_read(n, cmd_lookup(argv[0]), &call));
    buf_release(&out);
    cluster_release(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clock_is_set_back),
        cmocka_unit_test(test_leader_was_ahead),
        cmocka_unit_test(test_all_start_again),
        cmocka_unit_test(test_started_again_in_silence),
        cmocka_unit_test(test_comes_back_to_the_clock),
        cmocka_unit_test(test_jump_between_entries),
        cmocka_unit_test(test_replaced_entries_are_forgotten),
        cmocka_unit_test(test_stale_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
