/*
 * How it works: the key is that of the value, with another letter. In an entry,
 * the row is dropped with the old value and put with the new one; what is the
 * same in the end is written again as it was.
 *
 * How it fails: the rows keep the first error.
 */
#include "data/due.h"

#include "data/key.h"
#include "data/kinds.h"
#include "data/record.h"
#include "data/value.h"

static void key_due(struct buf *out, struct bytes state_key)
{
    ASSERT(row_is(state_key, ROW_VALUE));
    buf_u8(out, ROW_DUE);
    buf_bytes(out, bytes_from(state_key, 1));
}

bool due_drop(struct rows *rs, struct bytes state_key, const struct row *value)
{
    struct buf key = BUF_INIT;
    if (!value->present ||
        (value->value.data[VALUE_FLAGS_OFFSET] & VALUE_FIELD_TTL) == 0)
        return false;
    key_due(&key, state_key);
    rows_delete(rs, buf_view(&key));
    buf_release(&key);
    return true;
}

void due_put(struct rows *rs, struct bytes state_key, const struct value *v)
{
    struct buf key = BUF_INIT;
    struct record r;
    uint8_t row[DUE_SIZE] = {v->type};
    if ((v->flags & VALUE_FIELD_TTL) == 0)
        return;
    int err = record_decode(v, &r);
    ASSERT(err == 0);
    time_store(row + DUE_EXPIRE_OFFSET, record_due_ms(r.own));
    key_due(&key, state_key);
    rows_put(rs, buf_view(&key), bytes_of(row, sizeof(row)));
    buf_release(&key);
}
