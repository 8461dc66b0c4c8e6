/*
 * What may become of a command: it goes to the node (a write), to the deferred
 * reads (a read), or is answered at once. One that may not be executed yet
 * waits (client_wait()), and its request stays in the input.
 *
 * How it fails: what the client did wrong is answered.
 */
#include "server/dispatch_internal.h"

#include <stdio.h>

#include "os/clock.h"
#include "server/blocked.h"
#include "server/reads.h"

uint8_t dispatch_mute(const struct client *c)
{
    ASSERT(c->state <= CLIENT_DOOMED);
    return c->settings.reply_off || c->settings.reply_skip ? REPLY_MUTE : 0;
}

/* The command was taken off the input: on to the next. */
bool dispatch_taken(struct client *c, const struct cmd *cmd)
{
    ASSERT(c->wait == WAIT_NONE || c->wait == WAIT_SHUTDOWN);
    client_abandon(c); /* what was to become of it, if anything */
    if (c->blocked.phase != BLOCKED_NONE)
        blocked_end(c);
    buf_reset(&c->held);
    c->settings.reply_skip = c->settings.reply_skip_next;
    c->settings.reply_skip_next = false;
    c->later_ms = 0;
    c->last_cmd = cmd;
    return true;
}

/* The same of one that was executed, submitted or refused. */
bool dispatch_finished(struct client *c, const struct cmd *cmd)
{
    ASSERT(cmd == NULL || cmd_by_id(cmd->id) == cmd);
    c->server->stats.commands_processed++;
    return dispatch_taken(c, cmd);
}

/* --- refusals ----------------------------------------------------------- */

/* What was to be part of a transaction, or to guard one, is not. */
static void spoil(struct client *c, const struct cmd *cmd)
{
    ASSERT(!c->settings.in_multi || !c->multi->running);
    if (c->settings.in_multi)
        c->multi->failed = true;
    else if (cmd != NULL && cmd->id == CMD_ID_WATCH)
        client_multi(c)->watch_failed = true;
}

/* MULTI with arguments: whoever sends it means a transaction, and what follows
 * is not to be executed one by one. */
static void begin_failed(struct client *c)
{
    struct multi *m = client_multi(c);
    ASSERT(!m->running);
    if (!c->settings.in_multi)
        multi_begin(m, c->settings.db, c->server->options.config->databases);
    c->settings.in_multi = true;
}

bool dispatch_refuse(struct client *c, const struct cmd *cmd, const char *text)
{
    ASSERT(text[0] >= 'A' && text[0] <= 'Z'); /* it begins with a code */
    if (!client_is_idle(c))
        return client_wait(c, WAIT_IDLE);
    spoil(c, cmd);
    if (cmd != NULL)
        stats_of(&c->server->stats, cmd)->rejected++;
    client_reply_error(c, NULL, dispatch_mute(c), text);
    return dispatch_finished(c, cmd);
}

bool dispatch_refuse_unknown(struct client *c, const struct bytes *argv,
                             uint32_t argc)
{
    ASSERT(argc > 0);
    if (bytes_eq_nocase(argv[0], BYTES_LIT("post")) ||
        bytes_eq_nocase(argv[0], BYTES_LIT("host:"))) {
        security_attack(c);
        return dispatch_finished(c, NULL);
    }
    if (!client_is_idle(c))
        return client_wait(c, WAIT_IDLE);
    spoil(c, NULL);
    cmd_reply_unknown(client_reply_begin(c), argv, argc);
    client_reply_end(c, NULL, dispatch_mute(c));
    return dispatch_finished(c, NULL);
}

bool dispatch_refuse_arity(struct client *c, const struct cmd *cmd)
{
    ASSERT((cmd->flags & CMD_INTERNAL) == 0);
    if (!client_is_idle(c))
        return client_wait(c, WAIT_IDLE);
    if (cmd->id == CMD_ID_MULTI && client_is_authorized(c))
        begin_failed(c);
    spoil(c, NULL);
    stats_of(&c->server->stats, cmd)->rejected++;
    cmd_reply_arity(client_reply_begin(c), cmd);
    client_reply_end(c, NULL, dispatch_mute(c));
    return dispatch_finished(c, cmd);
}

/* --- commands on data --------------------------------------------------- */

/* Whether the arguments make sense, so that an error never enters the log.
 * If not, the error is in syntax_error. */
bool dispatch_syntax_ok(struct client *c, const struct dispatch *d)
{
    struct server *s = c->server;
    buf_reset(&s->syntax_error.text);
    s->syntax_error.writer.protocol = c->writer.protocol;
    struct cmd_args args = {
        .cmd = d->cmd,
        .argv = d->argv,
        .argc = d->argc,
        .level = server_level(s),
        .value_max = s->options.config->proto_max_bulk_len_bytes,
        .out = &s->syntax_error.writer,
    };
    bool ok = cmd_check(&args);
    ASSERT(ok == (s->syntax_error.text.len == 0));
    return ok;
}

