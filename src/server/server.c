/*
 * The wiring: what the node, the peers and the disk have to say comes in
 * here, gets the time of the turn, and goes to whom it is for. (What clients
 * say comes in by connection.c.) Before the loop waits, everything that the
 * turn has caused is sent on its way, and server_check() looks at what must
 * hold between two turns.
 *
 * How it fails: a failed store or disk ends the process (options.fatal).
 * Everything else is a client's or a link's own affair.
 */
#include "server/server_internal.h"
#include "server/steps.h"

#include "base/alloc.h"
#include "os/process.h"
#include "server/dispatch.h"
#include "server/input.h"
#include "server/reads.h"

#include <inttypes.h>
#include <stdio.h>

/* Descriptors beside those of clients: RocksDB's files, links, log. */
#define FILES_RESERVED 1024

/* --- the node ----------------------------------------------------------- */

static struct resp_writer *on_reply_open(void *ctx, void *client)
{
    UNUSED(ctx);
    return dispatch_reply_open(client);
}

static const struct cmd_steps *on_steps(void *ctx, void *client)
{
    ASSERT(((struct client *)client)->server == ctx);
    return steps_of(client);
}

static void on_reply_done(void *ctx, void *client, enum node_outcome outcome)
{
    UNUSED(ctx);
    dispatch_reply_done(client, outcome);
}

static void on_read_ready(void *ctx, void *client, int err)
{
    const struct client *c = client;
    UNUSED(ctx);
    if (c->blocked.phase == BLOCKED_ASKED)
        blocked_read_ready(client, err);
    else
        reads_ready(client, err);
}

static void on_ready(void *ctx, const struct keyspace_key *key)
{
    ASSERT(key == NULL || key->db < KEYSPACE_DATABASES);
    blocked_ready(ctx, key);
}

static void on_changed(void *ctx)
{
    struct server *s = ctx;
    struct node_status st;
    if (s->node == NULL || s->options.logfile == NULL)
        return;
    node_status(s->node, &st);
    char role = 'S';
    if (st.role == RAFT_LEADER)
        role = 'M';
    else if (st.role != RAFT_FOLLOWER)
        role = 'C';
    logfile_set_role(s->options.logfile, role);
}

static void on_writable(void *ctx)
{
    struct server *s = ctx;
    ASSERT(node_can_submit(s->node));
    LIST_EACH(link, &s->clients.open)
    {
        client_wake(CONTAINER_OF(link, struct client, link), WAIT_NODE);
    }
}

static void on_upload_ready(void *ctx, void *client)
{
    UNUSED(ctx);
    client_wake(client, WAIT_UPLOAD);
}

static void on_transfer_ended(void *ctx)
{
    shutdown_transfer_ended(ctx);
}

static void on_fatal(void *ctx, int err, const char *text)
{
    struct server *s = ctx;
    bool returned = true;
    s->options.fatal(s->options.ctx, err, text);
    ASSERT(!returned); /* see server.h */
}

static void on_removed(void *ctx, const char *text)
{
    struct server *s = ctx;
    ASSERT(text != NULL && text[0] != '\0');
    if (s->options.removed != NULL)
        s->options.removed(s->options.ctx, text);
    else
        on_fatal(ctx, ERR_CLOSED, text);
}

/* --- the peers ---------------------------------------------------------- */

static void on_peer_up(void *ctx, node_id peer, uint64_t incarnation,
                       const char *client_address)
{
    struct server *s = ctx;
    ASSERT(s->node != NULL);
    turn_begin(s);
    node_peer_up(s->node, peer, incarnation, client_address);
}

static void on_peer_down(void *ctx, node_id peer)
{
    struct server *s = ctx;
    ASSERT(s->node != NULL);
    turn_begin(s);
    node_peer_down(s->node, peer);
}

static int on_peer_receive(void *ctx, node_id peer, uint8_t frame_type,
                           struct bytes payload)
{
    struct server *s = ctx;
    ASSERT(s->node != NULL);
    turn_begin(s);
    return node_receive(s->node, peer, frame_type, payload);
}

static void on_peer_known(void *ctx, node_id member, struct member_facts *out)
{
    struct server *s = ctx;
    ASSERT(out != NULL);
    if (s->node != NULL)
        node_known(s->node, member, out);
}

