/*
 * How far an import has come, written and read again; and lines that are
 * others.
 */
// link: base os
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "import/state.h"
#include "os/file.h"

static void test_round(void **state)
{
    UNUSED(state);
    char dir[] = "/tmp/vard-import-XXXXXX";
    char path[64];
    struct import_state s = {UINT64_MAX, 1, 2, 3, 4, 5};
    struct import_state t;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/state", dir);
    assert_int_equal(import_state_read(path, &t), ERR_NOT_FOUND);
    assert_int_equal(import_state_write(path, &s), 0);
    assert_int_equal(import_state_read(path, &t), 0);
    assert_memory_equal(&s, &t, sizeof(s));
    /* Each part of the line is no state. */
    struct buf line = BUF_INIT;
    assert_int_equal(file_read(path, 4096, &line), 0);
    for (size_t len = 0; len < line.len - 1; len++) {
        assert_int_equal(file_replace(path, bytes_of(line.data, len)), 0);
        assert_int_equal(import_state_read(path, &t), ERR_CORRUPT);
    }
    buf_release(&line);
    assert_int_equal(file_remove_tree(dir), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
