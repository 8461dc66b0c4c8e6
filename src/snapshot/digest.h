/*
 * The hash of a whole state: that of the last of its chunks (chunk.h), which
 * are read and thrown away. It is equal on all members that have the same after
 * the same entry.
 */
#ifndef SNAPSHOT_DIGEST_H
#define SNAPSHOT_DIGEST_H

#include "base/base.h"
#include "data/keyspace.h"
#include "store/store_view.h"

struct digest_options {
    uint64_t rate; /* bytes a second that are read at most; 0: any */
    bool in_turn;  /* without a thread: read at the first look */
};

struct digest_totals {
    struct applied applied; /* the entry that it is the state after */
    uint64_t chunks;
    uint64_t bytes; /* of the rows */
    uint64_t hash;
};

struct digest;

/* Reads on a thread of its own. The view stays the caller's, who closes it
 * after digest_free(). */
struct digest *digest_new(struct store_view *view,
                          const struct digest_options *options);
/* Does not wait for the end of the state. NULL: nothing to do. */
void digest_free(struct digest *d);

/* ERR_AGAIN: it is not read yet. ERR_NOT_FOUND: nothing was applied; ERR_IO,
 * ERR_CORRUPT: it cannot be read; digest_error() has the text. */
MUST_USE int digest_result(struct digest *d, struct digest_totals *out);
const char *digest_error(const struct digest *d);

#endif
