/*
 * Thin wrappers over the C library's allocator. A request of size 0 gets one
 * byte, so that the result is never NULL.
 *
 * How it fails: when memory runs out, a line on standard error says so, and the
 * process aborts. A size above half of the address space is an assertion.
 */
#include "base/alloc.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

NORETURN static void out_of_memory(size_t size)
{
    fprintf(stderr, "out of memory: %zu bytes asked for\n", size);
    fflush(stderr);
    abort();
}

/* More than half of the address space can only be a negative number. */
static size_t checked_size(size_t size)
{
    ASSERT(size <= (size_t)PTRDIFF_MAX);
    return size > 0 ? size : 1;
}

void *mem_alloc(size_t size)
{
    void *p = malloc(checked_size(size));
    if (p == NULL)
        out_of_memory(size);
    return p;
}

void *mem_zalloc(size_t size)
{
    void *p = calloc(1, checked_size(size));
    if (p == NULL)
        out_of_memory(size);
    return p;
}

void *mem_realloc(void *p, size_t size)
{
    void *q = realloc(p, checked_size(size));
    if (q == NULL)
        out_of_memory(size);
    return q;
}

char *mem_strdup(const char *s)
{
    ASSERT(s != NULL);
    size_t size = strlen(s) + 1;
    return memcpy(mem_alloc(size), s, size);
}

void mem_free(void *p)
{
    free(p);
}

/* By default the C library maps each block above 128 KiB by itself and unmaps
 * it when it is freed. It adapts this limit, but gives memory at the end of the
 * heap back when more than twice the limit is free. Each page that is taken
 * again costs a page fault and is cleared. With these settings only blocks
 * larger than half of what is kept are mapped each time. Threads may have heaps
 * of their own. An allocator that ignores the settings (that of a sanitizer) is
 * only slower. */
void mem_keep_freed(void)
{
    int kept = mallopt(M_MMAP_THRESHOLD, MEM_KEPT_BYTES / 2);
    UNUSED(kept);
    kept = mallopt(M_TRIM_THRESHOLD, MEM_KEPT_BYTES);
    UNUSED(kept);
}

void mem_give_back(void)
{
    int some = malloc_trim(0);
    UNUSED(some);
}

uint64_t mem_allocated_bytes(void)
{
    struct mallinfo2 info = mallinfo2();
    return (uint64_t)info.uordblks + (uint64_t)info.hblkhd;
}

uint64_t mem_held_bytes(void)
{
    struct mallinfo2 info = mallinfo2();
    return (uint64_t)info.arena + (uint64_t)info.hblkhd;
}
