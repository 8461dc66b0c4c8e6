/*
 * A library to preload: the clocks of a process are off by what a file says,
 * from the moment at which that is written. (libfaketime reads its file into
 * one buffer for all threads, and now and then shows another time.)
 *
 * How it works: VARD_CLOCKS names a file of two numbers of 8 bytes, in the
 * machine's order, in ms: what the wall clock shows more, and what
 * CLOCK_BOOTTIME does, which must only grow. The file is mapped, so that a
 * clock costs no more than a load and a system call. CLOCK_MONOTONIC is right.
 *
 * How it fails: without that file the process ends, with the reason: a test
 * must not believe that it has moved a clock.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

enum { WALL, BOOT, CLOCKS };

static const _Atomic int64_t *off_ms; /* CLOCKS of them */

__attribute__((constructor)) static void open_file(void)
{
    const char *path = getenv("VARD_CLOCKS");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    size_t size = CLOCKS * sizeof(off_ms[0]);
    void *at = MAP_FAILED;

    if (fd >= 0 && lseek(fd, 0, SEEK_END) == (off_t)size)
        at = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED) {
        fprintf(stderr, "VARD_CLOCKS: no file of %zu bytes: %s\n", size,
                path ? path : "not set");
        _exit(127);
    }
    off_ms = at;
    close(fd);
}

static void add(struct timespec *t, int64_t ms)
{
    t->tv_sec += ms / 1000;
    t->tv_nsec += ms % 1000 * 1000000;
    if (t->tv_nsec >= 1000000000) {
        t->tv_nsec -= 1000000000;
        t->tv_sec++;
    } else if (t->tv_nsec < 0) {
        t->tv_nsec += 1000000000;
        t->tv_sec--;
    }
}

EXPORT int clock_gettime(clockid_t clock, struct timespec *t)
{
    int rc = (int)syscall(SYS_clock_gettime, clock, t);

    if (rc != 0 || !off_ms) /* another constructor was first */
        return rc;
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)
        add(t, off_ms[WALL]);
    else if (clock == CLOCK_BOOTTIME)
        add(t, off_ms[BOOT]);
    return 0;
}

EXPORT int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    struct timespec t;
    int rc = clock_gettime(CLOCK_REALTIME, &t);

    (void)zone;
    tv->tv_sec = t.tv_sec;
    tv->tv_usec = t.tv_nsec / 1000;
    return rc;
}

/* Which src/ must not call, by this name; RocksDB does. */
EXPORT time_t whole_seconds(time_t *out) __asm__("time");
time_t whole_seconds(time_t *out)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_REALTIME, &t);
    if (out)
        *out = t.tv_sec;
    return t.tv_sec;
}
