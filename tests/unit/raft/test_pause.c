/*
 * A member whose disk is short of space: what a leader still sends it, that it
 * counts as before, and who leads.
 */
#include "unit/raft/core_fixture.h"

/* Leader of 3, whose first entry of the term, 5, is known to all. */
static void lead(struct core_fixture *f)
{
    core_boot(f, 0, 3);
    core_win(f);
    core_durable(f);
    core_event(f, RAFT_EV_FLUSH);
    for (node_id peer = 1; peer < 3; peer++) {
        struct raft_message m =
            core_message(f, RAFT_MSG_APPEND_REPLY, peer, f->r.term);
        m.match = m.verified = 5;
        core_receive(f, m);
        assert_int_equal(f->r.progress[peer].state, RAFT_REPLICATE);
    }
    core_event(f, RAFT_EV_FLUSH);
    assert_int_equal(f->r.commit, 5);
}

static void propose(struct core_fixture *f, uint32_t count)
{
    core_step(f, (struct raft_event){.type = RAFT_EV_PROPOSE, .count = count});
    core_durable(f);
    core_event(f, RAFT_EV_FLUSH);
}

static void reply(struct core_fixture *f, enum raft_message_type type,
                  node_id from, raft_index match, uint64_t round)
{
    struct raft_message m = core_message(f, type, from, f->r.term);
    m.match = m.verified = match;
    m.round = round;
    core_receive(f, m);
}

/* In each state it is in; the other one gets all. */
static void test_no_appends(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    lead(&f);
    core_peer_event(&f, RAFT_EV_PAUSE, 2);
    assert_true(f.r.progress[2].paused && !f.r.progress[1].paused);
    assert_int_equal(f.r.progress[2].match, 5);
    for (enum raft_progress_state s = RAFT_PROBE; s <= RAFT_SNAPSHOT; s++) {
        f.r.progress[2].state = s;
        propose(&f, 1);
        assert_non_null(core_sent(&f, RAFT_MSG_APPEND, 1));
        assert_null(core_sent(&f, RAFT_MSG_APPEND, 2));
        assert_int_equal(f.r.progress[2].in_flight, 0);
        reply(&f, RAFT_MSG_APPEND_REPLY, 1, f.r.last, 0);
        assert_int_equal(f.r.commit, f.r.last);
        assert_true(raft_deadline_ms(&f.r) > f.now_ms);
    }
    /* Again and again it is the same. */
    core_peer_event(&f, RAFT_EV_PAUSE, 2);
    core_event(&f, RAFT_EV_FLUSH);
    assert_null(core_sent(&f, RAFT_MSG_APPEND, 2));
}

static void test_counts_as_before(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    lead(&f);
    core_peer_event(&f, RAFT_EV_PAUSE, 2);
    propose(&f, 2);
    /* What it had got already, and has on its disk now. */
    reply(&f, RAFT_MSG_HEARTBEAT_REPLY, 2, 6, 0);
    assert_int_equal(f.r.progress[2].match, 6);
    assert_int_equal(f.r.commit, 6);
    /* It confirms a read. */
    core_step(&f, (struct raft_event){.type = RAFT_EV_READ, .read_id = 4});
    core_event(&f, RAFT_EV_FLUSH);
    const struct raft_message *beat = core_sent(&f, RAFT_MSG_HEARTBEAT, 2);
    assert_non_null(beat);
    assert_int_equal(beat->commit, 6);
    reply(&f, RAFT_MSG_HEARTBEAT_REPLY, 2, 6, beat->round);
    core_event(&f, RAFT_EV_FLUSH);
    assert_int_equal(f.out.read_count, 1);
    assert_int_equal(f.out.reads[0].index, 6);
    /* It is contact enough: nobody else is heard. */
    for (int i = 0; i < 10; i++) {
        core_tick_at(&f, f.now_ms + ELECTION_MS - 1);
        core_event(&f, RAFT_EV_FLUSH);
        assert_non_null(core_sent(&f, RAFT_MSG_HEARTBEAT, 2));
        reply(&f, RAFT_MSG_HEARTBEAT_REPLY, 2, 6, 0);
        assert_true(raft_is_leader(&f.r));
    }
    assert_int_equal(f.r.progress[2].match, 6);
}

