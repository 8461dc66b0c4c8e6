/*
 * Transactions as a client sees them: what is queued and what is not, what EXEC
 * gives to the node, what makes it fail; and the order of replies.
 */
// link: admin original
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/multi.h"
#include "unit/server/fake_node.h"

#define QUEUED "+QUEUED\r\n"
#define ABORTED                                                                \
    "-EXECABORT Transaction discarded because of previous errors.\r\n"
#define BECAUSE "-EXECABORT Transaction discarded because of: "

static void expect_submitted(struct fixture *f, size_t i, const char *text)
{
    assert_true(i < f->node->submitted);
    assert_string_equal(f->node->requests[i].text, text);
}

static void expect_nothing_asked(struct fixture *f)
{
    assert_int_equal(f->node->submitted, 0);
    assert_int_equal(f->node->reads_asked, 0);
}

static void a_transaction_is_one_request(void **state)
{
    struct fixture *f = *state;
    send_text(f, "MULTI\r\nINCR a\r\nGET a\r\nEXEC\r\n");
    expect(f, "+OK\r\n" QUEUED QUEUED);
    assert_int_equal(f->node->submitted, 1);
    expect_submitted(f, 0, "vard.exec [0:INCR a] [0:GET a]");
    answer(f, 1);
    expect(f, "+vard.exec [0:INCR a] [0:GET a]\r\n");
    send_text(f, "INCR a\r\n");
    expect_submitted(f, 1, "INCR a");
    answer(f, 1);
    expect(f, "+INCR a\r\n");
}

static void step_by_step_too(void **state)
{
    struct fixture *f = *state;
    const char text[] = "mUlTi\r\nincr a\r\nexec\r\n";
    for (size_t i = 0; i < sizeof(text) - 1; i++)
        send_text(f, (char[]){text[i], '\0'});
    expect(f, "+OK\r\n" QUEUED);
    answer(f, 1);
    expect(f, "+vard.exec [0:incr a]\r\n");
}

static void what_only_reads_is_a_read(void **state)
{
    struct fixture *f = *state;
    send_text(f,
              "MULTI\r\nGET a\r\nGET b\r\nEXEC\r\nMULTI\r\nGET c\r\nEXEC\r\n");
    expect(f, "+OK\r\n" QUEUED QUEUED);
    assert_int_equal(f->node->submitted, 0);
    assert_int_equal(f->node->reads_asked, 1); /* for both */
    reads_told(f, 0);
    expect(f, "*2\r\n$1\r\na\r\n$1\r\nb\r\n+OK\r\n" QUEUED "*1\r\n$1\r\nc\r\n");
    assert_int_equal(f->node->programs, 2);
}

static void in_doubt_all_of_it_goes_through_the_log(void **state)
{
    struct fixture *f = *state;
    send_text(f, "MULTI\r\nGET a\r\nGET doubt\r\nEXEC\r\nMULTI\r\nGET c\r\n"
                 "EXEC\r\n");
    reads_told(f, 0);
    expect(f, "+OK\r\n" QUEUED QUEUED);
    assert_int_equal(f->node->submitted, 2);
    expect_submitted(f, 0, "vard.exec_ro [0:GET a] [0:GET doubt]");
    answer(f, 1);
    expect(f, "+vard.exec_ro [0:GET a] [0:GET doubt]\r\n+OK\r\n" QUEUED);
    answer(f, 1);
    expect(f, "+vard.exec_ro [0:GET c]\r\n");
}

/* None waits for the answer to another. */
static void pipelines_do_not_wait(void **state)
{
    struct fixture *f = *state;
    struct buf wanted = BUF_INIT;
    for (int i = 0; i < 10; i++)
        send_text(f, "MULTI\r\nSET a 1\r\nGET a\r\nEXEC\r\nGET b\r\n");
    expect(f, "+OK\r\n" QUEUED QUEUED);
    assert_int_equal(f->node->submitted, 20);
    for (int i = 0; i < 10; i++)
        buf_printf(&wanted, "%s+vard.exec [0:SET a 1] [0:GET a]\r\n+GET b\r\n",
                   i > 0 ? "+OK\r\n" QUEUED QUEUED : "");
    buf_char(&wanted, '\0');
    answer(f, 20);
    expect(f, (const char *)wanted.data);
    buf_release(&wanted);
}

static void replies_keep_their_order(void **state)
{
    struct fixture *f = *state;
    send_text(f, "SET a 1\r\nMULTI\r\nINCR a\r\nEXEC\r\nMULTI\r\nGET c\r\n"
                 "DISCARD\r\nSET d 1\r\n");
    expect(f, "");
    assert_int_equal(f->node->submitted, 3);
    answer(f, 1);
    expect(f, "+SET a 1\r\n+OK\r\n" QUEUED);
    answer(f, 1);
    expect(f, "+vard.exec [0:INCR a]\r\n+OK\r\n" QUEUED "+OK\r\n");
    answer(f, 1);
    expect(f, "+SET d 1\r\n");
}

