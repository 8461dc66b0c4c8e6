/*
 * A Raft log entry, and its record: the same bytes on the wire and on disk.
 *
 *    0  term(8)
 *    8  time_ms(8)
 *   16  wall_offset_ms(8)
 *   24  seed(8)
 *   32  kind(1)
 *   33  zero(3)
 *   36  payload_len(4)
 *   40  checksum(8)
 *   48  payload(payload_len)
 *
 * Little-endian; ENTRY_HEADER_SIZE = 48.
 * time_ms is the log's time (src/node/node_time.c), and wall_offset_ms what its
 * leader's wall clock showed more. Both are bounded, so that their sum and
 * difference are numbers, and a time at the bound is not reached: the bounds
 * are millions of years. checksum: XXH3-64 over index(8) and the record without
 * the checksum, in two steps: the payload's hash, seeded with the hash of index
 * and header. The index is not part of the record; it is known from the
 * record's place, and a record at a wrong index fails its checksum.
 *
 * chain: the running hash of the whole log up to the entry,
 * chain(i) = XXH3-64(chain(i-1) checksum(i)). Two logs with equal chains at
 * an index are equal up to it. It is never sent; each node computes its own.
 */
#ifndef CODEC_ENTRY_H
#define CODEC_ENTRY_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "raft/raft.h"

#define ENTRY_HEADER_SIZE 48
#define ENTRY_TIME_MAX    (INT64_C(1) << 60)
#define ENTRY_OFFSET_MAX  (INT64_C(1) << 61)

enum entry_kind {
    ENTRY_EMPTY = 0,    /* begins a term */
    ENTRY_REQUESTS = 1, /* payload: parcels of requests, codec/request.h */
    ENTRY_CONFIG = 2,   /* payload: who the members are from here on,
                           codec/configuration.h */
    ENTRY_KIND_END,
};

struct entry {
    raft_index index;
    raft_term term;
    int64_t time_ms;        /* 0 to ENTRY_TIME_MAX; never falls in the log */
    int64_t wall_offset_ms; /* within ENTRY_OFFSET_MAX, either way */
    uint64_t seed;
    uint8_t kind;
    struct bytes payload; /* borrowed */
    uint64_t checksum;    /* set by entry_seal and entry_decode */
};

/* Computes e->checksum from the other fields. */
void entry_seal(struct entry *e);

/* Appends the record of a sealed entry. */
void entry_encode(const struct entry *e, struct buf *out);

/* Reads one record off the front of *bytes and moves *bytes past it. The
 * payload borrows from it. ERR_CORRUPT: cut short, or the checksum is wrong,
 * or an unknown kind, or a time or offset beyond its bound; *bytes is then
 * unchanged. */
/*@ requires \valid(bytes) && \valid(out) && readable(*bytes);
  @ requires \separated(bytes, out);
  @ assigns *bytes, *out;
  @ ensures \result == 0 ==> out->index == index;
  @ ensures \result == 0 ==> out->kind < ENTRY_KIND_END;
  @ ensures \result == 0 ==> 0 <= out->time_ms <= ENTRY_TIME_MAX;
  @ ensures \result == 0 ==>
  @     -ENTRY_OFFSET_MAX <= out->wall_offset_ms <= ENTRY_OFFSET_MAX;
  @ ensures \result == 0 ==>
  @     out->payload.data == \old(bytes->data) + ENTRY_HEADER_SIZE;
  @ ensures \result == 0 ==>
  @     bytes->data == out->payload.data + out->payload.len;
  @ ensures \result == 0 ==>
  @     bytes->len == \old(bytes->len) - ENTRY_HEADER_SIZE - out->payload.len;
  @ ensures \result == 0 ==> readable(out->payload);
  @ ensures \result == 0 ==> readable(*bytes);
  @ ensures \result != 0 ==> \result == ERR_CORRUPT &&
  @     *bytes == \old(*bytes) && *out == \old(*out); */
MUST_USE int entry_decode(raft_index index, struct bytes *bytes,
                          struct entry *out);

/* Like entry_decode, for a record that was decoded successfully before: the
 * checksum is not computed again. */
void entry_view(raft_index index, struct bytes *bytes, struct entry *out);

/* The size of the record at the front, from its header alone; 0 if there is
 * no whole header. Does not verify anything. */
/*@ requires readable(bytes);
  @ assigns \nothing;
  @ ensures bytes.len < ENTRY_HEADER_SIZE ==> \result == 0;
  @ ensures \result == 0 || \result >= ENTRY_HEADER_SIZE;
  @ ensures bytes.len >= ENTRY_HEADER_SIZE ==>
  @     \result == ENTRY_HEADER_SIZE + le32(bytes.data + 36, 4); */
size_t entry_record_size(struct bytes bytes);

uint64_t entry_chain(uint64_t previous_chain, uint64_t checksum);

#endif
