/*
 * Reads and the handing over of leadership, one answer at a time.
 */
#include "unit/raft/core_fixture.h"

static void ask(struct core_fixture *f, uint64_t read_id)
{
    core_step(f, (struct raft_event){.type = RAFT_EV_READ, .read_id = read_id});
}

static void lead(struct core_fixture *f)
{
    core_boot(f, 1, 3);
    core_win(f);
    core_event(f, RAFT_EV_FLUSH);
}

static void acknowledge(struct core_fixture *f, node_id from, raft_index match,
                        uint64_t round)
{
    struct raft_message m = core_message(f, RAFT_MSG_APPEND_REPLY, from, 3);

    m.match = m.verified = match;
    m.round = round;
    core_receive(f, m);
}

static void ask_from(struct core_fixture *f, node_id from, uint64_t read_id)
{
    struct raft_message m = core_message(f, RAFT_MSG_READ, from, 3);

    m.read_id = read_id;
    core_receive(f, m);
}

/* The leader's own reads and those of others, of several rounds, some of them
 * confirmed: each gets what it needs, the others stay and keep their order. */
static void test_mixed_rounds(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    lead(&f);
    core_durable(&f);
    ask(&f, 10); /* nothing of this term is committed yet */
    ask_from(&f, 0, 20);
    core_event(&f, RAFT_EV_FLUSH);
    assert_int_equal(f.r.round, 1);
    acknowledge(&f, 0, 4, 1);
    core_event(&f, RAFT_EV_FLUSH);
    assert_int_equal(f.out.read_count, 0);
    assert_int_equal(f.r.read_count, 2);
    assert_int_equal(f.r.reads[0].index, 0);
    ask(&f, 11);
    ask_from(&f, 2, 21);
    core_event(&f, RAFT_EV_FLUSH);
    assert_int_equal(f.r.round, 2);
    assert_int_equal(f.r.reads[0].round, 1);
    assert_int_equal(f.r.reads[2].round, 2);
    acknowledge(&f, 0, 5, 1);
    assert_int_equal(f.r.commit, 5);
    assert_int_equal(f.r.reads[0].index, 5);
    core_event(&f, RAFT_EV_FLUSH);
    assert_int_equal(f.out.read_count, 1);
    assert_int_equal(f.out.reads[0].read_id, 10);
    assert_int_equal(f.out.reads[0].index, 5);
    assert_int_equal(f.out.reads[0].time_ms, 0);
    const struct raft_message *m = core_sent(&f, RAFT_MSG_READ_REPLY, 0);
    assert_non_null(m);
    assert_true(m->granted);
    assert_int_equal(m->commit, 5);
    assert_int_equal(m->read_id, 20);
    assert_int_equal(m->to_incarnation, 1);
    assert_int_equal(f.r.read_count, 2);
    assert_int_equal(f.r.reads[0].read_id, 11);
    assert_int_equal(f.r.reads[1].read_id, 21);
    acknowledge(&f, 2, 5, 2);
    core_event(&f, RAFT_EV_FLUSH);
    assert_int_equal(f.out.read_count, 1);
    assert_int_equal(f.out.reads[0].read_id, 11);
    assert_non_null(core_sent(&f, RAFT_MSG_READ_REPLY, 2));
    assert_int_equal(f.r.read_count, 0);
    /* Without a read no round begins. */
    core_event(&f, RAFT_EV_FLUSH);
    assert_int_equal(f.r.round, 2);
}

/* Once its index is known, a read keeps it: what is committed later is not
 * waited for. */
static void test_index_stays(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    lead(&f);
    core_durable(&f);
    acknowledge(&f, 0, 5, 0);
    ask(&f, 10);
    core_step(&f, (struct raft_event){.type = RAFT_EV_PROPOSE, .count = 1});
    core_durable(&f);
    core_event(&f, RAFT_EV_FLUSH);
    acknowledge(&f, 0, 6, 1);
    assert_int_equal(f.r.commit, 6);
    core_event(&f, RAFT_EV_FLUSH);
    assert_int_equal(f.out.read_count, 1);
    assert_int_equal(f.out.reads[0].index, 5);
}

