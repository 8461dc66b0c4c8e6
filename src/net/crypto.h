/*
 * The few cryptographic functions vard needs; OpenSSL is included by
 * crypto.c only.
 */
#ifndef NET_CRYPTO_H
#define NET_CRYPTO_H

#include "base/base.h"
#include "base/bytes.h"

#define CRYPTO_HASH_SIZE 32

void crypto_sha256(struct bytes data, uint8_t out[CRYPTO_HASH_SIZE]);
void crypto_hmac_sha256(struct bytes key, struct bytes data,
                        uint8_t out[CRYPTO_HASH_SIZE]);
/* Compares in constant time (the lengths are not secret). */
bool crypto_equal(struct bytes a, struct bytes b);

#endif
