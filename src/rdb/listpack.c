/*
 * How it works: a listpack is
 *
 *   bytes(4)  count(2; 65535: unknown)  elements  0xff
 *
 * and an element its first byte, which says what it is, the rest of it, and its
 * length, for those who read backwards: 7 bits in a byte, the last ones first;
 * all bytes but the first of these have the highest bit.
 *
 * How it fails: ERR_CORRUPT, also where a length for reading backwards is not
 * that of the element.
 */
#include "rdb/pack_internal.h"

#define HEADER  6
#define UNKNOWN 65535

bool listpack_open(struct pack *p, struct bytes b)
{
    p->rest = reader_of(b);
    uint32_t bytes = reader_u32(&p->rest);
    p->count = reader_u16(&p->rest);
    p->counted = p->count != UNKNOWN;
    return !p->rest.failed && bytes == b.len && b.len > HEADER;
}

/* How many bytes the length of an element takes behind it. */
static uint32_t back_size(size_t len)
{
    return len <= 127        ? 1
           : len < 16383     ? 2
           : len < 2097151   ? 3
           : len < 268435455 ? 4
                             : 5;
}

static bool back_is(struct reader *r, size_t len)
{
    uint32_t size = back_size(len);
    struct bytes back = reader_bytes(r, size);
    uint64_t got = 0;
    for (uint32_t i = 0; i < back.len; i++) {
        bool marked = (back.data[i] & 0x80) != 0;
        if (marked != (i > 0))
            return false;
        got = got << 7 | (back.data[i] & 0x7f);
    }
    return !r->failed && got == len;
}

/* Those of one byte and a half: the number is in the first one as well. */
static int64_t signed13(uint8_t first, uint8_t second)
{
    int64_t n = (int64_t)(first & 0x1f) << 8 | second;
    return n >= 4096 ? n - 8192 : n;
}

static void read_element(struct reader *r, uint8_t first,
                         struct pack_element *e)
{
    static const uint8_t sizes[] = {2, 3, 4, 8};
    *e = (struct pack_element){.integer = true};
    if (first < 0x80) {
        e->number = first;
    } else if (first >> 6 == 2) {
        e->integer = false;
        e->bytes = reader_bytes(r, first & 0x3f);
    } else if (first >> 5 == 6) {
        e->number = signed13(first, reader_u8(r));
    } else if (first >> 4 == 14) {
        e->integer = false;
        size_t len = (size_t)(first & 0x0f) << 8;
        e->bytes = reader_bytes(r, len | reader_u8(r));
    } else if (first == 0xf0) {
        e->integer = false;
        e->bytes = reader_bytes(r, reader_u32(r));
    } else if (first <= 0xf4) {
        e->number = pack_integer(r, sizes[first - 0xf1]);
    } else {
        r->failed = true;
    }
}

int listpack_next(struct pack *p, struct pack_element *e)
{
    struct reader *r = &p->rest;
    size_t before = r->rest.len;
    if (before > 0 && r->rest.data[0] == PACK_END)
        return pack_end(p);
    read_element(r, reader_u8(r), e);
    if (r->failed || !back_is(r, before - r->rest.len))
        return ERR_CORRUPT;
    return 1;
}
