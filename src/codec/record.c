/*
 * Each record has one size. The checksum covers everything before it, so a
 * flipped bit or a cut is ERR_CORRUPT; the kind of the record is its seed, so
 * that one kind is never read as another of the same size.
 */
#include "codec/record.h"

#include "base/hash.h"
#include "base/reader.h"

#define HARD_STATE_SIZE (8 + 4 + 4 + 8)
#define IDENTITY_SIZE   (8 + 4 + 4 + 8 + 16 + 8 + 8)
#define LOG_START_SIZE  (8 + 8 + 8 + 8)

_Static_assert(8 + 4 + 4 + 8 * 6 + 16 + 8 + 8 == WATERMARK_RECORD_SIZE,
               "size of a watermark");

_Static_assert(FOUNDING_MEMBERS_MAX >= RAFT_NODES_MAX, "all are listed");
_Static_assert(8 + 4 + 4 + 20 * FOUNDING_MEMBERS_MAX + 8 == FOUNDING_SIZE,
               "size of a founding");
_Static_assert(RECEIPTS_MAX >= RAFT_NODES_MAX, "one for each member");
_Static_assert(8 + 4 + 4 + 32 * RECEIPTS_MAX + 8 == RECEIPTS_SIZE,
               "size of the receipts");

enum record_kind {
    RECORD_HARD_STATE = 1,
    RECORD_IDENTITY,
    RECORD_LOG_START,
    RECORD_WATERMARK,
    RECORD_FOUNDING,
    RECORD_RECEIPTS,
};

static void seal(struct buf *out, size_t begin, enum record_kind kind)
{
    ASSERT(begin < out->len);
    struct bytes body = bytes_of(out->data + begin, out->len - begin);
    buf_u64(out, hash64_seed(body, kind));
}

/* The reader for the record's body; failed if it is not one. */
/*@ requires readable(b) && size > 8;
  @ assigns \nothing;
  @ ensures !\result.failed ==> b.len == size && \result.rest.len == size - 8 &&
  @     \result.rest.data == b.data && readable(\result.rest);
  @ ensures \result.failed ==> \result.rest.len == 0; */
static struct reader open_record(struct bytes b, size_t size,
                                 enum record_kind kind)
{
    ASSERT(size > 8);
    struct reader none = {BYTES_NONE, true};
    if (b.len != size)
        return none;
    struct bytes body = bytes_of(b.data, size - 8);
    if (load_u64le(b.data + size - 8) != hash64_seed(body, kind))
        return none;
    return reader_of(body);
}

void hard_state_encode(const struct hard_state *s, struct buf *out)
{
    size_t begin = out->len;
    buf_u64(out, s->term);
    buf_u32(out, s->vote);
    buf_u32(out, 0);
    seal(out, begin, RECORD_HARD_STATE);
    ASSERT(out->len - begin == HARD_STATE_SIZE);
}

int hard_state_decode(struct bytes b, struct hard_state *out)
{
    ASSERT(out != NULL);
    struct reader r = open_record(b, HARD_STATE_SIZE, RECORD_HARD_STATE);
    out->term = reader_u64(&r);
    out->vote = reader_u32(&r);
    uint32_t spare = reader_u32(&r);
    return reader_done(&r) && spare == 0 ? 0 : ERR_CORRUPT;
}

static void put_directory(struct directory_id id, struct buf *out)
{
    buf_u64(out, id.high);
    buf_u64(out, id.low);
}

static struct directory_id take_directory(struct reader *r)
{
    struct directory_id id;
    id.high = reader_u64(r);
    id.low = reader_u64(r);
    return id;
}

void identity_encode(const struct identity *s, struct buf *out)
{
    size_t begin = out->len;
    buf_u64(out, s->cluster_id);
    buf_u32(out, s->node);
    buf_u32(out, 0);
    buf_u64(out, s->incarnation);
    put_directory(s->directory, out);
    buf_u64(out, s->nonce);
    seal(out, begin, RECORD_IDENTITY);
    ASSERT(out->len - begin == IDENTITY_SIZE);
}

int identity_decode(struct bytes b, struct identity *out)
{
    ASSERT(out != NULL);
    struct reader r = open_record(b, IDENTITY_SIZE, RECORD_IDENTITY);
    out->cluster_id = reader_u64(&r);
    out->node = reader_u32(&r);
    uint32_t spare = reader_u32(&r);
    out->incarnation = reader_u64(&r);
    out->directory = take_directory(&r);
    out->nonce = reader_u64(&r);
    return reader_done(&r) && spare == 0 ? 0 : ERR_CORRUPT;
}

void log_start_encode(const struct log_start *s, struct buf *out)
{
    size_t begin = out->len;
    buf_u64(out, s->first);
    buf_u64(out, s->prev_term);
    buf_u64(out, s->prev_chain);
    seal(out, begin, RECORD_LOG_START);
    ASSERT(out->len - begin == LOG_START_SIZE);
}

int log_start_decode(struct bytes b, struct log_start *out)
{
    ASSERT(out != NULL);
    struct reader r = open_record(b, LOG_START_SIZE, RECORD_LOG_START);
    out->first = reader_u64(&r);
    out->prev_term = reader_u64(&r);
    out->prev_chain = reader_u64(&r);
    return reader_done(&r) && out->first > 0 ? 0 : ERR_CORRUPT;
}

