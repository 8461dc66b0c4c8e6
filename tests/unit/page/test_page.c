/*
 * Pages as bytes: leaves and branches against arrays, what is damaged is
 * refused and never read beyond its end.
 */
// link: base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "page/page.h"

#include <stdio.h>
#include <string.h>

static uint64_t seed;

static uint32_t pick(uint32_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % below;
}

static const char *text(struct bytes b)
{
    static char out[256];
    snprintf(out, sizeof(out), "%.*s", (int)b.len, (const char *)b.data);
    return out;
}

static void insert(struct buf *page, uint32_t index, const char *key,
                   const char *value)
{
    struct element e = {bytes_str(key), bytes_str(value)};
    leaf_insert(page, page_nth(buf_view(page), index), &e);
}

static void test_bytes(void **state)
{
    static const char leaf[] = "\0\0\0\3"
                               "\1b\2BB"
                               "\1d\0"
                               "\0\1x";
    struct buf page = BUF_INIT;
    (void)*state;
    page_init(&page, 0);
    assert_true(page_is_valid(buf_view(&page)));
    insert(&page, 0, "d", "");
    insert(&page, 0, "b", "BB");
    insert(&page, 2, "", "x");
    assert_int_equal(sizeof(leaf) - 1, page.len);
    assert_memory_equal(leaf, page.data, page.len);
    assert_true(page_is_valid(buf_view(&page)));
    assert_int_equal(3, page_weight(buf_view(&page)));
    buf_release(&page);
}

static void test_branch_bytes(void **state)
{
    static const char bytes[] = "\2\0\0\2"
                                "\1\2\3\4\5\0\0\0\0\7\0"
                                "\0\0\0\0\x09\0\0\0\1\0\2mn";
    struct buf page = BUF_INIT;
    struct branch a = {0x0102030405, 7, BYTES_NONE};
    struct branch b = {9, 256, BYTES_LIT("mn")};
    uint64_t before;
    (void)*state;
    page_init(&page, 2);
    assert_false(page_is_valid(buf_view(&page))); /* none is empty */
    branch_insert(&page, page_nth(buf_view(&page), 0), &a);
    branch_insert(&page, page_nth(buf_view(&page), 1), &b);
    assert_int_equal(sizeof(bytes) - 1, page.len);
    assert_memory_equal(bytes, page.data, page.len);
    assert_true(page_is_valid(buf_view(&page)));
    assert_int_equal(263, page_weight(buf_view(&page)));
    struct bytes p = buf_view(&page);
    assert_int_equal(0, branch_find(p, BYTES_LIT("m"), &before).index);
    assert_int_equal(0, before);
    assert_int_equal(1, branch_find(p, BYTES_LIT("mn"), &before).index);
    assert_int_equal(7, before);
    assert_int_equal(1, branch_find(p, BYTES_LIT("z"), &before).index);
    assert_int_equal(0, branch_find(p, BYTES_NONE, &before).index);
    buf_release(&page);
}

static void test_branch_numbers(void **state)
{
    struct buf page = BUF_INIT;
    (void)*state;
    page_init(&page, 1);
    for (uint32_t i = 0; i < 4; i++) {
        char separator[2] = {(char)('a' + i), 0};
        struct branch b = {i, 10 * (i + 1),
                           i > 0 ? bytes_str(separator) : BYTES_NONE};
        branch_insert(&page, page_nth(buf_view(&page), i), &b);
    }
    static const struct {
        uint64_t nth, index, rest;
    } cases[] = {{0, 0, 0},  {9, 0, 9},   {10, 1, 0},   {29, 1, 19},
                 {30, 2, 0}, {99, 3, 39}, {100, 3, 40}, {500, 3, 440}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint64_t nth = cases[i].nth;
        assert_int_equal(cases[i].index,
                         branch_nth(buf_view(&page), &nth).index);
        assert_int_equal(cases[i].rest, nth);
    }
    struct page_place second = page_nth(buf_view(&page), 1);
    assert_false(branch_add(&page, second, -21));
    assert_true(branch_add(&page, second, -20));
    assert_false(branch_add(&page, second, (int64_t)PAGE_WEIGHT_MAX + 1));
    assert_true(branch_add(&page, second, (int64_t)PAGE_WEIGHT_MAX));
    assert_int_equal(PAGE_WEIGHT_MAX,
                     branch_at(buf_view(&page), second).weight);
    assert_int_equal(PAGE_WEIGHT_MAX + 80, page_weight(buf_view(&page)));
    branch_set_separator(&page, second, BYTES_LIT("bbbbb"));
    assert_string_equal("bbbbb",
                        text(branch_at(buf_view(&page), second).separator));
    assert_true(page_is_valid(buf_view(&page)));
    buf_release(&page);
}

