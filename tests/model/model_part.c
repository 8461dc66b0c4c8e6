/*
 * Interning. A part is looked up by its bytes, under a lock: that happens only
 * when a step is done that nobody remembers (model_memo.c). A new part is
 * decoded, and must be the same in every byte of the structs: a field added to
 * the core that model_code.c does not know fails at once.
 */
#include "model_part.h"

#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "model_outline.h"

enum part_kind { PART_NODE, PART_GHOST, PART_MESSAGE };

static void parts_init(struct model_parts *p)
{
    memset(p, 0, sizeof(*p));
    pthread_mutex_init(&p->lock, NULL);
    p->slot_count = 1024;
    p->slots = mem_zalloc(p->slot_count * sizeof(p->slots[0]));
    p->count = 1;
    p->chunks[0] = mem_zalloc(MODEL_PART_CHUNK * sizeof(struct model_part));
}

static void parts_release(struct model_parts *p)
{
    for (uint32_t id = 1; id < p->count; id++) {
        mem_free((void *)(uintptr_t)model_part_at(p, id)->bytes);
    }
    for (uint32_t i = 0; i < MODEL_PART_CHUNKS; i++) {
        mem_free(p->chunks[i]);
    }
    mem_free(p->slots);
    pthread_mutex_destroy(&p->lock);
}

void model_store_init(struct model_store *s, const struct model_config *config)
{
    s->config = config;
    model_budget_init(&s->budget, config);
    parts_init(&s->nodes);
    parts_init(&s->ghosts);
    parts_init(&s->messages);
}

void model_store_release(struct model_store *s)
{
    parts_release(&s->nodes);
    parts_release(&s->ghosts);
    parts_release(&s->messages);
}

static uint64_t parts_bytes(const struct model_parts *p)
{
    return p->bytes + p->count * sizeof(struct model_part) +
           p->slot_count * sizeof(p->slots[0]);
}

uint64_t model_store_bytes(const struct model_store *s)
{
    return parts_bytes(&s->nodes) + parts_bytes(&s->ghosts) +
           parts_bytes(&s->messages);
}

/* Where these bytes are, or belong. */
static uint32_t *slot_of(struct model_parts *p, const uint8_t *bytes,
                         uint32_t size)
{
    uint64_t at = hash64((struct bytes){bytes, size});

    for (;; at++) {
        uint32_t *slot = &p->slots[at & (p->slot_count - 1)];
        if (*slot == 0) {
            return slot;
        }
        const struct model_part *part = model_part_at(p, *slot);
        if (part->size == size && memcmp(part->bytes, bytes, size) == 0) {
            return slot;
        }
    }
}

static void grow(struct model_parts *p)
{
    mem_free(p->slots);
    p->slot_count *= 2;
    p->slots = mem_zalloc(p->slot_count * sizeof(p->slots[0]));
    for (uint32_t id = 1; id < p->count; id++) {
        const struct model_part *part = model_part_at(p, id);
        *slot_of(p, part->bytes, part->size) = id;
    }
}

static uint32_t find(struct model_parts *p, const struct model_code *code)
{
    pthread_mutex_lock(&p->lock);
    uint32_t id = *slot_of(p, code->bytes, code->size);
    pthread_mutex_unlock(&p->lock);
    return id;
}

/* Takes part->bytes over; another thread may have been faster. */
static uint32_t insert(struct model_parts *p, const struct model_part *part)
{
    pthread_mutex_lock(&p->lock);
    if (p->count >= p->slot_count / 2) {
        grow(p);
    }
    uint32_t *slot = slot_of(p, part->bytes, part->size);
    uint32_t id = *slot;
    if (id != 0) {
        mem_free((void *)(uintptr_t)part->bytes);
    } else {
        id = p->count++;
        uint32_t chunk = id / MODEL_PART_CHUNK;
        ASSERT(chunk < MODEL_PART_CHUNKS);
        if (p->chunks[chunk] == NULL) {
            p->chunks[chunk] =
                mem_zalloc(MODEL_PART_CHUNK * sizeof(struct model_part));
        }
        p->chunks[chunk][id % MODEL_PART_CHUNK] = *part;
        *slot = id;
        p->bytes += part->size + part->events * sizeof(struct model_event);
    }
    pthread_mutex_unlock(&p->lock);
    return id;
}

