/*
 * Every data command: line in, exact reply out.
 */
// link: store data type resp table base
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "unit/cmd/bit_rows.h"
#include "unit/cmd/checked_rows.h"
#include "unit/cmd/cmd_fixture.h"
#include "unit/cmd/cmd_rows.h"
#include "unit/cmd/col_corner_rows.h"
#include "unit/cmd/dump_rows.h"
#include "unit/cmd/geo_rows.h"
#include "unit/cmd/group_corner_rows.h"
#include "unit/cmd/group_rows.h"
#include "unit/cmd/hash_rows.h"
#include "unit/cmd/hll_rows.h"
#include "unit/cmd/key_rows.h"
#include "unit/cmd/list_rows.h"
#include "unit/cmd/set_rows.h"
#include "unit/cmd/sort_rows.h"
#include "unit/cmd/stream_corner_rows.h"
#include "unit/cmd/stream_rows.h"
#include "unit/cmd/zset_corner_rows.h"
#include "unit/cmd/zset_rows.h"

static const struct group {
    const char *name;
    const struct row *rows;
    size_t count;
} groups[] = {
    {"strings", strings_rows, ARRAY_LEN(strings_rows)},
    {"times to live", ttl_kept_rows, ARRAY_LEN(ttl_kept_rows)},
    {"parts", parts_rows, ARRAY_LEN(parts_rows)},
    {"counters", counters_rows, ARRAY_LEN(counters_rows)},
    {"generic", generic_rows, ARRAY_LEN(generic_rows)},
    {"expire", expire_rows, ARRAY_LEN(expire_rows)},
    {"hashes", hash_rows, ARRAY_LEN(hash_rows)},
    {"bits", bits_rows, ARRAY_LEN(bits_rows)},
    {"fields that expire", hash_expire_rows, ARRAY_LEN(hash_expire_rows)},
    {"keys", key_rows, ARRAY_LEN(key_rows)},
    {"sorting", sort_rows, ARRAY_LEN(sort_rows)},
    {"dump", dump_rows, ARRAY_LEN(dump_rows)},
    {"sets", set_rows, ARRAY_LEN(set_rows)},
    {"places", geo_rows, ARRAY_LEN(geo_rows)},
    {"sorted sets", zset_rows, ARRAY_LEN(zset_rows)},
    {"hyperloglog", hll_rows, ARRAY_LEN(hll_rows)},
    {"subsequences", lcs_rows, ARRAY_LEN(lcs_rows)},
    {"digests", digest_rows, ARRAY_LEN(digest_rows)},
    {"streams", stream_rows, ARRAY_LEN(stream_rows)},
    {"groups", group_rows, ARRAY_LEN(group_rows)},
    {"compare", compare_rows, ARRAY_LEN(compare_rows)},
    {"lists", list_rows, ARRAY_LEN(list_rows)},
    {"waiting", blocking_rows, ARRAY_LEN(blocking_rows)},
    {"corners", col_corner_rows, ARRAY_LEN(col_corner_rows)},
    {"streams, corners", stream_corner_rows, ARRAY_LEN(stream_corner_rows)},
    {"groups, corners", group_corner_rows, ARRAY_LEN(group_corner_rows)},
    {"sorted sets, corners", zset_corner_rows, ARRAY_LEN(zset_corner_rows)},
    {"internal", internal_rows, ARRAY_LEN(internal_rows)},
};

static void run_group(struct fixture *f, const struct group *g)
{
    f->internal = strcmp(g->name, "internal") == 0;
    for (size_t i = 0; i < g->count; i++) {
        const char *reply = fixture_run(f, g->rows[i].line);
        if (strcmp(reply, g->rows[i].reply) != 0)
            print_message("%s row %zu: %s\n", g->name, i, g->rows[i].line);
        assert_string_equal(reply, g->rows[i].reply);
    }
}

static void test_rows(void **state)
{
    UNUSED(state);
    struct fixture f;
    fixture_init(&f);
    for (size_t i = 0; i < ARRAY_LEN(groups); i++)
        run_group(&f, &groups[i]);
    fixture_release(&f);
}

