/* Frames: round trip, partial arrival, flipped bits, huge lengths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/reader.h"
#include "base/rng.h"
#include "codec/frame.h"

static void one_frame(struct buf *out, uint8_t type, const char *payload)
{
    size_t begin = frame_begin(out, type, 0x1234);
    buf_str(out, payload);
    frame_end(out, begin);
}

static void test_round_trip(void **state)
{
    UNUSED(state);
    struct buf out = BUF_INIT;
    one_frame(&out, FRAME_RAFT, "first");
    one_frame(&out, FRAME_HELLO, "");
    struct bytes in = buf_view(&out);
    struct frame f;
    assert_memory_equal(out.data, "vard\1", 5);
    assert_int_equal(frame_decode(&in, &f), 0);
    assert_int_equal(f.type, FRAME_RAFT);
    assert_int_equal(f.group, 0x1234);
    assert_true(bytes_eq(f.payload, BYTES_LIT("first")));
    assert_int_equal(frame_decode(&in, &f), 0);
    assert_int_equal(f.type, FRAME_HELLO);
    assert_int_equal(f.payload.len, 0);
    assert_int_equal(frame_decode(&in, &f), ERR_AGAIN);
    buf_release(&out);
}

static void test_partial(void **state)
{
    UNUSED(state);
    struct buf out = BUF_INIT;
    one_frame(&out, FRAME_FORWARD, "payload");
    for (size_t len = 0; len < out.len; len++) {
        uint8_t *copy = mem_alloc(len + 1);
        memcpy(copy, out.data, len);
        struct bytes in = bytes_of(copy, len);
        struct frame f;
        assert_int_equal(frame_decode(&in, &f), ERR_AGAIN);
        assert_int_equal(in.len, len);
        mem_free(copy);
    }
    buf_release(&out);
}

static void test_any_bit(void **state)
{
    UNUSED(state);
    struct buf out = BUF_INIT;
    one_frame(&out, FRAME_FORWARD, "payload");
    for (size_t bit = 0; bit < out.len * 8; bit++) {
        out.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        struct bytes in = buf_view(&out);
        struct frame f;
        /* Nothing makes it accept, nor wait for bytes that never come. */
        int rc = frame_decode(&in, &f);
        assert_true(rc == ERR_CORRUPT || rc == ERR_PROTOCOL);
        assert_int_equal(in.len, out.len);

        /* The header is judged before the payload is there. */
        in = bytes_of(out.data, FRAME_HEADER_SIZE);
        if (bit / 8 < 16)
            assert_int_equal(frame_decode(&in, &f), rc);
        out.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    buf_release(&out);
}

static void seal_header(uint8_t *header)
{
    store_u32le(header + 12, (uint32_t)hash64(bytes_of(header, 12)));
}

static void test_limits(void **state)
{
    UNUSED(state);
    struct buf out = BUF_INIT;
    size_t begin = frame_begin(&out, FRAME_RAFT, 0);
    memset(buf_reserve(&out, FRAME_LENGTH_MAX), 'x', FRAME_LENGTH_MAX);
    out.len += FRAME_LENGTH_MAX;
    frame_end(&out, begin);
    struct bytes in = buf_view(&out);
    struct frame f;
    assert_int_equal(frame_decode(&in, &f), 0);
    assert_int_equal(f.payload.len, FRAME_LENGTH_MAX);

    /* Refused from the header alone, though its checksum is right. */
    uint32_t lengths[] = {FRAME_LENGTH_MAX + 1, UINT32_MAX};
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        store_u32le(out.data + 8, lengths[i]);
        seal_header(out.data);
        in = bytes_of(out.data, FRAME_HEADER_SIZE);
        assert_int_equal(frame_decode(&in, &f), ERR_PROTOCOL);
    }
    buf_release(&out);
}

static void test_protocol(void **state)
{
    UNUSED(state);
    const struct {
        size_t at;
        uint8_t value;
    } wrong[] = {{0, 'V'}, {4, 2}, {4, 0}, {5, 0}, {5, FRAME_TYPE_END},
                 {5, 255}};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct buf out = BUF_INIT;
        one_frame(&out, FRAME_RAFT, "p");
        out.data[wrong[i].at] = wrong[i].value;
        seal_header(out.data);
        struct bytes in = buf_view(&out);
        struct frame f;
        assert_int_equal(frame_decode(&in, &f), ERR_PROTOCOL);
        buf_release(&out);
    }
}

static void test_random_bytes(void **state)
{
    UNUSED(state);
    uint64_t rng = 2;
    for (int round = 0; round < 20000; round++) {
        size_t len = rng_below(&rng, 64);
        uint8_t *raw = mem_alloc(len + 1);
        for (size_t i = 0; i < len; i++)
            raw[i] = (uint8_t)rng_next(&rng);
        if (rng_below(&rng, 2) == 0 && len >= 12) {
            memcpy(raw, "vard\1\4", 6);
            store_u32le(raw + 8, (uint32_t)rng_below(&rng, 64));
            if (len >= FRAME_HEADER_SIZE)
                seal_header(raw);
        }
        struct bytes in = bytes_of(raw, len);
        struct frame f;
        assert_int_not_equal(frame_decode(&in, &f), 0);
        mem_free(raw);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_partial),
        cmocka_unit_test(test_any_bit),    cmocka_unit_test(test_limits),
        cmocka_unit_test(test_protocol),   cmocka_unit_test(test_random_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
