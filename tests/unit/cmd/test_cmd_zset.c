/*
 * Sorted sets and places, what rows of test_commands do not say: RESP3, limits,
 * random members, what comes from later versions of Redis.
 */
// link: store data type resp table base
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "unit/cmd/cmd_fixture.h"
#include "unit/cmd/geo_rows.h"
#include "unit/cmd/zset_rows.h"

#include <stdio.h>
#include <stdlib.h>

static void expect(struct fixture *f, const char *line, const char *reply)
{
    const char *got = fixture_run(f, line);
    if (strcmp(got, reply) != 0)
        print_message("%s\n", line);
    assert_string_equal(got, reply);
}

static void test_resp3(void **state)
{
    struct fixture f;
    UNUSED(state);
    fixture_init(&f);
    f.protocol = 3;
    for (size_t i = 0; i < ARRAY_LEN(zset_rows_3); i++)
        expect(&f, zset_rows_3[i].line, zset_rows_3[i].reply);
    for (size_t i = 0; i < ARRAY_LEN(geo_rows_3); i++)
        expect(&f, geo_rows_3[i].line, geo_rows_3[i].reply);
    fixture_release(&f);
}

/* Of Redis 7.2. */
static void test_rank_with_score(void **state)
{
    struct fixture f;
    UNUSED(state);
    fixture_init(&f);
    expect(&f, "ZADD z 1.5 a 2 b", ":2\r\n");
    expect(&f, "ZRANK z b WITHSCORE", "*2\r\n:1\r\n$1\r\n2\r\n");
    expect(&f, "ZREVRANK z a withscore", "*2\r\n:1\r\n$3\r\n1.5\r\n");
    expect(&f, "ZRANK z c WITHSCORE", "*-1\r\n");
    expect(&f, "ZRANK nosuch c WITHSCORE", "*-1\r\n");
    expect(&f, "ZRANK z b WITHSCORES", "-ERR syntax error\r\n");
    expect(&f, "ZRANK z b WITHSCORE 1",
           "-ERR wrong number of arguments for 'zrank' command\r\n");
    f.protocol = 3;
    expect(&f, "ZRANK z a WITHSCORE", "*2\r\n:0\r\n,1.5\r\n");
    expect(&f, "ZREVRANK z c WITHSCORE", "_\r\n");
    fixture_release(&f);
}

/* A command whose last argument is `prefix` and so many bytes; too long for a
 * line, so it is a request, but for its end. */
static const char *long_line(struct buf *line, const char *begin,
                             const char *prefix, size_t len)
{
    char words[64];
    int count = 1;
    char *rest = NULL;
    snprintf(words, sizeof(words), "%s", begin);
    for (const char *p = begin; *p != '\0'; p++)
        count += *p == ' ';
    buf_reset(line);
    buf_printf(line, "*%d\r\n", count + 1);
    for (char *w = strtok_r(words, " ", &rest); w != NULL;
         w = strtok_r(NULL, " ", &rest))
        buf_printf(line, "$%zu\r\n%s\r\n", strlen(w), w);
    buf_printf(line, "$%zu\r\n%s", len, prefix);
    len -= strlen(prefix);
    memset(buf_reserve(line, len), 'x', len);
    line->len += len;
    buf_char(line, '\0');
    return (const char *)line->data;
}

static void test_members_have_a_length(void **state)
{
    static const char refused[] =
        "-ERR member is longer than 1048576 bytes\r\n";
    struct fixture f;
    struct buf line = BUF_INIT;
    UNUSED(state);
    fixture_init(&f);
    expect(&f, long_line(&line, "ZADD z 1", "", 1048577), refused);
    expect(&f, long_line(&line, "ZADD z 1 a 2", "", 1048577), refused);
    expect(&f, long_line(&line, "ZINCRBY z 1", "", 1048577), refused);
    expect(&f, "EXISTS z", ":0\r\n");
    expect(&f, long_line(&line, "ZADD z 1", "", 1048576), ":1\r\n");
    expect(&f, long_line(&line, "ZSCORE z", "", 1048576), "$1\r\n1\r\n");
    expect(&f, long_line(&line, "ZSCORE z", "", 1048577), "$-1\r\n");
    buf_release(&line);
    fixture_release(&f);
}

/* More than 64 MiB are not told, stored or taken at once; nothing is changed
 * then. */
