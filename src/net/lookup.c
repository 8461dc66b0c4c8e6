/*
 * How it works: the thread looks the name up and wakes the loop, which tells
 * the owner and frees all. If the owner has cancelled meanwhile, nobody is
 * woken, and the thread frees it as its last act.
 *
 * How it fails: a name that is not found is a result like any other.
 */
#include "net/lookup.h"

#include "base/alloc.h"
#include "os/mutex.h"
#include "os/process.h"

struct lookup {
    struct loop *loop;
    struct loop_async wake;
    struct lookup_order order;
    char *address;

    struct mutex lock; /* of what follows */
    bool cancelled;
    bool finished;
    int err;
    struct address result;
};

static void release(struct lookup *k)
{
    mutex_destroy(&k->lock);
    mem_free(k->address);
    mem_free(k);
}

static void *run(void *ctx)
{
    struct lookup *k = ctx;
    struct address found = {.len = 0};
    int err = k->order.look_up(bytes_str(k->address), k->order.nth, &found);
    ASSERT(err != 0 || found.len > 0);
    mutex_lock(&k->lock);
    k->err = err;
    k->result = found;
    k->finished = true;
    bool orphan = k->cancelled;
    if (!orphan)
        loop_async_send(&k->wake);
    mutex_unlock(&k->lock);
    if (orphan)
        release(k);
    return NULL;
}

static void woken(void *ctx)
{
    struct lookup *k = ctx;
    mutex_lock(&k->lock); /* the thread lets it go, and is done with it */
    ASSERT(k->finished && !k->cancelled);
    mutex_unlock(&k->lock);
    loop_async_stop(k->loop, &k->wake);
    k->order.done(k->order.ctx, k->err, k->err == 0 ? &k->result : NULL);
    release(k);
}

struct lookup *lookup_start(struct loop *l, const struct lookup_order *order)
{
    ASSERT(order->look_up != NULL && order->done != NULL);
    struct lookup *k = mem_zalloc(sizeof(*k));
    k->loop = l;
    k->order = *order;
    k->address = mem_strdup(order->address);
    k->wake = (struct loop_async){NULL, woken, k};
    mutex_init(&k->lock);
    loop_async_start(l, &k->wake);
    if (process_thread_detached(run, k) == 0)
        return k;
    loop_async_stop(l, &k->wake);
    release(k);
    return NULL;
}

void lookup_cancel(struct lookup *k)
{
    mutex_lock(&k->lock);
    ASSERT(!k->cancelled);
    k->cancelled = true;
    loop_async_stop(k->loop, &k->wake);
    bool finished = k->finished;
    mutex_unlock(&k->lock); /* from now on it may be the thread's to free */
    if (finished)
        release(k);
}
