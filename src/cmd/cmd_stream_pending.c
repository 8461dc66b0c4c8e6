/*
 * XPENDING, XCLAIM, XAUTOCLAIM: what was delivered and not acknowledged.
 *
 * How it fails: with an error reply, and nothing changed.
 */
#include "base/num.h"
#include "cmd/cmd_internal.h"
#include "cmd/cmd_parse.h"
#include "cmd/cmd_stream_group.h"

#include <inttypes.h>

#define CLAIM_COUNT     100
#define CLAIM_COUNT_MAX 10000 /* of one XAUTOCLAIM, whatever COUNT says */
#define CLAIM_LOOKS     10    /* at so many for each that is wanted */
#define CLAIM_COST      1024  /* what one counts for beside its bytes */
#define PENDING_MAX     1000000
#define INSTEAD         "XPENDING with a smaller count"

/* --- XPENDING ----------------------------------------------------------- */

struct pending_options {
    bool extended;
    int64_t idle_ms;
    int64_t count;
    struct xstream_id first;
    struct xstream_id last;
    struct bytes consumer; /* NULL: of all */
    bool one;
};

static bool parse_pending(const struct cmd_args *a, struct pending_options *o)
{
    ASSERT(a->argc >= 2);
    uint32_t at = 3;
    *o = (struct pending_options){.extended = a->argc > 3};
    if (!o->extended)
        return true;
    if (a->argc < 6 || a->argc > 9) {
        reply_syntax(a->out);
        return false;
    }
    if (word_is(a->argv[3], "idle")) {
        if (!parse_integer(a->out, a->argv[4], &o->idle_ms))
            return false;
        if (a->argc < 8) {
            reply_syntax(a->out);
            return false;
        }
        at += 2;
    }
    if (!parse_integer(a->out, a->argv[at + 2], &o->count) ||
        !parse_stream_bound(a->out, a->argv[at], true, &o->first) ||
        !parse_stream_bound(a->out, a->argv[at + 1], false, &o->last))
        return false;
    o->count = MIN(MAX(o->count, INT64_C(0)), (int64_t)PENDING_MAX);
    o->one = at + 3 < a->argc;
    if (o->one)
        o->consumer = a->argv[at + 3];
    return true;
}

bool cmd_xpending_check(struct cmd_args *a)
{
    ASSERT(a->argc >= 2 && a->cmd->container <= CMD_ID_LAST_COMMAND);
    struct pending_options o;
    return parse_pending(a, &o);
}

static uint32_t consumers_with_pending(const struct xgroup *g)
{
    ASSERT(g->stream != NULL);
    struct xconsumer who;
    struct xwalk w;
    uint32_t count = 0;
    xwalk_consumers(&w, g);
    while (xwalk_consumer(&w, &who))
        count += who.pending > 0;
    xwalk_release(&w);
    return count;
}

static void reply_edges(struct cmd_call *c, const struct xgroup *g)
{
    ASSERT(c->argc >= 2);
    ASSERT(g->stream != NULL);
    struct xpending p;
    struct xwalk w;
    bool found = false;
    xwalk_pending(&w, g, (struct xstream_id){0, 0});
    if (xwalk_next_pending(&w, &p)) {
        reply_stream_id(c->out, p.id);
        found = true;
    }
    xwalk_release(&w);
    if (found && xpending_last(g, &p.id))
        reply_stream_id(c->out, p.id);
    else if (found)
        resp_null(c->out); /* an error of the store */
}

static void reply_summary(struct cmd_call *c, const struct xgroup *g)
{
    ASSERT(c->argc >= 2);
    ASSERT(g->stream != NULL);
    struct xconsumer who;
    struct xwalk w;
    struct long_reply r;
    long_reply_begin(&r, c);
    resp_array(c->out, 4);
    resp_integer(c->out, (int64_t)g->pending);
    if (g->pending == 0) {
        resp_null(c->out);
        resp_null(c->out);
        resp_null_array(c->out);
        return;
    }
    reply_edges(c, g);
    resp_array(c->out, consumers_with_pending(g));
    xwalk_consumers(&w, g);
    while (xwalk_consumer(&w, &who)) {
        if (who.pending == 0)
            continue;
        if (!long_reply_add(&r, who.name.len + 32, INSTEAD))
            break;
        resp_array(c->out, 2);
        resp_bulk(c->out, who.name);
        resp_bulkf(c->out, "%" PRIu64, who.pending);
    }
    xwalk_release(&w);
}

