/*
 * MULTI, EXEC, DISCARD, WATCH and UNWATCH, and what is sent between MULTI and
 * EXEC.
 *
 * How it works: what is queued is copied (multi.c), and its answer is known at
 * once, so a pipeline of transactions waits for nothing. EXEC makes one request
 * of it: a write goes through the log; what only reads is executed as a read,
 * and what is about this node alone, here. WATCH is a read of the versions of
 * its keys, which EXEC must know: it waits for them.
 *
 * A transaction in which a step is executed by this node when the reply is
 * built (SELECT, CLIENT) is `running` until then, and nothing behind it is
 * executed.
 *
 * How it fails: an error while it is queued makes EXEC fail, in Redis' words.
 * So does a WATCH that was refused, since nothing guards the transaction.
 */
#include <stdio.h>

#include "os/clock.h"
#include "server/dispatch_internal.h"
#include "server/steps.h"

#define EXEC_TEXT_SIZE 264

/* Whatever became of it, it is over, and its keys are not watched any more. */
static void end_multi(struct client *c)
{
    ASSERT(c->settings.in_multi && !c->multi->running);
    c->settings.in_multi = false;
    multi_clear(c->multi);
    multi_unwatch(c->multi);
}

static bool refuse_exec(struct client *c, const struct cmd *cmd,
                        const char *text)
{
    char full[EXEC_TEXT_SIZE + 64];
    ASSERT(strncmp(text, "of", 2) == 0);
    if (!client_is_idle(c))
        return client_wait(c, WAIT_IDLE);
    snprintf(full, sizeof(full), "EXECABORT Transaction discarded because %s",
             text);
    end_multi(c);
    return dispatch_complain(c, cmd, full);
}

/* Why it is not executed; NULL: it may be. */
static const char *exec_refusal(struct client *c, const struct dispatch *d,
                                char text[EXEC_TEXT_SIZE])
{
    struct multi *m = c->multi;
    char loading[LOADING_TEXT_SIZE];
    const char *refusal = NULL;
    ASSERT(!m->running && m->locals <= m->step_count);
    if (m->failed)
        return "of previous errors.";
    if (m->watch_failed)
        return "of: a WATCH before it was not executed";
    if (!multi_conditions(m, c->settings.db, d->argv, d->argc))
        return "of: syntax error";
    if (d->once_client.len > 0 && (m->watch_count > 0 || m->locals > 0))
        return m->locals > 0
                   ? "of: ONCE EXEC is for commands on data alone"
                   : "of: ONCE EXEC cannot be repeated with WATCH, use EXEC "
                     "IFEQ";
    if (m->step_count == m->locals && m->condition_count + m->watch_count == 0)
        return NULL; /* it needs no node */
    if (c->server->node == NULL)
        refusal = c->server->waiting;
    else if (dispatch_is_loading(c, loading))
        refusal = loading;
    else if (m->heaviest != NULL)
        refusal = disk_floor_refusal(c->server, m->heaviest);
    if (refusal == NULL)
        return NULL;
    snprintf(text, EXEC_TEXT_SIZE, "of: %s", refusal);
    return text;
}

/* All of it is executed here and now. */
static bool exec_here(struct client *c, const struct dispatch *d)
{
    struct multi *m = c->multi;
    int64_t start_us = clock_mono_us();
    ASSERT(m->watch_count == 0 && m->condition_count == 0);
    if (!client_is_idle(c))
        return client_wait(c, WAIT_IDLE);
    struct resp_writer *out = client_reply_begin(c);
    resp_array(out, m->step_count);
    for (uint32_t i = 0; i < m->step_count; i++)
        step_local(c, i, out);
    client_reply_end(c, d->cmd, d->flags);
    end_multi(c);
    stats_called(&c->server->stats, d->cmd, clock_mono_us() - start_us);
    return dispatch_finished(c, d->cmd);
}

/* To the node: a write through the log, as everything else is that cannot be
 * repeated; what only reads as a read. */
