/*
 * Clients that wait for elements: who is called when, what becomes of those who
 * go, and that nobody is forgotten.
 */
// link: admin original
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_node.h"

#include <errno.h>

#define CLIENTS 4

/* More clients beside the fixture's own. */
struct crowd {
    struct client *c[CLIENTS];
    int fd[CLIENTS];
};

static void say(struct fixture *f, int fd, const char *text)
{
    ssize_t n = write(fd, text, strlen(text));
    assert_int_equal(n, strlen(text));
    turn(f);
}

static void crowd_comes(struct fixture *f, struct crowd *crowd,
                        const char *text)
{
    for (int i = 0; i < CLIENTS; i++) {
        crowd->c[i] = connect_client(f, &crowd->fd[i]);
        say(f, crowd->fd[i], text);
    }
}

static void crowd_goes(struct crowd *crowd)
{
    for (int i = 0; i < CLIENTS; i++)
        close(crowd->fd[i]);
}

/* A key, "a" or "b", has so many elements now, and the node says so. */
static void elements(struct fixture *f, const char *key, uint64_t count)
{
    struct keyspace_key ready = {0, bytes_str(key)};
    f->node->there[key[0] - 'a'] = (struct node_found){
        .type = count > 0 ? VALUE_LIST : VALUE_NONE, .count = count};
    f->node->events->ready(f->node->events->ctx, &ready);
    turn(f);
}

static void comes_back(struct fixture *f, enum node_outcome outcome)
{
    struct node *n = f->node;
    assert_true(n->answered < n->submitted);
    struct fake_request *r = &n->requests[n->answered++];
    struct resp_writer *w = n->events->reply_open(n->events->ctx, r->client);
    if (outcome != NODE_BLOCKED && w != NULL)
        resp_status(w, "taken");
    n->events->reply_done(n->events->ctx, r->client, outcome);
    turn(f);
}

static void *tried(struct fixture *f, size_t i)
{
    assert_true(i < f->node->submitted);
    return f->node->requests[i].client;
}

/* Runs turns until the node was asked for so many reads. */
static void wait_for_reads(struct fixture *f, size_t reads)
{
    int64_t end = f->node->mono_ms + 20000;
    while (f->node->reads_asked < reads && f->node->mono_ms < end)
        turn(f);
    assert_int_equal(f->node->reads_asked, reads);
}

static void who_waits_costs_nothing(void **state)
{
    struct fixture *f = *state;
    send_text(f, "BLPOP a b 0\r\nPING\r\n");
    assert_int_equal(f->node->submitted + f->node->reads_asked, 0);
    assert_true(f->node->watching);
    assert_int_equal(f->server->blocked.count, 1);
    expect(f, "");
    elements(f, "b", 1);
    assert_int_equal(f->node->submitted, 1);
    assert_string_equal(f->node->requests[0].text, "BLPOP a b 0");
    comes_back(f, NODE_EXECUTED);
    expect(f, "+taken\r\n+PONG\r\n");
    assert_int_equal(f->server->blocked.count, 0);
    turn(f);
    assert_false(f->node->watching);
}

static void what_is_there_is_taken_at_once(void **state)
{
    struct fixture *f = *state;
    f->node->there[0] = (struct node_found){.type = VALUE_LIST, .count = 2};
    send_text(f, "BLPOP a 0\r\n");
    assert_int_equal(f->node->submitted, 1);
    comes_back(f, NODE_EXECUTED);
    expect(f, "+taken\r\n");
    f->node->there[0] = (struct node_found){.type = VALUE_STRING, .count = 1};
    send_text(f, "BLPOP b a 0\r\n"); /* the log says what is wrong */
    assert_int_equal(f->node->submitted, 2);
    comes_back(f, NODE_EXECUTED);
    expect(f, "+taken\r\n");
    send_text(f, "ONCE me 1 BLPOP c 0\r\n"); /* it may have been executed */
    assert_int_equal(f->node->submitted, 3);
    assert_string_equal(f->node->requests[2].once, "me 1");
    comes_back(f, NODE_BLOCKED);
    expect(f, "");
    assert_int_equal(f->server->blocked.count, 1);
}

