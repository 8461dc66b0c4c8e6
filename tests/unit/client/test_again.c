/*
 * What cluster_ask() sends a second time, and what not: a write that may have
 * been executed is never sent again.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "unit/client/fake_server.h"

static int ask(struct fixture *f, bool write)
{
    const char *argv[] = {"CAS", "key", "old", "new"};
    const struct link_request r = {.argv = argv, .argc = 4, .write = write};
    return cluster_ask(&f->cluster, &r, &f->answer);
}

static void assert_text(struct fixture *f, const char *part)
{
    struct bytes text = buf_view(&f->answer.text);
    assert_int_equal(f->answer.kind, ANSWER_ERROR);
    assert_non_null(memmem(text.data, text.len, part, strlen(part)));
}

static void a_write_is_not_sent_again_when_its_connection_is_lost(void **state)
{
    struct fixture *f = *state;
    struct fake *one = add_node(f, DROPS), *two = add_node(f, ":1\r\n");
    assert_int_equal(ask(f, true), ERR_IO);
    assert_text(f, "connection closed");
    assert_int_equal(asked(one), 1);
    assert_int_equal(asked(two), 0);
}

static void nor_on_a_connection_that_was_closed_before(void **state)
{
    struct fixture *f = *state;
    struct fake *one = add_node(f, ":1\r\n"), *two = add_node(f, ":1\r\n");
    one->closes = true;
    assert_int_equal(ask(f, true), 0);
    assert_int_equal(ask(f, true), ERR_IO); /* it may have arrived */
    assert_int_equal(asked(one), 1);
    assert_int_equal(asked(two), 0);
}

static void nor_when_no_answer_comes_in_time(void **state)
{
    struct fixture *f = *state;
    struct fake *one = add_node(f, STALLS), *two = add_node(f, ":1\r\n");
    f->cluster.timeout_ms = 1500;
    assert_int_equal(ask(f, true), ERR_IO);
    assert_text(f, "no answer in time");
    assert_int_equal(asked(one), 1);
    assert_int_equal(asked(two), 0);
}

static void nor_when_the_outcome_is_unknown(void **state)
{
    struct fixture *f = *state;
    struct fake *one = add_node(f, "-UNKNOWN no majority\r\n");
    struct fake *two = add_node(f, ":1\r\n");
    assert_int_equal(ask(f, true), ERR_IO);
    assert_text(f, "UNKNOWN no majority");
    assert_int_equal(asked(one), 1);
    assert_int_equal(asked(two), 0);
}

static void a_read_is_asked_again(void **state)
{
    static const char *const ends[] = {DROPS, STALLS, "-UNKNOWN x\r\n"};
    struct fixture *f = *state;
    struct fake *one = add_node(f, ends[0]), *two = add_node(f, ":7\r\n");
    f->cluster.timeout_ms = 3000;
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        one->steps[0] = ends[i];
        f->cluster.next = 0;
        assert_int_equal(ask(f, false), 0);
        assert_int_equal(f->answer.kind, ANSWER_NUMBER);
        assert_int_equal(f->answer.number, 7);
        assert_int_equal(asked(one), i + 1);
        assert_int_equal(asked(two), i + 1);
    }
}

static void a_write_that_was_not_executed_goes_to_the_next(void **state)
{
    static const char *const refusals[] = {"-CLUSTERDOWN no leader\r\n",
                                           "-LOADING x\r\n", "-TRYAGAIN x\r\n"};
    struct fixture *f = *state;
    struct fake *one = add_node(f, refusals[0]), *two = add_node(f, ":1\r\n");
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        one->steps[0] = refusals[i];
        f->cluster.next = 0;
        assert_int_equal(ask(f, true), 0);
        assert_int_equal(f->answer.number, 1);
        assert_int_equal(asked(one), i + 1);
        assert_int_equal(asked(two), i + 1);
    }
    /* And the one that answered is asked first from now on. */
    assert_int_equal(ask(f, true), 0);
    assert_int_equal(asked(one), ARRAY_LEN(refusals));
    assert_int_equal(asked(two), ARRAY_LEN(refusals) + 1);
}

