/*
 * Roles: the only file that changes a role, and the leader that is followed.
 *
 *                    .---- TIMEOUT_NOW ------.
 *                    |                       v
 *   start -> FOLLOWER ---> PRE_CANDIDATE --> CANDIDATE --> LEADER
 *              ^    timer    |  ^       (1)   |  |    (2)    |
 *              |             |  '--- timer ---'  |           |
 *              |             v                   v           v
 *              '-------------+-------------------+-----------'
 *                                  (3)
 *
 * (1) A majority would vote for it (raft_election.c). In a cluster of one the
 *     timer leads to CANDIDATE at once.
 * (2) A majority of different voters granted in this term.
 * (3) A higher term; the leader of this term is heard; a pre-candidate grants a
 *     vote; a leader hears no majority any more, or its disk hangs, or members
 *     among whom it has no vote are committed.
 *
 * Each transition clears what belongs to the role, the leader or the term that
 * ends, so that nothing of it is taken for a fact of the next: a leader's reads
 * (raft_read.c), transfer (raft_transfer.c) and progress (raft_progress.c) lie
 * below this file; those who change roles (raft_append.c, raft_election.c,
 * raft_message.c) lie above it.
 *
 * A node draws its timer anew when it asks for votes, grants one or hears the
 * leader (section 5.2), not when it only learns of a higher term: else
 * candidates that cannot win would delay, again and again, the one whose log
 * they lack. When the link to the leader breaks, its process is probably dead:
 * contact is forgotten, and the campaign begins after a few milliseconds.
 *
 * A node that starts is careful: it votes for nobody, itself included, before
 * all other members have been linked to it at the same time, or an election
 * timeout has passed. Its directory may be an older copy, and it cannot know
 * that; who can tells it before their link is up, and it ends. Its own timer is
 * no shorter than that, and who has run for longer than an election timeout is
 * not careful, so this delays no election after a leader is lost.
 *
 * Whom others had better lead (its rank) draws later: a quarter of an election
 * timeout for each of them, up to a whole one; when the leader's link breaks,
 * so many milliseconds as the first of them takes at most. It is a matter of
 * time alone: who asks, and who grants, is as ever, so somebody leads in any
 * case.
 *
 * How it fails: a role that ends takes its requests with it. Reads are reported
 * as lost, a transfer as ended; the node asks again.
 */
#include "base/rng.h"
#include "raft/raft_internal.h"

/* What its rank makes of it. */
static int64_t patience(const struct raft *r)
{
    ASSERT(r->rank <= RAFT_NODES_MAX);
    return MIN((int64_t)r->rank, (int64_t)RAFT_PATIENCE_MAX);
}

void raft_draw_timer(struct raft *r)
{
    uint32_t timeout = r->config.election_timeout_ms;
    uint64_t extra = rng_below(&r->rng, timeout);
    r->election_at_ms = r->now_ms + timeout + (int64_t)extra;
    r->election_at_ms += (int64_t)timeout * patience(r) / RAFT_PATIENCE_MAX;
}

void raft_draw_fast_timer(struct raft *r, uint64_t span_ms)
{
    uint64_t extra = rng_below(&r->rng, span_ms);
    r->election_at_ms = r->now_ms + 1 + (int64_t)extra;
}

void raft_forget_contact(struct raft *r)
{
    r->leader_heard_ms = RAFT_NO_CONTACT;
}

static void set_leader(struct raft *r, node_id leader, struct raft_out *out)
{
    if (r->leader != leader) {
        raft_reads_asked_fail(r, out);
        raft_forget_contact(r);
        r->leader = leader;
    }
}

/* The leader's process seems to be gone. */
void raft_leader_gone(struct raft *r, struct raft_out *out)
{
    ASSERT(r->role == RAFT_FOLLOWER);
    ASSERT(r->leader != NODE_NONE);
    raft_reads_asked_fail(r, out);
    raft_forget_contact(r);
    r->down_leader = r->leader;
    r->fast_until_ms = r->now_ms + 2 * (int64_t)r->config.election_timeout_ms;
    raft_draw_fast_timer(r, r->config.peer_down_delay_ms);
    r->election_at_ms += (int64_t)r->config.peer_down_delay_ms * patience(r);
}

/* The leader's link is up again, or a leader was heard: there is no hurry. */
void raft_leader_back(struct raft *r)
{
    ASSERT(r->role != RAFT_LEADER);
    r->down_leader = NODE_NONE;
    r->fast_until_ms = 0;
    r->declined = 0;
    raft_draw_timer(r);
}

/* The leader is owed no answer, or not any more. */
void raft_replies_clear(struct raft *r)
{
    r->reply_append = false;
    r->reply_heartbeat = false;
    r->reply_reject = false;
    r->reject_index = 0;
    r->reject_term = 0;
    r->reject_prev = 0;
}

