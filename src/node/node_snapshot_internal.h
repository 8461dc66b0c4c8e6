/*
 * The state as a whole, handed out in chunks: what struct node keeps of it, and
 * what node.c calls.
 */
#ifndef NODE_NODE_SNAPSHOT_INTERNAL_H
#define NODE_NODE_SNAPSHOT_INTERNAL_H

#include "base/base.h"
#include "raft/raft.h"
#include "store/store_view.h"

struct ahead;
struct node;

/* The one that is handed out; id 0: none. */
struct snapshot {
    uint64_t id;
    uint64_t count;     /* of those so far */
    raft_index wanted;  /* the files must have this entry */
    int64_t flushed_ms; /* when a flush was asked for */
    int64_t used_ms;
    int64_t short_ms;        /* since when the disk is short; 0: it is not */
    uint64_t taken_id;       /* the last one that was closed for that; 0 */
    struct store_view *view; /* NULL: not opened yet */
    struct ahead *ahead;     /* with the view */
};

void node_snapshot_release(struct node *n);
/* Closes one that nobody uses. */
void node_snapshot_tidy(struct node *n);

#endif
