/*
 * The members compare their states: what struct node keeps of it, and what
 * node.c and node_apply.c call.
 */
#ifndef NODE_NODE_COMPARE_INTERNAL_H
#define NODE_NODE_COMPARE_INTERNAL_H

#include "base/base.h"
#include "cmd/cmd.h"
#include "data/comparison.h"
#include "raft/raft.h"
#include "snapshot/digest.h"

struct node;

struct comparing {
    uint64_t began; /* incarnation of the first start of this database */
    struct comparison known;   /* the newest one that was applied */
    uint64_t mark_seq;         /* the last mark that this node submitted; 0 */
    uint64_t report_seq;       /* the same of a report, */
    raft_index reported;       /* which was for this comparison */
    bool mark_due;             /* the entry being applied is a mark */
    bool changed;              /* it is about a comparison */
    bool judge_due;            /* `known` has changed */
    raft_index index;          /* whose state is being read here; 0: none */
    struct store_view *view;   /* NULL: not flushed yet */
    struct digest *digest;     /* with the view */
    raft_index replaced;       /* the state, after this comparison; 0 */
    raft_index told_equal;     /* what was logged, of which comparison */
    raft_index told_different; /* the same */
    int64_t due_at_ms;         /* as leader: not one by itself before */
};

/* node_base.c: ends the node. What it has is not what the log has made: its
 * files are no use. */
void node_fail_damaged(struct node *n, const char *what, const char *detail);

void node_compare_release(struct node *n);
/* At the start: what was applied before. On failure a text in `error`. */
MUST_USE int node_compare_open(struct node *n, struct buf *error);
/* Another state is in the place of the one that there was. */
void node_compare_restored(struct node *n);
/* While an entry is applied: it has this command, which a node has sent. */
void node_compare_saw(struct node *n, const struct cmd *cmd);
/* The entry is applied. */
void node_compare_applied(struct node *n);
/* Housekeeping: goes on with all of it. A node whose state is not that of the
 * majority ends. */
void node_compare(struct node *n);

#endif