static void behind_reads_too(void **state)
{
    struct fixture *f = *state;
    send_text(f, "GET x\r\nMULTI\r\nINCR a\r\nEXEC\r\nGET y\r\n");
    expect(f, "");
    reads_told(f, 0);
    expect(f, "$1\r\nx\r\n+OK\r\n" QUEUED);
    assert_int_equal(f->node->submitted, 2);
    answer(f, 2);
    expect(f, "+vard.exec [0:INCR a]\r\n+GET y\r\n");
}

static void without_a_leader_reads_fail_and_the_rest_is_told(void **state)
{
    struct fixture *f = *state;
    send_text(f, "GET x\r\nMULTI\r\nGET a\r\nEXEC\r\n");
    reads_told(f, ERR_NO_LEADER);
    const char *text = received_on(f->fd);
    assert_int_equal(strncmp(text, "-CLUSTERDOWN ", 13), 0);
    assert_non_null(strstr(text, "\r\n+OK\r\n" QUEUED "-CLUSTERDOWN "));
    f->node->error = ERR_NO_LEADER;
    send_text(f, "MULTI\r\nSET a 1\r\nEXEC\r\nEXEC\r\n");
    text = received_on(f->fd);
    assert_non_null(strstr(text, "+OK\r\n" QUEUED "-CLUSTERDOWN "));
    assert_non_null(strstr(text, "-ERR EXEC without MULTI\r\n"));
}

static void an_error_while_queueing_aborts(void **state)
{
    struct fixture *f = *state;
    static const char *const wrong[][2] = {
        {"NOSUCH", "-ERR unknown command 'NOSUCH', with args beginning with: "},
        {"GET", "-ERR wrong number of arguments for 'get' command"},
        {"CLIENT NOSUCH", "-ERR unknown subcommand 'NOSUCH'. Try CLIENT HELP."},
        {"CLIENT SETNAME",
         "-ERR wrong number of arguments for 'client|setname' command"},
        {"SHUTDOWN", "-ERR Command not allowed inside a transaction"},
        {"RAFT STATUS", "-ERR Command not allowed inside a transaction"},
        {"ONCE me 1 INCR a", "-ERR Command not allowed inside a transaction"},
        {"CLIENT REPLY OFF", "-ERR Command not allowed inside a transaction"},
        {"DISCARD x", "-ERR wrong number of arguments for 'discard' command"},
        {"WATCH", "-ERR wrong number of arguments for 'watch' command"},
        {"vard.exec x", "-ERR unknown command 'vard.exec', with args beginning "
                        "with: 'x' "},
    };
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        char wanted[256];
        send_text(f, "MULTI\r\nINCR a\r\n");
        send_text(f, wrong[i][0]);
        send_text(f, "\r\nINCR b\r\nEXEC\r\nEXEC\r\n");
        snprintf(wanted, sizeof(wanted),
                 "+OK\r\n" QUEUED "%s\r\n" QUEUED ABORTED
                 "-ERR EXEC without MULTI\r\n",
                 wrong[i][1]);
        expect(f, wanted);
    }
    expect_nothing_asked(f);
}

static void some_errors_abort_nothing(void **state)
{
    struct fixture *f = *state;
    send_text(f, "MULTI\r\nMULTI\r\nWATCH a\r\nSET a 1 NX EX\r\nEXEC\r\n");
    expect(f, "+OK\r\n-ERR MULTI calls can not be nested\r\n"
              "-ERR WATCH inside MULTI is not allowed\r\n" QUEUED);
    answer(f, 1);
    expect(f, "+vard.exec [0:SET a 1 NX EX]\r\n");
}

static void without_one_there_is_none_to_end(void **state)
{
    struct fixture *f = *state;
    send_text(f, "EXEC\r\nDISCARD\r\nMULTI\r\nDISCARD\r\nDISCARD\r\n"
                 "MULTI\r\nEXEC\r\nEXEC\r\nINCR a\r\n");
    expect(f, "-ERR EXEC without MULTI\r\n-ERR DISCARD without MULTI\r\n"
              "+OK\r\n+OK\r\n-ERR DISCARD without MULTI\r\n"
              "+OK\r\n*0\r\n-ERR EXEC without MULTI\r\n");
    assert_int_equal(f->node->submitted, 1);
}

/* Whoever sends it means a transaction. */
static void with_arguments_it_is_refused_and_what_follows(void **state)
{
    struct fixture *f = *state;
    send_text(f, "MULTI x\r\nINCR a\r\nEXEC\r\nINCR a\r\n");
    expect(f, "-ERR wrong number of arguments for 'multi' command\r\n" QUEUED
                  ABORTED);
    assert_int_equal(f->node->submitted, 1);
}

