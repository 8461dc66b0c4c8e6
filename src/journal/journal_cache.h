/*
 * The newest entries of a Raft log, in memory: a ring of owned records with
 * ascending indexes and no gaps, up to the log's last. Bounded in bytes, by
 * journal_cache_trim(): the oldest leave. The newest stays whatever its size:
 * it is about to be sent and applied.
 */
#ifndef JOURNAL_JOURNAL_CACHE_H
#define JOURNAL_JOURNAL_CACHE_H

#include "base/base.h"
#include "codec/entry.h"

struct journal_cache_slot {
    uint8_t *record; /* owned; chain hash and entry record */
    size_t size;
    struct entry entry; /* its payload points into the record */
};

struct journal_cache {
    struct journal_cache_slot *slots;
    size_t cap; /* a power of two, or 0 */
    size_t head;
    size_t count;
    uint64_t bytes;
    uint64_t bytes_max;
};

void journal_cache_init(struct journal_cache *c, uint64_t bytes_max);
void journal_cache_release(struct journal_cache *c);
/* Takes the record over; the entry must follow the newest one. */
void journal_cache_add(struct journal_cache *c, uint8_t *record, size_t size,
                       const struct entry *e);
/* Drops the oldest above the bound. */
void journal_cache_trim(struct journal_cache *c);
/* NULL if it is not kept. */
const struct journal_cache_slot *
journal_cache_find(const struct journal_cache *c, raft_index index);
/* Drops the entries from `from` on; those below `first`. */
void journal_cache_truncate(struct journal_cache *c, raft_index from);
void journal_cache_cut(struct journal_cache *c, raft_index first);

#endif
