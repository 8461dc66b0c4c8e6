/*
 * Numbers with a fraction, as Redis reads and writes them: in long double.
 */
#ifndef CMD_CMD_COUNTER_H
#define CMD_CMD_COUNTER_H

#include "base/base.h"
#include "base/bytes.h"

/* The largest long double has 4,933 digits before the point. */
#define FLOAT_TEXT_MAX (5 * 1024)

/* The whole text is a number as strtold reads it, without space before; never
 * NaN, but maybe infinity. */
MUST_USE bool float_from(struct bytes text, long double *out);
/* 17 decimals, then without trailing zeros, and never "-0"; returns the length.
 */
size_t float_format(long double v, char out[FLOAT_TEXT_MAX]);

#endif
