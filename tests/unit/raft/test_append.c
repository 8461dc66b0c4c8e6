/*
 * A follower's answers: what it takes, refuses and ignores of appends, when
 * it speaks, and what it does not say twice.
 */
#include "unit/raft/core_fixture.h"

/* The log is 1 1 2 2, entry 1 is committed; node 1 leads term 5. */
static struct raft_message append(const struct core_fixture *f,
                                  raft_index index, raft_term index_term)
{
    struct raft_message m = core_message(f, RAFT_MSG_APPEND, 1, 5);

    m.index = index;
    m.index_term = index_term;
    return m;
}

static void add_run(struct raft_message *m, uint32_t count, raft_term term)
{
    m->runs[m->run_count++] =
        (struct raft_run){.first = m->index + m->count + 1, .term = term};
    m->count += count;
}

static void follow(struct core_fixture *f)
{
    core_boot(f, 0, 3);
    core_receive(f, core_message(f, RAFT_MSG_HEARTBEAT, 1, 5));
    core_durable(f);
    core_event(f, RAFT_EV_FLUSH);
    assert_int_equal(f->r.leader, 1);
}

/* After FLUSH: the one answer, or NULL. */
static const struct raft_message *answer(struct core_fixture *f)
{
    core_event(f, RAFT_EV_FLUSH);
    assert_true(f->out.message_count <= 1);
    return f->out.message_count == 1 ? &f->out.messages[0] : NULL;
}

/* A lie changes nothing and has no answer, as long as nothing else has. */
static void assert_ignored(struct core_fixture *f, struct raft_message m)
{
    raft_index last = f->r.last;
    raft_index commit = f->r.commit;

    m.commit = 99;
    core_receive(f, m);
    assert_int_equal(f->r.last, last);
    assert_int_equal(f->r.commit, commit);
    assert_int_equal(f->out.write.seq, 0);
    assert_int_equal(f->r.leader_commit, 0);
    assert_null(answer(f));
}

/* Entries that are there in front of those that are not, in several runs, of
 * which some end exactly where the log does. */
static void test_overlap(void **state)
{
    struct core_fixture f;
    raft_term term = 0;

    UNUSED(state);
    follow(&f);
    struct raft_message m = append(&f, 0, 0);
    add_run(&m, 2, 1);
    add_run(&m, 2, 2);
    add_run(&m, 3, 4);
    core_receive(&f, m);
    assert_int_equal(f.out.write.truncate_from, 0);
    assert_int_equal(f.out.write.append_first, 5);
    assert_int_equal(f.out.write.append_last, 7);
    assert_true(raft_runs_term(&f.r, 7, &term));
    assert_int_equal(term, 4);
    /* All of it again: nothing to write. */
    core_receive(&f, m);
    assert_int_equal(f.out.write.seq, 0);
    assert_int_equal(f.r.last, 7);
    /* As many terms as a message can carry. */
    m = append(&f, 2, 1);
    m.term = 20;
    for (uint32_t i = 0; i < RAFT_MESSAGE_RUNS_MAX; i++) {
        add_run(&m, 1, i + 5);
    }
    core_receive(&f, m);
    assert_int_equal(f.out.write.truncate_from, 3);
    assert_int_equal(f.r.last, 10);
    assert_true(raft_runs_term(&f.r, 10, &term));
    assert_int_equal(term, 12);
    core_receive(&f, m);
    assert_int_equal(f.out.write.seq, 0);
    /* What stood behind is gone without a trace. */
    m = append(&f, 3, 5);
    m.term = 21; /* in which nothing was compared yet */
    add_run(&m, 1, 20);
    core_receive(&f, m);
    assert_int_equal(f.r.run_count, 3);
    for (uint32_t i = 3; i < 10; i++) {
        assert_int_equal(f.r.runs[i].first | f.r.runs[i].term, 0);
    }
    /* Nothing of the log is the leader's. */
    follow(&f);
    f.r.commit = 0;
    m = append(&f, 0, 0);
    add_run(&m, 1, 3);
    core_receive(&f, m);
    assert_int_equal(f.out.write.truncate_from, 1);
    assert_int_equal(f.r.last, 1);
    assert_int_equal(f.r.run_count, 1);
}

