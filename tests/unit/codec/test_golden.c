/*
 * The formats, byte by byte: what stands on disks and travels between
 * versions. A change here is a change of format, which needs a version of its
 * own; the bytes are written out below, so that it cannot happen unnoticed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hash.h"
#include "base/reader.h"
#include "codec/entry.h"
#include "codec/frame.h"
#include "codec/record.h"

#include <stdio.h>
#include <string.h>

static void expect_hex(struct buf *b, const char *want)
{
    char got[1024] = "";

    assert_true(b->len < sizeof(got) / 2);
    for (size_t i = 0; i < b->len; i++) {
        snprintf(got + 2 * i, 3, "%02x", b->data[i]);
    }
    assert_string_equal(got, want);
    buf_reset(b);
}

static struct entry sample_entry(void)
{
    struct entry e = {.index = 0x0102030405060708,
                      .term = 0x1112131415161718,
                      .time_ms = 0x0122232425262728,
                      .wall_offset_ms = 0x1425262728292a2b,
                      .seed = 0x3132333435363738,
                      .kind = ENTRY_REQUESTS,
                      .payload = BYTES_LIT("payload")};

    entry_seal(&e);
    return e;
}

static void test_entry(void **state)
{
    struct entry e = sample_entry();
    struct buf b = BUF_INIT;

    UNUSED(state);
    entry_encode(&e, &b);
    expect_hex(
        &b, "181716151413121128272625242322012b2a2928272625143837363534333231"
            "01000000070000005503e8cf6e0c41d07061796c6f6164");
    buf_u64(&b, entry_chain(7, e.checksum));
    expect_hex(&b, "b48e324bb89ca17d");
    buf_release(&b);
}

static void test_frame(void **state)
{
    struct buf b = BUF_INIT;

    UNUSED(state);
    size_t begin = frame_begin(&b, FRAME_RAFT, 0x0102);
    buf_str(&b, "abc");
    frame_end(&b, begin);
    expect_hex(&b, "76617264010402010300000045a64b937ec71908e1316542616263");
    buf_release(&b);
}

static void test_records(void **state)
{
    struct hard_state s = {.term = 4, .vote = 2};
    struct identity i = {.cluster_id = 1,
                         .node = 2,
                         .incarnation = 3,
                         .directory = {4, 5},
                         .nonce = 6};
    struct log_start l = {.first = 5, .prev_term = 4, .prev_chain = 3};
    struct watermark w = {.cluster_id = 1,
                          .node = 2,
                          .incarnation = 3,
                          .directory = {10, 11},
                          .nonce = 12,
                          .term = 4,
                          .vote = 5,
                          .index = 6,
                          .index_term = 7,
                          .chain = 8,
                          .generation = 9};
    struct buf b = BUF_INIT;

    UNUSED(state);
    hard_state_encode(&s, &b);
    expect_hex(&b, "04000000000000000200000000000000767eec99c7c686f0");
    identity_encode(&i, &b);
    expect_hex(
        &b, "0100000000000000020000000000000003000000000000000400000000000000"
            "050000000000000006000000000000006bea5bdcc12d451a");
    log_start_encode(&l, &b);
    expect_hex(
        &b, "0500000000000000040000000000000003000000000000009cc2f0f6203edd24");
    watermark_encode(&w, &b);
    expect_hex(
        &b, "0100000000000000020000000500000003000000000000000400000000000000"
            "0600000000000000070000000000000008000000000000000900000000000000"
            "0a000000000000000b000000000000000c00000000000000902705b026fe5809");
    buf_release(&b);
}

/* The sample with one byte of its header changed, and a checksum that says
 * that this is right. */
static int decode_changed(size_t at, uint8_t value)
{
    struct entry e = sample_entry();
    struct entry out;
    struct buf b = BUF_INIT;
    uint8_t head[48];

    entry_encode(&e, &b);
    b.data[at] = value;
    store_u64le(head, e.index);
    memcpy(head + 8, b.data, 40);
    store_u64le(b.data + 40,
                hash64_seed(e.payload, hash64(bytes_of(head, 48))));
    struct bytes rest = buf_view(&b);
    int rc = entry_decode(e.index, &rest, &out);
    buf_release(&b);
    return rc;
}

