/*
 * Members that come, move and leave while the node runs, as its configuration
 * says, and those that are no members here and are heard, or told so.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "fixture.h"

/* The node has this configuration now: the members up to `count`, at these
 * addresses (NULL: it does not say). */
static void tell_at(struct cluster *c, node_id at, node_id count,
                    const char *const *addresses, raft_index index)
{
    static const node_id ids[] = {1, 2, 3};
    struct configuration conf;
    memset(&conf, 0, sizeof(conf));
    configuration_of(&conf, ids, count);
    for (node_id i = 0; i < count; i++) {
        struct member *m = &conf.members[i];
        const char *text = addresses[i] != NULL ? addresses[i] : "";
        assert_true(
            member_set_text(m->peer_address, sizeof(m->peer_address), text));
    }
    struct node *n = &c->nodes[at];
    n->transport.members(n->transport.ctx, &conf, index);
    for (node_id id = 1; id <= CLUSTER_NODES; id++) {
        n->no_member[id] = id > count;
        n->facts[id].granted_at = index;
        n->facts[id].committed = true;
    }
}

static void tell(struct cluster *c, node_id at, node_id count, raft_index index)
{
    const char *const addresses[] = {c->addresses[1], c->addresses[2],
                                     c->addresses[3]};
    tell_at(c, at, count, addresses, index);
}

static bool one_and_three_are_linked(struct cluster *c)
{
    return c->nodes[1].is_up[3] && c->nodes[3].is_up[1];
}

static bool three_is_forgotten(struct cluster *c)
{
    return peers_find(c->nodes[1].peers, 3) == NULL;
}

static bool watched_told(struct cluster *c)
{
    return c->nodes[c->watched].told[1] == (enum greeting_verdict)c->wanted;
}

static void run_until_told(struct cluster *c, node_id at,
                           enum greeting_verdict verdict)
{
    c->watched = at;
    c->wanted = (size_t)verdict;
    run_until(c, watched_told);
}

/* The time to leave is over now. */
static void hurry_leaving(struct cluster *c, node_id at, node_id who)
{
    struct peer *peer = peer_in(c, at, who);
    assert_true(peer->left);
    assert_true(peer->leaves.impl != NULL);
    loop_timer_start(c->loop, &peer->leaves, 0);
}

static void a_member_comes(void **state)
{
    struct cluster *c = *state;
    node_start(c, 1, 3);
    node_start(c, 2, 5);
    run_until(c, all_up);
    int ups = c->nodes[1].ups[2];
    tell(c, 1, 3, 7);
    tell(c, 2, 3, 7);
    c->member_count = 3;
    node_start(c, 3, 2);
    tell(c, 3, 3, 7);
    run_until(c, all_up);
    assert_int_equal(c->nodes[1].ups[2], ups); /* that link has stood */
    assert_int_equal(c->nodes[1].downs[2], 0);
    static uint8_t zeros[5 * PEER_EARLY_BYTES_MAX];
    for (node_id id = 1; id <= 3; id++) {
        for (node_id to = 1; to <= 3; to++) {
            if (to != id)
                assert_int_equal(send_to(&c->nodes[id], to, TRANSPORT_BULK,
                                         bytes_of(zeros, sizeof(zeros)),
                                         BYTES_NONE),
                                 0);
        }
    }
    for (node_id id = 1; id <= 3; id++)
        run_until_received(c, id, 2);
}

