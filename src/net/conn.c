/*
 * How it works: there is one read per readable event. Its size adapts: it
 * doubles up to 1 MiB while reads come back full, and shrinks when they bring
 * little. The loop watches level-triggered, so the rest is read in the next
 * turn, after the other connections were served. Writes are made at once; only
 * for what the socket did not take does the loop watch for writing.
 *
 * How it fails: a read reports the end of the input at once, through `ended`,
 * or through `closed` if the owner has no `ended`. A failed write is stored in
 * `error` and reported by a timer of zero delay, because owners call
 * conn_flush() in the middle of their own work, and the connection must not
 * disappear during it.
 */
#include "net/conn.h"

#include "os/socket.h"

#define READ_BYTES_MIN ((size_t)16 * 1024)
#define READ_BYTES_MAX ((size_t)1024 * 1024)

/* A callback in progress. Its owner may close, reopen or free the connection
 * meanwhile; this struct is on the stack below it, and then gets the buffers.
 */
struct conn_call {
    bool closed;
    struct buf in;
    struct buf out;
};

static void call_begin(struct conn *c, struct conn_call *call)
{
    ASSERT(c->call == NULL); /* callbacks never nest */
    *call = (struct conn_call){false, BUF_INIT, BUF_INIT};
    c->call = call;
}

/* False: the connection does not exist any more; do not touch it. */
static bool call_end(struct conn *c, struct conn_call *call)
{
    if (call->closed) {
        buf_release(&call->in);
        buf_release(&call->out);
        return false;
    }
    ASSERT(c->call == call);
    c->call = NULL;
    return true;
}

static bool input_full(const struct conn *c)
{
    return c->in_bytes_max > 0 && c->in.len >= c->in_bytes_max;
}

static void watch(struct conn *c)
{
    ASSERT(c->fd >= 0);
    int events = 0;
    if (!c->paused && !c->ended && c->error == 0 && !input_full(c))
        events |= LOOP_READ;
    if (c->writing && c->error == 0)
        events |= LOOP_WRITE;
    loop_io_set(c->loop, &c->io, events);
}

static void report_closed(struct conn *c, int err)
{
    ASSERT(err < 0);
    ASSERT(c->call == NULL);
    const struct conn_events *events = c->events;
    conn_close(c);
    events->closed(c, err);
}

static void defer_cb(void *ctx)
{
    struct conn *c = ctx;
    ASSERT(c->error < 0);
    report_closed(c, c->error);
}

static void fail_later(struct conn *c, int err)
{
    ASSERT(err < 0);
    ASSERT(c->fd >= 0);
    c->error = err;
    c->writing = false;
    watch(c);
    loop_timer_start(c->loop, &c->defer, 0);
}

static void adapt_read(struct conn *c, size_t wanted, size_t got)
{
    if (got == wanted && wanted == c->read_bytes)
        c->read_bytes = MIN(c->read_bytes * 2, READ_BYTES_MAX);
    else if (got < c->read_bytes / 4)
        c->read_bytes = MAX(c->read_bytes / 2, READ_BYTES_MIN);
}

/* Returns the bytes read, or an error. */
static int64_t read_some(struct conn *c)
{
    size_t wanted = c->read_bytes;
    if (c->in_bytes_max > 0)
        wanted = MIN(wanted, c->in_bytes_max - c->in.len);
    ASSERT(wanted > 0);
    uint8_t *to = buf_reserve(&c->in, wanted);
    int64_t n = socket_read(c->fd, to, wanted);
    if (n <= 0)
        return n;
    ASSERT((size_t)n <= wanted);
    c->in.len += (size_t)n;
    c->received_bytes += (uint64_t)n;
    c->reads++;
    adapt_read(c, wanted, (size_t)n);
    return n;
}

/* A connection that is idle now, or that has consumed a large request and holds
 * the beginning of a small one, does not keep the memory of a burst. */
void conn_trim(struct conn *c)
{
    ASSERT(c->call == NULL);
    if (c->in.len < c->in.cap / 8)
        buf_shrink(&c->in, MAX(2 * c->in.len, (size_t)CONN_BUF_KEEP));
}

