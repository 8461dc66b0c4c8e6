/*
 * How it works: keys begin with the number of their group, so what belongs to a
 * group, or to a consumer, is next to each other, and is cut at once. What is
 * pending is found by its id, and, per consumer, in the order of ids.
 *
 * How it fails: see object.h. A row that cannot be ours is ERR_CORRUPT, kept by
 * the keyspace, and not found.
 */
#include "type/xgroup.h"

#include "base/reader.h"

enum { GROUPS = 1, CONSUMERS = 2, PENDING = 3, OWNED = 4 };

#define NUMBER_SIZE 4
#define ID_SIZE     16

static struct btree *tree_of(struct xstream *s, uint8_t tree)
{
    return &s->object->trees[tree];
}

static void put_id(struct buf *out, struct xstream_id id)
{
    buf_u64be(out, id.ms);
    buf_u64be(out, id.seq);
}

static struct xstream_id read_id(struct reader *r)
{
    struct xstream_id id = {reader_u64be(r), 0};
    id.seq = reader_u64be(r);
    return id;
}

static bool whole(struct xstream *s, bool ok)
{
    if (!ok)
        object_corrupt(s->object);
    return ok;
}

/* Removes what has this prefix. */
static void cut(struct xstream *s, uint8_t tree, struct buf *prefix)
{
    struct btree *t = tree_of(s, tree);
    uint64_t from = btree_rank(t, buf_view(prefix));
    for (size_t i = prefix->len; i-- > 0 && ++prefix->data[i] == 0;)
        ;
    uint64_t to = btree_rank(t, buf_view(prefix));
    btree_cut(t, from, MAX(from, to));
}

/* --- groups ------------------------------------------------------------- */

static bool decode_group(struct xstream *s, struct bytes value,
                         struct xgroup *out)
{
    struct reader r = reader_of(value);
    out->stream = s;
    out->number = reader_u32be(&r);
    out->last = read_id(&r);
    out->read = (int64_t)reader_u64be(&r);
    out->pending = reader_u64be(&r);
    return whole(s, reader_done(&r));
}

bool xgroup_find(struct xstream *s, struct bytes name, struct xgroup *out)
{
    struct element e;
    *out = (struct xgroup){.stream = s, .name = name};
    return btree_find(tree_of(s, GROUPS), name, &e) &&
           decode_group(s, e.value, out);
}

void xgroup_create(struct xstream *s, struct bytes name, struct xgroup *out)
{
    ASSERT(s->next_group < UINT32_MAX);
    *out = (struct xgroup){.stream = s,
                           .name = name,
                           .number = s->next_group++,
                           .read = XGROUP_READ_UNKNOWN};
}

void xgroup_save(const struct xgroup *g)
{
    struct buf value = BUF_INIT;
    buf_u32be(&value, g->number);
    put_id(&value, g->last);
    buf_u64be(&value, (uint64_t)g->read);
    buf_u64be(&value, g->pending);
    btree_put(tree_of(g->stream, GROUPS), g->name, buf_view(&value));
    buf_release(&value);
}

void xgroup_destroy(const struct xgroup *g)
{
    struct buf prefix = BUF_INIT;
    for (uint8_t tree = CONSUMERS; tree <= OWNED; tree++) {
        buf_reset(&prefix);
        buf_u32be(&prefix, g->number);
        cut(g->stream, tree, &prefix);
    }
    btree_remove(tree_of(g->stream, GROUPS), g->name);
    buf_release(&prefix);
}

uint64_t xgroup_consumers(const struct xgroup *g)
{
    struct btree *t = tree_of(g->stream, CONSUMERS);
    struct buf key = BUF_INIT;
    buf_u32be(&key, g->number);
    uint64_t from = btree_rank(t, buf_view(&key));
    buf_reset(&key);
    buf_u32be(&key, g->number + 1);
    uint64_t to = btree_rank(t, buf_view(&key));
    buf_release(&key);
    return MAX(to, from) - from;
}

