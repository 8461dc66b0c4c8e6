/*
 * Thin wrappers over the C library's allocator. The one failure, no memory,
 * is reported on standard error and ends the process. A request of size 0
 * gets one byte, so that the result is never NULL.
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

/* More than half of the address space is a negative number gone wrong. */
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

/* The C library would map each block above 128 KiB by itself, and unmap it
 * when it is freed; it learns, but gives back what lies free at the end of the
 * heap from twice the size of what it has learned. Each page that comes back
 * is a fault and is cleared. Larger blocks than half of what is kept are mapped
 * each time, and threads may have heaps of their own. An allocator that does
 * not listen (that of a sanitizer) is only slower. */
void mem_keep_freed(void)
{
    int kept = mallopt(M_MMAP_THRESHOLD, MEM_KEPT_BYTES / 2);
    UNUSED(kept);
    kept = mallopt(M_TRIM_THRESHOLD, MEM_KEPT_BYTES);
    UNUSED(kept);
}
