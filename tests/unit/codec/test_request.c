/* Requests and parcels of them: round trips, lengths that disagree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/reader.h"
#include "base/rng.h"
#include "codec/request.h"

static const struct bytes set_argv[] = {BYTES_LIT("SET"), BYTES_LIT("k\0y"),
                                        BYTES_LIT("")};

static void parcel_of_two(struct buf *out)
{
    size_t begin = request_parcel_begin(out, 3, 12, 100);
    struct request plain = {.db = 2, .argc = 3};
    request_encode(out, &plain, set_argv);
    struct request once = {.flags = REQUEST_FLAG_ONCE,
                           .once_id = 42,
                           .once_ttl_s = 3600,
                           .once_client = BYTES_LIT("client"),
                           .argc = 1};
    request_encode(out, &once, set_argv);
    request_parcel_end(out, begin, 2);
}

static void test_round_trip(void **state)
{
    UNUSED(state);
    struct buf out = BUF_INIT;
    parcel_of_two(&out);
    buf_str(&out, "rest");
    struct bytes in = buf_view(&out);
    struct request_parcel g;
    assert_int_equal(request_parcel_decode(&in, &g), 0);
    assert_true(bytes_eq(in, BYTES_LIT("rest")));
    assert_int_equal(g.node, 3);
    assert_int_equal(g.incarnation, 12);
    assert_int_equal(g.first_seq, 100);
    assert_int_equal(g.count, 2);

    struct request r;
    assert_int_equal(request_decode(&g.requests, &r), 0);
    assert_int_equal(r.flags, 0);
    assert_int_equal(r.db, 2);
    assert_int_equal(r.argc, 3);
    assert_int_equal(r.once_client.len, 0);
    for (uint32_t i = 0; i < r.argc; i++)
        assert_true(bytes_eq(request_arg(&r.args), set_argv[i]));
    assert_int_equal(r.args.len, 0);

    assert_int_equal(request_decode(&g.requests, &r), 0);
    assert_int_equal(r.flags, REQUEST_FLAG_ONCE);
    assert_int_equal(r.once_id, 42);
    assert_int_equal(r.once_ttl_s, 3600);
    assert_true(bytes_eq(r.once_client, BYTES_LIT("client")));
    assert_int_equal(g.requests.len, 0);
    buf_release(&out);
}

static void test_cut_anywhere(void **state)
{
    UNUSED(state);
    struct buf out = BUF_INIT;
    parcel_of_two(&out);
    for (size_t len = 0; len < out.len; len++) {
        uint8_t *copy = mem_alloc(len + 1);
        memcpy(copy, out.data, len);
        struct bytes in = bytes_of(copy, len);
        struct request_parcel g;
        assert_int_equal(request_parcel_decode(&in, &g), ERR_CORRUPT);
        assert_int_equal(in.len, len);
        if (len > PARCEL_HEADER_SIZE) {
            struct bytes one = bytes_from(in, PARCEL_HEADER_SIZE);
            struct request r;
            int rc = request_decode(&one, &r);
            assert_true(rc == 0 || rc == ERR_CORRUPT);
        }
        mem_free(copy);
    }
    buf_release(&out);
}

/* Every stretch of an encoded request, as its parts are. */
static void test_parts(void **state)
{
    UNUSED(state);
    struct bytes argv[4] = {BYTES_LIT("set"), BYTES_LIT("key"), BYTES_NONE,
                            BYTES_LIT("a longer value")};
    struct request once = {.flags = REQUEST_FLAG_ONCE,
                           .db = 4,
                           .once_id = 99,
                           .once_ttl_s = 3600,
                           .once_client = BYTES_LIT("client"),
                           .argc = 4};
    struct buf whole = BUF_INIT;
    struct buf part = BUF_INIT;
    request_encode(&whole, &once, argv);
    assert_int_equal(request_encoded_size(&once, argv), whole.len);
    for (size_t from = 0; from <= whole.len; from++) {
        for (size_t len = 0; len <= whole.len - from; len++) {
            buf_reset(&part);
            request_encode_part(&part, &once, argv, from, len);
            assert_true(
                bytes_eq(buf_view(&part), bytes_of(whole.data + from, len)));
        }
    }
    buf_release(&whole);
    buf_release(&part);
}

/* Each byte of the lengths and counts, set to each value. */
static void test_lengths_disagree(void **state)
{
    UNUSED(state);
    const size_t fields[] = {20, 24, 28, 28 + 6, 28 + 8, 28 + 24};
    struct buf out = BUF_INIT;
    parcel_of_two(&out);
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        size_t width = fields[i] == 28 + 6 ? 2 : 4;
        for (size_t at = fields[i]; at < fields[i] + width; at++) {
            uint8_t old = out.data[at];
            for (unsigned v = 0; v < 256; v++) {
                if (v == old)
                    continue;
                out.data[at] = (uint8_t)v;
                struct bytes in = buf_view(&out);
                struct request_parcel g;
                assert_int_equal(request_parcel_decode(&in, &g), ERR_CORRUPT);
            }
            out.data[at] = old;
        }
    }
    buf_release(&out);
}

