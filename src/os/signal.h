/*
 * Signals that need no event loop. SIGTERM and SIGINT are the loop's (room
 * net), which turns them into an orderly shutdown.
 */
#ifndef OS_SIGNAL_H
#define OS_SIGNAL_H

#include "base/base.h"

/* SIGPIPE (a write returns an error) and SIGHUP (a daemon has no terminal). */
void signal_ignore(void);

/* On SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT the process writes version,
 * signal, address and stack to `fd`, then ends by that signal. A second call
 * only changes the descriptor, which must stay open. */
void signal_crash_report(int fd);

#endif
