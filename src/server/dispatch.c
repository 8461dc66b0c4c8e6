/*
 * How it works: dispatch_input() takes one command after the other off the
 * input buffer. A command that may not be executed yet stays there and is
 * read again when the client is woken; parsing twice costs little, since only
 * lengths are looked at. The input is consumed once per turn, not once per
 * command, so that a long pipeline is not moved again and again.
 *
 * How it fails: what the client did wrong is answered; what it did to the
 * protocol is answered and closes the connection.
 */
#include "server/dispatch.h"

#include "base/num.h"
#include "os/clock.h"
#include "server/server_internal.h"

static bool wait_for(struct client *c, enum client_wait reason)
{
    ASSERT(reason != WAIT_NONE);
    c->wait = reason;
    return false;
}

const char *dispatch_error_text(int error)
{
    switch (error) {
    case ERR_NO_LEADER:
        return "CLUSTERDOWN No leader is known; the command was not executed";
    case ERR_TOO_BIG:
        return "ERR the command is too big for one request; see "
               "proto-max-bulk-len";
    default:
        return "ERR the command could not be executed";
    }
}

static uint8_t mute_flag(const struct client *c)
{
    return c->settings.reply_off || c->settings.reply_skip ? PENDING_MUTE : 0;
}

/* The command was executed, submitted or refused: on to the next. */
static bool finished(struct client *c, const struct cmd *cmd)
{
    c->settings.reply_skip = c->settings.reply_skip_next;
    c->settings.reply_skip_next = false;
    c->last_cmd = cmd;
    c->commands++;
    c->server->stats.commands_processed++;
    return true;
}

/* --- refusals ----------------------------------------------------------- */

static bool refuse(struct client *c, const struct cmd *cmd, const char *text)
{
    if (!client_is_idle(c))
        return wait_for(c, WAIT_IDLE);
    if (cmd != NULL)
        stats_of(&c->server->stats, cmd)->rejected++;
    client_reply_error(c, NULL, mute_flag(c), text);
    return finished(c, cmd);
}

static bool refuse_unknown(struct client *c, const struct bytes *argv,
                           uint32_t argc)
{
    if (bytes_eq_nocase(argv[0], BYTES_LIT("post")) ||
        bytes_eq_nocase(argv[0], BYTES_LIT("host:"))) {
        security_attack(c);
        return finished(c, NULL);
    }
    if (!client_is_idle(c))
        return wait_for(c, WAIT_IDLE);
    cmd_reply_unknown(client_reply_begin(c), argv, argc);
    client_reply_end(c, NULL, mute_flag(c));
    return finished(c, NULL);
}

static bool refuse_arity(struct client *c, const struct cmd *cmd)
{
    if (!client_is_idle(c))
        return wait_for(c, WAIT_IDLE);
    stats_of(&c->server->stats, cmd)->rejected++;
    cmd_reply_arity(client_reply_begin(c), cmd);
    client_reply_end(c, NULL, mute_flag(c));
    return finished(c, cmd);
}

/* --- commands of the server --------------------------------------------- */

/* Runs the function of the command, or of the subcommand that was asked for;
 * without a leader too. */
static void run_by_id(struct server_call *call)
{
    call->cmd = cmd_resolve(call->cmd, call->argv, call->argc, call->out);
    if (call->cmd == NULL)
        return;
    ASSERT((call->cmd->flags & CMD_LOCAL) != 0);
    server_fn *fn = call->s->options.commands[call->cmd->id];
    ASSERT(fn != NULL);
    fn(call);
}

static bool run_server_command(struct client *c, const struct dispatch *d)
{
    if (!client_is_idle(c))
        return wait_for(c, WAIT_IDLE);
    int64_t start_us = clock_mono_us();
    struct server_call call = {c->server, c,       d->cmd,
                               d->argv,   d->argc, &c->writer};
    (void)client_reply_begin(c);
    c->last_cmd = d->cmd;
    run_by_id(&call);
    client_reply_end(c, d->cmd, mute_flag(c));
    /* CONFIG RESETSTAT empties the counters, so they are looked up late. */
    struct stats_command *stats = stats_of(&c->server->stats, d->cmd);
    stats->calls++;
    stats->usec += (uint64_t)(clock_mono_us() - start_us);
    return finished(c, d->cmd);
}

