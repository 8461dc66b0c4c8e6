/*
 * Reads the chunks of a view on a thread of its own, a few ahead, so that who
 * hands them out never waits for a disk.
 */
#ifndef SNAPSHOT_AHEAD_H
#define SNAPSHOT_AHEAD_H

#include "base/base.h"
#include "data/keyspace.h"
#include "snapshot/chunk.h"
#include "snapshot/source.h"
#include "store/store_view.h"

struct ahead;

/* Reads on from there, or from the beginning (NULL). The view stays the
 * caller's, who closes it after ahead_free(). `threadless`: each chunk is read
 * when it is asked for, so that a simulation can be repeated. */
struct ahead *ahead_new(struct store_view *view,
                        const struct source_place *from, bool threadless);
void ahead_free(struct ahead *a);

/* The entry that it is the state of. ERR_AGAIN: not known yet. Or why it cannot
 * be read; ahead_error() has the text. */
MUST_USE int ahead_position(struct ahead *a, struct applied *out);

/* The chunk with this number: the last one that was given, or the one after it
 * (at first the one after the place where the reading began); ERR_INVALID:
 * another one. Borrowed until the next one is asked for.
 * ERR_AGAIN: it is not read yet. ERR_NOT_FOUND: there are no more; out->number
 * says how many there are, and out->hash is that of the last. Or an error, as
 * above. */
MUST_USE int ahead_chunk(struct ahead *a, uint64_t number, struct chunk *out);

const char *ahead_error(const struct ahead *a);

#endif