/* The next one of the interval that was idle for long enough. */
static bool next_pending(struct cmd_call *c, const struct xgroup *g,
                         const struct pending_options *o, struct xwalk *w,
                         struct xpending *p)
{
    ASSERT(c->argc >= 2);
    ASSERT(g->stream != NULL);
    int64_t now_ms = keyspace_now(c->ks);
    while (o->one ? xwalk_next_owned(w, &p->id) : xwalk_next_pending(w, p)) {
        if (xstream_id_compare(p->id, o->last) > 0)
            return false;
        if (o->one && !xpending_find(g, p->id, p))
            return false;
        if (now_ms - p->time_ms >= o->idle_ms)
            return true;
    }
    return false;
}

static void begin_pending(const struct xgroup *g,
                          const struct pending_options *o, struct xwalk *w)
{
    ASSERT(g->stream != NULL);
    if (o->one)
        xwalk_owned(w, g, o->consumer, o->first);
    else
        xwalk_pending(w, g, o->first);
}

static void reply_pending(struct cmd_call *c, const struct xgroup *g,
                          const struct pending_options *o)
{
    ASSERT(c->argc >= 2);
    ASSERT(g->stream != NULL);
    struct xpending p;
    struct xwalk w;
    struct long_reply r;
    int64_t count = 0;
    begin_pending(g, o, &w);
    while (count < o->count && next_pending(c, g, o, &w, &p))
        count++;
    xwalk_release(&w);
    long_reply_begin(&r, c);
    resp_array(c->out, (size_t)count);
    begin_pending(g, o, &w);
    for (int64_t i = 0; i < count && next_pending(c, g, o, &w, &p); i++) {
        if (!long_reply_add(&r, p.consumer.len + 40, INSTEAD))
            break;
        resp_array(c->out, 4);
        reply_stream_id(c->out, p.id);
        resp_bulk(c->out, p.consumer);
        resp_integer(c->out, MAX(keyspace_now(c->ks) - p.time_ms, INT64_C(0)));
        resp_integer(c->out, (int64_t)p.deliveries);
    }
    xwalk_release(&w);
}

void cmd_xpending_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct pending_options o;
    struct xstream s;
    struct xgroup g;
    if (!parse_pending(&a, &o) || !open_group(c, &s, &g))
        return;
    if (o.extended)
        reply_pending(c, &g, &o);
    else
        reply_summary(c, &g);
    xstream_close(&s);
}

/* --- claims ------------------------------------------------------------- */

/* Who gets what, and what was found on the way. */
struct claim {
    struct cmd_call *call;
    struct xgroup group;
    struct xconsumer who;
    bool known; /* `who` has been looked up */
    int64_t idle_ms;
    int64_t time_ms;    /* of the delivery */
    int64_t deliveries; /* to set; -1: one more */
    bool force;
    bool ids_only;
    struct xstream_id last;
    uint64_t given;     /* by XCLAIM: bytes */
    struct buf claimed; /* ids */
    struct buf deleted;
};

bool cmd_xclaim_check(struct cmd_args *a)
{
    ASSERT(a->argc >= 6);
    return consumer_fits(a, 3);
}

static bool parse_idle(struct cmd_call *c, struct claim *m)
{
    ASSERT(c->argc >= 3);
    if (!num_parse_i64(c->argv[4], &m->idle_ms)) {
        bool alone = c->cmd->id == CMD_ID_XCLAIM;
        resp_errorf(c->out, "ERR Invalid min-idle-time argument for %s",
                    alone ? "XCLAIM" : "XAUTOCLAIM");
        return false;
    }
    m->idle_ms = MAX(m->idle_ms, INT64_C(0));
    m->time_ms = keyspace_now(c->ks);
    m->deliveries = -1;
    m->call = c;
    return true;
}

