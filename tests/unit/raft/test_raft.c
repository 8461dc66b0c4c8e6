/*
 * Single steps: the vote rule, message validation, deadlines, and that a core
 * is flat: equal histories give equal bytes, whatever was in the memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "raft/raft_internal.h"

struct fixture {
    struct raft r;
    struct raft_out out;
    int64_t now_ms;
};

static void start_at(struct fixture *f, int64_t now_ms, uint32_t nodes)
{
    static const struct raft_run runs[] = {{1, 1}, {3, 2}};
    struct raft_config config = {.cluster_id = 9,
                                 .group = 2,
                                 .self = 0,
                                 .incarnation = 5,
                                 .election_timeout_ms = 100,
                                 .heartbeat_ms = 20,
                                 .peer_down_delay_ms = 5,
                                 .append_entries_max = 8,
                                 .window_max = 2,
                                 .seed = 3};
    struct raft_start start = {
        .term = 2,
        .vote = NODE_NONE,
        .log_first = 1,
        .log_last = 4,
        .runs = runs,
        .run_count = 2,
        .applied = 1,
        .members = {{nodes, {0, 1, 2}, (1U << nodes) - 1, 0, {0}}},
        .members_count = 1};

    f->now_ms = now_ms;
    raft_init(&f->r, &config, &start, now_ms);
}

static void step(struct fixture *f, struct raft_event event)
{
    event.now_ms = f->now_ms;
    raft_step(&f->r, &event, &f->out);
}

static void durable(struct fixture *f)
{
    step(f, (struct raft_event){.type = RAFT_EV_DURABLE,
                                .seq = f->r.write_seq,
                                .index = f->r.last});
}

static struct raft_message message(enum raft_message_type type, node_id from,
                                   raft_term term)
{
    struct raft_message m;

    memset(&m, 0, sizeof(m));
    m.type = type;
    m.cluster_id = 9;
    m.group = 2;
    m.from = from;
    m.from_incarnation = 1;
    m.term = term;
    return m;
}

static void receive(struct fixture *f, struct raft_message m)
{
    step(f, (struct raft_event){.type = RAFT_EV_MESSAGE, .message = &m});
}

/* Makes node 0 lead term 3. */
static void win(struct fixture *f)
{
    f->now_ms = f->r.election_at_ms;
    step(f, (struct raft_event){.type = RAFT_EV_TICK});
    struct raft_message m = message(RAFT_MSG_PRE_VOTE_REPLY, 1, 3);
    m.granted = true;
    receive(f, m);
    assert_int_equal(f->r.role, RAFT_CANDIDATE);
    durable(f);
    m.type = RAFT_MSG_VOTE_REPLY;
    receive(f, m);
    assert_int_equal(f->r.role, RAFT_LEADER);
}

static void test_up_to_date(void **state)
{
    UNUSED(state);
    assert_true(raft_up_to_date(2, 4, 2, 4));
    assert_true(raft_up_to_date(2, 5, 2, 4));
    assert_false(raft_up_to_date(2, 3, 2, 4));
    assert_true(raft_up_to_date(3, 1, 2, 4));
    assert_false(raft_up_to_date(1, 9, 2, 4));
}

/* Every combination of what decides a vote. */
static void test_vote_rule(void **state)
{
    UNUSED(state);
    for (uint32_t code = 0; code < 6 * 3 * 2 * 2 * 3; code++) {
        struct fixture f;
        raft_index index = 1 + code % 6;
        raft_term index_term = 1 + code / 6 % 3;
        bool sticky = code / 18 % 2 != 0;
        bool transfer = code / 36 % 2 != 0;
        node_id vote = code / 72 == 0 ? NODE_NONE : code / 72; /* or 1, 2 */
        start_at(&f, 1000, 3);
        struct raft_message m = message(RAFT_MSG_VOTE, 1, 4);
        m.index = index;
        m.index_term = index_term;
        m.transfer = transfer;
        if (vote != NODE_NONE) {
            f.r.term = 4;
            f.r.vote = vote;
        } else if (sticky) {
            f.r.leader = 2;
            f.r.leader_heard_ms = 950;
        }
        receive(&f, m);
        bool grant = raft_up_to_date(index_term, index, 2, 4) && vote != 2 &&
                     (vote != NODE_NONE || !sticky || transfer);
        bool ignored = vote == NODE_NONE && sticky && !transfer;
        assert_int_equal(f.r.term, ignored ? 2 : 4);
        assert_int_equal(f.r.vote, grant ? 1 : vote);
        if (f.r.write_seq > 0 && grant) {
            assert_int_equal(f.out.message_count, 0); /* not yet durable */
            durable(&f);
        }
        assert_int_equal(f.out.message_count, ignored ? 0 : 1);
        assert_true(ignored || f.out.messages[0].granted == grant);
    }
}

