/*
 * Who the members are, and whose lives they live.
 *
 * The newest entry of the log that says so decides, from its append on: the
 * core is told of it with the message that brings it, and says when it has
 * changed or was truncated; it is then read back, from the log, from the row
 * of the state that it became when it was applied, or, if no entry has ever
 * said anything, from the options. So there is no second record that could
 * differ. What an entry's requests may do is decided by what the entries
 * before it said, which is the row.
 *
 * A life. A directory that was emptied has forgotten what its node promised:
 * whom it voted for, which entries it acknowledged, which requests of its
 * clients are in the log. It asks to be admitted under the id that it has in
 * its configuration. A leader grants it the next life by an entry that counts
 * from the append on, at every node that has it: from there on the votes,
 * acknowledgements and requests of the former life count for nothing, so the
 * entry is committed without it, and an old copy of the directory that comes
 * back helps nobody (raft_members.c). Only when it is committed is the
 * directory told; then it starts as a member that has to be refilled
 * (raft_recover.c), with an incarnation above all those of its former lives.
 *
 * A recovering member of a life that the log does not know promises nothing
 * until a leader's barrier is committed. The leader that hears of it appends
 * the entry that says so first.
 *
 * How it fails: who cannot be admitted is told why. A node ends itself if
 * others have begun a newer life of it, or if it cannot apply an entry.
 */
#include <inttypes.h>
#include <stdio.h>

#include "data/level.h"
#include "data/upload.h"
#include "node/node_internal.h"

/* A life may be granted to one id so often, unless the last one was used: two
 * directories that fight for it do not fill the log. */
#define GRANT_PAUSE_MS 60000
#define GRANT_VOTERS   3 /* it takes a majority without the one that lost */

/* --- from state and log -------------------------------------------------- */

/* The i-th entry of the log that says who they are. */
static int read_change(struct node *n, raft_index index,
                       struct configuration *out)
{
    struct entry e;
    int err = journal_read(n->journal, index, &e, &n->scratch);

    ASSERT(index > keyspace_applied(n->ks)->index);
    if (err == 0 && e.kind != ENTRY_CONFIG)
        err = ERR_CORRUPT;
    return err != 0 ? err : configuration_decode(e.payload, out);
}

static int load_applied(struct node *n, struct buf *error)
{
    struct membership *m = &n->membership;
    struct bytes record = members_get(n->ks, &m->applied_at);

    ASSERT(m->applied_at <= keyspace_applied(n->ks)->index);
    ASSERT((m->applied_at == 0) == (record.len == 0));
    m->applied = m->founding;
    m->applied.level = level_get(n->ks); /* restored from another cluster's */
    if (!node_level_known(n, m->applied.level)) {
        node_level_text(n, m->applied.level, error);
        return ERR_MISMATCH;
    }
    if (record.len == 0)
        return 0;
    if (configuration_decode(record, &m->applied) != 0) {
        buf_str(error, "the record of the members in the state is damaged");
        return ERR_CORRUPT;
    }
    if (m->applied.level != level_get(n->ks)) {
        buf_str(error, "the level in the state is not that of its members");
        return ERR_CORRUPT;
    }
    return 0;
}

static int check_opened(struct node *n, struct buf *error)
{
    const struct configuration *c = &n->membership.newest;

    ASSERT(n->membership.newest_at >= n->membership.applied_at);
    if (!node_level_known(n, c->level)) {
        node_level_text(n, c->level, error);
        return ERR_MISMATCH;
    }
    return 0;
}

static int add_to_start(struct node *n, struct raft_start *start,
                        raft_index index, struct buf *error)
{
    int err = read_change(n, index, &n->membership.newest);

    ASSERT(start->members_count < RAFT_START_MEMBERS);
    if (err != 0) {
        buf_printf(error, "reading entry %" PRIu64 " of the log: %s", index,
                   error_text(err));
        return err;
    }
    n->membership.newest_at = index;
    configuration_members(&n->membership.newest,
                          &start->members[start->members_count]);
    start->members_at[start->members_count++] = index;
    return 0;
}

int node_members_open(struct node *n, struct raft_start *start,
                      struct buf *error)
{
    struct membership *m = &n->membership;

