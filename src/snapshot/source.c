/*
 * Rows are read from the view some at a time; those that belong to a chunk are
 * copied into it. So a chunk costs the same wherever the reading stopped.
 *
 * How it fails: a row that cannot be one is ERR_CORRUPT, so that nothing wrong
 * is handed on; what the view says of a failed read goes into the text.
 */
#include "snapshot/source.h"

#include "base/alloc.h"
#include "data/kinds.h"
#include "data/meta.h"

#include <inttypes.h>

#define READ_BYTES ((size_t)256 * 1024)
#define KEPT_BYTES (4 * READ_BYTES)

struct source {
    struct store_view *view;
    struct applied applied;
    uint32_t epochs[KEYSPACE_DATABASES];
    struct buf read;   /* rows from the view */
    struct bytes rest; /* of them, not taken yet */
    bool end;          /* the view has no more */
    struct buf after;  /* the last key that was read */
    struct buf rows;   /* of the chunk */
    uint64_t number;
    uint64_t hash;
};

static int bad_row(struct buf *error, struct bytes key)
{
    buf_printf(error,
               "a row of the state is damaged: its key has %zu bytes and "
               "begins with byte %u",
               key.len, key.len > 0 ? key.data[0] : 0);
    return ERR_CORRUPT;
}

static int read_more(struct source *s, struct buf *error)
{
    struct store_row row = {.key = BYTES_NONE};
    buf_reset(&s->read);
    buf_shrink(&s->read, KEPT_BYTES);
    int err = store_view_read(s->view, buf_view(&s->after), READ_BYTES,
                              &s->read, &s->end);
    if (err != 0) {
        buf_str(error, store_view_error(s->view));
        return err;
    }
    s->rest = buf_view(&s->read);
    for (struct bytes rows = s->rest; store_row_next(&rows, &row);) {
    }
    ASSERT(s->end || row.key.len > 0);
    if (row.key.len > 0) {
        buf_reset(&s->after);
        buf_bytes(&s->after, row.key);
    }
    return 0;
}

/* ERR_NOT_FOUND: there are no more. */
static int next_row(struct source *s, struct store_row *row, struct buf *error)
{
    while (!store_row_next(&s->rest, row)) {
        if (s->end)
            return ERR_NOT_FOUND;
        int err = read_more(s, error);
        if (err != 0)
            return err;
    }
    return row_check(row->key, row->value) == 0 ? 0 : bad_row(error, row->key);
}

static bool is_current(const struct source *s, struct bytes key)
{
    uint8_t db;
    uint32_t epoch;
    return !row_epoch_of(key, &db, &epoch) || epoch == s->epochs[db];
}

int source_next(struct source *s, struct chunk *out, struct buf *error)
{
    struct store_row row;
    int err;
    buf_reset(&s->rows);
    buf_shrink(&s->rows, KEPT_BYTES);
    while ((err = next_row(s, &row, error)) == 0) {
        if (!is_current(s, row.key))
            continue;
        store_row_append(&s->rows, row.key, row.value);
        if (chunk_ends(s->rows.len, row.key))
            break;
    }
    if (err != 0 && (err != ERR_NOT_FOUND || s->rows.len == 0))
        return err;
    s->hash = chunk_hash(buf_view(&s->rows), s->hash);
    *out = (struct chunk){++s->number, s->hash, buf_view(&s->rows)};
    return 0;
}

void source_seek(struct source *s, const struct source_place *from)
{
    ASSERT((from->number == 0) == (from->after.len == 0));
    buf_reset(&s->after);
    buf_bytes(&s->after, from->after);
    s->rest = BYTES_NONE;
    s->end = false;
    s->number = from->number;
    s->hash = from->hash;
}

/* One of the rows with the letter of meta. */
static int take_meta(struct source *s, const struct store_row *row)
{
    struct keyspace_count ignored;
    uint8_t key[META_COUNT_KEY_SIZE];
    if (bytes_eq(row->key, meta_applied_key()))
        return meta_applied_decode(row->value, &s->applied);
    for (uint8_t db = 0; db < KEYSPACE_DATABASES; db++) {
        if (bytes_eq(row->key, meta_count_key(key, db)))
            return meta_count_decode(row->value, &ignored, &s->epochs[db]);
    }
    return 0;
}

static int read_meta(struct source *s, struct buf *error)
{
    static const uint8_t letter = ROW_META;
    struct store_row row;
    int err;
    source_seek(
        s, &(struct source_place){.number = 1, .after = bytes_of(&letter, 1)});
    while ((err = next_row(s, &row, error)) == 0 && row_is(row.key, ROW_META)) {
        err = take_meta(s, &row);
        if (err != 0)
            return bad_row(error, row.key);
    }
    source_seek(s, &(struct source_place){0});
    if (err != 0 && err != ERR_NOT_FOUND)
        return err;
    return s->applied.index > 0 ? 0 : ERR_NOT_FOUND;
}

int source_open(struct source **out, struct store_view *view, struct buf *error)
{
    ASSERT(out != NULL && view != NULL && error != NULL);
    struct source *s = mem_zalloc(sizeof(*s));
    s->view = view;
    int err = read_meta(s, error);
    if (err == ERR_NOT_FOUND)
        buf_str(error, "the state is empty: no entry was applied, or none is "
                       "in its files yet");
    if (err != 0)
        source_close(s);
    *out = err == 0 ? s : NULL;
    return err;
}

void source_close(struct source *s)
{
    if (s == NULL)
        return;
    buf_release(&s->read);
    buf_release(&s->after);
    buf_release(&s->rows);
    mem_free(s);
}

const struct applied *source_applied(const struct source *s)
{
    return &s->applied;
}
