/*
 * What the files of sorted sets share.
 */
#ifndef TYPE_ZSET_INTERNAL_H
#define TYPE_ZSET_INTERNAL_H

#include "data/value.h"
#include "type/zset.h"

enum zset_tree { ZSET_BY_SCORE, ZSET_BY_MEMBER };

static inline bool zset_is_hashed(const struct zset *z)
{
    return (z->object->flags & VALUE_HASHED) != 0;
}

/* Keeps ERR_CORRUPT; false. */
bool zset_corrupt(struct zset *z);
/* A key of the tree by score, in z->key. */
struct bytes zset_key(struct zset *z, uint64_t order, struct bytes member);
/* Takes apart an element of that tree; false: it cannot be ours. */
MUST_USE bool zset_entry_of(struct zset *z, const struct element *e,
                            struct zset_entry *out);

#endif
