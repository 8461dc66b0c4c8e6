/*
 * How it works. When it is asked to, the thread looks at the list of files,
 * which tells of each how many rows and deletions it has, and takes the first
 * of these that is worth it:
 * - a range that was discarded since: files that have nothing else go at once,
 *   the others are merged, and the filter (garbage.h) leaves it out;
 * - the files where a table has deleted nearly all neighbouring rows, if these
 *   are a part of all rows in the files that a merge there would write again;
 * - everything, if a part of all rows are deletions, or if most bytes are above
 *   the lowest level (values that were replaced again and again).
 * Everything at once needs room for as much again, so without that it waits.
 * The last two wait until no table has come for a while: who writes has RocksDB
 * merge anyway. What was not worth it is not looked at again before there is
 * another table, so a database that is tidy stays as it is.
 *
 * A merge costs what lives in the files that it touches, and gives back no less
 * than a part of that. Merges do not exclude RocksDB's own.
 *
 * How it fails: what cannot be merged stays as it is. A merge that fails is
 * seen by the next sync, as any of RocksDB's is.
 */
#include "rocks/tidy.h"

#include "base/alloc.h"
#include "os/clock.h"
#include "os/process.h"
#include "rocks/garbage.h"

#include <pthread.h>
#include <string.h>

/* Deletions are worth a merge if they are one of so many rows. */
#define PART 4
/* What is not worth a look: bytes. */
#define BYTES_MIN ((uint64_t)1024 * 1024)
/* Without a table for so long it is quiet. */
#define QUIET_US 3000000
/* After a merge it rests as long as that took, between these bounds; but not
 * before one of what was discarded, which is nothing but garbage. */
#define REST_US_MIN 1000000
#define REST_US_MAX 10000000
#define RUNS_MAX    16

/* Neighbouring rows that were deleted. */
struct run {
    struct buf first;
    struct buf last;
    uint64_t count; /* 0: none */
};

struct tidy {
    struct rocks *rocks;
    pthread_t thread;
    struct mutex lock;
    struct cond changed;
    bool ending;
    bool asked;
    struct run runs[RUNS_MAX];
    int64_t table_us; /* when the last table came */
    bool tables;      /* some have come since all was looked at */
    struct store_extent extent;

    /* Of the thread. */
    int64_t rest_until_us;
    struct buf begin;
    struct buf end;
};

/* What is in the files of the state, or in some of them. */
struct sums {
    uint64_t rows;
    uint64_t deletions;
    uint64_t bytes;
    int bottom;            /* the lowest level that has files */
    uint64_t bottom_bytes; /* of its files, but of level 0 of the last one */
};

static void add_file(struct sums *s, const rocksdb_livefiles_t *files, int i)
{
    s->rows += rocksdb_livefiles_entries(files, i);
    s->deletions += rocksdb_livefiles_deletions(files, i);
    uint64_t bytes = rocksdb_livefiles_size(files, i);
    int level = rocksdb_livefiles_level(files, i);
    s->bytes += bytes;
    if (level > s->bottom || level == 0)
        s->bottom_bytes = level >= s->bottom ? bytes : s->bottom_bytes;
    else if (level == s->bottom)
        s->bottom_bytes += bytes;
    s->bottom = MAX(s->bottom, level);
}

/* Whether a file of the state has keys from first to last; empty: any. */
static bool overlaps(const char *state, const rocksdb_livefiles_t *files, int i,
                     struct bytes first, struct bytes last)
{
    size_t len;
    if (strcmp(rocksdb_livefiles_column_family_name(files, i), state) != 0)
        return false;
    if (last.len == 0)
        return true;
    const char *key = rocksdb_livefiles_smallestkey(files, i, &len);
    if (bytes_cmp(bytes_of(key, len), last) > 0)
        return false;
    key = rocksdb_livefiles_largestkey(files, i, &len);
    return bytes_cmp(first, bytes_of(key, len)) <= 0;
}

