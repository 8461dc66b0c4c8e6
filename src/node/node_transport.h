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
#include "base/bytes.h"

enum transport_priority {
    TRANSPORT_CONTROL, /* overtakes bulk: heartbeats, votes, replies, reads */
    TRANSPORT_BULK,    /* appends with entries, forwarded requests */
};

struct transport {
    void *ctx;
    /* Queues one whole payload of a frame of this type (codec/frame.h) made
     * of up to two pieces, which are copied. ERR_LIMIT: the queue to that
     * member is full, ERR_CLOSED: there is no link; then it was not sent. */
    int (*send)(void *ctx, node_id to, uint8_t frame_type,
                enum transport_priority priority, const struct bytes pieces[2]);
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
};

#endif