/* Entries that were deleted may be after this id. */
static bool has_holes_after(struct xstream *s, struct xstream_id id)
{
    return xstream_length(s) > 0 && !xstream_id_is_zero(s->max_deleted) &&
           xstream_id_compare(id, s->max_deleted) <= 0 &&
           xstream_id_compare(xstream_first(s), s->max_deleted) <= 0;
}

int64_t xgroup_read_at(struct xstream *s, struct xstream_id id)
{
    int to_last = xstream_id_compare(id, s->last);
    int64_t added = (int64_t)s->added;
    int64_t length = (int64_t)xstream_length(s);
    if (added == 0)
        return 0;
    if (to_last == 0 || (length == 0 && to_last < 0))
        return added;
    if (to_last > 0)
        return XGROUP_READ_UNKNOWN;
    struct xstream_id first = xstream_first(s);
    int to_first = xstream_id_compare(id, first);
    bool holes = !xstream_id_is_zero(s->max_deleted) &&
                 xstream_id_compare(s->max_deleted, first) >= 0;
    if (holes || to_first > 0)
        return XGROUP_READ_UNKNOWN;
    return added - length + (to_first == 0);
}

bool xgroup_lag(const struct xgroup *g, int64_t *lag)
{
    struct xstream *s = g->stream;
    int64_t added = (int64_t)s->added;
    int64_t read = g->read;
    if (added > 0 &&
        (read == XGROUP_READ_UNKNOWN || has_holes_after(s, g->last)))
        read = xgroup_read_at(s, g->last);
    *lag = added > 0 ? added - read : 0;
    return added == 0 || read != XGROUP_READ_UNKNOWN;
}

void xgroup_advance(struct xgroup *g, struct xstream_id id)
{
    struct xstream *s = g->stream;
    if (xstream_id_compare(id, g->last) <= 0)
        return;
    if (g->read != XGROUP_READ_UNKNOWN && !has_holes_after(s, id))
        g->read += g->read < INT64_MAX;
    else if (s->added > 0)
        g->read = xgroup_read_at(s, id);
    g->last = id;
}

/* --- consumers ---------------------------------------------------------- */

static void consumer_key(const struct xgroup *g, struct bytes name,
                         struct buf *out)
{
    buf_reset(out);
    buf_u32be(out, g->number);
    buf_bytes(out, name);
}

static bool decode_consumer(struct xstream *s, struct bytes value,
                            struct xconsumer *out)
{
    struct reader r = reader_of(value);
    out->seen_ms = (int64_t)reader_u64be(&r);
    out->pending = reader_u64be(&r);
    return whole(s, reader_done(&r));
}

bool xconsumer_find(const struct xgroup *g, struct bytes name,
                    struct xconsumer *out)
{
    struct buf key = BUF_INIT;
    struct element e;
    *out = (struct xconsumer){.name = name};
    consumer_key(g, name, &key);
    bool found =
        btree_find(tree_of(g->stream, CONSUMERS), buf_view(&key), &e) &&
        decode_consumer(g->stream, e.value, out);
    buf_release(&key);
    return found;
}

void xconsumer_save(const struct xgroup *g, const struct xconsumer *c)
{
    struct buf key = BUF_INIT;
    struct buf value = BUF_INIT;
    consumer_key(g, c->name, &key);
    buf_u64be(&value, (uint64_t)c->seen_ms);
    buf_u64be(&value, c->pending);
    btree_put(tree_of(g->stream, CONSUMERS), buf_view(&key), buf_view(&value));
    buf_release(&key);
    buf_release(&value);
}

static void owned_prefix(const struct xgroup *g, struct bytes consumer,
                         struct buf *out)
{
    buf_reset(out);
    buf_u32be(out, g->number);
    buf_u32be(out, (uint32_t)consumer.len);
    buf_bytes(out, consumer);
}

static void pending_key(const struct xgroup *g, struct xstream_id id,
                        struct buf *out)
{
    buf_reset(out);
    buf_u32be(out, g->number);
    put_id(out, id);
}