static void reset_and_quit_end_it(void **state)
{
    struct fixture *f = *state;
    send_text(f, "MULTI\r\nINCR a\r\nRESET\r\nEXEC\r\nINCR b\r\n");
    expect(f, "+OK\r\n" QUEUED "+RESET\r\n-ERR EXEC without MULTI\r\n");
    assert_int_equal(f->node->submitted, 1);
    answer(f, 1);
    expect(f, "+INCR b\r\n");
    send_text(f, "MULTI\r\nINCR a\r\nQUIT\r\nEXEC\r\n");
    expect(f, "+OK\r\n" QUEUED "+OK\r\n");
    assert_null(received_on(f->fd));
    assert_int_equal(f->node->submitted, 1);
}

/* --- steps that this node executes -------------------------------------- */

static void steps_of_this_node_alone_need_no_other(void **state)
{
    struct fixture *f = *state;
    send_text(f, "MULTI\r\nPING\r\nECHO x\r\nCLIENT SETNAME me\r\n"
                 "CLIENT GETNAME\r\nSELECT 99\r\nUNWATCH\r\nEXEC\r\n");
    expect(f, "+OK\r\n" QUEUED QUEUED QUEUED QUEUED QUEUED QUEUED
              "*6\r\n+PONG\r\n$1\r\nx\r\n+OK\r\n$2\r\nme\r\n"
              "-ERR DB index is out of range\r\n+OK\r\n");
    expect_nothing_asked(f);
}

static void select_is_for_what_follows(void **state)
{
    struct fixture *f = *state;
    send_text(f, "MULTI\r\nGET a\r\nSELECT 3\r\nGET b\r\nSELECT 16\r\n"
                 "SELECT x\r\nGET c\r\nEXEC\r\nGET d\r\n");
    reads_told(f, 0);
    expect(f, "+OK\r\n" QUEUED QUEUED QUEUED QUEUED QUEUED QUEUED
              "*6\r\n$1\r\na\r\n+OK\r\n$1\r\nb\r\n"
              "-ERR DB index is out of range\r\n"
              "-ERR value is not an integer or out of range\r\n$1\r\nc\r\n");
    reads_told(f, 0);
    expect(f, "$1\r\nd\r\n");
    assert_int_equal(f->node->read_db, 3);
    send_text(f, "MULTI\r\nSET a 1\r\nSELECT 2\r\nSET b 1\r\nDISCARD\r\n"
                 "MULTI\r\nSET a 1\r\nEXEC\r\n");
    expect_submitted(f, 0, "vard.exec [3:SET a 1]");
    answer(f, 1);
    send_text(f, "MULTI\r\nSET a 1\r\nSELECT 2\r\nSET b 1\r\nEXEC\r\n");
    expect_submitted(f, 1, "vard.exec [3:SET a 1] [local] [2:SET b 1]");
    answer(f, 1);
}

/* Of a request that is not answered yet the steps are kept. */
static void what_follows_waits_for_such_steps(void **state)
{
    struct fixture *f = *state;
    send_text(f, "MULTI\r\nSET a 1\r\nCLIENT SETNAME me\r\nEXEC\r\n"
                 "MULTI\r\nSET b 1\r\nEXEC\r\n");
    expect(f, "+OK\r\n" QUEUED QUEUED);
    assert_int_equal(f->node->submitted, 1);
    expect_submitted(f, 0, "vard.exec [0:SET a 1] [local]");
    void *client = f->node->requests[f->node->answered++].client;
    const struct node_events *events = f->node->events;
    struct resp_writer *w = events->reply_open(events->ctx, client);
    const struct cmd_steps *steps = events->steps(events->ctx, client);
    resp_array(w, 2);
    resp_status(w, "OK");
    steps->local(steps->ctx, 1, w);
    events->reply_done(events->ctx, client, NODE_EXECUTED);
    turn(f);
    expect(f, "*2\r\n+OK\r\n+OK\r\n+OK\r\n" QUEUED);
    assert_int_equal(f->node->submitted, 2);
    answer(f, 1);
    expect(f, "+vard.exec [0:SET b 1]\r\n");
    send_text(f, "CLIENT GETNAME\r\n");
    expect(f, "$2\r\nme\r\n");
}

static void what_must_not_be_repeated_goes_through_the_log(void **state)
{
    struct fixture *f = *state;
    send_text(f, "MULTI\r\nGET a\r\nCLIENT SETNAME x\r\nEXEC\r\n");
    expect(f, "+OK\r\n" QUEUED QUEUED);
    expect_submitted(f, 0, "vard.exec_ro [0:GET a] [local]");
    answer(f, 1);
    expect(f, "+vard.exec_ro [0:GET a] [local]\r\n");
}

static void hello_takes_effect_in_the_middle(void **state)
{
    struct fixture *f = *state;
    send_text(f, "MULTI\r\nCLIENT GETNAME\r\nHELLO 3\r\nCLIENT GETNAME\r\n"
                 "EXEC\r\n");
    const char *text = received_on(f->fd);
    assert_non_null(strstr(text, "*3\r\n$-1\r\n%7\r\n"));
    assert_string_equal(text + strlen(text) - 3, "_\r\n");
}

