/*
 * Elections step by step: what each role remembers of them, how long it is
 * patient, and when it is in a hurry.
 */
#include "unit/raft/core_fixture.h"

#define DELAY_MS 5 /* peer_down_delay_ms of the fixture */

static struct raft_message vote_reply(const struct core_fixture *f, bool pre,
                                      node_id from, raft_term term)
{
    return core_message(f, pre ? RAFT_MSG_PRE_VOTE_REPLY : RAFT_MSG_VOTE_REPLY,
                        from, term);
}

static void grant(struct core_fixture *f, bool pre, node_id from,
                  raft_term term)
{
    struct raft_message m = vote_reply(f, pre, from, term);

    m.granted = true;
    core_receive(f, m);
}

/* Node 0 of five asks in term 3; its own vote is durable or not. */
static void become_candidate(struct core_fixture *f, bool is_durable)
{
    core_boot(f, 0, 5);
    core_tick_at(f, f->r.election_at_ms);
    grant(f, true, 1, 3);
    grant(f, true, 2, 3);
    assert_int_equal(f->r.role, RAFT_CANDIDATE);
    if (is_durable) {
        core_durable(f);
    }
}

/* In a hurry, a candidate that can no longer win among those that are there
 * asks again soon; else it waits. Every answer of nodes 1 to 4 (none, yes,
 * no), every set of links. */
static void one_election(uint32_t code, bool fast)
{
    struct core_fixture f;
    uint32_t possible = 1;
    uint32_t granted = 1;

    become_candidate(&f, true);
    int64_t at = f.r.election_at_ms = f.now_ms + 1000;
    f.r.fast_until_ms = fast ? f.now_ms + 500 : 0;
    for (node_id from = 1; from < 5; from++) {
        f.r.progress[from].link_up = code >> from & 1;
    }
    uint32_t answers = code / 32;
    for (node_id from = 1; from < 5; from++, answers /= 3) {
        bool yes = answers % 3 == 1;
        granted += yes;
        possible += yes || (answers % 3 == 0 && (code >> from & 1));
    }
    if (granted >= 3) {
        return;
    }
    answers = code / 32;
    bool any = false;
    for (node_id from = 1; from < 5; from++, answers /= 3) {
        if (answers % 3 != 0) {
            struct raft_message m = vote_reply(&f, false, from, 3);
            m.granted = answers % 3 == 1;
            f.r.election_at_ms = at; /* what the last answer makes of it */
            core_receive(&f, m);
            any = true;
        }
    }
    assert_int_equal(f.r.role, RAFT_CANDIDATE);
    if (any && fast && possible < 3) {
        assert_true(f.r.election_at_ms > f.now_ms);
        assert_true(f.r.election_at_ms <= f.now_ms + 2 * DELAY_MS);
    } else {
        assert_true(f.r.election_at_ms == at);
    }
}

static void test_lost_elections(void **state)
{
    UNUSED(state);
    for (uint32_t code = 0; code < 32 * 81; code++) {
        one_election(code, false);
        one_election(code, true);
    }
}

/* Nine members, each of which counts, and no more than those. */
static void test_nine_voters(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    for (node_id refuses = 1; refuses < RAFT_NODES_MAX; refuses++) {
        core_boot(&f, 0, RAFT_NODES_MAX);
        core_tick_at(&f, f.r.election_at_ms);
        for (node_id from = 1; from <= 4; from++) {
            grant(&f, true, from, 3);
        }
        core_durable(&f);
        assert_int_equal(f.r.role, RAFT_CANDIDATE);
        f.r.fast_until_ms = f.now_ms + 500;
        for (node_id i = 1; i < RAFT_NODES_MAX; i++) {
            /* The one that refuses is one too many, or not. */
            f.r.progress[i].link_up = i % 2 == 0;
        }
        f.r.election_at_ms = f.now_ms + 1000;
        core_receive(&f, vote_reply(&f, false, refuses, 3));
        assert_int_equal(f.r.election_at_ms < f.now_ms + 1000,
                         refuses % 2 == 0);
    }
}

/* A voter whose log the candidate lacks is in a hurry itself, if the leader's
 * process is gone: it could win. */
