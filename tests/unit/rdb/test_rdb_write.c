/*
 * What is written is read again: lengths at their limits, and streams whose
 * entries are alike, or not, or long.
 */
// link: base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rdb/rdb_write.h"
#include "unit/rdb/rdb_fixture.h"

static void test_lengths(void **state)
{
    UNUSED(state);
    static const uint64_t lengths[] = {
        0,         1,     63,         64,         16383,
        16384,     65536, 4294967295, 4294967296, UINT64_MAX - 1,
        UINT64_MAX};
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        struct buf b = BUF_INIT;
        struct rdb_in in;
        rdb_put_length(&b, lengths[i]);
        rdb_in_init(&in, buf_view(&b), 0);
        assert_true(rdb_in_length(&in) == lengths[i]);
        assert_int_equal(in.err, 0);
        assert_int_equal(in.rest.len, 0);
        buf_release(&b);
    }
}

#define ENTRIES 450

struct expected {
    uint32_t entries;
    struct buf value;
};

/* Entry n has the id (n / 3, n), and n % 4 + 1 fields, or two. */
static uint32_t make_entry(uint32_t n, struct buf *value,
                           struct bytes fields[8])
{
    static const size_t lengths[] = {0,   1,    63,   64,    127,
                                     128, 4095, 4096, 16384, 70000};
    uint32_t pairs = n % 7 == 0 ? n % 4 + 1 : 2;
    buf_reset(value);
    for (size_t i = 0; i < lengths[n % ARRAY_LEN(lengths)]; i++)
        buf_char(value, (char)('a' + i % 26));
    for (uint32_t i = 0; i < pairs; i++) {
        fields[2 * i] = i == 0 ? BYTES_LIT("field") : BYTES_LIT("");
        fields[2 * i + 1] = i == 0 ? buf_view(value) : BYTES_LIT("12");
    }
    return 2 * pairs;
}

static struct rdb_id id_of(uint32_t n)
{
    return (struct rdb_id){1000 + n / 3 * UINT64_C(70000), n + 1};
}

static int compare_entry(void *arg, const struct rdb_item *i)
{
    struct expected *e = arg;
    struct bytes fields[8];
    if (i->what == RDB_STREAM)
        return i->added == e->entries ? 0 : ERR_MISMATCH;
    assert_int_equal(i->what, RDB_ENTRY);
    uint32_t count = make_entry(e->entries, &e->value, fields);
    assert_int_equal(rdb_id_compare(i->id, id_of(e->entries)), 0);
    assert_int_equal(i->count, count);
    for (uint32_t n = 0; n < count; n++)
        assert_true(bytes_eq(i->fields[n], fields[n]));
    e->entries++;
    return 0;
}

static void test_streams(void **state)
{
    UNUSED(state);
    for (uint32_t entries = 0; entries <= ENTRIES; entries += 90) {
        struct rdb_nodes nodes = {.count = 0};
        struct buf out = BUF_INIT;
        struct expected e = {.entries = 0};
        struct bytes fields[8];
        buf_u8(&out, RDB_STREAM_2);
        for (uint32_t n = 0; n < entries; n++) {
            uint32_t count = make_entry(n, &e.value, fields);
            rdb_nodes_add(&nodes, id_of(n), fields, count);
        }
        rdb_nodes_end(&nodes, &out);
        rdb_put_length(&out, entries);
        rdb_put_id(&out, id_of(ENTRIES));
        rdb_put_id(&out, id_of(0));
        rdb_put_id(&out, (struct rdb_id){0, 0});
        rdb_put_length(&out, entries);
        rdb_put_length(&out, 0);
        rdb_payload_end(&out, RDB_WRITES_STREAM);
        struct rdb_limits limits = {1 << 20, 99, 1 << 26};
        assert_int_equal(rdb_payload_check(buf_view(&out), &limits), 0);
        assert_int_equal(
            rdb_payload_read(buf_view(&out), 1 << 20, compare_entry, &e), 0);
        assert_int_equal(e.entries, entries);
        buf_release(&e.value);
        buf_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
