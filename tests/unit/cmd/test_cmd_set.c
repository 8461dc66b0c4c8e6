/*
 * Sets by commands: what the rows of set_rows.h cannot say. Replies in RESP3,
 * large sets, what is random, walks by cursor, and limits.
 */
// link: store data type resp table base
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/cmd/cmd_fixture.h"
#include "unit/cmd/set_rows.h"

#define MEMBERS 3000

static void test_resp3(void **state)
{
    struct fixture f;
    UNUSED(state);
    fixture_init(&f);
    f.protocol = 3;
    for (size_t i = 0; i < ARRAY_LEN(set_rows_resp3); i++)
        assert_string_equal(fixture_run(&f, set_rows_resp3[i].line),
                            set_rows_resp3[i].reply);
    fixture_release(&f);
}

PRINTF(2, 3)
static const char *run(struct fixture *f, const char *format, ...)
{
    char line[256];
    va_list ap;
    va_start(ap, format);
    int len = vsnprintf(line, sizeof(line), format, ap);
    va_end(ap);
    assert_in_range(len, 1, sizeof(line) - 1);
    return fixture_run(f, line);
}

/* m0, m1, ... in entries of a hundred commands. */
static void add_many(struct fixture *f, const char *key, int from, int to)
{
    for (int i = from; i < to; i++) {
        char line[64];
        if ((i - from) % 100 == 0)
            fixture_begin(f);
        snprintf(line, sizeof(line), "SADD %s m%d", key, i);
        buf_reset(&f->out);
        fixture_apply(f, line);
        if ((i - from) % 100 == 99 || i == to - 1)
            fixture_commit(f);
    }
}

/* Which of m0, m1, ... an array or set has: how many; each once. */
static int read_members(const char *reply, uint8_t *seen)
{
    char *p = NULL;
    long count = strtol(reply + 1, &p, 10);
    for (long i = 0; i < count; i++) {
        p = strchr(p + 1, 'm');
        assert_non_null(p);
        long n = strtol(p + 1, &p, 10);
        assert_in_range(n, 0, MEMBERS - 1);
        seen[n]++;
    }
    return (int)count;
}

static void test_a_large_set(void **state)
{
    static uint8_t seen[MEMBERS];
    struct fixture f;
    UNUSED(state);
    fixture_init(&f);
    add_many(&f, "a", 0, MEMBERS);
    assert_string_equal(":3000\r\n", run(&f, "SCARD a"));
    memset(seen, 0, sizeof(seen));
    assert_int_equal(MEMBERS, read_members(run(&f, "SMEMBERS a"), seen));
    for (int i = 0; i < MEMBERS; i++)
        assert_int_equal(1, seen[i]);
    for (int i = 0; i < MEMBERS; i += 3)
        assert_string_equal(":1\r\n", run(&f, "SREM a m%d", i));
    for (int i = 0; i < MEMBERS; i++)
        assert_string_equal(i % 3 == 0 ? ":0\r\n" : ":1\r\n",
                            run(&f, "SISMEMBER a m%d", i));
    add_many(&f, "b", 0, 1500);
    assert_string_equal(":1000\r\n", run(&f, "SINTERSTORE c a b"));
    assert_string_equal(":1000\r\n", run(&f, "SINTERCARD 2 a c"));
    assert_string_equal(":7\r\n", run(&f, "SINTERCARD 2 a c LIMIT 7"));
    assert_string_equal(":2500\r\n", run(&f, "SUNIONSTORE c a b c"));
    assert_string_equal(":500\r\n", run(&f, "SDIFFSTORE c c a"));
    assert_string_equal(":1\r\n", run(&f, "SISMEMBER c m3"));
    assert_string_equal(":0\r\n", run(&f, "SISMEMBER c m4"));
    assert_string_equal(":2000\r\n", run(&f, "SCARD a"));
    assert_string_equal(":1\r\n", run(&f, "DEL a"));
    assert_string_equal(":0\r\n", run(&f, "SISMEMBER a m1"));
    fixture_release(&f);
}

/* ---- random ones ---- */

