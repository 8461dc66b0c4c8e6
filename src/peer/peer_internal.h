/*
 * The structs behind peer.h, shared by the files of this folder only.
 *
 * For each peer there is an outbound link, which this node dials (peer_link.c),
 * and at most one established inbound connection (peer_accept.c). An inbound
 * connection that has not proved who it is yet is a stranger. peer_pair.c joins
 * the two directions; it alone tells the node `up` and `down`.
 *
 * When one direction breaks, both are closed at once. A connection that breaks
 * later therefore belongs to a newer pair, and two nodes cannot keep closing
 * each other's new connections.
 *
 * The files call each other in this order: peer.c, then peer_accept.c, then
 * peer_members.c, then peer_link.c, then peer_admit.c, peer_place.c,
 * peer_pair.c and peer_greet.c, then peer_link_state.c and peer_inbound.c.
 */
#ifndef PEER_PEER_INTERNAL_H
#define PEER_PEER_INTERNAL_H

#include "base/list.h"
#include "codec/configuration.h"
#include "codec/frame.h"
#include "codec/greeting.h"
#include "net/conn.h"
#include "net/listener.h"
#include "net/lookup.h"
#include "os/socket.h"
#include "peer/peer.h"
#include "peer/peer_assembly.h"
#include "peer/peer_auth.h"
#include "peer/peer_queue.h"

#define PEER_HANDSHAKE_MS       2000
#define PEER_LOOKUP_MS          1000  /* then an older answer must do */
#define PEER_LEAVE_MS           10000 /* for the entry that says so */
#define PEER_ONE_WAY_MS         3000  /* then the log says so */
#define PEER_BACKOFF_MIN_MS     10
#define PEER_BACKOFF_MAX_MS     1000
#define PEER_SHORT_LIFE_MS      1000 /* a link shorter than this flaps */
#define PEER_KEEPALIVE_S        5
#define PEER_USER_TIMEOUT_MS    10000
#define PEER_STRANGER_BYTES_MAX 4096
#define PEER_GRANT_BYTES_MAX    8192
#define PEER_ASK_MS             250 /* at most until it is asked again */
#define PEER_EARLY_BYTES_MAX    (64 * 1024) /* input before the link is up */
#define PEER_FAILURE_MAX        (PEER_WHY_MAX + ADDRESS_TEXT_MAX + 40)
#define PEER_CLIENT_ADDRESS_MAX (ADDRESS_TEXT_MAX + 16)
/* That are in no configuration; those of one, them, and seeds. */
#define PEER_STRANGERS_MAX       ((size_t)RAFT_NODES_MAX)
#define PEERS_MAX                ((size_t)3 * RAFT_NODES_MAX)
#define PEER_CONTROL_EXTRA_BYTES (1024 * 1024) /* above queue_bytes_max */

struct peer;

enum peer_link_state {
    LINK_WAITING,    /* for the back-off to pass */
    LINK_LOOKUP,     /* for the number behind its name */
    LINK_CONNECTING, /* for TCP */
    LINK_HELLO,      /* HELLO sent, waits for WELCOME */
    LINK_PROOF,      /* PROOF and GREETING sent, waits for their PROOF */
    LINK_GREETING,   /* waits for their GREETING */
    LINK_ADMIT,      /* blank: has asked to be let in, waits for GRANT */
    LINK_ESTABLISHED,
    LINK_STATE_END,
};

/* The direction in which we dial and send. */
struct peer_link {
    enum peer_link_state state;
    int connect_fd; /* while connecting, else -1 */
    struct loop_io connect_io;
    struct loop_timer timer; /* back-off, or deadline of the handshake */
    struct conn conn;
    uint64_t incarnation; /* of the peer, from its WELCOME */
    uint8_t hello[HELLO_SIZE];
    uint8_t welcome[HELLO_SIZE];
    struct peer_queue queue;
    int64_t backoff_ms; /* before the next attempt */
    int64_t dialed_at_ms;
    uint64_t sent_bytes;            /* on earlier connections */
    char failure[PEER_FAILURE_MAX]; /* logged last; "": none since it was up */
};

enum peer_inbound_state {
    INBOUND_HELLO,
    INBOUND_PROOF,
    INBOUND_GREETING,
    INBOUND_ADMIT, /* it is blank, and may ask to be let in */
    INBOUND_ESTABLISHED,
    INBOUND_STATE_END,
};

