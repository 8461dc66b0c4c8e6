/*
 * How it works: the keyspace has a list of the streams that are open. Before an
 * entry is written, the pages that it is going to write, delete or end with
 * their epoch are compared with those of the streams. The store still has the
 * old ones then. A copy has what any of a value's streams has not told yet, and
 * goes with the last of them: so an entry costs a value's length at most for
 * each value that it changes, however many read it.
 *
 * How it fails: the rows keep the first error.
 */
#include "data/stream.h"

#include "base/alloc.h"
#include "data/key.h"
#include "data/keyspace_internal.h"
#include "data/pages.h"

#define KEY_PAGE_PREFIX (KEY_PAGE_SIZE - 5) /* without the page's number */

void stream_open(struct keyspace *ks, struct value_stream *st,
                 const struct value_range *range)
{
    ASSERT(!ks->rows.in_entry && range->value.pages.id != 0);
    ASSERT(range->at <= range->end);
    *st = (struct value_stream){.range = *range};
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
    const struct stream_copy *copy = st->copy;
    struct value_range *r = &st->range;
    ASSERT(!ks->rows.in_entry);
    if (copy == NULL)
        return view(ks, r, out);
    ASSERT(copy->at <= r->at && r->end - copy->at <= copy->bytes.len);
    *out = bytes_from(buf_view(&copy->bytes), (size_t)(r->at - copy->at));
    out->len = (size_t)MIN(r->end - r->at, (uint64_t)KEYSPACE_PAGE_SIZE);
    r->at += out->len;
    return out->len > 0;
}

static void copy_leave(struct stream_copy *copy)
{
    ASSERT(copy->streams > 0);
    if (--copy->streams > 0)
        return;
    buf_release(&copy->bytes);
    mem_free(copy);
}

void stream_close(struct value_stream *st)
{
    list_remove(&st->link);
    if (st->copy != NULL)
        copy_leave(st->copy);
    st->copy = NULL;
}

size_t stream_memory(const struct value_stream *st)
{
    return st->copy == NULL ? 0 : st->copy->bytes.cap / st->copy->streams;
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

/* What the streams of a value have not told, from the first byte that one of
 * them lacks to the last. */
static struct value_range left_of(const struct keyspace *ks,
                                  const struct value_range *one)
{
    struct value_range all = *one;
    LIST_EACH(at, &ks->streams)
    {
        const struct value_range *r =
            &CONTAINER_OF(at, struct value_stream, link)->range;
        if (r->value.pages.id != one->value.pages.id)
            continue;
        ASSERT(r->value.length == one->value.length);
        all.at = MIN(all.at, r->at);
        all.end = MAX(all.end, r->end);
    }
    return all;
}

static struct stream_copy *copy_new(struct keyspace *ks,
                                    const struct value_range *one)
{
    struct value_range left = left_of(ks, one);
    struct stream_copy *copy = mem_zalloc(sizeof(*copy));
    struct buf *b = &copy->bytes;
    struct bytes part;
    copy->id = one->value.pages.id;
    copy->at = left.at;
    b->len = (size_t)(left.end - left.at);
    b->cap = MAX(b->len, 1);
    b->data = mem_zalloc(b->cap); /* what is a hole takes no memory */
    while (view(ks, &left, &part)) {
        if (!pages_is_hole(part))
            memcpy(b->data + (left.at - part.len - copy->at), part.data,
                   part.len);
    }
    return copy;
}

static struct stream_copy *copy_find(struct stream_copy *made, uint64_t id)
{
    while (made != NULL && made->id != id)
        made = made->next;
    return made;
}

/* Of all, or of those that the entry touches. */
static void save(struct keyspace *ks, bool all)
{
    ASSERT(!ks->rows.in_entry); /* the overlay does not count any more */
    struct stream_copy *made = NULL;
    struct list *next;
    for (struct list *at = ks->streams.next; at != &ks->streams; at = next) {
        struct value_stream *st = CONTAINER_OF(at, struct value_stream, link);
        const struct page_owner *pages = &st->range.value.pages;
        struct stream_copy *copy = copy_find(made, pages->id);
        next = at->next;
        if (copy == NULL && (all || touches(ks, pages))) {
            copy = copy_new(ks, &st->range);
            copy->next = made;
            made = copy;
        }
        if (copy == NULL)
            continue;
        ASSERT(st->copy == NULL);
        st->copy = copy;
        copy->streams++;
        list_remove(&st->link); /* it needs no pages any more */
    }
}

void streams_save(struct keyspace *ks)
{
    save(ks, false);
}

void streams_save_all(struct keyspace *ks)
{
    save(ks, true);
    ASSERT(list_empty(&ks->streams));
}

void streams_detach(struct keyspace *ks)
{
    while (!list_empty(&ks->streams))
        list_remove(ks->streams.next);
}
