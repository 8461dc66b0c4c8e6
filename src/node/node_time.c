/*
 * The log's time: what the leader stamps entries with, and by which keys
 * expire on all nodes.
 *
 * It is the leader's wall clock, with one exception: it never falls. It may be
 * ahead of the wall clock, because that was set back, or because another
 * leader's clock was ahead. Then it does not stop until the clock has caught
 * up (keys with a time to live would stay for hours): it follows the monotonic
 * clock from the last entry on. Every member computes that for the entries
 * that it appends, whoever leads. So a new leader continues from where the
 * log's time is by now, not from where it was at the last entry. After a
 * restart a member continues from the last entry of its log, or from what the
 * leader tells with its heartbeats.
 *
 * While ahead it runs slower by one part in SLEW_PARTS, and so comes back to
 * the wall clock. Times to live are then at most that much longer, which is
 * harmless (a lease is not lost early), and an hour is made up in 20 hours.
 * Until then EXPIREAT and PEXPIRETIME, whose times are absolute, are off by
 * what the log is ahead, and the leader logs that.
 *
 * A clock that jumps forward has to be believed: the node cannot distinguish
 * that from the first correct time after a halt of the whole cluster or of a
 * suspended machine, during which the monotonic clock stopped. Only times in
 * the log have an effect: a jump forward and back between two entries has
 * none.
 *
 * Reads use the same time. Where it is later than the last entry's, a read
 * that meets a key expired by then is sent through the log (data/keyspace.h).
 *
 * How it fails: a log whose end cannot be read ends the node.
 */
#include <inttypes.h>

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
    /* Only then: to begin again with each entry would round the slower pace
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
                    "the time of the log is %" PRId64
                    " ms ahead of this node's "
                    "clock: times to live are exact, but keys with an absolute "
                    "time of expiry expire that much too early",
                    ahead_ms);
    n->clock.ahead_told = ahead_ms > AHEAD_TOLD_MS;
}
