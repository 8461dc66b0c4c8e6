/*
 * What nodes send through the log for themselves, and what it leaves: the work
 * of cmd_generic.c, cmd_members.c, cmd_comparison.c and cmd_upload.c.
 */
// link: store data resp table base
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "data/comparison.h"
#include "data/members.h"
#include "data/session.h"
#include "unit/cmd/cmd_fixture.h"

/* Requests of nodes, and what looks like them and is not of a node. */
static void test_requests_of_nodes(void **state)
{
    struct fixture f;
    struct session session;
    struct comparison comparison;
    char line[64];
    uint64_t at;
    UNUSED(state);
    fixture_init(&f);
    f.internal = true;
    f.node = NODE_NONE;
    assert_string_equal(fixture_run(&f, "vard.open 7"),
                        "-ERR it is not a start of a node\r\n");
    assert_string_equal(fixture_run(&f, "vard.part 1 3 0 abc"),
                        "-ERR it is not a part of a request\r\n");
    assert_string_equal(fixture_run(&f, "vard.drop"), "+OK\r\n");
    f.node = 3;
    fixture_begin(&f);
    assert_true(session_admit(f.ks, 3, 5, 1));
    buf_reset(&f.out);
    fixture_apply(&f, "vard.open 7");
    fixture_commit(&f);
    session_get(f.ks, 3, &session);
    assert_int_equal(session.nonce, 7);
    assert_string_equal(fixture_run(&f, "vard.members 0 first 1"), ":1\r\n");
    assert_true(bytes_eq(members_desired(f.ks, &at), BYTES_LIT("first")));
    assert_int_equal(at, f.index);
    snprintf(line, sizeof(line), "vard.members %" PRIu64 " second 0", at);
    assert_string_equal(fixture_run(&f, line), "+OK\r\n");
    assert_true(bytes_eq(members_desired(f.ks, &at), BYTES_LIT("second")));
    assert_string_equal(fixture_run(&f, "vard.mark"), "+OK\r\n");
    uint64_t mark = f.index;
    comparison_get(f.ks, &comparison);
    assert_int_equal(comparison.index, mark);
    assert_int_equal(comparison.count, 0);
    snprintf(line, sizeof(line), "vard.hash %" PRIu64 " 4 55", mark);
    assert_string_equal(fixture_run(&f, line), ":1\r\n");
    f.node = 4;
    snprintf(line, sizeof(line), "vard.hash %" PRIu64 " 6 none", mark);
    assert_string_equal(fixture_run(&f, line), ":1\r\n");
    comparison_get(f.ks, &comparison);
    assert_int_equal(comparison.count, 2);
    const struct comparison_report *r = comparison_find(&comparison, 3);
    assert_true(r->found && r->hash == 55 && r->began == 4);
    r = comparison_find(&comparison, 4);
    assert_true(!r->found && r->began == 6);
    fixture_release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests_of_nodes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
