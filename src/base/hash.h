/*
 * Hashes: XXH3-64 (checksums, chain, tables) and CRC16/XMODEM, which Redis
 * Cluster uses for its slots (https://redis.io/docs/reference/cluster-spec).
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/base.h"
#include "base/bytes.h"

/*@ requires readable(b);
  @ assigns \nothing; */
uint64_t hash64(struct bytes b);
/*@ requires readable(b);
  @ assigns \nothing; */
uint64_t hash64_seed(struct bytes b, uint64_t seed);
/* hash64() of bytes that come in parts: begin, add, and end, which gives the
 * hash and frees it. */
struct hash64_stream;
struct hash64_stream *hash64_begin(void);
void hash64_add(struct hash64_stream *h, struct bytes part);
uint64_t hash64_end(struct hash64_stream *h);
/*@ requires readable(b);
  @ assigns \nothing; */
uint16_t crc16(struct bytes b);

#endif
