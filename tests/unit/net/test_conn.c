/*
 * Connections over socket pairs: big transfers, partial writes, closing and
 * freeing in callbacks, pausing, bounds, errors that are reported later.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "net/conn.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "base/rng.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEADLINE_MS 20000
#define BIG         ((size_t)64 * 1024 * 1024)

struct end {
    struct conn conn;
    struct world *world;
    size_t received;
    uint64_t digest;
    size_t cap_seen; /* the largest input buffer */
    int inputs, drains, closes;
    int error;
    bool keep;     /* does not consume */
    bool drop_in;  /* closes in input */
    bool drop_out; /* closes in drained */
    bool inside;   /* a callback is running */
};

struct world {
    struct loop *loop;
    struct loop_timer deadline;
    bool late;
    bool (*until)(struct world *w);
    struct end *a;
    struct end *b;
};

static void end_enter(struct end *e)
{
    assert_false(e->inside); /* callbacks never nest */
    e->inside = true;
}

static void input_cb(struct conn *c)
{
    struct end *e = CONTAINER_OF(c, struct end, conn);
    end_enter(e);
    e->inputs++;
    e->cap_seen = MAX(e->cap_seen, c->in.cap);
    if (e->drop_in) {
        struct bytes view = buf_view(&c->in);
        conn_close(c);
        assert_int_equal(view.data[0], 'x'); /* still good to look at */
        e->world->b = NULL;
        mem_free(e);
        return;
    }
    if (!e->keep) {
        e->digest = hash64_seed(buf_view(&c->in), e->digest);
        e->received += c->in.len;
        buf_consume(&c->in, c->in.len);
    }
    e->inside = false;
}

static void drained_cb(struct conn *c)
{
    struct end *e = CONTAINER_OF(c, struct end, conn);
    end_enter(e);
    e->drains++;
    if (e->drop_out) {
        conn_close(c);
        conn_close(c);
    }
    e->inside = false;
}

static void closed_cb(struct conn *c, int error)
{
    struct end *e = CONTAINER_OF(c, struct end, conn);
    end_enter(e);
    assert_int_equal(c->fd, -1);
    e->closes++;
    e->error = error;
    conn_close(c); /* harmless */
    e->inside = false;
}

static const struct conn_events events = {input_cb, drained_cb, closed_cb,
                                          NULL};

static void deadline_cb(void *ctx)
{
    struct world *w = ctx;
    w->late = true;
    loop_stop(w->loop);
}

static void before_wait(void *ctx)
{
    struct world *w = ctx;
    if (w->a != NULL) {
        conn_flush(&w->a->conn);
        /* What has left does not pile up in front of what waits. */
        assert_true(w->a->conn.out_sent <= conn_pending(&w->a->conn));
    }
    if (w->until != NULL && w->until(w))
        loop_stop(w->loop);
}

static void run_until(struct world *w, bool (*until)(struct world *w))
{
    w->until = until;
    w->late = false;
    loop_timer_start(w->loop, &w->deadline, DEADLINE_MS);
    loop_run(w->loop);
    loop_timer_stop(w->loop, &w->deadline);
    assert_false(w->late);
}

/* Runs a few iterations in which nothing is expected. */
static int turns_left;

static bool few_turns(struct world *w)
{
    (void)w;
    return --turns_left <= 0;
}

static void nothing_cb(void *ctx)
{
    (void)ctx;
}

static void run_turns(struct world *w, int turns)
{
    for (int i = 0; i < turns; i++) {
        struct loop_timer tick = {NULL, nothing_cb, NULL};
        loop_timer_start(w->loop, &tick, 0);
        turns_left = 2;
        run_until(w, few_turns);
        loop_timer_stop(w->loop, &tick);
    }
}

static struct end *end_new(struct world *w, int fd)
{
    struct end *e = mem_zalloc(sizeof(*e));
    e->world = w;
    conn_open(&e->conn, w->loop, fd, &events);
    return e;
}

static void end_free(struct end *e)
{
    if (e == NULL)
        return;
    conn_close(&e->conn);
    mem_free(e);
}

