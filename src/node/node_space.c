/*
 * Disks that are short of space (below min-free-disk, says the owner).
 *
 * Every member writes every write, whichever node its client uses, so a member
 * that is short must not be sent them any more; and one short member must not
 * stop the others. Each tells the leader about its own disk (node_beat.c). The
 * leader counts who has room: members that it has a link to, that are not
 * short, and that take part. Then
 *
 *   enough have   writes go on. Who is short is paused: the core sends it
 *                 heartbeats and no entries. It votes, confirms reads, and
 *                 falls behind; the log is kept for it as for any member that
 *                 lags (node_compact.c)
 *   too few have  no member takes writes. Who is short gets entries again:
 *                 deletions, for which it is needed, or nobody could make room
 *
 * where enough is a majority of each set of voters. The leader tells all of
 * it, and each whether it is paused: of such a member's clients it is the only
 * one that could answer, and it does not learn what becomes of their requests.
 * So from the moment it is short its owner takes no writes for it (and no
 * deletions, unless too few have room), and it tells of it only when those from
 * before are answered, or when that takes too long. Reads are served up to
 * where its log ends; the rest fail early.
 *
 * A leader that is short hands over to a voter that is not, and a member that
 * is short leaves elections to others (RAFT_EV_PAUSE of itself).
 *
 * How it fails: a member without a link has no room, and each that a new leader
 * has not heard yet has. Who is counted as one with room may have fallen behind
 * before: then writes wait until it has caught up.
 */
#include <inttypes.h>

#include "node/node_internal.h"

/* Requests of its clients may keep a short member from telling so long. */
#define TELL_MS 1000
/* After a handover that failed. */
#define HAND_OVER_AGAIN_MS 10000

static bool is_short(const struct node_peer *p)
{
    return p->up && p->disk_short;
}

/* Bits, by position, of those that have room for entries. */
static uint32_t with_room(const struct node *n)
{
    uint32_t bits = 0;
    int self = raft_position(&n->raft, n->options.self);

    if (self >= 0 && !n->space.own_short)
        bits |= UINT32_C(1) << self;
    for (uint32_t i = 0; i < n->peer_count; i++) {
        const struct node_peer *p = &n->peers[i];
        int pos = raft_position(&n->raft, p->id);
        if (pos < 0)
            continue;
        const struct raft_progress *progress = &n->raft.progress[pos];
        if (p->up && !p->disk_short && !progress->recovering &&
            progress->state != RAFT_SNAPSHOT)
            bits |= UINT32_C(1) << pos;
    }
    return bits;
}

uint32_t node_short_members(const struct node *n)
{
    uint32_t count = n->space.own_short;

    ASSERT(n->raft.role != RAFT_LEADER || n->space.told_short == 0);
    if (n->raft.role != RAFT_LEADER)
        return MAX(count, n->space.told_short);
    for (uint32_t i = 0; i < n->peer_count; i++)
        count += node_peer_is_member(n, &n->peers[i]) && is_short(&n->peers[i]);
    return count;
}

/* As leader: too few members have room. */
static bool too_few(const struct node *n)
{
    ASSERT(n->raft.role == RAFT_LEADER);
    return node_short_members(n) > 0 &&
           !raft_members_quorum(&n->raft.members[RAFT_NEWEST], with_room(n));
}

bool node_disk_short(const struct node *n)
{
    return n->raft.role == RAFT_LEADER ? too_few(n) : n->space.told_too_few;
}

bool node_disk_paused(const struct node *n)
{
    const struct disk_space *s = &n->space;
    bool leads = n->raft.role == RAFT_LEADER;

    ASSERT(!s->told_paused || !leads);
    return s->told_paused ||
           (s->own_short && !s->told_too_few && !leads && n->peer_count > 0);
}

void node_set_disk_short(struct node *n, bool is_short)
{
    if (is_short && !n->space.own_short)
        n->space.short_since_ms = n->mono_ms;
    n->space.own_short = is_short;
}

void node_set_disk_room(struct node *n, uint64_t bytes)
{
    ASSERT(bytes > 0);
    n->space.own_room = bytes;
}

void node_set_disk_full(struct node *n, bool is_full)
{
    ASSERT(n->started || !is_full);
    n->space.own_full = is_full;
}

