/*
 * The header is judged as soon as it is complete, before its payload is
 * waited for: a claimed length that is damaged or above the limit closes the
 * link instead of making the reader wait for it.
 *
 * How it fails: ERR_AGAIN while bytes are missing; ERR_PROTOCOL for a magic,
 * version, type or length that nobody sends, ERR_CORRUPT for a wrong checksum.
 * After these two, nothing that follows can be believed. Encoding cannot fail:
 * a payload that is too long is an assertion.
 */
#include "codec/frame.h"

#include "base/hash.h"
#include "base/reader.h"

#define FIELDS_SIZE  12 /* of the header: all but its two checksums */
#define CHECKED_SIZE 16 /* of the header: all but the last of them */

_Static_assert(4 + 1 + 1 + 2 + 4 == FIELDS_SIZE, "fields");
_Static_assert(FIELDS_SIZE + 4 == CHECKED_SIZE, "checked fields");
_Static_assert(CHECKED_SIZE + 8 == FRAME_HEADER_SIZE, "header size");

/*@ requires \valid_read(header + (0 .. FIELDS_SIZE - 1));
  @ assigns \nothing; */
static uint32_t header_check_of(const uint8_t *header)
{
    return (uint32_t)hash64(bytes_of(header, FIELDS_SIZE));
}

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
    store_u32le(header + FIELDS_SIZE, header_check_of(header));
    struct bytes payload = bytes_of(header + FRAME_HEADER_SIZE, length);
    store_u64le(header + CHECKED_SIZE, checksum_of(header, payload));
}

/*@ requires \valid_read(p + (0 .. FRAME_HEADER_SIZE - 1));
  @ assigns \nothing;
  @ ensures \result == 0 || \result == ERR_PROTOCOL || \result == ERR_CORRUPT;
  @ ensures \result == 0 ==> le32(p, 4) == FRAME_MAGIC &&
  @     p[4] == FRAME_VERSION && FRAME_HELLO <= p[5] < FRAME_TYPE_END &&
  @     le32(p + 8, 4) <= FRAME_LENGTH_MAX; */
static int header_check(const uint8_t *p)
{
    if (load_u32le(p) != FRAME_MAGIC || p[4] != FRAME_VERSION)
        return ERR_PROTOCOL;
    if (load_u32le(p + FIELDS_SIZE) != header_check_of(p))
        return ERR_CORRUPT;
    bool valid = p[5] >= FRAME_HELLO && p[5] < FRAME_TYPE_END &&
                 load_u32le(p + 8) <= FRAME_LENGTH_MAX;
    return valid ? 0 : ERR_PROTOCOL;
}

int frame_decode(struct bytes *bytes, struct frame *out)
{
    ASSERT(bytes != NULL);
    ASSERT(out != NULL);
    if (bytes->len < FRAME_HEADER_SIZE)
        return ERR_AGAIN;
    const uint8_t *p = bytes->data;
    int err = header_check(p);
    if (err != 0)
        return err;
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
