/*
 * Keys of any type by commands: what the rows of key_rows.h cannot say. Walks
 * by cursor, what is random, other databases, and limits.
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

#define KEYS 2000

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

/* Commands with a number in them, a hundred in an entry. */
static void run_many(struct fixture *f, const char *command, int from, int to)
{
    for (int i = from; i < to; i++) {
        char line[64];
        if ((i - from) % 100 == 0)
            fixture_begin(f);
        snprintf(line, sizeof(line), "%s%d", command, i);
        buf_reset(&f->out);
        fixture_apply(f, line);
        if ((i - from) % 100 == 99 || i == to - 1)
            fixture_commit(f);
    }
}

/* Counts the keys m0, m1, ... of an array. */
static int read_keys(const char *reply, uint8_t *seen)
{
    char *p = NULL;
    long count = strtol(reply + 1, &p, 10);
    for (long i = 0; i < count; i++) {
        p = strchr(p + 1, 'm');
        assert_non_null(p);
        long n = strtol(p + 1, &p, 10);
        assert_in_range(n, 0, KEYS - 1);
        seen[n]++;
    }
    return (int)count;
}

/* One page of SCAN; returns the next cursor. */
static uint64_t scan(struct fixture *f, uint64_t cursor, const char *options,
                     int *found, uint8_t *seen)
{
    char *p = NULL;
    char line[128];
    snprintf(line, sizeof(line), "SCAN %" PRIu64 " %s", cursor, options);
    const char *reply = fixture_read(f, f->time_ms, line);
    assert_memory_equal(reply, "*2\r\n$", 5);
    uint64_t next = strtoull(strchr(reply + 5, '\n') + 1, &p, 10);
    assert_true(next < UINT64_C(1) << 53);
    *found = read_keys(p + 2, seen);
    return next;
}

/* What is there all the time is seen once, whatever else changes. */
static void test_a_walk_sees_all(void **state)
{
    static uint8_t seen[KEYS];
    struct fixture f;
    UNUSED(state);
    fixture_init(&f);
    for (int round = 0; round < 3; round++) {
        uint64_t cursor = 0;
        int calls = 0;
        int found = 0;
        run(&f, "FLUSHALL");
        for (int i = 0; i < 1000; i++)
            run(&f, "SET m%d v", i);
        memset(seen, 0, sizeof(seen));
        do {
            cursor =
                scan(&f, cursor, round == 0 ? "" : "COUNT 30", &found, seen);
            assert_true(found <= (round == 0 ? 12 : 32));
            int other = 1000 + calls++ * 17 % 1000;
            if (round == 2) {
                run(&f, "SET m%d x", other);
                run(&f, "DEL m%d", (other - 300) % 1000 + 1000);
                run(&f, "RENAME m%d m%d", other, other / 2 + 500);
                run(&f, "SET m%d v", other / 2 + 500);
            }
            keyspace_close(f.ks);
            fixture_open(&f);
        } while (cursor != 0);
        for (int i = 0; i < 1000; i++)
            assert_int_equal(1, seen[i]);
        assert_in_range(calls, round == 0 ? 80 : 25, 400);
    }
    fixture_release(&f);
}

static void test_a_walk_chooses(void **state)
{
    static uint8_t seen[KEYS];
    struct fixture f;
    UNUSED(state);
    fixture_init(&f);
    for (int i = 0; i < 900; i++)
        run(&f, i % 3 == 0 ? "SADD m%d v" : "SET m%d v", i);
    for (int way = 0; way < 3; way++) {
        uint64_t cursor = 0;
        int all = 0;
        memset(seen, 0, sizeof(seen));
        do {
            int found = 0;
            cursor = scan(&f, cursor,
                          way == 0   ? "TYPE set COUNT 100"
                          : way == 1 ? "COUNT 50 MATCH m1?"
                                     : "TYPE SET MATCH m??",
                          &found, seen);
            all += found;
        } while (cursor != 0);
        assert_int_equal(way == 0 ? 300 : way == 1 ? 10 : 30, all);
    }
    assert_int_equal(111, read_keys(run(&f, "KEYS m1*"), seen));
    assert_int_equal(900, read_keys(run(&f, "KEYS *"), seen));
    assert_string_equal("*1\r\n$2\r\nm1\r\n", run(&f, "KEYS m1"));
    assert_string_equal("*2\r\n$1\r\n0\r\n*0\r\n",
                        run(&f, "SCAN 4503599627370496"));
    assert_string_equal("*2\r\n$1\r\n0\r\n*0\r\n", run(&f, "SCAN -1"));
    fixture_release(&f);
}

