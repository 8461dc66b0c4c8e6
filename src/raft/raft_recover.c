/*
 * A member that cannot prove that it still has what it promised.
 *
 * Its disk may have lost votes, and entries it acknowledged. So it makes no
 * promise and counts for nothing: it does not vote, nor grant pre-votes, nor
 * campaign; its acknowledgements carry match 0 and the mark `recovering`, by
 * which a leader counts it neither for commits, nor for read rounds, nor as
 * contact to a quorum. It does take entries, as far as it can verify them.
 *
 * It ends with a barrier. When the leader of term T first hears of this
 * start of the node, it appends an empty entry e; the node is whole when it
 * has e durably and knows that e is committed, which was decided by a
 * majority Q of the others. It then writes, in one record, that it is no
 * longer recovering and that its vote of term T is the leader's.
 *
 * Why that is enough (n = 2f + 1, lost promises of earlier starts):
 * - A vote in a term t <= T. The leaders of such terms are elected already,
 *   or never will be with its help: in T it repeats a vote for the leader.
 * - A vote for Z in a term t > T. Z's log ends before e, as e is newer than
 *   the loss and a candidate takes no entries of a lower term. Who is in Q and
 *   voted for Z did so before having e, hence in a term above T, and could not
 *   have taken e: so Z has no votes from Q, and f at most with the lost one.
 * - An acknowledged entry x of a leader of t <= T. Until the end the node
 *   votes for nobody; so every leader since the loss has f + 1 votes of
 *   others, one of which has x, if x is or will be committed by the lost
 *   acknowledgement and f others. The leader of T has x, before e. The
 *   leaders of t > T come after e by the same argument as Z.
 * Incarnations tie the barrier to this start: it is told only to the process
 * that asked.
 *
 * VR's recovery (Liskov & Cowling, 2012) asks a quorum instead, and was found
 * to be wrong without such a barrier or incarnations in all replies (Michael
 * et al., "Recovering Shared Objects Without Stable Storage", DISC 2017).
 *
 * How it fails: without a leader that commits its barrier the node stays as it
 * is, and harms nobody. With two members lost of three, nobody can end it: an
 * operator has to.
 */
#include "raft/raft_internal.h"

/* Leader: the member at `pos` said that it is recovering. */
void raft_recovering_heard(struct raft *r, uint32_t pos, struct raft_out *out)
{
    struct raft_progress *p = &r->progress[pos];

    ASSERT(r->role == RAFT_LEADER && (int)pos != raft_self(r));
    p->recovering = true;
    if (p->barrier > 0 || r->transfer_to != NODE_NONE) {
        return;
    }
    struct raft_write *write = raft_open_write(r, out);
    bool fits = raft_runs_append(r, 1, r->term);
    ASSERT(fits); /* this term has its run since its own empty entry */
    write->append_first = r->last;
    write->append_last = r->last;
    write->append_term = r->term;
    write->append_empty = true;
    p->barrier = r->last;
}

/* Recovering: what the leader of this term says of our barrier. */
void raft_note_barrier(struct raft *r, const struct raft_message *m,
                       struct raft_out *out)
{
    ASSERT(r->leader == m->from);
    if (r->recovering && m->to_incarnation == r->config.incarnation) {
        r->barrier = MAX(r->barrier, m->barrier);
        raft_recover_try(r, out);
    }
}

void raft_recover_try(struct raft *r, struct raft_out *out)
{
    if (!r->recovering || r->barrier == 0 || r->leader == NODE_NONE ||
        MIN(r->durable, r->verified) < r->barrier || r->commit < r->barrier) {
        return;
    }
    ASSERT(r->role == RAFT_FOLLOWER);
    node_id vote = r->vote == NODE_NONE ? r->leader : r->vote;
    raft_save_hard_state(r, out, r->term, vote);
    out->write.recovered = true;
    r->recovering = false;
    r->barrier = 0;
}