bool node_space_tells(const struct node *n)
{
    const struct request_ring *r = &n->requests.ring;

    ASSERT(n->space.short_since_ms <= n->mono_ms);
    return n->space.own_short &&
           (r->first_seq == r->next_seq || n->space.own_full ||
            n->mono_ms - n->space.short_since_ms >= TELL_MS);
}

void node_space_forget(struct node *n)
{
    struct disk_space *s = &n->space;

    ASSERT(n->raft.role != RAFT_LEADER || n->raft.leader == n->options.self);
    s->told_too_few = s->told_paused = s->too_few = false;
    s->told_short = 0;
    for (uint32_t i = 0; i < n->peer_count; i++)
        n->peers[i].disk_short = false;
}

void node_space_told(struct node *n, const struct beat *b)
{
    struct disk_space *s = &n->space;

    ASSERT(n->raft.leader != NODE_NONE && n->raft.role != RAFT_LEADER);
    if (b->paused != s->told_paused)
        log_notice(n->logger,
                   b->paused ? "the leader sends this node no entries: its "
                               "disk is short of space"
                             : "the leader sends this node entries again");
    s->told_too_few = b->disk_short;
    s->told_paused = b->paused;
    s->told_short = b->short_members;
}

/* As leader: says it when writes come to be refused, or are taken again. */
static void watch(struct node *n)
{
    bool now = too_few(n);

    ASSERT(n->raft.role == RAFT_LEADER);
    if (now != n->space.too_few)
        log_warning(n->logger,
                    now ? "%u members are short of disk space: without them "
                          "there is no majority, so writes are refused"
                        : "enough members have disk space: writes are taken "
                          "(%u are short)",
                    node_short_members(n));
    n->space.too_few = now;
}

/* Others had better lead than this node. */
static bool is_reluctant(const struct node *n)
{
    ASSERT(!n->dead);
    return n->space.own_short || node_priority_is_last(n);
}

/* The next event that the core lacks. */
static bool lacks(struct node *n, node_id id, bool is_paused, bool paused,
                  struct raft_event *e)
{
    ASSERT(id != n->options.self || paused == is_reluctant(n));
    *e = node_event(n, paused ? RAFT_EV_PAUSE : RAFT_EV_RESUME);
    e->peer = id;
    if (is_paused != paused && id != n->options.self)
        log_notice(n->logger,
                   paused ? "node %u is short of disk space: it is sent no "
                            "entries"
                          : "node %u is sent entries again",
                   id);
    return is_paused != paused;
}

bool node_space_next(struct node *n, struct raft_event *e)
{
    if (n->raft.reluctant != is_reluctant(n))
        return lacks(n, n->options.self, n->raft.reluctant, is_reluctant(n), e);
    if (n->raft.role != RAFT_LEADER)
        return false;
    watch(n);
    for (uint32_t i = 0; i < n->peer_count; i++) {
        const struct node_peer *p = &n->peers[i];
        int pos = raft_position(&n->raft, p->id);
        if (pos < 0)
            continue;
        if (lacks(n, p->id, n->raft.progress[pos].paused,
                  is_short(p) && !n->space.too_few, e))
            return true;
    }
    return false;
}

/* It has what is committed, so that little is left for it to get. */
static bool can_follow_on(const struct node *n, const struct node_peer *p)
{
    const struct raft_members *m = &n->raft.members[RAFT_NEWEST];
    int pos = raft_position(&n->raft, p->id);

    if (pos < 0)
        return false;
    const struct raft_progress *progress = &n->raft.progress[pos];
    return p->up && !p->disk_short && (m->voters >> pos & 1) != 0 &&
           !progress->recovering && progress->state == RAFT_REPLICATE &&
           progress->match >= n->raft.commit;
}

node_id node_space_heir(struct node *n)
{
    if (n->raft.role != RAFT_LEADER || !n->space.own_short ||
        !raft_can_propose(&n->raft) || n->mono_ms < n->space.hand_over_at_ms)
        return NODE_NONE;
    ASSERT(n->raft.leader == n->options.self);
    node_id heir = NODE_NONE;
    for (uint32_t i = 0; i < n->peer_count; i++)
        if (can_follow_on(n, &n->peers[i]) &&
            node_better_heir(n, n->peers[i].id, heir))
            heir = n->peers[i].id;
    if (heir != NODE_NONE)
        n->space.hand_over_at_ms = n->mono_ms + HAND_OVER_AGAIN_MS;
    return heir;
}
