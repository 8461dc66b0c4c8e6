/*
 * How it works: plain encoding; every byte string is a valid user key, so
 * nothing can fail. Two keys with the same slot and hash stay different by
 * the user key at the end.
 */
#include "data/key.h"

#include "base/hash.h"
#include "base/reader.h"
#include "data/keyspace.h"

/* What stands between the first '{' and the next '}', if that is anything. */
/*@ requires readable(key);
  @ assigns \nothing;
  @ ensures readable(\result) && \result.len <= key.len;
  @ ensures \result.len == key.len && \result.data == key.data ||
  @     0 < \result.len && \result.data[-1] == '{' &&
  @     \result.data[\result.len] == '}'; */
static struct bytes hash_tag(struct bytes key)
{
    const uint8_t *open = key.len > 0 ? memchr(key.data, '{', key.len) : NULL;
    if (open == NULL)
        return key;
    size_t begin = (size_t)(open - key.data) + 1;
    const uint8_t *close = memchr(open + 1, '}', key.len - begin);
    if (close == NULL || close == open + 1)
        return key;
    return bytes_of(open + 1, (size_t)(close - open) - 1);
}

uint16_t key_slot(struct bytes user_key)
{
    _Static_assert((KEY_SLOTS & (KEY_SLOTS - 1)) == 0, "a power of two");
    return crc16(hash_tag(user_key)) & (KEY_SLOTS - 1);
}

void key_append(struct buf *out, uint8_t db, uint32_t epoch,
                struct bytes user_key)
{
    ASSERT(db < KEYSPACE_DATABASES);
    size_t begin = out->len;
    uint64_t hash = hash64(user_key) >> 16;
    buf_reserve(out, KEY_PREFIX_SIZE + user_key.len);
    buf_u8(out, 'k');
    buf_u8(out, db);
    buf_u32be(out, epoch);
    buf_u16be(out, key_slot(user_key));
    buf_u16be(out, (uint16_t)(hash >> 32));
    buf_u32be(out, (uint32_t)hash);
    ASSERT(out->len - begin == KEY_PREFIX_SIZE);
    buf_bytes(out, user_key);
}

void key_encode(struct buf *out, uint8_t db, uint32_t epoch,
                struct bytes user_key)
{
    buf_reset(out);
    key_append(out, db, epoch, user_key);
}

uint32_t key_epoch(struct bytes state_key)
{
    ASSERT(state_key.len >= KEY_PREFIX_SIZE && state_key.data[0] == 'k');
    struct reader r = reader_of(bytes_from(state_key, 2));
    return reader_u32be(&r);
}
