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

#include "world/world.h"

#define HOUR_MS 3600000

static struct world world;

/* Submits, and waits for the reply. */
static void ask(struct world *w, struct world_client *tc, const char *line)
{
    buf_reset(&tc->out);
    assert_int_equal(world_submit(tc, line), 0);
    for (int i = 0; i < 5000 && tc->answered < tc->asked; i++)
        world_turn(w);
    assert_int_equal(tc->answered, tc->asked);
}

static void run_ms(struct world *w, int64_t ms)
{
    int64_t end_ms = w->now_ms + ms;
    while (w->now_ms < end_ms)
        world_turn(w);
}

static bool replied(const struct world_client *tc, const char *text)
{
    return bytes_eq(buf_view(&tc->out), bytes_str(text));
}

/* Milliseconds until the key that was just set is gone, as a reader through
 * the log sees it; 0: not within 2 s. */
static int64_t life_ms(struct world *w, struct world_client *tc)
{
    int64_t begin_ms = w->now_ms;
    while (w->now_ms < begin_ms + 2000) {
        ask(w, tc, "get k");
        if (replied(tc, "$-1\r\n"))
            return w->now_ms - begin_ms;
    }
    return 0;
}

/* A key with PX 300 lives about so long, and goes by itself. */
static void times_to_live_are_kept(struct world *w, struct world_client *tc)
{
    ask(w, tc, "set k v px 300");
    int64_t life = life_ms(w, tc);
    assert_in_range(life, 250, 380);
    ask(w, tc, "set k v px 300");
    assert_int_equal(node_counts(tc->home->node, 0).keys, 1);
    run_ms(w, 700);
    assert_int_equal(node_counts(tc->home->node, 0).keys, 0);
}

static int64_t stamp_of(struct world *w, uint32_t id)
{
    return node_stamp(w->nodes[id].node) - w->now_ms - WORLD_WALL_MS;
}

static void test_clock_is_set_back(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    world_init(w, WORLD_NODES, 50);
    uint32_t leader = (uint32_t)world_elect(w);
    struct world_client *tc = world_client_new(w, (leader + 1) % WORLD_NODES);
    times_to_live_are_kept(w, tc);
    w->wall_off_ms[leader] = HOUR_MS;
    run_ms(w, 50);
    times_to_live_are_kept(w, tc);
    w->wall_off_ms[leader] = 0;
    run_ms(w, 50);
    assert_int_equal(world_leader(w), leader);
    times_to_live_are_kept(w, tc);
    w->wall_off_ms[leader] = -HOUR_MS;
    times_to_live_are_kept(w, tc);
    assert_in_range(stamp_of(w, leader), HOUR_MS - 2000, HOUR_MS);
    world_release(w);
}

/* The next leader's clock is right: it goes on from where the log is. */
static void test_leader_was_ahead(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    for (uint64_t seed = 51; seed < 56; seed++) {
        world_init(w, WORLD_NODES, seed);
        uint32_t leader = (uint32_t)world_elect(w);
        w->wall_off_ms[leader] = HOUR_MS;
        struct world_client *tc =
            world_client_new(w, (leader + 1) % WORLD_NODES);
        ask(w, tc, "set brief v px 200");
        world_crash(w, leader);
        assert_true(world_elect(w) >= 0);
        times_to_live_are_kept(w, tc);
        ask(w, tc, "exists brief");
        assert_true(replied(tc, ":0\r\n"));
        world_release(w);
    }
}

static void test_all_start_again(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    world_init(w, WORLD_NODES, 57);
    uint32_t leader = (uint32_t)world_elect(w);
    for (uint32_t i = 0; i < WORLD_NODES; i++)
        w->wall_off_ms[i] = HOUR_MS;
    ask(w, world_client_new(w, leader), "set brief v px 500");
    run_ms(w, 100);
    for (uint32_t i = 0; i < WORLD_NODES; i++)
        world_crash_keep(w, i,
                         (uint32_t)store_memory_unsynced(w->nodes[i].store));
    for (uint32_t i = 0; i < WORLD_NODES; i++) {
        w->wall_off_ms[i] = 0;
        world_start(w, i); /* with a log that is not applied yet */
        assert_in_range(stamp_of(w, i), HOUR_MS - 2000, HOUR_MS);
    }
    leader = (uint32_t)world_elect(w);
    struct world_client *tc = world_client_new(w, leader);
    run_ms(w, 1000);
    assert_int_equal(node_counts(tc->home->node, 0).keys, 0);
    times_to_live_are_kept(w, tc);
    world_release(w);
}

/* A member that starts again while nothing is written: the time since the
 * last entry is not lost when it leads. */
