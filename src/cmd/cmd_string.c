/*
 * SET, GET and their family: values as strings of bytes.
 *
 * A value that was looked up is borrowed until the next call on the keyspace:
 * it is answered before anything is changed.
 *
 * How it fails: with an error reply, and nothing changed.
 */
#include "base/num.h"
#include "cmd/cmd_internal.h"
#include "cmd/cmd_parse.h"

/* --- SET ---------------------------------------------------------------- */

/* False: the error has been written. */
static bool condition_holds(struct cmd_call *c, const struct set_options *o,
                            const struct value *old, bool *holds)
{
    bool exists = old->type != VALUE_NONE;
    ASSERT(o->condition <= SET_COMPARED);
    switch (o->condition) {
    case SET_NX:
        *holds = !exists;
        break;
    case SET_XX:
        *holds = exists;
        break;
    case SET_COMPARED:
        return comparison_holds(c, &o->comparison, old, holds);
    case SET_ALWAYS:
        *holds = true;
        break;
    }
    return true;
}

/* False for a plain SET: no option looks at the old value. */
static bool needs_old(const struct set_options *o)
{
    ASSERT(o->condition <= SET_COMPARED);
    return o->get || o->condition != SET_ALWAYS ||
           o->expiry.kind == EXPIRE_KEEPTTL;
}

static void set_with_old(struct cmd_call *c, const struct set_options *o,
                         int64_t expire_ms)
{
    struct value old;
    bool set = false;
    ASSERT(needs_old(o));
    if (o->get) {
        if (!lookup_answer(c, c->argv[1], &old))
            return;
    } else if (o->condition == SET_COMPARED) {
        if (!lookup_string(c, c->argv[1], &old))
            return;
    } else if (!keyspace_get(c->ks, c->db, c->argv[1], &old)) {
        ASSERT(old.type == VALUE_NONE);
    }
    if (!condition_holds(c, o, &old, &set))
        return;
    if (o->get)
        reply_value(c, &old);
    else if (set)
        resp_status(c->out, "OK");
    else
        resp_null(c->out);
    if (!set)
        return;
    ASSERT(o->expiry.kind != EXPIRE_KEEPTTL || expire_ms == 0);
    if (o->expiry.kind == EXPIRE_KEEPTTL)
        expire_ms = old.expire_ms;
    put_string(c, c->argv[1], c->argv[2], expire_ms);
}

bool cmd_set_check(struct cmd_args *a)
{
    struct set_options o;
    bool ok = parse_set_options(a, &o);
    ASSERT(!ok || o.expiry.kind != EXPIRE_EX || o.expiry.ms >= 1000);
    return ok;
}

void cmd_set_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct set_options o;
    int64_t expire_ms = 0;
    if (!parse_set_options(&a, &o) || !expiry_end(c, &o.expiry, &expire_ms))
        return;
    ASSERT(expire_ms == 0 || o.expiry.ms > 0);
    if (needs_old(&o)) {
        set_with_old(c, &o, expire_ms);
        return;
    }
    ASSERT(o.condition == SET_ALWAYS && !o.get);
    put_string(c, c->argv[1], c->argv[2], expire_ms);
    resp_status(c->out, "OK");
}

/* The expiry of SETEX, in seconds, or of PSETEX, in milliseconds. */
static bool parse_setex(const struct cmd_args *a, struct expiry *e)
{
    bool seconds = a->cmd->id == CMD_ID_SETEX;
    ASSERT(a->argc == 4);
    ASSERT(seconds || a->cmd->id == CMD_ID_PSETEX);
    e->kind = seconds ? EXPIRE_EX : EXPIRE_PX;
    e->arg = a->argv[2];
    return parse_expiry(a, e);
}

bool cmd_setex_check(struct cmd_args *a)
{
    struct expiry e;
    bool ok = parse_setex(a, &e);
    ASSERT(!ok || e.ms > 0);
    return ok;
}

void cmd_setex_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct expiry e;
    int64_t expire_ms = 0;
    if (!parse_setex(&a, &e) || !expiry_end(c, &e, &expire_ms))
        return;
    ASSERT(expire_ms > 0);
    put_string(c, c->argv[1], c->argv[3], expire_ms);
    resp_status(c->out, "OK");
}

void cmd_setnx_run(struct cmd_call *c)
{
    struct value old;
    ASSERT(c->argc == 3);
    bool exists = keyspace_get(c->ks, c->db, c->argv[1], &old);
    ASSERT(exists == (old.type != VALUE_NONE));
    if (!exists)
        put_string(c, c->argv[1], c->argv[2], 0);
    resp_integer(c->out, exists ? 0 : 1);
}

void cmd_getset_run(struct cmd_call *c)
{
    struct value old;
    ASSERT(c->argc == 3);
    if (!lookup_answer(c, c->argv[1], &old))
        return;
    reply_value(c, &old);
    put_string(c, c->argv[1], c->argv[2], 0);
}

/* --- several keys ------------------------------------------------------- */

