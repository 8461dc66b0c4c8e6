/*
 * Links: bounds that need no network, what a link forgets when it comes up or
 * breaks, and that nodes do not all draw the same delays.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "os/clock.h"
#include "os/socket.h"
#include "unit/peer/fixture.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>

static void start_two(struct cluster *c)
{
    node_start(c, 1, 3);
    node_start(c, 2, 5);
    run_until(c, all_up);
}

/* Else those that lost each other at the same moment would dial so, too. */
static void delays_are_drawn_anew(void **state)
{
    struct cluster *c = *state;
    node_start(c, 1, 3);
    node_start(c, 2, 5);
    assert_true(c->nodes[1].peers->rng != c->nodes[2].peers->rng);
    struct peers *p = c->nodes[1].peers;
    struct peer_link *k = &peer_in(c, 1, 2)->link;
    int64_t before = k->backoff_ms;
    uint64_t rng = p->rng;
    peer_link_wait(k);
    assert_true(p->rng != rng); /* it was drawn */
    assert_int_equal(k->backoff_ms, MIN(2 * before, PEER_BACKOFF_MAX_MS));
}

/* How long the last link lasted says nothing of a half of the next one. */
static void only_links_that_were_up_flap(void **state)
{
    struct cluster *c = *state;
    node_start(c, 1, 3);
    struct peer *peer = peer_in(c, 1, 2);
    for (int flaps = 0; flaps < 2; flaps++) {
        peer->flapping = flaps != 0;
        peer->up_since_ms = flaps ? 0 : clock_mono_ms();
        peer_break(peer, "whatever");
        assert_int_equal(peer->flapping, flaps);
    }
}

static void a_short_life_has_a_length(void **state)
{
    struct cluster *c = *state;
    start_two(c);
    struct peer *peer = peer_in(c, 1, 2);
    peer->up_since_ms = clock_mono_ms() - PEER_SHORT_LIFE_MS;
    peer->link.backoff_ms = 777;
    peer_break(peer, "it has lasted");
    assert_false(peer->flapping);
    assert_int_equal(peer->link.backoff_ms, 2 * PEER_BACKOFF_MIN_MS);
    assert_int_equal(lines_with(&c->nodes[1], "link down: it has lasted"), 1);
    assert_int_equal(c->nodes[1].downs[2], 1);
}

/* A reason is told again once the link was up in between. */
static void reasons_are_forgotten(void **state)
{
    struct cluster *c = *state;
    node_start(c, 1, 3);
    run_until_logged(c, 1, "no link yet: Connection refused");
    struct peer_link *k = &peer_in(c, 1, 2)->link;
    assert_string_equal(k->failure, "Connection refused");
    node_start(c, 2, 5);
    run_until(c, all_up);
    assert_string_equal(k->failure, "");
    assert_int_equal(peer_in(c, 1, 2)->nth, 0);
}

static bool two_is_back(struct cluster *c)
{
    return all_up(c) && c->nodes[1].incarnations[2] == 6;
}

/* A member that is restarted tells anew where its clients find it, or that it
 * has none. */
static void clients_addresses_are_forgotten(void **state)
{
    struct cluster *c = *state;
    struct peer_info info;
    start_two(c);
    assert_string_equal(c->nodes[1].client_address[2], "127.0.0.1:7002");
    node_stop(c, 2);
    struct peers_options o = node_options(c, 2, 6);
    o.client_port = 0;
    node_start_with(c, &o);
    run_until(c, two_is_back);
    assert_string_equal(c->nodes[1].client_address[2], "");
    assert_true(peers_info(c->nodes[1].peers, 0, &info));
    assert_string_equal(info.client_address, "");
}

/* A payload may be as large as it may, and queued as much as may be queued;
 * an empty queue takes any. */
