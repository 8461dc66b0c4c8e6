/*
 * What a client may take of the server's memory and time, and what ends it:
 * too much unsent output (a slow reader), too much unexecuted input, silence,
 * and a last reply that it never takes.
 *
 * A client that has been silent for two seconds keeps no memory for commands to
 * come, and no client does when all together have too much.
 *
 * Policy: whoever passes a bound is closed, with a line in the log (of which
 * there are only some a second, or strangers could fill the disk); nobody
 * else notices. When it is all clients together who have too much, the
 * largest is closed, as in Redis. Reading pauses long before a bound for
 * those that merely send faster than the cluster commits (dispatch.c).
 *
 * How it fails: a client that must not be closed (NO-EVICT) is not, so these
 * alone may have more than all clients together should.
 */
#include "server/server_internal.h"

#include "base/alloc.h"

#include <inttypes.h>

static void close_for(struct client *c, const char *why)
{
    struct server *s = c->server;
    struct buf text = BUF_INIT;
    ASSERT(c->state == CLIENT_OPEN || c->state == CLIENT_CLOSING);
    client_doom(c);
    if (s->limits.closed_logged >= CLOSED_LOGGED_MAX) {
        s->limits.closed_unlogged++;
        return;
    }
    s->limits.closed_logged++;
    client_describe(c, &text);
    log_warning(s->options.log, "Client closed for %s: %.*s", why,
                (int)MIN(text.len, 700), (const char *)text.data);
    buf_release(&text);
}

static void report_closed(struct server *s)
{
    ASSERT(s->limits.closed_unlogged == 0 ||
           s->limits.closed_logged == CLOSED_LOGGED_MAX);
    if (s->limits.closed_unlogged > 0)
        log_warning(s->options.log,
                    "%" PRIu64 " more clients were closed for a limit",
                    s->limits.closed_unlogged);
    s->limits.closed_logged = 0;
    s->limits.closed_unlogged = 0;
}

static bool above_soft_for_too_long(struct client *c,
                                    const struct config_output_limit *limit,
                                    size_t pending)
{
    int64_t now = c->server->turn.mono_ms;
    ASSERT(c->above_soft_ms <= now);
    if (limit->soft_bytes == 0 || pending <= limit->soft_bytes) {
        c->above_soft_ms = 0;
        return false;
    }
    if (c->above_soft_ms == 0)
        c->above_soft_ms = now;
    return now - c->above_soft_ms >= (int64_t)limit->soft_seconds * 1000;
}

size_t limits_output_max(const struct client *c)
{
    uint64_t hard = c->server->options.config
                        ->client_output_buffer_limit[CONFIG_CLIENT_NORMAL]
                        .hard_bytes;
    if (hard > SIZE_MAX / 2)
        hard = 0;
    bool authorized = client_is_authorized(c);
    if (!authorized && (hard == 0 || hard > UNAUTH_OUTPUT_MAX))
        hard = UNAUTH_OUTPUT_MAX;
    ASSERT(authorized || hard > 0);
    return (size_t)hard;
}

static void close_for_output(struct client *c)
{
    c->server->stats.output_limit_closed++;
    close_for(c, "overcoming of output buffer limits");
}

static bool above_hard(const struct client *c)
{
    size_t max = limits_output_max(c);
    return max > 0 && conn_pending(&c->conn) > max;
}

void limits_reply(struct client *c)
{
    if (c->state != CLIENT_OPEN && c->state != CLIENT_CLOSING)
        return;
    if (c->writer.over || above_hard(c))
        close_for_output(c);
}

void limits_output(struct client *c)
{
    struct server *s = c->server;
    const struct config_output_limit *limit =
        &s->options.config->client_output_buffer_limit[CONFIG_CLIENT_NORMAL];
    size_t pending = conn_pending(&c->conn);
    if (c->state != CLIENT_OPEN && c->state != CLIENT_CLOSING)
        return;
    if (above_hard(c) || above_soft_for_too_long(c, limit, pending))
        close_for_output(c);
}

bool limits_input(struct client *c)
{
    struct server *s = c->server;
    /* Whatever the option says, the largest argument has to fit. */
    uint64_t max =
        MAX(s->options.config->client_query_buffer_limit_bytes,
            s->options.config->proto_max_bulk_len_bytes + QUERY_ROOM);
    ASSERT(c->state == CLIENT_OPEN);
    if (!client_is_authorized(c))
        max = MIN(max, UNAUTH_INPUT_MAX);
    if (c->conn.in.len <= max)
        return true;
    s->stats.query_limit_closed++;
    close_for(c, "reaching the max query buffer length");
    return false;
}

