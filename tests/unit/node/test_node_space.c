/*
 * Disks that are short of space: one of them stops nobody, too few with space
 * stop writes, and all members know, and forget in time.
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

static void run_ms(struct world *w, int64_t ms)
{
    int64_t end_ms = w->now_ms + ms;
    while (w->now_ms < end_ms)
        world_turn(w);
}

static void set_short(struct world *w, uint32_t i, bool is_short)
{
    node_set_disk_short(w->nodes[i].node, is_short);
}

/* What every node that is up says. */
static void expect(struct world *w, bool refused, uint32_t short_members)
{
    for (uint32_t i = 0; i < w->count; i++) {
        if (w->nodes[i].node == NULL)
            continue;
        assert_int_equal(node_disk_short(w->nodes[i].node), refused);
        assert_int_equal(node_short_members(w->nodes[i].node), short_members);
    }
}

/* Only this one is paused, and all who are concerned say so; `count`: nobody.
 */
static void expect_paused(struct world *w, uint32_t paused)
{
    struct node_status s;
    node_status(w->nodes[world_leader(w)].node, &s);
    for (uint32_t i = 0; i < s.peer_count; i++)
        assert_int_equal(s.peers[i].paused, s.peers[i].id == paused);
    for (uint32_t i = 0; i < w->count; i++)
        if (w->nodes[i].node)
            assert_int_equal(w->nodes[i].node->space.told_paused, i == paused);
}

static raft_index last_of(struct world *w, uint32_t i)
{
    struct node_status s;
    node_status(w->nodes[i].node, &s);
    return s.last;
}

/* A client of its own there: so many writes, all executed in time. */
static void write_at(struct world *w, uint32_t i, int count)
{
    int64_t begun_ms = w->now_ms;
    struct world_client *c = world_client_new(w, i);
    for (int k = 0; k < count; k++) {
        buf_reset(&c->out);
        assert_int_equal(world_submit(c, "append k x"), 0);
        world_wait_answered(w, c);
        assert_int_equal(c->out.data[0], ':');
    }
    assert_true(w->now_ms < begun_ms + 200 * count);
}

static void test_one_follower(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    world_init(w, WORLD_NODES, 110);
    uint32_t leader = (uint32_t)world_elect(w);
    uint32_t scant = (leader + 1) % WORLD_NODES;
    run_ms(w, 300);
    expect(w, false, 0);
    expect_paused(w, WORLD_NODES);
    set_short(w, scant, true);
    assert_int_equal(node_short_members(w->nodes[scant].node), 1);
    run_ms(w, 300);
    expect(w, false, 1);
    expect_paused(w, scant);
    raft_index before = last_of(w, scant);
    write_at(w, leader, 10);
    write_at(w, (leader + 2) % WORLD_NODES, 10);
    run_ms(w, 2000);
    assert_int_equal(last_of(w, scant), before);
    assert_int_equal(world_leader(w), leader);
    set_short(w, scant, false);
    run_ms(w, 300);
    expect(w, false, 0);
    expect_paused(w, WORLD_NODES);
    world_wait_equal(w);
    assert_true(world_is_equal(w));
    world_release(w);
}

/* Entries without a pause, which leave no room for heartbeats. */
static void test_under_load(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    world_init(w, WORLD_NODES, 111);
    uint32_t leader = (uint32_t)world_elect(w);
    uint32_t scant = (leader + 1) % WORLD_NODES;
    struct world_client *tc = world_client_new(w, leader);
    for (int is_short = 1; is_short >= 0; is_short--) {
        set_short(w, scant, is_short);
        for (int64_t end_ms = w->now_ms + 500; w->now_ms < end_ms;) {
            assert_int_equal(world_submit(tc, "incr n"), 0);
            world_turn(w);
        }
        expect(w, false, (uint32_t)is_short);
        expect_paused(w, is_short ? scant : WORLD_NODES);
        bool lags = last_of(w, scant) + 50 < last_of(w, leader);
        assert_int_equal(lags, is_short);
    }
    world_wait_answered(w, tc);
    assert_int_equal(world_leader(w), leader);
    world_release(w);
}

/* Whoever leads must write: one that has room does, and nobody sees an error.
 * It is not handed back. */
