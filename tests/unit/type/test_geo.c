/*
 * Places, their scores and distances; the sines that are the same everywhere.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "type/geo.h"
#include "type/trig.h"

#include <math.h>
#include <string.h>

#define SINES_HASH UINT64_C(0x7f08a2706f139b10)

static double uniform(uint64_t *rng, double max)
{
    return ((double)(rng_next(rng) >> 11) * 0x1p-53 * 2 - 1) * max;
}

/* The number nearest to what long doubles say, or the one beside it. */
static void check_near(double got, long double wanted)
{
    double nearest = (double)wanted;
    assert_true(got >= nextafter(nearest, -INFINITY) &&
                got <= nextafter(nearest, INFINITY));
}

static void test_sines(void **state)
{
    uint64_t rng = 1;
    uint32_t other = 0;
    UNUSED(state);
    for (int i = 0; i < 20000; i++) {
        double x = uniform(&rng, i % 3 == 0 ? 1e-6 : i % 3 == 1 ? 5 : 100);
        double y = uniform(&rng, i % 2 == 0 ? 1 : 1e-7);
        check_near(trig_sin(x), sinl(x));
        check_near(trig_cos(x), cosl(x));
        check_near(trig_asin(y), asinl(y));
        other += trig_sin(x) != (double)sinl(x);
        other += trig_asin(y) != (double)asinl(y);
    }
    assert_in_range(other, 0, 100); /* rounded twice by long double */
    assert_true(trig_asin(1) == M_PI / 2 && trig_asin(-1) == -M_PI / 2);
    assert_true(trig_sin(0) == 0 && trig_cos(0) == 1 && trig_asin(0) == 0);
    assert_true(isnan(trig_sin(101)) && isnan(trig_cos(INFINITY)));
    assert_true(isnan(trig_asin(1.1)) && isnan(trig_sin(NAN)));
}

/* Some bits, of the sines of this version: on every machine. */
static void test_sines_are_the_same_everywhere(void **state)
{
    uint64_t rng = 7;
    uint64_t all = 0;
    UNUSED(state);
    for (int i = 0; i < 1000; i++) {
        double x = uniform(&rng, 4);
        double y = uniform(&rng, 1);
        double v[3] = {trig_sin(x), trig_cos(x), trig_asin(y)};
        for (int k = 0; k < 3; k++) {
            uint64_t bits;
            memcpy(&bits, &v[k], sizeof(bits));
            all = all * 31 + bits;
        }
    }
    assert_int_equal(all, SINES_HASH);
}

static void test_places_are_scores(void **state)
{
    uint64_t rng = 2;
    UNUSED(state);
    for (int i = 0; i < 20000; i++) {
        struct geo_place p = {uniform(&rng, GEO_LONGITUDE_MAX),
                              uniform(&rng, GEO_LATITUDE_MAX)};
        uint64_t score = geo_encode(&p);
        struct geo_place q = geo_decode((double)score);
        assert_true(score < (uint64_t)1 << 52);
        assert_true(fabs(p.longitude - q.longitude) < 3e-6);
        assert_true(fabs(p.latitude - q.latitude) < 1.5e-6);
        assert_int_equal(score, geo_encode(&q));
        double exact = geo_distance(&geo_exact, &p, &q);
        assert_true(fabs(exact - geo_distance(&geo_fast, &p, &q)) < 1e-9);
        assert_true(exact < 0.5);
    }
}

/* Of any score, there is a place. */
static void test_any_score(void **state)
{
    static const double scores[] = {-1,    -0.5,      1e18,     1e19, 2e19,
                                    1e300, -INFINITY, INFINITY, 3.7,  -1e300};
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(scores); i++) {
        struct geo_place p = geo_decode(scores[i]);
        assert_true(geo_is_valid(&p));
    }
}

static bool in_ranges(const struct geo_range *r, uint32_t n, uint64_t score)
{
    uint32_t times = 0;
    for (uint32_t i = 0; i < n; i++)
        times += score >= r[i].from && score < r[i].to;
    assert_true(times <= 1);
    return times == 1;
}

/* Everything in a shape is in its ranges: places near its center, of all sizes
 * of shapes. */
static void test_ranges_have_what_is_in_the_shape(void **state)
{
    uint64_t rng = 3;
    uint32_t inside = 0;
    UNUSED(state);
    for (int i = 0; i < 3000; i++) {
        double size = pow(10, 1 + uniform(&rng, 1) * 5 / 2 + 2.5);
        struct geo_shape s = {
            .center = {uniform(&rng, 170), uniform(&rng, 60)},
            .box = i % 2 == 0,
            .radius = size,
            .width = size * 2,
            .height = size,
            .unit = 1,
        };
        struct geo_range ranges[GEO_RANGES_MAX];
        const struct geo_math *m = i % 3 == 0 ? &geo_exact : &geo_fast;
        uint32_t n = geo_ranges(m, &s, ranges);
        assert_in_range(n, 1, GEO_RANGES_MAX);
        for (int k = 0; k < 20; k++) {
            double degrees = size / 100000;
            struct geo_place p = {s.center.longitude + uniform(&rng, degrees),
                                  s.center.latitude + uniform(&rng, degrees)};
            double distance = 0;
            if (!geo_is_valid(&p) || !geo_within(m, &s, &p, &distance))
                continue;
            assert_true(in_ranges(ranges, n, geo_encode(&p)));
            assert_true(distance <= size * 1.2);
            inside++;
        }
    }
    assert_true(inside > 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sines),
        cmocka_unit_test(test_sines_are_the_same_everywhere),
        cmocka_unit_test(test_places_are_scores),
        cmocka_unit_test(test_any_score),
        cmocka_unit_test(test_ranges_have_what_is_in_the_shape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
