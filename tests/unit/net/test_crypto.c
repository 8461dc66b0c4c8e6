/*
 * Known answers: FIPS 180-2 for SHA-256, RFC 4231 for HMAC-SHA256.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "net/crypto.h"

static struct bytes from_hex(const char *hex, uint8_t *out, size_t size)
{
    size_t len = strlen(hex) / 2;
    assert_true(len <= size);
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        const char *hi = strchr(digits, hex[2 * i]);
        const char *lo = strchr(digits, hex[2 * i + 1]);
        assert_true(hi != NULL && lo != NULL);
        out[i] = (uint8_t)((hi - digits) * 16 + (lo - digits));
    }
    return bytes_of(out, len);
}

static void expect_hash(const uint8_t *got, const char *hex)
{
    uint8_t wanted[CRYPTO_HASH_SIZE];
    assert_int_equal(from_hex(hex, wanted, sizeof(wanted)).len,
                     CRYPTO_HASH_SIZE);
    assert_memory_equal(got, wanted, CRYPTO_HASH_SIZE);
}

static void test_sha256(void **state)
{
    UNUSED(state);
    uint8_t out[CRYPTO_HASH_SIZE];
    crypto_sha256(BYTES_NONE, out);
    expect_hash(out, "e3b0c44298fc1c149afbf4c8996fb924"
                     "27ae41e4649b934ca495991b7852b855");
    crypto_sha256(BYTES_LIT("abc"), out);
    expect_hash(out, "ba7816bf8f01cfea414140de5dae2223"
                     "b00361a396177a9cb410ff61f20015ad");
    crypto_sha256(BYTES_LIT("abcdbcdecdefdefgefghfghighijhijk"
                            "ijkljklmklmnlmnomnopnopq"),
                  out);
    expect_hash(out, "248d6a61d20638b8e5c026930c3e6039"
                     "a33ce45964ff2167f6ecedd419db06c1");
}

static void test_hmac(void **state)
{
    UNUSED(state);
    uint8_t key[131];
    uint8_t out[CRYPTO_HASH_SIZE];
    memset(key, 0x0b, 20);
    crypto_hmac_sha256(bytes_of(key, 20), BYTES_LIT("Hi There"), out);
    expect_hash(out, "b0344c61d8db38535ca8afceaf0bf12b"
                     "881dc200c9833da726e9376c2e32cff7");
    crypto_hmac_sha256(BYTES_LIT("Jefe"),
                       BYTES_LIT("what do ya want for nothing?"), out);
    expect_hash(out, "5bdcc146bf60754e6a042426089575c7"
                     "5a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof(key));
    crypto_hmac_sha256(bytes_of(key, sizeof(key)),
                       BYTES_LIT("Test Using Larger Than Block-Size Key - "
                                 "Hash Key First"),
                       out);
    expect_hash(out, "60e431591ee0b67f0d8a26aacbf5b77f"
                     "8e0bc6213728c5140546040f0ee37f54");
}

static void test_hmac_empty_key(void **state)
{
    UNUSED(state);
    uint8_t out[CRYPTO_HASH_SIZE];
    crypto_hmac_sha256(BYTES_LIT("another"), BYTES_LIT("x"), out);
    /* Not the key of the call before. */
    crypto_hmac_sha256(BYTES_NONE, BYTES_NONE, out);
    expect_hash(out, "b613679a0814d9ec772f95d778c35fc5"
                     "ff1697c493715653c6c712144292c5ad");
}

static void test_equal(void **state)
{
    UNUSED(state);
    assert_true(crypto_equal(BYTES_LIT("same"), BYTES_LIT("same")));
    assert_false(crypto_equal(BYTES_LIT("same"), BYTES_LIT("samf")));
    assert_false(crypto_equal(BYTES_LIT("same"), BYTES_LIT("same1")));
    assert_true(crypto_equal(BYTES_NONE, BYTES_NONE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha256),
        cmocka_unit_test(test_hmac),
        cmocka_unit_test(test_hmac_empty_key),
        cmocka_unit_test(test_equal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
