/*
 * XRANGE, XREVRANGE, XREAD: what reads streams. Ranges become numbers of
 * entries, which are known without a walk, so their count is told first.
 *
 * How it fails: with an error reply. A reply that would be too long is taken
 * back (cmd_collection.h).
 */
#include "base/num.h"
#include "cmd/cmd_internal.h"
#include "cmd/cmd_parse.h"
#include "cmd/cmd_stream.h"

#define INSTEAD     "COUNT, and go on from the last ID"
#define ENTRY_BYTES 40 /* an id and lengths, as they are told */

/* --- entries ------------------------------------------------------------ */

void reply_stream_entry(struct cmd_call *c, const struct xstream_cursor *at)
{
    ASSERT(c->argc >= 2);
    size_t offset = 0;
    struct bytes field;
    resp_array(c->out, 2);
    reply_stream_id(c->out, at->id);
    resp_array(c->out, at->fields);
    while (offset < at->entry.len && xstream_field(at, &offset, &field))
        resp_bulk(c->out, field);
}

bool reply_stream_entries(struct cmd_call *c, struct xstream *s,
                          const struct entry_range *range, struct long_reply *r)
{
    ASSERT(c->argc >= 2);
    ASSERT(s->object != NULL);
    struct xstream_cursor at;
    bool fits = true;
    resp_array(c->out, range->count);
    xstream_cursor_init(&at, s);
    bool more = range->count > 0 && xstream_seek(&at, range->first);
    for (uint64_t i = 0; i < range->count && more && fits; i++) {
        fits = long_reply_add(r, at.entry.len + ENTRY_BYTES + 4 * at.fields,
                              INSTEAD);
        if (fits)
            reply_stream_entry(c, &at);
        if (i + 1 < range->count)
            more = range->reverse ? xstream_previous(&at) : xstream_next(&at);
    }
    xstream_cursor_release(&at);
    return fits;
}

/* --- XRANGE ------------------------------------------------------------- */

struct range_options {
    struct xstream_id first;
    struct xstream_id last;
    int64_t count; /* -1: all */
};

bool parse_stream_bound(struct resp_writer *w, struct bytes text, bool is_start,
                        struct xstream_id *out)
{
    bool out_of = text.len > 1 && text.data[0] == '(';
    struct bytes id = out_of ? bytes_from(text, 1) : text;
    if (!out_of && bytes_eq(text, BYTES_LIT("-"))) {
        *out = (struct xstream_id){0, 0};
        return true;
    }
    if (!out_of && bytes_eq(text, BYTES_LIT("+"))) {
        *out = XSTREAM_ID_MAX;
        return true;
    }
    if (!parse_stream_id(w, id, is_start ? 0 : UINT64_MAX, out))
        return false;
    if (!out_of || (is_start ? xstream_id_next(out) : xstream_id_previous(out)))
        return true;
    resp_errorf(w, "ERR invalid %s ID for the interval",
                is_start ? "start" : "end");
    return false;
}

static bool parse_range(const struct cmd_args *a, struct range_options *o)
{
    ASSERT(a->argc >= 2);
    bool reverse = a->cmd->id == CMD_ID_XREVRANGE;
    o->count = -1;
    if (!parse_stream_bound(a->out, a->argv[reverse ? 3 : 2], true,
                            &o->first) ||
        !parse_stream_bound(a->out, a->argv[reverse ? 2 : 3], false, &o->last))
        return false;
    for (uint32_t i = 4; i < a->argc; i += 2) {
        if (i + 1 == a->argc || !word_is(a->argv[i], "count")) {
            reply_syntax(a->out);
            return false;
        }
        if (!parse_integer(a->out, a->argv[i + 1], &o->count))
            return false;
        o->count = MAX(o->count, INT64_C(0));
    }
    return true;
}

bool cmd_xrange_check(struct cmd_args *a)
{
    ASSERT(a->argc >= 2 && a->cmd->container <= CMD_ID_LAST_COMMAND);
    struct range_options o;
    return parse_range(a, &o);
}

