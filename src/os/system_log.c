/*
 * The C library keeps the connection to the system's log.
 *
 * How it fails: unseen. The library drops lines when no process listens there,
 * and syslog(3) returns nothing.
 */
#include "os/system_log.h"

#include "base/base.h"

#include <syslog.h>

void system_log_open(void)
{
    openlog("vard", LOG_PID | LOG_NDELAY | LOG_NOWAIT, LOG_LOCAL0);
}

void system_log_close(void)
{
    closelog();
}

void system_log_write(int level, const char *line)
{
    static const int priorities[] = {LOG_DEBUG, LOG_INFO, LOG_NOTICE,
                                     LOG_WARNING};
    ASSERT(level >= 0 && (size_t)level < ARRAY_LEN(priorities));
    ASSERT(line != NULL);
    syslog(priorities[level], "%s", line);
}
