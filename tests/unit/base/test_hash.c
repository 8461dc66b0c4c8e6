/* Hashes against the values that others publish. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "base/hash.h"

static void hashes(void **state)
{
    UNUSED(state);
    /* The check value of CRC-16/XMODEM. */
    assert_int_equal(crc16(BYTES_LIT("123456789")), 0x31c3);
    assert_int_equal(crc16(BYTES_NONE), 0);
    /* XXH3-64 of nothing, from the reference implementation. */
    assert_true(hash64(BYTES_NONE) == UINT64_C(0x2d06800538d394c2));
    assert_true(hash64(BYTES_LIT("a")) != hash64(BYTES_LIT("b")));
    assert_true(hash64_seed(BYTES_LIT("a"), 0) == hash64(BYTES_LIT("a")));
    assert_true(hash64_seed(BYTES_LIT("a"), 1) != hash64(BYTES_LIT("a")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
