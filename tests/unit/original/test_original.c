/*
 * A client of Verdi's vard at the server: how it is recognized, and what it
 * is told of each outcome of its requests.
 */
// link: admin
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "original/wire.h"
#include "unit/server/fake_node.h"

#define ID       "0123456789abcdef0123456789abcdef"
#define REPLY    "*3\r\n$1\r\na\r\n$1\r\nv\r\n$-1\r\n"
#define RESPONSE "Response 7 a v -"

static void send_frame(struct fixture *f, int fd, const char *text)
{
    struct buf frame = BUF_INIT;
    buf_u32(&frame, (uint32_t)strlen(text));
    buf_str(&frame, text);
    ssize_t n = write(fd, frame.data, frame.len);
    assert_int_equal(n, frame.len);
    buf_release(&frame);
    turn(f);
}

/* One frame and nothing else has come back, with this text. */
static void expect_frame(int fd, const char *text)
{
    uint8_t got[256];
    ssize_t n = read(fd, got, sizeof(got));
    assert_int_equal(n, 4 + strlen(text));
    assert_int_equal(got[0], strlen(text));
    assert_memory_equal(got + 4, text, strlen(text));
}

static bool nothing_came(int fd)
{
    uint8_t got[1];
    return read(fd, got, 1) < 0;
}

static void ask(struct fixture *f)
{
    send_frame(f, f->fd, ID);
    send_frame(f, f->fd, "7 PUT a v -");
    assert_int_equal(f->node->submitted, 1);
    assert_string_equal(f->node->requests[0].text, "vard.put a v");
    assert_string_equal(f->node->requests[0].once, ID " 7");
}

/* The node answers the request. */
static void tell(struct fixture *f, const char *reply,
                 enum node_outcome outcome)
{
    const struct node_events *events = f->node->events;
    resp_raw(events->reply_open(events->ctx, f->client), bytes_str(reply));
    events->reply_done(events->ctx, f->client, outcome);
    turn(f);
}

static void what_was_executed_is_answered(void **state)
{
    struct fixture *f = *state;
    ask(f);
    tell(f, REPLY, NODE_EXECUTED);
    expect_frame(f->fd, RESPONSE);
    assert_int_equal(f->server->stats.error_replies, 0);
}

/* Each answer is its own. */
static void two_are_answered(void **state)
{
    struct fixture *f = *state;
    ask(f);
    send_frame(f, f->fd, "8 PUT a w -");
    tell(f, REPLY, NODE_EXECUTED);
    expect_frame(f->fd, RESPONSE);
    tell(f, "*3\r\n$1\r\na\r\n$1\r\nw\r\n$1\r\nv\r\n", NODE_EXECUTED);
    expect_frame(f->fd, "Response 8 a w v");
}

/* What it may have unsent is bounded as for all. */
static void its_output_is_bounded(void **state)
{
    struct fixture *f = *state;
    ask(f);
    f->config.client_output_buffer_limit[CONFIG_CLIENT_NORMAL].hard_bytes = 10;
    tell(f, REPLY, NODE_EXECUTED);
    assert_int_equal(f->server->clients.count, 0);
    assert_int_equal(f->server->stats.output_limit_closed, 1);
}

static void an_older_request_is_not_answered(void **state)
{
    struct fixture *f = *state;
    ask(f);
    tell(f, "-ERR whatever the text is\r\n", NODE_OUTDATED);
    assert_true(nothing_came(f->fd));
    assert_int_equal(f->client->state, CLIENT_OPEN);
    /* An error is one, whether it can be said or not. */
    assert_int_equal(f->server->stats.error_replies, 1);
}

static void what_cannot_be_said_closes(void **state)
{
    static const enum node_outcome outcomes[] = {NODE_EXECUTED, NODE_UNKNOWN};
    struct fixture *f = *state;
    ask(f);
    tell(f, "-ERR this request id is older\r\n", outcomes[0]);
    assert_null(received_on(f->fd));
    close(f->fd);
    f->client = connect_client(f, &f->fd);
    f->node->submitted = 0;
    ask(f);
    tell(f, "-UNKNOWN\r\n", outcomes[1]);
    assert_null(received_on(f->fd));
}

static void what_is_refused_has_no_leader(void **state)
{
    struct fixture *f = *state;
    send_frame(f, f->fd, ID);
    f->node->error = ERR_NO_LEADER;
    send_frame(f, f->fd, "7 GET a - -");
    expect_frame(f->fd, "NotLeader 7");
    f->node->error = 0;
    f->node->disk_short = true;
    send_frame(f, f->fd, "8 GET a - -");
    expect_frame(f->fd, "NotLeader 8");
    assert_int_equal(f->node->submitted, 0);
    f->node->disk_short = false;
    f->node->error = ERR_TOO_BIG;
    send_frame(f, f->fd, "9 GET a - -");
    assert_null(received_on(f->fd));
}

