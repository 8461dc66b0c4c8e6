/*
 * Members that change: whose votes, copies and answers count, from when on,
 * and what a log that is truncated, or a start, makes of them.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core_fixture.h"

#define NEWEST(f) (&(f)->r.members[RAFT_NEWEST])
#define BASE(f)   (&(f)->r.members[RAFT_BASE])

/* 0, 1, 2 and sometimes 3; who votes, who voted before. */
static struct raft_members set_of(uint32_t count, uint32_t voters,
                                  uint32_t outgoing)
{
    return (struct raft_members){
        count, {0, 1, 2, 3, 4, 5}, voters, outgoing, {0}};
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

static struct raft_event change_to(const struct raft_members *members)
{
    return (struct raft_event){.type = RAFT_EV_CONFIG, .members = members};
}

static void change(struct core_fixture *f, struct raft_members members)
{
    core_step(f, change_to(&members));
}

static void ack(struct core_fixture *f, node_id from, raft_index match)
{
    struct raft_message m =
        core_message(f, RAFT_MSG_APPEND_REPLY, from, f->r.term);

    m.match = m.verified = match;
    m.round = f->r.round;
    core_receive(f, m);
}

/* Leads term 3 of 0, 1, 2 as 0; its entry, 5, is committed. */
static void lead(struct core_fixture *f)
{
    core_boot(f, 0, 3);
    core_win(f);
    core_durable(f);
    ack(f, 1, 5);
    assert_int_equal(f->r.commit, 5);
    assert_true(raft_can_change(&f->r));
}

/* The leader of term 3 appends `count` entries after `index`, the one at `at`
 * makes these members. */
static void append(struct core_fixture *f, raft_index index, uint32_t count,
                   struct raft_members members, raft_index at)
{
    struct raft_message m = core_message(f, RAFT_MSG_APPEND, 0, 3);
    struct raft_event event = {.type = RAFT_EV_MESSAGE, .message = &m};

    m.index = index;
    m.index_term = index > 4 ? 3 : index > 2 ? 2 : 1;
    m.count = count;
    m.run_count = 1;
    m.runs[0] = (struct raft_run){index + 1, 3};
    if (at > 0) {
        event.members = &members;
        event.members_at = at;
    }
    core_step(f, event);
}

static void test_valid(void **state)
{
    struct raft_members m;

    UNUSED(state);
#define BAD(change)                                                            \
    do {                                                                       \
        m = set_of(3, 3, 0);                                                   \
        assert_true(raft_members_valid(&m));                                   \
        change;                                                                \
        assert_false(raft_members_valid(&m));                                  \
    } while (0)
    BAD(m.count = 0);
    BAD(m.count = RAFT_NODES_MAX + 1);
    BAD(m.count = UINT32_MAX);
    BAD(m.voters = 0);
    BAD(m.voters = 8);
    BAD(m.voters = UINT32_MAX);
    BAD(m.outgoing = 8);
    BAD(m.outgoing = 1U << 31);
    BAD(m.ids[1] = 0);
    BAD(m.ids[1] = 2);
    BAD(m.ids[0] = 7);
    BAD(m.ids[2] = NODE_NONE);
#undef BAD
}

static void test_sorted(void **state)
{
    static const node_id ids[] = {9, 0, 4, 7};
    struct raft_members m;

    UNUSED(state);
    memset(&m, 0xa5, sizeof(m));
    raft_members_of(&m, ids, 4);
    const struct raft_members want = {4, {0, 4, 7, 9}, 15, 0, {0}};
    assert_memory_equal(&m, &want, sizeof(m));
    assert_int_equal(raft_members_position(&m, 7), 2);
    assert_int_equal(raft_members_position(&m, 8), -1);
}

static void test_quorums(void **state)
{
    UNUSED(state);
    for (uint32_t bits = 0; bits < 32; bits++) {
        uint32_t first = (bits & 1) + (bits >> 1 & 1) + (bits >> 2 & 1);
        uint32_t last = (bits >> 2 & 1) + (bits >> 3 & 1) + (bits >> 4 & 1);
        struct raft_members m = set_of(5, 7, 0);
        assert_int_equal(raft_members_quorum(&m, bits), first >= 2);
        m = set_of(5, 28, 7);
        assert_int_equal(raft_members_quorum(&m, bits),
                         first >= 2 && last >= 2);
    }
}

static void test_follow(void **state)
{
    static const struct {
        struct raft_members before, after;
        bool may;
    } rows[] = {
        /* a learner comes, goes, nothing changes */
        {{3, {1, 2, 3}, 7, 0, {0}}, {4, {1, 2, 3, 4}, 7, 0, {0}}, true},
        {{4, {1, 2, 3, 4}, 7, 0, {0}}, {3, {1, 2, 3}, 7, 0, {0}}, true},
        {{3, {1, 2, 3}, 7, 0, {0}}, {3, {1, 2, 3}, 7, 0, {0}}, true},
        /* with a smaller id, all positions move */
        {{3, {1, 2, 3}, 7, 0, {0}}, {4, {0, 1, 2, 3}, 14, 0, {0}}, true},
        {{3, {1, 2, 3}, 7, 0, {0}}, {4, {0, 1, 2, 3}, 7, 0, {0}}, false},
        /* one voter comes, goes */
        {{4, {1, 2, 3, 4}, 7, 0, {0}}, {4, {1, 2, 3, 4}, 15, 0, {0}}, true},
        {{3, {1, 2, 3}, 7, 0, {0}}, {4, {1, 2, 3, 4}, 15, 0, {0}}, true},
        {{3, {1, 2, 3}, 7, 0, {0}}, {2, {1, 2}, 3, 0, {0}}, true},
        {{3, {1, 2, 3}, 7, 0, {0}}, {3, {1, 2, 3}, 3, 0, {0}}, true},
        /* one for another, two */
        {{3, {1, 2, 3}, 7, 0, {0}}, {3, {1, 2, 4}, 7, 0, {0}}, false},
        {{3, {1, 2, 3}, 7, 0, {0}}, {5, {1, 2, 3, 4, 5}, 31, 0, {0}}, false},
        {{3, {1, 2, 3}, 7, 0, {0}}, {1, {1}, 1, 0, {0}}, false},
        {{1, {1}, 1, 0, {0}}, {1, {2}, 1, 0, {0}}, false},
        /* into joint: the outgoing set is who voted */
        {{3, {1, 2, 3}, 7, 0, {0}}, {4, {1, 2, 3, 4}, 11, 7, {0}}, true},
        {{3, {1, 2, 3}, 7, 0, {0}}, {6, {1, 2, 3, 4, 5, 6}, 56, 7, {0}}, true},
        {{3, {1, 2, 3}, 7, 0, {0}}, {4, {1, 2, 3, 4}, 11, 3, {0}}, false},
        {{3, {1, 2, 3}, 7, 0, {0}}, {4, {1, 2, 3, 4}, 11, 15, {0}}, false},
        {{3, {1, 2, 3}, 7, 0, {0}}, {3, {1, 2, 4}, 7, 3, {0}}, false},
        /* out of it: the incoming set, with or without the others */
        {{4, {1, 2, 3, 4}, 11, 7, {0}}, {4, {1, 2, 3, 4}, 11, 0, {0}}, true},
        {{4, {1, 2, 3, 4}, 11, 7, {0}}, {3, {1, 2, 4}, 7, 0, {0}}, true},
        {{4, {1, 2, 3, 4}, 11, 7, {0}}, {3, {1, 2, 3}, 7, 0, {0}}, false},
        {{4, {1, 2, 3, 4}, 11, 7, {0}}, {4, {1, 2, 3, 4}, 15, 0, {0}}, false},
        {{4, {1, 2, 3, 4}, 11, 7, {0}}, {4, {1, 2, 3, 4}, 11, 7, {0}}, false},
        {{4, {1, 2, 3, 4}, 11, 7, {0}}, {4, {1, 2, 3, 4}, 7, 11, {0}}, false},
        /* not valid at all */
        {{3, {1, 2, 3}, 7, 0, {0}}, {4, {1, 2, 3, 3}, 7, 0, {0}}, false},
        {{3, {1, 2, 3}, 7, 0, {0}}, {3, {1, 2, 3}, 0, 7, {0}}, false},
    };

    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (raft_members_follow(&rows[i].before, &rows[i].after) !=
            rows[i].may) {
            fail_msg("row %zu", i);
        }
    }
}

