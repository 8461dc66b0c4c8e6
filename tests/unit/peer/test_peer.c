/*
 * Links between honest members: up and down, order, priorities, fragments,
 * bounds, restarts, and the refusals of what does not belong together.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "os/clock.h"
#include "unit/peer/fixture.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define MIB ((size_t)1024 * 1024)

static void start_two(struct cluster *c)
{
    node_start(c, 1, 3);
    node_start(c, 2, 5);
    run_until(c, all_up);
}

static void test_up_and_down_once(void **state)
{
    struct cluster *c = *state;
    start_two(c);
    run_for(c, 50);
    struct node *n = &c->nodes[1];
    assert_int_equal(n->ups[2], 1);
    assert_int_equal(c->nodes[2].ups[1], 1);
    assert_int_equal(n->incarnations[2], 5);
    assert_int_equal(c->nodes[2].incarnations[1], 3);
    assert_string_equal(n->client_address[2], "127.0.0.1:7002");
    assert_int_equal(lines_with(n, "link up, incarnation 5"), 1);
    struct peer_info info;
    assert_true(peers_info(n->peers, 0, &info));
    assert_true(info.up);
    assert_int_equal(info.id, 2);
    assert_int_equal(info.incarnation, 5);
    assert_string_equal(info.address, c->addresses[2]);
    assert_string_equal(info.client_address, "127.0.0.1:7002");
    assert_false(peers_info(n->peers, 1, &info));

    node_stop(c, 2);
    run_until(c, one_sees_two_down);
    run_for(c, 50);
    assert_int_equal(n->downs[2], 1);
    assert_int_equal(n->ups[2], 1);
    assert_int_equal(lines_with(n, "link down: closed by the other side"), 1);
    assert_int_equal(send_to(n, 2, TRANSPORT_BULK, BYTES_LIT("x"), BYTES_NONE),
                     ERR_CLOSED);
}

static void test_client_host(void **state)
{
    struct cluster *c = *state;
    struct peers_options o = node_options(c, 1, 3);
    o.client_host = "192.0.2.7";
    node_start_with(c, &o);
    o = node_options(c, 2, 5);
    o.client_host = "2001:db8::1";
    node_start_with(c, &o);
    run_until(c, all_up);
    assert_string_equal(c->nodes[2].client_address[1], "192.0.2.7:7001");
    assert_string_equal(c->nodes[1].client_address[2], "[2001:db8::1]:7002");
}

/* All addresses of the host, in the words of the option bind. */
static void test_client_host_star(void **state)
{
    struct cluster *c = *state;
    struct peers_options o = node_options(c, 1, 3);
    o.client_host = "*";
    node_start_with(c, &o);
    o = node_options(c, 2, 5);
    o.client_host = "::*";
    node_start_with(c, &o);
    run_until(c, all_up);
    assert_string_equal(c->nodes[2].client_address[1], "127.0.0.1:7001");
    assert_string_equal(c->nodes[1].client_address[2], "127.0.0.1:7002");
}

static void test_client_host_any(void **state)
{
    struct cluster *c = *state;
    struct peers_options o = node_options(c, 1, 3);
    o.client_host = "0.0.0.0";
    node_start_with(c, &o);
    o = node_options(c, 2, 5);
    o.client_host = "::";
    o.client_port = 0;
    node_start_with(c, &o);
    run_until(c, all_up);
    assert_string_equal(c->nodes[2].client_address[1], "127.0.0.1:7001");
    assert_string_equal(c->nodes[1].client_address[2], "");
}

/* Where the other looks for the clients of node 1, and of node 2, which say
 * this. */
static void expect_addresses(struct cluster *c, const char *one,
                             const char *found_one, const char *two,
                             const char *found_two)
{
    struct peers_options o = node_options(c, 1, 3);
    o.client_host = one;
    node_start_with(c, &o);
    o = node_options(c, 2, 5);
    o.client_host = two;
    node_start_with(c, &o);
    run_until(c, all_up);
    assert_string_equal(c->nodes[2].client_address[1], found_one);
    assert_string_equal(c->nodes[1].client_address[2], found_two);
    node_stop(c, 1);
    node_stop(c, 2);
}

/* As another program may write it; what is no host is not passed on. */
static void test_client_host_brackets(void **state)
{
    struct cluster *c = *state;
    expect_addresses(c, "[2001:db8::1]", "[2001:db8::1]:7001", "[::]",
                     "127.0.0.1:7002");
    expect_addresses(c, "[192.0.2.7]", "192.0.2.7:7001", "::1", "[::1]:7002");
    expect_addresses(c, "[2001:db8::1", "", "::1]", "");
    expect_addresses(c, "[[::1]]", "", "[]", "");
    expect_addresses(c, "a]b", "", "", "127.0.0.1:7002");
}

