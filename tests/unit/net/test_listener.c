/*
 * Accepting: many at once, out of descriptors, closing in the callback.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "net/listener.h"

#include "os/socket.h"

#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define DEADLINE_MS 5000
#define MANY        25

struct world {
    struct loop *loop;
    struct loop_timer deadline;
    struct loop_timer relief;
    struct listener listener;
    struct logger log;
    struct address address;
    int fds[MANY];
    int accepted;
    int wanted;
    int most_per_iteration, this_iteration, iterations;
    int lines;
    bool close_at_once;
    bool late;
};

static void accepted_cb(void *ctx, int fd, const char *address)
{
    struct world *w = ctx;
    assert_memory_equal(address, "127.0.0.1:", 10);
    assert_true(w->accepted < MANY);
    w->fds[w->accepted++] = fd;
    w->this_iteration++;
    if (w->close_at_once)
        listener_close(&w->listener);
}

static void deadline_cb(void *ctx)
{
    struct world *w = ctx;
    w->late = true;
    loop_stop(w->loop);
}

static void before_wait(void *ctx)
{
    struct world *w = ctx;
    w->most_per_iteration = MAX(w->most_per_iteration, w->this_iteration);
    w->this_iteration = 0;
    w->iterations++;
    if (w->accepted >= w->wanted)
        loop_stop(w->loop);
}

static void log_cb(void *ctx, enum log_level level, const char *line,
                   size_t len)
{
    struct world *w = ctx;
    (void)len;
    assert_int_equal(level, LOG_WARNING);
    assert_non_null(strstr(line, "limit of open files"));
    w->lines++;
}

static void world_open(struct world *w)
{
    *w = (struct world){.loop = loop_new()};
    w->log = (struct logger){LOG_DEBUG, log_cb, w};
    w->deadline = (struct loop_timer){NULL, deadline_cb, w};
    loop_before_wait(w->loop, before_wait, w);
    assert_int_equal(address_parse(BYTES_LIT("127.0.0.1:0"), &w->address), 0);
    int fd = socket_listen(&w->address, 128);
    assert_true(fd >= 0);
    assert_true(socket_local(fd, &w->address));
    w->listener.accepted = accepted_cb;
    w->listener.ctx = w;
    listener_open(&w->listener, w->loop, fd, &w->log);
}

static void world_close(struct world *w)
{
    listener_close(&w->listener);
    listener_close(&w->listener);
    for (int i = 0; i < w->accepted; i++)
        close(w->fds[i]);
    loop_free(w->loop);
}

static void run(struct world *w, int wanted)
{
    w->wanted = wanted;
    loop_timer_start(w->loop, &w->deadline, DEADLINE_MS);
    loop_run(w->loop);
    loop_timer_stop(w->loop, &w->deadline);
    assert_false(w->late);
}

static void test_many(void **state)
{
    UNUSED(state);
    struct world w;
    world_open(&w);
    int fds[MANY];
    for (int i = 0; i < MANY; i++)
        fds[i] = socket_connect(&w.address);
    run(&w, MANY);
    assert_int_equal(w.accepted, MANY);
    assert_true(w.most_per_iteration <= 10);
    for (int i = 0; i < MANY; i++)
        close(fds[i]);
    world_close(&w);
}

static struct rlimit before;

static void relief_cb(void *ctx)
{
    struct world *w = ctx;
    assert_int_equal(w->accepted, 0);
    assert_int_equal(w->lines, 1);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

/* Out of descriptors: one line, no spinning, and on when there are some. */
static void test_no_descriptors(void **state)
{
    UNUSED(state);
    struct world w;
    world_open(&w);
    int fd = socket_connect(&w.address);
    assert_true(fd >= 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit none = {(rlim_t)fd + 1, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    w.relief = (struct loop_timer){NULL, relief_cb, &w};
    loop_timer_start(w.loop, &w.relief, 350);
    run(&w, 1);
    assert_int_equal(w.accepted, 1);
    assert_true(w.iterations < 20); /* a tenth of a second between them */
    close(fd);
    world_close(&w);
}

static void test_close_in_callback(void **state)
{
    UNUSED(state);
    struct world w;
    world_open(&w);
    w.close_at_once = true;
    int a = socket_connect(&w.address);
    int b = socket_connect(&w.address);
    run(&w, 1);
    assert_int_equal(w.accepted, 1);
    close(a);
    close(b);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_no_descriptors),
        cmocka_unit_test(test_close_in_callback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
