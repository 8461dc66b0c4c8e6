/*
 * How it works. Three column families (the fourth, "default", RocksDB insists
 * on and stays empty). Logged batches go to the write-ahead log's buffer
 * (manual_wal_flush), so that a write never waits for the disk; store_sync()
 * writes that buffer out and syncs it. The state family skips the write-ahead
 * log: the Raft log is its redo log. It also skips RocksDB's own memory, whose
 * skip list took half of the processor's time: what is written is gathered in
 * a table of ours (store_buffered.h) and becomes a sorted file, which is added
 * to the database in one atomic step.
 *
 * Options, and why (measured on RocksDB 7.8):
 * - wal_recovery_mode 0: a torn tail is normal after a crash, everything else
 *   refuses to open. The default, 2, silently drops what follows a damaged
 *   record, acknowledged or not. There is one case for it: sectors of a write
 *   may reach the disk in any order, so a power cut can leave a hole with
 *   whole records behind it. If the logs look so, and what stands before the
 *   hole has all that it must have, what follows was never synced, and the
 *   database is opened up to the hole.
 * - no auto-resume, and the count of background errors is looked at by each
 *   sync: after any failure nothing is ever reported durable again.
 * - RocksDB never flushes, and so never begins another write-ahead log, by
 *   itself (SPARE, NEVER): it would do so with the end of the old one unsynced,
 *   and a power cut could then leave a hole between two logs that looks like
 *   one that was acknowledged and cut. begin_log() syncs before.
 * - files that wait to be merged never hold up writes: RocksDB would hold up
 *   those of all families, and a log that stands still is a cluster without a
 *   leader. The state's next table waits instead (wait_for_merges); the log's
 *   files do not overlap.
 * - two threads merge: what the log's files need takes no time, and would
 *   stand behind a merge of the whole state.
 * - files are written a megabyte at a time, also by RocksDB (bytes_per_sync,
 *   strict_bytes_per_sync): the log's syncs would wait for more.
 * - log and meta are not compressed (entries are read while they are in
 *   memory, or once); the state is, with lz4.
 * - never: wal_bytes_per_sync, recycle_log_file_num, unordered_write.
 *
 * Opening for writing changes files: logs are replayed into tables and then
 * deleted, tables that the MANIFEST does not know are deleted, a torn tail is
 * dropped. A file that was missing cannot be brought back afterwards (RocksDB
 * 7.8 aborts on it). So the database is opened for reading before.
 *
 * How it fails. The first failed write, sync or flush is remembered with its
 * text, and all later ones are refused: after a failed fsync the kernel may
 * have dropped the pages, so trying again would report a lie. Reads that find
 * damage return ERR_CORRUPT and say so.
 */
#include "rocks/rocks.h"

#include "base/alloc.h"
#include "os/entropy.h"
#include "os/file.h"
#include "rocks/damage.h"
#include "rocks/incoming.h"
#include "rocks/reclaim.h"
#include "rocks/rocks_crc32c.h"
#include "store/store_buffered.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <rocksdb/c.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FAMILIES          (STORE_FAMILY_COUNT + 1) /* and "default" */
#define RECOVERY_TOLERATE 0                        /* a torn tail, no more */
#define RECOVERY_TO_HOLE  2                        /* up to any damage */
#define LOG_LEVEL_WARN    2
#define BACKGROUND_JOBS   3 /* one writes tables, two merge them */
#define OPEN_FILES_MAX    256
#define INFO_LOG_BYTES    (1024u * 1024u)
#define LOG_READAHEAD     (2u * 1024u * 1024u)
#define BATCH_KEEP_SIZE   (1024u * 1024u)
#define ERROR_SIZE        2048
#define NEVER             ((uint64_t)1 << 40) /* bytes: more than there are */
#define STATE_MEMORY      (64u * 1024u)       /* of RocksDB's own: unused */
#define BUFFERS           8  /* being flushed, before a write has to wait */
#define UNMERGED_MAX      32 /* tables of the state */
#define MERGE_LOOK_NS     20000000
#define MERGE_LOOKS       1000 /* 20 seconds in all */
/* RocksDB counts what it adds to each entry too. A write-ahead log gets room
 * on the disk for as much in advance, so no more than is needed. */
#define SPARE 4