static void on_readable(struct conn *c)
{
    if (c->paused || c->ended || c->error != 0 || input_full(c))
        return;
    int64_t n = read_some(c);
    if (n == ERR_AGAIN) {
        conn_trim(c);
        return;
    }
    if (n < 0 && n != ERR_CLOSED) {
        report_closed(c, (int)n);
        return;
    }
    c->ended = n == ERR_CLOSED;
    if (c->ended && c->events->ended == NULL) {
        report_closed(c, ERR_CLOSED);
        return;
    }
    struct conn_call call;
    call_begin(c, &call);
    if (c->ended)
        c->events->ended(c);
    else
        c->events->input(c);
    if (!call_end(c, &call))
        return;
    conn_trim(c);
    watch(c);
}

/* Bytes written or an error; what was written is removed from the buffer, or
 * counted in out_sent. */
static int64_t write_some(struct conn *c)
{
    ASSERT(c->out_sent < c->out.len);
    int64_t n = socket_write(c->fd, c->out.data + c->out_sent,
                             c->out.len - c->out_sent);
    if (n <= 0)
        return n;
    c->sent_bytes += (uint64_t)n;
    c->writes++;
    c->out_sent += (size_t)n;
    ASSERT(c->out_sent <= c->out.len);
    if (c->out_sent == c->out.len) {
        c->out_sent = 0;
        buf_reset(&c->out);
        buf_shrink(&c->out, CONN_BUF_KEEP);
    } else if (c->out_sent >= c->out.len - c->out_sent) {
        /* At least half was sent: moving the rest costs less than sending what
         * was before it did. */
        buf_consume(&c->out, c->out_sent);
        c->out_sent = 0;
    }
    return n;
}

/* Returns true when everything was written. */
static bool write_out(struct conn *c)
{
    int64_t n = write_some(c);
    if (n < 0 && n != ERR_AGAIN) {
        fail_later(c, (int)n);
        return false;
    }
    bool done = conn_pending(c) == 0;
    c->writing = !done;
    watch(c);
    return done;
}

/* False when the owner has closed, perhaps freed, the connection. */
static bool on_writable(struct conn *c)
{
    if (!c->writing || c->error != 0 || conn_pending(c) == 0)
        return true;
    if (!write_out(c) || c->events->drained == NULL)
        return true;
    struct conn_call call;
    call_begin(c, &call);
    c->events->drained(c);
    if (!call_end(c, &call))
        return false;
    watch(c);
    return true;
}

static void io_cb(void *ctx, int events)
{
    struct conn *c = ctx;
    ASSERT(c->fd >= 0);
    if ((events & LOOP_WRITE) && !on_writable(c))
        return;
    if (events & LOOP_READ)
        on_readable(c);
}

void conn_open(struct conn *c, struct loop *l, int fd,
               const struct conn_events *events)
{
    ASSERT(fd >= 0);
    ASSERT(events->input != NULL && events->closed != NULL);
    *c = (struct conn){
        .loop = l,
        .events = events,
        .io = {NULL, io_cb, c},
        .fd = fd,
        .read_bytes = READ_BYTES_MIN,
        .defer = {NULL, defer_cb, c},
        .in = BUF_INIT,
        .out = BUF_INIT,
    };
    loop_io_start(l, &c->io, fd, LOOP_READ);
}

void conn_close(struct conn *c)
{
    if (c->fd >= 0) {
        loop_io_stop(c->loop, &c->io);
        loop_timer_stop(c->loop, &c->defer);
        socket_close(c->fd);
        c->fd = -1;
    }
    c->paused = false;
    c->writing = false;
    c->out_sent = 0;
    if (c->call != NULL) {
        c->call->closed = true;
        c->call->in = c->in;
        c->call->out = c->out;
        c->call = NULL;
        c->in = BUF_INIT;
        c->out = BUF_INIT;
    }
    buf_release(&c->in);
    buf_release(&c->out);
}

void conn_flush(struct conn *c)
{
    if (c->fd < 0 || c->writing || c->error != 0 || conn_pending(c) == 0)
        return;
    (void)write_out(c);
}

size_t conn_pending(const struct conn *c)
{
    ASSERT(c->out_sent <= c->out.len);
    return c->out.len - c->out_sent;
}

void conn_shrink(struct conn *c)
{
    ASSERT(c->call == NULL);
    buf_shrink(&c->in, c->in.len);
    buf_shrink(&c->out, c->out.len);
    c->read_bytes = READ_BYTES_MIN;
}

void conn_pause(struct conn *c, bool paused)
{
    c->paused = paused;
    if (c->fd >= 0)
        watch(c);
}