static void a_member_leaves(void **state)
{
    struct cluster *c = *state;
    c->member_count = 3;
    for (node_id id = 1; id <= 3; id++)
        node_start(c, id, 4);
    run_until(c, all_up);
    tell(c, 1, 2, 9);
    run_for(c, 100);
    assert_true(c->nodes[1].is_up[3]); /* it has time to hear of it */
    assert_int_equal(send_to(&c->nodes[1], 3, TRANSPORT_CONTROL,
                             BYTES_LIT("farewell"), BYTES_NONE),
                     0);
    run_until_received(c, 3, 1);
    hurry_leaving(c, 1, 3);
    run_until(c, three_is_forgotten);
    assert_int_equal(c->nodes[1].downs[3], 1);
    assert_int_equal(c->nodes[1].downs[2], 0);
    run_until_told(c, 3, GREETING_REMOVED);
    assert_int_equal(c->nodes[3].greeting[1].replaced_at, 9);
    assert_int_equal(c->nodes[1].ups[3], 1);
    assert_int_equal(send_to(&c->nodes[1], 3, TRANSPORT_CONTROL,
                             BYTES_LIT("more"), BYTES_NONE),
                     ERR_CLOSED);
}

/* Members 2 and 3 both, the first of them and the last. */
static void each_member_may_leave(void **state)
{
    struct cluster *c = *state;
    static const node_id rest[2][2] = {{1, 2}, {1, 3}};
    c->member_count = 3;
    node_start(c, 1, 4);
    struct node *n = &c->nodes[1];
    for (raft_index i = 0; i < 4; i++) {
        struct configuration conf;
        memset(&conf, 0, sizeof(conf));
        configuration_of(&conf, rest[i % 2], 2);
        n->transport.members(n->transport.ctx, &conf, 9 + i);
        run_for(c, 20);
        assert_int_equal(peer_in(c, 1, 2)->left, i % 2 == 1);
        assert_int_equal(peer_in(c, 1, 3)->left, i % 2 == 0);
        assert_int_equal(n->peers->member_count, 2);
    }
}

/* What the log says counts more than the node lines. */
static void node_lines_count_until_then(void **state)
{
    struct cluster *c = *state;
    node_start(c, 1, 4);
    struct greeting *g = &c->nodes[1].peers->greeting;
    uint64_t members = g->members;
    tell(c, 1, 2, 0);
    assert_true(members != 0 && g->members == members);
    assert_int_equal(g->members_at, 0);
    tell(c, 1, 2, 1);
    assert_int_equal(g->members, 0);
    assert_int_equal(g->members_at, 1);
}

/* What is no address is not dialed, and the log says so. */
static void a_wrong_address_is_told(void **state)
{
    static const char *const wrong[] = {NULL, "nowhere"};
    static const char *const right[] = {NULL, "192.0.2.1:1"};
    static const char *const none[] = {NULL, NULL};
    static const char text[] =
        "its address in the configuration, 'nowhere', is none";
    struct cluster *c = *state;
    node_start(c, 1, 3);
    struct peer *two = peer_in(c, 1, 2);
    for (raft_index i = 0; i < 3; i++) {
        two->complained_at_ms = 0;
        tell_at(c, 1, 2, i == 0 ? right : i == 1 ? wrong : none, 6 + i);
        run_for(c, 20);
        assert_int_equal(lines_with(&c->nodes[1], text), i > 0);
        const char *at = two->places[PLACE_MEMBERS];
        assert_string_equal(at != NULL ? at : "", i < 2 ? "192.0.2.1:1" : "");
    }
}

/* The same address once more is no other one. */
static void the_same_address_is_no_news(void **state)
{
    struct cluster *c = *state;
    node_start(c, 1, 3);
    struct peer *two = peer_in(c, 1, 2);
    assert_true(peer_place_set(two, PLACE_MEMBERS, "192.0.2.1:1"));
    assert_int_equal(lines_with(&c->nodes[1], "dialed there from now on"), 1);
    two->nth = 7;
    assert_true(peer_place_set(two, PLACE_MEMBERS, "192.0.2.1:1"));
    assert_true(peer_place_set(two, PLACE_TOLD, NULL));
    assert_int_equal(two->nth, 7);
    assert_true(peer_place_set(two, PLACE_MEMBERS, NULL));
    assert_int_equal(two->nth, 0);
    assert_string_equal(two->address, c->addresses[2]);
    assert_int_equal(lines_with(&c->nodes[1], "dialed there from now on"), 2);
    assert_true(peer_place_set(two, PLACE_SEED, NULL));
    assert_string_equal(two->address, "");
    assert_int_equal(two->place, PLACE_SEED);
    assert_true(peer_place_set(two, PLACE_MEMBERS, "192.0.2.2:1"));
    assert_int_equal(lines_with(&c->nodes[1], "dialed there from now on"), 3);
}

