/*
 * What an owner knows that a store must have: asked when a database is opened,
 * of a store that is open for reading only, so that a refusal leaves every
 * file as it was. The store does not know what it is about.
 */
#ifndef STORE_STORE_CHECK_H
#define STORE_STORE_CHECK_H

#include "base/base.h"
#include "base/buf.h"
#include "store/store.h"

struct store_check {
    /* Does the store have what it must have? `unflushed`: how many rows of
     * STORE_LOG may be in write-ahead logs only. ERR_CORRUPT, ERR_MISMATCH
     * (it is another store's) and ERR_IO come with a text. */
    int (*content)(const void *ctx, struct store *s, uint64_t unflushed,
                   struct buf *error);
    /* There is no database at `path`. ERR_CORRUPT, with a text: there must be
     * one. */
    int (*absence)(const void *ctx, const char *path, struct buf *error);
    const void *ctx; /* borrowed as long as the check is used */
};

#endif
