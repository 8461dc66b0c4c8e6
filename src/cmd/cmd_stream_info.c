/*
 * XINFO: what streams, groups and consumers are. Redis tells of the radix tree
 * that it keeps streams in; here is none, so those two numbers are what Redis
 * would have with a hundred entries in each node.
 *
 * How it fails: with an error reply.
 */
#include "base/num.h"
#include "cmd/cmd_internal.h"
#include "cmd/cmd_parse.h"
#include "cmd/cmd_stream_group.h"

#define INSTEAD      "XINFO GROUPS, XINFO CONSUMERS, XPENDING and XRANGE"
#define NODE_ENTRIES 100
#define FULL_COUNT   10
#define MANY         "XINFO STREAM FULL"
#define GROUP_COST   512 /* each is looked for in several trees */

struct info_options {
    bool full;
    int64_t count; /* 0: all */
};

static bool parse_info(const struct cmd_args *a, struct info_options *o)
{
    ASSERT(a->argc >= 2);
    *o = (struct info_options){.full = a->argc > 3, .count = FULL_COUNT};
    bool known =
        a->argc == 3 ||
        (word_is(a->argv[3], "full") &&
         (a->argc == 4 || (a->argc == 6 && word_is(a->argv[4], "count"))));
    if (!known) {
        resp_errorf(a->out,
                    "ERR unknown subcommand or wrong number of "
                    "arguments for '%.*s'. Try XINFO HELP.",
                    (int)MIN(a->argv[1].len, 128),
                    (const char *)a->argv[1].data);
        return false;
    }
    if (a->argc == 6 && !parse_integer(a->out, a->argv[5], &o->count))
        return false;
    if (o->count < 0)
        o->count = FULL_COUNT;
    return true;
}

static void name(struct cmd_call *c, const char *text)
{
    ASSERT(c->argc >= 2);
    resp_bulk_str(c->out, text);
}

static void number(struct cmd_call *c, const char *text, uint64_t v)
{
    ASSERT(c->argc >= 2);
    name(c, text);
    resp_integer(c->out, (int64_t)v);
}

/* What a group has read, and what it has not, if that is known. */
static void counters(struct cmd_call *c, const struct xgroup *g)
{
    ASSERT(c->argc >= 2);
    ASSERT(g->stream != NULL);
    int64_t lag;
    name(c, "entries-read");
    if (g->read == XGROUP_READ_UNKNOWN)
        resp_null(c->out);
    else
        resp_integer(c->out, g->read);
    name(c, "lag");
    if (xgroup_lag(g, &lag))
        resp_integer(c->out, lag);
    else
        resp_null(c->out);
}

static void id_field(struct cmd_call *c, const char *text, struct xstream_id id)
{
    ASSERT(c->argc >= 2);
    name(c, text);
    reply_stream_id(c->out, id);
}

static uint64_t shown(const struct info_options *o, uint64_t count)
{
    return o->count > 0 ? MIN(count, (uint64_t)o->count) : count;
}

/* Both forms begin with these. */
static void reply_head(struct cmd_call *c, struct xstream *s)
{
    ASSERT(s->object != NULL);
    uint64_t length = xstream_length(s);
    uint64_t nodes = (length + NODE_ENTRIES - 1) / NODE_ENTRIES;
    number(c, "length", length);
    number(c, "radix-tree-keys", nodes);
    number(c, "radix-tree-nodes", nodes + 1);
    id_field(c, "last-generated-id", s->last);
    id_field(c, "max-deleted-entry-id", s->max_deleted);
    number(c, "entries-added", s->added);
    id_field(c, "recorded-first-entry-id", xstream_first(s));
}

static void reply_edge(struct cmd_call *c, struct xstream *s, const char *text,
                       uint64_t nth)
{
    ASSERT(c->argc >= 2);
    ASSERT(s->object != NULL);
    struct xstream_cursor at;
    name(c, text);
    xstream_cursor_init(&at, s);
    if (xstream_seek(&at, nth))
        reply_stream_entry(c, &at);
    else
        resp_null(c->out);
    xstream_cursor_release(&at);
}

