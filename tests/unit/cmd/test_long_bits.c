/*
 * Bits of long strings: only their pages are touched, holes stay holes, and
 * whatever is computed page by page is what it is over the whole string.
 */
// link: store data resp table
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rng.h"
#include "cmd/cmd_parse.h"
#include "unit/cmd/cmd_fixture.h"

#define MODEL_SIZE (5 * KEYSPACE_PAGE_SIZE + 777)

static struct fixture f;

static int begin(void **state)
{
    UNUSED(state);
    fixture_init(&f);
    return 0;
}

static int end(void **state)
{
    UNUSED(state);
    fixture_release(&f);
    return 0;
}

static void expect(const char *line, const char *reply)
{
    const char *got = fixture_run(&f, line);
    if (strcmp(got, reply) != 0)
        print_message("%s\n", line);
    assert_string_equal(got, reply);
}

static void expect_number(const char *line, int64_t number)
{
    char reply[32];
    snprintf(reply, sizeof(reply), ":%" PRId64 "\r\n", number);
    expect(line, reply);
}

/* --- far away ----------------------------------------------------------- */

/* What the entry of a command keeps in memory is little; what it looks at. */
static uint64_t expect_cheap(const char *line, uint64_t viewed)
{
    buf_reset(&f.out);
    fixture_begin(&f);
    fixture_apply(&f, line);
    assert_true(f.out.data[0] == ':' || f.out.data[0] == '*');
    assert_true(keyspace_entry_bytes(f.ks) <= 3 * KEYSPACE_PAGE_SIZE);
    uint64_t seen = keyspace_viewed_bytes(f.ks);
    assert_true(seen <= viewed);
    fixture_commit(&f);
    return seen;
}

static void test_a_far_bit_is_one_page(void **state)
{
    uint64_t few = 2 * KEYSPACE_PAGE_SIZE;
    UNUSED(state);
    expect_cheap("SETBIT far 4294967295 1", few);
    expect_cheap("SETBIT far 4294967295 1", few);
    expect_cheap("SETBIT far 4294967295 0", few);
    expect_cheap("BITFIELD far SET u3 4294967293 7", few);
    expect_cheap("BITFIELD far INCRBY i64 4294967232 1", few);
    expect_cheap("GETBIT far 4294967295", few);
    expect_number("STRLEN far", 536870912);
    expect("BITFIELD far GET u5 4294967291", "*1\r\n:8\r\n");
    expect_number("SETBIT far 4294967293 1", 0);
    expect_number("BITCOUNT far", 2);
    expect_number("BITPOS far 1", 4294967292);
    expect_number("BITPOS far 0", 0);
    expect_number("BITPOS far 1 -1 -1", 4294967292);
    expect("BITFIELD far SET u8 4294967289 1",
           "-ERR bit offset is not an integer or out of range\r\n");
    expect("BITFIELD far GET u8 4294967289", "*1\r\n:24\r\n");
}

static void test_holes_stay_holes(void **state)
{
    UNUSED(state);
    fixture_run(&f, "FLUSHALL");
    fixture_run(&f, "SETBIT a 4000000000 1");
    fixture_run(&f, "SETBIT b 4000000001 1");
    fixture_run(&f, "SETBIT b 1 1");
    uint64_t hole = UINT64_C(4000000002) / 8 / KEYSPACE_HOLE_SHARE;
    uint64_t before = keyspace_tickets(f.ks);
    assert_true(expect_cheap("BITOP OR d a b", 5 * hole) >= 2 * hole);
    assert_int_equal(keyspace_tickets(f.ks), before);
    expect_number("BITCOUNT d", 3);
    expect_number("BITPOS d 1 1", 4000000000);
    expect_cheap("BITOP AND d d a", 5 * hole);
    assert_int_equal(keyspace_tickets(f.ks), before + 1); /* of the old d */
    expect_number("BITCOUNT d", 1);
    expect_cheap("BITOP XOR a a a", 5 * hole);
    expect_number("BITCOUNT a", 0);
    expect_number("STRLEN a", 500000001);
}

static void put_ones(const char *key, size_t length)
{
    struct buf ones = BUF_INIT;
    memset(buf_reserve(&ones, length), 0xff, length);
    ones.len = length;
    struct value v = {.type = VALUE_STRING, .data = buf_view(&ones)};
    fixture_begin(&f);
    keyspace_put(f.ks, 0, bytes_str(key), &v);
    fixture_commit(&f);
    buf_release(&ones);
}

