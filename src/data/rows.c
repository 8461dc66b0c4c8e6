/*
 * How it works: the first touch of a key in an entry reads the store once;
 * from then on the overlay answers. Commit writes the rows in the order of
 * first touch, which all replicas share: the batch is the same everywhere.
 *
 * A flush changes a number: the epoch, which is part of each key. Of an epoch
 * that began in this entry the store can have nothing, so nothing is read; of
 * one that ended in it nothing is written. Index rows are ordered by time, so
 * a flush does not look for those of the ended epoch: they are left, and the
 * sweep removes them.
 *
 * How it fails: the first error is kept, reads then find nothing, and commit
 * writes nothing and returns it.
 */
#include "data/rows.h"

#include "data/key.h"
#include "data/kinds.h"
#include "data/value.h"

#define READ_KEPT  (1024 * 1024)
#define BATCH_KEPT (4 * 1024 * 1024)
/* Deleting many large values must not gather them in memory. */
#define DELETED_KEPT (16 * 1024)
/* What a row takes that is not read: itself, its key, its place in the batch.
 */
#define UNREAD_SIZE 256

void rows_init(struct rows *rs, struct store *s)
{
    *rs = (struct rows){.store = s, .level = LEVEL_MIN};
    rs->batch = STORE_BATCH_INIT;
    overlay_init(&rs->overlay);
}

void rows_release(struct rows *rs)
{
    overlay_release(&rs->overlay);
    store_batch_release(&rs->batch);
    buf_release(&rs->read);
    buf_release(&rs->index_key);
    buf_release(&rs->index_from);
}

void rows_begin(struct rows *rs, uint64_t seed)
{
    ASSERT(!rs->in_entry);
    overlay_reset(&rs->overlay, seed);
    memcpy(rs->stored_epochs, rs->epochs, sizeof(rs->epochs));
    ASSERT(rs->overlay.count == 0);
    rs->entry_bytes = 0;
    rs->read_bytes = 0;
    rs->viewed_bytes = 0;
    rs->read_views = 0;
    rs->reading = false;
    rs->in_entry = true;
}

void rows_abort(struct rows *rs)
{
    ASSERT(rs->in_entry);
    memcpy(rs->epochs, rs->stored_epochs, sizeof(rs->epochs));
    buf_reset(&rs->index_from); /* a sweep may have passed over rows */
    rs->index_from_ms = 0;
    rs->reading = false;
    rs->in_entry = false;
}

void rows_fail(struct rows *rs, int err)
{
    ASSERT(err < 0);
    if (rs->error == 0)
        rs->error = err;
}

/* What a read of the store has appended to *value; false: it is no row. */
static bool fetched(struct rows *rs, struct bytes key, int err,
                    struct buf *value)
{
    if (err == 0)
        err = row_check(key, buf_view(value));
    if (err == 0)
        return true;
    if (err != ERR_NOT_FOUND)
        rows_fail(rs, err);
    buf_reset(value);
    return false;
}

/* Appends the row to *value; false: there is none, or an error. */
static bool fetch(struct rows *rs, struct bytes key, struct buf *value)
{
    ASSERT(value->len == 0);
    if (rs->error != 0)
        return false;
    int err = store_get(rs->store, STORE_STATE, key, value);
    return fetched(rs, key, err, value);
}

static bool fetch_once(struct rows *rs, struct bytes key, struct buf *value)
{
    ASSERT(value->len == 0);
    if (rs->error != 0)
        return false;
    int err = store_get_once(rs->store, STORE_STATE, key, value);
    return fetched(rs, key, err, value);
}

/* Counts what a row brought into memory: for the entry once, when it is
 * first touched by what all replicas execute. A read that only one replica
 * executes must leave no trace in entry_bytes, or replicas would differ. */
static void charge(struct rows *rs, struct row *r, size_t size, bool fetched)
{
    ASSERT(rs->in_entry);
    if (rs->reading) {
        rs->read_bytes += fetched ? size : 0;
    } else if (!r->charged) {
        r->charged = true;
        rs->entry_bytes += size;
    }
}

