/* Between cluster.c and cluster_check.c. */
#ifndef SCRIPT_CLUSTER_INTERNAL_H
#define SCRIPT_CLUSTER_INTERNAL_H

#include "cluster.h"

void cluster_fail(struct cluster *c, const char *format, ...) PRINTF(2, 3);
node_id cluster_id(const struct cluster *c, uint32_t pos);
void cluster_print(struct cluster *c, uint32_t pos, bool detail,
                   const char *format, ...) PRINTF(4, 5);

/* cluster_check.c; called by cluster.c at the point of the fact. */
void check_sent(struct cluster *c, uint32_t pos, const struct raft_message *m);
void check_created(struct cluster *c, uint32_t pos, raft_index from);
void check_truncated(struct cluster *c, uint32_t pos, raft_index from);
void check_role(struct cluster *c, uint32_t pos, enum raft_role before);
void check_commit(struct cluster *c, uint32_t pos, raft_index before);
void check_read(struct cluster *c, uint32_t pos, const struct raft_read *read);
void check_matches(struct cluster *c, uint32_t pos);

/* cluster_trace.c */
void trace_step(struct cluster *c, uint32_t pos, raft_index commit);
void trace_wire(struct cluster *c, uint32_t pos, const struct wire *w);

#endif
