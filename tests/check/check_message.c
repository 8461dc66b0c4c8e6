/*
 * What a message may say, and what it may do to its receiver.
 *
 * A message is compared at the moment it leaves, with the sender's log, its
 * disk and the log of the leader of its term: what is true then stays true, as
 * terms only grow, a leader's log only grows and durable means durable.
 */
#include <string.h>

#include "check_internal.h"

/* I2, X1: somebody says that `pos` votes for `candidate`. */
static void vote(struct check *c, uint32_t pos, raft_term term,
                 node_id candidate)
{
    node_id *known = &c->votes[pos][term];
    const struct check_node *n = &c->nodes[pos];

    check_that(c, *known == NODE_NONE || *known == candidate,
               "I2 one vote: two candidates got it in one term");
    check_that(c, n->disk_term <= term,
               "I2 one vote: voted in a term below its own");
    check_that(c, n->disk_term == term && n->disk_vote == candidate,
               "X1 durability: speaks of a vote that is not on its disk");
    *known = candidate;
}

/* I4: a request names the true end of the sender's log. */
static void request(struct check *c, const struct check_step *s,
                    const struct raft_message *m)
{
    const struct check_log *live = &c->nodes[s->pos].live;

    check_that(
        c, m->index == live->last && m->index_term == live->at[live->last].term,
        "I4 up to date: a request with another log's end");
    if (m->type == RAFT_MSG_VOTE) {
        check_that(c, s->after->role == RAFT_CANDIDATE,
                   "I2 one vote: a request from one who is no candidate");
        vote(c, s->pos, m->term, m->from);
    }
}

/* I4: whoever grants compares. The request is the event, or the vote was
 * compared when it was written. */
static void compared(struct check *c, const struct check_step *s)
{
    const struct raft_message *m = s->event->message;
    const struct check_log *live = &c->nodes[s->pos].live;
    raft_term own = live->at[live->last].term;

    check_that(c,
               m->index_term > own ||
                   (m->index_term == own && m->index >= live->last),
               "I4 up to date: granted to one whose log is older");
}

/* I7, I10: entries are a true slice of the sender's log. */
static void slice(struct check *c, const struct check_step *s,
                  const struct raft_message *m)
{
    const struct check_log *live = &c->nodes[s->pos].live;
    uint32_t run = 0;

    check_that(c,
               m->index + m->count <= live->last &&
                   m->index_term == live->at[m->index].term,
               "I10 true slices: an append with what the sender has not");
    check_that(c,
               m->run_count <= RAFT_MESSAGE_RUNS_MAX &&
                   (m->run_count == 0) == (m->count == 0) &&
                   (m->count == 0 || m->runs[0].first == m->index + 1),
               "I6 shape of logs: a bad append");
    for (raft_index i = m->index + 1;
         c->violation == NULL && i <= m->index + m->count; i++) {
        while (run + 1 < m->run_count && m->runs[run + 1].first <= i) {
            run++;
        }
        check_that(c, m->runs[run].term == live->at[i].term,
                   "I10 true slices: an append with other terms");
    }
}

/* X21: whose disk is short of space is sent no entries. */
static void paused(struct check *c, const struct check_step *s,
                   const struct raft_message *m)
{
    int pos = raft_position(s->after, m->to);

    check_that(c, pos < 0 || !s->after->progress[pos].paused,
               "X21 pause: an append to a member that is paused");
}

/* I8, I12: only the leader of a term speaks as such. */
static void from_leader(struct check *c, const struct check_step *s,
                        const struct raft_message *m)
{
    const struct check_leader *l = &c->logs[m->term];

    check_that(c, l->known && l->pos == s->pos,
               "I8 provenance: speaks as the leader of a term it never led");
    check_that(c, m->commit <= c->commit,
               "I13 commit: tells of a commit that nobody reached");
}

/* I11, X1: an acknowledgement to the leader of this term. */
static void ack(struct check *c, const struct check_step *s,
                const struct raft_message *m)
{
    const struct check_node *n = &c->nodes[s->pos];
    const struct check_leader *l = &c->logs[m->term];

    if (m->match == 0 && m->verified == 0 && m->round == 0 && !m->rejected) {
        return; /* tells of a term only */
    }
    check_that(c, l->known && l->pos == check_pos(c, m->to),
               "I11 acks are true: to one who does not lead this term");
    check_that(c, n->disk_term >= m->term,
               "X1 durability: answers in a term that is not on its disk");
    if (c->violation != NULL) {
        return;
    }
    check_that(c,
               m->verified <= l->last &&
                   check_has(&n->live, m->verified, l->hash[m->verified]),
               "I11 acks are true: verified, but not the leader's log");
    check_that(c, m->match <= n->disk.last,
               "X1 durability: acknowledges what is not on its disk");
    check_that(c,
               m->match <= l->last &&
                   check_has(&n->disk, m->match, l->hash[m->match]),
               "I11 acks are true: durable, but not the leader's log");
}

