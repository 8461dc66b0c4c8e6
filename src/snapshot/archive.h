/*
 * A backup: one state in a file.
 *
 *   head      "vardbak1"(8) length(4) zero(4) text, hash(8) of all before it
 *   chunks    1(1) zero(3) length(4) of the rows, stored(4) number(8) hash(8),
 *             the rows, compressed (an LZ4 block) if that makes them shorter
 *   trailer   2(1) zero(3) chunks(8) rows(8) bytes(8), the last chunk's
 * hash(8), hash(8) of this; the seed is the hash of all that chunks have
 *             stored, chained as theirs are, which begins with the head's
 *
 * Little-endian. The text has lines of name:value, what RAFT SNAPSHOT says of
 * itself. Nothing comes after the trailer.
 *
 * How it fails: ERR_IO and ERR_CORRUPT with a text for a person, who is told
 * what to do.
 */
#ifndef SNAPSHOT_ARCHIVE_H
#define SNAPSHOT_ARCHIVE_H

#include "base/base.h"
#include "base/buf.h"
#include "snapshot/chunk.h"
#include "snapshot/inspect.h"

#define ARCHIVE_TEXT_MAX 4096 /* bytes */

struct archive_writer;
struct archive_reader;

/* Writes to FILE.part, which becomes FILE at the end. ERR_IO also if there is a
 * FILE already. Here and in archive_open() ERR_MISMATCH: a level (base/level.h)
 * that this program does not know; the text says it as "level". */
MUST_USE int archive_create(struct archive_writer **out, const char *file,
                            struct bytes text, struct buf *error);
MUST_USE int archive_add(struct archive_writer *w, const struct chunk *c,
                         struct buf *error);
/* The end: durable, under its name. */
MUST_USE int archive_finish(struct archive_writer *w,
                            const struct inspect_totals *totals,
                            struct buf *error);
/* Without archive_finish() before, FILE.part goes. NULL: nothing to do. */
void archive_close(struct archive_writer *w);

MUST_USE int archive_open(struct archive_reader **out, const char *file,
                          struct buf *error);
/* Of the head, borrowed. */
struct bytes archive_text(const struct archive_reader *r);
/* The value of a number in the text; 0: there is none. */
uint64_t archive_number(const struct archive_reader *r, const char *name);
/* The next chunk, borrowed until the next call. It has been inspected.
 * ERR_NOT_FOUND: there are no more, and the whole is right: *totals has what it
 * is. Nothing is to be believed before. */
MUST_USE int archive_next(struct archive_reader *r, struct chunk *c,
                          struct inspect_totals *totals, struct buf *error);
/* NULL: nothing to do. */
void archive_free(struct archive_reader *r);

#endif
