/*
 * The life of a client: its states, what it waits for, the lists that it is
 * in, what it takes of the memory. What it does with its commands is in
 * input.c and dispatch.c, what ends it early in limits.c.
 *
 * How it fails: a move that the tables do not allow, or a client whose parts
 * contradict each other, is a mistake of the programmer and asserts
 * (client_check.c).
 */
#include "server/client_internal.h"

#include "base/alloc.h"
#include "server/blocked.h"
#include "server/server_internal.h"

/* allowed[from][to] */
static const bool allowed[CLIENT_STATE_COUNT][CLIENT_STATE_COUNT] = {
    [CLIENT_OPEN] = {[CLIENT_CLOSING] = true,
                     [CLIENT_DOOMED] = true,
                     [CLIENT_ZOMBIE] = true,
                     [CLIENT_GONE] = true},
    [CLIENT_CLOSING] =
        {[CLIENT_DOOMED] = true, [CLIENT_ZOMBIE] = true, [CLIENT_GONE] = true},
    [CLIENT_DOOMED] = {[CLIENT_ZOMBIE] = true, [CLIENT_GONE] = true},
    [CLIENT_ZOMBIE] = {[CLIENT_GONE] = true},
};

/* can_wait[now][then]: a client that runs may come to wait for anything. Its
 * deferred reads are executed while it waits, and change what it waits for
 * until their replies have left. Who asked for a shutdown does nothing else
 * until that is aborted. */
static const bool can_wait[WAIT_COUNT][WAIT_COUNT] = {
    [WAIT_NONE] = {[WAIT_TURN] = true,
                   [WAIT_IDLE] = true,
                   [WAIT_READS] = true,
                   [WAIT_NODE] = true,
                   [WAIT_UPLOAD] = true,
                   [WAIT_OUTPUT] = true,
                   [WAIT_LATER] = true,
                   [WAIT_BLOCKED] = true,
                   [WAIT_SHUTDOWN] = true},
    [WAIT_TURN] =
        {[WAIT_NONE] = true, [WAIT_TURN] = true, [WAIT_OUTPUT] = true},
    [WAIT_IDLE] = {[WAIT_NONE] = true,
                   [WAIT_TURN] = true,
                   [WAIT_OUTPUT] = true,
                   [WAIT_BLOCKED] = true},
    [WAIT_READS] =
        {[WAIT_NONE] = true, [WAIT_TURN] = true, [WAIT_OUTPUT] = true},
    [WAIT_NODE] = {[WAIT_NONE] = true},
    [WAIT_UPLOAD] = {[WAIT_NONE] = true},
    [WAIT_OUTPUT] =
        {[WAIT_NONE] = true, [WAIT_TURN] = true, [WAIT_OUTPUT] = true},
    [WAIT_LATER] = {[WAIT_NONE] = true},
    [WAIT_BLOCKED] = {[WAIT_NONE] = true},
    [WAIT_SHUTDOWN] = {[WAIT_TURN] = true},
};

void clients_init(struct clients *l, const struct conn_events *events)
{
    *l = (struct clients){.events = events};
    list_init(&l->open);
    list_init(&l->doomed);
    list_init(&l->zombies);
    list_init(&l->gone);
    list_init(&l->ready);
    list_init(&l->dirty);
}

static struct list *list_of(struct server *s, enum client_state state)
{
    switch (state) {
    case CLIENT_OPEN:
    case CLIENT_CLOSING:
        return &s->clients.open;
    case CLIENT_DOOMED:
        return &s->clients.doomed;
    case CLIENT_ZOMBIE:
        return &s->clients.zombies;
    case CLIENT_GONE:
    case CLIENT_STATE_COUNT:
        break;
    }
    return &s->clients.gone;
}

struct client *client_new(struct server *s, int fd, const struct address *peer,
                          bool unix_socket)
{
    ASSERT(fd >= 0);
    struct client *c = mem_zalloc(sizeof(*c));
    c->server = s;
    list_init(&c->link);
    list_init(&c->ready);
    list_init(&c->dirty);
    conn_open(&c->conn, s->options.loop, fd, s->clients.events);
    resp_reader_init(&c->reader);
    c->need = 1;
    c->reads.arena = ARENA_INIT;
    cmd_rest_init(&c->rest);
    c->writer = (struct resp_writer){.out = &c->conn.out, .protocol = 2};
    c->id = ++s->clients.last_id;
    c->peer = *peer;
    c->unix_socket = unix_socket;
    if (!socket_local(fd, &c->local))
        c->local = (struct address){.len = 0};
    c->settings.authenticated = s->options.config->requirepass[0] == '\0';
    c->created_ms = s->turn.mono_ms;
    c->active_ms = s->turn.mono_ms;
    c->authorized_ms = s->turn.mono_ms;
    list_append(&s->clients.open, &c->link);
    s->clients.count++;
    client_account(c);
    client_check(c);
    return c;
}

