/*
 * The frame of the core, event by event: what is none of its business leaves
 * the state as it was, each event does one thing, times are exact to the
 * millisecond, and a configuration or a disk that cannot be ends the process.
 */
#include "unit/raft/core_fixture.h"

#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void assert_unchanged(struct core_fixture *f, struct raft_event event)
{
    struct raft before;

    memcpy(&before, &f->r, sizeof(before));
    core_step(f, event);
    assert_memory_equal(&before, &f->r, sizeof(before));
    assert_int_equal(f->out.message_count, 0);
    assert_int_equal(f->out.write.seq, 0);
    assert_false(f->out.role_changed);
    assert_false(f->out.transfer_ended);
}

static const enum raft_event_type about_peers[] = {
    RAFT_EV_PEER_UP,     RAFT_EV_PEER_DOWN, RAFT_EV_UNSENT,
    RAFT_EV_WANT_COMMIT, RAFT_EV_PAUSE,     RAFT_EV_RESUME,
};

/* Of strangers, and of the node itself, in any place among the members. */
static void test_nobodys_business(void **state)
{
    UNUSED(state);
    for (node_id self = 0; self < 3; self++) {
        for (int leads = 0; leads < 2; leads++) {
            struct core_fixture f;
            core_boot(&f, self, 3);
            if (leads) {
                core_win(&f);
            }
            for (size_t i = 0; i < ARRAY_LEN(about_peers); i++) {
                struct raft_event event = {
                    .type = about_peers[i], .index = 4, .incarnation = 77};
                event.peer = self;
                if (about_peers[i] != RAFT_EV_PAUSE) {
                    assert_unchanged(&f, event);
                }
                event.peer = 3;
                assert_unchanged(&f, event);
                event.peer = NODE_NONE;
                assert_unchanged(&f, event);
            }
        }
    }
}

/* A follower remembers nothing of what only a leader needs. */
static void test_follower_ignores(void **state)
{
    UNUSED(state);
    for (node_id self = 0; self < 3; self++) {
        struct core_fixture f;
        core_boot(&f, self, 3);
        for (node_id peer = 0; peer < 3; peer++) {
            struct raft_event event = {.type = RAFT_EV_UNSENT, .peer = peer};
            assert_unchanged(&f, event);
            event.type = RAFT_EV_WANT_COMMIT;
            event.index = 4;
            assert_unchanged(&f, event);
            if (peer != self) {
                event.type = RAFT_EV_PAUSE;
                assert_unchanged(&f, event);
                event.type = RAFT_EV_RESUME;
                assert_unchanged(&f, event);
            }
        }
    }
}

/* Every member has its own facts, also the one in the first place. */
static void test_peers_of_a_leader(void **state)
{
    UNUSED(state);
    for (node_id self = 0; self < 3; self++) {
        struct core_fixture f;
        core_boot(&f, self, 3);
        core_win(&f);
        for (node_id peer = 0; peer < 3; peer++) {
            struct raft_progress *p = &f.r.progress[peer];
            if (peer == self) {
                continue;
            }
            core_peer_event(&f, RAFT_EV_PEER_UP, peer);
            assert_true(p->link_up);
            core_step(&f, (struct raft_event){.type = RAFT_EV_WANT_COMMIT,
                                              .peer = peer,
                                              .index = 5});
            assert_int_equal(p->commit_wanted, 5);
            core_step(&f, (struct raft_event){.type = RAFT_EV_WANT_COMMIT,
                                              .peer = peer,
                                              .index = 4});
            assert_int_equal(p->commit_wanted, 5);
            core_event(&f, RAFT_EV_FLUSH);
            assert_int_equal(p->commit_sent, 1);
            core_peer_event(&f, RAFT_EV_UNSENT, peer);
            assert_int_equal(p->commit_sent, 0);
            core_peer_event(&f, RAFT_EV_PEER_DOWN, peer);
            assert_false(p->link_up);
        }
    }
}

/* Every field but those of its own type is filled with what another type
 * would take: nothing of that may happen. */
