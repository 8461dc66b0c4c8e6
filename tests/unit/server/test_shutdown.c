/*
 * The orderly end: what is waited for and how long, who is served meanwhile,
 * and what a second signal does.
 */
// link: admin original
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/clock.h"
#include "os/socket.h"
#include "unit/server/fake_node.h"

#include <signal.h>
#include <sys/un.h>

#define OUTPUT_BYTES ((size_t)4 << 20) /* more than a socket takes */

/* What the server has logged. */
struct said {
    struct logger log;
    struct buf lines;
};

static void take_line(void *ctx, enum log_level level, const char *line,
                      size_t len)
{
    struct said *said = ctx;
    UNUSED(level);
    buf_append(&said->lines, line, len);
    buf_char(&said->lines, '\n');
}

static void listen_to(struct fixture *f, struct said *said)
{
    *said = (struct said){.log = {LOG_DEBUG, take_line, said}};
    f->server->options.log = &said->log;
}

static bool was_said(const struct said *said, const char *part)
{
    struct bytes lines = buf_view(&said->lines);
    return lines.len > 0 &&
           memmem(lines.data, lines.len, part, strlen(part)) != NULL;
}

static void forget(struct fixture *f, struct said *said)
{
    f->server->options.log = NULL;
    buf_release(&said->lines);
}

static void send_signal(struct fixture *f, int signal)
{
    assert_int_equal(kill(getpid(), signal), 0);
    turn(f);
}

static enum shutdown_phase phase(const struct fixture *f)
{
    return f->server->shutdown.phase;
}

/* The loop waits for the server's own timers alone. Returns the time passed. */
static int64_t run_until_phase(struct fixture *f, enum shutdown_phase wanted)
{
    int64_t begin_ms = clock_mono_ms();
    f->node->far_deadline = true;
    while (phase(f) != wanted && clock_mono_ms() - begin_ms < 10000)
        turn(f);
    assert_int_equal(phase(f), wanted);
    return clock_mono_ms() - begin_ms;
}

static void owe_output(struct fixture *f)
{
    struct buf *out = &f->client->conn.out;
    memset(buf_reserve(out, OUTPUT_BYTES), 'x', OUTPUT_BYTES);
    out->len += OUTPUT_BYTES;
    client_mark_dirty(f->client);
    turn(f);
    assert_true(conn_pending(&f->client->conn) > 0);
}

static void a_slow_reader_is_waited_for_for_a_second(void **state)
{
    struct fixture *f = *state;
    struct said said;
    listen_to(f, &said);
    f->node->leader = false;
    owe_output(f);
    send_signal(f, SIGTERM);
    assert_int_equal(phase(f), SHUTDOWN_DRAIN);
    assert_true(was_said(&said, "Received SIGTERM, shutting down"));
    int64_t took_ms = run_until_phase(f, SHUTDOWN_DONE);
    assert_in_range(took_ms, 900, 7000);
    assert_true(was_said(&said, "some clients were not answered in time"));
    forget(f, &said);
}

static void and_no_longer_than_it_takes(void **state)
{
    struct fixture *f = *state;
    struct said said;
    size_t got = 0;
    listen_to(f, &said);
    f->node->leader = false;
    owe_output(f);
    send_signal(f, SIGINT);
    while (phase(f) == SHUTDOWN_DRAIN) {
        const char *part = received_on(f->fd);
        assert_non_null(part);
        got += strlen(part);
        turn(f);
    }
    assert_int_equal(phase(f), SHUTDOWN_DONE);
    got += strlen(received_on(f->fd));
    assert_int_equal(got, OUTPUT_BYTES); /* to its last byte */
    assert_false(was_said(&said, "not answered in time"));
    forget(f, &said);
}

static void what_was_asked_is_answered_and_nothing_else(void **state)
{
    struct fixture *f = *state;
    f->node->leader = false;
    send_text(f, "SET a 1\r\n");
    send_signal(f, SIGTERM);
    assert_int_equal(phase(f), SHUTDOWN_DRAIN);
    assert_int_equal(f->server->doors.count, 0);
    send_text(f, "SET b 1\r\nPING\r\n");
    assert_int_equal(f->node->submitted, 1);
    expect(f, "");
    assert_int_equal(phase(f), SHUTDOWN_DRAIN);
    answer(f, 1);
    expect(f, "+SET a 1\r\n");
    assert_int_equal(phase(f), SHUTDOWN_DONE);
}