static void as_many_as_elements_are_called(void **state)
{
    struct fixture *f = *state;
    struct crowd crowd;
    crowd_comes(f, &crowd, "BLPOP a 0\r\n");
    elements(f, "a", 2);
    assert_int_equal(f->node->submitted, 2);
    assert_ptr_equal(tried(f, 0), crowd.c[0]);
    assert_ptr_equal(tried(f, 1), crowd.c[1]);
    elements(f, "a", 3);
    assert_int_equal(f->node->submitted, 3);
    assert_ptr_equal(tried(f, 2), crowd.c[2]);
    /* The first one comes too late, and keeps its place. */
    f->node->there[0] = (struct node_found){.count = 0};
    comes_back(f, NODE_BLOCKED);
    comes_back(f, NODE_EXECUTED);
    comes_back(f, NODE_EXECUTED);
    assert_int_equal(f->node->submitted, 3);
    elements(f, "a", 1);
    assert_int_equal(f->node->submitted, 4);
    assert_ptr_equal(tried(f, 3), crowd.c[0]);
    comes_back(f, NODE_EXECUTED);
    assert_string_equal(received_on(crowd.fd[0]), "+taken\r\n");
    assert_string_equal(received_on(crowd.fd[3]), "");
    crowd_goes(&crowd);
}

/* However many elements there are: others have waited for them. */
static void one_that_comes_is_behind_the_others(void **state)
{
    struct fixture *f = *state;
    struct crowd crowd;
    crowd_comes(f, &crowd, "BLPOP a 0\r\n");
    f->node->there[0] = (struct node_found){.type = VALUE_LIST, .count = 1};
    send_text(f, "BLPOP b a 0\r\n");
    assert_int_equal(f->node->submitted, 1);
    assert_ptr_equal(tried(f, 0), crowd.c[0]);
    crowd_goes(&crowd);
}

/* Who is called for one key takes from another: whoever waits for the first one
 * is called then. */
static void nobody_is_forgotten(void **state)
{
    struct fixture *f = *state;
    struct crowd crowd;
    send_text(f, "BLPOP a b 0\r\n");
    crowd_comes(f, &crowd, "BLPOP b 0\r\n");
    elements(f, "a", 1);
    elements(f, "b", 1);
    assert_int_equal(f->node->submitted, 1);
    f->node->there[0] = (struct node_found){.count = 0};
    comes_back(f, NODE_EXECUTED);
    assert_int_equal(f->node->submitted, 2);
    assert_ptr_equal(tried(f, 1), crowd.c[0]);
    /* One that is called goes, and gets nothing: the next one is called. */
    shutdown(crowd.fd[0], SHUT_WR);
    turn(f);
    assert_int_equal(f->node->submitted, 2);
    comes_back(f, NODE_BLOCKED);
    turn(f);
    assert_int_equal(f->node->submitted, 3);
    assert_ptr_equal(tried(f, 2), crowd.c[1]);
    comes_back(f, NODE_EXECUTED);
    crowd_goes(&crowd);
}

static void who_goes_is_not_called(void **state)
{
    struct fixture *f = *state;
    struct crowd crowd;
    crowd_comes(f, &crowd, "BLPOP a 0\r\n");
    shutdown(crowd.fd[0], SHUT_WR); /* it may be dead, for all that is known */
    turn(f);
    assert_int_equal(f->server->blocked.count, CLIENTS - 1);
    assert_null(received_on(crowd.fd[0]));
    elements(f, "a", 1);
    assert_int_equal(f->node->submitted, 1);
    assert_ptr_equal(tried(f, 0), crowd.c[1]);
    /* This one goes while the node has its command, which takes nothing. */
    shutdown(crowd.fd[1], SHUT_WR);
    turn(f);
    f->node->there[0] = (struct node_found){.count = 0};
    comes_back(f, NODE_BLOCKED);
    assert_null(received_on(crowd.fd[1]));
    assert_int_equal(f->server->blocked.count, CLIENTS - 2);
    crowd_goes(&crowd);
}

/* Its end was seen before it came to wait: what it asked for before that is
 * answered. */
static void who_has_ended_does_not_wait(void **state)
{
    struct fixture *f = *state;
    send_text(f, "SET x 1\r\nBLPOP a 0\r\n");
    shutdown(f->fd, SHUT_WR);
    turn(f);
    comes_back(f, NODE_EXECUTED);
    turn(f);
    expect(f, "+taken\r\n");
    assert_null(received_on(f->fd));
    assert_int_equal(f->server->blocked.count, 0);
}

