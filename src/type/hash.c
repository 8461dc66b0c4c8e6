/*
 * How it works: a field is an element of the first tree (packed.c), whose value
 * is a cell. Before an element gets another cell, or goes, what its cell has
 * apart is dropped.
 *
 * Fields that have an expiry are found by time in the second tree. What it
 * begins with are those whose time has come and that no sweep has removed yet:
 * they are counted by one search, so the number of fields is known, and it is
 * the same on all replicas whatever has been swept. To draw a field by its
 * number, the numbers of those that are gone are left out.
 *
 * How it fails: a cell that cannot be ours is an error of the keyspace
 * (cell.h); its field is not found then.
 */
#include "type/hash.h"

#include "base/alloc.h"

#include <stdlib.h>

#define TIME_SIZE 8

void hash_init(struct hash *h, struct object *o)
{
    ASSERT(o->type == VALUE_HASH);
    *h = (struct hash){.o = o};
}

void hash_release(struct hash *h)
{
    buf_release(&h->stored);
    buf_release(&h->time);
    mem_free(h->gone);
}

/* ---- by time ---- */

static struct btree *times(const struct hash *h)
{
    return &h->o->trees[1];
}

static struct bytes time_key(struct hash *h, int64_t expire_ms,
                             struct bytes field)
{
    ASSERT(expire_ms > 0);
    buf_reset(&h->time);
    buf_u64be(&h->time, (uint64_t)expire_ms);
    buf_bytes(&h->time, field);
    return buf_view(&h->time);
}

/* False, and an error is kept: the key cannot be ours. */
static bool time_decode(struct hash *h, struct bytes key, int64_t *expire_ms)
{
    *expire_ms = key.len >= TIME_SIZE ? time_load(key.data) : 0;
    if (*expire_ms > 0)
        return true;
    object_corrupt(h->o);
    return false;
}

static bool first_time(struct hash *h, int64_t *expire_ms)
{
    struct element e;
    return btree_get(times(h), 0, &e) && time_decode(h, e.key, expire_ms);
}

/* How many fields have come to their time; whether a read is sure of it, the
 * last one says (keyspace_has_come). */
static uint64_t count_gone(struct hash *h)
{
    struct element e;
    int64_t last_ms = 0;
    int64_t now_ms = keyspace_now(h->o->ks);
    if (times(h)->count == 0 || now_ms < 0)
        return 0;
    uint64_t gone = btree_rank(times(h), time_key(h, now_ms + 1, BYTES_NONE));
    if (gone > 0 && btree_get(times(h), gone - 1, &e) &&
        time_decode(h, e.key, &last_ms)) {
        bool come = keyspace_has_come(h->o->ks, last_ms);
        ASSERT(come);
    }
    return gone;
}

uint64_t hash_count(struct hash *h)
{
    uint64_t gone = count_gone(h);
    return object_count(h->o) - MIN(gone, object_count(h->o));
}

/* The first of the second tree is what the record says. */
void hash_settle(struct hash *h)
{
    struct object *o = h->o;
    int64_t first_ms = 0;
    packed_settle(o);
    o->flags &= (uint8_t)~VALUE_FIELD_TTL;
    o->own_len = 0;
    if (times(h)->count == 0 || !first_time(h, &first_ms))
        return;
    o->flags |= VALUE_FIELD_TTL;
    o->own_len = TIME_SIZE;
    time_store(o->own, first_ms);
}

/* ---- one field ---- */

bool hash_decode(struct hash *h, struct bytes stored, struct cell *value)
{
    return cell_decode(h->o, stored, value) &&
           !keyspace_has_come(h->o->ks, value->expire_ms);
}

/* Whether its time has come or not. */
static bool find(struct hash *h, struct bytes field, struct cell *value)
{
    struct bytes stored;
    return packed_find(h->o, field, &stored) &&
           cell_decode(h->o, stored, value);
}

bool hash_get(struct hash *h, struct bytes field, struct cell *value)
{
    return find(h, field, value) &&
           !keyspace_has_come(h->o->ks, value->expire_ms);
}

static void note_size(struct object *o, struct bytes field, struct bytes value)
{
    if (field.len > HASH_SMALL_BYTES || value.len > HASH_SMALL_BYTES ||
        object_count(o) > HASH_SMALL_FIELDS)
        o->flags |= VALUE_LARGE;
}

/* What the second tree has of a field. */
static void move_time(struct hash *h, struct bytes field, int64_t from_ms,
                      int64_t to_ms)
{
    if (from_ms == to_ms)
        return;
    if (from_ms != 0)
        btree_remove(times(h), time_key(h, from_ms, field));
    if (to_ms != 0)
        btree_put(times(h), time_key(h, to_ms, field), BYTES_NONE);
}

