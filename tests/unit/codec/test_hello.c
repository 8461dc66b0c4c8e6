/* The handshake's records and fragments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/reader.h"
#include "base/rng.h"
#include "codec/frame.h"
#include "codec/hello.h"

static struct hello sample(void)
{
    struct hello h = {
        .version_min = 1,
        .version_max = 3,
        .cluster_id = UINT64_C(0x1122334455667788),
        .from = 2,
        .to = 0,
        .from_incarnation = 9,
        .to_incarnation = 0,
        .secured = true,
        .client_port = 6379,
        .client_host = "node-2.example",
    };
    for (size_t i = 0; i < sizeof(h.nonce); i++)
        h.nonce[i] = (uint8_t)(i * 7);
    return h;
}

static void test_hello_round_trip(void **state)
{
    UNUSED(state);
    struct hello h = sample();
    memset(h.client_host + 20, 'x', 10); /* behind the NUL: never sent */
    struct buf out = BUF_INIT;
    hello_encode(&h, &out);
    assert_int_equal(out.len, HELLO_SIZE);
    struct hello d;
    assert_int_equal(hello_decode(buf_view(&out), &d), 0);
    assert_int_equal(d.version_min, 1);
    assert_int_equal(d.version_max, 3);
    assert_int_equal(d.cluster_id, h.cluster_id);
    assert_int_equal(d.from, 2);
    assert_int_equal(d.to, 0);
    assert_int_equal(d.from_incarnation, 9);
    assert_int_equal(d.to_incarnation, 0);
    assert_true(d.secured);
    assert_int_equal(d.client_port, 6379);
    assert_string_equal(d.client_host, "node-2.example");
    assert_int_equal(d.client_host[25], 0);
    assert_memory_equal(d.nonce, h.nonce, sizeof(h.nonce));
    buf_release(&out);
}

static void test_hello_length(void **state)
{
    UNUSED(state);
    struct hello h = sample();
    struct buf out = BUF_INIT;
    hello_encode(&h, &out);
    buf_u8(&out, 0);
    for (size_t len = 0; len <= out.len; len++) {
        uint8_t *copy = mem_alloc(len + 1);
        memcpy(copy, out.data, len);
        int expected = len == HELLO_SIZE ? 0 : ERR_CORRUPT;
        struct hello d;
        assert_int_equal(hello_decode(bytes_of(copy, len), &d), expected);
        mem_free(copy);
    }
    buf_release(&out);
}

static void test_hello_refused(void **state)
{
    UNUSED(state);
    const struct {
        size_t at;
        uint8_t value;
    } wrong[] = {{0, 4},         {2, 2},      {3, 1},    {14, 1},
                 {15, 1},        {72, ' '},   {72, 127}, {72, '\n'},
                 {72 + 63, 'x'}, {72 + 20, 1}};
    struct hello h = sample();
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct buf out = BUF_INIT;
        hello_encode(&h, &out);
        out.data[wrong[i].at] = wrong[i].value;
        struct hello d;
        assert_int_equal(hello_decode(buf_view(&out), &d), ERR_CORRUPT);
        buf_release(&out);
    }
    struct buf out = BUF_INIT;
    hello_encode(&h, &out);
    struct hello d;
    store_u64le(out.data + 24, 0); /* no incarnation */
    assert_int_equal(hello_decode(buf_view(&out), &d), ERR_CORRUPT);
    store_u64le(out.data + 24, 1);
    store_u32le(out.data + 4, NODE_NONE);
    assert_int_equal(hello_decode(buf_view(&out), &d), ERR_CORRUPT);
    store_u32le(out.data + 4, 1);
    memset(out.data + 72, 'h', 64); /* no NUL */
    assert_int_equal(hello_decode(buf_view(&out), &d), ERR_CORRUPT);
    out.data[72 + 63] = 0;
    assert_int_equal(hello_decode(buf_view(&out), &d), 0);
    buf_release(&out);
}

