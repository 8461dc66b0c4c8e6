/*
 * Sessions: which request of each node was applied last. A request is
 * applied only if it is the next of its incarnation (or the first of a newer
 * one). All others are skipped: they are duplicates, or come after a gap, which
 * their sender fills by sending everything unanswered again. Ongaro's thesis,
 * section 6.3; here the clients of the sessions are the nodes, so their number
 * is small.
 *
 * First answers (once): the first result of a request that a client named with
 * a client id and request id, given again when the request is repeated.
 *
 * Both are part of the keyspace: read and changed between keyspace_begin and
 * keyspace_commit, in the same batch as the data.
 */
#ifndef DATA_SESSION_H
#define DATA_SESSION_H

#include "data/keyspace.h"
#include "data/session_row.h"

/* An answer larger than this is given once and not kept. Part of the state
 * machine, so it is not an option. */
#define ONCE_REPLY_MAX (1024 * 1024)

/* The session of a node; all zero if it has none. */
void session_get(struct keyspace *ks, node_id node, struct session *out);

/* True: apply the request, and the session has moved on to it. The first
 * sequence number of an incarnation is 1. */
MUST_USE bool session_admit(struct keyspace *ks, node_id node,
                            uint64_t incarnation, uint64_t seq);

/* The start of the node that the request being executed is of has this nonce:
 * kept with its session. */
void session_note_start(struct keyspace *ks, node_id node, uint64_t nonce);

/* Inside an entry: nothing of this node is applied any more, up to this
 * incarnation. */
void session_end(struct keyspace *ks, node_id node, uint64_t incarnation);

enum once_verdict {
    ONCE_NEW,   /* execute it, then once_store() */
    ONCE_SAME,  /* *reply is the first answer */
    ONCE_STALE, /* older than the client's newest: its answer is gone */
};

/* A client's ids only grow. */
enum once_verdict once_check(struct keyspace *ks, struct bytes client,
                             uint64_t request_id, struct bytes *reply);
/* Keeps the reply (RESP2 bytes, at most ONCE_REPLY_MAX) for ttl_ms of log
 * time. It counts in keyspace_entry_bytes(). */
void once_store(struct keyspace *ks, struct bytes client, uint64_t request_id,
                struct bytes reply, int64_t ttl_ms);

#endif
