/*
 * The order of replies, and what waits for what, with a node that answers
 * when the test wants it to.
 */
// link: admin original
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/server/fake_node.h"

static void writes_do_not_wait_for_each_other(void **state)
{
    struct fixture *f = *state;
    send_text(f, "SET a 1\r\nSET b 2\r\n");
    assert_int_equal(f->node->submitted, 2);
    assert_string_equal(f->node->requests[1].text, "SET b 2");
    expect(f, "");
    answer(f, 1);
    expect(f, "+SET a 1\r\n");
    answer(f, 1);
    expect(f, "+SET b 2\r\n");
}

static void reads_of_one_iteration_share_a_question(void **state)
{
    struct fixture *f = *state;
    send_text(f, "GET a\r\nGET b\r\nGET c\r\n");
    assert_int_equal(f->node->reads_asked, 1);
    expect(f, "");
    reads_told(f, 0);
    expect(f, "$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n");
}

static void a_later_read_does_not_join(void **state)
{
    struct fixture *f = *state;
    send_text(f, "GET a\r\n");
    send_text(f, "GET b\r\n");
    assert_int_equal(f->node->reads_asked, 1);
    reads_told(f, 0);
    expect(f, "$1\r\na\r\n");
    assert_int_equal(f->node->reads_asked, 2);
    reads_told(f, 0);
    expect(f, "$1\r\nb\r\n");
}

static void a_write_waits_for_reads(void **state)
{
    struct fixture *f = *state;
    send_text(f, "GET a\r\nSET a 1\r\n");
    assert_int_equal(f->node->submitted, 0);
    reads_told(f, 0);
    expect(f, "$1\r\na\r\n");
    assert_int_equal(f->node->submitted, 1);
    answer(f, 1);
    expect(f, "+SET a 1\r\n");
}

static void a_read_behind_a_write_goes_through_the_log(void **state)
{
    struct fixture *f = *state;
    send_text(f, "SET a 1\r\nGET a\r\nSET a 2\r\n");
    assert_int_equal(f->node->submitted, 3);
    assert_int_equal(f->node->reads_asked, 0);
    assert_string_equal(f->node->requests[1].text, "GET a");
    answer(f, 3);
    expect(f, "+SET a 1\r\n+GET a\r\n+SET a 2\r\n");
}

static void server_commands_and_errors_keep_the_order(void **state)
{
    struct fixture *f = *state;
    send_text(f, "SET a 1\r\nPING\r\nSET\r\nNOSUCH\r\nGET a\r\nPING\r\n");
    assert_int_equal(f->node->submitted, 1);
    expect(f, "");
    answer(f, 1);
    expect(f, "+SET a 1\r\n+PONG\r\n"
              "-ERR wrong number of arguments for 'set' command\r\n"
              "-ERR unknown command 'NOSUCH', with args beginning with: \r\n");
    reads_told(f, 0);
    expect(f, "$1\r\na\r\n+PONG\r\n");
}

static void nothing_asked_is_not_answered(void **state)
{
    struct fixture *f = *state;
    send_text(f, "\r\nPING\r\n*0\r\n*-1\r\n\r\nPING\r\n\n");
    expect(f, "+PONG\r\n+PONG\r\n");
}

static void syntax_errors_never_enter_the_log(void **state)
{
    struct fixture *f = *state;
    send_text(f, "SET a 1 FOO\r\nSET a 1\r\nSET a 1 EX 0\r\nSET b 1\r\n");
    assert_int_equal(f->node->submitted, 1);
    expect(f, "-ERR syntax error\r\n");
    answer(f, 1);
    expect(f, "+SET a 1\r\n-ERR invalid expire time in 'set' command\r\n");
    assert_int_equal(f->node->submitted, 2);
    assert_string_equal(f->node->requests[1].text, "SET b 1");
}

static void reads_in_doubt_go_through_the_log(void **state)
{
    struct fixture *f = *state;
    send_text(f, "GET a\r\nGET doubt\r\nGET b\r\nSET c 1\r\nPING\r\n");
    reads_told(f, 0);
    expect(f, "$1\r\na\r\n");
    assert_int_equal(f->node->submitted, 3);
    assert_string_equal(f->node->requests[0].text, "GET doubt");
    assert_string_equal(f->node->requests[1].text, "GET b");
    assert_string_equal(f->node->requests[2].text, "SET c 1");
    answer(f, 3);
    expect(f, "+GET doubt\r\n+GET b\r\n+SET c 1\r\n+PONG\r\n");
}

static void doubtful_reads_without_a_leader(void **state)
{
    struct fixture *f = *state;
    send_text(f, "GET doubt\r\nPING\r\n");
    f->node->error = ERR_NO_LEADER;
    reads_told(f, 0);
    expect(f, "-CLUSTERDOWN No leader is known; the command was not "
              "executed\r\n+PONG\r\n");
}