static void test_entries_of_messages(void **state)
{
    struct fixture f;
    struct raft_message good = message(RAFT_MSG_APPEND, 1, 5);
    struct raft_message m;

    UNUSED(state);
    start_at(&f, 0, 3);
    good.index = 4;
    good.index_term = 2;
    good.count = 3;
    good.run_count = 2;
    good.runs[0] = (struct raft_run){5, 2};
    good.runs[1] = (struct raft_run){7, 5};
    assert_true(raft_message_valid(&f.r, &good));
#define BAD(change)                                                            \
    do {                                                                       \
        m = good;                                                              \
        change;                                                                \
        assert_false(raft_message_valid(&f.r, &m));                            \
    } while (0)
    BAD(m.count = 2);
    BAD(m.count = 0);
    BAD(m.run_count = 0);
    BAD(m.run_count = RAFT_MESSAGE_RUNS_MAX + 1);
    BAD(m.run_count = UINT32_MAX);
    BAD(m.runs[0].first = 6);
    BAD(m.runs[0].first = 4);
    BAD(m.runs[1].first = 5);
    BAD(m.runs[1].first = 8);
    BAD(m.runs[0].term = 1);
    BAD(m.runs[1].term = 1);
    BAD(m.runs[1].term = 6);
    BAD(m.index_term = 6);
    BAD(m.index_term = 0);
    BAD(m.term = 0);
    BAD(m.term = RAFT_NUMBER_MAX + 1);
    BAD(m.commit = UINT64_MAX);
    BAD(m.type = RAFT_MSG_TYPE_END);
    BAD(m.type = (enum raft_message_type)0);
    BAD(m.from = NODE_NONE);
    BAD(m.from = 0);
    BAD(m.to = 1);
    BAD(m.group = 0);
    BAD(m.cluster_id = 1);
    BAD(m.from_incarnation = 0);
    BAD(m.to_incarnation = 4);
#undef BAD
}

static void test_deadlines(void **state)
{
    static const int64_t starts[] = {0, (INT64_C(1) << 31) - 50,
                                     (INT64_C(1) << 32) - 50, INT64_C(1) << 62};

    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
        struct fixture f;
        start_at(&f, starts[i], 3);
        int64_t at = raft_deadline_ms(&f.r);
        assert_true(at >= starts[i] + 100 && at < starts[i] + 200);
        f.now_ms = at - 1;
        step(&f, (struct raft_event){.type = RAFT_EV_TICK});
        assert_int_equal(f.r.role, RAFT_FOLLOWER);
        win(&f);
        assert_true(raft_deadline_ms(&f.r) == f.now_ms + 20); /* heartbeat */
        step(&f, (struct raft_event){.type = RAFT_EV_FLUSH});
        f.now_ms += 90;
        step(&f, (struct raft_event){.type = RAFT_EV_TICK});
        step(&f, (struct raft_event){.type = RAFT_EV_FLUSH});
        assert_true(raft_deadline_ms(&f.r) == f.now_ms + 10); /* quorum */
        f.now_ms += 10;
        step(&f, (struct raft_event){.type = RAFT_EV_TICK});
        assert_int_equal(f.r.role, RAFT_FOLLOWER);
        assert_true(raft_deadline_ms(&f.r) >= f.now_ms + 100);
    }
}

static void test_transfer_deadline(void **state)
{
    struct fixture f;

    UNUSED(state);
    start_at(&f, 0, 3);
    win(&f);
    step(&f, (struct raft_event){.type = RAFT_EV_TRANSFER, .peer = 2});
    assert_false(raft_can_propose(&f.r));
    f.r.quorum_check_ms = INT64_MAX; /* followers would answer */
    f.now_ms += 99;
    step(&f, (struct raft_event){.type = RAFT_EV_TICK});
    assert_false(f.out.transfer_ended);
    f.now_ms += 1;
    step(&f, (struct raft_event){.type = RAFT_EV_TICK});
    assert_true(f.out.transfer_ended);
    assert_true(raft_can_propose(&f.r));
}

