/*
 * Files and directories: bounded reading, durable replacement, locking.
 * What fails returns an error of base/base.h and leaves errno as the system
 * set it, for the message. Calls may block on the disk: not for the loop's
 * thread once it runs.
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

/* Replaces the file as one step that survives a power cut: a temporary file
 * beside it (mode 0600), synced, renamed over it, the directory synced. */
MUST_USE int file_replace(const char *path, struct bytes content);

/* Renames a file or directory to "PATH.damaged", durably; what stood there is
 * removed with all it has. 0 as well if there is nothing at `path`. */
MUST_USE int file_set_aside(const char *path);
/* Moves the files of `dir` whose names end with `suffix` into the directory
 * `to`, which is made if need be, durably. */
MUST_USE int file_move_all(const char *dir, const char *suffix, const char *to);

/* Makes names created or renamed in a directory durable. */
MUST_USE int file_sync_dir(const char *dir);
/* The same for the directory that `path` is in. */
MUST_USE int file_sync_parent(const char *path);

/* Creates the directory and those above it that are missing, mode 0700. */
MUST_USE int file_make_dir(const char *dir);

/* 0 when `dir` is a directory that this user owns, may read, write and
 * search, and that group and others can't write to. ERR_NOT_FOUND,
 * ERR_MISMATCH (not a directory, or someone else's), ERR_AUTH (modes). */
MUST_USE int file_check_dir(const char *dir);

/* Takes the lock file for this process alone, creating it if need be, until
 * the descriptor returned is closed. ERR_BUSY when another one has it. */
MUST_USE int file_lock(const char *path);

/* Bytes of free disk for this user, or an error. */
MUST_USE int64_t file_free_bytes(const char *path);

/* All of it or an error; interrupted and short calls go on. A read that
 * meets the end of the file first is ERR_CORRUPT. */
MUST_USE int file_pread(int fd, void *data, size_t len, int64_t offset);
MUST_USE int file_pwrite(int fd, const void *data, size_t len, int64_t offset);
MUST_USE int file_write(int fd, const void *data, size_t len);

#endif
