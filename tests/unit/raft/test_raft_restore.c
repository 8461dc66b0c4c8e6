/*
 * A state in place of entries: which ones are taken, what becomes of the log,
 * of those who count, of the role and of the term, and what is said before all
 * that is durable.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core_fixture.h"

static const struct raft_members all = {3, {0, 1, 2}, 7, 0, {0}};

/* A state up to an entry, known to be committed by a leader of `term`. */
static struct raft_event state_of(raft_index index, raft_term index_term,
                                  raft_term term)
{
    return (struct raft_event){.type = RAFT_EV_RESTORE,
                               .index = index,
                               .index_term = index_term,
                               .term = term,
                               .members = &all};
}

static void restore(struct core_fixture *f, raft_index index,
                    raft_term index_term, raft_term term)
{
    core_step(f, state_of(index, index_term, term));
}

/* Does it end the process? */
static bool asserts(const struct core_fixture *f, struct raft_event event)
{
    pid_t child = fork();
    int status = 0;

    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit none = {0, 0};
        static struct core_fixture copy;
        setrlimit(RLIMIT_CORE, &none);
        signal(SIGABRT, SIG_DFL);
        if (freopen("/dev/null", "w", stderr) == NULL) {
            _exit(1);
        }
        copy = *f;
        core_step(&copy, event);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

/* The leader of this term, 1, appends `count` entries of `term`. */
static void append(struct core_fixture *f, raft_index index,
                   raft_term index_term, uint32_t count, raft_term term)
{
    struct raft_message m = core_message(f, RAFT_MSG_APPEND, 1, f->r.term);

    m.index = index;
    m.index_term = index_term;
    m.count = count;
    m.run_count = count > 0;
    if (count > 0) {
        m.runs[0] = (struct raft_run){index + 1, term};
    }
    core_receive(f, m);
}

/* Member 2 follows 1, who leads term 3, and has its log, 1 1 2 2 and then
 * `more` entries of term 3, on its disk. */
static void follow(struct core_fixture *f, uint32_t more)
{
    core_boot(f, 2, 3);
    struct raft_message m = core_message(f, RAFT_MSG_HEARTBEAT, 1, 3);
    core_receive(f, m);
    append(f, 4, 2, more, 3);
    core_durable(f);
    core_event(f, RAFT_EV_FLUSH);
    assert_int_equal(f->r.verified, 4 + more);
}

static void assert_ignored(struct core_fixture *f, struct raft_event event)
{
    struct raft before;

    memcpy(&before, &f->r, sizeof(before));
    core_step(f, event);
    assert_memory_equal(&before, &f->r, sizeof(before));
    assert_int_equal(f->out.write.seq, 0);
    assert_int_equal(f->out.write.restore_index, 0);
    assert_int_equal(f->out.message_count, 0);
    assert_false(f->out.members_changed || f->out.role_changed);
}

/* Nothing new in it; or who gets it leads. */
static void test_ignored(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    follow(&f, 1);
    struct raft_message m = core_message(&f, RAFT_MSG_HEARTBEAT, 1, 3);
    m.commit = 4;
    core_receive(&f, m);
    assert_int_equal(f.r.commit, 4);
    core_event(&f, RAFT_EV_FLUSH);
    for (raft_index i = 1; i <= 4; i++) {
        assert_ignored(&f, state_of(i, 1, 2));
        assert_ignored(&f, state_of(i, 2, 9)); /* of a later term, too */
    }
    core_boot(&f, 2, 3);
    core_win(&f);
    assert_ignored(&f, state_of(4, 2, 3));
    assert_ignored(&f, state_of(9, 3, 9));
}

/* It has the entry: the log goes on, and so do the acknowledgements. */
static void test_log_is_kept(void **state)
{
    UNUSED(state);
    for (raft_index at = 2; at <= 6; at++) {
        struct core_fixture f;
        follow(&f, 2);
        raft_term term = at <= 2 ? 1 : at <= 4 ? 2 : 3;
        restore(&f, at, term, 3);
        assert_int_equal(f.out.write.restore_index, at);
        assert_int_equal(f.out.write.restore_term, term);
        assert_true(f.out.write.restore_keeps_log);
        assert_true(f.out.write.hard_state);
        assert_int_equal(f.out.write.truncate_from, 0);
        assert_false(f.out.members_changed);
        assert_int_equal(f.r.commit, at);
        assert_int_equal(f.r.first, 1);
        assert_int_equal(f.r.last, 6);
        assert_int_equal(f.r.durable, 6);
        assert_int_equal(f.r.verified, 6);
        assert_int_equal(f.r.leader, 1);
        core_event(&f, RAFT_EV_FLUSH);
        assert_int_equal(f.out.message_count, 0);
        core_durable(&f);
        core_event(&f, RAFT_EV_FLUSH);
        assert_non_null(core_sent(&f, RAFT_MSG_APPEND_REPLY, 1));
        assert_int_equal(core_sent(&f, RAFT_MSG_APPEND_REPLY, 1)->match, 6);
    }
}

/* Of what is behind the state nobody knows whether the leader has it. */
static void test_kept_is_not_verified(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    core_boot(&f, 2, 3);
    core_receive(&f, core_message(&f, RAFT_MSG_HEARTBEAT, 1, 3));
    core_durable(&f);
    assert_int_equal(f.r.verified, 0);
    restore(&f, 3, 2, 3);
    assert_true(f.out.write.restore_keeps_log);
    assert_int_equal(f.r.last, 4);
    assert_int_equal(f.r.verified, 3);
    core_durable(&f);
    core_event(&f, RAFT_EV_FLUSH);
    assert_int_equal(core_sent(&f, RAFT_MSG_APPEND_REPLY, 1)->match, 3);
    append(&f, 3, 2, 1, 3); /* it has another one */
    assert_int_equal(f.out.write.truncate_from, 4);
    assert_int_equal(f.r.verified, 4);
}

/* It ends before, or has another entry there: the log is that of the state. */
static void test_log_is_dropped(void **state)
{
    static const struct {
        raft_index index;
        raft_term term;
    } rows[] = {{2, 2}, {4, 1}, {5, 2}, {6, 1}, {7, 3}, {20, 3}};

    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct core_fixture f;
        follow(&f, 2);
        restore(&f, rows[i].index, rows[i].term, 3);
        assert_int_equal(f.out.write.restore_index, rows[i].index);
        assert_false(f.out.write.restore_keeps_log);
        assert_int_equal(f.out.write.truncate_from, 0);
        assert_int_equal(f.r.first, rows[i].index + 1);
        assert_int_equal(f.r.prev_term, rows[i].term);
        assert_int_equal(f.r.last, rows[i].index);
        assert_int_equal(f.r.run_count, 0);
        assert_int_equal(f.r.runs[0].term, 0);
        assert_int_equal(f.r.commit, rows[i].index);
        assert_int_equal(f.r.verified, rows[i].index);
        assert_int_equal(f.r.term, 3);
        assert_int_equal(f.r.vote, NODE_NONE);
        /* The log goes on behind it. */
        append(&f, rows[i].index, rows[i].term, 1, 3);
        assert_int_equal(f.out.write.append_first, rows[i].index + 1);
        assert_int_equal(f.r.last, rows[i].index + 1);
    }
}

