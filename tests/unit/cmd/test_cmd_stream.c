/*
 * Streams: what one command may give consumers, however often it names the
 * same stream or entry.
 */
// link: store data resp table base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "unit/cmd/cmd_fixture.h"

/* s with so many entries, 1-1 2-1 ..., and a group. */
static void fill(struct fixture *f, unsigned count)
{
    char line[64];
    fixture_init(f);
    for (unsigned i = 1; i <= count; i++) {
        snprintf(line, sizeof(line), "XADD s %u-1 f v", i);
        fixture_run(f, line);
    }
    assert_string_equal("+OK\r\n", fixture_run(f, "XGROUP CREATE s g 0"));
}

static void expect(const char *begin, const char *reply)
{
    assert_memory_equal(begin, reply, strlen(begin));
}

/* The same stream may be named again and again. */
static void test_many_deliveries(void **state)
{
    struct fixture f;
    struct buf line = BUF_INIT;
    UNUSED(state);
    fill(&f, 10001);
    expect("*1\r\n*2\r\n$1\r\ns\r\n*10000\r\n",
           fixture_run(&f, "XREADGROUP GROUP g c STREAMS s >"));
    buf_str(&line, "XREADGROUP GROUP g c STREAMS");
    for (int i = 0; i < 100; i++)
        buf_str(&line, i < 50 ? " s" : " 0");
    buf_u8(&line, 0);
    expect("*13\r\n*2\r\n$1\r\ns\r\n*10000\r\n",
           fixture_run(&f, (const char *)line.data));
    buf_release(&line);
    expect("*4\r\n:10000\r\n", fixture_run(&f, "XPENDING s g"));
    expect("*1\r\n*2\r\n$1\r\ns\r\n*1\r\n",
           fixture_run(&f, "XREADGROUP GROUP g c STREAMS s >"));
    fixture_release(&f);
}

/* So may an entry: it is read as often, by all nodes. */
static void test_many_claims(void **state)
{
    struct fixture f;
    struct buf line = BUF_INIT;
    UNUSED(state);
    fixture_init(&f);
    buf_str(&line, "XADD s 1-1 f ");
    memset(buf_reserve(&line, 60000), 'v', 60000);
    line.len += 60000;
    buf_u8(&line, 0);
    expect("$3\r\n1-1", fixture_run(&f, (const char *)line.data));
    assert_string_equal("+OK\r\n", fixture_run(&f, "XGROUP CREATE s g 0"));
    buf_reset(&line);
    buf_str(&line, "XCLAIM s g c 0");
    for (int i = 0; i < 3000; i++)
        buf_str(&line, " 1-1");
    buf_str(&line, " FORCE");
    buf_u8(&line, 0);
    expect("*1100\r\n", fixture_run(&f, (const char *)line.data));
    line.len--;
    buf_str(&line, " JUSTID");
    buf_u8(&line, 0);
    expect("*3000\r\n", fixture_run(&f, (const char *)line.data));
    buf_release(&line);
    fixture_release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_deliveries),
        cmocka_unit_test(test_many_claims),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
