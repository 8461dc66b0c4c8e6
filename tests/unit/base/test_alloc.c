/* The allocator: what is freed and allocated again costs no pages. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "base/alloc.h"

#include <string.h>
#include <sys/resource.h>

/* Sanitizers bring an allocator, which does not listen. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OWN_ALLOCATOR true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) ||     \
    __has_feature(thread_sanitizer)
#define OWN_ALLOCATOR true
#endif
#endif
#ifndef OWN_ALLOCATOR
#define OWN_ALLOCATOR false
#endif

#define BLOCKS 4
#define ROUNDS 50

static void none_is_null(void **state)
{
    UNUSED(state);
    void *p = mem_alloc(0);
    assert_non_null(p);
    p = mem_realloc(p, 0);
    assert_non_null(p);
    mem_free(p);
    mem_free(NULL);
    char *s = mem_strdup("text");
    assert_string_equal(s, "text");
    mem_free(s);
    uint8_t *zeros = mem_zalloc(100);
    for (int i = 0; i < 100; i++)
        assert_int_equal(zeros[i], 0);
    mem_free(zeros);
}

static long faults(void)
{
    struct rusage u;
    assert_int_equal(getrusage(RUSAGE_SELF, &u), 0);
    return u.ru_minflt;
}

static void round_of_blocks(size_t size)
{
    uint8_t *blocks[BLOCKS];
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = mem_alloc(size);
        memset(blocks[i], i, size);
    }
    for (int i = BLOCKS - 1; i >= 0; i--) {
        assert_int_equal(blocks[i][size - 1], i);
        mem_free(blocks[i]);
    }
}

static void freed_blocks_stay(void **state)
{
    UNUSED(state);
    size_t size = MEM_KEPT_BYTES / BLOCKS / 2;
    mem_keep_freed();
    round_of_blocks(size); /* the pages come once */
    long before = faults();
    for (int i = 0; i < ROUNDS; i++)
        round_of_blocks(size);
    if (!OWN_ALLOCATOR)
        assert_true(faults() - before < (long)(size / 4096));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(none_is_null),
        cmocka_unit_test(freed_blocks_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
