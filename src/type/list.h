/*
 * Lists: elements in the order in which they were put there, in a tree without
 * keys (the first of the object). An element is a cell (cell.h); those that are
 * blobs are counted in the object's own bytes, if there are any:
 *
 *   blobs(8, big-endian)
 *
 * Elements are numbered from 0, the left end. The functions change the object,
 * which its owner saves. What they are given must not be a part of it.
 */
#ifndef TYPE_LIST_H
#define TYPE_LIST_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "data/object.h"
#include "type/cell.h"

/* Longer elements are blobs. */
#ifndef LIST_INLINE_MAX
#define LIST_INLINE_MAX 1024
#endif

enum list_end { LIST_LEFT, LIST_RIGHT };

static inline uint64_t list_length(const struct object *o)
{
    return object_count(o);
}

void list_push(struct object *o, enum list_end end, struct bytes value);
/* The new element has `nth` others before it. */
void list_insert(struct object *o, uint64_t nth, struct bytes value);
/* Replaces an element that is there. */
void list_set(struct object *o, uint64_t nth, struct bytes value);
/* Removes elements from one up to before another. O(log n) and their pages;
 * O(elements) only if the list has long ones. */
void list_cut(struct object *o, uint64_t from, uint64_t to);
/* Moves an element from one end to an end; there is one. */
void list_rotate(struct object *o, enum list_end from, enum list_end to);
/* Removes up to `count` elements that equal a value, looked for from an end on;
 * returns how many. */
uint64_t list_remove_equal(struct object *o, enum list_end from, uint64_t count,
                           struct bytes value);

/* A walk from an element to the left or to the right. What it is at stays valid
 * while blobs are read; any change of the list ends it. */
struct list_walk {
    struct object *o;
    struct btree_cursor cursor;
    bool left; /* where it goes */
    bool begun;
    uint64_t nth; /* of the element that it is at */
    struct cell cell;
};

/* From the nth element on. */
void list_walk_init(struct list_walk *w, struct object *o, uint64_t nth,
                    bool left);
/* Goes to the first, then to the next one. False: there is none, or an error.
 */
MUST_USE bool list_walk_next(struct list_walk *w);
void list_walk_release(struct list_walk *w);

/* How many elements are blobs, by the list's own bytes. */
uint64_t list_blobs(const struct object *o);

#endif
