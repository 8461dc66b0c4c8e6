/*
 * Who had better lead, as operators want it: a number from 0 to 255 for each
 * member, in the configuration, 100 if nobody has said one. The voter with the
 * greatest one is to lead when it is well.
 *
 *   election   a voter tells its core how many voters have a greater priority,
 *              which only makes its timers longer (RAFT_EV_RANK). One of
 *              priority 0 leaves a few elections to the others, as one whose
 *              disk is short does, unless all have 0. Nobody is refused a vote
 *              for it: who leads in the end may be anybody who can
 *   handover   a leader looks ten times a second. A voter that has a greater
 *              priority, and has followed closely for ten seconds without a
 *              break, gets leadership, if the members do not change meanwhile.
 *              So one that has just started, lags, is refilled or short of
 *              space does not, and nothing moves for ten seconds after an
 *              election. Writes wait while it is handed over, so a node does
 *              that once a minute at the most, whatever comes of it
 *   heirs      a leader that ends, is to be removed or is short of space has
 *              to choose somebody: priority counts among those that have what
 *              is committed, and of priority 0 is only who is the only one
 *
 * The design had the elections know nothing of it; but after a leader was lost
 * leadership then moves twice, half of the time.
 *
 * How it fails: what a leader takes for healthy may be slow in ways that it
 * does not see (its state is behind its log, its clients are far). Then
 * leadership is lost there and handed back again, once a minute at the most,
 * and operators give another priority. Whom an operator hands leadership to
 * by RAFT TRANSFER keeps it for ten seconds, if another one ranks higher.
 */
#include "node/node_internal.h"

#define CALM_MS  10000
#define AGAIN_MS 60000

static int64_t calm_ms(const struct node *n)
{
    int64_t ms = n->options.calm_ms;

    ASSERT(ms >= 0);
    return ms > 0 ? ms : CALM_MS;
}

/* How many voters have a greater priority than this one? */
static uint32_t count_above(const struct node *n, uint8_t priority)
{
    const struct configuration *c = &n->membership.newest;
    uint32_t count = 0;

    ASSERT(c->count <= RAFT_NODES_MAX);
    for (uint32_t i = 0; i < c->count; i++)
        count += (c->members[i].roles & MEMBER_VOTER) != 0 &&
                 c->members[i].priority > priority;
    return count;
}

static uint32_t rank_of(const struct node *n)
{
    const struct member *self =
        configuration_find(&n->membership.newest, n->options.self);

    ASSERT(!self || self->id == n->options.self);
    return self ? count_above(n, self->priority) : 0;
}

bool node_priority_is_last(const struct node *n)
{
    const struct member *self =
        configuration_find(&n->membership.newest, n->options.self);

    ASSERT(!self || self->id == n->options.self);
    return self && self->priority == 0 && count_above(n, 0) > 0;
}

bool node_priority_next(const struct node *n, struct raft_event *e)
{
    uint32_t rank = rank_of(n);

    ASSERT(rank < RAFT_NODES_MAX);
    *e = node_event(n, RAFT_EV_RANK);
    e->count = rank;
    return n->raft.rank != rank;
}

/* --- the leader ---------------------------------------------------------- */

/* It has what is committed: little is left for it to get. */
static bool is_caught_up(const struct node *n, int pos)
{
    const struct raft_progress *p = &n->raft.progress[pos];

    ASSERT(pos >= 0 && n->raft.role == RAFT_LEADER);
    return p->state == RAFT_REPLICATE && p->match >= n->raft.commit;
}

bool node_better_heir(const struct node *n, node_id id, node_id than)
{
    int a = raft_position(&n->raft, id);
    int b = raft_position(&n->raft, than);

    ASSERT(a >= 0 && (than == NODE_NONE || b >= 0));
    if (b < 0)
        return true;
    uint8_t own = n->membership.newest.members[a].priority;
    uint8_t other = n->membership.newest.members[b].priority;
    if ((own == 0) != (other == 0))
        return own > 0;
    if (is_caught_up(n, a) != is_caught_up(n, b))
        return is_caught_up(n, a);
    if (own != other)
        return own > other;
    return n->raft.progress[a].match > n->raft.progress[b].match;
}

/* As far as the leader knows. Writes wait while it tries to hand over. */
static bool can_take_over(const struct node *n, const struct node_peer *p)
{
    int position = raft_position(&n->raft, p->id);

    if (position < 0)
        return false;
    const struct raft_progress *progress = &n->raft.progress[position];
    return p->up && !progress->recovering && !progress->paused &&
           progress->state != RAFT_SNAPSHOT &&
           (n->raft.members[RAFT_NEWEST].voters >> position & 1) != 0;
}

node_id node_heir(const struct node *n, node_id to)
{
    node_id best = NODE_NONE;

    ASSERT(n->raft.role == RAFT_LEADER);
    for (uint32_t i = 0; i < n->peer_count; i++)
        if ((to == NODE_NONE || n->peers[i].id == to) &&
            can_take_over(n, &n->peers[i]) &&
            node_better_heir(n, n->peers[i].id, best))
            best = n->peers[i].id;
    return best;
}

/* Since when has it followed closely? */
static void watch(struct node *n, struct node_peer *p)
{
    struct buf why = BUF_INIT;
    bool follows = p->up && node_desired_follows(n, p->id, &why);

    ASSERT(p->follows_ms <= n->mono_ms);
    if (!follows)
        p->follows_ms = 0;
    else if (p->follows_ms == 0)
        p->follows_ms = n->mono_ms;
    buf_release(&why);
}

static bool may_lead(const struct node *n, const struct node_peer *p,
                     uint8_t above)
{
    int pos = raft_position(&n->raft, p->id);

    if (pos < 0 || p->follows_ms == 0 ||
        n->mono_ms - p->follows_ms < calm_ms(n))
        return false;
    const struct member *m = &n->membership.newest.members[pos];
    ASSERT(m->id == p->id);
    return m->roles == MEMBER_VOTER && m->priority > above &&
           !n->raft.progress[pos].paused && is_caught_up(n, pos);
}

/* A leader of this term, whose members are not being changed. */
static bool is_calm(const struct node *n)
{
    ASSERT(n->raft.role == RAFT_LEADER);
    return raft_can_change(&n->raft) &&
           n->raft.members[RAFT_NEWEST].outgoing == 0 &&
           n->mono_ms >= n->heirs.again_ms;
}

/* Of another term, or when nobody ranks higher, nothing is known. */
static void forget(struct node *n)
{
    ASSERT(n->peer_count <= NODE_PEERS_MAX);
    n->heirs.term = n->raft.term;
    for (uint32_t i = 0; i < n->peer_count; i++)
        n->peers[i].follows_ms = 0;
}

node_id node_priority_heir(struct node *n)
{
    const struct member *self =
        configuration_find(&n->membership.newest, n->options.self);
    bool looks = n->raft.role == RAFT_LEADER && n->raft.rank > 0 && self;
    node_id best = NODE_NONE;

    ASSERT(!n->dead);
    if (!looks || n->heirs.term != n->raft.term)
        forget(n);
    for (uint32_t i = 0; i < n->peer_count && looks; i++) {
        watch(n, &n->peers[i]);
        if (may_lead(n, &n->peers[i], self->priority) &&
            node_better_heir(n, n->peers[i].id, best))
            best = n->peers[i].id;
    }
    if (best == NODE_NONE || !is_calm(n))
        return NODE_NONE;
    n->heirs.again_ms = n->mono_ms + calm_ms(n) * (AGAIN_MS / CALM_MS);
    return best;
}
