/*
 * Writes values in the plainest forms that Redis has had, so that as many
 * versions as possible take them.
 */
#ifndef RDB_RDB_WRITE_H
#define RDB_RDB_WRITE_H

#include "base/buf.h"
#include "rdb/rdb.h"

/* What the forms that are written need: Redis 5 and later know the first one,
 * Redis 7.0 that of streams, Redis 7.4 that of fields with an expiry. */
#define RDB_WRITES        9
#define RDB_WRITES_STREAM 10
#define RDB_WRITES_TIMES  12

void rdb_put_length(struct buf *out, uint64_t n);
void rdb_put_string(struct buf *out, struct bytes s);
void rdb_put_score(struct buf *out, double score);
/* 16 bytes, big-endian; or as two lengths. */
void rdb_put_raw_id(struct buf *out, struct rdb_id id);
void rdb_put_id(struct buf *out, struct rdb_id id);

/* The entries of a stream, in the order of their ids: begin, add, and end,
 * which puts them out and frees what it needed. */
struct rdb_nodes {
    struct buf done; /* whole nodes */
    uint64_t count;  /* of these */
    struct buf pack; /* the entries of the present one */
    struct rdb_id master;
    uint32_t entries;
    uint32_t elements;
    struct buf names; /* of the present one: as elements */
    uint32_t names_count;
};

void rdb_nodes_add(struct rdb_nodes *n, struct rdb_id id,
                   const struct bytes *fields, uint32_t count);
void rdb_nodes_end(struct rdb_nodes *n, struct buf *out);

#endif
