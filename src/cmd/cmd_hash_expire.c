/*
 * The expiry of fields: HEXPIRE, HTTL, HPERSIST and their family as in Redis
 * 7.4, HGETDEL, HGETEX and HSETEX as in Redis 8.
 *
 * A time is read in two steps, as for keys: what needs no clock before the
 * command enters the log, the rest when it is applied. Absolute times are by
 * the clock of the leader (keyspace_from_wall).
 *
 * How it fails: with an error reply, and nothing changed. Syntax is looked at
 * before the type of the key, which Redis does the other way round.
 */
#include "base/num.h"
#include "cmd/cmd_collection.h"
#include "cmd/cmd_hash.h"
#include "cmd/cmd_internal.h"
#include "cmd/cmd_parse.h"

/* By the wall clock, in ms: Redis takes no later time. */
#define TIME_MAX_MS ((INT64_C(1) << 46) - 1)

/* What a field answers. */
enum {
    FIELD_NONE = -2,
    FIELD_FOREVER = -1,
    FIELD_KEPT = 0, /* the condition did not hold */
    FIELD_CHANGED = 1,
    FIELD_DELETED = 2,
};

/* A time as it was given. */
struct when {
    bool given;
    bool absolute;
    int64_t ms;
};

/* Fields among the arguments. */
struct fields {
    uint32_t first;
    uint32_t count;
};

static bool parse_when(const struct cmd_args *a, struct bytes text,
                       bool seconds, struct when *out)
{
    int64_t n = 0;
    if (!parse_integer(a->out, text, &n))
        return false;
    if (n < 0) {
        resp_error(a->out, "ERR invalid expire time, must be >= 0");
        return false;
    }
    if (n > (seconds ? TIME_MAX_MS / 1000 : TIME_MAX_MS)) {
        reply_expire_time(a->out, a->cmd);
        return false;
    }
    out->given = true;
    out->ms = seconds ? n * 1000 : n;
    ASSERT(out->ms <= TIME_MAX_MS);
    return true;
}

/* The time by the log; false: it is too late, and that was answered. */
static bool when_ends(struct cmd_call *c, const struct when *w, int64_t *end_ms)
{
    int64_t now_ms = keyspace_now(c->ks);
    *end_ms = 0;
    if (!w->given)
        return true;
    if (w->absolute) {
        *end_ms = keyspace_from_wall(c->ks, w->ms);
        return true;
    }
    if (w->ms > TIME_MAX_MS - keyspace_to_wall(c->ks, now_ms)) {
        reply_expire_time(c->out, c->cmd);
        return false;
    }
    *end_ms = now_ms + w->ms;
    ASSERT(*end_ms >= now_ms);
    return true;
}

#define NO_FIELDS                                                              \
    "ERR Mandatory argument FIELDS is missing or not at the right position"

/* FIELDS, a number, and as many fields, from this argument to the end. */
static bool parse_fields(const struct cmd_args *a, uint32_t at,
                         const char *not_positive, struct fields *out)
{
    int64_t n = 0;
    if (at + 1 >= a->argc || !word_is(a->argv[at], "fields")) {
        resp_error(a->out, NO_FIELDS);
        return false;
    }
    if (!num_parse_i64(a->argv[at + 1], &n) || n < 1) {
        resp_error(a->out, not_positive);
        return false;
    }
    out->first = at + 2;
    if (n > UINT32_MAX || n != a->argc - out->first) {
        resp_error(a->out, "ERR The `numfields` parameter must match the "
                           "number of arguments");
        return false;
    }
    out->count = (uint32_t)n;
    ASSERT(out->count > 0);
    return members_fit(a, out->first, 1);
}

#define NOT_POSITIVE "ERR Number of fields must be a positive integer"

/* --- HEXPIRE ------------------------------------------------------------ */

enum condition { COND_NONE, COND_NX, COND_XX, COND_GT, COND_LT };

struct hexpire {
    struct when when;
    enum condition condition;
    struct fields fields;
};

static bool parse_hexpire(const struct cmd_args *a, struct hexpire *out)
{
    static const char *const words[] = {"", "nx", "xx", "gt", "lt"};
    bool seconds =
        a->cmd->id == CMD_ID_HEXPIRE || a->cmd->id == CMD_ID_HEXPIREAT;
    *out = (struct hexpire){.condition = COND_NONE};
    out->when.absolute =
        a->cmd->id == CMD_ID_HEXPIREAT || a->cmd->id == CMD_ID_HPEXPIREAT;
    if (!parse_when(a, a->argv[2], seconds, &out->when))
        return false;
    for (enum condition c = COND_NX; c <= COND_LT; c++) {
        if (word_is(a->argv[3], words[c]))
            out->condition = c;
    }
    ASSERT(out->condition <= COND_LT);
    return parse_fields(a, out->condition != COND_NONE ? 4 : 3,
                        "ERR Parameter `numFields` should be greater than 0",
                        &out->fields);
}