static void no_leader(void **state)
{
    struct fixture *f = *state;
    send_text(f, "SET a 1\r\n");
    f->node->error = ERR_NO_LEADER;
    send_text(f, "SET b 1\r\nGET b\r\n");
    expect(f, ""); /* behind the first one's reply */
    answer(f, 1);
    expect(f, "+SET a 1\r\n"
              "-CLUSTERDOWN No leader is known; the command was not "
              "executed\r\n"
              "-CLUSTERDOWN No leader is known; the command was not "
              "executed\r\n");
    f->node->error = 0;
    send_text(f, "GET a\r\nGET b\r\n");
    reads_told(f, ERR_NO_LEADER);
    expect(f, "-CLUSTERDOWN No leader is known; the command was not "
              "executed\r\n"
              "-CLUSTERDOWN No leader is known; the command was not "
              "executed\r\n");
}

/* Sends a command with its fewest arguments, each "1"; returns the reply. */
static const char *ask_least(struct fixture *f, const struct cmd *c)
{
    struct buf line = BUF_INIT;
    buf_str(&line, c->name);
    int argc = c->arity < 0 ? -c->arity : c->arity;
    for (int i = 1; i < argc; i++)
        buf_str(&line, " 1");
    buf_str(&line, "\r\n");
    buf_u8(&line, 0);
    send_text(f, (const char *)line.data);
    buf_release(&line);
    const char *got = received_on(f->fd);
    assert_non_null(got);
    return got;
}

/* A node that knows a leader does not say that it knows none. */
static void reasons_for_no_answer(void **state)
{
    struct fixture *f = *state;
    static const struct {
        int err;
        const char *text;
    } cases[] = {
        {ERR_REFILL, "-CLUSTERDOWN This node has not been refilled yet; the "
                     "command was not executed\r\n"},
        {ERR_BEHIND, "-CLUSTERDOWN This node lacks entries that are committed; "
                     "the command was not executed\r\n"},
        {ERR_NO_ANSWER, "-CLUSTERDOWN The leader, or a majority, did not "
                        "answer in time; the command was not executed\r\n"},
        {ERR_NO_LEADER, "-CLUSTERDOWN No leader is known; the command was not "
                        "executed\r\n"},
        {ERR_TOO_BIG, "-ERR the command is too big for one request; see "
                      "proto-max-bulk-len\r\n"},
        {ERR_LIMIT, "-ERR the command could not be executed\r\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        send_text(f, "GET a\r\n");
        reads_told(f, cases[i].err);
        expect(f, cases[i].text);
    }
}

/* This is what the flags "loading" and "stale" of COMMAND INFO promise. */
static void local_commands_need_no_leader(void **state)
{
    struct fixture *f = *state;
    f->node->error = ERR_NO_LEADER;
    for (size_t i = 0; i < cmd_count(); i++) {
        const struct cmd *c = cmd_at(i);
        if (c->id == CMD_ID_QUIT || c->id == CMD_ID_SHUTDOWN || /* the end */
            (c->flags & (CMD_INTERNAL | CMD_WRAPPER | CMD_MULTI)) != 0)
            continue;
        const char *got = ask_least(f, c);
        if ((strncmp(got, "-CLUSTERDOWN ", 13) == 0) != cmd_is_data(c) &&
            !(cmd_is_data(c) && strncmp(got, "-ERR ", 5) == 0)) /* 1 is none */
            fail_msg("%s: %s", c->name, got);
    }
    assert_int_equal(f->node->submitted + f->node->reads_asked, 0);
}

static void a_full_node_is_waited_for(void **state)
{
    struct fixture *f = *state;
    f->node->full = true;
    send_text(f, "SET a 1\r\nPING\r\n");
    assert_int_equal(f->node->submitted, 0);
    turn(f);
    assert_int_equal(f->node->submitted, 0);
    f->node->full = false;
    f->node->events->writable(f->node->events->ctx);
    turn(f);
    assert_int_equal(f->node->submitted, 1);
    answer(f, 1);
    expect(f, "+SET a 1\r\n+PONG\r\n");
}

static void muted_replies(void **state)
{
    struct fixture *f = *state;
    send_text(f, "CLIENT REPLY SKIP\r\nSET a 1\r\nSET b 1\r\n");
    answer(f, 2);
    expect(f, "+SET b 1\r\n");
    send_text(f, "CLIENT REPLY OFF\r\nGET a\r\nPING\r\nNOSUCH\r\n"
                 "SET a 1 NO\r\nGET\r\nCLIENT NO\r\nONCE a b\r\n");
    reads_told(f, 0);
    send_text(f, "CLIENT REPLY ON\r\nPING\r\n");
    expect(f, "+OK\r\n+PONG\r\n");
    send_text(f, "CLIENT REPLY SKIP\r\nSET a 1 NO\r\nSET a 1 NO\r\n");
    expect(f, "-ERR syntax error\r\n");
}

static void muted_replies_come_back(void **state)
{
    struct fixture *f = *state;
    send_text(f, "CLIENT REPLY SKIP\r\nCLIENT REPLY ON\r\nPING\r\n");
    expect(f, "+OK\r\n+PONG\r\n");
    send_text(f, "CLIENT REPLY SKIP\r\nCLIENT REPLY SKIP\r\nPING\r\n"
                 "PING\r\n");
    expect(f, "+PONG\r\n");
    send_text(f, "CLIENT REPLY SKIP\r\nRESET\r\nPING\r\n");
    expect(f, "+RESET\r\n+PONG\r\n");
    send_text(f, "CLIENT REPLY OFF\r\nCLIENT REPLY SKIP\r\nPING\r\n");
    expect(f, "");
    send_text(f, "RESET\r\nPING\r\n");
    expect(f, "+RESET\r\n+PONG\r\n");
    /* SKIP while all is off leaves nothing behind. */
    send_text(f, "CLIENT REPLY OFF\r\nCLIENT REPLY SKIP\r\n"
                 "CLIENT REPLY ON\r\nPING\r\n");
    expect(f, "+OK\r\n+PONG\r\n");
}

/* Reads that are told together are each muted, or not, for itself. */
static void reads_are_muted_one_by_one(void **state)
{
    struct fixture *f = *state;
    send_text(f, "CLIENT REPLY SKIP\r\nGET a\r\nGET b\r\n");
    reads_told(f, 0);
    const char *second = strdup(received_on(f->fd));
    send_text(f, "GET b\r\n");
    reads_told(f, 0);
    assert_string_equal(received_on(f->fd), second);
    assert_true(second[0] == '$');
    free((void *)(uintptr_t)second);
}

/* A refusal, a syntax error and an unknown command use a SKIP up, too. */
static void a_skip_is_for_one_command(void **state)
{
    static const char *const muted[] = {"SET\r\n", "SET a 1 FOO\r\n",
                                        "NOSUCH\r\n", "ONCE a,b 1 INCR a\r\n"};
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(muted); i++) {
        send_text(f, "CLIENT REPLY SKIP\r\n");
        send_text(f, muted[i]);
        expect(f, "");
        send_text(f, "PING\r\n");
        expect(f, "+PONG\r\n");
    }
}