static void expect_number(const struct received *r, node_id from, uint64_t i)
{
    assert_int_equal(r->from, from);
    assert_true(r->payload.len >= 8);
    uint64_t got;
    memcpy(&got, r->payload.data, 8);
    assert_true(got == i);
}

/* Three members, messages of many sizes: all arrive, in order per link. */
static void test_messages_in_order(void **state)
{
    struct cluster *c = *state;
    c->member_count = 3;
    for (node_id id = 1; id <= 3; id++)
        node_start(c, id, id);
    run_until(c, all_up);
    struct buf body = BUF_INIT;
    memset(buf_reserve(&body, MIB), 'b', MIB);
    uint64_t seed = 1;
    for (uint64_t i = 0; i < 200; i++) {
        /* Below, at and above the size of a fragment. */
        size_t len = i % 20 == 0 ? PEER_FRAGMENT_BYTES - 8 + (i / 20)
                                 : rng_below(&seed, 3000);
        for (node_id to = 2; to <= 3; to++)
            assert_int_equal(send_to(&c->nodes[1], to, TRANSPORT_BULK,
                                     bytes_of(&i, 8), bytes_of(body.data, len)),
                             0);
    }
    for (node_id to = 2; to <= 3; to++) {
        run_until_received(c, to, 200);
        for (uint64_t i = 0; i < 200; i++)
            expect_number(&c->nodes[to].received[i], 1, i);
    }
    buf_release(&body);
}

static void test_empty_payload(void **state)
{
    struct cluster *c = *state;
    start_two(c);
    assert_int_equal(
        send_to(&c->nodes[1], 2, TRANSPORT_CONTROL, BYTES_NONE, BYTES_NONE), 0);
    run_until_received(c, 2, 1);
    assert_int_equal(c->nodes[2].received[0].payload.len, 0);
    assert_int_equal(c->nodes[2].received[0].type, FRAME_RAFT);
}

/* 64 MiB in two pieces: the same bytes arrive, as one payload. */
static void test_large_payload(void **state)
{
    struct cluster *c = *state;
    start_two(c);
    struct buf all = BUF_INIT;
    uint8_t *to = buf_reserve(&all, 64 * MIB);
    uint64_t seed = 3;
    for (size_t i = 0; i < 64 * MIB; i += 8) {
        uint64_t r = rng_next(&seed);
        memcpy(to + i, &r, 8);
    }
    all.len = 64 * MIB;
    assert_int_equal(send_to(&c->nodes[2], 1, TRANSPORT_BULK,
                             bytes_of(all.data, 12345),
                             bytes_from(buf_view(&all), 12345)),
                     0);
    run_until_received(c, 1, 1);
    const struct received *r = &c->nodes[1].received[0];
    assert_int_equal(r->type, FRAME_FORWARD);
    assert_true(bytes_eq(buf_view(&r->payload), buf_view(&all)));
    struct peer_info info;
    assert_true(peers_info(c->nodes[2].peers, 0, &info));
    assert_int_equal(info.queued_bytes, 0);
    assert_true(info.sent_bytes > all.len);
    assert_true(peers_info(c->nodes[1].peers, 0, &info));
    assert_true(info.received_bytes > all.len);
    assert_true(peer_in(c, 1, 2)->inbound->assembly.data.cap <=
                PEER_ASSEMBLY_KEPT);
    buf_release(&all);
}

/* Control sent after a large bulk payload arrives before it; a control
 * payload that is itself large keeps its place among control. */
static void test_control_overtakes(void **state)
{
    struct cluster *c = *state;
    start_two(c);
    struct buf big = BUF_INIT;
    memset(buf_reserve(&big, 30 * MIB), 'b', 30 * MIB);
    struct node *n = &c->nodes[1];
    struct bytes bulk = bytes_of(big.data, 30 * MIB);
    struct bytes large = bytes_of(big.data, 700 * 1024);
    assert_int_equal(send_to(n, 2, TRANSPORT_BULK, bulk, BYTES_NONE), 0);
    peers_flush(n->peers); /* it begins to leave */
    assert_true(peer_link_queued(peer_in(c, 1, 2)) > MIB);
    struct bytes one = BYTES_LIT("one"), two = BYTES_LIT("two");
    assert_int_equal(send_to(n, 2, TRANSPORT_CONTROL, one, BYTES_NONE), 0);
    assert_int_equal(send_to(n, 2, TRANSPORT_CONTROL, large, BYTES_NONE), 0);
    assert_int_equal(send_to(n, 2, TRANSPORT_CONTROL, two, BYTES_NONE), 0);
    run_until_received(c, 2, 4);
    const struct received *r = c->nodes[2].received;
    assert_int_equal(r[0].payload.len, 3);
    assert_int_equal(r[1].payload.len, 30 * MIB);
    assert_int_equal(r[2].payload.len, 700 * 1024);
    assert_int_equal(r[3].payload.len, 3);
    assert_memory_equal(r[3].payload.data, "two", 3);
    buf_release(&big);
}

