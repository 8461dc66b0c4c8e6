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

static uint32_t own_bit(const struct raft *r)
{
    int pos = raft_position(r, r->config.self);

    return pos < 0 ? 0 : 1U << pos;
}

static void canonical_leader(struct raft *r)
{
    const struct raft_members *members = &r->members[RAFT_NEWEST];

    for (uint32_t i = 0; i < members->count; i++) {
        struct raft_progress *p = &r->progress[i];
        p->heard_ms = MODEL_NOW_MS;
        p->beat_ms = MODEL_NOW_MS;
        p->append_ms = 0; /* any loss is believed at once */
        p->lost = 0;
        p->commit_sent = 0; /* matters only to RAFT_EV_WANT_COMMIT */
        if (!p->beat_waits) {
            p->beat_verified = 0;
            p->beat_next = 0;
        }
    }
    r->quorum_check_ms = raft_members_quorum(members, own_bit(r))
                             ? INT64_MAX
                             : MODEL_NOW_MS + MODEL_ELECTION_MS;
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
    if (r->leader == NODE_NONE || leads) {
        r->leader_incarnation = 0; /* forbids what no such leader can do */
    }
    r->down_leader = NODE_NONE;
    r->fast_until_ms = 0;
    r->careful_until_ms = 0; /* it only leaves out votes */
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

/* What stands behind the end of a log was truncated: it is nothing. */
static void clear_behind(struct check_log *log)
{
    for (raft_index i = log->last + 1; i <= CHECK_LOG_MAX; i++) {
        log->at[i].term = 0;
        log->at[i].hash = 0;
    }
}

void model_canonical_self(struct raft *core, struct check_node *n)
{
    canonical_core(core);
    clear_behind(&n->live);
    clear_behind(&n->disk);
    n->applied = 0;
    if (!n->disk_recovering) {
        memset(&n->lost, 0, sizeof(n->lost)); /* counts no more */
    }
    clear_behind(&n->lost);
}

void model_canonical_node(struct model_state *s, uint32_t pos)
{
    model_canonical_self(&s->cores[pos], &s->check.nodes[pos]);
    if (s->check.twin_of == pos + 1) {
        model_canonical_self(&s->twin, &s->check.twin);
    }
}

/* The bits of all entries up to index, see model_present_in_node(). */
static uint32_t present_up_to(raft_term term, raft_index index)
{
    ASSERT(index <= 8 && term >= 1 && term <= 4);
    return ((UINT32_C(1) << index) - 1) << 8 * (term - 1);
}

static uint32_t present_in_log(const struct check_log *log)
{
    uint32_t present = 0;

    for (raft_index i = 1; i <= log->last; i++) {
        present |= present_up_to(log->at[i].term, i);
    }
    return present;
}

uint32_t model_present_in_node(const struct check_node *n)
{
    uint32_t present = present_in_log(&n->live) | present_in_log(&n->disk);

    for (uint32_t w = 0; w < n->write_count; w++) {
        const struct check_write *write = &n->writes[w];
        for (raft_index i = write->append_first;
             i > 0 && i <= write->append_last; i++) {
            present |=
                present_up_to(write->entries[i - write->append_first].term, i);
        }
    }
    return present;
}

uint32_t model_present_in_message(const struct raft_message *m)
{
    uint32_t present = 0;

    for (uint32_t i = 0; i < m->run_count; i++) {
        raft_index last = i + 1 < m->run_count ? m->runs[i + 1].first - 1
                                               : m->index + m->count;
        present |= present_up_to(m->runs[i].term, last);
    }
    return present;
}

static raft_index last_present(uint32_t present, raft_term term)
{
    uint32_t bits = present >> 8 * (term - 1) & 255;

    return bits == 0 ? 0 : 32 - (raft_index)__builtin_clz(bits);
}

/* The log of a leader, as far as anybody has it. */
static void canonical_log(struct check_leader *l, raft_index last)
{
    l->last = MIN(l->last, MAX(l->start - 1, last));
    for (raft_index i = l->last + 1; i <= CHECK_LOG_MAX; i++) {
        l->hash[i] = 0;
    }
}

bool model_holds_term(const struct model_config *config,
                      const struct model_state *s, uint32_t pos)
{
    const struct raft *r = &s->cores[pos];

    if (config->restores > 0 && r->leader != NODE_NONE) {
        return true;
    }
    return r->role == RAFT_LEADER || r->role == RAFT_CANDIDATE ||
           r->reply_append || r->reply_heartbeat || r->reply_reject ||
           s->check.nodes[pos].write_count > 0;
}

static bool is_fixed(const struct model_config *config)
{
    return MODEL_NODES == 3 && config->changes == 0 && config->begun == 0 &&
           config->learners == 0;
}

/* Where members change, few may be enough. And a state brings its receiver to
 * the term in which it was committed, which must be known while anybody is in
 * an earlier one: the upper half has a bit for the first such term. */
uint32_t model_open_terms(const struct model_config *config,
                          const raft_term *terms, uint32_t holding)
{
    uint32_t enough = is_fixed(config) ? MODEL_NODES / 2 + 1 : 1;
    uint32_t open = 0;

    for (raft_term t = 1; t < CHECK_TERMS_MAX; t++) {
        uint32_t before = 0;
        uint32_t reached = 0;
        for (uint32_t i = 0; i < MODEL_NODES; i++) {
            before += terms[i] < t;
            reached += terms[i] <= t;
            if (terms[i] == t && (holding >> i & 1) != 0) {
                open |= 1U << t;
            }
        }
        if (before > 0 && reached >= enough) {
            open |= 1U << t;
        }
    }
    raft_term least = terms[0];
    for (uint32_t i = 1; i < MODEL_NODES; i++) {
        least = MIN(least, terms[i]);
    }
    return config->restores == 0 ? open : open | 1U << (16 + least + 1);
}

/* Those that nobody has are forgotten. */
static void canonical_changes(struct check *c, uint32_t present)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < c->change_count; i++) {
        const struct check_change *e = &c->changes[i];
        if (e->index <= last_present(present, e->term)) {
            memmove(&c->changes[kept++], e, sizeof(*e));
        }
    }
    memset(&c->changes[kept], 0,
           (c->change_count - kept) * sizeof(c->changes[0]));
    c->change_count = kept;
}

