/*
 * Streams: what one command may give consumers, however often it names the
 * same stream or entry; what is cut by `~`; and what follows from the time.
 */
// link: store data resp table base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "unit/cmd/cmd_fixture.h"

#define NAME_MAX_BYTES ((size_t)1 << 20)

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

/* A consumer's name is in each entry that it has pending, twice. */
static void test_consumers_have_a_length(void **state)
{
    static const char *const lines[] = {
        "XGROUP CREATECONSUMER s g %s", "XREADGROUP GROUP g %s STREAMS s >",
        "XCLAIM s g %s 0 1-1 FORCE", "XAUTOCLAIM s g %s 0 0"};
    char name[1024 + 2] = "";
    char line[1200];
    struct fixture f;
    UNUSED(state);
    fixture_init(&f);
    fixture_run(&f, "XADD s 1-1 a b");
    fixture_run(&f, "XGROUP CREATE s g 0");
    memset(name, 'x', 1024 + 1);
    for (size_t i = 0; i < 2 * ARRAY_LEN(lines); i++) {
        bool fits = i >= ARRAY_LEN(lines);
        if (fits)
            name[1024] = '\0';
        const char *format = lines[i % ARRAY_LEN(lines)];
        size_t before = (size_t)(strstr(format, "%s") - format);
        snprintf(line, sizeof(line), "%.*s%s%s", (int)before, format, name,
                 format + before + 2);
        const char *reply = fixture_run(&f, line);
        if (fits)
            assert_true(reply[0] == '*' || reply[0] == ':');
        else
            assert_string_equal(
                reply, "-ERR consumer name is longer than 1024 bytes\r\n");
    }
    fixture_release(&f);
}

struct line {
    const char *line;
    const char *reply;
};

static void run_lines(struct fixture *f, const struct line *lines, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *reply = fixture_run(f, lines[i].line);
        if (strcmp(lines[i].reply, reply) != 0)
            print_message("%s\n", lines[i].line);
        assert_string_equal(lines[i].reply, reply);
    }
}

/* Hundreds, as redis-server 7.0.15 cuts its nodes. */
static void test_cut_about(void **state)
{
    static const struct line lines[] = {
        {"XTRIM s MINID ~ 100", ":0\r\n"},
        {"XTRIM s MINID ~ 100-2", ":100\r\n"},
        {"XTRIM s MINID ~ 101-1", ":0\r\n"},
        {"XTRIM s MAXLEN ~ 340", ":0\r\n"},
        {"XTRIM s MAXLEN ~ 151", ":0\r\n"},
        {"XTRIM s MAXLEN ~ 151 LIMIT 0", ":0\r\n"},
        {"XTRIM s MAXLEN ~ 150", ":100\r\n"},
        {"XTRIM s MAXLEN ~ 10 LIMIT 99", ":0\r\n"},
        {"XTRIM s MAXLEN ~ 10 LIMIT 100", ":100\r\n"},
        {"XLEN s", ":50\r\n"},
        {"XTRIM s MAXLEN ~ 1", ":0\r\n"},
        {"XADD s MAXLEN ~ 40 400-1 a b", "$5\r\n400-1\r\n"},
        {"XLEN s", ":51\r\n"},
        {"XTRIM s MAXLEN = 7", ":44\r\n"},
        {"XADD s MAXLEN 3 401-1 a b", "$5\r\n401-1\r\n"},
        {"XLEN s", ":3\r\n"},
        {"XTRIM s MAXLEN ~ 0", ":3\r\n"},
        {"XLEN s", ":0\r\n"},
    };
    struct fixture f;
    UNUSED(state);
    fill(&f, 350);
    const char *info = fixture_run(&f, "XINFO STREAM s");
    expect("*20\r\n$6\r\nlength\r\n:350\r\n$15\r\nradix-tree-keys\r\n:4\r\n"
           "$16\r\nradix-tree-nodes\r\n:5\r\n",
           info);
    run_lines(&f, lines, ARRAY_LEN(lines));
    fixture_release(&f);
    fill(&f, 300);
    info = fixture_run(&f, "XINFO STREAM s");
    expect("*20\r\n$6\r\nlength\r\n:300\r\n$15\r\nradix-tree-keys\r\n:3\r\n",
           info);
    fixture_release(&f);
}