/* What is beyond the voters is nobody: a transfer to whom it may concern goes
 * to the follower that has most. */
static void test_transfer_beyond_voters(void **state)
{
    struct fixture f;

    UNUSED(state);
    start_at(&f, 0, 3);
    win(&f);
    for (uint32_t i = 3; i < RAFT_NODES_MAX; i++) {
        f.r.members[RAFT_NEWEST].ids[i] = i;
        f.r.progress[i].link_up = true;
        f.r.progress[i].recovering = false;
        f.r.progress[i].match = 1000;
    }
    for (uint32_t i = 1; i < 3; i++) {
        f.r.progress[i].link_up = true;
        f.r.progress[i].match = 1 + i;
        f.r.progress[i].verified = 1 + i;
        f.r.progress[i].next = 2 + i;
    }
    step(&f, (struct raft_event){.type = RAFT_EV_TRANSFER, .peer = NODE_NONE});
    assert_false(f.out.transfer_ended);
    assert_int_equal(f.r.transfer_to, 2);
}

/* All places for reads taken: the next one is lost, the others are not. */
static void test_reads_full(void **state)
{
    struct fixture f;

    UNUSED(state);
    start_at(&f, 0, 3);
    win(&f);
    for (uint64_t i = 0; i < RAFT_READS_MAX; i++) {
        step(&f, (struct raft_event){.type = RAFT_EV_READ, .read_id = i});
        assert_int_equal(f.out.reads_lost_count, 0);
    }
    step(&f, (struct raft_event){.type = RAFT_EV_READ, .read_id = 777});
    assert_int_equal(f.out.reads_lost_count, 1);
    assert_int_equal(f.out.reads_lost[0], 777);
    struct raft_message m = message(RAFT_MSG_READ, 1, 3);
    receive(&f, m);
    assert_int_equal(f.out.message_count, 1);
    assert_false(f.out.messages[0].granted);
    receive(&f, message(RAFT_MSG_HEARTBEAT, 2, 8));
    assert_int_equal(f.out.reads_lost_count, RAFT_READS_MAX);
}

/* The empty entry, and the term it is written with. */
static void test_term_start(void **state)
{
    struct fixture f;

    UNUSED(state);
    start_at(&f, 0, 3);
    win(&f);
    assert_true(f.out.write.append_empty);
    assert_int_equal(f.out.write.append_first, 5);
    assert_int_equal(f.out.write.append_last, 5);
    assert_int_equal(f.out.write.append_term, 3);
    step(&f, (struct raft_event){.type = RAFT_EV_PROPOSE, .count = 3});
    assert_false(f.out.write.append_empty);
    assert_int_equal(f.out.write.append_first, 6);
    assert_int_equal(f.out.write.append_last, 8);
    assert_int_equal(f.out.write.append_term, 3);
    assert_false(f.out.write.hard_state);
}

static void run_history(struct fixture *f)
{
    start_at(f, 0, 3);
    win(f);
    step(f, (struct raft_event){.type = RAFT_EV_READ, .read_id = 4});
    receive(f, message(RAFT_MSG_READ, 1, 3));
    step(f, (struct raft_event){.type = RAFT_EV_FLUSH});
    step(f, (struct raft_event){.type = RAFT_EV_TRANSFER, .peer = 1});
    receive(f, message(RAFT_MSG_HEARTBEAT, 2, 8));
    durable(f);
    step(f, (struct raft_event){.type = RAFT_EV_READ, .read_id = 5});
    step(f, (struct raft_event){.type = RAFT_EV_FLUSH});
    step(f, (struct raft_event){.type = RAFT_EV_PEER_DOWN, .peer = 2});
}

static void test_equal_bytes(void **state)
{
    struct fixture a;
    struct fixture b;

    UNUSED(state);
    memset(&a, 0x00, sizeof(a));
    memset(&b, 0xff, sizeof(b));
    run_history(&a);
    run_history(&b);
    assert_memory_equal(&a.r, &b.r, sizeof(a.r));
    struct raft copy;
    memcpy(&copy, &a.r, sizeof(copy));
    receive(&a, message(RAFT_MSG_HEARTBEAT, 2, 9));
    memcpy(&b.r, &copy, sizeof(copy));
    receive(&b, message(RAFT_MSG_HEARTBEAT, 2, 9));
    assert_memory_equal(&a.r, &b.r, sizeof(a.r));
}

