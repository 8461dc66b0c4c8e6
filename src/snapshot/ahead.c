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
    bool threadless;
    pthread_t thread;
    struct source *source;    /* NULL: not opened; of who reads alone */
    struct source_place from; /* where it begins */
    struct buf after;         /* the key of that place */
    struct buf text;          /* of an error */
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
    while (!a->ending &&
           a->read + 1 >= MAX(a->given, a->from.number + 1) + RING)
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

static void end_with(struct ahead *a, int err)
{
    mutex_lock(&a->lock);
    snprintf(a->error, sizeof(a->error), "%.*s", (int)a->text.len,
             a->text.len == 0 ? "" : (const char *)a->text.data);
    a->err = err;
    mutex_unlock(&a->lock);
}

/* False: it has ended. */
static bool begin(struct ahead *a)
{
    int err = source_open(&a->source, a->view, &a->text);
    if (err != 0) {
        end_with(a, err);
        return false;
    }
    if (a->from.number > 0)
        source_seek(a->source, &a->from);
    mutex_lock(&a->lock);
    a->applied = *source_applied(a->source);
    a->opened = true;
    mutex_unlock(&a->lock);
    return true;
}

/* Reads one more. False: it has ended, or is to. */
static bool read_one(struct ahead *a)
{
    struct chunk c;
    int err = source_next(a->source, &c, &a->text);
    if (err != 0)
        end_with(a, err);
    return err == 0 && put_chunk(a, &c);
}

static void *run(void *ctx)
{
    struct ahead *a = ctx;
    process_thread_yields("snapshot");
    if (begin(a)) {
        while (read_one(a)) {
        }
    }
    return NULL;
}

struct ahead *ahead_new(struct store_view *view,
                        const struct source_place *from, bool threadless)
{
    ASSERT(view != NULL);
    struct ahead *a = mem_zalloc(sizeof(*a));
    a->view = view;
    a->threadless = threadless;
    if (from != NULL) {
        buf_bytes(&a->after, from->after);
        a->from = *from;
        a->from.after = buf_view(&a->after);
        a->read = a->given = from->number;
        a->hash = from->hash;
    }
    mutex_init(&a->lock);
    cond_init(&a->changed);
    if (threadless)
        (void)begin(a);
    else
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
    int err = a->threadless ? 0 : pthread_join(a->thread, NULL);
    ASSERT(err == 0);
    source_close(a->source);
    buf_release(&a->after);
    buf_release(&a->text);
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
    if (a->threadless && a->err == 0 && number == a->read + 1)
        (void)read_one(a);
    mutex_lock(&a->lock);
    if (number <= a->from.number || number < a->given ||
        number > a->given + 1) {
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
