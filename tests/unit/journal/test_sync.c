// link: rocks
/*
 * What store_sync() asks of the kernel. A process that is killed loses
 * nothing that was written, synced or not: only the call itself shows a sync
 * that is missing. So this program has its own fdatasync() and fsync(), which
 * RocksDB is linked to, and which count and fail as told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "contract/temp_dir.h"
#include "journal/watermark.h"
#include "rocks/rocks.h"
#include "store/store_view.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PATH_SIZE (2 * TEMP_PATH_SIZE)

static const struct rocks_options small = {
    .state_memory_bytes = 1024 * 1024,
    .log_memory_bytes = 1024 * 1024,
    .block_cache_bytes = 1024 * 1024,
    .create = true,
};

/* Syncs of write-ahead logs and of the watermark, and what becomes of the
 * next ones. */
static atomic_int syncs;
static _Thread_local int own_syncs; /* of this thread */
static atomic_int failures_left;

static bool ends_with(int fd, const char *end)
{
    char link[32];
    char path[PATH_SIZE];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof(path));
    ssize_t len = (ssize_t)strlen(end);
    return n > len && memcmp(path + n - len, end, (size_t)len) == 0;
}

static bool is_counted(int fd)
{
    return ends_with(fd, ".log") || ends_with(fd, "mark");
}

static atomic_int paced; /* of the table that is being written */

int sync_file_range(int fd, off64_t offset, off64_t bytes, unsigned flags)
{
    if (ends_with(fd, "/incoming"))
        atomic_fetch_add(&paced, 1);
    return (int)syscall(SYS_sync_file_range, fd, offset, bytes, flags);
}

/* What was synced last, and whether what got a name last was that. */
static ino_t synced_inode;
static bool named_synced;

int rename(const char *from, const char *to)
{
    struct stat st;
    named_synced = stat(from, &st) == 0 && st.st_ino == synced_inode;
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

/* Tables whose names were removed. */
static atomic_int removed;
static _Thread_local int own_removed; /* by this thread */

int unlink(const char *path)
{
    size_t len = strlen(path);
    if (len > 4 && strcmp(path + len - 4, ".sst") == 0) {
        atomic_fetch_add(&removed, 1);
        own_removed++;
    }
    return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

static int sync_as_told(int fd, long call)
{
    struct stat st;
    if (fstat(fd, &st) == 0)
        synced_inode = st.st_ino;
    if (is_counted(fd)) {
        atomic_fetch_add(&syncs, 1);
        own_syncs++;
        if (atomic_load(&failures_left) > 0) {
            atomic_fetch_sub(&failures_left, 1);
            errno = EIO;
            return -1;
        }
    }
    return (int)syscall(call, fd);
}

int fdatasync(int fd)
{
    return sync_as_told(fd, SYS_fdatasync);
}

int fsync(int fd)
{
    return sync_as_told(fd, SYS_fsync);
}

struct fixture {
    struct temp_dir dir;
    struct store *store;
    uint32_t written;
};

static int setup(void **state)
{
    struct fixture *f = mem_zalloc(sizeof(*f));
    char path[TEMP_PATH_SIZE];
    struct buf error = BUF_INIT;
    f->dir = temp_dir_new();
    atomic_store(&failures_left, 0);
    int rc = rocks_open(&f->store, temp_dir_file(&f->dir, "db", path), &small,
                        &error);
    buf_release(&error);
    *state = f;
    return rc;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    store_close(f->store);
    temp_dir_remove(&f->dir);
    mem_free(f);
    return 0;
}

static int write_one(struct fixture *f)
{
    struct store_batch b = STORE_BATCH_INIT;
    uint8_t key = (uint8_t)f->written++;
    store_batch_put(&b, STORE_LOG, bytes_of(&key, 1), BYTES_LIT("entry"));
    int rc = store_write(f->store, &b, STORE_LOGGED);
    store_batch_release(&b);
    return rc;
}

/* Each sync with something to sync reaches the disk, once; a write does not
 * wait for it. */
static void test_sync_is_called(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 5; i++) {
        int before = atomic_load(&syncs);
        assert_int_equal(write_one(f), 0);
        assert_int_equal(write_one(f), 0);
        assert_int_equal(atomic_load(&syncs), before);
        assert_int_equal(store_sync(f->store), 0);
        assert_int_equal(atomic_load(&syncs), before + 1);
    }
}

/* A write-ahead log is synced before the next one is begun: a power cut would
 * leave a hole between the two otherwise. (RocksDB syncs it as well, on a
 * thread of its own, some time later.) */
static void test_synced_before_the_next(void **state)
{
    struct fixture *f = *state;
    static uint8_t value[64 * 1024];
    struct store_batch b = STORE_BATCH_INIT;
    uint32_t count = 0;
    int before = own_syncs;
    for (; own_syncs == before && count < 1000; count++) {
        store_batch_reset(&b);
        store_batch_put(&b, STORE_LOG, bytes_of(&count, sizeof(count)),
                        bytes_of(value, sizeof(value)));
        assert_int_equal(store_write(f->store, &b, STORE_LOGGED), 0);
    }
    assert_int_equal(count, small.log_memory_bytes / sizeof(value));
    store_batch_release(&b);
}

/* A large table goes to the disk bit by bit, not with its one sync: the log's
 * would wait for all of it. */
static void test_tables_are_paced(void **state)
{
    struct fixture *f = *state;
    static uint8_t value[1024 * 1024];
    struct store_batch b = STORE_BATCH_INIT;
    for (uint8_t key = 1; key <= 5; key++)
        store_batch_put(&b, STORE_STATE, bytes_of(&key, 1),
                        bytes_of(value, sizeof(value)));
    assert_int_equal(store_write(f->store, &b, STORE_UNLOGGED), 0);
    store_batch_release(&b);
    assert_int_equal(store_flush(f->store, STORE_STATE, true), 0);
    assert_true(atomic_load(&paced) >= 5);
}

#define TRIES 3000 /* of 10 ms */

static void wait_a_while(void)
{
    (void)nanosleep(&(struct timespec){0, 10000000}, NULL);
}

static void expect_removed(int wanted)
{
    for (int i = 0; i < TRIES && atomic_load(&removed) < wanted; i++)
        wait_a_while();
    assert_true(atomic_load(&removed) >= wanted);
}

/* The files of what was cut go by themselves: who writes waits for none. */
static void test_what_was_cut_goes_aside(void **state)
{
    struct fixture *f = *state;
    static uint8_t value[64 * 1024];
    uint8_t key[4] = {0};
    struct store_batch b = STORE_BATCH_INIT;
    atomic_store(&removed, 0);
    own_removed = 0;
    for (uint32_t i = 1; i < TRIES && atomic_load(&removed) == 0; i++) {
        store_batch_reset(&b);
        key[2] = (uint8_t)(i >> 8);
        key[3] = (uint8_t)i;
        store_batch_put(&b, STORE_LOG, bytes_of(key, sizeof(key)),
                        bytes_of(value, sizeof(value)));
        if (i % 100 == 0)
            store_batch_discard(&b, STORE_LOG, BYTES_LIT("\0"),
                                bytes_of(key, sizeof(key)));
        assert_int_equal(store_write(f->store, &b, STORE_LOGGED), 0);
        if (i % 100 == 0)
            wait_a_while(); /* files that are new stay for now */
    }
    expect_removed(1);
    assert_int_equal(own_removed, 0);
    store_batch_release(&b);
}

/* A view keeps files that were merged: whoever closes it, they go aside. */
static void test_what_a_view_kept_goes_aside(void **state)
{
    struct fixture *f = *state;
    struct store_batch b = STORE_BATCH_INIT;
    struct buf rows = BUF_INIT;
    struct store_view *v = NULL;
    bool end;
    atomic_store(&removed, 0);
    own_removed = 0;
    /* Seven to a level each, then some of level 0, which are merged. */
    for (int i = 0; i < 20; i++) {
        store_batch_reset(&b);
        store_batch_put(&b, STORE_STATE, BYTES_LIT("a"), BYTES_LIT("1"));
        store_batch_put(&b, STORE_STATE, BYTES_LIT("z"), BYTES_LIT("1"));
        assert_int_equal(store_write(f->store, &b, STORE_UNLOGGED), 0);
        assert_int_equal(store_flush(f->store, STORE_STATE, true), 0);
        if (i != 8)
            continue;
        v = store_view_open(f->store);
        assert_int_equal(store_view_read(v, BYTES_NONE, 1, &rows, &end), 0);
        assert_false(end);
    }
    expect_removed(2); /* they were merged */
    int before = atomic_load(&removed);
    store_view_close(v);
    expect_removed(before + 1);
    assert_int_equal(own_removed, 0);
    buf_release(&rows);
    store_batch_release(&b);
}

/* One failed sync, and the disk works again: nothing is synced or written any
 * more, for the pages that it failed for may be gone. */
static void test_failed_sync_is_final(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(write_one(f), 0);
    atomic_store(&failures_left, 1);
    int before = atomic_load(&syncs);
    assert_int_equal(store_sync(f->store), ERR_IO);
    assert_int_equal(atomic_load(&syncs), before + 1);
    assert_non_null(strstr(store_error(f->store), "syncing"));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(store_sync(f->store), ERR_IO);
        assert_int_equal(write_one(f), ERR_IO);
        assert_int_equal(store_flush(f->store, STORE_STATE, true), ERR_IO);
    }
    assert_int_equal(atomic_load(&syncs), before + 1);
}

