/*
 * Keys of the state family. By kind (kinds.h), with their offsets:
 *
 *   value    0 'k'  1 db(1)  2 epoch(4)  6 slot(2)  8 hash(6)  14 user key
 *   page     0 'p'  1 db(1)  2 epoch(4)  6 id(8)  14 page(5)
 *   of tree  0 't'  the same
 *   due      0 'h'  the same as of the value
 *   expiry   0 'x'  1 time_ms(8)  9 the key of the row that is due then
 *   ticket   0 'g'  1 number(8)
 *   session  0 's'  1 node(4)
 *   once     0 'o'  1 client
 *   upload   0 'u'  1 node(4)
 *   part     0 'b'  1 node(4)  5 offset(8)
 *   meta     0 'm'  1 name: see meta.h
 *
 * Integers are big-endian. The order of the values' keys is that of SCAN, and
 * within an epoch of a database (see keyspace.h) a slot is one contiguous
 * range. The slot is CRC16 of the hash tag mod 16384 as in Redis Cluster, the
 * hash the upper 48 bits of XXH3-64 of the user key.
 */
#ifndef DATA_KEY_H
#define DATA_KEY_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "data/keyspace.h"

#define KEY_SLOTS              16384
#define KEY_PREFIX_SIZE        14 /* before the user key */
#define KEY_EXPIRY_PREFIX_SIZE 9  /* before the key of the row */
#define KEY_SESSION_SIZE       5
#define KEY_UPLOAD_SIZE        5
#define KEY_PART_SIZE          13
#define KEY_PAGE_SIZE          19
#define KEY_TICKET_SIZE        9
#define KEY_EPOCH_SIZE         6 /* letter, database and epoch */

/* CRC16 of the hash tag (or of the whole key) mod 16384, as in the Redis
 * Cluster specification. */
/*@ requires readable(user_key);
  @ assigns \nothing;
  @ ensures \result < KEY_SLOTS; */
uint16_t key_slot(struct bytes user_key);
/* The key of a node's session; borrows from *out. */
struct bytes key_session(uint8_t out[KEY_SESSION_SIZE], node_id node);
/* The key of a node's upload, and of the part at an offset of it; they borrow
 * from *out. */
struct bytes key_upload(uint8_t out[KEY_UPLOAD_SIZE], node_id node);
struct bytes key_part(uint8_t out[KEY_PART_SIZE], node_id node,
                      uint64_t offset);
/* Whose upload it is. */
node_id key_upload_node(struct bytes key);
/* The key of a page of what has this id; below KEY_PAGES. Borrows from *out. */
#define KEY_PAGES ((uint64_t)1 << 40)
struct bytes key_page(uint8_t out[KEY_PAGE_SIZE], const struct page_owner *o,
                      uint64_t page);
struct bytes key_tree_page(uint8_t out[KEY_PAGE_SIZE],
                           const struct page_owner *o, uint64_t page);
/* Either of them. */
struct bytes key_row(uint8_t out[KEY_PAGE_SIZE], uint8_t letter,
                     const struct page_owner *o, uint64_t page);
struct bytes key_ticket(uint8_t out[KEY_TICKET_SIZE], uint64_t number);
/* Appends the key of a value to *out. */
void key_append(struct buf *out, uint8_t db, uint32_t epoch,
                struct bytes user_key);
/* The functions below replace what is in *out. */

void key_encode(struct buf *out, uint8_t db, uint32_t epoch,
                struct bytes user_key);
void key_once(struct buf *out, struct bytes client);

/* The key of the row that says that another one, `of`, is due at a time. */
void key_expiry(struct buf *out, int64_t time_ms, struct bytes of);
/* The time in such a key, whatever follows; false: too short, or of another
 * kind. */
MUST_USE bool key_expiry_time(struct bytes key, int64_t *time_ms);
/* Takes such a key apart; *of borrows from it. ERR_CORRUPT if it cannot be
 * ours: too short, of another kind, a time that is not after 0, or of a row
 * that does not expire. */
MUST_USE int key_expiry_decode(struct bytes key, int64_t *time_ms,
                               struct bytes *of);
/* Where the keys of a time begin in the order of the index. */
void key_expiry_first(uint8_t out[KEY_EXPIRY_PREFIX_SIZE], int64_t time_ms);

/* Where the keys of an epoch begin: those of one kind of row and one database
 * are in the order of the epochs. */
void key_epoch_first(uint8_t out[KEY_EPOCH_SIZE], uint8_t letter, uint8_t db,
                     uint32_t epoch);

#endif
