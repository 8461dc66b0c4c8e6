/*
 * A line of text for each start and each step of the core, for debugging and
 * for tests/trace, which runs the same steps again through the same core and
 * compares. The core is a pure function, so its inputs are the whole story.
 *
 *   start SELF INCARNATION CLUSTER GROUP MEMBERS/... ELECTION HEARTBEAT
 *         PEER-DOWN DISK ENTRIES WINDOW SEED NOW TERM VOTE FIRST PREV-TERM
 *         LAST APPLIED FIRST:TERM,... RECOVERING
 *   step  DIGEST TYPE NOW PEER INDEX SEQ READ-ID INCARNATION COUNT MESSAGE
 *         CHAIN,... MEMBERS RESTORED
 *   applied INDEX
 *
 * MEMBERS is INDEX:VOTERS:OUTGOING:ID=LIFE,...: those that an entry makes, and
 * who of them votes, in bits by position. RESTORED, of a state that takes the
 * place of the present one, is TERM-OF-INDEX:TERM, of who offered it.
 * (one line each; numbers are decimal; "-" stands for nothing.) DIGEST is of
 * the core after the step. MESSAGE is the one received, as codec/message.h
 * writes it, in hex, without its entries. CHAIN,... are the chain hashes of
 * the entries that the step appended. A line is written when its step has
 * been taken and before anything of it leaves the node.
 */
#ifndef NODE_NODE_TRACE_H
#define NODE_NODE_TRACE_H

#include "base/base.h"
#include "raft/raft.h"

/* A hash of what the core is and wants after a step. */
uint64_t node_trace_digest(const struct raft *r, const struct raft_out *out);

#endif
