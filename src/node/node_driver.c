/*
 * Brings the members to what operators have asked for (node_desired.c), one
 * step at a time: each is one entry, and the next one comes when it is
 * committed. Whoever leads looks ten times a second, so a step is made in an
 * idle cluster too, and by the next leader if this one dies.
 *
 *   add       a member that is wanted becomes a learner, which costs no
 *             majority anything
 *   priority  of a member, which is an operator's word alone
 *   address   of a member that has moved
 *   joint     when all voters that are wanted follow closely, they become the
 *             incoming set, and those until now the outgoing one. Some are
 *             promoted before, if that removes nobody
 *   leave     as soon as the joint members are committed. Who is not wanted any
 *             more is a learner that is leaving, so that it gets the entry
 *   drop      of one that is leaving: when its link is down, as it ends itself
 *             when it has applied the entry, or after ten seconds
 *
 * No step is made whose voters would not have a majority of those that follow
 * closely: without them it could not be committed either, and neither could
 * anything else meanwhile. A leader that is to go first hands over to a voter
 * that stays. If none can take over it makes the steps itself, and ends its
 * role when they are committed (raft.c).
 *
 * A member follows closely if it has durably what was committed two heartbeat
 * rounds ago: that is no number of entries, so it is neither too few for a slow
 * link nor too many for a busy cluster.
 *
 * How it fails: a step that cannot be made yet waits, and RAFT MEMBERS says for
 * what.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "node/node_internal.h"

#define LOOK_MS          100
#define LEAVING_MS       10000
#define TRANSFERS_MAX    3
#define SWITCH_TIMEOUTS  2 /* election timeouts between two transfers */
#define ROUNDS_HEARTBEAT 2

void node_driver_release(struct node *n)
{
    ASSERT(n);
    buf_release(&n->driver.record);
}

bool node_driver_is_due(const struct node *n)
{
    ASSERT(n->driver.due_ms <= n->mono_ms + LOOK_MS);
    return n->mono_ms >= n->driver.due_ms || raft_leave_due(&n->raft);
}

__attribute__((format(printf, 2, 3))) static void say(char *text,
                                                      const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int len = vsnprintf(text, NODE_TEXT_SIZE, format, args);
    va_end(args);
    ASSERT(len > 0);
}

static bool is_wanted(const struct node *n, node_id id)
{
    ASSERT(id != NODE_NONE);
    return n->driver.desired.count == 0 ||
           configuration_find(&n->driver.desired, id);
}

/* --- single steps: each changes *c, or says why not ---------------------- */

static bool step_leave(struct node *n, struct configuration *c)
{
    bool joint = false;

    ASSERT(raft_leave_due(&n->raft));
    for (uint32_t i = 0; i < c->count; i++) {
        struct member *m = &c->members[i];
        if ((m->roles & MEMBER_OUTGOING) == 0)
            continue;
        joint = true;
        m->roles &= MEMBER_VOTER;
        if (m->roles == 0 && !is_wanted(n, m->id))
            m->roles = MEMBER_LEAVING;
    }
    if (joint)
        say(n->driver.next, "the new voters decide alone");
    return joint;
}

static void erase(struct configuration *c, uint32_t at)
{
    ASSERT(at < c->count);
    c->count--;
    memmove(&c->members[at], &c->members[at + 1],
            (c->count - at) * sizeof(c->members[0]));
    memset(&c->members[c->count], 0, sizeof(c->members[0]));
}

/* Has it had its time to learn that it is leaving? */
static bool has_left(struct node *n, node_id id)
{
    struct node_peer *p = node_peer_find(n, id);

    ASSERT(id != n->options.self);
    if (!p || !p->up)
        return true;
    if (p->leaving_ms == 0)
        p->leaving_ms = n->mono_ms;
    ASSERT(p->leaving_ms <= n->mono_ms);
    return n->mono_ms - p->leaving_ms >= LEAVING_MS;
}

static bool step_drop(struct node *n, struct configuration *c)
{
    ASSERT(c->count > 0);
    for (uint32_t i = 0; i < c->count; i++) {
        struct member *m = &c->members[i];
        bool leaving = (m->roles & MEMBER_LEAVING) != 0;
        if (!leaving && (m->roles != 0 || is_wanted(n, m->id)))
            continue;
        say(n->driver.next, "node %u is removed", m->id);
        if (!leaving) {
            m->roles = MEMBER_LEAVING;
            return true;
        }
        if (m->id != n->options.self && has_left(n, m->id)) {
            erase(c, i);
            return true;
        }
        say(n->driver.waits, "node %u is being told that it is removed", m->id);
    }
    return false;
}

