/*
 * A hash map from bytes to one pointer. Keys are copied. The hash is keyed
 * with a seed, so that nobody outside can choose colliding keys; the order of
 * iteration is the order of insertion, but nothing that is replicated may
 * depend on it. At most 2^30 entries.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/base.h"
#include "base/bytes.h"

struct map_slot;

struct map {
    struct map_slot *slots;
    size_t count;
    size_t cap;  /* a power of two, or 0 */
    size_t used; /* slots in use, removed ones among them */
    uint64_t seed;
};

void map_init(struct map *m, uint64_t seed);
/* Frees the keys and the table; the values are the caller's. */
void map_release(struct map *m);
/* The value, or NULL. */
void *map_get(const struct map *m, struct bytes key);
/* Sets it; returns the value that was there before, or NULL. */
void *map_put(struct map *m, struct bytes key, void *value);
/* Removes it; returns the value that was there, or NULL. */
void *map_remove(struct map *m, struct bytes key);
/* Iterates: start with *pos = 0; false at the end. Entries may be removed
 * meanwhile, none may be added; `key` and `value` may be NULL. The key lives
 * as long as its entry. */
bool map_next(const struct map *m, size_t *pos, struct bytes *key,
              void **value);

#endif
