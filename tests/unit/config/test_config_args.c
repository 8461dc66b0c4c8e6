/* The command line: overriding, standard input, the options of Verdi's vard. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "config/config_words.h"
#include "fixture.h"

static void options_override_files(void **state)
{
    UNUSED(state);
    struct fixture f;
    fixture_init(&f);
    fixture_file(&f, "main.conf",
                 "port 77\nhz 2\ntimeout 3\nnode 1 a:1\nnode 2 a:2\n");
    fixture_file(&f, "-", "hz 20\ntimeout 30\n");
    int rc =
        fixture_load(&f, "main.conf", "--timeout", "300", "--bind", "127.0.0.1",
                     "-::1", "10.0.0.1", "--node", "1", "b:1", "--node", "3",
                     "b:3", "--requirepass", "x y", "-", NULL);
    assert_int_equal(rc, CONFIG_RUN);
    assert_int_equal(f.config.port, 77);
    assert_int_equal(f.config.hz, 20);
    assert_int_equal(f.config.timeout_s, 300);
    assert_int_equal(f.config.bind_count, 3);
    assert_string_equal(f.config.bind[1], "-::1");
    assert_int_equal(f.config.node_count, 2);
    assert_string_equal(f.config.nodes[1].peer_address, "b:3");
    assert_string_equal(f.config.requirepass, "x y");
    assert_false(f.config.original_options);
    fixture_release(&f);
}

static void no_file_at_all(void **state)
{
    UNUSED(state);
    struct fixture f;
    fixture_init(&f);
    assert_int_equal(fixture_load(&f, NULL), CONFIG_RUN);
    assert_string_equal(f.config.file, "");
    fixture_release(&f);

    fixture_init(&f);
    fixture_file(&f, "-", "port 5");
    assert_int_equal(fixture_load(&f, "-", "--hz", "7", NULL), CONFIG_RUN);
    assert_int_equal(f.config.port, 5);
    assert_int_equal(f.config.hz, 7);
    fixture_release(&f);

    /* Between others it is a value. */
    fixture_init(&f);
    assert_int_equal(fixture_load(&f, "--requirepass", "-", "--hz", "7", NULL),
                     CONFIG_RUN);
    assert_string_equal(f.config.requirepass, "-");
    fixture_release(&f);
}

static void the_originals_options(void **state)
{
    UNUSED(state);
    struct fixture f;
    fixture_init(&f);
    int rc =
        fixture_load(&f, "-me", "0", "-port", "8000", "-dbpath", "/tmp/v",
                     "-node", "0,127.0.0.1:9000", "-node", "1,127.0.0.1:9001",
                     "-node", "2,127.0.0.1:9002", "-debug", NULL);
    assert_int_equal(rc, CONFIG_RUN);
    const struct config *c = &f.config;
    assert_int_equal(c->node_id, 0);
    assert_int_equal(c->port, 8000);
    assert_string_equal(c->dir, "/tmp/v");
    assert_int_equal(c->node_count, 3);
    assert_int_equal(c->nodes[2].id, 2);
    assert_string_equal(c->nodes[2].peer_address, "127.0.0.1:9002");
    assert_int_equal(c->loglevel, 0);
    assert_string_equal(c->bind[0], "*");
    assert_string_equal(c->bind[1], "-::*");
    assert_false(c->protected_mode);
    assert_true(c->original_options);
    assert_true(c->warn_no_password);
    fixture_release(&f);
}

static void the_originals_with_others(void **state)
{
    UNUSED(state);
    struct fixture f;
    fixture_init(&f);
    int rc =
        fixture_load(&f, "--bind", "127.0.0.1", "-me", "1", "-node", "1,a:9001",
                     "--requirepass", "secret", "-port", "8001", NULL);
    assert_int_equal(rc, CONFIG_RUN);
    assert_int_equal(f.config.bind_count, 1);
    assert_int_equal(f.config.port, 8001);
    assert_true(f.config.original_options); /* wherever among them they are */
    assert_false(f.config.protected_mode);
    assert_string_equal(f.config.requirepass, "secret");
    assert_false(f.config.warn_no_password);
    fixture_release(&f);

    /* With a file, the file says what is open. */
    fixture_init(&f);
    fixture_file(&f, "main.conf", "");
    assert_int_equal(fixture_load(&f, "main.conf", "-debug", NULL), CONFIG_RUN);
    assert_true(f.config.protected_mode);
    assert_true(f.config.original_options);
    assert_string_equal(f.config.bind[0], "127.0.0.1");
    fixture_release(&f);
}

