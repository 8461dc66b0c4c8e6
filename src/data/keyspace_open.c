/*
 * How a keyspace begins and ends, and how it goes on over another state.
 *
 * How it fails: rows that do not decode, or cannot be read, are told with a
 * text, and there is no keyspace.
 */
#include "base/alloc.h"
#include "base/level.h"
#include "data/keyspace_internal.h"

static int read_state(struct keyspace *ks)
{
    struct bytes value;
    uint8_t key[META_COUNT_KEY_SIZE];
    int err = 0;
    ks->next = (struct meta_next){.id = 1, .ticket = 1, .first_ticket = 1};
    if (rows_get(&ks->rows, meta_applied_key(), &value))
        err = meta_applied_decode(value, &ks->applied);
    if (err == 0 && rows_get(&ks->rows, meta_next_key(), &value))
        err = meta_next_decode(value, &ks->next);
    if (err == 0 && rows_get(&ks->rows, meta_seed_key(), &value))
        err = meta_seed_decode(value, &ks->hash_seed);
    if (err == 0)
        err = members_load(ks);
    if (err == 0)
        err = databases_load(ks);
    for (uint8_t db = 0; err == 0 && db < KEYSPACE_DATABASES; db++) {
        if (rows_get(&ks->rows, meta_count_key(key, db), &value))
            err =
                meta_count_decode(value, &ks->counts[db], &ks->rows.epochs[db]);
    }
    if (err != 0)
        rows_fail(&ks->rows, err);
    return ks->rows.error;
}

static int open_over(struct keyspace *ks, struct store *s, struct buf *error)
{
    rows_init(&ks->rows, s);
    list_init(&ks->streams);
    list_init(&ks->objects);
    int err = read_state(ks);
    if (err == 0)
        rows_open(&ks->rows);
    err = ks->rows.error;
    if (err == 0)
        return 0;
    const char *text = store_error(s);
    if (err == ERR_CORRUPT || text == NULL)
        text = error_text(err);
    buf_printf(error, "cannot read position and counts of the state: %s", text);
    return err;
}

/* What is kept in memory of the state is read anew. */
int keyspace_abort(struct keyspace *ks)
{
    rows_abort(&ks->rows);
    uploads_release(ks);
    members_release(ks);
    memset(ks->counts, 0, sizeof(ks->counts));
    ks->counts_changed = 0;
    ks->hash_seed = 0;
    ks->session.node = NODE_NONE;
    ks->sweep_left = false;
    ks->rows.level = LEVEL_MIN;
    ks->level_changed = false;
    ks->places_changed = false;
    int err = read_state(ks);
    ASSERT(err != 0 || ks->applied.index + 1 == ks->entry.index);
    return err;
}

int keyspace_open(struct keyspace **out, struct store *s, struct buf *error)
{
    ASSERT(out != NULL && s != NULL && error != NULL);
    struct keyspace *ks = mem_zalloc(sizeof(*ks));
    int err = open_over(ks, s, error);
    *out = err == 0 ? ks : NULL;
    if (err != 0)
        keyspace_close(ks);
    return err;
}

static void release(struct keyspace *ks)
{
    uploads_release(ks);
    streams_detach(ks);
    objects_release(ks);
    rows_release(&ks->rows);
    buf_release(&ks->key);
    members_release(ks);
    buf_release(&ks->expected);
}

void keyspace_close(struct keyspace *ks)
{
    if (ks == NULL)
        return;
    release(ks);
    mem_free(ks);
}

void keyspace_leave(struct keyspace *ks)
{
    ASSERT(!ks->rows.in_entry);
    streams_save_all(ks);
}

int keyspace_reopen(struct keyspace *ks, struct buf *error)
{
    struct store *s = ks->rows.store;
    struct keyspace_tally tally = ks->tally;
    keyspace_ready_fn *fn = ks->ready_fn;
    void *ctx = ks->ready_ctx;
    ASSERT(!ks->rows.in_entry && list_empty(&ks->streams));
    release(ks);
    *ks = (struct keyspace){.tally = tally, .tally_before = tally};
    keyspace_tell_ready(ks, fn, ctx);
    return open_over(ks, s, error);
}
