/*
 * Memory that is freed all at once: with a request, an entry, or a turn of the
 * loop. Nothing is freed one by one. Each block is aligned for any type.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/base.h"
#include "base/bytes.h"

struct arena_block;

struct arena {
    struct arena_block *head;
    size_t used; /* bytes given out since the last reset */
};

#define ARENA_INIT ((struct arena){NULL, 0})

void arena_release(struct arena *a);
/* Frees everything but one block of moderate size, for the next use. */
void arena_reset(struct arena *a);
void *arena_alloc(struct arena *a, size_t size);
struct bytes arena_copy(struct arena *a, struct bytes b);

#endif