static void test_leader_hands_over(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    for (uint64_t seed = 112; seed < 117; seed++) {
        world_init(w, WORLD_NODES, seed);
        uint32_t scant = (uint32_t)world_elect(w);
        uint32_t other = (scant + 1) % WORLD_NODES;
        run_ms(w, 300);
        struct world_client *c = world_client_new(w, other);
        set_short(w, scant, true);
        for (int i = 0; i < 300; i++) {
            assert_int_equal(world_submit(c, "incr n"), 0);
            world_turn(w);
        }
        world_wait_answered(w, c);
        assert_int_equal(world_leader(w) >= 0, true);
        assert_int_not_equal(world_leader(w), scant);
        run_ms(w, 300);
        expect(w, false, 1);
        expect_paused(w, scant);
        uint32_t leader = (uint32_t)world_leader(w);
        set_short(w, scant, false);
        run_ms(w, 2000);
        expect(w, false, 0);
        assert_int_equal(world_leader(w), leader);
        world_release(w);
    }
}

/* One that lags, or whose disk does, is no heir: writes would wait for it. */
static void test_no_heir_that_lags(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    for (uint32_t i = 2; i < 2 * WORLD_NODES; i++) {
        world_init(w, WORLD_NODES, 117);
        uint32_t leader = (uint32_t)world_elect(w);
        uint32_t slow = (leader + i / 2) % WORLD_NODES;
        run_ms(w, 300);
        w->no_bulk[slow] = i % 2 == 0;
        w->stalled[slow] = i % 2 == 1;
        write_at(w, leader, 1);
        set_short(w, leader, true);
        run_ms(w, 1000);
        assert_int_equal(world_leader(w), 3 - leader - slow);
        world_release(w);
    }
}

static void test_all_are_short(void **state)
{
    struct world *w = &world;
    struct node_status before, after;
    UNUSED(state);
    world_init(w, WORLD_NODES, 118);
    uint32_t leader = (uint32_t)world_elect(w);
    run_ms(w, 300);
    node_status(w->nodes[leader].node, &before);
    for (uint32_t i = 1; i < WORLD_NODES; i++)
        set_short(w, (leader + i) % WORLD_NODES, true);
    run_ms(w, 300);
    set_short(w, leader, true);
    run_ms(w, 2000);
    node_status(w->nodes[leader].node, &after);
    assert_int_equal(after.role, RAFT_LEADER);
    assert_int_equal(after.term, before.term);
    expect(w, true, 3);
    expect_paused(w, WORLD_NODES);
    write_at(w, leader, 3); /* deletions come through */
    world_wait_equal(w);
    world_release(w);
}

/* Two are short: without them there is no majority. They get entries, such as
 * deletions; when one has space again, the other is paused. */
static void test_two_are_short(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    for (uint32_t who = 0; who < 2; who++) { /* the leader is one of them */
        world_init(w, WORLD_NODES, 119);
        uint32_t leader = (uint32_t)world_elect(w);
        uint32_t one = (leader + who) % WORLD_NODES;
        uint32_t two = (leader + who + 1) % WORLD_NODES;
        run_ms(w, 300);
        set_short(w, one, true);
        set_short(w, two, true);
        run_ms(w, 1500);
        expect(w, true, 2);
        expect_paused(w, WORLD_NODES);
        assert_int_equal(world_leader(w), 3 - one - two);
        write_at(w, one, 3);
        world_wait_equal(w);
        set_short(w, one, false);
        run_ms(w, 300);
        expect(w, false, 1);
        expect_paused(w, two);
        set_short(w, two, false);
        run_ms(w, 300);
        expect(w, false, 0);
        expect_paused(w, WORLD_NODES);
        world_release(w);
    }
}

/* One that is down has no room; and its short disk counts no more. */
static void test_member_goes(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    for (uint32_t who = 0; who < 3; who++) {
        world_init(w, WORLD_NODES, 122 + who);
        uint32_t leader = (uint32_t)world_elect(w);
        uint32_t scant = (leader + 1) % WORLD_NODES;
        uint32_t gone = (leader + who) % WORLD_NODES;
        run_ms(w, 300);
        set_short(w, scant, true);
        run_ms(w, 300);
        expect_paused(w, scant);
        world_crash(w, gone);
        assert_true(world_elect(w) >= 0);
        run_ms(w, 3000);
        expect(w, gone != scant, gone != scant);
        expect_paused(w, WORLD_NODES);
        world_start(w, gone);
        run_ms(w, 3000);
        expect(w, false, gone != scant); /* it must say so again */
        expect_paused(w, gone != scant ? scant : WORLD_NODES);
        world_release(w);
    }
}

