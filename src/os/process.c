/*
 * Each function makes one system call or reads one line of /proc. Functions
 * that only inform (memory, usage) return 0 instead of failing.
 */
#include "os/process.h"

#include "base/buf.h"
#include "base/num.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#define PID_TEXT_MAX 32

/* A tenth of the share of a thread that does not yield. */
#define YIELDING_NICE 10

int64_t process_id(void)
{
    return getpid();
}

/* The parent process: its exit status says whether the daemon started. */
NORETURN static void wait_for_daemon(int fd)
{
    char ready;
    ssize_t n;
    do
        n = read(fd, &ready, 1);
    while (n < 0 && errno == EINTR);
    _exit(n == 1 ? 0 : 1);
}

/* Descriptors from first to last become /dev/null. */
static int to_null(int first, int last)
{
    int fd = open("/dev/null", O_RDWR);
    if (fd < 0)
        return ERR_IO;
    int err = 0;
    for (int to = first; to <= last; to++) {
        if (dup2(fd, to) < 0)
            err = ERR_IO;
    }
    if (fd > 2)
        (void)close(fd);
    return err;
}

int process_daemonize(void)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return ERR_LIMIT;
    (void)fflush(NULL); /* or both processes would write it */
    pid_t child = fork();
    if (child > 0) {
        (void)close(ends[1]);
        wait_for_daemon(ends[0]);
    }
    (void)close(ends[0]);
    int err = child < 0 ? ERR_LIMIT : setsid() < 0 ? ERR_IO : to_null(0, 1);
    if (err == 0)
        return ends[1];
    (void)close(ends[1]);
    return err;
}

void process_daemon_ready(int fd)
{
    ASSERT(fd >= 0);
    int err = to_null(2, 2);
    UNUSED(err); /* on failure it stays as it was */
    err = file_write(fd, "", 1);
    UNUSED(err); /* the parent does not wait any more */
    (void)close(fd);
}

/* "123\n"; returns the length. */
static size_t pid_text(char out[PID_TEXT_MAX])
{
    size_t len = num_format_i64(process_id(), out);
    ASSERT(len + 2 <= PID_TEXT_MAX);
    out[len] = '\n';
    return len + 1;
}

int process_write_pidfile(const char *path)
{
    ASSERT(path != NULL && path[0] != '\0');
    char text[PID_TEXT_MAX];
    size_t len = pid_text(text);
    /* Not through a link, which somebody else may have put there. */
    int fd =
        open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0)
        return ERR_IO;
    int err = file_write(fd, text, len);
    return close(fd) == 0 ? err : ERR_IO;
}

void process_remove_pidfile(const char *path)
{
    ASSERT(path != NULL);
    char text[PID_TEXT_MAX];
    size_t len = pid_text(text);
    struct buf found = BUF_INIT;
    if (file_read(path, PID_TEXT_MAX, &found) == 0 &&
        bytes_eq(buf_view(&found), bytes_of(text, len)))
        (void)unlink(path);
    buf_release(&found);
}

uint64_t process_raise_files(uint64_t wanted)
{
    struct rlimit limit;
    int err = getrlimit(RLIMIT_NOFILE, &limit);
    ASSERT(err == 0);
    if (limit.rlim_cur >= wanted)
        return limit.rlim_cur;
    /* With privileges the upper bound can be raised as well. */
    struct rlimit more = {wanted, MAX(limit.rlim_max, wanted)};
    if (setrlimit(RLIMIT_NOFILE, &more) == 0)
        return wanted;
    limit.rlim_cur = MIN((rlim_t)wanted, limit.rlim_max);
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    err = getrlimit(RLIMIT_NOFILE, &limit);
    ASSERT(err == 0);
    return limit.rlim_cur;
}

/* 0, or what pthread_create returned. */
static int start_thread(pthread_t *thread, void *(*run)(void *ctx), void *ctx)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    int err = pthread_sigmask(SIG_SETMASK, &all, &before);
    ASSERT(err == 0);
    int started = pthread_create(thread, NULL, run, ctx);
    err = pthread_sigmask(SIG_SETMASK, &before, NULL);
    ASSERT(err == 0);
    return started;
}

void process_thread_start(pthread_t *thread, void *(*run)(void *ctx), void *ctx)
{
    int err = start_thread(thread, run, ctx);
    ASSERT(err == 0);
}

int process_thread_detached(void *(*run)(void *ctx), void *ctx)
{
    pthread_t thread;
    if (start_thread(&thread, run, ctx) != 0)
        return ERR_LIMIT;
    int err = pthread_detach(thread);
    ASSERT(err == 0);
    return 0;
}

void process_thread_yields(const char *name)
{
    int err = pthread_setname_np(pthread_self(), name);
    ASSERT(err == 0);
    /* On Linux that is the thread's own; PRIO_MAX at most. */
    id_t self = (id_t)gettid();
    errno = 0;
    int nice = getpriority(PRIO_PROCESS, self);
    if (errno == 0)
        (void)setpriority(PRIO_PROCESS, self, nice + YIELDING_NICE);
}

void process_umask(uint32_t mask)
{
    ASSERT(mask <= 0777);
    (void)umask((mode_t)mask);
}

static int64_t us_of(struct timeval t)
{
    return (int64_t)t.tv_sec * 1000000 + t.tv_usec;
}

static struct process_usage usage_of(int who)
{
    struct rusage usage;
    int err = getrusage(who, &usage);
    ASSERT(err == 0);
    return (struct process_usage){
        .user_us = us_of(usage.ru_utime),
        .system_us = us_of(usage.ru_stime),
        .resident_bytes_max = (uint64_t)usage.ru_maxrss * 1024,
    };
}

struct process_usage process_usage(void)
{
    return usage_of(RUSAGE_SELF);
}

struct process_usage process_thread_usage(void)
{
    return usage_of(RUSAGE_THREAD);
}

static uint64_t page_size(void)
{
    long size = sysconf(_SC_PAGESIZE);
    ASSERT(size > 0);
    return (uint64_t)size;
}

uint64_t process_resident_bytes(void)
{
    struct buf text = BUF_INIT;
    uint64_t pages = 0;
    if (file_read("/proc/self/statm", 4096, &text) == 0) {
        buf_char(&text, '\0');
        unsigned long resident;
        if (sscanf((const char *)text.data, "%*u %lu", &resident) == 1)
            pages = resident;
    }
    buf_release(&text);
    return pages * page_size();
}

uint64_t process_memory_bytes(void)
{
    long pages = sysconf(_SC_PHYS_PAGES);
    return pages > 0 ? (uint64_t)pages * page_size() : 0;
}

void process_uname(char out[PROCESS_UNAME_MAX])
{
    struct utsname name;
    int err = uname(&name);
    ASSERT(err == 0);
    int n = snprintf(out, PROCESS_UNAME_MAX, "%s %s %s", name.sysname,
                     name.release, name.machine);
    ASSERT(n > 0);
}
