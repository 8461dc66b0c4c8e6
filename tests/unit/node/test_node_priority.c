/*
 * Who had better lead: elections favour it, leadership comes to it when it has
 * been well for a while, and nothing but that depends on it.
 */
// link: world node store data cmd
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "node/node_internal.h"
#include "world/world.h"

#define CALM_MS  10000
#define AGAIN_MS 60000

static struct world world;

static void run_ms(struct world *w, int64_t ms)
{
    int64_t end_ms = w->now_ms + ms;
    while (w->now_ms < end_ms)
        world_turn(w);
}

/* Three founders with these priorities. */
static void begin_of(struct world *w, uint32_t count,
                     const uint8_t priorities[WORLD_NODES], uint64_t seed)
{
    world_prepare(w, count, seed);
    w->founders = WORLD_NODES;
    for (uint32_t i = 0; i < WORLD_NODES; i++) {
        struct configuration *c = &w->nodes[i].founding;
        configuration_of(c, (const node_id[]){0, 1, 2}, WORLD_NODES);
        for (uint32_t k = 0; k < WORLD_NODES; k++)
            c->members[k].priority = priorities[k];
    }
    world_start_all(w);
}

static void begin(struct world *w, const uint8_t priorities[WORLD_NODES],
                  uint64_t seed)
{
    begin_of(w, WORLD_NODES, priorities, seed);
}

static uint32_t leader_of(struct world *w)
{
    int leader = world_elect(w);
    assert_true(leader >= 0);
    return (uint32_t)leader;
}

/* Asks the leader; its refusal, or "" when it is executed. */
static const char *ask(struct world *w, struct node_change ask)
{
    static char text[300];
    struct node_change_request r;
    struct buf why = BUF_INIT;
    if (ask.peer_address == NULL)
        ask.peer_address = ask.client_address = "";
    uint32_t leader = leader_of(w);
    while (!raft_can_change(&w->nodes[leader].node->raft) ||
           !node_own_term_applied(w->nodes[leader].node))
        world_turn(w);
    int err = node_change_members(w->nodes[leader].node, &ask, &r, &why);
    snprintf(text, sizeof(text), "%.*s", (int)why.len,
             why.len > 0 ? (const char *)why.data : "");
    buf_release(&why);
    assert_int_equal(err, text[0] == '\0' ? 0 : ERR_INVALID);
    if (err != 0)
        return text;
    struct world_client *c = world_client_new(w, leader);
    struct node_submit s = {.argv = r.argv, .argc = ARRAY_LEN(r.argv)};
    assert_int_equal(node_submit(c->home->node, &s, c), 0);
    c->asked++;
    world_wait_answered(w, c);
    assert_true(c->out.data[0] == '+' || c->out.data[0] == ':');
    return text;
}

static struct node_change priority(node_id id, uint8_t number)
{
    return (struct node_change){
        .kind = NODE_PRIORITY, .id = id, .priority = number};
}

static const struct member *member_at(struct world *w, uint32_t at, node_id id)
{
    raft_index index;
    return configuration_find(node_configuration(w->nodes[at].node, &index),
                              id);
}

/* Until it leads, and all know. Returns when it came to. */
static int64_t wait_leader(struct world *w, uint32_t id, int64_t ms)
{
    int64_t end_ms = w->now_ms + ms;
    while (world_leader(w) != (int)id && w->now_ms < end_ms)
        world_turn(w);
    assert_int_equal(world_leader(w), id);
    return w->now_ms;
}

/* Nobody else leads for so long. */
static void stays(struct world *w, uint32_t id, int64_t ms)
{
    int64_t end_ms = w->now_ms + ms;
    raft_term term = w->nodes[id].node->raft.term;
    while (w->now_ms < end_ms) {
        world_turn(w);
        assert_int_equal(w->nodes[id].node->raft.term, term);
        assert_int_equal(w->nodes[id].node->raft.role, RAFT_LEADER);
    }
}

