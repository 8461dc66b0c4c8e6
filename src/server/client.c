/*
 * The life of a client, and its two queues. What it does with its commands
 * stands in dispatch.c, what ends it early in limits.c.
 *
 * How it fails: a move that the table does not allow, or a client whose
 * queues contradict its state, is a mistake of the programmer and asserts.
 */
#include "server/client_internal.h"

#include "base/alloc.h"
#include "server/server_internal.h"

#define PENDING_CAP_FIRST  8
#define DEFERRED_CAP_FIRST 8
#define DEFERRED_CAP_KEPT  1024

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

/* What must hold after each move. */
static void check(const struct client *c)
{
    bool closed = c->state == CLIENT_ZOMBIE || c->state == CLIENT_GONE;
    ASSERT(closed == (c->conn.fd < 0));
    ASSERT(c->state != CLIENT_ZOMBIE || !client_is_idle(c));
    ASSERT(c->state != CLIENT_GONE || client_is_idle(c));
    ASSERT(!closed || list_empty(&c->ready));
}

static struct list *list_of(struct server *s, enum client_state state)
{
    switch (state) {
    case CLIENT_OPEN:
    case CLIENT_CLOSING:
        return &s->clients;
    case CLIENT_DOOMED:
        return &s->doomed;
    case CLIENT_ZOMBIE:
        return &s->zombies;
    case CLIENT_GONE:
    case CLIENT_STATE_COUNT:
        break;
    }
    return &s->gone;
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
    conn_open(&c->conn, s->loop, fd, &server_conn_events);
    resp_reader_init(&c->reader);
    c->need = 1;
    c->reads.arena = ARENA_INIT;
    c->writer = (struct resp_writer){.out = &c->conn.out, .protocol = 2};
    c->id = ++s->last_client_id;
    c->peer = *peer;
    c->unix_socket = unix_socket;
    if (!socket_local(fd, &c->local))
        c->local = (struct address){.len = 0};
    c->settings.authenticated = s->config->requirepass[0] == '\0';
    c->created_ms = s->mono_ms;
    c->active_ms = s->mono_ms;
    list_append(&s->clients, &c->link);
    s->client_count++;
    limits_account(c);
    check(c);
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
        ASSERT(s->client_count > 0);
        s->client_count--;
    }
    check(c);
}

void client_close_after_reply(struct client *c)
{
    if (c->state != CLIENT_OPEN)
        return;
    client_move(c, CLIENT_CLOSING);
    c->closing_ms = c->server->mono_ms;
    conn_pause(&c->conn, true);
    client_mark_dirty(c);
}

void client_doom(struct client *c)
{
    if (c->state != CLIENT_OPEN && c->state != CLIENT_CLOSING)
        return;
    client_move(c, CLIENT_DOOMED);
    conn_pause(&c->conn, true);
}

size_t client_memory(const struct client *c)
{
    const struct resp_reader *r = &c->reader;
    return sizeof(*c) + c->conn.in.cap + c->conn.out.cap +
           r->args_cap * sizeof(*r->args) + r->argv_cap * sizeof(*r->argv) +
           c->pending.cap * sizeof(*c->pending.items) +
           c->reads.cap * sizeof(*c->reads.items) + c->reads.arena.used +
           c->text_bytes;
}

void client_finish(struct client *c)
{
    struct server *s = c->server;
    ASSERT(c->state <= CLIENT_DOOMED);
    server_count_bytes(c);
    conn_close(&c->conn);
    ASSERT(s->clients_bytes >= c->accounted_bytes);
    s->clients_bytes -= c->accounted_bytes;
    c->accounted_bytes = 0;
    list_remove(&c->ready);
    list_remove(&c->dirty);
    c->wait = WAIT_NONE;
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
    mem_free(c->pending.items);
    arena_release(&c->reads.arena);
    mem_free(c->reads.items);
    for (size_t i = 0; i < CLIENT_TEXT_COUNT; i++)
        mem_free(c->texts[i]);
    mem_free(c);
}

void client_mark_dirty(struct client *c)
{
    if (list_empty(&c->dirty) && c->conn.fd >= 0)
        list_append(&c->server->dirty, &c->dirty);
}