static void a_client_may_end_itself(void **state)
{
    struct fixture *f = *state;
    char text[128];
    snprintf(
        text, sizeof(text),
        "MULTI\r\nCLIENT KILL ID %llu SKIPME no\r\nPING\r\nEXEC\r\nPING\r\n",
        (unsigned long long)f->client->id);
    send_text(f, text);
    expect(f, "+OK\r\n" QUEUED QUEUED "*2\r\n:1\r\n+PONG\r\n");
    assert_null(received_on(f->fd));
}

/* The answer to a transaction of which one step is this node's. */
static void answer_local(struct fixture *f, uint32_t step)
{
    struct node *n = f->node;
    struct fake_request *r = &n->requests[n->answered++];
    struct resp_writer *w = n->events->reply_open(n->events->ctx, r->client);
    const struct cmd_steps *steps = n->events->steps(n->events->ctx, r->client);
    steps->local(steps->ctx, step, w);
    n->events->reply_done(n->events->ctx, r->client, NODE_EXECUTED);
    turn(f);
}

static void it_may_end_itself_behind_a_write(void **state)
{
    struct fixture *f = *state;
    char text[128];
    snprintf(text, sizeof(text),
             "MULTI\r\nINCR a\r\nCLIENT KILL ID %llu SKIPME no\r\nEXEC\r\n"
             "INCR b\r\n",
             (unsigned long long)f->client->id);
    send_text(f, text);
    expect(f, "+OK\r\n" QUEUED QUEUED);
    answer_local(f, 1);
    expect(f, ":1\r\n");
    assert_null(received_on(f->fd));
    assert_int_equal(f->node->submitted, 1);
}

static void so_do_passwords_that_are_wrong(void **state)
{
    struct fixture *f = *state;
    set_option(f, "requirepass", "secret");
    send_text(f, "AUTH secret\r\nMULTI\r\n");
    for (int i = 0; i <= AUTH_FAILURES_MAX; i++)
        send_text(f, "AUTH wrong\r\n");
    received_on(f->fd);
    send_text(f, "EXEC\r\n");
    assert_non_null(received_on(f->fd));
    assert_null(received_on(f->fd));
}

static void command_alone_is_queued(void **state)
{
    struct fixture *f = *state;
    send_text(f, "MULTI\r\nCOMMAND\r\nDISCARD\r\n");
    expect(f, "+OK\r\n" QUEUED "+OK\r\n");
}

/* --- WATCH -------------------------------------------------------------- */

static void versions_are_conditions(void **state)
{
    struct fixture *f = *state;
    send_text(f, "WATCH a absent\r\nMULTI\r\nSET a 1\r\nEXEC\r\n");
    expect(f, "");
    reads_told(f, 0);
    expect(f, "+OK\r\n+OK\r\n" QUEUED);
    expect_submitted(f, 0,
                     "vard.exec [0:SET a 1] {watched 0 a 7} {absent 0 absent}");
    answer(f, 1);
    expect(f, "+vard.exec [0:SET a 1] {watched 0 a 7} {absent 0 absent}\r\n");
    send_text(f, "MULTI\r\nSET a 1\r\nEXEC\r\n");
    expect_submitted(f, 1, "vard.exec [0:SET a 1]");
    answer(f, 1);
}

static void of_reads_as_well(void **state)
{
    struct fixture *f = *state;
    send_text(f, "WATCH a\r\n");
    reads_told(f, 0);
    expect(f, "+OK\r\n");
    send_text(f, "MULTI\r\nEXEC\r\n");
    expect(f, "+OK\r\n");
    assert_int_equal(f->node->reads_asked, 2); /* an empty one asks, too */
    reads_told(f, 0);
    expect(f, "*0\r\n");
}

static void a_watch_waits_for_writes_before_it(void **state)
{
    struct fixture *f = *state;
    send_text(f, "SET a 1\r\nWATCH a\r\n");
    assert_int_equal(f->node->reads_asked, 0);
    answer(f, 1);
    reads_told(f, 0);
    expect(f, "+SET a 1\r\n+OK\r\n");
}

static void in_doubt_it_goes_through_the_log(void **state)
{
    struct fixture *f = *state;
    send_text(f, "WATCH a doubt\r\nMULTI\r\nSET a 1\r\nEXEC\r\n");
    reads_told(f, 0);
    expect_submitted(f, 0, "vard.watch a doubt");
    assert_int_equal(f->node->submitted, 1);
    void *client = f->node->requests[f->node->answered++].client;
    const struct node_events *events = f->node->events;
    resp_raw(events->reply_open(events->ctx, client),
             BYTES_LIT("*2\r\n:5\r\n:-1\r\n"));
    events->reply_done(events->ctx, client, NODE_EXECUTED);
    turn(f);
    expect(f, "+OK\r\n+OK\r\n" QUEUED);
    expect_submitted(
        f, 1, "vard.exec [0:SET a 1] {watched 0 a 5} {watched 0 doubt -1}");
    answer(f, 1);
}

