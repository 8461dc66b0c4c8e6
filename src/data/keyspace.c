/*
 * How it works: a value is one row, header and bytes, or a header that says
 * where the bytes are (pages.c); rows.c makes the entry's own changes visible
 * and writes them. Here are the meaning of expiry, the counts, which form a
 * string has, and the applied position, which is in the same batch as
 * the data: after a crash, data and position agree, whatever else is lost. So
 * do the epochs, which are written with the counts.
 *
 * How it fails: see keyspace_error(). After an error nothing is found and
 * nothing is written; the replica must stop.
 */
#include "data/keyspace.h"

#include "base/alloc.h"
#include "data/due.h"
#include "data/key.h"
#include "data/keyspace_internal.h"
#include "data/kinds.h"
#include "data/meta.h"
#include "data/pages.h"
#include "data/value.h"

#define KEY_KEPT (64 * 1024)

_Static_assert(KEYSPACE_DATABASES <= 32, "a bit each in counts_changed");

const struct applied *keyspace_applied(const struct keyspace *ks)
{
    return &ks->applied;
}

int keyspace_flushed(struct keyspace *ks, struct applied *out)
{
    struct buf value = BUF_INIT;
    *out = (struct applied){0};
    int err = store_get_flushed(ks->rows.store, STORE_STATE, meta_applied_key(),
                                &value);
    if (err == 0)
        err = meta_applied_decode(buf_view(&value), out);
    else if (err == ERR_NOT_FOUND)
        err = 0;
    buf_release(&value);
    if (err != 0)
        rows_fail(&ks->rows, err);
    ASSERT(err != 0 || out->index <= ks->applied.index);
    return err;
}

const struct keyspace_count *keyspace_counts(const struct keyspace *ks,
                                             uint8_t db)
{
    ASSERT(db < KEYSPACE_DATABASES);
    ASSERT(ks->counts[db].expires <= ks->counts[db].keys);
    return &ks->counts[db];
}

const struct keyspace_tally *keyspace_tally(const struct keyspace *ks)
{
    return &ks->tally;
}

int64_t keyspace_mean_ttl_ms(const struct keyspace_count *c, int64_t now_ms)
{
    ASSERT(c->expires <= c->keys && now_ms >= 0);
    if (c->expires == 0)
        return 0;
    double sum =
        (double)c->expire_sum_high * 0x1p64 + (double)c->expire_sum_low;
    double mean = sum / (double)c->expires - (double)now_ms;
    return mean <= 0 ? 0 : (int64_t)MIN(mean, 0x1p62);
}

bool keyspace_is_current(const struct keyspace *ks, struct bytes state_key)
{
    return row_epoch(state_key) == ks->rows.epochs[row_db(state_key)];
}

uint64_t keyspace_entry_bytes(const struct keyspace *ks)
{
    return ks->rows.in_entry ? ks->rows.entry_bytes : 0;
}

uint64_t keyspace_viewed_bytes(const struct keyspace *ks)
{
    return ks->rows.in_entry ? ks->rows.viewed_bytes : 0;
}

uint64_t keyspace_read_views(const struct keyspace *ks)
{
    return ks->rows.in_entry ? ks->rows.read_views : 0;
}

uint64_t keyspace_read_bytes(const struct keyspace *ks)
{
    return ks->rows.in_entry ? ks->rows.read_bytes : 0;
}

void keyspace_set_reading(struct keyspace *ks, bool reading)
{
    ks->rows.reading = reading;
}

int keyspace_error(const struct keyspace *ks)
{
    return ks->rows.error;
}

/* --- entries ------------------------------------------------------------ */

void keyspace_begin(struct keyspace *ks, const struct applied *entry,
                    uint64_t seed)
{
    ASSERT(entry->index > ks->applied.index);
    ASSERT(entry->term >= ks->applied.term);
    ASSERT(entry->time_ms >= ks->applied.time_ms);
    rows_begin(&ks->rows, seed);
    ks->entry = *entry;
    ks->entry_seed = seed;
    ks->counts_changed = 0;
    ks->next_before = ks->next;
    ks->in_doubt = false;
    ks->members_changed = false;
    ks->desired_changed = false;
    ks->swept = 0;
    ks->session.node = NODE_NONE;
}

