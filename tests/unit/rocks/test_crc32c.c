/* CRC-32C against published values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rocks/crc32c.h"

#include <string.h>

typedef uint32_t extend_fn(uint32_t crc, struct bytes data);

/* RFC 3720, appendix B.4, and the usual check value. */
static void known_values(extend_fn *extend)
{
    uint8_t data[32] = {0};
    assert_int_equal(extend(0, BYTES_NONE), 0);
    assert_int_equal(extend(0, BYTES_LIT("123456789")), 0xe3069283);
    assert_int_equal(extend(0, bytes_of(data, 32)), 0x8a9136aa);
    memset(data, 0xff, 32);
    assert_int_equal(extend(0, bytes_of(data, 32)), 0x62a8ab43);
    for (uint8_t i = 0; i < 32; i++)
        data[i] = i;
    assert_int_equal(extend(0, bytes_of(data, 32)), 0x46dd794e);
}

static void test_known_values(void **state)
{
    UNUSED(state);
    known_values(crc32c_extend);
    known_values(crc32c_extend_plain);
}

/* Every length, alignment and split. */
static void test_one_is_the_other(void **state)
{
    UNUSED(state);
    uint8_t data[300];
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 37 + i / 11);
    for (size_t begin = 0; begin < 16; begin++) {
        for (size_t len = 0; len <= sizeof(data) - begin; len++) {
            struct bytes all = bytes_of(data + begin, len);
            struct bytes part = bytes_of(data + begin, len / 3);
            struct bytes rest = bytes_from(all, len / 3);
            uint32_t crc = crc32c_extend_plain(0, all);
            assert_int_equal(crc32c_extend(0, all), crc);
            assert_int_equal(crc32c_extend(crc32c_extend(0, part), rest), crc);
            assert_int_equal(
                crc32c_extend_plain(crc32c_extend_plain(0, part), rest), crc);
        }
    }
}

static void test_masked(void **state)
{
    UNUSED(state);
    uint32_t crc = crc32c_extend(0, BYTES_LIT("123456789"));
    uint32_t masked = crc32c_masked(BYTES_LIT("123456789"));
    uint32_t moved = masked - 0xa282ead8;
    assert_int_equal((moved >> 17) | (moved << 15), crc);
    assert_int_not_equal(masked, crc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_values),
        cmocka_unit_test(test_one_is_the_other),
        cmocka_unit_test(test_masked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
