/*
 * The command table: order, lookup, arity, and that each row agrees with
 * itself and with the others. That every row has its function is for
 * unit/cmd/test_functions and unit/admin/test_functions.
 */
// link: base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "table/table.h"

static const struct cmd *row(int id)
{
    return cmd_by_id((enum cmd_id)id);
}

static bool has(const struct cmd *c, uint32_t flag)
{
    return (c->flags & flag) != 0;
}

static int bits(uint32_t word)
{
    return __builtin_popcount(word);
}

/* --- the ids ------------------------------------------------------------ */

static void test_order(void **state)
{
    UNUSED(state);
    for (int id = 0; id < CMD_ID_COUNT; id++) {
        assert_int_equal(row(id)->id, id);
        if (id > 0 && id != CMD_ID_COMMANDS)
            assert_true(strcmp(row(id - 1)->name, row(id)->name) < 0);
    }
    assert_int_equal(cmd_count(), CMD_ID_COMMANDS);
    assert_ptr_equal(cmd_at(cmd_count() - 1), row(CMD_ID_LAST_COMMAND));
}

static void test_every_row_is_written_once(void **state)
{
    UNUSED(state);
    bool seen[CMD_ID_COUNT] = {false};
    for (size_t i = 0; i < CMD_ID_COUNT; i++) {
        assert_false(seen[cmd_as_written(i)->id]);
        seen[cmd_as_written(i)->id] = true;
    }
}

/* --- lookup ------------------------------------------------------------- */

static void upper(const char *name, char out[64])
{
    size_t at = 0;
    for (; name[at] != '\0' && at < 63; at++)
        out[at] = name[at] >= 'a' && name[at] <= 'z'
                      ? (char)(name[at] - 'a' + 'A')
                      : name[at];
    out[at] = '\0';
}

static void test_lookup(void **state)
{
    UNUSED(state);
    for (size_t i = 0; i < cmd_count(); i++) {
        char text[64];
        const char *name = cmd_at(i)->name;
        upper(name, text);
        assert_ptr_equal(cmd_lookup(bytes_str(name)), cmd_at(i));
        assert_ptr_equal(cmd_lookup(bytes_str(text)), cmd_at(i));
        assert_ptr_equal(cmd_lookup_any(bytes_str(text)), cmd_at(i));
        assert_true(cmd_lookup(bytes_of(name, strlen(name) - 1)) != cmd_at(i));
    }
    assert_null(cmd_lookup(BYTES_NONE));
    assert_null(cmd_lookup(BYTES_LIT("nosuch")));
    assert_null(cmd_lookup(BYTES_LIT("get ")));
    assert_null(cmd_lookup(bytes_of("get\0", 4)));
    assert_null(cmd_lookup(BYTES_LIT("averyveryverylongnameofacommand")));
    assert_null(cmd_lookup(BYTES_LIT("averyveryverylongnameofacommandindeed")));
    assert_null(cmd_lookup(BYTES_LIT("client|id")));
}

static void test_lookup_of_subcommands(void **state)
{
    UNUSED(state);
    for (int id = CMD_ID_COMMANDS; id < CMD_ID_COUNT; id++) {
        char text[64];
        const struct cmd *container = row(row(id)->container);
        const char *word = strchr(row(id)->name, '|') + 1;
        upper(word, text);
        assert_ptr_equal(cmd_lookup_sub(container, bytes_str(word)), row(id));
        assert_ptr_equal(cmd_lookup_sub(container, bytes_str(text)), row(id));
        upper(row(id)->name, text);
        assert_ptr_equal(cmd_lookup_any(bytes_str(text)), row(id));
    }
    const struct cmd *client = row(CMD_ID_CLIENT);
    assert_null(cmd_lookup_sub(client, BYTES_NONE));
    assert_null(cmd_lookup_sub(client, BYTES_LIT("nosuch")));
    assert_null(cmd_lookup_sub(client, BYTES_LIT("rewrite")));
    assert_null(cmd_lookup_sub(client, BYTES_LIT("id|id")));
    assert_null(cmd_lookup_any(BYTES_LIT("client|")));
    assert_null(cmd_lookup_any(BYTES_LIT("client|nosuch")));
}

