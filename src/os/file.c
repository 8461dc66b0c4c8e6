/*
 * A thin layer over the system calls; each function handles EINTR and calls
 * that do less than was asked for. Durable replacement follows the usual order:
 * the data is synced before the name points to it, and the name is synced
 * before success is reported (Pillai et al., OSDI 2014). A failed fsync is
 * never repeated: the pages may be gone (Rebello et al., ATC 2020), so the
 * caller gets the error.
 */
#include "os/file.h"

#include "base/alloc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define CHUNK ((size_t)64 * 1024)

static int error_of_errno(void)
{
    return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
}

/* Closes the descriptor; errno stays that of the earlier failure. */
static void close_quietly(int fd)
{
    int saved = errno;
    (void)close(fd);
    errno = saved;
}

/* Repeats the call when it is interrupted. */
static int open_retry(const char *path, int flags, mode_t mode)
{
    int fd;
    do
        fd = open(path, flags | O_CLOEXEC, mode);
    while (fd < 0 && errno == EINTR);
    return fd;
}

static int sync_fd(int fd)
{
    int err;
    do
        err = fsync(fd);
    while (err < 0 && errno == EINTR);
    return err < 0 ? ERR_IO : 0;
}

int file_read_fd(int fd, size_t size_max, struct buf *out)
{
    ASSERT(fd >= 0);
    ASSERT(out != NULL);
    size_t start = out->len;
    for (;;) {
        uint8_t *to = buf_reserve(out, CHUNK);
        ssize_t n = read(fd, to, CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 || (size_t)n > size_max - (out->len - start)) {
            out->len = start;
            return n < 0 ? ERR_IO : ERR_TOO_BIG;
        }
        if (n == 0)
            return 0;
        out->len += (size_t)n;
    }
}

int file_read(const char *path, size_t size_max, struct buf *out)
{
    ASSERT(path != NULL);
    int fd = open_retry(path, O_RDONLY, 0);
    if (fd < 0)
        return error_of_errno();
    int err = file_read_fd(fd, size_max, out);
    close_quietly(fd);
    return err;
}

/* The directory that contains a path; the caller frees it. */
/* Slashes at the end do not belong to the name. */
static char *dir_of(const char *path)
{
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    while (len > 0 && path[len - 1] != '/')
        len--;
    if (len == 0)
        return mem_strdup(".");
    char *dir = mem_strdup(path);
    dir[MAX(len - 1, 1)] = '\0'; /* of "/name": "/" */
    return dir;
}

static int remove_one(const char *path, const struct stat *st, int type,
                      struct FTW *ftw)
{
    UNUSED(st);
    UNUSED(type);
    UNUSED(ftw);
    return remove(path);
}

int file_remove_tree(const char *path)
{
    struct stat st;

    ASSERT(path != NULL && path[0] != '\0');
    if (lstat(path, &st) != 0)
        return errno == ENOENT ? 0 : error_of_errno();
    if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0)
        return error_of_errno();
    return 0;
}

int file_set_aside(const char *path)
{
    ASSERT(path != NULL && path[0] != '\0');
    struct stat st;
    if (lstat(path, &st) != 0)
        return errno == ENOENT ? 0 : error_of_errno();
    struct buf name = BUF_INIT;
    buf_printf(&name, "%s.damaged", path);
    buf_char(&name, '\0');
    const char *to = (const char *)name.data;

    int err = file_remove_tree(to);
    if (err == 0 && rename(path, to) != 0)
        err = error_of_errno();
    if (err == 0)
        err = file_sync_parent(path);
    buf_release(&name);
    return err;
}

/* "DIR/NAME", with a NUL at the end. */
static const char *join_path(struct buf *out, const char *dir, const char *name)
{
    buf_reset(out);
    buf_printf(out, "%s/%s", dir, name);
    buf_char(out, '\0');
    return (const char *)out->data;
}

int file_move_all(const char *dir, const char *suffix, const char *to)
{
    ASSERT(dir != NULL && suffix != NULL && to != NULL);
    struct buf from_path = BUF_INIT;
    struct buf to_path = BUF_INIT;
    int err = file_make_dir(to);
    DIR *d = err == 0 ? opendir(dir) : NULL;
    if (err == 0 && d == NULL)
        err = error_of_errno();
    struct dirent *e;
    while (err == 0 && (e = readdir(d)) != NULL) {
        struct bytes name = bytes_str(e->d_name);
        size_t len = strlen(suffix);
        if (name.len <= len || strcmp(e->d_name + name.len - len, suffix) != 0)
            continue;
        if (rename(join_path(&from_path, dir, e->d_name),
                   join_path(&to_path, to, e->d_name)) != 0)
            err = error_of_errno();
    }
    if (d != NULL)
        closedir(d);
    if (err == 0)
        err = file_sync_dir(to);
    if (err == 0)
        err = file_sync_dir(dir);
    buf_release(&from_path);
    buf_release(&to_path);
    return err;
}

