/*
 * What is done some times a second, once a second, and when options change.
 */
// link: admin original
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/clock.h"
#include "unit/server/fake_node.h"

/* Turns until the rates were sampled again; how long it took. */
static int64_t until_sampled(struct fixture *f)
{
    int64_t begin_ms = clock_mono_ms();
    int64_t last_ms = f->server->stats.commands_rate.last_ms;
    while (f->server->stats.commands_rate.last_ms == last_ms) {
        assert_true(clock_mono_ms() - begin_ms < 20000);
        turn(f);
    }
    return clock_mono_ms() - begin_ms;
}

/* With hz 10 it takes half a second, and here no more than six times that. */
static void it_runs_so_many_times_a_second(void **state)
{
    struct fixture *f = *state;
    int64_t took_ms = 0;
    f->config.hz = 10;
    (void)until_sampled(f);
    for (int i = 0; i < 5; i++)
        took_ms += until_sampled(f);
    assert_in_range(took_ms, 5 * STATS_SAMPLE_MS / 2, 3000);
}

/* What is for each second is not done at each run. */
static void chores_have_their_second(void **state)
{
    struct fixture *f = *state;
    struct cron *cron = &f->server->cron;
    turn_begin(f->server);
    cron->second_ms = f->server->turn.mono_ms - 999;
    f->server->limits.max_input_bytes = 77;
    cron_run(f->server);
    assert_int_equal(f->server->limits.max_input_bytes, 77);
    cron->second_ms = f->server->turn.mono_ms - 1000;
    cron_run(f->server);
    assert_int_equal(f->server->limits.max_input_bytes, 0);
    assert_int_equal(cron->second_ms, f->server->turn.mono_ms);
    f->server->limits.max_input_bytes = 77;
    cron_run(f->server);
    assert_int_equal(f->server->limits.max_input_bytes, 77);
    turn(f);
}

/* A node hears of the options that it has copies of: at the start, and when
 * they change. */
static void options_are_handed_on(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(f->node->request_timeout_ms, f->config.request_timeout_ms);
    assert_true(f->config.request_timeout_ms > 0);
    f->config.request_timeout_ms = 4321;
    server_config_changed(f->server);
    assert_int_equal(f->node->request_timeout_ms, 4321);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(it_runs_so_many_times_a_second),
        test(chores_have_their_second),
        test(options_are_handed_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
