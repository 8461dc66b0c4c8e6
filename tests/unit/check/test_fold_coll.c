/*
 * The collections of the fold, by commands one after the other: what each
 * answers, what is there at an earlier index, and fields whose time comes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "check/fold.h"

// link: check_state store codec base

static void entry_at(struct fold *f, int64_t time_ms)
{
    struct entry e = {.index = f->head + 1,
                      .term = 1,
                      .time_ms = time_ms,
                      .wall_offset_ms = 1000,
                      .kind = ENTRY_REQUESTS};

    fold_entry(f, &e);
    assert_null(f->violation);
}

static uint32_t split(const char *text, struct bytes argv[FOLD_ARGS_MAX])
{
    uint32_t argc = 0;

    while (*text != 0) {
        size_t len = strcspn(text, " ");
        assert_true(argc < FOLD_ARGS_MAX);
        argv[argc++] = bytes_of(text, len);
        text += len + (text[len] != 0);
    }
    return argc;
}

/* In an entry of its own; the words of the reply, with a space between. */
static void expect(struct fold *f, const char *command, const char *words)
{
    struct bytes argv[FOLD_ARGS_MAX];
    struct buf reply = BUF_INIT;
    struct buf text = BUF_INIT;
    struct fold_words w = {.list = NULL};
    uint32_t argc = split(command, argv);

    entry_at(f, f->times[f->head]);
    assert_true(fold_command(f, argv, argc, f->times[f->head], &reply));
    assert_null(f->violation);
    assert_true(fold_words_of(buf_view(&reply), &w));
    for (size_t i = 0; i < w.count; i++) {
        buf_str(&text, i > 0 ? " " : "");
        buf_bytes(&text, w.list[i]);
    }
    buf_u8(&text, 0);
    assert_string_equal((const char *)text.data, words);
    fold_words_release(&w);
    buf_release(&reply);
    buf_release(&text);
}

static void begin(struct fold *f)
{
    fold_init(f, NULL);
    entry_at(f, 500);
}

static void test_hashes(void **state)
{
    struct fold f;

    UNUSED(state);
    begin(&f);
    expect(&f, "hset h a 1 b 2 a 3", "2");
    expect(&f, "hgetall h", "a 3 b 2");
    expect(&f, "hsetnx h b 9", "0");
    expect(&f, "hincrby h n 5", "5");
    expect(&f, "hincrby h n -7", "-2");
    expect(&f, "hdel h a x n", "2");
    expect(&f, "hlen h", "1");
    expect(&f, "hgetdel h fields 1 b", "2");
    expect(&f, "exists h", "0");
    expect(&f, "hdel h a", "0");
    fold_release(&f);
}

static void test_lists(void **state)
{
    struct fold f;

    UNUSED(state);
    begin(&f);
    expect(&f, "rpush l a b c", "3");
    expect(&f, "lpush l y x", "5");
    expect(&f, "lrange l 0 -1", "x y a b c");
    expect(&f, "lrange l -2 9", "b c");
    expect(&f, "linsert l before a i", "6");
    expect(&f, "linsert l after no i", "-1");
    expect(&f, "lset l -1 z", "OK");
    expect(&f, "lset l 6 z", "ERR index out of range");
    expect(&f, "lrem l -1 i", "1");
    expect(&f, "lmove l m right left", "z");
    expect(&f, "lmove l l left right", "x");
    expect(&f, "ltrim l 1 2", "OK");
    expect(&f, "lrange l 0 -1", "a b");
    expect(&f, "lindex l -1", "b");
    expect(&f, "lpop l", "a");
    expect(&f, "rpop l 9", "b");
    expect(&f, "rpop l 9", "(nil)");
    expect(&f, "llen m", "1");
    fold_release(&f);
}

static void test_sets_and_sorted_sets(void **state)
{
    struct fold f;

    UNUSED(state);
    begin(&f);
    expect(&f, "sadd s a b c", "3");
    expect(&f, "sadd t b c d", "3");
    expect(&f, "sinterstore u s t", "2");
    expect(&f, "smembers u", "b c");
    expect(&f, "sdiffstore u t s", "1");
    expect(&f, "smembers u", "d");
    expect(&f, "smove s t a", "1");
    expect(&f, "sunionstore s s t", "4");
    expect(&f, "srem s a x", "1");
    expect(&f, "sinterstore u s none", "0");
    expect(&f, "exists u", "0");
    expect(&f, "zadd z 5 e -1 b 5 d", "3");
    expect(&f, "zadd z 7 b", "0");
    expect(&f, "zrange z 0 -1 withscores", "d 5 e 5 b 7");
    expect(&f, "zincrby z -9 e", "-4");
    expect(&f, "zrank z b", "2");
    expect(&f, "zunionstore y 2 z z", "3");
    expect(&f, "zpopmax y 2", "b 14 d 10");
    expect(&f, "zcount z 5 7", "2");
    expect(&f, "zremrangebyrank z 0 -2", "2");
    expect(&f, "zscore z b", "7");
    expect(&f, "zpopmin z 3", "b 7");
    expect(&f, "zcard z", "0");
    fold_release(&f);
}

