/*
 * Which file of a RocksDB directory is damaged: for the message of a start
 * that is refused. RocksDB's own text names no file, or the wrong one, in the
 * cases that matter most. Reads only; takes as long as reading the
 * write-ahead logs and the MANIFEST once.
 */
#ifndef STORE_DAMAGE_H
#define STORE_DAMAGE_H

#include "base/base.h"
#include "base/buf.h"

/* Appends one clause: file, place and what is wrong, or else what was looked
 * at in vain. `status` is RocksDB's text. Tells whether a file was named. */
bool damage_find(const char *dir, const char *status, struct buf *out);

/* Is all that is damaged an end of the write-ahead logs of which some sectors
 * never reached the disk? So a power cut leaves writes that had not been
 * synced; whether they had been is for the caller to find out. */
bool damage_is_tear(const char *dir);

#endif
