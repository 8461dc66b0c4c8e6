/* The hash library as the proofs see it: some number that depends on the
 * bytes, which it reads and does not change. */
#ifndef PROOF_STUBS_XXHASH_H
#define PROOF_STUBS_XXHASH_H

#include <stddef.h>
#include <stdint.h>

typedef uint64_t XXH64_hash_t;

/*@ requires \valid_read(data + (0 .. len - 1));
  @ assigns \nothing; */
XXH64_hash_t XXH3_64bits(const uint8_t *data, size_t len);

/*@ requires \valid_read(data + (0 .. len - 1));
  @ assigns \nothing; */
XXH64_hash_t XXH3_64bits_withSeed(const uint8_t *data, size_t len,
                                  XXH64_hash_t seed);

#endif
