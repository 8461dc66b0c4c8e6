/*
 * How it works: the keyspace has a list of the streams that are open. Before an
 * entry is written, the pages that it is going to write, delete or end with
 * their epoch are compared with those of the streams. The store still has the
 * old ones then.
 *
 * How it fails: the rows keep the first error.
 */
#include "data/stream.h"

#include "data/key.h"
#include "data/keyspace_internal.h"
#include "data/pages.h"

#define KEY_PAGE_PREFIX (KEY_PAGE_SIZE - 5) /* without the page's number */

void stream_open(struct keyspace *ks, struct value_stream *st,
                 const struct value_range *range)
{
    ASSERT(!ks->rows.in_entry && range->value.pages.id != 0);
    ASSERT(range->at <= range->end);
    *st = (struct value_stream){.range = *range, .saved = BUF_INIT};
    list_init(&st->link);
    list_append(&ks->streams, &st->link);
}

/* The next bytes of the pages. */
static bool view(struct keyspace *ks, struct value_range *r, struct bytes *out)
{
    ASSERT(r->at <= r->end && r->end <= r->value.length);
    if (r->at == r->end)
        return false;
    *out = pages_view(&ks->rows, &r->value.pages, r->at, r->end, r->once);
    r->at += out->len;
    return true;
}

bool stream_next(struct keyspace *ks, struct value_stream *st,
                 struct bytes *out)
{
    ASSERT(!ks->rows.in_entry);
    if (st->saved.len == 0)
        return view(ks, &st->range, out);
    size_t left = st->saved.len - st->told;
    *out = bytes_of(st->saved.data + st->told,
                    MIN(left, (size_t)KEYSPACE_PAGE_SIZE));
    st->told += out->len;
    ASSERT(st->told <= st->saved.len);
    return out->len > 0;
}

void stream_close(struct value_stream *st)
{
    list_remove(&st->link);
    buf_release(&st->saved);
}

/* Whether the entry touches a page of these. */
static bool touches(const struct keyspace *ks, const struct page_owner *o)
{
    uint8_t key[KEY_PAGE_SIZE];
    struct bytes prefix = key_page(key, o, 0);
    const struct overlay *overlay = &ks->rows.overlay;
    prefix.len = KEY_PAGE_PREFIX;
    if (o->epoch != ks->rows.epochs[o->db])
        return true;
    for (uint32_t i = 0; i < overlay->count; i++) {
        const struct row *r = &overlay->rows[i];
        struct bytes row = overlay_key(overlay, r);
        if (r->dirty && row.len == KEY_PAGE_SIZE &&
            memcmp(row.data, prefix.data, prefix.len) == 0)
            return true;
    }
    return false;
}

static void save(struct keyspace *ks, struct value_stream *st)
{
    struct bytes part;
    ASSERT(st->saved.len == 0 && st->told == 0);
    while (view(ks, &st->range, &part))
        buf_bytes(&st->saved, part);
    list_remove(&st->link); /* it needs no pages any more */
}

void streams_save(struct keyspace *ks)
{
    ASSERT(!ks->rows.in_entry); /* the overlay does not count any more */
    struct list *next;
    for (struct list *at = ks->streams.next; at != &ks->streams; at = next) {
        struct value_stream *st = CONTAINER_OF(at, struct value_stream, link);
        next = at->next;
        if (touches(ks, &st->range.value.pages))
            save(ks, st);
    }
}

void streams_detach(struct keyspace *ks)
{
    while (!list_empty(&ks->streams))
        list_remove(ks->streams.next);
}
