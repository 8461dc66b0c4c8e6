/*
 * What a node does before it may speak: proves that store and watermark
 * belong to it and are whole, and raises its incarnation durably.
 */
#ifndef NODE_NODE_BOOT_H
#define NODE_NODE_BOOT_H

#include "base/base.h"
#include "base/buf.h"
#include "codec/admit.h"
#include "codec/directory.h"
#include "journal/watermark.h"
#include "store/store.h"

struct node_boot {
    node_id self;
    /* What a blank directory becomes one of; 0: it stays blank, with no more
     * than its id. */
    uint64_t cluster_id;
    const struct founding *founding; /* kept with it; NULL: there is none */
    const char *label; /* of the configuration, to be compared; "": none */
    struct directory_id directory; /* drawn, for a directory without one */
    uint64_t nonce;                /* drawn, of this start */
    /* The store may have lost what was promised: from now on it is blank, as
     * another directory, and keeps what it has. */
    bool lost;
    /* The life that the blank directory begins, as a node that recovers
     * (raft_recover.c); NULL: none was granted. */
    const struct grant *grant;
    struct store *store;
    struct watermark_file *mark_file; /* NULL: none is written */
    const struct watermark *mark;     /* what it says now; NULL: nothing */
};

/* The record in STORE_META of a node that is recovering: the entry up to which
 * it has to apply before it serves, as u64be; or, if it waits to be let in,
 * anything else. */
#define NODE_RECOVERING_KEY BYTES_LIT("recovering")
/* META: this node was removed from the cluster, by the entry with this
 * index(8): the directory is not used again. */
#define NODE_REMOVED_KEY BYTES_LIT("removed")

/* Checks the identity (or writes it on a new store), raises the incarnation,
 * syncs. `identity` is what holds from now on: with cluster id 0 the directory
 * is blank, and no node may start on it. A store of another node or cluster is
 * ERR_MISMATCH; damage ERR_CORRUPT; each with a text that says what to do. */
MUST_USE int node_boot(const struct node_boot *boot, struct identity *identity,
                       struct buf *error);

/* Who the members were when the life of this directory was granted: that holds
 * as long as no entry has said so. ERR_NOT_FOUND: it was not granted. */
MUST_USE int node_boot_granted(struct store *s, struct configuration *out);
/* What was kept of them. ERR_NOT_FOUND: nothing. */
MUST_USE int node_boot_founding(struct store *s, struct founding *out);
/* The directory has lost what it had: it may be let in, and never begin. */
bool node_boot_is_lost(struct store *s);

#endif