bool cmd_pairs_check(struct cmd_args *a)
{
    ASSERT(a->argc >= 3);
    ASSERT(a->cmd->keys[0].step == 2);
    if (a->argc % 2 == 1)
        return true;
    cmd_reply_arity(a->out, a->cmd);
    return false;
}

static void put_pairs(struct cmd_call *c)
{
    ASSERT(c->argc >= 3 && c->argc % 2 == 1);
    for (uint32_t i = 1; i < c->argc; i += 2)
        put_string(c, c->argv[i], c->argv[i + 1], 0);
}

void cmd_mset_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    ASSERT(c->cmd->id == CMD_ID_MSET);
    if (!cmd_pairs_check(&a))
        return;
    put_pairs(c);
    resp_status(c->out, "OK");
}

void cmd_msetnx_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct value old;
    ASSERT(c->cmd->id == CMD_ID_MSETNX);
    if (!cmd_pairs_check(&a))
        return;
    for (uint32_t i = 1; i < c->argc; i += 2) {
        if (keyspace_get(c->ks, c->db, c->argv[i], &old)) {
            resp_integer(c->out, 0);
            return;
        }
    }
    put_pairs(c);
    resp_integer(c->out, 1);
}

/* Keys and values, and what follows them. */
static bool parse_msetex(const struct cmd_args *a, uint32_t *keys,
                         struct set_options *o)
{
    int64_t number = 0;
    ASSERT(a->argc >= 4);
    if (!num_parse_i64(a->argv[1], &number) || number < 1 ||
        number > INT32_MAX) {
        resp_error(a->out, "ERR invalid numkeys value");
        return false;
    }
    if (number > (a->argc - 2) / 2) {
        resp_error(a->out, "ERR wrong number of key-value pairs");
        return false;
    }
    *keys = (uint32_t)number;
    return parse_msetex_options(a, 2 + 2 * *keys, o);
}

bool cmd_msetex_check(struct cmd_args *a)
{
    struct set_options o;
    uint32_t keys = 0;
    bool ok = parse_msetex(a, &keys, &o);
    ASSERT(!ok || !o.get);
    return ok;
}

/* Whether each of the keys is there, or none. */
static bool all_are(struct cmd_call *c, uint32_t keys, bool there)
{
    struct value v;
    ASSERT(2 + 2 * keys <= c->argc);
    for (uint32_t i = 0; i < keys; i++) {
        if (keyspace_get(c->ks, c->db, c->argv[2 + 2 * i], &v) != there)
            return false;
    }
    return true;
}

void cmd_msetex_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct set_options o;
    uint32_t keys = 0;
    int64_t expire_ms = 0;
    if (!parse_msetex(&a, &keys, &o) || !expiry_end(c, &o.expiry, &expire_ms))
        return;
    ASSERT(keys >= 1 && o.condition != SET_COMPARED);
    if (o.condition != SET_ALWAYS && !all_are(c, keys, o.condition == SET_XX)) {
        resp_integer(c->out, 0);
        return;
    }
    for (uint32_t i = 2; i < 2 + 2 * keys; i += 2) {
        struct value old;
        if (o.expiry.kind == EXPIRE_KEEPTTL)
            expire_ms = keyspace_get(c->ks, c->db, c->argv[i], &old)
                            ? old.expire_ms
                            : 0;
        put_string(c, c->argv[i], c->argv[i + 1], expire_ms);
    }
    resp_integer(c->out, 1);
}

void cmd_mget_run(struct cmd_call *c)
{
    ASSERT(c->argc >= 2);
    resp_array(c->out, c->argc - 1);
    for (uint32_t i = 1; i < c->argc; i++) {
        struct value v;
        if (may_stop(c))
            return;
        bool found = keyspace_get(c->ks, c->db, c->argv[i], &v);
        if (!found || v.type != VALUE_STRING)
            v.type = VALUE_NONE;
        reply_value(c, &v);
    }
}

/* --- GET ---------------------------------------------------------------- */

void cmd_get_run(struct cmd_call *c)
{
    struct value v;
    ASSERT(c->argc == 2);
    if (lookup_string(c, c->argv[1], &v))
        reply_value(c, &v);
}

void cmd_getdel_run(struct cmd_call *c)
{
    struct value v;
    ASSERT(c->argc == 2);
    if (!lookup_answer(c, c->argv[1], &v))
        return;
    reply_value(c, &v);
    if (v.type != VALUE_NONE) {
        bool was = keyspace_delete(c->ks, c->db, c->argv[1]);
        ASSERT(was);
    }
}

bool cmd_getex_check(struct cmd_args *a)
{
    struct set_options o;
    bool ok = parse_getex_options(a, &o);
    ASSERT(!ok || o.condition == SET_ALWAYS);
    return ok;
}

/* A wrong time is an error only if the key exists, as in Redis: so it is
 * looked at when the command is applied. */
