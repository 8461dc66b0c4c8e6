/*
 * Sets against a plain model: over many entries, in both forms and on the way
 * between them, with short, long and integer members; all invariants of the
 * trees hold. Intersections, unions and differences of sets of all sizes.
 */
// link: type store data page base
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/num.h"
#include "base/rng.h"
#include "data/keyspace.h"
#include "store/store_memory.h"
#include "type/packed.h"
#include "type/set.h"
#include "type/set_algebra.h"

#define MEMBERS  3000
#define SETS_MAX 4

struct world {
    struct store *store;
    struct keyspace *ks;
    uint64_t index;
    uint64_t seed;
};

static void open_keyspace(struct world *w)
{
    struct buf error = BUF_INIT;
    assert_int_equal(0, keyspace_open(&w->ks, w->store, &error));
    buf_release(&error);
}

static void setup(struct world *w)
{
    *w = (struct world){.store = store_memory_new(), .seed = 7};
    open_keyspace(w);
}

static void teardown(struct world *w)
{
    keyspace_close(w->ks);
    store_close(w->store);
}

static void begin(struct world *w)
{
    struct applied entry = {++w->index, 1, 1000, 0, w->index};
    keyspace_begin(w->ks, &entry, w->index * 3);
}

static void commit(struct world *w)
{
    assert_int_equal(0, keyspace_commit(w->ks));
}

static struct object *open_set(struct world *w, const char *key)
{
    struct object *o = NULL;
    assert_int_not_equal(OBJECT_OTHER,
                         object_open(w->ks, 0, bytes_str(key), VALUE_SET, &o));
    return o;
}

static void close_set(struct object *o)
{
    struct bytes root = buf_view(&o->trees[0].root);
    assert_true(page_is_valid(root));
    if (packed_is(o))
        assert_int_equal(object_count(o), page_count(root));
    else
        assert_int_equal(0, btree_check(&o->trees[0]));
    object_close(o);
}

static void save_set(struct object *o)
{
    set_settle(o);
    object_save(o);
    close_set(o);
}

/* ---- members and the model of a set ---- */

#define ROOM 1600

/* Members by number: integers, words, and long ones. */
static struct bytes member(uint32_t i, char *room)
{
    int len = snprintf(room, ROOM, "%" PRId64, (int64_t)i * 7 - 9000);
    if (i % 3 == 1)
        len = snprintf(room, ROOM, "word-%" PRIu32 "-%d", i, 3);
    if (i % 50 == 2)
        len = snprintf(room, ROOM, "%0*" PRIu32, 40 + (int)(i * 13 % 1500), i);
    return bytes_of(room, (size_t)len);
}

static int64_t number_of(struct bytes found)
{
    char text[ROOM];
    char room[ROOM];
    assert_true(found.len > 0 && found.len < sizeof(text));
    memcpy(text, found.data, found.len);
    text[found.len] = '\0';
    int64_t i = (strtoll(text, NULL, 10) + 9000) / 7;
    if (text[0] == 'w')
        i = strtoll(text + 5, NULL, 10);
    else if (found.len >= 40)
        i = strtoll(text, NULL, 10);
    assert_true(i >= 0 && i < MEMBERS);
    assert_true(bytes_eq(member((uint32_t)i, room), found));
    return i;
}

struct model {
    bool has[MEMBERS];
    uint32_t count;
};

static void check_all(struct object *o, const struct model *m)
{
    char room[ROOM];
    uint32_t seen = 0;
    struct packed_walk walk;
    struct bytes found, value;
    assert_int_equal(object_count(o), m->count);
    packed_walk_init(&walk, o);
    while (packed_walk_next(&walk, &found, &value)) {
        assert_int_equal(0, value.len);
        seen++;
    }
    packed_walk_release(&walk);
    assert_int_equal(seen, m->count);
    for (uint32_t i = 0; i < MEMBERS; i++)
        assert_int_equal(m->has[i], set_has(o, member(i, room)));
}

static void change(struct world *w, struct object *o, struct model *m,
                   uint32_t remove_of_8)
{
    char room[ROOM];
    uint32_t i = (uint32_t)rng_below(&w->seed, MEMBERS);
    if (rng_below(&w->seed, 8) >= remove_of_8) {
        assert_int_equal(!m->has[i], set_add(o, member(i, room)));
        m->count += !m->has[i];
        m->has[i] = true;
    } else if (rng_below(&w->seed, 4) == 0 && m->count > 0) {
        struct bytes found;
        uint64_t nth = rng_below(&w->seed, m->count);
        assert_true(set_nth(o, nth, &found));
        int64_t n = number_of(found);
        assert_true(m->has[n]);
        set_remove_nth(o, nth);
        m->has[n] = false;
        m->count--;
    } else {
        assert_int_equal(m->has[i], set_remove(o, member(i, room)));
        m->count -= m->has[i];
        m->has[i] = false;
    }
}

