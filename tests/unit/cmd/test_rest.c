/*
 * Long replies that follow in parts: the same bytes as when they are written at
 * once, and the same bounds.
 */
// link: store data resp table
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/cmd/cmd_fixture.h"

#define LONG (CMD_REST_MIN + 100000)

static struct fixture f;

static void put_long(const char *key, size_t length)
{
    struct buf value = BUF_INIT;
    for (size_t i = 0; i < length; i++)
        buf_char(&value, (char)('a' + (i / 7 + i) % 26));
    struct value v = {.type = VALUE_STRING, .data = buf_view(&value)};
    fixture_begin(&f);
    keyspace_put(f.ks, 0, bytes_str(key), &v);
    fixture_commit(&f);
    buf_release(&value);
}

static int begin(void **state)
{
    UNUSED(state);
    fixture_init(&f);
    put_long("short", CMD_REST_MIN - 1);
    put_long("bound", CMD_REST_MIN);
    put_long("long", LONG);
    put_long("longer", 3 * LONG);
    put_long("word", 4);
    return 0;
}

static int end(void **state)
{
    UNUSED(state);
    fixture_release(&f);
    return 0;
}

/* Runs a read outside an entry, as for a client. */
static bool run(const char *line, struct cmd_rest *rest, struct buf *out,
                size_t limit)
{
    struct resp_writer w = {.out = out, .protocol = 2, .limit = limit};
    fixture_split(&f, line);
    struct cmd_call call = {
        .level = LEVEL_NEXT,
        .cmd = cmd_lookup(f.reader.argv[0]),
        .ks = f.ks,
        .out = &w,
        .rest = rest,
        .argv = f.reader.argv,
        .argc = f.reader.argc,
    };
    keyspace_read_at(f.ks, START_MS);
    cmd_run(&call);
    return !w.over;
}

/* In steps; none takes much more than it may. */
static void take_all(struct cmd_rest *rest, struct buf *out, size_t step)
{
    while (!cmd_rest_is_empty(rest)) {
        size_t before = out->len;
        cmd_rest_take(rest, f.ks, out, step);
        assert_true(out->len - before < step + KEYSPACE_PAGE_SIZE);
    }
}

static const struct {
    const char *line;
    size_t pieces;
} lines[] = {
    {"GET short", 0},
    {"GET bound", 1},
    {"GET long", 1},
    {"GET none", 0},
    {"STRLEN long", 0},
    {"GETRANGE long 0 -1", 1},
    {"GETRANGE long 5 100", 0},
    {"GETRANGE longer 12345 -54321", 1},
    {"SUBSTR long 1 -2", 1},
    {"MGET word long none short longer word long bound", 4},
    {"MGET longer", 1},
    {"MGET word none", 0},
};

static void the_same_bytes(void **state)
{
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct buf at_once = BUF_INIT, in_parts = BUF_INIT;
        struct cmd_rest rest;
        cmd_rest_init(&rest);
        buf_str(&at_once, "+before\r\n");
        buf_str(&in_parts, "+before\r\n");
        assert_true(run(lines[i].line, NULL, &at_once, 0));
        assert_true(run(lines[i].line, &rest, &in_parts, 0));
        size_t pieces = 0;
        for (const struct list *at = rest.pieces.next; at != &rest.pieces;
             at = at->next)
            pieces++;
        assert_int_equal(pieces, lines[i].pieces);
        assert_true(pieces == 0 || in_parts.len < 2 * CMD_REST_MIN);
        take_all(&rest, &in_parts, 40000);
        assert_true(bytes_eq(buf_view(&at_once), buf_view(&in_parts)));
        buf_release(&at_once);
        buf_release(&in_parts);
    }
}

