/*
 * What a node has on its disk, opened as vard opens it: watermark, store,
 * identity, log, and log and state joined (src/main/vard.c, node/node.c). The
 * commands and the keyspace are left out: the state here is history.h's.
 */
#ifndef DISK_REPLICA_H
#define DISK_REPLICA_H

#include "base/base.h"
#include "base/buf.h"
#include "codec/record.h"
#include "history.h"
#include "journal/journal.h"
#include "journal/watermark.h"
#include "store/store.h"

struct replica {
    struct watermark_file *file;
    struct watermark mark;
    bool mark_found;
    struct store *store;
    struct identity identity;
    struct journal *log;
    struct raft_start start;
    struct history_applied applied;
    bool restarted; /* the log began anew where the state ends */
};

/* Opens `dir`, creating what a first start creates. On failure nothing stays
 * open, and `error` says why. */
MUST_USE int replica_open(struct replica *r, const char *dir,
                          struct buf *error);
void replica_close(struct replica *r);

#endif
