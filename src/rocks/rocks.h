/*
 * The store in RocksDB: one database, one column family per store family.
 * What a store promises is in store.h; options and why, in
 * rocks_options.c.
 */
#ifndef ROCKS_ROCKS_H
#define ROCKS_ROCKS_H

#include "base/buf.h"
#include "store/store_check.h"

struct rocks_options {
    uint64_t state_memory_bytes; /* of the state family, store_buffered.h */
    uint64_t log_memory_bytes;   /* of the log, and in one write-ahead log */
    uint64_t block_cache_bytes;
    uint64_t disk_bytes; /* of the whole file system; 0: not known */
    /* Of `shares` stores that take the same writes, perhaps on one disk, this
     * is number `share`, from 0: their tables fall due in turns. */
    uint32_t share, shares; /* shares 0: it is alone */
    /* A file that may be given up for space, borrowed for the call; NULL: there
     * is none. */
    const char *ballast;
    bool create; /* create the database if it is missing */
    /* What it must have, borrowed for the call; NULL: not known. */
    const struct store_check *check;
};

/* Opens it, in two steps. First it is opened for reading, and what it has is
 * compared with what it must have (store_check.h): a database that is refused
 * then is left as it was, byte for byte. Only then it is opened for writing.
 * The first step costs one more replay of the write-ahead logs, in memory (at
 * most a few times log_memory_bytes). The caller sees to it that no other
 * process has the database open.
 *
 * On failure returns ERR_IO, ERR_BUSY (another process has it) or ERR_CORRUPT
 * (damage: refuses), and `error` says which file, what is wrong with it and
 * what to do. */
MUST_USE int rocks_open(struct store **out, const char *path,
                        const struct rocks_options *options, struct buf *error);

/* Did a read find damage? */
bool rocks_is_damaged(struct store *s);

#endif