/* Whether the key is of an epoch that began in this entry: then the store
 * cannot have it. */
static bool is_new(const struct rows *rs, struct bytes key)
{
    uint8_t db;
    uint32_t epoch;
    return row_epoch_of(key, &db, &epoch) && epoch > rs->stored_epochs[db];
}

static bool has_ended(const struct rows *rs, struct bytes key)
{
    uint8_t db;
    uint32_t epoch;
    return row_epoch_of(key, &db, &epoch) && epoch < rs->epochs[db];
}

/* The head of a value that is in memory, if no more is needed of its type;
 * *size is that of the whole. */
static bool fetch_head(struct rows *rs, struct bytes key, struct buf *value,
                       size_t *size)
{
    struct bytes whole;
    struct value v;
    bool own = false; /* what is used of it is checked below */
    ASSERT(row_is(key, ROW_VALUE));
    if (rs->error != 0 || !store_peek(rs->store, key, &whole, &own))
        return false;
    if (value_decode(whole, &v) != 0)
        return false; /* fetch() says so */
    if (!value_type_info(v.type)->plain || v.encoding != VALUE_PLAIN)
        return false;
    buf_bytes(value, bytes_of(whole.data, VALUE_HEADER_SIZE));
    *size = whole.len;
    return true;
}

/* What the store has of a key: the row, or its head if that is enough. */
static bool load(struct rows *rs, struct bytes key, bool head,
                 struct buf *value, size_t *size)
{
    if (is_new(rs, key))
        return false;
    if (head && fetch_head(rs, key, value, size))
        return true;
    bool found = fetch(rs, key, value);
    *size = value->len;
    ASSERT(found || *size == 0);
    return found;
}

static struct row *touch(struct rows *rs, struct bytes key, bool head)
{
    ASSERT(rs->in_entry && key.len > 0);
    struct row *r = overlay_find(&rs->overlay, key);
    if (r != NULL) {
        charge(rs, r, overlay_value(r).len, false);
        return r;
    }
    r = overlay_add(&rs->overlay, key);
    size_t size = 0;
    if (load(rs, key, head, &r->value, &size)) {
        r->stored = true;
        r->present = true;
        r->stored_expire_ms = row_expire_ms(key, buf_view(&r->value));
        r->stored_apart = row_is_apart(key, buf_view(&r->value));
    }
    ASSERT(r->value.len <= size);
    charge(rs, r, size, true);
    return r;
}

struct row *rows_touch(struct rows *rs, struct bytes key)
{
    return touch(rs, key, false);
}

struct row *rows_touch_head(struct rows *rs, struct bytes key)
{
    return touch(rs, key, true);
}

/* Empties what outside an entry, or of a look, was read last. */
static struct buf *read_begin(struct rows *rs)
{
    buf_reset(&rs->read);
    buf_shrink(&rs->read, READ_KEPT);
    return &rs->read;
}

bool rows_get(struct rows *rs, struct bytes key, struct bytes *value)
{
    ASSERT(value != NULL);
    if (rs->in_entry) {
        struct row *r = rows_touch(rs, key);
        *value = overlay_value(r);
        return r->present;
    }
    bool found = fetch(rs, key, read_begin(rs));
    *value = buf_view(&rs->read);
    return found;
}

bool rows_view(struct rows *rs, struct bytes key, bool once,
               struct bytes *value)
{
    const struct row *r = rs->in_entry ? overlay_find(&rs->overlay, key) : NULL;
    if (r != NULL) {
        *value = overlay_value(r);
        return r->present;
    }
    if (rs->in_entry && is_new(rs, key))
        return false;
    bool own = false;
    if (rs->error == 0 && store_peek(rs->store, key, value, &own) &&
        (own || row_check(key, *value) == 0))
        return true;
    struct buf *read = read_begin(rs);
    bool found = once ? fetch_once(rs, key, read) : fetch(rs, key, read);
    *value = buf_view(read);
    return found;
}

