/*
 * There are two parts in one block of memory: the entries, in the order of
 * insertion, and an index of 32-bit numbers with linear probing (0 is empty, n
 * means entry n - 1). A removed entry leaves a hole among the entries, but none
 * in the index, where the entries that follow are moved back (Knuth, TAOCP 3,
 * 6.4, algorithm R). When the space for entries is used up, the table is
 * rebuilt without the holes; it grows or shrinks to what is in use. Nothing
 * here fails.
 */
#include "base/map.h"

#include "base/alloc.h"
#include "base/hash.h"

#include <string.h>

#define CAP_MIN ((size_t)16)
#define CAP_MAX ((size_t)1 << 31)

struct map_slot {
    uint64_t hash;
    uint8_t *key; /* NULL: a hole */
    size_t key_len;
    void *value;
};

/* Entries that fit: three quarters of the index. */
/*@ assigns \nothing;
  @ ensures \result <= cap && 4 * \result >= 3 * cap;
  @ ensures cap > 3 ==> \result < cap; */
static size_t limit_of(size_t cap)
{
    return cap - cap / 4;
}

static uint32_t *index_of(const struct map *m)
{
    return (uint32_t *)(void *)(m->slots + limit_of(m->cap));
}

static bool slot_holds(const struct map_slot *s, uint64_t hash,
                       struct bytes key)
{
    return s->hash == hash && bytes_eq(bytes_of(s->key, s->key_len), key);
}

/* The key's place in the index, or the empty place where it belongs. */
static size_t find(const struct map *m, uint64_t hash, struct bytes key)
{
    ASSERT(m->cap > 0 && (m->cap & (m->cap - 1)) == 0);
    ASSERT(m->count <= limit_of(m->cap)); /* so there is an empty place */
    const uint32_t *index = index_of(m);
    size_t at = (size_t)hash & (m->cap - 1);
    while (index[at] != 0 && !slot_holds(&m->slots[index[at] - 1], hash, key))
        at = (at + 1) & (m->cap - 1);
    return at;
}

void map_init(struct map *m, uint64_t seed)
{
    *m = (struct map){.seed = seed};
}

static void free_keys(struct map *m)
{
    for (size_t i = 0; i < m->used; i++)
        mem_free(m->slots[i].key);
}

void map_release(struct map *m)
{
    free_keys(m);
    mem_free(m->slots);
    map_init(m, m->seed);
}

/* Adds an entry whose key is not in the table; the table owns the key. */
static void append(struct map *m, struct map_slot slot, size_t at)
{
    ASSERT(m->used < limit_of(m->cap));
    ASSERT(index_of(m)[at] == 0);
    m->slots[m->used++] = slot;
    index_of(m)[at] = (uint32_t)m->used;
    m->count++;
}

/* A new table, at most half full, without the holes of the old one. */
static void rebuild(struct map *m)
{
    size_t cap = CAP_MIN;
    while (limit_of(cap) < 2 * (m->count + 1))
        cap *= 2;
    ASSERT(cap <= CAP_MAX);

    struct map old = *m;
    size_t slots_size = limit_of(cap) * sizeof(struct map_slot);
    m->slots = mem_alloc(slots_size + cap * sizeof(uint32_t));
    m->cap = cap;
    m->count = 0;
    m->used = 0;
    memset(index_of(m), 0, cap * sizeof(uint32_t));
    for (size_t i = 0; i < old.used; i++) {
        struct map_slot *s = &old.slots[i];
        if (s->key != NULL)
            append(m, *s, find(m, s->hash, bytes_of(s->key, s->key_len)));
    }
    ASSERT(m->count == old.count);
    mem_free(old.slots);
}

void *map_get(const struct map *m, struct bytes key)
{
    if (m->count == 0)
        return NULL;
    uint32_t n = index_of(m)[find(m, hash64_seed(key, m->seed), key)];
    return n == 0 ? NULL : m->slots[n - 1].value;
}

void *map_put(struct map *m, struct bytes key, void *value)
{
    uint64_t hash = hash64_seed(key, m->seed);
    if (m->cap > 0) {
        uint32_t n = index_of(m)[find(m, hash, key)];
        if (n != 0) {
            void *before = m->slots[n - 1].value;
            m->slots[n - 1].value = value;
            return before;
        }
    }
    if (m->cap == 0 || m->used == limit_of(m->cap))
        rebuild(m);

    uint8_t *copy = mem_alloc(key.len);
    if (key.len > 0)
        memcpy(copy, key.data, key.len);
    append(m, (struct map_slot){hash, copy, key.len, value},
           find(m, hash, key));
    return NULL;
}

/* Empties place `hole` of the index and moves the chain after it back. */
static void index_remove(struct map *m, size_t hole)
{
    uint32_t *index = index_of(m);
    size_t mask = m->cap - 1;
    ASSERT(index[hole] != 0);
    for (size_t at = (hole + 1) & mask; index[at] != 0; at = (at + 1) & mask) {
        size_t home = (size_t)m->slots[index[at] - 1].hash & mask;
        /* May move back unless its home is after the hole. */
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            index[hole] = index[at];
            hole = at;
        }
    }
    index[hole] = 0;
}

void *map_remove(struct map *m, struct bytes key)
{
    if (m->count == 0)
        return NULL;
    size_t at = find(m, hash64_seed(key, m->seed), key);
    uint32_t n = index_of(m)[at];
    if (n == 0)
        return NULL;
    index_remove(m, at);

    struct map_slot *s = &m->slots[n - 1];
    void *value = s->value;
    mem_free(s->key);
    *s = (struct map_slot){0, NULL, 0, NULL};
    m->count--;
    while (m->used > 0 && m->slots[m->used - 1].key == NULL)
        m->used--;
    ASSERT(m->count <= m->used);
    return value;
}

bool map_next(const struct map *m, size_t *pos, struct bytes *key, void **value)
{
    ASSERT(pos != NULL);
    while (*pos < m->used) {
        const struct map_slot *s = &m->slots[(*pos)++];
        if (s->key == NULL)
            continue;
        if (key != NULL)
            *key = bytes_of(s->key, s->key_len);
        if (value != NULL)
            *value = s->value;
        return true;
    }
    return false;
}
