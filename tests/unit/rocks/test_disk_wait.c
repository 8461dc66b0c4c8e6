/*
 * Writes of a database wait for space, all others fail at once; merges wait
 * earlier than others. writev() and fstatvfs() are this program's own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "contract/temp_dir.h"
#include "rocks/disk_wait.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

#define BLOCK 4096
#define LARGE (64 * 1024)
#define TRIES 1000 /* of 10 ms */

static struct {
    atomic_int calls;
    atomic_int failures; /* of the next calls */
    atomic_int error;
    atomic_ulong free_blocks;
} disk;

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    atomic_fetch_add(&disk.calls, 1);
    if (atomic_load(&disk.failures) > 0) {
        atomic_fetch_sub(&disk.failures, 1);
        errno = atomic_load(&disk.error);
        return -1;
    }
    return (ssize_t)syscall(SYS_writev, fd, parts, count);
}

int fstatvfs(int fd, struct statvfs *out)
{
    UNUSED(fd);
    *out = (struct statvfs){.f_frsize = BLOCK,
                            .f_bavail = atomic_load(&disk.free_blocks)};
    return 0;
}

struct fixture {
    struct temp_dir dir;
    int fd;
};

static int setup(void **state)
{
    static struct fixture f;
    f = (struct fixture){.dir = temp_dir_new(), .fd = -1};
    atomic_store(&disk.calls, 0);
    atomic_store(&disk.failures, 0);
    atomic_store(&disk.error, ENOSPC);
    atomic_store(&disk.free_blocks, 1);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    disk_wait_set(0);
    if (f->fd >= 0)
        close(f->fd);
    temp_dir_remove(&f->dir);
    return 0;
}

