/*
 * How it works: a ziplist is
 *
 *   bytes(4)  where the last element is(4)  count(2; 65535: unknown)
 *   elements  0xff
 *
 * and an element the length of the one before it (a byte, or 254 and four
 * bytes), and a byte that says what it is, with the rest of it.
 *
 * How it fails: ERR_CORRUPT, also where the lengths of those before are wrong.
 */
#include "rdb/pack_internal.h"

#define HEADER      10
#define UNKNOWN     65535
#define LONG_LENGTH 254

bool ziplist_open(struct pack *p, struct bytes b)
{
    p->rest = reader_of(b);
    uint32_t bytes = reader_u32(&p->rest);
    uint32_t last = reader_u32(&p->rest);
    p->count = reader_u16(&p->rest);
    p->counted = p->count != UNKNOWN;
    return !p->rest.failed && bytes == b.len && b.len > HEADER &&
           last >= HEADER && last < b.len;
}

static void read_text(struct reader *r, uint8_t first, struct pack_element *e)
{
    size_t len = first & 0x3f;
    if (first >> 6 == 1) {
        len = len << 8 | reader_u8(r);
    } else if (first >> 6 == 2) {
        r->failed |= first != 0x80;
        len = reader_u32be(r);
    }
    e->bytes = reader_bytes(r, len);
}

static void read_integer(struct reader *r, uint8_t first,
                         struct pack_element *e)
{
    static const struct {
        uint8_t first;
        uint8_t size;
    } forms[] = {{0xc0, 2}, {0xd0, 4}, {0xe0, 8}, {0xf0, 3}, {0xfe, 1}};
    e->integer = true;
    for (uint32_t i = 0; i < ARRAY_LEN(forms); i++) {
        if (forms[i].first == first) {
            e->number = pack_integer(r, forms[i].size);
            return;
        }
    }
    r->failed |= first < 0xf1 || first > 0xfd;
    e->number = (first & 0x0f) - 1;
}

int ziplist_next(struct pack *p, struct pack_element *e)
{
    struct reader *r = &p->rest;
    size_t before = r->rest.len;
    if (before > 0 && r->rest.data[0] == PACK_END)
        return pack_end(p);
    uint32_t previous = reader_u8(r);
    if (previous == LONG_LENGTH)
        previous = reader_u32(r);
    if (previous != p->previous)
        return ERR_CORRUPT;
    uint8_t first = reader_u8(r);
    *e = (struct pack_element){.integer = false};
    if (first < 0xc0)
        read_text(r, first, e);
    else
        read_integer(r, first, e);
    if (r->failed || before - r->rest.len > UINT32_MAX)
        return ERR_CORRUPT;
    p->previous = (uint32_t)(before - r->rest.len);
    return 1;
}
