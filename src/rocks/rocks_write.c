/*
 * Logged batches go to the write-ahead log's buffer (manual_wal_flush), so that
 * a write never waits for the disk; a sync writes that buffer out and syncs it.
 * The log is discarded file by file, when another write-ahead log is begun: as
 * soon as the last one is full, or when a flush asks for it. A thread of its
 * own does that (log_cut.h).
 *
 * How it fails: with the first failure, for good (rocks_error.c). RocksDB
 * counts errors of its own threads: each sync looks at that count, so nothing
 * is reported durable after one.
 */
#include "rocks/log_cut.h"
#include "rocks/rocks_internal.h"

#define BATCH_KEEP_SIZE (1024u * 1024u)
#define ROW_BYTES       128u /* of memory, beside key and value */

/* The log is discarded from its beginning on: the furthest end counts. */
static void discard(struct rocks *r, struct bytes begin, struct bytes end)
{
    buf_reset(&r->discard_begin);
    buf_bytes(&r->discard_begin, begin);
    buf_reset(&r->discard_end);
    buf_bytes(&r->discard_end, end);
}

static void add_op(struct rocks *r, const struct store_batch_op *op)
{
    const char *key = (const char *)op->key.data;
    const char *value = (const char *)op->value.data;
    rocksdb_column_family_handle_t *cf = rocks_handle(r, op->family);
    switch (op->op) {
    case STORE_OP_PUT:
        rocksdb_writebatch_put_cf(r->batch, cf, key, op->key.len, value,
                                  op->value.len);
        break;
    case STORE_OP_DELETE:
        rocksdb_writebatch_delete_cf(r->batch, cf, key, op->key.len);
        break;
    case STORE_OP_DELETE_RANGE:
        /* An empty range is no operation; RocksDB would keep it. */
        if (bytes_cmp(op->key, op->value) < 0)
            rocksdb_writebatch_delete_range_cf(r->batch, cf, key, op->key.len,
                                               value, op->value.len);
        break;
    case STORE_OP_DISCARD:
        discard(r, op->key, op->value);
        break;
    }
}

/* Syncs all write-ahead logs. */
int rocks_sync_logs(struct rocks *r)
{
    char *why = NULL;
    rocksdb_flush_wal(r->db, 1, &why);
    if (why == NULL)
        return 0;
    int err = rocks_write_failed(r, "syncing the write-ahead log", why);
    rocksdb_free(why);
    return err;
}

static int flush_family(struct rocks *r, enum store_family family, bool wait)
{
    rocksdb_flushoptions_t *options = rocksdb_flushoptions_create();
    rocksdb_flushoptions_set_wait(options, wait);
    char *why = NULL;
    rocksdb_flush_cf(r->db, options, rocks_handle(r, family), &why);
    rocksdb_flushoptions_destroy(options);
    if (why == NULL)
        return 0;
    int err = rocks_write_failed(r, "flushing", why);
    rocksdb_free(why);
    return err;
}

/* What was discarded and is in RocksDB's memory still: the next flush leaves it
 * out. Not in the write-ahead log, where it would be the end of the old one. */
static char *trim_memory(struct rocks *r, struct bytes begin, struct bytes end)
{
    char *why = NULL;
    rocksdb_writebatch_delete_range_cf(r->batch, rocks_handle(r, STORE_LOG),
                                       (const char *)begin.data, begin.len,
                                       (const char *)end.data, end.len);
    rocksdb_write(r->db, r->unlogged, r->batch, &why);
    rocksdb_writebatch_clear(r->batch);
    return why;
}

/* `early`: what was written to the write-ahead log is less than usual. */
static int drop_log(struct rocks *r, bool early)
{
    struct bytes begin = buf_view(&r->discard_begin);
    struct bytes end = buf_view(&r->discard_end);
    if (bytes_cmp(begin, end) >= 0)
        return 0;
    log_cut_ask(r->log_cut, begin, end);
    char *why = early ? trim_memory(r, begin, end) : NULL;
    buf_reset(&r->discard_begin);
    buf_reset(&r->discard_end);
    if (why == NULL)
        return 0;
    int err = rocks_write_failed(r, "dropping what was cut", why);
    rocksdb_free(why);
    return err;
}