/* Grows to a tree of pages, and shrinks to nothing, several times. */
static void test_model(void **state)
{
    UNUSED(state);
    static struct model m;
    static const uint32_t removes[] = {1, 7, 3, 7, 0, 8};
    struct world w;
    bool packed = false;
    bool hashed = false;
    setup(&w);
    m = (struct model){0};
    for (uint32_t entry = 0; entry < 600; entry++) {
        begin(&w);
        struct object *o = open_set(&w, "a");
        for (int i = 0; i < 40; i++)
            change(&w, o, &m, removes[entry / 100]);
        save_set(o);
        commit(&w);
        if (entry % 20 == 0) {
            keyspace_close(w.ks);
            open_keyspace(&w);
            o = open_set(&w, "a");
            packed |= m.count > 0 && packed_is(o);
            hashed |= page_level(buf_view(&o->trees[0].root)) > 0;
            check_all(o, &m);
            close_set(o);
        }
    }
    assert_true(packed && hashed);
    teardown(&w);
}

/* ---- integers ---- */

static void add_number(struct object *o, int64_t n)
{
    char text[NUM_TEXT_MAX];
    size_t len = num_format_i64(n, text);
    assert_true(set_add(o, bytes_of(text, len)));
}

static void check_ascending(struct object *o)
{
    int64_t before = INT64_MIN;
    assert_true(packed_is(o));
    for (uint64_t i = 0; i < object_count(o); i++) {
        struct bytes found;
        int64_t n = 0;
        assert_true(set_nth(o, i, &found) && num_parse_i64(found, &n));
        assert_true(n > before || (i == 0 && n == before));
        before = n;
    }
}

static void test_integers_are_in_order(void **state)
{
    UNUSED(state);
    struct world w;
    char text[NUM_TEXT_MAX];
    setup(&w);
    begin(&w);
    struct object *o = open_set(&w, "a");
    add_number(o, INT64_MAX);
    add_number(o, INT64_MIN);
    add_number(o, 0);
    for (int64_t i = 1; i < 512; i += 2) {
        add_number(o, i % 4 == 1 ? i : -i);
        if (packed_is(o))
            check_ascending(o);
    }
    assert_int_equal(259, object_count(o));
    assert_true(set_is_ints(o) && packed_is(o));
    for (int64_t i = 1000; object_count(o) < SET_INTS_MAX; i++)
        add_number(o, i);
    assert_true(set_is_ints(o) && !packed_is(o));
    while (object_count(o) > 40)
        set_remove_nth(o, object_count(o) / 2);
    set_settle(o);
    check_ascending(o); /* packed again */
    assert_true(set_is_ints(o));
    size_t len = num_format_i64(77777, text);
    assert_true(set_add(o, bytes_of(text, len)));
    check_ascending(o);
    save_set(o);
    commit(&w);
    teardown(&w);
}

/* What makes a set an ordinary one does so for good. */
static void test_integers_end(void **state)
{
    UNUSED(state);
    static const char *const others[] = {
        "01", "+1", "-0", "1 ", "", "1.0", "a", "9223372036854775808"};
    struct world w;
    setup(&w);
    begin(&w);
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        struct object *o = open_set(&w, others[i]);
        add_number(o, 5);
        add_number(o, 1);
        assert_true(set_is_ints(o));
        assert_true(set_add(o, bytes_str(others[i])));
        assert_int_equal(VALUE_LARGE, o->flags);
        assert_true(set_remove(o, bytes_str(others[i])));
        add_number(o, 3);
        save_set(o);
        o = open_set(&w, others[i]);
        assert_int_equal(VALUE_LARGE, o->flags);
        assert_int_equal(3, object_count(o));
        close_set(o);
    }
    struct object *o = open_set(&w, "many");
    for (int64_t n = 0; n < SET_INTS_MAX; n++)
        add_number(o, n);
    assert_int_equal(VALUE_INTS | VALUE_HASHED, o->flags);
    add_number(o, -1);
    assert_int_equal(VALUE_LARGE | VALUE_HASHED, o->flags);
    while (object_count(o) > 1)
        set_remove_nth(o, 0);
    save_set(o);
    o = open_set(&w, "many");
    assert_int_equal(VALUE_LARGE, o->flags);
    close_set(o);
    commit(&w);
    teardown(&w);
}

/* ---- algebra ---- */

struct expected {
    uint8_t seen[MEMBERS];
    uint32_t count;
    uint32_t stop_at; /* 0: never */
};

static bool visit(void *user, struct bytes found)
{
    struct expected *e = user;
    int64_t n = number_of(found);
    assert_int_equal(0, e->seen[n]);
    e->seen[n] = 1;
    e->count++;
    return e->count != e->stop_at;
}

enum operation { INTERSECT, UNITE, SUBTRACT };