static struct sums look(struct tidy *t, struct bytes first, struct bytes last)
{
    struct sums s = {0};
    const char *state = atomic_load(&t->rocks->state)->name;
    const rocksdb_livefiles_t *files = rocksdb_livefiles(t->rocks->db);
    for (int i = 0; i < rocksdb_livefiles_count(files); i++) {
        if (overlaps(state, files, i, first, last))
            add_file(&s, files, i);
    }
    rocksdb_livefiles_destroy(files);
    return s;
}

/* Returns when it is done, or the thread is to end. `last` is a part of it;
 * empty: everything. */
static void merge(struct tidy *t, struct bytes first, struct bytes last)
{
    const unsigned char force = 3; /* what the bottom has, too, but once */
    int64_t begin_us = clock_mono_us();
    rocksdb_compactoptions_t *o = rocksdb_compactoptions_create();
    rocksdb_compactoptions_set_exclusive_manual_compaction(o, 0);
    rocksdb_compactoptions_set_bottommost_level_compaction(o, force);
    bool all = last.len == 0;
    rocksdb_compact_range_cf_opt(
        t->rocks->db, rocks_handle(t->rocks, STORE_STATE), o,
        all ? NULL : (const char *)first.data, first.len,
        all ? NULL : (const char *)last.data, last.len);
    rocksdb_compactoptions_destroy(o);
    int64_t now_us = clock_mono_us();
    int64_t rest_us = MAX(now_us - begin_us, REST_US_MIN);
    t->rest_until_us = now_us + MIN(rest_us, REST_US_MAX);
}

static uint64_t bytes_in(struct tidy *t, struct bytes first, struct bytes last)
{
    const char *from = (const char *)first.data;
    const char *to = (const char *)last.data;
    uint64_t size = 0;
    char *why = NULL;
    rocksdb_approximate_sizes_cf(t->rocks->db,
                                 rocks_handle(t->rocks, STORE_STATE), 1, &from,
                                 &first.len, &to, &last.len, &size, &why);
    rocksdb_free(why);
    return why == NULL ? size : 0;
}

/* True: it has merged. */
static bool tidy_discarded(struct tidy *t)
{
    while (garbage_take(t->rocks->garbage, &t->begin, &t->end)) {
        struct bytes begin = buf_view(&t->begin);
        struct buf last = BUF_INIT;
        rocksdb_free(
            rocks_drop_files(t->rocks, STORE_STATE, begin, buf_view(&t->end)));
        store_key_below(buf_view(&t->end), &last);
        bool worth = bytes_in(t, begin, buf_view(&last)) >= BYTES_MIN;
        if (worth)
            merge(t, begin, buf_view(&last));
        buf_release(&last);
        if (worth)
            return true;
    }
    return false;
}

/* 0: there is none. */
static uint64_t take_run(struct tidy *t)
{
    uint64_t count = 0;
    mutex_lock(&t->lock);
    for (size_t i = 0; i < RUNS_MAX && count == 0; i++) {
        struct run *r = &t->runs[i];
        count = r->count;
        r->count = 0;
        if (count == 0)
            continue;
        buf_reset(&t->begin);
        buf_bytes(&t->begin, buf_view(&r->first));
        buf_reset(&t->end);
        buf_bytes(&t->end, buf_view(&r->last));
    }
    mutex_unlock(&t->lock);
    return count;
}

static bool tidy_runs(struct tidy *t)
{
    for (uint64_t count; (count = take_run(t)) > 0;) {
        struct bytes first = buf_view(&t->begin);
        struct bytes last = buf_view(&t->end);
        struct sums s = look(t, first, last);
        uint64_t others = s.rows - MIN(s.rows, count);
        if (count < others / PART || bytes_in(t, first, last) < BYTES_MIN)
            continue;
        merge(t, first, last);
        return true;
    }
    return false;
}

static void tidy_all(struct tidy *t, const struct sums *s)
{
    bool deleted = s->deletions >= s->rows / PART && s->deletions > 0;
    bool replaced = s->bottom_bytes < s->bytes / 2;
    if (s->bytes >= BYTES_MIN && (deleted || replaced))
        merge(t, BYTES_NONE, BYTES_NONE);
}

