/*
 * A stream connection with buffers, for clients and peers alike.
 *
 * Input is read into `in`, as much as the kernel has (bounded per event, so
 * that one connection cannot starve the others), then `input` is called; the
 * owner consumes from `in` with buf_consume. The owner appends output to `out`
 * with buf_* and sends it with conn_flush (once per turn, one write); what the
 * socket does not take is written as soon as the socket allows.
 *
 * conn_close() may be called from callbacks, and the owner may then free the
 * struct at once: the buffers stay valid until the callback has returned, and
 * so do views into `in`. The loop alone makes callbacks, never another call, so
 * they do not nest: an error of conn_flush() is reported by `closed` in the
 * next turn.
 *
 * A paused connection does not notice that the other side has closed, unless a
 * write fails. After conn_pause(c, false), input that is already in `in` is not
 * announced again: the owner checks for it.
 */
#ifndef NET_CONN_H
#define NET_CONN_H

#include "base/base.h"
#include "base/buf.h"
#include "net/loop.h"

struct conn;
struct conn_call;

/* The memory that an empty buffer keeps; more is freed. */
#define CONN_BUF_KEEP (16 * 1024)

struct conn_events {
    /* There is new input. */
    void (*input)(struct conn *c);
    /* All output was written, after some had to wait. May be NULL. */
    void (*drained)(struct conn *c);
    /* Closed by the other side or by an error (ERR_CLOSED, ERR_IO); the
     * descriptor is closed already. Not called after conn_close(). */
    void (*closed)(struct conn *c, int err);
    /* The other side sends no more; it may still read (if it does not, a write
     * will fail). Nothing is read any more, and the owner closes the
     * connection. NULL: the connection is closed at the end of its input, see
     * `closed`. */
    void (*ended)(struct conn *c);
};

struct conn {
    struct loop *loop;
    const struct conn_events *events;
    struct loop_io io;
    int fd;          /* -1: closed */
    bool paused;     /* does not read: back-pressure */
    bool ended;      /* the other side sends no more */
    bool writing;    /* waits for the socket to take more */
    int error;       /* met by a write, to be reported by `closed` */
    size_t out_sent; /* bytes of `out` already written */
    /* The most that `in` holds; 0: no bound. At this size nothing is read until
     * the owner consumes (in a callback) or un-pauses. The owner sets it after
     * conn_open(). */
    size_t in_bytes_max;
    size_t read_bytes;       /* asked for by the next read */
    struct loop_timer defer; /* reports `error` */
    struct conn_call *call;  /* the callback that is running, or NULL */
    uint64_t received_bytes; /* since conn_open() */
    uint64_t sent_bytes;
    uint64_t reads; /* of the socket, that brought bytes */
    uint64_t writes;
    struct buf in;
    struct buf out;
};

/* Takes over a connected non-blocking descriptor; what `c` held before is
 * overwritten. */
void conn_open(struct conn *c, struct loop *l, int fd,
               const struct conn_events *events);
/* Closes it and frees the buffers; output that was not written is lost. It may
 * be called twice, and after `closed`; `c` must have been opened once. */
void conn_close(struct conn *c);
/* Writes as much of `out` as the socket takes, with one system call. Does
 * nothing while an earlier write waits for the socket, or when closed. */
void conn_flush(struct conn *c);
/* Bytes of output that have not been written yet. */
size_t conn_pending(const struct conn *c);
/* After much of `in` was consumed outside a callback: frees what a burst took
 * of it. (After a callback this is done without being asked.) */
void conn_trim(struct conn *c);
/* The connection is idle: its buffers keep no more than what is in them. Not
 * from a callback. */
void conn_shrink(struct conn *c);
/* Stops (starts) reading. */
void conn_pause(struct conn *c, bool paused);

#endif
