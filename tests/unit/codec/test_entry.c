/* Log entries: round trip, cuts, flipped bits, wrong places, the chain. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/reader.h"
#include "base/rng.h"
#include "codec/entry.h"

static struct entry sample(struct bytes payload)
{
    struct entry e = {
        .index = 77,
        .term = 5,
        .time_ms = 0x0102030405060708,
        .wall_offset_ms = -3,
        .seed = UINT64_C(0xfedcba9876543210),
        .kind = payload.len > 0 ? ENTRY_REQUESTS : ENTRY_EMPTY,
        .payload = payload,
    };
    entry_seal(&e);
    return e;
}

static void test_round_trip(void **state)
{
    UNUSED(state);
    struct bytes payloads[] = {BYTES_NONE, BYTES_LIT("x"),
                               BYTES_LIT("a\0b and some more bytes")};
    struct buf out = BUF_INIT;
    for (size_t i = 0; i < ARRAY_LEN(payloads); i++) {
        struct entry e = sample(payloads[i]);
        buf_reset(&out);
        entry_encode(&e, &out);
        buf_str(&out, "rest");
        struct bytes in = buf_view(&out);
        assert_int_equal(entry_record_size(in),
                         ENTRY_HEADER_SIZE + payloads[i].len);
        struct entry d;
        assert_int_equal(entry_decode(77, &in, &d), 0);
        assert_true(bytes_eq(in, BYTES_LIT("rest")));
        assert_int_equal(d.index, e.index);
        assert_int_equal(d.term, e.term);
        assert_int_equal(d.time_ms, e.time_ms);
        assert_int_equal(d.wall_offset_ms, e.wall_offset_ms);
        assert_int_equal(d.seed, e.seed);
        assert_int_equal(d.kind, e.kind);
        assert_int_equal(d.checksum, e.checksum);
        assert_true(bytes_eq(d.payload, payloads[i]));
    }
    buf_release(&out);
}

static void test_layout(void **state)
{
    UNUSED(state);
    struct entry e = sample(BYTES_LIT("pay"));
    struct buf out = BUF_INIT;
    entry_encode(&e, &out);
    const uint8_t head[40] = {5,    0,    0,    0,    0,    0,    0,    0,
                              8,    7,    6,    5,    4,    3,    2,    1,
                              0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                              0x10, 0x32, 0x54, 0x76, 0x98, 0xba, 0xdc, 0xfe,
                              1,    0,    0,    0,    3,    0,    0,    0};
    assert_int_equal(out.len, 51);
    assert_memory_equal(out.data, head, sizeof(head));
    assert_memory_equal(out.data + 48, "pay", 3);
    buf_release(&out);
}

static void test_cut_anywhere(void **state)
{
    UNUSED(state);
    struct entry e = sample(BYTES_LIT("some payload"));
    struct buf out = BUF_INIT;
    entry_encode(&e, &out);
    for (size_t len = 0; len < out.len; len++) {
        uint8_t *copy =
            mem_alloc(len + 1); /* so that ASan sees a step too far */
        memcpy(copy, out.data, len);
        struct bytes in = bytes_of(copy, len);
        struct entry d;
        assert_int_equal(entry_decode(77, &in, &d), ERR_CORRUPT);
        assert_int_equal(in.len, len);
        mem_free(copy);
    }
    buf_release(&out);
}

static void test_any_bit(void **state)
{
    UNUSED(state);
    struct bytes payloads[] = {BYTES_NONE, BYTES_LIT("some payload")};
    for (size_t k = 0; k < ARRAY_LEN(payloads); k++) {
        struct entry e = sample(payloads[k]);
        struct buf out = BUF_INIT;
        entry_encode(&e, &out);
        for (size_t bit = 0; bit < out.len * 8; bit++) {
            out.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
            struct bytes in = buf_view(&out);
            struct entry d;
            assert_int_equal(entry_decode(77, &in, &d), ERR_CORRUPT);
            out.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        }
        buf_release(&out);
    }
}

/* Resealed by hand: times at their bounds are taken, beyond them they are not,
 * whatever the checksum says. */
static void test_times_bounded(void **state)
{
    static const struct {
        size_t at;
        uint64_t value;
        bool good;
    } rows[] = {
        {8, 0, true},
        {8, (uint64_t)ENTRY_TIME_MAX, true},
        {8, (uint64_t)ENTRY_TIME_MAX + 1, false},
        {8, (uint64_t)INT64_MAX, false},
        {8, UINT64_MAX, false},
        {8, UINT64_C(1) << 63, false},
        {16, (uint64_t)ENTRY_OFFSET_MAX, true},
        {16, (uint64_t)-ENTRY_OFFSET_MAX, true},
        {16, (uint64_t)ENTRY_OFFSET_MAX + 1, false},
        {16, (uint64_t)-ENTRY_OFFSET_MAX - 1, false},
        {16, UINT64_C(1) << 63, false},
    };
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct entry e = sample(BYTES_LIT("p"));
        struct buf out = BUF_INIT;
        uint8_t head[8 + 40];
        entry_encode(&e, &out);
        store_u64le(out.data + rows[i].at, rows[i].value);
        store_u64le(head, 77);
        memcpy(head + 8, out.data, 40);
        store_u64le(
            out.data + 40,
            hash64_seed(BYTES_LIT("p"), hash64(bytes_of(head, sizeof(head)))));
        struct bytes in = buf_view(&out);
        struct entry d;
        assert_int_equal(entry_decode(77, &in, &d),
                         rows[i].good ? 0 : ERR_CORRUPT);
        buf_release(&out);
    }
}

static void test_wrong_index(void **state)
{
    UNUSED(state);
    struct entry e = sample(BYTES_LIT("p"));
    struct buf out = BUF_INIT;
    entry_encode(&e, &out);
    struct bytes in = buf_view(&out);
    struct entry d;
    assert_int_equal(entry_decode(76, &in, &d), ERR_CORRUPT);
    assert_int_equal(entry_decode(78, &in, &d), ERR_CORRUPT);
    assert_int_equal(entry_decode(77, &in, &d), 0);
    buf_release(&out);
}

static void test_chain(void **state)
{
    UNUSED(state);
    uint64_t a = entry_chain(entry_chain(0, 1), 2);
    uint64_t b = entry_chain(entry_chain(0, 2), 1);
    assert_int_not_equal(a, b);
    assert_int_not_equal(entry_chain(0, 1), entry_chain(1, 0));
    assert_int_equal(entry_chain(7, 9), entry_chain(7, 9));
}

static void test_random_bytes(void **state)
{
    UNUSED(state);
    uint64_t rng = 1;
    for (int round = 0; round < 20000; round++) {
        size_t len = rng_below(&rng, 80);
        uint8_t *raw = mem_alloc(len + 1);
        for (size_t i = 0; i < len; i++)
            raw[i] = (uint8_t)rng_next(&rng);
        if (len > 30 && rng_below(&rng, 2) == 0)
            memset(raw + 28, 0, MIN(len - 28, (size_t)4));
        struct bytes in = bytes_of(raw, len);
        struct entry d;
        assert_int_equal(entry_decode(1, &in, &d), ERR_CORRUPT);
        mem_free(raw);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_any_bit),
        cmocka_unit_test(test_times_bounded),
        cmocka_unit_test(test_wrong_index),
        cmocka_unit_test(test_chain),
        cmocka_unit_test(test_random_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
