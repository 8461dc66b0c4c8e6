/*
 * INFO: how it writes sizes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "admin/info.h"

static void expect_human(uint64_t bytes, const char *text)
{
    struct buf out = BUF_INIT;
    info_human(bytes, &out);
    assert_true(bytes_eq(buf_view(&out), bytes_str(text)));
    buf_release(&out);
}

static void sizes_for_people(void **state)
{
    (void)state;
    expect_human(0, "0B");
    expect_human(1023, "1023B");
    expect_human(1024, "1.00K");
    expect_human(1536, "1.50K");
    expect_human(UINT64_C(3) << 20, "3.00M");
    expect_human(UINT64_C(5) << 30, "5.00G");
    expect_human(UINT64_MAX, "16384.00P");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_for_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
