/*
 * How it works: requests are put into the output of their connections, which
 * is flushed before the loop waits: one write per connection and iteration.
 * In the open loop a timerfd wakes the worker when the next request is due,
 * but not more often than every DUE_STEP_US: a request may leave that late,
 * and its latency says so.
 *
 * How it fails: if there was no answer for the time of `timeout` after a loss,
 * the worker gives up. Requests without an answer for that time lose their
 * connection.
 */
#include "bench/worker.h"
#include "bench/collection.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "os/clock.h"

#include <math.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define TICK_MS     20
#define DUE_STEP_US 50

static const struct bench_options *opt(const struct worker *w)
{
    return w->share.options;
}

static bool open_loop(const struct worker *w)
{
    return opt(w)->mode == MODE_OPEN;
}

static int64_t end_us(const struct worker *w)
{
    return atomic_load_explicit(&w->share.clock->end_us, memory_order_relaxed);
}

/* ---- what to send ---- */

static enum bench_op choose_op(struct worker *w)
{
    const struct bench_options *o = opt(w);
    if (o->mode == MODE_SETUP)
        return bench_is_collection(o->op) ? bench_collection_writer(o->op)
                                          : OP_SET;
    if (o->op != OP_SET && o->op != OP_GET && o->op != OP_MIXED)
        return (enum bench_op)o->op;
    bool put = (int64_t)rng_below(&w->rng, 100) < o->puts_percent;
    return put ? OP_SET : OP_GET;
}

static enum key_family family_of(int64_t op)
{
    static const enum key_family families[] = {
        [OP_SET] = KEY_VALUE,    [OP_GET] = KEY_VALUE,  [OP_INCR] = KEY_COUNTER,
        [OP_CAS] = KEY_COMPARED, [OP_SETNX] = KEY_LOCK, [OP_MIXED] = KEY_VALUE};
    if (bench_is_collection(op))
        return bench_collection_family(op);
    ASSERT(op >= 0 && (size_t)op < ARRAY_LEN(families));
    return families[op];
}

static struct bytes choose_value(struct worker *w, uint64_t index)
{
    const struct bench_options *o = opt(w);
    if (o->mode == MODE_SETUP && o->op == OP_INCR)
        return BYTES_LIT("0");
    if (o->mode == MODE_SETUP || o->op == OP_CAS)
        return keys_value_of(w->share.keys, index);
    return keys_value_random(w->share.keys, &w->rng);
}

static void send_one(struct worker *w, struct bench_link *l, int64_t start_us,
                     int64_t now_us)
{
    ASSERT(w->quota > 0);
    if (w->quota != UINT64_MAX)
        w->quota--;
    bool setup = opt(w)->mode == MODE_SETUP;
    uint64_t index = setup ? w->setup_next : keys_pick(w->share.keys, &w->rng);
    w->setup_next += w->share.count;
    char text[KEY_TEXT_MAX];
    struct bench_request r = {.op = choose_op(w)};
    if (bench_is_collection(r.op) && setup)
        index = bench_collection_batch(opt(w), index, &r);
    else if (bench_is_collection(r.op))
        bench_collection_choose(opt(w), &w->rng, &r);
    r.key = keys_text(opt(w)->prefix, family_of(opt(w)->op), index, text);
    if (r.op != OP_GET)
        r.value = choose_value(w, index);
    bench_link_send(l, &r, start_us, now_us);
}

/* ---- closed loop ---- */

static void fill(struct worker *w, struct bench_link *l)
{
    if (l->unanswered > 0 || l->state != LINK_UP)
        return;
    int64_t now_us = clock_mono_us();
    if (now_us >= end_us(w)) {
        w->stopping = true;
        return;
    }
    for (int64_t i = 0; i < opt(w)->pipeline && w->quota > 0; i++)
        send_one(w, l, now_us, now_us);
}

/* ---- open loop ---- */

static void queue_room(struct worker *w, struct bench_link *l)
{
    if (l->queued || !bench_link_has_room(l))
        return;
    ASSERT(w->room_count < w->link_count);
    w->room[(w->room_head + w->room_count++) % w->link_count] = l;
    l->queued = true;
}