/* What was delivered when the log's time began may be told as any other. */
static void test_idle_since_the_beginning(void **state)
{
    char line[100];
    struct fixture f;
    UNUSED(state);
    fixture_init(&f);
    fixture_run(&f, "XADD s 1-1 a b");
    fixture_run(&f, "XGROUP CREATE s g 0");
    fixture_run(&f, "XREADGROUP GROUP g c STREAMS s >");
    for (int64_t more = -1; more <= 1; more++) {
        snprintf(line, sizeof(line),
                 "XCLAIM s g c 0 1-1 IDLE %" PRId64 " JUSTID",
                 f.time_ms + more);
        assert_string_equal(fixture_run(&f, line), "*1\r\n$3\r\n1-1\r\n");
        assert_true(fixture_run(&f, "XINFO STREAM s FULL")[0] == '*');
    }
    fixture_release(&f);
}

/* All rows of a group in one single entry: the entry's own changes count at
 * once, whether they are in the store or not. */
static void test_rows_in_one_entry(void **state)
{
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
        struct fixture f;
        fixture_init(&f);
        f.internal = strcmp(groups[i].name, "internal") == 0;
        fixture_begin(&f);
        for (size_t r = 0; r < groups[i].count; r++) {
            buf_reset(&f.out);
            fixture_apply(&f, groups[i].rows[r].line);
            buf_u8(&f.out, 0);
            if (strcmp((char *)f.out.data, groups[i].rows[r].reply) != 0)
                print_message("%s row %zu: %s\n", groups[i].name, r,
                              groups[i].rows[r].line);
            assert_string_equal((char *)f.out.data, groups[i].rows[r].reply);
        }
        fixture_commit(&f);
        fixture_release(&f);
    }
}

/* The rows again with a writer that drops everything leave the same data. */
static void test_rows_without_replies(void **state)
{
    UNUSED(state);
    struct fixture f;
    fixture_init(&f);
    f.internal = true;
    for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
        for (size_t r = 0; r < groups[i].count; r++) {
            fixture_split(&f, groups[i].rows[r].line);
            const struct cmd *cmd = fixture_find(&f);
            if (cmd == NULL || !cmd_is_data(cmd) || !fixture_check(&f, cmd))
                continue;
            fixture_begin(&f);
            fixture_execute(&f, cmd, NULL);
            fixture_commit(&f);
        }
        buf_reset(&f.out);
    }
    assert_string_equal(fixture_run(&f, "DBSIZE"), ":0\r\n");
    fixture_release(&f);
}

/* The rows without the check before, as an entry of another node may be: each
 * gives the same reply. */
static void test_rows_without_check(void **state)
{
    UNUSED(state);
    struct fixture f;
    fixture_init(&f);
    for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
        f.internal = strcmp(groups[i].name, "internal") == 0;
        for (size_t r = 0; r < groups[i].count; r++) {
            buf_reset(&f.out);
            fixture_split(&f, groups[i].rows[r].line);
            const struct cmd *cmd = fixture_find(&f);
            fixture_begin(&f);
            if (cmd != NULL && cmd_is_data(cmd)) {
                fixture_execute(&f, cmd, &f.out);
                buf_u8(&f.out, 0);
                assert_string_equal(f.out.data, groups[i].rows[r].reply);
            }
            fixture_commit(&f);
        }
    }
    fixture_release(&f);
}

/* What can be known to be wrong without the data never enters the log; at each
 * level. */
static void check_before(uint16_t level)
{
    struct fixture f;
    fixture_init(&f);
    f.internal = true;
    f.level = level;
    for (size_t i = 0; i < ARRAY_LEN(checked_wrong) + ARRAY_LEN(checked_right);
         i++) {
        bool ok = i >= ARRAY_LEN(checked_wrong);
        const char *line =
            ok ? checked_right[i - ARRAY_LEN(checked_wrong)] : checked_wrong[i];
        fixture_split(&f, line);
        const struct cmd *cmd = fixture_find(&f);
        assert_non_null(cmd);
        buf_reset(&f.out);
        if (fixture_check(&f, cmd) != ok)
            fail_msg("%s", line);
        assert_true(ok || f.out.data[0] == '-');
    }
    fixture_split(&f, "SET a 1 vard.next");
    assert_int_equal(fixture_check(&f, fixture_find(&f)), level == LEVEL_NEXT);
    fixture_release(&f);
}

