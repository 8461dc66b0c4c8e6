/*
 * COMMAND. The replies in full were captured from redis-server 7.0.15, but
 * for flags that nothing here enforces (src/table/README.md); the summaries of
 * DOCS are our own.
 */
// link: store data resp table base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cmd/cmd_describe.h"
#include "unit/cmd/cmd_fixture.h"

#include <stdio.h>
#include <stdlib.h>

static void expect(uint8_t protocol, const char *line, const char *reply)
{
    struct fixture f;
    fixture_init(&f);
    f.protocol = protocol;
    assert_string_equal(fixture_run(&f, line), reply);
    fixture_release(&f);
}

static void test_info_resp2(void **state)
{
    UNUSED(state);
    expect(2, "COMMAND INFO get nosuch dbsize",
           "*3\r\n*10\r\n$3\r\nget\r\n:2\r\n*2\r\n+readonly\r\n+fast\r\n"
           ":1\r\n:1\r\n:1\r\n*3\r\n+@read\r\n+@string\r\n+@fast\r\n*0\r\n"
           "*1\r\n*6\r\n$5\r\nflags\r\n*2\r\n+RO\r\n+access\r\n"
           "$12\r\nbegin_search\r\n*4\r\n$4\r\ntype\r\n$5\r\nindex\r\n"
           "$4\r\nspec\r\n*2\r\n$5\r\nindex\r\n:1\r\n$9\r\nfind_keys\r\n"
           "*4\r\n$4\r\ntype\r\n$5\r\nrange\r\n$4\r\nspec\r\n*6\r\n"
           "$7\r\nlastkey\r\n:0\r\n$7\r\nkeystep\r\n:1\r\n$5\r\nlimit\r\n"
           ":0\r\n*0\r\n$-1\r\n*10\r\n$6\r\ndbsize\r\n:1\r\n*2\r\n+readonly"
           "\r\n+fast\r\n:0\r\n:0\r\n:0\r\n*3\r\n+@keyspace\r\n+@read\r\n"
           "+@fast\r\n*2\r\n$25\r\nrequest_policy:all_shards\r\n"
           "$23\r\nresponse_policy:agg_sum\r\n*0\r\n*0\r\n");
}

static void test_info_resp3(void **state)
{
    UNUSED(state);
    expect(3, "COMMAND INFO mset client|id nosuch",
           "*3\r\n*10\r\n$4\r\nmset\r\n:-3\r\n~1\r\n+write\r\n"
           ":1\r\n:-1\r\n:2\r\n~3\r\n+@write\r\n+@string\r\n+@slow\r\n~2\r\n"
           "$26\r\nrequest_policy:multi_shard\r\n"
           "$29\r\nresponse_policy:all_succeeded\r\n~1\r\n%3\r\n$5\r\nflags"
           "\r\n~2\r\n+OW\r\n+update\r\n$12\r\nbegin_search\r\n%2\r\n$4\r\n"
           "type\r\n$5\r\nindex\r\n$4\r\nspec\r\n%1\r\n$5\r\nindex\r\n:1\r\n"
           "$9\r\nfind_keys\r\n%2\r\n$4\r\ntype\r\n$5\r\nrange\r\n$4\r\nspec"
           "\r\n%3\r\n$7\r\nlastkey\r\n:-1\r\n$7\r\nkeystep\r\n:2\r\n$5\r\n"
           "limit\r\n:0\r\n~0\r\n"
           "*10\r\n$9\r\nclient|id\r\n:2\r\n~2\r\n+loading\r\n"
           "+stale\r\n:0\r\n:0\r\n:0\r\n~2\r\n+@slow\r\n+@connection\r\n~0\r\n"
           "~0\r\n~0\r\n_\r\n");
}