/* Attempts that fail go round all places that differ. */
static void places_take_turns(void **state)
{
    struct cluster *c = *state;
    node_start(c, 1, 3);
    struct peer *two = peer_in(c, 1, 2);
    peer_place_next(two); /* there is no other */
    assert_string_equal(two->address, c->addresses[2]);
    assert_int_equal(two->nth, 1);
    assert_true(peer_place_set(two, PLACE_MEMBERS, "192.0.2.1:1"));
    assert_true(peer_place_set(two, PLACE_TOLD, "192.0.2.2:1"));
    assert_int_equal(two->place, PLACE_TOLD);
    for (uint32_t i = 0; i < 2; i++) {
        peer_place_next(two);
        assert_int_equal(two->place, PLACE_SEED);
        peer_place_next(two);
        assert_int_equal(two->place, PLACE_MEMBERS);
        peer_place_next(two);
        assert_int_equal(two->place, PLACE_TOLD);
        assert_string_equal(two->address, "192.0.2.2:1");
        assert_int_equal(two->nth, 3 * i + 3);
    }
    assert_true(peer_place_set(two, PLACE_SEED, "192.0.2.2:1"));
    assert_int_equal(two->place, PLACE_TOLD);
    peer_place_next(two); /* where it has just been is not tried again */
    assert_int_equal(two->place, PLACE_MEMBERS);
    /* A configuration is newer than what it has told, unless it says nothing.
     */
    assert_true(peer_place_set(two, PLACE_MEMBERS, NULL));
    assert_string_equal(two->places[PLACE_TOLD], "192.0.2.2:1");
    assert_true(peer_place_set(two, PLACE_MEMBERS, "192.0.2.3:1"));
    assert_null(two->places[PLACE_TOLD]);
    /* What it says first counts, if the configuration says something else. */
    assert_null(two->told_first);
    peer_place_told(two, "192.0.2.3:1");
    assert_null(two->places[PLACE_TOLD]);
    assert_string_equal(two->told_first, "192.0.2.3:1");
    mem_free(two->told_first);
    two->told_first = NULL;
    peer_place_told(two, "192.0.2.4:1");
    assert_string_equal(two->places[PLACE_TOLD], "192.0.2.4:1");
}

/* It is one again before its link has ended. */
static void a_member_stays(void **state)
{
    struct cluster *c = *state;
    c->member_count = 3;
    for (node_id id = 1; id <= 3; id++)
        node_start(c, id, 4);
    run_until(c, all_up);
    tell(c, 1, 2, 9);
    run_for(c, 50);
    assert_true(peer_in(c, 1, 3)->left);
    tell(c, 1, 3, 8); /* the entry was truncated */
    run_for(c, 50);
    assert_false(peer_in(c, 1, 3)->left);
    assert_null(peer_in(c, 1, 3)->leaves.impl);
    for (node_id id = 1; id <= 3; id++)
        assert_int_equal(c->nodes[1].downs[id], 0);
}

/* Nobody is left but the node itself. */
static void all_leave(void **state)
{
    struct cluster *c = *state;
    c->member_count = 3;
    node_start(c, 1, 4);
    node_start(c, 3, 4);
    run_until(c, one_and_three_are_linked);
    tell(c, 1, 1, 9);
    run_for(c, 50);
    hurry_leaving(c, 1, 3);
    hurry_leaving(c, 1, 2);
    run_until(c, three_is_forgotten);
    run_for(c, 20);
    assert_int_equal(c->nodes[1].peers->member_count, 0);
    struct peer_info info;
    assert_false(peers_info(c->nodes[1].peers, 0, &info));
}

