/*
 * The parts of a fill are sorted files in the database's directory, `refill.1`
 * and so on. One that is being written has the name `refill.part`; when it is
 * ended it is synced, and gets its own. At the end a new family takes all of
 * them over in one step, without a copy.
 *
 * How it fails: with a text, and the store goes on. What it has made of the
 * family is dropped; the parts that the family took over are gone.
 */
#include "base/alloc.h"
#include "base/num.h"
#include "os/file.h"
#include "rocks/incoming.h"
#include "rocks/rocks_internal.h"
#include "store/store_fill.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PART_BYTES ((uint64_t)64 * 1024 * 1024)

struct rocks_fill {
    struct store_fill base;
    struct rocks *r;
    uint32_t parts;                /* ended */
    rocksdb_sstfilewriter_t *file; /* of the next one; NULL: none is begun */
    struct incoming_pace pace;
    uint64_t bytes;  /* in it */
    struct buf last; /* the last key; empty: there is none */
    bool failed;
    char error[ROCKS_ERROR_SIZE];
};

static struct rocks_fill *fill_of(struct store_fill *f)
{
    return CONTAINER_OF(f, struct rocks_fill, base);
}

static int fill_failed(struct rocks_fill *f, int err, const char *what,
                       const char *why)
{
    f->failed = true;
    snprintf(f->error, sizeof(f->error), "%s: %s: %s", f->r->path, what, why);
    return err;
}

/* Takes RocksDB's text over, if there is one. */
static int judge(struct rocks_fill *f, const char *what, char *why)
{
    if (why == NULL)
        return 0;
    int err = fill_failed(f, ERR_IO, what, why);
    rocksdb_free(why);
    return err;
}

static int begin_part(struct rocks_fill *f)
{
    if (!rocks_space_fits(f->r, PART_BYTES))
        return fill_failed(f, ERR_IO, "a part of the new state does not fit",
                           strerror(ENOSPC));
    rocksdb_envoptions_t *env = rocksdb_envoptions_create();
    char *path = incoming_part_path(f->r->path, 0);
    char *why = NULL;
    if (!incoming_remove(path)) { /* see there */
        int err =
            fill_failed(f, ERR_IO, "removing an old part", strerror(errno));
        rocksdb_envoptions_destroy(env);
        mem_free(path);
        return err;
    }
    f->file = rocksdb_sstfilewriter_create(env, f->r->options[1 + STORE_STATE]);
    rocksdb_envoptions_destroy(env);
    rocksdb_sstfilewriter_open(f->file, path, &why);
    incoming_pace_begin(&f->pace, path);
    f->bytes = 0;
    mem_free(path);
    return judge(f, "creating a part", why);
}

static void close_part(struct rocks_fill *f)
{
    if (f->file == NULL)
        return;
    incoming_pace_end(&f->pace);
    rocksdb_sstfilewriter_destroy(f->file);
    f->file = NULL;
}

/* It is whole, and synced. */
static int name_part(struct rocks_fill *f)
{
    char *from = incoming_part_path(f->r->path, 0);
    char *to = incoming_part_path(f->r->path, f->parts + 1);
    bool done = rename(from, to) == 0 && file_sync_dir(f->r->path) == 0;
    mem_free(from);
    mem_free(to);
    if (!done)
        return fill_failed(f, ERR_IO, "naming a part", strerror(errno));
    f->parts++;
    return 0;
}

static int end_part(struct rocks_fill *f)
{
    char *why = NULL;
    if (f->file == NULL)
        return 0;
    rocksdb_sstfilewriter_finish(f->file, &why);
    close_part(f);
    int err = judge(f, "ending a part", why);
    return err == 0 ? name_part(f) : err;
}

static int add_row(struct rocks_fill *f, const struct store_row *row)
{
    char *why = NULL;
    int err = f->file == NULL ? begin_part(f) : 0;
    if (err != 0)
        return err;
    rocksdb_sstfilewriter_put(f->file, (const char *)row->key.data,
                              row->key.len, (const char *)row->value.data,
                              row->value.len, &why);
    err = judge(f, "writing a part", why);
    buf_reset(&f->last);
    buf_bytes(&f->last, row->key);
    f->bytes += row->key.len + row->value.len;
    incoming_pace_add(&f->pace, row->key.len + row->value.len);
    return err == 0 && f->bytes >= PART_BYTES ? end_part(f) : err;
}

