// link: store data page base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "data/value.h"
#include "type/hash.h"
#include "unit/type/hash_fixture.h"

#define NAMES 400

/* What a field has is a function of this: short, at the limit of what is in the
 * element, or in several rows. */
static void text_of(uint32_t v, struct buf *out)
{
    static const size_t lengths[] = {
        0, 1, 20, HASH_INLINE_MAX, HASH_INLINE_MAX + 1, 20000};
    size_t len = lengths[v % ARRAY_LEN(lengths)];
    buf_reset(out);
    for (size_t i = 0; i < len; i++)
        buf_u8(out, (uint8_t)(v + i));
}

struct model {
    uint32_t count;
    uint32_t value[NAMES]; /* 0: not there */
    struct buf text;
    struct buf read;
};

static void change(struct world *w, struct hash *h, struct model *m, bool grows)
{
    char name[1500];
    uint32_t i = pick(w, NAMES);
    struct bytes field = name_of(i, name);
    if (pick(w, 100) < (grows ? 75u : 20u)) {
        uint32_t v = 1 + pick(w, 10000);
        text_of(v, &m->text);
        assert_int_equal(m->value[i] == 0,
                         hash_set(h, field, buf_view(&m->text)));
        m->count += m->value[i] == 0;
        m->value[i] = v;
    } else {
        assert_int_equal(m->value[i] != 0, hash_delete(h, field));
        m->count -= m->value[i] != 0;
        m->value[i] = 0;
    }
}

static void check_value(struct hash *h, struct model *m, uint32_t i,
                        const struct cell *c)
{
    text_of(m->value[i], &m->text);
    assert_int_equal(m->text.len, c->length);
    assert_int_equal(m->text.len > HASH_INLINE_MAX, c->apart);
    buf_reset(&m->read);
    cell_read(h->o, c, &m->read);
    assert_true(bytes_eq(buf_view(&m->text), buf_view(&m->read)));
    assert_true(cell_equals(h->o, c, buf_view(&m->text)));
}

static void check(struct hash *h, struct model *m)
{
    char name[1500];
    struct hash_walk walk;
    struct bytes field;
    struct cell c;
    uint32_t walked = 0;
    assert_int_equal(m->count, hash_count(h));
    for (uint32_t i = 0; i < NAMES; i++) {
        bool found = hash_get(h, name_of(i, name), &c);
        assert_int_equal(m->value[i] != 0, found);
        if (found)
            check_value(h, m, i, &c);
    }
    hash_walk_init(&walk, h);
    while (hash_walk_next(&walk, &field, &c)) {
        struct bytes same;
        struct cell again;
        char text[1500] = {0};
        memcpy(text, field.data, field.len);
        check_value(h, m, (uint32_t)strtoul(text + 1, NULL, 10), &c);
        assert_true(hash_nth(h, walked++, &same, &again));
        assert_true(bytes_eq(same, bytes_str(text)));
    }
    hash_walk_release(&walk);
    assert_int_equal(m->count, walked);
    assert_false(hash_nth(h, walked, &field, &c));
    check_trees(h->o);
}

static void next(struct world *w, struct hash *h)
{
    packed_settle(w->o);
    hash_release(h);
    world_next(w);
    hash_init(h, w->o);
}

/* Values of all lengths, replaced by others, in both forms; and what was apart
 * leaves no row behind. */
static void test_random(void **state)
{
    static struct model m;
    struct world w;
    struct hash h;
    UNUSED(state);
    world_init(&w, VALUE_HASH, 7);
    hash_init(&h, w.o);
    for (uint32_t step = 0; step < 4000; step++) {
        change(&w, &h, &m, step % 1200 < 700);
        if (pick(&w, 5) == 0)
            next(&w, &h);
        if (step % 200 == 0)
            check(&h, &m);
        if (step % 500 == 0) {
            next(&w, &h);
            assert_int_equal(w.o->space.used, tree_rows_stored(&w));
        }
    }
    for (uint32_t i = 0; i < NAMES; i++) {
        char name[1500];
        hash_delete(&h, name_of(i, name));
    }
    next(&w, &h);
    assert_false(w.o->exists);
    assert_int_equal(0, tree_rows_stored(&w));
    hash_release(&h);
    world_release(&w);
    buf_release(&m.text);
    buf_release(&m.read);
}

/* ---- fields that expire ---- */

struct timed {
    uint32_t value[NAMES];
    int64_t expire_ms[NAMES];
};

