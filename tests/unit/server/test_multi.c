/*
 * What a client sends between MULTI and EXEC is not executed, whatever it is
 * and however it is sent; and the connection is well again afterwards.
 */
// link: admin original
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/multi.h"
#include "unit/server/fake_node.h"

#define REFUSED "-" MULTI_REFUSAL "\r\n"
#define ABORTED                                                                \
    "-EXECABORT Transaction discarded because of: there are no transactions "  \
    "yet; nothing was executed\r\n"

static void expect_nothing_asked(struct fixture *f)
{
    assert_int_equal(f->node->submitted, 0);
    assert_int_equal(f->node->reads_asked, 0);
}

static void nothing_of_a_transaction_is_executed(void **state)
{
    struct fixture *f = *state;
    send_text(f, "MULTI\r\nINCR a\r\nGET a\r\nPING\r\nEXEC\r\nPING\r\n");
    expect(f, "+OK\r\n" REFUSED REFUSED REFUSED ABORTED "+PONG\r\n");
    expect_nothing_asked(f);
}

static void nor_step_by_step(void **state)
{
    struct fixture *f = *state;
    send_text(f, "*1\r\n$5\r\nmUlTi\r\n");
    expect(f, "+OK\r\n");
    send_text(f, "INCR a\r\n");
    expect(f, REFUSED);
    send_text(f, "exec\r\n");
    expect(f, ABORTED);
    expect_nothing_asked(f);
    send_text(f, "INCR a\r\n");
    answer(f, 1);
    expect(f, "+INCR a\r\n");
}

/* One byte after the other: no two commands come together. */
static void nor_byte_by_byte(void **state)
{
    struct fixture *f = *state;
    const char text[] = "MULTI\r\nINCR a\r\nEXEC\r\n";
    for (size_t i = 0; i < sizeof(text) - 1; i++)
        send_text(f, (char[]){text[i], '\0'});
    expect(f, "+OK\r\n" REFUSED ABORTED);
    expect_nothing_asked(f);
}

static void an_empty_one_fails_too(void **state)
{
    struct fixture *f = *state;
    send_text(f, "MULTI\r\nEXEC\r\n");
    expect(f, "+OK\r\n" ABORTED);
}

/* Each would change the connection, or the server, if it were executed. */
static void whatever_it_is(void **state)
{
    struct fixture *f = *state;
    static const char *const commands[] = {
        "SELECT 1",         "HELLO 3",      "CLIENT SETNAME x",
        "CLIENT REPLY OFF", "SHUTDOWN NOW", "ONCE me 1 INCR a",
        "CONFIG SET hz 50", "FLUSHALL",     "CLIENT KILL ID 1",
        "AUTH default x",   "GET doubt",    "RAFT TRANSFER"};
    send_text(f, "MULTI\r\n");
    expect(f, "+OK\r\n");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        send_text(f, commands[i]);
        send_text(f, "\r\n");
        expect(f, REFUSED);
    }
    expect_nothing_asked(f);
    assert_int_equal(f->config.hz, 10);
    send_text(f, "DISCARD\r\nCLIENT INFO\r\n");
    const char *line = received_on(f->fd);
    assert_non_null(strstr(line, " name= "));
    assert_non_null(strstr(line, " db=0 "));
    assert_non_null(strstr(line, " resp=2 "));
}

static void errors_of_its_own_remain(void **state)
{
    struct fixture *f = *state;
    send_text(f, "MULTI\r\nNOSUCH\r\nGET\r\nWATCH a\r\nUNWATCH\r\nMULTI\r\n"
                 "ONCE me 1 EXEC\r\nINCR a\r\nEXEC\r\n");
    expect(f, "+OK\r\n"
              "-ERR unknown command 'NOSUCH', with args beginning with: \r\n"
              "-ERR wrong number of arguments for 'get' command\r\n"
              "-ERR unknown command 'WATCH', with args beginning with: 'a' \r\n"
              "-ERR unknown command 'UNWATCH', with args beginning with: \r\n"
              "-ERR MULTI calls can not be nested\r\n" REFUSED REFUSED ABORTED);
    expect_nothing_asked(f);
}

static void without_one_there_is_none_to_end(void **state)
{
    struct fixture *f = *state;
    send_text(f, "EXEC\r\nDISCARD\r\nMULTI\r\nDISCARD\r\nDISCARD\r\n"
                 "MULTI\r\nEXEC\r\nEXEC\r\nWATCH a\r\nINCR a\r\n");
    expect(f,
           "-ERR EXEC without MULTI\r\n-ERR DISCARD without MULTI\r\n"
           "+OK\r\n+OK\r\n-ERR DISCARD without MULTI\r\n"
           "+OK\r\n" ABORTED "-ERR EXEC without MULTI\r\n"
           "-ERR unknown command 'WATCH', with args beginning with: 'a' \r\n");
    assert_int_equal(f->node->submitted, 1);
}

/* Whoever sends it means a transaction. */
static void with_arguments_it_is_refused_and_what_follows(void **state)
{
    struct fixture *f = *state;
    send_text(f, "MULTI x\r\nINCR a\r\nEXEC x\r\nDISCARD x\r\nINCR a\r\n"
                 "EXEC\r\nEXEC x\r\n");
    expect(f,
           "-ERR wrong number of arguments for 'multi' command\r\n" REFUSED
           "-ERR wrong number of arguments for 'exec' command\r\n"
           "-ERR wrong number of arguments for 'discard' command\r\n" REFUSED
               ABORTED "-ERR wrong number of arguments for 'exec' command\r\n");
    expect_nothing_asked(f);
}

