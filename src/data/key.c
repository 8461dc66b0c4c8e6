/*
 * How it works: plain encoding. Every byte string is a valid user key, and two
 * keys with the same slot and hash stay different by the user key at the end.
 *
 * How it fails: only decoding can: a key that cannot be ours is ERR_CORRUPT.
 */
#include "data/key.h"

#include "base/hash.h"
#include "data/kinds.h"
#include "data/value.h"

_Static_assert(KEY_PREFIX_SIZE == KEY_EPOCH_SIZE + 2 + 6, "on disk");
_Static_assert(KEY_EXPIRY_PREFIX_SIZE == 1 + 8, "on disk");
_Static_assert(KEY_SESSION_SIZE == 1 + 4, "on disk");
_Static_assert(KEY_PART_SIZE == KEY_UPLOAD_SIZE + 8, "on disk");
_Static_assert(KEY_PAGE_SIZE == KEY_EPOCH_SIZE + 8 + 5, "on disk");
_Static_assert(KEY_TICKET_SIZE == 1 + 8, "on disk");

/* What is between the first '{' and the next '}', if that is anything. */
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

/* The lowest `size` bytes of a number. */
static void put_be(uint8_t *p, int size, uint64_t v)
{
    ASSERT(size > 0 && size <= 8);
    for (int i = 0; i < size; i++)
        p[i] = (uint8_t)(v >> (8 * (size - 1 - i)));
}

struct bytes key_row(uint8_t out[KEY_PAGE_SIZE], uint8_t letter,
                     const struct page_owner *o, uint64_t page)
{
    ASSERT(letter == ROW_PAGE || letter == ROW_TREE);
    ASSERT(o->id != 0 && page < KEY_PAGES);
    key_epoch_first(out, letter, o->db, o->epoch);
    put_be(out + KEY_EPOCH_SIZE, 8, o->id);
    put_be(out + KEY_EPOCH_SIZE + 8, 5, page);
    return bytes_of(out, KEY_PAGE_SIZE);
}

struct bytes key_page(uint8_t out[KEY_PAGE_SIZE], const struct page_owner *o,
                      uint64_t page)
{
    return key_row(out, ROW_PAGE, o, page);
}

struct bytes key_tree_page(uint8_t out[KEY_PAGE_SIZE],
                           const struct page_owner *o, uint64_t page)
{
    return key_row(out, ROW_TREE, o, page);
}

struct bytes key_ticket(uint8_t out[KEY_TICKET_SIZE], uint64_t number)
{
    out[0] = ROW_TICKET;
    put_be(out + 1, 8, number);
    return bytes_of(out, KEY_TICKET_SIZE);
}

void key_append(struct buf *out, uint8_t db, uint32_t epoch,
                struct bytes user_key)
{
    ASSERT(db < KEYSPACE_DATABASES);
    size_t begin = out->len;
    uint64_t hash = hash64(user_key) >> 16;
    buf_reserve(out, KEY_PREFIX_SIZE + user_key.len);
    buf_u8(out, ROW_VALUE);
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

struct bytes key_session(uint8_t out[KEY_SESSION_SIZE], node_id node)
{
    ASSERT(node != NODE_NONE);
    out[0] = ROW_SESSION;
    put_be(out + 1, 4, node);
    return bytes_of(out, KEY_SESSION_SIZE);
}

struct bytes key_upload(uint8_t out[KEY_UPLOAD_SIZE], node_id node)
{
    ASSERT(node != NODE_NONE);
    out[0] = ROW_UPLOAD;
    put_be(out + 1, 4, node);
    return bytes_of(out, KEY_UPLOAD_SIZE);
}

struct bytes key_part(uint8_t out[KEY_PART_SIZE], node_id node, uint64_t offset)
{
    ASSERT(node != NODE_NONE && offset <= INT64_MAX);
    out[0] = ROW_PART;
    put_be(out + 1, 4, node);
    time_store(out + KEY_UPLOAD_SIZE, (int64_t)offset);
    return bytes_of(out, KEY_PART_SIZE);
}

node_id key_upload_node(struct bytes key)
{
    ASSERT(row_is(key, ROW_UPLOAD) && key.len == KEY_UPLOAD_SIZE);
    const uint8_t *p = key.data + 1;
    return (node_id)p[0] << 24 | (node_id)p[1] << 16 | (node_id)p[2] << 8 |
           (node_id)p[3];
}

void key_once(struct buf *out, struct bytes client)
{
    buf_reset(out);
    buf_u8(out, ROW_ONCE);
    buf_bytes(out, client);
}

void key_expiry(struct buf *out, int64_t time_ms, struct bytes of)
{
    ASSERT(time_ms > 0 && row_may_expire(of));
    buf_reset(out);
    buf_u8(out, ROW_EXPIRY);
    buf_u64be(out, (uint64_t)time_ms);
    ASSERT(out->len == KEY_EXPIRY_PREFIX_SIZE);
    buf_bytes(out, of);
}

bool key_expiry_time(struct bytes key, int64_t *time_ms)
{
    if (!row_is(key, ROW_EXPIRY) || key.len <= KEY_EXPIRY_PREFIX_SIZE)
        return false;
    *time_ms = time_load(key.data + 1);
    return true;
}

int key_expiry_decode(struct bytes key, int64_t *time_ms, struct bytes *of)
{
    if (!key_expiry_time(key, time_ms) || row_check(key, BYTES_NONE) != 0)
        return ERR_CORRUPT;
    *of = bytes_from(key, KEY_EXPIRY_PREFIX_SIZE);
    ASSERT(*time_ms > 0 && row_may_expire(*of));
    return 0;
}

void key_expiry_first(uint8_t out[KEY_EXPIRY_PREFIX_SIZE], int64_t time_ms)
{
    out[0] = ROW_EXPIRY;
    time_store(out + 1, time_ms);
}

void key_epoch_first(uint8_t out[KEY_EPOCH_SIZE], uint8_t letter, uint8_t db,
                     uint32_t epoch)
{
    ASSERT(db < KEYSPACE_DATABASES);
    out[0] = letter;
    out[1] = db;
    put_be(out + 2, 4, epoch);
}
