/*
 * How it works: every started handle owns one heap block with the libev
 * watcher inside, so that no other file sees a libev type. A timer's block is
 * freed before its function is called, so a timer whose `impl` is NULL is not
 * running. One ev_prepare watcher calls the before-wait functions; libev calls
 * it last before it asks the kernel, and it keeps ev_run() from returning when
 * nothing else is watched.
 *
 * How it fails: only if the kernel has no descriptors left for the loop itself;
 * then loop_new() returns NULL. Everything else only allocates memory.
 */
#include "net/loop.h"

#include "base/alloc.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wstrict-aliasing"
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#pragma GCC diagnostic ignored "-Wcomment"
#include <ev.h>
#pragma GCC diagnostic pop

#define BEFORE_WAIT_MAX 4

struct before_wait {
    void (*fn)(void *ctx);
    void *ctx;
};

struct loop {
    struct ev_loop *ev;
    ev_prepare prepare;
    struct before_wait before_wait[BEFORE_WAIT_MAX];
    size_t before_wait_count;
    size_t handles; /* started and not stopped */
};

struct io_impl {
    ev_io watcher;
    struct loop_io *owner;
};

struct timer_impl {
    ev_timer watcher;
    struct loop *loop;
    struct loop_timer *owner;
};

struct async_impl {
    ev_async watcher;
    struct ev_loop *ev; /* for the threads that send */
    struct loop_async *owner;
};

struct signal_impl {
    ev_signal watcher;
    struct loop_signal *owner;
};

static void *impl_new(struct loop *l, size_t size)
{
    ASSERT(l != NULL);
    l->handles++;
    return mem_zalloc(size);
}

static void impl_free(struct loop *l, void **impl)
{
    ASSERT(*impl != NULL);
    ASSERT(l->handles > 0);
    l->handles--;
    mem_free(*impl);
    *impl = NULL;
}

static void prepare_cb(struct ev_loop *ev, ev_prepare *w, int revents)
{
    UNUSED(ev);
    UNUSED(revents);
    struct loop *l = CONTAINER_OF(w, struct loop, prepare);
    for (size_t i = 0; i < l->before_wait_count; i++)
        l->before_wait[i].fn(l->before_wait[i].ctx);
}

struct loop *loop_new(void)
{
    /* Environment variables must not choose the back end. */
    struct ev_loop *ev = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
    if (ev == NULL)
        return NULL;
    struct loop *l = mem_zalloc(sizeof(*l));
    l->ev = ev;
    ev_prepare_init(&l->prepare, prepare_cb);
    ev_prepare_start(ev, &l->prepare);
    return l;
}

void loop_free(struct loop *l)
{
    if (l == NULL)
        return;
    ASSERT(l->handles == 0);
    ev_prepare_stop(l->ev, &l->prepare);
    ev_loop_destroy(l->ev);
    mem_free(l);
}

void loop_run(struct loop *l)
{
    ASSERT(l != NULL);
    ASSERT(ev_depth(l->ev) == 0);
    ev_run(l->ev, 0);
}

void loop_poll(struct loop *l)
{
    ASSERT(l != NULL);
    ASSERT(ev_depth(l->ev) == 0);
    ev_run(l->ev, EVRUN_NOWAIT);
}

void loop_stop(struct loop *l)
{
    ASSERT(l != NULL);
    ev_break(l->ev, EVBREAK_ALL);
}

void loop_before_wait(struct loop *l, void (*fn)(void *ctx), void *ctx)
{
    ASSERT(fn != NULL);
    ASSERT(l->before_wait_count < BEFORE_WAIT_MAX);
    l->before_wait[l->before_wait_count].fn = fn;
    l->before_wait[l->before_wait_count].ctx = ctx;
    l->before_wait_count++;
}

static void io_cb(struct ev_loop *ev, ev_io *w, int revents)
{
    UNUSED(ev);
    struct loop_io *io = CONTAINER_OF(w, struct io_impl, watcher)->owner;
    int events = 0;
    if (revents & EV_READ)
        events |= LOOP_READ;
    if (revents & EV_WRITE)
        events |= LOOP_WRITE;
    /* EV_ERROR: a descriptor that cannot be watched. A read reports why. */
    if (revents & EV_ERROR)
        events |= LOOP_READ | LOOP_WRITE;
    io->fn(io->ctx, events);
}

static int ev_events(int events)
{
    ASSERT((events & ~(LOOP_READ | LOOP_WRITE)) == 0);
    return (events & LOOP_READ ? EV_READ : 0) |
           (events & LOOP_WRITE ? EV_WRITE : 0);
}

void loop_io_start(struct loop *l, struct loop_io *io, int fd, int events)
{
    ASSERT(io->impl == NULL);
    ASSERT(io->fn != NULL);
    ASSERT(fd >= 0);
    struct io_impl *impl = impl_new(l, sizeof(*impl));
    impl->owner = io;
    io->impl = impl;
    ev_io_init(&impl->watcher, io_cb, fd, ev_events(events));
    if (events != 0)
        ev_io_start(l->ev, &impl->watcher);
}

