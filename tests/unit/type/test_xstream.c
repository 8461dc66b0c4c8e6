/*
 * Streams against a sorted array: entries of all lengths, added, deleted and
 * cut over many entries of the log; nothing is left behind.
 */
// link: data store base page
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../data/data_fixture.h"
#include "type/xstream.h"

#define ENTRIES_MAX 4000
#define BYTES_INIT(text)                                                       \
    {                                                                          \
        (const uint8_t *)(text), sizeof(text) - 1                              \
    }

struct model {
    struct xstream_id ids[ENTRIES_MAX];
    size_t lengths[ENTRIES_MAX]; /* of the value */
    size_t count;
    uint64_t seed;
};

static char text[40000];

static uint32_t pick(struct model *m, uint32_t below)
{
    m->seed = m->seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(m->seed >> 33) % below;
}

static void open(struct fixture *f, struct xstream *s)
{
    enum object_found found = xstream_open(f->ks, 0, BYTES_LIT("x"), s);
    assert_int_not_equal(found, OBJECT_OTHER);
}

static void add(struct model *m, struct xstream *s)
{
    static const size_t lengths[] = {0,   5,    20,   253,  254,
                                     255, 1000, 1100, 40000};
    uint32_t kind = pick(m, 200);
    size_t length = kind < ARRAY_LEN(lengths) ? lengths[kind] : kind;
    struct xstream_id id = s->last;
    struct bytes fields[4] = {BYTES_LIT("field"), bytes_of(text, length),
                              BYTES_NONE, BYTES_LIT("v")};
    if (pick(m, 3) == 0)
        id.ms += 1 + pick(m, 3);
    assert_true(xstream_id_next(&id));
    xstream_add(s, id, fields, 4);
    m->ids[m->count] = id;
    m->lengths[m->count++] = length;
}

static void remove_at(struct model *m, size_t at, size_t count)
{
    size_t rest = m->count - at - count;
    memmove(m->ids + at, m->ids + at + count, rest * sizeof(*m->ids));
    memmove(m->lengths + at, m->lengths + at + count,
            rest * sizeof(*m->lengths));
    m->count -= count;
}

static void remove_one(struct model *m, struct xstream *s)
{
    if (m->count == 0)
        return;
    uint32_t at = pick(m, (uint32_t)m->count);
    assert_true(xstream_delete(s, m->ids[at]));
    assert_false(xstream_delete(s, m->ids[at]));
    assert_true(xstream_id_compare(s->max_deleted, m->ids[at]) >= 0);
    remove_at(m, at, 1);
}

static void expect_at(struct xstream_cursor *c, const struct model *m, size_t i)
{
    struct bytes field;
    size_t at = 0;
    assert_int_equal(xstream_id_compare(c->id, m->ids[i]), 0);
    assert_int_equal(c->fields, 4);
    assert_true(xstream_field(c, &at, &field));
    assert_true(bytes_eq(field, BYTES_LIT("field")));
    assert_true(xstream_field(c, &at, &field));
    assert_true(bytes_eq(field, bytes_of(text, m->lengths[i])));
    assert_true(xstream_field(c, &at, &field));
    assert_int_equal(field.len, 0);
    assert_true(xstream_field(c, &at, &field));
    assert_true(bytes_eq(field, BYTES_LIT("v")));
    assert_int_equal(at, c->entry.len);
}

static void expect(struct fixture *f, const struct model *m)
{
    struct xstream s;
    struct xstream_cursor c;
    open(f, &s);
    assert_int_equal(xstream_length(&s), m->count);
    assert_int_equal(btree_check(&s.object->trees[0]), 0);
    xstream_cursor_init(&c, &s);
    bool more = xstream_seek(&c, 0);
    for (size_t i = 0; i < m->count; i++) {
        assert_true(more);
        expect_at(&c, m, i);
        assert_int_equal(xstream_rank(&s, m->ids[i]), i);
        more = xstream_next(&c);
    }
    assert_false(more);
    more = m->count > 0 && xstream_seek(&c, m->count - 1);
    for (size_t i = m->count; i-- > 0;) {
        assert_true(more);
        expect_at(&c, m, i);
        more = xstream_previous(&c);
    }
    assert_false(more);
    if (m->count > 0) {
        assert_int_equal(xstream_id_compare(xstream_first(&s), m->ids[0]), 0);
        assert_int_equal(
            xstream_id_compare(xstream_final(&s), m->ids[m->count - 1]), 0);
    }
    xstream_cursor_release(&c);
    xstream_close(&s);
}