/* Neither answer nor vote nor request leaves before it is on disk. */
static void test_nothing_said_before_durable(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    follow(&f, 2);
    restore(&f, 9, 3, 3);
    struct raft_message m = core_message(&f, RAFT_MSG_HEARTBEAT, 1, 3);
    core_receive(&f, m);
    append(&f, 9, 3, 1, 3);
    core_event(&f, RAFT_EV_FLUSH);
    assert_int_equal(f.out.message_count, 0);
    uint64_t seq = f.r.write_seq - 1; /* the state, not yet the entry */
    core_step(&f, (struct raft_event){
                      .type = RAFT_EV_DURABLE, .seq = seq, .index = 9});
    core_event(&f, RAFT_EV_FLUSH);
    assert_int_equal(core_sent(&f, RAFT_MSG_APPEND_REPLY, 1)->match, 9);
    assert_int_equal(core_sent(&f, RAFT_MSG_APPEND_REPLY, 1)->verified, 10);
    assert_non_null(core_sent(&f, RAFT_MSG_HEARTBEAT_REPLY, 1));

    /* A vote that was on its way to the disk, and one that is asked for
     * again. */
    core_boot(&f, 2, 3);
    m = core_message(&f, RAFT_MSG_VOTE, 1, 3);
    m.index = 9;
    m.index_term = 2;
    core_receive(&f, m);
    seq = f.r.write_seq;
    restore(&f, 8, 2, 2);
    assert_int_equal(f.r.vote, 1);
    core_step(&f, (struct raft_event){
                      .type = RAFT_EV_DURABLE, .seq = seq, .index = 4});
    core_receive(&f, m);
    assert_int_equal(f.out.message_count, 0);
    core_durable(&f);
    assert_true(core_sent(&f, RAFT_MSG_VOTE_REPLY, 1)->granted);

    /* A campaign. */
    core_boot(&f, 2, 3);
    restore(&f, 8, 2, 2);
    core_tick_at(&f, f.r.election_at_ms);
    for (node_id id = 0; id < 2; id++) {
        m = core_message(&f, RAFT_MSG_PRE_VOTE_REPLY, id, 3);
        m.granted = true;
        core_receive(&f, m);
        assert_null(core_sent(&f, RAFT_MSG_VOTE, 0));
    }
    core_durable(&f);
    assert_int_equal(core_sent(&f, RAFT_MSG_VOTE, 0)->index, 8);
}

