/*
 * What is taken off a list at once has a limit, as any long reply: above it
 * nothing is changed.
 */
// link: store data type resp table base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "unit/cmd/cmd_fixture.h"

#define LONG (1024 * 1024)

static void push_long(struct fixture *f, int count)
{
    static const char head[] = "*3\r\n$5\r\nRPUSH\r\n$1\r\nl\r\n$1048576\r\n";
    char *line = mem_alloc(sizeof(head) + LONG);
    memcpy(line, head, sizeof(head) - 1);
    memset(line + sizeof(head) - 1, 'x', LONG);
    line[sizeof(head) - 1 + LONG] = '\0';
    for (int i = 0; i < count; i++)
        fixture_run(f, line);
    mem_free(line);
}

static void test_pops_are_limited(void **state)
{
    static const char *const too_many[] = {
        "LPOP l 70",
        "RPOP l 64",
        "LMPOP 1 l RIGHT COUNT 70",
        "LMPOP 2 none l LEFT COUNT 9999",
        "BLMPOP 0 1 l LEFT COUNT 65",
    };
    struct fixture f;
    UNUSED(state);
    fixture_init(&f);
    push_long(&f, 70);
    for (size_t i = 0; i < ARRAY_LEN(too_many); i++) {
        assert_string_equal(
            fixture_run(&f, too_many[i]),
            "-ERR too many elements at once, take fewer of them\r\n");
        assert_string_equal(fixture_run(&f, "LLEN l"), ":70\r\n");
    }
    assert_memory_equal(fixture_run(&f, "LPOP l 63"), "*63\r\n", 5);
    assert_memory_equal(fixture_run(&f, "LMPOP 1 l LEFT COUNT 6"),
                        "*2\r\n$1\r\nl\r\n*6\r\n", 15);
    assert_memory_equal(fixture_run(&f, "LPOP l 9"), "*1\r\n", 4);
    assert_string_equal(fixture_run(&f, "EXISTS l"), ":0\r\n");
    fixture_release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pops_are_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