struct rocks {
    struct store base;
    char *path;
    char *incoming; /* the file of a table, until the database has it */
    rocksdb_t *db;
    rocksdb_cache_t *cache;
    rocksdb_options_t *options[FAMILIES];
    rocksdb_column_family_handle_t *handles[FAMILIES];
    rocksdb_writeoptions_t *logged;
    rocksdb_readoptions_t *read;
    rocksdb_readoptions_t *scan_state;
    rocksdb_readoptions_t *scan_log;
    rocksdb_writebatch_t *batch; /* emptied and used again */
    uint64_t log_bytes;          /* written since a write-ahead log was begun */
    uint64_t log_bytes_max;
    struct buf discard_begin; /* of the log, when another one is begun */
    struct buf discard_end;
    uint32_t iterators;
    struct reclaim *reclaim; /* of what the database deletes */

    /* The first failure of a write, sync or flush. */
    pthread_mutex_t error_lock;
    atomic_bool failed;
    char error[ERROR_SIZE];
    char read_error[ERROR_SIZE]; /* of the reading thread */
    atomic_bool damaged;         /* what failed found damage */
};

struct rocks_iter {
    struct store_iter base;
    struct rocks *store;
    rocksdb_iterator_t *it;
};

static struct rocks *rocks_of(struct store *s)
{
    return CONTAINER_OF(s, struct rocks, base);
}

static struct rocks_iter *iter_of(struct store_iter *it)
{
    return CONTAINER_OF(it, struct rocks_iter, base);
}

static rocksdb_column_family_handle_t *handle_of(struct rocks *r,
                                                 enum store_family family)
{
    ASSERT(family < STORE_FAMILY_COUNT);
    return r->handles[family + 1];
}

static int read_failed(struct rocks *r, char *text)
{
    ASSERT(text != NULL);
    int kind = damage_kind(text);
    if (kind == ERR_CORRUPT)
        atomic_store(&r->damaged, true);
    snprintf(r->read_error, sizeof(r->read_error),
             "%s: reading the database failed: %s. %s", r->path, text,
             kind == ERR_CORRUPT ? STORE_DAMAGE_ADVICE
                                 : "Check the disk and its permissions.");
    rocksdb_free(text);
    return kind;
}

/* Remembers the first failure; what comes after it is a consequence. RocksDB
 * ends all writes when a compaction finds damage. */
static int write_failed(struct rocks *r, const char *what, const char *text)
{
    int kind = damage_kind(text);
    int rc = pthread_mutex_lock(&r->error_lock);
    ASSERT(rc == 0);
    if (kind == ERR_CORRUPT)
        atomic_store(&r->damaged, true);
    if (!atomic_load(&r->failed)) {
        snprintf(r->error, sizeof(r->error),
                 "%s: %s failed: %s. Nothing written since the last sync is "
                 "safe. %s",
                 r->path, what, text,
                 kind == ERR_CORRUPT
                     ? STORE_DAMAGE_ADVICE
                     : "Check free space and health of the disk, then start "
                       "again.");
        atomic_store(&r->failed, true);
    }
    rc = pthread_mutex_unlock(&r->error_lock);
    ASSERT(rc == 0);
    return kind;
}

static int rocks_get(struct store *s, enum store_family family,
                     struct bytes key, struct buf *value)
{
    struct rocks *r = rocks_of(s);
    char *err = NULL;
    rocksdb_pinnableslice_t *slice =
        rocksdb_get_pinned_cf(r->db, r->read, handle_of(r, family),
                              (const char *)key.data, key.len, &err);
    if (err != NULL)
        return read_failed(r, err);
    if (slice == NULL)
        return ERR_NOT_FOUND;
    size_t len = 0;
    const char *data = rocksdb_pinnableslice_value(slice, &len);
    buf_append(value, data, len);
    rocksdb_pinnableslice_destroy(slice);
    return 0;
}

/* This family has nothing in RocksDB's memory: what is read are files. */
static int rocks_get_flushed(struct store *s, enum store_family family,
                             struct bytes key, struct buf *value)
{
    ASSERT(family == STORE_STATE);
    return rocks_get(s, family, key, value);
}

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
    rocksdb_column_family_handle_t *cf = handle_of(r, op->family);
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
static int sync_logs(struct rocks *r)
{
    char *err = NULL;
    rocksdb_flush_wal(r->db, 1, &err);
    if (err == NULL)
        return 0;
    int rc = write_failed(r, "syncing the write-ahead log", err);
    rocksdb_free(err);
    return rc;
}

static int flush_family(struct rocks *r, enum store_family family, bool wait)
{
    rocksdb_flushoptions_t *options = rocksdb_flushoptions_create();
    rocksdb_flushoptions_set_wait(options, wait);
    char *err = NULL;
    rocksdb_flush_cf(r->db, options, handle_of(r, family), &err);
    rocksdb_flushoptions_destroy(options);
    if (err == NULL)
        return 0;
    int rc = write_failed(r, "flushing", err);
    rocksdb_free(err);
    return rc;
}

