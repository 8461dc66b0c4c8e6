/*
 * XGROUP, XREADGROUP, XACK: groups, and what they are given.
 *
 * A reply of XREADGROUP has at most so many entries (READ_MAX) from each
 * stream, and no more than CMD_REPLY_BYTES_MAX from all of them, whatever COUNT
 * says: they are changed as they are told, so it cannot be taken back, and all
 * nodes look at them, and keep what they write of them in memory. A stream that
 * nothing is left for, which may be one that was named before, is not told of.
 *
 * How it fails: with an error reply, and nothing changed.
 */
#include "cmd/cmd_stream_group.h"

#include "cmd/cmd_internal.h"
#include "cmd/cmd_parse.h"

#define READ_MAX  10000
#define READ_COST 512 /* what an entry counts for beside its bytes */

void reply_no_group(struct resp_writer *w, struct bytes key, struct bytes group)
{
    resp_errorf(w, "NOGROUP No such key '%.*s' or consumer group '%.*s'",
                (int)MIN(key.len, 128), (const char *)key.data,
                (int)MIN(group.len, 128), (const char *)group.data);
}

void reply_no_group_of_key(struct resp_writer *w, struct bytes key,
                           struct bytes group)
{
    resp_errorf(w, "NOGROUP No such consumer group '%.*s' for key name '%.*s'",
                (int)MIN(group.len, 128), (const char *)group.data,
                (int)MIN(key.len, 128), (const char *)key.data);
}

bool open_group(struct cmd_call *c, struct xstream *s, struct xgroup *g)
{
    ASSERT(c->argc >= 2);
    if (!open_stream(c, c->argv[1], s))
        return false;
    if (xgroup_find(s, c->argv[2], g))
        return true;
    reply_no_group(c->out, c->argv[1], c->argv[2]);
    xstream_close(s);
    return false;
}

bool consumer_fits(const struct cmd_args *a, uint32_t at)
{
    ASSERT(at < a->argc);
    if (a->argv[at].len <= CONSUMER_NAME_MAX)
        return true;
    resp_errorf(a->out, "ERR consumer name is longer than %d bytes",
                CONSUMER_NAME_MAX);
    return false;
}

bool reply_stream_entry_at(struct cmd_call *c, struct xstream *s,
                           struct xstream_id id)
{
    ASSERT(s->object != NULL);
    struct xstream_cursor at;
    xstream_cursor_init(&at, s);
    bool found = xstream_seek(&at, xstream_rank(s, id)) &&
                 xstream_id_compare(at.id, id) == 0;
    if (found)
        reply_stream_entry(c, &at);
    xstream_cursor_release(&at);
    return found;
}

/* --- XGROUP ------------------------------------------------------------- */

struct group_options {
    bool makes;  /* MKSTREAM */
    bool newest; /* the id is "$" */
    struct xstream_id id;
    int64_t read;
};

static bool parse_group_option(const struct cmd_args *a, uint32_t *i,
                               struct group_options *o)
{
    ASSERT(a->argc >= 2);
    ASSERT(*i < a->argc);
    bool creates = a->cmd->id == CMD_ID_XGROUP_CREATE;
    if (creates && word_is(a->argv[*i], "mkstream")) {
        o->makes = true;
        return true;
    }
    if (!word_is(a->argv[*i], "entriesread") || *i + 1 == a->argc) {
        resp_errorf(a->out,
                    "ERR unknown subcommand or wrong number of "
                    "arguments for '%.*s'. Try XGROUP HELP.",
                    (int)MIN(a->argv[1].len, 128),
                    (const char *)a->argv[1].data);
        return false;
    }
    *i += 1;
    if (!parse_integer(a->out, a->argv[*i], &o->read))
        return false;
    if (o->read >= XGROUP_READ_UNKNOWN)
        return true;
    resp_error(a->out, "ERR value for ENTRIESREAD must be positive or -1");
    return false;
}

/* The id is looked at last, as in Redis. */
static bool parse_group(const struct cmd_args *a, struct group_options *o)
{
    ASSERT(a->argc >= 2);
    *o = (struct group_options){.read = XGROUP_READ_UNKNOWN};
    for (uint32_t i = 5; i < a->argc; i++) {
        if (!parse_group_option(a, &i, o))
            return false;
    }
    return true;
}