/* Values of many lengths, around what a longer varint needs. */
static void test_lengths(void **state)
{
    static const uint32_t lengths[] = {0,     1,     126,   127,     128,
                                       16382, 16383, 16384, 2097151, 2097152};
    struct buf page = BUF_INIT;
    uint8_t *bytes = mem_zalloc(2097152);
    (void)*state;
    page_init(&page, 0);
    for (uint32_t i = 0; i < ARRAY_LEN(lengths); i++) {
        char key[3] = {(char)('a' + i), 0, 0};
        struct element e = {bytes_str(key), bytes_of(bytes, lengths[i])};
        leaf_insert(&page, page_nth(buf_view(&page), i), &e);
    }
    assert_true(page_is_valid(buf_view(&page)));
    for (uint32_t i = 0; i < ARRAY_LEN(lengths); i++) {
        struct page_place at = page_nth(buf_view(&page), i);
        assert_int_equal(lengths[i],
                         leaf_element(buf_view(&page), at).value.len);
        leaf_set(&page, at,
                 bytes_of(bytes, lengths[ARRAY_LEN(lengths) - 1 - i]));
        assert_true(page_is_valid(buf_view(&page)));
    }
    mem_free(bytes);
    buf_release(&page);
}

static void check_all(const struct buf *page, char (*keys)[8],
                      char (*values)[8], uint32_t count)
{
    struct bytes p = buf_view(page);
    assert_true(page_is_valid(p));
    assert_int_equal(count, page_count(p));
    struct page_place at = page_nth(p, 0);
    for (uint32_t i = 0; i < count; i++, at = page_next(p, at)) {
        struct element e = leaf_element(p, at);
        struct page_place found;
        assert_string_equal(keys[i], text(e.key));
        assert_string_equal(values[i], text(e.value));
        assert_true(leaf_find(p, e.key, &found));
        assert_int_equal(i, found.index);
        assert_int_equal(at.at, found.at);
    }
}

#define MANY 60

static void test_leaf_against_an_array(void **state)
{
    char keys[MANY][8];
    char values[MANY][8];
    uint32_t count = 0;
    struct buf page = BUF_INIT;
    (void)*state;
    page_init(&page, 0);
    seed = 1;
    for (int round = 0; round < 3000; round++) {
        char key[8];
        char value[8];
        struct page_place at;
        snprintf(key, sizeof(key), "%u", pick(90));
        snprintf(value, sizeof(value), "%.*s", (int)pick(8), "vvvvvvv");
        bool found = leaf_find(buf_view(&page), bytes_str(key), &at);
        uint32_t i = at.index;
        if (found && pick(2) == 0) {
            leaf_set(&page, at, bytes_str(value));
            memcpy(values[i], value, sizeof(value));
        } else if (found) {
            page_remove(&page, at, 1);
            memmove(keys[i], keys[i + 1], (count - i - 1) * 8);
            memmove(values[i], values[i + 1], (count - i - 1) * 8);
            count--;
        } else if (count < MANY) {
            insert(&page, i, key, value);
            memmove(keys[i + 1], keys[i], (count - i) * 8);
            memmove(values[i + 1], values[i], (count - i) * 8);
            memcpy(keys[i], key, 8);
            memcpy(values[i], value, 8);
            count++;
        }
        check_all(&page, keys, values, count);
    }
    buf_release(&page);
}

static void test_split_and_join(void **state)
{
    (void)*state;
    for (uint32_t at = 0; at <= 20; at++) {
        struct buf page = BUF_INIT;
        struct buf right = BUF_INIT;
        struct buf before = BUF_INIT;
        page_init(&page, 0);
        for (uint32_t i = 0; i < 20; i++) {
            char key[8];
            snprintf(key, sizeof(key), "%02u", i);
            insert(&page, i, key, key);
        }
        buf_bytes(&before, buf_view(&page));
        page_split(&page, &right, page_nth(buf_view(&page), at));
        assert_true(page_is_valid(buf_view(&page)));
        assert_true(page_is_valid(buf_view(&right)));
        assert_int_equal(at, page_count(buf_view(&page)));
        assert_int_equal(20 - at, page_count(buf_view(&right)));
        page_join(&page, buf_view(&right));
        assert_true(bytes_eq(buf_view(&before), buf_view(&page)));
        page_remove(&page, page_nth(buf_view(&page), at / 2), at - at / 2);
        assert_true(page_is_valid(buf_view(&page)));
        assert_int_equal(20 - at + at / 2, page_count(buf_view(&page)));
        buf_release(&page);
        buf_release(&right);
        buf_release(&before);
    }
}

/* Of items with one long one among them, the middle is where both sides are
 * as equal as they can be, and neither is empty. */
static void test_half(void **state)
{
    static const char xs[201] = {0};
    (void)*state;
    for (uint32_t count = 2; count < 12; count++) {
        for (uint32_t big = 0; big < count; big++) {
            struct buf page = BUF_INIT;
            page_init(&page, 0);
            for (uint32_t i = 0; i < count; i++) {
                struct element e = {bytes_of(xs, 2),
                                    bytes_of(xs, i == big ? 200 : 5)};
                leaf_insert(&page, page_nth(buf_view(&page), i), &e);
            }
            struct page_place at = page_half(buf_view(&page));
            assert_in_range(at.index, 1, count - 1);
            size_t best = page.len;
            for (uint32_t i = 1; i < count; i++) {
                size_t left = page_nth(buf_view(&page), i).at;
                size_t half = page.len / 2;
                best = MIN(best, left > half ? left - half : half - left);
            }
            size_t half = page.len / 2;
            assert_int_equal(best, at.at > half ? at.at - half : half - at.at);
            buf_release(&page);
        }
    }
}

