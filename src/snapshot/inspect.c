/*
 * The rows come in the order of their keys: tickets, values, counts and
 * position, first answers, pages, sessions, uploads, expiries. What refers to
 * something that comes later is counted, and compared when that is there.
 *
 * The index of expiries is compared as a set: each row that expires adds the
 * hash of the index row that it must have to a sum, each index row its own to
 * another, and the sums must be equal. An index row that names a row of an
 * ended epoch is one that a flush has left.
 *
 * How it fails: with the first thing that is wrong, in words.
 */
#include "snapshot/inspect.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "base/reader.h"
#include "data/key.h"
#include "data/kinds.h"
#include "data/meta.h"
#include "data/value.h"
#include "store/store_rows.h"

#include <inttypes.h>

/* Rows as a set. */
struct set {
    uint64_t count;
    uint64_t sum; /* of hashes */
};

struct database {
    bool told; /* its counts were there */
    struct keyspace_count stated;
    uint32_t epoch;
    bool seen;           /* it has values */
    uint32_t seen_epoch; /* of these */
    struct keyspace_count found;
};

struct inspect {
    struct inspect_totals totals;
    struct buf last; /* key */
    bool ended;      /* the last chunk was a short one */
    struct database dbs[KEYSPACE_DATABASES];
    struct set expiring; /* index rows that must be there */
    struct set indexed;  /* that are there */
    struct meta_next next;
    struct set tickets;
    uint64_t first_ticket;
    uint64_t id_max;    /* of pages, and of who refers to them */
    struct buf key;     /* of an index row */
    struct buf members; /* the row; empty: there is none so far */
};

struct inspect *inspect_new(void)
{
    struct inspect *i = mem_zalloc(sizeof(*i));
    i->next = (struct meta_next){.id = 1, .ticket = 1, .first_ticket = 1};
    i->totals.level = LEVEL_MIN;
    return i;
}

void inspect_free(struct inspect *i)
{
    if (i == NULL)
        return;
    buf_release(&i->last);
    buf_release(&i->key);
    buf_release(&i->members);
    mem_free(i);
}

struct bytes inspect_members(const struct inspect *i, uint64_t *index)
{
    struct bytes record = BYTES_NONE;
    *index = 0;
    if (i->members.len == 0)
        return record;
    int err = meta_members_decode(buf_view(&i->members), index, &record);
    ASSERT(err == 0); /* it was checked as a row */
    return record;
}

struct bytes inspect_last(const struct inspect *i)
{
    return buf_view(&i->last);
}

const struct inspect_totals *inspect_so_far(const struct inspect *i)
{
    return &i->totals;
}

static int wrong(const struct inspect *i, struct buf *error, const char *what)
{
    buf_printf(error, "chunk %" PRIu64 ": %s", i->totals.chunks, what);
    return ERR_CORRUPT;
}

static void set_add(struct set *s, struct bytes key, bool apart)
{
    s->count++;
    s->sum += hash64_seed(key, apart);
}

/* A row that expires must have its place in the index. */
static void expect_index_row(struct inspect *i, const struct store_row *row,
                             int64_t expire_ms)
{
    if (expire_ms == 0)
        return;
    key_expiry(&i->key, expire_ms, row->key);
    set_add(&i->expiring, buf_view(&i->key),
            row_is_apart(row->key, row->value));
}

static void count_expiry(struct database *d, int64_t expire_ms)
{
    uint64_t more = (uint64_t)expire_ms;
    d->found.expires++;
    d->found.expire_sum_low += more;
    d->found.expire_sum_high += d->found.expire_sum_low < more;
}

static const char *take_value(struct inspect *i, const struct store_row *row)
{
    struct database *d = &i->dbs[row_db(row->key)];
    uint32_t epoch = row_epoch(row->key);
    if (d->seen && d->seen_epoch != epoch)
        return "a value is of an ended epoch";
    d->seen = true;
    d->seen_epoch = epoch;
    d->found.keys++;
    int64_t expire_ms = row_expire_ms(row->key, row->value);
    if (expire_ms != 0)
        count_expiry(d, expire_ms);
    struct value v;
    if (value_decode(row->value, &v) != 0 ||
        (v.encoding == VALUE_APART && value_apart_decode(&v) != 0))
        return "a value does not decode";
    if (v.encoding == VALUE_APART)
        i->id_max = MAX(i->id_max, v.pages.id);
    return NULL;
}

