/*
 * What a peer says before it is trusted, and the pieces of large frames.
 * Accepted records encode to the same bytes; a proof is valid for its own
 * handshake only; collecting pieces takes memory for what has arrived.
 *
 * input: kind(1) the payload (of fragments: len(1) payload, repeated).
 */
// link: peer
#include "base/hash.h"
#include "base/reader.h"
#include "codec/frame.h"
#include "codec/greeting.h"
#include "codec/hello.h"
#include "fuzz/fuzz.h"
#include "peer/peer_assembly.h"
#include "peer/peer_auth.h"

#define PAYLOAD_MAX (1024 * 1024)

static void check_hello(struct bytes b)
{
    struct hello h;
    if (hello_decode(b, &h) != 0)
        return;
    struct buf again = BUF_INIT;
    hello_encode(&h, &again);
    ASSERT(bytes_eq(buf_view(&again), b));
    struct peer_identity us = {.cluster_id = h.cluster_id,
                               .self = h.to,
                               .incarnation = MAX(h.to_incarnation, 1),
                               .secured = h.secured};
    char why[PEER_WHY_MAX] = "";
    int rc = peer_hello_check(&us, &h, why);
    ASSERT(rc == 0 || why[0] != '\0');
    bool blank = h.cluster_id == 0 || h.cluster_id == UINT64_MAX;
    us.cluster_id++; /* not ours */
    rc = peer_hello_check(&us, &h, why);
    ASSERT(blank || (rc != 0 && memchr(why, '\0', sizeof(why)) != NULL));
    buf_release(&again);
}

static void check_greeting(struct bytes b)
{
    struct greeting g;
    struct buf sealed = BUF_INIT;
    buf_bytes(&sealed, b);
    if (sealed.len == GREETING_BODY_SIZE) { /* the founding's checksum */
        uint8_t *at = sealed.data + GREETING_BODY_SIZE - FOUNDING_SIZE;
        struct bytes body = bytes_of(at, FOUNDING_SIZE - 8);
        store_u64le(at + body.len, hash64_seed(body, 5));
    }
    if (greeting_decode(buf_view(&sealed), &g) == 0) {
        struct buf again = BUF_INIT;
        greeting_encode(&g, &again);
        ASSERT(bytes_eq(buf_view(&again), buf_view(&sealed)));
        buf_release(&again);
    }
    buf_release(&sealed);
}

/* The proof comes from the payload, and then from whoever knows the secret. */
static void check_proof(struct bytes b)
{
    struct proof p;
    struct proof right;
    struct bytes secret = BYTES_LIT("secret");
    uint8_t said[2 * HELLO_SIZE] = {0};
    struct bytes hello = bytes_of(said, HELLO_SIZE);
    struct bytes welcome = bytes_of(said + HELLO_SIZE, HELLO_SIZE);
    if (proof_decode(b, &p) != 0)
        return;
    memcpy(said, b.data, b.len);
    peer_proof_make(secret, PEER_PROOF_DIALER, hello, welcome, &right);
    ASSERT(!peer_proof_valid(secret, PEER_PROOF_DIALER, hello, welcome, &p));
    ASSERT(peer_proof_valid(secret, PEER_PROOF_DIALER, hello, welcome, &right));
    ASSERT(
        !peer_proof_valid(secret, PEER_PROOF_ACCEPTOR, hello, welcome, &right));
    struct buf again = BUF_INIT;
    proof_encode(&p, &again);
    ASSERT(bytes_eq(buf_view(&again), b));
    buf_release(&again);
}

static void check_fragments(struct fuzz *f)
{
    struct peer_assembly a = {.data = BUF_INIT};
    size_t arrived = 0;
    size_t most = 0; /* of a payload before: its memory is kept */
    while (fuzz_more(f)) {
        struct fragment piece;
        struct bytes b = fuzz_text(f);
        if (fragment_decode(b, &piece) != 0)
            break;
        struct buf again = BUF_INIT;
        fragment_encode(&piece, &again);
        ASSERT(bytes_eq(buf_view(&again), b));
        buf_release(&again);
        int rc = peer_assembly_add(&a, &piece, PAYLOAD_MAX);
        if (rc < 0)
            break;
        arrived += piece.data.len;
        most = MAX(most, arrived);
        ASSERT(a.data.len == arrived && a.data.cap <= 2 * most + 64);
        ASSERT((rc == 1) == (arrived == a.total));
        if (rc == 1) {
            peer_assembly_reset(&a);
            arrived = 0;
        }
    }
    peer_assembly_release(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz f = fuzz_of(data, size);
    switch (fuzz_below(&f, 8)) {
    case 0:
        check_proof(f.rest);
        break;
    case 1:
    case 2:
        check_hello(f.rest);
        break;
    case 3:
        check_greeting(f.rest);
        break;
    default:
        check_fragments(&f);
        break;
    }
    return 0;
}