static void test_what_is_checked_before(void **state)
{
    UNUSED(state);
    check_before(LEVEL_MIN);
    check_before(LEVEL_NEXT);
}

/* A number has no more than 5,119 bytes, in a value or an argument. */
static void test_numbers_have_a_length(void **state)
{
    UNUSED(state);
    for (size_t len = 5118; len <= 5121; len++) {
        const char *expected =
            len < 5120 ? "$1\r\n2\r\n" : "-ERR value is not a valid float\r\n";
        struct fixture f;
        struct buf line = BUF_INIT;
        fixture_init(&f);
        buf_str(&line, "SET a ");
        memset(buf_reserve(&line, len), '0', len);
        line.len += len - 1;
        buf_str(&line, "1");
        buf_char(&line, '\0');
        fixture_run(&f, (const char *)line.data);
        assert_string_equal(fixture_run(&f, "INCRBYFLOAT a 1"), expected);
        buf_release(&line);
        buf_str(&line, "INCRBYFLOAT b ");
        memset(buf_reserve(&line, len), '0', len);
        line.len += len - 1;
        buf_str(&line, "2");
        buf_char(&line, '\0');
        assert_string_equal(fixture_run(&f, (const char *)line.data), expected);
        buf_release(&line);
        fixture_release(&f);
    }
}

/* Of an option that is unknown 1,024 bytes are quoted. */
static void test_quotes_have_a_length(void **state)
{
    struct fixture f;
    UNUSED(state);
    fixture_init(&f);
    for (size_t len = 1023; len <= 1025; len++) {
        char line[1100], expected[1100], word[1030];
        memset(word, 'x', len);
        word[len] = '\0';
        snprintf(line, sizeof(line), "EXPIRE a 1 %s", word);
        snprintf(expected, sizeof(expected),
                 "-ERR Unsupported option %.1024s\r\n", word);
        assert_string_equal(fixture_run(&f, line), expected);
    }
    assert_string_equal(fixture_run(&f, "EXPIRE a 1 \"\""),
                        "-ERR Unsupported option \r\n");
    fixture_release(&f);
}

/* What is left of deleted values counts as swept, page by page. */
static void test_pages_are_swept(void **state)
{
    struct fixture f;
    int64_t swept = 0;
    UNUSED(state);
    fixture_init(&f);
    f.internal = true;
    fixture_run(&f, "SETRANGE a 3000000 1");
    fixture_run(&f, "SET b 1 PX 1");
    fixture_run(&f, "DEL a");
    f.time_ms += 1;
    for (int i = 0; i < 1000; i++) {
        const char *reply = fixture_run(&f, "vard.sweep 8");
        long n = strtol(reply + 1, NULL, 10);
        assert_in_range(n, 0, 8 + 8 / 4);
        if (n == 0)
            break;
        swept += n;
    }
    assert_in_range(swept, 1 + 3000000 / KEYSPACE_PAGE_SIZE,
                    4 + 3000000 / KEYSPACE_PAGE_SIZE);
    fixture_release(&f);
}

/* What has expired and pages share a limit, of which pages have a part. */
static void test_a_sweep_has_a_limit(void **state)
{
    struct fixture f;
    char line[32];
    UNUSED(state);
    fixture_init(&f);
    f.internal = true;
    fixture_run(&f, "SETRANGE a 3000000 1");
    fixture_run(&f, "DEL a");
    for (int i = 0; i < 40; i++) {
        snprintf(line, sizeof(line), "SET k%d 1 PX 1", i);
        fixture_run(&f, line);
    }
    f.time_ms += 1;
    assert_string_equal(fixture_run(&f, "vard.sweep 0"), ":0\r\n");
    assert_string_equal(fixture_run(&f, "vard.sweep 8"), ":10\r\n");
    assert_string_equal(fixture_run(&f, "DBSIZE"), ":32\r\n");
    fixture_release(&f);
}

/* What this node takes at most bounds what it lets a command make; what comes
 * from others is not its affair. */