static void test_names(void **state)
{
    UNUSED(state);
    for (int t = RAFT_MSG_PRE_VOTE; t < RAFT_MSG_TYPE_END; t++) {
        assert_string_not_equal(raft_message_name((enum raft_message_type)t),
                                "unknown");
    }
    assert_string_equal(raft_message_name(RAFT_MSG_TYPE_END), "unknown");
    assert_string_equal(raft_role_name(RAFT_LEADER), "leader");
    assert_string_equal(raft_role_name((enum raft_role)9), "unknown");
}

/* Node 0 asks for pre-votes; node 1 says how far the terms are. */
static void pre_vote_refused(struct fixture *f, raft_term term)
{
    f->now_ms = f->r.election_at_ms;
    step(f, (struct raft_event){.type = RAFT_EV_TICK});
    assert_int_equal(f->r.role, RAFT_PRE_CANDIDATE);
    receive(f, message(RAFT_MSG_PRE_VOTE_REPLY, 1, term));
    assert_int_equal(f->r.term, MAX(term, 2));
}

/* A term behind: again within a heartbeat. Refused by those of the same term:
 * after a timeout. Each term is good for one such hurry. */
static void test_behind_asks_again(void **state)
{
    struct fixture f;

    UNUSED(state);
    start_at(&f, 1000, 3);
    for (raft_term term = 3; term < 40; term++) {
        pre_vote_refused(&f, term);
        assert_int_equal(f.r.role, RAFT_FOLLOWER);
        assert_true(f.r.election_at_ms > f.now_ms);
        assert_true(f.r.election_at_ms <= f.now_ms + 20);
        pre_vote_refused(&f, term);
        assert_int_equal(f.r.role, RAFT_PRE_CANDIDATE);
        assert_true(f.r.election_at_ms >= f.now_ms + 100);
    }
}

/* A leader of the new term is heard: no hurry any more. */
static void test_behind_hears_leader(void **state)
{
    struct fixture f;

    UNUSED(state);
    start_at(&f, 1000, 3);
    pre_vote_refused(&f, 3);
    receive(&f, message(RAFT_MSG_HEARTBEAT, 1, 3));
    assert_true(f.r.election_at_ms >= f.now_ms + 100);
}

static node_id addressed(const struct fixture *f, uint32_t pos)
{
    for (uint32_t i = 0; i < f->out.message_count; i++) {
        if (f->out.messages[i].to == raft_newest(&f->r)->ids[pos]) {
            return (node_id)f->out.messages[i].to_incarnation;
        }
    }
    return NODE_NONE;
}

/* The handshake tells that the peer has restarted; a late answer of its
 * earlier start changes nothing, and what is sent reaches the new one. */
static void test_handshake_incarnation(void **state)
{
    struct fixture f;

    UNUSED(state);
    start_at(&f, 1000, 3);
    win(&f);
    assert_int_equal(f.r.progress[1].incarnation, 1);
    struct raft_event up = {
        .type = RAFT_EV_PEER_UP, .peer = 1, .incarnation = 2};
    step(&f, up);
    receive(&f, message(RAFT_MSG_HEARTBEAT_REPLY, 1, 3));
    step(&f, (struct raft_event){.type = RAFT_EV_FLUSH});
    assert_int_equal(addressed(&f, 1), 2);
    /* Not told: nothing is insisted on. */
    up.incarnation = 0;
    step(&f, up);
    step(&f, (struct raft_event){.type = RAFT_EV_FLUSH});
    assert_int_equal(addressed(&f, 1), 0);
    /* The handshake of an old connection. */
    up.incarnation = 1;
    step(&f, up);
    assert_int_equal(f.r.progress[1].incarnation, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_up_to_date),
        cmocka_unit_test(test_vote_rule),
        cmocka_unit_test(test_entries_of_messages),
        cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_transfer_deadline),
        cmocka_unit_test(test_transfer_beyond_voters),
        cmocka_unit_test(test_reads_full),
        cmocka_unit_test(test_term_start),
        cmocka_unit_test(test_equal_bytes),
        cmocka_unit_test(test_behind_asks_again),
        cmocka_unit_test(test_behind_hears_leader),
        cmocka_unit_test(test_handshake_incarnation),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
