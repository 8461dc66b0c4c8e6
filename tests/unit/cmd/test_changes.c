/*
 * What changes nothing leaves the version of its key as it is, so that who
 * watches the key is not told of a change; what changes something does not.
 */
// link: store data type resp table base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/cmd/cmd_fixture.h"

static const char *const setup[] = {
    "SET s value",
    "HSET h f 1 g 2",
    "HSET t f 1 g 2",
    "HEXPIRE t 100 FIELDS 1 f",
    "SADD m a b",
    "SADD n b c",
    "ZADD z 1 a 2 b",
    "GEOADD g 1 1 a",
    "RPUSH l a b a",
    "XADD x 1-1 a b",
    "XADD x 2-1 a b",
    "XGROUP CREATE x g 0",
    "XREADGROUP GROUP g c COUNT 1 STREAMS x >",
    "PFADD p a b c",
    "SETEX e 100 v",
};

struct line {
    const char *key;
    const char *line;
};

static const struct line nothing[] = {
    {"s", "SETNX s other"},
    {"s", "SET s other NX"},
    {"s", "MSETNX none 1 s 2"},
    {"s", "GETEX s"},
    {"s", "PERSIST s"},
    {"s", "GETEX s PERSIST"},
    {"s", "EXPIRE s 100 XX"},
    {"s", "COPY h s"},
    {"s", "RENAMENX h s"},
    {"s", "DELEX s IFEQ other"},
    {"s", "BITFIELD s GET u8 0"},
    {"s", "BITFIELD s OVERFLOW FAIL INCRBY u8 0 255"},
    {"s", "SETRANGE s 0 \"\""},
    {"s", "LPUSH s a"},
    {"e", "EXPIRE e 50 GT"},
    {"e", "EXPIRE e 50 NX"},
    {"h", "HDEL h nosuch"},
    {"h", "HSETNX h f 9"},
    {"h", "HSETEX h FNX FIELDS 1 f 9"},
    {"h", "HSETEX h FXX FIELDS 1 nosuch 9"},
    {"h", "HGETDEL h FIELDS 1 nosuch"},
    {"h", "HGETEX h FIELDS 1 f"},
    {"h", "HGETEX h EX 100 FIELDS 1 nosuch"},
    {"h", "HEXPIRE h 100 FIELDS 1 nosuch"},
    {"h", "HEXPIRE h 100 XX FIELDS 2 f g"},
    {"h", "HPERSIST h FIELDS 2 f nosuch"},
    {"h", "HINCRBY h f x"},
    {"t", "HEXPIRE t 100 NX FIELDS 1 f"},
    {"t", "HEXPIRE t 50 GT FIELDS 1 f"},
    {"t", "HEXPIRE t 200 LT FIELDS 1 f"},
    {"m", "SADD m a"},
    {"m", "SADD m a b a"},
    {"m", "SREM m nosuch"},
    {"m", "SMOVE m n nosuch"},
    {"n", "SMOVE m n nosuch"},
    {"m", "SMOVE m m a"},
    {"m", "SMOVE m z a"},
    {"m", "SPOP m 0"},
    {"m", "SINTERSTORE z m s"},
    {"z", "ZADD z 1 a"},
    {"z", "ZADD z CH 1 a 2 b"},
    {"z", "ZADD z NX 5 a"},
    {"z", "ZADD z XX 5 nosuch"},
    {"z", "ZADD z GT 0 a"},
    {"z", "ZADD z LT 5 a"},
    {"z", "ZADD z NX INCR 1 a"},
    {"z", "ZREM z nosuch"},
    {"z", "ZREMRANGEBYSCORE z 5 9"},
    {"z", "ZREMRANGEBYRANK z 5 9"},
    {"z", "ZPOPMIN z 0"},
    {"z", "ZUNIONSTORE z 2 m s"},
    {"g", "GEOADD g 1 1 a"},
    {"g", "GEOADD g NX 2 2 a"},
    {"l", "LREM l 0 nosuch"},
    {"l", "LINSERT l BEFORE nosuch a"},
    {"l", "LSET l 9 a"},
    {"l", "LPOP l 0"},
    {"l", "LMOVE l s LEFT LEFT"},
    {"x", "XADD x 1-1 a b"},
    {"x", "XDEL x 9-9"},
    {"x", "XTRIM x MAXLEN 10"},
    {"x", "XTRIM x MAXLEN ~ 1"},
    {"x", "XTRIM x MINID 1"},
    {"x", "XSETID x 1"},
    {"x", "XACK x g 9-9"},
    {"x", "XACK x nosuch 1-1"},
    {"x", "XCLAIM x g c 100000 1-1"},
    {"x", "XCLAIM x g c 0 9-9 FORCE"},
    {"x", "XCLAIM x g c 0 2-1"},
    {"x", "XCLAIM x g c 0 9-9 LASTID 1-1"},
    {"x", "XAUTOCLAIM x g c 100000 0"},
    {"x", "XAUTOCLAIM x g c 0 5"},
    {"x", "XGROUP CREATE x g 0"},
    {"x", "XGROUP CREATECONSUMER x g c"},
    {"x", "XGROUP DELCONSUMER x g nosuch"},
    {"x", "XGROUP DESTROY x nosuch"},
    {"x", "XREADGROUP GROUP nosuch c STREAMS x >"},
    {"p", "PFADD p a b"},
    {"p", "PFADD p"},
    {"p", "PFMERGE p s"},
    {"p", "PFCOUNT p"},
};