/* R1: when a leader may not. */
static void test_can_change(void **state)
{
    struct core_fixture f;
    struct raft_members more = set_of(4, 7, 0);
    struct raft_members two = set_of(5, 31, 0);

    UNUSED(state);
    core_boot(&f, 0, 3);
    assert_false(raft_can_change(&f.r));
    assert_true(asserts(&f, change_to(&more)));
    core_win(&f);
    core_durable(&f);
    assert_false(raft_can_change(&f.r)); /* nothing of its term is committed */
    assert_true(asserts(&f, change_to(&more)));
    ack(&f, 2, 5);
    assert_true(raft_can_change(&f.r));
    assert_false(asserts(&f, change_to(&more)));
    assert_true(asserts(&f, change_to(NULL)));
    assert_true(asserts(&f, change_to(&two)));
    struct core_fixture g = f;
    core_peer_event(&g, RAFT_EV_TRANSFER, 1);
    assert_false(raft_can_change(&g.r));
    assert_true(asserts(&g, change_to(&more)));
    change(&f, more);
    assert_false(raft_can_change(&f.r)); /* the last one is not committed */
    assert_true(asserts(&f, change_to(&more)));
    core_durable(&f);
    ack(&f, 1, 6);
    assert_int_equal(f.r.commit, 6);
    assert_true(raft_can_change(&f.r));
}

