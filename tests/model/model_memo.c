/*
 * A miss decodes the nodes that matter into m.state, lets the core (or the
 * checker, or model_dead.c) do its work, and encodes what has become of them.
 * Keys are compared in full: a wrong hit is not possible.
 */
#include "model_memo.h"

#include <string.h>

#include "base/alloc.h"
#include "model_live.h"

void model_memo_init(struct model_memo *memo, struct model_store *store,
                     uint64_t bytes)
{
    uint64_t count = 1024;

    memset(memo, 0, sizeof(*memo));
    while (2 * count * sizeof(memo->steps[0]) <= bytes) {
        count *= 2;
    }
    memo->store = store;
    memo->m.config = store->config;
    memo->steps = mem_zalloc(count * sizeof(memo->steps[0]));
    memo->step_mask = count - 1;
    memo->small_mask = MIN(count, 1 << 18) - 1;
    memo->dead = mem_zalloc((memo->small_mask + 1) * sizeof(memo->dead[0]));
    memo->views = mem_zalloc((memo->small_mask + 1) * sizeof(memo->views[0]));
    memo->forms = mem_zalloc((memo->small_mask + 1) * sizeof(memo->forms[0]));
}

void model_memo_release(struct model_memo *memo)
{
    mem_free(memo->steps);
    mem_free(memo->dead);
    mem_free(memo->views);
    mem_free(memo->forms);
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    a = (a ^ b) * UINT64_C(0x9e3779b97f4a7c15);
    return a ^ a >> 29;
}

static uint64_t hash_of(const uint32_t *key)
{
    uint64_t h = mix((uint64_t)key[0] << 32 | key[1], 1);

    h = mix(h, (uint64_t)key[2] << 32 | key[3]);
    return MODEL_KEY > 4 ? mix(h, key[MODEL_KEY - 1]) : h;
}

static struct model_triple *place_of(const struct model_memo *memo,
                                     struct model_triple *table,
                                     const uint32_t *key)
{
    return &table[hash_of(key) >> 20 & memo->small_mask];
}

static bool is_message_event(struct model_event e)
{
    return e.type == MODEL_DELIVER || e.type == MODEL_DELIVER_STALE ||
           e.type == MODEL_DUPLICATE;
}

/* The nodes an event touches, as bits. */
static uint32_t touched_by(struct model_event e)
{
    switch ((enum model_event_type)e.type) {
    case MODEL_CRASH:
    case MODEL_WIPE:
    case MODEL_LOSE:
        return (1U << MODEL_NODES) - 1;
    case MODEL_ELECT:
        return 1U << e.node | e.peer;
    case MODEL_TIMEOUT:
    case MODEL_HEARTBEAT:
    case MODEL_QUORUM_LOSS:
    case MODEL_PROPOSE:
    case MODEL_CHANGE:
    case MODEL_CUT:
    case MODEL_RESTORE:
    case MODEL_SWITCH:
    case MODEL_SYNC:
    case MODEL_BREAK:
    case MODEL_UNSENT:
    case MODEL_PAUSE:
    case MODEL_RESUME:
    case MODEL_READ:
    case MODEL_READ_EXPIRE:
    case MODEL_TRANSFER:
    case MODEL_TRANSFER_LATE:
    case MODEL_DELIVER:
    case MODEL_DELIVER_STALE:
    case MODEL_DUPLICATE:
        break;
    }
    return 1U << e.node;
}

static void key_of(const struct model_tuple *t, struct model_event e,
                   uint32_t nodes, struct model_step *key)
{
    uint64_t type = e.type;
    uint64_t arg = e.arg;

    if (e.type == MODEL_DUPLICATE) {
        type = MODEL_DELIVER; /* the same to the receiver */
    }
    if (is_message_event(e)) {
        arg = t->wire[e.arg];
    } else if (e.type == MODEL_READ) {
        arg = t->used.reads; /* numbers the read */
    }
    key->event = UINT64_C(1) << 63 | type << 48 | (uint64_t)e.node << 40 |
                 (uint64_t)e.peer << 32 | arg;
    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        key->nodes[i] = (nodes >> i & 1) != 0 ? t->nodes[i] : 0;
    }
    key->ghost = t->ghost;
}

