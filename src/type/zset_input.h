/*
 * What the commands that put sorted sets together take: a sorted set, or a set,
 * whose members then have the score 1.
 *
 * Errors of the store are kept by the keyspace, as always.
 */
#ifndef TYPE_ZSET_INPUT_H
#define TYPE_ZSET_INPUT_H

#include "base/base.h"
#include "base/bytes.h"
#include "type/packed.h"
#include "type/zset.h"

struct zset_input {
    struct object *set; /* NULL: it is a sorted set */
    struct zset zset;
};

/* Of a key; an empty one if there is none. False: it has another type, and
 * nothing is to be closed. */
MUST_USE bool zset_input_open(struct zset_input *in, struct keyspace *ks,
                              uint8_t db, struct bytes key);
void zset_input_close(struct zset_input *in);

static inline uint64_t zset_input_count(const struct zset_input *in)
{
    return in->set != NULL ? object_count(in->set) : zset_count(&in->zset);
}

MUST_USE bool zset_input_score(struct zset_input *in, struct bytes member,
                               double *score);

/* In the order of the input. */
struct zset_input_walk {
    struct zset_input *in;
    bool begun;
    struct zset_walk scored;
    struct packed_walk plain;
};

void zset_input_walk_init(struct zset_input_walk *w, struct zset_input *in);
void zset_input_walk_release(struct zset_input_walk *w);
/* The next one, borrowed until the next call on the walk; false: there is none
 * any more. */
MUST_USE bool zset_input_walk_next(struct zset_input_walk *w,
                                   struct zset_entry *out);

#endif
