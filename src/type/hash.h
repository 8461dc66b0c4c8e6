/*
 * Hashes: fields with values, over an object of the type VALUE_HASH. Its first
 * tree has the fields as members (packed.h), each with a cell (cell.h).
 *
 * A hash borrows an opened object, which its owner saves and closes. What is
 * returned is borrowed until the next call on the hash or the keyspace.
 */
#ifndef TYPE_HASH_H
#define TYPE_HASH_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "data/object.h"
#include "type/cell.h"
#include "type/packed.h"

/* A longer value is in rows of its own. */
#define HASH_INLINE_MAX 512

/* A hash with more fields, or with a longer field or value, is one that Redis
 * would call a hashtable, from then on. */
#define HASH_SMALL_FIELDS 512
#define HASH_SMALL_BYTES  64

struct hash {
    struct object *o;
    struct buf stored; /* a cell on its way in */
};

void hash_init(struct hash *h, struct object *o);
void hash_release(struct hash *h);

static inline uint64_t hash_count(const struct hash *h)
{
    return object_count(h->o);
}

/* False: there is no such field. */
MUST_USE bool hash_get(struct hash *h, struct bytes field, struct cell *value);
/* True if the field is new. */
bool hash_set(struct hash *h, struct bytes field, struct bytes value);
/* True if it was there. */
bool hash_delete(struct hash *h, struct bytes field);
/* The field that has so many before it, in the order of the walks. False: there
 * is none, or an error. */
MUST_USE bool hash_nth(struct hash *h, uint64_t nth, struct bytes *field,
                       struct cell *value);

/* All fields in their order: that of insertion while there is little of them.
 * The hash must not be changed meanwhile. */
struct hash_walk {
    struct packed_walk walk;
};

void hash_walk_init(struct hash_walk *w, struct hash *h);
void hash_walk_release(struct hash_walk *w);
MUST_USE bool hash_walk_next(struct hash_walk *w, struct bytes *field,
                             struct cell *value);

#endif