/* Forgets what was true of the leader of a term. */
void raft_follower_clear(struct raft *r)
{
    r->verified = 0;
    r->leader_commit = 0;
    r->leader_incarnation = 0;
    r->round_seen = 0;
    r->barrier = 0;
    raft_replies_clear(r);
}

/* Clears what belongs to the role that ends. */
static void leave_role(struct raft *r, struct raft_out *out)
{
    if (r->role == RAFT_LEADER) {
        raft_reads_fail(r, out);
        raft_transfer_end(r, out);
        raft_leader_clear(r);
    }
    r->votes_granted = 0;
    r->votes_refused = 0;
    r->campaign_transfer = false;
    r->campaign_waits = false;
}

static void enter_term(struct raft *r, struct raft_out *out, raft_term term,
                       node_id vote)
{
    ASSERT(term > r->term);
    raft_save_hard_state(r, out, term, vote);
    raft_follower_clear(r);
    r->vote_reply_to = NODE_NONE;
}

/* Follower of `leader`, or of nobody known, in this term or a later one. Only a
 * former leader draws a timer: a running one is not reset by a higher term. */
void raft_follow(struct raft *r, struct raft_out *out, raft_term term,
                 node_id leader)
{
    bool was_leader = r->role == RAFT_LEADER;

    ASSERT(term >= r->term);
    ASSERT(leader != r->config.self);
    leave_role(r, out);
    if (term > r->term) {
        enter_term(r, out, term, NODE_NONE);
    }
    r->role = RAFT_FOLLOWER;
    set_leader(r, leader, out);
    if (was_leader) {
        raft_draw_timer(r);
    }
}

/* May there be members who have had no chance yet to say that this directory is
 * an older copy? */
bool raft_is_careful(const struct raft *r)
{
    return r->now_ms < r->careful_until_ms;
}

void raft_careful_end(struct raft *r)
{
    bool all_up = true;
    for (uint32_t i = 0; i < raft_newest(r)->count; i++) {
        all_up = all_up && ((int)i == raft_self(r) || r->progress[i].link_up);
    }
    if (all_up || !raft_is_careful(r)) {
        r->careful_until_ms = 0;
    }
}

/* Who is not needed, a log that takes no new term, a disk that hangs or has
 * lost promises makes no leader; nor does a start that is careful. */
bool raft_may_campaign(const struct raft *r)
{
    return !r->recovering && !raft_is_careful(r) && raft_self_needed(r) &&
           raft_runs_has_room(r) && !raft_disk_hangs(r);
}

/* Asks whether it could win; nothing durable changes. */
void raft_pre_campaign(struct raft *r, struct raft_out *out)
{
    ASSERT(r->role != RAFT_LEADER);
    leave_role(r, out);
    raft_replies_clear(r); /* what was verified in this term stays true */
    set_leader(r, NODE_NONE, out);
    r->role = RAFT_PRE_CANDIDATE;
}

/* Begins an election for real. */
void raft_campaign(struct raft *r, struct raft_out *out, bool transfer)
{
    ASSERT(r->role != RAFT_LEADER);
    ASSERT(raft_may_campaign(r));
    leave_role(r, out);
    set_leader(r, NODE_NONE, out);
    enter_term(r, out, r->term + 1, r->config.self);
    r->role = RAFT_CANDIDATE;
    r->campaign_transfer = transfer;
    r->campaign_waits = true;
    raft_draw_timer(r);
}

/* The election is won: appends the empty entry of the new term. */
void raft_lead(struct raft *r, struct raft_out *out)
{
    ASSERT(r->role == RAFT_CANDIDATE && r->vote == r->config.self);
    ASSERT(raft_runs_last_term(r) < r->term);
    ASSERT(raft_hard_state_durable(r));
    leave_role(r, out);
    r->vote_reply_to = NODE_NONE;
    r->role = RAFT_LEADER;
    r->leader = r->config.self;
    raft_forget_contact(r);
    r->down_leader = NODE_NONE;
    r->fast_until_ms = 0;
    r->declined = 0;
    r->election_at_ms = RAFT_NEVER_MS;
    for (uint32_t i = 0; i < raft_newest(r)->count; i++) {
        raft_progress_begin(r, i);
    }
    bool fits = raft_runs_append(r, 1, r->term);
    ASSERT(fits); /* see raft_may_campaign() */
    r->term_start = r->last;
    struct raft_write *write = raft_open_write(r, out);
    write->append_first = r->last;
    write->append_last = r->last;
    write->append_term = r->term;
    write->append_empty = true;
    r->quorum_check_ms = raft_quorum_until_ms(r);
}