/* A completion of a write from before says nothing of the log from then on. */
static void test_late_completion(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    follow(&f, 1);
    append(&f, 5, 3, 4, 3);
    assert_int_equal(f.r.last, 9);
    uint64_t seq = f.r.write_seq;
    restore(&f, 7, 2, 3);
    append(&f, 7, 2, 3, 3);
    assert_int_equal(f.r.last, 10);
    core_step(&f, (struct raft_event){
                      .type = RAFT_EV_DURABLE, .seq = seq, .index = 9});
    assert_int_equal(f.r.durable, 7);
    core_step(&f, (struct raft_event){
                      .type = RAFT_EV_DURABLE, .seq = seq + 1, .index = 7});
    assert_int_equal(f.r.durable, 7);
    core_durable(&f);
    assert_int_equal(f.r.durable, 10);
}

/* The term of who offered it is entered: no earlier leader is followed, whose
 * log may lack what is in the state. The vote of a term stays. */
static void test_term(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    follow(&f, 2);
    restore(&f, 5, 2, 4);
    assert_int_equal(f.r.term, 4);
    assert_int_equal(f.out.write.term, 4);
    assert_int_equal(f.r.leader, NODE_NONE);
    assert_true(f.out.role_changed);
    core_durable(&f);
    core_event(&f, RAFT_EV_FLUSH);
    assert_int_equal(f.out.message_count, 0);
    struct raft_message m = core_message(&f, RAFT_MSG_APPEND, 1, 3);
    m.index = 2;
    m.index_term = 1;
    m.count = 3;
    m.run_count = 2;
    m.runs[0] = (struct raft_run){3, 2};
    m.runs[1] = (struct raft_run){5, 3};
    core_receive(&f, m);
    const struct raft_message *reply = core_sent(&f, RAFT_MSG_APPEND_REPLY, 1);
    assert_int_equal(reply->term, 4);
    assert_int_equal(reply->match, 0);
    assert_int_equal(reply->verified, 0);

    core_boot(&f, 2, 3);
    m = core_message(&f, RAFT_MSG_VOTE, 1, 3);
    m.index = 9;
    m.index_term = 2;
    core_receive(&f, m);
    core_durable(&f);
    restore(&f, 9, 3, 3);
    assert_int_equal(f.r.term, 3);
    assert_int_equal(f.r.vote, 1);
    assert_int_equal(f.out.write.vote, 1);
    restore(&f, 10, 3, 7);
    assert_int_equal(f.r.term, 7);
    assert_int_equal(f.r.vote, NODE_NONE);
}

