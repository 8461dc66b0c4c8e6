/*
 * Deleted files are shortened step by step, and only those that are large, of
 * the database, and have no name left. Shortening is this program's own, and
 * keeps a list.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "contract/temp_dir.h"
#include "rocks/reclaim.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#define MIB       (1024 * 1024)
#define SIZES_MAX 64
#define TRIES     1000 /* of 10 ms */

static struct {
    pthread_mutex_t lock;
    int64_t sizes[SIZES_MAX];
    size_t count;
    bool fail;
} calls = {.lock = PTHREAD_MUTEX_INITIALIZER};

int ftruncate(int fd, off_t size)
{
    pthread_mutex_lock(&calls.lock);
    if (calls.count < SIZES_MAX)
        calls.sizes[calls.count++] = size;
    bool fail = calls.fail;
    pthread_mutex_unlock(&calls.lock);
    if (!fail)
        return (int)syscall(SYS_ftruncate, fd, size);
    errno = EIO;
    return -1;
}

static size_t call_count(void)
{
    pthread_mutex_lock(&calls.lock);
    size_t count = calls.count;
    pthread_mutex_unlock(&calls.lock);
    return count;
}

struct fixture {
    struct temp_dir dir;
    struct reclaim *reclaim;
};

static int setup(void **state)
{
    static struct fixture f;
    f.dir = temp_dir_new();
    f.reclaim = NULL;
    calls.count = 0;
    calls.fail = false;
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    reclaim_free(f->reclaim);
    temp_dir_remove(&f->dir);
    return 0;
}

static void make(const struct fixture *f, const char *name, off_t size)
{
    char path[TEMP_PATH_SIZE];
    int fd = open(temp_dir_file(&f->dir, name, path), O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    assert_int_equal(syscall(SYS_ftruncate, fd, size), 0);
    close(fd);
}

static void drop(const struct fixture *f, const char *name)
{
    char path[TEMP_PATH_SIZE];
    assert_int_equal(unlink(temp_dir_file(&f->dir, name, path)), 0);
}

/* Descriptors of this process that are of files in the directory. */
static int held(const struct fixture *f)
{
    int count = 0;
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        char to[TEMP_PATH_SIZE];
        ssize_t n = readlinkat(dirfd(dir), e->d_name, to, sizeof(to) - 1);
        if (n <= 0)
            continue;
        to[n] = 0;
        size_t len = strlen(f->dir.path);
        count += strncmp(to, f->dir.path, len) == 0 && to[len] == '/';
    }
    closedir(dir);
    return count;
}

static void expect_held(const struct fixture *f, int wanted)
{
    const struct timespec a_while = {0, 10000000};
    for (int i = 0; i < TRIES && held(f) != wanted; i++)
        nanosleep(&a_while, NULL);
    assert_int_equal(held(f), wanted);
}

static void test_steps(void **state)
{
    struct fixture *f = *state;
    make(f, "000012.sst", 4 * MIB + 5);
    make(f, "000013.log", 3 * MIB);
    make(f, "000014.sst", MIB);      /* small */
    make(f, "incoming", 4 * MIB);    /* its second name is what counts */
    make(f, "MANIFEST-01", 4 * MIB); /* not deleted often */
    make(f, "15.sst.old", 4 * MIB);
    make(f, ".sst", 4 * MIB);
    f->reclaim = reclaim_new(f->dir.path);
    expect_held(f, 2);
    drop(f, "000014.sst");
    drop(f, "incoming");
    drop(f, "000012.sst");
    expect_held(f, 1);
    static const int64_t sizes[] = {3 * MIB + 5, 2 * MIB + 5, MIB + 5, 5};
    assert_int_equal(call_count(), ARRAY_LEN(sizes));
    assert_memory_equal(calls.sizes, sizes, sizeof(sizes));
    make(f, "000016.log", 2 * MIB); /* found later */
    expect_held(f, 2);
    drop(f, "000013.log");
    drop(f, "000016.log");
    expect_held(f, 0);
    assert_int_equal(call_count(), ARRAY_LEN(sizes) + 3);
}

/* Parts of a state that was given up; not the one that is being written, which
 * has not its name yet. */
static void test_parts(void **state)
{
    struct fixture *f = *state;
    make(f, "refill.1", 3 * MIB);
    make(f, "refill.27", 3 * MIB);
    make(f, "refill.part", 3 * MIB);
    make(f, "refill.", 3 * MIB);
    make(f, "refill.3.sst", 3 * MIB);
    make(f, "refill3", 3 * MIB);
    f->reclaim = reclaim_new(f->dir.path);
    expect_held(f, 2);
    drop(f, "refill.1");
    drop(f, "refill.27");
    drop(f, "refill.part");
    expect_held(f, 0);
    assert_int_equal(call_count(), 4);
}

/* However much waits, there is a pause; the more, the shorter. */
static void test_pauses(void **state)
{
    int64_t last_us = reclaim_pause_us(0, false);
    UNUSED(state);
    assert_true(last_us >= 5000);
    for (int64_t mib = 1; mib <= 64 * 1024; mib *= 2) {
        int64_t us = reclaim_pause_us(mib * MIB, false);
        assert_true(us > 0 && us <= last_us);
        /* Within a minute all of it is given back. */
        assert_true(us * mib < 60000000);
        assert_int_equal(reclaim_pause_us(mib * MIB, true), 0);
        last_us = us;
    }
    assert_true(last_us < 500);
    assert_true(reclaim_pause_us((int64_t)2048 * MIB, false) >= 2000);
}

/* What somebody has linked elsewhere, a backup perhaps, stays whole. */
static void test_other_name(void **state)
{
    struct fixture *f = *state;
    char from[TEMP_PATH_SIZE];
    char to[TEMP_PATH_SIZE];
    struct stat st;
    make(f, "1.sst", 3 * MIB);
    make(f, "2.sst", 3 * MIB);
    f->reclaim = reclaim_new(f->dir.path);
    expect_held(f, 2);
    assert_int_equal(link(temp_dir_file(&f->dir, "1.sst", from),
                          temp_dir_file(&f->dir, "backup", to)),
                     0);
    drop(f, "1.sst");
    drop(f, "2.sst");
    expect_held(f, 1);
    assert_int_equal(stat(to, &st), 0);
    assert_int_equal(st.st_size, 3 * MIB);
    assert_int_equal(call_count(), 2);
}

/* A file that cannot be shortened goes at once, and so do all at the end. */
static void test_end(void **state)
{
    struct fixture *f = *state;
    make(f, "1.sst", 20 * MIB);
    make(f, "2.sst", 20 * MIB);
    f->reclaim = reclaim_new(f->dir.path);
    expect_held(f, 2);
    pthread_mutex_lock(&calls.lock);
    calls.fail = true;
    pthread_mutex_unlock(&calls.lock);
    drop(f, "1.sst");
    expect_held(f, 1);
    assert_int_equal(call_count(), 1);
    reclaim_free(f->reclaim);
    f->reclaim = NULL;
    assert_int_equal(held(f), 0);
    reclaim_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_steps),      TEST(test_parts), TEST(test_pauses),
        TEST(test_other_name), TEST(test_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