static const char *take_page(struct inspect *i, const struct store_row *row)
{
    struct reader r = reader_of(bytes_from(row->key, KEY_EPOCH_SIZE));
    i->id_max = MAX(i->id_max, reader_u64be(&r));
    return row_epoch(row->key) == i->dbs[row_db(row->key)].epoch
               ? NULL
               : "a page is of an ended epoch";
}

/* Their numbers are consecutive. */
static const char *take_ticket(struct inspect *i, const struct store_row *row)
{
    uint8_t key[KEY_TICKET_SIZE];
    struct reader r = reader_of(bytes_from(row->key, 1));
    uint64_t number = reader_u64be(&r);
    struct ticket t;
    if (ticket_decode(row->value, &t) != 0)
        return "a ticket does not decode";
    i->id_max = MAX(i->id_max, t.owner.id);
    if (i->tickets.count == 0)
        i->first_ticket = number;
    struct bytes expected = key_ticket(key, i->first_ticket + i->tickets.count);
    i->tickets.count++;
    return bytes_eq(row->key, expected) ? NULL : "a ticket is missing";
}

static const char *take_meta(struct inspect *i, const struct store_row *row)
{
    uint8_t key[META_COUNT_KEY_SIZE];
    int err = 0; /* what has another name was checked as a row */
    if (bytes_eq(row->key, meta_applied_key()))
        err = meta_applied_decode(row->value, &i->totals.applied);
    else if (bytes_eq(row->key, meta_next_key()))
        err = meta_next_decode(row->value, &i->next);
    else if (bytes_eq(row->key, meta_members_key()))
        buf_bytes(&i->members, row->value); /* once: keys only grow */
    else if (bytes_eq(row->key, meta_level_key()))
        err = meta_level_decode(row->value, &i->totals.level);
    for (uint8_t db = 0; db < KEYSPACE_DATABASES; db++) {
        struct database *d = &i->dbs[db];
        if (!bytes_eq(row->key, meta_count_key(key, db)))
            continue;
        err = meta_count_decode(row->value, &d->stated, &d->epoch);
        d->told = true;
    }
    return err == 0 ? NULL : "a row of counts or position does not decode";
}

static const char *take_index_row(struct inspect *i,
                                  const struct store_row *row)
{
    struct bytes of;
    int64_t time_ms;
    uint8_t db;
    uint32_t epoch;
    if (key_expiry_decode(row->key, &time_ms, &of) != 0)
        return "a row of the index of expiries does not decode";
    if (row_epoch_of(of, &db, &epoch) && epoch != i->dbs[db].epoch)
        return epoch < i->dbs[db].epoch
                   ? NULL
                   : "the index of expiries names an epoch to come";
    set_add(&i->indexed, row->key, row->value.len > 0);
    if (row_is(of, ROW_VALUE) && time_ms <= i->totals.applied.time_ms)
        i->totals.due++;
    return NULL;
}

static const char *take_row(struct inspect *i, const struct store_row *row)
{
    if (row_check(row->key, row->value) != 0)
        return "a row does not decode";
    if (bytes_cmp(row->key, buf_view(&i->last)) <= 0)
        return "a row is not in its place";
    expect_index_row(i, row, row_expire_ms(row->key, row->value));
    switch (row->key.data[0]) {
    case ROW_VALUE:
        return take_value(i, row);
    case ROW_PAGE:
    case ROW_TREE:
        return take_page(i, row);
    case ROW_TICKET:
        return take_ticket(i, row);
    case ROW_META:
        return take_meta(i, row);
    case ROW_EXPIRY:
        return take_index_row(i, row);
    default:
        return NULL;
    }
}

