/*
 * A lock around each read.
 *
 * How it fails: as the view does; the first text is kept, for all.
 */
#include "snapshot/share.h"

#include "base/alloc.h"
#include "os/mutex.h"

#include <stdio.h>

#define ERROR_SIZE 512

struct shared {
    struct store_view base;
    struct store_view *view;
    struct mutex lock;
    bool failed;
    char error[ERROR_SIZE];
};

static struct shared *shared_of(struct store_view *v)
{
    return CONTAINER_OF(v, struct shared, base);
}

static int shared_read(struct store_view *v, struct bytes after,
                       size_t bytes_max, struct buf *out, bool *end)
{
    struct shared *s = shared_of(v);
    mutex_lock(&s->lock);
    int err = store_view_read(s->view, after, bytes_max, out, end);
    if (err != 0 && !s->failed) {
        s->failed = true;
        snprintf(s->error, sizeof(s->error), "%s", store_view_error(s->view));
    }
    mutex_unlock(&s->lock);
    return err;
}

static const char *shared_error(struct store_view *v)
{
    return shared_of(v)->error;
}

static void shared_close(struct store_view *v)
{
    struct shared *s = shared_of(v);
    store_view_close(s->view);
    mutex_destroy(&s->lock);
    mem_free(s);
}

struct store_view *share_view(struct store_view *view)
{
    static const struct store_view_ops ops = {
        .read = shared_read,
        .error = shared_error,
        .close = shared_close,
    };
    ASSERT(view != NULL);
    struct shared *s = mem_zalloc(sizeof(*s));
    s->base.ops = &ops;
    s->view = view;
    mutex_init(&s->lock);
    return &s->base;
}