/* What came with a later level is not there before. */
static void test_levels(void **state)
{
    UNUSED(state);
    struct bytes next = BYTES_LIT("VARD.next");
    assert_int_equal(cmd_level(cmd_lookup(next)), LEVEL_NEXT);
    assert_true(LEVEL_NEXT > LEVEL_MAX);
    assert_null(cmd_lookup_at(next, LEVEL_NEXT - 1));
    assert_null(cmd_lookup_any_at(next, LEVEL_NEXT - 1));
    assert_ptr_equal(cmd_lookup_at(next, LEVEL_NEXT), row(CMD_ID_VARD_NEXT));
    assert_ptr_equal(cmd_lookup_any_at(next, UINT16_MAX),
                     row(CMD_ID_VARD_NEXT));
    for (int id = 0; id < CMD_ID_COUNT; id++) {
        const struct cmd *c = row(id);
        if (id == CMD_ID_VARD_NEXT)
            continue;
        assert_in_range(cmd_level(c), LEVEL_MIN, LEVEL_MAX);
        assert_ptr_equal(cmd_lookup_any_at(bytes_str(c->name), cmd_level(c)),
                         c);
        if (c->container != CMD_ID_NONE)
            assert_true(cmd_level(c) >= cmd_level(row(c->container)));
    }
    const struct cmd *client = row(CMD_ID_CLIENT);
    assert_ptr_equal(cmd_lookup_sub_at(client, BYTES_LIT("ID"), LEVEL_MIN),
                     row(CMD_ID_CLIENT_ID));
    assert_null(cmd_lookup_sub_at(client, BYTES_LIT("nosuch"), UINT16_MAX));
}

/* --- a row agrees with itself ------------------------------------------- */

static void test_rows_are_complete(void **state)
{
    UNUSED(state);
    for (int id = 0; id < CMD_ID_COUNT; id++) {
        const struct cmd *c = row(id);
        assert_true(c->arity != 0 && c->name[0] != '\0');
        assert_true(c->summary != NULL && c->summary[0] != '\0');
        assert_true(c->complexity != NULL && c->complexity[0] != '\0');
        assert_true(c->since != NULL && c->since[0] != '\0');
        assert_true(c->family[0] != '\0');
        assert_true(c->syntax == NULL || c->syntax[0] != '\0');
        assert_true(c->tips == NULL || c->tips[0] != '\0');
        assert_true((c->keys != NULL) == (c->key_specs > 0));
    }
}

/* Who executes it: the data (reading or writing), this node, or, of a wrapper,
 * whoever executes what is in it. */
static void test_rows_are_of_one_kind(void **state)
{
    UNUSED(state);
    for (int id = 0; id < CMD_ID_COUNT; id++) {
        const struct cmd *c = row(id);
        bool data = cmd_is_data(c);
        assert_int_equal(data + has(c, CMD_LOCAL) + has(c, CMD_WRAPPER) +
                             has(c, CMD_MULTI),
                         1);
        if (data)
            assert_int_equal(has(c, CMD_READ) + has(c, CMD_WRITE), 1);
        if (has(c, CMD_LOCAL))
            assert_false(has(c, CMD_READ | CMD_WRITE));
        assert_true(!has(c, CMD_ADMIN | CMD_NO_AUTH) || has(c, CMD_LOCAL));
        assert_true(!has(c, CMD_INTERNAL) || data);
        assert_true(!has(c, CMD_UPKEEP) || has(c, CMD_INTERNAL));
    }
}

static void test_categories_follow_flags(void **state)
{
    UNUSED(state);
    for (int id = 0; id < CMD_ID_COUNT; id++) {
        const struct cmd *c = row(id);
        uint32_t cat = c->categories;
        assert_true(cat < 1u << CAT_BITS);
        assert_int_equal(bits(cat & (CAT_FAST | CAT_SLOW)), 1);
        assert_true(has(c, CMD_FAST) == ((cat & CAT_FAST) != 0));
        assert_true(has(c, CMD_WRITE) == ((cat & CAT_WRITE) != 0));
        assert_true(has(c, CMD_READ) == ((cat & CAT_READ) != 0));
        assert_true(!has(c, CMD_ADMIN) || (cat & CAT_ADMIN) != 0);
        assert_true((cat & CAT_ADMIN) == 0 || (cat & CAT_DANGEROUS) != 0);
    }
}

/* A family has a category of its own, which none of its rows may forget. */
static void test_categories_follow_families(void **state)
{
    UNUSED(state);
    for (int id = 0; id < CMD_ID_COUNT; id++) {
        const struct cmd *c = row(id);
        bool data = cmd_is_data(c);
        if (strcmp(c->family, "string") == 0)
            assert_true((c->categories & CAT_STRING) != 0);
        if (strcmp(c->family, "bitmap") == 0)
            assert_true((c->categories & CAT_BITMAP) != 0);
        if (strcmp(c->family, "set") == 0)
            assert_true((c->categories & CAT_SET) != 0);
        if (strcmp(c->family, "geo") == 0)
            assert_true((c->categories & CAT_GEO) != 0);
        if (strcmp(c->family, "sorted-set") == 0)
            assert_true((c->categories & CAT_SORTEDSET) != 0);
        if (strcmp(c->family, "hyperloglog") == 0)
            assert_true((c->categories & CAT_HYPERLOGLOG) != 0);
        if (strcmp(c->family, "connection") == 0)
            assert_true((c->categories & CAT_CONNECTION) != 0);
        bool sorts = c->id == CMD_ID_SORT || c->id == CMD_ID_SORT_RO;
        if (strcmp(c->family, "generic") == 0 && data && !sorts)
            assert_true((c->categories & CAT_KEYSPACE) != 0);
        assert_true(has(c, CMD_INTERNAL) ==
                    (strcmp(c->family, "internal") == 0));
    }
}