/* What each command is, in the words of redis-server. */
static void test_words_of_flags(void **state)
{
    static const struct {
        uint32_t flag;
        const char *word;
    } words[] = {{CMD_WRITE, "write"},      {CMD_READ, "readonly"},
                 {CMD_ADMIN, "admin"},      {CMD_LOCAL, "loading"},
                 {CMD_LOCAL, "stale"},      {CMD_MULTI, "loading"},
                 {CMD_MULTI, "stale"},      {CMD_FAST, "fast"},
                 {CMD_NO_AUTH, "no_auth"},  {CMD_BLOCKS, "blocking"},
                 {CMD_NO_MULTI, "no_multi"}};
    uint32_t seen = 0;
    UNUSED(state);
    for (int id = 0; id < CMD_ID_COUNT; id++) {
        const struct cmd *c = cmd_by_id(id);
        if (c->flags & CMD_INTERNAL)
            continue;
        struct buf wanted = BUF_INIT;
        char line[64];
        size_t n = 0;
        struct fixture f;
        for (size_t i = 0; i < ARRAY_LEN(words); i++)
            n += (c->flags & words[i].flag) != 0;
        bool moves = false; /* the arguments say where the keys are */
        for (uint32_t i = 0; i < c->key_specs; i++)
            moves |= c->keys[i].find == KEY_FIND_KEYNUM ||
                     c->keys[i].begin == KEY_BEGIN_KEYWORD;
        n += moves;
        buf_printf(&wanted, "*1\r\n*10\r\n$%zu\r\n%s\r\n:%d\r\n*%zu\r\n",
                   strlen(c->name), c->name, c->arity, n);
        for (size_t i = 0; i < ARRAY_LEN(words); i++) {
            if (c->flags & words[i].flag)
                buf_printf(&wanted, "+%s\r\n", words[i].word);
        }
        if (moves)
            buf_str(&wanted, "+movablekeys\r\n");
        buf_str(&wanted, ":");
        fixture_init(&f);
        snprintf(line, sizeof(line), "COMMAND INFO %s", c->name);
        const char *reply = fixture_run(&f, line);
        if (strncmp(reply, (const char *)wanted.data, wanted.len) != 0)
            fail_msg("%s: %s", c->name, reply);
        fixture_release(&f);
        buf_release(&wanted);
        seen |= c->flags;
    }
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        assert_true((seen & words[i].flag) != 0);
}

/* With the keys of XREAD, and those of EVAL. */
static const struct cmd movable = {.name = "x",
                                   KEY_SPECS({.flags = KEY_RO | KEY_ACCESS,
                                              .begin = KEY_BEGIN_KEYWORD,
                                              .keyword = "STREAMS",
                                              .start_from = 1,
                                              .last = -1,
                                              .step = 1,
                                              .limit = 2},
                                             {.flags = KEY_RW,
                                              .index = 2,
                                              .find = KEY_FIND_KEYNUM,
                                              .first = 1,
                                              .step = 1})};

/* All that may be said of keys, in the words of redis-server. */
static void test_words_of_keys(void **state)
{
    static const struct {
        uint32_t flag;
        const char *word;
    } words[] = {
        {KEY_RO, "RO"},
        {KEY_RW, "RW"},
        {KEY_OW, "OW"},
        {KEY_RM, "RM"},
        {KEY_ACCESS, "access"},
        {KEY_UPDATE, "update"},
        {KEY_INSERT, "insert"},
        {KEY_DELETE, "delete"},
        {KEY_NOT_KEY, "not_key"},
        {KEY_INCOMPLETE, "incomplete"},
        {KEY_VARIABLE, "variable_flags"},
    };
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        const struct cmd c = {
            .name = "x",
            KEY_SPECS({.flags = words[i].flag, .index = 1, .step = 1})};
        struct buf out = BUF_INIT, expected = BUF_INIT;
        struct resp_writer w = {.out = &out, .protocol = 3};
        describe_key_specs(&w, &c);
        buf_printf(&expected, "~1\r\n%%3\r\n$5\r\nflags\r\n~1\r\n+%s\r\n$12",
                   words[i].word);
        assert_true(out.len > expected.len);
        assert_memory_equal(out.data, expected.data, expected.len);
        buf_release(&out);
        buf_release(&expected);
    }
}

