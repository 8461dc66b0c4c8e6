/*
 * How it works: entries are the elements of one tree, in the order of their
 * ids, so a number or an id finds one, and what is added comes at the end,
 * where pages fill up. A long entry is apart (cell.h). Entries are removed one
 * by one, because each may have rows of its own; the tree is cut at once.
 *
 * How it fails: see object.h. An entry that cannot be ours is ERR_CORRUPT, kept
 * by the keyspace, and none is found.
 */
#include "type/xstream.h"

#include "base/reader.h"
#include "type/cell.h"

#define ID_SIZE  16
#define OWN_SIZE (2 * ID_SIZE + 8 + 4)
#ifndef INLINE_MAX
#define INLINE_MAX 1024
#endif
#define LONG 0xff /* instead of a length: four bytes follow */

_Static_assert(OWN_SIZE <= OBJECT_OWN_MAX, "in the record");

/* --- ids ---------------------------------------------------------------- */

int xstream_id_compare(struct xstream_id a, struct xstream_id b)
{
    if (a.ms != b.ms)
        return a.ms < b.ms ? -1 : 1;
    return (a.seq > b.seq) - (a.seq < b.seq);
}

bool xstream_id_next(struct xstream_id *id)
{
    if (id->seq == UINT64_MAX && id->ms == UINT64_MAX)
        return false;
    id->seq++;
    id->ms += id->seq == 0;
    return true;
}

bool xstream_id_previous(struct xstream_id *id)
{
    if (xstream_id_is_zero(*id))
        return false;
    id->ms -= id->seq == 0;
    id->seq--;
    return true;
}

static void store_u64(uint8_t *p, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        p[i] = (uint8_t)(v >> (56 - 8 * i));
}

static void store_id(uint8_t *p, struct xstream_id id)
{
    store_u64(p, id.ms);
    store_u64(p + 8, id.seq);
}

static struct xstream_id load_id(struct reader *r)
{
    struct xstream_id id = {reader_u64be(r), 0};
    id.seq = reader_u64be(r);
    return id;
}

/* --- one that is open --------------------------------------------------- */

enum object_found xstream_open(struct keyspace *ks, uint8_t db,
                               struct bytes key, struct xstream *out)
{
    *out = (struct xstream){.added = 0};
    enum object_found found =
        object_open(ks, db, key, VALUE_STREAM, &out->object);
    if (found != OBJECT_FOUND)
        return found;
    const struct object *o = out->object;
    struct reader r = reader_of(bytes_of(o->own, o->own_len));
    out->last = load_id(&r);
    out->max_deleted = load_id(&r);
    out->added = reader_u64be(&r);
    out->next_group = reader_u32be(&r);
    if (!reader_done(&r))
        object_corrupt(out->object);
    return found;
}

void xstream_save(struct xstream *s)
{
    struct object *o = s->object;
    store_id(o->own, s->last);
    store_id(o->own + ID_SIZE, s->max_deleted);
    store_u64(o->own + 2 * ID_SIZE, s->added);
    for (int i = 0; i < 4; i++)
        o->own[2 * ID_SIZE + 8 + i] = (uint8_t)(s->next_group >> (24 - 8 * i));
    o->own_len = OWN_SIZE;
    object_save(o);
}

void xstream_close(struct xstream *s)
{
    object_close(s->object);
    s->object = NULL;
}

/* --- entries ------------------------------------------------------------ */

static struct btree *entries(struct xstream *s)
{
    return &s->object->trees[0];
}

static struct bytes key_of(uint8_t out[ID_SIZE], struct xstream_id id)
{
    store_id(out, id);
    return bytes_of(out, ID_SIZE);
}

uint64_t xstream_rank(struct xstream *s, struct xstream_id id)
{
    uint8_t key[ID_SIZE];
    return btree_rank(entries(s), key_of(key, id));
}

static bool id_of(struct xstream *s, struct bytes key, struct xstream_id *id)
{
    struct reader r = reader_of(key);
    *id = load_id(&r);
    if (!reader_done(&r))
        object_corrupt(s->object);
    return reader_done(&r);
}

static struct xstream_id id_at(struct xstream *s, uint64_t nth)
{
    struct element e;
    struct xstream_id id = {0, 0};
    if (btree_get(entries(s), nth, &e))
        (void)id_of(s, e.key, &id);
    return id;
}

struct xstream_id xstream_first(struct xstream *s)
{
    return id_at(s, 0);
}

struct xstream_id xstream_final(struct xstream *s)
{
    uint64_t count = xstream_length(s);
    return count > 0 ? id_at(s, count - 1) : (struct xstream_id){0, 0};
}

static void put_field(struct buf *out, struct bytes field)
{
    if (field.len < LONG) {
        buf_u8(out, (uint8_t)field.len);
    } else {
        buf_u8(out, LONG);
        buf_u32be(out, (uint32_t)field.len);
    }
    buf_bytes(out, field);
}

