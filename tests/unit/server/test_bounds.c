/*
 * Each bound of time and of size: just before it, and at it. The clock stands
 * still, since a turn has one time.
 */
// link: admin original
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/reads.h"
#include "unit/server/fake_node.h"

/* --- times --------------------------------------------------------------- */

/* Now, until the loop runs again. */
static int64_t now_of(struct fixture *f)
{
    turn_begin(f->server);
    return f->server->turn.mono_ms;
}

static void fill_output(struct client *c, size_t bytes)
{
    buf_reset(&c->conn.out);
    memset(buf_reserve(&c->conn.out, bytes), 'x', bytes);
    c->conn.out.len = bytes;
    assert_int_equal(conn_pending(&c->conn), bytes);
}

static void the_soft_limit_has_its_seconds(void **state)
{
    struct fixture *f = *state;
    struct client *c = f->client;
    f->config.client_output_buffer_limit[CONFIG_CLIENT_NORMAL] =
        (struct config_output_limit){.soft_bytes = 10, .soft_seconds = 60};
    int64_t now = now_of(f);
    fill_output(c, 11);
    limits_output(c);
    assert_int_equal(c->above_soft_ms, now);
    c->above_soft_ms = now - 59999;
    limits_output(c);
    assert_int_equal(c->state, CLIENT_OPEN);
    c->above_soft_ms = now - 60000;
    limits_output(c);
    assert_int_equal(c->state, CLIENT_DOOMED);
}

static void the_time_out_has_its_seconds(void **state)
{
    struct fixture *f = *state;
    int64_t now = now_of(f);
    f->config.timeout_s = 100;
    f->client->active_ms = now - 99999;
    limits_each_second(f->server);
    assert_int_equal(f->client->state, CLIENT_OPEN);
    f->client->active_ms = now - 100000;
    limits_each_second(f->server);
    assert_int_equal(f->client->state, CLIENT_DOOMED);
    assert_int_equal(f->server->stats.idle_closed, 1);
}

/* Who waits for this server is not idle, however long that takes. */
static void who_waits_is_not_idle(void **state)
{
    struct fixture *f = *state;
    struct client *c = f->client;
    f->node->full = true;
    send_text(f, "SET a 1\r\n");
    assert_int_equal(c->wait, WAIT_NODE);
    f->config.timeout_s = 100;
    c->active_ms = now_of(f) - 1000000;
    limits_each_second(f->server);
    assert_int_equal(c->state, CLIENT_OPEN);
    f->node->full = false;
    f->node->events->writable(f->node->events->ctx);
    turn(f);
    answer(f, 1);
    expect(f, "+SET a 1\r\n");
}

static void the_password_has_its_minute(void **state)
{
    struct fixture *f = *state;
    set_option(f, "requirepass", "secret");
    f->client->settings.authenticated = false;
    int64_t now = now_of(f);
    f->client->authorized_ms = now - UNAUTH_DEADLINE_MS;
    limits_each_second(f->server);
    assert_int_equal(f->client->state, CLIENT_OPEN);
    f->client->authorized_ms--;
    limits_each_second(f->server);
    assert_int_equal(f->client->state, CLIENT_DOOMED);
}

static void the_last_output_has_its_time(void **state)
{
    struct fixture *f = *state;
    struct client *c = f->client;
    int64_t now = now_of(f);
    fill_output(c, 11);
    client_close_after_reply(c);
    assert_int_equal(c->closing_ms, now);
    c->closing_ms = now - CLIENT_CLOSING_MS;
    limits_each_second(f->server);
    assert_int_equal(c->state, CLIENT_CLOSING);
    c->closing_ms--;
    limits_each_second(f->server);
    assert_int_equal(c->state, CLIENT_DOOMED);
}

