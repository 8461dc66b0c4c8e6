/*
 * Lists against a plain array: random operations on short and long elements,
 * from nothing to some thousand and back, in entries of one and of many.
 */
// link: data store base page
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../data/data_fixture.h"
#include "base/alloc.h"
#include "base/rng.h"
#include "data/object.h"
#include "type/list.h"

#include <stdio.h>

#define MODEL_MAX 8000
#define TEXT_MAX  40000

/* An element is a number: its text begins with that, and is as long as it says.
 */
struct model {
    uint32_t items[MODEL_MAX];
    uint64_t count;
};

struct lists {
    struct fixture f;
    struct model *model;
    struct object *o; /* while an entry is open */
    uint64_t rng;
    uint32_t kinds; /* of different elements */
    char text[TEXT_MAX];
    char other[TEXT_MAX];
};

/* One of 40 is a blob, one of them longer than a row. */
static size_t length_of(uint32_t item)
{
    if (item % 40 == 7)
        return item % 80 == 7 ? LIST_INLINE_MAX + 1 : 33000;
    return item % 9 == 0 ? LIST_INLINE_MAX : item % 50;
}

static struct bytes text_of(char *text, uint32_t item)
{
    size_t len = length_of(item);
    char number[16];
    int digits = snprintf(number, sizeof(number), "%u;", item);
    len = len < (size_t)digits ? (size_t)digits : len;
    memset(text, 'a' + (int)(item % 26), len);
    memcpy(text, number, (size_t)digits);
    return bytes_of(text, len);
}

static struct bytes text(struct lists *l, uint32_t item)
{
    return text_of(l->text, item);
}

static bool is_blob(uint32_t item)
{
    return length_of(item) > LIST_INLINE_MAX;
}

/* --- the model ---------------------------------------------------------- */

static void model_insert(struct model *m, uint64_t nth, uint32_t item)
{
    assert_true(nth <= m->count && m->count < MODEL_MAX);
    memmove(&m->items[nth + 1], &m->items[nth],
            (m->count - nth) * sizeof(m->items[0]));
    m->items[nth] = item;
    m->count++;
}

static void model_cut(struct model *m, uint64_t from, uint64_t to)
{
    assert_true(from <= to && to <= m->count);
    memmove(&m->items[from], &m->items[to],
            (m->count - to) * sizeof(m->items[0]));
    m->count -= to - from;
}

static uint64_t model_remove(struct model *m, bool right, uint64_t max,
                             uint32_t item)
{
    uint64_t removed = 0;
    for (uint64_t i = 0; i < m->count && removed < max;) {
        uint64_t nth = right ? m->count - 1 - i : i;
        if (m->items[nth] == item) {
            model_cut(m, nth, nth + 1);
            removed++;
        } else {
            i++;
        }
    }
    return removed;
}

static uint64_t model_blobs(const struct model *m)
{
    uint64_t blobs = 0;
    for (uint64_t i = 0; i < m->count; i++)
        blobs += is_blob(m->items[i]);
    return blobs;
}

/* --- both --------------------------------------------------------------- */

static void open_list(struct lists *l)
{
    enum object_found found =
        object_open(l->f.ks, 0, BYTES_LIT("l"), VALUE_LIST, &l->o);
    assert_int_not_equal(found, OBJECT_OTHER);
}

static void expect_walk(struct lists *l, bool left)
{
    struct list_walk w;
    uint64_t seen = 0;
    list_walk_init(&w, l->o,
                   left && l->model->count > 0 ? l->model->count - 1 : 0, left);
    while (list_walk_next(&w)) {
        uint64_t nth = left ? l->model->count - 1 - seen : seen;
        assert_int_equal(w.nth, nth);
        struct bytes wanted = text(l, l->model->items[nth]);
        assert_int_equal(w.cell.length, wanted.len);
        assert_true(cell_equals(l->o, &w.cell, wanted));
        seen++;
    }
    assert_int_equal(seen, l->model->count);
    list_walk_release(&w);
}