/* However much it has sent behind its command, its end is seen. */
static void much_input_hides_no_end(void **state)
{
    struct fixture *f = *state;
    struct crowd crowd;
    char filler[4096];
    crowd_comes(f, &crowd, "BLPOP a 0\r\n");
    memset(filler, ' ', sizeof(filler));
    for (int i = 0; i < 400; i++) {
        ssize_t n = write(crowd.fd[0], filler, sizeof(filler));
        assert_true(n > 0 || errno == EAGAIN);
        turn(f);
    }
    assert_true(crowd.c[0]->conn.in.len > CLIENT_INPUT_PAUSE);
    elements(f, "a", 1);
    f->node->there[0] = (struct node_found){.count = 0};
    comes_back(f, NODE_BLOCKED);
    assert_int_equal(f->server->blocked.count, CLIENTS);
    close(crowd.fd[0]);
    turn(f);
    turn(f);
    assert_int_equal(f->server->blocked.count, CLIENTS - 1);
    crowd.fd[0] = dup(f->fd);
    crowd_goes(&crowd);
}

static void nil_is_said_at_a_point_of_the_log(void **state)
{
    struct fixture *f = *state;
    send_text(f, "BLPOP a 0.001\r\n");
    wait_for_reads(f, 1);
    expect(f, "");
    reads_told(f, 0);
    expect(f, "*-1\r\n");
    /* There is something at that point: it is tried a last time. */
    send_text(f, "BLPOP a 0.001\r\n");
    wait_for_reads(f, 2);
    f->node->there[0] = (struct node_found){.type = VALUE_LIST, .count = 1};
    reads_told(f, 0);
    assert_int_equal(f->node->submitted, 1);
    f->node->there[0] = (struct node_found){.count = 0};
    comes_back(f, NODE_BLOCKED);
    expect(f, "*-1\r\n");
    send_text(f, "BLPOP a 0.001\r\n");
    wait_for_reads(f, 3);
    reads_told(f, ERR_NO_LEADER);
    expect(f, "-CLUSTERDOWN No leader is known; the command was not "
              "executed\r\n");
    assert_int_equal(f->server->blocked.count, 0);
}

/* The time ends while the node has the command: it was asked before that, so
 * what it finds says nothing of the end. */
static void a_command_of_before_is_no_answer(void **state)
{
    struct fixture *f = *state;
    send_text(f, "BLPOP a 0.001\r\n");
    elements(f, "a", 1);
    if (f->node->submitted == 0) { /* a slow machine: it was over before */
        wait_for_reads(f, 1);
        reads_told(f, 0);
        comes_back(f, NODE_BLOCKED);
        expect(f, "*-1\r\n");
        return;
    }
    int64_t end = f->node->mono_ms + 20000;
    while (!f->client->blocked.late && f->node->mono_ms < end)
        turn(f);
    f->node->there[0] = (struct node_found){.count = 0};
    comes_back(f, NODE_BLOCKED);
    expect(f, "");
    wait_for_reads(f, 1);
    reads_told(f, 0);
    expect(f, "*-1\r\n");
}

/* A client that is closed while the node looks for that point. */
static void the_point_comes_for_nobody(void **state)
{
    struct fixture *f = *state;
    struct crowd crowd;
    crowd_comes(f, &crowd, "BLPOP a 0.001\r\n");
    wait_for_reads(f, CLIENTS);
    close(crowd.fd[0]);
    turn(f);
    reads_told(f, 0);
    assert_string_equal(received_on(crowd.fd[1]), "*-1\r\n");
    crowd.fd[0] = dup(f->fd);
    crowd_goes(&crowd);
}

/* There is something in the end, but the node cannot take it: no nil. */
static void what_cannot_be_taken_is_no_nil(void **state)
{
    struct fixture *f = *state;
    send_text(f, "BLPOP a 0.001\r\n");
    f->server->disk.is_full = true;
    f->node->there[0] = (struct node_found){.type = VALUE_LIST, .count = 1};
    wait_for_reads(f, 1);
    reads_told(f, 0);
    expect(f, "-MISCONF no disk space is left on this node: writes and "
              "deletions are refused, reads are served\r\n");
    assert_int_equal(f->node->submitted, 0);
    f->server->disk.is_full = false;
}

static void without_a_leader_it_waits_on(void **state)
{
    struct fixture *f = *state;
    send_text(f, "BLPOP a 0\r\n");
    f->node->error = ERR_NO_LEADER;
    elements(f, "a", 1);
    expect(f, "");
    assert_int_equal(f->server->blocked.count, 1);
    f->node->error = 0;
    int64_t end = f->node->mono_ms + 20000;
    while (f->node->submitted == 0 && f->node->mono_ms < end)
        turn(f);
    assert_int_equal(f->node->submitted, 1);
    comes_back(f, NODE_EXECUTED);
    expect(f, "+taken\r\n");
}

