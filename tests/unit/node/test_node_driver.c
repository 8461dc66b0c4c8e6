/*
 * Members come and go: what operators ask for, and how the leader brings the
 * members there (node_desired.c, node_driver.c, node_peers.c).
 */
// link: world node store data cmd
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "codec/frame.h"
#include "node/node_boot.h"
#include "node/node_internal.h"
#include "world/world.h"

#include "driver_fixture.h"

#define TURNS_MAX 40000

static struct world world;

/* --- what is asked and told ----------------------------------------------- */

/* The role of a member, as node `at` knows; NULL: it is none. */
static const char *role_at(struct world *w, uint32_t at, node_id id)
{
    const struct member *m = configuration_find(members_at(w, at), id);

    return m ? member_role_text(m->roles) : NULL;
}

/* What the leader says to it at once; "": it is a request now, in *out. */
static const char *judge(struct world *w, struct node_change *ask,
                         struct node_change_request *out)
{
    static char text[300];
    struct buf why = BUF_INIT;

    if (!ask->peer_address)
        ask->peer_address = "";
    if (!ask->client_address)
        ask->client_address = "";
    int err = node_change_members(w->nodes[leader_of(w)].node, ask, out, &why);
    assert_true(err == 0 || err == ERR_INVALID);
    assert_int_equal(err != 0, why.len > 0);
    snprintf(text, sizeof(text), "%.*s", (int)why.len, (const char *)why.data);
    buf_release(&why);
    return text;
}

/* Submits it, and returns the answer. */
static const char *submit(struct world *w, const struct node_change_request *r)
{
    static char text[300];
    struct world_client *tc = world_client_new(w, leader_of(w));
    struct node_submit s = {.argv = r->argv, .argc = ARRAY_LEN(r->argv)};

    assert_int_equal(node_submit(tc->home->node, &s, tc), 0);
    tc->asked++;
    world_wait_answered(w, tc);
    snprintf(text, sizeof(text), "%.*s", (int)tc->out.len,
             (const char *)tc->out.data);
    return text;
}

/* It is accepted. Returns the new id. */
static node_id ask(struct world *w, struct node_change ask)
{
    struct node_change_request r;
    char expected[32] = "+OK\r\n";

    /* Somebody may be a moment behind. */
    struct node_change asked = ask;
    for (int i = 0; i < 100 && strstr(judge(w, &ask, &r), "caught up"); i++) {
        world_run(w, 10);
        ask = asked;
    }
    ask = asked;
    assert_string_equal(judge(w, &ask, &r), "");
    if (ask.kind == NODE_ADD || ask.kind == NODE_REPLACE)
        snprintf(expected, sizeof(expected), ":%u\r\n", ask.id);
    assert_string_equal(submit(w, &r), expected);
    return ask.id;
}

static void refused(struct world *w, struct node_change ask, const char *text)
{
    struct node_change_request r;

    assert_string_equal(judge(w, &ask, &r), text);
}

static struct node_change of(enum node_change_kind kind, node_id id)
{
    return (struct node_change){.kind = kind, .id = id};
}

/* Whether it says that it is done; then the members are what is desired. */
static bool check_done(struct world *w)
{
    struct node_change_status st;
    int leader = world_leader(w);

    if (leader < 0)
        return false;
    struct node *n = w->nodes[leader].node;
    node_change_status(n, &st);
    const struct configuration *c = &n->membership.applied;
    if (!st.done || !st.desired)
        return st.done;
    assert_int_equal(c->count, st.desired->count);
    for (uint32_t i = 0; i < c->count; i++) {
        assert_int_equal(c->members[i].id, st.desired->members[i].id);
        assert_int_equal(c->members[i].roles, st.desired->members[i].roles);
    }
    return true;
}

/* Turns until the members are what was asked for. */
static void reach(struct world *w)
{
    for (int i = 0; i < 60; i++) { /* the leader looks at it at least once */
        world_turn(w);
        drop_removed(w);
    }
    for (int i = 0; i < TURNS_MAX && !is_reached(w); i++) {
        world_turn(w);
        drop_removed(w);
        check_done(w);
    }
    if (!is_reached(w) && world_leader(w) >= 0) {
        struct node_change_status st;
        node_change_status(w->nodes[world_leader(w)].node, &st);
        fprintf(stderr, "next: %s, waits: %s\n", st.next, st.waits);
    }
    assert_true(is_reached(w));
    assert_true(check_done(w));
}

