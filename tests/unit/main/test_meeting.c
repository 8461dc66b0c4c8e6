/*
 * Blank directories meet: who founds, who adopts, who is let in, who waits.
 * (With whole nodes: tcl/tests/identity.tcl.)
 */
// link: config
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "main/meeting.h"
#include "unit/config/fixture.h"

#define OURS  UINT64_C(77)
#define OTHER UINT64_C(78)
#define DRAWN UINT64_C(99)

struct hall {
    struct fixture config;
    struct meeting meeting;
};

/* Member `self` of `count`, whose ids are 1 to count, the first line being that
 * of `first`. */
static void enter_from(struct hall *h, node_id self, unsigned count,
                       unsigned first, const char *option)
{
    char text[500];
    int len = snprintf(text, sizeof(text), "node-id %u\n%s\n", self, option);
    for (unsigned i = 0; i < count; i++) {
        unsigned id = 1 + (i + first - 1) % count;
        len += snprintf(text + len, sizeof(text) - (size_t)len,
                        "node %u 10.0.0.%u:9001\n", id, id);
    }
    fixture_init(&h->config);
    fixture_file(&h->config, "main.conf", text);
    assert_int_equal(fixture_load(&h->config, "main.conf", NULL), CONFIG_RUN);
    meeting_init(&h->meeting, &h->config.config, (struct directory_id){self, 1},
                 false);
}

static void enter(struct hall *h, node_id self, unsigned count,
                  const char *option)
{
    enter_from(h, self, count, 3, option);
}

static void leave(struct hall *h)
{
    fixture_release(&h->config);
}

static struct greeting of(node_id id, uint64_t cluster_id)
{
    return (struct greeting){.cluster_id = cluster_id,
                             .directory = {id, 1},
                             .nonce = 1,
                             .verdict = GREETING_NOT_YET};
}

static void hear(struct hall *h, node_id id, uint64_t cluster_id)
{
    struct greeting g = of(id, cluster_id);
    meeting_heard(&h->meeting, id, &g, GREETING_NOT_YET, 0);
}

static struct meeting_result decide(struct hall *h, int64_t now_ms)
{
    struct meeting_result r;
    meeting_decide(&h->meeting, now_ms, DRAWN, &r);
    return r;
}

static void expect(struct hall *h, enum meeting_outcome outcome)
{
    assert_int_equal(decide(h, 0).outcome, outcome);
}

static void expect_text(struct hall *h, const char *words)
{
    struct buf text = BUF_INIT;
    meeting_text(&h->meeting, 0, &text);
    buf_char(&text, '\0');
    if (strstr((const char *)text.data, words) == NULL)
        fail_msg("no \"%s\" in: %s", words, (const char *)text.data);
    assert_true(text.len < 240);
    buf_release(&text);
}

/* All are there, and blank: the smallest id founds, nobody else. */
static void test_all_blank(void **state)
{
    UNUSED(state);
    for (node_id self = 1; self <= 3; self++) {
        struct hall h;
        enter(&h, self, 3, "");
        expect(&h, MEETING_WAIT);
        for (node_id id = 1; id <= 3; id++) {
            if (id == self)
                continue;
            hear(&h, id, 0);
            bool last = id == (self == 3 ? 2 : 3);
            expect(&h, self == 1 && last ? MEETING_FOUND : MEETING_WAIT);
        }
        struct meeting_result r = decide(&h, 0);
        if (self == 1) {
            assert_int_equal(r.cluster_id, DRAWN);
            assert_int_equal(r.founding.cluster_id, DRAWN);
            assert_int_equal(r.founding.count, 3);
            for (uint32_t i = 0; i < 3; i++) {
                assert_int_equal(r.founding.members[i].id, i + 1);
                assert_int_equal(r.founding.members[i].directory.high, i + 1);
            }
        }
        leave(&h);
    }
}

/* One is missing, has not been heard for long, is of another cluster by its
 * name, has lost its data, or has data: nobody founds. */
