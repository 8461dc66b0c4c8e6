/*
 * What reading a value needs, for the files of this room.
 */
#ifndef RDB_RDB_VALUE_INTERNAL_H
#define RDB_RDB_VALUE_INTERNAL_H

#include "rdb/pack.h"
#include "rdb/rdb.h"
#include "rdb/rdb_in.h"

struct value_reader {
    struct rdb_in *in;
    uint8_t type;
    rdb_visit_fn *visit;
    void *arg;
    struct buf first;  /* a string that is no part of the input, and */
    struct buf second; /* the one that belongs to it */
};

static inline int tell(const struct value_reader *r, const struct rdb_item *i)
{
    return r->visit(r->arg, i);
}

int rdb_stream_read(struct value_reader *r);

#endif
