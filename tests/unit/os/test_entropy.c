/* Bytes from the kernel. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "os/entropy.h"

static void entropy(void **state)
{
    UNUSED(state);
    assert_true(entropy_u64() != entropy_u64());
    /* Larger than what one call of the kernel gives without interruption. */
    static uint8_t data[1000];
    entropy_fill(data, sizeof(data));
    int zeros = 0;
    for (size_t i = 0; i < sizeof(data); i++)
        zeros += data[i] == 0;
    assert_true(zeros < 50);
    entropy_fill(NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entropy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
