/*
 * The command table: order, lookup, arity, errors, and what the table says
 * of the server's commands, whose functions are elsewhere.
 */
// link: store data resp base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cmd/cmd.h"

static void test_order(void **state)
{
    UNUSED(state);
    for (size_t i = 1; i < cmd_count(); i++)
        assert_true(strcmp(cmd_at(i - 1)->name, cmd_at(i)->name) < 0);
}

static void test_lookup(void **state)
{
    UNUSED(state);
    for (size_t i = 0; i < cmd_count(); i++) {
        char upper[32];
        const char *name = cmd_at(i)->name;
        size_t len = strlen(name);
        for (size_t at = 0; at < len; at++)
            upper[at] = name[at] >= 'a' && name[at] <= 'z'
                            ? (char)(name[at] - 'a' + 'A')
                            : name[at];
        assert_ptr_equal(cmd_lookup(bytes_str(name)), cmd_at(i));
        assert_ptr_equal(cmd_lookup(bytes_of(upper, len)), cmd_at(i));
        assert_true(cmd_lookup(bytes_of(name, len - 1)) != cmd_at(i));
    }
    assert_null(cmd_lookup(BYTES_NONE));
    assert_null(cmd_lookup(BYTES_LIT("nosuch")));
    assert_null(cmd_lookup(BYTES_LIT("get ")));
    assert_null(cmd_lookup(bytes_of("get\0", 4)));
    assert_null(cmd_lookup(BYTES_LIT("averyveryverylongnameofacommand")));
}

/* Each row is complete and agrees with itself. */
static void test_rows(void **state)
{
    UNUSED(state);
    for (size_t i = 0; i < cmd_count(); i++) {
        const struct cmd *c = cmd_at(i);
        bool server = (c->flags & CMD_SERVER) != 0;
        bool write = (c->flags & CMD_WRITE) != 0;
        bool read = (c->flags & CMD_READ) != 0;
        assert_true(server == (c->run == NULL));
        assert_true(server == (c->server_id != SERVER_CMD_NONE));
        assert_true(server || write != read);
        assert_true(!server || c->check == NULL);
        assert_true(c->summary[0] != 0 && c->complexity[0] != 0);
        assert_true(c->group[0] != 0 && c->since[0] != 0);
        assert_true(c->categories[0] == '@' || c->categories[0] == 0);
        assert_true((c->first_key > 0) == (c->key_step > 0));
        bool keys_stated = c->key_flags[0] != 0 || (c->flags & CMD_INTERNAL);
        assert_true(c->first_key == 0 || keys_stated);
    }
}

/* As the server's room relies on; arities are those of redis-server 7.0. */
static const struct {
    const char *name;
    int arity;
    enum server_cmd id;
    bool before_auth;
} server_rows[] = {
    {"auth", -2, SERVER_CMD_AUTH, true},
    {"client", -2, SERVER_CMD_CLIENT, false},
    {"command", -1, SERVER_CMD_COMMAND, false},
    {"config", -2, SERVER_CMD_CONFIG, false},
    {"echo", 2, SERVER_CMD_ECHO, false},
    {"hello", -1, SERVER_CMD_HELLO, true},
    {"info", -1, SERVER_CMD_INFO, false},
    {"once", -4, SERVER_CMD_ONCE, false},
    {"ping", -1, SERVER_CMD_PING, false},
    {"quit", -1, SERVER_CMD_QUIT, true},
    {"raft", -2, SERVER_CMD_RAFT, false},
    {"reset", 1, SERVER_CMD_RESET, true},
    {"role", 1, SERVER_CMD_ROLE, false},
    {"select", 2, SERVER_CMD_SELECT, false},
    {"shutdown", -1, SERVER_CMD_SHUTDOWN, false},
    {"time", 1, SERVER_CMD_TIME, false},
};

static void test_server_commands(void **state)
{
    UNUSED(state);
    size_t count = 0;
    for (size_t i = 0; i < cmd_count(); i++)
        count += cmd_at(i)->run == NULL;
    assert_int_equal(count, ARRAY_LEN(server_rows));
    assert_int_equal(count, SERVER_CMD_COUNT);
    for (size_t i = 0; i < ARRAY_LEN(server_rows); i++) {
        const struct cmd *c = cmd_lookup(bytes_str(server_rows[i].name));
        assert_non_null(c);
        assert_int_equal(c->arity, server_rows[i].arity);
        assert_int_equal(c->server_id, server_rows[i].id);
        assert_true(((c->flags & CMD_NO_AUTH) != 0) ==
                    server_rows[i].before_auth);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order), cmocka_unit_test(test_lookup),
        cmocka_unit_test(test_rows),  cmocka_unit_test(test_server_commands),
        cmocka_unit_test(test_arity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
