/*
 * Keys whatever their type: DEL, EXISTS, TYPE, and whole databases. And the
 * two commands that the node itself sends through the log.
 */
#include "cmd/cmd_internal.h"
#include "cmd/cmd_parse.h"

/* However many rows are asked for: an entry must end in good time. Part of
 * the state machine. */
#define SWEEP_ROWS_MAX 10000

void cmd_del(struct cmd_call *c)
{
    if (c->check_only)
        return;
    int64_t deleted = 0;
    for (uint32_t i = 1; i < c->argc; i++)
        deleted += keyspace_delete(c->ks, c->db, c->argv[i]);
    ASSERT(deleted < c->argc);
    resp_integer(c->out, deleted);
}

void cmd_exists(struct cmd_call *c)
{
    if (c->check_only)
        return;
    int64_t found = 0;
    for (uint32_t i = 1; i < c->argc; i++) {
        struct value v;
        found += keyspace_get(c->ks, c->db, c->argv[i], &v);
    }
    ASSERT(found < c->argc);
    resp_integer(c->out, found);
}

/* Nothing here is evicted by age, so touching a key only counts it. */
void cmd_touch(struct cmd_call *c)
{
    cmd_exists(c);
}

void cmd_type(struct cmd_call *c)
{
    struct value v;
    if (c->check_only)
        return;
    if (!keyspace_get(c->ks, c->db, c->argv[1], &v)) {
        resp_status(c->out, "none");
        return;
    }
    ASSERT(v.type == VALUE_STRING);
    resp_status(c->out, "string");
}

void cmd_dbsize(struct cmd_call *c)
{
    if (c->check_only)
        return;
    const struct keyspace_count *count = keyspace_counts(c->ks, c->db);
    resp_integer(c->out, (int64_t)count->keys);
}

static bool flush_options_ok(struct cmd_call *c)
{
    if (c->argc == 1)
        return true;
    if (c->argc == 2 &&
        (word_is(c->argv[1], "sync") || word_is(c->argv[1], "async")))
        return true;
    reply_syntax(c);
    return false;
}

static void reply_flushed(struct cmd_call *c, bool flushed)
{
    if (flushed)
        resp_status(c->out, "OK");
    else
        resp_error(c->out, "ERR a database cannot be flushed more often");
}

void cmd_flushdb(struct cmd_call *c)
{
    if (!flush_options_ok(c) || c->check_only)
        return;
    reply_flushed(c, keyspace_flush_db(c->ks, c->db));
}

void cmd_flushall(struct cmd_call *c)
{
    if (!flush_options_ok(c) || c->check_only)
        return;
    bool all = true;
    for (uint8_t db = 0; db < KEYSPACE_DATABASES; db++)
        all &= keyspace_flush_db(c->ks, db);
    reply_flushed(c, all);
}

void cmd_noop(struct cmd_call *c)
{
    if (!c->check_only)
        resp_status(c->out, "OK");
}

void cmd_sweep(struct cmd_call *c)
{
    int64_t limit = 0;
    if (!parse_integer(c, c->argv[1], &limit))
        return;
    if (limit < 0 || limit > UINT32_MAX) {
        resp_error(c->out, "ERR limit is out of range");
        return;
    }
    if (!c->check_only)
        resp_integer(c->out, keyspace_sweep(
                                 c->ks, (uint32_t)MIN(limit, SWEEP_ROWS_MAX)));
}
