/*
 * Times counted by size, and their quantiles.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/latency.h"

/* One time alone is every quantile, and at most a sixteenth too long. */
static void each_size_has_its_slot(void **state)
{
    UNUSED(state);
    for (uint64_t us = 0; us < UINT64_C(1) << 32; us += us / 100 + 1) {
        struct latency l = {{0}};
        latency_add(&l, us);
        uint64_t got = latency_quantile(&l, 0.5);
        assert_true(got >= us && got <= us + us / 16);
        assert_int_equal(latency_quantile(&l, 1), got);
    }
}

static void the_longest(void **state)
{
    struct latency l = {{0}};
    UNUSED(state);
    assert_int_equal(latency_quantile(&l, 0.5), 0);
    latency_add(&l, UINT64_MAX);
    latency_add(&l, UINT64_C(1) << 32);
    assert_int_equal(l.slots[LATENCY_SLOTS - 1], 2);
    assert_int_equal(latency_quantile(&l, 0.01), UINT32_MAX);
}

static void quantiles(void **state)
{
    struct latency l = {{0}};
    UNUSED(state);
    for (int i = 0; i < 989; i++)
        latency_add(&l, 3);
    for (int i = 0; i < 10; i++)
        latency_add(&l, 12);
    latency_add(&l, 1600);
    assert_int_equal(latency_quantile(&l, 0.5), 3);
    assert_int_equal(latency_quantile(&l, 0.989), 3);
    assert_int_equal(latency_quantile(&l, 0.99), 12);
    assert_int_equal(latency_quantile(&l, 0.999), 12);
    assert_int_equal(latency_quantile(&l, 1), 1663);
}

/* Of three times the middle one is the half; ranks are rounded. */
static void ranks_are_rounded(void **state)
{
    struct latency l = {{0}};
    UNUSED(state);
    latency_add(&l, 1);
    latency_add(&l, 3);
    latency_add(&l, 9);
    assert_int_equal(latency_quantile(&l, 0.49), 1);
    assert_int_equal(latency_quantile(&l, 0.5), 3);
    assert_int_equal(latency_quantile(&l, 0.8), 3);
    assert_int_equal(latency_quantile(&l, 0.84), 9);
    assert_int_equal(latency_quantile(&l, 0.0001), 1); /* not the 0th */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_size_has_its_slot),
        cmocka_unit_test(the_longest),
        cmocka_unit_test(quantiles),
        cmocka_unit_test(ranks_are_rounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
