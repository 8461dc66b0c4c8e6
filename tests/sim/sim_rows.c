/*
 * What the rows of a state say of each other, after any entry: pages are those
 * of a value that is apart or of a ticket, parts those of an upload, the index
 * of expiries and the counts are exact. Rows of ended epochs are nobody's.
 *
 * How it works: one walk in the order of the keys, so owners of pages and parts
 * are partly seen after them; what is seen is gathered and compared at the end.
 * Of rows with an expiry and of index rows the sums of their hashes are.
 *
 * At rest nothing is left that somebody has to delete.
 */
#include "sim.h"

#include "base/hash.h"
#include "base/reader.h"
#include "data/key.h"
#include "data/kinds.h"
#include "data/meta.h"
#include "data/pages.h"
#include "data/record.h"
#include "data/value.h"

/* Pages or parts: those from one up to before another may be there. */
struct range {
    uint64_t owner;
    uint64_t from, to;
    bool all;      /* and must be */
    uint64_t rows; /* how many there are; ROWS_UNKNOWN */
};

#define ROWS_UNKNOWN UINT64_MAX

struct ranges {
    struct range *list;
    size_t count, cap;
};

struct walk {
    struct keyspace *ks;
    struct rows_left *left;
    struct ranges owned[2]; /* pages, parts */
    struct ranges found[2];
    uint64_t expiring, indexed; /* sums of hashes */
    struct keyspace_count counts[KEYSPACE_DATABASES];
    const char *wrong;
};

static void add(struct ranges *r, struct range range)
{
    if (r->count == r->cap) {
        r->cap = MAX(r->cap * 2, (size_t)16);
        r->list = mem_realloc(r->list, r->cap * sizeof(*r->list));
    }
    r->list[r->count++] = range;
}

/* --- one row ------------------------------------------------------------ */

static uint64_t hash_of(struct bytes key, int64_t time_ms, bool apart)
{
    return hash64_seed(key, (uint64_t)time_ms * 2 + apart);
}

static void see_value(struct walk *w, struct bytes key, struct bytes row)
{
    struct value v;
    uint8_t db = row_db(key);
    if (value_decode(row, &v) != 0)
        return; /* row_check() says so */
    w->counts[db].keys++;
    w->counts[db].expires += v.expire_ms != 0;
    struct range r = {.rows = ROWS_UNKNOWN};
    struct record record;
    if (!value_type_info(v.type)->plain && record_decode(&v, &record) == 0)
        r.rows = record.used;
    if (v.encoding != VALUE_APART || value_apart_decode(&v) != 0)
        return;
    r.owner = v.pages.id;
    r.to = v.pages_end;
    add(&w->owned[0], r);
}

static void see_ticket(struct walk *w, struct bytes row)
{
    struct ticket t;
    w->left->tickets++;
    if (ticket_decode(row, &t) == 0)
        add(&w->owned[0], (struct range){.owner = t.owner.id,
                                         .from = t.page,
                                         .to = t.end,
                                         .rows = ROWS_UNKNOWN});
}

static void see_page(struct walk *w, struct bytes key)
{
    struct reader r = reader_of(bytes_from(key, KEY_EPOCH_SIZE));
    uint64_t id = reader_u64be(&r);
    uint64_t page = reader_u8(&r);
    page = page << 32 | reader_u32be(&r);
    add(&w->found[0],
        (struct range){.owner = id, .from = page, .to = page + 1});
}

static void see_upload(struct walk *w, struct bytes key, struct bytes row)
{
    struct reader r = reader_of(bytes_from(row, 16));
    uint64_t received = reader_u64be(&r);
    w->left->uploads++;
    add(&w->owned[1], (struct range){.owner = key_upload_node(key),
                                     .to = received,
                                     .all = true,
                                     .rows = ROWS_UNKNOWN});
}

static void see_part(struct walk *w, struct bytes key, struct bytes row)
{
    struct reader r = reader_of(bytes_from(key, 1));
    uint64_t node = reader_u32be(&r);
    uint64_t at = reader_u64be(&r);
    add(&w->found[1],
        (struct range){.owner = node, .from = at, .to = at + row.len});
}

static void see_index(struct walk *w, struct bytes key, struct bytes row)
{
    struct bytes of;
    int64_t time_ms = 0;
    if (key_expiry_decode(key, &time_ms, &of) != 0)
        return;
    if (row_in_epoch(of) && !keyspace_is_current(w->ks, of))
        return; /* a sweep removes it */
    w->left->due_ms = MIN(w->left->due_ms, time_ms);
    w->indexed += hash_of(of, time_ms, row.len > 0);
}

