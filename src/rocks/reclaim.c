/*
 * Looks at the directory now and then; a file that comes and goes between two
 * looks is not held. Deleted files wait in turn; if much waits, because files
 * are deleted faster than one step after the other, the pauses are shorter, and
 * never over: a whole state that is deleted at once (a merge of everything, a
 * family that was dropped) is given back in pieces, too.
 *
 * How it fails: what cannot be opened or shortened is left to the file system.
 */
#include "rocks/reclaim.h"

#include "base/alloc.h"
#include "base/bytes.h"
#include "os/clock.h"
#include "os/mutex.h"
#include "os/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOOK_US   500000
#define HURRY_US  50000
#define PAUSE_US  10000
#define HELD_MAX  256
#define MUCH      ((int64_t)512 * 1024 * 1024) /* bytes */
#define PART_NAME "refill."

struct held {
    ino_t inode;
    int fd;
};

struct reclaim {
    char *dir;
    pthread_t thread;
    struct mutex lock;
    struct cond end;
    bool ending;
    atomic_bool hurry;
    atomic_uint_fast64_t pending;

    /* Of the thread. */
    struct held held[HELD_MAX];
    size_t count;
};

/* True: it is to end. */
static bool wait_for_end(struct reclaim *r, int64_t us)
{
    int64_t until_us = clock_mono_us() + us;
    mutex_lock(&r->lock);
    if (!r->ending && us > 0)
        cond_wait_until(&r->end, &r->lock, until_us);
    bool ending = r->ending;
    mutex_unlock(&r->lock);
    return ending;
}

/* number.sst or number.log, or refill.number: the parts of a state that is
 * given up (rocks_fill.c) */
static bool is_of_database(const char *name)
{
    static const char part[] = PART_NAME;
    const char *number = name;
    if (strncmp(name, part, sizeof(part) - 1) == 0)
        number += sizeof(part) - 1;
    size_t digits = strspn(number, "0123456789");
    const char *end = number + digits;
    if (number > name)
        return digits > 0 && *end == 0;
    return digits > 0 && (strcmp(end, ".sst") == 0 || strcmp(end, ".log") == 0);
}

static bool is_held(const struct reclaim *r, ino_t inode)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->held[i].inode == inode)
            return true;
    return false;
}

static void hold(struct reclaim *r, int dir, const char *name)
{
    struct stat st;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(st.st_mode) || st.st_size <= (off_t)RECLAIM_STEP ||
        is_held(r, st.st_ino))
        return;
    int fd = openat(dir, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return;
    if (fstat(fd, &st) != 0 || is_held(r, st.st_ino)) {
        close(fd);
        return;
    }
    r->held[r->count++] = (struct held){st.st_ino, fd};
}

static void look(struct reclaim *r)
{
    DIR *dir = opendir(r->dir);
    if (dir == NULL)
        return;
    for (struct dirent *e; r->count < HELD_MAX && (e = readdir(dir)) != NULL;)
        if (is_of_database(e->d_name))
            hold(r, dirfd(dir), e->d_name);
    closedir(dir);
}

static bool is_deleted(int fd, struct stat *st)
{
    return fstat(fd, st) == 0 && st->st_nlink == 0;
}

static int64_t backlog(const struct reclaim *r)
{
    int64_t sum = 0;
    struct stat st;
    for (size_t i = 0; i < r->count; i++)
        if (is_deleted(r->held[i].fd, &st))
            sum += st.st_size;
    return sum;
}

int64_t reclaim_pause_us(int64_t waiting, bool hurry)
{
    ASSERT(waiting >= 0);
    if (hurry)
        return 0;
    return waiting <= MUCH ? PAUSE_US : PAUSE_US * MUCH / waiting;
}

/* Nobody else can see the file any more, nor ever will. */
static void shorten(struct reclaim *r, int fd, int64_t size)
{
    int64_t waiting = backlog(r);
    while (size > (int64_t)RECLAIM_STEP) {
        size -= RECLAIM_STEP;
        atomic_store(&r->pending, (uint64_t)waiting);
        waiting = MAX(waiting - (int64_t)RECLAIM_STEP, 0);
        int64_t us = reclaim_pause_us(waiting, atomic_load(&r->hurry));
        if (ftruncate(fd, size) != 0 || wait_for_end(r, us))
            return;
    }
}

static void reclaim_deleted(struct reclaim *r)
{
    struct stat st;
    for (size_t i = 0; i < r->count;) {
        if (!is_deleted(r->held[i].fd, &st)) {
            i++;
            continue;
        }
        shorten(r, r->held[i].fd, st.st_size);
        close(r->held[i].fd);
        r->held[i] = r->held[--r->count];
    }
    atomic_store(&r->pending, (uint64_t)backlog(r));
}

static void *run(void *ctx)
{
    struct reclaim *r = ctx;
    process_thread_yields("reclaim");
    do {
        look(r);
        reclaim_deleted(r);
    } while (!wait_for_end(r, atomic_load(&r->hurry) ? HURRY_US : LOOK_US));
    for (size_t i = 0; i < r->count; i++)
        close(r->held[i].fd);
    return NULL;
}

uint64_t reclaim_pending(const struct reclaim *r)
{
    return atomic_load(&r->pending);
}

void reclaim_hurry(struct reclaim *r, bool hurry)
{
    atomic_store(&r->hurry, hurry);
}

struct reclaim *reclaim_new(const char *dir)
{
    ASSERT(dir != NULL);
    struct reclaim *r = mem_zalloc(sizeof(*r));
    r->dir = mem_strdup(dir);
    atomic_init(&r->hurry, false);
    atomic_init(&r->pending, 0);
    mutex_init(&r->lock);
    cond_init(&r->end);
    process_thread_start(&r->thread, run, r);
    return r;
}

void reclaim_free(struct reclaim *r)
{
    if (r == NULL)
        return;
    mutex_lock(&r->lock);
    r->ending = true;
    cond_wake(&r->end);
    mutex_unlock(&r->lock);
    int err = pthread_join(r->thread, NULL);
    ASSERT(err == 0);
    cond_destroy(&r->end);
    mutex_destroy(&r->lock);
    mem_free(r->dir);
    mem_free(r);
}