/* Drops the files that hold nothing else, for nothing; what shares a file
 * with something else stays until it is merged into others, and a later call
 * for the same range gets it then. RocksDB takes the end as part of the
 * range, and would drop a file that ends with that very key. */
static char *drop_files(struct rocks *r, enum store_family family,
                        struct bytes begin, struct bytes end)
{
    char *err = NULL;
    struct buf last = BUF_INIT;
    store_key_below(end, &last);
    rocksdb_delete_file_in_range_cf(r->db, handle_of(r, family),
                                    (const char *)begin.data, begin.len,
                                    (const char *)last.data, last.len, &err);
    buf_release(&last);
    return err;
}

static int drop_log(struct rocks *r)
{
    if (r->discard_end.len == 0)
        return 0;
    char *err = drop_files(r, STORE_LOG, buf_view(&r->discard_begin),
                           buf_view(&r->discard_end));
    buf_reset(&r->discard_end);
    if (err == NULL)
        return 0;
    int rc = write_failed(r, "dropping files of the log", err);
    rocksdb_free(err);
    return rc;
}

/* Begins another write-ahead log, by flushing what was written to this one.
 * What was written before a discard is durable after the sync. */
static int begin_log(struct rocks *r)
{
    r->log_bytes = 0;
    int rc = sync_logs(r);
    if (rc == 0)
        rc = drop_log(r);
    if (rc == 0)
        rc = flush_family(r, STORE_LOG, false);
    return rc == 0 ? flush_family(r, STORE_META, false) : rc;
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

static int rocks_write(struct store *s, const struct store_batch *b,
                       enum store_write_kind kind)
{
    struct rocks *r = rocks_of(s);
    if (atomic_load(&r->failed))
        return ERR_IO;
    ASSERT(kind == STORE_LOGGED);
    size_t pos = 0;
    size_t bytes = 0;
    struct store_batch_op op;
    while (store_batch_next(b, &pos, &op)) {
        ASSERT(op.family != STORE_STATE);
        add_op(r, &op);
        bytes += op.key.len + op.value.len;
    }
    char *err = NULL;
    rocksdb_write(r->db, r->logged, r->batch, &err);
    clear_batch(r, bytes);
    if (err != NULL) {
        int rc = write_failed(r, "writing", err);
        rocksdb_free(err);
        return rc;
    }
    r->log_bytes += bytes;
    return r->log_bytes < r->log_bytes_max ? 0 : begin_log(r);
}

/* A flush or a compaction failed: RocksDB says why to whoever writes next,
 * even nothing; not if it takes it for something that may pass. */
static int background_failed(struct rocks *r)
{
    rocksdb_writebatch_t *nothing = rocksdb_writebatch_create();
    char *err = NULL;
    rocksdb_write(r->db, r->logged, nothing, &err);
    rocksdb_writebatch_destroy(nothing);
    int rc = write_failed(
        r, "a flush or compaction",
        err != NULL ? err : "see the file LOG in the same directory");
    rocksdb_free(err);
    return rc;
}

/* Runs on the sync thread, next to writes and reads. */
static int rocks_sync(struct store *s)
{
    struct rocks *r = rocks_of(s);
    if (atomic_load(&r->failed))
        return ERR_IO;
    int rc = sync_logs(r);
    if (rc != 0)
        return rc;
    /* A write may have failed meanwhile; then this sync covers it not. */
    if (atomic_load(&r->failed))
        return ERR_IO;
    uint64_t errors = 0;
    if (rocksdb_property_int(r->db, "rocksdb.background-errors", &errors) !=
            0 ||
        errors > 0)
        return background_failed(r);
    return 0;
}

/* The state has nothing in RocksDB's memory. */
static int rocks_flush(struct store *s, enum store_family family, bool wait)
{
    struct rocks *r = rocks_of(s);
    if (atomic_load(&r->failed))
        return ERR_IO;
    if (family == STORE_STATE)
        return 0;
    int rc = sync_logs(r);
    return rc == 0 ? flush_family(r, family, wait) : rc;
}

static const char *rocks_error(struct store *s)
{
    struct rocks *r = rocks_of(s);
    return atomic_load(&r->failed) ? r->error : r->read_error;
}

bool rocks_is_damaged(struct store *s)
{
    return atomic_load(&rocks_of(store_buffered_below(s))->damaged);
}

static void add_entries(rocksdb_sstfilewriter_t *w, const struct memtable *m,
                        struct incoming_pace *pace, char **err)
{
    struct memtable_cursor c = memtable_seek(m, BYTES_NONE);
    for (; memtable_valid(&c) && *err == NULL; memtable_next(&c)) {
        struct bytes key = memtable_key(&c);
        struct bytes value;
        enum memtable_kind kind = memtable_entry(&c, &value);
        if (kind == MEMTABLE_VALUE)
            rocksdb_sstfilewriter_put(w, (const char *)key.data, key.len,
                                      (const char *)value.data, value.len, err);
        else if (kind == MEMTABLE_DELETED)
            rocksdb_sstfilewriter_delete(w, (const char *)key.data, key.len,
                                         err);
        incoming_pace_add(pace, key.len + value.len);
    }
}

/* Writes the table to a file of its own, and syncs it. */
static char *write_file(struct rocks *r, const struct memtable *m,
                        const char *name)
{
    rocksdb_envoptions_t *env = rocksdb_envoptions_create();
    rocksdb_sstfilewriter_t *w =
        rocksdb_sstfilewriter_create(env, r->options[1 + STORE_STATE]);
    char *err = NULL;
    rocksdb_sstfilewriter_open(w, name, &err);
    struct incoming_pace pace;
    incoming_pace_begin(&pace, name);
    if (err == NULL)
        add_entries(w, m, &pace, &err);
    if (err == NULL)
        rocksdb_sstfilewriter_finish(w, &err);
    incoming_pace_end(&pace);
    rocksdb_sstfilewriter_destroy(w);
    rocksdb_envoptions_destroy(env);
    return err;
}

/* The file gets a second name in the database (no copy), then the MANIFEST
 * knows it, then the first name goes. */
static char *add_file(struct rocks *r, const char *name)
{
    rocksdb_ingestexternalfileoptions_t *o =
        rocksdb_ingestexternalfileoptions_create();
    rocksdb_ingestexternalfileoptions_set_move_files(o, 1);
    char *err = NULL;
    rocksdb_ingest_external_file_cf(r->db, handle_of(r, STORE_STATE), &name, 1,
                                    o, &err);
    rocksdb_ingestexternalfileoptions_destroy(o);
    return err;
}

static char *drop_discards(struct rocks *r, const struct memtable *m)
{
    char *err = NULL;
    for (size_t i = 0; i < memtable_discards(m) && err == NULL; i++) {
        struct bytes begin;
        struct bytes end;
        memtable_discarded(m, i, &begin, &end);
        err = drop_files(r, STORE_STATE, begin, end);
    }
    return err;
}

/* The database does not need it: it would only take space, perhaps the last. */
static void drop_incoming(const struct rocks *r)
{
    bool ignored = incoming_remove(r->incoming);
    UNUSED(ignored);
}

static uint64_t unmerged_tables(struct rocks *r)
{
    char *text = rocksdb_property_value_cf(r->db, handle_of(r, STORE_STATE),
                                           "rocksdb.num-files-at-level0");
    uint64_t count = text == NULL ? 0 : strtoull(text, NULL, 10);
    rocksdb_free(text);
    return count;
}

/* Each table that is not merged is one more place to look for a key. Merges
 * that have stopped for good are seen by the next sync, so not for ever. */
static void wait_for_merges(struct rocks *r)
{
    const struct timespec a_while = {0, MERGE_LOOK_NS};
    for (int i = 0; i < MERGE_LOOKS && !atomic_load(&r->failed) &&
                    unmerged_tables(r) >= UNMERGED_MAX;
         i++)
        (void)nanosleep(&a_while, NULL);
}

/* Runs on the thread of the buffered store. The log goes first. */
static int rocks_ingest(struct store *s, const struct memtable *m)
{
    struct rocks *r = rocks_of(s);
    wait_for_merges(r);
    if (atomic_load(&r->failed) || sync_logs(r) != 0)
        return ERR_IO;
    if (!incoming_remove(r->incoming))
        return write_failed(r, "removing the file incoming", strerror(errno));
    char *err = write_file(r, m, r->incoming);
    if (err != NULL)
        drop_incoming(r); /* a part of a table */
    else
        err = add_file(r, r->incoming);
    if (err == NULL)
        err = drop_discards(r, m);
    if (err == NULL)
        return 0;
    int rc = write_failed(r, "writing the state to a file", err);
    rocksdb_free(err);
    return rc;
}

static void iter_seek(struct store_iter *it, struct bytes key)
{
    rocksdb_iter_seek(iter_of(it)->it, (const char *)key.data, key.len);
}

static void iter_seek_last(struct store_iter *it)
{
    rocksdb_iter_seek_to_last(iter_of(it)->it);
}

static bool iter_valid(struct store_iter *it)
{
    return rocksdb_iter_valid(iter_of(it)->it) != 0;
}

static void iter_next(struct store_iter *it)
{
    ASSERT(iter_valid(it));
    rocksdb_iter_next(iter_of(it)->it);
}

static void iter_prev(struct store_iter *it)
{
    ASSERT(iter_valid(it));
    rocksdb_iter_prev(iter_of(it)->it);
}

static struct bytes iter_key(struct store_iter *it)
{
    ASSERT(iter_valid(it));
    size_t len = 0;
    const char *key = rocksdb_iter_key(iter_of(it)->it, &len);
    return bytes_of(key, len);
}

static struct bytes iter_value(struct store_iter *it)
{
    ASSERT(iter_valid(it));
    size_t len = 0;
    const char *value = rocksdb_iter_value(iter_of(it)->it, &len);
    return bytes_of(value, len);
}

static int iter_status(struct store_iter *it)
{
    struct rocks_iter *i = iter_of(it);
    char *err = NULL;
    rocksdb_iter_get_error(i->it, &err);
    return err == NULL ? 0 : read_failed(i->store, err);
}

static void iter_free(struct store_iter *it)
{
    struct rocks_iter *i = iter_of(it);
    ASSERT(i->store->iterators > 0);
    i->store->iterators--;
    rocksdb_iter_destroy(i->it);
    mem_free(i);
}

static struct store_iter *rocks_iter_new(struct store *s,
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
    struct rocks *r = rocks_of(s);
    struct rocks_iter *i = mem_zalloc(sizeof(*i));
    i->base.ops = &ops;
    i->store = r;
    rocksdb_readoptions_t *const options[] = {r->scan_log, r->read,
                                              r->scan_state};
    _Static_assert(STORE_LOG == 0 && STORE_META == 1 && STORE_STATE == 2,
                   "order of the options");
    i->it = rocksdb_create_iterator_cf(r->db, options[family],
                                       handle_of(r, family));
    r->iterators++;
    return &i->base;
}

/* Frees what exists, also after an opening that failed half-way. Families
 * before the database: Debian's build asserts it. */
static void rocks_close(struct store *s)
{
    struct rocks *r = rocks_of(s);
    ASSERT(r->iterators == 0);
    rocksdb_writebatch_destroy(r->batch);
    buf_release(&r->discard_begin);
    buf_release(&r->discard_end);
    rocksdb_readoptions_destroy(r->read);
    rocksdb_readoptions_destroy(r->scan_log);
    rocksdb_readoptions_destroy(r->scan_state);
    rocksdb_writeoptions_destroy(r->logged);
    if (r->db != NULL) {
        for (int i = 0; i < FAMILIES; i++)
            rocksdb_column_family_handle_destroy(r->handles[i]);
        rocksdb_close(r->db);
    }
    reclaim_free(r->reclaim);
    for (int i = 0; i < FAMILIES; i++)
        rocksdb_options_destroy(r->options[i]);
    rocksdb_cache_destroy(r->cache);
    int rc = pthread_mutex_destroy(&r->error_lock);
    ASSERT(rc == 0);
    mem_free(r->path);
    mem_free(r->incoming);
    mem_free(r);
}

/* What has no setter of its own in the C interface. */
static rocksdb_options_t *unusual_options(void)
{
    rocksdb_options_t *base = rocksdb_options_create();
    rocksdb_options_t *o = rocksdb_options_create();
    char *err = NULL;
    rocksdb_get_options_from_string(
        base, "max_bgerror_resume_count=0;strict_bytes_per_sync=true", o, &err);
    ASSERT(err == NULL);
    rocksdb_options_destroy(base);
    return o;
}

static rocksdb_options_t *database_options(const struct rocks_options *from)
{
    rocksdb_options_t *o = unusual_options();
    rocksdb_options_set_create_if_missing(o, from->create);
    rocksdb_options_set_create_missing_column_families(o, from->create);
    rocksdb_options_set_wal_recovery_mode(o, RECOVERY_TOLERATE);
    rocksdb_options_set_paranoid_checks(o, 1);
    rocksdb_options_set_manual_wal_flush(o, 1);
    rocksdb_options_set_max_total_wal_size(o, NEVER);
    rocksdb_options_set_max_open_files(o, OPEN_FILES_MAX);
    rocksdb_options_set_max_background_jobs(o, BACKGROUND_JOBS);
    rocksdb_options_set_bytes_per_sync(o, INCOMING_PACE); /* see there */
    /* Merges yield to the threads that serve. */
    rocksdb_env_t *env = rocksdb_create_default_env();
    rocksdb_env_lower_thread_pool_cpu_priority(env);
    rocksdb_options_set_env(o, env);
    rocksdb_env_destroy(env); /* the default one stays */
    rocksdb_options_set_info_log_level(o, LOG_LEVEL_WARN);
    rocksdb_options_set_max_log_file_size(o, INFO_LOG_BYTES);
    rocksdb_options_set_keep_log_file_num(o, 2);
    return o;
}

/* One table format for all: checksummed blocks in the shared cache. */
static rocksdb_options_t *family_options(struct rocks *r, uint64_t memory_bytes)
{
    ASSERT(memory_bytes > 0);
    rocksdb_options_t *o = rocksdb_options_create();
    rocksdb_block_based_table_options_t *table =
        rocksdb_block_based_options_create();
    rocksdb_block_based_options_set_block_cache(table, r->cache);
    rocksdb_block_based_options_set_format_version(table, 5);
    rocksdb_block_based_options_set_filter_policy(
        table, rocksdb_filterpolicy_create_bloom_full(10));
    rocksdb_block_based_options_set_whole_key_filtering(table, 1);
    rocksdb_options_set_block_based_table_factory(o, table);
    rocksdb_block_based_options_destroy(table);
    rocksdb_options_set_write_buffer_size(o, memory_bytes);
    rocksdb_options_set_max_write_buffer_number(o, BUFFERS);
    rocksdb_options_set_compression(o, rocksdb_no_compression);
    rocksdb_options_set_level0_slowdown_writes_trigger(o, INT_MAX);
    rocksdb_options_set_level0_stop_writes_trigger(o, INT_MAX);
    rocksdb_options_set_soft_pending_compaction_bytes_limit(o, 0);
    rocksdb_options_set_hard_pending_compaction_bytes_limit(o, 0);
    return o;
}

/* Entries come in ascending order and leave from the low end, without range
 * deletions: files do not overlap, move down a level as they are, and are
 * dropped as a whole. Levels large enough that a log of usual size never
 * moves further down. */
static rocksdb_options_t *log_options(struct rocks *r, uint64_t memory_bytes)
{
    rocksdb_options_t *o = family_options(r, SPARE * memory_bytes);
    rocksdb_options_set_max_bytes_for_level_base(o, 16 * memory_bytes);
    rocksdb_options_set_target_file_size_base(o, memory_bytes);
    rocksdb_options_set_level0_file_num_compaction_trigger(o, 4);
    return o;
}

/* Of a table or a write-ahead log, how much the first one takes. */
static uint64_t first_part(const struct rocks_options *o, uint64_t whole)
{
    ASSERT(o->shares == 0 || o->share < o->shares);
    return o->shares == 0 ? whole : whole * (o->shares - o->share) / o->shares;
}

static void create_options(struct rocks *r, const struct rocks_options *from)
{
    ASSERT(r->options[0] == NULL && from->log_memory_bytes > 0);
    r->log_bytes_max = from->log_memory_bytes;
    r->log_bytes =
        from->log_memory_bytes - first_part(from, from->log_memory_bytes);
    r->cache = rocksdb_cache_create_lru(from->block_cache_bytes);
    r->options[0] = database_options(from);
    r->options[1 + STORE_LOG] = log_options(r, from->log_memory_bytes);
    r->options[1 + STORE_META] =
        family_options(r, SPARE * from->log_memory_bytes);
    r->options[1 + STORE_STATE] = family_options(r, STATE_MEMORY);
    /* Tables of this size, also where they are merged. */
    rocksdb_options_set_target_file_size_base(r->options[1 + STORE_STATE],
                                              from->state_memory_bytes / 2);
    rocksdb_options_set_compression(r->options[1 + STORE_STATE],
                                    rocksdb_lz4_compression);

    r->logged = rocksdb_writeoptions_create();
    r->read = rocksdb_readoptions_create();
    rocksdb_readoptions_set_verify_checksums(r->read, 1);
    /* Looking for range deletions (there are none), RocksDB 7.8 takes a table
     * that it cannot read on for one that has ended, and says nothing. */
    r->scan_state = rocksdb_readoptions_create();
    rocksdb_readoptions_set_verify_checksums(r->scan_state, 1);
    rocksdb_readoptions_set_ignore_range_deletions(r->scan_state, 1);
    r->scan_log = rocksdb_readoptions_create();
    rocksdb_readoptions_set_verify_checksums(r->scan_log, 1);
    rocksdb_readoptions_set_readahead_size(r->scan_log, LOG_READAHEAD);
    rocksdb_readoptions_set_fill_cache(r->scan_log, 0);
    r->batch = rocksdb_writebatch_create();
}

static char *try_to_open(struct rocks *r, bool read_only)
{
    static const char *const names[FAMILIES] = {"default", "log", "meta",
                                                "state"};
    _Static_assert(STORE_LOG == 0 && STORE_META == 1 && STORE_STATE == 2,
                   "order of the names");
    const rocksdb_options_t *const *options =
        (const rocksdb_options_t *const *)r->options;
    char *err = NULL;
    ASSERT(r->db == NULL);
    if (read_only)
        r->db = rocksdb_open_for_read_only_column_families(
            r->options[0], r->path, FAMILIES, names, options, r->handles, false,
            &err);
    else
        r->db = rocksdb_open_column_families(r->options[0], r->path, FAMILIES,
                                             names, options, r->handles, &err);
    ASSERT((r->db == NULL) == (err != NULL));
    return err;
}

static char *open_database(struct rocks *r, bool read_only)
{
    char *err = try_to_open(r, read_only);
    if (err == NULL || strstr(err, "not linked") == NULL)
        return err;
    rocksdb_free(err); /* built without lz4 */
    rocksdb_options_set_compression(r->options[1 + STORE_STATE],
                                    rocksdb_no_compression);
    return try_to_open(r, read_only);
}

/* The directory's own entry must survive a power cut as well. */
static int sync_parent(const char *path, struct buf *error)
{
    int rc = file_sync_parent(path);
    if (rc != 0)
        buf_printf(error, "%s: syncing the directory above failed: %s", path,
                   strerror(errno));
    return rc == 0 ? 0 : ERR_IO;
}

static struct rocks *rocks_new(const char *path)
{
    static const struct store_ops ops = {
        .get = rocks_get,
        .get_flushed = rocks_get_flushed,
        .write = rocks_write,
        .sync = rocks_sync,
        .flush = rocks_flush,
        .iter_new = rocks_iter_new,
        .error = rocks_error,
        .close = rocks_close,
    };
    struct rocks *r = mem_zalloc(sizeof(*r));
    r->base.ops = &ops;
    r->path = mem_strdup(path);
    r->incoming = incoming_path(path);
    atomic_init(&r->failed, false);
    atomic_init(&r->damaged, false);
    int rc = pthread_mutex_init(&r->error_lock, NULL);
    ASSERT(rc == 0);
    return r;
}

/* Entries of a family that stand in write-ahead logs only. */
static uint64_t unflushed(struct rocks *r, enum store_family family)
{
    static const char *const names[] = {"rocksdb.num-entries-active-mem-table",
                                        "rocksdb.num-entries-imm-mem-tables"};
    uint64_t sum = 0;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        uint64_t n = 0;
        int rc =
            rocksdb_property_int_cf(r->db, handle_of(r, family), names[i], &n);
        ASSERT(rc == 0);
        sum += n;
    }
    return sum;
}