static void turns_until_role(struct world *w, node_id id, const char *role)
{
    for (int i = 0; i < TURNS_MAX; i++) {
        const char *is = role_at(w, leader_of(w), id);
        if (is && strcmp(is, role) == 0)
            return;
        world_turn(w);
    }
    fail_msg("node %u never is a %s", id, role);
}

/* A node that is a member starts with an empty directory. */
static void join(struct world *w, uint32_t id)
{
    uint32_t leader = leader_of(w);
    struct world_node *t = &w->nodes[id];
    const struct member *m;

    for (int i = 0; i < TURNS_MAX && !role_at(w, leader, id); i++) {
        world_turn(w);
        leader = leader_of(w);
    }
    t->founding = *members_at(w, leader);
    m = configuration_find(&t->founding, id);
    assert_non_null(m);
    t->life = m->life;
    t->removed = false;
    world_start(w, id);
}

static void add_and_join(struct world *w, uint32_t id)
{
    assert_int_equal(ask(w, add(id)), id);
    join(w, id);
}

static uint32_t voters_of(struct world *w)
{
    const struct configuration *c = members_at(w, leader_of(w));
    uint32_t count = 0;

    for (uint32_t i = 0; i < c->count; i++)
        count += (c->members[i].roles & MEMBER_VOTER) != 0;
    return count;
}

/* --- changes ---------------------------------------------------------------
 */

/* 1 -> 3 -> 5 -> 3 -> 1, and what was written is there all the time. */
static void test_grows_and_shrinks(void **state)
{
    struct world *w = &world;

    UNUSED(state);
    for (uint64_t seed = 1; seed <= 3; seed++) {
        begin(w, 1, seed);
        for (uint32_t id = 1; id < 5; id++) {
            add_and_join(w, id);
            reach(w);
            assert_int_equal(voters_of(w), id + 1);
            world_write(w, id, 2);
        }
        for (uint32_t id = 0; id < 4; id++) { /* leaders, too */
            ask(w, of(NODE_REMOVE, id));
            reach(w);
            assert_true(w->nodes[id].removed);
            assert_int_equal(voters_of(w), 4 - id);
            world_write(w, 4, 2);
        }
        assert_null(role_at(w, 4, 0));
        struct world_client *tc = world_client_new(w, 4);
        assert_int_equal(world_submit(tc, "strlen k"), 0);
        world_wait_answered(w, tc);
        assert_true(bytes_eq(buf_view(&tc->out), BYTES_LIT(":19\r\n")));
        world_release(w);
    }
}

/* One of three is dead for good: its successor takes part, at no moment with
 * four voters of which one is down. */
static void test_replaces_a_dead_voter(void **state)
{
    struct world *w = &world;

    UNUSED(state);
    for (uint32_t place = 1; place < 3; place++) {
        begin(w, 3, 20 + place);
        uint32_t dead = (leader_of(w) + place) % 3;
        world_crash_keep(w, dead, 100);
        struct node_change r = add(3);
        r.kind = NODE_REPLACE;
        r.id = dead;
        assert_int_equal(ask(w, r), 3);
        turns_until_role(w, 3, "learner");
        world_run(w, 2000); /* it is not there yet: nobody goes */
        assert_string_equal(role_at(w, leader_of(w), dead), "voter");
        assert_int_equal(voters_of(w), 3);
        join(w, 3);
        reach(w);
        assert_string_equal(role_at(w, leader_of(w), 3), "voter");
        assert_null(role_at(w, leader_of(w), dead));
        assert_int_equal(voters_of(w), 3);
        world_write(w, 3, 2);
        world_release(w);
    }
}

/* A leader that is removed lets another one lead first. */
static void test_leader_removed(void **state)
{
    struct world *w = &world;

    UNUSED(state);
    for (uint64_t seed = 40; seed < 46; seed++) {
        begin(w, 3, seed);
        uint32_t leader = leader_of(w);
        ask(w, of(NODE_REMOVE, leader));
        reach(w);
        assert_true(w->nodes[leader].removed);
        assert_int_not_equal(leader_of(w), leader);
        assert_int_equal(voters_of(w), 2);
        assert_int_equal(w->nodes[leader].failed_by, 0);
        world_write(w, leader_of(w), 2);
        world_release(w);
    }
}

