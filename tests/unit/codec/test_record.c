/* Records on disk: round trip, every cut, every flipped bit, no mix-ups. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/reader.h"
#include "codec/record.h"

#define KINDS 6

struct all {
    struct hard_state hard;
    struct identity identity;
    struct log_start start;
    struct watermark mark;
    struct founding founding;
    struct receipts receipts;
};

static const struct all sample = {
    .hard = {.term = 7, .vote = 2},
    .identity = {.cluster_id = 11,
                 .node = 1,
                 .incarnation = 5,
                 .directory = {21, 22},
                 .nonce = 23},
    .start = {.first = 100, .prev_term = 6, .prev_chain = 99},
    .mark = {.cluster_id = 11,
             .node = 1,
             .incarnation = 5,
             .directory = {31, 32},
             .nonce = 33,
             .term = 7,
             .vote = 2,
             .index = 123,
             .index_term = 6,
             .chain = 77,
             .generation = 8},
    .founding = {.cluster_id = 11,
                 .count = 2,
                 .members = {{0, {41, 42}}, {3, {43, 44}}}},
    .receipts = {.cluster_id = 11,
                 .count = 2,
                 .of = {{3, 1, 7, 123, 55}, {0, 0, 6, 122, 56}}},
};

static void encode(int kind, struct buf *out)
{
    switch (kind) {
    case 0:
        hard_state_encode(&sample.hard, out);
        break;
    case 1:
        identity_encode(&sample.identity, out);
        break;
    case 2:
        log_start_encode(&sample.start, out);
        break;
    case 3:
        watermark_encode(&sample.mark, out);
        break;
    case 4:
        founding_encode(&sample.founding, out);
        break;
    default:
        receipts_encode(&sample.receipts, out);
        break;
    }
}

static int decode(int kind, struct bytes b, struct all *out)
{
    switch (kind) {
    case 0:
        return hard_state_decode(b, &out->hard);
    case 1:
        return identity_decode(b, &out->identity);
    case 2:
        return log_start_decode(b, &out->start);
    case 3:
        return watermark_decode(b, &out->mark);
    case 4:
        return founding_decode(b, &out->founding);
    default:
        return receipts_decode(b, &out->receipts);
    }
}

static void test_round_trip(void **state)
{
    UNUSED(state);
    struct all d;
    memset(&d, 0, sizeof(d));
    size_t sizes[] = {
        24, 56, 32, WATERMARK_RECORD_SIZE, FOUNDING_SIZE, RECEIPTS_SIZE};
    for (int kind = 0; kind < KINDS; kind++) {
        struct buf out = BUF_INIT;
        encode(kind, &out);
        assert_int_equal(out.len, sizes[kind]);
        assert_int_equal(decode(kind, buf_view(&out), &d), 0);
        buf_release(&out);
    }
    assert_int_equal(d.hard.term, 7);
    assert_int_equal(d.hard.vote, 2);
    assert_int_equal(d.identity.cluster_id, 11);
    assert_int_equal(d.identity.node, 1);
    assert_int_equal(d.identity.incarnation, 5);
    assert_int_equal(d.identity.directory.high, 21);
    assert_int_equal(d.identity.directory.low, 22);
    assert_int_equal(d.identity.nonce, 23);
    assert_int_equal(d.start.first, 100);
    assert_int_equal(d.start.prev_term, 6);
    assert_int_equal(d.start.prev_chain, 99);
    assert_int_equal(d.mark.cluster_id, 11);
    assert_int_equal(d.mark.node, 1);
    assert_int_equal(d.mark.incarnation, 5);
    assert_int_equal(d.mark.directory.high, 31);
    assert_int_equal(d.mark.directory.low, 32);
    assert_int_equal(d.mark.nonce, 33);
    assert_int_equal(d.mark.term, 7);
    assert_int_equal(d.mark.vote, 2);
    assert_int_equal(d.mark.index, 123);
    assert_int_equal(d.mark.index_term, 6);
    assert_int_equal(d.mark.chain, 77);
    assert_int_equal(d.mark.generation, 8);
    assert_int_equal(d.founding.cluster_id, 11);
    assert_int_equal(d.founding.count, 2);
    assert_int_equal(d.founding.members[0].id, 0);
    assert_int_equal(d.founding.members[1].id, 3);
    assert_int_equal(d.founding.members[1].directory.low, 44);
    assert_true(directory_id_is_none(d.founding.members[2].directory));
    assert_int_equal(d.receipts.cluster_id, 11);
    assert_int_equal(d.receipts.count, 2);
    const struct receipt *r = receipts_find(&d.receipts, 3);
    assert_true(r == &d.receipts.of[0] && r->life == 1 && r->term == 7);
    assert_true(r->index == 123 && r->chain == 55);
    assert_int_equal(receipts_find(&d.receipts, 0)->index, 122);
    assert_null(receipts_find(&d.receipts, 2));
}

/* What no node writes, with a checksum that fits. */
static void test_receipts_refused(void **state)
{
    static const struct {
        size_t at;
        uint8_t value;
    } wrong[] = {
        {8, 17},           /* too many */
        {8, 1},            /* one behind the end */
        {8, 3},            /* one of no term */
        {12, 1},           /* spare */
        {16, 0},           /* two of one member */
        {16 + 8, 0},       /* of no term */
        {16 + 16, 0},      /* of no entry */
        {16 + 2 * 32, 1},  /* behind the end */
        {16 + 15 * 32, 1}, /* at the very end */
    };
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct receipts d;
        struct buf out = BUF_INIT;
        receipts_encode(&sample.receipts, &out);
        assert_int_not_equal(out.data[wrong[i].at], wrong[i].value);
        out.data[wrong[i].at] = wrong[i].value;
        struct bytes body = bytes_of(out.data, RECEIPTS_SIZE - 8);
        store_u64le(out.data + RECEIPTS_SIZE - 8, hash64_seed(body, 6));
        assert_int_equal(receipts_decode(buf_view(&out), &d), ERR_CORRUPT);
        buf_release(&out);
    }
}

