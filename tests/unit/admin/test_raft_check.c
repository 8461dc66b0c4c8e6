/*
 * RAFT CHECK: a command that waits for what the node finds, and what INFO shows
 * of it.
 */
// link: original
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/clock.h"
#include "unit/server/fake_node.h"

static const char *ask(struct fixture *f, const char *command)
{
    send_text(f, command);
    const char *got = received_on(f->fd);
    assert_non_null(got);
    return got;
}

/* An answer that takes some turns; within a minute. */
static const char *await(struct fixture *f)
{
    int64_t until_ms = clock_mono_ms() + 60000;
    const char *got = NULL;
    while (got == NULL || got[0] == '\0') {
        assert_true(clock_mono_ms() < until_ms);
        turn(f);
        got = received_on(f->fd);
    }
    return got;
}

#define assert_has(text, part)   assert_non_null(strstr((text), (part)))
#define assert_lacks(text, part) assert_null(strstr((text), (part)))

static void set_members(struct fixture *f, enum compare_result a,
                        enum compare_result b, enum compare_result c)
{
    const enum compare_result results[] = {a, b, c};
    struct compare_status *st = &f->node->compare;
    *st = (struct compare_status){.index = 42, .count = 3};
    for (node_id i = 0; i < 3; i++) {
        bool hash = results[i] > COMPARE_UNKNOWN;
        st->members[i] =
            (struct compare_member){i + 1, i != 2, results[i], hash ? 171 : 0};
        st->different += results[i] == COMPARE_DIFFERENT;
        st->undecided += results[i] == COMPARE_UNDECIDED;
    }
}

static void it_tells_what_each_has(void **state)
{
    struct fixture *f = *state;
    set_members(f, COMPARE_EQUAL, COMPARE_DIFFERENT, COMPARE_MISSING);
    const char *got = ask(f, "RAFT CHECK\r\n");
    assert_has(got, "index:42\r\nresult:different\r\nrunning:0\r\nmembers:3\r\n"
                    "node_1:link=up,result=equal,hash=00000000000000ab\r\n"
                    "node_2:link=up,result=different,hash=00000000000000ab\r\n"
                    "node_3:link=down,result=missing,hash=none\r\n");
    assert_int_equal(f->node->compare_asked, 1);
}

static void in_one_word(void **state)
{
    static const struct {
        enum compare_result results[3];
        const char *word;
    } cases[] = {
        {{COMPARE_EQUAL, COMPARE_EQUAL, COMPARE_EQUAL}, "equal"},
        {{COMPARE_EQUAL, COMPARE_EQUAL, COMPARE_MISSING}, "incomplete"},
        {{COMPARE_UNKNOWN, COMPARE_EQUAL, COMPARE_EQUAL}, "incomplete"},
        {{COMPARE_MISSING, COMPARE_MISSING, COMPARE_MISSING}, "incomplete"},
        {{COMPARE_EQUAL, COMPARE_DIFFERENT, COMPARE_MISSING}, "different"},
        {{COMPARE_UNDECIDED, COMPARE_UNDECIDED, COMPARE_UNKNOWN}, "undecided"},
    };
    struct fixture *f = *state;
    char text[64];
    assert_has(ask(f, "INFO raft\r\n"), "\r\nraft_check_result:never\r\n"
                                        "raft_check_index:0\r\n"
                                        "raft_check_running:0\r\n"
                                        "raft_check_different:0\r\n");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        set_members(f, cases[i].results[0], cases[i].results[1],
                    cases[i].results[2]);
        snprintf(text, sizeof(text), "\r\nresult:%s\r\n", cases[i].word);
        assert_has(ask(f, "RAFT CHECK\r\n"), text);
        snprintf(text, sizeof(text),
                 "\r\nraft_check_result:%s\r\nraft_check_index:42\r\n",
                 cases[i].word);
        assert_has(ask(f, "INFO raft\r\n"), text);
    }
    assert_has(ask(f, "INFO raft\r\n"), "\r\nraft_check_different:2\r\n");
}

