/*
 * The members of packed sets as a list of keys, in order. They are member.h's,
 * so that they can be merged with those of trees; or, if all of them are
 * integers, such that are in the order of the integers. What several sets have
 * is there several times.
 */
#ifndef TYPE_SET_KEYS_H
#define TYPE_SET_KEYS_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "data/object.h"

struct set_keys {
    struct buf bytes;
    struct bytes *keys; /* parts of `bytes` */
    uint32_t count;
    size_t prefix; /* of each key, in front of the member */
};

/* All sets are packed integers. */
MUST_USE bool set_keys_integers(struct object *const *sets, uint32_t count);
/* Of those of the sets that are packed; in the order of the integers only if
 * all of them are. */
void set_keys_init(struct set_keys *k, struct object *const *sets,
                   uint32_t count, bool integers);
void set_keys_release(struct set_keys *k);
MUST_USE bool set_keys_has(const struct set_keys *k, struct bytes key);

#endif
