/*
 * RocksDB's checksum with the processor's instruction for it.
 *
 * Debian's librocksdb is built for processors without that instruction: the
 * checksum of a record of its write-ahead log then takes longer than all
 * copies of it together. The library calls its function through the dynamic
 * linker, which takes the program's first: this one, of the same name and the
 * same result. A library that does not ask the linker keeps its own, and so
 * does one for another processor; then nothing is faster, nor different.
 */
#ifndef STORE_STORE_ROCKSDB_CRC32C_H
#define STORE_STORE_ROCKSDB_CRC32C_H

#include "base/base.h"

/* rocksdb::crc32c::Extend(): see crc32c_extend(). */
uint32_t store_rocksdb_crc32c(uint32_t crc, const char *data, size_t size)
#ifdef __x86_64__
    __asm__("_ZN7rocksdb6crc32c6ExtendEjPKcm")
#endif
        ;

#endif