/* Without a leader there is another error to tell. */
static void test_without_leader(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    world_init(w, WORLD_NODES, 125);
    uint32_t leader = (uint32_t)world_elect(w);
    for (uint32_t i = 0; i < 2; i++)
        set_short(w, (leader + i) % WORLD_NODES, true);
    run_ms(w, 1500);
    expect(w, true, 2);
    for (uint32_t i = 0; i < 2; i++)
        world_crash(w, (leader + i) % WORLD_NODES);
    run_ms(w, 1000);
    expect(w, false, 0);
    world_release(w);
}

/* Deletions, too, would come to nothing at one that is going to be paused; not
 * if too few have room. */
static void test_who_takes_deletions(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    world_init(w, WORLD_NODES, 127);
    uint32_t leader = (uint32_t)world_elect(w);
    uint32_t one = (leader + 1) % WORLD_NODES;
    uint32_t two = (leader + 2) % WORLD_NODES;
    run_ms(w, 300);
    set_short(w, one, true);
    for (int64_t end_ms = w->now_ms + 300; w->now_ms < end_ms;) {
        assert_true(node_disk_paused(w->nodes[one].node));
        assert_false(node_disk_paused(w->nodes[leader].node));
        assert_false(node_disk_paused(w->nodes[two].node));
        world_turn(w);
    }
    set_short(w, two, true);
    assert_true(node_disk_paused(w->nodes[two].node));
    run_ms(w, 300);
    for (uint32_t i = 0; i < WORLD_NODES; i++)
        assert_false(node_disk_paused(w->nodes[i].node));
    set_short(w, leader, true);
    assert_false(node_disk_paused(w->nodes[leader].node));
    world_release(w);
}

static void test_leader_changes(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    world_init(w, WORLD_NODES, 126);
    uint32_t leader = (uint32_t)world_elect(w);
    uint32_t next = (leader + 1) % WORLD_NODES;
    uint32_t scant = (leader + 2) % WORLD_NODES;
    run_ms(w, 300);
    set_short(w, scant, true);
    run_ms(w, 300);
    assert_false(node_transfer(w->nodes[leader].node, scant));
    assert_true(node_transfer(w->nodes[leader].node, next));
    run_ms(w, 1000);
    assert_int_equal(world_leader(w), next);
    expect(w, false, 1);
    expect_paused(w, scant);
    assert_true(node_transfer(w->nodes[next].node, NODE_NONE));
    run_ms(w, 1000);
    assert_int_equal(world_leader(w), leader);
    set_short(w, scant, false);
    run_ms(w, 300);
    expect(w, false, 0);
    world_release(w);
}

/* The leader goes: it is the other one that leads, although the short one has
 * as much. */
static void test_short_member_does_not_campaign(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    for (uint64_t seed = 130; seed < 140; seed++) {
        world_init(w, WORLD_NODES, seed);
        uint32_t leader = (uint32_t)world_elect(w);
        uint32_t scant = (leader + 1) % WORLD_NODES;
        run_ms(w, 300);
        set_short(w, scant, true);
        run_ms(w, 300);
        world_crash(w, leader);
        for (int64_t end_ms = w->now_ms + 2500; w->now_ms < end_ms;) {
            world_turn(w);
            assert_int_not_equal(world_leader(w), scant);
        }
        assert_int_equal(world_leader(w), (leader + 2) % WORLD_NODES);
        world_release(w);
    }
}

/* ... unless nobody else does: here the other one lacks an entry. */
static void test_short_member_leads_if_nobody_else(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    world_init(w, WORLD_NODES, 140);
    uint32_t leader = (uint32_t)world_elect(w);
    uint32_t scant = (leader + 1) % WORLD_NODES;
    run_ms(w, 300);
    w->no_bulk[(leader + 2) % WORLD_NODES] = true;
    write_at(w, leader, 3);
    set_short(w, scant, true);
    world_crash(w, leader);
    for (int i = 0; i < 100 && world_leader(w) < 0; i++)
        run_ms(w, 100);
    assert_int_equal(world_leader(w), scant);
    run_ms(w, 300);
    expect(w, true, 1);
    assert_int_equal(world_leader(w), scant);
    w->no_bulk[(leader + 2) % WORLD_NODES] = false; /* it gets the entry */
    run_ms(w, 3000);
    assert_int_equal(world_leader(w), (leader + 2) % WORLD_NODES);
    world_release(w);
}

