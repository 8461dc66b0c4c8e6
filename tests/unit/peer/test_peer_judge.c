/*
 * What is thought of a member that says this of itself, and with which words:
 * the verdicts of peer_greet.c, without a network.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "unit/peer/fixture.h"

#define LIFE(n) ((uint64_t)(n) << 32)

struct court {
    struct cluster *c;
    struct peer *peer;
    struct member_facts *facts; /* of it */
    struct greeting g;          /* its own */
    uint64_t incarnation;
};

/* Node 1 judges node 2, of which it knows nothing but that it is a member. */
static struct court sit(struct cluster *c)
{
    node_start(c, 1, 3);
    struct court k = {.c = c,
                      .peer = peer_in(c, 1, 2),
                      .facts = &c->nodes[1].facts[2],
                      .incarnation = LIFE(1) + 5};
    k.facts->life = 1;
    k.facts->level = 1;
    k.g = (struct greeting){
        .cluster_id = CLUSTER_ID,
        .members = c->nodes[1].peers->greeting.members,
        .directory = {2, 1},
        .nonce = 55,
        .level_min = 1,
        .level_max = 1,
        .version = "7.8.9",
    };
    return k;
}

static void expect(const struct court *k, enum greeting_verdict verdict,
                   const char *text)
{
    char why[PEER_WHY_MAX] = "";
    assert_int_equal(peer_greet_judge(k->peer, k->incarnation, &k->g, why),
                     verdict);
    assert_string_equal(why, text);
}

static void whose_it_is(void **state)
{
    struct court k = sit(*state);
    struct greeting *us = &k.peer->peers->greeting;
    expect(&k, GREETING_WELCOME, "");
    for (int i = 0; i < 4; i++) {
        us->label = i & 1 ? 7 : 0;
        k.g.label = i & 2 ? 8 : 0;
        if (i == 3)
            expect(&k, GREETING_OTHER_CLUSTER,
                   "cluster-id differs: does it belong to another cluster?");
        else
            expect(&k, GREETING_WELCOME, "");
    }
    k.g.label = 7;
    expect(&k, GREETING_WELCOME, "");
    us->label = k.g.label = 0;
    k.g.members ^= 1;
    expect(&k, GREETING_OTHER_CLUSTER,
           "its node lines name other members than ours: correct them, they "
           "must be the same on all nodes");
    uint64_t theirs = k.g.members;
    k.g.members = 0;
    expect(&k, GREETING_WELCOME, "");
    us->members = 0;
    k.g.members = theirs;
    expect(&k, GREETING_WELCOME, "");
    k.g.cluster_id++;
    expect(&k, GREETING_OTHER_CLUSTER, "it belongs to another cluster");
}

static void who_is_blank_waits(void **state)
{
    struct court k = sit(*state);
    k.g.cluster_id = 0;
    expect(&k, GREETING_NOT_YET, "it has no data yet, and waits to be let in");
    k.facts->level = 2;
    expect(&k, GREETING_LEVEL,
           "its program, vard 7.8.9, knows the levels 1 to 1, and the cluster "
           "has reached level 2: start another version there, as "
           "vard " VARD_VERSION);
    k.facts->level = 0; /* this one is blank as well */
    k.peer->peers->greeting.cluster_id = 0;
    expect(&k, GREETING_NOT_YET,
           "this node has no data yet, and waits to be let in");
    k.g.cluster_id = CLUSTER_ID;
    expect(&k, GREETING_NOT_YET,
           "this node has no data yet, and waits to be let in");
}

static void levels_have_ends(void **state)
{
    struct court k = sit(*state);
    k.g.level_min = 3;
    k.g.level_max = 5;
    for (uint16_t level = 1; level <= 7; level++) {
        char text[PEER_WHY_MAX];
        k.facts->level = level;
        snprintf(text, sizeof(text),
                 "its program, vard 7.8.9, knows the levels 3 to 5, and the "
                 "cluster has reached level %u: start another version there, "
                 "as vard " VARD_VERSION,
                 level);
        if (level < 3 || level > 5)
            expect(&k, GREETING_LEVEL, text);
        else
            expect(&k, GREETING_WELCOME, "");
    }
}

static void is_it_a_member(void **state)
{
    struct court k = sit(*state);
    k.c->nodes[1].no_member[2] = true;
    expect(&k, GREETING_NOT_YET, "member 2 is not in our configuration");
    k.g.members_at = 1; /* it may have more to say than nothing */
    expect(&k, GREETING_WELCOME, "");
    k.facts->granted_at = 1;
    expect(&k, GREETING_NOT_YET, "member 2 is not in our configuration");
    k.facts->committed = true;
    expect(&k, GREETING_REMOVED,
           "member 2 is none since entry 1 at the latest");
    k.g.members_at = 2;
    expect(&k, GREETING_WELCOME, "");
    k.facts->granted_at = 3;
    expect(&k, GREETING_REMOVED,
           "member 2 is none since entry 3 at the latest");
    k.c->nodes[1].no_member[2] = false;
    expect(&k, GREETING_WELCOME, "");
}

static void whose_life_it_is(void **state)
{
    static const char text[] = "another directory has its id since entry 12: "
                               "this one is to be put aside";
    struct court k = sit(*state);
    k.facts->granted_at = 12;
    k.facts->life = 2;
    expect(&k, GREETING_REPLACED, text);
    k.incarnation = LIFE(2) + 1;
    expect(&k, GREETING_WELCOME, "");
    k.incarnation = LIFE(3) + 1; /* granted by who knows more */
    k.facts->directory = (struct directory_id){9, 9};
    expect(&k, GREETING_WELCOME, "");
    k.incarnation = LIFE(2) + 1;
    expect(&k, GREETING_REPLACED, text);
    k.facts->directory = (struct directory_id){2, 2};
    expect(&k, GREETING_REPLACED, text);
    k.facts->directory = k.g.directory;
    expect(&k, GREETING_WELCOME, "");
}

