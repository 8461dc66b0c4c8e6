/*
 * RDB files, and what a server sends to a replica that has nothing: keys with
 * their values, one after the other.
 */
#ifndef RDB_RDB_FILE_H
#define RDB_RDB_FILE_H

#include "rdb/rdb.h"
#include "rdb/rdb_in.h"

struct rdb_key {
    uint32_t db;
    struct bytes name;
    int64_t expire_ms; /* 0: never */
    enum rdb_kind kind;
    uint64_t items; /* that its value has; 0: Redis leaves it out, too */
    /* As DUMP gives it, for RESTORE; empty if it is longer than asked for, or
     * the value of a module, which means nothing without that. */
    struct bytes payload;
};

struct rdb_file {
    struct rdb_in in; /* `offset` says where an error is */
    uint32_t version;
    uint32_t db;
    int64_t expire_ms;  /* of the next key */
    uint64_t functions; /* libraries that were passed over */
    struct buf name;
    struct buf payload;
    char refused[64]; /* ERR_INVALID, ERR_MISMATCH: what is not known */
};

/* Reads from a source; payloads have at most so many bytes. */
void rdb_file_init(struct rdb_file *f, rdb_more_fn *more, void *arg,
                   size_t payload_max);
void rdb_file_release(struct rdb_file *f);
/* The beginning. ERR_CORRUPT: it is no RDB file; ERR_MISMATCH: one of a version
 * that is not known. */
MUST_USE int rdb_file_begin(struct rdb_file *f);
/* 1: the next key, borrowed until the next call. 0: the end, and its checksum
 * is right, or there is none. Errors: see rdb.h; ERR_CLOSED: it ends too early.
 * ERR_MISMATCH: the checksum is wrong. */
MUST_USE int rdb_file_next(struct rdb_file *f, struct rdb_key *key);

#endif
