/*
 * How it works: every page is a row, found by its number alone. A page that is
 * replaced as a whole, or that begins behind the value's end, is written
 * without a look at what was there; only a page of which a part changes is
 * read.
 *
 * Tickets are numbered, and worked off in that order, so the first one is found
 * without a search among those that have been deleted. Pages of a ticket that
 * are missing are deleted like the others: a value that was made long by one
 * SETRANGE has few of its pages, but that is not known without looking.
 *
 * How it fails: the rows keep the first error. What is missing is zeros, so a
 * page that a store has lost cannot be told from one that was never written;
 * the stores' checksums are over whole blocks and files, which are not lost
 * without a word.
 */
#include "data/pages.h"

#include "data/key.h"

static const uint8_t zeros[KEYSPACE_PAGE_SIZE];

struct bytes pages_view(struct rows *rs, const struct page_owner *o,
                        uint64_t at, uint64_t end, bool once)
{
    uint8_t key[KEY_PAGE_SIZE];
    uint64_t page = at / KEYSPACE_PAGE_SIZE;
    size_t from = at % KEYSPACE_PAGE_SIZE;
    size_t want = (size_t)MIN(end - at, (uint64_t)KEYSPACE_PAGE_SIZE - from);
    struct bytes row;
    ASSERT(at < end);
    if (!rows_view(rs, key_page(key, o, page), once, &row) || row.len <= from)
        return bytes_of(zeros, want);
    return bytes_of(row.data + from, MIN(want, row.len - from));
}

bool pages_is_hole(struct bytes view)
{
    ASSERT(view.len <= sizeof(zeros));
    return view.data == zeros;
}

/* A row that owns its bytes, as many as `size` at least; more than it had count
 * as the entry's. */
static struct buf *own(struct rows *rs, struct row *r, size_t size)
{
    struct buf *value = &r->value;
    size_t before = value->len;
    if (r->borrowed.len > 0) {
        ASSERT(before == 0);
        buf_bytes(value, r->borrowed);
        r->borrowed = BYTES_NONE;
    }
    if (value->len < size) {
        buf_reserve(value, size - value->len);
        memset(value->data + value->len, 0, size - value->len);
        value->len = size;
    }
    rs->entry_bytes += value->len - before;
    return value;
}

/* Changes a part of a page. */
static void write_part(struct rows *rs, struct row *r, size_t at,
                       struct bytes data)
{
    ASSERT(data.len > 0 && at + data.len <= KEYSPACE_PAGE_SIZE);
    struct buf *value = own(rs, r, at + data.len);
    memcpy(value->data + at, data.data, data.len);
    r->present = true;
    r->dirty = true;
}

void pages_write(struct rows *rs, const struct page_owner *o, uint64_t length,
                 uint64_t offset, struct bytes data)
{
    uint8_t key[KEY_PAGE_SIZE];
    while (data.len > 0) {
        uint64_t page = offset / KEYSPACE_PAGE_SIZE;
        size_t at = offset % KEYSPACE_PAGE_SIZE;
        size_t len = MIN(data.len, KEYSPACE_PAGE_SIZE - at);
        struct bytes part = bytes_of(data.data, len);
        key_page(key, o, page);
        struct bytes row = bytes_of(key, sizeof(key));
        bool all =
            at == 0 && (len == KEYSPACE_PAGE_SIZE || offset + len >= length);
        if (all && len > KEYSPACE_COPIED)
            rows_renew(rs, row)->borrowed = part;
        else if (all || offset - at >= length)
            write_part(rs, rows_renew(rs, row), at, part);
        else
            write_part(rs, rows_touch(rs, row), at, part);
        offset += len;
        data = bytes_from(data, len);
    }
}

/* Deletes the first pages of a ticket. */
static void erase(struct rows *rs, const struct ticket *t, uint64_t count)
{
    uint8_t key[KEY_PAGE_SIZE];
    for (uint64_t i = 0; i < count; i++)
        rows_erase(rs, key_row(key, t->letter, &t->owner, t->page + i));
}

static void put_ticket(struct rows *rs, uint64_t number, const struct ticket *t)
{
    uint8_t key[KEY_TICKET_SIZE];
    struct buf value = BUF_INIT;
    ticket_encode(&value, t);
    rows_put(rs, key_ticket(key, number), buf_view(&value));
    buf_release(&value);
}

void pages_drop(struct rows *rs, struct meta_next *next,
                const struct ticket *pages)
{
    ASSERT(pages->owner.id != 0 && pages->owner.id < next->id);
    if (pages->page >= pages->end)
        return;
    if (pages->end - pages->page <= PAGES_AT_ONCE)
        erase(rs, pages, pages->end - pages->page);
    else
        put_ticket(rs, next->ticket++, pages);
}

/* The first ticket; false: the rows have an error. */
static bool first_ticket(struct rows *rs, const struct meta_next *next,
                         struct ticket *out)
{
    uint8_t key[KEY_TICKET_SIZE];
    struct bytes row;
    if (!rows_get(rs, key_ticket(key, next->first_ticket), &row)) {
        rows_fail(rs, ERR_CORRUPT); /* an earlier error stays */
        return false;
    }
    int err = ticket_decode(row, out);
    ASSERT(err == 0); /* rows.c has checked it */
    return true;
}

/* Pages of the first ticket, and the ticket if it has no more. */
static uint32_t sweep_ticket(struct rows *rs, struct meta_next *next,
                             struct ticket *t, uint32_t limit)
{
    uint8_t key[KEY_TICKET_SIZE];
    uint64_t count = MIN(t->end - t->page, (uint64_t)limit);
    bool current = t->owner.epoch == rs->epochs[t->owner.db];
    ASSERT(count > 0);
    if (current)
        erase(rs, t, count);
    t->page += count;
    if (current && t->page < t->end)
        put_ticket(rs, next->first_ticket, t);
    else
        rows_delete(rs, key_ticket(key, next->first_ticket++));
    return current ? (uint32_t)count : 1;
}

uint32_t pages_sweep(struct rows *rs, struct meta_next *next, uint32_t limit)
{
    uint32_t done = 0;
    struct ticket t;
    while (done < limit && next->first_ticket < next->ticket &&
           first_ticket(rs, next, &t))
        done += sweep_ticket(rs, next, &t, limit - done);
    ASSERT(done <= limit);
    return done;
}
