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

/* Member `self` of `count`, whose ids are 1 to count, in no order. */
static void enter(struct hall *h, node_id self, unsigned count,
                  const char *option)
{
    char text[500];
    int len = snprintf(text, sizeof(text), "node-id %u\n%s\n", self, option);
    for (unsigned i = 0; i < count; i++) {
        unsigned id = 1 + (i + 2) % count;
        len += snprintf(text + len, sizeof(text) - (size_t)len,
                        "node %u 10.0.0.%u:9001\n", id, id);
    }
    fixture_init(&h->config);
    fixture_file(&h->config, "main.conf", text);
    assert_int_equal(fixture_load(&h->config, "main.conf", NULL), CONFIG_RUN);
    meeting_init(&h->meeting, &h->config.config, (struct directory_id){self, 1},
                 false);
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
    answer(&h, 2, GRANT_REFUSED, "too old", 0);
    answer(&h, 1, GRANT_LATER, "no leader", MEETING_FRESH_MS + 1);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_blank), cmocka_unit_test(test_nobody_founds),
        cmocka_unit_test(test_adopt),     cmocka_unit_test(test_ask),
        cmocka_unit_test(test_answers),   cmocka_unit_test(test_bootstrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