static void what_may_be_sent(void **state)
{
    struct cluster *c = *state;
    struct peers_options o = node_options(c, 1, 3);
    o.payload_bytes_max = 3000;
    o.queue_bytes_max = 2000;
    node_start_with(c, &o);
    node_start(c, 2, 5);
    run_until(c, all_up);
    struct node *n = &c->nodes[1];
    static uint8_t zeros[3001 + PEER_CONTROL_EXTRA_BYTES];
    const struct bytes b = bytes_of(zeros, sizeof(zeros));
    struct peer_link *k = &peer_in(c, 1, 2)->link;
    assert_int_equal(send_to(n, 2, TRANSPORT_BULK, bytes_of(b.data, 2001),
                             bytes_of(b.data, 1000)),
                     ERR_TOO_BIG);
    assert_int_equal(send_to(n, 2, TRANSPORT_BULK, bytes_of(b.data, 2000),
                             bytes_of(b.data, 1000)),
                     0);
    uint64_t queued = peer_link_queued(peer_in(c, 1, 2));
    assert_true(queued > 2000);
    assert_int_equal(
        send_to(n, 2, TRANSPORT_BULK, bytes_of(b.data, 1), BYTES_NONE),
        ERR_LIMIT);
    peer_queue_clear(&k->queue);
    assert_int_equal(
        send_to(n, 2, TRANSPORT_BULK, bytes_of(b.data, 1000), BYTES_NONE), 0);
    queued = peer_link_queued(peer_in(c, 1, 2));
    assert_true(queued > 1000 && queued < 1100);
    assert_int_equal(send_to(n, 2, TRANSPORT_BULK,
                             bytes_of(b.data, 2001 - queued), BYTES_NONE),
                     ERR_LIMIT);
    assert_int_equal(send_to(n, 2, TRANSPORT_BULK,
                             bytes_of(b.data, 2000 - queued), BYTES_NONE),
                     0);
    assert_int_equal(
        send_to(n, 2, TRANSPORT_CONTROL, bytes_of(b.data, 3000), BYTES_NONE),
        0);
    assert_int_equal(send_to(n, 3, TRANSPORT_CONTROL, BYTES_NONE, BYTES_NONE),
                     ERR_CLOSED);
    peer_queue_clear(&k->queue);
}

/* What goes in the background has a bound of its own: nothing else is held up
 * by it, and it is not held up by a full queue. */
static void what_goes_in_the_background(void **state)
{
    struct cluster *c = *state;
    struct peers_options o = node_options(c, 1, 3);
    o.payload_bytes_max = TRANSPORT_BACKGROUND_PAYLOAD;
    o.queue_bytes_max = 2000;
    node_start_with(c, &o);
    node_start(c, 2, 5);
    run_until(c, all_up);
    struct node *n = &c->nodes[1];
    struct peer_link *k = &peer_in(c, 1, 2)->link;
    static uint8_t zeros[TRANSPORT_BACKGROUND_PAYLOAD];
    const struct bytes piece = bytes_of(zeros, 100 * 1000);
    uint64_t sent = 0;
    while (send_to(n, 2, TRANSPORT_BACKGROUND, piece, BYTES_NONE) == 0)
        sent += piece.len;
    assert_in_range(sent, TRANSPORT_BACKGROUND_BYTES - 2 * piece.len,
                    TRANSPORT_BACKGROUND_BYTES);
    assert_int_equal(
        send_to(n, 2, TRANSPORT_BULK, bytes_of(zeros, 1900), BYTES_NONE), 0);
    assert_int_equal(
        send_to(n, 2, TRANSPORT_BULK, bytes_of(zeros, 1900), BYTES_NONE),
        ERR_LIMIT);
    assert_int_equal(
        send_to(n, 2, TRANSPORT_CONTROL, bytes_of(zeros, 1900), BYTES_NONE), 0);
    run_until_received(c, 2, sent / piece.len + 2);
    assert_true(peer_queue_empty(&k->queue));
    /* Who was sent last is received first. */
    assert_int_equal(c->nodes[2].received[0].payload.len, 1900);
    assert_int_equal(c->nodes[2].received[1].payload.len, 1900);
    assert_int_equal(c->nodes[2].received[2].payload.len, piece.len);
    assert_int_equal(send_to(n, 2, TRANSPORT_BACKGROUND, piece, BYTES_NONE), 0);
    peer_queue_clear(&k->queue);
}

