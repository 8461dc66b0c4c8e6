/*
 * What holds between two steps, whatever was received.
 *
 * How it fails: a breach is an assertion. It means that the core is wrong, and
 * stops the process before it can do harm.
 */
#include "raft/raft_internal.h"

static void check_log(const struct raft *r)
{
    raft_term term = r->prev_term;

    ASSERT(r->first > 0 && r->last + 1 >= r->first);
    ASSERT((r->first == 1) == (r->prev_term == 0));
    ASSERT(r->run_count <= RAFT_RUNS_MAX);
    ASSERT((r->run_count == 0) == (r->last + 1 == r->first));
    for (uint32_t i = 0; i < r->run_count; i++) {
        raft_index first = i == 0 ? r->first : r->runs[i - 1].first + 1;
        ASSERT(i == 0 ? r->runs[i].first == first : r->runs[i].first >= first);
        ASSERT(i == 0 ? r->runs[i].term >= term : r->runs[i].term > term);
        ASSERT(r->runs[i].first <= r->last);
        term = r->runs[i].term;
    }
    ASSERT(term <= r->term);
    ASSERT(r->first <= r->commit + 1 && r->commit <= r->last);
    ASSERT(r->first <= r->durable + 1 && r->durable <= r->last);
    ASSERT(r->verified <= r->last);
}

static void check_writes(const struct raft *r)
{
    ASSERT(r->durable_seq <= r->write_seq);
    ASSERT(r->hard_state_seq <= r->write_seq);
    ASSERT(r->truncate_seq <= r->write_seq);
    ASSERT(r->vote_reply_to == NODE_NONE ||
           (r->vote_reply_to == r->vote && !raft_hard_state_durable(r)));
}

static void check_members(const struct raft *r)
{
    const struct raft_members *m = raft_newest(r);
    uint32_t all = (UINT32_C(1) << m->count) - 1;

    ASSERT(m->count > 0 && m->count <= RAFT_NODES_MAX);
    ASSERT(m->voters != 0 && ((m->voters | m->outgoing) & ~all) == 0);
    ASSERT(r->members_at[RAFT_BASE] <= r->commit);
    ASSERT(r->members_at[RAFT_NEWEST] <= r->last);
    ASSERT(r->members_at[RAFT_NEWEST] > r->commit ||
           r->members_at[RAFT_NEWEST] == r->members_at[RAFT_BASE]);
    ASSERT(((r->votes_granted | r->votes_refused) & ~all) == 0);
}

static void check_role(const struct raft *r)
{
    ASSERT((r->votes_granted & r->votes_refused) == 0);
    ASSERT(r->declined <= (r->reluctant ? RAFT_DECLINES_MAX : 0));
    ASSERT(r->declined == 0 || r->role != RAFT_LEADER);
    ASSERT(r->rank <= RAFT_NODES_MAX);
    ASSERT(!r->recovering || r->role == RAFT_FOLLOWER);
    ASSERT(r->barrier == 0 || r->recovering);
    ASSERT((r->role == RAFT_LEADER) == (r->leader == r->config.self));
    ASSERT(r->role == RAFT_FOLLOWER || !raft_is_careful(r));
    switch (r->role) {
    case RAFT_FOLLOWER:
        ASSERT(r->votes_granted == 0 && !r->campaign_waits);
        break;
    case RAFT_PRE_CANDIDATE:
        ASSERT(r->leader == NODE_NONE && !r->campaign_waits);
        ASSERT(raft_self_needed(r));
        break;
    case RAFT_CANDIDATE:
        ASSERT(r->leader == NODE_NONE && r->vote == r->config.self);
        ASSERT(raft_self_needed(r));
        ASSERT(!raft_members_quorum(raft_newest(r), r->votes_granted));
        ASSERT(r->campaign_waits || raft_hard_state_durable(r));
        break;
    case RAFT_LEADER:
        ASSERT(r->vote == r->config.self && raft_hard_state_durable(r));
        ASSERT(r->term_start > 0 && r->term_start <= r->last);
        ASSERT(raft_runs_last_term(r) == r->term || r->first > r->term_start);
        ASSERT(r->reads_asked_count == 0);
        ASSERT(r->members_at[RAFT_NEWEST] > r->commit || raft_self_votes(r));
        break;
    }
}

static void check_progress(const struct raft *r)
{
    int self = raft_self(r);

    for (uint32_t i = 0; i < raft_newest(r)->count; i++) {
        const struct raft_progress *p = &r->progress[i];
        if ((int)i == self) {
            continue;
        }
        ASSERT(p->match <= p->verified && p->verified <= r->last);
        ASSERT(p->match < p->next && p->next <= r->last + 1);
        ASSERT(p->state != RAFT_REPLICATE || p->verified < p->next);
        ASSERT(p->state == RAFT_REPLICATE || p->in_flight == 0);
        ASSERT(p->in_flight <= r->config.window_max);
        ASSERT(p->round_acked <= r->round && p->round_sent <= r->round);
        ASSERT(p->commit_sent <= r->commit);
    }
}

static void check_reads(const struct raft *r)
{
    ASSERT(r->read_count <= RAFT_READS_MAX);
    ASSERT(r->read_count == 0 || r->role == RAFT_LEADER);
    ASSERT(r->reads_asked_count <= RAFT_READS_MAX);
    ASSERT(r->reads_asked_sent <= r->reads_asked_count);
    ASSERT(r->reads_asked_count == 0 || r->leader != NODE_NONE);
    for (uint32_t i = 0; i < r->read_count; i++) {
        ASSERT(r->reads[i].round <= r->round);
        ASSERT(r->reads[i].index <= r->commit);
    }
}

void raft_check(const struct raft *r)
{
    check_log(r);
    check_writes(r);
    check_members(r);
    check_role(r);
    check_reads(r);
    if (r->role == RAFT_LEADER) {
        check_progress(r);
    } else {
        ASSERT(r->transfer_to == NODE_NONE && !r->transfer_sent);
    }
}