static void test_one_event_one_thing(void **state)
{
    struct core_fixture f;
    struct raft_event event;

    UNUSED(state);
    core_boot(&f, 1, 3);
    core_win(&f);
    core_durable(&f);
    struct raft_message m =
        core_message(&f, RAFT_MSG_APPEND_REPLY, 0, f.r.term);
    m.match = m.verified = 5;
    core_receive(&f, m);
    assert_int_equal(f.r.commit, 5);
    core_event(&f, RAFT_EV_FLUSH);
    core_step(&f, (struct raft_event){.type = RAFT_EV_PROPOSE, .count = 1});
    struct raft_members more = {4, {0, 1, 2, 3}, 7, 0, {0}};
    event = (struct raft_event){.message = &m,
                                .members = &more,
                                .peer = 2,
                                .index = 6,
                                .seq = f.r.write_seq,
                                .read_id = 8,
                                .count = 3,
                                .index_term = 3,
                                .term = 3};
    struct raft before;
    for (int type = RAFT_EV_TICK; type <= RAFT_EV_FLUSH; type++) {
        struct core_fixture g;
        memcpy(&g, &f, sizeof(g));
        memcpy(&before, &f.r, sizeof(before));
        event.type = (enum raft_event_type)type;
        event.index = type == RAFT_EV_LOG_CUT ? 5 : 6;
        core_step(&g, event);
        assert_int_equal(g.r.last != before.last,
                         type == RAFT_EV_PROPOSE || type == RAFT_EV_CONFIG);
        assert_int_equal(raft_newest(&g.r)->count,
                         type == RAFT_EV_CONFIG ? 4 : 3);
        assert_int_equal(g.out.members_changed, type == RAFT_EV_CONFIG);
        assert_int_equal(g.r.durable != before.durable,
                         type == RAFT_EV_DURABLE);
        assert_int_equal(g.r.read_count != 0, type == RAFT_EV_READ);
        assert_int_equal(g.r.progress[2].link_up, type == RAFT_EV_PEER_UP);
        assert_int_equal(g.r.progress[2].restarted_maybe,
                         type == RAFT_EV_PEER_UP || type == RAFT_EV_PEER_DOWN);
        assert_int_equal(g.r.progress[2].commit_wanted,
                         type == RAFT_EV_WANT_COMMIT ? 6 : 0);
        assert_int_equal(g.r.transfer_to,
                         type == RAFT_EV_TRANSFER ? 2 : NODE_NONE);
        assert_int_equal(g.r.first != before.first, type == RAFT_EV_LOG_CUT);
        assert_int_equal(g.r.fetching, type == RAFT_EV_FETCH ? 6 : 0);
        assert_int_equal(g.out.write.restore_index, 0); /* it leads */
        assert_int_equal(g.r.progress[2].paused, type == RAFT_EV_PAUSE);
        assert_int_equal(g.out.message_count != 0, type == RAFT_EV_FLUSH);
    }
}

/* Where the log begins already, or later: not again, and never back. */
static void test_cut_again(void **state)
{
    struct core_fixture f;
    struct raft_event cut = {.type = RAFT_EV_LOG_CUT};

    UNUSED(state);
    core_boot(&f, 0, 3);
    for (cut.index = 0; cut.index <= 1; cut.index++) {
        assert_unchanged(&f, cut);
    }
    cut.index = 2;
    core_step(&f, cut);
    assert_int_equal(f.r.first, 2);
    assert_int_equal(f.r.prev_term, 1);
    for (cut.index = 0; cut.index <= 2; cut.index++) {
        assert_unchanged(&f, cut);
    }
}

/* What the caller is told has changed, has, and nothing else. */
static void test_what_changed(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    core_boot(&f, 0, 3);
    core_event(&f, RAFT_EV_FLUSH);
    assert_false(f.out.role_changed);
    core_tick_at(&f, f.r.election_at_ms);
    assert_true(f.out.role_changed);
    core_event(&f, RAFT_EV_TICK);
    assert_false(f.out.role_changed);
    /* Only the term; only the leader; only the commit index. */
    core_receive(&f, core_message(&f, RAFT_MSG_VOTE_REPLY, 1, 7));
    assert_true(f.out.role_changed);
    core_receive(&f, core_message(&f, RAFT_MSG_VOTE_REPLY, 1, 8));
    assert_true(f.out.role_changed);
    core_receive(&f, core_message(&f, RAFT_MSG_HEARTBEAT, 1, 8));
    assert_true(f.out.role_changed);
    core_receive(&f, core_message(&f, RAFT_MSG_HEARTBEAT, 1, 8));
    assert_false(f.out.role_changed);
    struct raft_message m = core_message(&f, RAFT_MSG_APPEND, 1, 8);
    m.index = 4;
    m.index_term = 2;
    m.commit = 3;
    core_receive(&f, m);
    assert_false(f.out.role_changed);
    assert_int_equal(f.r.commit, 3);
}

