/*
 * How it works: a value is one record, header and bytes; records.c makes the
 * entry's own changes visible and writes them. Here are the meaning of
 * expiry, the counts, and the applied position, which stands in the same
 * batch as the data: after a crash, data and position agree, whatever else
 * is lost. So do the epochs, written with the counts.
 *
 * How it fails: see keyspace_error(). After an error nothing is found and
 * nothing is written; the replica must stop.
 */
#include "data/keyspace.h"

#include "base/alloc.h"
#include "base/reader.h"
#include "data/key.h"
#include "data/keyspace_internal.h"
#include "data/value.h"

#define APPLIED_SIZE   32
#define COUNT_KEY_SIZE 7
#define COUNT_SIZE     20
#define KEY_KEPT       (64 * 1024)

_Static_assert(KEYSPACE_DATABASES <= 32, "a bit each in counts_changed");

static const char APPLIED_KEY[] = "mapplied";

/* --- opening ------------------------------------------------------------ */

/* "mcount" db(1): keys(8) expires(8) epoch(4). */
static struct bytes count_key(uint8_t out[COUNT_KEY_SIZE], uint8_t db)
{
    memcpy(out, "mcount", COUNT_KEY_SIZE - 1);
    out[COUNT_KEY_SIZE - 1] = db;
    return bytes_of(out, COUNT_KEY_SIZE);
}

static int decode_applied(struct bytes b, struct applied *out)
{
    struct reader r = reader_of(b);
    out->index = reader_u64be(&r);
    out->term = reader_u64be(&r);
    out->time_ms = (int64_t)reader_u64be(&r);
    out->chain = reader_u64be(&r);
    return reader_done(&r) && out->time_ms >= 0 ? 0 : ERR_CORRUPT;
}

static int decode_count(struct bytes b, struct keyspace_count *out,
                        uint32_t *epoch)
{
    struct reader r = reader_of(b);
    out->keys = reader_u64be(&r);
    out->expires = reader_u64be(&r);
    *epoch = reader_u32be(&r);
    return reader_done(&r) && out->expires <= out->keys ? 0 : ERR_CORRUPT;
}

static int read_state(struct keyspace *ks)
{
    struct bytes value;
    uint8_t key[COUNT_KEY_SIZE];
    int err = 0;
    if (records_get(&ks->records, bytes_str(APPLIED_KEY), &value))
        err = decode_applied(value, &ks->applied);
    for (uint8_t db = 0; err == 0 && db < KEYSPACE_DATABASES; db++) {
        if (records_get(&ks->records, count_key(key, db), &value))
            err = decode_count(value, &ks->counts[db], &ks->records.epochs[db]);
    }
    if (err != 0)
        records_fail(&ks->records, err);
    return ks->records.error;
}

int keyspace_open(struct keyspace **out, struct store *s, struct buf *error)
{
    ASSERT(out != NULL && s != NULL && error != NULL);
    struct keyspace *ks = mem_zalloc(sizeof(*ks));
    records_init(&ks->records, s);
    int err = read_state(ks);
    if (err == 0) {
        *out = ks;
        return 0;
    }
    const char *text = store_error(s);
    if (err == ERR_CORRUPT || text == NULL)
        text = error_text(err);
    buf_printf(error, "cannot read position and counts of the state: %s", text);
    keyspace_close(ks);
    *out = NULL;
    return err;
}

void keyspace_close(struct keyspace *ks)
{
    if (ks == NULL)
        return;
    records_release(&ks->records);
    buf_release(&ks->key);
    buf_release(&ks->expected);
    mem_free(ks);
}

const struct applied *keyspace_applied(const struct keyspace *ks)
{
    return &ks->applied;
}

int keyspace_flushed(struct keyspace *ks, struct applied *out)
{
    struct buf value = BUF_INIT;
    *out = (struct applied){0};
    int err = store_get_flushed(ks->records.store, STORE_STATE,
                                bytes_str(APPLIED_KEY), &value);
    if (err == 0)
        err = decode_applied(buf_view(&value), out);
    else if (err == ERR_NOT_FOUND)
        err = 0;
    buf_release(&value);
    if (err != 0)
        records_fail(&ks->records, err);
    return err;
}

const struct keyspace_count *keyspace_counts(const struct keyspace *ks,
                                             uint8_t db)
{
    ASSERT(db < KEYSPACE_DATABASES);
    return &ks->counts[db];
}

bool keyspace_is_current(const struct keyspace *ks, struct bytes state_key)
{
    uint32_t epoch = key_epoch(state_key);
    ASSERT(state_key.data[1] < KEYSPACE_DATABASES);
    return epoch == ks->records.epochs[state_key.data[1]];
}

uint64_t keyspace_entry_bytes(const struct keyspace *ks)
{
    return ks->records.in_entry ? ks->records.entry_bytes : 0;
}

uint64_t keyspace_read_bytes(const struct keyspace *ks)
{
    return ks->records.in_entry ? ks->records.read_bytes : 0;
}

void keyspace_set_reading(struct keyspace *ks, bool reading)
{
    ks->records.reading = reading;
}