static void test_nobody_founds(void **state)
{
    struct hall h;
    struct greeting g;
    UNUSED(state);
    enter(&h, 1, 3, "");
    hear(&h, 2, 0);
    expect(&h, MEETING_WAIT);
    expect_text(&h, "missing: member 3 (10.0.0.3:9001)");
    hear(&h, 3, 0);
    expect(&h, MEETING_FOUND);
    assert_int_equal(decide(&h, MEETING_FRESH_MS).outcome, MEETING_FOUND);
    assert_int_equal(decide(&h, MEETING_FRESH_MS + 1).outcome, MEETING_WAIT);
    hear(&h, 3, OURS);
    expect(&h, MEETING_ASK);
    expect_text(&h, "1 of 3 members have data");
    g = of(3, 0);
    g.lost = true;
    meeting_heard(&h.meeting, 3, &g, GREETING_NOT_YET, 0);
    expect(&h, MEETING_WAIT);
    expect_text(&h, "0 of 3 members have data");
    hear(&h, 3, 0);
    h.meeting.lost = true;
    expect(&h, MEETING_WAIT);
    leave(&h);
    enter(&h, 1, 3, "");
    hear(&h, 2, 0);
    g = of(3, 0);
    meeting_heard(&h.meeting, 3, &g, GREETING_OTHER_CLUSTER, 0);
    expect(&h, MEETING_WAIT);
    leave(&h);
}

static struct greeting founded(const struct founding *f, node_id id)
{
    struct greeting g = of(id, f->cluster_id);
    g.founding = *f;
    return g;
}

/* The record of a founding has this directory: it takes part, unless it has
 * lost what it had, has started before, or has asked already. */
static void test_adopt(void **state)
{
    const struct founding f = {
        .cluster_id = OURS,
        .count = 3,
        .members = {{1, {1, 1}}, {2, {2, 1}}, {3, {3, 1}}}};
    struct hall h;
    UNUSED(state);
    enter(&h, 2, 3, "");
    struct greeting g = founded(&f, 1);
    meeting_heard(&h.meeting, 1, &g, GREETING_NOT_YET, 0);
    struct meeting_result r = decide(&h, 0);
    assert_int_equal(r.outcome, MEETING_ADOPT);
    assert_int_equal(r.cluster_id, OURS);
    assert_int_equal(r.founding.count, 3);
    for (int why = 0; why < 3; why++) {
        h.meeting.directory.low += why == 0; /* emptied since */
        h.meeting.lost = why == 1;
        h.meeting.asks = why == 2; /* perhaps another life was granted */
        expect(&h, MEETING_ASK);
        h.meeting.directory.low -= why == 0;
        h.meeting.lost = h.meeting.asks = false;
        expect(&h, MEETING_ADOPT);
    }
    g = of(3, OURS); /* this one has seen it start */
    g.known_incarnation = 4;
    meeting_heard(&h.meeting, 3, &g, GREETING_NOT_YET, 0);
    expect(&h, MEETING_ASK);
    leave(&h);
}

/* It asks where one has data, and all that have are of one cluster. */
static void test_ask(void **state)
{
    struct hall h;
    UNUSED(state);
    enter(&h, 3, 5, "");
    hear(&h, 4, 0);
    expect(&h, MEETING_WAIT);
    hear(&h, 1, OURS);
    expect(&h, MEETING_ASK);
    expect(&h, MEETING_ASK); /* again and again */
    expect_text(&h, "1 of 5 members have data, and a majority of them must");
    expect_text(&h, "missing: member 5 (10.0.0.5:9001), member 2");
    assert_int_equal(decide(&h, MEETING_FRESH_MS + 1).outcome, MEETING_WAIT);
    hear(&h, 5, OTHER);
    expect(&h, MEETING_WAIT);
    expect_text(&h, "its directory is empty, and the other members have data "
                    "of different clusters");
    h.meeting.lost = true;
    expect_text(&h, "its data is not whole, and");
    hear(&h, 5, OURS);
    expect_text(&h, "to be let in: its data is not whole, 2 of 5");
    leave(&h);
}

static void answer(struct hall *h, node_id id, enum grant_verdict verdict,
                   const char *why, int64_t now_ms)
{
    struct grant g = {.verdict = (uint8_t)verdict};
    snprintf(g.why, sizeof(g.why), "%s", why);
    if (verdict == GRANT_GIVEN) {
        g.life = 5;
        g.cluster_id = OURS;
        g.index = 12;
    }
    meeting_answered(&h->meeting, id, &g, now_ms);
}

