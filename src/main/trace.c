/*
 * Each line is written at once: what was traced is in the file even if the
 * process is killed before its next step.
 *
 * How it fails: a file that cannot be opened is ERR_IO with a text, and ends
 * the start. A line that cannot be written ends the trace with a warning, and
 * the node goes on without it.
 */
#include "main/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/file.h"

int trace_open(struct trace *t, const char *path, const struct logger *log,
               struct buf *error)
{
    t->log = log;
    t->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (t->fd >= 0)
        return 0;
    buf_printf(error, "cannot open the trace file %s: %s", path,
               strerror(errno));
    return ERR_IO;
}

void trace_line(void *ctx, struct bytes line)
{
    struct trace *t = ctx;
    struct buf b = BUF_INIT;

    if (t->fd < 0)
        return;
    buf_printf(&b, "%" PRId64 " ", clock_mono_us());
    buf_bytes(&b, line);
    if (file_write(t->fd, b.data, b.len) != 0) {
        log_warning(t->log, "the trace ends here because writing it failed: %s",
                    strerror(errno));
        trace_close(t);
    }
    buf_release(&b);
}

void trace_close(struct trace *t)
{
    if (t->fd >= 0)
        close(t->fd);
    t->fd = -1;
}
