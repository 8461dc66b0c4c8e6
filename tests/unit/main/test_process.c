/*
 * The process around a node: its directory, its lock, its log and its pid file;
 * and that the way to the background may fail. (That it succeeds:
 * tcl/tests/config.tcl.) The calls of that way are ours.
 */
// link: config os base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "main/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "os/file.h"

/* What these calls fail with from now on; 0: they do not. */
static struct {
    int pipe2;
    int fork;
    int setsid;
} failing;

static bool fails_with(int error)
{
    if (error != 0)
        errno = error;
    return error != 0;
}

int pipe2(int ends[2], int flags)
{
    return fails_with(failing.pipe2) ? -1
                                     : (int)syscall(SYS_pipe2, ends, flags);
}

pid_t fork(void)
{
    return fails_with(failing.fork) ? -1 : _Fork();
}

pid_t setsid(void)
{
    return fails_with(failing.setsid) ? -1 : (pid_t)syscall(SYS_setsid);
}

struct fixture {
    char dir[64];
    char home[4096];
    struct config config;
    struct process process;
    struct buf error;
    struct buf text;
};

static void set_text(char **field, const char *text)
{
    mem_free(*field);
    *field = mem_strdup(text);
}

static int setup(void **state)
{
    struct fixture *f = mem_zalloc(sizeof(*f));
    snprintf(f->dir, sizeof(f->dir), "/tmp/vard-process.XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    assert_non_null(getcwd(f->home, sizeof(f->home)));
    assert_int_equal(chdir(f->dir), 0);
    config_init(&f->config);
    set_text(&f->config.dir, "data");
    set_text(&f->config.logfile, "vard.log");
    f->config.loglevel = LOG_NOTICE;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    char command[128];
    assert_int_equal(chdir(f->home), 0);
    snprintf(command, sizeof(command), "rm -rf %s", f->dir);
    assert_int_equal(system(command), 0);
    config_release(&f->config);
    buf_release(&f->error);
    buf_release(&f->text);
    mem_free(f);
    return 0;
}

static const char *content_of(struct fixture *f, const char *path)
{
    buf_reset(&f->text);
    assert_int_equal(file_read(path, 65536, &f->text), 0);
    buf_char(&f->text, '\0');
    return (const char *)f->text.data;
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static const char *error_of(struct fixture *f)
{
    buf_char(&f->error, '\0');
    return (const char *)f->error.data;
}

static void begin(struct fixture *f)
{
    buf_reset(&f->error);
    assert_int_equal(process_begin(&f->process, &f->config, &f->error), 0);
    assert_int_equal(f->error.len, 0);
}

static const char *own_id(void)
{
    static char text[32];
    snprintf(text, sizeof(text), "%d\n", (int)getpid());
    return text;
}

/* Another process on the same directory; what it says. */
static const char *second(struct fixture *f)
{
    struct process other;
    buf_reset(&f->error);
    int err = process_begin(&other, &f->config, &f->error);
    process_end(&other);
    assert_int_equal(err, ERR_BUSY);
    return error_of(f);
}

static void one_process_has_the_directory(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(mkdir("data", 0700), 0);
    write_file("data/LOCK.vard", "99999999999999\nof before\n");
    begin(f);
    assert_string_equal(content_of(f, "data/LOCK.vard"), own_id());
    write_file("data/LOCK.vard", "1020304\n");
    const char *said = second(f);
    assert_non_null(strstr(said, "another vard is running in /tmp/"));
    assert_non_null(strstr(said, "/data (process 1020304): stop it"));
    write_file("data/LOCK.vard", "1020304 and more\n");
    assert_non_null(strstr(second(f), "(process 1020304): stop it"));
    write_file("data/LOCK.vard", "0\n");
    assert_non_null(strstr(second(f), "(process 0): stop it"));
    write_file("data/LOCK.vard", "918273645\n");
    assert_non_null(strstr(second(f), "(process 918273645): stop it"));
    write_file("data/LOCK.vard", "1/2:3\n");
    assert_non_null(strstr(second(f), "(process 1): stop it"));
    write_file("data/LOCK.vard", "nobody 5\n");
    assert_null(strstr(second(f), "(process"));
    write_file("data/LOCK.vard", "");
    assert_null(strstr(second(f), "(process"));
    process_end(&f->process);
    begin(f); /* it is free again */
    process_end(&f->process);
}

static void a_lock_may_fail(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(mkdir("data", 0700), 0);
    assert_int_equal(mkdir("data/LOCK.vard", 0700), 0);
    assert_int_not_equal(process_begin(&f->process, &f->config, &f->error), 0);
    assert_false(f->process.log_open);
    assert_int_not_equal(access("vard.log", F_OK), 0);
    process_end(&f->process);
    assert_non_null(strstr(error_of(f), "cannot lock /tmp/"));
    assert_non_null(strstr(error_of(f), "/LOCK.vard: "));
}

/* Wherever the process goes afterwards. */
static void paths_are_absolute(void **state)
{
    struct fixture *f = *state;
    char path[PATH_TEXT_MAX], wanted[PATH_TEXT_MAX];
    begin(f);
    snprintf(wanted, sizeof(wanted), "%s/data/db", f->dir);
    process_path(&f->process, "db", path);
    assert_string_equal(path, wanted);
    ssize_t len = readlink("/proc/self/exe", wanted, sizeof(wanted) - 1);
    assert_true(len > 0);
    wanted[len] = '\0';
    assert_string_equal(f->process.executable, wanted);
    process_end(&f->process);
}

static void nobody_else_reads_what_it_makes(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    begin(f);
    mode_t mask = umask(022);
    assert_int_equal(mask, 077);
    assert_int_equal(stat("data", &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(stat("data/LOCK.vard", &st), 0);
    assert_int_equal(st.st_mode & 0077, 0);
    process_end(&f->process);
}

static void a_directory_of_others_is_told(void **state)
{
    struct fixture *f = *state;
    static const mode_t modes[] = {0700, 0750, 0755, 0770, 0777, 02770, 0702};
    static const bool told[] = {false, false, false, true, true, true, true};
    assert_int_equal(mkdir("data", 0700), 0);
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        assert_int_equal(chmod("data", modes[i]), 0);
        (void)unlink("vard.log");
        begin(f);
        process_end(&f->process);
        const char *log = content_of(f, "vard.log");
        if ((strstr(log, " # other users can write") != NULL) != told[i])
            fail_msg("mode %o: %s", (unsigned)modes[i], log);
    }
}

static void a_directory_may_be_refused(void **state)
{
    struct fixture *f = *state;
    write_file("file", "");
    set_text(&f->config.dir, "file");
    assert_int_not_equal(process_begin(&f->process, &f->config, &f->error), 0);
    process_end(&f->process);
    assert_non_null(strstr(error_of(f), "directory"));
    buf_reset(&f->error);
    set_text(&f->config.dir, "file/child");
    assert_int_not_equal(process_begin(&f->process, &f->config, &f->error), 0);
    process_end(&f->process);
    assert_non_null(strstr(error_of(f), "cannot make the data directory "
                                        "file/child: Not a directory"));
    buf_reset(&f->error);
    char name[300];
    memset(name, 'x', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    set_text(&f->config.dir, name);
    assert_int_not_equal(process_begin(&f->process, &f->config, &f->error), 0);
    process_end(&f->process);
    assert_non_null(strstr(error_of(f), "File name too long"));
}

/* Paths of all files must have room behind that of the directory. */
static void a_name_may_be_too_long(void **state)
{
    struct fixture *f = *state;
    char name[201];
    struct buf path = BUF_INIT;
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    buf_str(&path, f->dir);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(mkdir(name, 0700), 0);
        assert_int_equal(chdir(name), 0);
        buf_printf(&path, "/%s", name);
    }
    buf_char(&path, '\0');
    assert_true(path.len < PATH_TEXT_MAX - 20);
    assert_true(path.len > PATH_TEXT_MAX - 64);
    assert_int_equal(chdir(f->dir), 0);
    set_text(&f->config.dir, (const char *)path.data);
    assert_int_equal(process_begin(&f->process, &f->config, &f->error), ERR_IO);
    process_end(&f->process);
    assert_non_null(strstr(error_of(f), "its name is too long"));
    buf_release(&path);
}

/* Another user's directory, for root and for another. */
static void owners_matter(void **state)
{
    struct fixture *f = *state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(mkdir("data", 0700), 0);
    assert_int_equal(chown("data", 65534, 65534), 0);
    assert_int_equal(process_begin(&f->process, &f->config, &f->error),
                     ERR_MISMATCH);
    process_end(&f->process);
    const char *said = error_of(f);
    assert_non_null(strstr(said, "belongs to another user, and this is root"));
    assert_null(strstr(said, "may not read"));
    buf_reset(&f->error);
    assert_int_equal(chown("data", 0, 0), 0);
    assert_int_equal(chmod(f->dir, 0755), 0);
    assert_int_equal(seteuid(65534), 0);
    int err = process_begin(&f->process, &f->config, &f->error);
    assert_int_equal(seteuid(0), 0);
    process_end(&f->process);
    assert_int_equal(err, ERR_AUTH);
    said = error_of(f);
    assert_non_null(strstr(said, "this user may not read"));
    assert_null(strstr(said, "belongs to another user"));
}

static void the_log_is_as_configured(void **state)
{
    struct fixture *f = *state;
    f->config.loglevel = LOG_DEBUG;
    begin(f);
    assert_true(f->process.log_open);
    assert_false(f->process.logfile.to_syslog);
    log_debug(&f->process.logfile.logger, "a detail");
    process_end(&f->process);
    assert_false(f->process.log_open);
    assert_non_null(strstr(content_of(f, "vard.log"), "a detail"));
    f->config.loglevel = LOG_WARNING;
    f->config.syslog_enabled = true;
    begin(f);
    assert_true(f->process.logfile.to_syslog);
    f->config.syslog_enabled = false;
    log_notice(&f->process.logfile.logger, "a notice");
    process_end(&f->process);
    assert_null(strstr(content_of(f, "vard.log"), "a notice"));
    set_text(&f->config.logfile, "no/such/log");
    assert_int_not_equal(process_begin(&f->process, &f->config, &f->error), 0);
    assert_false(f->process.log_open);
    process_end(&f->process);
    assert_non_null(strstr(error_of(f), "cannot open the log file no/such/log: "
                                        "No such file"));
}

/* Whatever ends the process leaves a trace of it in the log. */
static void a_crash_is_reported_in_the_log(void **state)
{
    struct fixture *f = *state;
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (process_begin(&f->process, &f->config, &f->error) == 0)
            raise(SIGSEGV);
        _exit(1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSEGV);
    assert_non_null(
        strstr(content_of(f, "vard.log"), "vard crash report: end"));
}

/* A socket that is closed is an error of the call, and no end. */
static void a_signal_of_a_pipe_is_ignored(void **state)
{
    struct fixture *f = *state;
    struct sigaction was, now;
    struct sigaction plain = {.sa_handler = SIG_DFL};
    assert_int_equal(sigaction(SIGPIPE, &plain, &was), 0);
    begin(f);
    assert_int_equal(sigaction(SIGPIPE, &was, &now), 0);
    assert_true(now.sa_handler == SIG_IGN);
    process_end(&f->process);
}

/* What is closed is not closed again, when its number is that of another. */
static void the_end_may_come_twice(void **state)
{
    struct fixture *f = *state;
    int files[8];
    begin(f);
    process_end(&f->process);
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        files[i] = dup(STDERR_FILENO);
    process_end(&f->process);
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        assert_int_equal(close(files[i]), 0);
}

/* Whoever waits for a process in the background hears of it once. */
static void who_waits_hears_once(void **state)
{
    struct fixture *f = *state;
    int ends[2], files[8];
    char said[2];
    begin(f);
    process_ready(&f->process); /* nobody waits */
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    int said_to = dup(STDERR_FILENO); /* that ends there */
    f->process.ready_fd = ends[1];
    process_ready(&f->process);
    assert_int_equal(dup2(said_to, STDERR_FILENO), STDERR_FILENO);
    assert_int_equal(close(said_to), 0);
    assert_int_equal(read(ends[0], said, sizeof(said)), 1);
    assert_int_equal(read(ends[0], said, sizeof(said)), 0);
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        files[i] = dup(STDERR_FILENO);
    process_ready(&f->process);
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        assert_int_equal(close(files[i]), 0);
    assert_int_equal(close(ends[0]), 0);
    process_end(&f->process);
}

static void the_pid_file_comes_and_goes(void **state)
{
    struct fixture *f = *state;
    set_text(&f->config.pidfile, "vard.pid");
    begin(f);
    assert_string_equal(content_of(f, "vard.pid"), own_id());
    process_end(&f->process);
    assert_int_not_equal(access("vard.pid", F_OK), 0);
    set_text(&f->config.pidfile, "no/such/pid");
    begin(f);
    process_end(&f->process);
    assert_non_null(strstr(content_of(f, "vard.log"),
                           "cannot write the pid file no/such/pid: "));
}

static int open_files(void)
{
    int count = 0;
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count;
}

/* The start ends with a text, nothing stays open, and the directory is free. */
static void does_not_go(struct fixture *f, const char *why)
{
    int before = open_files();
    buf_reset(&f->error);
    int err = process_begin(&f->process, &f->config, &f->error);
    failing.pipe2 = failing.fork = 0;
    assert_int_equal(err, ERR_LIMIT);
    assert_string_equal(error_of(f), why);
    process_end(&f->process);
    assert_int_equal(open_files(), before);
    assert_int_not_equal(access("vard.pid", F_OK), 0);
    f->config.daemonize = false;
    begin(f);
    process_end(&f->process);
    f->config.daemonize = true;
}

static void the_background_may_be_out_of_reach(void **state)
{
    struct fixture *f = *state;
    f->config.daemonize = true;
    set_text(&f->config.pidfile, "vard.pid");
    failing.fork = EAGAIN;
    does_not_go(f, "cannot go to the background: Resource temporarily "
                   "unavailable");
    failing.fork = ENOMEM;
    does_not_go(f, "cannot go to the background: Cannot allocate memory");
    failing.pipe2 = EMFILE;
    does_not_go(f, "cannot go to the background: Too many open files");
    failing.pipe2 = ENFILE;
    does_not_go(f, "cannot go to the background: Too many open files in "
                   "system");
}

/* Goes to the background, and leaves what is said there in a pipe. */
static void go(struct fixture *f, int to)
{
    int err = process_begin(&f->process, &f->config, &f->error);
    if (err == 0)
        buf_str(&f->error, "gone");
    ssize_t n = write(to, f->error.data, f->error.len);
    _exit(err == 0 && n > 0 ? 0 : 2);
}

/* What fails beyond the fork is an error of the child, and whoever waits
 * learns of it. */
static void the_child_may_fail(void **state)
{
    struct fixture *f = *state;
    char said[256] = "";
    int ends[2];
    int status;
    size_t len = 0;
    ssize_t n;
    f->config.daemonize = true;
    failing.setsid = EPERM;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        go(f, ends[1]);
    failing.setsid = 0;
    close(ends[1]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
    while ((n = read(ends[0], said + len, sizeof(said) - 1 - len)) > 0)
        len += (size_t)n;
    close(ends[0]);
    assert_string_equal(said, "cannot go to the background: Operation not "
                              "permitted");
}

/* The process that goes on: it says who it is, and ends when it may. */
static void go_on(struct fixture *f, int said, const int may_end[2])
{
    char byte;
    pid_t self = -1;
    close(may_end[1]);
    if (process_begin(&f->process, &f->config, &f->error) == 0)
        self = getpid();
    process_ready(&f->process);
    ssize_t n = write(said, &self, sizeof(self));
    while (n > 0 && read(may_end[0], &byte, 1) > 0)
        continue;
    process_end(&f->process);
    _exit(0);
}

/* What others are told is told of that process, and by it. */
static void who_goes_on_is_told(void **state)
{
    struct fixture *f = *state;
    int said[2], may_end[2];
    int status;
    pid_t gone_on = -1;
    char id[32];
    f->config.daemonize = true;
    set_text(&f->config.pidfile, "vard.pid");
    assert_int_equal(mkdir("data", 0700), 0);
    assert_int_equal(chmod("data", 0777), 0);
    assert_int_equal(pipe(said), 0);
    assert_int_equal(pipe(may_end), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        go_on(f, said[1], may_end);
    close(said[1]);
    close(may_end[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(read(said[0], &gone_on, sizeof(gone_on)), sizeof(gone_on));
    assert_true(gone_on > 0 && gone_on != child);
    snprintf(id, sizeof(id), "%d\n", (int)gone_on);
    assert_string_equal(content_of(f, "data/LOCK.vard"), id);
    assert_string_equal(content_of(f, "vard.pid"), id);
    assert_non_null(
        strstr(content_of(f, "vard.log"), " # other users can write"));
    close(may_end[1]);
    assert_int_equal(read(said[0], id, 1), 0); /* it has ended */
    close(said[0]);
    assert_int_not_equal(access("vard.pid", F_OK), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_process_has_the_directory),
        TEST(a_lock_may_fail),
        TEST(paths_are_absolute),
        TEST(nobody_else_reads_what_it_makes),
        TEST(a_directory_of_others_is_told),
        TEST(a_directory_may_be_refused),
        TEST(a_name_may_be_too_long),
        TEST(owners_matter),
        TEST(the_log_is_as_configured),
        TEST(a_crash_is_reported_in_the_log),
        TEST(a_signal_of_a_pipe_is_ignored),
        TEST(the_end_may_come_twice),
        TEST(who_waits_hears_once),
        TEST(the_pid_file_comes_and_goes),
        TEST(the_background_may_be_out_of_reach),
        TEST(the_child_may_fail),
        TEST(who_goes_on_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