/* An old entry that is committed is not one of this term. */
static void test_old_term_is_not_enough(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    lead(&f);
    f.r.commit = 3; /* told by an earlier leader */
    ask(&f, 10);
    assert_int_equal(f.r.reads[0].index, 0);
    core_event(&f, RAFT_EV_FLUSH);
    acknowledge(&f, 0, 4, 1);
    core_event(&f, RAFT_EV_FLUSH);
    assert_int_equal(f.out.read_count, 0);
    core_durable(&f);
    acknowledge(&f, 0, 5, 1);
    core_event(&f, RAFT_EV_FLUSH);
    assert_int_equal(f.out.read_count, 1);
}

/* Leadership ends: its own reads are lost, others are refused. */
static void test_step_down(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    lead(&f);
    ask(&f, 10);
    ask_from(&f, 0, 20);
    ask(&f, 11);
    struct raft_message m = core_message(&f, RAFT_MSG_HEARTBEAT, 2, 4);
    core_receive(&f, m);
    assert_int_equal(f.out.reads_lost_count, 2);
    assert_int_equal(f.out.reads_lost[0], 10);
    assert_int_equal(f.out.reads_lost[1], 11);
    const struct raft_message *said = core_sent(&f, RAFT_MSG_READ_REPLY, 0);
    assert_non_null(said);
    assert_false(said->granted);
    assert_int_equal(said->commit, 0);
    assert_int_equal(said->read_id, 20);
    /* Who follows refuses at once. */
    m = core_message(&f, RAFT_MSG_READ, 0, 4);
    m.read_id = 22;
    core_receive(&f, m);
    said = core_sent(&f, RAFT_MSG_READ_REPLY, 0);
    assert_non_null(said);
    assert_false(said->granted);
    assert_int_equal(said->read_id, 22);
}

/* Refused, it tells no index; answered, it goes to who asked, and not to the
 * peer's later start. */
static void test_who_asked(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    lead(&f);
    core_durable(&f);
    acknowledge(&f, 2, 5, 0);
    ask_from(&f, 0, 20);
    core_event(&f, RAFT_EV_FLUSH);
    struct raft_message m = core_message(&f, RAFT_MSG_APPEND_REPLY, 0, 3);
    m.from_incarnation = 2;
    core_receive(&f, m);
    acknowledge(&f, 2, 5, 1);
    core_event(&f, RAFT_EV_FLUSH);
    assert_int_equal(core_sent(&f, RAFT_MSG_READ_REPLY, 0)->to_incarnation, 1);
    ask_from(&f, 2, 21);
    core_receive(&f, core_message(&f, RAFT_MSG_HEARTBEAT, 2, 4));
    assert_int_equal(core_sent(&f, RAFT_MSG_READ_REPLY, 2)->commit, 0);
}

static void follow(struct core_fixture *f)
{
    core_boot(f, 1, 3);
    core_receive(f, core_message(f, RAFT_MSG_HEARTBEAT, 0, 2));
    core_event(f, RAFT_EV_FLUSH);
}

static void answered(struct core_fixture *f, uint64_t read_id, bool granted,
                     raft_index commit)
{
    struct raft_message m = core_message(f, RAFT_MSG_READ_REPLY, 0, 2);

    m.read_id = read_id;
    m.granted = granted;
    m.commit = commit;
    m.time_ms = granted ? 777 : 0;
    core_receive(f, m);
}

/* Four questions, three have left: answered, refused, of the wrong sender,
 * not asked; the times of those that stay go with them. */
