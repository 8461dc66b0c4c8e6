/*
 * RocksDB's checksum with the processor's instruction for it.
 *
 * Debian's librocksdb is built for processors without that instruction: the
 * checksum of a record of its write-ahead log then takes longer than all
 * copies of it together. The library calls its function through the dynamic
 * linker, which takes the program's first: this one, of the same name and the
 * same result. A shared library that does not ask the linker keeps its own
 * function, and a static one takes precedence over ours (which is weak). On a
 * processor other than x86-64 RocksDB's own is used, too. On an x86-64 without
 * the instruction (older than 2008) ours is the slower one.
 */
#ifndef ROCKS_ROCKS_CRC32C_H
#define ROCKS_ROCKS_CRC32C_H

#include "base/base.h"

/* rocksdb::crc32c::Extend(): see crc32c_extend(). */
uint32_t rocks_crc32c(uint32_t crc, const char *data, size_t size)
#ifdef __x86_64__
    __asm__("_ZN7rocksdb6crc32c6ExtendEjPKcm")
#endif
        ;

#endif