static void test_queue_limit(void **state)
{
    struct cluster *c = *state;
    start_two(c);
    struct node *n = &c->nodes[1];
    struct buf big = BUF_INIT;
    memset(buf_reserve(&big, PAYLOAD_MAX + 1), 'b', PAYLOAD_MAX + 1);
    struct bytes one = bytes_of(big.data, MIB);
    assert_int_equal(send_to(n, 2, TRANSPORT_BULK,
                             bytes_of(big.data, PAYLOAD_MAX + 1), BYTES_NONE),
                     ERR_TOO_BIG);
    /* The queue is empty: more than its bound is taken, once. */
    assert_int_equal(send_to(n, 2, TRANSPORT_BULK,
                             bytes_of(big.data, QUEUE_MAX + MIB), BYTES_NONE),
                     0);
    assert_int_equal(send_to(n, 2, TRANSPORT_BULK, one, BYTES_NONE), ERR_LIMIT);
    run_until_received(c, 2, 1);
    node_forget_received(&c->nodes[2]);

    size_t sent = 0;
    while (send_to(n, 2, TRANSPORT_BULK, one, BYTES_NONE) == 0)
        sent++;
    assert_int_equal(sent, QUEUE_MAX / MIB - 1); /* headers count */
    /* Control still gets through, but not without end. */
    struct bytes small = bytes_of(big.data, 1024);
    size_t control = 0;
    while (send_to(n, 2, TRANSPORT_CONTROL, small, BYTES_NONE) == 0)
        control++;
    assert_true(control >= 1000 && control < 3000);
    run_until_received(c, 2, sent + control);
    assert_int_equal(send_to(n, 9, TRANSPORT_BULK, small, BYTES_NONE),
                     ERR_CLOSED);
    assert_int_equal(send_to(n, 1, TRANSPORT_BULK, small, BYTES_NONE),
                     ERR_CLOSED);
    buf_release(&big);
}

/* What the socket has not taken counts as much as what waits behind it. */
static void test_what_is_on_its_way_counts(void **state)
{
    struct cluster *c = *state;
    start_two(c);
    struct node *n = &c->nodes[1];
    const struct peer_link *k = &peer_in(c, 1, 2)->link;
    struct buf big = BUF_INIT;
    memset(buf_reserve(&big, MIB), 'b', MIB);
    struct bytes large = bytes_of(big.data, MIB);
    struct bytes small = bytes_of(big.data, 1024);
    /* Nobody reads: more than sockets hold, and so a part is in between. */
    size_t sent = 0;
    while (send_to(n, 2, TRANSPORT_BULK, large, BYTES_NONE) == 0)
        sent++;
    while (!k->conn.writing)
        peers_flush(n->peers);
    uint64_t pending = conn_pending(&k->conn);
    assert_true(pending > 4096);
    struct peer_info info;
    assert_true(peers_info(n->peers, 0, &info));
    assert_int_equal(info.queued_bytes, k->queue.bytes + pending);
    while (send_to(n, 2, TRANSPORT_BULK, large, BYTES_NONE) == 0)
        sent++;
    while (send_to(n, 2, TRANSPORT_BULK, small, BYTES_NONE) == 0)
        sent++;
    uint64_t queued = k->queue.bytes + pending;
    assert_int_equal(conn_pending(&k->conn), pending);
    assert_true(queued + small.len > QUEUE_MAX);
    assert_true(queued < QUEUE_MAX + 2 * small.len);
    run_until_received(c, 2, sent);
    buf_release(&big);
}

static bool two_is_back(struct cluster *c)
{
    return all_up(c) && c->nodes[1].incarnations[2] == 6;
}

