/*
 * What a leader makes of each answer: one state of a follower's progress, one
 * reply, the state afterwards. The leader is node 1 of 0, 1, 2 in term 3; its
 * log is 1 1 2 2 and 3 from entry 5 to 12, all on its disk; `first` is 4.
 */
#include "unit/raft/core_fixture.h"

#define LAST  12
#define FIRST 4

static void lead(struct core_fixture *f)
{
    struct raft_config config = core_config(1);

    config.window_max = 8;
    core_boot_with(f, &config, 3, 1000);
    core_win(f);
    core_step(f,
              (struct raft_event){.type = RAFT_EV_PROPOSE, .count = LAST - 5});
    core_durable(f);
    f->r.commit = FIRST - 1; /* by node 2, say */
    core_step(f, (struct raft_event){.type = RAFT_EV_LOG_CUT, .index = FIRST});
    core_event(f, RAFT_EV_FLUSH);
    f->now_ms += 10;
    assert_int_equal(f->r.first, FIRST);
    assert_int_equal(f->r.last, LAST);
}

/* Node 0's: what matters of it. */
struct facts {
    enum raft_progress_state state;
    raft_index match;
    raft_index verified;
    raft_index next;
    uint32_t in_flight;
    bool waits; /* probe_sent, and for a heartbeat's answer */
};

static void set_facts(struct core_fixture *f, struct facts facts)
{
    struct raft_progress *p = &f->r.progress[0];

    p->state = facts.state;
    p->match = facts.match;
    p->verified = facts.verified;
    p->next = facts.next;
    p->in_flight = facts.in_flight;
    p->probe_sent = facts.state == RAFT_PROBE && facts.waits;
    p->beat_waits = facts.waits;
}

static void expect_facts(const struct core_fixture *f, struct facts facts)
{
    const struct raft_progress *p = &f->r.progress[0];

    assert_int_equal(p->state, facts.state);
    assert_int_equal(p->match, facts.match);
    assert_int_equal(p->verified, facts.verified);
    assert_int_equal(p->next, facts.next);
    assert_int_equal(p->in_flight, facts.in_flight);
    assert_int_equal(p->beat_waits, facts.waits);
    assert_int_equal(p->probe_sent, facts.state == RAFT_PROBE && facts.waits);
}

static struct raft_message reply(const struct core_fixture *f, raft_index match,
                                 raft_index verified)
{
    struct raft_message m = core_message(f, RAFT_MSG_APPEND_REPLY, 0, 3);

    m.match = match;
    m.verified = verified;
    return m;
}

struct row {
    struct facts before;
    raft_index match, verified; /* of the reply */
    struct facts after;
};

static void test_acknowledged(void **state)
{
    static const struct row rows[] = {
        /* A probe is answered: from there on it streams. */
        {{RAFT_PROBE, 0, 0, 7, 0, true}, 5, 6, {RAFT_REPLICATE, 5, 6, 7, 0, 0}},
        {{RAFT_PROBE, 0, 0, 7, 0, true},
         6,
         9,
         {RAFT_REPLICATE, 6, 9, 10, 0, 0}},
        /* Of an earlier probe, or of nothing yet: no. */
        {{RAFT_PROBE, 0, 0, 8, 0, true}, 6, 6, {RAFT_PROBE, 6, 6, 8, 0, true}},
        {{RAFT_PROBE, 0, 0, 8, 0, true}, 0, 0, {RAFT_PROBE, 0, 0, 8, 0, true}},
        /* Streaming: news, nothing new, more than was sent. */
        {{RAFT_REPLICATE, 5, 6, 13, 2, true},
         6,
         12,
         {RAFT_REPLICATE, 6, 12, 13, 0, true}},
        {{RAFT_REPLICATE, 5, 12, 13, 1, true},
         5,
         12,
         {RAFT_REPLICATE, 5, 12, 13, 1, true}},
        {{RAFT_REPLICATE, 5, 6, 8, 2, true},
         7,
         10,
         {RAFT_REPLICATE, 7, 10, 11, 0, true}},
        {{RAFT_REPLICATE, 5, 6, 8, 1, true},
         2,
         3,
         {RAFT_REPLICATE, 5, 6, 8, 1, true}},
        {{RAFT_REPLICATE, 5, 6, 13, 2, true},
         5,
         6,
         {RAFT_REPLICATE, 5, 6, 13, 2, true}},
        /* Without what was cut it can do nothing; with it, it can. */
        {{RAFT_SNAPSHOT, 0, 0, 4, 0, true},
         2,
         2,
         {RAFT_SNAPSHOT, 2, 2, 4, 0, true}},
        {{RAFT_SNAPSHOT, 0, 0, 4, 0, true}, 2, 3, {RAFT_PROBE, 2, 3, 4, 0, 0}},
        {{RAFT_SNAPSHOT, 0, 0, 4, 0, true}, 5, 5, {RAFT_PROBE, 5, 5, 6, 0, 0}},
        /* What cannot be: beyond the log, durable but not there. */
        {{RAFT_REPLICATE, 5, 6, 8, 1, true},
         5,
         13,
         {RAFT_REPLICATE, 5, 6, 8, 1, true}},
        {{RAFT_REPLICATE, 5, 6, 8, 1, true},
         8,
         7,
         {RAFT_REPLICATE, 5, 6, 8, 1, true}},
    };

    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct core_fixture f;
        lead(&f);
        set_facts(&f, rows[i].before);
        struct raft_message m = reply(&f, rows[i].match, rows[i].verified);
        core_receive(&f, m);
        expect_facts(&f, rows[i].after);
    }
}

