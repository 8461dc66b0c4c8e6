/*
 * Members come and go in any order, with crashes, cuts and disks that stall:
 * once the faults stop the members are what was asked for last, and no
 * acknowledged write is lost (node_driver.c, node_desired.c, node_peers.c,
 * node_members.c).
 */
// link: world node store data cmd
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "node/node_internal.h"
#include "world/world.h"

#include "driver_fixture.h"

#define TURNS_MAX 40000

static struct world world;

/* What a run of churn has done. */
struct churn {
    struct world *w;
    struct world_client *writer; /* of the last write; NULL: none is open */
    int64_t down_until[WORLD_NODES_MAX]; /* 0: not crashed by the test */
    int64_t heal_at;
    uint32_t sent;
    uint32_t acknowledged;
    uint32_t asked;
};

static uint32_t draw(struct world *w, uint32_t below)
{
    return (uint32_t)rng_below(&w->rng, below);
}

/* One append of a byte at a time, so that the answers can be counted. */
static void churn_write(struct churn *c)
{
    struct world *w = c->w;
    struct world_client *tc = c->writer;

    if (tc && tc->home && tc->answered == 0)
        return;
    if (tc && tc->answered > 0 && tc->out.data[0] == ':')
        c->acknowledged++;
    c->writer = NULL;
    uint32_t home = draw(w, w->count);
    if (draw(w, 20) != 0 || !w->nodes[home].node || w->nodes[home].removed ||
        w->client_count > WORLD_CLIENTS - 8)
        return;
    tc = world_client_new(w, home);
    if (world_submit(tc, "append k x") != 0)
        return;
    c->sent++;
    c->writer = tc;
}

/* An operator asks for something, which may be refused. */
static void churn_ask(struct churn *c)
{
    struct world *w = c->w;
    struct node_change_request r;
    struct buf why = BUF_INIT;
    node_id id = draw(w, w->count);
    struct node_change a = add(id);
    int leader = world_leader(w);

    a.kind = (enum node_change_kind)draw(w, NODE_MOVE + 1);
    a.learner = draw(w, 4) == 0;
    if (a.kind == NODE_MOVE) {
        a.peer_address = draw(w, 2) ? "moved.example:1" : "moved.example:2";
        a.client_address = "";
    }
    if (leader < 0 || w->client_count > WORLD_CLIENTS - 8)
        return;
    struct node *n = w->nodes[leader].node;
    int err = node_change_members(n, &a, &r, &why);
    bool in_world = a.kind != NODE_REPLACE || a.id < w->count;
    if (err == 0 && in_world) {
        struct node_submit s = {.argv = r.argv, .argc = ARRAY_LEN(r.argv)};
        struct world_client *tc = world_client_new(w, (uint32_t)leader);
        if (node_submit(n, &s, tc) == 0) {
            tc->asked++;
            c->asked++;
        }
    }
    buf_release(&why);
}

/* A member without a process gets one: with what its directory has, or, if the
 * id has begun a new life, with an empty one. */
static void churn_start(struct churn *c, uint32_t id)
{
    struct world *w = c->w;
    struct world_node *t = &w->nodes[id];
    int leader = world_leader(w);

    if (w->now_ms < c->down_until[id])
        return;
    if (leader < 0) { /* nobody says otherwise */
        if (t->store && !t->removed)
            world_start(w, id);
        return;
    }
    const struct configuration *now = members_at(w, (uint32_t)leader);
    const struct member *m = configuration_find(now, id);
    bool committed = w->nodes[leader].node->membership.newest_at <=
                     w->nodes[leader].node->raft.commit;
    bool other =
        t->removed || !t->store || (m && RAFT_LIFE(t->incarnation) < m->life);
    if (!other) {
        world_start(w, id);
        return;
    }
    if (!m || (m->roles & MEMBER_LEAVING) || !committed)
        return;
    if (t->store)
        world_wipe(w, id);
    t->founding = *now;
    t->life = m->life;
    t->removed = false;
    world_start(w, id);
}

static void churn_fault(struct churn *c)
{
    struct world *w = c->w;
    uint32_t id = draw(w, w->count);

    switch (draw(w, 4)) {
    case 0:
        if (w->nodes[id].node && !w->nodes[id].removed) {
            world_crash(w, id);
            c->down_until[id] = w->now_ms + 1 + draw(w, 1500);
        }
        break;
    case 1:
        w->stalled[id] = true;
        break;
    case 2:
        w->no_bulk[id] = true;
        break;
    default:
        for (uint32_t i = 0; i < w->count; i++)
            if (i != id && draw(w, 2) && w->nodes[i].node &&
                w->nodes[id].node) {
                w->cut[i][id] = w->cut[id][i] = true;
                world_link(w, i, id, false);
            }
    }
    c->heal_at = w->now_ms + draw(w, 1200);
}

