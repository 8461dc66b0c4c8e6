/*
 * The HyperLogLog of Redis: how many different elements were added, with a
 * standard error of 0.81 %. The value is a string in Redis' own format, 16
 * bytes and registers:
 *
 *   "HYLL" encoding(1) zeros(3) count(8, little-endian)
 *
 * The highest bit of the count says that it is out of date. The registers are
 * dense, 16,384 of six bits from the lowest up, or sparse, runs of them:
 *
 *   00nnnnnn           n + 1 of zero
 *   01nnnnnn nnnnnnnn  n + 1 of zero
 *   1vvvvvnn           n + 1 of v + 1
 *
 * A value comes from a client and may be damaged in any way.
 */
#ifndef TYPE_HLL_H
#define TYPE_HLL_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"

#define HLL_REGISTERS 16384
#define HLL_HEADER    16
#define HLL_DENSE     (HLL_HEADER + HLL_REGISTERS * 6 / 8)
/* A sparse one that would be longer than this becomes dense. */
#define HLL_SPARSE_MAX 3000
/* Longer than any that Redis makes: four bytes for three dense registers. */
#define HLL_MAX 16384

/* Whether it is one by its first HLL_HEADER bytes, or what there is of them,
 * and its length. */
bool hll_is(struct bytes head, uint64_t length);
bool hll_is_dense(struct bytes hll);

/* An empty one. */
void hll_init(struct buf *hll);
/* 1: it counts one more, perhaps; 0: nothing has changed. ERR_CORRUPT; then it
 * is of no use any more. */
MUST_USE int hll_add(struct buf *hll, struct bytes element);
/* Raises registers to those of `hll`. ERR_CORRUPT. */
MUST_USE int hll_merge(uint8_t registers[HLL_REGISTERS], struct bytes hll);
/* Raises its registers to these, and makes it dense if asked to. ERR_CORRUPT,
 * as above. */
MUST_USE int hll_raise(struct buf *hll, const uint8_t registers[HLL_REGISTERS],
                       bool dense);
/* Says that its count is out of date. */
void hll_changed(struct buf *hll);

/* How many there are, by the count that is kept if it is not out of date.
 * ERR_CORRUPT. */
MUST_USE int hll_count(struct bytes hll, uint64_t *out);
uint64_t hll_count_registers(const uint8_t registers[HLL_REGISTERS]);

#endif
