/*
 * The protocol of Verdi's vard: frames, requests, replies.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "original/wire.h"

#include <string.h>

static struct bytes str(const char *s)
{
    return bytes_str(s);
}

static void frames_split_at_every_byte(void **state)
{
    static const char text[] = "12 PUT key value -";
    struct buf in = BUF_INIT;
    struct bytes got = BYTES_NONE;
    size_t need = 4;
    UNUSED(state);
    buf_u32(&in, (uint32_t)strlen(text));
    buf_str(&in, text);
    for (size_t n = 0; n < in.len; n++) {
        assert_int_equal(original_frame(bytes_of(in.data, n), 100, &got, &need),
                         0);
        assert_true(need > n && need <= in.len);
    }
    assert_int_equal(original_frame(buf_view(&in), 100, &got, &need), in.len);
    assert_true(bytes_eq(got, str(text)));
    buf_str(&in, "more");
    assert_int_equal(original_frame(buf_view(&in), 100, &got, &need),
                     4 + strlen(text));
    buf_release(&in);
}

static void frame_too_long_is_refused_before_it_arrives(void **state)
{
    static const uint8_t in[4] = {101, 0, 0, 0};
    static const uint8_t huge[4] = {0xff, 0xff, 0xff, 0xff};
    struct bytes text;
    size_t need;
    UNUSED(state);
    assert_int_equal(original_frame(bytes_of(in, 4), 100, &text, &need),
                     ERR_TOO_BIG);
    assert_int_equal(original_frame(bytes_of(huge, 4), 100, &text, &need),
                     ERR_TOO_BIG);
    assert_int_equal(original_frame(bytes_of(in, 4), 101, &text, &need), 0);
    assert_int_equal(need, 105);
}

static void client_ids(void **state)
{
    char id[ORIGINAL_ID_LEN + 1];
    UNUSED(state);
    assert_int_equal(
        original_parse_id(str("0123456789abcdef0123456789abcdef"), id), 0);
    assert_string_equal(id, "0123456789abcdef0123456789abcdef");
    assert_int_not_equal(
        original_parse_id(str("0123456789abcdef0123456789abcde"), id), 0);
    assert_int_not_equal(
        original_parse_id(str("0123456789ABCDEF0123456789abcdef"), id), 0);
    assert_int_not_equal(
        original_parse_id(str("0123456789abcdef0123456789abcdeg"), id), 0);
}

struct sample {
    const char *text;
    uint64_t id;
    const char *argv[4];
};

static const struct sample samples[] = {
    {"0 GET a - -", 0, {"vard.get", "a"}},
    {"1 PUT /a/B9 v -", 1, {"vard.put", "/a/B9", "v"}},
    {"2 PUT a - -", 2, {"vard.put", "a", "-"}},
    {"3 DEL a - -", 3, {"vard.del", "a"}},
    {"4 CAS a b c", 4, {"vard.cas", "a", "b", "c"}},
    {"5 CAS a - c", 5, {"vard.cas", "a", "-", "c"}},
    {"6 CAD a b -", 6, {"vard.cad", "a", "b"}},
    {"007  GET   a  -  - \r\n", 7, {"vard.get", "a"}},
    {"18446744073709551615 GET a - -", UINT64_MAX, {"vard.get", "a"}},
};

static void requests(void **state)
{
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
        const struct sample *s = &samples[i];
        struct original_request r;
        assert_int_equal(original_parse(str(s->text), &r), 0);
        assert_true(r.id == s->id);
        for (uint32_t j = 0; j < 4; j++) {
            if (s->argv[j] == NULL) {
                assert_int_equal(r.argc, j);
                break;
            }
            assert_true(bytes_eq(r.argv[j], str(s->argv[j])));
        }
    }
}

static void bad_requests(void **state)
{
    static const char *const texts[] = {
        "",
        " ",
        "1",
        "1 GET",
        "1 GET a",
        "1 GET a -",
        "1 GET a - - -",
        "x GET a - -",
        "-1 GET a - -",
        "18446744073709551616 GET a - -",
        "1 get a - -",
        "1 NOP a - -",
        "1 GET a! - -",
        "1 PUT a b\x80 -",
        "1 CAS a b c-d",
    };
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct original_request r;
        assert_int_equal(original_parse(str(texts[i]), &r), ERR_PROTOCOL);
    }
}

static void expect_text(const char *reply, const char *text)
{
    struct buf out = BUF_INIT;
    assert_int_equal(original_format(9, str(reply), &out), 0);
    assert_int_equal(out.data[0], strlen(text));
    assert_int_equal(out.data[1] | out.data[2] | out.data[3], 0);
    assert_true(bytes_eq(bytes_from(buf_view(&out), 4), str(text)));
    buf_release(&out);
}

static void replies(void **state)
{
    UNUSED(state);
    expect_text("*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n", "Response 9 a b c");
    expect_text("*3\r\n$1\r\na\r\n$-1\r\n$2\r\ncc\r\n", "Response 9 a - cc");
    expect_text("*3\r\n$2\r\nak\r\n$-1\r\n$-1\r\n", "Response 9 ak - -");
}

static void replies_that_cannot_be_said(void **state)
{
    static const char *const bad[] = {
        "",
        "-UNKNOWN no majority\r\n",
        "-WRONGTYPE Operation\r\n",
        "-CLUSTERDOWN x\r\n",
        "-ERR this request id is older\r\n",
        "+OK\r\n",
        "*2\r\n$1\r\na\r\n$1\r\nb\r\n",
        "*3\r\n$1\r\na\r\n$3\r\nb c\r\n$-1\r\n",
        "*3\r\n$1\r\na\r\n$0\r\n\r\n$-1\r\n",
        "*3\r\n$1\r\na\r\n$5\r\nb\r\n",
        /* numbers that are none, or wrap around */
        "*x3\r\n$1\r\na\r\n$1\r\nb\r\n$-1\r\n",
        "*18446744073709551619\r\n$1\r\na\r\n$1\r\nb\r\n$-1\r\n",
        "*3\r\n$18446744073709551617\r\na\r\n$1\r\nb\r\n$-1\r\n",
        "*3\r\n$9223372036854775807\r\na\r\n$1\r\nb\r\n$-1\r\n",
    };
    struct buf out = BUF_INIT;
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(original_format(1, str(bad[i]), &out), ERR_INVALID);
    assert_int_equal(out.len, 0);
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_split_at_every_byte),
        cmocka_unit_test(frame_too_long_is_refused_before_it_arrives),
        cmocka_unit_test(client_ids),
        cmocka_unit_test(requests),
        cmocka_unit_test(bad_requests),
        cmocka_unit_test(replies),
        cmocka_unit_test(replies_that_cannot_be_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