/* --- commands on data --------------------------------------------------- */

/* Whether the arguments make sense, so that an error never enters the log.
 * If not, the error is in the server's scratch. */
static bool syntax_ok(struct client *c, const struct dispatch *d)
{
    struct server *s = c->server;
    buf_reset(&s->scratch);
    s->scratch_writer.protocol = c->writer.protocol;
    struct cmd_args args = {
        .cmd = d->cmd,
        .argv = d->argv,
        .argc = d->argc,
        .value_max = s->config->proto_max_bulk_len_bytes,
        .out = &s->scratch_writer,
    };
    return cmd_check(&args);
}

static bool reply_scratch(struct client *c, const struct dispatch *d)
{
    if (!client_is_idle(c))
        return wait_for(c, WAIT_IDLE);
    resp_raw(client_reply_begin(c), buf_view(&c->server->scratch));
    client_reply_end(c, d->cmd, mute_flag(c));
    stats_of(&c->server->stats, d->cmd)->calls++;
    return finished(c, d->cmd);
}

/* A guest's request was not executed. */
static bool refuse_guest(struct client *c, uint64_t request_id, int error)
{
    ASSERT(error == ERR_NO_LEADER || error == ERR_TOO_BIG ||
           error == ERR_LIMIT);
    if (!client_is_idle(c))
        return wait_for(c, WAIT_IDLE);
    c->protocol->answer(c, request_id,
                        error == ERR_TOO_BIG ? GUEST_TOO_BIG : GUEST_REFUSED,
                        BYTES_NONE);
    return true;
}

/* Gives a checked command to the node; false: not now. */
static bool submit(struct client *c, const struct dispatch *d)
{
    struct server *s = c->server;
    ASSERT(c->state == CLIENT_OPEN && cmd_is_data(d->cmd));
    if (c->pending.count >= CLIENT_PENDING_MAX)
        return wait_for(c, WAIT_IDLE);
    if (!node_can_submit(s->node))
        return wait_for(c, WAIT_NODE);
    struct node_submit submit = {
        .db = c->settings.db,
        .argv = d->argv,
        .argc = d->argc,
        .once_client = d->once_client,
        .once_id = d->once_id,
    };
    int err = node_submit(s->node, &submit, c);
    if (err != 0 && (d->flags & PENDING_GUEST))
        return refuse_guest(c, d->request_id, err);
    if (err != 0)
        return refuse(c, d->cmd, dispatch_error_text(err));
    struct pending p = {d->cmd, d->request_id, clock_mono_us(), d->flags};
    pending_push(&c->pending, &p);
    if (!(d->cmd->flags & CMD_WRITE))
        s->stats.reads_through_log++;
    return finished(c, d->cmd);
}

static bool write_command(struct client *c, const struct dispatch *d)
{
    if (c->reads.phase != READS_NONE)
        return wait_for(c, WAIT_READS);
    if (limits_disk_short(c->server))
        return refuse(c, d->cmd, limits_disk_text(c->server));
    if (!syntax_ok(c, d))
        return reply_scratch(c, d);
    return submit(c, d);
}

static bool read_command(struct client *c, const struct dispatch *d)
{
    if (c->pending.count == 0)
        return reads_defer(c, d) ? finished(c, d->cmd) : false;
    ASSERT(c->reads.phase == READS_NONE);
    if (limits_disk_short(c->server)) /* nothing that can wait is logged */
        return wait_for(c, WAIT_IDLE);
    if (!syntax_ok(c, d))
        return reply_scratch(c, d);
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
        .flags = PENDING_GUEST,
        .request_id = r->id,
        .once_client = bytes_str(c->guest_id),
        .once_id = r->id,
    };
    ASSERT(c->guest_id[0] != '\0');
    if (limits_disk_short(c->server))
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
    d.cmd = cmd_lookup(d.argv[0]);
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

/* --- one command -------------------------------------------------------- */