static void test_streams(void **state)
{
    struct fold f;

    UNUSED(state);
    begin(&f);
    expect(&f, "xadd x * f v", "1500-0");
    expect(&f, "xadd x * f w", "1500-1");
    expect(&f, "xgroup create x g 0 mkstream", "OK");
    expect(&f, "xreadgroup group g me count 1 streams x >", "x 1500-0 f v");
    expect(&f, "xdel x 1500-0", "1");
    expect(&f, "xack x g 1500-0", "1");
    expect(&f, "xack x g 1500-0", "0");
    expect(&f, "xreadgroup group g me count 5 streams x >", "x 1500-1 f w");
    expect(&f, "xreadgroup group g me count 5 streams x >", "(nil)");
    expect(&f, "xtrim x maxlen 0", "1");
    expect(&f, "exists x", "1");
    expect(&f, "xadd x * f v", "1500-2");
    expect(&f, "xrange x - +", "1500-2 f v");
    fold_release(&f);
}

static void test_fields_whose_time_comes(void **state)
{
    struct fold f;

    UNUSED(state);
    begin(&f);
    expect(&f, "hset h a 1 b 2", "2");
    expect(&f, "hpexpire h 100 fields 1 a", "1");
    expect(&f, "hpexpireat h 1700 fields 1 b", "1");
    expect(&f, "hpexpiretime h fields 1 b", "1700");
    expect(&f, "hpexpire h 100 fields 1 c", "-2");
    raft_index before = f.head;
    entry_at(&f, 600);
    expect(&f, "hgetall h", "b 2");
    entry_at(&f, 700);
    expect(&f, "hlen h", "0");
    struct fold_key *k = fold_key(&f, BYTES_LIT("h"), false);
    assert_int_equal(fold_version_at(k, before)->len, 2);
    assert_true(k->maybe);
    expect(&f, "del h", "?");
    expect(&f, "del h", "0");
    expect(&f, "hset h a 1 b 2", "2");
    expect(&f, "hpexpire h 100 fields 1 a", "1");
    entry_at(&f, 900);
    expect(&f, "hdel h b", "1"); /* a may be there, for nobody to see */
    expect(&f, "del h", "?");
    expect(&f, "hset h a 1", "1");
    expect(&f, "hpexpireat h 1 fields 1 a", "2");
    expect(&f, "del h", "0");
    fold_release(&f);
}

/* A reply is judged by what was there at its index, in any protocol. */
static void test_earlier_indexes(void **state)
{
    struct fold f;

    UNUSED(state);
    begin(&f);
    expect(&f, "sadd s a b", "2");
    raft_index early = f.head;
    expect(&f, "srem s a", "1");
    struct fold_key *k = fold_key(&f, BYTES_LIT("s"), false);
    struct bytes both = BYTES_LIT("~2\r\n$1\r\nb\r\n$1\r\na\r\n");
    struct bytes one = BYTES_LIT("*1\r\n$1\r\nb\r\n");
    struct bytes word = BYTES_LIT("smembers");
    const struct fold_version *then = fold_alive_at(&f, k, early);
    const struct fold_version *now = fold_alive_at(&f, k, f.head);
    assert_true(fold_read_matches(&f, early, word, both, then));
    assert_false(fold_read_matches(&f, early, word, one, then));
    assert_true(fold_read_matches(&f, f.head, word, one, now));
    assert_false(fold_read_matches(&f, f.head, word, both, now));
    assert_false(fold_read_matches(&f, f.head, BYTES_LIT("hgetall"), one, now));
    fold_release(&f);
}

static void test_names(void **state)
{
    struct fold f;

    UNUSED(state);
    begin(&f);
    expect(&f, "rpush a 1 2", "2");
    expect(&f, "pexpire a 1000", "1");
    expect(&f, "copy a b", "1");
    expect(&f, "copy a b", "0");
    expect(&f, "rpush a 3", "3");
    expect(&f, "rename a b", "OK");
    expect(&f, "lrange b 0 -1", "1 2 3");
    expect(&f, "pexpiretime b", "2500");
    expect(&f, "rename a b", "ERR no such key");
    expect(&f, "copy a b replace", "0");
    fold_release(&f);
}

static void test_words(void **state)
{
    struct bytes all = BYTES_LIT("hgetall");
    struct bytes range = BYTES_LIT("lrange");
    struct bytes two = BYTES_LIT("*2\r\n$1\r\na\r\n$1\r\nb\r\n");
    struct bytes turned = BYTES_LIT("*2\r\n$1\r\nb\r\n$1\r\na\r\n");
    struct bytes map =
        BYTES_LIT("%2\r\n$1\r\nc\r\n:1\r\n$1\r\nd\r\n$1\r\n2\r\n");
    struct bytes pairs =
        BYTES_LIT("*4\r\n$1\r\nd\r\n,2\r\n$1\r\nc\r\n$1\r\n1\r\n");
    struct bytes crossed =
        BYTES_LIT("*4\r\n$1\r\nd\r\n,1\r\n$1\r\nc\r\n$1\r\n2\r\n");

    UNUSED(state);
    assert_true(fold_same_words(range, two, two));
    assert_false(fold_same_words(range, two, turned));
    assert_true(fold_same_words(BYTES_LIT("smembers"), two, turned));
    assert_true(fold_same_words(all, map, pairs));
    assert_false(fold_same_words(all, map, crossed));
    assert_true(
        fold_same_words(range, BYTES_LIT("_\r\n"), BYTES_LIT("*-1\r\n")));
    assert_false(fold_same_words(range, two, BYTES_LIT("*2\r\n$5\r\na\r\n")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hashes),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_sets_and_sorted_sets),
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_fields_whose_time_comes),
        cmocka_unit_test(test_earlier_indexes),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
