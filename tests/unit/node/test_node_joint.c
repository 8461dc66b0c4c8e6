/*
 * What comes between the entry that makes the members joint and the one that
 * ends it, and what a member leaves behind (node_members.c, node_open.c).
 */
// link: world node store data cmd
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data/upload.h"
#include "node/node_internal.h"
#include "world/world.h"

#include "driver_fixture.h"

#define TURNS_MAX 40000

static struct world world;

static void ask(struct world *w, struct node_change a)
{
    struct node_change_request r;
    struct buf why = BUF_INIT;
    int err = ERR_INVALID;

    if (!a.peer_address)
        a.peer_address = a.client_address = "";
    for (int i = 0; i < TURNS_MAX && err == ERR_INVALID; i++) {
        buf_reset(&why);
        err = node_change_members(w->nodes[leader_of(w)].node, &a, &r, &why);
        if (err != 0)
            world_turn(w);
    }
    assert_int_equal(err, 0);
    struct world_client *tc = world_client_new(w, leader_of(w));
    struct node_submit s = {.argv = r.argv, .argc = ARRAY_LEN(r.argv)};
    assert_int_equal(node_submit(tc->home->node, &s, tc), 0);
    tc->asked++;
    world_wait_answered(w, tc);
    buf_release(&why);
}

static void turns_until_member(struct world *w, node_id id, bool is)
{
    for (int i = 0; i < TURNS_MAX; i++) {
        if ((configuration_find(members_at(w, leader_of(w)), id) != NULL) == is)
            return;
        world_turn(w);
        drop_removed(w);
    }
    fail();
}

static struct node *leave_is_due(struct world *w)
{
    for (uint32_t i = 0; i < w->count; i++)
        if (w->nodes[i].node && raft_leave_due(&w->nodes[i].node->raft))
            return w->nodes[i].node;
    return NULL;
}

/* The joint members are committed, and the end of the turn makes the new ones
 * decide alone. */
static struct node *until_leave_is_due(struct world *w)
{
    struct node *n = NULL;

    for (int i = 0; i < TURNS_MAX && !n; i++) {
        while (w->queue.count > 0 && !n) {
            world_deliver(w, 0);
            n = leave_is_due(w);
        }
        for (uint32_t k = 0; k < w->count && !n; k++) {
            world_complete_sync(&w->nodes[k]);
            n = leave_is_due(w);
        }
        if (n)
            return n;
        w->now_ms++;
        world_flush(w);
    }
    fail();
    return NULL;
}

static const char *text_of(struct buf *why)
{
    buf_u8(why, '\0');
    return (const char *)why->data;
}

/* Nobody else's entry says who the members are meanwhile. */
static void test_nothing_else_while_joint(void **state)
{
    struct world *w = &world;
    struct buf why = BUF_INIT;
    struct grant grant;

    UNUSED(state);
    begin(w, 3, 180);
    struct node_change observer = add(3);
    observer.learner = true;
    ask(w, observer);
    turns_until_member(w, 3, true);
    uint32_t leader = leader_of(w);
    ask(w, (struct node_change){.kind = NODE_DEMOTE, .id = (leader + 1) % 3});
    struct node *n = until_leave_is_due(w);
    raft_index at = n->membership.newest_at;
    struct admit of = world_admit(3, 41); /* a learner, and blank */
    assert_int_equal(node_admit(n, &of, &grant, &why), ERR_AGAIN);
    assert_non_null(strstr(text_of(&why), "last change of the members"));
    buf_reset(&why);
    assert_int_not_equal(node_raise_level(n, LEVEL_NEXT, &why), 0);
    assert_int_equal(n->membership.newest_at, at);
    assert_true(raft_leave_due(&n->raft));
    /* Afterwards it is let in. */
    world_ask(w, 3, 41, &grant);
    assert_true(grant.life > 0);
    buf_release(&why);
    world_release(w);
}

/* A member that begins a life by itself, and says so at such a time. */
static void test_no_life_begins_while_joint(void **state)
{
    struct world *w = &world;
    struct raft_message m = {.type = RAFT_MSG_HEARTBEAT_REPLY};

    UNUSED(state);
    begin(w, 3, 181);
    uint32_t leader = leader_of(w);
    ask(w, (struct node_change){.kind = NODE_DEMOTE, .id = (leader + 1) % 3});
    struct node *n = until_leave_is_due(w);
    m.from = (n->options.self + 1) % 3;
    m.to = n->options.self;
    m.term = n->raft.term;
    m.from_incarnation = UINT64_C(4) << RAFT_LIFE_SHIFT | 1;
    m.recovering = true;
    assert_true(node_members_begins(n, &m));
    assert_false(node_members_can_change(n));
    world_release(w);
}

static void reach(struct world *w)
{
    for (int i = 0; i < TURNS_MAX && (i < 60 || !is_reached(w)); i++) {
        world_turn(w);
        drop_removed(w);
    }
    assert_true(is_reached(w));
}

/* Could nobody refill it, by the members in its log? */
static bool is_needed(const struct node *n)
{
    const struct raft_members *m = &n->raft.members[RAFT_NEWEST];
    int pos = raft_members_position(m, n->options.self);

    return pos >= 0 && raft_members_votes(m, (uint32_t)pos) &&
           !raft_members_quorum(m, ~(UINT32_C(1) << pos));
}

static void until_needed(struct world *w, const struct node *n)
{
    for (int i = 0; i < TURNS_MAX && !is_needed(n); i++) {
        while (w->queue.count > 0 && !is_needed(n))
            world_deliver(w, 0);
        for (uint32_t k = 0; k < w->count && !is_needed(n); k++)
            world_complete_sync(&w->nodes[k]);
        w->now_ms += is_needed(n) ? 0 : 1;
        if (!is_needed(n))
            world_flush(w);
    }
    assert_true(is_needed(n));
}

