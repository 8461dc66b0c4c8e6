/*
 * A listening socket on the loop. It accepts up to 10 connections per event, so
 * that a flood of new ones cannot starve those that exist; when the process is
 * out of descriptors it pauses for a moment instead of spinning.
 */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H

#include "base/base.h"
#include "base/log.h"
#include "net/loop.h"

struct listener {
    struct loop *loop;
    const struct logger *log;
    int fd; /* -1: closed */
    struct loop_io io;
    struct loop_timer resume; /* running: accepting is paused */
    int64_t logged_at_ms;
    /* A new connection: a non-blocking descriptor that the callee now owns,
     * and the other end's address as text, borrowed for the call. It may
     * close the listener. */
    void (*accepted)(void *ctx, int fd, const char *address);
    void *ctx;
};

/* Takes over a listening descriptor (os/socket.h, socket_listen). Set
 * `accepted` and `ctx` first. */
void listener_open(struct listener *s, struct loop *l, int fd,
                   const struct logger *log);
/* Stops accepting and closes. It may be called twice. */
void listener_close(struct listener *s);

#endif