void client_move(struct client *c, enum client_state to)
{
    struct server *s = c->server;
    ASSERT(c->state < CLIENT_STATE_COUNT && to < CLIENT_STATE_COUNT);
    ASSERT(allowed[c->state][to]);
    bool counted = c->state <= CLIENT_DOOMED;
    c->state = to;
    list_remove(&c->link);
    list_append(list_of(s, to), &c->link);
    if (counted && to > CLIENT_DOOMED) {
        ASSERT(s->clients.count > 0);
        s->clients.count--;
    }
    client_check(c);
}

void client_close_after_reply(struct client *c)
{
    if (c->state != CLIENT_OPEN)
        return;
    if (!client_is_idle(c)) { /* by a step of its transaction, which goes on */
        ASSERT(c->multi != NULL && c->multi->running);
        c->multi->ends_client = true;
        return;
    }
    c->closing_ms = c->server->turn.mono_ms;
    conn_pause(&c->conn, true);
    client_move(c, CLIENT_CLOSING);
    client_mark_dirty(c);
}

void client_doom(struct client *c)
{
    if (c->state != CLIENT_OPEN && c->state != CLIENT_CLOSING)
        return;
    conn_pause(&c->conn, true);
    client_move(c, CLIENT_DOOMED);
}

void client_count_bytes(struct client *c)
{
    struct stats *stats = &c->server->stats;
    ASSERT(c->conn.received_bytes >= c->received_seen);
    ASSERT(c->conn.sent_bytes >= c->sent_seen);
    ASSERT(c->conn.reads >= c->reads_seen);
    ASSERT(c->conn.writes >= c->writes_seen);
    stats->input_bytes += c->conn.received_bytes - c->received_seen;
    stats->output_bytes += c->conn.sent_bytes - c->sent_seen;
    stats->socket_reads += c->conn.reads - c->reads_seen;
    stats->socket_writes += c->conn.writes - c->writes_seen;
    if (c->conn.sent_bytes > c->sent_seen) { /* however slowly it reads */
        c->active_ms = c->server->turn.mono_ms;
        c->closing_ms = c->server->turn.mono_ms;
    }
    c->received_seen = c->conn.received_bytes;
    c->sent_seen = c->conn.sent_bytes;
    c->reads_seen = c->conn.reads;
    c->writes_seen = c->conn.writes;
}

size_t client_memory(const struct client *c)
{
    const struct resp_reader *r = &c->reader;
    return sizeof(*c) + c->conn.in.cap + c->conn.out.cap +
           r->args_cap * sizeof(*r->args) + r->argv_cap * sizeof(*r->argv) +
           c->unanswered.cap * sizeof(*c->unanswered.items) +
           c->reads.cap * sizeof(*c->reads.items) + c->reads.arena.used +
           cmd_rest_memory(&c->rest) + c->held.cap + c->text_bytes +
           (c->multi != NULL ? multi_memory(c->multi) : 0);
}

struct multi *client_multi(struct client *c)
{
    ASSERT(!c->settings.in_multi || c->multi != NULL);
    if (c->multi == NULL)
        c->multi = multi_new();
    return c->multi;
}

void client_settle(struct client *c)
{
    ASSERT(c->multi != NULL || !c->settings.in_multi);
    if (c->multi == NULL || !c->multi->running || !client_is_idle(c))
        return;
    ASSERT(c->settings.in_multi);
    bool ends = c->multi->ends_client;
    c->settings.in_multi = false;
    multi_clear(c->multi);
    if (ends)
        client_close_after_reply(c);
}

void client_forget_transaction(struct client *c)
{
    ASSERT(client_is_idle(c) && (!c->settings.in_multi || c->multi != NULL));
    c->settings.in_multi = false;
    if (c->multi == NULL)
        return;
    multi_clear(c->multi);
    multi_unwatch(c->multi);
}

void client_account(struct client *c)
{
    struct server *s = c->server;
    size_t bytes = client_memory(c);
    ASSERT(s->clients.bytes >= c->accounted_bytes);
    s->clients.bytes = s->clients.bytes - c->accounted_bytes + bytes;
    c->accounted_bytes = bytes;
}

bool client_is_quiet(const struct client *c)
{
    return c->state == CLIENT_OPEN && c->wait == WAIT_NONE &&
           client_is_idle(c) && conn_pending(&c->conn) == 0;
}

