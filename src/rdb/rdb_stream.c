/*
 * How it works: a stream is nodes, each the id of a first entry and a listpack:
 *
 *   entries  deleted  n  field ... (n)  0
 *   flags  ms  seq  [n]  field and value ... or value ...  elements of it
 *
 * where ids are differences to that first one, and an entry that has the fields
 * of the node's head (FLAG_SAME) has values only. Then follow what the stream
 * is by itself, and its groups: names, what is pending in each, by id, and
 * whose it is, consumer by consumer. What is pending is told behind its
 * consumer; so it is kept until then, and looked up.
 *
 * How it fails: see rdb.h. Ids that do not rise, entries and pending ones that
 * are not all told, and counts that are wrong are ERR_CORRUPT.
 */
#include "base/reader.h"
#include "rdb/rdb_value_internal.h"

#include <stdlib.h>

#define ID_SIZE      16
#define FLAG_DELETED 1
#define FLAG_SAME    2
/* An entry of more is refused: a field takes two bytes here at least, which LZF
 * makes almost nothing of, and more than thirty in memory. */
#define FIELDS_MAX (1024 * 1024)

struct stream {
    struct value_reader *r;
    struct rdb_id last; /* entry that was told */
    struct rdb_id first;
    uint64_t entries;
    /* Of one node. */
    struct rdb_id master;
    struct pack pack;
    struct buf names;  /* struct bytes: the fields of its head */
    struct buf fields; /* the same of an entry, with its values */
    struct buf digits; /* of those that are integers */
    struct buf head_digits;
};

static struct rdb_id read_id(struct reader *r)
{
    struct rdb_id id = {reader_u64be(r), 0};
    id.seq = reader_u64be(r);
    return id;
}

/* --- nodes -------------------------------------------------------------- */

static int next_integer(struct stream *s, int64_t *n)
{
    struct pack_element e;
    if (pack_next(&s->pack, &e) != 1 || !e.integer)
        return ERR_CORRUPT;
    *n = e.number;
    return 0;
}

/* A number of elements that follow. */
static int next_count(struct stream *s, uint64_t *n)
{
    int64_t count = 0;
    if (next_integer(s, &count) != 0 || count < 0 ||
        (uint64_t)count > pack_left(&s->pack))
        return ERR_CORRUPT;
    *n = (uint64_t)count;
    return 0;
}

static void add(struct buf *list, struct bytes b)
{
    buf_append(list, &b, sizeof(b));
}

static uint32_t listed(const struct buf *list)
{
    return (uint32_t)(list->len / sizeof(struct bytes));
}

/* The next element, whose digits, if it is a number, go to *digits, which has
 * room for them. */
static int next_text(struct stream *s, struct buf *digits, struct bytes *out)
{
    struct pack_element e;
    if (pack_next(&s->pack, &e) != 1)
        return ERR_CORRUPT;
    *out = pack_text(&e);
    if (e.integer) {
        ASSERT(digits->cap - digits->len >= out->len);
        buf_append(digits, out->data, out->len);
        out->data = digits->data + digits->len - out->len;
    }
    return 0;
}

static int read_head(struct stream *s, uint64_t *entries)
{
    uint64_t deleted = 0;
    uint64_t count = 0;
    int64_t zero = 0;
    int err = next_count(s, entries);
    buf_reset(&s->names);
    buf_reset(&s->head_digits);
    if (err == 0)
        err = next_count(s, &deleted);
    if (err == 0)
        err = next_count(s, &count);
    if (err != 0 || *entries == 0 || count > FIELDS_MAX)
        return ERR_CORRUPT;
    (void)buf_reserve(&s->head_digits, (size_t)count * NUM_TEXT_MAX);
    for (uint64_t i = 0; i < count && err == 0; i++) {
        struct bytes name = BYTES_NONE;
        err = next_text(s, &s->head_digits, &name);
        add(&s->names, name);
    }
    if (err == 0)
        err = next_integer(s, &zero);
    return err == 0 && zero == 0 ? 0 : ERR_CORRUPT;
}

static int read_fields(struct stream *s, bool same, uint64_t count)
{
    const struct bytes *names =
        (const struct bytes *)(const void *)s->names.data;
    uint64_t elements = same ? count : 2 * count;
    int err = 0;
    buf_reset(&s->fields);
    buf_reset(&s->digits);
    (void)buf_reserve(&s->digits, (size_t)elements * NUM_TEXT_MAX);
    for (uint64_t i = 0; i < elements && err == 0; i++) {
        struct bytes text = BYTES_NONE;
        if (same)
            add(&s->fields, names[i]);
        err = next_text(s, &s->digits, &text);
        add(&s->fields, text);
    }
    return err;
}