/* A connection that was accepted, and on which we receive. */
struct peer_inbound {
    struct list link; /* in peers.strangers until established */
    struct peers *peers;
    struct peer *peer; /* whose it is, once established */
    enum peer_inbound_state state;
    struct conn conn;
    struct loop_timer deadline; /* of the handshake */
    struct hello hello;
    uint8_t hello_bytes[HELLO_SIZE];
    uint8_t welcome[HELLO_SIZE];
    struct peer_assembly assembly;
    char address[ADDRESS_TEXT_MAX];
    char why[PEER_WHY_MAX]; /* the reason of an error, if there is more */
    bool expected;          /* its end, which is not worth a line */
};

/* Where a member may be reached, as different ones say. */
enum peer_place {
    PLACE_MEMBERS, /* the configuration of the cluster */
    PLACE_TOLD,    /* itself, where it was not before */
    PLACE_SEED,    /* the node lines */
    PLACES,
};

struct peer {
    struct peers *peers;
    node_id id;  /* NODE_NONE: it is not known who is there, but in: */
    node_id met; /* who has answered last */
    bool left;   /* it is no member any more, or not yet */
    struct loop_timer leaves; /* then it is forgotten */
    char *places[PLACES];     /* NULL: nothing is known */
    char *told_first;         /* what it said when it was met; NULL */
    enum peer_place place;    /* where it is dialed now */
    const char *address;      /* that one; "": none is known */
    bool is_name;             /* the address is to be looked up */
    struct lookup *lookup;    /* that is under way; NULL: none */
    uint32_t nth;             /* of the addresses of the name, which to take */
    struct address found;     /* the last one; len 0: none yet */
    struct peer_link link;
    struct peer_inbound *inbound; /* NULL: none is established */
    struct loop_timer one_way;    /* we reach it, it does not reach us */
    bool up;
    bool flapping;             /* its last link was short-lived */
    uint64_t incarnation_seen; /* the highest, from authenticated hellos */
    uint64_t nonce_seen;       /* of that start */
    int64_t up_since_ms;
    int64_t complained_at_ms;
    uint64_t received_bytes; /* on earlier connections */
    char client_address[PEER_CLIENT_ADDRESS_MAX];
};

struct peers {
    struct loop *loop;
    const struct logger *log;
    const struct transport_events *events;
    struct peer_identity identity;
    struct greeting greeting; /* what is the same for all */
    bool joins;               /* it asks whoever is there */
    bool asks;                /* to be let in, with this: */
    struct admit ask;
    char *listen_address; /* as configured; "": none */
    char *client_host;
    uint16_t client_port;
    lookup_fn *look_up;
    struct buf secret;
    uint64_t queue_bytes_max;
    uint64_t payload_bytes_max;
    struct peer *members[PEERS_MAX]; /* without ourselves */
    size_t member_count;
    struct configuration wanted; /* what the node said last; */
    bool wanted_new;             /* the members do not follow it yet */
    struct listener listener;
    struct list strangers;
    size_t stranger_count;
    int64_t complained_at_ms; /* about connections of non-members */
    struct loop_timer work;   /* work left for the next turn */
    uint64_t rng;
};

static inline struct peer *peer_of_link(struct peer_link *k)
{
    return CONTAINER_OF(k, struct peer, link);
}

/* ----- peer_inbound.c ----- */

void peer_inbound_check(const struct peer_inbound *in);
void peer_inbound_move(struct peer_inbound *in, enum peer_inbound_state to);
/* It has proved who it is. */
void peer_inbound_leave_strangers(struct peer_inbound *in);
/* Closes and frees it; the peer forgets it. The node is not told. */
void peer_inbound_free(struct peer_inbound *in);

/* ----- peer_link_state.c ----- */

void peer_link_check(const struct peer_link *k);
void peer_link_move(struct peer_link *k, enum peer_link_state to);
/* Closes everything; the next attempt follows after the back-off. */
void peer_link_wait(struct peer_link *k);
/* The same for an established link. */
void peer_link_break(struct peer *peer);
void peer_link_release(struct peer *peer);
/* Bytes that are queued and that the kernel has not taken yet. */
uint64_t peer_link_queued(const struct peer *peer);

/* ----- peer_place.c ----- */

/* Text for a place; NULL: none any more. False: it is no address, and nothing
 * has changed. */