static void a_node_that_is_full_is_asked_later(void **state)
{
    struct fixture *f = *state;
    send_text(f, "BLPOP a 0\r\n");
    f->node->full = true;
    elements(f, "a", 1);
    assert_int_equal(f->node->submitted, 0);
    f->node->full = false;
    f->node->events->writable(f->node->events->ctx);
    turn(f);
    assert_int_equal(f->node->submitted, 1);
}

static void another_state_is_looked_at(void **state)
{
    struct fixture *f = *state;
    send_text(f, "BLPOP a b 0\r\n");
    f->node->there[1] = (struct node_found){.type = VALUE_LIST, .count = 1};
    turn(f);
    assert_int_equal(f->node->submitted, 0);
    f->node->events->ready(f->node->events->ctx, NULL);
    turn(f);
    assert_int_equal(f->node->submitted, 1);
    comes_back(f, NODE_EXECUTED);
    f->node->there[1].type = VALUE_ZSET;
    send_text(f, "BLPOP a 0\r\n");
    f->node->there[0] = (struct node_found){.type = VALUE_ZSET, .count = 1};
    f->node->events->ready(f->node->events->ctx, NULL);
    turn(f);
    assert_int_equal(f->node->submitted, 1); /* of another type: it waits */
}

static void a_client_unblocks_another(void **state)
{
    struct fixture *f = *state;
    struct crowd crowd;
    char line[64];
    crowd_comes(f, &crowd, "BLPOP a 0\r\n");
    snprintf(line, sizeof(line), "CLIENT UNBLOCK %d ERROR\r\n",
             (int)crowd.c[0]->id);
    send_text(f, line);
    expect(f, ":1\r\n");
    assert_string_equal(received_on(crowd.fd[0]),
                        "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n");
    send_text(f, line);
    expect(f, ":0\r\n");
    snprintf(line, sizeof(line), "CLIENT UNBLOCK %d\r\n", (int)crowd.c[1]->id);
    send_text(f, line);
    expect(f, ":1\r\n");
    assert_string_equal(received_on(crowd.fd[1]), "*-1\r\n");
    /* One whose command the node has: when it comes back. */
    elements(f, "a", 1);
    snprintf(line, sizeof(line), "CLIENT UNBLOCK %d\r\n", (int)crowd.c[2]->id);
    send_text(f, line);
    expect(f, ":1\r\n");
    assert_string_equal(received_on(crowd.fd[2]), "");
    comes_back(f, NODE_BLOCKED);
    assert_string_equal(received_on(crowd.fd[2]), "*-1\r\n");
    crowd_goes(&crowd);
}

/* A stream at "a" has so many entries now that somebody wants. */
static void stream_has(struct fixture *f, uint64_t count)
{
    struct keyspace_key ready = {0, BYTES_LIT("a")};
    f->node->there[0] =
        (struct node_found){.type = VALUE_STREAM, .count = count};
    if (f->node->watching)
        f->node->events->ready(f->node->events->ctx, &ready);
    turn(f);
    turn(f);
}

/* What there is when it comes is told at a point of the log; later news by this
 * node, and to all. Nothing is submitted. */
static void who_reads_takes_nothing(void **state)
{
    struct fixture *f = *state;
    struct crowd crowd;
    send_text(f, "XREAD BLOCK 0 STREAMS a $\r\nPING\r\n");
    assert_int_equal(f->node->reads_asked, 1);
    assert_int_equal(f->server->blocked.count, 1);
    reads_told(f, 0);
    turn(f);
    expect(f, "");
    crowd_comes(f, &crowd, "XREAD BLOCK 0 STREAMS a b $ 0\r\n");
    reads_told(f, 0);
    turn(f);
    assert_int_equal(f->server->blocked.count, CLIENTS + 1);
    stream_has(f, 1);
    expect(f, "$1\r\n$\r\n+PONG\r\n");
    for (int i = 0; i < CLIENTS; i++)
        assert_string_equal(received_on(crowd.fd[i]), "$1\r\n0\r\n");
    assert_int_equal(f->node->submitted, 0);
    assert_int_equal(f->node->reads_asked, 1 + CLIENTS);
    assert_int_equal(f->server->blocked.count, 0);
    send_text(f, "XREAD BLOCK 0 STREAMS a $\r\n"); /* it is there */
    reads_told(f, 0);
    turn(f);
    expect(f, "$1\r\n$\r\n");
    crowd_goes(&crowd);
}

