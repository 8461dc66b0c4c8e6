// link: rocks
/*
 * What merges leave out, and when: nothing that is added while somebody reads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rocks/garbage.h"

static void add(struct garbage *g, const char *begin, const char *end)
{
    garbage_add(g, bytes_str(begin), bytes_str(end));
}

/* Ranges in a line, as they are taken. */
static void expect_taken(struct garbage *g, const char *text)
{
    struct buf begin = BUF_INIT;
    struct buf end = BUF_INIT;
    struct buf all = BUF_INIT;
    while (garbage_take(g, &begin, &end)) {
        buf_bytes(&all, buf_view(&begin));
        buf_char(&all, '-');
        buf_bytes(&all, buf_view(&end));
        buf_char(&all, ' ');
    }
    assert_true(bytes_eq(buf_view(&all), bytes_str(text)));
    buf_release(&begin);
    buf_release(&end);
    buf_release(&all);
}

static void test_ranges_grow(void **state)
{
    struct garbage *g = garbage_new();
    UNUSED(state);
    expect_taken(g, "");
    add(g, "a", "b");
    add(g, "c", "d");
    expect_taken(g, "a-b c-d ");
    add(g, "a", "b");
    expect_taken(g, "");
    add(g, "a", "c");
    add(g, "a", "b");
    expect_taken(g, "a-c ");
    garbage_reset(g);
    add(g, "a", "b");
    expect_taken(g, "a-b ");
    garbage_free(g);
}

static void test_nothing_while_it_is_held(void **state)
{
    struct garbage *g = garbage_new();
    UNUSED(state);
    add(g, "a", "b");
    garbage_hold(g);
    expect_taken(g, "a-b "); /* it was garbage before */
    add(g, "a", "c");
    add(g, "x", "y");
    expect_taken(g, "");
    garbage_hold(g);
    garbage_release(g);
    add(g, "x", "z");
    expect_taken(g, "");
    garbage_release(g);
    expect_taken(g, "a-c x-z ");
    add(g, "d", "e");
    expect_taken(g, "d-e ");
    garbage_free(g);
}

static void test_another_state(void **state)
{
    struct garbage *g = garbage_new();
    UNUSED(state);
    add(g, "a", "b");
    garbage_hold(g);
    add(g, "c", "d");
    garbage_reset(g);
    expect_taken(g, "");
    garbage_release(g);
    expect_taken(g, "");
    garbage_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges_grow),
        cmocka_unit_test(test_nothing_while_it_is_held),
        cmocka_unit_test(test_another_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
