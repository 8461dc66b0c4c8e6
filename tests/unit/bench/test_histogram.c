/* The histogram of vard-bench against exact percentiles. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "bench/histogram.h"

#include <math.h>
#include <stdlib.h>

#define VALUES 50000

static struct histogram *fresh(void)
{
    struct histogram *h = mem_zalloc(sizeof(*h));
    histogram_reset(h);
    return h;
}

static void buckets_tile_the_values(void **state)
{
    UNUSED(state);
    assert_int_equal(0, histogram_bucket_low(0));
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        uint64_t low = histogram_bucket_low(i);
        uint64_t high = histogram_bucket_high(i);
        assert_true(low <= high);
        assert_int_equal(i, histogram_bucket_of(low));
        assert_int_equal(i, histogram_bucket_of(high));
        assert_true(low == 0 || low == histogram_bucket_high(i - 1) + 1);
        /* The precision that the header promises. */
        assert_true((high - low) * 128 <= low || high == low);
        assert_true(low >= 256 || high == low);
    }
    assert_int_equal(HISTOGRAM_BUCKETS - 1, histogram_bucket_of(UINT64_MAX));
}

static void empty(void **state)
{
    UNUSED(state);
    struct histogram *h = fresh();
    assert_int_equal(0, histogram_percentile(h, 0));
    assert_int_equal(0, histogram_percentile(h, 100));
    assert_true(histogram_mean(h) == 0);
    mem_free(h);
}

static void extremes(void **state)
{
    UNUSED(state);
    struct histogram *h = fresh();
    histogram_record(h, -5);
    histogram_record(h, 1000001);
    assert_int_equal(0, histogram_percentile(h, 0));
    assert_int_equal(0, histogram_percentile(h, 50));
    /* Never above what was recorded, though its bucket goes on. */
    assert_int_equal(1000001, histogram_percentile(h, 51));
    assert_int_equal(1000001, histogram_percentile(h, 100));
    histogram_record(h, INT64_MAX);
    assert_int_equal(((uint64_t)1 << 37) - 1, histogram_percentile(h, 100));
    mem_free(h);
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Uniform, exponential, and with a far tail. */
static int64_t draw(uint64_t *rng, int shape)
{
    double u = (double)(rng_next(rng) >> 11) / 9007199254740992.0;
    if (shape == 0)
        return (int64_t)(u * 100000);
    if (shape == 1)
        return (int64_t)(-log1p(-u) * 300);
    return (int64_t)(50 / pow(1 - u, 1.2));
}

static void check_shape(int shape, uint64_t seed)
{
    static const double percents[] = {0,  0.01, 1,    10,   25,    50, 75,
                                      90, 99,   99.5, 99.9, 99.99, 100};
    struct histogram *h = fresh();
    int64_t *exact = mem_alloc(VALUES * sizeof(*exact));
    double sum = 0;
    for (size_t i = 0; i < VALUES; i++) {
        exact[i] = draw(&seed, shape);
        histogram_record(h, exact[i]);
        sum += (double)exact[i];
    }
    qsort(exact, VALUES, sizeof(*exact), by_value);
    assert_true(fabs(histogram_mean(h) - sum / VALUES) < 1e-6 * sum);
    for (size_t i = 0; i < ARRAY_LEN(percents); i++) {
        size_t rank = (size_t)ceil(percents[i] / 100 * VALUES);
        uint64_t want = (uint64_t)exact[rank > 0 ? rank - 1 : 0];
        uint64_t got = histogram_percentile(h, percents[i]);
        assert_in_range(got, want, want + want / 128);
    }
    mem_free(exact);
    mem_free(h);
}

static void percentiles_as_exact_ones(void **state)
{
    UNUSED(state);
    for (int shape = 0; shape < 3; shape++) {
        for (uint64_t seed = 1; seed <= 4; seed++)
            check_shape(shape, seed);
    }
}

static void sum_of_parts(void **state)
{
    UNUSED(state);
    struct histogram *whole = fresh(), *a = fresh(), *b = fresh();
    uint64_t rng = 7;
    for (int i = 0; i < 10000; i++) {
        int64_t v = draw(&rng, i % 3);
        histogram_record(whole, v);
        histogram_record(i % 5 == 0 ? a : b, v);
    }
    histogram_add(a, b);
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        assert_int_equal(whole->counts[i], a->counts[i]);
    assert_int_equal(whole->count, a->count);
    assert_int_equal(whole->sum, a->sum);
    assert_int_equal(whole->min, a->min);
    assert_int_equal(whole->max, a->max);
    mem_free(whole);
    mem_free(a);
    mem_free(b);
}

static void difference_is_the_interval(void **state)
{
    UNUSED(state);
    struct histogram *h = fresh(), *before = fresh(), *d = fresh();
    for (int i = 0; i < 100; i++)
        histogram_record(h, 1000000);
    histogram_add(before, h);
    histogram_since(d, h, before);
    assert_int_equal(0, d->count);
    assert_int_equal(0, histogram_percentile(d, 99));
    for (int64_t v = 1; v <= 100; v++)
        histogram_record(h, v);
    histogram_since(d, h, before);
    assert_int_equal(100, d->count);
    assert_int_equal(1, histogram_percentile(d, 0));
    assert_int_equal(50, histogram_percentile(d, 50));
    assert_int_equal(99, histogram_percentile(d, 99));
    assert_int_equal(100, histogram_percentile(d, 100));
    assert_true(fabs(histogram_mean(d) - 50.5) < 1e-9);
    mem_free(h);
    mem_free(before);
    mem_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buckets_tile_the_values),
        cmocka_unit_test(empty),
        cmocka_unit_test(extremes),
        cmocka_unit_test(percentiles_as_exact_ones),
        cmocka_unit_test(sum_of_parts),
        cmocka_unit_test(difference_is_the_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
