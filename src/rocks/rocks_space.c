/*
 * What the database takes of its disk, now and soon (store_space()), and who
 * may take it.
 *
 * Promised are the tables of the state (store_buffered.c counts them) and the
 * log's memory; passing are the space that a write-ahead log gets in advance,
 * and merges. Merges are counted by what they write at
 * most: the tables of level 0, as many as make a merge due, go with all of
 * level 1; of a lower level, a merge takes about max_compaction_bytes, or both
 * levels, if they have less. Two run at a time, so the two largest count, also
 * before they are due: what is written until then must not take their space.
 * What they have written already, and what waits to be deleted, comes back.
 *
 * Order of who gives way: clients, long before (server/disk_floor.c); tables of
 * the state wait for space before they are written; a merge does not begin
 * unless it fits, and one that has begun waits as long as less than `left` is
 * free (disk_wait.h), so that tables and log can be written. Deleted files are
 * given back at once when there is little.
 *
 * A thread looks, more often when there is little space, for the directory and
 * RocksDB's lists are too slow for the loop. It also keeps the ballast.
 *
 * How it fails: what cannot be measured takes no space.
 */
#include "rocks/ballast.h"
#include "rocks/disk_wait.h"
#include "rocks/reclaim.h"
#include "rocks/rocks_internal.h"

#include "base/alloc.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define LOOK_MS      1000
#define LOOK_NEAR_MS 100
#define LEVELS       7
#define MIB          ((uint64_t)1024 * 1024)
/* A start writes up to one log anew; then entries must fit. */
#define BALLAST_LOGS 4
#define SPARE_LOGS   4 /* at full speed into a disk of a usual size: a second */

struct rocks_space {
    struct rocks *r;
    char *ballast; /* NULL: none */
    uint64_t ballast_bytes;
    uint64_t last;      /* with less, the ballast goes */
    uint64_t left;      /* by merges, for tables and log */
    uint64_t tables;    /* bytes of level 0 that make a merge due */
    uint64_t merge_max; /* bytes of a merge of a lower level */
    pthread_t thread;
    struct mutex lock;
    struct cond end;
    bool ending;

    /* Of the thread. */
    struct rocks_merges merges;
    uint64_t state; /* the number of the one that was told of `merging` */

    atomic_bool merging;          /* merges may begin */
    atomic_uint_fast64_t passing; /* merges.all */
    atomic_uint_fast64_t returning;
};

/* A new write-ahead log gets a tenth more than a family's memory. */
static uint64_t wal_bytes(const struct rocks *r)
{
    return r->advance ? rocks_log_memory(r->log_bytes_max) * 11 / 10 : 0;
}

static void level_sizes(struct rocks *r, rocksdb_column_family_handle_t *family,
                        uint64_t out[LEVELS])
{
    rocksdb_column_family_metadata_t *m =
        rocksdb_get_column_family_metadata_cf(r->db, family);
    size_t count = rocksdb_column_family_metadata_get_level_count(m);
    memset(out, 0, LEVELS * sizeof(out[0]));
    for (size_t i = 0; i < MIN(count, (size_t)LEVELS); i++) {
        rocksdb_level_metadata_t *level =
            rocksdb_column_family_metadata_get_level_metadata(m, i);
        out[i] = rocksdb_level_metadata_get_size(level);
        rocksdb_level_metadata_destroy(level);
    }
    rocksdb_column_family_metadata_destroy(m);
}

struct rocks_merges rocks_merges_of(const uint64_t level[], size_t count,
                                    uint64_t tables, uint64_t merge_max)
{
    struct rocks_merges m = {0, 0};
    ASSERT(count >= 2);
    for (size_t i = 1; i + 1 < count; i++)
        if (level[i] > 0 && level[i + 1] > 0)
            m.one = MAX(m.one, MIN(level[i] + level[i + 1], merge_max));
    m.all = MAX(level[0], tables) + level[1] + m.one;
    m.one = MAX(m.one, level[0] + level[1]);
    ASSERT(m.one <= m.all);
    return m;
}

uint64_t rocks_files_bytes(const char *path, const char *suffix)
{
    DIR *dir = opendir(path);
    uint64_t sum = 0;
    if (dir == NULL)
        return 0;
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        struct stat st;
        size_t digits = strspn(e->d_name, "0123456789");
        if (digits > 0 && strcmp(e->d_name + digits, suffix) == 0 &&
            fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
            sum += (uint64_t)st.st_size;
    }
    closedir(dir);
    return sum;
}

static void measure(struct rocks_space *s, struct rocks_state *state)
{
    struct rocks *r = s->r;
    uint64_t level[LEVELS];
    uint64_t files = rocks_files_bytes(r->path, ".sst");
    uint64_t live = 0;
    for (int family = 0; family < STORE_FAMILY_COUNT; family++) {
        level_sizes(r,
                    family == STORE_STATE
                        ? state->handle
                        : rocks_handle(r, (enum store_family)family),
                    level);
        for (size_t i = 0; i < LEVELS; i++)
            live += level[i];
        if (family == STORE_STATE)
            s->merges = rocks_merges_of(level, LEVELS, s->tables, s->merge_max);
    }
    atomic_store(&s->passing, s->merges.all);
    atomic_store(&s->returning, (files > live ? files - live : 0) +
                                    reclaim_pending(r->reclaim));
}

/* The ballast goes when tables and log may not fit any more, for then nothing
 * is written, no deletion either, and nothing would make room; it comes back
 * when there is much more than it takes. Returns the free bytes. */
