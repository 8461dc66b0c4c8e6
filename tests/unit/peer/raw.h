/*
 * A member 2 that the test plays byte by byte, against node 1.
 */
#ifndef UNIT_PEER_RAW_H
#define UNIT_PEER_RAW_H

#include "unit/peer/fixture.h"

#include <sys/socket.h>

#define SECRET         "open sesame"
#define OUR_NODE       3 /* incarnation of node 1 */
#define HELLO_FRAME    (FRAME_HEADER_SIZE + HELLO_SIZE)
#define PROOF_FRAME    (FRAME_HEADER_SIZE + PROOF_SIZE)
#define GREETING_FRAME (FRAME_HEADER_SIZE + GREETING_SIZE)
#define IDLE_FLOOD     50

struct raw {
    struct conn conn;
    bool closed;
};

/* The raw listener of member 2, and what node 1 dialed last. */
struct raw_member {
    struct cluster *cluster;
    struct listener listener;
    struct raw from_one; /* node 1 sends here */
    int accepted;
    struct raw to_one; /* we send here */
};

FIXTURE void raw_input(struct conn *c)
{
    (void)c; /* it stays in conn.in */
}

FIXTURE void raw_closed_cb(struct conn *c, int error)
{
    (void)error;
    CONTAINER_OF(c, struct raw, conn)->closed = true;
}

FIXTURE const struct conn_events raw_events = {.input = raw_input,
                                               .closed = raw_closed_cb};

FIXTURE void raw_dial(struct cluster *c, struct raw *r)
{
    struct address a;
    assert_int_equal(address_parse(bytes_str(c->addresses[1]), &a), 0);
    int fd = socket_connect(&a);
    assert_true(fd >= 0);
    r->closed = false;
    conn_open(&r->conn, c->loop, fd, &raw_events);
}

FIXTURE void raw_send(struct raw *r, struct bytes b)
{
    buf_bytes(&r->conn.out, b);
    conn_flush(&r->conn);
}

/* Says that nothing more will come; the answer can still be read. */
FIXTURE void raw_end(struct raw *r)
{
    if (r->conn.fd >= 0)
        (void)shutdown(r->conn.fd, SHUT_WR);
}

FIXTURE bool raw_is_closed(struct cluster *c)
{
    return ((struct raw *)c->arg)->closed;
}

FIXTURE void run_until_closed(struct cluster *c, struct raw *r)
{
    c->arg = r;
    run_until(c, raw_is_closed);
}

FIXTURE bool raw_has_wanted(struct cluster *c)
{
    struct raw *r = c->arg;
    return r->closed || r->conn.in.len >= c->wanted;
}

FIXTURE void run_until_input(struct cluster *c, struct raw *r, size_t len)
{
    c->arg = r;
    c->wanted = len;
    run_until(c, raw_has_wanted);
    assert_false(r->closed);
}

FIXTURE struct hello hello_of_two(bool secured)
{
    return (struct hello){
        .version_min = PROTOCOL_VERSION,
        .version_max = PROTOCOL_VERSION,
        .cluster_id = CLUSTER_ID,
        .from = 2,
        .to = 1,
        .from_incarnation = 5,
        .nonce = {1, 2, 3},
        .secured = secured,
        .client_port = 7002,
    };
}

FIXTURE void add_frame(struct buf *out, uint8_t type, struct bytes payload)
{
    size_t begin = frame_begin(out, type, 0);
    buf_bytes(out, payload);
    frame_end(out, begin);
}

FIXTURE void add_hello(struct buf *out, uint8_t type, const struct hello *h)
{
    size_t begin = frame_begin(out, type, 0);
    hello_encode(h, out);
    frame_end(out, begin);
}

FIXTURE struct greeting greeting_of_two(struct cluster *c)
{
    return (struct greeting){
        .cluster_id = CLUSTER_ID,
        .members = c->nodes[1].peers->greeting.members,
        .directory = {2, 1},
        .nonce = 2005,
        .level_min = 1,
        .level_max = 1,
        .version = "1",
    };
}