static void test_separators(void **state)
{
    static const char *const cases[][3] = {
        {"a", "b", "b"},        {"abc", "abd", "abd"}, {"ab", "abc", "abc"},
        {"abc", "b", "b"},      {"a", "azzzz", "az"},  {"", "xyz", "x"},
        {"abcz", "abd", "abd"},
    };
    (void)*state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bytes s =
            leaf_separator(bytes_str(cases[i][0]), bytes_str(cases[i][1]));
        assert_string_equal(cases[i][2], text(s));
    }
}

/* Whatever can be read of it is read: under the sanitizers, in memory of just
 * its size. */
static void read_all(const uint8_t *data, size_t len)
{
    uint8_t *copy = mem_alloc(len + 1);
    memcpy(copy, data, len);
    uint8_t *exact = mem_alloc(MAX(len, (size_t)1));
    memcpy(exact, copy, len);
    struct bytes page = bytes_of(exact, len);
    if (page_is_valid(page)) {
        struct page_place at = page_nth(page, 0);
        uint64_t sum = 0;
        for (; at.index < page_count(page); at = page_next(page, at)) {
            if (page_level(page) == 0)
                sum += leaf_element(page, at).value.len;
            else
                sum += branch_at(page, at).separator.len;
        }
        assert_in_range(sum, 0, len);
        assert_int_equal(len, at.at);
    }
    mem_free(exact);
    mem_free(copy);
}

static void damage_all(const struct buf *page)
{
    struct buf bad = BUF_INIT;
    assert_true(page_is_valid(buf_view(page)));
    for (size_t i = 0; i < page->len; i++) {
        assert_false(page_is_valid(bytes_of(page->data, i)));
        read_all(page->data, i);
        for (unsigned bit = 0; bit < 8; bit++) {
            buf_reset(&bad);
            buf_bytes(&bad, buf_view(page));
            bad.data[i] ^= (uint8_t)(1u << bit);
            read_all(bad.data, bad.len);
        }
    }
    buf_reset(&bad);
    buf_bytes(&bad, buf_view(page));
    buf_u8(&bad, 0);
    assert_false(page_is_valid(buf_view(&bad)));
    buf_release(&bad);
}

static void test_damage(void **state)
{
    struct buf leaf = BUF_INIT;
    struct buf above = BUF_INIT;
    (void)*state;
    page_init(&leaf, 0);
    page_init(&above, 3);
    for (uint32_t i = 0; i < 10; i++) {
        char key[8];
        snprintf(key, sizeof(key), "k%u", i * 7);
        insert(&leaf, i, key, "value");
        struct branch b = {i, i + 1, i > 0 ? bytes_str(key) : BYTES_NONE};
        branch_insert(&above, page_nth(buf_view(&above), i), &b);
    }
    damage_all(&leaf);
    damage_all(&above);
    buf_release(&leaf);
    buf_release(&above);
}

static void test_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } cases[] = {
#define CASE(text) {"" text, sizeof("" text) - 1}
        CASE(""),
        CASE("\0\0\0"),
        CASE("\x0d\0\0\1\0\0\0\0\1\0\0\0\0\1\0"), /* too high */
        CASE("\0\1\0\0"),
        CASE("\0\0\0\1"),
        CASE("\0\0\0\1\0"),
        CASE("\0\0\0\1\0\1"),
        CASE("\0\0\0\1\0\0\0"),
        CASE("\0\0\0\1\x80\0\0"),                 /* a length that is longer */
        CASE("\0\0\0\1\xff\xff\xff\xff\xff\0\0"), /* than it need be, or is */
        CASE("\0\0\0\1\xff\xff\xff\xff\x7f\0\0"), /* beyond 32 bits */
        CASE("\1\0\0\0"),
        CASE("\1\0\0\1\0\0\0\0\1\0\0\0\0\0\0"),  /* no element below */
        CASE("\1\0\0\1\0\0\0\0\1\0\0\0\0\1\1x"), /* the first is cut off */
        CASE("\1\0\0\1\0\0\0\0\1\0\0\0\0\1"),
    };
    (void)*state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_false(page_is_valid(bytes_of(cases[i].bytes, cases[i].len)));
    assert_true(page_is_valid(BYTES_LIT("\x0c\0\0\1\0\0\0\0\1\0\0\0\0\1\0")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_branch_bytes),
        cmocka_unit_test(test_branch_numbers),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_leaf_against_an_array),
        cmocka_unit_test(test_split_and_join),
        cmocka_unit_test(test_half),
        cmocka_unit_test(test_separators),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
