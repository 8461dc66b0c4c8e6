/*
 * Ranges of keys that nobody asks for any more (store_batch_discard): when
 * files are merged, what is in such a range is left out. No answer depends on
 * it: the list is in memory and has a bound, and after a start the owner says
 * again what he has discarded.
 *
 * Thread-safe: merges run in RocksDB's threads.
 */
#ifndef ROCKS_GARBAGE_H
#define ROCKS_GARBAGE_H

#include "base/base.h"
#include "base/buf.h"

#include <rocksdb/c.h>

struct garbage;

struct garbage *garbage_new(void);
/* Not before the database is closed. */
void garbage_free(struct garbage *g);

/* begin <= key < end is garbage, and nothing that is durable says otherwise. */
void garbage_add(struct garbage *g, struct bytes begin, struct bytes end);

/* Somebody reads rows that are going to be garbage: what is added from now on
 * waits until all who hold it have released it. */
void garbage_hold(struct garbage *g);
void garbage_release(struct garbage *g);
/* What was garbage is not that of the rows that there are now. */
void garbage_reset(struct garbage *g);

/* A range that was added, or has grown, since it was taken last; replaces what
 * is in *begin and *end. False: there is none. */
MUST_USE bool garbage_take(struct garbage *g, struct buf *begin,
                           struct buf *end);

/* For the options of a family, which take it over; each merge leaves out what
 * was garbage when it began. */
rocksdb_compactionfilterfactory_t *garbage_filter(struct garbage *g);

#endif