static void forgotten(struct fixture *f, const char *how, const char *told)
{
    size_t before = f->node->submitted;
    send_text(f, "WATCH a\r\n");
    reads_told(f, 0);
    expect(f, "+OK\r\n");
    send_text(f, how);
    expect(f, told);
    send_text(f, "MULTI\r\nSET a 1\r\nEXEC\r\n");
    expect_submitted(f, before, "vard.exec [0:SET a 1]");
    answer(f, 1);
    expect(f, "+OK\r\n" QUEUED "+vard.exec [0:SET a 1]\r\n");
}

static void what_ends_the_watch(void **state)
{
    struct fixture *f = *state;
    forgotten(f, "UNWATCH\r\n", "+OK\r\n");
    forgotten(f, "MULTI\r\nDISCARD\r\n", "+OK\r\n+OK\r\n");
    forgotten(f, "RESET\r\n", "+RESET\r\n");
    forgotten(f, "MULTI\r\nNOSUCH\r\nEXEC\r\n",
              "+OK\r\n-ERR unknown command 'NOSUCH', with args beginning with: "
              "\r\n" ABORTED);
}

static void what_does_not(void **state)
{
    struct fixture *f = *state;
    send_text(f, "WATCH a\r\n");
    reads_told(f, 0);
    send_text(f, "EXEC\r\nDISCARD\r\nSELECT 1\r\nWATCH b a\r\n");
    reads_told(f, 0);
    expect(f, "+OK\r\n-ERR EXEC without MULTI\r\n-ERR DISCARD without MULTI\r\n"
              "+OK\r\n+OK\r\n");
    send_text(f, "MULTI\r\nSET x 1\r\nEXEC\r\n");
    expect_submitted(f, 0,
                     "vard.exec [1:SET x 1] {watched 0 a 7} {watched 1 b 7} "
                     "{watched 1 a 7}");
    answer(f, 1);
}

/* Nothing would guard what follows. */
static void a_watch_that_fails_stops_the_next_exec(void **state)
{
    struct fixture *f = *state;
    send_text(f, "WATCH a\r\nMULTI\r\nSET a 1\r\nEXEC\r\nMULTI\r\nSET a 1\r\n"
                 "EXEC\r\n");
    reads_told(f, ERR_NO_ANSWER);
    const char *text = received_on(f->fd);
    assert_int_equal(strncmp(text, "-CLUSTERDOWN ", 13), 0);
    assert_non_null(strstr(text,
                           BECAUSE "a WATCH before it was not executed\r\n"
                                   "+OK\r\n" QUEUED));
    assert_int_equal(f->node->submitted, 1); /* the second */
    answer(f, 1);
    received_on(f->fd);
    f->node->error = ERR_NO_LEADER;
    send_text(f, "WATCH a\r\n");
    f->node->error = 0;
    send_text(f, "MULTI\r\nSET a 1\r\nEXEC\r\n");
    text = received_on(f->fd);
    assert_non_null(strstr(text, BECAUSE "a WATCH before it was not executed"));
    assert_int_equal(f->node->submitted, 1);
    send_text(f, "WATCH\r\nMULTI\r\nSET a 1\r\nEXEC\r\n"); /* no such WATCH */
    assert_int_equal(f->node->submitted, 2);
    answer(f, 1);
}

/* A WATCH behind one that was refused may be on its way. */
static void what_ends_a_watch_waits_for_it(void **state)
{
    static const char *const ends[] = {"UNWATCH\r\n", "MULTI\r\nDISCARD\r\n"};
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        f->node->error = ERR_NO_LEADER;
        send_text(f, "WATCH a\r\n");
        f->node->error = 0;
        char text[64];
        snprintf(text, sizeof(text), "WATCH b\r\n%s", ends[i]);
        send_text(f, text);
        reads_told(f, 0);
        assert_non_null(received_on(f->fd));
        send_text(f, "MULTI\r\nINCR a\r\nEXEC\r\n");
        expect(f, "+OK\r\n" QUEUED);
        answer(f, 1);
        received_on(f->fd);
    }
}

static void too_many_keys(void **state)
{
    struct fixture *f = *state;
    struct buf text = BUF_INIT;
    buf_str(&text, "WATCH");
    for (int i = 0; i <= MULTI_WATCHES_MAX; i++)
        buf_str(&text, " k");
    buf_str(&text, "\r\n");
    buf_char(&text, '\0');
    client_multi(f->client);
    assert_null(multi_can_watch(f->client->multi, MULTI_WATCHES_MAX + 1));
    assert_non_null(multi_can_watch(f->client->multi, MULTI_WATCHES_MAX + 2));
    buf_release(&text);
}