/* It says what it was answered, of those that say most, and begins the first
 * life that it is granted. */
static void test_answers(void **state)
{
    struct hall h;
    UNUSED(state);
    enter(&h, 3, 3, "");
    hear(&h, 1, OURS);
    hear(&h, 2, OURS);
    expect(&h, MEETING_ASK);
    answer(&h, 1, GRANT_LATER, "node 2 leads", 0);
    expect_text(&h, "; member 1 says: node 2 leads");
    answer(&h, 2, GRANT_REFUSED, "too old", 0);
    expect_text(&h, "; member 2 refuses: too old");
    answer(&h, 1, GRANT_LATER, "node 2 leads", 0);
    expect_text(&h, "; member 2 refuses: too old");
    answer(&h, 2, GRANT_LATER, "soon", 0); /* it has changed its mind */
    expect_text(&h, "; member 2 says: soon");
    expect(&h, MEETING_ASK);
    answer(&h, 1, GRANT_LATER, "node 2 leads", 0); /* as much as is known */
    expect_text(&h, "; member 2 says: soon");
    answer(&h, 2, GRANT_REFUSED, "too old", 0);
    answer(&h, 1, GRANT_REFUSED, "too young", 0); /* the first one says it */
    expect_text(&h, "; member 2 refuses: too old");
    answer(&h, 1, GRANT_LATER, "no leader", MEETING_FRESH_MS);
    expect_text(&h, "; member 2 refuses: too old");
    answer(&h, 1, GRANT_LATER, "no leader", MEETING_FRESH_MS + 1);
    expect_text(&h, "; member 1 says: no leader");
    answer(&h, 2, GRANT_LATER, "not I", MEETING_FRESH_MS * 2);
    expect_text(&h, "; member 1 says: no leader");
    answer(&h, 2, GRANT_GIVEN, "", 0);
    answer(&h, 1, GRANT_REFUSED, "who is that", 0); /* it did not know yet */
    answer(&h, 2, GRANT_LATER, "no leader", MEETING_FRESH_MS * 2);
    struct meeting_result r = decide(&h, MEETING_FRESH_MS * 9);
    assert_int_equal(r.outcome, MEETING_JOIN);
    assert_int_equal(r.cluster_id, OURS);
    assert_int_equal(r.grant.life, 5);
    assert_int_equal(r.grant.index, 12);
    leave(&h);
}

/* With the option a majority is enough, of members that are all blank; of two
 * that have it the smaller id goes first. */
static void test_bootstrap(void **state)
{
    struct hall h;
    struct greeting g;
    UNUSED(state);
    enter(&h, 2, 3, "bootstrap yes");
    expect(&h, MEETING_WAIT);
    hear(&h, 3, 0);
    struct meeting_result r = decide(&h, 0);
    assert_int_equal(r.outcome, MEETING_FOUND);
    assert_int_equal(r.founding.count, 2);
    assert_int_equal(r.founding.members[0].id, 2);
    assert_int_equal(r.founding.members[1].id, 3);
    hear(&h, 1, OURS);
    expect(&h, MEETING_ASK);
    hear(&h, 1, 0);
    expect(&h, MEETING_WAIT); /* where it was is perhaps more than it sees */
    h.meeting.asks = false;
    expect(&h, MEETING_FOUND);
    g = of(1, 0);
    g.lost = true; /* it had data, and others may have it still */
    meeting_heard(&h.meeting, 1, &g, GREETING_NOT_YET, 0);
    expect(&h, MEETING_WAIT);
    g = of(1, 0);
    g.forced = true;
    meeting_heard(&h.meeting, 1, &g, GREETING_NOT_YET, 0);
    expect(&h, MEETING_WAIT);
    leave(&h);
    enter(&h, 1, 4, "bootstrap yes");
    hear(&h, 2, 0);
    expect(&h, MEETING_WAIT); /* two of four */
    hear(&h, 3, 0);
    expect(&h, MEETING_FOUND);
    leave(&h);
}