static void test_restart(void **state)
{
    struct cluster *c = *state;
    start_two(c);
    node_stop(c, 2);
    node_start(c, 2, 6); /* at once: node 1 has not noticed yet */
    run_until(c, two_is_back);
    run_for(c, 50);
    assert_int_equal(c->nodes[1].ups[2], 2);
    assert_int_equal(c->nodes[1].downs[2], 1);
    assert_false(peer_in(c, 1, 2)->flapping); /* that was no bad link */
    assert_int_equal(
        send_to(&c->nodes[1], 2, TRANSPORT_BULK, BYTES_LIT("hi"), BYTES_NONE),
        0);
    run_until_received(c, 2, 1);
}

static void test_stale_incarnation(void **state)
{
    struct cluster *c = *state;
    start_two(c);
    node_stop(c, 2);
    run_until(c, one_sees_two_down);
    node_start(c, 2, 4);
    run_until_logged(c, 1, "no link yet: incarnation 4 is old, 5 was seen");
    run_until_logged(c, 1, "refused: incarnation 4 is old, 5 was seen already");
    run_until_logged(c, 2, "no link yet: it knows a newer start of this node");
    assert_int_equal(c->nodes[2].told[1], GREETING_OLD);
    assert_int_equal(c->nodes[2].greeting[1].known_incarnation, 5);
    assert_int_equal(c->nodes[2].greeting[1].known_nonce, 2005);
    run_for(c, 100);
    assert_int_equal(c->nodes[1].ups[2], 1);
    assert_int_equal(c->nodes[2].ups[1], 1);
    node_stop(c, 2);
    node_start(c, 2, 6);
    run_until(c, two_is_back);
}

static bool dialed_often(struct cluster *c)
{
    return peer_in(c, 1, 2)->link.backoff_ms >= 320;
}

static bool two_has_dialed(struct cluster *c)
{
    return peer_in(c, 1, 2)->inbound != NULL;
}

/* Nobody listens for a while: one line about it, longer and longer waits;
 * being dialed ends them. */
static void test_listener_absent(void **state)
{
    struct cluster *c = *state;
    node_start(c, 1, 3);
    run_until(c, dialed_often);
    assert_int_equal(lines_with(&c->nodes[1], "Connection refused"), 1);
    node_start(c, 2, 5);
    run_until(c, two_has_dialed);
    assert_int_equal(peer_in(c, 1, 2)->link.backoff_ms, PEER_BACKOFF_MIN_MS);
    run_until(c, all_up);
    assert_int_equal(lines_with(&c->nodes[1], "no link yet"), 1);
}

/* The node refuses a payload: the link goes down on both sides, with a
 * reason, and comes back. */
static void test_refused_payload(void **state)
{
    struct cluster *c = *state;
    static uint8_t zeros[PEER_FRAGMENT_BYTES + 1]; /* more than one piece */
    start_two(c);
    for (int i = 0; i < 2; i++) {
        size_t len = i == 0 ? 3 : sizeof(zeros);
        c->nodes[2].refuse = ERR_CORRUPT;
        assert_int_equal(send_to(&c->nodes[1], 2, TRANSPORT_BULK,
                                 bytes_of(zeros, len), BYTES_NONE),
                         0);
        run_until(c, one_and_two_down);
        c->nodes[2].refuse = 0;
        assert_int_equal(lines_with(&c->nodes[2], "refused: corrupt data"),
                         i + 1);
        run_until(c, all_up);
        assert_int_equal(c->nodes[1].ups[2], i + 2);
        assert_int_equal(c->nodes[2].ups[1], i + 2);
    }
}

static void start_with_secrets(struct cluster *c, const char *one,
                               const char *two)
{
    struct peers_options o = node_options(c, 1, 3);
    o.secret = one;
    node_start_with(c, &o);
    o = node_options(c, 2, 5);
    o.secret = two;
    node_start_with(c, &o);
}

static void test_secret(void **state)
{
    struct cluster *c = *state;
    start_with_secrets(c, "open sesame", "open sesame");
    run_until(c, all_up);
    run_for(c, 50);
    assert_int_equal(c->nodes[1].ups[2], 1);
    assert_int_equal(
        send_to(&c->nodes[1], 2, TRANSPORT_BULK, BYTES_LIT("hi"), BYTES_NONE),
        0);
    run_until_received(c, 2, 1);
}

static void expect_never_up(struct cluster *c)
{
    run_for(c, 150);
    for (node_id id = 1; id <= 2; id++) {
        assert_int_equal(c->nodes[id].ups[3 - id], 0);
        assert_int_equal(peer_in(c, id, 3 - id)->incarnation_seen, 0);
        assert_null(peer_in(c, id, 3 - id)->inbound);
    }
}

