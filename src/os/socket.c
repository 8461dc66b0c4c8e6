/*
 * System calls on sockets, with errno reduced to few errors: for a reader or
 * writer only ERR_AGAIN, ERR_CLOSED and ERR_IO differ. A connection that the
 * other side has reset is ERR_CLOSED, since that happens every day.
 */
#include "os/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define NEW_FLAGS (SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC)

static const struct sockaddr *sa_of(const struct address *a)
{
    ASSERT(a->len > 0 && a->len <= sizeof(a->sa));
    return (const struct sockaddr *)(const void *)&a->sa;
}

static bool set_option(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

static int error_of_errno(void)
{
    switch (errno) {
    case EADDRINUSE:
        return ERR_BUSY;
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
    case EPROTONOSUPPORT:
    case ENOENT:
        return ERR_NOT_FOUND;
    case EACCES:
    case EPERM:
        return ERR_AUTH;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        return ERR_LIMIT;
    case ECONNREFUSED:
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE:
    case ETIMEDOUT:
    case EHOSTUNREACH:
    case ENETUNREACH:
        return ERR_CLOSED;
    default:
        return ERR_IO;
    }
}

/* Closes a descriptor whose set-up failed; errno stays. */
static int give_up(int fd, int err)
{
    int saved = errno;
    (void)close(fd);
    errno = saved;
    return err;
}

int socket_listen(const struct address *a, int backlog)
{
    ASSERT(backlog > 0);
    int fd = socket(a->sa.ss_family, NEW_FLAGS, 0);
    if (fd < 0)
        return error_of_errno();
    if (!set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) ||
        (a->sa.ss_family == AF_INET6 &&
         !set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)) ||
        bind(fd, sa_of(a), a->len) != 0 || listen(fd, backlog) != 0)
        return give_up(fd, error_of_errno());
    return fd;
}

static int unix_address(const char *path, struct address *out)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof(un.sun_path))
        return ERR_TOO_BIG;
    memcpy(un.sun_path, path, len + 1);
    *out = (struct address){.len = sizeof(un)};
    memcpy(&out->sa, &un, sizeof(un));
    return 0;
}

/* Removes a socket file on which no process listens, and nothing else. */
static int remove_dead_socket(const char *path, const struct address *a)
{
    struct stat st;
    if (lstat(path, &st) != 0)
        return errno == ENOENT ? 0 : error_of_errno();
    if (!S_ISSOCK(st.st_mode))
        return ERR_BUSY;
    int fd = socket(AF_UNIX, NEW_FLAGS, 0);
    if (fd < 0)
        return error_of_errno();
    bool dead = connect(fd, sa_of(a), a->len) != 0 && errno == ECONNREFUSED;
    (void)close(fd);
    if (!dead)
        return ERR_BUSY;
    return unlink(path) == 0 ? 0 : error_of_errno();
}

int socket_listen_unix(const char *path, uint32_t mode, int backlog)
{
    ASSERT(path != NULL && backlog > 0);
    ASSERT(mode <= 0777);
    struct address a;
    int err = unix_address(path, &a);
    if (err == 0)
        err = remove_dead_socket(path, &a);
    if (err != 0)
        return err;
    int fd = socket(AF_UNIX, NEW_FLAGS, 0);
    if (fd < 0)
        return error_of_errno();
    /* Closed to other users until chmod sets the permissions. */
    mode_t before = umask(077);
    err = bind(fd, sa_of(&a), a.len);
    umask(before);
    if (err != 0)
        return give_up(fd, error_of_errno());
    if (chmod(path, mode == 0 ? 0700 : mode) != 0 || listen(fd, backlog) != 0) {
        err = error_of_errno();
        (void)unlink(path);
        return give_up(fd, err);
    }
    return fd;
}

