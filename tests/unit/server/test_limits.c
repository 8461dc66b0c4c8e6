/*
 * What clients may take together, what is written about those that are
 * closed, clients that shut their sending side, and those that read slowly.
 */
// link: admin original
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/socket.h"
#include "unit/server/fake_node.h"

#include <sys/un.h>

static void give_memory(struct client *c, size_t bytes)
{
    (void)buf_reserve(&c->conn.in, bytes);
    client_account(c);
}

/* It has sent so much of a command that is not complete. */
static void give_input(struct client *c, size_t bytes)
{
    size_t more = bytes - c->conn.in.len;
    memset(buf_reserve(&c->conn.in, more), 'x', more);
    c->conn.in.len = bytes;
    client_account(c);
}

static void log_line_seen(void *ctx, enum log_level level, const char *line,
                          size_t len)
{
    int *lines = ctx;
    UNUSED(level);
    UNUSED(len);
    *lines += strstr(line, "Client closed for") != NULL;
}

static void the_largest_client_is_closed(void **state)
{
    struct fixture *f = *state;
    int fds[2], lines = 0;
    struct logger log = {LOG_NOTICE, log_line_seen, &lines};
    struct client *large = connect_client(f, &fds[0]);
    struct client *guarded = connect_client(f, &fds[1]);
    f->config.maxmemory_clients_bytes = 3 << 20;
    guarded->settings.no_evict = true;
    give_input(f->client, 200000);
    give_input(guarded, 1 << 20);
    give_input(large, 1 << 20);
    assert_true(f->server->clients.bytes > 2 << 20);
    turn(f);
    assert_int_equal(f->server->clients.count, 3);
    give_input(guarded, 2 << 20);
    f->server->options.log = &log;
    turn(f);
    f->server->options.log = NULL;
    assert_int_equal(lines, 1); /* which client it was */
    assert_int_equal(f->server->clients.count, 2);
    assert_null(received_on(fds[0]));
    assert_int_equal(f->server->stats.evicted_clients, 1);
    assert_true(f->server->clients.bytes < 3 << 20);
    give_input(guarded, 3 << 20); /* nobody is left but the small one */
    turn(f);
    assert_int_equal(f->server->clients.count, 1);
    assert_true(guarded->state == CLIENT_OPEN);
    close(fds[0]);
    close(fds[1]);
}

/* Wherever it is among them, and the next largest after it. */
static void the_largest_goes_first(void **state)
{
    struct fixture *f = *state;
    static const size_t sizes[] = {2 << 20, 4 << 20, 3 << 20, 1 << 20};
    struct client *c[ARRAY_LEN(sizes)];
    int fds[ARRAY_LEN(sizes)];
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        c[i] = connect_client(f, &fds[i]);
        give_input(c[i], sizes[i]);
    }
    f->config.maxmemory_clients_bytes = 19 << 19; /* 10 MiB are in use */
    turn(f);
    assert_int_equal(f->server->clients.count, 4);
    assert_null(received_on(fds[1]));
    f->config.maxmemory_clients_bytes = 11 << 19;
    turn(f);
    assert_int_equal(f->server->clients.count, 3);
    assert_null(received_on(fds[2]));
    f->config.maxmemory_clients_bytes = 2 << 20;
    turn(f);
    assert_int_equal(f->server->clients.count, 2);
    assert_null(received_on(fds[0]));
    assert_int_equal(c[3]->state, CLIENT_OPEN);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        close(fds[i]);
}

/* 0 is no limit; so much is not too much. */
static void memory_may_be_without_a_limit(void **state)
{
    struct fixture *f = *state;
    f->config.maxmemory_clients_bytes = 0;
    give_input(f->client, 8 << 20);
    turn(f);
    assert_int_equal(f->server->clients.count, 1);
    f->config.maxmemory_clients_bytes = f->server->clients.bytes;
    turn(f);
    assert_int_equal(f->server->clients.count, 1);
    f->config.maxmemory_clients_bytes--;
    turn(f);
    assert_int_equal(f->server->clients.count, 0);
    assert_int_equal(f->server->stats.evicted_clients, 1);
}

