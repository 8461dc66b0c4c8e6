/*
 * DUMP of a stream, as rdb/rdb_stream.c says.
 *
 * How it fails: see cmd_dump.c.
 */
#include "cmd/cmd_dump.h"
#include "rdb/rdb_write.h"
#include "type/xgroup.h"

#define GROUP_TREE 1

static struct rdb_id id_of(struct xstream_id id)
{
    return (struct rdb_id){id.ms, id.seq};
}

static void put_ms(struct dump *d, int64_t log_ms)
{
    int64_t wall_ms = keyspace_to_wall(d->ks, log_ms);
    ASSERT(wall_ms >= 0);
    buf_u64(&d->out, (uint64_t)wall_ms);
}

/* --- entries ------------------------------------------------------------ */

static void add_entry(struct rdb_nodes *n, const struct xstream_cursor *c,
                      struct buf *fields)
{
    struct bytes field;
    size_t at = 0;
    buf_reset(fields);
    while (xstream_field(c, &at, &field))
        buf_append(fields, &field, sizeof(field));
    uint32_t count = (uint32_t)(fields->len / sizeof(field));
    ASSERT(count == c->fields && count > 0);
    rdb_nodes_add(n, id_of(c->id),
                  (const struct bytes *)(const void *)fields->data, count);
}

static bool dump_entries(struct dump *d, struct xstream *s)
{
    struct rdb_nodes nodes = {.count = 0};
    struct xstream_cursor c;
    struct buf fields = BUF_INIT;
    bool fits = true;
    xstream_cursor_init(&c, s);
    bool there = xstream_seek(&c, 0);
    for (; there && fits; there = xstream_next(&c)) {
        add_entry(&nodes, &c, &fields);
        fits = dump_fits(d, nodes.done.len + nodes.pack.len);
    }
    xstream_cursor_release(&c);
    buf_release(&fields);
    rdb_nodes_end(&nodes, &d->out);
    ASSERT(nodes.done.data == NULL);
    return fits;
}

/* --- groups ------------------------------------------------------------- */

static bool dump_pending(struct dump *d, const struct xgroup *g)
{
    struct xwalk w;
    struct xpending p;
    bool fits = true;
    ASSERT(g->stream != NULL);
    rdb_put_length(&d->out, g->pending);
    xwalk_pending(&w, g, (struct xstream_id){0, 0});
    while (fits && xwalk_next_pending(&w, &p)) {
        rdb_put_raw_id(&d->out, id_of(p.id));
        put_ms(d, p.time_ms);
        rdb_put_length(&d->out, p.deliveries);
        fits = dump_fits(d, 0);
    }
    xwalk_release(&w);
    return fits;
}

static bool dump_consumer(struct dump *d, const struct xgroup *g,
                          const struct xconsumer *c)
{
    struct xwalk w;
    struct xstream_id id;
    bool fits = true;
    ASSERT(c->pending <= g->pending);
    rdb_put_string(&d->out, c->name);
    put_ms(d, c->seen_ms);
    rdb_put_length(&d->out, c->pending);
    xwalk_owned(&w, g, c->name, (struct xstream_id){0, 0});
    while (fits && xwalk_next_owned(&w, &id)) {
        rdb_put_raw_id(&d->out, id_of(id));
        fits = dump_fits(d, 0);
    }
    xwalk_release(&w);
    return fits;
}

static bool dump_group(struct dump *d, const struct xgroup *g)
{
    struct xwalk w;
    struct xconsumer c;
    rdb_put_string(&d->out, g->name);
    rdb_put_id(&d->out, id_of(g->last));
    rdb_put_length(&d->out, (uint64_t)g->read);
    bool fits = dump_pending(d, g);
    ASSERT(d->out.len > 0);
    rdb_put_length(&d->out, xgroup_consumers(g));
    xwalk_consumers(&w, g);
    while (fits && xwalk_consumer(&w, &c))
        fits = dump_consumer(d, g, &c);
    xwalk_release(&w);
    return fits;
}

static bool dump_groups(struct dump *d, struct xstream *s)
{
    struct xwalk w;
    struct xgroup g;
    bool fits = true;
    ASSERT(s->object->tree_count > GROUP_TREE);
    rdb_put_length(&d->out, s->object->trees[GROUP_TREE].count);
    xwalk_groups(&w, s);
    while (fits && xwalk_group(&w, &g))
        fits = dump_group(d, &g);
    xwalk_release(&w);
    return fits;
}

bool dump_stream(struct dump *d, struct xstream *s)
{
    ASSERT(d->out.len == 1);
    if (!dump_entries(d, s))
        return false;
    rdb_put_length(&d->out, xstream_length(s));
    rdb_put_id(&d->out, id_of(s->last));
    rdb_put_id(&d->out, id_of(xstream_first(s)));
    rdb_put_id(&d->out, id_of(s->max_deleted));
    rdb_put_length(&d->out, s->added);
    return dump_groups(d, s);
}
