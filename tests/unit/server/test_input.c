/*
 * What one client may do in one turn, by the count of its requests and by
 * their bytes, whatever they are: the rest waits for the next one. And what is
 * wrong with a request waits for the answers before it.
 */
// link: admin original
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/server/fake_node.h"

#define MORE 500 /* requests than a turn's share */

/* So many requests come at once. The loop has no part in it, so it is known
 * what happened in one turn; returns what is left of them. */
static size_t come(struct client *c, struct bytes request, size_t count)
{
    assert_int_equal(c->wait, WAIT_NONE);
    assert_int_equal(c->conn.in.len, 0);
    for (size_t i = 0; i < count; i++)
        buf_bytes(&c->conn.in, request);
    input_run(c);
    assert_int_equal(c->conn.in.len % request.len, 0);
    return c->conn.in.len / request.len;
}

/* It goes on by itself, and comes to the end. */
static void the_rest_follows(struct fixture *f, struct client *c)
{
    assert_int_equal(c->wait, WAIT_TURN);
    for (int i = 0; i < 8 && c->conn.in.len > 0; i++)
        turn(f);
    assert_int_equal(c->conn.in.len, 0);
    assert_int_equal(c->wait, WAIT_NONE);
}

static void requests_are_counted(void **state)
{
    struct fixture *f = *state;
    static const char *const requests[] = {
        "PING\r\n",             /* inline */
        "*1\r\n$4\r\nPING\r\n", /* as libraries send it */
        "CLIENT REPLY ON\r\n",  /* changes the connection */
        "nosuch\r\n",           /* unknown */
        "GET\r\n",              /* too few arguments */
        "ONCE me x INCR a\r\n", /* wrong name */
        "\r\n",                 /* nothing at all */
        "*0\r\n",               /* nothing at all */
        "INCR a\r\n",           /* for the node */
        "SET a 1\r\n",          /* for the node */
    };
    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        size_t left =
            come(f->client, bytes_str(requests[i]), CLIENT_COMMANDS_MAX + MORE);
        if (left != MORE)
            fail_msg("%s: %zu are left", requests[i], left);
        the_rest_follows(f, f->client);
        answer(f, f->node->submitted - f->node->answered);
        assert_non_null(received_on(f->fd));
        f->node->submitted = f->node->answered = 0;
    }
}

/* Reads are asked for together; then they are executed together, too. */
static void reads_are_counted(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(
        come(f->client, BYTES_LIT("GET a\r\n"), CLIENT_COMMANDS_MAX + MORE),
        MORE);
    assert_int_equal(f->client->reads.count, CLIENT_COMMANDS_MAX);
    for (int i = 0; i < 8 && f->client->reads.count > 0; i++)
        reads_told(f, 0);
    assert_int_equal(f->client->reads.count, 0);
    assert_int_equal(f->client->conn.in.len, 0);
    const char *got = received_on(f->fd);
    assert_non_null(got);
    assert_int_equal(strlen(got), (CLIENT_COMMANDS_MAX + MORE) * 7);
}

static void a_guests_requests_are_counted(void **state)
{
    struct fixture *f = *state;
    static const char id[] = "\x20\0\0\0"
                             "00112233445566778899aabbccddeeff";
    static const char get[] = "\x0d\0\0\0"
                              "7 GET key - -";
    assert_int_equal(come(f->client, bytes_of(id, sizeof(id) - 1), 1), 0);
    size_t left = come(f->client, bytes_of(get, sizeof(get) - 1),
                       CLIENT_COMMANDS_MAX + MORE);
    assert_int_equal(left, MORE);
    assert_int_equal(f->node->submitted, CLIENT_COMMANDS_MAX);
    the_rest_follows(f, f->client);
    assert_int_equal(f->node->submitted, CLIENT_COMMANDS_MAX + MORE);
}

/* With exactly the share there is nothing to wait for. */
static void exactly_a_share(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(
            come(f->client, BYTES_LIT("PING\r\n"), CLIENT_COMMANDS_MAX), 0);
        assert_int_equal(f->client->wait, WAIT_NONE);
    }
    assert_int_equal(
        come(f->client, BYTES_LIT("PING\r\n"), CLIENT_COMMANDS_MAX + 1), 1);
    the_rest_follows(f, f->client);
}

/* A third of the share each, but for a few bytes: it takes four of them. */
static void bytes_are_counted(void **state)
{
    struct fixture *f = *state;
    struct buf request = BUF_INIT;
    size_t size = CLIENT_INPUT_MAX / 3 - 100;
    buf_printf(&request, "*2\r\n$6\r\nnosuch\r\n$%zu\r\n", size);
    memset(buf_reserve(&request, size), 'x', size);
    request.len += size;
    buf_str(&request, "\r\n");
    assert_int_equal(come(f->client, buf_view(&request), 6), 2);
    the_rest_follows(f, f->client);
    buf_release(&request);
}

/* Whatever is wrong with a command: it is said in its turn, and once. */
static void errors_wait_in_line(void **state)
{
    static const char *const wrong[] = {
        "nosuch",
        "GET",
        "SET a 1 NX XX",
        "SET a 1 EX 0",
        "ONCE",
        "ONCE me x SET a 1",
        "ONCE m/e 1 SET",
        "ONCE me 1 nosuch",
        "ONCE me 1 GET a",
        "ONCE me 1 SET a",
        "COMMAND nosuch",
        "CONFIG GET",
        "SETEX a b c",
        "INCRBY a x",
        "EXEC",
        "DISCARD",
        "SELECT 16",
        "CLIENT KILL",
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        char line[64];
        snprintf(line, sizeof(line), "SET a %zu\r\n%s\r\nPING\r\n", i,
                 wrong[i]);
        send_text(f, line);
        const char *got = received_on(f->fd);
        if (got == NULL || got[0] != '\0')
            fail_msg("%s is answered early", wrong[i]);
        answer(f, 1);
        got = received_on(f->fd);
        snprintf(line, sizeof(line), "+SET a %zu\r\n-", i);
        assert_non_null(got);
        if (strncmp(got, line, strlen(line)) != 0)
            fail_msg("%s: %s", wrong[i], got);
        const char *end = strchr(got + strlen(line), '\r');
        if (end == NULL || strcmp(end, "\r\n+PONG\r\n") != 0)
            fail_msg("%s: %s", wrong[i], got);
    }
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(errors_wait_in_line), test(requests_are_counted),
        test(reads_are_counted),   test(a_guests_requests_are_counted),
        test(exactly_a_share),     test(bytes_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
