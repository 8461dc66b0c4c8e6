/*
 * The parts of a state as bytes: what is hashed, and what is kept.
 *
 * One walk over the fields both writes and reads, so the two cannot differ.
 * Whatever follows from the rest is left out (the log of a core from its runs,
 * hashes from terms). model_part.c decodes each new part and compares all
 * bytes of the structs: nothing else can be missing.
 *
 * Symmetry: nodes have no order. The walk goes through `order`, a permutation
 * of the positions, and writes every node id and vote bit by it. A node begins
 * with its own place.
 */
#include <string.h>

#include "base/hash.h"
#include "model.h"

/* So that reading and writing become two specialized copies. */
#define INLINE inline __attribute__((always_inline))

struct coder {
    bool reading;
    uint8_t *at;
    uint8_t order[MODEL_NODES]; /* order[new name] = name in the state */
    uint8_t place[MODEL_NODES]; /* the reverse */
};

static INLINE uint64_t code_number(struct coder *k, uint64_t v)
{
    if (k->reading) {
        return *k->at++;
    }
    ASSERT(v < 256);
    *k->at++ = (uint8_t)v;
    return v;
}

static INLINE node_id code_node(struct coder *k, node_id id)
{
    if (k->reading) {
        uint8_t v = *k->at++;
        return v == MODEL_NODES ? NODE_NONE : v;
    }
    ASSERT(id == NODE_NONE || id < MODEL_NODES);
    *k->at++ = id == NODE_NONE ? MODEL_NODES : k->place[id];
    return id;
}

static INLINE uint32_t code_bits(struct coder *k, uint32_t bits)
{
    uint32_t v = 0;

    if (k->reading) {
        return *k->at++;
    }
    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        v |= (bits >> i & 1) << k->place[i];
    }
    *k->at++ = (uint8_t)v;
    return bits;
}

#define NUMBER(x) ((x) = (__typeof__(x))code_number(k, (uint64_t)(x)))
#define NODE(x)   ((x) = code_node(k, (x)))

/* Each node's part in it. */
static INLINE void code_members(struct coder *k, struct raft_members *m)
{
    uint32_t parts[MODEL_NODES] = {0};

    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        uint32_t id = k->order[i];
        int pos = k->reading ? -1 : raft_members_position(m, id);
        if (pos >= 0) {
            parts[id] = 1 | (m->voters >> pos & 1) << 1 |
                        (m->outgoing >> pos & 1) << 2 | m->life[pos] << 3;
        }
        NUMBER(parts[id]);
    }
    for (uint32_t id = 0; k->reading && id < MODEL_NODES; id++) {
        if (parts[id] != 0) {
            m->voters |= (parts[id] >> 1 & 1) << m->count;
            m->outgoing |= (parts[id] >> 2 & 1) << m->count;
            m->life[m->count] = parts[id] >> 3;
            m->ids[m->count++] = id;
        }
    }
}

static INLINE void code_both_members(struct coder *k, struct raft *r)
{
    NUMBER(r->members_at[RAFT_NEWEST]);
    NUMBER(r->members_at[RAFT_BASE]);
    code_members(k, &r->members[RAFT_NEWEST]);
    if (r->members_at[RAFT_NEWEST] != r->members_at[RAFT_BASE]) {
        code_members(k, &r->members[RAFT_BASE]);
    } else if (k->reading) {
        r->members[RAFT_BASE] = r->members[RAFT_NEWEST];
    }
}

/* Bits by position among the members. */
static INLINE void code_votes(struct coder *k, const struct raft_members *m,
                              uint32_t *votes)
{
    uint32_t by_id = 0;

    for (uint32_t i = 0; !k->reading && i < m->count; i++) {
        by_id |= (*votes >> i & 1) << m->ids[i];
    }
    by_id = code_bits(k, by_id);
    for (uint32_t i = 0; k->reading && i < m->count; i++) {
        *votes |= (by_id >> m->ids[i] & 1) << i;
    }
}