/* Kinds that are not known, and spare bytes that are used, are refused, also
 * with a right checksum. */
static void test_spare_bytes(void **state)
{
    UNUSED(state);
    assert_int_equal(decode_changed(32, ENTRY_CONFIG), 0);
    assert_int_equal(decode_changed(32, ENTRY_KIND_END), ERR_CORRUPT);
    assert_int_equal(decode_changed(32, 255), ERR_CORRUPT);
    for (size_t at = 33; at < 36; at++) {
        assert_int_equal(decode_changed(at, 1), ERR_CORRUPT);
    }
}

/* A record with one byte changed and a checksum that fits; `kind` is its
 * seed. */
static void reseal(struct buf *b, size_t at, uint8_t value, uint64_t kind)
{
    b->data[at] = value;
    struct bytes body = bytes_of(b->data, b->len - 8);
    store_u64le(b->data + b->len - 8, hash64_seed(body, kind));
}

static void test_resealed_records(void **state)
{
    struct hard_state s = {.term = 4, .vote = 2};
    struct identity i = {.cluster_id = 1, .node = 2, .incarnation = 3};
    struct log_start l = {.first = 5, .prev_term = 4};
    struct watermark w = {.cluster_id = 1, .node = 2};
    struct buf b = BUF_INIT;

    UNUSED(state);
    hard_state_encode(&s, &b);
    reseal(&b, 8, 9, 1);
    assert_int_equal(hard_state_decode(buf_view(&b), &s), 0);
    assert_int_equal(s.vote, 9);
    reseal(&b, 12, 1, 1); /* spare */
    assert_int_equal(hard_state_decode(buf_view(&b), &s), ERR_CORRUPT);
    buf_reset(&b);
    identity_encode(&i, &b);
    reseal(&b, 8, 9, 2);
    assert_int_equal(identity_decode(buf_view(&b), &i), 0);
    reseal(&b, 12, 1, 2);
    assert_int_equal(identity_decode(buf_view(&b), &i), ERR_CORRUPT);
    buf_reset(&b);
    log_start_encode(&l, &b);
    reseal(&b, 0, 1, 3);
    assert_int_equal(log_start_decode(buf_view(&b), &l), 0);
    reseal(&b, 0, 0, 3); /* no log begins at 0 */
    assert_int_equal(log_start_decode(buf_view(&b), &l), ERR_CORRUPT);
    buf_reset(&b);
    watermark_encode(&w, &b);
    reseal(&b, 8, 9, 4);
    assert_int_equal(watermark_decode(buf_view(&b), &w), 0);
    reseal(&b, 71, 9, 4); /* the directory's id is 16 bytes of any value */
    assert_int_equal(watermark_decode(buf_view(&b), &w), 0);
    assert_int_equal(w.directory.high >> 56, 9);
    buf_release(&b);
}

/* Two entries in a row: decoding the first leaves exactly the second. */
static void test_in_a_row(void **state)
{
    struct entry e = sample_entry();
    struct entry out;
    struct buf b = BUF_INIT;

    UNUSED(state);
    entry_encode(&e, &b);
    size_t size = b.len;
    entry_encode(&e, &b);
    for (size_t len = 0; len < ENTRY_HEADER_SIZE; len++) {
        assert_int_equal(entry_record_size(bytes_of(b.data, len)), 0);
    }
    assert_int_equal(entry_record_size(buf_view(&b)), size);
    struct bytes rest = buf_view(&b);
    for (int i = 2; i > 0; i--) {
        assert_int_equal(rest.len, (size_t)i * size);
        assert_int_equal(entry_decode(e.index, &rest, &out), 0);
        assert_true(bytes_eq(out.payload, e.payload));
    }
    assert_int_equal(rest.len, 0);
    rest = buf_view(&b);
    for (int i = 1; i >= 0; i--) { /* without a look at the checksum */
        entry_view(e.index, &rest, &out);
        assert_int_equal(rest.len, (size_t)i * size);
        assert_true(bytes_eq(out.payload, e.payload));
    }
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entry),
        cmocka_unit_test(test_frame),
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_spare_bytes),
        cmocka_unit_test(test_resealed_records),
        cmocka_unit_test(test_in_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