/* Keys that move with other arguments, as redis-server describes them. */
static void test_movable_keys(void **state)
{
    UNUSED(state);
    struct buf out = BUF_INIT;
    struct resp_writer w = {.out = &out, .protocol = 3};
    describe_key_specs(&w, &movable);
    buf_u8(&out, 0);
    assert_string_equal(
        out.data,
        "~2\r\n%3\r\n$5\r\nflags\r\n~2\r\n+RO\r\n+access\r\n$12\r\n"
        "begin_search\r\n%2\r\n$4\r\ntype\r\n$7\r\nkeyword\r\n$4\r\nspec"
        "\r\n%2\r\n$7\r\nkeyword\r\n$7\r\nSTREAMS\r\n$9\r\nstartfrom\r\n"
        ":1\r\n$9\r\nfind_keys\r\n%2\r\n$4\r\ntype\r\n$5\r\nrange\r\n$4\r\n"
        "spec\r\n%3\r\n$7\r\nlastkey\r\n:-1\r\n$7\r\nkeystep\r\n:1\r\n$5\r\n"
        "limit\r\n:2\r\n"
        "%3\r\n$5\r\nflags\r\n~1\r\n+RW\r\n$12\r\nbegin_search\r\n%2\r\n$4\r\n"
        "type\r\n$5\r\nindex\r\n$4\r\nspec\r\n%1\r\n$5\r\nindex\r\n:2\r\n"
        "$9\r\nfind_keys\r\n%2\r\n$4\r\ntype\r\n$6\r\nkeynum\r\n$4\r\nspec\r\n"
        "%3\r\n$9\r\nkeynumidx\r\n:0\r\n$8\r\nfirstkey\r\n:1\r\n$7\r\nkeystep"
        "\r\n:1\r\n");
    buf_release(&out);
}

static void test_docs(void **state)
{
    UNUSED(state);
    expect(3, "COMMAND DOCS nosuch get",
           "%1\r\n$3\r\nget\r\n%5\r\n$7\r\nsummary\r\n"
           "$22\r\nGet the value of a key\r\n$5\r\nsince\r\n$5\r\n1.0.0\r\n"
           "$5\r\ngroup\r\n$6\r\nstring\r\n$10\r\ncomplexity\r\n$4\r\nO(1)"
           "\r\n$9\r\narguments\r\n*1\r\n%3\r\n$4\r\nname\r\n$3\r\nkey\r\n"
           "$4\r\ntype\r\n$3\r\nkey\r\n$14\r\nkey_spec_index\r\n:0\r\n");
    expect(2, "COMMAND DOCS nosuch", "*0\r\n");
    expect(2, "COMMAND INFO nosuch", "*1\r\n$-1\r\n");
    expect(3, "COMMAND DOCS nosuch vard.noop", "%0\r\n");
}

/* The argument notation: options, alternatives, tokens, repetition. */
static void test_docs_arguments(void **state)
{
    UNUSED(state);
    expect(2, "COMMAND DOCS flushdb",
           "*2\r\n$7\r\nflushdb\r\n*10\r\n$7\r\nsummary\r\n"
           "$40\r\nDelete all keys of the selected database\r\n"
           "$5\r\nsince\r\n$5\r\n1.0.0\r\n$5\r\ngroup\r\n$6\r\nserver\r\n"
           "$10\r\ncomplexity\r\n"
           "$53\r\nO(1); the space is given back later in the background\r\n"
           "$9\r\narguments\r\n*1\r\n*8\r\n$4\r\nname\r\n$6\r\noption\r\n"
           "$4\r\ntype\r\n$5\r\noneof\r\n$5\r\nflags\r\n*1\r\n+optional\r\n"
           "$9\r\narguments\r\n*2\r\n"
           "*6\r\n$4\r\nname\r\n$5\r\nasync\r\n$4\r\ntype\r\n"
           "$10\r\npure-token\r\n$5\r\ntoken\r\n$5\r\nASYNC\r\n"
           "*6\r\n$4\r\nname\r\n$4\r\nsync\r\n$4\r\ntype\r\n"
           "$10\r\npure-token\r\n$5\r\ntoken\r\n$4\r\nSYNC\r\n");
    expect(2, "COMMAND DOCS client|setname",
           "*2\r\n$14\r\nclient|setname\r\n*10\r\n$7\r\nsummary\r\n"
           "$27\r\nGive this connection a name\r\n$5\r\nsince\r\n$5\r\n2.6.9"
           "\r\n$5\r\ngroup\r\n$10\r\nconnection\r\n$10\r\ncomplexity\r\n"
           "$37\r\nO(N) where N is the size of the reply\r\n"
           "$9\r\narguments\r\n*1\r\n*4\r\n$4\r\nname\r\n"
           "$15\r\nconnection-name\r\n$4\r\ntype\r\n$6\r\nstring\r\n");
}

