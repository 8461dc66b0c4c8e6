/*
 * A backup becomes the data directory of a node, the first one of a new
 * cluster. What is not the data's stays behind (snapshot/renew.h), and there is
 * neither an identity nor a watermark: the node's first start makes both, so
 * nobody takes it for a member of the old cluster.
 *
 * Its log begins far above the old one's end, in a later term: no version of a
 * key that somebody may remember is ever given again.
 *
 * All is written to DIR.part, which becomes DIR when it is whole.
 *
 * How it fails: with one line; DIR is as it was.
 */
#include "ctl/ctl.h"

#include "base/alloc.h"
#include "journal/journal.h"
#include "os/entropy.h"
#include "os/file.h"
#include "rocks/rocks.h"
#include "snapshot/archive.h"
#include "snapshot/renew.h"
#include "store/store_fill.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define INDEX_BUMP   ((uint64_t)1 << 32)
#define INDEX_MAX    ((uint64_t)1 << 62) /* of a backup */
#define STATE_MEMORY ((uint64_t)16 << 20)
#define LOG_MEMORY   ((uint64_t)4 << 20)

struct restore {
    bool as_is; /* the cluster, and its log, go on */
    char *part; /* DIR.part */
    char *db;   /* DIR.part/db */
    struct archive_reader *reader;
    struct store *store;
    struct store_fill *fill;
    struct applied position; /* of the new cluster */
    struct inspect_totals totals;
    struct buf rows;
    struct buf error;
};

static char *joined(const char *a, const char *b)
{
    size_t size = strlen(a) + strlen(b) + 1;
    char *out = mem_alloc(size);
    snprintf(out, size, "%s%s", a, b);
    return out;
}

bool restore_is_free(const char *dir, struct buf *error)
{
    DIR *d = opendir(dir);
    const char *found = NULL;
    if (d == NULL && errno == ENOENT)
        return true;
    if (d == NULL) {
        buf_printf(error, "%s: %s", dir, strerror(errno));
        return false;
    }
    for (struct dirent *e; found == NULL && (e = readdir(d)) != NULL;) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            found = e->d_name;
    }
    if (found != NULL)
        buf_printf(error,
                   "%s: this directory is not empty (%s): restore into a new "
                   "one",
                   dir, found);
    closedir(d);
    return found == NULL;
}

static int open_store(struct restore *r)
{
    const struct rocks_options options = {
        .state_memory_bytes = STATE_MEMORY,
        .log_memory_bytes = LOG_MEMORY,
        .block_cache_bytes = STATE_MEMORY,
        .create = true,
    };
    if (file_make_dir(r->part) != 0) {
        buf_printf(&r->error, "%s: it cannot be made: %s", r->part,
                   strerror(errno));
        return ERR_IO;
    }
    int err = rocks_open(&r->store, r->db, &options, &r->error);
    if (err == 0)
        err = store_fill_begin(r->store, 0, BYTES_NONE, &r->fill);
    return err;
}

static int add(struct restore *r, const struct chunk *c)
{
    if (!r->as_is)
        renew_rows(c->rows, &r->position, &r->rows);
    int err = store_fill_add(r->fill, r->as_is ? c->rows : buf_view(&r->rows));
    if (err != 0)
        buf_str(&r->error, store_fill_error(r->fill));
    return err;
}

/* 0: all rows are there, and the backup was whole. */
static int copy(struct restore *r)
{
    struct chunk c;
    int err = 0;
    while (err == 0) {
        err = archive_next(r->reader, &c, &r->totals, &r->error);
        if (err == 0)
            err = add(r, &c);
    }
    return err == ERR_NOT_FOUND ? 0 : err;
}

/* The log begins behind the state, in one step with it. */
static int use(struct restore *r, uint64_t state)
{
    const struct journal_options options = {.cache_bytes_max = 0};
    const struct applied *p = &r->position;
    struct store_batch b = STORE_BATCH_INIT;
    struct journal *log;
    int err = journal_open(&log, r->store, &options, &r->error);
    if (err != 0)
        return err;
    journal_restart(log, &b, p->index, p->term, p->chain);
    journal_hard_state(log, &b, p->term, NODE_NONE);
    err = store_state_use(r->store, &b, state);
    if (err == 0)
        err = store_sync(r->store);
    if (err != 0)
        buf_str(&r->error, store_error(r->store));
    journal_close(log);
    store_batch_release(&b);
    return err;
}

