/*
 * A state goes on by itself, entry by entry, as the members have executed them:
 * for restoring what was archived. It is the state and the log of a store in
 * which nothing else is done. It takes part in nothing, answers nobody, and
 * compares nothing.
 */
#ifndef NODE_NODE_REPLAY_H
#define NODE_NODE_REPLAY_H

#include "base/base.h"
#include "base/buf.h"
#include "codec/entry.h"
#include "store/store.h"

struct replay;

/* The store stays the caller's, and outlives it. Its log ends where its state
 * does. Otherwise, and if the level of the state is not known, an error with a
 * text. */
MUST_USE int replay_new(struct replay **out, struct store *s,
                        uint64_t cluster_id, struct buf *error);
/* NULL: nothing to do. What was executed is in the store, as unlogged writes
 * are: flush it. */
void replay_free(struct replay *r);

/* Takes the entry that follows, and executes it. ERR_AGAIN: it is taken,
 * and the disk has to come after: call replay_go() until it says 0, with a
 * pause. Else final, with a text: it is no entry that a member executes. */
MUST_USE int replay_entry(struct replay *r, const struct entry *e,
                          struct buf *error);
MUST_USE int replay_go(struct replay *r, struct buf *error);
/* The level in force now. */
uint16_t replay_level(const struct replay *r);

#endif