/* What the change writes, and what is known of those that stay. */
static void test_change(void **state)
{
    struct core_fixture f;
    struct raft_members more = {4, {0, 1, 2, 9}, 7, 0, {0}};

    UNUSED(state);
    lead(&f);
    core_peer_event(&f, RAFT_EV_PEER_UP, 2);
    memset(&more.ids[4], 0xa5, sizeof(more.ids) - 4 * sizeof(node_id));
    change(&f, more);
    memset(&more.ids[4], 0, sizeof(more.ids) - 4 * sizeof(node_id));
    assert_int_equal(f.out.write.append_first, 6);
    assert_int_equal(f.out.write.append_last, 6);
    assert_int_equal(f.out.write.append_term, 3);
    assert_true(f.out.write.append_members);
    assert_false(f.out.write.append_empty);
    assert_true(f.out.members_changed);
    assert_int_equal(f.r.members_at[RAFT_NEWEST], 6);
    assert_memory_equal(NEWEST(&f), &more, sizeof(more));
    assert_int_equal(f.r.members_at[RAFT_BASE], 0);
    assert_int_equal(BASE(&f)->count, 3);
    assert_int_equal(f.r.progress[1].match, 5);
    assert_true(f.r.progress[2].link_up);
    assert_false(f.r.progress[3].link_up);
    assert_int_equal(f.r.progress[3].state, RAFT_PROBE);
    assert_int_equal(f.r.progress[3].next, 7);
    assert_true(f.r.progress[3].heard_ms == f.now_ms);
    core_event(&f, RAFT_EV_FLUSH);
    assert_non_null(core_sent(&f, RAFT_MSG_APPEND, 9));
    core_event(&f, RAFT_EV_FLUSH);
    assert_false(f.out.members_changed);
}

/* An id before all others moves every place. */
static void test_places_move(void **state)
{
    struct core_fixture f;
    struct raft_config config = core_config(5);
    struct raft_start start = core_start(3);
    struct raft_members more = {4, {1, 3, 5, 7}, 14, 0, {0}};

    UNUSED(state);
    memset(&f, 0, sizeof(f));
    f.now_ms = 1000;
    start.members[0] = (struct raft_members){3, {3, 5, 7}, 7, 0, {0}};
    raft_init(&f.r, &config, &start, f.now_ms);
    core_win(&f);
    core_durable(&f);
    ack(&f, 7, 5);
    core_peer_event(&f, RAFT_EV_PEER_UP, 3);
    change(&f, more);
    assert_int_equal(raft_self(&f.r), 2);
    assert_int_equal(f.r.progress[0].match, 0);
    assert_true(f.r.progress[1].link_up);
    assert_int_equal(f.r.progress[3].match, 5);
    core_durable(&f);
    ack(&f, 1, 6); /* a learner */
    assert_int_equal(f.r.commit, 5);
    ack(&f, 3, 6);
    assert_int_equal(f.r.commit, 6);
    assert_memory_equal(BASE(&f), &more, sizeof(more));
    change(&f, (struct raft_members){3, {3, 5, 7}, 7, 0, {0}});
    assert_int_equal(f.r.progress[0].match, 6);
    assert_int_equal(f.r.progress[2].match, 5);
    assert_int_equal(f.r.progress[3].next, 0);
}

/* R3: copies. */
static void test_commit_of_both(void **state)
{
    UNUSED(state);
    /* 0, 1, 2 before; 2, 3, 4 then; who has the entry. */
    for (uint32_t bits = 0; bits < 16; bits++) {
        struct core_fixture f;
        lead(&f);
        change(&f, set_of(5, 28, 7));
        core_durable(&f);
        uint32_t first = 1 + (bits & 1) + (bits >> 1 & 1);
        uint32_t last = (bits >> 1 & 1) + (bits >> 2 & 1) + (bits >> 3 & 1);
        for (node_id id = 1; id <= 4; id++) {
            if ((bits >> (id - 1) & 1) != 0) {
                ack(&f, id, 6);
            }
        }
        bool both = first >= 2 && last >= 2;
        assert_int_equal(f.r.commit, both ? 6 : 5);
        assert_int_equal(raft_leave_due(&f.r), both);
        assert_int_equal(f.r.members_at[RAFT_BASE], both ? 6 : 0);
    }
}

/* R3: rounds of reads, and contact. */
static void test_rounds_of_both(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    lead(&f);
    change(&f, set_of(5, 28, 7));
    core_step(&f, (struct raft_event){.type = RAFT_EV_READ, .read_id = 1});
    core_event(&f, RAFT_EV_FLUSH);
    ack(&f, 1, 5);
    core_event(&f, RAFT_EV_FLUSH);
    assert_int_equal(f.out.read_count, 0);
    ack(&f, 3, 0);
    core_event(&f, RAFT_EV_FLUSH);
    assert_int_equal(f.out.read_count, 0);
    ack(&f, 4, 0);
    core_event(&f, RAFT_EV_FLUSH);
    assert_int_equal(f.out.read_count, 1);
    assert_int_equal(f.out.reads[0].index, 5);
    /* The old ones answer, the new ones do not. */
    int64_t until = f.now_ms + ELECTION_MS;
    f.now_ms += 10;
    ack(&f, 1, 5);
    ack(&f, 2, 5);
    assert_true(f.r.quorum_check_ms == until);
    ack(&f, 4, 0);
    assert_true(f.r.quorum_check_ms == until + 10);
    f.now_ms += ELECTION_MS;
    core_event(&f, RAFT_EV_TICK);
    assert_int_equal(f.r.role, RAFT_FOLLOWER);
}

