/*
 * The session rows, and the one session that the requests of an entry move on
 * right now: requests arrive in runs of the same node, so its row is written
 * when the run ends, not at each request. The contract of sessions is in
 * session.h.
 */
#ifndef DATA_SESSION_ROW_H
#define DATA_SESSION_ROW_H

#include "base/base.h"
#include "data/rows.h"

struct session {
    uint64_t incarnation;
    uint64_t last_seq;
    uint64_t nonce; /* of that start of the node; 0: it did not say it */
};

struct session_row {
    node_id node; /* NODE_NONE: none is being moved on */
    struct session session;
};

/* The session of a node by now; all zero if it has none. */
void session_row_get(const struct session_row *row, struct rows *rs,
                     node_id node, struct session *out);
/* Inside an entry: the session of a node has moved on to *s. */
void session_row_set(struct session_row *row, struct rows *rs, node_id node,
                     const struct session *s);
/* Inside an entry: writes the session that is being moved on, if any. */
void session_row_settle(struct session_row *row, struct rows *rs);

#endif