static void note(struct buf *ids, struct xstream_id id)
{
    buf_bytes(ids, bytes_of((const void *)&id, sizeof(id)));
}

static bool entry_exists(struct xstream *s, struct xstream_id id)
{
    ASSERT(s->object != NULL);
    struct xstream_id next = id;
    uint64_t after =
        xstream_id_next(&next) ? xstream_rank(s, next) : xstream_length(s);
    return after > xstream_rank(s, id);
}

/* A pending entry that was deleted: nobody has it any more. */
static void drop_deleted(struct claim *m, struct xstream_id id)
{
    ASSERT(m->call != NULL);
    if (!xpending_remove(&m->group, id))
        return;
    note(&m->deleted, id);
    if (m->known) /* it may have been the claimer's */
        xconsumer_find(&m->group, m->who.name, &m->who);
}

/* `p` is the claimer's from now on. */
static void claim(struct claim *m, struct xpending *p, bool was_pending)
{
    ASSERT(m->call != NULL);
    if (!m->known)
        xconsumer_find(&m->group, m->call->argv[3], &m->who);
    m->known = true;
    m->who.seen_ms = keyspace_now(m->call->ks);
    p->time_ms = m->time_ms;
    if (!was_pending)
        p->deliveries = 1; /* as Redis counts what is forced */
    if (m->deliveries >= 0)
        p->deliveries = (uint64_t)m->deliveries;
    else if (!m->ids_only)
        p->deliveries += 1;
    xpending_give(&m->group, &m->who, p);
    xconsumer_save(&m->group, &m->who);
    note(&m->claimed, p->id);
}

static void save_claims(struct claim *m, bool changed)
{
    ASSERT(m->call != NULL);
    if (!changed && m->claimed.len == 0 && m->deleted.len == 0)
        return;
    xgroup_save(&m->group);
    xstream_save(m->group.stream);
}

static void reply_ids(struct cmd_call *c, const struct buf *ids)
{
    ASSERT(c->argc >= 2);
    struct xstream_id id;
    resp_array(c->out, ids->len / sizeof(id));
    for (size_t at = 0; at < ids->len; at += sizeof(id)) {
        memcpy(&id, ids->data + at, sizeof(id));
        reply_stream_id(c->out, id);
    }
}

static void reply_claimed(struct claim *m)
{
    ASSERT(m->call != NULL);
    struct cmd_call *c = m->call;
    struct xstream_id id;
    if (m->ids_only) {
        reply_ids(c, &m->claimed);
        return;
    }
    resp_array(c->out, m->claimed.len / sizeof(id));
    for (size_t at = 0; at < m->claimed.len; at += sizeof(id)) {
        memcpy(&id, m->claimed.data + at, sizeof(id));
        if (!reply_stream_entry_at(c, m->group.stream, id))
            resp_null_array(c->out); /* an error of the store */
    }
}

static void claim_release(struct claim *m)
{
    buf_release(&m->claimed);
    buf_release(&m->deleted);
}

/* --- XCLAIM ------------------------------------------------------------- */

/* The number of an option; false: the error is written. */
static bool claim_number(struct cmd_call *c, const char *name,
                         struct bytes text, int64_t *out)
{
    ASSERT(c->argc >= 2);
    ASSERT(text.len == 0 || text.data != NULL);
    if (num_parse_i64(text, out))
        return true;
    resp_errorf(c->out, "ERR Invalid %s option argument for XCLAIM", name);
    return false;
}