static void test_started_again_in_silence(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    world_init(w, WORLD_NODES, 58);
    uint32_t leader = (uint32_t)world_elect(w);
    uint32_t next = (leader + 1) % WORLD_NODES;
    w->wall_off_ms[leader] = HOUR_MS;
    struct world_client *tc = world_client_new(w, leader);
    ask(w, tc, "set k v px 5000");
    w->wall_off_ms[leader] = 0;
    run_ms(w, 3000);
    world_crash(w, next);
    world_start(w, next);
    run_ms(w, 1000);
    assert_int_equal(world_leader(w), leader);
    assert_true(node_transfer(w->nodes[leader].node, next));
    run_ms(w, 500);
    assert_int_equal(world_leader(w), next);
    ask(w, tc, "exists k");
    assert_true(replied(tc, ":1\r\n"));
    run_ms(w, 1100);
    assert_int_equal(node_counts(tc->home->node, 0).keys, 0);
    world_release(w);
}

/* It runs a twentieth slower until the clock has caught up, however often it
 * is asked. */
static void test_comes_back_to_the_clock(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    world_init(w, 1, 59);
    assert_int_equal(world_elect(w), 0);
    struct world_client *tc = world_client_new(w, 0);
    w->wall_off_ms[0] = 2000;
    ask(w, tc, "set a 1");
    w->wall_off_ms[0] = 0;
    int64_t last = 0;
    int64_t begin_ms = w->now_ms;
    while (w->now_ms < begin_ms + 20000) {
        ask(w, tc, "incr a");
        int64_t stamp = node_stamp(w->nodes[0].node);
        assert_true(stamp >= last);
        last = stamp;
    }
    assert_in_range(stamp_of(w, 0), 980, 1020);
    w->now_ms += 19000;
    world_turn(w);
    assert_in_range(stamp_of(w, 0), 30, 70);
    w->now_ms += 2000;
    world_turn(w);
    assert_int_equal(stamp_of(w, 0), 0);
    world_release(w);
}

/* Only what was written binds. */
static void test_jump_between_entries(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    world_init(w, WORLD_NODES, 60);
    uint32_t leader = (uint32_t)world_elect(w);
    run_ms(w, 500);
    w->wall_off_ms[leader] = HOUR_MS;
    run_ms(w, 500);
    assert_int_equal(stamp_of(w, leader), HOUR_MS);
    w->wall_off_ms[leader] = 0;
    run_ms(w, 500);
    for (uint32_t i = 0; i < WORLD_NODES; i++)
        assert_int_equal(stamp_of(w, i), 0);
    world_release(w);
}

/* So a leader's entries that were replaced do not bind. */
static void test_replaced_entries_are_forgotten(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    world_init(w, WORLD_NODES, 61);
    uint32_t old = (uint32_t)world_elect(w);
    run_ms(w, 200);
    for (uint32_t i = 0; i < WORLD_NODES; i++) {
        w->cut[old][i] = w->cut[i][old] = true;
        if (i != old)
            world_link(w, old, i, false);
    }
    w->wall_off_ms[old] = HOUR_MS;
    struct world_client *lost = world_client_new(w, old);
    assert_int_equal(world_submit(lost, "set a 1"), 0);
    run_ms(w, 20);
    assert_in_range(stamp_of(w, old), HOUR_MS, HOUR_MS + 10);
    w->wall_off_ms[old] = 0;
    run_ms(w, 20);
    assert_in_range(stamp_of(w, old), HOUR_MS - 100, HOUR_MS);
    run_ms(w, 2000);
    for (uint32_t i = 0; i < WORLD_NODES; i++) {
        w->cut[old][i] = w->cut[i][old] = false;
        if (i != old)
            world_link(w, old, i, true);
    }
    run_ms(w, 1000);
    for (uint32_t i = 0; i < WORLD_NODES; i++)
        assert_int_equal(stamp_of(w, i), 0);
    world_release(w);
}

/* A stale read judges by the log's time as well, where that is ahead. */
static void test_stale_reads(void **state)
{
    struct world *w = &world;
    struct buf out = BUF_INIT;
    struct resp_writer writer = {.out = &out, .protocol = 2};
    struct bytes argv[2] = {BYTES_LIT("get"), BYTES_LIT("k")};
    struct cmd_call call = {.out = &writer, .argv = argv, .argc = 2};
    UNUSED(state);
    world_init(w, 1, 62);
    assert_int_equal(world_elect(w), 0);
    w->wall_off_ms[0] = HOUR_MS;
    ask(w, world_client_new(w, 0), "set k v px 300");
    struct node *n = w->nodes[0].node;
    node_set_read_mode(n, READ_STALE);
    node_set_time(n, w->now_ms + 200, WORLD_WALL_MS + w->now_ms + 200);
    assert_true(node_run_read(n, cmd_lookup(argv[0]), &call));
    node_set_time(n, w->now_ms + 400, WORLD_WALL_MS + w->now_ms + 400);
    assert_false(node_run_read(n, cmd_lookup(argv[0]), &call));
    buf_release(&out);
    world_release(w);
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
