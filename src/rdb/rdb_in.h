/*
 * The bytes that values are read from: a view of all of them, or a window on
 * those that a source gives bit by bit.
 *
 * As with base/reader.h, an error is kept in `err` and everything after it is
 * zeros or empty: read first, look once.
 */
#ifndef RDB_RDB_IN_H
#define RDB_RDB_IN_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"

/* Appends at least a byte to *to, or returns an error; ERR_CLOSED: there are no
 * more. */
typedef int rdb_more_fn(void *arg, struct buf *to);

struct rdb_in {
    struct bytes rest; /* what is there and was not read */
    rdb_more_fn *more; /* NULL: there is nothing else */
    void *arg;
    struct buf window;   /* what `rest` is in if there is a source */
    uint64_t string_max; /* a longer string is ERR_LIMIT */
    uint64_t offset;     /* how many bytes were read */
    bool summing;        /* they go into the checksum */
    uint64_t crc;
    struct buf *copy; /* gets them as well, unless it is NULL, up to: */
    size_t copy_max;
    bool copy_over; /* there were more; what it has is of no use */
    int err;
};

/* The bytes outlive it, and what was read raw is a part of them. */
void rdb_in_init(struct rdb_in *in, struct bytes all, uint64_t string_max);
void rdb_in_source(struct rdb_in *in, rdb_more_fn *more, void *arg,
                   uint64_t string_max);
void rdb_in_release(struct rdb_in *in);
/* The first error stays. */
void rdb_in_fail(struct rdb_in *in, int err);

/* Borrowed until the next call if there is a source. */
struct bytes rdb_in_bytes(struct rdb_in *in, uint64_t len);
uint8_t rdb_in_u8(struct rdb_in *in);
uint32_t rdb_in_u32(struct rdb_in *in);
uint64_t rdb_in_u64(struct rdb_in *in);
/* A length, in one of its forms. */
uint64_t rdb_in_length(struct rdb_in *in);
/* A string, in one of its forms: in *room, or a part of the bytes that it reads
 * (`lasting`, which may be NULL), if there is no source. */
struct bytes rdb_in_string(struct rdb_in *in, struct buf *room, bool *lasting);
/* The same, and nothing is kept of it. */
void rdb_in_skip_string(struct rdb_in *in);

#endif
