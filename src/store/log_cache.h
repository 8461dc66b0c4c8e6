/*
 * The newest entries of a Raft log, in memory: a ring of owned records with
 * ascending indexes and no gaps, up to the log's last. Bounded in bytes, by
 * log_cache_trim(): the oldest leave. The newest stays whatever its size: it is
 * about to be sent and applied.
 */
#ifndef STORE_LOG_CACHE_H
#define STORE_LOG_CACHE_H

#include "base/base.h"
#include "codec/entry.h"

struct log_cache_slot {
    uint8_t *record; /* owned; chain hash and entry record */
    size_t size;
    struct entry entry; /* its payload points into the record */
};

struct log_cache {
    struct log_cache_slot *slots;
    size_t cap; /* a power of two, or 0 */
    size_t head;
    size_t count;
    uint64_t bytes;
    uint64_t bytes_max;
};

void log_cache_init(struct log_cache *c, uint64_t bytes_max);
void log_cache_release(struct log_cache *c);
/* Takes the record over; the entry must follow the newest one. */
void log_cache_add(struct log_cache *c, uint8_t *record, size_t size,
                   const struct entry *e);
/* Drops the oldest above the bound. */
void log_cache_trim(struct log_cache *c);
/* NULL if it is not kept. */
const struct log_cache_slot *log_cache_find(const struct log_cache *c,
                                            raft_index index);
/* Drops the entries from `from` on; those below `first`. */
void log_cache_truncate(struct log_cache *c, raft_index from);
void log_cache_cut(struct log_cache *c, raft_index first);

#endif
