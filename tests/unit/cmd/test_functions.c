/*
 * Every data command of the table has its function here, and no other row
 * has; what a check refuses, a run refuses too (test_commands).
 */
// link: store data resp table base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cmd/cmd_internal.h"

static void test_every_data_command_has_a_function(void **state)
{
    UNUSED(state);
    for (int id = 0; id < CMD_ID_COUNT; id++) {
        const struct cmd *c = cmd_by_id((enum cmd_id)id);
        const struct cmd_functions *f = cmd_functions((enum cmd_id)id);
        bool alone = cmd_is_data(c) && (c->flags & CMD_CONTAINER) == 0;
        if (alone != (f != NULL))
            fail_msg("%s: in cmd/functions.def or not?", c->name);
        assert_true(f == NULL || f->run != NULL);
    }
}

/* Those of functions.def, in its order: an id named twice is seen here. */
static const enum cmd_id bound[] = {
#define RUN(id, run)            CMD_ID_##id,
#define CHECKED(id, check, run) CMD_ID_##id,
#include "cmd/functions.def"
#undef RUN
#undef CHECKED
};

static void test_order(void **state)
{
    UNUSED(state);
    for (size_t i = 1; i < ARRAY_LEN(bound); i++)
        assert_true(bound[i - 1] < bound[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_data_command_has_a_function),
        cmocka_unit_test(test_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
