/*
 * Eight bytes at a time where the processor can, else four bits. Which
 * processor it is was found out by the compiler's library before main(), so
 * nothing is kept here.
 *
 * Nothing here fails: it computes a number from the bytes that it is given.
 */
#include "rocks/crc32c.h"

#include <string.h>

#define MASK_DELTA 0xa282ead8u

uint32_t crc32c_extend_plain(uint32_t crc, struct bytes data)
{
    /* Of four bits each; the polynomial, bits reversed, is at 8. */
    static const uint32_t table[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
        0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
        0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75};
    ASSERT(data.data != NULL || data.len == 0);
    crc = ~crc;
    for (size_t i = 0; i < data.len; i++) {
        crc ^= data.data[i];
        crc = (crc >> 4) ^ table[crc & 15];
        crc = (crc >> 4) ^ table[crc & 15];
    }
    return ~crc;
}

#ifdef __x86_64__

__attribute__((target("sse4.2"))) static uint32_t
with_instruction(uint32_t crc, const uint8_t *p, size_t size)
{
    uint64_t wide = ~crc;
    for (; size >= 8; size -= 8, p += 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    crc = (uint32_t)wide;
    for (; size > 0; size--, p++)
        crc = __builtin_ia32_crc32qi(crc, *p);
    return ~crc;
}

uint32_t crc32c_extend(uint32_t crc, struct bytes data)
{
    ASSERT(data.data != NULL || data.len == 0);
    return __builtin_cpu_supports("sse4.2")
               ? with_instruction(crc, data.data, data.len)
               : crc32c_extend_plain(crc, data);
}

#else

uint32_t crc32c_extend(uint32_t crc, struct bytes data)
{
    return crc32c_extend_plain(crc, data);
}

#endif

uint32_t crc32c_masked(struct bytes data)
{
    uint32_t crc = crc32c_extend(0, data);
    return ((crc >> 15) | (crc << 17)) + MASK_DELTA;
}
