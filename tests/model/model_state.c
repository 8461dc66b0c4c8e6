/*
 * The first state, and the canonical form of a state.
 *
 * Time does not exist here: it is always MODEL_NOW_MS. Every timer that is set
 * is due one interval later, and the events of model_event.c make one run out
 * by handing a later time to a single step. What a core remembers of times
 * that passed (whom it heard when, until when it hurries) is brought back to
 * "just now"; where that could forbid something, an event of its own allows
 * it (MODEL_DELIVER_STALE). So clocks of any speed and any delay are covered.
 *
 * Numbers of writes matter only relative to what is durable; durable is 0.
 */
#include "model.h"

#include <string.h>

/* Into zeroed memory: the padding counts when states are compared. */
void model_raft_config(struct raft_config *c, uint32_t pos,
                       uint64_t incarnation)
{
    c->cluster_id = 7;
    c->self = pos;
    c->incarnation = incarnation;
    c->voter_count = MODEL_NODES;
    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        c->voters[i] = i;
    }
    c->election_timeout_ms = MODEL_ELECTION_MS;
    c->heartbeat_ms = MODEL_HEARTBEAT_MS;
    c->peer_down_delay_ms = 10;
    c->append_entries_max = 2;
    c->window_max = 2;
    c->seed = 1;
}

static uint64_t after_durable(const struct raft *r, uint64_t seq)
{
    return seq > r->durable_seq ? seq - r->durable_seq : 0;
}

static void canonical_leader(struct raft *r)
{
    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        struct raft_progress *p = &r->progress[i];
        p->heard_ms = MODEL_NOW_MS;
        p->beat_ms = MODEL_NOW_MS;
        p->commit_sent = 0; /* matters only to RAFT_EV_WANT_COMMIT */
        if (!p->beat_waits) {
            p->beat_verified = 0;
            p->beat_next = 0;
        }
    }
    r->quorum_check_ms = MODEL_NOW_MS + MODEL_ELECTION_MS;
    r->transfer_until_ms =
        r->transfer_to == NODE_NONE ? 0 : MODEL_NOW_MS + MODEL_ELECTION_MS;
}

static void canonical_core(struct raft *r)
{
    bool leads = r->role == RAFT_LEADER;

    r->now_ms = MODEL_NOW_MS;
    r->rng = 1;
    r->election_at_ms = leads ? INT64_MAX : MODEL_NOW_MS + MODEL_ELECTION_MS;
    r->leader_heard_ms =
        !leads && r->leader != NODE_NONE ? MODEL_NOW_MS : INT64_MIN;
    r->down_leader = NODE_NONE;
    r->fast_until_ms = 0;
    r->write_since_ms = MODEL_NOW_MS;
    r->write_seq = after_durable(r, r->write_seq);
    r->hard_state_seq = after_durable(r, r->hard_state_seq);
    r->truncate_seq = after_durable(r, r->truncate_seq);
    r->durable_seq = 0;
    r->votes_refused = 0; /* used for timers only */
    for (uint32_t i = 0; i < r->reads_asked_count; i++) {
        r->reads_asked_ms[i] = MODEL_NOW_MS;
    }
    if (leads) {
        canonical_leader(r);
    }
}

/* Votes that no later check looks at: of terms with a leader, and of terms
 * that everybody has left. */
static void canonical_votes(struct model_state *s)
{
    for (raft_term t = 1; t < CHECK_TERMS_MAX; t++) {
        bool open = false;
        for (uint32_t i = 0; i < MODEL_NODES; i++) {
            open = open || s->cores[i].term <= t;
        }
        if (s->check.logs[t].known || !open) {
            for (uint32_t i = 0; i < MODEL_NODES; i++) {
                s->check.votes[i][t] = NODE_NONE;
            }
        }
    }
}

/* What stands behind the end of a log was truncated: it is nothing. */
static void clear_behind(struct check_log *log)
{
    for (raft_index i = log->last + 1; i <= CHECK_LOG_MAX; i++) {
        log->at[i].term = 0;
        log->at[i].hash = 0;
    }
}

void model_canonical(struct model_state *s)
{
    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        canonical_core(&s->cores[i]);
        clear_behind(&s->check.nodes[i].live);
        clear_behind(&s->check.nodes[i].disk);
        s->check.nodes[i].applied = 0;
    }
    canonical_votes(s);
}

void model_copy(struct model_state *to, const struct model_state *from)
{
    ASSERT(from->wire_count <= MODEL_WIRE_MAX);
    memcpy(to, from,
           offsetof(struct model_state, wire) +
               from->wire_count * sizeof(from->wire[0]));
}

/* Everybody knows everybody's incarnation, as after a first exchange: each
 * gets a refused pre-vote of term 0 from each. */
static void introduce(struct model *m, uint32_t from, uint32_t to)
{
    struct raft *core = &m->state.cores[to];
    struct raft_message hello = {.type = RAFT_MSG_PRE_VOTE_REPLY,
                                 .cluster_id = core->config.cluster_id,
                                 .from = from,
                                 .to = to,
                                 .from_incarnation = 1,
                                 .to_incarnation = 1};
    struct raft_event event = {
        .type = RAFT_EV_MESSAGE, .now_ms = MODEL_NOW_MS, .message = &hello};
    struct raft_event up = {
        .type = RAFT_EV_PEER_UP, .now_ms = MODEL_NOW_MS, .peer = from};

    raft_step(core, &up, &m->out);
    raft_step(core, &event, &m->out);
    ASSERT(m->out.message_count == 0 && m->out.write.seq == 0);
}

void model_start(struct model *m)
{
    static const struct raft_run no_runs[1];
    struct raft_start start = {
        .vote = NODE_NONE, .log_first = 1, .runs = no_runs};
    struct model_state *s = &m->state;

    memset(s, 0, sizeof(*s));
    check_init(&s->check, MODEL_NODES);
    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        struct raft_config config = {0};
        model_raft_config(&config, i, 1);
        raft_init(&s->cores[i], &config, &start, MODEL_NOW_MS);
        check_start(&s->check, i, &s->cores[i]);
    }
    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        for (uint32_t k = 0; k < MODEL_NODES; k++) {
            if (i != k) {
                introduce(m, i, k);
            }
        }
    }
    model_canonical(s);
}
