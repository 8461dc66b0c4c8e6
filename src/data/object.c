/*
 * How it works: opening copies own bytes and roots out of the record, so the
 * row may move; saving writes a whole record, which the entry's overlay keeps
 * as one change however often that happens. An object without rows of its own
 * has no id, and one whose last row is gone has none any more. What replaces or
 * deletes a record gives its rows to a ticket (pages.c); those of an object
 * that has become empty are gone already.
 *
 * Objects that were closed keep their memory for the next ones, a few of them.
 *
 * How it fails: see keyspace_error(). A record is checked when its row is read,
 * a page when it is looked at, so an open object has pages that are whole.
 */
#include "data/object.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "data/key.h"
#include "data/keyspace_internal.h"
#include "data/kinds.h"
#include "data/pages.h"
#include "data/value.h"

#define OBJECTS_KEPT 4
#define ROOT_KEPT    (16 * 1024)
/* What a copy counts for a row that is not there: the look takes its time, and
 * a queue of long elements has used millions of numbers after a while. */
#define MISSED_SIZE 256

/* Elements by number: the pages at the ends of a list fill up. */
static const struct btree_limits by_number = {
    .page_max = OBJECT_LONG_PAGE_MAX,
    .leaf_root_max = OBJECT_LONG_ROOT_MAX,
    .inner_root_max = OBJECT_INNER_ROOT_MAX,
    .sequence = true};
/* The same before there are pages: nothing is ever divided. */
static const struct btree_limits packed = {.page_max = OBJECT_PAGE_MAX,
                                           .leaf_root_max = UINT32_MAX,
                                           .inner_root_max =
                                               OBJECT_INNER_ROOT_MAX,
                                           .sequence = true};
static const struct btree_limits by_key = {
    .page_max = OBJECT_PAGE_MAX,
    .leaf_root_max = OBJECT_LEAF_ROOT_MAX,
    .inner_root_max = OBJECT_INNER_ROOT_MAX};
static const struct btree_limits by_score = {.page_max = OBJECT_PAGE_MAX,
                                             .leaf_root_max = OBJECT_PACKED_MAX,
                                             .inner_root_max =
                                                 OBJECT_INNER_ROOT_MAX};
/* In the order of time: pages fill up. */
static const struct btree_limits by_time = {
    .page_max = OBJECT_LONG_PAGE_MAX,
    .leaf_root_max = OBJECT_LONG_ROOT_MAX,
    .inner_root_max = OBJECT_INNER_ROOT_MAX};

static const struct btree_limits *limits_of(const struct object *o,
                                            uint8_t tree)
{
    switch (o->type) {
    case VALUE_LIST:
        return &by_number;
    case VALUE_ZSET:
        return tree == 0 ? &by_score : &by_key;
    case VALUE_STREAM:
        return tree == 0 ? &by_time : &by_key;
    default:
        return tree == 0 && (o->flags & VALUE_HASHED) == 0 ? &packed : &by_key;
    }
}

/* --- memory ------------------------------------------------------------- */

static struct object *take(struct keyspace *ks)
{
    ks->objects_open++;
    if (list_empty(&ks->objects))
        return mem_zalloc(sizeof(struct object));
    struct object *o = CONTAINER_OF(ks->objects.next, struct object, link);
    list_remove(&o->link);
    ks->object_count--;
    return o;
}

static void free_object(struct object *o)
{
    for (size_t i = 0; i < ARRAY_LEN(o->trees); i++)
        btree_release(&o->trees[i]);
    buf_release(&o->key);
    mem_free(o);
}

void object_close(struct object *o)
{
    if (o == NULL)
        return;
    struct keyspace *ks = o->ks;
    ASSERT(ks->objects_open > 0);
    ks->objects_open--;
    if (ks->object_count == OBJECTS_KEPT) {
        free_object(o);
        return;
    }
    buf_shrink(&o->key, ROOT_KEPT);
    for (uint8_t i = 0; i < o->tree_count; i++) {
        buf_shrink(&o->trees[i].root, ROOT_KEPT);
        buf_shrink(&o->trees[i].scratch, ROOT_KEPT);
    }
    list_append(&ks->objects, &o->link);
    ks->object_count++;
}

