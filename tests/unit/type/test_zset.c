/*
 * Sorted sets against plain arrays, over many entries: every operation, small
 * and large sets, short and long members, all that always holds after each.
 */
// link: store data page base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rng.h"
#include "data/keyspace.h"
#include "data/kinds.h"
#include "data/value.h"
#include "store/store_memory.h"
#include "type/member.h"
#include "type/score.h"
#include "type/zset.h"

#include <math.h>
#include <stdio.h>

#define NAMES    3000
#define NAME_MAX 1600

struct world {
    struct store *store;
    struct keyspace *ks;
    struct zset z;
    uint64_t index;
    uint64_t rng;
};

struct model {
    double scores[NAMES]; /* NaN: not there */
    uint32_t count;
};

/* --- fixture ------------------------------------------------------------ */

static void begin_entry(struct world *w)
{
    w->index++;
    struct applied entry = {w->index, 1, 1000000, 0, w->index * 7};
    keyspace_begin(w->ks, &entry, w->index);
}

static void open_set(struct world *w)
{
    enum object_found found = zset_open(&w->z, w->ks, 0, BYTES_LIT("key"));
    assert_int_not_equal(OBJECT_OTHER, found);
}

static void setup(struct world *w, uint64_t seed)
{
    struct buf error = BUF_INIT;
    *w = (struct world){.rng = seed, .store = store_memory_new()};
    assert_int_equal(0, keyspace_open(&w->ks, w->store, &error));
    buf_release(&error);
    begin_entry(w);
    open_set(w);
}

/* Saved, and opened again in the next entry. */
static void next_entry(struct world *w)
{
    zset_save(&w->z);
    zset_close(&w->z);
    assert_int_equal(0, keyspace_commit(w->ks));
    begin_entry(w);
    open_set(w);
}

static void teardown(struct world *w)
{
    zset_save(&w->z);
    zset_close(&w->z);
    assert_int_equal(0, keyspace_commit(w->ks));
    keyspace_close(w->ks);
    store_close(w->store);
}

static uint32_t pick(struct world *w, uint32_t below)
{
    return (uint32_t)rng_below(&w->rng, below);
}

static bool hashed(const struct world *w)
{
    return (w->z.object->flags & VALUE_HASHED) != 0;
}

static uint64_t tree_rows(struct world *w)
{
    struct store_iter *it = store_iter_new(w->store, STORE_STATE);
    uint64_t n = 0;
    for (store_iter_seek(it, BYTES_NONE); store_iter_valid(it);
         store_iter_next(it))
        n += row_is(store_iter_key(it), ROW_TREE);
    store_iter_free(it);
    return n;
}

/* Some of them are long; the order of the bytes is that of the numbers. */
static struct bytes name_of(uint32_t i, char out[NAME_MAX])
{
    int len = snprintf(out, NAME_MAX, "%05u", i);
    if (i % 50 == 7)
        len += snprintf(out + len, NAME_MAX - (size_t)len, "%0*u",
                        i % 100 == 7 ? 60 : 1500, i);
    return bytes_of(out, (size_t)len);
}

/* Many are the same. */
static double some_score(struct world *w)
{
    static const double edges[] = {0,         -0.0, 1,     -1,       INFINITY,
                                   -INFINITY, 0.1,  1e300, 4.9e-324, -1e-300};
    if (pick(w, 4) == 0)
        return edges[pick(w, ARRAY_LEN(edges))];
    if (pick(w, 2) == 0)
        return (double)pick(w, 20) - 10;
    return ((double)pick(w, 2000000) - 1000000) / 1024;
}

/* --- the model ---------------------------------------------------------- */

static void model_init(struct model *m)
{
    *m = (struct model){.count = 0};
    for (uint32_t i = 0; i < NAMES; i++)
        m->scores[i] = NAN;
}

static bool there(const struct model *m, uint32_t i)
{
    return !isnan(m->scores[i]);
}

struct pair {
    double score;
    uint32_t name;
};

static int by_score(const void *a, const void *b)
{
    const struct pair *x = a;
    const struct pair *y = b;
    if (x->score != y->score)
        return x->score < y->score ? -1 : 1;
    return (x->name > y->name) - (x->name < y->name);
}