static void test_ranges_have_a_bound(void **state)
{
    static const char *const lines[] = {
        "SETRANGE a 5 12345", "SETRANGE a 6 12345", "SETRANGE a 100 \"\""};
    static const char refused[] = "-ERR string exceeds maximum allowed size "
                                  "(proto-max-bulk-len)\r\n";
    struct fixture f;
    UNUSED(state);
    fixture_init(&f);
    for (uint64_t max = 0; max <= 10; max += 10) {
        f.value_max = max;
        for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
            bool ok = max == 0 || i != 1;
            buf_reset(&f.out);
            fixture_split(&f, lines[i]);
            assert_int_equal(fixture_check(&f, fixture_find(&f)), ok);
            buf_u8(&f.out, 0);
            assert_string_equal((const char *)f.out.data, ok ? "" : refused);
        }
    }
    fixture_release(&f);
}

/* 512 MB, whichever command makes a value longer. */
static void test_values_have_a_length(void **state)
{
    static const char refused[] = "-ERR string exceeds maximum allowed size "
                                  "(proto-max-bulk-len)\r\n";
    struct fixture f;
    UNUSED(state);
    fixture_init(&f);
    assert_string_equal(fixture_run(&f, "SETRANGE a 536870911 12"), refused);
    assert_string_equal(fixture_run(&f, "SETRANGE a 536870912 1"), refused);
    assert_string_equal(fixture_run(&f, "SETRANGE a 9223372036854775807 1"),
                        refused);
    assert_string_equal(fixture_run(&f, "SETRANGE a 536870910 1"),
                        ":536870911\r\n");
    assert_string_equal(fixture_run(&f, "APPEND a 12"), refused);
    assert_string_equal(fixture_run(&f, "APPEND a 1"), ":536870912\r\n");
    assert_string_equal(fixture_run(&f, "APPEND a 1"), refused);
    assert_string_equal(fixture_run(&f, "APPEND a \"\""), ":536870912\r\n");
    assert_string_equal(fixture_run(&f, "SETRANGE a 536870911 2"),
                        ":536870912\r\n");
    assert_string_equal(fixture_run(&f, "STRLEN a"), ":536870912\r\n");
    fixture_release(&f);
}

static bool named(const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
        for (size_t r = 0; r < groups[i].count; r++) {
            const char *line = groups[i].rows[r].line;
            if (strlen(line) >= len && (line[len] == ' ' || line[len] == 0) &&
                bytes_eq_nocase(bytes_of(line, len), bytes_str(name)))
                return true;
        }
    }
    return false;
}

static void test_every_command_is_tested(void **state)
{
    UNUSED(state);
    for (size_t i = 0; i < cmd_count(); i++) {
        const struct cmd *c = cmd_at(i);
        if (cmd_is_data(c) && !named(c->name))
            fail_msg("no row names %s", c->name);
    }
}

/* Time passes between entries: what has expired is gone for every command,
 * before and after the sweep. */
static void test_time(void **state)
{
    UNUSED(state);
    struct fixture f;
    fixture_init(&f);
    f.internal = true;
    fixture_run(&f, "SET a 1 PX 1000");
    fixture_run(&f, "SET b 1 EX 10");
    fixture_run(&f, "SET c 1");
    f.time_ms += 499;
    assert_string_equal(fixture_run(&f, "PTTL a"), ":501\r\n");
    assert_string_equal(fixture_run(&f, "TTL a"), ":1\r\n");
    assert_string_equal(fixture_run(&f, "EXPIRETIME a"), ":1800000001\r\n");
    f.time_ms += 2;
    assert_string_equal(fixture_run(&f, "TTL a"), ":0\r\n");
    f.time_ms += 498;
    assert_string_equal(fixture_run(&f, "GET a"), "$1\r\n1\r\n");
    f.time_ms += 1;
    assert_string_equal(fixture_run(&f, "GET a"), "$-1\r\n");
    assert_string_equal(fixture_run(&f, "TTL a"), ":-2\r\n");
    assert_string_equal(fixture_run(&f, "DBSIZE"), ":3\r\n");
    assert_string_equal(fixture_run(&f, "APPEND a x"), ":1\r\n");
    assert_string_equal(fixture_run(&f, "TTL a"), ":-1\r\n");
    f.time_ms += 9000;
    assert_string_equal(fixture_run(&f, "INCR b"), ":1\r\n");
    assert_string_equal(fixture_run(&f, "SET d 1 PX 5"), "+OK\r\n");
    f.time_ms += 5;
    assert_string_equal(fixture_run(&f, "SET d 2 XX"), "$-1\r\n");
    assert_string_equal(fixture_run(&f, "DBSIZE"), ":4\r\n");
    assert_string_equal(fixture_run(&f, "vard.sweep 10"), ":1\r\n");
    assert_string_equal(fixture_run(&f, "DBSIZE"), ":3\r\n");
    assert_string_equal(fixture_run(&f, "vard.sweep 10"), ":0\r\n");
    fixture_release(&f);
}

