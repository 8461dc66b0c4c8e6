/*
 * How it works. An entry is found by its head, the first 16 bytes of its key
 * as two numbers in which missing bytes are zero: heads order as the keys do,
 * and only where they are equal the keys are compared. Leaves hold heads
 * and entries, inner nodes heads, entries (the first of each subtree but the
 * leftmost) and children. Nothing is removed, so a node only ever splits.
 *
 * The tree is for order. A hash table finds an entry with two misses of the
 * processor's cache where the tree has eight, so a key that is there already
 * never touches the tree.
 *
 * Fails only as memory does.
 */
#include "store/memtable.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "base/reader.h"

#include <string.h>

#define FANOUT    32
#define DEPTH_MAX 12
/* Values above it have memory of their own, so that one that is written
 * again and again takes no more than once. */
#define LARGE     4096
#define ALIGNMENT 8
#define SLOTS_MIN 64
/* Keys that are looked for at once; how much of an entry, whose value stands
 * behind it as a rule; the processor's line. */
#define EXPECT_STEP 16
#define EXPECT_SIZE 256
#define SLOTS_NEAR  4
#define LINE        64

struct entry {
    uint8_t *value;
    uint32_t value_len;
    uint32_t value_cap;
    uint32_t key_len;
    uint8_t kind; /* enum memtable_kind */
    bool large;   /* the value is not in a block */
    uint8_t key[];
};

struct head {
    uint64_t high;
    uint64_t low;
};

/* Sorted by key. */
struct row {
    uint32_t count;
    struct head heads[FANOUT];
    struct entry *entries[FANOUT];
};

struct memtable_leaf {
    struct row row;
    struct memtable_leaf *next;
};

/* A separator is the first entry of the child right of it. */
struct inner {
    struct row row;
    void *children[FANOUT + 1];
};

struct block {
    struct block *before;
    size_t used;
    size_t size;
    _Alignas(ALIGNMENT) uint8_t data[];
};

/* Of the hash table; empty without an entry. */
struct slot {
    uint64_t hash;
    struct entry *entry;
};

struct range {
    struct range *next;
    struct bytes begin;
    struct bytes end;
};

struct memtable {
    void *root;
    uint32_t depth; /* of inner nodes above the leaves */
    struct memtable_leaf *first;
    struct slot *slots;
    size_t slot_count; /* a power of two */
    size_t entry_count;
    struct block *block;
    size_t block_size;
    uint64_t seed;
    size_t bytes;
    struct range *ranges;
    size_t range_count;
    bool dirty;
};

/* Where an insertion has to happen: the nodes on the way. */
struct path {
    struct inner *nodes[DEPTH_MAX];
    uint32_t at[DEPTH_MAX];
    struct memtable_leaf *leaf;
};

static struct block *block_new(struct memtable *m, size_t size)
{
    struct block *b = mem_alloc(sizeof(*b) + size);
    b->used = 0;
    b->size = size;
    m->bytes += sizeof(*b) + size;
    return b;
}

/* Memory that stays as long as the table. */
static void *take(struct memtable *m, size_t size)
{
    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    struct block *b = m->block;
    if (b == NULL || b->size - b->used < size) {
        b = block_new(m, MAX(size, m->block_size));
        b->before = m->block;
        m->block = b;
    }
    void *p = b->data + b->used;
    b->used += size;
    return p;
}

static struct memtable_leaf *leaf_new(struct memtable *m)
{
    struct memtable_leaf *leaf = take(m, sizeof(*leaf));
    leaf->row.count = 0;
    leaf->next = NULL;
    return leaf;
}

static struct bytes key_of(const struct entry *e)
{
    return bytes_of(e->key, e->key_len);
}

/* The slot of a key, or the empty one where it belongs. */
static struct slot *slot_of(const struct memtable *m, uint64_t hash,
                            struct bytes key)
{
    for (size_t i = hash;; i++) {
        struct slot *s = &m->slots[i & (m->slot_count - 1)];
        if (s->entry == NULL ||
            (s->hash == hash && bytes_eq(key_of(s->entry), key)))
            return s;
    }
}

