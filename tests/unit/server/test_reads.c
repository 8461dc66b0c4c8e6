/*
 * Reads that have to go through the log: what they wait for, and when their
 * errors are told. (What else becomes of reads: test_dispatch.c.)
 */
// link: admin original
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/server/fake_node.h"

/* Two reads in doubt, of which the node takes the first one only. */
static void two_reads_one_taken(struct fixture *f)
{
    f->node->full_from = f->node->submitted + 1;
    send_text(f, "GET doubt\r\nGET doubt\r\nPING\r\n");
    reads_told(f, 0);
    expect(f, "");
    assert_int_equal(f->node->submitted, f->node->full_from);
    f->node->full_from = 0;
}

static void node_takes_more(struct fixture *f)
{
    f->node->events->writable(f->node->events->ctx);
    turn(f);
}

static void they_wait_for_the_node(void **state)
{
    struct fixture *f = *state;
    two_reads_one_taken(f);
    node_takes_more(f);
    assert_int_equal(f->node->submitted, 2);
    answer(f, 2);
    expect(f, "+GET doubt\r\n+GET doubt\r\n+PONG\r\n");
}

/* Whatever the error is: it comes behind the reply to what was taken. */
static void errors_keep_their_place(void **state)
{
    static const int errors[] = {ERR_NO_LEADER, ERR_REFILL, ERR_BEHIND,
                                 ERR_NO_ANSWER, ERR_TOO_BIG};
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
        struct buf text = BUF_INIT;
        two_reads_one_taken(f);
        f->node->error = errors[i];
        node_takes_more(f);
        expect(f, "");
        answer(f, 1);
        buf_printf(&text, "+GET doubt\r\n-%s\r\n+PONG\r\n%c",
                   reply_error_text(errors[i]), '\0');
        expect(f, (const char *)text.data);
        f->node->error = 0;
        buf_release(&text);
    }
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(they_wait_for_the_node),
        test(errors_keep_their_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
