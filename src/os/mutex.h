/*
 * What threads share state with: a mutex, and a condition to wait for. Timed
 * waits go by the monotonic clock. These calls fail only when they are used
 * wrongly, so failures are assertions.
 */
#ifndef OS_MUTEX_H
#define OS_MUTEX_H

#include "base/base.h"

#include <pthread.h>

struct mutex {
    pthread_mutex_t raw;
};

/* Not recursive. No thread may hold it when it is destroyed. */
void mutex_init(struct mutex *m);
void mutex_destroy(struct mutex *m);
void mutex_lock(struct mutex *m);
void mutex_unlock(struct mutex *m);

struct cond {
    pthread_cond_t raw;
};

/* No thread may wait for it when it is destroyed. */
void cond_init(struct cond *c);
void cond_destroy(struct cond *c);
/* Gives the mutex away, waits, and takes it back. May return without having
 * been woken: look again at what is waited for. */
void cond_wait(struct cond *c, struct mutex *m);
/* The same, but waits no longer than until clock_mono_us() is `until_us`. */
void cond_wait_until(struct cond *c, struct mutex *m, int64_t until_us);
/* Wakes all who wait; with or without the mutex. */
void cond_wake(struct cond *c);

#endif