static int check_content(struct rocks *r, const struct store_check *check,
                         struct buf *error)
{
    struct buf text = BUF_INIT;
    int rc =
        check->content(check->ctx, &r->base, unflushed(r, STORE_LOG), &text);
    ASSERT((rc == 0) == (text.len == 0));
    if (rc != 0)
        buf_printf(error, "%s: %.*s", r->path, (int)text.len,
                   (const char *)text.data);
    buf_release(&text);
    return rc;
}

/* Opens it for reading, and asks the check. ERR_NOT_FOUND: the
 * database was never made in full. */
static int check_database(const char *path, const struct rocks_options *options,
                          int recovery, bool tables, struct buf *error)
{
    struct rocks *r = rocks_new(path);
    create_options(r, options);
    rocksdb_options_set_wal_recovery_mode(r->options[0], recovery);
    int rc = 0;
    char *err = open_database(r, true);
    if (err != NULL && strstr(err, "Column family not found") != NULL)
        rc = damage_explain_families(path, err, tables, error);
    else if (err != NULL)
        rc = damage_explain(path, err, error);
    else if (options->check != NULL)
        rc = check_content(r, options->check, error);
    rocksdb_free(err);
    rocks_close(&r->base);
    return rc;
}

/* The database is refused; is it whole up to a hole that a power cut left?
 * Without a check there is no telling. */