static void refuses(struct hall *h, const char *text)
{
    struct buf why = BUF_INIT;
    assert_false(meeting_force(&h->meeting, 0, &why));
    buf_char(&why, '\0');
    assert_string_equal((const char *)why.data, text);
    assert_false(h->meeting.forced);
    buf_release(&why);
}

/* The same while it waits: a moment later, so that others hear of it. */
static void test_bootstrap_by_hand(void **state)
{
    struct hall h;
    struct greeting g;
    struct buf why = BUF_INIT;
    UNUSED(state);
    enter(&h, 2, 3, "");
    refuses(&h, "1 of 3 members are here, and a majority is needed; missing: "
                "member 3 (10.0.0.3:9001), member 1 (10.0.0.1:9001)");
    hear(&h, 1, OURS);
    hear(&h, 3, 0);
    refuses(&h, "a cluster has begun already: there are data at member 1 "
                "(10.0.0.1:9001)");
    g = of(1, 0);
    g.lost = true;
    meeting_heard(&h.meeting, 1, &g, GREETING_NOT_YET, 0);
    refuses(&h, "a cluster has begun already: there are data at member 1 "
                "(10.0.0.1:9001), which lost some of it");
    leave(&h);
    enter(&h, 2, 3, "");
    h.meeting.lost = true;
    hear(&h, 3, 0);
    refuses(&h, "this node has lost data that others may have: it begins no "
                "cluster");
    h.meeting.lost = false;
    assert_true(meeting_force(&h.meeting, 0, &why));
    assert_int_equal(decide(&h, 0).outcome, MEETING_WAIT);
    assert_int_equal(decide(&h, MEETING_FORCE_MS - 1).outcome, MEETING_WAIT);
    assert_true(meeting_force(&h.meeting, 100, &why)); /* once is enough */
    g = of(1, 0);
    g.forced = true;
    meeting_heard(&h.meeting, 1, &g, GREETING_NOT_YET, 0);
    assert_int_equal(decide(&h, MEETING_FORCE_MS).outcome, MEETING_WAIT);
    hear(&h, 1, OURS); /* it has begun */
    assert_int_equal(decide(&h, MEETING_FORCE_MS).outcome, MEETING_ASK);
    leave(&h);
    enter(&h, 2, 3, "");
    hear(&h, 3, 0);
    assert_true(meeting_force(&h.meeting, 0, &why));
    struct meeting_result r = decide(&h, MEETING_FORCE_MS);
    assert_int_equal(r.outcome, MEETING_FOUND);
    assert_int_equal(r.founding.count, 2);
    leave(&h);
    enter(&h, 2, 2, "join 10.0.0.9:9001");
    refuses(&h, "this node is to join the cluster of 10.0.0.9:9001: it begins "
                "none (see join)");
    leave(&h);
}

/* What may be known of another member. */
enum guest_kind {
    ABSENT,
    LONG_AGO,
    BLANK,
    FORCED, /* blank, and begins without those that are missing */
    LOST,
    DATA,
    FOUNDER, /* has data, and the record has this directory */
    WITNESS, /* a founder that knows a start of this node */
    STRANGER,
    GUEST_KINDS
};

/* What this node is told to do, or has done. */
struct host {
    node_id self;
    bool lost;
    bool asks;
    bool bootstrap;
};

static bool of_ours(enum guest_kind k)
{
    return k == DATA || k == FOUNDER || k == WITNESS;
}

/* By the rules as they stand in main/meeting.h, for three members. */
static enum meeting_outcome outcome_of(const struct host *host,
                                       const enum guest_kind kinds[3])
{
    size_t blank = 1, ours = 0, others = 0, founders = 0, witnesses = 0;
    bool lost = host->lost, goes_first = false;
    for (node_id i = 1; i <= 3; i++) {
        enum guest_kind k = i == host->self ? ABSENT : kinds[i - 1];
        blank += k == BLANK || k == FORCED;
        goes_first = goes_first || (k == FORCED && i < host->self);
        lost = lost || k == LOST;
        ours += of_ours(k);
        others += k == STRANGER;
        founders += k == FOUNDER;
        witnesses += k == WITNESS;
    }
    bool new_one = !lost && ours == 0 && others == 0;
    if (new_one && host->self == 1 && blank == 3)
        return MEETING_FOUND;
    if (new_one && host->bootstrap && !host->asks && blank >= 2 && !goes_first)
        return MEETING_FOUND;
    bool whole = !host->lost && !host->asks && others == 0;
    if (whole && founders > 0 && witnesses == 0)
        return MEETING_ADOPT;
    return (ours > 0) != (others > 0) ? MEETING_ASK : MEETING_WAIT;
}

