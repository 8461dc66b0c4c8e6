/*
 * In two steps: rocks_check.c opens the database for reading, then it is opened
 * for writing, in the way that the check has found.
 *
 * RocksDB 7.8 that finds no space in its opening may abort (less than 16 KiB
 * free). So there must be room for what it writes then: what the write-ahead
 * logs have becomes tables. If there is not, the ballast goes first.
 *
 * How it fails: a database that is refused was not written to. What fails when
 * it is opened for writing is explained as well (damage.h).
 */
#include "base/alloc.h"
#include "os/entropy.h"
#include "os/file.h"
#include "rocks/ballast.h"
#include "rocks/damage.h"
#include "rocks/incoming.h"
#include "rocks/log_cut.h"
#include "rocks/reclaim.h"
#include "rocks/rocks_crc32c.h"
#include "rocks/rocks_internal.h"
#include "rocks/tidy.h"
#include "store/store_buffered.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#define MIB         ((uint64_t)1024 * 1024)
#define START_BYTES (4 * MIB) /* of small files, and to begin a log */

/* The directory's own entry must survive a power cut as well. */
static int sync_parent(const char *path, struct buf *error)
{
    int err = file_sync_parent(path);
    if (err != 0)
        buf_printf(error, "%s: syncing the directory above failed: %s", path,
                   strerror(errno));
    return err == 0 ? 0 : ERR_IO;
}

/* Where the database is, or will be. */
static uint64_t free_bytes(const char *path)
{
    int64_t bytes = file_free_bytes(path);
    if (bytes == ERR_NOT_FOUND) {
        char *above = mem_strdup(path);
        char *slash = strrchr(above, '/');
        if (slash != NULL && slash > above)
            *slash = '\0';
        bytes = file_free_bytes(slash == NULL ? "." : above);
        mem_free(above);
    }
    return bytes < 0 ? UINT64_MAX : (uint64_t)bytes;
}

/* The database has been checked, so a table that it has not taken over is not
 * needed, nor one that it does not know. */
static int check_space(const char *path, const struct rocks_options *options,
                       enum rocks_recovery recovery, struct buf *error)
{
    bool is_there = rocks_files_bytes(path, ".sst") > 0;
    uint64_t needed = rocks_files_bytes(path, ".log") + START_BYTES;
    if (free_bytes(path) < needed) {
        if (is_there)
            rocks_drop_orphans(path, options, recovery);
        char *incoming = incoming_path(path);
        bool ignored = incoming_remove(incoming);
        UNUSED(ignored);
        mem_free(incoming);
        if (options->ballast != NULL)
            (void)ballast_drop(options->ballast);
    }
    uint64_t found = free_bytes(path);
    if (found >= needed)
        return 0;
    buf_printf(error,
               "%s: to open the database takes %" PRIu64
               " MB of disk space, and %" PRIu64
               " MB are free. Make room, then start again. Nothing was "
               "written.",
               path, (needed + MIB - 1) / MIB, found / MIB);
    return ERR_IO;
}

int rocks_open(struct store **out, const char *path,
               const struct rocks_options *options, struct buf *error)
{
    ASSERT(out != NULL && path != NULL && path[0] != 0);
    ASSERT(error != NULL);
    /* The library's checksums are made by this; to name it links it. */
    ASSERT(rocks_crc32c(0, "123456789", 9) == 0xe3069283u);
    enum rocks_recovery recovery;
    int err = rocks_check(path, options, &recovery, error);
    if (err == 0)
        err = check_space(path, options, recovery, error);
    if (err != 0)
        return err;
    struct rocks *r = rocks_new(path, options, recovery);
    char *why = rocks_open_database(r, false);
    if (why != NULL)
        err = damage_explain(path, why, error);
    else if (options->create)
        err = sync_parent(path, error);
    rocksdb_free(why);
    if (err != 0) {
        rocks_close(&r->base);
        return err;
    }
    rocks_drop_incoming(r); /* the database has all of its tables */
    rocks_state_drop_others(r);
    r->reclaim = reclaim_new(path);
    rocks_space_start(r, options);
    r->tidy = tidy_new(r);
    r->log_cut = log_cut_new(r);
    *out = store_buffered_new(
        &r->base, rocks_ingest, options->state_memory_bytes,
        rocks_first_part(options, options->state_memory_bytes / 2),
        entropy_u64());
    return 0;
}
