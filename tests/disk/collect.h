/*
 * Another state for the driver's life: a keyspace, whose collections change as
 * src/cmd changes them. Each entry is some commands, which follow from its hash
 * alone: elements by the dozen, so that trees divide and join, long ones in
 * rows of their own, deletions that leave tickets, other names, copies, fields
 * that expire, sweeps.
 *
 * In use if the environment says DISK_STATE=collections.
 */
#ifndef DISK_COLLECT_H
#define DISK_COLLECT_H

#include "data/keyspace.h"
#include "history.h"

bool collect_used(void);

/* The row that says what was applied. */
struct bytes collect_applied_key(void);
struct history_applied collect_applied(struct bytes row);

/* Executes a committed entry, and writes what it has changed. */
MUST_USE int collect_apply(struct keyspace *ks, const struct entry *e,
                           uint64_t chain);
/* The rows of a state that has executed the first `applied` entries and never
 * lost anything: appends them, in order. */
void collect_rows(const struct history *h, raft_index applied,
                  struct buf *rows);
/* Whether the store has these rows and no others; what differs goes to *why. */
bool collect_same(struct store *s, const struct history *h, raft_index applied,
                  struct buf *why);

#endif
