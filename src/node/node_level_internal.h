/*
 * The level: what struct node keeps of it, and what other files call.
 */
#ifndef NODE_NODE_LEVEL_INTERNAL_H
#define NODE_NODE_LEVEL_INTERNAL_H

#include "base/buf.h"
#include "node/node.h"
#include "table/table.h"

struct levels {
    int64_t able_since_ms; /* when all members could execute the next; 0 */
    /* What the program of each other member can execute, as it said last. */
    struct node_level_range said[RAFT_NODES_MAX];
    uint32_t said_count;
};

/* node_base.c: the highest level that this program can execute; whether it can
 * this one, or else what people are told. */
uint16_t node_level_max(const struct node *n);
bool node_level_known(const struct node *n, uint16_t level);
void node_level_text(const struct node *n, uint16_t level, struct buf *out);
/* node_level.c: as leader, it is time to raise the level: by an entry for these
 * members, whose payload is in n->membership.record. False: it is not. */
MUST_USE bool node_level_due(struct node *n, struct raft_members *next);
/* The same for one that somebody has asked for. ERR_INVALID, ERR_AGAIN or
 * ERR_MISMATCH with a text for people. */
MUST_USE int node_level_ask(struct node *n, uint16_t level,
                            struct raft_members *next, struct buf *why);
/* The command of this name for the request that is executed next; NULL: there
 * is none at the level in force. */
const struct cmd *node_level_command(struct node *n, struct bytes name);

#endif
