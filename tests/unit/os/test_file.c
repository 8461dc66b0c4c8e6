/* Files: bounded reading, replacement, directories, the lock. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "os/file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "fixture.h"

static struct temp_dir dir;

static int setup(void **state)
{
    UNUSED(state);
    temp_dir_make(&dir);
    return 0;
}

static int teardown(void **state)
{
    UNUSED(state);
    temp_dir_remove(&dir);
    return 0;
}

static void replaces_and_reads(void **state)
{
    UNUSED(state);
    char room[128];
    const char *path = temp_dir_file(&dir, "file", room);
    struct buf b = BUF_INIT;
    assert_int_equal(file_read(path, 100, &b), ERR_NOT_FOUND);
    assert_int_equal(file_replace(path, BYTES_LIT("one")), 0);
    assert_int_equal(file_replace(path, BYTES_LIT("second")), 0);
    buf_str(&b, "before ");
    assert_int_equal(file_read(path, 6, &b), 0);
    assert_true(bytes_eq(buf_view(&b), BYTES_LIT("before second")));
    assert_int_equal(file_read(path, 5, &b), ERR_TOO_BIG);
    assert_int_equal(b.len, 13);
    assert_int_equal(file_read(dir.path, 5, &b), ERR_IO);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    char other[128];
    assert_int_equal(access(temp_dir_file(&dir, "file.tmp", other), F_OK), -1);
    assert_int_equal(file_replace(path, BYTES_NONE), 0);
    buf_reset(&b);
    assert_int_equal(file_read(path, 0, &b), 0);
    assert_int_equal(b.len, 0);
    buf_release(&b);
}

static void reads_what_is_large(void **state)
{
    UNUSED(state);
    char room[128];
    const char *path = temp_dir_file(&dir, "large", room);
    struct buf content = BUF_INIT;
    for (int i = 0; i < 300000; i++)
        buf_char(&content, (char)(i % 251));
    assert_int_equal(file_replace(path, buf_view(&content)), 0);
    struct buf b = BUF_INIT;
    assert_int_equal(file_read(path, 300000, &b), 0);
    assert_true(bytes_eq(buf_view(&b), buf_view(&content)));
    buf_reset(&b);
    assert_int_equal(file_read(path, 299999, &b), ERR_TOO_BIG);
    buf_release(&b);
    buf_release(&content);
}

static void failed_replacement_keeps_the_file(void **state)
{
    UNUSED(state);
    char room[128];
    char other[128];
    const char *path = temp_dir_file(&dir, "kept", room);
    assert_int_equal(file_replace(path, BYTES_LIT("old")), 0);
    /* A directory stands where the temporary file would be. */
    assert_int_equal(mkdir(temp_dir_file(&dir, "kept.tmp", other), 0700), 0);
    assert_int_equal(file_replace(path, BYTES_LIT("new")), ERR_IO);
    struct buf b = BUF_INIT;
    assert_int_equal(file_read(path, 10, &b), 0);
    assert_true(bytes_eq(buf_view(&b), BYTES_LIT("old")));
    buf_release(&b);
    assert_int_equal(file_replace("/nowhere/at/all", BYTES_NONE),
                     ERR_NOT_FOUND);
    /* A directory stands where the file would be: nothing is left behind. */
    path = temp_dir_file(&dir, "taken", room);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(file_replace(path, BYTES_LIT("new")), ERR_IO);
    assert_int_equal(access(temp_dir_file(&dir, "taken.tmp", other), F_OK), -1);
}

