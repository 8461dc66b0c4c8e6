/*
 * Before a database is opened for writing: does it have what this node has
 * promised? This finds files that are missing or were cut short, which RocksDB
 * does not notice.
 */
#ifndef JOURNAL_START_CHECK_H
#define JOURNAL_START_CHECK_H

#include "codec/record.h"
#include "store/store_check.h"

/* Compares the hard state and the newest entries of group 0, and the identity,
 * with the watermark, which is borrowed: as many entries are read as may be in
 * write-ahead logs only, since what is in table files is the database's to
 * check. Where there is no database at all, a watermark with promises says
 * that there should be one. */
struct store_check start_check(const struct watermark *promised);

/* Whether identity and watermark are of one data directory, and of one copy of
 * it. ERR_MISMATCH with a text: the directory was put together from two. */
MUST_USE int start_check_pair(const struct identity *id,
                              const struct watermark *mark, struct buf *error);

#endif