/* I5, I12, X5: every message. */
static void envelope(struct check *c, const struct check_step *s,
                     const struct raft_message *m)
{
    const struct raft_config *config = &s->after->config;
    bool asks = m->type == RAFT_MSG_PRE_VOTE ||
                (m->type == RAFT_MSG_PRE_VOTE_REPLY && m->granted);

    check_that(c,
               m->from == config->self && m->to != m->from &&
                   check_pos(c, m->to) < c->count,
               "I12 direction: to itself, to a stranger or from another");
    check_that(c,
               m->from_incarnation == config->incarnation &&
                   m->cluster_id == config->cluster_id,
               "X5 incarnation: a message of another incarnation");
    check_that(c, m->term <= s->after->term || asks,
               "I5 terms: a message above its sender's term");
}

/* X8: a leader was heard, and no later start of it. */
static bool sticky(const struct check_step *s)
{
    const struct raft *b = s->before;
    const struct raft_message *m = s->event->message;
    int64_t now = MAX(b->now_ms, s->event->now_ms);
    int pos = raft_position(b, m->from);

    if (m->from == b->leader && pos >= 0 &&
        m->from_incarnation > b->progress[pos].incarnation) {
        return false; /* it was the leader's last start that led */
    }
    return b->role == RAFT_LEADER ||
           (b->leader != NODE_NONE && b->leader_heard_ms != INT64_MIN &&
            now - b->leader_heard_ms < b->config.election_timeout_ms);
}

static void granted(struct check *c, const struct check_step *s,
                    const struct raft_message *m)
{
    bool asked = s->event->type == RAFT_EV_MESSAGE;

    if (m->type == RAFT_MSG_VOTE_REPLY) {
        vote(c, s->pos, m->term, m->to);
    } else {
        check_that(c, asked && s->event->message->type == RAFT_MSG_PRE_VOTE,
                   "X8 pre-vote: granted without a request");
        check_that(c, !asked || !sticky(s),
                   "X8 pre-vote: granted with a live leader");
        check_that(c, m->term > s->after->term,
                   "X8 pre-vote: granted for a term that has begun");
    }
    if (asked) {
        compared(c, s);
    }
}

/* X13: what lost its promises makes none, and says so. When it has ended that
 * and the end is not on its disk yet, it need not say so any more (a pre-vote
 * or a refusal binds nobody), but promises nothing still. */
static void promises(struct check *c, const struct check_step *s,
                     const struct raft_message *m)
{
    bool asks = m->type == RAFT_MSG_PRE_VOTE || m->granted;
    bool leads = m->type == RAFT_MSG_VOTE || m->type == RAFT_MSG_APPEND ||
                 m->type == RAFT_MSG_HEARTBEAT ||
                 m->type == RAFT_MSG_TIMEOUT_NOW ||
                 (m->type == RAFT_MSG_VOTE_REPLY && m->granted);

    if (!c->nodes[s->pos].disk_recovering || m->type == RAFT_MSG_READ) {
        return;
    }
    check_that(c, !leads && m->match == 0,
               "X13 corruption: counts before it was refilled");
    check_that(c, !s->after->recovering || (m->recovering && !asks),
               "X13 corruption: counts before it was refilled");
}

void check_sent(struct check *c, const struct check_step *s,
                const struct raft_message *m)
{
    envelope(c, s, m);
    promises(c, s, m);
    if (c->violation != NULL || !check_fits(c, m->term)) {
        return;
    }
    switch (m->type) {
    case RAFT_MSG_PRE_VOTE:
    case RAFT_MSG_VOTE:
        request(c, s, m);
        break;
    case RAFT_MSG_PRE_VOTE_REPLY:
    case RAFT_MSG_VOTE_REPLY:
        if (m->granted) {
            granted(c, s, m);
        }
        break;
    case RAFT_MSG_APPEND:
        from_leader(c, s, m);
        slice(c, s, m);
        paused(c, s, m);
        break;
    case RAFT_MSG_HEARTBEAT:
    case RAFT_MSG_TIMEOUT_NOW:
        from_leader(c, s, m);
        break;
    case RAFT_MSG_APPEND_REPLY:
    case RAFT_MSG_HEARTBEAT_REPLY:
        ack(c, s, m);
        break;
    case RAFT_MSG_READ:
    case RAFT_MSG_READ_REPLY:
    case RAFT_MSG_TYPE_END:
        break;
    }
}

