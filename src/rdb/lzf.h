/*
 * Strings that Redis has compressed, by liblzf, whose format it is.
 */
#ifndef RDB_LZF_H
#define RDB_LZF_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"

/* Replaces what is in *out by the `len` bytes that it was. ERR_CORRUPT: it was
 * not; no such claim makes it allocate more than LZF could give. */
MUST_USE int rdb_lzf(struct bytes packed, uint64_t len, struct buf *out);

#endif