static struct model_step *step_place(const struct model_memo *memo,
                                     const struct model_step *key)
{
    uint64_t h = mix((uint64_t)key->nodes[0] << 32 | key->nodes[1], key->event);

    h = mix(h, (uint64_t)key->nodes[2] << 32 | key->ghost);
    if (MODEL_NODES > 3) {
        h = mix(h, key->nodes[MODEL_NODES - 1]);
    }
    return &memo->steps[h >> 16 & memo->step_mask];
}

static void blank_node(struct model_state *s, uint32_t pos)
{
    memset(&s->cores[pos], 0, sizeof(s->cores[pos]));
    memset(&s->check.nodes[pos], 0, sizeof(s->check.nodes[pos]));
    s->check.nodes[pos].disk_vote = NODE_NONE;
}

/* m.state becomes that of the tuple, with these nodes, without messages. */
static void load(struct model_memo *memo, const struct model_tuple *t,
                 uint32_t nodes)
{
    const struct model_store *store = memo->store;
    struct model_state *s = &memo->m.state;

    memset(&s->twin, 0, sizeof(s->twin));
    memset(&s->check.twin, 0, sizeof(s->check.twin));
    s->check.twin.disk_vote = NODE_NONE;
    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        if ((nodes >> i & 1) == 0) {
            blank_node(s, i);
        } else {
            model_decode_node(model_part_at(&store->nodes, t->nodes[i])->bytes,
                              s);
        }
    }
    model_decode_ghost(store->config,
                       model_part_at(&store->ghosts, t->ghost)->bytes, s);
    s->used = t->used;
    s->wire_count = 0;
}

static void do_step(struct model_memo *memo, const struct model_tuple *t,
                    struct model_event e, uint32_t nodes)
{
    struct model *m = &memo->m;

    load(memo, t, nodes);
    if (is_message_event(e)) {
        m->state.wire_count = 1;
        model_decode_message(
            model_part_at(&memo->store->messages, t->wire[e.arg])->bytes,
            &m->state.wire[0]);
        e.arg = 0;
    }
    model_apply_alone(m, e);
}

static void save(struct model_memo *memo, uint32_t touched,
                 struct model_outcome *o)
{
    struct model *m = &memo->m;

    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        if ((touched >> i & 1) != 0) {
            model_canonical_node(&m->state, i);
            o->nodes[i] =
                model_store_node(memo->store, &m->state, i, &memo->scratch);
        }
    }
    o->ghost = model_store_ghost(memo->store, &m->state, &memo->scratch);
    ASSERT(m->sent_count <= MODEL_SENT_MAX);
    for (uint32_t i = 0; i < m->sent_count; i++) {
        uint32_t id = model_store_message(memo->store, &m->sent[i]);
        ASSERT(id <= UINT16_MAX);
        o->sent[i] = (uint16_t)id;
    }
    o->sent_count = (uint8_t)m->sent_count;
}

static void compute(struct model_memo *memo, const struct model_tuple *t,
                    struct model_event e, uint32_t nodes, struct model_step *at)
{
    const uint32_t all = (1U << MODEL_NODES) - 1;
    struct model_outcome *o = &at->outcome;

    memo->step_misses++;
    do_step(memo, t, e, nodes);
    memset(o, 0, sizeof(*o));
    if (memo->m.violation != NULL && nodes != all) {
        o->flags = MODEL_FLAG_OTHERS;
    } else if (memo->m.violation != NULL) {
        snprintf(memo->violation, sizeof(memo->violation), "%s",
                 memo->m.violation);
        o->flags = MODEL_FLAG_VIOLATION;
        at->event = 0; /* not to be remembered without its text */
    } else if (memo->m.cut) {
        o->flags = MODEL_FLAG_CUT;
    } else {
        save(memo, touched_by(e), o);
    }
}

