/*
 * The direction that we accept: HELLO, WELCOME, PROOFs, GREETINGs, then
 * receiving until it breaks.
 *
 * Until a connection has proved who it is, and is welcome, it is a stranger:
 * the number of strangers, their time and the bytes kept of each are bounded,
 * and nothing that a stranger says changes anything. When there are too many,
 * the oldest is closed: an honest handshake takes one round trip, so it is
 * hardly ever the oldest.
 *
 * Input that arrives between our WELCOME and the moment at which the link is up
 * in both directions stays in the buffer (a few KiB, then TCP holds it back),
 * so that the node is always told `up` before the first payload.
 *
 * How it fails: any error closes the connection; if the connection was
 * established, the link goes down with it.
 */
#include "peer/peer_internal.h"

#include "base/alloc.h"
#include "os/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define COMPLAIN_EVERY_MS 1000

#define BIT(state) (1u << (state))

/* The frames that may arrive in each state. */
#define IN_HELLO    BIT(FRAME_HELLO)
#define IN_PROOF    BIT(FRAME_PROOF)
#define IN_GREETING BIT(FRAME_GREETING)
#define IN_ADMIT    BIT(FRAME_ADMIT)
#define IN_ESTABLISHED                                                         \
    (BIT(FRAME_RAFT) | BIT(FRAME_FORWARD) | BIT(FRAME_FRAGMENT) |              \
     BIT(FRAME_SNAPSHOT))
#define NEVER (BIT(FRAME_WELCOME) | BIT(FRAME_GRANT)) /* for the dialer */

static const uint32_t frames_allowed[INBOUND_STATE_END] = {
    [INBOUND_HELLO] = IN_HELLO,
    [INBOUND_PROOF] = IN_PROOF,
    [INBOUND_GREETING] = IN_GREETING,
    [INBOUND_ADMIT] = IN_ADMIT,
    [INBOUND_ESTABLISHED] = IN_ESTABLISHED,
};

_Static_assert(FRAME_TYPE_END < 32, "frame types fit into the bits");
_Static_assert((IN_HELLO | IN_PROOF | IN_GREETING | IN_ADMIT | IN_ESTABLISHED |
                NEVER) == BIT(FRAME_TYPE_END) - BIT(FRAME_HELLO),
               "it is decided for each type of frame when it may arrive");

/* ----- the end of a connection ----- */

static void complain_stranger(struct peer_inbound *in, int err)
{
    struct peers *p = in->peers;
    /* Without a reason of ours, the other side or the network ended it. */
    const char *what = in->why[0] != '\0' ? "refused" : "failed";
    const char *why = in->why[0] != '\0' ? in->why : error_text(err);
    /* Only the stranger itself says so, but an operator looks for this name. */
    struct peer *named =
        in->hello.from_incarnation != 0 ? peers_find(p, in->hello.from) : NULL;
    if (named != NULL) {
        peer_complain(named, "connection from %s %s: %s", in->address, what,
                      why);
        return;
    }
    int64_t now = clock_mono_ms();
    if (p->complained_at_ms != 0 &&
        now - p->complained_at_ms < COMPLAIN_EVERY_MS)
        return;
    p->complained_at_ms = now;
    log_warning(p->log, "peer connection from %s %s: %s", in->address, what,
                why);
}

/* Closes and frees the connection, and logs why. */
static void fail(struct peer_inbound *in, int err)
{
    ASSERT(err < 0);
    if (in->peer != NULL) {
        peer_break(in->peer, in->why[0] != '\0' ? in->why : error_text(err));
        return;
    }
    /* A blank one that has nothing to ask, or has its answer, goes. */
    bool went = in->state == INBOUND_ADMIT && err == ERR_CLOSED;
    if (!in->expected && !went)
        complain_stranger(in, err);
    peer_inbound_free(in);
}

/* ----- handshake ----- */

static void send_frame(struct peer_inbound *in, uint8_t type,
                       struct bytes payload)
{
    size_t begin = frame_begin(&in->conn.out, type, 0);
    buf_bytes(&in->conn.out, payload);
    frame_end(&in->conn.out, begin);
    conn_flush(&in->conn);
}

static void send_welcome(struct peer_inbound *in)
{
    struct hello h;
    peers_hello_fill(in->peers, in->hello.from, &h);
    h.to_incarnation = in->hello.from_incarnation;
    struct buf bytes = BUF_INIT;
    hello_encode(&h, &bytes);
    ASSERT(bytes.len == sizeof(in->welcome));
    memcpy(in->welcome, bytes.data, bytes.len);
    send_frame(in, FRAME_WELCOME, buf_view(&bytes));
    buf_release(&bytes);
}

/* The other side has proved who it is, and is welcome. A newer connection
 * replaces an established one: the other side would not have dialed if its link
 * worked. */
