/*
 * Greetings: what two members tell each other, and what is found out by it: a
 * blank directory, an older copy, a second process with the same id, a
 * directory that was replaced, another cluster.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "unit/peer/fixture.h"

static bool greeted_both_ways(struct cluster *c)
{
    return c->nodes[1].greetings[2] >= 2 && c->nodes[2].greetings[1] >= 2;
}

/* `watched` was told a verdict by node 1. */
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

/* What is said arrives, by both connections. */
static void test_what_is_told(void **state)
{
    struct cluster *c = *state;
    struct founding founding = {
        .cluster_id = CLUSTER_ID,
        .count = 2,
        .members = {{1, {1, 1}}, {2, {2, 1}}},
    };
    struct peers_options o = node_options(c, 1, 3);
    o.secret = "hush";
    o.label = 77;
    o.founding = &founding;
    node_start_with(c, &o);
    o = node_options(c, 2, 5);
    o.secret = "hush";
    node_start_with(c, &o);
    run_until(c, all_up);
    run_until(c, greeted_both_ways);
    const struct greeting *g = &c->nodes[2].greeting[1];
    assert_true(g->cluster_id == CLUSTER_ID);
    assert_int_equal(g->label, 77);
    assert_int_equal(g->directory.high, 1);
    assert_int_equal(g->directory.low, 1);
    assert_int_equal(g->nonce, 1003);
    assert_int_equal(g->verdict, GREETING_WELCOME);
    assert_true(
        founding_has(&g->founding, 2, c->nodes[1].greeting[2].directory));
    assert_int_equal(c->nodes[1].greeting[2].founding.count, 0);
    assert_string_equal(g->address, "");
}

static void start_blank(struct cluster *c, node_id id)
{
    struct peers_options o = node_options(c, id, 5);
    o.cluster_id = 0;
    node_start_with(c, &o);
}

static void expect_no_link(struct cluster *c)
{
    for (node_id id = 1; id <= 2; id++) {
        assert_int_equal(c->nodes[id].ups[3 - id], 0);
        assert_null(peer_in(c, id, 3 - id)->inbound);
        assert_int_equal(peer_in(c, id, 3 - id)->incarnation_seen, 0);
    }
}

/* One that has no data yet is greeted again and again, and never linked. It is
 * nothing to complain about. */
static void test_blank(void **state)
{
    struct cluster *c = *state;
    node_start(c, 1, 3);
    start_blank(c, 2);
    c->wanted = 3;
    run_until(c, greeted_both_ways);
    run_until_logged(c, 1, "no link yet: it has no data yet, and waits");
    run_until_logged(c, 2, "no link yet: this node has no data yet, and waits");
    expect_no_link(c);
    assert_int_equal(c->nodes[1].greeting[2].cluster_id, 0);
    assert_true(c->nodes[2].greeting[1].cluster_id == CLUSTER_ID);
    assert_int_equal(lines_with(&c->nodes[1], "refused"), 0);
    assert_int_equal(lines_with(&c->nodes[2], "refused"), 0);
    assert_int_equal(lines_with(&c->nodes[1], "no link yet"), 1);
}

static void test_all_blank(void **state)
{
    struct cluster *c = *state;
    start_blank(c, 1);
    start_blank(c, 2);
    run_until(c, greeted_both_ways);
    expect_no_link(c);
}

/* Node 2 for a second time, at the address of node 3. */
static void start_twin(struct cluster *c, uint64_t incarnation)
{
    struct node *twin = &c->nodes[3];
    struct buf error = BUF_INIT;
    struct peers_options o = node_options(c, 3, incarnation);
    o.self = 2;
    o.directory = (struct directory_id){2, 1};
    if (peers_new(&twin->peers, c->loop, &o, &error) != 0)
        fail_msg("%.*s", (int)error.len, (const char *)error.data);
    buf_release(&error);
}

/* Two processes on copies of one directory: who comes second is told, whether
 * its copy is older or as old. The first one's link is not touched. */
static void test_twin(void **state)
{
    struct cluster *c = *state;
    node_start(c, 1, 3);
    node_start(c, 2, 5);
    run_until(c, all_up);
    for (uint64_t incarnation = 5; incarnation >= 4; incarnation--) {
        start_twin(c, incarnation);
        run_until_told(c, 3, GREETING_TWIN);
        assert_int_equal(
            strncmp(c->nodes[3].greeting[1].address, "127.0.0.1:", 10), 0);
        assert_string_equal(c->nodes[3].greeting[1].address,
                            peer_in(c, 1, 2)->inbound->address);
        run_until_logged(c, 3, "another process that is this node");
        run_until_logged(c, 1, "refused: another process says it is member 2");
        node_stop(c, 3);
        c->nodes[3].told[1] = GREETING_WELCOME;
    }
    assert_int_equal(c->nodes[1].ups[2], 1);
    assert_int_equal(c->nodes[1].downs[2], 0);
}