/* --- EXEC with conditions; ONCE ------------------------------------------ */

static void exec_has_conditions(void **state)
{
    struct fixture *f = *state;
    send_text(f, "MULTI\r\nSET a 1\r\nEXEC ifeq a 0 NX b ifne c x XX d\r\n");
    expect_submitted(f, 0,
                     "vard.exec [0:SET a 1] {ifeq 0 a 0} {nx 0 b} {ifne 0 c x} "
                     "{xx 0 d}");
    answer(f, 1);
    received_on(f->fd);
    send_text(f, "MULTI\r\nSELECT 2\r\nGET a\r\nPING\r\nEXEC NX b\r\n");
    reads_told(f, 0);
    expect(f,
           "+OK\r\n" QUEUED QUEUED QUEUED "*3\r\n+OK\r\n$1\r\na\r\n+PONG\r\n");
    static const char *const wrong[] = {"x",  "IFEQ",   "IFEQ a",
                                        "NX", "NX a b", "IFNE a 1 XX"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        send_text(f, "MULTI\r\nSET a 1\r\nEXEC ");
        send_text(f, wrong[i]);
        send_text(f, "\r\nEXEC\r\n");
        expect(f, "+OK\r\n" QUEUED BECAUSE
                  "syntax error\r\n-ERR EXEC without MULTI\r\n");
    }
    assert_int_equal(f->node->submitted, 1);
}

static void once_names_a_transaction(void **state)
{
    struct fixture *f = *state;
    send_text(f, "MULTI\r\nINCR a\r\nONCE me 7 EXEC NX b\r\n");
    expect_submitted(f, 0, "vard.exec [0:INCR a] {nx 0 b}");
    assert_string_equal(f->node->requests[0].once, "me 7");
    answer(f, 1);
    received_on(f->fd);
    send_text(f, "MULTI\r\nGET a\r\nONCE me 8 EXEC\r\n");
    expect_submitted(f, 1, "vard.exec [0:GET a]"); /* its answer is kept */
    answer(f, 1);
    received_on(f->fd);
    send_text(f, "ONCE me 9 EXEC\r\nMULTI\r\nSELECT 1\r\nINCR a\r\n"
                 "ONCE me 9 EXEC\r\nWATCH a\r\n");
    reads_told(f, 0);
    send_text(f, "MULTI\r\nINCR a\r\nONCE me 9 EXEC\r\n");
    expect(f,
           "-ERR EXEC without MULTI\r\n+OK\r\n" QUEUED QUEUED BECAUSE
           "ONCE EXEC is for commands on data alone\r\n+OK\r\n+OK\r\n" QUEUED
               BECAUSE "ONCE EXEC cannot be repeated with WATCH, use EXEC IFEQ"
           "\r\n");
    assert_int_equal(f->node->submitted, 2);
}

/* --- refusals and limits ------------------------------------------------- */

static void a_short_disk_refuses_it_as_a_whole(void **state)
{
    struct fixture *f = *state;
    f->node->disk_short = true;
    send_text(f, "MULTI\r\nGET a\r\nDEL a\r\nSET a 1\r\nEXEC\r\n");
    const char *text = received_on(f->fd);
    assert_non_null(
        strstr(text, QUEUED QUEUED QUEUED BECAUSE "MISCONF too few"));
    expect_nothing_asked(f);
    send_text(f, "MULTI\r\nGET a\r\nDEL a\r\nEXEC\r\n");
    assert_int_equal(f->node->submitted, 1);
    answer(f, 1);
    received_on(f->fd);
    send_text(f, "MULTI\r\nGET a\r\nEXEC\r\n");
    reads_told(f, 0);
    expect(f, "+OK\r\n" QUEUED "*1\r\n$1\r\na\r\n");
    send_text(f, "MULTI\r\nGET a\r\nCLIENT SETNAME x\r\nEXEC\r\nEXEC\r\n");
    text = received_on(f->fd);
    assert_non_null(strstr(text, "-MISCONF too little disk space is free"));
    assert_non_null(strstr(text, "-ERR EXEC without MULTI\r\n"));
    assert_int_equal(f->node->submitted, 1);
}

static void a_node_that_is_refilled_refuses_it(void **state)
{
    struct fixture *f = *state;
    f->node->loading = true;
    send_text(f, "MULTI\r\nSET a 1\r\nEXEC\r\nMULTI\r\nPING\r\nEXEC\r\n");
    expect(f, "+OK\r\n" QUEUED BECAUSE
              "LOADING vard is being refilled (37 %)\r\n+OK\r\n" QUEUED
              "*1\r\n+PONG\r\n");
    expect_nothing_asked(f);
}

