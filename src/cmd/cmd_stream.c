/*
 * XADD, XDEL, XTRIM, XSETID, XLEN: what changes streams, and what the commands
 * on them share.
 *
 * The options of XADD and XTRIM are read left to right, and what they exclude
 * is refused with Redis' texts. `~` cuts entries in hundreds, as Redis cuts
 * nodes of a hundred; it never cuts more than was asked for.
 *
 * Ids that the stream makes are of the wall clock as the entry's leader shows
 * it, so they are the same on all replicas.
 *
 * How it fails: with an error reply, and nothing changed.
 */
#include "cmd/cmd_stream.h"

#include "base/num.h"
#include "cmd/cmd_internal.h"
#include "cmd/cmd_parse.h"

#include <inttypes.h>

#define NODE_ENTRIES 100
#define ID_TEXT_MAX  127
#define LIMIT_NODES  100 /* that `~` cuts when no LIMIT says another number */

/* --- ids ---------------------------------------------------------------- */

/* A number as Redis reads it here: spaces and a plus sign may be in front, and
 * zeros. */
static bool parse_half(struct bytes text, uint64_t *out)
{
    size_t at = 0;
    while (at < text.len && (text.data[at] == ' ' ||
                             (text.data[at] >= '\t' && text.data[at] <= '\r')))
        at++;
    if (at < text.len && text.data[at] == '+')
        at++;
    if (at == text.len)
        return false;
    for (*out = 0; at < text.len; at++) {
        uint8_t digit = (uint8_t)(text.data[at] - '0');
        if (digit > 9 || __builtin_mul_overflow(*out, UINT64_C(10), out) ||
            __builtin_add_overflow(*out, (uint64_t)digit, out))
            return false;
    }
    return true;
}

/* *star: the sequence may be "*", and was; NULL: it may not. */
static bool read_id(struct bytes text, uint64_t missing, bool *star,
                    struct xstream_id *out)
{
    const uint8_t *dash =
        text.len > 0 ? memchr(text.data, '-', text.len) : NULL;
    size_t len = dash != NULL ? (size_t)(dash - text.data) : text.len;
    out->seq = missing;
    if (text.len > ID_TEXT_MAX ||
        !parse_half(bytes_of(text.data, len), &out->ms))
        return false;
    if (dash == NULL)
        return true;
    struct bytes rest = bytes_from(text, len + 1);
    if (star != NULL && bytes_eq(rest, BYTES_LIT("*"))) {
        *star = true;
        return true;
    }
    return parse_half(rest, &out->seq);
}

static void reply_no_id(struct resp_writer *w)
{
    resp_error(w, "ERR Invalid stream ID specified as stream command argument");
}

bool parse_stream_id(struct resp_writer *w, struct bytes text, uint64_t missing,
                     struct xstream_id *out)
{
    ASSERT(text.len == 0 || text.data != NULL);
    ASSERT(out != NULL);
    if (read_id(text, missing, NULL, out))
        return true;
    reply_no_id(w);
    return false;
}

void reply_stream_id(struct resp_writer *w, struct xstream_id id)
{
    resp_bulkf(w, "%" PRIu64 "-%" PRIu64, id.ms, id.seq);
}

bool open_stream(struct cmd_call *c, struct bytes key, struct xstream *out)
{
    ASSERT(c->argc >= 2);
    if (xstream_open(c->ks, c->db, key, out) != OBJECT_OTHER)
        return true;
    ASSERT(out->object == NULL);
    reply_wrong_type(c->out);
    return false;
}

/* --- options ------------------------------------------------------------ */

enum trim { TRIM_NONE, TRIM_MAXLEN, TRIM_MINID };

struct add_options {
    enum trim trim;
    bool about; /* ~ */
    int64_t length;
    struct xstream_id min;
    int64_t limit;
    bool limited;
    bool no_stream; /* NOMKSTREAM */
    enum { ID_NEXT, ID_SEQ, ID_GIVEN } id_kind;
    struct xstream_id id;
    uint32_t at; /* the argument of the id; without one the number of all */
};

static bool refuse(const struct cmd_args *a, const char *text)
{
    ASSERT(a->argc >= 2);
    resp_error(a->out, text);
    return false;
}