void xstream_add(struct xstream *s, struct xstream_id id,
                 const struct bytes *fields, uint32_t count)
{
    uint8_t key[ID_SIZE];
    struct buf entry = BUF_INIT;
    struct buf cell = BUF_INIT;
    ASSERT(xstream_id_compare(id, s->last) > 0 && count % 2 == 0);
    for (uint32_t i = 0; i < count; i++)
        put_field(&entry, fields[i]);
    cell_encode(s->object, buf_view(&entry), 0, INLINE_MAX, &cell);
    bool added = btree_put(entries(s), key_of(key, id), buf_view(&cell));
    ASSERT(added || keyspace_error(s->object->ks) != 0);
    s->last = id;
    s->added += s->added < INT64_MAX; /* replies and DUMP are signed */
    buf_release(&entry);
    buf_release(&cell);
}

static void drop_cell(struct xstream *s, struct bytes stored)
{
    struct cell c;
    if (cell_decode(s->object, stored, &c))
        cell_drop(s->object, &c);
}

bool xstream_delete(struct xstream *s, struct xstream_id id)
{
    uint8_t key[ID_SIZE];
    struct element e;
    if (!btree_find(entries(s), key_of(key, id), &e))
        return false;
    drop_cell(s, e.value);
    if (xstream_id_compare(id, s->max_deleted) > 0)
        s->max_deleted = id;
    return btree_remove(entries(s), key_of(key, id));
}

void xstream_cut(struct xstream *s, uint64_t count)
{
    struct btree_cursor c;
    ASSERT(count <= xstream_length(s));
    btree_cursor_init(&c, entries(s));
    bool more = count > 0 && btree_seek_nth(&c, 0);
    for (uint64_t i = 0; more && i < count; i++) {
        drop_cell(s, btree_at(&c).value);
        more = btree_next(&c);
    }
    btree_cursor_release(&c);
    btree_cut(entries(s), 0, count);
}

uint64_t xstream_bytes(struct xstream *s, uint64_t nth)
{
    struct element e;
    struct cell c;
    if (!btree_get(entries(s), nth, &e) || !cell_decode(s->object, e.value, &c))
        return 0;
    return c.length;
}

uint64_t xstream_fit(struct xstream *s, uint64_t first, uint64_t max,
                     uint64_t each, uint64_t *left)
{
    struct btree_cursor at;
    struct cell c;
    uint64_t count = 0;
    btree_cursor_init(&at, entries(s));
    bool more = max > 0 && btree_seek_nth(&at, first);
    while (more && cell_decode(s->object, btree_at(&at).value, &c)) {
        uint64_t bytes = c.length + each;
        if (count > 0 && bytes > *left)
            break;
        *left -= MIN(bytes, *left);
        more = ++count < max && btree_next(&at);
    }
    btree_cursor_release(&at);
    return count;
}

/* --- walks -------------------------------------------------------------- */

void xstream_cursor_init(struct xstream_cursor *c, struct xstream *s)
{
    *c = (struct xstream_cursor){.stream = s};
    btree_cursor_init(&c->at, entries(s));
}

void xstream_cursor_release(struct xstream_cursor *c)
{
    btree_cursor_release(&c->at);
    buf_release(&c->entry);
}

bool xstream_field(const struct xstream_cursor *c, size_t *at,
                   struct bytes *field)
{
    struct reader r = reader_of(bytes_from(buf_view(&c->entry), *at));
    size_t len = reader_u8(&r);
    if (len == LONG)
        len = reader_u32be(&r);
    *field = reader_bytes(&r, len);
    *at = c->entry.len - r.rest.len;
    return !r.failed;
}

/* The cursor is at an element: what that says. */
static bool arrive(struct xstream_cursor *c)
{
    struct object *o = c->stream->object;
    struct element e = btree_at(&c->at);
    struct bytes field;
    struct cell cell;
    size_t at = 0;
    if (!id_of(c->stream, e.key, &c->id) || !cell_decode(o, e.value, &cell))
        return false;
    buf_reset(&c->entry);
    cell_read(o, &cell, &c->entry);
    c->fields = 0;
    while (at < c->entry.len && xstream_field(c, &at, &field))
        c->fields++;
    if (c->entry.len == 0 || at < c->entry.len || c->fields % 2 != 0) {
        object_corrupt(o);
        return false;
    }
    return true;
}

bool xstream_seek(struct xstream_cursor *c, uint64_t nth)
{
    return btree_seek_nth(&c->at, nth) && arrive(c);
}

bool xstream_next(struct xstream_cursor *c)
{
    return btree_next(&c->at) && arrive(c);
}

bool xstream_previous(struct xstream_cursor *c)
{
    return btree_previous(&c->at) && arrive(c);
}
