/*
 * A ring of chunks: the thread fills it, the owner takes from it. The one that
 * was given last keeps its place until the next is asked for, so that it can be
 * asked for again.
 *
 * How it fails: the error is told after the chunks before it.
 */
#include "snapshot/ahead.h"

#include "base/alloc.h"
#include "os/mutex.h"
#include "os/process.h"
#include "snapshot/source.h"

#include <stdio.h>

#define RING       4
#define KEPT_BYTES ((size_t)1024 * 1024)
#define ERROR_SIZE 512

struct held {
    struct chunk chunk;
    struct buf rows;
};

struct ahead {
    struct store_view *view;
    pthread_t thread;
    struct mutex lock;
    struct cond changed;
    bool ending;
    bool opened; /* `applied` is known */
    struct applied applied;
    int err; /* why there are no more; ERR_NOT_FOUND: that was the last */
    char error[ERROR_SIZE];
    struct held ring[RING];
    uint64_t read;  /* chunks */
    uint64_t given; /* the number of the last one */
    uint64_t hash;  /* of the last one read */
};

static struct held *place_of(struct ahead *a, uint64_t number)
{
    ASSERT(number > 0);
    return &a->ring[number % RING];
}

/* False: it is to end. */
static bool put_chunk(struct ahead *a, const struct chunk *c)
{
    mutex_lock(&a->lock);
    /* The one that was given last is still in its place. */
    while (!a->ending && a->read + 1 >= MAX(a->given, 1) + RING)
        cond_wait(&a->changed, &a->lock);
    bool ending = a->ending;
    struct held *h = place_of(a, c->number);
    mutex_unlock(&a->lock);
    if (ending)
        return false;
    buf_reset(&h->rows);
    buf_shrink(&h->rows, KEPT_BYTES);
    buf_bytes(&h->rows, c->rows);
    h->chunk = (struct chunk){c->number, c->hash, buf_view(&h->rows)};
    mutex_lock(&a->lock);
    ASSERT(c->number == a->read + 1);
    a->read = c->number;
    a->hash = c->hash;
    mutex_unlock(&a->lock);
    return true;
}

static void end_with(struct ahead *a, int err, const struct buf *text)
{
    mutex_lock(&a->lock);
    snprintf(a->error, sizeof(a->error), "%.*s", (int)text->len,
             text->len == 0 ? "" : (const char *)text->data);
    a->err = err;
    mutex_unlock(&a->lock);
}

static void *run(void *ctx)
{
    struct ahead *a = ctx;
    struct buf text = BUF_INIT;
    struct source *s;
    struct chunk c;
    process_thread_yields("snapshot");
    int err = source_open(&s, a->view, &text);
    if (err == 0) {
        mutex_lock(&a->lock);
        a->applied = *source_applied(s);
        a->opened = true;
        mutex_unlock(&a->lock);
        while ((err = source_next(s, &c, &text)) == 0 && put_chunk(a, &c)) {
        }
    }
    source_close(s);
    if (err != 0)
        end_with(a, err, &text);
    buf_release(&text);
    return NULL;
}

struct ahead *ahead_new(struct store_view *view)
{
    ASSERT(view != NULL);
    struct ahead *a = mem_zalloc(sizeof(*a));
    a->view = view;
    mutex_init(&a->lock);
    cond_init(&a->changed);
    process_thread_start(&a->thread, run, a);
    return a;
}

void ahead_free(struct ahead *a)
{
    if (a == NULL)
        return;
    mutex_lock(&a->lock);
    a->ending = true;
    cond_wake(&a->changed);
    mutex_unlock(&a->lock);
    int err = pthread_join(a->thread, NULL);
    ASSERT(err == 0);
    for (size_t i = 0; i < RING; i++)
        buf_release(&a->ring[i].rows);
    cond_destroy(&a->changed);
    mutex_destroy(&a->lock);
    mem_free(a);
}

int ahead_position(struct ahead *a, struct applied *out)
{
    mutex_lock(&a->lock);
    *out = a->applied;
    int err = a->opened ? 0 : a->err != 0 ? a->err : ERR_AGAIN;
    mutex_unlock(&a->lock);
    return err;
}

int ahead_chunk(struct ahead *a, uint64_t number, struct chunk *out)
{
    int err = 0;
    mutex_lock(&a->lock);
    if (number == 0 || number < a->given || number > a->given + 1) {
        err = ERR_INVALID;
    } else if (number > a->read) {
        *out = (struct chunk){a->read, a->hash, BYTES_NONE};
        err = a->err != 0 ? a->err : ERR_AGAIN;
    } else {
        a->given = number;
        *out = place_of(a, number)->chunk;
        cond_wake(&a->changed);
    }
    mutex_unlock(&a->lock);
    return err;
}

const char *ahead_error(const struct ahead *a)
{
    return a->error;
}
