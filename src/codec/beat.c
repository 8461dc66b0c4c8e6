/*
 * Field by field through the bounds-checked reader. Input that is too short,
 * or that no honest node writes, is ERR_CORRUPT, and the output is then not
 * to be used.
 */
#include "codec/beat.h"

#include "base/reader.h"
#include "codec/entry.h"

_Static_assert(3 * 8 + 1 + 1 + 2 + 4 == BEAT_SIZE, "size of a beat");

enum {
    FLAG_DISK_SHORT = 1,
    FLAG_PAUSED = 2,
    FLAG_END = 4,
};

void beat_encode(const struct beat *b, struct buf *out)
{
    size_t begin = out->len;
    int flags =
        (b->disk_short ? FLAG_DISK_SHORT : 0) | (b->paused ? FLAG_PAUSED : 0);

    ASSERT(b->short_members <= RAFT_NODES_MAX);
    ASSERT(b->held_by_all <= RAFT_NUMBER_MAX);
    ASSERT(b->held_by_live <= RAFT_NUMBER_MAX);
    ASSERT(b->log_time_ms >= 0 && b->log_time_ms <= ENTRY_TIME_MAX);
    buf_u64(out, b->held_by_all);
    buf_u64(out, b->held_by_live);
    buf_u64(out, (uint64_t)b->log_time_ms);
    buf_u8(out, (uint8_t)flags);
    buf_u8(out, b->short_members);
    buf_u16(out, 0);
    buf_u32(out, 0);
    ASSERT(out->len - begin == BEAT_SIZE);
}

int beat_decode(struct bytes bytes, struct beat *out, struct bytes *rest)
{
    ASSERT(out != NULL);
    ASSERT(rest != NULL);
    if (bytes.len < BEAT_SIZE)
        return ERR_CORRUPT;
    struct reader r = reader_of(bytes);
    out->held_by_all = reader_u64(&r);
    out->held_by_live = reader_u64(&r);
    out->log_time_ms = (int64_t)reader_u64(&r);
    uint8_t flags = reader_u8(&r);
    out->disk_short = (flags & FLAG_DISK_SHORT) != 0;
    out->paused = (flags & FLAG_PAUSED) != 0;
    out->short_members = reader_u8(&r);
    uint16_t spare2 = reader_u16(&r);
    uint32_t spare4 = reader_u32(&r);
    if (flags >= FLAG_END || spare2 != 0 || spare4 != 0)
        return ERR_CORRUPT;
    if (out->short_members > RAFT_NODES_MAX)
        return ERR_CORRUPT;
    if (out->held_by_all > RAFT_NUMBER_MAX ||
        out->held_by_live > RAFT_NUMBER_MAX)
        return ERR_CORRUPT;
    if (out->log_time_ms < 0 || out->log_time_ms > ENTRY_TIME_MAX)
        return ERR_CORRUPT;
    *rest = r.rest;
    return 0;
}