void xconsumer_delete(struct xgroup *g, const struct xconsumer *c)
{
    struct buf key = BUF_INIT;
    struct xstream_id id;
    struct xwalk w;
    uint64_t pending = 0;
    xwalk_owned(&w, g, c->name, (struct xstream_id){0, 0});
    while (xwalk_next_owned(&w, &id)) {
        pending_key(g, id, &key);
        pending += btree_remove(tree_of(g->stream, PENDING), buf_view(&key));
    }
    xwalk_release(&w);
    (void)whole(g->stream, pending == c->pending && pending <= g->pending);
    g->pending -= MIN(pending, g->pending);
    owned_prefix(g, c->name, &key);
    cut(g->stream, OWNED, &key);
    consumer_key(g, c->name, &key);
    btree_remove(tree_of(g->stream, CONSUMERS), buf_view(&key));
    buf_release(&key);
}

/* --- pending entries ---------------------------------------------------- */

static bool decode_pending(struct xstream *s, struct bytes value,
                           struct xpending *out)
{
    struct reader r = reader_of(value);
    out->time_ms = (int64_t)reader_u64be(&r);
    out->deliveries = reader_u64be(&r);
    out->consumer = r.rest;
    return whole(s, !r.failed);
}

bool xpending_find(const struct xgroup *g, struct xstream_id id,
                   struct xpending *out)
{
    struct buf key = BUF_INIT;
    struct element e;
    *out = (struct xpending){.id = id};
    pending_key(g, id, &key);
    bool found = btree_find(tree_of(g->stream, PENDING), buf_view(&key), &e) &&
                 decode_pending(g->stream, e.value, out);
    buf_release(&key);
    return found;
}

static void own(const struct xgroup *g, struct bytes consumer,
                struct xstream_id id, bool owns)
{
    struct buf key = BUF_INIT;
    struct btree *t = tree_of(g->stream, OWNED);
    owned_prefix(g, consumer, &key);
    put_id(&key, id);
    if (owns)
        btree_put(t, buf_view(&key), BYTES_NONE);
    else
        (void)whole(g->stream, btree_remove(t, buf_view(&key)));
    buf_release(&key);
}

/* Whoever has it pending loses it: by the tree. */
static void disown(const struct xgroup *g, struct bytes name,
                   struct xstream_id id)
{
    struct xconsumer c;
    own(g, name, id, false);
    if (!whole(g->stream, xconsumer_find(g, name, &c) && c.pending > 0))
        return;
    c.pending--;
    xconsumer_save(g, &c);
}

void xpending_give(struct xgroup *g, struct xconsumer *owner,
                   const struct xpending *p)
{
    struct buf key = BUF_INIT;
    struct buf value = BUF_INIT;
    struct buf name = BUF_INIT;
    struct xpending old;
    bool pending = xpending_find(g, p->id, &old);
    bool same = pending && bytes_eq(old.consumer, owner->name);
    if (pending && !same) {
        buf_bytes(&name, old.consumer);
        disown(g, buf_view(&name), p->id);
    }
    if (!same) {
        own(g, owner->name, p->id, true);
        owner->pending++;
    }
    g->pending += !pending;
    pending_key(g, p->id, &key);
    buf_u64be(&value, (uint64_t)p->time_ms);
    buf_u64be(&value, p->deliveries);
    buf_bytes(&value, owner->name);
    btree_put(tree_of(g->stream, PENDING), buf_view(&key), buf_view(&value));
    buf_release(&key);
    buf_release(&value);
    buf_release(&name);
}

bool xpending_remove(struct xgroup *g, struct xstream_id id)
{
    struct buf key = BUF_INIT;
    struct buf name = BUF_INIT;
    struct xpending p;
    if (!xpending_find(g, id, &p) || !whole(g->stream, g->pending > 0))
        return false;
    buf_bytes(&name, p.consumer);
    disown(g, buf_view(&name), id);
    g->pending--;
    pending_key(g, id, &key);
    btree_remove(tree_of(g->stream, PENDING), buf_view(&key));
    buf_release(&key);
    buf_release(&name);
    return true;
}

