/*
 * The wiring: every event of the loop comes in here, gets the time, and goes
 * to the client, the node or the peers it is for; and before the loop waits,
 * everything that the iteration has caused is sent on its way.
 *
 * How it fails: a failed store or disk ends the process (options.fatal).
 * Everything else is a client's or a link's own affair.
 */
#include "server/server_internal.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "os/clock.h"
#include "os/process.h"
#include "server/dispatch.h"

#include <stdio.h>

/* Descriptors beside those of clients: RocksDB's files, links, log. */
#define FILES_RESERVED 1024

void server_tick(struct server *s)
{
    if (s->time_is_set)
        return;
    s->mono_ms = clock_mono_ms();
    s->wall_ms = clock_wall_ms();
    s->time_is_set = true;
    if (s->node != NULL)
        node_set_time(s->node, s->mono_ms, s->wall_ms);
}

/* --- clients' connections ----------------------------------------------- */

void server_count_bytes(struct client *c)
{
    struct stats *stats = &c->server->stats;
    ASSERT(c->conn.received_bytes >= c->received_seen);
    ASSERT(c->conn.sent_bytes >= c->sent_seen);
    stats->input_bytes += c->conn.received_bytes - c->received_seen;
    stats->output_bytes += c->conn.sent_bytes - c->sent_seen;
    if (c->conn.sent_bytes > c->sent_seen) { /* however slowly it reads */
        c->active_ms = c->server->mono_ms;
        c->closing_ms = c->server->mono_ms;
    }
    c->received_seen = c->conn.received_bytes;
    c->sent_seen = c->conn.sent_bytes;
}

static void on_input(struct conn *conn)
{
    struct client *c = CONTAINER_OF(conn, struct client, conn);
    server_tick(c->server);
    server_count_bytes(c);
    c->active_ms = c->server->mono_ms;
    dispatch_input(c);
    limits_account(c);
}

static void on_drained(struct conn *conn)
{
    struct client *c = CONTAINER_OF(conn, struct client, conn);
    server_tick(c->server);
    client_wake(c, WAIT_OUTPUT);
    limits_account(c);
    if (c->state == CLIENT_CLOSING)
        client_doom(c);
}

static void on_closed(struct conn *conn, int error)
{
    struct client *c = CONTAINER_OF(conn, struct client, conn);
    server_tick(c->server);
    log_debug(c->server->log, "client id=%llu closed: %s",
              (unsigned long long)c->id, error_text(error));
    client_finish(c);
}

/* `printf ... | nc` shuts its sending side and waits for the replies. */
static void on_ended(struct conn *conn)
{
    struct client *c = CONTAINER_OF(conn, struct client, conn);
    server_tick(c->server);
    dispatch_input(c);
}

const struct conn_events server_conn_events = {on_input, on_drained, on_closed,
                                               on_ended};

/* --- the node ----------------------------------------------------------- */

static struct resp_writer *on_reply_open(void *ctx, void *client)
{
    UNUSED(ctx);
    return dispatch_reply_open(client);
}

static void on_reply_done(void *ctx, void *client, enum node_outcome outcome)
{
    UNUSED(ctx);
    dispatch_reply_done(client, outcome);
}

static void on_read_ready(void *ctx, void *client, int error)
{
    UNUSED(ctx);
    reads_ready(client, error);
}

static void on_changed(void *ctx)
{
    struct server *s = ctx;
    struct node_status st;
    if (s->node == NULL || s->logfile == NULL)
        return;
    node_status(s->node, &st);
    char role = 'S';
    if (st.role == RAFT_LEADER)
        role = 'M';
    else if (st.role != RAFT_FOLLOWER)
        role = 'C';
    logfile_set_role(s->logfile, role);
}

static void on_writable(void *ctx)
{
    struct server *s = ctx;
    LIST_EACH(link, &s->clients)
    {
        client_wake(CONTAINER_OF(link, struct client, link), WAIT_NODE);
    }
}

static void on_transfer_ended(void *ctx)
{
    shutdown_transfer_ended(ctx);
}

static void on_fatal(void *ctx, const char *text)
{
    struct server *s = ctx;
    bool returned = true;
    s->options.fatal(s->options.ctx, text);
    ASSERT(!returned); /* see server.h */
}

/* --- the peers ---------------------------------------------------------- */