static void raw_bytes(struct cluster *c, const char *text)
{
    struct address a;
    assert_int_equal(address_parse(bytes_str(c->addresses[1]), &a), 0);
    int fd = socket_connect(&a);
    assert_true(fd >= 0);
    while (socket_connect_result(fd) == ERR_AGAIN)
        usleep(500);
    assert_int_equal(socket_write(fd, text, strlen(text)), strlen(text));
    int strangers = (int)c->nodes[1].peers->stranger_count;
    assert_int_equal(strangers, 0);
    shutdown(fd, SHUT_WR);
    for (int i = 0; i < 200; i++) {
        char byte;
        run_for(c, 10);
        if (socket_read(fd, &byte, 1) != ERR_AGAIN)
            break;
    }
    socket_close(fd);
}

/* Strangers together have a line a second in the log. */
static void strangers_are_told_once_a_second(void **state)
{
    static const char text[] = "peer connection from 127.0.0.1";
    struct cluster *c = *state;
    struct node *n = &c->nodes[1];
    node_start(c, 1, 3);
    raw_bytes(c, "GET / HTTP/1.1\r\n\r\n");
    assert_int_equal(lines_with(n, text), 1);
    n->peers->complained_at_ms = clock_mono_ms() + 60000;
    raw_bytes(c, "GET / HTTP/1.1\r\n\r\n");
    assert_int_equal(lines_with(n, text), 1);
    n->peers->complained_at_ms = clock_mono_ms() - 1000;
    raw_bytes(c, "GET / HTTP/1.1\r\n\r\n");
    assert_int_equal(lines_with(n, text), 2);
}

/* What is said of a link, word for word. */
static void links_are_told(void **state)
{
    struct cluster *c = *state;
    struct node *n = &c->nodes[1];
    char line[256];
    node_start(c, 1, 3);
    run_until_logged(c, 1, "no link yet");
    snprintf(line, sizeof(line),
             "peer 2 (%s): no link yet: Connection "
             "refused\n",
             c->addresses[2]);
    assert_int_equal(lines_with(n, line), 1);
    node_start(c, 2, 5);
    run_until(c, all_up);
    snprintf(line, sizeof(line), "peer 2 (%s): link up, incarnation 5\n",
             c->addresses[2]);
    assert_int_equal(lines_with(n, line), 1);
    peer_break(peer_in(c, 1, 2), "for a test");
    snprintf(line, sizeof(line), "peer 2 (%s): link down: for a test\n",
             c->addresses[2]);
    assert_int_equal(lines_with(n, line), 1);
    peer_complain(peer_in(c, 1, 2), "complains of %d", 7);
    snprintf(line, sizeof(line), "peer 2 (%s): complains of 7\n",
             c->addresses[2]);
    assert_int_equal(lines_with(n, line), 1);
    /* What is held back does not hold back what follows. */
    int64_t at = clock_mono_ms() + 60000;
    peer_in(c, 1, 2)->complained_at_ms = at;
    peer_complain(peer_in(c, 1, 2), "complains of %d", 7);
    assert_int_equal(lines_with(n, line), 1);
    assert_true(peer_in(c, 1, 2)->complained_at_ms == at);
}