/* The configuration says another address: the next attempt goes there. */
static void an_address_changes(void **state)
{
    struct cluster *c = *state;
    node_start(c, 1, 3);
    node_start(c, 2, 5);
    run_until(c, all_up);
    const char *const moved[] = {c->addresses[1], c->addresses[3]};
    tell_at(c, 1, 2, moved, 6);
    run_for(c, 50);
    assert_true(c->nodes[1].is_up[2]); /* what works is not touched */
    assert_string_equal(peer_in(c, 1, 2)->address, c->addresses[3]);
    node_stop(c, 2);
    run_until(c, one_sees_two_down);
    struct peers_options o = node_options(c, 2, 6);
    o.listen_address = c->addresses[3];
    node_start_with(c, &o);
    run_until(c, all_up);
}

/* It goes round: the one in the configuration is wrong, the node line is not.
 */
static void a_seed_is_better_than_nothing(void **state)
{
    struct cluster *c = *state;
    node_start(c, 1, 3);
    const char *const wrong[] = {c->addresses[1], c->addresses[3]};
    tell_at(c, 1, 2, wrong, 6);
    run_for(c, 50);
    node_start(c, 2, 5);
    run_until(c, all_up);
    assert_string_equal(peer_in(c, 1, 2)->address, c->addresses[2]);
}

/* Nobody has told: it comes back somewhere else, and says where. */
static void a_member_moves(void **state)
{
    struct cluster *c = *state;
    node_start(c, 1, 3);
    node_start(c, 2, 5);
    run_until(c, all_up);
    node_stop(c, 2);
    run_until(c, one_sees_two_down);
    struct peers_options o = node_options(c, 2, 6);
    o.listen_address = c->addresses[3];
    node_start_with(c, &o);
    run_until(c, all_up);
    assert_string_equal(peer_in(c, 1, 2)->address, c->addresses[3]);
    assert_string_equal(c->nodes[1].greeting[2].peer_address, c->addresses[3]);
    node_stop(c, 2); /* and goes home */
    run_until(c, one_sees_two_down);
    node_start(c, 2, 7);
    run_until(c, all_up);
}

/* Others reach it at another address than it knows of: that is no move. */
static void another_name_is_no_move(void **state)
{
    struct cluster *c = *state;
    node_start(c, 1, 3);
    for (int i = 0; i < 3; i++)
        peer_place_told(peer_in(c, 1, 2), "192.0.2.1:1");
    assert_string_equal(peer_in(c, 1, 2)->address, c->addresses[2]);
    peer_place_told(peer_in(c, 1, 2), "192.0.2.2:1");
    assert_string_equal(peer_in(c, 1, 2)->address, "192.0.2.2:1");
    peer_place_told(peer_in(c, 1, 2), "nonsense");
    peer_place_told(peer_in(c, 1, 2), "");
    assert_string_equal(peer_in(c, 1, 2)->address, "192.0.2.2:1");
}

/* In the configuration without an address, and in no node line: it says it. */
static void who_is_nowhere_says_where(void **state)
{
    static const char *const none[] = {NULL, NULL, NULL};
    struct cluster *c = *state;
    node_start(c, 1, 3);
    tell_at(c, 1, 3, none, 6);
    run_until_logged(c, 1, "nobody has said where it is yet");
    c->member_count = 3;
    node_start(c, 3, 2);
    tell_at(c, 3, 3, none, 6);
    run_until(c, one_and_three_are_linked);
    assert_string_equal(peer_in(c, 1, 3)->address, c->addresses[3]);
}

/* --- who is no member here ------------------------------------------------ */

