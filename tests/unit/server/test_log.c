/*
 * What the server says in the log, word for word and with its level. (What it
 * says when it ends: test_shutdown.c; of strangers: test_security.c.)
 */
// link: admin original
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/file.h"
#include "unit/server/fake_node.h"

#include <inttypes.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <sys/wait.h>

/* The lines, each behind a sign for its level. */
struct lines {
    struct logger log;
    struct buf text;
};

static void take_line(void *ctx, enum log_level level, const char *line,
                      size_t len)
{
    struct lines *l = ctx;
    buf_char(&l->text, ".-*#"[level]);
    buf_append(&l->text, line, len);
    buf_char(&l->text, '\n');
}

static void listen_to(struct fixture *f, struct lines *l)
{
    *l = (struct lines){.log = {LOG_DEBUG, take_line, l}};
    f->server->options.log = &l->log;
}

static void forget(struct fixture *f, struct lines *l)
{
    f->server->options.log = NULL;
    buf_release(&l->text);
}

/* All that was said since the last time. */
static const char *said(struct lines *l)
{
    static char text[4096];
    snprintf(text, sizeof(text), "%.*s", (int)l->text.len,
             l->text.len > 0 ? (const char *)l->text.data : "");
    buf_reset(&l->text);
    return text;
}

static const char *format(const char *pattern, ...)
    __attribute__((format(printf, 1, 2)));

static const char *format(const char *pattern, ...)
{
    static char text[4096];
    va_list args;
    va_start(args, pattern);
    vsnprintf(text, sizeof(text), pattern, args);
    va_end(args);
    return text;
}

static const char *address_of(const struct client *c)
{
    static char text[ADDRESS_TEXT_MAX];
    address_format(&c->peer, text);
    return text;
}

static void who_comes_and_goes(void **state)
{
    struct fixture *f = *state;
    struct lines l;
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    listen_to(f, &l);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    snprintf(at.sun_path, sizeof(at.sun_path), "%s", f->path);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    turn(f);
    assert_int_equal(f->server->clients.count, 2);
    const char *line = said(&l);
    assert_memory_equal(line, ".Accepted ", 10);
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
    close(fd);
    turn(f);
    assert_int_equal(f->server->clients.count, 1);
    /* What breaks is told with its reason. */
    struct client *c = connect_client(f, &fd);
    uint64_t id = c->id;
    memset(buf_reserve(&c->conn.out, 1 << 20), 'x', 1 << 20);
    c->conn.out.len += 1 << 20;
    client_mark_dirty(c);
    turn(f);
    (void)said(&l);
    close(fd);
    for (int i = 0; i < 100 && f->server->clients.count > 1; i++)
        turn(f);
    assert_string_equal(said(&l), format(".client id=%" PRIu64 " closed: %s\n",
                                         id, error_text(ERR_CLOSED)));
    forget(f, &l);
}

/* Each door, when it is opened to clients. */
static void what_is_listened_on(void **state)
{
    struct fixture *f = *state;
    struct buf error = BUF_INIT;
    struct lines l;
    server_listen_close(f->server);
    assert_int_equal(server_listen(f->server, &error), 0);
    assert_int_equal(f->server->doors.count, 1);
    listen_to(f, &l);
    server_accept_start(f->server);
    assert_string_equal(said(&l), format("-listening on %s\n", f->path));
    forget(f, &l);
    buf_release(&error);
}

static void who_breaks_the_protocol(void **state)
{
    struct fixture *f = *state;
    struct lines l;
    char expected[200];
    snprintf(expected, sizeof(expected),
             "-Protocol error: expected '$', got '!' from client "
             "id=%" PRIu64 " %s\n",
             f->client->id, address_of(f->client));
    listen_to(f, &l);
    send_text(f, "*1\r\n!x\r\n"); /* which ends the client */
    assert_string_equal(said(&l), expected);
    forget(f, &l);
}

static void who_is_silent(void **state)
{
    struct fixture *f = *state;
    struct lines l;
    listen_to(f, &l);
    f->config.timeout_s = 5;
    turn_begin(f->server);
    f->client->active_ms = f->server->turn.mono_ms - 5000;
    limits_each_second(f->server);
    assert_string_equal(
        said(&l),
        format("-Closing idle client id=%" PRIu64 "\n", f->client->id));
    forget(f, &l);
}

static void who_is_a_guest(void **state)
{
    static const char id[] = "\x20\0\0\0"
                             "00112233445566778899aabbccddeeff";
    struct fixture *f = *state;
    struct lines l;
    int fd;
    ssize_t n = write(f->fd, id, sizeof(id) - 1);
    assert_int_equal(n, sizeof(id) - 1);
    turn(f);
    char address[ADDRESS_TEXT_MAX];
    snprintf(address, sizeof(address), "%s", address_of(f->client));
    (void)connect_client(f, &fd);
    listen_to(f, &l);
    n = write(fd, id, sizeof(id) - 1);
    assert_int_equal(n, sizeof(id) - 1);
    turn(f);
    assert_string_equal(said(&l),
                        format("-closing client %s, which speaks %s: a newer "
                               "connection of the same client\n",
                               address, original_protocol.name));
    forget(f, &l);
    close(fd);
}

