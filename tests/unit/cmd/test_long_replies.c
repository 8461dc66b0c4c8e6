/*
 * Replies of more than 64 MiB: one error instead of what was written already,
 * and nothing is changed; what is told in parts ends there, with a cursor.
 */
// link: store data type resp table base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "unit/cmd/cmd_fixture.h"

#define ELEMENTS 70
#define LONG     1048000

static struct fixture f;

static int begin(void **state)
{
    UNUSED(state);
    fixture_init(&f);
    return 0;
}

static int end(void **state)
{
    UNUSED(state);
    fixture_release(&f);
    return 0;
}

/* The words of `format`, of which one is "%u", the number, and one is "%s":
 * a long text that begins with the number. Returns the reply. */
static const char *run_long(const char *format, unsigned number)
{
    struct buf line = BUF_INIT;
    struct buf words = BUF_INIT;
    uint32_t argc = 0;
    for (const char *at = format; *at != '\0'; argc++) {
        size_t len = strcspn(at, " ");
        char text[32];
        size_t pad = len == 2 && memcmp(at, "%s", 2) == 0 ? LONG : 0;
        int used = pad > 0 || (len == 2 && memcmp(at, "%u", 2) == 0)
                       ? snprintf(text, sizeof(text), "%03u", number)
                       : snprintf(text, sizeof(text), "%.*s", (int)len, at);
        buf_printf(&words, "$%zu\r\n%s", (size_t)used + pad, text);
        if (pad > 0)
            memset(buf_reserve(&words, pad), 'x', pad);
        words.len += pad;
        buf_str(&words, "\r\n");
        at += len + (at[len] == ' ');
    }
    buf_printf(&line, "*%u\r\n", argc);
    words.len -= 2; /* the fixture ends the line */
    buf_bytes(&line, buf_view(&words));
    buf_char(&line, '\0');
    const char *reply = fixture_run(&f, (const char *)line.data);
    buf_release(&words);
    buf_release(&line);
    return reply;
}

static void fill(const char *format)
{
    for (unsigned i = 0; i < ELEMENTS; i++)
        assert_true(run_long(format, i + 1)[0] != '-');
}

/* One error, and nothing else. */
static void refused(const char *line)
{
    const char *reply = fixture_run(&f, line);
    const char *line_end = strstr(reply, "\r\n");
    bool one = strncmp(reply, "-ERR ", 5) == 0 && line_end != NULL &&
               line_end[2] == '\0';
    bool known = strstr(reply, "reply too large, use ") != NULL ||
                 strstr(reply, "at once, take fewer") != NULL;
    if (!one || !known)
        fail_msg("%s: %.*s", line, 100, reply);
}

static void refused_all(const char *const *lines, size_t count)
{
    for (size_t i = 0; i < count; i++)
        refused(lines[i]);
}

/* Ends before the last one, with a cursor to go on from. */
static void told_in_part(const char *line, size_t least, size_t most)
{
    const char *reply = fixture_run(&f, line);
    if (strncmp(reply, "*2\r\n$", 5) != 0 ||
        strncmp(reply, "*2\r\n$1\r\n0\r\n", 11) == 0)
        fail_msg("%s: %.*s", line, 100, reply);
    assert_in_range(f.out.len, least << 20, most << 20);
}

static void test_hashes(void **state)
{
    static const char *const lines[] = {"HGETALL h",
                                        "HVALS h",
                                        "HRANDFIELD h 70 WITHVALUES",
                                        "HRANDFIELD h -200 WITHVALUES",
                                        "HGETALL k",
                                        "HKEYS k",
                                        "HRANDFIELD k 70",
                                        "HRANDFIELD k -200"};
    UNUSED(state);
    fill("HSET h %u %s");
    fill("HSET k %s %u");
    refused_all(lines, ARRAY_LEN(lines));
    refused("HSCAN h 0 COUNT 1000");
    told_in_part("HSCAN k 0 COUNT 1000", 62, 66);
    assert_string_equal(":70\r\n", fixture_run(&f, "HLEN h"));
    assert_memory_equal("*70\r\n", fixture_run(&f, "HKEYS h"), 5);
    assert_memory_equal("*70\r\n", fixture_run(&f, "HVALS k"), 5);
}

