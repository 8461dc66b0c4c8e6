/*
 * Values of elements: a short one is in the element itself, a long one is a
 * blob (data/object.h). Either may have an expiry.
 *
 *   flags(1)  expire_ms(8) if CELL_EXPIRES  then the bytes, or, if CELL_BLOB,
 *   row(5) length(8)
 */
#ifndef TYPE_CELL_H
#define TYPE_CELL_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "data/object.h"

struct cell {
    int64_t expire_ms; /* 0: never */
    bool apart;
    struct bytes bytes; /* unless apart */
    struct blob blob;   /* if apart */
    uint64_t length;    /* of the value, wherever it is */
};

/* Takes apart what an element has; borrows from it. False: it cannot be ours,
 * and the keyspace has the error. */
MUST_USE bool cell_decode(struct object *o, struct bytes stored,
                          struct cell *out);
/* Replaces what is in *stored; a value of more than `inline_max` bytes becomes
 * a blob of the object. */
void cell_encode(struct object *o, struct bytes value, int64_t expire_ms,
                 size_t inline_max, struct buf *stored);
/* The same value, wherever it is, with another expiry: replaces what is in
 * *stored, of which the cell must not be a part. */
void cell_renew(const struct cell *c, int64_t expire_ms, struct buf *stored);
/* Before the element goes, or gets another value. */
void cell_drop(struct object *o, const struct cell *c);
/* Appends the value to *out. */
void cell_read(struct object *o, const struct cell *c, struct buf *out);
bool cell_equals(struct object *o, const struct cell *c, struct bytes value);

#endif