static bool on_peer_remembers(void *ctx, const struct receipt *receipt)
{
    struct server *s = ctx;
    ASSERT(receipt->term > 0);
    return s->node == NULL || node_remembers(s->node, receipt);
}

static void on_peer_levels(void *ctx, node_id peer, uint16_t level_min,
                           uint16_t level_max)
{
    struct server *s = ctx;
    ASSERT(level_min <= level_max);
    if (s->node != NULL)
        node_peer_levels(s->node, peer, level_min, level_max);
}

static int on_peer_admit(void *ctx, const struct admit *ask, struct grant *out,
                         struct buf *why)
{
    struct server *s = ctx;
    ASSERT(s->node != NULL);
    turn_begin(s);
    return node_admit(s->node, ask, out, why);
}

static void on_peer_greeted(void *ctx, node_id peer,
                            const struct greeting *greeting, int ours,
                            bool dialed)
{
    struct server *s = ctx;
    ASSERT(peer != NODE_NONE);
    turn_begin(s);
    if (s->options.greeted != NULL)
        s->options.greeted(s->options.ctx, peer, greeting, ours, dialed);
}

static void on_peer_granted(void *ctx, node_id peer, const struct grant *grant)
{
    struct server *s = ctx;
    ASSERT(peer != NODE_NONE);
    turn_begin(s);
    if (s->options.granted != NULL)
        s->options.granted(s->options.ctx, peer, grant);
}

/* --- the disk ----------------------------------------------------------- */

void server_disk_notify(void *server)
{
    struct server *s = server;
    loop_async_send(&s->wiring.disk_async);
}

static void on_disk(void *ctx)
{
    struct server *s = ctx;
    if (s->node == NULL)
        return;
    turn_begin(s);
    node_disk_done(s->node);
}

/* --- before the loop waits ---------------------------------------------- */

/* Only those that are on the list now: who comes back has had its turn. */
static void run_ready(struct server *s)
{
    struct list now;
    list_init(&now);
    while (!list_empty(&s->clients.ready)) {
        struct list *link = s->clients.ready.next;
        list_remove(link);
        list_append(&now, link);
    }
    while (!list_empty(&now)) {
        struct client *c = CONTAINER_OF(now.next, struct client, ready);
        list_remove(&c->ready);
        ASSERT(c->state <=
               CLIENT_DOOMED); /* one before it may have doomed it */
        input_resume(c);
        conn_trim(&c->conn);
        client_account(c);
    }
}

static void flush_clients(struct server *s)
{
    while (!list_empty(&s->clients.dirty)) {
        struct client *c =
            CONTAINER_OF(s->clients.dirty.next, struct client, dirty);
        list_remove(&c->dirty);
        ASSERT(c->conn.fd >= 0);
        conn_flush(&c->conn);
        client_account(c);
        size_t pending = conn_pending(&c->conn);
        if (pending <= CLIENT_OUTPUT_PAUSE)
            client_wake(c, WAIT_OUTPUT);
        if (c->state == CLIENT_CLOSING && pending == 0)
            client_doom(c);
        else
            limits_output(c);
        client_check(c);
    }
}

static void finish_clients(struct server *s)
{
    while (!list_empty(&s->clients.doomed))
        client_finish(
            CONTAINER_OF(s->clients.doomed.next, struct client, link));
    while (!list_empty(&s->clients.gone))
        client_free(CONTAINER_OF(s->clients.gone.next, struct client, link));
}

static void arm_deadline(struct server *s)
{
    ASSERT(s->turn.is_set);
    int64_t delay_ms = node_deadline_ms(s->node) - s->turn.mono_ms;
    if (!list_empty(&s->clients.ready) || blocked_is_due(s))
        delay_ms = 0;
    loop_timer_start(s->options.loop, &s->wiring.deadline_timer,
                     MAX(delay_ms, 0));
}

/* Each client that had something to do was looked at when its output left;
 * all of them are each second. */