static void test_sets(void **state)
{
    static const char *const lines[] = {
        "SMEMBERS s",         "SUNION s",         "SINTER s s",
        "SDIFF s none",       "SRANDMEMBER s 70", "SRANDMEMBER s 64000",
        "SRANDMEMBER s -200", "SUNION s none"};
    UNUSED(state);
    fill("SADD s %s");
    refused_all(lines, ARRAY_LEN(lines));
    const char *reply = fixture_run(&f, "SPOP s 70");
    assert_memory_equal("-ERR ", reply, 5);
    assert_string_equal("\r\n", strstr(reply, "\r\n"));
    told_in_part("SSCAN s 0 COUNT 1000", 1, 4);
    assert_string_equal(":70\r\n", fixture_run(&f, "SCARD s"));
    assert_string_equal(":70\r\n", fixture_run(&f, "SINTERCARD 2 s s"));
    assert_string_equal(":70\r\n", fixture_run(&f, "SUNIONSTORE d s none"));
}

static void test_sorted_sets(void **state)
{
    static const char *const lines[] = {"ZRANGE z 0 -1",
                                        "ZRANGE z 0 100 BYSCORE",
                                        "ZREVRANGE z 0 -1",
                                        "ZRANGEBYSCORE z -inf +inf WITHSCORES",
                                        "ZRANGEBYLEX z - +",
                                        "ZREVRANGEBYLEX z + -",
                                        "ZREVRANGEBYSCORE z 99 0",
                                        "ZUNION 1 z",
                                        "ZINTER 2 z z WITHSCORES",
                                        "ZDIFF 2 z none",
                                        "ZRANDMEMBER z 70",
                                        "ZRANDMEMBER z -200 WITHSCORES",
                                        "ZPOPMIN z 70",
                                        "ZPOPMAX z 99",
                                        "ZMPOP 2 none z MAX COUNT 70",
                                        "ZRANGESTORE d z 0 -1",
                                        "ZUNIONSTORE d 1 z",
                                        "ZINTERSTORE d 1 z",
                                        "ZDIFFSTORE d 1 z"};
    static const char *const places[] = {
        "GEORADIUS z 0 0 5000 km", "GEORADIUS_RO z 0 0 5000 km WITHDIST",
        "GEOSEARCH z FROMLONLAT 0 0 BYRADIUS 22000 km",
        "GEOSEARCHSTORE d z FROMLONLAT 1 1 BYBOX 9 9 km"};
    UNUSED(state);
    fill("GEOADD z 1 1 %s");
    refused_all(places, ARRAY_LEN(places));
    for (unsigned i = 0; i < ELEMENTS; i++)
        run_long("ZADD z %u %s", i + 1);
    refused_all(lines, ARRAY_LEN(lines));
    told_in_part("ZSCAN z 0 COUNT 1000", 62, 66);
    assert_string_equal(":70\r\n", fixture_run(&f, "ZCARD z"));
    assert_string_equal(":0\r\n", fixture_run(&f, "EXISTS d"));
    assert_string_equal(":70\r\n", fixture_run(&f, "ZINTERCARD 2 z z"));
}

static void test_lists(void **state)
{
    UNUSED(state);
    fill("RPUSH l %s");
    refused("LRANGE l 0 -1");
    refused("LRANGE l -70 64");
    assert_memory_equal("*60\r\n", fixture_run(&f, "LRANGE l 0 59"), 5);
    assert_string_equal(":70\r\n", fixture_run(&f, "LLEN l"));
}

static void test_streams(void **state)
{
    static const char *const lines[] = {
        "XRANGE x - +", "XREVRANGE x + -", "XINFO STREAM x FULL COUNT 0",
        "XREAD STREAMS x 0", "XREAD STREAMS none x x 0 64 0"};
    UNUSED(state);
    fill("XADD x %u f %s");
    refused_all(lines, ARRAY_LEN(lines));
    assert_memory_equal("*9\r\n", fixture_run(&f, "XRANGE x - + COUNT 9"), 4);
    assert_memory_equal("*20\r\n", fixture_run(&f, "XINFO STREAM x"), 5);
    fixture_run(&f, "XGROUP CREATE x g 0");
    fixture_run(&f, "XREADGROUP GROUP g c STREAMS x >");
    assert_in_range(f.out.len, 62 << 20, 66 << 20);
    fixture_run(&f, "XREADGROUP GROUP g c STREAMS x x > 0");
    assert_in_range(f.out.len, 62 << 20, 66 << 20);
    fixture_run(&f, "XREADGROUP GROUP g c STREAMS x 0");
    assert_in_range(f.out.len, 62 << 20, 66 << 20);
    fixture_run(&f, "XAUTOCLAIM x g d 0 0 COUNT 100");
    assert_in_range(f.out.len, 62 << 20, 66 << 20);
}

