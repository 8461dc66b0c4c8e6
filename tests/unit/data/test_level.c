/* The row of the level. */
// link: store base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/level.h"
#include "data/level.h"
#include "data/members.h"
#include "data/meta.h"
#include "unit/data/data_fixture.h"

static bool has_row(struct fixture *f)
{
    struct buf value = BUF_INIT;
    int err = store_get(f->store, STORE_STATE, meta_level_key(), &value);
    assert_true(err == 0 || err == ERR_NOT_FOUND);
    buf_release(&value);
    return err == 0;
}

/* An entry raises it for those behind it; it is written with its position, and
 * only when it is not the first. */
static void test_level(void **state)
{
    UNUSED(state);
    struct fixture f;
    setup(&f);
    assert_int_equal(level_get(f.ks), LEVEL_MIN);
    begin(&f);
    members_set(f.ks, BYTES_LIT("who"));
    level_raise(f.ks, LEVEL_MIN);
    commit(&f);
    assert_false(has_row(&f));
    begin(&f);
    level_raise(f.ks, 3);
    assert_int_equal(level_get(f.ks), 3);
    commit(&f);
    assert_true(has_row(&f));
    begin(&f);
    level_raise(f.ks, 3);
    put(&f, 0, "a", "1", 0);
    commit(&f);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(level_get(f.ks), 3);
        keyspace_close(f.ks);
        open_keyspace(&f);
    }
    begin(&f);
    level_raise(f.ks, UINT16_MAX);
    commit(&f);
    keyspace_close(f.ks);
    open_keyspace(&f);
    assert_int_equal(level_get(f.ks), UINT16_MAX);
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_level),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
