/*
 * A state in place of entries.
 *
 * A member that needs entries which the others have cut from their logs fetches
 * a whole state from one of them. The core has no part in the transfer, beyond
 * telling the leader in each reply how far the state goes (`snapshot`), so that
 * the log behind it is kept meanwhile, by the next leader too. When the state
 * is complete it comes as one event, at any time, however late: in another
 * term, in another role, when the log has gone on, or conflicts.
 *
 * If the log has the state's last entry, it also has what leads there, and
 * goes on; only the commit index moves. Else it is dropped as a whole, and with
 * it the changes of members that it had: who counts is then what the state
 * says (an uncommitted change that outlives its log made disjoint quorums:
 * openraft, issue 1808). All that this member promised and that is, or will be,
 * committed, is in the state or in the log that is kept.
 *
 * The state comes with the term of the leader who offered it, and that term is
 * entered, as if the leader had spoken: for a leader of an earlier term, whom
 * this member may follow still, can lack what is in the state. So what is known
 * to be committed was committed in no later term than the one we are in, its
 * leader has it (Raft, 5.4.3), and the log is verified up to there.
 *
 * State, log and hard state are one write. The hard state is in it even if it
 * stays as it is: until it is durable, nothing is said that relies on it, no
 * acknowledgement, no vote, no request of a candidate. A crash before that
 * finds the old state with the old log.
 *
 * How it fails: a state that has nothing new is ignored, and nothing is
 * written; so is one that comes to a leader, which needs none. One that
 * contradicts itself is the caller's mistake, and an assertion.
 */
#include "raft/raft_internal.h"

/* A state is being fetched; 0: not any more. */
void raft_fetch(struct raft *r, raft_index index)
{
    ASSERT(index <= RAFT_NUMBER_MAX);
    r->fetching = index;
}

static void check_event(const struct raft_event *event)
{
    ASSERT(event->index > 0 && event->index <= RAFT_NUMBER_MAX);
    ASSERT(event->index_term > 0 && event->index_term <= event->term);
    ASSERT(event->members != NULL && event->members_at <= event->index);
}

/* Is the log, up to the state's last entry, the one that led to it? */
static bool log_leads_there(const struct raft *r,
                            const struct raft_event *event)
{
    raft_term term = 0;

    ASSERT(event->index > r->commit);
    return raft_runs_term(r, event->index, &term) && term == event->index_term;
}

static struct raft_write *write_restored(struct raft *r,
                                         const struct raft_event *event,
                                         bool keeps_log, struct raft_out *out)
{
    struct raft_write *write = raft_open_write(r, out);

    write->restore_index = event->index;
    write->restore_term = event->index_term;
    write->restore_keeps_log = keeps_log;
    raft_save_hard_state(r, out, r->term, r->vote);
    ASSERT(!raft_hard_state_durable(r));
    return write;
}

/* What was to be answered of the former log is answered of this one. */
static void answer_anew(struct raft *r)
{
    raft_replies_clear(r);
    r->reply_append = r->leader != NODE_NONE;
}

void raft_restore(struct raft *r, const struct raft_event *event,
                  struct raft_out *out)
{
    check_event(event);
    if (r->role == RAFT_LEADER || event->index <= r->commit) {
        return;
    }
    bool later = event->term > r->term;
    raft_follow(r, out, MAX(r->term, event->term),
                later ? NODE_NONE : r->leader);
    bool keeps_log = log_leads_there(r, event);
    struct raft_write *write = write_restored(r, event, keeps_log, out);
    if (!keeps_log) {
        raft_runs_restart(r, event->index, event->index_term);
        r->truncate_seq = write->seq;
        r->verified = 0;
    }
    raft_commit_restored(r, event->index);
    if (!keeps_log) {
        raft_members_restore(r, event->members_at, event->members, out);
    }
    r->verified = MAX(r->verified, event->index);
    if (r->fetching <= event->index) {
        r->fetching = 0;
    }
    answer_anew(r);
}
