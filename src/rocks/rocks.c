/*
 * Three column families (the fourth, "default", RocksDB insists on and stays
 * empty; the state may have further ones for a while, rocks_state.c). What is
 * written: rocks_write.c and, for the state, rocks_ingest.c. The state skips
 * the write-ahead log: the Raft log is its redo log. It also skips RocksDB's
 * own memory, whose skip list took half of the processor's time: what is
 * written is gathered in a table of ours (store_buffered.h).
 *
 * How it fails: reads that find damage return ERR_CORRUPT and say so; the
 * rest is in rocks_error.c.
 */
#include "base/alloc.h"
#include "rocks/garbage.h"
#include "rocks/incoming.h"
#include "rocks/log_cut.h"
#include "rocks/reclaim.h"
#include "rocks/rocks_internal.h"
#include "rocks/tidy.h"

static int get(struct rocks *r, const rocksdb_readoptions_t *options,
               enum store_family family, struct bytes key, struct buf *value)
{
    char *why = NULL;
    rocksdb_pinnableslice_t *slice =
        rocksdb_get_pinned_cf(r->db, options, rocks_handle(r, family),
                              (const char *)key.data, key.len, &why);
    if (why != NULL)
        return rocks_read_failed(r, why);
    if (slice == NULL)
        return ERR_NOT_FOUND;
    size_t len = 0;
    const char *data = rocksdb_pinnableslice_value(slice, &len);
    buf_append(value, data, len);
    rocksdb_pinnableslice_destroy(slice);
    return 0;
}

static int rocks_get(struct store *s, enum store_family family,
                     struct bytes key, struct buf *value)
{
    struct rocks *r = rocks_of(s);
    return get(r, r->read, family, key, value);
}

static int rocks_get_once(struct store *s, enum store_family family,
                          struct bytes key, struct buf *value)
{
    struct rocks *r = rocks_of(s);
    return get(r, r->read_once, family, key, value);
}

/* This family has nothing in RocksDB's memory: what is read are files. */
static int rocks_get_flushed(struct store *s, enum store_family family,
                             struct bytes key, struct buf *value)
{
    ASSERT(family == STORE_STATE);
    return rocks_get(s, family, key, value);
}

static void rocks_extent(struct store *s, struct store_extent *out)
{
    tidy_extent(rocks_of(s)->tidy, out);
}

/* A flush of the log that failed is seen by the next write or sync. */
static void rocks_tidy(struct store *s)
{
    struct rocks *r = rocks_of(s);
    if (r->log_waits) {
        int ignored = rocks_flush(s, STORE_LOG, false);
        UNUSED(ignored);
    }
    tidy_ask(r->tidy);
}

void rocks_close(struct store *s)
{
    struct rocks *r = rocks_of(s);
    ASSERT(r->iterators == 0 && r->views == 0 && !r->filling);
    rocks_ending(s);
    tidy_free(r->tidy);
    log_cut_free(r->log_cut);
    rocks_space_end(r);
    rocksdb_writebatch_destroy(r->batch);
    buf_release(&r->discard_begin);
    buf_release(&r->discard_end);
    if (r->db != NULL) {
        /* Families before the database: Debian's build asserts it. */
        rocks_state_close(r);
        for (int i = 0; i < ROCKS_FIXED; i++)
            rocksdb_column_family_handle_destroy(r->handles[i]);
        rocksdb_close(r->db);
    }
    reclaim_free(r->reclaim);
    rocks_options_destroy(r);
    garbage_free(r->garbage);
    mutex_destroy(&r->error_lock);
    mutex_destroy(&r->state_lock);
    mem_free(r->path);
    mem_free(r->incoming);
    mem_free(r);
}

struct rocks *rocks_new(const char *path, const struct rocks_options *options,
                        enum rocks_recovery recovery)
{
    static const struct store_ops ops = {
        .get = rocks_get,
        .get_once = rocks_get_once,
        .get_flushed = rocks_get_flushed,
        .write = rocks_write,
        .sync = rocks_sync,
        .flush = rocks_flush,
        .iter_new = rocks_iter_new,
        .extent = rocks_extent,
        .tidy = rocks_tidy,
        .space = rocks_space,
        .view_open = rocks_view_open,
        .fill_begin = rocks_fill_begin,
        .state_use = rocks_state_use,
        .error = rocks_error,
        .ending = rocks_ending,
        .close = rocks_close,
    };
    struct rocks *r = mem_zalloc(sizeof(*r));
    r->base.ops = &ops;
    r->path = mem_strdup(path);
    r->incoming = incoming_path(path);
    atomic_init(&r->failed, false);
    atomic_init(&r->damaged, false);
    atomic_init(&r->closing, false);
    atomic_init(&r->state, NULL);
    atomic_init(&r->uses, 0);
    atomic_init(&r->uses_durable, 0);
    mutex_init(&r->error_lock);
    mutex_init(&r->state_lock);
    r->garbage = garbage_new();
    r->advance = rocks_may_advance(path, options);
    rocks_options_create(r, options);
    rocksdb_options_set_wal_recovery_mode(r->options[0], (int)recovery);
    r->batch = rocksdb_writebatch_create();
    return r;
}
