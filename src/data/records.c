/*
 * How it works: the first touch of a key in an entry reads the store once;
 * from then on the overlay answers. Commit writes the records in order of
 * first touch, which all replicas share: the batch is the same everywhere.
 *
 * A flush changes a number: the epoch, which is part of each key. Of an epoch
 * that began in this entry the store can have nothing, so nothing is read; of
 * one that ended in it nothing is written. Index rows are ordered by time, so
 * a flush does not look for those of the ended epoch: they stay behind, and
 * the sweep removes them.
 *
 * How it fails: the first error is kept, reads then find nothing, and commit
 * writes nothing and returns it.
 */
#include "data/records.h"

#include "data/key.h"
#include "data/session.h"
#include "data/value.h"

#define READ_KEPT  (1024 * 1024)
#define BATCH_KEPT (4 * 1024 * 1024)
/* Deleting many large values must not gather them in memory. */
#define DELETED_KEPT (16 * 1024)

void records_init(struct records *rs, struct store *s)
{
    *rs = (struct records){.store = s};
    rs->batch = STORE_BATCH_INIT;
    overlay_init(&rs->overlay);
}

void records_release(struct records *rs)
{
    overlay_release(&rs->overlay);
    store_batch_release(&rs->batch);
    buf_release(&rs->read);
    buf_release(&rs->row);
}

void records_begin(struct records *rs, uint64_t seed)
{
    ASSERT(!rs->in_entry);
    overlay_reset(&rs->overlay, seed);
    memcpy(rs->stored_epochs, rs->epochs, sizeof(rs->epochs));
    rs->entry_bytes = 0;
    rs->read_bytes = 0;
    rs->reading = false;
    rs->in_entry = true;
}

void records_fail(struct records *rs, int error)
{
    ASSERT(error < 0);
    if (rs->error == 0)
        rs->error = error;
}

int64_t record_expire_ms(struct bytes key, struct bytes value)
{
    ASSERT(key.len > 0);
    if (key.data[0] == 'k') {
        ASSERT(value.len >= VALUE_HEADER_SIZE);
        return time_load(value.data + VALUE_EXPIRE_OFFSET);
    }
    if (key.data[0] == 'o') {
        ASSERT(value.len >= ONCE_HEADER_SIZE);
        return time_load(value.data + ONCE_EXPIRE_OFFSET);
    }
    return 0;
}

/* A record that came from the store has the form that its kind must have. */
static bool well_formed(struct bytes key, struct bytes value)
{
    struct value v;
    if (key.data[0] == 'k')
        return value_decode(value, &v) == 0;
    if (key.data[0] == 'o')
        return value.len >= ONCE_HEADER_SIZE &&
               record_expire_ms(key, value) > 0;
    return true;
}

/* Appends the record to *value; false: there is none, or an error. */
static bool fetch(struct records *rs, struct bytes key, struct buf *value)
{
    ASSERT(value->len == 0);
    if (rs->error != 0)
        return false;
    int err = store_get(rs->store, STORE_STATE, key, value);
    if (err == 0 && !well_formed(key, buf_view(value)))
        err = ERR_CORRUPT;
    if (err == 0)
        return true;
    if (err != ERR_NOT_FOUND)
        records_fail(rs, err);
    buf_reset(value);
    return false;
}

/* Counts what a record brought into memory: for the entry once, when it is
 * first touched by what all replicas execute. A read that only one replica
 * executes must leave no trace in entry_bytes, or replicas would differ. */
static void charge(struct records *rs, struct record *r, size_t size,
                   bool fetched)
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
static bool is_new(const struct records *rs, struct bytes key)
{
    return key.data[0] == 'k' &&
           key_epoch(key) > rs->stored_epochs[key.data[1]];
}

static bool has_ended(const struct records *rs, struct bytes key)
{
    return key.data[0] == 'k' && key_epoch(key) < rs->epochs[key.data[1]];
}

/* The head of a value that is in memory; *size is that of the whole. */
static bool fetch_head(struct records *rs, struct bytes key, struct buf *value,
                       size_t *size)
{
    struct bytes whole;
    ASSERT(key.data[0] == 'k');
    if (rs->error != 0 || !store_peek(rs->store, key, &whole))
        return false;
    if (!well_formed(key, whole))
        return false; /* fetch() says so */
    buf_bytes(value, bytes_of(whole.data, VALUE_HEADER_SIZE));
    *size = whole.len;
    return true;
}

/* What the store has of a key: the record, or its head if that is enough. */
static bool load(struct records *rs, struct bytes key, bool head,
                 struct buf *value, size_t *size)
{
    if (is_new(rs, key))
        return false;
    if (head && fetch_head(rs, key, value, size))
        return true;
    bool found = fetch(rs, key, value);
    *size = value->len;
    return found;
}