/* The link that has waited longest, if one has room. */
static struct bench_link *take_room(struct worker *w)
{
    while (w->room_count > 0) {
        struct bench_link *l = w->room[w->room_head];
        w->room_head = (w->room_head + 1) % w->link_count;
        w->room_count--;
        l->queued = false;
        if (bench_link_has_room(l))
            return l;
    }
    return NULL;
}

static void next_due(struct worker *w)
{
    double gap = 1;
    if (opt(w)->poisson) {
        double u = (double)(rng_next(&w->rng) >> 11) / 9007199254740992.0;
        gap = -log1p(-u);
    }
    w->due_us += gap * w->interval_us;
}

static bool all_sent(const struct worker *w)
{
    if (open_loop(w))
        return w->quota == 0 || (int64_t)w->due_us >= end_us(w);
    return w->stopping || w->quota == 0;
}

static void wake_when_due(struct worker *w, int64_t now_us)
{
    int64_t at_us = MAX((int64_t)w->due_us + 1, now_us + DUE_STEP_US);
    struct itimerspec t = {
        .it_value = {at_us / 1000000, at_us % 1000000 * 1000}};
    int err = timerfd_settime(w->due_fd, TFD_TIMER_ABSTIME, &t, NULL);
    ASSERT(err == 0);
}

/* Sends what is due, as far as there is room. */
static void dispatch(struct worker *w)
{
    int64_t now_us = clock_mono_us();
    while (!all_sent(w) && (int64_t)w->due_us <= now_us) {
        struct bench_link *l = take_room(w);
        if (l == NULL)
            return; /* an answer will bring us here again */
        send_one(w, l, (int64_t)w->due_us, now_us);
        queue_room(w, l);
        next_due(w);
    }
    if (!all_sent(w))
        wake_when_due(w, now_us);
}

static void due_cb(void *ctx, int events)
{
    UNUSED(events);
    struct worker *w = ctx;
    uint64_t times = 0;
    ssize_t n = read(w->due_fd, &times, sizeof(times));
    UNUSED(n); /* whatever it says, dispatch looks at the clock */
    dispatch(w);
}

/* ---- links ---- */

static void flush_cb(void *ctx)
{
    struct worker *w = ctx;
    for (size_t i = 0; i < w->dirty_count; i++) {
        struct bench_link *l = w->dirty[i];
        l->dirty = false;
        if (l->state == LINK_UP)
            conn_flush(&l->conn);
    }
    w->dirty_count = 0;
}

static void finish_if_done(struct worker *w)
{
    if (!w->going || !all_sent(w) || w->unanswered > 0 || w->over)
        return;
    w->over = true;
    atomic_store(&w->finished_us, clock_mono_us());
    loop_stop(w->loop);
}

static void link_ready(struct bench_link *l)
{
    struct worker *w = l->worker;
    if (!w->going)
        return;
    if (open_loop(w)) {
        queue_room(w, l);
        dispatch(w);
    } else if (!w->stopping) {
        fill(w, l);
    }
    finish_if_done(w);
}

/* ---- time ---- */

static int64_t oldest_us(const struct bench_link *l)
{
    if (l->state == LINK_CONNECTING)
        return l->since_us;
    int64_t oldest = INT64_MAX;
    for (int64_t i = 0; i < opt(l->worker)->pipeline; i++) {
        if (l->slots[i].busy)
            oldest = MIN(oldest, l->slots[i].sent_us);
    }
    return oldest;
}

static void check_timeouts(struct worker *w, int64_t now_us)
{
    int64_t before_us = now_us - opt(w)->timeout_ms * 1000;
    for (size_t i = 0; i < w->link_count; i++) {
        struct bench_link *l = &w->links[i];
        if (l->state != LINK_DOWN && oldest_us(l) < before_us)
            bench_link_lose(l, "timeout", BYTES_LIT("no answer in time"));
    }
}

/* What is due and will not be sent any more. */
static void give_up(struct worker *w, const char *kind, const char *why)
{
    uint64_t unsent = w->quota != UINT64_MAX ? w->quota : 0;
    for (; w->quota == UINT64_MAX && open_loop(w) && !all_sent(w); unsent++)
        next_due(w);
    errors_note(&w->errors, kind, bytes_str(why), MAX(unsent, 1));
    w->quota = 0;
    w->stopping = true;
}

