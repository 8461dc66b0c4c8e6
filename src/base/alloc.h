/*
 * Memory: the only place that calls malloc. Running out of memory ends the
 * process (vard is crash-only: a restart recovers from the log), so none of
 * these ever returns NULL. mem_free(NULL) does nothing.
 */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include "base/base.h"

void *mem_alloc(size_t size);
void *mem_zalloc(size_t size);
void *mem_realloc(void *p, size_t size);
char *mem_strdup(const char *s);
void mem_free(void *p);
/* For a program that allocates and frees large blocks all the time: up to
 * MEM_KEPT_BYTES of freed memory at the end of a heap stay with the process,
 * instead of being given back and taken again page by page. Call it once, at
 * the start. */
void mem_keep_freed(void);
/* Gives free pages back to the system, wherever they are in the heap. It looks
 * at all that is free and may take milliseconds: for after much was freed. */
void mem_give_back(void);
/* Bytes that the allocator has given out, to libraries too; 0: an allocator
 * that does not tell. It looks at what is free, so it is not for often. */
uint64_t mem_allocated_bytes(void);
/* Bytes that it has taken from the system, those included; some may have been
 * given back where they were free. */
uint64_t mem_held_bytes(void);

#define MEM_KEPT_BYTES (8 * 1024 * 1024)

#endif