static int fill_add(struct store_fill *fill, struct bytes rows)
{
    struct rocks_fill *f = fill_of(fill);
    struct store_row row;
    int err = 0;
    ASSERT(!f->failed);
    while (err == 0 && rows.len > 0) {
        if (!store_row_next(&rows, &row) ||
            bytes_cmp(row.key, buf_view(&f->last)) <= 0)
            return fill_failed(f, ERR_CORRUPT, "what was to be added",
                               "rows that are none, or not in order");
        err = add_row(f, &row);
    }
    return err;
}

static int fill_part(struct store_fill *fill, uint32_t *parts)
{
    struct rocks_fill *f = fill_of(fill);
    ASSERT(!f->failed);
    int err = end_part(f);
    *parts = f->parts;
    return err;
}

static int ingest(struct rocks_fill *f, struct rocks_state *s)
{
    char *why = NULL;
    char **paths = mem_alloc((f->parts + 1) * sizeof(*paths));
    for (uint32_t i = 0; i < f->parts; i++)
        paths[i] = incoming_part_path(f->r->path, i + 1);
    rocksdb_ingestexternalfileoptions_t *o =
        rocksdb_ingestexternalfileoptions_create();
    rocksdb_ingestexternalfileoptions_set_move_files(o, 1);
    if (f->parts > 0)
        rocksdb_ingest_external_file_cf(
            f->r->db, s->handle, (const char *const *)paths, f->parts, o, &why);
    rocksdb_ingestexternalfileoptions_destroy(o);
    for (uint32_t i = 0; i < f->parts; i++)
        mem_free(paths[i]);
    mem_free(paths);
    return judge(f, "taking the parts over", why);
}

static int fill_end(struct store_fill *fill, uint64_t *state)
{
    struct rocks_fill *f = fill_of(fill);
    ASSERT(!f->failed);
    int err = end_part(f);
    if (err != 0)
        return err;
    char *why = NULL;
    struct rocks_state *s = rocks_state_make(f->r, &why);
    if (s == NULL)
        return judge(f, "creating a family", why);
    err = ingest(f, s);
    *state = s->number;
    rocks_state_made(f->r, s, err == 0);
    f->parts = 0;
    return err;
}

static const char *fill_error(struct store_fill *fill)
{
    return fill_of(fill)->error;
}

static void fill_free(struct store_fill *fill)
{
    struct rocks_fill *f = fill_of(fill);
    close_part(f);
    ASSERT(f->r->filling);
    f->r->filling = false;
    buf_release(&f->last);
    mem_free(f);
}

static void remove_file(const struct rocks *r, const char *name)
{
    size_t size = strlen(r->path) + 1 + strlen(name) + 1;
    char *path = mem_alloc(size);
    snprintf(path, size, "%s/%s", r->path, name);
    (void)unlink(path); /* else begin_part() says so */
    mem_free(path);
}

/* Removes all parts but the first ones; how many of these there are. */
static uint32_t keep_parts(const struct rocks *r, uint32_t parts)
{
    uint32_t kept = 0;
    DIR *d = opendir(r->path);
    size_t prefix = sizeof(INCOMING_PARTS) - 1;
    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        uint64_t part = 0;
        if (strncmp(e->d_name, INCOMING_PARTS, prefix) != 0)
            continue;
        if (num_parse_u64(bytes_str(e->d_name + prefix), &part) && part > 0 &&
            part <= parts)
            kept++;
        else
            remove_file(r, e->d_name);
    }
    if (d != NULL)
        closedir(d);
    return kept;
}

int rocks_fill_begin(struct store *s, uint32_t parts, struct bytes after,
                     struct store_fill **out)
{
    static const struct store_fill_ops ops = {
        .add = fill_add,
        .part = fill_part,
        .end = fill_end,
        .error = fill_error,
        .free = fill_free,
    };
    struct rocks *r = rocks_of(s);
    ASSERT((parts == 0) == (after.len == 0) && !r->filling);
    *out = NULL;
    rocks_state_forget_unused(r);
    if (keep_parts(r, parts) < parts)
        return ERR_NOT_FOUND;
    struct rocks_fill *f = mem_zalloc(sizeof(*f));
    f->base.ops = &ops;
    f->r = r;
    f->parts = parts;
    buf_bytes(&f->last, after);
    r->filling = true;
    *out = &f->base;
    return 0;
}

int rocks_state_use(struct store *store, const struct store_batch *b,
                    uint64_t state)
{
    struct rocks *r = rocks_of(store);
    struct store_batch all = STORE_BATCH_INIT;
    ASSERT(r->iterators == 0 && rocks_state_is_whole(r, state));
    store_batch_copy(&all, b);
    rocks_state_put(&all, state);
    int err = rocks_write(store, &all, STORE_LOGGED);
    store_batch_release(&all);
    if (err == 0)
        rocks_state_change(r, state);
    return err;
}