static void test_leave(void **state)
{
    struct core_fixture f;
    struct raft_members left = {3, {0, 1, 3}, 7, 0, {0}};

    UNUSED(state);
    lead(&f);
    change(&f, set_of(4, 11, 7));
    assert_false(raft_leave_due(&f.r));
    core_durable(&f);
    ack(&f, 1, 6);
    assert_true(raft_leave_due(&f.r));
    core_peer_event(&f, RAFT_EV_TRANSFER, 1);
    assert_false(raft_leave_due(&f.r));
    f.now_ms += ELECTION_MS / 2;
    ack(&f, 1, 6);
    ack(&f, 3, 6);
    f.now_ms += ELECTION_MS / 2;
    core_event(&f, RAFT_EV_TICK);
    assert_true(raft_leave_due(&f.r));
    change(&f, left);
    assert_false(raft_leave_due(&f.r));
    assert_int_equal(raft_position(&f.r, 2), -1);
    core_durable(&f);
    ack(&f, 2, 7); /* counts no more */
    assert_int_equal(f.r.commit, 6);
    ack(&f, 3, 7);
    assert_int_equal(f.r.commit, 7);
    assert_false(raft_leave_due(&f.r));
    core_event(&f, RAFT_EV_FLUSH);
    assert_null(core_sent(&f, RAFT_MSG_HEARTBEAT, 2));
}

/* A leader that is no voter any more: counts only others, leads until that is
 * committed, then follows nobody, and does not campaign. */
static void test_leader_removed(void **state)
{
    UNUSED(state);
    for (int demoted = 0; demoted < 2; demoted++) {
        struct core_fixture f;
        lead(&f);
        struct raft_members without = {2, {1, 2}, 3, 0, {0}};
        change(&f, demoted ? set_of(3, 6, 0) : without);
        core_step(&f, (struct raft_event){.type = RAFT_EV_READ, .read_id = 1});
        core_durable(&f);
        assert_int_equal(f.r.commit, 5);
        ack(&f, 1, 6);
        assert_int_equal(f.r.commit, 5);
        assert_int_equal(f.r.role, RAFT_LEADER);
        core_event(&f, RAFT_EV_FLUSH);
        ack(&f, 1, 6);
        core_event(&f, RAFT_EV_FLUSH);
        assert_int_equal(f.out.read_count, 0); /* its own answer counts not */
        core_step(&f, (struct raft_event){.type = RAFT_EV_PROPOSE, .count = 1});
        ack(&f, 2, 6);
        assert_int_equal(f.r.commit, 6);
        assert_int_equal(f.r.role, RAFT_FOLLOWER);
        assert_int_equal(f.r.leader, NODE_NONE);
        assert_true(f.out.role_changed);
        assert_int_equal(f.out.reads_lost_count, 1);
        core_tick_at(&f, f.r.election_at_ms);
        assert_int_equal(f.r.role, RAFT_FOLLOWER);
        assert_int_equal(f.out.message_count, 0);
        assert_true(f.r.election_at_ms > f.now_ms);
    }
}

/* The only one that is left needs nobody. */
static void test_down_to_one(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    lead(&f);
    change(&f, set_of(2, 3, 0));
    core_durable(&f);
    ack(&f, 1, 6);
    change(&f, set_of(1, 1, 0));
    assert_int_equal(f.r.commit, 6);
    core_durable(&f);
    assert_int_equal(f.r.commit, 7);
    f.now_ms += 10 * ELECTION_MS;
    core_event(&f, RAFT_EV_TICK);
    assert_int_equal(f.r.role, RAFT_LEADER);
    change(&f, set_of(2, 3, 0));
    core_durable(&f);
    assert_int_equal(f.r.commit, 7);
    assert_true(f.r.quorum_check_ms == f.now_ms + ELECTION_MS);
}

static void test_transfer_to_voters(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    lead(&f);
    change(&f, set_of(5, 25, 7)); /* 0, 3 and 4 for 0, 1 and 2 */
    for (node_id id = 1; id <= 5; id++) {
        bool may = id == 3 || id == 4;
        struct core_fixture g = f;
        core_peer_event(&g, RAFT_EV_TRANSFER, id);
        assert_int_equal(g.r.transfer_to, may ? id : NODE_NONE);
        assert_int_equal(g.out.transfer_ended, !may);
    }
    for (node_id id = 1; id <= 4; id++) {
        core_peer_event(&f, RAFT_EV_PEER_UP, id);
    }
    core_peer_event(&f, RAFT_EV_TRANSFER, NODE_NONE);
    assert_int_equal(f.r.transfer_to, 3);
    core_durable(&f);
    ack(&f, 3, 6);
    core_event(&f, RAFT_EV_FLUSH);
    assert_non_null(core_sent(&f, RAFT_MSG_TIMEOUT_NOW, 3));
}

/* R4: as long as the entry is there. */
static void test_appended_and_truncated(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    core_boot(&f, 2, 3);
    core_peer_event(&f, RAFT_EV_PEER_UP, 1);
    append(&f, 4, 3, set_of(4, 7, 0), 6);
    assert_true(f.out.members_changed);
    assert_int_equal(f.r.last, 7);
    assert_int_equal(f.r.members_at[RAFT_NEWEST], 6);
    assert_int_equal(NEWEST(&f)->count, 4);
    assert_int_equal(BASE(&f)->count, 3);
    assert_true(f.r.progress[1].link_up);
    /* The same again, and its neighbours: nothing new. */
    append(&f, 4, 3, set_of(4, 7, 0), 6);
    assert_false(f.out.members_changed);
    append(&f, 7, 1, set_of(4, 7, 0), 0);
    assert_false(f.out.members_changed);
    assert_int_equal(f.r.members_at[RAFT_NEWEST], 6);
    /* A leader of term 4 has entries 1..5 and one more. */
    struct raft_message m = core_message(&f, RAFT_MSG_APPEND, 1, 4);
    m.index = 6;
    m.index_term = 3;
    m.count = m.run_count = 1;
    m.runs[0] = (struct raft_run){7, 4};
    struct core_fixture g = f;
    core_receive(&g, m); /* behind the change */
    assert_int_equal(g.r.members_at[RAFT_NEWEST], 6);
    assert_false(g.out.members_changed);
    m.index = 5;
    m.runs[0].first = 6;
    core_receive(&f, m);
    assert_int_equal(f.r.last, 6);
    assert_int_equal(f.r.members_at[RAFT_NEWEST], 0);
    assert_true(f.out.members_changed);
    assert_int_equal(NEWEST(&f)->count, 3);
    assert_true(f.r.progress[1].link_up);
    assert_int_equal(f.r.progress[3].incarnation, 0);
}