void cmd_getex_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct set_options o;
    struct value v;
    int64_t expire_ms = 0;
    if (!parse_getex_options(&a, &o) || !lookup_answer(c, c->argv[1], &v))
        return;
    if (v.type != VALUE_NONE &&
        (!parse_expiry(&a, &o.expiry) || !expiry_end(c, &o.expiry, &expire_ms)))
        return;
    reply_value(c, &v);
    ASSERT(expire_ms == 0 || v.type == VALUE_STRING);
    if (v.type == VALUE_NONE || o.expiry.kind == EXPIRE_NONE ||
        v.expire_ms == expire_ms)
        return;
    keyspace_set_expiry(c->ks, c->db, c->argv[1], expire_ms);
}

void cmd_strlen_run(struct cmd_call *c)
{
    struct value v;
    if (!lookup_string(c, c->argv[1], &v))
        return;
    ASSERT(v.type == VALUE_STRING || v.length == 0);
    resp_integer(c->out, (int64_t)v.length);
}

/* --- parts of a value --------------------------------------------------- */

struct part {
    uint64_t start;
    uint64_t length;
};

/* The part from start to end, both counted from the end if negative. */
static struct part part(uint64_t length, int64_t start, int64_t end)
{
    struct part none = {0, 0};
    int64_t len = (int64_t)length;
    if (start < 0 && end < 0 && start > end)
        return none;
    if (start < 0)
        start = start < -len ? 0 : len + start;
    if (end < 0)
        end = end < -len ? 0 : len + end;
    end = MIN(end, len - 1);
    if (start > end || len == 0)
        return none;
    ASSERT(start >= 0 && end < len);
    return (struct part){(uint64_t)start, (uint64_t)(end - start) + 1};
}

static bool parse_range(const struct cmd_args *a, int64_t *start, int64_t *end)
{
    ASSERT(a->argc == 4);
    return parse_integer(a->out, a->argv[2], start) &&
           parse_integer(a->out, a->argv[3], end);
}

bool cmd_getrange_check(struct cmd_args *a)
{
    int64_t start = 0;
    int64_t end = 0;
    ASSERT((a->cmd->flags & CMD_READ) != 0);
    return parse_range(a, &start, &end);
}

void cmd_getrange_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    int64_t start = 0;
    int64_t end = 0;
    struct value v;
    ASSERT((c->cmd->flags & CMD_READ) != 0);
    if (!parse_range(&a, &start, &end) || !lookup_string(c, c->argv[1], &v))
        return;
    struct part p = part(v.length, start, end);
    reply_part(c, &v, p.start, p.length);
}

static bool length_ok(struct resp_writer *w, uint64_t a, uint64_t b,
                      uint64_t max)
{
    ASSERT(max > 0);
    if (a <= max && b <= max - a)
        return true;
    resp_error(w, "ERR string exceeds maximum allowed size "
                  "(proto-max-bulk-len)");
    return false;
}

static bool parse_offset(const struct cmd_args *a, int64_t *offset)
{
    ASSERT(a->argc == 4);
    if (!parse_integer(a->out, a->argv[2], offset))
        return false;
    if (*offset < 0)
        resp_error(a->out, "ERR offset is out of range");
    return *offset >= 0;
}

/* A few bytes could ask for a value of 512 MiB, which holds up every member:
 * the node that they come to refuses what is longer than it would take. */
bool cmd_setrange_check(struct cmd_args *a)
{
    int64_t offset = 0;
    size_t len = a->argv[3].len;
    if (!parse_offset(a, &offset))
        return false;
    ASSERT(offset >= 0);
    return a->value_max == 0 || len == 0 ||
           length_ok(a->out, (uint64_t)offset, len, a->value_max);
}

void cmd_setrange_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct bytes data = c->argv[3];
    int64_t offset = 0;
    struct value v;
    if (!parse_offset(&a, &offset) || !lookup_string(c, c->argv[1], &v))
        return;
    uint64_t old_len = v.length;
    if (data.len == 0) {
        resp_integer(c->out, (int64_t)old_len);
        return;
    }
    if (!length_ok(c->out, (uint64_t)offset, data.len, CMD_STRING_MAX))
        return;
    keyspace_overwrite(c->ks, c->db, c->argv[1], (uint64_t)offset, data);
    uint64_t len = MAX(old_len, (uint64_t)offset + data.len);
    ASSERT(len >= old_len);
    resp_integer(c->out, (int64_t)len);
}

void cmd_append_run(struct cmd_call *c)
{
    struct value v;
    ASSERT(c->argc == 3);
    if (!lookup_string(c, c->argv[1], &v))
        return;
    uint64_t old_len = v.length;
    if (!length_ok(c->out, old_len, c->argv[2].len, CMD_STRING_MAX))
        return;
    ASSERT(old_len + c->argv[2].len <= CMD_STRING_MAX);
    keyspace_overwrite(c->ks, c->db, c->argv[1], old_len, c->argv[2]);
    resp_integer(c->out, (int64_t)(old_len + c->argv[2].len));
}