static void test_counts_refused(void **state)
{
    UNUSED(state);
    struct buf out = BUF_INIT;
    parcel_of_two(&out);
    const uint32_t counts[] = {0, 1, 3, UINT32_MAX};
    struct request_parcel g;
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        store_u32le(out.data + 20, counts[i]);
        struct bytes in = buf_view(&out);
        assert_int_equal(request_parcel_decode(&in, &g), ERR_CORRUPT);
    }
    store_u32le(out.data + 20, 2);
    store_u64le(out.data + 12, UINT64_MAX); /* sequence would wrap */
    struct bytes in = buf_view(&out);
    assert_int_equal(request_parcel_decode(&in, &g), ERR_CORRUPT);
    store_u64le(out.data + 12, UINT64_MAX - 2);
    in = buf_view(&out);
    assert_int_equal(request_parcel_decode(&in, &g), 0);
    store_u32le(out.data, NODE_NONE);
    in = buf_view(&out);
    assert_int_equal(request_parcel_decode(&in, &g), ERR_CORRUPT);
    buf_release(&out);
}

/* One request of 24 + 4 + 1 bytes to spoil. */
static int decode_spoilt(size_t at, uint8_t value)
{
    struct buf out = BUF_INIT;
    struct request head = {.argc = 1};
    struct bytes arg = BYTES_LIT("x");
    request_encode(&out, &head, &arg);
    out.data[at] = value;
    struct bytes in = buf_view(&out);
    struct request r;
    int rc = request_decode(&in, &r);
    buf_release(&out);
    return rc;
}

static void test_one_encoding(void **state)
{
    UNUSED(state);
    assert_int_equal(decode_spoilt(5, REQUEST_DATABASES - 1), 0);
    assert_int_equal(decode_spoilt(5, REQUEST_DATABASES), ERR_CORRUPT);
    assert_int_equal(decode_spoilt(5, 200), ERR_CORRUPT);
    assert_int_equal(decode_spoilt(4, 4), ERR_CORRUPT); /* flag unknown */
    assert_int_equal(decode_spoilt(4, 0x80), ERR_CORRUPT);
    assert_int_equal(decode_spoilt(4, REQUEST_FLAG_ONCE), ERR_CORRUPT);
    assert_int_equal(decode_spoilt(4, REQUEST_FLAG_INTERNAL), 0);
    assert_int_equal(decode_spoilt(12, 1), ERR_CORRUPT); /* id, no flag */
    assert_int_equal(decode_spoilt(20, 1), ERR_CORRUPT); /* time, no flag */
    assert_int_equal(decode_spoilt(6, 1), ERR_CORRUPT);  /* client, no flag */
    assert_int_equal(decode_spoilt(8, 0), ERR_CORRUPT);  /* no arguments */
}

/* No arguments, and all lengths in agreement: not even for the node's own. */
static void test_no_command(void **state)
{
    UNUSED(state);
    for (uint8_t flags = 0; flags <= REQUEST_FLAG_INTERNAL; flags += 2) {
        struct buf out = BUF_INIT;
        struct request r;
        buf_u32(&out, REQUEST_HEADER_SIZE - 4);
        buf_u8(&out, flags);
        for (int i = 0; i < REQUEST_HEADER_SIZE - 5; i++)
            buf_u8(&out, 0);
        struct bytes in = buf_view(&out);
        assert_int_equal(request_decode(&in, &r), ERR_CORRUPT);
        buf_release(&out);
    }
}

static void test_once_length(void **state)
{
    UNUSED(state);
    char client[REQUEST_ONCE_LEN_MAX + 1];
    memset(client, 'c', sizeof(client));
    struct request head = {
        .flags = REQUEST_FLAG_ONCE,
        .once_ttl_s = 1,
        .once_client = bytes_of(client, REQUEST_ONCE_LEN_MAX),
        .argc = 1,
    };
    struct buf out = BUF_INIT;
    request_encode(&out, &head, set_argv);
    struct bytes in = buf_view(&out);
    struct request r;
    assert_int_equal(request_decode(&in, &r), 0);
    assert_int_equal(r.once_client.len, REQUEST_ONCE_LEN_MAX);
    out.data[20] = 0; /* to be kept for no time */
    in = buf_view(&out);
    assert_int_equal(request_decode(&in, &r), ERR_CORRUPT);
    /* One byte longer, everything else in agreement. */
    buf_reset(&out);
    buf_u32(&out, 20 + 65 + 4);
    buf_u8(&out, REQUEST_FLAG_ONCE);
    buf_u8(&out, 0);
    buf_u16(&out, 65);
    buf_u32(&out, 1);
    buf_u64(&out, 1);
    buf_u32(&out, 1);
    buf_append(&out, client, 65);
    buf_u32(&out, 0);
    in = buf_view(&out);
    assert_int_equal(request_decode(&in, &r), ERR_CORRUPT);
    buf_release(&out);
}

