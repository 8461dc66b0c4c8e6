/*
 * Distributions by integers only: floating point could differ between
 * compilers and levels of optimization, and a seed has to mean the same run
 * under all of them.
 */
#include "sim.h"

/* ln 2 * (geometric + fraction): halves of an exponential distribution, each
 * taken as flat. */
int64_t sim_exponential(uint64_t *rng, int64_t mean)
{
    uint64_t r = rng_next(rng) | 1;
    int64_t halves = __builtin_clzll(r);
    int64_t fraction = (int64_t)(rng_next(rng) & 0xffff);

    ASSERT(mean >= 0);
    halves = MIN(halves, 20);
    return mean * 693 / 1000 * (halves * 65536 + fraction) / 65536;
}

int64_t sim_magnitude(uint64_t *rng, int64_t lo, int64_t hi)
{
    int64_t steps = 0;

    ASSERT(lo > 0 && hi >= lo);
    while ((lo << (steps + 1)) <= hi)
        steps++;
    int64_t from = lo << rng_below(rng, (uint64_t)steps + 1);
    int64_t width = MIN(from, hi - from);
    return from + (int64_t)rng_below(rng, (uint64_t)width + 1);
}