/* A campaign ends: what it asked with was the end of another log. */
static void test_campaign_ends(void **state)
{
    UNUSED(state);
    for (int real = 0; real < 2; real++) {
        struct core_fixture f;
        core_boot(&f, 2, 3);
        core_tick_at(&f, f.r.election_at_ms);
        struct raft_message m = core_message(&f, RAFT_MSG_PRE_VOTE_REPLY, 1, 3);
        m.granted = true;
        if (real) {
            core_receive(&f, m);
            core_durable(&f);
            assert_int_equal(f.r.role, RAFT_CANDIDATE);
        }
        restore(&f, 9, 2, 2);
        assert_int_equal(f.r.role, RAFT_FOLLOWER);
        assert_int_equal(f.r.votes_granted, 0);
        assert_int_equal(f.r.vote, real ? 2 : NODE_NONE);
        assert_true(f.r.election_at_ms > f.now_ms &&
                    f.r.election_at_ms < INT64_MAX);
        m.type = real ? RAFT_MSG_VOTE_REPLY : RAFT_MSG_PRE_VOTE_REPLY;
        core_receive(&f, m);
        assert_int_equal(f.r.role, RAFT_FOLLOWER);
        core_durable(&f);
        assert_int_equal(f.out.message_count, 0);
    }
}

/* What the dropped log said of members is gone; what the kept one says
 * behind the state, stays. */
static void test_members(void **state)
{
    const struct raft_members more = {4, {0, 1, 2, 3}, 7, 0, {0}};
    const struct raft_members other = {3, {1, 2, 5}, 7, 0, {0, 2, 0}};

    UNUSED(state);
    for (int kept = 0; kept < 2; kept++) {
        struct core_fixture f;
        follow(&f, 0);
        struct raft_message m = core_message(&f, RAFT_MSG_APPEND, 1, 3);
        m.index = 4;
        m.index_term = 2;
        m.count = 2;
        m.run_count = 1;
        m.runs[0] = (struct raft_run){5, 3};
        core_step(&f, (struct raft_event){.type = RAFT_EV_MESSAGE,
                                          .message = &m,
                                          .members = &more,
                                          .members_at = 6});
        assert_int_equal(f.r.members_at[RAFT_NEWEST], 6);
        struct raft_event event = state_of(kept ? 5 : 7, 3, 3);
        event.members = &other;
        event.members_at = kept ? 0 : 3;
        core_step(&f, event);
        assert_int_equal(f.out.members_changed, !kept);
        if (kept) {
            assert_memory_equal(raft_newest(&f.r), &more, sizeof(more));
            assert_int_equal(f.r.members_at[RAFT_NEWEST], 6);
            assert_int_equal(f.r.members_at[RAFT_BASE], 0);
            continue;
        }
        for (int slot = 0; slot < RAFT_MEMBERS; slot++) {
            assert_memory_equal(&f.r.members[slot], &other, sizeof(other));
            assert_int_equal(f.r.members_at[slot], 3);
        }
        append(&f, 7, 3, 1, 3); /* its leader is no stranger to it */
        assert_int_equal(f.r.last, 8);
    }
    /* A change that the state contains is committed by it. */
    struct core_fixture f;
    follow(&f, 0);
    struct raft_message m = core_message(&f, RAFT_MSG_APPEND, 1, 3);
    m.index = 4;
    m.index_term = 2;
    m.count = 1;
    m.run_count = 1;
    m.runs[0] = (struct raft_run){5, 3};
    core_step(&f, (struct raft_event){.type = RAFT_EV_MESSAGE,
                                      .message = &m,
                                      .members = &more,
                                      .members_at = 5});
    assert_int_equal(f.r.members_at[RAFT_BASE], 0);
    struct raft_event event = state_of(5, 3, 3);
    event.members = &more;
    event.members_at = 5;
    core_step(&f, event);
    assert_int_equal(f.r.members_at[RAFT_BASE], 5);
    assert_int_equal(f.r.members[RAFT_BASE].count, 4);
}

/* Who has it knows the members; who becomes one by it begins to count. */
static void test_newcomer(void **state)
{
    const struct raft_members two = {2, {0, 1}, 3, 0, {0}};
    struct core_fixture f;
    struct raft_config config = core_config(2);
    struct raft_start start = {.vote = NODE_NONE,
                               .log_first = 1,
                               .members = {two},
                               .members_count = 1};

    UNUSED(state);
    memset(&f, 0xa5, sizeof(f));
    f.now_ms = 1000;
    raft_init(&f.r, &config, &start, f.now_ms);
    core_tick_at(&f, f.r.election_at_ms);
    assert_int_equal(f.r.role, RAFT_FOLLOWER);
    restore(&f, 100, 7, 8);
    assert_int_equal(f.r.term, 8);
    assert_int_equal(raft_newest(&f.r)->count, 3);
    core_durable(&f);
    core_tick_at(&f, f.r.election_at_ms);
    assert_int_equal(core_sent(&f, RAFT_MSG_PRE_VOTE, 1)->index, 100);
    assert_int_equal(core_sent(&f, RAFT_MSG_PRE_VOTE, 1)->index_term, 7);
}