/* What a client keeps is known, as it is told. */
static void memory_is_counted(void **state)
{
    struct buf out = BUF_INIT;
    struct cmd_rest rest;
    UNUSED(state);
    cmd_rest_init(&rest);
    assert_int_equal(cmd_rest_memory(&rest), 0);
    assert_true(run("GET long", &rest, &out, 0));
    size_t one = cmd_rest_memory(&rest);
    assert_true(one >= sizeof(struct cmd_rest_piece));
    buf_reset(&out);
    struct cmd_rest two;
    cmd_rest_init(&two);
    assert_true(run("MGET long long", &two, &out, 0));
    assert_in_range(cmd_rest_memory(&two), 2 * one, 2 * one + 100);
    cmd_rest_drop(&two);
    assert_int_equal(cmd_rest_memory(&two), 0);
    cmd_rest_drop(&rest);
    buf_release(&out);
}

/* What passes a limit when it is written at once does so in parts. */
static void the_same_bounds(void **state)
{
    static const char *const bounded[] = {"GET long", "MGET long word longer",
                                          "MGET longer long"};
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(bounded); i++) {
        struct buf whole = BUF_INIT;
        /* What is in the output already counts. */
        buf_printf(&whole, "%300d", 0);
        assert_true(run(bounded[i], NULL, &whole, 0));
        for (int off = -200; off <= 200; off += 100) {
            struct buf at_once = BUF_INIT, in_parts = BUF_INIT;
            struct cmd_rest rest;
            cmd_rest_init(&rest);
            buf_printf(&at_once, "%300d", 0);
            buf_printf(&in_parts, "%300d", 0);
            size_t limit = (size_t)((int64_t)whole.len + off);
            bool fits = run(bounded[i], NULL, &at_once, limit);
            assert_int_equal(fits, off > 0);
            assert_int_equal(run(bounded[i], &rest, &in_parts, limit), fits);
            cmd_rest_drop(&rest);
            assert_true(cmd_rest_is_empty(&rest));
            buf_release(&at_once);
            buf_release(&in_parts);
        }
        buf_release(&whole);
    }
}

/* All elements are of one moment. */
static void of_one_moment(void **state)
{
    UNUSED(state);
    struct buf at_once = BUF_INIT, in_parts = BUF_INIT;
    struct cmd_rest rest;
    cmd_rest_init(&rest);
    assert_true(run("MGET long longer word", NULL, &at_once, 0));
    assert_true(run("MGET long longer word", &rest, &in_parts, 0));
    cmd_rest_take(&rest, f.ks, &in_parts, 1000);
    assert_true(cmd_rest_memory(&rest) < 10000);
    put_long("longer", LONG);
    put_long("word", 9);
    assert_true(cmd_rest_memory(&rest) > 3 * (size_t)LONG);
    take_all(&rest, &in_parts, 100000);
    assert_true(bytes_eq(buf_view(&at_once), buf_view(&in_parts)));
    buf_release(&at_once);
    buf_release(&in_parts);
}

/* What groups are given at once has a bound as well, for all nodes look at it,
 * and the rest comes the next time. */
static void groups_are_given_no_more(void **state)
{
    static const char *const calls[] = {"XREADGROUP GROUP g c STREAMS s >",
                                        "XREADGROUP GROUP g c STREAMS s 0",
                                        "XAUTOCLAIM s g d 0 0 COUNT 5000"};
    static char line[60000];
    UNUSED(state);
    assert_string_equal(fixture_run(&f, "XGROUP CREATE s g 0 MKSTREAM"),
                        "+OK\r\n");
    memset(line, 'x', sizeof(line) - 1);
    memcpy(line, "XADD s * f ", 11);
    for (int i = 0; i < 1200; i++)
        fixture_run(&f, line);
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        (void)fixture_run(&f, calls[i]);
        assert_in_range(f.out.len, 63 << 20, 65 << 20);
    }
    (void)fixture_run(&f, calls[0]);
    assert_in_range(f.out.len, 1 << 20, 9 << 20);
    fixture_run(&f, "DEL s");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_same_bytes, begin, end),
        cmocka_unit_test_setup_teardown(the_same_bounds, begin, end),
        cmocka_unit_test_setup_teardown(memory_is_counted, begin, end),
        cmocka_unit_test_setup_teardown(groups_are_given_no_more, begin, end),
        cmocka_unit_test_setup_teardown(of_one_moment, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
