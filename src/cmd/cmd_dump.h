/*
 * What the files of DUMP share.
 */
#ifndef CMD_CMD_DUMP_H
#define CMD_CMD_DUMP_H

#include "base/buf.h"
#include "cmd/cmd_collection.h"
#include "data/keyspace.h"
#include "type/xstream.h"

struct dump {
    struct keyspace *ks;
    struct buf out;
};

/* So many bytes more are not too much for a reply. */
MUST_USE static inline bool dump_fits(const struct dump *d, uint64_t more)
{
    ASSERT(d->out.len > 0);
    return d->out.len + more <= CMD_REPLY_BYTES_MAX;
}
/* False: it is too much. */
MUST_USE bool dump_stream(struct dump *d, struct xstream *s);

#endif
