/*
 * The direction that we dial: TCP connect, HELLO, WELCOME, PROOFs, GREETINGs,
 * then sending until it breaks.
 *
 * Sending: chunks move from the queue into conn.out only as fast as the socket
 * takes them, so a control frame waits in this process behind a few hundred KiB
 * at most. A large chunk is swapped into the empty buffer instead of copied.
 *
 * How it fails: every failure ends in LINK_WAITING with a timer. The delay
 * doubles with each failed attempt and with each link that lasted less than a
 * second; it is drawn from its upper half, so that nodes that lost each other
 * at the same moment do not dial at the same moment.
 */
#include "peer/peer_internal.h"

#include "os/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define OUT_BYTES_TARGET ((size_t)256 * 1024) /* filled into conn.out */
#define SWAP_BYTES_MIN   ((size_t)32 * 1024)
#define FLUSH_BYTES_MAX  ((uint64_t)2 * 1024 * 1024) /* per iteration */
#define HURRY_AFTER_MS   200
#define NOT_SENT_BYTES   ((size_t)256 * 1024) /* held by the kernel */

/* ----- waiting, and why ----- */

/* An attempt has failed. A reason is not logged again while it stays the same:
 * a member that is down for a day would give a line per second. */
static void attempt_failed(struct peer_link *k, const char *why)
{
    struct peer *peer = peer_of_link(k);
    char text[PEER_FAILURE_MAX];
    ASSERT(k->state != LINK_ESTABLISHED);
    bool reached = peer->inbound != NULL;
    snprintf(text, sizeof(text), "%.*s%s%s", PEER_WHY_MAX, why,
             reached ? "; it has reached this node from " : "",
             reached ? peer->inbound->address : "");
    if (strcmp(k->failure, text) != 0) {
        memcpy(k->failure, text, sizeof(text));
        if (peer->id == NODE_NONE)
            log_notice(peer->peers->log, "seed %s: %s", peer->address,
                       k->failure);
        else
            log_notice(peer->peers->log, "peer %u (%s): no link yet: %s",
                       peer->id, peer->address, k->failure);
    }
    peer_link_wait(k);
    peer_place_next(peer);
}

/* ----- handshake ----- */

static void send_frame(struct peer_link *k, uint8_t type, struct bytes payload)
{
    size_t begin = frame_begin(&k->conn.out, type, 0);
    buf_bytes(&k->conn.out, payload);
    frame_end(&k->conn.out, begin);
    conn_flush(&k->conn);
}

static void send_hello(struct peer_link *k)
{
    struct peer *peer = peer_of_link(k);
    struct hello h;
    peers_hello_fill(peer->peers, peer->id, &h);
    struct buf bytes = BUF_INIT;
    hello_encode(&h, &bytes);
    ASSERT(bytes.len == sizeof(k->hello));
    memcpy(k->hello, bytes.data, bytes.len);
    send_frame(k, FRAME_HELLO, buf_view(&bytes));
    buf_release(&bytes);
}

static void send_proof(struct peer_link *k)
{
    struct peers *p = peer_of_link(k)->peers;
    struct proof proof;
    peer_proof_make(buf_view(&p->secret), PEER_PROOF_DIALER,
                    bytes_of(k->hello, HELLO_SIZE),
                    bytes_of(k->welcome, HELLO_SIZE), &proof);
    struct buf bytes = BUF_INIT;
    proof_encode(&proof, &bytes);
    send_frame(k, FRAME_PROOF, buf_view(&bytes));
    buf_release(&bytes);
}

static struct peer_talk talk_of(const struct peer_link *k,
                                enum peer_proof_role role)
{
    return (struct peer_talk){role, bytes_of(k->hello, HELLO_SIZE),
                              bytes_of(k->welcome, HELLO_SIZE)};
}

/* Before theirs is known: the verdict on them is their affair when they dial.
 */
static void send_greeting(struct peer_link *k)
{
    struct peer_talk talk = talk_of(k, PEER_PROOF_DIALER);
    peer_greet_send(peer_of_link(k), &talk, GREETING_WELCOME, &k->conn);
}

/* The peer has proved who it is, and each is welcome to the other. */
static void establish(struct peer_link *k, uint64_t nonce)
{
    struct peer *peer = peer_of_link(k);
    const struct peer_inbound *in = peer->inbound;
    ASSERT(in == NULL || in->hello.from_incarnation == k->incarnation);
    peer_greet_remember(peer, k->incarnation, nonce);
    loop_timer_stop(peer->peers->loop, &k->timer);
    peer_link_move(k, LINK_ESTABLISHED);
    peer->nth = 0;
    k->failure[0] = '\0';
    peer_join(peer);
    if (!peer->up)
        loop_timer_start(peer->peers->loop, &peer->one_way, PEER_ONE_WAY_MS);
}

