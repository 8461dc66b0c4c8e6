/*
 * Events in order of time: a binary heap. Those of the same time happen in the
 * order in which they were pushed, so the order depends on nothing else.
 */
#include "sim.h"

static bool before(const struct sim_event *a, const struct sim_event *b)
{
    return a->at_us < b->at_us || (a->at_us == b->at_us && a->order < b->order);
}

void sim_push(struct sim *s, int64_t at_us, enum sim_event_kind kind,
              uint32_t who, uint64_t gen)
{
    struct sim_heap *h = &s->heap;
    size_t i = h->count++;

    ASSERT(at_us >= s->now_us);
    if (h->count > h->cap) {
        h->cap = MAX(h->cap * 2, 256);
        h->items = mem_realloc(h->items, h->cap * sizeof(h->items[0]));
    }
    struct sim_event e = {.at_us = at_us,
                          .order = h->order++,
                          .gen = gen,
                          .kind = kind,
                          .a = who & WHO_MASK,
                          .b = who >> WHO_BITS};
    while (i > 0 && before(&e, &h->items[(i - 1) / 2])) {
        h->items[i] = h->items[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    h->items[i] = e;
}

bool sim_pop(struct sim *s, struct sim_event *out)
{
    struct sim_heap *h = &s->heap;
    size_t i = 0;

    if (h->count == 0)
        return false;
    *out = h->items[0];
    struct sim_event last = h->items[--h->count];
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= h->count)
            break;
        if (child + 1 < h->count &&
            before(&h->items[child + 1], &h->items[child]))
            child++;
        if (!before(&h->items[child], &last))
            break;
        h->items[i] = h->items[child];
        i = child;
    }
    if (h->count > 0)
        h->items[i] = last;
    return true;
}