/* It is still for that command when it had to wait. */
static void a_skip_waits_with_its_command(void **state)
{
    struct fixture *f = *state;
    f->node->full = true;
    send_text(f, "CLIENT REPLY SKIP\r\nSET a 1\r\nSET b 1\r\n");
    turn(f);
    assert_int_equal(f->node->submitted, 0);
    f->node->full = false;
    f->node->events->writable(f->node->events->ctx);
    turn(f);
    answer(f, 2);
    expect(f, "+SET b 1\r\n");
}

static void reset_takes_all_settings_back(void **state)
{
    struct fixture *f = *state;
    struct client *c = f->client;
    send_text(f, "CLIENT NO-EVICT ON\r\nCLIENT NO-TOUCH ON\r\nSELECT 3\r\n"
                 "HELLO 3 SETNAME me\r\nRESET\r\n");
    const char *got = received_on(f->fd);
    assert_non_null(strstr(got, "+RESET\r\n"));
    assert_false(c->settings.no_evict);
    assert_false(c->settings.no_touch);
    assert_int_equal(c->settings.db, 0);
    assert_int_equal(c->writer.protocol, 2);
    assert_null(client_text(c, CLIENT_NAME));
    assert_true(c->settings.authenticated);
}

static void a_client_that_leaves_is_kept_until_answered(void **state)
{
    struct fixture *f = *state;
    int fd;
    (void)connect_client(f, &fd);
    assert_int_equal(f->server->clients.count, 2);
    ssize_t n = write(fd, "SET a 1\r\nSET b 1\r\n", 18);
    assert_int_equal(n, 18);
    turn(f);
    close(fd);
    turn(f);
    /* It may have shut its sending side only; the first reply tells. */
    assert_int_equal(f->server->clients.count, 2);
    answer(f, 1);
    turn(f);
    assert_int_equal(f->server->clients.count, 1);
    assert_false(list_empty(&f->server->clients.zombies));
    answer(f, 1);
    assert_true(list_empty(&f->server->clients.zombies));
    assert_true(list_empty(&f->server->clients.gone));
}

static void a_reader_that_leaves_is_kept_until_told(void **state)
{
    struct fixture *f = *state;
    int fd;
    (void)connect_client(f, &fd);
    ssize_t n = write(fd, "GET a\r\n", 7);
    assert_int_equal(n, 7);
    turn(f);
    close(fd);
    turn(f);
    assert_int_equal(f->server->clients.count, 2);
    reads_told(f, 0);
    turn(f);
    assert_int_equal(f->server->clients.count, 1);
    assert_true(list_empty(&f->server->clients.zombies));
}

static void long_pipelines_take_several_turns(void **state)
{
    struct fixture *f = *state;
    struct buf text = BUF_INIT;
    for (int i = 0; i < 3500; i++)
        buf_str(&text, "PING\r\n");
    buf_char(&text, '\0');
    send_text(f, (const char *)text.data);
    size_t got = 0;
    size_t turns = 0;
    for (; got < 3500 * 7 && turns < 20; turns++) {
        const char *part = received_on(f->fd);
        assert_non_null(part);
        got += strlen(part);
        turn(f);
    }
    assert_int_equal(got, 3500 * 7);
    assert_true(turns > 1);
    buf_release(&text);
}

