/*
 * Strings, in part: what reads a part of one, and what writes into one. One of
 * up to a page is in its row, a longer one in pages (pages.c), and one that
 * grows beyond a page moves from the one to the other. And what is left of
 * those that are gone.
 *
 * How it fails: see keyspace_error().
 */
#include "data/key.h"
#include "data/keyspace.h"
#include "data/keyspace_internal.h"
#include "data/pages.h"
#include "data/value.h"

/* A part of more than these bytes is read without keeping any of it. */
#define RANGE_KEPT (16 * KEYSPACE_PAGE_SIZE)

/* Writes into a plain value that stays plain. */
static void overwrite_plain(struct keyspace *ks, struct buf *row, size_t offset,
                            struct bytes data)
{
    size_t begin = VALUE_HEADER_SIZE + offset;
    size_t end = begin + data.len;
    ASSERT(!keyspace_is_part(data, row));
    ASSERT(end <= VALUE_HEADER_SIZE + KEYSPACE_PAGE_SIZE);
    if (end > row->len) {
        ks->rows.entry_bytes += end - row->len;
        buf_reserve(row, end - row->len);
        if (begin > row->len)
            memset(row->data + row->len, 0, begin - row->len);
        row->len = end;
    }
    if (data.len > 0)
        memcpy(row->data + begin, data.data, data.len);
    ASSERT(end <= row->len);
}

/* Gives the bytes of a plain value, which are in its row, a page. */
static void to_page(struct keyspace *ks, uint8_t db, struct value *v,
                    struct row *r)
{
    uint8_t key[KEY_PAGE_SIZE];
    struct bytes data = bytes_from(buf_view(&r->value), VALUE_HEADER_SIZE);
    v->pages = keyspace_owner(ks, db);
    v->encoding = VALUE_APART;
    if (data.len == 0)
        return;
    struct row *page = rows_renew(&ks->rows, key_page(key, &v->pages, 0));
    buf_bytes(&page->value, data);
    ks->rows.entry_bytes += data.len;
}

/* The value of a key for a change in place: a missing or expired one has become
 * an empty string. */
static struct value get_string(struct keyspace *ks, uint8_t db,
                               struct bytes key)
{
    struct value v;
    if (!keyspace_get(ks, db, key, &v)) {
        v = (struct value){.type = VALUE_STRING};
        keyspace_put(ks, db, key, &v);
    }
    ASSERT(value_type_info(v.type)->plain);
    v.version = ks->entry.index;
    return v;
}

void keyspace_overwrite(struct keyspace *ks, uint8_t db, struct bytes key,
                        uint64_t offset, struct bytes data)
{
    ASSERT(ks->rows.in_entry && offset <= VALUE_LENGTH_MAX - data.len);
    struct value v = get_string(ks, db, key);
    struct row *r = rows_touch(&ks->rows, keyspace_key(ks, db, key));
    uint64_t length = v.length;
    ASSERT(r->present || ks->rows.error != 0);
    v.length = MAX(length, offset + data.len);
    if (v.pages.id == 0 && v.length > KEYSPACE_PAGE_SIZE) {
        to_page(ks, db, &v, r);
        r = rows_touch(&ks->rows, keyspace_key(ks, db, key)); /* it has moved */
    }
    if (v.pages.id != 0)
        keyspace_place_apart(&r->value, &v);
    else
        overwrite_plain(ks, &r->value, (size_t)offset, data);
    value_encode_header(r->value.data, &v);
    r->dirty = true;
    if (v.pages.id != 0)
        pages_write(&ks->rows, &v.pages, length, offset, data);
}

struct value_range keyspace_range(struct keyspace *ks, const struct value *v,
                                  uint64_t start, uint64_t length)
{
    ASSERT(start <= v->length && length <= v->length - start);
    if (v->pages.id != 0)
        rows_viewed(&ks->rows, length);
    return (struct value_range){.value = *v,
                                .at = start,
                                .end = start + length,
                                .once = length > RANGE_KEPT};
}

struct value_range keyspace_scan(struct keyspace *ks, const struct value *v,
                                 uint64_t start, uint64_t length)
{
    ASSERT(start <= v->length && length <= v->length - start);
    ASSERT(v->pages.id == 0 || v->pages.id < ks->next.id);
    return (struct value_range){.value = *v,
                                .at = start,
                                .end = start + length,
                                .once = length > RANGE_KEPT,
                                .scan = true};
}

/* What a scan was given. */
static void count_seen(struct keyspace *ks, struct value_range *r,
                       struct bytes part)
{
    uint64_t cost = r->hole ? part.len / KEYSPACE_HOLE_SHARE + 1 : part.len;
    ASSERT(r->scan);
    r->seen += cost;
    rows_viewed(&ks->rows, cost);
}

bool keyspace_next(struct keyspace *ks, struct value_range *r,
                   struct bytes *out)
{
    const struct value *v = &r->value;
    ASSERT(r->at <= r->end && r->end <= v->length);
    if (r->at == r->end)
        return false;
    if (v->pages.id != 0)
        *out = pages_view(&ks->rows, &v->pages, r->at, r->end, r->once);
    else
        *out = bytes_of(v->data.data + r->at, (size_t)(r->end - r->at));
    ASSERT(out->len > 0 && out->len <= r->end - r->at);
    r->hole = v->pages.id != 0 && pages_is_hole(*out);
    if (r->scan && v->pages.id != 0)
        count_seen(ks, r, *out);
    r->at += out->len;
    return true;
}

struct page_owner keyspace_draft(struct keyspace *ks, uint8_t db)
{
    return keyspace_owner(ks, db);
}

void keyspace_draft_page(struct keyspace *ks, const struct page_owner *o,
                         uint64_t page, struct bytes data)
{
    uint8_t key[KEY_PAGE_SIZE];
    ASSERT(o->id != 0 && o->epoch == ks->rows.epochs[o->db]);
    ASSERT(data.len > 0 && data.len <= KEYSPACE_PAGE_SIZE);
    struct row *r = rows_renew(&ks->rows, key_page(key, o, page));
    buf_bytes(&r->value, data);
    ks->rows.entry_bytes += data.len;
}

void keyspace_put_draft(struct keyspace *ks, struct bytes key,
                        const struct page_owner *o, uint64_t length)
{
    uint8_t apart[VALUE_APART_SIZE];
    struct value v = {.type = VALUE_STRING,
                      .encoding = VALUE_APART,
                      .length = length,
                      .pages = *o,
                      .data = bytes_of(apart, sizeof(apart))};
    ASSERT(length > KEYSPACE_PAGE_SIZE && o->id != 0);
    value_apart_encode(apart, o->id, length);
    keyspace_place(ks, o->db, key, &v, 0);
}

bool keyspace_equals(struct keyspace *ks, const struct value *v,
                     struct bytes data)
{
    struct bytes part;
    if (v->length != data.len)
        return false;
    struct value_range r = keyspace_range(ks, v, 0, v->length);
    while (keyspace_next(ks, &r, &part)) {
        if (memcmp(part.data, data.data, part.len) != 0)
            return false;
        data = bytes_from(data, part.len);
    }
    return true;
}

uint64_t keyspace_tickets(const struct keyspace *ks)
{
    ASSERT(ks->next.first_ticket <= ks->next.ticket);
    return ks->next.ticket - ks->next.first_ticket;
}

uint32_t keyspace_sweep_pages(struct keyspace *ks, uint32_t limit)
{
    ASSERT(ks->rows.in_entry);
    uint32_t done = pages_sweep(&ks->rows, &ks->next, limit);
    ks->swept += done;
    return done;
}
