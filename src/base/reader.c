/*
 * Every read goes through `take`, the only place that moves the view. Past
 * the end it marks the reader failed and empties it, so that nothing that
 * follows in the input is read at the wrong place.
 */
#include "base/reader.h"

static const uint8_t *take(struct reader *r, size_t n)
{
    ASSERT(r != NULL);
    if (r->failed || n > r->rest.len) {
        r->failed = true;
        r->rest = BYTES_NONE;
        return NULL;
    }
    const uint8_t *p = r->rest.data;
    r->rest = bytes_from(r->rest, n);
    return p;
}

static uint64_t take_le(struct reader *r, size_t n)
{
    ASSERT(n >= 1 && n <= 8);
    const uint8_t *p = take(r, n);
    uint64_t v = 0;
    for (size_t i = 0; p != NULL && i < n; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

static uint64_t take_be(struct reader *r, size_t n)
{
    ASSERT(n >= 1 && n <= 8);
    const uint8_t *p = take(r, n);
    uint64_t v = 0;
    for (size_t i = 0; p != NULL && i < n; i++)
        v = v << 8 | p[i];
    return v;
}

uint8_t reader_u8(struct reader *r)
{
    return (uint8_t)take_le(r, 1);
}

uint16_t reader_u16(struct reader *r)
{
    return (uint16_t)take_le(r, 2);
}

uint32_t reader_u32(struct reader *r)
{
    return (uint32_t)take_le(r, 4);
}

uint64_t reader_u64(struct reader *r)
{
    return take_le(r, 8);
}

uint16_t reader_u16be(struct reader *r)
{
    return (uint16_t)take_be(r, 2);
}

uint32_t reader_u32be(struct reader *r)
{
    return (uint32_t)take_be(r, 4);
}

uint64_t reader_u64be(struct reader *r)
{
    return take_be(r, 8);
}

struct bytes reader_bytes(struct reader *r, size_t len)
{
    const uint8_t *p = take(r, len);
    return r->failed ? BYTES_NONE : bytes_of(p, len);
}

void store_u32le(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

void store_u64le(uint8_t *p, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

uint32_t load_u32le(const uint8_t *p)
{
    uint32_t v = 0;
    for (int i = 0; i < 4; i++)
        v |= (uint32_t)p[i] << (8 * i);
    return v;
}

uint64_t load_u64le(const uint8_t *p)
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}
