/*
 * Trees against sorted arrays: every operation, over many entries, with pages
 * small enough for many levels; all invariants after each.
 */
// link: store base page
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "data/btree.h"
#include "data/btree_internal.h"
#include "data/key.h"
#include "data/kinds.h"
#include "data/rows.h"
#include "store/store_memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Small pages: a hundred elements make three levels. */
static const struct btree_limits by_key = {
    .page_max = 120, .leaf_root_max = 200, .inner_root_max = 100};
static const struct btree_limits sequence = {.page_max = 120,
                                             .leaf_root_max = 200,
                                             .inner_root_max = 100,
                                             .sequence = true};

struct world {
    struct store *store;
    struct rows rows;
    struct btree_space space;
    struct btree tree;
    uint64_t entries;
    uint64_t seed;
};

static void setup(struct world *w, const struct btree_limits *limits)
{
    *w = (struct world){.store = store_memory_new(), .seed = 1};
    rows_init(&w->rows, w->store);
    w->space = (struct btree_space){.owner = {2, 0, 7}, .next = 1};
    btree_init(&w->tree, &w->rows, &w->space, limits);
    rows_begin(&w->rows, 0);
}

static void commit(struct world *w)
{
    (void)rows_prepare(&w->rows);
    assert_int_equal(0, rows_write(&w->rows));
}

static void next_entry(struct world *w)
{
    commit(w);
    rows_begin(&w->rows, ++w->entries);
}

static void teardown(struct world *w)
{
    if (w->rows.in_entry && w->rows.error == 0)
        commit(w);
    btree_release(&w->tree);
    rows_release(&w->rows);
    store_close(w->store);
}

static uint32_t pick(struct world *w, uint32_t below)
{
    w->seed = w->seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(w->seed >> 33) % below;
}

/* How many pages of trees there are in the store. */
static size_t pages_stored(struct world *w)
{
    struct store_iter *it = store_iter_new(w->store, STORE_STATE);
    size_t count = 0;
    for (store_iter_seek(it, BYTES_LIT("t")); store_iter_valid(it);
         store_iter_next(it))
        count += row_is(store_iter_key(it), ROW_TREE);
    store_iter_free(it);
    return count;
}

/* A key: its number, with a tail that makes some of them long. */
static struct bytes key_of(uint32_t n)
{
    static char out[200];
    int len = snprintf(out, sizeof(out), "%05u", n);
    if (n % 37 == 5)
        len += snprintf(out + len, sizeof(out) - (size_t)len, "%0*u", 90, n);
    return bytes_of(out, (size_t)len);
}

#define KEYS 700

struct model {
    int32_t values[KEYS]; /* -1: not there */
    uint32_t count;
};

static void check_model(struct world *w, const struct model *m)
{
    struct element e;
    uint32_t rank = 0;
    assert_int_equal(0, btree_check(&w->tree));
    assert_int_equal(m->count, w->tree.count);
    for (uint32_t i = 0; i < KEYS; i++) {
        bool there = m->values[i] >= 0;
        assert_int_equal(rank, btree_rank(&w->tree, key_of(i)));
        assert_int_equal(there, btree_find(&w->tree, key_of(i), &e));
        if (!there)
            continue;
        assert_int_equal(m->values[i], e.value.len);
        assert_true(btree_get(&w->tree, rank, &e));
        assert_true(bytes_eq(key_of(i), e.key));
        rank++;
    }
    assert_false(btree_get(&w->tree, rank, &e));
}

static void model_put(struct world *w, struct model *m, uint32_t i)
{
    static const uint8_t bytes[64];
    uint32_t len = pick(w, 10) == 0 ? 60 : pick(w, 6);
    bool added = btree_put(&w->tree, key_of(i), bytes_of(bytes, len));
    assert_int_equal(m->values[i] < 0, added);
    m->count += m->values[i] < 0;
    m->values[i] = (int32_t)len;
}

static void model_remove(struct world *w, struct model *m, uint32_t i)
{
    bool there = m->values[i] >= 0;
    assert_int_equal(there, btree_remove(&w->tree, key_of(i)));
    m->count -= there;
    m->values[i] = -1;
}

