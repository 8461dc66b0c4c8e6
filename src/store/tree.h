/*
 * A sorted map whose versions share what they have in common: taking a copy
 * costs nothing, and a change makes new nodes only along one path. The store
 * in memory keeps what was written, what is durable, and what iterators see
 * as such versions.
 *
 * A tree is its root; NULL is the empty one. Functions that change a tree
 * take the caller's reference to the old version and return the new one.
 *
 * Not thread-safe: counts are plain numbers. Literature: Seidel & Aragon,
 * "Randomized Search Trees" (1996); priorities are hashes of the keys, so the
 * shape depends on the keys alone.
 */
#ifndef STORE_TREE_H
#define STORE_TREE_H

#include "base/base.h"
#include "base/bytes.h"

struct tree;

struct tree *tree_retain(struct tree *t);
void tree_release(struct tree *t);

MUST_USE struct tree *tree_put(struct tree *t, struct bytes key,
                               struct bytes value);
/* Removes begin <= key < end. */
MUST_USE struct tree *tree_delete_range(struct tree *t, struct bytes begin,
                                        struct bytes end);
MUST_USE struct tree *tree_delete(struct tree *t, struct bytes key);

/* Nodes found are NULL when there is none; they live as long as the tree. */
const struct tree *tree_find(const struct tree *t, struct bytes key);
/* The first node whose key is >= key (> key, when `after`). */
const struct tree *tree_first_from(const struct tree *t, struct bytes key,
                                   bool after);
/* The last node whose key is < key. */
const struct tree *tree_last_before(const struct tree *t, struct bytes key);
const struct tree *tree_last(const struct tree *t);

struct bytes tree_key(const struct tree *node);
struct bytes tree_value(const struct tree *node);

#endif