/* In their order. */
static struct pair *sorted(const struct model *m)
{
    struct pair *out = calloc(NAMES + 1, sizeof(*out));
    uint32_t n = 0;
    assert_non_null(out);
    for (uint32_t i = 0; i < NAMES; i++) {
        if (there(m, i))
            out[n++] = (struct pair){m->scores[i], i};
    }
    assert_int_equal(m->count, n);
    qsort(out, n, sizeof(*out), by_score);
    return out;
}

static void check_entry(const struct zset_entry *e, const struct pair *p)
{
    char name[NAME_MAX];
    assert_true(bytes_eq(e->member, name_of(p->name, name)));
    assert_true(e->score == p->score);
}

static void check_walks(struct world *w, const struct pair *all, uint32_t n)
{
    struct zset_walk walk;
    struct zset_entry e;
    uint32_t i = 0;
    zset_walk_init(&walk, &w->z);
    for (bool on = zset_walk_to(&walk, 0, &e); on;
         on = zset_walk_next(&walk, &e))
        check_entry(&e, &all[i++]);
    assert_int_equal(n, i);
    for (bool on = n > 0 && zset_walk_to(&walk, n - 1, &e); on;
         on = zset_walk_previous(&walk, &e))
        check_entry(&e, &all[--i]);
    assert_int_equal(0, i);
    assert_false(zset_walk_to(&walk, n, &e));
    zset_walk_release(&walk);
}

static void check_spans(struct world *w, const struct pair *all, uint32_t n)
{
    for (int i = 0; i < 20; i++) {
        struct zset_scores r = {some_score(w), some_score(w), pick(w, 2) == 0,
                                pick(w, 2) == 0};
        uint32_t from = 0;
        uint32_t to = 0;
        for (uint32_t a = 0; a < n; a++) {
            double s = all[a].score;
            from += r.min_open ? s <= r.min : s < r.min;
            to += r.max_open ? s < r.max : s <= r.max;
        }
        struct zset_span s = zset_by_score(&w->z, &r);
        assert_int_equal(from, s.from);
        assert_int_equal(to, s.to);
        assert_int_equal(from < to ? to - from : 0, zset_span_count(&s));
    }
}

static void check_all(struct world *w, const struct model *m)
{
    struct pair *all = sorted(m);
    char name[NAME_MAX];
    double score = 0;
    uint64_t rank = 0;
    assert_int_equal(0, zset_check(&w->z));
    assert_int_equal(m->count, zset_count(&w->z));
    check_walks(w, all, m->count);
    check_spans(w, all, m->count);
    for (uint32_t i = 0; i < m->count; i++) {
        assert_true(
            zset_rank(&w->z, name_of(all[i].name, name), &rank, &score));
        assert_int_equal(i, rank);
        assert_true(score == all[i].score);
    }
    for (uint32_t i = 0; i < NAMES; i++) {
        bool found = zset_score(&w->z, name_of(i, name), &score);
        assert_int_equal(there(m, i), found);
        if (!found)
            assert_false(zset_rank(&w->z, name_of(i, name), &rank, &score));
    }
    free(all);
}

static void put(struct world *w, struct model *m, uint32_t i, double score)
{
    char name[NAME_MAX];
    struct bytes member = name_of(i, name);
    double old = 0;
    bool found = zset_score(&w->z, member, &old);
    assert_int_equal(there(m, i), found);
    if (!found)
        zset_add(&w->z, member, score);
    else if (old != score)
        zset_change(&w->z, member, old, score);
    m->count += !found;
    m->scores[i] = score;
}

static void take(struct world *w, struct model *m, uint32_t i)
{
    char name[NAME_MAX];
    assert_int_equal(there(m, i), zset_remove(&w->z, name_of(i, name)));
    m->count -= there(m, i);
    m->scores[i] = NAN;
}

static void cut(struct world *w, struct model *m, uint32_t from, uint32_t to)
{
    struct pair *all = sorted(m);
    zset_cut(&w->z, from, to);
    for (uint32_t i = from; i < to; i++)
        m->scores[all[i].name] = NAN;
    m->count -= to - from;
    free(all);
}

/* --- tests -------------------------------------------------------------- */