/* A start that fails says what is wrong, and what would be right. */
static void starts_that_fail_are_told(void **state)
{
    struct cluster *c = *state;
    struct peers *p;
    struct buf error = BUF_INIT;
    char said[512];
    struct peers_options o = node_options(c, 1, 3);
    o.listen_address = "nobody";
    assert_int_equal(peers_new(&p, c->loop, &o, &error), ERR_INVALID);
    snprintf(said, sizeof(said), "peer address 'nobody': %s%c",
             error_text(ERR_INVALID), '\0');
    assert_memory_equal(error.data, said, error.len);
    buf_reset(&error);
    o = node_options(c, 1, 3);
    c->members[1].address = "127.0.0.1:x";
    assert_int_equal(peers_new(&p, c->loop, &o, &error), ERR_INVALID);
    snprintf(said, sizeof(said), "member 2: address '127.0.0.1:x': %s",
             error_text(ERR_INVALID));
    assert_int_equal(error.len, strlen(said));
    assert_memory_equal(error.data, said, error.len);
    c->members[1].address = c->addresses[2];
    buf_reset(&error);
    for (int twice = 0; twice < 2; twice++) {
        struct peer_member wrong[3] = {c->members[0], c->members[1],
                                       c->members[1]};
        wrong[2].id = twice ? 2 : NODE_NONE;
        o.members = wrong;
        o.member_count = 3;
        assert_int_equal(peers_new(&p, c->loop, &o, &error), ERR_INVALID);
        snprintf(said, sizeof(said),
                 "member %u is given twice or is not a valid id", wrong[2].id);
        assert_int_equal(error.len, strlen(said));
        assert_memory_equal(error.data, said, error.len);
        buf_reset(&error);
    }
    o = node_options(c, 1, 3);
    o.client_host = "a b";
    assert_int_equal(peers_new(&p, c->loop, &o, &error), ERR_INVALID);
    snprintf(said, sizeof(said),
             "the address for clients, 'a b', is not "
             "valid");
    assert_int_equal(error.len, strlen(said));
    assert_memory_equal(error.data, said, error.len);
    node_start(c, 2, 5);
    buf_reset(&error);
    o = node_options(c, 1, 3);
    o.listen_address = c->addresses[2];
    assert_int_equal(peers_new(&p, c->loop, &o, &error), ERR_IO);
    snprintf(said, sizeof(said),
             "cannot listen on peer address %s: Address already in use; the "
             "node line of this node-id names it, and it must be a free port "
             "of this machine",
             c->addresses[2]);
    assert_int_equal(error.len, strlen(said));
    assert_memory_equal(error.data, said, error.len);
    buf_release(&error);
}

/* The kernel knows at once that nobody can be reached there: the next attempt
 * follows all the same. */
static void what_fails_at_once_is_tried_again(void **state)
{
    struct cluster *c = *state;
    c->members[1].address = "255.255.255.255:1";
    node_start(c, 1, 3);
    struct peer_link *k = &peer_in(c, 1, 2)->link;
    run_until_logged(c, 1, "peer 2 (255.255.255.255:1): no link yet: ");
    assert_int_equal(k->state, LINK_WAITING);
    assert_true(k->timer.impl != NULL);
    c->members[1].address = c->addresses[2];
}

/* Whoever minds nothing but links has links. */
static void some_events_may_be_missing(void **state)
{
    struct cluster *c = *state;
    for (node_id id = 1; id <= 2; id++) {
        struct peers_options o = node_options(c, id, 3);
        struct node *n = &c->nodes[id];
        n->events.known = NULL;
        n->events.levels = NULL;
        n->events.admit = NULL;
        n->events.greeted = NULL;
        n->events.granted = NULL;
        for (node_id to = 1; to <= 2; to++)
            n->level_max[to] = 1; /* as it was not told */
        node_start_with(c, &o);
    }
    run_until(c, all_up);
}

/* A member says where it is, unless that is everywhere. */
static void an_address_that_says_nothing_is_not_told(void **state)
{
    struct cluster *c = *state;
    char all[ADDRESS_TEXT_MAX + 16];
    const char *port = strrchr(c->addresses[1], ':');
    struct peers_options o = node_options(c, 1, 3);
    node_start(c, 2, 5);
    assert_string_equal(c->nodes[2].peers->greeting.peer_address,
                        c->addresses[2]);
    snprintf(all, sizeof(all), "0.0.0.0%s", port);
    o.listen_address = all;
    node_start_with(c, &o);
    assert_string_equal(c->nodes[1].peers->greeting.peer_address, "");
    assert_true(peers_any_address(all));
    assert_true(peers_any_address("[::]:7"));
    assert_true(peers_any_address("*:7"));
    assert_true(peers_any_address(""));
    assert_false(peers_any_address("a:7"));
    assert_false(peers_any_address("[::1]:7"));
}