void server_check(const struct server *s)
{
    ASSERT(s->turn.is_set);
    ASSERT(s->turn.number > 0);
    clients_check(&s->clients);
    ASSERT(s->limits.closed_logged <= CLOSED_LOGGED_MAX);
    ASSERT(s->doors.count <= DOORS_MAX);
    ASSERT(s->shutdown.phase != SHUTDOWN_DRAIN || s->doors.count == 0);
    ASSERT(s->shutdown.phase >= SHUTDOWN_DRAIN || s->doors.count > 0);
    ASSERT(s->cron.second_ms <= s->turn.mono_ms);
    blocked_check(s);
}

static void before_wait(void *ctx)
{
    struct server *s = ctx;
    if (s->node == NULL)
        return;
    turn_begin(s);
    blocked_turn(s);
    run_ready(s);
    s->turn.number++;
    node_flush(s->node);
    if (s->peers != NULL)
        peers_flush(s->peers);
    flush_clients(s);
    finish_clients(s);
    if (limits_memory(s))
        finish_clients(s);
    shutdown_progress(s);
    arm_deadline(s);
    disk_floor_turn(s);
    server_check(s);
    turn_end(s);
}

/* The same without a node. */
static void before_wait_waiting(void *ctx)
{
    struct server *s = ctx;
    ASSERT(s->node == NULL);
    turn_begin(s);
    run_ready(s);
    s->turn.number++;
    flush_clients(s);
    finish_clients(s);
    if (limits_memory(s))
        finish_clients(s);
    shutdown_progress(s);
    if (!list_empty(&s->clients.ready))
        loop_timer_start(s->options.loop, &s->wiring.deadline_timer, 0);
    server_check(s);
    turn_end(s);
}

static void on_deadline(void *ctx)
{
    turn_begin(ctx); /* the flush before the next wait does the rest */
}

static void on_cron(void *ctx)
{
    struct server *s = ctx;
    turn_begin(s);
    cron_run(s);
    ASSERT(s->options.config->hz > 0);
    loop_timer_start(s->options.loop, &s->wiring.cron_timer,
                     1000 / s->options.config->hz);
}

/* --- life --------------------------------------------------------------- */

static void draft_init(struct draft *d)
{
    *d = (struct draft){.text = BUF_INIT};
    d->writer = (struct resp_writer){.out = &d->text, .protocol = 2};
}

struct server *server_new(const struct server_options *options)
{
    struct server *s = mem_zalloc(sizeof(*s));
    ASSERT(options->loop != NULL && options->config != NULL);
    ASSERT(options->fatal != NULL && options->data_dir != NULL);
    ASSERT(options->commands != NULL);
    s->options = *options;
    s->wiring.node_events = (struct node_events){
        .ctx = s,
        .reply_open = on_reply_open,
        .reply_done = on_reply_done,
        .steps = on_steps,
        .read_ready = on_read_ready,
        .changed = on_changed,
        .writable = on_writable,
        .upload_ready = on_upload_ready,
        .ready = on_ready,
        .transfer_ended = on_transfer_ended,
        .fatal = on_fatal,
        .removed = on_removed,
    };
    s->wiring.transport_events = (struct transport_events){
        .ctx = s,
        .up = on_peer_up,
        .down = on_peer_down,
        .receive = on_peer_receive,
        .known = on_peer_known,
        .remembers = on_peer_remembers,
        .levels = on_peer_levels,
        .admit = on_peer_admit,
        .greeted = on_peer_greeted,
        .granted = on_peer_granted,
    };
    s->wiring.disk_async = (struct loop_async){NULL, on_disk, s};
    s->wiring.deadline_timer = (struct loop_timer){NULL, on_deadline, s};
    s->wiring.cron_timer = (struct loop_timer){NULL, on_cron, s};
    clients_init(&s->clients, &connection_events);
    blocked_init(&s->blocked, options->seed);
    stats_init(&s->stats, options->seed);
    s->read_rng = options->seed;
    draft_init(&s->syntax_error);
    draft_init(&s->guest_reply);
    loop_async_start(s->options.loop, &s->wiring.disk_async);
    turn_begin(s);
    birth_init(s);
    return s;
}

const struct node_events *server_node_events(struct server *s)
{
    return &s->wiring.node_events;
}

const struct transport_events *server_transport_events(struct server *s)
{
    return &s->wiring.transport_events;
}

/* Clients must not use up the descriptors that the store needs: it would end
 * the process. Where there are few, it keeps half of them. */