/* In flight afterwards: the least whole number that is not below the share of
 * the entries that are still under way. */
static void test_in_flight(void **state)
{
    UNUSED(state);
    for (uint32_t sent = 0; sent <= 5; sent++) {
        for (raft_index v = 6; v <= LAST; v++) {
            for (raft_index next = v + 1; next <= LAST + 1; next++) {
                struct core_fixture f;
                lead(&f);
                set_facts(
                    &f, (struct facts){RAFT_REPLICATE, 5, 5, next, sent, true});
                core_receive(&f, reply(&f, 5, v));
                uint64_t left = next - 1 - v;
                uint64_t total = next - 1 - 5;
                uint64_t n = f.r.progress[0].in_flight;
                assert_true(n * total >= sent * left);
                assert_true(n == 0 || (n - 1) * total < sent * left);
            }
        }
    }
}

struct refusal {
    struct facts before;
    raft_index refused, index;
    raft_term index_term;
    struct facts after;
};

static const struct refusal refusals[] = {
    /* Back to where the terms meet, but not below what is known. */
    {{RAFT_REPLICATE, 5, 6, 13, 2, true}, 9, 8, 3, {RAFT_PROBE, 5, 6, 9, 0, 0}},
    {{RAFT_REPLICATE, 5, 6, 13, 2, true}, 9, 8, 2, {RAFT_PROBE, 5, 6, 7, 0, 0}},
    {{RAFT_PROBE, 0, 0, 10, 0, true}, 9, 8, 2, {RAFT_PROBE, 0, 0, 5, 0, 0}},
    {{RAFT_PROBE, 0, 0, 10, 0, true}, 9, 3, 2, {RAFT_PROBE, 0, 0, 4, 0, 0}},
    /* Late: another probe is under way, or more is known by now. */
    {{RAFT_PROBE, 0, 0, 10, 0, true}, 8, 7, 3, {RAFT_PROBE, 0, 0, 10, 0, true}},
    {{RAFT_REPLICATE, 5, 6, 13, 2, true},
     6,
     5,
     3,
     {RAFT_REPLICATE, 5, 6, 13, 2, true}},
    /* Of what was never sent; a hint behind what is refused. */
    {{RAFT_REPLICATE, 5, 6, 12, 2, true},
     12,
     8,
     3,
     {RAFT_REPLICATE, 5, 6, 12, 2, true}},
    {{RAFT_REPLICATE, 5, 6, 13, 2, true},
     9,
     9,
     3,
     {RAFT_REPLICATE, 5, 6, 13, 2, true}},
    {{RAFT_REPLICATE, 5, 6, 13, 2, true},
     9,
     10,
     2,
     {RAFT_REPLICATE, 5, 6, 13, 2, true}},
    /* Not even what stands before the log; and who is that far behind
     * is not asked again. */
    {{RAFT_PROBE, 0, 0, 4, 0, true}, 3, 1, 1, {RAFT_SNAPSHOT, 0, 0, 4, 0, 0}},
    {{RAFT_PROBE, 0, 0, 5, 0, true}, 4, 1, 1, {RAFT_PROBE, 0, 0, 4, 0, 0}},
    {{RAFT_SNAPSHOT, 0, 0, 4, 0, true},
     3,
     1,
     1,
     {RAFT_SNAPSHOT, 0, 0, 4, 0, true}},
    /* It had more than that: nonsense, but harmless. */
    {{RAFT_REPLICATE, 6, 6, 13, 2, true}, 8, 1, 1, {RAFT_PROBE, 6, 6, 7, 0, 0}},
    {{RAFT_REPLICATE, 6, 6, 13, 2, true}, 7, 1, 1, {RAFT_PROBE, 6, 6, 7, 0, 0}},
};

