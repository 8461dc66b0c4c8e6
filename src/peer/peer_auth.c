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
#include "net/crypto.h"

#include <inttypes.h>
#include <stdio.h>

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
    if (h->cluster_id != us->cluster_id) {
        snprintf(why, PEER_WHY_MAX,
                 "cluster-id or node lines differ (ours %016" PRIx64
                 ", theirs %016" PRIx64 "): does it belong to another cluster?",
                 us->cluster_id, h->cluster_id);
        return ERR_MISMATCH;
    }
    if (h->to != us->self) {
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

void peer_proof_make(struct bytes secret, enum peer_proof_role role,
                     struct bytes hello, struct bytes welcome,
                     struct proof *out)
{
    ASSERT(secret.len > 0);
    ASSERT(hello.len == HELLO_SIZE && welcome.len == HELLO_SIZE);
    struct buf said = BUF_INIT;
    buf_str(&said, label_of(role));
    buf_char(&said, '\0');
    buf_bytes(&said, hello);
    buf_bytes(&said, welcome);
    crypto_hmac_sha256(secret, buf_view(&said), out->mac);
    buf_release(&said);
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
