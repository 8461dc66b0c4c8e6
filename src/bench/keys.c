/*
 * How it works: see the header. The constant of Zipf, zeta(n), is summed up
 * once for the first million terms; the rest is the integral, which is within
 * 10^-9 of the sum there.
 *
 * Nothing here fails: the options were checked before (options.c), so no keys
 * at all, or a prefix that is too long, is an assertion.
 */
#include "bench/keys.h"

#include "base/alloc.h"
#include "base/rng.h"

#include <math.h>

#define THETA      0.99
#define SUMMED_MAX 1000000
#define POOL_SEED  UINT64_C(0x76617264)
#define DIGITS     12
#define DIGITS_MAX 20

static double zeta(uint64_t n, double theta)
{
    uint64_t summed = MIN(n, SUMMED_MAX);
    double sum = 0;
    for (uint64_t i = 1; i <= summed; i++)
        sum += 1 / pow((double)i, theta);
    if (n > summed) {
        /* Each term as the integral over the unit interval around it. */
        double from = (double)summed + 0.5, to = (double)n + 0.5;
        sum += (pow(to, 1 - theta) - pow(from, 1 - theta)) / (1 - theta);
    }
    return sum;
}

void keys_init(struct keys *k, uint64_t count, bool zipf, size_t value_bytes)
{
    ASSERT(count > 0);
    *k =
        (struct keys){.count = count, .zipf = zipf, .value_bytes = value_bytes};
    size_t bytes = KEYS_POOL_SLACK + value_bytes;
    k->pool = mem_alloc(bytes);
    uint64_t rng = POOL_SEED;
    for (size_t i = 0; i < bytes; i++)
        k->pool[i] = (uint8_t)rng_next(&rng);
    if (!zipf)
        return;
    k->theta = THETA;
    k->alpha = 1 / (1 - THETA);
    k->zeta_n = zeta(count, THETA);
    k->eta = (1 - pow(2 / (double)count, 1 - THETA)) /
             (1 - zeta(2, THETA) / k->zeta_n);
}

void keys_release(struct keys *k)
{
    mem_free(k->pool);
    k->pool = NULL;
}

static uint64_t scatter(uint64_t v)
{
    return rng_next(&v);
}

uint64_t keys_rank(const struct keys *k, uint64_t *rng)
{
    ASSERT(k->zipf);
    double u = (double)(rng_next(rng) >> 11) / (double)(UINT64_C(1) << 53);
    double uz = u * k->zeta_n;
    if (uz < 1 || k->count == 1)
        return 0;
    if (uz < 1 + pow(0.5, k->theta) || k->count == 2)
        return 1;
    double at = (double)k->count * pow(k->eta * u - k->eta + 1, k->alpha);
    return MIN((uint64_t)at, k->count - 1);
}

uint64_t keys_pick(const struct keys *k, uint64_t *rng)
{
    if (k->zipf)
        return scatter(keys_rank(k, rng)) % k->count;
    return rng_below(rng, k->count);
}

struct bytes keys_text(const char *prefix, enum key_family family,
                       uint64_t index, char out[KEY_TEXT_MAX])
{
    size_t len = strlen(prefix);
    ASSERT(len <= KEY_PREFIX_MAX);
    memcpy(out, prefix, len);
    out[len++] = (char)family;
    char digits[DIGITS_MAX];
    size_t at = DIGITS_MAX;
    do {
        digits[--at] = (char)('0' + index % 10);
        index /= 10;
    } while (index > 0 || DIGITS_MAX - at < DIGITS);
    memcpy(out + len, digits + at, DIGITS_MAX - at);
    return bytes_of(out, len + DIGITS_MAX - at);
}

struct bytes keys_value_random(const struct keys *k, uint64_t *rng)
{
    return bytes_of(k->pool + rng_below(rng, KEYS_POOL_SLACK), k->value_bytes);
}

struct bytes keys_value_of(const struct keys *k, uint64_t index)
{
    return bytes_of(k->pool + scatter(index) % KEYS_POOL_SLACK, k->value_bytes);
}
