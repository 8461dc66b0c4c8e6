/*
 * A payload is copied once, from the caller's pieces into a chunk of exactly
 * the right size; headers and checksums are computed at the same time. A
 * fragment never crosses the boundary between the two pieces, so they need not
 * be joined first.
 *
 * Nothing here fails: the caller bounds the queue before it adds (peer.c), so a
 * payload that is too large is an assertion. Running out of memory ends the
 * process.
 */
#include "peer/peer_queue.h"

#include "base/alloc.h"
#include "codec/frame.h"
#include "codec/hello.h"
#include "peer/peer.h"

/* Small frames share a chunk up to this size. */
#define CHUNK_SHARED_BYTES ((size_t)64 * 1024)
#define CHUNK_MIN_BYTES    ((size_t)1024)

_Static_assert(PEER_FRAGMENT_BYTES + FRAGMENT_HEADER_SIZE <= FRAME_LENGTH_MAX,
               "a fragment fits into a frame");

void peer_queue_init(struct peer_queue *q)
{
    ASSERT(q != NULL);
    *q = (struct peer_queue){0};
    list_init(&q->control);
    list_init(&q->bulk);
    list_init(&q->background);
}

void peer_chunk_free(struct peer_chunk *chunk)
{
    ASSERT(chunk != NULL);
    buf_release(&chunk->frames);
    mem_free(chunk);
}

static struct peer_chunk *chunk_of(struct list *link)
{
    return CONTAINER_OF(link, struct peer_chunk, link);
}

static void clear_list(struct list *list)
{
    while (!list_empty(list)) {
        struct peer_chunk *chunk = chunk_of(list->next);
        list_remove(&chunk->link);
        peer_chunk_free(chunk);
    }
}

void peer_queue_clear(struct peer_queue *q)
{
    clear_list(&q->control);
    clear_list(&q->bulk);
    clear_list(&q->background);
    q->bytes = 0;
    q->background_bytes = 0;
    q->mid_bulk = false;
    ASSERT(peer_queue_empty(q));
}

bool peer_queue_empty(const struct peer_queue *q)
{
    bool empty = list_empty(&q->control) && list_empty(&q->bulk) &&
                 list_empty(&q->background);
    ASSERT(empty == (q->bytes == 0));
    ASSERT(list_empty(&q->background) == (q->background_bytes == 0));
    return empty;
}

/* A chunk at the end of the list with room for `size` bytes. */
static struct peer_chunk *chunk_new(struct list *list, size_t size)
{
    struct peer_chunk *chunk = mem_zalloc(sizeof(*chunk));
    chunk->frames.cap = MAX(size, CHUNK_MIN_BYTES);
    chunk->frames.data = mem_alloc(chunk->frames.cap);
    list_append(list, &chunk->link);
    return chunk;
}

/* The last chunk of the list if `size` more bytes may join it, or a new one. */
static struct peer_chunk *chunk_for(struct list *list, size_t size)
{
    if (!list_empty(list)) {
        struct peer_chunk *tail = chunk_of(list->prev);
        if (!tail->fragment && tail->frames.len + size <= CHUNK_SHARED_BYTES)
            return tail;
    }
    return chunk_new(list, size);
}

static void add_whole(struct peer_queue *q, struct list *list, uint8_t type,
                      const struct bytes pieces[2])
{
    size_t size = FRAME_HEADER_SIZE + pieces[0].len + pieces[1].len;
    ASSERT(size <= FRAME_HEADER_SIZE + PEER_FRAGMENT_BYTES);
    struct buf *out = &chunk_for(list, size)->frames;
    size_t begin = frame_begin(out, type, 0);
    buf_bytes(out, pieces[0]);
    buf_bytes(out, pieces[1]);
    frame_end(out, begin);
    ASSERT(out->len - begin == size);
    q->bytes += size;
}

static void add_fragment(struct peer_queue *q, struct list *list,
                         const struct fragment *f)
{
    size_t size = FRAME_HEADER_SIZE + FRAGMENT_HEADER_SIZE + f->data.len;
    struct peer_chunk *chunk = chunk_new(list, size);
    chunk->fragment = true;
    chunk->last = f->offset + f->data.len == f->total;
    size_t begin = frame_begin(&chunk->frames, FRAME_FRAGMENT, 0);
    fragment_encode(f, &chunk->frames);
    frame_end(&chunk->frames, begin);
    ASSERT(chunk->frames.len == size);
    q->bytes += size;
}

static void add_fragments(struct peer_queue *q, struct list *list, uint8_t type,
                          const struct bytes pieces[2])
{
    struct fragment f = {
        .id = ++q->fragment_id,
        .total = (uint32_t)(pieces[0].len + pieces[1].len),
        .type = type,
    };
    for (size_t i = 0; i < 2; i++) {
        struct bytes rest = pieces[i];
        while (rest.len > 0) {
            f.data =
                bytes_of(rest.data, MIN(rest.len, (size_t)PEER_FRAGMENT_BYTES));
            add_fragment(q, list, &f);
            f.offset += (uint32_t)f.data.len;
            rest = bytes_from(rest, f.data.len);
        }
    }
    ASSERT(f.offset == f.total);
}

static struct list *list_of(struct peer_queue *q,
                            enum transport_priority priority)
{
    ASSERT(priority < TRANSPORT_PRIORITIES);
    if (priority == TRANSPORT_CONTROL)
        return &q->control;
    return priority == TRANSPORT_BULK ? &q->bulk : &q->background;
}

void peer_queue_add(struct peer_queue *q, uint8_t frame_type,
                    enum transport_priority priority,
                    const struct bytes pieces[2])
{
    ASSERT(frame_type == FRAME_RAFT || frame_type == FRAME_FORWARD ||
           frame_type == FRAME_SNAPSHOT);
    ASSERT(pieces[0].len <= FRAGMENT_TOTAL_MAX);
    ASSERT(pieces[1].len <= FRAGMENT_TOTAL_MAX - pieces[0].len);
    struct list *list = list_of(q, priority);
    uint64_t before = q->bytes;
    if (pieces[0].len + pieces[1].len <= PEER_FRAGMENT_BYTES)
        add_whole(q, list, frame_type, pieces);
    else
        add_fragments(q, list, frame_type, pieces);
    if (list == &q->background)
        q->background_bytes += q->bytes - before;
}

/* The queue that is served next, or NULL. When bulk is served, no control
 * payload is partly sent: all of it was queued at once, and control is sent
 * first. */
static struct list *next_list(struct peer_queue *q)
{
    if (!list_empty(&q->control)) {
        bool must_wait = q->mid_bulk && chunk_of(q->control.next)->fragment;
        if (!must_wait)
            return &q->control;
    }
    if (!list_empty(&q->bulk))
        return &q->bulk;
    ASSERT(!q->mid_bulk); /* the rest of it would wait here */
    if (!list_empty(&q->background))
        return &q->background;
    return NULL;
}

struct peer_chunk *peer_queue_take(struct peer_queue *q)
{
    struct list *list = next_list(q);
    if (list == NULL)
        return NULL;
    struct peer_chunk *chunk = chunk_of(list->next);
    if (list == &q->bulk && chunk->fragment)
        q->mid_bulk = !chunk->last;
    list_remove(&chunk->link);
    ASSERT(q->bytes >= chunk->frames.len);
    q->bytes -= chunk->frames.len;
    if (list == &q->background) {
        ASSERT(q->background_bytes >= chunk->frames.len && !chunk->fragment);
        q->background_bytes -= chunk->frames.len;
    }
    return chunk;
}
