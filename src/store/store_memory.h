/*
 * The store in memory, for tests and the simulator. It keeps what a crash
 * would keep apart from what was written: store_memory_crash() goes back to
 * the last sync (logged families) and the last flush (state).
 */
#ifndef STORE_STORE_MEMORY_H
#define STORE_STORE_MEMORY_H

#include "store/store.h"

struct store *store_memory_new(void);
/* What a crash would leave of it now, as a store of its own. They share what
 * they have in common, so both must be used by one thread. */
struct store *store_memory_copy(struct store *s);

/* Loses what was not synced: of the unsynced logged batches the first `keep`
 * survive (0: none; UINT32_MAX: all), and the unlogged ones since the last
 * flush are gone. Iterators must have been freed. */
void store_memory_crash(struct store *s, uint32_t keep);

/* Logged batches written since the last sync. */
uint32_t store_memory_unsynced(const struct store *s);

/* The n-th operation from now (1: the next one) of the kind named fails with
 * ERR_IO, and all later ones: "get", "write", "sync". After a failed write or
 * sync all later writes and syncs fail, as they do in RocksDB. n = 0 turns it
 * off; a crash ends all of it. */
void store_memory_fail(struct store *s, const char *operation, uint64_t n);

/* What store_is_full() says; false at first. Writes succeed all the same. */
void store_memory_set_full(struct store *s, bool full);

#endif