/* --- keys --------------------------------------------------------------- */

static void check_spec(const struct cmd *c, const struct key_spec *s)
{
    assert_int_equal(bits(s->flags & (KEY_RO | KEY_RW | KEY_OW | KEY_RM)), 1);
    assert_true(s->step > 0);
    assert_true(s->begin == KEY_BEGIN_KEYWORD || s->index > 0);
    if (has(c, CMD_READ))
        assert_true((s->flags & KEY_RO) != 0);
}

/* A write may read some of its keys (SINTERSTORE), but not all. */
static void check_writes(const struct cmd *c)
{
    uint32_t written = 0;
    for (uint32_t i = 0; i < c->key_specs; i++)
        written += (c->keys[i].flags & KEY_RO) == 0;
    if (c->id == CMD_ID_XREADGROUP)
        return; /* changes the group, which Redis does not count */
    if (has(c, CMD_WRITE) && !has(c, CMD_INTERNAL) && c->key_specs > 0)
        assert_true(written > 0);
}

/* The fewest arguments that the arity allows have the keys in their places. */
static void test_keys_fit_the_arity(void **state)
{
    UNUSED(state);
    for (int id = 0; id < CMD_ID_COUNT; id++) {
        const struct cmd *c = row(id);
        struct bytes argv[16];
        uint32_t argc = (uint32_t)(c->arity < 0 ? -c->arity : c->arity);
        struct cmd_keys keys;
        struct cmd_key key;
        uint32_t found = 0;
        check_writes(c);
        assert_true(argc <= ARRAY_LEN(argv));
        for (uint32_t i = 0; i < argc; i++)
            argv[i] = BYTES_LIT("1");
        for (uint32_t i = 0; i < c->key_specs; i++) {
            check_spec(c, &c->keys[i]);
            bool fits = argc > 3; /* the word, a key, an ID */
            if (fits && c->keys[i].begin == KEY_BEGIN_KEYWORD)
                argv[argc - 3] = bytes_str(c->keys[i].keyword);
        }
        cmd_keys_begin(&keys, c, argv, argc);
        while (cmd_keys_next(&keys, &key))
            found++;
        assert_false(keys.invalid);
        assert_true((found > 0) == (c->key_specs > 0));
    }
}

/* All that work on one type do so on keys. */
static void test_strings_have_keys(void **state)
{
    UNUSED(state);
    for (int id = 0; id < CMD_ID_COUNT; id++)
        assert_true((row(id)->categories & CAT_STRING) == 0 ||
                    row(id)->key_specs > 0);
}

/* Whatever the last one was, the answer is that of a lookup. */
static void test_lookup_again(void **state)
{
    static const char *const names[] = {"get", "GET", "gEt",       "set",
                                        "ge",  "",    "client|id", "vard.next"};
    UNUSED(state);
    for (int id = CMD_ID_NONE; id < CMD_ID_COUNT; id++) {
        const struct cmd *last =
            id == CMD_ID_NONE ? NULL : row((enum cmd_id)id);
        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
            struct bytes name = bytes_str(names[i]);
            for (uint16_t level = LEVEL_MIN; level <= LEVEL_NEXT; level++)
                assert_ptr_equal(cmd_lookup_again(last, name, level),
                                 cmd_lookup_at(name, level));
        }
    }
}

/* --- subcommands -------------------------------------------------------- */

static void test_subcommands_follow_containers(void **state)
{
    UNUSED(state);
    size_t counts[CMD_ID_COMMANDS] = {0};
    for (int id = CMD_ID_COMMANDS; id < CMD_ID_COUNT; id++) {
        const struct cmd *c = row(id);
        const struct cmd *container = row(c->container);
        size_t len = strlen(container->name);
        counts[c->container]++;
        assert_memory_equal(c->name, container->name, len);
        assert_int_equal(c->name[len], '|');
        assert_true(c->arity >= 2 || c->arity <= -2);
        assert_string_equal(c->family, container->family);
        assert_true(!has(c, CMD_CONTAINER));
        uint32_t ways = CMD_LOCAL | CMD_READ | CMD_WRITE;
        assert_int_equal(c->flags & ways, container->flags & ways);
    }
    for (int id = 0; id < CMD_ID_COMMANDS; id++) {
        assert_int_equal(row(id)->container, CMD_ID_NONE);
        assert_true((counts[id] > 0) == has(row(id), CMD_CONTAINER));
        assert_true(counts[id] == 0 || row(id)->arity == -2 ||
                    id == CMD_ID_COMMAND);
    }
}

