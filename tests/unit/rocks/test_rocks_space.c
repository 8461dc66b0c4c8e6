// link: rocks store
/*
 * A store says what it takes of its disk, and waits for space instead of
 * failing. How much is free, this program says: statvfs() and fstatvfs() are
 * its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "contract/temp_dir.h"
#include "os/clock.h"
#include "os/file.h"
#include "rocks/ballast.h"
#include "rocks/rocks.h"
#include "rocks/rocks_internal.h"
#include "store/store_buffered.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#define MIB    (1024 * 1024)
#define LEVELS 7
#define TRIES  2000 /* of 10 ms */

static atomic_ulong free_blocks; /* of a byte */

int statvfs(const char *path, struct statvfs *out)
{
    UNUSED(path);
    *out =
        (struct statvfs){.f_frsize = 1, .f_bavail = atomic_load(&free_blocks)};
    return 0;
}

int fstatvfs(int fd, struct statvfs *out)
{
    UNUSED(fd);
    return statvfs("", out);
}

static const struct rocks_options small = {
    .state_memory_bytes = 2 * MIB,
    .log_memory_bytes = MIB,
    .block_cache_bytes = MIB,
    .disk_bytes = 64 * MIB,
    .create = true,
};

struct fixture {
    struct temp_dir dir;
    char path[TEMP_PATH_SIZE];
    char ballast[TEMP_PATH_SIZE];
    struct store *store;
    struct buf error;
};

static int setup(void **state)
{
    static struct fixture f;
    f = (struct fixture){.dir = temp_dir_new()};
    temp_dir_file(&f.dir, "db", f.path);
    temp_dir_file(&f.dir, "reserve", f.ballast);
    atomic_store(&free_blocks, 1024ul * MIB);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    if (f->store != NULL)
        store_close(f->store);
    buf_release(&f->error);
    temp_dir_remove(&f->dir);
    return 0;
}

static int open_store(struct fixture *f)
{
    struct rocks_options o = small;
    o.ballast = f->ballast;
    buf_reset(&f->error);
    int err = rocks_open(&f->store, f->path, &o, &f->error);
    buf_char(&f->error, '\0');
    if (err != 0)
        f->store = NULL;
    return err;
}

static void put(struct fixture *f, enum store_family family, int n, size_t size)
{
    static uint8_t value[MIB];
    char key[32];
    struct store_batch b = STORE_BATCH_INIT;
    assert_true(size <= sizeof(value));
    for (size_t i = 0; i < size; i++)
        value[i] = (uint8_t)((i * 2654435761u + (size_t)n * 40503u) >> 11);
    snprintf(key, sizeof(key), "k%06d", n);
    store_batch_put(&b, family, bytes_str(key), bytes_of(value, size));
    assert_int_equal(
        store_write(f->store, &b,
                    family == STORE_STATE ? STORE_UNLOGGED : STORE_LOGGED),
        0);
    store_batch_release(&b);
}

static size_t tables(const struct fixture *f)
{
    size_t count = 0;
    DIR *dir = opendir(f->path);
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir)) != NULL;)
        count += strstr(e->d_name, ".sst") != NULL;
    closedir(dir);
    return count;
}

static bool is_flushed(struct fixture *f, const char *key)
{
    struct buf value = BUF_INIT;
    int err = store_get_flushed(f->store, STORE_STATE, bytes_str(key), &value);
    buf_release(&value);
    return err == 0;
}

/* It is made in two steps: a file, and its space. */
static bool has_ballast(struct fixture *f)
{
    struct stat st;
    return stat(f->ballast, &st) == 0 && st.st_size > 0;
}

/* Waits until it holds, for a long time. */
#define EVENTUALLY(condition)                                                  \
    do {                                                                       \
        const struct timespec a_while = {0, 10000000};                         \
        for (int tries = 0; tries < TRIES && !(condition); tries++)            \
            nanosleep(&a_while, NULL);                                         \
        assert_true(condition);                                                \
    } while (0)

static void test_merges_by_level(void **state)
{
    UNUSED(state);
    const uint64_t none[4] = {0, 0, 0, 0};
    struct rocks_merges m = rocks_merges_of(none, 4, 40, 100);
    assert_true(m.one == 0 && m.all == 40);
    const uint64_t upper[4] = {60, 30, 0, 0};
    m = rocks_merges_of(upper, 4, 40, 100);
    assert_true(m.one == 90 && m.all == 90);
    const uint64_t few[4] = {10, 30, 0, 0};
    m = rocks_merges_of(few, 4, 40, 100);
    assert_true(m.one == 40 && m.all == 70);
    const uint64_t lower[4] = {10, 30, 50, 0};
    m = rocks_merges_of(lower, 4, 40, 100);
    assert_true(m.one == 80 && m.all == 40 + 30 + 80);
    const uint64_t large[4] = {10, 30, 500, 900};
    m = rocks_merges_of(large, 4, 40, 100);
    assert_true(m.one == 100 && m.all == 40 + 30 + 100);
}