static void test_better_than_candidate(void **state)
{
    UNUSED(state);
    for (uint32_t code = 0; code < 24; code++) {
        struct core_fixture f;
        bool has_voted = code % 2 != 0;
        bool behind = code / 2 % 2 != 0;
        bool fast = code / 4 % 2 != 0;
        uint32_t role = code / 8;
        core_boot(&f, 0, 3);
        f.r.term = 7;
        f.r.vote = has_voted || role == 2 ? (role == 2 ? 0 : 2) : NODE_NONE;
        if (role == 1) {
            core_tick_at(&f, f.r.election_at_ms);
            assert_int_equal(f.r.role, RAFT_PRE_CANDIDATE);
        } else if (role == 2) {
            f.r.role = RAFT_CANDIDATE;
            f.r.votes_granted = 1;
        }
        f.r.fast_until_ms = fast ? f.now_ms + 500 : 0;
        f.r.election_at_ms = f.now_ms + 1000;
        struct raft_message m = core_message(&f, RAFT_MSG_VOTE, 1, 7);
        m.index = behind ? 3 : 9;
        m.index_term = 2;
        bool free = f.r.vote == NODE_NONE;
        core_receive(&f, m);
        bool hurries = free && behind && fast && role == 0;
        bool grants = free && !behind;
        if (grants) {
            assert_int_equal(f.r.role, RAFT_FOLLOWER);
            assert_int_equal(f.r.vote, 1);
            assert_int_equal(f.r.votes_granted, 0);
            assert_true(f.r.election_at_ms >= f.now_ms + ELECTION_MS);
            assert_true(f.r.election_at_ms < f.now_ms + 2 * ELECTION_MS);
        } else if (hurries) {
            assert_true(f.r.election_at_ms > f.now_ms);
            assert_true(f.r.election_at_ms <= f.now_ms + DELAY_MS);
        } else {
            assert_true(f.r.election_at_ms == f.now_ms + 1000);
            assert_int_equal(f.r.role, role);
        }
    }
}

/* Candidates that cannot win, and late answers, raise the term; they do not
 * make those wait longer who have asked for votes themselves. */
static void test_term_sets_no_timer(void **state)
{
    static const enum raft_message_type types[] = {
        RAFT_MSG_VOTE, RAFT_MSG_VOTE_REPLY, RAFT_MSG_APPEND_REPLY,
        RAFT_MSG_HEARTBEAT_REPLY};

    UNUSED(state);
    for (uint32_t code = 0; code < 2 * ARRAY_LEN(types); code++) {
        struct core_fixture f;
        bool candidate = code % 2 != 0;
        become_candidate(&f, true);
        if (!candidate) {
            core_tick_at(&f, f.r.election_at_ms);
            assert_int_equal(f.r.role, RAFT_PRE_CANDIDATE);
        }
        int64_t at = f.r.election_at_ms;
        f.now_ms++;
        struct raft_message m = core_message(&f, types[code / 2], 1, 7);
        m.index = m.index_term = m.type == RAFT_MSG_VOTE;
        core_receive(&f, m);
        assert_int_equal(f.r.role, RAFT_FOLLOWER);
        assert_int_equal(f.r.term, 7);
        assert_true(f.r.election_at_ms == at);
    }
}

/* Who asks for votes owes the leader of before no answers any more. */
static void test_owes_no_answers(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    core_boot(&f, 0, 3);
    core_receive(&f, core_message(&f, RAFT_MSG_HEARTBEAT, 1, 2));
    struct raft_message m = core_message(&f, RAFT_MSG_APPEND, 1, 2);
    m.index = 9; /* does not fit */
    m.index_term = 2;
    core_receive(&f, m);
    assert_true(f.r.reply_heartbeat && f.r.reply_reject);
    core_tick_at(&f, f.r.election_at_ms);
    assert_int_equal(f.r.role, RAFT_PRE_CANDIDATE);
    assert_false(f.r.reply_append || f.r.reply_heartbeat || f.r.reply_reject);
    assert_int_equal(f.r.reject_index, 0);
    assert_int_equal(f.r.reject_term, 0);
    assert_int_equal(f.r.reject_prev, 0);
}

/* Who follows a leader votes for nobody else in its term. */
static void test_leader_is_known(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    core_boot(&f, 0, 3);
    core_receive(&f, core_message(&f, RAFT_MSG_HEARTBEAT, 2, 4));
    core_durable(&f);
    struct raft_message m = core_message(&f, RAFT_MSG_VOTE, 1, 4);
    m.index = 9;
    m.index_term = 3;
    m.transfer = true;
    f.r.fast_until_ms = f.now_ms + 500; /* no hurry for all that */
    f.r.election_at_ms = f.now_ms + 1000;
    core_receive(&f, m);
    assert_true(f.r.election_at_ms == f.now_ms + 1000);
    assert_int_equal(f.r.leader, 2);
    assert_int_equal(f.r.vote, NODE_NONE);
    assert_false(core_sent(&f, RAFT_MSG_VOTE_REPLY, 1)->granted);
}