int file_sync_dir(const char *dir)
{
    ASSERT(dir != NULL);
    int fd = open_retry(dir, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return error_of_errno();
    int err = sync_fd(fd);
    close_quietly(fd);
    return err;
}

int file_sync_parent(const char *path)
{
    ASSERT(path != NULL);
    char *dir = dir_of(path);
    int err = file_sync_dir(dir);
    mem_free(dir);
    return err;
}

static int write_synced(const char *path, struct bytes content)
{
    int fd = open_retry(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_of_errno();
    int err = file_write(fd, content.data, content.len);
    if (err == 0)
        err = sync_fd(fd);
    if (err != 0)
        close_quietly(fd);
    else if (close(fd) != 0)
        err = ERR_IO;
    return err;
}

int file_replace(const char *path, struct bytes content)
{
    ASSERT(path != NULL && path[0] != '\0');
    struct buf temporary = BUF_INIT;
    buf_printf(&temporary, "%s.tmp", path);
    buf_char(&temporary, '\0');
    const char *from = (const char *)temporary.data;

    int err = write_synced(from, content);
    if (err == 0 && rename(from, path) != 0)
        err = error_of_errno();
    if (err == 0) {
        err = file_sync_parent(path);
    } else {
        int saved = errno;
        (void)unlink(from);
        errno = saved;
    }
    buf_release(&temporary);
    return err;
}

static int make_one_dir(const char *dir)
{
    if (mkdir(dir, 0700) == 0)
        return 0;
    if (errno != EEXIST)
        return error_of_errno();
    struct stat st;
    if (stat(dir, &st) != 0)
        return error_of_errno();
    if (S_ISDIR(st.st_mode))
        return 0;
    errno = ENOTDIR;
    return ERR_IO;
}

int file_make_dir(const char *dir)
{
    ASSERT(dir != NULL && dir[0] != '\0');
    char *path = mem_strdup(dir);
    int err = 0;
    for (char *p = path + 1; err == 0 && *p != '\0'; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        err = make_one_dir(path);
        *p = '/';
    }
    if (err == 0)
        err = make_one_dir(path);
    mem_free(path);
    return err;
}

int file_check_dir(const char *dir, bool *shared)
{
    ASSERT(dir != NULL && shared != NULL);
    struct stat st;
    uid_t self = geteuid();
    *shared = false;
    if (stat(dir, &st) != 0)
        return error_of_errno();
    bool foreign = st.st_uid != self && st.st_uid != 0;
    if (!S_ISDIR(st.st_mode) || (self == 0 && foreign))
        return ERR_MISMATCH;
    if (faccessat(AT_FDCWD, dir, R_OK | W_OK | X_OK, AT_EACCESS) != 0)
        return ERR_AUTH;
    *shared = foreign || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0;
    return 0;
}

int file_lock(const char *path)
{
    ASSERT(path != NULL);
    int fd = open_retry(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_of_errno();
    int err;
    do
        err = flock(fd, LOCK_EX | LOCK_NB);
    while (err != 0 && errno == EINTR);
    if (err == 0)
        return fd;
    err = errno == EWOULDBLOCK ? ERR_BUSY : ERR_IO;
    close_quietly(fd);
    return err;
}

static int ask_file_system(const char *path, struct statvfs *fs)
{
    int err;
    do
        err = statvfs(path, fs);
    while (err != 0 && errno == EINTR);
    return err;
}

uint64_t file_disk_bytes(const char *path)
{
    ASSERT(path != NULL);
    struct statvfs fs;
    uint64_t bytes;
    if (ask_file_system(path, &fs) != 0 ||
        __builtin_mul_overflow(fs.f_blocks, fs.f_frsize, &bytes))
        return 0;
    return bytes;
}

bool file_is_dir(const char *path)
{
    ASSERT(path != NULL);
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int64_t file_free_bytes(const char *path)
{
    ASSERT(path != NULL);
    struct statvfs fs;
    if (ask_file_system(path, &fs) != 0)
        return error_of_errno();
    int64_t bytes;
    if (__builtin_mul_overflow(fs.f_bavail, fs.f_frsize, &bytes))
        return INT64_MAX;
    return bytes;
}

int file_pread(int fd, void *data, size_t len, int64_t offset)
{
    ASSERT(fd >= 0 && offset >= 0);
    ASSERT(data != NULL || len == 0);
    uint8_t *p = data;
    while (len > 0) {
        ssize_t n = pread(fd, p, len, offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ERR_IO;
        if (n == 0)
            return ERR_CORRUPT;
        p += n;
        offset += n;
        len -= (size_t)n;
    }
    return 0;
}

int file_pwrite(int fd, const void *data, size_t len, int64_t offset)
{
    ASSERT(fd >= 0 && offset >= 0);
    ASSERT(data != NULL || len == 0);
    const uint8_t *p = data;
    while (len > 0) {
        ssize_t n = pwrite(fd, p, len, offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return ERR_IO;
        p += n;
        offset += n;
        len -= (size_t)n;
    }
    return 0;
}

int file_write(int fd, const void *data, size_t len)
{
    ASSERT(fd >= 0);
    ASSERT(data != NULL || len == 0);
    const uint8_t *p = data;
    while (len > 0) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return ERR_IO;
        p += n;
        len -= (size_t)n;
    }
    return 0;
}
