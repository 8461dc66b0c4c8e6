/*
 * A list of jobs, which the thread takes one after the other. It works without
 * the lock; inspection and fill are its own until it is idle.
 *
 * What is asked for follows from what was told before, so at most one result
 * waits for the owner, but for parts: of these the last one says all.
 *
 * How it fails: the first failure is told, with a text, and ends all. A stop
 * forgets the jobs that were not begun.
 */
#include "snapshot/intake.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "os/mutex.h"
#include "os/process.h"

enum job_kind {
    JOB_CHUNK,
    JOB_PART,
    JOB_END,
    JOB_MAKE,
};

struct job {
    struct job *next;
    enum job_kind kind;
    struct chunk chunk;
    struct buf rows; /* of the chunk */
};

struct intake {
    struct store_fill *fill;
    struct inspect *inspect;
    struct store *sync_first; /* NULL: not, or it was */
    bool threadless;
    pthread_t thread;
    struct intake_place given; /* the owner's */
    struct buf told;           /* what the last look has lent */

    struct mutex lock;
    struct cond changed;
    bool ending;
    bool busy; /* with a job */
    bool failed;
    struct job *first;
    struct job **end;
    uint64_t taken; /* bytes of rows */
    struct intake_news news;
    struct buf text; /* that it speaks of */
};

/* --- jobs --------------------------------------------------------------- */

/* What came of a job. */
struct result {
    struct intake_news news;
    struct buf text;
};

static void failed(struct result *r, const char *what, const char *why)
{
    ASSERT(why != NULL);
    r->news = (struct intake_news){.kind = INTAKE_FAILED, .what = what};
    if (r->text.len == 0)
        buf_str(&r->text, why);
    buf_u8(&r->text, '\0');
}

static void do_chunk(struct intake *k, const struct chunk *c, struct result *r)
{
    if (inspect_chunk(k->inspect, c, &r->text) != 0)
        failed(r, "it is not right", "");
    else if (store_fill_add(k->fill, c->rows) != 0)
        failed(r, "it cannot be stored", store_fill_error(k->fill));
}

static void do_part(struct intake *k, struct result *r)
{
    r->news.kind = INTAKE_PART;
    r->news.bytes = inspect_so_far(k->inspect)->bytes;
    if (store_fill_part(k->fill, &r->news.parts) != 0)
        failed(r, "it cannot be stored", store_fill_error(k->fill));
    else
        inspect_save(k->inspect, &r->text);
}

static void do_end(struct intake *k, struct result *r)
{
    r->news.kind = INTAKE_ENDS;
    if (inspect_end(k->inspect, &r->news.totals, &r->text) != 0)
        failed(r, "it is not right", "");
}

static void do_make(struct intake *k, struct result *r)
{
    r->news.kind = INTAKE_STATE;
    if (store_fill_end(k->fill, &r->news.state) != 0)
        failed(r, "it cannot be put together", store_fill_error(k->fill));
}

static void do_job(struct intake *k, const struct job *j, struct result *r)
{
    if (k->sync_first != NULL && store_sync(k->sync_first) != 0) {
        failed(r, "it cannot be stored", store_error(k->sync_first));
        return;
    }
    k->sync_first = NULL;
    switch (j->kind) {
    case JOB_CHUNK:
        do_chunk(k, &j->chunk, r);
        break;
    case JOB_PART:
        do_part(k, r);
        break;
    case JOB_END:
        do_end(k, r);
        break;
    case JOB_MAKE:
        do_make(k, r);
        break;
    }
}

static void free_job(struct job *j)
{
    buf_release(&j->rows);
    mem_free(j);
}

static struct job *take_job(struct intake *k)
{
    struct job *j = k->first;
    ASSERT(j != NULL);
    k->first = j->next;
    if (k->first == NULL)
        k->end = &k->first;
    return j;
}

static void forget_jobs(struct intake *k)
{
    while (k->first != NULL)
        free_job(take_job(k));
}

/* Keeps what the owner is to be told; with the lock. */
static void keep(struct intake *k, struct result *r)
{
    k->taken = inspect_so_far(k->inspect)->bytes;
    if (r->news.kind == INTAKE_NOTHING)
        return;
    ASSERT(k->news.kind == INTAKE_NOTHING || k->news.kind == INTAKE_PART);
    k->news = r->news;
    buf_reset(&k->text);
    buf_bytes(&k->text, buf_view(&r->text));
    k->failed = r->news.kind == INTAKE_FAILED;
    if (k->failed)
        forget_jobs(k);
}

/* One job; with the lock, which it gives up meanwhile. */
static void work(struct intake *k)
{
    struct result r = {.text = BUF_INIT};
    struct job *j = take_job(k);
    ASSERT(!k->busy && !k->failed);
    k->busy = true;
    mutex_unlock(&k->lock);
    do_job(k, j, &r);
    free_job(j);
    mutex_lock(&k->lock);
    k->busy = false;
    keep(k, &r);
    buf_release(&r.text);
}

