/*
 * Expiry: EXPIRE and its family, TTL and its family, PERSIST.
 *
 * The time from which relative expiries count is that of the entry, and
 * absolute ones are translated by the entry's offset (data/keyspace.h), so
 * every replica computes the same. An expiry in the past deletes the key at
 * once.
 *
 * How it fails: with an error reply for an option that is unknown or excludes
 * another one and for a time that is no integer or out of range, and nothing
 * changed. A missing key, or a condition that does not hold, is no error: the
 * answer is 0.
 */
#include "cmd/cmd_internal.h"
#include "cmd/cmd_parse.h"

#include "base/num.h"

struct expire_options {
    bool nx, xx, gt, lt;
};

/* A word of EXPIRE's, or not. */
static bool expire_word(struct bytes arg, struct expire_options *o)
{
    if (word_is(arg, "nx"))
        o->nx = true;
    else if (word_is(arg, "xx"))
        o->xx = true;
    else if (word_is(arg, "gt"))
        o->gt = true;
    else if (word_is(arg, "lt"))
        o->lt = true;
    else
        return false;
    return true;
}

static bool parse_words(const struct cmd_args *a, struct expire_options *out)
{
    ASSERT(a->argc >= 3);
    *out = (struct expire_options){false, false, false, false};
    for (uint32_t i = 3; i < a->argc; i++) {
        struct bytes arg = a->argv[i];
        if (!expire_word(arg, out)) {
            resp_errorf(a->out, "ERR Unsupported option %.*s",
                        (int)MIN(arg.len, 1024),
                        arg.len > 0 ? (const char *)arg.data : "");
            return false;
        }
    }
    if (out->nx && (out->xx || out->gt || out->lt)) {
        resp_error(a->out, "ERR NX and XX, GT or LT options at the same time "
                           "are not compatible");
        return false;
    }
    if (out->gt && out->lt) {
        resp_error(a->out, "ERR GT and LT options at the same time are not "
                           "compatible");
        return false;
    }
    ASSERT(!(out->gt && out->lt) && !(out->nx && out->xx));
    return true;
}

/* A key without expiry lives forever: later than any time. */
static bool expire_allowed(const struct expire_options *o, int64_t old_ms,
                           int64_t new_ms)
{
    ASSERT(old_ms >= 0 && !(o->gt && o->lt));
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
        keyspace_set_expiry(c->ks, c->db, c->argv[1], when_ms);
    }
    resp_integer(c->out, 1);
}

/* Of seconds or milliseconds. */
static int64_t unit_ms(const struct cmd *c)
{
    switch (c->id) {
    case CMD_ID_EXPIRE:
    case CMD_ID_EXPIREAT:
    case CMD_ID_EXPIRETIME:
    case CMD_ID_TTL:
        return 1000;
    default:
        ASSERT(c->name[0] == 'p'); /* PEXPIRE, PTTL, ... */
        return 1;
    }
}

/* A Unix time, not one from now on. */
static bool is_absolute(const struct cmd *c)
{
    ASSERT(c->key_specs == 1);
    return c->id == CMD_ID_EXPIREAT || c->id == CMD_ID_PEXPIREAT ||
           c->id == CMD_ID_EXPIRETIME || c->id == CMD_ID_PEXPIRETIME;
}

/* All that can be said without a clock: the options, and the time in ms, from
 * now on or absolute. */
static bool parse_expire(const struct cmd_args *a, struct expire_options *o,
                         int64_t *ms)
{
    ASSERT(a->argc >= 3);
    if (!parse_words(a, o) || !parse_integer(a->out, a->argv[2], ms))
        return false;
    if (!__builtin_mul_overflow(*ms, unit_ms(a->cmd), ms))
        return true;
    reply_expire_time(a->out, a->cmd);
    return false;
}

bool cmd_expire_check(struct cmd_args *a)
{
    struct expire_options o;
    int64_t ms = 0;
    ASSERT((a->cmd->flags & CMD_WRITE) != 0);
    return parse_expire(a, &o, &ms);
}

void cmd_expire_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct expire_options o;
    int64_t when_ms = 0;
    ASSERT((c->cmd->flags & CMD_WRITE) != 0);
    if (!parse_expire(&a, &o, &when_ms))
        return;
    if (is_absolute(c->cmd)) {
        when_ms = keyspace_from_wall(c->ks, when_ms);
    } else if (!num_add_i64(when_ms, keyspace_now(c->ks), &when_ms)) {
        reply_expire_time(c->out, c->cmd);
        return;
    }
    expire_at(c, &o, when_ms);
}

void cmd_persist_run(struct cmd_call *c)
{
    struct value v;
    ASSERT(c->argc == 2);
    if (!keyspace_get(c->ks, c->db, c->argv[1], &v) || v.expire_ms == 0) {
        resp_integer(c->out, 0);
        return;
    }
    ASSERT(v.expire_ms > 0);
    keyspace_set_expiry(c->ks, c->db, c->argv[1], 0);
    resp_integer(c->out, 1);
}

/* -2: no key, -1: no expiry; seconds are rounded to the nearest. */
void cmd_ttl_run(struct cmd_call *c)
{
    struct value v;
    ASSERT(c->argc == 2 && (c->cmd->flags & CMD_READ) != 0);
    if (!keyspace_get(c->ks, c->db, c->argv[1], &v)) {
        resp_integer(c->out, -2);
        return;
    }
    if (v.expire_ms == 0) {
        resp_integer(c->out, -1);
        return;
    }
    int64_t ms = is_absolute(c->cmd) ? keyspace_to_wall(c->ks, v.expire_ms)
                                     : v.expire_ms - keyspace_now(c->ks);
    ASSERT(ms >= 0);
    if (unit_ms(c->cmd) == 1000)
        ms = ms / 1000 + (ms % 1000 >= 500);
    resp_integer(c->out, ms);
}