static void test_proof(void **state)
{
    UNUSED(state);
    struct proof p;
    memset(p.mac, 0xab, sizeof(p.mac));
    struct buf out = BUF_INIT;
    proof_encode(&p, &out);
    struct proof d;
    assert_int_equal(proof_decode(buf_view(&out), &d), 0);
    assert_memory_equal(d.mac, p.mac, sizeof(p.mac));
    assert_int_equal(proof_decode(bytes_of(out.data, 31), &d), ERR_CORRUPT);
    buf_u8(&out, 0);
    assert_int_equal(proof_decode(buf_view(&out), &d), ERR_CORRUPT);
    buf_release(&out);
}

static void encode_fragment(struct buf *out, uint32_t offset, uint32_t total)
{
    struct fragment f = {.id = 5,
                         .offset = offset,
                         .total = total,
                         .type = FRAME_RAFT,
                         .data = BYTES_LIT("piece")};
    fragment_encode(&f, out);
}

static void test_fragment_round_trip(void **state)
{
    UNUSED(state);
    struct buf out = BUF_INIT;
    encode_fragment(&out, FRAGMENT_TOTAL_MAX - 5, FRAGMENT_TOTAL_MAX);
    struct fragment d;
    assert_int_equal(fragment_decode(buf_view(&out), &d), 0);
    assert_int_equal(d.id, 5);
    assert_int_equal(d.offset, FRAGMENT_TOTAL_MAX - 5);
    assert_int_equal(d.total, FRAGMENT_TOTAL_MAX);
    assert_int_equal(d.type, FRAME_RAFT);
    assert_true(bytes_eq(d.data, BYTES_LIT("piece")));
    buf_u8(&out, 0);
    assert_int_equal(fragment_decode(buf_view(&out), &d), ERR_CORRUPT);
    for (size_t len = 0; len < out.len - 1; len++) {
        uint8_t *copy = mem_alloc(len + 1);
        memcpy(copy, out.data, len);
        assert_int_equal(fragment_decode(bytes_of(copy, len), &d), ERR_CORRUPT);
        mem_free(copy);
    }
    buf_release(&out);
}

static void test_fragment_refused(void **state)
{
    UNUSED(state);
    const struct {
        size_t at;
        uint32_t value;
    } wrong[] = {{8, 6},
                 {8, UINT32_MAX},
                 {8, UINT32_MAX - 4},
                 {12, 0},
                 {12, 4},
                 {12, FRAGMENT_TOTAL_MAX + 1},
                 {16, 0},
                 {16, FRAME_FRAGMENT},
                 {16, FRAME_HELLO},
                 {16, 0x100 | FRAME_RAFT},
                 {20, 0},
                 {20, 4},
                 {20, 6},
                 {20, UINT32_MAX}};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct buf out = BUF_INIT;
        encode_fragment(&out, 5, 10);
        struct fragment d;
        assert_int_equal(fragment_decode(buf_view(&out), &d), 0);
        store_u32le(out.data + wrong[i].at, wrong[i].value);
        assert_int_equal(fragment_decode(buf_view(&out), &d), ERR_CORRUPT);
        buf_release(&out);
    }
}

static void test_random_bytes(void **state)
{
    UNUSED(state);
    uint64_t rng = 3;
    for (int round = 0; round < 20000; round++) {
        size_t len = rng_below(&rng, 4) == 0 ? HELLO_SIZE : rng_below(&rng, 60);
        uint8_t *raw = mem_alloc(len + 1);
        for (size_t i = 0; i < len; i++)
            raw[i] = (uint8_t)rng_next(&rng);
        struct hello h;
        struct fragment f;
        assert_int_equal(hello_decode(bytes_of(raw, len), &h), ERR_CORRUPT);
        assert_int_equal(fragment_decode(bytes_of(raw, len), &f), ERR_CORRUPT);
        mem_free(raw);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hello_round_trip),
        cmocka_unit_test(test_hello_length),
        cmocka_unit_test(test_hello_refused),
        cmocka_unit_test(test_proof),
        cmocka_unit_test(test_fragment_round_trip),
        cmocka_unit_test(test_fragment_refused),
        cmocka_unit_test(test_random_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