static void how_many_were_closed(void **state)
{
    struct fixture *f = *state;
    struct lines l;
    listen_to(f, &l);
    f->server->limits.closed_logged = CLOSED_LOGGED_MAX;
    f->server->limits.closed_unlogged = 12345678901;
    turn_begin(f->server);
    limits_each_second(f->server);
    assert_string_equal(said(&l),
                        "#12345678901 more clients were closed for a limit\n");
    forget(f, &l);
}

static void what_strangers_try(void **state)
{
    struct fixture *f = *state;
    struct lines l;
    listen_to(f, &l);
    turn_begin(f->server);
    const char *address = address_of(f->client);
    client_auth_failed(f->client);
    assert_string_equal(
        said(&l),
        format("#1 failed authentication, the last one by %s\n", address));
    client_auth_failed(f->client);
    client_auth_failed(f->client);
    assert_string_equal(said(&l), "");
    f->server->security.auth_reported_ms -= AUTH_REPORT_MS;
    security_report(f->server);
    assert_string_equal(
        said(&l),
        format("#2 failed authentications, the last one by %s\n", address));
    security_attack(f->client);
    assert_string_equal(
        said(&l),
        format("#Possible SECURITY ATTACK: %s sent POST or Host: as a command. "
               "This is how a web browser is made to send commands to a server "
               "behind a firewall. Connection closed.\n",
               address));
    forget(f, &l);
}

/* The numbers of MB are those that are meant. */
static void how_the_disk_is(void **state)
{
    struct fixture *f = *state;
    struct lines l;
    listen_to(f, &l);
    f->node->space =
        (struct store_space){.promised = 7 << 20, .passing = 4 << 20};
    f->config.min_free_disk_bytes = UINT64_C(1) << 60;
    turn_begin(f->server);
    disk_floor_look(f->server);
    assert_string_equal(
        said(&l),
        format("#only %" PRId64 " MB of disk space are free in /, of which 11 "
               "MB are needed for what was written (min-free-disk is %" PRIu64
               " MB): writes are refused until there is more; reads and "
               "deletions are served\n",
               f->server->disk.free_bytes >> 20, UINT64_C(1) << 40));
    f->config.min_free_disk_bytes = 0;
    disk_floor_look(f->server);
    assert_string_equal(
        said(&l), "*enough disk space is free again: writes are accepted\n");
    forget(f, &l);
}

/* In a process of its own, which may open so many files. */
static uint32_t clients_with(struct fixture *f, struct rlimit limit,
                             uint32_t asked, const char *wanted)
{
    int pipes[2], status;
    uint32_t left = 0;
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct lines l;
        listen_to(f, &l);
        f->config.maxclients = asked;
        bool ok = setrlimit(RLIMIT_NOFILE, &limit) == 0;
        /* Else it could raise the upper bound as well. */
        ok = ok && (geteuid() != 0 || setuid(65534) == 0);
        server_config_changed(f->server);
        ok = ok && strcmp(said(&l), wanted) == 0;
        ssize_t n = write(pipes[1], &f->config.maxclients, 4);
        _exit(ok && n == 4 ? 0 : 1);
    }
    assert_int_equal(read(pipes[0], &left, 4), 4);
    close(pipes[0]);
    close(pipes[1]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    return left;
}

/* Clients leave to the store what it needs: 1,024 files, or half of all. */
static void how_many_files_there_are(void **state)
{
    struct fixture *f = *state;
    static const char few[] =
        "#this process may open only 600 files: maxclients is 300 instead of "
        "301; raise the limit (ulimit -n, LimitNOFILE)\n";
    static const char some[] =
        "#this process may open only 3000 files: maxclients is 1976 instead "
        "of 10000; raise the limit (ulimit -n, LimitNOFILE)\n";
    static const struct rlimit low = {600, 600}, high = {3000, 3000};
    static const struct rlimit soft = {600, 3000};
    assert_int_equal(clients_with(f, low, 300, ""), 300);
    assert_int_equal(clients_with(f, low, 301, few), 300);
    assert_int_equal(clients_with(f, high, 1976, ""), 1976);
    assert_int_equal(clients_with(f, high, 10000, some), 1976);
    assert_int_equal(clients_with(f, soft, 1976, ""), 1976); /* it is raised */
    assert_int_equal(clients_with(f, soft, 10000, some), 1976);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(who_comes_and_goes),       test(what_is_listened_on),
        test(who_breaks_the_protocol),  test(who_is_silent),
        test(who_is_a_guest),           test(how_many_were_closed),
        test(what_strangers_try),       test(how_the_disk_is),
        test(how_many_files_there_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