/* By commands, and by their bytes; the rest has to wait for its turn. */
static void a_share_ends(void **state)
{
    struct fixture *f = *state;
    struct client *c = f->client;
    assert_true(input_has_share(c, CLIENT_COMMANDS_MAX - 1, 0));
    assert_true(input_has_share(c, 0, CLIENT_INPUT_MAX - 1));
    assert_false(input_has_share(c, CLIENT_COMMANDS_MAX, 0));
    assert_int_equal(c->wait, WAIT_TURN);
    turn(f);
    assert_int_equal(c->wait, WAIT_NONE);
    assert_false(input_has_share(c, 0, CLIENT_INPUT_MAX));
    turn(f);
    send_text(f, "PING\r\n");
    expect(f, "+PONG\r\n");
}

static void once_names_client_and_request(void **state)
{
    struct fixture *f = *state;
    send_text(f, "ONCE me:1 18446744073709551615 INCR a\r\n");
    assert_int_equal(f->node->submitted, 1);
    assert_string_equal(f->node->requests[0].text, "INCR a");
    assert_string_equal(f->node->requests[0].once, "me:1 18446744073709551615");
    answer(f, 1);
    expect(f, "+INCR a\r\n");
    send_text(f, "ONCE aZ_.:-09 0 INCR a\r\n"); /* all that is allowed */
    assert_string_equal(f->node->requests[1].once, "aZ_.:-09 0");
    answer(f, 1);
    expect(f, "+INCR a\r\n");
    send_text(f, "ONCE a,b 1 INCR a\r\nONCE a x INCR a\r\nONCE a 1 GET a\r\n"
                 "ONCE a 1 PING\r\nONCE a 1 INCR\r\n");
    assert_int_equal(f->node->submitted, 2);
    expect(f, "-ERR invalid client id: 1 to 64 letters, digits or _ . : - are "
              "allowed\r\n"
              "-ERR invalid request id: not a number of 64 bits\r\n"
              "-ERR ONCE is for commands that write\r\n"
              "-ERR ONCE is for commands that write\r\n"
              "-ERR wrong number of arguments for 'incr' command\r\n");
}

static void protocol_errors_come_last(void **state)
{
    struct fixture *f = *state;
    send_text(f, "SET a 1\r\n*1\r\n!x\r\nPING\r\n");
    expect(f, "");
    answer(f, 1);
    expect(f, "+SET a 1\r\n-ERR Protocol error: expected '$', got '!'\r\n");
    turn(f);
    assert_null(received_on(f->fd));
    assert_int_equal(f->server->clients.count, 0);
}

static void web_browsers_are_cut_off(void **state)
{
    struct fixture *f = *state;
    send_text(f, "POST / HTTP/1.1\r\nHost: x\r\nSET a 1\r\n");
    assert_null(received_on(f->fd));
    assert_int_equal(f->node->submitted, 0);
}

static void a_full_disk_refuses_writes_only(void **state)
{
    struct fixture *f = *state;
    f->server->disk.is_short = true;
    send_text(f, "GET a\r\nSET a 1\r\n");
    reads_told(f, 0);
    expect(f, "$1\r\na\r\n-MISCONF too little disk space is free on this node "
              "(see min-free-disk): writes are refused, reads and deletions "
              "are served\r\n");
    assert_int_equal(f->node->submitted, 0);
}

static void too_few_disks_with_space_refuse_writes_too(void **state)
{
    struct fixture *f = *state;
    f->node->disk_short = true;
    send_text(f, "GET a\r\nSET a 1\r\n");
    reads_told(f, 0);
    expect(f,
           "$1\r\na\r\n-MISCONF too few nodes have enough free disk space (see "
           "min-free-disk): writes are refused, reads and deletions are "
           "served\r\n");
    assert_int_equal(f->node->submitted, 0);
}

static void passwords(void **state)
{
    struct fixture *f = *state;
    int fd = f->fd;
    set_option(f, "requirepass", "secret");
    (void)connect_client(f, &f->fd);
    close(fd);
    send_text(f, "SET a 1\r\nPING\r\nAUTH wrong\r\nAUTH other secret\r\n"
                 "HELLO 3\r\n");
    expect(f, "-NOAUTH Authentication required.\r\n"
              "-NOAUTH Authentication required.\r\n"
              "-WRONGPASS invalid username-password pair or user is "
              "disabled.\r\n"
              "-WRONGPASS invalid username-password pair or user is "
              "disabled.\r\n"
              "-NOAUTH HELLO must be called with the client already "
              "authenticated, otherwise the HELLO AUTH <user> <pass> "
              "option can be used to authenticate the client and select the "
              "RESP protocol version at the same time\r\n");
    assert_int_equal(f->node->submitted, 0);
    send_text(f, "AUTH default secret\r\nPING\r\nRESET\r\nPING\r\n"
                 "AUTH secret\r\nPING\r\n");
    expect(f, "+OK\r\n+PONG\r\n+RESET\r\n-NOAUTH Authentication required.\r\n"
              "+OK\r\n+PONG\r\n");
}