static void put_counts(struct keyspace *ks, struct store_batch *b)
{
    for (uint8_t db = 0; db < KEYSPACE_DATABASES; db++) {
        uint8_t key[META_COUNT_KEY_SIZE];
        if ((ks->counts_changed >> db & 1) == 0)
            continue;
        meta_count_encode(&ks->key, &ks->counts[db], ks->rows.epochs[db]);
        store_batch_put(b, STORE_STATE, meta_count_key(key, db),
                        buf_view(&ks->key));
    }
}

static void put_next(struct keyspace *ks, struct store_batch *b)
{
    const struct meta_next *was = &ks->next_before;
    const struct meta_next *now = &ks->next;
    ASSERT(now->id >= was->id && now->ticket >= was->ticket);
    if (now->id == was->id && now->ticket == was->ticket &&
        now->first_ticket == was->first_ticket)
        return;
    meta_next_encode(&ks->key, now);
    store_batch_put(b, STORE_STATE, meta_next_key(), buf_view(&ks->key));
}

static void put_applied(struct keyspace *ks, struct store_batch *b)
{
    meta_applied_encode(&ks->key, &ks->entry);
    store_batch_put(b, STORE_STATE, meta_applied_key(), buf_view(&ks->key));
}

int keyspace_commit(struct keyspace *ks)
{
    ASSERT(ks->rows.in_entry && ks->objects_open == 0);
    session_row_settle(&ks->session, &ks->rows);
    struct store_batch *b = rows_prepare(&ks->rows);
    databases_put(ks, b);
    put_counts(ks, b);
    put_next(ks, b);
    members_put(ks, b);
    put_applied(ks, b);
    streams_save(ks);
    int err = rows_write(&ks->rows);
    ASSERT(err == 0 || err == ks->rows.error);
    uploads_settle(ks);
    if (err == 0)
        ks->applied = ks->entry;
    buf_reset(&ks->key);
    buf_shrink(&ks->key, KEY_KEPT);
    return err;
}

/* --- time --------------------------------------------------------------- */

void keyspace_read_at(struct keyspace *ks, int64_t time_ms)
{
    ASSERT(!ks->rows.in_entry && ks->objects_open == 0);
    ks->read_time_ms = time_ms;
    ks->in_doubt = false;
    ks->tally_before = ks->tally;
}

bool keyspace_in_doubt(const struct keyspace *ks)
{
    return ks->in_doubt;
}

/* What the log says the time is. */
static int64_t log_time(const struct keyspace *ks)
{
    return ks->rows.in_entry ? ks->entry.time_ms : ks->applied.time_ms;
}

int64_t keyspace_now(const struct keyspace *ks)
{
    if (ks->rows.in_entry)
        return ks->entry.time_ms;
    return MAX(ks->read_time_ms, ks->applied.time_ms);
}

static bool expired(const struct keyspace *ks, int64_t expire_ms)
{
    ASSERT(expire_ms >= 0);
    return expire_ms != 0 && expire_ms <= log_time(ks);
}

/* --- values ------------------------------------------------------------- */

struct bytes keyspace_key(struct keyspace *ks, uint8_t db, struct bytes key)
{
    ASSERT(db < KEYSPACE_DATABASES);
    key_encode(&ks->key, db, ks->rows.epochs[db], key);
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
        key_append(all, db, ks->rows.epochs[db], keys[i].key);
        expected[i] = bytes_from(buf_view(all), begin);
    }
    ASSERT(all->len == size);
    store_expect(ks->rows.store, expected, count);
}

/* The read is executed again, through the log, and counted there. */
static void doubt(struct keyspace *ks)
{
    ASSERT(!ks->rows.in_entry);
    ks->in_doubt = true;
    ks->tally = ks->tally_before;
}

bool keyspace_decode(struct keyspace *ks, uint8_t db, struct bytes row,
                     struct value *v)
{
    int err = value_decode(row, v);
    ASSERT(err == 0);
    if (v->encoding != VALUE_APART)
        return true;
    err = value_apart_decode(v);
    ASSERT(err == 0);
    if (v->pages.id >= ks->next.id) { /* nobody has given it out */
        rows_fail(&ks->rows, ERR_CORRUPT);
        *v = (struct value){.type = VALUE_NONE};
        return false;
    }
    v->pages.db = db;
    v->pages.epoch = ks->rows.epochs[db];
    return true;
}

