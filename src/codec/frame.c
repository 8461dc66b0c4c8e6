/*
 * The header is judged as soon as it is complete, before its payload is
 * waited for: a claimed length above the limit closes the link instead of
 * making the reader wait for it.
 */
#include "codec/frame.h"

#include "base/hash.h"
#include "base/reader.h"

#define CHECKED_SIZE 16 /* of the header: all but the checksum */

_Static_assert(4 + 1 + 1 + 2 + 4 + 4 == CHECKED_SIZE, "checked fields");
_Static_assert(CHECKED_SIZE + 8 == FRAME_HEADER_SIZE, "header size");

/*@ requires \valid_read(header + (0 .. CHECKED_SIZE - 1));
  @ requires readable(payload);
  @ assigns \nothing; */
static uint64_t checksum_of(const uint8_t *header, struct bytes payload)
{
    return hash64_seed(payload, hash64(bytes_of(header, CHECKED_SIZE)));
}

size_t frame_begin(struct buf *out, uint8_t type, uint16_t group)
{
    ASSERT(type >= FRAME_HELLO && type < FRAME_TYPE_END);
    size_t begin = out->len;
    uint8_t *to = buf_reserve(out, FRAME_HEADER_SIZE);
    store_u32le(to, FRAME_MAGIC);
    to[4] = FRAME_VERSION;
    to[5] = type;
    to[6] = (uint8_t)group;
    to[7] = (uint8_t)(group >> 8);
    store_u64le(to + 8, 0);
    store_u64le(to + 16, 0);
    out->len += FRAME_HEADER_SIZE;
    return begin;
}

void frame_end(struct buf *out, size_t begin)
{
    ASSERT(begin <= out->len && out->len - begin >= FRAME_HEADER_SIZE);
    uint8_t *header = out->data + begin;
    size_t length = out->len - begin - FRAME_HEADER_SIZE;
    ASSERT(load_u32le(header) == FRAME_MAGIC);
    ASSERT(length <= FRAME_LENGTH_MAX);
    store_u32le(header + 8, (uint32_t)length);
    struct bytes payload = bytes_of(header + FRAME_HEADER_SIZE, length);
    store_u64le(header + CHECKED_SIZE, checksum_of(header, payload));
}

/*@ requires \valid_read(p + (0 .. FRAME_HEADER_SIZE - 1));
  @ assigns \nothing;
  @ ensures \result <==> le32(p, 4) == FRAME_MAGIC &&
  @     p[4] == FRAME_VERSION && FRAME_HELLO <= p[5] < FRAME_TYPE_END &&
  @     le32(p + 8, 4) <= FRAME_LENGTH_MAX && le32(p + 12, 4) == 0; */
static bool header_valid(const uint8_t *p)
{
    return load_u32le(p) == FRAME_MAGIC && p[4] == FRAME_VERSION &&
           p[5] >= FRAME_HELLO && p[5] < FRAME_TYPE_END &&
           load_u32le(p + 8) <= FRAME_LENGTH_MAX && load_u32le(p + 12) == 0;
}

int frame_decode(struct bytes *bytes, struct frame *out)
{
    ASSERT(bytes != NULL);
    ASSERT(out != NULL);
    if (bytes->len < FRAME_HEADER_SIZE)
        return ERR_AGAIN;
    const uint8_t *p = bytes->data;
    if (!header_valid(p))
        return ERR_PROTOCOL;
    size_t length = load_u32le(p + 8);
    if (bytes->len - FRAME_HEADER_SIZE < length)
        return ERR_AGAIN;

    struct bytes payload = bytes_of(p + FRAME_HEADER_SIZE, length);
    if (checksum_of(p, payload) != load_u64le(p + CHECKED_SIZE))
        return ERR_CORRUPT;
    out->type = p[5];
    out->group = (uint16_t)(p[6] | (uint32_t)p[7] << 8);
    out->payload = payload;
    *bytes = bytes_from(*bytes, FRAME_HEADER_SIZE + length);
    return 0;
}