bool cmd_hexpire_check(struct cmd_args *a)
{
    struct hexpire e;
    ASSERT(a->argc >= 6);
    return parse_hexpire(a, &e);
}

/* A field without an expiry lasts longer than any. */
static bool condition_holds(enum condition c, int64_t had_ms, int64_t end_ms)
{
    ASSERT(end_ms > 0 && had_ms >= 0);
    switch (c) {
    case COND_NX:
        return had_ms == 0;
    case COND_XX:
        return had_ms != 0;
    case COND_GT:
        return had_ms != 0 && end_ms > had_ms;
    case COND_LT:
        return had_ms == 0 || end_ms < had_ms;
    case COND_NONE:
        break;
    }
    return true;
}

static int expire_field(struct cmd_call *c, struct hash *h,
                        const struct hexpire *e, int64_t end_ms,
                        struct bytes field)
{
    struct cell v;
    if (!hash_get(h, field, &v))
        return FIELD_NONE;
    if (!condition_holds(e->condition, v.expire_ms, end_ms))
        return FIELD_KEPT;
    if (end_ms > keyspace_now(c->ks)) {
        hash_set_expiry(h, field, end_ms);
        return FIELD_CHANGED;
    }
    bool was = hash_delete(h, field);
    ASSERT(was || keyspace_error(c->ks) != 0);
    return FIELD_DELETED;
}

static void end_hash(struct hash *h, bool changed)
{
    ASSERT(!changed || h->o->exists);
    if (changed)
        save_hash(h);
    else
        close_hash(h);
}

void cmd_hexpire_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct hexpire e;
    struct hash h;
    int64_t end_ms = 0;
    bool changed = false;
    if (!parse_hexpire(&a, &e) || !when_ends(c, &e.when, &end_ms) ||
        !open_hash(c, &h))
        return;
    resp_array(c->out, e.fields.count);
    for (uint32_t i = 0; i < e.fields.count; i++) {
        int answer =
            expire_field(c, &h, &e, end_ms, c->argv[e.fields.first + i]);
        ASSERT(answer >= FIELD_NONE && answer <= FIELD_DELETED);
        resp_integer(c->out, answer);
        changed |= answer > FIELD_KEPT;
    }
    end_hash(&h, changed);
}

/* --- HTTL, HPERSIST ----------------------------------------------------- */

static bool parse_plain(const struct cmd_args *a, struct fields *out)
{
    ASSERT(a->argc >= 5);
    return parse_fields(a, 2, NOT_POSITIVE, out);
}

bool cmd_hfields_check(struct cmd_args *a)
{
    struct fields f;
    return parse_plain(a, &f);
}

/* An expiry as the command tells it; seconds are rounded up. */
static int64_t told_time(struct cmd_call *c, int64_t expire_ms)
{
    enum cmd_id id = c->cmd->id;
    bool absolute = id == CMD_ID_HEXPIRETIME || id == CMD_ID_HPEXPIRETIME;
    int64_t ms = absolute ? keyspace_to_wall(c->ks, expire_ms)
                          : expire_ms - keyspace_now(c->ks);
    ASSERT(ms >= 0);
    bool seconds = id == CMD_ID_HTTL || id == CMD_ID_HEXPIRETIME;
    return seconds ? ms / 1000 + (ms % 1000 != 0) : ms;
}

void cmd_httl_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct fields f;
    struct hash h;
    struct cell v;
    if (!parse_plain(&a, &f) || !open_hash(c, &h))
        return;
    resp_array(c->out, f.count);
    for (uint32_t i = 0; i < f.count; i++) {
        if (!hash_get(&h, c->argv[f.first + i], &v))
            resp_integer(c->out, FIELD_NONE);
        else if (v.expire_ms == 0)
            resp_integer(c->out, FIELD_FOREVER);
        else
            resp_integer(c->out, told_time(c, v.expire_ms));
    }
    ASSERT(c->cmd->id != CMD_ID_HPERSIST);
    close_hash(&h);
}

void cmd_hpersist_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct fields f;
    struct hash h;
    struct cell v;
    bool changed = false;
    if (!parse_plain(&a, &f) || !open_hash(c, &h))
        return;
    resp_array(c->out, f.count);
    for (uint32_t i = 0; i < f.count; i++) {
        struct bytes field = c->argv[f.first + i];
        bool found = hash_get(&h, field, &v);
        bool expires = found && v.expire_ms != 0;
        if (expires)
            hash_set_expiry(&h, field, 0);
        changed |= expires;
        resp_integer(c->out, expires ? FIELD_CHANGED
                             : found ? FIELD_FOREVER
                                     : FIELD_NONE);
    }
    end_hash(&h, changed);
}