static void model_cut(struct world *w, struct model *m)
{
    uint32_t from = m->count > 0 ? pick(w, m->count) : 0;
    uint32_t to = from + pick(w, MIN(m->count - from + 1, 120u));
    uint32_t rank = 0;
    btree_cut(&w->tree, from, to);
    for (uint32_t i = 0; i < KEYS; i++) {
        if (m->values[i] < 0)
            continue;
        if (rank >= from && rank < to) {
            m->values[i] = -1;
            m->count--;
        }
        rank++;
    }
}

static void test_random(void **state)
{
    struct model m;
    struct world w;
    (void)*state;
    setup(&w, &by_key);
    memset(&m, -1, sizeof(m));
    m.count = 0;
    for (int step = 0; step < 6000; step++) {
        /* It grows, and shrinks, and grows again. */
        bool grows = step / 1500 % 2 == 0;
        uint32_t i = pick(&w, KEYS);
        if (pick(&w, 100) < (grows ? 70u : 30u))
            model_put(&w, &m, i);
        else
            model_remove(&w, &m, i);
        if (pick(&w, 400) == 0)
            model_cut(&w, &m);
        if (pick(&w, 8) == 0)
            next_entry(&w);
        if (step % 50 == 0)
            check_model(&w, &m);
    }
    check_model(&w, &m);
    btree_cut(&w.tree, 0, w.tree.count);
    next_entry(&w);
    assert_int_equal(0, btree_check(&w.tree));
    assert_int_equal(0, w.tree.count);
    assert_int_equal(PAGE_HEADER_SIZE, w.tree.root.len);
    assert_int_equal(0, pages_stored(&w));
    teardown(&w);
}

/* Numbers in a sequence. */
static void put_number(struct world *w, uint64_t nth, uint32_t v)
{
    char text[40];
    int len = snprintf(text, sizeof(text), "%0*u", v % 11 == 0 ? 30 : 1, v);
    btree_insert(&w->tree, nth, bytes_of(text, (size_t)len));
}

static uint32_t number_of(struct bytes value)
{
    char text[40] = {0};
    memcpy(text, value.data, value.len);
    return (uint32_t)strtoul(text, NULL, 10);
}

#define LONGEST 1500

static void check_numbers(struct world *w, const uint32_t *numbers,
                          uint32_t count)
{
    struct btree_cursor c;
    btree_cursor_init(&c, &w->tree);
    assert_int_equal(0, btree_check(&w->tree));
    assert_int_equal(count, w->tree.count);
    bool there = btree_seek_nth(&c, 0);
    for (uint32_t i = 0; i < count; i++, there = btree_next(&c)) {
        assert_true(there);
        assert_int_equal(numbers[i], number_of(btree_at(&c).value));
    }
    assert_false(there);
    if (count > 0)
        assert_true(btree_seek_nth(&c, count - 1));
    for (uint32_t i = count; i-- > 0;) {
        assert_int_equal(numbers[i], number_of(btree_at(&c).value));
        assert_int_equal(i > 0, btree_previous(&c));
    }
    btree_cursor_release(&c);
}

/* One change of both. */
static void change_numbers(struct world *w, uint32_t *numbers, uint32_t *count,
                           bool grows)
{
    uint32_t n = *count;
    uint32_t what = pick(w, 100);
    if (n < LONGEST && what < (grows ? 70u : 25u)) {
        static const uint32_t never = 0;
        uint32_t places[] = {never, n, pick(w, n + 1)};
        uint32_t at = places[pick(w, 3)];
        memmove(&numbers[at + 1], &numbers[at], (n - at) * sizeof(*numbers));
        numbers[at] = pick(w, 100000);
        put_number(w, at, numbers[at]);
        *count = n + 1;
    } else if (n > 0 && what < 90) {
        uint32_t places[] = {0, n - 1, pick(w, n)};
        uint32_t at = places[pick(w, 3)];
        uint32_t run = 1 + pick(w, MIN(n - at, what == 89 ? 200u : 1u));
        memmove(&numbers[at], &numbers[at + run],
                (n - at - run) * sizeof(*numbers));
        btree_cut(&w->tree, at, at + run);
        *count = n - run;
    } else if (n > 0) {
        uint32_t at = pick(w, n);
        char text[100];
        numbers[at] = pick(w, 100000);
        int len = snprintf(text, sizeof(text), "%0*u", pick(w, 5) == 0 ? 39 : 1,
                           numbers[at]);
        btree_set(&w->tree, at, bytes_of(text, (size_t)len));
    }
}

