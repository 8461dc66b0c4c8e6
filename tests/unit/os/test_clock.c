/* The clocks: order and range. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "os/clock.h"

static void clocks(void **state)
{
    UNUSED(state);
    int64_t last = clock_mono_us();
    for (int i = 0; i < 1000; i++) {
        int64_t now = clock_mono_us();
        assert_true(now >= last);
        last = now;
    }
    assert_true(clock_mono_ms() - last / 1000 < 60000);
    /* After 2020 and before 2200. */
    assert_true(clock_wall_ms() > INT64_C(1577836800000));
    assert_true(clock_wall_ms() < INT64_C(7258118400000));
    assert_true(clock_wall_us() / 1000 - clock_wall_ms() <= 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