/* After ten seconds of calm it gets leadership; writes are executed. */
static void test_comes_to_the_greatest(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    for (uint64_t seed = 1; seed < 4; seed++) {
        begin(w, (const uint8_t[]){100, 100, 100}, seed);
        uint32_t first = leader_of(w);
        uint32_t wanted = (first + 1) % WORLD_NODES;
        stays(w, first, 2 * CALM_MS);
        assert_string_equal(ask(w, priority(wanted, 101)), "");
        int64_t asked_ms = w->now_ms;
        world_write(w, 3 - first - wanted, 5);
        assert_true(wait_leader(w, wanted, 20000) - asked_ms >= CALM_MS);
        world_write(w, first, 5);
        world_wait_equal(w);
        assert_int_equal(member_at(w, first, wanted)->priority, 101);
        assert_int_equal(member_at(w, first, first)->priority, 100);
        assert_int_equal(world_measured(w, wanted, METRIC_raft_priority), 101);
        assert_int_equal(w->nodes[wanted].node->raft.rank, 0);
        assert_int_equal(w->nodes[first].node->raft.rank, 1);
        stays(w, wanted, AGAIN_MS + 2 * CALM_MS);
        world_release(w);
    }
}

/* What keeps a member from leading, and ends. */
enum trouble { NO_LINK, IS_SHORT, LAGS, STALLS, JUST_STARTED, TROUBLES };

static void set_trouble(struct world *w, uint32_t id, uint32_t leader,
                        enum trouble t, bool on)
{
    if (t == NO_LINK)
        world_link(w, leader, id, !on);
    else if (t == IS_SHORT)
        node_set_disk_short(w->nodes[id].node, on);
    else if (t == LAGS)
        w->no_bulk[id] = on;
    else if (t == STALLS)
        w->stalled[id] = on;
    else if (on)
        world_crash_keep(w, id, 100);
    else
        world_start(w, id);
}

static void test_not_to_who_is_not_well(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    for (enum trouble t = 0; t < TROUBLES; t++) {
        begin(w, (const uint8_t[]){100, 100, 100}, 20 + t);
        uint32_t leader = leader_of(w);
        uint32_t wanted = (leader + 1) % WORLD_NODES;
        uint32_t other = 3 - leader - wanted;
        assert_string_equal(ask(w, priority(wanted, 255)), "");
        run_ms(w, CALM_MS / 2);
        set_trouble(w, wanted, leader, t, true);
        world_write(w, other, 1);
        for (int i = 0; i < 30; i++) {
            world_write(w, other, 1);
            stays(w, leader, 500);
        }
        set_trouble(w, wanted, leader, t, false);
        int64_t well_ms = w->now_ms;
        /* Ten seconds anew, from when it follows again. */
        assert_true(wait_leader(w, wanted, 3 * CALM_MS) - well_ms >= CALM_MS);
        world_release(w);
    }
}

/* The second best one leads while the best one is away. */
static void test_second_best(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    begin(w, (const uint8_t[]){10, 200, 150}, 31);
    wait_leader(w, 1, 30000);
    run_ms(w, CALM_MS + AGAIN_MS);
    world_crash_keep(w, 1, 100);
    wait_leader(w, 2, 30000);
    world_start(w, 1);
    int64_t back_ms = w->now_ms;
    stays(w, 2, CALM_MS - 1000);
    assert_true(wait_leader(w, 1, 30000) - back_ms >= CALM_MS - 1000);
    world_release(w);
}

