/*
 * Pthreads. How it fails: not at all, unless a caller makes a mistake.
 */
#include "os/mutex.h"

#include <errno.h>
#include <time.h>

void mutex_init(struct mutex *m)
{
    int err = pthread_mutex_init(&m->raw, NULL);
    ASSERT(err == 0);
}

void mutex_destroy(struct mutex *m)
{
    int err = pthread_mutex_destroy(&m->raw);
    ASSERT(err == 0);
}

void mutex_lock(struct mutex *m)
{
    int err = pthread_mutex_lock(&m->raw);
    ASSERT(err == 0);
}

void mutex_unlock(struct mutex *m)
{
    int err = pthread_mutex_unlock(&m->raw);
    ASSERT(err == 0);
}

void cond_init(struct cond *c)
{
    pthread_condattr_t attr;
    int err = pthread_condattr_init(&attr);
    ASSERT(err == 0);
    err = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    ASSERT(err == 0);
    err = pthread_cond_init(&c->raw, &attr);
    ASSERT(err == 0);
    err = pthread_condattr_destroy(&attr);
    ASSERT(err == 0);
}

void cond_destroy(struct cond *c)
{
    int err = pthread_cond_destroy(&c->raw);
    ASSERT(err == 0);
}

void cond_wait(struct cond *c, struct mutex *m)
{
    int err = pthread_cond_wait(&c->raw, &m->raw);
    ASSERT(err == 0);
}

void cond_wait_until(struct cond *c, struct mutex *m, int64_t until_us)
{
    ASSERT(until_us >= 0);
    struct timespec until = {.tv_sec = (time_t)(until_us / 1000000),
                             .tv_nsec = (long)(until_us % 1000000) * 1000};
    int err = pthread_cond_timedwait(&c->raw, &m->raw, &until);
    ASSERT(err == 0 || err == ETIMEDOUT);
}

void cond_wake(struct cond *c)
{
    int err = pthread_cond_broadcast(&c->raw);
    ASSERT(err == 0);
}
