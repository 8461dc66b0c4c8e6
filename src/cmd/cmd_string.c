/*
 * SET, GET and their family: values as strings of bytes.
 *
 * Each function parses, returns if it is only being checked, and then works
 * on the keyspace. A value that was looked up is borrowed until the next
 * call on the keyspace: it is answered before anything is changed.
 */
#include "cmd/cmd_internal.h"
#include "cmd/cmd_parse.h"

/* --- SET ---------------------------------------------------------------- */

static bool condition_holds(const struct set_options *o,
                            const struct value *old)
{
    bool exists = old->type != VALUE_NONE;
    switch (o->condition) {
    case SET_NX:
        return !exists;
    case SET_XX:
        return exists;
    case SET_IFEQ:
        return exists && bytes_eq(old->data, o->comparison);
    case SET_ALWAYS:
        break;
    }
    return true;
}

/* The plain part: no option that looks at the old value is given. */
static bool needs_old(const struct set_options *o)
{
    return o->get || o->condition != SET_ALWAYS || o->expire == EXPIRE_KEEPTTL;
}

static bool set_expiry(struct cmd_call *c, const struct set_options *o,
                       int64_t *expire_ms)
{
    *expire_ms = 0;
    if (o->expire == EXPIRE_NONE || o->expire == EXPIRE_KEEPTTL)
        return true;
    return parse_expire_ms(c, o->expire, o->expire_arg, expire_ms);
}

static void set_with_old(struct cmd_call *c, const struct set_options *o,
                         int64_t expire_ms)
{
    struct value old;
    if (o->get || o->condition == SET_IFEQ) {
        if (!lookup_string(c, c->argv[1], &old))
            return;
    } else if (!keyspace_get(c->ks, c->db, c->argv[1], &old)) {
        ASSERT(old.type == VALUE_NONE);
    }
    bool set = condition_holds(o, &old);
    if (o->get)
        reply_value(c, &old);
    else if (set)
        resp_status(c->out, "OK");
    else
        resp_null(c->out);
    if (!set)
        return;
    if (o->expire == EXPIRE_KEEPTTL)
        expire_ms = old.expire_ms;
    put_string(c, c->argv[1], c->argv[2], expire_ms);
}

void cmd_set(struct cmd_call *c)
{
    struct set_options o;
    if (!parse_set_options(c, &o))
        return;
    if (c->check_only) {
        (void)!check_expire_arg(c, o.expire, o.expire_arg);
        return;
    }
    int64_t expire_ms = 0;
    if (!set_expiry(c, &o, &expire_ms))
        return;
    if (needs_old(&o)) {
        set_with_old(c, &o, expire_ms);
        return;
    }
    put_string(c, c->argv[1], c->argv[2], expire_ms);
    resp_status(c->out, "OK");
}

static void set_for(struct cmd_call *c, enum expire_kind kind)
{
    ASSERT(c->argc == 4);
    if (c->check_only) {
        (void)!check_expire_arg(c, kind, c->argv[2]);
        return;
    }
    int64_t expire_ms = 0;
    if (!parse_expire_ms(c, kind, c->argv[2], &expire_ms))
        return;
    put_string(c, c->argv[1], c->argv[3], expire_ms);
    resp_status(c->out, "OK");
}

void cmd_setex(struct cmd_call *c)
{
    set_for(c, EXPIRE_EX);
}

void cmd_psetex(struct cmd_call *c)
{
    set_for(c, EXPIRE_PX);
}

void cmd_setnx(struct cmd_call *c)
{
    struct value old;
    if (c->check_only)
        return;
    bool exists = keyspace_get(c->ks, c->db, c->argv[1], &old);
    if (!exists)
        put_string(c, c->argv[1], c->argv[2], 0);
    resp_integer(c->out, exists ? 0 : 1);
}

void cmd_getset(struct cmd_call *c)
{
    struct value old;
    if (c->check_only || !lookup_string(c, c->argv[1], &old))
        return;
    reply_value(c, &old);
    put_string(c, c->argv[1], c->argv[2], 0);
}

/* --- several keys ------------------------------------------------------- */

static bool pairs_ok(struct cmd_call *c)
{
    ASSERT(c->argc >= 3);
    if (c->argc % 2 == 1)
        return true;
    cmd_reply_arity(c->out, cmd_lookup(c->argv[0]));
    return false;
}

static void put_pairs(struct cmd_call *c)
{
    for (uint32_t i = 1; i + 1 < c->argc; i += 2)
        put_string(c, c->argv[i], c->argv[i + 1], 0);
}

void cmd_mset(struct cmd_call *c)
{
    if (!pairs_ok(c) || c->check_only)
        return;
    put_pairs(c);
    resp_status(c->out, "OK");
}