/* An append that came in parts: the leader waits for an answer to the first,
 * in whatever order they are refused. */
static void test_parts_refused(void **state)
{
    static const raft_index orders[][3] = {
        {6, 8, 9}, {9, 8, 6}, {8, 6, 9}, {6, 6, 9}};
    struct core_fixture f;

    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
        follow(&f);
        for (size_t j = 0; j < ARRAY_LEN(orders[i]); j++) {
            struct raft_message m = append(&f, orders[i][j], 5);
            add_run(&m, 1, 5);
            core_receive(&f, m);
        }
        const struct raft_message *m = answer(&f);
        assert_non_null(m);
        assert_true(m->rejected);
        assert_int_equal(m->refused, 6);
        assert_int_equal(m->index, 4);
        /* Answered: the next one is told whatever it is. */
        core_receive(&f, append(&f, 9, 5));
        m = answer(&f);
        assert_non_null(m);
        assert_int_equal(m->refused, 9);
    }
}

/* Messages carry as many terms as fit, each with all that is sent of it. */
static void test_many_terms(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    follow(&f);
    struct raft_message m = append(&f, 4, 2);
    m.term = 20;
    for (uint32_t i = 0; i < RAFT_MESSAGE_RUNS_MAX; i++) {
        add_run(&m, 1, i + 5);
    }
    core_receive(&f, m);
    assert_int_equal(f.r.last, 4 + RAFT_MESSAGE_RUNS_MAX);
    m = append(&f, 2, 1);
    assert_int_equal(raft_runs_slice(&f.r, f.r.last, &m), 11);
    assert_int_equal(m.count, 9);
    assert_int_equal(m.run_count, RAFT_MESSAGE_RUNS_MAX);
    assert_int_equal(m.runs[RAFT_MESSAGE_RUNS_MAX - 1].first, 11);
    m.term = 20;
    assert_true(raft_message_valid(&f.r, &m));
}

/* A log that takes no more terms takes the part of them that it can. */
static void test_no_room(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    follow(&f);
    struct raft_message m = append(&f, 4, 2);
    m.term = 5000;
    core_receive(&f, m);
    core_durable(&f);
    while (f.r.run_count < RAFT_RUNS_MAX - 1) {
        m = append(&f, f.r.last, raft_runs_last_term(&f.r));
        m.term = 5000;
        add_run(&m, 1, raft_runs_last_term(&f.r) + 1);
        core_receive(&f, m);
        core_durable(&f);
    }
    raft_index last = f.r.last;
    m = append(&f, last, raft_runs_last_term(&f.r));
    m.term = 5000;
    for (uint32_t i = 1; i <= 3; i++) {
        add_run(&m, 1, raft_runs_last_term(&f.r) + i);
    }
    core_receive(&f, m);
    assert_int_equal(f.r.last, last + 1);
    assert_int_equal(f.out.write.append_last, last + 1);
    core_durable(&f);
    core_event(&f, RAFT_EV_FLUSH);
    m = append(&f, f.r.last, raft_runs_last_term(&f.r));
    m.term = 5000;
    add_run(&m, 1, raft_runs_last_term(&f.r) + 1);
    core_receive(&f, m);
    assert_int_equal(f.r.last, last + 1);
    assert_int_equal(f.out.write.seq, 0);
    assert_int_equal(answer(&f)->verified, last + 1);
}

