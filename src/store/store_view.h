/*
 * A view: the state as it was flushed when the view was opened, whatever is
 * written, discarded or put in its place (store_state_use) later. What is in
 * memory only is not in it, so opening one waits for nothing and writes
 * nothing.
 *
 * Threads: the store's thread opens and closes it; one thread at a time, this
 * or another one, reads it. It keeps the space of what was replaced or
 * discarded meanwhile, so it should not live long; the store is closed after
 * it.
 */
#ifndef STORE_STORE_VIEW_H
#define STORE_STORE_VIEW_H

#include "store/store.h"
#include "store/store_rows.h"

struct store_view_ops {
    int (*read)(struct store_view *v, struct bytes after, size_t bytes_max,
                struct buf *out, bool *end);
    const char *(*error)(struct store_view *v);
    void (*close)(struct store_view *v);
};

struct store_view {
    const struct store_view_ops *ops;
};

static inline struct store_view *store_view_open(struct store *s)
{
    return s->ops->view_open(s);
}

/* Asks for a view of the state as it is now, what is in memory included, and of
 * nothing that is written later. There is one at a time: the one before, if it
 * was not taken, is dropped. It may take a flush, and until that can begin the
 * store is full (store_is_full). */
static inline void store_view_ask(struct store *s)
{
    ASSERT(s->ops->view_ask != NULL);
    s->ops->view_ask(s);
}

/* The view that was asked for: the caller's from now on. ERR_AGAIN: not yet.
 * ERR_NOT_FOUND: none was asked for, or another state was put in the place of
 * that one. */
MUST_USE static inline int store_view_take(struct store *s,
                                           struct store_view **out)
{
    *out = NULL;
    return s->ops->view_take(s, out);
}

/* Nobody wants it any more. */
static inline void store_view_drop(struct store *s)
{
    s->ops->view_drop(s);
}

/* Appends the rows that come after a key (empty: all rows), in the order of
 * their keys, until `bytes_max` bytes or more were appended; at least one row,
 * unless there is none. *end: there are none after these. ERR_IO and
 * ERR_CORRUPT are final; store_view_error() has the text. */
MUST_USE static inline int store_view_read(struct store_view *v,
                                           struct bytes after, size_t bytes_max,
                                           struct buf *out, bool *end)
{
    ASSERT(bytes_max > 0);
    return v->ops->read(v, after, bytes_max, out, end);
}

static inline const char *store_view_error(struct store_view *v)
{
    return v->ops->error(v);
}

/* NULL: nothing to do. */
static inline void store_view_close(struct store_view *v)
{
    if (v != NULL)
        v->ops->close(v);
}

#endif
