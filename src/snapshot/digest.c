/*
 * The thread reads chunk after chunk, and sleeps when it is ahead of its rate.
 * What it has found is told at the end.
 *
 * How it fails: the first error is the result.
 */
#include "snapshot/digest.h"

#include "base/alloc.h"
#include "os/clock.h"
#include "os/mutex.h"
#include "os/process.h"
#include "snapshot/source.h"

#include <stdio.h>

#define ERROR_SIZE 512

struct digest {
    struct store_view *view;
    struct digest_options options;
    pthread_t thread;
    struct mutex lock;
    struct cond changed;
    bool ending;
    bool done; /* what follows is final */
    int err;
    struct digest_totals totals;
    char error[ERROR_SIZE];
};

/* False: it is to end. */
static bool keep_to_rate(struct digest *d, int64_t start_us, uint64_t bytes)
{
    uint64_t rate = d->options.rate;
    double due_us = rate == 0 ? 0 : (double)bytes * 1e6 / (double)rate;
    int64_t until_us = start_us + (int64_t)due_us;
    mutex_lock(&d->lock);
    while (!d->ending && rate > 0 && clock_mono_us() < until_us)
        cond_wait_until(&d->changed, &d->lock, until_us);
    bool goes_on = !d->ending;
    mutex_unlock(&d->lock);
    return goes_on;
}

/* ERR_CLOSED: it was to end. */
static int read_all(struct digest *d, struct digest_totals *t, struct buf *text)
{
    int64_t start_us = d->options.rate > 0 ? clock_mono_us() : 0;
    struct source *s;
    struct chunk c = {0};
    int err = source_open(&s, d->view, text);
    if (err != 0)
        return err;
    t->applied = *source_applied(s);
    while ((err = source_next(s, &c, text)) == 0) {
        ASSERT(c.number == t->chunks + 1);
        t->chunks = c.number;
        t->hash = c.hash;
        t->bytes += c.rows.len;
        if (!keep_to_rate(d, start_us, t->bytes)) {
            err = ERR_CLOSED;
            break;
        }
    }
    source_close(s);
    return err == ERR_NOT_FOUND ? 0 : err;
}

static void read_state(struct digest *d)
{
    struct digest_totals totals = {.chunks = 0};
    struct buf text = BUF_INIT;
    int err = read_all(d, &totals, &text);
    mutex_lock(&d->lock);
    snprintf(d->error, sizeof(d->error), "%.*s", (int)text.len,
             text.len == 0 ? "" : (const char *)text.data);
    d->totals = totals;
    d->err = err;
    d->done = true;
    mutex_unlock(&d->lock);
    buf_release(&text);
}

static void *run(void *ctx)
{
    process_thread_yields("snapshot");
    read_state(ctx);
    return NULL;
}

struct digest *digest_new(struct store_view *view,
                          const struct digest_options *options)
{
    ASSERT(view != NULL);
    struct digest *d = mem_zalloc(sizeof(*d));
    d->view = view;
    d->options = *options;
    mutex_init(&d->lock);
    cond_init(&d->changed);
    if (!options->in_turn)
        process_thread_start(&d->thread, run, d);
    return d;
}

void digest_free(struct digest *d)
{
    if (d == NULL)
        return;
    mutex_lock(&d->lock);
    d->ending = true;
    cond_wake(&d->changed);
    mutex_unlock(&d->lock);
    if (!d->options.in_turn) {
        int err = pthread_join(d->thread, NULL);
        ASSERT(err == 0);
    }
    cond_destroy(&d->changed);
    mutex_destroy(&d->lock);
    mem_free(d);
}

int digest_result(struct digest *d, struct digest_totals *out)
{
    if (d->options.in_turn && !d->done)
        read_state(d);
    mutex_lock(&d->lock);
    *out = d->totals;
    int err = d->done ? d->err : ERR_AGAIN;
    mutex_unlock(&d->lock);
    ASSERT(err != ERR_CLOSED); /* nobody asks who has ended it */
    return err;
}

const char *digest_error(const struct digest *d)
{
    return d->error;
}
