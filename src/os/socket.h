/*
 * Sockets: addresses, listening, connecting, reading and writing. Every
 * socket made here is non-blocking and closed on exec. Results are
 * descriptors or counts (>= 0) or errors; errno stays as the system set it.
 */
#ifndef OS_SOCKET_H
#define OS_SOCKET_H

#include "base/base.h"
#include "base/bytes.h"

#include <sys/socket.h>

struct address {
    struct sockaddr_storage sa;
    socklen_t len; /* 0: none */
};

/* Room for "[" an IPv6 address with zone "]:65535" or "unix:" and a path. */
#define ADDRESS_TEXT_MAX 128

/* "1.2.3.4:6379", "[::1]:6379", "host:6379". ERR_INVALID for bad form,
 * ERR_NOT_FOUND for a name that is not known. Names are looked up with
 * getaddrinfo, which may block for seconds: at start-up, or off the loop. */
MUST_USE int address_parse(struct bytes text, struct address *out);
/* The same without a name server: ERR_NOT_FOUND for all names. */
MUST_USE int address_number(struct bytes text, struct address *out);
/* A name may mean several addresses: the nth, from 0, and from the first again
 * if there are fewer. It may block as well. */
MUST_USE int address_look_up(struct bytes text, uint32_t nth,
                             struct address *out);
/* The host alone: a number, "*" (all IPv4), "::*" (all IPv6), or a name. */
MUST_USE int address_host(struct bytes host, uint16_t port,
                          struct address *out);
/* As address_parse reads it; "unix:" for Unix sockets, "?" for none. Returns
 * the length; a NUL follows. */
size_t address_format(const struct address *a, char out[ADDRESS_TEXT_MAX]);
uint16_t address_port(const struct address *a);
/* 127.0.0.0/8, ::1, IPv4 mapped into IPv6, and Unix sockets. */
bool address_is_loopback(const struct address *a);
bool address_eq(const struct address *a, const struct address *b);
/* But for the port, and for how IPv4 is written; all loopback addresses are of
 * one host. False for Unix sockets and for none. */
bool address_same_host(const struct address *a, const struct address *b);

/* A listening socket: with SO_REUSEADDR; one for IPv6 does not accept IPv4.
 * ERR_BUSY: the port is taken; ERR_NOT_FOUND: not an address of this machine
 * (an optional one may be missing); ERR_AUTH: port not allowed; ERR_IO. */
MUST_USE int socket_listen(const struct address *a, int backlog);
/* A Unix socket, with these permissions from its first moment on. A socket file
 * that a dead process left is replaced; ERR_BUSY if a process answers there.
 * Changes the umask for a moment, so it may be called at start-up only. */
MUST_USE int socket_listen_unix(const char *path, uint32_t mode, int backlog);

/* Accepts the next connection: its descriptor, and the other end's address.
 * ERR_AGAIN: none; ERR_LIMIT: out of descriptors, stop accepting for a while;
 * ERR_IO. */
MUST_USE int socket_accept(int fd, struct address *peer);

/* Begins to connect. The descriptor becomes writable when the outcome is known;
 * then socket_connect_result returns 0, or why not (ERR_CLOSED: refused). */
MUST_USE int socket_connect(const struct address *a);
MUST_USE int socket_connect_result(int fd);

/* Hints, whose failure is of no consequence (not for Unix sockets). */
void socket_no_delay(int fd);
/* How much unsent data the kernel may hold before the socket counts as full;
 * other data can still overtake what is kept here. */
void socket_not_sent_low(int fd, size_t bytes);
/* Probes after `idle_s` seconds of silence; three lost ones end it. */
void socket_keepalive(int fd, uint32_t idle_s);
/* The connection ends when sent data is not acknowledged for this long; 0: the
 * default. */
void socket_user_timeout(int fd, uint32_t timeout_ms);

/* Bytes moved (> 0, or 0 for len 0), ERR_AGAIN, ERR_CLOSED (end of stream,
 * reset, broken pipe) or ERR_IO. */
MUST_USE int64_t socket_read(int fd, void *data, size_t len);
MUST_USE int64_t socket_write(int fd, const void *data, size_t len);

/* The address of the other end and of this end; false if it is not known. */
bool socket_peer(int fd, struct address *out);
bool socket_local(int fd, struct address *out);
void socket_close(int fd);

#endif
