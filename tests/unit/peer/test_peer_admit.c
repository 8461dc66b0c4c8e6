/*
 * A blank directory asks to be let in: who is asked, what is answered, and who
 * may not ask.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "unit/peer/raw.h"

static struct admit ask_of(node_id id)
{
    struct admit ask = {
        .id = id, .directory = {id, 1}, .level_min = 1, .level_max = 1};
    assert_true(
        member_set_text(ask.peer_address, sizeof(ask.peer_address), "there:1"));
    return ask;
}

/* Node 2 is blank. */
static void start_blank(struct cluster *c, const char *secret)
{
    struct peers_options o = node_options(c, 2, 5);
    o.cluster_id = 0;
    o.secret = secret;
    node_start_with(c, &o);
}

static void start_member(struct cluster *c, const char *secret)
{
    struct peers_options o = node_options(c, 1, 3);
    o.secret = secret;
    node_start_with(c, &o);
}

static bool answered(struct cluster *c)
{
    return c->nodes[2].grants[1] >= (int)c->wanted;
}

/* Some answers later, of this kind. */
static void run_until_answered(struct cluster *c, enum grant_verdict verdict)
{
    for (int i = 0;
         i < 40 && (i == 0 || c->nodes[2].grant[1].verdict != (uint8_t)verdict);
         i++) {
        c->wanted = (size_t)c->nodes[2].grants[1] + 1;
        run_until(c, answered);
    }
    assert_int_equal(c->nodes[2].grant[1].verdict, verdict);
}

static void expect_no_link(struct cluster *c)
{
    for (node_id id = 1; id <= 2; id++) {
        assert_int_equal(c->nodes[id].ups[3 - id], 0);
        assert_null(peer_in(c, id, 3 - id)->inbound);
        assert_int_equal(peer_in(c, id, 3 - id)->incarnation_seen, 0);
    }
}

static bool told_that_nobody_can(struct cluster *c)
{
    return strcmp(c->nodes[2].grant[1].why, "nobody here can let it in") == 0;
}

/* It asks until it is told, and its log says why it waits; nothing of that is a
 * link, nor worth a line in the log of who is asked. */
static void asks(struct cluster *c, const char *secret)
{
    struct node *one = &c->nodes[1];
    struct node *two = &c->nodes[2];
    struct admit ask = ask_of(2);
    start_member(c, secret);
    start_blank(c, secret);
    one->admits = ERR_AGAIN;
    peers_ask(two->peers, &ask);
    peers_ask(two->peers, &ask); /* once is enough */
    run_until_answered(c, GRANT_LATER);
    run_until_answered(c, GRANT_LATER);
    assert_string_equal(two->grant[1].why, "node 1 has its reason");
    assert_int_equal(two->grant[1].life, 0);
    assert_true(lines_with(two, "no link yet: node 1 has its reason") >= 1);
    assert_int_equal(one->asked.id, 2);
    assert_true(directory_id_eq(one->asked.directory, ask.directory));
    assert_string_equal(one->asked.peer_address, "there:1");
    one->events.admit = NULL;
    c->wanted = (size_t)two->grants[1] + 1;
    run_until(c, told_that_nobody_can);
    assert_int_equal(two->grant[1].verdict, GRANT_LATER);
    one->events.admit = node_admit;
    one->admits = ERR_MISMATCH;
    run_until_answered(c, GRANT_REFUSED);
    assert_string_equal(two->grant[1].why, "node 1 has its reason");
    one->admits = 0;
    run_until_answered(c, GRANT_GIVEN);
    assert_int_equal(two->grant[1].life, 4);
    assert_int_equal(two->grant[1].index, 17);
    assert_true(two->grant[1].cluster_id == CLUSTER_ID);
    assert_int_equal(two->grant[1].configuration.count, RAFT_NODES_MAX);
    assert_int_equal(strlen(two->grant[1].configuration.members[8].zone),
                     CONFIGURATION_ZONE_SIZE - 1);
    expect_no_link(c);
    assert_int_equal(lines_with(one, "reason"), 0);
}

