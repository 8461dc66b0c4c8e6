/*
 * A small deterministic generator (splitmix64, Steele et al., OOPSLA 2014).
 * Its state is a plain number inside the struct that uses it. Never use it for
 * secrets.
 */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include "base/base.h"

static inline uint64_t rng_next(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Uniform in [0, n), n > 0 (bias below 2^-32 for the small n used here). */
static inline uint64_t rng_below(uint64_t *state, uint64_t n)
{
    ASSERT(n > 0);
    return rng_next(state) % n;
}

#endif