/* A voter must be one, and no step of the members may be under way. */
static void test_not_while_members_change(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    begin(w, (const uint8_t[]){100, 100, 100}, 41);
    uint32_t leader = leader_of(w);
    uint32_t wanted = (leader + 1) % WORLD_NODES;
    struct node *n = w->nodes[leader].node;
    assert_string_equal(
        ask(w, (struct node_change){.kind = NODE_DEMOTE, .id = wanted}), "");
    assert_string_equal(ask(w, priority(wanted, 200)), "");
    stays(w, leader, 3 * CALM_MS); /* a learner */
    assert_int_equal(n->raft.rank, 0);
    assert_string_equal(
        ask(w, (struct node_change){.kind = NODE_PROMOTE, .id = wanted}), "");
    while (n->raft.rank == 0 || n->raft.members[RAFT_NEWEST].outgoing != 0)
        world_turn(w);
    stays(w, leader, CALM_MS / 2);
    struct raft_members *m = &n->raft.members[RAFT_NEWEST];
    struct node_peer *p = node_peer_find(n, wanted);
    p->follows_ms = n->mono_ms - CALM_MS; /* it is time */
    m->outgoing = m->voters;
    assert_int_equal(node_priority_heir(n), NODE_NONE);
    m->outgoing = 0;
    n->raft.members_at[RAFT_NEWEST] = n->raft.commit + 1;
    assert_int_equal(node_priority_heir(n), NODE_NONE);
    n->raft.members_at[RAFT_NEWEST] = n->membership.newest_at;
    assert_int_equal(node_priority_heir(n), wanted);
    world_release(w);
}

/* Whatever comes of it, a node hands over once a minute at the most. */
static void test_once_a_minute(void **state)
{
    struct world *w = &world;
    int64_t last_ms = 0;
    UNUSED(state);
    begin(w, (const uint8_t[]){100, 100, 200}, 51);
    wait_leader(w, 2, 2 * CALM_MS);
    for (int i = 0; i < 4; i++) {
        assert_true(node_transfer(w->nodes[2].node, 0));
        wait_leader(w, 0, 5000);
        int64_t begun_ms = w->now_ms;
        wait_leader(w, 2, 2 * AGAIN_MS);
        assert_true(w->now_ms - begun_ms >= CALM_MS);
        assert_true(i == 0 || w->now_ms - last_ms >= AGAIN_MS - 1000);
        assert_true(i == 0 || w->now_ms - last_ms <= AGAIN_MS + 5000);
        last_ms = w->now_ms;
    }
    world_release(w);
}

/* One of priority 0 leads only if nobody else does. */
static void test_zero(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    for (uint64_t seed = 61; seed < 71; seed++) {
        begin(w, (const uint8_t[]){0, 100, 100}, seed);
        assert_int_not_equal(leader_of(w), 0);
        run_ms(w, 1000);
        uint32_t leader = leader_of(w);
        uint32_t other = 3 - leader;
        assert_true(w->nodes[0].node->raft.reluctant);
        assert_false(w->nodes[other].node->raft.reluctant);
        world_crash_keep(w, leader, 100);
        wait_leader(w, other, 10000);
        world_release(w);
    }
}

/* The others' logs lack what it has: it leads, and hands over. */
static void test_zero_alone_can(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    begin(w, (const uint8_t[]){0, 100, 100}, 72);
    uint32_t leader = leader_of(w);
    uint32_t behind = 3 - leader;
    run_ms(w, 1000);
    w->no_bulk[behind] = true;
    world_write(w, leader, 3);
    world_crash_keep(w, leader, 100);
    w->no_bulk[behind] = false;
    int64_t gone_ms = w->now_ms;
    wait_leader(w, 0, 20000);
    assert_true(w->now_ms - gone_ms >= 3 * 300);
    wait_leader(w, behind, 3 * CALM_MS);
    world_release(w);
}

/* All are alike: nobody is reluctant, and nothing moves. */
static void test_all_zero(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    begin(w, (const uint8_t[]){0, 0, 0}, 75);
    uint32_t leader = leader_of(w);
    run_ms(w, 1000);
    for (uint32_t i = 0; i < WORLD_NODES; i++) {
        assert_false(w->nodes[i].node->raft.reluctant);
        assert_int_equal(w->nodes[i].node->raft.rank, 0);
    }
    stays(w, leader, 2 * CALM_MS);
    world_release(w);
}

/* A leader that has to choose somebody chooses by priority, and one of 0 only
 * if there is nobody else. */