static void reply_short(struct cmd_call *c, struct xstream *s)
{
    ASSERT(c->argc >= 2);
    ASSERT(s->object != NULL);
    uint64_t length = xstream_length(s);
    resp_map(c->out, 10);
    reply_head(c, s);
    number(c, "groups", s->object->trees[1].count);
    reply_edge(c, s, "first-entry", 0);
    reply_edge(c, s, "last-entry", MAX(length, UINT64_C(1)) - 1);
}

/* --- FULL --------------------------------------------------------------- */

static int64_t wall(struct cmd_call *c, int64_t time_ms)
{
    ASSERT(c->argc >= 2);
    return keyspace_to_wall(c->ks, time_ms);
}

static bool reply_group_pending(struct cmd_call *c, const struct xgroup *g,
                                const struct info_options *o,
                                struct long_reply *r)
{
    ASSERT(c->argc >= 2);
    ASSERT(g->stream != NULL);
    struct xpending p;
    struct xwalk w;
    bool fits = true;
    uint64_t count = shown(o, g->pending);
    number(c, "pel-count", g->pending);
    name(c, "pending");
    resp_array(c->out, count);
    xwalk_pending(&w, g, (struct xstream_id){0, 0});
    while (fits && count-- > 0 && xwalk_next_pending(&w, &p)) {
        fits = long_reply_add(r, p.consumer.len + 64, INSTEAD);
        if (!fits)
            break;
        resp_array(c->out, 4);
        reply_stream_id(c->out, p.id);
        resp_bulk(c->out, p.consumer);
        resp_integer(c->out, wall(c, p.time_ms));
        resp_integer(c->out, (int64_t)p.deliveries);
    }
    xwalk_release(&w);
    return fits;
}

static bool reply_owned(struct cmd_call *c, const struct xgroup *g,
                        const struct xconsumer *who,
                        const struct info_options *o, struct long_reply *r)
{
    ASSERT(c->argc >= 2);
    ASSERT(g->stream != NULL);
    struct xstream_id id;
    struct xpending p;
    struct xwalk w;
    bool fits = true;
    uint64_t count = shown(o, who->pending);
    number(c, "pel-count", who->pending);
    name(c, "pending");
    resp_array(c->out, count);
    xwalk_owned(&w, g, who->name, (struct xstream_id){0, 0});
    while (fits && count-- > 0 && xwalk_next_owned(&w, &id) &&
           xpending_find(g, id, &p)) {
        fits = long_reply_add(r, 64, INSTEAD);
        if (!fits)
            break;
        resp_array(c->out, 3);
        reply_stream_id(c->out, id);
        resp_integer(c->out, wall(c, p.time_ms));
        resp_integer(c->out, (int64_t)p.deliveries);
    }
    xwalk_release(&w);
    return fits;
}

static bool reply_group_consumers(struct cmd_call *c, const struct xgroup *g,
                                  const struct info_options *o,
                                  struct long_reply *r)
{
    ASSERT(c->argc >= 2);
    ASSERT(g->stream != NULL);
    struct xconsumer who;
    struct xwalk w;
    bool fits = true;
    name(c, "consumers");
    resp_array(c->out, xgroup_consumers(g));
    xwalk_consumers(&w, g);
    while (fits && xwalk_consumer(&w, &who)) {
        fits = long_reply_add(r, who.name.len + 64, INSTEAD);
        if (!fits)
            break;
        resp_map(c->out, 4);
        name(c, "name");
        resp_bulk(c->out, who.name);
        name(c, "seen-time");
        resp_integer(c->out, wall(c, who.seen_ms));
        fits = reply_owned(c, g, &who, o, r);
    }
    xwalk_release(&w);
    return fits;
}