static int entry_id(struct stream *s, struct rdb_id *id)
{
    int64_t ms = 0;
    int64_t seq = 0;
    if (next_integer(s, &ms) != 0 || next_integer(s, &seq) != 0)
        return ERR_CORRUPT;
    *id = (struct rdb_id){s->master.ms + (uint64_t)ms,
                          s->master.seq + (uint64_t)seq};
    return 0;
}

static int tell_entry(struct stream *s, struct rdb_id id)
{
    struct rdb_item i = {.what = RDB_ENTRY, .id = id};
    bool zero = id.ms == 0 && id.seq == 0;
    if (zero || (s->entries > 0 && rdb_id_compare(id, s->last) <= 0))
        return ERR_CORRUPT;
    if (s->entries == 0)
        s->first = id;
    s->entries++;
    s->last = id;
    i.fields = (const struct bytes *)(const void *)s->fields.data;
    i.count = listed(&s->fields);
    return i.count == 0 ? ERR_CORRUPT : tell(s->r, &i);
}

static int read_entry(struct stream *s, int64_t flags, bool *live)
{
    struct rdb_id id;
    uint64_t count = listed(&s->names);
    int64_t size = 0;
    bool same = (flags & FLAG_SAME) != 0;
    *live = (flags & FLAG_DELETED) == 0;
    if (entry_id(s, &id) != 0 || (!same && next_count(s, &count) != 0) ||
        count > FIELDS_MAX || count > pack_left(&s->pack) ||
        read_fields(s, same, count) != 0 || next_integer(s, &size) != 0)
        return ERR_CORRUPT;
    uint64_t elements = same ? count + 3 : 2 * count + 4;
    if (size < 0 || (uint64_t)size != elements)
        return ERR_CORRUPT;
    return *live ? tell_entry(s, id) : 0;
}

static int read_entries(struct stream *s, uint64_t *live)
{
    for (;;) {
        struct pack_element e;
        int got = pack_next(&s->pack, &e);
        if (got != 1)
            return got;
        bool lives = false;
        if (!e.integer || (e.number & ~(FLAG_DELETED | FLAG_SAME)) != 0)
            return ERR_CORRUPT;
        int err = read_entry(s, e.number, &lives);
        if (err != 0)
            return err;
        *live += lives;
    }
}

static int read_node(struct stream *s)
{
    struct value_reader *r = s->r;
    uint64_t live = 0;
    uint64_t entries = 0;
    struct bytes key = rdb_in_string(r->in, &r->first, NULL);
    struct reader id = reader_of(key);
    s->master = read_id(&id);
    bool keyed = reader_done(&id);
    struct bytes b = rdb_in_string(r->in, &r->first, NULL);
    if (r->in->err != 0)
        return r->in->err;
    if (!keyed || !pack_open(&s->pack, PACK_LISTPACK, b))
        return ERR_CORRUPT;
    uint64_t before = s->entries;
    int err = read_head(s, &entries);
    if (err == 0)
        err = read_entries(s, &live);
    ASSERT(err != 0 || s->entries - before == live);
    return err == 0 && live != entries ? ERR_CORRUPT : err;
}

static int read_nodes(struct stream *s)
{
    uint64_t nodes = rdb_in_length(s->r->in);
    int err = s->r->in->err;
    for (uint64_t i = 0; i < nodes && err == 0; i++)
        err = read_node(s);
    return err;
}

/* --- the stream itself -------------------------------------------------- */

static struct rdb_id length_id(struct rdb_in *in)
{
    struct rdb_id id = {rdb_in_length(in), 0};
    id.seq = rdb_in_length(in);
    return id;
}

static int read_itself(struct stream *s)
{
    struct rdb_in *in = s->r->in;
    struct rdb_item i = {.what = RDB_STREAM, .first = s->first};
    uint64_t length = rdb_in_length(in);
    i.id = length_id(in);
    i.added = length;
    if (s->r->type != RDB_STREAM_1) {
        (void)length_id(in); /* the first, which has been seen */
        i.deleted = length_id(in);
        i.added = rdb_in_length(in);
    }
    if (in->err != 0)
        return in->err;
    if (length != s->entries || i.added < length || i.added > INT64_MAX ||
        rdb_id_compare(s->last, i.id) > 0 ||
        rdb_id_compare(i.deleted, i.id) > 0)
        return ERR_CORRUPT;
    return tell(s->r, &i);
}

/* --- groups ------------------------------------------------------------- */

struct waiting {
    struct rdb_id id;
    int64_t time_ms;
    uint64_t deliveries;
    bool owned;
};

struct group {
    struct stream *s;
    struct buf pending; /* struct waiting, by id */
    uint64_t owned;
};

