/*
 * How it works: an element goes into its leaf, and the pages above count it.
 * Then, from the leaf up, each page that has become too long gives its second
 * half to a new page, which gets a branch beside its own. A root that is too
 * long first becomes a page, below a root with one branch.
 *
 * An element behind all others begins a new page alone instead, and one in
 * front of a sequence leaves its page alone: so what is filled in order, and
 * what is used as a queue, has full pages.
 *
 * Few elements that are long stay together, however long the page (ITEMS_MIN):
 * with less of them a page would be no use to a search. Separators are as long
 * as keys may be, so whoever chooses the keys could make a tree of few branches
 * as high as he likes: at PAGE_LEVEL_MAX, the root just grows, and when it has
 * as many branches as a page may have, the pages below it.
 *
 * How it fails: see btree.c; a change that ends in an error has changed some of
 * the pages, and the entry is lost with the rows.
 */
#include "data/btree.h"
#include "data/btree_internal.h"

#ifndef ITEMS_MIN
#define ITEMS_MIN 8
#endif

enum edge { EDGE_NONE, EDGE_BEGIN, EDGE_END };

static void grown(struct btree *t, const struct buf *page, size_t before)
{
    if (page->len > before)
        t->rows->entry_bytes += page->len - before;
}

static uint32_t limit_of(const struct btree *t, uint32_t step)
{
    if (step > 0)
        return t->limits->page_max;
    return page_level(buf_view(&t->root)) == 0 ? t->limits->leaf_root_max
                                               : t->limits->inner_root_max;
}

/* Where in the tree an element was added. */
static enum edge edge_of(struct btree *t, const struct btree_spot *s)
{
    bool begins = t->limits->sequence;
    bool ends = true;
    for (uint32_t i = 0; i <= s->depth; i++) {
        const struct buf *page = btree_open(t, s, i);
        if (page == NULL)
            return EDGE_NONE;
        begins = begins && s->steps[i].index == 0;
        ends = ends && s->steps[i].index + 1 == page_count(buf_view(page));
    }
    return ends ? EDGE_END : begins ? EDGE_BEGIN : EDGE_NONE;
}

/* The root becomes a page below a root with one branch. */
static bool push_root(struct btree *t, struct btree_spot *s)
{
    uint64_t number = btree_space_take(t->space, 1);
    struct row *r = btree_row(t, number, true);
    if (r == NULL)
        return false;
    buf_bytes(&r->value, buf_view(&t->root));
    grown(t, &r->value, 0);
    struct branch b = {number, t->count, BYTES_NONE};
    page_init(&t->root, page_level(buf_view(&r->value)) + 1);
    branch_insert(&t->root, page_nth(buf_view(&t->root), 0), &b);
    memmove(&s->steps[1], &s->steps[0], (s->depth + 1) * sizeof(s->steps[0]));
    s->depth++;
    s->steps[0].index = 0;
    s->steps[1].page = number;
    return true;
}

/* At an edge, what was added leaves a page that is full, but not a root that
 * was longer than a page may be. */
static struct page_place split_place(struct bytes page, enum edge edge,
                                     size_t page_max)
{
    struct page_place at = page_nth(page, 1);
    if (edge == EDGE_BEGIN && PAGE_HEADER_SIZE + page.len - at.at <= page_max)
        return at;
    at = page_nth(page, page_count(page) - 1);
    if (edge == EDGE_END && at.at <= page_max)
        return at;
    return page_half(page);
}

/* What tells the two apart goes into t->scratch; a page of branches needs its
 * first separator no more. False: the keys of a leaf are not in order. */
static bool take_separator(struct btree *t, struct bytes left,
                           struct buf *right)
{
    struct bytes page = buf_view(right);
    struct page_place first = page_nth(page, 0);
    buf_reset(&t->scratch);
    if (page_level(page) > 0) {
        buf_bytes(&t->scratch, branch_at(page, first).separator);
        branch_set_separator(right, first, BYTES_NONE);
    } else if (!t->limits->sequence) {
        struct page_place last = page_nth(left, page_count(left) - 1);
        struct bytes before = leaf_element(left, last).key;
        struct bytes after = leaf_element(page, first).key;
        if (bytes_cmp(before, after) >= 0) {
            rows_fail(t->rows, ERR_CORRUPT);
            return false;
        }
        buf_bytes(&t->scratch, leaf_separator(before, after));
    }
    return true;
}

