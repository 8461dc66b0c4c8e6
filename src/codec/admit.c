/*
 * What is encoded is judged by the same functions as what is decoded.
 *
 * How it fails: ERR_CORRUPT for what no member says.
 */
#include "codec/admit.h"

#include "base/reader.h"

#include <string.h>

#define ADMIT_FIXED_SIZE 24
#define GRANT_FIXED_SIZE 24

_Static_assert(4 + 2 + 2 + 16 == ADMIT_FIXED_SIZE, "on the wire");
_Static_assert(1 + 1 + 2 + 4 + 8 + 8 == GRANT_FIXED_SIZE, "on the wire");
_Static_assert(GRANT_WHY_SIZE <= 256, "a length has one byte");

static bool admit_valid(const struct admit *a)
{
    ASSERT(a != NULL);
    return a->id != NODE_NONE && !directory_id_is_none(a->directory) &&
           a->level_min > 0 && a->level_min <= a->level_max &&
           member_text_valid(a->peer_address, sizeof(a->peer_address)) &&
           member_text_valid(a->client_address, sizeof(a->client_address));
}

/* Sentences have spaces; nothing in them may spoil a log. */
static bool why_valid(const struct grant *g)
{
    size_t len = strnlen(g->why, sizeof(g->why));
    ASSERT(g->verdict < GRANT_VERDICTS);
    for (size_t i = 0; i < len; i++) {
        if (g->why[i] < ' ' || g->why[i] >= 0x7f)
            return false;
    }
    return len < sizeof(g->why);
}

static bool grant_valid(const struct grant *g)
{
    ASSERT(g != NULL);
    bool given = g->verdict == GRANT_GIVEN;
    if (g->verdict >= GRANT_VERDICTS || !why_valid(g))
        return false;
    if (!given)
        return g->life == 0 && g->cluster_id == 0 && g->index == 0;
    return g->life > 0 && g->life <= CONFIGURATION_LIFE_MAX && g->index > 0 &&
           g->index <= RAFT_NUMBER_MAX &&
           configuration_valid(&g->configuration);
}

void admit_encode(const struct admit *a, struct buf *out)
{
    ASSERT(admit_valid(a));
    buf_u32(out, a->id);
    buf_u16(out, a->level_min);
    buf_u16(out, a->level_max);
    buf_u64(out, a->directory.high);
    buf_u64(out, a->directory.low);
    member_text_encode(a->peer_address, out);
    member_text_encode(a->client_address, out);
}

int admit_decode(struct bytes b, struct admit *out)
{
    ASSERT(out != NULL);
    struct reader r = reader_of(b);
    memset(out, 0, sizeof(*out));
    out->id = reader_u32(&r);
    out->level_min = reader_u16(&r);
    out->level_max = reader_u16(&r);
    out->directory.high = reader_u64(&r);
    out->directory.low = reader_u64(&r);
    if (!member_text_decode(&r, out->peer_address, sizeof(out->peer_address)) ||
        !member_text_decode(&r, out->client_address,
                            sizeof(out->client_address)))
        return ERR_CORRUPT;
    return reader_done(&r) && admit_valid(out) ? 0 : ERR_CORRUPT;
}

void grant_encode(const struct grant *g, struct buf *out)
{
    ASSERT(grant_valid(g));
    struct bytes why = bytes_str(g->why);
    buf_u8(out, g->verdict);
    buf_u8(out, (uint8_t)why.len);
    buf_u16(out, 0);
    buf_u32(out, g->life);
    buf_u64(out, g->cluster_id);
    buf_u64(out, g->index);
    buf_bytes(out, why);
    if (g->verdict == GRANT_GIVEN)
        configuration_encode(&g->configuration, out);
}

int grant_decode(struct bytes b, struct grant *out)
{
    ASSERT(out != NULL);
    struct reader r = reader_of(b);
    memset(out, 0, sizeof(*out));
    out->verdict = reader_u8(&r);
    uint8_t len = reader_u8(&r);
    uint16_t zero = reader_u16(&r);
    out->life = reader_u32(&r);
    out->cluster_id = reader_u64(&r);
    out->index = reader_u64(&r);
    struct bytes why = reader_bytes(&r, len);
    if (r.failed || zero != 0 ||
        (len > 0 && memchr(why.data, '\0', len) != NULL))
        return ERR_CORRUPT;
    if (len > 0)
        memcpy(out->why, why.data, len);
    if (out->verdict == GRANT_GIVEN)
        return configuration_decode(r.rest, &out->configuration) == 0 &&
                       grant_valid(out)
                   ? 0
                   : ERR_CORRUPT;
    return r.rest.len == 0 && grant_valid(out) ? 0 : ERR_CORRUPT;
}