    node_founders(&n->options, &m->founding);
    int err = load_applied(n, error);
    if (err != 0)
        return err;
    m->newest = m->applied;
    m->newest_at = m->applied_at;
    configuration_members(&m->applied, &start->members[0]);
    start->members_at[0] = m->applied_at;
    start->members_count = 1;
    raft_index last = journal_change_before(n->journal, start->log_last);
    raft_index before =
        last > 0 ? journal_change_before(n->journal, last - 1) : 0;
    ASSERT(before < last || last == 0);
    if (before > start->applied)
        err = add_to_start(n, start, before, error);
    if (err == 0 && last > start->applied)
        err = add_to_start(n, start, last, error);
    if (err == 0)
        err = check_opened(n, error);
    if (err == 0)
        node_peers_changed(n);
    return err;
}

void node_members_release(struct node *n)
{
    buf_release(&n->membership.record);
}

/* --- while it runs ------------------------------------------------------- */

void node_members_changed(struct node *n)
{
    struct membership *m = &n->membership;
    struct configuration before = m->newest;

    ASSERT(!n->dead);
    m->newest_at = n->raft.members_at[RAFT_NEWEST];
    m->newest = m->applied;
    if (m->newest_at > keyspace_applied(n->ks)->index) {
        int err = read_change(n, m->newest_at, &m->newest);
        if (err != 0) {
            node_fail(n, "reading the members in the log", error_text(err));
            return;
        }
    } else {
        ASSERT(m->newest_at == m->applied_at);
    }
    node_compact_forget(n);
    node_peers_changed(n);
    node_peers_tell(n, &before);
}

int node_members_fetched(const struct node *n, struct bytes record,
                         raft_index at, struct raft_members *out)
{
    struct configuration c;
    int err = 0;

    ASSERT((at == 0) == (record.len == 0));
    c = n->membership.founding;
    if (record.len > 0)
        err = configuration_decode(record, &c);
    if (err == 0 && !node_level_known(n, c.level))
        err = ERR_MISMATCH;
    if (err == 0)
        configuration_members(&c, out);
    return err;
}

/* Others have begun what this node is not. */
static void check_self(struct node *n)
{
    const struct member *self =
        configuration_find(&n->membership.applied, n->options.self);
    struct buf text = BUF_INIT;

    ASSERT(n->membership.applied_at > 0);
    if (!node_level_known(n, n->membership.applied.level)) {
        node_level_text(n, n->membership.applied.level, &text);
        buf_u8(&text, '\0');
        node_fail(n, "the level is too high", (const char *)text.data);
    } else if (self && (self->roles & MEMBER_LEAVING) &&
               RAFT_LIFE(n->options.incarnation) <= self->life) {
        node_peers_leave(n);
    } else if (self && RAFT_LIFE(n->options.incarnation) < self->life) {
        buf_printf(&text,
                   "by entry %" PRIu64 " node %u goes on as life %u with "
                   "another directory, and this is life %" PRIu64 ": put this "
                   "data directory aside",
                   n->membership.applied_at, n->options.self, self->life,
                   RAFT_LIFE(n->options.incarnation));
        buf_u8(&text, '\0');
        node_fail(n, "this node was replaced", (const char *)text.data);
    }
    buf_release(&text);
}

void node_members_restored(struct node *n)
{
    struct membership *m = &n->membership;
    struct buf error = BUF_INIT;
    int err = load_applied(n, &error);

    ASSERT(!n->dead);
    if (err != 0)
        node_fail(n, "the members in the state", error_text(err));
    buf_release(&error);
    if (err != 0)
        return;
    /* Who the newest are the core says next, unless the log goes on. */
    if (m->applied_at > 0)
        check_self(n);
}

void node_members_copied(struct node *n, uint64_t incarnation)
{
    struct buf text = BUF_INIT;

    ASSERT(incarnation >= n->options.incarnation);
    n->membership.is_copy = true;
    buf_printf(&text,
               "the log has requests of another process as incarnation "
               "%" PRIu64 " of node %u, and this one is incarnation %" PRIu64
               ": one of their data directories is a copy of the other",
               incarnation, n->options.self, n->options.incarnation);
    buf_u8(&text, '\0');
    node_fail(n, "this node is not the only one with its id",
              (const char *)text.data);
    buf_release(&text);
}