/* A limit that nobody gave is that of 100 nodes; 0 is none. */
static void test_cut_without_limit(void **state)
{
    static const struct line lines[] = {
        {"XTRIM s MAXLEN ~ 0", ":10000\r\n"},
        {"XLEN s", ":201\r\n"},
        {"XTRIM s MAXLEN ~ 0 LIMIT 0", ":201\r\n"},
        {"XLEN s", ":0\r\n"},
    };
    struct fixture f;
    UNUSED(state);
    fill(&f, 10201);
    run_lines(&f, lines, ARRAY_LEN(lines));
    fixture_release(&f);
}

/* Ids are of the wall clock, and never smaller than the last one. */
static void test_ids_of_the_clock(void **state)
{
    static const struct line lines[] = {
        {"XADD s * a b", "$15\r\n1800000000000-0\r\n"},
        {"XADD s * a b", "$15\r\n1800000000000-1\r\n"},
        {"XADD s 1800000000001-5 a b", "$15\r\n1800000000001-5\r\n"},
        {"XADD s * a b", "$15\r\n1800000000001-6\r\n"},
        {"XADD s 1799999999999-* a b",
         "-ERR The ID specified in XADD is equal or smaller than the target "
         "stream top item\r\n"},
        {"XADD t 1800000000002-18446744073709551615 a b",
         "$34\r\n1800000000002-18446744073709551615\r\n"},
        {"XADD t * a b", "$15\r\n1800000000003-0\r\n"},
    };
    struct fixture f;
    UNUSED(state);
    fixture_init(&f);
    run_lines(&f, lines, ARRAY_LEN(lines));
    f.wall_offset_ms = 7000;
    assert_string_equal("$15\r\n1800000007000-0\r\n",
                        fixture_run(&f, "XADD s * a b"));
    fixture_release(&f);
}

/* One of s is idle for 100 ms, one for 40 ms, and one for none. */
static void deliver(struct fixture *f)
{
    fill(f, 5);
    fixture_run(f, "XREADGROUP GROUP g a COUNT 1 STREAMS s >");
    f->time_ms += 60;
    fixture_run(f, "XREADGROUP GROUP g b COUNT 1 STREAMS s >");
    f->time_ms += 40;
    fixture_run(f, "XREADGROUP GROUP g a COUNT 1 STREAMS s >");
}

