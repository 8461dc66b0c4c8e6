/*
 * Every command and subcommand that a node answers by itself has its function
 * here, and no other row has.
 */
// link: original
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "admin/admin.h"
#include "unit/server/fake_node.h"

/* A container is resolved to a subcommand, but for COMMAND, which may stand
 * alone. */
static bool wants_function(const struct cmd *c)
{
    if ((c->flags & CMD_LOCAL) == 0)
        return false;
    return (c->flags & CMD_CONTAINER) == 0 || c->arity == -1;
}

static void every_local_row_has_a_function(void **state)
{
    UNUSED(state);
    for (int id = 0; id < CMD_ID_COUNT; id++) {
        const struct cmd *c = cmd_by_id((enum cmd_id)id);
        if (wants_function(c) != (admin_commands[id] != NULL))
            fail_msg("%s: in admin/functions.def or not?", c->name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_local_row_has_a_function),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
