/*
 * Hashes: fields with values, over an object of the type VALUE_HASH. Its first
 * tree has the fields as members (packed.h), each with a cell (cell.h).
 *
 * A field may have an expiry, in its cell. Those that have are in the second
 * tree as well, in the order of time: key expire_ms(8) field, no value. One
 * whose time has come by that of the entry, or of the read (keyspace.h), is not
 * there any more, for every function here; a sweep removes it (hash_sweep).
 *
 * A hash borrows an opened object, which its owner settles, saves and closes.
 * What is returned is borrowed until the next call on the hash or the keyspace.
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
#ifndef HASH_INLINE_MAX
#define HASH_INLINE_MAX 512
#endif

/* A hash with more fields, or with a longer field or value, is one that Redis
 * would call a hashtable, from then on. */
#define HASH_SMALL_FIELDS 512
#define HASH_SMALL_BYTES  64

struct hash {
    struct object *o;
    struct buf stored; /* a cell on its way in */
    struct buf time;   /* the key of a field in the second tree */
    /* The numbers of fields that are not there any more, ascending: made when
     * they are needed, of a hash that is not changed then. */
    uint64_t *gone;
    uint64_t gone_count;
};

void hash_init(struct hash *h, struct object *o);
void hash_release(struct hash *h);
/* After changes, before the object is saved. */
void hash_settle(struct hash *h);

uint64_t hash_count(struct hash *h);

/* False: there is no such field. */
MUST_USE bool hash_get(struct hash *h, struct bytes field, struct cell *value);
/* The field gets a value and an expiry; true if it is new. */
bool hash_set_until(struct hash *h, struct bytes field, struct bytes value,
                    int64_t expire_ms);
static inline bool hash_set(struct hash *h, struct bytes field,
                            struct bytes value)
{
    return hash_set_until(h, field, value, 0);
}
/* The field, which is there, gets another expiry. */
void hash_set_expiry(struct hash *h, struct bytes field, int64_t expire_ms);
/* True if it was there. */
bool hash_delete(struct hash *h, struct bytes field);
/* The field that has so many before it, in the order of the walks. False: there
 * is none, or an error. */
MUST_USE bool hash_nth(struct hash *h, uint64_t nth, struct bytes *field,
                       struct cell *value);
/* The cell of an element. False: the field is not there any more, or an error.
 */
MUST_USE bool hash_decode(struct hash *h, struct bytes stored,
                          struct cell *value);

/* All fields in their order: that of insertion while there is little of them.
 * The hash must not be changed meanwhile. */
struct hash_walk {
    struct hash *hash;
    struct packed_walk walk;
};

void hash_walk_init(struct hash_walk *w, struct hash *h);
void hash_walk_release(struct hash_walk *w);
MUST_USE bool hash_walk_next(struct hash_walk *w, struct bytes *field,
                             struct cell *value);

/* In an entry: removes up to `limit` fields whose time has come; how many. */
uint32_t hash_sweep(struct hash *h, uint32_t limit);
/* The same of what is a hash by now (keyspace_sweep_due). */
uint32_t hash_sweep_key(struct keyspace *ks, uint8_t db, struct bytes key,
                        uint32_t limit);

#endif
