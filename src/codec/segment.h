/*
 * A piece of the log outside of any node: what RAFT ENTRIES answers, and the
 * files in which `vardctl archive` keeps it.
 *
 *   head      "vardlog1"(8) first(8) prev_chain(8) cluster_id(8), hash(8) of
 *             all before it
 *   entries   records (entry.h) of first, first + 1 and so on
 *   trailer   zero(8) last(8) chain(8), hash(8) of these, seeded with the
 *             head's hash
 *
 * Little-endian. No entry has the term 0, which a trailer seems to have.
 * prev_chain is the chain hash up to the entry before `first`, and `chain` the
 * one up to the last: a piece follows another one if it begins with the hash
 * and the index that the other ends with. What is still written to has no
 * trailer, and may end within a record.
 */
#ifndef CODEC_SEGMENT_H
#define CODEC_SEGMENT_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "codec/entry.h"

#define SEGMENT_HEAD_SIZE    40
#define SEGMENT_TRAILER_SIZE 32

struct segment {
    raft_index first;
    uint64_t prev_chain;
    uint64_t cluster_id;
    /* So far: */
    raft_index last; /* first - 1: no entry yet */
    raft_term term;  /* of the last entry; 0: none yet */
    uint64_t chain;  /* up to there */
    bool closed;     /* its trailer was seen */
    /* What comes then, borrowed. At the end: bytes that are no whole record. */
    struct bytes rest;
    uint64_t head_hash;
};

/* first > 0. */
void segment_begin(struct buf *out, raft_index first, uint64_t prev_chain,
                   uint64_t cluster_id);
/* Of what segment_open() and segment_next() have read to its end. */
void segment_end(struct buf *out, const struct segment *s);

/* ERR_CORRUPT: no head that is whole. */
MUST_USE int segment_open(struct bytes bytes, struct segment *out);
/* The next entry, which borrows from the bytes. ERR_NOT_FOUND: there are no
 * more, see `closed` and `rest`. ERR_CORRUPT: what comes is no entry that could
 * follow, or no trailer of these entries; s is as it was. */
MUST_USE int segment_next(struct segment *s, struct entry *out);

#endif
