/*
 * How it works. There is one range to be dropped: who asks again before it was
 * begun makes it larger.
 *
 * How it fails: as a write does, for good (rocks_error.c).
 */
#include "rocks/log_cut.h"

#include "base/alloc.h"
#include "os/process.h"
#include "rocks/rocks_internal.h"

struct log_cut {
    struct rocks *rocks;
    pthread_t thread;
    struct mutex lock;
    struct cond changed;
    bool ending;
    struct buf begin;
    struct buf end; /* empty: nothing is asked for */
};

/* Drops the files that hold nothing else, for nothing; what shares a file
 * with something else stays until it is merged into others, and a later call
 * for the same range gets it then. RocksDB takes the end as part of the
 * range, and would drop a file that ends with that very key. */
char *rocks_drop_files(struct rocks *r, enum store_family family,
                       struct bytes begin, struct bytes end)
{
    char *why = NULL;
    struct buf last = BUF_INIT;
    store_key_below(end, &last);
    rocksdb_delete_file_in_range_cf(r->db, rocks_handle(r, family),
                                    (const char *)begin.data, begin.len,
                                    (const char *)last.data, last.len, &why);
    buf_release(&last);
    return why;
}

/* With the lock, which it gives up meanwhile. */
static void drop(struct log_cut *c)
{
    struct buf begin = c->begin;
    struct buf end = c->end;
    c->begin = BUF_INIT;
    c->end = BUF_INIT;
    mutex_unlock(&c->lock);
    char *why =
        rocks_drop_files(c->rocks, STORE_LOG, buf_view(&begin), buf_view(&end));
    if (why != NULL)
        (void)rocks_write_failed(c->rocks, "dropping files of the log", why);
    rocksdb_free(why);
    buf_release(&begin);
    buf_release(&end);
    mutex_lock(&c->lock);
}

static void *run(void *ctx)
{
    struct log_cut *c = ctx;
    process_thread_yields("log-cut");
    mutex_lock(&c->lock);
    while (!c->ending) {
        if (c->end.len == 0)
            cond_wait(&c->changed, &c->lock);
        else
            drop(c);
    }
    mutex_unlock(&c->lock);
    return NULL;
}

static void set(struct buf *to, struct bytes key)
{
    buf_reset(to);
    buf_bytes(to, key);
}

void log_cut_ask(struct log_cut *c, struct bytes begin, struct bytes end)
{
    ASSERT(bytes_cmp(begin, end) < 0);
    mutex_lock(&c->lock);
    if (c->end.len == 0 || bytes_cmp(begin, buf_view(&c->begin)) < 0)
        set(&c->begin, begin);
    if (c->end.len == 0 || bytes_cmp(end, buf_view(&c->end)) > 0)
        set(&c->end, end);
    cond_wake(&c->changed);
    mutex_unlock(&c->lock);
}

struct log_cut *log_cut_new(struct rocks *r)
{
    ASSERT(r->db != NULL);
    struct log_cut *c = mem_zalloc(sizeof(*c));
    c->rocks = r;
    mutex_init(&c->lock);
    cond_init(&c->changed);
    process_thread_start(&c->thread, run, c);
    return c;
}

void log_cut_free(struct log_cut *c)
{
    if (c == NULL)
        return;
    mutex_lock(&c->lock);
    c->ending = true;
    cond_wake(&c->changed);
    mutex_unlock(&c->lock);
    int err = pthread_join(c->thread, NULL);
    ASSERT(err == 0);
    buf_release(&c->begin);
    buf_release(&c->end);
    cond_destroy(&c->changed);
    mutex_destroy(&c->lock);
    mem_free(c);
}