/* A refusal that was to leave speaks of a log that is gone. */
static void test_refusal_forgotten(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    follow(&f, 0);
    append(&f, 9, 3, 1, 3);
    assert_true(f.r.reply_reject);
    restore(&f, 8, 2, 3);
    assert_false(f.r.reply_reject);
    core_durable(&f);
    core_event(&f, RAFT_EV_FLUSH);
    const struct raft_message *reply = core_sent(&f, RAFT_MSG_APPEND_REPLY, 1);
    assert_false(reply->rejected);
    assert_int_equal(reply->match, 8);
    assert_int_equal(reply->verified, 8);
}

/* The barrier of a recovering member may be in the state. */
static void test_barrier(void **state)
{
    for (raft_index at = 6; at <= 9; at++) {
        struct core_fixture f;
        struct raft_config config = core_config(2);
        struct raft_start start = {.vote = NODE_NONE,
                                   .log_first = 1,
                                   .recovering = true,
                                   .members = {all},
                                   .members_count = 1};

        UNUSED(state);
        memset(&f, 0xa5, sizeof(f));
        f.now_ms = 1000;
        raft_init(&f.r, &config, &start, f.now_ms);
        struct raft_message m = core_message(&f, RAFT_MSG_HEARTBEAT, 1, 3);
        m.to_incarnation = INCARNATION;
        m.barrier = 8;
        core_receive(&f, m);
        core_durable(&f);
        restore(&f, at, 3, 3);
        assert_true(f.r.recovering);
        core_durable(&f);
        assert_int_equal(f.r.recovering, at < 8);
        assert_int_equal(f.out.write.recovered, at >= 8);
        assert_int_equal(f.r.vote, at < 8 ? NODE_NONE : 1);
    }
}

/* What is being fetched is told in every reply, until it is here. */
static void test_fetching(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    follow(&f, 0);
    struct raft_message m = core_message(&f, RAFT_MSG_HEARTBEAT, 1, 3);
    for (raft_index at = 0; at <= 9; at += 9) {
        core_step(&f, (struct raft_event){.type = RAFT_EV_FETCH, .index = at});
        core_receive(&f, m);
        append(&f, 4, 2, 0, 0);
        core_event(&f, RAFT_EV_FLUSH);
        assert_int_equal(core_sent(&f, RAFT_MSG_APPEND_REPLY, 1)->snapshot, at);
        assert_int_equal(core_sent(&f, RAFT_MSG_HEARTBEAT_REPLY, 1)->snapshot,
                         at);
    }
    struct core_fixture g = f;
    restore(&g, 8, 2, 3); /* an earlier one */
    assert_int_equal(g.r.fetching, 9);
    restore(&f, 9, 3, 3);
    assert_int_equal(f.r.fetching, 0);
    core_durable(&f);
    core_event(&f, RAFT_EV_FLUSH);
    assert_int_equal(core_sent(&f, RAFT_MSG_APPEND_REPLY, 1)->snapshot, 0);

    /* The log was faster. */
    append(&f, 9, 3, 3, 3);
    core_durable(&f);
    core_step(&f, (struct raft_event){.type = RAFT_EV_FETCH, .index = 11});
    m.commit = 11;
    core_receive(&f, m);
    core_event(&f, RAFT_EV_FLUSH);
    assert_int_equal(core_sent(&f, RAFT_MSG_HEARTBEAT_REPLY, 1)->snapshot, 0);
    assert_true(asserts(&f, (struct raft_event){.type = RAFT_EV_FETCH,
                                                .index = RAFT_NUMBER_MAX + 1}));
}

/* The leader's side: what it is told, and that any state that joins its log
 * ends RAFT_SNAPSHOT. */