static void test_replies_have_a_limit(void **state)
{
    static const char refused[] =
        "-ERR reply too large, use ZSCAN or a smaller range\r\n";
    static const char too_many[] =
        "-ERR too many members at once, take fewer of them\r\n";
    struct fixture f;
    struct buf line = BUF_INIT;
    UNUSED(state);
    fixture_init(&f);
    for (int i = 0; i < 65; i++) {
        char begin[32];
        char prefix[8];
        snprintf(begin, sizeof(begin), "ZADD z %d", i);
        snprintf(prefix, sizeof(prefix), "%03d", i);
        expect(&f, long_line(&line, begin, prefix, 1048000), ":1\r\n");
    }
    expect(&f, "ZRANGE z 0 -1", refused);
    expect(&f, "ZREVRANGE z 0 -1 WITHSCORES", refused);
    expect(&f, "ZRANDMEMBER z 65", refused);
    expect(&f, "ZRANDMEMBER z -70", refused);
    expect(&f, "ZRANDMEMBER z -9223372036854775807",
           "-ERR reply too large, use ZSCAN\r\n");
    expect(&f, "ZRANGESTORE d z 0 -1", too_many);
    expect(&f, "ZUNION 1 z", too_many);
    expect(&f, "ZINTERSTORE d 2 z z", too_many);
    expect(&f, "ZPOPMIN z 65", too_many);
    expect(&f, "ZPOPMAX z 1000", too_many);
    expect(&f, "ZMPOP 1 z MIN COUNT 66", too_many);
    expect(&f, "EXISTS d", ":0\r\n");
    expect(&f, "ZINTERCARD 2 z z", ":65\r\n");
    const char *reply = fixture_run(&f, "ZSCAN z 0 COUNT 100");
    assert_true(strncmp(reply, "*2\r\n$1\r\n0", 10) != 0);
    assert_in_range(strlen(reply), 64 * 1048000, 66 * 1048000);
    assert_true(strlen(fixture_run(&f, "ZRANGE z 0 59")) > 60 * 1048000);
    assert_true(strlen(fixture_run(&f, "ZPOPMIN z 60")) > 60 * 1048000);
    expect(&f, "ZCARD z", ":5\r\n");
    buf_release(&line);
    fixture_release(&f);
}

/* Runs the command split last with another seed. */
static const char *run_seeded(struct fixture *f, const char *line,
                              uint64_t seed)
{
    struct resp_writer w = {.out = &f->out, .protocol = 2};
    buf_reset(&f->out);
    fixture_split(f, line);
    struct cmd_call call = {.level = f->level,
                            .cmd = fixture_find(f),
                            .ks = f->ks,
                            .out = &w,
                            .argv = f->reader.argv,
                            .argc = f->reader.argc,
                            .seed = seed};
    keyspace_read_at(f->ks, f->time_ms);
    cmd_run(&call);
    buf_u8(&f->out, 0);
    return (const char *)f->out.data;
}

/* Counts each member of a reply: "m17". */
static int count_members(const char *reply, uint32_t *times, int members)
{
    int n = 0;
    for (const char *p = strchr(reply, 'm'); p != NULL;
         p = strchr(p + 1, 'm')) {
        int i = (int)strtol(p + 1, NULL, 10);
        assert_in_range(i, 0, members - 1);
        times[i]++;
        n++;
    }
    return n;
}

/* Chi-square of 400 members, one leaf or more of them: 399 degrees of freedom,
 * mean 399, deviation 28. */
static void check_random(int members, const char *line, int rounds)
{
    struct fixture f;
    static uint32_t times[400];
    int drawn = 0;
    memset(times, 0, sizeof(times));
    fixture_init(&f);
    for (int i = 0; i < members; i++) {
        char add[32];
        snprintf(add, sizeof(add), "ZADD z %d m%d", i % 7, i);
        fixture_run(&f, add);
    }
    for (int i = 0; i < rounds; i++)
        drawn += count_members(run_seeded(&f, line, (uint64_t)i * 977 + 1),
                               times, members);
    double mean = (double)drawn / members;
    double chi = 0;
    for (int i = 0; i < members; i++)
        chi += (times[i] - mean) * (times[i] - mean) / mean;
    assert_true(mean > 20);
    assert_true(chi < 2 * members && chi > members / 4.0);
    fixture_release(&f);
}

static void test_random_members_are_uniform(void **state)
{
    UNUSED(state);
    check_random(400, "ZRANDMEMBER z", 20000);
    check_random(400, "ZRANDMEMBER z -50", 400);
    check_random(50, "ZRANDMEMBER z", 4000);
}

/* A count gives different members, all of them in time. */
static void test_counts_give_different_ones(void **state)
{
    UNUSED(state);
    static const int counts[] = {1, 100, 299, 300, 301, 399, 400, 1000};
    struct fixture f;
    fixture_init(&f);
    for (int i = 0; i < 400; i++) {
        char add[32];
        snprintf(add, sizeof(add), "ZADD z %d m%d", i % 7, i);
        fixture_run(&f, add);
    }
    static uint32_t total[400];
    for (size_t c = 0; c < ARRAY_LEN(counts); c++) {
        for (uint64_t seed = 0; seed < 50; seed++) {
            uint32_t times[400] = {0};
            char line[40];
            snprintf(line, sizeof(line), "ZRANDMEMBER z %d", counts[c]);
            int n = count_members(run_seeded(&f, line, seed), times, 400);
            assert_int_equal(MIN(counts[c], 400), n);
            for (int i = 0; i < 400; i++) {
                assert_true(times[i] <= 1);
                total[i] += times[i];
            }
        }
    }
    for (int i = 0; i < 400; i++)
        assert_in_range(total[i], 200, 399);
    fixture_release(&f);
}

