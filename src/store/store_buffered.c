/*
 * How it works. `active` takes the writes, `frozen` is the table before it.
 * When the active one is full, or a flush is asked for, the frozen one goes,
 * the active one takes its place, and the thread begins to write it down;
 * until that is done there is no next time: the active table may grow to
 * twice its size, and then the store is full: a writer that does not ask
 * waits.
 *
 * A read asks the active table, the frozen one, and then below; what it finds
 * there is kept in the active table, if it is small. Iterators merge all
 * three (store_merge.h); while one lives nothing is kept and nothing written,
 * so they need no versions.
 *
 * A view of what the tables have at some moment: the active one is frozen
 * before the next write, and when it is down the store below is what was asked
 * for, until the next table goes there. So the view is opened before that,
 * whether somebody takes it by then or not.
 *
 * A table that deletes much is written down before it is full, because the
 * space of what it deletes is not free before.
 *
 * The frozen table is read by both threads and changed by none.
 *
 * How it fails: the first failure of the thread is the result of every later
 * write and flush, as store.h has it; the text is that of the store below.
 * Reads go on: both tables stay as they are, and answer.
 */
#include "store/store_buffered.h"

#include "base/alloc.h"
#include "os/mutex.h"
#include "os/process.h"
#include "store/store_fill.h"
#include "store/store_merge.h"
#include "store/store_view.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define BLOCK_MAX   (1024u * 1024u)
#define WRITE_AHEAD 16 /* operations */
/* Larger values are left to the cache of the store below. */
#define KEEP_MAX (64u * 1024u)
/* Deletions are written down early if they are so many, and one for so many
 * rows below; at the latest after so many looks. */
#define TIDY_ROWS_MIN  1000u
#define TIDY_PART      32
#define TIDY_LOOKS_MAX 10

/* Of the view that was asked for. */
enum asked_view {
    VIEW_NONE,
    VIEW_WAITS,  /* until the table before is down */
    VIEW_FROZEN, /* its last rows are in the frozen table */
    VIEW_OPEN,
};

struct store_buffered {
    struct store base;
    struct store *below;
    store_ingest *ingest;
    struct memtable *active;
    struct memtable *frozen; /* NULL at first */
    size_t limit;            /* of a table, in bytes */
    size_t due;              /* of this table: the first may be smaller */
    size_t block;
    uint64_t seed;
    bool again;          /* a flush was asked for while one was under way */
    bool written;        /* since store_tidy() has looked */
    uint32_t tidy_looks; /* since it has been worth it */
    uint64_t looked;     /* for rows below */
    uint32_t iterators;
    enum asked_view asked;
    struct store_view *view; /* VIEW_OPEN */

    pthread_t thread;
    struct mutex lock;
    struct cond changed;
    bool ending;
    atomic_bool busy;  /* the thread has `frozen` to write */
    atomic_int failed; /* the error that was first; 0 */
};

static struct store_buffered *buffered_of(struct store *s)
{
    return CONTAINER_OF(s, struct store_buffered, base);
}

static void *thread_main(void *ctx)
{
    struct store_buffered *b = ctx;
    process_thread_yields("tables");
    mutex_lock(&b->lock);
    for (;;) {
        while (!atomic_load(&b->busy) && !b->ending)
            cond_wait(&b->changed, &b->lock);
        if (!atomic_load(&b->busy))
            break;
        mutex_unlock(&b->lock);
        int err = b->ingest(b->below, b->frozen);
        mutex_lock(&b->lock);
        if (err != 0)
            atomic_store(&b->failed, err);
        atomic_store(&b->busy, false);
        cond_wake(&b->changed);
    }
    mutex_unlock(&b->lock);
    return NULL;
}

static void wait_until_idle(struct store_buffered *b)
{
    mutex_lock(&b->lock);
    while (atomic_load(&b->busy))
        cond_wait(&b->changed, &b->lock);
    mutex_unlock(&b->lock);
}

/* Is the frozen table in the store below? Never again after a failure. */
static bool is_down(const struct store_buffered *b)
{
    return !atomic_load(&b->busy) && atomic_load(&b->failed) == 0;
}

/* The store below has what was asked for, and nothing more. */
static void open_asked(struct store_buffered *b)
{
    ASSERT(is_down(b) && b->asked == VIEW_FROZEN && b->view == NULL);
    b->view = store_view_open(b->below);
    b->asked = VIEW_OPEN;
}