/* What comes behind it waits, and it is begun once. */
static void it_waits(void **state)
{
    struct fixture *f = *state;
    set_members(f, COMPARE_MISSING, COMPARE_MISSING, COMPARE_MISSING);
    f->node->compare.running = true;
    send_text(f, "RAFT CHECK\r\nPING\r\n");
    for (int i = 0; i < 20; i++) {
        turn(f);
        assert_string_equal(received_on(f->fd), "");
    }
    assert_int_equal(f->client->wait, WAIT_LATER);
    set_members(f, COMPARE_EQUAL, COMPARE_EQUAL, COMPARE_EQUAL);
    const char *got = await(f);
    assert_has(got, "\r\nresult:equal\r\n");
    assert_has(got, "\r\n+PONG\r\n");
    assert_int_equal(f->node->compare_asked, 1);
    /* The next one begins anew. */
    assert_has(ask(f, "RAFT CHECK\r\n"), "result:equal");
    assert_int_equal(f->node->compare_asked, 2);
}

static void until_its_time_is_up(void **state)
{
    struct fixture *f = *state;
    set_members(f, COMPARE_EQUAL, COMPARE_EQUAL, COMPARE_MISSING);
    f->node->compare.running = true;
    assert_has(ask(f, "RAFT CHECK 0\r\n"), "\r\nrunning:1\r\n");
    int64_t begin_ms = clock_mono_ms();
    send_text(f, "RAFT CHECK 1\r\n");
    assert_has(await(f), "result:incomplete\r\nrunning:1\r\n");
    assert_true(clock_mono_ms() - begin_ms >= 900);
}

/* Nobody waits for a client that has gone, and none keeps another waiting. */
static void the_client_goes(void **state)
{
    struct fixture *f = *state;
    int fd;
    set_members(f, COMPARE_MISSING, COMPARE_MISSING, COMPARE_MISSING);
    f->node->compare.running = true;
    struct client *other = connect_client(f, &fd);
    UNUSED(other);
    assert_int_equal(write(fd, "RAFT CHECK\r\n", 12), 12);
    for (int i = 0; i < 5; i++)
        turn(f);
    assert_int_equal(f->node->compare_asked, 1);
    assert_string_equal(ask(f, "PING\r\n"), "+PONG\r\n");
    close(fd);
    for (int i = 0; i < 5; i++)
        turn(f);
    f->node->compare.running = false;
    int64_t until_ms = clock_mono_ms() + 60000;
    while (f->server->clients.count > 1) {
        assert_true(clock_mono_ms() < until_ms);
        turn(f);
    }
}

static void it_may_be_refused(void **state)
{
    static const struct {
        const char *command;
        const char *answer;
    } rows[] = {
        {"RAFT CHECK x\r\n", "-ERR invalid number of seconds\r\n"},
        {"RAFT CHECK -1\r\n", "-ERR invalid number of seconds\r\n"},
        {"RAFT CHECK 86401\r\n", "-ERR invalid number of seconds\r\n"},
        {"RAFT CHECK 1 2\r\n", "-ERR syntax error\r\n"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_string_equal(ask(f, rows[i].command), rows[i].answer);
    assert_int_equal(f->node->compare_asked, 0);
    f->node->compare_err = ERR_NO_LEADER;
    assert_string_equal(ask(f, "RAFT CHECK\r\n"),
                        "-CLUSTERDOWN no leader is known, so nothing can be "
                        "compared\r\n");
    f->node->compare_err = ERR_REFILL;
    assert_string_equal(ask(f, "RAFT CHECK\r\n"),
                        "-ERR this node is being refilled: ask another one, "
                        "or later\r\n");
}

static void options_are_handed_on(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(f->node->compare_every_ms, 86400000);
    assert_int_equal(f->node->compare_rate, 64 << 20);
    set_option(f, "check-interval", "31536000");
    assert_true(f->node->compare_every_ms == INT64_C(31536000000));
    set_option(f, "check-interval", "0");
    assert_int_equal(f->node->compare_every_ms, 0);
    set_option(f, "check-rate", "1mb");
    assert_int_equal(f->node->compare_rate, 1 << 20);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(it_tells_what_each_has),
        test(in_one_word),
        test(it_waits),
        test(until_its_time_is_up),
        test(the_client_goes),
        test(it_may_be_refused),
        test(options_are_handed_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
