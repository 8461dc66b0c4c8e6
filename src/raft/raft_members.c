/*
 * Who counts: the members, and where they come from.
 *
 * The members are what the newest entry in the log that says so makes them, or
 * else the state. They count from its append on, not from its commit or its
 * execution: so a log alone decides, and a majority that is up can always elect
 * somebody (etcd, issue 12359, is what becomes of the other way). If the entry
 * is truncated, those before it count again. They are known, as a leader
 * appends a change only when it knows that the last one is committed
 * (raft_can_change()); so there are two at most, and whoever appends a change
 * may take the one before it for committed.
 *
 * Who votes no more by an entry that may not be committed campaigns all the
 * same: if others that decide lack the entry, it gives its vote to none of
 * them, and without its vote nobody may win.
 *
 * Changes go through joint members (Raft, section 6), or add or remove a single
 * voter (thesis, 4.1): raft_members_follow() admits what keeps a majority of
 * each in common.
 *
 * What is known of the peers lies in the order of the newest members and moves
 * with them.
 *
 * A member that lost its memory goes on under its id with a new life, which an
 * entry grants. From the append of that entry on what its old self says is not
 * believed, and what it acknowledged is not counted, so the entry itself is
 * committed without it: else an old disk that comes back could help to elect
 * somebody who lacks what its successor acknowledged.
 *
 * How it fails: it cannot. What others send is judged by raft_members_valid()
 * before it comes here; a change that does not follow the last one is its
 * author's mistake, and an assertion.
 */
#include <string.h>

#include "raft/raft_internal.h"

static uint32_t count_bits(uint32_t bits)
{
    return (uint32_t)__builtin_popcount(bits);
}

int raft_members_position(const struct raft_members *m, node_id id)
{
    /*@ loop invariant 0 <= i <= m->count;
      @ loop invariant \forall integer k; 0 <= k < i ==> m->ids[k] != id;
      @ loop assigns i;
      @ loop variant m->count - i; */
    for (uint32_t i = 0; i < m->count; i++) {
        if (m->ids[i] == id) {
            return (int)i;
        }
    }
    return -1;
}

bool raft_members_votes(const struct raft_members *m, uint32_t pos)
{
    ASSERT(pos < m->count);
    return ((m->voters | m->outgoing) >> pos & 1) != 0;
}

/*@ assigns \nothing;
  @ ensures \result <==> 2 * some > all; */
static bool more_than_half(uint32_t some, uint32_t all)
{
    return some > all / 2;
}

static bool is_majority(uint32_t bits, uint32_t set)
{
    return more_than_half(count_bits(bits & set), count_bits(set));
}

bool raft_members_quorum(const struct raft_members *m, uint32_t bits)
{
    ASSERT(m->voters != 0);
    return is_majority(bits, m->voters) &&
           (m->outgoing == 0 || is_majority(bits, m->outgoing));
}

bool raft_members_valid(const struct raft_members *m)
{
    if (m->count == 0 || m->count > RAFT_NODES_MAX || m->voters == 0 ||
        ((uint64_t)m->voters | m->outgoing) >> m->count != 0) {
        return false;
    }
    for (uint32_t i = 0; i < m->count; i++) {
        if (m->ids[i] == NODE_NONE || (i > 0 && m->ids[i - 1] >= m->ids[i])) {
            return false;
        }
    }
    return true;
}

/* How many of one set are not in the other. */
static uint32_t count_beyond(const struct raft_members *m, uint32_t set,
                             const struct raft_members *other,
                             uint32_t other_set)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < m->count; i++) {
        int pos = raft_members_position(other, m->ids[i]);
        bool both = pos >= 0 && (other_set >> pos & 1) != 0;
        count += (set >> i & 1) != 0 && !both;
    }
    return count;
}

static bool lives_rise(const struct raft_members *before,
                       const struct raft_members *after)
{
    for (uint32_t i = 0; i < after->count; i++) {
        int pos = raft_members_position(before, after->ids[i]);
        if (pos >= 0 && after->life[i] < before->life[pos]) {
            return false;
        }
    }
    return true;
}

bool raft_members_follow(const struct raft_members *before,
                         const struct raft_members *after)
{
    bool from_joint = before->outgoing != 0;
    bool to_joint = after->outgoing != 0;
    uint32_t next = to_joint ? after->outgoing : after->voters;

    if (!raft_members_valid(after) || (from_joint && to_joint)) {
        return false;
    }
    if (!lives_rise(before, after)) {
        return false;
    }
    uint32_t changed = count_beyond(after, next, before, before->voters) +
                       count_beyond(before, before->voters, after, next);
    return changed <= (from_joint || to_joint ? 0U : 1U);
}

/* Insertion keeps the ids ascending. */
void raft_members_of(struct raft_members *m, const node_id *ids, uint32_t count)
{
    ASSERT(count > 0 && count <= RAFT_NODES_MAX);
    memset(m, 0, sizeof(*m));
    for (; m->count < count; m->count++) {
        node_id id = ids[m->count];
        uint32_t at = m->count;
        for (; at > 0 && m->ids[at - 1] > id; at--) {
            m->ids[at] = m->ids[at - 1];
        }
        m->ids[at] = id;
    }
    m->voters = (UINT32_C(1) << count) - 1;
    ASSERT(raft_members_valid(m));
}

int raft_position(const struct raft *r, node_id id)
{
    return raft_members_position(raft_newest(r), id);
}

int raft_self(const struct raft *r)
{
    return raft_position(r, r->config.self);
}