/* Begins a new table; the thread gets the old one, if there is anything in
 * it that is not below. */
static void freeze(struct store_buffered *b)
{
    ASSERT(is_down(b) && b->iterators == 0);
    if (b->asked == VIEW_FROZEN)
        open_asked(b);
    if (b->asked == VIEW_WAITS)
        b->asked = VIEW_FROZEN;
    memtable_free(b->frozen);
    b->frozen = b->active;
    b->active = memtable_new(b->block, b->seed);
    b->due = b->limit;
    b->again = false;
    if (!memtable_dirty(b->frozen))
        return;
    mutex_lock(&b->lock);
    atomic_store(&b->busy, true);
    cond_wake(&b->changed);
    mutex_unlock(&b->lock);
}

/* Freezes when it is time. */
static void rotate(struct store_buffered *b)
{
    bool due = memtable_bytes(b->active) >= b->due || b->again ||
               b->asked == VIEW_WAITS;
    if (due && is_down(b))
        freeze(b);
}

static bool buffered_full(const struct store *s)
{
    const struct store_buffered *b =
        CONTAINER_OF(s, struct store_buffered, base);
    return atomic_load(&b->busy) &&
           (memtable_bytes(b->active) >= 2 * b->limit ||
            b->asked == VIEW_WAITS);
}

/* Both tables become files, but for what they only keep. */
static void buffered_space(const struct store *s, struct store_space *out)
{
    const struct store_buffered *b =
        CONTAINER_OF(s, struct store_buffered, base);
    store_space(b->below, out);
    out->promised += memtable_bytes(b->active);
    if (!is_down(b))
        out->promised += memtable_bytes(b->frozen);
}

static void buffered_expect(const struct store *s, const struct bytes *keys,
                            size_t count)
{
    const struct store_buffered *b =
        CONTAINER_OF(s, struct store_buffered, base);
    const struct memtable *tables[] = {b->active, b->frozen};
    memtable_expect(tables, b->frozen != NULL ? 2 : 1, keys, count);
}

static enum memtable_kind look(const struct store_buffered *b, struct bytes key,
                               struct bytes *value)
{
    enum memtable_kind kind = memtable_get(b->active, key, value);
    if (kind == MEMTABLE_UNKNOWN && b->frozen != NULL)
        kind = memtable_get(b->frozen, key, value);
    return kind;
}

static bool buffered_peek(const struct store *s, struct bytes key,
                          struct bytes *value, bool *own)
{
    const struct store_buffered *b =
        CONTAINER_OF(s, struct store_buffered, base);
    enum memtable_kind kind = look(b, key, value);
    *own = kind == MEMTABLE_VALUE;
    return kind == MEMTABLE_VALUE || kind == MEMTABLE_COPY;
}

static void keep(struct store_buffered *b, struct bytes key, struct bytes value)
{
    if (value.len > KEEP_MAX || b->iterators > 0)
        return;
    if (memtable_bytes(b->active) >= b->limit && !is_down(b))
        return;
    memtable_keep(b->active, key, value);
    rotate(b);
}

/* What the tables say of a key: 0, ERR_NOT_FOUND, or 1: ask below. */
static int get_in_memory(const struct store_buffered *b, struct bytes key,
                         struct buf *value)
{
    struct bytes found;
    switch (look(b, key, &found)) {
    case MEMTABLE_DELETED:
        return ERR_NOT_FOUND;
    case MEMTABLE_VALUE:
    case MEMTABLE_COPY:
        buf_bytes(value, found);
        return 0;
    case MEMTABLE_UNKNOWN:
        break;
    }
    return 1;
}

static int buffered_get(struct store *s, enum store_family family,
                        struct bytes key, struct buf *value)
{
    struct store_buffered *b = buffered_of(s);
    if (family != STORE_STATE)
        return store_get(b->below, family, key, value);
    int err = get_in_memory(b, key, value);
    if (err <= 0)
        return err;
    size_t before = value->len;
    b->looked++;
    err = store_get(b->below, family, key, value);
    if (err == 0)
        keep(b, key, bytes_from(buf_view(value), before));
    return err;
}

static int buffered_get_once(struct store *s, enum store_family family,
                             struct bytes key, struct buf *value)
{
    struct store_buffered *b = buffered_of(s);
    int err = family == STORE_STATE ? get_in_memory(b, key, value) : 1;
    if (err <= 0)
        return err;
    b->looked += family == STORE_STATE;
    return store_get_once(b->below, family, key, value);
}

