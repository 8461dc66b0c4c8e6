// link: store data page base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "type/member.h"
#include "type/packed.h"
#include "unit/type/hash_fixture.h"

#define NAMES 3000

struct model {
    uint32_t count;
    uint32_t order[NAMES]; /* of insertion, as long as they are packed */
    uint16_t value[NAMES]; /* 0: not there */
    bool ordered;
};

static struct bytes value_of(uint16_t v, char out[64])
{
    int len = snprintf(out, 64, "%0*u", v % 7 == 0 ? 30 : 1, v);
    return bytes_of(out, (size_t)len);
}

static void put(struct world *w, struct model *m, uint32_t i)
{
    char name[1500];
    char value[64];
    uint16_t v = (uint16_t)(1 + pick(w, 60000));
    bool added = packed_put(w->o, name_of(i, name), value_of(v, value));
    assert_int_equal(m->value[i] == 0, added);
    if (added)
        m->order[m->count++] = i;
    m->value[i] = v;
}

static void take(struct world *w, struct model *m, uint32_t i)
{
    char name[1500];
    bool removed = packed_remove(w->o, name_of(i, name));
    assert_int_equal(m->value[i] != 0, removed);
    m->value[i] = 0;
    for (uint32_t at = 0; removed && at < m->count; at++) {
        if (m->order[at] != i)
            continue;
        m->count--;
        memmove(&m->order[at], &m->order[at + 1],
                (m->count - at) * sizeof(m->order[0]));
        break;
    }
}

static uint32_t number_of(struct bytes member)
{
    char text[1500] = {0};
    assert_true(member.len > 1 && member.len < sizeof(text));
    memcpy(text, member.data, member.len);
    return (uint32_t)strtoul(text + 1, NULL, 10);
}

/* The walk gives each once, in the order that they must have. */
static void check_walk(struct world *w, struct model *m)
{
    struct packed_walk walk;
    struct bytes member;
    struct bytes value;
    char text[64];
    uint32_t at = 0;
    uint64_t last = 0;
    packed_walk_init(&walk, w->o);
    while (packed_walk_next(&walk, &member, &value)) {
        uint32_t i = number_of(member);
        assert_true(i < NAMES && m->value[i] != 0);
        assert_true(bytes_eq(value, value_of(m->value[i], text)));
        if (packed_is(w->o)) {
            if (m->ordered)
                assert_int_equal(m->order[at], i);
            m->order[at] = i;
        } else {
            uint64_t hash = member_hash(w->o, member);
            assert_true(hash >= last);
            last = hash;
        }
        at++;
    }
    packed_walk_release(&walk);
    assert_int_equal(m->count, at);
    m->ordered = packed_is(w->o);
}

static void check(struct world *w, struct model *m)
{
    char name[1500];
    char text[64];
    struct bytes value;
    assert_int_equal(m->count, object_count(w->o));
    for (uint32_t i = 0; i < NAMES; i++) {
        bool found = packed_find(w->o, name_of(i, name), &value);
        assert_int_equal(m->value[i] != 0, found);
        if (found)
            assert_true(bytes_eq(value, value_of(m->value[i], text)));
    }
    check_walk(w, m);
    check_trees(w->o);
    size_t root = w->o->trees[0].root.len;
    assert_true(!packed_is(w->o) || root <= OBJECT_PACKED_MAX);
    assert_true(!packed_is(w->o) || w->o->space.used == 0);
}

/* Grows from nothing to many and shrinks again, over both forms and many
 * entries, beside a plain model. */