void loop_io_set(struct loop *l, struct loop_io *io, int events)
{
    struct io_impl *impl = io->impl;
    ASSERT(impl != NULL);
    int wanted = ev_events(events);
    int now = ev_is_active(&impl->watcher)
                  ? impl->watcher.events & (EV_READ | EV_WRITE)
                  : 0;
    if (wanted == now)
        return;
    ev_io_stop(l->ev, &impl->watcher);
    ev_io_set(&impl->watcher, impl->watcher.fd, wanted);
    if (wanted != 0)
        ev_io_start(l->ev, &impl->watcher);
}

void loop_io_stop(struct loop *l, struct loop_io *io)
{
    struct io_impl *impl = io->impl;
    if (impl == NULL)
        return;
    ASSERT(impl->owner == io);
    ev_io_stop(l->ev, &impl->watcher);
    impl_free(l, &io->impl);
}

static void timer_cb(struct ev_loop *ev, ev_timer *w, int revents)
{
    UNUSED(ev);
    UNUSED(revents);
    struct timer_impl *impl = CONTAINER_OF(w, struct timer_impl, watcher);
    struct loop_timer *t = impl->owner;
    ASSERT(t->impl == impl);
    impl_free(impl->loop, &t->impl);
    t->fn(t->ctx);
}

void loop_timer_start(struct loop *l, struct loop_timer *t, int64_t delay_ms)
{
    ASSERT(t->fn != NULL);
    ASSERT(delay_ms >= 0);
    struct timer_impl *impl = t->impl;
    if (impl == NULL) {
        impl = impl_new(l, sizeof(*impl));
        impl->loop = l;
        impl->owner = t;
        t->impl = impl;
        ev_init(&impl->watcher, timer_cb);
    }
    ev_timer_stop(l->ev, &impl->watcher);
    /* Delays count from now, not from the beginning of this turn: a timer that
     * is started late in a long callback must not fire early. */
    if (delay_ms > 0)
        ev_now_update(l->ev);
    ev_timer_set(&impl->watcher, (ev_tstamp)delay_ms / 1e3, 0.);
    ev_timer_start(l->ev, &impl->watcher);
}

void loop_timer_stop(struct loop *l, struct loop_timer *t)
{
    struct timer_impl *impl = t->impl;
    if (impl == NULL)
        return;
    ASSERT(impl->loop == l);
    ev_timer_stop(l->ev, &impl->watcher);
    impl_free(l, &t->impl);
}

static void async_cb(struct ev_loop *ev, ev_async *w, int revents)
{
    UNUSED(ev);
    UNUSED(revents);
    struct loop_async *a = CONTAINER_OF(w, struct async_impl, watcher)->owner;
    a->fn(a->ctx);
}

void loop_async_start(struct loop *l, struct loop_async *a)
{
    ASSERT(a->impl == NULL);
    ASSERT(a->fn != NULL);
    struct async_impl *impl = impl_new(l, sizeof(*impl));
    impl->ev = l->ev;
    impl->owner = a;
    a->impl = impl;
    ev_async_init(&impl->watcher, async_cb);
    ev_async_start(l->ev, &impl->watcher);
}

void loop_async_send(struct loop_async *a)
{
    struct async_impl *impl = a->impl;
    ASSERT(impl != NULL);
    ev_async_send(impl->ev, &impl->watcher);
}

void loop_async_stop(struct loop *l, struct loop_async *a)
{
    struct async_impl *impl = a->impl;
    if (impl == NULL)
        return;
    ASSERT(impl->ev == l->ev);
    ev_async_stop(l->ev, &impl->watcher);
    impl_free(l, &a->impl);
}

static void signal_cb(struct ev_loop *ev, ev_signal *w, int revents)
{
    UNUSED(ev);
    UNUSED(revents);
    struct loop_signal *s = CONTAINER_OF(w, struct signal_impl, watcher)->owner;
    s->fn(s->ctx);
}

void loop_signal_start(struct loop *l, struct loop_signal *s, int signum)
{
    ASSERT(s->impl == NULL);
    ASSERT(s->fn != NULL);
    ASSERT(signum > 0);
    struct signal_impl *impl = impl_new(l, sizeof(*impl));
    impl->owner = s;
    s->impl = impl;
    ev_signal_init(&impl->watcher, signal_cb, signum);
    ev_signal_start(l->ev, &impl->watcher);
}

void loop_signal_stop(struct loop *l, struct loop_signal *s)
{
    struct signal_impl *impl = s->impl;
    if (impl == NULL)
        return;
    ASSERT(impl->owner == s);
    ev_signal_stop(l->ev, &impl->watcher);
    impl_free(l, &s->impl);
}