static void operate(enum operation op, struct object *const *sets,
                    uint32_t count, struct expected *e)
{
    if (op == INTERSECT)
        set_intersect(sets, count, visit, e);
    else if (op == UNITE)
        set_unite(sets, count, visit, e);
    else
        set_subtract(sets, count, visit, e);
}

static bool belongs(enum operation op, const struct model *models,
                    uint32_t count, uint32_t i)
{
    uint32_t others = 0;
    for (uint32_t s = 1; s < count; s++)
        others += models[s].has[i];
    if (op == INTERSECT)
        return models[0].has[i] && others == count - 1;
    if (op == UNITE)
        return models[0].has[i] || others > 0;
    return models[0].has[i] && others == 0;
}

static void check_operation(enum operation op, struct object *const *sets,
                            const struct model *models, uint32_t count)
{
    static struct expected e;
    e = (struct expected){0};
    operate(op, sets, count, &e);
    for (uint32_t i = 0; i < MEMBERS; i++)
        assert_int_equal(belongs(op, models, count, i), e.seen[i]);
    uint32_t all = e.count;
    if (all == 0)
        return;
    e = (struct expected){.stop_at = (all + 1) / 2};
    operate(op, sets, count, &e);
    assert_int_equal((all + 1) / 2, e.count);
}

/* One of a hundred members, one of three, ... */
static void fill(struct world *w, struct object *o, struct model *m)
{
    static const uint32_t shares[] = {600, 100, 30, 3, 1};
    char room[ROOM];
    uint32_t share = shares[rng_below(&w->seed, ARRAY_LEN(shares))];
    uint32_t kind = (uint32_t)rng_below(&w->seed, 2); /* 1: integers */
    *m = (struct model){0};
    for (uint32_t i = 0; i < MEMBERS; i++) {
        if (rng_below(&w->seed, share) != 0 || (kind == 1 && i % 3 != 0) ||
            (kind == 1 && i % 50 == 2))
            continue;
        m->has[i] = true;
        m->count++;
        assert_true(set_add(o, member(i, room)));
    }
}

static void test_algebra(void **state)
{
    UNUSED(state);
    static struct model models[SETS_MAX];
    static const char *const keys[SETS_MAX] = {"a", "b", "c", "d"};
    struct world w;
    setup(&w);
    for (int round = 0; round < 60; round++) {
        struct object *sets[SETS_MAX];
        begin(&w);
        for (uint32_t s = 0; s < SETS_MAX; s++) {
            sets[s] = object_new(w.ks, 0, bytes_str(keys[s]), VALUE_SET);
            fill(&w, sets[s], &models[s]);
            save_set(sets[s]);
        }
        commit(&w);
        for (uint32_t s = 0; s < SETS_MAX; s++)
            sets[s] = open_set(&w, keys[s]);
        for (uint32_t count = 1; count <= SETS_MAX; count++) {
            check_operation(INTERSECT, sets, models, count);
            check_operation(UNITE, sets, models, count);
            check_operation(SUBTRACT, sets, models, count);
        }
        for (uint32_t s = 0; s < SETS_MAX; s++)
            close_set(sets[s]);
    }
    teardown(&w);
}

/* ---- orders ---- */

static bool append(void *user, struct bytes found)
{
    struct buf *text = user;
    buf_bytes(text, found);
    buf_char(text, ' ');
    return true;
}

static void check_text(struct buf *text, const char *expected)
{
    buf_char(text, '\0');
    assert_string_equal(expected, (const char *)text->data);
    buf_reset(text);
}

/* Small results are in the order that users of Redis see. */
static void test_orders(void **state)
{
    UNUSED(state);
    struct world w;
    struct buf text = BUF_INIT;
    struct object *sets[2];
    setup(&w);
    begin(&w);
    sets[0] = open_set(&w, "a");
    sets[1] = open_set(&w, "b");
    for (int64_t i = 9; i > 0; i -= 2)
        add_number(sets[0], i * 10);
    for (int64_t i = 12; i > 0; i -= 3)
        add_number(sets[1], i * 10);
    add_number(sets[1], -100);
    set_unite(sets, 2, append, &text);
    check_text(&text, "-100 10 30 50 60 70 90 120 ");
    set_intersect(sets, 2, append, &text);
    check_text(&text, "30 90 ");
    set_subtract(sets, 2, append, &text);
    check_text(&text, "10 50 70 ");
    assert_true(set_add(sets[1], BYTES_LIT("z")));
    assert_true(set_add(sets[1], BYTES_LIT("y")));
    set_subtract(&sets[1], 1, append, &text);
    check_text(&text, "-100 30 60 90 120 z y ");
    close_set(sets[0]);
    close_set(sets[1]);
    buf_release(&text);
    commit(&w);
    teardown(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_integers_are_in_order),
        cmocka_unit_test(test_integers_end),
        cmocka_unit_test(test_algebra),
        cmocka_unit_test(test_orders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