static uint64_t keep_ballast(struct rocks_space *s)
{
    int64_t known = file_free_bytes(s->r->path);
    if (known < 0)
        return UINT64_MAX;
    uint64_t bytes = (uint64_t)known;
    if (s->ballast == NULL)
        return bytes;
    if (bytes < s->last)
        (void)ballast_drop(s->ballast);
    else if (bytes > 4 * s->ballast_bytes + s->last)
        (void)ballast_make(s->ballast, s->ballast_bytes);
    return bytes;
}

/* True: it is to end. */
static bool wait_for_end(struct rocks_space *s, int64_t ms)
{
    int64_t until_us = clock_mono_us() + ms * 1000;
    mutex_lock(&s->lock);
    while (!s->ending && clock_mono_us() < until_us)
        cond_wait_until(&s->end, &s->lock, until_us);
    bool ending = s->ending;
    mutex_unlock(&s->lock);
    return ending;
}

/* A merge that could not end must not begin: it would take the last space, and
 * keep every file that was there when it began, and all that are made and
 * dropped meanwhile. What others have written so far does not count as free
 * here: it may come too late. */
static void allow_merges(struct rocks_space *s, struct rocks_state *state,
                         uint64_t bytes)
{
    static const char *const name[] = {"disable_auto_compactions"};
    bool alone = s->r->mergers == 1;
    uint64_t wanted = (alone ? s->merges.one : s->merges.all) + s->left;
    bool merging = atomic_load(&s->merging);
    uint64_t found = bytes + reclaim_pending(s->r->reclaim);
    bool may = found >= (merging ? wanted : wanted + wanted / 8);
    if (may == merging && state->number == s->state)
        return;
    const char *const value[] = {may ? "false" : "true"};
    char *why = NULL;
    rocksdb_set_options_cf(s->r->db, state->handle, 1, name, value, &why);
    if (why == NULL) {
        atomic_store(&s->merging, may);
        s->state = state->number;
    }
    rocksdb_free(why); /* it is tried again */
}

static void *run(void *ctx)
{
    struct rocks_space *s = ctx;
    bool near;
    process_thread_yields("space");
    do {
        struct rocks_state *state = rocks_state_hold(s->r);
        measure(s, state);
        uint64_t bytes = keep_ballast(s);
        if (bytes != UINT64_MAX)
            allow_merges(s, state, bytes);
        rocks_state_release(s->r, state);
        near = bytes < s->merges.all + 4 * s->left + 1024 * MIB;
        reclaim_hurry(s->r->reclaim, bytes < 2 * s->merges.all + 2 * s->left);
    } while (!wait_for_end(s, near ? LOOK_NEAR_MS : LOOK_MS));
    return NULL;
}

void rocks_space_start(struct rocks *r, const struct rocks_options *o)
{
    ASSERT(r->space == NULL && r->reclaim != NULL);
    struct rocks_space *s = mem_zalloc(sizeof(*s));
    s->r = r;
    s->ballast = o->ballast == NULL ? NULL : mem_strdup(o->ballast);
    s->ballast_bytes = BALLAST_LOGS * o->log_memory_bytes;
    rocksdb_options_t *state = r->options[1 + STORE_STATE];
    s->merge_max = rocksdb_options_get_max_compaction_bytes(state);
    s->tables =
        (uint64_t)rocksdb_options_get_level0_file_num_compaction_trigger(
            state) *
        (o->state_memory_bytes / 2);
    s->state = atomic_load(&r->state)->number;
    s->last =
        MAX(s->ballast_bytes / 4, o->state_memory_bytes + 2 * r->log_bytes_max);
    s->left = o->state_memory_bytes / 2 + 2 * r->log_bytes_max;
    atomic_init(&s->merging, r->advance); /* rocks_options.c */
    atomic_init(&s->passing, 0);
    atomic_init(&s->returning, 0);
    mutex_init(&s->lock);
    cond_init(&s->end);
    r->space = s;
    disk_wait_set(s->left);
    process_thread_start(&s->thread, run, s);
}

void rocks_ending(struct store *store)
{
    struct rocks *r = rocks_of(store);
    atomic_store(&r->closing, true);
    if (r->space != NULL)
        disk_wait_set(0);
}

void rocks_space_end(struct rocks *r)
{
    struct rocks_space *s = r->space;
    if (s == NULL)
        return;
    mutex_lock(&s->lock);
    s->ending = true;
    cond_wake(&s->end);
    mutex_unlock(&s->lock);
    int err = pthread_join(s->thread, NULL);
    ASSERT(err == 0);
    cond_destroy(&s->end);
    mutex_destroy(&s->lock);
    mem_free(s->ballast);
    mem_free(s);
    r->space = NULL;
}

bool rocks_space_merging(const struct rocks *r)
{
    return atomic_load(&r->space->merging);
}

/* r->log_bytes belongs to the thread that writes, which asks this. */
void rocks_space(const struct store *store, struct store_space *out)
{
    const struct rocks *r = CONTAINER_OF(store, struct rocks, base);
    if (r->space == NULL)
        return;
    out->promised = r->log_bytes + r->log_bytes_max;
    out->passing = atomic_load(&r->space->passing) + wal_bytes(r);
    out->spare = SPARE_LOGS * r->log_bytes_max;
    out->returning = atomic_load(&r->space->returning);
}

bool rocks_may_advance(const char *path, const struct rocks_options *o)
{
    int64_t known = file_free_bytes(path);
    return known < 0 ||
           (uint64_t)known > 2 * BALLAST_LOGS * o->log_memory_bytes;
}

bool rocks_space_fits(const struct rocks *r, uint64_t bytes)
{
    int64_t known = file_free_bytes(r->path);
    uint64_t wanted = bytes + 2 * r->log_bytes_max;
    return known < 0 || (uint64_t)known >= wanted;
}
