/*
 * How it works: each form has a file, or half of one. A count in the header, if
 * it is one, counts down to 0 at the end.
 *
 * How it fails: what does not fit is ERR_CORRUPT.
 */
#include "rdb/pack.h"

#include "rdb/pack_internal.h"

struct form {
    bool (*open)(struct pack *p, struct bytes b);
    int (*next)(struct pack *p, struct pack_element *e);
};

static const struct form forms[] = {
    [PACK_LISTPACK] = {listpack_open, listpack_next},
    [PACK_ZIPLIST] = {ziplist_open, ziplist_next},
    [PACK_ZIPMAP] = {zipmap_open, zipmap_next},
    [PACK_INTS] = {ints_open, ints_next},
};

bool pack_open(struct pack *p, enum pack_form form, struct bytes b)
{
    ASSERT(form < ARRAY_LEN(forms));
    *p = (struct pack){.form = form};
    return forms[form].open(p, b);
}

int pack_next(struct pack *p, struct pack_element *e)
{
    int got = forms[p->form].next(p, e);
    if (got != 1)
        return got;
    if (p->rest.failed || (p->counted && p->count == 0))
        return ERR_CORRUPT;
    p->count -= p->counted;
    return 1;
}

struct bytes pack_text(struct pack_element *e)
{
    if (!e->integer)
        return e->bytes;
    return bytes_of(e->digits, num_format_i64(e->number, e->digits));
}

/* --- zipmaps ------------------------------------------------------------ */

/*
 *   count(1; 254 and more: unknown)  key  value  ...  0xff
 *
 * A key is length and bytes, a value length, unused(1), bytes, and as many
 * bytes that mean nothing. A length is a byte, or 254 and four bytes.
 */

#define LONG_LENGTH 254

bool zipmap_open(struct pack *p, struct bytes b)
{
    p->rest = reader_of(b);
    p->count = reader_u8(&p->rest);
    p->counted = p->count < LONG_LENGTH;
    p->count *= 2;
    return !p->rest.failed;
}

int zipmap_next(struct pack *p, struct pack_element *e)
{
    struct reader *r = &p->rest;
    if (!p->value && r->rest.len > 0 && r->rest.data[0] == PACK_END)
        return pack_end(p);
    uint32_t len = reader_u8(r);
    if (len == LONG_LENGTH)
        len = reader_u32(r);
    else if (len == PACK_END)
        return ERR_CORRUPT;
    uint8_t unused = p->value ? reader_u8(r) : 0;
    *e = (struct pack_element){.bytes = reader_bytes(r, len)};
    (void)reader_bytes(r, unused);
    p->value = !p->value;
    return r->failed ? ERR_CORRUPT : 1;
}

/* --- integers ----------------------------------------------------------- */

/* size(4: 2, 4 or 8)  count(4)  the integers, which rise */

bool ints_open(struct pack *p, struct bytes b)
{
    p->rest = reader_of(b);
    p->size = reader_u32(&p->rest);
    p->count = reader_u32(&p->rest);
    p->counted = true;
    bool sized = p->size == 2 || p->size == 4 || p->size == 8;
    return sized && !p->rest.failed && p->rest.rest.len % p->size == 0 &&
           p->rest.rest.len / p->size == p->count;
}

int ints_next(struct pack *p, struct pack_element *e)
{
    bool first = !p->value;
    if (p->count == 0)
        return 0;
    *e = (struct pack_element){.integer = true,
                               .number = pack_integer(&p->rest, p->size)};
    if (!first && e->number <= p->last)
        return ERR_CORRUPT;
    p->value = true; /* there was one */
    p->last = e->number;
    return 1;
}