static void test_asks(void **state)
{
    asks(*state, NULL);
}

static void test_asks_with_secret(void **state)
{
    asks(*state, SECRET);
}

/* What does not ask is not asked, and not told. */
static void test_does_not_ask(void **state)
{
    struct cluster *c = *state;
    start_member(c, NULL);
    start_blank(c, NULL);
    c->wanted = 1;
    run_for(c, 500);
    assert_int_equal(c->nodes[1].asks, 0);
    assert_int_equal(c->nodes[2].grants[1], 0);
    expect_no_link(c);
}

/* A blank one has nothing to give. */
static void test_blank_is_not_asked(void **state)
{
    struct cluster *c = *state;
    struct admit ask = ask_of(2);
    struct peers_options o = node_options(c, 1, 3);
    o.cluster_id = 0;
    node_start_with(c, &o);
    start_blank(c, NULL);
    peers_ask(c->nodes[2].peers, &ask);
    run_for(c, 500);
    assert_int_equal(c->nodes[1].asks, 0);
    assert_int_equal(c->nodes[2].grants[1], 0);
}

/* Without a secret anybody could shut a member out: only its own host can. */
static void from_elsewhere(struct cluster *c, const char *secret)
{
    struct admit ask = ask_of(2);
    c->members[1].address = "192.0.2.1:9";
    start_member(c, secret);
    c->members[1].address = c->addresses[2];
    start_blank(c, secret);
    peers_ask(c->nodes[2].peers, &ask);
    if (secret != NULL) {
        run_until_answered(c, GRANT_GIVEN);
        return;
    }
    run_until_answered(c, GRANT_REFUSED);
    assert_non_null(strstr(c->nodes[2].grant[1].why,
                           "only from its own address, 192.0.2.1:9, and this "
                           "came from 127.0.0.1:"));
    assert_int_equal(c->nodes[1].asks, 0);
}

static void test_from_elsewhere(void **state)
{
    from_elsewhere(*state, NULL);
}

static void test_from_elsewhere_with_secret(void **state)
{
    from_elsewhere(*state, SECRET);
}

static void add_ask(struct buf *out, uint8_t type, const struct admit *ask)
{
    size_t begin = frame_begin(out, type, 0);
    admit_encode(ask, out);
    frame_end(out, begin);
}

/* A blank member 2 as far as its greeting. */
static void add_blank(struct cluster *c, struct buf *out)
{
    struct hello h = hello_of_two(false);
    struct greeting g = greeting_of_two(c);
    h.cluster_id = g.cluster_id = 0;
    g.verdict = GREETING_NOT_YET;
    add_hello(out, FRAME_HELLO, &h);
    add_greeting(out, &g);
}

/* One question is answered, if it is whole and about who asks it. */
static void test_questions(void **state)
{
    struct cluster *c = *state;
    struct admit ask = ask_of(2);
    struct buf b = BUF_INIT;
    start_one(c, false);
    add_blank(c, &b);
    size_t without = refused(c, buf_view(&b));
    assert_int_equal(lines_with(&c->nodes[1], "connection from"), 0); /* gone */
    assert_int_equal(without, HELLO_FRAME + GREETING_FRAME);
    assert_int_equal(c->nodes[1].asks, 0);
    size_t begin = b.len;
    add_ask(&b, FRAME_ADMIT, &ask);
    add_ask(&b, FRAME_ADMIT, &ask); /* nobody reads this one */
    assert_true(refused(c, buf_view(&b)) > without);
    assert_int_equal(c->nodes[1].asks, 1);
    for (int how = 0; how < 4; how++) {
        b.len = begin;
        ask.id = how == 0 ? 3 : 2;
        if (how < 2) /* of another; the answer, as a question */
            add_ask(&b, how == 0 ? FRAME_ADMIT : FRAME_GRANT, &ask);
        else
            add_frame(&b, how == 2 ? FRAME_ADMIT : FRAME_RAFT,
                      BYTES_LIT("none"));
        peer_in(c, 1, 2)->complained_at_ms = 0;
        assert_int_equal(refused(c, buf_view(&b)), without);
        assert_int_equal(c->nodes[1].asks, 1);
        assert_int_equal(lines_with(&c->nodes[1], "connection from"), how + 1);
        assert_int_equal(lines_with(&c->nodes[1], " failed: corrupt data\n"),
                         how == 0   ? 1
                         : how == 1 ? 1
                         : how == 2 ? 2
                                    : 2);
    }
    expect_nothing_stands(c);
    buf_release(&b);
}

