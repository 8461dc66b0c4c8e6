/*
 * A keyspace in memory, with an entry that is open, and one object of it.
 */
#ifndef TESTS_UNIT_TYPE_HASH_FIXTURE_H
#define TESTS_UNIT_TYPE_HASH_FIXTURE_H

#include "base/rng.h"
#include "data/keyspace.h"
#include "data/kinds.h"
#include "data/object.h"
#include "data/value.h"
#include "store/store_memory.h"

#include <stdio.h>

struct world {
    struct store *store;
    struct keyspace *ks;
    struct object *o;
    uint8_t type;
    uint64_t index;
    int64_t time_ms;
    uint64_t rng;
};

static inline void world_begin(struct world *w)
{
    w->index++;
    struct applied entry = {w->index, 1, w->time_ms, 0, w->index * 7};
    keyspace_begin(w->ks, &entry, w->index);
}

static inline void world_open(struct world *w)
{
    enum object_found found =
        object_open(w->ks, 0, BYTES_LIT("key"), w->type, &w->o);
    assert_int_not_equal(OBJECT_OTHER, found);
}

static inline void world_save(struct world *w)
{
    object_save(w->o);
    object_close(w->o);
    w->o = NULL;
}

/* The object is saved, and opened again in the next entry. */
static inline void world_next(struct world *w)
{
    world_save(w);
    assert_int_equal(0, keyspace_commit(w->ks));
    world_begin(w);
    world_open(w);
}

static inline void world_init(struct world *w, uint8_t type, uint64_t seed)
{
    struct buf error = BUF_INIT;
    *w = (struct world){.type = type, .rng = seed, .time_ms = 1000000};
    w->store = store_memory_new();
    assert_int_equal(0, keyspace_open(&w->ks, w->store, &error));
    buf_release(&error);
    world_begin(w);
    world_open(w);
}

/* The end of the last entry, in which nothing was changed. */
static inline void world_release(struct world *w)
{
    object_close(w->o);
    assert_int_equal(0, keyspace_commit(w->ks));
    keyspace_close(w->ks);
    store_close(w->store);
}

static inline uint32_t pick(struct world *w, uint32_t below)
{
    return (uint32_t)rng_below(&w->rng, below);
}

/* A first tree that is packed has no more order than a leaf has. */
static inline void check_trees(struct object *o)
{
    for (uint8_t i = (o->flags & VALUE_HASHED) ? 0 : 1; i < o->tree_count; i++)
        assert_int_equal(0, btree_check(&o->trees[i]));
}

/* How many rows of trees the store has. */
static inline uint64_t tree_rows_stored(struct world *w)
{
    uint64_t count = 0;
    struct store_iter *it = store_iter_new(w->store, STORE_STATE);
    uint8_t first = ROW_TREE;
    for (store_iter_seek(it, bytes_of(&first, 1));
         store_iter_valid(it) && row_is(store_iter_key(it), ROW_TREE);
         store_iter_next(it))
        count++;
    assert_int_equal(0, store_iter_status(it));
    store_iter_free(it);
    return count;
}

/* The bytes of a name of this number: most are short, some are long. */
static inline struct bytes name_of(uint32_t i, char out[1500])
{
    int width = i % 97 == 0 ? 700 : i % 11 == 0 ? 40 : 1;
    int len = snprintf(out, 1500, "m%0*u", width, i);
    return bytes_of(out, (size_t)len);
}

#endif
