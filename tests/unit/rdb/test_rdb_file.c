/*
 * Files: keys with their databases and times, what is passed over, and files
 * that are cut, damaged or of another version.
 */
// link: base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rdb/crc64.h"
#include "rdb/rdb_file.h"
#include "rdb/rdb_write.h"
#include "unit/rdb/goldens.h"
#include "unit/rdb/rdb_fixture.h"

struct input {
    struct bytes rest;
    size_t step;
};

static int more(void *arg, struct buf *to)
{
    struct input *in = arg;
    size_t len = MIN(in->step, in->rest.len);
    if (len == 0)
        return ERR_CLOSED;
    buf_append(to, in->rest.data, len);
    in->rest = bytes_from(in->rest, len);
    return 0;
}

/* Keys of all goldens, a database for every ten of them. */
static void make_file(struct buf *file)
{
    struct buf payload = BUF_INIT;
    buf_str(file, "REDIS0012\xfa\x09redis-ver\x06"
                  "7.0.15");
    for (size_t i = 0; i < ARRAY_LEN(goldens); i++) {
        if (i % 10 == 0) {
            buf_u8(file, 0xfe);
            rdb_put_length(file, i / 10);
            buf_append(file, "\xfb\x0a\x00", 3);
        }
        from_hex(goldens[i].hex, &payload);
        if (i % 3 == 1) {
            buf_u8(file, 0xfc);
            buf_u64(file, 1900000000000 + i);
        }
        buf_u8(file, payload.data[0]);
        rdb_put_string(file, bytes_str(goldens[i].name));
        buf_append(file, payload.data + 1, payload.len - 11);
    }
    buf_u8(file, 0xff);
    buf_u64(file, crc64(0, buf_view(file)));
    buf_release(&payload);
}

/* All keys; the result of the end, or of what is before it. */
static int read_all(struct bytes b, size_t step, size_t *keys)
{
    struct input in = {b, step};
    struct rdb_file f;
    struct rdb_key key;
    *keys = 0;
    rdb_file_init(&f, more, &in, 1 << 20);
    int err = rdb_file_begin(&f);
    while (err == 0 && (err = rdb_file_next(&f, &key)) == 1) {
        ++*keys;
        err = 0;
    }
    rdb_file_release(&f);
    return err;
}

static void test_keys(void **state)
{
    UNUSED(state);
    struct buf file = BUF_INIT;
    struct buf payload = BUF_INIT;
    struct rdb_file f;
    struct rdb_key key;
    make_file(&file);
    struct input in = {buf_view(&file), 13};
    rdb_file_init(&f, more, &in, 1 << 20);
    assert_int_equal(rdb_file_begin(&f), 0);
    for (size_t i = 0; i < ARRAY_LEN(goldens); i++) {
        assert_int_equal(rdb_file_next(&f, &key), 1);
        from_hex(goldens[i].hex, &payload);
        assert_int_equal(key.db, i / 10);
        assert_true(bytes_eq(key.name, bytes_str(goldens[i].name)));
        assert_true(key.expire_ms ==
                    (i % 3 == 1 ? INT64_C(1900000000000) + (int64_t)i : 0));
        assert_int_equal(key.kind, rdb_kind(payload.data[0]));
        assert_true(rdb_payload_whole(key.payload));
        assert_true(bytes_eq(bytes_of(key.payload.data, key.payload.len - 10),
                             bytes_of(payload.data, payload.len - 10)));
    }
    assert_int_equal(rdb_file_next(&f, &key), 0);
    rdb_file_release(&f);
    buf_release(&file);
    buf_release(&payload);
}

static void test_cut(void **state)
{
    UNUSED(state);
    struct buf file = BUF_INIT;
    size_t keys = 0;
    make_file(&file);
    for (size_t len = 0; len < file.len; len += len < 200 ? 1 : 37) {
        int err = read_all(bytes_of(file.data, len), 4096, &keys);
        assert_int_equal(err, len < 9 ? ERR_CORRUPT : ERR_CLOSED);
    }
    assert_int_equal(read_all(buf_view(&file), 4096, &keys), 0);
    assert_int_equal(keys, ARRAY_LEN(goldens));
    buf_release(&file);
}