void rows_viewed(struct rows *rs, uint64_t bytes)
{
    if (!rs->in_entry)
        return;
    if (rs->reading)
        rs->read_views += bytes;
    else
        rs->viewed_bytes += bytes;
}

void rows_put(struct rows *rs, struct bytes key, struct bytes value)
{
    struct row *r = rows_touch(rs, key);
    ASSERT(value.len == 0 || r->value.data == NULL ||
           value.data + value.len <= r->value.data ||
           value.data >= r->value.data + r->value.cap);
    buf_reset(&r->value);
    buf_bytes(&r->value, value);
    r->present = true;
    r->dirty = true;
}

void rows_delete(struct rows *rs, struct bytes key)
{
    struct row *r = rows_touch(rs, key);
    ASSERT(r->present || r->value.len == 0);
    if (!r->present)
        return;
    buf_reset(&r->value);
    buf_shrink(&r->value, DELETED_KEPT);
    r->present = false;
    r->dirty = true;
}

bool rows_delete_unread(struct rows *rs, struct bytes key, int64_t expire_ms)
{
    ASSERT(rs->in_entry && expire_ms >= 0);
    struct row *r = overlay_find(&rs->overlay, key);
    if (r != NULL && (r->charged || r->dirty))
        return false;
    if (r == NULL)
        r = overlay_add(&rs->overlay, key);
    buf_reset(&r->value); /* of a read that other replicas have not made */
    buf_shrink(&r->value, DELETED_KEPT);
    r->present = false;
    r->stored = true;
    r->stored_expire_ms = expire_ms;
    r->dirty = true;
    ASSERT(!r->present && r->value.len == 0);
    return true;
}

/* A row that the store may have or not. */
static struct row *touch_unread(struct rows *rs, struct bytes key)
{
    ASSERT(rs->in_entry && !rs->reading && !row_may_expire(key));
    struct row *r = overlay_find(&rs->overlay, key);
    if (r == NULL) {
        r = overlay_add(&rs->overlay, key);
        r->stored = !is_new(rs, key); /* for all that is known */
    }
    charge(rs, r, UNREAD_SIZE, false);
    buf_reset(&r->value);
    r->borrowed = BYTES_NONE;
    r->dirty = true;
    return r;
}

struct row *rows_renew(struct rows *rs, struct bytes key)
{
    struct row *r = touch_unread(rs, key);
    r->present = true;
    return r;
}

void rows_put_unread(struct rows *rs, struct bytes key, struct bytes value)
{
    ASSERT(row_check(key, value) == 0);
    buf_bytes(&rows_renew(rs, key)->value, value);
}

void rows_erase(struct rows *rs, struct bytes key)
{
    struct row *r = touch_unread(rs, key);
    buf_shrink(&r->value, DELETED_KEPT);
    r->present = false;
}

bool rows_stored(struct rows *rs, struct bytes key, struct buf *value)
{
    struct buf row = BUF_INIT;
    bool found = fetch(rs, key, &row);
    buf_bytes(value, buf_view(&row));
    buf_release(&row);
    return found;
}

void rows_flush_db(struct rows *rs, uint8_t db)
{
    ASSERT(rs->in_entry && db < KEYSPACE_DATABASES);
    ASSERT(rs->epochs[db] < UINT32_MAX);
    rs->epochs[db]++;
}

/* The key of the index row that says when a row is due. */
static struct bytes index_key(struct rows *rs, int64_t time_ms,
                              struct bytes key)
{
    key_expiry(&rs->index_key, time_ms, key);
    return buf_view(&rs->index_key);
}

void rows_index_begins(struct rows *rs, struct bytes index_row, int64_t time_ms)
{
    ASSERT(index_row.len > 0 && time_ms >= 0);
    buf_reset(&rs->index_from);
    buf_bytes(&rs->index_from, index_row);
    rs->index_from_ms = time_ms;
}

