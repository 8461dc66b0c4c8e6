/*
 * HyperLogLogs have the bytes that redis-server 7.0.15 gives the same elements
 * (their CRC16), and its counts; and nothing that a client can set as a value
 * is read beyond its end.
 */
// link: base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/rng.h"
#include "type/hll.h"

static void add(struct buf *hll, const char *prefix, int from, int to)
{
    for (int i = from; i < to; i++) {
        char text[32];
        snprintf(text, sizeof(text), "%s-%d", prefix, i);
        int res = hll_add(hll, bytes_str(text));
        assert_in_range(res, 0, 1);
        if (res == 1)
            hll_changed(hll);
        assert_int_equal(hll_add(hll, bytes_str(text)), 0);
    }
}

static uint64_t count_of(const struct buf *hll)
{
    uint64_t count = 0;
    assert_int_equal(hll_count(buf_view(hll), &count), 0);
    return count;
}

static void expect(const struct buf *hll, size_t len, uint16_t crc,
                   uint64_t count)
{
    assert_true(hll_is(buf_view(hll), hll->len));
    assert_int_equal(hll_is_dense(buf_view(hll)), len == HLL_DENSE);
    assert_int_equal(hll->len, len);
    assert_int_equal(crc16(buf_view(hll)), crc);
    assert_int_equal(count_of(hll), count);
}

static void test_bytes_of_redis(void **state)
{
    static const struct {
        int elements;
        size_t len;
        uint16_t crc;
        uint64_t count;
    } rows[] = {
        {0, 18, 0x362a, 0},
        {1, 21, 0x8062, 1},
        {2, 24, 0x66e8, 2},
        {10, 48, 0x8b3a, 10},
        {100, 287, 0x73c7, 100},
        {500, 1022, 0x30ce, 492},
        {1000, 1870, 0x1d8c, 994},
        {1500, 2685, 0x2dbd, 1495},
        {3000, 12304, 0x1fef, 2991},
        {20000, 12304, 0xe0a0, 19902},
        {100000, 12304, 0x9414, 100917},
    };
    struct buf hll = BUF_INIT;
    UNUSED(state);
    hll_init(&hll);
    hll_changed(&hll);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        add(&hll, "element", i > 0 ? rows[i - 1].elements : 0,
            rows[i].elements);
        expect(&hll, rows[i].len, rows[i].crc, rows[i].count);
    }
    buf_release(&hll);
}

static void test_merges_of_redis(void **state)
{
    static const struct {
        int a, b;
        size_t len;
        uint16_t crc;
        uint64_t count;
    } rows[] = {
        {10, 20, 101, 0xfdbd, 30},        {300, 900, 2243, 0x4a39, 1205},
        {900, 2500, 12304, 0x714e, 3404}, {5000, 20, 12304, 0x5369, 5058},
        {20, 5000, 12304, 0x555e, 4972},
    };
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint8_t *registers = mem_zalloc(HLL_REGISTERS);
        struct buf a = BUF_INIT, b = BUF_INIT;
        hll_init(&a);
        hll_init(&b);
        add(&a, "a", 0, rows[i].a);
        add(&b, "b", 0, rows[i].b);
        assert_int_equal(hll_merge(registers, buf_view(&a)), 0);
        assert_int_equal(hll_merge(registers, buf_view(&b)), 0);
        assert_int_equal(hll_count_registers(registers), rows[i].count);
        bool dense = hll_is_dense(buf_view(&a)) || hll_is_dense(buf_view(&b));
        assert_int_equal(hll_raise(&a, registers, dense), 0);
        hll_changed(&a);
        expect(&a, rows[i].len, rows[i].crc, rows[i].count);
        buf_release(&a);
        buf_release(&b);
        mem_free(registers);
    }
}

/* Until it is out of date. */
static void test_a_count_is_believed(void **state)
{
    struct buf hll = BUF_INIT;
    UNUSED(state);
    hll_init(&hll);
    memset(hll.data + 8, 0x11, 7);
    hll.data[15] = 0x01;
    assert_int_equal(count_of(&hll), 0x0111111111111111);
    hll_changed(&hll);
    assert_int_equal(count_of(&hll), 0);
    buf_release(&hll);
}

