/*
 * How it works: items are packed one behind the other, and found by walking
 * over those before; a page has some tens of them. An item is inserted,
 * changed or removed by moving the bytes behind it.
 *
 * How it fails: page_is_valid() refuses what cannot be a page. Everything else
 * expects pages that it has accepted, and asserts what it needs.
 */
#include "page/page.h"

#include "page/page_internal.h"

static const struct page_place first = {0, PAGE_HEADER_SIZE};

static void set_count(struct buf *page, uint32_t count)
{
    ASSERT(count <= PAGE_COUNT_MAX);
    page->data[2] = (uint8_t)(count >> 8);
    page->data[3] = (uint8_t)count;
}

void page_init(struct buf *page, uint8_t level)
{
    ASSERT(level <= PAGE_LEVEL_MAX);
    buf_reset(page);
    buf_u8(page, level);
    buf_u8(page, 0);
    buf_u16be(page, 0);
}

uint8_t page_level(struct bytes page)
{
    ASSERT(page.len >= PAGE_HEADER_SIZE && page.data[0] <= PAGE_LEVEL_MAX);
    return page.data[0];
}

uint32_t page_count(struct bytes page)
{
    ASSERT(page.len >= PAGE_HEADER_SIZE);
    return (uint32_t)page.data[2] << 8 | page.data[3];
}

uint64_t page_load(const uint8_t *p)
{
    return (uint64_t)p[0] << 32 | (uint64_t)p[1] << 24 | (uint64_t)p[2] << 16 |
           (uint64_t)p[3] << 8 | p[4];
}

void page_store(uint8_t *p, uint64_t v)
{
    ASSERT(v >> 40 == 0);
    p[0] = (uint8_t)(v >> 32);
    p[1] = (uint8_t)(v >> 24);
    p[2] = (uint8_t)(v >> 16);
    p[3] = (uint8_t)(v >> 8);
    p[4] = (uint8_t)v;
}

/* A varint of up to 32 bits at *at, which goes behind it; false if there is
 * none, or one that is longer than it need be. */
static bool take_length(struct bytes page, size_t *at, size_t *len)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 35 && *at < page.len; shift += 7) {
        uint8_t byte = page.data[(*at)++];
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte & 0x80)
            continue;
        *len = (size_t)v;
        return v <= UINT32_MAX && (byte != 0 || shift == 0);
    }
    return false;
}

/* The same with the bytes that follow it. */
static bool take_counted(struct bytes page, size_t *at, struct bytes *out)
{
    size_t len;
    if (!take_length(page, at, &len) || len > page.len - *at)
        return false;
    *out = bytes_of(page.data + *at, len);
    *at += len;
    return true;
}

struct bytes page_counted(struct bytes page, size_t *at)
{
    struct bytes out = BYTES_NONE;
    bool whole = take_counted(page, at, &out);
    ASSERT(whole);
    return out;
}

size_t page_counted_size(size_t len)
{
    size_t size = 1 + len;
    ASSERT(len <= UINT32_MAX);
    for (; len >= 0x80; len >>= 7)
        size++;
    return size;
}

uint8_t *page_put_counted(uint8_t *p, struct bytes b)
{
    size_t len = b.len;
    for (; len >= 0x80; len >>= 7)
        *p++ = (uint8_t)(len | 0x80);
    *p++ = (uint8_t)len;
    if (b.len > 0)
        memcpy(p, b.data, b.len);
    return p + b.len;
}

/* Goes behind an item, which may be damaged. */
static bool skip(struct bytes page, size_t *at)
{
    struct bytes ignored;
    if (page.data[0] == 0)
        return take_counted(page, at, &ignored) &&
               take_counted(page, at, &ignored);
    if (page.len - *at < BRANCH_FIXED_SIZE)
        return false;
    *at += BRANCH_FIXED_SIZE;
    return take_counted(page, at, &ignored);
}

/* Of a whole item: what is more to be said of a branch. */
static bool item_holds(struct bytes page, size_t at)
{
    if (page.data[0] == 0)
        return true;
    return page_load(page.data + at + BRANCH_WEIGHT_OFFSET) > 0 &&
           (at > PAGE_HEADER_SIZE || page.data[at + BRANCH_FIXED_SIZE] == 0);
}

bool page_is_valid(struct bytes page)
{
    if (page.len < PAGE_HEADER_SIZE || page.data[0] > PAGE_LEVEL_MAX ||
        page.data[1] != 0)
        return false;
    size_t at = PAGE_HEADER_SIZE;
    uint32_t count = page_count(page);
    for (uint32_t i = 0; i < count; i++) {
        size_t item = at;
        if (!skip(page, &at) || !item_holds(page, item))
            return false;
    }
    return at == page.len && (count > 0 || page.data[0] == 0);
}

struct page_place page_next(struct bytes page, struct page_place place)
{
    ASSERT(place.index < page_count(page) && place.at < page.len);
    bool whole = skip(page, &place.at);
    ASSERT(whole);
    place.index++;
    return place;
}

struct page_place page_nth(struct bytes page, uint32_t index)
{
    struct page_place place = first;
    ASSERT(index <= page_count(page));
    while (place.index < index)
        place = page_next(page, place);
    return place;
}

struct page_place page_half(struct bytes page)
{
    uint32_t count = page_count(page);
    size_t half = page.len / 2;
    ASSERT(count >= 2);
    struct page_place place = page_next(page, first);
    while (place.index < count - 1 && place.at < half) {
        struct page_place after = page_next(page, place);
        if (after.at > half && after.at - half >= half - place.at)
            break;
        place = after;
    }
    return place;
}

void page_resize(struct buf *page, size_t at, size_t had, size_t has)
{
    ASSERT(at + had <= page->len);
    if (has > had)
        buf_reserve(page, has - had);
    memmove(page->data + at + has, page->data + at + had, page->len - at - had);
    page->len = page->len - had + has;
}

uint8_t *page_open(struct buf *page, struct page_place place, size_t size)
{
    uint32_t count = page_count(buf_view(page));
    ASSERT(place.index <= count && count < PAGE_COUNT_MAX);
    page_resize(page, place.at, 0, size);
    set_count(page, count + 1);
    return page->data + place.at;
}

void page_remove(struct buf *page, struct page_place from, uint32_t count)
{
    uint32_t had = page_count(buf_view(page));
    ASSERT(from.index <= had && count <= had - from.index);
    struct page_place end = from;
    while (end.index < from.index + count)
        end = page_next(buf_view(page), end);
    page_resize(page, from.at, end.at - from.at, 0);
    set_count(page, had - count);
}

void page_split(struct buf *left, struct buf *right, struct page_place from)
{
    uint32_t count = page_count(buf_view(left));
    ASSERT(from.index <= count && from.at <= left->len);
    page_init(right, page_level(buf_view(left)));
    buf_bytes(right, bytes_from(buf_view(left), from.at));
    set_count(right, count - from.index);
    left->len = from.at;
    set_count(left, from.index);
}

void page_join(struct buf *left, struct bytes right)
{
    uint32_t count = page_count(buf_view(left)) + page_count(right);
    ASSERT(page_level(buf_view(left)) == page_level(right));
    buf_bytes(left, bytes_from(right, PAGE_HEADER_SIZE));
    set_count(left, count);
}