/* A read whose time is ahead of the log's must not tell of an expiry yet. */
static void test_read_in_doubt(void **state)
{
    UNUSED(state);
    struct fixture f;
    fixture_init(&f);
    fixture_run(&f, "SET a 1 PX 1000");
    assert_string_equal(fixture_read(&f, START_MS + 400, "PTTL a"), ":600\r\n");
    assert_false(keyspace_in_doubt(f.ks));
    fixture_read(&f, START_MS + 1000, "GET a");
    assert_true(keyspace_in_doubt(f.ks));
    assert_string_equal(fixture_read(&f, START_MS - 50, "PTTL a"), ":1000\r\n");
    assert_false(keyspace_in_doubt(f.ks));
    f.time_ms += 1000;
    fixture_run(&f, "INCR unrelated");
    assert_string_equal(fixture_read(&f, START_MS, "GET a"), "$-1\r\n");
    assert_false(keyspace_in_doubt(f.ks));
    fixture_release(&f);
}

/* Sums of times that overflow only together with the entry's time. */
static void test_time_overflow(void **state)
{
    UNUSED(state);
    struct fixture f;
    fixture_init(&f);
    fixture_run(&f, "SET a 1");
    assert_string_equal(fixture_run(&f, "PEXPIRE a 9223370236854775807"),
                        ":1\r\n");
    assert_string_equal(fixture_run(&f, "PEXPIRETIME a"),
                        ":9223372036854775807\r\n");
    assert_string_equal(fixture_run(&f, "PEXPIRE a 9223370236854775808"),
                        "-ERR invalid expire time in 'pexpire' command\r\n");
    assert_string_equal(fixture_run(&f, "PSETEX a 9223370236854775808 v"),
                        "-ERR invalid expire time in 'psetex' command\r\n");
    assert_string_equal(fixture_run(&f, "PSETEX a 9223370236854775807 v"),
                        "+OK\r\n");
    assert_string_equal(fixture_run(&f, "GETEX a PX 9223370236854775808"),
                        "-ERR invalid expire time in 'getex' command\r\n");
    fixture_release(&f);
}

static void test_databases(void **state)
{
    UNUSED(state);
    struct fixture f;
    fixture_init(&f);
    fixture_run(&f, "SET a zero");
    f.db = 15;
    assert_string_equal(fixture_run(&f, "GET a"), "$-1\r\n");
    fixture_run(&f, "MSET a x b y");
    assert_string_equal(fixture_run(&f, "DBSIZE"), ":2\r\n");
    f.db = 0;
    assert_string_equal(fixture_run(&f, "DBSIZE"), ":1\r\n");
    fixture_run(&f, "FLUSHDB");
    f.db = 15;
    assert_string_equal(fixture_run(&f, "DBSIZE"), ":2\r\n");
    fixture_run(&f, "FLUSHALL");
    assert_string_equal(fixture_run(&f, "DBSIZE"), ":0\r\n");
    fixture_release(&f);
}

/* A database in its last epoch cannot be flushed: its keys stay, and whoever
 * asked is told so; FLUSHALL does what it can. */