/* A disk hangs if its oldest write has taken the time allowed, counted from
 * its own beginning or from the last sign of life. */
static void test_disk_timeout(void **state)
{
    struct raft_config config = core_config(0);
    struct core_fixture f;

    UNUSED(state);
    config.disk_timeout_ms = 1;
    core_boot_with(&f, &config, 3, 1000);
    core_receive(&f, core_message(&f, RAFT_MSG_VOTE_REPLY, 1, 7));
    assert_false(raft_disk_hangs(&f.r));
    core_tick_at(&f, 1001);
    assert_true(raft_disk_hangs(&f.r));

    core_boot_with(&f, &config, 3, 1000);
    core_win(&f); /* its empty entry is under way */
    core_event(&f, RAFT_EV_FLUSH);
    assert_true(raft_deadline_ms(&f.r) == f.now_ms + 1);

    config.disk_timeout_ms = 30;
    core_boot_with(&f, &config, 3, 1000);
    core_win(&f);
    core_durable(&f);
    int64_t begun = f.now_ms += 5;
    core_step(&f, (struct raft_event){.type = RAFT_EV_PROPOSE, .count = 1});
    uint64_t first = f.r.write_seq;
    f.now_ms = begun + 20;
    core_step(&f, (struct raft_event){.type = RAFT_EV_PROPOSE, .count = 1});
    core_event(&f, RAFT_EV_FLUSH);
    assert_true(raft_deadline_ms(&f.r) == begun + 30);
    /* An old completion, or the same twice, is no sign of life. */
    core_step(&f, (struct raft_event){
                      .type = RAFT_EV_DURABLE, .seq = first - 1, .index = 5});
    assert_int_equal(f.r.durable_seq, first - 1);
    assert_true(f.r.write_since_ms == begun);
    core_step(&f, (struct raft_event){
                      .type = RAFT_EV_DURABLE, .seq = first - 2, .index = 4});
    assert_int_equal(f.r.durable_seq, first - 1);
    core_tick_at(&f, begun + 29);
    assert_false(raft_disk_hangs(&f.r));
    core_step(&f, (struct raft_event){
                      .type = RAFT_EV_DURABLE, .seq = first, .index = 6});
    assert_true(f.r.write_since_ms == begun + 29);
    core_tick_at(&f, begun + 58);
    assert_true(raft_is_leader(&f.r));
    core_tick_at(&f, begun + 59);
    assert_false(raft_is_leader(&f.r));
    assert_int_equal(f.r.leader, NODE_NONE);
    /* The disk is done with all: the next write has its own time. */
    core_durable(&f);
    f.now_ms = begun + 200;
    core_receive(&f, core_message(&f, RAFT_MSG_HEARTBEAT, 1, 9));
    assert_true(f.r.write_since_ms == begun + 200);
}

/* The next deadline is that of the nearest of: quorum, heartbeat, transfer,
 * disk; at once while the window lets more out. */
