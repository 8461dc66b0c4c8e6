/*
 * The sockets that clients connect to, and the door: how many come in, and
 * who is turned away with a reason.
 *
 * How it fails: an address that can't be listened on is fatal at start, but
 * for one with a leading '-', which may be missing. Out of descriptors: no
 * more accepting for a second, so that the loop does not spin.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/socket.h"
#include "server/server_internal.h"

#define ACCEPT_PAUSE_MS 1000

static const char protected_text[] =
    "-DENIED vard is running in protected mode because protected mode is "
    "enabled and no password is set for the default user. In this mode "
    "connections are only accepted from the machine itself. To connect from "
    "other machines, do one of these: 1) set a password with the option "
    "requirepass; 2) if the network is trusted, send CONFIG SET "
    "protected-mode no from the machine itself, and put protected-mode no "
    "into the configuration file to keep it; 3) for a test, start vard with "
    "--protected-mode no.\r\n";

/* Says why, as far as the socket takes it at once, and closes. */
static void turn_away(struct server *s, int fd, const char *text)
{
    s->stats.connections_rejected++;
    int64_t n = socket_write(fd, text, strlen(text));
    UNUSED(n);
    socket_close(fd);
}

static bool is_protected(const struct server *s, const struct address *peer)
{
    return s->config->protected_mode && s->config->requirepass[0] == '\0' &&
           !address_is_loopback(peer);
}

static void admit(struct listener *l, int fd, const struct address *peer)
{
    struct server *s = l->server;
    if (s->client_count >= s->config->maxclients) {
        turn_away(s, fd, "-ERR max number of clients reached\r\n");
        return;
    }
    if (!l->unix_socket && is_protected(s, peer)) {
        turn_away(s, fd, protected_text);
        return;
    }
    if (!l->unix_socket) {
        socket_no_delay(fd);
        if (s->config->tcp_keepalive > 0)
            socket_keepalive(fd, s->config->tcp_keepalive);
    }
    s->stats.connections_received++;
    struct client *c = client_new(s, fd, peer, l->unix_socket);
    char text[ADDRESS_TEXT_MAX];
    address_format(&c->peer, text);
    log_debug(s->log, "Accepted %s", text);
}

static void on_listener(void *ctx, int events)
{
    struct listener *l = ctx;
    UNUSED(events);
    server_tick(l->server);
    for (int i = 0; i < ACCEPT_MAX; i++) {
        struct address peer;
        int fd = socket_accept(l->fd, &peer);
        if (fd == ERR_AGAIN)
            return;
        if (fd < 0) {
            log_warning(l->server->log, "Accepting client connection: %s",
                        strerror(errno));
            l->server->accept_pause_until_ms =
                l->server->mono_ms + ACCEPT_PAUSE_MS;
            server_accept_pause(l->server, true);
            return;
        }
        admit(l, fd, &peer);
    }
}

static void add_listener(struct server *s, int fd, const char *text,
                         bool unix_socket)
{
    ASSERT(s->listener_count < LISTENERS_MAX && fd >= 0);
    struct listener *l = &s->listeners[s->listener_count++];
    *l = (struct listener){.server = s, .fd = fd, .unix_socket = unix_socket};
    l->io = (struct loop_io){NULL, on_listener, l};
    snprintf(l->text, sizeof(l->text), "%s", text);
}

/* One word of the option bind. */
static int listen_on(struct server *s, const char *host, struct buf *error)
{
    struct address a;
    uint16_t port = (uint16_t)s->config->port;
    bool optional = host[0] == '-';
    const char *name = optional ? host + 1 : host;
    int fd = address_host(bytes_str(name), port, &a);
    if (fd == 0)
        fd = socket_listen(&a, (int)s->config->tcp_backlog);
    if (fd >= 0) {
        char text[ADDRESS_TEXT_MAX];
        address_format(&a, text);
        add_listener(s, fd, text, false);
        return 0;
    }
    /* EAFNOSUPPORT: no IPv6 at all on this machine. */
    if (optional && (fd == ERR_NOT_FOUND || errno == EAFNOSUPPORT))
        return 0;
    buf_printf(error, "cannot listen on %s port %u: %s", name, port,
               fd == ERR_IO ? strerror(errno) : error_text(fd));
    if (fd == ERR_BUSY)
        buf_str(error, "; stop the other process, or choose another port");
    return fd;
}

static int listen_on_unix(struct server *s, struct buf *error)
{
    const char *path = s->config->unixsocket;
    uint32_t mode = s->config->unixsocketperm;
    int fd = socket_listen_unix(path, mode == 0 ? 0700 : mode,
                                (int)s->config->tcp_backlog);
    if (fd < 0) {
        buf_printf(error, "cannot listen on the Unix socket %s: %s", path,
                   fd == ERR_IO ? strerror(errno) : error_text(fd));
        return fd;
    }
    add_listener(s, fd, path, true);
    return 0;
}

int server_listen(struct server *s, struct buf *error)
{
    const struct config *config = s->config;
    ASSERT(s->listener_count == 0);
    for (size_t i = 0; i < config->bind_count && config->port != 0; i++) {
        if (s->listener_count == LISTENERS_MAX - 1) {
            buf_str(error, "more than 16 addresses to listen on");
            return ERR_LIMIT;
        }
        int err = listen_on(s, config->bind[i], error);
        if (err != 0)
            return err;
    }
    if (config->unixsocket[0] != '\0') {
        int err = listen_on_unix(s, error);
        if (err != 0)
            return err;
    }
    if (s->listener_count == 0) {
        buf_str(error, "there is no address to listen on for clients; see the "
                       "options bind, port and unixsocket");
        return ERR_INVALID;
    }
    return 0;
}

void server_accept_start(struct server *s)
{
    ASSERT(s->listener_count > 0);
    for (size_t i = 0; i < s->listener_count; i++)
        loop_io_start(s->loop, &s->listeners[i].io, s->listeners[i].fd,
                      LOOP_READ);
}

void server_accept_pause(struct server *s, bool paused)
{
    for (size_t i = 0; i < s->listener_count; i++)
        if (s->listeners[i].io.impl != NULL)
            loop_io_set(s->loop, &s->listeners[i].io, paused ? 0 : LOOP_READ);
}

void server_listen_close(struct server *s)
{
    for (size_t i = 0; i < s->listener_count; i++) {
        loop_io_stop(s->loop, &s->listeners[i].io);
        socket_close(s->listeners[i].fd);
        if (s->listeners[i].unix_socket)
            (void)unlink(s->config->unixsocket);
    }
    s->listener_count = 0;
}
