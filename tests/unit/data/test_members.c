/* The row of the members. */
// link: store base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data/members.h"
#include "data/meta.h"
#include "unit/data/data_fixture.h"

static void expect_members(struct fixture *f, uint64_t index, const char *text)
{
    uint64_t at = 99;
    struct bytes record = members_get(f->ks, &at);
    assert_int_equal(at, index);
    assert_true(bytes_eq(record, bytes_str(text)));
}

/* What an entry says of the members is written with its position. */
static void test_members(void **state)
{
    UNUSED(state);
    struct fixture f;
    setup(&f);
    expect_members(&f, 0, "");
    begin(&f);
    commit(&f);
    begin(&f);
    members_set(f.ks, BYTES_LIT("two"));
    commit(&f);
    expect_members(&f, 2, "two");
    begin(&f);
    put(&f, 0, "a", "1", 0);
    commit(&f);
    expect_members(&f, 2, "two");
    keyspace_close(f.ks);
    open_keyspace(&f);
    expect_members(&f, 2, "two");
    begin(&f);
    members_set(f.ks, BYTES_LIT("four"));
    commit(&f);
    keyspace_close(f.ks);
    open_keyspace(&f);
    expect_members(&f, 4, "four");
    teardown(&f);
}

static void expect_desired(struct fixture *f, uint64_t index, const char *text)
{
    uint64_t at = 99;
    struct bytes record = members_desired(f->ks, &at);
    assert_int_equal(at, index);
    assert_true(bytes_eq(record, bytes_str(text)));
}

/* What they are to be is replaced by who knows what stands. */
static void test_desired(void **state)
{
    UNUSED(state);
    static const uint8_t long_record[META_MEMBERS_MAX + 1] = {1};
    struct fixture f;
    setup(&f);
    expect_desired(&f, 0, "");
    begin(&f);
    assert_false(members_desire(f.ks, 1, BYTES_LIT("one")));
    assert_false(members_desire(f.ks, 0, BYTES_NONE));
    assert_false(
        members_desire(f.ks, 0, bytes_of(long_record, META_MEMBERS_MAX + 1)));
    commit(&f);
    expect_desired(&f, 0, "");
    begin(&f);
    assert_true(members_desire(f.ks, 0, BYTES_LIT("two")));
    assert_false(members_desire(f.ks, 0, BYTES_LIT("three")));
    members_set(f.ks, BYTES_LIT("members"));
    commit(&f);
    expect_desired(&f, 2, "two");
    keyspace_close(f.ks);
    open_keyspace(&f);
    expect_desired(&f, 2, "two");
    expect_members(&f, 2, "members");
    begin(&f);
    assert_false(members_desire(f.ks, 0, BYTES_LIT("no")));
    assert_true(
        members_desire(f.ks, 2, bytes_of(long_record, META_MEMBERS_MAX)));
    commit(&f);
    uint64_t at = 0;
    assert_int_equal(members_desired(f.ks, &at).len, META_MEMBERS_MAX);
    assert_int_equal(at, 3);
    keyspace_close(f.ks);
    open_keyspace(&f);
    assert_int_equal(members_desired(f.ks, &at).len, META_MEMBERS_MAX);
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_desired),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
