/* What the operator's configuration makes of the rooms' options. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "main/options.h"
#include "unit/config/fixture.h"

static struct rocks_options store_options(const char *text)
{
    struct fixture f;
    fixture_init(&f);
    fixture_file(&f, "main.conf", text);
    assert_int_equal(fixture_load(&f, "main.conf", NULL), CONFIG_RUN);
    struct rocks_options o = options_of_store(&f.config);
    fixture_release(&f);
    return o;
}

/* Members take turns by the order of their ids, not by that of the lines. */
static void test_each_member_has_its_share(void **state)
{
    UNUSED(state);
    static const char nodes[] = "node 70 127.0.0.1:3\n"
                                "node 0 127.0.0.1:1\n"
                                "node 5 127.0.0.1:2\n";
    static const uint32_t ids[] = {0, 5, 70};
    for (uint32_t i = 0; i < ARRAY_LEN(ids); i++) {
        char text[256];
        snprintf(text, sizeof(text), "node-id %u\n%s", ids[i], nodes);
        struct rocks_options o = store_options(text);
        assert_int_equal(o.shares, 3);
        assert_int_equal(o.share, i);
    }
}

static void test_memory(void **state)
{
    UNUSED(state);
    struct rocks_options o =
        store_options("state-memory 8mb\nblock-cache 3mb\n");
    assert_int_equal(o.state_memory_bytes, 8 * 1024 * 1024);
    assert_int_equal(o.block_cache_bytes, 3 * 1024 * 1024);
    assert_true(o.share == 0 && o.create);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_member_has_its_share),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
