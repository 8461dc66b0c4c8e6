/* The row of the members. */
// link: store base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data/members.h"
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
