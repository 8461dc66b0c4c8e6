/*
 * The header is put together in an array of fixed size, so that sealing,
 * writing and checking share one layout. Decoding believes nothing but the
 * bytes that are there: a length beyond them is ERR_CORRUPT, and so is any
 * flipped bit, since all of the header and the index are under the checksum.
 */
#include "codec/entry.h"

#include "base/hash.h"
#include "base/reader.h"

#include <string.h>

#define CHECKED_SIZE 40 /* of the header: all but the checksum */

_Static_assert(8 + 8 + 8 + 8 + 1 + 3 + 4 == CHECKED_SIZE, "checked fields");
_Static_assert(CHECKED_SIZE + 8 == ENTRY_HEADER_SIZE, "header size");

/*@ requires \valid_read(e);
  @ assigns \nothing;
  @ ensures \result <==> (0 <= e->time_ms <= ENTRY_TIME_MAX &&
  @     -ENTRY_OFFSET_MAX <= e->wall_offset_ms <= ENTRY_OFFSET_MAX); */
static bool times_bounded(const struct entry *e)
{
    return e->time_ms >= 0 && e->time_ms <= ENTRY_TIME_MAX &&
           e->wall_offset_ms >= -ENTRY_OFFSET_MAX &&
           e->wall_offset_ms <= ENTRY_OFFSET_MAX;
}

/* index(8), then the checked part of the header. */
/*@ requires \valid_read(e) && \valid(head + (0 .. 8 + CHECKED_SIZE - 1));
  @ requires e->payload.len <= UINT32_MAX;
  @ assigns head[0 .. 8 + CHECKED_SIZE - 1]; */
static void encode_head(const struct entry *e, uint8_t head[8 + CHECKED_SIZE])
{
    ASSERT(e->payload.len <= UINT32_MAX);
    store_u64le(head, e->index);
    store_u64le(head + 8, e->term);
    store_u64le(head + 16, (uint64_t)e->time_ms);
    store_u64le(head + 24, (uint64_t)e->wall_offset_ms);
    store_u64le(head + 32, e->seed);
    store_u32le(head + 40, e->kind); /* and three zeros */
    store_u32le(head + 44, (uint32_t)e->payload.len);
}

/* The hash of the head is the seed of the payload's: both are covered
 * without copying them together. */
/*@ requires \valid_read(head + (0 .. 8 + CHECKED_SIZE - 1));
  @ requires readable(payload);
  @ assigns \nothing; */
static uint64_t checksum_of(const uint8_t head[8 + CHECKED_SIZE],
                            struct bytes payload)
{
    return hash64_seed(payload, hash64(bytes_of(head, 8 + CHECKED_SIZE)));
}

void entry_seal(struct entry *e)
{
    ASSERT(e->index > 0);
    ASSERT(e->kind < ENTRY_KIND_END);
    uint8_t head[8 + CHECKED_SIZE];
    encode_head(e, head);
    e->checksum = checksum_of(head, e->payload);
}

void entry_encode(const struct entry *e, struct buf *out)
{
    ASSERT(e->index > 0);
    ASSERT(e->kind < ENTRY_KIND_END);
    uint8_t head[8 + CHECKED_SIZE];
    encode_head(e, head);
    uint8_t *to = buf_reserve(out, ENTRY_HEADER_SIZE + e->payload.len);
    memcpy(to, head + 8, CHECKED_SIZE);
    store_u64le(to + CHECKED_SIZE, e->checksum);
    out->len += ENTRY_HEADER_SIZE;
    buf_bytes(out, e->payload);
}

size_t entry_record_size(struct bytes bytes)
{
    if (bytes.len < ENTRY_HEADER_SIZE)
        return 0;
    return ENTRY_HEADER_SIZE + (size_t)load_u32le(bytes.data + 36);
}

/* Reads the record at the front of *bytes; its checksum is not looked at. */
/*@ requires readable(bytes) && \valid(e);
  @ assigns *e;
  @ ensures \result ==> e->index == index && e->kind < ENTRY_KIND_END;
  @ ensures \result ==> 0 <= e->time_ms <= ENTRY_TIME_MAX;
  @ ensures \result ==>
  @     -ENTRY_OFFSET_MAX <= e->wall_offset_ms <= ENTRY_OFFSET_MAX;
  @ ensures \result ==> ENTRY_HEADER_SIZE + e->payload.len <= bytes.len;
  @ ensures \result ==> e->payload.data == bytes.data + ENTRY_HEADER_SIZE;
  @ ensures \result ==> readable(e->payload); */
static bool parse(raft_index index, struct bytes bytes, struct entry *e)
{
    size_t size = entry_record_size(bytes);
    if (size == 0 || size > bytes.len)
        return false;
    const uint8_t *p = bytes.data;

    *e = (struct entry){
        .index = index,
        .term = load_u64le(p),
        .time_ms = (int64_t)load_u64le(p + 8),
        .wall_offset_ms = (int64_t)load_u64le(p + 16),
        .seed = load_u64le(p + 24),
        .kind = p[32],
        .payload = bytes_of(p + ENTRY_HEADER_SIZE, size - ENTRY_HEADER_SIZE),
        .checksum = load_u64le(p + CHECKED_SIZE),
    };
    return e->kind < ENTRY_KIND_END && times_bounded(e) && p[33] == 0 &&
           p[34] == 0 && p[35] == 0;
}

int entry_decode(raft_index index, struct bytes *bytes, struct entry *out)
{
    ASSERT(bytes != NULL);
    ASSERT(out != NULL);
    struct entry e;
    if (!parse(index, *bytes, &e))
        return ERR_CORRUPT;
    uint8_t head[8 + CHECKED_SIZE];
    store_u64le(head, index);
    memcpy(head + 8, bytes->data, CHECKED_SIZE);
    if (checksum_of(head, e.payload) != e.checksum)
        return ERR_CORRUPT;
    *out = e;
    *bytes = bytes_from(*bytes, ENTRY_HEADER_SIZE + e.payload.len);
    return 0;
}

void entry_view(raft_index index, struct bytes *bytes, struct entry *out)
{
    bool ok = parse(index, *bytes, out);
    ASSERT(ok);
    *bytes = bytes_from(*bytes, ENTRY_HEADER_SIZE + out->payload.len);
}

uint64_t entry_chain(uint64_t previous_chain, uint64_t checksum)
{
    uint8_t pair[16];
    store_u64le(pair, previous_chain);
    store_u64le(pair + 8, checksum);
    return hash64(bytes_of(pair, sizeof(pair)));
}
