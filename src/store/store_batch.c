/*
 * Batches: operations one after the other in one buffer, each with a header
 * of fixed size.
 *
 * Nothing here fails: batches are built and read by this file alone, so what
 * does not fit is the programmer's mistake (an assertion), not damage.
 */
#include "store/store_batch.h"

#include "base/reader.h"

#include <string.h>

#define OP_HEADER_SIZE  12
#define BATCH_KEEP_SIZE (1024u * 1024u)
#define BORROW_MIN_SIZE 256 /* below, a copy is cheaper */

_Static_assert(1 + 1 + 2 + 4 + 4 == OP_HEADER_SIZE, "header of an operation");

void store_batch_release(struct store_batch *b)
{
    ASSERT(b != NULL);
    buf_release(&b->ops);
    b->count = 0;
}

void store_batch_reset(struct store_batch *b)
{
    ASSERT(b != NULL);
    buf_reset(&b->ops);
    /* One huge value must not keep its memory allocated. */
    buf_shrink(&b->ops, BATCH_KEEP_SIZE);
    b->count = 0;
}

static void add(struct store_batch *b, enum store_op op,
                enum store_family family, struct bytes key, struct bytes value)
{
    ASSERT(family < STORE_FAMILY_COUNT);
    ASSERT(key.len > 0 && key.len <= UINT32_MAX);
    ASSERT(value.len <= UINT32_MAX);
    uint8_t *p = buf_reserve(&b->ops, OP_HEADER_SIZE + key.len + value.len);
    p[0] = (uint8_t)op;
    p[1] = (uint8_t)family;
    p[2] = 0;
    p[3] = 0;
    store_u32le(p + 4, (uint32_t)key.len);
    store_u32le(p + 8, (uint32_t)value.len);
    b->ops.len += OP_HEADER_SIZE;
    buf_bytes(&b->ops, key);
    buf_bytes(&b->ops, value);
    ASSERT(b->count < UINT32_MAX);
    b->count++;
}

void store_batch_put(struct store_batch *b, enum store_family family,
                     struct bytes key, struct bytes value)
{
    add(b, STORE_OP_PUT, family, key, value);
}

void store_batch_put_borrowed(struct store_batch *b, enum store_family family,
                              struct bytes key, struct bytes value)
{
    if (value.len < BORROW_MIN_SIZE) {
        store_batch_put(b, family, key, value);
        return;
    }
    size_t begin = b->ops.len;
    struct bytes address = bytes_of(&value.data, sizeof(value.data));
    add(b, STORE_OP_PUT, family, key, address);
    ASSERT(value.len <= UINT32_MAX);
    b->ops.data[begin + 2] = 1;
    store_u32le(b->ops.data + begin + 8, (uint32_t)value.len);
}

void store_batch_delete(struct store_batch *b, enum store_family family,
                        struct bytes key)
{
    add(b, STORE_OP_DELETE, family, key, BYTES_NONE);
}

void store_batch_delete_range(struct store_batch *b, enum store_family family,
                              struct bytes begin, struct bytes end)
{
    ASSERT(family != STORE_STATE && bytes_cmp(begin, end) <= 0);
    add(b, STORE_OP_DELETE_RANGE, family, begin, end);
}

void store_batch_discard(struct store_batch *b, enum store_family family,
                         struct bytes begin, struct bytes end)
{
    ASSERT(family != STORE_META && bytes_cmp(begin, end) < 0);
    add(b, STORE_OP_DISCARD, family, begin, end);
}

bool store_batch_next(const struct store_batch *b, size_t *pos,
                      struct store_batch_op *out)
{
    ASSERT(*pos <= b->ops.len);
    if (*pos == b->ops.len)
        return false;
    struct reader r = reader_of(bytes_from(buf_view(&b->ops), *pos));
    uint8_t op = reader_u8(&r);
    uint8_t family = reader_u8(&r);
    bool borrowed = reader_u16(&r) == 1;
    uint32_t key_len = reader_u32(&r);
    uint32_t value_len = reader_u32(&r);
    out->key = reader_bytes(&r, key_len);
    if (borrowed) {
        const uint8_t *data = NULL;
        struct bytes address = reader_bytes(&r, sizeof(data));
        ASSERT(!r.failed);
        memcpy(&data, address.data, sizeof(data));
        out->value = bytes_of(data, value_len);
    } else {
        out->value = reader_bytes(&r, value_len);
    }
    ASSERT(!r.failed);
    ASSERT(op >= STORE_OP_PUT && op <= STORE_OP_DISCARD);
    ASSERT(family < STORE_FAMILY_COUNT);
    out->op = (enum store_op)op;
    out->family = (enum store_family)family;
    *pos = b->ops.len - r.rest.len;
    return true;
}

void store_batch_copy(struct store_batch *b, const struct store_batch *from)
{
    struct store_batch_op op;
    size_t pos = 0;
    ASSERT(b != from);
    while (store_batch_next(from, &pos, &op))
        add(b, op.op, op.family, op.key, op.value);
}

void store_key_below(struct bytes end, struct buf *out)
{
    ASSERT(end.len > 0);
    uint8_t last = end.data[end.len - 1];
    buf_bytes(out, bytes_of(end.data, end.len - 1));
    if (last > 0) {
        buf_u8(out, (uint8_t)(last - 1));
        buf_u8(out, UINT8_MAX);
    }
    ASSERT(out->len > 0); /* no bytes would be no end */
}