static bool parse_group_id(struct cmd_call *c, const struct xstream *s,
                           struct xstream_id *out)
{
    ASSERT(c->argc >= 3);
    ASSERT(s->object != NULL);
    struct bytes text = c->argv[4];
    bool sets = c->cmd->id == CMD_ID_XGROUP_SETID;
    *out = s->last;
    if (bytes_eq(text, BYTES_LIT("$")))
        return true;
    if (sets && bytes_eq(text, BYTES_LIT("-"))) /* CREATE has no such words */
        *out = (struct xstream_id){0, 0};
    else if (sets && bytes_eq(text, BYTES_LIT("+")))
        *out = XSTREAM_ID_MAX;
    else
        return parse_stream_id(c->out, text, 0, out);
    return true;
}

bool cmd_xgroup_check(struct cmd_args *a)
{
    ASSERT(a->argc >= 2 && a->cmd->container <= CMD_ID_LAST_COMMAND);
    struct group_options o;
    return parse_group(a, &o) && members_fit(a, 3, 100);
}

static void reply_no_stream(struct resp_writer *w)
{
    resp_error(w, "ERR The XGROUP subcommand requires the key to exist. Note "
                  "that for CREATE you may want to use the MKSTREAM option to "
                  "create an empty stream automatically.");
}

static void create_group(struct cmd_call *c, struct xstream *s,
                         const struct group_options *o)
{
    ASSERT(c->argc >= 2);
    ASSERT(s->object != NULL);
    struct xgroup g;
    struct xstream_id id;
    if (!s->object->exists && !o->makes) {
        reply_no_stream(c->out);
        return;
    }
    if (!parse_group_id(c, s, &id))
        return;
    if (xgroup_find(s, c->argv[3], &g)) {
        resp_error(c->out, "BUSYGROUP Consumer Group name already exists");
        return;
    }
    if (s->next_group == UINT32_MAX) {
        resp_error(c->out, "ERR the stream has had too many groups");
        return;
    }
    xgroup_create(s, c->argv[3], &g);
    g.last = id;
    g.read = o->read;
    xgroup_save(&g);
    xstream_save(s);
    resp_status(c->out, "OK");
}

void cmd_xgroup_create_run(struct cmd_call *c)
{
    ASSERT(c->argc >= 2);
    struct cmd_args a = args_of(c);
    struct group_options o;
    struct xstream s;
    if (!cmd_xgroup_check(&a) || !parse_group(&a, &o) ||
        !open_stream(c, c->argv[2], &s))
        return;
    create_group(c, &s, &o);
    xstream_close(&s);
}

/* The group that argv[3] names, of a stream that is open; false: the reply is
 * written. */
static bool find_group(struct cmd_call *c, struct xstream *s, struct xgroup *g)
{
    ASSERT(c->argc >= 2);
    if (!s->object->exists)
        reply_no_stream(c->out);
    else if (!xgroup_find(s, c->argv[3], g))
        reply_no_group_of_key(c->out, c->argv[2], c->argv[3]);
    else
        return true;
    return false;
}

void cmd_xgroup_setid_run(struct cmd_call *c)
{
    ASSERT(c->argc >= 2);
    struct cmd_args a = args_of(c);
    struct group_options o;
    struct xstream s;
    struct xgroup g;
    if (!parse_group(&a, &o) || !open_stream(c, c->argv[2], &s))
        return;
    if (find_group(c, &s, &g) && parse_group_id(c, &s, &g.last)) {
        g.read = o.read;
        xgroup_save(&g);
        xstream_save(&s);
        resp_status(c->out, "OK");
    }
    xstream_close(&s);
}

