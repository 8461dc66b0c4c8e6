/*
 * One connection of a worker. It is down, connecting or up; from any of them
 * a loss leads to down, and after a pause it tries the next node.
 *
 * How it fails: what was sent and not answered counts as errors of the kind
 * of the loss, for nobody knows what became of it. A server's complaint that
 * nobody asked for ("max number of clients") is such a loss too.
 */
#include "bench/worker.h"

#include "base/alloc.h"
#include "os/clock.h"

#include <errno.h>

#define RETRY_MS 100

static void mark_dirty(struct worker *w, struct bench_link *l)
{
    if (l->dirty)
        return;
    l->dirty = true;
    w->dirty[w->dirty_count++] = l;
}

/* It has connected, or failed, for the first time. */
static void decided(struct worker *w, struct bench_link *l)
{
    if (l->decided)
        return;
    l->decided = true;
    ASSERT(w->undecided > 0);
    if (--w->undecided == 0)
        atomic_store(&w->ready, true);
}

static void note_loss(struct worker *w)
{
    if (w->dark_since_us == 0)
        w->dark_since_us = clock_mono_us();
}

static void retry_cb(void *ctx)
{
    bench_link_connect(ctx);
}

static void try_later(struct bench_link *l)
{
    ASSERT(l->state == LINK_DOWN);
    l->node = (l->node + 1) % l->worker->share.options->cluster.node_count;
    note_loss(l->worker);
    decided(l->worker, l);
    if (!l->worker->over)
        loop_timer_start(l->worker->loop, &l->retry, RETRY_MS);
}

/* Frees what belongs to the state it is in. */
static void leave_state(struct bench_link *l)
{
    struct loop *loop = l->worker->loop;
    if (l->state == LINK_CONNECTING) {
        loop_io_stop(loop, &l->connecting);
        socket_close(l->fd);
    } else if (l->state == LINK_UP) {
        conn_close(&l->conn);
        l->worker->share.protocol->close(l->protocol);
        l->protocol = NULL;
        atomic_fetch_sub_explicit(&l->worker->links_up, 1,
                                  memory_order_relaxed);
    }
    loop_timer_stop(loop, &l->retry);
    l->state = LINK_DOWN;
}

void bench_link_lose(struct bench_link *l, const char *kind, struct bytes why)
{
    ASSERT(l->state != LINK_DOWN);
    struct worker *w = l->worker;
    uint64_t lost = l->unanswered;
    /* First: the text may be the protocol's, which goes with the link. */
    errors_note(&w->errors, kind, why, MAX(lost, 1));
    leave_state(l);
    w->unanswered -= lost;
    atomic_fetch_add_explicit(&w->done_all, lost, memory_order_relaxed);
    l->unanswered = 0;
    for (int64_t i = 0; i < w->share.options->pipeline; i++)
        l->slots[i].busy = false;
    try_later(l);
}

static void closed_cb(struct conn *c, int err)
{
    struct bench_link *l = CONTAINER_OF(c, struct bench_link, conn);
    /* At the end a server may go before us. */
    if (l->worker->over)
        return;
    bench_link_lose(l, "connection-lost", bytes_str(error_text(err)));
}

/* False: the link is lost. */
static bool take_reply(struct bench_link *l, const struct bench_reply *r,
                       int64_t now_us)
{
    struct slot *s =
        &l->slots[r->number % (uint64_t)l->worker->share.options->pipeline];
    if (r->number >= l->sent || !s->busy) {
        bench_link_lose(l, "refused",
                        r->kind == REPLY_ERROR
                            ? r->error
                            : BYTES_LIT("an answer without a request"));
        return false;
    }
    ASSERT(l->unanswered > 0);
    s->busy = false;
    l->unanswered--;
    l->worker->unanswered--;
    l->worker->dark_since_us = 0;
    bench_reply_count(l->worker, s, r, now_us);
    return true;
}

