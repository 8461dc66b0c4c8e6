/* The text of a configuration file: quoting, include, every kind of value,
 * and the messages for what is wrong. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include <stdio.h>

#include "config/config_words.h"
#include "fixture.h"

/* Loads a file with this text. */
static int load_text(struct fixture *f, const char *text)
{
    fixture_init(f);
    fixture_file(f, "main.conf", text);
    return fixture_load(f, "main.conf", NULL);
}

/* The text must be refused with a message that contains each of the parts. */
static void assert_refused(const char *text, const char *part1,
                           const char *part2)
{
    struct fixture f;
    assert_int_equal(load_text(&f, text), ERR_INVALID);
    if (strstr(fixture_error(&f), part1) == NULL ||
        (part2 != NULL && strstr(fixture_error(&f), part2) == NULL))
        fail_msg("for %s: message is: %s", text, fixture_error(&f));
    fixture_release(&f);
}

static void defaults(void **state)
{
    UNUSED(state);
    struct fixture f;
    assert_int_equal(load_text(&f, ""), CONFIG_RUN);
    const struct config *c = &f.config;
    assert_int_equal(c->port, 6379);
    assert_int_equal(c->bind_count, 2);
    assert_string_equal(c->bind[0], "127.0.0.1");
    assert_string_equal(c->bind[1], "-::1");
    assert_true(c->protected_mode);
    assert_int_equal(c->loglevel, 2);
    assert_string_equal(c->requirepass, "");
    assert_string_equal(c->file, "main.conf");
    assert_int_equal(c->node_count, 0);
    assert_int_equal(c->node_id, 1);
    assert_true(c->log_size_max_bytes == UINT64_C(4) << 30);
    assert_int_equal(c->election_timeout_ms, 1000);
    assert_false(c->warn_no_password);
    assert_null(config_self(c));
    fixture_release(&f);
}

static void values_of_every_kind(void **state)
{
    UNUSED(state);
    struct fixture f;
    int rc = load_text(&f, "# a comment\n"
                           "  \t \n"
                           "PORT 7000\r\n"
                           "daemonize YES\n"
                           "proto-max-bulk-len 2mb\n"
                           "unixsocketperm 750\n"
                           "loglevel Warning\n"
                           "bind * -::* example.org\n"
                           "requirepass \"a b\\x41\\n\\\"\"\n"
                           "dir '/tmp/it\\'s'\n"
                           "client-output-buffer-limit pubsub 1mb 512kb 5\n"
                           "read-mode stale\n"
                           "save \"\"");
    assert_int_equal(rc, CONFIG_RUN);
    const struct config *c = &f.config;
    assert_int_equal(c->port, 7000);
    assert_true(c->daemonize);
    assert_int_equal(c->proto_max_bulk_len_bytes, 2 << 20);
    assert_int_equal(c->unixsocketperm, 0750);
    assert_int_equal(c->loglevel, 3);
    assert_int_equal(c->bind_count, 3);
    assert_string_equal(c->bind[2], "example.org");
    assert_string_equal(c->requirepass, "a bA\n\"");
    assert_string_equal(c->dir, "/tmp/it's");
    assert_int_equal(c->read_mode, CONFIG_READ_STALE);
    const struct config_output_limit *l = c->client_output_buffer_limit;
    assert_int_equal(l[CONFIG_CLIENT_PUBSUB].hard_bytes, 1 << 20);
    assert_int_equal(l[CONFIG_CLIENT_PUBSUB].soft_seconds, 5);
    assert_int_equal(l[CONFIG_CLIENT_PUBSUB].soft_bytes, 512 << 10);
    assert_int_equal(l[CONFIG_CLIENT_SLAVE].hard_bytes, 256 << 20);
    assert_int_equal(c->notice_count, 1);
    assert_non_null(strstr(c->notices[0], "save \"\""));
    fixture_release(&f);
}

static void nodes(void **state)
{
    UNUSED(state);
    struct fixture f;
    int rc = load_text(&f, "node-id 0\n"
                           "node 0 10.0.0.1:16379 10.0.0.1:6379\n"
                           "node 4294967294 [::1]:16380 priority 255\n"
                           "node 7 host.example:16381\n");
    assert_int_equal(rc, CONFIG_RUN);
    const struct config *c = &f.config;
    assert_int_equal(c->node_count, 3);
    assert_ptr_equal(config_self(c), &c->nodes[0]);
    assert_string_equal(c->nodes[0].client_address, "10.0.0.1:6379");
    assert_true(c->nodes[1].id == 4294967294u);
    assert_string_equal(c->nodes[1].peer_address, "[::1]:16380");
    assert_null(c->nodes[1].client_address);
    assert_true(c->nodes[1].has_priority && c->nodes[1].priority == 255);
    assert_false(c->nodes[0].has_priority);
    assert_null(c->nodes[2].client_address);
    fixture_release(&f);
}

