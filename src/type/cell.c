/*
 * How it works: one byte of flags, then what they say. How it fails: a cell
 * that this code did not write is ERR_CORRUPT, kept by the keyspace.
 */
#include "type/cell.h"

#include "base/reader.h"

#define CELL_BLOB      1
#define CELL_EXPIRES   2
#define CELL_BLOB_SIZE (5 + 8)

static bool decode(struct bytes stored, struct cell *out)
{
    struct reader r = reader_of(stored);
    uint8_t flags = reader_u8(&r);
    *out = (struct cell){.apart = (flags & CELL_BLOB) != 0};
    if (flags & CELL_EXPIRES)
        out->expire_ms = (int64_t)reader_u64be(&r);
    if (r.failed || flags > (CELL_BLOB | CELL_EXPIRES) || out->expire_ms < 0 ||
        ((flags & CELL_EXPIRES) != 0 && out->expire_ms == 0))
        return false;
    out->bytes = r.rest;
    out->length = r.rest.len;
    if (!out->apart)
        return true;
    uint64_t high = reader_u8(&r);
    out->bytes = BYTES_NONE;
    out->blob.row = high << 32 | reader_u32be(&r);
    out->blob.length = reader_u64be(&r);
    out->length = out->blob.length;
    return reader_done(&r) && out->blob.row > 0 && out->length > 0;
}

bool cell_decode(struct object *o, struct bytes stored, struct cell *out)
{
    if (decode(stored, out))
        return true;
    object_corrupt(o);
    return false;
}

static void put_flags(struct buf *stored, bool apart, int64_t expire_ms)
{
    ASSERT(expire_ms >= 0);
    buf_reset(stored);
    buf_u8(stored, (uint8_t)((apart ? CELL_BLOB : 0) |
                             (expire_ms != 0 ? CELL_EXPIRES : 0)));
    if (expire_ms != 0)
        buf_u64be(stored, (uint64_t)expire_ms);
}

static void put_blob(struct buf *stored, const struct blob *b)
{
    buf_u8(stored, (uint8_t)(b->row >> 32));
    buf_u32be(stored, (uint32_t)b->row);
    buf_u64be(stored, b->length);
}

void cell_encode(struct object *o, struct bytes value, int64_t expire_ms,
                 size_t inline_max, struct buf *stored)
{
    bool apart = value.len > inline_max;
    put_flags(stored, apart, expire_ms);
    if (!apart) {
        buf_bytes(stored, value);
        return;
    }
    struct blob b = object_blob_put(o, value);
    put_blob(stored, &b);
}

void cell_renew(const struct cell *c, int64_t expire_ms, struct buf *stored)
{
    put_flags(stored, c->apart, expire_ms);
    if (c->apart)
        put_blob(stored, &c->blob);
    else
        buf_bytes(stored, c->bytes);
}

void cell_drop(struct object *o, const struct cell *c)
{
    if (c->apart)
        object_blob_drop(o, &c->blob);
}

/* The bytes from `at` on, or those that are together there. */
static struct bytes part(struct object *o, const struct cell *c, uint64_t at)
{
    return c->apart ? object_blob_view(o, &c->blob, at)
                    : bytes_from(c->bytes, (size_t)at);
}

void cell_read(struct object *o, const struct cell *c, struct buf *out)
{
    for (uint64_t at = 0; at < c->length;) {
        struct bytes b = part(o, c, at);
        if (b.len == 0)
            return; /* an error */
        buf_bytes(out, b);
        at += b.len;
    }
}

bool cell_equals(struct object *o, const struct cell *c, struct bytes value)
{
    if (c->length != value.len)
        return false;
    for (uint64_t at = 0; at < c->length;) {
        struct bytes b = part(o, c, at);
        if (b.len == 0 || memcmp(b.data, value.data + at, b.len) != 0)
            return false;
        at += b.len;
    }
    return true;
}
