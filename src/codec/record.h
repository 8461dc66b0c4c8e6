/*
 * Small records on disk: hard state (term and vote in one), identity, where the
 * log begins, the watermark's slots, and how the cluster was founded. Each ends
 * in an XXH3-64 of what precedes it; decoding one that is damaged, too short or
 * too long gives ERR_CORRUPT. Little-endian; zeros are checked.
 *
 * hard state:       0 term(8)  8 vote(4)  12 zero(4)  16 checksum(8)
 * identity:         0 cluster_id(8)  8 node(4)  12 zero(4)  16 incarnation(8)
 *                  24 directory(16)  40 nonce(8)  48 checksum(8)
 * log start:        0 first(8)  8 prev_term(8)  16 prev_chain(8)
 *                  24 checksum(8)
 * watermark:        0 cluster_id(8)  8 node(4)  12 vote(4)  16 incarnation(8)
 *                  24 term(8)  32 index(8)  40 index_term(8)  48 chain(8)
 *                  56 generation(8)  64 directory(16)  80 nonce(8)
 *                  88 checksum(8)
 * founding:         0 cluster_id(8)  8 count(4)  12 zero(4)
 *                  16 members, FOUNDING_MEMBERS_MAX times id(4) directory(16),
 *                     zeros from count on
 *                 336 checksum(8)
 * receipts:         0 cluster_id(8)  8 count(4)  12 zero(4)
 *                  16 RECEIPTS_MAX times: member(4) life(4) term(8) index(8)
 *                     chain(8), zeros from count on
 *                 528 checksum(8)
 */
#ifndef CODEC_RECORD_H
#define CODEC_RECORD_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "codec/directory.h"
#include "raft/raft.h"

struct hard_state {
    raft_term term;
    node_id vote;
};

struct identity {
    uint64_t cluster_id;
    node_id node;
    uint64_t incarnation; /* raised at every start, before anything is sent */
    struct directory_id directory; /* the one that this was written to first */
    uint64_t nonce;                /* drawn by each start: no two are equal */
};

/* Where the log begins: after a cut, or after a restart beyond its end. */
struct log_start {
    raft_index first;    /* index of the first entry kept */
    raft_term prev_term; /* term of the entry before it */
    uint64_t prev_chain; /* chain hash up to the entry before it */
};

/* What this node has promised to others, kept outside RocksDB
 * (journal/watermark.h). */
struct watermark {
    uint64_t cluster_id;
    node_id node;
    uint64_t incarnation;
    struct directory_id directory;
    uint64_t nonce; /* of the start that has written it */
    raft_term term;
    node_id vote;
    raft_index index; /* highest durable entry */
    raft_term index_term;
    uint64_t chain;      /* chain hash there */
    uint64_t generation; /* the slot with the larger one is the newer */
};

#define WATERMARK_RECORD_SIZE 96

/* How a cluster began: its id, and the directories of its first members, none
 * of which had ever held anything. Who has one of these directories, still
 * blank, may take part without asking anybody. */
#define FOUNDING_MEMBERS_MAX 16
#define FOUNDING_SIZE        344

struct founding_member {
    node_id id;
    struct directory_id directory; /* never none */
};

struct founding {
    uint64_t cluster_id; /* 0: there is no founding */
    uint32_t count;      /* 0 then, and only then */
    struct founding_member members[FOUNDING_MEMBERS_MAX]; /* ids ascending */
};

/* What a member has acknowledged to this node, which led: in the life, it was
 * in the term at least, and its log had the entry, which is committed, with
 * this chain. So it has them as long as that life lasts. */
struct receipt {
    node_id member;
    uint32_t life;
    raft_term term; /* 0: there is no receipt */
    raft_index index;
    uint64_t chain;
};

#define RECEIPTS_MAX  16
#define RECEIPTS_SIZE 536

struct receipts {
    uint64_t cluster_id; /* that all this was in */
    uint32_t count;
    struct receipt of[RECEIPTS_MAX]; /* no member twice; zeros from count on */
};

void hard_state_encode(const struct hard_state *s, struct buf *out);
/*@ requires readable(b) && \valid(out);
  @ assigns *out;
  @ ensures \result == 0 ==> b.len == 24; */
MUST_USE int hard_state_decode(struct bytes b, struct hard_state *out);
void identity_encode(const struct identity *s, struct buf *out);
/*@ requires readable(b) && \valid(out);
  @ assigns *out;
  @ ensures \result == 0 ==> b.len == 56; */
MUST_USE int identity_decode(struct bytes b, struct identity *out);
void log_start_encode(const struct log_start *s, struct buf *out);
/*@ requires readable(b) && \valid(out);
  @ assigns *out;
  @ ensures \result == 0 ==> b.len == 32 &&
  @     out->first > 0 &&
  @     out->first == le(b.data, 8); */
MUST_USE int log_start_decode(struct bytes b, struct log_start *out);
void watermark_encode(const struct watermark *s, struct buf *out);
/*@ requires readable(b) && \valid(out);
  @ assigns *out;
  @ ensures \result == 0 ==> b.len == WATERMARK_RECORD_SIZE; */
MUST_USE int watermark_decode(struct bytes b, struct watermark *out);
void founding_encode(const struct founding *s, struct buf *out);
MUST_USE int founding_decode(struct bytes b, struct founding *out);
void receipts_encode(const struct receipts *s, struct buf *out);
MUST_USE int receipts_decode(struct bytes b, struct receipts *out);
/* That of this member; NULL: there is none. */
const struct receipt *receipts_find(const struct receipts *s, node_id member);
/* The directory of this member is one of them. */
bool founding_has(const struct founding *s, node_id id,
                  struct directory_id directory);

#endif