static bool one_command(struct client *c, const struct bytes *argv,
                        uint32_t argc)
{
    ASSERT(argc > 0);
    ASSERT(c->state == CLIENT_OPEN);
    struct dispatch d = {.argv = argv, .argc = argc, .flags = mute_flag(c)};
    d.cmd = cmd_lookup(argv[0]);
    if (d.cmd == NULL || (d.cmd->flags & CMD_INTERNAL))
        return refuse_unknown(c, argv, argc);
    if (!cmd_arity_ok(d.cmd, argc))
        return refuse_arity(c, d.cmd);
    if (!c->settings.authenticated && !(d.cmd->flags & CMD_NO_AUTH))
        return refuse(c, d.cmd, "NOAUTH Authentication required.");
    if (cmd_is_data(d.cmd))
        return data_command(c, &d);
    if ((d.cmd->flags & CMD_WRAPPER) != 0)
        return once_command(c, &d);
    return run_server_command(c, &d);
}

/* --- input -------------------------------------------------------------- */

static struct resp_limits limits_of(const struct client *c)
{
    if (!c->settings.authenticated)
        return (struct resp_limits){RESP_ARGC_MAX_UNAUTH, RESP_BULK_MAX_UNAUTH};
    uint64_t bulk_max = c->server->config->proto_max_bulk_len_bytes;
    return (struct resp_limits){RESP_ARGC_MAX, bulk_max};
}

bool dispatch_has_share(struct client *c, uint32_t commands, size_t input)
{
    if (c->state != CLIENT_OPEN || c->wait != WAIT_NONE)
        return false;
    if (conn_pending(&c->conn) > CLIENT_OUTPUT_PAUSE) {
        c->wait = WAIT_OUTPUT;
        return false;
    }
    if (commands < CLIENT_COMMANDS_MAX && input < CLIENT_INPUT_MAX)
        return true;
    c->wait = WAIT_TURN;
    client_mark_ready(c);
    return false;
}

/* One command off the input; the bytes it took, or 0: no further now. */
static size_t resp_take(struct client *c, struct bytes input, size_t *need)
{
    struct resp_limits limits = limits_of(c);
    size_t consumed = 0;
    enum resp_result res =
        resp_read(&c->reader, input, &limits, &consumed, need, &c->input_error);
    switch (res) {
    case RESP_MORE:
    case RESP_ERROR:
        return 0;
    case RESP_EMPTY:
        return consumed;
    case RESP_COMMAND:
        break;
    }
    ASSERT(consumed > 0);
    if (!one_command(c, c->reader.argv, c->reader.argc))
        return 0;
    return consumed;
}

static const struct protocol resp_protocol = {
    .name = "RESP",
    .request_min = 1,
    .take = resp_take,
};

static void take_requests(struct client *c)
{
    struct buf *in = &c->conn.in;
    uint32_t commands = 0;
    size_t pos = 0;
    while (in->len - pos >= c->need && c->input_error == NULL &&
           dispatch_has_share(c, commands, pos)) {
        size_t size =
            c->protocol->take(c, bytes_from(buf_view(in), pos), &c->need);
        if (size == 0)
            break;
        ASSERT(size <= in->len - pos);
        c->need = c->protocol->request_min;
        pos += size;
        commands++;
    }
    buf_consume(in, pos);
}

/* The protocol was broken: said in its turn, then closed. */
static void tell_input_error(struct client *c)
{
    char text[128];
    ASSERT(c->input_error != NULL);
    if (!client_is_idle(c)) {
        c->wait = WAIT_IDLE;
        return;
    }
    c->server->stats.protocol_errors++;
    address_format(&c->peer, text);
    log_verbose(c->server->log, "%s from client id=%llu %s", c->input_error,
                (unsigned long long)c->id, text);
    resp_errorf(client_reply_begin(c), "ERR %s", c->input_error);
    client_reply_end(c, NULL, 0);
    client_close_after_reply(c);
}

/* A guest's clients begin with its magic bytes; as long as they may still be
 * coming, nothing is known. */
static void find_protocol(struct client *c)
{
    const struct server_options *options = &c->server->options;
    const struct buf *in = &c->conn.in;
    bool undecided = false;
    ASSERT(in->len > 0 && c->protocol == NULL);
    for (size_t i = 0; i < options->guest_count; i++) {
        const struct protocol *guest = options->guests[i];
        size_t n = MIN(in->len, guest->magic.len);
        if (memcmp(in->data, guest->magic.data, n) != 0)
            continue;
        if (n == guest->magic.len)
            c->protocol = guest;
        undecided = true;
    }
    if (!undecided)
        c->protocol = &resp_protocol;
}

