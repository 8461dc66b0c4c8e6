/*
 * A node that has not got all yet that it must have before it serves.
 */
// link: admin original
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/server/fake_node.h"

/* What needs no data is answered. */
static void a_node_that_is_refilled_says_so(void **state)
{
    struct fixture *f = *state;
    f->node->loading = true;
    send_text(f, "GET a\r\nSET a 1\r\nONCE me 1 SET a 1\r\nPING\r\n");
    expect(f, "-LOADING vard is being refilled (37 %)\r\n"
              "-LOADING vard is being refilled (37 %)\r\n"
              "-LOADING vard is being refilled (37 %)\r\n+PONG\r\n");
    assert_int_equal(f->node->submitted, 0);
    assert_int_equal(f->node->reads_asked, 0);
    f->node->loading = false;
    send_text(f, "GET a\r\n");
    reads_told(f, 0);
    expect(f, "$1\r\na\r\n");
}

/* Behind writes as well: what was taken is answered, and nothing follows it
 * into the log. */
static void nothing_follows_what_was_taken(void **state)
{
    struct fixture *f = *state;
    send_text(f, "SET a 1\r\n");
    f->node->loading = true;
    send_text(f, "GET a\r\nSET b 1\r\n");
    assert_int_equal(f->node->submitted, 1);
    assert_int_equal(f->node->reads_asked, 0);
    answer(f, 1);
    expect(f, "+SET a 1\r\n-LOADING vard is being refilled (37 %)\r\n"
              "-LOADING vard is being refilled (37 %)\r\n");
    assert_int_equal(f->node->submitted, 1);
}

/* More commands than one turn has, with nobody waking the loop; then who ends
 * is gone. */
static void its_clients_have_turns(struct fixture *f)
{
    const size_t commands = 4 * CLIENT_COMMANDS_MAX;
    struct buf text = BUF_INIT;
    assert_false(f->server->turn.is_set);
    for (size_t i = 0; i < commands; i++)
        buf_str(&text, "PING\r\n");
    ssize_t n = write(f->fd, text.data, text.len);
    assert_int_equal(n, text.len);
    turns(f, 4);
    assert_int_equal(strlen(received_on(f->fd)),
                     commands * strlen("+PONG\r\n"));
    send_text(f, "QUIT\r\n");
    expect(f, "+OK\r\n");
    assert_int_equal(f->server->clients.count, 0);
    assert_true(list_empty(&f->server->clients.gone));
    buf_release(&text);
}

static void what_is_seen(void *ctx, enum log_level level, const char *line,
                         size_t len)
{
    bool *late = ctx;
    UNUSED(level);
    *late |= memmem(line, len, "in time", strlen("in time")) != NULL;
}

/* It ends at once: there is nobody to take anything over. */
static void it_ends(struct fixture *f)
{
    bool late = false;
    struct logger log = {LOG_WARNING, what_is_seen, &late};
    f->server->options.log = &log;
    shutdown_begin(f->server, SHUTDOWN_ORDERLY);
    assert_int_equal(f->server->shutdown.phase, SHUTDOWN_DRAIN);
    turn(f);
    assert_int_equal(f->server->shutdown.phase, SHUTDOWN_DONE);
    assert_false(late);
    f->server->options.log = NULL;
}

/* Who speaks as Verdi's vard does is told to ask another one. */
static void guests_are_refused(struct fixture *f)
{
    static const char hello[] = "\x20\0\0\0"
                                "00112233445566778899aabbccddeeff";
    static const char get[] = "\x0d\0\0\0"
                              "7 GET key - -";
    static const char refused[] = "\x0b\0\0\0"
                                  "NotLeader 7";
    char got[64];
    int fd;
    (void)connect_client(f, &fd);
    assert_int_equal(write(fd, hello, sizeof(hello) - 1), sizeof(hello) - 1);
    assert_int_equal(write(fd, get, sizeof(get) - 1), sizeof(get) - 1);
    turn(f);
    assert_int_equal(read(fd, got, sizeof(got)), sizeof(refused) - 1);
    assert_memory_equal(got, refused, sizeof(refused) - 1);
    close(fd);
    turn(f);
}

static int begin_cluster(void *ctx, struct buf *why)
{
    bool *begun = ctx;
    if (*begun) {
        buf_str(why, "once is enough");
        return ERR_INVALID;
    }
    *begun = true;
    return 0;
}

/* A node that is met by nobody yet: what it waits for is told as it is now. */
static void what_is_waited_for_is_told(void **state)
{
    static const struct protocol *const guests[] = {&original_protocol};
    struct fixture f = {0};
    bool begun = false;
    const struct server_options options = {.config = &f.config,
                                           .data_dir = "/",
                                           .executable = "test",
                                           .seed = 1,
                                           .commands = admin_commands,
                                           .guests = guests,
                                           .guest_count = ARRAY_LEN(guests),
                                           .bootstrap = begin_cluster,
                                           .ctx = &begun,
                                           .fatal = fixture_fatal};
    struct server_options o = options;
    UNUSED(state);
    config_init(&f.config);
    f.config.min_free_disk_bytes = 0;
    o.loop = f.loop = loop_new();
    f.server = server_new(&o);
    open_door(&f);
    server_wait(f.server, NULL, "waits for members 2 and 3");
    loop_before_wait(f.loop, fixture_before_wait, &f);
    f.client = connect_client(&f, &f.fd);
    send_text(&f, "GET a\r\nPING\r\n");
    expect(&f, "-LOADING vard waits for members 2 and 3\r\n+PONG\r\n");
    server_wait(f.server, NULL, "waits for member 3");
    send_text(&f, "SET a 1\r\nINCR a\r\n");
    expect(&f, "-LOADING vard waits for member 3\r\n"
               "-LOADING vard waits for member 3\r\n");
    assert_string_equal(server_waiting(f.server),
                        "LOADING vard waits for member 3");
    send_text(&f, "MULTI\r\nEXEC NX k\r\n");
    expect(&f, "+OK\r\n-EXECABORT Transaction discarded because of: LOADING "
               "vard waits for member 3\r\n");
    guests_are_refused(&f);
    send_text(&f, "RAFT BOOTSTRAP\r\nRAFT BOOTSTRAP\r\nRAFT STATUS\r\n");
    expect(&f, "+OK\r\n-ERR once is enough\r\n"
               "-LOADING vard waits for member 3\r\n");
    its_clients_have_turns(&f);
    it_ends(&f);
    close(f.fd);
    server_free(f.server);
    rmdir(f.dir);
    loop_free(f.loop);
    config_release(&f.config);
}

/* What was waited for is over once there is a node. */
static void nothing_is_waited_for_with_a_node(void **state)
{
    struct fixture *f = *state;
    struct server *s = f->server;
    assert_non_null(s->node);
    assert_null(server_waiting(s));
    snprintf(s->waiting, sizeof(s->waiting), "LOADING vard waits");
    assert_null(server_waiting(s));
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_node_that_is_refilled_says_so),
        test(nothing_follows_what_was_taken),
        test(nothing_is_waited_for_with_a_node),
        cmocka_unit_test(what_is_waited_for_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
