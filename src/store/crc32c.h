/*
 * CRC-32C (Castagnoli; RFC 3720, appendix B.4), as RocksDB uses it in its
 * files. For looking at damaged files only: simple, not fast. vard's own
 * records carry XXH3 (base/hash.h).
 */
#ifndef STORE_CRC32C_H
#define STORE_CRC32C_H

#include "base/base.h"
#include "base/bytes.h"

struct crc32c {
    uint32_t table[256];
};

void crc32c_init(struct crc32c *c);
uint32_t crc32c_of(const struct crc32c *c, struct bytes data);
/* As RocksDB stores it: a checksum over data that contain checksums would be
 * weak, so it is rotated and moved. */
uint32_t crc32c_masked(const struct crc32c *c, struct bytes data);

#endif
