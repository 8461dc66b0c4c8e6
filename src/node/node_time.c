/*
 * The log's time, and what the wall clock shows more.
 *
 * An entry has two: the log's time, by which keys, leases and first answers
 * expire, and the offset of its leader's wall clock to that, by which absolute
 * times are translated when they come in and go out (data/keyspace.h). A wall
 * clock that jumps, or another leader's that is ahead, changes the offset
 * alone: no lease ends early by it, and the next absolute time is right again.
 *
 * The log's time goes on as the leader's monotonic clock does. Whoever may lead
 * next reckons it: what the leader said with its last message, and what has
 * passed here since then. That is late by the time which the message took,
 * never early; so a later message counts even if it says less than was
 * reckoned, or the difference between two monotonic clocks would add up.
 *
 * A member that has started again does not know how long it was away, and does
 * not ask its wall clock. It believes whoever runs and knows: all messages
 * carry the log's time (node_beat.c), and so do the votes by which it may lead.
 * Hence, if one of those whose votes make a leader was up all the time, the
 * time goes on. If none was (all have started again, or those who were up can't
 * be reached), the leader has only wall clocks to go by: what its own shows
 * more than the last entry's leader's did has passed, or nothing. Then a lease
 * is wrong by what the two differ. A new log begins at the wall clock.
 *
 * The last entry's offset is kept while it is right within OFFSET_KEPT_MS: what
 * PEXPIREAT was given, PEXPIRETIME tells to the millisecond. One that has
 * changed by more gets an entry of its own if there is no other (node_sweep.c),
 * so that all members know, and that a jump is not taken for time that has
 * passed when all have started again.
 *
 * No time is poison. An absurd wall clock is an absurd offset, and gone when it
 * is set. An absurd time of the log, after a stop of everybody, ends what had a
 * time to live; then it goes on from there, and the offset makes up for it. The
 * bounds of an entry's times (codec/entry.h), which no member takes more from
 * another than, are too far to be reached.
 *
 * Reads use the same time. Where it is later than the last entry's, a read
 * that meets a key expired by then is sent through the log (data/keyspace.h).
 *
 * How it fails: a log whose end cannot be read ends the node.
 */
#include <inttypes.h>

#include "node/node_internal.h"

#define OFFSET_KEPT_MS 20
/* Less is what synchronized clocks differ by, or are adjusted by. */
#define JUMP_TOLD_MS 1000

int64_t node_time_reckoned(const struct node *n)
{
    int64_t passed_ms = n->mono_ms - n->clock.since_ms;

    if (!n->clock.known)
        return 0;
    ASSERT(passed_ms >= 0 && n->clock.base_ms > 0);
    return MIN(passed_ms, ENTRY_TIME_MAX - n->clock.base_ms) + n->clock.base_ms;
}

/* It is this now, or what the last entry says, if that is later. */
static void begin_at(struct node *n, int64_t time_ms)
{
    if (n->clock.last_known)
        time_ms = MAX(time_ms, n->clock.last_ms);
    ASSERT(time_ms > 0 && time_ms <= ENTRY_TIME_MAX);
    n->clock.base_ms = time_ms;
    n->clock.since_ms = n->mono_ms;
    n->clock.known = true;
}

static void set_last(struct node *n, int64_t time_ms, int64_t wall_offset_ms)
{
    n->clock.last_ms = time_ms;
    n->clock.last_offset_ms = wall_offset_ms;
    n->clock.last_known = true;
}

int node_time_load(struct node *n)
{
    raft_index last = journal_last(n->journal);
    const struct applied *a = keyspace_applied(n->ks);
    struct entry e;

    ASSERT(!n->clock.last_known);
    if (last < journal_first(n->journal)) {
        set_last(n, a->time_ms, a->wall_offset_ms);
        return 0;
    }
    int err = journal_read(n->journal, last, &e, &n->scratch);
    if (err == 0)
        set_last(n, MAX(e.time_ms, a->time_ms), e.wall_offset_ms);
    return err;
}