/* Of three fixed voters, who has not voted for the leader can only vote for
 * itself. */
void model_canonical_ghost(const struct model_config *config, struct check *c,
                           uint32_t open, uint32_t present)
{
    bool fixed = is_fixed(config);

    for (raft_term t = 1; t < CHECK_TERMS_MAX; t++) {
        raft_index last = last_present(present, t);
        bool is_open = (open >> t & 1) != 0;
        if (!is_open && last == 0) {
            memset(&c->logs[t], 0, sizeof(c->logs[t]));
        }
        if (c->logs[t].known) {
            canonical_log(&c->logs[t], last);
            c->logs[t].pos = is_open ? c->logs[t].pos : NODE_NONE;
        }
        if ((c->logs[t].known && fixed) || !is_open) {
            for (uint32_t i = 0; i < MODEL_NODES; i++) {
                c->votes[i][t] = NODE_NONE;
            }
        }
    }
    canonical_changes(c, present);
    uint32_t counts = (open | open >> 16) & 0xffff;
    uint32_t first = counts == 0 ? 0 : (uint32_t)__builtin_ctz(counts);
    for (raft_index i = 1; i <= c->commit; i++) {
        if (c->committed_in[i] < first) {
            c->committed_in[i] = 0; /* before any election to come */
        }
    }
}

void model_canonical(const struct model_config *config, struct model_state *s)
{
    raft_term terms[MODEL_NODES];
    uint32_t present = 0;
    uint32_t open = 0;
    uint32_t holding = 0;

    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        model_canonical_node(s, i);
        holding |= (uint32_t)model_holds_term(config, s, i) << i;
        terms[i] = s->cores[i].term;
        present |= model_present_in_node(&s->check.nodes[i]);
    }
    for (uint32_t i = 0; i < s->wire_count; i++) {
        present |= model_present_in_message(&s->wire[i]);
        open |= 1U << s->wire[i].term;
    }
    if (!config->plain && !model_may_lose(config, &s->used)) {
        open |= model_open_terms(config, terms, holding);
        model_canonical_ghost(config, &s->check, open & ~1U, present);
        model_form(s);
    }
}

void model_copy(struct model_state *to, const struct model_state *from)
{
    ASSERT(from->wire_count <= MODEL_WIRE_MAX);
    memcpy(to, from,
           offsetof(struct model_state, wire) +
               from->wire_count * sizeof(from->wire[0]));
}

struct raft_message model_hello(const struct model_state *s, uint32_t from,
                                uint32_t to)
{
    return (struct raft_message){
        .type = RAFT_MSG_PRE_VOTE_REPLY,
        .cluster_id = s->cores[from].config.cluster_id,
        .from = from,
        .to = to,
        .from_incarnation = s->cores[from].config.incarnation,
        .to_incarnation = s->cores[to].config.incarnation};
}

/* Everybody knows everybody's incarnation, as after a first exchange. */
static void introduce(struct model *m, uint32_t from, uint32_t to)
{
    struct raft *core = &m->state.cores[to];
    struct raft_message hello = model_hello(&m->state, from, to);
    struct raft_event event = {
        .type = RAFT_EV_MESSAGE, .now_ms = MODEL_NOW_MS, .message = &hello};
    struct raft_event up = {
        .type = RAFT_EV_PEER_UP, .now_ms = MODEL_NOW_MS, .peer = from};

    raft_step(core, &up, &m->out);
    raft_step(core, &event, &m->out);
    ASSERT(m->out.message_count == 0 && m->out.write.seq == 0);
}

void model_name_nodes(struct check *c, const struct model_config *config)
{
    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        c->ids[i] = i;
    }
    c->count = MODEL_NODES;
    raft_members_of(&c->members, c->ids, MODEL_NODES);
    c->members.voters >>= config->learners;
}

void model_start(struct model *m)
{
    static const struct raft_run no_runs[1];
    struct raft_start start = {
        .vote = NODE_NONE, .log_first = 1, .runs = no_runs};
    node_id ids[MODEL_NODES];
    struct model_state *s = &m->state;

    memset(s, 0, sizeof(*s));
    model_name_nodes(&s->check, m->config);
    memcpy(ids, s->check.ids, sizeof(ids));
    check_init(&s->check, ids, MODEL_NODES);
    model_name_nodes(&s->check, m->config);
    check_members(&s->check, &s->check.nodes[0].disk, &start);
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
    model_canonical(m->config, s);
}