/* What its clients sent before is answered: it is paused only then. */
static void test_its_requests_come_first(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    for (uint64_t seed = 141; seed < 146; seed++) {
        world_init(w, WORLD_NODES, seed);
        uint32_t leader = (uint32_t)world_elect(w);
        uint32_t scant = (leader + 1) % WORLD_NODES;
        run_ms(w, 300);
        struct world_client *c = world_client_new(w, scant);
        for (int i = 0; i < 50; i++)
            assert_int_equal(world_submit(c, "incr n"), 0);
        set_short(w, scant, true);
        for (int i = 0; i < 200; i++)
            world_turn(w);
        assert_int_equal(c->answered, c->asked);
        run_ms(w, 300);
        expect_paused(w, scant);
        world_release(w);
    }
}

/* But if they take too long, it waits no longer; and not at all when it is
 * full. */
static void test_it_tells_in_the_end(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    for (int full = 0; full < 2; full++) {
        world_init(w, WORLD_NODES, 146);
        uint32_t leader = (uint32_t)world_elect(w);
        uint32_t scant = (leader + 1) % WORLD_NODES;
        run_ms(w, 300);
        w->no_bulk[scant] = true; /* it gets no entries */
        struct world_client *c = world_client_new(w, scant);
        assert_int_equal(world_submit(c, "incr n"), 0);
        set_short(w, scant, true);
        node_set_disk_full(w->nodes[scant].node, full);
        run_ms(w, 500);
        assert_int_equal(c->answered, 0);
        expect_paused(w, full ? scant : WORLD_NODES);
        run_ms(w, 1000);
        expect_paused(w, scant);
        world_release(w);
    }
}

/* Reads are served up to where its log ends; others are told soon. */
static void test_reads_of_a_paused_member(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    world_init(w, WORLD_NODES, 147);
    uint32_t leader = (uint32_t)world_elect(w);
    uint32_t scant = (leader + 1) % WORLD_NODES;
    write_at(w, leader, 1);
    run_ms(w, 300);
    set_short(w, scant, true);
    run_ms(w, 300);
    struct world_client *c = world_client_new(w, scant);
    for (uint32_t i = 0; i < 4; i++) {
        if (i == 2)
            write_at(w, leader, 1);
        assert_int_equal(node_read(w->nodes[scant].node, c), 0);
        run_ms(w, 1000);
        assert_int_equal(c->reads_ready, i + 1);
        assert_int_equal(c->read_error, i < 2 ? 0 : ERR_SPACE);
    }
    set_short(w, scant, false);
    run_ms(w, 500);
    assert_int_equal(node_read(w->nodes[scant].node, c), 0);
    run_ms(w, 500);
    assert_int_equal(c->read_error, 0);
    assert_int_equal(c->reads_ready, 5);
    world_release(w);
}

/* One that needs what was cut from the log cannot take the place of one that
 * is short. The log was cut in spite of the paused member: beyond its hard
 * bound it waits for nobody. */
static void test_who_is_outrun_has_no_room(void **state)
{
    const uint64_t soft = 8 * 1024, hard = 16 * 1024;
    struct world *w = &world;
    struct node_status s;
    UNUSED(state);
    world_init(w, WORLD_NODES, 148);
    w->no_transfers = true;
    uint32_t leader = (uint32_t)world_elect(w);
    uint32_t outrun = (leader + 1) % WORLD_NODES;
    uint32_t other = (leader + 2) % WORLD_NODES;
    for (uint32_t i = 0; i < WORLD_NODES; i++)
        node_set_log_size(w->nodes[i].node, soft, hard);
    run_ms(w, 300);
    set_short(w, outrun, true);
    run_ms(w, 300);
    world_write(w, leader, 600);
    node_status(w->nodes[leader].node, &s);
    assert_true(s.log_bytes < 2 * hard);
    assert_true(last_of(w, outrun) + 300 < s.last);
    set_short(w, outrun, false);
    run_ms(w, 1000);
    node_status(w->nodes[leader].node, &s);
    for (uint32_t i = 0; i < s.peer_count; i++)
        assert_int_equal(s.peers[i].state, s.peers[i].id == outrun
                                               ? RAFT_SNAPSHOT
                                               : RAFT_REPLICATE);
    expect(w, false, 0);
    set_short(w, other, true);
    run_ms(w, 300);
    expect(w, true, 1);
    expect_paused(w, WORLD_NODES);
    world_release(w);
}