static void test_sequence(void **state)
{
    static uint32_t numbers[LONGEST + 1];
    uint32_t count = 0;
    struct world w;
    (void)*state;
    setup(&w, &sequence);
    for (int step = 0; step < 12000; step++) {
        change_numbers(&w, numbers, &count, step / 3000 % 2 == 0);
        if (pick(&w, 8) == 0)
            next_entry(&w);
        if (step % 100 == 0)
            check_numbers(&w, numbers, count);
    }
    check_numbers(&w, numbers, count);
    teardown(&w);
}

/* A queue that is always as long uses the same rows again and again, and its
 * pages are full. */
static void queue(bool from_the_left)
{
    struct world w;
    setup(&w, &sequence);
    for (uint32_t i = 0; i < 400; i++)
        put_number(&w, from_the_left ? 0 : i, 10000 + i);
    next_entry(&w);
    /* Some 9 bytes each, 116 in a page, and the pages above. */
    assert_in_range(pages_stored(&w), 400 * 9 / 116, 400 * 10 / 116 + 8);
    for (uint32_t i = 400; i < 4000; i++) {
        struct element e;
        assert_true(btree_get(&w.tree, from_the_left ? 399 : 0, &e));
        assert_int_equal(10000 + i - 400, number_of(e.value));
        btree_cut(&w.tree, from_the_left ? 399 : 0, from_the_left ? 400 : 1);
        put_number(&w, from_the_left ? 0 : 399, 10000 + i);
        if (i % 3 == 0)
            next_entry(&w);
        assert_in_range(w.space.next, 1, 60);
    }
    assert_int_equal(0, btree_check(&w.tree));
    teardown(&w);
}

static void test_queues(void **state)
{
    (void)*state;
    queue(false);
    queue(true);
}

/* A value that grows divides its leaf, and touches the page above for that,
 * however many rows the entry has touched before: those may have to move. */
static void test_rows_move_meanwhile(void **state)
{
    static const uint8_t bytes[100];
    (void)*state;
    for (uint32_t touched = 0; touched < 70; touched++) {
        struct world w;
        setup(&w, &by_key);
        for (uint32_t i = 0; i < 300; i++)
            assert_true(btree_put(&w.tree, key_of(i), BYTES_NONE));
        assert_in_range(page_level(buf_view(&w.tree.root)), 2, 9);
        commit(&w);
        rows_release(&w.rows);
        rows_init(&w.rows, w.store); /* which has no memory yet */
        rows_begin(&w.rows, 1);
        for (uint32_t i = 0; i < touched; i++) {
            uint8_t key[KEY_PAGE_SIZE];
            struct page_owner other = {2, 0, 8};
            rows_erase(&w.rows, key_tree_page(key, &other, i + 1));
        }
        for (uint32_t i = 150; i < 160; i++)
            btree_put(&w.tree, key_of(i), bytes_of(bytes, sizeof(bytes)));
        assert_int_equal(0, w.rows.error);
        assert_int_equal(0, btree_check(&w.tree));
        next_entry(&w);
        assert_int_equal(0, btree_check(&w.tree));
        teardown(&w);
    }
}

/* What is put in order fills its pages. */
static void test_in_order(void **state)
{
    struct world w;
    (void)*state;
    setup(&w, &by_key);
    for (uint32_t i = 0; i < 1000; i++) {
        char key[8];
        int len = snprintf(key, sizeof(key), "%06u", i);
        assert_true(btree_put(&w.tree, bytes_of(key, (size_t)len), BYTES_NONE));
    }
    next_entry(&w);
    assert_int_equal(0, btree_check(&w.tree));
    /* 8 bytes each in pages of 116: 14 elements; and the pages above. */
    assert_in_range(pages_stored(&w), 1000 / 14, 1000 / 14 + 16);
    teardown(&w);
}