static const struct line something[] = {
    {"s", "SET s value"},
    {"s", "APPEND s x"},
    {"s", "BITFIELD s SET u8 0 7"},
    {"s", "GETEX s EX 100"},
    {"s", "PERSIST s"},
    {"e", "EXPIRE e 500 GT"},
    {"h", "HSETNX h new 9"},
    {"h", "HSETEX h FXX FIELDS 1 f 9"},
    {"h", "HEXPIRE h 100 FIELDS 2 nosuch f"},
    {"h", "HPERSIST h FIELDS 2 nosuch f"},
    {"h", "HGETEX h EX 100 FIELDS 2 nosuch f"},
    {"h", "HGETDEL h FIELDS 2 nosuch f"},
    {"h", "HDEL h nosuch g"},
    {"m", "SADD m a new"},
    {"m", "SREM m nosuch new"},
    {"n", "SMOVE m n a"},
    {"m", "SADD m a"},
    {"m", "SMOVE m n a"},
    {"z", "ZADD z CH 1 a 3 b"},
    {"z", "ZADD z 1 a 4 c"},
    {"z", "ZREM z nosuch c"},
    {"z", "ZINCRBY z 1 a"},
    {"g", "GEOADD g 2 2 a"},
    {"l", "LREM l 1 a"},
    {"l", "LSET l 0 b"},
    {"x", "XACK x g 9-9 1-1"},
    {"x", "XCLAIM x g c 0 9-9 LASTID 1-2"},
    {"x", "XREADGROUP GROUP g c COUNT 1 STREAMS x >"},
    {"x", "XCLAIM x g d 0 9-9 2-1"},
    {"x", "XAUTOCLAIM x g c 0 0"},
    {"x", "XDEL x 9-9 2-1"},
    {"x", "XAUTOCLAIM x g c 0 0"},
    {"x", "XGROUP CREATECONSUMER x g new"},
    {"x", "XGROUP DELCONSUMER x g new"},
    {"x", "XGROUP SETID x g 1"},
    {"x", "XGROUP DESTROY x g"},
    {"x", "XTRIM x MAXLEN 0"},
    {"x", "XSETID x 9"},
    {"p", "PFADD p a new"},
};

static uint64_t version_of(struct fixture *f, const char *key)
{
    struct value v;
    fixture_begin(f);
    assert_true(keyspace_get(f->ks, 0, bytes_str(key), &v));
    fixture_commit(f);
    return v.version;
}

static void run_all(struct fixture *f, const struct line *lines, size_t count,
                    bool changes)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t before = version_of(f, lines[i].key);
        fixture_run(f, lines[i].line);
        if ((version_of(f, lines[i].key) != before) != changes)
            fail_msg("%s: %s", lines[i].line, (const char *)f->out.data);
    }
}

static void test_versions(void **state)
{
    struct fixture f;
    UNUSED(state);
    fixture_init(&f);
    for (size_t i = 0; i < ARRAY_LEN(setup); i++)
        assert_true(fixture_run(&f, setup[i])[0] != '-');
    run_all(&f, nothing, ARRAY_LEN(nothing), false);
    run_all(&f, something, ARRAY_LEN(something), true);
    fixture_release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_versions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