/* NULL: there are only such as must not be closed. */
static struct client *largest_client(struct server *s)
{
    struct client *found = NULL;
    LIST_EACH(link, &s->clients.open)
    {
        struct client *c = CONTAINER_OF(link, struct client, link);
        if (!c->settings.no_evict &&
            (found == NULL || c->accounted_bytes > found->accounted_bytes))
            found = c;
    }
    return found;
}

bool limits_memory(struct server *s)
{
    uint64_t max = s->options.config->maxmemory_clients_bytes;
    bool closed = false;
    if (max == 0 || s->clients.bytes <= max)
        return false;
    /* Nobody is closed for what is not in use. */
    LIST_EACH(link, &s->clients.open)
    {
        struct client *c = CONTAINER_OF(link, struct client, link);
        if (client_is_quiet(c))
            s->limits.freed_bytes += client_shrink(c);
        else
            client_account(c);
    }
    while (s->clients.bytes > max) {
        struct client *c = largest_client(s);
        if (c == NULL)
            break;
        s->stats.evicted_clients++;
        uint64_t before = s->clients.bytes;
        close_for(c, "maxmemory-clients, being the largest");
        client_finish(c);
        ASSERT(s->clients.bytes < before);
        closed = true;
    }
    return closed;
}

/* Buffers, arrays and rings are made again when they are needed. */
static void shrink_silent(struct client *c)
{
    struct server *s = c->server;
    ASSERT(c->active_ms <= s->turn.mono_ms);
    if (client_is_quiet(c) &&
        s->turn.mono_ms - c->active_ms >= CLIENT_SHRINK_MS)
        s->limits.freed_bytes += client_shrink(c);
}

static void give_back(struct server *s)
{
    ASSERT(s->limits.given_back_ms <= s->turn.mono_ms);
    if (s->limits.freed_bytes < GIVE_BACK_BYTES ||
        s->turn.mono_ms - s->limits.given_back_ms < GIVE_BACK_MS)
        return;
    s->limits.given_back_ms = s->turn.mono_ms;
    s->limits.freed_bytes = 0;
    mem_give_back();
}

static void check_idle(struct client *c)
{
    struct server *s = c->server;
    int64_t timeout_ms = (int64_t)s->options.config->timeout_s * 1000;
    ASSERT(c->state == CLIENT_OPEN);
    if (timeout_ms == 0 || !client_is_idle(c) || c->wait != WAIT_NONE)
        return;
    if (s->turn.mono_ms - c->active_ms < timeout_ms)
        return;
    log_verbose(s->options.log, "Closing idle client id=%" PRIu64, c->id);
    s->stats.idle_closed++;
    client_doom(c);
}

static void check_client(struct client *c)
{
    struct server *s = c->server;
    ASSERT(c->state == CLIENT_OPEN || c->state == CLIENT_CLOSING);
    client_count_bytes(c);
    client_account(c);
    shrink_silent(c);
    s->limits.max_input_bytes = MAX(s->limits.max_input_bytes, c->conn.in.len);
    s->limits.max_output_bytes =
        MAX(s->limits.max_output_bytes, (uint64_t)conn_pending(&c->conn));
    if (c->wait != WAIT_NONE)
        s->limits.waiting++;
    limits_output(c);
    if (client_is_authorized(c))
        c->authorized_ms = s->turn.mono_ms;
    if (c->state == CLIENT_OPEN &&
        s->turn.mono_ms - c->authorized_ms > UNAUTH_DEADLINE_MS)
        close_for(c, "not authenticating in time");
    else if (c->state == CLIENT_OPEN)
        check_idle(c);
    else if (c->state == CLIENT_CLOSING &&
             s->turn.mono_ms - c->closing_ms > CLIENT_CLOSING_MS)
        client_doom(c);
}

void limits_each_second(struct server *s)
{
    s->limits.max_input_bytes = 0;
    s->limits.max_output_bytes = 0;
    s->limits.waiting = 0;
    LIST_EACH(link, &s->clients.open)
    {
        check_client(CONTAINER_OF(link, struct client, link));
    }
    ASSERT(s->limits.waiting <= s->clients.count);
    report_closed(s);
    give_back(s);
}
