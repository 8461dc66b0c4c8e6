/*
 * Walks over the keys of a database, in the order of their rows (key.h): by
 * slot, then by hash. Outside an entry, or by a read inside of one, which sees
 * what the entry has changed.
 *
 * A position is a number below 2^52: the slot, and the upper bits of the hash.
 * Keys with the same position are next to each other, and few. Positions depend
 * on the keys alone, so they mean the same on all replicas, at any time.
 *
 * This is the only way to look at keys whose names are not known. A store
 * passes rows that were deleted lately one by one.
 */
#ifndef DATA_WALK_H
#define DATA_WALK_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "data/keyspace.h"

#define WALK_POSITIONS (UINT64_C(1) << 52)

struct key_walk {
    struct keyspace *ks;
    struct store_iter *it; /* NULL: the store has no such rows */
    bool leaves_store;     /* it is at the row that was told last */
    struct buf prefix;     /* of the rows' keys */
    struct bytes *changed; /* by the entry: keys of rows, in their order */
    uint32_t changed_count;
    uint32_t changed_at;
};

/* What a walk has come to; borrowed until it goes on. */
struct walked {
    struct bytes key;
    uint64_t position;
    uint8_t type;
    bool live; /* it has not expired */
};

/* Begins at the first key that is not before this position. Nothing may be
 * written until the walk ends. */
void key_walk_begin(struct key_walk *w, struct keyspace *ks, uint8_t db,
                    uint64_t position);
/* False: there is no key any more, or an error, which the keyspace keeps. */
MUST_USE bool key_walk_next(struct key_walk *w, struct walked *out);
void key_walk_end(struct key_walk *w);

#endif
