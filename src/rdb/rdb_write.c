/*
 * How it works: nothing is compressed, and no small form is used but the nodes
 * of streams (rdb_stream.c), which have no other: up to 100 entries or some 4
 * KiB each, as Redis makes them.
 *
 * How it fails: it does not; a length that no element of a listpack could have
 * is an assertion, because no value is that long.
 */
#include "rdb/rdb_write.h"

#include "base/reader.h"

#define NODE_ENTRIES 100
#define NODE_BYTES   4096
#define PACK_HEADER  6
#define PACK_COUNT   65535 /* and more: unknown */
#define FLAG_SAME    2

void rdb_put_length(struct buf *out, uint64_t n)
{
    if (n < 1 << 6) {
        buf_u8(out, (uint8_t)n);
    } else if (n < 1 << 14) {
        buf_u16be(out, (uint16_t)(0x4000 | n));
    } else if (n <= UINT32_MAX) {
        buf_u8(out, 0x80);
        buf_u32be(out, (uint32_t)n);
    } else {
        buf_u8(out, 0x81);
        buf_u64be(out, n);
    }
}

void rdb_put_string(struct buf *out, struct bytes s)
{
    rdb_put_length(out, s.len);
    buf_bytes(out, s);
}

void rdb_put_score(struct buf *out, double score)
{
    uint64_t bits;
    _Static_assert(sizeof(bits) == sizeof(score), "IEEE 754");
    memcpy(&bits, &score, sizeof(bits));
    buf_u64(out, bits);
}

void rdb_put_raw_id(struct buf *out, struct rdb_id id)
{
    buf_u64be(out, id.ms);
    buf_u64be(out, id.seq);
}

void rdb_put_id(struct buf *out, struct rdb_id id)
{
    rdb_put_length(out, id.ms);
    rdb_put_length(out, id.seq);
}

/* --- elements of listpacks ---------------------------------------------- */

/* How long the element is, for those who read backwards. */
static void put_back(struct buf *out, size_t len)
{
    uint32_t size = len <= 127        ? 1
                    : len < 16383     ? 2
                    : len < 2097151   ? 3
                    : len < 268435455 ? 4
                                      : 5;
    for (uint32_t i = 0; i < size; i++) {
        uint8_t bits = (uint8_t)(len >> 7 * (size - 1 - i) & 0x7f);
        buf_u8(out, i > 0 ? bits | 0x80 : bits);
    }
}

static void put_text(struct buf *out, struct bytes text)
{
    size_t before = out->len;
    ASSERT(text.len <= UINT32_MAX - 16);
    if (text.len < 64) {
        buf_u8(out, (uint8_t)(0x80 | text.len));
    } else if (text.len < 4096) {
        buf_u16be(out, (uint16_t)(0xe000 | text.len));
    } else {
        buf_u8(out, 0xf0);
        buf_u32(out, (uint32_t)text.len);
    }
    buf_bytes(out, text);
    put_back(out, out->len - before);
}

static void put_number(struct buf *out, int64_t n)
{
    size_t before = out->len;
    if (n >= 0 && n < 128) {
        buf_u8(out, (uint8_t)n);
    } else if (n >= INT16_MIN && n <= INT16_MAX) {
        buf_u8(out, 0xf1);
        buf_u16(out, (uint16_t)n);
    } else if (n >= INT32_MIN && n <= INT32_MAX) {
        buf_u8(out, 0xf3);
        buf_u32(out, (uint32_t)n);
    } else {
        buf_u8(out, 0xf4);
        buf_u64(out, (uint64_t)n);
    }
    put_back(out, out->len - before);
}

/* --- nodes of a stream -------------------------------------------------- */

static void end_node(struct rdb_nodes *n)
{
    struct buf head = BUF_INIT;
    uint32_t elements = n->elements + 4 + n->names_count;
    if (n->entries == 0)
        return;
    put_number(&head, n->entries);
    put_number(&head, 0);
    put_number(&head, n->names_count);
    buf_bytes(&head, buf_view(&n->names));
    put_number(&head, 0);
    size_t bytes = PACK_HEADER + head.len + n->pack.len + 1;
    ASSERT(bytes <= UINT32_MAX);
    rdb_put_length(&n->done, 16);
    rdb_put_raw_id(&n->done, n->master);
    rdb_put_length(&n->done, bytes);
    buf_u32(&n->done, (uint32_t)bytes);
    buf_u16(&n->done, (uint16_t)MIN(elements, (uint32_t)PACK_COUNT));
    buf_bytes(&n->done, buf_view(&head));
    buf_bytes(&n->done, buf_view(&n->pack));
    buf_u8(&n->done, 0xff);
    buf_release(&head);
    n->count++;
    n->entries = 0;
}

static void begin_node(struct rdb_nodes *n, struct rdb_id id,
                       const struct bytes *fields, uint32_t count)
{
    buf_reset(&n->pack);
    buf_reset(&n->names);
    n->elements = 0;
    n->master = id;
    n->names_count = count / 2;
    for (uint32_t i = 0; i < count; i += 2)
        put_text(&n->names, fields[i]);
}

/* The fields are those of the node's head. */
static bool has_names(const struct rdb_nodes *n, const struct bytes *fields,
                      uint32_t count)
{
    struct buf names = BUF_INIT;
    if (count / 2 != n->names_count)
        return false;
    for (uint32_t i = 0; i < count; i += 2)
        put_text(&names, fields[i]);
    bool same = bytes_eq(buf_view(&names), buf_view(&n->names));
    buf_release(&names);
    return same;
}

void rdb_nodes_add(struct rdb_nodes *n, struct rdb_id id,
                   const struct bytes *fields, uint32_t count)
{
    ASSERT(count > 0 && count % 2 == 0);
    if (n->entries == NODE_ENTRIES ||
        (n->entries > 0 && n->pack.len + n->names.len >= NODE_BYTES))
        end_node(n);
    if (n->entries == 0)
        begin_node(n, id, fields, count);
    bool same = has_names(n, fields, count);
    put_number(&n->pack, same ? FLAG_SAME : 0);
    put_number(&n->pack, (int64_t)(id.ms - n->master.ms));
    put_number(&n->pack, (int64_t)(id.seq - n->master.seq));
    if (!same)
        put_number(&n->pack, count / 2);
    for (uint32_t i = same ? 1 : 0; i < count; i += same ? 2 : 1)
        put_text(&n->pack, fields[i]);
    uint32_t size = same ? count / 2 + 3 : count + 4;
    put_number(&n->pack, size);
    n->elements += size + 1;
    n->entries++;
}

void rdb_nodes_end(struct rdb_nodes *n, struct buf *out)
{
    end_node(n);
    rdb_put_length(out, n->count);
    buf_bytes(out, buf_view(&n->done));
    buf_release(&n->done);
    buf_release(&n->pack);
    buf_release(&n->names);
}
