/*
 * Housekeeping of the log.
 *
 * The log is cut by size, and only below what a completed flush of the state
 * contains on this node (the log is the state's redo log) and what the other
 * members hold: all of them, up to the soft bound's multiple; beyond the hard
 * bound only those that are live. The leader knows what they hold and tells
 * it with its heartbeats and appends, so that a follower does not throw away
 * what it would need as the next leader. A member that needs what was cut
 * already gains nothing by the rest, and does not count as live, unless it
 * fetches a state: then it needs what is behind that one. Nor does one count
 * that is paused, which may lag for as long as one that is down.
 *
 * What is behind a state that is fetched is kept up to the hard bound, too, and
 * not beyond: a transfer that is slower than the log grows has come to nothing
 * then, and begins anew with another state (node_source.c).
 *
 * A log that is larger than the state is not worth its space: after a while
 * without a cut, the bound is the size of the state's files, if that is
 * smaller. Not while much is written: the soft bound has the log cut before
 * long, and a cut needs the state to be flushed, after which what is read or
 * replaced has to be found in files first.
 * On a disk that is short of space no log is worth it: what nobody needs goes
 * at once. What a member lacks that is down is kept there, too.
 *
 * A store gives back what was cut or deleted when it writes the next files,
 * which a node that refuses writes for lack of space would wait for in vain: it
 * has them written at once.
 *
 * How it fails: a store that refuses ends the node. A flush that is asked for
 * is not waited for; if it is lost with the process, the log is still there.
 */
#include <inttypes.h>

#include "node/node_internal.h"

/* The bound of the log: never less than this part of the soft one, and not
 * below the soft one for so long after a cut, or after a second in which the
 * log grew by such a part of it. */
#define SMALL_PART     16
#define CUT_PAUSE_MS   5000
#define GROWTH_MS      1000
#define GROWTH_PART    80
#define TIDY_MS        1000
#define SPACE_FLUSH_MS 1000

/* As leader: the smallest match of all members, and of all live ones, of what
 * is committed: the rest of what they hold another leader may take from them.
 * That of a recovering one is 0, so nothing is cut until it is refilled: what
 * it has it may lose again, and nobody could refill it then. */
static void measure(struct node *n)
{
    raft_index all = MIN(n->raft.durable, n->raft.commit);
    raft_index live = all;
    raft_index fetched = all;

    const struct raft_members *members = &n->raft.members[RAFT_NEWEST];
    for (uint32_t i = 0; i < members->count; i++) {
        const struct raft_progress *p = &n->raft.progress[i];
        if (members->ids[i] == n->options.self)
            continue;
        all = MIN(all, p->match);
        if (!p->link_up || p->paused)
            continue;
        if (p->state != RAFT_SNAPSHOT)
            live = MIN(live, p->match);
        else if (p->snapshot > 0 && p->snapshot + 1 >= n->raft.first)
            fetched = MIN(fetched, MAX(p->match, p->snapshot));
    }
    n->compaction.held_by_all = MAX(n->compaction.held_by_all, all);
    n->compaction.held_by_linked = live;
    n->compaction.held_by_live = MIN(live, fetched);
    ASSERT(all <= n->compaction.held_by_live && live <= n->raft.commit);
}

void node_compact_tell(struct node *n, struct beat *b)
{
    measure(n);
    b->held_by_all = n->compaction.held_by_all;
    b->held_by_live = n->compaction.held_by_live;
}

void node_compact_told(struct node *n, const struct beat *b)
{
    ASSERT(n->raft.leader != NODE_NONE && n->raft.role != RAFT_LEADER);
    n->compaction.held_by_all = MAX(n->compaction.held_by_all, b->held_by_all);
    n->compaction.held_by_live = b->held_by_live;
}

/* Once a second; of what is truncated as much may come again. */
static void look_at_growth(struct node *n)
{
    struct compaction *c = &n->compaction;
    uint64_t end = journal_end(n->journal);
    uint64_t grown = end - MIN(end, c->grown_end);

    if (n->mono_ms - c->grown_ms < GROWTH_MS)
        return;
    if (grown >= n->options.log_bytes_soft / GROWTH_PART)
        c->busy_ms = n->mono_ms;
    c->grown_ms = n->mono_ms;
    c->grown_end = end;
    ASSERT(c->busy_ms <= n->mono_ms);
}

void node_compact_forget(struct node *n)
{
    ASSERT(!n->compaction.flush_due);
    n->compaction.held_by_all = 0;
    n->compaction.held_by_live = 0;
}

/* How large the log may be, in bytes, before it is cut. */
static uint64_t bound(struct node *n)
{
    const struct compaction *c = &n->compaction;
    uint64_t soft = n->options.log_bytes_soft;
    struct store_extent state;

    ASSERT(c->cut_ms <= n->mono_ms);
    if (n->space.own_short)
        return soft / SMALL_PART;
    if (n->mono_ms - MAX(c->cut_ms, c->busy_ms) < CUT_PAUSE_MS)
        return soft;
    store_extent(n->store, &state);
    return MIN(soft, MAX(soft / SMALL_PART, state.bytes));
}