static void test_wrong_secret(void **state)
{
    struct cluster *c = *state;
    start_with_secrets(c, "open sesame", "open barley");
    run_until_logged(c, 1, "proof is wrong: does it have");
    run_until_logged(c, 2, "proof is wrong: does it have");
    expect_never_up(c);
}

static void test_secret_on_one_side(void **state)
{
    struct cluster *c = *state;
    start_with_secrets(c, "open sesame", NULL);
    run_until_logged(c, 1, "peer-secret is set on our side only");
    run_until_logged(c, 2, "peer-secret is set on the other side only");
    expect_never_up(c);
}

static void test_wrong_cluster(void **state)
{
    struct cluster *c = *state;
    node_start(c, 1, 3);
    struct peers_options o = node_options(c, 2, 5);
    o.cluster_id = 42;
    node_start_with(c, &o);
    run_until_logged(
        c, 1,
        "refused: it belongs to another cluster (ours 1122334455667788, "
        "theirs 000000000000002a)");
    run_until_logged(c, 2, "was one of them begun anew?");
    expect_never_up(c);
}

static void test_unknown_member(void **state)
{
    struct cluster *c = *state;
    node_start(c, 1, 3); /* knows 1 and 2 */
    c->member_count = 3;
    struct peers_options o = node_options(c, 3, 5);
    node_start_with(c, &o);
    run_until_logged(c, 1, "its node lines name other members than ours");
    run_for(c, 100);
    assert_int_equal(c->nodes[3].ups[1], 0);
    assert_int_equal(c->nodes[1].ups[2], 0);
}

/* The addresses are mixed up: member 1 dials "2" and meets 3. */
static void test_wrong_address(void **state)
{
    struct cluster *c = *state;
    c->member_count = 3;
    node_start(c, 3, 5);
    c->members[1].address = c->addresses[3];
    c->member_count = 2;
    node_start(c, 1, 3);
    run_until_logged(c, 3, "looks for member 2, but this is member 3");
    assert_int_equal(c->nodes[1].ups[2], 0);
}

static void test_bad_options(void **state)
{
    struct cluster *c = *state;
    struct peers *p;
    struct buf error = BUF_INIT;
    struct peers_options o = node_options(c, 1, 3);
    o.listen_address = "no port";
    assert_int_equal(peers_new(&p, c->loop, &o, &error), ERR_INVALID);
    assert_null(p);
    assert_true(error.len > 0);

    o = node_options(c, 1, 3);
    c->members[1].address = "127.0.0.1:nonsense";
    assert_int_equal(peers_new(&p, c->loop, &o, &error), ERR_INVALID);
    c->members[1] = (struct peer_member){7, c->addresses[2]};
    c->members[2] = c->members[1];
    o.member_count = 3;
    buf_reset(&error);
    assert_int_equal(peers_new(&p, c->loop, &o, &error), ERR_INVALID);
    assert_memory_equal(error.data,
                        "member 7 is given twice or is not a valid "
                        "id",
                        error.len);
    c->members[2].id = NODE_NONE;
    assert_int_equal(peers_new(&p, c->loop, &o, &error), ERR_INVALID);

    static const char *const hosts[] = {"two words", " ", "a\x7f", "a\n",
                                        "\x1f"};
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        o = node_options(c, 1, 3);
        o.client_host = hosts[i];
        assert_int_equal(peers_new(&p, c->loop, &o, &error), ERR_INVALID);
    }
    o = node_options(c, 1, 3);
    o.client_host = "!~"; /* the first and the last that can be seen */
    node_start_with(c, &o);
    node_stop(c, 1);

    node_start(c, 2, 5);
    o = node_options(c, 1, 3);
    o.listen_address = c->addresses[2];
    buf_reset(&error);
    assert_int_equal(peers_new(&p, c->loop, &o, &error), ERR_IO);
    buf_char(&error, '\0');
    assert_non_null(strstr((char *)error.data, "in use"));
    buf_release(&error);
}

static void test_single_node(void **state)
{
    struct cluster *c = *state;
    struct peers_options o = node_options(c, 1, 3);
    o.listen_address = NULL;
    o.member_count = 0;
    node_start_with(c, &o);
    run_for(c, 20);
    struct peer_info info;
    assert_false(peers_info(c->nodes[1].peers, 0, &info));
}

/* Cuts a connection of node `at` as the network would. */
static void cut(struct cluster *c, node_id at, node_id of, bool inbound)
{
    struct peer *peer = peer_in(c, at, of);
    int fd = peer->link.conn.fd;
    if (inbound)
        fd = peer->inbound != NULL ? peer->inbound->conn.fd : -1;
    if (fd >= 0)
        (void)shutdown(fd, SHUT_RDWR);
}

