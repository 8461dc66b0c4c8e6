/*
 * The log's time under wall clocks that jump and differ: it goes on as the
 * monotonic clock does, from leader to leader, and absolute times follow the
 * wall clock. What counts when members, or all of them, have started again.
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

#define HOUR_MS INT64_C(3600000)
/* Not before 1970. */
#define BACK_MS INT64_C(-600000)
/* What a change of leader may cost the log's time, and a turn. */
#define LATE_MS 100

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

static int64_t number(struct world *w, struct world_client *tc,
                      const char *line)
{
    long long n = 0;
    char text[64] = "";
    ask(w, tc, line);
    assert_true(tc->out.len < sizeof(text));
    memcpy(text, tc->out.data, tc->out.len);
    assert_int_equal(sscanf(text, ":%lld\r\n", &n), 1);
    return n;
}

static void expect_near(int64_t value, int64_t from, int64_t to)
{
    if (value < from || value > to)
        fail_msg("%lld is not within %lld and %lld", (long long)value,
                 (long long)from, (long long)to);
}

/* A key with PX 300 lives about so long, as a reader through the log sees it,
 * and goes by itself. */
static void times_to_live_are_kept(struct world *w, struct world_client *tc)
{
    ask(w, tc, "del brief");
    run_ms(w, 300); /* what has expired before is swept */
    uint64_t keys = node_counts(tc->home->node, 0).keys;
    ask(w, tc, "set brief v px 300");
    int64_t begin_ms = w->now_ms;
    while (w->now_ms < begin_ms + 2000 && !replied(tc, "$-1\r\n"))
        ask(w, tc, "get brief");
    expect_near(w->now_ms - begin_ms, 250, 380);
    ask(w, tc, "set brief v px 300");
    assert_int_equal(node_counts(tc->home->node, 0).keys, keys + 1);
    run_ms(w, 700);
    assert_int_equal(node_counts(tc->home->node, 0).keys, keys);
}

static int64_t wall_of(const struct world *w, uint32_t id)
{
    return WORLD_WALL_MS + w->now_ms + w->wall_off_ms[id];
}

/* An absolute time is right by the clock of node `id`, in and out. */
static void absolute_times_are_right(struct world *w, struct world_client *tc,
                                     uint32_t id)
{
    char line[64];
    long long at_ms = wall_of(w, id) + 400;
    snprintf(line, sizeof(line), "set a v pxat %lld", at_ms);
    ask(w, tc, line);
    assert_true(replied(tc, "+OK\r\n"));
    assert_int_equal(number(w, tc, "pexpiretime a"), at_ms);
    ask(w, tc, "set a v px 60000");
    expect_near(number(w, tc, "pexpiretime a"), wall_of(w, id) + 59900,
                wall_of(w, id) + 60000 + 20);
    snprintf(line, sizeof(line), "pexpireat a %lld", at_ms);
    assert_int_equal(number(w, tc, line), 1);
    while (wall_of(w, id) < at_ms - 40)
        world_turn(w);
    assert_int_equal(number(w, tc, "exists a"), 1);
    while (wall_of(w, id) < at_ms + 40)
        world_turn(w);
    assert_int_equal(number(w, tc, "exists a"), 0);
}

/* What the log's time is off that of a world in which no clock jumps. */
static int64_t off_of(struct world *w, uint32_t id)
{
    return node_stamp(w->nodes[id].node) - w->now_ms - WORLD_WALL_MS;
}

static void crash(struct world *w, uint32_t id)
{
    world_crash_keep(w, id,
                     (uint32_t)store_memory_unsynced(w->nodes[id].store));
}

static void restart(struct world *w, uint32_t id)
{
    crash(w, id);
    world_start(w, id);
}

static void separate(struct world *w, uint32_t id, bool apart)
{
    for (uint32_t i = 0; i < w->count; i++) {
        w->cut[id][i] = w->cut[i][id] = apart;
        if (i != id)
            world_link(w, id, i, !apart);
    }
}