/* SPOP takes what it tells, each once, until nothing is left. */
static void test_pop(void **state)
{
    static uint8_t seen[MEMBERS];
    struct fixture f;
    int left = MEMBERS;
    UNUSED(state);
    fixture_init(&f);
    memset(seen, 0, sizeof(seen));
    add_many(&f, "a", 0, MEMBERS);
    for (int count = 1; left > 0; count = count * 2 % 777 + 1) {
        char expected[32];
        int expect = MIN(count, left);
        int popped = read_members(run(&f, "SPOP a %d", count), seen);
        assert_int_equal(expect, popped);
        left -= popped;
        snprintf(expected, sizeof(expected), ":%d\r\n", left);
        assert_string_equal(expected, run(&f, "SCARD a"));
    }
    for (int i = 0; i < MEMBERS; i++)
        assert_int_equal(1, seen[i]);
    assert_string_equal(":0\r\n", run(&f, "EXISTS a"));
    fixture_release(&f);
}

static void test_random_members(void **state)
{
    static const int counts[] = {1, 10, 1400, 1600, 2999, 3000, 5000};
    static uint8_t seen[MEMBERS];
    struct fixture f;
    UNUSED(state);
    fixture_init(&f);
    add_many(&f, "a", 0, MEMBERS);
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        int expect = MIN(counts[i], MEMBERS);
        memset(seen, 0, sizeof(seen));
        assert_int_equal(
            expect, read_members(run(&f, "SRANDMEMBER a %d", counts[i]), seen));
        for (int m = 0; m < MEMBERS; m++)
            assert_in_range(seen[m], 0, 1);
        assert_int_equal(
            counts[i],
            read_members(run(&f, "SRANDMEMBER a -%d", counts[i]), seen));
    }
    assert_string_equal(":3000\r\n", run(&f, "SCARD a"));
    fixture_release(&f);
}

/* Chi-square of 100,000 draws of 1,000 members: mean 999, deviation 45. */
static void check_uniform(const uint32_t *drawn, uint32_t members, double draws)
{
    double sum = 0;
    double expected = draws / members;
    for (uint32_t i = 0; i < members; i++) {
        double off = drawn[i] - expected;
        sum += off * off / expected;
    }
    assert_true(sum > members - 230.0 && sum < members + 230.0);
}

static void test_draws_are_uniform(void **state)
{
    static uint32_t drawn[1000];
    static uint8_t seen[MEMBERS];
    struct fixture f;
    UNUSED(state);
    fixture_init(&f);
    add_many(&f, "a", 0, 1000);
    for (int way = 0; way < 3; way++) {
        memset(drawn, 0, sizeof(drawn));
        for (int i = 0; i < 200; i++) {
            memset(seen, 0, sizeof(seen));
            (void)read_members(run(&f, way == 0   ? "SRANDMEMBER a -500"
                                       : way == 1 ? "SRANDMEMBER a 500"
                                                  : "SPOP a 500"),
                               seen);
            for (int m = 0; m < 1000; m++)
                drawn[m] += seen[m];
            if (way == 2)
                add_many(&f, "a", 0, 1000);
        }
        /* Without repetition the variance is half as large. */
        if (way == 0) {
            check_uniform(drawn, 1000, 100000);
        } else {
            for (int m = 0; m < 1000; m++)
                assert_in_range(drawn[m], 100 - 40, 100 + 40);
        }
    }
    fixture_release(&f);
}

/* One at a time, of a packed set and of a tree: 100 times each, on average. */
static void test_single_draws_are_uniform(void **state)
{
    static uint32_t drawn[MEMBERS];
    struct fixture f;
    UNUSED(state);
    fixture_init(&f);
    for (int members = 30; members <= 300; members *= 10) {
        add_many(&f, "a", 0, members);
        for (int pop = 0; pop < 2; pop++) {
            memset(drawn, 0, sizeof(drawn));
            for (int i = 0; i < members * 100; i++) {
                const char *reply = run(&f, pop ? "SPOP a" : "SRANDMEMBER a");
                long n = strtol(strchr(reply, 'm') + 1, NULL, 10);
                drawn[n]++;
                if (pop)
                    run(&f, "SADD a m%ld", n);
            }
            for (int i = 0; i < members; i++)
                assert_in_range(drawn[i], 100 - 50, 100 + 50);
        }
    }
    fixture_release(&f);
}

