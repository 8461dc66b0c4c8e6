/*
 * Addresses of members whose ids are not known (the option join): a blank node
 * asks whoever is there, and a member finds those of whom nobody has said where
 * they are. The work of peer_members.c, peer_link.c, peer_accept.c and
 * peer_place.c.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "unit/peer/fixture.h"

/* Node `id` has only its own line, and node 1's address to ask at. */
static struct peers_options seeded(struct cluster *c, node_id id,
                                   char seeds[][PEER_SEED_SIZE])
{
    struct peers_options o = node_options(c, id, 5);
    snprintf(seeds[0], PEER_SEED_SIZE, "%s", c->addresses[1]);
    o.members = &c->members[id - 1];
    o.member_count = 1;
    o.seeds = (const char(*)[PEER_SEED_SIZE])seeds;
    o.seed_count = 1;
    return o;
}

static void start_joiner(struct cluster *c, node_id id)
{
    char seeds[1][PEER_SEED_SIZE];
    struct peers_options o = seeded(c, id, seeds);
    o.cluster_id = 0;
    node_start_with(c, &o);
}

static struct admit ask_of(struct cluster *c, node_id id)
{
    struct admit ask = {
        .id = id, .directory = {id, 1}, .level_min = 1, .level_max = 1};
    assert_true(member_set_text(ask.peer_address, sizeof(ask.peer_address),
                                c->addresses[id]));
    return ask;
}

static bool watched_greeted(struct cluster *c)
{
    return c->nodes[c->watched].greetings[c->wanted] > 0;
}

static bool watched_granted(struct cluster *c)
{
    return c->nodes[c->watched].grants[1] >= (int)c->wanted;
}

/* It hears who is there, asks, and is answered by it. */
static void whoever_is_there_is_asked(void **state)
{
    struct cluster *c = *state;
    char line[256];
    node_start(c, 1, 3);
    start_joiner(c, 3);
    struct node *three = &c->nodes[3];
    c->watched = 3;
    c->wanted = 1; /* the member, which is known by its answer only */
    run_until(c, watched_greeted);
    assert_int_equal(three->grants[1], 0);
    assert_int_equal(three->told[1], GREETING_WELCOME); /* nothing yet */
    assert_int_equal(three->greeting[1].cluster_id, CLUSTER_ID);
    snprintf(line, sizeof(line), "* seed %s: ", c->addresses[1]);
    run_until_logged(c, 3, line);
    assert_int_equal(lines_with(three, "no link yet"), 0);
    struct admit ask = ask_of(c, 3);
    peers_ask(three->peers, &ask);
    run_until(c, watched_granted);
    assert_int_equal(c->nodes[1].asked.id, 3);
    assert_int_equal(three->grant[1].verdict, GRANT_GIVEN);
    assert_int_equal(three->grant[1].life, 4);
    snprintf(line, sizeof(line), "* seed %s: it lets this node in\n",
             c->addresses[1]);
    run_until_logged(c, 3, line);
    assert_int_equal(three->ups[1], 0);
    assert_int_equal(c->nodes[1].ups[3], 0);
    /* Who is asked has nothing to say about it. */
    assert_int_equal(lines_with(&c->nodes[1], "connection from"), 0);
}

/* To ask hurries all attempts, once. */
static void asking_again_does_nothing(void **state)
{
    struct cluster *c = *state;
    start_joiner(c, 3);
    struct peers *p = c->nodes[3].peers;
    struct admit ask = ask_of(c, 3);
    struct peer *seed = p->members[0];
    run_until_logged(c, 3, "Connection refused");
    seed->link.backoff_ms = 777;
    peers_ask(p, &ask);
    assert_true(p->asks);
    assert_int_equal(seed->link.backoff_ms, PEER_BACKOFF_MIN_MS);
    seed->link.backoff_ms = 777;
    ask.peer_address[0]++;
    peers_ask(p, &ask);
    assert_int_equal(seed->link.backoff_ms, 777);
    assert_string_equal(p->ask.peer_address, c->addresses[3]);
}

static bool three_knows_one(struct cluster *c)
{
    return peers_find(c->nodes[3].peers, 1) != NULL;
}

