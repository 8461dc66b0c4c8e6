/*
 * Who the members are: what struct node keeps of it, and what its other files
 * call.
 */
#ifndef NODE_NODE_MEMBERS_INTERNAL_H
#define NODE_NODE_MEMBERS_INTERNAL_H

#include "base/base.h"
#include "base/buf.h"
#include "codec/admit.h"
#include "codec/configuration.h"
#include "codec/entry.h"
#include "raft/raft.h"

struct node;
struct node_options;
struct node_peer;

/* node_members.c: who the members are. Of the newest entry in the log that says
 * so, committed or not: they decide. Of the state: an entry is executed by what
 * the one before it said. */
struct membership {
    struct configuration newest;
    raft_index newest_at;          /* 0: no entry has said so */
    struct configuration founding; /* as long as no entry has */
    struct configuration applied;
    raft_index applied_at;
    raft_index serve_from; /* applied up to here, this node may serve */
    struct buf record;     /* being proposed */
    bool is_copy;          /* node_is_copy() */
};

/* node_base.c: who they are as long as no entry says so. */
void node_founders(const struct node_options *o, struct configuration *out);
/* node_members.c: from state and log, for the core's start. ERR_MISMATCH or
 * ERR_CORRUPT with a text. */
MUST_USE int node_members_open(struct node *n, struct raft_start *start,
                               struct buf *error);
void node_members_release(struct node *n);
/* The core has others now: of the newest entry in its log. */
void node_members_changed(struct node *n);
/* May a leader have sent this? ERR_CORRUPT: it says nothing. */
MUST_USE int node_members_check(const struct node *n, const struct entry *e);
/* While an entry is applied that says who they are. ERR_CORRUPT. */
MUST_USE int node_members_apply(struct node *n, const struct entry *e);
/* Those of a state that was fetched: what it has of them, of the entry at `at`.
 * ERR_CORRUPT, ERR_MISMATCH: it is none for this node. */
MUST_USE int node_members_fetched(const struct node *n, struct bytes record,
                                  raft_index at, struct raft_members *out);
/* Another state is in use. */
void node_members_restored(struct node *n);
/* That what the last entry said allows. */
bool node_members_may_execute(const struct node *n, node_id from,
                              uint64_t incarnation);
/* Is the life of the peer at the other end over? */
bool node_members_is_over(const struct node *n, const struct node_peer *peer);
/* A request of this node is in the log which it did not make: ends it. */
void node_members_copied(struct node *n, uint64_t incarnation);
/* As leader: this message is of a member in a life that the log does not know,
 * and that an entry for these members, whose payload is in
 * n->membership.record, would tell of. */
bool node_members_begins(const struct node *n, const struct raft_message *m);
void node_members_begin(struct node *n, const struct raft_message *m,
                        struct raft_members *next);
/* As node_admit(); or, 1: a life is to be granted, by an entry for these
 * members, whose payload is in n->membership.record. */
MUST_USE int node_members_judge(struct node *n, const struct admit *ask,
                                struct grant *out, struct buf *why);
void node_members_grant(struct node *n, const struct admit *ask,
                        struct raft_members *next);
/* As leader: may an entry that says who they are come next, beside the steps
 * of node_driver.c? */
bool node_members_can_change(const struct node *n);
/* Encodes what is to be proposed. */
void node_members_put_next(struct node *n, const struct configuration *c,
                           struct raft_members *next);

#endif
