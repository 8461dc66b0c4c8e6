/*
 * The checker of the core's invariants, tried out by hand: a story of legal
 * transitions passes, and each breach put into it is named. No core runs here;
 * the transitions are made up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "check/check.h"

// link: raft_check raft base

#define NODES 3

/* The cores as they are said to be, and the transition being made up. */
struct story {
    struct check *c;
    struct raft core[NODES];
    struct raft before;
    struct raft_event event;
    struct raft_message in;
    struct raft_out *out;
    uint32_t pos;
    uint64_t payload;
};

static struct raft *core_begin(struct story *s, uint32_t pos,
                               enum raft_event_type type)
{
    s->pos = pos;
    s->before = s->core[pos];
    memset(&s->event, 0, sizeof(s->event));
    s->event.type = type;
    s->event.now_ms = s->before.now_ms;
    memset(s->out, 0, sizeof(*s->out));
    memset(&s->in, 0, sizeof(s->in));
    return &s->core[pos];
}

static const char *end(struct story *s)
{
    struct check_step step = {.pos = s->pos,
                              .before = &s->before,
                              .after = &s->core[s->pos],
                              .event = &s->event,
                              .out = s->out,
                              .payloads = &s->payload};

    check_step(s->c, &step);
    return s->c->violation;
}

static void fine(struct story *s)
{
    const char *violation = end(s);

    if (violation != NULL) {
        fail_msg("%s", violation);
    }
}

/* The breach has this name. */
static void caught(struct story *s, const char *name)
{
    const char *violation = end(s);

    assert_non_null(violation);
    assert_memory_equal(violation, name, strlen(name));
}

static struct raft_message *receive(struct story *s, uint32_t from,
                                    enum raft_message_type type, raft_term term)
{
    s->in.type = type;
    s->in.cluster_id = 7;
    s->in.from = from;
    s->in.to = s->pos;
    s->in.from_incarnation = s->core[from].config.incarnation;
    s->in.to_incarnation = s->core[s->pos].config.incarnation;
    s->in.term = term;
    s->event.type = RAFT_EV_MESSAGE;
    s->event.message = &s->in;
    return &s->in;
}

static struct raft_message *send(struct story *s, uint32_t to,
                                 enum raft_message_type type)
{
    const struct raft *core = &s->core[s->pos];
    struct raft_message *m = &s->out->messages[s->out->message_count++];

    memset(m, 0, sizeof(*m));
    m->type = type;
    m->cluster_id = 7;
    m->from = s->pos;
    m->to = to;
    m->from_incarnation = core->config.incarnation;
    m->term = core->term;
    return m;
}

static void hard_state(struct story *s, raft_term term, node_id vote)
{
    struct raft *core = &s->core[s->pos];

    core->term = term;
    core->vote = vote;
    s->out->write.seq = ++core->write_seq;
    s->out->write.hard_state = true;
    s->out->write.term = term;
    s->out->write.vote = vote;
}

/* One more entry; made here, or copied. */
static void append(struct story *s, raft_term term, bool created)
{
    struct raft *core = &s->core[s->pos];
    struct raft_write *w = &s->out->write;

    if (core->run_count == 0 || core->runs[core->run_count - 1].term != term) {
        core->runs[core->run_count].first = core->last + 1;
        core->runs[core->run_count++].term = term;
    }
    core->last++;
    w->seq = w->seq != 0 ? w->seq : ++core->write_seq;
    w->append_first = w->append_first != 0 ? w->append_first : core->last;
    w->append_last = core->last;
    w->append_term = created ? term : 0;
}

/* All writes of node pos are done, and it is told. */
static void synced(struct story *s, uint32_t pos)
{
    check_synced(s->c, pos, s->c->nodes[pos].write_count);
    struct raft *core = core_begin(s, pos, RAFT_EV_DURABLE);
    core->durable_seq = core->write_seq;
    core->durable = core->last;
}

static void campaign(struct story *s, uint32_t pos, raft_term term)
{
    struct raft *core = core_begin(s, pos, RAFT_EV_TICK);

    core->role = RAFT_CANDIDATE;
    core->leader = NODE_NONE;
    hard_state(s, term, pos);
    fine(s);
    synced(s, pos);
    core->votes_granted = 1U << pos;
    fine(s);
}