bool xpending_last(const struct xgroup *g, struct xstream_id *id)
{
    struct btree *t = tree_of(g->stream, PENDING);
    struct buf key = BUF_INIT;
    struct element e;
    buf_u32be(&key, g->number + 1);
    uint64_t after = btree_rank(t, buf_view(&key));
    buf_release(&key);
    if (after == 0 || !btree_get(t, after - 1, &e))
        return false;
    struct reader r = reader_of(e.key);
    uint32_t number = reader_u32be(&r);
    *id = read_id(&r);
    return whole(g->stream, reader_done(&r)) && number == g->number;
}

/* --- walks -------------------------------------------------------------- */

/* From a key on, as long as they have the prefix that is in w. */
static void walk(struct xwalk *w, struct xstream *s, uint8_t tree,
                 const struct xstream_id *from)
{
    struct buf key = BUF_INIT;
    btree_cursor_init(&w->at, tree_of(s, tree));
    w->stream = s;
    buf_bytes(&key, buf_view(&w->prefix));
    if (from != NULL)
        put_id(&key, *from);
    w->more = btree_seek(&w->at, buf_view(&key));
    buf_release(&key);
}

void xwalk_groups(struct xwalk *w, struct xstream *s)
{
    *w = (struct xwalk){.more = false};
    walk(w, s, GROUPS, NULL);
}

void xwalk_consumers(struct xwalk *w, const struct xgroup *g)
{
    *w = (struct xwalk){.more = false};
    buf_u32be(&w->prefix, g->number);
    walk(w, g->stream, CONSUMERS, NULL);
}

void xwalk_pending(struct xwalk *w, const struct xgroup *g,
                   struct xstream_id from)
{
    *w = (struct xwalk){.more = false};
    buf_u32be(&w->prefix, g->number);
    walk(w, g->stream, PENDING, &from);
}

void xwalk_owned(struct xwalk *w, const struct xgroup *g, struct bytes consumer,
                 struct xstream_id from)
{
    *w = (struct xwalk){.more = false};
    owned_prefix(g, consumer, &w->prefix);
    walk(w, g->stream, OWNED, &from);
}

/* The next element, whose key has the prefix; *rest is what follows that. */
static bool walk_on(struct xwalk *w, struct bytes *rest, struct bytes *value)
{
    struct bytes prefix = buf_view(&w->prefix);
    if (w->more && w->begun)
        w->more = btree_next(&w->at);
    w->begun = true;
    if (!w->more)
        return false;
    struct element e = btree_at(&w->at);
    w->more = e.key.len >= prefix.len &&
              bytes_eq(bytes_of(e.key.data, prefix.len), prefix);
    *rest = bytes_from(e.key, MIN(prefix.len, e.key.len));
    *value = e.value;
    return w->more;
}

bool xwalk_group(struct xwalk *w, struct xgroup *out)
{
    struct bytes value;
    *out = (struct xgroup){.stream = w->stream};
    return walk_on(w, &out->name, &value) &&
           decode_group(w->stream, value, out);
}

bool xwalk_consumer(struct xwalk *w, struct xconsumer *out)
{
    struct bytes value;
    *out = (struct xconsumer){.pending = 0};
    return walk_on(w, &out->name, &value) &&
           decode_consumer(w->stream, value, out);
}

static bool decode_id(struct xstream *s, struct bytes key,
                      struct xstream_id *id)
{
    struct reader r = reader_of(key);
    *id = read_id(&r);
    return whole(s, reader_done(&r));
}

bool xwalk_next_pending(struct xwalk *w, struct xpending *out)
{
    struct bytes key;
    struct bytes value;
    return walk_on(w, &key, &value) && decode_id(w->stream, key, &out->id) &&
           decode_pending(w->stream, value, out);
}

bool xwalk_next_owned(struct xwalk *w, struct xstream_id *id)
{
    struct bytes key;
    struct bytes value;
    return walk_on(w, &key, &value) && decode_id(w->stream, key, id);
}

void xwalk_release(struct xwalk *w)
{
    btree_cursor_release(&w->at);
    buf_release(&w->prefix);
}
