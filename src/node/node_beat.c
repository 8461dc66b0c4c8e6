/*
 * What heartbeats, appends and their answers carry for the node, in fields
 * that the core leaves to it:
 *
 *   match, verified  what all members hold, and all live ones, for cutting the
 *                    log (node_compact.c); in answers they are the core's
 *   time_ms          the log's time as the leader reckons it (node_time.c): a
 *                    member that starts again while nothing is written learns
 *                    how far it has come
 *   granted          a disk is short of space: in an answer the follower's
 *                    own, else that of any member that is up
 *
 * Appends have to carry it too, for they stand in for heartbeats as long as
 * there is something to append.
 *
 * Disk space. A write is written by all members, whichever its client speaks
 * to. So when one of them runs short, none takes writes any more, rather than
 * let it run full and lose it. Requests that had been taken by then go on:
 * they have their place in the session. It is known one heartbeat and its
 * answer later, at the other followers one more.
 *
 * How it fails: a member without a link counts as one with space, and so does
 * each that a new leader has not heard yet.
 */
#include "node/node_internal.h"

static bool from_leader(const struct raft_message *m)
{
    return m->type == RAFT_MSG_HEARTBEAT || m->type == RAFT_MSG_APPEND;
}

static bool to_leader(const struct raft_message *m)
{
    return m->type == RAFT_MSG_HEARTBEAT_REPLY ||
           m->type == RAFT_MSG_APPEND_REPLY;
}

static bool any_short(const struct node *n)
{
    for (uint32_t i = 0; i < n->peer_count; i++)
        if (n->peers[i].up && n->peers[i].disk_short)
            return true;
    return n->space.own_short;
}

void node_beat_fill(struct node *n, struct raft_message *m)
{
    if (from_leader(m)) {
        node_compact_tell(n, m);
        m->time_ms = node_time_reckoned(n);
        m->granted = any_short(n);
    } else if (to_leader(m) && m->to == n->raft.leader) {
        m->granted = n->space.own_short;
    }
}

void node_beat_take(struct node *n, const struct raft_message *m)
{
    struct node_peer *peer = node_peer_find(n, m->from);

    ASSERT(peer);
    if (m->term != n->raft.term)
        return;
    if (from_leader(m) && m->from == n->raft.leader) {
        node_compact_told(n, m);
        node_time_appended(n, m->time_ms);
        n->space.leader_short = m->granted;
    } else if (to_leader(m)) {
        peer->disk_short = n->raft.role == RAFT_LEADER && m->granted;
    }
}

void node_beat_forget(struct node *n)
{
    n->space.leader_short = false;
    for (uint32_t i = 0; i < n->peer_count; i++)
        n->peers[i].disk_short = false;
}

void node_set_disk_short(struct node *n, bool is_short)
{
    n->space.own_short = is_short;
}

bool node_disk_short(const struct node *n)
{
    return n->raft.role == RAFT_LEADER
               ? any_short(n)
               : n->space.own_short || n->space.leader_short;
}