static int take_welcome(struct peer_link *k, struct bytes payload,
                        char why[PEER_WHY_MAX])
{
    struct peer *peer = peer_of_link(k);
    struct peers *p = peer->peers;
    struct hello h;
    int err = hello_decode(payload, &h);
    if (err != 0)
        return err;
    err = peer_hello_check(&p->identity, &h, why);
    if (err != 0)
        return err;
    peer->met = h.from;
    bool expected = peer->id == NODE_NONE || h.from == peer->id;
    if (!expected || h.to_incarnation == 0) {
        snprintf(why, PEER_WHY_MAX, "member %u answers at its address", h.from);
        return ERR_MISMATCH;
    }
    if (peer->id == NODE_NONE && p->identity.cluster_id != 0) {
        peers_seed_met(p, peer);
        snprintf(why, PEER_WHY_MAX, "member %u is there", h.from);
        return ERR_MISMATCH;
    }
    ASSERT(payload.len == sizeof(k->welcome));
    memcpy(k->welcome, payload.data, payload.len);
    k->incarnation = h.from_incarnation;
    if (p->identity.secured)
        send_proof(k);
    send_greeting(k);
    peer_link_move(k, p->identity.secured ? LINK_PROOF : LINK_GREETING);
    return 0;
}

static int take_proof(struct peer_link *k, struct bytes payload,
                      char why[PEER_WHY_MAX])
{
    struct peers *p = peer_of_link(k)->peers;
    struct proof proof;
    int err = proof_decode(payload, &proof);
    if (err != 0)
        return err;
    if (!peer_proof_valid(buf_view(&p->secret), PEER_PROOF_ACCEPTOR,
                          bytes_of(k->hello, HELLO_SIZE),
                          bytes_of(k->welcome, HELLO_SIZE), &proof)) {
        snprintf(why, PEER_WHY_MAX,
                 "its proof is wrong: does it have a different peer-secret?");
        return ERR_AUTH;
    }
    peer_link_move(k, LINK_GREETING);
    return 0;
}

static int take_greeting(struct peer_link *k, struct bytes payload,
                         char why[PEER_WHY_MAX])
{
    struct peer *peer = peer_of_link(k);
    struct peer_talk talk = talk_of(k, PEER_PROOF_ACCEPTOR);
    struct greeting g;
    int err = peer_greet_take(peer->peers, &talk, payload, &g);
    if (err != 0)
        return err;
    enum greeting_verdict ours =
        peer_greet_judge(peer, k->incarnation, &g, why);
    peer_greet_tell(peer, &g, ours, true);
    if (peer_admit_wants(peer->peers, &g)) {
        k->conn.in_bytes_max = PEER_GRANT_BYTES_MAX;
        peer_admit_send(peer->peers, &k->conn);
        peer_link_move(k, LINK_ADMIT);
        return 0;
    }
    if (ours != GREETING_WELCOME && !greeting_of_twin(&g))
        return ERR_MISMATCH;
    if (g.verdict != GREETING_WELCOME) {
        peer_greet_refusal(&g, why);
        return ERR_MISMATCH;
    }
    peer_place_told(peer, g.peer_address);
    establish(k, g.nonce);
    return 0;
}

static int take_frame(struct peer_link *k, const struct frame *f,
                      char why[PEER_WHY_MAX])
{
    if (f->group == 0 && f->type == FRAME_WELCOME && k->state == LINK_HELLO)
        return take_welcome(k, f->payload, why);
    if (f->group == 0 && f->type == FRAME_PROOF && k->state == LINK_PROOF)
        return take_proof(k, f->payload, why);
    if (f->group == 0 && f->type == FRAME_GREETING && k->state == LINK_GREETING)
        return take_greeting(k, f->payload, why);
    if (f->group == 0 && f->type == FRAME_GRANT && k->state == LINK_ADMIT)
        return peer_admit_answered(peer_of_link(k), f->payload, why);
    snprintf(why, PEER_WHY_MAX, "frame type %u is not allowed now", f->type);
    return ERR_PROTOCOL;
}

/* 0: a frame was handled. ERR_AGAIN: there is none. */
static int take_input(struct peer_link *k, char why[PEER_WHY_MAX])
{
    if (k->state == LINK_ESTABLISHED && k->conn.in.len > 0) {
        snprintf(why, PEER_WHY_MAX,
                 "it sends on a connection on which it should only receive");
        return ERR_PROTOCOL;
    }
    struct bytes rest = buf_view(&k->conn.in);
    struct frame f;
    int err = frame_decode(&rest, &f);
    if (err == ERR_AGAIN && k->conn.in.len >= k->conn.in_bytes_max)
        err = ERR_TOO_BIG;
    if (err == 0)
        err = take_frame(k, &f, why);
    if (err == 0)
        buf_consume(&k->conn.in, k->conn.in.len - rest.len);
    return err;
}

