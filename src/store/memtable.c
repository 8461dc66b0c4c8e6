/*
 * How it works. The tree (memtable_tree.c) is for order. A hash table finds an
 * item with two misses of the processor's cache where the tree has eight, so a
 * key that is there already never touches the tree.
 *
 * The hash table grows to twice its size, but not at once: with a million items
 * that took 60 ms, in which nobody else was served. The old slots stay as they
 * are, and each item that is added has some of them copied; until all are, what
 * is not among the new slots is looked for among the old ones.
 *
 * Fails only as memory does.
 */
#include "base/alloc.h"
#include "base/hash.h"
#include "store/memtable_internal.h"

#include <string.h>

/* Values above it have memory of their own, so that one that is written
 * again and again takes no more than once. */
#define LARGE     4096
#define SLOTS_MIN 64
/* Copied with each item that is added: all are long before the table grows
 * again, which is after half as many items as there are old slots. */
#define GROW_STEP 16
/* Keys that are looked for at once; how much of an item is fetched, whose value
 * follows it as a rule; bytes of a cache line. */
#define EXPECT_STEP 16
#define EXPECT_SIZE 256
#define SLOTS_NEAR  4
#define LINE        64

/* Of the hash table; empty without an item. */
struct memtable_slot {
    uint64_t hash;
    struct memtable_item *item;
};

struct memtable_range {
    struct memtable_range *next;
    struct bytes begin;
    struct bytes end;
};

/* The slot of a key, or the empty one where it belongs. */
static struct memtable_slot *slot_in(struct memtable_slot *slots, size_t count,
                                     uint64_t hash, struct bytes key)
{
    for (size_t i = hash;; i++) {
        struct memtable_slot *s = &slots[i & (count - 1)];
        if (s->item == NULL ||
            (s->hash == hash && bytes_eq(memtable_key_of(s->item), key)))
            return s;
    }
}

/* The same of all slots; an empty one is a new one. */
static struct memtable_slot *slot_of(const struct memtable *m, uint64_t hash,
                                     struct bytes key)
{
    struct memtable_slot *s = slot_in(m->slots, m->slot_count, hash, key);
    if (s->item != NULL || m->old == NULL)
        return s;
    struct memtable_slot *o = slot_in(m->old, m->old_count, hash, key);
    return o->item != NULL ? o : s;
}

static void slots_new(struct memtable *m, size_t count)
{
    m->slots = mem_zalloc(count * sizeof(*m->slots));
    m->slot_count = count;
    m->bytes += count * sizeof(*m->slots);
}

static void grow_begin(struct memtable *m)
{
    ASSERT(m->old == NULL);
    m->old = m->slots;
    m->old_count = m->slot_count;
    m->copied = 0;
    slots_new(m, 2 * m->old_count);
}

static void grow_step(struct memtable *m)
{
    size_t end = MIN(m->copied + GROW_STEP, m->old_count);
    for (; m->copied < end; m->copied++) {
        const struct memtable_slot *o = &m->old[m->copied];
        if (o->item != NULL)
            *slot_in(m->slots, m->slot_count, o->hash,
                     memtable_key_of(o->item)) = *o;
    }
    if (end < m->old_count)
        return;
    m->bytes -= m->old_count * sizeof(*m->old);
    mem_free(m->old);
    m->old = NULL;
}

struct memtable *memtable_new(size_t block_size, uint64_t seed)
{
    ASSERT(block_size > 0);
    struct memtable *m = mem_zalloc(sizeof(*m));
    m->block_size = block_size;
    m->seed = seed;
    memtable_tree_init(m);
    slots_new(m, SLOTS_MIN);
    return m;
}

static void free_large(struct memtable *m)
{
    struct memtable_cursor c = memtable_seek(m, BYTES_NONE);
    for (; memtable_valid(&c); memtable_next(&c)) {
        struct memtable_item *e = memtable_item_at(&c);
        if (e->large)
            mem_free(e->value);
    }
}