static void what_is_too_much_is_refused(void **state)
{
    struct fixture *f = *state;
    struct multi *m = client_multi(f->client);
    const struct bytes argv[] = {BYTES_LIT("ping")};
    multi_begin(m, 0, 16);
    for (int i = 0; i < MULTI_STEPS_MAX; i++) {
        assert_null(multi_too_much(m, argv, 1));
        multi_add(m, cmd_by_id(CMD_ID_PING), argv, 1);
    }
    assert_non_null(multi_too_much(m, argv, 1));
    multi_clear(m);
    struct bytes long_one = {(const uint8_t *)"", MULTI_BYTES_MAX};
    assert_null(multi_too_much(m, &long_one, 1));
    long_one.len++;
    assert_non_null(multi_too_much(m, &long_one, 1));
    struct bytes *many = mem_zalloc((MULTI_ARGS_MAX + 1) * sizeof(*many));
    assert_null(multi_too_much(m, many, MULTI_ARGS_MAX));
    assert_non_null(multi_too_much(m, many, MULTI_ARGS_MAX + 1));
    mem_free(many);
    send_text(f, "MULTI\r\n");
    expect(f, "+OK\r\n");
    for (int i = 0; i < MULTI_STEPS_MAX; i++)
        multi_add(m, cmd_by_id(CMD_ID_PING), argv, 1);
    send_text(f, "PING\r\nPING\r\nDISCARD\r\nPING\r\n");
    const char *text = received_on(f->fd);
    assert_int_equal(strncmp(text, "-ERR the transaction is too large: ", 35),
                     0);
    assert_non_null(strstr(text, "+OK\r\n+PONG\r\n"));
}

static void a_large_one_is_given_again_as_it_was(void **state)
{
    struct fixture *f = *state;
    f->node->again = 1;
    send_text(f, "MULTI\r\nSET a 1\r\nPING\r\nEXEC NX b\r\n");
    expect(f, "+OK\r\n" QUEUED QUEUED);
    assert_int_equal(f->node->submitted, 0);
    assert_ptr_equal(f->node->uploader, f->client);
    f->node->events->upload_ready(f->node->events->ctx, f->client);
    turn(f);
    expect_submitted(f, 0, "vard.exec [0:SET a 1] [local] {nx 0 b}");
    answer(f, 1);
}

/* --- what others see ----------------------------------------------------- */

static void with_replies_turned_off(void **state)
{
    struct fixture *f = *state;
    send_text(f, "CLIENT REPLY SKIP\r\nMULTI\r\nPING\r\nEXEC\r\n"
                 "CLIENT REPLY OFF\r\nMULTI\r\nPING\r\nEXEC\r\nMULTI\r\n"
                 "INCR a\r\nEXEC\r\n");
    answer(f, 1);
    send_text(f, "CLIENT REPLY ON\r\n");
    expect(f, QUEUED "*1\r\n+PONG\r\n+OK\r\n");
}

static void it_is_each_clients_own(void **state)
{
    struct fixture *f = *state;
    int other;
    connect_client(f, &other);
    send_text(f, "MULTI\r\n");
    expect(f, "+OK\r\n");
    assert_int_equal(write(other, "EXEC\r\nINCR a\r\n", 14), 14);
    turn(f);
    assert_string_equal(received_on(other), "-ERR EXEC without MULTI\r\n");
    assert_int_equal(f->node->submitted, 1);
    answer(f, 1);
    close(other);
}

static void it_is_shown(void **state)
{
    struct fixture *f = *state;
    int other;
    connect_client(f, &other);
    send_text(f, "WATCH a b a\r\n");
    reads_told(f, 0);
    send_text(f, "MULTI\r\nPING\r\nPING\r\n");
    expect(f, "+OK\r\n+OK\r\n" QUEUED QUEUED);
    assert_int_equal(write(other, "CLIENT LIST\r\n", 13), 13);
    turn(f);
    const char *list = received_on(other);
    assert_non_null(
        strstr(list, " flags=x db=0 sub=0 psub=0 ssub=0 multi=2 watch=2 "));
    assert_non_null(
        strstr(list, " flags=U db=0 sub=0 psub=0 ssub=0 multi=-1 watch=0 "));
    close(other);
}

/* Who ends in the middle: what EXEC was given is executed, for nobody. */
static void a_connection_that_ends(void **state)
{
    struct fixture *f = *state;
    int other;
    struct client *c = connect_client(f, &other);
    (void)c;
    const char text[] = "MULTI\r\nINCR a\r\nSELECT 1\r\nEXEC\r\nMULTI\r\n"
                        "INCR b\r\n";
    assert_int_equal(write(other, text, sizeof(text) - 1), sizeof(text) - 1);
    turn(f);
    assert_int_equal(f->node->submitted, 1);
    assert_string_equal(received_on(other), "+OK\r\n" QUEUED QUEUED);
    close(other);
    client_doom(f->node->requests[0].client);
    turn(f);
    struct node *n = f->node;
    void *client = n->requests[n->answered++].client;
    assert_null(n->events->reply_open(n->events->ctx, client));
    n->events->reply_done(n->events->ctx, client, NODE_EXECUTED);
    turn(f);
    assert_int_equal(f->node->submitted, 1);
}