void cmd_msetnx(struct cmd_call *c)
{
    struct value old;
    if (!pairs_ok(c) || c->check_only)
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

void cmd_mget(struct cmd_call *c)
{
    if (c->check_only)
        return;
    resp_array(c->out, c->argc - 1);
    for (uint32_t i = 1; i < c->argc; i++) {
        struct value v;
        if (c->out != NULL && c->out->over)
            return; /* nobody will get it; lookups change nothing */
        bool found = keyspace_get(c->ks, c->db, c->argv[i], &v);
        if (found && v.type == VALUE_STRING)
            resp_bulk(c->out, v.data);
        else
            resp_null(c->out);
    }
}

/* --- GET ---------------------------------------------------------------- */

void cmd_get(struct cmd_call *c)
{
    struct value v;
    if (c->check_only || !lookup_string(c, c->argv[1], &v))
        return;
    reply_value(c, &v);
}

void cmd_getdel(struct cmd_call *c)
{
    struct value v;
    if (c->check_only || !lookup_string(c, c->argv[1], &v))
        return;
    reply_value(c, &v);
    if (v.type != VALUE_NONE)
        (void)!keyspace_delete(c->ks, c->db, c->argv[1]);
}

/* A wrong time is an error only if the key exists, as in Redis: so it is
 * looked at when the command is applied. */
void cmd_getex(struct cmd_call *c)
{
    struct set_options o;
    struct value v;
    if (!parse_getex_options(c, &o) || c->check_only ||
        !lookup_string(c, c->argv[1], &v))
        return;
    int64_t expire_ms = 0;
    bool timed = o.expire != EXPIRE_NONE && o.expire != EXPIRE_PERSIST;
    if (v.type != VALUE_NONE && timed &&
        !parse_expire_ms(c, o.expire, o.expire_arg, &expire_ms))
        return;
    reply_value(c, &v);
    if (v.type == VALUE_NONE || o.expire == EXPIRE_NONE ||
        v.expire_ms == expire_ms)
        return;
    v.expire_ms = expire_ms;
    keyspace_put(c->ks, c->db, c->argv[1], &v);
}

void cmd_strlen(struct cmd_call *c)
{
    struct value v;
    if (c->check_only || !lookup_string(c, c->argv[1], &v))
        return;
    resp_integer(c->out, (int64_t)v.data.len);
}

/* --- parts of a value --------------------------------------------------- */

/* The part from start to end, both counted from the end if negative. */
static struct bytes part(struct bytes b, int64_t start, int64_t end)
{
    int64_t len = (int64_t)b.len;
    if (start < 0 && end < 0 && start > end)
        return BYTES_NONE;
    if (start < 0)
        start = start < -len ? 0 : len + start;
    if (end < 0)
        end = end < -len ? 0 : len + end;
    end = MIN(end, len - 1);
    if (start > end || len == 0)
        return BYTES_NONE;
    ASSERT(start >= 0 && end < len);
    return bytes_of(b.data + start, (size_t)(end - start + 1));
}

void cmd_getrange(struct cmd_call *c)
{
    int64_t start = 0;
    int64_t end = 0;
    struct value v;
    if (!parse_integer(c, c->argv[2], &start) ||
        !parse_integer(c, c->argv[3], &end) || c->check_only ||
        !lookup_string(c, c->argv[1], &v))
        return;
    resp_bulk(c->out, part(v.data, start, end));
}

static bool length_ok(struct cmd_call *c, uint64_t a, uint64_t b, uint64_t max)
{
    if (a <= max && b <= max - a)
        return true;
    resp_error(c->out, "ERR string exceeds maximum allowed size "
                       "(proto-max-bulk-len)");
    return false;
}

/* A few bytes could ask for a value of 512 MiB, which holds up every member:
 * the node that they come to refuses what is longer than it would take. */
void cmd_setrange(struct cmd_call *c)
{
    int64_t offset = 0;
    struct value v;
    if (!parse_integer(c, c->argv[2], &offset))
        return;
    if (offset < 0) {
        resp_error(c->out, "ERR offset is out of range");
        return;
    }
    struct bytes data = c->argv[3];
    if (c->check_only) {
        if (c->value_max != 0 && data.len != 0)
            (void)!length_ok(c, (uint64_t)offset, data.len, c->value_max);
        return;
    }
    if (!lookup_string(c, c->argv[1], &v))
        return;
    size_t old_len = v.data.len;
    if (data.len == 0) {
        resp_integer(c->out, (int64_t)old_len);
        return;
    }
    if (!length_ok(c, (uint64_t)offset, data.len, CMD_STRING_MAX))
        return;
    keyspace_overwrite(c->ks, c->db, c->argv[1], (size_t)offset, data);
    size_t len = MAX(old_len, (size_t)offset + data.len);
    resp_integer(c->out, (int64_t)len);
}

void cmd_append(struct cmd_call *c)
{
    struct value v;
    if (c->check_only || !lookup_string(c, c->argv[1], &v))
        return;
    size_t old_len = v.data.len;
    if (!length_ok(c, old_len, c->argv[2].len, CMD_STRING_MAX))
        return;
    keyspace_overwrite(c->ks, c->db, c->argv[1], old_len, c->argv[2]);
    resp_integer(c->out, (int64_t)(old_len + c->argv[2].len));
}
