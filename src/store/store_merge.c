/*
 * How it works. Each source is at its first key that was not passed; the
 * smallest of these keys is next, and the newest source that has it tells what
 * it is. Deleted keys are passed over. A table that there is not has a cursor
 * that is never valid.
 *
 * How it fails: as the iterator below does, by its status.
 */
#include "store/store_merge.h"

#include "base/alloc.h"

/* Newest first; tables first. */
enum source { SOURCE_NEWER, SOURCE_OLDER, SOURCE_BELOW, SOURCE_END };

struct merged_iter {
    struct store_iter base;
    const struct memtable *tables[2]; /* newest first; NULL: none */
    struct memtable_cursor cursor[2];
    struct store_iter *below;
    enum source at;    /* who has the key; SOURCE_END: nobody */
    struct buf passed; /* the key before it */
    uint32_t *living;
};

static struct merged_iter *iter_of(struct store_iter *it)
{
    return CONTAINER_OF(it, struct merged_iter, base);
}

static bool source_valid(const struct merged_iter *it, enum source from)
{
    return from == SOURCE_BELOW ? store_iter_valid(it->below)
                                : memtable_valid(&it->cursor[from]);
}

static struct bytes source_key(const struct merged_iter *it, enum source from)
{
    return from == SOURCE_BELOW ? store_iter_key(it->below)
                                : memtable_key(&it->cursor[from]);
}

/* The source with the smallest key; the newest one if several have it. */
static enum source smallest(const struct merged_iter *it)
{
    enum source best = SOURCE_END;
    for (int i = SOURCE_NEWER; i < SOURCE_END; i++) {
        enum source from = (enum source)i;
        if (source_valid(it, from) &&
            (best == SOURCE_END ||
             bytes_cmp(source_key(it, from), source_key(it, best)) < 0))
            best = from;
    }
    return best;
}

/* Moves every source that is at the smallest key past it. */
static void step(struct merged_iter *it)
{
    buf_reset(&it->passed);
    buf_bytes(&it->passed, source_key(it, it->at));
    struct bytes key = buf_view(&it->passed);
    for (int i = 0; i < 2; i++) {
        struct memtable_cursor *c = &it->cursor[i];
        if (memtable_valid(c) && bytes_eq(memtable_key(c), key))
            memtable_next(c);
    }
    struct store_iter *below = it->below;
    if (store_iter_valid(below) && bytes_eq(store_iter_key(below), key))
        store_iter_next(below);
    it->at = smallest(it);
}

static bool deleted(const struct merged_iter *it)
{
    struct bytes value;
    return it->at < SOURCE_BELOW &&
           memtable_value(&it->cursor[it->at], &value) == MEMTABLE_DELETED;
}

/* On to the next key that is there. */
static void settle(struct merged_iter *it)
{
    it->at = smallest(it);
    while (deleted(it))
        step(it);
}

static void merged_seek(struct store_iter *s, struct bytes key)
{
    struct merged_iter *it = iter_of(s);
    store_iter_seek(it->below, key);
    for (int i = 0; i < 2; i++) {
        if (it->tables[i] != NULL)
            it->cursor[i] = memtable_seek(it->tables[i], key);
    }
    settle(it);
}

static bool merged_valid(struct store_iter *s)
{
    return iter_of(s)->at != SOURCE_END;
}

static void merged_next(struct store_iter *s)
{
    struct merged_iter *it = iter_of(s);
    step(it);
    settle(it);
}

static struct bytes merged_key(struct store_iter *s)
{
    struct merged_iter *it = iter_of(s);
    return source_key(it, it->at);
}

static struct bytes merged_value(struct store_iter *s)
{
    struct merged_iter *it = iter_of(s);
    struct bytes value;
    if (it->at == SOURCE_BELOW)
        return store_iter_value(it->below);
    enum memtable_kind kind = memtable_value(&it->cursor[it->at], &value);
    ASSERT(kind != MEMTABLE_DELETED);
    return value;
}

static int merged_status(struct store_iter *s)
{
    struct store_iter *below = iter_of(s)->below;
    return store_iter_status(below);
}

static void merged_free(struct store_iter *s)
{
    struct merged_iter *it = iter_of(s);
    ASSERT(*it->living > 0);
    (*it->living)--;
    store_iter_free(it->below);
    buf_release(&it->passed);
    mem_free(it);
}

struct store_iter *store_merge_new(const struct memtable *newer,
                                   const struct memtable *older,
                                   struct store_iter *below, uint32_t *living)
{
    static const struct store_iter_ops ops = {
        .seek = merged_seek,
        .valid = merged_valid,
        .next = merged_next,
        .key = merged_key,
        .value = merged_value,
        .status = merged_status,
        .free = merged_free,
    };
    ASSERT(newer != NULL && below != NULL && living != NULL);
    struct merged_iter *it = mem_zalloc(sizeof(*it));
    it->base.ops = &ops;
    it->tables[0] = newer;
    it->tables[1] = older;
    it->below = below;
    it->at = SOURCE_END;
    it->living = living;
    (*living)++;
    return &it->base;
}