/* There is this index row. */
static void index_has(struct rows *rs, struct bytes index_row, int64_t time_ms)
{
    ASSERT(time_ms > 0);
    if (time_ms <= rs->index_from_ms &&
        bytes_cmp(index_row, buf_view(&rs->index_from)) < 0)
        rows_index_begins(rs, index_row, time_ms);
}

static void write_row(struct rows *rs, const struct row *r)
{
    struct store_batch *b = &rs->batch;
    struct bytes key = overlay_key(&rs->overlay, r);
    struct bytes value = overlay_value(r);
    ASSERT(r->dirty && (r->present || value.len == 0));
    ASSERT(row_level(key) <= rs->level);
    int64_t before_ms = r->stored_expire_ms;
    int64_t after_ms = r->present ? row_expire_ms(key, value) : 0;
    bool apart = r->present && row_is_apart(key, value);
    if (before_ms != 0 && before_ms != after_ms)
        store_batch_delete(b, STORE_STATE, index_key(rs, before_ms, key));
    if (r->present)
        store_batch_put_borrowed(b, STORE_STATE, key, value);
    else if (r->stored)
        store_batch_delete(b, STORE_STATE, key);
    if (after_ms != 0 && (after_ms != before_ms || apart != r->stored_apart)) {
        struct bytes index_row = index_key(rs, after_ms, key);
        store_batch_put(b, STORE_STATE, index_row,
                        apart ? EXPIRY_APART : BYTES_NONE);
        index_has(rs, index_row, after_ms);
    }
}

/* Of a kind and a database, all ended epochs are garbage from now on; those of
 * earlier flushes too, because the store may not have collected them yet. */
static void discard_ended(struct rows *rs, uint8_t letter, uint8_t db)
{
    uint8_t begin[KEY_EPOCH_SIZE];
    uint8_t end[KEY_EPOCH_SIZE];
    ASSERT(rs->epochs[db] > 0);
    key_epoch_first(begin, letter, db, 0);
    key_epoch_first(end, letter, db, rs->epochs[db]);
    store_batch_discard(&rs->batch, STORE_STATE, bytes_of(begin, sizeof(begin)),
                        bytes_of(end, sizeof(end)));
}

static void discard_all_ended(struct rows *rs)
{
    for (uint8_t db = 0; db < KEYSPACE_DATABASES; db++) {
        if (rs->epochs[db] == rs->stored_epochs[db])
            continue;
        for (unsigned letter = 0; letter < ROW_LETTERS; letter++) {
            const struct row_kind *kind = row_kind_of((uint8_t)letter);
            if (kind != NULL && kind->in_epoch)
                discard_ended(rs, (uint8_t)letter, db);
        }
    }
}

/* A store may have forgotten it, or lost what it has not collected. */
void rows_open(struct rows *rs)
{
    ASSERT(!rs->in_entry && rs->batch.count == 0);
    discard_all_ended(rs);
    if (rs->batch.count == 0)
        return;
    int err = rows_write(rs);
    ASSERT(err == rs->error);
    store_batch_reset(&rs->batch);
}

struct store_batch *rows_prepare(struct rows *rs)
{
    ASSERT(rs->in_entry && !rs->reading);
    rs->in_entry = false;
    store_batch_reset(&rs->batch);
    buf_shrink(&rs->batch.ops, BATCH_KEPT);
    for (uint32_t i = 0; i < rs->overlay.count; i++) {
        const struct row *r = &rs->overlay.rows[i];
        struct bytes key = overlay_key(&rs->overlay, r);
        int64_t time_ms = r->stored_expire_ms;
        if (!r->dirty)
            continue;
        if (!has_ended(rs, key))
            write_row(rs, r);
        else if (time_ms != 0) /* its index row stays */
            index_has(rs, index_key(rs, time_ms, key), time_ms);
    }
    discard_all_ended(rs);
    return &rs->batch;
}

int rows_write(struct rows *rs)
{
    ASSERT(!rs->in_entry);
    if (rs->error != 0)
        return rs->error;
    int err = store_write(rs->store, &rs->batch, STORE_UNLOGGED);
    if (err != 0)
        rows_fail(rs, err);
    return err;
}