bool keyspace_is_live(struct keyspace *ks, int64_t expire_ms)
{
    ASSERT(expire_ms > 0);
    if (expire_ms > keyspace_now(ks))
        return true;
    if (!expired(ks, expire_ms))
        doubt(ks);
    return false;
}

bool keyspace_has_come(struct keyspace *ks, int64_t expire_ms)
{
    return expire_ms != 0 && !keyspace_is_live(ks, expire_ms);
}

static bool get(struct keyspace *ks, uint8_t db, struct bytes key,
                struct value *out)
{
    struct bytes row;
    bool found = rows_get(&ks->rows, keyspace_key(ks, db, key), &row) &&
                 keyspace_decode(ks, db, row, out);
    if (found && out->expire_ms != 0)
        found = keyspace_is_live(ks, out->expire_ms);
    if (!found)
        *out = (struct value){.type = VALUE_NONE};
    return found;
}

void keyspace_count_lookup(struct keyspace *ks, bool found)
{
    ASSERT(!ks->in_doubt);
    ks->tally.hits += found;
    ks->tally.misses += !found;
}

bool keyspace_get(struct keyspace *ks, uint8_t db, struct bytes key,
                  struct value *out)
{
    ASSERT(out != NULL);
    bool found = get(ks, db, key, out);
    if (ks->rows.reading && !ks->in_doubt)
        keyspace_count_lookup(ks, found);
    return found;
}

struct presence {
    bool present;
    int64_t expire_ms; /* 0: never */
};

static struct presence presence_of(const struct row *r)
{
    if (!r->present)
        return (struct presence){false, 0};
    ASSERT(r->value.len >= VALUE_HEADER_SIZE);
    ASSERT(value_form_known(r->value.data[0], r->value.data[1]));
    return (struct presence){true,
                             time_load(r->value.data + VALUE_EXPIRE_OFFSET)};
}

/* The sum is modulo 2^128, so it may pass below 0 on its way. */
static void sum_expiries(struct keyspace_count *c, int64_t before_ms,
                         int64_t after_ms)
{
    uint64_t less = (uint64_t)before_ms;
    uint64_t more = (uint64_t)after_ms;
    ASSERT(before_ms >= 0 && after_ms >= 0);
    c->expire_sum_high -= c->expire_sum_low < less;
    c->expire_sum_low -= less;
    c->expire_sum_low += more;
    c->expire_sum_high += c->expire_sum_low < more;
}

static void count(struct keyspace *ks, uint8_t db, struct presence before,
                  struct presence after)
{
    bool expires_before = before.expire_ms != 0;
    bool expires_after = after.expire_ms != 0;
    if (before.present == after.present && before.expire_ms == after.expire_ms)
        return;
    struct keyspace_count *c = &ks->counts[db];
    ASSERT(c->keys >= before.present && c->expires >= expires_before);
    c->keys = c->keys - before.present + after.present;
    c->expires = c->expires - expires_before + expires_after;
    sum_expiries(c, before.expire_ms, after.expire_ms);
    ASSERT(c->expires <= c->keys);
    ASSERT(c->expires > 0 || (c->expire_sum_high | c->expire_sum_low) == 0);
    ks->counts_changed |= UINT32_C(1) << db;
}

/* The row goes, or another takes its place. */
static void tally_expired(struct keyspace *ks, struct presence before)
{
    ASSERT(before.present || before.expire_ms == 0);
    ks->tally.expired += expired(ks, before.expire_ms);
}

bool keyspace_is_part(struct bytes data, const struct buf *row)
{
    return data.len > 0 && row->data != NULL && data.data >= row->data &&
           data.data < row->data + row->cap;
}

/* Makes room for the data after the header and copies them there; they may be
 * part of what the row holds. */