static struct waiting *pending(const struct group *g)
{
    return (struct waiting *)(void *)g->pending.data;
}

static uint64_t pending_count(const struct group *g)
{
    return g->pending.len / sizeof(struct waiting);
}

static struct rdb_id raw_id(struct rdb_in *in)
{
    struct reader r = reader_of(rdb_in_bytes(in, ID_SIZE));
    return read_id(&r);
}

static int64_t read_ms(struct rdb_in *in)
{
    uint64_t ms = rdb_in_u64(in);
    return ms <= INT64_MAX ? (int64_t)ms : 0;
}

static int by_id(const void *a, const void *b)
{
    const struct waiting *x = a;
    const struct waiting *y = b;
    return rdb_id_compare(x->id, y->id);
}

static int read_pending(struct group *g)
{
    struct rdb_in *in = g->s->r->in;
    uint64_t count = rdb_in_length(in);
    for (uint64_t i = 0; i < count && in->err == 0; i++) {
        struct waiting w = {.id = raw_id(in)};
        w.time_ms = read_ms(in);
        w.deliveries = rdb_in_length(in);
        buf_append(&g->pending, &w, sizeof(w));
    }
    uint64_t there = pending_count(g);
    if (in->err != 0 || there == 0)
        return in->err;
    qsort(g->pending.data, there, sizeof(struct waiting), by_id);
    for (uint64_t i = 1; i < there; i++) {
        if (by_id(pending(g) + i - 1, pending(g) + i) == 0)
            return ERR_CORRUPT;
    }
    return 0;
}

/* What is pending with this id, and nobody's yet. */
static int read_owned(struct group *g)
{
    struct waiting key = {.id = raw_id(g->s->r->in)};
    if (g->s->r->in->err != 0)
        return g->s->r->in->err;
    struct waiting *w = pending_count(g) == 0
                            ? NULL
                            : bsearch(&key, g->pending.data, pending_count(g),
                                      sizeof(key), by_id);
    if (w == NULL || w->owned)
        return ERR_CORRUPT;
    w->owned = true;
    g->owned++;
    return tell(g->s->r, &(struct rdb_item){.what = RDB_PENDING,
                                            .id = w->id,
                                            .time_ms = w->time_ms,
                                            .deliveries = w->deliveries});
}

static int read_consumer(struct group *g)
{
    struct value_reader *r = g->s->r;
    struct rdb_item i = {.what = RDB_CONSUMER};
    i.name = rdb_in_string(r->in, &r->first, &i.lasting);
    i.time_ms = read_ms(r->in);
    if (r->type == RDB_STREAM_3)
        (void)rdb_in_u64(r->in); /* when it was active */
    int err = r->in->err != 0 ? r->in->err : tell(r, &i);
    uint64_t count = err == 0 ? rdb_in_length(r->in) : 0;
    for (uint64_t n = 0; n < count && err == 0; n++)
        err = read_owned(g);
    return err != 0 ? err : r->in->err;
}

static int read_group(struct group *g)
{
    struct value_reader *r = g->s->r;
    struct rdb_item i = {.what = RDB_GROUP, .read = RDB_READ_ESTIMATE};
    i.name = rdb_in_string(r->in, &r->first, &i.lasting);
    i.id = length_id(r->in);
    if (r->type != RDB_STREAM_1)
        i.read = (int64_t)rdb_in_length(r->in);
    if (r->in->err != 0)
        return r->in->err;
    if (r->type != RDB_STREAM_1 && i.read < RDB_READ_UNKNOWN)
        return ERR_CORRUPT;
    int err = tell(r, &i);
    if (err == 0)
        err = read_pending(g);
    uint64_t consumers = err == 0 ? rdb_in_length(r->in) : 0;
    for (uint64_t n = 0; n < consumers && err == 0; n++)
        err = read_consumer(g);
    if (err == 0)
        err = r->in->err;
    return err == 0 && g->owned != pending_count(g) ? ERR_CORRUPT : err;
}

static int read_groups(struct stream *s)
{
    uint64_t count = rdb_in_length(s->r->in);
    int err = s->r->in->err;
    for (uint64_t i = 0; i < count && err == 0; i++) {
        struct group g = {.s = s};
        err = read_group(&g);
        buf_release(&g.pending);
    }
    return err;
}

int rdb_stream_read(struct value_reader *r)
{
    struct stream s = {.r = r};
    int err = read_nodes(&s);
    if (err == 0)
        err = read_itself(&s);
    if (err == 0)
        err = read_groups(&s);
    buf_release(&s.names);
    buf_release(&s.fields);
    buf_release(&s.digits);
    buf_release(&s.head_digits);
    return err;
}
