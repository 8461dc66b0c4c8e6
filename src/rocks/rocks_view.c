/*
 * A view is a snapshot of RocksDB: the state has nothing in RocksDB's memory
 * (rocks_ingest.c), so a snapshot sees what was flushed. It keeps old versions
 * of rows; an iterator keeps whole files, so it is renewed every now and then.
 *
 * A merge asks its filter about rows that a snapshot sees, too, and files that
 * have nothing but garbage are dropped whatever sees them. So nothing becomes
 * garbage while there is a view (garbage.h).
 *
 * How it fails: damage ends a view, ERR_CORRUPT or ERR_IO, with a text of its
 * own, for the thread that reads it is not the store's.
 */
#include "base/alloc.h"
#include "rocks/damage.h"
#include "rocks/garbage.h"
#include "rocks/rocks_internal.h"
#include "store/store_view.h"

#include <stdio.h>

#define RENEW_BYTES ((uint64_t)64 * 1024 * 1024)
#define READAHEAD   (2u * 1024u * 1024u)

struct rocks_view {
    struct store_view base;
    struct rocks *r;
    struct rocks_state *state;
    const rocksdb_snapshot_t *snapshot;
    rocksdb_readoptions_t *options;
    rocksdb_iterator_t *it; /* NULL: to be made */
    uint64_t it_bytes;      /* that it has given */
    struct buf last;        /* the key before the one that it is at */
    char error[ROCKS_ERROR_SIZE];
};

static struct rocks_view *view_of(struct store_view *v)
{
    return CONTAINER_OF(v, struct rocks_view, base);
}

static struct bytes iter_key(const rocksdb_iterator_t *it)
{
    size_t len = 0;
    const char *key = rocksdb_iter_key(it, &len);
    return bytes_of(key, len);
}

static struct bytes iter_value(const rocksdb_iterator_t *it)
{
    size_t len = 0;
    const char *value = rocksdb_iter_value(it, &len);
    return bytes_of(value, len);
}

/* Moves to the first key after this one. */
static void seek(struct rocks_view *v, struct bytes after)
{
    if (v->it != NULL && v->it_bytes >= RENEW_BYTES) {
        rocksdb_iter_destroy(v->it);
        v->it = NULL;
    }
    if (v->it != NULL && v->last.len > 0 && bytes_eq(buf_view(&v->last), after))
        return;
    if (v->it == NULL) {
        v->it =
            rocksdb_create_iterator_cf(v->r->db, v->options, v->state->handle);
        v->it_bytes = 0;
    }
    rocksdb_iter_seek(v->it, (const char *)after.data, after.len);
    if (rocksdb_iter_valid(v->it) && bytes_eq(iter_key(v->it), after))
        rocksdb_iter_next(v->it);
}

static int view_failed(struct rocks_view *v, char *why)
{
    int kind = damage_kind(why);
    if (kind == ERR_CORRUPT)
        atomic_store(&v->r->damaged, true);
    snprintf(v->error, sizeof(v->error), "%s: reading the state failed: %s",
             v->r->path, why);
    rocksdb_free(why);
    return kind;
}

static int view_read(struct store_view *view, struct bytes after,
                     size_t bytes_max, struct buf *out, bool *end)
{
    struct rocks_view *v = view_of(view);
    size_t before = out->len;
    seek(v, after);
    buf_reset(&v->last);
    while (rocksdb_iter_valid(v->it) && out->len - before < bytes_max) {
        struct bytes key = iter_key(v->it);
        store_row_append(out, key, iter_value(v->it));
        buf_reset(&v->last);
        buf_bytes(&v->last, key);
        rocksdb_iter_next(v->it);
    }
    v->it_bytes += out->len - before;
    *end = !rocksdb_iter_valid(v->it);
    char *why = NULL;
    rocksdb_iter_get_error(v->it, &why);
    return why == NULL ? 0 : view_failed(v, why);
}

static const char *view_error(struct store_view *view)
{
    return view_of(view)->error;
}

static void view_close(struct store_view *view)
{
    struct rocks_view *v = view_of(view);
    if (v->it != NULL)
        rocksdb_iter_destroy(v->it);
    rocksdb_readoptions_destroy(v->options);
    rocksdb_release_snapshot(v->r->db, v->snapshot);
    rocks_state_release(v->r, v->state);
    garbage_release(v->r->garbage);
    buf_release(&v->last);
    ASSERT(v->r->views > 0);
    v->r->views--;
    mem_free(v);
}

struct store_view *rocks_view_open(struct store *s)
{
    static const struct store_view_ops ops = {
        .read = view_read,
        .error = view_error,
        .close = view_close,
    };
    struct rocks *r = rocks_of(s);
    struct rocks_view *v = mem_zalloc(sizeof(*v));
    v->base.ops = &ops;
    v->r = r;
    garbage_hold(r->garbage); /* before the snapshot */
    v->state = rocks_state_hold(r);
    v->snapshot = rocksdb_create_snapshot(r->db);
    v->options = rocksdb_readoptions_create();
    rocksdb_readoptions_set_snapshot(v->options, v->snapshot);
    rocksdb_readoptions_set_verify_checksums(v->options, 1);
    rocksdb_readoptions_set_ignore_range_deletions(v->options, 1);
    rocksdb_readoptions_set_fill_cache(v->options, 0);
    rocksdb_readoptions_set_readahead_size(v->options, READAHEAD);
    r->views++;
    return &v->base;
}