/* A parcel's head by itself, as those read it whose parcels were checked. */
static int head_of(struct bytes bytes)
{
    struct request_parcel g;
    size_t len = bytes.len;
    int rc = request_parcel_head(&bytes, &g);
    assert_int_equal(bytes.len, rc == 0 ? 0 : len);
    return rc;
}

static void test_parcel_head(void **state)
{
    UNUSED(state);
    struct buf out = BUF_INIT;
    parcel_of_two(&out);
    assert_int_equal(head_of(buf_view(&out)), 0);
    assert_int_equal(request_parcels_check(buf_view(&out)), 0);
    for (size_t len = 0; len < out.len; len++) {
        struct bytes cut = bytes_of(out.data, len);
        assert_int_equal(head_of(cut), ERR_CORRUPT);
        assert_int_equal(request_parcels_check(cut), ERR_CORRUPT);
    }
    store_u32le(out.data + 20, 0); /* no requests */
    assert_int_equal(head_of(buf_view(&out)), ERR_CORRUPT);
    store_u32le(out.data + 20, 2);
    store_u64le(out.data + 12, UINT64_MAX - 1); /* numbers that wrap */
    assert_int_equal(head_of(buf_view(&out)), ERR_CORRUPT);
    store_u64le(out.data + 12, UINT64_MAX - 2);
    assert_int_equal(head_of(buf_view(&out)), 0);
    store_u32le(out.data, NODE_NONE);
    assert_int_equal(head_of(buf_view(&out)), ERR_CORRUPT);
    buf_release(&out);
}

static void test_many_arguments(void **state)
{
    UNUSED(state);
    uint32_t argc = REQUEST_ARGC_MAX;
    struct bytes *argv = mem_alloc(argc * sizeof(*argv));
    for (uint32_t i = 0; i < argc; i++)
        argv[i] = BYTES_LIT("ab");
    struct request head = {.argc = argc};
    struct buf out = BUF_INIT;
    request_encode(&out, &head, argv);
    struct bytes in = buf_view(&out);
    struct request r;
    assert_int_equal(request_decode(&in, &r), 0);
    assert_int_equal(r.argc, argc);
    store_u32le(out.data + 8, argc + 1);
    buf_u32(&out, 0);
    store_u32le(out.data, (uint32_t)out.len - 4);
    in = buf_view(&out);
    assert_int_equal(request_decode(&in, &r), ERR_CORRUPT);
    buf_release(&out);
    mem_free(argv);
}

static void test_random_bytes(void **state)
{
    UNUSED(state);
    uint64_t rng = 4;
    struct buf good = BUF_INIT;
    parcel_of_two(&good);
    for (int round = 0; round < 50000; round++) {
        size_t len = rng_below(&rng, good.len + 20);
        uint8_t *raw = mem_alloc(len + 1);
        for (size_t i = 0; i < len; i++)
            raw[i] = (uint8_t)rng_next(&rng);
        memcpy(raw, good.data, MIN(len, good.len));
        for (uint64_t n = rng_below(&rng, 4); n > 0 && len > 0; n--)
            raw[rng_below(&rng, len)] = (uint8_t)rng_next(&rng);
        struct bytes in = bytes_of(raw, len);
        struct request_parcel g;
        if (request_parcel_decode(&in, &g) == 0) {
            struct request r;
            for (uint32_t i = 0; i < g.count; i++) {
                assert_int_equal(request_decode(&g.requests, &r), 0);
                for (uint32_t k = 0; k < r.argc; k++)
                    request_arg(&r.args);
                assert_int_equal(r.args.len, 0);
            }
            assert_int_equal(g.requests.len, 0);
        }
        mem_free(raw);
    }
    buf_release(&good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_lengths_disagree),
        cmocka_unit_test(test_counts_refused),
        cmocka_unit_test(test_one_encoding),
        cmocka_unit_test(test_no_command),
        cmocka_unit_test(test_once_length),
        cmocka_unit_test(test_parcel_head),
        cmocka_unit_test(test_many_arguments),
        cmocka_unit_test(test_random_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
