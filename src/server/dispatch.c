/*
 * How it works: each command is looked up and checked; then it goes to the
 * node (a write), to the deferred reads (a read), or to a function of the
 * server's own. One that may not be executed yet waits (client_wait()), and
 * its request stays in the input.
 *
 * How it fails: what the client did wrong is answered.
 */
#include "server/dispatch_internal.h"

#include "base/num.h"
#include "os/clock.h"
#include "server/blocked.h"

#define NOAUTH "NOAUTH Authentication required."

/* --- commands of the server --------------------------------------------- */

/* The command's own, or the subcommand's; without a leader too. */
static void run_by_id(struct server_call *call)
{
    ASSERT((call->cmd->flags & CMD_LOCAL) != 0);
    server_fn *fn = call->s->options.commands[call->cmd->id];
    ASSERT(fn != NULL);
    fn(call);
}

/* A reply was written, but where Redis writes none either. */
static bool is_answered(const struct client *c)
{
    return c->conn.out.len > c->reply_start || c->writer.over ||
           c->settings.reply_off || c->settings.reply_skip_next ||
           c->wait == WAIT_SHUTDOWN;
}

void server_later(struct server_call *call)
{
    ASSERT(!call->later);
    call->later = true;
}

static int64_t waited_ms(const struct client *c)
{
    int64_t now_ms = c->server->turn.mono_ms;
    ASSERT(c->later_ms <= MAX(now_ms, 1));
    return c->later_ms == 0 ? 0 : MAX(now_ms - c->later_ms, 1);
}

static bool wait_longer(struct client *c)
{
    ASSERT(c->conn.out.len == c->reply_start && client_is_idle(c));
    if (c->later_ms == 0)
        c->later_ms = MAX(c->server->turn.mono_ms, 1);
    return client_wait(c, WAIT_LATER);
}

/* It may wait, and was asked to; its arguments were checked. */
static bool waits(const struct dispatch *d)
{
    return (d->cmd->flags & CMD_BLOCKS) != 0 &&
           cmd_blocking(d->cmd, d->argv, d->argc).waits;
}

static bool write_command(struct client *c, const struct dispatch *d);

/* What the command is done by is a request as any other. */
static bool submit_for(struct client *c, const struct server_call *call)
{
    struct dispatch d = {.cmd = cmd_by_id(CMD_ID_VARD_MEMBERS),
                         .argv = call->change.argv,
                         .argc = ARRAY_LEN(call->change.argv),
                         .flags = dispatch_mute(c)};
    d.flags |= call->holds ? REPLY_HELD : 0;
    ASSERT(call->changes && c->held.len == 0);
    ASSERT(cmd_arity_ok(d.cmd, d.argc));
    return write_command(c, &d);
}

static bool run_server_command(struct client *c, const struct dispatch *d)
{
    if (!client_is_idle(c))
        return client_wait(c, WAIT_IDLE);
    struct resp_writer *out = client_reply_begin(c);
    const struct cmd *cmd =
        cmd_resolve(d->cmd, d->argv, d->argc, server_level(c->server), out);
    if (cmd == NULL) { /* there is no such subcommand; the error is written */
        stats_of(&c->server->stats, d->cmd)->rejected++;
        client_reply_end(c, NULL, dispatch_mute(c));
        return dispatch_finished(c, d->cmd);
    }
    int64_t start_us = clock_mono_us();
    struct server_call call = {.s = c->server,
                               .c = c,
                               .cmd = cmd,
                               .argv = d->argv,
                               .argc = d->argc,
                               .out = out,
                               .held = buf_view(&c->held),
                               .waited_ms = waited_ms(c),
                               .kept = &c->later_kept};
    c->last_cmd = cmd;
    run_by_id(&call);
    if (call.later)
        return wait_longer(c);
    ASSERT(c->state <= CLIENT_DOOMED); /* it may doom clients, no more */
    ASSERT(client_is_idle(c));
    if (call.changes)
        return submit_for(c, &call);
    ASSERT(is_answered(c));
    client_reply_end(c, cmd, dispatch_mute(c));
    stats_called(&c->server->stats, cmd, clock_mono_us() - start_us);
    return dispatch_finished(c, cmd);
}

/* What may be registered at the keys that it waits for (blocked.h), and is
 * called again when there is something. */