/* A leader's wall clock is set forth and back. */
static void test_clock_is_set(void **state)
{
    static const int64_t offs[] = {HOUR_MS, 0, BACK_MS, 15000, 0};
    struct world *w = &world;
    UNUSED(state);
    world_init(w, WORLD_NODES, 50);
    uint32_t leader = (uint32_t)world_elect(w);
    struct world_client *tc = world_client_new(w, (leader + 1) % WORLD_NODES);
    ask(w, tc, "set lease v px 60000");
    int64_t end_ms = w->now_ms + 60000;
    for (size_t i = 0; i < ARRAY_LEN(offs); i++) {
        w->wall_off_ms[leader] = offs[i];
        run_ms(w, 300);
        times_to_live_are_kept(w, tc);
        absolute_times_are_right(w, tc, leader);
        expect_near(off_of(w, leader), 0, 0);
    }
    assert_int_equal(world_leader(w), leader);
    expect_near(number(w, tc, "pttl lease"), end_ms - w->now_ms - 30,
                end_ms - w->now_ms + 30);
    world_release(w);
}

/* The clocks of all others are ahead, or behind: a lease outlives its leader,
 * whether that dies or hands over. */
static void test_next_leader_is_off(void **state)
{
    static const int64_t offs[] = {15000, -15000, 10 * HOUR_MS};
    struct world *w = &world;
    UNUSED(state);
    for (size_t i = 0; i < 2 * ARRAY_LEN(offs); i++) {
        bool dies = i % 2 == 0;
        world_init(w, WORLD_NODES, 51 + i);
        uint32_t leader = (uint32_t)world_elect(w);
        uint32_t next = (leader + 1) % WORLD_NODES;
        for (uint32_t k = 0; k < WORLD_NODES; k++)
            w->wall_off_ms[k] = k == leader ? 0 : offs[i / 2];
        struct world_client *tc = world_client_new(w, next);
        ask(w, tc, "set lock A nx px 10000");
        int64_t end_ms = w->now_ms + 10000;
        if (dies)
            crash(w, leader);
        else
            assert_true(node_transfer(w->nodes[leader].node, next));
        run_ms(w, 1000);
        uint32_t now = (uint32_t)world_elect(w);
        assert_true(now != leader);
        ask(w, tc, "set lock B nx px 10000");
        assert_true(replied(tc, "$-1\r\n"));
        expect_near(number(w, tc, "pttl lock"), end_ms - w->now_ms - 30,
                    end_ms - w->now_ms + LATE_MS);
        expect_near(off_of(w, now), -LATE_MS, 0);
        absolute_times_are_right(w, tc, now);
        while (w->now_ms < end_ms + LATE_MS)
            world_turn(w);
        ask(w, tc, "set lock B nx px 10000");
        assert_true(replied(tc, "+OK\r\n"));
        world_release(w);
    }
}

/* Ten hours ahead for 50 ms, while nothing is written, or something is. */
static void test_jump_and_back(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    for (uint64_t i = 0; i < 4; i++) {
        world_init(w, WORLD_NODES, 60 + i);
        uint32_t leader = (uint32_t)world_elect(w);
        struct world_client *tc = world_client_new(w, leader);
        ask(w, tc, "set k v px 60000");
        w->wall_off_ms[leader] = (i < 2 ? 10 : -10) * HOUR_MS;
        if (i % 2 == 0)
            run_ms(w, 150);
        else
            ask(w, tc, "incr n");
        w->wall_off_ms[leader] = 0;
        run_ms(w, 500);
        assert_int_equal(number(w, tc, "exists k"), 1);
        absolute_times_are_right(w, tc, leader);
        times_to_live_are_kept(w, tc);
        world_release(w);
    }
}

