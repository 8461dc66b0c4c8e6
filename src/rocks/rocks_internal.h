/*
 * What the files of this room share: the store in RocksDB itself, and how its
 * files call each other.
 */
#ifndef ROCKS_ROCKS_INTERNAL_H
#define ROCKS_ROCKS_INTERNAL_H

#include "base/buf.h"
#include "os/mutex.h"
#include "rocks/rocks.h"
#include "rocks/rocks_state.h"
#include "store/memtable.h"
#include "store/store.h"

#include <rocksdb/c.h>
#include <stdatomic.h>

struct garbage;
struct log_cut;
struct reclaim;
struct tidy;
struct rocks_space;

#define ROCKS_FAMILIES   (STORE_FAMILY_COUNT + 1) /* and "default" */
#define ROCKS_FIXED      (ROCKS_FAMILIES - 1)     /* but for the state's */
#define ROCKS_ERROR_SIZE 2048

/* RocksDB's wal_recovery_mode. */
enum rocks_recovery {
    ROCKS_TOLERATE = 0, /* a torn tail, no more */
    ROCKS_TO_HOLE = 2,  /* up to any damage */
};

struct rocks {
    struct store base;
    char *path;
    char *incoming; /* the file of a table, until the database has it */
    rocksdb_t *db;
    rocksdb_cache_t *cache;
    rocksdb_options_t *options[ROCKS_FAMILIES];
    rocksdb_column_family_handle_t *handles[ROCKS_FIXED];
    /* The state in use, and all others: the list and the counts in it are under
     * the lock. */
    struct rocks_state *_Atomic state;
    struct mutex state_lock;
    struct rocks_state *other_states;
    uint64_t state_next;               /* number */
    atomic_uint_fast64_t uses;         /* of states that were put in place */
    atomic_uint_fast64_t uses_durable; /* of these */
    uint32_t drop_looks;               /* of the thread that tidies */
    uint32_t views;
    bool filling;
    rocksdb_writeoptions_t *logged;
    rocksdb_writeoptions_t *unlogged;
    rocksdb_readoptions_t *read;
    rocksdb_readoptions_t *read_once; /* leaves the cache as it is */
    rocksdb_readoptions_t *scan_state;
    rocksdb_readoptions_t *scan_log;
    rocksdb_writebatch_t *batch; /* emptied and used again */
    uint64_t log_bytes;          /* written since a write-ahead log was begun */
    uint64_t log_bytes_max;
    bool log_waits;           /* for space, to be flushed */
    struct buf discard_begin; /* of the log, when another one is begun */
    struct buf discard_end;
    uint32_t iterators;
    struct reclaim *reclaim; /* of what the database deletes */
    struct garbage *garbage; /* of the state */
    struct tidy *tidy;
    struct log_cut *log_cut;
    struct rocks_space *space;
    bool advance; /* files get room on the disk before they have content */
    int mergers;  /* threads that merge */
    uint32_t unmerged_max; /* tables of the state */
    atomic_bool closing;   /* nothing waits for space any more */

    /* The first failure of a write, sync or flush. */
    struct mutex error_lock;
    atomic_bool failed;
    char error[ROCKS_ERROR_SIZE];
    char read_error[ROCKS_ERROR_SIZE]; /* of the reading thread */
    atomic_bool damaged;               /* what failed found damage */
};

static inline struct rocks *rocks_of(struct store *s)
{
    return CONTAINER_OF(s, struct rocks, base);
}

static inline rocksdb_column_family_handle_t *
rocks_handle(struct rocks *r, enum store_family family)
{
    _Static_assert(STORE_STATE == STORE_FAMILY_COUNT - 1, "not a fixed one");
    ASSERT(family < STORE_FAMILY_COUNT);
    return family == STORE_STATE ? atomic_load(&r->state)->handle
                                 : r->handles[family + 1];
}

/* rocks.c: the store's functions but those of the next files. */

/* A store that has no database yet. */
struct rocks *rocks_new(const char *path, const struct rocks_options *options,
                        enum rocks_recovery recovery);
/* Frees what exists, also after an opening that failed half-way. */
void rocks_close(struct store *s);

/* rocks_write.c: what is written, and how it becomes durable. */

