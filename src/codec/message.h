/*
 * A Raft message on the wire, the payload of FRAME_RAFT: the message, the
 * node's beat (codec/beat.h), and, of an append, the records of its entries.
 *
 * All fields of struct raft_message in one fixed layout for all types,
 * little-endian:
 *
 *    0  type(1)
 *    1  flags(1): 1 granted, 2 rejected, 4 transfer, 8 recovering
 *    2  group(2)
 *    4  from(4)
 *    8  to(4)
 *   12  count(4)
 *   16  run_count(4)
 *   20  zero(4)
 *   24  cluster_id(8)
 *   32  from_incarnation(8)
 *   40  to_incarnation(8)
 *   48  term(8)
 *   56  index(8)
 *   64  index_term(8)
 *   72  commit(8)
 *   80  refused(8)
 *   88  round(8)
 *   96  match(8)
 *  104  verified(8)
 *  112  read_id(8)
 *  120  time_ms(8)
 *  128  barrier(8)
 *  136  snapshot(8)
 *  144  runs: RAFT_MESSAGE_RUNS_MAX times first(8) term(8)
 *
 * 272 bytes. A change here, or in what follows the message, is a new
 * PROTOCOL_VERSION (codec/hello.h).
 */
#ifndef CODEC_MESSAGE_H
#define CODEC_MESSAGE_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "codec/entry.h"
#include "raft/raft.h"

void message_encode(const struct raft_message *m, struct buf *out);

/* Decodes and checks the ranges (type, counts, runs); *rest is what follows
 * it, borrowed: the beat and the entries. ERR_CORRUPT otherwise. */
MUST_USE int message_decode(struct bytes bytes, struct raft_message *out,
                            struct bytes *rest);

/* The entries of a message: exactly m->count records (none unless it is an
 * append), each with a right checksum, with the terms that m->runs says, and
 * with a payload that every replica can apply; at most one says who the members
 * are, and is *change (index 0: none). ERR_CORRUPT otherwise. */
MUST_USE int message_check_entries(const struct raft_message *m,
                                   struct bytes entries, struct entry *change);

#endif
