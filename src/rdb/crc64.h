/*
 * The checksum of RDB files and of what DUMP gives: CRC-64 with Jones'
 * polynomial, reflected, which begins with 0 and is not inverted.
 */
#ifndef RDB_CRC64_H
#define RDB_CRC64_H

#include "base/base.h"
#include "base/bytes.h"

/* Goes on from the checksum of what came before; 0 at first. */
uint64_t crc64(uint64_t crc, struct bytes b);

#endif