/* Whatever a socket has to say, a turn begins with it. */
static void events_have_their_time(void **state)
{
    const struct conn_events *events = &connection_events;
    struct fixture *f = *state;
    struct client *c = f->client;
    struct server *s = f->server;
    for (int i = 0; i < 4; i++) {
        turn_end(s);
        s->turn.mono_ms = 1;
        if (i == 0) {
            buf_str(&c->conn.in, "PING\r\n");
            events->input(&c->conn);
            buf_reset(&c->conn.out);
        } else if (i == 1) {
            events->drained(&c->conn);
        } else if (i == 2) {
            c->conn.ended = true;
            fill_output(c, 1);
            events->ended(&c->conn);
            assert_int_equal(c->state, CLIENT_CLOSING);
            assert_true(c->closing_ms > 1);
        } else {
            int64_t closing_ms = c->closing_ms = 7;
            client_close_after_reply(c);
            assert_int_equal(c->closing_ms, closing_ms);
            buf_reset(&c->conn.out);
            events->drained(&c->conn);
            assert_int_equal(c->state, CLIENT_DOOMED);
            turn_end(s);
            s->turn.mono_ms = 1;
            conn_close(&c->conn);
            events->closed(&c->conn, ERR_CLOSED);
        }
        assert_true(s->turn.mono_ms > 1);
    }
}

static void silence_has_its_time(void **state)
{
    struct fixture *f = *state;
    struct client *c = f->client;
    int64_t now = now_of(f);
    c->created_ms = now - 60000; /* however old it is */
    (void)buf_reserve(&c->conn.in, 100000);
    c->active_ms = now - CLIENT_SHRINK_MS + 1;
    limits_each_second(f->server);
    assert_true(c->conn.in.cap >= 100000);
    c->active_ms--;
    limits_each_second(f->server);
    assert_int_equal(c->conn.in.cap, 0);
}

/* Nothing of the last second is lost: what a client has moved counts when it
 * goes, and its memory when its output has left. */
static void what_goes_is_counted(void **state)
{
    struct fixture *f = *state;
    struct stats *st = &f->server->stats;
    struct buf text = BUF_INIT;
    buf_str(&text, "*2\r\n$4\r\nECHO\r\n$100000\r\n");
    memset(buf_reserve(&text, 100000), 'e', 100000);
    text.len += 100000;
    buf_str(&text, "\r\n");
    buf_char(&text, '\0');
    send_text(f, (const char *)text.data);
    size_t got = 0;
    for (int i = 0; i < 1000 && got < 100000 + 11; i++) {
        got += strlen(received_on(f->fd));
        assert_int_equal(f->client->accounted_bytes, client_memory(f->client));
        assert_int_equal(f->server->clients.bytes, client_memory(f->client));
        turn(f);
    }
    assert_int_equal(got, 100000 + 11);
    client_count_bytes(f->client);
    uint64_t in = st->input_bytes, out = st->output_bytes;
    send_text(f, "PING\r\nQUIT\r\n");
    assert_int_equal(f->server->clients.count, 0);
    assert_int_equal(st->input_bytes - in, 12);
    assert_int_equal(st->output_bytes - out, strlen("+PONG\r\n+OK\r\n"));
    expect(f, "+PONG\r\n+OK\r\n");
    buf_release(&text);
}

/* However it has come to have more: the sum of all follows each second. */
static void memory_is_measured_each_second(void **state)
{
    struct fixture *f = *state;
    now_of(f);
    (void)buf_reserve(&f->client->conn.in, 100000);
    assert_true(f->client->accounted_bytes < client_memory(f->client));
    limits_each_second(f->server);
    assert_int_equal(f->client->accounted_bytes, client_memory(f->client));
    assert_int_equal(f->server->clients.bytes, client_memory(f->client));
}

static void pages_are_given_back_after_a_time(void **state)
{
    struct fixture *f = *state;
    struct limits *l = &f->server->limits;
    int64_t now = now_of(f);
    l->freed_bytes = GIVE_BACK_BYTES;
    l->given_back_ms = now - GIVE_BACK_MS + 1;
    limits_each_second(f->server);
    assert_int_equal(l->freed_bytes, GIVE_BACK_BYTES);
    l->given_back_ms--;
    limits_each_second(f->server);
    assert_int_equal(l->freed_bytes, 0);
    assert_int_equal(l->given_back_ms, now);
}