static struct entry_range find_range(struct cmd_call *c, struct xstream *s,
                                     const struct range_options *o)
{
    ASSERT(c->argc >= 2);
    ASSERT(s->object != NULL);
    struct xstream_id end = o->last;
    uint64_t first = xstream_rank(s, o->first);
    uint64_t after =
        xstream_id_next(&end) ? xstream_rank(s, end) : xstream_length(s);
    uint64_t count = after > first ? after - first : 0;
    bool reverse = c->cmd->id == CMD_ID_XREVRANGE;
    if (reverse && count > 0)
        first = after - 1;
    if (o->count >= 0)
        count = MIN(count, (uint64_t)o->count);
    return (struct entry_range){first, count, reverse};
}

void cmd_xrange_run(struct cmd_call *c)
{
    ASSERT(c->argc >= 2);
    struct cmd_args a = args_of(c);
    struct range_options o;
    struct xstream s;
    struct long_reply r;
    if (!parse_range(&a, &o) || !open_stream(c, c->argv[1], &s))
        return;
    if (s.object->exists && o.count == 0) {
        resp_null_array(c->out);
    } else {
        struct entry_range range = find_range(c, &s, &o);
        long_reply_begin(&r, c);
        reply_stream_entries(c, &s, &range, &r);
    }
    xstream_close(&s);
}

/* --- XREAD -------------------------------------------------------------- */

static bool parse_timeout(const struct cmd_args *a, struct bytes text,
                          struct stream_reads *o)
{
    ASSERT(a->argc >= 2);
    ASSERT(text.len == 0 || text.data != NULL);
    o->blocks = true;
    if (!num_parse_i64(text, &o->timeout_ms))
        resp_error(a->out, "ERR timeout is not an integer or out of range");
    else if (o->timeout_ms < 0)
        resp_error(a->out, "ERR timeout is negative");
    else
        return true;
    return false;
}

static bool is_group(const struct cmd_args *a)
{
    ASSERT(a->argc >= 2);
    return a->cmd->id == CMD_ID_XREADGROUP;
}

static bool refuse_option(const struct cmd_args *a, const char *word)
{
    ASSERT(a->argc >= 2);
    resp_errorf(a->out,
                "ERR The %s option is only supported by XREADGROUP. You called "
                "XREAD instead.",
                word);
    return false;
}

/* One option; *i goes to its last argument. */
static bool parse_read_option(const struct cmd_args *a, uint32_t *i,
                              struct stream_reads *o)
{
    ASSERT(a->argc >= 2);
    ASSERT(*i < a->argc);
    struct bytes word = a->argv[*i];
    uint32_t more = a->argc - *i - 1;
    if (word_is(word, "block") && more > 0) {
        *i += 1;
        return parse_timeout(a, a->argv[*i], o);
    }
    if (word_is(word, "group") && more >= 2) {
        o->group = *i + 1; /* behind it is the consumer */
        *i += 2;
        return is_group(a) || refuse_option(a, "GROUP");
    }
    if (word_is(word, "noack")) {
        o->no_ack = true;
        return is_group(a) || refuse_option(a, "NOACK");
    }
    if (!word_is(word, "count") || more == 0) {
        reply_syntax(a->out);
        return false;
    }
    *i += 1;
    if (!parse_integer(a->out, a->argv[*i], &o->count))
        return false;
    o->count = MAX(o->count, INT64_C(0));
    return true;
}

bool parse_stream_reads(const struct cmd_args *a, struct stream_reads *o)
{
    ASSERT(a->argc >= 2);
    *o = (struct stream_reads){.count = 0};
    for (uint32_t i = 1; i < a->argc && o->at == 0; i++) {
        if (word_is(a->argv[i], "streams") && i + 1 < a->argc)
            o->at = i + 1;
        else if (!parse_read_option(a, &i, o))
            return false;
    }
    if (o->at == 0) {
        reply_syntax(a->out);
        return false;
    }
    o->keys = (a->argc - o->at) / 2;
    if ((a->argc - o->at) % 2 == 0)
        return true;
    resp_error(a->out, "ERR Unbalanced XREAD list of streams: for each stream "
                       "key an ID or '$' must be specified.");
    return false;
}

bool cmd_xread_check(struct cmd_args *a)
{
    ASSERT(a->argc >= 2 && a->cmd->container <= CMD_ID_LAST_COMMAND);
    struct stream_reads o;
    return parse_stream_reads(a, &o);
}