/* All that a client may hold counts, whatever it is for. */
static void all_memory_is_counted(void **state)
{
    struct fixture *f = *state;
    struct client *c = f->client;
    size_t *const caps[] = {&c->conn.in.cap, &c->conn.out.cap,
                            &c->reads.arena.used, &c->text_bytes, &c->held.cap};
    size_t before = client_memory(c);
    for (size_t i = 0; i < ARRAY_LEN(caps); i++) {
        *caps[i] += 1000;
        assert_int_equal(client_memory(c), before + 1000);
        *caps[i] -= 1000;
    }
    c->reader.args_cap += 100;
    assert_int_equal(client_memory(c), before + 100 * sizeof(*c->reader.args));
    c->reader.args_cap -= 100;
    c->reader.argv_cap += 100;
    assert_int_equal(client_memory(c), before + 100 * sizeof(*c->reader.argv));
    c->reader.argv_cap -= 100;
    c->unanswered.cap += 100;
    assert_int_equal(client_memory(c),
                     before + 100 * sizeof(*c->unanswered.items));
    c->unanswered.cap -= 100;
    c->reads.cap += 100;
    assert_int_equal(client_memory(c), before + 100 * sizeof(*c->reads.items));
    c->reads.cap -= 100;
}

static void all_memory_is_given_back(void **state)
{
    struct fixture *f = *state;
    uint64_t before = f->server->clients.bytes;
    int fd;
    give_memory(connect_client(f, &fd), 1 << 20);
    assert_true(f->server->clients.bytes > before + (1 << 20));
    close(fd);
    turn(f);
    assert_int_equal(f->server->clients.bytes, before);
}

static void closing_many_does_not_fill_the_log(void **state)
{
    struct fixture *f = *state;
    int lines = 0;
    struct logger log = {LOG_DEBUG, log_line_seen, &lines};
    int fds[30];
    set_option(f, "requirepass", "secret");
    f->server->options.log = &log;
    f->server->cron.second_ms = INT64_MAX / 2; /* this second does not end */
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        struct client *c = connect_client(f, &fds[i]);
        c->settings.authenticated = false;
        give_memory(c, 2 << 20);
        c->conn.in.len = UNAUTH_INPUT_MAX + 1;
        assert_false(limits_input(c));
    }
    assert_int_equal(lines, CLOSED_LOGGED_MAX);
    assert_int_equal(f->server->limits.closed_unlogged, 30 - CLOSED_LOGGED_MAX);
    f->server->options.log = NULL;
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        close(fds[i]);
}

static void who_sends_no_more_is_answered(void **state)
{
    struct fixture *f = *state;
    send_text(f, "SET a 1\r\nPING\r\nGET b\r\n*1\r\n$4\r\nPI");
    shutdown(f->fd, SHUT_WR);
    turn(f);
    assert_int_equal(f->server->clients.count, 1);
    answer(f, 1);
    reads_told(f, 0);
    turn(f);
    expect(f, "+SET a 1\r\n+PONG\r\n$1\r\nb\r\n");
    assert_null(received_on(f->fd));
    assert_int_equal(f->server->clients.count, 0);
}

static void who_is_owed_nothing_is_closed(void **state)
{
    struct fixture *f = *state;
    send_text(f, "PING\r\nGET");
    expect(f, "+PONG\r\n");
    shutdown(f->fd, SHUT_WR);
    turn(f);
    assert_null(received_on(f->fd));
    assert_int_equal(f->server->clients.count, 0);
}

static void names_are_memory(void **state)
{
    struct fixture *f = *state;
    struct client *c = f->client;
    struct buf name = BUF_INIT;
    size_t before = client_memory(c);
    memset(buf_reserve(&name, 1 << 20), 'n', 1 << 20);
    name.len = 1 << 20;
    client_set_text(c, CLIENT_NAME, buf_view(&name));
    client_set_text(c, CLIENT_LIB_VERSION, buf_view(&name));
    assert_true(client_memory(c) > before + (2 << 20));
    client_set_text(c, CLIENT_LIB_VERSION, BYTES_LIT("1"));
    client_set_text(c, CLIENT_NAME, BYTES_NONE);
    assert_int_equal(client_memory(c), before + 2);
    buf_release(&name);
}