/* The only voter goes, and its successor is the only one. */
static void test_last_voter_replaced(void **state)
{
    struct world *w = &world;

    UNUSED(state);
    begin(w, 1, 50);
    struct node_change r = add(1);
    r.kind = NODE_REPLACE;
    r.id = 0;
    assert_int_equal(ask(w, r), 1);
    join(w, 1);
    reach(w);
    assert_int_equal(leader_of(w), 1);
    assert_true(w->nodes[0].removed);
    assert_int_equal(members_at(w, 1)->count, 1);
    world_write(w, 1, 2);
    world_release(w);
}

/* Leaders die in between: whoever leads goes on. */
static void test_leaders_die_meanwhile(void **state)
{
    struct world *w = &world;

    UNUSED(state);
    for (uint64_t seed = 60; seed < 72; seed++) {
        begin(w, 3, seed);
        assert_int_equal(ask(w, add(3)), 3);
        join(w, 3);
        assert_int_equal(ask(w, add(4)), 4);
        join(w, 4);
        ask(w, of(NODE_REMOVE, (node_id)(seed % 3)));
        for (int i = 0; i < 6; i++) {
            world_run(w, 10 + (uint32_t)rng_below(&w->rng, 120));
            int leader = world_leader(w);
            if (leader < 0 || w->nodes[leader].removed)
                continue;
            world_crash(w, (uint32_t)leader);
            world_run(w, (uint32_t)rng_below(&w->rng, 200));
            world_start(w, (uint32_t)leader);
        }
        reach(w);
        assert_int_equal(voters_of(w), 4);
        assert_null(role_at(w, leader_of(w), (node_id)(seed % 3)));
        assert_string_equal(role_at(w, leader_of(w), 3), "voter");
        assert_string_equal(role_at(w, leader_of(w), 4), "voter");
        world_write(w, leader_of(w), 2);
        world_release(w);
    }
}

/* A learner that has not caught up gets no vote, and it is said why. */
static void test_promotion_waits(void **state)
{
    struct world *w = &world;
    struct node_change_status st;

    UNUSED(state);
    begin(w, 3, 80);
    assert_int_equal(ask(w, add(3)), 3);
    turns_until_role(w, 3, "learner");
    world_run(w, 500);
    node_change_status(w->nodes[leader_of(w)].node, &st);
    assert_string_equal(st.next, "node 3 becomes a voter");
    assert_string_equal(st.waits, "node 3 has no link");
    assert_int_equal(st.tolerates, 1);
    w->no_bulk[3] = true; /* nothing but heartbeats reaches it */
    join(w, 3);
    world_run(w, 2000);
    node_change_status(w->nodes[leader_of(w)].node, &st);
    assert_non_null(strstr(st.waits, "entries behind"));
    assert_string_equal(role_at(w, leader_of(w), 3), "learner");
    w->no_bulk[3] = false;
    reach(w);
    assert_string_equal(role_at(w, leader_of(w), 3), "voter");
    world_release(w);
}

/* An observer stays one, counts for nothing, and serves reads. */
static void test_observer(void **state)
{
    struct world *w = &world;

    UNUSED(state);
    begin(w, 3, 90);
    struct node_change a = add(3);
    a.learner = true;
    assert_int_equal(ask(w, a), 3);
    join(w, 3);
    reach(w);
    assert_string_equal(role_at(w, leader_of(w), 3), "learner");
    assert_int_equal(voters_of(w), 3);
    struct world_client *tc = world_client_new(w, 3);
    tc->read_key = "k";
    assert_int_equal(node_read(tc->home->node, tc), 0);
    for (int i = 0; i < TURNS_MAX && tc->reads_ready == 0; i++)
        world_turn(w);
    assert_int_equal(tc->read_error, 0);
    assert_true(bytes_eq(buf_view(&tc->out), BYTES_LIT("$3\r\nxxx\r\n")));
    world_write(w, 3, 2); /* its clients write, too */
    /* Of the voters one is left with it: no majority. */
    uint32_t leader = leader_of(w);
    for (uint32_t i = 0; i < 3; i++)
        if (i != leader)
            world_crash_keep(w, i, 100);
    raft_index before = w->nodes[leader].node->raft.commit;
    struct world_client *lost = world_client_new(w, leader);
    (void)world_submit(lost, "append k x");
    world_run(w, 1000);
    assert_int_equal(w->nodes[leader].node->raft.commit, before);
    world_release(w);
}

