/*
 * The one-shot functions of OpenSSL. They fail only when memory runs out or the
 * installation is broken; nothing can be done safely then, so it is an
 * assertion.
 */
#include "net/crypto.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

void crypto_sha256(struct bytes data, uint8_t out[CRYPTO_HASH_SIZE])
{
    unsigned int len = 0;
    int ok = EVP_Digest(data.data, data.len, out, &len, EVP_sha256(), NULL);
    ASSERT(ok == 1);
    ASSERT(len == CRYPTO_HASH_SIZE);
}

void crypto_hmac_sha256(struct bytes key, struct bytes data,
                        uint8_t out[CRYPTO_HASH_SIZE])
{
    ASSERT(key.len <= INT_MAX);
    /* A NULL key would mean "the previous key" to OpenSSL. */
    const void *key_data = key.len > 0 ? (const void *)key.data : "";
    unsigned int len = 0;
    const unsigned char *mac = HMAC(EVP_sha256(), key_data, (int)key.len,
                                    data.data, data.len, out, &len);
    ASSERT(mac == out);
    ASSERT(len == CRYPTO_HASH_SIZE);
}

bool crypto_equal(struct bytes a, struct bytes b)
{
    if (a.len != b.len)
        return false;
    return a.len == 0 || CRYPTO_memcmp(a.data, b.data, a.len) == 0;
}
