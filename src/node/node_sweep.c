/*
 * Expired keys are deleted through the log: the leader submits a sweep when
 * its expiry index says that something is due. Nobody waits for the reply. A
 * wall clock that has jumped is told to all by the same entry (node_time.c).
 *
 * Sweeps keep up with what clients write, whatever that is: they are asked for
 * twice as many rows as requests were applied meanwhile, so that more goes than
 * can have come. What was applied while nothing was due does not count. While a
 * sweep leaves something that is due, the next one follows as soon as it is
 * applied; otherwise after a pause, so that each is worth its entry.
 *
 * An entry is executed within one turn, in which everybody else waits; a row
 * takes one to two microseconds. So one sweep deletes no more than
 * SWEEP_LIMIT_MAX rows, or as many as are due to the requests of a turn, which
 * then took as long; if more is needed, the next one does not wait for it.
 *
 * How it fails: a sweep that gets lost with its leader is submitted again by
 * the next one; a key that was not swept yet is expired for every command.
 */
#include "base/num.h"
#include "node/node_internal.h"

static bool can_ask(const struct node *n)
{
    return !n->space.own_full && raft_can_propose(&n->raft);
}

static bool under_way(const struct node *n)
{
    return n->sweeping.seq >= n->requests.ring.first_seq;
}

bool node_sweep_goes_on(const struct node *n)
{
    return keyspace_sweep_left(n->ks) && can_ask(n) && !under_way(n);
}

/* Rows that sweeps have yet to be asked for. */
static uint64_t owed(const struct node *n)
{
    ASSERT(n->sweeping.requests <= n->applying.applied_requests);
    return 2 * (n->applying.applied_requests - n->sweeping.requests);
}

static void submit(struct node *n, uint64_t rows)
{
    char limit[NUM_TEXT_MAX];
    size_t len = num_format_i64((int64_t)rows, limit);
    struct bytes argv[2] = {BYTES_LIT("vard.sweep"), bytes_of(limit, len)};

    n->sweeping.seq = n->requests.ring.next_seq;
    n->sweeping.requests += MIN(rows, owed(n)) / 2;
    n->sweeping.after_ms = n->mono_ms + SWEEP_PAUSE_MS;
    node_requests_internal(n, argv, 2);
    ASSERT(n->sweeping.seq + 1 == n->requests.ring.next_seq);
}

/* Of one sweep, by what was applied in the last turn. */
static uint64_t rows_max(struct node *n)
{
    uint64_t applied = n->applying.applied_requests;
    uint64_t turn = applied - n->sweeping.seen;

    ASSERT(n->sweeping.seen <= applied);
    n->sweeping.seen = applied;
    return MIN(MAX(2 * turn, SWEEP_LIMIT_MAX), CMD_SWEEP_LIMIT_MAX);
}

void node_sweep(struct node *n)
{
    uint64_t most = rows_max(n);
    bool waits = under_way(n) ? owed(n) < most
                              : n->mono_ms < n->sweeping.after_ms &&
                                    !keyspace_sweep_left(n->ks);

    ASSERT(n->sweeping.seq < n->requests.ring.next_seq);
    if (can_ask(n) && waits)
        return;
    if (can_ask(n) &&
        (node_time_moved(n) || keyspace_due(n->ks, node_stamp(n))))
        submit(n, MIN(MAX(owed(n), SWEEP_LIMIT_MIN), most));
    else
        n->sweeping.requests = n->applying.applied_requests;
}
