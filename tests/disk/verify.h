/*
 * Is what stands in a directory right, given what was promised?
 */
#ifndef DISK_VERIFY_H
#define DISK_VERIFY_H

#include "base/base.h"
#include "base/buf.h"
#include "history.h"

#define VERDICTS(X)                                                            \
    X(RIGHT, "right")     /* opens, and everything is as it must be */         \
    X(REFUSED, "refused") /* does not open, and says why */                    \
    X(STOPPED, "stopped") /* ends while running, and says why */               \
    X(ABORTED, "aborted") /* by an assertion of RocksDB's, after an error */   \
    X(WRONG, "wrong")     /* serves something else than was promised */        \
    X(CRASHED, "crashed") /* killed by a signal: no word of explanation */     \
    X(STUCK, "stuck")     /* does not end */

enum verdict {
#define X(name, text) VERDICT_##name,
    VERDICTS(X)
#undef X
        VERDICT_COUNT,
};

const char *verdict_text(enum verdict v);

/* Opens the directory, reads all of log and state and compares. `why` gets a
 * text unless it is right. With `goes_on`, it is then written to, closed,
 * opened and looked at once more. */
enum verdict verify(const char *dir, const struct history *h, bool goes_on,
                    struct buf *why);

/* A process that looks at a directory. */
struct verify_child {
    int pid;
    int out; /* what it says */
};
void verify_collect(const struct verify_child *c, enum verdict *v,
                    struct buf *why);
/* To be called in the child: reports and ends it. */
NORETURN void verify_report(int out, enum verdict v, const struct buf *why);

#endif