static struct model_step *look_up(struct model_memo *memo,
                                  const struct model_tuple *t,
                                  struct model_event e, uint32_t nodes)
{
    struct model_step key;

    key_of(t, e, nodes, &key);
    struct model_step *at = step_place(memo, &key);
    if (memcmp(at, &key, offsetof(struct model_step, outcome)) != 0) {
        memcpy(at, &key, offsetof(struct model_step, outcome));
        compute(memo, t, e, nodes, at);
    }
    return at;
}

void model_memo_prefetch(const struct model_memo *memo,
                         const struct model_tuple *t, struct model_event e)
{
    struct model_step key;

    key_of(t, e, touched_by(e), &key);
    __builtin_prefetch(step_place(memo, &key));
}

const struct model_outcome *model_memo_step(struct model_memo *memo,
                                            const struct model_tuple *t,
                                            struct model_event e)
{
    struct model_step *at = look_up(memo, t, e, touched_by(e));

    if ((at->outcome.flags & MODEL_FLAG_OTHERS) != 0) {
        at = look_up(memo, t, e, (1U << MODEL_NODES) - 1);
    }
    return &at->outcome;
}

bool model_memo_dead(struct model_memo *memo, const struct model_tuple *t,
                     uint32_t message)
{
    const struct model_part *part =
        model_part_at(&memo->store->messages, message);
    const struct model_part *from =
        model_part_at(&memo->store->nodes, t->nodes[part->from]);
    uint32_t key[MODEL_KEY] = {message, from->sender, t->nodes[part->to],
                               model_may_lose(memo->store->config, &t->used)};
    struct model_triple *at = place_of(memo, memo->dead, key);

    if (memcmp(at->key, key, sizeof(key)) != 0) {
        struct raft_message msg;
        memo->dead_misses++;
        load(memo, t, 1U << part->from | 1U << part->to);
        model_decode_message(part->bytes, &msg);
        memcpy(at->key, key, sizeof(key));
        at->value = model_dead(&memo->m, &msg);
    }
    return at->value != 0;
}

uint32_t model_memo_view(struct model_memo *memo, const struct model_tuple *t)
{
    uint32_t key[MODEL_KEY];
    memcpy(key, t->nodes, sizeof(t->nodes));
    key[MODEL_NODES] = t->ghost;
    struct model_triple *at = place_of(memo, memo->views, key);
    const struct raft *cores[MODEL_NODES];

    if (memcmp(at->key, key, sizeof(key)) == 0) {
        return at->value;
    }
    struct model_state *s = &memo->m.state;
    memo->view_misses++;
    load(memo, t, (1U << MODEL_NODES) - 1);
    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        cores[i] = &s->cores[i];
    }
    check_cluster(&s->check, cores);
    if (s->check.violation != NULL) {
        snprintf(memo->violation, sizeof(memo->violation), "%s",
                 s->check.violation);
        return MODEL_MARK_BAD;
    }
    memcpy(at->key, key, sizeof(key));
    at->value = MODEL_MARK_KNOWN | model_live_mark(memo->m.config, s);
    return at->value;
}

static void form_ghost(struct model_memo *memo, struct model_tuple *t,
                       uint32_t open, uint32_t present)
{
    const struct model_store *store = memo->store;
    uint32_t key[MODEL_KEY] = {t->ghost, open, present, 1};
    struct model_triple *at = place_of(memo, memo->forms, key);

    if (memcmp(at->key, key, sizeof(key)) != 0) {
        model_decode_ghost(store->config,
                           model_part_at(&store->ghosts, t->ghost)->bytes,
                           &memo->m.state);
        model_canonical_ghost(store->config, &memo->m.state.check, open,
                              present);
        memcpy(at->key, key, sizeof(key));
        at->value =
            model_store_ghost(memo->store, &memo->m.state, &memo->scratch);
    }
    t->ghost = at->value;
}

