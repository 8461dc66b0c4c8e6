/*
 * The log's time: what the leader stamps entries with, and by which keys
 * expire on all nodes.
 *
 * It is the leader's wall clock, but for one thing: it never falls. If it is
 * ahead of the wall clock, because that was set back, or because another
 * leader's clock was ahead, then it does not stand still until the clock has
 * caught up (keys with a time to live would stay for hours): it goes on from
 * the last entry by the monotonic clock. Every member keeps that reckoning
 * for the entries that it appends, whoever leads, so that a new leader goes
 * on from where the log's time is by now, not from where it was at the last
 * entry. After a restart it goes on from the last entry of the log, or from
 * what the leader tells with its heartbeats.
 *
 * While ahead it runs slower by one part in SLEW_PARTS, and so comes back to
 * the wall clock: times to live are then at most that much longer, which is
 * the harmless side (a lease is not lost early), and an hour is made up in 20
 * hours. Until then EXPIREAT and PEXPIRETIME, whose times are absolute, are
 * off by what the log is ahead, and the leader says so in its own log.
 *
 * A clock that jumps forward is believed, as it must be: nothing tells it
 * from the first correct time after a halt of the whole cluster or a suspended
 * machine, over which the monotonic clock does not count. Only what has been
 * written into the log binds: a jump forward and back between two entries has
 * no effect.
 *
 * Reads are judged by the same time (see data/keyspace.h: where it is beyond
 * the last entry's, they only learn that the log has to be asked).
 */
#include "base/num.h"
#include "node/node_internal.h"

#define SLEW_PARTS 20
/* Less is what synchronized clocks differ by. */
#define AHEAD_TOLD_MS 1000

int64_t node_time_reckoned(const struct node *n)
{
    int64_t passed_ms = n->mono_ms - n->clock.since_ms;
    int64_t time_ms;

    if (!n->clock.known)
        return 0;
    ASSERT(passed_ms >= 0);
    if (!num_add_i64(n->clock.base_ms, passed_ms - passed_ms / SLEW_PARTS,
                     &time_ms))
        return INT64_MAX; /* an entry carries an absurd time */
    return time_ms;
}

static void begin_at(struct node *n, int64_t time_ms)
{
    ASSERT(!n->clock.known || time_ms > n->clock.base_ms);
    n->clock.base_ms = time_ms;
    n->clock.since_ms = n->mono_ms;
    n->clock.known = true;
}

int node_time_load(struct node *n)
{
    raft_index last = journal_last(n->journal);
    int64_t time_ms = keyspace_applied(n->ks)->time_ms;
    struct entry e;

    if (last >= journal_first(n->journal)) {
        int err = journal_read(n->journal, last, &e, &n->scratch);
        if (err != 0)
            return err;
        time_ms = MAX(time_ms, e.time_ms);
    }
    ASSERT(!n->clock.known);
    begin_at(n, time_ms);
    return 0;
}

void node_time_appended(struct node *n, int64_t time_ms)
{
    if (!n->clock.known)
        begin_at(n, keyspace_applied(n->ks)->time_ms);
    /* Only then: a new beginning with each entry would round the slowness
     * away. */
    if (time_ms > node_time_reckoned(n))
        begin_at(n, time_ms);
    ASSERT(n->clock.known && node_time_reckoned(n) >= time_ms);
}

void node_time_truncated(struct node *n)
{
    n->clock.known = false;
}

int64_t node_stamp(struct node *n)
{
    int err = n->clock.known ? 0 : node_time_load(n);

    if (err != 0) {
        node_fail(n, "reading the end of the log", error_text(err));
        return MAX(n->wall_ms, keyspace_applied(n->ks)->time_ms);
    }
    return MAX(n->wall_ms, node_time_reckoned(n));
}

void node_time_watch(struct node *n)
{
    int64_t ahead_ms = 0;

    if (n->raft.role == RAFT_LEADER && n->wall_ms >= 0)
        ahead_ms = node_time_reckoned(n) - n->wall_ms;
    if (ahead_ms > AHEAD_TOLD_MS && !n->clock.ahead_told)
        log_warning(n->logger,
                    "the time of the log is %lld ms ahead of this node's "
                    "clock: times to live are kept, absolute times of expiry "
                    "come that much early",
                    (long long)ahead_ms);
    n->clock.ahead_told = ahead_ms > AHEAD_TOLD_MS;
}