/* HELP lists every subcommand, by its name, HELP itself last. */
static void test_help(void **state)
{
    UNUSED(state);
    enum cmd_id last[CMD_ID_COMMANDS];
    for (size_t i = 0; i < CMD_ID_COUNT; i++) {
        const struct cmd *c = cmd_as_written(i);
        char name[64];
        if (c->container == CMD_ID_NONE) {
            assert_true(c->help == NULL || has(c, CMD_CONTAINER));
            continue;
        }
        assert_non_null(c->help);
        upper(strchr(c->name, '|') + 1, name);
        assert_memory_equal(c->help, name, strlen(name));
        assert_non_null(strchr(" \n", c->help[strlen(name)]));
        assert_non_null(strstr(c->help, "\n    "));
        assert_null(strstr(c->help, "\n\n"));
        assert_int_not_equal(c->help[strlen(c->help) - 1], '\n');
        last[c->container] = c->id;
    }
    for (int id = 0; id < CMD_ID_COMMANDS; id++) {
        if (has(row(id), CMD_CONTAINER))
            assert_non_null(strstr(row(last[id])->name, "|help"));
    }
}

/* --- the server's own commands ------------------------------------------ */

/* Arities are those of redis-server 7.0. */
static const struct {
    const char *name;
    int arity;
    bool before_auth;
} local_rows[] = {
    {"auth", -2, true},      {"client", -2, false},  {"command", -1, false},
    {"config", -2, false},   {"echo", 2, false},     {"hello", -1, true},
    {"info", -1, false},     {"ping", -1, false},    {"quit", -1, true},
    {"raft", -2, false},     {"readonly", 1, false}, {"readwrite", 1, false},
    {"reset", 1, true},      {"role", 1, false},     {"select", 2, false},
    {"shutdown", -1, false}, {"time", 1, false},     {"wait", 3, false},
    {"waitaof", 4, false},
};

static void test_local_commands(void **state)
{
    UNUSED(state);
    size_t count = 0;
    for (int id = 0; id < CMD_ID_COMMANDS; id++)
        count += has(row(id), CMD_LOCAL);
    assert_int_equal(count, ARRAY_LEN(local_rows));
    for (size_t i = 0; i < ARRAY_LEN(local_rows); i++) {
        const struct cmd *c = cmd_lookup(bytes_str(local_rows[i].name));
        assert_non_null(c);
        assert_true(has(c, CMD_LOCAL));
        assert_int_equal(c->arity, local_rows[i].arity);
        assert_true(has(c, CMD_NO_AUTH) == local_rows[i].before_auth);
    }
}

static void test_arity(void **state)
{
    UNUSED(state);
    const struct cmd *get = cmd_lookup(BYTES_LIT("get"));
    const struct cmd *set = cmd_lookup(BYTES_LIT("set"));
    assert_false(cmd_arity_ok(get, 1));
    assert_true(cmd_arity_ok(get, 2));
    assert_false(cmd_arity_ok(get, 3));
    assert_false(cmd_arity_ok(set, 2));
    assert_true(cmd_arity_ok(set, 3));
    assert_true(cmd_arity_ok(set, 100));
}

/* The names and their number are Redis's. */
static void test_categories(void **state)
{
    UNUSED(state);
    assert_int_equal(CAT_BITS, 21);
    for (int bit = 0; bit < CAT_BITS; bit++) {
        const char *name = cmd_category_name((enum cmd_category_bit)bit);
        assert_int_equal(cmd_category_find(bytes_str(name)), 1 << bit);
    }
    assert_int_equal(cmd_category_find(BYTES_LIT("SortedSet")), CAT_SORTEDSET);
    assert_int_equal(cmd_category_find(BYTES_LIT("nosuch")), 0);
    assert_int_equal(cmd_category_find(BYTES_NONE), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_every_row_is_written_once),
        cmocka_unit_test(test_lookup),
        cmocka_unit_test(test_lookup_of_subcommands),
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_rows_are_complete),
        cmocka_unit_test(test_rows_are_of_one_kind),
        cmocka_unit_test(test_categories_follow_flags),
        cmocka_unit_test(test_categories_follow_families),
        cmocka_unit_test(test_keys_fit_the_arity),
        cmocka_unit_test(test_strings_have_keys),
        cmocka_unit_test(test_lookup_again),
        cmocka_unit_test(test_subcommands_follow_containers),
        cmocka_unit_test(test_help),
        cmocka_unit_test(test_local_commands),
        cmocka_unit_test(test_arity),
        cmocka_unit_test(test_categories),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