static uint64_t buffered_looked(const struct store *s)
{
    return CONTAINER_OF(s, struct store_buffered, base)->looked;
}

static int buffered_get_flushed(struct store *s, enum store_family family,
                                struct bytes key, struct buf *value)
{
    return store_get_flushed(buffered_of(s)->below, family, key, value);
}

static void apply(struct memtable *m, const struct store_batch_op *op)
{
    ASSERT(op->family == STORE_STATE);
    switch (op->op) {
    case STORE_OP_PUT:
        memtable_put(m, op->key, op->value);
        break;
    case STORE_OP_DELETE:
        memtable_delete(m, op->key);
        break;
    case STORE_OP_DISCARD:
        memtable_discard(m, op->key, op->value);
        break;
    case STORE_OP_DELETE_RANGE:
        ASSERT(op->op != STORE_OP_DELETE_RANGE); /* store.h */
        break;
    }
}

/* The keys of the next operations; how many. */
static size_t next_keys(const struct store_batch *batch, size_t pos,
                        struct bytes keys[WRITE_AHEAD])
{
    struct store_batch_op op;
    size_t count = 0;
    while (count < WRITE_AHEAD && store_batch_next(batch, &pos, &op))
        keys[count++] = op.key;
    return count;
}

static int buffered_write(struct store *s, const struct store_batch *batch,
                          enum store_write_kind kind)
{
    struct store_buffered *b = buffered_of(s);
    struct store_batch_op op;
    size_t pos = 0;
    if (kind == STORE_LOGGED)
        return store_write(b->below, batch, kind);
    ASSERT(b->iterators == 0);
    if (buffered_full(s))
        wait_until_idle(b);
    int failed = atomic_load(&b->failed); /* it may have failed meanwhile */
    if (failed != 0)
        return failed;
    rotate(b);
    b->written = true;
    const struct memtable *table = b->active;
    for (size_t count = 1; count > 0;) {
        struct bytes keys[WRITE_AHEAD];
        count = next_keys(batch, pos, keys);
        memtable_expect(&table, 1, keys, count);
        for (size_t i = 0; i < count; i++) {
            if (store_batch_next(batch, &pos, &op))
                apply(b->active, &op);
        }
    }
    return 0;
}

static int buffered_sync(struct store *s)
{
    struct store_buffered *b = buffered_of(s);
    int failed = atomic_load(&b->failed);
    return failed != 0 ? failed : store_sync(b->below);
}

static int buffered_flush(struct store *s, enum store_family family, bool wait)
{
    struct store_buffered *b = buffered_of(s);
    if (family != STORE_STATE)
        return store_flush(b->below, family, wait);
    b->again = memtable_dirty(b->active);
    if (wait)
        wait_until_idle(b);
    rotate(b);
    if (wait)
        wait_until_idle(b);
    int failed = atomic_load(&b->failed);
    return failed != 0 ? failed : store_flush(b->below, family, wait);
}

static void buffered_extent(struct store *s, struct store_extent *out)
{
    store_extent(buffered_of(s)->below, out);
}

/* Whether what the active table deletes takes much of the space below. */
static bool frees_much(struct store_buffered *b)
{
    struct store_extent below;
    store_extent(b->below, &below);
    return memtable_discards(b->active) > 0 ||
           memtable_deletions(b->active) >=
               MAX(TIDY_ROWS_MIN, below.rows / TIDY_PART);
}

/* Once it is quiet; but who writes without a pause gets his space, too. */
static void buffered_tidy(struct store *s)
{
    struct store_buffered *b = buffered_of(s);
    b->tidy_looks = frees_much(b) ? b->tidy_looks + 1 : 0;
    if (b->tidy_looks > 0 && (!b->written || b->tidy_looks >= TIDY_LOOKS_MAX)) {
        b->tidy_looks = 0;
        b->again = true;
        rotate(b);
    }
    b->written = false;
    store_tidy(b->below);
}

/* What is in memory only is not part of it. */
static struct store_view *buffered_view_open(struct store *s)
{
    return store_view_open(buffered_of(s)->below);
}

static void buffered_view_drop(struct store *s)
{
    struct store_buffered *b = buffered_of(s);
    store_view_close(b->view);
    b->view = NULL;
    b->asked = VIEW_NONE;
}

static void buffered_view_ask(struct store *s)
{
    struct store_buffered *b = buffered_of(s);
    buffered_view_drop(s);
    b->asked = VIEW_WAITS;
    rotate(b);
}