static INLINE void code_log(struct coder *k, struct raft *r)
{
    NUMBER(r->first);
    NUMBER(r->prev_term);
    NUMBER(r->last);
    NUMBER(r->run_count);
    for (uint32_t i = 0; i < r->run_count; i++) {
        NUMBER(r->runs[i].first);
        NUMBER(r->runs[i].term);
    }
    NUMBER(r->durable);
    NUMBER(r->commit);
}

static INLINE void code_follower(struct coder *k, struct raft *r)
{
    uint32_t flags =
        r->reply_append | (uint32_t)r->reply_heartbeat << 1 |
        (uint32_t)r->reply_reject << 2 | (uint32_t)r->campaign_transfer << 3 |
        (uint32_t)r->campaign_waits << 4 | (uint32_t)r->recovering << 5;

    NUMBER(flags);
    r->reply_append = (flags & 1) != 0;
    r->reply_heartbeat = (flags & 2) != 0;
    r->reply_reject = (flags & 4) != 0;
    r->campaign_transfer = (flags & 8) != 0;
    r->campaign_waits = (flags & 16) != 0;
    r->recovering = (flags & 32) != 0;
    if (r->recovering) {
        NUMBER(r->barrier);
    }
    NUMBER(r->verified);
    NUMBER(r->leader_commit);
    NUMBER(r->leader_incarnation);
    NUMBER(r->round_seen);
    NUMBER(r->reject_index);
    NUMBER(r->reject_term);
    NUMBER(r->reject_prev);
    NODE(r->vote_reply_to);
    code_votes(k, &r->members[RAFT_NEWEST], &r->votes_granted);
    code_votes(k, &r->members[RAFT_NEWEST], &r->votes_refused);
    NUMBER(r->reads_asked_count);
    NUMBER(r->reads_asked_sent);
    for (uint32_t i = 0; i < r->reads_asked_count; i++) {
        NUMBER(r->reads_asked[i]);
        r->reads_asked_ms[i] = MODEL_NOW_MS;
    }
}

static INLINE void code_progress(struct coder *k, struct raft_progress *p)
{
    uint32_t flags = (uint32_t)p->state | (uint32_t)p->beat_waits << 2 |
                     (uint32_t)p->probe_sent << 3 |
                     (uint32_t)p->recovering << 4 | (uint32_t)p->paused << 5;

    NUMBER(flags);
    p->state = (enum raft_progress_state)(flags & 3);
    p->beat_waits = (flags & 4) != 0;
    p->probe_sent = (flags & 8) != 0;
    p->recovering = (flags & 16) != 0;
    p->paused = (flags & 32) != 0;
    NUMBER(p->match);
    NUMBER(p->next);
    NUMBER(p->verified);
    NUMBER(p->commit_sent);
    NUMBER(p->commit_wanted);
    NUMBER(p->round_sent);
    NUMBER(p->round_acked);
    NUMBER(p->in_flight);
    NUMBER(p->beat_verified);
    NUMBER(p->beat_next);
}

static INLINE void code_leader(struct coder *k, struct raft *r, uint32_t self)
{
    NUMBER(r->term_start);
    NUMBER(r->read_count);
    for (uint32_t i = 0; i < r->read_count; i++) {
        NUMBER(r->reads[i].read_id);
        NUMBER(r->reads[i].round);
        NUMBER(r->reads[i].index);
        NODE(r->reads[i].from);
        NUMBER(r->reads[i].from_incarnation);
    }
    NODE(r->transfer_to);
    NUMBER(r->transfer_sent);
    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        int pos = raft_position(r, k->order[i]);
        if (pos >= 0 && k->order[i] != self) {
            code_progress(k, &r->progress[pos]);
        } else if (pos >= 0 && k->reading) {
            r->progress[pos].next = r->term_start;
        }
    }
}