static void test_getkeys(void **state)
{
    UNUSED(state);
    static const char arity[] =
        "-ERR wrong number of arguments for 'command|getkeys' command\r\n";
    static const char keys[] =
        "-ERR Invalid number of arguments specified for command\r\n";
    expect(2, "COMMAND GETKEYS", arity);
    expect(2, "COMMAND GETKEYS get", arity);
    expect(2, "COMMAND GETKEYS nosuch a", "-ERR Invalid command specified\r\n");
    expect(2, "COMMAND GETKEYS vard.get a",
           "-ERR Invalid command specified\r\n");
    expect(2, "COMMAND GETKEYS client|id a",
           "-ERR Invalid command specified\r\n");
    expect(2, "COMMAND GETKEYS ONCE client 5 config|get a",
           "-ERR Invalid command specified\r\n");
    expect(2, "COMMAND GETKEYS xgroup create a g 0", "*1\r\n$1\r\na\r\n");
    expect(2, "COMMAND GETKEYS xinfo stream a", "*1\r\n$1\r\na\r\n");
    expect(2, "COMMAND GETKEYS xgroup nosuch a",
           "-ERR Invalid command specified\r\n");
    expect(2, "COMMAND GETKEYS xgroup create a",
           "-ERR Invalid number of arguments specified for command\r\n");
    expect(2, "COMMAND GETKEYS ping a",
           "-ERR The command has no key arguments\r\n");
    expect(2, "COMMAND GETKEYS mset a", keys);
    expect(2, "COMMAND GETKEYS mset a b c d", "*2\r\n$1\r\na\r\n$1\r\nc\r\n");
    expect(2, "COMMAND GETKEYS mset a b c", "*2\r\n$1\r\na\r\n$1\r\nc\r\n");
    expect(2, "COMMAND GETKEYS DEL a b c",
           "*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n");
    expect(2, "COMMAND GETKEYS ONCE client 5 SET k v", "*1\r\n$1\r\nk\r\n");
    expect(2, "COMMAND GETKEYS ONCE client 5 get", keys);
    expect(2, "COMMAND GETKEYS ONCE client 5 nosuch",
           "-ERR Invalid command specified\r\n");
    expect(2, "COMMAND GETKEYS ONCE client 5",
           "-ERR The command has no key arguments\r\n");
    expect(2, "COMMAND GETKEYSANDFLAGS mset a b",
           "*1\r\n*2\r\n$1\r\na\r\n*2\r\n+OW\r\n+update\r\n");
    expect(2, "COMMAND GETKEYSANDFLAGS set a get nx",
           "*1\r\n*2\r\n$1\r\na\r\n*2\r\n+OW\r\n+update\r\n");
    expect(2, "COMMAND GETKEYSANDFLAGS ONCE c 1 set a b GeT",
           "*1\r\n*2\r\n$1\r\na\r\n*3\r\n+RW\r\n+access\r\n+update\r\n");
    expect(2, "COMMAND GETKEYSANDFLAGS set a b ifeq c",
           "*1\r\n*2\r\n$1\r\na\r\n*3\r\n+RW\r\n+access\r\n+update\r\n");
    expect(3, "COMMAND GETKEYSANDFLAGS mset a b",
           "*1\r\n*2\r\n$1\r\na\r\n~2\r\n+OW\r\n+update\r\n");
}