/* Whether all is to be looked at now. */
static bool take_tables(struct tidy *t)
{
    mutex_lock(&t->lock);
    bool now = t->tables && clock_mono_us() - t->table_us >= QUIET_US;
    t->tables = t->tables && !now;
    mutex_unlock(&t->lock);
    return now;
}

static void pass(struct tidy *t)
{
    rocks_state_tidy(t->rocks);
    struct sums s = look(t, BYTES_NONE, BYTES_NONE);
    mutex_lock(&t->lock);
    t->extent = (struct store_extent){s.rows, s.bytes};
    bool quiet = clock_mono_us() - t->table_us >= QUIET_US;
    mutex_unlock(&t->lock);
    if (!rocks_space_merging(t->rocks)) /* no merge would fit */
        return;
    if (tidy_discarded(t) || clock_mono_us() < t->rest_until_us)
        return;
    if ((quiet && tidy_runs(t)) || !rocks_space_fits(t->rocks, s.bytes) ||
        !take_tables(t))
        return;
    tidy_all(t, &s);
}

static void *run(void *ctx)
{
    struct tidy *t = ctx;
    process_thread_yields("tidy");
    mutex_lock(&t->lock);
    while (!t->ending) {
        if (!t->asked) {
            cond_wait(&t->changed, &t->lock);
            continue;
        }
        t->asked = false;
        mutex_unlock(&t->lock);
        pass(t);
        mutex_lock(&t->lock);
    }
    mutex_unlock(&t->lock);
    return NULL;
}

void tidy_ask(struct tidy *t)
{
    mutex_lock(&t->lock);
    t->asked = true;
    cond_wake(&t->changed);
    mutex_unlock(&t->lock);
}

void tidy_table(struct tidy *t)
{
    mutex_lock(&t->lock);
    t->tables = true;
    t->table_us = clock_mono_us();
    mutex_unlock(&t->lock);
}

/* Takes the place of the smallest one. */
void tidy_deleted(struct tidy *t, struct bytes first, struct bytes last,
                  uint64_t count)
{
    ASSERT(bytes_cmp(first, last) <= 0 && count > 0);
    mutex_lock(&t->lock);
    struct run *r = &t->runs[0];
    for (size_t i = 1; i < RUNS_MAX; i++) {
        if (t->runs[i].count < r->count)
            r = &t->runs[i];
    }
    if (r->count < count) {
        buf_reset(&r->first);
        buf_bytes(&r->first, first);
        buf_reset(&r->last);
        buf_bytes(&r->last, last);
        r->count = count;
    }
    mutex_unlock(&t->lock);
}

void tidy_extent(struct tidy *t, struct store_extent *out)
{
    mutex_lock(&t->lock);
    *out = t->extent;
    mutex_unlock(&t->lock);
}

struct tidy *tidy_new(struct rocks *r)
{
    ASSERT(r->db != NULL && r->garbage != NULL);
    struct tidy *t = mem_zalloc(sizeof(*t));
    t->rocks = r;
    t->tables = true; /* of an earlier time */
    t->table_us = clock_mono_us();
    mutex_init(&t->lock);
    cond_init(&t->changed);
    process_thread_start(&t->thread, run, t);
    return t;
}

void tidy_free(struct tidy *t)
{
    if (t == NULL)
        return;
    mutex_lock(&t->lock);
    t->ending = true;
    cond_wake(&t->changed);
    mutex_unlock(&t->lock);
    rocksdb_disable_manual_compaction(t->rocks->db);
    int err = pthread_join(t->thread, NULL);
    ASSERT(err == 0);
    for (size_t i = 0; i < RUNS_MAX; i++) {
        buf_release(&t->runs[i].first);
        buf_release(&t->runs[i].last);
    }
    buf_release(&t->begin);
    buf_release(&t->end);
    cond_destroy(&t->changed);
    mutex_destroy(&t->lock);
    mem_free(t);
}