/* ZSCAN over a set of many pages: all members once, by calls of COUNT. */
static void test_scan(void **state)
{
    UNUSED(state);
    struct fixture f;
    static uint32_t times[400];
    char line[64] = "ZSCAN z 0 COUNT 30";
    int calls = 0;
    fixture_init(&f);
    for (int i = 0; i < 400; i++) {
        char add[32];
        snprintf(add, sizeof(add), "ZADD z %d m%d", i % 7, i);
        fixture_run(&f, add);
    }
    while (calls++ < 100) {
        uint64_t cursor = 0;
        const char *reply = fixture_read(&f, f.time_ms, line);
        int n = count_members(reply, times, 400);
        assert_int_equal(1, sscanf(reply, "*2\r\n$%*d\r\n%" SCNu64, &cursor));
        if (cursor == 0)
            break;
        assert_in_range(n, 30, 31);
        snprintf(line, sizeof(line), "ZSCAN z %" PRIu64 " COUNT 30", cursor);
    }
    assert_in_range(calls, 13, 14);
    for (int i = 0; i < 400; i++)
        assert_int_equal(1, times[i]);
    fixture_release(&f);
}

/* What is done with a set is the same with one that has become large, entry by
 * entry or in one: rows again with 300 members beside each set's own. */
static void test_operations_on_large_sets(void **state)
{
    UNUSED(state);
    struct fixture f;
    fixture_init(&f);
    for (int i = 0; i < 300; i++) {
        char add[64];
        snprintf(add, sizeof(add), "ZADD a %d m%03d %d n%03d", i, i, i, i);
        fixture_run(&f, add);
        snprintf(add, sizeof(add), "ZADD b %d m%03d", 2 * i, i);
        fixture_run(&f, add);
    }
    expect(&f, "ZINTERCARD 2 a b", ":300\r\n");
    expect(&f, "ZDIFFSTORE d 2 a b", ":300\r\n");
    expect(&f, "ZRANGE d 0 0 WITHSCORES", "*2\r\n$4\r\nn000\r\n$1\r\n0\r\n");
    expect(&f, "ZUNIONSTORE d 2 a b", ":600\r\n");
    expect(&f, "ZSCORE d m100", "$3\r\n300\r\n");
    expect(&f, "ZINTERSTORE d 2 a b AGGREGATE MAX", ":300\r\n");
    expect(&f, "ZRANK d m100", ":100\r\n");
    expect(&f, "ZCOUNT a 100 199", ":200\r\n");
    expect(&f, "ZREMRANGEBYSCORE a 100 199", ":200\r\n");
    expect(&f, "ZRANK a n200", ":201\r\n");
    expect(&f, "ZRANGESTORE d a 100 499", ":300\r\n");
    expect(&f, "ZRANGE d 0 0", "*1\r\n$4\r\nm050\r\n");
    expect(&f, "ZPOPMAX d", "*2\r\n$4\r\nn299\r\n$3\r\n299\r\n");
    expect(&f, "ZADD d GT CH 5 m050 60 m051 LT", "-ERR syntax error\r\n");
    expect(&f, "ZADD d GT CH 5 m050 60 m051", ":1\r\n");
    expect(&f, "ZADD d LT CH 5 m050 60 m051", ":1\r\n");
    expect(&f, "ZREMRANGEBYRANK d 0 -1", ":299\r\n");
    expect(&f, "EXISTS d", ":0\r\n");
    fixture_release(&f);
}

/* A search goes by ranges of scores, in a set of any size: what it finds among
 * 600 places is what GEODIST says is near enough. */
static void test_searches_find_all(void **state)
{
    UNUSED(state);
    struct fixture f;
    uint64_t rng = 5;
    char line[128];
    fixture_init(&f);
    for (int i = 0; i < 600; i++) {
        snprintf(line, sizeof(line), "GEOADD g %.6f %.6f m%d",
                 (double)rng_below(&rng, 4000) / 1000,
                 (double)rng_below(&rng, 4000) / 1000 + 40, i);
        expect(&f, line, ":1\r\n");
    }
    for (int i = 0; i < 20; i++) {
        uint32_t times[600] = {0};
        snprintf(line, sizeof(line),
                 "GEOSEARCH g FROMMEMBER m%d BYRADIUS %d km", i, 5 << i / 2);
        int n = count_members(fixture_read(&f, f.time_ms, line), times, 600);
        for (int k = 0; k < 600; k++) {
            snprintf(line, sizeof(line), "GEODIST g m%d m%d km", i, k);
            const char *reply = fixture_read(&f, f.time_ms, line);
            double distance = strtod(strchr(reply, '\n') + 1, NULL);
            assert_int_equal(distance <= 5 << i / 2, times[k]);
        }
        snprintf(line, sizeof(line),
                 "GEOSEARCHSTORE d g FROMMEMBER m%d BYRADIUS %d km STOREDIST",
                 i, 5 << i / 2);
        assert_int_equal(n, strtol(fixture_run(&f, line) + 1, NULL, 10));
        snprintf(line, sizeof(line), "ZSCORE d m%d", i);
        expect(&f, line, "$1\r\n0\r\n");
    }
    fixture_release(&f);
}

