/*
 * What is on its way between the nodes of a test: messages with their bytes,
 * and queues of them in order. When a message arrives, or whether, is the
 * affair of who owns the queue: the cluster of the unit tests draws it, the
 * simulator plans it.
 */
#ifndef TESTS_WORLD_NET_H
#define TESTS_WORLD_NET_H

#include "base/base.h"
#include "base/bytes.h"

struct world_message {
    struct world_message *next;
    int64_t at_us; /* when it arrives; 0 for who does not plan it */
    uint64_t link; /* by which the owner knows the link that it was sent on */
    node_id from, to;
    uint32_t size;
    uint8_t frame_type;
    uint8_t priority; /* for who knows it */
    uint8_t bytes[];
};

/* A copy of both pieces, as a transport's send() gets them. Freed with
 * mem_free(). */
struct world_message *world_message_new(node_id from, node_id to,
                                        uint8_t frame_type,
                                        const struct bytes pieces[2]);

static inline struct bytes world_message_payload(const struct world_message *m)
{
    return bytes_of(m->bytes, m->size);
}

/* It owns its messages. All zero is an empty one. */
struct world_queue {
    struct world_message *head;
    struct world_message *tail;
    uint32_t count;
};

/* At the end. */
void world_queue_push(struct world_queue *q, struct world_message *m);
/* Takes out the message after `before`, or the first one (NULL); the caller
 * owns it then. NULL: there is none. */
struct world_message *world_queue_take(struct world_queue *q,
                                       struct world_message *before);
void world_queue_clear(struct world_queue *q);

#endif
