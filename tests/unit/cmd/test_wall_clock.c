/*
 * Absolute times in commands are those of the wall clock, whatever its offset
 * to the log's time is, and times to live are those of the log.
 */
// link: store data resp table base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "unit/cmd/cmd_fixture.h"

#define HOUR_MS INT64_C(3600000)

/* What the log's time is off the calendar: ahead, behind, before 1970, beyond
 * the year 2200, and nothing. */
static const int64_t offsets[] = {
    0,
    1,
    10 * HOUR_MS,
    -10 * HOUR_MS,
    -START_MS - 5 * HOUR_MS,
    INT64_C(8000000000000),
};

/* Runs "WORDS TIME WORDS", with a time of the wall clock by which it is `ms`
 * from now on, in seconds if the command wants them. */
static const char *at(struct fixture *f, const char *before, int64_t ms,
                      bool seconds, const char *behind)
{
    char line[128];
    int64_t wall_ms = f->time_ms + f->wall_offset_ms + ms;

    snprintf(line, sizeof(line), "%s %lld%s", before,
             (long long)(seconds ? wall_ms / 1000 : wall_ms), behind);
    return fixture_run(f, line);
}

static void expect_number(const char *reply, int64_t from, int64_t to)
{
    long long n = 0;

    assert_int_equal(sscanf(reply, ":%lld\r\n", &n), 1);
    assert_in_range(n - from, 0, to - from);
}

/* Each command that takes an absolute time, 5 s from now on. */
static void test_times_come_in(void **state)
{
    static const struct {
        const char *before, *behind;
        bool seconds;
        const char *reply;
    } rows[] = {
        {"SET k w PXAT", "", false, "+OK\r\n"},
        {"SET k w EXAT", "", true, "+OK\r\n"},
        {"SET k w XX PXAT", " GET", false, "$1\r\nv\r\n"},
        {"SET k w XX EXAT", "", true, "+OK\r\n"},
        {"GETEX k PXAT", "", false, "$1\r\nv\r\n"},
        {"GETEX k EXAT", "", true, "$1\r\nv\r\n"},
        {"PEXPIREAT k", "", false, ":1\r\n"},
        {"EXPIREAT k", "", true, ":1\r\n"},
        {"PEXPIREAT k", " NX", false, ":1\r\n"},
        {"EXPIREAT k", " LT", true, ":1\r\n"},
    };

    UNUSED(state);
    for (size_t o = 0; o < ARRAY_LEN(offsets); o++) {
        if (START_MS + offsets[o] < 0)
            continue; /* SET takes no time before 1970 */
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
            struct fixture f;
            fixture_init(&f);
            f.wall_offset_ms = offsets[o];
            int64_t slack = rows[i].seconds ? 1000 : 0;
            fixture_run(&f, "SET k v");
            assert_string_equal(
                at(&f, rows[i].before, 5000, rows[i].seconds, rows[i].behind),
                rows[i].reply);
            expect_number(fixture_run(&f, "PTTL k"), 5000 - slack, 5000);
            f.time_ms += 4999 - slack;
            assert_string_equal(fixture_run(&f, "EXISTS k"), ":1\r\n");
            f.time_ms += 1 + slack;
            assert_string_equal(fixture_run(&f, "EXISTS k"), ":0\r\n");
            fixture_run(&f, "SET k v");
            (void)at(&f, rows[i].before, -1, rows[i].seconds, rows[i].behind);
            assert_string_equal(fixture_run(&f, "EXISTS k"), ":0\r\n");
            fixture_release(&f);
        }
    }
}

