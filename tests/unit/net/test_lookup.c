/* Names looked up beside the loop: the answer comes by the loop, or never. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "net/lookup.h"
#include "os/mutex.h"

#include <stdatomic.h>
#include <unistd.h>

#define DEADLINE_MS 20000

/* The function has no context: what it does is set here. */
static atomic_bool held;    /* it does not return as long as this is set */
static atomic_int begun;    /* how often it was called */
static atomic_int returned; /* and how often it is about to return */

static int fake_look_up(struct bytes address, uint32_t nth, struct address *out)
{
    atomic_fetch_add(&begun, 1);
    for (int i = 0; i < 20000 && atomic_load(&held); i++)
        usleep(1000);
    int err = bytes_eq(address, BYTES_LIT("known:1"))
                  ? address_look_up(BYTES_LIT("127.0.0.1:1"), nth, out)
                  : ERR_NOT_FOUND;
    atomic_fetch_add(&returned, 1);
    return err;
}

struct fixture {
    struct loop *loop;
    struct loop_timer deadline, tick;
    int ticks;
    int answers, err;
    bool had_address;
    bool late;
};

static void done(void *ctx, int err, const struct address *a)
{
    struct fixture *f = ctx;
    f->answers++;
    f->err = err;
    f->had_address = a != NULL && address_is_loopback(a);
    loop_stop(f->loop);
}

static void late(void *ctx)
{
    struct fixture *f = ctx;
    f->late = true;
    loop_stop(f->loop);
}

static void tick(void *ctx)
{
    struct fixture *f = ctx;
    f->ticks++;
    if (f->ticks == 5)
        atomic_store(&held, false);
    loop_timer_start(f->loop, &f->tick, 1);
}

static int setup(void **state)
{
    static struct fixture f;
    f = (struct fixture){.loop = loop_new()};
    f.deadline = (struct loop_timer){NULL, late, &f};
    f.tick = (struct loop_timer){NULL, tick, &f};
    atomic_store(&held, false);
    atomic_store(&begun, 0);
    atomic_store(&returned, 0);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    loop_timer_stop(f->loop, &f->deadline);
    loop_timer_stop(f->loop, &f->tick);
    loop_free(f->loop); /* asserts that no handle is left */
    return 0;
}

static struct lookup *start(struct fixture *f, const char *address)
{
    const struct lookup_order order = {address, 0, fake_look_up, done, f};
    struct lookup *k = lookup_start(f->loop, &order);
    assert_non_null(k);
    return k;
}

static void run(struct fixture *f, int64_t ms)
{
    f->late = false;
    loop_timer_start(f->loop, &f->deadline, ms);
    loop_run(f->loop);
}

static void wait_for(atomic_int *counter, int value)
{
    for (int i = 0; i < DEADLINE_MS && atomic_load(counter) < value; i++)
        usleep(1000);
    assert_int_equal(atomic_load(counter), value);
}

static void the_answer_comes_by_the_loop(void **state)
{
    struct fixture *f = *state;
    (void)start(f, "known:1");
    run(f, DEADLINE_MS);
    assert_int_equal(f->answers, 1);
    assert_int_equal(f->err, 0);
    assert_true(f->had_address);
}

static void that_there_is_none_is_an_answer(void **state)
{
    struct fixture *f = *state;
    (void)start(f, "unknown:1");
    run(f, DEADLINE_MS);
    assert_int_equal(f->answers, 1);
    assert_int_equal(f->err, ERR_NOT_FOUND);
    assert_false(f->had_address);
}

/* It takes until the loop has done other things for a while. */
static void the_loop_goes_on(void **state)
{
    struct fixture *f = *state;
    atomic_store(&held, true);
    (void)start(f, "known:1");
    loop_timer_start(f->loop, &f->tick, 0);
    run(f, DEADLINE_MS);
    assert_false(f->late);
    assert_true(f->ticks >= 5);
    assert_int_equal(f->answers, 1);
}

static void cancelled_before_it_ends(void **state)
{
    struct fixture *f = *state;
    atomic_store(&held, true);
    struct lookup *k = start(f, "known:1");
    wait_for(&begun, 1);
    lookup_cancel(k);
    atomic_store(&held, false);
    wait_for(&returned, 1);
    run(f, 20);
    assert_true(f->late);
    assert_int_equal(f->answers, 0);
}

/* The loop was woken, and has not run yet. */
static void cancelled_after_it_ended(void **state)
{
    struct fixture *f = *state;
    for (int i = 1; i <= 50; i++) {
        struct lookup *k = start(f, "known:1");
        wait_for(&returned, i);
        if (i % 2 == 0)
            usleep(500);
        lookup_cancel(k);
    }
    run(f, 20);
    assert_true(f->late);
    assert_int_equal(f->answers, 0);
}

static void several_at_once(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 20; i++)
        (void)start(f, i % 2 == 0 ? "known:1" : "unknown:1");
    for (int i = 0; i < 20 && f->answers < 20; i++)
        run(f, DEADLINE_MS);
    assert_int_equal(f->answers, 20);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_answer_comes_by_the_loop),
        TEST(that_there_is_none_is_an_answer),
        TEST(the_loop_goes_on),
        TEST(cancelled_before_it_ends),
        TEST(cancelled_after_it_ended),
        TEST(several_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