void memtable_free(struct memtable *m)
{
    if (m == NULL)
        return;
    free_large(m);
    mem_free(m->slots);
    mem_free(m->old);
    memtable_release(m);
    mem_free(m);
}

static struct memtable_item *item_new(struct memtable *m, struct bytes key)
{
    ASSERT(key.len <= UINT32_MAX);
    struct memtable_item *e = memtable_take(m, sizeof(*e) + key.len);
    *e = (struct memtable_item){.key_len = (uint32_t)key.len};
    if (key.len > 0)
        memcpy(e->key, key.data, key.len);
    return e;
}

static void drop_large(struct memtable *m, struct memtable_item *e)
{
    ASSERT(e->large);
    mem_free(e->value);
    m->bytes -= e->value_cap;
    e->large = false;
    e->value = NULL;
    e->value_cap = 0;
}

/* The room for a value that has outgrown its own: one that grows bit by bit
 * would leave a copy of each size in the blocks. */
static size_t room_for(size_t len, size_t had, bool large)
{
    size_t more = had + had / 2;
    if (!large)
        more = MIN(more, (size_t)LARGE);
    return MIN(MAX(len, more), (size_t)UINT32_MAX);
}

static void set_value(struct memtable *m, struct memtable_item *e,
                      struct bytes value)
{
    ASSERT(value.len <= UINT32_MAX);
    bool large = value.len > LARGE;
    size_t had = value.len > e->value_cap ? e->value_cap : 0;
    if (e->large && (!large || value.len > e->value_cap))
        drop_large(m, e);
    if (value.len > e->value_cap) {
        size_t room = room_for(value.len, had, large);
        e->large = large;
        e->value = large ? mem_alloc(room) : memtable_take(m, room);
        e->value_cap = (uint32_t)room;
        m->bytes += large ? room : 0;
    }
    if (value.len > 0)
        memcpy(e->value, value.data, value.len);
    e->value_len = (uint32_t)value.len;
}

static struct memtable_item *add(struct memtable *m, struct memtable_slot *slot,
                                 uint64_t hash, struct bytes key)
{
    struct memtable_item *e = item_new(m, key);
    memtable_insert(m, e);
    *slot = (struct memtable_slot){hash, e};
    m->item_count++;
    m->kinds[e->kind]++;
    if (m->old != NULL)
        grow_step(m);
    else if (m->item_count > m->slot_count / 2)
        grow_begin(m);
    return e;
}

static void set(struct memtable *m, struct bytes key, enum memtable_kind kind,
                struct bytes value)
{
    uint64_t hash = hash64_seed(key, m->seed);
    struct memtable_slot *slot = slot_of(m, hash, key);
    struct memtable_item *e =
        slot->item != NULL ? slot->item : add(m, slot, hash, key);
    set_value(m, e, value);
    ASSERT(m->kinds[e->kind] > 0);
    m->kinds[e->kind]--;
    m->kinds[kind]++;
    e->kind = (uint8_t)kind;
}

void memtable_put(struct memtable *m, struct bytes key, struct bytes value)
{
    set(m, key, MEMTABLE_VALUE, value);
}

void memtable_delete(struct memtable *m, struct bytes key)
{
    set(m, key, MEMTABLE_DELETED, BYTES_NONE);
}

void memtable_keep(struct memtable *m, struct bytes key, struct bytes value)
{
    set(m, key, MEMTABLE_COPY, value);
}

static struct bytes copy_of(struct memtable *m, struct bytes b)
{
    uint8_t *p = memtable_take(m, b.len);
    if (b.len > 0)
        memcpy(p, b.data, b.len);
    return bytes_of(p, b.len);
}