int node_members_check(const struct node *n, const struct entry *e)
{
    struct configuration c;
    int err = configuration_decode(e->payload, &c);

    ASSERT(e->kind == ENTRY_CONFIG);
    ASSERT(n->started);
    if (err == 0 && e->index > n->membership.applied_at &&
        c.level < level_get(n->ks))
        err = ERR_MISMATCH; /* no leader lowers it */
    return err;
}

/* Whoever is no member any more: what it has sent is not executed, parts of a
 * request that nobody can end are dropped, and under its id only a later life
 * can go on. */
static void end_sessions(struct node *n, const struct configuration *next)
{
    const struct configuration *before = &n->membership.applied;

    ASSERT(configuration_valid(next));
    for (uint32_t i = 0; i < before->count && n->membership.applied_at > 0;
         i++) {
        const struct member *m = &before->members[i];
        if (configuration_find(next, m->id))
            continue;
        session_end(n->ks, m->id, (uint64_t)m->life << 32 | UINT32_MAX);
        upload_drop(n->ks, m->id);
    }
}

int node_members_apply(struct node *n, const struct entry *e)
{
    struct membership *m = &n->membership;
    struct configuration next;
    int err = configuration_decode(e->payload, &next);

    ASSERT(e->kind == ENTRY_CONFIG && e->index > m->applied_at);
    if (err == 0 && next.level < level_get(n->ks))
        err = ERR_CORRUPT; /* it was checked when it came */
    if (err != 0)
        return err;
    end_sessions(n, &next);
    m->applied = next;
    m->applied_at = e->index;
    members_set(n->ks, e->payload);
    level_raise(n->ks, next.level);
    check_self(n);
    return 0;
}

bool node_members_may_execute(const struct node *n, node_id from,
                              uint64_t incarnation)
{
    const struct member *m = configuration_find(&n->membership.applied, from);

    ASSERT(from != NODE_NONE);
    /* Before an entry has said who they are each node may have begun with
     * another configuration: it decides nothing that all must do alike. */
    if (n->membership.applied_at == 0)
        return true;
    return m && RAFT_LIFE(incarnation) >= m->life;
}

bool node_members_is_over(const struct node *n, const struct node_peer *peer)
{
    const struct member *m =
        configuration_find(&n->membership.newest, peer->id);

    ASSERT(peer->id != n->options.self);
    return m && RAFT_LIFE(peer->incarnation) < m->life;
}

const struct configuration *node_configuration(const struct node *n,
                                               raft_index *at)
{
    *at = n->membership.newest_at;
    ASSERT(*at == n->raft.members_at[RAFT_NEWEST]);
    return &n->membership.newest;
}

bool node_is_copy(const struct node *n)
{
    ASSERT(!n->membership.is_copy || n->dead);
    return n->membership.is_copy;
}

/* Does a member that has to be refilled speak from a life of which the log does
 * not know? */
bool node_members_begins(const struct node *n, const struct raft_message *m)
{
    const struct member *known =
        configuration_find(&n->membership.newest, m->from);

    ASSERT(m->from != n->options.self);
    return n->raft.role == RAFT_LEADER && m->recovering &&
           m->term == n->raft.term && known &&
           RAFT_LIFE(m->from_incarnation) > known->life &&
           RAFT_LIFE(m->from_incarnation) <= CONFIGURATION_LIFE_MAX;
}

/* What follows joint members is that the new ones decide alone, and nothing
 * else: the driver's step (node_driver.c). */
bool node_members_can_change(const struct node *n)
{
    ASSERT(!n->dead);
    return raft_can_change(&n->raft) && !raft_leave_due(&n->raft) &&
           !n->space.own_full;
}

void node_members_put_next(struct node *n, const struct configuration *c,
                           struct raft_members *next)
{
    ASSERT(c->level >= n->membership.newest.level);
    configuration_members(c, next);
    ASSERT(raft_members_follow(&n->raft.members[RAFT_NEWEST], next));
    buf_reset(&n->membership.record);
    configuration_encode(c, &n->membership.record);
}