static void count_line(void *ctx, enum log_level level, const char *line,
                       size_t len)
{
    UNUSED(level);
    UNUSED(line);
    UNUSED(len);
    ++*(int *)ctx;
}

static void an_attack_is_told_once_a_minute(void **state)
{
    struct fixture *f = *state;
    int lines = 0, fd;
    struct logger log = {LOG_WARNING, count_line, &lines};
    int64_t now = now_of(f);
    f->server->options.log = &log;
    f->server->security.attack_warned_ms = now - 59999;
    security_attack(f->client);
    assert_int_equal(lines, 0);
    f->server->security.attack_warned_ms = now - 60000;
    security_attack(connect_client(f, &fd));
    assert_int_equal(lines, 1);
    assert_int_equal(f->server->security.attack_warned_ms, now);
    f->server->options.log = NULL;
    close(fd);
}

/* What was held back is told with the chores of a second, if its time has
 * come, and nobody else has to fail for that. */
static void failures_are_told_in_the_end(void **state)
{
    struct fixture *f = *state;
    struct security *sec = &f->server->security;
    int lines = 0;
    struct logger log = {LOG_WARNING, count_line, &lines};
    int64_t now = now_of(f);
    f->server->options.log = &log;
    for (int early = 1; early >= 0; early--) {
        sec->auth_unreported = 3;
        sec->auth_peer = f->client->peer;
        sec->auth_reported_ms = now - AUTH_REPORT_MS + early;
        f->server->cron.second_ms = now - 1000;
        cron_run(f->server);
        assert_int_equal(lines, early ? 0 : 1);
        assert_int_equal(sec->auth_unreported, early ? 3 : 0);
    }
    f->server->options.log = NULL;
}

/* --- sizes --------------------------------------------------------------- */

static void output_that_pauses_a_client(void **state)
{
    struct fixture *f = *state;
    struct client *c = f->client;
    now_of(f);
    fill_output(c, CLIENT_OUTPUT_PAUSE);
    assert_true(input_has_share(c, 0, 0));
    fill_output(c, CLIENT_OUTPUT_PAUSE + 1);
    assert_false(input_has_share(c, 0, 0));
    assert_int_equal(c->wait, WAIT_OUTPUT);
    client_mark_dirty(c);
    while (c->wait != WAIT_NONE) {
        assert_non_null(received_on(f->fd));
        turn(f);
    }
}

/* What is left after a flush: as much wakes the client, and no more. The
 * connection waits for its socket, so that nothing leaves. */
static void output_that_lets_a_client_go_on(void **state)
{
    struct fixture *f = *state;
    struct client *c = f->client;
    for (size_t more = 1; more < 2; more--) {
        now_of(f);
        c->conn.writing = true;
        fill_output(c, CLIENT_OUTPUT_PAUSE + more);
        if (c->wait == WAIT_NONE)
            (void)client_wait(c, WAIT_OUTPUT);
        client_mark_dirty(c);
        turn(f);
        assert_int_equal(c->wait, more ? WAIT_OUTPUT : WAIT_NONE);
    }
    buf_reset(&c->conn.out);
    c->conn.writing = false;
}

/* What has been sent of a buffer is no output any more. */
static void output_is_what_is_left(void **state)
{
    struct fixture *f = *state;
    struct client *c = f->client;
    now_of(f);
    fill_output(c, CLIENT_OUTPUT_PAUSE + 5);
    c->conn.out_sent = 5;
    f->config.client_output_buffer_limit[CONFIG_CLIENT_NORMAL].hard_bytes =
        CLIENT_OUTPUT_PAUSE;
    limits_each_second(f->server);
    assert_int_equal(f->server->limits.max_output_bytes, CLIENT_OUTPUT_PAUSE);
    assert_int_equal(c->state, CLIENT_OPEN);
    assert_true(input_has_share(c, 0, 0));
    c->conn.out_sent = 4;
    limits_each_second(f->server);
    assert_int_equal(f->server->limits.max_output_bytes,
                     CLIENT_OUTPUT_PAUSE + 1);
    assert_int_equal(c->state, CLIENT_DOOMED);
}

