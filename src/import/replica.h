/*
 * A server's changes, as its replicas get them: first all that it has, as an
 * RDB file that is sent, then its commands as they come (PSYNC).
 */
#ifndef IMPORT_REPLICA_H
#define IMPORT_REPLICA_H

#include "import/import.h"

struct replica {
    struct link *link;
    struct rdb_file file;
    int64_t timeout_ms;
    struct source *source;
    char mark[41];   /* behind the file, if its length is not told; or "" */
    uint64_t length; /* of the file; 0: not told */
    uint64_t offset; /* of the server's changes, of which the file is a state */
    struct buf stream; /* what came behind the file and was not used */
    struct buf early;  /* what came in front of it, with it */
    struct buf why;
};

/* Connects, and asks for all. The source gives the keys of the file. */
MUST_USE int replica_open(struct replica *r, struct source *s,
                          const struct import_options *o, struct buf *why);
void replica_close(struct replica *r);
/* Appends to r->stream. Results as link_read(). */
MUST_USE int replica_read(struct replica *r, int64_t timeout_ms,
                          struct buf *why);
/* Tells the server how far its changes are here. */
MUST_USE int replica_acknowledge(struct replica *r, uint64_t offset,
                                 struct buf *why);

#endif
