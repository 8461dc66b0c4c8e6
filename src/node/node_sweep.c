/*
 * Expired keys are deleted through the log: the leader submits a sweep when
 * its expiry index says that something is due. Nobody waits for the reply.
 *
 * How it fails: a sweep that gets lost with its leader is submitted again by
 * the next one; a key that was not swept yet is expired for every command.
 */
#include "base/num.h"
#include "node/node_internal.h"

void node_sweep(struct node *n)
{
    char limit[NUM_TEXT_MAX];
    size_t len = num_format_i64(SWEEP_LIMIT, limit);
    struct bytes argv[2] = {BYTES_LIT("vard.sweep"), bytes_of(limit, len)};
    struct request_ring *ring = &n->requests.ring;

    ASSERT(n->sweep_seq < ring->next_seq);
    if (!raft_can_propose(&n->raft) || n->sweep_seq >= ring->first_seq)
        return; /* the last one is still under way */
    if (!keyspace_due(n->ks, node_stamp(n)))
        return;
    n->sweep_seq = ring->next_seq;
    node_requests_internal(n, argv, 2);
    ASSERT(n->sweep_seq + 1 == ring->next_seq);
}
