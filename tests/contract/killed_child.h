/*
 * Work that ends in a crash, in a process of its own. The test program starts
 * itself again (a fork alone would lack RocksDB's threads) as
 * "program crash NUMBER PATH", does piece of work NUMBER on the database at
 * PATH, and ends itself with SIGKILL. For tests only.
 */
#ifndef CONTRACT_KILLED_CHILD_H
#define CONTRACT_KILLED_CHILD_H

#include "base/base.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

NORETURN static inline void killed_child_end(void)
{
    kill(getpid(), SIGKILL);
    _exit(3);
}

/* Runs it; true if it got as far as killing itself. */
static inline bool killed_child_run(const char *number, const char *path)
{
    fflush(NULL);
    pid_t pid = fork();
    ASSERT(pid >= 0);
    if (pid == 0) {
        execl("/proc/self/exe", "test", "crash", number, path, (char *)NULL);
        _exit(4);
    }
    int status = 0;
    pid_t got = waitpid(pid, &status, 0);
    ASSERT(got == pid);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

/* In main(): whether this process is the child. */
static inline bool killed_child_is(int argc, char **argv)
{
    return argc == 4 && strcmp(argv[1], "crash") == 0;
}

#endif
