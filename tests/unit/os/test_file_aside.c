/* Files and directories that are put aside instead of deleted. */
// link: os base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/stat.h>

#include "contract/temp_dir.h"
#include "os/file.h"

static void put(struct temp_dir *dir, const char *name, const char *text)
{
    char path[TEMP_PATH_SIZE];
    assert_int_equal(
        file_replace(temp_dir_file(dir, name, path), bytes_str(text)), 0);
}

static bool has(struct temp_dir *dir, const char *name, const char *text)
{
    char path[TEMP_PATH_SIZE];
    struct buf content = BUF_INIT;
    int rc = file_read(temp_dir_file(dir, name, path), 1000, &content);
    bool same = rc == 0 && bytes_eq(buf_view(&content), bytes_str(text));
    buf_release(&content);
    return same;
}

/* What was put aside before gives way, with all that is in it; a link in it
 * is removed and not followed. */
static void test_set_aside(void **state)
{
    struct temp_dir dir = temp_dir_new();
    char path[TEMP_PATH_SIZE];
    char other[TEMP_PATH_SIZE];
    UNUSED(state);

    assert_int_equal(file_set_aside(temp_dir_file(&dir, "none", path)), 0);
    put(&dir, "outside", "stays");
    for (int round = 0; round < 2; round++) {
        assert_int_equal(mkdir(temp_dir_file(&dir, "db", path), 0700), 0);
        assert_int_equal(mkdir(temp_dir_file(&dir, "db/sub", path), 0700), 0);
        put(&dir, "db/sub/file", round == 0 ? "old" : "new");
        assert_int_equal(symlink(temp_dir_file(&dir, "outside", other),
                                 temp_dir_file(&dir, "db/link", path)),
                         0);
        assert_int_equal(file_set_aside(temp_dir_file(&dir, "db", path)), 0);
        assert_int_equal(access(path, F_OK), -1);
    }
    assert_true(has(&dir, "db.damaged/sub/file", "new"));
    assert_true(has(&dir, "outside", "stays"));
    temp_dir_remove(&dir);
}

static void test_move_all(void **state)
{
    struct temp_dir dir = temp_dir_new();
    char path[TEMP_PATH_SIZE];
    char to[TEMP_PATH_SIZE];
    UNUSED(state);

    assert_int_equal(mkdir(temp_dir_file(&dir, "db", path), 0700), 0);
    put(&dir, "db/1.log", "one");
    put(&dir, "db/22.log", "two");
    put(&dir, "db/3.sst", "stays");
    put(&dir, "db/.log", "no name before the suffix");
    temp_dir_file(&dir, "aside", to);
    assert_int_equal(file_move_all(path, ".log", to), 0);
    assert_true(has(&dir, "aside/1.log", "one"));
    assert_true(has(&dir, "aside/22.log", "two"));
    assert_false(has(&dir, "db/1.log", "one"));
    assert_true(has(&dir, "db/3.sst", "stays"));
    assert_true(has(&dir, "db/.log", "no name before the suffix"));
    assert_int_equal(file_move_all(path, ".log", to), 0); /* nothing left */
    temp_dir_file(&dir, "none", path);
    assert_int_equal(file_move_all(path, ".log", to), ERR_NOT_FOUND);
    temp_dir_remove(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_aside),
        cmocka_unit_test(test_move_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