/* The same seed, the same state, the same members: whatever was in memory. */
static void test_pops_are_the_same_everywhere(void **state)
{
    struct fixture f[2];
    UNUSED(state);
    for (int n = 0; n < 2; n++) {
        fixture_init(&f[n]);
        add_many(&f[n], "a", 0, 1000);
        add_many(&f[n], "b", 0, 20);
    }
    for (int i = 0; i < 200; i++) {
        const char *key = i % 10 == 9 ? "b" : "a";
        char reply[200];
        snprintf(reply, sizeof(reply), "%s",
                 run(&f[0], "SPOP %s %d", key, i % 4));
        keyspace_close(f[1].ks);
        fixture_open(&f[1]);
        assert_string_equal(reply, run(&f[1], "SPOP %s %d", key, i % 4));
    }
    for (int n = 0; n < 2; n++)
        fixture_release(&f[n]);
}

/* ---- walks ---- */

/* One page of SSCAN; returns the next cursor. */
static uint64_t scan(struct fixture *f, uint64_t cursor, const char *options,
                     uint8_t *seen)
{
    char *p = NULL;
    const char *reply = run(f, "SSCAN a %" PRIu64 " %s", cursor, options);
    assert_memory_equal(reply, "*2\r\n$", 5);
    uint64_t next = strtoull(strchr(reply + 5, '\n') + 1, &p, 10);
    assert_true(next < UINT64_C(1) << 53);
    (void)read_members(p + 2, seen);
    return next;
}

/* What is there all the time is seen once, whatever else changes. */
static void test_a_walk_sees_all(void **state)
{
    static uint8_t seen[MEMBERS];
    struct fixture f;
    UNUSED(state);
    fixture_init(&f);
    for (int round = 0; round < 6; round++) {
        int stay = round % 2 == 0 ? 20 : 1000;
        int calls = 0;
        uint64_t cursor = 0;
        run(&f, "DEL a");
        add_many(&f, "a", 0, stay);
        memset(seen, 0, sizeof(seen));
        do {
            cursor = scan(&f, cursor, round < 2 ? "" : "COUNT 37", seen);
            int from = 1000 + calls * 200 % 2000;
            if (calls++ % 4 < 2 && round > 3)
                add_many(&f, "a", from, from + 200);
            else if (round > 3)
                run(&f, "SREM a m%d m%d m%d", from, from + 1, from + 2);
            keyspace_close(f.ks);
            fixture_open(&f);
        } while (cursor != 0);
        for (int i = 0; i < stay; i++)
            assert_int_equal(1, seen[i]);
        assert_true(calls >= (stay == 1000 ? 20 : 1) && calls < 1000);
    }
    fixture_release(&f);
}

static void test_a_walk_with_a_pattern(void **state)
{
    static uint8_t seen[MEMBERS];
    struct fixture f;
    uint64_t cursor = 0;
    UNUSED(state);
    fixture_init(&f);
    add_many(&f, "a", 0, 1000);
    memset(seen, 0, sizeof(seen));
    do
        cursor = scan(&f, cursor, "COUNT 50 MATCH m99?", seen);
    while (cursor != 0);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(i >= 990, seen[i]);
    assert_string_equal("*2\r\n$1\r\n0\r\n*0\r\n",
                        run(&f, "SSCAN a 281474976710656"));
    assert_string_equal("*2\r\n$1\r\n0\r\n*0\r\n", run(&f, "SSCAN a -1"));
    fixture_release(&f);
}

/* Clients of clusters ask for the keys of such commands. */
static void test_keys_that_move(void **state)
{
    struct fixture f;
    UNUSED(state);
    fixture_init(&f);
    assert_non_null(strstr(run(&f, "COMMAND INFO SINTERCARD"),
                           "*2\r\n+readonly\r\n+movablekeys\r\n:0\r\n"));
    assert_null(strstr(run(&f, "COMMAND INFO SINTER"), "movablekeys"));
    assert_string_equal("*2\r\n$1\r\na\r\n$1\r\nb\r\n",
                        run(&f, "COMMAND GETKEYS SINTERCARD 2 a b LIMIT 1"));
    fixture_release(&f);
}

/* ---- limits ---- */

