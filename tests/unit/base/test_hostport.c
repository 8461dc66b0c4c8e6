/* "host:port" taken apart and put together. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "base/hostport.h"

static const struct {
    const char *text;
    const char *host; /* NULL: malformed */
    uint16_t port;
} rows[] = {
    {"localhost:6379", "localhost", 6379},
    {"127.0.0.1:1", "127.0.0.1", 1},
    {"[::1]:65535", "::1", 65535},
    {"[2001:db8::1%eth0]:7", "2001:db8::1%eth0", 7},
    {"*:0", "*", 0},
    /* The port. */
    {"", NULL, 0},
    {"localhost", NULL, 0},
    {"localhost:", NULL, 0},
    {"localhost:65536", NULL, 0},
    {"localhost:18446744073709551617", NULL, 0},
    {"localhost:-1", NULL, 0},
    {"localhost:+1", NULL, 0},
    {"localhost:01", NULL, 0},
    {"localhost: 1", NULL, 0},
    {"localhost:1 ", NULL, 0},
    {"localhost:x", NULL, 0},
    /* The host. */
    {":1", NULL, 0},
    {"[]:1", NULL, 0},
    {"::1", NULL, 0},
    {"::1:6379", NULL, 0},
    {"a:b:1", NULL, 0},
    /* The brackets. */
    {"[::1]", NULL, 0},
    {"[::1:6379", NULL, 0},
    {"::1]:6379", NULL, 0},
    {"[::1]6379", NULL, 0},
    {"[::1]x:6379", NULL, 0},
    {"x[::1]:6379", NULL, 0},
    {"[[::1]]:6379", NULL, 0},
    {"[:1", NULL, 0},
    {"]:1", NULL, 0},
};

static void each_text_is_split_or_refused(void **state)
{
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bytes host = BYTES_LIT("untouched");
        uint16_t port = 99;
        bool good = hostport_split(bytes_str(rows[i].text), &host, &port);
        const char *want = rows[i].host != NULL ? rows[i].host : "untouched";
        assert_true(good == (rows[i].host != NULL));
        assert_true(bytes_eq(host, bytes_str(want)));
        assert_int_equal(port, good ? rows[i].port : 99);
    }
}

static void what_was_split_is_joined_again(void **state)
{
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bytes host;
        uint16_t port;
        char text[64];
        if (!hostport_split(bytes_str(rows[i].text), &host, &port))
            continue;
        assert_int_equal(hostport_join(host, port, text, sizeof(text)),
                         strlen(rows[i].text));
        assert_string_equal(text, rows[i].text);
    }
}

static void a_join_is_cut_off(void **state)
{
    UNUSED(state);
    char text[6];
    assert_int_equal(hostport_join(BYTES_LIT("host"), 6379, text, sizeof(text)),
                     9);
    assert_string_equal(text, "host:");
    assert_int_equal(hostport_join(BYTES_NONE, 1, text, sizeof(text)), 2);
    assert_string_equal(text, ":1");
}

static void a_host_may_stand_alone(void **state)
{
    UNUSED(state);
    struct bytes host = BYTES_NONE;
    assert_true(hostport_host(BYTES_LIT("a"), &host));
    assert_true(bytes_eq(host, BYTES_LIT("a")));
    assert_true(hostport_host(BYTES_LIT("[::1]"), &host));
    assert_true(bytes_eq(host, BYTES_LIT("::1")));
    static const char *const bad[] = {"",  "::1", "a:1",     "[::1", "a]",
                                      "[", "[]",  "[[::1]]", "[a]b"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(hostport_host(bytes_str(bad[i]), &host));
    assert_true(bytes_eq(host, BYTES_LIT("::1")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_text_is_split_or_refused),
        cmocka_unit_test(what_was_split_is_joined_again),
        cmocka_unit_test(a_join_is_cut_off),
        cmocka_unit_test(a_host_may_stand_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
