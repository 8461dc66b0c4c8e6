/*
 * How it works: the first batch of an index is also done to a map of row
 * hashes, which yields the hashes of the whole state at that index without
 * looking at all of it. Iterating a store and adding up must give the same.
 *
 * The stores compared are those in memory: they keep what may be discarded, so
 * what an entry discards changes nothing.
 *
 * The order of operations within a batch may differ from node to node: a read
 * that went through the log is executed only where it is answered, and touches
 * its record there first. So effects are sums too.
 */
#include "check/check_state.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "base/rng.h"
#include "data/kinds.h"

#include <string.h>

static void breach(struct state_check *c, const char *text)
{
    if (!c->violation)
        c->violation = text;
}

static uint64_t row_hash(struct bytes key, struct bytes value)
{
    return hash64_seed(value, hash64(key));
}

static bool of_sessions(struct bytes key)
{
    return row_is(key, ROW_SESSION) || row_is(key, ROW_ONCE);
}

static void hash_add(struct state_hash *h, struct bytes key, uint64_t row)
{
    h->rows += row;
    if (of_sessions(key))
        h->sessions += row;
}

/* --- effects -------------------------------------------------------------- */

static uint64_t effect_of(const struct store_batch *b)
{
    struct store_batch_op op;
    uint64_t sum = 1;
    size_t pos = 0;

    while (store_batch_next(b, &pos, &op))
        sum += hash64_seed(op.value, hash64_seed(op.key, op.op));
    return sum == 0 ? 1 : sum;
}

/* Data and position are one batch: X1 of the state machine. */
static bool has_position(const struct store_batch *b)
{
    struct store_batch_op op;
    size_t pos = 0;

    while (store_batch_next(b, &pos, &op))
        if (op.op == STORE_OP_PUT && bytes_eq(op.key, BYTES_LIT("mapplied")))
            return true;
    return false;
}

/* A row's hash stands in the map in place of a pointer. */
static uint64_t row_set(struct map *rows, struct bytes key, uint64_t hash)
{
    return (uint64_t)(uintptr_t)map_put(rows, key, (void *)(uintptr_t)hash);
}

static void row_put(struct state_check *c, struct state_hash *h,
                    struct bytes key, struct bytes value)
{
    uint64_t hash = row_hash(key, value);

    _Static_assert(sizeof(void *) == sizeof(uint64_t), "a hash in a pointer");
    hash += hash == 0;
    hash_add(h, key, hash - row_set(&c->rows, key, hash));
}

static void row_delete(struct state_check *c, struct state_hash *h,
                       struct bytes key)
{
    hash_add(h, key,
             (uint64_t)0 - (uint64_t)(uintptr_t)map_remove(&c->rows, key));
}

static struct state_hash fold_batch(struct state_check *c, struct state_hash h,
                                    const struct store_batch *b)
{
    struct store_batch_op op;
    size_t pos = 0;

    while (store_batch_next(b, &pos, &op)) {
        if (op.op == STORE_OP_PUT)
            row_put(c, &h, op.key, op.value);
        else if (op.op == STORE_OP_DELETE)
            row_delete(c, &h, op.key);
        else
            ASSERT(op.op == STORE_OP_DISCARD);
    }
    return h;
}

static void first_time(struct state_check *c, raft_index i, uint64_t effect,
                       const struct store_batch *b)
{
    ASSERT(i == c->head + 1);
    if (i >= c->cap) {
        c->cap = MAX(c->cap * 2, i + 256);
        c->at = mem_realloc(c->at, c->cap * sizeof(c->at[0]));
    }
    uint64_t chain = c->at[i - 1].effects + effect;
    c->at[i] = (struct state_at){.effect = effect,
                                 .effects = rng_next(&chain),
                                 .hash = fold_batch(c, c->at[i - 1].hash, b)};
    c->head = i;
}

void state_check_apply(struct state_check *c, uint32_t pos,
                       const struct store_batch *b)
{
    ASSERT(pos < c->count);
    raft_index i = c->applied[pos] + 1;
    uint64_t effect = effect_of(b);

    if (!has_position(b))
        breach(c, "X1 durability: an entry is applied without its position");
    if (i > c->head)
        first_time(c, i, effect, b);
    if (c->at[i].effect != effect)
        breach(c, "I17 state: an entry changes the state in another way than "
                  "it did before");
    c->applied[pos] = i;
}

/* --- whole states --------------------------------------------------------- */

void state_check_start(struct state_check *c, uint32_t pos, raft_index index)
{
    ASSERT(pos < c->count);
    if (index > c->head)
        breach(c, "X2 recovery: starts with a state that nobody reached");
    c->applied[pos] = MIN(index, c->head);
}

struct state_hash state_hash_store(struct store *s)
{
    struct store_iter *it = store_iter_new(s, STORE_STATE);
    struct state_hash h = {0, 0};

    for (store_iter_seek(it, BYTES_NONE); store_iter_valid(it);
         store_iter_next(it)) {
        struct bytes key = store_iter_key(it);
        uint64_t hash = row_hash(key, store_iter_value(it));
        hash_add(&h, key, hash + (hash == 0));
    }
    store_iter_free(it);
    return h;
}

bool state_check_equal(const struct state_check *c, raft_index index,
                       struct state_hash h)
{
    return index <= c->head && c->at[index].hash.rows == h.rows &&
           c->at[index].hash.sessions == h.sessions;
}

void state_check_store(struct state_check *c, uint32_t pos, struct store *s)
{
    ASSERT(pos < c->count);
    struct state_hash h = state_hash_store(s);
    const struct state_at *at = &c->at[c->applied[pos]];

    if (h.sessions != at->hash.sessions)
        breach(c, "I17 sessions: a session table is not that of its index");
    if (h.rows != at->hash.rows)
        breach(c, "I17 state: a state is not that of its index");
}

void state_check_init(struct state_check *c, uint32_t count)
{
    ASSERT(count > 0 && count <= RAFT_NODES_MAX);
    memset(c, 0, sizeof(*c));
    c->count = count;
    c->cap = 256;
    c->at = mem_zalloc(c->cap * sizeof(c->at[0]));
    map_init(&c->rows, 1);
}

void state_check_release(struct state_check *c)
{
    map_release(&c->rows);
    mem_free(c->at);
    c->at = NULL;
}