static void tick_cb(void *ctx)
{
    struct worker *w = ctx;
    int64_t now_us = clock_mono_us();
    int64_t timeout_us = opt(w)->timeout_ms * 1000;
    loop_timer_start(w->loop, &w->tick, TICK_MS);
    check_timeouts(w, now_us);
    if (!w->going)
        return;
    if (now_us >= end_us(w))
        w->stopping = true;
    if (w->dark_since_us != 0 && now_us - w->dark_since_us > timeout_us &&
        !all_sent(w))
        give_up(w, "no-server",
                "no answer since a loss, for the time of --timeout");
    else if (open_loop(w) && !all_sent(w) && now_us > end_us(w) &&
             now_us - end_us(w) > timeout_us)
        give_up(w, "never-sent", "due, but no connection had room");
    finish_if_done(w);
}

static void wake_cb(void *ctx)
{
    struct worker *w = ctx;
    int64_t go_us = atomic_load(&w->share.clock->go_us);
    if (go_us == 0)
        return;
    if (!w->going) {
        w->going = true;
        w->due_us = (double)go_us + w->interval_us * (double)w->share.index /
                                        (double)w->share.count;
        for (size_t i = 0; i < w->link_count; i++)
            link_ready(&w->links[i]);
    }
    w->stopping = w->stopping || clock_mono_us() >= end_us(w);
    finish_if_done(w);
}

/* ---- life ---- */

/* The i-th part of `total` in `count` nearly equal ones. */
static uint64_t part(uint64_t total, size_t i, size_t count)
{
    return total / count + (i < total % count ? 1 : 0);
}

struct worker *worker_new(const struct worker_share *share)
{
    ASSERT(share->index < share->count);
    const struct bench_options *o = share->options;
    struct worker *w = mem_zalloc(sizeof(*w));
    w->share = *share;
    w->rng = (uint64_t)o->seed * 1000003 + share->index;
    w->setup_next = share->index;
    w->quota = o->count > 0
                   ? part((uint64_t)o->count, share->index, share->count)
                   : UINT64_MAX;
    if (o->rate > 0)
        w->interval_us = 1e6 / o->rate * (double)share->count;
    histogram_reset(&w->latency);
    w->link_count =
        (size_t)part((uint64_t)o->connections, share->index, share->count);
    w->undecided = w->link_count;
    w->links = mem_zalloc(w->link_count * sizeof(*w->links));
    w->dirty = mem_zalloc(w->link_count * sizeof(*w->dirty));
    w->room = mem_zalloc(w->link_count * sizeof(*w->room));
    for (size_t i = 0; i < w->link_count; i++)
        bench_link_init(&w->links[i], w, i * share->count + share->index,
                        link_ready);
    w->loop = loop_new();
    ASSERT(w->loop != NULL);
    w->due_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    ASSERT(w->due_fd >= 0);
    w->due_io = (struct loop_io){NULL, due_cb, w};
    w->tick = (struct loop_timer){NULL, tick_cb, w};
    w->wake = (struct loop_async){NULL, wake_cb, w};
    loop_io_start(w->loop, &w->due_io, w->due_fd, LOOP_READ);
    loop_async_start(w->loop, &w->wake);
    loop_before_wait(w->loop, flush_cb, w);
    return w;
}

void *worker_run(void *worker)
{
    struct worker *w = worker;
    for (size_t i = 0; i < w->link_count; i++)
        bench_link_connect(&w->links[i]);
    loop_timer_start(w->loop, &w->tick, TICK_MS);
    loop_run(w->loop);
    return NULL;
}

void worker_signal(struct worker *w)
{
    loop_async_send(&w->wake);
}

void worker_free(struct worker *w)
{
    w->over = true;
    for (size_t i = 0; i < w->link_count; i++)
        bench_link_end(&w->links[i]);
    loop_timer_stop(w->loop, &w->tick);
    loop_io_stop(w->loop, &w->due_io);
    loop_async_stop(w->loop, &w->wake);
    loop_free(w->loop);
    close(w->due_fd);
    mem_free(w->links);
    mem_free(w->dirty);
    mem_free(w->room);
    mem_free(w);
}