static void a_list_beyond_the_limit_closes(void **state)
{
    struct fixture *f = *state;
    struct config_output_limit *limit =
        &f->config.client_output_buffer_limit[CONFIG_CLIENT_NORMAL];
    int fds[4];
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        client_set_text(connect_client(f, &fds[i]), CLIENT_NAME,
                        BYTES_LIT("a-name"));
    send_text(f, "CLIENT LIST\r\n");
    const char *got = received_on(f->fd);
    assert_non_null(strstr(got, "\nid=5 "));
    limit->hard_bytes = strlen(got) - 10;
    send_text(f, "CLIENT LIST\r\n");
    assert_null(received_on(f->fd));
    assert_int_equal(f->server->stats.output_limit_closed, 1);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        close(fds[i]);
}

static void give_output(struct client *c, size_t bytes)
{
    memset(buf_reserve(&c->conn.out, bytes), 'x', bytes);
    c->conn.out.len += bytes;
    client_mark_dirty(c);
}

static void a_second_passes(struct fixture *f)
{
    turn_begin(f->server);
    f->server->cron.second_ms = f->server->turn.mono_ms - 1000;
    cron_run(f->server);
    turn(f);
}

static void who_reads_slowly_is_not_idle(void **state)
{
    struct fixture *f = *state;
    struct client *c = f->client;
    f->config.timeout_s = 10;
    give_output(c, 4 << 20);
    turn(f);
    c->active_ms -= 60000;
    assert_non_null(received_on(f->fd)); /* a part of it */
    turn(f);
    assert_true(conn_pending(&c->conn) > 0);
    a_second_passes(f);
    assert_int_equal(f->server->clients.count, 1);
    assert_int_equal(c->state, CLIENT_OPEN);
    c->active_ms -= 60000; /* and now nothing of it */
    a_second_passes(f);
    assert_int_equal(f->server->clients.count, 0);
    assert_int_equal(f->server->stats.idle_closed, 1);
}

static void the_last_reply_may_take_long(void **state)
{
    struct fixture *f = *state;
    struct client *c = f->client;
    give_output(c, 4 << 20);
    turn(f);
    client_close_after_reply(c);
    c->closing_ms -= 60000;
    assert_non_null(received_on(f->fd));
    turn(f);
    assert_true(conn_pending(&c->conn) > 0);
    a_second_passes(f);
    assert_int_equal(f->server->clients.count, 1);
    c->closing_ms -= 60000;
    a_second_passes(f);
    assert_int_equal(f->server->clients.count, 0);
}

static struct config_output_limit *output_limit(struct fixture *f)
{
    return &f->config.client_output_buffer_limit[CONFIG_CLIENT_NORMAL];
}

/* What fits exactly is not too much. */
static void limits_are_what_may_be_reached(void **state)
{
    struct fixture *f = *state;
    struct client *c = f->client;
    struct config_output_limit *limit = output_limit(f);
    turn_begin(f->server);
    *limit =
        (struct config_output_limit){.soft_bytes = 1000, .soft_seconds = 0};
    memset(buf_reserve(&c->conn.out, 5000), 'x', 5000);
    c->conn.out.len = 1000;
    limits_output(c);
    assert_int_equal(c->state, CLIENT_OPEN);
    assert_int_equal(c->above_soft_ms, 0);
    *limit = (struct config_output_limit){.hard_bytes = 3000};
    c->conn.out.len = 3000;
    limits_output(c);
    limits_reply(c);
    assert_int_equal(c->state, CLIENT_OPEN);
    c->conn.out.len = 3001;
    limits_reply(c);
    assert_int_equal(c->state, CLIENT_DOOMED);
    assert_int_equal(f->server->stats.output_limit_closed, 1);
}