static void test_deadlines_of_a_leader(void **state)
{
    struct raft_config config = core_config(1);
    struct core_fixture f;

    UNUSED(state);
    config.append_entries_max = 1;
    config.disk_timeout_ms = 500;
    core_boot_with(&f, &config, 3, 1000);
    core_win(&f);
    core_durable(&f);
    struct raft_message m =
        core_message(&f, RAFT_MSG_APPEND_REPLY, 0, f.r.term);
    m.match = m.verified = 5;
    core_receive(&f, m);
    core_step(&f, (struct raft_event){.type = RAFT_EV_PROPOSE, .count = 2});
    core_durable(&f);
    core_event(&f, RAFT_EV_FLUSH); /* one entry of two */
    assert_true(raft_deadline_ms(&f.r) == f.now_ms);
    core_event(&f, RAFT_EV_FLUSH);
    assert_true(raft_deadline_ms(&f.r) == f.now_ms + BEAT_MS);
    /* The same if only the last of them has room. */
    f.r.progress[2] = f.r.progress[0];
    f.r.progress[0].next = f.r.last + 1;
    f.r.progress[2].in_flight = 0;
    f.r.progress[2].next = f.r.last;
    assert_true(raft_deadline_ms(&f.r) == f.now_ms);
    f.r.progress[2].next = f.r.last + 1;
    assert_true(raft_deadline_ms(&f.r) == f.now_ms + BEAT_MS);
    /* The one in the first place has not been sent to for a while. */
    int64_t begun = f.now_ms;
    f.r.progress[2].beat_ms = begun + 15;
    assert_true(raft_deadline_ms(&f.r) == begun + BEAT_MS);
    core_peer_event(&f, RAFT_EV_TRANSFER, 2);
    f.r.progress[0].beat_ms = f.r.progress[2].beat_ms = begun + 1000;
    f.r.quorum_check_ms = begun + 1000;
    assert_true(raft_deadline_ms(&f.r) == begun + ELECTION_MS);
    f.r.transfer_until_ms = begun + 2000;
    assert_true(raft_deadline_ms(&f.r) == begun + 1000);
}

/* A follower wakes up for its election and for reads that nobody answers. */
static void test_deadline_of_reads(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    core_boot(&f, 0, 3);
    core_receive(&f, core_message(&f, RAFT_MSG_HEARTBEAT, 1, 2));
    core_step(&f, (struct raft_event){.type = RAFT_EV_READ, .read_id = 4});
    int64_t asked = f.now_ms;
    f.r.election_at_ms = asked + 1000;
    assert_true(raft_deadline_ms(&f.r) == asked + ELECTION_MS);
    f.r.election_at_ms = asked + 50;
    assert_true(raft_deadline_ms(&f.r) == asked + 50);
    f.r.election_at_ms = asked + 1000;
    core_tick_at(&f, asked + ELECTION_MS - 1);
    assert_int_equal(f.out.reads_lost_count, 0);
    core_tick_at(&f, asked + ELECTION_MS);
    assert_int_equal(f.out.reads_lost_count, 1);
    assert_int_equal(f.out.reads_lost[0], 4);
    assert_true(raft_deadline_ms(&f.r) == asked + 1000);
}

/* A link that comes up concerns the election only if it is that of the leader
 * whose link broke; node 0 is a node like others. */
static void test_link_of_another(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    core_boot(&f, 1, 3);
    int64_t at = f.r.election_at_ms;
    core_peer_event(&f, RAFT_EV_PEER_UP, 0);
    assert_true(f.r.election_at_ms == at);
    core_receive(&f, core_message(&f, RAFT_MSG_HEARTBEAT, 0, 2));
    core_peer_event(&f, RAFT_EV_PEER_DOWN, 0);
    at = f.r.election_at_ms;
    assert_true(at > f.now_ms && at <= f.now_ms + 5);
    core_peer_event(&f, RAFT_EV_PEER_UP, 2);
    assert_true(f.r.election_at_ms == at);
    core_peer_event(&f, RAFT_EV_PEER_UP, 0);
    assert_true(f.r.election_at_ms >= f.now_ms + ELECTION_MS);
}

static void test_config_is_copied(void **state)
{
    struct raft_config config = core_config(2);
    struct core_fixture f;

    UNUSED(state);
    config.disk_timeout_ms = 77;
    core_boot_with(&f, &config, 5, 0);
    const struct raft_config *own = &f.r.config;
    assert_int_equal(own->cluster_id, CLUSTER);
    assert_int_equal(own->group, GROUP);
    assert_int_equal(own->self, 2);
    assert_int_equal(own->incarnation, INCARNATION);
    assert_int_equal(raft_newest(&f.r)->count, 5);
    assert_int_equal(own->election_timeout_ms, ELECTION_MS);
    assert_int_equal(own->heartbeat_ms, BEAT_MS);
    assert_int_equal(own->peer_down_delay_ms, 5);
    assert_int_equal(own->disk_timeout_ms, 77);
    assert_int_equal(own->append_entries_max, 8);
    assert_int_equal(own->window_max, 2);
    assert_int_equal(own->seed, 3);
    /* Nodes that differ by their seed only do not wait equally long. */
    int64_t at = f.r.election_at_ms;
    config.seed = 4;
    core_boot_with(&f, &config, 5, 0);
    assert_true(f.r.election_at_ms != at);
}