static void includes(void **state)
{
    UNUSED(state);
    struct fixture f;
    fixture_init(&f);
    fixture_file(&f, "main.conf", "port 1\ninclude \"a b.conf\"\nhz 20\n");
    fixture_file(&f, "a b.conf", "port 2\ntimeout 5\n");
    assert_int_equal(fixture_load(&f, "main.conf", NULL), CONFIG_RUN);
    assert_int_equal(f.config.port, 2);
    assert_int_equal(f.config.timeout_s, 5);
    assert_int_equal(f.config.hz, 20);
    fixture_release(&f);

    /* An error in it is reported at its own line. */
    fixture_init(&f);
    fixture_file(&f, "main.conf", "\n\ninclude a.conf\n");
    fixture_file(&f, "a.conf", "\nhz 0\n");
    assert_int_equal(fixture_load(&f, "main.conf", NULL), ERR_INVALID);
    assert_non_null(strstr(fixture_error(&f), "a.conf, line 2\n>>> hz 0\n"));
    fixture_release(&f);

    /* In a row there may be any number of them. */
    fixture_init(&f);
    struct buf text = BUF_INIT;
    for (int i = 0; i < 40; i++)
        buf_str(&text, "include a.conf\n");
    buf_char(&text, '\0');
    fixture_file(&f, "main.conf", (const char *)text.data);
    fixture_file(&f, "a.conf", "port 2\n");
    assert_int_equal(fixture_load(&f, "main.conf", NULL), CONFIG_RUN);
    assert_int_equal(f.config.port, 2);
    fixture_release(&f);
    buf_release(&text);

    assert_refused("include none.conf", "main.conf, line 1",
                   "cannot read 'none.conf': not found");
    assert_refused("include main.conf", "too many includes", NULL);
    assert_refused("include closed.conf",
                   "cannot read 'closed.conf': Permission denied", NULL);
    assert_refused("include", "include needs one file name", NULL);
}