static bool exec_there(struct client *c, struct dispatch *d)
{
    struct multi *m = c->multi;
    bool write = m->heaviest != NULL || d->once_client.len > 0;
    bool log = write || m->unrepeatable || c->unanswered.count > 0;
    ASSERT(d->told->id == CMD_ID_EXEC);
    if (!log)
        return dispatch_defer(c, d);
    if (c->reads.phase != READS_NONE)
        return client_wait(c, WAIT_READS);
    if (!write && disk_floor_short(c->server)) {
        if (!client_is_idle(c))
            return client_wait(c, WAIT_IDLE);
        return dispatch_refuse(c, d->told,
                               "MISCONF too little disk space is free: this "
                               "transaction needs the log");
    }
    return dispatch_submit(c, d);
}

bool dispatch_exec(struct client *c, const struct dispatch *d)
{
    struct multi *m = c->multi;
    char text[EXEC_TEXT_SIZE];
    ASSERT(d->cmd->id == CMD_ID_EXEC);
    if (!c->settings.in_multi)
        return dispatch_complain(c, d->cmd, "ERR EXEC without MULTI");
    if (m->watch_count > 0 && !client_is_idle(c))
        return client_wait(c, WAIT_IDLE);
    const char *refusal = exec_refusal(c, d, text);
    if (refusal != NULL)
        return refuse_exec(c, d->cmd, refusal);
    if (m->step_count == m->locals && m->condition_count + m->watch_count == 0)
        return exec_here(c, d);
    bool write = m->heaviest != NULL || d->once_client.len > 0;
    struct dispatch inner = *d;
    inner.told = d->cmd;
    inner.cmd = cmd_by_id(write ? CMD_ID_VARD_EXEC : CMD_ID_VARD_EXEC_RO);
    inner.argv = multi_build(m, write, &inner.argc);
    ASSERT(cmd_arity_ok(inner.cmd, inner.argc));
    if (!exec_there(c, &inner))
        return false;
    if (m->locals == 0 || client_is_idle(c)) {
        end_multi(c);
    } else { /* the steps are needed until the reply */
        m->running = true;
        multi_unwatch(m);
    }
    return true;
}

/* The reply to a WATCH may be on its way; behind one that was refused it is not
 * counted. */
static bool may_be_watching(const struct client *c)
{
    const struct multi *m = c->multi;
    return m != NULL && (m->watch_count > 0 || m->watch_failed);
}

static bool discard_command(struct client *c, const struct dispatch *d)
{
    ASSERT(d->argc == 1);
    if (!c->settings.in_multi)
        return dispatch_complain(c, d->cmd, "ERR DISCARD without MULTI");
    if (may_be_watching(c) && !client_is_idle(c))
        return client_wait(c, WAIT_IDLE);
    if (!dispatch_tell(c, "+OK\r\n"))
        return false;
    end_multi(c);
    return dispatch_done(c, d->cmd);
}

static bool begin_command(struct client *c, const struct dispatch *d)
{
    ASSERT(d->argc == 1);
    if (c->settings.in_multi)
        return dispatch_complain(c, d->cmd,
                                 "ERR MULTI calls can not be nested");
    if (!dispatch_tell(c, "+OK\r\n"))
        return false;
    multi_begin(client_multi(c), c->settings.db,
                c->server->options.config->databases);
    c->settings.in_multi = true;
    return dispatch_done(c, d->cmd);
}

/* A read, whose reply says what the keys are now. */
static bool watch_command(struct client *c, const struct dispatch *d)
{
    struct multi *m = client_multi(c);
    char loading[LOADING_TEXT_SIZE];
    ASSERT(d->argc >= 2);
    if (c->settings.in_multi)
        return dispatch_complain(c, d->cmd,
                                 "ERR WATCH inside MULTI is not allowed");
    const char *error = multi_can_watch(m, d->argc);
    if (error != NULL)
        return dispatch_refuse(c, d->cmd, error);
    if (dispatch_is_loading(c, loading))
        return dispatch_refuse(c, d->cmd, loading);
    if (c->unanswered.count > 0)
        return client_wait(c, WAIT_IDLE); /* for its own writes, if any */
    struct dispatch inner = *d;
    inner.told = d->cmd;
    inner.cmd = cmd_by_id(CMD_ID_VARD_WATCH);
    inner.argv = multi_watch_args(m, d->argv, d->argc);
    inner.flags |= REPLY_WATCH;
    if (!dispatch_defer(c, &inner))
        return false;
    if (!m->watch_failed) /* it was not refused */
        multi_watch(m, c->settings.db, d->argv, d->argc);
    return true;
}

