/*
 * One thread, one mutex. The owner leaves the newest point in `asked`; the
 * thread takes it, syncs the store, writes the watermark, and leaves it in
 * `ready`. Points asked for meanwhile merge: only the newest counts, but
 * whether hard state changed in any of them is kept.
 *
 * The order is what counts: the watermark is written after the sync, so it
 * never promises more than the disk has; and a point with a new term or vote
 * is published only after the watermark that says so was synced.
 *
 * The watermark is otherwise synced every WATERMARK_SYNC_MS, and once more
 * when nothing has been asked for that long.
 *
 * A failure of any step is final: its text stays, nothing is published from
 * then on, and the owner is notified so that it can end the process.
 */
#include "journal/disk.h"

#include "base/alloc.h"
#include "os/clock.h"
#include "os/mutex.h"
#include "os/process.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define ERROR_SIZE 1024

struct disk_thread {
    struct disk base;
    struct store *store;
    struct watermark_file *file;
    void (*notify)(void *ctx);
    void *ctx;
    pthread_t thread;

    struct mutex lock;
    struct cond work;  /* the thread waits for it */
    struct cond quiet; /* lower() waits for it */
    struct disk_point asked;
    struct disk_point ready;
    bool has_asked;
    bool has_ready;
    bool busy;     /* the thread works on a point, without the lock */
    bool lowering; /* the thread must not begin another */
    bool ending;
    bool failed;
    char error[ERROR_SIZE];

    /* Of the thread, or of lower() while it keeps the thread quiet. */
    bool mark_unsynced;
    int64_t mark_synced_ms;
};

static struct disk_thread *thread_of(struct disk *d)
{
    return CONTAINER_OF(d, struct disk_thread, base);
}

/* Waits for work; with an unsynced mark, no longer than until it is due. While
 * the owner lowers the mark, what the thread knows of it is not its own. */
static void wait_for_work(struct disk_thread *t)
{
    if (t->lowering || t->failed || !t->mark_unsynced) {
        cond_wait(&t->work, &t->lock);
        return;
    }
    int64_t due_ms = t->mark_synced_ms + WATERMARK_SYNC_MS;
    cond_wait_until(&t->work, &t->lock, due_ms * 1000);
}

static bool mark_due(const struct disk_thread *t)
{
    return t->mark_unsynced &&
           clock_mono_ms() - t->mark_synced_ms >= WATERMARK_SYNC_MS;
}

static void fail(struct disk_thread *t, const char *text)
{
    mutex_lock(&t->lock);
    ASSERT(!t->failed);
    snprintf(t->error, sizeof(t->error), "%s", text);
    t->failed = true;
    mutex_unlock(&t->lock);
}

static bool write_mark(struct disk_thread *t, const struct watermark *mark,
                       bool sync)
{
    if (watermark_write(t->file, mark, sync) != 0) {
        fail(t, watermark_error(t->file));
        return false;
    }
    t->mark_unsynced = !sync;
    if (sync)
        t->mark_synced_ms = clock_mono_ms();
    return true;
}

/* Makes one point durable; called without the lock. */
static bool make_durable(struct disk_thread *t, const struct disk_point *p)
{
    if (store_sync(t->store) != 0) {
        fail(t, store_error(t->store));
        return false;
    }
    bool old = clock_mono_ms() - t->mark_synced_ms >= WATERMARK_SYNC_MS;
    return write_mark(t, &p->mark, p->hard_state || old);
}

/* Syncs the mark written last; called without the lock. */
static void sync_mark(struct disk_thread *t)
{
    struct watermark mark;
    bool has = watermark_last(t->file, &mark);
    ASSERT(has);
    if (!write_mark(t, &mark, true))
        t->notify(t->ctx);
}

/* Takes the asked point through; called with the lock. */
static void serve(struct disk_thread *t)
{
    ASSERT(t->has_asked && !t->busy && !t->failed);
    struct disk_point point = t->asked;
    t->has_asked = false;
    t->asked.hard_state = false;
    t->busy = true;
    mutex_unlock(&t->lock);
    bool ok = make_durable(t, &point);
    mutex_lock(&t->lock);
    t->busy = false;
    if (ok) {
        point.hard_state |= t->has_ready && t->ready.hard_state;
        t->ready = point;
        t->has_ready = true;
    }
    cond_wake(&t->quiet);
    mutex_unlock(&t->lock);
    t->notify(t->ctx);
    mutex_lock(&t->lock);
}