static void small_limits_before_authentication(void **state)
{
    struct fixture *f = *state;
    int fd = f->fd;
    set_option(f, "requirepass", "secret");
    (void)connect_client(f, &f->fd);
    close(fd);
    send_text(f, "*11\r\n");
    expect(f, "-ERR Protocol error: unauthenticated multibulk length\r\n");
    close(f->fd);
    (void)connect_client(f, &f->fd);
    send_text(f, "*2\r\n$16385\r\n");
    expect(f, "-ERR Protocol error: unauthenticated bulk length\r\n");
    close(f->fd);
    (void)connect_client(f, &f->fd);
    send_text(f, "AUTH secret\r\n*11\r\n");
    expect(f, "+OK\r\n");
}

static void who_does_not_authenticate_is_closed(void **state)
{
    struct fixture *f = *state;
    set_option(f, "requirepass", "secret");
    f->client->settings.authenticated = false;
    f->client->authorized_ms -= UNAUTH_DEADLINE_MS - 5000;
    f->server->cron.second_ms -= 1000;
    turn_begin(f->server);
    cron_run(f->server);
    turn(f);
    assert_string_equal(received_on(f->fd), "");
    f->client->authorized_ms -= 6000;
    f->server->cron.second_ms -= 1000;
    turn_begin(f->server);
    cron_run(f->server);
    turn(f);
    assert_null(received_on(f->fd));
}

static void send_frame(struct fixture *f, const char *text, bool split)
{
    uint8_t frame[256] = {(uint8_t)strlen(text)};
    size_t len = 4 + strlen(text);
    memcpy(frame + 4, text, strlen(text));
    for (size_t i = 0; i < len; i += split ? 1 : len) {
        size_t part = split ? 1 : len;
        ssize_t n = write(f->fd, frame + i, part);
        assert_int_equal(n, part);
        turn(f);
    }
}

static void the_originals_protocol(void **state)
{
    static const char id[] = "00112233445566778899aabbccddeeff";
    struct fixture *f = *state;
    struct node *n = f->node;
    send_frame(f, id, true);
    send_frame(f, "7 CAS key - new", true);
    assert_int_equal(n->submitted, 1);
    assert_string_equal(n->requests[0].text, "vard.cas key - new");
    assert_string_equal(n->requests[0].once,
                        "00112233445566778899aabbccddeeff 7");
    struct resp_writer *w = n->events->reply_open(n->events->ctx, f->client);
    resp_array(w, 3);
    resp_bulk_str(w, "key");
    resp_bulk_str(w, "new");
    resp_null(w);
    n->events->reply_done(n->events->ctx, f->client, NODE_EXECUTED);
    n->answered++;
    turn(f);
    const char *got = received_on(f->fd);
    assert_non_null(got);
    assert_int_equal(got[0], strlen("Response 7 key new -"));
    assert_string_equal(got + 4, "Response 7 key new -");
    n->error = ERR_NO_LEADER;
    send_frame(f, "8 GET key - -", false);
    got = received_on(f->fd);
    assert_non_null(got);
    assert_string_equal(got + 4, "NotLeader 8");
    send_frame(f, "garbage", false);
    assert_null(received_on(f->fd));
}

static void a_newer_connection_of_the_originals_client(void **state)
{
    static const char id[] = "00112233445566778899aabbccddeeff";
    struct fixture *f = *state;
    send_frame(f, id, false);
    int older = f->fd;
    (void)connect_client(f, &f->fd);
    send_frame(f, id, false);
    assert_null(received_on(older));
    close(older);
    assert_int_equal(f->server->clients.count, 1);
}

static void slow_readers_execute_nothing(void **state)
{
    struct fixture *f = *state;
    /* Fills the output without the socket's help. */
    uint8_t *zeros = mem_zalloc(CLIENT_OUTPUT_PAUSE + 1);
    buf_append(&f->client->conn.out, zeros, CLIENT_OUTPUT_PAUSE + 1);
    ssize_t n = write(f->fd, "SET a 1\r\n", 9);
    assert_int_equal(n, 9);
    turn(f);
    assert_int_equal(f->node->submitted, 0);
    assert_int_equal(f->client->wait, WAIT_OUTPUT);
    client_mark_dirty(f->client);
    for (int i = 0; i < 1000 && f->node->submitted == 0; i++) {
        (void)received_on(f->fd);
        turn(f);
    }
    assert_int_equal(f->node->submitted, 1);
    mem_free(zeros);
}

static void the_output_limit_closes(void **state)
{
    struct fixture *f = *state;
    uint8_t *zeros = mem_zalloc(CLIENT_OUTPUT_PAUSE);
    f->config.client_output_buffer_limit[CONFIG_CLIENT_NORMAL].hard_bytes =
        1000;
    buf_append(&f->client->conn.out, zeros, CLIENT_OUTPUT_PAUSE);
    client_mark_dirty(f->client);
    turn(f);
    assert_int_equal(f->server->clients.count, 0);
    assert_int_equal(f->server->stats.output_limit_closed, 1);
    mem_free(zeros);
}

static void set_hard_limit(struct fixture *f, uint64_t bytes)
{
    f->config.client_output_buffer_limit[CONFIG_CLIENT_NORMAL].hard_bytes =
        bytes;
}