/* MAXLEN or MINID, with what follows it; *i goes to the last of that. */
static bool parse_trim(const struct cmd_args *a, uint32_t *i, enum trim trim,
                       struct add_options *o)
{
    ASSERT(a->argc >= 2);
    ASSERT(*i < a->argc);
    ASSERT(*i + 1 < a->argc);
    if (o->trim != TRIM_NONE)
        return refuse(a, "ERR syntax error, MAXLEN and MINID options at the "
                         "same time are not compatible");
    struct bytes next = a->argv[*i + 1];
    bool about = bytes_eq(next, BYTES_LIT("~"));
    o->trim = trim;
    o->about = false;
    if (*i + 2 < a->argc && (about || bytes_eq(next, BYTES_LIT("=")))) {
        o->about = about;
        *i += 1;
    }
    *i += 1;
    if (trim == TRIM_MINID)
        return parse_stream_id(a->out, a->argv[*i], 0, &o->min);
    if (!parse_integer(a->out, a->argv[*i], &o->length))
        return false;
    return o->length >= 0 || refuse(a, "ERR The MAXLEN argument must be >= 0.");
}

static bool parse_limit(const struct cmd_args *a, uint32_t *i,
                        struct add_options *o)
{
    ASSERT(a->argc >= 2);
    ASSERT(*i < a->argc);
    *i += 1;
    o->limited = true;
    if (!parse_integer(a->out, a->argv[*i], &o->limit))
        return false;
    return o->limit >= 0 || refuse(a, "ERR The LIMIT argument must be >= 0.");
}

static bool parse_new_id(const struct cmd_args *a, struct add_options *o)
{
    ASSERT(a->argc >= 2);
    bool star = false;
    if (bytes_eq(a->argv[o->at], BYTES_LIT("*"))) {
        o->id_kind = ID_NEXT;
        return true;
    }
    if (!read_id(a->argv[o->at], 0, &star, &o->id)) {
        reply_no_id(a->out);
        return false;
    }
    o->id_kind = star ? ID_SEQ : ID_GIVEN;
    return true;
}

/* One option; *i goes to its last argument. *id: it is none, so an id. */
static bool parse_option(const struct cmd_args *a, uint32_t *i,
                         struct add_options *o, bool *id)
{
    ASSERT(a->argc >= 2);
    ASSERT(*i < a->argc);
    bool adds = a->cmd->id == CMD_ID_XADD;
    bool more = *i + 1 < a->argc;
    struct bytes word = a->argv[*i];
    if (word_is(word, "maxlen") && more)
        return parse_trim(a, i, TRIM_MAXLEN, o);
    if (word_is(word, "minid") && more)
        return parse_trim(a, i, TRIM_MINID, o);
    if (word_is(word, "limit") && more)
        return parse_limit(a, i, o);
    if (adds && word_is(word, "nomkstream")) {
        o->no_stream = true;
        return true;
    }
    *id = adds;
    if (!adds)
        reply_syntax(a->out);
    return adds;
}

/* What the options say together. */
static bool options_fit(const struct cmd_args *a, struct add_options *o)
{
    ASSERT(a->argc >= 2);
    if (o->limit > 0 && o->trim == TRIM_NONE)
        return refuse(a, "ERR syntax error, LIMIT cannot be used without "
                         "specifying a trimming strategy");
    if (a->cmd->id == CMD_ID_XTRIM && o->trim == TRIM_NONE)
        return refuse(a, "ERR syntax error, XTRIM must be called with a "
                         "trimming strategy");
    if (o->limited && !o->about)
        return refuse(a, "ERR syntax error, LIMIT cannot be used without the "
                         "special ~ option");
    if (o->about && !o->limited)
        o->limit = LIMIT_NODES * NODE_ENTRIES;
    return true;
}

static bool parse_add_options(const struct cmd_args *a, struct add_options *o)
{
    ASSERT(a->argc >= 2);
    bool id = false;
    uint32_t i = 2;
    *o = (struct add_options){.trim = TRIM_NONE};
    while (i < a->argc && !id) {
        if (!parse_option(a, &i, o, &id))
            return false;
        i += !id;
    }
    o->at = i;
    if (id && !parse_new_id(a, o))
        return false;
    return options_fit(a, o);
}

static bool parse_xadd(const struct cmd_args *a, struct add_options *o)
{
    ASSERT(a->argc >= 2);
    if (!parse_add_options(a, o))
        return false;
    if (o->at + 3 > a->argc || (a->argc - o->at) % 2 == 0) {
        cmd_reply_arity(a->out, a->cmd);
        return false;
    }
    return o->id_kind != ID_GIVEN || !xstream_id_is_zero(o->id) ||
           refuse(a, "ERR The ID specified in XADD must be greater than 0-0");
}

