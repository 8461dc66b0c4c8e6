/* Addresses and sockets on the loopback. Waiting is done with poll, with a
 * bound. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "os/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>

#include "fixture.h"

static void wait_for(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};
    assert_int_equal(poll(&p, 1, 5000), 1);
}

static void assert_text(const char *in, const char *out, uint16_t port)
{
    struct address a;
    char text[ADDRESS_TEXT_MAX];
    assert_int_equal(address_parse(bytes_str(in), &a), 0);
    size_t len = address_format(&a, text);
    assert_string_equal(text, out);
    assert_int_equal(len, strlen(out));
    assert_int_equal(address_port(&a), port);
    /* What is written can be read. */
    struct address b;
    assert_int_equal(address_parse(bytes_of(text, len), &b), 0);
    assert_true(address_eq(&a, &b));
}

static void addresses(void **state)
{
    UNUSED(state);
    assert_text("127.0.0.1:6379", "127.0.0.1:6379", 6379);
    assert_text("[::1]:65535", "[::1]:65535", 65535);
    assert_text("*:1", "0.0.0.0:1", 1);
    assert_text("[::*]:2", "[::]:2", 2);
    assert_text("[2001:DB8:0::1]:0", "[2001:db8::1]:0", 0);
    const char *bad[] = {"",          "127.0.0.1",  ":1",        "1.2.3.4:",
                         "a:65536",   "::1:6379",   "[::1]",     "[]:1",
                         "1.2.3.4:x", "1.2.3.4:-1", "1.2.3.4:01"};
    struct address a;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(address_parse(bytes_str(bad[i]), &a), ERR_INVALID);
    assert_int_equal(address_host(BYTES_LIT("a\0b"), 1, &a), ERR_INVALID);
    char host[300];
    memset(host, 'a', sizeof(host));
    assert_int_equal(address_host(bytes_of(host, sizeof(host)), 1, &a),
                     ERR_INVALID);
    assert_int_equal(address_parse(BYTES_LIT("localhost:5"), &a), 0);
    assert_true(address_is_loopback(&a));
    struct address none = {.len = 0};
    assert_false(address_is_loopback(&none));
    assert_int_equal(address_format(&none, host), 1);
    assert_string_equal(host, "?");
}

static void numbers_and_names(void **state)
{
    UNUSED(state);
    static const char *const numbers[] = {"127.0.0.1:5", "[::1]:5", "*:5",
                                          "[::*]:5", "[fe80::1%lo]:5"};
    static const char *const texts[] = {"localhost:5", "no-such-host.test:5",
                                        "1.2.3:x", "[::1]", ""};
    static const int results[] = {ERR_NOT_FOUND, ERR_NOT_FOUND, ERR_INVALID,
                                  ERR_INVALID, ERR_INVALID};
    struct address a;
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        assert_int_equal(address_number(bytes_str(numbers[i]), &a), 0);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_int_equal(address_number(bytes_str(texts[i]), &a), results[i]);
    for (uint32_t nth = 0; nth < 5; nth++) {
        assert_int_equal(address_look_up(BYTES_LIT("localhost:5"), nth, &a), 0);
        assert_true(address_is_loopback(&a));
        assert_int_equal(address_port(&a), 5);
    }
    assert_int_equal(address_look_up(BYTES_LIT("localhost"), 0, &a),
                     ERR_INVALID);
}

static void loopback(void **state)
{
    UNUSED(state);
    const struct {
        const char *host;
        bool loopback;
    } cases[] = {{"127.0.0.1", true},
                 {"127.9.9.9", true},
                 {"128.0.0.1", false},
                 {"::1", true},
                 {"::2", false},
                 {"::ffff:127.0.0.1", true},
                 {"::ffff:10.0.0.1", false},
                 {"*", false}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct address a;
        assert_int_equal(address_host(bytes_str(cases[i].host), 1, &a), 0);
        assert_int_equal(address_is_loopback(&a), cases[i].loopback);
    }
    struct address a, b;
    assert_int_equal(address_parse(BYTES_LIT("1.2.3.4:5"), &a), 0);
    assert_int_equal(address_parse(BYTES_LIT("1.2.3.4:6"), &b), 0);
    assert_false(address_eq(&a, &b));
    assert_int_equal(address_parse(BYTES_LIT("1.2.3.5:5"), &b), 0);
    assert_false(address_eq(&a, &b));
}

struct pair {
    int listener;
    int client;
    int server;
    struct address peer;
};

static void pair_open(struct pair *p, const char *host)
{
    struct address a;
    assert_int_equal(address_host(bytes_str(host), 0, &a), 0);
    p->listener = socket_listen(&a, 5);
    assert_true(p->listener >= 0);
    assert_true(socket_local(p->listener, &a));
    assert_int_equal(socket_accept(p->listener, &p->peer), ERR_AGAIN);
    assert_int_equal(socket_listen(&a, 5), ERR_BUSY);
    p->client = socket_connect(&a);
    assert_true(p->client >= 0);
    wait_for(p->client, POLLOUT);
    assert_int_equal(socket_connect_result(p->client), 0);
    wait_for(p->listener, POLLIN);
    p->server = socket_accept(p->listener, &p->peer);
    assert_true(p->server >= 0);
}

static void pair_close(struct pair *p)
{
    socket_close(p->listener);
    if (p->client >= 0)
        socket_close(p->client);
    if (p->server >= 0)
        socket_close(p->server);
}

