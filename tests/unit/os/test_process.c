/* Limits, usage, the pid file, going to the background. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "os/file.h"
#include "os/process.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "fixture.h"

static void process(void **state)
{
    UNUSED(state);
    assert_int_equal(process_id(), getpid());
    assert_true(process_resident_bytes() > 100000);
    assert_true(process_memory_bytes() > process_resident_bytes());
    assert_true(process_usage().resident_bytes_max > 100000);
    assert_true(process_usage().user_us >= 0);
    struct process_usage own = process_thread_usage();
    struct process_usage all = process_usage();
    assert_true(own.user_us >= 0 && own.system_us >= 0);
    assert_true(own.user_us + own.system_us <=
                all.user_us + all.system_us + 10000);
    char name[PROCESS_UNAME_MAX];
    process_uname(name);
    assert_memory_equal(name, "Linux ", 6);
}

static void open_files(void **state)
{
    UNUSED(state);
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    const struct rlimit lower = {50, limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &lower), 0);
    assert_int_equal(process_raise_files(40), 50);
    assert_int_equal(process_raise_files(60), 60);
    assert_true(process_raise_files(UINT64_C(1) << 40) >= 60);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void pidfile(void **state)
{
    UNUSED(state);
    struct temp_dir dir;
    char room[128];
    temp_dir_make(&dir);
    const char *path = temp_dir_file(&dir, "pid", room);
    assert_int_equal(process_write_pidfile(path), 0);
    struct buf b = BUF_INIT;
    assert_int_equal(file_read(path, 100, &b), 0);
    buf_char(&b, '\0');
    assert_int_equal(strtol((char *)b.data, NULL, 10), getpid());
    process_remove_pidfile(path);
    assert_int_equal(access(path, F_OK), -1);
    /* Another process's is left alone. */
    assert_int_equal(file_replace(path, BYTES_LIT("1\n")), 0);
    process_remove_pidfile(path);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(process_write_pidfile("/nowhere/pid"), ERR_IO);
    /* Nor is a link followed. */
    char link_room[128];
    const char *link = temp_dir_file(&dir, "link", link_room);
    assert_int_equal(symlink(path, link), 0);
    assert_int_equal(process_write_pidfile(link), ERR_IO);
    buf_reset(&b);
    assert_int_equal(file_read(path, 100, &b), 0);
    assert_true(bytes_eq(buf_view(&b), BYTES_LIT("1\n")));
    buf_release(&b);
    temp_dir_remove(&dir);
}

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

/* Goes to the background and leaves its ids in a file and the pipe's end. */
static int done_pipe[2];

static void background(const char *path)
{
    close(done_pipe[0]);
    int fd = process_daemonize();
    if (fd < 0)
        _exit(9);
    if (getsid(0) == getpid() && process_write_pidfile(path) == 0)
        (void)!write(done_pipe[1], "k", 1);
    process_daemon_ready(fd);
    _exit(0);
}

/* The same, but its start fails. */
static void background_fails(const char *path)
{
    UNUSED(path);
    _exit(process_daemonize() < 0 ? 9 : 3);
}

static void daemonize(void **state)
{
    UNUSED(state);
    struct temp_dir dir;
    char room[128];
    temp_dir_make(&dir);
    assert_int_equal(pipe(done_pipe), 0);
    int status = run_child(background, temp_dir_file(&dir, "pid", room));
    close(done_pipe[1]);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    char answer = 0;
    assert_int_equal(read(done_pipe[0], &answer, 1), 1);
    assert_int_equal(answer, 'k');
    /* The end of the pipe closes with the daemon. */
    assert_int_equal(read(done_pipe[0], &answer, 1), 0);
    close(done_pipe[0]);
    temp_dir_remove(&dir);
    /* Whoever started it learns that it failed. */
    status = run_child(background_fails, "");
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
}

struct thread_seen {
    char name[16];
    int nice;
};

static void *yielding(void *ctx)
{
    struct thread_seen *seen = ctx;
    process_thread_yields("tables");
    int rc = pthread_getname_np(pthread_self(), seen->name, sizeof(seen->name));
    assert_int_equal(rc, 0);
    seen->nice = getpriority(PRIO_PROCESS, (id_t)gettid());
    return NULL;
}

static void a_thread_yields(void **state)
{
    UNUSED(state);
    int before = getpriority(PRIO_PROCESS, 0);
    struct thread_seen seen;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, yielding, &seen), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_string_equal(seen.name, "tables");
    assert_int_equal(seen.nice, MIN(before + 10, 19));
    assert_int_equal(getpriority(PRIO_PROCESS, 0), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(process),         cmocka_unit_test(open_files),
        cmocka_unit_test(pidfile),         cmocka_unit_test(daemonize),
        cmocka_unit_test(a_thread_yields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
