/*
 * Where keys are: the forms of Redis 7's key specifications, by rows that are
 * written as those of EVAL, XREAD, MIGRATE, RENAME and so on would be.
 */
// link: base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "table/table.h"

#include <stdio.h>

#define ARGC_MAX 16

/* Splits a line by its spaces. */
static uint32_t split(const char *line, struct bytes *argv)
{
    uint32_t argc = 0;
    while (*line != '\0') {
        size_t len = strcspn(line, " ");
        assert_true(argc < ARGC_MAX);
        argv[argc++] = bytes_of(line, len);
        line += len + (line[len] == ' ');
    }
    return argc;
}

/* The keys are these, "a b c"; "!" is an invalid command. */
static void expect(const struct cmd *c, const char *line, const char *keys)
{
    struct bytes argv[ARGC_MAX];
    uint32_t argc = split(line, argv);
    struct cmd_keys k;
    struct cmd_key key;
    char got[128] = "";
    size_t len = 0;
    cmd_keys_begin(&k, c, argv, argc);
    while (cmd_keys_next(&k, &key))
        len += (size_t)snprintf(got + len, sizeof(got) - len, "%s%.*s",
                                len > 0 ? " " : "", (int)argv[key.index].len,
                                (const char *)argv[key.index].data);
    assert_string_equal(k.invalid ? "!" : got, keys);
    assert_false(cmd_keys_next(&k, &key));
}

static void expect_range(const struct cmd *c, int first, int last, int step)
{
    struct cmd_key_range r = cmd_key_range(c);
    assert_int_equal(r.first, first);
    assert_int_equal(r.last, last);
    assert_int_equal(r.step, step);
}

static const struct cmd renaming = {
    .name = "rename",
    KEY_SPECS(KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE),
              KEY_AT(2, KEY_OW | KEY_UPDATE))};
static const struct cmd bitop = {
    .name = "bitop",
    KEY_SPECS(KEY_AT(2, KEY_OW | KEY_UPDATE), KEY_RANGE(3, -1, 1, KEY_RO))};
static const struct cmd blpop = {.name = "blpop",
                                 KEY_SPECS(KEY_RANGE(1, -2, 1, KEY_RW))};
static const struct cmd far = {.name = "far",
                               KEY_SPECS(KEY_AT(1, KEY_RO), KEY_AT(3, KEY_RO))};
static const struct cmd eval = {.name = "eval",
                                KEY_SPECS({.flags = KEY_RW,
                                           .index = 2,
                                           .find = KEY_FIND_KEYNUM,
                                           .keynum = 0,
                                           .first = 1,
                                           .step = 1,
                                           .none = true})};
static const struct cmd zunionstore = {
    .name = "zunionstore",
    KEY_SPECS(KEY_AT(1, KEY_OW), {.flags = KEY_RO,
                                  .index = 2,
                                  .find = KEY_FIND_KEYNUM,
                                  .keynum = 0,
                                  .first = 1,
                                  .step = 1})};
static const struct cmd xread = {.name = "xread",
                                 KEY_SPECS({.flags = KEY_RO,
                                            .begin = KEY_BEGIN_KEYWORD,
                                            .keyword = "STREAMS",
                                            .start_from = 1,
                                            .last = -1,
                                            .limit = 2,
                                            .step = 1})};
static const struct cmd migrate = {.name = "migrate",
                                   KEY_SPECS({.flags = KEY_RW,
                                              .begin = KEY_BEGIN_KEYWORD,
                                              .keyword = "KEYS",
                                              .start_from = -2,
                                              .last = -1,
                                              .step = 1})};

static void test_ranges(void **state)
{
    UNUSED(state);
    expect(&renaming, "rename a b", "a b");
    expect(&bitop, "bitop and a b c", "a b c");
    expect(&bitop, "bitop and a", "!");
    expect(&blpop, "blpop a b 0", "a b");
    expect(&blpop, "blpop a 0", "a");
    expect(&blpop, "blpop", "!");
    expect(cmd_by_id(CMD_ID_MSET), "mset a 1 b 2", "a b");
    expect(cmd_by_id(CMD_ID_MSET), "mset a 1 b", "a b");
    expect(cmd_by_id(CMD_ID_PING), "ping a", "");
    expect(cmd_by_id(CMD_ID_PFMERGE), "pfmerge a b c", "a b c");
    expect(cmd_by_id(CMD_ID_PFMERGE), "pfmerge a", "a");
    expect(cmd_by_id(CMD_ID_BITOP), "bitop and a", "!");
    expect_range(&renaming, 1, 2, 1);
    expect_range(&bitop, 2, -1, 1);
    expect_range(&blpop, 1, -2, 1);
    expect_range(cmd_by_id(CMD_ID_MSET), 1, -1, 2);
    expect_range(cmd_by_id(CMD_ID_GET), 1, 1, 1);
    expect_range(cmd_by_id(CMD_ID_PING), 0, 0, 0);
    assert_int_equal(cmd_first_key(&bitop), 2);
    assert_int_equal(cmd_first_key(cmd_by_id(CMD_ID_PING)), 0);
}

