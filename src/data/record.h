/*
 * The record of a collection: what follows the header in the row of its key,
 * big-endian.
 *
 *   VALUE_APART only: id(8)  next(5)  used(5)  free(1)  numbers(5)*
 *                     see struct btree_space
 *   own_len(1)  own bytes: what its type keeps besides the trees
 *   of each tree of the type: root_len(4)  root, a page; 0 if it is empty
 */
#ifndef DATA_RECORD_H
#define DATA_RECORD_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "data/btree.h"
#include "data/keyspace.h"

#define RECORD_TREES_MAX 5
#define RECORD_OWN_MAX   64

struct record {
    uint64_t id; /* 0: there is nothing but the record */
    uint64_t next;
    uint64_t used;
    uint32_t free_count;
    uint64_t free[BTREE_FREE_MAX];
    struct bytes own;
    struct bytes roots[RECORD_TREES_MAX]; /* none: an empty tree */
};

/* Of a collection that value_decode() has accepted; borrows from it.
 * ERR_CORRUPT if it cannot be ours. */
MUST_USE int record_decode(const struct value *v, struct record *out);
/* When the first element of a collection is due, by its own bytes: of one that
 * is VALUE_FIELD_TTL. 0: that cannot be. */
int64_t record_due_ms(struct bytes own);
/* Appends it. */
void record_encode(struct buf *out, uint8_t type, const struct record *r);

#endif