static void test_idle_times(void **state)
{
    static const struct line lines[] = {
        {"XPENDING s g - + 9",
         "*3\r\n*4\r\n$3\r\n1-1\r\n$1\r\na\r\n:100\r\n:1\r\n*4\r\n$3\r\n2-1"
         "\r\n$1\r\nb\r\n:40\r\n:1\r\n*4\r\n$3\r\n3-1\r\n$1\r\na\r\n:0\r\n:1"
         "\r\n"},
        {"XPENDING s g IDLE 101 - + 9", "*0\r\n"},
        {"XPENDING s g IDLE 100 - + 9", "*1\r\n*4\r\n$3\r\n1-1\r\n$1\r\na\r"
                                        "\n:100\r\n:1\r\n"},
        {"XPENDING s g IDLE 1 - + 9 b", "*1\r\n*4\r\n$3\r\n2-1\r\n$1\r\nb\r"
                                        "\n:40\r\n:1\r\n"},
        {"XINFO CONSUMERS s g",
         "*2\r\n*6\r\n$4\r\nname\r\n$1\r\na\r\n$7\r\npending\r\n:2\r\n$4\r\n"
         "idle\r\n:0\r\n*6\r\n$4\r\nname\r\n$1\r\nb\r\n$7\r\npending\r\n:1\r\n"
         "$4\r\nidle\r\n:40\r\n"},
        {"XCLAIM s g c 101 1-1 2-1 3-1 JUSTID", "*0\r\n"},
        {"XCLAIM s g c 100 1-1 2-1 3-1 JUSTID", "*1\r\n$3\r\n1-1\r\n"},
        {"XAUTOCLAIM s g d 41 0 JUSTID", "*3\r\n$3\r\n0-0\r\n*0\r\n*0\r\n"},
        {"XAUTOCLAIM s g d 40 0 JUSTID",
         "*3\r\n$3\r\n0-0\r\n*1\r\n$3\r\n2-1\r\n*0\r\n"},
        {"XCLAIM s g e 0 1-1 IDLE 70 JUSTID", "*1\r\n$3\r\n1-1\r\n"},
        {"XCLAIM s g e 0 2-1 TIME 1800000000005 JUSTID", "*1\r\n$3\r\n2-1\r\n"},
        {"XPENDING s g - + 2",
         "*2\r\n*4\r\n$3\r\n1-1\r\n$1\r\ne\r\n:70\r\n:1\r\n*4\r\n$3\r\n2-1"
         "\r\n$1\r\ne\r\n:95\r\n:1\r\n"},
        {"XCLAIM s g e 0 1-1 IDLE -5 JUSTID", "*1\r\n$3\r\n1-1\r\n"},
        {"XCLAIM s g e 0 2-1 IDLE 9223372036854775807 JUSTID",
         "*1\r\n$3\r\n2-1\r\n"},
        {"XCLAIM s g e 0 3-1 TIME 1900000000000 JUSTID", "*1\r\n$3\r\n3-1\r\n"},
        {"XPENDING s g IDLE 1 - + 9", "*0\r\n"},
        {"XCLAIM s g e 0 2-1 IDLE -9223372036854775808 JUSTID",
         "*1\r\n$3\r\n2-1\r\n"},
        {"XCLAIM s g e 0 1-1 TIME 0 JUSTID", "*1\r\n$3\r\n1-1\r\n"},
        {"XCLAIM s g e 0 3-1 TIME -1 JUSTID", "*1\r\n$3\r\n3-1\r\n"},
        {"XPENDING s g IDLE 1 - + 9", "*0\r\n"},
        {"XCLAIM s g e 0 3-1 TIME 1 JUSTID", "*1\r\n$3\r\n3-1\r\n"},
        {"XPENDING s g IDLE 1700000000000 - + 9 e",
         "*1\r\n*4\r\n$3\r\n3-1\r\n$1\r\ne\r\n:1800000000099\r\n:1\r\n"},
    };
    struct fixture f;
    UNUSED(state);
    deliver(&f);
    run_lines(&f, lines, ARRAY_LEN(lines));
    fixture_release(&f);
}

/* Of what is pending, XAUTOCLAIM looks at ten times what it may claim, and says
 * where it has stopped. */
static void test_claims_go_on(void **state)
{
    static const struct line lines[] = {
        {"XAUTOCLAIM s g d 100 0 COUNT 2 JUSTID",
         "*3\r\n$4\r\n21-1\r\n*0\r\n*0\r\n"},
        {"XAUTOCLAIM s g d 100 21-1 COUNT 1 JUSTID",
         "*3\r\n$4\r\n31-1\r\n*0\r\n*0\r\n"},
        {"XAUTOCLAIM s g d 100 31-1 COUNT 1 JUSTID",
         "*3\r\n$3\r\n0-0\r\n*1\r\n$4\r\n40-1\r\n*0\r\n"},
        {"XAUTOCLAIM s g d 0 38 COUNT 2 JUSTID",
         "*3\r\n$4\r\n40-1\r\n*2\r\n$4\r\n38-1\r\n$4\r\n39-1\r\n*0\r\n"},
        {"XAUTOCLAIM s g d 0 39 COUNT 2 JUSTID",
         "*3\r\n$3\r\n0-0\r\n*2\r\n$4\r\n39-1\r\n$4\r\n40-1\r\n*0\r\n"},
    };
    struct fixture f;
    UNUSED(state);
    fill(&f, 40);
    fixture_run(&f, "XREADGROUP GROUP g a STREAMS s >");
    f.time_ms += 100;
    fixture_run(&f, "XCLAIM s g b 0 1-1 2-1 3-1 4-1 5-1 6-1 7-1 8-1 9-1 10-1 "
                    "11-1 12-1 13-1 14-1 15-1 16-1 17-1 18-1 19-1 20-1 21-1 "
                    "22-1 23-1 24-1 25-1 26-1 27-1 28-1 29-1 30-1 31-1 32-1 "
                    "33-1 34-1 35-1 36-1 37-1 38-1 39-1 JUSTID");
    run_lines(&f, lines, ARRAY_LEN(lines));
    fixture_release(&f);
}

