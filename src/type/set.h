/*
 * Sets: members without values, in the forms of packed.h. A set of integers
 * (VALUE_INTS) has them in their order while it is packed; it becomes an
 * ordinary one (VALUE_LARGE), for good, with the first member that is none, or
 * when there are more than SET_INTS_MAX: what Redis tells of its encoding.
 *
 * What is returned is borrowed until the next call on the object or the
 * keyspace. Errors of the store are kept by the keyspace: then nothing is
 * found.
 */
#ifndef TYPE_SET_H
#define TYPE_SET_H

#include "base/base.h"
#include "base/bytes.h"
#include "data/object.h"
#include "data/value.h"

#define SET_INTS_MAX 512

MUST_USE bool set_has(struct object *o, struct bytes member);
/* True if it was added. */
bool set_add(struct object *o, struct bytes member);
/* True if it was there. After the last removal, and before the object is saved,
 * set_settle(). */
bool set_remove(struct object *o, struct bytes member);
/* Removes the one that has so many before it; there is one. */
void set_remove_nth(struct object *o, uint64_t nth);
void set_settle(struct object *o);
/* The one that has so many before it, which there is; false: an error of the
 * store. */
MUST_USE bool set_nth(struct object *o, uint64_t nth, struct bytes *member);

/* All members are integers, and not too many, since it was made. */
static inline bool set_is_ints(const struct object *o)
{
    return (o->flags & VALUE_INTS) != 0;
}

#endif
