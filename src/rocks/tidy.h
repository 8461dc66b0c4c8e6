/*
 * Merges files of the state that are mostly garbage, although nothing is
 * written: RocksDB merges only what new files make necessary. A thread of its
 * own, which does one thing after the other and rests in between.
 */
#ifndef ROCKS_TIDY_H
#define ROCKS_TIDY_H

#include "rocks/rocks_internal.h"

struct tidy;

/* Needs the database. */
struct tidy *tidy_new(struct rocks *r);
/* Ends a merge that is under way, and the thread; before the database is
 * closed. NULL: nothing to do. */
void tidy_free(struct tidy *t);

/* Has the thread look; about once a second. */
void tidy_ask(struct tidy *t);
/* From the thread that adds tables: another one is there; of so many
 * neighbouring rows from first to last nearly all were deleted by it. */
void tidy_table(struct tidy *t);
void tidy_deleted(struct tidy *t, struct bytes first, struct bytes last,
                  uint64_t count);
/* As of the last look. */
void tidy_extent(struct tidy *t, struct store_extent *out);

#endif