static bool question_came(struct cluster *c)
{
    struct raw_member *m = c->arg;
    return m->from_one.conn.in.len > HELLO_FRAME + GREETING_FRAME;
}

/* Node 1 is blank, and asks member 2, which answers with this. */
static void wrong_answer(struct cluster *c, struct raw_member *m,
                         const struct buf *answer, const char *text)
{
    struct hello h = welcome_of_two(false);
    struct greeting g = greeting_of_two(c);
    struct buf b = BUF_INIT;
    g.verdict = GREETING_NOT_YET;
    add_hello(&b, FRAME_WELCOME, &h);
    add_greeting(&b, &g);
    await_hello(c, m);
    buf_reset(&c->nodes[1].lines);
    peer_in(c, 1, 2)->link.failure[0] = '\0';
    raw_send(&m->from_one, buf_view(&b));
    run_until(c, question_came);
    raw_send(&m->from_one, buf_view(answer));
    run_until_logged(c, 1, text);
    run_until_closed(c, &m->from_one);
    conn_close(&m->from_one.conn);
    peer_link_hurry(peer_in(c, 1, 2));
    buf_release(&b);
}

/* What is no answer ends the connection, and nothing is granted. */
static void test_answers(void **state)
{
    struct cluster *c = *state;
    struct peers_options o = node_options(c, 1, 3);
    struct admit ask = ask_of(1);
    struct raw_member m;
    struct buf b = BUF_INIT;
    raw_listen(c, &m);
    o.cluster_id = 0;
    node_start_with(c, &o);
    peers_ask(c->nodes[1].peers, &ask);
    add_frame(&b, FRAME_GRANT, BYTES_LIT("none"));
    wrong_answer(c, &m, &b, "no link yet: corrupt data\n");
    for (uint8_t type = FRAME_HELLO; type < FRAME_TYPE_END; type++) {
        char text[80];
        buf_reset(&b);
        size_t begin = frame_begin(&b, type, type == FRAME_GRANT);
        frame_end(&b, begin);
        snprintf(text, sizeof(text),
                 "no link yet: frame type %u is not allowed now\n", type);
        wrong_answer(c, &m, &b, text);
    }
    assert_int_equal(c->nodes[1].grants[2], 0);
    buf_release(&b);
    raw_member_close(&m);
}

/* A member that has its data cannot ask: it would shut itself out. */
static void test_member_does_not_ask(void **state)
{
    struct cluster *c = *state;
    struct admit ask = ask_of(2);
    struct hello h = hello_of_two(false);
    struct buf b = BUF_INIT;
    start_one(c, false);
    add_both(&b, c, FRAME_HELLO, &h);
    add_ask(&b, FRAME_ADMIT, &ask);
    struct raw r;
    raw_dial(c, &r);
    raw_send(&r, buf_view(&b));
    run_for(c, 300);
    assert_int_equal(c->nodes[1].asks, 0);
    conn_close(&r.conn);
    buf_release(&b);
}

int main(void)
{
#define TEST(f)                                                                \
    cmocka_unit_test_setup_teardown(f, cluster_setup, cluster_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_asks),           TEST(test_asks_with_secret),
        TEST(test_does_not_ask),   TEST(test_blank_is_not_asked),
        TEST(test_from_elsewhere), TEST(test_from_elsewhere_with_secret),
        TEST(test_questions),      TEST(test_member_does_not_ask),
        TEST(test_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
