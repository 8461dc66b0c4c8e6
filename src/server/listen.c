/*
 * The sockets that clients connect to: how many are accepted, and which are
 * rejected, with a reason.
 *
 * How it fails: an address that can't be listened on is fatal at start, but
 * for one with a leading '-', which may be missing. While the node shuts
 * down, new connections are closed at once.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "os/socket.h"
#include "server/server_internal.h"

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
    ASSERT(text[0] == '-'); /* an error of RESP */
    s->stats.connections_rejected++;
    int64_t n = socket_write(fd, text, strlen(text));
    UNUSED(n);
    socket_close(fd);
}

static bool is_protected(const struct server *s, const struct address *peer)
{
    return s->options.config->protected_mode &&
           s->options.config->requirepass[0] == '\0' &&
           !address_is_loopback(peer);
}

static void admit(struct door *door, int fd, const struct address *peer)
{
    struct server *s = door->server;
    if (s->clients.count >= s->options.config->maxclients) {
        turn_away(s, fd, "-ERR max number of clients reached\r\n");
        return;
    }
    if (!door->unix_socket && is_protected(s, peer)) {
        turn_away(s, fd, protected_text);
        return;
    }
    if (!door->unix_socket) {
        socket_no_delay(fd);
        if (s->options.config->tcp_keepalive_s > 0)
            socket_keepalive(fd, s->options.config->tcp_keepalive_s);
    }
    s->stats.connections_received++;
    (void)client_new(s, fd, peer, door->unix_socket);
}

static void on_accepted(void *ctx, int fd, const char *text)
{
    struct door *door = ctx;
    struct server *s = door->server;
    struct address peer;
    ASSERT(door >= s->doors.items && door < s->doors.items + s->doors.count);
    turn_begin(s);
    if (s->shutdown.phase != SHUTDOWN_NONE || !socket_peer(fd, &peer)) {
        socket_close(fd); /* the client tries another node */
        return;
    }
    log_debug(s->options.log, "Accepted %s", text);
    admit(door, fd, &peer);
}

static void add_door(struct server *s, int fd, const char *text,
                     bool unix_socket)
{
    ASSERT(s->doors.count < DOORS_MAX && fd >= 0);
    struct door *door = &s->doors.items[s->doors.count++];
    *door = (struct door){.server = s, .fd = fd, .unix_socket = unix_socket};
    door->listener.fd = -1;
    door->listener.accepted = on_accepted;
    door->listener.ctx = door;
    snprintf(door->text, sizeof(door->text), "%s", text);
}

/* One word of the option bind. */
static int listen_on(struct server *s, const char *host, struct buf *error)
{
    struct address a;
    uint16_t port = (uint16_t)s->options.config->port;
    bool optional = host[0] == '-';
    ASSERT(port != 0 && host[0] != '\0');
    const char *name = optional ? host + 1 : host;
    int fd = address_host(bytes_str(name), port, &a);
    bool found = fd == 0;
    if (found)
        fd = socket_listen(&a, (int)s->options.config->tcp_backlog);
    if (fd >= 0) {
        char text[ADDRESS_TEXT_MAX];
        address_format(&a, text);
        add_door(s, fd, text, false);
        return 0;
    }
    /* EAFNOSUPPORT: no IPv6 at all on this machine. */
    if (optional && (fd == ERR_NOT_FOUND || errno == EAFNOSUPPORT))
        return 0;
    buf_printf(error, "cannot listen on %s port %u: %s", name, port,
               found && fd != ERR_BUSY ? strerror(errno) : error_text(fd));
    if (fd == ERR_BUSY)
        buf_str(error, "; stop the other process, or choose another port");
    else if (!found || fd == ERR_NOT_FOUND)
        buf_str(error, "; the option bind names addresses of this machine");
    return fd;
}

static int listen_on_unix(struct server *s, struct buf *error)
{
    const char *path = s->options.config->unixsocket;
    ASSERT(path[0] != '\0');
    uint32_t mode = s->options.config->unixsocketperm;
    int fd = socket_listen_unix(path, mode == 0 ? 0700 : mode,
                                (int)s->options.config->tcp_backlog);
    if (fd < 0) {
        bool by_system = fd != ERR_BUSY && fd != ERR_TOO_BIG;
        buf_printf(error, "cannot listen on the Unix socket %s: %s", path,
                   by_system ? strerror(errno) : error_text(fd));
        return fd;
    }
    add_door(s, fd, path, true);
    return 0;
}

int server_listen(struct server *s, struct buf *error)
{
    const struct config *config = s->options.config;
    ASSERT(s->doors.count == 0);
    for (size_t i = 0; i < config->bind_count && config->port != 0; i++) {
        int err = listen_on(s, config->bind[i], error);
        if (err != 0)
            return err;
    }
    if (config->unixsocket[0] != '\0') {
        int err = listen_on_unix(s, error);
        if (err != 0)
            return err;
    }
    if (s->doors.count == 0) {
        buf_str(error, "there is no address to listen on for clients; see the "
                       "options bind, port and unixsocket");
        return ERR_INVALID;
    }
    return 0;
}

void server_accept_start(struct server *s)
{
    ASSERT(s->doors.count > 0);
    for (size_t i = 0; i < s->doors.count; i++) {
        struct door *door = &s->doors.items[i];
        ASSERT(door->listener.fd < 0);
        listener_open(&door->listener, s->options.loop, door->fd,
                      s->options.log);
        log_verbose(s->options.log, "listening on %s", door->text);
    }
}

void server_listen_close(struct server *s)
{
    ASSERT(s->doors.count <= DOORS_MAX);
    for (size_t i = 0; i < s->doors.count; i++) {
        struct door *door = &s->doors.items[i];
        if (door->listener.fd >= 0)
            listener_close(&door->listener);
        else
            socket_close(door->fd); /* it was never opened to clients */
        if (door->unix_socket)
            (void)unlink(s->options.config->unixsocket);
    }
    s->doors.count = 0;
}