/* The same care as for a point: lower() must not come in between. */
static void serve_mark(struct disk_thread *t)
{
    ASSERT(!t->busy && !t->failed);
    t->busy = true;
    mutex_unlock(&t->lock);
    sync_mark(t);
    mutex_lock(&t->lock);
    t->busy = false;
    cond_wake(&t->quiet);
}

static void *run(void *arg)
{
    struct disk_thread *t = arg;
    mutex_lock(&t->lock);
    for (;;) {
        bool may = !t->failed && !t->lowering;
        if (may && t->has_asked)
            serve(t);
        else if (may && (mark_due(t) || (t->ending && t->mark_unsynced)))
            serve_mark(t);
        else if (t->ending && !t->lowering)
            break;
        else
            wait_for_work(t);
    }
    mutex_unlock(&t->lock);
    return NULL;
}

static void thread_sync(struct disk *d, const struct disk_point *point)
{
    struct disk_thread *t = thread_of(d);
    mutex_lock(&t->lock);
    ASSERT(!t->ending);
    bool hard_state = t->has_asked && t->asked.hard_state;
    ASSERT(!t->has_asked || point->seq >= t->asked.seq);
    t->asked = *point;
    t->asked.hard_state = point->hard_state || hard_state;
    t->has_asked = true;
    mutex_unlock(&t->lock);
    cond_wake(&t->work); /* the thread that wakes up finds the lock free */
}

static bool thread_done(struct disk *d, struct disk_point *point)
{
    struct disk_thread *t = thread_of(d);
    mutex_lock(&t->lock);
    /* What was made durable before a failure is not told any more. */
    bool has = t->has_ready && !t->failed;
    if (has) {
        *point = t->ready;
        t->has_ready = false;
    }
    mutex_unlock(&t->lock);
    return has;
}

/* The position of `mark`, if it is the lower one; term and vote stay. */
static bool lower_position(struct watermark *mark, const struct watermark *to)
{
    if (mark->index <= to->index)
        return false;
    mark->index = to->index;
    mark->index_term = to->index_term;
    mark->chain = to->chain;
    return true;
}

/* Waits until the thread is quiet and keeps it so; a point that was asked
 * for before speaks of entries that are about to go: it is lowered too. */
static int thread_lower(struct disk *d, const struct watermark *mark)
{
    struct disk_thread *t = thread_of(d);
    mutex_lock(&t->lock);
    t->lowering = true;
    while (t->busy)
        cond_wait(&t->quiet, &t->lock);
    if (t->has_asked)
        lower_position(&t->asked.mark, mark);
    bool failed = t->failed;
    mutex_unlock(&t->lock);

    struct watermark last;
    bool ok =
        !failed && (!watermark_last(t->file, &last) ||
                    !lower_position(&last, mark) || write_mark(t, &last, true));

    mutex_lock(&t->lock);
    t->lowering = false;
    cond_wake(&t->work);
    mutex_unlock(&t->lock);
    if (!ok)
        t->notify(t->ctx);
    return ok ? 0 : ERR_IO;
}

static const char *thread_error(struct disk *d)
{
    struct disk_thread *t = thread_of(d);
    mutex_lock(&t->lock);
    const char *error = t->failed ? t->error : NULL;
    mutex_unlock(&t->lock);
    return error;
}

struct disk *disk_thread_new(struct store *s, struct watermark_file *f,
                             void (*notify)(void *ctx), void *ctx)
{
    ASSERT(s != NULL && f != NULL && notify != NULL);
    struct disk_thread *t = mem_zalloc(sizeof(*t));
    t->base.sync = thread_sync;
    t->base.done = thread_done;
    t->base.lower = thread_lower;
    t->base.error = thread_error;
    t->store = s;
    t->file = f;
    t->notify = notify;
    t->ctx = ctx;
    t->mark_synced_ms = clock_mono_ms() - WATERMARK_SYNC_MS;
    mutex_init(&t->lock);
    cond_init(&t->work);
    cond_init(&t->quiet);
    process_thread_start(&t->thread, run, t);
    return &t->base;
}

void disk_thread_free(struct disk *d)
{
    struct disk_thread *t = thread_of(d);
    mutex_lock(&t->lock);
    ASSERT(!t->lowering);
    t->ending = true;
    cond_wake(&t->work);
    mutex_unlock(&t->lock);
    int err = pthread_join(t->thread, NULL);
    ASSERT(err == 0);
    cond_destroy(&t->work);
    cond_destroy(&t->quiet);
    mutex_destroy(&t->lock);
    mem_free(t);
}