static void test_random(void **state)
{
    static struct model m;
    struct world w;
    UNUSED(state);
    world_init(&w, VALUE_HASH, 1);
    m = (struct model){.ordered = true};
    uint32_t changes = 0;
    bool was_packed = true;
    for (uint32_t step = 0; step < 16000; step++) {
        bool small = step < 6000;
        bool grows = small ? step % 1000 < 500 : step % 5000 < 2500;
        uint32_t range = small ? 150 : NAMES;
        uint32_t i = pick(&w, range);
        if (pick(&w, 100) < (grows ? 75u : 3u))
            put(&w, &m, i);
        else
            take(&w, &m, i);
        if (pick(&w, 6) == 0) {
            packed_settle(w.o);
            world_next(&w);
        }
        if (packed_is(w.o) != was_packed) {
            was_packed = !was_packed;
            changes++;
            m.ordered = false; /* it is learnt anew by the next walk */
        }
        if (step % (step < 200 ? 10 : 400) == 0)
            check(&w, &m);
    }
    assert_true(changes >= 4);
    for (uint32_t i = 0; i < NAMES; i++)
        take(&w, &m, i);
    packed_settle(w.o);
    assert_true(packed_is(w.o));
    world_next(&w);
    assert_false(w.o->exists);
    assert_int_equal(0, tree_rows_stored(&w));
    world_release(&w);
}

/* What is added, changed or removed while they are packed leaves the others
 * where they are. */
static void test_order_of_insertion(void **state)
{
    static const char *const expected[] = {"c", "b", "x", "a"};
    struct world w;
    struct page_place place;
    struct packed_walk walk;
    struct bytes member;
    struct bytes value;
    UNUSED(state);
    world_init(&w, VALUE_HASH, 2);
    packed_put(w.o, BYTES_LIT("c"), BYTES_LIT("1"));
    packed_put(w.o, BYTES_LIT("gone"), BYTES_LIT("1"));
    packed_put(w.o, BYTES_LIT("b"), BYTES_LIT("1"));
    packed_put(w.o, BYTES_LIT("a"), BYTES_LIT("1"));
    assert_false(packed_put(w.o, BYTES_LIT("c"), BYTES_LIT("another")));
    assert_true(packed_remove(w.o, BYTES_LIT("gone")));
    world_next(&w);
    assert_true(packed_place(w.o, BYTES_LIT("a"), &place));
    assert_int_equal(2, place.index);
    packed_insert(w.o, place, BYTES_LIT("x"), BYTES_NONE);
    assert_false(packed_place(w.o, BYTES_LIT("y"), &place));
    assert_int_equal(4, place.index);
    world_next(&w);
    packed_walk_init(&walk, w.o);
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        assert_true(packed_walk_next(&walk, &member, &value));
        assert_true(bytes_eq(member, bytes_str(expected[i])));
    }
    assert_false(packed_walk_next(&walk, &member, &value));
    packed_walk_release(&walk);
    packed_remove_nth(w.o, 1);
    assert_false(packed_find(w.o, BYTES_LIT("b"), &value));
    world_next(&w);
    world_release(&w);
}

/* The form changes at its limits, and not back and forth between them. */
static void test_limits(void **state)
{
    struct world w;
    char name[1500];
    uint32_t n = 0;
    UNUSED(state);
    world_init(&w, VALUE_SET, 3);
    while (packed_is(w.o)) {
        assert_true(w.o->trees[0].root.len <= OBJECT_PACKED_MAX);
        packed_put(w.o, bytes_of(name, (size_t)snprintf(name, 9, "%u", n++)),
                   BYTES_NONE);
    }
    assert_true(n > 400 && object_count(w.o) == n);
    assert_true(w.o->space.used > 0);
    uint32_t left = n;
    while (!packed_is(w.o)) {
        left--;
        assert_true(packed_remove(
            w.o, bytes_of(name, (size_t)snprintf(name, 9, "%u", left))));
        packed_settle(w.o);
    }
    assert_true(left > 30 && left < n / 4);
    assert_int_equal(0, w.o->space.used);
    world_next(&w);
    assert_true(packed_is(w.o));
    /* A single one that is long is a tree of its own. */
    memset(name, 'x', sizeof(name));
    packed_put(w.o, bytes_of(name, sizeof(name)), BYTES_NONE);
    packed_put(w.o, bytes_of(name, 600), BYTES_NONE);
    assert_false(packed_is(w.o));
    world_next(&w);
    assert_true(packed_remove(w.o, bytes_of(name, 600)));
    assert_true(packed_remove(w.o, bytes_of(name, sizeof(name))));
    assert_int_equal(left, object_count(w.o));
    world_next(&w);
    world_release(&w);
}