/* Who only waits for its last output may have no more than others. */
static void limits_hold_to_the_end(void **state)
{
    static const struct config_output_limit hard = {.hard_bytes = 3000};
    static const struct config_output_limit soft = {.soft_bytes = 3000};
    struct fixture *f = *state;
    for (int i = 0; i < 3; i++) {
        int fd;
        struct client *c = connect_client(f, &fd);
        *output_limit(f) = i == 2 ? soft : hard;
        memset(buf_reserve(&c->conn.out, 5000), 'x', 5000);
        client_close_after_reply(c);
        c->conn.out.len = 3000;
        limits_output(c);
        limits_reply(c);
        assert_int_equal(c->state, CLIENT_CLOSING);
        c->conn.out.len = 3001;
        if (i == 0)
            limits_reply(c);
        else
            limits_output(c);
        assert_int_equal(c->state, CLIENT_DOOMED);
        assert_int_equal(f->server->stats.output_limit_closed, i + 1);
        close(fd);
    }
}

/* Reads until no more than `bytes` wait in the server. */
static void read_down_to(struct fixture *f, size_t bytes)
{
    while (conn_pending(&f->client->conn) > bytes) {
        assert_non_null(received_on(f->fd));
        turn(f);
    }
}

/* Above the soft limit for a while, below it, above it again: the time counts
 * from the second passing. */
static void a_soft_limit_that_was_left_is_forgotten(void **state)
{
    struct fixture *f = *state;
    struct client *c = f->client;
    *output_limit(f) =
        (struct config_output_limit){.soft_bytes = 1 << 20, .soft_seconds = 60};
    c->created_ms -= 3600000; /* whatever it did before */
    give_output(c, 4 << 20);
    turn(f);
    assert_true(c->above_soft_ms > 0);
    c->above_soft_ms -= 50000;
    a_second_passes(f);
    assert_int_equal(c->state, CLIENT_OPEN);
    read_down_to(f, 1 << 20);
    a_second_passes(f);
    assert_int_equal(c->above_soft_ms, 0);
    give_output(c, 4 << 20);
    turn(f);
    assert_true(c->above_soft_ms > 0);
    c->above_soft_ms -= 50000;
    a_second_passes(f);
    assert_int_equal(c->state, CLIENT_OPEN);
    c->above_soft_ms -= 10000;
    a_second_passes(f);
    assert_int_equal(f->server->clients.count, 0);
    assert_int_equal(f->server->stats.output_limit_closed, 1);
}

/* A connection by the server's own door; the test's end of it. */
static int knock(struct fixture *f)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    snprintf(at.sun_path, sizeof(at.sun_path), "%s", f->path);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    turn(f);
    return fd;
}

static void so_many_clients_and_not_one_more(void **state)
{
    struct fixture *f = *state;
    f->config.maxclients = 2;
    int second = knock(f);
    assert_int_equal(f->server->clients.count, 2);
    int third = knock(f);
    assert_string_equal(received_on(third),
                        "-ERR max number of clients reached\r\n");
    assert_null(received_on(third));
    assert_int_equal(f->server->clients.count, 2);
    assert_int_equal(f->server->stats.connections_rejected, 1);
    close(third);
    close(second);
    turn(f);
    assert_int_equal(f->server->clients.count, 1);
    second = knock(f); /* there is room again */
    assert_int_equal(f->server->clients.count, 2);
    assert_string_equal(received_on(second), "");
    close(second);
}

static void a_door_in_use_is_said(void **state)
{
    struct fixture *f = *state;
    struct buf error = BUF_INIT;
    size_t doors = f->server->doors.count;
    f->server->doors.count = 0; /* as another process on the same socket */
    assert_int_equal(server_listen(f->server, &error), ERR_BUSY);
    f->server->doors.count = doors;
    buf_char(&error, '\0');
    assert_non_null(strstr((const char *)error.data, error_text(ERR_BUSY)));
    assert_non_null(strstr((const char *)error.data, f->path));
    buf_release(&error);
}

/* An address that this machine does not have: a fault, unless a - says that it
 * may be missing. Then the next door is tried, which is in use here. */
