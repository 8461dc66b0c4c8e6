/*
 * What the files of trees share: the way from the root to a leaf.
 */
#ifndef DATA_BTREE_INTERNAL_H
#define DATA_BTREE_INTERNAL_H

#include "data/btree.h"

/* A page on the way, and which of its items was taken. */
struct btree_step {
    uint64_t page; /* the root has none */
    uint32_t index;
};

/* Where an element is, or would be. Steps lead from the root (0) to the leaf
 * (depth), whose index is that of `place`, too. */
struct btree_spot {
    uint32_t depth;
    struct btree_step steps[PAGE_LEVEL_MAX + 1];
    struct bytes leaf; /* borrowed until the next call on the rows */
    struct page_place place;
    uint64_t nth; /* how many elements are before it */
    bool found; /* there is one at the place: with the key, if one was given */
};

/* A page to be read; false: the rows have an error. */
MUST_USE bool btree_view(struct btree *t, uint64_t number, uint8_t level,
                         struct bytes *page);
/* Go down from the root; false: the rows have an error. A number that is not
 * below the count is that after the last element. */
MUST_USE bool btree_down_to_key(struct btree *t, struct bytes key,
                                struct btree_spot *s);
MUST_USE bool btree_down_to_nth(struct btree *t, uint64_t nth,
                                struct btree_spot *s);

/* The page at a step, to be changed; NULL: the rows have an error. Borrowed
 * until the next page is opened that the entry has not touched before. */
struct buf *btree_open(struct btree *t, const struct btree_spot *s,
                       uint32_t step);
/* Adds so many elements to what the pages above the leaf count. */
void btree_count(struct btree *t, const struct btree_spot *s, int64_t elements);
/* A row of the tree by its number. */
struct row *btree_row(struct btree *t, uint64_t number, bool fresh);
/* From the leaf up, drops what is empty and joins what has become short. */
void btree_shrink(struct btree *t, struct btree_spot *s);

#endif
