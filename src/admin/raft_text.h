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
/* Of "host:port" or "[v6]:port"; empty and 0 when there is nothing. */
void split_address(const char *address, struct bytes *host, uint16_t *port);

#endif
