/*
 * The event loop: a thin layer over libev (included in loop.c only).
 *
 * One loop, one thread. Handles are embedded in the structs of their owners
 * and hold a pointer to heap memory of the loop's; *_stop frees it and may be
 * called at any time, even twice, also from the handle's own callback.
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include "base/base.h"

enum loop_events { LOOP_READ = 1, LOOP_WRITE = 2 };

struct loop;

struct loop_io {
    void *impl;
    void (*fn)(void *ctx, int events);
    void *ctx;
};

struct loop_timer {
    void *impl;
    void (*fn)(void *ctx);
    void *ctx;
};

struct loop_async {
    void *impl;
    void (*fn)(void *ctx);
    void *ctx;
};

struct loop_signal {
    void *impl;
    void (*fn)(void *ctx);
    void *ctx;
};

struct loop *loop_new(void);
void loop_free(struct loop *l);
/* Runs until loop_stop(). */
void loop_run(struct loop *l);
/* Handles what has happened, and waits for nothing. */
void loop_poll(struct loop *l);
void loop_stop(struct loop *l);

/* Registers a function that is called before the loop waits for events, after
 * all events of a turn were handled: here batches are closed and output is
 * written. Called in the order of registration; at most 4. */
void loop_before_wait(struct loop *l, void (*fn)(void *ctx), void *ctx);

/* Watches a descriptor for a set of loop_events; 0 pauses. */
void loop_io_start(struct loop *l, struct loop_io *io, int fd, int events);
void loop_io_set(struct loop *l, struct loop_io *io, int events);
void loop_io_stop(struct loop *l, struct loop_io *io);

/* Fires once after delay_ms (0: as soon as possible, in the next turn);
 * starting a running timer restarts it. */
void loop_timer_start(struct loop *l, struct loop_timer *t, int64_t delay_ms);
void loop_timer_stop(struct loop *l, struct loop_timer *t);

/* loop_async_send is the only call that any thread may make. */
void loop_async_start(struct loop *l, struct loop_async *a);
void loop_async_send(struct loop_async *a);
void loop_async_stop(struct loop *l, struct loop_async *a);

void loop_signal_start(struct loop *l, struct loop_signal *s, int signum);
void loop_signal_stop(struct loop *l, struct loop_signal *s);

#endif
