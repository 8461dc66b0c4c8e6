/*
 * Children of a test program: each looks at one directory, several at a time,
 * with a limit of time. A crash of the code under test ends the child alone.
 */
#ifndef DISK_CHILD_H
#define DISK_CHILD_H

#include "base/base.h"
#include "base/buf.h"
#include "verify.h"

#define CHILDREN_MAX 16

/* What the owner wants to know when it is done. */
struct child_job {
    char label[160];
    void *tally;
    bool may_refuse; /* that would not be a failure */
};

struct children {
    uint32_t max;
    uint32_t count;
    struct {
        struct verify_child child;
        struct child_job job;
    } list[CHILDREN_MAX];
    int out; /* in the child: what it reports to */
    void (*finished)(void *ctx, struct child_job *job, enum verdict v,
                     const struct buf *why);
    void *ctx;
};

void children_init(struct children *c, uint32_t max,
                   void (*finished)(void *ctx, struct child_job *job,
                                    enum verdict v, const struct buf *why),
                   void *ctx);
/* True in the child, which must end with verify_report(children_out()). In
 * the parent, waits for the oldest one first if there are too many. */
bool children_fork(struct children *c, const struct child_job *job);
int children_out(const struct children *c);
void children_wait(struct children *c);

/* fork() of a process that is ended after so many seconds. */
int child_fork(uint32_t seconds);
/* Its status as waitpid gives it. */
int child_wait(int pid);
void child_remove_tree(const char *dir);

#endif