/* Values that grow divide their pages; what grows counts as the entry's. */
static void test_growing_values(void **state)
{
    static const uint8_t bytes[40];
    struct world w;
    (void)*state;
    setup(&w, &sequence);
    for (uint32_t i = 0; i < 300; i++)
        btree_insert(&w.tree, i, bytes_of(bytes, 1));
    next_entry(&w);
    size_t before = pages_stored(&w);
    btree_set(&w.tree, 0, BYTES_NONE); /* the page is in memory now */
    uint64_t counted = w.rows.entry_bytes;
    btree_set(&w.tree, 0, bytes_of(bytes, 3));
    assert_int_equal(counted + 3, w.rows.entry_bytes);
    for (uint32_t i = 0; i < 300; i++)
        btree_set(&w.tree, i, bytes_of(bytes, 40));
    assert_int_equal(0, btree_check(&w.tree));
    next_entry(&w);
    assert_in_range(pages_stored(&w), 300 * 42 / 116, 300 * 42 / 116 * 3);
    for (uint32_t i = 0; i < 300; i++)
        btree_set(&w.tree, i, BYTES_NONE);
    assert_int_equal(0, btree_check(&w.tree));
    btree_cut(&w.tree, 0, 200);
    next_entry(&w);
    assert_in_range(pages_stored(&w), 0, before);
    teardown(&w);
}

/* Two trees with the same operations have the same bytes, however they are
 * divided into entries. */
static void test_same_shape(void **state)
{
    struct world w[2];
    (void)*state;
    for (int i = 0; i < 2; i++) {
        setup(&w[i], &by_key);
        struct model m;
        memset(&m, -1, sizeof(m));
        m.count = 0;
        for (uint32_t step = 0; step < 2000; step++) {
            uint32_t k = pick(&w[i], KEYS);
            if (pick(&w[i], 3) > 0)
                model_put(&w[i], &m, k);
            else
                model_remove(&w[i], &m, k);
            if (step % (i == 0 ? 7u : 100u) == 0)
                next_entry(&w[i]);
        }
        next_entry(&w[i]);
    }
    assert_true(bytes_eq(buf_view(&w[0].tree.root), buf_view(&w[1].tree.root)));
    assert_int_equal(w[0].space.next, w[1].space.next);
    assert_int_equal(pages_stored(&w[0]), pages_stored(&w[1]));
    for (uint64_t n = 1; n < w[0].space.next; n++) {
        uint8_t key[KEY_PAGE_SIZE];
        struct bytes row = key_tree_page(key, &w[0].space.owner, n);
        struct buf a = BUF_INIT;
        struct buf b = BUF_INIT;
        assert_int_equal(rows_stored(&w[0].rows, row, &a),
                         rows_stored(&w[1].rows, row, &b));
        assert_true(bytes_eq(buf_view(&a), buf_view(&b)));
        buf_release(&a);
        buf_release(&b);
    }
    teardown(&w[0]);
    teardown(&w[1]);
}

/* A tree is what its root and its pages are: loaded anew, it goes on. */
static void test_load(void **state)
{
    struct world w;
    struct model m;
    (void)*state;
    setup(&w, &by_key);
    memset(&m, -1, sizeof(m));
    m.count = 0;
    for (int step = 0; step < 1200; step++) {
        struct buf root = BUF_INIT;
        model_put(&w, &m, pick(&w, KEYS));
        buf_bytes(&root, buf_view(&w.tree.root));
        btree_release(&w.tree);
        btree_init(&w.tree, &w.rows, &w.space, &by_key);
        assert_int_equal(0, btree_load(&w.tree, buf_view(&root)));
        buf_release(&root);
        if (step % 100 == 0) {
            next_entry(&w);
            check_model(&w, &m);
        }
    }
    assert_int_equal(ERR_CORRUPT, btree_load(&w.tree, BYTES_LIT("\0\0\0\1")));
    check_model(&w, &m);
    teardown(&w);
}

/* Keys much longer than a page, whose separators are as long: high trees, and
 * the same answers. */