/* Grows, changes, and shrinks again, more than once. */
static void test_against_a_model(void **state)
{
    UNUSED(state);
    struct model *m = calloc(1, sizeof(*m));
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct world w;
        bool was_hashed = false;
        model_init(m);
        setup(&w, seed);
        for (int step = 0; step < 6000; step++) {
            bool growing = step % 3000 < 1500;
            uint32_t i = pick(&w, NAMES);
            if (pick(&w, 10) < (growing ? 8u : 2u))
                put(&w, m, i, some_score(&w));
            else if (pick(&w, 20) > 0 || m->count == 0)
                take(&w, m, i);
            else if (!growing || pick(&w, 20) == 0) {
                uint32_t from = pick(&w, m->count);
                cut(&w, m, from,
                    from + pick(&w, MIN(m->count - from, 40u) + 1));
            }
            if (pick(&w, 8) == 0)
                next_entry(&w);
            if (step % 100 == 0)
                check_all(&w, m);
            was_hashed |= hashed(&w);
        }
        assert_true(was_hashed);
        cut(&w, m, 0, m->count);
        next_entry(&w);
        assert_false(w.z.object->exists);
        check_all(&w, m);
        teardown(&w);
    }
    free(m);
}

/* 3,000 members, in order and not: the same. */
static void test_many(void **state)
{
    UNUSED(state);
    struct model *m = calloc(1, sizeof(*m));
    for (int order = 0; order < 3; order++) {
        struct world w;
        model_init(m);
        setup(&w, 9);
        for (uint32_t i = 0; i < NAMES; i++) {
            uint32_t name = order == 2 ? i * 7 % NAMES : i;
            double score = order == 0 ? name : order == 1 ? -(double)name : 1;
            put(&w, m, name, score);
            if (i % 100 == 99)
                next_entry(&w);
        }
        check_all(&w, m);
        assert_true(hashed(&w));
        for (uint32_t i = 0; i < NAMES; i += 3)
            put(&w, m, i, (double)(i % 100));
        check_all(&w, m);
        cut(&w, m, 1, NAMES - 1);
        next_entry(&w);
        check_all(&w, m);
        assert_false(hashed(&w));
        assert_int_equal(0, tree_rows(&w));
        teardown(&w);
    }
    free(m);
}

/* One leaf of up to 2,048 bytes; after that, back at 512. */
static void test_one_tree_or_two(void **state)
{
    UNUSED(state);
    struct model *m = calloc(1, sizeof(*m));
    struct world w;
    uint32_t n = 0;
    model_init(m);
    setup(&w, 4);
    while (!hashed(&w)) {
        size_t len = w.z.object->trees[0].root.len;
        assert_true(len <= OBJECT_PACKED_MAX);
        assert_int_equal(0, w.z.object->trees[1].count);
        put(&w, m, 10 * n, n);
        n++;
        check_all(&w, m);
    }
    assert_in_range(n, 100, 150);
    assert_int_equal(n, w.z.object->trees[1].count);
    while (hashed(&w) && n > 1) {
        next_entry(&w);
        take(&w, m, 10 * --n);
        check_all(&w, m);
    }
    assert_in_range(n, 20, 40);
    assert_in_range(w.z.object->trees[0].root.len, 450, 512);
    assert_int_equal(0, w.z.object->trees[1].count);
    next_entry(&w);
    assert_int_equal(0, tree_rows(&w));
    teardown(&w);
    free(m);
}

static void add(struct world *w, const char *member, double score)
{
    zset_add(&w->z, bytes_str(member), score);
}

static bool is_minus_zero(struct world *w, const char *member)
{
    double score = 1;
    uint64_t rank = 0;
    assert_true(zset_score(&w->z, bytes_str(member), &score));
    assert_true(score == 0);
    bool minus = signbit(score) != 0;
    assert_true(zset_rank(&w->z, bytes_str(member), &rank, &score));
    assert_int_equal(minus, signbit(score) != 0);
    return minus;
}