static void test_promote_and_demote(void **state)
{
    struct world *w = &world;

    UNUSED(state);
    begin(w, 3, 100);
    uint32_t leader = leader_of(w);
    uint32_t other = (leader + 1) % 3;
    ask(w, of(NODE_DEMOTE, other));
    reach(w);
    assert_string_equal(role_at(w, leader_of(w), other), "learner");
    assert_int_equal(voters_of(w), 2);
    ask(w, of(NODE_PROMOTE, other));
    reach(w);
    assert_string_equal(role_at(w, leader_of(w), other), "voter");
    leader = leader_of(w); /* itself */
    ask(w, of(NODE_DEMOTE, leader));
    reach(w);
    assert_int_not_equal(leader_of(w), leader);
    assert_string_equal(role_at(w, leader_of(w), leader), "learner");
    assert_false(w->nodes[leader].removed);
    world_write(w, leader, 2);
    world_release(w);
}

/* One that was down when it was removed is no member, and does no harm when it
 * comes back; its id can be given to a new directory. */
static void test_removed_while_down(void **state)
{
    struct world *w = &world;

    UNUSED(state);
    begin(w, 3, 110);
    uint32_t gone = (leader_of(w) + 1) % 3;
    world_crash_keep(w, gone, 100);
    ask(w, of(NODE_REMOVE, gone));
    reach(w);
    assert_null(role_at(w, leader_of(w), gone));
    raft_term term = w->nodes[leader_of(w)].node->raft.term;
    world_start(w, gone);
    world_run(w, 3000);
    assert_int_equal(w->nodes[leader_of(w)].node->raft.term, term);
    struct world_client *tc = world_client_new(w, gone);
    assert_int_equal(node_receive(w->nodes[leader_of(w)].node, gone,
                                  FRAME_FORWARD, BYTES_LIT("requests")),
                     ERR_MISMATCH);
    (void)world_submit(tc, "append k y"); /* nobody takes it */
    world_run(w, 1000);
    assert_int_equal(tc->answered, 0);
    world_wipe(w, gone);
    assert_int_equal(ask(w, add(gone)), gone);
    join(w, gone);
    assert_true(w->nodes[gone].incarnation >> 32 > 0); /* the next life */
    reach(w);
    assert_string_equal(role_at(w, leader_of(w), gone), "voter");
    world_write(w, gone, 2);
    world_release(w);
}

/* A member that never spoke is removed, and its id is added again: whatever has
 * begun with the first life in the meantime must not be taken for it. */
static void test_next_life(void **state)
{
    struct world *w = &world;

    UNUSED(state);
    begin(w, 3, 115);
    for (uint32_t life = 0; life < 3; life++) {
        assert_int_equal(ask(w, add(3)), 3);
        turns_until_role(w, 3, "learner");
        assert_int_equal(
            configuration_find(members_at(w, leader_of(w)), 3)->life, life);
        ask(w, of(NODE_REMOVE, 3));
        reach(w);
    }
    world_release(w);
}

/* The directory of a member that was removed is refused forever. */
static void test_removed_directory(void **state)
{
    struct world *w = &world;
    struct buf error = BUF_INIT;
    struct node *n = NULL;

    UNUSED(state);
    begin(w, 3, 120);
    uint32_t gone = (leader_of(w) + 1) % 3;
    ask(w, of(NODE_REMOVE, gone));
    reach(w);
    assert_true(w->nodes[gone].removed);
    assert_non_null(strstr(w->nodes[gone].failure, "was removed from the "
                                                   "cluster by entry"));
    struct world_boot how = {.options = world_options(gone, WORLD_NODES)};
    how.disk = &w->nodes[gone].disk;
    how.env = world_env(&w->nodes[gone]);
    for (int i = 0; i < 2; i++) {
        buf_reset(&error);
        how.life = i == 1 ? 9 : 0;
        assert_int_equal(world_boot(&n, &how, &error), ERR_MISMATCH);
        buf_u8(&error, '\0');
        assert_non_null(strstr((const char *)error.data,
                               "its data directory is not used again"));
    }
    buf_release(&error);
    world_release(w);
}