void cmd_xgroup_destroy_run(struct cmd_call *c)
{
    ASSERT(c->argc >= 2);
    struct xstream s;
    struct xgroup g;
    if (!open_stream(c, c->argv[2], &s))
        return;
    if (!s.object->exists) {
        reply_no_stream(c->out);
    } else if (!xgroup_find(&s, c->argv[3], &g)) {
        resp_integer(c->out, 0);
    } else {
        xgroup_destroy(&g);
        xstream_save(&s);
        keyspace_ready(c->ks, c->db, c->argv[2]); /* who waits is to know */
        resp_integer(c->out, 1);
    }
    xstream_close(&s);
}

bool cmd_xgroup_consumer_check(struct cmd_args *a)
{
    ASSERT(a->argc >= 2 && a->cmd->container <= CMD_ID_LAST_COMMAND);
    return consumer_fits(a, 4);
}

void cmd_xgroup_createconsumer_run(struct cmd_call *c)
{
    ASSERT(c->argc >= 2);
    struct cmd_args a = args_of(c);
    struct xstream s;
    struct xgroup g;
    struct xconsumer who;
    if (!consumer_fits(&a, 4) || !open_stream(c, c->argv[2], &s))
        return;
    if (find_group(c, &s, &g)) {
        bool found = xconsumer_find(&g, c->argv[4], &who);
        if (!found) {
            who.seen_ms = keyspace_now(c->ks);
            xconsumer_save(&g, &who);
            xstream_save(&s);
        }
        resp_integer(c->out, !found);
    }
    xstream_close(&s);
}

void cmd_xgroup_delconsumer_run(struct cmd_call *c)
{
    ASSERT(c->argc >= 2);
    struct xstream s;
    struct xgroup g;
    struct xconsumer who;
    if (!open_stream(c, c->argv[2], &s))
        return;
    if (find_group(c, &s, &g)) {
        uint64_t pending = 0;
        if (xconsumer_find(&g, c->argv[4], &who)) {
            pending = who.pending;
            xconsumer_delete(&g, &who);
            xgroup_save(&g);
            xstream_save(&s);
        }
        resp_integer(c->out, (int64_t)pending);
    }
    xstream_close(&s);
}

/* --- XACK --------------------------------------------------------------- */

static void acknowledge(struct cmd_call *c, struct xgroup *g)
{
    ASSERT(c->argc >= 2);
    ASSERT(g->stream != NULL);
    struct xstream_id id;
    int64_t done = 0;
    for (uint32_t i = 3; i < c->argc; i++) {
        if (!parse_stream_id(c->out, c->argv[i], 0, &id))
            return;
    }
    for (uint32_t i = 3; i < c->argc; i++)
        done +=
            parse_stream_id(NULL, c->argv[i], 0, &id) && xpending_remove(g, id);
    if (done > 0) {
        xgroup_save(g);
        xstream_save(g->stream);
    }
    resp_integer(c->out, done);
}

void cmd_xack_run(struct cmd_call *c)
{
    ASSERT(c->argc >= 2);
    struct xstream s;
    struct xgroup g;
    if (!open_stream(c, c->argv[1], &s))
        return;
    if (xgroup_find(&s, c->argv[2], &g))
        acknowledge(c, &g);
    else
        resp_integer(c->out, 0);
    xstream_close(&s);
}

/* --- XREADGROUP --------------------------------------------------------- */

/* What is read for whom, of one stream. */
struct group_read {
    struct cmd_call *call;
    const struct stream_reads *options;
    struct xgroup group;
    struct xconsumer who;
    struct bytes id_text;
    struct xstream_id id; /* of the history: after this one */
    bool news;
    uint64_t *left; /* bytes, of the command */
};

static bool parse_readgroup(const struct cmd_args *a, struct stream_reads *o)
{
    ASSERT(a->argc >= 2);
    if (!parse_stream_reads(a, o))
        return false;
    if (o->group > 0)
        return members_fit(a, o->group, a->argc) &&
               consumer_fits(a, o->group + 1);
    resp_error(a->out, "ERR Missing GROUP option for XREADGROUP");
    return false;
}

bool cmd_xreadgroup_check(struct cmd_args *a)
{
    ASSERT(a->argc >= 2 && a->cmd->container <= CMD_ID_LAST_COMMAND);
    struct stream_reads o;
    return parse_readgroup(a, &o);
}