static void test_answers(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    follow(&f);
    ask(&f, 1);
    f.now_ms++;
    ask(&f, 2);
    f.now_ms++;
    ask(&f, 3);
    core_event(&f, RAFT_EV_FLUSH);
    assert_int_equal(f.out.message_count, 3);
    assert_int_equal(f.out.messages[0].type, RAFT_MSG_READ);
    assert_int_equal(f.out.messages[2].read_id, 3);
    f.now_ms++;
    ask(&f, 4);
    answered(&f, 4, true, 2); /* was not asked yet */
    assert_int_equal(f.out.read_count, 0);
    struct raft_message m = core_message(&f, RAFT_MSG_READ_REPLY, 2, 2);
    m.read_id = 2;
    m.granted = true;
    core_receive(&f, m); /* does not lead */
    assert_int_equal(f.out.read_count, 0);
    answered(&f, 9, true, 2);
    assert_int_equal(f.out.read_count + f.out.reads_lost_count, 0);
    answered(&f, 2, true, 3);
    assert_int_equal(f.out.read_count, 1);
    assert_int_equal(f.out.reads[0].read_id, 2);
    assert_int_equal(f.out.reads[0].index, 3);
    assert_int_equal(f.out.reads[0].time_ms, 777);
    assert_int_equal(f.r.leader_commit, 3);
    assert_int_equal(f.r.commit, 1); /* nothing was compared yet */
    assert_int_equal(f.r.reads_asked_count, 3);
    assert_int_equal(f.r.reads_asked_sent, 2);
    assert_int_equal(f.r.reads_asked[1], 3);
    assert_true(f.r.reads_asked_ms[1] == f.now_ms - 1);
    answered(&f, 2, true, 3); /* repeated */
    assert_int_equal(f.out.read_count, 0);
    answered(&f, 1, false, 0);
    assert_int_equal(f.out.reads_lost_count, 1);
    assert_int_equal(f.out.reads_lost[0], 1);
    core_event(&f, RAFT_EV_FLUSH);
    assert_int_equal(f.out.message_count, 1);
    assert_int_equal(f.out.messages[0].read_id, 4);
    /* In the order of their times, each in its own. */
    int64_t third = f.r.reads_asked_ms[0];
    f.r.election_at_ms = INT64_MAX;
    core_tick_at(&f, third + ELECTION_MS);
    assert_int_equal(f.out.reads_lost_count, 1);
    assert_int_equal(f.out.reads_lost[0], 3);
    assert_int_equal(f.r.reads_asked_sent, 1);
    core_tick_at(&f, third + ELECTION_MS + 1);
    assert_int_equal(f.out.reads_lost_count, 1);
    assert_int_equal(f.out.reads_lost[0], 4);
}

/* What the answer says is committed is, as far as the logs were compared. */
static void test_answer_commits(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    follow(&f);
    struct raft_message m = core_message(&f, RAFT_MSG_APPEND, 0, 2);
    m.index = 4;
    m.index_term = 2;
    core_receive(&f, m);
    ask(&f, 1);
    core_event(&f, RAFT_EV_FLUSH);
    answered(&f, 1, true, 4);
    assert_int_equal(f.r.commit, 4);
}

/* Places are limited, on both sides; a question without leader is lost. */
static void test_limits(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    core_boot(&f, 1, 3);
    ask(&f, 1);
    assert_int_equal(f.out.reads_lost_count, 1);
    follow(&f);
    for (uint64_t i = 0; i < RAFT_READS_MAX; i++) {
        ask(&f, i);
        assert_int_equal(f.out.reads_lost_count, 0);
    }
    ask(&f, 99);
    assert_int_equal(f.out.reads_lost_count, 1);
    core_event(&f, RAFT_EV_FLUSH);
    assert_int_equal(f.out.message_count, RAFT_READS_MAX);
    answered(&f, RAFT_READS_MAX - 1, true, 1);
    assert_int_equal(f.out.read_count, 1);
    answered(&f, 0, true, 1);
    assert_int_equal(f.out.read_count, 1);
    assert_int_equal(f.r.reads_asked[0], 1);
    assert_int_equal(f.r.reads_asked_count, RAFT_READS_MAX - 2);
    core_receive(&f, core_message(&f, RAFT_MSG_HEARTBEAT, 2, 9));
    assert_int_equal(f.out.reads_lost_count, RAFT_READS_MAX - 2);
}