static void who_reads_is_told_nil_at_a_point(void **state)
{
    struct fixture *f = *state;
    send_text(f, "XREAD BLOCK 1 STREAMS a $\r\n");
    reads_told(f, 0);
    wait_for_reads(f, 2); /* one asked when the time is over */
    reads_told(f, 0);
    turn(f);
    expect(f, "*-1\r\n");
    send_text(f, "XREAD BLOCK 0 STREAMS a $\r\n");
    reads_told(f, ERR_NO_LEADER);
    expect(f, "-CLUSTERDOWN No leader is known; the command was not "
              "executed\r\n");
    f->node->error = ERR_NO_LEADER;
    send_text(f, "XREAD BLOCK 0 STREAMS a $\r\n");
    expect(f, "-CLUSTERDOWN No leader is known; the command was not "
              "executed\r\n");
    assert_int_equal(f->server->blocked.count, 0);
}

/* The log says what cannot be told here. If that is nothing, it is asked what
 * "$" is then. */
static void who_reads_in_doubt_asks_the_log(void **state)
{
    struct fixture *f = *state;
    f->node->doubt = true;
    send_text(f, "XREAD BLOCK 0 STREAMS a $\r\n");
    reads_told(f, 0);
    turn(f);
    assert_int_equal(f->node->submitted, 1);
    f->node->doubt = false;
    comes_back(f, NODE_BLOCKED);
    assert_int_equal(f->node->reads_asked, 2);
    reads_told(f, 0);
    turn(f);
    expect(f, "");
    assert_int_equal(f->server->blocked.count, 1);
    stream_has(f, 1);
    expect(f, "$1\r\n$\r\n");
}

/* Its end comes before it is known what is there: that is told. */
static void who_reads_and_has_ended_is_answered(void **state)
{
    struct fixture *f = *state;
    struct crowd crowd;
    crowd_comes(f, &crowd, "XREAD BLOCK 0 STREAMS a $\r\n");
    shutdown(crowd.fd[0], SHUT_WR);
    turn(f);
    f->node->there[0] = (struct node_found){.type = VALUE_STREAM, .count = 1};
    reads_told(f, 0);
    turn(f);
    assert_string_equal(received_on(crowd.fd[0]), "$1\r\n$\r\n");
    crowd_goes(&crowd);
    f->node->there[0].count = 0;
    turn(f);
    crowd_comes(f, &crowd, "XREAD BLOCK 0 STREAMS a $\r\n");
    reads_told(f, 0);
    turn(f);
    shutdown(crowd.fd[1], SHUT_WR);
    turn(f);
    assert_null(received_on(crowd.fd[1]));
    assert_int_equal(f->server->blocked.count, CLIENTS - 1);
    crowd_goes(&crowd);
}

#define READ_GROUP "XREADGROUP GROUP g c BLOCK 0 STREAMS a >\r\n"

static void a_group_has_to_be_there(void **state)
{
    struct fixture *f = *state;
    struct keyspace_key ready = {0, BYTES_LIT("a")};
    send_text(f, READ_GROUP); /* the log says that there is none */
    assert_int_equal(f->node->submitted, 1);
    comes_back(f, NODE_EXECUTED);
    expect(f, "+taken\r\n");
    stream_has(f, 0);
    send_text(f, READ_GROUP);
    assert_int_equal(f->node->submitted, 1);
    stream_has(f, 1);
    assert_int_equal(f->node->submitted, 2);
    f->node->there[0].count = 0;
    comes_back(f, NODE_BLOCKED); /* another one was faster */
    expect(f, "");
    f->node->there[0].no_group = true;
    f->node->events->ready(f->node->events->ctx, &ready);
    turn(f);
    turn(f);
    expect(f, "-NOGROUP the consumer group this client was blocked on no "
              "longer exists\r\n");
    stream_has(f, 0);
    send_text(f, READ_GROUP);
    f->node->there[0] = (struct node_found){.type = VALUE_STRING, .count = 1};
    f->node->events->ready(f->node->events->ctx, NULL);
    turn(f);
    turn(f);
    expect(f, "-UNBLOCKED the stream key no longer exists\r\n");
    assert_int_equal(f->node->submitted, 2);
    assert_int_equal(f->server->blocked.count, 0);
}

