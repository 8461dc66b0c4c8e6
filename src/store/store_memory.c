/*
 * Each family is three versions of a tree: `now` is what reads see, `safe` is
 * what a crash leaves (as of the last sync; of the last flush, for the
 * state), and for logged families the batches between the two are kept, so
 * that a crash can lose any number of the newest ones.
 *
 * A mutex guards it all, because a sync may come from another thread; an
 * iterator walks a version of its own without it.
 *
 * Fails only when told to (store_memory_fail), and then as a disk does: a
 * failed write or sync is the last one.
 */
#include "base/alloc.h"
#include "store/store_memory_internal.h"

#include <stdio.h>
#include <string.h>

struct memory_iter {
    struct store_iter base;
    struct store_memory *store;
    struct tree *root;
    const struct tree *at;
};

static struct store_memory *memory_of(struct store *s)
{
    return store_memory_of(s);
}

static struct memory_iter *iter_of(struct store_iter *it)
{
    return CONTAINER_OF(it, struct memory_iter, base);
}

static int find(const struct tree *root, struct bytes key, struct buf *value)
{
    const struct tree *node = tree_find(root, key);
    if (node == NULL)
        return ERR_NOT_FOUND;
    buf_bytes(value, tree_value(node));
    return 0;
}

static int memory_get(struct store *s, enum store_family family,
                      struct bytes key, struct buf *value)
{
    ASSERT(family < STORE_FAMILY_COUNT);
    struct store_memory *m = memory_of(s);
    mutex_lock(&m->lock);
    int err = store_memory_fails(m, OP_GET)
                  ? ERR_IO
                  : find(m->families[family].now, key, value);
    mutex_unlock(&m->lock);
    return err;
}

/* Every other value, so that all who use this store go both ways. The view
 * stays: only the caller's own writes change what it is of. */
static bool memory_peek(const struct store *s, struct bytes key,
                        struct bytes *value, bool *own)
{
    struct store_memory *m =
        CONTAINER_OF((struct store *)s, struct store_memory, base);
    *own = false; /* it stands for a disk, which tests damage */
    mutex_lock(&m->lock);
    const struct tree *node = tree_find(m->families[STORE_STATE].now, key);
    bool seen = node != NULL && tree_value(node).len % 2 == 0;
    if (seen)
        *value = tree_value(node);
    mutex_unlock(&m->lock);
    return seen;
}

static int memory_get_flushed(struct store *s, enum store_family family,
                              struct bytes key, struct buf *value)
{
    ASSERT(family == STORE_STATE);
    struct store_memory *m = memory_of(s);
    mutex_lock(&m->lock);
    int err = store_memory_fails(m, OP_GET)
                  ? ERR_IO
                  : find(m->families[family].safe, key, value);
    mutex_unlock(&m->lock);
    return err;
}

static int memory_write(struct store *s, const struct store_batch *b,
                        enum store_write_kind kind)
{
    struct store_memory *m = memory_of(s);
    int err = 0;
    mutex_lock(&m->lock);
    if (store_memory_fails(m, OP_WRITE)) {
        err = ERR_IO;
    } else {
        store_memory_apply(m, b, kind);
        if (kind == STORE_LOGGED)
            (void)store_memory_pend(m, b);
    }
    mutex_unlock(&m->lock);
    return err;
}

static void set_safe(struct family *f)
{
    struct tree *old = f->safe;
    f->safe = tree_retain(f->now);
    tree_release(old);
}

static void pending_free(struct store_memory *m, struct memory_pending *p)
{
    store_batch_release(&p->batch);
    tree_release(p->state);
    mem_free(p);
    ASSERT(m->pending_count > 0);
    m->pending_count--;
}

static void pending_free_all(struct store_memory *m)
{
    LIST_EACH(link, &m->pending)
    {
        list_remove(link);
        pending_free(m, CONTAINER_OF(link, struct memory_pending, link));
    }
    ASSERT(m->pending_count == 0);
}

/* A state that was put in the place of another one: what was written to it
 * since is not safe. */
static void make_states_safe(struct store_memory *m)
{
    LIST_EACH(link, &m->pending)
    {
        struct memory_pending *p =
            CONTAINER_OF(link, struct memory_pending, link);
        if (p->uses_state) {
            tree_release(m->families[STORE_STATE].safe);
            m->families[STORE_STATE].safe = tree_retain(p->state);
        }
    }
}

static void make_logged_safe(struct store_memory *m)
{
    make_states_safe(m);
    set_safe(&m->families[STORE_LOG]);
    set_safe(&m->families[STORE_META]);
    pending_free_all(m);
}

