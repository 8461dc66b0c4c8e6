/*
 * A stream connection with buffers, for clients and peers alike.
 *
 * Input is read into `in`, as much as the kernel has (bounded per event, so
 * that one connection cannot starve the others), then on_input is called; the
 * owner consumes from `in` with buf_consume. Output is appended to `out` with
 * buf_* and leaves when the owner calls conn_flush (once per loop iteration,
 * one write); what does not fit goes on as the socket allows.
 *
 * conn_close() may be called from callbacks, and the owner may then free the
 * struct at once: the buffers live on until the callback has returned, so
 * views into `in` stay good that long. Callbacks come from the loop only,
 * never from within another call, and so never nest: an error met by
 * conn_flush() is reported by `closed` in the next iteration.
 *
 * What to know: a paused connection does not notice that the other side has
 * gone, unless a write fails. After conn_pause(c, false), input that already
 * stands in `in` is not announced again: the owner looks at it itself.
 */
#ifndef NET_CONN_H
#define NET_CONN_H

#include "base/base.h"
#include "base/buf.h"
#include "net/loop.h"

struct conn;
struct conn_call;

/* What is kept of an empty buffer; more is given back. */
#define CONN_BUF_KEEP (16 * 1024)

struct conn_events {
    /* There is new input. */
    void (*input)(struct conn *c);
    /* All output has left, after some had to wait. May be NULL. */
    void (*drained)(struct conn *c);
    /* Closed by the other side or by an error (ERR_CLOSED, ERR_IO); the
     * descriptor is closed already. Not called after conn_close(). */
    void (*closed)(struct conn *c, int err);
    /* The other side sends no more; it may still read (and if it does not, a
     * write will fail). Nothing is read any more; the owner closes. NULL: the
     * end of the input is the end of the connection, see `closed`. */
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
    /* Never more than this in `in`, 0: no bound; when it is reached nothing
     * is read until the owner consumes, in a callback, or un-pauses. The
     * owner sets it after conn_open(). */
    size_t in_bytes_max;
    size_t read_bytes;       /* asked for by the next read */
    struct loop_timer defer; /* reports `error` */
    struct conn_call *call;  /* the callback that is running, or NULL */
    uint64_t received_bytes; /* since conn_open() */
    uint64_t sent_bytes;
    struct buf in;
    struct buf out;
};

/* Takes a connected non-blocking descriptor over; what `c` held before is
 * overwritten. */
void conn_open(struct conn *c, struct loop *l, int fd,
               const struct conn_events *events);
/* Closes it and frees the buffers; output that has not left is lost. Harmless
 * twice, and after `closed`; `c` must have been opened once. */
void conn_close(struct conn *c);
/* Writes what is in `out` as far as it goes, with one system call. Does
 * nothing while an earlier write waits for the socket, or when closed. */
void conn_flush(struct conn *c);
/* Bytes of output that have not left yet. */
size_t conn_pending(const struct conn *c);
/* Stops (starts) reading. */
void conn_pause(struct conn *c, bool paused);

#endif