/* Whichever of the four ends breaks: both sides hear of it once. */
static void test_either_direction_breaks(void **state)
{
    struct cluster *c = *state;
    start_two(c);
    for (int i = 1; i <= 4; i++) {
        cut(c, i & 1 ? 1 : 2, i & 1 ? 2 : 1, (i & 2) != 0);
        run_until(c, one_and_two_down);
        assert_int_equal(c->nodes[1].downs[2], i);
        assert_int_equal(c->nodes[2].downs[1], i);
        run_until(c, all_up);
        assert_int_equal(c->nodes[1].ups[2], i + 1);
    }
}

/* Cuts the link until both sides know, and waits until it is back. */
static void flap(struct cluster *c)
{
    int downs = c->nodes[1].downs[2];
    cut(c, 1, 2, false);
    run_until(c, one_and_two_down);
    assert_int_equal(c->nodes[1].downs[2], downs + 1);
    run_until(c, all_up);
}

/* The link of each side has lasted for so long. */
static void has_lasted(struct cluster *c, int64_t ms)
{
    peer_in(c, 1, 2)->up_since_ms = clock_mono_ms() - ms;
    peer_in(c, 2, 1)->up_since_ms = clock_mono_ms() - ms;
}

/* Links that last for less than a second are dialed later and later; being
 * dialed by the other side is no reason to hurry then. A link that has lasted
 * begins from the start. */
static void test_flapping_links_wait_longer(void **state)
{
    struct cluster *c = *state;
    start_two(c);
    const struct peer *peer = peer_in(c, 1, 2);
    int64_t before = PEER_BACKOFF_MIN_MS;
    for (int i = 0; i < 4; i++) {
        flap(c);
        assert_true(peer->flapping);
        assert_true(peer->link.backoff_ms > before);
        before = peer->link.backoff_ms;
    }
    assert_true(before >= 16 * PEER_BACKOFF_MIN_MS);
    has_lasted(c, PEER_SHORT_LIFE_MS - 200);
    flap(c); /* not long enough */
    assert_true(peer->flapping);
    assert_true(peer->link.backoff_ms >= 2 * before);
    has_lasted(c, PEER_SHORT_LIFE_MS);
    flap(c);
    assert_false(peer->flapping);
    assert_true(peer->link.backoff_ms <= 2 * PEER_BACKOFF_MIN_MS);
}

/* What was sent and received on earlier connections is not forgotten. */
static void test_bytes_are_counted_over_links(void **state)
{
    struct cluster *c = *state;
    struct peer_info sent[2], received[2];
    start_two(c);
    struct buf body = BUF_INIT;
    memset(buf_reserve(&body, 100000), 'b', 100000);
    body.len = 100000;
    assert_int_equal(
        send_to(&c->nodes[1], 2, TRANSPORT_BULK, buf_view(&body), BYTES_NONE),
        0);
    run_until_received(c, 2, 1);
    assert_true(peers_info(c->nodes[1].peers, 0, &sent[0]));
    assert_true(peers_info(c->nodes[2].peers, 0, &received[0]));
    flap(c);
    flap(c);
    assert_true(peers_info(c->nodes[1].peers, 0, &sent[1]));
    assert_true(peers_info(c->nodes[2].peers, 0, &received[1]));
    assert_true(sent[0].sent_bytes > 100000);
    assert_true(received[0].received_bytes > 100000);
    assert_true(sent[1].sent_bytes > sent[0].sent_bytes);
    assert_true(received[1].received_bytes > received[0].received_bytes);
    assert_true(sent[1].sent_bytes < 2 * 100000);
    assert_true(received[1].received_bytes < 2 * 100000);
    buf_release(&body);
}

static bool one_connects(struct cluster *c)
{
    return peer_in(c, 1, 2)->link.state == LINK_CONNECTING;
}

/* A host that was down has lost the first packet: when it comes back, and
 * dials us, that attempt is given up for a new one, unless it is just made. */