static bool reply_full_group(struct cmd_call *c, const struct xgroup *g,
                             const struct info_options *o, struct long_reply *r)
{
    ASSERT(c->argc >= 2);
    ASSERT(g->stream != NULL);
    if (!long_reply_add(r, g->name.len + 64, INSTEAD))
        return false;
    resp_map(c->out, 7);
    name(c, "name");
    resp_bulk(c->out, g->name);
    id_field(c, "last-delivered-id", g->last);
    counters(c, g);
    return reply_group_pending(c, g, o, r) && reply_group_consumers(c, g, o, r);
}

static void reply_full(struct cmd_call *c, struct xstream *s,
                       const struct info_options *o)
{
    ASSERT(c->argc >= 2);
    ASSERT(s->object != NULL);
    struct long_reply r;
    struct xgroup g;
    struct xwalk w;
    struct entry_range all = {.count = shown(o, xstream_length(s))};
    long_reply_begin(&r, c);
    resp_map(c->out, 9);
    reply_head(c, s);
    name(c, "entries");
    bool fits = reply_stream_entries(c, s, &all, &r);
    if (!fits)
        return;
    name(c, "groups");
    resp_array(c->out, s->object->trees[1].count);
    xwalk_groups(&w, s);
    while (fits && xwalk_group(&w, &g))
        fits = reply_full_group(c, &g, o, &r);
    xwalk_release(&w);
}

/* The stream of argv[2], which must be there. */
static bool open_there(struct cmd_call *c, struct xstream *s)
{
    ASSERT(c->argc >= 2);
    if (!open_stream(c, c->argv[2], s))
        return false;
    if (s->object->exists)
        return true;
    resp_error(c->out, "ERR no such key");
    xstream_close(s);
    return false;
}

void cmd_xinfo_stream_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct info_options o;
    struct xstream s;
    if (!open_there(c, &s))
        return;
    bool ok = parse_info(&a, &o);
    if (ok && o.full)
        reply_full(c, &s, &o);
    else if (ok)
        reply_short(c, &s);
    xstream_close(&s);
}

/* --- GROUPS, CONSUMERS -------------------------------------------------- */

void cmd_xinfo_groups_run(struct cmd_call *c)
{
    ASSERT(c->argc >= 2);
    struct xstream s;
    struct xgroup g;
    struct xwalk w;
    struct long_reply r;
    if (!open_there(c, &s))
        return;
    long_reply_begin(&r, c);
    resp_array(c->out, s.object->trees[1].count);
    xwalk_groups(&w, &s);
    while (xwalk_group(&w, &g) &&
           long_reply_add(&r, g.name.len + GROUP_COST, MANY)) {
        resp_map(c->out, 6);
        name(c, "name");
        resp_bulk(c->out, g.name);
        number(c, "consumers", xgroup_consumers(&g));
        number(c, "pending", g.pending);
        id_field(c, "last-delivered-id", g.last);
        counters(c, &g);
    }
    xwalk_release(&w);
    xstream_close(&s);
}

static void reply_consumers(struct cmd_call *c, const struct xgroup *g)
{
    ASSERT(c->argc >= 2);
    ASSERT(g->stream != NULL);
    struct xconsumer who;
    struct xwalk w;
    struct long_reply r;
    int64_t now_ms = keyspace_now(c->ks);
    long_reply_begin(&r, c);
    resp_array(c->out, xgroup_consumers(g));
    xwalk_consumers(&w, g);
    while (xwalk_consumer(&w, &who) &&
           long_reply_add(&r, who.name.len + 64, MANY)) {
        resp_map(c->out, 3);
        name(c, "name");
        resp_bulk(c->out, who.name);
        number(c, "pending", who.pending);
        name(c, "idle");
        resp_integer(c->out, MAX(now_ms - who.seen_ms, INT64_C(0)));
    }
    xwalk_release(&w);
}

void cmd_xinfo_consumers_run(struct cmd_call *c)
{
    ASSERT(c->argc >= 2);
    struct xstream s;
    struct xgroup g;
    if (!open_there(c, &s))
        return;
    if (xgroup_find(&s, c->argv[3], &g))
        reply_consumers(c, &g);
    else
        reply_no_group_of_key(c->out, c->argv[2], c->argv[3]);
    xstream_close(&s);
}
