/*
 * A ring whose positions are head, head + 1, ... modulo a power of two.
 * Cannot fail: it only forgets.
 */
#include "journal/journal_cache.h"

#include "base/alloc.h"

#define CAP_MIN 64

static struct journal_cache_slot *slot_at(const struct journal_cache *c,
                                          size_t i)
{
    ASSERT(i < c->count);
    return &c->slots[(c->head + i) & (c->cap - 1)];
}

void journal_cache_init(struct journal_cache *c, uint64_t bytes_max)
{
    *c = (struct journal_cache){.bytes_max = bytes_max};
}

static uint64_t cost(const struct journal_cache_slot *s)
{
    return s->size + sizeof(*s);
}

static void drop(struct journal_cache *c, struct journal_cache_slot *s)
{
    ASSERT(c->bytes >= cost(s));
    c->bytes -= cost(s);
    mem_free(s->record);
    s->record = NULL;
}

static void drop_oldest(struct journal_cache *c)
{
    drop(c, slot_at(c, 0));
    c->head = (c->head + 1) & (c->cap - 1);
    c->count--;
}

static void drop_newest(struct journal_cache *c)
{
    drop(c, slot_at(c, c->count - 1));
    c->count--;
}

void journal_cache_release(struct journal_cache *c)
{
    while (c->count > 0)
        drop_oldest(c);
    ASSERT(c->bytes == 0);
    mem_free(c->slots);
    *c = (struct journal_cache){.bytes_max = c->bytes_max};
}

static void grow(struct journal_cache *c)
{
    size_t cap = c->cap == 0 ? CAP_MIN : c->cap * 2;
    struct journal_cache_slot *slots = mem_alloc(cap * sizeof(*slots));
    for (size_t i = 0; i < c->count; i++)
        slots[i] = *slot_at(c, i);
    mem_free(c->slots);
    c->slots = slots;
    c->cap = cap;
    c->head = 0;
}

void journal_cache_add(struct journal_cache *c, uint8_t *record, size_t size,
                       const struct entry *e)
{
    ASSERT(record != NULL);
    ASSERT(c->count == 0 ||
           slot_at(c, c->count - 1)->entry.index + 1 == e->index);
    struct journal_cache_slot slot = {record, size, *e};
    if (c->count == c->cap)
        grow(c);
    c->count++;
    *slot_at(c, c->count - 1) = slot;
    c->bytes += cost(&slot);
}

void journal_cache_trim(struct journal_cache *c)
{
    while (c->count > 1 && c->bytes > c->bytes_max)
        drop_oldest(c);
}

const struct journal_cache_slot *
journal_cache_find(const struct journal_cache *c, raft_index index)
{
    if (c->count == 0)
        return NULL;
    raft_index first = slot_at(c, 0)->entry.index;
    if (index < first || index - first >= c->count)
        return NULL;
    const struct journal_cache_slot *s = slot_at(c, (size_t)(index - first));
    ASSERT(s->entry.index == index);
    return s;
}

void journal_cache_truncate(struct journal_cache *c, raft_index from)
{
    while (c->count > 0 && slot_at(c, c->count - 1)->entry.index >= from)
        drop_newest(c);
}

void journal_cache_cut(struct journal_cache *c, raft_index first)
{
    while (c->count > 0 && slot_at(c, 0)->entry.index < first)
        drop_oldest(c);
}
