/*
 * A follower's side of replication.
 *
 * `verified` is the largest index up to which this log is known to equal that
 * of the leader of this term; it rises with each append that fits and is
 * forgotten with the term. Commit and acknowledgements are bounded by it: an
 * old suffix that was not compared yet counts for nothing. What is not durable
 * yet is not acknowledged (match), but shown (verified), so that the leader
 * need not send it again.
 *
 * An append that does not fit is refused with a hint: the last entry here,
 * before the refused one, whose term is not above the leader's there. No later
 * entry here can be in the leader's log before that point; the leader does the
 * same with its own log (raft_progress.c), so each round trip leaves at least
 * one term behind.
 *
 * Entries that are there already are skipped, wherever the message begins;
 * only a real conflict truncates. Members go with the entries that say so:
 * they count when appended, and the former ones when truncated.
 *
 * Replies leave at FLUSH, one per kind, once the term they speak of is
 * durable. Of several refusals the lowest is told: an append may come in parts,
 * and the leader waits for an answer to the first of them.
 *
 * How it fails: a message that cannot come from the leader of this term is
 * dropped: of a second leader, of one that has restarted, or with entries that
 * contradict what is committed or verified. If the log takes no further term
 * (raft_runs.c), the rest of the entries is left out, and the reply shows it.
 */
#include "raft/raft_internal.h"

/* Accepts the sender as the leader of this term. False: it cannot be that. */
static bool accept_leader(struct raft *r, const struct raft_message *m,
                          struct raft_out *out)
{
    ASSERT(m->term == r->term);
    if (r->role == RAFT_LEADER) {
        return false;
    }
    if (r->leader != NODE_NONE && r->leader != m->from) {
        return false;
    }
    if (r->leader_incarnation != 0 &&
        r->leader_incarnation != m->from_incarnation) {
        return false; /* a restarted node does not lead its old term */
    }
    raft_follow(r, out, r->term, m->from);
    r->leader_incarnation = m->from_incarnation;
    r->leader_heard_ms = r->now_ms;
    raft_leader_back(r);
    r->round_seen = MAX(r->round_seen, m->round);
    return true;
}

static void refuse(struct raft *r, const struct raft_message *m)
{
    raft_index limit = MIN(m->index - 1, r->last);
    raft_term term = 0;

    ASSERT(m->index > r->commit);
    if (r->reply_reject && r->reject_prev <= m->index) {
        return;
    }
    (void)raft_runs_last_below(r, limit, m->index_term, &r->reject_index);
    r->reject_index = MAX(r->reject_index, r->commit);
    bool known = raft_runs_term(r, r->reject_index, &term);
    ASSERT(known);
    r->reject_term = term;
    r->reject_prev = m->index;
    r->reply_reject = true;
}

/* Does this log have the entry before those sent? What precedes `first` was
 * committed in no later term than this one, so it had it, as has the leader. */
static bool prefix_fits(const struct raft *r, const struct raft_message *m)
{
    raft_term term = 0;

    if (m->index + 1 < r->first) {
        return true;
    }
    return raft_runs_term(r, m->index, &term) && term == m->index_term;
}

/* Appends the message's entries from `from` on; returns the last one taken. */
static raft_index append_from(struct raft *r, const struct raft_message *m,
                              raft_index from, struct raft_out *out)
{
    raft_index end = m->index + m->count;

    ASSERT(from == r->last + 1 && from <= end);
    for (uint32_t i = 0; i < m->run_count; i++) {
        raft_index last = i + 1 < m->run_count ? m->runs[i + 1].first - 1 : end;
        if (last <= r->last) {
            continue;
        }
        if (!raft_runs_append(r, last - r->last, m->runs[i].term)) {
            break;
        }
    }
    if (r->last >= from) {
        struct raft_write *write = raft_open_write(r, out);
        write->append_first = from;
        write->append_last = r->last;
    }
    return r->last;
}

/* One of the entries appended just now changes the members. Whoever made it
 * knew that the last change was committed, and so do we: the logs are equal up
 * to here. */