/* The place of a leader's reads, all taken, are given back. */
static void test_all_places(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    lead(&f);
    core_durable(&f);
    acknowledge(&f, 0, 5, 0);
    for (uint64_t i = 0; i < RAFT_READS_MAX; i++) {
        ask(&f, i);
    }
    core_event(&f, RAFT_EV_FLUSH);
    assert_int_equal(f.r.read_count, RAFT_READS_MAX);
    assert_true(raft_can_propose(&f.r)); /* what stands behind is whole */
    acknowledge(&f, 2, 5, 1);
    core_event(&f, RAFT_EV_FLUSH);
    assert_int_equal(f.out.read_count, RAFT_READS_MAX);
    for (uint64_t i = 0; i < RAFT_READS_MAX; i++) {
        assert_int_equal(f.out.reads[i].read_id, i);
        assert_int_equal(f.out.reads[i].index, 5);
    }
    assert_int_equal(f.r.read_count, 0);
}

/* Nobody named: the most advanced of those that can be reached, the first of
 * equals; nobody at all if nobody is there. */
static void test_best_target(void **state)
{
    static const struct {
        raft_index match[3];
        bool up[3];
        node_id best;
    } rows[] = {
        {{4, 0, 5}, {true, false, true}, 2},
        {{5, 0, 4}, {true, false, true}, 0},
        {{5, 0, 5}, {true, false, true}, 0},
        {{4, 0, 5}, {true, false, false}, 0},
        {{5, 0, 4}, {false, false, true}, 2},
        {{0, 0, 0}, {false, false, true}, 2},
        {{0, 5, 0}, {true, true, false}, 0},
        {{0, 5, 0}, {false, true, false}, NODE_NONE},
    };

    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct core_fixture f;
        lead(&f);
        for (uint32_t k = 0; k < 3; k++) {
            struct raft_progress *p = &f.r.progress[k];
            p->link_up = rows[i].up[k];
            p->match = p->verified = rows[i].match[k];
            p->next = f.r.last + 1;
        }
        core_peer_event(&f, RAFT_EV_TRANSFER, NODE_NONE);
        assert_int_equal(f.r.transfer_to, rows[i].best);
        assert_int_equal(f.out.transfer_ended, rows[i].best == NODE_NONE);
        assert_int_equal(raft_can_propose(&f.r), rows[i].best == NODE_NONE);
    }
}

/* To itself, to a stranger, by one who does not lead: over at once. */
static void test_no_target(void **state)
{
    static const node_id peers[] = {1, 3, NODE_NONE};
    struct core_fixture f;

    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(peers); i++) {
        lead(&f);
        core_peer_event(&f, RAFT_EV_TRANSFER, peers[i]);
        assert_true(f.out.transfer_ended);
        assert_int_equal(f.r.transfer_to, NODE_NONE);
        assert_int_equal(f.r.transfer_until_ms, 0);
    }
    follow(&f);
    core_peer_event(&f, RAFT_EV_TRANSFER, 2);
    assert_true(f.out.transfer_ended);
    assert_int_equal(f.r.transfer_to, NODE_NONE);
}

/* It is told to campaign once it has all, once; another choice begins anew. */
static void test_timeout_now_once(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    lead(&f);
    core_durable(&f);
    acknowledge(&f, 2, 4, 0);
    core_peer_event(&f, RAFT_EV_TRANSFER, 2);
    assert_true(f.r.transfer_until_ms == f.now_ms + ELECTION_MS);
    core_event(&f, RAFT_EV_FLUSH);
    assert_null(core_sent(&f, RAFT_MSG_TIMEOUT_NOW, 2));
    acknowledge(&f, 0, 5, 0);
    core_event(&f, RAFT_EV_FLUSH);
    assert_null(core_sent(&f, RAFT_MSG_TIMEOUT_NOW, 0));
    acknowledge(&f, 2, 5, 0);
    core_event(&f, RAFT_EV_FLUSH);
    assert_non_null(core_sent(&f, RAFT_MSG_TIMEOUT_NOW, 2));
    core_event(&f, RAFT_EV_FLUSH);
    assert_null(core_sent(&f, RAFT_MSG_TIMEOUT_NOW, 2));
    core_peer_event(&f, RAFT_EV_TRANSFER, 0);
    core_event(&f, RAFT_EV_FLUSH);
    assert_non_null(core_sent(&f, RAFT_MSG_TIMEOUT_NOW, 0));
    /* The link of another breaks, then its own. */
    core_peer_event(&f, RAFT_EV_PEER_DOWN, 2);
    assert_false(f.out.transfer_ended);
    core_peer_event(&f, RAFT_EV_PEER_DOWN, 0);
    assert_true(f.out.transfer_ended);
    assert_true(raft_can_propose(&f.r));
}