static struct raft_message *ask(struct story *s, uint32_t from, uint32_t to)
{
    const struct raft *asker = &s->core[from];
    struct raft_message *m = receive(s, from, RAFT_MSG_VOTE, asker->term);

    UNUSED(to);
    m->index = asker->last;
    m->index_term =
        asker->run_count > 0 ? asker->runs[asker->run_count - 1].term : 0;
    return m;
}

/* The voter's answer is made but not yet looked at. */
static void vote_unchecked(struct story *s, uint32_t pos, uint32_t candidate)
{
    struct raft *core = core_begin(s, pos, RAFT_EV_MESSAGE);

    (void)ask(s, candidate, pos);
    core->role = RAFT_FOLLOWER;
    core->leader = NODE_NONE;
    hard_state(s, s->in.term, candidate);
    fine(s);
    synced(s, pos);
    send(s, candidate, RAFT_MSG_VOTE_REPLY)->granted = true;
}

static void lead_unchecked(struct story *s, uint32_t pos)
{
    struct raft *core = core_begin(s, pos, RAFT_EV_MESSAGE);
    uint32_t voter = (pos + 1) % NODES;

    receive(s, voter, RAFT_MSG_VOTE_REPLY, core->term)->granted = true;
    core->role = RAFT_LEADER;
    core->leader = pos;
    core->votes_granted = 0;
    append(s, core->term, true);
    core->term_start = core->last;
    for (uint32_t i = 0; i < NODES; i++) {
        core->progress[i].next = core->last;
        core->progress[i].match = 0;
    }
}

/* pos is elected with the vote of the next one; its entry is on its disk. */
static void lead(struct story *s, uint32_t pos, raft_term term)
{
    campaign(s, pos, term);
    vote_unchecked(s, (pos + 1) % NODES, pos);
    fine(s);
    lead_unchecked(s, pos);
    fine(s);
    synced(s, pos);
    fine(s);
}

/* A follower takes the leader's last entry; not synced yet. */
static void follow_unchecked(struct story *s, uint32_t pos, uint32_t leader)
{
    struct raft *core = core_begin(s, pos, RAFT_EV_MESSAGE);
    const struct raft *l = &s->core[leader];

    (void)receive(s, leader, RAFT_MSG_APPEND, l->term);
    core->leader = leader;
    core->role = RAFT_FOLLOWER;
    if (core->term < l->term) {
        hard_state(s, l->term, NODE_NONE);
    }
    append(s, l->term, false);
    core->verified = core->last;
}

static void follow(struct story *s, uint32_t pos, uint32_t leader)
{
    follow_unchecked(s, pos, leader);
    fine(s);
    synced(s, pos);
    fine(s);
}

static struct raft_message *ack(struct story *s, uint32_t pos, uint32_t leader)
{
    struct raft *core = core_begin(s, pos, RAFT_EV_FLUSH);
    struct raft_message *m = send(s, leader, RAFT_MSG_APPEND_REPLY);

    m->match = core->last;
    m->verified = core->last;
    return m;
}

static struct raft *commit_unchecked(struct story *s, uint32_t pos,
                                     raft_index index)
{
    struct raft *core = core_begin(s, pos, RAFT_EV_DURABLE);

    core->commit = index;
    return core;
}

static void start_core(struct story *s, uint32_t pos, uint64_t incarnation)
{
    static const struct raft_run no_runs[1];
    struct raft_start start = {.vote = NODE_NONE,
                               .log_first = 1,
                               .runs = no_runs,
                               .members = {{NODES, {0, 1, 2}, 7, 0, {0}}},
                               .members_count = 1};
    struct raft_config config = {.cluster_id = 7,
                                 .self = pos,
                                 .incarnation = incarnation,
                                 .election_timeout_ms = 100,
                                 .heartbeat_ms = 20,
                                 .peer_down_delay_ms = 10,
                                 .append_entries_max = 8,
                                 .window_max = 4};

    raft_init(&s->core[pos], &config, &start, 1000);
}

