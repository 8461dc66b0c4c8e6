/*
 * Links to the other members of the cluster.
 *
 * Each ordered pair of members has one TCP connection: a node dials every
 * other one to send to it, and accepts connections of others to receive from
 * them. A link is *up* when both directions are established, each by a
 * handshake with the same incarnations: HELLO, WELCOME, with a peer-secret
 * PROOFs over both nonces (HMAC-SHA256, with the direction in it, so that a
 * proof cannot be sent back), and GREETINGs, which say what directory and what
 * start of it each is, and what it knows of the other. The link is down as soon
 * as either direction breaks.
 *
 * A node that is blank, which belongs to no cluster yet, greets the others
 * again and again, and is greeted, but is never linked.
 *
 * Payloads above PEER_FRAGMENT_BYTES travel as fragments between which
 * control payloads pass. Reconnects back off from 10 ms to 1 s with jitter.
 */
#ifndef PEER_PEER_H
#define PEER_PEER_H

#include "base/base.h"
#include "base/buf.h"
#include "base/log.h"
#include "net/lookup.h"
#include "net/loop.h"
#include "node/node_transport.h"

#define PEER_FRAGMENT_BYTES (256 * 1024)

struct peer_member {
    node_id id;
    const char *address; /* "host:port" of its peer port */
};

#define PEER_SEED_SIZE 320 /* of an address, with the NUL */

struct founding; /* codec/record.h */

struct peers_options {
    uint64_t cluster_id; /* 0: blank */
    uint64_t label;      /* of the option cluster-id; 0: none */
    struct directory_id directory;
    uint64_t nonce;
    bool lost, forced;               /* see codec/greeting.h */
    const struct founding *founding; /* copied; NULL: none to show */
    uint16_t level_max; /* that this program executes; 0: LEVEL_MAX */
    node_id self;
    uint64_t incarnation;
    const char *listen_address; /* our own peer address; NULL: no members */
    const char *client_host;    /* told to the peers: where clients find us */
    uint16_t client_port;
    const char *secret;                /* NULL or "": no authentication */
    uint64_t queue_bytes_max;          /* output per member; above: ERR_LIMIT */
    uint64_t payload_bytes_max;        /* largest payload accepted */
    const struct peer_member *members; /* with or without self; copied */
    size_t member_count;
    /* Of members whose ids are not known, to be asked by a blank node. */
    const char (*seeds)[PEER_SEED_SIZE];
    size_t seed_count;
    const struct logger *log;
    const struct transport_events *events;
    lookup_fn *look_up; /* of the names in addresses; NULL: the system's */
};

struct peers;

/* Listens and begins to dial. ERR_IO or ERR_INVALID with a text. The name in
 * our own address must be known; those of the others are looked up whenever
 * they are dialed. */
MUST_USE int peers_new(struct peers **out, struct loop *l,
                       const struct peers_options *options, struct buf *error);
/* Must not be called from within a transport event. It calls none. */
void peers_free(struct peers *p);
/* The transport to give to the node. `send` answers ERR_TOO_BIG, besides what
 * node_transport.h names, for a payload above payload_bytes_max. A payload
 * larger than queue_bytes_max is taken when the queue is empty; control
 * payloads may exceed the bound by 1 MiB. */
struct transport peers_transport(struct peers *p);
/* Writes what was queued; called once per turn, after the node's flush. */
void peers_flush(struct peers *p);

/* A blank node, from now on: asks each member that has data to let it in,
 * about four times a second, until it is freed. The answers are told as the
 * event `granted`. Asking again does nothing. */
void peers_ask(struct peers *p, const struct admit *ask);
/* This blank node need not wait for members that are missing, and says so. */
void peers_force(struct peers *p);

struct peer_info {
    node_id id;
    const char *address;
    const char *client_address; /* "" until known */
    bool up;
    uint64_t incarnation;
    uint64_t queued_bytes;
    uint64_t sent_bytes, received_bytes;
};
/* What INFO and RAFT STATUS show; false when i is past the last one. */
bool peers_info(const struct peers *p, size_t i, struct peer_info *out);

#endif