/* The oldest term makes room when it is committed and on disk, not before. */
static void test_room_on_disk(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    follow(&f);
    while (f.r.run_count < RAFT_RUNS_MAX) {
        struct raft_message m = append(&f, f.r.last, raft_runs_last_term(&f.r));
        m.term = 5000;
        add_run(&m, 1, raft_runs_last_term(&f.r) + 1);
        m.commit = f.r.last;
        core_receive(&f, m);
    }
    assert_true(f.r.commit > 4);
    for (raft_index durable = 0; durable <= 4; durable++) {
        f.r.durable = durable;
        assert_int_equal(raft_runs_has_room(&f.r), durable >= 2);
    }
    f.r.durable = 4;
    for (raft_index commit = 0; commit <= 4; commit++) {
        f.r.commit = commit;
        assert_int_equal(raft_runs_has_room(&f.r), commit >= 2);
    }
}

/* Against what is committed, or was compared in this term: a lie. */
static void test_lies(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    follow(&f);
    struct raft_message m = append(&f, 4, 2);
    core_receive(&f, m);
    core_event(&f, RAFT_EV_FLUSH);
    assert_int_equal(f.r.verified, 4);
    for (raft_index at = 0; at < 4; at++) { /* another entry at + 1 */
        m = append(&f, at, at == 0 ? 0 : at <= 2 ? 1 : 2);
        add_run(&m, 1, 3);
        assert_ignored(&f, m);
        m = append(&f, at + 1, 3); /* or before those sent */
        assert_ignored(&f, m);
    }
    follow(&f); /* nothing compared, entry 1 committed */
    assert_ignored(&f, append(&f, 1, 2));
    m = append(&f, 0, 0);
    add_run(&m, 2, 2);
    assert_ignored(&f, m);
}

/* Terms that fall from what was cut to what is sent. */
static void test_falling_terms(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    follow(&f);
    struct raft_message m = append(&f, 3, 2);
    m.commit = 3;
    core_receive(&f, m);
    core_step(&f, (struct raft_event){.type = RAFT_EV_LOG_CUT, .index = 4});
    core_event(&f, RAFT_EV_FLUSH);
    assert_int_equal(f.r.first, 4);
    assert_int_equal(f.r.prev_term, 2);
    f.r.leader_commit = 0; /* for assert_ignored() */
    m = append(&f, 0, 0);
    add_run(&m, 5, 1);
    assert_ignored(&f, m);
}

/* Refused: the hint, and when it is taken back. */
static void test_refusal(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    for (raft_index fits = 5; fits <= 8; fits++) {
        follow(&f);
        core_receive(&f, append(&f, 7, 5));
        struct raft_message m = append(&f, 4, 2);
        add_run(&m, (uint32_t)fits - 4, 5);
        core_receive(&f, m);
        const struct raft_message *said = answer(&f);
        assert_non_null(said);
        assert_int_equal(said->rejected, fits < 7);
        assert_int_equal(said->verified, fits);
        assert_int_equal(said->refused, fits < 7 ? 7 : 0);
        assert_int_equal(said->index, fits < 7 ? 4 : 0);
        assert_int_equal(said->index_term, fits < 7 ? 2 : 0);
        assert_null(answer(&f));
    }
    /* The hint is never below what is committed. */
    follow(&f);
    struct raft_message m = append(&f, 3, 2);
    m.commit = 3;
    core_receive(&f, m);
    core_event(&f, RAFT_EV_FLUSH);
    core_receive(&f, append(&f, 4, 1));
    assert_int_equal(answer(&f)->index, 3);
}

/* Who refuses has heard its leader all the same, and does not campaign. */
static void test_refusal_is_contact(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    follow(&f);
    for (int i = 0; i < 10; i++) {
        f.now_ms = f.r.election_at_ms - 1;
        core_receive(&f, append(&f, 9, 5));
        assert_true(f.r.election_at_ms >= f.now_ms + ELECTION_MS);
        assert_true(answer(&f)->rejected);
        core_event(&f, RAFT_EV_TICK);
        assert_int_equal(f.r.role, RAFT_FOLLOWER);
    }
}

/* A completed write is spoken of when it makes more of the leader's log
 * durable, and only then. */
