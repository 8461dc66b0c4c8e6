/*
 * Reads that have to go through the log: what they wait for, and when their
 * errors are told. (What else becomes of reads: test_dispatch.c.)
 */
// link: admin original
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/server/fake_node.h"

/* Two reads in doubt, of which the node takes the first one only. */
static void two_reads_one_taken(struct fixture *f)
{
    f->node->full_from = f->node->submitted + 1;
    send_text(f, "GET doubt\r\nGET doubt\r\nPING\r\n");
    reads_told(f, 0);
    expect(f, "");
    assert_int_equal(f->node->submitted, f->node->full_from);
    f->node->full_from = 0;
}

static void node_takes_more(struct fixture *f)
{
    f->node->events->writable(f->node->events->ctx);
    turn(f);
}

/* What is wrong by itself does not enter the log, as a read either. */
static void wrong_ones_do_not_go_there(void **state)
{
    struct fixture *f = *state;
    send_text(f, "SET a 1\r\nGETRANGE a x 1\r\nGETRANGE a 0 1\r\n");
    assert_int_equal(f->node->submitted, 1);
    answer(f, 1);
    reads_told(f, 0);
    expect(f, "+SET a 1\r\n$1\r\n1\r\n$1\r\n1\r\n"); /* as by this node */
    assert_int_equal(f->node->submitted, 1);
}

static void they_wait_for_the_node(void **state)
{
    struct fixture *f = *state;
    two_reads_one_taken(f);
    node_takes_more(f);
    assert_int_equal(f->node->submitted, 2);
    answer(f, 2);
    expect(f, "+GET doubt\r\n+GET doubt\r\n+PONG\r\n");
}

/* Whatever the error is: it comes behind the reply to what was taken. */
static void errors_keep_their_place(void **state)
{
    static const int errors[] = {ERR_NO_LEADER, ERR_REFILL, ERR_BEHIND,
                                 ERR_NO_ANSWER, ERR_SPACE,  ERR_TOO_BIG};
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
        struct buf text = BUF_INIT;
        two_reads_one_taken(f);
        f->node->error = errors[i];
        node_takes_more(f);
        expect(f, "");
        answer(f, 1);
        buf_printf(&text, "+GET doubt\r\n-%s\r\n+PONG\r\n%c",
                   reply_error_text(errors[i]), '\0');
        expect(f, (const char *)text.data);
        f->node->error = 0;
        buf_release(&text);
    }
}

/* The node cannot say any more when the reads could go on. */
static void the_rest_may_be_refused(void **state)
{
    struct fixture *f = *state;
    struct client *c = f->client;
    uint8_t *zeros = mem_zalloc(CLIENT_OUTPUT_PAUSE + 1);
    send_text(f, "GET a\r\nGET b\r\n");
    turn_begin(f->server);
    buf_append(&c->conn.out, zeros, CLIENT_OUTPUT_PAUSE + 1);
    f->node->events->read_ready(f->node->events->ctx, c, 0);
    f->node->reads_told++;
    assert_int_equal(c->reads.phase, READS_AGAIN);
    buf_reset(&c->conn.out);
    f->node->error = ERR_BEHIND;
    client_mark_dirty(c);
    turn(f);
    turn(f);
    struct buf text = BUF_INIT;
    for (int i = 0; i < 2; i++)
        buf_printf(&text, "-%s\r\n", reply_error_text(ERR_BEHIND));
    buf_char(&text, '\0');
    expect(f, (const char *)text.data);
    assert_int_equal(c->reads.phase, READS_NONE);
    assert_int_equal(
        stats_of(&f->server->stats, cmd_by_id(CMD_ID_GET))->rejected, 2);
    f->node->error = 0;
    send_text(f, "PING\r\n");
    expect(f, "+PONG\r\n");
    buf_release(&text);
    mem_free(zeros);
}

/* The connection breaks while the node is asked: nobody is told, and nothing
 * is left behind. */
static void a_reader_may_break(void **state)
{
    struct fixture *f = *state;
    int fd;
    struct client *c = connect_client(f, &fd);
    size_t size = CLIENT_OUTPUT_PAUSE;
    memset(buf_reserve(&c->conn.out, size), 'x', size);
    c->conn.out.len += size; /* more than the socket takes */
    client_mark_dirty(c);
    turn(f);
    assert_true(conn_pending(&c->conn) > 0);
    ssize_t n = write(fd, "GET a\r\n", 7);
    assert_int_equal(n, 7);
    turn(f);
    assert_int_equal(c->reads.phase, READS_ASKED);
    close(fd); /* the rest of it cannot be written */
    for (int i = 0; i < 100 && c->state == CLIENT_OPEN; i++)
        turn(f);
    assert_int_equal(c->state, CLIENT_ZOMBIE);
    assert_int_equal(f->server->clients.count, 1);
    clients_check_each(&f->server->clients); /* it is one of them no more */
    reads_told(f, 0);
    turn(f);
    assert_true(list_empty(&f->server->clients.zombies));
    assert_true(list_empty(&f->server->clients.gone));
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* By the connection, until READWRITE or RESET. */
/* What a read chooses at random is another time something else. */
static void each_read_has_a_seed_of_its_own(void **state)
{
    struct fixture *f = *state;
    uint64_t seeds[2];
    for (int i = 0; i < 2; i++) {
        send_text(f, "GET a\r\n");
        reads_told(f, 0);
        expect(f, "$1\r\na\r\n");
        seeds[i] = f->node->read_seed;
    }
    assert_true(seeds[0] != seeds[1]);
}

static void readonly_asks_for_what_is_recent(void **state)
{
    struct fixture *f = *state;
    static const char *const ends[] = {"READWRITE\r\n", "RESET\r\n"};
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        set_option(f, "stale-max-ms", i == 0 ? "1000" : "77");
        f->node->heard[0] = '\0';
        send_text(f, "GET a\r\n");
        reads_told(f, 0);
        assert_null(strstr(f->node->heard, "recent"));
        send_text(f, "READONLY\r\n");
        send_text(f, "GET a\r\n");
        reads_told(f, 0);
        assert_non_null(
            strstr(f->node->heard, i == 0 ? "recent 1000;" : "recent 77;"));
        send_text(f, "SET a 1\r\n"); /* writes are as ever */
        answer(f, 1);
        f->node->heard[0] = '\0';
        send_text(f, ends[i]);
        send_text(f, "GET a\r\n");
        reads_told(f, 0);
        assert_null(strstr(f->node->heard, "recent"));
        (void)received_on(f->fd);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(readonly_asks_for_what_is_recent),
        test(each_read_has_a_seed_of_its_own),
        test(wrong_ones_do_not_go_there),
        test(they_wait_for_the_node),
        test(errors_keep_their_place),
        test(the_rest_may_be_refused),
        test(a_reader_may_break),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
