/*
 * ONCE: which ids of clients and of requests it takes.
 */
// link: admin original
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/server/fake_node.h"

/* 1 to 64 letters, digits and some signs; a request id of 64 bits. */
static void names_of_once(void **state)
{
    static const struct {
        const char *client, *id;
        bool ok;
    } rows[] = {
        {"a", "0", true},
        {"0", "18446744073709551615", true},
        {"azAZ09_.:-", "1", true},
        {"0123456789012345678901234567890123456789012345678901234567890123",
         "1", true},
        {"01234567890123456789012345678901234567890123456789012345678901234",
         "1", false},
        {"\"\"", "1", false},
        {"a@", "1", false},
        {"@a", "1", false},
        {"a[", "1", false},
        {"a`", "1", false},
        {"a{", "1", false},
        {"a/", "1", false},
        {"a;", "1", false},
        {"\"a b\"", "1", false},
        {"a,b", "1", false},
        {"\"a\\x00\"", "1", false},
        {"a", "18446744073709551616", false},
        {"a", "-1", false},
        {"a", "x", false},
        {"a", "01", false},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char line[128];
        snprintf(line, sizeof(line), "ONCE %s %s INCR a\r\n", rows[i].client,
                 rows[i].id);
        size_t before = f->node->submitted;
        send_text(f, line);
        if ((f->node->submitted - before == 1) != rows[i].ok)
            fail_msg("%s", line);
        if (rows[i].ok)
            answer(f, 1);
        (void)received_on(f->fd);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(names_of_once, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