static void a_door_may_be_missing(void **state)
{
    struct fixture *f = *state;
    char plain[] = "192.0.2.1", optional[] = "-192.0.2.1";
    char *words[1] = {plain};
    char **bind = f->config.bind;
    size_t doors = f->server->doors.count, binds = f->config.bind_count;
    struct buf error = BUF_INIT;
    f->server->doors.count = 0;
    f->config.port = 1;
    f->config.bind = words;
    f->config.bind_count = 1;
    assert_int_equal(server_listen(f->server, &error), ERR_NOT_FOUND);
    words[0] = optional;
    assert_int_equal(server_listen(f->server, &error), ERR_BUSY);
    /* One that is in use is not missing. */
    struct address a;
    char in_use[] = "-127.0.0.1";
    assert_int_equal(address_host(BYTES_LIT("127.0.0.1"), 0, &a), 0);
    int fd = socket_listen(&a, 1);
    assert_true(fd >= 0 && socket_local(fd, &a));
    words[0] = in_use;
    f->config.port = address_port(&a);
    buf_reset(&error);
    assert_int_equal(server_listen(f->server, &error), ERR_BUSY);
    buf_char(&error, '\0');
    assert_non_null(strstr((const char *)error.data, "stop the other process"));
    socket_close(fd);
    /* Nor is the Unix socket, when another door could be opened. */
    struct door first = f->server->doors.items[0];
    words[0] = in_use + 1;
    buf_reset(&error);
    assert_int_equal(server_listen(f->server, &error), ERR_BUSY);
    assert_int_equal(f->server->doors.count, 1);
    socket_close(f->server->doors.items[0].fd);
    f->server->doors.items[0] = first;
    f->config.port = 0;
    f->config.bind = bind;
    f->config.bind_count = binds;
    f->server->doors.count = doors;
    buf_release(&error);
}

static void idle_for_the_time_out_and_not_before(void **state)
{
    struct fixture *f = *state;
    struct client *c = f->client;
    f->config.timeout_s = 100;
    c->active_ms = f->server->turn.mono_ms - 99000;
    a_second_passes(f);
    assert_int_equal(c->state, CLIENT_OPEN);
    send_text(f, "SET a 1\r\n");
    c->active_ms = f->server->turn.mono_ms - 200000;
    a_second_passes(f); /* it is owed an answer */
    assert_int_equal(c->state, CLIENT_OPEN);
    answer(f, 1);
    a_second_passes(f); /* the answer counts as a sign of life */
    c->active_ms = f->server->turn.mono_ms - 100000;
    a_second_passes(f);
    assert_int_equal(f->server->clients.count, 0);
}

/* --- what idle clients keep ---------------------------------------------- */

static void send_echo(struct fixture *f, size_t size)
{
    struct buf text = BUF_INIT;
    buf_printf(&text, "*2\r\n$4\r\nECHO\r\n$%zu\r\n", size);
    memset(buf_reserve(&text, size), 'e', size);
    text.len += size;
    buf_str(&text, "\r\n");
    buf_char(&text, '\0');
    send_text(f, (const char *)text.data);
    assert_int_equal(strlen(received_on(f->fd)), size + 10);
    buf_release(&text);
}

static void who_is_silent_keeps_nothing(void **state)
{
    struct fixture *f = *state;
    struct client *c = f->client;
    size_t least = sizeof(*c);
    send_echo(f, 10000);
    send_text(f, "SET a 1\r\nPING\r\n");
    answer(f, 1);
    send_text(f, "GET a\r\n");
    reads_told(f, 0);
    assert_non_null(received_on(f->fd));
    assert_true(client_memory(c) > least + 30000);
    a_second_passes(f);
    assert_true(client_memory(c) > least + 30000);
    c->active_ms -= CLIENT_SHRINK_MS;
    a_second_passes(f);
    assert_int_equal(client_memory(c), least);
    assert_int_equal(f->server->clients.bytes, least);
    assert_null(c->reads.arena.head);
    send_text(f, "SET a 1\r\nPING\r\n");
    answer(f, 1);
    expect(f, "+SET a 1\r\n+PONG\r\n");
}

