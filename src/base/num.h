/*
 * Decimal numbers as Redis reads and writes them: no spaces, no plus sign, no
 * leading zeros, "-0" refused (string2ll in Redis's util.c is the model of
 * the behaviour).
 */
#ifndef BASE_NUM_H
#define BASE_NUM_H

#include "base/base.h"
#include "base/bytes.h"

#define NUM_TEXT_MAX 21 /* "-9223372036854775808" and a NUL */

MUST_USE bool num_parse_i64(struct bytes text, int64_t *out);
MUST_USE bool num_parse_u64(struct bytes text, uint64_t *out);
/* Writes the digits and a NUL; returns the length without it. */
size_t num_format_i64(int64_t v, char out[NUM_TEXT_MAX]);
/* "100", "1k" (1000), "1kb" (1024), "1m", "1mb", "1g", "1gb", any case. */
MUST_USE bool num_parse_size(struct bytes text, uint64_t *out);

/* a + b, or false when it does not fit. */
MUST_USE static inline bool num_add_i64(int64_t a, int64_t b, int64_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

#endif