static bool step_add(struct node *n, struct configuration *c)
{
    const struct configuration *desired = &n->driver.desired;

    ASSERT(c->count <= RAFT_NODES_MAX);
    for (uint32_t i = 0; i < desired->count; i++) {
        struct member m = desired->members[i];
        if (configuration_find(c, m.id))
            continue;
        say(n->driver.next, "node %u becomes a learner", m.id);
        if (c->count == RAFT_NODES_MAX) {
            say(n->driver.waits, "there are %u members: one has to go first",
                c->count);
            return false;
        }
        m.roles = 0;
        uint32_t at = c->count++;
        for (; at > 0 && c->members[at - 1].id > m.id; at--)
            c->members[at] = c->members[at - 1];
        c->members[at] = m;
        return true;
    }
    return false;
}

static bool step_priority(struct node *n, struct configuration *c)
{
    bool changed = false;

    ASSERT(n->raft.role == RAFT_LEADER);
    for (uint32_t i = 0; i < c->count; i++) {
        struct member *m = &c->members[i];
        const struct member *want =
            configuration_find(&n->driver.desired, m->id);
        if (!want || want->priority == m->priority)
            continue;
        m->priority = want->priority;
        changed = true;
    }
    if (changed)
        say(n->driver.next, "priorities are written down");
    return changed;
}

static bool put_address(char *field, const char *address)
{
    ASSERT(field != address);
    if (address[0] == '\0' || strcmp(field, address) == 0)
        return false;
    memset(field, 0, CONFIGURATION_ADDRESS_SIZE);
    bool fits = member_set_text(field, CONFIGURATION_ADDRESS_SIZE, address);
    ASSERT(fits); /* it comes from such a field */
    return true;
}

/* What an operator has said since the last entry. */
static bool move_asked(const struct node *n, struct member *m)
{
    const struct member *want = configuration_find(&n->driver.desired, m->id);

    ASSERT(!want || n->driver.desired_at > 0);
    if (!want || n->driver.desired_at < n->membership.newest_at)
        return false;
    bool moved = put_address(m->peer_address, want->peer_address);
    return put_address(m->client_address, want->client_address) || moved;
}

/* What the member has said of itself, once for each time. */
static bool move_greeted(struct node *n, struct member *m)
{
    struct node_peer *p = node_peer_find(n, m->id);

    ASSERT(!p || m->id != n->options.self);
    if (!p || !p->greeted)
        return false;
    p->greeted = false;
    bool known = n->membership.newest_at > 0 || m->peer_address[0] != '\0';
    if (!known || (!directory_id_is_none(m->directory) &&
                   !directory_id_eq(m->directory, p->greeted_directory)))
        return false;
    bool moved = put_address(m->peer_address, p->greeted_peer);
    return put_address(m->client_address, p->greeted_client) || moved;
}

static bool step_address(struct node *n, struct configuration *c)
{
    bool moved = false;

    ASSERT(n->raft.role == RAFT_LEADER);
    for (uint32_t i = 0; i < c->count; i++)
        moved = move_asked(n, &c->members[i]) || moved;
    for (uint32_t i = 0; i < c->count && !moved; i++)
        moved = move_greeted(n, &c->members[i]) || moved;
    if (moved)
        say(n->driver.next, "addresses are written down");
    return moved && configuration_size(c) <= CONFIGURATION_SIZE_MAX;
}

/* A learner that is to vote: may it? */
static bool is_ready(struct node *n, const struct member *m)
{
    struct buf why = BUF_INIT;
    uint16_t level = n->membership.newest.level;

    ASSERT((m->roles & MEMBER_VOTER) == 0);
    if (level < m->level_min || level > m->level_max)
        buf_printf(&why, "does not know level %u", level);
    bool ready = why.len == 0 && node_desired_follows(n, m->id, &why);
    if (!ready) {
        say(n->driver.next, "node %u becomes a voter", m->id);
        say(n->driver.waits, "node %u %.*s", m->id, (int)why.len,
            (const char *)why.data);
    }
    buf_release(&why);
    return ready;
}

/* The voters that come next: all that are wanted; or, if some of these are not
 * ready, nobody goes yet. False: no others than now. */
static bool next_voters(struct node *n, struct configuration *c)
{
    bool all_ready = true;
    bool changed = false;

    ASSERT(n->driver.desired.count > 0);
    for (uint32_t i = 0; i < c->count; i++) {
        struct member *m = &c->members[i];
        const struct member *want =
            configuration_find(&n->driver.desired, m->id);
        bool votes = (m->roles & MEMBER_VOTER) != 0;
        if (!want || votes || (want->roles & MEMBER_VOTER) == 0)
            continue;
        if (!is_ready(n, m)) {
            all_ready = false;
            continue;
        }
        m->roles = MEMBER_VOTER;
        changed = true;
    }
    for (uint32_t i = 0; i < c->count && all_ready; i++) {
        struct member *m = &c->members[i];
        const struct member *want =
            configuration_find(&n->driver.desired, m->id);
        if ((m->roles & MEMBER_VOTER) && (!want || want->roles == 0)) {
            m->roles = 0;
            changed = true;
        }
    }
    return changed;
}