/* Its sender's memory of promises ended before it was sent (X17). */
static bool over_life(const struct raft *r, const struct raft_message *m,
                      int pos)
{
    return pos >= 0 &&
           RAFT_LIFE(m->from_incarnation) < r->members[RAFT_NEWEST].life[pos];
}

/* Counts for those only who are members to the receiver. */
static bool answers(const struct raft_message *m)
{
    return m->type == RAFT_MSG_PRE_VOTE_REPLY ||
           m->type == RAFT_MSG_VOTE_REPLY || m->type == RAFT_MSG_APPEND_REPLY ||
           m->type == RAFT_MSG_HEARTBEAT_REPLY || m->type == RAFT_MSG_READ;
}

/* Nothing that others can see, or that lasts, has changed. */
static bool unmoved(const struct check_step *s)
{
    const struct raft *a = s->after;
    const struct raft *b = s->before;

    for (uint32_t i = 0; i < RAFT_NODES_MAX; i++) {
        if (a->progress[i].match != b->progress[i].match ||
            a->progress[i].round_acked != b->progress[i].round_acked) {
            return false;
        }
    }
    return s->out->write.seq == 0 && s->out->message_count == 0 &&
           a->role == b->role && a->term == b->term && a->vote == b->vote &&
           a->last == b->last && a->commit == b->commit &&
           a->votes_granted == b->votes_granted;
}

/* I11: within a term and an incarnation match never falls. */
static void match_monotone(struct check *c, const struct check_step *s)
{
    const struct raft *a = s->after;
    const struct raft *b = s->before;

    if (a->role != RAFT_LEADER || b->role != RAFT_LEADER) {
        return;
    }
    for (uint32_t i = 0; i < c->count; i++) {
        const struct raft_progress *now = check_progress(c, a, i);
        const struct raft_progress *before = check_progress(c, b, i);
        check_that(c,
                   now == NULL || before == NULL ||
                       now->match >= before->match ||
                       now->incarnation != before->incarnation,
                   "I11 acks are true: match fell");
    }
}

void check_received(struct check *c, const struct check_step *s)
{
    const struct raft_message *m = s->event->message;
    const struct raft *b = s->before;
    int pos = raft_position(b, m->from);
    bool stale =
        m->to != b->config.self ||
        (m->to_incarnation != 0 &&
         m->to_incarnation != b->config.incarnation) ||
        (pos >= 0 && m->from_incarnation < b->progress[pos].incarnation) ||
        (pos < 0 && answers(m)) || over_life(b, m, pos);

    check_that(c, !stale || unmoved(s),
               "X5 incarnation: acts on a message of an earlier one");
    match_monotone(c, s);
    bool voted = s->after->vote != b->vote && s->after->vote != NODE_NONE &&
                 s->after->vote != b->config.self;
    if (voted && s->out->write.recovered) {
        check_that(c, s->after->vote == s->after->leader,
                   "X13 corruption: recovered with another vote than the "
                   "leader's");
    } else if (voted) {
        check_that(c, m->type == RAFT_MSG_VOTE && s->after->vote == m->from,
                   "I2 one vote: voted without a request");
        compared(c, s);
    }
    check_that(c, m->type != RAFT_MSG_PRE_VOTE || !s->out->write.hard_state,
               "X8 pre-vote: changed what is durable");
    check_that(c,
               m->type != RAFT_MSG_VOTE || m->transfer || !sticky(s) ||
                   m->term <= b->term || s->after->term == b->term,
               "X8 stickiness: a candidate moved one who hears a leader");
    check_that(
        c,
        !((m->type == RAFT_MSG_APPEND || m->type == RAFT_MSG_HEARTBEAT) &&
          b->role == RAFT_LEADER && m->term == b->term),
        "I12 direction: an append to the leader of its term");
    bool speaks_of_own = m->type != RAFT_MSG_PRE_VOTE &&
                         !(m->type == RAFT_MSG_PRE_VOTE_REPLY && m->granted) &&
                         m->type != RAFT_MSG_VOTE;
    check_that(c,
               !speaks_of_own || stale || m->term <= b->term ||
                   s->after->term >= m->term,
               "I5 terms: ignored a higher term");
}
