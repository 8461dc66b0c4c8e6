/*
 * The whole log is verified when the node opens it; here it is about files
 * that are missing or cut, which RocksDB does not notice and, once it has
 * opened the rest for writing, makes impossible to bring back. All that can be
 * lost in this way is newer than the last flush. A missing file in the middle
 * shows as a hole, one at the end by the watermark.
 *
 * Each of the two may be whole and of another directory, or of another copy of
 * this one that was used on its own. That is no damage which the other members
 * could repair: nobody knows which of the two was meant.
 *
 * How it fails: ERR_CORRUPT if something promised is not there, or the database
 * is an old one; ERR_MISMATCH if the two do not belong together; ERR_IO if it
 * cannot be read. A text says what to do. The
 * database is then not opened for writing.
 */
#include "journal/start_check.h"

#include "journal/journal.h"
#include "store/damage_advice.h"

#include <inttypes.h>

static bool has_promises(const struct watermark *w)
{
    return w->term > 0 || w->index > 0;
}

int start_check_pair(const struct identity *id, const struct watermark *mark,
                     struct buf *error)
{
    ASSERT(id != NULL && mark != NULL && error != NULL);
    if (!directory_id_eq(id->directory, mark->directory)) {
        char of_store[DIRECTORY_TEXT_SIZE], of_mark[DIRECTORY_TEXT_SIZE];
        directory_text(id->directory, of_store);
        directory_text(mark->directory, of_mark);
        buf_printf(error,
                   "the data directory was put together from two: its "
                   "database is from directory %s, its watermark file from "
                   "%s. Bring back what belongs together, or use another "
                   "directory as a whole",
                   of_store, of_mark);
        return ERR_MISMATCH;
    }
    if (id->incarnation != mark->incarnation || id->nonce == mark->nonce)
        return 0;
    buf_printf(error,
               "the data directory was put together from two copies of it: "
               "start %" PRIu64 " that has written its database is not the "
               "start %" PRIu64 " that has written its watermark file. Bring "
               "back both from the copy that was used last",
               id->incarnation, mark->incarnation);
    return ERR_MISMATCH;
}

static int check_identity(struct store *s, const struct watermark *w,
                          struct buf *error)
{
    struct identity id;
    int err = journal_identity(s, &id);
    if (err == 0 && start_check_pair(&id, w, error) != 0)
        return ERR_MISMATCH;
    if (err == 0 && w->incarnation <= id.incarnation + 1)
        return 0;
    if (err == ERR_NOT_FOUND && !has_promises(w))
        return 0; /* a first start that did not get far */
    if (err == 0)
        buf_printf(
            error,
            "the database is from start %" PRIu64 " of this node, but the "
            "watermark from start %" PRIu64 ": files of the database were "
            "deleted, or it is an old copy. ",
            id.incarnation, w->incarnation);
    else if (err == ERR_NOT_FOUND)
        buf_str(error, "the database does not know which node it belongs to, "
                       "though this node has voted or acknowledged entries: "
                       "files of the database were deleted or cut. ");
    else
        buf_printf(error, "the identity cannot be read: %s. ",
                   err == ERR_IO ? store_error(s) : "it is damaged");
    if (err == ERR_IO)
        return ERR_IO;
    buf_str(error, STORE_DAMAGE_ADVICE);
    return ERR_CORRUPT;
}

static int check_content(const void *ctx, struct store *s, uint64_t unflushed,
                         struct buf *error)
{
    const struct watermark *promised = ctx;
    ASSERT(s != NULL && error != NULL);
    const struct journal_options options = {
        .group = 0,
        .cache_bytes_max = 0,
        .newest = MAX(unflushed, (uint64_t)1),
    };
    struct journal *log;
    int err = check_identity(s, promised, error);
    if (err == 0)
        err = journal_open(&log, s, &options, error);
    if (err != 0)
        return err;
    err = journal_check(log, promised, error);
    journal_close(log);
    return err;
}

static int check_absence(const void *ctx, const char *path, struct buf *error)
{
    const struct watermark *promised = ctx;
    ASSERT(path != NULL && error != NULL);
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

struct store_check start_check(const struct watermark *promised)
{
    ASSERT(promised != NULL);
    return (struct store_check){
        .content = check_content, .absence = check_absence, .ctx = promised};
}
