/*
 * The first failed write, sync or flush is remembered with its text, and all
 * later ones are refused: after a failed fsync the kernel may have dropped the
 * pages, so a second try would report durable what is not. A failed read is
 * remembered apart, and is final by store.h.
 */
#include "base/alloc.h"
#include "rocks/damage.h"
#include "rocks/rocks_internal.h"
#include "store/damage_advice.h"
#include "store/store_buffered.h"

#include <stdio.h>

int rocks_read_failed(struct rocks *r, char *text)
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
int rocks_write_failed(struct rocks *r, const char *what, const char *text)
{
    int kind = damage_kind(text);
    mutex_lock(&r->error_lock);
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
    mutex_unlock(&r->error_lock);
    return kind;
}

const char *rocks_error(struct store *s)
{
    struct rocks *r = rocks_of(s);
    return atomic_load(&r->failed) ? r->error : r->read_error;
}

bool rocks_is_damaged(struct store *s)
{
    return atomic_load(&rocks_of(store_buffered_below(s))->damaged);
}
