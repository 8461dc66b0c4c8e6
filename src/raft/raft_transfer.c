/*
 * Handing leadership over (thesis, 3.10).
 *
 * The leader takes no more proposals, brings the target up to its own last
 * entry, and tells it to campaign at once. It stays leader until it sees the
 * new term; if that does not come within an election timeout, or the target's
 * process goes away, or it is paused, it carries on. Nothing here is needed for
 * safety: the target wins an ordinary election, which only skips the question
 * whether somebody hears a leader.
 *
 * How it fails: a transfer that cannot begin, or is given up, ends in
 * out.transfer_ended, as one that succeeds does; the role tells the difference.
 */
#include "raft/raft_internal.h"

/* Could it lead, also when the outgoing set is gone? It gets what it lacks
 * unless it is paused. */
static bool is_target(const struct raft *r, int pos)
{
    return pos >= 0 && pos != raft_self(r) && !r->progress[pos].paused &&
           (raft_newest(r)->voters >> pos & 1) != 0;
}

/* Largest match among the reachable followers, or NODE_NONE. */
static node_id best_target(const struct raft *r)
{
    node_id best = NODE_NONE;
    raft_index match = 0;

    for (uint32_t i = 0; i < raft_newest(r)->count; i++) {
        const struct raft_progress *p = &r->progress[i];
        if (!is_target(r, (int)i) || !p->link_up || p->recovering) {
            continue;
        }
        if (best == NODE_NONE || p->match > match) {
            best = raft_newest(r)->ids[i];
            match = p->match;
        }
    }
    return best;
}

void raft_transfer_event(struct raft *r, node_id peer, struct raft_out *out)
{
    if (r->role == RAFT_LEADER && peer == NODE_NONE) {
        peer = best_target(r);
    }
    if (r->role != RAFT_LEADER || !is_target(r, raft_position(r, peer))) {
        out->transfer_ended = true;
        return;
    }
    r->transfer_to = peer;
    r->transfer_sent = false;
    r->transfer_until_ms = r->now_ms + r->config.election_timeout_ms;
}

/* Given up, or leadership is gone, which was the purpose. */
void raft_transfer_end(struct raft *r, struct raft_out *out)
{
    ASSERT(r->role == RAFT_LEADER);
    if (r->transfer_to != NODE_NONE) {
        out->transfer_ended = true;
    }
    r->transfer_to = NODE_NONE;
    r->transfer_sent = false;
    r->transfer_until_ms = 0;
}

void raft_transfer_flush(struct raft *r, struct raft_out *out)
{
    ASSERT(r->role == RAFT_LEADER);
    if (r->transfer_to == NODE_NONE || r->transfer_sent) {
        return;
    }
    int pos = raft_position(r, r->transfer_to);
    ASSERT(pos >= 0); /* members do not change meanwhile */
    if (r->progress[pos].match == r->last) {
        (void)raft_send(r, out, r->transfer_to, RAFT_MSG_TIMEOUT_NOW);
        r->transfer_sent = true;
    }
}
