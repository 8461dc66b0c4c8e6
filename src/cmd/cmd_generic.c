/*
 * Keys whatever their type: DEL, EXISTS, TYPE, and whole databases. And the
 * two commands that the node itself sends through the log.
 *
 * How it fails: with an error reply, and nothing changed.
 */
#include "base/num.h"
#include "cmd/cmd_internal.h"
#include "cmd/cmd_parse.h"
#include "data/session.h"
#include "data/value.h"
#include "type/hash.h"

/* A part of a sweep's limit for pages, however many keys are due. */
#define SWEEP_PAGES_SHARE 4

void cmd_del_run(struct cmd_call *c)
{
    int64_t deleted = 0;
    for (uint32_t i = 1; i < c->argc; i++)
        deleted += keyspace_delete(c->ks, c->db, c->argv[i]);
    ASSERT(deleted < c->argc);
    resp_integer(c->out, deleted);
}

/* TOUCH too: nothing here is evicted by age, so it only counts. */
void cmd_exists_run(struct cmd_call *c)
{
    int64_t found = 0;
    for (uint32_t i = 1; i < c->argc; i++) {
        struct value v;
        found += keyspace_get(c->ks, c->db, c->argv[i], &v);
    }
    ASSERT(found < c->argc);
    resp_integer(c->out, found);
}

void cmd_type_run(struct cmd_call *c)
{
    struct value v;
    if (!keyspace_get(c->ks, c->db, c->argv[1], &v)) {
        resp_status(c->out, "none");
        return;
    }
    resp_status(c->out, value_type_info(v.type)->name);
}

void cmd_dbsize_run(struct cmd_call *c)
{
    ASSERT(c->argc == 1);
    const struct keyspace_count *count = keyspace_counts(c->ks, c->db);
    ASSERT(count->expires <= count->keys);
    resp_integer(c->out, (int64_t)count->keys);
}

bool cmd_flush_check(struct cmd_args *a)
{
    ASSERT(a->argc >= 1);
    if (a->argc == 1)
        return true;
    if (a->argc == 2 &&
        (word_is(a->argv[1], "sync") || word_is(a->argv[1], "async")))
        return true;
    reply_syntax(a->out);
    return false;
}

static void reply_flushed(struct cmd_call *c, bool flushed)
{
    ASSERT((c->cmd->categories & CAT_DANGEROUS) != 0);
    if (flushed)
        resp_status(c->out, "OK");
    else
        resp_error(c->out, "ERR a database cannot be flushed more often");
}

void cmd_flushdb_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    ASSERT(c->cmd->id == CMD_ID_FLUSHDB);
    if (cmd_flush_check(&a))
        reply_flushed(c, keyspace_flush_db(c->ks, c->db));
}

void cmd_flushall_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    bool all = true;
    ASSERT(c->cmd->id == CMD_ID_FLUSHALL);
    if (!cmd_flush_check(&a))
        return;
    for (uint8_t db = 0; db < KEYSPACE_DATABASES; db++)
        all &= keyspace_flush_db(c->ks, db);
    reply_flushed(c, all);
}

void cmd_noop_run(struct cmd_call *c)
{
    ASSERT(c->argc == 1);
    resp_status(c->out, "OK");
}

void cmd_open_run(struct cmd_call *c)
{
    uint64_t nonce = 0;
    if (!num_parse_u64(c->argv[1], &nonce) || c->node == NODE_NONE) {
        resp_error(c->out, "ERR it is not a start of a node");
        return;
    }
    session_note_start(c->ks, c->node, nonce);
    resp_status(c->out, "OK");
}

static bool parse_limit(const struct cmd_args *a, int64_t *limit)
{
    ASSERT(a->argc == 2);
    if (!parse_integer(a->out, a->argv[1], limit))
        return false;
    if (*limit >= 0 && *limit <= UINT32_MAX)
        return true;
    resp_error(a->out, "ERR limit is out of range");
    return false;
}

bool cmd_sweep_check(struct cmd_args *a)
{
    int64_t limit = 0;
    bool ok = parse_limit(a, &limit);
    ASSERT(!ok || (limit >= 0 && limit <= UINT32_MAX));
    return ok;
}

void cmd_sweep_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    int64_t limit = 0;
    if (!parse_limit(&a, &limit))
        return;
    limit = MIN(limit, CMD_SWEEP_LIMIT_MAX);
    uint32_t swept = keyspace_sweep_due(c->ks, (uint32_t)limit, hash_sweep_key);
    ASSERT(swept <= limit);
    int64_t left = MAX(limit - swept, limit / SWEEP_PAGES_SHARE);
    swept += keyspace_sweep_pages(c->ks, (uint32_t)left);
    resp_integer(c->out, swept);
}
