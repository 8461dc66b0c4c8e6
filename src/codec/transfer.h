/*
 * How a member that needs entries which are in no log any more gets a whole
 * state from another one: the payload of FRAME_SNAPSHOT (codec/frame.h).
 * Little-endian, every byte written, spare bytes zero and checked.
 *
 *    0  kind(1)
 *    1  zero(7)
 *    8  id(8)
 *   16  what the kind has:
 *
 * offer:  index(8) term(8) chain(8) bytes(8) source(4) level(2) zero(2)
 * want:   number(8) hash(8) from(8) until(8) begin(1) zero(3) after_len(4)
 *         after(after_len)
 * chunk:  number(8) hash(8) total(4) offset(4) data(the rest)
 * done:   chunks(8) hash(8) bytes(8)
 * gone, busy, leave: nothing
 *
 * A leader offers; the receiver asks the source for the chunks
 * (snapshot/chunk.h) of the state with this id, from where it is; so it goes on
 * after whatever has interrupted it. How fast it goes is the receiver's credit:
 * a place in the sequence of all bytes of all rows, up to which the source may
 * send. A chunk is sent in pieces of at most TRANSFER_PIECE_MAX bytes, one
 * after the other; one that was begun is sent to its end.
 *
 * Decoding expects the whole payload. `total` is a claim: who collects the
 * pieces has a bound of his own, and allocates with what has arrived.
 */
#ifndef CODEC_TRANSFER_H
#define CODEC_TRANSFER_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "raft/raft.h"

#define TRANSFER_PIECE_MAX (64u * 1024u) /* bytes of a chunk in one payload */
#define TRANSFER_CHUNK_MAX (640u * 1024u * 1024u)
#define TRANSFER_KEY_MAX   (1024u * 1024u * 1024u)

enum transfer_kind {
    TRANSFER_OFFER = 1, /* leader to member: there is a state for it */
    TRANSFER_WANT,      /* receiver to source: send, up to there */
    TRANSFER_CHUNK,     /* source to receiver: a piece of a chunk */
    TRANSFER_DONE,      /* source to receiver: that were all */
    TRANSFER_GONE,      /* source to receiver: it does not have this state any
                           more; wait for another offer */
    TRANSFER_BUSY,      /* source to receiver: ask again in a while */
    TRANSFER_LEAVE,     /* receiver to source: it wants no more of it */
    TRANSFER_KINDS,
};

/* The state as of an entry. */
struct transfer_offer {
    raft_index index;
    raft_term term;
    uint64_t chain;
    uint64_t bytes; /* an estimate */
    node_id source; /* whom to ask */
    uint16_t level; /* in force there: who cannot execute it takes no part */
};

struct transfer_want {
    uint64_t number; /* of the next chunk, from 1 */
    uint64_t hash;   /* of the last one before it; 0 before the first */
    uint64_t from;   /* bytes of the rows of all before it */
    uint64_t until;  /* the source may send until there are as many */
    bool begin;      /* send from this chunk on, even if it was sent before;
                        otherwise only `until` counts */
    struct bytes
        after; /* with begin: the last key before the chunk; borrowed */
};

struct transfer_chunk {
    uint64_t number;
    uint64_t hash;     /* of the whole chunk, chained */
    uint32_t total;    /* bytes of its rows, 1..TRANSFER_CHUNK_MAX */
    uint32_t offset;   /* of the piece in them */
    struct bytes data; /* borrowed; 1..TRANSFER_PIECE_MAX, to total at most */
};

struct transfer_done {
    uint64_t chunks;
    uint64_t hash;  /* of the last */
    uint64_t bytes; /* of all rows */
};

struct transfer {
    enum transfer_kind kind;
    uint64_t id; /* of the state that is handed out, not 0 */
    union {
        struct transfer_offer offer;
        struct transfer_want want;
        struct transfer_chunk chunk;
        struct transfer_done done;
    };
};

/* Asserts what decoding checks. */
void transfer_encode(const struct transfer *t, struct buf *out);
/* A chunk without its data, which is to follow. */
void transfer_encode_head(const struct transfer *t, struct buf *out);
/* ERR_CORRUPT for what no member sends; *out is of no use then. */
MUST_USE int transfer_decode(struct bytes b, struct transfer *out);

#endif