static void test_leader_is_told(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    core_boot(&f, 0, 3);
    core_win(&f);
    core_durable(&f);
    struct raft_message m = core_message(&f, RAFT_MSG_APPEND_REPLY, 1, 3);
    m.match = m.verified = 5;
    core_receive(&f, m);
    core_step(&f, (struct raft_event){.type = RAFT_EV_PROPOSE, .count = 4});
    core_durable(&f);
    m.match = m.verified = 9;
    core_receive(&f, m);
    assert_int_equal(f.r.commit, 9);
    core_step(&f, (struct raft_event){.type = RAFT_EV_LOG_CUT, .index = 8});
    m = core_message(&f, RAFT_MSG_APPEND_REPLY, 2, 3);
    m.rejected = true;
    m.index = 1;
    m.index_term = 1;
    for (m.refused = 9; m.refused >= 7; m.refused -= 2) {
        assert_int_equal(f.r.progress[2].state, RAFT_PROBE);
        core_receive(&f, m); /* who it is; then what is not there either */
        core_event(&f, RAFT_EV_FLUSH);
    }
    assert_int_equal(f.r.progress[2].state, RAFT_SNAPSHOT);
    m = core_message(&f, RAFT_MSG_HEARTBEAT_REPLY, 2, 3);
    m.snapshot = 8;
    core_receive(&f, m);
    assert_int_equal(f.r.progress[2].snapshot, 8);
    assert_int_equal(f.r.progress[2].state, RAFT_SNAPSHOT);
    for (raft_index at = 5; at <= 9; at++) {
        struct core_fixture g = f;
        m = core_message(&g, RAFT_MSG_APPEND_REPLY, 2, 3);
        m.match = m.verified = at;
        core_receive(&g, m);
        assert_int_equal(g.r.progress[2].snapshot, 0);
        assert_int_equal(g.r.progress[2].state,
                         at < 7 ? RAFT_SNAPSHOT : RAFT_PROBE);
        if (at >= 7) {
            core_event(&g, RAFT_EV_FLUSH);
            assert_int_equal(core_sent(&g, RAFT_MSG_APPEND, 2)->index, at);
        }
    }
    /* Of a later start nothing is known. */
    m = core_message(&f, RAFT_MSG_PRE_VOTE_REPLY, 2, 3);
    m.from_incarnation = 2;
    core_receive(&f, m);
    assert_int_equal(f.r.progress[2].snapshot, 0);
}

/* Only replies tell of it, and only what can be. */
static void test_message(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    follow(&f, 0);
    for (int type = RAFT_MSG_PRE_VOTE; type < RAFT_MSG_TYPE_END; type++) {
        struct raft_message m =
            core_message(&f, (enum raft_message_type)type, 1, 3);
        m.snapshot = 1;
        assert_int_equal(raft_fields_valid(&m),
                         type == RAFT_MSG_APPEND_REPLY ||
                             type == RAFT_MSG_HEARTBEAT_REPLY);
    }
    struct raft_message m = core_message(&f, RAFT_MSG_HEARTBEAT_REPLY, 1, 3);
    m.snapshot = RAFT_NUMBER_MAX;
    assert_true(raft_message_valid(&f.r, &m));
    m.snapshot++;
    assert_false(raft_message_valid(&f.r, &m));
}

/* What no caller may say. */
static void test_asserts(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    follow(&f, 0);
    struct raft_event event = state_of(9, 2, 3);
    assert_false(asserts(&f, event));
#define BAD(change)                                                            \
    do {                                                                       \
        event = state_of(9, 2, 3);                                             \
        change;                                                                \
        assert_true(asserts(&f, event));                                       \
    } while (0)
    BAD(event.index = 0);
    BAD(event.index = RAFT_NUMBER_MAX + 1);
    BAD(event.index_term = 0);
    BAD(event.index_term = 4);
    BAD(event.members = NULL);
    BAD(event.members_at = 10);
    struct raft_members none = {0};
    BAD(event.members = &none);
#undef BAD
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ignored),
        cmocka_unit_test(test_log_is_kept),
        cmocka_unit_test(test_kept_is_not_verified),
        cmocka_unit_test(test_log_is_dropped),
        cmocka_unit_test(test_nothing_said_before_durable),
        cmocka_unit_test(test_late_completion),
        cmocka_unit_test(test_term),
        cmocka_unit_test(test_campaign_ends),
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_newcomer),
        cmocka_unit_test(test_refusal_forgotten),
        cmocka_unit_test(test_barrier),
        cmocka_unit_test(test_fetching),
        cmocka_unit_test(test_leader_is_told),
        cmocka_unit_test(test_message),
        cmocka_unit_test(test_asserts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
