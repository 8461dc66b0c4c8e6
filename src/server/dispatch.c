/*
 * How it works: each command is looked up and checked; then it goes to the
 * node (a write), to the deferred reads (a read), or to a function of the
 * server's own. One that may not be executed yet waits (client_wait()), and
 * its request stays in the input.
 *
 * How it fails: what the client did wrong is answered.
 */
#include "server/dispatch.h"

#include <stdio.h>

#include "base/num.h"
#include "os/clock.h"
#include "server/blocked.h"
#include "server/multi.h"
#include "server/reads.h"
#include "server/server_internal.h"

#define NOAUTH            "NOAUTH Authentication required."
#define LOADING_TEXT_SIZE 64

/* One command on its way. */
struct dispatch {
    const struct cmd *cmd;
    const struct bytes *argv;
    uint32_t argc;
    uint8_t flags;            /* REPLY_* */
    uint64_t request_id;      /* of REPLY_TO_GUEST */
    struct bytes once_client; /* empty: none */
    uint64_t once_id;
};

static uint8_t mute_flag(const struct client *c)
{
    return c->settings.reply_off || c->settings.reply_skip ? REPLY_MUTE : 0;
}

/* The command was executed, submitted or refused: on to the next. */
static bool finished(struct client *c, const struct cmd *cmd)
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
    c->server->stats.commands_processed++;
    return true;
}

/* --- refusals ----------------------------------------------------------- */

static bool refuse(struct client *c, const struct cmd *cmd, const char *text)
{
    ASSERT(text[0] >= 'A' && text[0] <= 'Z'); /* it begins with a code */
    if (!client_is_idle(c))
        return client_wait(c, WAIT_IDLE);
    if (cmd != NULL)
        stats_of(&c->server->stats, cmd)->rejected++;
    client_reply_error(c, NULL, mute_flag(c), text);
    return finished(c, cmd);
}

static bool refuse_unknown(struct client *c, const struct bytes *argv,
                           uint32_t argc)
{
    ASSERT(argc > 0);
    if (bytes_eq_nocase(argv[0], BYTES_LIT("post")) ||
        bytes_eq_nocase(argv[0], BYTES_LIT("host:"))) {
        security_attack(c);
        return finished(c, NULL);
    }
    if (!client_is_idle(c))
        return client_wait(c, WAIT_IDLE);
    cmd_reply_unknown(client_reply_begin(c), argv, argc);
    client_reply_end(c, NULL, mute_flag(c));
    return finished(c, NULL);
}

static bool refuse_arity(struct client *c, const struct cmd *cmd)
{
    ASSERT((cmd->flags & CMD_INTERNAL) == 0);
    if (!client_is_idle(c))
        return client_wait(c, WAIT_IDLE);
    stats_of(&c->server->stats, cmd)->rejected++;
    cmd_reply_arity(client_reply_begin(c), cmd);
    client_reply_end(c, NULL, mute_flag(c));
    return finished(c, cmd);
}

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
                         .flags = mute_flag(c)};
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
        client_reply_end(c, NULL, mute_flag(c));
        return finished(c, d->cmd);
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
    client_reply_end(c, cmd, mute_flag(c));
    stats_called(&c->server->stats, cmd, clock_mono_us() - start_us);
    return finished(c, cmd);
}

/* --- commands on data --------------------------------------------------- */

/* Whether the arguments make sense, so that an error never enters the log.
 * If not, the error is in syntax_error. */
static bool syntax_ok(struct client *c, const struct dispatch *d)
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

static bool reply_syntax_error(struct client *c, const struct dispatch *d)
{
    if (!client_is_idle(c))
        return client_wait(c, WAIT_IDLE);
    struct bytes text = buf_view(&c->server->syntax_error.text);
    ASSERT(text.len > 0 && text.data[0] == '-');
    resp_raw(client_reply_begin(c), text);
    client_reply_end(c, d->cmd, mute_flag(c));
    stats_of(&c->server->stats, d->cmd)->calls++;
    return finished(c, d->cmd);
}

/* A guest's request was not executed. */
static bool refuse_guest(struct client *c, uint64_t request_id, int err)
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
static bool submit(struct client *c, const struct dispatch *d)
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
        return refuse_guest(c, d->request_id, err);
    if (err != 0 && (d->flags & REPLY_BLOCKS) && blocked_refused(c, err))
        return client_wait(c, WAIT_BLOCKED);
    if (err != 0)
        return refuse(c, d->cmd, reply_error_text(err));
    struct unanswered p = {d->cmd, d->request_id, clock_mono_us(), d->flags};
    unanswered_push(&c->unanswered, &p);
    if (!(d->cmd->flags & CMD_WRITE))
        s->stats.reads_through_log++;
    if (d->flags & REPLY_BLOCKS)
        blocked_submitted(c);
    if (d->flags & (REPLY_HELD | REPLY_BLOCKS)) /* it stays where it is */
        return client_wait(c, WAIT_IDLE);
    return finished(c, d->cmd);
}