/* With no secret there is no proof of it. */
FIXTURE void add_greeting(struct buf *out, const struct greeting *g)
{
    const struct proof none = {.mac = {0}};
    size_t begin = frame_begin(out, FRAME_GREETING, 0);
    greeting_encode(g, out);
    proof_encode(&none, out);
    frame_end(out, begin);
}

/* HELLO or WELCOME, and the greeting, which need not wait for an answer. */
FIXTURE void add_both(struct buf *out, struct cluster *c, uint8_t type,
                      const struct hello *h)
{
    struct greeting g = greeting_of_two(c);
    add_hello(out, type, h);
    add_greeting(out, &g);
}

FIXTURE void start_one(struct cluster *c, bool secured)
{
    struct peers_options o = node_options(c, 1, OUR_NODE);
    o.secret = secured ? SECRET : NULL;
    node_start_with(c, &o);
}

FIXTURE void expect_nothing_stands(struct cluster *c)
{
    struct peer *two = peer_in(c, 1, 2);
    assert_null(two->inbound);
    assert_int_equal(two->incarnation_seen, 0);
    assert_int_equal(c->nodes[1].ups[2], 0);
}

/* Sends bytes on a new connection, ends it, and waits for node 1 to close
 * it. Returns what node 1 had to say (bytes). */
FIXTURE size_t refused(struct cluster *c, struct bytes b)
{
    struct raw r;
    raw_dial(c, &r);
    raw_send(&r, b);
    raw_end(&r);
    run_until_closed(c, &r);
    size_t got = (size_t)r.conn.received_bytes;
    conn_close(&r.conn);
    return got;
}

/* ----- as the one who is dialed ----- */

FIXTURE void raw_accepted(void *ctx, int fd, const char *address)
{
    struct raw_member *m = ctx;
    (void)address;
    conn_close(&m->from_one.conn);
    m->from_one.closed = false;
    conn_open(&m->from_one.conn, m->cluster->loop, fd, &raw_events);
    m->accepted++;
}

FIXTURE void raw_listen(struct cluster *c, struct raw_member *m)
{
    *m = (struct raw_member){.cluster = c, .listener.fd = -1};
    m->from_one.conn.fd = -1;
    m->to_one.conn.fd = -1;
    struct address a;
    assert_int_equal(address_parse(bytes_str(c->addresses[2]), &a), 0);
    int fd = socket_listen(&a, 16);
    assert_true(fd >= 0);
    m->listener.accepted = raw_accepted;
    m->listener.ctx = m;
    listener_open(&m->listener, c->loop, fd, NULL);
}

FIXTURE void raw_member_close(struct raw_member *m)
{
    listener_close(&m->listener);
    conn_close(&m->from_one.conn);
    conn_close(&m->to_one.conn);
}

FIXTURE bool hello_came(struct cluster *c)
{
    struct raw_member *m = c->arg;
    return m->from_one.conn.fd >= 0 && m->from_one.conn.in.len >= HELLO_FRAME;
}

FIXTURE struct hello welcome_of_two(bool secured)
{
    struct hello h = hello_of_two(secured);
    h.to_incarnation = OUR_NODE;
    return h;
}

FIXTURE void await_hello(struct cluster *c, struct raw_member *m)
{
    c->arg = m;
    run_until(c, hello_came);
}

FIXTURE bool link_waits(struct cluster *c)
{
    return peer_in(c, 1, 2)->link.state == LINK_WAITING;
}

/* Lets node 1 dial anew at once, whatever it thinks of us. */
FIXTURE void drop_and_hurry(struct cluster *c, struct raw_member *m)
{
    raw_end(&m->from_one);
    run_until(c, link_waits);
    assert_int_equal(c->nodes[1].ups[2], 0);
    assert_int_equal(peer_in(c, 1, 2)->incarnation_seen, 0);
    conn_close(&m->from_one.conn);
    peer_link_hurry(peer_in(c, 1, 2));
}

#endif