int keyspace_error(const struct keyspace *ks)
{
    return ks->records.error;
}

/* --- entries ------------------------------------------------------------ */

void keyspace_begin(struct keyspace *ks, const struct applied *entry,
                    uint64_t seed)
{
    ASSERT(entry->index > ks->applied.index);
    ASSERT(entry->time_ms >= ks->applied.time_ms);
    records_begin(&ks->records, seed);
    ks->entry = *entry;
    ks->counts_changed = 0;
    ks->in_doubt = false;
    ks->session_node = NODE_NONE;
}

static void put_counts(struct keyspace *ks, struct store_batch *b)
{
    struct buf *value = &ks->key;
    for (uint8_t db = 0; db < KEYSPACE_DATABASES; db++) {
        uint8_t key[COUNT_KEY_SIZE];
        if ((ks->counts_changed >> db & 1) == 0)
            continue;
        const struct keyspace_count *c = &ks->counts[db];
        ASSERT(c->expires <= c->keys);
        buf_reset(value);
        buf_u64be(value, c->keys);
        buf_u64be(value, c->expires);
        buf_u32be(value, ks->records.epochs[db]);
        ASSERT(value->len == COUNT_SIZE);
        store_batch_put(b, STORE_STATE, count_key(key, db), buf_view(value));
    }
}

static void put_applied(struct keyspace *ks, struct store_batch *b)
{
    struct buf *value = &ks->key;
    buf_reset(value);
    buf_u64be(value, ks->entry.index);
    buf_u64be(value, ks->entry.term);
    buf_u64be(value, (uint64_t)ks->entry.time_ms);
    buf_u64be(value, ks->entry.chain);
    ASSERT(value->len == APPLIED_SIZE);
    store_batch_put(b, STORE_STATE, bytes_str(APPLIED_KEY), buf_view(value));
}

int keyspace_commit(struct keyspace *ks)
{
    ASSERT(ks->records.in_entry);
    session_settle(ks);
    struct store_batch *b = records_prepare(&ks->records);
    put_counts(ks, b);
    put_applied(ks, b);
    int err = records_write(&ks->records);
    if (err == 0)
        ks->applied = ks->entry;
    buf_reset(&ks->key);
    buf_shrink(&ks->key, KEY_KEPT);
    return err;
}

/* --- time --------------------------------------------------------------- */

void keyspace_read_at(struct keyspace *ks, int64_t time_ms)
{
    ASSERT(!ks->records.in_entry);
    ks->read_time_ms = time_ms;
    ks->in_doubt = false;
}

bool keyspace_in_doubt(const struct keyspace *ks)
{
    return ks->in_doubt;
}

/* What the log says the time is. */
static int64_t log_time(const struct keyspace *ks)
{
    return ks->records.in_entry ? ks->entry.time_ms : ks->applied.time_ms;
}

int64_t keyspace_now(const struct keyspace *ks)
{
    if (ks->records.in_entry)
        return ks->entry.time_ms;
    return MAX(ks->read_time_ms, ks->applied.time_ms);
}

static bool expired(const struct keyspace *ks, int64_t expire_ms)
{
    return expire_ms != 0 && expire_ms <= log_time(ks);
}

/* --- values ------------------------------------------------------------- */

/* The state key of a user key, in the epoch that its database has by now;
 * borrowed from ks->key. */
static struct bytes key_of(struct keyspace *ks, uint8_t db, struct bytes key)
{
    ASSERT(db < KEYSPACE_DATABASES);
    key_encode(&ks->key, db, ks->records.epochs[db], key);
    return buf_view(&ks->key);
}

void keyspace_expect(struct keyspace *ks, const struct keyspace_key *keys,
                     size_t count)
{
    struct bytes expected[KEYSPACE_EXPECT_MAX];
    struct buf *all = &ks->expected;
    size_t size = 0;
    ASSERT(count <= KEYSPACE_EXPECT_MAX);
    for (size_t i = 0; i < count; i++)
        size += KEY_PREFIX_SIZE + keys[i].key.len;
    buf_reset(all);
    buf_shrink(all, KEY_KEPT);
    buf_reserve(all, size); /* from here on it stays where it is */
    for (size_t i = 0; i < count; i++) {
        uint8_t db = keys[i].db;
        size_t begin = all->len;
        ASSERT(db < KEYSPACE_DATABASES);
        key_append(all, db, ks->records.epochs[db], keys[i].key);
        expected[i] = bytes_from(buf_view(all), begin);
    }
    store_expect(ks->records.store, expected, count);
}

bool keyspace_get(struct keyspace *ks, uint8_t db, struct bytes key,
                  struct value *out)
{
    ASSERT(out != NULL);
    *out = (struct value){.type = VALUE_NONE};
    struct bytes bytes;
    struct value v;
    if (!records_get(&ks->records, key_of(ks, db, key), &bytes))
        return false;
    int err = value_decode(bytes, &v);
    if (err != 0) {
        records_fail(&ks->records, err);
        return false;
    }
    if (expired(ks, v.expire_ms))
        return false;
    if (v.expire_ms != 0 && v.expire_ms <= keyspace_now(ks)) {
        ASSERT(!ks->records.in_entry);
        ks->in_doubt = true;
        return false;
    }
    *out = v;
    return true;
}