static int open_file(struct fixture *f, const char *name)
{
    char path[TEMP_PATH_SIZE];
    if (f->fd >= 0)
        close(f->fd);
    f->fd = open(temp_dir_file(&f->dir, name, path),
                 O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(f->fd >= 0);
    return f->fd;
}

/* A write of a file of this name, of which the first calls fail; how many calls
 * there were, negative if it failed in the end. */
static int write_failing(struct fixture *f, const char *name, int error)
{
    int fd = open_file(f, name);
    atomic_store(&disk.calls, 0);
    atomic_store(&disk.failures, 3);
    atomic_store(&disk.error, error);
    errno = 0;
    ssize_t n = write(fd, "abcde", 5);
    int calls = atomic_load(&disk.calls);
    assert_true(n == 5 || (n == -1 && errno == error));
    if (n < 0)
        return -calls;
    char got[5];
    assert_int_equal(pread(fd, got, 5, 0), 5);
    assert_memory_equal(got, "abcde", 5);
    return calls;
}

static void test_files_of_a_database_wait(void **state)
{
    struct fixture *f = *state;
    static const char *const waiting[] = {"000001.log", "1.sst", "000007.dbtmp",
                                          "MANIFEST-000004"};
    static const char *const failing[] = {
        "log",     "a.log",          "watermark", "000001.log.damaged",
        "1.sst.x", "incoming",       ".sst",      "OPTIONS-000004",
        "1log",    "XMANIFEST-0001", "x1.sst",    "LOG"};
    disk_wait_set(1);
    for (size_t i = 0; i < ARRAY_LEN(waiting); i++) {
        assert_int_equal(write_failing(f, waiting[i], ENOSPC), 4);
        assert_int_equal(write_failing(f, waiting[i], EDQUOT), 4);
        assert_int_equal(write_failing(f, waiting[i], EIO), -1);
    }
    for (size_t i = 0; i < ARRAY_LEN(failing); i++)
        assert_int_equal(write_failing(f, failing[i], ENOSPC), -1);
}

static void test_nobody_waits_unless_told(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(write_failing(f, "000001.log", ENOSPC), -1);
    disk_wait_set(1);
    disk_wait_set(0);
    assert_int_equal(write_failing(f, "000001.log", ENOSPC), -1);
    assert_int_equal(disk_waiting(), 0);
}

static void test_a_pipe_is_no_file(void **state)
{
    UNUSED(state);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    disk_wait_set(1);
    atomic_store(&disk.failures, 1);
    assert_int_equal(write(ends[1], "a", 1), -1);
    assert_int_equal(errno, ENOSPC);
    assert_int_equal(write(ends[1], "a", 1), 1);
    close(ends[0]);
    close(ends[1]);
}

/* One write in a thread of this name. */
struct writer {
    pthread_t thread;
    const char *name;
    int fd;
    size_t len;
    atomic_bool done;
};

static void *write_once(void *ctx)
{
    struct writer *w = ctx;
    static const uint8_t data[LARGE];
    (void)prctl(PR_SET_NAME, w->name);
    ssize_t n = write(w->fd, data, w->len);
    atomic_store(&w->done, n == (ssize_t)w->len);
    return NULL;
}

static void begin(struct writer *w, struct fixture *f, const char *name,
                  size_t len)
{
    *w = (struct writer){.name = name, .fd = open_file(f, "5.sst"), .len = len};
    assert_int_equal(pthread_create(&w->thread, NULL, write_once, w), 0);
}

static bool is_done_after(struct writer *w)
{
    pthread_join(w->thread, NULL);
    return atomic_load(&w->done);
}

static void wait_until_waiting(void)
{
    const struct timespec a_while = {0, 1000000};
    for (int i = 0; i < TRIES * 10 && disk_waiting() == 0; i++)
        nanosleep(&a_while, NULL);
    assert_int_equal(disk_waiting(), 1);
}

/* Three blocks must be left, and the write takes its own. */
static void test_a_merge_leaves_space(void **state)
{
    struct fixture *f = *state;
    struct writer w;
    disk_wait_set(3 * BLOCK);
    atomic_store(&disk.free_blocks, 3 + LARGE / BLOCK - 1);
    begin(&w, f, "rocksdb:low1", LARGE);
    wait_until_waiting();
    assert_int_equal(atomic_load(&disk.calls), 0);
    atomic_store(&disk.free_blocks, 3 + LARGE / BLOCK);
    assert_true(is_done_after(&w));
    assert_int_equal(atomic_load(&disk.calls), 1);
}

/* Only its end may give space back, so it gets a part in the end. */
static void test_a_merge_does_not_wait_for_ever(void **state)
{
    struct fixture *f = *state;
    struct writer w;
    disk_wait_set(40 * BLOCK);
    atomic_store(&disk.free_blocks, 10 + LARGE / BLOCK - 1);
    begin(&w, f, "rocksdb:low0", LARGE);
    wait_until_waiting();
    atomic_store(&disk.free_blocks, 10 + LARGE / BLOCK);
    assert_true(is_done_after(&w));
}

static void test_a_merge_ends_with_the_store(void **state)
{
    struct fixture *f = *state;
    struct writer w;
    disk_wait_set(3 * BLOCK);
    begin(&w, f, "rocksdb:low0", LARGE);
    wait_until_waiting();
    disk_wait_set(0);
    assert_true(is_done_after(&w));
}

static void test_others_and_small_writes_do_not_leave_space(void **state)
{
    struct fixture *f = *state;
    struct writer w;
    disk_wait_set(1000 * BLOCK);
    begin(&w, f, "rocksdb:high0", LARGE);
    assert_true(is_done_after(&w));
    begin(&w, f, "tables", LARGE);
    assert_true(is_done_after(&w));
    begin(&w, f, "rocksdb:low0", BLOCK);
    assert_true(is_done_after(&w));
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(test_files_of_a_database_wait),
        test(test_nobody_waits_unless_told),
        test(test_a_pipe_is_no_file),
        test(test_a_merge_leaves_space),
        test(test_a_merge_does_not_wait_for_ever),
        test(test_a_merge_ends_with_the_store),
        test(test_others_and_small_writes_do_not_leave_space),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
