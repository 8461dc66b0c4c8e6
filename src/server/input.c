/*
 * How it works: input_run() takes one request after the other off the input
 * buffer. A request that may not be executed yet stays there and is read
 * again when the client is woken; parsing twice costs little, since only
 * lengths are looked at. The input is consumed once per turn, not once per
 * request, so that a long pipeline is not moved again and again.
 *
 * How it fails: what a client did to the protocol is answered and closes the
 * connection.
 */
#include "server/input.h"

#include "server/dispatch.h"
#include "server/reads.h"
#include "server/server_internal.h"

#include <inttypes.h>

static struct resp_limits limits_of(const struct client *c)
{
    if (!client_is_authorized(c))
        return (struct resp_limits){RESP_ARGC_MAX_UNAUTH, RESP_BULK_MAX_UNAUTH};
    uint64_t bulk_max = c->server->options.config->proto_max_bulk_len_bytes;
    ASSERT(bulk_max > 0);
    return (struct resp_limits){RESP_ARGC_MAX, bulk_max};
}

bool input_has_share(struct client *c, uint32_t commands, size_t input)
{
    ASSERT(commands <= CLIENT_COMMANDS_MAX);
    if (c->state != CLIENT_OPEN || c->wait != WAIT_NONE)
        return false;
    if (conn_pending(&c->conn) > CLIENT_OUTPUT_PAUSE)
        return client_wait(c, WAIT_OUTPUT);
    if (commands < CLIENT_COMMANDS_MAX && input < CLIENT_INPUT_MAX)
        return true;
    client_mark_ready(c);
    return client_wait(c, WAIT_TURN);
}

/* One command off the input; the bytes it took, or 0: no further now. */
static size_t resp_take(struct client *c, struct bytes input, size_t *need)
{
    struct resp_limits limits = limits_of(c);
    size_t consumed = 0;
    ASSERT(input.len >= *need && c->input_error == NULL);
    enum resp_result res =
        resp_read(&c->reader, input, &limits, &consumed, need, &c->input_error);
    switch (res) {
    case RESP_MORE:
        ASSERT(*need > input.len);
        return 0;
    case RESP_ERROR:
        ASSERT(c->input_error != NULL);
        return 0;
    case RESP_EMPTY:
        ASSERT(consumed > 0);
        return consumed;
    case RESP_COMMAND:
        break;
    }
    ASSERT(consumed > 0);
    if (!dispatch_command(c, c->reader.argv, c->reader.argc))
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
    ASSERT(c->need > 0 && c->protocol->request_min > 0);
    while (in->len - pos >= c->need && c->input_error == NULL &&
           input_has_share(c, commands, pos)) {
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
    resp_reader_trim(&c->reader);
}

/* The protocol was broken: said in its turn, then closed. */
static void tell_input_error(struct client *c)
{
    char text[128];
    ASSERT(c->input_error != NULL && c->wait == WAIT_NONE);
    if (!client_is_idle(c)) {
        (void)client_wait(c, WAIT_IDLE);
        return;
    }
    c->server->stats.protocol_errors++;
    address_format(&c->peer, text);
    log_verbose(c->server->options.log, "%s from client id=%" PRIu64 " %s",
                c->input_error, c->id, text);
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
        ASSERT(guest->magic.len > 0 && guest->take != NULL);
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

/* Reading pauses while there is much that can't be executed yet; but not of a
 * client that may be gone, which is seen by reading alone: it must not be given
 * what it waits for. */
static void update_pause(struct client *c)
{
    if (c->state != CLIENT_OPEN)
        return;
    bool much = c->conn.in.len >= CLIENT_INPUT_PAUSE;
    bool pause = c->wait != WAIT_NONE && c->wait != WAIT_BLOCKED && much;
    if (pause != c->conn.paused)
        conn_pause(&c->conn, pause);
    ASSERT(c->conn.paused == pause);
}

static void execute(struct client *c)
{
    if (c->conn.in.len > 0 && c->protocol == NULL)
        find_protocol(c);
    if (c->protocol != NULL)
        take_requests(c);
    if (c->state == CLIENT_OPEN && c->input_error != NULL)
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
        (void)client_wait(c, WAIT_IDLE);
}

void input_run(struct client *c)
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
    client_check(c);
}

void input_resume(struct client *c)
{
    if (c->state != CLIENT_OPEN || c->wait == WAIT_SHUTDOWN)
        return;
    ASSERT(list_empty(&c->ready));
    (void)client_wait(c, WAIT_NONE);
    if (!reads_resume(c)) {
        ASSERT(c->wait != WAIT_NONE);
        return;
    }
    input_run(c);
}