static void input_cb(struct conn *c)
{
    struct bench_link *l = CONTAINER_OF(c, struct bench_link, conn);
    struct worker *w = l->worker;
    const struct bench_protocol *p = w->share.protocol;
    int64_t now_us = clock_mono_us();
    struct bench_reply r = {0};
    int err = p->feed(l->protocol, buf_view(&c->in), &c->out);
    buf_reset(&c->in);
    while (err == 0 && (err = p->next(l->protocol, &r)) == 1) {
        if (!take_reply(l, &r, now_us))
            return;
        err = 0;
    }
    if (err == ERR_AUTH)
        bench_link_lose(l, "auth", r.error);
    else if (err < 0)
        bench_link_lose(l, "protocol", BYTES_LIT("not the protocol"));
    else if (l->state == LINK_UP) {
        mark_dirty(w, l); /* feed may have written */
        l->ready(l);
    }
}

static const struct conn_events conn_events = {.input = input_cb,
                                               .closed = closed_cb};

static void come_up(struct bench_link *l)
{
    struct worker *w = l->worker;
    loop_io_stop(w->loop, &l->connecting);
    socket_no_delay(l->fd);
    conn_open(&l->conn, w->loop, l->fd, &conn_events);
    l->state = LINK_UP;
    l->sent = 0;
    atomic_fetch_add_explicit(&w->links_up, 1, memory_order_relaxed);
    l->protocol = w->share.protocol->open(w->share.options, &l->conn.out);
    mark_dirty(w, l);
    decided(w, l);
    l->ready(l);
}

static void connect_cb(void *ctx, int events)
{
    UNUSED(events);
    struct bench_link *l = ctx;
    int err = socket_connect_result(l->fd);
    if (err == 0)
        come_up(l);
    else
        bench_link_lose(
            l, "connect-failed",
            bytes_str(err == ERR_CLOSED ? strerror(errno) : error_text(err)));
}

void bench_link_connect(struct bench_link *l)
{
    struct worker *w = l->worker;
    ASSERT(l->state == LINK_DOWN);
    if (l->decided)
        atomic_fetch_add_explicit(&w->reconnects, 1, memory_order_relaxed);
    int fd = socket_connect(&w->share.addresses[l->node]);
    if (fd < 0) {
        errors_note(&w->errors, "connect-failed", bytes_str(error_text(fd)), 1);
        try_later(l);
        return;
    }
    l->fd = fd;
    l->state = LINK_CONNECTING;
    l->since_us = clock_mono_us();
    loop_io_start(w->loop, &l->connecting, fd, LOOP_WRITE);
}

void bench_link_init(struct bench_link *l, struct worker *w, size_t index,
                     void (*ready)(struct bench_link *l))
{
    const struct bench_options *o = w->share.options;
    *l = (struct bench_link){.worker = w,
                             .ready = ready,
                             .connecting = {NULL, connect_cb, l},
                             .retry = {NULL, retry_cb, l},
                             .node = index % o->cluster.node_count};
    l->slots = mem_zalloc((size_t)o->pipeline * sizeof(*l->slots));
}

void bench_link_end(struct bench_link *l)
{
    leave_state(l);
    mem_free(l->slots);
}

bool bench_link_has_room(const struct bench_link *l)
{
    uint64_t depth = (uint64_t)l->worker->share.options->pipeline;
    return l->state == LINK_UP && !l->slots[l->sent % depth].busy;
}

void bench_link_send(struct bench_link *l, const struct bench_request *r,
                     int64_t start_us, int64_t now_us)
{
    ASSERT(bench_link_has_room(l));
    struct worker *w = l->worker;
    uint64_t depth = (uint64_t)w->share.options->pipeline;
    l->slots[l->sent % depth] = (struct slot){start_us, now_us, r->op, true};
    l->sent++;
    l->unanswered++;
    w->unanswered++;
    w->share.protocol->request(l->protocol, &l->conn.out, r);
    mark_dirty(w, l);
}