static void on_peer_up(void *ctx, node_id peer, uint64_t incarnation,
                       const char *client_address)
{
    struct server *s = ctx;
    ASSERT(s->node != NULL);
    server_tick(s);
    node_peer_up(s->node, peer, incarnation, client_address);
}

static void on_peer_down(void *ctx, node_id peer)
{
    struct server *s = ctx;
    ASSERT(s->node != NULL);
    server_tick(s);
    node_peer_down(s->node, peer);
}

static int on_peer_receive(void *ctx, node_id peer, uint8_t frame_type,
                           struct bytes payload)
{
    struct server *s = ctx;
    ASSERT(s->node != NULL);
    server_tick(s);
    return node_receive(s->node, peer, frame_type, payload);
}

/* --- the disk ----------------------------------------------------------- */

void server_disk_notify(void *server)
{
    struct server *s = server;
    loop_async_send(&s->disk_async);
}

static void on_disk(void *ctx)
{
    struct server *s = ctx;
    if (s->node == NULL)
        return;
    server_tick(s);
    node_disk_done(s->node);
}

/* --- before the loop waits ---------------------------------------------- */

/* Only those that are on the list now: who comes back has had its turn. */
static void run_ready(struct server *s)
{
    struct list now;
    list_init(&now);
    while (!list_empty(&s->ready)) {
        struct list *link = s->ready.next;
        list_remove(link);
        list_append(&now, link);
    }
    while (!list_empty(&now)) {
        struct client *c = CONTAINER_OF(now.next, struct client, ready);
        list_remove(&c->ready);
        dispatch_resume(c);
        limits_account(c);
    }
}

static void flush_clients(struct server *s)
{
    while (!list_empty(&s->dirty)) {
        struct client *c = CONTAINER_OF(s->dirty.next, struct client, dirty);
        list_remove(&c->dirty);
        conn_flush(&c->conn);
        limits_account(c);
        size_t pending = conn_pending(&c->conn);
        if (pending <= CLIENT_OUTPUT_PAUSE)
            client_wake(c, WAIT_OUTPUT);
        if (c->state == CLIENT_CLOSING && pending == 0)
            client_doom(c);
        else
            limits_output(c);
    }
}

static void finish_clients(struct server *s)
{
    while (!list_empty(&s->doomed))
        client_finish(CONTAINER_OF(s->doomed.next, struct client, link));
    while (!list_empty(&s->gone))
        client_free(CONTAINER_OF(s->gone.next, struct client, link));
}

static void arm_deadline(struct server *s)
{
    int64_t delay_ms = node_deadline_ms(s->node) - s->mono_ms;
    if (!list_empty(&s->ready))
        delay_ms = 0;
    loop_timer_start(s->loop, &s->deadline_timer, MAX(delay_ms, 0));
}

static void before_wait(void *ctx)
{
    struct server *s = ctx;
    if (s->node == NULL)
        return;
    server_tick(s);
    run_ready(s);
    s->iteration++;
    node_flush(s->node);
    if (s->peers != NULL)
        peers_flush(s->peers);
    flush_clients(s);
    finish_clients(s);
    if (limits_memory(s))
        finish_clients(s);
    shutdown_progress(s);
    arm_deadline(s);
    s->time_is_set = false;
}

static void on_deadline(void *ctx)
{
    server_tick(ctx); /* the flush before the next wait does the rest */
}

static void on_cron(void *ctx)
{
    struct server *s = ctx;
    server_tick(s);
    limits_cron(s);
    ASSERT(s->config->hz > 0);
    loop_timer_start(s->loop, &s->cron_timer, 1000 / s->config->hz);
}

/* --- life --------------------------------------------------------------- */

static void make_run_id(struct server *s)
{
    uint64_t rng = s->options.seed;
    for (size_t i = 0; i < sizeof(s->run_id) - 1; i++)
        s->run_id[i] = "0123456789abcdef"[rng_below(&rng, 16)];
}

