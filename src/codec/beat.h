/*
 * What a node says beside the core: a beat follows each Raft message
 * (codec/message.h), before the entries of an append. The core neither reads
 * nor writes it; src/node/node_beat.c does, and says when. log_time_ms is in
 * all messages; of the rest, what a message's type has no use for is 0.
 *
 *    0  held_by_all(8)
 *    8  held_by_live(8)
 *   16  log_time_ms(8)
 *   24  flags(1): 1 disk_short, 2 paused
 *   25  short_members(1)
 *   26  zero(6)
 *
 * BEAT_SIZE = 32 bytes, little-endian; spare bytes and flags are zero and
 * checked.
 */
#ifndef CODEC_BEAT_H
#define CODEC_BEAT_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "raft/raft.h"

#define BEAT_SIZE 32

struct beat {
    raft_index held_by_all;  /* every member holds the log up to here */
    raft_index held_by_live; /* every member that can be reached does */
    int64_t log_time_ms;     /* as the sender reckons it; 0: it does not
                                know; at most ENTRY_TIME_MAX */
    bool disk_short;         /* the sender's disk is short of space; from a
                                leader: too few have space, writes are refused */
    bool paused;             /* from a leader: it sends the receiver no
                                entries, as its disk is short */
    uint8_t short_members;   /* from a leader: so many disks are */
};

void beat_encode(const struct beat *b, struct buf *out);

/* Decodes the beat at the front of `bytes`; *rest is what follows it,
 * borrowed. ERR_CORRUPT if it is cut short, a spare bit is set, an index is
 * above RAFT_NUMBER_MAX, more than RAFT_NODES_MAX members are short, or the
 * time is beyond its bounds. */
MUST_USE int beat_decode(struct bytes bytes, struct beat *out,
                         struct bytes *rest);

#endif