/* All members start again; `down_ms` pass. */
static uint32_t all_again(struct world *w, int64_t down_ms)
{
    for (uint32_t i = 0; i < w->count; i++)
        crash(w, i);
    w->now_ms += down_ms;
    for (uint32_t i = 0; i < w->count; i++)
        world_start(w, i);
    return (uint32_t)world_elect(w);
}

/* Then the wall clock says how long that was: the time counts, and what all
 * clocks were off all the time does not. */
static void test_all_start_again(void **state)
{
    static const uint32_t counts[] = {1, 3};
    static const int64_t offs[] = {0, HOUR_MS, BACK_MS};
    struct world *w = &world;
    UNUSED(state);
    for (size_t c = 0; c < ARRAY_LEN(counts); c++)
        for (size_t i = 0; i < ARRAY_LEN(offs); i++) {
            world_init(w, counts[c], 70 + i);
            uint32_t leader = (uint32_t)world_elect(w);
            for (uint32_t k = 0; k < w->count; k++)
                w->wall_off_ms[k] = offs[i];
            struct world_client *tc = world_client_new(w, leader);
            ask(w, tc, "set brief v px 3000");
            ask(w, tc, "set long v px 60000");
            int64_t end_ms = w->now_ms + 60000;
            leader = all_again(w, 4000);
            tc = world_client_new(w, leader);
            assert_int_equal(number(w, tc, "exists brief"), 0);
            expect_near(number(w, tc, "pttl long"), end_ms - w->now_ms - 30,
                        end_ms - w->now_ms + 30);
            absolute_times_are_right(w, tc, leader);
            times_to_live_are_kept(w, tc);
            world_release(w);
        }
}

/* A clock that was set while all were down: the log's time is wrong by that,
 * once, or nothing has passed. A jump before the end, which no client saw,
 * does not count. */
static void test_all_start_again_elsewhen(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    for (int back = 0; back < 3; back++) {
        world_init(w, 3, 74 + (uint64_t)back);
        uint32_t leader = (uint32_t)world_elect(w);
        struct world_client *tc = world_client_new(w, leader);
        ask(w, tc, "set k v px 60000");
        int64_t end_ms = w->now_ms + 60000;
        for (uint32_t i = 0; back == 2 && i < 3; i++)
            w->wall_off_ms[i] = HOUR_MS;
        run_ms(w, 1000); /* a jump gets an entry of its own */
        for (uint32_t i = 0; i < 3; i++)
            w->wall_off_ms[i] = back == 1 ? BACK_MS : HOUR_MS;
        leader = all_again(w, 5000);
        tc = world_client_new(w, leader);
        if (back == 0) { /* what is left of the hour is gone */
            assert_int_equal(number(w, tc, "exists k"), 0);
            expect_near(off_of(w, leader), HOUR_MS - 10, HOUR_MS);
        } else {
            int64_t unseen_ms = back == 1 ? 6000 : 0;
            expect_near(number(w, tc, "pttl k"),
                        end_ms - w->now_ms + unseen_ms - 30,
                        end_ms - w->now_ms + unseen_ms + 1500);
        }
        absolute_times_are_right(w, tc, leader);
        times_to_live_are_kept(w, tc);
        world_release(w);
    }
}

/* A member that starts again while nothing is written: the time since the
 * last entry is not lost when it leads, whatever its clock shows. */
static void test_started_again_in_silence(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    world_init(w, WORLD_NODES, 80);
    uint32_t leader = (uint32_t)world_elect(w);
    uint32_t next = (leader + 1) % WORLD_NODES;
    w->wall_off_ms[next] = HOUR_MS;
    struct world_client *tc = world_client_new(w, leader);
    ask(w, tc, "set k v px 5000");
    run_ms(w, 3000);
    restart(w, next);
    assert_int_equal(node_time_reckoned(w->nodes[next].node), 0);
    run_ms(w, 1000);
    expect_near(off_of(w, next), -LATE_MS, 0);
    assert_int_equal(world_leader(w), leader);
    assert_true(node_transfer(w->nodes[leader].node, next));
    run_ms(w, 500);
    assert_int_equal(world_leader(w), next);
    assert_int_equal(number(w, tc, "exists k"), 1);
    run_ms(w, 1100);
    assert_int_equal(node_counts(tc->home->node, 0).keys, 0);
    world_release(w);
}

