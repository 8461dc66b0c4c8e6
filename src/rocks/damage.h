/*
 * What RocksDB's refusals mean, and which file of its directory is damaged:
 * for the message of a start that is refused. RocksDB's own text names no file,
 * or the wrong one, in the cases that matter most. Reads only; takes as long as
 * reading the write-ahead logs and the MANIFEST once.
 */
#ifndef ROCKS_DAMAGE_H
#define ROCKS_DAMAGE_H

#include "base/base.h"
#include "base/buf.h"

/* Is all that is damaged an end of the write-ahead logs of which some sectors
 * never reached the disk? This is how a power cut leaves writes that had not
 * been synced; whether they had been is for the caller to find out. */
bool damage_is_tear(const char *dir);

/* ERR_CORRUPT or ERR_IO, by RocksDB's text; ERR_IO if its texts are not known
 * (rocks_version.h). */
int damage_kind(const char *status);

/* Appends why the database could not be opened and what to do, and returns
 * the code: ERR_BUSY, ERR_CORRUPT or ERR_IO. */
MUST_USE int damage_explain(const char *dir, const char *status,
                            struct buf *error);

/* Is this RocksDB's text about a MANIFEST that does not know our families?
 * False if its texts are not known. */
bool damage_lacks_families(const char *status);

/* Where such a MANIFEST comes from: a first start that was interrupted
 * (ERR_NOT_FOUND, no text), or it was cut (ERR_CORRUPT): opening for writing
 * would create the families anew and delete the tables of the old ones.
 * `tables`: there are tables. */
MUST_USE int damage_explain_families(const char *dir, const char *status,
                                     bool tables, struct buf *error);

#endif
