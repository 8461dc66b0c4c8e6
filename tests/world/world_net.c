/*
 * How it works: a singly linked list with its end.
 * How it fails: it does not.
 */
#include "world/world_net.h"

#include "base/alloc.h"

struct world_message *world_message_new(node_id from, node_id to,
                                        uint8_t frame_type,
                                        const struct bytes pieces[2])
{
    size_t size = pieces[0].len + pieces[1].len;
    ASSERT(size <= UINT32_MAX);
    struct world_message *m = mem_alloc(sizeof(*m) + size);
    *m = (struct world_message){.from = from,
                                .to = to,
                                .size = (uint32_t)size,
                                .frame_type = frame_type};
    if (pieces[0].len > 0)
        memcpy(m->bytes, pieces[0].data, pieces[0].len);
    if (pieces[1].len > 0)
        memcpy(m->bytes + pieces[0].len, pieces[1].data, pieces[1].len);
    return m;
}

void world_queue_push(struct world_queue *q, struct world_message *m)
{
    ASSERT(m->next == NULL && (q->head == NULL) == (q->count == 0));
    if (q->tail != NULL)
        q->tail->next = m;
    else
        q->head = m;
    q->tail = m;
    q->count++;
}

struct world_message *world_queue_take(struct world_queue *q,
                                       struct world_message *before)
{
    struct world_message **at = before != NULL ? &before->next : &q->head;
    struct world_message *m = *at;
    if (m == NULL)
        return NULL;
    ASSERT(q->count > 0);
    *at = m->next;
    if (q->tail == m)
        q->tail = before;
    m->next = NULL;
    q->count--;
    return m;
}

void world_queue_clear(struct world_queue *q)
{
    struct world_message *m;
    while ((m = world_queue_take(q, NULL)) != NULL)
        mem_free(m);
    ASSERT(q->count == 0 && q->tail == NULL);
}
