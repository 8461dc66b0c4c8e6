/*
 * How it works: elements are removed leaf by leaf, each time from one leaf as
 * many as are next to each other. Then, and when a value has become shorter,
 * from the leaf up, a page that is empty goes, and one that has little left is
 * joined with a neighbour below the same page, if both fit well (three
 * quarters), so that it is not divided again soon. A root with one branch
 * becomes the page below it, if that fits.
 *
 * At the ends of a queue the neighbours are full, so nothing is joined there
 * again and again.
 *
 * How it fails: see btree.c.
 */
#include "data/btree.h"
#include "data/btree_internal.h"

static void remove_branch(struct buf *page, uint32_t index)
{
    page_remove(page, page_nth(buf_view(page), index), 1);
    if (index == 0 && page_count(buf_view(page)) > 0)
        branch_set_separator(page, page_nth(buf_view(page), 0), BYTES_NONE);
}

/* The pages of two branches next to each other become one. */
static bool join(struct btree *t, struct btree_spot *s, uint32_t step,
                 uint32_t index)
{
    struct buf *above = btree_open(t, s, step - 1);
    if (above == NULL)
        return false;
    struct page_place at = page_nth(buf_view(above), index);
    struct page_place next = page_next(buf_view(above), at);
    uint64_t numbers[2] = {branch_at(buf_view(above), at).child,
                           branch_at(buf_view(above), next).child};
    int64_t weight = (int64_t)branch_at(buf_view(above), next).weight;
    buf_reset(&t->scratch);
    buf_bytes(&t->scratch, branch_at(buf_view(above), next).separator);
    if (!branch_add(above, at, weight)) {
        rows_fail(t->rows, ERR_CORRUPT);
        return false;
    }
    remove_branch(above, index + 1);
    for (int i = 0; i < 2; i++) {
        if (btree_row(t, numbers[i], false) == NULL)
            return false;
    }
    struct row *right = btree_row(t, numbers[1], false);
    struct row *left = btree_row(t, numbers[0], false);
    if (page_level(buf_view(&right->value)) > 0)
        branch_set_separator(&right->value,
                             page_nth(buf_view(&right->value), 0),
                             buf_view(&t->scratch));
    page_join(&left->value, buf_view(&right->value));
    t->rows->entry_bytes += right->value.len;
    btree_space_give(t->space, t->rows, numbers[1]);
    return true;
}

/* Whether a page of so many bytes, that of branch `index`, and its neighbour
 * make a good one. */
static bool fits(struct btree *t, struct bytes above, uint32_t index,
                 uint32_t neighbour, size_t bytes)
{
    struct bytes page;
    uint8_t level = page_level(above) - 1;
    uint32_t right = MAX(index, neighbour);
    if (level > 0)
        bytes += branch_at(above, page_nth(above, right)).separator.len;
    uint64_t child = branch_at(above, page_nth(above, neighbour)).child;
    return btree_view(t, child, level, &page) &&
           bytes + page.len <= t->limits->page_max / 4 * 3;
}

/* Joins the page at a step with a neighbour; false: it stays. */
static bool try_join(struct btree *t, struct btree_spot *s, uint32_t step)
{
    const struct buf *page = btree_open(t, s, step);
    if (page == NULL || page->len >= t->limits->page_max / 4)
        return false;
    size_t bytes = page->len;
    const struct buf *above = btree_open(t, s, step - 1);
    if (above == NULL)
        return false;
    uint32_t index = s->steps[step - 1].index;
    uint32_t count = page_count(buf_view(above));
    if (index + 1 < count && fits(t, buf_view(above), index, index + 1, bytes))
        return join(t, s, step, index);
    if (index > 0 && fits(t, buf_view(above), index, index - 1, bytes))
        return join(t, s, step, index - 1);
    return false;
}

/* A page without items goes. */
static bool try_drop(struct btree *t, struct btree_spot *s, uint32_t step)
{
    const struct buf *page = btree_open(t, s, step);
    if (page == NULL || page_count(buf_view(page)) > 0)
        return false;
    struct buf *above = btree_open(t, s, step - 1);
    if (above == NULL)
        return false;
    remove_branch(above, s->steps[step - 1].index);
    btree_space_give(t->space, t->rows, s->steps[step].page);
    return true;
}

/* A root that has one branch, or none. */
static void pull_root(struct btree *t)
{
    while (t->rows->error == 0 && page_level(buf_view(&t->root)) > 0) {
        struct bytes root = buf_view(&t->root);
        uint8_t level = page_level(root) - 1;
        struct bytes page;
        if (page_count(root) == 0) {
            page_init(&t->root, 0);
            return;
        }
        uint64_t child = branch_at(root, page_nth(root, 0)).child;
        if (page_count(root) > 1 || !btree_view(t, child, level, &page) ||
            page.len > (level == 0 ? t->limits->leaf_root_max
                                   : t->limits->inner_root_max))
            return;
        buf_reset(&t->root);
        buf_bytes(&t->root, page);
        btree_space_give(t->space, t->rows, child);
    }
}

void btree_shrink(struct btree *t, struct btree_spot *s)
{
    for (uint32_t i = s->depth; i > 0; i--) {
        if (!try_drop(t, s, i) && !try_join(t, s, i))
            break;
    }
    pull_root(t);
}

/* Removes elements next to each other in one leaf. */
static void remove_run(struct btree *t, struct btree_spot *s, uint32_t count)
{
    struct buf *leaf = btree_open(t, s, s->depth);
    if (leaf == NULL)
        return;
    page_remove(leaf, s->place, count);
    btree_count(t, s, -(int64_t)count);
    btree_shrink(t, s);
}

bool btree_remove(struct btree *t, struct bytes key)
{
    struct btree_spot s;
    if (!btree_down_to_key(t, key, &s) || !s.found)
        return false;
    remove_run(t, &s, 1);
    return true;
}

void btree_cut(struct btree *t, uint64_t from, uint64_t to)
{
    struct btree_spot s;
    ASSERT(from <= to && to <= t->count);
    while (from < to && btree_down_to_nth(t, from, &s)) {
        uint32_t here = page_count(s.leaf) - s.place.index;
        uint32_t count = (uint32_t)MIN(to - from, (uint64_t)here);
        remove_run(t, &s, count);
        to -= count;
    }
}
