/*
 * The longest common subsequence, against all subsequences of short strings;
 * which of several it is, is compared with redis-server in cmd/test_commands.
 */
// link: base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "type/lcs.h"

static bool is_within(struct bytes part, struct bytes whole)
{
    size_t at = 0;
    for (size_t i = 0; i < whole.len && at < part.len; i++)
        at += whole.data[i] == part.data[at];
    return at == part.len;
}

/* The longest of all subsequences of a that are in b. */
static size_t longest(struct bytes a, struct bytes b)
{
    size_t best = 0;
    for (unsigned set = 0; set < 1u << a.len; set++) {
        uint8_t part[16];
        size_t len = 0;
        for (size_t i = 0; i < a.len; i++) {
            if ((set >> i & 1) != 0)
                part[len++] = a.data[i];
        }
        if (len > best && is_within(bytes_of(part, len), b))
            best = len;
    }
    return best;
}

/* The parts are of both, one before the other, and as long as they are said
 * to be together. */
static void check_parts(struct lcs *l)
{
    struct lcs_match m;
    size_t a_end = l->a.len, b_end = l->b.len, sum = 0;
    while (lcs_next(l, &m)) {
        size_t len = m.a_end - m.a_start + 1u;
        assert_int_equal(m.b_end - m.b_start + 1u, len);
        assert_true(m.a_end < a_end && m.b_end < b_end);
        assert_memory_equal(l->a.data + m.a_start, l->b.data + m.b_start, len);
        a_end = m.a_start;
        b_end = m.b_start;
        sum += len;
    }
    assert_int_equal(sum, l->length);
}

static void test_random(void **state)
{
    uint64_t rng = 3;
    UNUSED(state);
    for (int round = 0; round < 3000; round++) {
        uint8_t a[9], b[12];
        size_t a_len = rng_below(&rng, sizeof(a) + 1);
        size_t b_len = rng_below(&rng, sizeof(b) + 1);
        uint64_t letters = 1 + rng_below(&rng, 4);
        struct lcs l;
        for (size_t i = 0; i < sizeof(a); i++)
            a[i] = (uint8_t)rng_below(&rng, letters);
        for (size_t i = 0; i < sizeof(b); i++)
            b[i] = (uint8_t)rng_below(&rng, letters);
        lcs_init(&l, bytes_of(a, a_len), bytes_of(b, b_len));
        assert_int_equal(l.length,
                         longest(bytes_of(a, a_len), bytes_of(b, b_len)));
        check_parts(&l);
        lcs_rewind(&l);
        check_parts(&l);
        lcs_release(&l);
    }
}

static void test_memory(void **state)
{
    UNUSED(state);
    assert_int_equal(lcs_memory(0, 0), 4);
    assert_int_equal(lcs_memory(3, 4), 80);
    assert_int_equal(lcs_memory(UINT32_MAX - 1, UINT32_MAX - 1), UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
