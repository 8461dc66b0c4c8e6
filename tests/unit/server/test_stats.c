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
    stats_called(&s, cmd_by_id(CMD_ID_COUNT - 1), 9); /* a subcommand */
    assert_int_equal(stats_of(&s, cmd_by_id(CMD_ID_COUNT - 1))->usec, 9);
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

/* A sample may come early, by half its time; what it counts is over the time
 * that has passed. */
static void samples_come_early_or_late(void **state)
{
    static const struct {
        int64_t passed_ms;
        uint64_t sum; /* of the samples; 100 were counted in it */
    } rows[] = {{1, 0},      {STATS_SAMPLE_MS / 2 - 1, 0},
                {50, 2000},  {99, 1010},
                {100, 1000}, {1000, 100},
                {3200, 31}};
    UNUSED(state);
    assert_int_equal(STATS_SAMPLE_MS, 100);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct stats s;
        stats_init(&s, 1);
        stats_sample(&s, 7000);
        s.commands_processed = 100;
        s.input_bytes = 200;
        s.output_bytes = 300;
        stats_sample(&s, 7000 + rows[i].passed_ms);
        uint64_t sum = 0;
        for (size_t j = 0; j < STATS_SAMPLES; j++)
            sum += s.commands_rate.samples[j];
        assert_int_equal(sum, rows[i].sum);
        assert_int_equal(stats_rate_value(&s.commands_rate),
                         rows[i].sum / STATS_SAMPLES);
        assert_int_equal(s.input_rate.samples[0] / 2, rows[i].sum);
        assert_int_equal(s.output_rate.samples[0] / 3, rows[i].sum);
        /* One that was left out does not begin a new one. */
        assert_int_equal(s.commands_rate.last_ms,
                         rows[i].sum == 0 ? 7000 : 7000 + rows[i].passed_ms);
        stats_release(&s);
    }
}

/* The first look is none: it may be long after the counter began. After
 * CONFIG RESETSTAT it counts from nothing, too. */
static void a_first_sample_is_none(void **state)
{
    struct stats s;
    UNUSED(state);
    stats_init(&s, 1);
    s.commands_processed = 5000;
    stats_sample(&s, 7000);
    assert_int_equal(stats_rate_value(&s.commands_rate), 0);
    s.commands_processed = 10; /* it began anew */
    stats_sample(&s, 7100);
    assert_int_equal(stats_rate_value(&s.commands_rate), 0);
    s.commands_processed = 170;
    stats_sample(&s, 7200);
    assert_int_equal(stats_rate_value(&s.commands_rate), 1600 / STATS_SAMPLES);
    stats_release(&s);
}

/* A code ends at a blank or at the line's end, and has 31 bytes at most. */
static void codes_of_errors_have_an_end(void **state)
{
    static const char *const rows[][2] = {
        {"-ERR\r\n", "ERR"},
        {"-A b\r\n", "A"},
        {"-E", "E"},
        {"-ABCDEFGHIJKLMNOPQRSTUVWXYZ01234 x\r\n",
         "ABCDEFGHIJKLMNOPQRSTUVWXYZ01234"},
        {"-ABCDEFGHIJKLMNOPQRSTUVWXYZ012345 x\r\n",
         "ABCDEFGHIJKLMNOPQRSTUVWXYZ01234"},
    };
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct stats s;
        stats_init(&s, 1);
        assert_true(stats_reply(&s, bytes_str(rows[i][0])));
        assert_non_null(map_get(&s.errors, bytes_str(rows[i][1])));
        assert_int_equal(s.errors.count, 1);
        stats_release(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_are_counted_by_code),
        cmocka_unit_test(error_codes_are_bounded),
        cmocka_unit_test(commands_have_counters_of_their_own),
        cmocka_unit_test(calls_are_timed),
        cmocka_unit_test(rates),
        cmocka_unit_test(samples_come_early_or_late),
        cmocka_unit_test(a_first_sample_is_none),
        cmocka_unit_test(codes_of_errors_have_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
