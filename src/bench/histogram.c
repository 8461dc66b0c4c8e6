/*
 * How it works: bucket numbers are contiguous. Row 0 holds 0 to 127, one
 * value a bucket; row r holds [2^(r+6), 2^(r+7)) in steps of 2^(r-1). Counts
 * are atomic only so that a reader on another thread is defined; the one
 * writer pays no locked instruction, for it loads and stores.
 *
 * Nothing here fails: a value outside the range counts as the nearest one in
 * it, and percentile and mean of an empty histogram are 0.
 */
#include "bench/histogram.h"

#include <math.h>

#define SUB_COUNT ((uint64_t)1 << HISTOGRAM_SUB_BITS)
#define VALUE_MAX (((uint64_t)1 << HISTOGRAM_MAX_BITS) - 1)

static uint64_t get(const _Atomic uint64_t *v)
{
    return atomic_load_explicit(v, memory_order_relaxed);
}

static void put(_Atomic uint64_t *v, uint64_t to)
{
    atomic_store_explicit(v, to, memory_order_relaxed);
}

static void increase(_Atomic uint64_t *v, uint64_t by)
{
    put(v, get(v) + by);
}

size_t histogram_bucket_of(uint64_t value)
{
    value = MIN(value, VALUE_MAX);
    if (value < SUB_COUNT)
        return (size_t)value;
    unsigned shift = 63 - (unsigned)__builtin_clzll(value) - HISTOGRAM_SUB_BITS;
    size_t row = shift + 1;
    size_t column = (size_t)((value >> shift) - SUB_COUNT);
    ASSERT(column < SUB_COUNT);
    return (row << HISTOGRAM_SUB_BITS) + column;
}

uint64_t histogram_bucket_low(size_t bucket)
{
    ASSERT(bucket < HISTOGRAM_BUCKETS);
    if (bucket < SUB_COUNT)
        return bucket;
    size_t shift = (bucket >> HISTOGRAM_SUB_BITS) - 1;
    return ((bucket & (SUB_COUNT - 1)) + SUB_COUNT) << shift;
}

uint64_t histogram_bucket_high(size_t bucket)
{
    if (bucket + 1 == HISTOGRAM_BUCKETS)
        return VALUE_MAX;
    return histogram_bucket_low(bucket + 1) - 1;
}

void histogram_reset(struct histogram *h)
{
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        put(&h->counts[i], 0);
    put(&h->count, 0);
    put(&h->sum, 0);
    put(&h->min, UINT64_MAX);
    put(&h->max, 0);
}

void histogram_record(struct histogram *h, int64_t value)
{
    uint64_t v = value < 0 ? 0 : MIN((uint64_t)value, VALUE_MAX);
    increase(&h->counts[histogram_bucket_of(v)], 1);
    increase(&h->count, 1);
    increase(&h->sum, v);
    if (v < get(&h->min))
        put(&h->min, v);
    if (v > get(&h->max))
        put(&h->max, v);
}

void histogram_add(struct histogram *h, const struct histogram *other)
{
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        increase(&h->counts[i], get(&other->counts[i]));
    increase(&h->count, get(&other->count));
    increase(&h->sum, get(&other->sum));
    put(&h->min, MIN(get(&h->min), get(&other->min)));
    put(&h->max, MAX(get(&h->max), get(&other->max)));
}

void histogram_since(struct histogram *h, const struct histogram *now,
                     const struct histogram *before)
{
    histogram_reset(h);
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        uint64_t n = get(&now->counts[i]) - get(&before->counts[i]);
        if (n == 0)
            continue;
        put(&h->counts[i], n);
        /* The counts, not `count`: a reader may see them apart. */
        increase(&h->count, n);
        put(&h->min, MIN(get(&h->min), histogram_bucket_low(i)));
        put(&h->max, histogram_bucket_high(i));
    }
    put(&h->max, MIN(get(&h->max), get(&now->max)));
    put(&h->sum, get(&now->sum) - get(&before->sum));
}

uint64_t histogram_percentile(const struct histogram *h, double percent)
{
    ASSERT(percent >= 0 && percent <= 100);
    uint64_t count = get(&h->count);
    if (count == 0)
        return 0;
    uint64_t wanted = (uint64_t)ceil(percent / 100 * (double)count);
    wanted = MIN(MAX(wanted, 1), count);
    uint64_t seen = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += get(&h->counts[i]);
        if (seen >= wanted)
            return MIN(histogram_bucket_high(i), get(&h->max));
    }
    return get(&h->max);
}

double histogram_mean(const struct histogram *h)
{
    uint64_t count = get(&h->count);
    return count == 0 ? 0 : (double)get(&h->sum) / (double)count;
}