static int memory_sync(struct store *s)
{
    struct store_memory *m = memory_of(s);
    int err = 0;
    mutex_lock(&m->lock);
    if (store_memory_fails(m, OP_SYNC))
        err = ERR_IO;
    else
        make_logged_safe(m);
    mutex_unlock(&m->lock);
    return err;
}

/* Done at once, whether it is waited for or not. A flush of any family makes
 * the log before it durable. */
static int memory_flush(struct store *s, enum store_family family, bool wait)
{
    UNUSED(wait);
    ASSERT(family < STORE_FAMILY_COUNT);
    struct store_memory *m = memory_of(s);
    int err = 0;
    mutex_lock(&m->lock);
    if (m->failed)
        err = ERR_IO;
    else
        make_logged_safe(m);
    if (err == 0 && family == STORE_STATE) {
        set_safe(&m->families[STORE_STATE]);
        m->discards_safe = m->discarded.count > 0;
    }
    mutex_unlock(&m->lock);
    return err;
}

static struct tree *without_discarded(const struct store_memory *m,
                                      struct tree *t)
{
    size_t pos = 0;
    struct store_batch_op op;
    while (store_batch_next(&m->discarded, &pos, &op))
        t = tree_delete_range(t, op.key, op.value);
    return t;
}

/* Every other time, so that garbage stays for a while. */
static void memory_tidy(struct store *s)
{
    struct store_memory *m = memory_of(s);
    struct family *f = &m->families[STORE_STATE];
    mutex_lock(&m->lock);
    if (m->discards_safe && m->tidied++ % 2 == 1) {
        f->now = without_discarded(m, f->now);
        f->safe = without_discarded(m, f->safe);
        store_batch_reset(&m->discarded);
        m->discards_safe = false;
    }
    mutex_unlock(&m->lock);
}

static void measure(struct store_memory *m)
{
    const struct tree *at = tree_first_from(m->measured, BYTES_NONE, false);
    m->extent = (struct store_extent){0};
    for (; at != NULL; at = tree_first_from(m->measured, tree_key(at), true)) {
        m->extent.rows++;
        m->extent.bytes += tree_key(at).len + tree_value(at).len;
    }
}

/* Of what was flushed. */
static void memory_extent(struct store *s, struct store_extent *out)
{
    struct store_memory *m = memory_of(s);
    mutex_lock(&m->lock);
    struct tree *safe = m->families[STORE_STATE].safe;
    if (m->measured != safe) {
        tree_release(m->measured);
        m->measured = tree_retain(safe);
        measure(m);
    }
    *out = m->extent;
    mutex_unlock(&m->lock);
}

static const char *memory_error(struct store *s)
{
    return memory_of(s)->error;
}

static void memory_close(struct store *s)
{
    struct store_memory *m = memory_of(s);
    ASSERT(m->iterators == 0);
    store_memory_view_drop(s);
    pending_free_all(m);
    store_memory_copy_release(m);
    store_batch_release(&m->discarded);
    tree_release(m->measured);
    for (int i = 0; i < STORE_FAMILY_COUNT; i++) {
        tree_release(m->families[i].now);
        tree_release(m->families[i].safe);
    }
    mutex_destroy(&m->lock);
    mem_free(m);
}

static void iter_seek(struct store_iter *it, struct bytes key)
{
    struct memory_iter *i = iter_of(it);
    i->at = tree_first_from(i->root, key, false);
}

static void iter_seek_last(struct store_iter *it)
{
    struct memory_iter *i = iter_of(it);
    i->at = tree_last(i->root);
}

static bool iter_valid(struct store_iter *it)
{
    return iter_of(it)->at != NULL;
}

static void iter_next(struct store_iter *it)
{
    struct memory_iter *i = iter_of(it);
    i->at = tree_first_from(i->root, tree_key(i->at), true);
}

static void iter_prev(struct store_iter *it)
{
    struct memory_iter *i = iter_of(it);
    i->at = tree_last_before(i->root, tree_key(i->at));
}

static struct bytes iter_key(struct store_iter *it)
{
    return tree_key(iter_of(it)->at);
}

static struct bytes iter_value(struct store_iter *it)
{
    return tree_value(iter_of(it)->at);
}

static int iter_status(struct store_iter *it)
{
    UNUSED(it);
    return 0;
}

static void iter_free(struct store_iter *it)
{
    struct memory_iter *i = iter_of(it);
    mutex_lock(&i->store->lock);
    tree_release(i->root);
    ASSERT(i->store->iterators > 0);
    i->store->iterators--;
    mutex_unlock(&i->store->lock);
    mem_free(i);
}