/* Begins another write-ahead log, by flushing what was written to this one.
 * What was written before a discard is durable after the sync. */
static int begin_log(struct rocks *r, bool early)
{
    r->log_bytes = 0;
    int err = rocks_sync_logs(r);
    if (err == 0)
        err = drop_log(r, early);
    if (err == 0)
        err = flush_family(r, STORE_LOG, false);
    return err == 0 ? flush_family(r, STORE_META, false) : err;
}

static void clear_batch(struct rocks *r, size_t used)
{
    if (used <= BATCH_KEEP_SIZE) {
        rocksdb_writebatch_clear(r->batch);
        return;
    }
    rocksdb_writebatch_destroy(r->batch);
    r->batch = rocksdb_writebatch_create();
}

int rocks_write(struct store *s, const struct store_batch *b,
                enum store_write_kind kind)
{
    struct rocks *r = rocks_of(s);
    if (atomic_load(&r->failed))
        return ERR_IO;
    ASSERT(kind == STORE_LOGGED);
    size_t pos = 0;
    size_t bytes = 0; /* of memory */
    struct store_batch_op op;
    while (store_batch_next(b, &pos, &op)) {
        ASSERT(op.family != STORE_STATE);
        add_op(r, &op);
        bytes += op.key.len + op.value.len + ROW_BYTES;
    }
    char *why = NULL;
    rocksdb_write(r->db, r->logged, r->batch, &why);
    clear_batch(r, bytes);
    if (why != NULL) {
        int err = rocks_write_failed(r, "writing", why);
        rocksdb_free(why);
        return err;
    }
    r->log_bytes += bytes;
    return r->log_bytes < r->log_bytes_max ? 0 : begin_log(r, false);
}

/* A flush or a compaction failed: RocksDB says why to the next write, even an
 * empty one, unless it takes the failure for a temporary one. */
static int background_failed(struct rocks *r)
{
    rocksdb_writebatch_t *nothing = rocksdb_writebatch_create();
    char *why = NULL;
    rocksdb_write(r->db, r->logged, nothing, &why);
    rocksdb_writebatch_destroy(nothing);
    int err = rocks_write_failed(
        r, "a flush or compaction",
        why != NULL ? why : "see the file LOG in the same directory");
    rocksdb_free(why);
    return err;
}

/* Runs on the sync thread, next to writes and reads. */
int rocks_sync(struct store *s)
{
    struct rocks *r = rocks_of(s);
    if (atomic_load(&r->failed))
        return ERR_IO;
    uint64_t uses = atomic_load(&r->uses);
    int err = rocks_sync_logs(r);
    if (err != 0)
        return err;
    /* A write may have failed meanwhile; then this sync does not cover it. */
    if (atomic_load(&r->failed))
        return ERR_IO;
    uint64_t errors = 0;
    if (rocksdb_property_int(r->db, "rocksdb.background-errors", &errors) !=
            0 ||
        errors > 0)
        return background_failed(r);
    atomic_store(&r->uses_durable, uses);
    return 0;
}

/* The state has nothing in RocksDB's memory. What nobody waits for is put off
 * while there is no space: this thread would wait for it. */
int rocks_flush(struct store *s, enum store_family family, bool wait)
{
    struct rocks *r = rocks_of(s);
    if (atomic_load(&r->failed))
        return ERR_IO;
    if (family == STORE_STATE)
        return 0;
    r->log_waits = family == STORE_LOG && !wait && !rocks_space_fits(r, 0);
    if (r->log_waits)
        return 0;
    int err = family == STORE_LOG ? begin_log(r, true) : rocks_sync_logs(r);
    return err == 0 ? flush_family(r, family, wait) : err;
}