/* Names of groups are long as well. */
static void test_groups(void **state)
{
    UNUSED(state);
    fixture_run(&f, "XADD x 1 a b");
    fill("XGROUP CREATE x %s 0");
    refused("XINFO GROUPS x");
    refused("XINFO STREAM x FULL");
    assert_memory_equal("*20\r\n", fixture_run(&f, "XINFO STREAM x"), 5);
}

/* It is consumers that are too much, and they are the last. */
static void test_consumers(void **state)
{
    UNUSED(state);
    fixture_run(&f, "XADD x 1 a b");
    for (unsigned i = 1; i <= 64; i++)
        assert_true(run_long("XGROUP CREATE x %s 0", i)[0] == '+');
    fixture_run(&f, "XGROUP CREATE x last 0");
    fixture_run(&f, "XINFO STREAM x FULL");
    assert_in_range(f.out.len, 63 << 20, 65 << 20);
    for (int i = 100; i < 140; i++) {
        char line[1000];
        int used = snprintf(line, sizeof(line),
                            "XGROUP CREATECONSUMER x last %0900d", i);
        assert_in_range(used, 900, sizeof(line) - 1);
        assert_string_equal(":1\r\n", fixture_run(&f, line));
    }
    refused("XINFO STREAM x FULL");
}

/* What a command that all replicas execute for a reply that is kept (ONCE EXEC)
 * counts for the entry, by the limit of its writer. */
static uint64_t counted(const char *line, size_t limit)
{
    struct buf out = BUF_INIT;
    struct resp_writer w = {.out = &out, .protocol = 2, .limit = limit};
    fixture_begin(&f);
    fixture_split(&f, line);
    struct cmd_call call = {.cmd = cmd_lookup(f.reader.argv[0]),
                            .level = f.level,
                            .ks = f.ks,
                            .out = &w,
                            .argv = f.reader.argv,
                            .argc = f.reader.argc,
                            .asked = limit == 0,
                            .kept = true};
    struct cmd_call step = call;
    cmd_run(&call); /* alone; it says how steps are run */
    fixture_commit(&f);
    fixture_begin(&f);
    buf_reset(&out);
    w.over = false;
    call.run_step(&step);
    assert_int_equal(w.over, limit > 0);
    uint64_t bytes = keyspace_entry_bytes(f.ks) + keyspace_viewed_bytes(f.ks);
    fixture_commit(&f);
    buf_release(&out);
    return bytes;
}

static void test_kept_replies_count_the_same(void **state)
{
    static const char *const lines[] = {
        "MGET a b c d e f g h", "HMGET h 001 002 003 004",
        "BITFIELD_RO a GET u8 0 GET u8 8 GET u8 16 GET u8 24"};
    UNUSED(state);
    fixture_run(&f, "MSET a aaaaaaaa b bbbbbbbb c cccccccc d dddddddd e "
                    "eeeeeeee f ffffffff g gggggggg h2 hhhhhhhh");
    for (unsigned i = 1; i <= 4; i++)
        run_long("HSET h %u %s", i);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        assert_int_equal(counted(lines[i], 0), counted(lines[i], 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_hashes, begin, end),
        cmocka_unit_test_setup_teardown(test_sets, begin, end),
        cmocka_unit_test_setup_teardown(test_sorted_sets, begin, end),
        cmocka_unit_test_setup_teardown(test_lists, begin, end),
        cmocka_unit_test_setup_teardown(test_streams, begin, end),
        cmocka_unit_test_setup_teardown(test_groups, begin, end),
        cmocka_unit_test_setup_teardown(test_consumers, begin, end),
        cmocka_unit_test_setup_teardown(test_kept_replies_count_the_same, begin,
                                        end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
