/*
 * The file of the option trace-file: lines with their time, behind what was
 * there before.
 */
// link: os base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "main/trace.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/file.h"

/* Lines that were logged. */
static int warnings;

static void count_line(void *ctx, enum log_level level, const char *line,
                       size_t len)
{
    UNUSED(ctx);
    UNUSED(len);
    assert_int_equal(level, LOG_WARNING);
    assert_non_null(strstr(line, "the trace ends here"));
    warnings++;
}

static const struct logger logger = {LOG_DEBUG, count_line, NULL};

static void open_ok(struct trace *t, const char *path)
{
    struct buf error = BUF_INIT;
    assert_int_equal(trace_open(t, path, &logger, &error), 0);
    assert_int_equal(error.len, 0);
}

static void lines_are_added(void **state)
{
    char path[] = "/tmp/vard-trace.XXXXXX";
    struct trace t;
    struct buf text = BUF_INIT;
    int64_t at[3] = {0}, begin_us = clock_mono_us();
    int used = 0;
    UNUSED(state);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "before\n", 7), 7);
    close(fd);
    open_ok(&t, path);
    trace_line(&t, BYTES_LIT("first\n"));
    trace_line(&t, BYTES_LIT("second\n"));
    int open_fd = t.fd;
    assert_int_equal(fcntl(open_fd, F_GETFD), FD_CLOEXEC);
    trace_close(&t);
    assert_true(fcntl(open_fd, F_GETFD) < 0);
    trace_line(&t, BYTES_LIT("closed\n"));
    trace_close(&t);
    open_ok(&t, path); /* as by the next start */
    trace_line(&t, BYTES_LIT("third\n"));
    trace_close(&t);
    int64_t end_us = clock_mono_us();
    assert_int_equal(file_read(path, 4096, &text), 0);
    buf_char(&text, '\0');
    assert_int_equal(sscanf((const char *)text.data,
                            "before\n%" SCNd64 " first\n%" SCNd64
                            " second\n%" SCNd64 " third\n%n",
                            &at[0], &at[1], &at[2], &used),
                     3);
    assert_int_equal(used, text.len - 1);
    assert_true(begin_us <= at[0] && at[0] <= at[1] && at[1] <= at[2] &&
                at[2] <= end_us);
    assert_int_equal(unlink(path), 0);
    buf_release(&text);
    assert_int_equal(warnings, 0);
}

/* What the core was told may be secret. */
static void nobody_else_may_read_it(void **state)
{
    char path[] = "/tmp/vard-trace.XXXXXX";
    struct trace t;
    struct stat st;
    UNUSED(state);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(unlink(path), 0);
    open_ok(&t, path);
    trace_close(&t);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(unlink(path), 0);
}

static void a_full_disk_ends_it(void **state)
{
    struct trace t;
    UNUSED(state);
    warnings = 0;
    open_ok(&t, "/dev/full");
    trace_line(&t, BYTES_LIT("lost\n"));
    assert_int_equal(warnings, 1);
    assert_int_equal(t.fd, -1);
    trace_line(&t, BYTES_LIT("not tried\n"));
    assert_int_equal(warnings, 1);
    trace_close(&t);
}

static void a_file_that_cannot_be(void **state)
{
    struct trace t;
    struct buf error = BUF_INIT;
    UNUSED(state);
    assert_int_equal(trace_open(&t, "/no/such/trace", &logger, &error), ERR_IO);
    buf_char(&error, '\0');
    assert_string_equal((const char *)error.data,
                        "cannot open the trace file /no/such/trace: No such "
                        "file or directory");
    trace_line(&t, BYTES_LIT("nowhere\n"));
    trace_close(&t);
    buf_release(&error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_added),
        cmocka_unit_test(nobody_else_may_read_it),
        cmocka_unit_test(a_full_disk_ends_it),
        cmocka_unit_test(a_file_that_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
