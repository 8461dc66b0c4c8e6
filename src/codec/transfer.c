/*
 * What is encoded is judged by the same function as what is decoded.
 *
 * How it fails: ERR_CORRUPT for what no member says.
 */
#include "codec/transfer.h"

#include "base/reader.h"

#include <string.h>

static bool offer_valid(const struct transfer_offer *o)
{
    ASSERT(o != NULL);
    return o->index > 0 && o->index <= RAFT_NUMBER_MAX && o->term > 0 &&
           o->term <= RAFT_NUMBER_MAX && o->source != NODE_NONE && o->level > 0;
}

/* Before the first chunk there is nothing. */
static bool want_valid(const struct transfer_want *w)
{
    ASSERT(w != NULL);
    bool first = w->number == 1;
    if (w->number == 0 || w->number > RAFT_NUMBER_MAX ||
        w->until > RAFT_NUMBER_MAX || w->until < w->from ||
        (w->from == 0) != first)
        return false;
    if (first && (w->hash != 0 || w->after.len > 0))
        return false;
    return (w->begin && !first) == (w->after.len > 0) &&
           w->after.len <= TRANSFER_KEY_MAX;
}

static bool chunk_valid(const struct transfer_chunk *c)
{
    ASSERT(c != NULL);
    /* No sum here that could wrap around. */
    return c->number > 0 && c->total > 0 && c->total <= TRANSFER_CHUNK_MAX &&
           c->data.len > 0 && c->data.len <= TRANSFER_PIECE_MAX &&
           c->offset < c->total && c->data.len <= c->total - c->offset;
}

static bool done_valid(const struct transfer_done *d)
{
    ASSERT(d != NULL);
    return d->chunks > 0 && d->bytes >= d->chunks;
}

static bool transfer_valid(const struct transfer *t)
{
    ASSERT(t != NULL);
    if (t->id == 0)
        return false;
    switch (t->kind) {
    case TRANSFER_OFFER:
        return offer_valid(&t->offer);
    case TRANSFER_WANT:
        return want_valid(&t->want);
    case TRANSFER_CHUNK:
        return chunk_valid(&t->chunk);
    case TRANSFER_DONE:
        return done_valid(&t->done);
    case TRANSFER_GONE:
    case TRANSFER_BUSY:
    case TRANSFER_LEAVE:
        return true;
    case TRANSFER_KINDS:
        break;
    }
    return false;
}

static void put_offer(const struct transfer_offer *o, struct buf *out)
{
    ASSERT(offer_valid(o));
    buf_u64(out, o->index);
    buf_u64(out, o->term);
    buf_u64(out, o->chain);
    buf_u64(out, o->bytes);
    buf_u32(out, o->source);
    buf_u16(out, o->level);
    buf_u16(out, 0);
}

static void put_want(const struct transfer_want *w, struct buf *out)
{
    ASSERT(want_valid(w));
    buf_u64(out, w->number);
    buf_u64(out, w->hash);
    buf_u64(out, w->from);
    buf_u64(out, w->until);
    buf_u8(out, w->begin ? 1 : 0);
    buf_u8(out, 0);
    buf_u16(out, 0);
    buf_u32(out, (uint32_t)w->after.len);
    buf_bytes(out, w->after);
}

static void put_chunk(const struct transfer_chunk *c, struct buf *out)
{
    ASSERT(chunk_valid(c));
    buf_u64(out, c->number);
    buf_u64(out, c->hash);
    buf_u32(out, c->total);
    buf_u32(out, c->offset);
}

static void put_done(const struct transfer_done *d, struct buf *out)
{
    ASSERT(done_valid(d));
    buf_u64(out, d->chunks);
    buf_u64(out, d->hash);
    buf_u64(out, d->bytes);
}

void transfer_encode_head(const struct transfer *t, struct buf *out)
{
    ASSERT(t != NULL && out != NULL);
    ASSERT(transfer_valid(t));
    buf_u8(out, (uint8_t)t->kind);
    buf_u8(out, 0);
    buf_u16(out, 0);
    buf_u32(out, 0);
    buf_u64(out, t->id);
    if (t->kind == TRANSFER_OFFER)
        put_offer(&t->offer, out);
    else if (t->kind == TRANSFER_WANT)
        put_want(&t->want, out);
    else if (t->kind == TRANSFER_CHUNK)
        put_chunk(&t->chunk, out);
    else if (t->kind == TRANSFER_DONE)
        put_done(&t->done, out);
}

void transfer_encode(const struct transfer *t, struct buf *out)
{
    transfer_encode_head(t, out);
    ASSERT(out->len > 0);
    if (t->kind == TRANSFER_CHUNK)
        buf_bytes(out, t->chunk.data);
}

/* False: a spare byte is not zero. */
static bool take_offer(struct reader *r, struct transfer_offer *o)
{
    ASSERT(r != NULL && o != NULL);
    o->index = reader_u64(r);
    o->term = reader_u64(r);
    o->chain = reader_u64(r);
    o->bytes = reader_u64(r);
    o->source = reader_u32(r);
    o->level = reader_u16(r);
    return reader_u16(r) == 0;
}

static bool take_want(struct reader *r, struct transfer_want *w)
{
    ASSERT(r != NULL && w != NULL);
    w->number = reader_u64(r);
    w->hash = reader_u64(r);
    w->from = reader_u64(r);
    w->until = reader_u64(r);
    uint8_t begin = reader_u8(r);
    uint8_t spare1 = reader_u8(r);
    uint16_t spare2 = reader_u16(r);
    uint32_t len = reader_u32(r);
    w->begin = begin == 1;
    w->after = reader_bytes(r, len);
    return begin <= 1 && spare1 == 0 && spare2 == 0;
}

static bool take_chunk(struct reader *r, struct transfer_chunk *c)
{
    ASSERT(r != NULL && c != NULL);
    c->number = reader_u64(r);
    c->hash = reader_u64(r);
    c->total = reader_u32(r);
    c->offset = reader_u32(r);
    c->data = reader_bytes(r, r->rest.len);
    return true;
}

static bool take_done(struct reader *r, struct transfer_done *d)
{
    ASSERT(r != NULL && d != NULL);
    d->chunks = reader_u64(r);
    d->hash = reader_u64(r);
    d->bytes = reader_u64(r);
    return true;
}

int transfer_decode(struct bytes b, struct transfer *out)
{
    ASSERT(out != NULL);
    struct reader r = reader_of(b);
    memset(out, 0, sizeof(*out));
    uint8_t kind = reader_u8(&r);
    bool good = reader_u8(&r) == 0;
    good &= reader_u16(&r) == 0;
    good &= reader_u32(&r) == 0;
    out->id = reader_u64(&r);
    if (kind == 0 || kind >= TRANSFER_KINDS)
        return ERR_CORRUPT;
    out->kind = (enum transfer_kind)kind;
    if (out->kind == TRANSFER_OFFER)
        good &= take_offer(&r, &out->offer);
    else if (out->kind == TRANSFER_WANT)
        good &= take_want(&r, &out->want);
    else if (out->kind == TRANSFER_CHUNK)
        good &= take_chunk(&r, &out->chunk);
    else if (out->kind == TRANSFER_DONE)
        good &= take_done(&r, &out->done);
    return good && reader_done(&r) && transfer_valid(out) ? 0 : ERR_CORRUPT;
}