/* --- HGETDEL, HGETEX ---------------------------------------------------- */

static bool reply_field(struct cmd_call *c, struct hash *h, struct bytes field)
{
    struct cell v;
    bool found = hash_get(h, field, &v);
    ASSERT(!found || h->o->exists);
    if (found)
        reply_cell(c, h->o, &v);
    else
        resp_null(c->out);
    return found;
}

void cmd_hgetdel_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct fields f;
    struct hash h;
    bool changed = false;
    if (!parse_plain(&a, &f) || !open_hash(c, &h))
        return;
    resp_array(c->out, f.count);
    for (uint32_t i = 0; i < f.count; i++) {
        struct bytes field = c->argv[f.first + i];
        if (reply_field(c, &h, field))
            changed |= hash_delete(&h, field);
    }
    ASSERT(!changed || h.o->exists);
    end_hash(&h, changed);
}

struct field_options {
    struct when when;
    bool persist;             /* HGETEX */
    bool keep;                /* HSETEX: KEEPTTL */
    enum condition condition; /* HSETEX: FNX, FXX */
    struct fields fields;
};

/* EX PX EXAT PXAT at *at, which moves to the last word taken; *ok: its number
 * is right. False: it is none of these. */
static bool when_option(const struct cmd_args *a, uint32_t *at,
                        struct when *out, bool *ok)
{
    static const char *const words[] = {"ex", "px", "exat", "pxat"};
    *ok = true;
    ASSERT(*at < a->argc);
    for (uint32_t i = 0; i < ARRAY_LEN(words); i++) {
        if (!word_is(a->argv[*at], words[i]) || *at + 1 == a->argc)
            continue;
        out->absolute = i >= 2;
        *at += 1;
        *ok = parse_when(a, a->argv[*at], i % 2 == 0, out);
        return true;
    }
    return false;
}

static bool parse_hgetex(const struct cmd_args *a, struct field_options *out)
{
    uint32_t at = 2;
    bool ok = true;
    *out = (struct field_options){.condition = COND_NONE};
    ASSERT(a->argc >= 5);
    out->persist = word_is(a->argv[at], "persist");
    if (out->persist || when_option(a, &at, &out->when, &ok))
        at++;
    return ok && parse_fields(a, at, NOT_POSITIVE, &out->fields);
}

bool cmd_hgetex_check(struct cmd_args *a)
{
    struct field_options o;
    ASSERT(a->cmd->id == CMD_ID_HGETEX);
    return parse_hgetex(a, &o);
}

/* What was found and told gets its new expiry; true if that changes anything.
 */
static bool touch_field(struct cmd_call *c, struct hash *h,
                        const struct field_options *o, int64_t end_ms,
                        struct bytes field)
{
    struct cell v;
    bool found = hash_get(h, field, &v);
    ASSERT(found || keyspace_error(c->ks) != 0);
    if (!found || (!o->persist && !o->when.given) || v.expire_ms == end_ms)
        return false;
    if (o->when.given && end_ms <= keyspace_now(c->ks))
        return hash_delete(h, field);
    hash_set_expiry(h, field, end_ms);
    return true;
}

void cmd_hgetex_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct field_options o;
    struct hash h;
    int64_t end_ms = 0;
    bool changed = false;
    if (!parse_hgetex(&a, &o) || !when_ends(c, &o.when, &end_ms) ||
        !open_hash(c, &h))
        return;
    resp_array(c->out, o.fields.count);
    for (uint32_t i = 0; i < o.fields.count; i++) {
        struct bytes field = c->argv[o.fields.first + i];
        if (reply_field(c, &h, field))
            changed |= touch_field(c, &h, &o, end_ms, field);
    }
    ASSERT(!changed || h.o->exists);
    end_hash(&h, changed);
}

/* --- HSETEX ------------------------------------------------------------- */

static bool exclusive(const struct cmd_args *a, bool given, const char *text)
{
    ASSERT(text != NULL);
    if (given)
        resp_error(a->out, text);
    return !given;
}