/* The node answers the oldest request; false: its reply is not wanted. */
static bool answer_zeros(struct fixture *f, size_t size)
{
    struct node *n = f->node;
    uint8_t *zeros = mem_zalloc(size);
    void *client = n->requests[n->answered++].client;
    struct resp_writer *w = n->events->reply_open(n->events->ctx, client);
    resp_bulk(w, bytes_of(zeros, size));
    n->events->reply_done(n->events->ctx, client, NODE_EXECUTED);
    mem_free(zeros);
    return w != NULL;
}

static void replies_of_the_node_are_bounded(void **state)
{
    struct fixture *f = *state;
    set_hard_limit(f, 10000);
    send_text(f, "SET a 1\r\nSET b 1\r\nSET c 1\r\nSET d 1\r\n");
    assert_int_equal(f->node->submitted, 4);
    assert_true(answer_zeros(f, 6000));
    assert_int_equal(f->client->state, CLIENT_OPEN);
    assert_true(answer_zeros(f, 6000));
    assert_int_equal(f->client->state, CLIENT_DOOMED);
    assert_true(f->client->conn.out.len < 10000);
    assert_false(answer_zeros(f, 6000));
    turn(f);
    assert_int_equal(f->server->clients.count, 0);
    assert_false(list_empty(&f->server->clients.zombies));
    assert_false(answer_zeros(f, 6000));
    turn(f);
    assert_true(list_empty(&f->server->clients.zombies));
    assert_int_equal(f->server->stats.output_limit_closed, 1);
}

static void one_reply_is_bounded(void **state)
{
    struct fixture *f = *state;
    set_hard_limit(f, 10000);
    send_text(f, "SET a 1\r\n");
    assert_true(answer_zeros(f, 1 << 24));
    assert_int_equal(f->client->state, CLIENT_DOOMED);
    assert_int_equal(f->client->conn.out.len, 0);
    turn(f);
    assert_int_equal(f->server->clients.count, 0);
}

static void replies_of_reads_are_bounded(void **state)
{
    struct fixture *f = *state;
    char text[8000];
    int len = snprintf(text, sizeof(text),
                       "GET %0600d\r\nGET %0600d\r\n"
                       "GET %0600d\r\nPING\r\n",
                       1, 2, 3);
    assert_in_range(len, 1800, 2000);
    set_hard_limit(f, 1000);
    send_text(f, text);
    reads_told(f, 0);
    assert_int_equal(f->server->clients.count, 0);
    assert_true(list_empty(&f->server->clients.zombies));
    assert_int_equal(f->server->stats.output_limit_closed, 1);
    assert_int_equal(
        stats_of(&f->server->stats, cmd_lookup(BYTES_LIT("get")))->calls, 2);
    const char *got = received_on(f->fd); /* whole replies only */
    assert_non_null(got);
    assert_int_equal(strlen(got), 600 + strlen("$600\r\n\r\n"));
    assert_null(received_on(f->fd));
}

static void what_is_muted_is_not_counted(void **state)
{
    struct fixture *f = *state;
    set_hard_limit(f, 1000);
    send_text(f, "CLIENT REPLY SKIP\r\nSET a 1\r\nSET b 1\r\n");
    assert_true(answer_zeros(f, 6000));
    answer(f, 1);
    expect(f, "+SET b 1\r\n");
}

static void little_output_before_authentication(void **state)
{
    struct fixture *f = *state;
    struct buf text = BUF_INIT;
    set_option(f, "requirepass", "secret");
    f->client->settings.authenticated = false;
    for (int i = 0; i < 900; i++)
        buf_str(&text, "HELLO\r\n"); /* the answer has 200 bytes */
    buf_char(&text, '\0');
    send_text(f, (const char *)text.data);
    assert_int_equal(f->server->clients.count, 0);
    assert_int_equal(f->server->stats.output_limit_closed, 1);
    buf_release(&text);
}

static void guessing_passwords(void **state)
{
    struct fixture *f = *state;
    struct server *s = f->server;
    set_option(f, "requirepass", "secret");
    for (int i = 0; i < AUTH_FAILURES_MAX - 1; i++)
        send_text(f, i % 2 ? "AUTH x\r\n" : "HELLO 3 AUTH default x\r\n");
    assert_int_equal(f->client->state, CLIENT_OPEN);
    assert_non_null(received_on(f->fd));
    /* The last one is answered, what is behind it is not. */
    send_text(f, "AUTH x\r\nAUTH secret\r\n");
    expect(f, "-WRONGPASS invalid username-password pair or user is "
              "disabled.\r\n");
    turn(f);
    assert_null(received_on(f->fd));
    assert_int_equal(s->clients.count, 0);
    assert_int_equal(s->stats.auth_failures, AUTH_FAILURES_MAX);
    /* One line at once, the others together, later. */
    s->security.auth_unreported = 7;
    s->security.auth_reported_ms = s->turn.mono_ms - AUTH_REPORT_MS + 1;
    security_report(s);
    assert_int_equal(s->security.auth_unreported, 7);
    s->security.auth_reported_ms--;
    security_report(s);
    assert_int_equal(s->security.auth_unreported, 0);
    assert_true(s->security.auth_reported_ms == s->turn.mono_ms);
}

