/*
 * Every number and size at its bounds, and options that bound each other when
 * they are equal: what the help says is allowed is allowed, and no more.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "config/config_table.h"
#include "fixture.h"

#include <inttypes.h>
#include <stdio.h>

static int set(struct config *c, const struct option *o, uint64_t value)
{
    struct config_words words = {.count = 1};
    struct buf reason = BUF_INIT;
    char text[32];
    snprintf(text, sizeof(text),
             (o->use & OCTAL) != 0 ? "%" PRIo64 : "%" PRIu64, value);
    words.items[0] = bytes_str(text);
    int err = option_set(c, o, &words, &reason);
    assert_int_equal(reason.len > 0, err != 0);
    buf_release(&reason);
    return err;
}

/* The value in force, as CONFIG GET shows it. */
static uint64_t value_of(const struct config *c, const struct option *o)
{
    struct buf text = BUF_INIT;
    uint64_t value = 0;
    option_format(c, o, &text);
    buf_char(&text, '\0');
    assert_int_equal(sscanf((const char *)text.data,
                            (o->use & OCTAL) != 0 ? "%" SCNo64 : "%" SCNu64,
                            &value),
                     1);
    buf_release(&text);
    return value;
}

static void bounds_are_allowed_and_nothing_beyond(void **state)
{
    struct config c;
    const struct option *o;
    size_t seen = 0;
    UNUSED(state);
    config_init(&c);
    for (size_t i = 0; (o = option_at(i)) != NULL; i++) {
        if (o->kind != OPTION_NUMBER && o->kind != OPTION_SIZE)
            continue;
        seen++;
        if (set(&c, o, o->max) != 0 || value_of(&c, o) != o->max)
            fail_msg("%s: its maximum is refused", o->name);
        if (o->max < UINT64_MAX && set(&c, o, o->max + 1) == 0)
            fail_msg("%s: more than its maximum", o->name);
        if (set(&c, o, o->min) != 0 || value_of(&c, o) != o->min)
            fail_msg("%s: its minimum is refused", o->name);
        if (o->min > 0 && set(&c, o, o->min - 1) == 0)
            fail_msg("%s: less than its minimum", o->name);
        assert_true(value_of(&c, o) ==
                    o->min); /* what was refused is not set */
    }
    assert_true(seen > 20);
    config_release(&c);
}

static int load(const char *text)
{
    struct fixture f;
    fixture_init(&f);
    fixture_file(&f, "main.conf", text);
    int rc = fixture_load(&f, "main.conf", NULL);
    fixture_release(&f);
    return rc;
}

static void options_that_bound_each_other_may_be_equal(void **state)
{
    static const struct {
        const char *text;
        int rc;
    } rows[] = {
        {"heartbeat-interval 100\nelection-timeout 300", CONFIG_RUN},
        {"heartbeat-interval 101\nelection-timeout 300", ERR_INVALID},
        {"log-size 2gb\nlog-size-max 2gb", CONFIG_RUN},
        {"log-size 2147483649\nlog-size-max 2gb", ERR_INVALID},
        {"entry-size-max 2mb\nlog-size 2mb", CONFIG_RUN},
        {"entry-size-max 2097153\nlog-size 2mb", ERR_INVALID},
        {"proto-max-bulk-len 64mb\nlog-size 1mb\nlog-size-max 128mb\n"
         "entry-size-max 1mb",
         CONFIG_RUN},
        {"proto-max-bulk-len 67108865\nlog-size 1mb\nlog-size-max 128mb\n"
         "entry-size-max 1mb",
         ERR_INVALID},
        {"daemonize yes\nsupervised systemd", ERR_INVALID},
        {"daemonize yes\nsupervised auto", CONFIG_RUN},
        {"daemonize yes\nsupervised upstart", CONFIG_RUN},
        {"daemonize yes\nsupervised no", CONFIG_RUN},
        {"daemonize no\nsupervised systemd", CONFIG_RUN},
        {"port 0\nunixsocket s", CONFIG_RUN},
        {"port 1", CONFIG_RUN},
    };
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (load(rows[i].text) != rows[i].rc)
            fail_msg("%s", rows[i].text);
    }
}

/* "bind" and a name of so many letters. */
static int load_host(size_t len)
{
    struct buf text = BUF_INIT;
    buf_str(&text, "bind ");
    for (size_t i = 0; i < len; i++)
        buf_char(&text, 'a');
    buf_char(&text, '\0');
    int rc = load((const char *)text.data);
    buf_release(&text);
    return rc;
}

