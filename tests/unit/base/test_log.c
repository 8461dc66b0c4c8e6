/* Lines of the log: levels, escapes, length. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "base/log.h"

#include <string.h>

struct sink {
    char line[2000];
    size_t len;
    int count;
};

static void sink_write(void *ctx, enum log_level level, const char *line,
                       size_t len)
{
    struct sink *s = ctx;
    UNUSED(level);
    assert_true(len < sizeof(s->line));
    memcpy(s->line, line, len);
    s->line[len] = '\0';
    s->len = len;
    s->count++;
}

static void log_lines(void **state)
{
    UNUSED(state);
    struct sink s = {.count = 0};
    const struct logger log = {LOG_NOTICE, sink_write, &s};
    log_verbose(&log, "not %s", "written");
    log_notice(NULL, "nowhere");
    assert_int_equal(s.count, 0);
    log_notice(&log, "a %d", 5);
    assert_string_equal(s.line, "a 5");
    log_warning(&log, "%s", "x\ny\x7f\x01z");
    assert_string_equal(s.line, "x\\x0ay\\x7f\\x01z");

    char text[3001];
    memset(text, 'q', sizeof(text) - 1);
    text[3000] = '\0';
    log_notice(&log, "%s", text);
    assert_int_equal(s.len, 1000);
    memset(text, '\n', 3000);
    log_notice(&log, "%s", text);
    assert_int_equal(s.len, 1000);
    assert_int_equal(s.count, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(log_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
