/*
 * How it works: one field after the other, all of which must be there and in
 * their bounds, and nothing after them. Roots are checked as pages, so a
 * record that was accepted can be worked on.
 *
 * How it fails: what this code did not write is ERR_CORRUPT.
 */
#include "data/record.h"

#include "base/reader.h"
#include "data/value.h"

_Static_assert(RECORD_OWN_MAX <= UINT8_MAX, "on disk");

static uint64_t read_number(struct reader *r)
{
    uint64_t high = reader_u8(r);
    return high << 32 | reader_u32be(r);
}

static void put_number(struct buf *out, uint64_t v)
{
    ASSERT(v <= PAGE_CHILD_MAX);
    buf_u8(out, (uint8_t)(v >> 32));
    buf_u32be(out, (uint32_t)v);
}

static bool read_space(struct reader *r, struct record *out)
{
    out->id = reader_u64be(r);
    out->next = read_number(r);
    out->used = read_number(r);
    out->free_count = reader_u8(r);
    if (r->failed || out->id == 0 || out->used == 0 ||
        out->free_count > BTREE_FREE_MAX ||
        out->used + out->free_count >= out->next)
        return false;
    for (uint32_t i = 0; i < out->free_count; i++) {
        out->free[i] = read_number(r);
        if (out->free[i] == 0 || out->free[i] >= out->next)
            return false;
    }
    return true;
}

static bool read_root(struct reader *r, bool apart, struct bytes *root)
{
    uint32_t len = reader_u32be(r);
    *root = reader_bytes(r, len);
    if (r->failed)
        return false;
    return len == 0 || (page_is_valid(*root) && page_count(*root) > 0 &&
                        (apart || page_level(*root) == 0));
}

int record_decode(const struct value *v, struct record *out)
{
    const struct value_type_info *info = value_type_info(v->type);
    struct reader r = reader_of(v->data);
    bool apart = v->encoding == VALUE_APART;
    ASSERT(!info->plain && info->trees <= RECORD_TREES_MAX);
    *out = (struct record){.id = 0, .next = 1};
    if (apart && !read_space(&r, out))
        return ERR_CORRUPT;
    uint8_t len = reader_u8(&r);
    out->own = reader_bytes(&r, len);
    bool ok = !r.failed && len <= RECORD_OWN_MAX;
    for (uint8_t i = 0; ok && i < info->trees; i++)
        ok = read_root(&r, apart, &out->roots[i]);
    if ((v->flags & VALUE_FIELD_TTL) && record_due_ms(out->own) == 0)
        return ERR_CORRUPT;
    return ok && reader_done(&r) ? 0 : ERR_CORRUPT;
}

int64_t record_due_ms(struct bytes own)
{
    int64_t due_ms = own.len >= 8 ? time_load(own.data) : 0;
    return MAX(due_ms, 0);
}

void record_encode(struct buf *out, uint8_t type, const struct record *r)
{
    const struct value_type_info *info = value_type_info(type);
    ASSERT(!info->plain && r->own.len <= RECORD_OWN_MAX);
    if (r->id != 0) {
        ASSERT(r->used > 0 && r->free_count <= BTREE_FREE_MAX);
        buf_u64be(out, r->id);
        put_number(out, r->next);
        put_number(out, r->used);
        buf_u8(out, (uint8_t)r->free_count);
        for (uint32_t i = 0; i < r->free_count; i++)
            put_number(out, r->free[i]);
    }
    buf_u8(out, (uint8_t)r->own.len);
    buf_bytes(out, r->own);
    for (uint8_t i = 0; i < info->trees; i++) {
        buf_u32be(out, (uint32_t)r->roots[i].len);
        buf_bytes(out, r->roots[i]);
    }
}