bool peer_place_set(struct peer *peer, enum peer_place which,
                    const char *address);
/* An attempt has failed: the next one goes to another place, if there is one.
 */
void peer_place_next(struct peer *peer);
/* What the peer says in its greeting of itself. */
void peer_place_told(struct peer *peer, const char *address);
void peer_place_release(struct peer *peer);
/* Is there anybody to be found at an address whose member is not known? */
bool peers_seed_needed(const struct peers *p);
/* This member was met there: a node that has no address of it has one now. */
void peers_seed_met(struct peers *p, const struct peer *seed);

/* ----- peer_pair.c ----- */

struct peer *peers_find(struct peers *p, node_id id);
/* Who is not one of them: to be judged, and answered. */
struct peer peer_nobody(struct peers *p, node_id id);
void peers_hello_fill(struct peers *p, node_id to, struct hello *out);
/* It names no host: all addresses of its machine, or none. */
bool peers_any_address(const char *address);
/* Has peers_settle, peer_inbound_resume and peer_link_flush run for all peers
 * in the next turn. */
void peers_work_soon(struct peers *p);
/* One direction is established now: joins them if both are. */
void peer_join(struct peer *peer);
/* An established direction broke, or has to go: closes both. */
void peer_break(struct peer *peer, const char *why);
/* A line in the log, at most one a second for each peer. */
void peer_complain(struct peer *peer, const char *format, ...) PRINTF(2, 3);
void peer_check(const struct peer *peer);

/* ----- peer_greet.c ----- */

/* What this node thinks of a member that says this, on a connection with this
 * incarnation: GREETING_WELCOME, or another verdict with the reason in why. */
enum greeting_verdict peer_greet_judge(const struct peer *peer,
                                       uint64_t incarnation,
                                       const struct greeting *g,
                                       char why[PEER_WHY_MAX]);
/* Why the member has refused us, for the log. */
void peer_greet_refusal(const struct greeting *g, char why[PEER_WHY_MAX]);
/* Appends the frame: our greeting for this member, with that verdict. */
void peer_greet_send(const struct peer *peer, const struct peer_talk *talk,
                     enum greeting_verdict verdict, struct conn *conn);
/* Theirs; ERR_AUTH and ERR_CORRUPT. */
MUST_USE int peer_greet_take(const struct peers *p,
                             const struct peer_talk *talk, struct bytes payload,
                             struct greeting *out);
/* Tells the owner, with the verdict on it. */
void peer_greet_tell(const struct peer *peer, const struct greeting *g,
                     enum greeting_verdict ours, bool dialed);
/* From now on this is the start that is known. */
void peer_greet_remember(struct peer *peer, uint64_t incarnation,
                         uint64_t nonce);

/* ----- peer_members.c ----- */

/* A member of the node lines. ERR_INVALID with a text. */
MUST_USE int peers_add_seed(struct peers *p, const struct peer_member *m,
                            struct buf *error);
/* An address where there is a member whose id is not known. */
MUST_USE int peers_add_asked(struct peers *p, const char *address,
                             struct buf *error);
/* One that is no member here, and is heard all the same: it has a newer
 * configuration than this node. NULL: there are too many, or it does not say
 * where it is. */
struct peer *peers_add_stranger(struct peers *p, node_id id,
                                const struct greeting *g);
/* The members become those that the node has told. Not from an event. */
void peers_settle(struct peers *p);
void peer_free(struct peer *peer);

/* ----- peer_admit.c ----- */

/* Is the member that says this to be asked to let this node in? */
bool peer_admit_wants(const struct peers *p, const struct greeting *g);
void peer_admit_send(const struct peers *p, struct conn *conn);
/* Its answer: an error in any case, since the connection ends with it. */
int peer_admit_answered(struct peer *peer, struct bytes payload,
                        char why[PEER_WHY_MAX]);
/* Answers a question; an error in any case, too. */
int peer_admit_answer(struct peer_inbound *in, struct bytes payload);

/* ----- peer_link.c ----- */

void peer_link_init(struct peer *peer);
/* The peer has reached us: there is no reason to wait any longer. */
void peer_link_hurry(struct peer *peer);
void peer_link_flush(struct peer *peer);

/* ----- peer_accept.c ----- */

void peer_inbound_accept(struct peers *p, int fd, const char *address);
/* Handles input that came before the link was up. */
void peer_inbound_resume(struct peer_inbound *in);

#endif