/* The same of the watermark, which is a file of our own: here it is ours not
 * to try again. */
static void test_failed_mark_is_final(void **state)
{
    struct fixture *f = *state;
    char path[TEMP_PATH_SIZE];
    struct buf error = BUF_INIT;
    struct watermark_file *file;
    struct watermark mark;
    bool found = true;
    int rc = watermark_open(&file, temp_dir_file(&f->dir, "watermark", path),
                            &mark, &found, &error);
    assert_int_equal(rc, 0);
    assert_false(found);
    mark = (struct watermark){.cluster_id = 7, .node = 1, .vote = NODE_NONE};
    named_synced = false;
    assert_int_equal(watermark_write(file, &mark, true), 0);
    assert_true(named_synced); /* before it got its name */
    int before = atomic_load(&syncs);
    assert_int_equal(watermark_write(file, &mark, false), 0);
    assert_int_equal(atomic_load(&syncs), before);
    assert_int_equal(watermark_write(file, &mark, true), 0);
    assert_int_equal(atomic_load(&syncs), before + 1);
    atomic_store(&failures_left, 1);
    assert_int_equal(watermark_write(file, &mark, true), ERR_IO);
    assert_int_equal(watermark_write(file, &mark, true), ERR_IO);
    assert_int_equal(watermark_write(file, &mark, false), ERR_IO);
    assert_int_equal(atomic_load(&syncs), before + 2);
    assert_non_null(strstr(watermark_error(file), "syncing"));
    watermark_close(file);
    buf_release(&error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sync_is_called, setup, teardown),
        cmocka_unit_test_setup_teardown(test_synced_before_the_next, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_tables_are_paced, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_was_cut_goes_aside, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_what_a_view_kept_goes_aside, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_failed_sync_is_final, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_failed_mark_is_final, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