static void directories(void **state)
{
    UNUSED(state);
    char room[128];
    const char *deep = temp_dir_file(&dir, "a/b/c/", room);
    bool shared;
    assert_int_equal(file_check_dir(deep, &shared), ERR_NOT_FOUND);
    assert_int_equal(file_make_dir(deep), 0);
    assert_int_equal(file_make_dir(deep), 0);
    assert_int_equal(file_check_dir(deep, &shared), 0);
    assert_false(shared);
    assert_int_equal(file_sync_dir(deep), 0);
    struct stat st;
    assert_int_equal(stat(deep, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);

    char other[128];
    const char *path = temp_dir_file(&dir, "plain", other);
    assert_int_equal(file_replace(path, BYTES_NONE), 0);
    assert_int_equal(file_check_dir(path, &shared), ERR_MISMATCH);
    assert_int_equal(file_make_dir(path), ERR_IO);
    assert_int_equal(file_sync_dir(path), ERR_IO);
    assert_int_equal(file_make_dir("."), 0);
}

/* What the kubelet makes of a volume with fsGroup (2770) and of an emptyDir
 * (777) is used; that others can write to it is told. */
static void shared_directories(void **state)
{
    UNUSED(state);
    static const struct {
        mode_t mode;
        bool shared;
    } cases[] = {{0700, false}, {0750, false}, {02755, false}, {0720, true},
                 {02770, true}, {0702, true},  {0777, true},   {01777, true}};
    char room[128];
    const char *path = temp_dir_file(&dir, "volume", room);
    bool shared;
    assert_int_equal(file_make_dir(path), 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(chmod(path, cases[i].mode), 0);
        assert_int_equal(file_check_dir(path, &shared), 0);
        assert_int_equal(shared, cases[i].shared);
    }
}

/* Only root can give a directory away, and be another user afterwards. */
static void directories_of_others(void **state)
{
    UNUSED(state);
    enum { ME = 4711, OTHER = 4712 };
    char room[128];
    const char *path = temp_dir_file(&dir, "given", room);
    bool shared = true;
    if (geteuid() != 0)
        skip();
    assert_int_equal(file_make_dir(path), 0);
    assert_int_equal(chmod(path, 0777), 0);
    assert_int_equal(chown(path, OTHER, OTHER), 0);
    assert_int_equal(file_check_dir(path, &shared), ERR_MISMATCH);
    assert_int_equal(chmod(dir.path, 0755), 0);
    assert_int_equal(seteuid(ME), 0);
    int open_err = file_check_dir(path, &shared);
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(open_err, 0);
    assert_true(shared);
    assert_int_equal(chmod(path, 0755), 0);
    assert_int_equal(seteuid(ME), 0);
    int closed_err = file_check_dir(path, &shared);
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(closed_err, ERR_AUTH);
    assert_int_equal(chown(path, ME, ME), 0);
    assert_int_equal(chmod(path, 0500), 0);
    assert_int_equal(seteuid(ME), 0);
    int own_err = file_check_dir(path, &shared);
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(own_err, ERR_AUTH);
}

/* Slashes at the end are no part of the name, and what has the name need not
 * be there. */
static void directory_above(void **state)
{
    UNUSED(state);
    char room[128];
    const char *names[] = {"/", "//", "/name", "/name/", "name", "name//", "."};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        assert_int_equal(file_sync_parent(names[i]), 0);
    assert_int_equal(file_sync_parent(temp_dir_file(&dir, "x//", room)), 0);
    assert_int_equal(file_sync_parent(temp_dir_file(&dir, "x/y", room)),
                     ERR_NOT_FOUND);
    assert_int_equal(file_sync_parent(temp_dir_file(&dir, "x/y/", room)),
                     ERR_NOT_FOUND);
}

static void lock_is_exclusive(void **state)
{
    UNUSED(state);
    char room[128];
    const char *path = temp_dir_file(&dir, "lock", room);
    int fd = file_lock(path);
    assert_true(fd >= 0);
    assert_int_equal(file_lock(path), ERR_BUSY);
    close(fd);
    fd = file_lock(path);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(file_lock("/nowhere/lock"), ERR_NOT_FOUND);
}

static void reads_and_writes_at_offsets(void **state)
{
    UNUSED(state);
    char room[128];
    char data[4] = {0};
    int fd = open(temp_dir_file(&dir, "at", room), O_RDWR | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(file_write(fd, "abcd", 4), 0);
    assert_int_equal(file_pwrite(fd, "XY", 2, 3), 0);
    assert_int_equal(file_pread(fd, data, 4, 1), 0);
    assert_memory_equal(data, "bcXY", 4);
    assert_int_equal(file_pread(fd, data, 4, 2), ERR_CORRUPT);
    close(fd);
    fd = open(temp_dir_file(&dir, "at", room), O_RDONLY);
    assert_int_equal(file_pwrite(fd, "XY", 2, 3), ERR_IO);
    assert_int_equal(file_write(fd, "XY", 2), ERR_IO);
    close(fd);
    /* A disk without room. */
    fd = open("/dev/full", O_WRONLY);
    assert_int_equal(file_write(fd, "XY", 2), ERR_IO);
    close(fd);
}

static void free_space(void **state)
{
    UNUSED(state);
    assert_true(file_free_bytes(dir.path) > 0);
    assert_int_equal(file_free_bytes("/nowhere/at/all"), ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replaces_and_reads),
        cmocka_unit_test(reads_what_is_large),
        cmocka_unit_test(failed_replacement_keeps_the_file),
        cmocka_unit_test(directories),
        cmocka_unit_test(shared_directories),
        cmocka_unit_test(directories_of_others),
        cmocka_unit_test(directory_above),
        cmocka_unit_test(lock_is_exclusive),
        cmocka_unit_test(reads_and_writes_at_offsets),
        cmocka_unit_test(free_space),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
