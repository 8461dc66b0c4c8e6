/*
 * The file is made under a temporary name and gets its own with the first
 * mark in it, synced; so it never exists without a valid slot, and an empty
 * or zeroed file is known as damage.
 *
 * After a kill the page cache still has the newest write; after a power cut
 * at least the mark synced last. A failed write or sync is remembered, and
 * every later one refused.
 */
#include "journal/watermark.h"

#include "base/alloc.h"
#include "os/file.h"
#include "os/mutex.h"
#include "store/damage_advice.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SLOT_SIZE  4096
#define SLOTS      2
#define ERROR_SIZE 2048

_Static_assert(WATERMARK_RECORD_SIZE <= 512, "within one sector");

struct watermark_file {
    struct mutex lock;
    char *path;
    char *path_new; /* its name until the first write */
    int fd;
    bool linked; /* is at its own path */
    bool has_last;
    struct watermark last;
    int slot; /* the one to write; the other is synced */
    char error[ERROR_SIZE];
};

static int failed(struct watermark_file *f, const char *what)
{
    snprintf(f->error, sizeof(f->error),
             "%s: %s failed: %s. Check free space and health of the disk, then "
             "start again.",
             f->path, what, strerror(errno));
    return ERR_IO;
}

static void free_file(struct watermark_file *f)
{
    if (f->fd >= 0)
        close(f->fd);
    mutex_destroy(&f->lock);
    mem_free(f->path);
    mem_free(f->path_new);
    mem_free(f);
}

static struct watermark_file *new_file(const char *path)
{
    struct watermark_file *f = mem_zalloc(sizeof(*f));
    size_t size = strlen(path) + sizeof(".new");
    f->path = mem_strdup(path);
    f->path_new = mem_alloc(size);
    snprintf(f->path_new, size, "%s.new", path);
    f->fd = -1;
    mutex_init(&f->lock);
    return f;
}

/* pread until all is there, or the file ends. */
static ssize_t read_at(int fd, uint8_t *to, size_t len, off_t at)
{
    size_t done = 0;
    while (done < len) {
        ssize_t n = pread(fd, to + done, len - done, at + (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

static int write_at(int fd, const uint8_t *from, size_t len, off_t at)
{
    size_t done = 0;
    while (done < len) {
        ssize_t n = pwrite(fd, from + done, len - done, at + (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            errno = n == 0 ? ENOSPC : errno;
            return -1;
        }
        done += (size_t)n;
    }
    return 0;
}

/* A valid mark was found in slot i: takes it, unless the one from the other
 * slot is newer. Writing goes on in the other. */
/*@ requires \valid(f) && \valid_read(mark) && \separated(f, mark);
  @ requires 0 <= i < SLOTS;
  @ assigns f->last, f->has_last, f->slot;
  @ ensures f->has_last && f->last.generation >= mark->generation;
  @ ensures \old(f->has_last) ==>
  @     f->last.generation >= \old(f->last.generation);
  @ ensures f->last == mark[0] && f->slot == 1 - i ||
  @     \old(f->has_last) && f->last == \old(f->last) &&
  @     f->slot == \old(f->slot); */
static void take_mark(struct watermark_file *f, const struct watermark *mark,
                      int i)
{
    if (f->has_last && mark->generation < f->last.generation)
        return;
    f->last = *mark;
    f->has_last = true;
    f->slot = 1 - i;
}

/* Reads both slots and takes the newer valid one. */
static int load(struct watermark_file *f)
{
    for (int i = 0; i < SLOTS; i++) {
        uint8_t raw[WATERMARK_RECORD_SIZE];
        ssize_t n = read_at(f->fd, raw, sizeof(raw), (off_t)i * SLOT_SIZE);
        if (n < 0)
            return failed(f, "reading");
        struct watermark w;
        if (watermark_decode(bytes_of(raw, (size_t)n), &w) == 0)
            take_mark(f, &w, i);
    }
    if (f->has_last)
        return 0;
    snprintf(f->error, sizeof(f->error),
             "%s: the file is damaged: neither of its two records is whole. It "
             "holds what this node has promised to the other members. %s",
             f->path, STORE_DAMAGE_ADVICE);
    return ERR_CORRUPT;
}

/* Opens the file, or a temporary one where there is none. */
static int open_or_create(struct watermark_file *f)
{
    f->fd = open(f->path, O_RDWR | O_CLOEXEC);
    if (f->fd >= 0) {
        f->linked = true;
        /* What another process wrote just before it was killed may be in
         * the page cache only, and we may act on it now. */
        if (fdatasync(f->fd) != 0)
            return failed(f, "syncing");
        return load(f);
    }
    if (errno != ENOENT)
        return failed(f, "opening");
    f->fd = open(f->path_new, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    return f->fd >= 0 ? 0 : failed(f, "creating");
}

int watermark_open(struct watermark_file **out, const char *path,
                   struct watermark *last, bool *found, struct buf *error)
{
    ASSERT(path != NULL && path[0] != 0);
    ASSERT(out != NULL && last != NULL && found != NULL);
    struct watermark_file *f = new_file(path);
    int err = open_or_create(f);
    if (err != 0) {
        buf_str(error, f->error);
        free_file(f);
        return err;
    }
    *found = f->has_last;
    *last = f->last;
    *out = f;
    return 0;
}

/* The first mark is in the temporary file: gives it its name, for good. */
static int link_file(struct watermark_file *f)
{
    if (ftruncate(f->fd, SLOTS * SLOT_SIZE) != 0 || fsync(f->fd) != 0)
        return failed(f, "syncing");
    if (rename(f->path_new, f->path) != 0)
        return failed(f, "renaming");
    if (file_sync_parent(f->path) != 0)
        return failed(f, "syncing the directory");
    f->linked = true;
    return 0;
}

static int write_locked(struct watermark_file *f, const struct watermark *w,
                        bool sync)
{
    if (f->error[0] != 0)
        return ERR_IO;
    struct watermark mark = *w;
    mark.generation = f->last.generation + 1;
    struct buf raw = BUF_INIT;
    watermark_encode(&mark, &raw);
    ASSERT(raw.len == WATERMARK_RECORD_SIZE);
    int err = write_at(f->fd, raw.data, raw.len, (off_t)f->slot * SLOT_SIZE);
    buf_release(&raw);
    if (err != 0)
        return failed(f, "writing");
    f->last = mark;
    f->has_last = true;
    if (!f->linked)
        err = link_file(f);
    else if (sync && fdatasync(f->fd) != 0)
        err = failed(f, "syncing");
    else if (!sync)
        return 0;
    if (err == 0)
        f->slot = 1 - f->slot; /* this one is on the disk: leave it alone */
    return err;
}

int watermark_write(struct watermark_file *f, const struct watermark *w,
                    bool sync)
{
    ASSERT(f != NULL && w != NULL);
    mutex_lock(&f->lock);
    int err = write_locked(f, w, sync);
    mutex_unlock(&f->lock);
    return err;
}

bool watermark_last(struct watermark_file *f, struct watermark *out)
{
    mutex_lock(&f->lock);
    bool has = f->has_last;
    *out = f->last;
    mutex_unlock(&f->lock);
    return has;
}

const char *watermark_error(const struct watermark_file *f)
{
    ASSERT(f != NULL);
    return f->error;
}

void watermark_close(struct watermark_file *f)
{
    ASSERT(f != NULL);
    if (!f->linked)
        unlink(f->path_new); /* never used; if it stays, it does no harm */
    free_file(f);
}
