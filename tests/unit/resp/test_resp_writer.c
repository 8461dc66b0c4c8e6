/*
 * The writer of replies, in both protocols.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "resp/resp_writer.h"

#include <math.h>

static void expect(struct buf *out, const char *expected)
{
    assert_true(bytes_eq(buf_view(out), bytes_str(expected)));
    buf_reset(out);
}

/* Writes one reply of each kind. */
static void write_all(struct resp_writer *w)
{
    resp_status(w, "OK");
    resp_error(w, "ERR bad\r\nthing");
    resp_errorf(w, "ERR '%s' %d", "a\nb", 5);
    resp_integer(w, INT64_MIN);
    resp_integer(w, 0);
    resp_bulk(w, bytes_of("a\0b", 3));
    resp_bulk(w, BYTES_NONE);
    resp_bulk_str(w, "text");
    resp_bulkf(w, "%d-%d", 1, 22);
    resp_null(w);
    resp_null_array(w);
    resp_double(w, 0.1);
    resp_double(w, -1e21);
    resp_double(w, 3);
    resp_double(w, -HUGE_VAL);
    resp_array(w, 2);
    resp_map(w, 3);
    resp_set(w, 4);
    resp_verbatim(w, "txt", BYTES_LIT("hi"));
    resp_raw(w, BYTES_LIT("+RAW\r\n"));
}

#define COMMON                                                                 \
    "+OK\r\n-ERR bad  thing\r\n-ERR 'a b' 5\r\n:-9223372036854775808\r\n"      \
    ":0\r\n$3\r\na\0b\r\n$0\r\n\r\n$4\r\ntext\r\n$4\r\n1-22\r\n"

static void test_resp2(void **state)
{
    UNUSED(state);
    struct buf out = BUF_INIT;
    struct resp_writer w = {.out = &out, .protocol = 2};
    write_all(&w);
    struct bytes expected =
        BYTES_LIT(COMMON "$-1\r\n*-1\r\n$19\r\n0.10000000000000001\r\n"
                         "$6\r\n-1e+21\r\n$1\r\n3\r\n$4\r\n-inf\r\n*2\r\n*"
                         "6\r\n*4\r\n$2\r\nhi\r\n+RAW\r\n");
    assert_true(bytes_eq(buf_view(&out), expected));
    buf_release(&out);
}

static void test_resp3(void **state)
{
    UNUSED(state);
    struct buf out = BUF_INIT;
    struct resp_writer w = {.out = &out, .protocol = 3};
    write_all(&w);
    struct bytes expected =
        BYTES_LIT(COMMON "_\r\n_\r\n,0.10000000000000001\r\n,-1e+21\r\n,3\r\n"
                         ",-inf\r\n*2\r\n%3\r\n~4\r\n=6\r\ntxt:hi\r\n+RAW\r\n");
    assert_true(bytes_eq(buf_view(&out), expected));
    buf_release(&out);
}

static void test_dropping(void **state)
{
    UNUSED(state);
    struct resp_writer w = {.out = NULL, .protocol = 2};
    write_all(&w);
    write_all(NULL);
    assert_null(w.out);
}

/* Formatted text of any length, right up to its terminator. */
static void test_long_format(void **state)
{
    UNUSED(state);
    struct buf out = BUF_INIT;
    struct resp_writer w = {.out = &out, .protocol = 2};
    char text[3000];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    resp_errorf(&w, "%s", text);
    assert_int_equal(out.len, sizeof(text) - 1 + 3);
    buf_reset(&out);
    resp_bulkf(&w, "%s", "");
    expect(&out, "$0\r\n\r\n");
    buf_release(&out);
}

static void test_limit(void **state)
{
    UNUSED(state);
    struct buf out = BUF_INIT;
    struct resp_writer w = {.out = &out, .protocol = 2, .limit = 1000};
    uint8_t data[600] = {0};
    resp_bulk(&w, bytes_of(data, sizeof(data)));
    assert_false(w.over);
    size_t len = out.len;
    resp_bulk(&w, bytes_of(data, sizeof(data)));
    assert_true(w.over);
    assert_int_equal(out.len, len);
    write_all(&w); /* small ones would fit, but a gap is no reply */
    assert_int_equal(out.len, len);
    w.over = false;
    resp_raw(&w, bytes_of(data, 1000 - len));
    assert_false(w.over);
    assert_int_equal(out.len, 1000);
    resp_raw(&w, bytes_of(data, 1));
    assert_true(w.over);
    /* Formatted text counts in full; many small replies add up. */
    buf_reset(&out);
    w.over = false;
    resp_errorf(&w, "%1000d", 1);
    assert_true(w.over);
    w.over = false;
    resp_bulkf(&w, "%1000d", 1);
    assert_true(w.over);
    assert_int_equal(out.len, 0);
    w.over = false;
    for (int i = 0; i < 1000; i++)
        resp_integer(&w, i);
    assert_true(w.over);
    assert_true(out.len > 900 && out.len <= 1000);
    buf_release(&out);
}

/* In parts it is the same; what would pass the limit is dropped as a whole. */
static void test_bulk_in_parts(void **state)
{
    UNUSED(state);
    struct buf out = BUF_INIT;
    struct resp_writer w = {.out = &out, .protocol = 3, .limit = 200};
    uint8_t data[150] = {0};
    assert_true(resp_bulk_begin(&w, 5));
    resp_bulk_part(&w, BYTES_LIT("a\r"));
    resp_bulk_part(&w, BYTES_NONE);
    resp_bulk_part(&w, BYTES_LIT("bcd"));
    resp_bulk_end(&w);
    expect(&out, "$5\r\na\rbcd\r\n");
    assert_true(resp_bulk_begin(&w, 0));
    resp_bulk_end(&w);
    size_t len = out.len;
    assert_false(resp_bulk_begin(&w, sizeof(data)));
    assert_true(w.over);
    assert_int_equal(out.len, len);
    assert_false(resp_bulk_begin(&w, 1));
    assert_int_equal(out.len, len);
    w = (struct resp_writer){.out = NULL, .protocol = 2};
    assert_false(resp_bulk_begin(&w, 5));
    assert_false(resp_bulk_begin(NULL, 5));
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resp2),    cmocka_unit_test(test_resp3),
        cmocka_unit_test(test_dropping), cmocka_unit_test(test_long_format),
        cmocka_unit_test(test_limit),    cmocka_unit_test(test_bulk_in_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
