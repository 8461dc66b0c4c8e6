// link: raft_check raft base
/*
 * X3: a voter, and a learner that gets a state; and what the monitor says of a
 * state that nobody committed, a log that does not go with it, and a member
 * that speaks of it too early.
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
    struct raft_event event;
    struct raft_message message;
    struct raft_members members;
    struct raft_out *out;
};

static void start(struct story *s, uint32_t pos, uint64_t incarnation)
{
    const struct check_node *n = &s->c->nodes[pos];
    struct raft_config config = {.cluster_id = 7,
                                 .self = pos,
                                 .incarnation = incarnation,
                                 .election_timeout_ms = 100,
                                 .heartbeat_ms = 20,
                                 .peer_down_delay_ms = 10,
                                 .append_entries_max = 6,
                                 .window_max = 3,
                                 .seed = 1};
    struct raft_start start = {.term = n->disk_term,
                               .vote = n->disk_vote,
                               .log_first = n->disk.cut + 1,
                               .log_prev_term = n->disk.at[n->disk.cut].term,
                               .log_last = n->disk.cut,
                               .applied = n->disk.cut};

    check_members(s->c, &n->disk, &start);
    raft_init(&s->core[pos], &config, &start, 0);
    check_start(s->c, pos, &s->core[pos]);
}

/* A step; the monitor does not see it yet. */
static void does(struct story *s, uint32_t pos, struct raft_event event)
{
    event.now_ms = 10000;
    s->event = event;
    s->before = s->core[pos];
    raft_step(&s->core[pos], &s->event, s->out);
}

static void judge(struct story *s, uint32_t pos)
{
    struct check_step step = {.pos = pos,
                              .before = &s->before,
                              .after = &s->core[pos],
                              .event = &s->event,
                              .out = s->out};

    check_step(s->c, &step);
}

static void step(struct story *s, uint32_t pos, struct raft_event event)
{
    does(s, pos, event);
    judge(s, pos);
}

static void synced(struct story *s, uint32_t pos)
{
    check_synced(s->c, pos, s->c->nodes[pos].write_count);
    step(s, pos,
         (struct raft_event){.type = RAFT_EV_DURABLE,
                             .seq = s->core[pos].write_seq,
                             .index = s->core[pos].last});
}

/* Node 0 has committed three entries of term 1; node 1 follows it and has
 * none. */