/* --- XADD, XTRIM -------------------------------------------------------- */

/* Cuts what is too much; returns how many entries. */
static uint64_t trim(struct xstream *s, const struct add_options *o)
{
    ASSERT(s->object != NULL);
    uint64_t length = xstream_length(s);
    uint64_t cut = 0;
    if (o->trim == TRIM_MAXLEN && length > (uint64_t)o->length)
        cut = length - (uint64_t)o->length;
    else if (o->trim == TRIM_MINID)
        cut = xstream_rank(s, o->min);
    if (o->about && o->limit > 0)
        cut = MIN(cut, (uint64_t)o->limit);
    if (o->about && cut < length)
        cut -= cut % NODE_ENTRIES;
    xstream_cut(s, cut);
    return cut;
}

/* The id of a new entry; false: there is none for it. */
static bool choose_id(struct cmd_call *c, const struct xstream *s,
                      const struct add_options *o, struct xstream_id *id)
{
    ASSERT(c->argc >= 2);
    ASSERT(s->object != NULL);
    uint64_t now_ms = (uint64_t)keyspace_to_wall(c->ks, keyspace_now(c->ks));
    *id = o->id;
    if (o->id_kind == ID_GIVEN)
        return xstream_id_compare(*id, s->last) > 0;
    if (o->id_kind == ID_NEXT)
        id->ms = MAX(now_ms, s->last.ms);
    if (id->ms != s->last.ms) {
        id->seq = 0;
        return id->ms > s->last.ms;
    }
    *id = s->last;
    if (o->id_kind == ID_NEXT)
        return xstream_id_next(id);
    return id->seq++ < UINT64_MAX;
}

static void reply_no_new_id(struct cmd_call *c, const struct xstream *s,
                            const struct add_options *o)
{
    ASSERT(c->argc >= 2);
    ASSERT(s->object != NULL);
    bool full = o->id_kind == ID_SEQ && o->id.ms == s->last.ms;
    resp_error(c->out,
               full ? "ERR Elements are too large to be stored"
                    : "ERR The ID specified in XADD is equal or smaller than "
                      "the target stream top item");
}

bool cmd_xadd_check(struct cmd_args *a)
{
    ASSERT(a->argc >= 2 && a->cmd->container <= CMD_ID_LAST_COMMAND);
    struct add_options o;
    return parse_xadd(a, &o);
}

static void add(struct cmd_call *c, struct xstream *s,
                const struct add_options *o)
{
    ASSERT(c->argc >= 2);
    struct xstream_id id;
    if (o->no_stream && !s->object->exists) {
        resp_null(c->out);
        return;
    }
    if (xstream_id_compare(s->last, XSTREAM_ID_MAX) == 0) {
        resp_error(c->out, "ERR The stream has exhausted the last possible ID, "
                           "unable to add more items");
        return;
    }
    if (!choose_id(c, s, o, &id)) {
        reply_no_new_id(c, s, o);
        return;
    }
    xstream_add(s, id, c->argv + o->at + 1, c->argc - o->at - 1);
    (void)trim(s, o);
    xstream_save(s);
    keyspace_ready(c->ks, c->db, c->argv[1]); /* it may be no longer for that */
    reply_stream_id(c->out, id);
}

void cmd_xadd_run(struct cmd_call *c)
{
    ASSERT(c->argc >= 2);
    struct cmd_args a = args_of(c);
    struct add_options o;
    struct xstream s;
    if (!parse_xadd(&a, &o) || !open_stream(c, c->argv[1], &s))
        return;
    add(c, &s, &o);
    xstream_close(&s);
}

bool cmd_xtrim_check(struct cmd_args *a)
{
    ASSERT(a->argc >= 2 && a->cmd->container <= CMD_ID_LAST_COMMAND);
    struct add_options o;
    return parse_add_options(a, &o);
}

void cmd_xtrim_run(struct cmd_call *c)
{
    ASSERT(c->argc >= 2);
    struct cmd_args a = args_of(c);
    struct add_options o;
    struct xstream s;
    if (!parse_add_options(&a, &o) || !open_stream(c, c->argv[1], &s))
        return;
    uint64_t cut = s.object->exists ? trim(&s, &o) : 0;
    if (cut > 0)
        xstream_save(&s);
    resp_integer(c->out, (int64_t)cut);
    xstream_close(&s);
}

