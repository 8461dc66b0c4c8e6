/*
 * libjournal.so, for LD_PRELOAD: takes the place of the C library's calls
 * that change files. A call below the watched directory is carried out and
 * written down under one lock, so the tape has the order in which the calls
 * took effect. A sync alone runs without the lock; it covers what was
 * numbered before it began.
 *
 * How it fails: what it cannot write down ends the process. A call that it
 * does not know (mmap for writing, copy_file_range, stdio) escapes it; the
 * readers compare the rebuilt directory with the real one at the end, which
 * shows that none did.
 *
 * The state of the layer is global because the calls it stands in for have
 * no argument for it.
 */
#include "journal.h"

#include "fault.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define FDS    4096
#define EXPORT __attribute__((visibility("default")))

enum kind { NOT_WATCHED, WATCHED_FILE, WATCHED_DIR, NOTES };

struct open_file {
    enum kind kind;
    uint32_t number;
    char path[256];
};

static struct journal {
    pthread_once_t once;
    pthread_mutex_t lock;
    const char *root;
    const char *notes;
    const char *hang;
    long sync_us;
    int tape;
    uint64_t *clock;
    uint32_t next_file;
    struct open_file files[FDS];
    int (*open)(const char *, int, ...);
    int (*close)(int);
    ssize_t (*write)(int, const void *, size_t);
    ssize_t (*pwrite)(int, const void *, size_t, off_t);
    ssize_t (*writev)(int, const struct iovec *, int);
    int (*fsync)(int);
    int (*fdatasync)(int);
    int (*ftruncate)(int, off_t);
    int (*fallocate)(int, int, off_t, off_t);
    int (*rename)(const char *, const char *);
    int (*link)(const char *, const char *);
    int (*unlink)(const char *);
    int (*mkdir)(const char *, mode_t);
} j = {.once = PTHREAD_ONCE_INIT, .lock = PTHREAD_MUTEX_INITIALIZER};

static void die(const char *what)
{
    fprintf(stderr, "libjournal: %s: %s\n", what, strerror(errno));
    abort();
}

static void *real(const char *name)
{
    void *f = dlsym(RTLD_NEXT, name);
    if (f == NULL)
        die(name);
    return f;
}

static const char *setting(const char *name)
{
    const char *value = getenv(name);
    if (value == NULL)
        die(name);
    return value;
}

