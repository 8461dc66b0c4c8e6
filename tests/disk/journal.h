/*
 * What libjournal.so writes down, and the programs of this folder read: one
 * record per call that changes a file below the watched directory, in the
 * order in which the calls took effect.
 *
 * Environment of a watched process:
 *   DISK_ROOT   the directory that is watched; absolute
 *   DISK_TAPE   the file that the records are appended to
 *   DISK_CLOCK  a file of 8 bytes, shared by all watched processes, that
 *               numbers their records in one order
 *   DISK_NOTES  what is written to this file is recorded as a note
 *   DISK_SYNC_US  how long a sync takes at least, in microseconds
 *   DISK_HANG   as long as this file exists, no sync returns
 *   DISK_FAULT  CALL:NTH[+]:ERRNO[:SUFFIX]: the NTH call fails (+: and all
 *               later ones), counted over paths that end in SUFFIX
 */
#ifndef DISK_JOURNAL_H
#define DISK_JOURNAL_H

#include <stdint.h>

#define JOURNAL_MAGIC 0x4b534944u

enum journal_op {
    JOURNAL_OPEN = 1, /* flags: what it did besides */
    JOURNAL_WRITE,
    JOURNAL_TRUNCATE, /* to the size in offset */
    JOURNAL_SYNC,     /* of a file; covers what was numbered below `begin` */
    JOURNAL_SYNC_DIR,
    JOURNAL_SYNC_FAILED, /* of a file: what it covered may never arrive */
    JOURNAL_RENAME,      /* data: the new path */
    JOURNAL_LINK,        /* data: the new path */
    JOURNAL_UNLINK,
    JOURNAL_MKDIR,
    JOURNAL_NOTE,
};

enum journal_flag { JOURNAL_CREATED = 1, JOURNAL_EMPTIED = 2 };

/* In front of path and data. */
struct journal_record {
    uint32_t magic;
    uint32_t op;
    uint64_t seq;
    uint64_t begin;
    uint32_t process;
    uint32_t file; /* number of the open file in its process */
    int64_t offset;
    uint32_t flags;
    uint32_t path_len; /* relative to the root */
    uint32_t data_len;
    uint32_t zero;
};

_Static_assert(sizeof(struct journal_record) == 56, "no padding");

#endif