/* A member that dials it may be the leader, and becomes one that it dials; a
 * blank one has nothing to give. */
static void who_has_data_is_dialed(void **state)
{
    struct cluster *c = *state;
    c->member_count = 3;
    char nowhere[1][PEER_SEED_SIZE];
    struct peers_options o = seeded(c, 3, nowhere);
    snprintf(nowhere[0], PEER_SEED_SIZE, "127.0.0.1:1");
    o.cluster_id = 0;
    node_start_with(c, &o);
    struct peers *p = c->nodes[3].peers;
    assert_true(p->joins);
    struct peers_options two = node_options(c, 2, 5);
    two.cluster_id = 0;
    node_start_with(c, &two);
    c->watched = 3;
    c->wanted = 2;
    run_until(c, watched_greeted);
    assert_null(peers_find(p, 2));
    assert_int_equal(p->member_count, 1);
    node_start(c, 1, 3);
    run_until(c, three_knows_one);
    assert_string_equal(peer_in(c, 3, 1)->address, c->addresses[1]);
    assert_true(peer_in(c, 3, 1)->left);
    assert_null(peers_find(p, 2));
    assert_int_equal(p->member_count, 2);
    /* It has no configuration that theirs could be newer than. */
    assert_int_equal(lines_with(&c->nodes[3], "newer configuration"), 0);
    assert_int_equal(c->nodes[3].ups[1], 0);
}

static void tell(struct cluster *c, node_id at, bool addresses)
{
    static const node_id ids[] = {1, 3};
    struct configuration conf;
    memset(&conf, 0, sizeof(conf));
    configuration_of(&conf, ids, 2);
    for (uint32_t i = 0; addresses && i < 2; i++)
        assert_true(member_set_text(conf.members[i].peer_address,
                                    sizeof(conf.members[i].peer_address),
                                    c->addresses[ids[i]]));
    struct node *n = &c->nodes[at];
    n->transport.members(n->transport.ctx, &conf, 6);
    n->no_member[2] = true;
}

static bool one_and_three_are_linked(struct cluster *c)
{
    return c->nodes[1].is_up[3] && c->nodes[3].is_up[1];
}

static bool three_has_found_one(struct cluster *c)
{
    struct peer *one = peers_find(c->nodes[3].peers, 1);
    return one != NULL && one->address[0] != '\0';
}

static void start_member(struct cluster *c, bool addresses)
{
    char seeds[1][PEER_SEED_SIZE];
    struct peers_options o = seeded(c, 3, seeds);
    node_start_with(c, &o);
    assert_false(c->nodes[3].peers->joins);
    tell(c, 3, addresses);
}

/* It was let in, and nobody has said where member 1 is: it is met there. */
static void a_member_is_found(void **state)
{
    struct cluster *c = *state;
    struct peers_options o = node_options(c, 1, 3);
    o.members = c->members;
    o.member_count = 1;
    start_member(c, false);
    run_until_logged(c, 3, "Connection refused");
    assert_true(peers_seed_needed(c->nodes[3].peers));
    node_start_with(c, &o); /* it does not know node 3 */
    run_until(c, three_has_found_one);
    struct peer *one = peer_in(c, 3, 1);
    assert_string_equal(one->address, c->addresses[1]);
    assert_string_equal(one->places[PLACE_SEED], c->addresses[1]);
    assert_null(one->places[PLACE_TOLD]);
    run_until_logged(c, 3, ": member 1 is there\n");
    assert_false(peers_seed_needed(c->nodes[3].peers));
    tell(c, 1, true);
    run_until(c, one_and_three_are_linked);
    assert_int_equal(lines_with(&c->nodes[3], "newer configuration"), 0);
}

