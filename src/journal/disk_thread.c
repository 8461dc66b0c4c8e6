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
#include "os/process.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define ERROR_SIZE 1024

struct disk_thread {
    struct disk base;
    struct store *store;
    struct watermark_file *file;
    void (*notify)(void *ctx);
    void *ctx;
    pthread_t thread;

    pthread_mutex_t lock;
    pthread_cond_t work;  /* the thread waits for it */
    pthread_cond_t quiet; /* lower() waits for it */
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

static void lock(struct disk_thread *t)
{
    int rc = pthread_mutex_lock(&t->lock);
    ASSERT(rc == 0);
}

static void unlock(struct disk_thread *t)
{
    int rc = pthread_mutex_unlock(&t->lock);
    ASSERT(rc == 0);
}

static void wake(pthread_cond_t *cond)
{
    int rc = pthread_cond_broadcast(cond);
    ASSERT(rc == 0);
}

static int64_t now_ms(void)
{
    struct timespec ts;
    int rc = clock_gettime(CLOCK_MONOTONIC, &ts);
    ASSERT(rc == 0);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Waits for work; with an unsynced mark, no longer than until it is due. While
 * the owner lowers the mark, what the thread knows of it is not its own. */
static void wait_for_work(struct disk_thread *t)
{
    if (t->lowering || t->failed || !t->mark_unsynced) {
        int rc = pthread_cond_wait(&t->work, &t->lock);
        ASSERT(rc == 0);
        return;
    }
    int64_t due = t->mark_synced_ms + WATERMARK_SYNC_MS;
    struct timespec until = {.tv_sec = (time_t)(due / 1000),
                             .tv_nsec = (long)(due % 1000) * 1000000};
    int rc = pthread_cond_timedwait(&t->work, &t->lock, &until);
    ASSERT(rc == 0 || rc == ETIMEDOUT);
}

static bool mark_due(const struct disk_thread *t)
{
    return t->mark_unsynced &&
           now_ms() - t->mark_synced_ms >= WATERMARK_SYNC_MS;
}

static void fail(struct disk_thread *t, const char *text)
{
    lock(t);
    ASSERT(!t->failed);
    snprintf(t->error, sizeof(t->error), "%s", text);
    t->failed = true;
    unlock(t);
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
        t->mark_synced_ms = now_ms();
    return true;
}

/* Makes one point durable; called without the lock. */
static bool make_durable(struct disk_thread *t, const struct disk_point *p)
{
    if (store_sync(t->store) != 0) {
        fail(t, store_error(t->store));
        return false;
    }
    bool old = now_ms() - t->mark_synced_ms >= WATERMARK_SYNC_MS;
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
    unlock(t);
    bool ok = make_durable(t, &point);
    lock(t);
    t->busy = false;
    if (ok) {
        point.hard_state |= t->has_ready && t->ready.hard_state;
        t->ready = point;
        t->has_ready = true;
    }
    wake(&t->quiet);
    unlock(t);
    t->notify(t->ctx);
    lock(t);
}

/* The same care as for a point: lower() must not come in between. */
static void serve_mark(struct disk_thread *t)
{
    ASSERT(!t->busy && !t->failed);
    t->busy = true;
    unlock(t);
    sync_mark(t);
    lock(t);
    t->busy = false;
    wake(&t->quiet);
}

static void *run(void *arg)
{
    struct disk_thread *t = arg;
    lock(t);
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
    unlock(t);
    return NULL;
}

static void thread_sync(struct disk *d, const struct disk_point *point)
{
    struct disk_thread *t = thread_of(d);
    lock(t);
    ASSERT(!t->ending);
    bool hard_state = t->has_asked && t->asked.hard_state;
    ASSERT(!t->has_asked || point->seq >= t->asked.seq);
    t->asked = *point;
    t->asked.hard_state = point->hard_state || hard_state;
    t->has_asked = true;
    unlock(t);
    wake(&t->work); /* who wakes up finds the lock free */
}

static bool thread_done(struct disk *d, struct disk_point *point)
{
    struct disk_thread *t = thread_of(d);
    lock(t);
    /* What was made durable before a failure is not told any more. */
    bool has = t->has_ready && !t->failed;
    if (has) {
        *point = t->ready;
        t->has_ready = false;
    }
    unlock(t);
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
static void thread_lower(struct disk *d, const struct watermark *mark)
{
    struct disk_thread *t = thread_of(d);
    lock(t);
    t->lowering = true;
    while (t->busy) {
        int rc = pthread_cond_wait(&t->quiet, &t->lock);
        ASSERT(rc == 0);
    }
    if (t->has_asked)
        lower_position(&t->asked.mark, mark);
    bool failed = t->failed;
    unlock(t);

    struct watermark last;
    bool ok = failed || !watermark_last(t->file, &last) ||
              !lower_position(&last, mark) || write_mark(t, &last, true);

    lock(t);
    t->lowering = false;
    wake(&t->work);
    unlock(t);
    if (!ok)
        t->notify(t->ctx);
}

static const char *thread_error(struct disk *d)
{
    struct disk_thread *t = thread_of(d);
    lock(t);
    const char *error = t->failed ? t->error : NULL;
    unlock(t);
    return error;
}

static void init_waiting(struct disk_thread *t)
{
    pthread_condattr_t attr;
    int rc = pthread_condattr_init(&attr);
    ASSERT(rc == 0);
    rc = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    ASSERT(rc == 0);
    rc = pthread_mutex_init(&t->lock, NULL);
    ASSERT(rc == 0);
    rc = pthread_cond_init(&t->work, &attr);
    ASSERT(rc == 0);
    rc = pthread_cond_init(&t->quiet, &attr);
    ASSERT(rc == 0);
    rc = pthread_condattr_destroy(&attr);
    ASSERT(rc == 0);
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
    t->mark_synced_ms = now_ms() - WATERMARK_SYNC_MS;
    init_waiting(t);
    process_thread_start(&t->thread, run, t);
    return &t->base;
}

void disk_thread_free(struct disk *d)
{
    struct disk_thread *t = thread_of(d);
    lock(t);
    ASSERT(!t->lowering);
    t->ending = true;
    wake(&t->work);
    unlock(t);
    int rc = pthread_join(t->thread, NULL);
    ASSERT(rc == 0);
    rc = pthread_cond_destroy(&t->work);
    ASSERT(rc == 0);
    rc = pthread_cond_destroy(&t->quiet);
    ASSERT(rc == 0);
    rc = pthread_mutex_destroy(&t->lock);
    ASSERT(rc == 0);
    mem_free(t);
}