/* Nor is it counted when the next reply is written behind it. */
static void a_reply_has_what_is_left(void **state)
{
    struct fixture *f = *state;
    struct client *c = f->client;
    uint8_t reply[500];
    memset(reply, 'x', sizeof(reply));
    for (size_t less = 0; less < 2; less++) {
        now_of(f);
        c->conn.out_sent = 0;
        fill_output(c, 1000);
        c->conn.out_sent = 500;
        f->config.client_output_buffer_limit[CONFIG_CLIENT_NORMAL].hard_bytes =
            less ? 1000 : 1100;
        resp_bulk(client_reply_begin(c), bytes_of(reply, sizeof(reply)));
        client_reply_end(c, NULL, 0);
        assert_int_equal(c->state, less ? CLIENT_DOOMED : CLIENT_OPEN);
    }
}

/* Two reads are told, unless the first one's reply is as much as may wait. */
static void output_that_pauses_reads(void **state)
{
    struct fixture *f = *state;
    struct client *c = f->client;
    for (int more = 0; more < 2; more++) {
        send_text(f, "GET a\r\nGET b\r\n");
        now_of(f);
        fill_output(c,
                    CLIENT_OUTPUT_PAUSE - strlen("$1\r\na\r\n") + (size_t)more);
        f->node->events->read_ready(f->node->events->ctx, c, 0);
        f->node->reads_told++;
        assert_int_equal(c->reads.phase, more ? READS_AGAIN : READS_NONE);
        buf_reset(&c->conn.out);
        for (int i = 0; i < 9 && c->reads.phase != READS_NONE; i++)
            reads_told(f, 0);
        assert_int_equal(c->reads.phase, READS_NONE);
        (void)received_on(f->fd);
    }
}

/* The rest of its reads asks again when so much, and no more, waits. */
static void output_that_holds_the_next_question(void **state)
{
    struct fixture *f = *state;
    struct client *c = f->client;
    size_t asked = f->node->reads_asked;
    send_text(f, "GET a\r\nGET b\r\n");
    now_of(f);
    fill_output(c, CLIENT_OUTPUT_PAUSE + 1);
    f->node->events->read_ready(f->node->events->ctx, c, 0);
    f->node->reads_told++;
    assert_int_equal(c->reads.phase, READS_AGAIN);
    assert_int_equal(c->wait, WAIT_OUTPUT);
    list_remove(&c->ready);
    for (int more = 1; more >= 0; more--) {
        fill_output(c, CLIENT_OUTPUT_PAUSE + (size_t)more);
        c->wait = WAIT_NONE;
        assert_false(reads_resume(c));
        assert_int_equal(f->node->reads_asked, asked + (more ? 1 : 2));
        assert_int_equal(c->wait, more ? WAIT_OUTPUT : WAIT_READS);
    }
    buf_reset(&c->conn.out);
    reads_told(f, 0);
    expect(f, "$1\r\na\r\n$1\r\nb\r\n");
}

static void input_that_is_left_to_the_kernel(void **state)
{
    struct fixture *f = *state;
    struct client *c = f->client;
    now_of(f);
    for (int more = 0; more < 2; more++) {
        size_t size = CLIENT_INPUT_PAUSE - 1 + (size_t)more;
        buf_reset(&c->conn.in);
        memset(buf_reserve(&c->conn.in, size), '\n', size);
        c->conn.in.len = size;
        c->wait = WAIT_NODE; /* it has to wait, for whatever */
        input_run(c);
        assert_int_equal(c->conn.paused, more);
    }
    buf_reset(&c->conn.in);
    c->wait = WAIT_NONE;
    input_run(c);
    assert_false(c->conn.paused);
}

