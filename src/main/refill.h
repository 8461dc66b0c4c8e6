/*
 * What a member does with data that cannot be proven whole: it starts with
 * less of it, and lets the others refill it (raft_recover.c). Nothing is
 * deleted except what was put aside the last time.
 */
#ifndef MAIN_REFILL_H
#define MAIN_REFILL_H

#include "base/base.h"
#include "base/buf.h"
#include "config/config.h"
#include "main/process.h"

enum data_trust {
    DATA_PROVEN,   /* database and watermark agree */
    DATA_UNPROVEN, /* a prefix of what there was: promises may be lost */
    DATA_LOST,     /* unusable: put aside, the node begins empty */
};

/* Whether a member may be refilled: the cluster has three members or more, and
 * the option damaged-data does not say "refuse". */
bool refill_allowed(const struct config *c);
/* DATA_LOST after refill_remember(), DATA_UNPROVEN after
 * refill_remember_copy(), else DATA_PROVEN. */
enum data_trust refill_trust(const struct process *p);
/* Puts aside what this degree of trust does not use. Until refill_done(), a
 * start that is cut off is followed by one of DATA_LOST. */
MUST_USE int refill_prepare(const struct process *p, enum data_trust trust,
                            struct buf *error);
/* To be called when the database has the record that its node is recovering, or
 * needs none. */
void refill_done(const struct process *p);
/* DATA_UNPROVEN: the database opens only without its write-ahead logs. What
 * is left is as of the last flush: an older prefix. */
MUST_USE int refill_without_wal(const struct process *p, struct buf *error);
/* A running node met damage in its database: the next start must know. */
void refill_remember(const struct process *p);
/* Or it has learned that its directory is a copy of one that others have used
 * since: its data is a prefix of what there was. */
void refill_remember_copy(const struct process *p);
/* The text for a node that met damage and may not be refilled. */
int refill_refused(const struct process *p, struct buf *error);

#endif
