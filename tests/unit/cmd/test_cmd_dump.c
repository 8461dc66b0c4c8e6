/*
 * DUMP and RESTORE: every type, small and large, is what it was, and no payload
 * that is wrong is even proposed.
 */
// link: store data type rdb resp table base
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "unit/cmd/cmd_fixture.h"
#include "unit/rdb/goldens.h"
#include "unit/rdb/rdb_fixture.h"

static void run(struct fixture *f, const char *line)
{
    const char *reply = fixture_run(f, line);
    assert_int_not_equal(reply[0], '-');
}

/* Gives the arguments of a RESTORE to those that take what was read last. */
struct restore {
    struct resp_reader saved;
    struct bytes argv[5];
};

static void restore_begin(struct fixture *f, struct restore *r, const char *key,
                          struct bytes payload, const char *option)
{
    r->saved = f->reader;
    r->argv[0] = BYTES_LIT("RESTORE");
    r->argv[1] = bytes_str(key);
    r->argv[2] = BYTES_LIT("0");
    r->argv[3] = payload;
    r->argv[4] = bytes_str(option);
    f->reader.argv = r->argv;
    f->reader.argc = option[0] != '\0' ? 5 : 4;
    buf_reset(&f->out);
    fixture_begin(f);
}

static const char *restore_end(struct fixture *f, const struct restore *r)
{
    fixture_commit(f);
    f->reader = r->saved;
    buf_u8(&f->out, 0);
    return (const char *)f->out.data;
}

static const char *restore(struct fixture *f, const char *key,
                           struct bytes payload, const char *option)
{
    struct restore r;
    restore_begin(f, &r, key, payload, option);
    if (fixture_check(f, fixture_find(f)))
        fixture_execute(f, fixture_find(f), &f->out);
    return restore_end(f, &r);
}

/* The payload of a bulk reply. */
static struct bytes payload_in(const struct fixture *f)
{
    const char *reply = (const char *)f->out.data;
    char *end = NULL;
    assert_int_equal(reply[0], '$');
    unsigned long len = strtoul(reply + 1, &end, 10);
    return bytes_of(end + 2, len);
}

static void dump(struct fixture *f, const char *key, struct buf *payload)
{
    char line[64];
    snprintf(line, sizeof(line), "DUMP %s", key);
    (void)fixture_run(f, line);
    buf_reset(payload);
    buf_bytes(payload, payload_in(f));
}

/* What is restored of a dump gives the same dump again. */
static void move(struct fixture *f, const char *key)
{
    struct buf first = BUF_INIT;
    struct buf second = BUF_INIT;
    dump(f, key, &first);
    assert_true(rdb_payload_whole(buf_view(&first)));
    assert_string_equal(restore(f, "copy", buf_view(&first), "REPLACE"),
                        "+OK\r\n");
    dump(f, "copy", &second);
    assert_true(bytes_eq(buf_view(&first), buf_view(&second)));
    buf_release(&first);
    buf_release(&second);
}

/* Runs a line so many times, where # is another number each time, and % one of
 * a thousand. */
static void fill(struct fixture *f, const char *format, int count)
{
    struct buf line = BUF_INIT;
    for (int i = 0; i < count; i++) {
        buf_reset(&line);
        for (const char *p = format; *p != '\0'; p++) {
            if (*p == '#')
                buf_printf(&line, "%d", i + 1);
            else if (*p == '%')
                buf_printf(&line, "%d", i * 7919 % 1000);
            else
                buf_char(&line, *p);
        }
        buf_char(&line, '\0');
        run(f, (const char *)line.data);
    }
    buf_release(&line);
}

static const struct {
    const char *format;
    int count;
} values[] = {
    {"SET k v#", 1},
    {"SET k 12", 1},
    {"APPEND k some-#-bytes-of-a-string-that-becomes-long", 1200},
    {"RPUSH k v# %", 3},
    {"RPUSH k v# %", 900},
    {"SADD k # %", 5},
    {"SADD k m#-%", 3},
    {"SADD k m#-%", 900},
    {"ZADD k #.5 m%", 3},
    {"ZADD k #.5 m%-%", 900},
    {"HSET k f# v%", 3},
    {"HSET k f# v%", 900},
    {"XADD k #-1 f v% g %", 3},
    {"XADD k #-1 f v% g %", 900},
};

static void test_each_type(void **state)
{
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        struct fixture f;
        fixture_init(&f);
        fill(&f, values[i].format, values[i].count);
        move(&f, "k");
        fixture_release(&f);
    }
}

/* Fields with times, groups with what they have pending, by clocks that differ.
 */
static void test_times(void **state)
{
    UNUSED(state);
    struct fixture f;
    fixture_init(&f);
    f.wall_offset_ms = -123456;
    run(&f, "HSET h a 1 b 2 c 3");
    run(&f, "HPEXPIREAT h 1900000000000 FIELDS 1 b");
    run(&f, "HPEXPIREAT h 1900000000007 FIELDS 1 a");
    move(&f, "h");
    assert_string_equal(fixture_run(&f, "HPEXPIRETIME copy FIELDS 3 a b c"),
                        "*3\r\n:1900000000007\r\n:1900000000000\r\n:-1\r\n");
    fill(&f, "XADD s #-1 f v%", 20);
    run(&f, "XGROUP CREATE s g 0");
    run(&f, "XGROUP CREATE s empty 5-1");
    run(&f, "XREADGROUP GROUP g alice COUNT 7 STREAMS s >");
    f.time_ms += 1000;
    run(&f, "XREADGROUP GROUP g bob COUNT 2 STREAMS s >");
    run(&f, "XGROUP CREATECONSUMER s g idle");
    run(&f, "XDEL s 3-1 20-1");
    move(&f, "s");
    f.time_ms += 500;
    assert_string_equal(fixture_run(&f, "XPENDING copy g - + 9 bob"),
                        "*2\r\n*4\r\n$3\r\n8-1\r\n$3\r\nbob\r\n:500\r\n:1\r\n"
                        "*4\r\n$3\r\n9-1\r\n$3\r\nbob\r\n:500\r\n:1\r\n");
    fixture_release(&f);
}

