/*
 * The form of the file (archive.h), for who writes and who reads it.
 */
#ifndef SNAPSHOT_ARCHIVE_INTERNAL_H
#define SNAPSHOT_ARCHIVE_INTERNAL_H

#include "base/reader.h"
#include "snapshot/archive.h"

#define ARCHIVE_MAGIC        BYTES_LIT("vardbak1")
#define ARCHIVE_HEAD_SIZE    16 /* before the text */
#define ARCHIVE_CHUNK_SIZE   28 /* before the rows */
#define ARCHIVE_TRAILER_SIZE 44

/* The value of a number in the text of a head; 0: there is none. */
uint64_t archive_text_number(struct bytes text, const char *name);
/* ERR_MISMATCH: what it is of has reached a level that this program does not
 * know. A text that says no level is of the first one. */
MUST_USE int archive_check_level(struct bytes text, struct buf *error);

enum archive_part { ARCHIVE_CHUNK = 1, ARCHIVE_TRAILER = 2 };

#endif
