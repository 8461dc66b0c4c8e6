/*
 * RocksDB's files of records: write-ahead logs and the MANIFEST. Finds the
 * first place where one is damaged, so that a person can be told; RocksDB's
 * own message names neither file nor place. Reads only.
 *
 * Format: blocks of 32 KiB; in them records of masked CRC-32C(4) length(2)
 * type(1) payload. A record does not cross a block; what does not fit is cut
 * into pieces (types first, middle, last). Types 5 to 8 are the same four of
 * a reused file, with the file's number(4) after the type. Fewer than 7 bytes
 * at the end of a block are padding.
 */
#ifndef ROCKS_RECORD_FILE_H
#define ROCKS_RECORD_FILE_H

#include "base/base.h"

struct record_damage {
    uint64_t offset;
    const char *cause; /* static text */
    /* In what is damaged, a sector of 512 bytes was never written: it is
     * zeroes, from the place where the record begins. That is what a power
     * cut leaves which came while sectors were on their way to the disk, in
     * whatever order; a flipped bit does not look like that. */
    bool unwritten;
};

/* 0: every record is whole (the last one may be cut short, as after a power
 * cut). ERR_CORRUPT: `out` says where and what. ERR_IO: cannot be read. */
MUST_USE int record_file_check(const char *path, struct record_damage *out);

#endif
