/*
 * The memory comes as zero pages, touched only where states fall. Huge pages
 * save a second miss for each probe. The place of a fingerprint is its upper
 * part scaled to the size, so that any size is possible.
 */
#include "model_table.h"

#include <stdlib.h>
#include <sys/mman.h>

static void *zero_pages(uint64_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (p == MAP_FAILED) {
        perror("the table of states");
        exit(2);
    }
    (void)madvise(p, bytes, MADV_HUGEPAGE);
    return p;
}

void model_table_init(struct model_table *t, uint64_t bytes, bool marks)
{
    uint64_t each = sizeof(uint64_t) + (marks ? 1 : 0);

    t->slot_count = MIN(bytes / each, UINT32_MAX - 1);
    ASSERT(t->slot_count > 1024);
    t->entries = zero_pages(t->slot_count * sizeof(uint64_t));
    t->marks = marks ? zero_pages(t->slot_count) : NULL;
}

void model_table_release(struct model_table *t)
{
    munmap((void *)(uintptr_t)t->entries, t->slot_count * sizeof(uint64_t));
    if (t->marks != NULL) {
        munmap((void *)(uintptr_t)t->marks, t->slot_count);
    }
}

uint64_t model_table_room(const struct model_table *t)
{
    return t->slot_count - t->slot_count / 8;
}

static uint64_t place(const struct model_table *t, struct model_print p)
{
    return (uint64_t)((unsigned __int128)p.place * t->slot_count >> 64);
}

void model_table_prefetch(const struct model_table *t, struct model_print p)
{
    __builtin_prefetch((const void *)(uintptr_t)&t->entries[place(t, p)], 1);
}

/* Adds bits to the entry; false: `vector` was there. */
static bool add_bits(_Atomic uint64_t *entry, uint64_t found, uint64_t vector,
                     uint64_t vectors)
{
    while ((found >> vector & 1) == 0) {
        if (atomic_compare_exchange_weak(entry, &found, found | vectors)) {
            return true;
        }
    }
    return false;
}

bool model_table_add(struct model_table *t, struct model_print p,
                     uint32_t vector, uint32_t vectors, uint32_t *slot)
{
    uint64_t at = place(t, p);

    ASSERT(p.check != 0 && p.check < UINT64_C(1) << 48);
    for (;; at = at + 1 == t->slot_count ? 0 : at + 1) {
        uint64_t found =
            atomic_load_explicit(&t->entries[at], memory_order_relaxed);
        if (found == 0 &&
            atomic_compare_exchange_strong(&t->entries[at], &found,
                                           p.check << 16 | vectors)) {
            *slot = (uint32_t)at;
            return true;
        }
        if (found >> 16 == p.check) {
            *slot = (uint32_t)at;
            return add_bits(&t->entries[at], found, vector, vectors);
        }
    }
}
