/*
 * I17: one canonical applied history.
 *
 * What an entry does to the state is a batch of puts and deletions. The first
 * node that applies an index says what it does; every other one, and the same
 * one after a restart, must do the same. The history is chained by index:
 * effects[i] stands for all batches up to i, so two nodes at one index that
 * passed this check have the same state by induction. Beside the chain stand,
 * per index, the hash of all rows and that of the sessions and first answers
 * alone: what a store really holds, after a crash for instance, is compared
 * with them (state_check_store).
 *
 * A fresh fold of the log (fold.h) says whether that one history is right;
 * this says that there is only one. Of data it knows the kinds of rows
 * (src/data/kinds.h) and the name of the applied position, nothing else.
 *
 * The first breach is kept: `violation` points to a constant text that begins
 * with the name of the invariant; the rest is then undefined.
 */
#ifndef CHECK_CHECK_STATE_H
#define CHECK_CHECK_STATE_H

#include "base/map.h"
#include "raft/raft.h"
#include "store/store.h"

/* Hashes of rows: sums, so the order of the rows does not count. */
struct state_hash {
    uint64_t rows;     /* all of the state */
    uint64_t sessions; /* sessions and first answers */
};

struct state_at {
    uint64_t effect;  /* of this entry alone */
    uint64_t effects; /* chained: of all entries up to this one */
    struct state_hash hash;
};

struct state_check {
    uint32_t count;
    raft_index applied[RAFT_NODES_MAX];
    struct map rows;     /* the state at head: by key, hash of key and value */
    raft_index head;     /* the largest index that was applied anywhere */
    struct state_at *at; /* by index; [0] is the empty state */
    size_t cap;
    const char *violation;
};

void state_check_init(struct state_check *c, uint32_t count);
void state_check_release(struct state_check *c);

/* Node `pos` applies the next index; the batch is all that this changes. */
void state_check_apply(struct state_check *c, uint32_t pos,
                       const struct store_batch *b);
/* Node `pos` (re)starts with a state that claims to be that of `index`. */
void state_check_start(struct state_check *c, uint32_t pos, raft_index index);
/* The state family that node `pos` has now. */
void state_check_store(struct state_check *c, uint32_t pos, struct store *s);

/* The hashes of a store's state family; for states that are no node's. */
struct state_hash state_hash_store(struct store *s);
/* The same as the history at an index? */
bool state_check_equal(const struct state_check *c, raft_index index,
                       struct state_hash h);

#endif