/* One voter has started again, the leader can't be reached: whoever leads next
 * has its vote from one who knows, or is that one. Its clock is an hour ahead,
 * so it would show. */
static void test_one_voter_knows(void **state)
{
    struct world *w = &world;
    uint32_t led[2] = {0, 0};
    UNUSED(state);
    for (uint64_t seed = 100; seed < 116; seed++) {
        world_init(w, 3, seed);
        uint32_t leader = (uint32_t)world_elect(w);
        uint32_t again = (leader + 1) % 3;
        uint32_t knows = (leader + 2) % 3;
        struct world_client *tc = world_client_new(w, knows);
        w->wall_off_ms[again] = HOUR_MS;
        ask(w, tc, "set k v px 10000");
        separate(w, leader, true);
        restart(w, again);
        assert_int_equal(node_time_reckoned(w->nodes[again].node), 0);
        if (seed % 2 == 0) /* it loses patience first */
            w->mono_off_ms[again] += 2000;
        for (int i = 0;
             i < 3000 && w->nodes[again].node->raft.role != RAFT_LEADER &&
             w->nodes[knows].node->raft.role != RAFT_LEADER;
             i++)
            world_turn(w);
        uint32_t now =
            w->nodes[again].node->raft.role == RAFT_LEADER ? again : knows;
        led[now == again]++;
        expect_near(off_of(w, now), -LATE_MS, 0);
        assert_int_equal(number(w, tc, "exists k"), 1);
        world_release(w);
    }
    assert_true(led[0] > 0 && led[1] > 0);
}

/* Nobody who knows is heard before the vote that makes the leader. */
static void test_told_by_the_last_vote(void **state)
{
    struct world *w = &world;
    int led = 0;
    UNUSED(state);
    for (uint64_t seed = 200; seed < 210; seed++) {
        world_init(w, 3, seed);
        uint32_t other = (uint32_t)world_elect(w);
        uint32_t again = (other + 1) % 3;
        uint32_t knows = (other + 2) % 3;
        w->wall_off_ms[again] = HOUR_MS;
        run_ms(w, 300);
        w->cut[knows][again] = w->cut[knows][other] = true;
        restart(w, other);
        restart(w, again);
        w->mono_off_ms[again] += 2000; /* it loses patience first */
        struct node *n = w->nodes[again].node;
        for (int i = 0; i < 500 && n->raft.role != RAFT_CANDIDATE; i++)
            world_turn(w);
        assert_int_equal(node_time_reckoned(n), 0);
        w->cut[knows][again] = false;
        w->cut[other][again] = true;
        for (int i = 0; i < 500 && n->raft.role == RAFT_CANDIDATE; i++)
            world_turn(w);
        if (n->raft.role == RAFT_LEADER) {
            expect_near(off_of(w, again), -LATE_MS, 0);
            led++;
        }
        world_release(w);
    }
    assert_true(led > 0);
}

/* Both have: only the wall clocks are left. When the old leader is back it
 * goes with the new one. */
