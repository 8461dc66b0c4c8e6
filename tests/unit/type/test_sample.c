// link: base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "type/sample.h"

#include <string.h>

/* Sum over all classes of the squared deviation, in units of what is expected:
 * about as much as there are classes. The seeds are fixed, so is the result. */
static double chi_square(const uint32_t *counts, uint32_t n, double expected)
{
    double sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        double d = counts[i] - expected;
        sum += d * d / expected;
    }
    return sum;
}

static void test_one_is_uniform(void **state)
{
    static uint32_t counts[1000];
    uint64_t rng = 1;
    UNUSED(state);
    for (int i = 0; i < 100000; i++)
        counts[sample_below(&rng, 1000)]++;
    double chi = chi_square(counts, 1000, 100);
    assert_true(chi > 850 && chi < 1150);
    for (int i = 0; i < 100; i++)
        assert_int_equal(0, sample_below(&rng, 1));
}

/* Of a range that is two thirds of all numbers, a remainder would give the
 * lower half twice as often. */
static void test_no_remainder(void **state)
{
    uint64_t rng = 2;
    uint64_t n = UINT64_MAX / 3 * 2;
    uint32_t low = 0;
    UNUSED(state);
    for (int i = 0; i < 10000; i++) {
        uint64_t v = sample_below(&rng, n);
        assert_true(v < n);
        low += v < n / 2;
    }
    assert_true(low > 4800 && low < 5200);
}

/* Each number is chosen as often as any other, and each pair is different. */
static void choose(uint64_t n, uint64_t k, uint32_t rounds)
{
    static uint32_t counts[50];
    uint64_t out[50];
    uint64_t rng = n * 100 + k;
    memset(counts, 0, sizeof(counts));
    for (uint32_t r = 0; r < rounds; r++) {
        sample_distinct(&rng, n, k, out);
        for (uint64_t i = 0; i < k; i++) {
            assert_true(out[i] < n && (i == 0 || out[i - 1] < out[i]));
            counts[out[i]]++;
        }
    }
    if (k == 0)
        return;
    double chi =
        chi_square(counts, (uint32_t)n, (double)(rounds * k) / (double)n);
    assert_true(chi < 2 * (double)n + 10);
}

static void test_distinct(void **state)
{
    UNUSED(state);
    for (uint64_t k = 0; k <= 20; k++)
        choose(20, k, 5000);
    choose(1, 1, 10);
    choose(50, 25, 3000);
    choose(50, 26, 3000);
    choose(3, 2, 3000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_is_uniform),
        cmocka_unit_test(test_no_remainder),
        cmocka_unit_test(test_distinct),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