static void test_what_is_in_memory_is_promised(void **state)
{
    struct fixture *f = *state;
    struct store_space empty;
    struct store_space after;
    assert_int_equal(open_store(f), 0);
    store_space(f->store, &empty);
    put(f, STORE_STATE, 1, 300000);
    store_space(f->store, &after);
    assert_true(after.promised >= empty.promised + 300000);
    assert_int_equal(store_flush(f->store, STORE_STATE, true), 0);
    store_space(f->store, &after);
    assert_true(after.promised < empty.promised + 300000);
    uint64_t before = after.promised;
    put(f, STORE_LOG, 1, 200000);
    store_space(f->store, &after);
    assert_true(after.promised >= before + 200000);
    /* Four tables make a merge due, and a log gets twice its size. */
    assert_true(after.passing >= 4 * MIB + 2 * MIB);
}

/* It has been looked at since there is little space. */
static bool disk_is_tight(struct fixture *f)
{
    return !rocks_space_merging(rocks_of(store_buffered_below(f->store)));
}

/* What merges must leave is more than this; what a table takes is less. */
#define TIGHT (3 * MIB)

static void write_tables(struct fixture *f, int count)
{
    for (int i = 0; i < count; i++) {
        for (int k = 0; k < 4; k++)
            put(f, STORE_STATE, k, 200000 + (size_t)i);
        assert_int_equal(store_flush(f->store, STORE_STATE, true), 0);
    }
}

static void test_a_merge_that_does_not_fit_waits(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(open_store(f), 0);
    write_tables(f, LEVELS); /* each finds a level of its own */
    size_t before = tables(f);
    atomic_store(&free_blocks, TIGHT);
    EVENTUALLY(disk_is_tight(f));
    write_tables(f, 4); /* a merge of them is due */
    assert_int_equal(tables(f), before + 4);
    atomic_store(&free_blocks, 1024ul * MIB);
    EVENTUALLY(tables(f) < before + 4);
}

/* A table waits for merges 20 seconds at most, but not for those that do not
 * fit: what it deletes may be what makes room. */
static void test_no_table_waits_for_merges_that_wait(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(open_store(f), 0);
    write_tables(f, LEVELS);
    size_t before = tables(f);
    atomic_store(&free_blocks, TIGHT);
    EVENTUALLY(disk_is_tight(f));
    int64_t begin_us = clock_mono_us();
    write_tables(f, 9); /* six may be unmerged: three would have to wait */
    assert_int_equal(tables(f), before + 9);
    assert_true(clock_mono_us() - begin_us < 20 * 1000000);
}

static void test_a_table_waits_for_space(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(open_store(f), 0);
    put(f, STORE_STATE, 1, 500000);
    atomic_store(&free_blocks, MIB);
    assert_int_equal(store_flush(f->store, STORE_STATE, false), 0);
    put(f, STORE_STATE, 2, 100);
    EVENTUALLY(disk_is_tight(f));
    assert_false(is_flushed(f, "k000001"));
    assert_int_equal(store_sync(f->store), 0);
    atomic_store(&free_blocks, 1024ul * MIB);
    EVENTUALLY(is_flushed(f, "k000001"));
}

static void test_a_store_without_space_can_be_closed(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(open_store(f), 0);
    put(f, STORE_STATE, 1, 500000);
    put(f, STORE_LOG, 1, 100);
    assert_int_equal(store_sync(f->store), 0);
    atomic_store(&free_blocks, MIB);
    assert_int_equal(store_flush(f->store, STORE_STATE, false), 0);
    store_close(f->store);
    f->store = NULL;
    atomic_store(&free_blocks, 1024ul * MIB);
    assert_int_equal(open_store(f), 0);
    assert_false(is_flushed(f, "k000001"));
    struct buf value = BUF_INIT;
    assert_int_equal(
        store_get(f->store, STORE_LOG, BYTES_LIT("k000001"), &value), 0);
    assert_int_equal(value.len, 100);
    buf_release(&value);
}

/* The number of the newest write-ahead log. */
static long newest_log(const struct fixture *f)
{
    long newest = 0;
    DIR *dir = opendir(f->path);
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir)) != NULL;)
        if (strstr(e->d_name, ".log") != NULL)
            newest = MAX(newest, strtol(e->d_name, NULL, 10));
    closedir(dir);
    return newest;
}

