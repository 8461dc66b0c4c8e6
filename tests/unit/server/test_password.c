/*
 * A password that is set and removed while clients are connected.
 */
// link: admin original
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/server/fake_node.h"

static const char noauth[] = "-NOAUTH Authentication required.\r\n";

/* Those who came in while there was a password are served when it is gone,
 * and not any more when there is one again. */
static void a_password_that_is_removed(void **state)
{
    struct fixture *f = *state;
    int known = f->fd;
    set_option(f, "requirepass", "secret");
    (void)connect_client(f, &f->fd);
    send_text(f, "PING\r\n");
    expect(f, noauth);
    set_option(f, "requirepass", "");
    send_text(f, "PING\r\nHELLO 2 SETNAME a\r\nSET a 1\r\n");
    assert_non_null(strstr(received_on(f->fd), "+PONG\r\n*14\r\n"));
    answer(f, 1);
    expect(f, "+SET a 1\r\n");
    send_text(f, "*11\r\n$20000\r\n");
    expect(f, "");
    set_option(f, "requirepass", "other");
    close(f->fd);
    (void)connect_client(f, &f->fd);
    set_option(f, "requirepass", "");
    send_text(f, "PING\r\n");
    expect(f, "+PONG\r\n");
    set_option(f, "requirepass", "third");
    send_text(f, "PING\r\nHELLO\r\nAUTH third\r\nPING\r\n");
    const char *got = received_on(f->fd);
    assert_memory_equal(got, noauth, sizeof(noauth) - 1);
    assert_non_null(strstr(got, "-NOAUTH HELLO"));
    assert_non_null(strstr(got, "+OK\r\n+PONG\r\n"));
    close(f->fd);
    f->fd = known; /* it came before there was any */
    send_text(f, "PING\r\n");
    expect(f, "+PONG\r\n");
}

/* It has a minute from when it is asked for the password. */
static void a_password_that_comes_back(void **state)
{
    struct fixture *f = *state;
    struct client *c = f->client;
    set_option(f, "requirepass", "secret");
    send_text(f, "RESET\r\n");
    expect(f, "+RESET\r\n");
    set_option(f, "requirepass", "");
    c->created_ms -= 10 * UNAUTH_DEADLINE_MS;
    c->authorized_ms = c->created_ms;
    f->server->cron.second_ms -= 1000;
    turn_begin(f->server);
    cron_run(f->server);
    set_option(f, "requirepass", "secret");
    f->server->cron.second_ms -= 1000;
    cron_run(f->server);
    turn(f);
    send_text(f, "PING\r\n");
    expect(f, noauth);
    c->authorized_ms -= UNAUTH_DEADLINE_MS + 1000;
    f->server->cron.second_ms -= 1000;
    turn_begin(f->server);
    cron_run(f->server);
    turn(f);
    assert_null(received_on(f->fd));
}

/* One of a single character is one, too. */
static void the_shortest_password(void **state)
{
    struct fixture *f = *state;
    int known = f->fd;
    set_option(f, "requirepass", "x");
    (void)connect_client(f, &f->fd);
    send_text(f, "PING\r\nAUTH x\r\nPING\r\n");
    const char *got = received_on(f->fd);
    assert_memory_equal(got, noauth, sizeof(noauth) - 1);
    assert_string_equal(got + sizeof(noauth) - 1, "+OK\r\n+PONG\r\n");
    close(f->fd);
    f->fd = known;
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_password_that_is_removed),
        test(a_password_that_comes_back),
        test(the_shortest_password),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
