/*
 * How it works: nodes are asked for their status, and stores are walked.
 * How it fails: what does not come about within thousands of turns never will.
 */
#include "world/world.h"

#define TURNS_MAX       5000
#define TURNS_EQUAL_MAX 20000

int64_t world_measured(const struct world *w, uint32_t i, enum metric_id id)
{
    struct metrics m = METRICS_INIT;
    ASSERT(i < w->count && w->nodes[i].node != NULL);
    node_measure(w->nodes[i].node, &m);
    int64_t value = metrics_number(&m, id);
    metrics_release(&m);
    return value;
}

int world_leader(struct world *w)
{
    struct node_status s;
    int leader = -1;
    raft_term term = 0;
    for (uint32_t i = 0; i < w->count; i++) {
        if (w->nodes[i].node == NULL)
            continue;
        node_status(w->nodes[i].node, &s);
        if (s.role == RAFT_LEADER && s.term > term) {
            leader = (int)i;
            term = s.term;
        }
    }
    return leader;
}

int world_elect(struct world *w)
{
    for (int i = 0; i < TURNS_MAX; i++) {
        int leader = world_leader(w);
        struct node_status s;
        if (leader >= 0) {
            node_status(w->nodes[leader].node, &s);
            if (s.applied == s.last && s.applied > 0)
                return leader;
        }
        world_turn(w);
    }
    return -1;
}

raft_index world_applied(struct world *w, uint32_t id)
{
    struct node_status s;
    node_status(w->nodes[id].node, &s);
    return s.applied;
}

void world_wait_applied(struct world *w, uint32_t id, raft_index index)
{
    for (int i = 0; i < TURNS_MAX && world_applied(w, id) < index; i++)
        world_turn(w);
    ASSERT(world_applied(w, id) >= index);
}

/* All have applied their logs, and as much as the first. */
static bool has_converged(struct world *w)
{
    for (uint32_t i = 0; i < w->count; i++) {
        struct node_status s;
        node_status(w->nodes[i].node, &s);
        if (s.applied != s.last || s.applied != world_applied(w, 0))
            return false;
    }
    return world_leader(w) >= 0;
}

void world_wait_equal(struct world *w)
{
    for (int i = 0; i < TURNS_EQUAL_MAX && !has_converged(w); i++)
        world_turn(w);
    ASSERT(has_converged(w));
}

static bool rows_equal(struct store_iter *a, struct store_iter *b)
{
    while (store_iter_valid(a) && store_iter_valid(b)) {
        if (!bytes_eq(store_iter_key(a), store_iter_key(b)) ||
            !bytes_eq(store_iter_value(a), store_iter_value(b)))
            return false;
        store_iter_next(a);
        store_iter_next(b);
    }
    return !store_iter_valid(a) && !store_iter_valid(b);
}

static bool states_equal(struct store *x, struct store *y)
{
    struct store_iter *a = store_iter_new(x, STORE_STATE);
    struct store_iter *b = store_iter_new(y, STORE_STATE);
    store_iter_seek(a, BYTES_NONE);
    store_iter_seek(b, BYTES_NONE);
    bool equal = rows_equal(a, b);
    store_iter_free(a);
    store_iter_free(b);
    return equal;
}

bool world_is_equal(struct world *w)
{
    for (uint32_t i = 1; i < w->count; i++)
        if (!states_equal(w->nodes[0].store, w->nodes[i].store))
            return false;
    return true;
}
