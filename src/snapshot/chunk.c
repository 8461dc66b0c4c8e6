/* How it fails: it does not. */
#include "snapshot/chunk.h"

#include "base/hash.h"

bool chunk_ends(size_t bytes, struct bytes key)
{
    ASSERT(key.len > 0 && bytes > key.len);
    return bytes >= CHUNK_BYTES ||
           (bytes >= CHUNK_BYTES_EARLY && hash64(key) % CHUNK_KEYS == 0);
}

uint64_t chunk_hash(struct bytes rows, uint64_t before)
{
    ASSERT(rows.len > 0);
    return hash64_seed(rows, before);
}
