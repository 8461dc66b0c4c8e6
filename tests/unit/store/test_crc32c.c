/* CRC-32C against published values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/crc32c.h"

/* RFC 3720, appendix B.4, and the usual check value. */
static void test_known_values(void **state)
{
    UNUSED(state);
    struct crc32c c;
    crc32c_init(&c);
    uint8_t data[32] = {0};
    assert_int_equal(crc32c_of(&c, BYTES_NONE), 0);
    assert_int_equal(crc32c_of(&c, BYTES_LIT("123456789")), 0xe3069283);
    assert_int_equal(crc32c_of(&c, bytes_of(data, 32)), 0x8a9136aa);
    memset(data, 0xff, 32);
    assert_int_equal(crc32c_of(&c, bytes_of(data, 32)), 0x62a8ab43);
    for (uint8_t i = 0; i < 32; i++)
        data[i] = i;
    assert_int_equal(crc32c_of(&c, bytes_of(data, 32)), 0x46dd794e);
}

static void test_masked(void **state)
{
    UNUSED(state);
    struct crc32c c;
    crc32c_init(&c);
    uint32_t crc = crc32c_of(&c, BYTES_LIT("123456789"));
    uint32_t masked = crc32c_masked(&c, BYTES_LIT("123456789"));
    uint32_t moved = masked - 0xa282ead8;
    assert_int_equal((moved >> 17) | (moved << 15), crc);
    assert_int_not_equal(masked, crc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_values),
        cmocka_unit_test(test_masked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
