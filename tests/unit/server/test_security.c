/*
 * What strangers try is reported, but not more often than they may fill the
 * disk with it.
 */
// link: admin original
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/server/fake_node.h"

struct lines {
    struct logger log;
    int attacks;
    int failures;
    int closed;
};

static void line_seen(void *ctx, enum log_level level, const char *line,
                      size_t len)
{
    struct lines *l = ctx;
    UNUSED(level);
    UNUSED(len);
    l->attacks += strstr(line, "Possible SECURITY ATTACK") != NULL;
    l->failures += strstr(line, "failed authentication") != NULL;
    l->closed += strstr(line, "7 more clients were closed") != NULL;
}

static void listen_to(struct fixture *f, struct lines *lines)
{
    *lines = (struct lines){.log = {LOG_DEBUG, line_seen, lines}};
    f->server->options.log = &lines->log;
}

/* A new client each time: its connection is closed. */
static void attack(struct fixture *f, const char *word)
{
    int fd = f->fd;
    (void)connect_client(f, &f->fd);
    send_text(f, word);
    assert_null(received_on(f->fd));
    close(f->fd);
    f->fd = fd;
}

static void an_attack_is_a_line_a_minute(void **state)
{
    struct fixture *f = *state;
    struct lines lines;
    listen_to(f, &lines);
    attack(f, "POST / HTTP/1.1\r\n");
    assert_int_equal(lines.attacks, 1);
    attack(f, "host: x\r\n");
    attack(f, "post /\r\n");
    assert_int_equal(lines.attacks, 1);
    f->server->security.attack_warned_ms -= 50000;
    attack(f, "Host: x\r\n");
    assert_int_equal(lines.attacks, 1);
    f->server->security.attack_warned_ms -= 10000;
    attack(f, "POST /\r\n");
    assert_int_equal(lines.attacks, 2);
    assert_int_equal(f->server->clients.count, 1);
    send_text(f, "POSTS\r\nGET a\r\n"); /* no such word */
    reads_told(f, 0);
    assert_non_null(strstr(received_on(f->fd), "unknown command 'POSTS'"));
    f->server->options.log = NULL;
}

static void failures_are_a_line_a_second(void **state)
{
    struct fixture *f = *state;
    struct lines lines;
    const struct bytes set[2] = {BYTES_LIT("requirepass"), BYTES_LIT("secret")};
    struct buf error = BUF_INIT;
    assert_int_equal(config_set(&f->config, set, 2, &error), 0);
    listen_to(f, &lines);
    send_text(f, "AUTH a\r\nAUTH b\r\nAUTH c\r\n");
    assert_int_equal(lines.failures, 1);
    assert_int_equal(f->server->security.auth_unreported, 2);
    f->server->security.auth_reported_ms -= AUTH_REPORT_MS;
    turn_begin(f->server);
    security_report(f->server);
    assert_int_equal(lines.failures, 2);
    security_report(f->server); /* there is nothing more to say */
    assert_int_equal(lines.failures, 2);
    /* A right one takes nothing back of those before. */
    send_text(f, "AUTH secret\r\n");
    assert_int_equal(f->client->auth_failures, 3);
    buf_release(&error);
    f->server->options.log = NULL;
}

static void what_was_not_said_is_counted(void **state)
{
    struct fixture *f = *state;
    struct lines lines;
    listen_to(f, &lines);
    f->server->limits.closed_logged = CLOSED_LOGGED_MAX;
    f->server->limits.closed_unlogged = 7;
    turn_begin(f->server);
    limits_each_second(f->server);
    assert_int_equal(lines.closed, 1);
    assert_int_equal(f->server->limits.closed_logged, 0);
    assert_int_equal(f->server->limits.closed_unlogged, 0);
    limits_each_second(f->server);
    assert_int_equal(lines.closed, 1);
    f->server->options.log = NULL;
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(an_attack_is_a_line_a_minute),
        test(failures_are_a_line_a_second),
        test(what_was_not_said_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
