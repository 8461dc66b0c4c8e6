/*
 * The counters behind INFO.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/stats.h"

#include <stdio.h>

static void errors_are_counted_by_code(void **state)
{
    struct stats s;
    UNUSED(state);
    stats_init(&s, 1);
    assert_false(stats_reply(&s, BYTES_LIT("+OK\r\n")));
    assert_false(stats_reply(&s, BYTES_NONE));
    assert_true(stats_reply(&s, BYTES_LIT("-ERR a b\r\n")));
    assert_true(stats_reply(&s, BYTES_LIT("-ERR c\r\n")));
    assert_true(stats_reply(&s, BYTES_LIT("-NOAUTH\r\n")));
    assert_int_equal(s.error_replies, 3);
    assert_int_equal(*(uint64_t *)map_get(&s.errors, BYTES_LIT("ERR")), 2);
    assert_int_equal(*(uint64_t *)map_get(&s.errors, BYTES_LIT("NOAUTH")), 1);
    stats_release(&s);
}

static void error_codes_are_bounded(void **state)
{
    struct stats s;
    char text[32];
    UNUSED(state);
    stats_init(&s, 1);
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof(text), "-E%d x\r\n", i);
        assert_true(stats_reply(&s, bytes_str(text)));
    }
    assert_int_equal(s.errors.count, STATS_ERRORS);
    assert_int_equal(s.error_replies, 1000);
    stats_reset(&s);
    assert_int_equal(s.errors.count, 0);
    assert_int_equal(s.error_replies, 0);
    stats_release(&s);
}

static void commands_have_counters_of_their_own(void **state)
{
    struct stats s;
    UNUSED(state);
    stats_init(&s, 1);
    for (enum cmd_id i = 0; i < CMD_ID_COUNT; i++)
        stats_of(&s, cmd_by_id(i))->calls = (uint64_t)i + 1;
    for (enum cmd_id i = 0; i < CMD_ID_COUNT; i++)
        assert_int_equal(stats_of(&s, cmd_by_id(i))->calls, i + 1);
    stats_release(&s);
}

static void calls_are_timed(void **state)
{
    struct stats s;
    UNUSED(state);
    stats_init(&s, 1);
    const struct stats_command *c = stats_of(&s, cmd_by_id(CMD_ID_GET));
    assert_null(c->latency);
    stats_called(&s, cmd_by_id(CMD_ID_GET), 7);
    stats_called(&s, cmd_by_id(CMD_ID_GET), -1);
    assert_int_equal(c->calls, 2);
    assert_int_equal(c->usec, 7);
    assert_int_equal(c->latency->slots[7], 1);
    assert_int_equal(c->latency->slots[0], 1);
    assert_null(stats_of(&s, cmd_by_id(CMD_ID_SET))->latency);
    stats_reset(&s);
    assert_null(stats_of(&s, cmd_by_id(CMD_ID_GET))->latency);
    stats_release(&s);
}

static void rates(void **state)
{
    struct stats s;
    UNUSED(state);
    stats_init(&s, 1);
    stats_sample(&s, 1000);
    for (int i = 1; i <= STATS_SAMPLES; i++) {
        s.commands_processed += 50;
        stats_sample(&s, 1000 + 100 * i);
    }
    assert_int_equal(stats_rate_value(&s.commands_rate), 500);
    stats_sample(&s, 1000 + 100 * STATS_SAMPLES + 1); /* too soon: no sample */
    assert_int_equal(stats_rate_value(&s.commands_rate), 500);
    for (int i = 1; i <= STATS_SAMPLES; i++)
        stats_sample(&s, 5000 + 100 * i);
    assert_int_equal(stats_rate_value(&s.commands_rate), 0);
    stats_release(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_are_counted_by_code),
        cmocka_unit_test(error_codes_are_bounded),
        cmocka_unit_test(commands_have_counters_of_their_own),
        cmocka_unit_test(calls_are_timed),
        cmocka_unit_test(rates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
