/*
 * Values out of payloads: those of servers, and such that nobody should have
 * written.
 */
// link: base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rdb/crc64.h"
#include "unit/rdb/goldens.h"
#include "unit/rdb/rdb_fixture.h"

static void test_checksum(void **state)
{
    UNUSED(state);
    struct buf b = BUF_INIT;
    assert_true(crc64(0, BYTES_LIT("123456789")) ==
                UINT64_C(0xe9c6d914c4b8d9ca));
    assert_true(crc64(0, BYTES_NONE) == 0);
    /* By words, and in any two parts, it is the same. */
    for (uint32_t i = 0; i < 50001; i++)
        buf_u8(&b, (uint8_t)(i * 7 + i / 251));
    uint64_t whole = crc64(0, buf_view(&b));
    for (size_t cut = 0; cut <= b.len; cut += 7143) {
        uint64_t crc = crc64(0, bytes_of(b.data, cut));
        assert_true(crc64(crc, bytes_from(buf_view(&b), cut)) == whole);
    }
    buf_release(&b);
}

static void test_goldens(void **state)
{
    UNUSED(state);
    struct buf payload = BUF_INIT;
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < ARRAY_LEN(goldens); i++) {
        const struct golden *g = &goldens[i];
        from_hex(g->hex, &payload);
        buf_reset(&text);
        assert_true(rdb_payload_whole(buf_view(&payload)));
        assert_int_equal(rdb_payload_check(buf_view(&payload), &UNLIMITED), 0);
        assert_int_equal(
            rdb_payload_read(buf_view(&payload), 1 << 20, show_item, &text), 0);
        buf_char(&text, '\0');
        assert_string_equal((const char *)text.data, g->items);
    }
    buf_release(&payload);
    buf_release(&text);
}

/* One byte at a time. */
static int trickle(void *arg, struct buf *to)
{
    struct bytes *rest = arg;
    if (rest->len == 0)
        return ERR_CLOSED;
    buf_u8(to, rest->data[0]);
    *rest = bytes_from(*rest, 1);
    return 0;
}

static void test_goldens_by_a_source(void **state)
{
    UNUSED(state);
    struct buf payload = BUF_INIT;
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < ARRAY_LEN(goldens); i++) {
        struct rdb_in in;
        from_hex(goldens[i].hex, &payload);
        struct bytes rest = bytes_of(payload.data + 1, payload.len - 11);
        buf_reset(&text);
        rdb_in_source(&in, trickle, &rest, 1 << 20);
        in.summing = true;
        in.crc = crc64(0, bytes_of(payload.data, 1));
        assert_int_equal(rdb_value_read(&in, payload.data[0], show_item, &text),
                         0);
        assert_int_equal(in.offset, payload.len - 11);
        assert_true(in.crc ==
                    crc64(0, bytes_of(payload.data, payload.len - 10)));
        (void)rdb_in_u8(&in);
        assert_int_equal(in.err, ERR_CLOSED);
        buf_char(&text, '\0');
        assert_string_equal((const char *)text.data, goldens[i].items);
        rdb_in_release(&in);
    }
    buf_release(&payload);
    buf_release(&text);
}

/* Each bit of each golden matters to the checksum, and none that is turned
 * behind its back does any harm. */
