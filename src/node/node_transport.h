/*
 * How a node reaches the other members: what it asks of the links (src/peer,
 * or the simulator), and what they tell it.
 *
 * Sending is best effort: a message may be lost with its link, never altered,
 * never delivered to another incarnation of the target than it names. Within
 * one link and priority, order is kept.
 */
#ifndef NODE_NODE_TRANSPORT_H
#define NODE_NODE_TRANSPORT_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "codec/admit.h"
#include "codec/record.h"

struct greeting; /* codec/greeting.h */

enum transport_priority {
    TRANSPORT_CONTROL, /* overtakes bulk: heartbeats, votes, replies, reads */
    TRANSPORT_BULK,    /* appends with entries, forwarded requests */
    TRANSPORT_BACKGROUND, /* pieces of a state; all others overtake them */
    TRANSPORT_PRIORITIES,
};

/* What the queue to a member has of the last priority at the most, beside the
 * bounds of the others; and the largest payload of it. */
#define TRANSPORT_BACKGROUND_BYTES   (1024u * 1024u)
#define TRANSPORT_BACKGROUND_PAYLOAD (128u * 1024u)

struct transport {
    void *ctx;
    /* Queues one whole payload of a frame of this type (codec/frame.h) made
     * of up to two pieces, which are copied. ERR_LIMIT: the queue to that
     * member is full, ERR_CLOSED: there is no link; then it was not sent. */
    int (*send)(void *ctx, node_id to, uint8_t frame_type,
                enum transport_priority priority, const struct bytes pieces[2]);
    /* The newest configuration in the node's log is this one, of entry `at`
     * (0: no entry has said so): told at the start, and whenever it changes.
     * It is copied. No event is called: links follow in later turns. NULL: the
     * members are always the same. */
    void (*members)(void *ctx, const struct configuration *c, raft_index at);
};

/* What a node knows of a member, by which its links are judged. */
struct member_facts {
    bool is_member;
    uint32_t life; /* in force: of the newest configuration in the log */
    struct directory_id directory; /* that has it; none: not known */
    raft_index granted_at;         /* the entry that says so; 0: none does */
    bool committed;                /* it is known to be */
    uint64_t incarnation;          /* of its newest start that was applied; 0 */
    uint64_t nonce;                /* of that start; 0: not known */
    uint16_t level;                /* in force here */
    struct receipt receipt; /* what it has acknowledged here; term 0: nothing */
};

/* What a transport calls; all from the loop's thread. */
struct transport_events {
    void *ctx;
    /* Both directions of the link to `peer` are established, with this
     * incarnation and the address its clients reach it at ("": unknown). */
    void (*up)(void *ctx, node_id peer, uint64_t incarnation,
               const char *client_address);
    /* One of them broke. */
    void (*down)(void *ctx, node_id peer);
    /* A payload from an authenticated peer, checksum verified; borrowed for
     * the call. A negative result closes the link. */
    int (*receive)(void *ctx, node_id peer, uint8_t frame_type,
                   struct bytes payload);
    /* What is known of this member, which may be the node itself. NULL: nothing
     * is. */
    void (*known)(void *ctx, node_id member, struct member_facts *out);
    /* Does this node have what it has acknowledged to a peer, which tells it?
     * NULL: it has. */
    bool (*remembers)(void *ctx, const struct receipt *receipt);
    /* What levels (base/level.h) a member's program can execute, as it said:
     * before it is up. NULL: nobody minds. */
    void (*levels)(void *ctx, node_id peer, uint16_t level_min,
                   uint16_t level_max);
    /* A directory without a memory asks to be a member, which it is no link of
     * yet; it asks again until it is told. 0: granted, with *out all but the
     * verdict and `why`. ERR_AGAIN: not yet, ERR_MISMATCH: refused; `why` has a
     * sentence for people. */
    int (*admit)(void *ctx, const struct admit *ask, struct grant *out,
                 struct buf *why);
    /* A member has said who it is and what it thinks of us; `ours` is the
     * verdict on it (enum greeting_verdict). We dialed it, or it dialed us, and
     * then its own is not there yet. NULL: nobody minds. */
    void (*greeted)(void *ctx, node_id peer, const struct greeting *greeting,
                    int ours, bool dialed);
    /* A member has answered what we asked it (peers_ask()), as admit() says it
     * there; borrowed. NULL: nobody asks. */
    void (*granted)(void *ctx, node_id peer, const struct grant *grant);
};

#endif
