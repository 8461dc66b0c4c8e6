/*
 * A store on top of another: it gathers the writes of the state family in
 * memory and writes them to the store below, a table at a time, in its own
 * thread. Reads are answered from memory first. The other families pass
 * through.
 *
 * Nothing is lost by it that store.h promises to keep: the state is not
 * logged, and after a crash it is an exact prefix of what was written, since
 * tables are written down one after the other, each as a whole or not at all.
 *
 * Two tables: one takes writes; the one before it is being written down, and
 * afterwards serves as a cache. Values read from below are kept as well, so
 * that both together are a cache of what is hot (in two generations, as in
 * Johnson & Shasha, "2Q", 1994, without its queues).
 */
#ifndef STORE_STORE_BUFFERED_H
#define STORE_STORE_BUFFERED_H

#include "store/memtable.h"
#include "store/store.h"

/* Writes a table to the state family, durable when it returns, its values
 * and deletions, all or nothing; copies are left out. Only then what it
 * discards may go. Called from another thread, one call at a time, beside all
 * other calls but close. ERR_IO or ERR_CORRUPT is final, as for a write. */
typedef int store_ingest(struct store *below, const struct memtable *m);

/* Takes `below` over: closing closes it too. `bytes` bounds the memory of
 * both tables, and half as much again while one is written, but for a write
 * that is larger itself; seed as for a table. The first table is written when
 * it has `first` bytes: stores that take the same writes then write their
 * tables one after the other. */
struct store *store_buffered_new(struct store *below, store_ingest *ingest,
                                 size_t bytes, size_t first, uint64_t seed);

/* The store below it. */
struct store *store_buffered_below(struct store *s);

#endif
