/*
 * What a client may take of the server's memory and time, and what ends it:
 * too much unsent output (a slow reader), too much unexecuted input, silence,
 * and a last reply that it never takes. Also the chores of each second.
 *
 * Policy: whoever passes a bound is closed, with a line in the log (of which
 * there are only some a second, or strangers could fill the disk); nobody
 * else notices. When it is all clients together who have too much, the
 * largest is closed, as in Redis. Reading pauses long before a bound for
 * those that merely send faster than the cluster commits (dispatch.c).
 */
#include "os/file.h"
#include "os/process.h"
#include "server/server_internal.h"

static void close_for(struct client *c, const char *why)
{
    struct server *s = c->server;
    struct buf text = BUF_INIT;
    client_doom(c);
    if (s->closed_logged >= CLOSED_LOGGED_MAX) {
        s->closed_unlogged++;
        return;
    }
    s->closed_logged++;
    client_describe(c, &text);
    log_warning(s->log, "Client closed for %s: %.*s", why,
                (int)MIN(text.len, 700), (const char *)text.data);
    buf_release(&text);
}

static void report_closed(struct server *s)
{
    if (s->closed_unlogged > 0)
        log_warning(s->log, "%llu more clients were closed for a limit",
                    (unsigned long long)s->closed_unlogged);
    s->closed_logged = 0;
    s->closed_unlogged = 0;
}

static bool above_soft_for_too_long(struct client *c,
                                    const struct config_output_limit *limit,
                                    size_t pending)
{
    int64_t now = c->server->mono_ms;
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
    uint64_t hard =
        c->server->config->client_output_buffer_limit[CONFIG_CLIENT_NORMAL]
            .hard_bytes;
    if (hard > SIZE_MAX / 2)
        hard = 0;
    if (!c->settings.authenticated && (hard == 0 || hard > UNAUTH_OUTPUT_MAX))
        hard = UNAUTH_OUTPUT_MAX;
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
        &s->config->client_output_buffer_limit[CONFIG_CLIENT_NORMAL];
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
    uint64_t max = MAX(s->config->client_query_buffer_limit_bytes,
                       s->config->proto_max_bulk_len_bytes + QUERY_ROOM);
    ASSERT(c->state == CLIENT_OPEN);
    if (!c->settings.authenticated)
        max = MIN(max, UNAUTH_INPUT_MAX);
    if (c->conn.in.len <= max)
        return true;
    s->stats.query_limit_closed++;
    close_for(c, "reaching the max query buffer length");
    return false;
}

void limits_account(struct client *c)
{
    struct server *s = c->server;
    size_t bytes = client_memory(c);
    ASSERT(s->clients_bytes >= c->accounted_bytes);
    s->clients_bytes = s->clients_bytes - c->accounted_bytes + bytes;
    c->accounted_bytes = bytes;
}

/* NULL: there are only such as must not be closed. */
static struct client *largest_client(struct server *s)
{
    struct client *found = NULL;
    LIST_EACH(link, &s->clients)
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
    uint64_t max = s->config->maxmemory_clients_bytes;
    bool closed = false;
    if (max == 0 || s->clients_bytes <= max)
        return false;
    /* Buffers shrink unnoticed, so it may look worse than it is. */
    LIST_EACH(link, &s->clients)
    {
        limits_account(CONTAINER_OF(link, struct client, link));
    }
    while (s->clients_bytes > max) {
        struct client *c = largest_client(s);
        if (c == NULL)
            break;
        s->stats.evicted_clients++;
        close_for(c, "maxmemory-clients, being the largest");
        client_finish(c);
        closed = true;
    }
    return closed;
}

static void check_idle(struct client *c)
{
    struct server *s = c->server;
    int64_t timeout_ms = (int64_t)s->config->timeout_s * 1000;
    if (timeout_ms == 0 || !client_is_idle(c) || c->wait != WAIT_NONE)
        return;
    if (s->mono_ms - c->active_ms < timeout_ms)
        return;
    log_verbose(s->log, "Closing idle client id=%llu",
                (unsigned long long)c->id);
    s->stats.idle_closed++;
    client_doom(c);
}

static void check_client(struct client *c)
{
    struct server *s = c->server;
    server_count_bytes(c);
    limits_account(c);
    s->max_input_bytes = MAX(s->max_input_bytes, c->conn.in.len);
    s->max_output_bytes =
        MAX(s->max_output_bytes, (uint64_t)conn_pending(&c->conn));
    if (c->wait != WAIT_NONE)
        s->blocked_clients++;
    limits_output(c);
    if (c->state == CLIENT_OPEN && !c->settings.authenticated &&
        s->mono_ms - c->created_ms > UNAUTH_DEADLINE_MS)
        close_for(c, "not authenticating in time");
    else if (c->state == CLIENT_OPEN)
        check_idle(c);
    else if (c->state == CLIENT_CLOSING &&
             s->mono_ms - c->closing_ms > CLIENT_CLOSING_MS)
        client_doom(c);
}

/* Below the floor writes are refused; they are taken again when a quarter
 * more is free, so that the answer does not flicker. */
static void check_disk(struct server *s)
{
    uint64_t floor = s->config->min_free_disk_bytes;
    int64_t bytes = file_free_bytes(s->options.data_dir);
    s->disk_free_bytes = bytes;
    if (bytes < 0)
        return;
    bool was_full = s->disk_full;
    uint64_t wanted = was_full ? floor + floor / 4 : floor;
    s->disk_full = (uint64_t)bytes < wanted;
    node_set_disk_short(s->node, s->disk_full);
    if (s->disk_full && !was_full)
        log_warning(s->log,
                    "only %lld MB of disk are free in %s (min-free-disk is "
                    "%llu MB): writes are refused until there is more",
                    (long long)(bytes >> 20), s->options.data_dir,
                    (unsigned long long)(floor >> 20));
    else if (!s->disk_full && was_full)
        log_notice(s->log, "enough disk is free again: writes are taken");
}

bool limits_disk_short(const struct server *s)
{
    return s->disk_full || node_disk_short(s->node);
}

const char *limits_disk_text(const struct server *s)
{
    if (s->disk_full)
        return "MISCONF too little disk is free on this node (see "
               "min-free-disk): writes are refused, reads go on";
    return "MISCONF too little disk is free on another node (see "
           "min-free-disk): writes are refused, reads go on";
}

static void each_second(struct server *s)
{
    s->max_input_bytes = 0;
    s->max_output_bytes = 0;
    s->blocked_clients = 0;
    LIST_EACH(link, &s->clients)
    {
        check_client(CONTAINER_OF(link, struct client, link));
    }
    report_closed(s);
    check_disk(s);
    security_report(s);
    s->resident_peak_bytes =
        MAX(s->resident_peak_bytes, process_resident_bytes());
}

void limits_cron(struct server *s)
{
    ASSERT(s->time_is_set);
    stats_sample(&s->stats, s->mono_ms);
    if (s->mono_ms - s->second_ms >= 1000) {
        s->second_ms = s->mono_ms;
        each_second(s);
    }
}
