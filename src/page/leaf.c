/*
 * How it works: a key is searched from the front; the keys of a leaf are next
 * to each other in memory, and few.
 *
 * How it fails: it does not; see page.c.
 */
#include "page/page.h"
#include "page/page_internal.h"

struct element leaf_element(struct bytes page, struct page_place place)
{
    struct element e;
    ASSERT(page_level(page) == 0 && place.index < page_count(page));
    e.key = page_counted(page, &place.at);
    e.value = page_counted(page, &place.at);
    return e;
}

bool leaf_find(struct bytes page, struct bytes key, struct page_place *place)
{
    uint32_t count = page_count(page);
    ASSERT(page_level(page) == 0);
    *place = page_nth(page, 0);
    for (; place->index < count; *place = page_next(page, *place)) {
        size_t at = place->at;
        int order = bytes_cmp(page_counted(page, &at), key);
        if (order >= 0)
            return order == 0;
    }
    return false;
}

void leaf_insert(struct buf *page, struct page_place place,
                 const struct element *e)
{
    ASSERT(page_level(buf_view(page)) == 0);
    size_t size =
        page_counted_size(e->key.len) + page_counted_size(e->value.len);
    uint8_t *p = page_open(page, place, size);
    uint8_t *end = page_put_counted(page_put_counted(p, e->key), e->value);
    ASSERT(end == p + size);
}

void leaf_set(struct buf *page, struct page_place place, struct bytes value)
{
    struct element e = leaf_element(buf_view(page), place);
    size_t at = place.at + page_counted_size(e.key.len);
    page_resize(page, at, page_counted_size(e.value.len),
                page_counted_size(value.len));
    page_put_counted(page->data + at, value);
}

struct bytes leaf_separator(struct bytes left, struct bytes right)
{
    size_t n = 0;
    ASSERT(bytes_cmp(left, right) < 0);
    while (n < left.len && left.data[n] == right.data[n])
        n++;
    return bytes_of(right.data, n + 1);
}
