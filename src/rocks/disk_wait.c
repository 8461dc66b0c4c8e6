/*
 * RocksDB's threads have names: those that merge are "rocksdb:low". Its writes
 * have a megabyte, so asking for the thread's name and the free space costs
 * nothing that could be measured; small writes are not asked.
 *
 * The system's function is reached as writev(), of which ours is no second
 * definition: so a library that was loaded before us (tests/disk) sees it.
 *
 * How it fails: as write() does; space that cannot be measured is there.
 */
#include "rocks/disk_wait.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define ASKED_MIN (32u * 1024u) /* bytes */
#define LOOK_NS   20000000
#define PATIENCE  100u /* looks: two seconds */
#define LAST_PART 4
#define NAME_SIZE 16 /* of a thread, with its NUL */
#define PATH_SIZE 4096

static atomic_uint_fast64_t disk_wait_left;
static atomic_uint disk_wait_count;

void disk_wait_set(uint64_t bytes)
{
    atomic_store(&disk_wait_left, bytes);
}

uint32_t disk_waiting(void)
{
    return atomic_load(&disk_wait_count);
}

static bool is_merge(void)
{
    char name[NAME_SIZE] = "";
    return prctl(PR_GET_NAME, name) == 0 &&
           strncmp(name, "rocksdb:low", 11) == 0;
}

/* NUMBER.sst, NUMBER.log, NUMBER.dbtmp or MANIFEST-NUMBER. */
static bool is_of_database(int fd)
{
    char link[64];
    char path[PATH_SIZE];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof(path) - 1);
    if (len <= 0)
        return false;
    path[len] = '\0';
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    size_t digits = strspn(name, "0123456789");
    const char *suffix = name + digits;
    return strncmp(name, "MANIFEST-", 9) == 0 ||
           (digits > 0 &&
            (strcmp(suffix, ".sst") == 0 || strcmp(suffix, ".log") == 0 ||
             strcmp(suffix, ".dbtmp") == 0));
}

/* Would less than what must be left be free after `len` bytes more? A part of
 * that is enough after a while: nothing else has given space back, and only the
 * end of the merge may. */
static bool leaves_too_little(int fd, size_t len, unsigned looks)
{
    struct statvfs fs;
    uint64_t left = atomic_load(&disk_wait_left);
    left = looks < PATIENCE ? left : left / LAST_PART;
    return left != 0 && fstatvfs(fd, &fs) == 0 &&
           (uint64_t)fs.f_bavail * fs.f_frsize < left + len;
}

static bool has_no_space(void)
{
    return (errno == ENOSPC || errno == EDQUOT) &&
           atomic_load(&disk_wait_left) != 0;
}

static void wait_a_while(void)
{
    const struct timespec a_while = {0, LOOK_NS};
    atomic_fetch_add(&disk_wait_count, 1);
    (void)nanosleep(&a_while, NULL);
    atomic_fetch_sub(&disk_wait_count, 1);
}

/* Instead of the system's; see disk_wait.h. */
ssize_t write(int fd, const void *data, size_t len)
{
    const struct iovec part = {(void *)(uintptr_t)data, len};
    if (len >= ASKED_MIN && atomic_load(&disk_wait_left) != 0 && is_merge())
        for (unsigned looks = 0; leaves_too_little(fd, len, looks); looks++)
            wait_a_while();
    ssize_t n = writev(fd, &part, 1);
    while (n < 0 && has_no_space() && is_of_database(fd)) {
        wait_a_while();
        n = writev(fd, &part, 1);
    }
    return n;
}
