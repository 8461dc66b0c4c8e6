/*
 * Node 1 against a member 2 that the test plays byte by byte: garbage, every
 * bit flipped, every truncation, frames out of place, claims of sizes,
 * replays. Whatever comes, node 1 refuses it, keeps its memory small, and
 * stands ready for an honest member afterwards.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "unit/peer/raw.h"

#include "base/hash.h"
#include "base/reader.h"

/* ----- strangers ----- */

static void test_garbage(void **state)
{
    struct cluster *c = *state;
    start_one(c, false);
    uint64_t seed = 5;
    uint8_t noise[6000];
    for (size_t i = 0; i < sizeof(noise); i++)
        noise[i] = (uint8_t)rng_next(&seed);
    for (size_t len = 0; len < sizeof(noise); len += 97)
        assert_int_equal(refused(c, bytes_of(noise, len)), 0);
    assert_int_equal(refused(c, BYTES_LIT("GET / HTTP/1.1\r\n\r\n")), 0);
    expect_nothing_stands(c);
    /* One line for all of them in this second or two. */
    assert_true(lines_with(&c->nodes[1], "peer connection from") <= 3);
    assert_true(lines_with(&c->nodes[1], "peer connection from") >= 1);
}

static void test_hello_bits(void **state)
{
    struct cluster *c = *state;
    start_one(c, false);
    struct hello h = hello_of_two(false);
    struct buf b = BUF_INIT;
    add_hello(&b, FRAME_HELLO, &h);
    assert_int_equal(b.len, HELLO_FRAME);
    for (size_t bit = 0; bit < b.len * 8; bit++) {
        b.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_int_equal(refused(c, buf_view(&b)), 0);
        b.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    expect_nothing_stands(c);
    /* Not refused for being tired of it: */
    assert_int_equal(refused(c, buf_view(&b)), HELLO_FRAME);
    buf_release(&b);
}

static void test_hello_truncated(void **state)
{
    struct cluster *c = *state;
    start_one(c, true);
    struct hello h = hello_of_two(true);
    struct buf b = BUF_INIT;
    add_hello(&b, FRAME_HELLO, &h);
    for (size_t len = 0; len < b.len; len++)
        assert_int_equal(refused(c, bytes_of(b.data, len)), 0);
    /* The whole HELLO gets a WELCOME, and no more without a proof. */
    assert_int_equal(refused(c, buf_view(&b)), HELLO_FRAME);
    expect_nothing_stands(c);
    buf_release(&b);
}

static size_t refused_hello(struct cluster *c, const struct hello *h)
{
    struct buf b = BUF_INIT;
    add_hello(&b, FRAME_HELLO, h);
    size_t got = refused(c, buf_view(&b));
    buf_release(&b);
    return got;
}

static void test_hello_fields(void **state)
{
    struct cluster *c = *state;
    start_one(c, false);
    struct hello h = hello_of_two(false);
    h.version_min = h.version_max = PROTOCOL_VERSION + 1;
    assert_int_equal(refused_hello(c, &h), 0);
    h = hello_of_two(false);
    h.cluster_id++;
    assert_int_equal(refused_hello(c, &h), 0);
    h = hello_of_two(false);
    h.to = 2;
    assert_int_equal(refused_hello(c, &h), 0);
    h = hello_of_two(false);
    h.from = 1; /* says it is node 1 itself */
    assert_int_equal(refused_hello(c, &h), 0);
    h = hello_of_two(false);
    h.from = 3; /* no member: its greeting may say why it is one all the same */
    assert_int_equal(refused_hello(c, &h), HELLO_FRAME);
    h = hello_of_two(false);
    h.to_incarnation = OUR_NODE - 1;
    assert_int_equal(refused_hello(c, &h), 0);
    h = hello_of_two(false);
    h.secured = true;
    assert_int_equal(refused_hello(c, &h), 0);
    expect_nothing_stands(c);
    h = hello_of_two(false);
    h.to_incarnation = OUR_NODE;
    h.version_max = PROTOCOL_VERSION + 7; /* a newer one that speaks ours too */
    assert_int_equal(refused_hello(c, &h), HELLO_FRAME);
}

/* Frames that are whole and correct, but not a stranger's to send. */
static void test_stranger_frames(void **state)
{
    struct cluster *c = *state;
    start_one(c, true);
    for (uint8_t type = FRAME_WELCOME; type < FRAME_TYPE_END; type++) {
        struct buf b = BUF_INIT;
        add_frame(&b, type, BYTES_LIT("some payload"));
        assert_int_equal(refused(c, buf_view(&b)), 0);
        buf_release(&b);
    }
    struct hello h = hello_of_two(true);
    struct buf b = BUF_INIT;
    add_hello(&b, FRAME_HELLO, &h);
    add_frame(&b, FRAME_RAFT, BYTES_LIT("without a proof"));
    assert_int_equal(refused(c, buf_view(&b)), HELLO_FRAME);
    expect_nothing_stands(c);
    assert_int_equal(c->nodes[1].received_count, 0);
    buf_release(&b);
}

static bool stranger_sent(struct cluster *c)
{
    struct list *l = &c->nodes[1].peers->strangers;
    LIST_EACH(cur, l)
    {
        struct peer_inbound *in = CONTAINER_OF(cur, struct peer_inbound, link);
        assert_true(in->conn.in.cap <= PEER_STRANGER_BYTES_MAX);
        if (in->conn.received_bytes >= c->wanted)
            return true;
    }
    return false;
}

/* A header that claims 4 MiB, and a stranger that really sends them: what is
 * kept of it stays small, until that is enough. */
static void test_stranger_claims(void **state)
{
    struct cluster *c = *state;
    start_one(c, true);
    struct buf b = BUF_INIT;
    memset(buf_reserve(&b, FRAME_LENGTH_MAX), 'x', FRAME_LENGTH_MAX);
    struct buf frame = BUF_INIT;
    add_frame(&frame, FRAME_HELLO, bytes_of(b.data, FRAME_LENGTH_MAX));
    struct raw r;
    raw_dial(c, &r);
    raw_send(&r, bytes_of(frame.data, PEER_STRANGER_BYTES_MAX - 1));
    c->wanted = PEER_STRANGER_BYTES_MAX - 1;
    run_until(c, stranger_sent);
    raw_send(&r, bytes_from(buf_view(&frame), PEER_STRANGER_BYTES_MAX - 1));
    run_until_closed(c, &r);
    assert_int_equal(r.conn.received_bytes, 0);
    /* For its size, not because its time was over. */
    assert_int_equal(lines_with(&c->nodes[1], error_text(ERR_TOO_BIG)), 1);
    conn_close(&r.conn);
    buf_release(&b);
    buf_release(&frame);
}

static size_t most_strangers; /* that were seen at once */

static bool first_closed(struct cluster *c)
{
    struct raw *all = c->arg;
    int closed = 0;
    for (int i = 0; i < IDLE_FLOOD; i++)
        closed += all[i].closed;
    most_strangers = MAX(most_strangers, c->nodes[1].peers->stranger_count);
    return closed >= IDLE_FLOOD - (2 + 8);
}

/* Idle connections: a bounded number is kept, the newest, and not for long. */
static void test_idle_flood(void **state)
{
    struct cluster *c = *state;
    start_one(c, true);
    struct raw *all = mem_zalloc(IDLE_FLOOD * sizeof(*all));
    for (int i = 0; i < IDLE_FLOOD; i++)
        raw_dial(c, &all[i]);
    c->arg = all;
    run_until(c, first_closed);
    assert_true(all[0].closed);
    assert_false(all[IDLE_FLOOD - 1].closed);
    assert_int_equal(most_strangers, 2 + 8);
    run_until_closed(c, &all[IDLE_FLOOD - 1]); /* its time is up */
    assert_int_equal(c->nodes[1].peers->stranger_count, 0);
    assert_true(lines_with(&c->nodes[1],
                           " refused: the handshake took too long\n") > 0);
    for (int i = 0; i < IDLE_FLOOD; i++)
        conn_close(&all[i].conn);
    mem_free(all);
}

/* Who ends before its time has said who it is, or not: the operator finds the
 * name, if there is one. */
static void test_who_has_gone_is_named(void **state)
{
    struct cluster *c = *state;
    struct buf frame = BUF_INIT;
    struct hello h = hello_of_two(true);
    struct raw r;
    start_one(c, true);
    add_hello(&frame, FRAME_HELLO, &h);
    raw_dial(c, &r);
    raw_send(&r, buf_view(&frame));
    run_until_input(c, &r, 1); /* the WELCOME */
    conn_close(&r.conn);
    run_until_logged(c, 1, "failed: ");
    assert_int_equal(lines_with(&c->nodes[1], "): connection from 127.0.0.1"),
                     1);
    assert_int_equal(lines_with(&c->nodes[1], "peer connection from"), 0);
    raw_dial(c, &r);
    raw_send(&r, bytes_of(frame.data, 10));
    raw_end(&r);
    run_until_logged(c, 1, "peer connection from 127.0.0.1");
    conn_close(&r.conn);
    buf_release(&frame);
}

/* ----- proofs ----- */

/* Dials and says HELLO; returns with the WELCOME in conn.in. */
static void shake_hands(struct cluster *c, struct raw *r, struct buf *hello)
{
    struct hello h = hello_of_two(true);
    add_hello(hello, FRAME_HELLO, &h);
    raw_dial(c, r);
    raw_send(r, buf_view(hello));
    run_until_input(c, r, HELLO_FRAME);
}

static void add_proof(struct buf *out, enum peer_proof_role role,
                      struct bytes hello_frame, struct bytes welcome_frame)
{
    struct proof proof;
    peer_proof_make(BYTES_LIT(SECRET), role,
                    bytes_from(hello_frame, FRAME_HEADER_SIZE),
                    bytes_from(welcome_frame, FRAME_HEADER_SIZE), &proof);
    size_t begin = frame_begin(out, FRAME_PROOF, 0);
    proof_encode(&proof, out);
    frame_end(out, begin);
}

/* Sends a frame as the proof; true when it was believed. */
static bool proof_believed(struct cluster *c, struct raw *r, struct bytes b)
{
    size_t before = (size_t)r->conn.received_bytes;
    raw_send(r, b);
    raw_end(r);
    run_until_closed(c, r);
    bool believed = r->conn.received_bytes > before;
    conn_close(&r->conn);
    return believed;
}

static void test_proof_bits(void **state)
{
    struct cluster *c = *state;
    start_one(c, true);
    for (size_t bit = 0; bit <= PROOF_FRAME * 8; bit++) {
        struct raw r;
        struct buf hello = BUF_INIT, proof = BUF_INIT;
        shake_hands(c, &r, &hello);
        add_proof(&proof, PEER_PROOF_DIALER, buf_view(&hello),
                  buf_view(&r.conn.in));
        bool honest = bit == PROOF_FRAME * 8;
        if (!honest) {
            expect_nothing_stands(c);
            proof.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        }
        assert_int_equal(proof_believed(c, &r, buf_view(&proof)), honest);
        buf_release(&hello);
        buf_release(&proof);
    }
}

/* A proof made without the secret, but with a right checksum. */
static void test_proof_forged(void **state)
{
    struct cluster *c = *state;
    start_one(c, true);
    struct raw r;
    struct buf hello = BUF_INIT, proof = BUF_INIT, old = BUF_INIT;
    for (size_t bit = 0; bit < PROOF_SIZE * 8; bit += 7) {
        buf_reset(&hello);
        buf_reset(&proof);
        shake_hands(c, &r, &hello);
        add_proof(&proof, PEER_PROOF_DIALER, buf_view(&hello),
                  buf_view(&r.conn.in));
        proof.data[FRAME_HEADER_SIZE + bit / 8] ^= (uint8_t)(1u << (bit % 8));
        frame_end(&proof, 0);
        assert_false(proof_believed(c, &r, buf_view(&proof)));
    }
    /* The other direction's proof is not ours to give. */
    buf_reset(&hello);
    buf_reset(&proof);
    shake_hands(c, &r, &hello);
    add_proof(&proof, PEER_PROOF_ACCEPTOR, buf_view(&hello),
              buf_view(&r.conn.in));
    assert_false(proof_believed(c, &r, buf_view(&proof)));
    /* Nor is a proof of an earlier connection, replayed. */
    buf_reset(&hello);
    shake_hands(c, &r, &hello);
    add_proof(&old, PEER_PROOF_DIALER, buf_view(&hello), buf_view(&r.conn.in));
    conn_close(&r.conn);
    buf_reset(&hello);
    shake_hands(c, &r, &hello);
    assert_false(proof_believed(c, &r, buf_view(&old)));
    expect_nothing_stands(c);
    buf_release(&hello);
    buf_release(&proof);
    buf_release(&old);
}

/* Our greeting for this handshake, with its proof. */
static void make_greeting(struct cluster *c, struct buf *out,
                          struct bytes hello_frame, struct bytes welcome_frame)
{
    struct greeting g = greeting_of_two(c);
    const struct peer_talk talk = {
        PEER_PROOF_DIALER,
        bytes_of(hello_frame.data + FRAME_HEADER_SIZE, HELLO_SIZE),
        bytes_of(welcome_frame.data + FRAME_HEADER_SIZE, HELLO_SIZE)};
    struct proof proof;
    struct buf body = BUF_INIT;
    greeting_encode(&g, &body);
    peer_greeting_seal(BYTES_LIT(SECRET), &talk, buf_view(&body), &proof);
    proof_encode(&proof, &body);
    add_frame(out, FRAME_GREETING, buf_view(&body));
    buf_release(&body);
}

/* HELLO and a right proof, then this as the greeting; whether it was answered
 * by more than the proof. With `bit`, that one is turned before. */
static bool greeting_believed(struct cluster *c, size_t bit, struct buf *replay)
{
    struct raw r;
    struct buf hello = BUF_INIT, proof = BUF_INIT, greeting = BUF_INIT;
    shake_hands(c, &r, &hello);
    add_proof(&proof, PEER_PROOF_DIALER, buf_view(&hello),
              buf_view(&r.conn.in));
    make_greeting(c, &greeting, buf_view(&hello), buf_view(&r.conn.in));
    raw_send(&r, buf_view(&proof));
    run_until_input(c, &r, HELLO_FRAME + PROOF_FRAME);
    struct buf *used = replay->len > 0 ? replay : &greeting;
    if (bit < GREETING_SIZE * 8) {
        used->data[FRAME_HEADER_SIZE + bit / 8] ^= (uint8_t)(1u << (bit % 8));
        frame_end(used, 0); /* the checksum is right */
    }
    raw_send(&r, buf_view(used));
    raw_end(&r);
    run_until_closed(c, &r);
    bool believed = r.conn.received_bytes > HELLO_FRAME + PROOF_FRAME;
    conn_close(&r.conn);
    if (replay->len == 0)
        buf_bytes(replay, buf_view(&greeting));
    buf_release(&hello);
    buf_release(&proof);
    buf_release(&greeting);
    return believed;
}

/* Every bit of a greeting is covered by its proof, which is for one handshake.
 */
static void test_greeting_forged(void **state)
{
    struct cluster *c = *state;
    struct buf once = BUF_INIT;
    start_one(c, true);
    for (size_t bit = 0; bit < GREETING_SIZE * 8; bit += 5) {
        buf_reset(&once);
        assert_false(greeting_believed(c, bit, &once));
        expect_nothing_stands(c);
        assert_int_equal(c->nodes[1].greetings[2], 0);
    }
    buf_reset(&once);
    assert_true(greeting_believed(c, SIZE_MAX, &once)); /* as it should be */
    assert_int_equal(c->nodes[1].greetings[2], 1);
    assert_false(greeting_believed(c, SIZE_MAX, &once)); /* again */
    assert_int_equal(c->nodes[1].greetings[2], 1);
    buf_release(&once);
}

/* Without a greeting nothing is established, and nothing else may come. */
static void test_no_greeting(void **state)
{
    struct cluster *c = *state;
    struct buf b = BUF_INIT;
    start_one(c, false);
    for (uint8_t type = FRAME_HELLO; type < FRAME_TYPE_END; type++) {
        struct hello h = hello_of_two(false);
        buf_reset(&b);
        add_hello(&b, FRAME_HELLO, &h);
        add_frame(&b, type, BYTES_LIT("no greeting"));
        assert_int_equal(refused(c, buf_view(&b)), HELLO_FRAME);
        expect_nothing_stands(c);
    }
    buf_release(&b);
}

/* ----- as the one who is dialed ----- */

static bool two_has_said_hello(struct cluster *c)
{
    return peer_in(c, 1, 2)->inbound != NULL;
}

/* What comes together with a HELLO waits until the link is up, and is then
 * handled at once. */
static void test_what_came_with_the_hello(void **state)
{
    struct cluster *c = *state;
    struct raw_member m;
    struct buf b = BUF_INIT;
    struct hello h = hello_of_two(false);
    raw_listen(c, &m);
    start_one(c, false);
    raw_dial(c, &m.to_one);
    add_both(&b, c, FRAME_HELLO, &h);
    add_frame(&b, FRAME_RAFT, BYTES_LIT("a message"));
    add_frame(&b, FRAME_RAFT, BYTES_LIT("another one"));
    raw_send(&m.to_one, buf_view(&b));
    run_until(c, two_has_said_hello);
    await_hello(c, &m);
    assert_int_equal(c->nodes[1].received_count, 0);
    buf_reset(&b);
    h = welcome_of_two(false);
    add_both(&b, c, FRAME_WELCOME, &h);
    raw_send(&m.from_one, buf_view(&b));
    run_until_received(c, 1, 2);
    assert_int_equal(c->nodes[1].ups[2], 1);
    buf_release(&b);
    raw_member_close(&m);
}

static void test_welcome_bits(void **state)
{
    struct cluster *c = *state;
    struct raw_member m;
    raw_listen(c, &m);
    start_one(c, false);
    struct hello h = welcome_of_two(false);
    struct buf b = BUF_INIT;
    add_hello(&b, FRAME_WELCOME, &h);
    for (size_t bit = 0; bit < b.len * 8; bit++) {
        await_hello(c, &m);
        b.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        raw_send(&m.from_one, buf_view(&b));
        b.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        drop_and_hurry(c, &m);
    }
    buf_release(&b);
    raw_member_close(&m);
}

static void test_welcome_fields(void **state)
{
    static const char *const reasons[] = {
        "it belongs to another cluster",
        "member 3 answers at its address",
        "looks for member 3, but this is member 1",
        "member 2 answers at its address",
        "speaks to incarnation",
        "peer-secret is set on the other side only",
        "member 0 answers at its address",
    };
    struct cluster *c = *state;
    struct raw_member m;
    raw_listen(c, &m);
    start_one(c, false);
    for (int i = 0; i < 7; i++) {
        struct hello h = welcome_of_two(false);
        h.cluster_id += i == 0;
        h.from = i == 1 ? 3 : h.from;
        h.from = i == 6 ? 0 : h.from;
        h.to = i == 2 ? 3 : h.to;
        h.to_incarnation = i == 3 ? 0 : h.to_incarnation;
        h.to_incarnation += i == 4;
        h.secured = i == 5;
        struct buf b = BUF_INIT;
        add_hello(&b, FRAME_WELCOME, &h);
        await_hello(c, &m);
        raw_send(&m.from_one, buf_view(&b));
        run_until_logged(c, 1, reasons[i]);
        drop_and_hurry(c, &m);
        buf_release(&b);
    }
    raw_member_close(&m);
}

/* Whoever is dialed and ends the handshake knows why: its log may say it. */
static void test_welcome_missing(void **state)
{
    struct cluster *c = *state;
    struct raw_member m;
    raw_listen(c, &m);
    start_one(c, false);
    await_hello(c, &m);
    conn_close(&m.from_one.conn);
    run_until_logged(c, 1,
                     "no link yet: it closed during the handshake (its log may "
                     "say why)");
    raw_member_close(&m);
}

/* Whatever else ends it is told as what it is. */
static void test_handshake_breaks(void **state)
{
    struct cluster *c = *state;
    struct raw_member m;
    char said[128];
    raw_listen(c, &m);
    start_one(c, false);
    await_hello(c, &m);
    struct conn *conn = &peer_in(c, 1, 2)->link.conn;
    const struct conn_events *events = conn->events;
    conn_close(conn);
    events->closed(conn, ERR_IO);
    snprintf(said, sizeof(said), "no link yet: %s", error_text(ERR_IO));
    run_until_logged(c, 1, said);
    raw_member_close(&m);
}

/* Whoever is dialed and answers with a frame that is longer than any answer
 * may be is not waited for. */
static void test_welcome_too_long(void **state)
{
    struct cluster *c = *state;
    struct raw_member m;
    static uint8_t zeros[2 * PEER_STRANGER_BYTES_MAX];
    struct buf b = BUF_INIT;
    raw_listen(c, &m);
    start_one(c, false);
    size_t begin = frame_begin(&b, FRAME_WELCOME, 0);
    buf_append(&b, zeros, sizeof(zeros));
    frame_end(&b, begin);
    await_hello(c, &m);
    raw_send(&m.from_one, bytes_of(b.data, PEER_STRANGER_BYTES_MAX));
    run_until_logged(c, 1, "no link yet: too big");
    assert_int_equal(lines_with(&c->nodes[1], "took too long"), 0);
    conn_close(&m.from_one.conn);
    buf_release(&b);
    raw_member_close(&m);
}

/* A dialed member that knows no secret cannot end the handshake. */
static void test_acceptor_without_secret(void **state)
{
    struct cluster *c = *state;
    struct raw_member m;
    raw_listen(c, &m);
    start_one(c, true);
    await_hello(c, &m);
    struct hello h = welcome_of_two(true);
    struct buf b = BUF_INIT;
    add_hello(&b, FRAME_WELCOME, &h);
    raw_send(&m.from_one, buf_view(&b));
    run_until_input(c, &m.from_one, HELLO_FRAME + PROOF_FRAME);
    /* Sends node 1's own proof back to it. */
    raw_send(&m.from_one,
             bytes_of(m.from_one.conn.in.data + HELLO_FRAME, PROOF_FRAME));
    run_until_logged(c, 1, "proof is wrong");
    drop_and_hurry(c, &m);
    buf_release(&b);
    raw_member_close(&m);
}

/* ----- as an authenticated member ----- */

static bool one_is_up(struct cluster *c)
{
    return c->nodes[1].is_up[2];
}

/* Both directions stand, no secret. */
static void raw_join(struct cluster *c, struct raw_member *m)
{
    struct hello h = welcome_of_two(false);
    struct buf b = BUF_INIT;
    await_hello(c, m);
    add_both(&b, c, FRAME_WELCOME, &h);
    raw_send(&m->from_one, buf_view(&b));
    buf_reset(&b);
    h = hello_of_two(false);
    add_both(&b, c, FRAME_HELLO, &h);
    raw_dial(c, &m->to_one);
    raw_send(&m->to_one, buf_view(&b));
    run_until(c, one_is_up);
    buf_release(&b);
}

static void start_joined(struct cluster *c, struct raw_member *m)
{
    raw_listen(c, m);
    struct peers_options o = node_options(c, 1, OUR_NODE);
    o.payload_bytes_max = UINT64_MAX; /* cut to what the format allows */
    node_start_with(c, &o);
    raw_join(c, m);
}

/* Sends bytes on the link; node 1 must take it down. */
static void expect_link_closed(struct cluster *c, struct raw_member *m,
                               struct bytes b)
{
    int downs = c->nodes[1].downs[2];
    raw_send(&m->to_one, b);
    run_until(c, one_sees_two_down);
    assert_int_equal(c->nodes[1].downs[2], downs + 1);
    run_until_closed(c, &m->to_one);
    run_until_closed(c, &m->from_one); /* both directions */
    conn_close(&m->to_one.conn);
    conn_close(&m->from_one.conn);
    c->arg = m;
    peer_in(c, 1, 2)->flapping = false;
    peer_link_hurry(peer_in(c, 1, 2));
    raw_join(c, m);
}

static void add_fragment(struct buf *out, const struct fragment *f)
{
    size_t begin = frame_begin(out, FRAME_FRAGMENT, 0);
    fragment_encode(f, out);
    frame_end(out, begin);
}

static void test_frames_out_of_place(void **state)
{
    struct cluster *c = *state;
    struct raw_member m;
    start_joined(c, &m);
    struct buf b = BUF_INIT;
    for (uint8_t type = FRAME_HELLO; type <= FRAME_PROOF; type++) {
        buf_reset(&b);
        add_frame(&b, type, BYTES_LIT("what now"));
        expect_link_closed(c, &m, buf_view(&b));
    }
    buf_reset(&b);
    size_t begin = frame_begin(&b, FRAME_RAFT, 1); /* another group */
    frame_end(&b, begin);
    expect_link_closed(c, &m, buf_view(&b));
    buf_reset(&b);
    add_frame(&b, FRAME_RAFT, BYTES_LIT("payload"));
    b.data[b.len - 1] ^= 1;
    expect_link_closed(c, &m, buf_view(&b));
    assert_int_equal(c->nodes[1].received_count, 0);
    buf_release(&b);
    raw_member_close(&m);
}

static void test_bad_fragments(void **state)
{
    struct cluster *c = *state;
    struct raw_member m;
    start_joined(c, &m);
    struct fragment first = {
        .id = 7, .total = 8, .type = FRAME_RAFT, .data = BYTES_LIT("abcd")};
    for (int i = 0; i < 6; i++) {
        struct fragment f = first;
        struct buf b = BUF_INIT;
        if (i > 0) /* begins well */
            add_fragment(&b, &f);
        f.offset = 4;
        f.id += i == 1;     /* of another payload */
        f.offset -= i == 2; /* overlaps */
        f.offset += i == 3; /* leaves a gap */
        f.total += i == 4;  /* another size */
        f.type = i == 5 ? FRAME_FORWARD : FRAME_RAFT;
        if (i == 3)
            f.data.len = 3;
        add_fragment(&b, &f);
        expect_link_closed(c, &m, buf_view(&b));
        buf_release(&b);
    }
    /* An id that is not above the one before. */
    struct buf b = BUF_INIT;
    first.total = 4;
    add_fragment(&b, &first);
    add_fragment(&b, &first);
    expect_link_closed(c, &m, buf_view(&b));
    assert_int_equal(c->nodes[1].received_count, 1);
    buf_release(&b);
    raw_member_close(&m);
}

/* The length in the frame's header, and the header's own checksum of it. */
static void claim_length(struct buf *b, size_t begin, uint32_t length)
{
    uint8_t *header = b->data + begin;
    store_u32le(header + 8, length);
    store_u32le(header + 12, (uint32_t)hash64(bytes_of(header, 12)));
}

static bool input_arrived(struct cluster *c)
{
    struct peer_inbound *in = peer_in(c, 1, 2)->inbound;
    return in->conn.received_bytes >= c->wanted;
}

/* What is claimed is not allocated: 4 MiB by a frame, 600 MiB by a fragment. */
static void test_claims(void **state)
{
    struct cluster *c = *state;
    struct raw_member m;
    start_joined(c, &m);
    struct peer *two = peer_in(c, 1, 2);
    struct buf b = BUF_INIT;
    struct fragment f = {.id = 1,
                         .total = 600u * 1024 * 1024,
                         .type = FRAME_RAFT,
                         .data = BYTES_LIT("a little")};
    add_fragment(&b, &f);
    size_t begin = frame_begin(&b, FRAME_RAFT, 0);
    claim_length(&b, begin, FRAME_LENGTH_MAX);
    buf_str(&b, "ten bytes.");
    raw_send(&m.to_one, buf_view(&b));
    c->wanted = HELLO_FRAME + GREETING_FRAME + b.len;
    run_until(c, input_arrived);
    assert_int_equal(two->inbound->assembly.data.len, 8);
    assert_true(two->inbound->assembly.data.cap <= 1024);
    assert_true(two->inbound->conn.in.cap <= 64 * 1024);
    assert_true(c->nodes[1].is_up[2]);

    peer_break(two, "end of this test's part");
    conn_close(&m.to_one.conn);
    conn_close(&m.from_one.conn);
    c->arg = &m;
    peer_in(c, 1, 2)->flapping = false;
    peer_link_hurry(two);
    raw_join(c, &m);
    buf_reset(&b);
    begin = frame_begin(&b, FRAME_RAFT, 0);
    claim_length(&b, begin, FRAME_LENGTH_MAX + 1);
    expect_link_closed(c, &m, buf_view(&b));
    /* A length that was damaged on its way is not waited for. */
    buf_reset(&b);
    begin = frame_begin(&b, FRAME_RAFT, 0);
    frame_end(&b, begin);
    b.data[begin + 10] ^= 1;
    expect_link_closed(c, &m, buf_view(&b));
    buf_release(&b);
    raw_member_close(&m);
}

static void test_payload_above_limit(void **state)
{
    struct cluster *c = *state;
    struct raw_member m;
    start_joined(c, &m);
    c->nodes[1].peers->payload_bytes_max = 1000;
    struct buf b = BUF_INIT;
    uint8_t big[1001] = {0};
    add_frame(&b, FRAME_RAFT, bytes_of(big, 1000)); /* just so */
    raw_send(&m.to_one, buf_view(&b));
    run_until_received(c, 1, 1);
    buf_reset(&b);
    struct fragment f = {.id = 1,
                         .total = 1001,
                         .type = FRAME_RAFT,
                         .data = BYTES_LIT("a little")};
    add_fragment(&b, &f);
    expect_link_closed(c, &m, buf_view(&b));
    assert_int_equal(
        lines_with(&c->nodes[1], "1001 bytes is above the limit of 1000"), 1);
    buf_reset(&b);
    add_frame(&b, FRAME_RAFT, bytes_of(big, sizeof(big)));
    expect_link_closed(c, &m, buf_view(&b));
    assert_int_equal(c->nodes[1].received_count, 1);
    buf_release(&b);
    raw_member_close(&m);
}

/* Data on the connection that node 1 only sends on. */
static void test_wrong_direction(void **state)
{
    struct cluster *c = *state;
    struct raw_member m;
    start_joined(c, &m);
    struct buf b = BUF_INIT;
    add_frame(&b, FRAME_RAFT, BYTES_LIT("payload"));
    raw_send(&m.from_one, buf_view(&b));
    run_until(c, one_sees_two_down);
    assert_int_equal(c->nodes[1].received_count, 0);
    buf_release(&b);
    raw_member_close(&m);
}

/* A payload in pieces of one byte each still arrives. */
static void test_byte_by_byte(void **state)
{
    struct cluster *c = *state;
    struct raw_member m;
    start_joined(c, &m);
    struct buf b = BUF_INIT;
    add_frame(&b, FRAME_RAFT, BYTES_LIT("payload"));
    for (size_t i = 0; i < b.len; i++) {
        raw_send(&m.to_one, bytes_of(b.data + i, 1));
        c->wanted = HELLO_FRAME + GREETING_FRAME + i + 1;
        run_until(c, input_arrived);
    }
    run_until_received(c, 1, 1);
    assert_memory_equal(c->nodes[1].received[0].payload.data, "payload", 7);
    buf_release(&b);
    raw_member_close(&m);
}

/* The member dials again without having closed: the newer one counts. */
static void test_newer_replaces(void **state)
{
    struct cluster *c = *state;
    struct raw_member m;
    start_joined(c, &m);
    struct raw newer = {0};
    struct hello h = hello_of_two(false);
    struct buf b = BUF_INIT;
    add_both(&b, c, FRAME_HELLO, &h);
    raw_dial(c, &newer);
    raw_send(&newer, buf_view(&b));
    run_until_closed(c, &m.to_one);
    assert_int_equal(c->nodes[1].downs[2], 1);
    assert_int_equal(lines_with(&c->nodes[1], "a newer connection"), 1);
    conn_close(&newer.conn);
    buf_release(&b);
    raw_member_close(&m);
}

static bool inbound_again(struct cluster *c)
{
    return peer_in(c, 1, 2)->inbound != NULL;
}

/* It has restarted, and dials before its old connection has ended: that has to
 * end first, and nobody else may take its place. */
static void test_a_restart_waits(void **state)
{
    struct cluster *c = *state;
    struct raw_member m;
    start_joined(c, &m);
    struct hello h = hello_of_two(false);
    struct buf b = BUF_INIT;
    h.from_incarnation++;
    add_both(&b, c, FRAME_HELLO, &h);
    for (int round = 0; round < 2; round++) {
        struct raw newer = {0};
        raw_dial(c, &newer);
        raw_send(&newer, buf_view(&b));
        if (round == 0) {
            run_until_closed(c, &newer);
            assert_int_equal(c->nodes[1].downs[2], 0);
            assert_int_equal(
                lines_with(&c->nodes[1], "of it is linked: if that runs"), 1);
            conn_close(&m.to_one.conn);
            run_until_logged(c, 1, "link down: closed by the other side");
        } else {
            run_until(c, inbound_again);
        }
        conn_close(&newer.conn);
    }
    buf_release(&b);
    raw_member_close(&m);
}

/* Input that is there before the link is up waits for it. */
static void test_early_input(void **state)
{
    struct cluster *c = *state;
    struct raw_member m;
    raw_listen(c, &m);
    start_one(c, false);
    struct hello h = hello_of_two(false);
    struct buf b = BUF_INIT;
    add_both(&b, c, FRAME_HELLO, &h);
    for (int i = 0; i < 200; i++) {
        uint8_t some[1000] = {(uint8_t)i};
        add_frame(&b, FRAME_RAFT, bytes_of(some, sizeof(some)));
    }
    raw_dial(c, &m.to_one);
    raw_send(&m.to_one, buf_view(&b));
    run_until_input(c, &m.to_one, HELLO_FRAME + GREETING_FRAME);
    run_for(c, 30);
    struct peer *two = peer_in(c, 1, 2);
    assert_non_null(two->inbound);
    assert_true(two->inbound->conn.in.len <= PEER_EARLY_BYTES_MAX);
    assert_int_equal(c->nodes[1].received_count, 0);
    await_hello(c, &m);
    buf_reset(&b);
    h = welcome_of_two(false);
    add_both(&b, c, FRAME_WELCOME, &h);
    raw_send(&m.from_one, buf_view(&b));
    run_until_received(c, 1, 200);
    for (int i = 0; i < 200; i++)
        assert_int_equal(c->nodes[1].received[i].payload.data[0], i);
    buf_release(&b);
    raw_member_close(&m);
}

int main(void)
{
#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, cluster_setup, cluster_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_garbage),
        TEST(test_hello_bits),
        TEST(test_hello_truncated),
        TEST(test_hello_fields),
        TEST(test_stranger_frames),
        TEST(test_stranger_claims),
        TEST(test_idle_flood),
        TEST(test_who_has_gone_is_named),
        TEST(test_a_restart_waits),
        TEST(test_proof_bits),
        TEST(test_proof_forged),
        TEST(test_greeting_forged),
        TEST(test_no_greeting),
        TEST(test_welcome_bits),
        TEST(test_welcome_fields),
        TEST(test_welcome_missing),
        TEST(test_handshake_breaks),
        TEST(test_welcome_too_long),
        TEST(test_what_came_with_the_hello),
        TEST(test_acceptor_without_secret),
        TEST(test_frames_out_of_place),
        TEST(test_bad_fragments),
        TEST(test_claims),
        TEST(test_payload_above_limit),
        TEST(test_wrong_direction),
        TEST(test_byte_by_byte),
        TEST(test_newer_replaces),
        TEST(test_early_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