static void test_heirs(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    for (int how = 0; how < 4; how++) {
        for (uint32_t best = 1; best < WORLD_NODES; best++) {
            uint8_t p[] = {200, how == 3 ? 0 : 50, how == 3 ? 0 : 50};
            p[best] = how == 3 ? 1 : 60;
            begin(w, p, 80 + (uint64_t)how);
            wait_leader(w, 0, 30000);
            run_ms(w, 1000);
            if (how == 0 || how == 3)
                assert_true(node_transfer(w->nodes[0].node, NODE_NONE));
            else if (how == 1)
                node_set_disk_short(w->nodes[0].node, true);
            else
                assert_string_equal(
                    ask(w, (struct node_change){.kind = NODE_DEMOTE, .id = 0}),
                    "");
            wait_leader(w, best, 5000);
            world_release(w);
        }
    }
    begin(w, (const uint8_t[]){200, 0, 0}, 88);
    wait_leader(w, 0, 30000);
    run_ms(w, 1000);
    assert_true(node_transfer(w->nodes[0].node, NODE_NONE)); /* it has to */
    while (world_leader(w) == 0)
        world_turn(w);
    world_release(w);
}

static void test_bad_input(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    begin(w, (const uint8_t[]){100, 100, 100}, 91);
    assert_string_equal(ask(w, priority(7, 1)),
                        "node 7 is no member (see RAFT MEMBERS)");
    assert_string_equal(ask(w, priority(1, 100)),
                        "node 1 has priority 100 already, or is about to");
    assert_string_equal(ask(w, priority(1, 0)), "");
    assert_string_equal(ask(w, priority(1, 0)),
                        "node 1 has priority 0 already, or is about to");
    assert_string_equal(ask(w, priority(1, 255)), "");
    run_ms(w, 2000);
    assert_int_equal(member_at(w, 0, 1)->priority, 255);
    world_release(w);
}

/* Who takes a member's place has its priority, a new one the usual one; and
 * it outlives what else changes. */
static void test_kept(void **state)
{
    struct world *w = &world;
    struct node_change_status st;
    UNUSED(state);
    begin_of(w, WORLD_NODES_MAX, (const uint8_t[]){100, 100, 100}, 95);
    uint32_t leader = leader_of(w);
    uint32_t old = (leader + 1) % WORLD_NODES;
    assert_string_equal(ask(w, priority(old, 7)), "");
    run_ms(w, 1000); /* the leader writes it down */
    assert_string_equal(
        ask(w, (struct node_change){.kind = NODE_REPLACE,
                                    .id = old,
                                    .peer_address = "10.0.0.9:7000",
                                    .client_address = "10.0.0.9:6379"}),
        "");
    assert_string_equal(
        ask(w, (struct node_change){.kind = NODE_ADD,
                                    .id = 5,
                                    .peer_address = "10.0.0.5:7000",
                                    .client_address = "10.0.0.5:6379"}),
        "");
    assert_string_equal(ask(w, priority(5, 8)), "");
    run_ms(w, 2000);
    leader = leader_of(w);
    node_change_status(w->nodes[leader].node, &st);
    assert_int_equal(configuration_find(st.desired, 3)->priority, 7);
    assert_int_equal(member_at(w, leader, 3)->priority, 7);
    assert_int_equal(member_at(w, leader, 5)->priority, 8);
    assert_int_equal(member_at(w, leader, leader)->priority, 100);
    assert_int_equal(member_at(w, leader, old)->priority, 7);
    assert_int_equal(member_at(w, leader, old)->roles, MEMBER_VOTER);
    world_release(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_comes_to_the_greatest),
        cmocka_unit_test(test_not_to_who_is_not_well),
        cmocka_unit_test(test_second_best),
        cmocka_unit_test(test_not_while_members_change),
        cmocka_unit_test(test_once_a_minute),
        cmocka_unit_test(test_zero),
        cmocka_unit_test(test_zero_alone_can),
        cmocka_unit_test(test_all_zero),
        cmocka_unit_test(test_heirs),
        cmocka_unit_test(test_bad_input),
        cmocka_unit_test(test_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
