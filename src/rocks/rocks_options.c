/*
 * Options, and why (measured on RocksDB 7.8):
 * - wal_recovery_mode 0: a torn tail is normal after a crash, everything else
 *   refuses to open. The default, 2, silently drops what follows a damaged
 *   record, acknowledged or not. There is one case for it: sectors of a write
 *   may reach the disk in any order, so a power cut can leave a hole with
 *   whole records after it. If the logs look so, and what precedes the hole
 *   has all that it must have, what follows was never synced, and the database
 *   is opened up to the hole.
 * - no auto-resume, and the count of background errors is looked at by each
 *   sync: after any failure nothing is ever reported durable again.
 * - RocksDB never flushes, and so never begins another write-ahead log, by
 *   itself (SPARE, NEVER): it would do so with the end of the old one unsynced,
 *   and a power cut could then leave a hole between two logs that looks like
 *   one that was acknowledged and cut. begin_log() syncs before.
 * - files that wait to be merged never hold up writes: RocksDB would hold up
 *   those of all families, and a cluster whose logs take no writes has no
 *   leader. The state's next table waits instead (wait_for_merges); the log's
 *   files do not overlap.
 * - two threads merge: what the log's files need takes no time, and would
 *   wait for a merge of the whole state. On a small disk there is one: two
 *   merges that wait for the space that the other has would wait forever.
 * - files are written a megabyte at a time, also by RocksDB (bytes_per_sync,
 *   strict_bytes_per_sync): the log's syncs would wait for more.
 * - log and meta are not compressed (entries are read while they are in
 *   memory, or once); the state is, with lz4.
 * - never: wal_bytes_per_sync, recycle_log_file_num, unordered_write.
 */
#include "rocks/garbage.h"
#include "rocks/incoming.h"
#include "rocks/rocks_internal.h"

#include <limits.h>

#define LOG_LEVEL_WARN 2
#define WRITERS        1 /* threads that write tables */
#define MERGERS        2 /* and that merge them; on a small disk, one */
#define SMALL_DISK     ((uint64_t)16 << 30)
#define OPEN_FILES_MAX 256
#define INFO_LOG_BYTES (1024u * 1024u)
#define LOG_READAHEAD  (2u * 1024u * 1024u)
#define NEVER          ((uint64_t)1 << 40) /* bytes: more than there are */
#define STATE_MEMORY   (64u * 1024u)       /* of RocksDB's own: unused */
#define BUFFERS        8 /* being flushed, before a write has to wait */
/* RocksDB counts what it adds to each row too, in the ends of its blocks above
 * all (rocks_write.c counts the rest). A write-ahead log gets room on the disk
 * for as much in advance, so no more than is needed. */
#define SPARE            2
#define MERGE_FILES      25u /* that one takes at most, of a usual size; */
#define MERGE_FILES_MIN  4u  /* and on a small disk */
#define UNMERGED_MAX     32u /* tables of the state; and on a small disk */
#define UNMERGED_MIN     6u
#define LEVEL1_BYTES_MAX (256u * 1024u * 1024u)

/* What has no setter of its own in the C interface. */
static rocksdb_options_t *unusual_options(bool advance)
{
    rocksdb_options_t *base = rocksdb_options_create();
    rocksdb_options_t *o = rocksdb_options_create();
    char *why = NULL;
    rocksdb_get_options_from_string(
        base,
        advance ? "max_bgerror_resume_count=0;strict_bytes_per_sync=true"
                : "max_bgerror_resume_count=0;strict_bytes_per_sync=true;"
                  "allow_fallocate=false",
        o, &why);
    ASSERT(why == NULL);
    rocksdb_options_destroy(base);
    return o;
}

