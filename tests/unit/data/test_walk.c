/*
 * Walks over the keys of a database: in the store, and with what an entry has
 * changed.
 */
// link: store page base
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "data/keyspace.h"
#include "data/walk.h"
#include "store/store_memory.h"

#define KEYS 500
#define NOW  INT64_C(1000000)

struct world {
    struct store *store;
    struct keyspace *ks;
    uint64_t index;
    uint64_t seed;
    bool has[KEYS];
};

static void setup(struct world *w)
{
    struct buf error = BUF_INIT;
    *w = (struct world){.store = store_memory_new(), .seed = 3};
    assert_int_equal(0, keyspace_open(&w->ks, w->store, &error));
    buf_release(&error);
}

static void teardown(struct world *w)
{
    keyspace_close(w->ks);
    store_close(w->store);
}

static void begin(struct world *w)
{
    struct applied entry = {++w->index, 1, NOW, 0, w->index};
    keyspace_begin(w->ks, &entry, w->index);
}

static void commit(struct world *w)
{
    assert_int_equal(0, keyspace_commit(w->ks));
}

static struct bytes key_of(uint32_t i, char *room)
{
    return bytes_of(room, (size_t)snprintf(room, 32, "key%" PRIu32, i));
}

static void put(struct world *w, uint8_t db, uint32_t i, int64_t expire_ms)
{
    char room[32];
    struct value v = {
        .type = VALUE_STRING, .expire_ms = expire_ms, .data = BYTES_LIT("v")};
    keyspace_put(w->ks, db, key_of(i, room), &v);
}

static void change(struct world *w)
{
    char room[32];
    uint32_t i = (uint32_t)rng_below(&w->seed, KEYS);
    bool set = rng_below(&w->seed, 3) > 0;
    if (set)
        put(w, 1, i, 0);
    else
        (void)keyspace_delete(w->ks, 1, key_of(i, room));
    w->has[i] = set;
}

/* The walk from a position on is what the model has, in order. */
static void check_walk(struct world *w, uint64_t from)
{
    struct key_walk walk;
    struct walked at;
    uint64_t last = from;
    uint32_t seen = 0;
    uint32_t expected = 0;
    keyspace_set_reading(w->ks, true);
    key_walk_begin(&walk, w->ks, 1, from);
    while (key_walk_next(&walk, &at)) {
        uint32_t i = 0;
        assert_true(at.live && at.type == VALUE_STRING);
        assert_true(at.position >= last && at.position < WALK_POSITIONS);
        last = at.position;
        for (uint32_t k = 3; k < at.key.len; k++)
            i = i * 10 + (uint32_t)(at.key.data[k] - '0');
        assert_true(i < KEYS && w->has[i]);
        seen++;
    }
    key_walk_end(&walk);
    keyspace_set_reading(w->ks, false);
    for (uint32_t i = 0; i < KEYS; i++)
        expected += w->has[i];
    if (from == 0)
        assert_int_equal(expected, seen);
    else
        assert_true(seen < expected);
}

static void test_walks(void **state)
{
    UNUSED(state);
    struct world w;
    setup(&w);
    begin(&w);
    for (uint32_t i = 0; i < KEYS; i++) {
        put(&w, 0, i, 0);
        put(&w, 2, i, 0);
    }
    commit(&w);
    for (int entry = 0; entry < 40; entry++) {
        begin(&w);
        for (int i = 0; i < 30; i++) {
            change(&w);
            if (i % 10 == 0)
                check_walk(&w, 0);
        }
        if (entry == 20) {
            assert_true(keyspace_flush_db(w.ks, 1));
            memset(w.has, 0, sizeof(w.has));
            check_walk(&w, 0);
            change(&w);
            check_walk(&w, 0);
        }
        commit(&w);
        check_walk(&w, 0);
        if (entry % 10 == 9)
            check_walk(&w, WALK_POSITIONS / 2);
    }
    assert_int_equal(0, keyspace_error(w.ks));
    teardown(&w);
}

/* The keys from the position of one on begin with it. */
static void test_positions(void **state)
{
    UNUSED(state);
    struct world w;
    struct key_walk walk;
    struct walked at;
    uint64_t positions[KEYS];
    uint32_t count = 0;
    setup(&w);
    begin(&w);
    for (uint32_t i = 0; i < KEYS; i++)
        put(&w, 1, i, 0);
    commit(&w);
    key_walk_begin(&walk, w.ks, 1, 0);
    while (key_walk_next(&walk, &at))
        positions[count++] = at.position;
    key_walk_end(&walk);
    assert_int_equal(KEYS, count);
    for (uint32_t i = 0; i < count; i += 7) {
        key_walk_begin(&walk, w.ks, 1, positions[i]);
        assert_true(key_walk_next(&walk, &at));
        assert_true(at.position == positions[i]);
        key_walk_end(&walk);
        key_walk_begin(&walk, w.ks, 1, positions[i] + 1);
        assert_int_equal(i + 1 < count, key_walk_next(&walk, &at));
        if (i + 1 < count)
            assert_true(at.position == positions[i + 1]);
        key_walk_end(&walk);
    }
    teardown(&w);
}

/* What has expired is passed; whether it has may be in doubt outside of an
 * entry. */
static void test_expired_keys(void **state)
{
    UNUSED(state);
    struct world w;
    struct key_walk walk;
    struct walked at;
    setup(&w);
    begin(&w);
    put(&w, 1, 0, NOW + 1000);
    commit(&w);
    for (int i = 0; i < 2; i++) {
        keyspace_read_at(w.ks, NOW + (i == 0 ? 999 : 1000));
        key_walk_begin(&walk, w.ks, 1, 0);
        assert_true(key_walk_next(&walk, &at));
        assert_int_equal(i == 0, at.live);
        assert_false(key_walk_next(&walk, &at));
        key_walk_end(&walk);
        assert_int_equal(i == 1, keyspace_in_doubt(w.ks));
    }
    struct applied entry = {++w.index, 1, NOW + 1000, 0, w.index};
    keyspace_begin(w.ks, &entry, w.index);
    keyspace_set_reading(w.ks, true);
    key_walk_begin(&walk, w.ks, 1, 0);
    assert_true(key_walk_next(&walk, &at) && !at.live);
    assert_false(key_walk_next(&walk, &at));
    key_walk_end(&walk);
    keyspace_set_reading(w.ks, false);
    commit(&w);
    teardown(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_walks),
        cmocka_unit_test(test_positions),
        cmocka_unit_test(test_expired_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