struct server *server_new(const struct server_options *options)
{
    struct server *s = mem_zalloc(sizeof(*s));
    ASSERT(options->loop != NULL && options->config != NULL);
    ASSERT(options->fatal != NULL && options->data_dir != NULL);
    ASSERT(options->commands != NULL);
    s->options = *options;
    s->loop = options->loop;
    s->config = options->config;
    s->log = options->log;
    s->logfile = options->logfile;
    s->node_events = (struct node_events){
        s,          on_reply_open, on_reply_done,     on_read_ready,
        on_changed, on_writable,   on_transfer_ended, on_fatal};
    s->transport_events =
        (struct transport_events){s, on_peer_up, on_peer_down, on_peer_receive};
    s->disk_async = (struct loop_async){NULL, on_disk, s};
    s->deadline_timer = (struct loop_timer){NULL, on_deadline, s};
    s->cron_timer = (struct loop_timer){NULL, on_cron, s};
    list_init(&s->clients);
    list_init(&s->doomed);
    list_init(&s->zombies);
    list_init(&s->gone);
    list_init(&s->ready);
    list_init(&s->dirty);
    stats_init(&s->stats, options->seed);
    s->scratch_writer = (struct resp_writer){.out = &s->scratch, .protocol = 2};
    s->guest_writer =
        (struct resp_writer){.out = &s->guest_reply, .protocol = 2};
    s->disk_free_bytes = -1;
    make_run_id(s);
    loop_async_start(s->loop, &s->disk_async);
    server_tick(s);
    s->start_mono_ms = s->mono_ms;
    return s;
}

const struct node_events *server_node_events(struct server *s)
{
    return &s->node_events;
}

const struct transport_events *server_transport_events(struct server *s)
{
    return &s->transport_events;
}

/* Clients must not use up the descriptors that the store needs: it would end
 * the process. Where there are few, it keeps half of them. */
static void bound_clients(struct server *s)
{
    uint32_t asked = s->config->maxclients;
    uint64_t wanted = asked + (uint64_t)FILES_RESERVED;
    uint64_t files = process_raise_files(wanted);
    uint64_t kept = MIN((uint64_t)FILES_RESERVED, files / 2);

    if (files - kept >= asked)
        return;
    s->config->maxclients = (uint32_t)(files - kept);
    log_warning(s->log,
                "this process may open only %llu files: maxclients is %u "
                "instead of %u; raise the limit (ulimit -n, LimitNOFILE)",
                (unsigned long long)files, s->config->maxclients, asked);
}

void server_config_changed(struct server *s)
{
    ASSERT(s->node != NULL);
    if (s->log != NULL)
        s->log->level = (enum log_level)s->config->loglevel;
    node_set_request_timeout(s->node, s->config->request_timeout_ms);
    node_set_log_size(s->node, s->config->log_size_bytes,
                      s->config->log_size_max_bytes);
    node_set_read_mode(s->node, s->config->read_mode == CONFIG_READ_STALE
                                    ? READ_STALE
                                    : READ_INDEX);
    bound_clients(s);
}

void server_start(struct server *s, struct node *node, struct peers *peers)
{
    ASSERT(s->node == NULL && node != NULL);
    s->node = node;
    s->peers = peers;
    s->time_is_set = false;
    server_tick(s);
    server_config_changed(s);
    on_changed(s);
    shutdown_init(s);
    limits_cron(s);
    loop_before_wait(s->loop, before_wait, s);
    on_cron(s);
    server_accept_start(s);
    log_notice(s->log, "Ready to accept connections");
}

static void abandon(struct server *s, struct list *list)
{
    UNUSED(s);
    while (!list_empty(list)) {
        struct client *c = CONTAINER_OF(list->next, struct client, link);
        if (c->state != CLIENT_ZOMBIE && c->state != CLIENT_GONE)
            client_finish(c);
        /* The node, which owed it answers, is no more. */
        c->pending.count = 0;
        deferred_clear(&c->reads);
        if (c->state == CLIENT_ZOMBIE)
            client_move(c, CLIENT_GONE);
        client_free(c);
    }
}

void server_free(struct server *s)
{
    if (s == NULL)
        return;
    shutdown_release(s);
    server_listen_close(s);
    abandon(s, &s->clients);
    abandon(s, &s->doomed);
    abandon(s, &s->zombies);
    abandon(s, &s->gone);
    ASSERT(s->client_count == 0 && list_empty(&s->ready));
    loop_timer_stop(s->loop, &s->deadline_timer);
    loop_timer_stop(s->loop, &s->cron_timer);
    loop_async_stop(s->loop, &s->disk_async);
    stats_release(&s->stats);
    buf_release(&s->scratch);
    buf_release(&s->guest_reply);
    mem_free(s);
}