static INLINE void code_core(struct coder *k, struct raft *r, uint32_t self)
{
    NUMBER(r->role);
    NODE(r->leader);
    NUMBER(r->term);
    NODE(r->vote);
    NUMBER(r->config.incarnation);
    NUMBER(r->write_seq);
    NUMBER(r->hard_state_seq);
    NUMBER(r->truncate_seq);
    NUMBER(r->round);
    code_both_members(k, r);
    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        int pos = raft_position(r, k->order[i]);
        if (pos >= 0 && k->order[i] != self) {
            struct raft_progress *p = &r->progress[pos];
            p->link_up = true;
            NUMBER(p->incarnation);
            NUMBER(p->restarted_maybe);
            NUMBER(p->barrier);
        }
    }
    code_log(k, r);
    code_follower(k, r);
    if (r->role == RAFT_LEADER) {
        code_leader(k, r, self);
    }
}

/* Terms of entries first..last; their hashes follow from those before. */
static INLINE void code_entries(struct coder *k, struct check_entry *e,
                                raft_index count, uint64_t before)
{
    for (raft_index i = 0; i < count; i++) {
        NUMBER(e[i].term);
        if (k->reading) {
            e[i].hash = check_hash(before, e[i].term, 0);
            before = e[i].hash;
        }
    }
}

/* Behind what is cut. */
static void live_from_core(struct check_log *live, const struct raft *r)
{
    live->last = r->last;
    for (raft_index i = r->first; i <= r->last; i++) {
        bool known = raft_runs_term(r, i, &live->at[i].term);
        ASSERT(known);
        live->at[i].hash =
            check_hash(live->at[i - 1].hash, live->at[i].term, 0);
    }
}

static INLINE void code_write(struct coder *k, struct check_node *n,
                              struct check_write *w)
{
    NUMBER(w->hard_state);
    if (w->hard_state) {
        NUMBER(w->term);
        NODE(w->vote);
    }
    NUMBER(w->recovered);
    NUMBER(w->restore_index);
    NUMBER(w->restore_keeps_log);
    NUMBER(w->truncate_from);
    NUMBER(w->append_first);
    NUMBER(w->append_last);
    if (w->append_first == 0) {
        return;
    }
    /* The entry before is the latest one written at that index; of a state, it
     * is in the log still. */
    raft_index last = w->append_first - 1;
    uint64_t before = n->disk.at[last].hash;
    for (const struct check_write *e = n->writes; e < w; e++) {
        if (!e->restore_keeps_log && last <= e->restore_index) {
            before = n->live.at[last].hash;
        }
        if (e->append_first > 0 && last >= e->append_first &&
            last <= e->append_last) {
            before = e->entries[last - e->append_first].hash;
        }
    }
    code_entries(k, w->entries, w->append_last + 1 - w->append_first, before);
}

static INLINE void code_disk(struct coder *k, struct check_node *n,
                             const struct raft *r)
{
    ASSERT(k->reading || n->live.cut + 1 == r->first);
    n->live.cut = r->first - 1;
    code_entries(k, &n->live.at[1], n->live.cut, 0);
    if (k->reading) {
        n->incarnation = r->config.incarnation;
        live_from_core(&n->live, r);
    }
    NUMBER(n->disk_recovering);
    NUMBER(n->lost_in);
    if (n->disk_recovering) {
        NUMBER(n->lost.last);
        code_entries(k, &n->lost.at[1], n->lost.last, 0);
    }
    NUMBER(n->write_count);
    if (n->write_count == 0) {
        if (k->reading) {
            n->disk = n->live;
            n->disk_term = r->term;
            n->disk_vote = r->vote;
        }
        return;
    }
    NUMBER(n->disk_term);
    NODE(n->disk_vote);
    NUMBER(n->disk.last);
    NUMBER(n->disk.cut);
    code_entries(k, &n->disk.at[1], n->disk.last, 0);
    for (uint32_t i = 0; i < n->write_count; i++) {
        code_write(k, n, &n->writes[i]);
    }
}

