/* The outlines of the three nodes are mixed and added: no names, no order. */
#include "model_outline.h"

#include "base/alloc.h"
#include "base/hash.h"

uint64_t model_outline_of_node(const struct model_state *s, uint32_t pos)
{
    const struct raft *r = &s->cores[pos];
    const struct check_node *n = &s->check.nodes[pos];
    bool asks = r->role == RAFT_PRE_CANDIDATE;
    uint64_t words[6 + 2 * CHECK_LOG_MAX] = {
        asks ? RAFT_FOLLOWER : r->role, r->term, r->commit,
        r->leader != NODE_NONE,         r->last, n->disk.last,
    };

    for (raft_index i = 1; i <= r->last; i++) {
        words[5 + i] = n->live.at[i].term;
    }
    for (raft_index i = 1; i <= n->disk.last; i++) {
        words[5 + CHECK_LOG_MAX + i] = n->disk.at[i].term;
    }
    return hash64((struct bytes){(const uint8_t *)words, sizeof(words)});
}

void model_outlines_init(struct model_outlines *o)
{
    o->slot_count = 1024;
    o->slots = mem_zalloc(o->slot_count * sizeof(o->slots[0]));
    o->count = 0;
    o->sum = 0;
}

void model_outlines_release(struct model_outlines *o)
{
    mem_free(o->slots);
}

static bool add(struct model_outlines *o, uint64_t hash)
{
    uint64_t at = hash & (o->slot_count - 1);

    while (o->slots[at] != 0) {
        if (o->slots[at] == hash) {
            return false;
        }
        at = (at + 1) & (o->slot_count - 1);
    }
    o->slots[at] = hash;
    return true;
}

static void grow(struct model_outlines *o)
{
    uint64_t *old = o->slots;
    uint64_t count = o->slot_count;

    o->slot_count *= 2;
    o->slots = mem_zalloc(o->slot_count * sizeof(o->slots[0]));
    for (uint64_t i = 0; i < count; i++) {
        if (old[i] != 0) {
            (void)add(o, old[i]);
        }
    }
    mem_free(old);
}

void model_outlines_add(struct model_outlines *o, const struct model_store *s,
                        const struct model_tuple *t)
{
    uint64_t hash = 0;

    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        uint64_t h = model_part_at(&s->nodes, t->nodes[i])->outline;
        hash += (h ^ h >> 31) * UINT64_C(0x9e3779b97f4a7c15);
    }
    hash += hash == 0;
    if (add(o, hash)) {
        o->sum += hash;
        o->count++;
        if (o->count > o->slot_count / 2) {
            grow(o);
        }
    }
}