/* The log that a member is refilled with may say that it voted with one other,
 * in an earlier life: it starts all the same. */
static void test_history_of_an_earlier_life(void **state)
{
    struct world *w = &world;
    struct grant grant;

    UNUSED(state);
    begin(w, 2, 182);
    uint32_t gone = 1 - leader_of(w);
    ask(w, (struct node_change){.kind = NODE_DEMOTE, .id = gone});
    reach(w);
    ask(w, (struct node_change){.kind = NODE_PROMOTE, .id = gone});
    reach(w);
    ask(w, (struct node_change){.kind = NODE_REMOVE, .id = gone});
    reach(w);
    ask(w, add(gone));
    turns_until_member(w, gone, true);
    world_wipe(w, gone);
    world_ask(w, gone, 42, &grant);
    struct world_node *t = &w->nodes[gone];
    t->life = grant.life;
    t->founding = grant.configuration;
    t->removed = false;
    world_start(w, gone);
    until_needed(w, t->node);
    assert_true(t->node->raft.recovering);
    world_crash_keep(w, gone, UINT32_MAX);
    world_start(w, gone);
    assert_true(is_needed(t->node) && t->node->raft.recovering);
    world_wait_applied(w, gone, w->nodes[leader_of(w)].node->raft.commit);
    world_release(w);
}

/* The process of a member that has none: with what is there, or, the first
 * time, with nothing. */
static void start_member(struct world *w, node_id id)
{
    struct world_node *t = &w->nodes[id];
    int leader = world_leader(w);
    const struct member *m = NULL;

    if (!t->store && leader >= 0) {
        t->founding = *members_at(w, (uint32_t)leader);
        m = configuration_find(&t->founding, id);
    }
    if (m)
        t->life = m->life;
    if (m || t->store)
        world_start(w, id);
}

static bool is_voter(struct world *w, node_id id)
{
    int leader = world_leader(w);
    const struct member *m =
        leader < 0 ? NULL
                   : configuration_find(members_at(w, (uint32_t)leader), id);

    return m && m->roles == MEMBER_VOTER && is_reached(w);
}

/* In which turn after the answer the new member voted; `at`: in which one of
 * the members, or the new one, loses power, for a while. */
static int turns_of_add(struct world *w, int at, uint32_t victim)
{
    int turn = 0;

    begin(w, 3, 200 + (uint64_t)at);
    ask(w, add(3));
    for (; turn < TURNS_MAX && !is_voter(w, 3); turn++) {
        world_turn(w);
        if (turn == at)
            world_crash(w, victim < 4 ? victim : leader_of(w));
        for (node_id id = 0; id < 4 && turn % 20 == 19; id++)
            if (!w->nodes[id].node)
                start_member(w, id);
    }
    assert_true(turn < TURNS_MAX);
    assert_int_equal(members_at(w, leader_of(w))->count, 4);
    for (node_id id = 0; id < 4; id++)
        if (!w->nodes[id].node)
            start_member(w, id);
    world_write(w, leader_of(w), 1);
    world_wait_applied(w, 3, w->nodes[leader_of(w)].node->raft.commit);
    assert_int_equal(members_at(w, 3)->count, 4);
    world_release(w);
    return turn;
}

/* Whoever loses power at whatever step of an ADD: the member is added, and
 * there is no half of one. */
static void test_crash_at_each_step_of_add(void **state)
{
    UNUSED(state);
    int turns = turns_of_add(&world, -1, 0);
    for (int at = 0; at < turns; at++) {
        turns_of_add(&world, at, 3); /* the new one */
        turns_of_add(&world, at, 4); /* the leader */
        turns_of_add(&world, at, (uint32_t)at % 3);
    }
}

/* What nobody can end is dropped with the member. */
static void test_parts_go_with_the_member(void **state)
{
    struct world *w = &world;
    struct bytes argv[3] = {BYTES_LIT("set"), BYTES_LIT("large")};
    struct buf value = BUF_INIT;

    UNUSED(state);
    world_prepare(w, WORLD_NODES_MAX, 183);
    w->founders = 3;
    w->nonces = true;
    w->upload_above = 2000;
    world_start_all(w);
    assert_false(is_reached(w));
    uint32_t leader = leader_of(w);
    uint32_t gone = (leader + 1) % 3;
    struct keyspace *ks = w->nodes[leader].node->ks;
    for (int i = 0; i < 10000; i++)
        buf_str(&value, "0123456789");
    argv[2] = buf_view(&value);
    struct node_submit s = {.argv = argv, .argc = 3};
    struct world_client *tc = world_client_new(w, gone);
    world_submit_large(tc, &s);
    for (int i = 0; i < TURNS_MAX && !upload_exists(ks, gone); i++)
        world_turn(w);
    assert_true(upload_exists(ks, gone));
    world_crash_keep(w, gone, UINT32_MAX);
    for (int i = 0; i < 400; i++)
        world_turn(w);
    assert_true(upload_exists(ks, gone));
    ask(w,
        (struct node_change){.kind = NODE_REMOVE, .id = gone, .force = true});
    turns_until_member(w, gone, false);
    leader = leader_of(w);
    world_wait_applied(w, leader, w->nodes[leader].node->raft.last);
    assert_false(upload_exists(w->nodes[leader].node->ks, gone));
    buf_release(&value);
    world_release(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_else_while_joint),
        cmocka_unit_test(test_no_life_begins_while_joint),
        cmocka_unit_test(test_history_of_an_earlier_life),
        cmocka_unit_test(test_crash_at_each_step_of_add),
        cmocka_unit_test(test_parts_go_with_the_member),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