/* Rows, and whether the chunk ends where it must: not before its last row, and
 * at that one unless it is the last chunk. */
static const char *take_rows(struct inspect *i, struct bytes rows)
{
    struct store_row row = {.key = BYTES_NONE};
    size_t whole = rows.len;
    bool ends = false;
    while (store_row_next(&rows, &row)) {
        const char *what = ends ? "it should have ended" : take_row(i, &row);
        if (what != NULL)
            return what;
        ends = chunk_ends(whole - rows.len, row.key);
        buf_reset(&i->last);
        buf_bytes(&i->last, row.key);
        i->totals.rows++;
    }
    i->ended = !ends;
    return rows.len == 0 ? NULL : "it ends within a row";
}

int inspect_chunk(struct inspect *i, const struct chunk *c, struct buf *error)
{
    if (i->ended)
        return wrong(i, error, "it is short, but not the last");
    i->totals.chunks++;
    if (c->number != i->totals.chunks)
        return wrong(i, error, "another number is expected");
    if (c->rows.len == 0 || chunk_hash(c->rows, i->totals.hash) != c->hash)
        return wrong(i, error,
                     "its hash is wrong: it was changed, or a chunk "
                     "before it is missing");
    const char *what = take_rows(i, c->rows);
    if (what != NULL)
        return wrong(i, error, what);
    i->totals.hash = c->hash;
    i->totals.bytes += c->rows.len;
    return 0;
}

static const char *check_database(const struct database *d)
{
    const struct keyspace_count *a = &d->stated;
    const struct keyspace_count *b = &d->found;
    if (d->seen && (!d->told || d->seen_epoch != d->epoch))
        return "values are of another epoch than their database";
    if (a->keys != b->keys || a->expires != b->expires)
        return "there are more or fewer keys than a database says";
    if (a->expire_sum_high != b->expire_sum_high ||
        a->expire_sum_low != b->expire_sum_low)
        return "the expiries are not those that a database says";
    return NULL;
}

static const char *check_end(const struct inspect *i)
{
    const char *what = NULL;
    if (i->totals.applied.index == 0)
        return "the position is missing: it is not whole";
    for (int db = 0; what == NULL && db < KEYSPACE_DATABASES; db++)
        what = check_database(&i->dbs[db]);
    if (what != NULL)
        return what;
    if (i->expiring.count != i->indexed.count ||
        i->expiring.sum != i->indexed.sum)
        return "the index of expiries does not match the rows";
    if (i->tickets.count != i->next.ticket - i->next.first_ticket ||
        (i->tickets.count > 0 && i->first_ticket != i->next.first_ticket))
        return "tickets are missing, or too many";
    if (i->id_max >= i->next.id)
        return "pages are of a value that was never there";
    return NULL;
}

int inspect_end(struct inspect *i, struct inspect_totals *out,
                struct buf *error)
{
    const char *what = check_end(i);
    if (what != NULL) {
        buf_printf(error, "after chunk %" PRIu64 ", the last: %s",
                   i->totals.chunks, what);
        return ERR_CORRUPT;
    }
    *out = i->totals;
    for (int db = 0; db < KEYSPACE_DATABASES; db++) {
        out->keys += i->dbs[db].found.keys;
        out->expires += i->dbs[db].found.expires;
    }
    return 0;
}

/* --- saved -------------------------------------------------------------- */

#define SAVED_VERSION 1

static void save_count(struct buf *out, const struct keyspace_count *c)
{
    buf_u64(out, c->keys);
    buf_u64(out, c->expires);
    buf_u64(out, c->expire_sum_high);
    buf_u64(out, c->expire_sum_low);
}

static void load_count(struct reader *r, struct keyspace_count *c)
{
    c->keys = reader_u64(r);
    c->expires = reader_u64(r);
    c->expire_sum_high = reader_u64(r);
    c->expire_sum_low = reader_u64(r);
}

static void save_database(struct buf *out, const struct database *d)
{
    buf_u8(out, (uint8_t)(d->told | d->seen << 1));
    buf_u32(out, d->epoch);
    buf_u32(out, d->seen_epoch);
    save_count(out, &d->stated);
    save_count(out, &d->found);
}

