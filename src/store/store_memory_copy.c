/*
 * Views and fills of the store in memory: versions of the tree (tree.h). A view
 * is the one that a crash would leave; a fill makes another one, and keeps a
 * version for each part. All of it is under the store's lock, since counts of
 * trees are plain numbers.
 *
 * How it fails: as the store does, when told to; rows from outside that are
 * none are ERR_CORRUPT.
 */
#include "base/alloc.h"
#include "store/store_fill.h"
#include "store/store_memory_internal.h"
#include "store/store_view.h"

struct memory_view {
    struct store_view base;
    struct store_memory *store;
    struct tree *root;
};

struct memory_fill {
    struct store_fill base;
    struct store_memory *store;
    struct tree *root;
    struct buf last; /* the last key; empty: there is none */
    bool changed;    /* since the last part was ended */
    bool bad;
};

static struct memory_view *view_of(struct store_view *v)
{
    return CONTAINER_OF(v, struct memory_view, base);
}

static struct memory_fill *fill_of(struct store_fill *f)
{
    return CONTAINER_OF(f, struct memory_fill, base);
}

static int view_read(struct store_view *view, struct bytes after,
                     size_t bytes_max, struct buf *out, bool *end)
{
    struct memory_view *v = view_of(view);
    size_t before = out->len;
    mutex_lock(&v->store->lock);
    bool failed = store_memory_fails(v->store, OP_GET);
    const struct tree *at = tree_first_from(v->root, after, true);
    while (!failed && at != NULL && out->len - before < bytes_max) {
        store_row_append(out, tree_key(at), tree_value(at));
        at = tree_first_from(v->root, tree_key(at), true);
    }
    mutex_unlock(&v->store->lock);
    *end = at == NULL;
    return failed ? ERR_IO : 0;
}

static const char *view_error(struct store_view *view)
{
    return view_of(view)->store->error;
}

static void view_close(struct store_view *view)
{
    struct memory_view *v = view_of(view);
    mutex_lock(&v->store->lock);
    tree_release(v->root);
    ASSERT(v->store->views > 0);
    v->store->views--;
    mutex_unlock(&v->store->lock);
    mem_free(v);
}

static struct store_view *open_view(struct store_memory *m, bool flushed)
{
    static const struct store_view_ops ops = {
        .read = view_read,
        .error = view_error,
        .close = view_close,
    };
    struct memory_view *v = mem_zalloc(sizeof(*v));
    v->base.ops = &ops;
    v->store = m;
    mutex_lock(&m->lock);
    struct family *f = &m->families[STORE_STATE];
    v->root = tree_retain(flushed ? f->safe : f->now);
    m->views++;
    mutex_unlock(&m->lock);
    return &v->base;
}

struct store_view *store_memory_view_open(struct store *s)
{
    return open_view(store_memory_of(s), true);
}

void store_memory_view_drop(struct store *s)
{
    struct store_memory *m = store_memory_of(s);
    store_view_close(m->asked);
    m->asked = NULL;
}

void store_memory_view_ask(struct store *s)
{
    struct store_memory *m = store_memory_of(s);
    store_memory_view_drop(s);
    m->asked = open_view(m, false);
    m->asked_looks = 0;
}

/* Not at the first look, so that all who use this store ask again. */
int store_memory_view_take(struct store *s, struct store_view **out)
{
    struct store_memory *m = store_memory_of(s);
    if (m->asked == NULL)
        return ERR_NOT_FOUND;
    if (m->asked_looks++ == 0)
        return ERR_AGAIN;
    *out = m->asked;
    m->asked = NULL;
    return 0;
}

/* The rows before one that is bad may have been added. */
static int fill_add(struct store_fill *fill, struct bytes rows)
{
    struct memory_fill *f = fill_of(fill);
    struct store_row row;
    mutex_lock(&f->store->lock);
    while (!f->bad && rows.len > 0) {
        f->bad = !store_row_next(&rows, &row) ||
                 bytes_cmp(row.key, buf_view(&f->last)) <= 0;
        if (f->bad)
            break;
        f->root = tree_put(f->root, row.key, row.value);
        f->changed = true;
        buf_reset(&f->last);
        buf_bytes(&f->last, row.key);
    }
    mutex_unlock(&f->store->lock);
    return f->bad ? ERR_CORRUPT : 0;
}