/* What was under way is not believed to have arrived. */
static void test_resumes_with_a_probe(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    lead(&f);
    propose(&f, 1);
    assert_int_equal(f.r.progress[2].next, 7);
    core_peer_event(&f, RAFT_EV_PAUSE, 2);
    propose(&f, 3);
    core_event(&f, RAFT_EV_FLUSH);
    core_peer_event(&f, RAFT_EV_RESUME, 2);
    assert_int_equal(f.r.progress[2].state, RAFT_PROBE);
    core_event(&f, RAFT_EV_FLUSH);
    const struct raft_message *m = core_sent(&f, RAFT_MSG_APPEND, 2);
    assert_non_null(m);
    assert_int_equal(m->index, 5);
    assert_int_equal(m->count, 4);
    /* Who is not paused is not probed again. */
    core_peer_event(&f, RAFT_EV_RESUME, 1);
    assert_int_equal(f.r.progress[1].state, RAFT_REPLICATE);
}

/* In any place among the members; twice is as good as once; and one that was
 * not heard yet is probed where it was going to be. */
static void test_each_place(void **state)
{
    UNUSED(state);
    for (node_id self = 0; self < 3; self++) {
        struct core_fixture f;
        node_id peer = (self + 1) % 3;
        core_boot(&f, self, 3);
        core_win(&f);
        core_durable(&f);
        const struct raft_progress *p = &f.r.progress[peer];
        raft_index next = p->next;
        assert_true(p->state == RAFT_PROBE && next > p->verified + 1);
        core_peer_event(&f, RAFT_EV_PAUSE, peer);
        assert_true(p->paused);
        core_peer_event(&f, RAFT_EV_RESUME, peer);
        assert_false(p->paused);
        assert_int_equal(p->next, next);
        core_event(&f, RAFT_EV_FLUSH);
        reply(&f, RAFT_MSG_APPEND_REPLY, peer, 5, 0);
        assert_int_equal(p->state, RAFT_REPLICATE);
        core_peer_event(&f, RAFT_EV_PAUSE, peer);
        core_peer_event(&f, RAFT_EV_PAUSE, peer);
        assert_int_equal(p->state, RAFT_REPLICATE);
    }
}

/* A probe that waits for its answer is sent again; who needs a snapshot needs
 * it still; what was cut meanwhile is probed from where the log begins. */
static void test_resumes_from_each_state(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    lead(&f);
    core_peer_event(&f, RAFT_EV_UNSENT, 2);
    assert_true(f.r.progress[2].probe_sent);
    core_peer_event(&f, RAFT_EV_PAUSE, 2);
    core_peer_event(&f, RAFT_EV_RESUME, 2);
    core_event(&f, RAFT_EV_FLUSH);
    assert_non_null(core_sent(&f, RAFT_MSG_APPEND, 2));

    lead(&f);
    core_peer_event(&f, RAFT_EV_PAUSE, 2);
    f.r.progress[2].state = RAFT_SNAPSHOT;
    core_peer_event(&f, RAFT_EV_RESUME, 2);
    assert_int_equal(f.r.progress[2].state, RAFT_SNAPSHOT);

    lead(&f);
    core_peer_event(&f, RAFT_EV_PAUSE, 2);
    propose(&f, 4);
    reply(&f, RAFT_MSG_APPEND_REPLY, 1, f.r.last, 0);
    core_step(&f, (struct raft_event){.type = RAFT_EV_LOG_CUT, .index = 9});
    core_event(&f, RAFT_EV_FLUSH);
    core_peer_event(&f, RAFT_EV_RESUME, 2);
    core_event(&f, RAFT_EV_FLUSH);
    const struct raft_message *m = core_sent(&f, RAFT_MSG_APPEND, 2);
    assert_non_null(m);
    assert_int_equal(m->index, 8);
}

/* A new term, and a new start of the peer, know nothing of it: the node says
 * it again. */
static void test_forgotten(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    lead(&f);
    core_peer_event(&f, RAFT_EV_PAUSE, 2);
    struct raft_message m =
        core_message(&f, RAFT_MSG_HEARTBEAT_REPLY, 2, f.r.term);
    m.from_incarnation = 2;
    core_receive(&f, m);
    assert_false(f.r.progress[2].paused);

    lead(&f);
    core_peer_event(&f, RAFT_EV_PAUSE, 2);
    core_peer_event(&f, RAFT_EV_PEER_DOWN, 2);
    core_peer_event(&f, RAFT_EV_PEER_UP, 2);
    assert_true(f.r.progress[2].paused); /* the same start */
    core_receive(&f, core_message(&f, RAFT_MSG_HEARTBEAT, 1, f.r.term + 1));
    assert_int_equal(f.r.leader, 1);
    assert_false(f.r.progress[2].paused);
}