/* EX PX EXAT PXAT KEEPTTL of HSETEX, of which there is one at most, at *at. */
static bool hsetex_expiry(const struct cmd_args *a, uint32_t *at,
                          struct field_options *o)
{
    bool ok = true;
    ASSERT(*at < a->argc);
    if (!exclusive(a, o->when.given || o->keep,
                   "ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments "
                   "can be specified"))
        return false;
    o->keep = word_is(a->argv[*at], "keepttl");
    if (o->keep || when_option(a, at, &o->when, &ok))
        return ok;
    resp_error(a->out, "ERR missing expire time");
    return false;
}

/* One option of HSETEX at *at. False: it is wrong, and that was answered. */
static bool hsetex_option(const struct cmd_args *a, uint32_t *at,
                          struct field_options *o)
{
    static const char *const expiries[] = {"ex", "px", "exat", "pxat",
                                           "keepttl"};
    struct bytes arg = a->argv[*at];
    ASSERT(*at < a->argc);
    if (word_is(arg, "fnx") || word_is(arg, "fxx")) {
        if (!exclusive(a, o->condition != COND_NONE,
                       "ERR Only one of FXX or FNX arguments can be specified"))
            return false;
        o->condition = word_is(arg, "fnx") ? COND_NX : COND_XX;
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(expiries); i++) {
        if (word_is(arg, expiries[i]))
            return hsetex_expiry(a, at, o);
    }
    resp_errorf(a->out, "ERR unknown argument: %.*s",
                (int)MIN(arg.len, (size_t)128), (const char *)arg.data);
    return false;
}

/* FIELDS, a number, and as many fields with their values. Redis has other words
 * for what is wrong here than elsewhere. */
static bool parse_pairs(const struct cmd_args *a, uint32_t at,
                        struct fields *out)
{
    int64_t n = 0;
    ASSERT(word_is(a->argv[at], "fields"));
    if (a->argc - at <= 3) {
        cmd_reply_arity(a->out, a->cmd);
        return false;
    }
    if (!num_parse_i64(a->argv[at + 1], &n) || n < 1 || n > INT32_MAX) {
        resp_error(a->out, "ERR invalid number of fields");
        return false;
    }
    *out = (struct fields){at + 2, (uint32_t)n};
    if (2 * (uint64_t)n != a->argc - out->first) {
        cmd_reply_arity(a->out, a->cmd);
        return false;
    }
    return members_fit(a, out->first, 2);
}

static bool parse_hsetex(const struct cmd_args *a, struct field_options *out)
{
    uint32_t at = 2;
    *out = (struct field_options){.condition = COND_NONE};
    ASSERT(a->argc >= 6);
    for (; at < a->argc; at++) {
        if (word_is(a->argv[at], "fields"))
            return parse_pairs(a, at, &out->fields);
        if (!hsetex_option(a, &at, out))
            return false;
    }
    resp_error(a->out, NO_FIELDS);
    return false;
}

bool cmd_hsetex_check(struct cmd_args *a)
{
    struct field_options o;
    ASSERT(a->cmd->id == CMD_ID_HSETEX);
    return parse_hsetex(a, &o);
}

/* FNX: none of the fields is there; FXX: all are. */
static bool all_hold(struct cmd_call *c, struct hash *h,
                     const struct field_options *o)
{
    struct cell v;
    ASSERT(o->condition <= COND_XX);
    for (uint32_t i = 0; o->condition != COND_NONE && i < o->fields.count;
         i++) {
        bool found = hash_get(h, c->argv[o->fields.first + 2 * i], &v);
        if (found != (o->condition == COND_XX))
            return false;
    }
    return true;
}

static void set_field(struct cmd_call *c, struct hash *h,
                      const struct field_options *o, int64_t end_ms, uint32_t i)
{
    struct bytes field = c->argv[o->fields.first + 2 * i];
    struct cell v;
    if (o->when.given && end_ms <= keyspace_now(c->ks)) {
        hash_delete(h, field);
        return;
    }
    if (o->keep)
        end_ms = hash_get(h, field, &v) ? v.expire_ms : 0;
    ASSERT(end_ms >= 0);
    hash_set_until(h, field, c->argv[o->fields.first + 2 * i + 1], end_ms);
}

void cmd_hsetex_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct field_options o;
    struct hash h;
    int64_t end_ms = 0;
    if (!parse_hsetex(&a, &o) || !when_ends(c, &o.when, &end_ms) ||
        !open_hash(c, &h))
        return;
    if (!all_hold(c, &h, &o)) {
        resp_integer(c->out, 0);
        close_hash(&h);
        return;
    }
    for (uint32_t i = 0; i < o.fields.count; i++)
        set_field(c, &h, &o, end_ms, i);
    ASSERT(h.o->type == VALUE_HASH);
    if (h.o->exists || object_count(h.o) > 0)
        save_hash(&h);
    else
        close_hash(&h);
    resp_integer(c->out, 1);
}