static void form_node(struct model_memo *memo, struct model_tuple *t,
                      uint32_t pos, uint32_t mentions, bool forget)
{
    uint32_t key[MODEL_KEY] = {t->nodes[pos], mentions, forget, 2};
    struct model_triple *at = place_of(memo, memo->forms, key);

    if (memcmp(at->key, key, sizeof(key)) != 0) {
        load(memo, t, 1U << pos);
        model_rename_node(&memo->m.state, pos, mentions);
        if (forget) {
            model_forget_vote(&memo->m.state, pos);
        }
        memcpy(at->key, key, sizeof(key));
        at->value =
            model_store_node(memo->store, &memo->m.state, pos, &memo->scratch);
    }
    t->nodes[pos] = at->value;
}

static void form_message(struct model_memo *memo, uint32_t *message,
                         uint32_t mentions)
{
    uint32_t key[MODEL_KEY] = {*message, mentions, 0, 3};
    struct model_triple *at = place_of(memo, memo->forms, key);

    if (memcmp(at->key, key, sizeof(key)) != 0) {
        struct raft_message msg;
        model_decode_message(
            model_part_at(&memo->store->messages, *message)->bytes, &msg);
        model_rename_message(&msg, mentions);
        memcpy(at->key, key, sizeof(key));
        at->value = model_store_message(memo->store, &msg);
    }
    *message = at->value;
}

/* As in model_form.c, by the summaries. */
static bool vote_is_asked_for(const struct model_store *store,
                              const struct model_tuple *t, uint32_t pos)
{
    uint32_t term = model_part_at(&store->nodes, t->nodes[pos])->term;

    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        const struct model_part *node =
            model_part_at(&store->nodes, t->nodes[i]);
        if (node->term < term || node->writes ||
            (node->term == term && node->contests)) {
            return true;
        }
    }
    for (uint32_t i = 0; i < t->wire_count; i++) {
        const struct model_part *msg =
            model_part_at(&store->messages, t->wire[i]);
        if (msg->is_vote && !msg->is_pre_vote && msg->to == pos &&
            msg->term == term) {
            return true;
        }
    }
    return false;
}

void model_memo_form(struct model_memo *memo, struct model_tuple *t)
{
    const struct model_store *store = memo->store;
    raft_term terms[MODEL_NODES];
    uint32_t open = 0;
    uint32_t holding = 0;
    uint32_t present = 0;
    uint32_t mentions = 0;
    uint32_t forget = 0;

    if (store->config->plain || model_may_lose(store->config, &t->used)) {
        return;
    }
    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        const struct model_part *part =
            model_part_at(&store->nodes, t->nodes[i]);
        terms[i] = part->term;
        holding |= (uint32_t)part->holds_term << i;
        present |= part->present;
        mentions |= part->mentions;
        if (part->spare_vote && !vote_is_asked_for(store, t, i)) {
            forget |= 1U << i;
        }
    }
    for (uint32_t i = 0; i < t->wire_count; i++) {
        const struct model_part *part =
            model_part_at(&store->messages, t->wire[i]);
        present |= part->present;
        mentions |= part->mentions;
        open |= 1U << part->term;
    }
    open |= model_open_terms(store->config, terms, holding);
    form_ghost(memo, t, open & ~1U, present);
    bool dense = model_mentions_dense(mentions);
    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        if (!dense || (forget >> i & 1) != 0) {
            form_node(memo, t, i, mentions, (forget >> i & 1) != 0);
        }
    }
    for (uint32_t i = 0; i < t->wire_count && !dense; i++) {
        form_message(memo, &t->wire[i], mentions);
    }
}