static void test_moves(void **state)
{
    struct world *w = &world;

    UNUSED(state);
    begin(w, 3, 130);
    struct node_change m = of(NODE_MOVE, 1);
    m.peer_address = "host-b.example:7001";
    ask(w, m);
    reach(w);
    world_wait_applied(w, 0, world_applied(w, leader_of(w)));
    for (uint32_t i = 0; i < 3; i++) {
        const struct member *is = configuration_find(members_at(w, i), 1);
        assert_string_equal(is->peer_address, "host-b.example:7001");
        assert_string_equal(is->client_address, "");
    }
    /* What it says of itself later is taken; of another directory it is not. */
    struct node *n = w->nodes[leader_of(w)].node;
    node_id moved = (leader_of(w) + 1) % 3;
    node_greeted(n, moved, (struct directory_id){1, 2}, "[::1]:7002", "");
    reach(w);
    assert_string_equal(
        configuration_find(members_at(w, leader_of(w)), moved)->peer_address,
        "[::1]:7002");
    world_release(w);
}

/* What would lose the quorum is refused with its numbers, and FORCE waits for
 * it. */
static void test_safe_removal(void **state)
{
    struct world *w = &world;
    char text[300];
    struct node_change_status st;

    UNUSED(state);
    begin(w, 3, 140);
    uint32_t leader = leader_of(w);
    uint32_t down = (leader + 1) % 3;
    uint32_t up = (leader + 2) % 3;
    world_crash_keep(w, down, 100);
    snprintf(text, sizeof(text),
             "without node %u there are 2 voters, of which 1 are up and have "
             "caught up, and 2 are needed: start the others first, or insist "
             "with FORCE",
             up);
    refused(w, of(NODE_REMOVE, up), text);
    refused(w, of(NODE_DEMOTE, up), text);
    struct node_change f = of(NODE_REMOVE, up);
    f.force = true;
    ask(w, f);
    world_run(w, 1000);
    node_change_status(w->nodes[leader_of(w)].node, &st);
    assert_string_equal(st.waits, "of the 2 voters that are wanted, 1 are up "
                                  "and have caught up, and 2 are needed");
    assert_int_equal(st.tolerates, 0);
    world_write(w, leader_of(w), 1); /* the cluster goes on */
    world_start(w, down);
    reach(w);
    assert_true(w->nodes[up].removed);
    assert_int_equal(voters_of(w), 2);
    world_release(w);
    /* The dead one can be removed at any time. */
    begin(w, 3, 141);
    down = (leader_of(w) + 1) % 3;
    world_crash_keep(w, down, 100);
    ask(w, of(NODE_REMOVE, down));
    reach(w);
    assert_int_equal(voters_of(w), 2);
    world_release(w);
}

static void test_bad_input(void **state)
{
    struct world *w = &world;
    char long_host[200];

    UNUSED(state);
    begin(w, 3, 150);
    refused(w, add(1), "node 1 is a member already (see RAFT MEMBERS)");
    refused(w, of(NODE_REMOVE, 7), "node 7 is no member (see RAFT MEMBERS)");
    refused(w, of(NODE_PROMOTE, 7), "node 7 is no member (see RAFT MEMBERS)");
    refused(w, of(NODE_DEMOTE, 7), "node 7 is no member (see RAFT MEMBERS)");
    refused(w, of(NODE_MOVE, 7), "node 7 is no member (see RAFT MEMBERS)");
    refused(w, of(NODE_REPLACE, 7), "node 7 is no member (see RAFT MEMBERS)");
    refused(w, of(NODE_PROMOTE, 1), "node 1 votes already, or is about to");
    refused(w, of(NODE_ADD, 5),
            "say where the new member can be reached: HOST:PORT");
    refused(w, of(NODE_REPLACE, 1),
            "say where the new member can be reached: HOST:PORT");
    refused(w, of(NODE_MOVE, 1), "say where node 1 can be reached: HOST:PORT");
    memset(long_host, 'h', sizeof(long_host));
    memcpy(long_host + 150, ":7000", 6);
    const char *bad[] = {"host",      "host:",      ":7000",      "host:0",
                         "host:x",    "host:65536", "ho st:7000", "host:-1",
                         "h\xc3:700", long_host,    "host:7000x"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct node_change a = add(5);
        a.peer_address = bad[i];
        refused(w, a, "an address is HOST:PORT, of at most 127 characters");
        a = add(5);
        a.client_address = bad[i];
        refused(w, a, "an address is HOST:PORT, of at most 127 characters");
    }
    struct node_change same = add(5);
    same.client_address = same.peer_address;
    refused(w, same,
            "the address for nodes and the one for clients are the same: give "
            "two ports");
    assert_int_equal(w->nodes[leader_of(w)].node->driver.desired.count, 0);
    assert_int_equal(members_at(w, leader_of(w))->count, 3);
    /* Of members with addresses. */
    ask(w, add(5));
    struct node_change twice = add(6);
    twice.peer_address = peer_text(5);
    refused(w, twice,
            "10.0.0.5:7000 is the address of node 5: give another one");
    twice = add(6);
    twice.client_address = peer_text(5);
    refused(w, twice,
            "10.0.0.5:7000 is the address of node 5: give another one");
    struct node_change m = of(NODE_MOVE, 1);
    m.peer_address = client_text(5);
    refused(w, m, "10.0.0.5:6379 is the address of node 5: give another one");
    turns_until_role(w, 5, "learner");
    m = of(NODE_MOVE, 5);
    m.peer_address = peer_text(5);
    refused(w, m, "that is the address of node 5 already");
    ask(w, of(NODE_DEMOTE, 5)); /* it is to be no voter after all */
    refused(w, of(NODE_DEMOTE, 5),
            "node 5 is a learner already, or is about to be");
    for (node_id id = 6; id < 11; id++)
        ask(w, add(id));
    refused(w, add(11), "a cluster has at most 9 members: remove one first");
    world_release(w);
}