/* Redis' two forms: the sign of a zero shows which it was. */
static void test_signs_of_zero(void **state)
{
    UNUSED(state);
    char name[80];
    struct world w;
    setup(&w, 5);
    add(&w, "a", -0.0);
    add(&w, "c", 1);
    zset_change(&w.z, BYTES_LIT("c"), 1, -0.0);
    assert_false(is_minus_zero(&w, "a"));
    assert_false(is_minus_zero(&w, "c"));
    assert_false(zset_is_large(&w.z));
    snprintf(name, sizeof(name), "%064d", 1);
    add(&w, name, 5);
    assert_false(zset_is_large(&w.z));
    snprintf(name, sizeof(name), "%065d", 1);
    add(&w, name, 5);
    assert_true(zset_is_large(&w.z));
    add(&w, "b", -0.0);
    next_entry(&w);
    assert_true(is_minus_zero(&w, "b"));
    assert_false(is_minus_zero(&w, "a"));
    assert_true(zset_remove(&w.z, bytes_str(name)));
    next_entry(&w);
    assert_true(zset_is_large(&w.z)); /* it stays */
    add(&w, "d", -0.0);
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof(name), "m%d", i);
        add(&w, name, i);
    }
    assert_true(hashed(&w));
    assert_true(is_minus_zero(&w, "b") && is_minus_zero(&w, "d"));
    assert_false(is_minus_zero(&w, "a"));
    zset_change(&w.z, BYTES_LIT("m7"), 7, -0.0);
    assert_true(is_minus_zero(&w, "m7"));
    assert_int_equal(0, zset_check(&w.z));
    teardown(&w);
}

/* 128 members are small, the next one is large. */
static void test_a_count_makes_it_large(void **state)
{
    UNUSED(state);
    char name[16];
    struct world w;
    setup(&w, 6);
    for (int i = 0; i < 129; i++) {
        assert_false(zset_is_large(&w.z));
        snprintf(name, sizeof(name), "%d", i);
        add(&w, name, -0.0);
    }
    assert_true(zset_is_large(&w.z));
    assert_true(is_minus_zero(&w, "128"));
    assert_false(is_minus_zero(&w, "127"));
    teardown(&w);
}

/* --- by bytes ----------------------------------------------------------- */

static struct zset_span words(struct world *w, const char *min, const char *max)
{
    struct zset_words r;
    struct zset_word *ends[] = {&r.min, &r.max};
    const char *texts[] = {min, max};
    for (int i = 0; i < 2; i++) {
        char mark = texts[i][0];
        *ends[i] = (struct zset_word){.kind = ZSET_WORD_MEMBER,
                                      .open = mark == '(',
                                      .member = bytes_str(texts[i] + 1)};
        if (mark == '-' || mark == '+')
            ends[i]->kind = mark == '-' ? ZSET_WORD_FIRST : ZSET_WORD_LAST;
    }
    return zset_by_word(&w->z, &r);
}

static void expect_words(struct world *w, const char *min, const char *max,
                         uint64_t from, uint64_t count)
{
    struct zset_span s = words(w, min, max);
    assert_int_equal(count, zset_span_count(&s));
    if (count > 0)
        assert_int_equal(from, s.from);
}

static void test_by_bytes(void **state)
{
    UNUSED(state);
    struct world w;
    char name[16];
    setup(&w, 7);
    expect_words(&w, "-", "+", 0, 0);
    for (double score = 0; score < 2; score++) {
        for (int i = 0; i < 500; i++) {
            snprintf(name, sizeof(name), "%03d", i);
            add(&w, name, score);
        }
        add(&w, "", score);
        expect_words(&w, "-", "+", 0, 501);
        expect_words(&w, "[", "[", 0, 1);
        expect_words(&w, "(", "[000", 1, 1);
        expect_words(&w, "[007", "[007", 8, 1);
        expect_words(&w, "(007", "[009", 9, 2);
        expect_words(&w, "[007", "(009", 8, 2);
        expect_words(&w, "(007", "(007", 0, 0);
        expect_words(&w, "[009", "[007", 0, 0);
        expect_words(&w, "[4", "+", 401, 100);
        expect_words(&w, "[4", "[499a", 401, 100);
        expect_words(&w, "-", "(1", 0, 101);
        expect_words(&w, "+", "-", 0, 0);
        expect_words(&w, "-", "-", 0, 0);
        expect_words(&w, "+", "+", 0, 0);
        zset_cut(&w.z, 0, zset_count(&w.z));
    }
    teardown(&w);
}

