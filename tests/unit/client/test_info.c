/* Values out of the text of INFO. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "client/info.h"

static const char info_text[] = "# Raft\r\n"
                                "raft_role:leader\r\n"
                                "raft_role_of_old:no\r\n"
                                "empty:\r\n"
                                "\r\n"
                                "db0:keys=3,expires=1,avg_ttl=0\n"
                                "last:yes";

static void assert_field(const char *name, const char *value)
{
    struct bytes found = info_field(bytes_str(info_text), name);
    assert_true(bytes_eq(found, bytes_str(value)));
}

static void a_field_is_found_by_its_whole_name(void **state)
{
    UNUSED(state);
    assert_field("raft_role", "leader");
    assert_field("raft_role_of_old", "no");
    assert_field("last", "yes");
    assert_field("raft", "");
    assert_field("role", "");
    assert_field("empty", "");
}

static void a_part_is_found_by_its_whole_name(void **state)
{
    UNUSED(state);
    struct bytes value = info_field(bytes_str(info_text), "db0");
    assert_true(bytes_eq(info_part(value, "keys"), BYTES_LIT("3")));
    assert_true(bytes_eq(info_part(value, "avg_ttl"), BYTES_LIT("0")));
    assert_int_equal(info_part(value, "key").len, 0);
    assert_int_equal(info_part(value, "expire").len, 0);
    assert_int_equal(info_part(BYTES_NONE, "keys").len, 0);
}

static void a_pair_ends_its_name_at_the_first_colon(void **state)
{
    UNUSED(state);
    struct bytes name, value;
    assert_true(info_pair(BYTES_LIT("a:b:c"), &name, &value));
    assert_true(bytes_eq(name, BYTES_LIT("a")));
    assert_true(bytes_eq(value, BYTES_LIT("b:c")));
    assert_false(info_pair(BYTES_LIT("# Raft"), &name, &value));
    assert_false(info_pair(BYTES_NONE, &name, &value));
}

static void lines_end_in_either_way(void **state)
{
    UNUSED(state);
    struct bytes text = BYTES_LIT("a\r\n\nb"), line;
    assert_true(info_line(&text, &line));
    assert_true(bytes_eq(line, BYTES_LIT("a")));
    assert_true(info_line(&text, &line));
    assert_int_equal(line.len, 0);
    assert_true(info_line(&text, &line));
    assert_true(bytes_eq(line, BYTES_LIT("b")));
    assert_false(info_line(&text, &line));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_field_is_found_by_its_whole_name),
        cmocka_unit_test(a_part_is_found_by_its_whole_name),
        cmocka_unit_test(a_pair_ends_its_name_at_the_first_colon),
        cmocka_unit_test(lines_end_in_either_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
