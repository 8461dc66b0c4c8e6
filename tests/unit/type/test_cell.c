/*
 * Cells, short and long, with and without an expiry; and the keys of members.
 */
// link: data store base page
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../data/data_fixture.h"
#include "data/object.h"
#include "type/cell.h"
#include "type/member.h"

#define INLINE_MAX 512
#define BYTES_INIT(text)                                                       \
    {                                                                          \
        (const uint8_t *)(text), sizeof(text) - 1                              \
    }

static struct object *open_hash(struct fixture *f)
{
    struct object *o;
    enum object_found found =
        object_open(f->ks, 0, BYTES_LIT("h"), VALUE_HASH, &o);
    assert_int_not_equal(found, OBJECT_OTHER);
    return o;
}

static void every_length_comes_back(void **state)
{
    static char text[40000];
    static const size_t lengths[] = {0,     1,     511,   512,  513,
                                     16383, 16384, 32766, 40000};
    struct fixture f;
    struct buf stored = BUF_INIT;
    struct buf read = BUF_INIT;
    UNUSED(state);
    setup(&f);
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)(i * 31 + i / 500);
    for (size_t i = 0; i < 2 * ARRAY_LEN(lengths); i++) {
        struct bytes value = bytes_of(text, lengths[i / 2]);
        int64_t expire_ms = i % 2 == 0 ? 0 : INT64_MAX - 3;
        struct cell c;
        begin(&f);
        struct object *o = open_hash(&f);
        cell_encode(o, value, expire_ms, INLINE_MAX, &stored);
        assert_true(cell_decode(o, buf_view(&stored), &c));
        assert_int_equal(c.apart, value.len > INLINE_MAX);
        assert_int_equal(c.expire_ms, expire_ms);
        assert_int_equal(c.length, value.len);
        buf_reset(&read);
        cell_read(o, &c, &read);
        assert_true(bytes_eq(buf_view(&read), value));
        assert_true(cell_equals(o, &c, value));
        if (value.len > 0) {
            read.data[value.len - 1] ^= 1;
            assert_false(cell_equals(o, &c, buf_view(&read)));
            read.data[value.len - 1] ^= 1;
            assert_false(
                cell_equals(o, &c, bytes_of(read.data, value.len - 1)));
        }
        cell_drop(o, &c);
        assert_int_equal(o->space.used, 0);
        object_save(o);
        object_close(o);
        commit(&f);
        assert_int_equal(rows(&f, ROW_TREE), 0);
    }
    buf_release(&stored);
    buf_release(&read);
    teardown(&f);
}

static void what_cannot_be_ours(void **state)
{
    static const struct bytes damaged[] = {
        {NULL, 0},
        BYTES_INIT("\4"),
        BYTES_INIT("\2"),
        BYTES_INIT("\2\0\0\0\0\0\0\0\0v"),
        BYTES_INIT("\2\x80\0\0\0\0\0\0\1v"),
        BYTES_INIT("\1\0\0\0\0\1\0\0\0\0\0\0\0"),
        BYTES_INIT("\1\0\0\0\0\1\0\0\0\0\0\0\0\0"),
        BYTES_INIT("\1\0\0\0\0\0\0\0\0\0\0\0\0\5"),
        BYTES_INIT("\1\0\0\0\0\1\0\0\0\0\0\0\0\5\0"),
    };
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(damaged); i++) {
        struct fixture f;
        struct cell c;
        setup(&f);
        struct object *o = open_hash(&f);
        assert_false(cell_decode(o, damaged[i], &c));
        assert_int_equal(keyspace_error(f.ks), ERR_CORRUPT);
        object_close(o);
        teardown(&f);
    }
}

static void keys_of_members(void **state)
{
    struct fixture f;
    struct buf key = BUF_INIT;
    uint8_t first[MEMBER_HASH_SIZE];
    UNUSED(state);
    setup(&f);
    begin(&f);
    struct object *o = open_hash(&f);
    uint64_t hash = member_hash(o, BYTES_LIT("member"));
    assert_true(hash < UINT64_C(1) << MEMBER_HASH_BITS);
    assert_int_not_equal(hash, member_hash(o, BYTES_LIT("another")));
    member_key(o, BYTES_LIT("more than once"), &key);
    member_key(o, BYTES_LIT("member"), &key);
    assert_true(bytes_eq(member_of(buf_view(&key)), BYTES_LIT("member")));
    assert_int_equal(member_key_hash(buf_view(&key)), hash);
    struct bytes from = member_key_first(first, hash);
    assert_true(bytes_cmp(from, buf_view(&key)) < 0);
    from = member_key_first(first, hash + 1);
    assert_true(bytes_cmp(from, buf_view(&key)) > 0);
    object_close(o);
    commit(&f);
    buf_release(&key);
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_comes_back),
        cmocka_unit_test(what_cannot_be_ours),
        cmocka_unit_test(keys_of_members),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
