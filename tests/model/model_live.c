/*
 * "Every state can still reach one where all is done", on the whole graph.
 *
 * A goal: one term, one leader, all logs equal, durable and committed. The
 * bounds make dead ends of their own: after the last term nobody can be
 * elected. So only those states must reach a goal from which the bounds leave
 * a way: a leader of the highest term exists, or a term is left.
 *
 * How it works: the edges were written down in the order of the search; going
 * through them backwards, again until nothing changes, spreads the mark from
 * the goals to all that lead there.
 */
#include "base/alloc.h"
#include "model_table.h"

void model_live_init(struct model_live *live, uint64_t bytes)
{
    live->max = bytes / sizeof(uint32_t);
    live->used = 0;
    live->overflow = false;
    live->edges = mem_alloc(live->max * sizeof(uint32_t));
}

void model_live_release(struct model_live *live)
{
    mem_free(live->edges);
}

static void put(struct model_live *live, uint32_t v)
{
    if (live->used == live->max) {
        live->overflow = true;
        return;
    }
    live->edges[live->used++] = v;
}

/* The record ends with its length, as it is read backwards. */
void model_live_begin(struct model_live *live, uint32_t slot)
{
    put(live, slot);
}

void model_live_edge(struct model_live *live, uint32_t to)
{
    put(live, to);
}

void model_live_end(struct model_live *live, uint32_t edges)
{
    put(live, edges);
}

uint8_t model_live_mark(const struct model_config *config,
                        const struct model_state *s)
{
    const struct raft *leader = NULL;
    raft_term term = 0;
    uint8_t mark = 0;

    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        term = MAX(term, s->cores[i].term);
    }
    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        const struct raft *r = &s->cores[i];
        leader = r->role == RAFT_LEADER && r->term == term ? r : leader;
    }
    if (leader != NULL || term < config->terms) {
        mark |= MODEL_MARK_MUST;
    }
    if (leader == NULL) {
        return mark;
    }
    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        const struct raft *r = &s->cores[i];
        if (r->term != term || r->last != leader->last ||
            r->durable != r->last || r->commit != r->last) {
            return mark;
        }
    }
    return mark | MODEL_MARK_GOOD;
}

/* One pass backwards; true if a mark was added. */
static bool spread(struct model_live *live, struct model_table *t)
{
    bool changed = false;
    uint64_t at = live->used;

    while (at > 0) {
        uint32_t count = live->edges[at - 1];
        const uint32_t *to = &live->edges[at - 1 - count];
        uint8_t *mark = &t->marks[to[-1]];
        for (uint32_t i = 0; i < count && (*mark & MODEL_MARK_GOOD) == 0; i++) {
            if ((t->marks[to[i]] & MODEL_MARK_GOOD) != 0) {
                *mark |= MODEL_MARK_GOOD;
                changed = true;
            }
        }
        at -= count + 2;
    }
    return changed;
}

uint32_t model_live_check(struct model_live *live, struct model_table *t)
{
    ASSERT(!live->overflow && t->marks != NULL);
    while (spread(live, t)) {
    }
    for (uint64_t i = 0; i < t->slot_count; i++) {
        if (t->prints[i] != 0 &&
            (t->marks[i] & (MODEL_MARK_MUST | MODEL_MARK_GOOD)) ==
                MODEL_MARK_MUST) {
            return (uint32_t)i;
        }
    }
    return UINT32_MAX;
}