/* Looks at one stream, and changes nothing. */
static bool open_read(struct cmd_call *c, const struct stream_reads *o,
                      uint32_t i, struct xstream *s, struct group_read *r)
{
    ASSERT(c->argc >= 2);
    struct bytes key = c->argv[o->at + i];
    struct bytes group = c->argv[o->group];
    ASSERT(o->group > 0 && o->group + 1 < o->at);
    *r = (struct group_read){
        .call = c, .options = o, .id_text = c->argv[o->at + o->keys + i]};
    r->news = bytes_eq(r->id_text, BYTES_LIT(">"));
    if (!open_stream(c, key, s))
        return false;
    bool ok = false;
    if (!xgroup_find(s, group, &r->group))
        resp_errorf(c->out,
                    "NOGROUP No such key '%.*s' or consumer group "
                    "'%.*s' in XREADGROUP with GROUP option",
                    (int)MIN(key.len, 128), (const char *)key.data,
                    (int)MIN(group.len, 128), (const char *)group.data);
    else if (bytes_eq(r->id_text, BYTES_LIT("$")))
        resp_error(c->out,
                   "ERR The $ ID is meaningless in the context of XREADGROUP: "
                   "you want to read the history of this consumer by "
                   "specifying a proper ID, or use the > ID to get new "
                   "messages. The $ ID would just return an empty result set.");
    else
        ok = r->news || parse_stream_id(c->out, r->id_text, 0, &r->id);
    if (!ok)
        xstream_close(s);
    return ok;
}

static uint64_t read_max(const struct stream_reads *o)
{
    return o->count > 0 ? MIN((uint64_t)o->count, (uint64_t)READ_MAX)
                        : READ_MAX;
}

/* The first entry that the group has not got; false: there is none. */
static bool find_news(struct xgroup *g, uint64_t *first)
{
    ASSERT(g->stream != NULL);
    struct xstream_id id = g->last;
    *first = xstream_length(g->stream);
    if (xstream_id_next(&id))
        *first = xstream_rank(g->stream, id);
    return *first < xstream_length(g->stream);
}

bool cmd_group_news(struct keyspace *ks, uint8_t db, struct bytes key,
                    struct bytes group, uint64_t *count)
{
    struct xstream s;
    struct xgroup g;
    uint64_t first = 0;
    *count = 0;
    if (xstream_open(ks, db, key, &s) == OBJECT_OTHER)
        return false;
    bool found = xgroup_find(&s, group, &g);
    if (found && find_news(&g, &first))
        *count = xstream_length(&s) - first;
    ASSERT(*count <= xstream_length(&s));
    xstream_close(&s);
    return found;
}

static void deliver(struct group_read *r, struct xstream_id id,
                    uint64_t deliveries)
{
    ASSERT(r->call != NULL && r->options != NULL);
    struct xpending p = {.id = id,
                         .time_ms = keyspace_now(r->call->ks),
                         .deliveries = deliveries};
    xpending_give(&r->group, &r->who, &p);
}

/* What an entry counts for: the consumer's name is written with it. */
static uint64_t read_cost(const struct group_read *r)
{
    ASSERT(r->left != NULL);
    return READ_COST + 2 * r->who.name.len;
}

static void tell_news(struct group_read *r, uint64_t first)
{
    ASSERT(r->call != NULL && r->options != NULL);
    struct xstream *s = r->group.stream;
    struct xstream_cursor at;
    uint64_t count = xstream_fit(
        s, first, MIN(xstream_length(s) - first, read_max(r->options)),
        read_cost(r), r->left);
    resp_array(r->call->out, count);
    xstream_cursor_init(&at, s);
    bool more = xstream_seek(&at, first);
    for (uint64_t i = 0; i < count && more; i++) {
        reply_stream_entry(r->call, &at);
        xgroup_advance(&r->group, at.id);
        if (!r->options->no_ack)
            deliver(r, at.id, 1);
        more = xstream_next(&at); /* the tree of entries has not changed */
    }
    xstream_cursor_release(&at);
}

/* What the consumer has not acknowledged, after an id; each is delivered once
 * more. An entry that was deleted is told without fields. */
