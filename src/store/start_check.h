/*
 * Before a database is opened for writing: does it have what this node has
 * promised? Asked of a store that was opened for reading only, so that a
 * refusal leaves every file as it was.
 */
#ifndef STORE_START_CHECK_H
#define STORE_START_CHECK_H

#include "base/base.h"
#include "base/buf.h"
#include "codec/record.h"
#include "store/store.h"

/* What stands in a database's directory, as far as it tells what it is. */
struct start_content {
    bool current; /* the file CURRENT */
    bool tables;
    bool logs;
};

/* A directory that does not exist has nothing. One that cannot be read may
 * have anything: ERR_IO, with a text. */
MUST_USE int start_content(const char *path, struct start_content *out,
                           struct buf *error);

/* Compares group 0's hard state and its newest entries, and the identity,
 * with the watermark. `unflushed`: how many entries may stand in write-ahead
 * logs only; so many are read, since what is in table files is RocksDB's to
 * check. ERR_CORRUPT and ERR_IO come with a text. */
MUST_USE int start_check(struct store *s, uint64_t unflushed,
                         const struct watermark *promised, struct buf *error);

/* Where there is no database at all: a watermark with promises says that
 * there should be one. */
MUST_USE int start_check_new(const char *path, const struct watermark *promised,
                             struct buf *error);

#endif
