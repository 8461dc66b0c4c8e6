/*
 * The order of the checks is that of usefulness to the operator who reads the
 * refusal: another version, another cluster, another node, then the rest.
 *
 * How it fails: ERR_PROTOCOL, ERR_MISMATCH or ERR_AUTH with one line of reason,
 * and a proof that is wrong is false. The caller logs the reason and closes the
 * connection.
 */
#include "peer/peer_auth.h"

#include "base/buf.h"
#include "codec/greeting.h"
#include "net/crypto.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

_Static_assert(PROOF_SIZE == CRYPTO_HASH_SIZE, "a proof is one hash");

static const char *label_of(enum peer_proof_role role)
{
    return role == PEER_PROOF_DIALER ? "vard peer proof v1 dialer"
                                     : "vard peer proof v1 acceptor";
}

static int check_place(const struct peer_identity *us, const struct hello *h,
                       char why[PEER_WHY_MAX])
{
    if (h->version_min > PROTOCOL_VERSION ||
        h->version_max < PROTOCOL_VERSION) {
        snprintf(why, PEER_WHY_MAX,
                 "speaks versions %u to %u of the peer protocol, we speak %u",
                 h->version_min, h->version_max, PROTOCOL_VERSION);
        return ERR_PROTOCOL;
    }
    bool blank = h->cluster_id == 0 || us->cluster_id == 0;
    if (!blank && h->cluster_id != us->cluster_id) {
        snprintf(why, PEER_WHY_MAX,
                 "it belongs to another cluster (ours %016" PRIx64
                 ", theirs %016" PRIx64 "): was one of them begun anew?",
                 us->cluster_id, h->cluster_id);
        return ERR_MISMATCH;
    }
    bool any = h->to == NODE_NONE; /* it asks who this is */
    if (h->to != us->self && !any) {
        snprintf(why, PEER_WHY_MAX,
                 "looks for member %u, but this is member %u: do the addresses "
                 "agree?",
                 h->to, us->self);
        return ERR_MISMATCH;
    }
    return 0;
}

int peer_hello_check(const struct peer_identity *us, const struct hello *h,
                     char why[PEER_WHY_MAX])
{
    ASSERT(us->incarnation != 0);
    ASSERT(h->from_incarnation != 0); /* decoding has checked that */
    int err = check_place(us, h, why);
    if (err != 0)
        return err;
    ASSERT(h->from != NODE_NONE); /* decoding has checked that, too */
    if (h->from == us->self) {
        snprintf(why, PEER_WHY_MAX, "says it is member %u, which is this node",
                 h->from);
        return ERR_MISMATCH;
    }
    if (h->to_incarnation != 0 && h->to_incarnation != us->incarnation) {
        snprintf(why, PEER_WHY_MAX,
                 "speaks to incarnation %" PRIu64 " of us, this is %" PRIu64,
                 h->to_incarnation, us->incarnation);
        return ERR_MISMATCH;
    }
    if (h->secured != us->secured) {
        snprintf(why, PEER_WHY_MAX, "peer-secret is set on %s only",
                 us->secured ? "our side" : "the other side");
        return ERR_AUTH;
    }
    return 0;
}

static void sign(struct bytes secret, const char *label,
                 const struct bytes parts[3], struct proof *out)
{
    struct buf said = BUF_INIT;
    buf_str(&said, label);
    buf_char(&said, '\0');
    for (int i = 0; i < 3; i++)
        buf_bytes(&said, parts[i]);
    crypto_hmac_sha256(secret, buf_view(&said), out->mac);
    buf_release(&said);
}

void peer_proof_make(struct bytes secret, enum peer_proof_role role,
                     struct bytes hello, struct bytes welcome,
                     struct proof *out)
{
    ASSERT(secret.len > 0);
    ASSERT(hello.len == HELLO_SIZE && welcome.len == HELLO_SIZE);
    const struct bytes parts[3] = {hello, welcome, BYTES_NONE};
    sign(secret, label_of(role), parts, out);
}

void peer_greeting_seal(struct bytes secret, const struct peer_talk *talk,
                        struct bytes body, struct proof *out)
{
    const struct bytes parts[3] = {talk->hello, talk->welcome, body};
    ASSERT(body.len == GREETING_BODY_SIZE);
    memset(out, 0, sizeof(*out));
    if (secret.len == 0)
        return;
    ASSERT(talk->hello.len == HELLO_SIZE && talk->welcome.len == HELLO_SIZE);
    sign(secret,
         talk->role == PEER_PROOF_DIALER ? "vard peer greeting v1 dialer"
                                         : "vard peer greeting v1 acceptor",
         parts, out);
}

bool peer_greeting_valid(struct bytes secret, const struct peer_talk *talk,
                         struct bytes body, const struct proof *proof)
{
    struct proof expected;
    peer_greeting_seal(secret, talk, body, &expected);
    return crypto_equal(bytes_of(expected.mac, sizeof(expected.mac)),
                        bytes_of(proof->mac, sizeof(proof->mac)));
}

bool peer_proof_valid(struct bytes secret, enum peer_proof_role role,
                      struct bytes hello, struct bytes welcome,
                      const struct proof *proof)
{
    struct proof expected;
    peer_proof_make(secret, role, hello, welcome, &expected);
    return crypto_equal(bytes_of(expected.mac, sizeof(expected.mac)),
                        bytes_of(proof->mac, sizeof(proof->mac)));
}