static void test_no_more_flushes(void **state)
{
    UNUSED(state);
    struct fixture f;
    struct store_batch b = STORE_BATCH_INIT;
    static const char refused[] =
        "-ERR a database cannot be flushed more often\r\n";
    fixture_init(&f);
    store_batch_put(&b, STORE_STATE, BYTES_LIT("mcount\0"),
                    BYTES_LIT("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                              "\xff\xff\xff\xff"
                              "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"));
    assert_int_equal(store_write(f.store, &b, STORE_UNLOGGED), 0);
    store_batch_release(&b);
    keyspace_close(f.ks);
    fixture_open(&f);
    fixture_run(&f, "SET a 1");
    assert_string_equal(fixture_run(&f, "FLUSHDB"), refused);
    assert_string_equal(fixture_run(&f, "FLUSHDB ASYNC"), refused);
    assert_string_equal(fixture_run(&f, "FLUSHALL SYNC"), refused);
    f.db = 1;
    fixture_run(&f, "SET a 1");
    assert_string_equal(fixture_run(&f, "FLUSHALL"), refused);
    assert_string_equal(fixture_run(&f, "DBSIZE"), ":0\r\n");
    assert_string_equal(fixture_run(&f, "FLUSHDB"), "+OK\r\n");
    f.db = 0;
    assert_string_equal(fixture_run(&f, "GET a"), "$1\r\n1\r\n");
    fixture_release(&f);
}

/* RESP3 has its own null; nothing else differs for these commands. */
static void test_resp3(void **state)
{
    UNUSED(state);
    struct fixture f;
    fixture_init(&f);
    f.protocol = 3;
    assert_string_equal(fixture_run(&f, "GET a"), "_\r\n");
    assert_string_equal(fixture_run(&f, "MGET a b"), "*2\r\n_\r\n_\r\n");
    assert_string_equal(fixture_run(&f, "SET a 1 XX"), "_\r\n");
    assert_string_equal(fixture_run(&f, "INCRBYFLOAT a 1.5"), "$3\r\n1.5\r\n");
    fixture_release(&f);
}

/* Growing a value by many small pieces in one entry does not copy it each
 * time: half a million appends to a megabyte would take minutes. */
static void test_many_appends(void **state)
{
    UNUSED(state);
    struct fixture f;
    fixture_init(&f);
    fixture_run(&f, "SETRANGE big 1000000 x");
    fixture_begin(&f);
    for (int i = 0; i < 100000; i++) {
        buf_reset(&f.out);
        fixture_apply(&f, "APPEND big y");
    }
    fixture_commit(&f);
    assert_string_equal(fixture_run(&f, "STRLEN big"), ":1100001\r\n");
    assert_string_equal(fixture_run(&f, "GETRANGE big -2 -1"), "$2\r\nyy\r\n");
    fixture_release(&f);
}

/* A few bytes that unpack to more than an entry may hold in memory: each makes
 * a page, until there are too many. A far offset alone costs one page. */
static void fill_entry(struct fixture *f)
{
    uint64_t i = 0;
    char line[64];
    fixture_apply(f, "SETRANGE a 536870911 1");
    assert_true(keyspace_entry_bytes(f->ks) < 2 * KEYSPACE_PAGE_SIZE);
    for (; keyspace_entry_bytes(f->ks) <= CMD_ENTRY_BYTES_MAX; i++) {
        snprintf(line, sizeof(line), "SETRANGE a %" PRIu64 " 1",
                 i * KEYSPACE_PAGE_SIZE + KEYSPACE_PAGE_SIZE - 1);
        buf_reset(&f->out);
        fixture_apply(f, line);
        assert_memory_equal(f->out.data, ":536870912", 10);
    }
    assert_in_range(i, 16000, CMD_ENTRY_BYTES_MAX / KEYSPACE_PAGE_SIZE);
}

static void test_entry_limit(void **state)
{
    UNUSED(state);
    struct fixture f;
    fixture_init(&f);
    fixture_run(&f, "SET b 1");
    fixture_begin(&f);
    fill_entry(&f);
    buf_reset(&f.out);
    fixture_apply(&f, "APPEND a 0123456789012345678901234567890123456789");
    fixture_apply(&f, "GET b");
    fixture_apply(&f, "SET c 1");
    buf_u8(&f.out, 0);
    assert_string_equal((const char *)f.out.data,
                        "-OOM too much data in one log entry, try again\r\n"
                        "-OOM too much data in one log entry, try again\r\n"
                        "-OOM too much data in one log entry, try again\r\n");
    fixture_release(&f);
}

