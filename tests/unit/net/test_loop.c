/*
 * The loop: order of timers, the place of before-wait, handles that are
 * stopped and started in their own callbacks.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "net/loop.h"

#include "os/clock.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DEADLINE_MS 5000

/* What happened, as a string of letters. */
struct trace {
    struct loop *loop;
    char text[64];
    size_t len;
    struct loop_timer deadline;
};

struct mark {
    struct trace *trace;
    char letter;
    struct loop_timer timer;
    struct loop_timer *stop; /* another timer to stop */
    int again;               /* how often to start itself again */
    bool stop_loop;
};

static void trace_add(struct trace *t, char letter)
{
    assert_true(t->len + 1 < sizeof(t->text));
    t->text[t->len++] = letter;
    t->text[t->len] = '\0';
}

static void deadline_cb(void *ctx)
{
    struct trace *t = ctx;
    trace_add(t, '!');
    loop_stop(t->loop);
}

static void trace_init(struct trace *t)
{
    *t = (struct trace){.loop = loop_new()};
    assert_non_null(t->loop);
    t->deadline = (struct loop_timer){NULL, deadline_cb, t};
    loop_timer_start(t->loop, &t->deadline, DEADLINE_MS);
}

static void trace_release(struct trace *t)
{
    loop_timer_stop(t->loop, &t->deadline);
    loop_free(t->loop);
}

static void mark_cb(void *ctx)
{
    struct mark *m = ctx;
    struct trace *t = m->trace;
    trace_add(t, m->letter);
    if (m->stop != NULL)
        loop_timer_stop(t->loop, m->stop);
    if (m->again-- > 0)
        loop_timer_start(t->loop, &m->timer, 0);
    if (m->stop_loop)
        loop_stop(t->loop);
}

static struct mark mark_of(struct trace *t, char letter)
{
    return (struct mark){.trace = t, .letter = letter};
}

static void mark_start(struct mark *m, int64_t delay_ms)
{
    m->timer.fn = mark_cb;
    m->timer.ctx = m;
    loop_timer_start(m->trace->loop, &m->timer, delay_ms);
}

static void test_timers_in_order(void **state)
{
    UNUSED(state);
    struct trace t;
    trace_init(&t);
    struct mark a = mark_of(&t, 'a'), b = mark_of(&t, 'b'),
                c = mark_of(&t, 'c');
    c.stop_loop = true;
    int64_t begin = clock_mono_us();
    mark_start(&c, 30);
    mark_start(&a, 0);
    mark_start(&b, 15);
    loop_run(t.loop);
    assert_string_equal(t.text, "abc");
    assert_true(clock_mono_us() - begin >= 29000);
    assert_null(a.timer.impl); /* not running any more */
    trace_release(&t);
}

static void test_timer_restart_and_stop(void **state)
{
    UNUSED(state);
    struct trace t;
    trace_init(&t);
    struct mark a = mark_of(&t, 'a'), b = mark_of(&t, 'b'),
                c = mark_of(&t, 'c');
    mark_start(&a, 5);
    mark_start(&a, 40); /* once, and later */
    mark_start(&b, 10);
    mark_start(&c, 20);
    b.stop = &c.timer;
    a.stop_loop = true;
    loop_run(t.loop);
    assert_string_equal(t.text, "ba");
    loop_timer_stop(t.loop, &c.timer); /* twice is harmless */
    trace_release(&t);
}

struct busy {
    struct trace *trace;
    struct loop_timer timer;
    int64_t started_us;
};

static void busy_done_cb(void *ctx)
{
    struct busy *b = ctx;
    assert_true(clock_mono_us() - b->started_us >= 19000);
    loop_stop(b->trace->loop);
}

static void busy_cb(void *ctx)
{
    struct busy *b = ctx;
    int64_t begin = clock_mono_us();
    while (clock_mono_us() - begin < 30000)
        ; /* a long callback */
    b->started_us = clock_mono_us();
    b->timer.fn = busy_done_cb;
    loop_timer_start(b->trace->loop, &b->timer, 20);
}

/* The delay counts from the call, however long the iteration has taken. */
static void test_timer_after_long_callback(void **state)
{
    UNUSED(state);
    struct trace t;
    trace_init(&t);
    struct busy b = {.trace = &t};
    b.timer = (struct loop_timer){NULL, busy_cb, &b};
    loop_timer_start(t.loop, &b.timer, 0);
    loop_run(t.loop);
    assert_string_equal(t.text, "");
    trace_release(&t);
}

static void wait_mark(void *ctx)
{
    trace_add(ctx, '.');
}

/* A timer of delay 0 started by its own callback fires once an iteration. */
static void test_timer_again(void **state)
{
    UNUSED(state);
    struct trace t;
    trace_init(&t);
    struct mark a = mark_of(&t, 'a'), end = mark_of(&t, 'e');
    loop_before_wait(t.loop, wait_mark, &t);
    a.again = 2;
    mark_start(&a, 0);
    end.stop_loop = true;
    mark_start(&end, 50);
    loop_run(t.loop);
    assert_memory_equal(t.text, ".a.a.a.", 7);
    trace_release(&t);
}