/* Where a source has ended there is nothing but zeros. */
static void test_and_of_different_lengths(void **state)
{
    UNUSED(state);
    put_ones("a", 10);
    put_ones("b", KEYSPACE_PAGE_SIZE + 10);
    put_ones("d", 4 * KEYSPACE_PAGE_SIZE + 10);
    expect_number("BITOP AND x d b", 4 * KEYSPACE_PAGE_SIZE + 10);
    expect_number("BITCOUNT x", (KEYSPACE_PAGE_SIZE + 10) * 8);
    expect_number("BITOP AND x d a b", 4 * KEYSPACE_PAGE_SIZE + 10);
    expect_number("BITCOUNT x", 80);
    expect_number("BITOP AND x d none", 4 * KEYSPACE_PAGE_SIZE + 10);
    expect_number("BITCOUNT x", 0);
    expect_number("BITOP XOR x d b", 4 * KEYSPACE_PAGE_SIZE + 10);
    expect_number("BITCOUNT x", 3 * KEYSPACE_PAGE_SIZE * 8);
    expect_number("BITOP AND a a b", KEYSPACE_PAGE_SIZE + 10);
    expect_number("BITCOUNT a", 80);
}

/* What a command writes may be on its stack: it is copied at once. */
static void test_short_parts_are_copied(void **state)
{
    UNUSED(state);
    put_ones("a", KEYSPACE_PAGE_SIZE);
    put_ones("b", KEYSPACE_PAGE_SIZE);
    fixture_begin(&f);
    buf_reset(&f.out);
    fixture_apply(&f, "SETBIT a 131072 1");
    fixture_apply(&f, "SETBIT b 131075 1");
    fixture_apply(&f, "BITFIELD a SET u8 262144 170");
    fixture_apply(&f, "BITFIELD b SET u8 262144 204");
    fixture_commit(&f);
    expect("BITFIELD a GET u8 131072 GET u8 262144", "*2\r\n:128\r\n:170\r\n");
    expect("BITFIELD b GET u8 131072 GET u8 262144", "*2\r\n:16\r\n:204\r\n");
}

/* --- limits ------------------------------------------------------------- */

/* NOT fills holes; the others look at what there is. */
static void test_what_takes_long_is_refused(void **state)
{
    static const char *const refused[] = {
        "BITCOUNT full",           "BITPOS full 0",    "BITCOUNT full 8 -1 BIT",
        "BITOP OR d full half",    "BITOP NOT d full", "BITOP NOT d hole",
        "BITOP AND full full half"};
    size_t size = CMD_LOOK_MAX / 2 + KEYSPACE_PAGE_SIZE;
    struct buf ones = BUF_INIT;
    UNUSED(state);
    fixture_run(&f, "FLUSHALL");
    memset(buf_reserve(&ones, size), 0xff, size);
    ones.len = size;
    for (int i = 0; i < 3; i++) {
        struct bytes key = i < 2 ? BYTES_LIT("full") : BYTES_LIT("half");
        fixture_begin(&f);
        keyspace_overwrite(f.ks, 0, key, i == 1 ? size : 0, buf_view(&ones));
        fixture_commit(&f);
    }
    buf_release(&ones);
    fixture_run(&f, "SETBIT hole 1073741824 1");
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        const char *reply = fixture_run(&f, refused[i]);
        if (strstr(reply, " of more than 128 MiB: ") == NULL)
            fail_msg("%s: %s", refused[i], reply);
        assert_memory_equal(reply, "-ERR BIT", 8);
    }
    assert_string_equal(
        "-ERR DIGEST of more than 128 MiB: GETRANGE gives parts "
        "of a string\r\n",
        fixture_run(&f, "DIGEST full"));
    expect_number("EXISTS d", 0);
    expect_number("STRLEN full", (int64_t)(2 * size));
    expect_number("BITCOUNT full 0 134217727", INT64_C(134217728) * 8);
    expect_number("BITCOUNT half", (int64_t)size * 8);
    expect_number("BITPOS full 1", 0);
    expect_number("BITOP OR d half hole", 134217729);
    fixture_run(&f, "FLUSHALL");
}

/* --- against a model ---------------------------------------------------- */

struct model {
    uint8_t bytes[MODEL_SIZE];
    size_t len;
};