/* Before its own vote is on disk a candidate counts nothing, asks nobody, and
 * does not begin another election. */
static void test_candidate_waits_for_disk(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    become_candidate(&f, false);
    assert_int_equal(f.out.message_count, 0);
    for (node_id from = 1; from < 5; from++) {
        grant(&f, false, from, 3);
    }
    assert_int_equal(f.r.role, RAFT_CANDIDATE);
    assert_int_equal(f.r.votes_granted, 0);
    core_tick_at(&f, f.r.election_at_ms);
    assert_int_equal(f.r.role, RAFT_CANDIDATE);
    assert_int_equal(f.r.term, 3);
    assert_true(f.r.election_at_ms >= f.now_ms + ELECTION_MS);
    core_durable(&f);
    assert_int_equal(f.out.message_count, 4);
    grant(&f, false, 1, 3);
    grant(&f, false, 2, 3);
    assert_int_equal(f.r.role, RAFT_LEADER);
}

/* An election that is not won begins anew, with nothing of the last one. */
static void test_asks_again(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    become_candidate(&f, true);
    grant(&f, false, 1, 3);
    core_receive(&f, vote_reply(&f, false, 2, 3));
    assert_int_equal(f.r.votes_granted, 3);
    assert_int_equal(f.r.votes_refused, 4);
    core_tick_at(&f, f.r.election_at_ms);
    assert_int_equal(f.r.role, RAFT_PRE_CANDIDATE);
    assert_int_equal(f.r.term, 3);
    assert_int_equal(f.r.votes_granted, 1);
    assert_int_equal(f.r.votes_refused, 0);
    assert_false(f.r.campaign_transfer);
    /* A refusal is noted, a later grant counts, a later refusal does not. */
    core_receive(&f, vote_reply(&f, true, 3, 3));
    assert_int_equal(f.r.votes_refused, 8);
    grant(&f, true, 3, 4);
    assert_int_equal(f.r.votes_granted, 9);
    assert_int_equal(f.r.votes_refused, 0);
    core_receive(&f, vote_reply(&f, true, 3, 3));
    assert_int_equal(f.r.votes_granted, 9);
    assert_int_equal(f.r.votes_refused, 0);
}

/* The disk began to hang after the pre-vote was asked: no campaign. */
static void test_disk_hangs_meanwhile(void **state)
{
    struct raft_config config = core_config(0);
    struct core_fixture f;

    UNUSED(state);
    config.disk_timeout_ms = 30;
    core_boot_with(&f, &config, 3, 1000);
    core_receive(&f, vote_reply(&f, false, 1, 7));
    f.r.election_at_ms = 1010;
    core_tick_at(&f, 1010);
    assert_int_equal(f.r.role, RAFT_PRE_CANDIDATE);
    f.now_ms = 1030;
    grant(&f, true, 1, 8);
    assert_int_equal(f.r.role, RAFT_PRE_CANDIDATE);
    assert_int_equal(f.r.term, 7);
    core_durable(&f);
    grant(&f, true, 1, 8);
    assert_int_equal(f.r.role, RAFT_CANDIDATE);
}

/* The link to the leader breaks: a hurry of two election timeouts, which ends
 * when the link is back or a leader is heard. */
static void test_hurry(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    for (int how = 0; how < 3; how++) {
        struct raft_config config = core_config(0);
        core_boot_with(&f, &config, 3, 0);
        core_receive(&f, core_message(&f, RAFT_MSG_HEARTBEAT, 1, 2));
        core_peer_event(&f, RAFT_EV_PEER_DOWN, 1);
        assert_true(f.r.fast_until_ms == f.now_ms + 2 * ELECTION_MS);
        assert_int_equal(f.r.down_leader, 1);
        assert_true(f.r.election_at_ms > f.now_ms);
        assert_true(f.r.election_at_ms <= f.now_ms + DELAY_MS);
        if (how == 0) {
            core_peer_event(&f, RAFT_EV_PEER_UP, 1);
        } else if (how == 1) {
            core_receive(&f, core_message(&f, RAFT_MSG_HEARTBEAT, 1, 2));
        } else {
            core_receive(&f, core_message(&f, RAFT_MSG_HEARTBEAT, 2, 3));
        }
        assert_int_equal(f.r.fast_until_ms, 0);
        assert_int_equal(f.r.down_leader, NODE_NONE);
        assert_true(f.r.election_at_ms >= f.now_ms + ELECTION_MS);
    }
}

/* What fast timers are drawn from: all of 1 to twice the delay for those who
 * ask, all of 1 to the delay for those who just lost their leader. */