/* Those that vote now decide with them for a while. */
static void put_outgoing(const struct node *n, struct configuration *c)
{
    const struct configuration *now = &n->membership.newest;

    ASSERT(now->count == c->count);
    for (uint32_t i = 0; i < c->count; i++) {
        const struct member *m = configuration_find(now, c->members[i].id);
        ASSERT(m); /* members neither come nor go in this step */
        if (m->roles & MEMBER_VOTER)
            c->members[i].roles |= MEMBER_OUTGOING;
    }
}

static bool step_joint(struct node *n, struct configuration *c)
{
    uint32_t voters = 0;

    ASSERT(n->membership.newest_at <= n->raft.commit);
    if (!next_voters(n, c))
        return false;
    for (uint32_t i = 0; i < c->count; i++)
        voters += c->members[i].roles == MEMBER_VOTER;
    if (voters == 0)
        return false;
    uint32_t live = node_desired_live(n, c, MEMBER_VOTER);
    say(n->driver.next, "%u members become the voters", voters);
    if (live <= voters / 2) {
        say(n->driver.waits,
            "of the %u voters that are wanted, %u are up and have caught up, "
            "and %u are needed",
            voters, live, voters / 2 + 1);
        return false;
    }
    n->driver.waits[0] = '\0';
    put_outgoing(n, c);
    return true;
}

/* --- the leader itself is to go ------------------------------------------ */

/* One that will vote, and can lead now: it votes in the present set. */
static node_id heir_of(const struct node *n, const struct configuration *c)
{
    const struct raft_members *now = &n->raft.members[RAFT_NEWEST];
    ASSERT(raft_can_change(&n->raft));
    struct buf why = BUF_INIT;
    node_id heir = NODE_NONE;

    for (uint32_t i = 0; i < c->count; i++) {
        node_id id = c->members[i].id;
        int pos = raft_position(&n->raft, id);
        buf_reset(&why);
        if (id == n->options.self || pos < 0 ||
            (c->members[i].roles & MEMBER_VOTER) == 0 ||
            (now->voters >> pos & 1) == 0 || !node_desired_follows(n, id, &why))
            continue;
        if (node_better_heir(n, id, heir))
            heir = id;
    }
    buf_release(&why);
    return heir;
}

/* Does it not vote among the next members, though it does now? */
static bool goes(const struct node *n, const struct configuration *c)
{
    const struct member *m = configuration_find(c, n->options.self);
    const struct member *now =
        configuration_find(&n->membership.newest, n->options.self);

    ASSERT(!m || m->id == n->options.self);
    return now && (now->roles & (MEMBER_VOTER | MEMBER_OUTGOING)) != 0 &&
           (!m || (m->roles & MEMBER_VOTER) == 0);
}

static enum driver_step hand_over(struct node *n, const struct configuration *c,
                                  node_id *heir)
{
    struct driver *d = &n->driver;
    int64_t pause_ms =
        SWITCH_TIMEOUTS * (int64_t)n->options.election_timeout_ms;

    ASSERT(d->transfers <= TRANSFERS_MAX);
    if (!goes(n, c)) {
        d->transfers = 0;
        return DRIVER_CHANGE;
    }
    *heir = heir_of(n, c);
    if (*heir == NODE_NONE || d->transfers == TRANSFERS_MAX)
        return DRIVER_CHANGE;
    say(d->next, "node %u is to lead, as this node is to go", *heir);
    if (d->transfers > 0 && n->mono_ms - d->transfer_ms < pause_ms) {
        say(d->waits, "leadership is being handed over");
        return DRIVER_NOTHING;
    }
    d->transfers++;
    d->transfer_ms = n->mono_ms;
    return DRIVER_TRANSFER;
}

/* --- the look ------------------------------------------------------------ */

/* What was committed one and two rounds ago. */
static void note_commit(struct node *n)
{
    struct driver *d = &n->driver;
    int64_t round_ms = ROUNDS_HEARTBEAT * (int64_t)n->options.heartbeat_ms;

    if (d->term != n->raft.term) {
        d->term = n->raft.term;
        d->commits[0] = d->commits[1] = n->raft.commit;
        d->commit_ms = n->mono_ms;
        d->transfers = 0;
        for (uint32_t i = 0; i < n->peer_count; i++)
            n->peers[i].leaving_ms = 0;
    }
    ASSERT(d->commits[0] <= d->commits[1]);
    if (n->mono_ms - d->commit_ms < round_ms)
        return;
    d->commits[0] = d->commits[1];
    d->commits[1] = n->raft.commit;
    d->commit_ms = n->mono_ms;
}