/* RESP3 has maps, and one kind of nothing. */
static void test_resp3(void **state)
{
    static const struct line lines[] = {
        {"XADD s 1-1 a b", "$3\r\n1-1\r\n"},
        {"XADD s 2-1 c d", "$3\r\n2-1\r\n"},
        {"XADD t 1-1 e f", "$3\r\n1-1\r\n"},
        {"XGROUP CREATE s g 0", "+OK\r\n"},
        {"XGROUP CREATE t g 0", "+OK\r\n"},
        {"XREAD STREAMS s 1",
         "%1\r\n$1\r\ns\r\n*2\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\na\r\n$"
         "1\r\nb\r\n*2\r\n$3\r\n2-1\r\n*2\r\n$1\r\nc\r\n$1\r\nd\r\n"},
        {"XREAD COUNT 1 STREAMS s t 0 0",
         "%2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\na\r\n$"
         "1\r\nb\r\n$1\r\nt\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\ne\r\n$"
         "1\r\nf\r\n"},
        {"XREAD STREAMS s 9", "_\r\n"},
        {"XREAD STREAMS none 0", "_\r\n"},
        {"XREADGROUP GROUP g c COUNT 1 STREAMS s t > >",
         "%2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\na\r\n$"
         "1\r\nb\r\n$1\r\nt\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\ne\r\n$"
         "1\r\nf\r\n"},
        {"XREADGROUP GROUP g c STREAMS s t 0 0",
         "%2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\na\r\n$"
         "1\r\nb\r\n$1\r\nt\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\ne\r\n$"
         "1\r\nf\r\n"},
        {"XREADGROUP GROUP g c STREAMS t >", "_\r\n"},
        {"XRANGE s 1 1",
         "*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n"},
        {"XRANGE none - +", "*0\r\n"},
        {"XADD none NOMKSTREAM * a b", "_\r\n"},
        {"XPENDING t h", "-NOGROUP No such key 't' or consumer group 'h'\r\n"},
        {"XPENDING s g 1-0 1-1 9",
         "*1\r\n*4\r\n$3\r\n1-1\r\n$1\r\nc\r\n:0\r\n:2\r\n"},
        {"XPENDING s g 0-1 1-0 9", "*0\r\n"},
        {"XINFO STREAM t",
         "%10\r\n$6\r\nlength\r\n:1\r\n$15\r\nradix-tree-keys\r\n:1\r\n$"
         "16\r\nradix-tree-nodes\r\n:2\r\n$17\r\nlast-generated-id\r\n$3\r\n1-"
         "1\r\n$20\r\nmax-deleted-entry-id\r\n$3\r\n0-0\r\n$13\r\nentries-"
         "added\r\n:1\r\n$23\r\nrecorded-first-entry-id\r\n$3\r\n1-1\r\n$"
         "6\r\ngroups\r\n:1\r\n$11\r\nfirst-entry\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$"
         "1\r\ne\r\n$1\r\nf\r\n$10\r\nlast-entry\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$"
         "1\r\ne\r\n$1\r\nf\r\n"},
        {"XINFO GROUPS t",
         "*1\r\n%6\r\n$4\r\nname\r\n$1\r\ng\r\n$9\r\nconsumers\r\n:1\r\n$"
         "7\r\npending\r\n:1\r\n$17\r\nlast-delivered-id\r\n$3\r\n1-1\r\n$"
         "12\r\nentries-read\r\n:1\r\n$3\r\nlag\r\n:0\r\n"},
        {"XAUTOCLAIM s g d 100000 0", "*3\r\n$3\r\n0-0\r\n*0\r\n*0\r\n"},
        {"XCLAIM s g d 100000 1-1", "*0\r\n"},
    };
    struct fixture f;
    UNUSED(state);
    fixture_init(&f);
    f.protocol = 3;
    run_lines(&f, lines, ARRAY_LEN(lines));
    fixture_release(&f);
}

/* Nor does an entry of another node have a longer name, or one that is no
 * member of a tree. */
