/*
 * The expiry index: rows 'x' time(8) key, in order of time.
 *
 * How it works: the sweep walks the rows of the store from the oldest on. The
 * rows that the entry itself adds lie in its future and cannot be due, so the
 * store's rows are enough; whether a row still speaks the truth, the record
 * in the overlay tells. A row of an ended epoch does not: it goes alone, as
 * its record, if it is still there, is counted no more.
 *
 * A sweep never reads much more than KEYSPACE_SWEEP_BYTES_MAX; what is left
 * is still due, and the next sweep's.
 *
 * Rows go from the low end, and the store passes over what it has deleted, one
 * by one, until it has merged it away. So looking for the first row begins
 * where that stood the last time: none comes before it, for an expiry is
 * always later than the log's time.
 *
 * How it fails: a row that cannot be ours is ERR_CORRUPT.
 */
#include "data/key.h"
#include "data/keyspace.h"
#include "data/keyspace_internal.h"
#include "data/value.h"

#define ROW_PREFIX_SIZE 9

/* Splits a row; false if it is not one of ours. */
static bool split_row(struct bytes row, int64_t *time_ms, struct bytes *key)
{
    if (row.len <= ROW_PREFIX_SIZE || row.data[0] != 'x')
        return false;
    *time_ms = time_load(row.data + 1);
    *key = bytes_from(row, ROW_PREFIX_SIZE);
    if (*time_ms <= 0)
        return false;
    if (key->data[0] == 'k')
        return key->len >= KEY_PREFIX_SIZE && key->data[1] < KEYSPACE_DATABASES;
    return key->data[0] == 'o';
}

/* To the first row, if there is one. */
static void seek_rows(struct keyspace *ks, struct store_iter *it)
{
    uint8_t from[ROW_PREFIX_SIZE] = {'x'};
    int64_t first_ms =
        ks->records.in_entry ? ks->entry.time_ms : ks->applied.time_ms;
    time_store(from + 1, ks->rows_from_ms);
    it->ops->seek(it, bytes_of(from, sizeof(from)));
    if (it->ops->valid(it)) {
        struct bytes row = it->ops->key(it);
        if (row.len > ROW_PREFIX_SIZE && row.data[0] == 'x')
            first_ms = MIN(first_ms, time_load(row.data + 1));
    }
    if (it->ops->status(it) == 0)
        ks->rows_from_ms = MAX(ks->rows_from_ms, first_ms);
}

/* Removes a row alone; false if this entry has done so before. */
static bool remove_row(struct keyspace *ks, struct bytes row)
{
    if (!records_touch(&ks->records, row)->present)
        return false;
    records_delete(&ks->records, row);
    return true;
}

/* Works one row off; false if this entry has done so before. */
static bool sweep_row(struct keyspace *ks, struct bytes row, int64_t time_ms,
                      struct bytes key)
{
    if (key.data[0] == 'k' && !keyspace_is_current(ks, key))
        return remove_row(ks, row);
    const struct record *r = records_touch(&ks->records, key);
    if (r->present && record_expire_ms(key, buf_view(&r->value)) == time_ms) {
        keyspace_remove(ks, key);
        return true;
    }
    if (r->stored_expire_ms == time_ms)
        return false; /* commit removes it with the record's change */
    return remove_row(ks, row);
}

uint32_t keyspace_sweep(struct keyspace *ks, uint32_t limit)
{
    ASSERT(ks->records.in_entry);
    uint32_t done = 0;
    uint64_t full = ks->records.entry_bytes + KEYSPACE_SWEEP_BYTES_MAX;
    struct store_iter *it = store_iter_new(ks->records.store, STORE_STATE);
    seek_rows(ks, it);
    while (done < limit && it->ops->valid(it) && ks->records.error == 0) {
        struct bytes row = it->ops->key(it);
        struct bytes key;
        int64_t time_ms = 0;
        if (row.len == 0 || row.data[0] != 'x')
            break;
        if (!split_row(row, &time_ms, &key)) {
            records_fail(&ks->records, ERR_CORRUPT);
            break;
        }
        if (time_ms > ks->entry.time_ms)
            break;
        done += sweep_row(ks, row, time_ms, key);
        if (ks->records.entry_bytes >= full)
            break;
        it->ops->next(it);
    }
    int err = it->ops->status(it);
    if (err != 0)
        records_fail(&ks->records, err);
    it->ops->free(it);
    return done;
}

bool keyspace_due(struct keyspace *ks, int64_t time_ms)
{
    ASSERT(!ks->records.in_entry);
    struct store_iter *it = store_iter_new(ks->records.store, STORE_STATE);
    bool due = false;
    seek_rows(ks, it);
    if (it->ops->valid(it)) {
        struct bytes row = it->ops->key(it);
        due = row.len > ROW_PREFIX_SIZE && row.data[0] == 'x' &&
              time_load(row.data + 1) <= time_ms;
    }
    int err = it->ops->status(it);
    if (err != 0)
        records_fail(&ks->records, err);
    it->ops->free(it);
    return due && err == 0;
}
