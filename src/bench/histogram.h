/*
 * Log-linear histogram of durations in microseconds, in the manner of HDR
 * Histogram (Tene): every power of two is cut into 128 equal buckets.
 *
 * Precision: below 256 exact, above a bucket is less than 1/128 (0.8 %) of
 * its values wide. Memory: 32 KiB, whatever is recorded. Values beyond 2^37
 * (38 hours) count as that.
 *
 * Thread: one writes; any may read meanwhile and sees each count as it was a
 * moment ago.
 */
#ifndef BENCH_BENCH_HISTOGRAM_H
#define BENCH_BENCH_HISTOGRAM_H

#include "base/base.h"

#include <stdatomic.h>

#define HISTOGRAM_SUB_BITS 7
#define HISTOGRAM_MAX_BITS 37
#define HISTOGRAM_BUCKETS                                                      \
    ((HISTOGRAM_MAX_BITS - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS)

struct histogram {
    _Atomic uint64_t counts[HISTOGRAM_BUCKETS];
    _Atomic uint64_t count;
    _Atomic uint64_t sum;
    _Atomic uint64_t min; /* UINT64_MAX when empty */
    _Atomic uint64_t max;
};

void histogram_reset(struct histogram *h);
/* Negative values, from a clock read out of order, count as 0. */
void histogram_record(struct histogram *h, int64_t value);
void histogram_add(struct histogram *h, const struct histogram *other);
/* What was recorded since `before`, an earlier copy. The extremes are those of
 * the buckets, because the true ones of the interval are not known. */
void histogram_since(struct histogram *h, const struct histogram *now,
                     const struct histogram *before);

/* The smallest recorded value, as precise as the bucket, that at least
 * `percent` (0 to 100) of all values do not exceed: the upper end of its
 * bucket, and never above the largest value. 0 when empty. */
uint64_t histogram_percentile(const struct histogram *h, double percent);
double histogram_mean(const struct histogram *h);

/* Smallest and largest value of a bucket. */
uint64_t histogram_bucket_low(size_t bucket);
uint64_t histogram_bucket_high(size_t bucket);
size_t histogram_bucket_of(uint64_t value);

#endif