static void version_and_help(void **state)
{
    UNUSED(state);
    const struct {
        const char *arg;
        enum config_action action;
    } cases[] = {{"-v", CONFIG_SHOW_VERSION},
                 {"--version", CONFIG_SHOW_VERSION},
                 {"-h", CONFIG_SHOW_HELP},
                 {"--help", CONFIG_SHOW_HELP}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture f;
        fixture_init(&f);
        assert_int_equal(fixture_load(&f, cases[i].arg, NULL), cases[i].action);
        fixture_release(&f);
    }
    /* Behind other words too, but the short ones. */
    struct fixture f;
    fixture_init(&f);
    assert_int_equal(
        fixture_load(&f, "none.conf", "--port", "x", "--help", NULL),
        CONFIG_SHOW_HELP);
    assert_int_equal(fixture_load(&f, "none.conf", "-v", NULL), ERR_INVALID);
    assert_int_equal(fixture_load(&f, "none.conf", "-h", NULL), ERR_INVALID);
    fixture_release(&f);
    struct buf help = BUF_INIT;
    config_help(&help);
    buf_char(&help, '\0');
    assert_non_null(strstr((char *)help.data, "--election-timeout"));
    assert_non_null(strstr((char *)help.data, "[300]"));
    assert_non_null(strstr((char *)help.data, "-me ID"));
    buf_release(&help);
}

static void assert_args_refused(const char *part, const char *a, const char *b,
                                const char *c)
{
    struct fixture f;
    fixture_init(&f);
    fixture_file(&f, "main.conf", "");
    assert_int_equal(fixture_load(&f, a, b, c, NULL), ERR_INVALID);
    if (strstr(fixture_error(&f), part) == NULL)
        fail_msg("message is: %s", fixture_error(&f));
    fixture_release(&f);
}

static void refused(void **state)
{
    UNUSED(state);
    assert_args_refused("cannot read 'none.conf': not found", "none.conf", NULL,
                        NULL);
    assert_args_refused("vard: command line\n>>> -\n"
                        "cannot read '-': not found\n",
                        "-", NULL, NULL);
    assert_args_refused("command line\n>>> --prot 5\nunknown option 'prot'; "
                        "did you mean 'port'?",
                        "--prot", "5", NULL);
    assert_args_refused(">>> --port 70000\n", "main.conf", "--port", "70000");
    assert_args_refused("wrong number", "main.conf", "--port", NULL);
    assert_args_refused("a value is missing", "main.conf", "-port", NULL);
    assert_args_refused("write -node ID,HOST:PORT", "-node", "127.0.0.1:1",
                        NULL);
    assert_args_refused("did you mean '--loglevel'?", "-loglevel", "debug",
                        NULL);
    assert_args_refused("not expected here", "main.conf", "more.conf", NULL);
    assert_args_refused("no node line has this id", "-node", "5,a:5", NULL);
    assert_args_refused("unknown option ''", "main.conf", "--", NULL);
    assert_args_refused("the name of the file is empty", "", NULL, NULL);
}

