/*
 * How it works: nodes are asked for their status, and stores are walked.
 * How it fails: what does not come about within thousands of turns never will.
 */
#include "world/cluster.h"

#define TURNS_MAX       5000
#define TURNS_EQUAL_MAX 20000

int cluster_leader(struct cluster *c)
{
    struct node_status s;
    int leader = -1;
    raft_term term = 0;
    for (uint32_t i = 0; i < c->count; i++) {
        if (c->nodes[i].node == NULL)
            continue;
        node_status(c->nodes[i].node, &s);
        if (s.role == RAFT_LEADER && s.term > term) {
            leader = (int)i;
            term = s.term;
        }
    }
    return leader;
}

int cluster_elect(struct cluster *c)
{
    for (int i = 0; i < TURNS_MAX; i++) {
        int leader = cluster_leader(c);
        struct node_status s;
        if (leader >= 0) {
            node_status(c->nodes[leader].node, &s);
            if (s.applied == s.last && s.applied > 0)
                return leader;
        }
        cluster_turn(c);
    }
    return -1;
}

raft_index cluster_applied(struct cluster *c, uint32_t id)
{
    struct node_status s;
    node_status(c->nodes[id].node, &s);
    return s.applied;
}

void cluster_wait_applied(struct cluster *c, uint32_t id, raft_index index)
{
    for (int i = 0; i < TURNS_MAX && cluster_applied(c, id) < index; i++)
        cluster_turn(c);
    ASSERT(cluster_applied(c, id) >= index);
}

/* All have applied their logs, and as much as the first. */
static bool has_converged(struct cluster *c)
{
    for (uint32_t i = 0; i < c->count; i++) {
        struct node_status s;
        node_status(c->nodes[i].node, &s);
        if (s.applied != s.last || s.applied != cluster_applied(c, 0))
            return false;
    }
    return cluster_leader(c) >= 0;
}

void cluster_wait_equal(struct cluster *c)
{
    for (int i = 0; i < TURNS_EQUAL_MAX && !has_converged(c); i++)
        cluster_turn(c);
    ASSERT(has_converged(c));
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

bool cluster_is_equal(struct cluster *c)
{
    for (uint32_t i = 1; i < c->count; i++)
        if (!states_equal(c->nodes[0].store, c->nodes[i].store))
            return false;
    return true;
}