#define LATE MEETING_FRESH_MS /* the time of the decision */

static void hear_kind(struct hall *h, node_id self, node_id id,
                      enum guest_kind kind)
{
    const struct founding f = {.cluster_id = OURS,
                               .count = 2,
                               .members = {{id, {id, 1}}, {self, {self, 1}}}};
    struct greeting g = of(id, of_ours(kind)      ? OURS
                               : kind == STRANGER ? OTHER
                                                  : 0);
    g.forced = kind == FORCED;
    g.lost = kind == LOST;
    g.known_incarnation = kind == WITNESS;
    if (kind == FOUNDER || kind == WITNESS)
        g.founding = f;
    if (kind != ABSENT)
        meeting_heard(&h->meeting, id, &g, GREETING_NOT_YET,
                      kind == LONG_AGO ? -1 : 0);
}

static void decide_as(const struct host *host, unsigned first,
                      const enum guest_kind kinds[3])
{
    struct hall h;
    enter_from(&h, host->self, 3, first,
               host->bootstrap ? "bootstrap yes" : "");
    h.meeting.lost = host->lost;
    h.meeting.asks = host->asks;
    for (node_id id = 1; id <= 3; id++) {
        if (id != host->self)
            hear_kind(&h, host->self, id, kinds[id - 1]);
    }
    enum meeting_outcome wanted = outcome_of(host, kinds);
    struct meeting_result r = decide(&h, LATE);
    if (r.outcome != wanted)
        fail_msg("node %u (lost %d, asks %d, bootstrap %d), first line %u, "
                 "guests %d %d %d: %d instead of %d",
                 host->self, host->lost, host->asks, host->bootstrap, first,
                 kinds[0], kinds[1], kinds[2], r.outcome, wanted);
    assert_int_equal(r.cluster_id, wanted == MEETING_FOUND   ? DRAWN
                                   : wanted == MEETING_ADOPT ? OURS
                                                             : 0);
    assert_int_equal(r.founding.cluster_id, r.cluster_id);
    assert_int_equal(h.meeting.asks, host->asks || wanted == MEETING_ASK);
    leave(&h);
}

/* Whatever this node is and has heard of two others, in whatever order. */
static void test_all_that_may_be_met(void **state)
{
    UNUSED(state);
    for (unsigned what = 0; what < 8; what++) {
        for (node_id self = 1; self <= 3; self++) {
            struct host host = {self, what & 1, what & 2, what & 4};
            for (unsigned k = 0; k < GUEST_KINDS * GUEST_KINDS; k++) {
                enum guest_kind kinds[3] = {ABSENT, ABSENT, ABSENT};
                kinds[self % 3] = k / GUEST_KINDS;
                kinds[(self + 1) % 3] = k % GUEST_KINDS;
                decide_as(&host, 1 + (k + what) % 3, kinds);
            }
        }
    }
}

static void expect_whole_text(struct hall *h, int64_t now_ms, const char *text)
{
    struct buf said = BUF_INIT;
    meeting_text(&h->meeting, now_ms, &said);
    buf_char(&said, '\0');
    assert_string_equal((const char *)said.data, text);
    buf_release(&said);
}

