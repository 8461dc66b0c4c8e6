/* How it fails: bytes that are no row end the rows, and stay. */
#include "store/store_rows.h"

#include "base/reader.h"

void store_row_append(struct buf *out, struct bytes key, struct bytes value)
{
    ASSERT(key.len > 0 && key.len <= UINT32_MAX && value.len <= UINT32_MAX);
    buf_u32(out, (uint32_t)key.len);
    buf_u32(out, (uint32_t)value.len);
    buf_bytes(out, key);
    buf_bytes(out, value);
}

bool store_row_next(struct bytes *rows, struct store_row *row)
{
    struct reader r = reader_of(*rows);
    uint32_t key_len = reader_u32(&r);
    uint32_t value_len = reader_u32(&r);
    struct store_row found = {.key = reader_bytes(&r, key_len)};
    found.value = reader_bytes(&r, value_len);
    if (r.failed || key_len == 0)
        return false;
    *row = found;
    ASSERT(rows->len - r.rest.len ==
           STORE_ROW_HEADER + row->key.len + row->value.len);
    *rows = r.rest;
    return true;
}