/* Fields whose time has come are left out; without any there is no hash. */
static void test_times_past(void **state)
{
    UNUSED(state);
    struct fixture f;
    struct buf payload = BUF_INIT;
    fixture_init(&f);
    run(&f, "HSET h a 1 b 2");
    run(&f, "HPEXPIRE h 1000 FIELDS 1 a");
    dump(&f, "h", &payload);
    f.time_ms += 2000;
    assert_string_equal(restore(&f, "one", buf_view(&payload), ""), "+OK\r\n");
    assert_string_equal(fixture_run(&f, "HGETALL one"),
                        "*2\r\n$1\r\nb\r\n$1\r\n2\r\n");
    run(&f, "SET none x");
    payload_of("160101610161e803000000000000", &payload);
    assert_string_equal(restore(&f, "none", buf_view(&payload), "REPLACE"),
                        "+OK\r\n");
    assert_string_equal(fixture_run(&f, "EXISTS none"), ":0\r\n");
    fixture_release(&f);
    buf_release(&payload);
}

static void test_goldens(void **state)
{
    UNUSED(state);
    struct fixture f;
    struct buf payload = BUF_INIT;
    fixture_init(&f);
    for (size_t i = 0; i < ARRAY_LEN(goldens); i++) {
        from_hex(goldens[i].hex, &payload);
        assert_string_equal(restore(&f, "k", buf_view(&payload), "REPLACE"),
                            "+OK\r\n");
        move(&f, "k");
    }
    fixture_release(&f);
    buf_release(&payload);
}

/* What the check says, and what an entry of another node would do. */
static void expect_refused(struct fixture *f, struct bytes payload)
{
    struct restore r;
    struct buf reply = BUF_INIT;
    restore_begin(f, &r, "k", payload, "REPLACE");
    assert_false(fixture_check(f, fixture_find(f)));
    fixture_execute(f, fixture_find(f), &reply);
    assert_true(bytes_eq(buf_view(&reply), buf_view(&f->out)));
    (void)restore_end(f, &r);
    assert_string_equal(fixture_run(f, "GET k"), "$3\r\nold\r\n");
    buf_release(&reply);
}

static void test_damage(void **state)
{
    UNUSED(state);
    static const char *const wrong[] = {
        "0100", "020201610161", "05010161000000000000f87f",     "0600",
        "ff00", "0c0100",       "0b0c020000000200000005000500", "00c302020061",
    };
    struct fixture f;
    struct buf payload = BUF_INIT;
    fixture_init(&f);
    run(&f, "SET k old");
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        payload_of(wrong[i], &payload);
        expect_refused(&f, buf_view(&payload));
    }
    for (size_t i = 0; i < ARRAY_LEN(goldens); i++) {
        from_hex(goldens[i].hex, &payload);
        payload.data[payload.len / 2] ^= 4;
        expect_refused(&f, buf_view(&payload));
    }
    fixture_release(&f);
    buf_release(&payload);
}

/* A string that was packed is of pages when it is not any more; and the limits
 * are those of what is unpacked. */
static void test_packed(void **state)
{
    UNUSED(state);
    struct fixture f;
    struct buf payload = BUF_INIT;
    fixture_init(&f);
    /* Two bytes, and 264 that are the one before: as often as it takes. */
    buf_append(&payload, "\0\xc3", 2);
    size_t runs = 200;
    size_t packed = 2 + 3 * runs;
    size_t len = 1 + 264 * runs;
    buf_u16be(&payload, (uint16_t)(0x4000 | packed));
    buf_u8(&payload, 0x80);
    buf_u32be(&payload, (uint32_t)len);
    buf_append(&payload, "\0z", 2);
    for (size_t i = 0; i < runs; i++)
        buf_append(&payload, "\xe0\xff\0", 3);
    rdb_payload_end(&payload, 9);
    f.value_max = len - 1;
    assert_non_null(
        strstr(restore(&f, "k", buf_view(&payload), ""), "proto-max-bulk-len"));
    f.value_max = len;
    assert_string_equal(restore(&f, "k", buf_view(&payload), ""), "+OK\r\n");
    assert_string_equal(fixture_run(&f, "STRLEN k"), ":52801\r\n");
    assert_string_equal(fixture_run(&f, "GETRANGE k 52798 -1"),
                        "$3\r\nzzz\r\n");
    move(&f, "k");
    fixture_release(&f);
    buf_release(&payload);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_type),  cmocka_unit_test(test_times),
        cmocka_unit_test(test_times_past), cmocka_unit_test(test_goldens),
        cmocka_unit_test(test_damage),     cmocka_unit_test(test_packed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