/* Another change in the place of the one that is truncated, in one step. */
static void test_replaced(void **state)
{
    struct core_fixture f;
    struct raft_members other = {4, {0, 1, 2, 8}, 15, 0, {0}};

    UNUSED(state);
    core_boot(&f, 2, 3);
    append(&f, 4, 2, set_of(4, 7, 0), 5);
    struct raft_message m = core_message(&f, RAFT_MSG_APPEND, 1, 4);
    m.index = 4;
    m.index_term = 2;
    m.count = m.run_count = 1;
    m.runs[0] = (struct raft_run){5, 4};
    core_step(&f, (struct raft_event){.type = RAFT_EV_MESSAGE,
                                      .message = &m,
                                      .members = &other,
                                      .members_at = 5});
    assert_true(f.out.members_changed);
    assert_int_equal(f.r.members_at[RAFT_NEWEST], 5);
    assert_memory_equal(NEWEST(&f), &other, sizeof(other));
    assert_int_equal(BASE(&f)->count, 3);
    assert_int_equal(f.r.members_at[RAFT_BASE], 0);
}

/* R5: a second change shows that the first is committed. */
static void test_second_commits_first(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    core_boot(&f, 2, 3);
    append(&f, 4, 2, set_of(4, 7, 0), 5);
    assert_int_equal(f.r.commit, 1);
    append(&f, 6, 2, set_of(4, 15, 0), 7);
    assert_int_equal(f.r.commit, 5);
    assert_int_equal(f.r.members_at[RAFT_BASE], 5);
    assert_int_equal(BASE(&f)->voters, 7);
    assert_int_equal(f.r.members_at[RAFT_NEWEST], 7);
    assert_int_equal(NEWEST(&f)->voters, 15);
}

/* The commit index that the leader told earlier lies behind the change. */
static void test_committed_when_appended(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    core_boot(&f, 2, 3);
    append(&f, 4, 1, set_of(4, 7, 0), 5);
    struct raft_message m = core_message(&f, RAFT_MSG_HEARTBEAT, 0, 3);
    m.commit = 9;
    core_receive(&f, m);
    assert_int_equal(f.r.commit, 5);
    append(&f, 5, 5, set_of(4, 15, 0), 7);
    assert_int_equal(f.r.commit, 9);
    assert_int_equal(f.r.members_at[RAFT_BASE], 7);
    assert_int_equal(BASE(&f)->voters, 15);
}

/* What cannot be true of a change makes the whole message untrue. */
static void test_untrue_changes(void **state)
{
    UNUSED(state);
    for (int i = 0; i < 7; i++) {
        struct core_fixture f;
        struct raft_members members = set_of(4, 7, 0);
        core_boot(&f, 2, 3);
        struct raft_message m = core_message(&f, RAFT_MSG_APPEND, 0, 3);
        struct raft_event event = {.type = RAFT_EV_MESSAGE,
                                   .message = &m,
                                   .members = &members,
                                   .members_at = 5};
        m.index = 4;
        m.index_term = 2;
        m.count = m.run_count = 1;
        m.runs[0] = (struct raft_run){5, 3};
        event.members_at = i == 1 ? 4 : i == 2 ? 6 : i == 3 ? 0 : 5;
        members.voters = i == 4 ? 0 : 7;
        members.count = i == 5 ? RAFT_NODES_MAX + 1 : 4;
        event.members = i == 6 ? NULL : &members;
        core_step(&f, event);
        assert_int_equal(f.r.last, i == 0 ? 5 : 4);
        assert_int_equal(NEWEST(&f)->count, i == 0 ? 4 : 3);
        assert_int_equal(f.r.leader, i == 0 ? 0 : NODE_NONE);
    }
    struct core_fixture f;
    struct raft_members members = set_of(4, 7, 0);
    core_boot(&f, 2, 3);
    struct raft_message m = core_message(&f, RAFT_MSG_HEARTBEAT, 0, 3);
    core_step(&f, (struct raft_event){.type = RAFT_EV_MESSAGE,
                                      .message = &m,
                                      .members = &members});
    assert_int_equal(f.r.leader, NODE_NONE);
}

