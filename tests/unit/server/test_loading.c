/*
 * A node that has not got all yet that it must have before it serves.
 */
// link: admin original
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/server/fake_node.h"

/* What needs no data is answered. */
static void a_node_that_is_refilled_says_so(void **state)
{
    struct fixture *f = *state;
    f->node->loading = true;
    send_text(f, "GET a\r\nSET a 1\r\nONCE me 1 SET a 1\r\nPING\r\n");
    expect(f, "-LOADING vard is being refilled (37 %)\r\n"
              "-LOADING vard is being refilled (37 %)\r\n"
              "-LOADING vard is being refilled (37 %)\r\n+PONG\r\n");
    assert_int_equal(f->node->submitted, 0);
    assert_int_equal(f->node->reads_asked, 0);
    f->node->loading = false;
    send_text(f, "GET a\r\n");
    reads_told(f, 0);
    expect(f, "$1\r\na\r\n");
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_node_that_is_refilled_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