static void test_fast_timers(void **state)
{
    int64_t seen_first = 0;
    int64_t seen_again = 0;

    UNUSED(state);
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct raft_config config = core_config(0);
        struct core_fixture f;
        config.seed = seed;
        core_boot_with(&f, &config, 3, 1000);
        assert_true(f.r.election_at_ms >= f.now_ms + ELECTION_MS);
        assert_true(f.r.election_at_ms < f.now_ms + 2 * ELECTION_MS);
        core_receive(&f, core_message(&f, RAFT_MSG_HEARTBEAT, 1, 2));
        core_peer_event(&f, RAFT_EV_PEER_DOWN, 1);
        int64_t wait = f.r.election_at_ms - f.now_ms;
        assert_true(wait >= 1 && wait <= DELAY_MS);
        seen_first |= INT64_C(1) << wait;
        core_tick_at(&f, f.r.election_at_ms);
        assert_int_equal(f.r.role, RAFT_PRE_CANDIDATE);
        wait = f.r.election_at_ms - f.now_ms;
        assert_true(wait >= 1 && wait <= 2 * DELAY_MS);
        seen_again |= INT64_C(1) << wait;
        f.r.fast_until_ms = f.now_ms; /* over */
        core_tick_at(&f, f.r.election_at_ms);
        assert_true(f.r.election_at_ms >= f.now_ms + ELECTION_MS);
    }
    assert_int_equal(seen_first, (1 << (DELAY_MS + 1)) - 2);
    assert_int_equal(seen_again, (1 << (2 * DELAY_MS + 1)) - 2);
}

/* A late refusal of a pre-vote, of a later term: only who still asks for
 * pre-votes asks again soon. */
static void test_late_refusal(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    core_boot(&f, 0, 5);
    core_receive(&f, vote_reply(&f, true, 1, 8));
    assert_int_equal(f.r.term, 8);
    assert_true(f.r.election_at_ms >= f.now_ms + ELECTION_MS);
    become_candidate(&f, true);
    core_receive(&f, vote_reply(&f, true, 1, 8));
    assert_int_equal(f.r.role, RAFT_FOLLOWER);
    assert_true(f.r.election_at_ms >= f.now_ms + ELECTION_MS);
}

/* One node alone needs nobody's word, nor says that it had any. */
static void test_alone(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    core_boot(&f, 0, 1);
    core_tick_at(&f, f.r.election_at_ms);
    assert_int_equal(f.r.role, RAFT_CANDIDATE);
    assert_false(f.r.campaign_transfer);
    assert_true(f.r.campaign_waits);
    core_durable(&f);
    assert_int_equal(f.r.role, RAFT_LEADER);
    assert_true(raft_quorum_until_ms(&f.r) == RAFT_NEVER_MS);
    core_durable(&f);
    assert_int_equal(f.r.commit, 5);
}

/* Sticking to a leader ends exactly one election timeout after it was heard,
 * and with its link. */
static void test_stickiness(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    core_boot(&f, 0, 3);
    assert_false(raft_sticks_to_leader(&f.r));
    core_receive(&f, core_message(&f, RAFT_MSG_HEARTBEAT, 1, 2));
    f.r.election_at_ms = INT64_MAX;
    assert_true(raft_sticks_to_leader(&f.r));
    core_tick_at(&f, f.now_ms + ELECTION_MS - 1);
    assert_true(raft_sticks_to_leader(&f.r));
    core_tick_at(&f, f.now_ms + 1);
    assert_false(raft_sticks_to_leader(&f.r));
    core_receive(&f, core_message(&f, RAFT_MSG_HEARTBEAT, 1, 2));
    assert_true(raft_sticks_to_leader(&f.r));
    core_peer_event(&f, RAFT_EV_PEER_DOWN, 1);
    assert_false(raft_sticks_to_leader(&f.r));
    core_boot(&f, 0, 3);
    core_win(&f);
    assert_true(raft_sticks_to_leader(&f.r));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lost_elections),
        cmocka_unit_test(test_nine_voters),
        cmocka_unit_test(test_better_than_candidate),
        cmocka_unit_test(test_term_sets_no_timer),
        cmocka_unit_test(test_owes_no_answers),
        cmocka_unit_test(test_leader_is_known),
        cmocka_unit_test(test_candidate_waits_for_disk),
        cmocka_unit_test(test_asks_again),
        cmocka_unit_test(test_disk_hangs_meanwhile),
        cmocka_unit_test(test_hurry),
        cmocka_unit_test(test_fast_timers),
        cmocka_unit_test(test_late_refusal),
        cmocka_unit_test(test_alone),
        cmocka_unit_test(test_stickiness),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
