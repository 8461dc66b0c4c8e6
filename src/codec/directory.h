/*
 * The id of a data directory: 128 random bits, drawn when the directory is
 * first written, and never changed. A copy has the id of its original; what was
 * emptied and begun anew has another one.
 *
 * All bits zero: none, or not known.
 */
#ifndef CODEC_DIRECTORY_H
#define CODEC_DIRECTORY_H

#include "base/base.h"

#include <inttypes.h>
#include <stdio.h>

#define DIRECTORY_TEXT_SIZE 33 /* 32 hexadecimal digits and the NUL */

struct directory_id {
    uint64_t high;
    uint64_t low;
};

static inline bool directory_id_is_none(struct directory_id id)
{
    return id.high == 0 && id.low == 0;
}

static inline bool directory_id_eq(struct directory_id a, struct directory_id b)
{
    return a.high == b.high && a.low == b.low;
}

static inline void directory_text(struct directory_id id,
                                  char out[DIRECTORY_TEXT_SIZE])
{
    int len = snprintf(out, DIRECTORY_TEXT_SIZE, "%016" PRIx64 "%016" PRIx64,
                       id.high, id.low);
    ASSERT(len == DIRECTORY_TEXT_SIZE - 1);
}

#endif
