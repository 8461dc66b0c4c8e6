/*
 * The steps by which another state takes the place of the present one on the
 * disk, in their order. What drives a node takes them (node_restore.c), and so
 * does who shows that power may fail between any two (tests/disk).
 */
#ifndef NODE_NODE_SWITCH_H
#define NODE_NODE_SWITCH_H

#include "journal/disk.h"
#include "journal/journal.h"
#include "raft/raft.h"
#include "store/store.h"

struct node_switch {
    struct store *store;
    struct journal *log;
    struct disk *disk;
    struct store_batch *batch; /* with what else is to change in that step */
    const struct watermark *promised; /* the last one that is durable */
    uint64_t state;                   /* of store_fill_end() */
    raft_index index;                 /* of its last entry */
    raft_term index_term;
    uint64_t chain;
    bool keeps_log; /* which has that entry; or it begins anew behind it */
    raft_term term; /* the hard state from now on */
    node_id vote;
};

/* Done, but not durable before the next sync; the batch may be reset. On
 * failure *what is what was tried: of the watermark, the disk has a text. */
MUST_USE int node_switch(const struct node_switch *s, const char **what);

#endif