/* Whoever asks gets the vote of a learner, and of one who is no member. */
static void test_grants(void **state)
{
    UNUSED(state);
    for (node_id self = 2; self <= 4; self++) { /* voter, learner, stranger */
        for (node_id from = 0; from <= 9; from += 9) {
            struct core_fixture f;
            struct raft_config config = core_config(self);
            struct raft_start start = core_start(3);
            memset(&f, 0, sizeof(f));
            f.now_ms = 1000;
            start.members[0] = set_of(4, 7, 0);
            raft_init(&f.r, &config, &start, f.now_ms);
            struct raft_message m =
                core_message(&f, RAFT_MSG_PRE_VOTE, from, 3);
            m.index = 4;
            m.index_term = 2;
            core_receive(&f, m);
            assert_true(core_sent(&f, RAFT_MSG_PRE_VOTE_REPLY, from)->granted);
            m.type = RAFT_MSG_VOTE;
            core_receive(&f, m);
            assert_int_equal(f.r.vote, from);
            core_durable(&f);
            assert_true(core_sent(&f, RAFT_MSG_VOTE_REPLY, from)->granted);
            m.from = 1;
            core_receive(&f, m);
            assert_false(core_sent(&f, RAFT_MSG_VOTE_REPLY, 1)->granted);
            /* But it does not ask by itself. */
            core_tick_at(&f, f.r.election_at_ms);
            assert_int_equal(f.r.role,
                             self == 2 ? RAFT_PRE_CANDIDATE : RAFT_FOLLOWER);
            core_receive(&f, core_message(&f, RAFT_MSG_HEARTBEAT, from, 4));
            core_receive(&f, core_message(&f, RAFT_MSG_TIMEOUT_NOW, from, 4));
            assert_int_equal(f.r.role,
                             self == 2 ? RAFT_CANDIDATE : RAFT_FOLLOWER);
        }
    }
}

static void vote(struct core_fixture *f, enum raft_message_type type,
                 node_id from)
{
    struct raft_message m = core_message(f, type, from, 3);

    m.granted = true;
    core_receive(f, m);
}

/* Whom a candidate asks, and whose votes count: both sets, nobody else. */
static void test_votes_of_both(void **state)
{
    UNUSED(state);
    for (uint32_t bits = 0; bits < 64; bits++) {
        struct core_fixture f;
        struct raft_config config = core_config(2);
        struct raft_start start = core_start(3);
        memset(&f, 0, sizeof(f));
        f.now_ms = 1000;
        /* 0, 1, 2 before; 2, 3, 4 then; 5 is a learner, 6 a stranger */
        start.members[0] = set_of(6, 28, 7);
        raft_init(&f.r, &config, &start, f.now_ms);
        core_tick_at(&f, f.r.election_at_ms);
        assert_int_equal(f.out.message_count, 4);
        assert_null(core_sent(&f, RAFT_MSG_PRE_VOTE, 5));
        uint32_t got = bits | 4;
        bool both = __builtin_popcount(got & 7) >= 2 &&
                    __builtin_popcount(got & 28) >= 2;
        for (int round = 0; round < (both ? 2 : 1); round++) {
            for (node_id from = 0; from <= 6; from++) {
                bool gives = (bits >> from & 1) != 0 || from == 6;
                if (gives && from != 2) {
                    vote(&f,
                         round == 0 ? RAFT_MSG_PRE_VOTE_REPLY
                                    : RAFT_MSG_VOTE_REPLY,
                         from);
                }
            }
            if (round == 0 && both) {
                assert_int_equal(f.r.role, RAFT_CANDIDATE);
                core_durable(&f);
                assert_null(core_sent(&f, RAFT_MSG_VOTE, 5));
            }
        }
        assert_int_equal(f.r.role, both ? RAFT_LEADER : RAFT_PRE_CANDIDATE);
    }
}

/* 0 and 1 were joint with 0 alone; by the last entry, 4, 0 votes alone. The
 * leader, 0, has lost it with its power: without 1 it cannot win, and 1 gives
 * its vote to no shorter log. So 1 leads until 0 has the entry. */
static void test_needed_until_committed(void **state)
{
    UNUSED(state);
    for (int known = 0; known < 3; known++) {
        struct core_fixture f;
        struct raft_config config = core_config(1);
        struct raft_start start = core_start(5);
        memset(&f, 0, sizeof(f));
        f.now_ms = 1000;
        start.members[0] = set_of(2, 1, known == 1 ? 0 : 3);
        start.members_at[0] = 3;
        start.members[1] = known == 2 ? (struct raft_members){1, {0}, 1, 0, {0}}
                                      : set_of(2, 1, 0);
        start.members_at[1] = 4;
        start.members_count = 2;
        raft_init(&f.r, &config, &start, f.now_ms);
        core_tick_at(&f, f.r.election_at_ms);
        if (known == 1) { /* it did not vote before, either */
            assert_int_equal(f.r.role, RAFT_FOLLOWER);
            continue;
        }
        assert_non_null(core_sent(&f, RAFT_MSG_PRE_VOTE, 0));
        vote(&f, RAFT_MSG_PRE_VOTE_REPLY, 0);
        assert_int_equal(f.r.role, RAFT_CANDIDATE);
        core_durable(&f);
        assert_int_equal(f.r.role, RAFT_CANDIDATE); /* its own counts not */
        vote(&f, RAFT_MSG_VOTE_REPLY, 0);
        assert_int_equal(f.r.role, RAFT_LEADER);
        core_durable(&f);
        assert_int_equal(f.r.commit, 3);
        ack(&f, 0, 5);
        assert_int_equal(f.r.commit, 5);
        assert_int_equal(f.r.role, RAFT_FOLLOWER);
        core_tick_at(&f, f.r.election_at_ms);
        assert_int_equal(f.r.role, RAFT_FOLLOWER);
    }
}