/* An answer may be kept by every replica (ONCE), also by one that
 * builds no more of it than can be kept: so one that is taken back is so at
 * both. */
static void test_taken_back_by_all(void **state)
{
    struct fixture f;
    struct buf line = BUF_INIT;
    struct buf out[2] = {BUF_INIT, BUF_INIT};
    UNUSED(state);
    fixture_init(&f);
    for (int i = 0; i < 65; i++)
        fixture_run(&f, long_line(&line, "RPUSH l", "x", 1048000));
    for (int i = 0; i < 2; i++) {
        struct resp_writer w = {
            .out = &out[i], .protocol = 2, .limit = i == 0 ? 0 : 1024 * 1024};
        fixture_split(&f, "LRANGE l 0 -1");
        struct cmd_call call = {.cmd = cmd_lookup(f.reader.argv[0]),
                                .ks = f.ks,
                                .out = &w,
                                .argv = f.reader.argv,
                                .argc = f.reader.argc,
                                .level = f.level};
        fixture_begin(&f);
        cmd_run(&call);
        fixture_commit(&f);
        assert_false(w.over);
        assert_memory_equal(out[i].data, "-ERR reply too large", 20);
    }
    assert_true(bytes_eq(buf_view(&out[0]), buf_view(&out[1])));
    buf_release(&out[0]);
    buf_release(&out[1]);
    buf_release(&line);
    fixture_release(&f);
}

/* What keys there are many of: the same ones, and different ones. */
static const char *of_many(struct fixture *f, const char *command, int count,
                           bool different)
{
    struct buf line = BUF_INIT;
    buf_printf(&line, "%s %d", command, count);
    for (int i = 0; i < count; i++)
        buf_printf(&line, " k%d", different ? i : i % 2);
    buf_char(&line, '\0');
    const char *reply = fixture_run(f, (const char *)line.data);
    buf_release(&line);
    return reply;
}

/* What would hold up everybody for seconds is refused; what only names a key
 * often is not. */
static void test_limits_of_algebra(void **state)
{
    static const char refused[] = "-ERR too many members at once";
    struct fixture f;
    UNUSED(state);
    fixture_init(&f);
    for (int i = 0; i < 20; i++) {
        struct buf line = BUF_INIT;
        buf_str(&line, "ZADD k0");
        for (int k = 0; k < 1000; k++)
            buf_printf(&line, " %d m%d", k, i * 1000 + k);
        buf_char(&line, '\0');
        fixture_run(&f, (const char *)line.data);
        buf_release(&line);
    }
    for (int i = 1; i < 52; i++) {
        char line[32];
        snprintf(line, sizeof(line), "COPY k0 k%d", i);
        assert_string_equal(fixture_run(&f, line), ":1\r\n");
    }
    assert_string_equal(of_many(&f, "ZUNIONSTORE d", 3, false), ":20000\r\n");
    assert_memory_equal(of_many(&f, "ZUNIONSTORE d", 26, false), refused, 20);
    assert_memory_equal(of_many(&f, "ZUNION", 26, true), refused, 20);
    /* 6,000,000 look-ups, if each name were one. */
    assert_string_equal(of_many(&f, "ZINTERCARD", 300, false), ":20000\r\n");
    assert_string_equal(of_many(&f, "ZDIFFSTORE d", 300, false), ":0\r\n");
    assert_memory_equal(of_many(&f, "ZINTERCARD", 52, true), refused, 20);
    fixture_release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resp3),
        cmocka_unit_test(test_rank_with_score),
        cmocka_unit_test(test_members_have_a_length),
        cmocka_unit_test(test_replies_have_a_limit),
        cmocka_unit_test(test_random_members_are_uniform),
        cmocka_unit_test(test_counts_give_different_ones),
        cmocka_unit_test(test_scan),
        cmocka_unit_test(test_operations_on_large_sets),
        cmocka_unit_test(test_searches_find_all),
        cmocka_unit_test(test_taken_back_by_all),
        cmocka_unit_test(test_limits_of_algebra),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