/* The commands of Verdi's vard do not escape the limit. */
static void test_entry_limit_for_all(void **state)
{
    static const char *const lines[] = {
        "vard.get a",   "vard.put a 1", "vard.del a",     "vard.cas a 1 2",
        "vard.cad a 1", "GETEX a",      "vard.sweep 500", "FLUSHALL"};
    UNUSED(state);
    struct fixture f;
    fixture_init(&f);
    f.internal = true;
    fixture_begin(&f);
    fill_entry(&f);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        buf_reset(&f.out);
        fixture_apply(&f, lines[i]);
        assert_memory_equal(f.out.data, "-OOM ", 5);
    }
    fixture_release(&f);
}

/* A command whose reply nobody here wants. */
static void apply_unheard(struct fixture *f, const char *line)
{
    fixture_split(f, line);
    fixture_execute(f, cmd_lookup(f->reader.argv[0]), NULL);
}

/* Writes that ask for the same long value again and again: what is not kept in
 * memory has a limit as well, whether the replica has to answer or not. */
static void test_entry_limit_of_views(void **state)
{
    UNUSED(state);
    uint64_t viewed[2];
    for (int heard = 0; heard < 2; heard++) {
        struct fixture f;
        fixture_init(&f);
        fixture_run(&f, "SETRANGE a 67108863 1");
        fixture_begin(&f);
        for (int i = 0; i < 17; i++) {
            buf_reset(&f.out);
            if (heard)
                fixture_apply(&f, "GETEX a PX 1000");
            else
                apply_unheard(&f, "GETEX a PX 1000");
        }
        viewed[heard] = keyspace_viewed_bytes(f.ks);
        buf_reset(&f.out);
        fixture_apply(&f, "SET c 1");
        assert_memory_equal(f.out.data, "-OOM ", 5);
        assert_true(keyspace_entry_bytes(f.ks) < 1000);
        fixture_release(&f);
    }
    assert_int_equal(viewed[0], 17 * UINT64_C(67108864));
    assert_int_equal(viewed[0], viewed[1]);
}

/* The same of long elements that are taken from a list. */
static void test_entry_counts_long_elements(void **state)
{
    static const char *const lines[] = {"LPOP l", "RPOP l 2", "LMPOP 1 l LEFT",
                                        "LMOVE l l LEFT RIGHT",
                                        "RPOPLPUSH l m"};
    UNUSED(state);
    uint64_t viewed[2];
    for (int heard = 0; heard < 2; heard++) {
        struct fixture f;
        fixture_init(&f);
        for (int i = 0; i < 8; i++) {
            char line[5100];
            int len = snprintf(line, sizeof(line), "RPUSH l %05000d", i);
            assert_int_equal(len, 5008);
            fixture_run(&f, line);
        }
        fixture_begin(&f);
        for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
            buf_reset(&f.out);
            if (heard)
                fixture_apply(&f, lines[i]);
            else
                apply_unheard(&f, lines[i]);
        }
        viewed[heard] = keyspace_viewed_bytes(f.ks);
        fixture_commit(&f);
        fixture_release(&f);
    }
    assert_int_equal(viewed[0], 6 * 5000);
    assert_int_equal(viewed[0], viewed[1]);
}

static void apply_to_key(struct fixture *f, const char *format, uint64_t i)
{
    char line[64];
    int len = snprintf(line, sizeof(line), "%s%" PRIu64, format, i);
    assert_in_range(len, 1, sizeof(line) - 1);
    apply_unheard(f, line);
}

/* Reads of plain values keep them until the entry ends: each counts once, and
 * they have a limit of their own. */