static void change_members(struct raft *r, const struct raft_event *event,
                           struct raft_out *out)
{
    ASSERT(event->members_at <= r->verified);
    raft_members_append(r, event->members_at, event->members, out);
    r->leader_commit = MAX(r->leader_commit, r->members_at[RAFT_BASE]);
    raft_commit_by_leader(r);
}

/* May the message's entry at `index` follow the entry before it here? */
static bool joins(const struct raft *r, const struct raft_message *m,
                  raft_index index)
{
    raft_term before = 0;
    bool known = raft_runs_term(r, index - 1, &before);

    ASSERT(known);
    return raft_message_term(m, index) >= before;
}

/* Makes this log contain the message's entries. False: they contradict what is
 * known of the leader's log. */
static bool merge(struct raft *r, const struct raft_event *event,
                  struct raft_out *out)
{
    const struct raft_message *m = event->message;
    raft_index end = m->index + m->count;
    raft_index conflict = raft_runs_conflict(r, m);

    if (conflict <= end) {
        if (conflict <= r->commit || conflict <= r->verified ||
            !joins(r, m, conflict)) {
            return false;
        }
        if (conflict <= r->last) {
            raft_runs_truncate(r, conflict);
            raft_members_truncate(r, conflict, out);
            struct raft_write *write = raft_open_write(r, out);
            write->truncate_from = conflict;
            r->truncate_seq = write->seq;
        }
        end = append_from(r, m, conflict, out);
    }
    r->verified = MAX(r->verified, end);
    ASSERT(r->verified <= r->last);
    if (event->members != NULL && event->members_at >= conflict &&
        event->members_at <= end) {
        change_members(r, event, out);
    }
    return true;
}

void raft_on_append(struct raft *r, const struct raft_event *event,
                    struct raft_out *out)
{
    const struct raft_message *m = event->message;

    if (!accept_leader(r, m, out)) {
        return;
    }
    if (!prefix_fits(r, m)) {
        if (m->index > r->commit && m->index > r->verified) {
            refuse(r, m);
        }
        return;
    }
    if (!merge(r, event, out)) {
        return;
    }
    r->leader_commit = MAX(r->leader_commit, m->commit);
    raft_commit_by_leader(r);
    r->reply_append = true;
    if (r->verified >= r->reject_prev) {
        r->reply_reject = false;
    }
    raft_note_barrier(r, m, out);
}

void raft_on_heartbeat(struct raft *r, const struct raft_message *m,
                       struct raft_out *out)
{
    if (!accept_leader(r, m, out)) {
        return;
    }
    r->leader_commit = MAX(r->leader_commit, m->commit);
    raft_commit_by_leader(r);
    r->reply_heartbeat = true;
    raft_note_barrier(r, m, out);
}

/* A write is done: there may be more to acknowledge. */
void raft_follower_durable(struct raft *r, raft_index durable_before)
{
    ASSERT(r->role != RAFT_LEADER);
    ASSERT(r->durable >= durable_before);
    if (r->leader != NODE_NONE &&
        MIN(r->durable, r->verified) > MIN(durable_before, r->verified)) {
        r->reply_append = true;
    }
}

static struct raft_message *reply(struct raft *r, struct raft_out *out,
                                  enum raft_message_type type)
{
    struct raft_message *m = raft_send(r, out, r->leader, type);

    m->round = r->round_seen;
    m->verified = r->verified;
    m->snapshot = r->fetching > r->commit ? r->fetching : 0;
    m->match = r->recovering ? 0 : MIN(r->durable, r->verified);
    return m;
}

/* Nothing is said in a term that is not durable yet. */
void raft_follower_flush(struct raft *r, struct raft_out *out)
{
    ASSERT(r->role != RAFT_LEADER);
    if (r->leader == NODE_NONE || !raft_hard_state_durable(r)) {
        return;
    }
    if (r->reply_append || r->reply_reject) {
        struct raft_message *m = reply(r, out, RAFT_MSG_APPEND_REPLY);
        if (r->reply_reject) {
            m->rejected = true;
            m->index = r->reject_index;
            m->index_term = r->reject_term;
            m->refused = r->reject_prev;
        }
    }
    if (r->reply_heartbeat) {
        (void)reply(r, out, RAFT_MSG_HEARTBEAT_REPLY);
    }
    raft_replies_clear(r);
}
