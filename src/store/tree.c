/*
 * A treap, changed by splitting and joining. A node that only one version
 * holds is changed in place; a shared one is copied first (own()), which
 * makes its children shared in turn, so the rule carries itself downwards.
 * Keys and values are in cells that are never copied. Depth is logarithmic
 * unless somebody chooses keys by their hash; the recursion is as deep as the
 * tree.
 *
 * Nothing here fails: what is not in the tree is NULL, and deleting it changes
 * nothing. Running out of memory ends the process.
 */
#include "store/tree.h"

#include "base/alloc.h"
#include "base/hash.h"

#include <string.h>

/* A key and its value, immutable. */
struct cell {
    size_t refs;
    size_t key_len;
    size_t value_len;
    uint8_t bytes[];
};

struct tree {
    size_t refs;
    uint64_t priority; /* no child has a greater one */
    struct tree *left;
    struct tree *right;
    struct cell *cell;
};

static struct cell *cell_new(struct bytes key, struct bytes value)
{
    struct cell *c = mem_alloc(sizeof(*c) + key.len + value.len);
    c->refs = 1;
    c->key_len = key.len;
    c->value_len = value.len;
    if (key.len > 0)
        memcpy(c->bytes, key.data, key.len);
    if (value.len > 0)
        memcpy(c->bytes + key.len, value.data, value.len);
    return c;
}

static void cell_release(struct cell *c)
{
    ASSERT(c->refs > 0);
    if (--c->refs == 0)
        mem_free(c);
}

struct bytes tree_key(const struct tree *node)
{
    ASSERT(node != NULL);
    return bytes_of(node->cell->bytes, node->cell->key_len);
}

struct bytes tree_value(const struct tree *node)
{
    ASSERT(node != NULL);
    return bytes_of(node->cell->bytes + node->cell->key_len,
                    node->cell->value_len);
}

struct tree *tree_retain(struct tree *t)
{
    if (t != NULL) {
        ASSERT(t->refs > 0);
        t->refs++;
    }
    return t;
}

void tree_release(struct tree *t)
{
    if (t == NULL)
        return;
    ASSERT(t->refs > 0);
    if (--t->refs > 0)
        return;
    tree_release(t->left);
    tree_release(t->right);
    cell_release(t->cell);
    mem_free(t);
}

/* A node that may be changed, in exchange for a reference to t. */
static struct tree *own(struct tree *t)
{
    ASSERT(t != NULL && t->refs > 0);
    if (t->refs == 1)
        return t;
    struct tree *copy = mem_alloc(sizeof(*copy));
    *copy = *t;
    copy->refs = 1;
    tree_retain(copy->left);
    tree_retain(copy->right);
    copy->cell->refs++;
    t->refs--;
    return copy;
}

/* Keys below `key` to the left, the others to the right. */
static void split(struct tree *t, struct bytes key, struct tree **left,
                  struct tree **right)
{
    if (t == NULL) {
        *left = NULL;
        *right = NULL;
        return;
    }
    t = own(t);
    struct tree *inner;
    if (bytes_cmp(tree_key(t), key) < 0) {
        split(t->right, key, &inner, right);
        t->right = inner;
        *left = t;
    } else {
        split(t->left, key, left, &inner);
        t->left = inner;
        *right = t;
    }
}

/* All keys of `left` are below all of `right`. */
static struct tree *join(struct tree *left, struct tree *right)
{
    if (left == NULL || right == NULL)
        return left != NULL ? left : right;
    if (left->priority >= right->priority) {
        left = own(left);
        left->right = join(left->right, right);
        return left;
    }
    right = own(right);
    right->left = join(left, right->left);
    return right;
}

static struct tree *node_new(struct bytes key, struct bytes value)
{
    struct tree *t = mem_alloc(sizeof(*t));
    t->refs = 1;
    t->priority = hash64(key);
    t->left = NULL;
    t->right = NULL;
    t->cell = cell_new(key, value);
    return t;
}

/* The key is there: changes the value on the way down. */
static struct tree *replace(struct tree *t, struct bytes key,
                            struct bytes value)
{
    ASSERT(t != NULL);
    t = own(t);
    int order = bytes_cmp(key, tree_key(t));
    if (order < 0) {
        t->left = replace(t->left, key, value);
    } else if (order > 0) {
        t->right = replace(t->right, key, value);
    } else {
        struct cell *old = t->cell;
        t->cell = cell_new(key, value); /* the value may be in the old one */
        cell_release(old);
    }
    return t;
}

struct tree *tree_put(struct tree *t, struct bytes key, struct bytes value)
{
    if (tree_find(t, key) != NULL)
        return replace(t, key, value);
    struct tree *fresh = node_new(key, value);
    struct tree *left;
    struct tree *right;
    split(t, key, &left, &right);
    return join(join(left, fresh), right);
}

struct tree *tree_delete_range(struct tree *t, struct bytes begin,
                               struct bytes end)
{
    ASSERT(bytes_cmp(begin, end) <= 0);
    struct tree *left;
    struct tree *middle;
    struct tree *right;
    split(t, begin, &left, &right);
    split(right, end, &middle, &right);
    tree_release(middle);
    return join(left, right);
}

struct tree *tree_delete(struct tree *t, struct bytes key)
{
    if (tree_find(t, key) == NULL)
        return t;
    /* The next key after `key` is `key` and a zero byte. */
    uint8_t *next = mem_zalloc(key.len + 1);
    if (key.len > 0)
        memcpy(next, key.data, key.len);
    t = tree_delete_range(t, key, bytes_of(next, key.len + 1));
    mem_free(next);
    return t;
}

const struct tree *tree_find(const struct tree *t, struct bytes key)
{
    while (t != NULL) {
        int order = bytes_cmp(key, tree_key(t));
        if (order == 0)
            return t;
        t = order < 0 ? t->left : t->right;
    }
    return NULL;
}

const struct tree *tree_first_from(const struct tree *t, struct bytes key,
                                   bool after)
{
    const struct tree *best = NULL;
    while (t != NULL) {
        int order = bytes_cmp(tree_key(t), key);
        if (order > 0 || (order == 0 && !after)) {
            best = t;
            t = t->left;
        } else {
            t = t->right;
        }
    }
    return best;
}

const struct tree *tree_last_before(const struct tree *t, struct bytes key)
{
    const struct tree *best = NULL;
    while (t != NULL) {
        if (bytes_cmp(tree_key(t), key) < 0) {
            best = t;
            t = t->right;
        } else {
            t = t->left;
        }
    }
    return best;
}

const struct tree *tree_last(const struct tree *t)
{
    while (t != NULL && t->right != NULL)
        t = t->right;
    return t;
}
