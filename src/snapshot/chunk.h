/*
 * A chunk: some consecutive rows of the state (store/store_rows.h). The whole
 * state is one sequence of chunks, and the sequence is canonical: it depends on
 * the rows alone, not on the files that have them, so that all members send the
 * same bytes for the same entry.
 *
 * A chunk ends after a row: as soon as it has CHUNK_BYTES, or from
 * CHUNK_BYTES_EARLY on at a key whose hash says so. So most chunks stay the
 * same when rows come or go elsewhere. The last one may be smaller.
 *
 * Each chunk has the hash of all up to it: XXH3-64 of its bytes, seeded with
 * the hash of the one before (0 before the first).
 */
#ifndef SNAPSHOT_CHUNK_H
#define SNAPSHOT_CHUNK_H

#include "base/base.h"
#include "base/bytes.h"

#define CHUNK_BYTES       ((size_t)256 * 1024)
#define CHUNK_BYTES_EARLY ((size_t)64 * 1024)
#define CHUNK_KEYS        16 /* one of so many keys ends one early */

struct chunk {
    uint64_t number; /* from 1 */
    uint64_t hash;
    struct bytes rows; /* borrowed from who made it */
};

/* Does a chunk of so many bytes end with this key? */
bool chunk_ends(size_t bytes, struct bytes key);

uint64_t chunk_hash(struct bytes rows, uint64_t before);

#endif
