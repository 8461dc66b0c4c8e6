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
#include "store/store_memory.h"

#include "base/alloc.h"
#include "base/list.h"
#include "os/mutex.h"
#include "store/tree.h"

#include <stdio.h>
#include <string.h>

enum operation { OP_GET, OP_WRITE, OP_SYNC, OP_COUNT };

struct family {
    struct tree *now;
    struct tree *safe;
};

/* An unsynced batch. */
struct pending {
    struct list link;
    struct store_batch batch;
};

struct store_memory {
    struct store base;
    struct mutex lock;
    struct family families[STORE_FAMILY_COUNT];
    struct list pending;
    uint32_t pending_count;
    uint64_t fail_after[OP_COUNT]; /* 0: never; 1: the next and all later */
    bool failed;                   /* a write or sync has failed */
    bool full;
    struct store_batch discarded; /* ranges of the state */
    bool discards_safe;           /* all of them were flushed */
    uint32_t tidied;
    struct tree *measured; /* the version whose extent is known */
    struct store_extent extent;
    uint32_t iterators;
    char error[64];
};

struct memory_iter {
    struct store_iter base;
    struct store_memory *store;
    struct tree *root;
    const struct tree *at;
};

static struct store_memory *memory_of(struct store *s)
{
    return CONTAINER_OF(s, struct store_memory, base);
}

static struct memory_iter *iter_of(struct store_iter *it)
{
    return CONTAINER_OF(it, struct memory_iter, base);
}

/* Whether this operation is to fail. */
static bool fails(struct store_memory *m, enum operation op)
{
    static const char *const names[OP_COUNT] = {"get", "write", "sync"};
    bool now = m->fail_after[op] == 1;
    if (m->fail_after[op] > 1)
        m->fail_after[op]--;
    if (op != OP_GET)
        now = now || m->failed;
    if (!now)
        return false;
    if (op != OP_GET)
        m->failed = true;
    snprintf(m->error, sizeof(m->error), "store in memory: %s failed, as told",
             names[op]);
    return true;
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
    int err =
        fails(m, OP_GET) ? ERR_IO : find(m->families[family].now, key, value);
    mutex_unlock(&m->lock);
    return err;
}

/* Every other value, so that all who use this store go both ways. The view
 * stays: only the caller's own writes change what it is of. */
static bool memory_peek(const struct store *s, struct bytes key,
                        struct bytes *value)
{
    struct store_memory *m =
        CONTAINER_OF((struct store *)s, struct store_memory, base);
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
    int err =
        fails(m, OP_GET) ? ERR_IO : find(m->families[family].safe, key, value);
    mutex_unlock(&m->lock);
    return err;
}

static struct tree *apply_op(struct tree *t, const struct store_batch_op *op)
{
    switch (op->op) {
    case STORE_OP_PUT:
        return tree_put(t, op->key, op->value);
    case STORE_OP_DELETE:
        return tree_delete(t, op->key);
    case STORE_OP_DELETE_RANGE:
        return tree_delete_range(t, op->key, op->value);
    case STORE_OP_DISCARD:
        /* The state keeps it until it is tidied, so that a reader who is
         * misled by it is found; the log would grow without bound. */
        return op->family == STORE_STATE
                   ? t
                   : tree_delete_range(t, op->key, op->value);
    }
    ASSERT(op->op == STORE_OP_PUT); /* not reached: the batch checked it */
    return t;
}

static void remember_discard(struct store_memory *m,
                             const struct store_batch_op *op)
{
    store_batch_discard(&m->discarded, STORE_STATE, op->key, op->value);
    m->discards_safe = false;
}

static void apply(struct store_memory *m, const struct store_batch *b,
                  enum store_write_kind kind)
{
    size_t pos = 0;
    struct store_batch_op op;
    while (store_batch_next(b, &pos, &op)) {
        ASSERT((op.family == STORE_STATE) == (kind == STORE_UNLOGGED));
        struct family *f = &m->families[op.family];
        f->now = apply_op(f->now, &op);
        if (op.op == STORE_OP_DISCARD && op.family == STORE_STATE)
            remember_discard(m, &op);
    }
}

static void keep_pending(struct store_memory *m, const struct store_batch *b)
{
    ASSERT(m->pending_count < UINT32_MAX);
    struct pending *p = mem_zalloc(sizeof(*p));
    store_batch_copy(&p->batch, b);
    list_append(&m->pending, &p->link);
    m->pending_count++;
}

static int memory_write(struct store *s, const struct store_batch *b,
                        enum store_write_kind kind)
{
    struct store_memory *m = memory_of(s);
    int err = 0;
    mutex_lock(&m->lock);
    if (fails(m, OP_WRITE)) {
        err = ERR_IO;
    } else {
        apply(m, b, kind);
        if (kind == STORE_LOGGED)
            keep_pending(m, b);
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

static void pending_free(struct store_memory *m)
{
    LIST_EACH(link, &m->pending)
    {
        struct pending *p = CONTAINER_OF(link, struct pending, link);
        list_remove(link);
        store_batch_release(&p->batch);
        mem_free(p);
        ASSERT(m->pending_count > 0);
        m->pending_count--;
    }
    ASSERT(m->pending_count == 0);
}

static void make_logged_safe(struct store_memory *m)
{
    set_safe(&m->families[STORE_LOG]);
    set_safe(&m->families[STORE_META]);
    pending_free(m);
}

static int memory_sync(struct store *s)
{
    struct store_memory *m = memory_of(s);
    int err = 0;
    mutex_lock(&m->lock);
    if (fails(m, OP_SYNC))
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
    pending_free(m);
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
        .error = memory_error,
        .close = memory_close,
    };
    struct store_memory *m = mem_zalloc(sizeof(*m));
    m->base.ops = &ops;
    mutex_init(&m->lock);
    list_init(&m->pending);
    return &m->base;
}

void store_memory_crash(struct store *s, uint32_t keep)
{
    struct store_memory *m = memory_of(s);
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
        apply(m, &CONTAINER_OF(link, struct pending, link)->batch,
              STORE_LOGGED);
    }
    /* What survived is on the disk from now on. */
    make_logged_safe(m);
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
    enum operation op = OP_COUNT;
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
