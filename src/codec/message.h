/*
 * A Raft message on the wire: all fields of struct raft_message, fixed width,
 * every byte written; an append is followed by the records of its entries.
 */
#ifndef CODEC_MESSAGE_H
#define CODEC_MESSAGE_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "raft/raft.h"

void message_encode(const struct raft_message *m, struct buf *out);

/* Decodes and checks the ranges (type, counts, runs); *entries is what
 * follows it, borrowed. Entries are verified by message_check_entries().
 * ERR_CORRUPT otherwise. */
MUST_USE int message_decode(struct bytes bytes, struct raft_message *out,
                            struct bytes *entries);

/* The entries of an append: exactly m->count records, each with a right
 * checksum, with the terms that m->runs says, and with a payload that every
 * replica can apply. ERR_CORRUPT otherwise. */
MUST_USE int message_check_entries(const struct raft_message *m,
                                   struct bytes entries);

#endif