/* Expired keys are not told, and a walk over nothing else ends its calls. */
static void test_a_walk_passes_what_has_expired(void **state)
{
    static uint8_t seen[KEYS];
    struct fixture f;
    uint64_t cursor = 0;
    int calls = 0;
    int found = 0;
    UNUSED(state);
    fixture_init(&f);
    for (int i = 0; i < 1000; i++)
        run(&f, i % 100 == 0 ? "SET m%d v" : "SET m%d v PX 10", i);
    f.time_ms += 10;
    run(&f, "SET other v");
    run(&f, "DEL other");
    memset(seen, 0, sizeof(seen));
    do {
        cursor = scan(&f, cursor, "", &found, seen);
        calls++;
    } while (cursor != 0);
    assert_in_range(calls, 9, 12);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(i % 100 == 0, seen[i]);
    assert_int_equal(10, read_keys(run(&f, "KEYS *"), seen));
    for (int i = 0; i < 50; i++) {
        long n = strtol(strchr(run(&f, "RANDOMKEY"), 'm') + 1, NULL, 10);
        assert_int_equal(0, n % 100);
    }
    fixture_release(&f);
}

/* ---- RANDOMKEY ---- */

static void test_random_keys(void **state)
{
    static uint32_t drawn[KEYS];
    struct fixture f;
    UNUSED(state);
    fixture_init(&f);
    assert_string_equal("$-1\r\n", run(&f, "RANDOMKEY"));
    for (int keys = 10; keys <= 1000; keys *= 100) {
        int never = 0;
        for (int i = 0; i < keys; i++)
            run(&f, "SET m%d v", i);
        memset(drawn, 0, sizeof(drawn));
        for (int i = 0; i < keys * 50; i++)
            drawn[strtol(strchr(run(&f, "RANDOMKEY"), 'm') + 1, NULL, 10)]++;
        for (int i = 0; i < keys; i++) {
            never += drawn[i] == 0;
            assert_true(drawn[i] <= 120);
        }
        assert_int_equal(0, never);
    }
    fixture_release(&f);
}

/* ---- other names, other databases ---- */

static void test_large_sets_move(void **state)
{
    static uint8_t seen[KEYS];
    struct fixture f;
    UNUSED(state);
    fixture_init(&f);
    run_many(&f, "SADD a m", 0, KEYS);
    run(&f, "EXPIRE a 100");
    assert_string_equal("+OK\r\n", run(&f, "RENAME a b"));
    assert_string_equal(":1\r\n", run(&f, "COPY b c"));
    assert_string_equal(":1\r\n", run(&f, "MOVE b 3"));
    assert_string_equal(":100\r\n", run(&f, "TTL c"));
    assert_string_equal(":0\r\n", run(&f, "EXISTS a b"));
    run_many(&f, "SREM c m", 0, KEYS - 1);
    assert_string_equal(":1\r\n", run(&f, "SCARD c"));
    f.db = 3;
    memset(seen, 0, sizeof(seen));
    assert_int_equal(KEYS, read_keys(run(&f, "SMEMBERS b"), seen));
    for (int i = 0; i < KEYS; i++)
        assert_int_equal(1, seen[i]);
    assert_string_equal(":100\r\n", run(&f, "TTL b"));
    assert_string_equal(":1\r\n", run(&f, "MOVE b 0"));
    f.db = 0;
    assert_string_equal(":2000\r\n", run(&f, "SCARD b"));
    assert_string_equal(":1\r\n", run(&f, "COPY b c REPLACE"));
    assert_string_equal(":2000\r\n", run(&f, "SCARD c"));
    assert_string_equal(":1\r\n", run(&f, "SADD c more"));
    assert_string_equal(":2000\r\n", run(&f, "SCARD b"));
    fixture_release(&f);
}

