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

/* Nor does it let in what comes from members only, or a word that is none. */
static void commands_of_members_are_unknown(void **state)
{
    static const char *const lines[] = {
        "ONCE a 1 vard.members 0 record 4\r\n",
        "ONCE a 1 VARD.SWEEP 0 0 1\r\n",
        "ONCE a 1 nosuch\r\n",
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        send_text(f, lines[i]);
        const char *got = received_on(f->fd);
        assert_non_null(got);
        if (strncmp(got, "-ERR unknown command '", 22) != 0)
            fail_msg("%s: %s", lines[i], got);
        assert_int_equal(f->node->submitted, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(names_of_once, setup, teardown),
        cmocka_unit_test_setup_teardown(commands_of_members_are_unknown, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