static bool there(const struct world *w, const struct timed *m, uint32_t i)
{
    return m->value[i] != 0 &&
           (m->expire_ms[i] == 0 || m->expire_ms[i] > w->time_ms);
}

static void change_timed(struct world *w, struct hash *h, struct timed *m)
{
    char name[1500];
    char text[20];
    uint32_t i = pick(w, NAMES);
    struct bytes field = name_of(i, name);
    bool was = there(w, m, i);
    int64_t until_ms = pick(w, 3) == 0 ? 0 : w->time_ms + 1 + pick(w, 3000);
    uint32_t v = 1 + pick(w, 1000);
    struct bytes value = bytes_of(text, (size_t)snprintf(text, 20, "%u", v));
    switch (pick(w, 4)) {
    case 0:
        assert_int_equal(was, hash_delete(h, field));
        m->value[i] = 0;
        break;
    case 1:
        if (!was)
            break;
        hash_set_expiry(h, field, until_ms);
        m->expire_ms[i] = until_ms;
        break;
    default:
        assert_int_equal(!was, hash_set_until(h, field, value, until_ms));
        m->value[i] = v;
        m->expire_ms[i] = until_ms;
    }
}

static void check_timed(struct world *w, struct hash *h, struct timed *m)
{
    char name[1500];
    struct hash_walk walk;
    struct bytes field;
    struct cell c;
    uint64_t count = 0;
    for (uint32_t i = 0; i < NAMES; i++) {
        bool found = hash_get(h, name_of(i, name), &c);
        assert_int_equal(there(w, m, i), found);
        assert_true(!found || c.expire_ms == m->expire_ms[i]);
        count += found;
    }
    assert_int_equal(count, hash_count(h));
    uint64_t walked = 0;
    hash_walk_init(&walk, h);
    while (hash_walk_next(&walk, &field, &c)) {
        struct bytes same;
        struct cell again;
        char text[1500] = {0};
        memcpy(text, field.data, field.len);
        assert_true(hash_nth(h, walked++, &same, &again));
        assert_true(bytes_eq(same, bytes_str(text)));
        assert_int_equal(c.expire_ms, again.expire_ms);
    }
    hash_walk_release(&walk);
    assert_int_equal(count, walked);
    assert_false(hash_nth(h, walked, &field, &c));
    check_trees(h->o);
    hash_release(h);
    hash_init(h, w->o);
}

/* The record says when its first field is due, whatever has happened. */
static void check_due(struct world *w)
{
    int64_t first_ms = INT64_MAX;
    struct btree_cursor c;
    bool timed = w->o->trees[1].count > 0;
    btree_cursor_init(&c, &w->o->trees[1]);
    if (timed && btree_seek_nth(&c, 0))
        first_ms = time_load(btree_at(&c).key.data);
    btree_cursor_release(&c);
    assert_int_equal(timed, (w->o->flags & VALUE_FIELD_TTL) != 0);
    assert_int_equal(timed ? 8 : 0, w->o->own_len);
    if (timed)
        assert_int_equal(first_ms, time_load(w->o->own));
}

static void next_timed(struct world *w, struct hash *h)
{
    hash_settle(h);
    check_due(w);
    hash_release(h);
    w->time_ms += pick(w, 120);
    world_next(w);
    hash_init(h, w->o);
    check_due(w);
}

/* A field is not there from its time on, swept or not; sweeps take as many as
 * they may, and never one that is there. */
static void test_expiring_fields(void **state)
{
    static struct timed m;
    struct world w;
    struct hash h;
    UNUSED(state);
    for (uint64_t seed = 1; seed <= 3; seed++) {
        uint32_t swept = 0;
        world_init(&w, VALUE_HASH, seed);
        hash_init(&h, w.o);
        memset(&m, 0, sizeof(m));
        for (uint32_t step = 0; step < 3000; step++) {
            change_timed(&w, &h, &m);
            if (pick(&w, 5) == 0)
                next_timed(&w, &h);
            if (pick(&w, 20) == 0)
                swept += hash_sweep(&h, pick(&w, 6));
            if (step % 100 == 0)
                check_timed(&w, &h, &m);
        }
        assert_true(swept > 100);
        w.time_ms += 10000;
        next_timed(&w, &h);
        check_timed(&w, &h, &m);
        while (hash_sweep(&h, 7) == 7)
            check_timed(&w, &h, &m);
        assert_int_equal(0, w.o->trees[1].count);
        assert_int_equal(object_count(w.o), hash_count(&h));
        next_timed(&w, &h);
        assert_int_equal(w.o->space.used, tree_rows_stored(&w));
        for (uint32_t i = 0; i < NAMES; i++) {
            char name[1500];
            hash_delete(&h, name_of(i, name));
        }
        next_timed(&w, &h);
        assert_int_equal(0, tree_rows_stored(&w));
        hash_release(&h);
        world_release(&w);
    }
}