/* A state that is behind would say what operators wanted in former times: who
 * has been added since would be removed. */
static bool may_change(const struct node *n)
{
    ASSERT(n->raft.role == RAFT_LEADER);
    return raft_can_change(&n->raft) && !n->space.own_full &&
           node_own_term_applied(n) &&
           n->membership.applied_at == n->membership.newest_at;
}

static bool next_step(struct node *n, struct configuration *c)
{
    ASSERT(raft_can_change(&n->raft));
    if (raft_leave_due(&n->raft))
        return step_leave(n, c);
    for (uint32_t i = 0; i < c->count; i++)
        if (c->members[i].roles & MEMBER_OUTGOING)
            return false;
    return step_drop(n, c) || step_add(n, c) || step_priority(n, c) ||
           step_address(n, c) ||
           (n->driver.desired.count > 0 && step_joint(n, c));
}

enum driver_step node_driver_look(struct node *n, struct raft_members *next,
                                  node_id *heir)
{
    struct driver *d = &n->driver;
    struct configuration c = n->membership.newest;

    ASSERT(!n->dead);
    d->due_ms = n->mono_ms + LOOK_MS;
    node_desired_load(n);
    d->next[0] = d->waits[0] = '\0';
    if (n->raft.role != RAFT_LEADER)
        return DRIVER_NOTHING;
    note_commit(n);
    if (!may_change(n)) {
        say(d->waits, "%s",
            n->raft.members_at[RAFT_NEWEST] > n->raft.commit
                ? "the entry of the last step is not committed yet"
                : "the leader has not executed yet what is committed");
        return DRIVER_NOTHING;
    }
    if (!next_step(n, &c))
        return DRIVER_NOTHING;
    enum driver_step step = hand_over(n, &c, heir);
    if (step == DRIVER_CHANGE)
        node_members_put_next(n, &c, next);
    return step;
}

/* Is this member as it is to be? An address that it has said of itself since
 * is as good. */
static bool is_as_wanted(const struct node *n, const struct member *m)
{
    const struct driver *d = &n->driver;
    const struct member *want = configuration_find(&d->desired, m->id);

    ASSERT(m->id != NODE_NONE);
    if (!want || want->roles != m->roles || want->priority != m->priority)
        return false;
    return d->desired_at < n->membership.newest_at ||
           (strcmp(want->peer_address, m->peer_address) == 0 &&
            strcmp(want->client_address, m->client_address) == 0);
}

static bool is_done(struct node *n)
{
    const struct configuration *c = &n->membership.newest;
    const struct configuration *want = &n->driver.desired;

    ASSERT(c->count > 0);
    node_desired_load(n);
    if (n->raft.role != RAFT_LEADER || !may_change(n))
        return false;
    bool done = want->count == 0 || want->count == c->count;
    for (uint32_t i = 0; done && want->count > 0 && i < c->count; i++)
        done = is_as_wanted(n, &c->members[i]);
    return done;
}

/* --- what is shown -------------------------------------------------------- */

void node_greeted(struct node *n, node_id peer, struct directory_id directory,
                  const char *peer_address, const char *client_address)
{
    struct node_peer *p = node_peer_find(n, peer);

    ASSERT(peer_address && client_address);
    if (!p)
        return;
    memset(p->greeted_peer, 0, sizeof(p->greeted_peer));
    memset(p->greeted_client, 0, sizeof(p->greeted_client));
    p->greeted_directory = directory;
    p->greeted = member_set_text(p->greeted_peer, sizeof(p->greeted_peer),
                                 peer_address) &&
                 member_set_text(p->greeted_client, sizeof(p->greeted_client),
                                 client_address);
}

/* How many of a set may fail beside those that do not follow. */
static uint32_t spare(const struct node *n, uint8_t role)
{
    const struct configuration *c = &n->membership.newest;
    uint32_t all = 0;

    ASSERT(n->raft.role == RAFT_LEADER);
    for (uint32_t i = 0; i < c->count; i++)
        all += (c->members[i].roles & role) != 0;
    uint32_t live = node_desired_live(n, c, role);
    if (all == 0)
        return RAFT_NODES_MAX;
    return live > all / 2 + 1 ? live - (all / 2 + 1) : 0;
}

void node_change_status(struct node *n, struct node_change_status *out)
{
    const struct driver *d = &n->driver;

    memset(out, 0, sizeof(*out));
    out->done = is_done(n);
    out->desired = d->desired.count > 0 ? &d->desired : NULL;
    out->next = d->next;
    out->waits = d->waits;
    if (n->raft.role == RAFT_LEADER)
        out->tolerates = MIN(spare(n, MEMBER_VOTER), spare(n, MEMBER_OUTGOING));
    ASSERT(out->tolerates < RAFT_NODES_MAX);
}