static bool may_block(struct client *c, const struct dispatch *d)
{
    struct dispatch attempt = *d;
    struct blocked_call call = {.cmd = d->cmd,
                                .argv = d->argv,
                                .argc = d->argc,
                                .flags = d->flags,
                                .first = d->once_client.len > 0,
                                .reads = (d->cmd->flags & CMD_WRITE) == 0};
    if (c->blocked.phase == BLOCKED_NONE) {
        if (!client_is_idle(c))
            return client_wait(c, WAIT_IDLE);
        if (node_is_leaderless(c->server->node))
            return dispatch_refuse(c, d->cmd, reply_error_text(ERR_NO_LEADER));
        if (!blocked_begin(c, &call)) {
            blocked_wait(c);
            return false;
        }
    }
    ASSERT(c->blocked.phase == BLOCKED_CALLED);
    if (c->blocked.gone != NULL)
        return dispatch_refuse(c, d->cmd, c->blocked.gone);
    if (call.reads && blocked_run(c, &call))
        return c->wait == WAIT_NONE && dispatch_finished(c, d->cmd);
    attempt.flags |= REPLY_BLOCKS;
    return dispatch_submit(c, &attempt);
}

static bool write_command(struct client *c, const struct dispatch *d)
{
    char loading[LOADING_TEXT_SIZE];
    ASSERT((d->cmd->flags & CMD_WRITE) != 0);
    if (dispatch_is_loading(c, loading))
        return dispatch_refuse(c, d->cmd, loading);
    if (c->reads.phase != READS_NONE)
        return client_wait(c, WAIT_READS);
    const char *refusal = disk_floor_refusal(c->server, d->cmd);
    if (refusal != NULL)
        return dispatch_refuse(c, d->cmd, refusal);
    if (!dispatch_syntax_ok(c, d))
        return dispatch_refuse_syntax(c, d);
    return waits(d) ? may_block(c, d) : dispatch_submit(c, d);
}

static bool read_command(struct client *c, const struct dispatch *d)
{
    char loading[LOADING_TEXT_SIZE];
    ASSERT((d->cmd->flags & CMD_READ) != 0);
    if (dispatch_is_loading(c, loading))
        return dispatch_refuse(c, d->cmd, loading);
    if ((d->cmd->flags & CMD_BLOCKS) != 0 && dispatch_syntax_ok(c, d) &&
        waits(d))
        return may_block(c, d);
    if (c->unanswered.count == 0)
        return dispatch_defer(c, d);
    ASSERT(c->reads.phase == READS_NONE);
    if (disk_floor_short(c->server)) /* nothing that can wait is logged */
        return client_wait(c, WAIT_IDLE);
    if (!dispatch_syntax_ok(c, d))
        return dispatch_refuse_syntax(c, d);
    return dispatch_submit(c, d);
}

static bool data_command(struct client *c, const struct dispatch *d)
{
    ASSERT(cmd_is_data(d->cmd));
    if (d->cmd->flags & CMD_WRITE)
        return write_command(c, d);
    return read_command(c, d);
}

bool guest_submit(struct client *c, const struct guest_request *r)
{
    struct dispatch d = {
        .cmd = r->cmd,
        .argv = r->argv,
        .argc = r->argc,
        .flags = REPLY_TO_GUEST,
        .request_id = r->id,
        .once_client = bytes_str(c->guest_id),
        .once_id = r->id,
    };
    ASSERT(c->guest_id[0] != '\0');
    ASSERT(cmd_is_data(r->cmd) && cmd_arity_ok(r->cmd, r->argc));
    char loading[LOADING_TEXT_SIZE];
    if (c->server->node == NULL)
        return dispatch_refuse_guest(c, r->id, ERR_NO_LEADER);
    if (dispatch_is_loading(c, loading))
        return dispatch_refuse_guest(c, r->id, ERR_REFILL);
    if (disk_floor_refusal(c->server, r->cmd) != NULL)
        return dispatch_refuse_guest(c, r->id, ERR_LIMIT);
    return dispatch_submit(c, &d);
}

/* --- ONCE --------------------------------------------------------------- */

static bool once_client_ok(struct bytes id)
{
    if (id.len < 1 || id.len > 64)
        return false;
    for (size_t i = 0; i < id.len; i++) {
        uint8_t ch = id.data[i];
        bool letter = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z');
        bool digit = ch >= '0' && ch <= '9';
        if (!letter && !digit && memchr("_.:-", ch, 4) == NULL)
            return false;
    }
    return true;
}

