/*
 * How it works. A B+-tree. An item is found by its head, the first 16 bytes of
 * its key as two numbers in which missing bytes are zero: heads order as the
 * keys do, and only where they are equal the keys are compared. Leaves hold
 * heads and items, inner nodes heads, items (the first of each subtree but the
 * leftmost) and children. Nothing is removed, so a node only ever splits.
 *
 * Fails only as memory does.
 */
#include "store/memtable_internal.h"

#include "base/reader.h"

#include <string.h>

#define FANOUT    32
#define DEPTH_MAX 12

struct head {
    uint64_t high;
    uint64_t low;
};

/* Sorted by key. */
struct keys {
    uint32_t count;
    struct head heads[FANOUT];
    struct memtable_item *items[FANOUT];
};

struct memtable_leaf {
    struct keys keys;
    struct memtable_leaf *next;
};

/* A separator is the first item of the child right of it. */
struct inner {
    struct keys keys;
    void *children[FANOUT + 1];
};

/* Where an insertion has to happen: the nodes on the way. */
struct path {
    struct inner *nodes[DEPTH_MAX];
    uint32_t at[DEPTH_MAX];
};

static struct memtable_leaf *leaf_new(struct memtable *m)
{
    struct memtable_leaf *leaf = memtable_take(m, sizeof(*leaf));
    leaf->keys.count = 0;
    leaf->next = NULL;
    return leaf;
}

void memtable_tree_init(struct memtable *m)
{
    ASSERT(m->root == NULL);
    m->root = leaf_new(m);
    m->depth = 0;
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
                   const struct memtable_item *other)
{
    if (head.high != other_head.high)
        return head.high < other_head.high ? -1 : 1;
    if (head.low != other_head.low)
        return head.low < other_head.low ? -1 : 1;
    return bytes_cmp(key, memtable_key_of(other));
}

/* How many items are below the key (not above it, when `equal` counts as
 * well). */
static uint32_t rank(const struct keys *keys, struct head head,
                     struct bytes key, bool equal)
{
    uint32_t low = 0;
    uint32_t high = keys->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        int order =
            compare(head, key, keys->heads[middle], keys->items[middle]);
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
        uint32_t at = rank(&in->keys, head, key, true);
        if (path != NULL) {
            path->nodes[d] = in;
            path->at[d] = at;
        }
        node = in->children[at];
    }
    return node;
}

static void keys_insert(struct keys *keys, uint32_t at, struct head head,
                        struct memtable_item *e)
{
    ASSERT(keys->count < FANOUT && at <= keys->count);
    size_t after = keys->count - at;
    memmove(keys->heads + at + 1, keys->heads + at, after * sizeof(head));
    memmove(keys->items + at + 1, keys->items + at, after * sizeof(e));
    keys->heads[at] = head;
    keys->items[at] = e;
    keys->count++;
}

/* Moves the items from `at` on to the empty keys `to`. */
static void keys_split(struct keys *keys, uint32_t at, struct keys *to)
{
    to->count = keys->count - at;
    memcpy(to->heads, keys->heads + at, to->count * sizeof(to->heads[0]));
    memcpy(to->items, keys->items + at, to->count * sizeof(to->items[0]));
    keys->count = at;
}

static void insert_child(struct inner *in, uint32_t at, struct head head,
                         struct memtable_item *e, void *child)
{
    memmove(in->children + at + 2, in->children + at + 1,
            (in->keys.count - at) * sizeof(in->children[0]));
    keys_insert(&in->keys, at, head, e);
    in->children[at + 1] = child;
}

static struct inner *inner_new(struct memtable *m, void *leftmost)
{
    struct inner *in = memtable_take(m, sizeof(*in));
    in->keys.count = 0;
    in->children[0] = leftmost;
    return in;
}

/* The upper half of a full inner node; its middle separator goes up. */
static struct inner *split_inner(struct memtable *m, struct inner *in,
                                 struct head *head, struct memtable_item **e)
{
    uint32_t half = FANOUT / 2;
    struct inner *upper = inner_new(m, in->children[half + 1]);
    keys_split(&in->keys, half + 1, &upper->keys);
    memcpy(upper->children + 1, in->children + half + 2,
           upper->keys.count * sizeof(in->children[0]));
    in->keys.count = half;
    *head = in->keys.heads[half];
    *e = in->keys.items[half];
    return upper;
}

/* Tells the nodes above that `child` is to the right of the one they came by.
 */
static void add_above(struct memtable *m, struct path *path, struct head head,
                      struct memtable_item *e, void *child)
{
    for (uint32_t d = m->depth; d > 0; d--) {
        struct inner *in = path->nodes[d - 1];
        uint32_t at = path->at[d - 1];
        if (in->keys.count < FANOUT) {
            insert_child(in, at, head, e, child);
            return;
        }
        struct head up_head;
        struct memtable_item *up;
        struct inner *upper = split_inner(m, in, &up_head, &up);
        if (at > in->keys.count)
            insert_child(upper, at - in->keys.count - 1, head, e, child);
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

void memtable_insert(struct memtable *m, struct memtable_item *e)
{
    struct head head = head_of(memtable_key_of(e));
    struct path path;
    struct memtable_leaf *leaf = descend(m, head, memtable_key_of(e), &path);
    uint32_t at = rank(&leaf->keys, head, memtable_key_of(e), false);
    if (leaf->keys.count < FANOUT) {
        keys_insert(&leaf->keys, at, head, e);
        return;
    }
    uint32_t half = split_point(leaf, at);
    struct memtable_leaf *upper = leaf_new(m);
    keys_split(&leaf->keys, half, &upper->keys);
    upper->next = leaf->next;
    leaf->next = upper;
    if (at >= half)
        keys_insert(&upper->keys, at - half, head, e);
    else
        keys_insert(&leaf->keys, at, head, e);
    add_above(m, &path, upper->keys.heads[0], upper->keys.items[0], upper);
}

/* A leaf may be empty only if it is the only one. */
static void settle(struct memtable_cursor *c)
{
    if (c->at == c->leaf->keys.count)
        *c = (struct memtable_cursor){c->leaf->next, 0};
}

struct memtable_cursor memtable_seek(const struct memtable *m, struct bytes key)
{
    struct head head = head_of(key);
    const struct memtable_leaf *leaf = descend(m, head, key, NULL);
    struct memtable_cursor c = {leaf, rank(&leaf->keys, head, key, false)};
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

struct memtable_item *memtable_item_at(const struct memtable_cursor *c)
{
    ASSERT(memtable_valid(c));
    return c->leaf->keys.items[c->at];
}

struct bytes memtable_key(const struct memtable_cursor *c)
{
    return memtable_key_of(memtable_item_at(c));
}

enum memtable_kind memtable_value(const struct memtable_cursor *c,
                                  struct bytes *value)
{
    const struct memtable_item *e = memtable_item_at(c);
    *value = bytes_of(e->value, e->value_len);
    return (enum memtable_kind)e->kind;
}
