/*
 * Reads values, whatever form they have in bytes, and tells what they consist
 * of.
 */
#ifndef RDB_RDB_VALUE_H
#define RDB_RDB_VALUE_H

#include "rdb/rdb.h"
#include "rdb/rdb_in.h"

/* The value behind its type and, in files, its key. It may have no elements,
 * and those of a set, or the fields of a hash, may be there twice: see
 * rdb_check.h. */
MUST_USE int rdb_value_read(struct rdb_in *in, uint8_t type,
                            rdb_visit_fn *visit, void *arg);
/* A value of a module: what it has is passed over. */
MUST_USE int rdb_module_skip(struct rdb_in *in, uint8_t type);

#endif
