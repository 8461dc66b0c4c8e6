/*
 * syslog(3), apart from everything else because <syslog.h> and base/log.h
 * name their levels alike. Levels are numbers of enum log_level.
 */
#ifndef OS_SYSTEM_LOG_H
#define OS_SYSTEM_LOG_H

void system_log_open(void);
void system_log_close(void);
void system_log_write(int level, const char *line);

#endif