static void test_refused(void **state)
{
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        struct core_fixture f;
        const struct refusal *row = &refusals[i];
        lead(&f);
        set_facts(&f, row->before);
        struct raft_message m =
            reply(&f, row->before.match, row->before.verified);
        m.rejected = true;
        m.refused = row->refused;
        m.index = row->index;
        m.index_term = row->index_term;
        core_receive(&f, m);
        expect_facts(&f, row->after);
        /* The same in a reply that cannot be believed: nothing. */
        lead(&f);
        set_facts(&f, row->before);
        m.round = 99;
        core_receive(&f, m);
        expect_facts(&f, row->before);
    }
}

/* Beginning at the very first entry, nothing known is no agreement. */
static void test_nothing_known(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    core_boot(&f, 1, 3);
    core_win(&f);
    core_event(&f, RAFT_EV_FLUSH);
    set_facts(&f, (struct facts){RAFT_PROBE, 0, 0, 1, 0, true});
    core_receive(&f, reply(&f, 0, 0));
    expect_facts(&f, (struct facts){RAFT_PROBE, 0, 0, 1, 0, true});
}

/* Any answer shows that it lives, and carries the round it has seen. */
static void test_heard(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    lead(&f);
    core_step(&f, (struct raft_event){.type = RAFT_EV_READ, .read_id = 1});
    core_event(&f, RAFT_EV_FLUSH);
    struct raft_message m = reply(&f, 0, 0);
    m.round = 1;
    core_receive(&f, m);
    assert_int_equal(f.r.progress[0].round_acked, 1);
    assert_true(f.r.progress[0].heard_ms == f.now_ms);
    assert_true(f.r.quorum_check_ms == f.now_ms + ELECTION_MS);
    m.round = 0;
    core_receive(&f, m);
    assert_int_equal(f.r.progress[0].round_acked, 1);
    int64_t heard = f.now_ms;
    f.now_ms += 7;
    m.round = 2; /* not begun */
    core_receive(&f, m);
    assert_true(f.r.progress[0].heard_ms == heard);
}

struct beat_row {
    struct facts before;
    raft_index beat_verified, beat_next; /* when the heartbeat left */
    uint64_t round;                      /* 1 cannot be */
    struct facts after;
};

/* The answer to a heartbeat shows what was lost before it. */
static void test_heartbeat_answered(void **state)
{
    static const struct beat_row rows[] = {
        {{RAFT_REPLICATE, 5, 6, 13, 2, true},
         6,
         9,
         0,
         {RAFT_PROBE, 5, 6, 7, 0, 0}},
        {{RAFT_REPLICATE, 5, 6, 13, 2, true},
         6,
         7,
         0,
         {RAFT_REPLICATE, 5, 6, 13, 2, false}},
        {{RAFT_REPLICATE, 5, 6, 13, 2, true},
         5,
         9,
         0,
         {RAFT_REPLICATE, 5, 6, 13, 2, false}},
        {{RAFT_REPLICATE, 5, 6, 13, 2, false},
         6,
         9,
         0,
         {RAFT_REPLICATE, 5, 6, 13, 2, false}},
        {{RAFT_REPLICATE, 5, 6, 13, 2, true},
         6,
         9,
         1,
         {RAFT_REPLICATE, 5, 6, 13, 2, true}},
        {{RAFT_PROBE, 5, 6, 9, 0, true}, 6, 9, 0, {RAFT_PROBE, 5, 6, 9, 0, 0}},
        {{RAFT_PROBE, 5, 6, 9, 0, true},
         6,
         9,
         1,
         {RAFT_PROBE, 5, 6, 9, 0, true}},
        {{RAFT_SNAPSHOT, 0, 0, 4, 0, true},
         0,
         4,
         0,
         {RAFT_SNAPSHOT, 0, 0, 4, 0, false}},
    };

    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct core_fixture f;
        lead(&f);
        set_facts(&f, rows[i].before);
        f.r.progress[0].beat_verified = rows[i].beat_verified;
        f.r.progress[0].beat_next = rows[i].beat_next;
        struct raft_message m =
            reply(&f, rows[i].before.match, rows[i].before.verified);
        m.type = RAFT_MSG_HEARTBEAT_REPLY;
        m.round = rows[i].round;
        core_receive(&f, m);
        expect_facts(&f, rows[i].after);
    }
}