/* What is under way is kept: half a command, a request, a reply. */
static void who_waits_keeps_what_it_needs(void **state)
{
    struct fixture *f = *state;
    struct client *c = f->client;
    send_text(f, "*3\r\n$3\r\nSET\r\n$1\r\na\r\n");
    c->active_ms -= CLIENT_SHRINK_MS;
    a_second_passes(f);
    assert_int_equal(c->conn.in.cap, c->conn.in.len);
    send_text(f, "$1\r\n1\r\nGET b\r\n");
    assert_int_equal(f->node->submitted, 2);
    assert_string_equal(f->node->requests[0].text, "SET a 1");
    c->active_ms -= CLIENT_SHRINK_MS;
    a_second_passes(f);
    assert_true(c->unanswered.cap > 0);
    answer(f, 2);
    expect(f, "+SET a 1\r\n+GET b\r\n");
    give_output(c, 4 << 20);
    turn(f);
    c->active_ms -= CLIENT_SHRINK_MS;
    a_second_passes(f);
    assert_true(conn_pending(&c->conn) > 0);
    assert_true(c->conn.out.cap >= conn_pending(&c->conn));
}

/* Of the arrays of a huge command nothing is left when it has been taken. */
static void a_huge_command_keeps_no_arrays(void **state)
{
    struct fixture *f = *state;
    struct buf text = BUF_INIT;
    buf_str(&text, "*8001\r\n$4\r\nMSET\r\n");
    for (int i = 0; i < 4000; i++)
        buf_str(&text, "$1\r\na\r\n$1\r\n1\r\n");
    buf_char(&text, '\0');
    f->node->full = true; /* it has to wait first */
    send_text(f, (const char *)text.data);
    while (f->client->wait != WAIT_NODE)
        turn(f); /* it is read in parts */
    assert_int_equal(f->node->submitted, 0);
    f->node->full = false;
    f->node->events->writable(f->node->events->ctx);
    turn(f);
    assert_int_equal(f->node->submitted, 1);
    assert_int_equal(f->client->reader.args_cap, 0);
    assert_int_equal(f->client->reader.argv_cap, 0);
    assert_true(f->client->conn.in.cap <= CONN_BUF_KEEP);
    assert_int_equal(f->client->accounted_bytes, client_memory(f->client));
    answer(f, 1);
    assert_non_null(received_on(f->fd));
    buf_release(&text);
}

static void nobody_is_closed_for_empty_buffers(void **state)
{
    struct fixture *f = *state;
    int fds[8];
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        give_memory(connect_client(f, &fds[i]), 512 << 10);
    f->config.maxmemory_clients_bytes = 1 << 20;
    turn(f);
    assert_int_equal(f->server->clients.count, 9);
    assert_int_equal(f->server->stats.evicted_clients, 0);
    assert_true(f->server->clients.bytes < 1 << 20);
    assert_in_range(f->server->limits.freed_bytes, 8 * (512 << 10),
                    8 * (600 << 10));
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        close(fds[i]);
}

/* What several silent ones gave up is counted together. */
static void what_all_gave_up_is_counted(void **state)
{
    struct fixture *f = *state;
    struct client *c;
    int fds[4];
    f->server->limits.freed_bytes = 1000;
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        c = connect_client(f, &fds[i]);
        give_memory(c, 512 << 10);
        c->active_ms -= CLIENT_SHRINK_MS;
    }
    a_second_passes(f);
    assert_in_range(f->server->limits.freed_bytes, 1000 + 4 * (512 << 10),
                    1000 + 4 * (600 << 10));
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        close(fds[i]);
}

/* Nor is one who waits closed for what it had: it is measured before. */
static void who_waits_is_measured_again(void **state)
{
    struct fixture *f = *state;
    const size_t stale = 8 << 20;
    f->node->full = true;
    send_text(f, "SET a 1\r\n");
    turn(f);
    assert_false(client_is_quiet(f->client));
    f->config.maxmemory_clients_bytes = 1 << 20;
    f->client->accounted_bytes += stale;
    f->server->clients.bytes += stale;
    assert_false(limits_memory(f->server));
    assert_int_equal(f->server->clients.count, 1);
    assert_true(f->server->clients.bytes < 1 << 20);
    assert_int_equal(f->server->stats.evicted_clients, 0);
    f->node->full = false;
    f->node->events->writable(f->node->events->ctx);
    turn(f);
    answer(f, 1);
    expect(f, "+SET a 1\r\n");
}

