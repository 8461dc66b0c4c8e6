/*
 * The chunks of a view of the state (store/store_view.h), one after the other:
 * what is sent to another member, written to a backup, or compared. Rows of
 * ended epochs are left out: they are garbage, and each member collects it when
 * it likes.
 *
 * Threads: any, one at a time.
 */
#ifndef SNAPSHOT_SOURCE_H
#define SNAPSHOT_SOURCE_H

#include "base/base.h"
#include "base/buf.h"
#include "data/keyspace.h"
#include "snapshot/chunk.h"
#include "store/store_view.h"

struct source;

/* Where a reader of the chunks is. All zero: at the beginning. */
struct source_place {
    uint64_t number; /* chunks so far */
    uint64_t hash;
    struct bytes after; /* the last key of these */
};

/* Reads the view's position and epochs. The view stays the caller's, and must
 * outlive it. ERR_NOT_FOUND: nothing was applied by then; ERR_IO, ERR_CORRUPT:
 * with a text. */
MUST_USE int source_open(struct source **out, struct store_view *view,
                         struct buf *error);
void source_close(struct source *s);

/* The entry that it is the state of. */
const struct applied *source_applied(const struct source *s);

/* Goes on from there, which must be the end of a chunk of the same state. */
void source_seek(struct source *s, const struct source_place *from);

/* The next chunk, borrowed until the next call; ERR_NOT_FOUND: there are no
 * more. ERR_IO, ERR_CORRUPT: final, with a text. */
MUST_USE int source_next(struct source *s, struct chunk *out,
                         struct buf *error);

#endif
