/*
 * Votes: who asks for them, who grants them, and when they are enough.
 *
 * A candidate asks twice. Up to the answer to the first question (pre-vote;
 * thesis, 9.6) nothing durable has changed. Term and own vote are written; only
 * when they are durable does the candidate count its vote and ask the others. A
 * voter, too, writes first, and grants when that is durable. What an election
 * makes of a node is in raft_role.c.
 *
 * A node that heard from its leader within an election timeout refuses to
 * take part (thesis, 4.2.3): a node that comes back from a partition, or hears
 * nothing because of a one-way link, disturbs nobody. The leader itself
 * refuses too, since check-quorum ends its role if it is the one cut off.
 *
 * Everybody grants, by term and log, to whoever asks: a learner and a stranger
 * too, as its own log may lack the entry that makes it a voter, and without its
 * vote nobody could be elected (etcd, pull request 10998). Whose votes count is
 * what the candidate's newest members say, and only those that have a vote
 * among their own newest members ask.
 *
 * Who is reluctant (its disk is short of space, and who leads must write; or it
 * is to lead only if nobody else does) grants like anybody, but lets
 * RAFT_DECLINES_MAX of its own timeouts pass before it asks: the others have
 * their turn first, and without them it leads.
 *
 * How it fails: an election that nobody wins is repeated when the timer ends.
 * A pre-candidate that is refused because the others are terms ahead takes the
 * term over and asks again within a heartbeat: it may be the only one whose
 * log the others can vote for, while candidates that cannot win raise the term.
 * After a leader's link broke, lost elections are repeated within milliseconds,
 * for two election timeouts. A candidate is patient even then, as its votes
 * have disks to wait for, unless those that could still answer are too few.
 */
#include "raft/raft_internal.h"

/* Raft, section 5.4.1: the last term decides, then the length. */
bool raft_up_to_date(raft_term term, raft_index index, raft_term own_term,
                     raft_index own_index)
{
    if (term != own_term) {
        return term > own_term;
    }
    return index >= own_index;
}

bool raft_sticks_to_leader(const struct raft *r)
{
    if (r->role == RAFT_LEADER) {
        return true;
    }
    return r->leader != NODE_NONE && r->leader_heard_ms != RAFT_NO_CONTACT &&
           r->now_ms - r->leader_heard_ms < r->config.election_timeout_ms;
}

/* It asked for a term that others have passed. It does so once for each term it
 * learns, so this ends when terms stop growing; within a heartbeat a leader
 * would be heard. */
void raft_ask_again_soon(struct raft *r)
{
    ASSERT(r->role == RAFT_FOLLOWER && r->leader == NODE_NONE);
    raft_draw_fast_timer(r, r->config.heartbeat_ms);
}

static bool is_fast(const struct raft *r)
{
    return r->now_ms < r->fast_until_ms;
}

/*@ requires pos < RAFT_NODES_MAX;
  @ assigns \nothing;
  @ ensures \result == (uint32_t)(1 << pos); */
static uint32_t bit(uint32_t pos)
{
    ASSERT(pos < RAFT_NODES_MAX);
    return UINT32_C(1) << pos;
}

/* Can those that have not answered no longer complete a majority? */
static bool election_lost(const struct raft *r)
{
    uint32_t possible = r->votes_granted;

    for (uint32_t i = 0; i < raft_newest(r)->count; i++) {
        bool refused = (r->votes_refused & bit(i)) != 0;
        bool reachable = r->progress[i].link_up || !is_fast(r);
        if (!refused && reachable && (int)i != raft_self(r)) {
            possible |= bit(i);
        }
    }
    return !raft_members_quorum(raft_newest(r), possible);
}

static void ask_for_votes(struct raft *r, struct raft_out *out,
                          enum raft_message_type type)
{
    bool pre = type == RAFT_MSG_PRE_VOTE;

    ASSERT(r->role == (pre ? RAFT_PRE_CANDIDATE : RAFT_CANDIDATE));
    ASSERT(pre || raft_hard_state_durable(r));
    const struct raft_members *members = raft_newest(r);
    for (uint32_t i = 0; i < members->count; i++) {
        if (raft_members_votes(members, i) && (int)i != raft_self(r)) {
            struct raft_message *m = raft_send(r, out, members->ids[i], type);
            m->term = pre ? r->term + 1 : r->term;
            m->index = r->last;
            m->index_term = raft_runs_last_term(r);
            m->transfer = !pre && r->campaign_transfer;
        }
    }
}

static void ask_first(struct raft *r, struct raft_out *out)
{
    ASSERT(r->role != RAFT_LEADER);
    if (raft_alone(r)) {
        raft_campaign(r, out, false);
        return;
    }
    raft_pre_campaign(r, out);
    r->votes_granted = raft_self_bit(r);
    if (is_fast(r)) {
        raft_draw_fast_timer(r, 2 * (uint64_t)r->config.peer_down_delay_ms);
    } else {
        raft_draw_timer(r);
    }
    ask_for_votes(r, out, RAFT_MSG_PRE_VOTE);
}

/* Leaves this election to the others. */
static bool declines(struct raft *r)
{
    ASSERT(r->declined <= RAFT_DECLINES_MAX);
    if (!r->reluctant || raft_alone(r) || r->declined == RAFT_DECLINES_MAX) {
        return false;
    }
    r->declined++;
    return true;
}