struct reader {
    struct trace *trace;
    struct loop_io io;
    int fd;
    char letter;
    bool stop_self;
};

static void reader_cb(void *ctx, int events)
{
    struct reader *r = ctx;
    assert_int_equal(events, LOOP_READ);
    char c;
    assert_int_equal(read(r->fd, &c, 1), 1);
    trace_add(r->trace, r->letter);
    if (r->stop_self) {
        loop_io_stop(r->trace->loop, &r->io);
        loop_io_stop(r->trace->loop, &r->io);
    }
}

static void reader_start(struct reader *r, struct trace *t, int fd)
{
    r->trace = t;
    r->fd = fd;
    r->io = (struct loop_io){NULL, reader_cb, r};
    loop_io_start(t->loop, &r->io, fd, LOOP_READ);
}

static void wait_first(void *ctx)
{
    trace_add(ctx, '1');
}

static void wait_second(void *ctx)
{
    trace_add(ctx, '2');
}

/* All events of an iteration come first, then before-wait in its order. */
static void test_before_wait(void **state)
{
    UNUSED(state);
    struct trace t;
    trace_init(&t);
    int p[2], q[2];
    assert_int_equal(pipe(p), 0);
    assert_int_equal(pipe(q), 0);
    assert_int_equal(write(p[1], "x", 1) + write(q[1], "x", 1), 2);
    struct reader a = {.letter = 'r'}, b = {.letter = 'r'};
    reader_start(&a, &t, p[0]);
    reader_start(&b, &t, q[0]);
    loop_before_wait(t.loop, wait_first, &t);
    loop_before_wait(t.loop, wait_second, &t);
    struct mark end = mark_of(&t, 'e');
    end.stop_loop = true;
    mark_start(&end, 30);
    loop_run(t.loop);
    assert_string_equal(t.text, "12rr12e");
    loop_io_stop(t.loop, &a.io);
    loop_io_stop(t.loop, &b.io);
    for (int i = 0; i < 2; i++) {
        close(p[i]);
        close(q[i]);
    }
    trace_release(&t);
}

static void unpause_cb(void *ctx)
{
    struct reader *r = ctx;
    trace_add(r->trace, 'u');
    loop_io_set(r->trace->loop, &r->io, LOOP_READ);
}

static void test_io_pause(void **state)
{
    UNUSED(state);
    struct trace t;
    trace_init(&t);
    int p[2];
    assert_int_equal(pipe(p), 0);
    assert_int_equal(write(p[1], "xyz", 3), 3);
    struct reader r = {.letter = 'r', .stop_self = true};
    reader_start(&r, &t, p[0]);
    loop_io_set(t.loop, &r.io, 0);
    struct loop_timer unpause = {NULL, unpause_cb, &r};
    loop_timer_start(t.loop, &unpause, 20);
    struct mark end = mark_of(&t, 'e');
    end.stop_loop = true;
    mark_start(&end, 60);
    loop_run(t.loop);
    assert_string_equal(t.text, "ure"); /* stopped itself after one */
    close(p[0]);
    close(p[1]);
    trace_release(&t);
}

static void async_cb(void *ctx)
{
    struct trace *t = ctx;
    trace_add(t, 'A');
    loop_stop(t->loop);
}

static void *send_async(void *ctx)
{
    loop_async_send(ctx);
    return NULL;
}

static void test_async(void **state)
{
    UNUSED(state);
    struct trace t;
    trace_init(&t);
    struct loop_async a = {NULL, async_cb, &t};
    loop_async_start(t.loop, &a);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, send_async, &a), 0);
    loop_run(t.loop);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_string_equal(t.text, "A");
    loop_async_stop(t.loop, &a);
    loop_async_stop(t.loop, &a);
    trace_release(&t);
}

static void signal_cb(void *ctx)
{
    struct trace *t = ctx;
    trace_add(t, 'S');
    loop_stop(t->loop);
}

static void test_signal(void **state)
{
    UNUSED(state);
    struct trace t;
    trace_init(&t);
    struct loop_signal s = {NULL, signal_cb, &t};
    loop_signal_start(t.loop, &s, SIGUSR1);
    assert_int_equal(raise(SIGUSR1), 0);
    loop_run(t.loop);
    assert_string_equal(t.text, "S");
    loop_signal_stop(t.loop, &s);
    loop_signal_stop(t.loop, &s);
    trace_release(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timers_in_order),
        cmocka_unit_test(test_timer_restart_and_stop),
        cmocka_unit_test(test_timer_after_long_callback),
        cmocka_unit_test(test_timer_again),
        cmocka_unit_test(test_before_wait),
        cmocka_unit_test(test_io_pause),
        cmocka_unit_test(test_async),
        cmocka_unit_test(test_signal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