static void test_last_voter_stays(void **state)
{
    struct world *w = &world;

    UNUSED(state);
    begin(w, 1, 160);
    const char *text = "node 0 is the last voter: add another member first, "
                       "or use RAFT REPLACE";
    refused(w, of(NODE_REMOVE, 0), text);
    refused(w, of(NODE_DEMOTE, 0), text);
    struct node_change f = of(NODE_REMOVE, 0);
    f.force = true;
    refused(w, f, text);
    struct node_change a = add(1);
    a.learner = true;
    assert_int_equal(ask(w, a), 1);
    refused(w, f, text);
    world_release(w);
}

/* Ids that nobody has had; two at the same time; those who do not lead. */
static void test_requests(void **state)
{
    struct world *w = &world;
    struct node_change_request r;
    struct buf why = BUF_INIT;

    UNUSED(state);
    begin(w, 3, 170);
    struct node_change a = add(5);
    a.id = NODE_NONE;
    assert_int_equal(ask(w, a), 3);
    struct node_change b = add(6);
    assert_string_equal(judge(w, &b, &r), "");
    struct buf record = BUF_INIT; /* as the other node's clients have it */
    buf_bytes(&record, r.argv[2]);
    ask(w, of(NODE_REMOVE, 3));
    r.argv[2] = buf_view(&record);
    assert_string_equal(submit(w, &r), "-TRYAGAIN the members were changed "
                                       "meanwhile; nothing was done\r\n");
    buf_release(&record);
    reach(w);
    assert_int_equal(members_at(w, leader_of(w))->count, 3);
    uint32_t other = (leader_of(w) + 1) % 3;
    assert_int_equal(node_change_members(w->nodes[other].node, &b, &r, &why),
                     ERR_NO_LEADER);
    assert_int_equal(why.len, 0);
    world_release(w);
}

/* What is in the row and is none is ignored. */
static void test_row_that_is_none(void **state)
{
    struct world *w = &world;

    UNUSED(state);
    begin(w, 3, 180);
    struct node_change_request r = {{BYTES_LIT("vard.members"), BYTES_LIT("0"),
                                     BYTES_LIT("nonsense"), BYTES_LIT("0")},
                                    "",
                                    ""};
    assert_string_equal(submit(w, &r), "+OK\r\n");
    reach(w);
    assert_int_equal(members_at(w, leader_of(w))->count, 3);
    assert_int_equal(ask(w, add(3)), 3); /* and can be replaced */
    turns_until_role(w, 3, "learner");
    world_release(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grows_and_shrinks),
        cmocka_unit_test(test_replaces_a_dead_voter),
        cmocka_unit_test(test_leader_removed),
        cmocka_unit_test(test_last_voter_replaced),
        cmocka_unit_test(test_leaders_die_meanwhile),
        cmocka_unit_test(test_promotion_waits),
        cmocka_unit_test(test_observer),
        cmocka_unit_test(test_promote_and_demote),
        cmocka_unit_test(test_removed_while_down),
        cmocka_unit_test(test_next_life),
        cmocka_unit_test(test_removed_directory),
        cmocka_unit_test(test_moves),
        cmocka_unit_test(test_safe_removal),
        cmocka_unit_test(test_bad_input),
        cmocka_unit_test(test_last_voter_stays),
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_row_that_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
