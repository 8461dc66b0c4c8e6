/*
 * Where the lines of base/log.h go: standard output or a file, and syslog as
 * well if asked for. A line is as Redis's:
 *
 *   PID:ROLE DD Mon YYYY HH:MM:SS.mmm LEVEL message
 *
 * ROLE: M leader, S follower, C candidate, X before it is one of these.
 * LEVEL: . debug, - verbose, * notice, # warning. Local time.
 *
 * When the file was moved away (logrotate), the next line creates a new one. A
 * line that cannot be written is lost, without further consequences. Any thread
 * may log; everything else belongs to one thread.
 */
#ifndef OS_LOGFILE_H
#define OS_LOGFILE_H

#include "base/base.h"
#include "base/log.h"

#include <stdatomic.h>

struct logfile {
    struct logger logger; /* given to the rooms; its level may be changed */
    int fd;               /* stays the same number: for the crash report */
    char *path;           /* NULL: standard output */
    _Atomic char role;
    bool to_syslog;
};

/* `path` "" is standard output. ERR_IO when the file cannot be opened (errno
 * says why); then nothing needs to be closed. The struct must not move. */
MUST_USE int logfile_open(struct logfile *l, const char *path,
                          enum log_level level, bool to_syslog);
void logfile_close(struct logfile *l);
void logfile_set_role(struct logfile *l, char role);

#endif