static void test_damaged(void **state)
{
    UNUSED(state);
    struct buf file = BUF_INIT;
    size_t keys = 0;
    make_file(&file);
    for (size_t bit = 0; bit < file.len * 8; bit += 59) {
        file.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_true(read_all(buf_view(&file), 4096, &keys) < 0);
        file.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    buf_release(&file);
}

static int read_bytes(const char *b, size_t len, size_t *keys)
{
    return read_all(bytes_of(b, len), 5, keys);
}
#define READ(text) read_bytes(text, sizeof(text) - 1, &keys)
#define NO_SUM     "\xff\0\0\0\0\0\0\0\0"
#define KEY        "\0\1k\1v"

static void test_versions(void **state)
{
    UNUSED(state);
    size_t keys = 0;
    assert_int_equal(READ("REDIS0001" KEY "\xff"), 0); /* without a checksum */
    assert_int_equal(keys, 1);
    assert_int_equal(READ("REDIS0012" KEY NO_SUM), 0);
    assert_int_equal(READ("VALKEY080" KEY NO_SUM), 0);
    assert_int_equal(READ("REDIS0013" KEY NO_SUM), ERR_MISMATCH);
    assert_int_equal(READ("REDIS0000" KEY NO_SUM), ERR_MISMATCH);
    assert_int_equal(READ("REDIS9999" KEY NO_SUM), ERR_MISMATCH);
    assert_int_equal(READ("RADIS0009" KEY NO_SUM), ERR_CORRUPT);
    assert_int_equal(READ(""), ERR_CORRUPT);
    assert_int_equal(READ("REDIS0009" KEY "\xff\1\0\0\0\0\0\0\0"),
                     ERR_MISMATCH);
}

static void test_marks(void **state)
{
    UNUSED(state);
    size_t keys = 0;
    /* An expiry in seconds, how idle, how often, the sizes, a slot, a
     * library. */
    assert_int_equal(READ("REDIS0010\xfd\1\0\0\0\xf8\5\xf9\7" KEY
                          "\xfb\1\1\xf4\1\1\1\xf5\3lib" KEY NO_SUM),
                     0);
    assert_int_equal(keys, 2);
    /* What a module says about all, and a value of its. */
    assert_int_equal(READ("REDIS0010\xf7\5\2\1\5\1x\0"
                          "\7\1m\5\2\7\4"
                          "12345678\3"
                          "1234\1\5\0" KEY NO_SUM),
                     0);
    assert_int_equal(keys, 2);
    assert_int_equal(READ("REDIS0010\xf0" KEY NO_SUM), ERR_INVALID);
    assert_int_equal(READ("REDIS0010\xf3" KEY NO_SUM), ERR_INVALID);
    assert_int_equal(READ("REDIS0010\xf6\1a" KEY NO_SUM), ERR_INVALID);
    assert_int_equal(READ("REDIS0010\x06\1m\5" KEY NO_SUM), ERR_INVALID);
    assert_int_equal(READ("REDIS0010\x30\1m\5" KEY NO_SUM), ERR_INVALID);
    assert_int_equal(READ("REDIS0010\x07\1m\5\6" KEY NO_SUM), ERR_CORRUPT);
}

/* A value that is longer than asked for has no payload, and the next one has.
 */
static void test_long(void **state)
{
    UNUSED(state);
    static const char text[] = "REDIS0010\0\1a\12"
                               "0123456789\0\1b\1v" NO_SUM;
    struct input in = {bytes_of(text, sizeof(text) - 1), 3};
    struct rdb_file f;
    struct rdb_key key;
    rdb_file_init(&f, more, &in, 8);
    assert_int_equal(rdb_file_begin(&f), 0);
    assert_int_equal(rdb_file_next(&f, &key), 1);
    assert_int_equal(key.payload.len, 0);
    assert_int_equal(key.items, 1);
    assert_int_equal(rdb_file_next(&f, &key), 1);
    assert_int_equal(key.payload.len, 13);
    assert_int_equal(rdb_file_next(&f, &key), 0);
    rdb_file_release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),    cmocka_unit_test(test_cut),
        cmocka_unit_test(test_damaged), cmocka_unit_test(test_versions),
        cmocka_unit_test(test_marks),   cmocka_unit_test(test_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
