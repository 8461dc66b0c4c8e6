/* Buffers and the reader that takes them apart again. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/reader.h"

static void grows(void **state)
{
    UNUSED(state);
    struct buf b = BUF_INIT;
    for (int i = 0; i < 10000; i++)
        buf_char(&b, (char)('a' + i % 26));
    assert_int_equal(b.len, 10000);
    for (int i = 0; i < 10000; i++)
        assert_int_equal(b.data[i], 'a' + i % 26);
    buf_consume(&b, 9999);
    assert_int_equal(b.len, 1);
    assert_int_equal(b.data[0], 'a' + 9999 % 26);
    buf_shrink(&b, 100);
    assert_int_equal(b.cap, 100);
    buf_consume(&b, 1);
    buf_shrink(&b, 0);
    assert_null(b.data);
    buf_release(&b);
}

static void shrink_keeps_content(void **state)
{
    UNUSED(state);
    struct buf b = BUF_INIT;
    buf_reserve(&b, 5000);
    buf_str(&b, "content");
    buf_shrink(&b, 3);
    assert_int_equal(b.cap, 7);
    assert_true(bytes_eq(buf_view(&b), BYTES_LIT("content")));
    buf_shrink(&b, 3);
    assert_true(bytes_eq(buf_view(&b), BYTES_LIT("content")));
    buf_release(&b);
}

/* Growing keeps what is in use, however little of the memory that is. */
static void growth_keeps_content(void **state)
{
    UNUSED(state);
    const size_t used[] = {0, 1, 499, 500, 999, 1000};
    for (size_t i = 0; i < ARRAY_LEN(used); i++) {
        struct buf b = BUF_INIT;
        buf_reserve(&b, 1000);
        for (size_t k = 0; k < used[i]; k++)
            buf_u8(&b, (uint8_t)(k * 7));
        size_t cap = b.cap;
        uint8_t *to = buf_reserve(&b, 3000);
        assert_ptr_equal(to, b.data + used[i]);
        assert_true(b.cap > cap && b.cap >= used[i] + 3000);
        assert_int_equal(b.len, used[i]);
        for (size_t k = 0; k < used[i]; k++)
            assert_int_equal(b.data[k], (uint8_t)(k * 7));
        buf_release(&b);
    }
}

static void appends(void **state)
{
    UNUSED(state);
    struct buf b = BUF_INIT;
    buf_append(&b, NULL, 0);
    buf_str(&b, "a");
    buf_bytes(&b, BYTES_LIT("\0b"));
    buf_printf(&b, "%d-%s", 42, "x");
    buf_printf(&b, "%s", "");
    assert_true(bytes_eq(buf_view(&b), BYTES_LIT("a\0b42-x")));
    buf_reset(&b);
    assert_int_equal(b.len, 0);
    /* Longer than what is reserved at first. */
    buf_printf(&b, "%200d", 7);
    assert_int_equal(b.len, 200);
    assert_int_equal(b.data[199], '7');
    buf_release(&b);
}

static void integers_round_trip(void **state)
{
    UNUSED(state);
    struct buf b = BUF_INIT;
    buf_u8(&b, 0xfe);
    buf_u16(&b, 0x0102);
    buf_u32(&b, 0x01020304);
    buf_u64(&b, UINT64_C(0x0102030405060708));
    buf_u16be(&b, 0xa1a2);
    buf_u32be(&b, 0xa1a2a3a4);
    buf_u64be(&b, UINT64_C(0xa1a2a3a4a5a6a7a8));
    const uint8_t expected[] = {0xfe, 2,    1,    4,    3,    2,    1,    8,
                                7,    6,    5,    4,    3,    2,    1,    0xa1,
                                0xa2, 0xa1, 0xa2, 0xa3, 0xa4, 0xa1, 0xa2, 0xa3,
                                0xa4, 0xa5, 0xa6, 0xa7, 0xa8};
    assert_int_equal(b.len, sizeof(expected));
    assert_memory_equal(b.data, expected, sizeof(expected));

    struct reader r = reader_of(buf_view(&b));
    assert_int_equal(reader_u8(&r), 0xfe);
    assert_int_equal(reader_u16(&r), 0x0102);
    assert_int_equal(reader_u32(&r), 0x01020304);
    assert_true(reader_u64(&r) == UINT64_C(0x0102030405060708));
    assert_int_equal(reader_u16be(&r), 0xa1a2);
    assert_true(reader_u32be(&r) == UINT32_C(0xa1a2a3a4));
    assert_false(reader_done(&r));
    assert_true(reader_u64be(&r) == UINT64_C(0xa1a2a3a4a5a6a7a8));
    assert_true(reader_done(&r));
    buf_release(&b);
}

static void reading_past_the_end(void **state)
{
    UNUSED(state);
    struct reader r = reader_of(BYTES_LIT("\1\2\3"));
    assert_int_equal(reader_u16(&r), 0x0201);
    assert_int_equal(reader_u32(&r), 0);
    assert_true(r.failed);
    assert_int_equal(r.rest.len, 0);
    /* The byte that was left is not given out any more. */
    assert_int_equal(reader_u8(&r), 0);
    assert_int_equal(reader_bytes(&r, 0).len, 0);
    assert_false(reader_done(&r));

    r = reader_of(BYTES_LIT("abc"));
    assert_int_equal(reader_bytes(&r, SIZE_MAX).len, 0);
    assert_true(r.failed);
    r = reader_of(BYTES_LIT("abc"));
    assert_true(bytes_eq(reader_bytes(&r, 3), BYTES_LIT("abc")));
    assert_int_equal(reader_bytes(&r, 0).len, 0);
    assert_true(reader_done(&r));
}

static void patching(void **state)
{
    UNUSED(state);
    uint8_t p[8];
    store_u32le(p, UINT32_C(0xfffefdfc));
    assert_int_equal(p[0], 0xfc);
    assert_true(load_u32le(p) == UINT32_C(0xfffefdfc));
    store_u64le(p, UINT64_C(0x8000000000000001));
    assert_int_equal(p[7], 0x80);
    assert_true(load_u64le(p) == UINT64_C(0x8000000000000001));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows),
        cmocka_unit_test(shrink_keeps_content),
        cmocka_unit_test(growth_keeps_content),
        cmocka_unit_test(appends),
        cmocka_unit_test(integers_round_trip),
        cmocka_unit_test(reading_past_the_end),
        cmocka_unit_test(patching),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
