/*
 * The files put aside: db.damaged (the whole database), db.wal.damaged (its
 * write-ahead logs), watermark.damaged. The file "damaged" is written by
 * refill_remember(), and exists while a node is prepared for its refill: a
 * start that finds it begins with an empty database.
 *
 * How it fails: what cannot be put aside or marked before the start is an error
 * with a text, and ends the start. A mark that cannot be removed costs one more
 * refill; one that a running node cannot write is ignored, because the next
 * start finds the damage again.
 */
#include "main/refill.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "journal/watermark.h"
#include "os/file.h"

#define MARK_NAME    "damaged"
#define MARK_DAMAGED BYTES_LIT("see the log\n")
#define MARK_COPY    BYTES_LIT("an older copy, see the log\n")
#define MARK_MAX     1000

bool refill_allowed(const struct config *c)
{
    return c->damaged_data == CONFIG_DAMAGED_REFILL &&
           (c->node_count >= 3 || c->join[0] != '\0');
}

enum data_trust refill_trust(const struct process *p)
{
    char path[PATH_TEXT_MAX];
    struct buf text = BUF_INIT;

    process_path(p, MARK_NAME, path);
    int err = file_read(path, MARK_MAX, &text);
    bool copy = bytes_eq(buf_view(&text), MARK_COPY);
    buf_release(&text);
    if (err == ERR_NOT_FOUND)
        return DATA_PROVEN;
    return copy ? DATA_UNPROVEN : DATA_LOST;
}

static int put_aside(const struct process *p, const char *name,
                     struct buf *error)
{
    char path[PATH_TEXT_MAX];

    process_path(p, name, path);
    int err = file_set_aside(path);
    if (err != 0)
        buf_printf(error, "cannot put %s aside: %s", path, strerror(errno));
    return err;
}

static int write_mark(const struct process *p, struct bytes text)
{
    char path[PATH_TEXT_MAX];

    process_path(p, MARK_NAME, path);
    return file_replace(path, text);
}

static int put_watermark_aside(const struct process *p, struct buf *error)
{
    char path[PATH_TEXT_MAX];
    struct watermark_file *file;
    struct watermark mark;
    struct buf text = BUF_INIT;
    bool found;

    process_path(p, "watermark", path);
    int err = watermark_open(&file, path, &mark, &found, &text);
    if (err == 0)
        watermark_close(file);
    else if (err == ERR_CORRUPT)
        err = put_aside(p, "watermark", error);
    else
        buf_bytes(error, buf_view(&text));
    buf_release(&text);
    return err;
}

int refill_prepare(const struct process *p, enum data_trust trust,
                   struct buf *error)
{
    if (trust == DATA_PROVEN)
        return 0;
    /* First of all: with watermark and database gone, a crash here would leave
     * a directory that looks like a new node's. */
    int err = write_mark(p, MARK_DAMAGED);
    if (err != 0) {
        buf_printf(error, "cannot write in %s: %s", p->dir, strerror(errno));
        return err;
    }
    err = put_watermark_aside(p, error);
    if (err == 0 && trust == DATA_LOST)
        err = put_aside(p, "db", error);
    return err;
}

void refill_done(const struct process *p)
{
    char path[PATH_TEXT_MAX];

    process_path(p, MARK_NAME, path);
    int err = unlink(path) == 0 ? file_sync_dir(p->dir) : 0;
    UNUSED(err); /* a mark that stays costs one more refill */
}

int refill_without_wal(const struct process *p, struct buf *error)
{
    char from[PATH_TEXT_MAX];
    char to[PATH_TEXT_MAX];

    process_path(p, "db", from);
    process_path(p, "db.wal.damaged", to);
    int err = file_move_all(from, ".log", to);
    if (err != 0)
        buf_printf(error, "cannot put the logs of %s aside: %s", from,
                   strerror(errno));
    return err;
}

void refill_remember(const struct process *p)
{
    int err = write_mark(p, MARK_DAMAGED);
    UNUSED(err); /* then the next start finds out for itself */
}

void refill_remember_copy(const struct process *p)
{
    int err = write_mark(p, MARK_COPY);
    UNUSED(err); /* then the others refuse it, or it learns it again */
}

int refill_refused(const struct process *p, struct buf *error)
{
    char path[PATH_TEXT_MAX];

    process_path(p, MARK_NAME, path);
    if (refill_trust(p) == DATA_UNPROVEN) {
        buf_printf(error,
                   "another process goes on with a copy of this data "
                   "directory (%s says so): use the one that was used last",
                   path);
        return ERR_CORRUPT;
    }
    buf_printf(error,
               "the database was found to be damaged while it was in use (%s "
               "says so): restore the data directory from a backup of this "
               "node",
               path);
    return ERR_CORRUPT;
}