/* A heartbeat that was noted before a probe left says nothing of the probe. */
static void test_probe_after_beat(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    lead(&f);
    set_facts(&f, (struct facts){RAFT_PROBE, 5, 6, 9, 0, true});
    f.r.progress[0].probe_sent = false;
    core_event(&f, RAFT_EV_FLUSH);
    const struct raft_message *m = core_sent(&f, RAFT_MSG_APPEND, 0);
    assert_non_null(m);
    assert_int_equal(m->index, 8);
    assert_int_equal(m->count, 4);
    assert_true(f.r.progress[0].probe_sent);
    assert_false(f.r.progress[0].beat_waits);
    struct raft_message answer = reply(&f, 5, 6);
    answer.type = RAFT_MSG_HEARTBEAT_REPLY;
    core_receive(&f, answer);
    assert_true(f.r.progress[0].probe_sent);
}

/* The first heartbeat without an answer, of those that leave a while after the
 * last append, is the one that is compared with. */
static void test_beats_noted(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    lead(&f);
    set_facts(&f, (struct facts){RAFT_REPLICATE, 5, 6, 13, 2, false});
    f.r.progress[0].append_ms = f.now_ms;
    f.now_ms += BEAT_MS;
    core_event(&f, RAFT_EV_FLUSH);
    assert_non_null(core_sent(&f, RAFT_MSG_HEARTBEAT, 0));
    assert_false(f.r.progress[0].beat_waits);
    f.r.progress[0].append_ms = f.now_ms - ELECTION_MS;
    f.now_ms += BEAT_MS;
    core_event(&f, RAFT_EV_FLUSH);
    assert_non_null(core_sent(&f, RAFT_MSG_HEARTBEAT, 0));
    assert_true(f.r.progress[0].beat_waits);
    assert_int_equal(f.r.progress[0].beat_verified, 6);
    assert_int_equal(f.r.progress[0].beat_next, 13);
    f.r.progress[0].verified = 8;
    f.now_ms += BEAT_MS;
    core_event(&f, RAFT_EV_FLUSH);
    assert_non_null(core_sent(&f, RAFT_MSG_HEARTBEAT, 0));
    assert_int_equal(f.r.progress[0].beat_verified, 6);
}

/* What the node says of a link, or of an append that it had no room for. */
static void test_link_and_queue(void **state)
{
    static const struct facts before[] = {
        {RAFT_REPLICATE, 5, 7, 13, 2, true},
        {RAFT_PROBE, 5, 7, 10, 0, false},
        {RAFT_SNAPSHOT, 0, 0, 4, 0, true},
    };
    static const struct facts unsent[] = {
        {RAFT_PROBE, 5, 7, 8, 0, false},
        {RAFT_PROBE, 5, 7, 10, 0, false},
        {RAFT_SNAPSHOT, 0, 0, 4, 0, true},
    };
    static const struct facts linked[] = {
        {RAFT_PROBE, 5, 5, 6, 0, false},
        {RAFT_PROBE, 5, 5, 6, 0, false},
        {RAFT_PROBE, 0, 0, LAST + 1, 0, false},
    };

    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(before); i++) {
        struct core_fixture f;
        struct raft_progress *p = &f.r.progress[0];
        lead(&f);
        set_facts(&f, before[i]);
        p->commit_sent = 3;
        p->append_ms = 77;
        f.r.round = p->round_sent = 4;
        core_peer_event(&f, RAFT_EV_UNSENT, 0);
        assert_int_equal(p->probe_sent, p->state == RAFT_PROBE);
        p->probe_sent = false; /* until an answer comes; not compared below */
        expect_facts(&f, unsent[i]);
        assert_int_equal(p->commit_sent, 0);
        assert_int_equal(p->round_sent, 0);
        assert_true(p->append_ms == 0);
        core_event(&f, RAFT_EV_FLUSH); /* the round leaves again */
        assert_int_equal(p->round_sent, 4);
        for (int up = 0; up < 2; up++) {
            lead(&f);
            set_facts(&f, before[i]);
            p->commit_sent = 3;
            p->lost = 2;
            core_peer_event(&f, up ? RAFT_EV_PEER_UP : RAFT_EV_PEER_DOWN, 0);
            expect_facts(&f, linked[i]);
            assert_int_equal(p->commit_sent, 0);
            assert_int_equal(p->lost, 0);
        }
    }
}