MUST_USE int rocks_write(struct store *s, const struct store_batch *b,
                         enum store_write_kind kind);
MUST_USE int rocks_sync(struct store *s);
MUST_USE int rocks_flush(struct store *s, enum store_family family, bool wait);
/* Syncs all write-ahead logs. */
MUST_USE int rocks_sync_logs(struct rocks *r);

/* log_cut.c: drops the files that hold nothing but begin <= key < end. Returns
 * RocksDB's text, which the caller frees, or NULL. */

char *rocks_drop_files(struct rocks *r, enum store_family family,
                       struct bytes begin, struct bytes end);

/* rocks_error.c: what has failed. */

/* A read failed: takes RocksDB's text over, returns ERR_IO or ERR_CORRUPT. */
int rocks_read_failed(struct rocks *r, char *text);
/* A write, sync or flush failed: remembers the first; returns the same. */
int rocks_write_failed(struct rocks *r, const char *what, const char *text);
const char *rocks_error(struct store *s);

/* rocks_iter.c */

struct store_iter *rocks_iter_new(struct store *s, enum store_family family);

/* rocks_view.c, rocks_fill.c: store_view.h and store_fill.h. */

struct store_view *rocks_view_open(struct store *s);
MUST_USE int rocks_fill_begin(struct store *s, uint32_t parts,
                              struct bytes after, struct store_fill **out);
MUST_USE int rocks_state_use(struct store *store, const struct store_batch *b,
                             uint64_t state);

/* rocks_ingest.c: tables of the state become files of the database. */

/* Runs on the thread of the buffered store (store_buffered.h). */
int rocks_ingest(struct store *s, const struct memtable *m);
/* Removes the file of a table that the database does not need: it would only
 * take space, perhaps the last. */
void rocks_drop_incoming(const struct rocks *r);

/* rocks_space.c: what the database takes of its disk, and who may take it. */

/* Needs the database and its reclaim. */
void rocks_space_start(struct rocks *r, const struct rocks_options *o);
/* From now on nothing waits for space: what lacks it, fails. */
void rocks_ending(struct store *s);
void rocks_space_end(struct rocks *r);
void rocks_space(const struct store *s, struct store_space *out);
/* Of the files NUMBER and `suffix` in a database's directory; 0: none. */
uint64_t rocks_files_bytes(const char *path, const char *suffix);
/* May merges of the state begin? */
bool rocks_space_merging(const struct rocks *r);
/* Is there space to be taken in advance? Not after a start on a disk that is
 * nearly full: what the ballast gave is for entries, then. */
bool rocks_may_advance(const char *path, const struct rocks_options *o);
/* Can so many bytes be written, and the log all the same? */
bool rocks_space_fits(const struct rocks *r, uint64_t bytes);
/* What merges write at most, by the sizes of the levels: one of them, and all
 * that there can be. `tables`: of level 0, before one is due; `merge_max`: one
 * of level 1 or below. */
struct rocks_merges {
    uint64_t one, all;
};
struct rocks_merges rocks_merges_of(const uint64_t level[], size_t count,
                                    uint64_t tables, uint64_t merge_max);

/* rocks_options.c: RocksDB's options, and why. */

void rocks_options_create(struct rocks *r, const struct rocks_options *from);
void rocks_options_destroy(struct rocks *r);
/* RocksDB's memory for so many bytes of the log. */
uint64_t rocks_log_memory(uint64_t bytes);
/* How many of `whole` bytes the first table or write-ahead log takes. */
uint64_t rocks_first_part(const struct rocks_options *o, uint64_t whole);

/* rocks_open.c */

/* rocks_database.c: opens the database of a new store. Returns RocksDB's text,
 * which the caller frees, or NULL. */
char *rocks_open_database(struct rocks *r, bool read_only);

/* rocks_orphans.c: of a database that was checked, removes the tables that it
 * does not know. */
void rocks_drop_orphans(const char *path, const struct rocks_options *options,
                        enum rocks_recovery recovery);

/* rocks_check.c: whatever can be found out about a database without writing.
 * `recovery` is how it is to be opened. */
MUST_USE int rocks_check(const char *path, const struct rocks_options *options,
                         enum rocks_recovery *recovery, struct buf *error);

#endif
