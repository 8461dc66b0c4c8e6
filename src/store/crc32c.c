/* One byte at a time, with a table that the caller owns. */
#include "store/crc32c.h"

#define POLYNOMIAL 0x82f63b78u /* bits reversed */
#define MASK_DELTA 0xa282ead8u

void crc32c_init(struct crc32c *c)
{
    ASSERT(c != NULL);
    for (uint32_t i = 0; i < ARRAY_LEN(c->table); i++) {
        uint32_t rest = i;
        for (int bit = 0; bit < 8; bit++)
            rest = (rest >> 1) ^ ((rest & 1) != 0 ? POLYNOMIAL : 0);
        c->table[i] = rest;
    }
    ASSERT(c->table[128] == POLYNOMIAL);
}

uint32_t crc32c_of(const struct crc32c *c, struct bytes data)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < data.len; i++)
        crc = (crc >> 8) ^ c->table[(crc ^ data.data[i]) & 0xff];
    return ~crc;
}

uint32_t crc32c_masked(const struct crc32c *c, struct bytes data)
{
    uint32_t crc = crc32c_of(c, data);
    return ((crc >> 15) | (crc << 17)) + MASK_DELTA;
}