uint32_t raft_self_bit(const struct raft *r)
{
    int self = raft_self(r);

    return self < 0 ? 0 : UINT32_C(1) << self;
}

/* Nobody else has a vote. */
bool raft_alone(const struct raft *r)
{
    const struct raft_members *m = raft_newest(r);

    return ((m->voters | m->outgoing) & ~raft_self_bit(r)) == 0;
}

bool raft_self_votes(const struct raft *r)
{
    int self = raft_self(r);

    return self >= 0 && raft_members_votes(raft_newest(r), (uint32_t)self);
}

bool raft_self_needed(const struct raft *r)
{
    const struct raft_members *before = &r->members[RAFT_BASE];
    int pos = raft_members_position(before, r->config.self);

    return raft_self_votes(r) ||
           (r->members_at[RAFT_NEWEST] > r->commit && pos >= 0 &&
            raft_members_votes(before, (uint32_t)pos));
}

/* Without what the caller left in unused places. */
static void copy(struct raft_members *to, const struct raft_members *from)
{
    ASSERT(raft_members_valid(from));
    memset(to, 0, sizeof(*to));
    memcpy(to->ids, from->ids, from->count * sizeof(from->ids[0]));
    to->count = from->count;
    to->voters = from->voters;
    to->outgoing = from->outgoing;
    memcpy(to->life, from->life, from->count * sizeof(from->life[0]));
}

/* Of a member whose life is over nothing is known any more but that there is a
 * link. */
static void forget_life(struct raft_progress *p, uint32_t life)
{
    if (RAFT_LIFE(p->incarnation) < life) {
        bool link_up = p->link_up;
        memset(p, 0, sizeof(*p));
        p->link_up = link_up;
        p->restarted_maybe = true;
    }
}

/* The newest members become these. Of those that stay, what is known of them
 * stays. */
static void become(struct raft *r, const struct raft_members *members)
{
    struct raft_members *newest = &r->members[RAFT_NEWEST];
    struct raft_members before = *newest;
    struct raft_progress known[RAFT_NODES_MAX];

    ASSERT(r->votes_granted == 0 && r->votes_refused == 0);
    memcpy(known, r->progress, sizeof(known));
    copy(newest, members);
    memset(r->progress, 0, sizeof(r->progress));
    for (uint32_t i = 0; i < newest->count; i++) {
        int pos = raft_members_position(&before, newest->ids[i]);
        if (pos >= 0) {
            r->progress[i] = known[pos];
        }
        if (pos >= 0 && newest->ids[i] != r->config.self) {
            forget_life(&r->progress[i], newest->life[i]);
        }
    }
}

void raft_members_committed(struct raft *r)
{
    if (r->members_at[RAFT_NEWEST] <= r->commit &&
        r->members_at[RAFT_BASE] != r->members_at[RAFT_NEWEST]) {
        r->members[RAFT_BASE] = r->members[RAFT_NEWEST];
        r->members_at[RAFT_BASE] = r->members_at[RAFT_NEWEST];
    }
}

/* From what state and log say; of changes in the log, all but the last are
 * committed. */
void raft_members_begin(struct raft *r, const struct raft_start *s)
{
    uint32_t newest = s->members_count - 1;
    uint32_t base = newest > 0 ? newest - 1 : 0;

    ASSERT(s->members_count > 0 && s->members_count <= RAFT_START_MEMBERS);
    for (uint32_t i = 0; i < s->members_count; i++) {
        ASSERT(i == 0 || s->members_at[i - 1] < s->members_at[i]);
        ASSERT(s->members_at[i] <= r->last);
    }
    copy(&r->members[RAFT_BASE], &s->members[base]);
    r->members_at[RAFT_BASE] = s->members_at[base];
    copy(&r->members[RAFT_NEWEST], &s->members[newest]);
    r->members_at[RAFT_NEWEST] = s->members_at[newest];
    r->commit = MAX(r->commit, r->members_at[RAFT_BASE]);
    raft_members_committed(r);
}

/* The entry at `at` was appended: the last change before it is committed, which
 * the caller may have to note yet. */
void raft_members_append(struct raft *r, raft_index at,
                         const struct raft_members *members,
                         struct raft_out *out)
{
    ASSERT(at > r->members_at[RAFT_NEWEST]);
    ASSERT(at > r->commit && at <= r->last);
    r->members[RAFT_BASE] = r->members[RAFT_NEWEST];
    r->members_at[RAFT_BASE] = r->members_at[RAFT_NEWEST];
    become(r, members);
    r->members_at[RAFT_NEWEST] = at;
    out->members_changed = true;
}

/* The entries from `from` on are gone. */
void raft_members_truncate(struct raft *r, raft_index from,
                           struct raft_out *out)
{
    ASSERT(from > r->members_at[RAFT_BASE]);
    if (r->members_at[RAFT_NEWEST] >= from) {
        become(r, &r->members[RAFT_BASE]);
        r->members_at[RAFT_NEWEST] = r->members_at[RAFT_BASE];
        out->members_changed = true;
    }
}

/* Those of a state, up to whose index all is committed; whatever the log said
 * is gone. */
void raft_members_restore(struct raft *r, raft_index at,
                          const struct raft_members *members,
                          struct raft_out *out)
{
    ASSERT(at <= r->commit && r->commit == r->last);
    become(r, members);
    r->members_at[RAFT_NEWEST] = at;
    raft_members_committed(r);
    out->members_changed = true;
}
