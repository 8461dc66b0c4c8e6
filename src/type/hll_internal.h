/*
 * The sparse form of a HyperLogLog, for the files of this room.
 */
#ifndef TYPE_HLL_INTERNAL_H
#define TYPE_HLL_INTERNAL_H

#include "type/hll.h"

/* Registers in a row that have one value. */
struct hll_run {
    uint8_t value;
    uint32_t count;
};

/* The largest value of a run. */
#define HLL_SPARSE_VALUE_MAX 32

/* The run at `at`, which is moved behind it. False: there is no whole one, and
 * `at` stays. */
MUST_USE bool hll_run_next(struct bytes sparse, size_t *at,
                           struct hll_run *out);

/* Raises a register of a sparse one. 1: done; 0: it was as high before.
 * ERR_NOT_FOUND: it must become dense first, nothing has changed. ERR_CORRUPT.
 */
MUST_USE int hll_sparse_raise(struct buf *hll, uint32_t index, uint8_t value);

#endif