/* Once so much was freed, and the last time was long ago. */
static void pages_are_given_back(void **state)
{
    struct fixture *f = *state;
    struct limits *l = &f->server->limits;
    l->given_back_ms = f->server->turn.mono_ms - 2 * GIVE_BACK_MS;
    l->freed_bytes = GIVE_BACK_BYTES - 1;
    a_second_passes(f);
    assert_int_equal(l->freed_bytes, GIVE_BACK_BYTES - 1);
    l->freed_bytes++;
    a_second_passes(f);
    assert_int_equal(l->freed_bytes, 0);
    l->freed_bytes = GIVE_BACK_BYTES;
    a_second_passes(f);
    assert_int_equal(l->freed_bytes, GIVE_BACK_BYTES);
    l->given_back_ms -= GIVE_BACK_MS;
    a_second_passes(f);
    assert_int_equal(l->freed_bytes, 0);
}

/* --- options that change while clients are connected -------------------- */

static void a_timeout_that_is_set(void **state)
{
    struct fixture *f = *state;
    f->client->active_ms -= 5000;
    a_second_passes(f);
    assert_int_equal(f->server->clients.count, 1);
    set_option(f, "timeout", "6");
    a_second_passes(f);
    assert_int_equal(f->server->clients.count, 1);
    set_option(f, "timeout", "5");
    a_second_passes(f);
    assert_int_equal(f->server->clients.count, 0);
}

/* Who is in stays; who comes is rejected. */
static void fewer_clients(void **state)
{
    struct fixture *f = *state;
    int fds[2];
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        (void)connect_client(f, &fds[i]);
    set_option(f, "maxclients", "2");
    a_second_passes(f);
    assert_int_equal(f->server->clients.count, 3);
    send_text(f, "PING\r\n");
    expect(f, "+PONG\r\n");
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof(a.sun_path), "%s", f->path);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    turn(f);
    assert_string_equal(received_on(fd),
                        "-ERR max number of clients reached\r\n");
    close(fd);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        close(fds[i]);
}

static void less_output(void **state)
{
    struct fixture *f = *state;
    give_output(f->client, 4 << 20);
    turn(f);
    assert_true(conn_pending(&f->client->conn) > 1 << 20);
    a_second_passes(f);
    set_option(f, "client-output-buffer-limit", "normal 0 1mb 5");
    a_second_passes(f);
    f->client->above_soft_ms -= 4000;
    a_second_passes(f);
    assert_int_equal(f->server->clients.count, 1);
    set_option(f, "client-output-buffer-limit", "normal 0 0 0");
    a_second_passes(f); /* that time is forgotten */
    assert_int_equal(f->client->above_soft_ms, 0);
    set_option(f, "client-output-buffer-limit", "normal 1mb 0 0");
    a_second_passes(f);
    assert_int_equal(f->server->clients.count, 0);
    assert_int_equal(f->server->stats.output_limit_closed, 1);
}

static void less_memory(void **state)
{
    struct fixture *f = *state;
    give_input(f->client, 2 << 20);
    turn(f);
    set_option(f, "maxmemory-clients", "1mb");
    turn(f);
    assert_int_equal(f->server->clients.count, 0);
    assert_int_equal(f->server->stats.evicted_clients, 1);
}

/* An argument that was announced before is taken, as by Redis; the next one
 * is refused when it is announced. */
static void smaller_arguments(void **state)
{
    struct fixture *f = *state;
    enum { SIZE = (1 << 20) + 1 };
    char *zeros = mem_alloc(SIZE + 1);
    memset(zeros, '0', SIZE);
    zeros[SIZE] = '\0';
    send_text(f, "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1048577\r\n");
    set_option(f, "proto-max-bulk-len", "1mb");
    for (size_t i = 0; i < SIZE; i += 65536) {
        char part[65537];
        snprintf(part, sizeof(part), "%s", zeros + i);
        send_text(f, part);
    }
    send_text(f, "\r\nPING\r\n");
    assert_int_equal(f->node->submitted, 1);
    answer(f, 1);
    assert_non_null(strstr(received_on(f->fd), "+PONG\r\n"));
    send_text(f, "*2\r\n$4\r\nECHO\r\n$1048577\r\n");
    expect(f, "-ERR Protocol error: invalid bulk length\r\n");
    mem_free(zeros);
}

