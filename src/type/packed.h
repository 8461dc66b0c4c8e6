/*
 * The members of a hash or a set, in the first tree of its object, in one of
 * two forms. While there is little of them they are *packed*: one leaf of
 * elements in the order in which they were added (or in any other that the
 * type keeps), found by looking at all of them. Otherwise they are *hashed*
 * (VALUE_HASHED): in the order of their hashes (member.h), found in O(log n).
 *
 * An element's value is the type's own. The functions below take and give
 * members as the clients have them, whatever the form.
 *
 * What is returned is borrowed until the next call on the object or the
 * keyspace. Errors of the store are kept by the keyspace, as always: then
 * nothing is found.
 */
#ifndef TYPE_PACKED_H
#define TYPE_PACKED_H

#include "base/base.h"
#include "base/bytes.h"
#include "data/object.h"
#include "data/value.h"
#include "page/page.h"

static inline bool packed_is(const struct object *o)
{
    return (o->flags & VALUE_HASHED) == 0;
}

/* The member of an element of the first tree. */
struct bytes packed_member(const struct object *o, const struct element *e);

/* How many members are before this one, which is there, in their order. */
uint64_t packed_rank(struct object *o, struct bytes member);
MUST_USE bool packed_find(struct object *o, struct bytes member,
                          struct bytes *value);
/* Adds a member, behind all others while they are packed, or replaces its
 * value; true if it was added. */
bool packed_put(struct object *o, struct bytes member, struct bytes value);
/* True if it was there. */
bool packed_remove(struct object *o, struct bytes member);
/* Removes the element that has so many before it; there is one. */
void packed_remove_nth(struct object *o, uint64_t nth);

/* After removals, before the object is saved: packs what has become little
 * again. */
void packed_settle(struct object *o);

/* ---- while they are packed ---- */

/* The place of a member; without one, that after the
 * last. */
MUST_USE bool packed_place(struct object *o, struct bytes member,
                           struct page_place *place);
/* Adds a member at a place; after this they may be hashed. */
void packed_insert(struct object *o, struct page_place place,
                   struct bytes member, struct bytes value);

/* ---- all of them, in their order ---- */

struct packed_walk {
    struct object *o;
    struct btree_cursor cursor;
    bool begun;
};

/* The object must not be changed until the walk has been released. */
void packed_walk_init(struct packed_walk *w, struct object *o);
void packed_walk_release(struct packed_walk *w);
/* The next one, borrowed until the next call on the walk; false: there is none
 * any more. */
MUST_USE bool packed_walk_next(struct packed_walk *w, struct bytes *member,
                               struct bytes *value);

/* ---- some of them: the commands *SCAN ---- */

#define PACKED_CURSOR_MAX (((uint64_t)1 << 48) - 1)

struct packed_scan {
    struct packed_walk walk;
    uint64_t cursor; /* in: where to begin; at the end: where to go on, or 0 */
    uint64_t count;  /* how many more are to be looked at */
};

/* Goes over those whose hash is not less than `cursor`: all of them if they are
 * packed, or else about `count`; those with the same hash are given together.
 * So whoever follows the cursors to 0 sees once what was there all the time,
 * whatever else was added or removed, and whatever form they had. */
void packed_scan_init(struct packed_scan *s, struct object *o, uint64_t cursor,
                      uint64_t count);
void packed_scan_release(struct packed_scan *s);
MUST_USE bool packed_scan_next(struct packed_scan *s, struct bytes *member,
                               struct bytes *value);

#endif