static void test_list(void **state)
{
    UNUSED(state);
    static const char syntax[] = "-ERR syntax error\r\n";
    expect(2, "COMMAND LIST x", syntax);
    struct fixture f;
    char head[32];
    size_t n = 0;
    for (int id = 0; id < CMD_ID_COUNT; id++)
        n += (cmd_by_id(id)->flags & CMD_INTERNAL) == 0;
    snprintf(head, sizeof(head), "*%zu\r\n$", n);
    fixture_init(&f);
    assert_memory_equal(fixture_run(&f, "COMMAND LIST"), head, strlen(head));
    fixture_release(&f);
    expect(2, "COMMAND LIST FILTERBY", syntax);
    expect(2, "COMMAND LIST FILTERBY x y", syntax);
    expect(2, "COMMAND LIST FILTERBY PATTERN get a", syntax);
    expect(2, "COMMAND LIST FILTERBY MODULE x", "*0\r\n");
    expect(2, "COMMAND LIST FILTERBY ACLCAT nosuch", "*0\r\n");
    expect(2, "COMMAND LIST filterby pattern getrang?",
           "*1\r\n$8\r\ngetrange\r\n");
    expect(2, "COMMAND LIST FILTERBY PATTERN CONFIG|*",
           "*5\r\n$10\r\nconfig|get\r\n$11\r\nconfig|help\r\n"
           "$16\r\nconfig|resetstat\r\n$14\r\nconfig|rewrite\r\n"
           "$10\r\nconfig|set\r\n");
    expect(2, "COMMAND LIST FILTERBY PATTERN vard*", "*0\r\n");
    char word[1030], filter[1100];
    memset(word, 'w', 1025); /* too long for a pattern */
    word[1025] = '\0';
    snprintf(filter, sizeof(filter), "COMMAND LIST FILTERBY ACLCAT %s", word);
    expect(2, filter, "*0\r\n");
    expect(2, "COMMAND LIST FILTERBY ACLCAT admin",
           "*27\r\n"
           "$6\r\nconfig\r\n"
           "$4\r\nraft\r\n"
           "$4\r\nrole\r\n"
           "$8\r\nshutdown\r\n"
           "$11\r\nclient|kill\r\n"
           "$11\r\nclient|list\r\n"
           "$15\r\nclient|no-evict\r\n"
           "$14\r\nclient|unblock\r\n"
           "$10\r\nconfig|get\r\n"
           "$16\r\nconfig|resetstat\r\n"
           "$14\r\nconfig|rewrite\r\n"
           "$10\r\nconfig|set\r\n"
           "$8\r\nraft|add\r\n"
           "$14\r\nraft|bootstrap\r\n"
           "$10\r\nraft|check\r\n"
           "$11\r\nraft|demote\r\n"
           "$12\r\nraft|entries\r\n"
           "$10\r\nraft|level\r\n"
           "$12\r\nraft|members\r\n"
           "$9\r\nraft|move\r\n"
           "$13\r\nraft|priority\r\n"
           "$12\r\nraft|promote\r\n"
           "$11\r\nraft|remove\r\n"
           "$12\r\nraft|replace\r\n"
           "$13\r\nraft|snapshot\r\n"
           "$11\r\nraft|status\r\n"
           "$13\r\nraft|transfer\r\n");
}

/* What is said of one command takes long, said a million times. */
static void test_names_have_a_number(void **state)
{
    static const char *const words[] = {"INFO", "DOCS"};
    UNUSED(state);
    for (size_t i = 0; i < 2 * ARRAY_LEN(words); i++) {
        struct fixture f;
        struct buf line = BUF_INIT;
        size_t count = 1024 + i % 2;
        buf_printf(&line, "COMMAND %s", words[i / 2]);
        for (size_t n = 0; n < count; n++)
            buf_str(&line, " x");
        buf_char(&line, '\0');
        fixture_init(&f);
        const char *reply = fixture_run(&f, (const char *)line.data);
        if (i % 2 == 1)
            assert_string_equal(reply, "-ERR too many commands: at most 1024 "
                                       "are accepted\r\n");
        else if (i == 0)
            assert_int_equal(strlen(reply), strlen("*1024\r\n") + 1024 * 5);
        else
            assert_string_equal(reply, "*0\r\n");
        buf_release(&line);
        fixture_release(&f);
    }
}

static void test_errors(void **state)
{
    UNUSED(state);
    expect(2, "COMMAND foo",
           "-ERR unknown subcommand 'foo'. Try COMMAND HELP.\r\n");
    expect(2, "COMMAND x",
           "-ERR unknown subcommand 'x'. Try COMMAND HELP.\r\n");
    expect(2, "COMMAND \"\"",
           "-ERR unknown subcommand ''. Try COMMAND HELP.\r\n");
    expect(2, "COMMAND \"a\\r\\nb\"",
           "-ERR unknown subcommand 'a  b'. Try COMMAND HELP.\r\n");
    char line[160], expected[256], word[130];
    for (size_t len = 127; len <= 129; len++) {
        memset(word, 'w', len);
        word[len] = '\0';
        snprintf(line, sizeof(line), "COMMAND %s", word);
        snprintf(expected, sizeof(expected),
                 "-ERR unknown subcommand '%.128s'. Try COMMAND HELP.\r\n",
                 word);
        expect(2, line, expected);
    }
    expect(2, "COMMAND COUNT x",
           "-ERR wrong number of arguments for 'command|count' command\r\n");
    expect(2, "COMMAND HELP x",
           "-ERR wrong number of arguments for 'command|help' command\r\n");
}