/* Node 1 has entry 6, and node 3 is none in it; node 3 has entry `index`. */
static void meet_three(struct cluster *c, raft_index index, bool committed)
{
    node_start(c, 1, 3);
    tell(c, 1, 2, 6);
    c->nodes[1].facts[3].committed = committed;
    c->member_count = 3;
    node_start(c, 3, 2);
    tell(c, 3, 3, index);
}

static void a_candidate_is_heard(void **state)
{
    struct cluster *c = *state;
    meet_three(c, 7, true);
    run_until(c, one_and_three_are_linked);
    char line[256];
    snprintf(line, sizeof(line),
             "* peer 3 (%s): it is no member here, but has a newer "
             "configuration, of entry 7: it is heard\n",
             c->addresses[3]);
    assert_int_equal(lines_with(&c->nodes[1], line), 1);
    assert_true(peer_in(c, 1, 3)->left);
    tell(c, 1, 3, 7); /* and is a member */
    run_for(c, 50);
    assert_false(peer_in(c, 1, 3)->left);
    assert_int_equal(c->nodes[1].downs[3], 0);
}

static void a_candidate_is_not_heard_for_ever(void **state)
{
    struct cluster *c = *state;
    meet_three(c, 7, true);
    run_until(c, one_and_three_are_linked);
    hurry_leaving(c, 1, 3);
    run_until(c, three_is_forgotten);
    assert_int_equal(c->nodes[1].downs[3], 1);
}

/* It may be a candidate, but nobody could reach it: it is not told that it was
 * removed. */
static void who_is_nowhere_is_not_heard(void **state)
{
    struct cluster *c = *state;
    node_start(c, 1, 3);
    tell(c, 1, 2, 6);
    c->member_count = 3;
    struct peers_options o = node_options(c, 3, 2);
    o.listen_address = NULL;
    node_start_with(c, &o);
    tell(c, 3, 3, 7);
    run_until_logged(c, 1,
                     " refused: too many that are no members, or it does not "
                     "say where it is\n");
    run_until_logged(c, 3, "it does not let this node in yet");
    assert_int_equal(c->nodes[3].told[1], GREETING_WELCOME); /* nothing */
    assert_true(three_is_forgotten(c));
}

static void who_was_removed_is_told(void **state)
{
    for (raft_index index = 5; index <= 6; index++) {
        struct cluster *c = *state;
        meet_three(c, index, true);
        run_until_told(c, 3, GREETING_REMOVED);
        assert_int_equal(c->nodes[3].greeting[1].replaced_at, 6);
        run_until_logged(c, 1, "member 3 is none since entry 6");
        assert_int_equal(c->nodes[1].ups[3], 0);
        assert_true(three_is_forgotten(c));
        node_stop(c, 1);
        node_stop(c, 3);
        c->nodes[3].told[1] = GREETING_WELCOME;
        c->member_count = 2;
    }
}

/* What is not committed may be undone: nobody is told anything by it. */
static void who_may_be_removed_waits(void **state)
{
    struct cluster *c = *state;
    meet_three(c, 5, false);
    run_until_logged(c, 1, "member 3 is not in our configuration");
    run_for(c, 100);
    assert_int_equal(c->nodes[3].told[1], GREETING_WELCOME); /* nothing */
    assert_int_equal(c->nodes[1].ups[3], 0);
}

/* The secret first: a stranger without it is nobody. */
static void a_stranger_needs_the_secret(void **state)
{
    struct cluster *c = *state;
    struct peers_options o = node_options(c, 1, 3);
    o.secret = "one";
    node_start_with(c, &o);
    tell(c, 1, 2, 6);
    c->member_count = 3;
    o = node_options(c, 3, 2);
    o.secret = "another";
    node_start_with(c, &o);
    tell(c, 3, 3, 7);
    run_until_logged(c, 1, "its proof is wrong");
    run_for(c, 100);
    assert_true(three_is_forgotten(c));
    assert_int_equal(c->nodes[3].ups[1], 0);
}