static bool claim_valued(struct cmd_call *c, struct claim *m, struct bytes word,
                         struct bytes value, bool *known)
{
    ASSERT(c->argc >= 2);
    ASSERT(m->call != NULL);
    int64_t number;
    *known = true;
    if (word_is(word, "idle")) {
        if (!claim_number(c, "IDLE", value, &number))
            return false;
        if (!num_add_i64(m->time_ms, number == INT64_MIN ? 0 : -number,
                         &m->time_ms))
            m->time_ms = -1;
        return true;
    }
    if (word_is(word, "time")) {
        if (!claim_number(c, "TIME", value, &number))
            return false;
        m->time_ms = number > 0 ? keyspace_from_wall(c->ks, number) : -1;
        return true;
    }
    if (word_is(word, "retrycount"))
        return claim_number(c, "RETRYCOUNT", value, &m->deliveries);
    if (word_is(word, "lastid"))
        return parse_stream_id(c->out, value, 0, &m->last);
    *known = false;
    return true;
}

static bool claim_option(struct cmd_call *c, struct claim *m, uint32_t *i)
{
    ASSERT(c->argc >= 2);
    ASSERT(m->call != NULL);
    ASSERT(*i < c->argc);
    struct bytes word = c->argv[*i];
    bool known = false;
    if (word_is(word, "force")) {
        m->force = true;
        return true;
    }
    if (word_is(word, "justid")) {
        m->ids_only = true;
        return true;
    }
    if (*i + 1 < c->argc) {
        if (!claim_valued(c, m, word, c->argv[*i + 1], &known))
            return false;
        *i += known;
    }
    if (known)
        return true;
    resp_errorf(c->out, "ERR Unrecognized XCLAIM option '%.*s'",
                (int)MIN(word.len, 128), (const char *)word.data);
    return false;
}

/* Ids come first, then options; *ids: how many. */
static bool parse_claim(struct cmd_call *c, struct claim *m, uint32_t *ids)
{
    ASSERT(c->argc >= 3);
    ASSERT(m->call != NULL);
    struct xstream_id id;
    uint32_t i = 5;
    while (i < c->argc && parse_stream_id(NULL, c->argv[i], 0, &id))
        i++;
    *ids = i - 5;
    for (; i < c->argc; i++) {
        if (!claim_option(c, m, &i))
            return false;
    }
    int64_t now_ms = keyspace_now(c->ks);
    if (m->time_ms < 0 || m->time_ms > now_ms)
        m->time_ms = now_ms;
    m->time_ms = MAX(m->time_ms, INT64_C(1)); /* 0 is no time of the log */
    return true;
}

/* What telling an entry takes. */
static uint64_t entry_bytes(const struct claim *m, struct xstream_id id)
{
    struct xstream *s = m->group.stream;
    ASSERT(s != NULL);
    return m->ids_only ? 0 : xstream_bytes(s, xstream_rank(s, id));
}

/* One that is claimed counts, with the claimer's name; what is beyond the limit
 * of a reply stays as it is, for all nodes would have to look at it. */
static void claim_id(struct claim *m, struct xstream_id id)
{
    ASSERT(m->call != NULL);
    struct xstream *s = m->group.stream;
    struct xpending p;
    bool pending = xpending_find(&m->group, id, &p);
    if (!entry_exists(s, id)) {
        drop_deleted(m, id);
        return;
    }
    if (!pending && !m->force)
        return;
    int64_t idle_ms = keyspace_now(m->call->ks) - p.time_ms;
    if (pending && idle_ms < m->idle_ms)
        return;
    if (m->given > CMD_REPLY_BYTES_MAX)
        return;
    m->given += entry_bytes(m, id) + 2 * m->call->argv[3].len + CLAIM_COST;
    claim(m, &p, pending);
}

