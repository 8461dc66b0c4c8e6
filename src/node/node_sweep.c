/*
 * Expired keys are deleted through the log: the leader submits a sweep when
 * its expiry index says that something is due. Nobody waits for the reply. A
 * wall clock that has jumped is told to all by the same entry (node_time.c).
 *
 * One sweep is under way at a time. Its size keeps up with what clients write,
 * whatever that is: twice the requests that were applied since the last one
 * was submitted, so that more goes than can have come, and the time that
 * sweeps take has a bound beside that of the requests. While a sweep leaves
 * something that is due, the next one follows as soon as it is applied;
 * otherwise after a pause, so that each is worth its entry.
 *
 * How it fails: a sweep that gets lost with its leader is submitted again by
 * the next one; a key that was not swept yet is expired for every command.
 */
#include "base/num.h"
#include "node/node_internal.h"

static bool may_submit(const struct node *n)
{
    return !n->space.own_full && raft_can_propose(&n->raft) &&
           n->sweeping.seq < n->requests.ring.first_seq;
}

bool node_sweep_goes_on(const struct node *n)
{
    return keyspace_sweep_left(n->ks) && may_submit(n);
}

static uint64_t limit_of(const struct node *n)
{
    uint64_t since = n->applying.applied_requests - n->sweeping.requests;

    ASSERT(n->sweeping.requests <= n->applying.applied_requests);
    return MIN(MAX(2 * since, SWEEP_LIMIT_MIN), CMD_SWEEP_LIMIT_MAX);
}

static void submit(struct node *n)
{
    char limit[NUM_TEXT_MAX];
    size_t len = num_format_i64((int64_t)limit_of(n), limit);
    struct bytes argv[2] = {BYTES_LIT("vard.sweep"), bytes_of(limit, len)};

    n->sweeping.seq = n->requests.ring.next_seq;
    n->sweeping.requests = n->applying.applied_requests;
    n->sweeping.after_ms = n->mono_ms + SWEEP_PAUSE_MS;
    node_requests_internal(n, argv, 2);
    ASSERT(n->sweeping.seq + 1 == n->requests.ring.next_seq);
}

void node_sweep(struct node *n)
{
    ASSERT(n->sweeping.seq < n->requests.ring.next_seq);
    if (!may_submit(n))
        return; /* or the last one is still under way */
    if (n->mono_ms < n->sweeping.after_ms && !keyspace_sweep_left(n->ks))
        return;
    if (node_time_moved(n) || keyspace_due(n->ks, node_stamp(n)))
        submit(n);
}