/* Only the leader that is followed can tell to campaign, and only one who
 * follows it obeys. */
static void test_timeout_now_obeyed(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    follow(&f);
    core_receive(&f, core_message(&f, RAFT_MSG_TIMEOUT_NOW, 2, 2));
    assert_int_equal(f.r.role, RAFT_FOLLOWER);
    core_receive(&f, core_message(&f, RAFT_MSG_TIMEOUT_NOW, 0, 2));
    assert_int_equal(f.r.role, RAFT_CANDIDATE);
    assert_int_equal(f.r.term, 3);
    core_durable(&f);
    const struct raft_message *m = core_sent(&f, RAFT_MSG_VOTE, 2);
    assert_non_null(m);
    assert_true(m->transfer);
    /* Again, as it is a candidate now; and in that term from another. */
    core_receive(&f, core_message(&f, RAFT_MSG_TIMEOUT_NOW, 0, 2));
    assert_int_equal(f.r.term, 3);
    core_receive(&f, core_message(&f, RAFT_MSG_TIMEOUT_NOW, 2, 3));
    assert_int_equal(f.r.term, 3);
    /* Also by the leader of a term that is news. */
    follow(&f);
    core_receive(&f, core_message(&f, RAFT_MSG_TIMEOUT_NOW, 2, 6));
    assert_int_equal(f.r.role, RAFT_CANDIDATE);
    assert_int_equal(f.r.term, 7);
    /* An ordinary campaign says nothing of a transfer. */
    core_boot(&f, 1, 3);
    core_tick_at(&f, f.r.election_at_ms);
    assert_false(core_sent(&f, RAFT_MSG_PRE_VOTE, 0)->transfer);
    struct raft_message grant = core_message(&f, RAFT_MSG_PRE_VOTE_REPLY, 2, 3);
    grant.granted = true;
    core_receive(&f, grant);
    core_durable(&f);
    assert_false(core_sent(&f, RAFT_MSG_VOTE, 0)->transfer);
}

/* A disk that hangs makes no leader, whoever asks for it. */
static void test_timeout_now_with_bad_disk(void **state)
{
    struct raft_config config = core_config(1);
    struct core_fixture f;

    UNUSED(state);
    config.disk_timeout_ms = 30;
    core_boot_with(&f, &config, 3, 1000);
    core_receive(&f, core_message(&f, RAFT_MSG_HEARTBEAT, 0, 3));
    f.now_ms += 30;
    core_receive(&f, core_message(&f, RAFT_MSG_TIMEOUT_NOW, 0, 3));
    assert_int_equal(f.r.role, RAFT_FOLLOWER);
    assert_int_equal(f.r.term, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mixed_rounds),
        cmocka_unit_test(test_index_stays),
        cmocka_unit_test(test_old_term_is_not_enough),
        cmocka_unit_test(test_step_down),
        cmocka_unit_test(test_who_asked),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_answer_commits),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_all_places),
        cmocka_unit_test(test_best_target),
        cmocka_unit_test(test_no_target),
        cmocka_unit_test(test_timeout_now_once),
        cmocka_unit_test(test_timeout_now_obeyed),
        cmocka_unit_test(test_timeout_now_with_bad_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