static void conn_input(struct conn *c)
{
    struct peer_link *k = CONTAINER_OF(c, struct peer_link, conn);
    struct peer *peer = peer_of_link(k);
    char why[PEER_WHY_MAX] = "";
    int err;
    do
        err = take_input(k, why);
    while (err == 0 && c->in.len > 0);
    if (err == 0 || err == ERR_AGAIN)
        return;
    const char *text = why[0] != '\0' ? why : error_text(err);
    if (k->state == LINK_ESTABLISHED)
        peer_break(peer, text);
    else
        attempt_failed(k, text);
}

static void conn_drained(struct conn *c)
{
    struct peer_link *k = CONTAINER_OF(c, struct peer_link, conn);
    peer_link_flush(peer_of_link(k));
}

static void conn_closed(struct conn *c, int err)
{
    struct peer_link *k = CONTAINER_OF(c, struct peer_link, conn);
    ASSERT(k->state != LINK_WAITING && k->state != LINK_CONNECTING);
    if (k->state == LINK_ESTABLISHED) {
        peer_break(peer_of_link(k), error_text(err));
        return;
    }
    attempt_failed(k, err == ERR_CLOSED
                          ? "it closed during the handshake (its log may "
                            "say why)"
                          : error_text(err));
}

static const struct conn_events link_events = {
    .input = conn_input,
    .drained = conn_drained,
    .closed = conn_closed,
};

/* ----- dialing ----- */

/* A connection to a port of this machine on which no process listens can, in
 * rare cases, connect to itself (TCP's simultaneous open), if the port is in
 * the range from which the kernel takes source ports. */
static bool met_itself(int fd)
{
    struct address here, there;
    return socket_local(fd, &here) && socket_peer(fd, &there) &&
           address_eq(&here, &there);
}

static void connected(struct peer_link *k)
{
    struct peers *p = peer_of_link(k)->peers;
    int fd = k->connect_fd;
    int err = socket_connect_result(fd);
    if (err == ERR_AGAIN)
        return;
    if (err != 0) {
        attempt_failed(k, strerror(errno));
        return;
    }
    if (met_itself(fd)) {
        attempt_failed(k, strerror(ECONNREFUSED));
        return;
    }
    loop_io_stop(p->loop, &k->connect_io);
    k->connect_fd = -1;
    socket_no_delay(fd);
    socket_not_sent_low(fd, NOT_SENT_BYTES);
    socket_keepalive(fd, PEER_KEEPALIVE_S);
    socket_user_timeout(fd, PEER_USER_TIMEOUT_MS);
    k->sent_bytes += k->conn.sent_bytes;
    conn_open(&k->conn, p->loop, fd, &link_events);
    k->conn.in_bytes_max = PEER_STRANGER_BYTES_MAX;
    peer_link_move(k, LINK_HELLO);
    send_hello(k);
}

static void connect_cb(void *ctx, int events)
{
    UNUSED(events);
    connected(ctx);
}

static void connect_now(struct peer_link *k)
{
    struct peer *peer = peer_of_link(k);
    ASSERT(k->state == LINK_WAITING || k->state == LINK_LOOKUP);
    ASSERT(peer->found.len > 0);
    k->dialed_at_ms = clock_mono_ms();
    int fd = socket_connect(&peer->found);
    if (fd < 0) {
        attempt_failed(k, strerror(errno));
        return;
    }
    k->connect_fd = fd;
    loop_io_start(peer->peers->loop, &k->connect_io, fd, LOOP_WRITE);
    loop_timer_start(peer->peers->loop, &k->timer, PEER_HANDSHAKE_MS);
    peer_link_move(k, LINK_CONNECTING);
}

/* The lookup has ended, or takes too long. What an earlier one has found is
 * better than nothing: the handshake shows who is there. */
static void connect_if_found(struct peer_link *k, const char *why_not)
{
    ASSERT(k->state == LINK_LOOKUP);
    if (peer_of_link(k)->found.len > 0)
        connect_now(k);
    else
        attempt_failed(k, why_not);
}

static void looked_up(void *ctx, int err, const struct address *found)
{
    struct peer *peer = ctx;
    ASSERT(peer->is_name && peer->lookup != NULL);
    peer->lookup = NULL;
    if (err == 0)
        peer->found = *found;
    if (peer->link.state == LINK_LOOKUP)
        connect_if_found(&peer->link, "its name is not known");
}