static int setup(void **state)
{
    struct world *w = mem_zalloc(sizeof(*w));
    w->loop = loop_new();
    w->deadline = (struct loop_timer){NULL, deadline_cb, w};
    loop_before_wait(w->loop, before_wait, w);
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds),
                     0);
    w->a = end_new(w, fds[0]);
    w->b = end_new(w, fds[1]);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    end_free(w->a);
    end_free(w->b);
    loop_free(w->loop);
    mem_free(w);
    return 0;
}

static void fill_random(struct buf *b, size_t len)
{
    uint64_t seed = 7;
    uint8_t *to = buf_reserve(b, len);
    for (size_t i = 0; i + 8 <= len; i += 8) {
        uint64_t r = rng_next(&seed);
        memcpy(to + i, &r, 8);
    }
    b->len += len;
}

static size_t expected;

static bool b_has_all(struct world *w)
{
    return w->b->received >= expected;
}

static bool b_holds_all(struct world *w)
{
    return w->b->conn.in.len >= expected;
}

static bool b_closed(struct world *w)
{
    return w->b->closes > 0;
}

static bool a_closed(struct world *w)
{
    return w->a->closes > 0;
}

static bool b_gone(struct world *w)
{
    return w->b == NULL;
}

static bool a_fd_closed(struct world *w)
{
    return w->a->conn.fd < 0;
}

static bool b_input(struct world *w)
{
    return w->b->inputs > 0;
}

static void test_small(void **state)
{
    struct world *w = *state;
    buf_str(&w->a->conn.out, "hello");
    assert_int_equal(conn_pending(&w->a->conn), 5);
    expected = 5;
    run_until(w, b_has_all);
    assert_int_equal(w->b->inputs, 1);
    assert_int_equal(w->a->drains, 0); /* nothing had to wait */
    assert_int_equal(conn_pending(&w->a->conn), 0);
    assert_int_equal(w->a->conn.sent_bytes, 5);
    assert_int_equal(w->b->conn.received_bytes, 5);
}

/* The bytes arrive whole and in order, with partial writes on the way; the
 * reader needs little memory, and neither side keeps any. */
static void test_big_transfer(void **state)
{
    struct world *w = *state;
    w->b->keep = true;
    fill_random(&w->a->conn.out, BIG);
    uint64_t digest = hash64(buf_view(&w->a->conn.out));
    conn_flush(&w->a->conn);
    assert_true(w->a->conn.writing);
    assert_true(conn_pending(&w->a->conn) < BIG);
    expected = BIG;
    run_until(w, b_holds_all);
    assert_int_equal(w->b->conn.in.len, BIG);
    assert_true(hash64(buf_view(&w->b->conn.in)) == digest);
    assert_int_equal(w->a->drains, 1);
    assert_true(w->a->conn.out.cap <= CONN_BUF_KEEP);
}

static void test_big_stream_small_memory(void **state)
{
    struct world *w = *state;
    fill_random(&w->a->conn.out, BIG);
    expected = BIG;
    run_until(w, b_has_all);
    assert_int_equal(w->b->received, BIG);
    assert_true(w->b->cap_seen <= 2 * 1024 * 1024);
    run_turns(w, 3);
    assert_true(w->b->conn.in.cap <= CONN_BUF_KEEP);
}

/* Output added while earlier output waits stays behind it. */
static void test_append_while_waiting(void **state)
{
    struct world *w = *state;
    w->b->keep = true;
    struct buf all = BUF_INIT;
    fill_random(&all, 8 * 1024 * 1024);
    size_t step = 1024 * 1024;
    for (size_t at = 0; at < all.len; at += step) {
        buf_append(&w->a->conn.out, all.data + at, step);
        conn_flush(&w->a->conn);
        run_turns(w, 1);
    }
    expected = all.len;
    run_until(w, b_holds_all);
    assert_true(bytes_eq(buf_view(&w->b->conn.in), buf_view(&all)));
    buf_release(&all);
}

static void test_free_in_input(void **state)
{
    struct world *w = *state;
    w->b->drop_in = true;
    buf_str(&w->a->conn.out, "xyz");
    run_until(w, b_gone);
    run_until(w, a_closed);
    assert_int_equal(w->a->error, ERR_CLOSED);
    assert_int_equal(w->a->closes, 1);
}

