// link: rocks -Wl,--wrap=rocks_version
/*
 * Linked to a RocksDB that was not tested, the room opens what is whole, and
 * neither interprets a text nor repairs anything.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "contract/temp_dir.h"
#include "os/file.h"
#include "rocks/damage.h"
#include "rocks/rocks.h"
#include "rocks/rocks_version.h"

#include <string.h>

#define PATH_SIZE (2 * TEMP_PATH_SIZE)

/* The linker sends ours here first. */
static const char *pretended;
const char *__real_rocks_version(void);
const char *__wrap_rocks_version(void);

const char *__wrap_rocks_version(void)
{
    return pretended != NULL ? pretended : __real_rocks_version();
}

struct fixture {
    struct temp_dir dir;
    char db[PATH_SIZE];
    struct buf error;
};

static int open_db(struct fixture *f, struct store **s)
{
    const struct rocks_options options = {
        .state_memory_bytes = 1024 * 1024,
        .log_memory_bytes = 1024 * 1024,
        .block_cache_bytes = 1024 * 1024,
        .create = true,
    };
    buf_reset(&f->error);
    return rocks_open(s, f->db, &options, &f->error);
}

static void expect_text(struct fixture *f, const char *words)
{
    buf_char(&f->error, 0);
    assert_non_null(strstr((char *)f->error.data, words));
}

static int setup(void **state)
{
    static struct fixture f;
    struct store *s;
    pretended = NULL;
    f = (struct fixture){.dir = temp_dir_new()};
    temp_dir_file(&f.dir, "db", f.db);
    assert_int_equal(open_db(&f, &s), 0);
    store_close(s);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    buf_release(&f->error);
    temp_dir_remove(&f->dir);
    return 0;
}

static void which_versions_are_tested(void **state)
{
    UNUSED(state);
    assert_true(rocks_version_is_tested("7.8.3"));
    assert_true(rocks_version_is_tested("7.8.11"));
    assert_true(rocks_version_is_tested("7.8"));
    assert_false(rocks_version_is_tested("7.80.1"));
    assert_false(rocks_version_is_tested("7.9.2"));
    assert_false(rocks_version_is_tested("17.8.3"));
    assert_false(rocks_version_is_tested("9.10.0"));
    assert_false(rocks_version_is_tested("unknown"));
    assert_false(rocks_version_is_tested(""));
}

/* Whoever builds with another one is told by this test. */
static void the_linked_version_is_tested(void **state)
{
    UNUSED(state);
    assert_true(rocks_version_is_tested(rocks_version()));
}

static void a_whole_database_is_opened(void **state)
{
    struct fixture *f = *state;
    struct store *s;
    pretended = "9.10.0";
    assert_int_equal(open_db(f, &s), 0);
    store_close(s);
}

static void damage_is_not_claimed(void **state)
{
    struct fixture *f = *state;
    struct store *s;
    char current[PATH_SIZE];
    int len = snprintf(current, sizeof(current), "%s/CURRENT", f->db);
    assert_in_range(len, 1, sizeof(current) - 1);
    assert_int_equal(file_replace(current, BYTES_LIT("nonsense")), 0);

    assert_int_equal(open_db(f, &s), ERR_CORRUPT);
    expect_text(f, "the database is damaged");
    pretended = "9.10.0";
    assert_int_equal(open_db(f, &s), ERR_IO);
    expect_text(f, "linked to RocksDB 9.10.0 but was tested with 7.8 only");
}

static void texts_are_not_interpreted(void **state)
{
    UNUSED(state);
    assert_int_equal(damage_kind("Corruption: block"), ERR_CORRUPT);
    assert_true(damage_lacks_families("Column family not found: log"));
    pretended = "9.10.0";
    assert_int_equal(damage_kind("Corruption: block"), ERR_IO);
    assert_false(damage_lacks_families("Column family not found: log"));
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(which_versions_are_tested),  TEST(the_linked_version_is_tested),
        TEST(a_whole_database_is_opened), TEST(damage_is_not_claimed),
        TEST(texts_are_not_interpreted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