void cmd_xclaim_run(struct cmd_call *c)
{
    ASSERT(c->argc >= 2);
    struct cmd_args a = args_of(c);
    struct claim m = {.force = false};
    struct xstream s;
    uint32_t ids = 0;
    if (!cmd_xclaim_check(&a) || !open_group(c, &s, &m.group))
        return;
    if (parse_idle(c, &m) && parse_claim(c, &m, &ids)) {
        bool later = xstream_id_compare(m.last, m.group.last) > 0;
        if (later)
            m.group.last = m.last;
        for (uint32_t i = 0; i < ids; i++) {
            struct xstream_id id;
            if (parse_stream_id(NULL, c->argv[5 + i], 0, &id))
                claim_id(&m, id);
        }
        save_claims(&m, later);
        reply_claimed(&m);
    }
    claim_release(&m);
    xstream_close(&s);
}

/* --- XAUTOCLAIM --------------------------------------------------------- */

static bool parse_autoclaim(const struct cmd_args *a, struct xstream_id *first,
                            int64_t *count, bool *ids_only)
{
    ASSERT(a->argc >= 2);
    *count = CLAIM_COUNT;
    *ids_only = false;
    if (!parse_stream_bound(a->out, a->argv[5], true, first))
        return false;
    for (uint32_t i = 6; i < a->argc; i++) {
        if (word_is(a->argv[i], "justid")) {
            *ids_only = true;
        } else if (word_is(a->argv[i], "count") && i + 1 < a->argc) {
            i++;
            if (!num_parse_i64(a->argv[i], count) || *count <= 0 ||
                *count > INT64_MAX / 16) {
                resp_error(a->out, "ERR COUNT must be > 0");
                return false;
            }
        } else {
            reply_syntax(a->out);
            return false;
        }
    }
    *count = MIN(*count, (int64_t)CLAIM_COUNT_MAX);
    return true;
}

/* What is pending from an id on, so many at most; *next gets the id after them,
 * or 0-0. */
static void list_pending(const struct claim *m, struct xstream_id first,
                         int64_t max, struct buf *ids, struct xstream_id *next)
{
    ASSERT(m->call != NULL);
    struct xpending p;
    struct xwalk w;
    bool more = false;
    xwalk_pending(&w, &m->group, first);
    while ((more = xwalk_next_pending(&w, &p)) && max-- > 0)
        note(ids, p.id);
    *next = more ? p.id : (struct xstream_id){0, 0};
    xwalk_release(&w);
}

/* Claims up to `count` of what is pending; returns where to go on. */
static struct xstream_id autoclaim(struct claim *m, struct xstream_id first,
                                   int64_t count)
{
    ASSERT(m->call != NULL);
    struct buf ids = BUF_INIT;
    struct xstream_id next;
    uint64_t bytes = 0;
    int64_t now_ms = keyspace_now(m->call->ks);
    list_pending(m, first, count * CLAIM_LOOKS, &ids, &next);
    for (size_t at = 0; at < ids.len; at += sizeof(next)) {
        struct xstream_id id;
        struct xpending p;
        memcpy(&id, ids.data + at, sizeof(id));
        if (count <= 0 || bytes > CMD_REPLY_BYTES_MAX) {
            next = id;
            break;
        }
        if (!entry_exists(m->group.stream, id)) {
            drop_deleted(m, id);
            count--;
        } else if (xpending_find(&m->group, id, &p) &&
                   now_ms - p.time_ms >= m->idle_ms) {
            claim(m, &p, true);
            bytes += entry_bytes(m, id);
            count--;
        }
    }
    buf_release(&ids);
    return next;
}

void cmd_xautoclaim_run(struct cmd_call *c)
{
    ASSERT(c->argc >= 2);
    struct cmd_args a = args_of(c);
    struct claim m = {.force = false};
    struct xstream s;
    struct xstream_id first;
    int64_t count = 0;
    if (!cmd_xclaim_check(&a) || !parse_idle(c, &m) ||
        !parse_autoclaim(&a, &first, &count, &m.ids_only) ||
        !open_group(c, &s, &m.group))
        return;
    struct xstream_id next = autoclaim(&m, first, count);
    save_claims(&m, false);
    resp_array(c->out, 3);
    reply_stream_id(c->out, next);
    reply_claimed(&m);
    reply_ids(c, &m.deleted);
    claim_release(&m);
    xstream_close(&s);
}