static int setup(void **state)
{
    struct story *s = mem_zalloc(sizeof(*s));

    s->c = mem_zalloc(sizeof(*s->c));
    s->out = mem_zalloc(sizeof(*s->out));
    check_init(s->c, (const node_id[]){0, 1, 2}, NODES);
    for (uint32_t i = 0; i < NODES; i++) {
        start_core(s, i, 1);
        check_start(s->c, i, &s->core[i]);
    }
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

/* A leader of term 1, its entry on all disks, committed by it. */
static void settled(struct story *s)
{
    lead(s, 0, 1);
    for (uint32_t i = 1; i < NODES; i++) {
        follow(s, i, 0);
        (void)ack(s, i, 0);
        fine(s);
    }
    (void)commit_unchecked(s, 0, 1);
    fine(s);
}

static void test_legal(void **state)
{
    struct story *s = *state;
    const struct raft *cores[NODES] = {&s->core[0], &s->core[1], &s->core[2]};

    settled(s);
    (void)commit_unchecked(s, 1, 1);
    fine(s);
    lead(s, 1, 2);
    follow(s, 2, 1);
    (void)ack(s, 2, 1);
    fine(s);
    s->core[1].progress[2].match = 2;
    s->core[1].progress[2].next = 3;
    (void)commit_unchecked(s, 1, 2);
    fine(s);
    check_applied(s->c, 1, 1);
    check_applied(s->c, 1, 2);
    cores[0] = NULL;
    check_cluster(s->c, cores);
    assert_null(s->c->violation);
}

static void test_i1_two_leaders(void **state)
{
    struct story *s = *state;

    lead(s, 0, 1);
    campaign(s, 2, 1);
    lead_unchecked(s, 2);
    caught(s, "I1 ");
}

static void test_i2_two_votes(void **state)
{
    struct story *s = *state;

    campaign(s, 0, 1);
    vote_unchecked(s, 1, 0);
    fine(s);
    s->c->nodes[1].disk_vote = 2; /* a disk that forgot the vote */
    (void)core_begin(s, 1, RAFT_EV_DURABLE);
    send(s, 2, RAFT_MSG_VOTE_REPLY)->granted = true;
    caught(s, "I2 ");
}

static void test_i2_vote_changed(void **state)
{
    struct story *s = *state;

    campaign(s, 0, 1);
    vote_unchecked(s, 1, 0);
    fine(s);
    (void)core_begin(s, 1, RAFT_EV_TICK);
    hard_state(s, 1, 2);
    caught(s, "I2 ");
}

static void test_i2_candidate_for_another(void **state)
{
    struct story *s = *state;
    struct raft *core = core_begin(s, 0, RAFT_EV_TICK);

    core->role = RAFT_CANDIDATE;
    hard_state(s, 1, 1);
    caught(s, "I2 ");
}

static void test_i3_vote_nobody_gave(void **state)
{
    struct story *s = *state;

    campaign(s, 0, 1);
    core_begin(s, 0, RAFT_EV_MESSAGE)->votes_granted = 3;
    receive(s, 1, RAFT_MSG_VOTE_REPLY, 1)->granted = true;
    caught(s, "I3 ");
}

static void test_i3_minority(void **state)
{
    struct story *s = *state;

    campaign(s, 0, 1);
    lead_unchecked(s, 0);
    caught(s, "I3 ");
}

static void test_i4_older_log(void **state)
{
    struct story *s = *state;

    settled(s);
    start_core(s, 2, 2);
    campaign(s, 1, 2);
    (void)core_begin(s, 0, RAFT_EV_MESSAGE);
    ask(s, 1, 0)->index = 0; /* asks with an empty log */
    s->in.index_term = 0;
    s->core[0].role = RAFT_FOLLOWER;
    s->core[0].leader = NODE_NONE;
    hard_state(s, 2, 1);
    caught(s, "I4 ");
}

static void test_i4_wrong_end(void **state)
{
    struct story *s = *state;

    campaign(s, 0, 1);
    (void)core_begin(s, 0, RAFT_EV_FLUSH);
    send(s, 1, RAFT_MSG_VOTE)->index = 1;
    caught(s, "I4 ");
}

static void test_i5_term_falls(void **state)
{
    struct story *s = *state;

    campaign(s, 0, 2);
    core_begin(s, 0, RAFT_EV_TICK)->term = 1;
    caught(s, "I5 ");
}

static void test_i5_message_above(void **state)
{
    struct story *s = *state;

    campaign(s, 0, 1);
    (void)core_begin(s, 0, RAFT_EV_FLUSH);
    send(s, 1, RAFT_MSG_VOTE)->term = 2;
    caught(s, "I5 ");
}

static void test_i5_higher_term_ignored(void **state)
{
    struct story *s = *state;

    lead(s, 0, 1);
    (void)core_begin(s, 0, RAFT_EV_MESSAGE);
    (void)receive(s, 1, RAFT_MSG_APPEND_REPLY, 5);
    caught(s, "I5 ");
}

static void test_i6_gap(void **state)
{
    struct story *s = *state;

    lead(s, 0, 1);
    follow_unchecked(s, 1, 0);
    s->core[1].last = 2;
    s->core[1].runs[0].first = 2;
    s->out->write.append_first = 2;
    s->out->write.append_last = 2;
    caught(s, "I6 ");
}

static void test_i6_core_differs(void **state)
{
    struct story *s = *state;
    struct raft *core = core_begin(s, 0, RAFT_EV_TICK);

    core->last = 1;
    core->runs[0].first = 1;
    core->runs[0].term = 1;
    core->run_count = 1;
    caught(s, "I6 ");
}

static void test_i7_other_contents(void **state)
{
    struct story *s = *state;

    lead(s, 0, 1);
    follow_unchecked(s, 1, 0);
    s->payload = 5;
    caught(s, "I7 ");
}

static void test_i7_other_prefix(void **state)
{
    struct story *s = *state;

    lead(s, 0, 1);
    lead(s, 1, 2); /* has entry 1 of term 2 */
    (void)core_begin(s, 1, RAFT_EV_PROPOSE);
    append(s, 2, true);
    fine(s);
    follow(s, 2, 0); /* has entry 1 of term 1 */
    (void)core_begin(s, 2, RAFT_EV_MESSAGE);
    (void)receive(s, 1, RAFT_MSG_APPEND, 2);
    s->in.index = 1;
    hard_state(s, 2, 1);
    append(s, 2, false); /* entry 2 of term 2 behind it */
    caught(s, "I7 ");
}

static void test_i8_entry_nobody_made(void **state)
{
    struct story *s = *state;

    lead(s, 0, 1);
    follow(s, 1, 0);
    follow_unchecked(s, 1, 0);
    caught(s, "I8 ");
}

static void test_i8_made_by_follower(void **state)
{
    struct story *s = *state;

    lead(s, 0, 1);
    follow_unchecked(s, 1, 0);
    s->out->write.append_term = 1;
    caught(s, "I8 ");
}

static void test_i8_speaks_as_leader(void **state)
{
    struct story *s = *state;

    lead(s, 0, 1);
    follow(s, 1, 0);
    (void)core_begin(s, 1, RAFT_EV_FLUSH);
    (void)send(s, 2, RAFT_MSG_HEARTBEAT);
    caught(s, "I8 ");
}

static void test_i9_leader_truncates(void **state)
{
    struct story *s = *state;
    struct raft *core = NULL;

    lead(s, 0, 1);
    core = core_begin(s, 0, RAFT_EV_TICK);
    core->last = 0;
    core->run_count = 0;
    core->durable = 0;
    s->out->write.seq = ++core->write_seq;
    s->out->write.truncate_from = 1;
    caught(s, "I9 ");
}

static void test_i9_wrong_term(void **state)
{
    struct story *s = *state;

    lead(s, 0, 1);
    (void)core_begin(s, 0, RAFT_EV_PROPOSE);
    append(s, 1, true);
    s->out->write.append_term = 2;
    caught(s, "I9 ");
}

static struct raft_message *send_entries(struct story *s)
{
    struct raft_message *m = NULL;

    lead(s, 0, 1);
    (void)core_begin(s, 0, RAFT_EV_FLUSH);
    m = send(s, 1, RAFT_MSG_APPEND);
    m->count = 1;
    m->run_count = 1;
    m->runs[0].first = 1;
    m->runs[0].term = 1;
    return m;
}

static void test_i10_more_than_it_has(void **state)
{
    struct story *s = *state;

    send_entries(s)->count = 2;
    caught(s, "I10 ");
}

static void test_i10_other_terms(void **state)
{
    struct story *s = *state;

    send_entries(s)->runs[0].term = 2;
    caught(s, "I10 ");
}

static void test_i6_bad_append(void **state)
{
    struct story *s = *state;

    send_entries(s)->runs[0].first = 2;
    caught(s, "I6 ");
}

static void test_i11_not_leaders_log(void **state)
{
    struct story *s = *state;

    lead(s, 0, 1);
    lead(s, 1, 2);
    follow(s, 2, 0);
    ack(s, 2, 1)->match = 0; /* says that entry 1 equals the new leader's */
    caught(s, "I11 ");
}

static void test_i11_to_nobody(void **state)
{
    struct story *s = *state;

    lead(s, 0, 1);
    follow(s, 1, 0);
    (void)ack(s, 1, 2);
    caught(s, "I11 ");
}

static void test_i11_match_falls(void **state)
{
    struct story *s = *state;

    settled(s);
    s->core[0].progress[1].match = 1;
    core_begin(s, 0, RAFT_EV_MESSAGE)->progress[1].match = 0;
    (void)receive(s, 1, RAFT_MSG_APPEND_REPLY, 1);
    caught(s, "I11 ");
}

static void test_i11_match_not_there(void **state)
{
    struct story *s = *state;
    const struct raft *cores[NODES] = {&s->core[0], &s->core[1], &s->core[2]};

    lead(s, 0, 1);
    s->core[0].progress[2].match = 1;
    s->core[0].progress[2].next = 2;
    check_cluster(s->c, cores);
    assert_non_null(s->c->violation);
    assert_memory_equal(s->c->violation, "I11 ", 4);
}

static void test_i12_to_itself(void **state)
{
    struct story *s = *state;

    (void)core_begin(s, 0, RAFT_EV_FLUSH);
    (void)send(s, 0, RAFT_MSG_PRE_VOTE);
    caught(s, "I12 ");
}

static void test_i13_no_majority(void **state)
{
    struct story *s = *state;

    lead(s, 0, 1);
    (void)commit_unchecked(s, 0, 1);
    caught(s, "I13 ");
}

static void test_i13_only_in_memory(void **state)
{
    struct story *s = *state;

    lead(s, 0, 1);
    follow_unchecked(s, 1, 0); /* not synced */
    fine(s);
    (void)commit_unchecked(s, 0, 1);
    caught(s, "I13 ");
}

static void test_i13_old_term(void **state)
{
    struct story *s = *state;

    lead(s, 0, 1);
    follow(s, 1, 0);
    lead(s, 1, 2);
    follow(s, 2, 0);
    (void)commit_unchecked(s, 1, 1);
    caught(s, "I13 ");
}

static void test_i13_falls(void **state)
{
    struct story *s = *state;

    settled(s);
    (void)commit_unchecked(s, 0, 0);
    caught(s, "I13 ");
}

static void test_i13_follows_nobody(void **state)
{
    struct story *s = *state;

    lead(s, 0, 1);
    follow(s, 1, 0);
    (void)commit_unchecked(s, 1, 1);
    caught(s, "I13 ");
}

static void test_i14_leader_lacks(void **state)
{
    struct story *s = *state;

    lead(s, 0, 1);
    follow(s, 1, 0);
    (void)commit_unchecked(s, 0, 1);
    fine(s);
    campaign(s, 2, 2);
    s->c->votes[0][2] = 2; /* a vote that should not have been given */
    lead_unchecked(s, 2);
    caught(s, "I14 ");
}

static void test_i15_truncates_committed(void **state)
{
    struct story *s = *state;
    struct raft *core = NULL;

    settled(s);
    core = core_begin(s, 1, RAFT_EV_MESSAGE);
    (void)receive(s, 0, RAFT_MSG_APPEND, 1);
    core->last = 0;
    core->run_count = 0;
    core->durable = 0;
    s->out->write.seq = ++core->write_seq;
    s->out->write.truncate_from = 1;
    caught(s, "I15 ");
}

static void test_i15_commits_another(void **state)
{
    struct story *s = *state;

    lead(s, 1, 1);
    lead(s, 2, 2);
    follow(s, 0, 2);
    (void)commit_unchecked(s, 2, 1);
    fine(s);
    (void)commit_unchecked(s, 1, 1);
    s->core[1].role = RAFT_FOLLOWER;
    caught(s, "I15 ");
}

static void test_i16_gap(void **state)
{
    struct story *s = *state;

    settled(s);
    check_applied(s->c, 0, 2);
    assert_non_null(s->c->violation);
    assert_memory_equal(s->c->violation, "I16 ", 4);
}

static void test_i16_not_committed(void **state)
{
    struct story *s = *state;

    lead(s, 0, 1);
    check_applied(s->c, 0, 1);
    assert_non_null(s->c->violation);
    assert_memory_equal(s->c->violation, "I16 ", 4);
}

static void test_x1_vote_not_durable(void **state)
{
    struct story *s = *state;

    campaign(s, 0, 1);
    (void)core_begin(s, 1, RAFT_EV_MESSAGE);
    (void)ask(s, 0, 1);
    hard_state(s, 1, 0);
    send(s, 0, RAFT_MSG_VOTE_REPLY)->granted = true;
    caught(s, "X1 ");
}

static void test_x1_ack_not_durable(void **state)
{
    struct story *s = *state;

    lead(s, 0, 1);
    follow(s, 1, 0);
    (void)core_begin(s, 0, RAFT_EV_PROPOSE);
    append(s, 1, true);
    fine(s);
    follow_unchecked(s, 1, 0);
    fine(s);
    (void)ack(s, 1, 0);
    caught(s, "X1 ");
}

static void test_x1_believes_durable(void **state)
{
    struct story *s = *state;

    lead(s, 0, 1);
    follow_unchecked(s, 1, 0);
    s->core[1].durable = 1;
    caught(s, "X1 ");
}

static void test_x1_term_not_written(void **state)
{
    struct story *s = *state;

    core_begin(s, 0, RAFT_EV_TICK)->term = 1;
    caught(s, "X1 ");
}

static void test_x2_start_forgets(void **state)
{
    struct story *s = *state;

    lead(s, 0, 1);
    check_crash(s->c, 0, 0);
    start_core(s, 0, 2); /* with nothing on disk */
    check_start(s->c, 0, &s->core[0]);
    assert_non_null(s->c->violation);
    assert_memory_equal(s->c->violation, "X2 ", 3);
}

static void test_x3_cut_too_far(void **state)
{
    struct story *s = *state;
    struct raft *core = NULL;

    lead(s, 0, 1);
    core = core_begin(s, 0, RAFT_EV_LOG_CUT);
    core->first = 2;
    core->prev_term = 1;
    core->run_count = 0;
    caught(s, "X3 ");
}

static void test_x5_same_incarnation(void **state)
{
    struct story *s = *state;

    check_crash(s->c, 0, 0);
    check_start(s->c, 0, &s->core[0]);
    assert_non_null(s->c->violation);
    assert_memory_equal(s->c->violation, "X5 ", 3);
}

static void test_x5_stale_message(void **state)
{
    struct story *s = *state;

    campaign(s, 0, 1);
    s->core[1].config.incarnation = 2;
    s->c->nodes[1].incarnation = 2;
    (void)core_begin(s, 1, RAFT_EV_MESSAGE);
    ask(s, 0, 1)->to_incarnation = 1;
    hard_state(s, 1, 0);
    caught(s, "X5 ");
}

static void test_x6_stale_read(void **state)
{
    struct story *s = *state;

    settled(s);
    (void)core_begin(s, 0, RAFT_EV_READ);
    s->event.read_id = 3;
    fine(s);
    (void)core_begin(s, 0, RAFT_EV_FLUSH);
    s->out->reads[s->out->read_count++].read_id = 3; /* at index 0 */
    caught(s, "X6 ");
}

static void test_x6_unasked_read(void **state)
{
    struct story *s = *state;

    (void)core_begin(s, 0, RAFT_EV_FLUSH);
    s->out->reads[s->out->read_count++].read_id = 3;
    caught(s, "X6 ");
}

static void test_x8_pre_vote_writes(void **state)
{
    struct story *s = *state;

    (void)core_begin(s, 1, RAFT_EV_MESSAGE);
    (void)receive(s, 0, RAFT_MSG_PRE_VOTE, 1);
    hard_state(s, 1, NODE_NONE);
    caught(s, "X8 ");
}

static void test_x8_pre_vote_despite_leader(void **state)
{
    struct story *s = *state;
    struct raft *core = NULL;

    settled(s);
    core = core_begin(s, 1, RAFT_EV_MESSAGE);
    (void)receive(s, 2, RAFT_MSG_PRE_VOTE, 2);
    s->in.index = 1;
    s->in.index_term = 1;
    s->before.leader_heard_ms = core->now_ms;
    struct raft_message *m = send(s, 2, RAFT_MSG_PRE_VOTE_REPLY);
    m->granted = true;
    m->term = 2;
    caught(s, "X8 ");
}

static void test_x8_stickiness(void **state)
{
    struct story *s = *state;

    settled(s);
    campaign(s, 2, 2);
    (void)core_begin(s, 1, RAFT_EV_MESSAGE);
    (void)ask(s, 2, 1);
    s->before.leader_heard_ms = s->before.now_ms;
    s->core[1].leader = NODE_NONE;
    hard_state(s, 2, 2);
    caught(s, "X8 ");
}

static void test_x8_check_quorum(void **state)
{
    struct story *s = *state;

    settled(s);
    core_begin(s, 0, RAFT_EV_TICK)->now_ms += 1000;
    caught(s, "X8 ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_legal),
        TEST(test_i1_two_leaders),
        TEST(test_i2_two_votes),
        TEST(test_i2_vote_changed),
        TEST(test_i2_candidate_for_another),
        TEST(test_i3_vote_nobody_gave),
        TEST(test_i3_minority),
        TEST(test_i4_older_log),
        TEST(test_i4_wrong_end),
        TEST(test_i5_term_falls),
        TEST(test_i5_message_above),
        TEST(test_i5_higher_term_ignored),
        TEST(test_i6_gap),
        TEST(test_i6_core_differs),
        TEST(test_i6_bad_append),
        TEST(test_i7_other_contents),
        TEST(test_i7_other_prefix),
        TEST(test_i8_entry_nobody_made),
        TEST(test_i8_made_by_follower),
        TEST(test_i8_speaks_as_leader),
        TEST(test_i9_leader_truncates),
        TEST(test_i9_wrong_term),
        TEST(test_i10_more_than_it_has),
        TEST(test_i10_other_terms),
        TEST(test_i11_not_leaders_log),
        TEST(test_i11_to_nobody),
        TEST(test_i11_match_falls),
        TEST(test_i11_match_not_there),
        TEST(test_i12_to_itself),
        TEST(test_i13_no_majority),
        TEST(test_i13_only_in_memory),
        TEST(test_i13_old_term),
        TEST(test_i13_falls),
        TEST(test_i13_follows_nobody),
        TEST(test_i14_leader_lacks),
        TEST(test_i15_truncates_committed),
        TEST(test_i15_commits_another),
        TEST(test_i16_gap),
        TEST(test_i16_not_committed),
        TEST(test_x1_vote_not_durable),
        TEST(test_x1_ack_not_durable),
        TEST(test_x1_believes_durable),
        TEST(test_x1_term_not_written),
        TEST(test_x2_start_forgets),
        TEST(test_x3_cut_too_far),
        TEST(test_x5_same_incarnation),
        TEST(test_x5_stale_message),
        TEST(test_x6_stale_read),
        TEST(test_x6_unasked_read),
        TEST(test_x8_pre_vote_writes),
        TEST(test_x8_pre_vote_despite_leader),
        TEST(test_x8_stickiness),
        TEST(test_x8_check_quorum),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
