/*
 * Counted B+-trees (page/page.h): elements in the order of their keys, found by
 * key or by number, counted and cut in O(log n). The root is in the record of
 * the object, which may have more than one tree; all other pages are rows of
 * their own ('t', key.h), found by number alone.
 *
 * A tree without keys is a sequence: its elements are found by number.
 *
 * The shape of a tree is a function of the operations on it, so all replicas
 * have the same pages. A page that has become longer than `page_max` is
 * divided, unless it has few elements that are long.
 *
 * Everything returned is borrowed until the next call on the rows or the tree.
 * Changes are made inside an entry.
 *
 * Errors: the rows keep the first one. ERR_CORRUPT: a page is missing, or of
 * another level than the one above says, or has not as many elements. A tree
 * of rows with an error finds nothing and changes nothing more.
 */
#ifndef DATA_BTREE_H
#define DATA_BTREE_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "data/keyspace.h"
#include "data/rows.h"
#include "page/page.h"

#define BTREE_FREE_MAX 8

/* The numbers of an object's rows: all its trees take those of their pages from
 * here. A few of those that were given back are used again first, so that what
 * is always as long does not need new rows. Whoever takes the first becomes an
 * owner of rows, with an id. */
struct btree_space {
    struct page_owner owner; /* id 0: none yet */
    uint64_t *next_id;       /* the next owner's; NULL: there is an owner */
    uint64_t next; /* a number that was never given out; the first is 1 */
    uint64_t used; /* how many rows there are */
    uint32_t free_count;
    uint64_t free[BTREE_FREE_MAX];
};

/* In bytes. */
struct btree_limits {
    uint32_t page_max;
    uint32_t leaf_root_max;  /* of a root that is a leaf */
    uint32_t inner_root_max; /* of any other */
    bool sequence;           /* no keys; pages at the ends fill up */
};

struct btree {
    struct rows *rows;
    struct btree_space *space;
    const struct btree_limits *limits;
    uint64_t count; /* of elements */
    struct buf root;
    struct buf scratch; /* a separator on its way up */
};

/* Takes so many numbers in a row, and returns the first; and gives one back:
 * its row is deleted. */
uint64_t btree_space_take(struct btree_space *space, uint64_t count);
void btree_space_give(struct btree_space *space, struct rows *rs,
                      uint64_t number);

/* An empty tree. The tree borrows all three. */
void btree_init(struct btree *t, struct rows *rs, struct btree_space *space,
                const struct btree_limits *limits);
void btree_release(struct btree *t);
/* Takes over the root as the record has it. ERR_CORRUPT: it is none. */
MUST_USE int btree_load(struct btree *t, struct bytes root);

/* False: there is none. Both keep what they read in memory. */
MUST_USE bool btree_find(struct btree *t, struct bytes key, struct element *e);
MUST_USE bool btree_get(struct btree *t, uint64_t nth, struct element *e);
/* How many elements are before this key. */
uint64_t btree_rank(struct btree *t, struct bytes key);

/* Adds an element or replaces its value; true if it was added. */
bool btree_put(struct btree *t, struct bytes key, struct bytes value);
/* Of a sequence: an element that has `nth` ones before it, then. */
void btree_insert(struct btree *t, uint64_t nth, struct bytes value);
/* Replaces the value of an element that is there. */
void btree_set(struct btree *t, uint64_t nth, struct bytes value);
/* True if it was there. */
bool btree_remove(struct btree *t, struct bytes key);
/* Removes the elements from one up to before another: whole pages of them at a
 * time. */
void btree_cut(struct btree *t, uint64_t from, uint64_t to);

/* Walks elements in order. Holds a copy of a leaf, so what it is at stays valid
 * when rows are read; any change of the tree ends it. */
struct btree_cursor {
    struct btree *tree;
    struct buf leaf;
    struct page_place place; /* in the leaf */
    uint64_t nth;            /* of the element that it is at */
};

void btree_cursor_init(struct btree_cursor *c, struct btree *t);
void btree_cursor_release(struct btree_cursor *c);
/* Go to an element; false if there is none: the cursor is then not to be used
 * but for another seek. The first goes to the first one not less than the key.
 */
MUST_USE bool btree_seek(struct btree_cursor *c, struct bytes key);
MUST_USE bool btree_seek_nth(struct btree_cursor *c, uint64_t nth);
MUST_USE bool btree_next(struct btree_cursor *c);
MUST_USE bool btree_previous(struct btree_cursor *c);
struct element btree_at(const struct btree_cursor *c);

/* Reads the whole tree: 0, or ERR_CORRUPT if anything that always holds does
 * not: order of keys, separators, weights, levels, sizes, and that the numbers
 * of pages are different and were given out. For tests and operators. */
MUST_USE int btree_check(struct btree *t);

#endif