/* It could not be brought up to the end of the log. */
static void test_no_target(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    lead(&f);
    core_peer_event(&f, RAFT_EV_PEER_UP, 1);
    core_peer_event(&f, RAFT_EV_PEER_UP, 2);
    core_peer_event(&f, RAFT_EV_PAUSE, 1);
    core_peer_event(&f, RAFT_EV_TRANSFER, 1);
    assert_true(f.out.transfer_ended);
    assert_int_equal(f.r.transfer_to, NODE_NONE);
    core_peer_event(&f, RAFT_EV_TRANSFER, NODE_NONE);
    assert_int_equal(f.r.transfer_to, 2);
    core_peer_event(&f, RAFT_EV_PAUSE, 1); /* of another */
    assert_int_equal(f.r.transfer_to, 2);
    core_peer_event(&f, RAFT_EV_RESUME, 2);
    assert_int_equal(f.r.transfer_to, 2);
    core_peer_event(&f, RAFT_EV_PAUSE, 2);
    assert_true(f.out.transfer_ended);
    assert_int_equal(f.r.transfer_to, NODE_NONE);
    assert_true(raft_can_propose(&f.r));
    core_peer_event(&f, RAFT_EV_TRANSFER, NODE_NONE);
    assert_true(f.out.transfer_ended);
}

static void time_out(struct core_fixture *f)
{
    int64_t at = f->r.election_at_ms;

    core_tick_at(f, at);
    assert_true(f->r.election_at_ms > at);
}

/* The others have their turn first; who hears of none of them leads. */
static void test_reluctant(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    core_boot(&f, 0, 3);
    core_peer_event(&f, RAFT_EV_PAUSE, 0);
    for (int again = 0; again < 2; again++) {
        for (int i = 0; i < RAFT_DECLINES_MAX; i++) {
            int64_t begun = f.now_ms;
            time_out(&f);
            assert_int_equal(f.r.role, RAFT_FOLLOWER);
            assert_int_equal(f.out.message_count, 0);
            assert_true(i == 0 || f.now_ms >= begun + ELECTION_MS);
        }
        time_out(&f);
        assert_int_equal(f.r.role, RAFT_PRE_CANDIDATE);
        time_out(&f); /* nobody answers: it goes on */
        assert_int_equal(f.r.role, RAFT_PRE_CANDIDATE);
        /* A leader is heard, and lost. */
        core_receive(&f, core_message(&f, RAFT_MSG_HEARTBEAT, 1, 2));
        assert_int_equal(f.r.declined, 0);
    }
    core_peer_event(&f, RAFT_EV_PEER_DOWN, 1);
    assert_true(f.r.election_at_ms <= f.now_ms + 5);
    time_out(&f); /* in no hurry */
    assert_int_equal(f.r.role, RAFT_FOLLOWER);
    assert_true(f.r.election_at_ms >= f.now_ms + ELECTION_MS);
    core_peer_event(&f, RAFT_EV_RESUME, 0);
    assert_int_equal(f.r.declined, 0);
    time_out(&f);
    assert_int_equal(f.r.role, RAFT_PRE_CANDIDATE);
}

/* It grants its vote, campaigns when it is asked to, and alone it leads. */
static void test_reluctant_takes_part(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    core_boot(&f, 0, 3);
    core_peer_event(&f, RAFT_EV_PAUSE, 0);
    struct raft_message vote = core_message(&f, RAFT_MSG_VOTE, 1, 3);
    vote.index = 4;
    vote.index_term = 2;
    core_receive(&f, vote);
    assert_int_equal(f.r.vote, 1);
    core_durable(&f);
    const struct raft_message *granted = core_sent(&f, RAFT_MSG_VOTE_REPLY, 1);
    assert_true(granted != NULL && granted->granted);
    core_receive(&f, core_message(&f, RAFT_MSG_HEARTBEAT, 1, 3));
    core_receive(&f, core_message(&f, RAFT_MSG_TIMEOUT_NOW, 1, 3));
    assert_int_equal(f.r.role, RAFT_CANDIDATE);

    core_boot(&f, 0, 1);
    core_peer_event(&f, RAFT_EV_PAUSE, 0);
    core_tick_at(&f, f.r.election_at_ms);
    core_durable(&f);
    assert_true(raft_is_leader(&f.r));
    assert_true(f.r.reluctant);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_appends),
        cmocka_unit_test(test_counts_as_before),
        cmocka_unit_test(test_resumes_with_a_probe),
        cmocka_unit_test(test_each_place),
        cmocka_unit_test(test_resumes_from_each_state),
        cmocka_unit_test(test_forgotten),
        cmocka_unit_test(test_no_target),
        cmocka_unit_test(test_reluctant),
        cmocka_unit_test(test_reluctant_takes_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
