/* Operations on collections: what setup writes, what is asked and answered. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "bench/collection.h"

static struct bench_options options_of(enum bench_op op, int64_t keys,
                                       int64_t elements)
{
    return (struct bench_options){.op = op, .keys = keys, .elements = elements};
}

static void setup_writes_each_element_once(void **state)
{
    UNUSED(state);
    static const enum bench_op ops[] = {OP_HGET, OP_RPOP, OP_SADD, OP_ZRANGE,
                                        OP_XREAD};
    static const int64_t sizes[] = {1, 99, 100, 101, 250};
    for (size_t i = 0; i < ARRAY_LEN(ops) * ARRAY_LEN(sizes); i++) {
        struct bench_options o =
            options_of(ops[i % ARRAY_LEN(ops)], 3, sizes[i / ARRAY_LEN(ops)]);
        uint64_t seen[3] = {0};
        uint64_t commands = (uint64_t)bench_setup_commands(&o);
        for (uint64_t n = 0; n < commands; n++) {
            struct bench_request r = {.op = (enum bench_op)o.op};
            uint64_t key = bench_collection_batch(&o, n, &r);
            assert_in_range(key, 0, 2);
            assert_in_range(r.setup, 1, 100);
            /* In order, without a gap. */
            assert_int_equal(seen[key], r.element);
            seen[key] += r.setup;
        }
        for (size_t k = 0; k < 3; k++)
            assert_int_equal(o.elements, seen[k]);
    }
    struct bench_options set = options_of(OP_SET, 7, 0);
    assert_int_equal(7, bench_setup_commands(&set));
}

static void streams_are_written_in_order(void **state)
{
    UNUSED(state);
    for (int64_t op = OP_SET; op < OP_COUNT; op++) {
        struct bench_options o = options_of((enum bench_op)op, 3, 20);
        assert_int_equal(op == OP_XADD || op == OP_XREAD,
                         bench_setup_in_order(&o));
    }
}

/* What reads, or takes away, is filled by what writes the same type. */
static void setup_counts_as_what_writes(void **state)
{
    UNUSED(state);
    static const enum bench_op writers[] = {
        [OP_HSET] = OP_HSET,  [OP_HGET] = OP_HSET,  [OP_LPUSH] = OP_LPUSH,
        [OP_RPOP] = OP_LPUSH, [OP_SADD] = OP_SADD,  [OP_SISMEMBER] = OP_SADD,
        [OP_ZADD] = OP_ZADD,  [OP_ZRANK] = OP_ZADD, [OP_ZRANGE] = OP_ZADD,
        [OP_XADD] = OP_XADD,  [OP_XREAD] = OP_XADD};
    for (int64_t op = OP_HSET; op < OP_COUNT; op++) {
        assert_int_equal(writers[op], bench_collection_writer(op));
        assert_int_equal(bench_collection_family(op),
                         bench_collection_family(writers[op]));
    }
}

static void choose_many(enum bench_op op, int64_t elements, uint64_t most)
{
    struct bench_options o = options_of(op, 1, elements);
    uint64_t rng = 1, lowest = UINT64_MAX, highest = 0;
    for (int i = 0; i < 20000; i++) {
        struct bench_request r = {.op = op};
        bench_collection_choose(&o, &rng, &r);
        lowest = MIN(lowest, r.element);
        highest = MAX(highest, r.element);
        assert_in_range(r.score, 0, BENCH_SCORE_MAX - 1);
        assert_int_equal(0, r.setup);
    }
    assert_int_equal(0, lowest);
    assert_int_equal(most, highest);
}

static void elements_are_chosen_within(void **state)
{
    UNUSED(state);
    choose_many(OP_HGET, 20, 19);
    choose_many(OP_ZADD, 20, 19);
    choose_many(OP_SADD, 20, 39);
    choose_many(OP_ZRANGE, 20, 10);
    choose_many(OP_XREAD, 10, 0);
    choose_many(OP_ZRANGE, 5, 0);
}

static void expect(const struct bench_request *r, const char *want)
{
    struct buf out = {0};
    bench_collection_write(&out, r);
    buf_char(&out, '\0');
    assert_string_equal(want, (const char *)out.data);
    buf_release(&out);
}

#define KEY     "$1\r\nk\r\n"
#define VALUE   "$2\r\nab\r\n"
#define ELEMENT "$13\r\ne000000000007\r\n"