void node_members_begin(struct node *n, const struct raft_message *m,
                        struct raft_members *next)
{
    struct configuration c = n->membership.newest;
    struct member *member = configuration_member(&c, m->from);

    ASSERT(node_members_begins(n, m) && node_members_can_change(n));
    member->life = (uint32_t)RAFT_LIFE(m->from_incarnation);
    member->directory = (struct directory_id){0, 0};
    node_members_put_next(n, &c, next);
}

/* --- what others ask ----------------------------------------------------- */

void node_known(const struct node *n, node_id member, struct member_facts *out)
{
    const struct membership *m = &n->membership;
    const struct member *found = configuration_find(&m->newest, member);
    struct session s;

    session_get(n->ks, member, &s);
    *out = (struct member_facts){
        .is_member = found != NULL,
        .granted_at = m->newest_at,
        .committed = m->newest_at <= n->raft.commit,
        .incarnation = s.incarnation,
        .nonce = s.nonce,
        .level = m->newest.level,
    };
    if (found) {
        out->life = found->life;
        out->directory = found->directory;
        if (RAFT_LIFE(s.incarnation) < found->life) {
            out->incarnation = (uint64_t)found->life << 32;
            out->nonce = 0;
        }
    }
    const struct receipt *r = receipts_find(&n->receipts.all, member);
    if (r)
        out->receipt = *r;
    ASSERT(out->level > 0);
}

static int later(struct buf *why, const char *text)
{
    ASSERT(why->len == 0); /* there is one reason */
    buf_str(why, text);
    return ERR_AGAIN;
}

static int refuse(struct buf *why, const char *text)
{
    ASSERT(why->len == 0);
    buf_str(why, text);
    return ERR_MISMATCH;
}

/* Has this life ever been heard of? Then it is no memory to go on with: who
 * asks has forgotten it. */
static uint32_t last_life(const struct node *n, const struct node_peer *peer)
{
    const struct member *m =
        configuration_find(&n->membership.newest, peer->id);
    int pos = raft_position(&n->raft, peer->id);
    struct session s;

    ASSERT(m && pos >= 0);
    session_get(n->ks, peer->id, &s);
    uint64_t seen = MAX(s.incarnation, peer->incarnation);
    seen = MAX(seen, n->raft.progress[pos].incarnation);
    return (uint32_t)MIN(MAX((uint64_t)m->life, RAFT_LIFE(seen)),
                         CONFIGURATION_LIFE_MAX);
}

/* The newest life of this member was granted to this directory, and has not
 * begun. */
static bool is_granted(const struct node *n, const struct node_peer *peer,
                       const struct admit *ask)
{
    const struct member *m = configuration_find(&n->membership.newest, ask->id);
    struct session s;

    ASSERT(m && peer->id == ask->id);
    session_get(n->ks, ask->id, &s);
    uint64_t seen = MAX(s.incarnation, peer->incarnation);
    return directory_id_eq(m->directory, ask->directory) &&
           RAFT_LIFE(seen) < m->life;
}

static int give(const struct node *n, const struct admit *ask,
                struct grant *out, struct buf *why)
{
    const struct membership *m = &n->membership;

    if (m->newest_at > n->raft.commit)
        return later(why, "the entry that grants its life is not committed "
                          "yet");
    memset(out, 0, sizeof(*out));
    out->verdict = GRANT_GIVEN;
    out->life = configuration_find(&m->newest, ask->id)->life;
    out->cluster_id = n->options.cluster_id;
    out->index = MAX(n->raft.commit, m->newest_at);
    out->configuration = m->newest;
    ASSERT(out->life > 0 && out->index > 0);
    return 0;
}

static uint32_t voters(const struct configuration *c)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < c->count; i++)
        count += (c->members[i].roles & MEMBER_VOTER) != 0;
    return count;
}

/* Is there a reason not to that has nothing to do with who asks? */
static int judge_self(const struct node *n, bool voted, struct buf *why)
{
    const struct raft *r = &n->raft;

    ASSERT(r->leader != n->options.self || r->role == RAFT_LEADER);
    if (voted && voters(&n->membership.newest) < GRANT_VOTERS)
        return refuse(why, "in a cluster of one or two voters nobody can "
                           "prove what the lost data were: restore the data "
                           "directory from a backup, or see vardctl recover");
    if (r->role != RAFT_LEADER) {
        if (r->leader == NODE_NONE)
            return later(why, "no leader is known");
        buf_printf(why, "node %u leads, and this is not it", r->leader);
        return ERR_AGAIN;
    }
    return 0;
}