static void test_when_durable(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    follow(&f);
    struct raft_message m = append(&f, 4, 2);
    add_run(&m, 2, 5);
    core_receive(&f, m);
    assert_int_equal(answer(&f)->match, 4);
    core_durable(&f);
    assert_int_equal(answer(&f)->match, 6);
    core_durable(&f);
    assert_null(answer(&f));
    /* What was not compared with this leader's log is no news. */
    core_receive(&f, core_message(&f, RAFT_MSG_HEARTBEAT, 1, 6));
    core_durable(&f);
    assert_int_equal(answer(&f)->type, RAFT_MSG_HEARTBEAT_REPLY);
    assert_null(answer(&f));
}

/* The leader restarts before its heartbeat is answered: nobody to answer. */
static void test_leader_restarts(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    follow(&f);
    core_receive(&f, core_message(&f, RAFT_MSG_HEARTBEAT, 1, 5));
    struct raft_message m = core_message(&f, RAFT_MSG_PRE_VOTE, 1, 6);
    m.from_incarnation = 2;
    core_receive(&f, m);
    assert_int_equal(f.r.leader, NODE_NONE);
    core_event(&f, RAFT_EV_FLUSH);
    assert_int_equal(f.out.message_count, 0);
    /* It leads no more in that term, whoever says so. */
    m = core_message(&f, RAFT_MSG_HEARTBEAT, 1, 5);
    m.from_incarnation = 2;
    core_receive(&f, m);
    assert_int_equal(f.r.leader, NODE_NONE);
    assert_null(answer(&f));
    m = append(&f, 4, 2);
    m.from_incarnation = 2;
    add_run(&m, 1, 5);
    core_receive(&f, m);
    assert_int_equal(f.r.last, 4);
    assert_null(answer(&f));
}

/* A second leader in the same term is a lie, whatever it sends. */
static void test_second_leader(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    follow(&f);
    struct raft_message m = append(&f, 4, 2);
    add_run(&m, 1, 5);
    m.from = 2;
    assert_ignored(&f, m);
    m = core_message(&f, RAFT_MSG_HEARTBEAT, 2, 5);
    assert_ignored(&f, m);
    assert_int_equal(f.r.leader, 1);
}

/* Nothing is said in a term that is not on disk. */
static void test_term_first(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    follow(&f);
    core_receive(&f, core_message(&f, RAFT_MSG_HEARTBEAT, 1, 6));
    core_receive(&f, core_message(&f, RAFT_MSG_HEARTBEAT, 1, 6));
    assert_null(answer(&f));
    core_durable(&f);
    assert_int_equal(answer(&f)->type, RAFT_MSG_HEARTBEAT_REPLY);
}

/* The answer carries the newest round that was asked for in this term. */
static void test_rounds(void **state)
{
    struct core_fixture f;
    static const uint64_t rounds[] = {4, 9, 2};

    UNUSED(state);
    follow(&f);
    for (size_t i = 0; i < ARRAY_LEN(rounds); i++) {
        struct raft_message m = core_message(&f, RAFT_MSG_HEARTBEAT, 1, 5);
        m.round = rounds[i];
        core_receive(&f, m);
        assert_int_equal(answer(&f)->round, i == 0 ? 4 : 9);
    }
    core_receive(&f, core_message(&f, RAFT_MSG_HEARTBEAT, 2, 6));
    core_durable(&f);
    assert_int_equal(answer(&f)->round, 0);
    assert_int_equal(f.r.leader_commit, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_overlap),
        cmocka_unit_test(test_parts_refused),
        cmocka_unit_test(test_many_terms),
        cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_room_on_disk),
        cmocka_unit_test(test_lies),
        cmocka_unit_test(test_falling_terms),
        cmocka_unit_test(test_refusal),
        cmocka_unit_test(test_refusal_is_contact),
        cmocka_unit_test(test_when_durable),
        cmocka_unit_test(test_leader_restarts),
        cmocka_unit_test(test_second_leader),
        cmocka_unit_test(test_term_first),
        cmocka_unit_test(test_rounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