static void tell_history(struct group_read *r)
{
    ASSERT(r->call != NULL && r->options != NULL);
    struct xstream *s = r->group.stream;
    struct buf ids = BUF_INIT;
    struct xstream_id id = r->id;
    struct xwalk w;
    bool more = xstream_id_next(&id);
    xwalk_owned(&w, &r->group, r->who.name, id);
    uint64_t max = read_max(r->options);
    for (uint64_t i = 0; more && i < max && xwalk_next_owned(&w, &id); i++) {
        uint64_t bytes = xstream_bytes(s, xstream_rank(s, id)) + read_cost(r);
        if (i > 0 && bytes > *r->left)
            break;
        *r->left -= MIN(bytes, *r->left);
        buf_bytes(&ids, bytes_of((const void *)&id, sizeof(id)));
    }
    xwalk_release(&w);
    resp_array(r->call->out, ids.len / sizeof(id));
    for (size_t at = 0; at < ids.len; at += sizeof(id)) {
        struct xpending p;
        memcpy(&id, ids.data + at, sizeof(id));
        if (!reply_stream_entry_at(r->call, s, id)) {
            resp_array(r->call->out, 2);
            reply_stream_id(r->call->out, id);
            resp_null_array(r->call->out);
        } else if (xpending_find(&r->group, id, &p)) {
            deliver(r, id, p.deliveries + 1);
        }
    }
    buf_release(&ids);
}

/* Tells what there is of one stream, under its key; false: nothing. As in
 * Redis, a consumer that gets nothing is not made. */
static bool tell(struct group_read *r, struct bytes key)
{
    ASSERT(r->call != NULL && r->options != NULL);
    struct cmd_call *c = r->call;
    uint64_t first = 0;
    if (*r->left == 0 || (r->news && !find_news(&r->group, &first)))
        return false;
    xconsumer_find(&r->group, c->argv[r->options->group + 1], &r->who);
    r->who.seen_ms = keyspace_now(c->ks);
    if (c->out->protocol != 3)
        resp_array(c->out, 2);
    resp_bulk(c->out, key);
    if (r->news)
        tell_news(r, first);
    else
        tell_history(r);
    xconsumer_save(&r->group, &r->who);
    xgroup_save(&r->group);
    xstream_save(r->group.stream);
    *r->left -= MIN(read_cost(r), *r->left);
    return true;
}

/* Tells of all streams; returns of how many there was something. A stream may
 * be named twice, so that is not known before. */
static uint32_t tell_all(struct cmd_call *c, const struct stream_reads *o)
{
    ASSERT(c->argc >= 2);
    struct xstream s;
    struct group_read r;
    uint32_t told = 0;
    uint64_t left = CMD_REPLY_BYTES_MAX;
    for (uint32_t i = 0; i < o->keys; i++) {
        if (!open_read(c, o, i, &s, &r))
            break; /* an error of the store */
        r.left = &left;
        told += tell(&r, c->argv[o->at + i]);
        xstream_close(&s);
    }
    return told;
}

void cmd_xreadgroup_run(struct cmd_call *c)
{
    ASSERT(c->argc >= 2);
    struct cmd_args a = args_of(c);
    struct stream_reads o;
    struct xstream s;
    struct group_read r;
    struct buf body = BUF_INIT;
    struct resp_writer *out = c->out;
    struct resp_writer w = *out;
    if (!parse_readgroup(&a, &o))
        return;
    for (uint32_t i = 0; i < o.keys; i++) { /* before anything is changed */
        if (!open_read(c, &o, i, &s, &r))
            return;
        xstream_close(&s);
    }
    if (w.out != NULL)
        w.out = &body;
    c->out = &w;
    uint32_t told = tell_all(c, &o);
    c->out = out;
    out->over |= w.over;
    c->blocked = told == 0 && o.blocks && keyspace_error(c->ks) == 0;
    if (c->blocked)
        ASSERT(body.len == 0);
    else if (told == 0)
        resp_null_array(out);
    else if (out->protocol == 3)
        resp_map(out, told);
    else
        resp_array(out, told);
    resp_raw(out, buf_view(&body));
    buf_release(&body);
}