/* Divides the page at a step, which is not the root. */
static bool split(struct btree *t, struct btree_spot *s, uint32_t step,
                  enum edge edge)
{
    const struct buf *parent = btree_open(t, s, step - 1);
    if (parent == NULL || page_count(buf_view(parent)) == PAGE_COUNT_MAX ||
        btree_open(t, s, step) == NULL)
        return false;
    struct branch b = {.child = btree_space_take(t->space, 1)};
    struct row *r = btree_row(t, b.child, true);
    struct buf *left = btree_open(t, s, step); /* touched above: r stays */
    struct buf *above = btree_open(t, s, step - 1);
    if (r == NULL || left == NULL || above == NULL)
        return false;
    page_split(left, &r->value,
               split_place(buf_view(left), edge, t->limits->page_max));
    if (!take_separator(t, buf_view(left), &r->value))
        return false;
    b.weight = page_weight(buf_view(&r->value));
    b.separator = buf_view(&t->scratch);
    grown(t, &r->value, 0);
    size_t before = above->len;
    struct page_place at = page_nth(buf_view(above), s->steps[step - 1].index);
    bool ok = branch_add(above, at, -(int64_t)b.weight);
    if (!ok) {
        rows_fail(t->rows, ERR_CORRUPT);
        return false;
    }
    branch_insert(above, page_next(buf_view(above), at), &b);
    grown(t, above, before);
    return true;
}

/* Divides what has become too long, from the leaf up. */
static void divide(struct btree *t, struct btree_spot *s, enum edge edge)
{
    for (uint32_t i = s->depth;; i--) {
        const struct buf *page = btree_open(t, s, i);
        if (page == NULL || page->len <= limit_of(t, i))
            return;
        if (i == 0 && page_level(buf_view(page)) == PAGE_LEVEL_MAX)
            return;
        if (i == 0 && push_root(t, s))
            page = btree_open(t, s, ++i);
        if (i == 0 || page == NULL || page->len <= limit_of(t, i) ||
            page_count(buf_view(page)) < ITEMS_MIN || !split(t, s, i, edge))
            return;
    }
}

static void add(struct btree *t, struct btree_spot *s, const struct element *e)
{
    struct buf *leaf = btree_open(t, s, s->depth);
    if (leaf == NULL)
        return;
    size_t before = leaf->len;
    leaf_insert(leaf, s->place, e);
    grown(t, leaf, before);
    btree_count(t, s, 1);
    if (s->depth == 0 && leaf->len <= t->limits->leaf_root_max)
        return;
    divide(t, s, edge_of(t, s));
}

static void replace(struct btree *t, struct btree_spot *s, struct bytes value)
{
    struct buf *leaf = btree_open(t, s, s->depth);
    if (leaf == NULL)
        return;
    size_t before = leaf->len;
    leaf_set(leaf, s->place, value);
    grown(t, leaf, before);
    if (leaf->len < before)
        btree_shrink(t, s);
    else
        divide(t, s, EDGE_NONE);
}

bool btree_put(struct btree *t, struct bytes key, struct bytes value)
{
    struct btree_spot s;
    ASSERT(!t->limits->sequence);
    if (!btree_down_to_key(t, key, &s))
        return false;
    if (s.found)
        replace(t, &s, value);
    else
        add(t, &s, &(struct element){key, value});
    return !s.found;
}

void btree_insert(struct btree *t, uint64_t nth, struct bytes value)
{
    struct btree_spot s;
    ASSERT(t->limits->sequence && nth <= t->count);
    if (btree_down_to_nth(t, nth, &s))
        add(t, &s, &(struct element){BYTES_NONE, value});
}

void btree_set(struct btree *t, uint64_t nth, struct bytes value)
{
    struct btree_spot s;
    ASSERT(nth < t->count);
    if (btree_down_to_nth(t, nth, &s))
        replace(t, &s, value);
}
