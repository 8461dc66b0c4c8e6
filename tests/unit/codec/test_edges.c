/*
 * The last value that is taken and the first that is refused, of what peers
 * send before and between messages.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/reader.h"
#include "codec/frame.h"
#include "codec/hello.h"

#include <string.h>

#define AT_FROM   4 /* in a hello */
#define AT_TO     8
#define AT_HOST   72
#define AT_OFFSET 8 /* in a fragment */
#define AT_TOTAL  12
#define AT_LENGTH 20

static int hello_changed(size_t at, const void *bytes, size_t len)
{
    struct hello h = {.version_min = 1,
                      .version_max = 2,
                      .from = 1,
                      .to = 2,
                      .from_incarnation = 3,
                      .client_host = "host"};
    struct hello out;
    struct buf b = BUF_INIT;

    hello_encode(&h, &b);
    memcpy(b.data + at, bytes, len);
    int rc = hello_decode(buf_view(&b), &out);
    buf_release(&b);
    return rc;
}

static void test_hello(void **state)
{
    static const char *const good[] = {"!", "~", "a~", "a.b"};
    static const char *const bad[] = {"a ", "a b", "a\x7f", "a\n", "\x80"};
    uint32_t none = NODE_NONE;
    uint32_t zero = 0;

    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        char host[HELLO_HOST_SIZE] = "";
        memcpy(host, good[i], strlen(good[i]));
        assert_int_equal(hello_changed(AT_HOST, host, sizeof(host)), 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char host[HELLO_HOST_SIZE] = "";
        memcpy(host, bad[i], strlen(bad[i]));
        assert_int_equal(hello_changed(AT_HOST, host, sizeof(host)),
                         ERR_CORRUPT);
    }
    assert_int_equal(hello_changed(AT_FROM, &none, sizeof(none)), ERR_CORRUPT);
    assert_int_equal(hello_changed(AT_TO, &none, sizeof(none)), 0);
    assert_int_equal(hello_changed(AT_TO, &zero, sizeof(zero)), 0);
    assert_int_equal(hello_changed(0, "\x02\x02", 2), 0);
    assert_int_equal(hello_changed(0, "\x03\x02", 2), ERR_CORRUPT);
}

static void test_spare_of_fragments(void **state)
{
    struct fragment f = {
        .total = 8, .type = FRAME_RAFT, .data = BYTES_LIT("piece")};
    struct fragment out;
    struct buf b = BUF_INIT;

    UNUSED(state);
    fragment_encode(&f, &b);
    for (size_t at = 17; at < 20; at++) {
        b.data[at] = 1;
        assert_int_equal(fragment_decode(buf_view(&b), &out), ERR_CORRUPT);
        b.data[at] = 0;
        assert_int_equal(fragment_decode(buf_view(&b), &out), 0);
    }
    buf_release(&b);
}

/* `len` bytes that claim to stand at `offset` of `total`. */
static int fragment_claimed(uint32_t offset, uint32_t total, uint32_t len)
{
    static const uint8_t data[8];
    struct fragment f = {.total = 8,
                         .type = FRAME_RAFT,
                         .data = bytes_of(data, len == 0 ? 1 : len)};
    struct fragment out;
    struct buf b = BUF_INIT;

    fragment_encode(&f, &b);
    store_u32le(b.data + AT_OFFSET, offset);
    store_u32le(b.data + AT_TOTAL, total);
    store_u32le(b.data + AT_LENGTH, len);
    struct bytes all = buf_view(&b);
    all.len -= len == 0;
    int rc = fragment_decode(all, &out);
    buf_release(&b);
    return rc;
}

static void test_fragments(void **state)
{
    UNUSED(state);
    assert_int_equal(fragment_claimed(0, 1, 1), 0);
    assert_int_equal(fragment_claimed(0, 8, 1), 0);
    assert_int_equal(fragment_claimed(7, 8, 1), 0);
    assert_int_equal(fragment_claimed(0, 8, 8), 0);
    assert_int_equal(fragment_claimed(0, FRAGMENT_TOTAL_MAX, 8), 0);
    assert_int_equal(fragment_claimed(0, FRAGMENT_TOTAL_MAX + 1, 8),
                     ERR_CORRUPT);
    assert_int_equal(fragment_claimed(0, 0, 0), ERR_CORRUPT);
    assert_int_equal(fragment_claimed(0, 0, 1), ERR_CORRUPT);
    assert_int_equal(fragment_claimed(0, 8, 0), ERR_CORRUPT);
    assert_int_equal(fragment_claimed(8, 8, 0), ERR_CORRUPT);
    assert_int_equal(fragment_claimed(8, 8, 1), ERR_CORRUPT);
    assert_int_equal(fragment_claimed(7, 8, 2), ERR_CORRUPT);
    assert_int_equal(fragment_claimed(UINT32_MAX, 8, 2), ERR_CORRUPT);
}

/* What is refused is refused as what it is: nonsense, or damage. */
static void test_frame_errors(void **state)
{
    struct buf b = BUF_INIT;
    struct frame out;

    UNUSED(state);
    size_t begin = frame_begin(&b, FRAME_RAFT, 3);
    buf_str(&b, "abc");
    frame_end(&b, begin);
    struct bytes all = buf_view(&b);
    struct bytes part = bytes_of(b.data, b.len - 1);
    assert_int_equal(frame_decode(&part, &out), ERR_AGAIN);
    part.len = FRAME_HEADER_SIZE - 1;
    assert_int_equal(frame_decode(&part, &out), ERR_AGAIN);
    assert_int_equal(frame_decode(&all, &out), 0);
    assert_int_equal(all.len, 0);
    assert_int_equal(out.group, 3);
    for (size_t at = 0; at < b.len; at++) {
        bool judged = at < 5; /* magic and version come before checksums */
        b.data[at] ^= 0x80;
        all = buf_view(&b);
        assert_int_equal(frame_decode(&all, &out),
                         judged ? ERR_PROTOCOL : ERR_CORRUPT);
        assert_int_equal(all.len, b.len);
        b.data[at] ^= 0x80;
    }
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hello),
        cmocka_unit_test(test_spare_of_fragments),
        cmocka_unit_test(test_fragments),
        cmocka_unit_test(test_frame_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