static void *run(void *ctx)
{
    struct intake *k = ctx;
    process_thread_yields("refill");
    mutex_lock(&k->lock);
    while (!k->ending) {
        if (k->first == NULL)
            cond_wait(&k->changed, &k->lock);
        else
            work(k);
    }
    mutex_unlock(&k->lock);
    return NULL;
}

/* --- the owner's -------------------------------------------------------- */

struct intake *intake_new(struct store_fill *fill, struct inspect *inspect,
                          struct store *sync_first, bool threadless)
{
    ASSERT(fill != NULL && inspect != NULL);
    struct intake *k = mem_zalloc(sizeof(*k));
    const struct inspect_totals *t = inspect_so_far(inspect);
    k->fill = fill;
    k->inspect = inspect;
    k->sync_first = sync_first;
    k->threadless = threadless;
    k->given = (struct intake_place){t->chunks, t->hash, t->bytes};
    k->taken = t->bytes;
    k->end = &k->first;
    mutex_init(&k->lock);
    cond_init(&k->changed);
    if (!threadless)
        process_thread_start(&k->thread, run, k);
    return k;
}

bool intake_stop(struct intake *k)
{
    mutex_lock(&k->lock);
    k->ending = true;
    forget_jobs(k);
    bool busy = k->busy;
    cond_wake(&k->changed);
    mutex_unlock(&k->lock);
    return !busy;
}

void intake_free(struct intake *k)
{
    if (k == NULL)
        return;
    (void)intake_stop(k);
    int err = k->threadless ? 0 : pthread_join(k->thread, NULL);
    ASSERT(err == 0);
    store_fill_free(k->fill);
    inspect_free(k->inspect);
    buf_release(&k->told);
    buf_release(&k->text);
    cond_destroy(&k->changed);
    mutex_destroy(&k->lock);
    mem_free(k);
}

/* After a failure nothing is done any more. */
static void give(struct intake *k, struct job *j)
{
    mutex_lock(&k->lock);
    ASSERT(!k->ending);
    bool takes = !k->failed;
    if (takes) {
        *k->end = j;
        k->end = &j->next;
        cond_wake(&k->changed);
    }
    mutex_unlock(&k->lock);
    if (!takes)
        free_job(j);
}

static struct job *job_new(enum job_kind kind)
{
    struct job *j = mem_zalloc(sizeof(*j));
    j->kind = kind;
    return j;
}

void intake_chunk(struct intake *k, const struct chunk *c)
{
    struct job *j = job_new(JOB_CHUNK);
    ASSERT(c->number == k->given.chunks + 1 && c->rows.len > 0);
    buf_bytes(&j->rows, c->rows);
    j->chunk = (struct chunk){c->number, c->hash, buf_view(&j->rows)};
    k->given.chunks = c->number;
    k->given.hash = c->hash;
    k->given.bytes += c->rows.len;
    give(k, j);
}

void intake_part(struct intake *k)
{
    ASSERT(k->given.bytes > 0);
    give(k, job_new(JOB_PART));
}

void intake_end(struct intake *k)
{
    give(k, job_new(JOB_END));
}

void intake_make(struct intake *k)
{
    ASSERT(intake_is_idle(k));
    give(k, job_new(JOB_MAKE));
}

void intake_look(struct intake *k, struct intake_news *out)
{
    mutex_lock(&k->lock);
    if (k->threadless && k->first != NULL && !k->ending)
        work(k);
    *out = k->news;
    if (out->kind != INTAKE_NOTHING) {
        buf_reset(&k->told);
        buf_bytes(&k->told, buf_view(&k->text));
    }
    k->news.kind = INTAKE_NOTHING;
    mutex_unlock(&k->lock);
    if (out->kind == INTAKE_PART)
        out->saved = buf_view(&k->told);
    if (out->kind == INTAKE_FAILED)
        out->why = (const char *)k->told.data;
}

struct intake_place intake_given(const struct intake *k)
{
    return k->given;
}

uint64_t intake_taken(struct intake *k)
{
    mutex_lock(&k->lock);
    uint64_t taken = k->taken;
    mutex_unlock(&k->lock);
    ASSERT(taken <= k->given.bytes);
    return taken;
}

bool intake_is_idle(struct intake *k)
{
    mutex_lock(&k->lock);
    bool idle = k->first == NULL && !k->busy;
    mutex_unlock(&k->lock);
    return idle;
}

const struct inspect *intake_inspect(struct intake *k)
{
    ASSERT(intake_is_idle(k));
    return k->inspect;
}