/* How often in a row an append seems lost: until one arrives. What has not
 * even been sent is not lost. */
static void test_losses_in_a_row(void **state)
{
    struct core_fixture f;
    struct raft_progress *p = &f.r.progress[0];

    UNUSED(state);
    lead(&f);
    set_facts(&f, (struct facts){RAFT_REPLICATE, 5, 6, 13, 2, false});
    p->lost = 2;
    core_receive(&f, reply(&f, 5, 6));
    assert_int_equal(p->lost, 2);
    core_receive(&f, reply(&f, 5, 7));
    assert_int_equal(p->lost, 0);
    set_facts(&f, (struct facts){RAFT_PROBE, 5, 7, 10, 0, true});
    p->probe_sent = false;
    struct raft_message m = core_message(&f, RAFT_MSG_HEARTBEAT_REPLY, 0, 3);
    m.match = 5;
    m.verified = 7;
    core_receive(&f, m);
    assert_false(p->beat_waits);
    assert_int_equal(p->lost, 0);
}

/* The answer to a heartbeat that left behind an append which did not arrive. */
static void lose_one(struct core_fixture *f, struct facts facts)
{
    struct raft_progress *p = &f->r.progress[0];
    struct raft_message m = core_message(f, RAFT_MSG_HEARTBEAT_REPLY, 0, 3);

    m.match = facts.match;
    m.verified = facts.verified;
    set_facts(f, facts);
    p->beat_verified = facts.verified;
    p->beat_next = facts.next;
    core_receive(f, m);
    assert_int_equal(p->state, RAFT_PROBE);
    assert_false(p->probe_sent);
}

static void test_losses_counted(void **state)
{
    struct core_fixture f;
    struct raft_progress *p = &f.r.progress[0];

    UNUSED(state);
    lead(&f);
    assert_int_equal(p->lost, 0);
    for (uint32_t i = 1; i <= 8; i++) {
        lose_one(&f, i % 2 ? (struct facts){RAFT_REPLICATE, 5, 6, 13, 2, true}
                           : (struct facts){RAFT_PROBE, 5, 6, 10, 0, true});
        assert_int_equal(p->lost, MIN(i, 6));
    }
}

/* Does a heartbeat that leaves now ask whether the last append arrived? */
static bool beat_asks(struct core_fixture *f, uint32_t lost, int64_t since_ms)
{
    struct raft_progress *p = &f->r.progress[0];

    set_facts(f, (struct facts){RAFT_REPLICATE, 5, 6, LAST + 1, 1, false});
    p->lost = lost;
    p->append_ms = f->now_ms - since_ms;
    p->beat_ms = f->now_ms - ELECTION_MS;
    core_event(f, RAFT_EV_FLUSH);
    assert_non_null(core_sent(f, RAFT_MSG_HEARTBEAT, 0));
    return p->beat_waits;
}

/* Believed after half an election timeout, and after twice as long each
 * time. */
static void test_losses_believed(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    lead(&f);
    f.now_ms += 100 * ELECTION_MS;
    for (uint32_t lost = 0; lost <= 6; lost++) {
        int64_t after_ms = (int64_t)ELECTION_MS << lost >> 1;
        assert_false(beat_asks(&f, lost, 0));
        assert_false(beat_asks(&f, lost, after_ms - 1));
        assert_true(beat_asks(&f, lost, after_ms));
    }
}

/* The time counts from when the append left. */
static void test_append_noted(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    lead(&f);
    set_facts(&f, (struct facts){RAFT_REPLICATE, 5, 6, 9, 1, false});
    f.r.progress[0].append_ms = 1;
    core_event(&f, RAFT_EV_FLUSH);
    assert_non_null(core_sent(&f, RAFT_MSG_APPEND, 0));
    assert_true(f.r.progress[0].append_ms == f.now_ms);
}

/* What left before the append that did not is not sent again: its answer, if
 * nothing else, starts the rest. */
