/*
 * Expiry: EXPIRE and its family, TTL and its family, PERSIST.
 *
 * The time from which relative expiries count is that of the entry, so every
 * replica computes the same. An expiry in the past deletes the key at once.
 */
#include "cmd/cmd_internal.h"
#include "cmd/cmd_parse.h"

struct expire_options {
    bool nx, xx, gt, lt;
};

static bool parse_expire_options(struct cmd_call *c, struct expire_options *out)
{
    *out = (struct expire_options){false, false, false, false};
    for (uint32_t i = 3; i < c->argc; i++) {
        struct bytes arg = c->argv[i];
        if (word_is(arg, "nx")) {
            out->nx = true;
        } else if (word_is(arg, "xx")) {
            out->xx = true;
        } else if (word_is(arg, "gt")) {
            out->gt = true;
        } else if (word_is(arg, "lt")) {
            out->lt = true;
        } else {
            resp_errorf(c->out, "ERR Unsupported option %.*s",
                        (int)MIN(arg.len, 1024),
                        arg.len > 0 ? (const char *)arg.data : "");
            return false;
        }
    }
    if (out->nx && (out->xx || out->gt || out->lt)) {
        resp_error(c->out, "ERR NX and XX, GT or LT options at the same time "
                           "are not compatible");
        return false;
    }
    if (out->gt && out->lt) {
        resp_error(c->out, "ERR GT and LT options at the same time are not "
                           "compatible");
        return false;
    }
    return true;
}

/* A key without expiry lives for ever: later than any time. */
static bool expire_allowed(const struct expire_options *o, int64_t old_ms,
                           int64_t new_ms)
{
    if (o->nx && old_ms != 0)
        return false;
    if (o->xx && old_ms == 0)
        return false;
    if (o->gt && (old_ms == 0 || new_ms <= old_ms))
        return false;
    return !(o->lt && old_ms != 0 && new_ms >= old_ms);
}

static void expire_at(struct cmd_call *c, const struct expire_options *o,
                      int64_t when_ms)
{
    struct value v;
    if (!keyspace_get(c->ks, c->db, c->argv[1], &v) ||
        !expire_allowed(o, v.expire_ms, when_ms)) {
        resp_integer(c->out, 0);
        return;
    }
    if (when_ms <= keyspace_now(c->ks)) {
        bool was = keyspace_delete(c->ks, c->db, c->argv[1]);
        ASSERT(was);
    } else if (when_ms != v.expire_ms) {
        v.expire_ms = when_ms;
        keyspace_put(c->ks, c->db, c->argv[1], &v);
    }
    resp_integer(c->out, 1);
}

static void expire_generic(struct cmd_call *c, int64_t unit_ms, bool absolute)
{
    ASSERT(unit_ms == 1 || unit_ms == 1000);
    struct expire_options o;
    int64_t when_ms = 0;
    if (!parse_expire_options(c, &o) || !parse_integer(c, c->argv[2], &when_ms))
        return;
    if (__builtin_mul_overflow(when_ms, unit_ms, &when_ms)) {
        reply_expire_time(c);
        return;
    }
    if (c->check_only)
        return;
    int64_t base_ms = absolute ? 0 : keyspace_now(c->ks);
    if (__builtin_add_overflow(when_ms, base_ms, &when_ms)) {
        reply_expire_time(c);
        return;
    }
    expire_at(c, &o, when_ms);
}

void cmd_expire(struct cmd_call *c)
{
    expire_generic(c, 1000, false);
}

void cmd_pexpire(struct cmd_call *c)
{
    expire_generic(c, 1, false);
}

void cmd_expireat(struct cmd_call *c)
{
    expire_generic(c, 1000, true);
}

void cmd_pexpireat(struct cmd_call *c)
{
    expire_generic(c, 1, true);
}

void cmd_persist(struct cmd_call *c)
{
    struct value v;
    if (c->check_only)
        return;
    if (!keyspace_get(c->ks, c->db, c->argv[1], &v) || v.expire_ms == 0) {
        resp_integer(c->out, 0);
        return;
    }
    v.expire_ms = 0;
    keyspace_put(c->ks, c->db, c->argv[1], &v);
    resp_integer(c->out, 1);
}

/* -2: no key, -1: no expiry; seconds are rounded to the nearest. */
static void reply_time(struct cmd_call *c, int64_t unit_ms, bool absolute)
{
    struct value v;
    if (c->check_only)
        return;
    if (!keyspace_get(c->ks, c->db, c->argv[1], &v)) {
        resp_integer(c->out, -2);
        return;
    }
    if (v.expire_ms == 0) {
        resp_integer(c->out, -1);
        return;
    }
    int64_t ms = absolute ? v.expire_ms : v.expire_ms - keyspace_now(c->ks);
    ASSERT(ms > 0);
    if (unit_ms == 1000)
        ms = ms / 1000 + (ms % 1000 >= 500);
    resp_integer(c->out, ms);
}

void cmd_ttl(struct cmd_call *c)
{
    reply_time(c, 1000, false);
}

void cmd_pttl(struct cmd_call *c)
{
    reply_time(c, 1, false);
}

void cmd_expiretime(struct cmd_call *c)
{
    reply_time(c, 1000, true);
}

void cmd_pexpiretime(struct cmd_call *c)
{
    reply_time(c, 1, true);
}