/* Has this node not got yet what it must have before it serves? */
static bool is_loading(const struct client *c, char text[LOADING_TEXT_SIZE])
{
    uint32_t percent = 0;
    if (!node_loading(c->server->node, &percent))
        return false;
    ASSERT(percent < 100);
    snprintf(text, LOADING_TEXT_SIZE, "LOADING vard is being refilled (%u %%)",
             percent);
    return true;
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
            return refuse(c, d->cmd, reply_error_text(ERR_NO_LEADER));
        if (!blocked_begin(c, &call)) {
            blocked_wait(c);
            return false;
        }
    }
    ASSERT(c->blocked.phase == BLOCKED_CALLED);
    if (c->blocked.gone != NULL)
        return refuse(c, d->cmd, c->blocked.gone);
    if (call.reads && blocked_run(c, &call))
        return c->wait == WAIT_NONE && finished(c, d->cmd);
    attempt.flags |= REPLY_BLOCKS;
    return submit(c, &attempt);
}

static bool write_command(struct client *c, const struct dispatch *d)
{
    char loading[LOADING_TEXT_SIZE];
    ASSERT((d->cmd->flags & CMD_WRITE) != 0);
    if (is_loading(c, loading))
        return refuse(c, d->cmd, loading);
    if (c->reads.phase != READS_NONE)
        return client_wait(c, WAIT_READS);
    const char *refusal = disk_floor_refusal(c->server, d->cmd);
    if (refusal != NULL)
        return refuse(c, d->cmd, refusal);
    if (!syntax_ok(c, d))
        return reply_syntax_error(c, d);
    return waits(d) ? may_block(c, d) : submit(c, d);
}

static bool defer(struct client *c, const struct dispatch *d)
{
    ASSERT((d->flags & REPLY_TO_GUEST) == 0);
    struct deferred read = {d->cmd, d->argv, d->argc, d->flags};
    return reads_defer(c, &read) ? finished(c, d->cmd) : false;
}

static bool read_command(struct client *c, const struct dispatch *d)
{
    char loading[LOADING_TEXT_SIZE];
    ASSERT((d->cmd->flags & CMD_READ) != 0);
    if (is_loading(c, loading))
        return refuse(c, d->cmd, loading);
    if ((d->cmd->flags & CMD_BLOCKS) != 0 && syntax_ok(c, d) && waits(d))
        return may_block(c, d);
    if (c->unanswered.count == 0)
        return defer(c, d);
    ASSERT(c->reads.phase == READS_NONE);
    if (disk_floor_short(c->server)) /* nothing that can wait is logged */
        return client_wait(c, WAIT_IDLE);
    if (!syntax_ok(c, d))
        return reply_syntax_error(c, d);
    return submit(c, d);
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
        return refuse_guest(c, r->id, ERR_NO_LEADER);
    if (is_loading(c, loading))
        return refuse_guest(c, r->id, ERR_REFILL);
    if (disk_floor_refusal(c->server, r->cmd) != NULL)
        return refuse_guest(c, r->id, ERR_LIMIT);
    return submit(c, &d);
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
        return refuse(c, outer->cmd,
                      "ERR invalid client id: 1 to 64 letters, digits or "
                      "_ . : - are allowed");
    if (!num_parse_u64(outer->argv[2], &d.once_id))
        return refuse(c, outer->cmd,
                      "ERR invalid request id: not a number of 64 bits");
    d.argv = outer->argv + 3;
    d.argc = outer->argc - 3;
    d.cmd = cmd_lookup_at(d.argv[0], server_level(c->server));
    if (d.cmd == NULL || (d.cmd->flags & CMD_INTERNAL))
        return refuse_unknown(c, d.argv, d.argc);
    if (!cmd_arity_ok(d.cmd, d.argc))
        return refuse_arity(c, d.cmd);
    if (!cmd_is_data(d.cmd) || !(d.cmd->flags & CMD_WRITE))
        return refuse(c, outer->cmd, "ERR ONCE is for commands that write");
    if (!write_command(c, &d))
        return false;
    c->server->stats.once_requests++;
    return true;
}

/* --- MULTI, EXEC, DISCARD ----------------------------------------------- */

static bool multi_command(struct client *c, enum multi_word word, uint32_t argc)
{
    if (!client_is_authorized(c))
        return refuse(c, NULL, NOAUTH);
    if (!client_is_idle(c))
        return client_wait(c, WAIT_IDLE);
    const char *error = multi_run(word, argc, &c->settings.in_multi);
    ASSERT(c->settings.in_multi || word != MULTI_BEGIN);
    if (error != NULL)
        return refuse(c, NULL, error);
    resp_status(client_reply_begin(c), "OK");
    client_reply_end(c, NULL, mute_flag(c));
    return finished(c, NULL);
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
    case CMD_ID_ECHO:
    case CMD_ID_HELLO:
    case CMD_ID_INFO:
    case CMD_ID_PING:
    case CMD_ID_QUIT:
    case CMD_ID_READONLY:
    case CMD_ID_READWRITE:
    case CMD_ID_RESET:
    case CMD_ID_SELECT:
    case CMD_ID_SHUTDOWN:
    case CMD_ID_TIME:
        return true;
    default:
        return false;
    }
}

