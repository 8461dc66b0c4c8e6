/*
 * A chain of blocks, the newest first; allocation moves a mark in the newest.
 * Blocks double in size up to a limit; a request larger than a block gets one
 * of its own. Everything is freed at once.
 *
 * Nothing here fails: running out of memory ends the process, and a size beyond
 * all bounds is a programmer's mistake (outside input is bounded before it gets
 * here).
 */
#include "base/arena.h"

#include "base/alloc.h"

#include <stdalign.h>

#define BLOCK_MIN  ((size_t)1024)
#define BLOCK_MAX  ((size_t)256 * 1024)
#define BLOCK_KEEP ((size_t)64 * 1024) /* kept by arena_reset */

struct arena_block {
    struct arena_block *next;
    size_t size; /* of the data */
    size_t used;
    alignas(max_align_t) uint8_t data[];
};

static size_t aligned(size_t size)
{
    size_t mask = alignof(max_align_t) - 1;
    return (size + mask) & ~mask;
}

static void free_chain(struct arena_block *b)
{
    while (b != NULL) {
        struct arena_block *next = b->next;
        mem_free(b);
        b = next;
    }
}

void arena_release(struct arena *a)
{
    ASSERT(a != NULL);
    free_chain(a->head);
    *a = ARENA_INIT;
}

void arena_reset(struct arena *a)
{
    ASSERT(a != NULL);
    struct arena_block *keep = NULL;
    struct arena_block *b = a->head;
    while (b != NULL) {
        struct arena_block *next = b->next;
        if (b->size <= BLOCK_KEEP && (keep == NULL || b->size > keep->size)) {
            mem_free(keep);
            keep = b;
        } else {
            mem_free(b);
        }
        b = next;
    }
    if (keep != NULL) {
        keep->next = NULL;
        keep->used = 0;
    }
    *a = (struct arena){keep, 0};
}

static void add_block(struct arena *a, size_t need)
{
    size_t size = BLOCK_MIN;
    if (a->head != NULL)
        size = MIN(MAX(a->head->size, BLOCK_MIN / 2) * 2, BLOCK_MAX);
    size = MAX(size, need);
    struct arena_block *b = mem_alloc(sizeof(*b) + size);
    *b = (struct arena_block){.next = a->head, .size = size, .used = 0};
    a->head = b;
}

void *arena_alloc(struct arena *a, size_t size)
{
    ASSERT(a != NULL);
    ASSERT(size <= (size_t)PTRDIFF_MAX / 2);
    size_t need = aligned(MAX(size, (size_t)1));
    if (a->head == NULL || a->head->size - a->head->used < need)
        add_block(a, need);
    struct arena_block *b = a->head;
    void *p = b->data + b->used;
    b->used += need;
    a->used += need;
    ASSERT(b->used <= b->size);
    return p;
}

struct bytes arena_copy(struct arena *a, struct bytes b)
{
    uint8_t *p = arena_alloc(a, b.len);
    if (b.len > 0)
        memcpy(p, b.data, b.len);
    return bytes_of(p, b.len);
}