/* Words, and an argument of so many bytes behind them. */
static const char *run_long(struct fixture *f, const char *words, char c,
                            size_t len)
{
    struct resp_limits limits = {RESP_ARGC_MAX, RESP_BULK_MAX};
    struct buf all = BUF_INIT;
    unsigned argc = 1;
    size_t consumed = 0;
    size_t need = 0;
    const char *error = NULL;
    for (const char *p = words; *p != '\0'; p += strspn(p, " "), argc++) {
        int word = (int)strcspn(p, " ");
        buf_printf(&all, "$%d\r\n%.*s\r\n", word, word, p);
        p += word;
    }
    buf_reset(&f->line);
    buf_reset(&f->out);
    buf_printf(&f->line, "*%u\r\n", argc);
    buf_bytes(&f->line, buf_view(&all));
    buf_printf(&f->line, "$%zu\r\n", len);
    memset(buf_reserve(&f->line, len), c, len);
    f->line.len += len;
    buf_str(&f->line, "\r\n");
    buf_release(&all);
    assert_int_equal(RESP_COMMAND,
                     resp_read(&f->reader, buf_view(&f->line), &limits,
                               &consumed, &need, &error));
    const struct cmd *cmd = fixture_find(f);
    fixture_begin(f);
    if (fixture_check(f, cmd))
        fixture_execute(f, cmd, &f->out);
    fixture_commit(f);
    buf_u8(&f->out, 0);
    return (const char *)f->out.data;
}

static void test_long_members(void **state)
{
    static const char too_long[] =
        "-ERR member is longer than 1048576 bytes\r\n";
    struct fixture f;
    size_t max = 1024 * 1024;
    UNUSED(state);
    fixture_init(&f);
    assert_string_equal(":1\r\n", run_long(&f, "SADD a", 'x', max));
    assert_string_equal(":1\r\n", run_long(&f, "SISMEMBER a", 'x', max));
    assert_string_equal(too_long, run_long(&f, "SADD a", 'x', max + 1));
    assert_string_equal(":0\r\n", run_long(&f, "SISMEMBER a", 'x', max + 1));
    assert_string_equal(too_long, run_long(&f, "SMOVE a b", 'x', max + 1));
    assert_string_equal(":1\r\n", run_long(&f, "SMOVE a b", 'x', max));
    assert_string_equal(":0\r\n", run(&f, "EXISTS a"));
    assert_string_equal(":1\r\n", run_long(&f, "SREM b", 'x', max));
    assert_string_equal(":0\r\n", run(&f, "EXISTS b"));
    fixture_release(&f);
}

static void test_replies_have_a_length(void **state)
{
    static const char *const lines[] = {"SMEMBERS a", "SUNION a b", "SINTER a",
                                        "SDIFF a b"};
    struct fixture f;
    UNUSED(state);
    fixture_init(&f);
    for (int c = '('; c <= 'h'; c++) {
        if (c != '\\')
            assert_string_equal(":1\r\n",
                                run_long(&f, "SADD a", (char)c, 1024 * 1024));
    }
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        assert_string_equal("-ERR reply too large, use SSCAN\r\n",
                            run(&f, "%s", lines[i]));
    assert_string_equal("-ERR reply too large, use a smaller count\r\n",
                        run(&f, "SRANDMEMBER a 64"));
    assert_string_equal("-ERR reply too large, use a smaller count\r\n",
                        run(&f, "SRANDMEMBER a -9223372036854775807"));
    assert_string_equal("-ERR reply too large, use a smaller count\r\n",
                        run(&f, "SPOP a 64"));
    assert_string_equal(":64\r\n", run(&f, "SCARD a"));
    assert_memory_equal("*63\r\n", run(&f, "SPOP a 63"), 5);
    assert_memory_equal("*1\r\n", run(&f, "SMEMBERS a"), 4);
    fixture_release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resp3),
        cmocka_unit_test(test_a_large_set),
        cmocka_unit_test(test_pop),
        cmocka_unit_test(test_random_members),
        cmocka_unit_test(test_draws_are_uniform),
        cmocka_unit_test(test_single_draws_are_uniform),
        cmocka_unit_test(test_pops_are_the_same_everywhere),
        cmocka_unit_test(test_a_walk_sees_all),
        cmocka_unit_test(test_a_walk_with_a_pattern),
        cmocka_unit_test(test_keys_that_move),
        cmocka_unit_test(test_long_members),
        cmocka_unit_test(test_replies_have_a_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
