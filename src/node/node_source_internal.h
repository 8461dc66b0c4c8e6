/*
 * A state that is handed to members that need one: what struct node and struct
 * node_peer keep of it, and what node.c calls.
 */
#ifndef NODE_NODE_SOURCE_INTERNAL_H
#define NODE_NODE_SOURCE_INTERNAL_H

#include "base/base.h"
#include "codec/transfer.h"
#include "data/keyspace.h"
#include "store/store_view.h"

struct ahead;
struct node;
struct node_peer;

/* Of a peer: what it is sent. */
struct node_receiver {
    struct ahead *ahead; /* NULL: nothing */
    uint64_t number;     /* of the chunk that is being sent */
    uint32_t offset;     /* of it that was sent */
    uint64_t position;   /* bytes of rows that it has been sent, or had */
    uint64_t until;      /* that it has asked for */
    uint64_t begun_at;   /* where this reading began, and when */
    int64_t begun_ms;
    int64_t told_ms;     /* in the log, how far it is */
    uint64_t offered_id; /* 0: none since the link is up */
    int64_t offered_ms;
};

/* The state, one at a time, for all who need one; id 0: none. */
struct node_source {
    uint64_t id;
    uint64_t count; /* of those so far */
    struct store_view *view;
    struct ahead *first; /* has not been asked for a chunk yet; or NULL */
    struct applied at;   /* the entry that it is the state of; index 0: not
                            known yet */
    uint64_t bytes;      /* about so many */
    int64_t used_ms;
    int64_t again_ms;  /* none is opened before */
    bool hurries;      /* the log has outrun the last one: without a bound */
    int64_t filled_ms; /* the bucket */
    int64_t bucket;    /* bytes that may be sent; less than 0: after a chunk */
    uint64_t sent_bytes; /* of chunks, since the start */
};

/* node_send.c: of a state that goes from member to member. ERR_LIMIT,
 * ERR_CLOSED: not sent (node_transport.h). */
int node_transfer_send(struct node *n, node_id to, const struct transfer *t);

void node_source_release(struct node *n);
/* A WANT or a LEAVE of a peer. */
void node_source_take(struct node *n, struct node_peer *peer,
                      const struct transfer *t);
/* Its link is down. */
void node_source_down(struct node *n, struct node_peer *peer);
/* Housekeeping: a state is opened, offered, closed. */
void node_source_tidy(struct node *n);
/* Sends what may be sent now. */
void node_source_send(struct node *n);
/* When there is something to send again; INT64_MAX: nothing. */
int64_t node_source_due_ms(const struct node *n);
/* Peers that are being sent a state. */
uint32_t node_source_receivers(const struct node *n);

#endif
