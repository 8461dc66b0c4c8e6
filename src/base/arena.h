/*
 * Memory that dies all at once: with a request, an entry, a loop iteration.
 * Nothing is freed one by one. What is given out is aligned for any type.
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
/* Forgets everything, keeps one block of moderate size for the next round. */
void arena_reset(struct arena *a);
void *arena_alloc(struct arena *a, size_t size);
struct bytes arena_copy(struct arena *a, struct bytes b);

#endif
