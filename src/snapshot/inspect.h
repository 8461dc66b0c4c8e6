/*
 * Judges a sequence of chunks from outside: a file, another member. Nothing of
 * it is to be believed before inspect_end() has.
 *
 * Found is whatever this code cannot have written: a chunk that was changed,
 * left out, repeated or cut elsewhere; a row that does not decode or is not in
 * its place; counts, expiries and tickets that do not match the rows. What has
 * not been seen before needs no memory that grows with the state.
 */
#ifndef SNAPSHOT_INSPECT_H
#define SNAPSHOT_INSPECT_H

#include "base/base.h"
#include "base/buf.h"
#include "data/keyspace.h"
#include "snapshot/chunk.h"

/* What a whole sequence has. */
struct inspect_totals {
    struct applied applied;
    uint16_t level; /* in force */
    uint64_t chunks;
    uint64_t hash; /* of the last chunk */
    uint64_t rows;
    uint64_t bytes;
    uint64_t keys;    /* in all databases */
    uint64_t expires; /* of these, with an expiry */
    uint64_t due;     /* of these, at the applied entry's time */
};

struct inspect;

struct inspect *inspect_new(void);
void inspect_free(struct inspect *i);

/* The next chunk. ERR_CORRUPT with a text, and then it is the last. */
MUST_USE int inspect_chunk(struct inspect *i, const struct chunk *c,
                           struct buf *error);

/* Who the members are, as the rows so far say; index 0: they do not. Borrowed
 * until the next chunk. */
struct bytes inspect_members(const struct inspect *i, uint64_t *index);
/* The last key so far; empty before the first chunk. Borrowed likewise. */
struct bytes inspect_last(const struct inspect *i);
/* What of the whole sequence was seen so far. */
const struct inspect_totals *inspect_so_far(const struct inspect *i);

/* Appends what it is to *out, so that another one can go on from there, after a
 * restart; NULL: it is none of these. */
void inspect_save(const struct inspect *i, struct buf *out);
struct inspect *inspect_load(struct bytes saved);

/* There are no more. ERR_CORRUPT with a text. */
MUST_USE int inspect_end(struct inspect *i, struct inspect_totals *out,
                         struct buf *error);

#endif