bool dispatch_refuse_syntax(struct client *c, const struct dispatch *d)
{
    if (!client_is_idle(c))
        return client_wait(c, WAIT_IDLE);
    struct bytes text = buf_view(&c->server->syntax_error.text);
    ASSERT(text.len > 0 && text.data[0] == '-');
    resp_raw(client_reply_begin(c), text);
    client_reply_end(c, d->cmd, dispatch_mute(c));
    stats_of(&c->server->stats, d->cmd)->calls++;
    return dispatch_finished(c, d->cmd);
}

/* A guest's request was not executed. */
bool dispatch_refuse_guest(struct client *c, uint64_t request_id, int err)
{
    ASSERT(err < 0);
    if (!client_is_idle(c))
        return client_wait(c, WAIT_IDLE);
    client_abandon(c);
    c->protocol->answer(c, request_id,
                        err == ERR_TOO_BIG ? GUEST_TOO_BIG : GUEST_REFUSED,
                        BYTES_NONE);
    return true;
}

/* Gives a checked command to the node; false: not now. */
bool dispatch_submit(struct client *c, const struct dispatch *d)
{
    struct server *s = c->server;
    ASSERT(c->state == CLIENT_OPEN && cmd_is_data(d->cmd));
    if (c->unanswered.count >= CLIENT_UNANSWERED_MAX)
        return client_wait(c, WAIT_IDLE);
    if (!node_can_submit(s->node))
        return client_wait(c, WAIT_NODE);
    struct node_submit submit = {
        .db = c->settings.db,
        .argv = d->argv,
        .argc = d->argc,
        .once_client = d->once_client,
        .once_id = d->once_id,
    };
    int err = client_submit(c, &submit);
    if (err == ERR_AGAIN)
        return false;
    if (err != 0 && (d->flags & REPLY_TO_GUEST))
        return dispatch_refuse_guest(c, d->request_id, err);
    if (err != 0 && (d->flags & REPLY_BLOCKS) && blocked_refused(c, err))
        return client_wait(c, WAIT_BLOCKED);
    const struct cmd *told = d->told != NULL ? d->told : d->cmd;
    if (err != 0)
        return dispatch_refuse(c, told, reply_error_text(err));
    struct unanswered p = {told, d->request_id, clock_mono_us(), d->flags,
                           NULL};
    unanswered_push(&c->unanswered, &p);
    if (!(d->cmd->flags & CMD_WRITE))
        s->stats.reads_through_log++;
    if (d->flags & REPLY_BLOCKS)
        blocked_submitted(c);
    if (d->flags & (REPLY_HELD | REPLY_BLOCKS)) /* it stays where it is */
        return client_wait(c, WAIT_IDLE);
    return dispatch_finished(c, told);
}

/* Has this node not got yet what it must have before it serves? */
bool dispatch_is_loading(const struct client *c, char text[LOADING_TEXT_SIZE])
{
    uint32_t percent = 0;
    if (!node_loading(c->server->node, &percent))
        return false;
    ASSERT(percent < 100);
    snprintf(text, LOADING_TEXT_SIZE, "LOADING vard is being refilled (%u %%)",
             percent);
    return true;
}

bool dispatch_defer(struct client *c, const struct dispatch *d)
{
    ASSERT((d->flags & REPLY_TO_GUEST) == 0);
    struct deferred read = {d->cmd, d->argv, d->argc, d->flags, d->told, NULL};
    if (!reads_defer(c, &read))
        return false;
    return dispatch_finished(c, d->told != NULL ? d->told : d->cmd);
}

/* A reply that is known at once: it is told behind those that are not. */
bool dispatch_tell(struct client *c, const char *text)
{
    uint8_t flags = dispatch_mute(c);
    ASSERT(text[strlen(text) - 1] == '\n');
    if (c->unanswered.count >= CLIENT_UNANSWERED_MAX)
        return client_wait(c, WAIT_IDLE);
    if (c->unanswered.count > 0) {
        struct unanswered p = {.flags = flags, .ready = text};
        unanswered_push(&c->unanswered, &p);
        return true;
    }
    if (c->reads.phase != READS_NONE) {
        struct deferred read = {.flags = flags, .ready = text};
        return reads_defer(c, &read);
    }
    resp_raw(client_reply_begin(c), bytes_str(text));
    client_reply_end(c, NULL, flags);
    return true;
}

bool dispatch_done(struct client *c, const struct cmd *cmd)
{
    ASSERT((cmd->flags & CMD_MULTI) != 0);
    stats_called(&c->server->stats, cmd, 0);
    return dispatch_finished(c, cmd);
}

/* An error that spoils nothing. */
bool dispatch_complain(struct client *c, const struct cmd *cmd,
                       const char *text)
{
    ASSERT((cmd->flags & (CMD_INTERNAL | CMD_WRAPPER)) == 0);
    if (!client_is_idle(c))
        return client_wait(c, WAIT_IDLE);
    stats_of(&c->server->stats, cmd)->rejected++;
    client_reply_error(c, NULL, dispatch_mute(c), text);
    return dispatch_finished(c, cmd);
}