/* Converts what dlsym gives, which C does not allow by a cast. */
#define REAL(name)                                                             \
    do {                                                                       \
        void *found = real(#name);                                             \
        memcpy(&j.name, &found, sizeof(found));                                \
    } while (0)

static void find_calls(void)
{
    REAL(open);
    REAL(close);
    REAL(write);
    REAL(pwrite);
    REAL(writev);
    REAL(fsync);
    REAL(fdatasync);
    REAL(ftruncate);
    REAL(fallocate);
    REAL(rename);
    REAL(link);
    REAL(unlink);
    REAL(mkdir);
}

static void begin(void)
{
    find_calls();
    j.root = setting("DISK_ROOT");
    j.notes = getenv("DISK_NOTES");
    j.hang = getenv("DISK_HANG");
    const char *us = getenv("DISK_SYNC_US");
    j.sync_us = us == NULL ? 0 : strtol(us, NULL, 10);
    fault_begin(getenv("DISK_FAULT"));
    j.tape = j.open(setting("DISK_TAPE"),
                    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int fd = j.open(setting("DISK_CLOCK"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (j.tape < 0 || fd < 0 || j.ftruncate(fd, 8) != 0)
        die("tape or clock");
    j.clock = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (j.clock == MAP_FAILED)
        die("clock");
    j.close(fd);
}

static void ready(void)
{
    pthread_once(&j.once, begin);
}

static void lock(void)
{
    pthread_mutex_lock(&j.lock);
}

static void unlock(void)
{
    int saved = errno;
    pthread_mutex_unlock(&j.lock);
    errno = saved;
}

static uint64_t now(void)
{
    return __atomic_load_n(j.clock, __ATOMIC_SEQ_CST);
}

/* One record, in one write: several processes may share a tape. */
static void put(struct journal_record *r, const char *path, const void *data)
{
    int saved = errno;
    r->magic = JOURNAL_MAGIC;
    r->seq = __atomic_add_fetch(j.clock, 1, __ATOMIC_SEQ_CST);
    r->process = (uint32_t)getpid();
    r->path_len = (uint32_t)strlen(path);
    struct iovec parts[3] = {
        {r, sizeof(*r)},
        {(void *)(uintptr_t)path, r->path_len},
        {(void *)(uintptr_t)data, r->data_len},
    };
    size_t size = sizeof(*r) + r->path_len + r->data_len;
    if (j.writev(j.tape, parts, 3) != (ssize_t)size)
        die("writing the tape");
    errno = saved;
}

/* The path below the root; NULL if it is elsewhere. */
static const char *below(const char *path, char out[PATH_MAX])
{
    char whole[PATH_MAX];
    int len = 0;
    if (path[0] == '/')
        len = snprintf(whole, sizeof(whole), "%s", path);
    else if (getcwd(whole, sizeof(whole)) != NULL)
        len = (int)strlen(whole) + snprintf(whole + strlen(whole),
                                            sizeof(whole) - strlen(whole),
                                            "/%s", path);
    if (len <= 0 || len >= PATH_MAX)
        return NULL;
    size_t n = 0;
    for (const char *p = whole; *p != 0; p++) {
        if (p[0] == '/' && (p[1] == '/' || p[1] == 0))
            continue;
        if (p[0] == '/' && p[1] == '.' && (p[2] == '/' || p[2] == 0)) {
            p++;
            continue;
        }
        out[n++] = *p;
    }
    out[n] = 0;
    size_t root = strlen(j.root);
    if (strncmp(out, j.root, root) != 0 || (out[root] != '/' && out[root] != 0))
        return NULL;
    return out[root] == 0 ? "" : out + root + 1;
}

static struct open_file *watched(int fd)
{
    if (fd < 0 || fd >= FDS || j.files[fd].kind == NOT_WATCHED)
        return NULL;
    return &j.files[fd];
}

static bool injected(enum fault_call call, const char *path)
{
    int error = fault_due(call, path);
    if (error == 0)
        return false;
    errno = error;
    return true;
}

static void watch(int fd, const char *rel, int flags, bool existed)
{
    struct stat st;
    if (fd >= FDS || strlen(rel) >= sizeof(j.files[0].path) ||
        fstat(fd, &st) != 0)
        die(rel);
    struct open_file *f = &j.files[fd];
    f->kind = S_ISDIR(st.st_mode) ? WATCHED_DIR : WATCHED_FILE;
    f->number = ++j.next_file;
    snprintf(f->path, sizeof(f->path), "%s", rel);
    if (f->kind == WATCHED_DIR)
        return;
    struct journal_record r = {.op = JOURNAL_OPEN, .file = f->number};
    r.flags = (existed ? 0u : (unsigned)JOURNAL_CREATED) |
              (flags & O_TRUNC ? (unsigned)JOURNAL_EMPTIED : 0u);
    put(&r, rel, NULL);
}

static int open_watched(const char *path, int flags, mode_t mode)
{
    char text[PATH_MAX];
    ready();
    if (j.notes != NULL && strcmp(path, j.notes) == 0) {
        int fd = j.open(path, flags, mode);
        if (fd >= 0 && fd < FDS)
            j.files[fd].kind = NOTES;
        return fd;
    }
    const char *rel = below(path, text);
    if (rel == NULL)
        return j.open(path, flags, mode);
    if (injected(FAULT_OPEN, rel))
        return -1;
    struct stat st;
    lock();
    bool existed = stat(path, &st) == 0;
    int fd = j.open(path, flags, mode);
    if (fd >= 0)
        watch(fd, rel, flags, existed);
    unlock();
    return fd;
}

#define OPEN_BODY                                                              \
    mode_t mode = 0;                                                           \
    if (flags & O_CREAT) {                                                     \
        va_list args;                                                          \
        va_start(args, flags);                                                 \
        mode = va_arg(args, mode_t);                                           \
        va_end(args);                                                          \
    }                                                                          \
    return open_watched(path, flags, mode)

EXPORT int open(const char *path, int flags, ...)
{
    OPEN_BODY;
}

EXPORT int open64(const char *path, int flags, ...)
{
    OPEN_BODY;
}

/* What open is when the compiler checks its arguments. */
EXPORT int __open_2(const char *path, int flags);
EXPORT int __open_2(const char *path, int flags)
{
    return open_watched(path, flags, 0);
}

EXPORT int close(int fd)
{
    ready();
    lock();
    if (fd >= 0 && fd < FDS)
        j.files[fd].kind = NOT_WATCHED;
    int rc = j.close(fd);
    unlock();
    return rc;
}

static ssize_t note(int fd, const void *data, size_t len)
{
    lock();
    ssize_t n = j.write(fd, data, len);
    struct journal_record r = {.op = JOURNAL_NOTE,
                               .data_len = n > 0 ? (uint32_t)n : 0};
    put(&r, "", data);
    unlock();
    return n;
}

/* at < 0: where the file stands. */
static ssize_t write_watched(int fd, const void *data, size_t len, off_t at)
{
    ready();
    struct open_file *f = watched(fd);
    if (f != NULL && f->kind == NOTES)
        return note(fd, data, len);
    if (f == NULL)
        return at < 0 ? j.write(fd, data, len) : j.pwrite(fd, data, len, at);
    if (injected(FAULT_WRITE, f->path))
        return -1;
    lock();
    ssize_t n = at < 0 ? j.write(fd, data, len) : j.pwrite(fd, data, len, at);
    if (n > 0) {
        off_t end = at < 0 ? lseek(fd, 0, SEEK_CUR) : at + n;
        struct journal_record r = {.op = JOURNAL_WRITE,
                                   .file = f->number,
                                   .offset = end - n,
                                   .data_len = (uint32_t)n};
        put(&r, f->path, data);
    }
    unlock();
    return n;
}

EXPORT ssize_t write(int fd, const void *data, size_t len)
{
    return write_watched(fd, data, len, -1);
}

EXPORT ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
    return write_watched(fd, data, len, at);
}

EXPORT ssize_t pwrite64(int fd, const void *data, size_t len, off_t at)
{
    return write_watched(fd, data, len, at);
}

EXPORT ssize_t writev(int fd, const struct iovec *parts, int count)
{
    ready();
    if (watched(fd) == NULL)
        return j.writev(fd, parts, count);
    /* One part at a time is a short write, which a caller expects. */
    for (int i = 0; i < count; i++) {
        if (parts[i].iov_len > 0)
            return write_watched(fd, parts[i].iov_base, parts[i].iov_len, -1);
    }
    return 0;
}

static void wait_for_disk(void)
{
    struct timespec tick = {.tv_nsec = 10 * 1000000};
    if (j.sync_us > 0) {
        struct timespec pause = {.tv_sec = j.sync_us / 1000000,
                                 .tv_nsec = j.sync_us % 1000000 * 1000};
        nanosleep(&pause, NULL);
    }
    while (j.hang != NULL && access(j.hang, F_OK) == 0)
        nanosleep(&tick, NULL);
}

static int sync_watched(int fd, int (*call)(int))
{
    struct open_file *f = watched(fd);
    if (f == NULL)
        return call(fd);
    bool is_dir = f->kind == WATCHED_DIR;
    struct journal_record r = {.op = is_dir ? JOURNAL_SYNC_DIR : JOURNAL_SYNC,
                               .file = f->number,
                               .begin = now() + 1};
    wait_for_disk();
    int rc = injected(FAULT_SYNC, f->path) ? -1 : call(fd);
    if (rc != 0 && is_dir)
        return rc;
    if (rc != 0)
        r.op = JOURNAL_SYNC_FAILED;
    lock();
    put(&r, f->path, NULL);
    unlock();
    return rc;
}

EXPORT int fsync(int fd)
{
    ready();
    return sync_watched(fd, j.fsync);
}

EXPORT int fdatasync(int fd)
{
    ready();
    return sync_watched(fd, j.fdatasync);
}

static int resize(int fd, off_t size)
{
    struct open_file *f = watched(fd);
    lock();
    int rc = j.ftruncate(fd, size);
    if (rc == 0 && f != NULL) {
        struct journal_record r = {
            .op = JOURNAL_TRUNCATE, .file = f->number, .offset = size};
        put(&r, f->path, NULL);
    }
    unlock();
    return rc;
}

EXPORT int ftruncate(int fd, off_t size)
{
    ready();
    struct open_file *f = watched(fd);
    if (f != NULL && injected(FAULT_WRITE, f->path))
        return -1;
    return resize(fd, size);
}

EXPORT int ftruncate64(int fd, off_t size)
{
    return ftruncate(fd, size);
}

/* Room reserved beyond the end changes nothing that can be read; other uses
 * are refused, and the caller does not need them. */
EXPORT int fallocate(int fd, int mode, off_t at, off_t len)
{
    ready();
    struct stat st;
    if (watched(fd) == NULL)
        return j.fallocate(fd, mode, at, len);
    if ((mode & FALLOC_FL_KEEP_SIZE) != 0 && fstat(fd, &st) == 0 &&
        ((mode & FALLOC_FL_PUNCH_HOLE) == 0 || at >= st.st_size))
        return j.fallocate(fd, mode, at, len);
    errno = EOPNOTSUPP;
    return -1;
}

/* rename and link: both have an old and a new name. */
static int name_watched(enum journal_op op, const char *from, const char *to)
{
    char text_from[PATH_MAX];
    char text_to[PATH_MAX];
    ready();
    int (*call)(const char *, const char *) =
        op == JOURNAL_RENAME ? j.rename : j.link;
    const char *old = below(from, text_from);
    const char *new = below(to, text_to);
    if (old == NULL || new == NULL)
        return call(from, to);
    if (injected(FAULT_RENAME, new))
        return -1;
    lock();
    int rc = call(from, to);
    struct journal_record r = {.op = (uint32_t)op,
                               .data_len = (uint32_t)strlen(new)};
    if (rc == 0)
        put(&r, old, new);
    unlock();
    return rc;
}

EXPORT int rename(const char *from, const char *to)
{
    return name_watched(JOURNAL_RENAME, from, to);
}

EXPORT int link(const char *from, const char *to)
{
    return name_watched(JOURNAL_LINK, from, to);
}

EXPORT int unlink(const char *path)
{
    char text[PATH_MAX];
    ready();
    const char *rel = below(path, text);
    if (rel == NULL)
        return j.unlink(path);
    if (injected(FAULT_UNLINK, rel))
        return -1;
    lock();
    int rc = j.unlink(path);
    struct journal_record r = {.op = JOURNAL_UNLINK};
    if (rc == 0)
        put(&r, rel, NULL);
    unlock();
    return rc;
}

/* The end comes between two calls of other threads, not in the middle of one
 * that is carried out and not written down. */
EXPORT void _exit(int status)
{
    ready();
    lock();
    for (;;)
        syscall(SYS_exit_group, status);
}

EXPORT int mkdir(const char *path, mode_t mode)
{
    char text[PATH_MAX];
    ready();
    const char *rel = below(path, text);
    lock();
    int rc = j.mkdir(path, mode);
    struct journal_record r = {.op = JOURNAL_MKDIR};
    if (rc == 0 && rel != NULL)
        put(&r, rel, NULL);
    unlock();
    return rc;
}