/* 128 bytes of a name that is unknown, and as many of all that follows it,
 * with the quotes; one quote more may end beyond. */
static void test_unknown_commands(void **state)
{
    char x[201], y[201], line[700], expected[600];
    UNUSED(state);
    memset(x, 'x', 200);
    memset(y, 'y', 200);
    x[200] = y[200] = '\0';
    expect(2, "nosuch",
           "-ERR unknown command 'nosuch', with args beginning with: \r\n");
    expect(2, "nosuch a \"\" \"b\\x00c\" d",
           "-ERR unknown command 'nosuch', with args beginning with: 'a' '' "
           "'b' 'd' \r\n");
    for (int len = 120; len <= 130; len++) {
        snprintf(line, sizeof(line), "%.*s %.*s z", len, x, len, y);
        snprintf(expected, sizeof(expected),
                 "-ERR unknown command '%.*s', with args beginning with: "
                 "'%.*s' %s\r\n",
                 MIN(len, 128), x, MIN(len, 128), y,
                 len + 3 < 128 ? "'z' " : "");
        expect(2, line, expected);
    }
    snprintf(line, sizeof(line), "nosuch %.100s %.200s z", x, y);
    snprintf(expected, sizeof(expected),
             "-ERR unknown command 'nosuch', with args beginning with: "
             "'%.100s' '%.25s' \r\n",
             x, y);
    expect(2, line, expected);
}

/* Walks one RESP3 value at *p; every length in it must be right. */
static void walk(const char **p, const char *end)
{
    assert_true(*p < end);
    char type = **p;
    char *after = NULL;
    long n = strtol(*p + 1, &after, 10);
    const char *eol = strstr(*p, "\r\n");
    assert_non_null(eol);
    *p = eol + 2;
    if (type == '$')
        *p += n + 2;
    if (type == '%')
        n *= 2;
    for (long i = 0; i < n && strchr("*%~", type) != NULL; i++)
        walk(p, end);
}

/* Everything about everything, in both protocols: the lengths agree. */
static void test_whole_replies(void **state)
{
    UNUSED(state);
    static const char *const lines[] = {"COMMAND",      "COMMAND INFO",
                                        "COMMAND DOCS", "COMMAND LIST",
                                        "COMMAND HELP", "COMMAND COUNT"};
    for (size_t i = 0; i < 2 * ARRAY_LEN(lines); i++) {
        struct fixture f;
        fixture_init(&f);
        f.protocol = (uint8_t)(2 + i % 2);
        const char *p = fixture_run(&f, lines[i / 2]);
        const char *end = p + f.out.len - 1;
        assert_int_equal(strlen(p), f.out.len - 1);
        walk(&p, end);
        assert_ptr_equal(p, end);
        fixture_release(&f);
    }
}

/* What may be a set is one in RESP3, if empty too, and never one in RESP2. */
static void test_empty_sets(void **state)
{
    UNUSED(state);
    struct fixture f;
    fixture_init(&f);
    assert_null(strchr(fixture_run(&f, "COMMAND"), '~'));
    assert_null(strchr(fixture_run(&f, "COMMAND INFO client"), '~'));
    f.protocol = 3;
    assert_null(strstr(fixture_run(&f, "COMMAND"), "*0\r\n"));
    assert_null(strstr(fixture_run(&f, "COMMAND INFO client"), "*0\r\n"));
    fixture_release(&f);
}

/* What a text without an end would go on with. */
static void soil_stack(void)
{
    volatile char soil[8192];
    for (size_t i = 0; i < sizeof(soil); i++)
        soil[i] = 'x';
}