/* Of ranges that begin at the same place the longest counts. */
static struct memtable_range *range_at(struct memtable *m, struct bytes begin)
{
    for (struct memtable_range *r = m->ranges; r != NULL; r = r->next) {
        if (bytes_eq(r->begin, begin))
            return r;
    }
    struct memtable_range *r = memtable_take(m, sizeof(*r));
    *r = (struct memtable_range){m->ranges, copy_of(m, begin), BYTES_NONE};
    m->ranges = r;
    m->range_count++;
    return r;
}

void memtable_discard(struct memtable *m, struct bytes begin, struct bytes end)
{
    ASSERT(bytes_cmp(begin, end) < 0);
    struct memtable_range *r = range_at(m, begin);
    if (bytes_cmp(r->end, end) < 0)
        r->end = copy_of(m, end);
}

enum memtable_kind memtable_get(const struct memtable *m, struct bytes key,
                                struct bytes *value)
{
    const struct memtable_item *e =
        slot_of(m, hash64_seed(key, m->seed), key)->item;
    if (e == NULL)
        return MEMTABLE_UNKNOWN;
    *value = bytes_of(e->value, e->value_len);
    return (enum memtable_kind)e->kind;
}

static size_t first_slot(const struct memtable *m, uint64_t hash)
{
    return hash & (m->slot_count - 1);
}

/* The item with this hash, or NULL: looks at the first slots only. */
static const struct memtable_item *near(const struct memtable *m, uint64_t hash)
{
    size_t at = first_slot(m, hash);
    for (size_t end = at + SLOTS_NEAR; at < end; at++) {
        const struct memtable_slot *s = &m->slots[at & (m->slot_count - 1)];
        if (s->item == NULL || s->hash == hash)
            return s->item;
    }
    return NULL;
}

static void fetch_item(const struct memtable_item *e)
{
    for (size_t at = 0; at < EXPECT_SIZE; at += LINE)
        __builtin_prefetch((const void *)((uintptr_t)e + at));
}

/* First the slots, then what the slots point to. */
static void expect_some(const struct memtable *const *tables,
                        size_t table_count, const struct bytes *keys,
                        size_t count)
{
    uint64_t hashes[EXPECT_STEP];
    ASSERT(count <= EXPECT_STEP);
    for (size_t i = 0; i < count; i++) {
        hashes[i] = hash64_seed(keys[i], tables[0]->seed);
        for (size_t t = 0; t < table_count; t++)
            __builtin_prefetch(
                &tables[t]->slots[first_slot(tables[t], hashes[i])]);
    }
    for (size_t i = 0; i < count; i++) {
        const struct memtable_item *e = near(tables[0], hashes[i]);
        for (size_t t = 1; t < table_count && e == NULL; t++)
            e = near(tables[t], hashes[i]);
        if (e != NULL)
            fetch_item(e);
    }
}

void memtable_expect(const struct memtable *const *tables, size_t table_count,
                     const struct bytes *keys, size_t count)
{
    for (size_t t = 1; t < table_count; t++)
        ASSERT(tables[t]->seed == tables[0]->seed);
    for (size_t i = 0; i < count; i += EXPECT_STEP)
        expect_some(tables, table_count, keys + i,
                    MIN(count - i, (size_t)EXPECT_STEP));
}

size_t memtable_bytes(const struct memtable *m)
{
    return m->bytes;
}

bool memtable_dirty(const struct memtable *m)
{
    return memtable_changes(m) > 0 || m->range_count > 0;
}

size_t memtable_changes(const struct memtable *m)
{
    return m->kinds[MEMTABLE_VALUE] + m->kinds[MEMTABLE_DELETED];
}

size_t memtable_deletions(const struct memtable *m)
{
    return m->kinds[MEMTABLE_DELETED];
}

size_t memtable_discards(const struct memtable *m)
{
    return m->range_count;
}

void memtable_discarded(const struct memtable *m, size_t i, struct bytes *begin,
                        struct bytes *end)
{
    ASSERT(i < m->range_count);
    const struct memtable_range *r = m->ranges;
    for (; i > 0; i--)
        r = r->next;
    *begin = r->begin;
    *end = r->end;
}