static void test_whole_texts(void **state)
{
    struct hall h;
    UNUSED(state);
    enter_from(&h, 2, 3, 1, "");
    expect_whole_text(&h, 0,
                      "waits: a new cluster begins when all members are there "
                      "(see bootstrap); missing: member 1 (10.0.0.1:9001), "
                      "member 3 (10.0.0.3:9001)");
    hear(&h, 3, 0);
    expect_whole_text(&h, MEETING_FRESH_MS,
                      "waits: a new cluster begins when all members are there "
                      "(see bootstrap); missing: member 1 (10.0.0.1:9001)");
    hear(&h, 1, 0);
    expect_whole_text(&h, 0,
                      "waits: a new cluster begins when all members are there "
                      "(see bootstrap)");
    h.meeting.lost = true;
    expect_whole_text(
        &h, 0,
        "waits to be let in: its data is not whole, 0 of 3 "
        "members have data, and a majority of them must be there");
    hear(&h, 3, OURS);
    h.meeting.lost = false;
    expect_whole_text(
        &h, 0,
        "waits to be let in: its directory is empty, 1 of 3 "
        "members have data, and a majority of them must be there");
    hear(&h, 1, OTHER);
    expect_whole_text(&h, 0,
                      "waits: its directory is empty, and the other members "
                      "have data of different clusters");
    leave(&h);
}

/* The address that the option join names is asked, whoever is there. */
static void enter_by_join(struct hall *h)
{
    fixture_init(&h->config);
    fixture_file(&h->config, "main.conf",
                 "node-id 3\njoin 10.0.0.1:9001\nnode 3 10.0.0.3:9001\n"
                 "node 4 10.0.0.4:9001\n");
    assert_int_equal(fixture_load(&h->config, "main.conf", NULL), CONFIG_RUN);
    meeting_init(&h->meeting, &h->config.config, (struct directory_id){3, 1},
                 false);
}

static void test_join(void **state)
{
    struct hall h;
    UNUSED(state);
    enter_by_join(&h);
    expect(&h, MEETING_WAIT);
    expect_whole_text(&h, 0,
                      "waits to be let in: its directory is empty; 0 members "
                      "at 10.0.0.1:9001 answer");
    hear(&h, 7, 0); /* as blank as this one */
    expect(&h, MEETING_WAIT);
    hear_kind(&h, 3, 4, FOUNDER);
    expect(&h, MEETING_ASK); /* that is not for who joins */
    h.meeting.asks = false;
    hear(&h, 4, 0);
    hear(&h, 8, OURS);
    hear(&h, 9, OURS);
    hear(&h, 8, OURS); /* again */
    expect(&h, MEETING_ASK);
    h.meeting.lost = true;
    answer(&h, 9, GRANT_REFUSED, "no", 0);
    expect_whole_text(&h, MEETING_FRESH_MS,
                      "waits to be let in: its data is not whole; 2 members "
                      "at 10.0.0.1:9001 answer; member 9 refuses: no");
    expect_whole_text(&h, MEETING_FRESH_MS + 1,
                      "waits to be let in: its data is not whole; 0 members "
                      "at 10.0.0.1:9001 answer");
    assert_int_equal(decide(&h, MEETING_FRESH_MS).outcome, MEETING_ASK);
    assert_int_equal(decide(&h, MEETING_FRESH_MS + 1).outcome, MEETING_WAIT);
    hear(&h, 10, OTHER);
    expect(&h, MEETING_WAIT);
    expect_whole_text(&h, 0,
                      "waits: its data is not whole, and the other members "
                      "have data of different clusters");
    hear(&h, 10, OURS);
    expect(&h, MEETING_ASK);
    leave(&h);
}

/* Who comes when all places are taken is not remembered. */
static void test_join_many(void **state)
{
    struct hall h;
    UNUSED(state);
    enter_by_join(&h);
    for (node_id id = 10; id < 10 + MEETING_OTHERS_MAX - 1; id++)
        hear(&h, id, OURS);
    expect_text(&h, "; 15 members at");
    hear(&h, 98, OURS);
    expect_text(&h, "; 16 members at");
    hear(&h, 99, OTHER);
    expect_text(&h, "; 16 members at");
    expect(&h, MEETING_ASK);
    hear(&h, 98, OTHER); /* its place is known */
    expect(&h, MEETING_WAIT);
    leave(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_blank),
        cmocka_unit_test(test_nobody_founds),
        cmocka_unit_test(test_adopt),
        cmocka_unit_test(test_ask),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_bootstrap),
        cmocka_unit_test(test_bootstrap_by_hand),
        cmocka_unit_test(test_all_that_may_be_met),
        cmocka_unit_test(test_whole_texts),
        cmocka_unit_test(test_join),
        cmocka_unit_test(test_join_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
