/*
 * How it works: of what the sets have next, the least is taken, from a heap;
 * all packed sets are one sorted list (set_keys.h) among those.
 *
 * How it fails: after an error of the store the sets seem to end; the keyspace
 * has the error.
 */
#include "base/alloc.h"
#include "type/packed.h"
#include "type/set.h"
#include "type/set_algebra.h"
#include "type/set_keys.h"

/* Keys in their order: the list, or a tree. */
struct source {
    const struct set_keys *list; /* NULL: a tree */
    uint32_t at;                 /* in the list */
    struct btree_cursor cursor;
    struct bytes key; /* the one that it is at */
};

struct heap {
    struct source *sources; /* all that there were */
    uint32_t made;
    struct source **least; /* those that have a key: the least one first */
    uint32_t count;
};

static bool less(const struct source *a, const struct source *b)
{
    return bytes_cmp(a->key, b->key) < 0;
}

static void swap(struct source **a, struct source **b)
{
    struct source *was = *a;
    *a = *b;
    *b = was;
}

static void sink(struct heap *h, uint32_t i)
{
    for (;;) {
        uint32_t first = i;
        for (uint32_t child = 2 * i + 1; child <= 2 * i + 2; child++) {
            if (child < h->count && less(h->least[child], h->least[first]))
                first = child;
        }
        if (first == i)
            return;
        swap(&h->least[i], &h->least[first]);
        i = first;
    }
}

static void rise(struct heap *h, uint32_t i)
{
    while (i > 0 && less(h->least[i], h->least[(i - 1) / 2])) {
        swap(&h->least[i], &h->least[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
}

static void add(struct heap *h, struct source *s)
{
    h->least[h->count] = s;
    rise(h, h->count++);
}

static void add_tree(struct heap *h, struct object *o)
{
    struct source *s = &h->sources[h->made++];
    btree_cursor_init(&s->cursor, &o->trees[0]);
    if (!btree_seek_nth(&s->cursor, 0))
        return;
    s->key = btree_at(&s->cursor).key;
    add(h, s);
}

static void add_list(struct heap *h, const struct set_keys *list)
{
    struct source *s = &h->sources[h->made++];
    if (list->count == 0)
        return;
    s->list = list;
    s->key = list->keys[0];
    add(h, s);
}

static void heap_init(struct heap *h, struct object *const *sets,
                      uint32_t count, const struct set_keys *list)
{
    *h = (struct heap){0};
    h->sources = mem_zalloc((count + 1) * sizeof(*h->sources));
    h->least = mem_alloc((count + 1) * sizeof(struct source *));
    add_list(h, list);
    for (uint32_t i = 0; i < count; i++) {
        if (!packed_is(sets[i]))
            add_tree(h, sets[i]);
    }
}

static void heap_release(struct heap *h)
{
    for (uint32_t i = 0; i < h->made; i++)
        btree_cursor_release(&h->sources[i].cursor);
    mem_free(h->sources);
    mem_free(h->least);
}

static bool source_next(struct source *s)
{
    if (s->list != NULL) {
        if (++s->at == s->list->count)
            return false;
        s->key = s->list->keys[s->at];
        return true;
    }
    if (!btree_next(&s->cursor))
        return false;
    s->key = btree_at(&s->cursor).key;
    return true;
}

/* The source of the least key goes on. */
static void heap_next(struct heap *h)
{
    ASSERT(h->count > 0);
    if (!source_next(h->least[0]))
        h->least[0] = h->least[--h->count];
    sink(h, 0);
}

void set_unite(struct object *const *sets, uint32_t count, set_visit_fn *visit,
               void *user)
{
    struct set_keys list;
    struct heap heap;
    struct buf key = BUF_INIT;
    ASSERT(count > 0);
    set_keys_init(&list, sets, count, set_keys_integers(sets, count));
    heap_init(&heap, sets, count, &list);
    while (heap.count > 0) {
        buf_reset(&key);
        buf_bytes(&key, heap.least[0]->key);
        while (heap.count > 0 && bytes_eq(heap.least[0]->key, buf_view(&key)))
            heap_next(&heap);
        if (!visit(user, bytes_from(buf_view(&key), list.prefix)))
            break;
    }
    heap_release(&heap);
    set_keys_release(&list);
    buf_release(&key);
}