static void a_strangers_input_and_output(void **state)
{
    struct fixture *f = *state;
    struct client *c = f->client;
    set_option(f, "requirepass", "secret");
    c->settings.authenticated = false;
    now_of(f);
    memset(buf_reserve(&c->conn.in, UNAUTH_INPUT_MAX + 1), 'x',
           UNAUTH_INPUT_MAX + 1);
    c->conn.in.len = UNAUTH_INPUT_MAX;
    assert_true(limits_input(c));
    fill_output(c, UNAUTH_OUTPUT_MAX);
    limits_output(c);
    assert_int_equal(c->state, CLIENT_OPEN);
    c->conn.in.len++;
    assert_false(limits_input(c));
    assert_int_equal(c->state, CLIENT_DOOMED);
    assert_int_equal(f->server->stats.query_limit_closed, 1);
}

static void strangers_may_not_have_more_than_others(void **state)
{
    struct fixture *f = *state;
    struct client *c = f->client;
    struct config_output_limit *limit =
        &f->config.client_output_buffer_limit[CONFIG_CLIENT_NORMAL];
    limit->hard_bytes = 0;
    assert_int_equal(limits_output_max(c), 0);
    set_option(f, "requirepass", "secret");
    c->settings.authenticated = false;
    assert_int_equal(limits_output_max(c), UNAUTH_OUTPUT_MAX);
    limit->hard_bytes = UNAUTH_OUTPUT_MAX + 1;
    assert_int_equal(limits_output_max(c), UNAUTH_OUTPUT_MAX);
    limit->hard_bytes = UNAUTH_OUTPUT_MAX - 1;
    assert_int_equal(limits_output_max(c), UNAUTH_OUTPUT_MAX - 1);
    c->settings.authenticated = true;
    assert_int_equal(limits_output_max(c), UNAUTH_OUTPUT_MAX - 1);
    limit->hard_bytes = UINT64_MAX; /* as good as none */
    assert_int_equal(limits_output_max(c), 0);
}

/* --- numbers ------------------------------------------------------------- */

/* So many requests may be unanswered, and the next one waits. */
static void unanswered_requests_have_a_number(void **state)
{
    struct fixture *f = *state;
    struct unanswered_ring *r = &f->client->unanswered;
    const struct unanswered u = {.cmd = cmd_by_id(CMD_ID_SET)};
    while (r->count < CLIENT_UNANSWERED_MAX - 1)
        unanswered_push(r, &u);
    send_text(f, "SET a 1\r\nSET b 1\r\n");
    assert_int_equal(r->count, CLIENT_UNANSWERED_MAX);
    assert_int_equal(f->node->submitted, 1);
    assert_int_equal(f->client->wait, WAIT_IDLE);
    while (r->count > 1)
        unanswered_pop(r);
    answer(f, 1);
    assert_int_equal(f->node->submitted, 2);
    answer(f, 1);
    expect(f, "+SET a 1\r\n+SET b 1\r\n");
}

/* A thousand commands come, and one more for the next turn. */
static void more_than_a_turn(struct client *c, const char *last)
{
    for (int i = 0; i < CLIENT_COMMANDS_MAX; i++)
        buf_str(&c->conn.in, "PING\r\n");
    buf_str(&c->conn.in, last);
    input_run(c);
    assert_int_equal(c->wait, WAIT_TURN);
}

/* Two clients go on in the same turn, and the first one kills the other. */
static void who_is_killed_on_its_way_does_nothing(void **state)
{
    struct fixture *f = *state;
    char kill[64];
    int fd;
    struct client *other = connect_client(f, &fd);
    snprintf(kill, sizeof(kill), "CLIENT KILL ID %llu\r\n",
             (unsigned long long)other->id);
    now_of(f);
    more_than_a_turn(f->client, kill);
    more_than_a_turn(other, "SET a 1\r\n");
    turn(f);
    assert_int_equal(f->server->clients.count, 1);
    assert_int_equal(f->node->submitted, 0);
    const char *got = received_on(f->fd);
    assert_string_equal(got + CLIENT_COMMANDS_MAX * strlen("+PONG\r\n"),
                        ":1\r\n");
    close(fd);
}