static void test_unsent_from(void **state)
{
    static const struct {
        raft_index from;
        raft_index next;
    } cases[] = {{0, 7}, {5, 7}, {7, 7}, {9, 9}, {11, 11}, {LAST + 9, 11}};

    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct core_fixture f;
        struct raft_progress *p = &f.r.progress[0];
        struct raft_event e = {.type = RAFT_EV_UNSENT, .index = cases[i].from};
        lead(&f);
        set_facts(&f, (struct facts){RAFT_REPLICATE, 5, 6, 11, 2, false});
        core_step(&f, e);
        assert_int_equal(p->state, RAFT_PROBE);
        assert_int_equal(p->next, cases[i].next);
        core_event(&f, RAFT_EV_FLUSH);
        assert_null(core_sent(&f, RAFT_MSG_APPEND, 0));
        core_receive(&f, reply(&f, 5, cases[i].next - 1));
        core_event(&f, RAFT_EV_FLUSH);
        const struct raft_message *m = core_sent(&f, RAFT_MSG_APPEND, 0);
        assert_non_null(m);
        assert_int_equal(m->index, cases[i].next - 1);
    }
}

/* Nothing of what a leader knew of a member, how often an append to it seemed
 * lost among it, outlives its term. */
static void test_forgotten(void **state)
{
    struct core_fixture f;
    struct raft_progress *p = &f.r.progress[0];

    UNUSED(state);
    lead(&f);
    *p = (struct raft_progress){
        .state = RAFT_SNAPSHOT,
        .match = 5,
        .next = 9,
        .verified = 6,
        .commit_sent = 5,
        .commit_wanted = 7,
        .barrier = 4,
        .round_sent = 2,
        .round_acked = 1,
        .append_ms = f.now_ms,
        .lost = 6,
        .in_flight = 2,
        .beat_verified = 6,
        .beat_next = 9,
        .beat_waits = true,
        .probe_sent = true,
        .recovering = true,
    };
    core_receive(&f, core_message(&f, RAFT_MSG_HEARTBEAT, 0, 4));
    assert_int_equal(f.r.role, RAFT_FOLLOWER);
    expect_facts(&f, (struct facts){RAFT_PROBE, 0, 0, 0, 0, false});
    assert_int_equal(p->commit_sent, 0);
    assert_int_equal(p->commit_wanted, 0);
    assert_int_equal(p->barrier, 0);
    assert_int_equal(p->round_sent, 0);
    assert_int_equal(p->round_acked, 0);
    assert_int_equal(p->append_ms, 0);
    assert_int_equal(p->lost, 0);
    assert_int_equal(p->beat_verified, 0);
    assert_int_equal(p->beat_next, 0);
    assert_false(p->recovering);
}

/* The log is cut: who has to wait for more than it holds goes on waiting, who
 * was to be sent what is gone is asked whether it has it. */
static void test_cut_under_way(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    lead(&f);
    set_facts(&f, (struct facts){RAFT_SNAPSHOT, 0, 0, 4, 0, false});
    f.r.commit = 8;
    core_step(&f, (struct raft_event){.type = RAFT_EV_LOG_CUT, .index = 7});
    core_event(&f, RAFT_EV_FLUSH);
    assert_null(core_sent(&f, RAFT_MSG_APPEND, 0));
    assert_int_equal(f.r.progress[0].state, RAFT_SNAPSHOT);
    set_facts(&f, (struct facts){RAFT_REPLICATE, 4, 4, 6, 1, false});
    core_event(&f, RAFT_EV_FLUSH);
    const struct raft_message *m = core_sent(&f, RAFT_MSG_APPEND, 0);
    assert_non_null(m);
    assert_int_equal(m->index, 6);
    assert_int_equal(m->index_term, 3);
    assert_int_equal(f.r.progress[0].state, RAFT_PROBE);
    assert_int_equal(f.r.progress[0].next, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_acknowledged),
        cmocka_unit_test(test_in_flight),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_nothing_known),
        cmocka_unit_test(test_heard),
        cmocka_unit_test(test_heartbeat_answered),
        cmocka_unit_test(test_probe_after_beat),
        cmocka_unit_test(test_beats_noted),
        cmocka_unit_test(test_link_and_queue),
        cmocka_unit_test(test_losses_in_a_row),
        cmocka_unit_test(test_losses_counted),
        cmocka_unit_test(test_losses_believed),
        cmocka_unit_test(test_append_noted),
        cmocka_unit_test(test_unsent_from),
        cmocka_unit_test(test_forgotten),
        cmocka_unit_test(test_cut_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
