/*
 * The memory of a table: blocks, of which the newest has room. It is freed all
 * at once.
 *
 * Fails only as memory does.
 */
#include "base/alloc.h"
#include "store/memtable_internal.h"

#define ALIGNMENT 8

struct memtable_block {
    struct memtable_block *before;
    size_t used;
    size_t size;
    _Alignas(ALIGNMENT) uint8_t data[];
};

static struct memtable_block *block_new(struct memtable *m, size_t size)
{
    struct memtable_block *b = mem_alloc(sizeof(*b) + size);
    b->used = 0;
    b->size = size;
    m->bytes += sizeof(*b) + size;
    return b;
}

void *memtable_take(struct memtable *m, size_t size)
{
    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    struct memtable_block *b = m->block;
    if (b == NULL || b->size - b->used < size) {
        b = block_new(m, MAX(size, m->block_size));
        b->before = m->block;
        m->block = b;
    }
    void *p = b->data + b->used;
    b->used += size;
    return p;
}

void memtable_release(struct memtable *m)
{
    for (struct memtable_block *b = m->block; b != NULL;) {
        struct memtable_block *before = b->before;
        mem_free(b);
        b = before;
    }
    m->block = NULL;
}