static void test_limit_of_reads(void **state)
{
    UNUSED(state);
    struct fixture f;
    uint64_t rows = CMD_ENTRY_BYTES_MAX / KEYSPACE_PAGE_SIZE;
    fixture_init(&f);
    for (uint64_t i = 0; i < rows; i++) {
        char line[64];
        if (i % 1000 == 0)
            fixture_begin(&f);
        snprintf(line, sizeof(line), "SETRANGE k%" PRIu64 " 16383 1", i);
        fixture_apply(&f, line);
        if (i % 1000 == 999 || i == rows - 1)
            fixture_commit(&f);
    }
    fixture_begin(&f);
    uint64_t reads = 0;
    for (; keyspace_read_bytes(f.ks) <= CMD_ENTRY_BYTES_MAX; reads++) {
        apply_to_key(&f, "STRLEN k", reads);
        apply_to_key(&f, "STRLEN k", reads);
    }
    assert_in_range(reads, rows - 100, rows);
    buf_reset(&f.out);
    fixture_apply(&f, "GET nosuch");
    assert_memory_equal(f.out.data, "-OOM ", 5);
    buf_reset(&f.out);
    fixture_apply(&f, "SET a 1");
    assert_memory_equal(f.out.data, "+OK", 3);
    fixture_release(&f);
}

/* Only one replica executes a read that comes through the log: what it loads
 * must not be seen in the bytes of the entry. */
static void test_reads_do_not_fill_entries(void **state)
{
    UNUSED(state);
    uint64_t bytes[2];
    for (int reads = 0; reads < 2; reads++) {
        struct fixture f;
        fixture_init(&f);
        fixture_run(&f, "SETRANGE a 100000000 1");
        fixture_run(&f, "SETRANGE b 500000000 1");
        fixture_run(&f, "SET c 1");
        fixture_begin(&f);
        if (reads) {
            fixture_apply(&f, "GETRANGE a 0 99999999");
            apply_unheard(&f, "GET b");
            apply_unheard(&f, "GET b");
            assert_true(keyspace_read_bytes(f.ks) < 1000);
            assert_true(keyspace_read_views(f.ks) > CMD_ENTRY_VIEWED_MAX);
        }
        buf_reset(&f.out);
        fixture_apply(&f, "APPEND c 2");
        fixture_apply(&f, "APPEND a 2");
        fixture_apply(&f, "APPEND a 3");
        if (reads)
            fixture_apply(&f, "STRLEN c"); /* these have a limit as well */
        buf_u8(&f.out, 0);
        assert_string_equal(
            (const char *)f.out.data,
            reads ? ":2\r\n:100000002\r\n:100000003\r\n"
                    "-OOM too much data in one log entry, try again\r\n"
                  : ":2\r\n:100000002\r\n:100000003\r\n");
        bytes[reads] = keyspace_entry_bytes(f.ks);
        fixture_commit(&f);
        fixture_release(&f);
    }
    assert_true(bytes[0] > 0 && bytes[0] < 2 * KEYSPACE_PAGE_SIZE);
    assert_int_equal(bytes[0], bytes[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_rows_in_one_entry),
        cmocka_unit_test(test_rows_without_replies),
        cmocka_unit_test(test_rows_without_check),
        cmocka_unit_test(test_what_is_checked_before),
        cmocka_unit_test(test_numbers_have_a_length),
        cmocka_unit_test(test_idle_since_the_beginning),
        cmocka_unit_test(test_quotes_have_a_length),
        cmocka_unit_test(test_pages_are_swept),
        cmocka_unit_test(test_a_sweep_has_a_limit),
        cmocka_unit_test(test_ranges_have_a_bound),
        cmocka_unit_test(test_values_have_a_length),
        cmocka_unit_test(test_every_command_is_tested),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_read_in_doubt),
        cmocka_unit_test(test_time_overflow),
        cmocka_unit_test(test_databases),
        cmocka_unit_test(test_no_more_flushes),
        cmocka_unit_test(test_resp3),
        cmocka_unit_test(test_many_appends),
        cmocka_unit_test(test_entry_limit),
        cmocka_unit_test(test_entry_limit_for_all),
        cmocka_unit_test(test_entry_limit_of_views),
        cmocka_unit_test(test_entry_counts_long_elements),
        cmocka_unit_test(test_limit_of_reads),
        cmocka_unit_test(test_reads_do_not_fill_entries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