struct cmd_blocking stream_blocking(const struct cmd *c,
                                    const struct bytes *argv, uint32_t argc)
{
    struct resp_writer none = {.out = NULL};
    struct cmd_args a = {.cmd = c, .argv = argv, .argc = argc, .out = &none};
    struct stream_reads o;
    bool ok = parse_stream_reads(&a, &o);
    ASSERT(ok);                                          /* it was checked */
    for (uint32_t i = 0; i < o.keys && o.group > 0; i++) /* history is there */
        o.blocks &= bytes_eq(argv[o.at + o.keys + i], BYTES_LIT(">"));
    return (struct cmd_blocking){.waits = o.blocks,
                                 .grouped = o.group > 0,
                                 .type = VALUE_STREAM,
                                 .timeout_ms = o.timeout_ms,
                                 .group =
                                     o.group > 0 ? argv[o.group] : BYTES_NONE};
}

/* What "$" stands for: the last id, when it was looked up first. */
static struct xstream_id newest(struct cmd_call *c, const struct xstream *s,
                                uint32_t i)
{
    struct cmd_since *since = c->since == NULL ? NULL : &c->since[i];
    ASSERT(s->object != NULL && i < c->argc);
    if (since == NULL)
        return s->last;
    if (!since->known)
        *since = (struct cmd_since){true, s->last.ms, s->last.seq};
    return (struct xstream_id){since->ms, since->seq};
}

/* What comes after the id that was given. */
static bool find_news(struct cmd_call *c, const struct stream_reads *o,
                      struct xstream *s, uint32_t i, struct entry_range *out)
{
    ASSERT(c->argc >= 2);
    struct bytes text = c->argv[o->at + o->keys + i];
    struct xstream_id id;
    *out = (struct entry_range){.count = 0};
    if (bytes_eq(text, BYTES_LIT(">"))) {
        resp_error(c->out, "ERR The > ID can be specified only when calling "
                           "XREADGROUP using the GROUP <group> <consumer> "
                           "option.");
        return false;
    }
    if (bytes_eq(text, BYTES_LIT("$")))
        id = newest(c, s, i);
    else if (!parse_stream_id(c->out, text, 0, &id))
        return false;
    if (!xstream_id_next(&id))
        return true;
    out->first = xstream_rank(s, id);
    out->count = xstream_length(s) - out->first;
    if (o->count > 0)
        out->count = MIN(out->count, (uint64_t)o->count);
    return true;
}

/* One stream. Counted only (r is NULL), or told. False: the reply is an error.
 */
static bool read_stream(struct cmd_call *c, const struct stream_reads *o,
                        uint32_t i, struct long_reply *r, uint32_t *told)
{
    ASSERT(c->argc >= 2);
    struct xstream s;
    struct entry_range range;
    struct bytes key = c->argv[o->at + i];
    if (!open_stream(c, key, &s))
        return false;
    bool ok = find_news(c, o, &s, i, &range);
    if (ok && range.count > 0) {
        *told += 1;
        if (r != NULL) {
            if (c->out != NULL && c->out->protocol != 3)
                resp_array(c->out, 2);
            resp_bulk(c->out, key);
            ok = reply_stream_entries(c, &s, &range, r);
        }
    }
    xstream_close(&s);
    return ok;
}

void cmd_xread_run(struct cmd_call *c)
{
    ASSERT(c->argc >= 2);
    struct cmd_args a = args_of(c);
    struct stream_reads o;
    struct long_reply r;
    uint32_t with_news = 0;
    uint32_t told = 0;
    if (!parse_stream_reads(&a, &o))
        return;
    for (uint32_t i = 0; i < o.keys; i++) {
        if (!read_stream(c, &o, i, NULL, &with_news))
            return;
    }
    c->blocked = with_news == 0 && o.blocks;
    if (with_news == 0 && !o.blocks)
        resp_null_array(c->out);
    if (with_news == 0)
        return;
    long_reply_begin(&r, c);
    if (c->out->protocol == 3)
        resp_map(c->out, with_news);
    else
        resp_array(c->out, with_news);
    for (uint32_t i = 0; i < o.keys; i++) {
        if (!read_stream(c, &o, i, &r, &told))
            return;
    }
    ASSERT(told == with_news || keyspace_error(c->ks) != 0);
}