static void as_a_sorted_array(void **state)
{
    static struct model m;
    struct fixture f;
    struct xstream s;
    uint64_t added = 0;
    UNUSED(state);
    m.seed = 5;
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)(i * 13 + i / 300);
    setup(&f);
    for (uint32_t round = 0; round < 60; round++) {
        begin(&f);
        open(&f, &s);
        for (uint32_t i = 0; i < 40; i++) {
            if (pick(&m, 4) > 0 && m.count < ENTRIES_MAX) {
                add(&m, &s);
                added++;
            } else {
                remove_one(&m, &s);
            }
        }
        if (round % 7 == 6) {
            uint32_t cut = pick(&m, (uint32_t)m.count + 1);
            xstream_cut(&s, cut);
            remove_at(&m, 0, cut);
        }
        assert_int_equal(s.added, added);
        xstream_save(&s);
        xstream_close(&s);
        commit(&f);
        if (round % 5 == 0)
            expect(&f, &m);
    }
    expect(&f, &m);
    begin(&f);
    open(&f, &s);
    xstream_cut(&s, m.count);
    xstream_save(&s);
    xstream_close(&s);
    commit(&f);
    assert_int_equal(rows(&f, ROW_TREE), 0);
    assert_int_equal(rows(&f, ROW_VALUE), 1); /* it stays, and knows its ids */
    open(&f, &s);
    assert_int_equal(s.added, added);
    assert_true(s.last.ms > 0 && s.max_deleted.ms > 0);
    xstream_close(&s);
    teardown(&f);
}

static void ids(void **state)
{
    static const struct xstream_id order[] = {
        {0, 0},          {0, 1},          {0, UINT64_MAX},         {1, 0},
        {1, UINT64_MAX}, {UINT64_MAX, 0}, {UINT64_MAX, UINT64_MAX}};
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        for (size_t k = 0; k < ARRAY_LEN(order); k++)
            assert_int_equal(xstream_id_compare(order[i], order[k]),
                             (i > k) - (i < k));
        struct xstream_id id = order[i];
        bool last = i + 1 == ARRAY_LEN(order);
        assert_int_equal(xstream_id_next(&id), !last);
        assert_int_equal(xstream_id_compare(id, order[i]), !last);
        id = order[i];
        assert_int_equal(xstream_id_previous(&id), i > 0);
        assert_int_equal(xstream_id_compare(id, order[i]), i > 0 ? -1 : 0);
    }
    struct xstream_id id = {4, UINT64_MAX};
    assert_true(xstream_id_next(&id));
    assert_true(id.ms == 5 && id.seq == 0);
    assert_true(xstream_id_previous(&id));
    assert_true(id.ms == 4 && id.seq == UINT64_MAX);
}

/* Own bytes, keys and entries that a stream cannot have. */
static void what_cannot_be_ours(void **state)
{
    static const struct {
        const char *own;
        size_t key_len;
        struct bytes cell;
    } damaged[] = {
        {"short", 16, BYTES_INIT("\0\1a\1b")},
        {NULL, 15, BYTES_INIT("\0\1a\1b")},
        {NULL, 16, BYTES_INIT("\0\1a\1b\1c")},
        {NULL, 16, BYTES_INIT("\0\1a\2b")},
        {NULL, 16, BYTES_INIT("\0")},
        {NULL, 16, BYTES_INIT("\7\1a\1b")},
    };
    static const uint8_t key[16] = {1};
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(damaged); i++) {
        struct fixture f;
        struct xstream s;
        struct xstream_cursor c;
        setup(&f);
        begin(&f);
        open(&f, &s);
        struct object *o = s.object;
        (void)btree_put(&o->trees[0], bytes_of(key, damaged[i].key_len),
                        damaged[i].cell);
        xstream_save(&s);
        if (damaged[i].own != NULL) {
            o->own_len = 5;
            object_save(o);
        }
        xstream_close(&s);
        commit(&f);
        open(&f, &s);
        xstream_cursor_init(&c, &s);
        assert_false(xstream_seek(&c, 0));
        assert_int_equal(keyspace_error(f.ks), ERR_CORRUPT);
        xstream_cursor_release(&c);
        xstream_close(&s);
        teardown(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_a_sorted_array),
        cmocka_unit_test(ids),
        cmocka_unit_test(what_cannot_be_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