static void place_data(struct buf *row, struct bytes data)
{
    size_t size = VALUE_HEADER_SIZE + data.len;
    if (keyspace_is_part(data, row)) {
        size_t from = (size_t)(data.data - row->data);
        ASSERT(from + data.len <= row->len);
        buf_reserve(row, VALUE_HEADER_SIZE);
        memmove(row->data + VALUE_HEADER_SIZE, row->data + from, data.len);
    } else {
        buf_reset(row);
        buf_reserve(row, size);
        if (data.len > 0)
            memcpy(row->data + VALUE_HEADER_SIZE, data.data, data.len);
    }
    ASSERT(row->cap >= size);
    row->len = size;
}

static bool has_pages(const struct row *r)
{
    return r->present && r->value.data[VALUE_ENCODING_OFFSET] == VALUE_APART;
}

/* The pages of what is in a row; of nobody if there are none. */
static struct ticket pages_in(struct keyspace *ks, uint8_t db,
                              const struct row *r)
{
    struct ticket t = {.owner = {.id = 0}};
    struct value v;
    if (!has_pages(r) || !keyspace_decode(ks, db, buf_view(&r->value), &v))
        return t;
    if (value_type_info(v.type)->plain)
        return (struct ticket){ROW_PAGE, v.pages, 0, v.pages_end};
    return (struct ticket){ROW_TREE, v.pages, 1, v.pages_end};
}

struct page_owner keyspace_owner(struct keyspace *ks, uint8_t db)
{
    ASSERT(ks->rows.in_entry && ks->next.id < UINT64_MAX);
    return (struct page_owner){db, ks->rows.epochs[db], ks->next.id++};
}

void keyspace_place_apart(struct buf *row, const struct value *v)
{
    uint8_t apart[VALUE_APART_SIZE];
    value_apart_encode(apart, v->pages.id, v->length);
    place_data(row, bytes_of(apart, sizeof(apart)));
}

/* The row has got its data: now its head. */
static void put_head(struct keyspace *ks, uint8_t db, struct row *r,
                     const struct value *v, struct presence before)
{
    value_encode_header(r->value.data, v);
    r->present = true;
    r->dirty = true;
    count(ks, db, before, presence_of(r));
}

/* Puts a value that is apart, or in place of one that is. Its bytes go to the
 * pages of the old one, if few or none of those are left then. */
static void put_apart(struct keyspace *ks, uint8_t db, struct row *r,
                      struct value *v, struct presence before)
{
    struct ticket old = pages_in(ks, db, r);
    struct bytes data = v->data;
    uint64_t count = pages_of(v->length);
    ASSERT(data.len == v->length);
    if (v->length <= KEYSPACE_PAGE_SIZE) {
        place_data(&r->value, data);
    } else {
        v->encoding = VALUE_APART;
        v->pages = old.letter == ROW_PAGE && old.owner.id != 0 &&
                           old.end <= count + PAGES_AT_ONCE
                       ? old.owner
                       : keyspace_owner(ks, db);
        keyspace_place_apart(&r->value, v);
    }
    put_head(ks, db, r, v, before);
    if (v->pages.id != 0) /* r may move now */
        pages_write(&ks->rows, &v->pages, 0, 0, data);
    if (v->pages.id == old.owner.id)
        old.page = count;
    if (old.owner.id != 0)
        pages_drop(&ks->rows, &ks->next, &old);
}

void keyspace_put(struct keyspace *ks, uint8_t db, struct bytes key,
                  const struct value *v)
{
    ASSERT(ks->rows.in_entry && v->expire_ms >= 0);
    ASSERT(value_form_known(v->type, VALUE_APART));
    if (expired(ks, v->expire_ms)) {
        (void)keyspace_delete(ks, db, key);
        return;
    }
    struct row *r = rows_touch_head(&ks->rows, keyspace_key(ks, db, key));
    if (due_drop(&ks->rows, buf_view(&ks->key), r))
        r = rows_touch_head(&ks->rows, buf_view(&ks->key));
    struct presence before = presence_of(r);
    if (before.present)
        keyspace_gone(ks, buf_view(&ks->key));
    struct value now = {.type = v->type,
                        .expire_ms = v->expire_ms,
                        .version = ks->entry.index,
                        .length = v->data.len,
                        .data = v->data};
    tally_expired(ks, before);
    if (now.length > KEYSPACE_PAGE_SIZE || has_pages(r)) {
        put_apart(ks, db, r, &now, before);
        return;
    }
    place_data(&r->value, now.data);
    put_head(ks, db, r, &now, before);
}