static void test_what_is_one(void **state)
{
    uint8_t bytes[HLL_DENSE + 1] = "HYLL";
    UNUSED(state);
    assert_true(hll_is(bytes_of(bytes, 16), HLL_DENSE));
    assert_false(hll_is(bytes_of(bytes, 16), HLL_DENSE - 1));
    assert_false(hll_is(bytes_of(bytes, 16), HLL_DENSE + 1));
    bytes[4] = 1;
    assert_true(hll_is(bytes_of(bytes, 16), 16));
    assert_true(hll_is(bytes_of(bytes, 16), 1000000));
    assert_false(hll_is(bytes_of(bytes, 15), 15));
    assert_false(hll_is(BYTES_NONE, 0));
    bytes[4] = 2;
    assert_false(hll_is(bytes_of(bytes, 16), 18));
    bytes[4] = 1;
    bytes[0] = 'h';
    assert_false(hll_is(bytes_of(bytes, 16), 18));
}

/* Too many registers, too few, or half a run behind them. */
static void test_as_many_registers(void **state)
{
    static const struct {
        uint8_t runs[4];
        size_t len;
        int err;
    } rows[] = {
        {{0x7f, 0xff}, 2, 0},
        {{0x7f, 0xfe, 0x80}, 3, 0},
        {{0x7f, 0xfe, 0x00}, 3, 0},
        {{0x7f, 0xfe}, 2, ERR_CORRUPT},
        {{0x7f, 0xfe, 0x81}, 3, ERR_CORRUPT},
        {{0x7f, 0xff, 0x00}, 3, ERR_CORRUPT},
        {{0x7f, 0xff, 0x40}, 3, ERR_CORRUPT},
        {{0x7f, 0xff, 0x7f}, 3, ERR_CORRUPT},
        {{0x7f}, 1, ERR_CORRUPT},
        {{0}, 0, ERR_CORRUPT},
    };
    static uint8_t registers[HLL_REGISTERS];
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf hll = BUF_INIT;
        hll_init(&hll);
        hll.len = HLL_HEADER;
        buf_append(&hll, rows[i].runs, rows[i].len);
        assert_int_equal(hll_merge(registers, buf_view(&hll)), rows[i].err);
        buf_release(&hll);
    }
}

/* A copy without a byte to spare, so that a sanitizer sees a step too far. */
static struct buf exact(struct bytes b)
{
    uint8_t *data = mem_alloc(b.len);
    memcpy(data, b.data, b.len);
    return (struct buf){data, b.len, b.len};
}

static void use(const struct buf *damaged, uint8_t *registers)
{
    struct buf a = exact(buf_view(damaged));
    uint64_t count = 0;
    int counted = hll_count(buf_view(&a), &count);
    int merged = hll_merge(registers, buf_view(&a));
    assert_true(counted == 0 || counted == ERR_CORRUPT);
    assert_int_equal(merged, counted);
    int res = hll_add(&a, BYTES_LIT("element"));
    assert_true(res == 0 || res == 1 || res == ERR_CORRUPT);
    assert_true(merged != 0 || res >= 0);
    buf_release(&a);
    a = exact(buf_view(damaged));
    res = hll_raise(&a, registers, merged != 0);
    assert_true(res == (merged == 0 ? 0 : ERR_CORRUPT));
    assert_true(a.len <= MAX(damaged->len, HLL_DENSE));
    buf_release(&a);
}

static void test_damage(void **state)
{
    uint64_t rng = 7;
    uint8_t *registers = mem_zalloc(HLL_REGISTERS);
    struct buf whole = BUF_INIT, damaged = BUF_INIT;
    int corrupt = 0;
    UNUSED(state);
    hll_init(&whole);
    add(&whole, "d", 0, 60);
    hll_changed(&whole);
    for (int round = 0; round < 3000; round++) {
        buf_reset(&damaged);
        buf_bytes(&damaged, buf_view(&whole));
        size_t at = HLL_HEADER + rng_below(&rng, whole.len - HLL_HEADER);
        if (round % 3 == 0)
            damaged.len = at;
        else
            damaged.data[at] = (uint8_t)rng_next(&rng);
        memset(registers, 0, HLL_REGISTERS);
        corrupt += hll_merge(registers, buf_view(&damaged)) != 0;
        memset(registers, 0, HLL_REGISTERS);
        use(&damaged, registers);
    }
    assert_in_range(corrupt, 1000, 2999);
    buf_release(&whole);
    buf_release(&damaged);
    mem_free(registers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_of_redis),
        cmocka_unit_test(test_merges_of_redis),
        cmocka_unit_test(test_a_count_is_believed),
        cmocka_unit_test(test_what_is_one),
        cmocka_unit_test(test_as_many_registers),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
