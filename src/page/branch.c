/*
 * How it works: the first branch takes every key that no later one takes, so
 * its separator is never compared. Weights have a fixed place and size in their
 * item: counting changes ten bytes, and moves none.
 *
 * How it fails: a weight that would leave its bounds is refused; see page.c for
 * the rest.
 */
#include "page/page.h"
#include "page/page_internal.h"

struct branch branch_at(struct bytes page, struct page_place place)
{
    ASSERT(page_level(page) > 0 && place.index < page_count(page));
    const uint8_t *p = page.data + place.at;
    struct branch b = {page_load(p), page_load(p + BRANCH_WEIGHT_OFFSET),
                       BYTES_NONE};
    place.at += BRANCH_FIXED_SIZE;
    b.separator = page_counted(page, &place.at);
    return b;
}

uint64_t page_weight(struct bytes page)
{
    if (page_level(page) == 0)
        return page_count(page);
    uint64_t sum = 0;
    struct page_place place = page_nth(page, 0);
    while (place.index < page_count(page)) {
        sum += branch_at(page, place).weight;
        place = page_next(page, place);
    }
    return sum;
}

struct page_place branch_find(struct bytes page, struct bytes key,
                              uint64_t *before)
{
    uint32_t count = page_count(page);
    struct page_place place = page_nth(page, 0);
    struct branch b = branch_at(page, place);
    *before = 0;
    for (;;) {
        struct page_place next = page_next(page, place);
        if (next.index == count)
            return place;
        uint64_t weight = b.weight;
        b = branch_at(page, next);
        if (bytes_cmp(b.separator, key) > 0)
            return place;
        *before += weight;
        place = next;
    }
}

struct page_place branch_nth(struct bytes page, uint64_t *nth)
{
    uint32_t count = page_count(page);
    struct page_place place = page_nth(page, 0);
    for (;;) {
        uint64_t weight = branch_at(page, place).weight;
        if (*nth < weight || place.index + 1 == count)
            return place;
        *nth -= weight;
        place = page_next(page, place);
    }
}

void branch_insert(struct buf *page, struct page_place place,
                   const struct branch *b)
{
    ASSERT(page_level(buf_view(page)) > 0 && b->weight > 0);
    ASSERT(place.index > 0 || b->separator.len == 0);
    size_t size = BRANCH_FIXED_SIZE + page_counted_size(b->separator.len);
    uint8_t *p = page_open(page, place, size);
    page_store(p, b->child);
    page_store(p + BRANCH_WEIGHT_OFFSET, b->weight);
    page_put_counted(p + BRANCH_FIXED_SIZE, b->separator);
}

bool branch_add(struct buf *page, struct page_place place, int64_t weight)
{
    uint8_t *p = page->data + place.at + BRANCH_WEIGHT_OFFSET;
    int64_t sum = (int64_t)branch_at(buf_view(page), place).weight + weight;
    if (sum < 0 || sum > (int64_t)PAGE_WEIGHT_MAX)
        return false;
    page_store(p, (uint64_t)sum);
    return true;
}

void branch_set_separator(struct buf *page, struct page_place place,
                          struct bytes separator)
{
    struct branch b = branch_at(buf_view(page), place);
    size_t at = place.at + BRANCH_FIXED_SIZE;
    page_resize(page, at, page_counted_size(b.separator.len),
                page_counted_size(separator.len));
    page_put_counted(page->data + at, separator);
}