static struct store_iter *memory_iter_new(struct store *s,
                                          enum store_family family)
{
    static const struct store_iter_ops ops = {
        .seek = iter_seek,
        .seek_last = iter_seek_last,
        .valid = iter_valid,
        .next = iter_next,
        .prev = iter_prev,
        .key = iter_key,
        .value = iter_value,
        .status = iter_status,
        .free = iter_free,
    };
    ASSERT(family < STORE_FAMILY_COUNT);
    struct store_memory *m = memory_of(s);
    struct memory_iter *i = mem_zalloc(sizeof(*i));
    i->base.ops = &ops;
    i->store = m;
    mutex_lock(&m->lock);
    i->root = tree_retain(m->families[family].now);
    m->iterators++;
    mutex_unlock(&m->lock);
    return &i->base;
}

static bool memory_full(const struct store *s)
{
    return CONTAINER_OF(s, const struct store_memory, base)->full;
}

struct store *store_memory_new(void)
{
    static const struct store_ops ops = {
        .get = memory_get,
        .get_flushed = memory_get_flushed,
        .write = memory_write,
        .sync = memory_sync,
        .flush = memory_flush,
        .iter_new = memory_iter_new,
        .extent = memory_extent,
        .tidy = memory_tidy,
        .full = memory_full,
        .peek = memory_peek,
        .view_open = store_memory_view_open,
        .view_ask = store_memory_view_ask,
        .view_take = store_memory_view_take,
        .view_drop = store_memory_view_drop,
        .fill_begin = store_memory_fill_begin,
        .state_use = store_memory_state_use,
        .error = memory_error,
        .close = memory_close,
    };
    struct store_memory *m = mem_zalloc(sizeof(*m));
    m->base.ops = &ops;
    mutex_init(&m->lock);
    list_init(&m->pending);
    return &m->base;
}

/* The batches after the first `keep`. */
static void drop_pending_from(struct store_memory *m, uint32_t keep)
{
    uint32_t at = 0;
    LIST_EACH(link, &m->pending)
    {
        if (at++ < keep)
            continue;
        list_remove(link);
        pending_free(m, CONTAINER_OF(link, struct memory_pending, link));
    }
}

struct store *store_memory_copy(struct store *s)
{
    struct store_memory *from = memory_of(s);
    struct store *copy = store_memory_new();
    struct store_memory *to = memory_of(copy);
    mutex_lock(&from->lock);
    for (int i = 0; i < STORE_FAMILY_COUNT; i++) {
        to->families[i].now = tree_retain(from->families[i].safe);
        to->families[i].safe = tree_retain(from->families[i].safe);
    }
    mutex_unlock(&from->lock);
    return copy;
}

void store_memory_crash(struct store *s, uint32_t keep)
{
    struct store_memory *m = memory_of(s);
    store_memory_view_drop(s);
    mutex_lock(&m->lock);
    ASSERT(m->iterators == 0);
    for (int i = 0; i < STORE_FAMILY_COUNT; i++) {
        tree_release(m->families[i].now);
        m->families[i].now = tree_retain(m->families[i].safe);
    }
    store_batch_reset(&m->discarded); /* perhaps never flushed */
    m->discards_safe = false;
    uint32_t done = 0;
    LIST_EACH(link, &m->pending)
    {
        if (done++ >= keep)
            break;
        struct memory_pending *p =
            CONTAINER_OF(link, struct memory_pending, link);
        store_memory_apply(m, &p->batch, STORE_LOGGED);
        if (p->uses_state)
            store_memory_put_state(m, p->state);
    }
    drop_pending_from(m, keep);
    /* What survived is on the disk from now on. */
    make_logged_safe(m);
    store_memory_copy_crash(m);
    memset(m->fail_after, 0, sizeof(m->fail_after));
    m->failed = false;
    mutex_unlock(&m->lock);
}

uint32_t store_memory_unsynced(const struct store *s)
{
    return CONTAINER_OF(s, const struct store_memory, base)->pending_count;
}

void store_memory_fail(struct store *s, const char *operation, uint64_t n)
{
    struct store_memory *m = memory_of(s);
    enum memory_operation op = OP_COUNT;
    if (strcmp(operation, "get") == 0)
        op = OP_GET;
    else if (strcmp(operation, "write") == 0)
        op = OP_WRITE;
    else if (strcmp(operation, "sync") == 0)
        op = OP_SYNC;
    ASSERT(op != OP_COUNT);
    mutex_lock(&m->lock);
    m->fail_after[op] = n;
    if (n == 0)
        m->failed = false;
    mutex_unlock(&m->lock);
}

void store_memory_set_full(struct store *s, bool full)
{
    memory_of(s)->full = full;
}
