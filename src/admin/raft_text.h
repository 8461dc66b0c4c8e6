/*
 * How the state of Raft is told to people: shared by RAFT STATUS, ROLE and
 * INFO.
 */
#ifndef ADMIN_RAFT_TEXT_H
#define ADMIN_RAFT_TEXT_H

#include "base/base.h"
#include "base/bytes.h"
#include "node/node.h"

/* "leader", "follower" or "candidate". */
const char *raft_role_text(enum raft_role role);
/* "down", "up"; on the leader also "probe", "replicate", "snapshot". */
const char *raft_progress_text(const struct node_status *st, size_t i);
/* Of a member, and of all: "never", "equal", "incomplete" (those that have said
 * what they have are equal), "different" (than a majority), "undecided". */
const char *compare_result_text(enum compare_result result);
const char *compare_verdict_text(const struct compare_status *st);
/* Of "host:port" or "[v6]:port"; empty and 0 when there is nothing. */
void split_address(const char *address, struct bytes *host, uint16_t *port);

#endif