static int fill_part(struct store_fill *fill, uint32_t *parts)
{
    struct memory_fill *f = fill_of(fill);
    struct store_memory *m = f->store;
    int err = 0;
    ASSERT(!f->bad);
    mutex_lock(&m->lock);
    if (m->failed)
        err = ERR_IO;
    if (err == 0 && f->changed) {
        ASSERT(m->part_count < MEMORY_PARTS_MAX);
        m->parts[m->part_count++] = tree_retain(f->root);
        f->changed = false;
    }
    *parts = m->part_count;
    mutex_unlock(&m->lock);
    return err;
}

static void keep_parts(struct store_memory *m, uint32_t parts)
{
    ASSERT(parts <= m->part_count);
    while (m->part_count > parts)
        tree_release(m->parts[--m->part_count]);
}

static int fill_end(struct store_fill *fill, uint64_t *state)
{
    struct memory_fill *f = fill_of(fill);
    struct store_memory *m = f->store;
    uint32_t parts;
    int err = fill_part(fill, &parts);
    if (err != 0)
        return err;
    mutex_lock(&m->lock);
    *state = ++m->state_count;
    struct tree **place = &m->states[*state % MEMORY_STATES_MAX];
    tree_release(*place);
    *place = tree_retain(f->root);
    keep_parts(m, 0); /* they are the state's now */
    mutex_unlock(&m->lock);
    return 0;
}

static const char *fill_error(struct store_fill *fill)
{
    struct memory_fill *f = fill_of(fill);
    return f->bad ? "rows that are none, or not in order" : f->store->error;
}

static void fill_free(struct store_fill *fill)
{
    struct memory_fill *f = fill_of(fill);
    mutex_lock(&f->store->lock);
    ASSERT(f->store->filling);
    f->store->filling = false;
    tree_release(f->root);
    mutex_unlock(&f->store->lock);
    buf_release(&f->last);
    mem_free(f);
}

int store_memory_fill_begin(struct store *s, uint32_t parts, struct bytes after,
                            struct store_fill **out)
{
    static const struct store_fill_ops ops = {
        .add = fill_add,
        .part = fill_part,
        .end = fill_end,
        .error = fill_error,
        .free = fill_free,
    };
    struct store_memory *m = store_memory_of(s);
    ASSERT((parts == 0) == (after.len == 0));
    *out = NULL;
    mutex_lock(&m->lock);
    ASSERT(!m->filling);
    bool found = parts <= m->part_count;
    struct memory_fill *f = found ? mem_zalloc(sizeof(*f)) : NULL;
    if (f != NULL) {
        f->base.ops = &ops;
        f->store = m;
        keep_parts(m, parts);
        f->root = parts == 0 ? NULL : tree_retain(m->parts[parts - 1]);
        buf_bytes(&f->last, after);
        m->filling = true;
        *out = &f->base;
    }
    mutex_unlock(&m->lock);
    return found ? 0 : ERR_NOT_FOUND;
}

void store_memory_put_state(struct store_memory *m, struct tree *state)
{
    struct family *f = &m->families[STORE_STATE];
    tree_release(f->now);
    f->now = tree_retain(state);
    store_batch_reset(&m->discarded); /* of the other state */
    m->discards_safe = false;
}

int store_memory_state_use(struct store *s, const struct store_batch *b,
                           uint64_t state)
{
    struct store_memory *m = store_memory_of(s);
    store_memory_view_drop(s);
    mutex_lock(&m->lock);
    ASSERT(m->iterators == 0 && !m->filling);
    ASSERT(state > 0 && state <= m->state_count &&
           m->state_count - state < MEMORY_STATES_MAX);
    int err = store_memory_fails(m, OP_WRITE) ? ERR_IO : 0;
    if (err == 0) {
        struct tree *made = m->states[state % MEMORY_STATES_MAX];
        store_memory_apply(m, b, STORE_LOGGED);
        struct memory_pending *p = store_memory_pend(m, b);
        p->uses_state = true;
        p->state = tree_retain(made);
        store_memory_put_state(m, made);
    }
    mutex_unlock(&m->lock);
    return err;
}

static void forget_states(struct store_memory *m)
{
    for (size_t i = 0; i < MEMORY_STATES_MAX; i++) {
        tree_release(m->states[i]);
        m->states[i] = NULL;
    }
}

void store_memory_copy_crash(struct store_memory *m)
{
    ASSERT(m->views == 0 && !m->filling);
    forget_states(m);
}

void store_memory_copy_release(struct store_memory *m)
{
    ASSERT(m->views == 0 && !m->filling);
    forget_states(m);
    keep_parts(m, 0);
}
