/*
 * Random numbers for the commands that choose elements, uniform and the same
 * for the same state of the generator (base/rng.h).
 */
#ifndef TYPE_SAMPLE_H
#define TYPE_SAMPLE_H

#include "base/base.h"

/* Uniform below n, which is not 0: what would make some numbers likelier is
 * drawn again. */
uint64_t sample_below(uint64_t *rng, uint64_t n);
/* Draws k different numbers below n (k <= n) into `out`, ascending; each
 * choice of them is as likely as any other. */
void sample_distinct(uint64_t *rng, uint64_t n, uint64_t k, uint64_t *out);

#endif
