/*
 * What waits to be sent to one peer: three queues of chunks. A chunk holds one
 * or several whole frames, ready for the wire. Small frames share a chunk; a
 * large payload becomes a series of chunks with one fragment each.
 *
 * Control overtakes bulk between chunks, and both overtake the background,
 * which has no fragments. Within each of them order is kept.
 * The fragments of one payload are never mixed with those of another, so that
 * the receiver puts one payload together at a time; a control payload large
 * enough for fragments therefore waits for the end of a bulk payload that has
 * begun to leave.
 *
 * The owner bounds the queue (peer.c).
 */
#ifndef PEER_PEER_QUEUE_H
#define PEER_PEER_QUEUE_H

#include "base/base.h"
#include "base/buf.h"
#include "base/list.h"
#include "node/node_transport.h"

struct peer_chunk {
    struct list link;
    struct buf frames;
    bool fragment; /* one fragment of a larger payload */
    bool last;     /* the last fragment */
};

struct peer_queue {
    struct list control;
    struct list bulk;
    struct list background;
    uint64_t bytes;            /* in all */
    uint64_t background_bytes; /* of these */
    uint64_t fragment_id;      /* of the payload fragmented last */
    bool mid_bulk;             /* a part of a bulk payload was sent */
};

void peer_queue_init(struct peer_queue *q);
/* Drops everything that waits. */
void peer_queue_clear(struct peer_queue *q);
bool peer_queue_empty(const struct peer_queue *q);
/* There is nothing else in it. */
static inline bool peer_queue_is_background(const struct peer_queue *q)
{
    return q->bytes > 0 && q->bytes == q->background_bytes;
}
/* Copies a payload of up to two pieces into the queue. */
void peer_queue_add(struct peer_queue *q, uint8_t frame_type,
                    enum transport_priority priority,
                    const struct bytes pieces[2]);
/* The next chunk to send, now the caller's, or NULL. */
struct peer_chunk *peer_queue_take(struct peer_queue *q);
void peer_chunk_free(struct peer_chunk *chunk);

#endif
