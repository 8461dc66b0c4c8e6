/*
 * How it works: the loop watches level-triggered, so stopping after a few
 * connections loses nothing.
 *
 * How it fails: when the process is out of descriptors, it logs that at most
 * once a second and tries again after a tenth of a second; meanwhile the
 * kernel's backlog holds the connections. Any other error of accept(2) concerns
 * one connection that does not exist any more; it is handled in the same way,
 * since spinning on it would be worse.
 */
#include "net/listener.h"

#include "os/clock.h"
#include "os/socket.h"

#include <errno.h>
#include <string.h>

#define ACCEPTS_PER_EVENT 10
#define PAUSE_MS          100
#define LOG_EVERY_MS      1000

static void pause_accepting(struct listener *s, int err)
{
    ASSERT(err < 0);
    int saved = errno;
    loop_io_set(s->loop, &s->io, 0);
    loop_timer_start(s->loop, &s->resume, PAUSE_MS);
    int64_t now = clock_mono_ms();
    if (s->logged_at_ms != 0 && now - s->logged_at_ms < LOG_EVERY_MS)
        return;
    s->logged_at_ms = now;
    log_warning(s->log, "accepting connections failed: %s%s", strerror(saved),
                err == ERR_LIMIT ? " (raise the limit of open files)" : "");
}

static void resume_cb(void *ctx)
{
    struct listener *s = ctx;
    ASSERT(s->fd >= 0);
    loop_io_set(s->loop, &s->io, LOOP_READ);
}

static void io_cb(void *ctx, int events)
{
    struct listener *s = ctx;
    UNUSED(events);
    for (int i = 0; i < ACCEPTS_PER_EVENT && s->fd >= 0; i++) {
        struct address peer;
        int fd = socket_accept(s->fd, &peer);
        if (fd == ERR_AGAIN)
            return;
        if (fd < 0) {
            pause_accepting(s, fd);
            return;
        }
        char text[ADDRESS_TEXT_MAX];
        address_format(&peer, text);
        s->accepted(s->ctx, fd, text);
    }
}

void listener_open(struct listener *s, struct loop *l, int fd,
                   const struct logger *log)
{
    ASSERT(fd >= 0);
    ASSERT(s->accepted != NULL);
    s->loop = l;
    s->log = log;
    s->fd = fd;
    s->logged_at_ms = 0;
    s->io = (struct loop_io){NULL, io_cb, s};
    s->resume = (struct loop_timer){NULL, resume_cb, s};
    loop_io_start(l, &s->io, fd, LOOP_READ);
}

void listener_close(struct listener *s)
{
    if (s->fd < 0)
        return;
    loop_io_stop(s->loop, &s->io);
    loop_timer_stop(s->loop, &s->resume);
    socket_close(s->fd);
    s->fd = -1;
}