static void test_lost_attempt_is_given_up(void **state)
{
    struct cluster *c = *state;
    struct address a;
    int others[8];
    assert_int_equal(address_parse(bytes_str(c->addresses[2]), &a), 0);
    int fd = socket_listen(&a, 1);
    assert_true(fd >= 0);
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        others[i] = socket_connect(&a); /* until no more are taken */
    node_start(c, 1, 3);
    run_until(c, one_connects);
    run_for(c, 20);
    assert_true(one_connects(c));
    struct peer *peer = peer_in(c, 1, 2);
    peer->link.dialed_at_ms = clock_mono_ms();
    peer_link_hurry(peer);
    assert_true(one_connects(c));
    peer->link.dialed_at_ms = clock_mono_ms() - 1000;
    peer_link_hurry(peer);
    assert_int_equal(peer->link.state, LINK_WAITING);
    run_until(c, one_connects); /* at once, and anew */
    assert_true(clock_mono_ms() - peer->link.dialed_at_ms < 900);
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        socket_close(others[i]);
    socket_close(fd);
}

/* A connection serves one direction: who was dialed only reads from it. */
static void test_answer_on_a_link(void **state)
{
    struct cluster *c = *state;
    start_two(c);
    int downs = c->nodes[1].downs[2];
    int fd = peer_in(c, 2, 1)->inbound->conn.fd;
    assert_int_equal(write(fd, "x", 1), 1);
    run_until_logged(c, 1, "link down: it sends on a connection on which");
    assert_int_equal(c->nodes[1].downs[2], downs + 1);
    run_until(c, all_up);
}

static void write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

/* From now on this thread is in a network of its own, in which there is one
 * port to connect from. False: it may not do that. */
static bool enter_small_network(const char *port)
{
    struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    char range[32];
    if (unshare(CLONE_NEWNET) != 0)
        return false;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &lo), 0);
    close(fd);
    snprintf(range, sizeof(range), "%s %s", port, port);
    write_text("/proc/sys/net/ipv4/ip_local_port_range", range);
    return true;
}

/* On one machine, a node that dials a port at which nobody listens may be
 * given this port itself: then it is connected with itself. */
static void test_connected_with_itself(void **state)
{
    struct cluster *c = *state;
    int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    assert_true(home >= 0);
    if (!enter_small_network(strrchr(c->addresses[2], ':') + 1)) {
        close(home);
        skip();
    }
    node_start(c, 1, 3);
    run_until_logged(c, 1, "no link yet: Connection refused");
    assert_int_equal(lines_with(&c->nodes[1], "no link yet"), 1);
    run_for(c, 200);
    assert_int_equal(lines_with(&c->nodes[1], "which is this node"), 0);
    assert_int_equal(lines_with(&c->nodes[1], "answers at its address"), 0);
    node_stop(c, 1);
    assert_int_equal(setns(home, CLONE_NEWNET), 0);
    close(home);
}

/* Even if the socket takes all: the other links have their turn after 2 MiB. */
static void test_links_take_turns(void **state)
{
    const int room = 64 << 20;
    struct cluster *c = *state;
    struct peer_info sent[2];
    struct buf body = BUF_INIT;
    start_two(c);
    int from = peer_in(c, 1, 2)->link.conn.fd;
    int to = peer_in(c, 2, 1)->inbound->conn.fd;
    if (setsockopt(from, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)) !=
            0 ||
        setsockopt(to, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) != 0)
        skip(); /* it needs the right to do so */
    memset(buf_reserve(&body, 1 << 20), 'b', 1 << 20);
    body.len = 1 << 20;
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(send_to(&c->nodes[1], 2, TRANSPORT_BULK,
                                 buf_view(&body), BYTES_NONE),
                         0);
    assert_true(peers_info(c->nodes[1].peers, 0, &sent[0]));
    peers_flush(c->nodes[1].peers);
    assert_true(peers_info(c->nodes[1].peers, 0, &sent[1]));
    uint64_t once = sent[1].sent_bytes - sent[0].sent_bytes;
    assert_in_range(once, 2 << 20, 3 << 20);
    run_until_received(c, 2, 8);
    buf_release(&body);
}

/* A process that accepts and says nothing: given up, and dialed again. Each
 * new reason is told, and an old one again after the link was up. */
static void test_silent_listener(void **state)
{
    struct cluster *c = *state;
    struct address a;
    assert_int_equal(address_parse(bytes_str(c->addresses[2]), &a), 0);
    node_start(c, 1, 3);
    run_until_logged(c, 1, "no link yet: Connection refused");
    int fd = socket_listen(&a, 8);
    assert_true(fd >= 0);
    run_until_logged(c, 1, "no link yet: the handshake took too long");
    assert_int_equal(c->nodes[1].ups[2], 0);
    socket_close(fd);
    node_start(c, 2, 5);
    run_until(c, all_up);
    int before = lines_with(&c->nodes[1], "no link yet: Connection refused");
    node_stop(c, 2);
    run_until(c, one_sees_two_down);
    c->wanted = (size_t)before + 1;
    c->watched = 1;
    c->text = "no link yet: Connection refused";
    run_until(c, watched_logged);
}