void objects_release(struct keyspace *ks)
{
    ASSERT(ks->objects_open == 0);
    while (!list_empty(&ks->objects))
        free_object(take(ks));
}

/* --- opening ------------------------------------------------------------ */

static void space_begin(struct object *o)
{
    o->space =
        (struct btree_space){.owner = {o->db, o->ks->rows.epochs[o->db], 0},
                             .next_id = &o->ks->next.id,
                             .next = 1};
}

void object_tree_begin(struct object *o, uint8_t tree)
{
    struct btree *t = &o->trees[tree];
    ASSERT(tree < o->tree_count);
    t->rows = &o->ks->rows;
    t->space = &o->space;
    t->limits = limits_of(o, tree);
    t->count = 0;
    page_init(&t->root, 0);
}

struct object *object_new(struct keyspace *ks, uint8_t db, struct bytes key,
                          uint8_t type)
{
    struct object *o = take(ks);
    ASSERT(!value_type_info(type)->plain && db < KEYSPACE_DATABASES);
    o->ks = ks;
    o->db = db;
    o->type = type;
    o->flags = 0;
    o->exists = false;
    o->expire_ms = 0;
    o->version = 0;
    o->own_len = 0;
    o->count_before = 0;
    o->settled = 0;
    buf_reset(&o->key);
    buf_bytes(&o->key, key);
    space_begin(o);
    o->tree_count = value_type_info(type)->trees;
    for (uint8_t i = 0; i < o->tree_count; i++)
        object_tree_begin(o, i);
    return o;
}

static void load_space(struct object *o, const struct record *r)
{
    if (r->id == 0)
        return;
    o->space.owner.id = r->id;
    o->space.next = r->next;
    o->space.used = r->used;
    o->space.free_count = r->free_count;
    memcpy(o->space.free, r->free, sizeof(r->free));
}

static void load(struct object *o, const struct value *v)
{
    struct record r;
    int err = record_decode(v, &r);
    ASSERT(err == 0); /* rows.c has checked it */
    o->exists = true;
    o->flags = v->flags;
    o->expire_ms = v->expire_ms;
    o->version = v->version;
    o->own_len = (uint8_t)r.own.len;
    if (r.own.len > 0)
        memcpy(o->own, r.own.data, r.own.len);
    load_space(o, &r);
    for (uint8_t i = 0; i < o->tree_count; i++) {
        object_tree_begin(o, i);
        if (r.roots[i].len == 0)
            continue;
        err = btree_load(&o->trees[i], r.roots[i]);
        ASSERT(err == 0);
    }
    o->count_before = object_count(o);
}

enum object_found object_open(struct keyspace *ks, uint8_t db, struct bytes key,
                              uint8_t type, struct object **out)
{
    struct value v;
    bool found = keyspace_get(ks, db, key, &v);
    *out = NULL;
    if (found && v.type != type)
        return OBJECT_OTHER;
    struct object *o = object_new(ks, db, key, type);
    if (found)
        load(o, &v);
    *out = o;
    return found ? OBJECT_FOUND : OBJECT_NONE;
}

/* --- saving ------------------------------------------------------------- */

static void encode(struct object *o, struct buf *out)
{
    const struct btree_space *s = &o->space;
    struct record r = {.id = s->owner.id,
                       .next = s->next,
                       .used = s->used,
                       .free_count = s->free_count,
                       .own = bytes_of(o->own, o->own_len)};
    memcpy(r.free, s->free, sizeof(r.free));
    for (uint8_t i = 0; i < o->tree_count; i++) {
        if (o->trees[i].count > 0)
            r.roots[i] = buf_view(&o->trees[i].root);
    }
    record_encode(out, o->type, &r);
}

/* The id of rows that are gone is not used again. */
static void settle(struct object *o)
{
    if (o->settled == 0)
        o->settled = o->space.owner.id;
    space_begin(o);
}

