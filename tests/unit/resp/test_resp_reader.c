/*
 * The reader of requests. The errors expected here were seen on redis-server
 * 7.0.15; where it waits forever (a NUL in a line) ours answers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/rng.h"
#include "resp/resp_reader.h"

#include <stdio.h>

static const struct resp_limits open_limits = {RESP_ARGC_MAX, RESP_BULK_MAX};
static const struct resp_limits unauth_limits = {RESP_ARGC_MAX_UNAUTH,
                                                 RESP_BULK_MAX_UNAUTH};

/* Writes down what the reader gives: "[a][b]\n" for a command, "(empty)\n",
 * "!error\n". */
static void note(struct buf *out, const struct resp_reader *r,
                 enum resp_result res, const char *error)
{
    if (res == RESP_EMPTY)
        buf_str(out, "(empty)");
    if (res == RESP_ERROR)
        buf_printf(out, "!%s", error);
    for (uint32_t i = 0; res == RESP_COMMAND && i < r->argc; i++) {
        buf_char(out, '[');
        buf_bytes(out, r->argv[i]);
        buf_char(out, ']');
    }
    buf_char(out, '\n');
}

/* Feeds `text` in steps of the sizes given by `cut` and the rest; each step
 * in memory of exactly its size, so that reading past it is caught. */
static void feed(struct bytes text, const size_t *cuts, size_t cut_count,
                 const struct resp_limits *limits, struct buf *out)
{
    struct resp_reader r;
    size_t start = 0;
    bool failed = false;
    resp_reader_init(&r);
    for (size_t i = 0; i <= cut_count && !failed; i++) {
        size_t end = i < cut_count ? cuts[i] : text.len;
        size_t wanted = 0;
        for (;;) {
            size_t consumed = 0;
            size_t need = 0;
            const char *error = NULL;
            size_t len = end - start;
            if (len < wanted)
                break;
            uint8_t *copy = mem_alloc(len);
            if (len > 0)
                memcpy(copy, text.data + start, len);
            enum resp_result res = resp_read(&r, bytes_of(copy, len), limits,
                                             &consumed, &need, &error);
            if (res != RESP_MORE)
                note(out, &r, res, error);
            mem_free(copy);
            start += consumed;
            failed = res == RESP_ERROR;
            if (res == RESP_MORE) {
                assert_true(need > len);
                wanted = need;
            }
            if (res == RESP_MORE || failed)
                break;
            assert_true(consumed > 0);
        }
    }
    resp_reader_release(&r);
}

static void expect(struct bytes text, const struct resp_limits *limits,
                   const char *expected)
{
    struct buf out = BUF_INIT;
    feed(text, NULL, 0, limits, &out);
    buf_u8(&out, 0);
    assert_string_equal((const char *)out.data, expected);
    buf_release(&out);
}

