// link: raft_check raft base
/*
 * X4: one voter and a learner, whose members change; and what the monitor says
 * of a core that takes others for its members, or changes them too early. X21.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/alloc.h"
#include "check/check.h"

struct story {
    struct check *c;
    struct raft core[2];
    struct raft before;
    struct raft_out *out;
};

static const struct raft_members both = {2, {0, 1}, 3, 0, {0}};

static void judge(struct story *s, uint32_t pos, const struct raft_event *event)
{
    struct check_step step = {.pos = pos,
                              .before = &s->before,
                              .after = &s->core[pos],
                              .event = event,
                              .out = s->out};

    check_step(s->c, &step);
}

static void step(struct story *s, uint32_t pos, struct raft_event event)
{
    event.now_ms = 10000;
    s->before = s->core[pos];
    raft_step(&s->core[pos], &event, s->out);
    judge(s, pos, &event);
}

static void synced(struct story *s)
{
    check_synced(s->c, 0, s->c->nodes[0].write_count);
    step(s, 0,
         (struct raft_event){.type = RAFT_EV_DURABLE,
                             .seq = s->core[0].write_seq,
                             .index = s->core[0].last});
}

static int setup(void **state)
{
    static const node_id ids[] = {0, 1};
    struct story *s = mem_zalloc(sizeof(*s));

    s->c = mem_zalloc(sizeof(*s->c));
    s->out = mem_zalloc(sizeof(*s->out));
    check_init(s->c, ids, 2);
    s->c->members.voters = 1;
    for (uint32_t i = 0; i < 2; i++) {
        struct raft_config config = {.cluster_id = 7,
                                     .self = i,
                                     .incarnation = 1,
                                     .election_timeout_ms = 100,
                                     .heartbeat_ms = 20,
                                     .peer_down_delay_ms = 10,
                                     .append_entries_max = 6,
                                     .window_max = 3,
                                     .seed = 1};
        struct raft_start start = {.vote = NODE_NONE, .log_first = 1};
        check_members(s->c, &s->c->nodes[i].disk, &start);
        raft_init(&s->core[i], &config, &start, 0);
        check_start(s->c, i, &s->core[i]);
    }
    step(s, 0, (struct raft_event){.type = RAFT_EV_TICK});
    synced(s); /* elected by itself */
    synced(s);
    assert_true(raft_can_change(&s->core[0]));
    assert_null(s->c->violation);
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct story *s = *state;

    mem_free(s->c);
    mem_free(s->out);
    mem_free(s);
    return 0;
}

static void change(struct story *s, const struct raft_members *members)
{
    step(s, 0, (struct raft_event){.type = RAFT_EV_CONFIG, .members = members});
}

static void expect(const struct story *s, const char *text)
{
    assert_non_null(s->c->violation);
    assert_string_equal(s->c->violation, text);
}

static void test_legal(void **state)
{
    struct story *s = *state;
    const struct raft_members alone = {1, {0}, 1, 0, {0}};

    change(s, &alone);
    assert_null(s->c->violation);
    synced(s);
    assert_null(s->c->violation);
    change(s, &both);
    synced(s);
    assert_null(s->c->violation);
    assert_int_equal(s->core[0].commit, 2); /* the other has nothing yet */
    struct raft_start start = {0};
    check_members(s->c, &s->c->nodes[0].live, &start);
    assert_int_equal(start.members_count, 3);
    assert_int_equal(start.members_at[2], 3);
    assert_int_equal(start.members[2].voters, 3);
    assert_int_equal(start.members[1].count, 1);
    struct raft_message m = {.type = RAFT_MSG_APPEND, .count = 2};
    m.run_count = 1;
    m.runs[0] = (struct raft_run){1, 1};
    assert_int_equal(check_change_in(s->c, &m)->index, 2);
    m.index = 2;
    m.count = 1;
    assert_int_equal(check_change_in(s->c, &m)->index, 3);
    m.runs[0].term = 2;
    assert_null(check_change_in(s->c, &m));
}

static void test_other_members(void **state)
{
    struct story *s = *state;

    s->core[0].members[RAFT_NEWEST].voters = 3;
    step(s, 0, (struct raft_event){.type = RAFT_EV_FLUSH});
    expect(s, "X4 members: others than the newest in the log");
}

static void test_other_base(void **state)
{
    struct story *s = *state;

    change(s, &both);
    s->core[0].members[RAFT_BASE].voters = 2;
    step(s, 0, (struct raft_event){.type = RAFT_EV_FLUSH});
    expect(s, "X4 members: a base that is not the last known one");
}

static void test_not_asked_for(void **state)
{
    struct story *s = *state;
    struct raft_event event = {
        .type = RAFT_EV_CONFIG, .now_ms = 10000, .members = &both};

    s->before = s->core[0];
    raft_step(&s->core[0], &event, s->out);
    event.type = RAFT_EV_PROPOSE;
    judge(s, 0, &event);
    expect(s, "X4 members: a change that nobody asked for");
}

/* The core believes that its last change is committed. */
static void test_too_early(void **state)
{
    struct story *s = *state;

    change(s, &both);
    s->core[0].commit = s->core[0].last;
    s->core[0].members[RAFT_BASE] = both;
    s->core[0].members_at[RAFT_BASE] = s->core[0].last;
    change(s, &s->c->members);
    expect(s, "X4 members: a change before the last one is committed");
}

/* It was the other that had the only vote. */
static void test_apart(void **state)
{
    struct story *s = *state;
    const struct raft_members alone = {1, {0}, 1, 0, {0}};

    s->c->members.voters = 2;
    change(s, &alone);
    expect(s, "X4 members: a quorum that does not meet one of the last");
}

static void test_no_vote(void **state)
{
    struct story *s = *state;

    s->before = s->core[1];
    s->core[1].role = RAFT_PRE_CANDIDATE;
    memset(s->out, 0, sizeof(*s->out));
    struct raft_event event = {.type = RAFT_EV_FLUSH};
    judge(s, 1, &event);
    expect(s, "X4 members: asks for votes, or leads, without having one");
}

/* Who is paused is sent no append. */
static void test_paused(void **state)
{
    struct story *s = *state;
    struct raft_event flush = {.type = RAFT_EV_FLUSH, .now_ms = 10000};

    step(s, 0, (struct raft_event){.type = RAFT_EV_PAUSE, .peer = 1});
    step(s, 0, flush);
    assert_null(s->c->violation);
    step(s, 0, (struct raft_event){.type = RAFT_EV_RESUME, .peer = 1});
    s->before = s->core[0];
    raft_step(&s->core[0], &flush, s->out);
    assert_int_equal(s->out->message_count, 1);
    assert_int_equal(s->out->messages[0].type, RAFT_MSG_APPEND);
    s->core[0].progress[1].paused = true;
    judge(s, 0, &flush);
    expect(s, "X21 pause: an append to a member that is paused");
}

#define STORY(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(test_legal),      STORY(test_other_members),
        STORY(test_other_base), STORY(test_not_asked_for),
        STORY(test_too_early),  STORY(test_apart),
        STORY(test_no_vote),    STORY(test_paused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
