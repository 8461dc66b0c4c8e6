/*
 * Bits and fields, each against the plainest way to say what they are.
 */
// link: base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "type/bits.h"

static bool bit_of(const uint8_t *p, uint64_t at)
{
    return (p[at / 8] >> (7 - at % 8) & 1) != 0;
}

static void fill(uint64_t *rng, uint8_t *p, size_t len, uint8_t base)
{
    memset(p, base, len);
    if (len > 0 && rng_below(rng, 4) > 0)
        p[rng_below(rng, len)] ^= (uint8_t)(1u << rng_below(rng, 8));
}

static void test_count_and_find(void **state)
{
    uint64_t rng = 1;
    UNUSED(state);
    for (int round = 0; round < 4000; round++) {
        uint8_t p[40];
        size_t len = rng_below(&rng, sizeof(p) + 1);
        uint64_t count = 0;
        int64_t first[2] = {-1, -1};
        fill(&rng, p, len, round % 2 == 0 ? 0 : 0xff);
        for (uint64_t at = 0; at < len * 8; at++) {
            bool bit = bit_of(p, at);
            count += bit;
            if (first[bit] < 0)
                first[bit] = (int64_t)at;
        }
        assert_int_equal(bits_count(bytes_of(p, len)), count);
        assert_int_equal(bits_find(bytes_of(p, len), false), first[0]);
        assert_int_equal(bits_find(bytes_of(p, len), true), first[1]);
    }
}

static void test_combine(void **state)
{
    UNUSED(state);
    for (unsigned a = 0; a < 256; a++) {
        uint8_t with[3] = {(uint8_t)(a * 7), (uint8_t)(a * 3), (uint8_t)~a};
        const unsigned expected[4][3] = {
            {a & with[0], a & with[1], a & with[2]},
            {a | with[0], a | with[1], a | with[2]},
            {a ^ with[0], a ^ with[1], a ^ with[2]},
            {~a & 0xff, ~a & 0xff, ~a & 0xff},
        };
        for (unsigned op = BITS_AND; op <= BITS_NOT; op++) {
            uint8_t into[3] = {(uint8_t)a, (uint8_t)a, (uint8_t)a};
            bits_combine((enum bits_operation)op, into,
                         op == BITS_NOT ? NULL : with, 3);
            for (size_t i = 0; i < 3; i++)
                assert_int_equal(into[i], expected[op][i]);
        }
    }
}

/* What was stored is loaded, and nothing around it has changed. */
static void test_fields(void **state)
{
    uint64_t rng = 2;
    UNUSED(state);
    for (unsigned n = 0; n < 2 * 64 * 8; n++) {
        struct bits_field f = {.is_signed = n % 2 == 0,
                               .bits = (uint8_t)(n / 2 % 64 + 1),
                               .offset = 800 + n / 128};
        uint8_t window[BITS_WINDOW], before[BITS_WINDOW];
        if (!f.is_signed && f.bits == 64)
            continue;
        for (size_t i = 0; i < BITS_WINDOW; i++)
            before[i] = (uint8_t)rng_next(&rng);
        memcpy(window, before, sizeof(window));
        uint64_t number = rng_next(&rng);
        bits_store(window, &f, (int64_t)number);
        unsigned first = f.offset % 8;
        for (unsigned at = 0; at < 8 * BITS_WINDOW; at++) {
            bool inside = at >= first && at < first + f.bits;
            bool expected = inside ? number >> (first + f.bits - 1 - at) & 1
                                   : bit_of(before, at);
            assert_true(bit_of(window, at) == expected);
        }
        int64_t loaded = bits_load(window, &f);
        assert_int_equal((uint64_t)loaded << (64 - f.bits),
                         number << (64 - f.bits));
        assert_true(f.is_signed || loaded >= 0);
        assert_true(!f.is_signed ||
                    (loaded < 0) == ((number >> (f.bits - 1) & 1) != 0));
    }
}

/* Every sum of fields of few bits, by each rule. */
static void test_sums(void **state)
{
    UNUSED(state);
    for (int bits = 1; bits <= 5; bits++) {
        for (int sign = 0; sign <= 1; sign++) {
            struct bits_field f = {.is_signed = sign == 1,
                                   .bits = (uint8_t)bits};
            int64_t min = sign == 1 ? -(1 << (bits - 1)) : 0;
            int64_t max = min + (1 << bits) - 1;
            for (int64_t a = min; a <= max; a++) {
                for (int64_t b = -70; b <= 70; b++) {
                    int64_t exact = a + b, sum = 0;
                    bool fits = exact >= min && exact <= max;
                    int64_t wrapped =
                        min + (((exact - min) % (1 << bits)) + (1 << bits)) %
                                  (1 << bits);
                    assert_true(bits_add(&f, BITS_WRAP, a, b, &sum));
                    assert_int_equal(sum, wrapped);
                    assert_true(bits_add(&f, BITS_SATURATE, a, b, &sum));
                    assert_int_equal(sum, MIN(MAX(exact, min), max));
                    assert_true(bits_add(&f, BITS_FAIL, a, b, &sum) == fits);
                }
            }
        }
    }
}

static void test_wide_sums(void **state)
{
    static const struct {
        bool is_signed;
        uint8_t bits;
        int64_t value, more;
        int64_t wrapped, saturated;
    } rows[] = {
        {true, 64, INT64_MAX, 1, INT64_MIN, INT64_MAX},
        {true, 64, INT64_MIN, -1, INT64_MAX, INT64_MIN},
        {true, 64, INT64_MIN, INT64_MIN, 0, INT64_MIN},
        {true, 63, INT64_MAX, 0, -1, INT64_MAX / 2},
        {false, 63, INT64_MAX, 1, 0, INT64_MAX},
        {false, 63, -1, 0, INT64_MAX, INT64_MAX},
        {false, 63, 0, -1, INT64_MAX, 0},
        {false, 8, -1, 0, 255, 255},
        {false, 8, INT64_MIN, 0, 0, 255},
    };
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bits_field f = {.is_signed = rows[i].is_signed,
                               .bits = rows[i].bits};
        int64_t value = rows[i].value, more = rows[i].more, sum = 0;
        assert_true(bits_add(&f, BITS_WRAP, value, more, &sum));
        assert_int_equal(sum, rows[i].wrapped);
        assert_true(bits_add(&f, BITS_SATURATE, value, more, &sum));
        assert_int_equal(sum, rows[i].saturated);
        assert_false(bits_add(&f, BITS_FAIL, value, more, &sum));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_count_and_find), cmocka_unit_test(test_combine),
        cmocka_unit_test(test_fields),         cmocka_unit_test(test_sums),
        cmocka_unit_test(test_wide_sums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