static void keep_bytes(struct model_part *part, const struct model_code *code,
                       const struct model_event *events)
{
    size_t tail = part->events * sizeof(struct model_event);
    uint8_t *bytes = mem_alloc(code->size + tail);

    memcpy(bytes, code->bytes, code->size);
    if (events != NULL) {
        memcpy(bytes + code->size, events, tail);
    }
    part->bytes = bytes;
    part->size = (uint16_t)code->size;
}

/* Kinds and places differ in the seed, so that no sum mixes them up. */
static uint64_t hash_of(const struct model_code *code, enum part_kind kind)
{
    return hash64_seed((struct bytes){code->bytes, code->size},
                       0x76617264 + (uint64_t)kind);
}

static void same_bytes(const void *a, const void *b, size_t size,
                       const char *what)
{
    const uint8_t *x = a;
    const uint8_t *y = b;

    for (size_t i = 0; i < size; i++) {
        if (x[i] != y[i]) {
            fprintf(stderr, "model_code.c forgets byte %zu of %s\n", i, what);
            ASSERT(false);
        }
    }
}

uint32_t model_store_node(struct model_store *s,
                          const struct model_state *state, uint32_t pos,
                          struct model_state *scratch)
{
    const struct raft *core = &state->cores[pos];
    struct model_event events[MODEL_EVENTS_MAX];
    struct model_part part = {.leads = core->role == RAFT_LEADER,
                              .may_be_stale = model_may_be_stale(core)};
    struct model_code code;

    model_encode_node(state, pos, 0, &code);
    uint32_t id = find(&s->nodes, &code);
    if (id != 0) {
        return id;
    }
    part.cut = (uint8_t)(core->first - 1);
    part.term = (uint8_t)(core->term & 7);
    part.outline = model_outline_of_node(state, pos);
    part.mentions = model_mentions_in_node(state, pos);
    part.spare_vote = model_has_spare_vote(state, pos);
    part.holds_term = model_holds_term(s->config, state, pos);
    part.contests = model_contests(state, pos);
    part.writes = state->check.nodes[pos].write_count > 0;
    part.sender = model_dead_sender(state, pos);
    part.present = model_present_in_node(&state->check.nodes[pos]);
    part.events = (uint8_t)model_node_events(s->config, state, pos, events);
    keep_bytes(&part, &code, events);
    model_decode_node(code.bytes, scratch);
    same_bytes(&scratch->cores[pos], core, sizeof(*core), "a core");
    same_bytes(&scratch->check.nodes[pos], &state->check.nodes[pos],
               sizeof(state->check.nodes[pos]), "a disk");
    if (state->check.twin_of == pos + 1) {
        same_bytes(&scratch->twin, &state->twin, sizeof(state->twin), "a twin");
        same_bytes(&scratch->check.twin, &state->check.twin,
                   sizeof(state->check.twin), "the disk of a twin");
    }
    for (uint32_t o = 0; o < MODEL_ORDERS; o++) {
        model_encode_node(state, pos, o, &code);
        part.hash[o] = hash_of(&code, PART_NODE);
    }
    return insert(&s->nodes, &part);
}

uint32_t model_store_ghost(struct model_store *s,
                           const struct model_state *state,
                           struct model_state *scratch)
{
    const size_t begin = offsetof(struct check, logs);
    struct model_part part = {.commit = (uint8_t)state->check.commit,
                              .granted = (uint8_t)model_granted(&state->check)};
    struct model_code code;

    model_encode_ghost(state, 0, &code);
    uint32_t id = find(&s->ghosts, &code);
    if (id != 0) {
        return id;
    }
    keep_bytes(&part, &code, NULL);
    model_decode_ghost(s->config, code.bytes, scratch);
    same_bytes((const uint8_t *)&scratch->check + begin,
               (const uint8_t *)&state->check + begin,
               offsetof(struct check, violation) - begin, "the ghost");
    for (uint32_t o = 0; o < MODEL_ORDERS; o++) {
        model_encode_ghost(state, o, &code);
        part.hash[o] = hash_of(&code, PART_GHOST);
    }
    return insert(&s->ghosts, &part);
}

