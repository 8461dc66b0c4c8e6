/*
 * Long replies are written in parts, as the client takes them: so much in a
 * turn, and nothing else of the client in between.
 */
// link: admin original

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/reads.h"
#include "unit/server/fake_node.h"

/* Takes what there is; the bytes. */
static size_t take(int fd, char *last, size_t last_size)
{
    static char text[1 << 20];
    size_t len = 0;
    ssize_t n;
    while ((n = read(fd, text, sizeof(text))) > 0) {
        size_t keep = MIN((size_t)n, last_size - 1);
        memcpy(last, text + n - keep, keep);
        last[keep] = '\0';
        len += (size_t)n;
    }
    return len;
}

static void it_comes_in_parts(void **state)
{
    struct fixture *f = *state;
    char last[16] = "";
    size_t got = 0;
    send_text(f, "GET long\r\nGET b\r\nPING\r\n");
    reads_told(f, 0);
    for (int i = 0; i < 2000 && f->node->rest_left > 0; i++) {
        size_t before = f->node->rest_calls;
        got += take(f->fd, last, sizeof(last));
        turn(f); /* the loop is about to wait twice */
        assert_true(f->node->rest_calls <= before + 2);
        assert_true(conn_pending(&f->client->conn) <=
                    CLIENT_OUTPUT_PAUSE + READS_PART_BYTES);
        assert_true(f->client->conn.out.cap < 4 * CLIENT_OUTPUT_PAUSE);
        assert_true(f->node->reads_asked == 1 || f->node->rest_left == 0);
    }
    assert_int_equal(f->node->rest_calls, FAKE_LONG / READS_PART_BYTES);
    for (int i = 0; i < 20; i++) {
        got += take(f->fd, last, sizeof(last));
        turn(f);
    }
    /* What comes after it is asked for again. */
    assert_int_equal(got, strlen("$16777216\r\n") + FAKE_LONG + 2);
    assert_string_equal(last + strlen(last) - 3, "x\r\n");
    assert_int_equal(f->node->reads_asked, 2);
    reads_told(f, 0);
    turn(f);
    expect(f, "$1\r\nb\r\n+PONG\r\n");
}

/* Nothing comes after it: then the client is as idle as any. */
static void it_may_be_the_last(void **state)
{
    struct fixture *f = *state;
    char last[16] = "";
    send_text(f, "GET long\r\n");
    reads_told(f, 0);
    for (int i = 0; i < 2000 && !client_is_idle(f->client); i++) {
        (void)take(f->fd, last, sizeof(last));
        turn(f);
    }
    assert_true(client_is_quiet(f->client) || conn_pending(&f->client->conn));
    assert_int_equal(f->node->reads_asked, 1);
    while (conn_pending(&f->client->conn) > 0) {
        (void)take(f->fd, last, sizeof(last));
        turn(f);
    }
    (void)take(f->fd, last, sizeof(last));
    send_text(f, "PING\r\n");
    expect(f, "+PONG\r\n");
}

/* Each part counts; what is left of the share is enough for a whole one. */
static void parts_are_counted(void **state)
{
    struct fixture *f = *state;
    send_text(f, "GET long\r\n");
    reads_told(f, 0);
    f->client->wait = WAIT_NONE;
    list_remove(&f->client->ready);
    buf_reset(&f->client->conn.out); /* it has all been sent */
    f->client->conn.out_sent = 0;
    turn_begin(f->server);
    assert_int_equal(f->server->turn.told_bytes, 0);
    f->server->turn.told_bytes = READS_TURN_BYTES - 1;
    size_t before = f->node->rest_calls;
    assert_false(reads_resume(f->client));
    assert_int_equal(f->node->rest_calls, before + 1);
    assert_int_equal(f->client->wait, WAIT_OUTPUT);
    assert_int_equal(f->server->turn.told_bytes,
                     READS_TURN_BYTES - 1 + READS_PART_BYTES);
    turn(f);
    turn_begin(f->server); /* the next one has its own */
    assert_int_equal(f->server->turn.told_bytes, 0);
}

/* Others have had what a turn may take of all: it is the next one's first. */
static void all_together_have_a_share_of_a_turn(void **state)
{
    struct fixture *f = *state;
    send_text(f, "GET long\r\n");
    reads_told(f, 0);
    f->server->turn.told_bytes = READS_TURN_BYTES;
    f->client->wait = WAIT_NONE;
    list_remove(&f->client->ready);
    size_t before = f->node->rest_calls;
    assert_false(reads_resume(f->client));
    assert_int_equal(f->node->rest_calls, before);
    assert_int_equal(f->client->wait, WAIT_TURN);
    assert_false(list_empty(&f->client->ready));
    turn(f);
    assert_true(f->node->rest_calls > before);
    assert_true(f->server->turn.told_bytes <= READS_TURN_BYTES);
}

/* A reader that takes nothing: nothing more is read for it. */
static void a_slow_reader_holds_it_back(void **state)
{
    struct fixture *f = *state;
    send_text(f, "GET long\r\n");
    reads_told(f, 0);
    for (int i = 0; i < 100; i++)
        turn(f);
    size_t left = f->node->rest_left;
    assert_true(left > FAKE_LONG / 2);
    assert_int_equal(f->client->reads.phase, READS_PART);
    for (int i = 0; i < 20; i++)
        turn(f);
    assert_int_equal(f->node->rest_left, left);
}

static void the_client_goes(void **state)
{
    struct fixture *f = *state;
    send_text(f, "GET long\r\n");
    reads_told(f, 0);
    turn(f);
    assert_false(cmd_rest_is_empty(&f->client->rest));
    client_doom(f->client);
    turn(f);
    assert_int_equal(f->server->clients.count, 0);
}

/* It is not written, or not as a whole: then no part of it is. */
static void what_is_not_wanted_does_not_follow(void **state)
{
    struct fixture *f = *state;
    send_text(f, "CLIENT REPLY SKIP\r\nGET long\r\nPING\r\n");
    reads_told(f, 0);
    turn(f);
    assert_int_equal(f->node->rest_calls, 0);
    expect(f, "+PONG\r\n");
    assert_int_equal(f->client->reads.phase, READS_NONE);
}

/* Its beginning was written, and then it turned out to be in doubt: all of it
 * goes through the log, and reads that follow are as any. */
static void what_is_in_doubt_does_not_follow(void **state)
{
    struct fixture *f = *state;
    send_text(f, "GET longdoubt\r\n");
    reads_told(f, 0);
    assert_true(cmd_rest_is_empty(&f->client->rest));
    assert_int_equal(f->node->submitted, 1);
    answer(f, 1);
    expect(f, "+GET longdoubt\r\n");
    send_text(f, "GET a\r\n");
    reads_told(f, 0);
    expect(f, "$1\r\na\r\n");
    assert_int_equal(f->node->rest_calls, 0);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(it_comes_in_parts),
        test(it_may_be_the_last),
        test(parts_are_counted),
        test(all_together_have_a_share_of_a_turn),
        test(a_slow_reader_holds_it_back),
        test(the_client_goes),
        test(what_is_not_wanted_does_not_follow),
        test(what_is_in_doubt_does_not_follow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