static bool is_whole_to_hole(const char *path,
                             const struct rocks_options *options, bool tables)
{
    if (options->check == NULL || !damage_is_tear(path))
        return false;
    struct buf ignored = BUF_INIT;
    int rc = check_database(path, options, RECOVERY_TO_HOLE, tables, &ignored);
    buf_release(&ignored);
    return rc == 0;
}

/* The database is refused; is it whole with a table that it has failed to
 * take over? If so that table is given back to it. */
static bool is_whole_with_incoming(const char *path,
                                   const struct rocks_options *options,
                                   bool tables, struct bytes refusal)
{
    char *table = incoming_restore(path, refusal);
    if (table == NULL)
        return false;
    struct buf ignored = BUF_INIT;
    int rc = check_database(path, options, RECOVERY_TOLERATE, tables, &ignored);
    buf_release(&ignored);
    if (rc != 0 && unlink(table) != 0)
        rc = ERR_IO; /* stays as a file that the database does not know */
    mem_free(table);
    return rc == 0;
}

/* What is in a database's directory, as far as it tells what it is. */
struct files {
    bool current; /* the file CURRENT */
    bool tables;
    bool logs;
};

/* Digits, then the suffix. */
static bool is_numbered(const char *name, const char *suffix)
{
    size_t digits = strspn(name, "0123456789");
    return digits > 0 && strcmp(name + digits, suffix) == 0;
}