/* The list has what the model has, its tree is whole, and its rows are its
 * pages and blobs, no more. */
static void expect_equal(struct lists *l)
{
    open_list(l);
    assert_int_equal(list_length(l->o), l->model->count);
    assert_int_equal(list_blobs(l->o), model_blobs(l->model));
    assert_int_equal(btree_check(&l->o->trees[0]), 0);
    expect_walk(l, false);
    expect_walk(l, true);
    assert_int_equal(rows(&l->f, ROW_TREE), l->o->space.used);
    object_close(l->o);
    l->o = NULL;
    assert_int_equal(keyspace_counts(l->f.ks, 0)->keys, l->model->count > 0);
}

static uint32_t any_item(struct lists *l)
{
    return (uint32_t)rng_below(&l->rng, l->kinds);
}

static uint64_t any_place(struct lists *l)
{
    return rng_below(&l->rng, l->model->count + 1);
}

static void do_push(struct lists *l)
{
    uint32_t item = any_item(l);
    bool right = rng_below(&l->rng, 2) == 0;
    list_push(l->o, right ? LIST_RIGHT : LIST_LEFT, text(l, item));
    model_insert(l->model, right ? l->model->count : 0, item);
}

static void do_insert(struct lists *l)
{
    uint32_t item = any_item(l);
    uint64_t nth = any_place(l);
    list_insert(l->o, nth, text(l, item));
    model_insert(l->model, nth, item);
}

static void do_cut(struct lists *l, uint64_t most)
{
    uint64_t from = any_place(l);
    uint64_t to = from + rng_below(&l->rng, most + 1);
    to = to < l->model->count ? to : l->model->count;
    list_cut(l->o, from, to);
    model_cut(l->model, from, to);
}

static void do_set(struct lists *l)
{
    uint32_t item = any_item(l);
    uint64_t nth = any_place(l);
    if (nth == l->model->count)
        return;
    list_set(l->o, nth, text(l, item));
    l->model->items[nth] = item;
}

static void do_remove(struct lists *l)
{
    uint32_t item = any_item(l);
    bool right = rng_below(&l->rng, 2) == 0;
    uint64_t max =
        rng_below(&l->rng, 3) == 0 ? UINT64_MAX : rng_below(&l->rng, 5);
    assert_int_equal(list_remove_equal(l->o, right ? LIST_RIGHT : LIST_LEFT,
                                       max, text(l, item)),
                     model_remove(l->model, right, max, item));
}

static void do_rotate(struct lists *l)
{
    bool from = rng_below(&l->rng, 2) == 0;
    bool to = rng_below(&l->rng, 2) == 0;
    struct model *m = l->model;
    if (m->count == 0)
        return;
    list_rotate(l->o, from ? LIST_RIGHT : LIST_LEFT,
                to ? LIST_RIGHT : LIST_LEFT);
    uint64_t nth = from ? m->count - 1 : 0;
    uint32_t item = m->items[nth];
    model_cut(m, nth, nth + 1);
    model_insert(m, to ? m->count : 0, item);
}

/* More comes than goes, or less. */
static void step(struct lists *l, bool grows)
{
    uint64_t roll = rng_below(&l->rng, 100);
    bool full = l->model->count + 1 >= MODEL_MAX;
    if (roll < (grows ? 70 : 30) && !full)
        do_push(l);
    else if (roll < (grows ? 80 : 35) && !full)
        do_insert(l);
    else if (roll < 85)
        do_cut(l, grows ? 2 : 20);
    else if (roll < 90)
        do_set(l);
    else if (roll < 95)
        do_rotate(l);
    else
        do_remove(l);
}

static void entry(struct lists *l, uint64_t steps, bool grows)
{
    begin(&l->f);
    open_list(l);
    for (uint64_t i = 0; i < steps; i++)
        step(l, grows);
    object_save(l->o);
    object_close(l->o);
    commit(&l->f);
}

