/*
 * Unpredictable bytes from the kernel (getrandom(2)). A system without them
 * cannot choose safe seeds and challenges, so a failure ends the process.
 */
#ifndef OS_ENTROPY_H
#define OS_ENTROPY_H

#include "base/base.h"

void entropy_fill(void *data, size_t len);
uint64_t entropy_u64(void);

#endif