/* The answers of one who is no member are nobody's; what it asks is heard. */
static void test_stranger(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    lead(&f);
    struct raft_message m = core_message(&f, RAFT_MSG_READ, 7, 3);
    m.read_id = 4;
    core_receive(&f, m);
    assert_int_equal(f.r.read_count, 0);
    m = core_message(&f, RAFT_MSG_HEARTBEAT_REPLY, 7, 9);
    core_receive(&f, m);
    assert_int_equal(f.r.term, 3);
    /* A leader that this log does not know yet. */
    core_receive(&f, core_message(&f, RAFT_MSG_HEARTBEAT, 7, 9));
    assert_int_equal(f.r.leader, 7);
    core_durable(&f);
    core_event(&f, RAFT_EV_FLUSH);
    m = *core_sent(&f, RAFT_MSG_HEARTBEAT_REPLY, 7);
    assert_int_equal(m.to_incarnation, 0);
    core_step(&f, (struct raft_event){.type = RAFT_EV_READ, .read_id = 8});
    core_event(&f, RAFT_EV_FLUSH);
    assert_non_null(core_sent(&f, RAFT_MSG_READ, 7));
    m = core_message(&f, RAFT_MSG_READ_REPLY, 7, 9);
    m.read_id = 8;
    m.granted = true;
    m.commit = 5;
    core_receive(&f, m);
    assert_int_equal(f.out.read_count, 1);
    m.from = 6;
    core_receive(&f, m);
    assert_int_equal(f.out.read_count, 0);
    core_peer_event(&f, RAFT_EV_PEER_DOWN, 6);
    assert_true(f.r.election_at_ms >= f.now_ms + ELECTION_MS);
    core_peer_event(&f, RAFT_EV_PEER_DOWN, 7);
    assert_true(f.r.election_at_ms <= f.now_ms + 5);
    m = core_message(&f, RAFT_MSG_HEARTBEAT, 7, 2);
    core_receive(&f, m); /* of an old term: is told ours */
    assert_int_equal(core_sent(&f, RAFT_MSG_HEARTBEAT_REPLY, 7)->term, 9);
}

/* A start knows what the log says, and that all changes but the last are
 * committed. */
static void test_start(void **state)
{
    UNUSED(state);
    for (uint32_t count = 1; count <= 3; count++) {
        for (raft_index applied = 0; applied <= 4; applied++) {
            struct core_fixture f;
            struct raft_config config = core_config(0);
            struct raft_start start = core_start(3);
            for (uint32_t i = 1; i < count; i++) {
                start.members[i] = set_of(3 + i, 7, 0);
                start.members_at[i] = i + 1;
            }
            start.members_count = count;
            start.applied = applied;
            raft_init(&f.r, &config, &start, 0);
            raft_index newest = count == 1 ? 0 : count;
            raft_index before = count == 3 ? 2 : 0;
            assert_int_equal(f.r.members_at[RAFT_NEWEST], newest);
            assert_int_equal(NEWEST(&f)->count, count + 2);
            assert_int_equal(f.r.members_at[RAFT_BASE],
                             applied >= newest ? newest : before);
            assert_int_equal(f.r.commit, MAX(applied, before));
        }
    }
}

#define LIFE(n) ((uint64_t)(n) << 32)

static struct raft_members life_of_1(uint32_t life)
{
    struct raft_members m = set_of(3, 7, 0);

    m.life[1] = life;
    return m;
}

/* From the append on, committed or not, what the old self of 1 says is not
 * believed; and again, when the entry is truncated. */
static void test_life_when_appended(void **state)
{
    UNUSED(state);
    for (int type = RAFT_MSG_PRE_VOTE; type < RAFT_MSG_TYPE_END; type++) {
        struct core_fixture f;
        core_boot(&f, 2, 3);
        append(&f, 4, 1, life_of_1(1), 5);
        struct raft_message m =
            core_message(&f, (enum raft_message_type)type, 1, 9);
        struct raft before = f.r;
        m.from_incarnation = LIFE(1) - 1;
        core_receive(&f, m);
        assert_memory_equal(&before, &f.r, sizeof(before));
        assert_int_equal(f.out.message_count, 0);
        m.from_incarnation = LIFE(1) + 1;
        struct core_fixture g = f;
        core_receive(&g, m);
        assert_true(g.r.progress[1].incarnation == LIFE(1) + 1);
        /* A leader of term 4 has another entry there. */
        struct raft_message a = core_message(&f, RAFT_MSG_APPEND, 0, 4);
        a.index = 4;
        a.index_term = 2;
        a.count = a.run_count = 1;
        a.runs[0] = (struct raft_run){5, 4};
        core_receive(&f, a);
        assert_int_equal(NEWEST(&f)->life[1], 0);
        m.from_incarnation = LIFE(1) - 1;
        core_receive(&f, m);
        assert_true(f.r.progress[1].incarnation == LIFE(1) - 1);
    }
}

