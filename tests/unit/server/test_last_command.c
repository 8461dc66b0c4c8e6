/*
 * Which command CLIENT LIST names of a client.
 */
// link: admin original
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/server/fake_node.h"

/* What it has asked for last; nothing, if nobody knows that. */
static void the_last_command_is_known(void **state)
{
    static const struct {
        const char *line;
        const char *name; /* NULL: none */
    } rows[] = {
        {"PING\r\n", "ping"},
        {"CLIENT GETNAME\r\n", "client|getname"},
        {"NOSUCH\r\n", NULL},
        {"INCR a\r\n", "incr"},
        {"SET\r\n", "set"},
        {"SET a 1 FOO\r\n", "set"},
        {"ONCE a 1 INCR a\r\n", "incr"},
        {"ONCE a x INCR a\r\n", "once"},
        {"ONCE a 1 NOSUCH a\r\n", NULL},
        {"MULTI\r\n", "multi"},
        {"GET a\r\n", "get"},
        {"EXEC\r\n", "exec"},
        {"CONFIG NOSUCH\r\n", "config"},
    };
    struct fixture *f = *state;
    assert_null(f->client->last_cmd);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        send_text(f, rows[i].line);
        const struct cmd *last = f->client->last_cmd;
        if (rows[i].name == NULL
                ? last != NULL
                : last == NULL || strcmp(last->name, rows[i].name) != 0)
            fail_msg("%s: %s", rows[i].line, last != NULL ? last->name : "");
        if (f->node->answered < f->node->submitted)
            answer(f, 1);
        if (f->node->reads_told < f->node->reads_asked)
            reads_told(f, 0);
        (void)received_on(f->fd);
    }
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {test(the_last_command_is_known)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
