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

static int64_t shown_us(clockid_t clock)
{
    struct timespec t;
    int err = clock_gettime(clock, &t);
    ASSERT(err == 0);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Conditions cannot wait by the clock of os/clock.h, which goes on while the
 * machine is suspended. */
static struct timespec deadline(int64_t until_us)
{
    int64_t us =
        shown_us(CLOCK_MONOTONIC) + MAX(until_us - shown_us(CLOCK_BOOTTIME), 0);
    return (struct timespec){.tv_sec = (time_t)(us / 1000000),
                             .tv_nsec = (long)(us % 1000000) * 1000};
}

void cond_wait_until(struct cond *c, struct mutex *m, int64_t until_us)
{
    ASSERT(until_us >= 0);
    struct timespec until = deadline(until_us);
    int err = pthread_cond_timedwait(&c->raw, &m->raw, &until);
    ASSERT(err == 0 || err == ETIMEDOUT);
}

void cond_wake(struct cond *c)
{
    int err = pthread_cond_broadcast(&c->raw);
    ASSERT(err == 0);
}
