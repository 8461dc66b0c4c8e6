/*
 * How it works: numbers are drawn until there are enough different ones, in
 * rounds: a round draws as many as are still missing, then all are sorted, and
 * what was drawn twice goes. That is as if they were drawn one by one, and
 * drawn again if they had been there. More than half of all are chosen by
 * choosing what is left out, so there are few rounds.
 *
 * How it fails: it does not. A wrong argument is a mistake of the caller.
 */
#include "type/sample.h"

#include "base/alloc.h"
#include "base/rng.h"

#include <stdlib.h>

uint64_t sample_below(uint64_t *rng, uint64_t n)
{
    ASSERT(n > 0);
    uint64_t surplus = -n % n; /* 2^64 mod n */
    uint64_t v = rng_next(rng);
    while (v < surplus)
        v = rng_next(rng);
    return v % n;
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void draw(uint64_t *rng, uint64_t n, uint64_t k, uint64_t *out)
{
    uint64_t have = 0;
    while (have < k) {
        for (uint64_t i = have; i < k; i++)
            out[i] = sample_below(rng, n);
        qsort(out, k, sizeof(*out), by_size);
        have = 1;
        for (uint64_t i = 1; i < k; i++) {
            if (out[i] != out[have - 1])
                out[have++] = out[i];
        }
    }
}

void sample_distinct(uint64_t *rng, uint64_t n, uint64_t k, uint64_t *out)
{
    ASSERT(k <= n);
    if (k <= n / 2) {
        draw(rng, n, k, out);
        return;
    }
    uint64_t left = n - k;
    uint64_t *without = mem_alloc((size_t)(left + 1) * sizeof(*without));
    draw(rng, n, left, without);
    uint64_t next = 0;
    uint64_t at = 0;
    for (uint64_t i = 0; i < n; i++) {
        if (at < left && without[at] == i)
            at++;
        else
            out[next++] = i;
    }
    ASSERT(next == k && at == left);
    mem_free(without);
}
