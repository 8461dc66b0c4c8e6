/* Arenas: alignment, growth, reset. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "base/arena.h"

#include <string.h>

static void arena_gives_aligned_memory(void **state)
{
    UNUSED(state);
    struct arena a = ARENA_INIT;
    arena_reset(&a);
    for (int round = 0; round < 3; round++) {
        uint8_t *last = NULL;
        for (size_t size = 0; size < 3000; size += 7) {
            uint8_t *p = arena_alloc(&a, size);
            assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
            assert_ptr_not_equal(p, last);
            memset(p, 0xaa, size);
            last = p;
        }
        memset(arena_alloc(&a, 1 << 20), 1, 1 << 20);
        struct bytes copy = arena_copy(&a, BYTES_LIT("copied"));
        assert_true(bytes_eq(copy, BYTES_LIT("copied")));
        assert_int_equal(arena_copy(&a, BYTES_NONE).len, 0);
        assert_true(a.used > 1 << 20);
        arena_reset(&a);
        assert_int_equal(a.used, 0);
        assert_non_null(a.head);
    }
    arena_release(&a);
    arena_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_gives_aligned_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
