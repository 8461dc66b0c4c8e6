/* The log file: format, rotation, a full disk. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "os/file.h"
#include "os/logfile.h"

#include <regex.h>

#include "fixture.h"

static void assert_matches(const char *text, const char *expression)
{
    regex_t r;
    assert_int_equal(regcomp(&r, expression, REG_EXTENDED | REG_NOSUB), 0);
    if (regexec(&r, text, 0, NULL, 0) != 0)
        fail_msg("not as expected: %s", text);
    regfree(&r);
}

static void log_file(void **state)
{
    UNUSED(state);
    struct temp_dir dir;
    char room[128];
    char moved[128];
    temp_dir_make(&dir);
    const char *path = temp_dir_file(&dir, "log", room);
    struct logfile l;
    assert_int_equal(logfile_open(&l, "/nowhere/log", LOG_DEBUG, false),
                     ERR_IO);
    assert_int_equal(logfile_open(&l, path, LOG_VERBOSE, false), 0);
    log_notice(&l.logger, "first %d", 1);
    log_debug(&l.logger, "never");
    logfile_set_role(&l, 'M');
    log_warning(&l.logger, "second");
    /* Rotated away: the next line makes a new file. */
    int fd = l.fd;
    temp_dir_file(&dir, "log.1", moved);
    assert_int_equal(rename(path, moved), 0);
    log_verbose(&l.logger, "third");
    assert_int_equal(l.fd, fd);
    logfile_close(&l);

    struct buf b = BUF_INIT;
    assert_int_equal(file_read(moved, 1000, &b), 0);
    buf_char(&b, '\0');
    assert_matches((char *)b.data,
                   "^[0-9]+:X [0-9]{2} [A-Z][a-z]{2} 20[0-9]{2} "
                   "[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3} \\* first 1\n"
                   "[0-9]+:M .* # second\n$");
    buf_reset(&b);
    assert_int_equal(file_read(path, 1000, &b), 0);
    buf_char(&b, '\0');
    assert_matches((char *)b.data, "^[0-9]+:M .*\\.[0-9]{3} - third\n$");
    buf_release(&b);
    temp_dir_remove(&dir);
}

static void full_disk_is_survived(void **state)
{
    UNUSED(state);
    struct logfile l;
    assert_int_equal(logfile_open(&l, "/dev/full", LOG_DEBUG, false), 0);
    log_notice(&l.logger, "lost");
    logfile_close(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(log_file),
        cmocka_unit_test(full_disk_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
