/*
 * How it works: rows of the store, and those that the entry has touched, which
 * are in its overlay: sorted at the beginning, and merged. Of a row that is in
 * both the entry's is the one.
 *
 * How it fails: a row that cannot be ours is ERR_CORRUPT.
 */
#include "data/walk.h"

#include "base/alloc.h"
#include "data/key.h"
#include "data/keyspace_internal.h"
#include "data/kinds.h"
#include "data/value.h"

#include <stdlib.h>

/* Of the 62 bits of slot and hash. */
#define BITS_BELOW 10

static uint64_t position_of(struct bytes row_key)
{
    uint64_t n = 0;
    ASSERT(row_key.len >= KEY_PREFIX_SIZE);
    for (size_t i = KEY_EPOCH_SIZE; i < KEY_PREFIX_SIZE; i++)
        n = n << 8 | row_key.data[i];
    return n >> BITS_BELOW;
}

static bool has_prefix(const struct key_walk *w, struct bytes row_key)
{
    return row_key.len >= KEY_PREFIX_SIZE &&
           memcmp(row_key.data, w->prefix.data, KEY_EPOCH_SIZE) == 0;
}

/* ---- what the entry has changed ---- */

static int by_bytes(const void *a, const void *b)
{
    const struct bytes *x = a;
    const struct bytes *y = b;
    return bytes_cmp(*x, *y);
}

/* The keys stay where they are as long as no row is touched. */
static void list_changed(struct key_walk *w, struct bytes from)
{
    const struct overlay *o = &w->ks->rows.overlay;
    if (!w->ks->rows.in_entry || o->count == 0)
        return;
    w->changed = mem_alloc(o->count * sizeof(*w->changed));
    for (uint32_t i = 0; i < o->count; i++) {
        struct bytes key = overlay_key(o, &o->rows[i]);
        if (has_prefix(w, key) && bytes_cmp(key, from) >= 0)
            w->changed[w->changed_count++] = key;
    }
    if (w->changed_count > 0)
        qsort(w->changed, w->changed_count, sizeof(*w->changed), by_bytes);
}

/* ---- the walk ---- */

void key_walk_begin(struct key_walk *w, struct keyspace *ks, uint8_t db,
                    uint64_t position)
{
    struct rows *rs = &ks->rows;
    uint8_t epoch_first[KEY_EPOCH_SIZE];
    ASSERT(db < KEYSPACE_DATABASES && position < WALK_POSITIONS);
    ASSERT(!rs->in_entry || rs->reading);
    *w = (struct key_walk){.ks = ks};
    key_epoch_first(epoch_first, ROW_VALUE, db, rs->epochs[db]);
    buf_append(&w->prefix, epoch_first, KEY_EPOCH_SIZE);
    buf_u64be(&w->prefix, position << BITS_BELOW);
    ASSERT(w->prefix.len == KEY_PREFIX_SIZE);
    list_changed(w, buf_view(&w->prefix));
    if (rs->in_entry && rs->epochs[db] != rs->stored_epochs[db])
        return; /* it was flushed in this entry */
    w->it = store_iter_new(rs->store, STORE_STATE);
    store_iter_seek(w->it, buf_view(&w->prefix));
}

void key_walk_end(struct key_walk *w)
{
    if (w->it != NULL)
        store_iter_free(w->it);
    mem_free(w->changed);
    buf_release(&w->prefix);
    *w = (struct key_walk){0};
}

/* The next row of the store that the entry has not touched. */
static bool store_next(struct key_walk *w, struct bytes *key)
{
    struct rows *rs = &w->ks->rows;
    if (w->it == NULL)
        return false;
    if (w->leaves_store)
        store_iter_next(w->it);
    w->leaves_store = false;
    for (; store_iter_valid(w->it); store_iter_next(w->it)) {
        *key = store_iter_key(w->it);
        if (!has_prefix(w, *key))
            return false;
        if (!rs->in_entry || overlay_find(&rs->overlay, *key) == NULL)
            return true;
    }
    int err = store_iter_status(w->it);
    if (err != 0)
        rows_fail(rs, err);
    return false;
}

/* The next row that the entry has touched and that is there. */
static const struct row *changed_next(struct key_walk *w, struct bytes *key)
{
    for (; w->changed_at < w->changed_count; w->changed_at++) {
        *key = w->changed[w->changed_at];
        const struct row *r = overlay_find(&w->ks->rows.overlay, *key);
        ASSERT(r != NULL);
        if (r->present)
            return r;
    }
    return NULL;
}

static bool tell(struct key_walk *w, struct bytes key, struct bytes row,
                 struct walked *out)
{
    struct value v;
    int err = row_check(key, row);
    if (err == 0)
        err = value_decode(row, &v);
    if (err != 0) {
        rows_fail(&w->ks->rows, err);
        return false;
    }
    *out = (struct walked){.key = bytes_from(key, KEY_PREFIX_SIZE),
                           .position = position_of(key),
                           .type = v.type,
                           .live = v.expire_ms == 0 ||
                                   keyspace_is_live(w->ks, v.expire_ms)};
    return true;
}

bool key_walk_next(struct key_walk *w, struct walked *out)
{
    struct bytes stored;
    struct bytes changed;
    if (w->ks->rows.error != 0)
        return false;
    bool in_store = store_next(w, &stored);
    const struct row *r = changed_next(w, &changed);
    if (r != NULL && (!in_store || bytes_cmp(changed, stored) < 0)) {
        w->changed_at++;
        return tell(w, changed, overlay_value(r), out);
    }
    if (!in_store)
        return false;
    w->leaves_store = true;
    struct bytes row = store_iter_value(w->it);
    rows_viewed(&w->ks->rows, stored.len + row.len);
    return tell(w, stored, row, out);
}
