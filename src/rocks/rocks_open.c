/*
 * In two steps: rocks_check.c opens the database for reading, then it is opened
 * for writing, in the way that the check has found.
 *
 * How it fails: a database that is refused was not written to. What fails when
 * it is opened for writing is explained as well (damage.h).
 */
#include "os/entropy.h"
#include "os/file.h"
#include "rocks/damage.h"
#include "rocks/incoming.h"
#include "rocks/reclaim.h"
#include "rocks/rocks_crc32c.h"
#include "rocks/rocks_internal.h"
#include "rocks/tidy.h"
#include "store/store_buffered.h"

#include <errno.h>
#include <string.h>

/* The directory's own entry must survive a power cut as well. */
static int sync_parent(const char *path, struct buf *error)
{
    int err = file_sync_parent(path);
    if (err != 0)
        buf_printf(error, "%s: syncing the directory above failed: %s", path,
                   strerror(errno));
    return err == 0 ? 0 : ERR_IO;
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
    r->reclaim = reclaim_new(path);
    r->tidy = tidy_new(r);
    *out = store_buffered_new(
        &r->base, rocks_ingest, options->state_memory_bytes,
        rocks_first_part(options, options->state_memory_bytes / 2),
        entropy_u64());
    return 0;
}