/* --- the others --------------------------------------------------------- */

void cmd_xlen_run(struct cmd_call *c)
{
    ASSERT(c->argc >= 2);
    struct xstream s;
    if (!open_stream(c, c->argv[1], &s))
        return;
    resp_integer(c->out, (int64_t)xstream_length(&s));
    xstream_close(&s);
}

/* All ids are looked at before the first entry goes. */
static void delete_entries(struct cmd_call *c, struct xstream *s)
{
    ASSERT(c->argc >= 2);
    ASSERT(s->object != NULL);
    struct xstream_id id;
    int64_t deleted = 0;
    for (uint32_t i = 2; i < c->argc; i++) {
        if (!parse_stream_id(c->out, c->argv[i], 0, &id))
            return;
    }
    for (uint32_t i = 2; i < c->argc; i++)
        deleted += read_id(c->argv[i], 0, NULL, &id) && xstream_delete(s, id);
    if (deleted > 0)
        xstream_save(s);
    resp_integer(c->out, deleted);
}

void cmd_xdel_run(struct cmd_call *c)
{
    ASSERT(c->argc >= 2);
    struct xstream s;
    if (!open_stream(c, c->argv[1], &s))
        return;
    if (s.object->exists)
        delete_entries(c, &s);
    else
        resp_integer(c->out, 0);
    xstream_close(&s);
}

struct set_id {
    struct xstream_id id;
    struct xstream_id max_deleted;
    int64_t added; /* -1: not given */
    bool deletes;  /* max_deleted was given */
};

static bool parse_setid_option(const struct cmd_args *a, uint32_t i,
                               struct set_id *o)
{
    ASSERT(a->argc >= 2);
    if (word_is(a->argv[i], "entriesadded")) {
        if (!parse_integer(a->out, a->argv[i + 1], &o->added))
            return false;
        return o->added >= 0 || refuse(a, "ERR entries_added must be positive");
    }
    if (!word_is(a->argv[i], "maxdeletedid")) {
        reply_syntax(a->out);
        return false;
    }
    o->deletes = true;
    if (!parse_stream_id(a->out, a->argv[i + 1], 0, &o->max_deleted))
        return false;
    return xstream_id_compare(o->id, o->max_deleted) >= 0 ||
           refuse(a, "ERR The ID specified in XSETID is smaller than the "
                     "provided max_deleted_entry_id");
}

static bool parse_setid(const struct cmd_args *a, struct set_id *o)
{
    ASSERT(a->argc >= 2);
    *o = (struct set_id){.added = -1};
    if (!parse_stream_id(a->out, a->argv[2], 0, &o->id))
        return false;
    for (uint32_t i = 3; i < a->argc; i += 2) {
        if (i + 1 == a->argc) {
            reply_syntax(a->out);
            return false;
        }
        if (!parse_setid_option(a, i, o))
            return false;
    }
    return true;
}

bool cmd_xsetid_check(struct cmd_args *a)
{
    ASSERT(a->argc >= 2 && a->cmd->container <= CMD_ID_LAST_COMMAND);
    struct set_id o;
    return parse_setid(a, &o);
}

/* NULL: nothing is wrong with it. */
static const char *setid_refusal(struct xstream *s, const struct set_id *o)
{
    if (!s->object->exists)
        return "ERR no such key";
    if (xstream_length(s) == 0)
        return NULL;
    if (xstream_id_compare(o->id, xstream_final(s)) < 0)
        return "ERR The ID specified in XSETID is smaller than the target "
               "stream top item";
    if (o->added >= 0 && (uint64_t)o->added < xstream_length(s))
        return "ERR The entries_added specified in XSETID is smaller than the "
               "target stream length";
    return NULL;
}

void cmd_xsetid_run(struct cmd_call *c)
{
    ASSERT(c->argc >= 2);
    struct cmd_args a = args_of(c);
    struct set_id o;
    struct xstream s;
    if (!parse_setid(&a, &o) || !open_stream(c, c->argv[1], &s))
        return;
    const char *refusal = setid_refusal(&s, &o);
    if (refusal != NULL) {
        resp_error(c->out, refusal);
    } else {
        s.last = o.id;
        if (o.added >= 0)
            s.added = (uint64_t)o.added;
        if (o.deletes && !xstream_id_is_zero(o.max_deleted))
            s.max_deleted = o.max_deleted;
        xstream_save(&s);
        resp_status(c->out, "OK");
    }
    xstream_close(&s);
}
