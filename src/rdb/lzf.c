/*
 * How it works: three bytes tell at most of 264 that are repeated, so a length
 * above that is a lie.
 *
 * How it fails: the library looks at every length in the input; what it finds
 * too long, or short, is ERR_CORRUPT.
 */
#include "rdb/lzf.h"

#include <lzf.h>

#define GROWTH_MAX 88 /* times the length */

int rdb_lzf(struct bytes packed, uint64_t len, struct buf *out)
{
    buf_reset(out);
    if (packed.len == 0 || packed.len > UINT32_MAX / GROWTH_MAX || len == 0 ||
        len > packed.len * (uint64_t)GROWTH_MAX)
        return ERR_CORRUPT;
    uint8_t *to = buf_reserve(out, (size_t)len);
    unsigned int got = lzf_decompress(packed.data, (unsigned int)packed.len, to,
                                      (unsigned int)len);
    if (got != len)
        return ERR_CORRUPT;
    out->len = (size_t)len;
    return 0;
}