static void load_database(struct reader *r, struct database *d)
{
    uint8_t flags = reader_u8(r);
    d->told = (flags & 1) != 0;
    d->seen = (flags & 2) != 0;
    d->epoch = reader_u32(r);
    d->seen_epoch = reader_u32(r);
    load_count(r, &d->stated);
    load_count(r, &d->found);
}

static void save_set(struct buf *out, const struct set *s)
{
    buf_u64(out, s->count);
    buf_u64(out, s->sum);
}

static struct set load_set(struct reader *r)
{
    uint64_t count = reader_u64(r);
    return (struct set){count, reader_u64(r)};
}

static void save_bytes(struct buf *out, const struct buf *b)
{
    buf_u64(out, b->len);
    buf_bytes(out, buf_view(b));
}

static void load_bytes(struct reader *r, struct buf *b)
{
    uint64_t len = reader_u64(r);
    buf_bytes(b, reader_bytes(r, (size_t)MIN(len, r->rest.len)));
    r->failed |= b->len != len;
}

static void save_totals(struct buf *out, const struct inspect_totals *t)
{
    buf_u64(out, t->applied.index);
    buf_u64(out, t->applied.term);
    buf_u64(out, (uint64_t)t->applied.time_ms);
    buf_u64(out, (uint64_t)t->applied.wall_offset_ms);
    buf_u64(out, t->applied.chain);
    buf_u64(out, t->chunks);
    buf_u64(out, t->hash);
    buf_u64(out, t->rows);
    buf_u64(out, t->bytes);
    buf_u64(out, t->due);
}

static void load_totals(struct reader *r, struct inspect_totals *t)
{
    t->applied.index = reader_u64(r);
    t->applied.term = reader_u64(r);
    t->applied.time_ms = (int64_t)reader_u64(r);
    t->applied.wall_offset_ms = (int64_t)reader_u64(r);
    t->applied.chain = reader_u64(r);
    t->chunks = reader_u64(r);
    t->hash = reader_u64(r);
    t->rows = reader_u64(r);
    t->bytes = reader_u64(r);
    t->due = reader_u64(r);
}

void inspect_save(const struct inspect *i, struct buf *out)
{
    buf_u8(out, SAVED_VERSION);
    buf_u8(out, i->ended);
    save_totals(out, &i->totals);
    for (int db = 0; db < KEYSPACE_DATABASES; db++)
        save_database(out, &i->dbs[db]);
    save_set(out, &i->expiring);
    save_set(out, &i->indexed);
    save_set(out, &i->tickets);
    buf_u64(out, i->next.id);
    buf_u64(out, i->next.ticket);
    buf_u64(out, i->next.first_ticket);
    buf_u64(out, i->first_ticket);
    buf_u64(out, i->id_max);
    save_bytes(out, &i->last);
    save_bytes(out, &i->members);
}

struct inspect *inspect_load(struct bytes saved)
{
    struct reader r = reader_of(saved);
    struct inspect *i = inspect_new();
    bool known = reader_u8(&r) == SAVED_VERSION;
    i->ended = reader_u8(&r) != 0;
    load_totals(&r, &i->totals);
    for (int db = 0; db < KEYSPACE_DATABASES; db++)
        load_database(&r, &i->dbs[db]);
    i->expiring = load_set(&r);
    i->indexed = load_set(&r);
    i->tickets = load_set(&r);
    i->next.id = reader_u64(&r);
    i->next.ticket = reader_u64(&r);
    i->next.first_ticket = reader_u64(&r);
    i->first_ticket = reader_u64(&r);
    i->id_max = reader_u64(&r);
    load_bytes(&r, &i->last);
    load_bytes(&r, &i->members);
    uint64_t index;
    struct bytes record;
    known = known && reader_done(&r) &&
            (i->members.len == 0 ||
             meta_members_decode(buf_view(&i->members), &index, &record) == 0);
    if (known)
        return i;
    inspect_free(i);
    return NULL;
}
