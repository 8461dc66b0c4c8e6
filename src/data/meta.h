/*
 * What the state says of itself, in rows of their own ('m' name): the applied
 * position and, for each database that has ever had keys, counts and epoch.
 * Integers are big-endian, offsets in front:
 *
 *   'm' "applied"      0 index(8)  8 term(8)  16 time_ms(8)  24 chain(8)
 *   'm' "count" db(1)  0 keys(8)  8 expires(8)  16 epoch(4)
 *                      20 sum of the expiries, in ms (16)
 */
#ifndef DATA_META_H
#define DATA_META_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "data/keyspace.h"

#define META_APPLIED_SIZE   32
#define META_COUNT_SIZE     36
#define META_COUNT_KEY_SIZE 7

struct bytes meta_applied_key(void);
/* Borrows from *out. */
struct bytes meta_count_key(uint8_t out[META_COUNT_KEY_SIZE], uint8_t db);

/* Replace what is in *out. */
void meta_applied_encode(struct buf *out, const struct applied *a);
void meta_count_encode(struct buf *out, const struct keyspace_count *c,
                       uint32_t epoch);

/* ERR_CORRUPT: a wrong size, a negative time, more expiries than keys, a sum
 * without expiries. */
MUST_USE int meta_applied_decode(struct bytes b, struct applied *out);
MUST_USE int meta_count_decode(struct bytes b, struct keyspace_count *out,
                               uint32_t *epoch);

/* Whether such a row can be ours: its name is known, its value decodes. */
bool meta_valid(struct bytes key, struct bytes value);

#endif