static void exchange_on(const char *host)
{
    struct pair p;
    char data[100];
    pair_open(&p, host);
    struct address local;
    assert_true(socket_local(p.client, &local));
    assert_true(address_eq(&local, &p.peer));
    assert_true(address_is_loopback(&p.peer));

    assert_int_equal(socket_read(p.server, data, sizeof(data)), ERR_AGAIN);
    assert_int_equal(socket_write(p.client, "hello ", 6), 6);
    assert_int_equal(socket_write(p.client, "world", 5), 5);
    size_t got = 0;
    while (got < 11) {
        wait_for(p.server, POLLIN);
        int64_t n = socket_read(p.server, data + got, sizeof(data) - got);
        assert_true(n > 0);
        got += (size_t)n;
    }
    assert_memory_equal(data, "hello world", 11);
    assert_int_equal(socket_read(p.server, data, 0), 0);

    socket_close(p.client);
    p.client = -1;
    wait_for(p.server, POLLIN);
    assert_int_equal(socket_read(p.server, data, sizeof(data)), ERR_CLOSED);
    pair_close(&p);
}

static void exchange(void **state)
{
    UNUSED(state);
    exchange_on("127.0.0.1");
    struct address a;
    assert_int_equal(address_parse(BYTES_LIT("[::1]:0"), &a), 0);
    int fd = socket_listen(&a, 1);
    if (fd >= 0) { /* machines without IPv6 exist */
        socket_close(fd);
        exchange_on("::1");
    }
}

/* Fills the connection; then the reader goes away. No signal may come. */
static void full_then_gone(void **state)
{
    UNUSED(state);
    struct pair p;
    static char data[65536];
    pair_open(&p, "127.0.0.1");
    int64_t n;
    int writes = 0;
    while ((n = socket_write(p.client, data, sizeof(data))) > 0)
        assert_true(++writes < 10000);
    assert_int_equal(n, ERR_AGAIN);
    socket_close(p.server);
    p.server = -1;
    wait_for(p.client, POLLHUP);
    while ((n = socket_write(p.client, data, sizeof(data))) > 0)
        assert_true(++writes < 20000);
    assert_int_equal(n, ERR_CLOSED);
    pair_close(&p);
}

static void refused(void **state)
{
    UNUSED(state);
    struct address a;
    assert_int_equal(address_parse(BYTES_LIT("127.0.0.1:0"), &a), 0);
    int fd = socket_listen(&a, 1);
    assert_true(socket_local(fd, &a));
    socket_close(fd);
    fd = socket_connect(&a);
    if (fd >= 0) {
        wait_for(fd, POLLOUT);
        assert_int_equal(socket_connect_result(fd), ERR_CLOSED);
        assert_int_equal(errno, ECONNREFUSED);
        socket_close(fd);
    } else {
        assert_int_equal(fd, ERR_CLOSED);
    }
    /* An address that no machine here has. */
    assert_int_equal(address_parse(BYTES_LIT("192.0.2.1:0"), &a), 0);
    assert_int_equal(socket_listen(&a, 1), ERR_NOT_FOUND);
}

static int option_of(int fd, int level, int option)
{
    int value = -1;
    socklen_t len = sizeof(value);
    assert_int_equal(getsockopt(fd, level, option, &value, &len), 0);
    return value;
}

static void options(void **state)
{
    UNUSED(state);
    struct pair p;
    pair_open(&p, "127.0.0.1");
    socket_no_delay(p.client);
    socket_keepalive(p.client, 300);
    socket_user_timeout(p.client, 1234);
    assert_int_not_equal(option_of(p.client, IPPROTO_TCP, TCP_NODELAY), 0);
    assert_int_not_equal(option_of(p.client, SOL_SOCKET, SO_KEEPALIVE), 0);
    assert_int_equal(option_of(p.client, IPPROTO_TCP, TCP_KEEPIDLE), 300);
    assert_int_equal(option_of(p.client, IPPROTO_TCP, TCP_KEEPINTVL), 100);
    assert_int_equal(option_of(p.client, IPPROTO_TCP, TCP_USER_TIMEOUT), 1234);
    socket_keepalive(p.client, 0);
    assert_int_equal(option_of(p.client, SOL_SOCKET, SO_KEEPALIVE), 0);
    pair_close(&p);
}

static void unix_sockets(void **state)
{
    UNUSED(state);
    struct temp_dir dir;
    char room[128];
    temp_dir_make(&dir);
    const char *path = temp_dir_file(&dir, "sock", room);
    int fd = socket_listen_unix(path, 0660, 5);
    assert_true(fd >= 0);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0660);
    assert_int_equal(socket_listen_unix(path, 0, 5), ERR_BUSY);
    /* Left behind by a process that died: replaced. */
    socket_close(fd);
    fd = socket_listen_unix(path, 0, 5);
    assert_true(fd >= 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    struct address a;
    assert_true(socket_local(fd, &a));
    assert_true(address_is_loopback(&a));
    int client = socket_connect(&a);
    assert_true(client >= 0);
    struct address peer;
    int server = socket_accept(fd, &peer);
    assert_true(server >= 0);
    char text[ADDRESS_TEXT_MAX];
    address_format(&peer, text);
    assert_string_equal(text, "unix:");
    socket_close(server);
    socket_close(client);
    socket_close(fd);

    /* Anything else that stands there is left alone. */
    const char *plain = temp_dir_file(&dir, "plain", room);
    FILE *file = fopen(plain, "w");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(socket_listen_unix(plain, 0, 5), ERR_BUSY);
    assert_int_equal(access(plain, F_OK), 0);
    char longer[200];
    memset(longer, 'a', sizeof(longer) - 1);
    longer[199] = '\0';
    assert_int_equal(socket_listen_unix(longer, 0, 5), ERR_TOO_BIG);
    temp_dir_remove(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses),         cmocka_unit_test(loopback),
        cmocka_unit_test(numbers_and_names), cmocka_unit_test(exchange),
        cmocka_unit_test(full_then_gone),    cmocka_unit_test(refused),
        cmocka_unit_test(options),           cmocka_unit_test(unix_sockets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