/* Reading pauses while there is much that can't be executed yet. */
static void update_pause(struct client *c)
{
    if (c->state != CLIENT_OPEN)
        return;
    bool much = c->conn.in.len >= CLIENT_INPUT_PAUSE;
    bool pause = c->wait != WAIT_NONE && much;
    if (pause != c->conn.paused)
        conn_pause(&c->conn, pause);
}

static void execute(struct client *c)
{
    if (c->conn.in.len > 0 && c->protocol == NULL)
        find_protocol(c);
    if (c->protocol != NULL)
        take_requests(c);
    if (c->state == CLIENT_OPEN && c->input_error != NULL &&
        c->wait == WAIT_NONE)
        tell_input_error(c);
}

/* It sends no more: once all is answered, it is closed. */
static void see_end(struct client *c)
{
    if (c->state != CLIENT_OPEN || !c->conn.ended || c->wait != WAIT_NONE)
        return;
    if (client_is_idle(c))
        client_close_after_reply(c);
    else
        c->wait = WAIT_IDLE;
}

void dispatch_input(struct client *c)
{
    if (c->state != CLIENT_OPEN)
        return;
    if (c->server->shutdown.phase >= SHUTDOWN_DRAIN)
        return;
    if (c->wait == WAIT_NONE)
        execute(c);
    if (c->state == CLIENT_OPEN && limits_input(c))
        update_pause(c);
    see_end(c);
}

void dispatch_resume(struct client *c)
{
    if (c->state != CLIENT_OPEN || c->wait == WAIT_SHUTDOWN)
        return;
    c->wait = WAIT_NONE;
    if (!reads_resume(c)) {
        ASSERT(c->wait != WAIT_NONE);
        return;
    }
    dispatch_input(c);
}

/* --- replies of the node ------------------------------------------------ */

struct resp_writer *dispatch_reply_open(struct client *c)
{
    struct pending *p = pending_front(&c->pending);
    if (c->state >= CLIENT_DOOMED)
        return NULL;
    if (p->flags & PENDING_GUEST) {
        buf_reset(&c->server->guest_reply);
        return &c->server->guest_writer;
    }
    return client_reply_begin(c);
}

static void account(struct client *c, const struct pending *p)
{
    struct stats_command *stats = stats_of(&c->server->stats, p->cmd);
    stats->calls++;
    stats->usec += (uint64_t)MAX(clock_mono_us() - p->start_us, 0);
}

static enum guest_outcome guest_outcome(enum node_outcome outcome)
{
    switch (outcome) {
    case NODE_EXECUTED:
        return GUEST_EXECUTED;
    case NODE_OUTDATED:
        return GUEST_OUTDATED;
    case NODE_UNKNOWN:
        break;
    }
    return GUEST_UNKNOWN;
}

static void answer_guest(struct client *c, const struct pending *p,
                         enum node_outcome outcome)
{
    struct bytes reply = buf_view(&c->server->guest_reply);
    (void)stats_reply(&c->server->stats, reply);
    if (c->state == CLIENT_OPEN)
        c->protocol->answer(c, p->request_id, guest_outcome(outcome), reply);
}

void dispatch_reply_done(struct client *c, enum node_outcome outcome)
{
    struct pending p = *pending_front(&c->pending);
    pending_pop(&c->pending);
    account(c, &p);
    if (c->state > CLIENT_DOOMED) {
        if (client_is_idle(c))
            client_move(c, CLIENT_GONE);
        return;
    }
    if (c->state == CLIENT_DOOMED)
        return; /* nothing was written */
    if (p.flags & PENDING_GUEST) {
        answer_guest(c, &p, outcome);
        limits_reply(c);
    } else {
        client_reply_end(c, p.cmd, p.flags);
    }
    /* Reads on their way to the log wait for this too. */
    if (c->pending.count == 0 && c->reads.phase != READS_ASKED)
        client_wake(c, WAIT_IDLE);
}
