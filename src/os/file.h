/*
 * Files and directories: bounded reading, durable replacement, locking.
 * What fails returns an error of base/base.h and leaves errno as the system
 * set it, for the message. Calls may block on the disk, so the loop's thread
 * must not make them once it runs.
 */
#ifndef OS_FILE_H
#define OS_FILE_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"

/* Appends the file to `out`. ERR_NOT_FOUND, ERR_TOO_BIG (more than size_max
 * bytes), ERR_IO (a directory too). On failure `out` is as it was. */
MUST_USE int file_read(const char *path, size_t size_max, struct buf *out);
/* The same from an open descriptor, to its end. */
MUST_USE int file_read_fd(int fd, size_t size_max, struct buf *out);

/* Replaces the file in one step that survives a power failure: a temporary file
 * next to it (mode 0600) is written, synced and renamed over it, and the
 * directory is synced. */
MUST_USE int file_replace(const char *path, struct bytes content);

/* Removes the file, or the directory with all it contains; no link is followed
 * out of it. Also 0 if there is nothing at `path`. */
MUST_USE int file_remove_tree(const char *path);
/* Renames a file or directory to "PATH.damaged", durably; what had that name is
 * removed with all it contains. Also 0 if there is nothing at `path`. */
MUST_USE int file_set_aside(const char *path);
/* Moves the files of `dir` whose names end with `suffix` into the directory
 * `to`, which is created if needed, durably. */
MUST_USE int file_move_all(const char *dir, const char *suffix, const char *to);

/* Makes names created or renamed in a directory durable. */
MUST_USE int file_sync_dir(const char *dir);
/* The same for the directory that `path` is in. */
MUST_USE int file_sync_parent(const char *path);

/* Creates the directory and those above it that are missing, mode 0700. */
MUST_USE int file_make_dir(const char *dir);

/* 0 when `dir` is a directory that this user may read, write and search.
 * `shared`: users other than this one and root may be able to write to it,
 * because its mode says so or because one of them owns it. ERR_NOT_FOUND,
 * ERR_MISMATCH (not a directory; or this is root and another user owns it: what
 * root wrote there would be closed to its owner, and its owner could make root
 * write elsewhere), ERR_AUTH (this user may not read, write or search it). */
MUST_USE int file_check_dir(const char *dir, bool *shared);

/* Locks the file for this process alone, creating it if needed, until the
 * returned descriptor is closed. ERR_BUSY: another process has it. */
MUST_USE int file_lock(const char *path);

/* There is something of this name, and it is a directory. */
bool file_is_dir(const char *path);

/* Bytes of free disk for this user, or an error. */
MUST_USE int64_t file_free_bytes(const char *path);

/* Bytes of the whole file system; 0: not known. */
uint64_t file_disk_bytes(const char *path);

/* Transfers all of it or returns an error; interrupted and short calls are
 * continued. A read that meets the end of the file first is ERR_CORRUPT. */
MUST_USE int file_pread(int fd, void *data, size_t len, int64_t offset);
MUST_USE int file_pwrite(int fd, const void *data, size_t len, int64_t offset);
MUST_USE int file_write(int fd, const void *data, size_t len);

#endif
