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

enum archive_part { ARCHIVE_CHUNK = 1, ARCHIVE_TRAILER = 2 };

#endif