static void test_long_keys(void **state)
{
    static char text[3000];
    struct world w;
    (void)*state;
    setup(&w, &by_key);
    memset(text, 'x', sizeof(text));
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 600; i++) {
            uint32_t n = i * 7 % 600;
            snprintf(text + 2900, 8, "%06u", n);
            assert_int_equal(
                round == 0,
                btree_put(&w.tree, bytes_of(text, 2906), BYTES_LIT("v")));
            if (i % 10 == 0)
                next_entry(&w);
        }
        assert_int_equal(0, btree_check(&w.tree));
    }
    assert_int_equal(600, w.tree.count);
    for (uint32_t i = 0; i < 600; i++) {
        snprintf(text + 2900, 8, "%06u", i);
        assert_int_equal(i, btree_rank(&w.tree, bytes_of(text, 2906)));
    }
    for (uint32_t i = 0; i < 600; i++) {
        snprintf(text + 2900, 8, "%06u", i * 11 % 600);
        assert_true(btree_remove(&w.tree, bytes_of(text, 2906)));
        if (i % 50 == 0)
            assert_int_equal(0, btree_check(&w.tree));
    }
    next_entry(&w);
    assert_int_equal(0, pages_stored(&w));
    teardown(&w);
}

static void test_cursor_by_key(void **state)
{
    struct world w;
    struct btree_cursor c;
    (void)*state;
    setup(&w, &by_key);
    btree_cursor_init(&c, &w.tree);
    assert_false(btree_seek(&c, BYTES_NONE));
    assert_false(btree_seek_nth(&c, 0));
    for (uint32_t i = 0; i < 500; i++)
        (void)btree_put(&w.tree, key_of(2 * i), BYTES_NONE);
    for (uint32_t i = 0; i < 998; i++) {
        assert_true(btree_seek(&c, key_of(i)));
        assert_int_equal((i + 1) / 2, c.nth);
        assert_true(bytes_eq(key_of((i + 1) / 2 * 2), btree_at(&c).key));
    }
    assert_false(btree_seek(&c, key_of(999)));
    /* What it is at stays, whatever is read meanwhile. */
    assert_true(btree_seek(&c, key_of(100)));
    struct element e = btree_at(&c);
    for (uint32_t i = 0; i < 500; i++)
        assert_int_equal(i, btree_rank(&w.tree, key_of(2 * i)));
    assert_true(bytes_eq(key_of(100), e.key));
    btree_cursor_release(&c);
    teardown(&w);
}

/* The store has other bytes of a page, or none: every operation ends with an
 * error, and none of them asserts. */
static void damaged(const char *bytes, size_t len)
{
    for (int what = 0; what < 7; what++) {
        struct world w;
        struct element e;
        struct btree_cursor c;
        setup(&w, &by_key);
        for (uint32_t i = 0; i < 300; i++)
            (void)btree_put(&w.tree, key_of(i), BYTES_NONE);
        next_entry(&w);
        for (uint64_t n = 1; n < w.space.next; n++) {
            uint8_t key[KEY_PAGE_SIZE];
            struct bytes row = key_tree_page(key, &w.space.owner, n);
            struct store_batch b = STORE_BATCH_INIT;
            if (bytes == NULL)
                store_batch_delete(&b, STORE_STATE, row);
            else
                store_batch_put(&b, STORE_STATE, row, bytes_of(bytes, len));
            assert_int_equal(0, store_write(w.store, &b, STORE_UNLOGGED));
            store_batch_release(&b);
        }
        btree_cursor_init(&c, &w.tree);
        switch (what) {
        case 0:
            assert_false(btree_find(&w.tree, key_of(7), &e));
            break;
        case 1:
            assert_false(btree_get(&w.tree, 150, &e));
            break;
        case 2:
            assert_false(btree_put(&w.tree, key_of(7), BYTES_NONE));
            break;
        case 3:
            assert_false(btree_remove(&w.tree, key_of(7)));
            break;
        case 4:
            btree_cut(&w.tree, 10, 290);
            break;
        case 5:
            assert_false(btree_seek_nth(&c, 299));
            break;
        case 6:
            assert_int_equal(ERR_CORRUPT, btree_check(&w.tree));
            break;
        default:
            fail();
        }
        assert_int_equal(ERR_CORRUPT, w.rows.error);
        assert_false(btree_find(&w.tree, key_of(7), &e));
        btree_cursor_release(&c);
        teardown(&w);
    }
}