/* What a member does wrong again and again is a line a second. */
static void test_complaints_are_bounded(void **state)
{
    struct cluster *c = *state;
    node_start(c, 1, 3);
    struct peer *peer = peer_in(c, 1, 2);
    for (int i = 0; i < 3; i++)
        peer_complain(peer, "complaint %d", i);
    assert_int_equal(lines_with(&c->nodes[1], "complaint 0"), 1);
    assert_int_equal(lines_with(&c->nodes[1], "complaint"), 1);
    peer->complained_at_ms -= 1000;
    peer_complain(peer, "complaint again");
    assert_int_equal(lines_with(&c->nodes[1], "complaint again"), 1);
}

static bool attempts_are_far_apart(struct cluster *c)
{
    return peer_in(c, 1, 2)->link.backoff_ms >= PEER_BACKOFF_MAX_MS;
}

/* The wait has a bound. */
static void test_back_off_is_bounded(void **state)
{
    struct cluster *c = *state;
    node_start(c, 1, 3);
    struct peer *peer = peer_in(c, 1, 2);
    peer->link.backoff_ms = PEER_BACKOFF_MAX_MS - 1;
    run_until(c, attempts_are_far_apart);
    assert_int_equal(peer->link.backoff_ms, PEER_BACKOFF_MAX_MS);
    peer_link_wait(&peer->link);
    assert_int_equal(peer->link.backoff_ms, PEER_BACKOFF_MAX_MS);
}

static void chaos_cb(void *ctx)
{
    struct cluster *c = ctx;
    struct node *one = &c->nodes[1];
    uint64_t r = rng_next(&one->incarnations[0]);
    cut(c, 1 + (r & 1), 2 - (r & 1), (r & 2) != 0);
    (void)send_to(&c->nodes[1], 2, TRANSPORT_BULK, BYTES_LIT("x"), BYTES_NONE);
    (void)send_to(&c->nodes[2], 1, TRANSPORT_BULK, BYTES_LIT("y"), BYTES_NONE);
    if (c->wanted-- > 0)
        loop_timer_start(c->loop, &c->tick, (int64_t)(r >> 8) % 12);
    else
        loop_stop(c->loop);
}

/* Ends cut at random moments of the handshakes: up and down alternate (the
 * fixture checks), nothing is stuck, and the link stands at last. */
static void test_random_cuts(void **state)
{
    struct cluster *c = *state;
    start_with_secrets(c, "s", "s");
    c->nodes[1].incarnations[0] = 11; /* the seed */
    c->wanted = 300;
    c->tick = (struct loop_timer){NULL, chaos_cb, c};
    loop_timer_start(c->loop, &c->tick, 0);
    assert_true(run_quietly(c, NULL, DEADLINE_MS));
    loop_timer_stop(c->loop, &c->tick);
    run_until(c, all_up);
    node_forget_received(&c->nodes[2]);
    assert_int_equal(send_to(&c->nodes[1], 2, TRANSPORT_BULK,
                             BYTES_LIT("still here"), BYTES_NONE),
                     0);
    run_until_received(c, 2, 1);
}

int main(void)
{
#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, cluster_setup, cluster_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_up_and_down_once),
        TEST(test_client_host),
        TEST(test_client_host_star),
        TEST(test_client_host_any),
        TEST(test_client_host_brackets),
        TEST(test_messages_in_order),
        TEST(test_empty_payload),
        TEST(test_large_payload),
        TEST(test_control_overtakes),
        TEST(test_queue_limit),
        TEST(test_what_is_on_its_way_counts),
        TEST(test_restart),
        TEST(test_stale_incarnation),
        TEST(test_listener_absent),
        TEST(test_refused_payload),
        TEST(test_secret),
        TEST(test_wrong_secret),
        TEST(test_secret_on_one_side),
        TEST(test_wrong_cluster),
        TEST(test_unknown_member),
        TEST(test_wrong_address),
        TEST(test_bad_options),
        TEST(test_single_node),
        TEST(test_either_direction_breaks),
        TEST(test_flapping_links_wait_longer),
        TEST(test_back_off_is_bounded),
        TEST(test_bytes_are_counted_over_links),
        TEST(test_answer_on_a_link),
        TEST(test_lost_attempt_is_given_up),
        TEST(test_connected_with_itself),
        TEST(test_complaints_are_bounded),
        TEST(test_links_take_turns),
        TEST(test_silent_listener),
        TEST(test_random_cuts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