static void test_commands(void **state)
{
    UNUSED(state);
    static const struct {
        const char *in;
        const char *out;
    } rows[] = {
        {"*1\r\n$4\r\nPING\r\n", "[PING]\n"},
        {"*2\r\n$3\r\nGET\r\n$0\r\n\r\n", "[GET][]\n"},
        {"*2\r\n$3\r\nGET\r\n$4\r\na\r\nb\r\n", "[GET][a\r\nb]\n"},
        {"*1\r\n$4\r\nPINGxx", "[PING]\n"},
        {"*1\rX$4\rXPINGxx", "[PING]\n"},
        {"*0\r\nPING\r\n", "(empty)\n[PING]\n"},
        {"*-1\r\n*-5\r\nPING\r\n", "(empty)\n(empty)\n[PING]\n"},
        {"\r\n\r\nPING\r\n", "(empty)\n(empty)\n[PING]\n"},
        {"\nPING\n", "(empty)\n[PING]\n"},
        {"PING\r\r\n", "[PING]\n"},
        {" \t PING \t a  b\r\n", "[PING][a][b]\n"},
        {"   \r\n", "(empty)\n"},
        {"ECHO \"a b\"\r\n", "[ECHO][a b]\n"},
        {"ECHO 'a\\'b'\r\n", "[ECHO][a'b]\n"},
        {"ECHO 'a\\nb'\r\n", "[ECHO][a\\nb]\n"},
        {"ECHO \"\\x41\\x4g\\n\\q\\\"\"\r\n", "[ECHO][Ax4g\nq\"]\n"},
        {"ECHO \"\\x4A\\x4a\\X41\\x4G\\x2F\\x2f\"\r\n", "[ECHO][JJX41x4G//]\n"},
        {"ECHO \"\\r\\t\\b\\a\"\r\n", "[ECHO][\r\t\b\a]\n"},
        {"ECHO a\"b c\"\r\n", "[ECHO][ab c]\n"},
        {"ECHO a\\nb\r\n", "[ECHO][a\\nb]\n"},
        {"ECHO \"\" ''\r\n", "[ECHO][][]\n"},
        {"ECHO \"a\"\vb\r\n", "[ECHO][a][b]\n"},
        {"ECHO a\vb\r\n", "[ECHO][a\vb]\n"},
        {"\"PING\"\r\n", "[PING]\n"},
        {"\"\"\r\n", "[]\n"},
        {"*1\r\n$0\r\n\r\n", "[]\n"},
        {"*1\r\n$4\r\nPING\r\nPING\r\n*1\r\n$4\r\nPING\r\n",
         "[PING]\n[PING]\n[PING]\n"},
        {"*2\r\n$4\r\nECHO\r\n$12\r\nhello world!\r\n",
         "[ECHO][hello world!]\n"},
        {"", ""},
        {"*", ""},
        {"*1", ""},
        {"*1\r", ""},
        {"*2147483647", ""},
        {"*1\r\n$536870912\r\n", ""},
        {"*1\r\n$4\r\nPING\r", ""},
        {"PING", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        expect(bytes_str(rows[i].in), &open_limits, rows[i].out);
}

/* Numbers that are small, or negative, when cut to 8, 16 or 32 bits. */
static void test_wide_numbers(void **state)
{
    static const char *const numbers[] = {
        "2147483648",           "4294967295",           "4294967296",
        "4294967300",           "9223372036854775807",  "18446744073709551620",
        "-9223372036854775808", "-18446744073709551612"};
    char text[64];
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        snprintf(text, sizeof(text), "*1\r\n$%s\r\nPING\r\n", numbers[i]);
        expect(bytes_str(text), &open_limits,
               "!Protocol error: invalid bulk length\n");
        if (strlen(numbers[i]) == 20 && numbers[i][0] == '-')
            continue; /* the smallest number: a count below zero is none */
        snprintf(text, sizeof(text), "*%s\r\n$4\r\nPING\r\n", numbers[i]);
        expect(bytes_str(text), &open_limits,
               "!Protocol error: invalid multibulk length\n");
    }
    expect(BYTES_LIT("*1\r\n$65540\r\nPING\r\n"), &open_limits, "");
    expect(BYTES_LIT("*1\r\n$260\r\nPING\r\n"), &open_limits, "");
}

static void test_errors(void **state)
{
    UNUSED(state);
    static const char count[] = "!Protocol error: invalid multibulk length\n";
    static const char bulk[] = "!Protocol error: invalid bulk length\n";
    static const char quotes[] =
        "!Protocol error: unbalanced quotes in request\n";
    const struct {
        const char *in;
        const char *out;
    } rows[] = {
        {"*abc\r\n", count},
        {"*\r\n", count},
        {"*-\r\n", count},
        {"*01\r\n", count},
        {"*+1\r\n", count},
        {"* 1\r\n", count},
        {"*1 \r\n", count},
        {"*2147483648\r\n", count},
        {"*1048577\r\n", count},
        {"*99999999999999999999\r\n", count},
        {"*1\r\n$-1\r\n", bulk},
        {"*1\r\n$abc\r\n", bulk},
        {"*1\r\n$\r\n", bulk},
        {"*1\r\n$04\r\nPING\r\n", bulk},
        {"*1\r\n$ 4\r\nPING\r\n", bulk},
        {"*1\r\n$4x\r\nPING\r\n", bulk},
        {"*1\r\n$536870913\r\n", bulk},
        {"*1\r\n$18446744073709551617\r\n", bulk},
        {"*1\r\n+PING\r\n", "!Protocol error: expected '$', got '+'\n"},
        {"*1\r\n\r\n", "!Protocol error: expected '$', got '\r'\n"},
        {"*1\r\n$4\r\nPING\r\n*1\r\nx\r\n",
         "[PING]\n!Protocol error: expected '$', got 'x'\n"},
        {"*3\r\n$3\r\nSET\r\n$1\r\na\r\n:5\r\n",
         "!Protocol error: expected '$', got ':'\n"},
        {"ECHO \"a\"b\r\n", quotes},
        {"ECHO \"a\r\n", quotes},
        {"ECHO 'a'b\r\n", quotes},
        {"ECHO \"a\\\"\r\n", quotes},
        {"PING '\r\n", quotes},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        expect(bytes_str(rows[i].in), &open_limits, rows[i].out);
}

static void test_unauthenticated(void **state)
{
    UNUSED(state);
    const struct {
        const char *in;
        const char *out;
    } rows[] = {
        {"*11\r\n", "!Protocol error: unauthenticated multibulk length\n"},
        {"*10\r\n", ""},
        {"*2147483648\r\n", "!Protocol error: invalid multibulk length\n"},
        {"*1\r\n$16385\r\n", "!Protocol error: unauthenticated bulk length\n"},
        {"*1\r\n$536870912\r\n",
         "!Protocol error: unauthenticated bulk length\n"},
        {"*1\r\n$16384\r\n", ""},
        {"*1\r\n$600000000\r\n", "!Protocol error: invalid bulk length\n"},
        {"*1\r\n$-1\r\n", "!Protocol error: invalid bulk length\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        expect(bytes_str(rows[i].in), &unauth_limits, rows[i].out);
}

static void test_configured_bulk_limit(void **state)
{
    UNUSED(state);
    struct resp_limits limits = {RESP_ARGC_MAX, 1024 * 1024};
    expect(bytes_str("*1\r\n$1048577\r\n"), &limits,
           "!Protocol error: invalid bulk length\n");
    expect(bytes_str("*1\r\n$1048576\r\n"), &limits, "");
}

/* `head` and then `len` times a digit, without an end of line; `slack`: with
 * one, which is of no help. */
static void expect_endless(const char *head, const char *expected)
{
    for (int end = 0; end < 2; end++) {
        struct buf in = BUF_INIT;
        buf_str(&in, head);
        for (size_t i = 0; i <= RESP_INLINE_MAX; i++)
            buf_char(&in, '1');
        if (end == 1)
            buf_str(&in, "\r\n");
        expect(buf_view(&in), &open_limits, expected);
        buf_release(&in);
    }
}

static void test_endless_lines(void **state)
{
    UNUSED(state);
    expect_endless("P", "!Protocol error: too big inline request\n");
    expect_endless("*", "!Protocol error: too big mbulk count string\n");
    expect_endless("*1\r\n$", "!Protocol error: too big bulk count string\n");
    expect_endless("*1\r\nx", "!Protocol error: too big bulk count string\n");
}

static void test_nul_in_line(void **state)
{
    UNUSED(state);
    expect(bytes_of("*1\r\n\0\r\n", 7), &open_limits,
           "!Protocol error: expected '$', got '\n");
    expect(bytes_of("*\0001\r\n", 5), &open_limits,
           "!Protocol error: invalid multibulk length\n");
}

static const char pipeline[] =
    "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$10\r\n0123456789\r\n"
    "GET k\r\n"
    "\r\n"
    "*0\r\n"
    "SET \"a b\" 'c\\'d' \"\\x00\\xff\"\n"
    "*2\r\n$0\r\n\r\n$13\r\n*1\r\n$4\r\nPING\r\n\r\n"
    "*-1\r\n"
    "PING\r\n"
    "*1\r\nbad\r\n";

static void test_split_at_every_byte(void **state)
{
    UNUSED(state);
    struct bytes text = bytes_of(pipeline, sizeof(pipeline) - 1);
    struct buf whole = BUF_INIT;
    feed(text, NULL, 0, &open_limits, &whole);
    for (size_t a = 0; a <= text.len; a++) {
        for (size_t b = a; b <= text.len; b++) {
            size_t cuts[2] = {a, b};
            struct buf out = BUF_INIT;
            feed(text, cuts, 2, &open_limits, &out);
            assert_true(bytes_eq(buf_view(&whole), buf_view(&out)));
            buf_release(&out);
        }
    }
    buf_release(&whole);
}

static void test_byte_by_byte(void **state)
{
    UNUSED(state);
    struct bytes text = bytes_of(pipeline, sizeof(pipeline) - 1);
    size_t cuts[sizeof(pipeline)];
    struct buf whole = BUF_INIT;
    struct buf out = BUF_INIT;
    for (size_t i = 0; i < text.len; i++)
        cuts[i] = i;
    feed(text, NULL, 0, &open_limits, &whole);
    feed(text, cuts, text.len, &open_limits, &out);
    assert_true(bytes_eq(buf_view(&whole), buf_view(&out)));
    buf_release(&whole);
    buf_release(&out);
}

/* Random bytes of the alphabet that matters: no crash, and the same result
 * whole and in pieces. */
static void test_random_bytes(void **state)
{
    UNUSED(state);
    static const char alphabet[] = "*$\r\n0123-+\"'\\x aP\0";
    uint64_t rng = 42;
    for (int round = 0; round < 20000; round++) {
        uint8_t bytes[48];
        size_t len = (size_t)rng_below(&rng, sizeof(bytes));
        size_t cuts[3];
        for (size_t i = 0; i < len; i++)
            bytes[i] = (uint8_t)alphabet[rng_below(&rng, sizeof(alphabet) - 1)];
        cuts[0] = (size_t)rng_below(&rng, len + 1);
        cuts[1] = cuts[0] + (size_t)rng_below(&rng, len - cuts[0] + 1);
        cuts[2] = cuts[1] + (size_t)rng_below(&rng, len - cuts[1] + 1);
        struct buf whole = BUF_INIT;
        struct buf out = BUF_INIT;
        feed(bytes_of(bytes, len), NULL, 0, &open_limits, &whole);
        feed(bytes_of(bytes, len), cuts, 3, &open_limits, &out);
        assert_true(bytes_eq(buf_view(&whole), buf_view(&out)));
        buf_release(&whole);
        buf_release(&out);
    }
}

/* Announcing a million arguments costs nothing until they come. */
static void test_no_memory_by_announcement(void **state)
{
    UNUSED(state);
    struct resp_reader r;
    struct bytes in = BYTES_LIT("*1048576\r\n$536870912\r\n");
    size_t consumed = 0;
    size_t need = 0;
    const char *error = NULL;
    resp_reader_init(&r);
    assert_int_equal(resp_read(&r, in, &open_limits, &consumed, &need, &error),
                     RESP_MORE);
    assert_int_equal(need, in.len + 536870912 + 2);
    assert_int_equal(r.args_cap, 0);
    assert_int_equal(r.argv_cap, 0);
    resp_reader_release(&r);
}

/* A huge command works, and its memory is given back with the next one. */
static void test_many_arguments(void **state)
{
    UNUSED(state);
    struct buf in = BUF_INIT;
    struct resp_reader r;
    size_t consumed = 0;
    size_t need = 0;
    const char *error = NULL;
    const uint32_t count = 100000;
    buf_printf(&in, "*%u\r\n", count);
    for (uint32_t i = 0; i < count; i++)
        buf_str(&in, "$1\r\nx\r\n");
    size_t first = in.len;
    buf_str(&in, "PING\r\n");
    resp_reader_init(&r);
    assert_int_equal(
        resp_read(&r, buf_view(&in), &open_limits, &consumed, &need, &error),
        RESP_COMMAND);
    assert_int_equal(consumed, first);
    assert_int_equal(r.argc, count);
    buf_consume(&in, consumed);
    assert_int_equal(
        resp_read(&r, buf_view(&in), &open_limits, &consumed, &need, &error),
        RESP_COMMAND);
    assert_int_equal(r.argc, 1);
    assert_true(r.args_cap < 100 && r.argv_cap < 100);
    resp_reader_release(&r);
    buf_release(&in);
}

/* Between commands a reader keeps nothing, within one what it has found. */
static void test_idle_memory(void **state)
{
    UNUSED(state);
    struct bytes in = BYTES_LIT("*2\r\n$1\r\na\r\n$1\r\nb\r\n");
    struct resp_reader r;
    size_t consumed = 0;
    size_t need = 0;
    const char *error = NULL;
    resp_reader_init(&r);
    assert_int_equal(resp_read(&r, bytes_of(in.data, 12), &open_limits,
                               &consumed, &need, &error),
                     RESP_MORE);
    resp_reader_trim(&r);
    resp_reader_shrink(&r);
    assert_int_equal(r.argc, 1);
    assert_int_equal(resp_read(&r, in, &open_limits, &consumed, &need, &error),
                     RESP_COMMAND);
    assert_int_equal(r.argc, 2);
    assert_true(bytes_eq(r.argv[0], BYTES_LIT("a")));
    assert_true(bytes_eq(r.argv[1], BYTES_LIT("b")));
    resp_reader_trim(&r);
    assert_true(r.args_cap > 0 && r.argv_cap > 0);
    assert_int_equal(resp_read(&r, BYTES_LIT("PING 'a b'\r\n"), &open_limits,
                               &consumed, &need, &error),
                     RESP_COMMAND);
    resp_reader_shrink(&r);
    assert_true(r.args_cap == 0 && r.argv_cap == 0);
    assert_int_equal(r.inline_text->cap, 0);
    assert_int_equal(resp_read(&r, BYTES_LIT("ECHO x\r\n"), &open_limits,
                               &consumed, &need, &error),
                     RESP_COMMAND);
    assert_true(bytes_eq(r.argv[1], BYTES_LIT("x")));
    resp_reader_release(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_wide_numbers),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_unauthenticated),
        cmocka_unit_test(test_configured_bulk_limit),
        cmocka_unit_test(test_endless_lines),
        cmocka_unit_test(test_nul_in_line),
        cmocka_unit_test(test_split_at_every_byte),
        cmocka_unit_test(test_byte_by_byte),
        cmocka_unit_test(test_random_bytes),
        cmocka_unit_test(test_no_memory_by_announcement),
        cmocka_unit_test(test_many_arguments),
        cmocka_unit_test(test_idle_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