static void test_each_bit(void **state)
{
    UNUSED(state);
    struct buf payload = BUF_INIT;
    for (size_t i = 0; i < ARRAY_LEN(goldens); i++) {
        from_hex(goldens[i].hex, &payload);
        size_t bits = payload.len * 8;
        size_t step = payload.len < 1000 ? 1 : 61;
        for (size_t bit = 0; bit < bits; bit += step) {
            payload.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_false(rdb_payload_whole(buf_view(&payload)));
            assert_true(rdb_payload_check(buf_view(&payload), &UNLIMITED) <= 0);
            payload.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
    buf_release(&payload);
}

/* A value that ends too early is no value; nor is one that goes on. */
static void test_each_length(void **state)
{
    UNUSED(state);
    struct buf payload = BUF_INIT;
    struct buf cut = BUF_INIT;
    for (size_t i = 0; i < ARRAY_LEN(goldens); i++) {
        from_hex(goldens[i].hex, &payload);
        size_t whole = payload.len - 10;
        for (size_t len = 2; len <= whole + 1; len++) {
            buf_reset(&cut);
            buf_append(&cut, payload.data, MIN(len, whole));
            if (len > whole)
                buf_u8(&cut, 0);
            rdb_payload_end(&cut, 9);
            int err = rdb_payload_check(buf_view(&cut), &UNLIMITED);
            assert_int_equal(err, len == whole ? 0 : ERR_CORRUPT);
        }
    }
    buf_release(&payload);
    buf_release(&cut);
}

static const struct refused {
    const char *hex; /* a type, and its value */
    int err;
} refused[] = {
    {"00c0", ERR_CORRUPT}, /* an integer that is not there */
    {"0100", ERR_CORRUPT}, /* nothing in it */
    {"0200", ERR_CORRUPT},
    {"0400", ERR_CORRUPT},
    {"0500", ERR_CORRUPT},
    {"1200", ERR_CORRUPT},
    {"020201610161", ERR_CORRUPT},         /* a member twice */
    {"04020161016201610163", ERR_CORRUPT}, /* a field twice */
    {"0502016100000000000000000161000000000000f03f", ERR_CORRUPT},
    {"05010161000000000000f87f", ERR_CORRUPT}, /* not a number */
    {"03010161fd", ERR_CORRUPT},
    {"03010161036e616e", ERR_CORRUPT},
    {"03010161023178", ERR_CORRUPT},
    {"03010161022031", ERR_CORRUPT},
    {"0600", ERR_INVALID}, /* modules */
    {"0700", ERR_INVALID},
    {"0800", ERR_INVALID},
    {"1a00", ERR_INVALID}, /* what comes later */
    {"ff00", ERR_INVALID},
    {"00c400", ERR_CORRUPT},             /* a form of strings that is none */
    {"008200", ERR_CORRUPT},             /* the same of lengths */
    {"01c005", ERR_CORRUPT},             /* an integer for a length */
    {"0081ffffffffffffffff", ERR_LIMIT}, /* claims */
    {"00817fffffffffffffff", ERR_LIMIT},
    {"008000100000", ERR_CORRUPT},
    {"0181ffffffffffffffff", ERR_CORRUPT},
    {"02807fffffff0161", ERR_CORRUPT},
    {"0f81ffffffffffffffff", ERR_CORRUPT},
    {"00c3028000000fff0061", ERR_CORRUPT}, /* LZF cannot do that */
    {"00c30000", ERR_CORRUPT},
    {"00c302020061", ERR_CORRUPT},                 /* one byte, not two */
    {"0b09020000000100000005", ERR_CORRUPT},       /* cut */
    {"0b0c020000000200000005000500", ERR_CORRUPT}, /* equal */
    {"0b0c020000000200000005000400", ERR_CORRUPT}, /* falling */
    {"0b0a03000000000000000000", ERR_CORRUPT},
    {"0b080200000000000000", ERR_CORRUPT}, /* empty */
    {"1007070000000000ff", ERR_CORRUPT},
    {"14090900000002000101ff", ERR_CORRUPT},     /* count */
    {"14090900000001000102ff", ERR_CORRUPT},     /* backwards */
    {"14090800000001000101ff", ERR_CORRUPT},     /* length */
    {"14090900000001000101fe", ERR_CORRUPT},     /* end */
    {"140b0b000000020001010101ff", ERR_CORRUPT}, /* twice */
    {"140a0a0000000100f50102ff", ERR_CORRUPT},
    {"10090900000001000101ff", ERR_CORRUPT},       /* no value */
    {"110c0c00000002000101817802ff", ERR_CORRUPT}, /* no score */
    {"1201030161", ERR_CORRUPT},                   /* neither long nor packed */
    {"0a0e0e0000000a000000010001f2ff00",
     ERR_CORRUPT}, /* the element before the first is not empty */
    {"1601016101620000000000000080", ERR_CORRUPT}, /* a time */
    /* What is pending, and nobody has. */
    {"0f00000000010167000001000000000000000100000000000000010000000000000000010"
     "0",
     ERR_CORRUPT},
    {"18ffffffffffffffff010201610162", ERR_CORRUPT},
};

static void test_refused(void **state)
{
    UNUSED(state);
    struct buf payload = BUF_INIT;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        payload_of(refused[i].hex, &payload);
        assert_true(rdb_payload_whole(buf_view(&payload)));
        int err = rdb_payload_check(buf_view(&payload), &UNLIMITED);
        if (err != refused[i].err)
            print_error("row %zu: %s\n", i, refused[i].hex);
        assert_int_equal(err, refused[i].err);
    }
    buf_release(&payload);
}

static void test_versions(void **state)
{
    UNUSED(state);
    for (uint32_t version = 0; version < 200; version++) {
        struct buf b = BUF_INIT;
        buf_str(&b, "\x01\x01\x01x");
        buf_u16(&b, (uint16_t)version);
        buf_u64(&b, crc64(0, buf_view(&b)));
        assert_int_equal(rdb_payload_whole(buf_view(&b)),
                         version <= 12 || version == 80);
        buf_release(&b);
    }
    assert_false(rdb_payload_whole(BYTES_LIT("123456789")));
    assert_false(rdb_payload_whole(BYTES_NONE));
}

static int check_with(const char *hex, struct rdb_limits limits)
{
    struct buf payload = BUF_INIT;
    payload_of(hex, &payload);
    int err = rdb_payload_check(buf_view(&payload), &limits);
    buf_release(&payload);
    return err;
}

static void test_limits(void **state)
{
    UNUSED(state);
    const char *string = "0003616263";
    const char *hash = "0401036162630161";
    const char *lzf = "00c30740c8016161e0b90001";
    assert_int_equal(check_with(string, (struct rdb_limits){3, 1, 99}), 0);
    assert_int_equal(check_with(string, (struct rdb_limits){2, 1, 99}),
                     ERR_LIMIT);
    assert_int_equal(check_with(string, (struct rdb_limits){3, 1, 18}),
                     ERR_LIMIT);
    assert_int_equal(check_with(hash, (struct rdb_limits){9, 3, 99}), 0);
    assert_int_equal(check_with(hash, (struct rdb_limits){9, 2, 99}),
                     ERR_TOO_BIG);
    /* What counts is what it is unpacked. */
    assert_int_equal(check_with(lzf, (struct rdb_limits){199, 9, 999}),
                     ERR_LIMIT);
}

/* An integer in a listpack, and how long it is. */
static void add_integer(struct buf *b, uint32_t n)
{
    if (n < 128) {
        buf_u8(b, (uint8_t)n);
        buf_u8(b, 1);
        return;
    }
    buf_u8(b, 0xf3);
    buf_u32(b, n);
    buf_u8(b, 5);
}

/* A stream of one entry with so many fields, each "1", "1". */
static int check_wide(uint32_t fields)
{
    static const char head[] = "0f01100000000000000001000000000000000080";
    static const uint32_t entry[] = {0, 2, 0, 0};
    const struct rdb_limits limits = {1 << 24, 1 << 20, 1 << 26};
    struct buf pack = BUF_INIT;
    struct buf payload = BUF_INIT;
    add_integer(&pack, 1);
    add_integer(&pack, 0);
    add_integer(&pack, fields);
    for (uint32_t i = 0; i < fields; i++)
        add_integer(&pack, 1);
    for (size_t i = 0; i < ARRAY_LEN(entry); i++)
        add_integer(&pack, entry[i]);
    for (uint32_t i = 0; i < fields; i++)
        add_integer(&pack, 1);
    add_integer(&pack, fields + 3);
    buf_u8(&pack, 0xff);
    uint32_t size = (uint32_t)pack.len + 6;
    from_hex(head, &payload);
    buf_u32be(&payload, size);
    buf_u32(&payload, size);
    buf_u16(&payload, UINT16_MAX);
    buf_bytes(&payload, buf_view(&pack));
    for (size_t i = 0; i < 4; i++) /* length, last id, no groups */
        buf_u8(&payload, i < 2);
    rdb_payload_end(&payload, 9);
    int err = rdb_payload_check(buf_view(&payload), &limits);
    buf_release(&pack);
    buf_release(&payload);
    return err;
}

static void test_wide_entries(void **state)
{
    UNUSED(state);
    assert_int_equal(check_wide(1), 0);
    assert_int_equal(check_wide(1024 * 1024), 0);
    assert_int_equal(check_wide(1024 * 1024 + 1), ERR_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checksum),
        cmocka_unit_test(test_goldens),
        cmocka_unit_test(test_goldens_by_a_source),
        cmocka_unit_test(test_each_bit),
        cmocka_unit_test(test_each_length),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_wide_entries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