static void test_long_strings_move(void **state)
{
    struct fixture f;
    UNUSED(state);
    fixture_init(&f);
    run(&f, "SETRANGE a 100000 end");
    assert_string_equal("+OK\r\n", run(&f, "RENAME a b"));
    assert_string_equal(":1\r\n", run(&f, "COPY b c"));
    assert_string_equal(":1\r\n", run(&f, "MOVE b 3"));
    run(&f, "SETRANGE c 100000 END");
    assert_string_equal("$3\r\nEND\r\n", run(&f, "GETRANGE c -3 -1"));
    f.db = 3;
    assert_string_equal("$3\r\nend\r\n", run(&f, "GETRANGE b -3 -1"));
    assert_string_equal(":100003\r\n", run(&f, "STRLEN b"));
    assert_string_equal("$3\r\nraw\r\n", run(&f, "OBJECT ENCODING b"));
    assert_string_equal(":0\r\n", run(&f, "MOVE nosuch 0"));
    fixture_release(&f);
}

/* What a string lacks in the middle is not made by a copy. */
static void test_holes_are_copied(void **state)
{
    struct fixture f;
    UNUSED(state);
    fixture_init(&f);
    run(&f, "SETRANGE a 268435456 x");
    fixture_begin(&f);
    buf_reset(&f.out);
    fixture_apply(&f, "COPY a b");
    assert_memory_equal(":1\r\n", f.out.data, 4);
    assert_true(keyspace_entry_bytes(f.ks) < 1000000);
    fixture_commit(&f);
    assert_string_equal("+OK\r\n", run(&f, "RENAME a c"));
    assert_string_equal(":268435457\r\n", run(&f, "STRLEN b"));
    assert_memory_equal("$2\r\n\0x\r\n", run(&f, "GETRANGE b -2 -1"), 8);
    fixture_release(&f);
}

static int64_t usage_of_key(struct fixture *f, const char *rest)
{
    const char *reply = run(f, "MEMORY USAGE %s", rest);
    assert_int_equal(reply[0], ':');
    return strtoll(reply + 1, NULL, 10);
}

/* The rows of a key, whatever it has: its own, those of its pages, its place in
 * the index. */
static void test_memory_usage(void **state)
{
    struct fixture f;
    UNUSED(state);
    fixture_init(&f);
    run(&f, "SET ten 0123456789");
    int64_t ten = usage_of_key(&f, "ten");
    assert_in_range(ten, 10 + 3, 100);
    run(&f, "APPEND ten xxxxx");
    assert_int_equal(usage_of_key(&f, "ten"), ten + 5);
    run(&f, "EXPIRE ten 100");
    assert_in_range(usage_of_key(&f, "ten"), ten + 5 + 9 + 3, ten + 100);
    run(&f, "SETRANGE long 99999 x");
    /* Of seven pages there is one, and the last one is what is looked at. */
    int64_t one = usage_of_key(&f, "long SAMPLES 0");
    assert_in_range(one, 1000, 17000);
    run(&f, "SETRANGE long 0 xx");
    assert_true(usage_of_key(&f, "long SAMPLES 0") > one);
    run_many(&f, "SADD set member:", 0, KEYS);
    int64_t all = usage_of_key(&f, "set SAMPLES 0");
    assert_in_range(all, 10 * KEYS, 200 * KEYS);
    assert_in_range(usage_of_key(&f, "set SAMPLES 20"), all / 2, all * 2);
    assert_in_range(usage_of_key(&f, "set"), all / 4, all * 4);
    run_many(&f, "SREM set member:", 0, KEYS - 1);
    assert_true(usage_of_key(&f, "set SAMPLES 0") < all / 10);
    assert_string_equal(run(&f, "MEMORY STATS"),
                        "*2\r\n$10\r\nkeys.count\r\n:3\r\n");
    assert_string_equal(run(&f, "MEMORY PURGE"), "+OK\r\n");
    assert_true(strstr(run(&f, "MEMORY DOCTOR"), "state-memory") != NULL);
    assert_int_equal(run(&f, "MEMORY MALLOC-STATS")[0], '$');
    fixture_release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_walk_sees_all),
        cmocka_unit_test(test_a_walk_chooses),
        cmocka_unit_test(test_a_walk_passes_what_has_expired),
        cmocka_unit_test(test_random_keys),
        cmocka_unit_test(test_large_sets_move),
        cmocka_unit_test(test_long_strings_move),
        cmocka_unit_test(test_holes_are_copied),
        cmocka_unit_test(test_memory_usage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