/* A sign takes a byte, so a change may make a full leaf too long. */
static void test_a_sign_outgrows_a_leaf(void **state)
{
    UNUSED(state);
    struct world w;
    char name[OBJECT_PACKED_MAX];
    setup(&w, 7);
    memset(name, 'x', sizeof(name));
    add(&w, "a", 1); /* of 11 bytes */
    size_t left = OBJECT_PACKED_MAX - w.z.object->trees[0].root.len;
    size_t len = left - 3 - SCORE_SIZE; /* two lengths, of two bytes and one */
    assert_true(len <= sizeof(name));
    zset_add(&w.z, bytes_of(name, len), 2);
    assert_int_equal(OBJECT_PACKED_MAX, w.z.object->trees[0].root.len);
    assert_false(hashed(&w));
    zset_change(&w.z, BYTES_LIT("a"), 1, -0.0);
    assert_true(is_minus_zero(&w, "a"));
    assert_int_equal(0, keyspace_error(w.ks));
    assert_int_equal(0, zset_check(&w.z));
    next_entry(&w);
    assert_true(is_minus_zero(&w, "a"));
    assert_int_equal(0, zset_check(&w.z));
    teardown(&w);
}

/* --- ZSCAN -------------------------------------------------------------- */

struct seen {
    struct world *w;
    uint8_t times[NAMES];
    uint64_t now;
};

static bool see(void *arg, const struct zset_entry *e)
{
    struct seen *s = arg;
    char text[NAME_MAX + 1];
    assert_true(e->member.len >= 5);
    memcpy(text, e->member.data, e->member.len);
    text[5] = '\0';
    s->times[strtoul(text, NULL, 10)]++;
    s->now++;
    return true;
}

/* Members that stay are seen once, whatever else comes and goes, and whichever
 * form the set has meanwhile. */
static void scan_under(struct world *w, struct model *m, uint32_t stay,
                       bool change)
{
    struct seen *s = calloc(1, sizeof(*s));
    uint64_t cursor = 0;
    uint64_t calls = 0;
    do {
        s->now = 0;
        cursor = zset_scan(&w->z, cursor, 7, see, s);
        assert_true(cursor <= ZSET_CURSOR_MAX);
        assert_true(!hashed(w) || cursor == 0 || s->now >= 7);
        calls++;
        for (int i = 0; change && i < 20; i++) {
            uint32_t name = stay + pick(w, NAMES - stay);
            if (pick(w, 3) == 0)
                put(w, m, name, some_score(w));
            else
                take(w, m, name);
        }
        next_entry(w);
    } while (cursor != 0 && calls < NAMES);
    assert_int_equal(0, cursor);
    for (uint32_t i = 0; i < stay; i++)
        assert_int_equal(there(m, i), s->times[i]);
    free(s);
}

static void test_scan(void **state)
{
    UNUSED(state);
    struct model *m = calloc(1, sizeof(*m));
    for (uint32_t stay = 5; stay <= 625; stay *= 5) {
        struct world w;
        model_init(m);
        setup(&w, stay);
        for (uint32_t i = 0; i < stay; i++)
            put(&w, m, i, some_score(&w));
        scan_under(&w, m, stay, false);
        for (uint32_t i = stay; i < NAMES; i += 2)
            put(&w, m, i, some_score(&w));
        next_entry(&w);
        scan_under(&w, m, stay, true);
        assert_int_equal(0, zset_scan(&w.z, ZSET_CURSOR_MAX + 1, 1, see, NULL));
        teardown(&w);
    }
    free(m);
}

/* --- what is stored and cannot be ours ---------------------------------- */

/* Breaks a set of 300 members; whatever is done then ends in an error. */
static void broken(void (*how)(struct world *w), void (*then)(struct world *w))
{
    struct world w;
    char name[16];
    setup(&w, 8);
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof(name), "%05d", i);
        add(&w, name, i);
    }
    assert_int_equal(0, zset_check(&w.z));
    how(&w);
    assert_int_equal(0, keyspace_error(w.ks));
    then(&w);
    assert_int_equal(ERR_CORRUPT, keyspace_error(w.ks));
    zset_close(&w.z);
    keyspace_close(w.ks);
    store_close(w.store);
}

static void lose_a_score(struct world *w)
{
    btree_cut(&w->z.object->trees[0], 17, 18);
}

