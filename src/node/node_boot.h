/*
 * What a node does before it may speak: proves that store and watermark
 * belong to it and are whole, and raises its incarnation durably.
 */
#ifndef NODE_NODE_BOOT_H
#define NODE_NODE_BOOT_H

#include "base/base.h"
#include "base/buf.h"
#include "codec/directory.h"
#include "journal/watermark.h"
#include "store/store.h"

struct node_boot {
    node_id self;
    uint64_t cluster_id;           /* for a new store, or to compare if */
    bool cluster_id_is_given;      /* the configuration names one */
    struct directory_id directory; /* drawn, for a directory without one */
    uint64_t nonce;                /* drawn, of this start */
    /* The store may have lost what was promised: the node will start
     * recovering (raft_recover.c), with an incarnation above this one. */
    bool recovering;
    uint64_t incarnation_above;
    struct store *store;
    struct watermark_file *mark_file; /* NULL: none is written */
    const struct watermark *mark;     /* what it says now; NULL: nothing */
};

/* The record in STORE_META of a node that is recovering. */
#define NODE_RECOVERING_KEY BYTES_LIT("recovering")

/* Checks the identity (or writes it on a new store), raises the incarnation,
 * syncs. `identity` is what holds from now on. A store of another node or
 * cluster is ERR_MISMATCH; damage ERR_CORRUPT; each with a text that says
 * what to do. */
MUST_USE int node_boot(const struct node_boot *boot, struct identity *identity,
                       struct buf *error);

/* The cluster id that follows from the configuration: of the members' ids in
 * their order, and of the name if there is one, else of their addresses. Nodes
 * that have different lists of members must not talk: each would count a
 * majority of its own list. */
uint64_t node_cluster_id(const char *name, const node_id *ids,
                         const char *const *addresses, size_t count);

#endif
