/*
 * CRC-32C (Castagnoli; RFC 3720, appendix B.4), as RocksDB uses it in its
 * files. vard's own records carry XXH3 (base/hash.h).
 */
#ifndef ROCKS_CRC32C_H
#define ROCKS_CRC32C_H

#include "base/base.h"
#include "base/bytes.h"

/* The checksum of what `crc` stands for (0: nothing) followed by `data`, by
 * the processor's instruction if it has one. */
uint32_t crc32c_extend(uint32_t crc, struct bytes data);
/* The same without that instruction. */
uint32_t crc32c_extend_plain(uint32_t crc, struct bytes data);
/* The checksum as RocksDB stores it: a checksum over data that contain
 * checksums would be weak, so it is rotated and a constant is added. */
uint32_t crc32c_masked(struct bytes data);

#endif
