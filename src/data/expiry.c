/*
 * The expiry index: an index row (its key is in key.h) names the row that is
 * due at a time, in order of time.
 *
 * How it works: the sweep walks the index rows of the store from the earliest
 * time on. Those that the entry itself adds are in its future and cannot be
 * due, so those in the store are enough. Whether an index row is still right,
 * the row that it names tells, as the entry sees it. One of an ended epoch is
 * not: it is removed alone, because the row that it names, if the store still
 * has it, is not counted any more.
 *
 * A sweep never reads much more than KEYSPACE_SWEEP_BYTES_MAX; what is left is
 * still due and left to the next sweep.
 *
 * Index rows are removed from the low end, and the store passes over what it
 * has deleted, one by one, until it has merged it away. So the search for the
 * first index row begins where the last one found it: there is none before
 * it, for an expiry is always later than the log's time.
 *
 * How it fails: an index row that cannot be ours is ERR_CORRUPT.
 */
#include "data/key.h"
#include "data/keyspace.h"
#include "data/keyspace_internal.h"
#include "data/kinds.h"

/* Moves to the first index row, if there is one. */
static void seek_index(struct keyspace *ks, struct store_iter *it)
{
    uint8_t from[KEY_EXPIRY_PREFIX_SIZE];
    int64_t time_ms = 0;
    int64_t first_ms =
        ks->rows.in_entry ? ks->entry.time_ms : ks->applied.time_ms;
    key_expiry_first(from, ks->index_from_ms);
    store_iter_seek(it, bytes_of(from, sizeof(from)));
    if (store_iter_valid(it) && key_expiry_time(store_iter_key(it), &time_ms))
        first_ms = MIN(first_ms, time_ms);
    if (store_iter_status(it) == 0)
        ks->index_from_ms = MAX(ks->index_from_ms, first_ms);
}

/* Removes an index row alone; false if this entry has done so before. */
static bool remove_index_row(struct keyspace *ks, struct bytes row)
{
    if (!rows_touch(&ks->rows, row)->present)
        return false;
    rows_delete(&ks->rows, row);
    return true;
}

/* Works one index row off; false if this entry has done so before. */
static bool sweep_index_row(struct keyspace *ks, struct bytes row,
                            int64_t time_ms, struct bytes key)
{
    ASSERT(time_ms > 0 && time_ms <= ks->entry.time_ms);
    if (row_in_epoch(key) && !keyspace_is_current(ks, key))
        return remove_index_row(ks, row);
    const struct row *r = rows_touch(&ks->rows, key);
    if (r->present && row_expire_ms(key, buf_view(&r->value)) == time_ms) {
        keyspace_remove(ks, key);
        return true;
    }
    if (r->stored_expire_ms == time_ms)
        return false; /* commit removes it with the change of its row */
    return remove_index_row(ks, row);
}

uint32_t keyspace_sweep(struct keyspace *ks, uint32_t limit)
{
    ASSERT(ks->rows.in_entry);
    uint32_t done = 0;
    uint64_t full = ks->rows.entry_bytes + KEYSPACE_SWEEP_BYTES_MAX;
    struct store_iter *it = store_iter_new(ks->rows.store, STORE_STATE);
    seek_index(ks, it);
    while (done < limit && store_iter_valid(it) && ks->rows.error == 0) {
        struct bytes row = store_iter_key(it);
        struct bytes key;
        int64_t time_ms = 0;
        if (!row_is(row, ROW_EXPIRY))
            break;
        int err = key_expiry_decode(row, &time_ms, &key);
        if (err != 0) {
            rows_fail(&ks->rows, err);
            break;
        }
        if (time_ms > ks->entry.time_ms)
            break;
        done += sweep_index_row(ks, row, time_ms, key);
        if (ks->rows.entry_bytes >= full)
            break;
        store_iter_next(it);
    }
    int err = store_iter_status(it);
    if (err != 0)
        rows_fail(&ks->rows, err);
    store_iter_free(it);
    ASSERT(done <= limit);
    return done;
}

bool keyspace_due(struct keyspace *ks, int64_t time_ms)
{
    ASSERT(!ks->rows.in_entry);
    struct store_iter *it = store_iter_new(ks->rows.store, STORE_STATE);
    int64_t first_ms = 0;
    seek_index(ks, it);
    bool due = store_iter_valid(it) &&
               key_expiry_time(store_iter_key(it), &first_ms) &&
               first_ms <= time_ms;
    int err = store_iter_status(it);
    if (err != 0)
        rows_fail(&ks->rows, err);
    store_iter_free(it);
    return due && err == 0;
}