static void refused_lines(void **state)
{
    UNUSED(state);
    const struct {
        const char *text;
        const char *part1;
        const char *part2;
    } cases[] = {
        {"port 1\nprot 6379", "main.conf, line 2\n>>> prot 6379\n",
         "unknown option 'prot'; did you mean 'port'?"},
        {"maxclient 5", "did you mean 'maxclients'?", NULL},
        {"eleciton-timeout 5", "did you mean 'election-timeout'?", NULL},
        {"xyzzy 5", "unknown option 'xyzzy' (vard --help", NULL},
        {"port", "wrong number of arguments", "(default 6379)"},
        {"port 1 2", "wrong number of arguments", NULL},
        {"port abc", "argument couldn't be parsed into an integer", NULL},
        {"port -1", "argument must be between 0 and 65535 inclusive", NULL},
        {"port 65536", "argument must be between 0 and 65535 inclusive", NULL},
        {"hz 99999999999999999999", "couldn't be parsed", NULL},
        {"daemonize maybe", "argument must be 'yes' or 'no'", NULL},
        {"unixsocketperm 8", "octal", NULL},
        {"unixsocketperm 1000", "argument must be between 0 and 777 inclusive",
         NULL},
        {"prt 1", "unknown option 'prt'; did you mean 'port'?", NULL},
        {"unixsocketperm 1000", "between 0 and 777", NULL},
        {"log-size 1xb", "argument must be a memory value", NULL},
        {"proto-max-bulk-len 513mb", "between 1048576 and 536870912", NULL},
        {"loglevel loud",
         "one of the following: debug, verbose, notice, "
         "warning",
         NULL},
        {"maxmemory-policy allkeys-lru", "only noeviction is possible", NULL},
        {"appendonly no", "only yes is possible", NULL},
        {"enable-debug-command yes", "only no is possible: there is no DEBUG",
         NULL},
        {"save 3600 1", "only \"\" is possible: there are no periodic dumps",
         NULL},
        {"appendonly", "only yes is possible", NULL},
        {"port 1 # it", "needs a line of its own); port:", NULL},
        {"requirepass a # it", "needs a line of its own", NULL},
        {"bind a # it", "needs a line of its own", NULL},
        {"node 1 a:1 # it", "needs a line of its own", NULL},
        {"save \"3600 1\"", "only \"\" is possible", NULL},
        {"dir \"abc", "unbalanced quotes", NULL},
        {"dir \"a\"b", "unbalanced quotes", NULL},
        {"dir \"a\\x00b\"", "zero byte", NULL},
        {"dir ''", "dir is empty", NULL},
        {"bind", "addresses are needed", NULL},
        {"bind \"\"", "addresses are needed", NULL},
        {"bind a ''", "must not be empty", NULL},
        {"node 1", "ID PEER_HOST:PORT", NULL},
        {"node 4294967295 a:1", "0 to 4294967294", NULL},
        {"node 4294967297 a:1", "0 to 4294967294", NULL},
        {"node x a:1", "0 to 4294967294", NULL},
        {"node 1 a", "HOST:PORT", NULL},
        {"node 1 a:0", "HOST:PORT", NULL},
        {"node 1 :5", "HOST:PORT", NULL},
        {"node 1 ::1:5", "HOST:PORT", NULL},
        {"node 1 a:65536", "HOST:PORT", NULL},
        {"node 1 a:1 b", "HOST:PORT", NULL},
        {"node 1 a:1 b:0", "HOST:PORT", NULL},
        {"node 1 a:1 ''", "HOST:PORT", NULL},
        {"node 1 a:1 b:2 c:3", "ID PEER_HOST:PORT", NULL},
        {"client-output-buffer-limit normal 1 2", "Wrong number", NULL},
        {"client-output-buffer-limit odd 1 2 3", "Invalid client class", NULL},
        {"client-output-buffer-limit normal x 2 3", "Error in hard", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_refused(cases[i].text, cases[i].part1, cases[i].part2);
}

static void options_that_do_not_fit(void **state)
{
    UNUSED(state);
    assert_refused("node-id 5\nnode 1 a:1\n",
                   "node-id is 5, but no node line has this id", NULL);
    assert_refused("node 1 a:1\nnode 1 a:2\n", "node id 1 is given twice",
                   NULL);
    assert_refused("node 1 a:1\nnode 2 A:1\n", "same address a:1", NULL);
    assert_refused("node 1 a:1 a:2\nnode 2 a:2\n", "same address a:2", NULL);
    assert_refused("node 1 a:1 a:3\nnode 2 a:2 a:3\n", "same address a:3",
                   NULL);
    assert_refused("node 1 a:1\nnode 2 a:2 a:1\n", "same address a:1", NULL);
    assert_refused("node-id 2\nnode 1 a:1\nnode 2 a:2\nnode 3 a:3 a:1\n",
                   "nodes 1 and 3 have the same address a:1", NULL);
    assert_refused("node 1 a:1 a:1\n", "two ports are needed", NULL);
    assert_refused("port 77\nnode 1 a:77\n", "two ports are needed", NULL);
    assert_refused("port 77\nnode-id 3\nnode 1 b:77\nnode 3 a:77\n",
                   "port 77 is this node's peer port as well (node 3 a:77)",
                   NULL);
    assert_refused("heartbeat-interval 334", "at most a third", NULL);
    assert_refused("log-size 2gb\nlog-size-max 1gb", "log-size-max", NULL);
    assert_refused("entry-size-max 2mb\nlog-size 1mb", "entry-size-max", NULL);
    assert_refused("port 0", "nothing to listen on", NULL);
    assert_refused("daemonize yes\nsupervised systemd", "exclude", NULL);
    assert_refused("node 1 a:1\nnode 2 a:2\nnode 3 a:3\nnode 4 a:4\n"
                   "node 5 a:5\nnode 6 a:6\nnode 7 a:7\nnode 8 a:8\n"
                   "node 9 a:9\nnode 10 a:10\n",
                   "10 node lines", "at most 9");
    struct fixture f;
    assert_int_equal(load_text(&f, "heartbeat-interval 333"), CONFIG_RUN);
    fixture_release(&f);
}

/* The classes of clients have their names in any case, one has two. */
static void classes_of_clients(void **state)
{
    static const struct {
        const char *name;
        int class;
    } rows[] = {
        {"normal", CONFIG_CLIENT_NORMAL},
        {"NORMAL", CONFIG_CLIENT_NORMAL},
        {"slave", CONFIG_CLIENT_SLAVE},
        {"Slave", CONFIG_CLIENT_SLAVE},
        {"replica", CONFIG_CLIENT_SLAVE},
        {"REPLICA", CONFIG_CLIENT_SLAVE},
        {"pubsub", CONFIG_CLIENT_PUBSUB},
        {"PubSub", CONFIG_CLIENT_PUBSUB},
        {"replicas", -1},
        {"master", -1},
        {"\"\"", -1},
        {"norma", -1},
    };
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture f;
        char text[80];
        snprintf(text, sizeof(text), "client-output-buffer-limit %s 7mb 3mb 9",
                 rows[i].name);
        int rc = load_text(&f, text);
        if (rc != (rows[i].class < 0 ? ERR_INVALID : CONFIG_RUN))
            fail_msg("%s", text);
        for (int c = 0; c < CONFIG_CLIENT_CLASSES; c++)
            assert_true((f.config.client_output_buffer_limit[c].hard_bytes ==
                         7 << 20) == (c == rows[i].class));
        fixture_release(&f);
    }
}

/* A hint is only given where it may be of use. */
static void comments_are_only_hinted_at(void **state)
{
    static const char *const without[] = {
        "port 1 2", "node 1 a:1 b", "bind a ''",
        "hz x#",    "maxclients x", "client-output-buffer-limit normal 1 2 x"};
    static const char *const with[] = {
        "port 1 # 2", "node 1 a:1 #b", "bind a '' #", "hz x #",
        "client-output-buffer-limit normal 1 2 x #"};
    static const char hint[] = "a comment needs a line of its own";
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(without); i++) {
        struct fixture f;
        assert_int_equal(load_text(&f, without[i]), ERR_INVALID);
        if (strstr(fixture_error(&f), hint) != NULL)
            fail_msg("for %s: %s", without[i], fixture_error(&f));
        fixture_release(&f);
    }
    for (size_t i = 0; i < ARRAY_LEN(with); i++)
        assert_refused(with[i], hint, NULL);
}

