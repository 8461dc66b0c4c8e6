/*
 * The process as a whole: running in the background, limits, resource use.
 */
#ifndef OS_PROCESS_H
#define OS_PROCESS_H

#include "base/base.h"

#include <pthread.h>

int64_t process_id(void);

/* Continues in the background, as a child process in a session of its own. The
 * parent waits for process_daemon_ready() and exits with 0, or with 1 if the
 * child ends before. Standard input and output become /dev/null at once,
 * standard error when ready. It must be called before any thread is started.
 * Relative paths keep their meaning. Returns the descriptor for
 * process_daemon_ready(), or an error. */
MUST_USE int process_daemonize(void);
void process_daemon_ready(int fd);

MUST_USE int process_write_pidfile(const char *path);
/* Only if the file (still) contains this process's id. */
void process_remove_pidfile(const char *path);

/* Tries to raise the limit of open files to `wanted`; returns the limit, which
 * may be lower or higher. */
uint64_t process_raise_files(uint64_t wanted);

/* Starts a thread that takes no signals; the main thread takes them. A failure
 * ends the process, as running out of memory does. */
void process_thread_start(pthread_t *thread, void *(*run)(void *ctx),
                          void *ctx);

/* The same for one that nobody waits for. ERR_LIMIT: there cannot be one more
 * now. */
MUST_USE int process_thread_detached(void *(*run)(void *ctx), void *ctx);

/* Gives the calling thread a name for top and ps (at most 15 bytes), and a low
 * priority where other threads want the processor, too. */
void process_thread_yields(const char *name);

/* The mode bits that files created from now on do not get. */
void process_umask(uint32_t mask);

struct process_usage {
    int64_t user_us;   /* processor time in the program */
    int64_t system_us; /* and in the kernel for it */
    uint64_t resident_bytes_max;
};

struct process_usage process_usage(void);
/* The same of the calling thread alone, but for the memory. */
struct process_usage process_thread_usage(void);
/* Memory that is in RAM now; 0 if the system does not tell. */
uint64_t process_resident_bytes(void);
/* Memory of the machine; 0 if the system does not tell. */
uint64_t process_memory_bytes(void);

#define PROCESS_UNAME_MAX 256
/* System, release and machine: "Linux 6.1.0 x86_64". */
void process_uname(char out[PROCESS_UNAME_MAX]);

#endif