static int buffered_view_take(struct store *s, struct store_view **out)
{
    struct store_buffered *b = buffered_of(s);
    rotate(b);
    if (b->asked == VIEW_FROZEN && is_down(b))
        open_asked(b);
    if (b->asked != VIEW_OPEN)
        return b->asked == VIEW_NONE ? ERR_NOT_FOUND : ERR_AGAIN;
    *out = b->view;
    b->view = NULL;
    b->asked = VIEW_NONE;
    return 0;
}

static int buffered_fill_begin(struct store *s, uint32_t parts,
                               struct bytes after, struct store_fill **out)
{
    return store_fill_begin(buffered_of(s)->below, parts, after, out);
}

/* The tables are the old state's; what is being written down goes on to be, so
 * that no table meets another state. */
static int buffered_state_use(struct store *s, const struct store_batch *batch,
                              uint64_t state)
{
    struct store_buffered *b = buffered_of(s);
    ASSERT(b->iterators == 0);
    wait_until_idle(b);
    int err = atomic_load(&b->failed);
    if (err == 0)
        err = store_state_use(b->below, batch, state);
    if (err != 0)
        return err;
    buffered_view_drop(s);
    memtable_free(b->frozen);
    memtable_free(b->active);
    b->frozen = NULL;
    b->active = memtable_new(b->block, b->seed);
    b->again = false;
    ASSERT(is_down(b));
    return 0;
}

static const char *buffered_error(struct store *s)
{
    return store_error(buffered_of(s)->below);
}

/* Writes what is left to the store below, so that the next start has less to
 * redo; not after a failure, nor without space. */
static void buffered_close(struct store *s)
{
    struct store_buffered *b = buffered_of(s);
    ASSERT(b->iterators == 0);
    buffered_view_drop(s);
    store_ending(b->below);
    int ignored = buffered_flush(s, STORE_STATE, true);
    UNUSED(ignored);
    mutex_lock(&b->lock);
    b->ending = true;
    cond_wake(&b->changed);
    mutex_unlock(&b->lock);
    int err = pthread_join(b->thread, NULL);
    ASSERT(err == 0);
    cond_destroy(&b->changed);
    mutex_destroy(&b->lock);
    memtable_free(b->active);
    memtable_free(b->frozen);
    store_close(b->below);
    mem_free(b);
}

static struct store_iter *buffered_iter_new(struct store *s,
                                            enum store_family family)
{
    struct store_buffered *b = buffered_of(s);
    struct store_iter *below = store_iter_new(b->below, family);
    if (family != STORE_STATE)
        return below;
    return store_merge_new(b->active, b->frozen, below, &b->iterators);
}

struct store *store_buffered_new(struct store *below, store_ingest *ingest,
                                 size_t bytes, size_t first, uint64_t seed)
{
    static const struct store_ops ops = {
        .get = buffered_get,
        .get_once = buffered_get_once,
        .get_flushed = buffered_get_flushed,
        .write = buffered_write,
        .sync = buffered_sync,
        .flush = buffered_flush,
        .iter_new = buffered_iter_new,
        .extent = buffered_extent,
        .tidy = buffered_tidy,
        .full = buffered_full,
        .space = buffered_space,
        .peek = buffered_peek,
        .expect = buffered_expect,
        .looked = buffered_looked,
        .view_open = buffered_view_open,
        .view_ask = buffered_view_ask,
        .view_take = buffered_view_take,
        .view_drop = buffered_view_drop,
        .fill_begin = buffered_fill_begin,
        .state_use = buffered_state_use,
        .error = buffered_error,
        .close = buffered_close,
    };
    ASSERT(below != NULL && ingest != NULL && bytes > 0);
    struct store_buffered *b = mem_zalloc(sizeof(*b));
    b->base.ops = &ops;
    b->below = below;
    b->ingest = ingest;
    b->limit = bytes / 2;
    b->due = MIN(first, b->limit);
    b->block = MIN(BLOCK_MAX, MAX(bytes / 32, 1));
    b->seed = seed;
    b->active = memtable_new(b->block, b->seed);
    atomic_init(&b->busy, false);
    atomic_init(&b->failed, 0);
    mutex_init(&b->lock);
    cond_init(&b->changed);
    process_thread_start(&b->thread, thread_main, b);
    return &b->base;
}

struct store *store_buffered_below(struct store *s)
{
    return buffered_of(s)->below;
}