/* Who asks for warnings only hears of what is wrong, and of no more. */
static void lines_have_their_levels(void **state)
{
    struct cluster *c = *state;
    struct address a;
    char line[256];
    node_start(c, 1, 5);
    snprintf(line, sizeof(line),
             "* peer 2 (%s): no link yet: ", c->addresses[2]);
    run_until_logged(c, 1, line);
    node_start(c, 2, 5);
    run_until(c, all_up);
    snprintf(line, sizeof(line), "* peer 2 (%s): link up, incarnation 5",
             c->addresses[2]);
    run_until_logged(c, 1, line);
    node_stop(c, 2);
    snprintf(line, sizeof(line), "# peer 2 (%s): link down: ", c->addresses[2]);
    run_until_logged(c, 1, line);
    assert_int_equal(address_parse(bytes_str(c->addresses[1]), &a), 0);
    int fd = socket_connect(&a);
    assert_true(fd >= 0);
    assert_int_equal(socket_write(fd, "GET / HTTP/1.1\r\n\r\n  ", 20), 20);
    run_until_logged(c, 1, "# peer connection from 127.0.0.1:");
    socket_close(fd);
}

static int option_of(int fd, int level, int name)
{
    int value = -1;
    socklen_t len = sizeof(value);
    assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
    return value;
}

/* A link that hangs is noticed, and small messages are not held back; of both
 * directions. */
static void sockets_are_made_fit(void **state)
{
    struct cluster *c = *state;
    start_two(c);
    const struct peer *peer = peer_in(c, 1, 2);
    const int fds[2] = {peer->link.conn.fd, peer->inbound->conn.fd};
    for (int i = 0; i < 2; i++) {
        assert_int_not_equal(option_of(fds[i], IPPROTO_TCP, TCP_NODELAY), 0);
        assert_int_not_equal(option_of(fds[i], SOL_SOCKET, SO_KEEPALIVE), 0);
        assert_int_equal(option_of(fds[i], IPPROTO_TCP, TCP_KEEPIDLE),
                         PEER_KEEPALIVE_S);
        assert_int_equal(option_of(fds[i], IPPROTO_TCP, TCP_USER_TIMEOUT),
                         PEER_USER_TIMEOUT_MS);
    }
    assert_int_equal(option_of(fds[0], IPPROTO_TCP, TCP_NOTSENT_LOWAT),
                     256 * 1024);
}

/* Who is refused for what it says is named by what it says that it is. */
static void a_refused_peer_is_named(void **state)
{
    struct cluster *c = *state;
    char line[256];
    node_start(c, 1, 5);
    struct peers_options other = node_options(c, 2, 7);
    other.cluster_id = CLUSTER_ID + 1;
    node_start_with(c, &other);
    snprintf(line, sizeof(line),
             "# peer 2 (%s): connection from 127.0.0.1:", c->addresses[2]);
    run_until_logged(c, 1, line);
    assert_true(lines_with(&c->nodes[1], "it belongs to another cluster") > 0);
}

/* No descriptor is left for who comes: the log of this member says so. There
 * are more than one may have that a dial of its own has let go. */
static void who_cannot_be_let_in_is_told(void **state)
{
    struct cluster *c = *state;
    struct rlimit before, few;
    struct address a;
    node_start(c, 1, 5);
    assert_int_equal(address_parse(bytes_str(c->addresses[1]), &a), 0);
    int fds[8];
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        fds[i] = socket_connect(&a);
        assert_true(fds[i] >= 0);
    }
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = (rlim_t)fds[ARRAY_LEN(fds) - 1] + 1;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    run_until_logged(c, 1, "accepting connections failed: Too many open files");
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        socket_close(fds[i]);
}

int main(void)
{
#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, cluster_setup, cluster_teardown)
    const struct CMUnitTest tests[] = {
        TEST(delays_are_drawn_anew),
        TEST(lines_have_their_levels),
        TEST(an_address_that_says_nothing_is_not_told),
        TEST(what_fails_at_once_is_tried_again),
        TEST(some_events_may_be_missing),
        TEST(sockets_are_made_fit),
        TEST(a_refused_peer_is_named),
        TEST(who_cannot_be_let_in_is_told),
        TEST(only_links_that_were_up_flap),
        TEST(a_short_life_has_a_length),
        TEST(reasons_are_forgotten),
        TEST(clients_addresses_are_forgotten),
        TEST(what_may_be_sent),
        TEST(what_goes_in_the_background),
        TEST(links_are_told),
        TEST(starts_that_fail_are_told),
        TEST(strangers_are_told_once_a_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
#undef TEST
}