void object_save(struct object *o)
{
    struct keyspace *ks = o->ks;
    struct buf data = BUF_INIT;
    struct bytes key = buf_view(&o->key);
    ASSERT(ks->rows.in_entry && !ks->rows.reading);
    if (ks->rows.error != 0)
        return;
    if (o->space.used == 0)
        settle(o);
    encode(o, &data);
    struct value v = {.type = o->type,
                      .encoding = o->space.used > 0 ? VALUE_APART : VALUE_PLAIN,
                      .flags = o->flags,
                      .expire_ms = o->expire_ms,
                      .pages = o->space.owner,
                      .data = buf_view(&data)};
    keyspace_place(ks, o->db, key, &v, o->settled);
    if (object_count(o) == 0 && !value_type_info(o->type)->stays)
        (void)keyspace_delete(ks, o->db, key);
    else if (object_count(o) > o->count_before)
        keyspace_ready(ks, o->db, key);
    buf_release(&data);
}

void object_clear(struct object *o)
{
    struct ticket all = {ROW_TREE, o->space.owner, 1, o->space.next};
    ASSERT(o->ks->rows.in_entry);
    if (o->space.used > 0)
        pages_drop(&o->ks->rows, &o->ks->next, &all);
    settle(o);
    o->flags = 0;
    o->own_len = 0;
    for (uint8_t i = 0; i < o->tree_count; i++)
        object_tree_begin(o, i);
}

uint64_t keyspace_hash_seed(struct keyspace *ks)
{
    struct buf row = BUF_INIT;
    if (ks->hash_seed != 0 || !ks->rows.in_entry || ks->rows.reading)
        return ks->hash_seed;
    uint64_t from[2] = {ks->entry_seed, ks->entry.index};
    ks->hash_seed = hash64(bytes_of(from, sizeof(from))) | 1;
    meta_seed_encode(&row, ks->hash_seed);
    rows_put(&ks->rows, meta_seed_key(), buf_view(&row));
    buf_release(&row);
    return ks->hash_seed;
}

uint64_t object_hash_seed(struct object *o)
{
    return keyspace_hash_seed(o->ks);
}

void object_corrupt(struct object *o)
{
    rows_fail(&o->ks->rows, ERR_CORRUPT); /* an earlier error stays */
}

/* --- other names -------------------------------------------------------- */

/* What a key has, as its row has it: *data gets a copy of the data. False: an
 * error is kept. */
static bool row_of(struct keyspace *ks, uint8_t db, struct bytes key,
                   struct value *v, struct buf *data)
{
    struct bytes row;
    if (!rows_get(&ks->rows, keyspace_key(ks, db, key), &row) ||
        !keyspace_decode(ks, db, row, v))
        return false;
    buf_bytes(data, bytes_from(row, VALUE_HEADER_SIZE));
    v->data = buf_view(data);
    return true;
}

void object_rename(struct keyspace *ks, uint8_t db, struct bytes from,
                   struct bytes to)
{
    struct buf data = BUF_INIT;
    struct value v;
    ASSERT(ks->rows.in_entry && !bytes_eq(from, to));
    if (row_of(ks, db, from, &v, &data)) {
        keyspace_remove_but(ks, keyspace_key(ks, db, from), v.pages.id);
        keyspace_place(ks, db, to, &v, 0);
        keyspace_ready(ks, db, to);
    }
    buf_release(&data);
}

static uint8_t letter_of(const struct value *v)
{
    return value_type_info(v->type)->plain ? ROW_PAGE : ROW_TREE;
}

/* Copies the rows of a value to another owner, under the same numbers. False:
 * there are too many bytes; the copies are gone again. */
static bool copy_rows(struct keyspace *ks, const struct value *v,
                      const struct page_owner *to, uint64_t bytes_max)
{
    uint8_t key[KEY_PAGE_SIZE];
    struct rows *rs = &ks->rows;
    struct buf copy = BUF_INIT;
    uint64_t n = 0;
    for (; n < v->pages_end && rs->entry_bytes <= bytes_max; n++) {
        struct bytes row;
        if (!rows_view(rs, key_row(key, letter_of(v), &v->pages, n), true,
                       &row)) {
            if (letter_of(v) == ROW_TREE) /* strings have few numbers */
                rs->entry_bytes += MISSED_SIZE;
            continue;
        }
        buf_reset(&copy);
        buf_bytes(&copy, row);
        rows_viewed(rs, row.len);
        rs->entry_bytes += row.len;
        rows_put_unread(rs, key_row(key, letter_of(v), to, n), buf_view(&copy));
    }
    bool whole = n == v->pages_end;
    while (!whole && n-- > 0)
        rows_erase(rs, key_row(key, letter_of(v), to, n));
    buf_release(&copy);
    return whole;
}

