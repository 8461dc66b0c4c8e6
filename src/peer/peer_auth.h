/*
 * Who the other side is: the checks of a HELLO or WELCOME, and the proofs of
 * knowing the peer-secret.
 *
 * A proof is HMAC-SHA256 with the secret over a label that names the
 * direction, the HELLO and the WELCOME, byte for byte. Both nonces are in
 * them, so a proof is valid for one connection only; because of the label it
 * cannot be sent back; everything that was said in clear is covered. Greetings
 * have such a proof each, with labels of their own.
 *
 * What this does not provide: frames after the handshake are neither encrypted
 * nor authenticated one by one. Other means must keep out attackers who can
 * alter traffic on the wire (a private network, IPsec, WireGuard).
 */
#ifndef PEER_PEER_AUTH_H
#define PEER_PEER_AUTH_H

#include "base/base.h"
#include "base/bytes.h"
#include "codec/hello.h"

#define PEER_WHY_MAX 200

/* What a node knows about itself when it looks at a hello. */
struct peer_identity {
    uint64_t cluster_id; /* 0: blank */
    node_id self;
    uint64_t incarnation;
    bool secured;
};

enum peer_proof_role { PEER_PROOF_DIALER, PEER_PROOF_ACCEPTOR };

/* A handshake, of which a greeting is the end. */
struct peer_talk {
    enum peer_proof_role role; /* of who greets */
    struct bytes hello;
    struct bytes welcome;
};

/* 0, or ERR_MISMATCH, ERR_PROTOCOL, ERR_AUTH with the reason in `why`.
 * It is not checked here whether the sender is a member. */
MUST_USE int peer_hello_check(const struct peer_identity *us,
                              const struct hello *h, char why[PEER_WHY_MAX]);

void peer_proof_make(struct bytes secret, enum peer_proof_role role,
                     struct bytes hello, struct bytes welcome,
                     struct proof *out);
/* Compares in constant time. */
MUST_USE bool peer_proof_valid(struct bytes secret, enum peer_proof_role role,
                               struct bytes hello, struct bytes welcome,
                               const struct proof *proof);
/* The same for a greeting's body. Without a secret it is zeros, which prove
 * nothing. */
void peer_greeting_seal(struct bytes secret, const struct peer_talk *talk,
                        struct bytes body, struct proof *out);
MUST_USE bool peer_greeting_valid(struct bytes secret,
                                  const struct peer_talk *talk,
                                  struct bytes body, const struct proof *proof);

#endif
