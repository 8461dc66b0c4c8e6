/*
 * A command goes to the database that was selected before it, by whichever way
 * it goes.
 */
// link: admin original
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/server/fake_node.h"

static void each_way_has_its_database(void **state)
{
    struct fixture *f = *state;
    struct node *n = f->node;
    send_text(f, "SELECT 3\r\nSET a 1\r\nGET a\r\n"); /* behind a write */
    assert_int_equal(n->submitted, 2);
    assert_int_equal(n->requests[0].db, 3);
    assert_int_equal(n->requests[1].db, 3);
    answer(f, 2);
    send_text(f, "SELECT 15\r\nGET a\r\n");
    reads_told(f, 0);
    assert_int_equal(n->read_db, 15);
    send_text(f, "SELECT 7\r\nGET doubt\r\n"); /* which goes to the log */
    reads_told(f, 0);
    assert_int_equal(n->submitted, 3);
    assert_int_equal(n->requests[2].db, 7);
    answer(f, 1);
    send_text(f, "SELECT 9\r\nONCE a 1 INCR a\r\n");
    assert_int_equal(n->requests[3].db, 9);
    answer(f, 1);
    send_text(f, "SELECT 16\r\nSET a 1\r\n"); /* there is none */
    assert_int_equal(n->requests[4].db, 9);
    answer(f, 1);
    send_text(f, "RESET\r\nSET a 1\r\n");
    assert_int_equal(n->requests[5].db, 0);
    answer(f, 1);
}

/* It is each client's own, and a new one's is the first. */
static void each_client_has_its_database(void **state)
{
    struct fixture *f = *state;
    int first = f->fd, second;
    (void)connect_client(f, &second);
    send_text(f, "SELECT 3\r\n");
    f->fd = second;
    send_text(f, "SET a 1\r\n");
    f->fd = first;
    send_text(f, "SET a 1\r\n");
    assert_int_equal(f->node->requests[0].db, 0);
    assert_int_equal(f->node->requests[1].db, 3);
    answer(f, 2);
    close(second);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(each_way_has_its_database),
        test(each_client_has_its_database),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