static void test_no_voter_knows(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    world_init(w, 3, 120);
    uint32_t leader = (uint32_t)world_elect(w);
    struct world_client *tc = world_client_new(w, leader);
    ask(w, tc, "set k v px 10000");
    for (uint32_t i = 0; i < 3; i++)
        w->wall_off_ms[i] = i == leader ? 0 : 5000;
    separate(w, leader, true);
    for (uint32_t i = 0; i < 3; i++)
        if (i != leader)
            crash(w, i);
    for (uint32_t i = 0; i < 3; i++)
        if (i != leader)
            world_start(w, i);
    run_ms(w, 3000);
    uint32_t now = (uint32_t)world_leader(w);
    assert_true(now != leader);
    expect_near(off_of(w, now), 5000 - 10, 5000);
    separate(w, leader, false);
    run_ms(w, 1000);
    expect_near(off_of(w, leader), 5000 - LATE_MS, 5000);
    assert_int_equal(number(w, world_client_new(w, leader), "exists k"), 1);
    run_ms(w, 2000);
    assert_int_equal(number(w, world_client_new(w, leader), "exists k"), 0);
    world_release(w);
}

/* A follower's monotonic clock is faster by a tenth: that does not add up. */
static void test_rates_do_not_add_up(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    world_init(w, 3, 130);
    uint32_t leader = (uint32_t)world_elect(w);
    uint32_t fast = (leader + 1) % 3;
    for (int i = 0; i < 200; i++) {
        run_ms(w, 100);
        w->mono_off_ms[fast] += 10;
    }
    world_turn(w);
    expect_near(off_of(w, fast), -LATE_MS, 60);
    assert_true(node_transfer(w->nodes[leader].node, fast));
    run_ms(w, 500);
    assert_int_equal(world_leader(w), fast);
    expect_near(off_of(w, fast), -LATE_MS, 60);
    world_release(w);
}

/* The offset stays while it is about right; one that has changed gets an entry,
 * and no more than that. */
static void test_offset_is_kept(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    world_init(w, 1, 140);
    assert_int_equal(world_elect(w), 0);
    struct world_client *tc = world_client_new(w, 0);
    struct node *n = w->nodes[0].node;
    long long at_ms = wall_of(w, 0) + 50000;
    char line[64];
    snprintf(line, sizeof(line), "set k v pxat %lld", at_ms);
    ask(w, tc, line);
    raft_index last = journal_last(n->journal);
    for (int i = -19; i <= 19; i++) {
        w->wall_off_ms[0] = i;
        run_ms(w, 110);
    }
    assert_int_equal(journal_last(n->journal), last);
    assert_int_equal(number(w, tc, "pexpiretime k"), at_ms);
    w->wall_off_ms[0] = 20;
    last = journal_last(n->journal);
    run_ms(w, 1000);
    assert_int_equal(journal_last(n->journal), last + 1);
    assert_int_equal(number(w, tc, "pexpiretime k"), at_ms + 20);
    w->wall_off_ms[0] = 0;
    run_ms(w, 1000);
    assert_int_equal(number(w, tc, "pexpiretime k"), at_ms);
    world_release(w);
}

/* A leader's entries that were replaced do not bind: here its monotonic clock
 * had run away. */
static void test_replaced_entries_are_forgotten(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    world_init(w, WORLD_NODES, 150);
    uint32_t old = (uint32_t)world_elect(w);
    run_ms(w, 200);
    separate(w, old, true);
    w->mono_off_ms[old] += 100;
    struct world_client *lost = world_client_new(w, old);
    assert_int_equal(world_submit(lost, "set a 1"), 0);
    run_ms(w, 20);
    expect_near(off_of(w, old), 100, 100);
    w->mono_off_ms[old] += 9900;
    assert_int_equal(world_submit(lost, "set a 2"), 0);
    world_turn(w);
    assert_int_equal(off_of(w, old), 10000);
    run_ms(w, 2000);
    separate(w, old, false);
    run_ms(w, 1000);
    for (uint32_t i = 0; i < WORLD_NODES; i++)
        expect_near(off_of(w, i), -LATE_MS, 0);
    world_release(w);
}

/* Clocks that show what no calendar has: the log works on, and when they are
 * right again so are absolute times. */