static int finish_fill(struct restore *r)
{
    uint64_t state = 0;
    int err = store_fill_end(r->fill, &state);
    if (err != 0)
        buf_str(&r->error, store_fill_error(r->fill));
    store_fill_free(r->fill);
    r->fill = NULL;
    if (r->as_is)
        r->position = r->totals.applied;
    return err == 0 ? use(r, state) : err;
}

static int give_name(struct restore *r, const char *dir)
{
    store_close(r->store);
    r->store = NULL;
    bool done = file_sync_dir(r->part) == 0 && rename(r->part, dir) == 0 &&
                file_sync_parent(dir) == 0;
    if (!done)
        buf_printf(&r->error, "%s: it cannot become %s: %s", r->part, dir,
                   strerror(errno));
    return done ? 0 : ERR_IO;
}

/* What the backup says of itself; it is compared with the rows at the end. */
static int take_position(struct restore *r)
{
    uint64_t index = archive_number(r->reader, "index");
    uint64_t term = archive_number(r->reader, "term");
    uint64_t time_ms = archive_number(r->reader, "time_ms");
    uint64_t wall_ms = archive_number(r->reader, "wall_ms");
    if (index == 0 || index > INDEX_MAX || term == 0 || term > INDEX_MAX ||
        time_ms > INDEX_MAX / 8 || wall_ms > INDEX_MAX / 8) {
        buf_str(&r->error, "the head of this backup says no position that "
                           "there can be");
        return ERR_CORRUPT;
    }
    r->position = (struct applied){
        .index = index + INDEX_BUMP,
        .term = term + 1,
        .time_ms = (int64_t)time_ms,
        .wall_offset_ms = (int64_t)wall_ms - (int64_t)time_ms,
        .chain = entropy_u64(),
    };
    return 0;
}

static int restore(struct restore *r, const char *file, const char *dir)
{
    if (!restore_is_free(dir, &r->error) ||
        !restore_is_free(r->part, &r->error))
        return ERR_IO;
    int err = archive_open(&r->reader, file, &r->error);
    if (err == 0)
        err = take_position(r);
    if (err == 0)
        err = open_store(r);
    if (err == 0)
        err = copy(r);
    if (err == 0)
        err = finish_fill(r);
    return err == 0 ? give_name(r, dir) : err;
}

int restore_database(struct store **out, const char *dir, const char *backup,
                     struct buf *error)
{
    struct restore r = {.as_is = true, .part = mem_strdup(dir)};
    r.db = joined(dir, "/db");
    int err = archive_open(&r.reader, backup, &r.error);
    if (err == 0)
        err = open_store(&r);
    if (err == 0)
        err = copy(&r);
    if (err == 0)
        err = finish_fill(&r);
    store_fill_free(r.fill);
    archive_free(r.reader);
    *out = err == 0 ? r.store : NULL;
    if (err != 0 && r.store != NULL)
        store_close(r.store);
    buf_bytes(error, buf_view(&r.error));
    mem_free(r.part);
    mem_free(r.db);
    buf_release(&r.rows);
    buf_release(&r.error);
    return err;
}

static void print(const struct restore *r, const char *dir)
{
    printf("%s: restored %" PRIu64 " keys, %" PRIu64
           " of which expire at once; the log of the new cluster begins "
           "behind entry %" PRIu64
           ".\nStart a node with this dir whose only `node` line is its own, "
           "then add other members (vardctl add).\n",
           dir, r->totals.keys, r->totals.due, r->position.index);
}

int backup_restore(const char *file, const char *dir)
{
    struct restore r = {.part = joined(dir, ".part")};
    r.db = joined(r.part, "/db");
    int err = restore(&r, file, dir);
    store_fill_free(r.fill);
    if (r.store != NULL)
        store_close(r.store);
    archive_free(r.reader);
    if (err == 0)
        print(&r, dir);
    else
        fprintf(stderr, "vardctl: %.*s%s%s%s\n", (int)r.error.len,
                r.error.len == 0 ? "" : (const char *)r.error.data,
                access(r.db, F_OK) == 0 ? " Remove " : "",
                access(r.db, F_OK) == 0 ? r.part : "",
                access(r.db, F_OK) == 0 ? " before you try again." : "");
    mem_free(r.part);
    mem_free(r.db);
    buf_release(&r.rows);
    buf_release(&r.error);
    return err == 0 ? CTL_GOOD : CTL_NOT_DONE;
}