static void churn_heal(struct churn *c)
{
    struct world *w = c->w;

    memset(w->stalled, 0, sizeof(w->stalled));
    memset(w->no_bulk, 0, sizeof(w->no_bulk));
    for (uint32_t a = 0; a < w->count; a++)
        for (uint32_t b = 0; b < a; b++) {
            if (!w->cut[a][b])
                continue;
            w->cut[a][b] = w->cut[b][a] = false;
            if (w->nodes[a].node && w->nodes[b].node)
                world_link(w, a, b, true);
        }
}

/* Processes of lives that are over are ended, as a greeting would. */
static void churn_end_old(struct world *w)
{
    int leader = world_leader(w);

    for (uint32_t i = 0; i < w->count && leader >= 0; i++) {
        const struct member *m =
            configuration_find(members_at(w, (uint32_t)leader), i);
        if (m && w->nodes[i].node &&
            RAFT_LIFE(w->nodes[i].incarnation) < m->life)
            world_crash_keep(w, i, 100);
    }
}

static void churn_turn(struct churn *c)
{
    struct world *w = c->w;

    world_turn(w);
    drop_removed(w);
    churn_end_old(w);
    for (uint32_t i = 0; i < w->count; i++) {
        struct world_node *t = &w->nodes[i];
        if (t->failed_by != 0) { /* its id has gone on without it */
            assert_true(node_is_copy(t->node));
            world_crash_keep(w, i, 100);
            t->failed_by = 0;
        }
        if (!t->node)
            churn_start(c, i);
    }
    churn_write(c);
}

/* Do those whom operators want vote, and nobody else? */
static bool is_desired(struct world *w)
{
    const struct node *n = w->nodes[leader_of(w)].node;
    const struct configuration *is = &n->membership.newest;
    const struct configuration *want = &n->driver.desired;
    bool same = is->count == want->count;

    for (uint32_t i = 0; i < is->count && same; i++)
        same = is->members[i].id == want->members[i].id &&
               is->members[i].roles == want->members[i].roles;
    return same || want->count == 0;
}

/* What was acknowledged is there, and the members have the same. */
static void expect_data(struct churn *c)
{
    struct world *w = c->w;
    uint32_t leader = leader_of(w);
    const struct configuration *is = members_at(w, leader);
    struct world_client *tc = world_client_new(w, leader);
    struct bytes left;
    uint64_t length = 0;

    assert_int_equal(world_submit(tc, "strlen k"), 0);
    world_wait_answered(w, tc);
    left = bytes_of(tc->out.data + 1, tc->out.len - 3);
    assert_true(num_parse_u64(left, &length));
    assert_true(length >= c->acknowledged + 3);
    assert_true(length <= c->sent + 3);
    for (uint32_t i = 0; i < is->count; i++) {
        node_id id = is->members[i].id;
        world_wait_applied(w, id, w->nodes[leader].node->raft.commit);
        assert_int_equal(members_at(w, id)->count, is->count);
    }
}

/* Returns how much was asked for. */
static uint32_t churn(uint64_t seed)
{
    struct world *w = &world;
    struct churn c = {.w = w};

    begin(w, 3, seed);
    for (int i = 0; i < 6000 && w->client_count < WORLD_CLIENTS - 8; i++) {
        if (draw(w, 30) == 0)
            churn_ask(&c);
        if (draw(w, 120) == 0)
            churn_fault(&c);
        if (w->now_ms >= c.heal_at)
            churn_heal(&c);
        churn_turn(&c);
    }
    churn_heal(&c);
    memset(c.down_until, 0, sizeof(c.down_until));
    int64_t healed_ms = w->now_ms; /* the driver looks ten times a second */
    for (int i = 0; i < TURNS_MAX; i++) {
        churn_turn(&c);
        if (w->now_ms > healed_ms + 300 && is_reached(w) && is_desired(w))
            break;
    }
    if (!is_reached(w) && world_leader(w) >= 0) {
        struct node_change_status st;
        node_change_status(w->nodes[world_leader(w)].node, &st);
        fprintf(stderr, "seed %llu: next: %s, waits: %s\n",
                (unsigned long long)seed, st.next, st.waits);
    }
    assert_true(is_reached(w) && is_desired(w));
    expect_data(&c);
    world_release(w);
    return c.asked;
}

/* VARD_SEEDS=10 runs ten times as many. */
static void test_churn(void **state)
{
    const char *factor = getenv("VARD_SEEDS");
    uint64_t asked = 0;
    uint64_t seeds = 40 * (factor ? strtoull(factor, NULL, 10) : 1);

    UNUSED(state);
    for (uint64_t seed = 1000; seed < 1000 + seeds; seed++)
        asked += churn(seed);
    assert_true(asked > 2 * seeds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_churn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
