/*
 * There is one write(2) per line, to a descriptor in append mode, so lines of
 * several threads do not mix. Before each line the file's name is looked up: if
 * it does not lead to our file any more, the file was rotated away, and the
 * name is opened again under the same descriptor number.
 *
 * How it fails: opening returns ERR_IO. Afterwards a line that cannot be
 * written is lost, because a full disk must not stop the node from serving
 * reads; and while the name cannot be opened again, the old file is used.
 */
#include "os/logfile.h"

#include "base/alloc.h"
#include "os/clock.h"
#include "os/process.h"
#include "os/system_log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LINE_SIZE 1200

static const char month_names[12][4] = {"Jan", "Feb", "Mar", "Apr",
                                        "May", "Jun", "Jul", "Aug",
                                        "Sep", "Oct", "Nov", "Dec"};

static int open_log(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
}

static void reopen_if_moved(const struct logfile *l)
{
    struct stat ours;
    struct stat named;
    if (fstat(l->fd, &ours) == 0 && stat(l->path, &named) == 0 &&
        ours.st_dev == named.st_dev && ours.st_ino == named.st_ino)
        return;
    int fd = open_log(l->path);
    if (fd < 0)
        return; /* the old file is better than none */
    (void)dup3(fd, l->fd, O_CLOEXEC);
    (void)close(fd);
}

static int format_line(const struct logfile *l, enum log_level level,
                       const char *line, char out[LINE_SIZE])
{
    int64_t now_ms = clock_wall_ms();
    time_t now_s = (time_t)(now_ms / 1000);
    struct tm tm;
    if (localtime_r(&now_s, &tm) == NULL)
        tm = (struct tm){.tm_mday = 1};
    ASSERT(tm.tm_mon >= 0 && tm.tm_mon < 12);
    ASSERT(level <= LOG_WARNING);
    return snprintf(
        out, LINE_SIZE, "%" PRId64 ":%c %02d %s %d %02d:%02d:%02d.%03d %c %s\n",
        process_id(), atomic_load(&l->role), tm.tm_mday, month_names[tm.tm_mon],
        tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec,
        (int)(now_ms % 1000), ".-*#"[level], line);
}

static void write_line(void *ctx, enum log_level level, const char *line,
                       size_t len)
{
    struct logfile *l = ctx;
    ASSERT(l->fd >= 0);
    ASSERT(line[len] == '\0');
    int saved = errno;
    if (l->path != NULL)
        reopen_if_moved(l);
    char text[LINE_SIZE];
    int size = format_line(l, level, line, text);
    ssize_t n = -1;
    if (size > 0)
        n = write(l->fd, text, (size_t)MIN(size, LINE_SIZE - 1));
    UNUSED(n); /* a full disk must not stop the node from serving reads */
    if (l->to_syslog)
        system_log_write((int)level, line);
    errno = saved;
}

int logfile_open(struct logfile *l, const char *path, enum log_level level,
                 bool to_syslog)
{
    ASSERT(l != NULL && path != NULL);
    ASSERT(level <= LOG_WARNING);
    *l = (struct logfile){.fd = STDOUT_FILENO, .to_syslog = to_syslog};
    atomic_init(&l->role, 'X');
    l->logger = (struct logger){level, write_line, l};
    if (path[0] != '\0') {
        l->fd = open_log(path);
        if (l->fd < 0)
            return ERR_IO;
        l->path = mem_strdup(path);
    }
    if (to_syslog)
        system_log_open();
    return 0;
}

void logfile_close(struct logfile *l)
{
    ASSERT(l != NULL);
    if (l->path != NULL)
        (void)close(l->fd);
    if (l->to_syslog)
        system_log_close();
    mem_free(l->path);
    l->path = NULL;
    l->fd = -1;
}

void logfile_set_role(struct logfile *l, char role)
{
    ASSERT(role == 'M' || role == 'S' || role == 'C' || role == 'X');
    atomic_store(&l->role, role);
}
