/*
 * The expiry index: an index row (its key is in key.h) names the row that is
 * due at a time, in order of time.
 *
 * How it works: the sweep walks the index rows of the store from the earliest
 * time on. Those that the entry itself adds are in its future, but for those of
 * collections with more elements that are due, which the next sweep finds; so
 * those in the store are enough. The index is exact: what an index row
 * of the present epoch names is in the store and has that expiry, unless the
 * entry itself has changed it, which the entry's own rows tell. So what is due
 * is deleted without being read; but of a value that is apart, as its index row
 * says, the head is, because it tells where the pages are. So is that of an
 * upload, which is dropped with its parts. Of a collection whose elements are
 * due (due.h) these are removed, as many as the limit allows; then its row is
 * as its first element is, and may be due still. Of an ended epoch the index
 * row is removed alone, because the row that it names, if the store still has
 * it, is not counted any more.
 *
 * Index rows are removed from the low end, and the store passes over what it
 * has deleted, one by one, until it has merged it away. So the search for the
 * first index row begins at the very row where the last one ended (thousands
 * may have the same time): there is none before it but those added since, and
 * rows.c keeps the first of them.
 *
 * How it fails: an index row that cannot be ours is ERR_CORRUPT.
 */
#include "data/key.h"
#include "data/keyspace.h"
#include "data/keyspace_internal.h"
#include "data/kinds.h"

/* At the first index row, or where it would be. */
static struct store_iter *begin_walk(struct keyspace *ks)
{
    struct store_iter *it = store_iter_new(ks->rows.store, STORE_STATE);
    uint8_t from[KEY_EXPIRY_PREFIX_SIZE];
    key_expiry_first(from, 0);
    store_iter_seek(it, ks->rows.index_from.len > 0
                            ? buf_view(&ks->rows.index_from)
                            : bytes_of(from, sizeof(from)));
    return it;
}

/* The walk has come to the first index row that stays, or to the end of them.
 * Is that row due at this time? Ends the walk. */
static bool end_walk(struct keyspace *ks, struct store_iter *it,
                     int64_t time_ms)
{
    uint8_t end[KEY_EXPIRY_PREFIX_SIZE];
    int64_t first_ms = INT64_MAX;
    int err = store_iter_status(it);
    bool found = err == 0 && store_iter_valid(it) &&
                 key_expiry_time(store_iter_key(it), &first_ms);
    key_expiry_first(end, INT64_MAX);
    ASSERT(first_ms >= ks->rows.index_from_ms);
    if (err == 0)
        rows_index_begins(
            &ks->rows, found ? store_iter_key(it) : bytes_of(end, sizeof(end)),
            first_ms);
    else
        rows_fail(&ks->rows, err);
    store_iter_free(it);
    return found && first_ms <= time_ms;
}

/* Removes an index row alone; false if this entry has done so before. */
static bool remove_index_row(struct keyspace *ks, struct bytes row)
{
    return rows_delete_unread(&ks->rows, row, 0);
}

/* As the entry has it. */
static bool is_due(struct keyspace *ks, struct bytes key, int64_t time_ms)
{
    const struct row *r = rows_touch(&ks->rows, key);
    return r->present && row_expire_ms(key, buf_view(&r->value)) == time_ms;
}

struct sweep {
    keyspace_due_fn *remove; /* elements of collections */
    uint32_t limit;
    uint32_t done;
    bool stopped; /* there is more of the last one */
};

/* Removes elements of a collection that are due. What its row says is changed
 * with the collection; a row without one goes. */
static uint32_t sweep_elements(struct keyspace *ks, struct sweep *s,
                               int64_t time_ms, struct bytes key)
{
    uint32_t left = s->limit - s->done;
    ASSERT(left > 0);
    if (!is_due(ks, key, time_ms))
        return 0;
    ASSERT(s->remove != NULL);
    uint32_t removed =
        s->remove(ks, row_db(key), bytes_from(key, KEY_PREFIX_SIZE), left);
    ASSERT(removed <= left);
    if (is_due(ks, key, time_ms)) {
        s->stopped = removed == left;
        if (!s->stopped)
            rows_delete(&ks->rows, key);
    }
    return MAX(removed, 1u);
}

/* Works one index row off; false if this entry has done so before. */
static bool sweep_index_row(struct keyspace *ks, struct bytes row,
                            int64_t time_ms, struct bytes key, bool apart)
{
    ASSERT(time_ms > 0 && time_ms <= ks->entry.time_ms);
    if (row_in_epoch(key) && !keyspace_is_current(ks, key))
        return remove_index_row(ks, row);
    if (!apart && keyspace_remove_unread(ks, key, time_ms))
        return true;
    /* It says where its pages are, or the entry has touched it: a commit
     * removes the index row with a change of its row. */
    if (!is_due(ks, key, time_ms))
        return false;
    if (row_is(key, ROW_UPLOAD))
        upload_drop(ks, key_upload_node(key));
    else
        keyspace_remove(ks, key);
    return true;
}

/* Works off what the walk is at. False: it is no index row that is due, or it
 * stays for another sweep. */
static bool sweep_next(struct keyspace *ks, struct store_iter *it,
                       struct sweep *s)
{
    struct bytes row = store_iter_key(it);
    struct bytes value = store_iter_value(it);
    struct bytes key;
    int64_t time_ms = 0;
    if (!row_is(row, ROW_EXPIRY))
        return false;
    int err = key_expiry_decode(row, &time_ms, &key);
    if (err == 0)
        err = row_check(row, value);
    if (err != 0)
        rows_fail(&ks->rows, err);
    if (err != 0 || time_ms > ks->entry.time_ms)
        return false;
    bool apart = bytes_eq(value, EXPIRY_APART);
    if (row_is(key, ROW_DUE) && keyspace_is_current(ks, key))
        s->done += sweep_elements(ks, s, time_ms, key);
    else
        s->done += sweep_index_row(ks, row, time_ms, key, apart);
    return ks->rows.error == 0 && !s->stopped;
}

uint32_t keyspace_sweep(struct keyspace *ks, uint32_t limit)
{
    return keyspace_sweep_due(ks, limit, NULL);
}

uint32_t keyspace_sweep_due(struct keyspace *ks, uint32_t limit,
                            keyspace_due_fn *remove)
{
    int64_t now_ms = ks->entry.time_ms;
    struct sweep s = {.remove = remove, .limit = limit};
    ASSERT(ks->rows.in_entry);
    ks->sweep_left = false;
    if (limit == 0 || ks->rows.index_from_ms > now_ms)
        return 0;
    struct store_iter *it = begin_walk(ks);
    while (s.done < limit && store_iter_valid(it) && sweep_next(ks, it, &s))
        store_iter_next(it);
    ks->sweep_left = end_walk(ks, it, now_ms);
    ASSERT(s.done <= limit);
    ks->swept += s.done;
    return s.done;
}

uint64_t keyspace_swept(const struct keyspace *ks)
{
    return ks->swept;
}

bool keyspace_due(struct keyspace *ks, int64_t time_ms)
{
    ASSERT(!ks->rows.in_entry);
    if (keyspace_sweep_left(ks))
        return true;
    return ks->rows.index_from_ms <= time_ms &&
           end_walk(ks, begin_walk(ks), time_ms);
}

bool keyspace_sweep_left(const struct keyspace *ks)
{
    return ks->sweep_left || keyspace_tickets(ks) > 0;
}