static struct lists *lists_new(uint64_t seed, uint32_t kinds)
{
    struct lists *l = mem_zalloc(sizeof(*l));
    l->model = mem_zalloc(sizeof(*l->model));
    l->rng = seed;
    l->kinds = kinds;
    setup(&l->f);
    return l;
}

static void lists_free(struct lists *l)
{
    teardown(&l->f);
    mem_free(l->model);
    mem_free(l);
}

/* --- tests -------------------------------------------------------------- */

static void a_list_is_a_list(void **state)
{
    static const uint32_t kinds[] = {3, 50, 5000};
    UNUSED(state);
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct lists *l = lists_new(seed, kinds[seed % ARRAY_LEN(kinds)]);
        for (int round = 0; round < 40; round++) {
            bool grows = round % 20 < 12;
            entry(l, 1 + rng_below(&l->rng, round % 2 == 0 ? 400 : 3), grows);
            expect_equal(l);
        }
        lists_free(l);
    }
}

/* Whatever was in it, nothing is left when it is empty. */
static void an_emptied_list_leaves_nothing(void **state)
{
    struct lists *l = lists_new(77, 5000);
    UNUSED(state);
    while (l->model->count < 3000)
        entry(l, 100, true);
    expect_equal(l);
    assert_true(rows(&l->f, ROW_TREE) > 100);
    begin(&l->f);
    open_list(l);
    list_cut(l->o, 0, list_length(l->o));
    object_save(l->o);
    object_close(l->o);
    commit(&l->f);
    model_cut(l->model, 0, l->model->count);
    expect_equal(l);
    assert_int_equal(rows(&l->f, ROW_TREE), 0);
    assert_int_equal(rows(&l->f, ROW_VALUE), 0);
    lists_free(l);
}

/* What is equal is found beyond the number that is looked for at once, from
 * both ends, next to each other and apart. */
static void many_equal_ones_are_removed(void **state)
{
    UNUSED(state);
    for (uint32_t apart = 1; apart <= 3; apart++) {
        for (int right = 0; right < 2; right++) {
            struct lists *l = lists_new(1, 10);
            begin(&l->f);
            open_list(l);
            for (uint32_t i = 0; i < 2400; i++) {
                uint32_t item = i % apart == 0 ? 1 : 2;
                list_push(l->o, LIST_RIGHT, text(l, item));
                model_insert(l->model, l->model->count, item);
            }
            uint64_t max = 2400 / apart - (apart == 2 ? 100 : 0);
            assert_int_equal(list_remove_equal(l->o,
                                               right ? LIST_RIGHT : LIST_LEFT,
                                               max, text(l, 1)),
                             max);
            (void)model_remove(l->model, right, max, 1);
            object_save(l->o);
            object_close(l->o);
            commit(&l->f);
            expect_equal(l);
            lists_free(l);
        }
    }
}

/* A queue uses its rows again: it does not grow with what went through. */
static void a_queue_stays_small(void **state)
{
    struct lists *l = lists_new(5, 10);
    UNUSED(state);
    for (uint32_t i = 0; i < 20000; i++) {
        if (i % 100 == 0) {
            begin(&l->f);
            open_list(l);
        }
        list_push(l->o, LIST_LEFT, text(l, i % 10));
        if (list_length(l->o) > 500)
            list_cut(l->o, list_length(l->o) - 1, list_length(l->o));
        if (i % 100 == 99) {
            object_save(l->o);
            object_close(l->o);
            commit(&l->f);
        }
    }
    assert_in_range(rows(&l->f, ROW_TREE), 2, 500);
    lists_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_is_a_list),
        cmocka_unit_test(an_emptied_list_leaves_nothing),
        cmocka_unit_test(many_equal_ones_are_removed),
        cmocka_unit_test(a_queue_stays_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
