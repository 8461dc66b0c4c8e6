/*
 * Whoever waits for elements is told of what becomes longer, and of nothing
 * else (keyspace_tell_ready()).
 */
// link: store data resp table base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "unit/cmd/cmd_fixture.h"

struct heard {
    int count; /* of times that it may be any key */
    char keys[16];
};

static void hear_ready(void *ctx, const struct keyspace_key *key)
{
    struct heard *h = ctx;
    assert_int_equal(key->db, 0);
    size_t len = strlen(h->keys);
    snprintf(h->keys + len, sizeof(h->keys) - len, "%.*s", (int)key->key.len,
             (const char *)key->key.data);
}

static void hear_all(void *ctx, const struct keyspace_key *key)
{
    struct heard *h = ctx;
    assert_null(key);
    h->count++;
}

/* What may have changed any key says so once. */
static void test_all_keys_are_told(void **state)
{
    struct fixture f;
    struct heard h = {0};
    UNUSED(state);
    fixture_init(&f);
    keyspace_tell_ready(f.ks, hear_all, &h);
    fixture_begin(&f);
    keyspace_all_ready(f.ks);
    fixture_commit(&f);
    assert_int_equal(h.count, 1);
    fixture_release(&f);
}

static void test_more_elements_are_told(void **state)
{
    static const struct {
        const char *line;
        const char *keys; /* that are told, one after the other */
    } rows[] = {
        {"RPUSH l a b", "l"},
        {"LPOP l", ""},
        {"LSET l 0 x", ""},
        {"LPUSH l c", "l"},
        {"LINSERT l BEFORE x y", "l"},
        {"LREM l 1 y", ""},
        {"LMOVE l l LEFT RIGHT", ""},
        {"LMOVE l m LEFT RIGHT", "m"},
        {"BRPOPLPUSH m n 0", "mn"},
        {"BLPOP nosuch 0", ""},
        {"SET s 1", ""},
        {"LTRIM l 5 9", "l"},
        {"LPUSHX l a", ""},
        {"LLEN n", ""},
        {"SADD t a", "t"},
        {"SADD t a", ""},
        {"RPUSH l a", "l"},
        {"RENAME l r", "lr"},
        {"RENAMENX r l", "rl"},
        {"COPY l r", "r"},
        {"COPY l r", ""},
        {"EXPIRE l 100", ""},
        {"DEL l", "l"},
        {"ZADD z 1 a", "z"},
        {"ZADD z 2 a", ""},
        {"ZINCRBY z 1 b", "z"},
        {"BZPOPMIN z 0", ""},
        {"ZRANGESTORE y z 0 -1", "y"},
        {"ZUNIONSTORE x 1 y", "x"},
        {"ZRANGESTORE y z 5 9", "y"},
        {"GEOADD g 1 1 a", "g"},
        {"GEOSEARCHSTORE h g FROMLONLAT 1 1 BYRADIUS 10 km", "h"},
        {"SORT z BY nosort STORE q", "q"},
        {"XADD u 1-1 f v", "uu"}, /* twice does not matter */
        {"XADD u MAXLEN 1 1-2 f v", "u"},
        {"XADD u NOMKSTREAM MAXLEN 0 1-3 f v", "u"},
        {"XADD no NOMKSTREAM * f v", ""},
        {"XDEL u 1-2", ""},
        {"XGROUP CREATE u g 0", ""},
        {"XGROUP DESTROY u g", "u"},
        {"XREAD BLOCK 0 STREAMS u $", ""},
        {"SET u string", "u"},
        {"APPEND u more", ""},
        {"SET new string", ""},
        {"GETDEL u", "u"},
        {"PEXPIRE new 1", ""},
        {"EXPIRE new -1", "new"},
    };
    struct fixture f;
    struct heard h = {0};
    UNUSED(state);
    fixture_init(&f);
    keyspace_tell_ready(f.ks, hear_ready, &h);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        h.keys[0] = '\0';
        fixture_run(&f, rows[i].line);
        if (strcmp(h.keys, rows[i].keys) != 0)
            fail_msg("%s: %s", rows[i].line, h.keys);
    }
    keyspace_tell_ready(f.ks, NULL, NULL);
    fixture_run(&f, "RPUSH l a");
    fixture_release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_more_elements_are_told),
        cmocka_unit_test(test_all_keys_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
