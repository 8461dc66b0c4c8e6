/*
 * Where the walk over the expiry index begins: a store that has not merged away
 * what was deleted passes over it again with each search.
 */
// link: store base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "data/key.h"
#include "data/value.h"
#include "unit/data/data_fixture.h"

/* A store that notes where an iterator was sent. */
struct noting {
    struct store base;
    struct store *inner;
    struct store_iter_ops iter_ops;
    void (*seek)(struct store_iter *it, struct bytes key);
};

/* Of the test that runs. */
static struct noting *noting;
static int64_t sent_to_ms;
static size_t sent_to_len;

static int noting_get(struct store *s, enum store_family family,
                      struct bytes key, struct buf *value)
{
    return store_get(((struct noting *)s)->inner, family, key, value);
}

static int noting_write(struct store *s, const struct store_batch *b,
                        enum store_write_kind kind)
{
    return store_write(((struct noting *)s)->inner, b, kind);
}

static void noting_seek(struct store_iter *it, struct bytes key)
{
    sent_to_len = key.len;
    sent_to_ms = key.len < 9 ? 0 : time_load(key.data + 1);
    noting->seek(it, key);
}

static struct store_iter *noting_iter_new(struct store *s,
                                          enum store_family family)
{
    struct noting *n = (struct noting *)s;
    struct store_iter *it = store_iter_new(n->inner, family);
    n->iter_ops = *it->ops;
    n->seek = it->ops->seek;
    n->iter_ops.seek = noting_seek;
    it->ops = &n->iter_ops;
    return it;
}

static void setup_noting(struct fixture *f, struct noting *n)
{
    static const struct store_ops ops = {
        .get = noting_get, .write = noting_write, .iter_new = noting_iter_new};
    *n = (struct noting){.base = {&ops}, .inner = store_memory_new()};
    noting = n;
    *f = (struct fixture){.store = &n->base, .now_ms = 1000};
    open_keyspace(f);
}

static void teardown_noting(struct fixture *f, struct noting *n)
{
    keyspace_close(f->ks);
    store_close(n->inner);
}

static uint32_t sweep_at(struct fixture *f, int64_t now_ms, uint32_t limit)
{
    f->now_ms = now_ms;
    begin(f);
    uint32_t n = keyspace_sweep(f->ks, limit);
    commit(f);
    return n;
}

static void put_due_at(struct fixture *f, int64_t time_ms, const char *key)
{
    begin(f);
    put(f, 0, key, "v", time_ms);
    commit(f);
}

/* Neither who asks nor who sweeps begins before the first row that was seen. */
static void test_begins_behind_what_is_gone(void **state)
{
    struct fixture f;
    struct noting n;
    UNUSED(state);
    setup_noting(&f, &n);
    put_due_at(&f, 2000, "a");
    put_due_at(&f, 2500, "b");
    put_due_at(&f, 4000, "c");
    assert_int_equal(sweep_at(&f, 3000, 1), 1);
    assert_true(keyspace_sweep_left(f.ks));
    assert_true(keyspace_due(f.ks, 3000));
    assert_int_equal(sweep_at(&f, 3000, 10), 1);
    assert_int_equal(sent_to_ms, 2500);
    sent_to_ms = -1;
    assert_false(keyspace_sweep_left(f.ks));
    assert_false(keyspace_due(f.ks, 3999));
    assert_int_equal(sweep_at(&f, 3999, 10), 0);
    assert_int_equal(sent_to_ms, -1); /* without a look */
    assert_int_equal(sweep_at(&f, 5000, 10), 1);
    assert_int_equal(sent_to_ms, 4000);
    assert_false(keyspace_due(f.ks, 1000000));
    assert_int_equal(sent_to_ms, 4000);
    assert_false(keyspace_due(f.ks, INT64_MAX));
    teardown_noting(&f, &n);
}

/* Rows that come after nothing was found, as early as they may. */
static void test_finds_what_comes_later(void **state)
{
    struct fixture f;
    struct noting n;
    UNUSED(state);
    setup_noting(&f, &n);
    f.now_ms = 3000;
    assert_int_equal(sweep_at(&f, 3000, 10), 0);
    assert_false(keyspace_due(f.ks, INT64_MAX));
    put_due_at(&f, 3001, "a");
    assert_true(keyspace_due(f.ks, 3001));
    assert_false(keyspace_due(f.ks, 3000));
    assert_int_equal(sweep_at(&f, 3001, 10), 1);
    assert_int_equal(keyspace_counts(f.ks, 0)->keys, 0);
    teardown_noting(&f, &n);
}

/* Of many rows of the same time each sweep begins where the last one ended, and
 * none is missed that came between. */
static void test_many_of_one_time(void **state)
{
    struct fixture f;
    struct noting n;
    char key[8];
    UNUSED(state);
    setup_noting(&f, &n);
    for (int i = 0; i < 50; i++) {
        snprintf(key, sizeof(key), "%d", i);
        put_due_at(&f, 5000, key);
        if (i == 0) /* the first look, before there is a second row */
            assert_false(keyspace_due(f.ks, 4999));
    }
    for (int i = 0; i < 50; i++) {
        assert_int_equal(sweep_at(&f, 5000, 1), 1);
        assert_int_equal(sent_to_ms, 5000);
        assert_int_equal(keyspace_sweep_left(f.ks), i < 49);
        assert_true(sent_to_len > KEY_EXPIRY_PREFIX_SIZE);
    }
    assert_int_equal(keyspace_counts(f.ks, 0)->keys, 0);
    assert_false(keyspace_due(f.ks, 1000000));
    teardown_noting(&f, &n);
}

/* Swept in small steps, with flushes and deletions in between, by one that
 * goes on and one that is opened anew each time: both do the same. */
static void test_the_same_after_a_start(void **state)
{
    struct fixture f;
    struct fixture g;
    uint64_t rng = 5;
    UNUSED(state);
    setup(&f);
    setup(&g);
    for (int i = 0; i < 3000; i++) {
        struct fixture *both[] = {&f, &g};
        char key[8];
        uint32_t swept[2] = {0, 0};
        uint32_t what = (uint32_t)rng_below(&rng, 20);
        int64_t due_ms = f.now_ms + 1 + (int64_t)rng_below(&rng, 40);
        snprintf(key, sizeof(key), "%u", (unsigned)rng_below(&rng, 50));
        for (int k = 0; k < 2; k++) {
            begin(both[k]);
            if (what < 12)
                put(both[k], 0, key, "v", due_ms);
            else if (what < 14)
                (void)del(both[k], 0, key);
            if (what > 15)
                swept[k] = keyspace_sweep(both[k]->ks, 2);
            if (what == 14 || what == 19)
                assert_true(keyspace_flush_db(both[k]->ks, 0));
            commit(both[k]);
            both[k]->now_ms += 1 + what % 3;
        }
        assert_int_equal(swept[0], swept[1]);
        assert_int_equal(rows(&f, ROW_EXPIRY), rows(&g, ROW_EXPIRY));
        assert_int_equal(keyspace_counts(f.ks, 0)->keys,
                         keyspace_counts(g.ks, 0)->keys);
        keyspace_close(g.ks);
        open_keyspace(&g);
    }
    teardown(&f);
    teardown(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_begins_behind_what_is_gone),
        cmocka_unit_test(test_finds_what_comes_later),
        cmocka_unit_test(test_many_of_one_time),
        cmocka_unit_test(test_the_same_after_a_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