static void establish(struct peer_inbound *in, struct peer *peer,
                      uint64_t nonce)
{
    bool restarted = in->hello.from_incarnation > peer->incarnation_seen;
    if (peer->inbound != NULL)
        peer_break(peer, "a newer connection replaces it");
    ASSERT(!restarted || peer->link.state != LINK_ESTABLISHED);
    if (restarted)
        peer->flapping = false;
    peer_greet_remember(peer, in->hello.from_incarnation, nonce);
    peer_inbound_leave_strangers(in);
    loop_timer_stop(in->peers->loop, &in->deadline);
    in->conn.in_bytes_max = PEER_EARLY_BYTES_MAX;
    in->peer = peer;
    peer->inbound = in;
    peer_inbound_move(in, INBOUND_ESTABLISHED);
    peer_link_hurry(peer);
    peer_join(peer);
}

static int take_hello(struct peer_inbound *in, struct bytes payload)
{
    struct peers *p = in->peers;
    struct hello h;
    int err = hello_decode(payload, &h);
    if (err != 0)
        return err;
    in->hello = h;
    err = peer_hello_check(&p->identity, &h, in->why);
    if (err != 0)
        return err;
    ASSERT(payload.len == sizeof(in->hello_bytes));
    memcpy(in->hello_bytes, payload.data, payload.len);
    send_welcome(in);
    peer_inbound_move(in,
                      p->identity.secured ? INBOUND_PROOF : INBOUND_GREETING);
    return 0;
}

static int take_proof(struct peer_inbound *in, struct bytes payload)
{
    struct bytes secret = buf_view(&in->peers->secret);
    struct bytes hello = bytes_of(in->hello_bytes, HELLO_SIZE);
    struct bytes welcome = bytes_of(in->welcome, HELLO_SIZE);
    struct proof proof;
    int err = proof_decode(payload, &proof);
    if (err != 0)
        return err;
    if (!peer_proof_valid(secret, PEER_PROOF_DIALER, hello, welcome, &proof)) {
        snprintf(in->why, sizeof(in->why),
                 "its proof is wrong: does it have a different peer-secret?");
        return ERR_AUTH;
    }
    peer_proof_make(secret, PEER_PROOF_ACCEPTOR, hello, welcome, &proof);
    struct buf bytes = BUF_INIT;
    proof_encode(&proof, &bytes);
    send_frame(in, FRAME_PROOF, buf_view(&bytes));
    buf_release(&bytes);
    peer_inbound_move(in, INBOUND_GREETING);
    return 0;
}

/* What is thought of who says that. It may be the first time that this node
 * hears of it: then it becomes a peer, if it is welcome. */
static enum greeting_verdict judge(struct peer_inbound *in,
                                   const struct greeting *g, struct peer **peer)
{
    if (*peer != NULL)
        return peer_greet_judge(*peer, in->hello.from_incarnation, g, in->why);
    struct peer nobody = peer_nobody(in->peers, in->hello.from);
    enum greeting_verdict verdict =
        peer_greet_judge(&nobody, in->hello.from_incarnation, g, in->why);
    if (in->peers->joins && g->cluster_id != 0) /* it may be the leader */
        *peer = peers_add_stranger(in->peers, in->hello.from, g);
    if (verdict != GREETING_WELCOME)
        return verdict;
    *peer = peers_add_stranger(in->peers, in->hello.from, g);
    if (*peer != NULL)
        return verdict;
    snprintf(in->why, sizeof(in->why),
             "too many that are no members, or it does not say where it is");
    return GREETING_NOT_YET;
}

static int take_greeting(struct peer_inbound *in, struct bytes payload)
{
    struct peer *peer = peers_find(in->peers, in->hello.from);
    struct peer nobody = peer_nobody(in->peers, in->hello.from);
    struct peer_talk talk = {PEER_PROOF_DIALER,
                             bytes_of(in->hello_bytes, HELLO_SIZE),
                             bytes_of(in->welcome, HELLO_SIZE)};
    struct greeting g;
    int err = peer_greet_take(in->peers, &talk, payload, &g);
    if (err != 0)
        return err;
    enum greeting_verdict verdict = judge(in, &g, &peer);
    const struct peer *to = peer != NULL ? peer : &nobody;
    talk.role = PEER_PROOF_ACCEPTOR;
    peer_greet_send(to, &talk, verdict, &in->conn);
    peer_greet_tell(to, &g, verdict, false);
    if (verdict == GREETING_WELCOME) {
        peer_place_told(peer, g.peer_address);
        establish(in, peer, g.nonce);
        return 0;
    }
    bool asks = in->peers->identity.cluster_id != 0 && g.cluster_id == 0;
    if (verdict == GREETING_NOT_YET && asks) {
        in->why[0] = '\0';
        peer_inbound_move(in, INBOUND_ADMIT);
        return 0;
    }
    bool blank = in->peers->identity.cluster_id == 0 || g.cluster_id == 0;
    in->expected = verdict == GREETING_NOT_YET && blank;
    return ERR_MISMATCH;
}

/* ----- receiving ----- */

static int deliver(struct peer_inbound *in, uint8_t type, struct bytes payload)
{
    ASSERT(in->peer->up);
    struct peers *p = in->peers;
    if (payload.len > p->payload_bytes_max)
        return ERR_TOO_BIG;
    const struct transport_events *events = p->events;
    int err = events->receive(events->ctx, in->peer->id, type, payload);
    if (err >= 0)
        return 0;
    snprintf(in->why, sizeof(in->why), "one of its payloads was refused: %s",
             error_text(err));
    return err;
}

