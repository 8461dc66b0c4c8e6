/*
 * Rows as bytes, one after the other: key_len(4) value_len(4) key value,
 * little-endian. This is how rows leave a store and come into one; who gets
 * them from outside takes them for hostile.
 */
#ifndef STORE_STORE_ROWS_H
#define STORE_STORE_ROWS_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"

#define STORE_ROW_HEADER 8

struct store_row {
    struct bytes key; /* never empty */
    struct bytes value;
};

/* Appends a row; its key and value have less than 4 GiB each. */
void store_row_append(struct buf *out, struct bytes key, struct bytes value);

/* Takes the first row off *rows; it borrows from them. False: there is none,
 * or what comes is no row, and *row is as it was; the rows are empty after
 * their last one only. */
MUST_USE bool store_row_next(struct bytes *rows, struct store_row *row);

#endif