/* Cuts the log on disk. 0, or what store or log failed with. */
static int cut(struct node *n, raft_index first)
{
    bool early = journal_bytes(n->journal) < n->options.log_bytes_soft;

    ASSERT(first > journal_first(n->journal));
    ASSERT(first <= keyspace_applied(n->ks)->index + 1);
    log_verbose(n->logger, "log cut: entries below %" PRIu64 " are gone",
                first);
    store_batch_reset(&n->batch);
    journal_cut(n->journal, &n->batch, first);
    int err = store_write(n->store, &n->batch, STORE_LOGGED);
    /* Perhaps nothing is written for long: its space is wanted now. */
    if (err == 0 && (early || n->space.own_short))
        err = store_flush(n->store, STORE_LOG, false);
    if (err != 0)
        node_fail_by(n, "cutting the log", err);
    n->compaction.cut_ms = n->mono_ms;
    return err;
}

/* Entries to keep below a cut: as many as configured, but not more than half
 * of the bound if they are large. */
static uint64_t cut_margin(const struct node *n, uint64_t bytes, uint64_t most)
{
    uint64_t count = journal_last(n->journal) - journal_first(n->journal) + 1;
    uint64_t average = MAX(bytes / MAX(count, 1), 1);

    return MIN(n->options.log_cut_margin, most / 2 / average);
}

static void flush_state(struct node *n)
{
    raft_index applied = keyspace_applied(n->ks)->index;

    ASSERT(n->compaction.flush_asked <= applied);
    n->compaction.flush_asked = applied;
    int err = store_flush(n->store, STORE_STATE, false);
    if (err != 0)
        node_fail_by(n, "flushing the state", err);
}

/* Terms that began after what the flushed state contains are not known to be
 * committed at the next start, and with RAFT_RUNS_MAX of those the core would
 * never campaign again. However small the log: a node may be killed often. */
static bool flush_for_terms(const struct node *n)
{
    const struct raft *r = &n->raft;
    uint32_t half = RAFT_RUNS_MAX / 2;

    ASSERT(r->run_count <= RAFT_RUNS_MAX);
    if (r->run_count <= half ||
        r->runs[r->run_count - half - 1].first <= n->compaction.flush_asked)
        return false;
    return keyspace_applied(n->ks)->index > n->compaction.flush_asked;
}

/* What was deleted becomes a file, so that merges can make room. */
static bool flush_for_space(const struct node *n)
{
    ASSERT(n->compaction.flushed_ms <= n->mono_ms);
    return n->space.own_short &&
           keyspace_applied(n->ks)->index > n->compaction.flush_asked &&
           n->mono_ms >= n->compaction.flushed_ms + SPACE_FLUSH_MS;
}

/* The log is as large as it may be, and that is all kept for states that are
 * fetched, but for what a flush is not worth. */
static bool fetched_too_slowly(struct node *n, uint64_t margin)
{
    const struct compaction *c = &n->compaction;
    raft_index first = journal_first(n->journal);

    if (n->raft.role != RAFT_LEADER || c->held_by_linked == c->held_by_live ||
        c->held_by_live > first + 2 * margin)
        return false;
    log_notice(n->logger,
               "the log has grown to log-size-max while the state of entry "
               "%" PRIu64 " was fetched: that is given up, a newer one follows",
               c->held_by_live);
    return true;
}

/* What the others hold that count, as the log's size asks for it. */
static raft_index held(struct node *n, uint64_t bytes, uint64_t margin)
{
    const struct compaction *c = &n->compaction;

    if (n->raft.role == RAFT_LEADER)
        measure(n);
    if (bytes < n->options.log_bytes_hard)
        return c->held_by_all;
    raft_index live =
        fetched_too_slowly(n, margin) ? c->held_by_linked : c->held_by_live;
    return MAX(c->held_by_all, live);
}

raft_index node_compact(struct node *n)
{
    uint64_t bytes = journal_bytes(n->journal);
    struct applied flushed;

    ASSERT(!n->compaction.flush_due);
    look_at_growth(n);
    if (n->dead || bytes < n->options.log_bytes_soft / SMALL_PART)
        return 0;
    uint64_t most = bound(n);
    if (bytes < most)
        return 0;
    uint64_t margin = cut_margin(n, bytes, most);
    raft_index others = held(n, bytes, margin);
    int err = keyspace_flushed(n->ks, &flushed);
    if (err != 0) {
        node_fail_by(n, "reading the flushed state", err);
        return 0;
    }
    /* What others say they hold is no reason to cut what is not on this disk:
     * the state may be ahead of the own log. */
    raft_index keep = MIN(MIN(others, flushed.index), n->raft.durable);
    raft_index first = journal_first(n->journal);
    n->compaction.flush_due =
        flushed.index + margin < others &&
        keyspace_applied(n->ks)->index >= n->compaction.flush_asked + margin;
    if (keep <= first + margin)
        return 0;
    return cut(n, keep - margin) == 0 ? keep - margin : 0;
}

void node_compact_flush(struct node *n)
{
    bool due = n->compaction.flush_due;

    ASSERT(!n->dead);
    if (n->mono_ms >= n->compaction.tidy_at_ms) {
        n->compaction.tidy_at_ms = n->mono_ms + TIDY_MS;
        store_tidy(n->store);
    }
    n->compaction.flush_due = false;
    if (due)
        flush_state(n);
    if (!n->dead && flush_for_terms(n))
        flush_state(n);
    if (!n->dead && flush_for_space(n)) {
        n->compaction.flushed_ms = n->mono_ms;
        flush_state(n);
    }
}
