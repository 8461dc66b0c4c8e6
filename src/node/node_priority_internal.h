/*
 * Who had better lead: what struct node keeps of it, and what other files call.
 */
#ifndef NODE_NODE_PRIORITY_INTERNAL_H
#define NODE_NODE_PRIORITY_INTERNAL_H

#include "node/node.h"

/* node_priority.c, as leader: who had better lead. */
struct heirs {
    raft_term term;   /* that the peers' follows_ms is about */
    int64_t again_ms; /* leadership is not handed over for it before */
};

/* node_priority.c: it leads only if nobody else does. */
bool node_priority_is_last(const struct node *n);
/* What the core has to be told of it; false: nothing. */
MUST_USE bool node_priority_next(const struct node *n, struct raft_event *e);
/* As leader: of two members, had the first one better lead? NODE_NONE: anybody
 * had. */
bool node_better_heir(const struct node *n, node_id id, node_id than);
/* Who is to lead because of its priority; NODE_NONE: nobody. Not again soon. */
node_id node_priority_heir(struct node *n);
/* Who can take leadership over: this one, or NODE_NONE: the best one.
 * NODE_NONE: nobody can. */
node_id node_heir(const struct node *n, node_id id);

#endif