static void see(struct walk *w, struct bytes key, struct bytes row)
{
    if (row_check(key, row) != 0) {
        w->wrong = "a row that nobody writes";
        return;
    }
    if (row_in_epoch(key) && !keyspace_is_current(w->ks, key))
        return;
    int64_t expire_ms = row_expire_ms(key, row);
    if (expire_ms != 0)
        w->expiring += hash_of(key, expire_ms, row_is_apart(key, row));
    if (row_is(key, ROW_VALUE))
        see_value(w, key, row);
    else if (row_is(key, ROW_TICKET))
        see_ticket(w, row);
    else if (row_is(key, ROW_PAGE) || row_is(key, ROW_TREE))
        see_page(w, key);
    else if (row_is(key, ROW_UPLOAD))
        see_upload(w, key, row);
    else if (row_is(key, ROW_PART))
        see_part(w, key, row);
    else if (row_is(key, ROW_EXPIRY))
        see_index(w, key, row);
}

/* --- all of them -------------------------------------------------------- */

static bool is_owned(const struct ranges *owned, const struct range *r)
{
    for (size_t i = 0; i < owned->count; i++) {
        const struct range *o = &owned->list[i];
        if (o->owner == r->owner && r->from >= o->from && r->to <= o->to)
            return true;
    }
    return false;
}

/* Those found of an owner are next to each other, as their keys are. */
static bool is_there(const struct ranges *found, const struct range *o)
{
    uint64_t at = o->from;
    for (size_t i = 0; i < found->count; i++)
        if (found->list[i].owner == o->owner && found->list[i].from == at)
            at = found->list[i].to;
    return at == o->to;
}

/* As many as the record says: none that no tree and no element has. */
static bool is_counted(const struct ranges *found, const struct range *o)
{
    uint64_t rows = 0;
    if (o->rows == ROWS_UNKNOWN)
        return true;
    for (size_t i = 0; i < found->count; i++)
        rows += found->list[i].owner == o->owner;
    return rows == o->rows;
}

static const char *judge_ranges(const struct walk *w)
{
    static const char *const of_nobody[] = {"a page of nobody",
                                            "a part of nobody"};
    for (size_t kind = 0; kind < 2; kind++) {
        const struct ranges *found = &w->found[kind];
        const struct ranges *owned = &w->owned[kind];
        for (size_t i = 0; i < found->count; i++)
            if (!is_owned(owned, &found->list[i]))
                return of_nobody[kind];
        for (size_t i = 0; i < owned->count; i++)
            if (owned->list[i].all && !is_there(found, &owned->list[i]))
                return "an upload whose parts are not there";
        for (size_t i = 0; i < owned->count; i++)
            if (!is_counted(found, &owned->list[i]))
                return "not as many rows of a collection as it says";
    }
    return NULL;
}

static const char *judge(const struct walk *w)
{
    if (w->wrong != NULL)
        return w->wrong;
    if (w->expiring != w->indexed)
        return "an index of expiries that is not exact";
    for (uint8_t db = 0; db < KEYSPACE_DATABASES; db++) {
        const struct keyspace_count *c = keyspace_counts(w->ks, db);
        if (c->keys != w->counts[db].keys ||
            c->expires != w->counts[db].expires)
            return "counts of keys that are not true";
    }
    if (keyspace_tickets(w->ks) != w->left->tickets)
        return "a number of tickets that is not true";
    return judge_ranges(w);
}

static void walk(struct sim *s, uint32_t node, struct walk *w)
{
    struct store_iter *it =
        store_iter_new(s->nodes[node].disk->inner, STORE_STATE);

    for (store_iter_seek(it, BYTES_NONE);
         store_iter_valid(it) && w->wrong == NULL; store_iter_next(it))
        see(w, store_iter_key(it), store_iter_value(it));
    store_iter_free(it);
}

void rows_check(struct sim *s, uint32_t node, struct rows_left *left)
{
    struct walk w = {.ks = s->nodes[node].node->ks, .left = left};

    *left = (struct rows_left){.due_ms = INT64_MAX};
    walk(s, node, &w);
    const char *wrong = judge(&w);
    for (size_t kind = 0; kind < 2; kind++) {
        mem_free(w.owned[kind].list);
        mem_free(w.found[kind].list);
    }
    if (wrong)
        sim_fail(s, "X17 rows: the state of node %u has %s", node, wrong);
    s->stats.tickets += left->tickets > 0;
    s->stats.rows_checked++;
}

const char *rows_wait(struct sim *s, uint32_t node, const struct node *leader)
{
    struct rows_left left;

    rows_check(s, node, &left);
    if (left.tickets > 0)
        return "X17 rows: pages that nobody needs are there";
    if (left.uploads > 0)
        return "X17 rows: parts of a request are there";
    if (left.due_ms <= node_time_reckoned(leader))
        return "X17 rows: what has expired is there";
    return NULL;
}