/* All are known: nobody is looked for. */
static void who_is_known_is_not_looked_for(void **state)
{
    struct cluster *c = *state;
    start_member(c, true);
    run_for(c, 20); /* the members follow in a turn of their own */
    struct peer *seed = c->nodes[3].peers->members[0];
    assert_int_equal(seed->id, NODE_NONE);
    assert_false(peers_seed_needed(c->nodes[3].peers));
    seed->link.dialed_at_ms = 0;
    for (int i = 0; i < 3; i++) {
        loop_timer_start(c->loop, &seed->link.timer, 0);
        run_for(c, 10);
        assert_int_equal(seed->link.state, LINK_WAITING);
        assert_int_equal(seed->link.dialed_at_ms, 0);
    }
    peer_place_set(peer_in(c, 3, 1), PLACE_MEMBERS, NULL);
    assert_true(peers_seed_needed(c->nodes[3].peers));
    loop_timer_start(c->loop, &seed->link.timer, 0);
    run_for(c, 10);
    assert_true(seed->link.dialed_at_ms != 0);
}

/* Whoever is met where another address is known keeps that. */
static void what_is_known_is_kept(void **state)
{
    struct cluster *c = *state;
    start_member(c, true);
    run_for(c, 20);
    struct peers *p = c->nodes[3].peers;
    struct peer seed = {
        .peers = p, .id = NODE_NONE, .met = 1, .address = "192.0.2.7:1"};
    peers_seed_met(p, &seed);
    assert_string_equal(peer_in(c, 3, 1)->address, c->addresses[1]);
    assert_null(peer_in(c, 3, 1)->places[PLACE_SEED]);
    seed.met = 77; /* nobody */
    peers_seed_met(p, &seed);
    assert_null(peers_find(p, 77));
    peer_place_set(peer_in(c, 3, 1), PLACE_MEMBERS, NULL);
    assert_int_equal(peer_in(c, 3, 1)->place, PLACE_SEED);
    seed.met = 1;
    peers_seed_met(p, &seed);
    assert_string_equal(peer_in(c, 3, 1)->address, "192.0.2.7:1");
}

/* A seed is none of the members, and does not leave with them. */
static void a_seed_stays(void **state)
{
    struct cluster *c = *state;
    start_member(c, true);
    run_for(c, 20);
    tell(c, 3, false);
    run_for(c, 20);
    struct peers *p = c->nodes[3].peers;
    assert_int_equal(p->member_count, 2);
    assert_false(p->members[0]->left);
    assert_int_equal(p->members[0]->id, NODE_NONE);
    assert_null(peers_find(p, NODE_NONE));
    assert_string_equal(p->members[0]->address, c->addresses[1]);
}

/* The greeting of who was not told who the members are says nothing of them. */
static void its_node_lines_are_not_compared(void **state)
{
    struct cluster *c = *state;
    start_joiner(c, 3);
    assert_int_equal(c->nodes[3].peers->greeting.members, 0);
    node_start(c, 1, 3);
    assert_true(c->nodes[1].peers->greeting.members != 0);
}

static void a_wrong_seed_is_refused(void **state)
{
    struct cluster *c = *state;
    char seeds[2][PEER_SEED_SIZE];
    struct peers *p;
    struct buf error = BUF_INIT;
    struct peers_options o = seeded(c, 3, seeds);
    o.cluster_id = 0;
    o.seed_count = 2;
    for (size_t wrong = 0; wrong < 2; wrong++) {
        static const char said[] = "'nobody' is no address of a member";
        snprintf(seeds[wrong], PEER_SEED_SIZE, "nobody");
        snprintf(seeds[1 - wrong], PEER_SEED_SIZE, "%s", c->addresses[1]);
        assert_int_equal(peers_new(&p, c->loop, &o, &error), ERR_INVALID);
        assert_null(p);
        assert_int_equal(error.len, strlen(said));
        assert_memory_equal(error.data, said, error.len);
        buf_reset(&error);
    }
    buf_release(&error);
}

int main(void)
{
#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, cluster_setup, cluster_teardown)
    const struct CMUnitTest tests[] = {
        TEST(whoever_is_there_is_asked),
        TEST(asking_again_does_nothing),
        TEST(who_has_data_is_dialed),
        TEST(a_member_is_found),
        TEST(who_is_known_is_not_looked_for),
        TEST(what_is_known_is_kept),
        TEST(a_seed_stays),
        TEST(its_node_lines_are_not_compared),
        TEST(a_wrong_seed_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