/* Whichever of several sources is wrong: the start ends, and it is named. */
static void the_first_fault_is_told(void **state)
{
    static const struct {
        const char *file, *input, *option, *named;
    } rows[] = {
        {"port x\n", "port 7001\n", "7002", "main.conf"},
        {"port 7000\n", "port x\n", "7002", "standard input"},
        {"port 7000\n", "port 7001\n", "x", "command line"},
        {"port x\n", "port y\n", "z", "main.conf"},
    };
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture f;
        fixture_init(&f);
        fixture_file(&f, "main.conf", rows[i].file);
        fixture_file(&f, "-", rows[i].input);
        assert_int_equal(
            fixture_load(&f, "main.conf", "--port", rows[i].option, "-", NULL),
            ERR_INVALID);
        if (strstr(fixture_error(&f), rows[i].named) == NULL)
            fail_msg("message is: %s", fixture_error(&f));
        fixture_release(&f);
    }
}

/* Words of a command line, before and as every user may see them. */
static void secrets_are_hidden(void **state)
{
    static const char *const rows[][2] = {
        {"vard --requirepass pw --port 1", "vard --requirepass ** --port 1"},
        {"vard f --REQUIREPASS secret", "vard f --REQUIREPASS ******"},
        {"vard --port 1 --peer-secret a bc",
         "vard --port 1 --peer-secret * **"},
        {"vard --peer-secret a -port 7 -me 1", "vard --peer-secret * -port 7 "
                                               "-me 1"},
        {"vard --peer-secret -x --dir d", "vard --peer-secret ** --dir d"},
        {"vard --requirepass", "vard --requirepass"},
        {"vard requirepass x", "vard requirepass x"},
        {"vard -requirepass x", "vard -requirepass x"},
        {"vard --nosuch x --dir y", "vard --nosuch x --dir y"},
        {"--requirepass x", "--requirepass x"},
    };
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char line[128], seen[128] = "", *words[16], *rest = line;
        int count = 0;
        snprintf(line, sizeof(line), "%s", rows[i][0]);
        for (char *w; (w = strtok_r(rest, " ", &rest)) != NULL;)
            words[count++] = w;
        config_hide_secrets(count, words);
        for (int w = 0; w < count; w++)
            snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), "%s%s",
                     w > 0 ? " " : "", words[w]);
        assert_string_equal(seen, rows[i][1]);
    }
}

/* An option with so many words; they are told, but for the one too many. */
static int load_words(struct fixture *f, int count)
{
    char *argv[CONFIG_WORDS_MAX + 8] = {(char *)(uintptr_t) "vard",
                                        (char *)(uintptr_t) "--bind"};
    const struct config_source source = {fixture_read, f};
    for (int i = 0; i < count; i++)
        argv[2 + i] = (char *)(uintptr_t) "a";
    fixture_init(f);
    int rc = config_load(&f->config, 2 + count, argv, &source, &f->error);
    buf_char(&f->error, '\0');
    return rc;
}

static void words_have_a_number(void **state)
{
    struct fixture f;
    struct buf wanted = BUF_INIT;
    UNUSED(state);
    for (int more = 0; more < 2; more++) {
        assert_int_equal(load_words(&f, CONFIG_WORDS_MAX - 1 + more),
                         ERR_INVALID);
        const char *said = more ? "too many words" : "addresses are needed";
        if (strstr(fixture_error(&f), said) == NULL)
            fail_msg("%s", fixture_error(&f));
        fixture_release(&f);
    }
    buf_str(&wanted, ">>> --bind");
    for (int i = 0; i < CONFIG_WORDS_MAX - 1; i++)
        buf_str(&wanted, " a");
    buf_char(&wanted, '\n');
    buf_char(&wanted, '\0');
    (void)load_words(&f, CONFIG_WORDS_MAX);
    if (strstr(fixture_error(&f), (const char *)wanted.data) == NULL)
        fail_msg("%s", fixture_error(&f));
    fixture_release(&f);
    buf_release(&wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_have_a_number),
        cmocka_unit_test(options_override_files),
        cmocka_unit_test(no_file_at_all),
        cmocka_unit_test(the_originals_options),
        cmocka_unit_test(the_originals_with_others),
        cmocka_unit_test(version_and_help),
        cmocka_unit_test(refused),
        cmocka_unit_test(the_first_fault_is_told),
        cmocka_unit_test(secrets_are_hidden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