static void test_damage(void **state)
{
    (void)*state;
    damaged(NULL, 0);
    damaged("\0\0\0\1", 4); /* cut */
    damaged("\0\0\0\0", 4); /* a leaf in place of the page above */
    damaged("\5\0\0\1\0\0\0\0\1\0\0\0\0\1\0", 15); /* too high a level */
}

/* What memory has of a disk is checked before it is used, as what comes from
 * the disk: of both lengths, since the store in memory lets see every other
 * value. */
static void test_damaged_row_in_memory(void **state)
{
    (void)*state;
    for (size_t len = 4; len <= 5; len++) {
        struct world w;
        uint8_t key[KEY_PAGE_SIZE];
        struct bytes page;
        setup(&w, &by_key);
        struct store_batch b = STORE_BATCH_INIT;
        struct bytes of = key_tree_page(key, &w.space.owner, 5);
        store_batch_put(&b, STORE_STATE, of, bytes_of("\0\0\0\2\0", len));
        assert_int_equal(0, store_write(w.store, &b, STORE_UNLOGGED));
        store_batch_release(&b);
        assert_false(rows_view(&w.rows, of, false, &page));
        assert_int_equal(ERR_CORRUPT, w.rows.error);
        teardown(&w);
    }
}

/* A leaf whose keys are not in order can be loaded, but not divided. */
static void test_keys_out_of_order(void **state)
{
    struct world w;
    struct buf root = BUF_INIT;
    (void)*state;
    setup(&w, &by_key);
    page_init(&root, 0);
    for (uint32_t i = 0; i < 12; i++) {
        struct element e = {key_of(100 - i), BYTES_LIT("0123456789")};
        leaf_insert(&root, page_nth(buf_view(&root), i), &e);
    }
    assert_int_equal(0, btree_load(&w.tree, buf_view(&root)));
    assert_int_equal(ERR_CORRUPT, btree_check(&w.tree));
    (void)btree_put(&w.tree, key_of(101), BYTES_NONE);
    assert_int_equal(ERR_CORRUPT, w.rows.error);
    buf_release(&root);
    teardown(&w);
}

/* A root with as many branches as a page may have: what is below it is not
 * divided any more, and grows. */
static void test_a_full_root(void **state)
{
    static const struct btree_limits wide = {.page_max = 120,
                                             .leaf_root_max = 200,
                                             .inner_root_max = UINT32_MAX,
                                             .sequence = true};
    struct world w;
    struct element e = {BYTES_NONE, BYTES_LIT("first")};
    UNUSED(state);
    setup(&w, &wide);
    uint64_t leaf = btree_space_take(&w.space, 1);
    struct row *r = btree_row(&w.tree, leaf, true);
    page_init(&r->value, 0);
    leaf_insert(&r->value, page_nth(buf_view(&r->value), 0), &e);
    struct buf *root = &w.tree.root;
    page_init(root, 1);
    struct page_place at = page_nth(buf_view(root), 0);
    for (uint32_t i = 1; i <= PAGE_COUNT_MAX; i++) {
        struct branch b = {i == PAGE_COUNT_MAX ? leaf : 9 + i, 1, BYTES_NONE};
        branch_insert(root, at, &b);
        at = page_next(buf_view(root), at);
    }
    w.tree.count = PAGE_COUNT_MAX;
    for (int i = 0; i < 100; i++)
        btree_insert(&w.tree, w.tree.count, BYTES_LIT("another"));
    assert_int_equal(w.rows.error, 0);
    assert_int_equal(page_count(buf_view(root)), PAGE_COUNT_MAX);
    assert_int_equal(w.tree.count, PAGE_COUNT_MAX + 100);
    assert_true(btree_get(&w.tree, w.tree.count - 101, &e));
    assert_true(bytes_eq(e.value, BYTES_LIT("first")));
    teardown(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_sequence),
        cmocka_unit_test(test_queues),
        cmocka_unit_test(test_in_order),
        cmocka_unit_test(test_rows_move_meanwhile),
        cmocka_unit_test(test_growing_values),
        cmocka_unit_test(test_same_shape),
        cmocka_unit_test(test_load),
        cmocka_unit_test(test_long_keys),
        cmocka_unit_test(test_cursor_by_key),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_damaged_row_in_memory),
        cmocka_unit_test(test_keys_out_of_order),
        cmocka_unit_test(test_a_full_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