static int setup(void **state)
{
    static const node_id ids[] = {0, 1};
    struct story *s = mem_zalloc(sizeof(*s));

    s->c = mem_zalloc(sizeof(*s->c));
    s->out = mem_zalloc(sizeof(*s->out));
    check_init(s->c, ids, 2);
    s->c->members.voters = 1;
    s->members = s->c->members;
    start(s, 0, 1);
    start(s, 1, 1);
    step(s, 0, (struct raft_event){.type = RAFT_EV_TICK});
    synced(s, 0); /* elected by itself */
    step(s, 0, (struct raft_event){.type = RAFT_EV_PROPOSE, .count = 2});
    synced(s, 0);
    s->message = (struct raft_message){.type = RAFT_MSG_HEARTBEAT,
                                       .cluster_id = 7,
                                       .to = 1,
                                       .from_incarnation = 1,
                                       .term = 1};
    step(s, 1,
         (struct raft_event){.type = RAFT_EV_MESSAGE, .message = &s->message});
    synced(s, 1);
    assert_null(s->c->violation);
    assert_int_equal(s->c->commit, 3);
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

static void receives(struct story *s, raft_index index)
{
    does(s, 1,
         (struct raft_event){.type = RAFT_EV_RESTORE,
                             .index = index,
                             .index_term = 1,
                             .term = 1,
                             .members = &s->members});
}

static void copies(struct story *s, uint32_t count)
{
    s->message.type = RAFT_MSG_APPEND;
    s->message.count = count;
    s->message.run_count = 1;
    s->message.runs[0] = (struct raft_run){1, 1};
    step(s, 1,
         (struct raft_event){.type = RAFT_EV_MESSAGE, .message = &s->message});
    synced(s, 1);
    assert_null(s->c->violation);
}

static void expect(struct story *s, const char *text)
{
    judge(s, 1);
    assert_non_null(s->c->violation);
    assert_string_equal(s->c->violation, text);
}

static void test_legal(void **state)
{
    struct story *s = *state;
    const struct check_node *n = &s->c->nodes[1];

    receives(s, 2);
    judge(s, 1);
    assert_null(s->c->violation);
    assert_int_equal(n->live.last, 2);
    assert_int_equal(n->live.cut, 2);
    assert_int_equal(n->live.at[2].hash, s->c->committed[2].hash);
    assert_int_equal(n->applied, 2);
    assert_int_equal(n->disk.last, 0);
    step(s, 1, (struct raft_event){.type = RAFT_EV_FLUSH});
    synced(s, 1);
    assert_int_equal(n->disk.last, 2);
    assert_int_equal(n->disk.cut, 2);
    step(s, 1, (struct raft_event){.type = RAFT_EV_FLUSH});
    assert_null(s->c->violation);
    assert_int_equal(s->out->messages[0].match, 2);
    check_crash(s->c, 1, 0);
    start(s, 1, 2);
    assert_null(s->c->violation);
    assert_int_equal(s->core[1].commit, 2);
}

/* A crash before it is on disk finds what was there before. */
static void test_not_synced(void **state)
{
    struct story *s = *state;

    receives(s, 2);
    judge(s, 1);
    check_crash(s->c, 1, 0);
    start(s, 1, 2);
    assert_null(s->c->violation);
    assert_int_equal(s->core[1].last, 0);
    assert_int_equal(s->c->nodes[1].live.last, 0);
}

static void test_log_goes_on(void **state)
{
    struct story *s = *state;

    copies(s, 3);
    receives(s, 2);
    judge(s, 1);
    synced(s, 1);
    step(s, 1, (struct raft_event){.type = RAFT_EV_FLUSH});
    assert_null(s->c->violation);
    assert_int_equal(s->c->nodes[1].disk.last, 3);
    assert_int_equal(s->c->nodes[1].disk.cut, 0);
    assert_int_equal(s->out->messages[0].match, 3);
}

static void test_nobody_committed(void **state)
{
    struct story *s = *state;

    receives(s, 4);
    expect(s, "X3 snapshot: a state that nobody committed");
}

static void test_other_entry(void **state)
{
    struct story *s = *state;

    s->c->committed[2].term = 9;
    receives(s, 2);
    expect(s, "X3 snapshot: a state that nobody committed");
}

static void test_nobody_offered(void **state)
{
    struct story *s = *state;

    receives(s, 2);
    s->event.type = RAFT_EV_FLUSH;
    expect(s, "X3 snapshot: a state that nobody offered");
}

static void test_older(void **state)
{
    struct story *s = *state;

    receives(s, 2);
    s->before.commit = 2;
    expect(s, "X3 snapshot: a state older than what is committed");
}

static void test_leader(void **state)
{
    struct story *s = *state;

    receives(s, 2);
    s->before.role = RAFT_LEADER;
    expect(s, "X3 snapshot: a leader takes over a state");
}

static void test_commits_more(void **state)
{
    struct story *s = *state;

    receives(s, 2);
    s->core[1].commit = 3;
    expect(s, "X3 snapshot: commits more, or less, than the state has");
}

static void test_earlier_term(void **state)
{
    struct story *s = *state;

    s->c->committed_in[2] = 2;
    receives(s, 2);
    expect(s, "X3 snapshot: in a term that may lack what is in the state");
}

static void test_keeps_another_log(void **state)
{
    struct story *s = *state;

    receives(s, 2);
    s->out->write.restore_keeps_log = true;
    expect(s, "X3 snapshot: keeps a log that does not lead to the state");
}

static void test_drops_what_goes_on(void **state)
{
    struct story *s = *state;

    copies(s, 3);
    receives(s, 2);
    s->out->write.restore_keeps_log = false;
    expect(s, "X3 snapshot: drops a log that goes on from the state");
}

static void test_does_not_adjoin(void **state)
{
    struct story *s = *state;

    receives(s, 2);
    s->core[1].first = 2;
    expect(s, "X3 snapshot: state and log do not adjoin");
}

static void test_beginning_falls(void **state)
{
    struct story *s = *state;

    does(s, 1, (struct raft_event){.type = RAFT_EV_TICK});
    s->before.first = 2;
    expect(s, "X3 snapshot: the log's beginning fell");
}

static void test_other_members(void **state)
{
    struct story *s = *state;

    s->members.voters = 3;
    receives(s, 2);
    expect(s, "X4 members: others than the newest in the log");
}

static void test_spoken_of_too_early(void **state)
{
    struct story *s = *state;

    receives(s, 2);
    judge(s, 1);
    assert_null(s->c->violation);
    s->core[1].hard_state_seq = 0;
    does(s, 1, (struct raft_event){.type = RAFT_EV_FLUSH});
    expect(s, "X1 durability: acknowledges what is not on its disk");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_legal),
        TEST(test_not_synced),
        TEST(test_log_goes_on),
        TEST(test_nobody_committed),
        TEST(test_other_entry),
        TEST(test_nobody_offered),
        TEST(test_older),
        TEST(test_leader),
        TEST(test_commits_more),
        TEST(test_earlier_term),
        TEST(test_keeps_another_log),
        TEST(test_drops_what_goes_on),
        TEST(test_does_not_adjoin),
        TEST(test_beginning_falls),
        TEST(test_other_members),
        TEST(test_spoken_of_too_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