void raft_election_timeout(struct raft *r, struct raft_out *out)
{
    ASSERT(r->role != RAFT_LEADER);
    ASSERT(r->now_ms >= r->election_at_ms);
    if (r->campaign_waits || !raft_may_campaign(r) || declines(r)) {
        raft_draw_timer(r); /* there is nothing to do but wait */
        return;
    }
    ask_first(r, out);
}

static void count_votes(struct raft *r, struct raft_out *out)
{
    if (raft_members_quorum(raft_newest(r), r->votes_granted)) {
        if (r->role == RAFT_PRE_CANDIDATE) {
            if (raft_may_campaign(r)) {
                raft_campaign(r, out, false);
            }
        } else {
            raft_lead(r, out);
        }
    } else if (r->role == RAFT_CANDIDATE && is_fast(r) && election_lost(r)) {
        raft_draw_fast_timer(r, 2 * (uint64_t)r->config.peer_down_delay_ms);
    }
}

/* Term and vote are on disk: now they may be spoken of. */
void raft_hard_state_done(struct raft *r, struct raft_out *out)
{
    ASSERT(raft_hard_state_durable(r));
    if (r->vote_reply_to != NODE_NONE) {
        ASSERT(r->vote_reply_to == r->vote);
        node_id to = r->vote_reply_to;
        r->vote_reply_to = NODE_NONE;
        raft_send(r, out, to, RAFT_MSG_VOTE_REPLY)->granted = true;
    }
    if (r->campaign_waits) {
        ASSERT(r->role == RAFT_CANDIDATE && r->vote == r->config.self);
        r->campaign_waits = false;
        r->votes_granted |= raft_self_bit(r);
        ask_for_votes(r, out, RAFT_MSG_VOTE);
        count_votes(r, out);
    }
}

/*@ requires \valid_read(r) && log_valid(r) && \valid_read(m);
  @ assigns \nothing;
  @ ensures \exists integer own; term_at(r, r->last, own) &&
  @     (\result <==> m->index_term > own ||
  @                  (m->index_term == own && m->index >= r->last)); */
static bool candidate_up_to_date(const struct raft *r,
                                 const struct raft_message *m)
{
    return raft_up_to_date(m->index_term, m->index, raft_runs_last_term(r),
                           r->last);
}

/* Granted replies echo the asker's term, refusals tell ours. */
void raft_on_pre_vote(struct raft *r, const struct raft_message *m,
                      struct raft_out *out)
{
    bool grant = m->term > r->term && !r->recovering && !raft_is_careful(r) &&
                 !raft_sticks_to_leader(r) && candidate_up_to_date(r, m);

    struct raft_message *reply =
        raft_send(r, out, m->from, RAFT_MSG_PRE_VOTE_REPLY);
    reply->granted = grant;
    reply->term = grant ? m->term : r->term;
}

/* The term is ours by now; a lower one was answered already. */
void raft_on_vote(struct raft *r, const struct raft_message *m,
                  struct raft_out *out)
{
    bool up_to_date = candidate_up_to_date(r, m);

    ASSERT(m->term == r->term);
    bool free = !r->recovering && !raft_is_careful(r) &&
                (r->vote == NODE_NONE || r->vote == m->from);
    if (!free || !up_to_date || r->leader != NODE_NONE) {
        raft_send(r, out, m->from, RAFT_MSG_VOTE_REPLY)->granted = false;
        if (free && !up_to_date && r->role == RAFT_FOLLOWER && is_fast(r)) {
            raft_draw_fast_timer(r, r->config.peer_down_delay_ms);
        }
        return;
    }
    ASSERT(r->role == RAFT_FOLLOWER || r->role == RAFT_PRE_CANDIDATE);
    raft_follow(r, out, r->term, NODE_NONE);
    if (r->vote == NODE_NONE) {
        raft_save_hard_state(r, out, r->term, m->from);
    }
    raft_draw_timer(r);
    r->vote_reply_to = m->from;
    if (raft_hard_state_durable(r)) {
        raft_hard_state_done(r, out);
    }
}

/* PRE_VOTE_REPLY and VOTE_REPLY; bits make a repeated reply count once. */
void raft_on_vote_reply(struct raft *r, uint32_t pos,
                        const struct raft_message *m, struct raft_out *out)
{
    bool pre = m->type == RAFT_MSG_PRE_VOTE_REPLY;

    if (r->role != (pre ? RAFT_PRE_CANDIDATE : RAFT_CANDIDATE) ||
        r->campaign_waits) {
        return;
    }
    if (m->granted && m->term != (pre ? r->term + 1 : r->term)) {
        return;
    }
    if (m->granted) {
        r->votes_granted |= bit(pos);
        r->votes_refused &= ~bit(pos);
    } else if ((r->votes_granted & bit(pos)) == 0) {
        r->votes_refused |= bit(pos);
    }
    count_votes(r, out);
}

/* The leader hands over: no question whether somebody hears it. */
void raft_on_timeout_now(struct raft *r, const struct raft_message *m,
                         struct raft_out *out)
{
    ASSERT(m->term == r->term);
    if (r->role == RAFT_FOLLOWER && r->leader == m->from &&
        raft_may_campaign(r)) {
        raft_campaign(r, out, true);
    }
}