static int take_fragment(struct peer_inbound *in, struct bytes payload)
{
    struct fragment f;
    int err = fragment_decode(payload, &f);
    if (err != 0)
        return err;
    err = peer_assembly_add(&in->assembly, &f, in->peers->payload_bytes_max);
    if (err == ERR_TOO_BIG)
        snprintf(in->why, sizeof(in->why),
                 "a payload of %u bytes is above the limit of %" PRIu64,
                 f.total, in->peers->payload_bytes_max);
    if (err <= 0)
        return err;
    err = deliver(in, in->assembly.type, buf_view(&in->assembly.data));
    peer_assembly_reset(&in->assembly);
    return err;
}

static int take_frame(struct peer_inbound *in, const struct frame *f)
{
    if (f->group != 0 || (frames_allowed[in->state] & BIT(f->type)) == 0) {
        snprintf(in->why, sizeof(in->why),
                 "frame type %u of group %u is not allowed now", f->type,
                 f->group);
        return ERR_PROTOCOL;
    }
    switch ((enum frame_type)f->type) {
    case FRAME_HELLO:
        return take_hello(in, f->payload);
    case FRAME_PROOF:
        return take_proof(in, f->payload);
    case FRAME_GREETING:
        return take_greeting(in, f->payload);
    case FRAME_ADMIT:
        return peer_admit_answer(in, f->payload);
    case FRAME_FRAGMENT:
        return take_fragment(in, f->payload);
    case FRAME_RAFT:
    case FRAME_FORWARD:
    case FRAME_SNAPSHOT:
        return deliver(in, f->type, f->payload);
    case FRAME_WELCOME:
    case FRAME_GRANT:
    case FRAME_TYPE_END:
        break;
    }
    ASSERT(false); /* not in frames_allowed */
    return ERR_PROTOCOL;
}

/* 0: a frame was handled. ERR_AGAIN: there is none to handle now. */
static int take_one(struct peer_inbound *in, struct bytes *rest)
{
    if (in->peer != NULL && !in->peer->up)
        return ERR_AGAIN; /* peer_inbound_resume() goes on */
    struct frame f;
    int err = frame_decode(rest, &f);
    if (err == ERR_AGAIN && in->state != INBOUND_ESTABLISHED &&
        rest->len >= PEER_STRANGER_BYTES_MAX)
        return ERR_TOO_BIG;
    return err != 0 ? err : take_frame(in, &f);
}

static void take_all(struct peer_inbound *in)
{
    struct buf *input = &in->conn.in;
    struct bytes rest = buf_view(input);
    int err = 0;
    while (err == 0 && rest.len > 0)
        err = take_one(in, &rest);
    if (err != 0 && err != ERR_AGAIN) {
        fail(in, err);
        return;
    }
    buf_consume(input, input->len - rest.len);
}

void peer_inbound_resume(struct peer_inbound *in)
{
    ASSERT(in->peer != NULL && in->peer->up);
    if (in->conn.in_bytes_max == 0)
        return;
    in->conn.in_bytes_max = 0;
    conn_pause(&in->conn, false);
    take_all(in);
}

static void conn_input(struct conn *c)
{
    take_all(CONTAINER_OF(c, struct peer_inbound, conn));
}

static void conn_closed(struct conn *c, int err)
{
    fail(CONTAINER_OF(c, struct peer_inbound, conn), err);
}

static const struct conn_events inbound_events = {
    .input = conn_input,
    .closed = conn_closed,
};

static void deadline_cb(void *ctx)
{
    struct peer_inbound *in = ctx;
    ASSERT(in->peer == NULL);
    snprintf(in->why, sizeof(in->why), "the handshake took too long");
    fail(in, ERR_PROTOCOL);
}

void peer_inbound_accept(struct peers *p, int fd, const char *address)
{
    size_t max = 2 * p->member_count + 8;
    while (p->stranger_count >= max) {
        struct list *oldest = p->strangers.next;
        peer_inbound_free(CONTAINER_OF(oldest, struct peer_inbound, link));
    }
    socket_no_delay(fd);
    socket_keepalive(fd, PEER_KEEPALIVE_S);
    socket_user_timeout(fd, PEER_USER_TIMEOUT_MS);
    struct peer_inbound *in = mem_zalloc(sizeof(*in));
    in->peers = p;
    in->state = INBOUND_HELLO;
    list_init(&in->link);
    list_append(&p->strangers, &in->link);
    p->stranger_count++;
    snprintf(in->address, sizeof(in->address), "%s", address);
    conn_open(&in->conn, p->loop, fd, &inbound_events);
    in->conn.in_bytes_max = PEER_STRANGER_BYTES_MAX;
    in->deadline = (struct loop_timer){NULL, deadline_cb, in};
    loop_timer_start(p->loop, &in->deadline, PEER_HANDSHAKE_MS);
    peer_inbound_check(in);
}