static void reset_ends_it(void **state)
{
    struct fixture *f = *state;
    send_text(f, "MULTI\r\nINCR a\r\nRESET\r\nEXEC\r\nINCR b\r\n");
    expect(f, "+OK\r\n" REFUSED "+RESET\r\n-ERR EXEC without MULTI\r\n");
    assert_int_equal(f->node->submitted, 1);
    assert_string_equal(f->node->requests[0].text, "INCR b");
}

static void quit_closes(void **state)
{
    struct fixture *f = *state;
    send_text(f, "MULTI\r\nINCR a\r\nQUIT\r\nEXEC\r\n");
    expect(f, "+OK\r\n" REFUSED "+OK\r\n");
    assert_null(received_on(f->fd));
    expect_nothing_asked(f);
}

/* The order of replies is kept: it waits for what was sent before it. */
static void what_was_sent_before_is_executed(void **state)
{
    struct fixture *f = *state;
    send_text(f, "SET a 1\r\nMULTI\r\nINCR a\r\nEXEC\r\nGET b\r\nMULTI\r\n"
                 "GET c\r\nDISCARD\r\nSET d 1\r\n");
    expect(f, "");
    answer(f, 1);
    expect(f, "+SET a 1\r\n+OK\r\n" REFUSED ABORTED);
    reads_told(f, 0);
    expect(f, "$1\r\nb\r\n+OK\r\n" REFUSED "+OK\r\n");
    assert_int_equal(f->node->submitted, 2);
    assert_string_equal(f->node->requests[1].text, "SET d 1");
    assert_int_equal(f->node->reads_asked, 1);
}

/* It is there, whether its answers are wanted or not. */
static void with_replies_turned_off(void **state)
{
    struct fixture *f = *state;
    send_text(f, "CLIENT REPLY OFF\r\nMULTI\r\nINCR a\r\nEXEC\r\nMULTI\r\n"
                 "CLIENT REPLY ON\r\nDISCARD\r\nCLIENT REPLY ON\r\n");
    expect(f, "+OK\r\n");
    send_text(f, "CLIENT REPLY SKIP\r\nMULTI\r\nINCR a\r\nEXEC\r\n");
    expect(f, REFUSED ABORTED);
    expect_nothing_asked(f);
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
    send_text(f, "INCR a\r\n");
    expect(f, REFUSED);
    answer(f, 1);
    close(other);
}

static void it_is_shown(void **state)
{
    struct fixture *f = *state;
    int other;
    connect_client(f, &other);
    send_text(f, "MULTI\r\n");
    expect(f, "+OK\r\n");
    assert_int_equal(write(other, "CLIENT LIST\r\n", 13), 13);
    turn(f);
    const char *list = received_on(other);
    assert_non_null(strstr(list, " flags=x db=0 sub=0 psub=0 ssub=0 multi=0 "));
    assert_non_null(
        strstr(list, " flags=U db=0 sub=0 psub=0 ssub=0 multi=-1 "));
    close(other);
}

static void who_is_not_known_begins_none(void **state)
{
    struct fixture *f = *state;
    set_option(f, "requirepass", "secret");
    close(f->fd);
    f->client = connect_client(f, &f->fd);
    send_text(f, "MULTI\r\nEXEC\r\nDISCARD\r\nMULTI x\r\nAUTH secret\r\n"
                 "INCR a\r\n");
    expect(f, "-NOAUTH Authentication required.\r\n"
              "-NOAUTH Authentication required.\r\n"
              "-NOAUTH Authentication required.\r\n"
              "-NOAUTH Authentication required.\r\n+OK\r\n");
    assert_int_equal(f->node->submitted, 1);
    answer(f, 1);
    expect(f, "+INCR a\r\n");
}

/* A refused one counts as that, the end as an error with its own code. */
static void it_is_counted(void **state)
{
    struct fixture *f = *state;
    send_text(f, "MULTI\r\nINCR a\r\nINCR a\r\nEXEC\r\n"
                 "INFO errorstats commandstats\r\n");
    const char *text = received_on(f->fd);
    assert_non_null(strstr(text, "errorstat_EXECABORT:count=1\r\n"));
    assert_non_null(strstr(text, "errorstat_ERR:count=2\r\n"));
    assert_non_null(strstr(text, "cmdstat_incr:calls=0,usec=0,"
                                 "usec_per_call=0.00,rejected_calls=2,"));
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
        buf_str(&wanted, REFUSED);
    }
    buf_str(&text, "EXEC\r\n");
    buf_printf(&wanted, "%s%c", ABORTED, '\0');
    buf_char(&text, '\0');
    send_text(f, (const char *)text.data);
    for (int i = 0; i < 8; i++)
        turn(f);
    expect(f, (const char *)wanted.data);
    expect_nothing_asked(f);
    buf_release(&text);
    buf_release(&wanted);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(nothing_of_a_transaction_is_executed),
        test(nor_step_by_step),
        test(nor_byte_by_byte),
        test(an_empty_one_fails_too),
        test(whatever_it_is),
        test(errors_of_its_own_remain),
        test(without_one_there_is_none_to_end),
        test(with_arguments_it_is_refused_and_what_follows),
        test(reset_ends_it),
        test(quit_closes),
        test(what_was_sent_before_is_executed),
        test(with_replies_turned_off),
        test(it_is_each_clients_own),
        test(it_is_shown),
        test(who_is_not_known_begins_none),
        test(it_is_counted),
        test(a_long_one_takes_several_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