/* The term of the entry that makes the one hash of the other. */
static raft_term term_between(uint64_t before, uint64_t hash)
{
    raft_term t = 1;

    while (check_hash(before, t, 0) != hash) {
        t++;
        ASSERT(t < CHECK_TERMS_MAX);
    }
    return t;
}

static INLINE void code_leader_log(struct coder *k, struct check_leader *l,
                                   raft_term term)
{
    NUMBER(l->known);
    if (!l->known) {
        return;
    }
    l->pos = code_node(k, l->pos);
    NUMBER(l->start);
    NUMBER(l->last);
    for (raft_index i = 1; i < l->start; i++) {
        raft_term before =
            k->reading ? 0 : term_between(l->hash[i - 1], l->hash[i]);
        NUMBER(before);
        l->hash[i] = check_hash(l->hash[i - 1], before, 0);
    }
    for (raft_index i = l->start; k->reading && i <= l->last; i++) {
        l->hash[i] = check_hash(l->hash[i - 1], term, 0);
    }
}

/* A node plus 1, or 0. */
static INLINE void code_lost_vote(struct coder *k, uint64_t *vote)
{
    node_id id = code_node(k, *vote == 0 ? NODE_NONE : (node_id)(*vote - 1));

    *vote = id == NODE_NONE ? 0 : (uint64_t)id + 1;
}

static INLINE void code_ghost(struct coder *k, struct check *c)
{
    for (raft_term t = 1; t < CHECK_TERMS_MAX; t++) {
        code_leader_log(k, &c->logs[t], t);
        for (uint32_t i = 0; i < MODEL_NODES; i++) {
            NODE(c->votes[k->order[i]][t]);
            code_lost_vote(k, &c->votes_lost[k->order[i]][t]);
        }
    }
    code_lost_vote(k, &c->twin_of);
    for (raft_term t = 1; t < CHECK_TERMS_MAX; t++) {
        NODE(c->twin_votes[t]);
    }
    NUMBER(c->commit);
    code_entries(k, &c->committed[1], c->commit, 0);
    for (raft_index i = 1; i <= c->commit; i++) {
        NUMBER(c->committed_in[i]);
    }
    for (uint32_t i = 0; i < CHECK_READS_MAX; i++) {
        NUMBER(c->reads[i]);
    }
    NUMBER(c->change_count);
    for (uint32_t i = 0; i < c->change_count; i++) {
        NUMBER(c->changes[i].term);
        NUMBER(c->changes[i].index);
        code_members(k, &c->changes[i].members);
    }
}

static INLINE void code_message(struct coder *k, struct raft_message *m)
{
    uint32_t flags = (uint32_t)m->granted | (uint32_t)m->rejected << 1 |
                     (uint32_t)m->transfer << 2 | (uint32_t)m->recovering << 3;

    NUMBER(m->type);
    NODE(m->from);
    NODE(m->to);
    NUMBER(m->from_incarnation);
    NUMBER(m->to_incarnation);
    NUMBER(m->term);
    NUMBER(m->index);
    NUMBER(m->index_term);
    NUMBER(m->count);
    NUMBER(m->run_count);
    for (uint32_t i = 0; i < RAFT_MESSAGE_RUNS_MAX; i++) {
        NUMBER(m->runs[i].first);
        NUMBER(m->runs[i].term);
    }
    NUMBER(m->commit);
    NUMBER(m->refused);
    NUMBER(m->barrier);
    NUMBER(m->round);
    NUMBER(m->match);
    NUMBER(m->verified);
    NUMBER(m->read_id);
    NUMBER(flags);
    m->granted = (flags & 1) != 0;
    m->rejected = (flags & 2) != 0;
    m->transfer = (flags & 4) != 0;
    m->recovering = (flags & 8) != 0;
    m->cluster_id = 7;
}