/* Those who wait are counted anew each second. */
static void who_waits_is_counted(void **state)
{
    struct fixture *f = *state;
    f->node->full = true;
    send_text(f, "SET a 1\r\n");
    for (int i = 0; i < 3; i++) {
        now_of(f);
        limits_each_second(f->server);
        assert_int_equal(f->server->limits.waiting, 1);
    }
    f->node->full = false;
    f->node->events->writable(f->node->events->ctx);
    turn(f);
    answer(f, 1);
    now_of(f);
    limits_each_second(f->server);
    assert_int_equal(f->server->limits.waiting, 0);
}

/* The list of reads keeps its memory, but not that of a thousand. */
static void lists_of_reads_have_a_size(void **state)
{
    struct fixture *f = *state;
    struct deferred_list *l = &f->client->reads;
    const struct bytes argv[2] = {BYTES_LIT("GET"), BYTES_LIT("a")};
    const struct deferred d = {
        .cmd = cmd_by_id(CMD_ID_GET), .argv = argv, .argc = 2};
    for (uint32_t count = 8; count <= 2048; count *= 2) {
        while (l->count < count)
            deferred_add(l, &d);
        assert_int_equal(l->cap, count);
        deferred_clear(l);
        assert_int_equal(l->cap, count <= 1024 ? count : 0);
        assert_int_equal(l->count, 0);
    }
}

/* --- the end of input ---------------------------------------------------- */

/* Whatever a client waits for when it sends no more: all that it had sent is
 * executed and answered before it is closed. */
static void the_end_waits_for_what_was_sent(void **state)
{
    struct fixture *f = *state;
    struct buf text = BUF_INIT;
    size_t got = 0;
    for (int i = 0; i < CLIENT_COMMANDS_MAX + 500; i++)
        buf_str(&text, "PING\r\n");
    ssize_t n = write(f->fd, text.data, text.len);
    assert_int_equal(n, text.len);
    shutdown(f->fd, SHUT_WR);
    const char *part;
    for (int i = 0; i < 20; i++) {
        turn(f);
        part = received_on(f->fd);
        if (part == NULL)
            break;
        got += strlen(part);
    }
    assert_int_equal(got, (CLIENT_COMMANDS_MAX + 500) * strlen("+PONG\r\n"));
    assert_int_equal(f->server->clients.count, 0);
    buf_release(&text);
}

static void the_end_waits_for_the_node(void **state)
{
    struct fixture *f = *state;
    f->node->full = true;
    send_text(f, "SET a 1\r\nPING\r\n");
    shutdown(f->fd, SHUT_WR);
    turn(f);
    assert_int_equal(f->client->state, CLIENT_OPEN);
    f->node->full = false;
    f->node->events->writable(f->node->events->ctx);
    turn(f);
    answer(f, 1);
    expect(f, "+SET a 1\r\n+PONG\r\n");
    turn(f);
    assert_null(received_on(f->fd));
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(the_soft_limit_has_its_seconds),
        test(the_time_out_has_its_seconds),
        test(who_waits_is_not_idle),
        test(the_password_has_its_minute),
        test(the_last_output_has_its_time),
        test(events_have_their_time),
        test(silence_has_its_time),
        test(memory_is_measured_each_second),
        test(what_goes_is_counted),
        test(pages_are_given_back_after_a_time),
        test(an_attack_is_told_once_a_minute),
        test(failures_are_told_in_the_end),
        test(output_that_pauses_a_client),
        test(output_that_lets_a_client_go_on),
        test(output_is_what_is_left),
        test(a_reply_has_what_is_left),
        test(output_that_pauses_reads),
        test(output_that_holds_the_next_question),
        test(input_that_is_left_to_the_kernel),
        test(a_strangers_input_and_output),
        test(strangers_may_not_have_more_than_others),
        test(unanswered_requests_have_a_number),
        test(who_waits_is_counted),
        test(lists_of_reads_have_a_size),
        test(who_is_killed_on_its_way_does_nothing),
        test(the_end_waits_for_what_was_sent),
        test(the_end_waits_for_the_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