/* A long value stays where it is when its expiry changes. */
static void test_expiry_of_a_long_value(void **state)
{
    static uint8_t value[40000];
    struct world w;
    struct hash h;
    struct cell c;
    struct blob before;
    UNUSED(state);
    world_init(&w, VALUE_HASH, 5);
    hash_init(&h, w.o);
    memset(value, 'v', sizeof(value));
    hash_set(&h, BYTES_LIT("f"), bytes_of(value, sizeof(value)));
    assert_true(hash_get(&h, BYTES_LIT("f"), &c));
    before = c.blob;
    hash_set_expiry(&h, BYTES_LIT("f"), w.time_ms + 500);
    hash_set_expiry(&h, BYTES_LIT("f"), w.time_ms + 1000);
    hash_set_expiry(&h, BYTES_LIT("none"), w.time_ms + 1);
    next_timed(&w, &h);
    assert_true(hash_get(&h, BYTES_LIT("f"), &c));
    assert_int_equal(before.row, c.blob.row);
    assert_true(cell_equals(h.o, &c, bytes_of(value, sizeof(value))));
    w.time_ms += 1000;
    next_timed(&w, &h);
    assert_false(hash_get(&h, BYTES_LIT("f"), &c));
    assert_int_equal(1, hash_sweep(&h, 5));
    next_timed(&w, &h);
    assert_int_equal(0, tree_rows_stored(&w));
    hash_release(&h);
    world_release(&w);
}

static bool is_large(struct world *w)
{
    return (w->o->flags & VALUE_LARGE) != 0;
}

/* When Redis would call it a hashtable; it does not go back. */
static void test_large(void **state)
{
    struct world w;
    struct hash h;
    char name[80];
    UNUSED(state);
    for (int which = 0; which < 3; which++) {
        world_init(&w, VALUE_HASH, 8);
        hash_init(&h, w.o);
        memset(name, 'x', sizeof(name));
        hash_set(&h, bytes_of(name, 64), bytes_of(name, 64));
        for (int i = 1; i < 512; i++) {
            struct bytes f = bytes_of(name, (size_t)snprintf(name, 9, "%d", i));
            hash_set(&h, f, BYTES_NONE);
        }
        assert_false(is_large(&w));
        memset(name, 'y', sizeof(name));
        if (which == 0)
            hash_set(&h, BYTES_LIT("512"), BYTES_NONE);
        else if (which == 1)
            hash_set(&h, BYTES_LIT("1"), bytes_of(name, 65));
        else
            hash_set(&h, bytes_of(name, 65), BYTES_NONE);
        assert_true(is_large(&w));
        for (int i = 0; i <= 512; i++)
            hash_delete(&h, bytes_of(name, (size_t)snprintf(name, 9, "%d", i)));
        next(&w, &h);
        assert_true(is_large(&w) && packed_is(w.o));
        hash_release(&h);
        world_release(&w);
    }
}

/* A cell that nobody can have written is an error, and no field. */
static void test_damage(void **state)
{
    static const char *const cells[] = {"",
                                        "\x08",
                                        "\x01short",
                                        "\x02short",
                                        "\x02\0\0\0\0\0\0\0\0",
                                        "\x01\0\0\0\0\0\0\0\0\0\0\0\0\1"};
    static const size_t lengths[] = {0, 1, 6, 6, 9, 14};
    for (size_t i = 0; i < ARRAY_LEN(cells); i++) {
        struct world w;
        struct hash h;
        struct cell c;
        UNUSED(state);
        world_init(&w, VALUE_HASH, 9);
        hash_init(&h, w.o);
        packed_put(w.o, BYTES_LIT("f"), bytes_of(cells[i], lengths[i]));
        assert_false(hash_get(&h, BYTES_LIT("f"), &c));
        assert_int_equal(ERR_CORRUPT, keyspace_error(w.ks));
        hash_release(&h);
        object_close(w.o);
        assert_int_equal(ERR_CORRUPT, keyspace_commit(w.ks));
        keyspace_close(w.ks);
        store_close(w.store);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_expiring_fields),
        cmocka_unit_test(test_expiry_of_a_long_value),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