static bool model_bit(const struct model *m, uint64_t at)
{
    return at / 8 < m->len && (m->bytes[at / 8] >> (7 - at % 8) & 1) != 0;
}

static void model_set(struct model *m, uint64_t at, bool bit)
{
    uint8_t mask = (uint8_t)(0x80u >> at % 8);
    m->len = MAX(m->len, at / 8 + 1);
    if (bit)
        m->bytes[at / 8] |= mask;
    else
        m->bytes[at / 8] &= (uint8_t)~mask;
}

/* Near the ends of pages more often than elsewhere. */
static uint64_t some_bit(uint64_t *rng, uint64_t len)
{
    uint64_t at = rng_below(rng, len * 8);
    if (rng_below(rng, 2) == 0)
        at = at / (KEYSPACE_PAGE_SIZE * 8) * KEYSPACE_PAGE_SIZE * 8 +
             rng_below(rng, 16);
    return MIN(at, len * 8 - 1);
}

static void check_ranges(uint64_t *rng, const char *key, const struct model *m)
{
    char line[128];
    uint64_t first = some_bit(rng, m->len);
    uint64_t last = MIN(first + some_bit(rng, m->len), m->len * 8 - 1);
    int64_t count = 0, found[2] = {-1, -1};
    for (uint64_t at = first; at <= last; at++) {
        bool bit = model_bit(m, at);
        count += bit;
        if (found[bit] < 0)
            found[bit] = (int64_t)at;
    }
    snprintf(line, sizeof(line), "BITCOUNT %s %" PRIu64 " %" PRIu64 " BIT", key,
             first, last);
    expect_number(line, count);
    for (int bit = 0; bit <= 1; bit++) {
        snprintf(line, sizeof(line), "BITPOS %s %d %" PRIu64 " %" PRIu64 " BIT",
                 key, bit, first, last);
        expect_number(line, found[bit]);
    }
}

static void check_equal(const char *key, const struct model *m)
{
    struct value v;
    assert_true(keyspace_get(f.ks, 0, bytes_str(key), &v));
    assert_true(keyspace_equals(f.ks, &v, bytes_of(m->bytes, m->len)));
}

static void combine(int op, struct model *out, const struct model *a,
                    const struct model *b)
{
    static struct model made; /* `out` may be one of the others */
    memset(&made, 0, sizeof(made));
    made.len = op == 3 ? a->len : MAX(a->len, b->len);
    for (size_t i = 0; i < made.len; i++) {
        uint8_t x = a->bytes[i], y = b->bytes[i];
        made.bytes[i] = op == 0   ? x & y
                        : op == 1 ? x | y
                        : op == 2 ? x ^ y
                                  : (uint8_t)~x;
    }
    *out = made;
}

static void test_random(void **state)
{
    static const char *const words[] = {"AND", "OR", "XOR", "NOT"};
    static const char *const keys[] = {"a", "b", "d"};
    static struct model m[3];
    uint64_t rng = 5;
    char line[128];
    UNUSED(state);
    fixture_run(&f, "FLUSHALL");
    for (int round = 0; round < 1500; round++) {
        size_t k = rng_below(&rng, 3), x = rng_below(&rng, 3);
        size_t y = rng_below(&rng, 3);
        int op = (int)rng_below(&rng, 4);
        uint64_t at = some_bit(&rng, MODEL_SIZE);
        bool bit = rng_below(&rng, 3) > 0;
        snprintf(line, sizeof(line), "SETBIT %s %" PRIu64 " %d", keys[k], at,
                 bit);
        expect_number(line, model_bit(&m[k], at));
        model_set(&m[k], at, bit);
        if (round % 20 != 0 || m[x].len == 0 || m[y].len == 0)
            continue;
        snprintf(line, sizeof(line), "BITOP %s %s %s %s", words[op], keys[k],
                 keys[x], op == 3 ? "" : keys[y]);
        combine(op, &m[k], &m[x], &m[y]);
        expect_number(line, (int64_t)m[k].len);
        check_equal(keys[k], &m[k]);
        check_ranges(&rng, keys[k], &m[k]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_far_bit_is_one_page),
        cmocka_unit_test(test_holes_stay_holes),
        cmocka_unit_test(test_and_of_different_lengths),
        cmocka_unit_test(test_short_parts_are_copied),
        cmocka_unit_test(test_what_takes_long_is_refused),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
