/* The node's beat behind a Raft message: layout, spare bytes, ranges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/reader.h"
#include "codec/beat.h"
#include "codec/entry.h"

#include <string.h>

static const struct beat sample = {.held_by_all = 0x0102030405060708,
                                   .held_by_live = 0x1112131415161718,
                                   .log_time_ms = 0x0122232425262728,
                                   .disk_short = true,
                                   .paused = true,
                                   .short_members = 5};

static void test_round_trip(void **state)
{
    struct buf out = BUF_INIT;
    struct bytes rest;
    struct beat b;

    UNUSED(state);
    beat_encode(&sample, &out);
    assert_int_equal(out.len, BEAT_SIZE);
    buf_str(&out, "entries");
    assert_int_equal(beat_decode(buf_view(&out), &b, &rest), 0);
    assert_int_equal(b.held_by_all, sample.held_by_all);
    assert_int_equal(b.held_by_live, sample.held_by_live);
    assert_int_equal(b.log_time_ms, sample.log_time_ms);
    assert_true(b.disk_short && b.paused);
    assert_int_equal(b.short_members, 5);
    assert_true(bytes_eq(rest, BYTES_LIT("entries")));
    buf_release(&out);
}

static void test_layout(void **state)
{
    static const uint8_t want[BEAT_SIZE] = {
        0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01, 0x18, 0x17, 0x16,
        0x15, 0x14, 0x13, 0x12, 0x11, 0x28, 0x27, 0x26, 0x25, 0x24, 0x23,
        0x22, 0x01, 0x03, 0x05, 0,    0,    0,    0,    0,    0};
    struct buf out = BUF_INIT;

    UNUSED(state);
    beat_encode(&sample, &out);
    assert_int_equal(out.len, sizeof(want));
    assert_memory_equal(out.data, want, sizeof(want));
    buf_release(&out);
}

/* A message that says nothing beside the core has zeros behind it. */
static void test_nothing_said(void **state)
{
    static const uint8_t zero[BEAT_SIZE];
    struct beat b = {0};
    struct buf out = BUF_INIT;

    UNUSED(state);
    beat_encode(&b, &out);
    assert_memory_equal(out.data, zero, BEAT_SIZE);
    buf_release(&out);
}

static void test_cut_anywhere(void **state)
{
    struct buf out = BUF_INIT;
    struct bytes rest;
    struct beat b;

    UNUSED(state);
    beat_encode(&sample, &out);
    for (size_t len = 0; len < BEAT_SIZE; len++) {
        uint8_t *copy = mem_alloc(len + 1);
        memcpy(copy, out.data, len);
        assert_int_equal(beat_decode(bytes_of(copy, len), &b, &rest),
                         ERR_CORRUPT);
        mem_free(copy);
    }
    buf_release(&out);
}

/* No bit of the spare ones may be set. */
static void test_spare_bits(void **state)
{
    struct buf out = BUF_INIT;
    struct bytes rest;
    struct beat b;

    UNUSED(state);
    beat_encode(&sample, &out);
    for (size_t bit = 24 * 8 + 2; bit < BEAT_SIZE * 8; bit++) {
        if (bit / 8 == 25)
            continue;
        out.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(beat_decode(buf_view(&out), &b, &rest), ERR_CORRUPT);
        out.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (uint8_t flags = 0; flags < 4; flags++) {
        out.data[24] = flags;
        assert_int_equal(beat_decode(buf_view(&out), &b, &rest), 0);
        assert_int_equal(b.disk_short, (flags & 1) != 0);
        assert_int_equal(b.paused, (flags & 2) != 0);
    }
    buf_release(&out);
}

static void test_ranges(void **state)
{
    struct buf out = BUF_INIT;
    struct bytes rest;
    struct beat b;

    UNUSED(state);
    beat_encode(&sample, &out);
    for (size_t at = 0; at < 16; at += 8) {
        uint64_t good = load_u64le(out.data + at);
        store_u64le(out.data + at, RAFT_NUMBER_MAX);
        assert_int_equal(beat_decode(buf_view(&out), &b, &rest), 0);
        store_u64le(out.data + at, RAFT_NUMBER_MAX + 1);
        assert_int_equal(beat_decode(buf_view(&out), &b, &rest), ERR_CORRUPT);
        store_u64le(out.data + at, good);
    }
    out.data[25] = RAFT_NODES_MAX;
    assert_int_equal(beat_decode(buf_view(&out), &b, &rest), 0);
    out.data[25] = RAFT_NODES_MAX + 1;
    assert_int_equal(beat_decode(buf_view(&out), &b, &rest), ERR_CORRUPT);
    out.data[25] = 0;
    store_u64le(out.data + 16, (uint64_t)ENTRY_TIME_MAX);
    assert_int_equal(beat_decode(buf_view(&out), &b, &rest), 0);
    store_u64le(out.data + 16, (uint64_t)ENTRY_TIME_MAX + 1);
    assert_int_equal(beat_decode(buf_view(&out), &b, &rest), ERR_CORRUPT);
    store_u64le(out.data + 16, UINT64_MAX);
    assert_int_equal(beat_decode(buf_view(&out), &b, &rest), ERR_CORRUPT);
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_nothing_said),
        cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_spare_bits),
        cmocka_unit_test(test_ranges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