void watermark_encode(const struct watermark *s, struct buf *out)
{
    size_t begin = out->len;
    buf_u64(out, s->cluster_id);
    buf_u32(out, s->node);
    buf_u32(out, s->vote);
    buf_u64(out, s->incarnation);
    buf_u64(out, s->term);
    buf_u64(out, s->index);
    buf_u64(out, s->index_term);
    buf_u64(out, s->chain);
    buf_u64(out, s->generation);
    put_directory(s->directory, out);
    buf_u64(out, s->nonce);
    seal(out, begin, RECORD_WATERMARK);
    ASSERT(out->len - begin == WATERMARK_RECORD_SIZE);
}

int watermark_decode(struct bytes b, struct watermark *out)
{
    ASSERT(out != NULL);
    struct reader r = open_record(b, WATERMARK_RECORD_SIZE, RECORD_WATERMARK);
    out->cluster_id = reader_u64(&r);
    out->node = reader_u32(&r);
    out->vote = reader_u32(&r);
    out->incarnation = reader_u64(&r);
    out->term = reader_u64(&r);
    out->index = reader_u64(&r);
    out->index_term = reader_u64(&r);
    out->chain = reader_u64(&r);
    out->generation = reader_u64(&r);
    out->directory = take_directory(&r);
    out->nonce = reader_u64(&r);
    return reader_done(&r) ? 0 : ERR_CORRUPT;
}

/* Ids ascend, directories are some, and behind them all is zero. */
static bool founding_valid(const struct founding *s)
{
    if (s->count > FOUNDING_MEMBERS_MAX ||
        (s->count == 0) != (s->cluster_id == 0))
        return false;
    for (uint32_t i = 0; i < FOUNDING_MEMBERS_MAX; i++) {
        const struct founding_member *m = &s->members[i];
        bool none = directory_id_is_none(m->directory);
        if (none != (i >= s->count) || (none && m->id != 0))
            return false;
        if (i > 0 && !none && m->id <= s->members[i - 1].id)
            return false;
    }
    return true;
}

void founding_encode(const struct founding *s, struct buf *out)
{
    ASSERT(founding_valid(s));
    size_t begin = out->len;
    buf_u64(out, s->cluster_id);
    buf_u32(out, s->count);
    buf_u32(out, 0);
    for (uint32_t i = 0; i < FOUNDING_MEMBERS_MAX; i++) {
        buf_u32(out, s->members[i].id);
        put_directory(s->members[i].directory, out);
    }
    seal(out, begin, RECORD_FOUNDING);
    ASSERT(out->len - begin == FOUNDING_SIZE);
}

int founding_decode(struct bytes b, struct founding *out)
{
    ASSERT(out != NULL);
    struct reader r = open_record(b, FOUNDING_SIZE, RECORD_FOUNDING);
    out->cluster_id = reader_u64(&r);
    out->count = reader_u32(&r);
    uint32_t spare = reader_u32(&r);
    for (uint32_t i = 0; i < FOUNDING_MEMBERS_MAX; i++) {
        out->members[i].id = reader_u32(&r);
        out->members[i].directory = take_directory(&r);
    }
    bool good = reader_done(&r) && spare == 0 && founding_valid(out);
    return good ? 0 : ERR_CORRUPT;
}

bool founding_has(const struct founding *s, node_id id,
                  struct directory_id directory)
{
    ASSERT(s->count <= FOUNDING_MEMBERS_MAX);
    for (uint32_t i = 0; i < s->count; i++) {
        if (s->members[i].id == id)
            return directory_id_eq(s->members[i].directory, directory);
    }
    return false;
}

const struct receipt *receipts_find(const struct receipts *s, node_id member)
{
    ASSERT(s->count <= RECEIPTS_MAX);
    for (uint32_t i = 0; i < s->count; i++) {
        if (s->of[i].member == member)
            return &s->of[i];
    }
    return NULL;
}

static bool receipts_valid(const struct receipts *s)
{
    ASSERT(s != NULL);
    if (s->count > RECEIPTS_MAX)
        return false;
    for (uint32_t i = 0; i < RECEIPTS_MAX; i++) {
        const struct receipt *r = &s->of[i];
        bool is_one = i < s->count;
        if (is_one != (r->term > 0) || is_one != (r->index > 0))
            return false;
        if (is_one ? receipts_find(s, r->member) != r
                   : r->member != 0 || r->life != 0 || r->chain != 0)
            return false;
    }
    return true;
}

void receipts_encode(const struct receipts *s, struct buf *out)
{
    ASSERT(receipts_valid(s));
    size_t begin = out->len;
    buf_u64(out, s->cluster_id);
    buf_u32(out, s->count);
    buf_u32(out, 0);
    for (uint32_t i = 0; i < RECEIPTS_MAX; i++) {
        buf_u32(out, s->of[i].member);
        buf_u32(out, s->of[i].life);
        buf_u64(out, s->of[i].term);
        buf_u64(out, s->of[i].index);
        buf_u64(out, s->of[i].chain);
    }
    seal(out, begin, RECORD_RECEIPTS);
    ASSERT(out->len - begin == RECEIPTS_SIZE);
}

int receipts_decode(struct bytes b, struct receipts *out)
{
    ASSERT(out != NULL);
    struct reader r = open_record(b, RECEIPTS_SIZE, RECORD_RECEIPTS);
    out->cluster_id = reader_u64(&r);
    out->count = reader_u32(&r);
    uint32_t spare = reader_u32(&r);
    for (uint32_t i = 0; i < RECEIPTS_MAX; i++) {
        out->of[i].member = reader_u32(&r);
        out->of[i].life = reader_u32(&r);
        out->of[i].term = reader_u64(&r);
        out->of[i].index = reader_u64(&r);
        out->of[i].chain = reader_u64(&r);
    }
    bool good = reader_done(&r) && spare == 0 && receipts_valid(out);
    return good ? 0 : ERR_CORRUPT;
}
