/*
 * The oldest child is waited for when there are too many: they take about
 * equally long.
 */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECONDS_MAX 60

void children_init(struct children *c, uint32_t max,
                   void (*finished)(void *ctx, struct child_job *job,
                                    enum verdict v, const struct buf *why),
                   void *ctx)
{
    memset(c, 0, sizeof(*c));
    ASSERT(max > 0);
    c->max = MIN(max, (uint32_t)CHILDREN_MAX);
    c->finished = finished;
    c->ctx = ctx;
}

static void collect_oldest(struct children *c)
{
    struct buf why = BUF_INIT;
    enum verdict v;
    ASSERT(c->count > 0);
    verify_collect(&c->list[0].child, &v, &why);
    c->finished(c->ctx, &c->list[0].job, v, &why);
    buf_release(&why);
    c->count--;
    memmove(&c->list[0], &c->list[1], c->count * sizeof(c->list[0]));
}

bool children_fork(struct children *c, const struct child_job *job)
{
    int ends[2];
    if (c->count == c->max)
        collect_oldest(c);
    fflush(stdout);
    int rc = pipe2(ends, O_CLOEXEC);
    ASSERT(rc == 0);
    int pid = child_fork(SECONDS_MAX);
    if (pid == 0) {
        close(ends[0]);
        c->out = ends[1];
        return true;
    }
    close(ends[1]);
    c->list[c->count].child = (struct verify_child){.pid = pid, .out = ends[0]};
    c->list[c->count].job = *job;
    c->count++;
    return false;
}

int children_out(const struct children *c)
{
    return c->out;
}

void children_wait(struct children *c)
{
    while (c->count > 0)
        collect_oldest(c);
}

int child_fork(uint32_t seconds)
{
    int pid = fork();
    ASSERT(pid >= 0);
    if (pid == 0)
        alarm(seconds);
    return pid;
}

int child_wait(int pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0)
        ASSERT(errno == EINTR);
    return status;
}

static int remove_one(const char *path, const struct stat *st, int flag,
                      struct FTW *ftw)
{
    UNUSED(st);
    UNUSED(flag);
    UNUSED(ftw);
    return remove(path);
}

void child_remove_tree(const char *dir)
{
    int rc = nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    ASSERT(rc == 0 || errno == ENOENT);
}