/* Between two parts of a large one: the node hears that no more will come. */
static void a_large_one_that_is_refused_is_abandoned(void **state)
{
    struct fixture *f = *state;
    send_frame(f, f->fd, ID);
    f->node->again = 1;
    send_frame(f, f->fd, "7 PUT a v -");
    assert_ptr_equal(f->node->uploader, f->client);
    f->node->disk_short = true;
    f->node->events->upload_ready(f->node->events->ctx, f->client);
    turn(f);
    expect_frame(f->fd, "NotLeader 7");
    assert_int_equal(f->node->abandoned, 1);
    assert_false(f->client->uploading);
    f->node->disk_short = false;
    send_frame(f, f->fd, "8 PUT a v -");
    assert_int_equal(f->node->submitted, 1);
}

static void refusals_wait_for_earlier_answers(void **state)
{
    struct fixture *f = *state;
    ask(f);
    f->node->error = ERR_NO_LEADER;
    send_frame(f, f->fd, "8 GET a - -");
    assert_true(nothing_came(f->fd));
    tell(f, REPLY, NODE_EXECUTED);
    const char *got = received_on(f->fd);
    assert_memory_equal(got + 4, RESPONSE, strlen(RESPONSE));
    got += 4 + strlen(RESPONSE);
    assert_memory_equal(got + 4, "NotLeader 8", 11);
}

static void a_newer_connection_closes_the_older(void **state)
{
    struct fixture *f = *state;
    int fd;
    (void)connect_client(f, &fd);
    send_frame(f, f->fd, ID);
    send_frame(f, fd, ID);
    assert_null(received_on(f->fd));
    assert_true(nothing_came(fd));
    assert_int_equal(f->server->clients.count, 1);
    close(fd);
}

/* No other is the same, however much of the name they share. */
static void other_connections_stay(void **state)
{
    struct fixture *f = *state;
    struct client *other, *third;
    int fd, third_fd;
    other = connect_client(f, &fd);
    third = connect_client(f, &third_fd);
    snprintf(other->guest_id, sizeof(other->guest_id), "%.31s", ID);
    snprintf(third->guest_id, sizeof(third->guest_id), "%.31sf", ID);
    third->guest_id[0] = '1';
    other->protocol = third->protocol = &original_protocol;
    send_frame(f, f->fd, ID);
    assert_string_equal(guest_id(f->client), ID);
    assert_int_equal(f->server->clients.count, 3);
    send_frame(f, f->fd, "7 PUT a v -");
    assert_int_equal(f->node->submitted, 1);
    other->guest_id[0] = '\0'; /* now the other one, with a shorter name */
    guest_introduce(other, "0123456789abcdef");
    assert_int_equal(f->client->state, CLIENT_OPEN);
    close(fd);
    close(third_fd);
}

static void its_requests_have_the_bound_of_values(void **state)
{
    struct fixture *f = *state;
    f->config.proto_max_bulk_len_bytes = 1 << 20;
    assert_int_equal(guest_request_max(f->client), 1 << 20);
}

static void the_first_bytes_decide(void **state)
{
    struct fixture *f = *state;
    static const uint8_t length[4] = {ORIGINAL_ID_LEN, 0, 0, 0};
    for (size_t i = 0; i < sizeof(length); i++) {
        assert_null(f->client->protocol);
        assert_int_equal(write(f->fd, length + i, 1), 1);
        turn(f);
    }
    assert_ptr_equal(f->client->protocol, &original_protocol);
    int fd;
    struct client *other = connect_client(f, &fd);
    assert_int_equal(write(fd, " \0PING\r\n", 8), 8);
    turn(f);
    assert_ptr_not_equal(other->protocol, &original_protocol);
    close(fd);
}

static void a_password_keeps_it_out(void **state)
{
    struct fixture *f = *state;
    set_option(f, "requirepass", "secret");
    f->client->settings.authenticated = false;
    send_frame(f, f->fd, ID);
    assert_null(received_on(f->fd));
}

static void it_comes_in_when_the_password_is_gone(void **state)
{
    struct fixture *f = *state;
    set_option(f, "requirepass", "secret");
    f->client->settings.authenticated = false;
    set_option(f, "requirepass", "");
    send_frame(f, f->fd, ID);
    expect(f, "");
    assert_ptr_equal(f->client->protocol, &original_protocol);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(what_was_executed_is_answered),
        test(two_are_answered),
        test(its_output_is_bounded),
        test(an_older_request_is_not_answered),
        test(what_cannot_be_said_closes),
        test(what_is_refused_has_no_leader),
        test(a_large_one_that_is_refused_is_abandoned),
        test(refusals_wait_for_earlier_answers),
        test(a_newer_connection_closes_the_older),
        test(other_connections_stay),
        test(its_requests_have_the_bound_of_values),
        test(the_first_bytes_decide),
        test(a_password_keeps_it_out),
        test(it_comes_in_when_the_password_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