/* ONCE client-id request-id COMMAND ...: the command with its name before. */
static bool once_command(struct client *c, const struct dispatch *outer)
{
    struct dispatch d = {.flags = outer->flags};
    ASSERT(outer->argc >= 4);
    d.once_client = outer->argv[1];
    if (!once_client_ok(d.once_client))
        return dispatch_refuse(
            c, outer->cmd,
            "ERR invalid client id: 1 to 64 letters, digits or "
            "_ . : - are allowed");
    if (!num_parse_u64(outer->argv[2], &d.once_id))
        return dispatch_refuse(
            c, outer->cmd, "ERR invalid request id: not a number of 64 bits");
    d.argv = outer->argv + 3;
    d.argc = outer->argc - 3;
    d.cmd = cmd_lookup_at(d.argv[0], server_level(c->server));
    if (d.cmd == NULL || (d.cmd->flags & CMD_INTERNAL))
        return dispatch_refuse_unknown(c, d.argv, d.argc);
    if (!cmd_arity_ok(d.cmd, d.argc))
        return dispatch_refuse_arity(c, d.cmd);
    if (d.cmd->id == CMD_ID_EXEC) {
        c->server->stats.once_requests += c->settings.in_multi;
        return dispatch_exec(c, &d);
    }
    if (!cmd_is_data(d.cmd) || !(d.cmd->flags & CMD_WRITE))
        return dispatch_refuse(c, outer->cmd,
                               "ERR ONCE is for commands that write");
    if (!write_command(c, &d))
        return false;
    c->server->stats.once_requests++;
    return true;
}

/* --- without a node ----------------------------------------------------- */

/* What is about the connection and this process alone. */
static bool needs_no_node(const struct dispatch *d)
{
    switch (d->cmd->id) {
    case CMD_ID_RAFT: /* what begins a cluster */
        return bytes_eq_nocase(d->argv[1], BYTES_LIT("bootstrap"));
    case CMD_ID_AUTH:
    case CMD_ID_CLIENT:
    case CMD_ID_COMMAND:
    case CMD_ID_DISCARD:
    case CMD_ID_ECHO:
    case CMD_ID_EXEC:
    case CMD_ID_HELLO:
    case CMD_ID_INFO:
    case CMD_ID_MULTI:
    case CMD_ID_PING:
    case CMD_ID_QUIT:
    case CMD_ID_READONLY:
    case CMD_ID_READWRITE:
    case CMD_ID_RESET:
    case CMD_ID_SELECT:
    case CMD_ID_SHUTDOWN:
    case CMD_ID_TIME:
    case CMD_ID_UNWATCH:
        return true;
    default:
        return false;
    }
}

/* --- one command -------------------------------------------------------- */

bool dispatch_command(struct client *c, const struct bytes *argv, uint32_t argc)
{
    ASSERT(argc > 0);
    ASSERT(c->state == CLIENT_OPEN);
    ASSERT(c->wait == WAIT_NONE && !c->settings.reply_skip_next);
    if (c->settings.in_multi && c->multi->running)
        return client_wait(c, WAIT_IDLE); /* for its reply */
    struct dispatch d = {.argv = argv, .argc = argc, .flags = dispatch_mute(c)};
    if (c->blocked.phase == BLOCKED_SERVED)
        return dispatch_finished(c, c->blocked.cmd);
    d.cmd = cmd_lookup_again(c->last_cmd, argv[0], server_level(c->server));
    if (d.cmd == NULL || (d.cmd->flags & CMD_INTERNAL))
        return dispatch_refuse_unknown(c, argv, argc);
    if (!cmd_arity_ok(d.cmd, argc))
        return dispatch_refuse_arity(c, d.cmd);
    if (!client_is_authorized(c) && !(d.cmd->flags & CMD_NO_AUTH))
        return dispatch_refuse(c, d.cmd, NOAUTH);
    if (c->server->node == NULL && !needs_no_node(&d))
        return dispatch_refuse(c, d.cmd, c->server->waiting);
    if (c->settings.in_multi && !dispatch_is_passed(&d))
        return dispatch_queue(c, &d);
    if (cmd_is_data(d.cmd))
        return data_command(c, &d);
    if ((d.cmd->flags & CMD_WRAPPER) != 0)
        return once_command(c, &d);
    if ((d.cmd->flags & CMD_MULTI) != 0)
        return dispatch_multi(c, &d);
    return run_server_command(c, &d);
}
