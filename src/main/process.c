/*
 * The way to the background comes before the store is opened, whose threads
 * would not come along. Whoever started it waits until the node is ready, and
 * gets message and exit status if it never is. The lock survives that step,
 * because it belongs to the open file, which the child inherits.
 *
 * How it fails: a data directory that cannot be used or locked, a log that
 * cannot be opened and a failed step to the background are errors with a text,
 * and end the start. A pid file that cannot be written is a warning; the
 * process number in the lock file is only for the message, so its loss is
 * ignored.
 */
#include "main/process.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "os/file.h"
#include "os/process.h"
#include "os/signal.h"

#define LOCK_NAME "LOCK.vard"

void process_path(const struct process *p, const char *name,
                  char out[PATH_TEXT_MAX])
{
    int len = snprintf(out, PATH_TEXT_MAX, "%s/%s", p->dir, name);
    ASSERT(len > 0 && len < PATH_TEXT_MAX); /* see make_dir() */
}

static int make_dir(struct process *p, const char *dir, struct buf *error)
{
    int err = file_make_dir(dir);
    if (err != 0) {
        buf_printf(error, "cannot make the data directory %s: %s", dir,
                   strerror(errno));
        return err;
    }
    char absolute[PATH_MAX];
    bool known = realpath(dir, absolute) != NULL;
    if (!known || strlen(absolute) > PATH_TEXT_MAX - 64) {
        buf_printf(error, "cannot use the data directory %s: %s", dir,
                   known ? "its name is too long" : strerror(errno));
        return ERR_IO;
    }
    snprintf(p->dir, sizeof(p->dir), "%s", absolute);
    err = file_check_dir(p->dir, &p->dir_shared);
    if (err == ERR_AUTH)
        buf_printf(error,
                   "this user may not read, write and search the data "
                   "directory %s: correct its owner or its mode, or choose "
                   "another one with the option dir",
                   p->dir);
    else if (err != 0)
        buf_printf(error,
                   "the data directory %s belongs to another user, and this "
                   "is root: start vard as that user, correct the owner, or "
                   "choose another directory with the option dir",
                   p->dir);
    return err;
}

static void warn_shared(const struct process *p)
{
    if (p->dir_shared)
        log_warning(&p->logfile.logger,
                    "other users can write to the data directory %s: they can "
                    "destroy the data; unless a volume needs this, protect it "
                    "with chmod 700",
                    p->dir);
}

/* Who holds the lock, from what it wrote into the file. */
static void name_holder(const char *path, struct buf *error)
{
    struct buf text = BUF_INIT;
    if (file_read(path, 64, &text) == 0) {
        size_t len = 0;
        while (len < text.len && text.data[len] >= '0' && text.data[len] <= '9')
            len++;
        if (len > 0)
            buf_printf(error, " (process %.*s)", (int)len,
                       (const char *)text.data);
    }
    buf_release(&text);
}

static int lock_dir(struct process *p, struct buf *error)
{
    char path[PATH_TEXT_MAX];
    process_path(p, LOCK_NAME, path);
    p->lock_fd = file_lock(path);
    if (p->lock_fd >= 0)
        return 0;
    int err = p->lock_fd;
    if (err == ERR_BUSY) {
        buf_printf(error, "another vard is running in %s", p->dir);
        name_holder(path, error);
        buf_str(error, ": stop it, or give each node a directory of its own "
                       "with the option dir");
    } else {
        buf_printf(error, "cannot lock %s: %s", path, strerror(errno));
    }
    return err;
}

static void write_lock(const struct process *p)
{
    char text[NUM_TEXT_MAX + 1];
    ASSERT(p->lock_fd >= 0);
    size_t len = num_format_i64(process_id(), text);
    text[len++] = '\n';
    if (ftruncate(p->lock_fd, 0) == 0) {
        int err = file_pwrite(p->lock_fd, text, len, 0);
        UNUSED(err); /* only the message to others is poorer then */
    }
}

static int open_log(struct process *p, const struct config *c,
                    struct buf *error)
{
    int err = logfile_open(&p->logfile, c->logfile, (enum log_level)c->loglevel,
                           c->syslog_enabled);
    if (err != 0) {
        buf_printf(error, "cannot open the log file %s: %s", c->logfile,
                   strerror(errno));
        return err;
    }
    p->log_open = true;
    signal_crash_report(p->logfile.fd);
    return 0;
}

static void find_executable(struct process *p)
{
    ssize_t len =
        readlink("/proc/self/exe", p->executable, sizeof(p->executable) - 1);
    p->executable[MAX(len, 0)] = '\0';
}

static void write_pidfile(struct process *p, const struct config *c)
{
    if (c->pidfile[0] == '\0')
        return;
    snprintf(p->pidfile, sizeof(p->pidfile), "%s", c->pidfile);
    if (process_write_pidfile(p->pidfile) != 0) {
        log_warning(&p->logfile.logger, "cannot write the pid file %s: %s",
                    p->pidfile, strerror(errno));
        p->pidfile[0] = '\0';
    }
}

int process_begin(struct process *p, const struct config *c, struct buf *error)
{
    *p = (struct process){.lock_fd = -1, .ready_fd = -1};
    process_umask(077);
    signal_ignore();
    find_executable(p);
    int err = make_dir(p, c->dir, error);
    if (err == 0)
        err = lock_dir(p, error);
    if (err == 0)
        err = open_log(p, c, error);
    if (err != 0)
        return err;
    if (c->daemonize) {
        p->ready_fd = process_daemonize();
        if (p->ready_fd < 0) {
            buf_printf(error, "cannot go to the background: %s",
                       strerror(errno));
            return p->ready_fd;
        }
    }
    warn_shared(p);
    write_lock(p);
    write_pidfile(p, c);
    return 0;
}

void process_ready(struct process *p)
{
    if (p->ready_fd >= 0)
        process_daemon_ready(p->ready_fd);
    p->ready_fd = -1;
}

void process_end(struct process *p)
{
    if (p->pidfile[0] != '\0')
        process_remove_pidfile(p->pidfile);
    if (p->log_open)
        logfile_close(&p->logfile);
    p->log_open = false;
    if (p->lock_fd >= 0)
        (void)close(p->lock_fd);
    p->lock_fd = -1;
}