bool hash_set_until(struct hash *h, struct bytes field, struct bytes value,
                    int64_t expire_ms)
{
    struct cell old = {.expire_ms = 0};
    bool had = find(h, field, &old);
    bool live = had && !keyspace_has_come(h->o->ks, old.expire_ms);
    ASSERT(h->gone == NULL);
    if (had)
        cell_drop(h->o, &old);
    cell_encode(h->o, value, expire_ms, HASH_INLINE_MAX, &h->stored);
    packed_put(h->o, field, buf_view(&h->stored));
    move_time(h, field, old.expire_ms, expire_ms);
    note_size(h->o, field, value);
    return !live;
}

void hash_set_expiry(struct hash *h, struct bytes field, int64_t expire_ms)
{
    struct cell old;
    ASSERT(h->gone == NULL);
    if (!find(h, field, &old))
        return;
    int64_t before_ms = old.expire_ms;
    cell_renew(&old, expire_ms, &h->stored);
    packed_put(h->o, field, buf_view(&h->stored));
    move_time(h, field, before_ms, expire_ms);
}

bool hash_delete(struct hash *h, struct bytes field)
{
    struct cell old;
    ASSERT(h->gone == NULL);
    if (!find(h, field, &old))
        return false;
    bool live = !keyspace_has_come(h->o->ks, old.expire_ms);
    cell_drop(h->o, &old);
    move_time(h, field, old.expire_ms, 0);
    packed_remove(h->o, field);
    return live;
}

/* ---- by number ---- */

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void list_gone(struct hash *h, uint64_t count)
{
    struct btree_cursor c;
    h->gone = mem_alloc((size_t)count * sizeof(*h->gone));
    h->gone_count = 0;
    btree_cursor_init(&c, times(h));
    bool there = btree_seek_nth(&c, 0);
    while (there && h->gone_count < count) {
        struct bytes key = btree_at(&c).key;
        int64_t expire_ms;
        if (!time_decode(h, key, &expire_ms))
            break;
        struct bytes field = bytes_from(key, TIME_SIZE);
        h->gone[h->gone_count++] = packed_rank(h->o, field);
        there = btree_next(&c);
    }
    btree_cursor_release(&c);
    qsort(h->gone, h->gone_count, sizeof(*h->gone), by_size);
}

/* The number, among all, of the field that has so many before it that are
 * there: those that are gone and before it are counted by halving. */
static uint64_t number_of(const struct hash *h, uint64_t nth)
{
    uint64_t low = 0;
    uint64_t high = h->gone_count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (h->gone[middle] - middle <= nth)
            low = middle + 1;
        else
            high = middle;
    }
    return nth + low;
}

bool hash_nth(struct hash *h, uint64_t nth, struct bytes *field,
              struct cell *value)
{
    struct element e;
    if (h->gone == NULL) {
        uint64_t gone = count_gone(h);
        if (gone > 0)
            list_gone(h, gone);
    }
    if (!btree_get(&h->o->trees[0], number_of(h, nth), &e))
        return false;
    *field = packed_member(h->o, &e);
    return hash_decode(h, e.value, value);
}

/* ---- all of them ---- */

void hash_walk_init(struct hash_walk *w, struct hash *h)
{
    w->hash = h;
    packed_walk_init(&w->walk, h->o);
}

void hash_walk_release(struct hash_walk *w)
{
    packed_walk_release(&w->walk);
}

bool hash_walk_next(struct hash_walk *w, struct bytes *field,
                    struct cell *value)
{
    struct bytes stored;
    while (packed_walk_next(&w->walk, field, &stored)) {
        if (hash_decode(w->hash, stored, value))
            return true;
    }
    return false;
}

/* ---- the sweep ---- */

uint32_t hash_sweep(struct hash *h, uint32_t limit)
{
    struct buf field = BUF_INIT;
    struct element e;
    int64_t expire_ms = 0;
    uint32_t removed = 0;
    while (removed < limit && btree_get(times(h), 0, &e) &&
           time_decode(h, e.key, &expire_ms) &&
           keyspace_has_come(h->o->ks, expire_ms)) {
        buf_reset(&field);
        buf_bytes(&field, bytes_from(e.key, TIME_SIZE));
        hash_delete(h, buf_view(&field));
        removed++;
    }
    buf_release(&field);
    return removed;
}

uint32_t hash_sweep_key(struct keyspace *ks, uint8_t db, struct bytes key,
                        uint32_t limit)
{
    struct object *o;
    struct hash h;
    uint32_t removed = 0;
    if (object_open(ks, db, key, VALUE_HASH, &o) == OBJECT_FOUND) {
        hash_init(&h, o);
        removed = hash_sweep(&h, limit);
        if (removed > 0) {
            hash_settle(&h);
            object_save(o);
        }
        hash_release(&h);
    }
    object_close(o);
    return removed;
}