/* A copy as it was at the last start, brought back after the node has gone. */
static void test_copy_of_the_same_start(void **state)
{
    struct cluster *c = *state;
    node_start(c, 1, 3);
    node_start(c, 2, 5);
    run_until(c, all_up);
    node_stop(c, 2);
    run_until(c, one_sees_two_down);
    struct peers_options o = node_options(c, 2, 5);
    o.nonce++;
    node_start_with(c, &o);
    run_until_told(c, 2, GREETING_OLD);
    assert_int_equal(c->nodes[2].greeting[1].known_incarnation, 5);
    assert_int_equal(c->nodes[2].greeting[1].known_nonce, 2005);
    run_until_logged(c, 1, "was seen with another start");
    assert_int_equal(c->nodes[1].ups[2], 1);
}

/* Node 2 starts; node 1, which has never met it, tells it this. */
static void expect_verdict(struct cluster *c, uint64_t incarnation,
                           enum greeting_verdict verdict)
{
    node_start(c, 2, incarnation);
    if (verdict == GREETING_WELCOME)
        run_until(c, all_up);
    else
        run_until_told(c, 2, verdict);
    assert_int_equal(c->nodes[1].is_up[2], verdict == GREETING_WELCOME);
    node_stop(c, 2);
    c->nodes[2].told[1] = GREETING_WELCOME;
    if (verdict == GREETING_WELCOME)
        run_until(c, one_sees_two_down);
}

/* What the log says of a member's starts counts for who was not there. */
static void test_what_the_log_knows(void **state)
{
    struct cluster *c = *state;
    node_start(c, 1, 3);
    c->nodes[1].facts[2] = (struct member_facts){.incarnation = 9, .nonce = 4};
    expect_verdict(c, 8, GREETING_OLD);
    assert_int_equal(c->nodes[2].greeting[1].known_incarnation, 9);
    assert_int_equal(c->nodes[2].greeting[1].known_nonce, 4);
    expect_verdict(c, 9, GREETING_OLD); /* its nonce is 2009 */
    c->nodes[1].facts[2].nonce = 2009;
    expect_verdict(c, 9, GREETING_WELCOME);
    c->nodes[1].facts[2].nonce = 0; /* not known: that it was seen counts */
    expect_verdict(c, 9, GREETING_WELCOME);
    c->nodes[1].facts[2].incarnation = 10;
    expect_verdict(c, 9, GREETING_OLD);
    expect_verdict(c, 10, GREETING_WELCOME);
    expect_verdict(c, 11, GREETING_WELCOME);
}

static bool two_was_shown(struct cluster *c)
{
    return c->nodes[2].shown.term > 0;
}

/* Node 1 has a receipt of node 2, which says whether that is true. */
static void test_receipt(void **state)
{
    struct cluster *c = *state;
    node_start(c, 1, 3);
    c->nodes[1].facts[2].receipt = (struct receipt){2, 4, 5, 6, 7};
    expect_verdict(c, 8, GREETING_WELCOME);
    const struct receipt *shown = &c->nodes[2].shown;
    assert_true(shown->life == 4 && shown->term == 5 && shown->index == 6);
    assert_int_equal(shown->chain, 7);
    c->nodes[2].shown.term = 0;
    c->nodes[2].forgets = true;
    node_start(c, 2, 9);
    run_until(c, two_was_shown);
    run_until_logged(c, 2,
                     "this node has acknowledged entry 6 to it, in term 5 at "
                     "least, and does not have that");
    run_until_logged(c, 1, "it has an older copy of its data, and ends");
    assert_int_equal(c->nodes[1].ups[2], 1);
    assert_int_equal(c->nodes[2].ups[1], 1);
    node_stop(c, 2);
    /* Without a receipt there is nothing to ask. */
    c->nodes[2].shown.term = 0;
    c->nodes[1].facts[2].receipt = (struct receipt){0};
    expect_verdict(c, 10, GREETING_WELCOME);
    assert_int_equal(c->nodes[2].shown.term, 0);
}

/* An old disk comes back after its member was given another one. */
static void test_replaced(void **state)
{
    struct cluster *c = *state;
    const uint64_t life = UINT64_C(1) << 32;
    node_start(c, 1, 3);
    c->nodes[1].facts[2] =
        (struct member_facts){.life = 1, .directory = {8, 8}, .granted_at = 77};
    expect_verdict(c, 5, GREETING_REPLACED);
    assert_int_equal(c->nodes[2].greeting[1].replaced_at, 77);
    run_until_logged(c, 1, "another directory has its id since entry 77");
    expect_verdict(c, life | 1, GREETING_REPLACED); /* not of {8, 8} */
    c->nodes[1].facts[2].directory.low = 1;
    expect_verdict(c, life | 1, GREETING_REPLACED);
    c->nodes[1].facts[2].directory = (struct directory_id){2, 1};
    expect_verdict(c, UINT32_MAX, GREETING_REPLACED); /* of the life before */
    expect_verdict(c, life | 1, GREETING_WELCOME);
    c->nodes[1].facts[2].directory = (struct directory_id){0, 0};
    expect_verdict(c, life | 2, GREETING_WELCOME);
    expect_verdict(c, 2 * life, GREETING_WELCOME); /* newer than we know */
}

