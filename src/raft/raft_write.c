/*
 * Writes: what a step wants to have on disk, and how much of it is there.
 *
 * All writes of one step share one raft_write: one number, one batch. Writes
 * are done in order, so the number of the last one that is durable says
 * everything: hard_state_seq is compared with it before a vote is spoken of,
 * truncate_seq before a completed write counts for the log.
 *
 * How it fails: a write that fails ends the process, so the core never hears
 * of one. A disk that hangs is seen by the age of the oldest write; a leader
 * then steps down, and nobody campaigns.
 */
#include "raft/raft_internal.h"

/* The write of this step; the first to ask for it opens it. */
struct raft_write *raft_open_write(struct raft *r, struct raft_out *out)
{
    if (out->write.seq == 0) {
        if (r->durable_seq == r->write_seq) {
            r->write_since_ms = r->now_ms;
        }
        out->write.seq = ++r->write_seq;
    }
    ASSERT(out->write.seq == r->write_seq);
    return &out->write;
}

/* The only place where term and vote change: always both, always written. */
void raft_save_hard_state(struct raft *r, struct raft_out *out, raft_term term,
                          node_id vote)
{
    ASSERT(term > r->term ||
           (term == r->term && (r->vote == NODE_NONE || r->vote == vote)));
    struct raft_write *write = raft_open_write(r, out);
    r->term = term;
    r->vote = vote;
    r->hard_state_seq = write->seq;
    write->hard_state = true;
    write->term = term;
    write->vote = vote;
}

bool raft_hard_state_durable(const struct raft *r)
{
    return r->durable_seq >= r->hard_state_seq;
}

/* Has the oldest write been under way for too long? */
bool raft_disk_hangs(const struct raft *r)
{
    return r->config.disk_timeout_ms > 0 && r->durable_seq < r->write_seq &&
           r->now_ms - r->write_since_ms >= r->config.disk_timeout_ms;
}