/* What was cut would not leave the disk otherwise. */
static void test_a_flush_of_the_log_is_put_off(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(open_store(f), 0);
    put(f, STORE_LOG, 1, 1000);
    long before = newest_log(f);
    atomic_store(&free_blocks, 2 * MIB - 1);
    assert_int_equal(store_flush(f->store, STORE_LOG, false), 0);
    store_tidy(f->store);
    assert_int_equal(newest_log(f), before);
    atomic_store(&free_blocks, 2 * MIB);
    store_tidy(f->store);
    EVENTUALLY(newest_log(f) > before);
}

static void expect_refusal(struct fixture *f, const char *needed)
{
    const char *text = (const char *)f->error.data;
    assert_int_equal(strncmp(text, f->path, strlen(f->path)), 0);
    assert_non_null(strstr(text, needed));
    assert_non_null(strstr(text, "Nothing was written"));
}

/* In one sentence, and nothing is written, not even a directory. */
static void test_a_start_without_space_is_refused(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    atomic_store(&free_blocks, 4 * MIB - 1);
    assert_int_equal(open_store(f), ERR_IO);
    expect_refusal(f, "takes 4 MB of disk space, and 3 MB are free");
    assert_int_equal(stat(f->path, &st), -1);
    atomic_store(&free_blocks, 4 * MIB);
    assert_int_equal(open_store(f), 0);
}

/* What the write-ahead logs have is written anew. */
static void test_a_start_needs_what_the_logs_have(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(open_store(f), 0);
    put(f, STORE_LOG, 1, 900000);
    assert_int_equal(store_sync(f->store), 0);
    store_close(f->store);
    f->store = NULL;
    atomic_store(&free_blocks, 4 * MIB + 800000);
    assert_int_equal(open_store(f), ERR_IO);
    expect_refusal(f, "takes 5 MB of disk space, and 4 MB are free");
    atomic_store(&free_blocks, 4 * MIB + 910000);
    assert_int_equal(open_store(f), 0);
}

/* As merges leave them that a kill has ended. */
static void test_a_start_removes_what_nobody_knows(void **state)
{
    struct fixture *f = *state;
    char orphan[TEMP_PATH_SIZE + 32];
    assert_int_equal(open_store(f), 0);
    put(f, STORE_STATE, 1, 1000);
    assert_int_equal(store_flush(f->store, STORE_STATE, true), 0);
    size_t before = tables(f);
    store_close(f->store);
    f->store = NULL;
    snprintf(orphan, sizeof(orphan), "%s/000999.sst", f->path);
    assert_int_equal(file_replace(orphan, BYTES_LIT("half a table")), 0);
    atomic_store(&free_blocks, MIB);
    assert_int_equal(open_store(f), ERR_IO);
    assert_int_equal(tables(f), before);
    atomic_store(&free_blocks, 1024ul * MIB);
    assert_int_equal(open_store(f), 0);
    assert_true(is_flushed(f, "k000001"));
}

static void test_a_start_gives_the_ballast_up(void **state)
{
    struct fixture *f = *state;
    assert_true(ballast_make(f->ballast, MIB));
    atomic_store(&free_blocks, 0);
    assert_int_equal(open_store(f), ERR_IO);
    assert_false(has_ballast(f));
}

static void test_the_ballast_comes_and_goes(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    assert_int_equal(open_store(f), 0);
    EVENTUALLY(has_ballast(f));
    assert_int_equal(stat(f->ballast, &st), 0);
    assert_int_equal(st.st_size, 4 * MIB);
    assert_true(st.st_blocks * 512 >= 4 * MIB);
    /* Two logs and the state's memory fit. */
    uint64_t last = 2 * small.log_memory_bytes + small.state_memory_bytes;
    atomic_store(&free_blocks, last);
    sleep(1); /* the longer, the more a fault has done */
    assert_true(has_ballast(f));
    atomic_store(&free_blocks, last - 1);
    EVENTUALLY(!has_ballast(f));
    atomic_store(&free_blocks, 1024ul * MIB);
    EVENTUALLY(has_ballast(f));
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(test_merges_by_level),
        test(test_what_is_in_memory_is_promised),
        test(test_a_merge_that_does_not_fit_waits),
        test(test_no_table_waits_for_merges_that_wait),
        test(test_a_table_waits_for_space),
        test(test_a_store_without_space_can_be_closed),
        test(test_a_flush_of_the_log_is_put_off),
        test(test_a_start_without_space_is_refused),
        test(test_a_start_needs_what_the_logs_have),
        test(test_a_start_removes_what_nobody_knows),
        test(test_a_start_gives_the_ballast_up),
        test(test_the_ballast_comes_and_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