/* Its program cannot execute what the log says, or cannot any more. */
static void test_level(void **state)
{
    struct cluster *c = *state;
    struct peers_options o;
    node_start(c, 1, 3);
    c->nodes[1].facts[2] = (struct member_facts){.level = 2};
    expect_verdict(c, 5, GREETING_LEVEL);
    assert_int_equal(c->nodes[2].greeting[1].level_max, 1);
    run_until_logged(c, 1,
                     "its program, vard " VARD_VERSION
                     ", knows the levels 1 to 1, and the cluster has reached "
                     "level 2: start another version there");
    run_until_logged(c, 2, "this program does not know the level");
    c->nodes[1].facts[2].level = 1;
    expect_verdict(c, 6, GREETING_WELCOME);
    /* Another one does. */
    c->nodes[1].facts[2].level = 2;
    o = node_options(c, 2, 7);
    o.level_max = 2;
    node_start_with(c, &o);
    run_until(c, all_up);
    assert_int_equal(c->nodes[1].level_max[2], 2);
    assert_int_equal(c->nodes[2].level_max[1], 1);
    assert_string_equal(c->nodes[1].greeting[2].version, VARD_VERSION);
}

/* A blank one with such a program need not wait. */
static void test_level_of_a_blank_one(void **state)
{
    struct cluster *c = *state;
    node_start(c, 1, 3);
    c->nodes[1].facts[2] = (struct member_facts){.level = 2};
    start_blank(c, 2);
    run_until_told(c, 2, GREETING_LEVEL);
    expect_no_link(c);
    /* It is no blank one as any: whoever looks here learns what is wrong. */
    run_until_logged(c, 1, " refused: its program, vard " VARD_VERSION);
}

static void expect_label(struct cluster *c, uint64_t one, uint64_t two, bool up)
{
    struct peers_options o = node_options(c, 1, 3);
    o.label = one;
    node_start_with(c, &o);
    o = node_options(c, 2, 5);
    o.label = two;
    node_start_with(c, &o);
    if (up)
        run_until(c, all_up);
    else
        run_until_told(c, 2, GREETING_OTHER_CLUSTER);
    node_stop(c, 1);
    node_stop(c, 2);
    c->nodes[2].told[1] = GREETING_WELCOME;
}

/* Names differ; one that is not given yet, or not any more, is no other. */
static void test_labels(void **state)
{
    struct cluster *c = *state;
    expect_label(c, 7, 8, false);
    assert_int_equal(lines_with(&c->nodes[1], "refused: cluster-id differs"),
                     1);
    expect_label(c, 7, 0, true);
    expect_label(c, 0, 8, true);
    expect_label(c, 8, 8, true);
}

static void test_other_members(void **state)
{
    struct cluster *c = *state;
    node_start(c, 1, 3);
    c->member_count = 3;
    node_start(c, 2, 5);
    run_until_told(c, 2, GREETING_OTHER_CLUSTER);
    run_until_logged(c, 1, "its node lines name other members than ours");
    assert_int_equal(c->nodes[1].ups[2], 0);
}

/* A node is one of them, whether a line names it or not. */
static void test_own_line(void **state)
{
    struct cluster *c = *state;
    struct peers_options o;
    uint64_t with[2];
    c->member_count = 3;
    for (int i = 0; i < 2; i++) {
        o = node_options(c, 1, 3);
        o.members = c->members + i; /* the first one is its own */
        o.member_count = 3 - (size_t)i;
        node_start_with(c, &o);
        with[i] = c->nodes[1].peers->greeting.members;
        node_stop(c, 1);
    }
    assert_true(with[0] == with[1]);
}

/* The order of the lines is nothing. */
static void test_order_of_members(void **state)
{
    struct cluster *c = *state;
    struct peer_member first = c->members[0];
    node_start(c, 1, 3);
    c->members[0] = c->members[1];
    c->members[1] = first;
    node_start(c, 2, 5);
    run_until(c, all_up);
}

int main(void)
{
#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, cluster_setup, cluster_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_told),
        TEST(test_blank),
        TEST(test_all_blank),
        TEST(test_twin),
        TEST(test_copy_of_the_same_start),
        TEST(test_what_the_log_knows),
        TEST(test_receipt),
        TEST(test_replaced),
        TEST(test_level),
        TEST(test_level_of_a_blank_one),
        TEST(test_labels),
        TEST(test_other_members),
        TEST(test_order_of_members),
        TEST(test_own_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