/* So many words, in a line of its own or behind an option. */
static void words_have_a_number(void **state)
{
    UNUSED(state);
    struct buf text = BUF_INIT;
    buf_str(&text, "bind");
    for (size_t i = 1; i < CONFIG_WORDS_MAX; i++)
        buf_str(&text, " a");
    buf_char(&text, '\0');
    assert_refused((const char *)text.data, "addresses are needed", NULL);
    text.len--;
    buf_str(&text, " a");
    buf_char(&text, '\0');
    assert_refused((const char *)text.data, "too many words in this line",
                   NULL);
    buf_release(&text);
}

static void secrets_are_not_quoted(void **state)
{
    UNUSED(state);
    const char *texts[] = {"requirepass hunter2 hunter2", "requirepas hunter2",
                           "peer-secret \"hunter2",
                           "PEER-SECRET hunter2 hunter2"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct fixture f;
        assert_int_equal(load_text(&f, texts[i]), ERR_INVALID);
        assert_null(strstr(fixture_error(&f), "hunter2"));
        assert_non_null(strstr(fixture_error(&f), " ...\n"));
        fixture_release(&f);
    }
}

static void odd_bytes_are_escaped(void **state)
{
    UNUSED(state);
    assert_refused("xyzzy \x1b[31m", ">>> xyzzy \\x1b[31m\n", NULL);
    struct fixture f;
    assert_int_equal(load_text(&f, "\xef\xbb\xbfport 7001"), CONFIG_RUN);
    assert_int_equal(f.config.port, 7001);
    fixture_release(&f);
    /* The mark alone is an empty file; a part of it is none. */
    assert_int_equal(load_text(&f, "\xef\xbb\xbf"), CONFIG_RUN);
    fixture_release(&f);
    assert_int_equal(load_text(&f, "\xef\xbb\xbf\n"), CONFIG_RUN);
    fixture_release(&f);
    assert_refused("\xef\xbb", "unknown option '\xef\xbb'", NULL);
    assert_refused("\xef\xbbport 7001", "unknown option", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(values_of_every_kind),
        cmocka_unit_test(nodes),
        cmocka_unit_test(includes),
        cmocka_unit_test(refused_lines),
        cmocka_unit_test(options_that_do_not_fit),
        cmocka_unit_test(words_have_a_number),
        cmocka_unit_test(classes_of_clients),
        cmocka_unit_test(comments_are_only_hinted_at),
        cmocka_unit_test(secrets_are_not_quoted),
        cmocka_unit_test(odd_bytes_are_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
