/*
 * Who the members are, who they are to be, and whoever else this node knows:
 * for the files of this folder.
 */
#ifndef NODE_NODE_DRIVER_INTERNAL_H
#define NODE_NODE_DRIVER_INTERNAL_H

#include "codec/configuration.h"
#include "codec/entry.h"
#include "node/node.h"

struct node_peer;

/* node_driver.c, as leader: how the members become what operators have asked
 * for. */
struct driver {
    int64_t due_ms;               /* looks again then */
    raft_term term;               /* that the rest is about */
    struct configuration desired; /* count 0: nobody has asked */
    raft_index desired_at;        /* of the row; 0: there is none */
    struct buf record;            /* for who asks */
    raft_index commits[2];        /* as of the last round or two, */
    int64_t commit_ms;            /* the newer one */
    uint32_t transfers;           /* begun in a row, to go itself */
    int64_t transfer_ms;          /* the last one */
    char next[NODE_TEXT_SIZE];    /* the step that is being made, or is next; */
    char waits[NODE_TEXT_SIZE];   /* why it is not; "": it does not wait */
};

/* node_peers.c: the members have changed. */
void node_peers_changed(struct node *n);
/* A link is up. False: there is no room for another stranger. */
MUST_USE bool node_peers_up(struct node *n, node_id id, uint64_t incarnation,
                            const char *client_address);
bool node_peer_is_member(const struct node *n, const struct node_peer *p);
/* The next link that the core lacks: of a member that is new to it. */
MUST_USE bool node_peers_next(const struct node *n, struct raft_event *e);

/* By what is applied this node is no member any more: its directory is not used
 * again, whatever becomes of its id. */
void node_peers_leave(struct node *n);
/* Tells the logger what has changed. */
void node_peers_tell(struct node *n, const struct configuration *before);

/* node_desired.c: reads what operators have asked for, if that has changed. */
void node_desired_load(struct node *n);
/* What the members are, if nothing is under way. */
void node_desired_settle(const struct configuration *c,
                         struct configuration *out);
/* As leader: is this member, which may be the node itself, up, and has it what
 * was committed a moment ago? If not, why: a part of a sentence. */
bool node_desired_follows(const struct node *n, node_id id, struct buf *why);
/* How many of these voters do. */
uint32_t node_desired_live(const struct node *n, const struct configuration *c,
                           uint8_t role);

/* node_driver.c: the next single step on the way to what operators have asked
 * for. */
enum driver_step {
    DRIVER_NOTHING,
    DRIVER_CHANGE,   /* *next are the members, their payload is in
                        n->membership.record */
    DRIVER_TRANSFER, /* *heir is to lead, as this node is to go */
};
void node_driver_release(struct node *n);
bool node_driver_is_due(const struct node *n);
enum driver_step node_driver_look(struct node *n, struct raft_members *next,
                                  node_id *heir);

#endif
