/* Decimal numbers and sizes. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "base/num.h"

#include <inttypes.h>
#include <string.h>

static void parses_i64(void **state)
{
    UNUSED(state);
    const struct {
        const char *text;
        int64_t value;
    } good[] = {
        {"0", 0},
        {"7", 7},
        {"-1", -1},
        {"9223372036854775807", INT64_MAX},
        {"-9223372036854775808", INT64_MIN},
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        int64_t v = 99;
        assert_true(num_parse_i64(bytes_str(good[i].text), &v));
        assert_true(v == good[i].value);
    }
    const char *bad[] = {"",
                         "-",
                         "+1",
                         " 1",
                         "1 ",
                         "01",
                         "-0",
                         "-01",
                         "00",
                         "1.0",
                         "0x1",
                         "9223372036854775808",
                         "1e3",
                         "--1",
                         "-9223372036854775809",
                         "99999999999999999999"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        int64_t v = 99;
        assert_false(num_parse_i64(bytes_str(bad[i]), &v));
        assert_true(v == 99);
    }
}

static void parses_u64(void **state)
{
    UNUSED(state);
    uint64_t v = 0;
    assert_true(num_parse_u64(BYTES_LIT("18446744073709551615"), &v));
    assert_true(v == UINT64_MAX);
    assert_false(num_parse_u64(BYTES_LIT("18446744073709551616"), &v));
    assert_false(num_parse_u64(BYTES_LIT("18446744073709551620"), &v));
    assert_false(num_parse_u64(BYTES_LIT("-1"), &v));
    assert_false(num_parse_u64(BYTES_LIT("1\0"), &v));
}

static void formats(void **state)
{
    UNUSED(state);
    const int64_t values[] = {0, 1, -1, 10, -10, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        char text[NUM_TEXT_MAX];
        size_t len = num_format_i64(values[i], text);
        assert_int_equal(len, strlen(text));
        int64_t back = 0;
        assert_true(num_parse_i64(bytes_of(text, len), &back));
        assert_true(back == values[i]);
    }
    char text[NUM_TEXT_MAX];
    num_format_i64(INT64_MIN, text);
    assert_string_equal(text, "-9223372036854775808");
}

static void parses_sizes(void **state)
{
    UNUSED(state);
    const struct {
        const char *text;
        uint64_t value;
    } good[] = {
        {"100", 100},        {"1k", 1000},       {"1kb", 1024},
        {"1M", 1000000},     {"64MB", 64 << 20}, {"2g", 2000000000},
        {"1gB", 1ull << 30}, {"5b", 5},          {"0", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        uint64_t v = 99;
        assert_true(num_parse_size(bytes_str(good[i].text), &v));
        assert_true(v == good[i].value);
    }
    const char *bad[] = {"",
                         "kb",
                         "-1",
                         "1tb",
                         "1 kb",
                         "1.5gb",
                         "1kbb",
                         "99999999999999999999",
                         "18446744073709551615kb"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        uint64_t v = 0;
        assert_false(num_parse_size(bytes_str(bad[i]), &v));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_i64),
        cmocka_unit_test(parses_u64),
        cmocka_unit_test(formats),
        cmocka_unit_test(parses_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