static void the_largest_argument_always_fits(void **state)
{
    struct fixture *f = *state;
    uint8_t *zeros = mem_zalloc(4 << 20);
    f->config.proto_max_bulk_len_bytes = 2 << 20;
    f->config.client_query_buffer_limit_bytes = 1 << 20;
    buf_append(&f->client->conn.in, zeros, (2 << 20) + QUERY_ROOM);
    assert_true(limits_input(f->client));
    buf_append(&f->client->conn.in, zeros, 1);
    assert_false(limits_input(f->client));
    assert_int_equal(f->client->state, CLIENT_DOOMED);
    mem_free(zeros);
}

/* SETRANGE fills up with zeroes: the offset counts like an argument. */
static void a_value_from_a_few_bytes_is_bounded(void **state)
{
    struct fixture *f = *state;
    f->config.proto_max_bulk_len_bytes = 1 << 20;
    send_text(f, "SETRANGE a 1048575 x\r\nSETRANGE a 9999999 \"\"\r\n");
    assert_int_equal(f->node->submitted, 2);
    answer(f, 2);
    expect(f, "+SETRANGE a 1048575 x\r\n+SETRANGE a 9999999 \r\n");
    send_text(f, "SETRANGE a 1048576 x\r\nONCE c 1 SETRANGE a 1048575 xy\r\n");
    assert_int_equal(f->node->submitted, 2);
    expect(f, "-ERR string exceeds maximum allowed size (proto-max-bulk-len)"
              "\r\n-ERR string exceeds maximum allowed size "
              "(proto-max-bulk-len)\r\n");
}

static void expect_counts(struct fixture *f, const char *name, uint64_t calls,
                          uint64_t rejected, uint64_t failed)
{
    const struct stats_command *st =
        stats_of(&f->server->stats, cmd_lookup(bytes_str(name)));
    assert_int_equal(st->calls, calls);
    assert_int_equal(st->rejected, rejected);
    assert_int_equal(st->failed, failed);
    (void)received_on(f->fd);
}

/* Rejected: refused before it was executed. Failed: executed, with an error
 * as its reply. */
static void what_is_rejected_and_what_fails(void **state)
{
    struct fixture *f = *state;
    struct node *n = f->node;
    send_text(f, "SET\r\n");
    expect_counts(f, "set", 0, 1, 0);
    send_text(f, "SET a 1 FOO\r\n");
    expect_counts(f, "set", 1, 1, 1);
    send_text(f, "SET a 1\r\n");
    expect_counts(f, "set", 1, 1, 1); /* it is not answered yet */
    answer(f, 1);
    expect_counts(f, "set", 2, 1, 1);
    n->disk_short = true;
    send_text(f, "SET a 1\r\n");
    expect_counts(f, "set", 2, 2, 1);
    n->disk_short = false;
    n->error = ERR_NO_LEADER;
    send_text(f, "SET a 1\r\nGET a\r\nGET a b\r\n");
    expect_counts(f, "set", 2, 3, 1);
    expect_counts(f, "get", 0, 2, 0);
    n->error = 0;
    send_text(f, "GET a\r\n");
    reads_told(f, ERR_NO_LEADER);
    expect_counts(f, "get", 0, 3, 0);
    send_text(f, "GET a\r\n");
    reads_told(f, 0);
    expect_counts(f, "get", 1, 3, 0);
    send_text(f, "INCR a\r\n");
    struct fake_request *r = &n->requests[n->answered++];
    resp_error(n->events->reply_open(n->events->ctx, r->client), "ERR no");
    n->events->reply_done(n->events->ctx, r->client, NODE_EXECUTED);
    turn(f);
    expect_counts(f, "incr", 1, 0, 1);
    send_text(f, "SELECT 99\r\nSELECT 0\r\n");
    expect_counts(f, "select", 2, 0, 1);
    send_text(f, "CLIENT REPLY SKIP\r\nSELECT 99\r\n"); /* muted or not */
    expect_counts(f, "select", 3, 0, 2);
    send_text(f, "CLIENT REPLY SKIP\r\nSELECT\r\n");
    expect_counts(f, "select", 3, 1, 2);
    send_text(f, "CLIENT REPLY OFF\r\nGET\r\nINCR\r\n");
    expect_counts(f, "get", 1, 4, 0);
    expect_counts(f, "incr", 1, 1, 1);
    send_text(f, "CLIENT REPLY ON\r\n");
    set_option(f, "requirepass", "secret");
    f->client->settings.authenticated = false;
    send_text(f, "PING\r\n");
    expect_counts(f, "ping", 0, 1, 0);
}

static uint64_t usec_of(struct fixture *f, const char *name)
{
    return stats_of(&f->server->stats, cmd_lookup(bytes_str(name)))->usec;
}

/* A read takes what its execution does; a write is on its way until it is
 * answered; and not the other way round. */
