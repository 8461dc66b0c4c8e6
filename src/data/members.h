/*
 * Who the members of the cluster are, as a row of the state: so the state of
 * any entry has the members as of that entry. What the bytes say is the
 * concern of who writes them.
 */
#ifndef DATA_MEMBERS_H
#define DATA_MEMBERS_H

#include "data/keyspace.h"

/* What the last entry said that says who they are, and its index; empty and 0:
 * none has. Borrowed until the next one is applied. */
struct bytes members_get(const struct keyspace *ks, uint64_t *index);
/* Inside an entry: it says so; at most META_MEMBERS_MAX bytes, not empty. */
void members_set(struct keyspace *ks, struct bytes record);

/* The same of what the members are to become, as operators have asked for. */
struct bytes members_desired(const struct keyspace *ks, uint64_t *index);
/* Inside an entry. False, and nothing is changed: the record that stands is not
 * that of entry `expected` (0: there is none), or this one is empty or too
 * long. */
MUST_USE bool members_desire(struct keyspace *ks, uint64_t expected,
                             struct bytes record);

#endif