static void test_close_in_drained(void **state)
{
    struct world *w = *state;
    w->a->drop_out = true;
    fill_random(&w->a->conn.out, 4 * 1024 * 1024);
    run_until(w, a_fd_closed);
    assert_int_equal(w->a->closes, 0); /* it closed itself */
    run_until(w, b_closed);
    assert_int_equal(w->b->error, ERR_CLOSED);
    assert_int_equal(w->b->received, 4 * 1024 * 1024);
}

static void test_pause(void **state)
{
    struct world *w = *state;
    conn_pause(&w->b->conn, true);
    buf_str(&w->a->conn.out, "hello");
    run_turns(w, 5);
    assert_int_equal(w->b->inputs, 0);
    conn_pause(&w->b->conn, false);
    expected = 5;
    run_until(w, b_has_all);
}

/* A bound on the input: it is never exceeded, and reading goes on when the
 * owner has consumed. */
static void test_input_bound(void **state)
{
    struct world *w = *state;
    w->b->keep = true;
    w->b->conn.in_bytes_max = 100;
    fill_random(&w->a->conn.out, 1000);
    run_until(w, b_input);
    run_turns(w, 5);
    assert_int_equal(w->b->conn.in.len, 100);
    w->b->keep = false;
    w->b->received = 0;
    buf_consume(&w->b->conn.in, 100);
    conn_pause(&w->b->conn, false);
    expected = 900;
    run_until(w, b_has_all);
    assert_true(w->b->received == 900);
}

/* The other end is gone: the flush says nothing, the loop does, once. */
static void test_write_error_later(void **state)
{
    struct world *w = *state;
    conn_pause(&w->a->conn, true); /* so that reading cannot tell */
    end_free(w->b);
    w->b = NULL;
    buf_str(&w->a->conn.out, "into the void");
    conn_flush(&w->a->conn);
    assert_int_equal(w->a->closes, 0);
    assert_true(w->a->conn.fd >= 0);
    run_until(w, a_closed);
    run_turns(w, 3);
    assert_int_equal(w->a->closes, 1);
    assert_int_equal(w->a->error, ERR_CLOSED);
}

static void test_close_before_report(void **state)
{
    struct world *w = *state;
    conn_pause(&w->a->conn, true);
    end_free(w->b);
    w->b = NULL;
    buf_str(&w->a->conn.out, "into the void");
    conn_flush(&w->a->conn);
    conn_close(&w->a->conn);
    run_turns(w, 3);
    assert_int_equal(w->a->closes, 0);
}

/* A large request leaves no large buffer behind, even when the next one has
 * begun to arrive. */
static void test_large_request_consumed(void **state)
{
    struct world *w = *state;
    w->b->keep = true;
    fill_random(&w->a->conn.out, BIG);
    expected = BIG;
    run_until(w, b_holds_all);
    assert_true(w->b->conn.in.cap >= BIG);
    buf_consume(&w->b->conn.in, BIG - 10);
    buf_str(&w->a->conn.out, "more");
    expected = 14;
    run_until(w, b_holds_all);
    run_turns(w, 2);
    assert_true(w->b->conn.in.cap <= CONN_BUF_KEEP);
}

/* What was sent before the end is read before the end is reported. */
static void test_data_before_end(void **state)
{
    struct world *w = *state;
    buf_str(&w->a->conn.out, "last words");
    conn_flush(&w->a->conn);
    conn_close(&w->a->conn);
    run_until(w, b_closed);
    assert_int_equal(w->b->received, 10);
    assert_int_equal(w->b->closes, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_small),
        TEST(test_big_transfer),
        TEST(test_big_stream_small_memory),
        TEST(test_append_while_waiting),
        TEST(test_free_in_input),
        TEST(test_close_in_drained),
        TEST(test_pause),
        TEST(test_input_bound),
        TEST(test_write_error_later),
        TEST(test_close_before_report),
        TEST(test_large_request_consumed),
        TEST(test_data_before_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