static void test_names_are_looked_at_again(void **state)
{
    static const char *const formats[] = {
        "XGROUP CREATECONSUMER s g %s", "XREADGROUP GROUP g %s STREAMS s >",
        "XCLAIM s g %s 0 1-1 FORCE", "XAUTOCLAIM s g %s 0 0"};
    char name[1024 + 2] = "";
    char line[1200];
    struct fixture f;
    UNUSED(state);
    fill(&f, 1);
    memset(name, 'x', 1024 + 1);
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        size_t before = (size_t)(strstr(formats[i], "%s") - formats[i]);
        snprintf(line, sizeof(line), "%.*s%s%s", (int)before, formats[i], name,
                 formats[i] + before + 2);
        fixture_split(&f, line);
        buf_reset(&f.out);
        fixture_begin(&f);
        fixture_execute(&f, cmd_lookup(f.reader.argv[0]), &f.out);
        fixture_commit(&f);
        buf_u8(&f.out, 0);
        assert_string_equal((const char *)f.out.data,
                            "-ERR consumer name is longer than 1024 bytes\r\n");
    }
    assert_string_equal(fixture_run(&f, "XINFO CONSUMERS s g"), "*0\r\n");
    fixture_release(&f);
}

/* What names a group is the key of a tree. */
static void test_names_of_groups(void **state)
{
    static const struct {
        const char *begin;
        const char *end;
        const char *reply;
    } parts[] = {{"*5\r\n$6\r\nXGROUP\r\n$6\r\nCREATE\r\n$1\r\ns\r\n",
                  "$1\r\n0", "+OK\r\n"},
                 {"*7\r\n$10\r\nXREADGROUP\r\n$5\r\nGROUP\r\n",
                  "$1\r\nc\r\n$7\r\nSTREAMS\r\n$1\r\ns\r\n$1\r\n>", "*1\r\n"}};
    struct buf line = BUF_INIT;
    struct fixture f;
    UNUSED(state);
    fill(&f, 1);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        for (size_t len = NAME_MAX_BYTES; len <= NAME_MAX_BYTES + 1; len++) {
            bool fits = len == NAME_MAX_BYTES;
            buf_reset(&line);
            buf_printf(&line, "%s$%zu\r\n", parts[i].begin, len);
            memset(buf_reserve(&line, len), 'g', len);
            line.len += len;
            buf_printf(&line, "\r\n%s", parts[i].end);
            buf_u8(&line, 0);
            expect(fits ? parts[i].reply
                        : "-ERR member is longer than 1048576 bytes\r\n",
                   fixture_run(&f, (const char *)line.data));
        }
    }
    buf_release(&line);
    fixture_release(&f);
}

static bool tells(struct fixture *f, const char *line, const char *text)
{
    return strstr(fixture_run(f, line), text) != NULL;
}

/* Counts that are as high as they can be stay there. */
static void test_counts_have_an_end(void **state)
{
    struct fixture f;
    UNUSED(state);
    fixture_init(&f);
    fixture_run(&f, "XADD a 1-1 f v");
    fixture_run(&f, "XSETID a 1-1 ENTRIESADDED 9223372036854775807");
    fixture_run(&f, "XGROUP CREATE a g 0 ENTRIESREAD 9223372036854775807");
    fixture_run(&f, "XADD a 2-1 f v");
    fixture_run(&f, "XREADGROUP GROUP g c STREAMS a >");
    assert_true(tells(&f, "XINFO STREAM a",
                      "entries-added\r\n"
                      ":9223372036854775807\r\n"));
    assert_true(tells(&f, "XINFO GROUPS a",
                      "entries-read\r\n"
                      ":9223372036854775807\r\n"));
    fixture_release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_have_an_end),
        cmocka_unit_test(test_many_deliveries),
        cmocka_unit_test(test_many_claims),
        cmocka_unit_test(test_consumers_have_a_length),
        cmocka_unit_test(test_names_are_looked_at_again),
        cmocka_unit_test(test_names_of_groups),
        cmocka_unit_test(test_resp3),
        cmocka_unit_test(test_cut_about),
        cmocka_unit_test(test_cut_without_limit),
        cmocka_unit_test(test_ids_of_the_clock),
        cmocka_unit_test(test_idle_times),
        cmocka_unit_test(test_claims_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