static void a_node_that_is_not_there_is_passed_over(void **state)
{
    struct fixture *f = *state;
    uint16_t port;
    int fd = taken_port(&port);
    know_port(f, port);
    struct fake *two = add_node(f, ":1\r\n");
    assert_int_equal(ask(f, true), 0);
    assert_int_equal(asked(two), 1);
    close(fd);
}

static void other_errors_are_answers(void **state)
{
    struct fixture *f = *state;
    struct fake *one = add_node(f, "-ERR wrong\r\n");
    struct fake *two = add_node(f, ":1\r\n");
    assert_int_equal(ask(f, true), 0);
    assert_text(f, "ERR wrong");
    assert_int_equal(f->answer.number, 0);
    assert_int_equal(asked(one), 1);
    assert_int_equal(asked(two), 0);
}

static void nobody_could_do_it(void **state)
{
    struct fixture *f = *state;
    struct fake *one = add_node(f, "-CLUSTERDOWN no leader\r\n");
    struct fake *two = add_node(f, "-CLUSTERDOWN no leader\r\n");
    f->cluster.timeout_ms = 1500;
    assert_int_equal(ask(f, true), ERR_CLOSED);
    assert_text(f, "CLUSTERDOWN no leader");
    assert_true(asked(one) >= 1 && asked(two) >= 1);
    assert_true(asked(one) + asked(two) < 200); /* with pauses */
}

static void the_password_comes_first(void **state)
{
    struct fixture *f = *state;
    struct fake *one = add_node(f, "+OK\r\n"), *two = add_node(f, ":9\r\n");
    one->steps[one->step_count++] = ":1\r\n";
    f->cluster.password = "secret";
    assert_int_equal(ask(f, true), 0);
    assert_int_equal(f->answer.number, 1);
    assert_int_equal(ask(f, true), 0); /* on the same connection */
    assert_int_equal(asked(one), 3);
    assert_int_equal(asked(two), 0);
}

static void a_wrong_password_is_an_answer(void **state)
{
    struct fixture *f = *state;
    struct fake *one = add_node(f, "-WRONGPASS x\r\n");
    struct fake *two = add_node(f, ":1\r\n");
    f->cluster.password = "wrong";
    assert_int_equal(ask(f, true), 0);
    assert_text(f, "WRONGPASS x");
    assert_int_equal(asked(one), 1);
    assert_int_equal(asked(two), 0);
    /* The password was not answered: the command has not left yet. */
    one->steps[0] = DROPS;
    f->cluster.next = 0;
    two->steps[0] = "+OK\r\n";
    two->steps[two->step_count++] = ":1\r\n";
    assert_int_equal(ask(f, true), 0);
    assert_int_equal(f->answer.number, 1);
}

/* It has just answered, which the others need not do. */
static void who_named_the_members_is_asked_first(void **state)
{
    struct fixture *f = *state;
    uint16_t port;
    int fd = taken_port(&port);
    know_port(f, port);
    struct fake *silent = add_node(f, DROPS);
    struct fake *good = add_node(f, "$14\r\nraft_node_id:1\r\n");
    cluster_discover(&f->cluster);
    assert_int_equal(asked(silent), 1);
    good->steps[0] = "+OK\r\n";
    assert_int_equal(ask(f, true), 0);
    assert_int_equal(asked(silent), 1);
    assert_int_equal(asked(good), 2);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_write_is_not_sent_again_when_its_connection_is_lost),
        TEST(nor_on_a_connection_that_was_closed_before),
        TEST(nor_when_no_answer_comes_in_time),
        TEST(nor_when_the_outcome_is_unknown),
        TEST(a_read_is_asked_again),
        TEST(a_write_that_was_not_executed_goes_to_the_next),
        TEST(a_node_that_is_not_there_is_passed_over),
        TEST(other_errors_are_answers),
        TEST(nobody_could_do_it),
        TEST(the_password_comes_first),
        TEST(a_wrong_password_is_an_answer),
        TEST(who_named_the_members_is_asked_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