static void test_length(void **state)
{
    UNUSED(state);
    for (int kind = 0; kind < KINDS; kind++) {
        struct buf out = BUF_INIT;
        encode(kind, &out);
        buf_u8(&out, 0);
        for (size_t len = 0; len <= out.len; len++) {
            uint8_t *copy = mem_alloc(len + 1);
            memcpy(copy, out.data, len);
            struct all d;
            int expected = len == out.len - 1 ? 0 : ERR_CORRUPT;
            assert_int_equal(decode(kind, bytes_of(copy, len), &d), expected);
            mem_free(copy);
        }
        buf_release(&out);
    }
}

static void test_any_bit(void **state)
{
    UNUSED(state);
    for (int kind = 0; kind < KINDS; kind++) {
        struct buf out = BUF_INIT;
        encode(kind, &out);
        for (size_t bit = 0; bit < out.len * 8; bit++) {
            out.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
            struct all d;
            assert_int_equal(decode(kind, buf_view(&out), &d), ERR_CORRUPT);
            out.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        }
        buf_release(&out);
    }
}

/* No kind is taken for another. */
static void test_kinds_apart(void **state)
{
    UNUSED(state);
    for (int kind = 0; kind < KINDS; kind++) {
        struct buf out = BUF_INIT;
        encode(kind, &out);
        for (int other = 0; other < KINDS; other++) {
            struct all d;
            int expected = other == kind ? 0 : ERR_CORRUPT;
            assert_int_equal(decode(other, buf_view(&out), &d), expected);
        }
        buf_release(&out);
    }
}

/* A member whose directory is none, is listed twice or behind the end; with a
 * checksum that says that this is right. */
static void test_no_founding(void **state)
{
    static const struct {
        size_t at;
        uint8_t value;
    } wrong[] = {{0, 0},  {8, 0},           {8, 1},
                 {8, 3},  {8, 17},          {12, 1},
                 {36, 0}, {16 + 2 * 20, 9}, {16 + 2 * 20 + 4, 9}};
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct founding f;
        struct buf out = BUF_INIT;
        founding_encode(&sample.founding, &out);
        out.data[wrong[i].at] = wrong[i].value;
        struct bytes body = bytes_of(out.data, out.len - 8);
        store_u64le(out.data + body.len, hash64_seed(body, 5));
        assert_int_equal(founding_decode(buf_view(&out), &f), ERR_CORRUPT);
        buf_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_length),
        cmocka_unit_test(test_any_bit),
        cmocka_unit_test(test_kinds_apart),
        cmocka_unit_test(test_no_founding),
        cmocka_unit_test(test_receipts_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
