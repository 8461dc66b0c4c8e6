/*
 * Field by field through the bounds-checked reader, as codec/hello.c.
 *
 * How it fails: a body that is too short, too long, or holds what no honest
 * sender writes is ERR_CORRUPT.
 */
#include "codec/greeting.h"

#include "base/reader.h"

#include <string.h>

#define FLAG_LOST   1
#define FLAG_FORCED 2

_Static_assert(8 * 3 + 16 + 8 + 2 + 6 + 8 * 4 + GREETING_ADDRESS_SIZE +
                       GREETING_PEER_SIZE + GREETING_VERSION_SIZE + 32 +
                       FOUNDING_SIZE ==
                   GREETING_BODY_SIZE,
               "size of a greeting");

/* Printable up to its NUL, and zeros from there on. */
static bool text_valid(const char *text, size_t size)
{
    size_t len = strnlen(text, size);
    if (len == size)
        return false;
    for (size_t i = 0; i < size; i++) {
        bool printable = text[i] > ' ' && text[i] <= '~';
        if (i < len ? !printable : text[i] != 0)
            return false;
    }
    return true;
}

static bool levels_valid(const struct greeting *g)
{
    return g->level_min > 0 && g->level_min <= g->level_max &&
           g->level <= g->level_max && g->version[0] != '\0' &&
           text_valid(g->version, sizeof(g->version));
}

static bool receipt_valid(const struct receipt *r)
{
    return r->term > 0 ? r->index > 0
                       : r->life == 0 && r->index == 0 && r->chain == 0;
}

static bool greeting_valid(const struct greeting *g)
{
    bool blank = g->cluster_id == 0;
    const struct founding *f = &g->founding;
    return !directory_id_is_none(g->directory) && g->nonce != 0 &&
           (blank || (!g->lost && !g->forced)) && !(g->lost && g->forced) &&
           (f->count == 0 || f->cluster_id == g->cluster_id) &&
           (unsigned)g->verdict < GREETING_VERDICTS &&
           text_valid(g->address, sizeof(g->address)) &&
           text_valid(g->peer_address, sizeof(g->peer_address)) &&
           receipt_valid(&g->receipt) && levels_valid(g);
}

void greeting_encode(const struct greeting *g, struct buf *out)
{
    ASSERT(greeting_valid(g));
    size_t begin = out->len;
    buf_u64(out, g->cluster_id);
    buf_u64(out, g->label);
    buf_u64(out, g->members);
    buf_u64(out, g->directory.high);
    buf_u64(out, g->directory.low);
    buf_u64(out, g->nonce);
    buf_u8(out, (uint8_t)((g->lost ? FLAG_LOST : 0) |
                          (g->forced ? FLAG_FORCED : 0)));
    buf_u8(out, (uint8_t)g->verdict);
    buf_u16(out, g->level);
    buf_u16(out, g->level_min);
    buf_u16(out, g->level_max);
    buf_u64(out, g->known_incarnation);
    buf_u64(out, g->known_nonce);
    buf_u64(out, g->replaced_at);
    buf_u64(out, g->members_at);
    buf_append(out, g->address, sizeof(g->address));
    buf_append(out, g->peer_address, sizeof(g->peer_address));
    buf_append(out, g->version, sizeof(g->version));
    buf_u32(out, g->receipt.life);
    buf_u32(out, 0);
    buf_u64(out, g->receipt.term);
    buf_u64(out, g->receipt.index);
    buf_u64(out, g->receipt.chain);
    founding_encode(&g->founding, out);
    ASSERT(out->len - begin == GREETING_BODY_SIZE);
}

static bool take_receipt(struct reader *r, struct receipt *out)
{
    ASSERT(r->failed || r->rest.len >= 32);
    out->member = 0;
    out->life = reader_u32(r);
    uint32_t spare = reader_u32(r);
    out->term = reader_u64(r);
    out->index = reader_u64(r);
    out->chain = reader_u64(r);
    return spare == 0;
}

int greeting_decode(struct bytes b, struct greeting *out)
{
    ASSERT(out != NULL);
    if (b.len != GREETING_BODY_SIZE)
        return ERR_CORRUPT;
    struct reader r = reader_of(b);
    out->cluster_id = reader_u64(&r);
    out->label = reader_u64(&r);
    out->members = reader_u64(&r);
    out->directory.high = reader_u64(&r);
    out->directory.low = reader_u64(&r);
    out->nonce = reader_u64(&r);
    uint8_t flags = reader_u8(&r);
    out->lost = (flags & FLAG_LOST) != 0;
    out->forced = (flags & FLAG_FORCED) != 0;
    out->verdict = (enum greeting_verdict)reader_u8(&r);
    out->level = reader_u16(&r);
    out->level_min = reader_u16(&r);
    out->level_max = reader_u16(&r);
    out->known_incarnation = reader_u64(&r);
    out->known_nonce = reader_u64(&r);
    out->replaced_at = reader_u64(&r);
    out->members_at = reader_u64(&r);
    memcpy(out->address, reader_bytes(&r, GREETING_ADDRESS_SIZE).data,
           GREETING_ADDRESS_SIZE);
    memcpy(out->peer_address, reader_bytes(&r, GREETING_PEER_SIZE).data,
           GREETING_PEER_SIZE);
    memcpy(out->version, reader_bytes(&r, GREETING_VERSION_SIZE).data,
           GREETING_VERSION_SIZE);
    bool receipt_good = take_receipt(&r, &out->receipt);
    struct bytes founding = reader_bytes(&r, FOUNDING_SIZE);
    ASSERT(reader_done(&r));
    bool good = flags <= (FLAG_LOST | FLAG_FORCED) && receipt_good &&
                founding_decode(founding, &out->founding) == 0;
    return good && greeting_valid(out) ? 0 : ERR_CORRUPT;
}
