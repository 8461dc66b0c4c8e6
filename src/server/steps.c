/*
 * How it works: the node, or reads.c, executes a transaction, and calls for
 * each step whose reply is wanted.
 *
 * How it fails: a local step answers its error, as it would alone. A WATCH that
 * was not executed leaves a note: what was to depend on it is not executed.
 */
#include "server/steps.h"

#include "cmd/program.h"
#include "os/clock.h"
#include "server/server_internal.h"

/* The error of a step is counted like that of a command, by its code. */
static void account(struct client *c, const struct cmd *cmd, struct bytes reply,
                    int64_t since_us)
{
    struct stats *stats = &c->server->stats;
    ASSERT(reply.len > 0);
    if (stats_reply(stats, reply))
        stats_of(stats, cmd)->failed++;
    stats_called(stats, cmd, clock_mono_us() - since_us);
    stats->commands_processed++;
}

static void run(struct client *c, const struct multi_step *s,
                struct resp_writer *out)
{
    uint64_t kept = 0;
    struct server_call call = {.s = c->server,
                               .c = c,
                               .cmd = s->cmd,
                               .argv = c->multi->args + PROGRAM_ARGS + s->first,
                               .argc = s->argc,
                               .out = out,
                               .at_once = true,
                               .kept = &kept};
    server_fn *fn = c->server->options.commands[s->cmd->id];
    ASSERT(fn != NULL && (s->cmd->flags & CMD_LOCAL) != 0);
    fn(&call);
    ASSERT(!call.later && !call.changes); /* CMD_NO_MULTI */
}

void step_local(struct client *c, uint32_t step, struct resp_writer *out)
{
    const struct multi *m = c->multi;
    int64_t since_us = clock_mono_us();
    size_t before = out->out->len;
    ASSERT(m != NULL && step < m->step_count);
    const struct multi_step *s = &m->steps[step];
    if (s->cmd->id == CMD_ID_UNWATCH)
        resp_status(out, "OK"); /* EXEC does so for all */
    else
        run(c, s, out);
    if (!out->over)
        account(c, s->cmd, bytes_from(buf_view(out->out), before), since_us);
}

static void on_local(void *ctx, uint32_t step, struct resp_writer *out)
{
    struct client *c = ctx;
    ASSERT(out == &c->writer);
    step_local(c, step, out);
}

static void on_done(void *ctx, const struct cmd *cmd, struct bytes reply,
                    int64_t since_us)
{
    struct client *c = ctx;
    ASSERT(cmd_is_data(cmd));
    account(c, cmd, reply, since_us);
}

static int64_t on_now(void *ctx)
{
    ASSERT(ctx != NULL);
    return clock_mono_us();
}

const struct cmd_steps *steps_of(struct client *c)
{
    struct cmd_steps *steps = &c->server->steps;
    ASSERT(c->state <= CLIENT_DOOMED);
    *steps = (struct cmd_steps){c, on_local, on_done, on_now};
    return steps;
}

void reply_watch(struct client *c)
{
    struct buf *out = &c->conn.out;
    ASSERT(out->len >= c->reply_start);
    if (c->writer.over)
        return; /* nobody is going to see it */
    if (!multi_watched(client_multi(c),
                       bytes_from(buf_view(out), c->reply_start)))
        return;
    out->len = c->reply_start;
    resp_status(&c->writer, "OK");
}