/* Whoever comes later in the list of clients is waited for, too. */
static void all_are_waited_for(void **state)
{
    struct fixture *f = *state;
    int fd;
    (void)connect_client(f, &fd);
    f->node->leader = false;
    ssize_t n = write(fd, "SET a 1\r\n", 9);
    assert_int_equal(n, 9);
    turn(f);
    assert_int_equal(f->node->submitted, 1);
    send_signal(f, SIGTERM);
    turn(f);
    assert_int_equal(phase(f), SHUTDOWN_DRAIN);
    answer(f, 1);
    turn(f);
    assert_string_equal(received_on(fd), "+SET a 1\r\n");
    assert_int_equal(phase(f), SHUTDOWN_DONE);
    close(fd);
}

/* A door more, at which nothing was accepted yet, or something could be. */
static int more_door(struct fixture *f, bool opened)
{
    struct address a;
    assert_int_equal(address_host(BYTES_LIT("127.0.0.1"), 0, &a), 0);
    int fd = socket_listen(&a, 5);
    assert_true(fd >= 0);
    struct door *door = &f->server->doors.items[f->server->doors.count++];
    *door = f->server->doors.items[0];
    door->fd = fd;
    door->unix_socket = false;
    door->listener.fd = -1;
    door->listener.ctx = door;
    if (opened)
        listener_open(&door->listener, f->server->options.loop, fd, NULL);
    return fd;
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

/* Whatever number of doors: none stays open behind a node that leaves. */
static void all_doors_are_closed(void **state)
{
    struct fixture *f = *state;
    int doors[4] = {f->server->doors.items[0].fd, more_door(f, true),
                    more_door(f, false), more_door(f, true)};
    f->node->leader = false;
    send_text(f, "SET a 1\r\n"); /* so that it takes a while */
    for (size_t i = 0; i < ARRAY_LEN(doors); i++)
        assert_true(is_open(doors[i]));
    assert_int_equal(access(f->path, F_OK), 0);
    send_signal(f, SIGTERM);
    assert_int_equal(phase(f), SHUTDOWN_DRAIN);
    for (size_t i = 0; i < ARRAY_LEN(doors); i++)
        assert_false(is_open(doors[i]));
    assert_int_not_equal(access(f->path, F_OK), 0);
    assert_true(is_open(f->client->conn.fd));
    answer(f, 1);
    expect(f, "+SET a 1\r\n");
}

static void clients_are_served_while_leadership_goes(void **state)
{
    struct fixture *f = *state;
    send_signal(f, SIGTERM);
    assert_int_equal(phase(f), SHUTDOWN_TRANSFER);
    send_text(f, "SET a 1\r\n");
    answer(f, 1);
    expect(f, "+SET a 1\r\n");
    assert_true(f->server->doors.count > 0);
    assert_int_equal(phase(f), SHUTDOWN_TRANSFER);
    send_text(f, "SET b 1\r\n");
    f->node->events->transfer_ended(f->node->events->ctx);
    turn(f);
    assert_int_equal(phase(f), SHUTDOWN_DRAIN);
    answer(f, 1);
    assert_int_equal(phase(f), SHUTDOWN_DONE);
}

static void a_transfer_has_a_deadline(void **state)
{
    struct fixture *f = *state;
    struct said said;
    listen_to(f, &said);
    f->config.election_timeout_ms = 100;
    send_text(f, "SET a 1\r\n"); /* holds the second phase */
    send_signal(f, SIGTERM);
    assert_int_equal(phase(f), SHUTDOWN_TRANSFER);
    int64_t took_ms = run_until_phase(f, SHUTDOWN_DRAIN);
    assert_in_range(took_ms, 150, 7000);
    assert_true(was_said(&said, "no other node took leadership over in time"));
    assert_false(was_said(&said, "not answered in time"));
    took_ms = run_until_phase(f, SHUTDOWN_DONE);
    assert_in_range(took_ms, 900, 7000);
    forget(f, &said);
}

/* There is nothing to wait for. */
static void nobody_can_take_leadership_over(void **state)
{
    struct fixture *f = *state;
    f->node->no_transfer = true;
    send_text(f, "SET a 1\r\n");
    send_signal(f, SIGTERM);
    assert_int_equal(phase(f), SHUTDOWN_DRAIN);
    answer(f, 1);
    assert_int_equal(phase(f), SHUTDOWN_DONE);
}

static void a_second_signal_ends_the_transfer(void **state)
{
    struct fixture *f = *state;
    struct said said;
    listen_to(f, &said);
    send_text(f, "SET a 1\r\n");
    send_signal(f, SIGTERM);
    assert_int_equal(phase(f), SHUTDOWN_TRANSFER);
    send_signal(f, SIGINT);
    assert_int_equal(phase(f), SHUTDOWN_DONE);
    assert_true(was_said(&said, "Received SIGINT again, exiting at once"));
    assert_true(was_said(&said, "vard is now ready to exit, bye bye..."));
    forget(f, &said);
}

static void a_second_signal_ends_the_wait_for_readers(void **state)
{
    struct fixture *f = *state;
    f->node->leader = false;
    owe_output(f);
    send_signal(f, SIGTERM);
    assert_int_equal(phase(f), SHUTDOWN_DRAIN);
    send_signal(f, SIGTERM);
    assert_int_equal(phase(f), SHUTDOWN_DONE);
}

/* The command does not count as a signal. */
static void a_signal_after_the_command_is_the_first(void **state)
{
    struct fixture *f = *state;
    send_text(f, "SHUTDOWN\r\n");
    assert_int_equal(phase(f), SHUTDOWN_TRANSFER);
    send_signal(f, SIGTERM);
    assert_int_equal(phase(f), SHUTDOWN_TRANSFER);
    send_signal(f, SIGTERM);
    assert_int_equal(phase(f), SHUTDOWN_DONE);
}

static void after_an_abort_all_is_as_before(void **state)
{
    struct fixture *f = *state;
    int64_t until_ms;
    struct said said;
    listen_to(f, &said);
    f->config.election_timeout_ms = 20;
    send_signal(f, SIGTERM);
    assert_int_equal(phase(f), SHUTDOWN_TRANSFER);
    send_text(f, "SHUTDOWN ABORT\r\n");
    expect(f, "+OK\r\n");
    assert_int_equal(phase(f), SHUTDOWN_NONE);
    /* The deadline of the transfer is gone with it. */
    until_ms = clock_mono_ms() + 60;
    while (clock_mono_ms() < until_ms)
        turn(f);
    assert_int_equal(phase(f), SHUTDOWN_NONE);
    assert_true(was_said(&said, "Shutdown manually aborted."));
    assert_false(was_said(&said, "took leadership over"));
    assert_false(was_said(&said, "ready to exit"));
    /* The next signal is a first one again. */
    send_signal(f, SIGTERM);
    assert_int_equal(phase(f), SHUTDOWN_TRANSFER);
    forget(f, &said);
}

/* A transfer that has ended when the shutdown is aborted is not the next
 * one's. */
static void each_shutdown_has_its_transfer(void **state)
{
    struct fixture *f = *state;
    shutdown_begin(f->server, SHUTDOWN_ORDERLY);
    shutdown_transfer_ended(f->server);
    assert_true(server_shutdown_abort(f->server));
    send_signal(f, SIGTERM);
    assert_int_equal(phase(f), SHUTDOWN_TRANSFER);
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

/* Newcomers are sent to another node while this one ends, and are served
 * again if it does not. */
static void nobody_new_comes_in(void **state)
{
    struct fixture *f = *state;
    send_signal(f, SIGTERM);
    assert_int_equal(phase(f), SHUTDOWN_TRANSFER);
    int fd = knock(f);
    assert_null(received_on(fd));
    close(fd);
    assert_int_equal(f->server->clients.count, 1);
    assert_true(server_shutdown_abort(f->server));
    fd = knock(f);
    assert_int_equal(f->server->clients.count, 2);
    assert_string_equal(received_on(fd), "");
    close(fd);
}

/* Nor does a signal begin anew what the command has begun, or the other way
 * round: each phase has its time once. */
static void it_begins_once(void **state)
{
    struct fixture *f = *state;
    struct loop_timer *timer = &f->server->shutdown.timer;
    f->node->leader = false;
    owe_output(f);
    turn_begin(f->server);
    shutdown_begin(f->server, SHUTDOWN_ORDERLY);
    assert_int_equal(phase(f), SHUTDOWN_DRAIN);
    loop_timer_stop(f->loop, timer); /* to see that it is left alone */
    f->node->leader = true;
    shutdown_begin(f->server, SHUTDOWN_ORDERLY);
    assert_int_equal(phase(f), SHUTDOWN_DRAIN);
    assert_null(timer->impl);
    send_signal(f, SIGTERM);
    assert_int_equal(phase(f), SHUTDOWN_DRAIN);
    assert_null(timer->impl);
    send_signal(f, SIGTERM);
    assert_int_equal(phase(f), SHUTDOWN_DONE);
}

static void count_stop(void *ctx)
{
    ++*(int *)ctx;
}

/* The supervisor hears of it once, however often it is asked for. */
static void the_supervisor_hears_of_it_once(void **state)
{
    struct fixture *f = *state;
    int stops = 0;
    f->server->options.stopping = count_stop;
    f->server->options.ctx = &stops;
    send_text(f, "PING\r\n");
    assert_int_equal(stops, 0);
    send_text(f, "SET a 1\r\n"); /* so that it takes a while */
    send_text(f, "SHUTDOWN\r\n");
    answer(f, 1);
    assert_int_equal(phase(f), SHUTDOWN_TRANSFER);
    assert_int_equal(stops, 1);
    send_signal(f, SIGTERM);
    assert_int_equal(phase(f), SHUTDOWN_TRANSFER);
    assert_int_equal(stops, 1);
    send_signal(f, SIGTERM);
    assert_int_equal(phase(f), SHUTDOWN_DONE);
    send_signal(f, SIGTERM);
    assert_int_equal(stops, 1);
}

static void an_abort_comes_too_late(void **state)
{
    struct fixture *f = *state;
    f->node->leader = false;
    owe_output(f);
    send_signal(f, SIGTERM);
    assert_int_equal(phase(f), SHUTDOWN_DRAIN);
    assert_false(server_shutdown_abort(f->server));
    assert_int_equal(phase(f), SHUTDOWN_DRAIN);
}

static bool is_handled(int signal)
{
    struct sigaction now;
    assert_int_equal(sigaction(signal, NULL, &now), 0);
    return now.sa_handler != SIG_DFL;
}

/* Nobody would look at what a handler keeps. */
static void who_begins_anew_swallows_no_signal(void **state)
{
    struct fixture *f = *state;
    assert_true(is_handled(SIGTERM) && is_handled(SIGINT));
    server_signals_end(f->server);
    assert_false(is_handled(SIGTERM) || is_handled(SIGINT));
    assert_int_equal(phase(f), SHUTDOWN_NONE);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_slow_reader_is_waited_for_for_a_second),
        test(and_no_longer_than_it_takes),
        test(what_was_asked_is_answered_and_nothing_else),
        test(all_doors_are_closed),
        test(clients_are_served_while_leadership_goes),
        test(a_transfer_has_a_deadline),
        test(nobody_can_take_leadership_over),
        test(all_are_waited_for),
        test(a_second_signal_ends_the_transfer),
        test(a_second_signal_ends_the_wait_for_readers),
        test(a_signal_after_the_command_is_the_first),
        test(after_an_abort_all_is_as_before),
        test(each_shutdown_has_its_transfer),
        test(nobody_new_comes_in),
        test(it_begins_once),
        test(the_supervisor_hears_of_it_once),
        test(an_abort_comes_too_late),
        test(who_begins_anew_swallows_no_signal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