static void who_is_not_known_begins_none(void **state)
{
    struct fixture *f = *state;
    set_option(f, "requirepass", "secret");
    close(f->fd);
    f->client = connect_client(f, &f->fd);
    send_text(f, "MULTI\r\nEXEC\r\nDISCARD\r\nWATCH a\r\nMULTI x\r\n"
                 "AUTH secret\r\nINCR a\r\n");
    expect(f, "-NOAUTH Authentication required.\r\n"
              "-NOAUTH Authentication required.\r\n"
              "-NOAUTH Authentication required.\r\n"
              "-NOAUTH Authentication required.\r\n"
              "-ERR wrong number of arguments for 'multi' command\r\n+OK\r\n");
    assert_int_equal(f->node->submitted, 1);
    answer(f, 1);
    expect(f, "+INCR a\r\n");
}

static void it_is_counted(void **state)
{
    struct fixture *f = *state;
    send_text(f, "MULTI\r\nPING\r\nPING\r\nCLIENT NO-TOUCH x\r\nEXEC\r\n"
                 "MULTI\r\nGET\r\nEXEC\r\nINFO errorstats commandstats\r\n");
    const char *text = received_on(f->fd);
    assert_non_null(strstr(text, "errorstat_EXECABORT:count=1\r\n"));
    assert_non_null(strstr(text, "errorstat_ERR:count=2\r\n"));
    assert_non_null(strstr(text, "cmdstat_ping:calls=2,"));
    assert_non_null(strstr(text, "cmdstat_multi:calls=2,"));
    assert_non_null(strstr(text, "cmdstat_exec:calls=1,"));
    assert_non_null(strstr(text, "cmdstat_client|no-touch:calls=1,"));
    assert_non_null(strstr(text, "cmdstat_get:calls=0,usec=0,"
                                 "usec_per_call=0.00,rejected_calls=1,"));
    /* 2 MULTI, 1 EXEC, 3 steps, and what was refused: GET, EXEC */
    assert_int_equal(f->server->stats.commands_processed, 9);
}

/* As many as a turn takes, and more. */
static void a_long_one_takes_several_turns(void **state)
{
    struct fixture *f = *state;
    struct buf text = BUF_INIT, wanted = BUF_INIT;
    buf_str(&text, "MULTI\r\n");
    buf_str(&wanted, "+OK\r\n");
    for (int i = 0; i < CLIENT_COMMANDS_MAX + 500; i++) {
        buf_str(&text, "INCR a\r\n");
        buf_str(&wanted, QUEUED);
    }
    buf_str(&text, "EXEC\r\n");
    buf_char(&wanted, '\0');
    buf_char(&text, '\0');
    send_text(f, (const char *)text.data);
    for (int i = 0; i < 8; i++)
        turn(f);
    expect(f, (const char *)wanted.data);
    assert_int_equal(f->node->submitted, 1);
    answer(f, 1);
    buf_release(&text);
    buf_release(&wanted);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_transaction_is_one_request),
        test(step_by_step_too),
        test(what_only_reads_is_a_read),
        test(in_doubt_all_of_it_goes_through_the_log),
        test(pipelines_do_not_wait),
        test(replies_keep_their_order),
        test(behind_reads_too),
        test(without_a_leader_reads_fail_and_the_rest_is_told),
        test(an_error_while_queueing_aborts),
        test(some_errors_abort_nothing),
        test(without_one_there_is_none_to_end),
        test(with_arguments_it_is_refused_and_what_follows),
        test(reset_and_quit_end_it),
        test(steps_of_this_node_alone_need_no_other),
        test(select_is_for_what_follows),
        test(what_follows_waits_for_such_steps),
        test(what_must_not_be_repeated_goes_through_the_log),
        test(hello_takes_effect_in_the_middle),
        test(a_client_may_end_itself),
        test(it_may_end_itself_behind_a_write),
        test(so_do_passwords_that_are_wrong),
        test(command_alone_is_queued),
        test(versions_are_conditions),
        test(of_reads_as_well),
        test(a_watch_waits_for_writes_before_it),
        test(in_doubt_it_goes_through_the_log),
        test(what_ends_the_watch),
        test(what_does_not),
        test(a_watch_that_fails_stops_the_next_exec),
        test(what_ends_a_watch_waits_for_it),
        test(too_many_keys),
        test(exec_has_conditions),
        test(once_names_a_transaction),
        test(a_short_disk_refuses_it_as_a_whole),
        test(a_node_that_is_refilled_refuses_it),
        test(what_is_too_much_is_refused),
        test(a_large_one_is_given_again_as_it_was),
        test(with_replies_turned_off),
        test(it_is_each_clients_own),
        test(it_is_shown),
        test(a_connection_that_ends),
        test(who_is_not_known_begins_none),
        test(it_is_counted),
        test(a_long_one_takes_several_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
