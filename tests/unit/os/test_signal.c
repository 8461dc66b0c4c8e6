/* The crash report, made by a child that crashes. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "os/file.h"
#include "os/signal.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "fixture.h"

/* Runs it in a child; returns how that ended. */
static int run_child(void (*run)(const char *), const char *path)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        run(path);
        _exit(7);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void crash(const char *path)
{
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    signal_ignore();
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    signal_crash_report(fd);
    raise(SIGHUP);
    raise(SIGPIPE);
    raise(SIGSEGV);
}

static void crash_report(void **state)
{
    UNUSED(state);
    struct temp_dir dir;
    char room[128];
    temp_dir_make(&dir);
    const char *path = temp_dir_file(&dir, "crash", room);
    int status = run_child(crash, path);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSEGV);
    struct buf b = BUF_INIT;
    assert_int_equal(file_read(path, 100000, &b), 0);
    buf_char(&b, '\0');
    const char *text = (const char *)b.data;
    assert_non_null(strstr(text, "version " VARD_VERSION ", signal SIGSEGV"));
    /* At least one frame, with its address. */
    assert_non_null(strstr(text, "stack:\n"));
    assert_non_null(strstr(strstr(text, "stack:\n"), "[0x"));
    assert_non_null(strstr(text, "report: end"));
    buf_release(&b);
    temp_dir_remove(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crash_report),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
