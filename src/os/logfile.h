/*
 * Where the lines of base/log.h go: standard output or a file, and syslog as
 * well if asked for. A line is as Redis's:
 *
 *   PID:ROLE DD Mon YYYY HH:MM:SS.mmm LEVEL message
 *
 * ROLE: M leader, S follower, C candidate, X before it is one of these.
 * LEVEL: . debug, - verbose, * notice, # warning. Local time.
 *
 * A file that was moved away (logrotate) is made anew with the next line. A
 * line that cannot be written is lost, and nothing else happens. Lines may
 * come from any thread; everything else belongs to one.
 */
#ifndef OS_LOGFILE_H
#define OS_LOGFILE_H

#include "base/base.h"
#include "base/log.h"

#include <stdatomic.h>

struct logfile {
    struct logger logger; /* what the rooms get; its level may be changed */
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