int socket_accept(int fd, struct address *peer)
{
    ASSERT(fd >= 0);
    ASSERT(peer != NULL);
    for (;;) {
        *peer = (struct address){.len = sizeof(peer->sa)};
        int conn = accept4(fd, (struct sockaddr *)(void *)&peer->sa, &peer->len,
                           SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (conn >= 0)
            return conn;
        if (errno == EAGAIN || errno == EWOULDBLOCK)
            return ERR_AGAIN;
        int err = error_of_errno();
        /* It was closed before it was accepted: try the next. */
        if (errno != EINTR && err != ERR_CLOSED)
            return err;
    }
}

int socket_connect(const struct address *a)
{
    int fd = socket(a->sa.ss_family, NEW_FLAGS, 0);
    if (fd < 0)
        return error_of_errno();
    if (connect(fd, sa_of(a), a->len) != 0 && errno != EINPROGRESS &&
        errno != EINTR)
        return give_up(fd, error_of_errno());
    return fd;
}

int socket_connect_result(int fd)
{
    ASSERT(fd >= 0);
    int err = 0;
    socklen_t len = sizeof(err);
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) != 0)
        return ERR_IO;
    if (err != 0) {
        errno = err;
        return error_of_errno();
    }
    struct address peer;
    return socket_peer(fd, &peer) ? 0 : ERR_AGAIN;
}

void socket_no_delay(int fd)
{
    ASSERT(fd >= 0);
    (void)set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

void socket_not_sent_low(int fd, size_t bytes)
{
    ASSERT(fd >= 0 && bytes > 0 && bytes <= INT32_MAX);
    (void)set_option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, (int)bytes);
}

void socket_keepalive(int fd, uint32_t idle_s)
{
    ASSERT(fd >= 0);
    if (idle_s == 0) {
        (void)set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 0);
        return;
    }
    int idle = (int)MIN(idle_s, (uint32_t)32767);
    (void)set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    (void)set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, idle);
    (void)set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, MAX(idle / 3, 1));
    (void)set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

void socket_user_timeout(int fd, uint32_t timeout_ms)
{
    ASSERT(fd >= 0);
    ASSERT(timeout_ms <= INT32_MAX);
    (void)set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)timeout_ms);
}

/* The error of a call that transferred nothing. */
static int64_t nothing_moved(void)
{
    if (errno == EAGAIN || errno == EWOULDBLOCK)
        return ERR_AGAIN;
    return error_of_errno() == ERR_CLOSED ? ERR_CLOSED : ERR_IO;
}

int64_t socket_read(int fd, void *data, size_t len)
{
    ASSERT(fd >= 0);
    ASSERT(data != NULL || len == 0);
    if (len == 0)
        return 0;
    ssize_t n;
    do
        n = recv(fd, data, len, 0);
    while (n < 0 && errno == EINTR);
    if (n == 0)
        return ERR_CLOSED;
    return n > 0 ? n : nothing_moved();
}

int64_t socket_write(int fd, const void *data, size_t len)
{
    ASSERT(fd >= 0);
    ASSERT(data != NULL || len == 0);
    ssize_t n;
    do
        n = send(fd, data, len, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n >= 0 ? n : nothing_moved();
}

bool socket_peer(int fd, struct address *out)
{
    ASSERT(fd >= 0 && out != NULL);
    *out = (struct address){.len = sizeof(out->sa)};
    if (getpeername(fd, (struct sockaddr *)(void *)&out->sa, &out->len) == 0)
        return true;
    out->len = 0;
    return false;
}

bool socket_local(int fd, struct address *out)
{
    ASSERT(fd >= 0 && out != NULL);
    *out = (struct address){.len = sizeof(out->sa)};
    if (getsockname(fd, (struct sockaddr *)(void *)&out->sa, &out->len) == 0)
        return true;
    out->len = 0;
    return false;
}

void socket_close(int fd)
{
    ASSERT(fd >= 0);
    /* Not repeated on EINTR: on Linux the descriptor is closed anyway. */
    (void)close(fd);
}
