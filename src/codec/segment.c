/*
 * An entry is judged by its own checksum, which has its index, and by what the
 * trailer, or the segment that follows, says of the chain.
 *
 * How it fails: ERR_CORRUPT for what this code does not write. What ends
 * within a record is no damage: it is being written, or its writer was killed.
 */
#include "codec/segment.h"

#include "base/hash.h"
#include "base/reader.h"

#define MAGIC BYTES_LIT("vardlog1")

void segment_begin(struct buf *out, raft_index first, uint64_t prev_chain,
                   uint64_t cluster_id)
{
    size_t at = out->len;
    ASSERT(first > 0 && first <= RAFT_NUMBER_MAX);
    buf_bytes(out, MAGIC);
    buf_u64(out, first);
    buf_u64(out, prev_chain);
    buf_u64(out, cluster_id);
    buf_u64(out, hash64(bytes_from(buf_view(out), at)));
    ASSERT(out->len - at == SEGMENT_HEAD_SIZE);
}

void segment_end(struct buf *out, const struct segment *s)
{
    size_t at = out->len;
    ASSERT(!s->closed && s->last + 1 >= s->first);
    buf_u64(out, 0);
    buf_u64(out, s->last);
    buf_u64(out, s->chain);
    buf_u64(out, hash64_seed(bytes_from(buf_view(out), at), s->head_hash));
    ASSERT(out->len - at == SEGMENT_TRAILER_SIZE);
}

int segment_open(struct bytes bytes, struct segment *out)
{
    struct reader r = reader_of(bytes);
    struct bytes magic = reader_bytes(&r, MAGIC.len);
    struct segment s = {.first = reader_u64(&r)};
    ASSERT(out != NULL);
    s.prev_chain = reader_u64(&r);
    s.cluster_id = reader_u64(&r);
    s.head_hash = reader_u64(&r);
    if (r.failed || !bytes_eq(magic, MAGIC) || s.first == 0 ||
        s.first > RAFT_NUMBER_MAX ||
        s.head_hash != hash64(bytes_of(bytes.data, SEGMENT_HEAD_SIZE - 8)))
        return ERR_CORRUPT;
    s.last = s.first - 1;
    s.chain = s.prev_chain;
    s.rest = r.rest;
    *out = s;
    return 0;
}

/* What begins as a trailer does. */
static int close_by(struct segment *s)
{
    struct reader r = reader_of(s->rest);
    ASSERT(!s->closed);
    if (s->rest.len < SEGMENT_TRAILER_SIZE)
        return ERR_NOT_FOUND;
    struct bytes hashed = bytes_of(s->rest.data, SEGMENT_TRAILER_SIZE - 8);
    (void)reader_u64(&r);
    raft_index last = reader_u64(&r);
    uint64_t chain = reader_u64(&r);
    uint64_t hash = reader_u64(&r);
    if (last != s->last || chain != s->chain || r.rest.len > 0 ||
        hash != hash64_seed(hashed, s->head_hash))
        return ERR_CORRUPT;
    s->closed = true;
    s->rest = r.rest;
    return ERR_NOT_FOUND;
}

int segment_next(struct segment *s, struct entry *out)
{
    struct bytes rest = s->rest;
    ASSERT(s->last + 1 >= s->first && out != NULL);
    if (rest.len < 8)
        return ERR_NOT_FOUND;
    if (load_u64le(rest.data) == 0)
        return close_by(s);
    size_t size = entry_record_size(rest);
    if (size == 0 || size > rest.len)
        return ERR_NOT_FOUND;
    struct entry e;
    if (s->last == RAFT_NUMBER_MAX ||
        entry_decode(s->last + 1, &rest, &e) != 0 || e.term < s->term ||
        e.term > RAFT_NUMBER_MAX)
        return ERR_CORRUPT;
    *out = e;
    s->rest = rest;
    s->last = e.index;
    s->term = e.term;
    s->chain = entry_chain(s->chain, e.checksum);
    return 0;
}
