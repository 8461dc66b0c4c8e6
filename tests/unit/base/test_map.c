/* The map against a plain array that does the same. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "base/map.h"
#include "base/num.h"
#include "base/rng.h"

#include <string.h>

#define KEYS 500

static struct bytes key_of(uint64_t n, char text[NUM_TEXT_MAX])
{
    return bytes_of(text, num_format_i64((int64_t)n, text));
}

static void basics(void **state)
{
    UNUSED(state);
    struct map m;
    int a = 1, b = 2;
    map_init(&m, 42);
    assert_null(map_get(&m, BYTES_LIT("x")));
    assert_null(map_remove(&m, BYTES_LIT("x")));
    assert_null(map_put(&m, BYTES_LIT(""), &a));
    assert_ptr_equal(map_put(&m, BYTES_NONE, &b), &a);
    assert_ptr_equal(map_get(&m, BYTES_LIT("")), &b);
    assert_null(map_put(&m, BYTES_LIT("a\0b"), &a));
    assert_null(map_get(&m, BYTES_LIT("a")));
    assert_int_equal(m.count, 2);
    assert_ptr_equal(map_remove(&m, BYTES_LIT("a\0b")), &a);
    assert_null(map_remove(&m, BYTES_LIT("a\0b")));
    assert_int_equal(m.count, 1);
    map_release(&m);
    map_release(&m);
}

static void same_as_an_array(uint64_t seed)
{
    static int values[KEYS][2];
    void *model[KEYS] = {NULL};
    size_t count = 0;
    struct map m;
    map_init(&m, seed);
    for (int step = 0; step < 20000; step++) {
        char text[NUM_TEXT_MAX];
        /* The range moves, so that the table fills and empties. */
        uint64_t n = rng_below(&seed, step % 4000 < 2000 ? KEYS : 20);
        struct bytes key = key_of(n, text);
        void *value = &values[n][step % 2];
        switch (rng_below(&seed, 3)) {
        case 0:
            assert_ptr_equal(map_get(&m, key), model[n]);
            break;
        case 1:
            count += model[n] == NULL;
            assert_ptr_equal(map_put(&m, key, value), model[n]);
            model[n] = value;
            break;
        default:
            count -= model[n] != NULL;
            assert_ptr_equal(map_remove(&m, key), model[n]);
            model[n] = NULL;
            break;
        }
        assert_int_equal(m.count, count);
    }
    for (uint64_t n = 0; n < KEYS; n++) {
        char text[NUM_TEXT_MAX];
        assert_ptr_equal(map_get(&m, key_of(n, text)), model[n]);
    }
    map_release(&m);
}

static void random_operations(void **state)
{
    UNUSED(state);
    for (uint64_t seed = 1; seed <= 10; seed++)
        same_as_an_array(seed);
}

static void iterates_in_order_and_allows_removal(void **state)
{
    UNUSED(state);
    int value = 0;
    struct map m;
    map_init(&m, 7);
    for (uint64_t n = 0; n < KEYS; n++) {
        char text[NUM_TEXT_MAX];
        map_put(&m, key_of(n, text), &value);
    }
    size_t pos = 0;
    struct bytes key;
    void *found;
    uint64_t n = 0;
    while (map_next(&m, &pos, &key, &found)) {
        char text[NUM_TEXT_MAX];
        assert_true(bytes_eq(key, key_of(n, text)));
        assert_ptr_equal(found, &value);
        if (n++ % 3 != 0)
            map_remove(&m, key_of(n - 1, text));
    }
    assert_int_equal(n, KEYS);
    assert_int_equal(m.count, (KEYS + 2) / 3);
    pos = 0;
    for (n = 0; map_next(&m, &pos, &key, NULL); n += 3) {
        char text[NUM_TEXT_MAX];
        assert_true(bytes_eq(key, key_of(n, text)));
    }
    map_release(&m);
}

/* A queue puts at one end and removes at the other: it must not grow. */
static void queue_stays_small(void **state)
{
    UNUSED(state);
    int value = 0;
    struct map m;
    map_init(&m, 7);
    for (uint64_t n = 0; n < 100000; n++) {
        char text[NUM_TEXT_MAX];
        map_put(&m, key_of(n, text), &value);
        if (n >= 100)
            assert_non_null(map_remove(&m, key_of(n - 100, text)));
    }
    assert_int_equal(m.count, 100);
    assert_true(m.cap <= 512);
    map_release(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(basics),
        cmocka_unit_test(random_operations),
        cmocka_unit_test(iterates_in_order_and_allows_removal),
        cmocka_unit_test(queue_stays_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
