/*
 * The program's own log (not the Raft log): levels and a sink. Rooms without
 * system calls log through it; src/os/logfile.h adds time, process and role,
 * and writes the lines.
 *
 * Levels and their names are those of Redis.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/base.h"
#include "base/bytes.h"

enum log_level { LOG_DEBUG, LOG_VERBOSE, LOG_NOTICE, LOG_WARNING };

struct logger {
    enum log_level level; /* less important lines are dropped */
    void (*write)(void *ctx, enum log_level level, const char *line,
                  size_t len);
    void *ctx;
};

/* Logs a line of at most 1,000 bytes, without the newline. Control characters
 * in it are written as \xHH. `log` may be NULL: nothing is logged. */
void log_line(const struct logger *log, enum log_level level,
              const char *format, ...) PRINTF(3, 4);

#define log_debug(log, ...)   log_line((log), LOG_DEBUG, __VA_ARGS__)
#define log_verbose(log, ...) log_line((log), LOG_VERBOSE, __VA_ARGS__)
#define log_notice(log, ...)  log_line((log), LOG_NOTICE, __VA_ARGS__)
#define log_warning(log, ...) log_line((log), LOG_WARNING, __VA_ARGS__)

#endif