static void of_another_cluster_is_not_heard(void **state)
{
    struct cluster *c = *state;
    node_start(c, 1, 3);
    tell(c, 1, 2, 6);
    c->member_count = 3;
    struct peers_options o = node_options(c, 3, 2);
    o.cluster_id++;
    node_start_with(c, &o);
    tell(c, 3, 3, 7);
    run_until_logged(c, 1, "it belongs to another cluster");
    run_for(c, 100);
    assert_true(three_is_forgotten(c));
}

/* There is room for so many. */
static void strangers_are_bounded(void **state)
{
    struct cluster *c = *state;
    struct greeting g = {.peer_address = "127.0.0.1:1", .members_at = 9};
    node_start(c, 1, 3);
    struct peers *p = c->nodes[1].peers;
    node_id id = 10;
    for (; id < 10 + RAFT_NODES_MAX; id++)
        assert_non_null(peers_add_stranger(p, id, &g));
    assert_null(peers_add_stranger(p, id, &g));
    memset(g.peer_address, 0, sizeof(g.peer_address));
    peer_in(c, 1, 10)->left = false;
    assert_null(peers_add_stranger(p, id, &g)); /* it does not say where */
    peer_in(c, 1, 10)->left = true;
    /* A whole configuration has room beside them. */
    struct configuration conf;
    node_id ids[RAFT_NODES_MAX];
    for (node_id i = 0; i < RAFT_NODES_MAX; i++)
        ids[i] = 100 + i;
    configuration_of(&conf, ids, RAFT_NODES_MAX);
    for (int i = 0; i < 3; i++) {
        c->nodes[1].transport.members(p, &conf, (raft_index)(20 + i));
        run_for(c, 20);
        assert_non_null(peers_find(p, conf.members[0].id));
        for (uint32_t m = 0; m < conf.count; m++)
            conf.members[m].id += 100;
    }
    assert_true(p->member_count <= PEERS_MAX);
    /* Of many that leave some go at once, and nobody else: of those that the
     * last configuration had, and those it does not have. */
    for (uint32_t m = 0; m < conf.count; m++)
        conf.members[m].id -= 100;
    assert_non_null(peers_find(p, conf.members[0].id));
    size_t left = 0;
    for (size_t i = 0; i < p->member_count; i++)
        left += p->members[i]->left;
    assert_int_equal(left, PEER_STRANGERS_MAX);
    for (uint32_t m = 0; m < conf.count; m++)
        assert_false(peers_find(p, conf.members[m].id)->left);
    conf.members[0].id = 900;
    c->nodes[1].transport.members(p, &conf, 30);
    run_for(c, 20);
    left = 0;
    for (size_t i = 0; i < p->member_count; i++)
        left += p->members[i]->left;
    assert_int_equal(left, PEER_STRANGERS_MAX);
    for (uint32_t m = 0; m < conf.count; m++)
        assert_false(peers_find(p, conf.members[m].id)->left);
}

int main(void)
{
#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, cluster_setup, cluster_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_member_comes),
        TEST(a_member_leaves),
        TEST(each_member_may_leave),
        TEST(node_lines_count_until_then),
        TEST(a_wrong_address_is_told),
        TEST(the_same_address_is_no_news),
        TEST(places_take_turns),
        TEST(a_member_stays),
        TEST(all_leave),
        TEST(an_address_changes),
        TEST(a_seed_is_better_than_nothing),
        TEST(a_member_moves),
        TEST(another_name_is_no_move),
        TEST(who_is_nowhere_says_where),
        TEST(a_candidate_is_heard),
        TEST(a_candidate_is_not_heard_for_ever),
        TEST(who_is_nowhere_is_not_heard),
        TEST(who_was_removed_is_told),
        TEST(who_may_be_removed_waits),
        TEST(a_stranger_needs_the_secret),
        TEST(of_another_cluster_is_not_heard),
        TEST(strangers_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