/* What comes in goes out, and a clock that is set moves it. */
static void test_times_go_out(void **state)
{
    char want[64];

    UNUSED(state);
    for (size_t o = 0; o < ARRAY_LEN(offsets); o++) {
        struct fixture f;
        fixture_init(&f);
        f.wall_offset_ms = offsets[o];
        int64_t wall_ms = f.time_ms + offsets[o] + 10 * HOUR_MS + 4321;
        fixture_run(&f, "SET k v");
        assert_string_equal(
            at(&f, "PEXPIREAT k", 10 * HOUR_MS + 4321, false, ""), ":1\r\n");
        snprintf(want, sizeof(want), ":%lld\r\n", (long long)wall_ms);
        assert_string_equal(fixture_run(&f, "PEXPIRETIME k"), want);
        /* Outside an entry it is the last one's offset. */
        assert_string_equal(fixture_read(&f, f.time_ms, "PEXPIRETIME k"), want);
        keyspace_close(f.ks);
        fixture_open(&f);
        assert_string_equal(fixture_read(&f, f.time_ms, "PEXPIRETIME k"), want);
        snprintf(want, sizeof(want), ":%lld\r\n",
                 (long long)((wall_ms + 500) / 1000));
        assert_string_equal(fixture_run(&f, "EXPIRETIME k"), want);
        f.wall_offset_ms += 777;
        snprintf(want, sizeof(want), ":%lld\r\n", (long long)(wall_ms + 777));
        assert_string_equal(fixture_run(&f, "PEXPIRETIME k"), want);
        expect_number(fixture_run(&f, "PTTL k"), 10 * HOUR_MS + 4321,
                      10 * HOUR_MS + 4321);
        assert_string_equal(fixture_run(&f, "PERSIST k"), ":1\r\n");
        assert_string_equal(fixture_run(&f, "PEXPIRETIME k"), ":-1\r\n");
        assert_string_equal(fixture_run(&f, "PEXPIRETIME no"), ":-2\r\n");
        fixture_release(&f);
    }
}

/* Conditions compare what was set by either kind of time. */
static void test_conditions(void **state)
{
    UNUSED(state);
    for (size_t o = 0; o < 4; o++) {
        struct fixture f;
        fixture_init(&f);
        f.wall_offset_ms = offsets[o];
        fixture_run(&f, "SET k v PX 5000");
        assert_string_equal(at(&f, "PEXPIREAT k", 5000, false, " GT"),
                            ":0\r\n");
        assert_string_equal(at(&f, "PEXPIREAT k", 5000, false, " LT"),
                            ":0\r\n");
        assert_string_equal(at(&f, "PEXPIREAT k", 5001, false, " GT"),
                            ":1\r\n");
        assert_string_equal(at(&f, "PEXPIREAT k", 5000, false, " LT"),
                            ":1\r\n");
        assert_string_equal(at(&f, "PEXPIREAT k", 9000, false, " NX"),
                            ":0\r\n");
        assert_string_equal(fixture_run(&f, "PTTL k"), ":5000\r\n");
        assert_string_equal(fixture_run(&f, "PEXPIRE k 5001 GT"), ":1\r\n");
        assert_string_equal(fixture_run(&f, "SET k w KEEPTTL"), "+OK\r\n");
        assert_string_equal(fixture_run(&f, "PTTL k"), ":5001\r\n");
        assert_string_equal(at(&f, "SET k x NX PXAT", 9000, false, ""),
                            "$-1\r\n");
        assert_string_equal(fixture_run(&f, "PTTL k"), ":5001\r\n");
        fixture_release(&f);
    }
}

/* Numbers at their ends are times that are over, or never come. */
static void test_ends(void **state)
{
    static const struct {
        const char *line;
        const char *reply;
        const char *out; /* PEXPIRETIME; NULL: the key is gone */
    } rows[] = {
        {"PEXPIREAT k 9223372036854775807", ":1\r\n",
         ":9223372036854775807\r\n"},
        {"SET k v PXAT 9223372036854775807", "+OK\r\n",
         ":9223372036854775807\r\n"},
        {"PEXPIREAT k -9223372036854775808", ":1\r\n", NULL},
        {"PEXPIREAT k 0", ":1\r\n", NULL},
        {"EXPIREAT k -1", ":1\r\n", NULL},
        {"SET k v PXAT 1", "+OK\r\n", NULL},
        {"GETEX k PXAT 1", "$1\r\nv\r\n", NULL},
    };

    UNUSED(state);
    for (size_t o = 0; o < 4; o++) {
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
            struct fixture f;
            fixture_init(&f);
            f.wall_offset_ms = offsets[o];
            fixture_run(&f, "SET k v");
            assert_string_equal(fixture_run(&f, rows[i].line), rows[i].reply);
            assert_string_equal(fixture_run(&f, "PEXPIRETIME k"),
                                rows[i].out ? rows[i].out : ":-2\r\n");
            fixture_release(&f);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times_come_in),
        cmocka_unit_test(test_times_go_out),
        cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