static void starts_are_remembered(void **state)
{
    struct court k = sit(*state);
    k.peer->incarnation_seen = k.incarnation;
    k.peer->nonce_seen = k.g.nonce;
    expect(&k, GREETING_WELCOME, "");
    k.g.nonce++;
    expect(&k, GREETING_OLD,
           "incarnation 4294967301 (4294967301) was seen with another start: "
           "it has an older copy of its data");
    k.peer->nonce_seen = 0; /* any */
    expect(&k, GREETING_WELCOME, "");
    k.facts->incarnation = k.incarnation; /* the log knows more */
    k.facts->nonce = 1;
    expect(&k, GREETING_OLD,
           "incarnation 4294967301 (4294967301) was seen with another start: "
           "it has an older copy of its data");
    k.peer->nonce_seen = k.g.nonce; /* what was seen counts more */
    expect(&k, GREETING_WELCOME, "");
    k.incarnation--;
    expect(&k, GREETING_OLD,
           "incarnation 4294967300 is old, 4294967301 was seen already: it has "
           "an older copy of its data");
    k.incarnation += 2;
    expect(&k, GREETING_WELCOME, "");
    k.facts->incarnation = k.incarnation + 1;
    expect(&k, GREETING_OLD,
           "incarnation 4294967302 is old, 4294967303 was seen already: it has "
           "an older copy of its data");
}

/* One direction of it is enough: it is here. */
static void who_is_here_has_a_twin(void **state)
{
    struct cluster *c = *state;
    struct court k = sit(c);
    struct peer_inbound in = {.peers = k.peer->peers};
    static const char text[] =
        "another process says it is member 2, as incarnation 4294967301, while "
        "this one is linked: does it run on a copy of its directory?";
    k.peer->incarnation_seen = k.incarnation + 1;
    for (int how = 0; how < 3; how++) {
        enum peer_link_state was = k.peer->link.state;
        k.peer->inbound = how > 0 ? &in : NULL;
        k.peer->link.state = how != 1 ? LINK_ESTABLISHED : was;
        expect(&k, GREETING_TWIN, text);
        k.peer->link.state = was;
        k.peer->inbound = NULL;
    }
    k.peer->link.state = LINK_WAITING;
    expect(&k, GREETING_OLD,
           "incarnation 4294967301 is old, 4294967302 was seen already: it has "
           "an older copy of its data");
}

/* A newer start waits for the end of the one that is linked, also if the log
 * knows it already. */
static void a_newer_start_waits(void **state)
{
    struct cluster *c = *state;
    struct court k = sit(c);
    struct peer_inbound in = {.peers = k.peer->peers};
    static const char text[] =
        "it has started as incarnation 4294967301, and incarnation 4294967300 "
        "of it is linked: if that runs, one of the two runs on a copy of its "
        "directory";
    k.peer->incarnation_seen = k.incarnation - 1;
    for (int how = 0; how < 6; how++) {
        enum peer_link_state was = k.peer->link.state;
        k.facts->incarnation = how < 3 ? k.incarnation - 1 : k.incarnation;
        k.facts->nonce = k.g.nonce;
        k.peer->inbound = how % 3 > 0 ? &in : NULL;
        k.peer->link.state = how % 3 != 1 ? LINK_ESTABLISHED : was;
        expect(&k, GREETING_LINKED, text);
        k.peer->link.state = was;
        k.peer->inbound = NULL;
    }
    expect(&k, GREETING_WELCOME, "");
}

static void refusals_are_told(void **state)
{
    static const char *const texts[GREETING_VERDICTS] = {
        [GREETING_WELCOME] = "",
        [GREETING_NOT_YET] = "it does not let this node in yet",
        [GREETING_OTHER_CLUSTER] = "it is of another cluster, as its log says",
        [GREETING_OLD] = "it knows a newer start of this node",
        [GREETING_TWIN] = "it is linked to another process that is this node",
        [GREETING_LINKED] =
            ("an earlier start of this node is linked to it, and has to end "
             "first: if it runs, one of the two runs on a copy of the "
             "directory"),
        [GREETING_REPLACED] = "another directory has the id of this node",
        [GREETING_REMOVED] = "this node is no member any more",
        [GREETING_LEVEL] =
            "this program does not know the level in force there",
        [GREETING_FORGOT] = "it has an older copy of its data, and ends",
    };
    UNUSED(state);
    for (int i = 0; i < GREETING_VERDICTS; i++) {
        char why[PEER_WHY_MAX] = "before";
        struct greeting g = {.verdict = (enum greeting_verdict)i};
        peer_greet_refusal(&g, why);
        assert_string_equal(why, texts[i]);
    }
}

int main(void)
{
#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, cluster_setup, cluster_teardown)
    const struct CMUnitTest tests[] = {
        TEST(whose_it_is),
        TEST(who_is_blank_waits),
        TEST(levels_have_ends),
        TEST(is_it_a_member),
        TEST(whose_life_it_is),
        TEST(starts_are_remembered),
        TEST(who_is_here_has_a_twin),
        TEST(a_newer_start_waits),
        cmocka_unit_test(refusals_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
