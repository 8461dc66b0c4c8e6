/*
 * The store in RocksDB: one database, one column family per store family.
 * Rules: RELIABILITY section 4; options and why in store_rocksdb.c.
 */
#ifndef STORE_STORE_ROCKSDB_H
#define STORE_STORE_ROCKSDB_H

#include "base/buf.h"
#include "store/store.h"

struct store_rocksdb_options {
    uint64_t state_memory_bytes; /* write buffer of the state family */
    uint64_t log_memory_bytes;   /* write buffer of the log family */
    uint64_t block_cache_bytes;
    uint64_t wal_bytes_max; /* all write-ahead logs together */
    bool create;            /* create the database if it is missing */
};

/* Opens it. On failure returns ERR_IO, ERR_BUSY (another process has it) or
 * ERR_CORRUPT (damage: refuses), and `error` says which file, what is wrong
 * with it and what to do. */
MUST_USE int store_rocksdb_open(struct store **out, const char *path,
                                const struct store_rocksdb_options *options,
                                struct buf *error);

#endif