static void lose_a_member(struct world *w)
{
    struct buf key = BUF_INIT;
    member_key(w->z.object, BYTES_LIT("00017"), &key);
    assert_true(btree_remove(&w->z.object->trees[1], buf_view(&key)));
    buf_release(&key);
}

static void put_no_score(struct world *w)
{
    struct buf key = BUF_INIT;
    member_key(w->z.object, BYTES_LIT("00017"), &key);
    (void)btree_put(&w->z.object->trees[1], buf_view(&key), BYTES_LIT("7"));
    buf_release(&key);
}

static void put_nan(struct world *w)
{
    struct buf key = BUF_INIT;
    member_key(w->z.object, BYTES_LIT("00017"), &key);
    (void)btree_put(&w->z.object->trees[1], buf_view(&key),
                    BYTES_LIT("\x7f\xff\xff\xff\xff\xff\xff\xff"));
    buf_release(&key);
}

static void put_short_key(struct world *w)
{
    (void)btree_put(&w->z.object->trees[0], BYTES_LIT("1234567"), BYTES_NONE);
}

static void put_nan_key(struct world *w)
{
    (void)btree_put(&w->z.object->trees[0],
                    BYTES_LIT("\xff\xff\xff\xff\xff\xff\xff\xffname"),
                    BYTES_NONE);
}

static void put_odd_sign(struct world *w)
{
    struct bytes key = BYTES_LIT("\x80\0\0\0\0\0\0\x01name");
    (void)btree_put(&w->z.object->trees[0], key, BYTES_LIT("-"));
}

static void remove_one(struct world *w)
{
    bool was = zset_remove(&w->z, BYTES_LIT("00017"));
    UNUSED(was);
}

static void cut_some(struct world *w)
{
    zset_cut(&w->z, 5, 30);
}

static void look(struct world *w)
{
    double score = 0;
    assert_false(zset_score(&w->z, BYTES_LIT("00017"), &score));
}

static void add_again(struct world *w)
{
    add(w, "00017", 17);
}

static void walk(struct world *w)
{
    struct zset_walk walk;
    struct zset_entry e;
    zset_walk_init(&walk, &w->z);
    for (bool on = zset_walk_to(&walk, 0, &e); on;
         on = zset_walk_next(&walk, &e))
        assert_true(e.member.len == 5);
    zset_walk_release(&walk);
}

static void go_over(struct world *w)
{
    static struct seen s;
    assert_int_equal(0, zset_scan(&w->z, 0, 1000, see, &s));
}

static void test_damage(void **state)
{
    UNUSED(state);
    broken(lose_a_score, remove_one);
    broken(lose_a_member, cut_some);
    broken(lose_a_member, add_again);
    broken(put_no_score, look);
    broken(put_no_score, go_over);
    broken(put_nan, look);
    broken(put_nan, go_over);
    broken(put_short_key, walk);
    broken(put_nan_key, walk);
    broken(put_odd_sign, walk);
}

/* --- scores ------------------------------------------------------------- */

static void test_scores_have_an_order(void **state)
{
    UNUSED(state);
    static const double in_order[] = {-INFINITY, -1e308, -1,       -0.5,
                                      -4.9e-324, 0,      4.9e-324, 0.5,
                                      1,         1e17,   1e308,    INFINITY};
    uint8_t bytes[2][SCORE_SIZE];
    for (size_t i = 0; i < ARRAY_LEN(in_order); i++) {
        uint64_t order = score_order(in_order[i]);
        assert_true(score_of(order) == in_order[i]);
        score_store(bytes[i % 2], order);
        assert_true(score_load(bytes[i % 2]) == order);
        if (i > 0)
            assert_true(memcmp(bytes[(i + 1) % 2], bytes[i % 2], 8) < 0);
    }
    assert_true(score_order(-0.0) == score_order(0));
    assert_true(score_order(INFINITY) < UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scores_have_an_order),
        cmocka_unit_test(test_one_tree_or_two),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_against_a_model),
        cmocka_unit_test(test_signs_of_zero),
        cmocka_unit_test(test_a_count_makes_it_large),
        cmocka_unit_test(test_a_sign_outgrows_a_leaf),
        cmocka_unit_test(test_by_bytes),
        cmocka_unit_test(test_scan),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
