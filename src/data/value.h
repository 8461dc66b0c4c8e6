/*
 * The header of a stored value: type(1) encoding(1) zero(2) expire_ms(8)
 * version(8), big-endian; then its bytes.
 */
#ifndef DATA_VALUE_H
#define DATA_VALUE_H

#include "base/base.h"
#include "base/bytes.h"
#include "data/keyspace.h"

#define VALUE_HEADER_SIZE   20
#define VALUE_EXPIRE_OFFSET 4

void value_encode_header(uint8_t out[VALUE_HEADER_SIZE], const struct value *v);
/* v->data borrows from `record`. ERR_CORRUPT if the record cannot be ours:
 * too short, an unknown type or encoding, a negative expiry. */
/*@ requires readable(record) && \valid(v);
  @ assigns *v;
  @ ensures \result == 0 ==> v->expire_ms >= 0;
  @ ensures \result == 0 ==> readable(v->data);
  @ ensures \result == 0 ==>
  @     v->data.data == record.data + VALUE_HEADER_SIZE;
  @ ensures \result == 0 ==> v->data.len == record.len - VALUE_HEADER_SIZE; */
MUST_USE int value_decode(struct bytes record, struct value *v);

/* A time as it stands in records and index rows, big-endian. */
/*@ requires \valid_read(p + (0 .. 7));
  @ assigns \nothing; */
int64_t time_load(const uint8_t *p);
/*@ requires \valid(p + (0 .. 7)) && time_ms >= 0;
  @ assigns p[0 .. 7]; */
void time_store(uint8_t *p, int64_t time_ms);

#endif
