/*
 * A client's two queues: requests that the node was given, in a ring; reads
 * that wait for their point, in a list whose arguments are copies.
 *
 * How it fails: to take from an empty ring is a mistake of the programmer and
 * asserts. Bounds are kept by those who add.
 */
#include "server/client_internal.h"

#include "base/alloc.h"

#define UNANSWERED_CAP_FIRST 8
#define DEFERRED_CAP_FIRST   8
#define DEFERRED_CAP_KEPT    1024

bool client_is_idle(const struct client *c)
{
    return c->unanswered.count == 0 && c->reads.phase == READS_NONE &&
           c->blocked.phase != BLOCKED_ASKED;
}

void unanswered_push(struct unanswered_ring *r, const struct unanswered *p)
{
    if (r->count == r->cap) {
        uint32_t cap = r->cap == 0 ? UNANSWERED_CAP_FIRST : r->cap * 2;
        struct unanswered *items = mem_alloc(cap * sizeof(*items));
        for (uint32_t i = 0; i < r->count; i++)
            items[i] = r->items[(r->head + i) & (r->cap - 1)];
        mem_free(r->items);
        *r = (struct unanswered_ring){items, 0, r->count, cap};
    }
    ASSERT(r->count < r->cap);
    r->items[(r->head + r->count++) & (r->cap - 1)] = *p;
}

struct unanswered *unanswered_front(struct unanswered_ring *r)
{
    ASSERT(r->count > 0);
    return &r->items[r->head];
}

void unanswered_pop(struct unanswered_ring *r)
{
    ASSERT(r->count > 0);
    r->head = (r->head + 1) & (r->cap - 1);
    r->count--;
}

void unanswered_shrink(struct unanswered_ring *r)
{
    ASSERT(r->count == 0);
    mem_free(r->items);
    *r = (struct unanswered_ring){NULL, 0, 0, 0};
}

void deferred_add(struct deferred_list *l, const struct deferred *d)
{
    ASSERT((d->argc > 0) == (d->ready == NULL));
    if (l->count == l->cap) {
        l->cap = l->cap == 0 ? DEFERRED_CAP_FIRST : l->cap * 2;
        l->items = mem_realloc(l->items, l->cap * sizeof(*l->items));
    }
    struct deferred *item = &l->items[l->count++];
    *item = *d;
    struct bytes *argv = arena_alloc(&l->arena, d->argc * sizeof(*argv));
    for (uint32_t i = 0; i < d->argc; i++)
        argv[i] = arena_copy(&l->arena, d->argv[i]);
    item->argv = argv;
}

static void free_items(struct deferred_list *l)
{
    mem_free(l->items);
    l->items = NULL;
    l->cap = 0;
}

void deferred_clear(struct deferred_list *l)
{
    ASSERT(l->next <= l->count);
    l->phase = READS_NONE;
    l->count = 0;
    l->next = 0;
    arena_reset(&l->arena);
    if (l->cap > DEFERRED_CAP_KEPT)
        free_items(l);
}

void deferred_shrink(struct deferred_list *l)
{
    ASSERT(l->phase == READS_NONE && l->count == 0);
    arena_release(&l->arena);
    free_items(l);
}