/* One entry for one consumer of a group; those that only read come beside it.
 */
static void readers_take_nobodys_turn(void **state)
{
    struct fixture *f = *state;
    struct crowd crowd;
    stream_has(f, 0);
    send_text(f, "XREAD BLOCK 0 STREAMS a 5\r\n");
    reads_told(f, 0);
    turn(f);
    crowd_comes(f, &crowd, READ_GROUP);
    assert_int_equal(f->node->submitted, 0);
    stream_has(f, 1);
    turn(f);
    expect(f, "$1\r\n5\r\n");
    assert_int_equal(f->node->submitted, 1);
    assert_ptr_equal(tried(f, 0), crowd.c[0]);
    f->node->there[0].count = 0;
    comes_back(f, NODE_EXECUTED);
    assert_string_equal(received_on(crowd.fd[0]), "+taken\r\n");
    assert_int_equal(f->node->submitted, 1);
    crowd_goes(&crowd);
}

/* A node that is being refilled serves nobody, and goes on then. */
static void a_node_that_is_refilled_calls_nobody(void **state)
{
    struct fixture *f = *state;
    send_text(f, "BLPOP a 0\r\n");
    f->node->loading = true;
    elements(f, "a", 1);
    f->node->events->ready(f->node->events->ctx, NULL);
    turn(f);
    assert_int_equal(f->node->submitted, 0);
    assert_int_equal(f->server->blocked.count, 1);
    f->node->loading = false;
    int64_t end = f->node->mono_ms + 20000;
    while (f->node->submitted == 0 && f->node->mono_ms < end)
        turn(f);
    assert_int_equal(f->node->submitted, 1);
    comes_back(f, NODE_EXECUTED);
    expect(f, "+taken\r\n");
}

/* What cannot be told here is looked at again. */
static void a_key_in_doubt_is_looked_at_again(void **state)
{
    struct fixture *f = *state;
    send_text(f, "BLPOP a 0\r\n");
    f->node->there[0] = (struct node_found){.in_doubt = true};
    elements(f, "b", 0);
    f->node->events->ready(f->node->events->ctx, NULL);
    turn(f);
    assert_int_equal(f->node->submitted, 0);
    f->node->there[0] = (struct node_found){.type = VALUE_LIST, .count = 1};
    int64_t end = f->node->mono_ms + 20000;
    while (f->node->submitted == 0 && f->node->mono_ms < end)
        turn(f);
    assert_int_equal(f->node->submitted, 1);
    comes_back(f, NODE_EXECUTED);
    expect(f, "+taken\r\n");
    f->node->there[0] = (struct node_found){.in_doubt = true};
    send_text(f, "BLPOP a 0\r\n"); /* the log knows */
    assert_int_equal(f->node->submitted, 2);
}

static void wrong_times_are_refused(void **state)
{
    struct fixture *f = *state;
    send_text(f, "BLPOP a x\r\nBLPOP a -1\r\n");
    expect(f, "-ERR timeout is not a float or out of range\r\n"
              "-ERR timeout is negative\r\n");
    assert_int_equal(f->server->blocked.count, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(who_waits_costs_nothing),
        CASE(what_is_there_is_taken_at_once),
        CASE(as_many_as_elements_are_called),
        CASE(one_that_comes_is_behind_the_others),
        CASE(nobody_is_forgotten),
        CASE(who_goes_is_not_called),
        CASE(who_has_ended_does_not_wait),
        CASE(much_input_hides_no_end),
        CASE(nil_is_said_at_a_point_of_the_log),
        CASE(a_command_of_before_is_no_answer),
        CASE(the_point_comes_for_nobody),
        CASE(what_cannot_be_taken_is_no_nil),
        CASE(without_a_leader_it_waits_on),
        CASE(a_node_that_is_full_is_asked_later),
        CASE(another_state_is_looked_at),
        CASE(a_client_unblocks_another),
        CASE(who_reads_takes_nothing),
        CASE(who_reads_is_told_nil_at_a_point),
        CASE(who_reads_in_doubt_asks_the_log),
        CASE(who_reads_and_has_ended_is_answered),
        CASE(a_group_has_to_be_there),
        CASE(readers_take_nobodys_turn),
        CASE(a_node_that_is_refilled_calls_nobody),
        CASE(a_key_in_doubt_is_looked_at_again),
        CASE(wrong_times_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