static void slots_resize(struct memtable *m, size_t count)
{
    struct slot *old = m->slots;
    size_t old_count = m->slot_count;
    m->slots = mem_zalloc(count * sizeof(*m->slots));
    m->slot_count = count;
    m->bytes += (count - old_count) * sizeof(*m->slots);
    for (size_t i = 0; i < old_count; i++) {
        if (old[i].entry != NULL)
            *slot_of(m, old[i].hash, key_of(old[i].entry)) = old[i];
    }
    mem_free(old);
}

struct memtable *memtable_new(size_t block_size, uint64_t seed)
{
    ASSERT(block_size > 0);
    struct memtable *m = mem_zalloc(sizeof(*m));
    m->block_size = block_size;
    m->seed = seed;
    m->first = leaf_new(m);
    m->root = m->first;
    slots_resize(m, SLOTS_MIN);
    return m;
}

static void free_large(struct memtable *m)
{
    for (struct memtable_leaf *leaf = m->first; leaf != NULL;
         leaf = leaf->next) {
        for (uint32_t i = 0; i < leaf->row.count; i++) {
            if (leaf->row.entries[i]->large)
                mem_free(leaf->row.entries[i]->value);
        }
    }
}

void memtable_free(struct memtable *m)
{
    if (m == NULL)
        return;
    free_large(m);
    mem_free(m->slots);
    for (struct block *b = m->block; b != NULL;) {
        struct block *before = b->before;
        mem_free(b);
        b = before;
    }
    mem_free(m);
}

static struct head head_of(struct bytes key)
{
    uint8_t head[16] = {0};
    if (key.len > 0)
        memcpy(head, key.data, MIN(key.len, sizeof(head)));
    return (struct head){__builtin_bswap64(load_u64le(head)),
                         __builtin_bswap64(load_u64le(head + 8))};
}

static int compare(struct head head, struct bytes key, struct head other_head,
                   const struct entry *other)
{
    if (head.high != other_head.high)
        return head.high < other_head.high ? -1 : 1;
    if (head.low != other_head.low)
        return head.low < other_head.low ? -1 : 1;
    return bytes_cmp(key, key_of(other));
}

/* How many entries are below the key (not above it, when `equal` counts as
 * well). */