size_t client_shrink(struct client *c)
{
    ASSERT(client_is_quiet(c));
    size_t before = client_memory(c);
    conn_shrink(&c->conn);
    resp_reader_shrink(&c->reader);
    unanswered_shrink(&c->unanswered);
    deferred_shrink(&c->reads);
    if (c->multi != NULL && !c->settings.in_multi && multi_is_empty(c->multi)) {
        multi_free(c->multi);
        c->multi = NULL;
    }
    client_account(c);
    ASSERT(c->accounted_bytes <= before);
    return before - c->accounted_bytes;
}

void client_finish(struct client *c)
{
    struct server *s = c->server;
    ASSERT(c->state <= CLIENT_DOOMED);
    client_count_bytes(c);
    conn_close(&c->conn);
    ASSERT(s->clients.bytes >= c->accounted_bytes);
    s->clients.bytes -= c->accounted_bytes;
    c->accounted_bytes = 0;
    list_remove(&c->ready);
    list_remove(&c->dirty);
    client_abandon(c);
    blocked_end(c);
    cmd_rest_drop(&c->rest);
    c->wait = WAIT_NONE; /* whatever it was, it does not happen any more */
    /* Reads that nobody was asked for yet are simply forgotten. */
    if (c->reads.phase != READS_ASKED)
        deferred_clear(&c->reads);
    client_move(c, client_is_idle(c) ? CLIENT_GONE : CLIENT_ZOMBIE);
}

void client_free(struct client *c)
{
    ASSERT(c->state == CLIENT_GONE);
    ASSERT(client_is_idle(c) && list_empty(&c->dirty));
    list_remove(&c->link);
    resp_reader_release(&c->reader);
    buf_release(&c->held);
    multi_free(c->multi);
    mem_free(c->unanswered.items);
    arena_release(&c->reads.arena);
    mem_free(c->reads.items);
    for (size_t i = 0; i < CLIENT_TEXT_COUNT; i++)
        mem_free(c->texts[i]);
    mem_free(c);
}

void client_mark_dirty(struct client *c)
{
    if (list_empty(&c->dirty) && c->conn.fd >= 0)
        list_append(&c->server->clients.dirty, &c->dirty);
}

void client_mark_ready(struct client *c)
{
    if (list_empty(&c->ready) && c->state == CLIENT_OPEN)
        list_append(&c->server->clients.ready, &c->ready);
}

bool client_wait(struct client *c, enum client_wait reason)
{
    ASSERT(c->wait < WAIT_COUNT && reason < WAIT_COUNT);
    ASSERT(can_wait[c->wait][reason]);
    c->wait = reason;
    return false;
}

void client_wake(struct client *c, enum client_wait reason)
{
    ASSERT(reason != WAIT_NONE);
    if (c->wait == reason)
        client_mark_ready(c);
}

int client_submit(struct client *c, const struct node_submit *what)
{
    ASSERT(c->state == CLIENT_OPEN && c->wait == WAIT_NONE);
    int err = node_submit(c->server->node, what, c);
    c->uploading = err == ERR_AGAIN;
    if (c->uploading)
        (void)client_wait(c, WAIT_UPLOAD);
    return err;
}

void client_abandon(struct client *c)
{
    if (c->uploading)
        node_abandon(c->server->node, c);
    c->uploading = false;
}

/* --- what the rooms above see ------------------------------------------- */

struct client_settings *client_settings(struct client *c)
{
    return &c->settings;
}

const char *client_text(const struct client *c, enum client_text which)
{
    ASSERT(which < CLIENT_TEXT_COUNT);
    return c->texts[which];
}

void client_set_text(struct client *c, enum client_text which,
                     struct bytes value)
{
    ASSERT(which < CLIENT_TEXT_COUNT);
    char **text = &c->texts[which];
    size_t before = *text != NULL ? strlen(*text) + 1 : 0;
    ASSERT(c->text_bytes >= before);
    c->text_bytes -= before;
    mem_free(*text);
    *text = NULL;
    if (value.len == 0)
        return;
    c->text_bytes += value.len + 1;
    *text = mem_alloc(value.len + 1);
    memcpy(*text, value.data, value.len);
    (*text)[value.len] = '\0';
}

bool client_is_authorized(const struct client *c)
{
    ASSERT(c->state <= CLIENT_DOOMED);
    return c->settings.authenticated ||
           c->server->options.config->requirepass[0] == '\0';
}

uint64_t client_id(const struct client *c)
{
    return c->id;
}

bool client_is_open(const struct client *c)
{
    return c->state == CLIENT_OPEN;
}

struct client *client_next(struct server *s, struct client *c)
{
    struct list *next = c != NULL ? c->link.next : s->clients.open.next;
    ASSERT(c == NULL || c->state <= CLIENT_CLOSING);
    if (next == &s->clients.open)
        return NULL;
    return CONTAINER_OF(next, struct client, link);
}
