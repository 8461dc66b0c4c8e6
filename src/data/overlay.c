/*
 * How it works: an array of rows in the order of first touch, one buffer with
 * all keys, and an index of 32-bit numbers with linear probing, at most half
 * full. Nothing is ever removed except all at once. Reset clears only the
 * index places in use, so that a small entry after a huge one costs little.
 *
 * How it fails: it does not.
 */
#include "data/overlay.h"

#include "base/alloc.h"
#include "base/hash.h"

#define INDEX_CAP_FIRST 256
#define ROWS_KEPT       4096
/* Of the first rows and of the others: 8 MiB in all. */
#define VALUE_KEPT_ROWS 256
#define VALUE_KEPT      (16 * 1024)
#define VALUE_KEPT_MORE 1024
#define KEYS_KEPT       (1024 * 1024)

void overlay_init(struct overlay *o)
{
    *o = (struct overlay){.keys = BUF_INIT, .index_cap = INDEX_CAP_FIRST};
    o->index = mem_zalloc(o->index_cap * sizeof(*o->index));
}

void overlay_release(struct overlay *o)
{
    for (uint32_t i = 0; i < o->cap; i++)
        buf_release(&o->rows[i].value);
    mem_free(o->rows);
    mem_free(o->index);
    buf_release(&o->keys);
    *o = (struct overlay){.keys = BUF_INIT};
}

/* Gives the memory of rows beyond ROWS_KEPT back. */
static void shrink(struct overlay *o)
{
    ASSERT(o->count == 0 && o->cap > ROWS_KEPT);
    for (uint32_t i = ROWS_KEPT; i < o->cap; i++)
        buf_release(&o->rows[i].value);
    o->cap = ROWS_KEPT;
    o->rows = mem_realloc(o->rows, o->cap * sizeof(*o->rows));
    mem_free(o->index);
    o->index_cap = INDEX_CAP_FIRST;
    o->index = mem_zalloc(o->index_cap * sizeof(*o->index));
}

void overlay_reset(struct overlay *o, uint64_t seed)
{
    for (uint32_t i = 0; i < o->count; i++) {
        struct row *r = &o->rows[i];
        ASSERT(o->index[r->place] == i + 1);
        o->index[r->place] = 0;
        buf_reset(&r->value);
        buf_shrink(&r->value,
                   i < VALUE_KEPT_ROWS ? VALUE_KEPT : VALUE_KEPT_MORE);
    }
    o->count = 0;
    buf_reset(&o->keys);
    buf_shrink(&o->keys, KEYS_KEPT);
    o->seed = seed;
    if (o->cap > ROWS_KEPT)
        shrink(o);
}

/* The place of the key in the index, or the empty place for it. */
static uint32_t place_of(const struct overlay *o, uint64_t hash,
                         struct bytes key)
{
    uint32_t mask = o->index_cap - 1;
    ASSERT((o->index_cap & mask) == 0 && o->count < o->index_cap);
    uint32_t at = (uint32_t)hash & mask;
    while (o->index[at] != 0) {
        const struct row *r = &o->rows[o->index[at] - 1];
        if (r->hash == hash && bytes_eq(overlay_key(o, r), key))
            break;
        at = (at + 1) & mask;
    }
    return at;
}

struct row *overlay_find(struct overlay *o, struct bytes key)
{
    ASSERT(key.len > 0);
    if (o->count == 0)
        return NULL;
    uint32_t n = o->index[place_of(o, hash64_seed(key, o->seed), key)];
    ASSERT(n <= o->count);
    return n == 0 ? NULL : &o->rows[n - 1];
}

static void grow_index(struct overlay *o)
{
    ASSERT(o->index_cap <= UINT32_MAX / 4);
    mem_free(o->index);
    o->index_cap *= 2;
    o->index = mem_zalloc(o->index_cap * sizeof(*o->index));
    uint32_t mask = o->index_cap - 1;
    for (uint32_t i = 0; i < o->count; i++) {
        struct row *r = &o->rows[i];
        uint32_t at = (uint32_t)r->hash & mask;
        while (o->index[at] != 0)
            at = (at + 1) & mask;
        ASSERT(r->place < o->index_cap);
        o->index[at] = i + 1;
        r->place = at;
    }
}

static void grow_rows(struct overlay *o)
{
    uint32_t cap = o->cap == 0 ? 64 : 2 * o->cap;
    ASSERT(cap > o->cap && o->count == o->cap);
    o->rows = mem_realloc(o->rows, cap * sizeof(*o->rows));
    for (uint32_t i = o->cap; i < cap; i++)
        o->rows[i] = (struct row){.value = BUF_INIT};
    o->cap = cap;
}

struct row *overlay_add(struct overlay *o, struct bytes key)
{
    if (o->count == o->cap)
        grow_rows(o);
    if (2 * (o->count + 1) > o->index_cap)
        grow_index(o);
    uint64_t hash = hash64_seed(key, o->seed);
    uint32_t at = place_of(o, hash, key);
    ASSERT(o->index[at] == 0); /* the caller has looked */

    struct row *r = &o->rows[o->count++];
    struct buf value = r->value;
    ASSERT(value.len == 0);
    *r = (struct row){
        .hash = hash,
        .key_at = o->keys.len,
        .key_len = key.len,
        .place = at,
        .value = value,
    };
    buf_bytes(&o->keys, key);
    o->index[at] = o->count;
    ASSERT(o->count <= o->cap && 2 * o->count <= o->index_cap);
    return r;
}