/* A directory that does not exist has nothing. One that cannot be read may
 * have anything: ERR_IO, with a text. */
static int find_files(const char *path, struct files *out, struct buf *error)
{
    ASSERT(path != NULL && out != NULL);
    *out = (struct files){false, false, false};
    DIR *dir = opendir(path);
    if (dir == NULL && errno == ENOENT)
        return 0;
    errno = dir == NULL ? errno : 0;
    for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;) {
        out->current = out->current || strcmp(e->d_name, "CURRENT") == 0;
        out->tables = out->tables || is_numbered(e->d_name, ".sst");
        out->logs = out->logs || is_numbered(e->d_name, ".log");
    }
    int failed = errno;
    if (dir != NULL)
        closedir(dir);
    if (failed == 0)
        return 0;
    buf_printf(error, "%s: this directory cannot be read: %s", path,
               strerror(failed));
    return ERR_IO;
}

/* Whatever can be found out without writing. `recovery` is how it is to be
 * opened. */
static int check_before(const char *path, const struct rocks_options *options,
                        int *recovery, struct buf *error)
{
    struct files f;
    size_t said = error->len;
    *recovery = RECOVERY_TOLERATE;
    int rc = find_files(path, &f, error);
    if (rc != 0)
        return rc;
    rc = ERR_NOT_FOUND;
    if (f.current) {
        rc = check_database(path, options, *recovery, f.tables, error);
        if (rc == ERR_CORRUPT && is_whole_to_hole(path, options, f.tables)) {
            *recovery = RECOVERY_TO_HOLE;
            error->len = said;
            rc = 0;
        } else if (rc == ERR_CORRUPT &&
                   is_whole_with_incoming(path, options, f.tables,
                                          bytes_from(buf_view(error), said))) {
            error->len = said;
            rc = 0;
        }
    } else if (f.tables || f.logs) {
        /* RocksDB would make a new, empty database in its place. */
        buf_printf(error,
                   "%s: the database is damaged: its file CURRENT is missing. "
                   "%s",
                   path, STORE_DAMAGE_ADVICE);
        rc = ERR_CORRUPT;
    }
    if (rc == ERR_NOT_FOUND && options->check != NULL)
        rc = options->check->absence(options->check->ctx, path, error);
    if (rc == ERR_CORRUPT)
        buf_str(error, " Nothing was written: the files of the database are "
                       "as they were.");
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

int rocks_open(struct store **out, const char *path,
               const struct rocks_options *options, struct buf *error)
{
    ASSERT(out != NULL && path != NULL && path[0] != 0);
    ASSERT(error != NULL);
    /* The library's checksums are made by this; to name it links it. */
    ASSERT(rocks_crc32c(0, "123456789", 9) == 0xe3069283u);
    int recovery;
    int rc = check_before(path, options, &recovery, error);
    if (rc != 0)
        return rc;
    struct rocks *r = rocks_new(path);
    create_options(r, options);
    rocksdb_options_set_wal_recovery_mode(r->options[0], recovery);
    char *err = open_database(r, false);
    if (err != NULL)
        rc = damage_explain(path, err, error);
    else if (options->create)
        rc = sync_parent(path, error);
    rocksdb_free(err);
    if (rc != 0) {
        rocks_close(&r->base);
        return rc;
    }
    drop_incoming(r); /* the database has all of its tables */
    r->reclaim = reclaim_new(path);
    *out = store_buffered_new(
        &r->base, rocks_ingest, options->state_memory_bytes,
        first_part(options, options->state_memory_bytes / 2), entropy_u64());
    return 0;
}