/* ---- scans ---- */

struct seen {
    uint32_t times[NAMES];
};

static uint64_t scan_once(struct world *w, uint64_t cursor, uint64_t count,
                          struct seen *seen)
{
    struct packed_scan s;
    struct bytes member;
    struct bytes value;
    uint64_t given = 0;
    packed_scan_init(&s, w->o, cursor, count);
    while (packed_scan_next(&s, &member, &value)) {
        seen->times[number_of(member)]++;
        given++;
    }
    cursor = s.cursor;
    packed_scan_release(&s);
    assert_true(cursor <= PACKED_CURSOR_MAX);
    assert_true(packed_is(w->o) || given <= count);
    assert_true(packed_is(w->o) || cursor == 0 || given == count);
    return cursor;
}

/* Those that stay are seen exactly once, others at most once if they do not
 * come back, while members come and go and the form changes. */
static void test_scans(void **state)
{
    static struct seen seen;
    struct world w;
    char name[1500];
    UNUSED(state);
    for (uint64_t seed = 1; seed <= 12; seed++) {
        bool grows = seed % 2 == 0;
        uint32_t stay = grows ? 600 : 30;
        world_init(&w, VALUE_HASH, seed);
        memset(&seen, 0, sizeof(seen));
        for (uint32_t i = 0; i < (grows ? stay : NAMES); i++) {
            if (i % 97 != 0 && i % 11 != 0)
                packed_put(w.o, name_of(i, name), BYTES_LIT("v"));
        }
        assert_false(packed_is(w.o));
        uint64_t cursor = 0;
        uint32_t calls = 0;
        do {
            cursor = scan_once(&w, cursor, 1 + pick(&w, 50), &seen);
            for (uint32_t k = 0; k < 100; k++) {
                uint32_t i = stay + pick(&w, NAMES - stay);
                if (grows)
                    packed_put(w.o, name_of(i, name), BYTES_LIT("v"));
                else
                    packed_remove(w.o, name_of(i, name));
            }
            packed_settle(w.o);
            world_next(&w);
            assert_true(++calls < NAMES);
        } while (cursor != 0);
        for (uint32_t i = 0; i < NAMES; i++) {
            bool stayed = i < stay && i % 97 != 0 && i % 11 != 0;
            assert_true(seen.times[i] <= 1);
            assert_true(!stayed || seen.times[i] == 1);
        }
        world_release(&w);
    }
}

/* A cursor that was given by the large form is right for the small one, and
 * one behind all hashes finds nothing. */
static void test_cursors_of_another_form(void **state)
{
    static struct seen seen;
    struct world w;
    char name[1500];
    UNUSED(state);
    world_init(&w, VALUE_SET, 5);
    memset(&seen, 0, sizeof(seen));
    for (uint32_t i = 1000; i < 1400; i++)
        packed_put(w.o, name_of(i, name), BYTES_NONE);
    assert_false(packed_is(w.o));
    uint64_t cursor = scan_once(&w, 0, 200, &seen);
    assert_true(cursor > 0);
    assert_int_equal(0, scan_once(&w, UINT64_MAX, 10, &seen));
    for (uint32_t i = 1020; i < 1400; i++)
        packed_remove(w.o, name_of(i, name));
    packed_settle(w.o);
    assert_true(packed_is(w.o));
    assert_int_equal(0, scan_once(&w, cursor, 1, &seen));
    for (uint32_t i = 1000; i < 1020; i++)
        assert_int_equal(1, seen.times[i]);
    assert_int_equal(0, scan_once(&w, PACKED_CURSOR_MAX + 1, 1, &seen));
    world_next(&w);
    world_release(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_order_of_insertion),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_scans),
        cmocka_unit_test(test_cursors_of_another_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