/* Does raft_init() refuse by ending the process? */
static bool refused(const struct raft_config *config,
                    const struct raft_start *start)
{
    pid_t child = fork();
    int status = 0;

    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit none = {0, 0};
        static struct raft r;
        setrlimit(RLIMIT_CORE, &none);
        signal(SIGABRT, SIG_DFL);
        if (freopen("/dev/null", "w", stderr) == NULL) {
            _exit(1);
        }
        raft_init(&r, config, start, 0);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void test_refused_configs(void **state)
{
    struct raft_config good = core_config(0);
    struct raft_start start = core_start(3);
    struct raft_config c;

    UNUSED(state);
    assert_false(refused(&good, &start));
#define BAD(change)                                                            \
    do {                                                                       \
        c = good;                                                              \
        change;                                                                \
        assert_true(refused(&c, &start));                                      \
    } while (0)
    BAD(c.self = NODE_NONE);
    BAD(c.incarnation = 0);
    BAD(c.heartbeat_ms = 0);
    BAD(c.heartbeat_ms = ELECTION_MS / 3 + 1);
    BAD(c.peer_down_delay_ms = 0);
    BAD(c.append_entries_max = 0);
    BAD(c.window_max = 0);
#undef BAD
}

static void test_refused_disks(void **state)
{
    struct raft_config config = core_config(0);
    struct raft_start good = core_start(3);
    struct raft_start s;
    static const struct raft_run hole[] = {{1, 1}, {5, 2}};
    static const struct raft_run late[] = {{2, 1}, {3, 2}};
    static const struct raft_run back[] = {{1, 2}, {3, 1}};
    static const struct raft_run high[] = {{1, 1}, {3, 3}};

    UNUSED(state);
#define BAD(change)                                                            \
    do {                                                                       \
        s = good;                                                              \
        change;                                                                \
        assert_true(refused(&config, &s));                                     \
    } while (0)
    BAD(s.log_first = 0);
    BAD(s.log_first = 2);
    BAD(s.log_prev_term = 1);
    BAD(s.run_count = 0);
    BAD(s.applied = 5);
    BAD(s.runs = hole);
    BAD(s.runs = late);
    BAD(s.runs = back);
    BAD(s.runs = high);
    BAD(s.term = 1);
    BAD(s.members_count = 0);
    BAD(s.members_count = 4);
    BAD(s.members[0].count = 0);
    BAD(s.members[0].ids[0] = NODE_NONE);
    BAD(s.members[0].ids[2] = NODE_NONE);
    BAD(s.members[0].ids[1] = 0);
    BAD(s.members[0].ids[2] = 1);
    BAD(s.members[0].voters = 0);
    BAD(s.members[0].voters = 15);
    BAD(s.members[0].outgoing = 8);
    BAD(s.members_at[0] = 5);
    BAD(s.members[1] = s.members[0]; s.members_count = 2);
    BAD(s.members[1] = s.members[0]; s.members_count = 2; s.members_at[0] = 3;
        s.members_at[1] = 2);
#undef BAD
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobodys_business),
        cmocka_unit_test(test_follower_ignores),
        cmocka_unit_test(test_peers_of_a_leader),
        cmocka_unit_test(test_one_event_one_thing),
        cmocka_unit_test(test_cut_again),
        cmocka_unit_test(test_what_changed),
        cmocka_unit_test(test_disk_timeout),
        cmocka_unit_test(test_deadlines_of_a_leader),
        cmocka_unit_test(test_deadline_of_reads),
        cmocka_unit_test(test_link_of_another),
        cmocka_unit_test(test_config_is_copied),
        cmocka_unit_test(test_refused_configs),
        cmocka_unit_test(test_refused_disks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