struct presence {
    bool present;
    bool expires;
};

static struct presence presence_of(const struct record *r)
{
    if (!r->present)
        return (struct presence){false, false};
    ASSERT(r->value.len >= VALUE_HEADER_SIZE);
    return (struct presence){
        true, time_load(r->value.data + VALUE_EXPIRE_OFFSET) != 0};
}

static void count(struct keyspace *ks, uint8_t db, struct presence before,
                  struct presence after)
{
    if (before.present == after.present && before.expires == after.expires)
        return;
    struct keyspace_count *c = &ks->counts[db];
    ASSERT(c->keys >= before.present && c->expires >= before.expires);
    c->keys = c->keys - before.present + after.present;
    c->expires = c->expires - before.expires + after.expires;
    ks->counts_changed |= UINT32_C(1) << db;
}

/* Makes room for `len` bytes of data behind the header and copies them
 * there; they may be part of what the record holds. */
static void place_data(struct buf *record, struct bytes data)
{
    size_t size = VALUE_HEADER_SIZE + data.len;
    bool own = data.len > 0 && record->data != NULL &&
               data.data >= record->data &&
               data.data < record->data + record->cap;
    if (own) {
        size_t from = (size_t)(data.data - record->data);
        ASSERT(from + data.len <= record->len);
        buf_reserve(record, VALUE_HEADER_SIZE);
        memmove(record->data + VALUE_HEADER_SIZE, record->data + from,
                data.len);
    } else {
        buf_reset(record);
        buf_reserve(record, size);
        if (data.len > 0)
            memcpy(record->data + VALUE_HEADER_SIZE, data.data, data.len);
    }
    ASSERT(record->cap >= size);
    record->len = size;
}

void keyspace_put(struct keyspace *ks, uint8_t db, struct bytes key,
                  const struct value *v)
{
    ASSERT(v->type == VALUE_STRING && v->expire_ms >= 0);
    if (expired(ks, v->expire_ms)) {
        (void)keyspace_delete(ks, db, key);
        return;
    }
    struct record *r = records_touch_head(&ks->records, key_of(ks, db, key));
    struct presence before = presence_of(r);
    struct value header = *v;
    header.version = ks->entry.index;
    place_data(&r->value, v->data);
    value_encode_header(r->value.data, &header);
    r->present = true;
    r->dirty = true;
    count(ks, db, before, presence_of(r));
}

/* The record of a key for a change in place: a missing or expired value has
 * become an empty string. */
static struct record *touch_string(struct keyspace *ks, uint8_t db,
                                   struct bytes key)
{
    struct value v;
    if (!keyspace_get(ks, db, key, &v)) {
        v = (struct value){.type = VALUE_STRING};
        keyspace_put(ks, db, key, &v);
    }
    ASSERT(v.type == VALUE_STRING);
    struct record *r = records_touch(&ks->records, key_of(ks, db, key));
    ASSERT(r->present && r->value.len >= VALUE_HEADER_SIZE);
    v.version = ks->entry.index;
    value_encode_header(r->value.data, &v);
    r->dirty = true;
    return r;
}

void keyspace_overwrite(struct keyspace *ks, uint8_t db, struct bytes key,
                        size_t offset, struct bytes data)
{
    ASSERT(ks->records.in_entry);
    struct buf *record = &touch_string(ks, db, key)->value;
    size_t begin = VALUE_HEADER_SIZE + offset;
    size_t end = begin + data.len;
    ASSERT(end >= data.len);
    if (end > record->len) {
        ks->records.entry_bytes += end - record->len;
        buf_reserve(record, end - record->len);
        if (begin > record->len)
            memset(record->data + record->len, 0, begin - record->len);
        record->len = end;
    }
    if (data.len > 0)
        memcpy(record->data + begin, data.data, data.len);
}

void keyspace_remove(struct keyspace *ks, struct bytes state_key)
{
    struct record *r = records_touch(&ks->records, state_key);
    if (!r->present)
        return;
    struct presence none = {false, false};
    if (state_key.data[0] == 'k') {
        ASSERT(keyspace_is_current(ks, state_key));
        count(ks, state_key.data[1], presence_of(r), none);
    }
    records_delete(&ks->records, state_key);
}

bool keyspace_delete(struct keyspace *ks, uint8_t db, struct bytes key)
{
    struct value v;
    bool live = keyspace_get(ks, db, key, &v);
    keyspace_remove(ks, buf_view(&ks->key));
    return live;
}

bool keyspace_flush_db(struct keyspace *ks, uint8_t db)
{
    ASSERT(db < KEYSPACE_DATABASES);
    if (ks->records.epochs[db] == UINT32_MAX)
        return false;
    records_flush_db(&ks->records, db);
    ks->counts[db] = (struct keyspace_count){0, 0};
    ks->counts_changed |= UINT32_C(1) << db;
    return true;
}
