/*
 * Intersection, union and difference of sets. What is in the result is told
 * member by member, each once, until the visitor says false; it must not touch
 * the sets or the keyspace. The order is that of the first set, or of the
 * smallest one of an intersection, if that is packed; that of the integers if
 * all sets of a union are packed integers; otherwise that of the hashes.
 *
 * The sets are different objects, which are only read. The time is that of the
 * smallest set of an intersection, with a logarithm for each set that is much
 * larger; of the sum of all otherwise.
 */
#ifndef TYPE_SET_ALGEBRA_H
#define TYPE_SET_ALGEBRA_H

#include "base/base.h"
#include "base/bytes.h"
#include "data/object.h"

typedef bool set_visit_fn(void *user, struct bytes member);

/* There is at least one. */
void set_intersect(struct object *const *sets, uint32_t count,
                   set_visit_fn *visit, void *user);
void set_unite(struct object *const *sets, uint32_t count, set_visit_fn *visit,
               void *user);
/* The first one without the members of the others. */
void set_subtract(struct object *const *sets, uint32_t count,
                  set_visit_fn *visit, void *user);

#endif