static rocksdb_options_t *database_options(const struct rocks *r,
                                           const struct rocks_options *from)
{
    rocksdb_options_t *o = unusual_options(r->advance);
    rocksdb_options_set_create_if_missing(o, from->create);
    rocksdb_options_set_create_missing_column_families(o, from->create);
    rocksdb_options_set_paranoid_checks(o, 1);
    rocksdb_options_set_manual_wal_flush(o, 1);
    /* Who closes a view or an iterator removes no files. */
    rocksdb_options_set_avoid_unnecessary_blocking_io(o, 1);
    rocksdb_options_set_max_total_wal_size(o, NEVER);
    rocksdb_options_set_max_open_files(o, OPEN_FILES_MAX);
    rocksdb_options_set_max_background_jobs(o, WRITERS + r->mergers);
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

uint64_t rocks_log_memory(uint64_t bytes)
{
    return SPARE * bytes;
}

/* Entries come in ascending order and leave from the low end, without range
 * deletions: files do not overlap, move down a level as they are, at once,
 * since those of the first level cannot be dropped, and are dropped as a whole.
 * What shares a file with what stays is merged away after an early cut, which
 * deletes its range. Levels large enough that a log of usual size never
 * moves further down. */
static rocksdb_options_t *log_options(struct rocks *r, uint64_t memory_bytes)
{
    rocksdb_options_t *o = family_options(r, rocks_log_memory(memory_bytes));
    rocksdb_options_set_max_bytes_for_level_base(o, 16 * memory_bytes);
    rocksdb_options_set_target_file_size_base(o, memory_bytes);
    rocksdb_options_set_level0_file_num_compaction_trigger(o, 1);
    return o;
}

/* Tables have the same size where they are merged. On a small disk merges are
 * small: while one runs, its tables are there twice. */
static rocksdb_options_t *state_options(struct rocks *r,
                                        const struct rocks_options *from)
{
    rocksdb_options_t *o = family_options(r, STATE_MEMORY);
    uint64_t table = MAX(from->state_memory_bytes / 2, 1);
    uint64_t disk = from->disk_bytes == 0 ? UINT64_MAX : from->disk_bytes;
    rocksdb_options_set_target_file_size_base(o, table);
    rocksdb_options_set_max_bytes_for_level_base(
        o, MIN(LEVEL1_BYTES_MAX, 4 * table));
    rocksdb_options_set_max_compaction_bytes(
        o, MIN(MERGE_FILES * table, MAX(MERGE_FILES_MIN * table, disk / 32)));
    rocksdb_options_set_disable_auto_compactions(o, !r->advance);
    rocksdb_options_set_compression(o, rocksdb_lz4_compression);
    r->unmerged_max =
        (uint32_t)MIN(UNMERGED_MAX, MAX(UNMERGED_MIN, disk / 16 / table));
    return o;
}

/* Of a table or a write-ahead log, how much the first one takes. */
uint64_t rocks_first_part(const struct rocks_options *o, uint64_t whole)
{
    ASSERT(o->shares == 0 || o->share < o->shares);
    return o->shares == 0 ? whole : whole * (o->shares - o->share) / o->shares;
}

void rocks_options_create(struct rocks *r, const struct rocks_options *from)
{
    ASSERT(r->options[0] == NULL && from->log_memory_bytes > 0);
    r->log_bytes_max = from->log_memory_bytes;
    r->log_bytes =
        from->log_memory_bytes - rocks_first_part(from, from->log_memory_bytes);
    r->cache = rocksdb_cache_create_lru(from->block_cache_bytes);
    bool is_small = from->disk_bytes != 0 && from->disk_bytes < SMALL_DISK;
    r->mergers = is_small ? 1 : MERGERS;
    r->options[0] = database_options(r, from);
    r->options[1 + STORE_LOG] = log_options(r, from->log_memory_bytes);
    r->options[1 + STORE_META] =
        family_options(r, rocks_log_memory(from->log_memory_bytes));
    r->options[1 + STORE_STATE] = state_options(r, from);

    rocksdb_options_set_compaction_filter_factory(r->options[1 + STORE_STATE],
                                                  garbage_filter(r->garbage));

    r->logged = rocksdb_writeoptions_create();
    r->unlogged = rocksdb_writeoptions_create();
    rocksdb_writeoptions_disable_WAL(r->unlogged, 1);
    r->read = rocksdb_readoptions_create();
    rocksdb_readoptions_set_verify_checksums(r->read, 1);
    r->read_once = rocksdb_readoptions_create();
    rocksdb_readoptions_set_verify_checksums(r->read_once, 1);
    rocksdb_readoptions_set_fill_cache(r->read_once, 0);
    /* Looking for range deletions (there are none), RocksDB 7.8 takes a table
     * that it cannot read on for one that has ended, and says nothing. */
    r->scan_state = rocksdb_readoptions_create();
    rocksdb_readoptions_set_verify_checksums(r->scan_state, 1);
    rocksdb_readoptions_set_ignore_range_deletions(r->scan_state, 1);
    r->scan_log = rocksdb_readoptions_create();
    rocksdb_readoptions_set_verify_checksums(r->scan_log, 1);
    rocksdb_readoptions_set_readahead_size(r->scan_log, LOG_READAHEAD);
    rocksdb_readoptions_set_fill_cache(r->scan_log, 0);
}

void rocks_options_destroy(struct rocks *r)
{
    rocksdb_readoptions_destroy(r->read);
    rocksdb_readoptions_destroy(r->read_once);
    rocksdb_readoptions_destroy(r->scan_log);
    rocksdb_readoptions_destroy(r->scan_state);
    rocksdb_writeoptions_destroy(r->logged);
    rocksdb_writeoptions_destroy(r->unlogged);
    for (int i = 0; i < ROCKS_FAMILIES; i++)
        rocksdb_options_destroy(r->options[i]);
    rocksdb_cache_destroy(r->cache);
}
