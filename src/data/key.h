/*
 * Keys of the state family for user keys: 'k' db(1) epoch(4) slot(2) hash(6)
 * userkey. Their order is that of SCAN, and within an epoch of a database
 * (see keyspace.h) a slot is one contiguous range.
 */
#ifndef DATA_KEY_H
#define DATA_KEY_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"

#define KEY_SLOTS       16384
#define KEY_PREFIX_SIZE 14 /* before the user key */

/* CRC16 of the hash tag (or of the whole key) mod 16384, as in the Redis
 * Cluster specification. */
/*@ requires readable(user_key);
  @ assigns \nothing;
  @ ensures \result < KEY_SLOTS; */
uint16_t key_slot(struct bytes user_key);
/* Appends it to *out. */
void key_append(struct buf *out, uint8_t db, uint32_t epoch,
                struct bytes user_key);
/* Replaces what is in *out. */
void key_encode(struct buf *out, uint8_t db, uint32_t epoch,
                struct bytes user_key);
/* The epoch in a state key; the 'k' and the size are the caller's. */
uint32_t key_epoch(struct bytes state_key);

#endif