/* Record and head of a long string begin with the id of their rows. */
static void put_id(struct buf *data, uint64_t id)
{
    ASSERT(data->len >= 8);
    for (int i = 0; i < 8; i++)
        data->data[i] = (uint8_t)(id >> (56 - 8 * i));
}

bool object_copy(struct keyspace *ks, const struct object_place *from,
                 const struct object_place *to, uint64_t bytes_max)
{
    struct buf data = BUF_INIT;
    struct value v;
    bool ok = true;
    ASSERT(ks->rows.in_entry);
    if (!row_of(ks, from->db, from->key, &v, &data)) {
        buf_release(&data);
        return true; /* the entry is lost */
    }
    if (v.encoding == VALUE_APART) {
        struct page_owner owner = keyspace_owner(ks, to->db);
        ok = copy_rows(ks, &v, &owner, bytes_max);
        put_id(&data, owner.id);
        v.pages = owner;
    }
    if (ok) {
        keyspace_place(ks, to->db, to->key, &v, 0);
        keyspace_ready(ks, to->db, to->key);
    }
    buf_release(&data);
    return ok;
}

/* --- blobs -------------------------------------------------------------- */

static uint64_t parts_of(uint64_t length)
{
    return length / OBJECT_BLOB_PART + (length % OBJECT_BLOB_PART != 0);
}

struct blob object_blob_put(struct object *o, struct bytes data)
{
    uint8_t key[KEY_PAGE_SIZE];
    struct rows *rs = &o->ks->rows;
    uint64_t count = parts_of(data.len);
    ASSERT(rs->in_entry && data.len > 0);
    struct blob b = {btree_space_take(&o->space, count), data.len};
    for (uint64_t i = 0; i < count; i++) {
        struct row *r =
            rows_renew(rs, key_tree_page(key, &o->space.owner, b.row + i));
        size_t len = MIN(data.len, (size_t)OBJECT_BLOB_PART);
        buf_u8(&r->value, TREE_BLOB);
        buf_bytes(&r->value, bytes_of(data.data, len));
        rs->entry_bytes += len;
        data = bytes_from(data, len);
    }
    return b;
}

void object_blob_drop(struct object *o, const struct blob *b)
{
    uint64_t count = parts_of(b->length);
    for (uint64_t i = 0; i < count && o->ks->rows.error == 0; i++)
        btree_space_give(&o->space, &o->ks->rows, b->row + i);
}

struct bytes object_blob_view(struct object *o, const struct blob *b,
                              uint64_t at)
{
    uint8_t key[KEY_PAGE_SIZE];
    struct rows *rs = &o->ks->rows;
    struct bytes row;
    size_t from = 1 + (size_t)(at % OBJECT_BLOB_PART);
    uint64_t part = at / OBJECT_BLOB_PART;
    ASSERT(at < b->length);
    size_t len = 1 + (size_t)MIN(b->length - part * OBJECT_BLOB_PART,
                                 (uint64_t)OBJECT_BLOB_PART);
    if (rs->error != 0)
        return BYTES_NONE;
    if (!rows_view(rs, key_tree_page(key, &o->space.owner, b->row + part),
                   false, &row) ||
        row.data[0] != TREE_BLOB || row.len != len) {
        rows_fail(rs, ERR_CORRUPT);
        return BYTES_NONE;
    }
    rows_viewed(rs, row.len - from);
    return bytes_from(row, from);
}

void object_blob_pass(struct object *o, const struct blob *b)
{
    ASSERT(b->length > 0);
    rows_viewed(&o->ks->rows, b->length);
}