/* The link of a machine that is gone may stand for long: who says nothing is
 * not there. */
static bool is_heard(const struct node *n, const struct node_peer *peer)
{
    int pos = raft_position(&n->raft, peer->id);

    ASSERT(pos >= 0 && n->raft.role == RAFT_LEADER);
    int64_t silent_ms = n->mono_ms - n->raft.progress[pos].heard_ms;
    return peer->up && silent_ms < 2 * (int64_t)n->options.election_timeout_ms;
}

/* The life in force was begun, and its directory refilled. */
static bool is_used(const struct node *n, const struct node_peer *peer)
{
    const struct member *m =
        configuration_find(&n->membership.newest, peer->id);
    int pos = raft_position(&n->raft, peer->id);

    ASSERT(m && pos >= 0);
    return RAFT_LIFE(n->raft.progress[pos].incarnation) == m->life &&
           !n->raft.progress[pos].recovering;
}

static int judge_change(const struct node *n, const struct node_peer *peer,
                        struct buf *why)
{
    ASSERT(n->raft.role == RAFT_LEADER);
    if (is_heard(n, peer))
        return later(why, "another process with the same node-id is linked "
                          "to the others: stop one of the two");
    if (peer->granted_ms != 0 &&
        n->mono_ms - peer->granted_ms < GRANT_PAUSE_MS && !is_used(n, peer))
        return later(why, "another directory was let in as this member less "
                          "than a minute ago, and has not been refilled");
    if (last_life(n, peer) == CONFIGURATION_LIFE_MAX)
        return refuse(why, "this member has had too many lives");
    if (!node_members_can_change(n))
        return later(why, "the last change of the members is not committed "
                          "yet");
    return 1;
}

int node_members_judge(struct node *n, const struct admit *ask,
                       struct grant *out, struct buf *why)
{
    uint16_t level = n->membership.newest.level;
    const struct node_peer *peer = node_peer_find(n, ask->id);

    ASSERT(!directory_id_is_none(ask->directory));
    if (ask->id == n->options.self)
        return refuse(why, "that is the node-id of the member asked");
    if (!peer || !configuration_find(&n->membership.newest, ask->id))
        return refuse(why, "no member of this cluster has that node-id");
    if (configuration_find(&n->membership.newest, ask->id)->roles &
        MEMBER_LEAVING)
        return refuse(why, "the member with that node-id is being removed");
    if (level < ask->level_min || level > ask->level_max) {
        buf_printf(why, "the cluster has level %u, its program knows %u to %u",
                   level, ask->level_min, ask->level_max);
        return ERR_MISMATCH;
    }
    bool voted = (configuration_find(&n->membership.newest, ask->id)->roles &
                  (MEMBER_VOTER | MEMBER_OUTGOING)) != 0;
    int err = judge_self(n, voted, why);
    if (err != 0)
        return err;
    if (is_granted(n, peer, ask))
        return give(n, ask, out, why);
    return judge_change(n, peer, why);
}

void node_members_grant(struct node *n, const struct admit *ask,
                        struct raft_members *next)
{
    struct configuration c = n->membership.newest;
    struct member *m = configuration_member(&c, ask->id);
    struct node_peer *peer = node_peer_find(n, ask->id);

    ASSERT(m && peer && node_members_can_change(n));
    m->life = last_life(n, peer) + 1;
    m->directory = ask->directory;
    m->level_min = ask->level_min;
    m->level_max = ask->level_max;
    if (ask->peer_address[0] != '\0')
        memcpy(m->peer_address, ask->peer_address, sizeof(m->peer_address));
    if (ask->client_address[0] != '\0')
        memcpy(m->client_address, ask->client_address,
               sizeof(m->client_address));
    ASSERT(m->life > configuration_find(&n->membership.newest, ask->id)->life);
    node_members_put_next(n, &c, next);
    peer->granted_ms = n->mono_ms;
}