static void test_keys_beyond_the_end(void **state)
{
    UNUSED(state);
    expect(&far, "far a x b", "a b");
    expect(&far, "far a x", "!");
    expect(&far, "far", "!");
}

static void test_counted(void **state)
{
    UNUSED(state);
    expect(&eval, "eval s 2 a b c", "a b");
    expect(&eval, "eval s 0 a", "");
    expect(&eval, "eval s 0", "");
    expect(&eval, "eval s 1", "!");
    expect(&eval, "eval s 3 a b", "!");
    expect(&eval, "eval s -1 a", "!");
    expect(&eval, "eval s x a", "!");
    expect(&eval, "eval s 9223372036854775807 a", "!");
    expect(&eval, "eval s", "!");
    expect(&zunionstore, "zunionstore d 2 a b weights 1 2", "d a b");
    expect(&zunionstore, "zunionstore d 0 a", "!");
    expect(cmd_by_id(CMD_ID_SINTERCARD), "sintercard 0 a", "!");
    expect(cmd_by_id(CMD_ID_LMPOP), "lmpop 0 left left", "!");
    expect(cmd_by_id(CMD_ID_MSETEX), "msetex 0 a 1", "!");
    const struct cmd *msetex = cmd_by_id(CMD_ID_MSETEX);
    expect(msetex, "msetex 2 a 1 b 2 nx ex 5", "a b");
    expect(msetex, "msetex 2 a 1 b", "a b");
    expect(msetex, "msetex 2 a 1", "!");
    expect(msetex, "msetex x a 1", "!");
    expect_range(msetex, 0, 0, 0);
    expect_range(&eval, 0, 0, 0);
    expect_range(&zunionstore, 1, 1, 1);
    assert_int_equal(cmd_first_key(&eval), 0);
}

static void test_keywords(void **state)
{
    UNUSED(state);
    expect(&xread, "xread count 2 streams a b 0 0", "a b");
    expect(&xread, "xread Streams a 0", "a");
    expect(&xread, "xread count 2", "");
    expect(&xread, "xread streams", "!");
    expect(&migrate, "migrate h p x 0 keys keys a b", "a b");
    expect(&migrate, "migrate h p x 0 t KEYS a b", "a b");
    expect(&migrate, "migrate h p x 0 t a", "");
    expect_range(&xread, 0, 0, 0);
}

static uint32_t first_flags(const char *line)
{
    struct bytes argv[ARGC_MAX];
    uint32_t argc = split(line, argv);
    struct cmd_keys k;
    struct cmd_key key;
    cmd_keys_begin(&k, cmd_lookup(argv[0]), argv, argc);
    assert_true(cmd_keys_next(&k, &key));
    assert_int_equal(key.index, 1);
    return key.flags;
}

static void test_variable_flags(void **state)
{
    UNUSED(state);
    const uint32_t blind = KEY_OW | KEY_UPDATE;
    const uint32_t looks = KEY_RW | KEY_ACCESS | KEY_UPDATE;
    assert_int_equal(first_flags("set a b"), blind);
    assert_int_equal(first_flags("set get get"), blind);
    assert_int_equal(first_flags("set a b nx"), blind);
    assert_int_equal(first_flags("set a b nx GET"), looks);
    assert_int_equal(first_flags("set a b ifeq c"), looks);
    assert_int_equal(first_flags("set a b IFNE c"), looks);
    assert_int_equal(first_flags("set a b IFDEQ c"), looks);
    assert_int_equal(first_flags("set a b ifdne c"), looks);
    const uint32_t reads = KEY_RO | KEY_ACCESS;
    assert_int_equal(first_flags("bitfield a"), reads);
    assert_int_equal(first_flags("bitfield a get u8 0 GET u8 8"), reads);
    assert_int_equal(first_flags("bitfield a get u8 0 set u8 8 1"), looks);
    assert_int_equal(first_flags("bitfield a OVERFLOW SAT get u8 0"), reads);
    assert_int_equal(first_flags("bitfield a incrby u8 0 1"), looks);
    assert_int_equal(first_flags("bitfield a get u8"), looks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_keys_beyond_the_end),
        cmocka_unit_test(test_counted),
        cmocka_unit_test(test_keywords),
        cmocka_unit_test(test_variable_flags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
