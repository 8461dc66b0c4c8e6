/*
 * States as bytes: what is hashed, and what waits in the queue.
 *
 * One walk over the fields both writes and reads, so the two cannot differ.
 * Whatever follows from the rest is left out (the log of a core from its runs,
 * hashes from terms); model_code_whole() shows that nothing else is missing:
 * it decodes, and compares all bytes of the structs.
 *
 * Symmetry: nodes have no order. The walk goes through `order`, a permutation
 * of the positions, and writes every node id and vote bit by it. Nodes are
 * sorted by a number that does not depend on names; among equal ones all
 * orders are tried and the smallest bytes win. Messages are sorted.
 */
#include <string.h>

#include "base/hash.h"
#include "model.h"

/* So that reading and writing become two specialized copies. */
#define INLINE inline __attribute__((always_inline))

#define MESSAGE_SIZE (16 + 2 * RAFT_MESSAGE_RUNS_MAX)

struct coder {
    bool reading;
    uint8_t *at;
    const uint8_t *order; /* order[new position] = position in the state */
    const uint8_t *place; /* the reverse */
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
#define BITS(x)   ((x) = code_bits(k, (x)))

static INLINE void code_log(struct coder *k, struct raft *r)
{
    NUMBER(r->last);
    NUMBER(r->run_count);
    for (uint32_t i = 0; i < r->run_count; i++) {
        NUMBER(r->runs[i].first);
        NUMBER(r->runs[i].term);
    }
    NUMBER(r->durable);
    NUMBER(r->commit);
    if (k->reading) {
        r->first = 1;
    }
    ASSERT(r->first == 1 && r->prev_term == 0);
}

static INLINE void code_follower(struct coder *k, struct raft *r)
{
    uint32_t flags = r->reply_append | (uint32_t)r->reply_heartbeat << 1 |
                     (uint32_t)r->reply_reject << 2 |
                     (uint32_t)r->campaign_transfer << 3 |
                     (uint32_t)r->campaign_waits << 4;

    NUMBER(flags);
    r->reply_append = (flags & 1) != 0;
    r->reply_heartbeat = (flags & 2) != 0;
    r->reply_reject = (flags & 4) != 0;
    r->campaign_transfer = (flags & 8) != 0;
    r->campaign_waits = (flags & 16) != 0;
    NUMBER(r->verified);
    NUMBER(r->leader_commit);
    NUMBER(r->leader_incarnation);
    NUMBER(r->round_seen);
    NUMBER(r->reject_index);
    NUMBER(r->reject_term);
    NUMBER(r->reject_prev);
    NODE(r->vote_reply_to);
    BITS(r->votes_granted);
    BITS(r->votes_refused);
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
                     (uint32_t)p->probe_sent << 3;

    NUMBER(flags);
    p->state = (enum raft_progress_state)(flags & 3);
    p->beat_waits = (flags & 4) != 0;
    p->probe_sent = (flags & 8) != 0;
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
        if (k->order[i] != self) {
            code_progress(k, &r->progress[k->order[i]]);
        } else if (k->reading) {
            r->progress[self].next = r->term_start;
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
    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        struct raft_progress *p = &r->progress[k->order[i]];
        if (k->order[i] != self) {
            NUMBER(p->incarnation);
            NUMBER(p->restarted_maybe);
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

static void live_from_core(struct check_log *live, const struct raft *r)
{
    live->last = r->last;
    for (raft_index i = 1; i <= r->last; i++) {
        bool known = raft_log_term(r, i, &live->at[i].term);
        ASSERT(known);
        live->at[i].hash =
            check_hash(live->at[i - 1].hash, live->at[i].term, 0);
    }
}

static INLINE void code_write(struct coder *k, struct check_write *w,
                              const struct check_log *disk,
                              const struct check_write *earlier)
{
    uint64_t before = 0;

    NUMBER(w->hard_state);
    if (w->hard_state) {
        NUMBER(w->term);
        NODE(w->vote);
    }
    NUMBER(w->truncate_from);
    NUMBER(w->append_first);
    NUMBER(w->append_last);
    if (w->append_first == 0) {
        return;
    }
    /* The entry before is the latest one written at that index. */
    before = disk->at[w->append_first - 1].hash;
    for (; earlier < w; earlier++) {
        raft_index at = w->append_first - 1 - earlier->append_first;
        if (earlier->append_first > 0 &&
            w->append_first - 1 >= earlier->append_first &&
            w->append_first - 1 <= earlier->append_last) {
            before = earlier->entries[at].hash;
        }
    }
    code_entries(k, w->entries, w->append_last + 1 - w->append_first, before);
}

static INLINE void code_disk(struct coder *k, struct check_node *n,
                             const struct raft *r)
{
    if (k->reading) {
        n->incarnation = r->config.incarnation;
        live_from_core(&n->live, r);
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
    code_entries(k, &n->disk.at[1], n->disk.last, 0);
    for (uint32_t i = 0; i < n->write_count; i++) {
        code_write(k, &n->writes[i], &n->disk, n->writes);
    }
}

/* The term whose leader has this prefix as its own last entry there. */
static raft_term term_of(const struct check *c, raft_index index, uint64_t hash)
{
    for (raft_term t = 1; t < CHECK_TERMS_MAX; t++) {
        const struct check_leader *l = &c->logs[t];
        if (l->known && index >= l->start && index <= l->last &&
            l->hash[index] == hash) {
            return t;
        }
    }
    return 0;
}

static INLINE void code_leader_log(struct coder *k, struct check *c,
                                   raft_term term)
{
    struct check_leader *l = &c->logs[term];
    raft_term base = 0;

    NUMBER(l->known);
    if (!l->known) {
        return;
    }
    l->pos = code_node(k, l->pos);
    NUMBER(l->start);
    NUMBER(l->last);
    if (!k->reading) {
        base = term_of(c, l->start - 1, l->hash[l->start - 1]);
    }
    NUMBER(base);
    for (raft_index i = 1; k->reading && i <= l->last; i++) {
        l->hash[i] = i < l->start ? c->logs[base].hash[i]
                                  : check_hash(l->hash[i - 1], term, 0);
    }
}

static INLINE void code_ghost(struct coder *k, struct check *c)
{
    for (raft_term t = 1; t < CHECK_TERMS_MAX; t++) {
        code_leader_log(k, c, t);
        for (uint32_t i = 0; i < MODEL_NODES; i++) {
            NODE(c->votes[k->order[i]][t]);
        }
    }
    NUMBER(c->commit);
    code_entries(k, &c->committed[1], c->commit, 0);
    for (raft_index i = 1; i <= c->commit; i++) {
        NUMBER(c->committed_in[i]);
    }
    for (uint32_t i = 0; i < CHECK_READS_MAX; i++) {
        NUMBER(c->reads[i]);
    }
}

static INLINE void code_message(struct coder *k, struct raft_message *m)
{
    uint32_t flags = (uint32_t)m->granted | (uint32_t)m->rejected << 1 |
                     (uint32_t)m->transfer << 2;

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
    NUMBER(m->round);
    NUMBER(m->match);
    NUMBER(m->verified);
    NUMBER(m->read_id);
    NUMBER(flags);
    m->granted = (flags & 1) != 0;
    m->rejected = (flags & 2) != 0;
    m->transfer = (flags & 4) != 0;
    m->cluster_id = 7;
}

static INLINE void code_messages(struct coder *k, struct model_state *s)
{
    NUMBER(s->wire_count);
    uint8_t *begin = k->at;
    for (uint32_t i = 0; i < s->wire_count; i++) {
        uint8_t record[MESSAGE_SIZE];
        uint8_t *at = k->at;
        code_message(k, &s->wire[i]);
        ASSERT(k->at - at == MESSAGE_SIZE);
        if (k->reading) {
            continue;
        }
        memcpy(record, at, MESSAGE_SIZE);
        for (;
             at > begin && memcmp(at - MESSAGE_SIZE, record, MESSAGE_SIZE) > 0;
             at -= MESSAGE_SIZE) {
            memcpy(at, at - MESSAGE_SIZE, MESSAGE_SIZE);
        }
        memcpy(at, record, MESSAGE_SIZE);
    }
}

static INLINE void code_state(struct coder *k, struct model_state *s)
{
    uint8_t *used = (uint8_t *)&s->used;

    for (size_t i = 0; i < sizeof(s->used); i++) {
        NUMBER(used[i]);
    }
    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        code_core(k, &s->cores[k->order[i]], k->order[i]);
        code_disk(k, &s->check.nodes[k->order[i]], &s->cores[k->order[i]]);
    }
    code_ghost(k, &s->check);
    code_messages(k, s);
}

static void encode_as(const struct model_state *s, const uint8_t *order,
                      struct model_code *code)
{
    uint8_t place[MODEL_NODES];
    struct coder k = {.at = code->bytes, .order = order, .place = place};

    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        place[order[i]] = (uint8_t)i;
    }
    /* Writing assigns every field to itself. */
    code_state(&k, (struct model_state *)(uintptr_t)s);
    code->size = (uint32_t)(k.at - code->bytes);
    ASSERT(code->size <= MODEL_BYTES_MAX);
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    a = (a ^ b) * UINT64_C(0x9e3779b97f4a7c15);
    return a ^ (a >> 29);
}

/* Who another node is to node i, without its name. */
static uint64_t relation(uint32_t i, node_id other)
{
    return other == i ? 1 : other == NODE_NONE ? 2 : 3;
}

/* A number for node i that does not depend on the nodes' names. */
static uint64_t signature(const struct model_state *s, uint32_t i)
{
    const struct raft *r = &s->cores[i];
    uint64_t h = mix((uint64_t)r->role, r->term);
    uint64_t wires = 0;

    h = mix(h, r->last << 32 | r->commit << 16 | r->durable);
    h = mix(h, relation(i, r->leader) << 8 | relation(i, r->vote));
    h = mix(h, r->config.incarnation << 16 | r->verified << 8 | r->write_seq);
    h = mix(h, r->run_count > 0 ? r->runs[r->run_count - 1].term : 0);
    for (uint32_t w = 0; w < s->wire_count; w++) {
        const struct raft_message *m = &s->wire[w];
        uint64_t side = (m->from == i) | (uint64_t)(m->to == i) << 1;
        wires +=
            mix(mix(side << 8 | (uint64_t)m->type, m->term << 8 | m->match),
                m->index << 8 | m->granted);
    }
    for (uint32_t k = 0; k < MODEL_NODES; k++) {
        bool followed = k != i && s->cores[k].role == RAFT_LEADER;
        const struct raft_progress *p = &s->cores[k].progress[i];
        wires += followed ? mix(p->match << 8 | p->next,
                                p->verified << 8 | p->in_flight)
                          : 0;
        wires += k != i ? mix(5, r->progress[k].incarnation) : 0;
    }
    return mix(h, wires);
}

void model_encode(const struct model_state *s, struct model_code *code)
{
    static const uint8_t orders[][MODEL_NODES] = {
        {0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    uint64_t sign[MODEL_NODES];
    struct model_code other;
    bool first = true;

    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        sign[i] = signature(s, i);
    }
    for (uint32_t i = 0; i < ARRAY_LEN(orders); i++) {
        const uint8_t *o = orders[i];
        if (sign[o[0]] > sign[o[1]] || sign[o[1]] > sign[o[2]]) {
            continue;
        }
        if (first) {
            encode_as(s, o, code);
            first = false;
            continue;
        }
        encode_as(s, o, &other);
        if (other.size < code->size ||
            (other.size == code->size &&
             memcmp(other.bytes, code->bytes, other.size) < 0)) {
            *code = other;
        }
    }
    ASSERT(!first);
}

void model_decode(const struct model_code *code, struct model_state *s)
{
    static const uint8_t order[MODEL_NODES] = {0, 1, 2};
    struct coder k = {.reading = true,
                      .at = (uint8_t *)(uintptr_t)code->bytes,
                      .order = order,
                      .place = order};

    memset(s, 0, sizeof(*s));
    s->check.count = MODEL_NODES;
    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        struct raft *r = &s->cores[i];
        model_raft_config(&r->config, i, 0);
        for (uint32_t n = 0; n < MODEL_NODES; n++) {
            r->progress[n].link_up = n != i;
        }
        r->transfer_to = NODE_NONE;
        s->check.votes[i][0] = NODE_NONE;
    }
    code_state(&k, s);
    ASSERT(k.at == code->bytes + code->size);
    model_canonical(s);
}

bool model_code_whole(const struct model_state *s)
{
    static const uint8_t order[MODEL_NODES] = {0, 1, 2};
    const size_t size = offsetof(struct model_state, wire_count);
    struct model_code code;
    struct model_state copy;

    encode_as(s, order, &code);
    model_decode(&code, &copy);
    for (size_t i = 0; i < size; i++) {
        if (((const uint8_t *)&copy)[i] != ((const uint8_t *)s)[i]) {
            fprintf(stderr, "byte %zu of node %zu, or %zu of the checker\n",
                    i % sizeof(struct raft), i / sizeof(struct raft),
                    i - offsetof(struct model_state, check));
            return false;
        }
    }
    return copy.wire_count == s->wire_count;
}

uint64_t model_fingerprint(const struct model_code *code)
{
    uint64_t h = hash64((struct bytes){code->bytes, code->size});
    return h == 0 ? 1 : h; /* 0 marks a free place */
}

/* Zeros are most of it: for each 8 bytes a mask, and those that are not 0. */
uint32_t model_pack(const struct model_code *code, uint8_t *to)
{
    uint8_t *at = to;

    for (uint32_t i = 0; i < code->size; i += 8) {
        uint8_t *mask = at++;
        *mask = 0;
        for (uint32_t k = 0; k < 8 && i + k < code->size; k++) {
            if (code->bytes[i + k] != 0) {
                *mask = (uint8_t)(*mask | 1U << k);
                *at++ = code->bytes[i + k];
            }
        }
    }
    return (uint32_t)(at - to);
}

/* `code->size` says how long it was. */
void model_unpack(const uint8_t *from, struct model_code *code)
{
    for (uint32_t i = 0; i < code->size; i += 8) {
        uint8_t mask = *from++;
        for (uint32_t k = 0; k < 8 && i + k < code->size; k++) {
            code->bytes[i + k] = (mask >> k & 1) != 0 ? *from++ : 0;
        }
    }
}