/* While a client waits, a MiB of it is kept and the rest is left to TCP. */
static void reading_pauses_and_goes_on(void **state)
{
    struct fixture *f = *state;
    struct buf *in = &f->client->conn.in;
    uint8_t *zeros = mem_zalloc(60000);
    f->node->full = true;
    send_text(f, "SET a 1\r\n");
    assert_false(f->client->conn.paused);
    for (int i = 0; i < 18; i++) {
        buf_str(in, "*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$60000\r\n");
        buf_append(in, zeros, 60000);
        buf_str(in, "\r\n");
    }
    turn_begin(f->server);
    input_run(f->client);
    assert_true(f->client->conn.paused);
    f->node->full = false;
    f->node->events->writable(f->node->events->ctx);
    for (int i = 0; i < 10 && in->len > 0; i++)
        turn(f);
    assert_int_equal(f->node->submitted, 19);
    assert_false(f->client->conn.paused);
    answer(f, 19);
    assert_int_equal(f->client->state, CLIENT_OPEN);
    mem_free(zeros);
}

/* Replies of reads stop at a MiB; the rest asks for another point when the
 * client has taken those. */
static void reads_pause_for_a_slow_reader(void **state)
{
    struct fixture *f = *state;
    struct buf *in = &f->client->conn.in;
    size_t got = 0;
    for (int i = 0; i < 17; i++) {
        buf_str(in, "*2\r\n$3\r\nGET\r\n$60000\r\n");
        memset(buf_reserve(in, 60000), 'k', 60000);
        in->len += 60000;
        buf_str(in, "\r\n");
    }
    buf_bytes(&f->client->conn.out, buf_view(in)); /* 1 MB that is unsent */
    size_t wanted = f->client->conn.out.len + 17 * (60000 + 10);
    f->client->conn.out.len -= 30000;
    wanted -= 30000;
    turn_begin(f->server);
    input_run(f->client);
    client_mark_dirty(f->client);
    f->node->events->read_ready(f->node->events->ctx,
                                f->node->readers[f->node->reads_told++], 0);
    assert_int_equal(f->client->wait, WAIT_OUTPUT);
    assert_int_equal(f->client->reads.phase, READS_AGAIN);
    for (int i = 0; i < 1000 && got < wanted; i++) {
        const char *part = received_on(f->fd);
        assert_non_null(part);
        got += strlen(part);
        turn(f);
        if (f->node->reads_told < f->node->reads_asked)
            reads_told(f, 0);
    }
    assert_int_equal(got, wanted);
    assert_true(f->node->reads_asked > 1);
    assert_true(client_is_idle(f->client));
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(the_largest_client_is_closed),
        test(the_largest_goes_first),
        test(memory_may_be_without_a_limit),
        test(all_memory_is_counted),
        test(all_memory_is_given_back),
        test(closing_many_does_not_fill_the_log),
        test(who_sends_no_more_is_answered),
        test(who_is_owed_nothing_is_closed),
        test(names_are_memory),
        test(a_list_beyond_the_limit_closes),
        test(who_reads_slowly_is_not_idle),
        test(the_last_reply_may_take_long),
        test(limits_are_what_may_be_reached),
        test(a_soft_limit_that_was_left_is_forgotten),
        test(limits_hold_to_the_end),
        test(so_many_clients_and_not_one_more),
        test(a_door_in_use_is_said),
        test(a_door_may_be_missing),
        test(idle_for_the_time_out_and_not_before),
        test(reading_pauses_and_goes_on),
        test(reads_pause_for_a_slow_reader),
        test(who_is_silent_keeps_nothing),
        test(who_waits_keeps_what_it_needs),
        test(a_huge_command_keeps_no_arrays),
        test(nobody_is_closed_for_empty_buffers),
        test(what_all_gave_up_is_counted),
        test(who_waits_is_measured_again),
        test(pages_are_given_back),
        test(a_timeout_that_is_set),
        test(fewer_clients),
        test(less_output),
        test(less_memory),
        test(smaller_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
