/*
 * Frames that are not due, to either side of a handshake, and what is said of
 * them; answers that come in pieces. The work of peer_accept.c and peer_link.c.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "unit/peer/raw.h"

/* Once more, whatever was said before. */
static void refused_with(struct cluster *c, const struct buf *b,
                         const char *text)
{
    c->nodes[1].peers->complained_at_ms = 0;
    peer_in(c, 1, 2)->complained_at_ms = 0;
    buf_reset(&c->nodes[1].lines);
    (void)refused(c, buf_view(b));
    if (lines_with(&c->nodes[1], text) != 1)
        fail_msg("not '%s', but: %.*s", text, (int)c->nodes[1].lines.len,
                 (const char *)c->nodes[1].lines.data);
}

/* What was wrong, in the log. */
static void test_refusals_are_told(void **state)
{
    struct cluster *c = *state;
    struct hello h = hello_of_two(true);
    struct buf b = BUF_INIT;
    start_one(c, true);
    add_frame(&b, FRAME_HELLO, BYTES_LIT("short"));
    refused_with(c, &b, "# peer connection from 127.0.0.1:");
    assert_int_equal(lines_with(&c->nodes[1], " failed: corrupt data\n"), 1);
    buf_reset(&b);
    h.cluster_id++;
    add_hello(&b, FRAME_HELLO, &h);
    refused_with(c, &b, " refused: it belongs to another cluster (ours ");
    for (uint8_t type = FRAME_HELLO; type < FRAME_TYPE_END; type++) {
        char text[80];
        if (type == FRAME_PROOF)
            continue;
        buf_reset(&b);
        h = hello_of_two(true);
        add_hello(&b, FRAME_HELLO, &h);
        add_frame(&b, type, BYTES_LIT("what now"));
        snprintf(text, sizeof(text),
                 " refused: frame type %u of group 0 is not allowed now\n",
                 type);
        refused_with(c, &b, text);
    }
    buf_reset(&b);
    add_hello(&b, FRAME_HELLO, &h);
    add_frame(&b, FRAME_PROOF, BYTES_LIT("what now"));
    refused_with(c, &b, " failed: corrupt data\n");
    buf_reset(&b);
    size_t begin = frame_begin(&b, FRAME_HELLO, 1);
    hello_encode(&h, &b);
    frame_end(&b, begin);
    refused_with(c, &b, " refused: frame type 1 of group 1 is not allowed");
    buf_release(&b);
}

static bool one_has_read(struct cluster *c)
{
    return peer_in(c, 1, 2)->link.conn.received_bytes >= c->wanted;
}

/* An answer in pieces of one byte each is an answer. */
static void test_welcome_byte_by_byte(void **state)
{
    struct cluster *c = *state;
    struct raw_member m;
    struct hello h = welcome_of_two(false);
    struct buf b = BUF_INIT;
    raw_listen(c, &m);
    start_one(c, false);
    await_hello(c, &m);
    add_both(&b, c, FRAME_WELCOME, &h);
    struct peer_link *k = &peer_in(c, 1, 2)->link;
    for (size_t i = 0; i < b.len; i++) {
        assert_true(k->state == (i < HELLO_FRAME ? LINK_HELLO : LINK_GREETING));
        raw_send(&m.from_one, bytes_of(b.data + i, 1));
        c->wanted = i + 1;
        run_until(c, one_has_read);
    }
    assert_int_equal(k->state, LINK_ESTABLISHED);
    buf_release(&b);
    raw_member_close(&m);
}

/* Whoever is dialed answers with what is due, or not at all. */
static void wrong_answer(struct cluster *c, struct raw_member *m, bool welcomed,
                         uint8_t type, uint16_t group)
{
    struct hello h = welcome_of_two(false);
    struct greeting g = greeting_of_two(c);
    const struct proof none = {.mac = {0}};
    struct buf b = BUF_INIT;
    char text[80];
    peer_in(c, 1, 2)->link.failure[0] = '\0';
    await_hello(c, m);
    buf_reset(&c->nodes[1].lines);
    if (welcomed)
        add_hello(&b, FRAME_WELCOME, &h);
    size_t begin = frame_begin(&b, type, group);
    if (type == FRAME_WELCOME)
        hello_encode(&h, &b);
    if (type == FRAME_GREETING) {
        greeting_encode(&g, &b);
        proof_encode(&none, &b);
    }
    frame_end(&b, begin);
    raw_send(&m->from_one, buf_view(&b));
    snprintf(text, sizeof(text),
             "no link yet: frame type %u is not allowed now\n", type);
    run_until_logged(c, 1, text);
    drop_and_hurry(c, m);
    buf_release(&b);
}

static void test_answers_out_of_place(void **state)
{
    struct cluster *c = *state;
    struct raw_member m;
    raw_listen(c, &m);
    start_one(c, false);
    for (uint8_t type = FRAME_HELLO; type < FRAME_TYPE_END; type++) {
        if (type != FRAME_WELCOME)
            wrong_answer(c, &m, false, type, 0);
        if (type != FRAME_GREETING)
            wrong_answer(c, &m, true, type, 0);
        wrong_answer(c, &m, type != FRAME_WELCOME, type, 1);
    }
    raw_member_close(&m);
}

/* A proof that is none is not called a wrong one. */
static void test_no_proof(void **state)
{
    struct cluster *c = *state;
    struct raw_member m;
    struct hello h = welcome_of_two(true);
    struct buf b = BUF_INIT;
    raw_listen(c, &m);
    start_one(c, true);
    await_hello(c, &m);
    add_hello(&b, FRAME_WELCOME, &h);
    add_frame(&b, FRAME_PROOF, BYTES_LIT("short"));
    raw_send(&m.from_one, buf_view(&b));
    run_until_logged(c, 1, "no link yet: corrupt data\n");
    buf_release(&b);
    raw_member_close(&m);
}

int main(void)
{
#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, cluster_setup, cluster_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_refusals_are_told),
        TEST(test_welcome_byte_by_byte),
        TEST(test_answers_out_of_place),
        TEST(test_no_proof),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