static void requests_of_operations(void **state)
{
    UNUSED(state);
    static const char *const want[] = {
        [OP_HSET] = "*4\r\n$4\r\nHSET\r\n" KEY ELEMENT VALUE,
        [OP_HGET] = "*3\r\n$4\r\nHGET\r\n" KEY ELEMENT,
        [OP_LPUSH] = "*3\r\n$5\r\nLPUSH\r\n" KEY VALUE,
        [OP_RPOP] = "*2\r\n$4\r\nRPOP\r\n" KEY,
        [OP_SADD] = "*3\r\n$4\r\nSADD\r\n" KEY ELEMENT,
        [OP_SISMEMBER] = "*3\r\n$9\r\nSISMEMBER\r\n" KEY ELEMENT,
        [OP_ZADD] = "*4\r\n$4\r\nZADD\r\n" KEY "$2\r\n42\r\n" ELEMENT,
        [OP_ZRANK] = "*3\r\n$5\r\nZRANK\r\n" KEY ELEMENT,
        [OP_ZRANGE] = "*4\r\n$6\r\nZRANGE\r\n" KEY "$1\r\n7\r\n$2\r\n16\r\n",
        [OP_XADD] = "*5\r\n$4\r\nXADD\r\n" KEY "$1\r\n*\r\n$1\r\nf\r\n" VALUE,
        [OP_XREAD] = "*6\r\n$5\r\nXREAD\r\n$5\r\nCOUNT\r\n$2\r\n10\r\n"
                     "$7\r\nSTREAMS\r\n" KEY "$3\r\n7-0\r\n",
    };
    for (int op = OP_HSET; op < OP_COUNT; op++) {
        struct bench_request r = {.op = (enum bench_op)op,
                                  .key = BYTES_LIT("k"),
                                  .value = BYTES_LIT("ab"),
                                  .element = 7,
                                  .score = 42};
        expect(&r, want[op]);
    }
}

static void requests_of_setup(void **state)
{
    UNUSED(state);
    struct bench_request r = {.op = OP_HGET,
                              .key = BYTES_LIT("k"),
                              .value = BYTES_LIT("ab"),
                              .element = 7,
                              .setup = 1};
    expect(&r, "*4\r\n$4\r\nHSET\r\n" KEY ELEMENT VALUE);
    r.op = OP_XREAD;
    expect(&r, "*5\r\n$4\r\nXADD\r\n" KEY "$3\r\n8-0\r\n$1\r\nf\r\n" VALUE);
    r.setup = 2;
    r.op = OP_LPUSH;
    expect(&r, "*4\r\n$5\r\nRPUSH\r\n" KEY VALUE VALUE);
    r.op = OP_SISMEMBER;
    expect(&r, "*4\r\n$4\r\nSADD\r\n" KEY ELEMENT "$13\r\ne000000000008\r\n");
}

static const char *judged(enum bench_op op, enum bench_reply_kind kind,
                          int64_t integer)
{
    struct bench_reply r = {.kind = kind, .integer = integer};
    bool miss = false;
    const char *wrong = bench_collection_wrong(op, &r, &miss);
    return wrong != NULL ? wrong : miss ? "miss" : "good";
}

static void answers(void **state)
{
    UNUSED(state);
    assert_string_equal("good", judged(OP_HSET, REPLY_INTEGER, 0));
    assert_string_equal("hset: not an integer", judged(OP_HSET, REPLY_NIL, 0));
    assert_string_equal("good", judged(OP_SISMEMBER, REPLY_INTEGER, 1));
    assert_string_equal("miss", judged(OP_SISMEMBER, REPLY_INTEGER, 0));
    assert_string_equal("good", judged(OP_ZRANK, REPLY_INTEGER, 0));
    assert_string_equal("miss", judged(OP_ZRANK, REPLY_NIL, 0));
    assert_string_equal("good", judged(OP_HGET, REPLY_STRING, 0));
    assert_string_equal("miss", judged(OP_RPOP, REPLY_NIL, 0));
    assert_string_equal("xadd: not a string", judged(OP_XADD, REPLY_ARRAY, 1));
    assert_string_equal("good", judged(OP_ZRANGE, REPLY_ARRAY, 10));
    assert_string_equal("miss", judged(OP_ZRANGE, REPLY_ARRAY, 0));
    assert_string_equal("miss", judged(OP_XREAD, REPLY_NIL, 0));
    assert_string_equal("xread: not an array",
                        judged(OP_XREAD, REPLY_STATUS, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(setup_writes_each_element_once),
        cmocka_unit_test(streams_are_written_in_order),
        cmocka_unit_test(setup_counts_as_what_writes),
        cmocka_unit_test(elements_are_chosen_within),
        cmocka_unit_test(requests_of_operations),
        cmocka_unit_test(requests_of_setup),
        cmocka_unit_test(answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
