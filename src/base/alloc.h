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

#endif