static uint32_t rank(const struct row *row, struct head head, struct bytes key,
                     bool equal)
{
    uint32_t low = 0;
    uint32_t high = row->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        int order =
            compare(head, key, row->heads[middle], row->entries[middle]);
        if (order > 0 || (order == 0 && equal))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Down to the leaf that holds the key or would; remembers the way if asked. */
static struct memtable_leaf *descend(const struct memtable *m, struct head head,
                                     struct bytes key, struct path *path)
{
    void *node = m->root;
    for (uint32_t d = 0; d < m->depth; d++) {
        struct inner *in = node;
        uint32_t at = rank(&in->row, head, key, true);
        if (path != NULL) {
            path->nodes[d] = in;
            path->at[d] = at;
        }
        node = in->children[at];
    }
    return node;
}

static void row_insert(struct row *row, uint32_t at, struct head head,
                       struct entry *e)
{
    ASSERT(row->count < FANOUT && at <= row->count);
    size_t after = row->count - at;
    memmove(row->heads + at + 1, row->heads + at, after * sizeof(head));
    memmove(row->entries + at + 1, row->entries + at, after * sizeof(e));
    row->heads[at] = head;
    row->entries[at] = e;
    row->count++;
}

/* Moves the entries from `at` on to the empty row `to`. */
static void row_split(struct row *row, uint32_t at, struct row *to)
{
    to->count = row->count - at;
    memcpy(to->heads, row->heads + at, to->count * sizeof(to->heads[0]));
    memcpy(to->entries, row->entries + at, to->count * sizeof(to->entries[0]));
    row->count = at;
}

static void insert_child(struct inner *in, uint32_t at, struct head head,
                         struct entry *e, void *child)
{
    memmove(in->children + at + 2, in->children + at + 1,
            (in->row.count - at) * sizeof(in->children[0]));
    row_insert(&in->row, at, head, e);
    in->children[at + 1] = child;
}

static struct inner *inner_new(struct memtable *m, void *leftmost)
{
    struct inner *in = take(m, sizeof(*in));
    in->row.count = 0;
    in->children[0] = leftmost;
    return in;
}

/* The upper half of a full inner node; its middle separator goes up. */
static struct inner *split_inner(struct memtable *m, struct inner *in,
                                 struct head *head, struct entry **e)
{
    uint32_t half = FANOUT / 2;
    struct inner *upper = inner_new(m, in->children[half + 1]);
    row_split(&in->row, half + 1, &upper->row);
    memcpy(upper->children + 1, in->children + half + 2,
           upper->row.count * sizeof(in->children[0]));
    in->row.count = half;
    *head = in->row.heads[half];
    *e = in->row.entries[half];
    return upper;
}

/* Tells the nodes above that `child` stands right of the one they came by. */
static void add_above(struct memtable *m, struct path *path, struct head head,
                      struct entry *e, void *child)
{
    for (uint32_t d = m->depth; d > 0; d--) {
        struct inner *in = path->nodes[d - 1];
        uint32_t at = path->at[d - 1];
        if (in->row.count < FANOUT) {
            insert_child(in, at, head, e, child);
            return;
        }
        struct head up_head;
        struct entry *up;
        struct inner *upper = split_inner(m, in, &up_head, &up);
        if (at > in->row.count)
            insert_child(upper, at - in->row.count - 1, head, e, child);
        else
            insert_child(in, at, head, e, child);
        head = up_head;
        e = up;
        child = upper;
    }
    struct inner *root = inner_new(m, m->root);
    insert_child(root, 0, head, e, child);
    m->root = root;
    m->depth++;
    ASSERT(m->depth < DEPTH_MAX);
}

/* Keys that come in ascending order fill their leaves. */
static uint32_t split_point(const struct memtable_leaf *leaf, uint32_t at)
{
    return leaf->next == NULL && at == FANOUT ? FANOUT : FANOUT / 2;
}

static void insert(struct memtable *m, struct head head, struct entry *e)
{
    struct path path;
    struct memtable_leaf *leaf = descend(m, head, key_of(e), &path);
    uint32_t at = rank(&leaf->row, head, key_of(e), false);
    if (leaf->row.count < FANOUT) {
        row_insert(&leaf->row, at, head, e);
        return;
    }
    uint32_t half = split_point(leaf, at);
    struct memtable_leaf *upper = leaf_new(m);
    row_split(&leaf->row, half, &upper->row);
    upper->next = leaf->next;
    leaf->next = upper;
    if (at >= half)
        row_insert(&upper->row, at - half, head, e);
    else
        row_insert(&leaf->row, at, head, e);
    add_above(m, &path, upper->row.heads[0], upper->row.entries[0], upper);
}

static struct entry *entry_new(struct memtable *m, struct bytes key)
{
    ASSERT(key.len <= UINT32_MAX);
    struct entry *e = take(m, sizeof(*e) + key.len);
    *e = (struct entry){.key_len = (uint32_t)key.len};
    if (key.len > 0)
        memcpy(e->key, key.data, key.len);
    return e;
}

static void drop_large(struct memtable *m, struct entry *e)
{
    ASSERT(e->large);
    mem_free(e->value);
    m->bytes -= e->value_cap;
    e->large = false;
    e->value = NULL;
    e->value_cap = 0;
}

static void set_value(struct memtable *m, struct entry *e, struct bytes value)
{
    ASSERT(value.len <= UINT32_MAX);
    bool large = value.len > LARGE;
    if (e->large && (!large || value.len > e->value_cap))
        drop_large(m, e);
    if (value.len > e->value_cap) {
        e->large = large;
        e->value = large ? mem_alloc(value.len) : take(m, value.len);
        e->value_cap = (uint32_t)value.len;
        m->bytes += large ? value.len : 0;
    }
    if (value.len > 0)
        memcpy(e->value, value.data, value.len);
    e->value_len = (uint32_t)value.len;
}

static struct entry *add(struct memtable *m, struct slot *slot, uint64_t hash,
                         struct bytes key)
{
    struct entry *e = entry_new(m, key);
    insert(m, head_of(key), e);
    *slot = (struct slot){hash, e};
    m->entry_count++;
    if (m->entry_count > m->slot_count / 2)
        slots_resize(m, 2 * m->slot_count);
    return e;
}

static void set(struct memtable *m, struct bytes key, enum memtable_kind kind,
                struct bytes value)
{
    uint64_t hash = hash64_seed(key, m->seed);
    struct slot *slot = slot_of(m, hash, key);
    struct entry *e =
        slot->entry != NULL ? slot->entry : add(m, slot, hash, key);
    set_value(m, e, value);
    e->kind = (uint8_t)kind;
}

void memtable_put(struct memtable *m, struct bytes key, struct bytes value)
{
    m->dirty = true;
    set(m, key, MEMTABLE_VALUE, value);
}

void memtable_delete(struct memtable *m, struct bytes key)
{
    m->dirty = true;
    set(m, key, MEMTABLE_DELETED, BYTES_NONE);
}

void memtable_keep(struct memtable *m, struct bytes key, struct bytes value)
{
    set(m, key, MEMTABLE_COPY, value);
}

static struct bytes copy_of(struct memtable *m, struct bytes b)
{
    uint8_t *p = take(m, b.len);
    if (b.len > 0)
        memcpy(p, b.data, b.len);
    return bytes_of(p, b.len);
}

/* Of ranges that begin at the same place the longest counts. */
static struct range *range_at(struct memtable *m, struct bytes begin)
{
    for (struct range *r = m->ranges; r != NULL; r = r->next) {
        if (bytes_eq(r->begin, begin))
            return r;
    }
    struct range *r = take(m, sizeof(*r));
    *r = (struct range){m->ranges, copy_of(m, begin), BYTES_NONE};
    m->ranges = r;
    m->range_count++;
    return r;
}

void memtable_discard(struct memtable *m, struct bytes begin, struct bytes end)
{
    ASSERT(bytes_cmp(begin, end) < 0);
    struct range *r = range_at(m, begin);
    if (bytes_cmp(r->end, end) < 0)
        r->end = copy_of(m, end);
}

enum memtable_kind memtable_get(const struct memtable *m, struct bytes key,
                                struct bytes *value)
{
    const struct entry *e = slot_of(m, hash64_seed(key, m->seed), key)->entry;
    if (e == NULL)
        return MEMTABLE_UNKNOWN;
    *value = bytes_of(e->value, e->value_len);
    return (enum memtable_kind)e->kind;
}

static size_t first_slot(const struct memtable *m, uint64_t hash)
{
    return hash & (m->slot_count - 1);
}

/* The entry with this hash, or NULL: looks at the first slots only. */
static const struct entry *near(const struct memtable *m, uint64_t hash)
{
    size_t at = first_slot(m, hash);
    for (size_t end = at + SLOTS_NEAR; at < end; at++) {
        const struct slot *s = &m->slots[at & (m->slot_count - 1)];
        if (s->entry == NULL || s->hash == hash)
            return s->entry;
    }
    return NULL;
}

static void fetch_entry(const struct entry *e)
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
        const struct entry *e = near(tables[0], hashes[i]);
        for (size_t t = 1; t < table_count && e == NULL; t++)
            e = near(tables[t], hashes[i]);
        if (e != NULL)
            fetch_entry(e);
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
    return m->dirty;
}

