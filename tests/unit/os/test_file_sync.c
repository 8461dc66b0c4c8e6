/*
 * The order in which a file is replaced, and what happens when a step fails
 * or does less than asked: the system calls are this program's own, and keep
 * a list.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "os/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "fixture.h"

static struct temp_dir dir;

/* What was called: w(rite), s(ync of a file), d(irectory synced), r(ename).
 * The call at fail_at fails. */
static char calls[64];
static size_t call_count;
static size_t fail_at;
static bool recording;

/* True: this call is to fail. */
static bool note(char what)
{
    if (!recording)
        return false;
    assert_true(call_count + 1 < sizeof(calls));
    calls[call_count++] = what;
    calls[call_count] = '\0';
    if (call_count != fail_at)
        return false;
    errno = EIO;
    return true;
}

ssize_t write(int fd, const void *data, size_t len)
{
    if (note('w'))
        return -1;
    /* Never more than four bytes at once. */
    return syscall(SYS_write, fd, data, recording ? MIN(len, (size_t)4) : len);
}

int fsync(int fd)
{
    struct stat st;
    bool is_dir = fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
    return note(is_dir ? 'd' : 's') ? -1 : (int)syscall(SYS_fsync, fd);
}

int rename(const char *from, const char *to)
{
    return note('r') ? -1 : (int)syscall(SYS_rename, from, to);
}

static int replace(const char *path, struct bytes content, size_t fails)
{
    call_count = 0;
    calls[0] = '\0';
    fail_at = fails;
    recording = true;
    int rc = file_replace(path, content);
    recording = false;
    return rc;
}

static void is_content(const char *path, const char *text)
{
    struct buf b = BUF_INIT;
    assert_int_equal(file_read(path, 100, &b), 0);
    assert_true(bytes_eq(buf_view(&b), bytes_str(text)));
    buf_release(&b);
}

/* All of the content, synced before the name points to it; the name synced
 * before success is reported. */
static void in_order(void **state)
{
    char room[128];
    const char *path = temp_dir_file(&dir, "file", room);
    UNUSED(state);
    assert_int_equal(replace(path, BYTES_LIT("ten bytes."), 0), 0);
    assert_string_equal(calls, "wwwsrd");
    is_content(path, "ten bytes.");
}

/* Whichever step fails: it is said, nothing is tried again, and the old
 * content is there until the rename. */
static void fails_at_each_step(void **state)
{
    static const char *const until[] = {"w", "ww", "www", "wwws", "wwwsr"};
    char room[128];
    const char *path = temp_dir_file(&dir, "file", room);
    UNUSED(state);
    assert_int_equal(file_replace(path, BYTES_LIT("old")), 0);
    for (size_t i = 0; i < ARRAY_LEN(until); i++) {
        assert_int_equal(replace(path, BYTES_LIT("ten bytes."), i + 1), ERR_IO);
        assert_string_equal(calls, until[i]);
        is_content(path, "old");
    }
    assert_int_equal(replace(path, BYTES_LIT("ten bytes."), 6), ERR_IO);
    assert_string_equal(calls, "wwwsrd");
}

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(fails_at_each_step, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