void client_mark_ready(struct client *c)
{
    if (list_empty(&c->ready) && c->state == CLIENT_OPEN)
        list_append(&c->server->ready, &c->ready);
}

void client_wake(struct client *c, enum client_wait reason)
{
    ASSERT(reason != WAIT_NONE);
    if (c->wait == reason)
        client_mark_ready(c);
}

struct resp_writer *client_reply_begin(struct client *c)
{
    size_t max = limits_output_max(c);
    size_t sent = c->conn.out.len - conn_pending(&c->conn);
    c->reply_start = c->conn.out.len;
    c->writer.limit = max == 0 ? 0 : max + sent;
    c->writer.over = false;
    return &c->writer;
}

void client_reply_end(struct client *c, const struct cmd *cmd, uint8_t flags)
{
    struct server *s = c->server;
    struct buf *out = &c->conn.out;
    ASSERT(out->len >= c->reply_start);
    struct bytes reply = bytes_from(buf_view(out), c->reply_start);
    if (stats_reply(&s->stats, reply) && cmd != NULL)
        stats_of(&s->stats, cmd)->failed++;
    if (c->writer.over || (flags & PENDING_MUTE))
        out->len = c->reply_start; /* never a part of a reply */
    if (flags & PENDING_MUTE)
        return;
    if (out->len > c->reply_start)
        client_mark_dirty(c);
    limits_reply(c);
}

void client_reply_error(struct client *c, const struct cmd *cmd, uint8_t flags,
                        const char *text)
{
    resp_error(client_reply_begin(c), text);
    client_reply_end(c, cmd, flags);
}

void pending_push(struct pending_ring *r, const struct pending *p)
{
    if (r->count == r->cap) {
        uint32_t cap = r->cap == 0 ? PENDING_CAP_FIRST : r->cap * 2;
        struct pending *items = mem_alloc(cap * sizeof(*items));
        for (uint32_t i = 0; i < r->count; i++)
            items[i] = r->items[(r->head + i) & (r->cap - 1)];
        mem_free(r->items);
        *r = (struct pending_ring){items, 0, r->count, cap};
    }
    ASSERT(r->count < r->cap);
    r->items[(r->head + r->count++) & (r->cap - 1)] = *p;
}

struct pending *pending_front(struct pending_ring *r)
{
    ASSERT(r->count > 0);
    return &r->items[r->head];
}

void pending_pop(struct pending_ring *r)
{
    ASSERT(r->count > 0);
    r->head = (r->head + 1) & (r->cap - 1);
    r->count--;
}

void deferred_add(struct deferred_list *l, const struct deferred *d,
                  const struct bytes *argv)
{
    ASSERT(d->argc > 0);
    if (l->count == l->cap) {
        l->cap = l->cap == 0 ? DEFERRED_CAP_FIRST : l->cap * 2;
        l->items = mem_realloc(l->items, l->cap * sizeof(*l->items));
    }
    struct deferred *item = &l->items[l->count++];
    *item = *d;
    item->argv = arena_alloc(&l->arena, d->argc * sizeof(struct bytes));
    for (uint32_t i = 0; i < d->argc; i++)
        item->argv[i] = arena_copy(&l->arena, argv[i]);
}

void deferred_clear(struct deferred_list *l)
{
    l->phase = READS_NONE;
    l->count = 0;
    l->next = 0;
    arena_reset(&l->arena);
    if (l->cap > DEFERRED_CAP_KEPT) {
        mem_free(l->items);
        l->items = NULL;
        l->cap = 0;
    }
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

uint64_t client_id(const struct client *c)
{
    return c->id;
}

bool client_is_idle(const struct client *c)
{
    return c->pending.count == 0 && c->reads.phase == READS_NONE;
}

bool client_is_open(const struct client *c)
{
    return c->state == CLIENT_OPEN;
}

struct client *client_next(struct server *s, struct client *c)
{
    struct list *next = c != NULL ? c->link.next : s->clients.next;
    ASSERT(c == NULL || c->state <= CLIENT_CLOSING);
    if (next == &s->clients)
        return NULL;
    return CONTAINER_OF(next, struct client, link);
}
