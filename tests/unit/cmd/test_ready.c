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
    int count;
    char key[16];
};

static void hear_ready(void *ctx, const struct keyspace_key *key)
{
    struct heard *h = ctx;
    assert_int_equal(key->db, 0);
    snprintf(h->key, sizeof(h->key), "%.*s", (int)key->key.len,
             (const char *)key->key.data);
    h->count++;
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
        const char *key; /* NULL: nobody is told */
    } rows[] = {
        {"RPUSH l a b", "l"},
        {"LPOP l", NULL},
        {"LSET l 0 x", NULL},
        {"LPUSH l c", "l"},
        {"LINSERT l BEFORE x y", "l"},
        {"LREM l 1 y", NULL},
        {"LMOVE l l LEFT RIGHT", NULL},
        {"LMOVE l m LEFT RIGHT", "m"},
        {"BRPOPLPUSH m n 0", "n"},
        {"BLPOP nosuch 0", NULL},
        {"SET s 1", NULL},
        {"LTRIM l 5 9", NULL},
        {"LPUSHX l a", NULL},
        {"LLEN n", NULL},
        {"SADD t a", "t"},
        {"SADD t a", NULL},
        {"RPUSH l a", "l"},
        {"RENAME l r", "r"},
        {"RENAMENX r l", "l"},
        {"COPY l r", "r"},
        {"COPY l r", NULL},
        {"EXPIRE l 100", NULL},
        {"DEL l", NULL},
    };
    struct fixture f;
    struct heard h = {0};
    UNUSED(state);
    fixture_init(&f);
    keyspace_tell_ready(f.ks, hear_ready, &h);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        h.count = 0;
        fixture_run(&f, rows[i].line);
        if (h.count != (rows[i].key != NULL))
            fail_msg("%s: %d", rows[i].line, h.count);
        if (rows[i].key != NULL)
            assert_string_equal(h.key, rows[i].key);
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