void node_time_appended(struct node *n, int64_t time_ms, int64_t wall_offset_ms)
{
    set_last(n, MAX(time_ms, keyspace_applied(n->ks)->time_ms), wall_offset_ms);
    if (n->clock.known && n->clock.last_ms > node_time_reckoned(n))
        begin_at(n, time_ms);
}

void node_time_told(struct node *n, int64_t time_ms)
{
    ASSERT(time_ms >= 0);
    if (time_ms > 0)
        begin_at(n, time_ms);
}

void node_time_truncated(struct node *n)
{
    n->clock.last_known = false;
}

/* Nobody knows: what the wall clock says has passed. */
static void begin_by_wall(struct node *n)
{
    const struct log_clock *c = &n->clock;
    int64_t passed_ms = n->wall_ms - (c->last_ms + c->last_offset_ms);

    ASSERT(c->last_known && !c->known);
    passed_ms = MAX(passed_ms, 0);
    if (c->last_ms > 0)
        log_notice(n->logger,
                   "all members have started again: by this node's wall clock "
                   "%" PRId64 " ms have passed since the last entry",
                   passed_ms);
    begin_at(n, MIN(MAX(c->last_ms + passed_ms, 1), ENTRY_TIME_MAX));
}

int64_t node_stamp(struct node *n)
{
    int err = n->clock.last_known ? 0 : node_time_load(n);

    if (err != 0) {
        node_fail_by(n, "reading the end of the log", err);
        return keyspace_applied(n->ks)->time_ms;
    }
    if (!n->clock.known && n->raft.role == RAFT_LEADER)
        begin_by_wall(n);
    return MAX(node_time_reckoned(n), n->clock.last_ms);
}

/* What the wall clock shows more, and in what that is not what the last entry
 * says. */
static int64_t moved_ms(const struct node *n, int64_t time_ms)
{
    ASSERT(time_ms >= 0 && time_ms <= ENTRY_TIME_MAX);
    return n->wall_ms - time_ms - n->clock.last_offset_ms;
}

static bool is_kept(int64_t moved)
{
    return moved < OFFSET_KEPT_MS && moved > -OFFSET_KEPT_MS;
}

int64_t node_stamp_offset(struct node *n, int64_t time_ms)
{
    int64_t moved = moved_ms(n, time_ms);

    ASSERT(n->raft.role == RAFT_LEADER);
    if (is_kept(moved) || n->dead)
        return n->clock.last_offset_ms;
    bool told = moved < JUMP_TOLD_MS && moved > -JUMP_TOLD_MS;
    if (!told && n->told.role != RAFT_LEADER) /* its first entry */
        log_warning(n->logger,
                    "the wall clock of this node shows %" PRId64
                    " ms more than that of the last leader: absolute times of "
                    "expiry are by this one from now on, times to live do not "
                    "change",
                    moved);
    return n->clock.last_offset_ms + moved;
}

bool node_time_moved(const struct node *n)
{
    ASSERT(n->raft.role == RAFT_LEADER && n->clock.known);
    return n->clock.last_known && !is_kept(moved_ms(n, node_time_reckoned(n)));
}

void node_time_watch(struct node *n)
{
    struct wall_watch *w = &n->watch;
    int64_t ahead_ms = n->wall_ms - n->mono_ms;
    int64_t jump_ms = w->begun ? ahead_ms - w->ahead_ms : 0;

    if (jump_ms >= JUMP_TOLD_MS || jump_ms <= -JUMP_TOLD_MS)
        log_warning(n->logger,
                    "the wall clock of this node has jumped by %" PRId64
                    " ms: absolute times of expiry are by the new one if this "
                    "node leads, times to live do not change",
                    jump_ms);
    *w = (struct wall_watch){ahead_ms, true};
}