uint32_t model_store_message(struct model_store *s,
                             const struct raft_message *msg)
{
    struct model_part part = {.is_vote = msg->type == RAFT_MSG_VOTE ||
                                         msg->type == RAFT_MSG_PRE_VOTE,
                              .is_pre_vote = msg->type == RAFT_MSG_PRE_VOTE,
                              .from = msg->from & 3,
                              .to = msg->to & 3};
    struct model_code code;
    struct raft_message copy;

    model_encode_message(msg, 0, &code);
    uint32_t id = find(&s->messages, &code);
    if (id != 0) {
        return id;
    }
    part.present = model_present_in_message(msg);
    part.mentions = model_mentions_in_message(msg);
    part.term = msg->term & 7;
    keep_bytes(&part, &code, NULL);
    model_decode_message(code.bytes, &copy);
    same_bytes(&copy, msg, sizeof(*msg), "a message");
    for (uint32_t o = 0; o < MODEL_ORDERS; o++) {
        model_encode_message(msg, o, &code);
        part.hash[o] = hash_of(&code, PART_MESSAGE);
    }
    return insert(&s->messages, &part);
}

void model_tuple_from(struct model_store *s, const struct model_state *state,
                      struct model_state *scratch, struct model_tuple *t)
{
    memset(t, 0, sizeof(*t));
    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        t->nodes[i] = model_store_node(s, state, i, scratch);
    }
    t->ghost = model_store_ghost(s, state, scratch);
    t->used = state->used;
    t->wire_count = state->wire_count;
    for (uint32_t i = 0; i < t->wire_count; i++) {
        t->wire[i] = model_store_message(s, &state->wire[i]);
    }
}

void model_tuple_to(const struct model_store *s, const struct model_tuple *t,
                    struct model_state *state)
{
    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        model_decode_node(model_part_at(&s->nodes, t->nodes[i])->bytes, state);
    }
    model_decode_ghost(s->config, model_part_at(&s->ghosts, t->ghost)->bytes,
                       state);
    state->used = t->used;
    state->wire_count = t->wire_count;
    for (uint32_t i = 0; i < t->wire_count; i++) {
        model_decode_message(model_part_at(&s->messages, t->wire[i])->bytes,
                             &state->wire[i]);
    }
}

static uint64_t mix(uint64_t h)
{
    h ^= h >> 32;
    h *= UINT64_C(0xd6e8feb86659fd93);
    h ^= h >> 32;
    h *= UINT64_C(0xd6e8feb86659fd93);
    return h ^ h >> 32;
}

static void add_hashes(uint64_t *sum, const struct model_part *part)
{
    for (uint32_t o = 0; o < MODEL_ORDERS; o++) {
        sum[o] += part->hash[o];
    }
}

struct model_print model_tuple_print(const struct model_store *s,
                                     const struct model_tuple *t)
{
    uint64_t sum[MODEL_ORDERS] = {0};
    uint64_t used = mix(model_budget_rest(&s->budget, &t->used) +
                        UINT64_C(0x9e3779b97f4a7c15));
    struct model_print print = {0};

    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        add_hashes(sum, model_part_at(&s->nodes, t->nodes[i]));
    }
    add_hashes(sum, model_part_at(&s->ghosts, t->ghost));
    for (uint32_t i = 0; i < t->wire_count; i++) {
        add_hashes(sum, model_part_at(&s->messages, t->wire[i]));
    }
    for (uint32_t o = 0; o < MODEL_ORDERS; o++) {
        uint64_t h = mix(sum[o] + used);
        print.place += h;
        print.check += mix(h ^ UINT64_C(0xa0761d6478bd642f));
    }
    print.place = mix(print.place);
    print.check = print.check >> 16;
    print.check += print.check == 0;
    return print;
}
