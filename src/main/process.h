/*
 * The process around the node: data directory, single-instance lock, log,
 * background, pid file, crash report.
 */
#ifndef MAIN_PROCESS_H
#define MAIN_PROCESS_H

#include "base/base.h"
#include "base/buf.h"
#include "config/config.h"
#include "os/logfile.h"

#define PATH_TEXT_MAX 4096

struct process {
    struct logfile logfile;
    bool log_open;
    int lock_fd;
    int ready_fd; /* whoever started the daemon waits there; -1: nobody */
    char dir[PATH_TEXT_MAX];     /* absolute */
    bool dir_shared;             /* others can write to it */
    char pidfile[PATH_TEXT_MAX]; /* "": none */
    char executable[PATH_TEXT_MAX];
};

/* Makes and locks the data directory, opens the log, goes to the background
 * if wanted. On failure a message that says what to do; then call
 * process_end() as well. */
MUST_USE int process_begin(struct process *p, const struct config *c,
                           struct buf *error);
/* The node serves clients: whoever started the daemon need not wait longer. */
void process_ready(struct process *p);
/* Removes the pid file, closes lock and log. */
void process_end(struct process *p);

/* "DIR/NAME" of a file in the data directory. */
void process_path(const struct process *p, const char *name,
                  char out[PATH_TEXT_MAX]);

#endif