static bool unwatch_command(struct client *c, const struct dispatch *d)
{
    ASSERT(d->argc == 1 && !c->settings.in_multi);
    if (may_be_watching(c) && !client_is_idle(c))
        return client_wait(c, WAIT_IDLE);
    if (!dispatch_tell(c, "+OK\r\n"))
        return false;
    if (c->multi != NULL)
        multi_unwatch(c->multi);
    return dispatch_done(c, d->cmd);
}

bool dispatch_multi(struct client *c, const struct dispatch *d)
{
    ASSERT((d->cmd->flags & CMD_MULTI) != 0);
    switch (d->cmd->id) {
    case CMD_ID_MULTI:
        return begin_command(c, d);
    case CMD_ID_EXEC:
        return dispatch_exec(c, d);
    case CMD_ID_DISCARD:
        return discard_command(c, d);
    case CMD_ID_WATCH:
        return watch_command(c, d);
    default:
        return unwatch_command(c, d);
    }
}

/* --- between MULTI and EXEC --------------------------------------------- */

/* The subcommand, if it is a container; NULL: there is none, and the error is
 * in syntax_error. */
static const struct cmd *resolve(struct client *c, const struct dispatch *d)
{
    struct draft *error = &c->server->syntax_error;
    ASSERT(c->settings.in_multi);
    buf_reset(&error->text);
    error->writer.protocol = c->writer.protocol;
    if ((d->cmd->flags & CMD_CONTAINER) == 0)
        return d->cmd;
    return cmd_resolve(d->cmd, d->argv, d->argc, server_level(c->server),
                       &error->writer);
}

static bool refuse_subcommand(struct client *c, const struct dispatch *d)
{
    struct bytes error = buf_view(&c->server->syntax_error.text);
    ASSERT(error.len > 0 && error.data[0] == '-');
    if (!client_is_idle(c))
        return client_wait(c, WAIT_IDLE);
    c->multi->failed = true;
    stats_of(&c->server->stats, d->cmd)->rejected++;
    resp_raw(client_reply_begin(c), error);
    client_reply_end(c, NULL, d->flags);
    return dispatch_finished(c, d->cmd);
}

/* Its arguments are not looked at: what is wrong with them is its reply. */
bool dispatch_queue(struct client *c, const struct dispatch *d)
{
    const struct cmd *cmd = resolve(c, d);
    ASSERT((d->cmd->flags & CMD_INTERNAL) == 0);
    if (cmd == NULL)
        return refuse_subcommand(c, d);
    if ((cmd->flags & CMD_NO_MULTI) != 0)
        return dispatch_refuse(c, cmd,
                               "ERR Command not allowed inside a transaction");
    const char *error = multi_too_much(c->multi, d->argv, d->argc);
    if (error != NULL)
        return dispatch_refuse(c, cmd, error);
    if (!dispatch_tell(c, "+QUEUED\r\n"))
        return false;
    multi_add(c->multi, cmd, d->argv, d->argc);
    return dispatch_taken(c, cmd);
}

/* It is executed between MULTI and EXEC, too. */
bool dispatch_is_passed(const struct dispatch *d)
{
    ASSERT(cmd_arity_ok(d->cmd, d->argc));
    switch (d->cmd->id) {
    case CMD_ID_RESET:
    case CMD_ID_QUIT:
        return true;
    case CMD_ID_UNWATCH:
        return false;
    case CMD_ID_ONCE:
        return bytes_eq_nocase(d->argv[3], BYTES_LIT("exec"));
    default:
        return (d->cmd->flags & CMD_MULTI) != 0;
    }
}