size_t memtable_discards(const struct memtable *m)
{
    return m->range_count;
}

void memtable_discarded(const struct memtable *m, size_t i, struct bytes *begin,
                        struct bytes *end)
{
    ASSERT(i < m->range_count);
    const struct range *r = m->ranges;
    for (; i > 0; i--)
        r = r->next;
    *begin = r->begin;
    *end = r->end;
}

/* A leaf may be empty only if it is the only one. */
static void settle(struct memtable_cursor *c)
{
    if (c->at == c->leaf->row.count)
        *c = (struct memtable_cursor){c->leaf->next, 0};
}

struct memtable_cursor memtable_seek(const struct memtable *m, struct bytes key)
{
    struct head head = head_of(key);
    const struct memtable_leaf *leaf = descend(m, head, key, NULL);
    struct memtable_cursor c = {leaf, rank(&leaf->row, head, key, false)};
    settle(&c);
    return c;
}

bool memtable_valid(const struct memtable_cursor *c)
{
    return c->leaf != NULL;
}

void memtable_next(struct memtable_cursor *c)
{
    ASSERT(memtable_valid(c));
    c->at++;
    settle(c);
}

struct bytes memtable_key(const struct memtable_cursor *c)
{
    ASSERT(memtable_valid(c));
    return key_of(c->leaf->row.entries[c->at]);
}

enum memtable_kind memtable_entry(const struct memtable_cursor *c,
                                  struct bytes *value)
{
    ASSERT(memtable_valid(c));
    const struct entry *e = c->leaf->row.entries[c->at];
    *value = bytes_of(e->value, e->value_len);
    return (enum memtable_kind)e->kind;
}
