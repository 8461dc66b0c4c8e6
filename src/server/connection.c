/*
 * What the sockets of clients have to say: input, output that has left, the
 * end. Each event gets the time of the turn and goes to its client.
 *
 * How it fails: a connection that breaks is closed; the node may still owe
 * its client answers (client_internal.h, ZOMBIE).
 */
#include "server/blocked.h"
#include "server/input.h"
#include "server/server_internal.h"

#include <inttypes.h>

static void on_input(struct conn *conn)
{
    struct client *c = CONTAINER_OF(conn, struct client, conn);
    ASSERT(conn->in.len > 0);
    turn_begin(c->server);
    client_count_bytes(c);
    c->active_ms = c->server->turn.mono_ms;
    input_run(c);
    client_account(c);
}

static void on_drained(struct conn *conn)
{
    struct client *c = CONTAINER_OF(conn, struct client, conn);
    ASSERT(conn_pending(conn) == 0);
    turn_begin(c->server);
    client_wake(c, WAIT_OUTPUT);
    client_account(c);
    if (c->state == CLIENT_CLOSING)
        client_doom(c);
}

static void on_closed(struct conn *conn, int err)
{
    struct client *c = CONTAINER_OF(conn, struct client, conn);
    ASSERT(err < 0 && conn->fd < 0);
    turn_begin(c->server);
    log_debug(c->server->options.log, "client id=%" PRIu64 " closed: %s", c->id,
              error_text(err));
    client_finish(c);
}

/* `printf ... | nc` shuts its sending side and waits for the replies. */
static void on_ended(struct conn *conn)
{
    struct client *c = CONTAINER_OF(conn, struct client, conn);
    ASSERT(conn->ended);
    turn_begin(c->server);
    input_run(c);
    blocked_input_ended(c);
}

const struct conn_events connection_events = {on_input, on_drained, on_closed,
                                              on_ended};