static void bound_clients(struct server *s)
{
    uint32_t asked = s->options.config->maxclients;
    uint64_t wanted = asked + (uint64_t)FILES_RESERVED;
    uint64_t files = process_raise_files(wanted);
    uint64_t kept = MIN((uint64_t)FILES_RESERVED, files / 2);
    ASSERT(asked > 0 && kept <= files);

    if (files - kept >= asked)
        return;
    s->options.config->maxclients = (uint32_t)(files - kept);
    log_warning(s->options.log,
                "this process may open only %" PRIu64
                " files: maxclients is %u "
                "instead of %u; raise the limit (ulimit -n, LimitNOFILE)",
                files, s->options.config->maxclients, asked);
}

void server_config_changed(struct server *s)
{
    ASSERT(s->node != NULL);
    if (s->options.log != NULL)
        s->options.log->level = (enum log_level)s->options.config->loglevel;
    node_set_request_timeout(s->node, s->options.config->request_timeout_ms);
    node_set_log_size(s->node, s->options.config->log_size_bytes,
                      s->options.config->log_size_max_bytes);
    node_set_snapshot_rate(s->node, s->options.config->snapshot_rate_bytes);
    node_set_compare(s->node,
                     (int64_t)s->options.config->check_interval_s * 1000,
                     s->options.config->check_rate_bytes);
    node_set_level_auto(s->node, s->options.config->level_auto);
    node_set_read_mode(s->node,
                       s->options.config->read_mode == CONFIG_READ_STALE
                           ? READ_STALE
                           : READ_INDEX);
    bound_clients(s);
}

void server_start(struct server *s, struct node *node, struct peers *peers)
{
    ASSERT(s->node == NULL && node != NULL);
    s->node = node;
    s->peers = peers;
    turn_end(s); /* it has taken long to open the store */
    turn_begin(s);
    server_config_changed(s);
    on_changed(s);
    shutdown_init(s);
    cron_run(s);
    s->cron.resident_start_bytes = s->cron.resident_peak_bytes;
    loop_before_wait(s->options.loop, before_wait, s);
    on_cron(s);
    server_accept_start(s);
    log_notice(s->options.log, "Ready to accept connections");
}

void server_wait(struct server *s, struct peers *peers, const char *text)
{
    bool first = s->waiting[0] == '\0';
    ASSERT(s->node == NULL && text[0] != '\0');
    snprintf(s->waiting, sizeof(s->waiting), "LOADING vard %s", text);
    if (!first)
        return;
    s->peers = peers;
    turn_end(s);
    turn_begin(s);
    shutdown_init(s);
    bound_clients(s);
    loop_before_wait(s->options.loop, before_wait_waiting, s);
    server_accept_start(s);
    log_notice(s->options.log, "Ready to accept connections");
}

int server_bootstrap(struct server *s, struct buf *why)
{
    ASSERT(why->len == 0);
    if (s->node == NULL && s->options.bootstrap != NULL)
        return s->options.bootstrap(s->options.ctx, why);
    buf_str(why, "this node is of a cluster already: it begins no other one");
    return ERR_INVALID;
}

static void abandon(struct server *s, struct list *list)
{
    UNUSED(s);
    while (!list_empty(list)) {
        struct client *c = CONTAINER_OF(list->next, struct client, link);
        /* The node, which owed it answers, is no more. */
        c->uploading = false;
        if (c->state != CLIENT_ZOMBIE && c->state != CLIENT_GONE)
            client_finish(c);
        c->unanswered.count = 0;
        c->blocked.phase = BLOCKED_NONE;
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
    abandon(s, &s->clients.open);
    abandon(s, &s->clients.doomed);
    abandon(s, &s->clients.zombies);
    abandon(s, &s->clients.gone);
    ASSERT(s->clients.count == 0 && list_empty(&s->clients.ready));
    blocked_release(&s->blocked);
    loop_timer_stop(s->options.loop, &s->wiring.deadline_timer);
    loop_timer_stop(s->options.loop, &s->wiring.cron_timer);
    loop_async_stop(s->options.loop, &s->wiring.disk_async);
    stats_release(&s->stats);
    buf_release(&s->syntax_error.text);
    buf_release(&s->guest_reply.text);
    mem_free(s);
}