/* --- one command -------------------------------------------------------- */

static bool no_command(struct client *c, const struct bytes *argv,
                       uint32_t argc)
{
    enum multi_word word = multi_word_of(argv[0]);
    ASSERT(c->state == CLIENT_OPEN);
    if (word != MULTI_NONE)
        return multi_command(c, word, argc);
    return refuse_unknown(c, argv, argc);
}

bool dispatch_command(struct client *c, const struct bytes *argv, uint32_t argc)
{
    ASSERT(argc > 0);
    ASSERT(c->state == CLIENT_OPEN);
    ASSERT(c->wait == WAIT_NONE && !c->settings.reply_skip_next);
    struct dispatch d = {.argv = argv, .argc = argc, .flags = mute_flag(c)};
    if (c->blocked.phase == BLOCKED_SERVED)
        return finished(c, c->blocked.cmd);
    d.cmd = cmd_lookup_again(c->last_cmd, argv[0], server_level(c->server));
    if (d.cmd == NULL || (d.cmd->flags & CMD_INTERNAL))
        return no_command(c, argv, argc);
    if (!cmd_arity_ok(d.cmd, argc))
        return refuse_arity(c, d.cmd);
    if (!client_is_authorized(c) && !(d.cmd->flags & CMD_NO_AUTH))
        return refuse(c, d.cmd, NOAUTH);
    if (c->server->node == NULL && !needs_no_node(&d))
        return refuse(c, d.cmd, c->server->waiting);
    if (c->settings.in_multi && !multi_lets_pass(d.cmd))
        return refuse(c, d.cmd, MULTI_REFUSAL);
    if (cmd_is_data(d.cmd))
        return data_command(c, &d);
    if ((d.cmd->flags & CMD_WRAPPER) != 0)
        return once_command(c, &d);
    return run_server_command(c, &d);
}

/* --- replies of the node ------------------------------------------------ */

struct resp_writer *dispatch_reply_open(struct client *c)
{
    struct unanswered *p = unanswered_front(&c->unanswered);
    ASSERT(c->state != CLIENT_GONE);
    if (c->state >= CLIENT_DOOMED)
        return NULL;
    if (p->flags & REPLY_TO_GUEST) {
        buf_reset(&c->server->guest_reply.text);
        return &c->server->guest_reply.writer;
    }
    return client_reply_begin(c);
}

static void account(struct client *c, const struct unanswered *p)
{
    stats_called(&c->server->stats, p->cmd, clock_mono_us() - p->start_us);
}

static enum guest_outcome guest_outcome(enum node_outcome outcome)
{
    switch (outcome) {
    case NODE_EXECUTED:
        return GUEST_EXECUTED;
    case NODE_OUTDATED:
        return GUEST_OUTDATED;
    case NODE_BLOCKED: /* no guest sends what may wait */
    case NODE_UNKNOWN:
        break;
    }
    return GUEST_UNKNOWN;
}

static void answer_guest(struct client *c, const struct unanswered *p,
                         enum node_outcome outcome)
{
    struct bytes reply = buf_view(&c->server->guest_reply.text);
    ASSERT(c->protocol != NULL && c->protocol->answer != NULL);
    (void)stats_reply(&c->server->stats, reply);
    if (c->state == CLIENT_OPEN)
        c->protocol->answer(c, p->request_id, guest_outcome(outcome), reply);
}

/* The command that asked for it is called again, and knows it then. */
static void hold_reply(struct client *c)
{
    struct buf *out = &c->conn.out;
    ASSERT(c->held.len == 0 && out->len > c->reply_start);
    buf_append(&c->held, out->data + c->reply_start, out->len - c->reply_start);
    out->len = c->reply_start;
}

void dispatch_reply_done(struct client *c, enum node_outcome outcome)
{
    struct unanswered p = *unanswered_front(&c->unanswered);
    ASSERT(c->reads.phase != READS_ASKED);
    unanswered_pop(&c->unanswered);
    if (outcome != NODE_BLOCKED)
        account(c, &p);
    if (c->state > CLIENT_DOOMED) {
        if (client_is_idle(c))
            client_move(c, CLIENT_GONE);
        return;
    }
    if (c->state == CLIENT_DOOMED)
        return; /* nothing was written */
    if (p.flags & REPLY_TO_GUEST) {
        answer_guest(c, &p, outcome);
        limits_reply(c);
    } else if (p.flags & REPLY_HELD) {
        hold_reply(c);
    } else if (outcome == NODE_BLOCKED) {
        blocked_again(c);
    } else if (p.flags & REPLY_BLOCKS) {
        client_reply_end(c, p.cmd, p.flags & REPLY_MUTE);
        blocked_served(c);
    } else {
        client_reply_end(c, p.cmd, p.flags);
    }
    /* Reads on their way to the log wait for this too. */
    if (c->unanswered.count == 0 && c->reads.phase != READS_ASKED)
        client_wake(c, WAIT_IDLE);
}
