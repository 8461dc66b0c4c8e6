/*
 * The forms on disk: value headers and state keys.
 */
// link: store base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hash.h"
#include "data/key.h"
#include "data/kinds.h"
#include "data/value.h"

static void test_header(void **state)
{
    UNUSED(state);
    struct value v = {.type = VALUE_STRING,
                      .expire_ms = 0x0102030405060708,
                      .version = 0x1112131415161718};
    uint8_t row[VALUE_HEADER_SIZE + 2];
    value_encode_header(row, &v);
    row[VALUE_HEADER_SIZE] = 'h';
    row[VALUE_HEADER_SIZE + 1] = 'i';
    static const uint8_t expected[] = {
        1,    0,    0,    0,    0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07,
        0x08, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 'h',  'i'};
    assert_memory_equal(row, expected, sizeof(row));

    struct value got;
    assert_int_equal(value_decode(bytes_of(row, sizeof(row)), &got), 0);
    assert_int_equal(got.type, VALUE_STRING);
    assert_int_equal(got.expire_ms, v.expire_ms);
    assert_int_equal(got.version, v.version);
    assert_true(bytes_eq(got.data, BYTES_LIT("hi")));
}

static void test_damaged_header(void **state)
{
    UNUSED(state);
    struct value v = {.type = VALUE_STRING};
    uint8_t good[VALUE_HEADER_SIZE];
    value_encode_header(good, &v);
    for (size_t len = 0; len < VALUE_HEADER_SIZE; len++)
        assert_int_equal(value_decode(bytes_of(good, len), &v), ERR_CORRUPT);
    static const struct {
        size_t at;
        uint8_t byte;
    } damage[] = {{0, 0}, {0, 7},   {0, 255}, {1, 2},
                  {2, 1}, {3, 255}, {4, 0x80}};
    for (size_t i = 0; i < ARRAY_LEN(damage); i++) {
        uint8_t bad[VALUE_HEADER_SIZE];
        memcpy(bad, good, sizeof(bad));
        bad[damage[i].at] = damage[i].byte;
        assert_int_equal(value_decode(bytes_of(bad, sizeof(bad)), &v),
                         ERR_CORRUPT);
    }
}

/* Each type and encoding that the table has, and no other one. A new type
 * fails here until it has its line. */
static void every_form_comes_back_and_no_other(void **state)
{
    UNUSED(state);
    static const struct {
        uint8_t type;
        uint8_t encodings;
        const char *name;
        bool plain;
        uint8_t flags;
    } samples[] = {
        {VALUE_STRING, 2, "string", true, 0},
        {VALUE_LIST, 2, "list", false, VALUE_LARGE},
        {VALUE_SET, 2, "set", false, VALUE_LARGE | VALUE_INTS | VALUE_HASHED},
        {VALUE_ZSET, 2, "zset", false, VALUE_LARGE | VALUE_HASHED},
        {VALUE_HASH, 2, "hash", false,
         VALUE_LARGE | VALUE_HASHED | VALUE_FIELD_TTL},
        {VALUE_STREAM, 2, "stream", false, 0}};
    bool known[256][256] = {{false}};
    for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
        const struct value_type_info *t = value_type_info(samples[i].type);
        assert_string_equal(t->name, samples[i].name);
        assert_int_equal(t->plain, samples[i].plain);
        assert_int_equal(t->flags, samples[i].flags);
        assert_int_equal(t->trees > 0, !samples[i].plain);
        for (unsigned e = 0; e < samples[i].encodings; e++)
            known[samples[i].type][e] = true;
    }
    for (unsigned form = 0; form < 256 * 256; form++) {
        uint8_t header[VALUE_HEADER_SIZE] = {(uint8_t)(form >> 8),
                                             (uint8_t)form};
        bool expected = known[header[0]][header[1]];
        struct value v;
        assert_int_equal(value_form_known(header[0], header[1]), expected);
        assert_int_equal(value_decode(bytes_of(header, sizeof(header)), &v),
                         expected ? 0 : ERR_CORRUPT);
    }
}

/* Slots as CLUSTER KEYSLOT of redis-server gives them. */
static void test_slots(void **state)
{
    UNUSED(state);
    static const struct {
        const char *key;
        uint16_t slot;
    } slots[] = {
        {"foo", 12182},
        {"", 0},
        {"bar", 5061},
        {"123456789", 12739},
        {"{user1000}.following", 3443},
        {"{user1000}.followers", 3443},
        {"foo{}{bar}", 8363},
        {"foo{{bar}}zap", 4015},
        {"foo{bar}{zap}", 5061},
        {"{}", 15257},
        {"{a", 10276},
        {"}a{b}", 3300},
        {"a{b", 13340},
    };
    for (size_t i = 0; i < ARRAY_LEN(slots); i++)
        assert_int_equal(key_slot(bytes_str(slots[i].key)), slots[i].slot);
}

static void test_key(void **state)
{
    UNUSED(state);
    struct buf key = BUF_INIT;
    struct bytes user = BYTES_LIT("foo");
    uint64_t hash = hash64(user);
    key_encode(&key, 9, 0, BYTES_LIT("longer than the next"));
    key_encode(&key, 9, 0x01020304, user);
    assert_int_equal(key.len, KEY_PREFIX_SIZE + 3);
    assert_int_equal(key.data[0], 'k'); /* on disk */
    assert_int_equal(row_db(buf_view(&key)), 9);
    assert_memory_equal(key.data + 2, "\1\2\3\4", 4);
    assert_int_equal(row_epoch(buf_view(&key)), 0x01020304);
    assert_int_equal(key.data[6] << 8 | key.data[7], 12182);
    for (int i = 0; i < 6; i++)
        assert_int_equal(key.data[8 + i], (uint8_t)(hash >> (56 - 8 * i)));
    assert_memory_equal(key.data + KEY_PREFIX_SIZE, "foo", 3);
    buf_release(&key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header),
        cmocka_unit_test(test_damaged_header),
        cmocka_unit_test(every_form_comes_back_and_no_other),
        cmocka_unit_test(test_slots),
        cmocka_unit_test(test_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