static struct record *touch(struct records *rs, struct bytes key, bool head)
{
    ASSERT(rs->in_entry && key.len > 0);
    struct record *r = overlay_find(&rs->overlay, key);
    if (r != NULL) {
        charge(rs, r, r->value.len, false);
        return r;
    }
    r = overlay_add(&rs->overlay, key);
    size_t size = 0;
    if (load(rs, key, head, &r->value, &size)) {
        r->stored = true;
        r->present = true;
        r->stored_expire_ms = record_expire_ms(key, buf_view(&r->value));
    }
    charge(rs, r, size, true);
    return r;
}

struct record *records_touch(struct records *rs, struct bytes key)
{
    return touch(rs, key, false);
}

struct record *records_touch_head(struct records *rs, struct bytes key)
{
    return touch(rs, key, true);
}

bool records_get(struct records *rs, struct bytes key, struct bytes *value)
{
    ASSERT(value != NULL);
    if (rs->in_entry) {
        struct record *r = records_touch(rs, key);
        *value = buf_view(&r->value);
        return r->present;
    }
    buf_reset(&rs->read);
    buf_shrink(&rs->read, READ_KEPT);
    bool found = fetch(rs, key, &rs->read);
    *value = buf_view(&rs->read);
    return found;
}

void records_put(struct records *rs, struct bytes key, struct bytes value)
{
    struct record *r = records_touch(rs, key);
    ASSERT(value.len == 0 || r->value.data == NULL ||
           value.data + value.len <= r->value.data ||
           value.data >= r->value.data + r->value.cap);
    buf_reset(&r->value);
    buf_bytes(&r->value, value);
    r->present = true;
    r->dirty = true;
}

void records_delete(struct records *rs, struct bytes key)
{
    struct record *r = records_touch(rs, key);
    if (!r->present)
        return;
    buf_reset(&r->value);
    buf_shrink(&r->value, DELETED_KEPT);
    r->present = false;
    r->dirty = true;
}

void records_flush_db(struct records *rs, uint8_t db)
{
    ASSERT(rs->in_entry && db < KEYSPACE_DATABASES);
    ASSERT(rs->epochs[db] < UINT32_MAX);
    rs->epochs[db]++;
}

/* 'x' time(8) key. */
static struct bytes index_row(struct records *rs, int64_t time_ms,
                              struct bytes key)
{
    ASSERT(time_ms > 0);
    buf_reset(&rs->row);
    buf_u8(&rs->row, 'x');
    buf_u64be(&rs->row, (uint64_t)time_ms);
    buf_bytes(&rs->row, key);
    return buf_view(&rs->row);
}

static void write_record(struct records *rs, const struct record *r)
{
    struct store_batch *b = &rs->batch;
    struct bytes key = overlay_key(&rs->overlay, r);
    struct bytes value = buf_view(&r->value);
    ASSERT(r->dirty && (r->present || value.len == 0));
    int64_t before_ms = r->stored_expire_ms;
    int64_t after_ms = r->present ? record_expire_ms(key, value) : 0;
    if (before_ms != 0 && before_ms != after_ms)
        store_batch_delete(b, STORE_STATE, index_row(rs, before_ms, key));
    if (r->present)
        store_batch_put_borrowed(b, STORE_STATE, key, value);
    else if (r->stored)
        store_batch_delete(b, STORE_STATE, key);
    if (after_ms != 0 && after_ms != before_ms)
        store_batch_put(b, STORE_STATE, index_row(rs, after_ms, key),
                        BYTES_NONE);
}

/* Garbage, from now on: all ended epochs, as the store may not have collected
 * that of earlier flushes yet. */
static void discard_ended(struct records *rs)
{
    for (uint8_t db = 0; db < KEYSPACE_DATABASES; db++) {
        uint32_t epoch = rs->epochs[db];
        const uint8_t begin[] = {'k', db};
        const uint8_t end[] = {'k',
                               db,
                               (uint8_t)(epoch >> 24),
                               (uint8_t)(epoch >> 16),
                               (uint8_t)(epoch >> 8),
                               (uint8_t)epoch};
        if (epoch != rs->stored_epochs[db])
            store_batch_discard(&rs->batch, STORE_STATE,
                                bytes_of(begin, sizeof(begin)),
                                bytes_of(end, sizeof(end)));
    }
}

struct store_batch *records_prepare(struct records *rs)
{
    ASSERT(rs->in_entry);
    rs->in_entry = false;
    store_batch_reset(&rs->batch);
    buf_shrink(&rs->batch.ops, BATCH_KEPT);
    for (uint32_t i = 0; i < rs->overlay.count; i++) {
        const struct record *r = &rs->overlay.records[i];
        if (r->dirty && !has_ended(rs, overlay_key(&rs->overlay, r)))
            write_record(rs, r);
    }
    discard_ended(rs);
    return &rs->batch;
}

int records_write(struct records *rs)
{
    ASSERT(!rs->in_entry);
    if (rs->error != 0)
        return rs->error;
    int err = store_write(rs->store, &rs->batch, STORE_UNLOGGED);
    if (err != 0)
        records_fail(rs, err);
    return err;
}
