/*
 * The process as a whole: going to the background, limits, what it uses.
 */
#ifndef OS_PROCESS_H
#define OS_PROCESS_H

#include "base/base.h"

#include <pthread.h>

int64_t process_id(void);

/* Goes to the background: a child in a session of its own goes on. The parent
 * waits for process_daemon_ready() and exits with 0, or with 1 when the child
 * ends before. Standard input and output become /dev/null, standard error when
 * ready. Before any thread is started. Relative paths keep their meaning.
 * Returns the descriptor for process_daemon_ready(), or an error. */
MUST_USE int process_daemonize(void);
void process_daemon_ready(int fd);

MUST_USE int process_write_pidfile(const char *path);
/* Only if it is (still) this process's. */
void process_remove_pidfile(const char *path);

/* Tries to be allowed `wanted` open files; returns how many are, which may
 * be fewer or more. */
uint64_t process_raise_files(uint64_t wanted);

/* A thread that takes no signals: they are the main thread's. There is no
 * going on without it, as without memory. */
void process_thread_start(pthread_t *thread, void *(*run)(void *ctx),
                          void *ctx);

/* Of the calling thread: a name for top and ps, at most 15 bytes, and less of
 * the processor where others want it, too. */
void process_thread_yields(const char *name);

/* The mode bits that files made from now on do not get. */
void process_umask(uint32_t mask);

struct process_usage {
    int64_t user_us;   /* processor time in the program */
    int64_t system_us; /* and in the kernel for it */
    uint64_t resident_bytes_max;
};

struct process_usage process_usage(void);
/* Memory that is in RAM now; 0 when the system does not tell. */
uint64_t process_resident_bytes(void);
/* Memory of the machine; 0 when the system does not tell. */
uint64_t process_memory_bytes(void);

#define PROCESS_UNAME_MAX 256
/* System, release and machine: "Linux 6.1.0 x86_64". */
void process_uname(char out[PROCESS_UNAME_MAX]);

#endif
