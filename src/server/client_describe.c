/*
 * A client as others see it: its addresses, and its line in CLIENT LIST.
 *
 * How it fails: it cannot.
 */
#include "server/server_internal.h"

#include <inttypes.h>
#include <stdio.h>

static void describe_size(const struct client *c, struct buf *out)
{
    ASSERT(c->conn.in.cap >= c->conn.in.len);
    size_t in = c->conn.in.len;
    size_t in_free = c->conn.in.cap - c->conn.in.len;
    size_t args = c->reads.arena.used;
    size_t multi = c->multi != NULL ? multi_memory(c->multi) : 0;
    buf_printf(out,
               " qbuf=%zu qbuf-free=%zu argv-mem=%zu multi-mem=%zu rbs=%zu "
               "rbp=%zu obl=%zu oll=0 omem=%zu tot-mem=%zu",
               in, in_free, args, multi, c->conn.out.cap, c->conn.out.cap,
               conn_pending(&c->conn), c->conn.out.cap, client_memory(c));
}

static void address_text(const struct client *c, const struct address *a,
                         char out[CLIENT_ADDRESS_MAX])
{
    if (c->unix_socket)
        snprintf(out, CLIENT_ADDRESS_MAX, "%s:0",
                 c->server->options.config->unixsocket);
    else
        address_format(a, out);
}

void client_peer_text(const struct client *c, char out[CLIENT_ADDRESS_MAX])
{
    address_text(c, &c->peer, out);
}

void client_local_text(const struct client *c, char out[CLIENT_ADDRESS_MAX])
{
    address_text(c, &c->local, out);
}

static const char *text_or_empty(const struct client *c, enum client_text which)
{
    ASSERT(which < CLIENT_TEXT_COUNT);
    return c->texts[which] != NULL ? c->texts[which] : "";
}

static const char *flags_text(const struct client *c)
{
    ASSERT(c->state <= CLIENT_DOOMED);
    if (c->state == CLIENT_CLOSING)
        return "c";
    if (c->state == CLIENT_DOOMED)
        return "A";
    if (c->blocked.count > 0)
        return "b";
    if (c->settings.in_multi && !c->multi->running)
        return "x";
    if (c->settings.readonly)
        return "r";
    return c->unix_socket ? "U" : "N";
}

void client_describe(const struct client *c, struct buf *out)
{
    const struct server *s = c->server;
    char peer[CLIENT_ADDRESS_MAX];
    char local[CLIENT_ADDRESS_MAX];
    client_peer_text(c, peer);
    client_local_text(c, local);
    ASSERT(s->turn.mono_ms >= c->created_ms);
    buf_printf(out,
               "id=%" PRIu64 " addr=%s laddr=%s fd=%d name=%s age=%" PRId64
               " idle=%" PRId64,
               c->id, peer, local, c->conn.fd, text_or_empty(c, CLIENT_NAME),
               ((s->turn.mono_ms - c->created_ms) / 1000),
               ((s->turn.mono_ms - c->active_ms) / 1000));
    const struct multi *m = c->multi;
    bool queueing = c->settings.in_multi && !m->running;
    buf_printf(out, " flags=%s db=%u sub=0 psub=0 ssub=0 multi=%" PRId64,
               flags_text(c), c->settings.db,
               queueing ? (int64_t)m->step_count : -1);
    buf_printf(out, " watch=%u", m != NULL ? multi_watched_keys(m) : 0);
    describe_size(c, out);
    buf_printf(out, " events=%s%s cmd=%s user=default redir=-1 resp=%u",
               c->conn.paused ? "" : "r", c->conn.writing ? "w" : "",
               c->last_cmd != NULL ? c->last_cmd->name : "NULL",
               c->writer.protocol);
    buf_printf(out, " lib-name=%s lib-ver=%s",
               text_or_empty(c, CLIENT_LIB_NAME),
               text_or_empty(c, CLIENT_LIB_VERSION));
}