/* HELP of every command that has subcommands: as many lines as it says. */
static void test_every_help(void **state)
{
    struct buf out = BUF_INIT;
    int seen = 0;
    UNUSED(state);
    for (size_t i = 0; i < cmd_count(); i++) {
        if ((cmd_at(i)->flags & CMD_CONTAINER) == 0)
            continue;
        struct resp_writer w = {.out = &out, .protocol = 3};
        buf_reset(&out);
        soil_stack();
        cmd_reply_help(&w, cmd_at(i), LEVEL_NEXT);
        buf_u8(&out, 0);
        const char *p = (const char *)out.data;
        const char *end = p + out.len - 1;
        walk(&p, end);
        assert_ptr_equal(p, end);
        const char *line = strchr((const char *)out.data, '+') + 1;
        for (size_t n = 0; n < strlen(cmd_at(i)->name); n++)
            assert_int_equal(line[n], cmd_at(i)->name[n] - 'a' + 'A');
        assert_memory_equal(line + strlen(cmd_at(i)->name),
                            " <subcommand> [<arg> ", 21);
        seen++;
    }
    assert_int_equal(seen, 8);
    buf_release(&out);
}

static bool helps(const struct cmd *c, const struct cmd *container)
{
    return c->help != NULL && (c == container || c->container == container->id);
}

/* HELP is what the table says, line by line, in the order in which it says it.
 */
static void test_help_is_that_of_the_table(void **state)
{
    struct buf out = BUF_INIT, expected = BUF_INIT;
    UNUSED(state);
    for (size_t i = 0; i < cmd_count(); i++) {
        const struct cmd *c = cmd_at(i);
        if ((c->flags & CMD_CONTAINER) == 0)
            continue;
        struct resp_writer w = {.out = &out, .protocol = 2};
        size_t lines = 1;
        buf_reset(&out);
        buf_reset(&expected);
        for (size_t k = 0; k < CMD_ID_COUNT; k++) {
            const struct cmd *sub = cmd_as_written(k);
            for (const char *at = sub->help; helps(sub, c) && *at != '\0';) {
                size_t len = strcspn(at, "\n");
                buf_printf(&expected, "+%.*s\r\n", (int)len, at);
                at += len + (at[len] == '\n');
                lines++;
            }
        }
        cmd_reply_help(&w, c, LEVEL_NEXT);
        buf_u8(&out, 0);
        buf_u8(&expected, 0);
        assert_int_equal(strtol((const char *)out.data + 1, NULL, 10), lines);
        assert_true(lines > 2);
        const char *from = strchr((const char *)out.data, '+');
        assert_string_equal(strchr(from, '\n') + 1, expected.data);
    }
    buf_release(&out);
    buf_release(&expected);
}

/* INFO of a container has what it would say of each subcommand. */
static void test_info_of_subcommands(void **state)
{
    struct fixture f;
    UNUSED(state);
    fixture_init(&f);
    for (int id = CMD_ID_COMMANDS; id < CMD_ID_COUNT; id++) {
        const struct cmd *c = cmd_by_id(id);
        char line[80], head[120];
        snprintf(line, sizeof(line), "COMMAND INFO %s",
                 cmd_by_id(c->container)->name);
        snprintf(head, sizeof(head), "$%zu\r\n%s\r\n:%d\r\n", strlen(c->name),
                 c->name, c->arity);
        const char *reply = fixture_run(&f, line);
        const char *at = strstr(reply, head);
        if (at == NULL || strstr(at + 1, head) != NULL)
            fail_msg("%s: not once: %s", line, head);
    }
    fixture_release(&f);
}

static void test_count(void **state)
{
    UNUSED(state);
    struct fixture f;
    char expected[32];
    size_t n = 0;
    for (size_t i = 0; i < cmd_count(); i++)
        n += (cmd_at(i)->flags & CMD_INTERNAL) == 0;
    snprintf(expected, sizeof(expected), ":%zu\r\n", n);
    fixture_init(&f);
    assert_string_equal(fixture_run(&f, "COMMAND COUNT"), expected);
    fixture_release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_info_resp2),
        cmocka_unit_test(test_info_resp3),
        cmocka_unit_test(test_movable_keys),
        cmocka_unit_test(test_words_of_flags),
        cmocka_unit_test(test_words_of_keys),
        cmocka_unit_test(test_names_have_a_number),
        cmocka_unit_test(test_docs),
        cmocka_unit_test(test_docs_arguments),
        cmocka_unit_test(test_getkeys),
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_unknown_commands),
        cmocka_unit_test(test_help_is_that_of_the_table),
        cmocka_unit_test(test_info_of_subcommands),
        cmocka_unit_test(test_whole_replies),
        cmocka_unit_test(test_empty_sets),
        cmocka_unit_test(test_every_help),
        cmocka_unit_test(test_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