/* Who takes no part yet has no room; while members are joint, a majority of
 * each set must have. */
static void test_who_counts(void **state)
{
    static const struct {
        uint32_t voters, outgoing; /* 1: the leader, 2, 4: the others */
        bool refused;
    } cases[] = {{7, 0, false}, {3, 7, false}, {7, 3, false}, {5, 7, true},
                 {7, 5, true},  {5, 0, true},  {4, 7, true},  {3, 0, false}};
    struct world *w = &world;
    UNUSED(state);
    world_init(w, WORLD_NODES, 150);
    uint32_t leader = (uint32_t)world_elect(w);
    uint32_t two = (leader + 1) % WORLD_NODES;
    uint32_t four = (leader + 2) % WORLD_NODES;
    struct node *n = w->nodes[leader].node;
    run_ms(w, 300);
    set_short(w, four, true);
    run_ms(w, 300);
    expect_paused(w, four);
    struct raft_members saved = n->raft.members[RAFT_NEWEST];
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint32_t sets[2] = {0};
        for (uint32_t k = 0; k < 2; k++) {
            uint32_t set = k == 0 ? cases[i].voters : cases[i].outgoing;
            sets[k] = (set & 1) << leader | (set >> 1 & 1) << two |
                      (set >> 2 & 1) << four;
        }
        n->raft.members[RAFT_NEWEST].voters = sets[0];
        n->raft.members[RAFT_NEWEST].outgoing = sets[1];
        assert_int_equal(node_disk_short(n), cases[i].refused);
    }
    n->raft.members[RAFT_NEWEST] = saved;
    n->raft.progress[two].recovering = true;
    assert_true(node_disk_short(n));
    n->raft.progress[two].recovering = false;
    assert_false(node_disk_short(n));
    world_release(w);
}

/* It comes and goes all the time: nobody else notices. */
static void test_flapping(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    for (uint64_t seed = 151; seed < 154; seed++) {
        world_init(w, WORLD_NODES, seed);
        uint32_t leader = (uint32_t)world_elect(w);
        uint32_t scant = (leader + 1) % WORLD_NODES;
        run_ms(w, 300);
        struct world_client *c = world_client_new(w, leader);
        struct world_client *d = world_client_new(w, 3 - leader - scant);
        for (int i = 0; i < 600; i++) {
            set_short(w, scant, i / 20 % 2 == 0);
            assert_int_equal(world_submit(i % 2 ? c : d, "incr n"), 0);
            world_turn(w);
            assert_false(node_disk_short(w->nodes[leader].node));
        }
        set_short(w, scant, false);
        world_wait_answered(w, c);
        world_wait_answered(w, d);
        assert_int_equal(world_leader(w), leader);
        world_wait_equal(w);
        world_release(w);
    }
}

/* A member that was started alone is short: nobody else could have room. */
static void test_alone(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    world_init(w, 1, 149);
    set_short(w, 0, true);
    assert_int_equal(world_elect(w), 0);
    expect(w, true, 1);
    assert_false(node_disk_paused(w->nodes[0].node));
    write_at(w, 0, 3); /* deletions */
    set_short(w, 0, false);
    expect(w, false, 0);
    world_release(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_follower),
        cmocka_unit_test(test_under_load),
        cmocka_unit_test(test_leader_hands_over),
        cmocka_unit_test(test_no_heir_that_lags),
        cmocka_unit_test(test_all_are_short),
        cmocka_unit_test(test_two_are_short),
        cmocka_unit_test(test_member_goes),
        cmocka_unit_test(test_without_leader),
        cmocka_unit_test(test_who_takes_deletions),
        cmocka_unit_test(test_leader_changes),
        cmocka_unit_test(test_short_member_does_not_campaign),
        cmocka_unit_test(test_short_member_leads_if_nobody_else),
        cmocka_unit_test(test_its_requests_come_first),
        cmocka_unit_test(test_it_tells_in_the_end),
        cmocka_unit_test(test_reads_of_a_paused_member),
        cmocka_unit_test(test_who_is_outrun_has_no_room),
        cmocka_unit_test(test_who_counts),
        cmocka_unit_test(test_flapping),
        cmocka_unit_test(test_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