/* The names in the order that has this number, 0: as they are. */
static void name(struct coder *k, uint32_t number)
{
    uint32_t left = (1U << MODEL_NODES) - 1;

    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        uint32_t pick = number % (MODEL_NODES - i);
        uint32_t rest = left;
        number /= MODEL_NODES - i;
        for (; pick > 0; pick--) {
            rest &= rest - 1;
        }
        uint32_t id = (uint32_t)__builtin_ctz(rest);
        left &= ~(1U << id);
        k->order[i] = (uint8_t)id;
        k->place[id] = (uint8_t)i;
    }
}

static struct coder writer(uint32_t order, struct model_code *code)
{
    struct coder k = {.at = code->bytes};

    ASSERT(order < MODEL_ORDERS);
    name(&k, order);
    return k;
}

static struct coder reader(const uint8_t *bytes)
{
    struct coder k = {.reading = true, .at = (uint8_t *)(uintptr_t)bytes};

    name(&k, 0);
    return k;
}

static void written(struct model_code *code, const struct coder *k)
{
    code->size = (uint32_t)(k->at - code->bytes);
    ASSERT(code->size <= MODEL_BYTES_MAX);
}

/* Writing assigns every field to itself, so the cast does no harm. */
void model_encode_node(const struct model_state *s, uint32_t pos,
                       uint32_t order, struct model_code *code)
{
    struct coder k = writer(order, code);
    struct raft *r = (struct raft *)(uintptr_t)&s->cores[pos];

    (void)code_node(&k, pos);
    code_core(&k, r, pos);
    code_disk(&k, (struct check_node *)(uintptr_t)&s->check.nodes[pos], r);
    uint32_t twins = s->check.twin_of == pos + 1;
    (void)code_number(&k, twins);
    if (twins) {
        r = (struct raft *)(uintptr_t)&s->twin;
        code_core(&k, r, pos);
        code_disk(&k, (struct check_node *)(uintptr_t)&s->check.twin, r);
    }
    written(code, &k);
}

static void decode_self(struct coder *k, struct raft *r, struct check_node *n,
                        uint32_t pos)
{
    memset(r, 0, sizeof(*r));
    memset(n, 0, sizeof(*n));
    model_raft_config(&r->config, pos, 0);
    r->transfer_to = NODE_NONE;
    code_core(k, r, pos);
    code_disk(k, n, r);
    model_canonical_self(r, n);
}

void model_decode_node(const uint8_t *bytes, struct model_state *s)
{
    struct coder k = reader(bytes);
    uint32_t pos = code_node(&k, 0);
    struct raft *r = &s->cores[pos];

    decode_self(&k, r, &s->check.nodes[pos], pos);
    if (code_number(&k, 0) != 0) {
        decode_self(&k, &s->twin, &s->check.twin, pos);
    }
}

void model_encode_message(const struct raft_message *msg, uint32_t order,
                          struct model_code *code)
{
    struct coder k = writer(order, code);

    code_message(&k, (struct raft_message *)(uintptr_t)msg);
    written(code, &k);
}

void model_decode_message(const uint8_t *bytes, struct raft_message *msg)
{
    struct coder k = reader(bytes);

    memset(msg, 0, sizeof(*msg));
    code_message(&k, msg);
}

void model_encode_ghost(const struct model_state *s, uint32_t order,
                        struct model_code *code)
{
    struct coder k = writer(order, code);

    code_ghost(&k, (struct check *)(uintptr_t)&s->check);
    written(code, &k);
}

void model_decode_ghost(const struct model_config *config, const uint8_t *bytes,
                        struct model_state *s)
{
    const size_t begin = offsetof(struct check, logs);
    struct coder k = reader(bytes);

    memset((uint8_t *)&s->check + begin, 0, sizeof(s->check) - begin);
    model_name_nodes(&s->check, config);
    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        s->check.votes[i][0] = NODE_NONE;
    }
    s->check.twin_votes[0] = NODE_NONE;
    code_ghost(&k, &s->check);
}

uint64_t model_code_hash(const struct model_code *code)
{
    return hash64((struct bytes){code->bytes, code->size});
}
