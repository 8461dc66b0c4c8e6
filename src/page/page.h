/*
 * The pages of a counted B+-tree (Comer, "The Ubiquitous B-Tree", 1979; with
 * the number of elements below each branch, as in Knuth, volume 3, 6.2.3), as
 * bytes:
 *
 *   0 level(1)  1 zero(1)  2 count(2)  4 items, `count` of them
 *
 * A page of level 0 is a leaf. Its items are elements in the order of their
 * keys, or, if they have none, in the order in which they were placed:
 *
 *   key length(varint)  key  value length(varint)  value
 *
 * The items of a page of a higher level are branches, one for each page of the
 * level below, with what counts for it:
 *
 *   child(5), its number  weight(5), how many elements there are below
 *   separator length(varint)  separator
 *
 * All keys below the branches before are less than the separator, all others
 * are not. The first branch has an empty one.
 *
 * Integers are big-endian; a varint has seven bits in each byte, the lowest
 * ones first, and a set eighth bit in all but its last byte.
 *
 * Functions that take a `struct bytes` or change a `struct buf` expect a page
 * that page_is_valid() has accepted, or that they have made themselves; places
 * are of this page and hold until it changes. What is returned borrows from
 * the page. What is put into a page must not be a part of it.
 */
#ifndef PAGE_PAGE_H
#define PAGE_PAGE_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"

#define PAGE_HEADER_SIZE 4
#define PAGE_LEVEL_MAX   12
#define PAGE_COUNT_MAX   UINT16_MAX
#define PAGE_CHILD_MAX   (((uint64_t)1 << 40) - 1)
#define PAGE_WEIGHT_MAX  (((uint64_t)1 << 40) - 1)

/* Of an item: its number and its offset. After the last one there is a place
 * as well. */
struct page_place {
    uint32_t index;
    size_t at;
};

struct element {
    struct bytes key;
    struct bytes value;
};

struct branch {
    uint64_t child;
    uint64_t weight;
    struct bytes separator;
};

/* Makes it an empty page. */
void page_init(struct buf *page, uint8_t level);
/* Whether these bytes can be a page: each item is whole, nothing is behind the
 * last one, levels, counts and weights are in their bounds. The order of keys
 * is not looked at. */
MUST_USE bool page_is_valid(struct bytes page);

uint8_t page_level(struct bytes page);
uint32_t page_count(struct bytes page);
/* How many elements are in it or below it. */
uint64_t page_weight(struct bytes page);

/* The place of an item, or the one after the last. */
struct page_place page_nth(struct bytes page, uint32_t index);
/* The place behind an item. */
struct page_place page_next(struct bytes page, struct page_place place);
/* The place nearest to half of the bytes, with items on both sides; the page
 * has two or more. */
struct page_place page_half(struct bytes page);

/* Removes so many items, which must be there. */
void page_remove(struct buf *page, struct page_place from, uint32_t count);
/* Moves the items from a place on to `right`, which becomes a page of the same
 * level. */
void page_split(struct buf *left, struct buf *right, struct page_place from);
/* Appends the items of another page of the same level. */
void page_join(struct buf *left, struct bytes right);

/* ---- leaves ---- */

struct element leaf_element(struct bytes page, struct page_place place);
/* The place of the first element that is not less than the key; true if it is
 * the key's own. */
MUST_USE bool leaf_find(struct bytes page, struct bytes key,
                        struct page_place *place);
void leaf_insert(struct buf *page, struct page_place place,
                 const struct element *e);
void leaf_set(struct buf *page, struct page_place place, struct bytes value);
/* The shortest separator of two leaves: left < separator <= right, a part of
 * `right`. */
struct bytes leaf_separator(struct bytes left, struct bytes right);

/* ---- pages of a higher level ---- */

struct branch branch_at(struct bytes page, struct page_place place);
/* The branch below which a key belongs; *before gets how many elements the
 * branches before it have. The page has a branch. */
struct page_place branch_find(struct bytes page, struct bytes key,
                              uint64_t *before);
/* The branch below which the element is that has *nth before it; *nth gets what
 * is left of that below the branch. After the last element: the last one. */
struct page_place branch_nth(struct bytes page, uint64_t *nth);
void branch_insert(struct buf *page, struct page_place place,
                   const struct branch *b);
/* Changes how many elements are below a branch. False, and nothing changes, if
 * that cannot be. */
MUST_USE bool branch_add(struct buf *page, struct page_place place,
                         int64_t weight);
void branch_set_separator(struct buf *page, struct page_place place,
                          struct bytes separator);

#endif