void keyspace_place(struct keyspace *ks, uint8_t db, struct bytes key,
                    const struct value *v, uint64_t settled)
{
    struct row *r = rows_touch(&ks->rows, keyspace_key(ks, db, key));
    if (due_drop(&ks->rows, buf_view(&ks->key), r))
        r = rows_touch(&ks->rows, buf_view(&ks->key));
    struct presence before = presence_of(r);
    struct ticket old = pages_in(ks, db, r);
    struct value now = *v;
    ASSERT(ks->rows.in_entry && !keyspace_is_part(v->data, &r->value));
    now.version = ks->entry.index;
    tally_expired(ks, before);
    place_data(&r->value, v->data);
    put_head(ks, db, r, &now, before);
    due_put(&ks->rows, buf_view(&ks->key), v);
    if (old.owner.id != 0 && old.owner.id != v->pages.id &&
        old.owner.id != settled)
        pages_drop(&ks->rows, &ks->next, &old);
    if (expired(ks, v->expire_ms))
        (void)keyspace_delete(ks, db, key);
}

void keyspace_set_expiry(struct keyspace *ks, uint8_t db, struct bytes key,
                         int64_t expire_ms)
{
    ASSERT(ks->rows.in_entry && expire_ms >= 0);
    if (expired(ks, expire_ms)) {
        (void)keyspace_delete(ks, db, key);
        return;
    }
    struct row *r = rows_touch(&ks->rows, keyspace_key(ks, db, key));
    struct presence before = presence_of(r);
    struct value v;
    ASSERT(before.present || ks->rows.error != 0);
    if (!before.present || !keyspace_decode(ks, db, buf_view(&r->value), &v))
        return;
    v.expire_ms = expire_ms;
    v.version = ks->entry.index;
    value_encode_header(r->value.data, &v);
    r->dirty = true;
    count(ks, db, before, presence_of(r));
}

void keyspace_remove(struct keyspace *ks, struct bytes state_key)
{
    keyspace_remove_but(ks, state_key, 0);
}

void keyspace_remove_but(struct keyspace *ks, struct bytes state_key,
                         uint64_t settled)
{
    struct row *r = rows_touch(&ks->rows, state_key);
    struct ticket old = {.owner = {.id = 0}};
    if (!r->present)
        return;
    if (row_is(state_key, ROW_VALUE)) {
        struct presence before = presence_of(r);
        ASSERT(keyspace_is_current(ks, state_key));
        old = pages_in(ks, row_db(state_key), r);
        tally_expired(ks, before);
        count(ks, row_db(state_key), before, (struct presence){false, 0});
        due_drop(&ks->rows, state_key, r);
        keyspace_gone(ks, state_key);
    }
    rows_delete(&ks->rows, state_key);
    if (old.owner.id != 0 && old.owner.id != settled)
        pages_drop(&ks->rows, &ks->next, &old);
}

bool keyspace_remove_unread(struct keyspace *ks, struct bytes state_key,
                            int64_t expire_ms)
{
    struct presence before = {true, expire_ms};
    ASSERT(expired(ks, expire_ms));
    if (!rows_delete_unread(&ks->rows, state_key, expire_ms))
        return false;
    if (row_is(state_key, ROW_VALUE)) {
        ASSERT(keyspace_is_current(ks, state_key));
        tally_expired(ks, before);
        count(ks, row_db(state_key), before, (struct presence){false, 0});
        keyspace_gone(ks, state_key);
    }
    return true;
}

bool keyspace_delete(struct keyspace *ks, uint8_t db, struct bytes key)
{
    struct value v;
    ASSERT(ks->rows.in_entry);
    bool live = keyspace_get(ks, db, key, &v);
    keyspace_remove(ks, buf_view(&ks->key));
    return live;
}

bool keyspace_flush_db(struct keyspace *ks, uint8_t db)
{
    ASSERT(ks->rows.in_entry && db < KEYSPACE_DATABASES);
    if (ks->rows.epochs[db] == UINT32_MAX)
        return false;
    rows_flush_db(&ks->rows, db);
    keyspace_all_ready(ks);
    ks->counts[db] = (struct keyspace_count){0};
    ks->counts_changed |= UINT32_C(1) << db;
    return true;
}
