/*
 * The whole log is verified when the node opens it; here it is about files
 * that are missing or cut, which RocksDB does not notice and, once it has
 * opened the rest for writing, makes impossible to bring back. All that can be
 * lost in this way is newer than the last flush. A missing file in the middle
 * shows as a hole, one at the end by the watermark.
 */
#include "store/start_check.h"

#include "store/raft_log.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

/* Digits, then the suffix. */
static bool is_numbered(const char *name, const char *suffix)
{
    size_t digits = strspn(name, "0123456789");
    return digits > 0 && strcmp(name + digits, suffix) == 0;
}

int start_content(const char *path, struct start_content *out,
                  struct buf *error)
{
    ASSERT(path != NULL && out != NULL);
    *out = (struct start_content){false, false, false};
    DIR *dir = opendir(path);
    if (dir == NULL && errno == ENOENT)
        return 0;
    errno = dir == NULL ? errno : 0;
    for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;) {
        out->current = out->current || strcmp(e->d_name, "CURRENT") == 0;
        out->tables = out->tables || is_numbered(e->d_name, ".sst");
        out->logs = out->logs || is_numbered(e->d_name, ".log");
    }
    int failed = errno;
    if (dir != NULL)
        closedir(dir);
    if (failed == 0)
        return 0;
    buf_printf(error, "%s: this directory cannot be read: %s", path,
               strerror(failed));
    return ERR_IO;
}

static bool has_promises(const struct watermark *w)
{
    return w->term > 0 || w->index > 0;
}

static int check_identity(struct store *s, const struct watermark *w,
                          struct buf *error)
{
    struct identity id;
    int rc = raft_log_identity(s, &id);
    if (rc == 0 && w->incarnation <= id.incarnation + 1)
        return 0;
    if (rc == ERR_NOT_FOUND && !has_promises(w))
        return 0; /* a first start that did not get far */
    if (rc == 0)
        buf_printf(error,
                   "the database is from start %llu of this node, but the "
                   "watermark from start %llu: files of the database were "
                   "deleted, or it is an old copy. ",
                   (unsigned long long)id.incarnation,
                   (unsigned long long)w->incarnation);
    else if (rc == ERR_NOT_FOUND)
        buf_str(error, "the database does not know which node it belongs to, "
                       "though this node has voted or acknowledged entries: "
                       "files of the database were deleted or cut. ");
    else
        buf_printf(error, "the identity cannot be read: %s. ",
                   rc == ERR_IO ? store_error(s) : "it is damaged");
    if (rc == ERR_IO)
        return ERR_IO;
    buf_str(error, STORE_DAMAGE_ADVICE);
    return ERR_CORRUPT;
}

int start_check(struct store *s, uint64_t unflushed,
                const struct watermark *promised, struct buf *error)
{
    ASSERT(s != NULL && promised != NULL);
    ASSERT(error != NULL);
    const struct raft_log_options options = {
        .group = 0,
        .cache_bytes_max = 0,
        .newest = MAX(unflushed, (uint64_t)1),
    };
    struct raft_log *log;
    int rc = check_identity(s, promised, error);
    if (rc == 0)
        rc = raft_log_open(&log, s, &options, error);
    if (rc != 0)
        return rc;
    rc = raft_log_check(log, promised, error);
    raft_log_close(log);
    return rc;
}

int start_check_new(const char *path, const struct watermark *promised,
                    struct buf *error)
{
    ASSERT(path != NULL && promised != NULL);
    if (!has_promises(promised))
        return 0;
    buf_printf(error,
               "%s: there is no database here, but the watermark says that "
               "this node has voted or acknowledged entries: it was moved or "
               "deleted. ",
               path);
    buf_str(error, STORE_DAMAGE_ADVICE);
    return ERR_CORRUPT;
}