static void look_up(struct peer_link *k)
{
    struct peer *peer = peer_of_link(k);
    const struct lookup_order order = {
        .address = peer->address,
        .nth = peer->nth,
        .look_up = peer->peers->look_up,
        .done = looked_up,
        .ctx = peer,
    };
    ASSERT(k->state == LINK_WAITING);
    loop_timer_start(peer->peers->loop, &k->timer, PEER_LOOKUP_MS);
    peer_link_move(k, LINK_LOOKUP);
    if (peer->lookup == NULL) /* else one that took too long goes on */
        peer->lookup = lookup_start(peer->peers->loop, &order);
    if (peer->lookup == NULL)
        connect_if_found(k, "no thread to look its name up");
}

static void dial(struct peer_link *k)
{
    struct peer *peer = peer_of_link(k);
    if (peer->id == NODE_NONE && !peers_seed_needed(peer->peers)) {
        peer_link_wait(k);
        return;
    }
    if (peer_of_link(k)->is_name)
        look_up(k);
    else if (peer_of_link(k)->address[0] == '\0')
        attempt_failed(k, "nobody has said where it is yet");
    else
        connect_now(k);
}

static void timer_cb(void *ctx)
{
    struct peer_link *k = ctx;
    ASSERT(k->state != LINK_ESTABLISHED);
    if (k->state == LINK_WAITING)
        dial(k);
    else if (k->state == LINK_LOOKUP)
        connect_if_found(k, "its name could not be looked up in time");
    else if (k->state == LINK_CONNECTING)
        attempt_failed(k, "no answer");
    else
        attempt_failed(k, "the handshake took too long");
}

void peer_link_hurry(struct peer *peer)
{
    struct peer_link *k = &peer->link;
    if (peer->flapping)
        return;
    k->backoff_ms = PEER_BACKOFF_MIN_MS;
    /* A SYN that was lost while the host was down is sent again only after
     * seconds. */
    int64_t waited = clock_mono_ms() - k->dialed_at_ms;
    if (k->state == LINK_CONNECTING && waited > HURRY_AFTER_MS)
        peer_link_wait(k);
    if (k->state == LINK_WAITING)
        loop_timer_start(peer->peers->loop, &k->timer, 0);
}

/* It is told once for each connection. */
static void one_way_cb(void *ctx)
{
    struct peer *peer = ctx;
    ASSERT(!peer->up && peer->link.state == LINK_ESTABLISHED);
    log_warning(peer->peers->log,
                "peer %u (%s): it answers, but does not connect to this node: "
                "does it know this node's address, %s, and does it "
                "get there? (its log may say why not)",
                peer->id, peer->address, peer->peers->listen_address);
}

void peer_link_init(struct peer *peer)
{
    struct peer_link *k = &peer->link;
    peer->one_way = (struct loop_timer){NULL, one_way_cb, peer};
    k->state = LINK_WAITING;
    k->connect_fd = -1;
    k->conn.fd = -1;
    k->connect_io = (struct loop_io){NULL, connect_cb, k};
    k->timer = (struct loop_timer){NULL, timer_cb, k};
    k->backoff_ms = PEER_BACKOFF_MIN_MS;
    peer_queue_init(&k->queue);
    loop_timer_start(peer->peers->loop, &k->timer, 0);
    peer_link_check(k);
}

/* ----- sending ----- */

static void fill(struct peer_link *k)
{
    struct buf *out = &k->conn.out;
    while (conn_pending(&k->conn) < OUT_BYTES_TARGET) {
        /* What comes after it would wait for what is in the way here. */
        if (conn_pending(&k->conn) > 0 && peer_queue_is_background(&k->queue))
            return;
        struct peer_chunk *chunk = peer_queue_take(&k->queue);
        if (chunk == NULL)
            return;
        if (out->len == 0 && chunk->frames.len >= SWAP_BYTES_MIN) {
            struct buf empty = *out;
            *out = chunk->frames;
            chunk->frames = empty;
        } else {
            buf_bytes(out, buf_view(&chunk->frames));
        }
        peer_chunk_free(chunk);
    }
}

void peer_link_flush(struct peer *peer)
{
    struct peer_link *k = &peer->link;
    if (k->state != LINK_ESTABLISHED)
        return;
    struct conn *c = &k->conn;
    uint64_t before = c->sent_bytes;
    while (!c->writing && c->error == 0) {
        fill(k);
        if (conn_pending(c) == 0)
            return;
        conn_flush(c);
        if (c->sent_bytes - before >= FLUSH_BYTES_MAX) {
            /* The socket takes everything; let the other links send, too. */
            peers_work_soon(peer->peers);
            return;
        }
    }
}