static void times_are_measured(void **state)
{
    struct fixture *f = *state;
    f->node->read_us = 3000;
    send_text(f, "GET a\r\n");
    reads_told(f, 0);
    assert_in_range(usec_of(f, "get"), 3000, 3000000);
    send_text(f, "SET a 1\r\n");
    usleep(3000);
    answer(f, 1);
    assert_in_range(usec_of(f, "set"), 3000, 3000000);
    uint64_t before = usec_of(f, "get");
    f->node->read_us = 0;
    send_text(f, "GET a\r\n");
    usleep(50000); /* waiting for its point is not its execution */
    reads_told(f, 0);
    assert_true(usec_of(f, "get") - before < 50000);
    send_text(f, "INFO everything\r\n");
    assert_in_range(usec_of(f, "info"), 1, 3000000);
}

/* The ring of unanswered requests grows while it is wrapped: each keeps its
 * own command. */
static void many_requests_keep_their_places(void **state)
{
    struct fixture *f = *state;
    struct node *n = f->node;
    send_text(f, "SET a 1\r\nSET a 1\r\nSET a 1\r\nSET a 1\r\nSET a 1\r\n"
                 "SET a 1\r\n");
    answer(f, 5);
    for (int i = 0; i < 30; i++)
        send_text(f, i % 3 == 0 ? "INCR b\r\n" : "SET a 1\r\n");
    answer(f, 1);
    for (int i = 0; i < 30; i++) {
        struct fake_request *r = &n->requests[n->answered++];
        struct resp_writer *w =
            n->events->reply_open(n->events->ctx, r->client);
        if (i % 3 == 0)
            resp_error(w, "ERR no");
        else
            resp_status(w, "OK");
        n->events->reply_done(n->events->ctx, r->client, NODE_EXECUTED);
    }
    turn(f);
    expect_counts(f, "incr", 10, 0, 10);
    expect_counts(f, "set", 26, 0, 0);
    assert_true(client_is_idle(f->client));
}

static void all_that_wait_for_the_node_go_on(void **state)
{
    struct fixture *f = *state;
    int first = f->fd, fds[2];
    (void)connect_client(f, &fds[0]);
    (void)connect_client(f, &fds[1]);
    f->node->full = true;
    send_text(f, "SET a 1\r\n");
    f->fd = fds[0];
    send_text(f, "PING\r\n"); /* it does not wait */
    expect(f, "+PONG\r\n");
    f->fd = fds[1];
    send_text(f, "SET c 1\r\n");
    f->fd = first;
    assert_int_equal(f->node->submitted, 0);
    f->node->full = false;
    f->node->events->writable(f->node->events->ctx);
    turn(f);
    assert_int_equal(f->node->submitted, 2);
    answer(f, 2);
    close(fds[0]);
    close(fds[1]);
}

/* Killed in the turn in which its read could have been answered. */
static void a_doomed_reader_is_told_nothing(void **state)
{
    struct fixture *f = *state;
    struct node *n = f->node;
    send_text(f, "GET a\r\n");
    turn_begin(f->server);
    client_doom(f->client);
    n->events->read_ready(n->events->ctx, n->readers[n->reads_told++], 0);
    assert_int_equal(f->client->state, CLIENT_DOOMED);
    turn(f);
    assert_null(received_on(f->fd));
    assert_int_equal(f->server->clients.count, 0);
    assert_true(list_empty(&f->server->clients.zombies));
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(writes_do_not_wait_for_each_other),
        test(reads_of_one_iteration_share_a_question),
        test(a_later_read_does_not_join),
        test(a_write_waits_for_reads),
        test(a_read_behind_a_write_goes_through_the_log),
        test(server_commands_and_errors_keep_the_order),
        test(nothing_asked_is_not_answered),
        test(syntax_errors_never_enter_the_log),
        test(reads_in_doubt_go_through_the_log),
        test(doubtful_reads_without_a_leader),
        test(no_leader),
        test(reasons_for_no_answer),
        test(local_commands_need_no_leader),
        test(a_full_node_is_waited_for),
        test(muted_replies),
        test(muted_replies_come_back),
        test(reads_are_muted_one_by_one),
        test(a_skip_is_for_one_command),
        test(a_skip_waits_with_its_command),
        test(reset_takes_all_settings_back),
        test(a_client_that_leaves_is_kept_until_answered),
        test(a_reader_that_leaves_is_kept_until_told),
        test(long_pipelines_take_several_turns),
        test(a_share_ends),
        test(once_names_client_and_request),
        test(protocol_errors_come_last),
        test(web_browsers_are_cut_off),
        test(a_full_disk_refuses_writes_only),
        test(too_few_disks_with_space_refuse_writes_too),
        test(passwords),
        test(small_limits_before_authentication),
        test(who_does_not_authenticate_is_closed),
        test(the_originals_protocol),
        test(a_newer_connection_of_the_originals_client),
        test(slow_readers_execute_nothing),
        test(the_output_limit_closes),
        test(replies_of_the_node_are_bounded),
        test(one_reply_is_bounded),
        test(replies_of_reads_are_bounded),
        test(what_is_muted_is_not_counted),
        test(little_output_before_authentication),
        test(guessing_passwords),
        test(the_largest_argument_always_fits),
        test(a_value_from_a_few_bytes_is_bounded),
        test(what_is_rejected_and_what_fails),
        test(times_are_measured),
        test(many_requests_keep_their_places),
        test(all_that_wait_for_the_node_go_on),
        test(a_doomed_reader_is_told_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
