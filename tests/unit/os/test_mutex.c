/*
 * A mutex keeps threads apart, a condition wakes them, and timed waits go by
 * the monotonic clock.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/clock.h"
#include "os/mutex.h"
#include "os/process.h"

#define ROUNDS 1000

struct shared {
    struct mutex lock;
    struct cond turned;
    int turn; /* of thread 0 or 1 */
    int count;
};

static void take_turns(struct shared *s, int self)
{
    for (int i = 0; i < ROUNDS; i++) {
        mutex_lock(&s->lock);
        while (s->turn != self)
            cond_wait(&s->turned, &s->lock);
        s->count++;
        s->turn = 1 - self;
        cond_wake(&s->turned);
        mutex_unlock(&s->lock);
    }
}

static void *run(void *ctx)
{
    take_turns(ctx, 1);
    return NULL;
}

static void threads_take_turns(void **state)
{
    UNUSED(state);
    struct shared s = {.turn = 0, .count = 0};
    pthread_t thread;
    mutex_init(&s.lock);
    cond_init(&s.turned);
    process_thread_start(&thread, run, &s);
    take_turns(&s, 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(s.count, 2 * ROUNDS);
    cond_destroy(&s.turned);
    mutex_destroy(&s.lock);
}

/* Nobody wakes it, so that it returns at all is the test. */
static void a_timed_wait_ends(void **state)
{
    UNUSED(state);
    struct shared s = {.turn = 0};
    mutex_init(&s.lock);
    cond_init(&s.turned);
    mutex_lock(&s.lock);
    int64_t until_us = clock_mono_us() + 2000;
    while (clock_mono_us() < until_us)
        cond_wait_until(&s.turned, &s.lock, until_us);
    cond_wait_until(&s.turned, &s.lock, 0); /* long ago */
    mutex_unlock(&s.lock);
    cond_destroy(&s.turned);
    mutex_destroy(&s.lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_take_turns),
        cmocka_unit_test(a_timed_wait_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