static void test_absurd_clocks(void **state)
{
    static const int64_t walls[] = {INT64_MIN,
                                    INT64_MAX,
                                    0,
                                    -1,
                                    -HOUR_MS,
                                    INT64_C(7289568000000), /* 2201 */
                                    INT64_C(253402300800000) /* 10000 */};
    struct world *w = &world;
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(walls); i++) {
        world_prepare(w, 1, 160 + i);
        w->wall_off_ms[0] =
            walls[i] < 0 ? walls[i] : walls[i] - WORLD_WALL_MS - 1000000;
        world_start_all(w);
        assert_int_equal(world_elect(w), 0);
        struct world_client *tc = world_client_new(w, 0);
        times_to_live_are_kept(w, tc);
        ask(w, tc, "set k v px 60000");
        w->wall_off_ms[0] = 0;
        run_ms(w, 300);
        absolute_times_are_right(w, tc, 0);
        assert_int_equal(number(w, tc, "exists k"), 1);
        w->wall_off_ms[0] = walls[i] < 0 ? walls[i] : HOUR_MS;
        all_again(w, 100);
        w->wall_off_ms[0] = 0;
        tc = world_client_new(w, 0);
        run_ms(w, 300);
        times_to_live_are_kept(w, tc);
        absolute_times_are_right(w, tc, 0);
        world_release(w);
    }
}

/* All start again when the clock is absurd, again and again: what had a time
 * to live may go, but the log goes on, and is right in everything else. */
static void test_time_is_not_poisoned(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    world_init(w, 1, 170);
    assert_int_equal(world_elect(w), 0);
    for (int i = 0; i < 20; i++) {
        w->wall_off_ms[0] = WALL_MAX_MS;
        all_again(w, 100);
        w->wall_off_ms[0] = 0;
        run_ms(w, 200);
    }
    struct world_client *tc = world_client_new(w, 0);
    assert_true(node_stamp(w->nodes[0].node) > 19 * WALL_MAX_MS);
    times_to_live_are_kept(w, tc);
    absolute_times_are_right(w, tc, 0);
    world_release(w);
}

/* A stale read judges by the log's time as well. */
static void test_stale_reads(void **state)
{
    struct world *w = &world;
    struct buf out = BUF_INIT;
    struct resp_writer writer = {.out = &out, .protocol = 2};
    struct bytes argv[2] = {BYTES_LIT("get"), BYTES_LIT("k")};
    struct cmd_call call = {.out = &writer, .argv = argv, .argc = 2};
    UNUSED(state);
    world_init(w, 1, 180);
    assert_int_equal(world_elect(w), 0);
    w->wall_off_ms[0] = HOUR_MS;
    ask(w, world_client_new(w, 0), "set k v px 300");
    struct node *n = w->nodes[0].node;
    node_set_read_mode(n, READ_STALE);
    node_set_time(n, w->now_ms + 200, WORLD_WALL_MS + w->now_ms + 900);
    assert_true(node_run_read(n, cmd_lookup(argv[0]), &call));
    node_set_time(n, w->now_ms + 400, WORLD_WALL_MS + w->now_ms + 100);
    assert_false(node_run_read(n, cmd_lookup(argv[0]), &call));
    buf_release(&out);
    world_release(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clock_is_set),
        cmocka_unit_test(test_next_leader_is_off),
        cmocka_unit_test(test_jump_and_back),
        cmocka_unit_test(test_all_start_again),
        cmocka_unit_test(test_all_start_again_elsewhen),
        cmocka_unit_test(test_started_again_in_silence),
        cmocka_unit_test(test_one_voter_knows),
        cmocka_unit_test(test_told_by_the_last_vote),
        cmocka_unit_test(test_no_voter_knows),
        cmocka_unit_test(test_rates_do_not_add_up),
        cmocka_unit_test(test_offset_is_kept),
        cmocka_unit_test(test_replaced_entries_are_forgotten),
        cmocka_unit_test(test_absurd_clocks),
        cmocka_unit_test(test_time_is_not_poisoned),
        cmocka_unit_test(test_stale_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