static void names_of_hosts_have_a_length(void **state)
{
    UNUSED(state);
    assert_int_equal(load_host(1), CONFIG_RUN);
    assert_int_equal(load_host(255), CONFIG_RUN);
    assert_int_equal(load_host(256), ERR_INVALID);
}

/* "bind" and so many addresses. */
static int load_addresses(size_t count)
{
    struct buf text = BUF_INIT;
    buf_str(&text, "bind");
    for (size_t i = 0; i < count; i++)
        buf_printf(&text, " 127.0.0.%zu", i + 1);
    buf_char(&text, '\0');
    int rc = load((const char *)text.data);
    buf_release(&text);
    return rc;
}

static void addresses_have_a_number(void **state)
{
    UNUSED(state);
    assert_int_equal(load_addresses(0), ERR_INVALID);
    assert_int_equal(load_addresses(1), CONFIG_RUN);
    assert_int_equal(load_addresses(16), CONFIG_RUN);
    assert_int_equal(load_addresses(17), ERR_INVALID);
    assert_int_equal(load("bind a \"\""), ERR_INVALID);
    assert_int_equal(load("bind \"\" a"), ERR_INVALID);
    assert_int_equal(load("bind a -"), ERR_INVALID);
    assert_int_equal(load("bind a -b"), CONFIG_RUN);
    assert_int_equal(load("bind a #b"), ERR_INVALID);
    assert_int_equal(load("bind a b#"), CONFIG_RUN);
    assert_int_equal(load("bind \"a\\x00b\""), ERR_INVALID);
    assert_int_equal(load("bind a \"b\\x00\""), ERR_INVALID);
}

/* Blanks around a line mean nothing, before a comment, either. */
static void lines_may_be_indented(void **state)
{
    struct fixture f;
    UNUSED(state);
    fixture_init(&f);
    fixture_file(&f, "main.conf",
                 " port 7001\n\ttimeout 5 \n   # port 7002\n \t\n\r\n"
                 "  \t maxclients 77\t\r\n");
    assert_int_equal(fixture_load(&f, "main.conf", NULL), CONFIG_RUN);
    assert_int_equal(f.config.port, 7001);
    assert_int_equal(f.config.timeout_s, 5);
    assert_int_equal(f.config.maxclients, 77);
    fixture_release(&f);
}

/* Whether the operator is warned that other machines reach a node without a
 * password. */
static bool warns(const char *text)
{
    struct fixture f;
    fixture_init(&f);
    fixture_file(&f, "main.conf", text);
    assert_int_equal(fixture_load(&f, "main.conf", NULL), CONFIG_RUN);
    bool warned = f.config.warn_no_password;
    fixture_release(&f);
    return warned;
}

static void only_this_machine_needs_no_password(void **state)
{
    UNUSED(state);
    assert_false(warns("protected-mode no\nbind 127.0.0.1"));
    assert_false(warns("protected-mode no\nbind 127.8.9.1"));
    assert_false(warns("protected-mode no\nbind ::1"));
    assert_false(warns("protected-mode no\nbind localhost"));
    assert_false(warns("protected-mode no\nbind 127.0.0.1 -::1 localhost"));
    assert_true(warns("protected-mode no\nbind 10.0.0.1"));
    assert_true(warns("protected-mode no\nbind 127.0.0.1 10.0.0.1"));
    assert_true(warns("protected-mode no\nbind 10.0.0.1 127.0.0.1"));
    assert_true(warns("protected-mode no\nbind ::11"));
    assert_true(warns("protected-mode no\nbind 1270.example"));
    assert_true(warns("protected-mode no\nbind localhost.example"));
    assert_false(warns("protected-mode no\nbind -127.0.0.1 -localhost"));
    assert_true(warns("protected-mode no\nbind -10.0.0.1"));
    assert_false(warns("protected-mode yes\nbind 10.0.0.1"));
    assert_false(warns("protected-mode no\nbind 10.0.0.1\nrequirepass x"));
    assert_false(warns("protected-mode no\nbind 10.0.0.1\nport 0\n"
                       "unixsocket /tmp/s"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounds_are_allowed_and_nothing_beyond),
        cmocka_unit_test(options_that_bound_each_other_may_be_equal),
        cmocka_unit_test(names_of_hosts_have_a_length),
        cmocka_unit_test(addresses_have_a_number),
        cmocka_unit_test(lines_may_be_indented),
        cmocka_unit_test(only_this_machine_needs_no_password),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
