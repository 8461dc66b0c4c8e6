/*
 * SORT: what the rows of sort_rows.h cannot say. Limits, which are the same for
 * every replica, and orders that Redis leaves open.
 */
// link: store data type resp table base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/cmd/cmd_fixture.h"

/* A command with `word` so many times behind it, and `end` behind that. */
static const char *run_repeated(struct fixture *f, const char *command,
                                const char *word, int times, const char *end)
{
    struct buf line = BUF_INIT;
    buf_str(&line, command);
    for (int i = 0; i < times; i++)
        buf_str(&line, word);
    buf_str(&line, end);
    buf_char(&line, '\0');
    const char *reply = fixture_run(f, (const char *)line.data);
    buf_release(&line);
    return reply;
}

static void assert_begins(const char *reply, const char *with)
{
    if (strncmp(reply, with, strlen(with)) != 0)
        print_message("%.80s\n", reply);
    assert_memory_equal(reply, with, strlen(with));
}

static void test_too_many_lookups(void **state)
{
    struct fixture f;
    UNUSED(state);
    fixture_init(&f);
    run_repeated(&f, "RPUSH l", " x", 500, "");
    const char *reply = run_repeated(&f, "SORT l ALPHA", " GET a_*", 500, "");
    assert_begins(reply, "*250000\r\n");
    reply = run_repeated(&f, "SORT l ALPHA", " GET a_*", 501, "");
    assert_string_equal(reply,
                        "-ERR too much to be sorted at once, use LRANGE\r\n");
    reply = run_repeated(&f, "SORT l ALPHA BY a_*", " GET a_*", 500, "");
    assert_begins(reply, "-ERR too much");
    /* So do results, whatever they are. */
    reply = run_repeated(&f, "SORT l ALPHA", " GET #", 500, "");
    assert_begins(reply, "*250000\r\n");
    reply = run_repeated(&f, "SORT l ALPHA", " GET # GET o", 251, "");
    assert_begins(reply, "-ERR too much");
    fixture_release(&f);
}

static void test_too_many_bytes(void **state)
{
    struct fixture f;
    UNUSED(state);
    fixture_init(&f);
    fixture_run(&f, "SADD s 1");
    fixture_run(&f, "SETRANGE big1 1100000 x");
    const char *reply = run_repeated(&f, "SORT s", " GET big*", 60, "");
    assert_begins(reply, "*60\r\n$1100001\r\n");
    reply = run_repeated(&f, "SORT s", " GET big*", 62, "");
    assert_string_equal(reply,
                        "-ERR too much to be sorted at once, use SSCAN\r\n");
    reply = run_repeated(&f, "SORT s", " GET big*", 62, " STORE d");
    assert_begins(reply, "-ERR too much");
    assert_string_equal(fixture_run(&f, "EXISTS d"), ":0\r\n");
    fixture_release(&f);
}

static void test_too_many_elements(void **state)
{
    struct fixture f;
    UNUSED(state);
    fixture_init(&f);
    run_repeated(&f, "RPUSH l", " 1", 500, "");
    run_repeated(&f, "SORT l", " GET #", 500, " STORE l");
    assert_string_equal(fixture_run(&f, "LLEN l"), ":250000\r\n");
    assert_begins(fixture_run(&f, "SORT_RO l LIMIT 0 2"), "*2\r\n");
    fixture_run(&f, "RPUSH l 1");
    assert_begins(fixture_run(&f, "SORT_RO l LIMIT 0 2"), "-ERR too much");
    assert_begins(fixture_run(&f, "SORT_RO l BY nosort"), "-ERR too much");
    /* What stays as it is, is not loaded but for what is told. */
    assert_begins(fixture_run(&f, "SORT_RO l BY nosort LIMIT 249999 9"),
                  "*2\r\n");
    fixture_release(&f);
}

/* What has the same weight: members of sets in the order of their bytes,
 * however they came there, and elements of lists in their own. */
static void test_ties(void **state)
{
    static const char sorted[] = "*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n";
    struct fixture f;
    UNUSED(state);
    fixture_init(&f);
    fixture_run(&f, "SADD s b c a");
    fixture_run(&f, "SADD t c a b");
    fixture_run(&f, "RPUSH l b c a");
    assert_string_equal(fixture_run(&f, "SORT s BY w_* ALPHA"), sorted);
    assert_string_equal(fixture_run(&f, "SORT t BY w_* ALPHA"), sorted);
    assert_string_equal(fixture_run(&f, "SORT t BY w_*"), sorted);
    assert_string_equal(fixture_run(&f, "SORT l BY w_* ALPHA DESC"),
                        "*3\r\n$1\r\nb\r\n$1\r\nc\r\n$1\r\na\r\n");
    fixture_release(&f);
}

/* A replica that nobody waits at counts the same. */
static void test_bytes_are_the_same_without_a_reply(void **state)
{
    uint64_t bytes[2];
    struct fixture f;
    UNUSED(state);
    fixture_init(&f);
    fixture_run(&f, "RPUSH l 1 2 3");
    fixture_run(&f, "SETRANGE w_1 10000 5");
    fixture_run(&f, "HSET h_2 v xxxxxxxxxxxxxxxxxxxxxx");
    for (int i = 0; i < 2; i++) {
        keyspace_close(f.ks); /* nothing is in memory */
        fixture_open(&f);
        fixture_begin(&f);
        fixture_split(&f, "SORT l ALPHA BY w_* GET h_*->v GET w_*");
        buf_reset(&f.out);
        fixture_execute(&f, fixture_find(&f), i == 0 ? &f.out : NULL);
        bytes[i] = keyspace_entry_bytes(f.ks);
        fixture_commit(&f);
    }
    assert_true(bytes[0] > 10000);
    assert_true(bytes[0] == bytes[1]);
    fixture_release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_too_many_lookups),
        cmocka_unit_test(test_too_many_bytes),
        cmocka_unit_test(test_too_many_elements),
        cmocka_unit_test(test_ties),
        cmocka_unit_test(test_bytes_are_the_same_without_a_reply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
