/*
 * How it works: all pages are visited in order, one path at a time, with the
 * bounds that the separators above set for the keys. Numbers of pages are
 * collected, and compared in the end.
 *
 * How it fails: the first thing that does not hold ends it with ERR_CORRUPT; an
 * error of the rows is returned as it is.
 */
#include "base/alloc.h"
#include "data/btree.h"
#include "data/btree_internal.h"

#include <stdlib.h>

/* Of so few items a page may be as long as they are. */
#define FEW 16

struct check {
    struct btree *tree;
    struct buf pages[PAGE_LEVEL_MAX + 1]; /* by level */
    struct buf last;                      /* the key before */
    struct buf least;                     /* the separator before */
    bool any;
    uint64_t elements;
    uint64_t *numbers;
    size_t count;
    size_t cap;
};

static void note_number(struct check *c, uint64_t number)
{
    if (c->count == c->cap) {
        c->cap = MAX(2 * c->cap, (size_t)64);
        c->numbers = mem_realloc(c->numbers, c->cap * sizeof(*c->numbers));
    }
    c->numbers[c->count++] = number;
}

static int compare_numbers(const void *a, const void *b)
{
    const uint64_t *x = a;
    const uint64_t *y = b;
    return (*x > *y) - (*x < *y);
}

static bool numbers_hold(struct check *c)
{
    const struct btree_space *space = c->tree->space;
    for (uint32_t i = 0; i < space->free_count; i++)
        note_number(c, space->free[i]);
    if (c->count > 0)
        qsort(c->numbers, c->count, sizeof(*c->numbers), compare_numbers);
    for (size_t i = 0; i < c->count; i++) {
        if (c->numbers[i] == 0 || c->numbers[i] >= space->next ||
            (i > 0 && c->numbers[i] == c->numbers[i - 1]))
            return false;
    }
    return true;
}

static bool leaf_holds(struct check *c, struct bytes page)
{
    bool sequence = c->tree->limits->sequence;
    struct page_place at = page_nth(page, 0);
    for (; at.index < page_count(page); at = page_next(page, at)) {
        struct bytes key = leaf_element(page, at).key;
        if (sequence ? key.len != 0
                     : c->any && bytes_cmp(buf_view(&c->last), key) >= 0)
            return false;
        if (bytes_cmp(key, buf_view(&c->least)) < 0)
            return false;
        c->any = true;
        buf_reset(&c->last);
        buf_bytes(&c->last, key);
    }
    c->elements += page_count(page);
    return true;
}

static bool page_holds(struct check *c, uint8_t level);

/* A branch, the page below it, and all below that. */
static bool branch_holds(struct check *c, uint8_t level, struct page_place at)
{
    struct bytes page;
    struct branch b = branch_at(buf_view(&c->pages[level + 1]), at);
    uint64_t before = c->elements;
    if (b.separator.len > 0) {
        if (c->any && bytes_cmp(buf_view(&c->last), b.separator) >= 0)
            return false;
        buf_reset(&c->least);
        buf_bytes(&c->least, b.separator);
    }
    if (!btree_view(c->tree, b.child, level, &page) || page_count(page) == 0)
        return false;
    note_number(c, b.child);
    buf_reset(&c->pages[level]);
    buf_bytes(&c->pages[level], page);
    return page_holds(c, level) && c->elements - before == b.weight;
}

static bool page_holds(struct check *c, uint8_t level)
{
    const struct buf *page = &c->pages[level];
    bool root = level == page_level(buf_view(&c->tree->root));
    if (!page_is_valid(buf_view(page)))
        return false;
    if (!root && page->len > (size_t)2 * c->tree->limits->page_max &&
        page_count(buf_view(page)) >= FEW)
        return false;
    if (level == 0)
        return leaf_holds(c, buf_view(page));
    uint32_t count = page_count(buf_view(page));
    for (uint32_t i = 0; i < count; i++) {
        struct page_place at = page_nth(buf_view(page), i);
        if (!branch_holds(c, level - 1, at))
            return false;
    }
    return true;
}

int btree_check(struct btree *t)
{
    struct check c = {.tree = t};
    struct bytes root = buf_view(&t->root);
    uint8_t level = page_level(root);
    buf_bytes(&c.pages[level], root);
    bool ok =
        page_holds(&c, level) && c.elements == t->count && numbers_hold(&c);
    for (size_t i = 0; i < ARRAY_LEN(c.pages); i++)
        buf_release(&c.pages[i]);
    buf_release(&c.last);
    buf_release(&c.least);
    mem_free(c.numbers);
    if (t->rows->error != 0)
        return t->rows->error;
    return ok ? 0 : ERR_CORRUPT;
}