/* The entry is committed without the old self; the new one counts. */
static void test_life_and_copies(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    lead(&f);
    core_peer_event(&f, RAFT_EV_PEER_UP, 1);
    assert_int_equal(f.r.progress[1].match, 5);
    change(&f, life_of_1(7));
    assert_int_equal(f.r.progress[1].match, 0);
    assert_int_equal(f.r.progress[1].incarnation, 0);
    assert_int_equal(f.r.progress[1].next, 7);
    assert_true(f.r.progress[1].link_up);
    assert_true(f.r.progress[1].restarted_maybe);
    core_durable(&f);
    ack(&f, 1, 6);
    assert_int_equal(f.r.commit, 5);
    core_step(&f, (struct raft_event){
                      .type = RAFT_EV_PEER_UP, .peer = 1, .incarnation = 6});
    assert_int_equal(f.r.progress[1].incarnation, 0);
    struct core_fixture g = f;
    ack(&g, 2, 6);
    assert_int_equal(g.r.commit, 6);
    struct raft_message m = core_message(&f, RAFT_MSG_APPEND_REPLY, 1, 3);
    m.match = m.verified = 6;
    m.from_incarnation = LIFE(7) + 1;
    core_receive(&f, m);
    assert_int_equal(f.r.commit, 6);
    /* The same members again: the new self stays known. */
    change(&f, life_of_1(7));
    assert_int_equal(f.r.progress[1].match, 6);
    struct raft_members back = life_of_1(6);
    core_durable(&f);
    core_receive(&f, (m.match = m.verified = 7, m));
    assert_int_equal(f.r.commit, 7);
    assert_true(asserts(&f, change_to(&back)));
    assert_false(asserts(&f, change_to(NEWEST(&f))));
}

/* The vote of the old self does not elect. */
static void test_life_and_votes(void **state)
{
    struct core_fixture f;
    struct raft_config config = core_config(0);
    struct raft_start start = core_start(3);

    UNUSED(state);
    memset(&f, 0, sizeof(f));
    f.now_ms = 1000;
    start.members[0] = life_of_1(3);
    raft_init(&f.r, &config, &start, f.now_ms);
    core_tick_at(&f, f.r.election_at_ms);
    vote(&f, RAFT_MSG_PRE_VOTE_REPLY, 1);
    assert_int_equal(f.r.role, RAFT_PRE_CANDIDATE);
    vote(&f, RAFT_MSG_PRE_VOTE_REPLY, 2);
    core_durable(&f);
    vote(&f, RAFT_MSG_VOTE_REPLY, 1);
    assert_int_equal(f.r.role, RAFT_CANDIDATE);
    struct raft_message m = core_message(&f, RAFT_MSG_VOTE_REPLY, 1, 3);
    m.from_incarnation = LIFE(3);
    m.granted = true;
    core_receive(&f, m);
    assert_int_equal(f.r.role, RAFT_LEADER);
}

/* Without its own vote a majority must be left. */
static void test_who_may_recover(void **state)
{
    static const struct {
        struct raft_members members;
        bool may;
    } rows[] = {
        {{1, {0}, 1, 0, {0}}, false},
        {{2, {0, 1}, 3, 0, {0}}, false},
        {{2, {0, 1}, 2, 0, {0}}, true},
        {{3, {0, 1, 2}, 3, 0, {0}}, false},
        {{3, {0, 1, 2}, 7, 0, {0}}, true},
        {{4, {0, 1, 2, 3}, 15, 0, {0}}, true},
        {{3, {0, 1, 2}, 7, 3, {0}}, false},
        {{1, {1}, 1, 0, {0}}, true},
        {{4, {0, 1, 2, 3}, 14, 7, {0}}, true},
    };

    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        pid_t child = fork();
        int status = 0;
        if (child == 0) {
            const struct rlimit none = {0, 0};
            struct raft_config config = core_config(0);
            struct raft_start start = core_start(3);
            static struct raft r;
            setrlimit(RLIMIT_CORE, &none);
            signal(SIGABRT, SIG_DFL);
            if (freopen("/dev/null", "w", stderr) == NULL) {
                _exit(1);
            }
            start.recovering = true;
            start.members[0] = rows[i].members;
            raft_init(&r, &config, &start, 0);
            _exit(0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        if ((WIFEXITED(status) && WEXITSTATUS(status) == 0) != rows[i].may) {
            fail_msg("row %zu", i);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_valid),
        cmocka_unit_test(test_sorted),
        cmocka_unit_test(test_quorums),
        cmocka_unit_test(test_follow),
        cmocka_unit_test(test_can_change),
        cmocka_unit_test(test_change),
        cmocka_unit_test(test_places_move),
        cmocka_unit_test(test_commit_of_both),
        cmocka_unit_test(test_rounds_of_both),
        cmocka_unit_test(test_leave),
        cmocka_unit_test(test_leader_removed),
        cmocka_unit_test(test_needed_until_committed),
        cmocka_unit_test(test_down_to_one),
        cmocka_unit_test(test_transfer_to_voters),
        cmocka_unit_test(test_appended_and_truncated),
        cmocka_unit_test(test_replaced),
        cmocka_unit_test(test_second_commits_first),
        cmocka_unit_test(test_committed_when_appended),
        cmocka_unit_test(test_untrue_changes),
        cmocka_unit_test(test_grants),
        cmocka_unit_test(test_votes_of_both),
        cmocka_unit_test(test_stranger),
        cmocka_unit_test(test_start),
        cmocka_unit_test(test_life_when_appended),
        cmocka_unit_test(test_life_and_copies),
        cmocka_unit_test(test_life_and_votes),
        cmocka_unit_test(test_who_may_recover),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
