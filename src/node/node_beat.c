/*
 * The beat (codec/beat.h): what nodes tell each other beside the core, with
 * heartbeats, appends and their answers. The leader's:
 *
 *   held_by_*    what all members hold, and all live ones, for cutting the log
 *                (node_compact.c)
 *   disk_short   too few members have disk space, so writes are refused
 *   paused       the receiver is sent no entries (node_space.c)
 *   short_members   whose disk is short of space
 *
 * The answer's: disk_short, of the follower's own disk. And everybody's:
 *
 *   log_time_ms  the log's time as the sender reckons it (node_time.c). A
 * member that has started again believes whoever tells it first, with the votes
 * that it gets at the latest; afterwards its leader alone
 *
 * Appends have to carry it too, for they replace heartbeats as long as there
 * is something to append.
 *
 * How it fails: what is said in another term, or by another than the leader, is
 * ignored. The leader knows what a member says after one heartbeat and its
 * answer, the other followers after one more.
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

struct beat node_beat_of(struct node *n, const struct raft_message *m)
{
    struct beat b = {.log_time_ms = node_time_reckoned(n)};

    ASSERT(m->from == n->options.self && m->to != n->options.self);
    if (from_leader(m)) {
        node_compact_tell(n, &b);
        int pos = raft_position(&n->raft, m->to);
        b.disk_short = node_disk_short(n);
        b.paused = pos >= 0 && n->raft.progress[pos].paused;
        b.short_members = (uint8_t)node_short_members(n);
    } else if (to_leader(m) && m->to == n->raft.leader) {
        b.disk_short = node_space_tells(n);
    }
    return b;
}

void node_beat_hear(struct node *n, const struct beat *b)
{
    if (!n->clock.known)
        node_time_told(n, b->log_time_ms);
}

void node_beat_take(struct node *n, const struct raft_message *m,
                    const struct beat *b)
{
    struct node_peer *peer = node_peer_find(n, m->from);

    ASSERT(m->from != n->options.self);
    if (!peer || m->term != n->raft.term)
        return;
    if (from_leader(m) && m->from == n->raft.leader) {
        node_compact_told(n, b);
        node_time_told(n, b->log_time_ms);
        node_space_told(n, b);
    } else if (to_leader(m)) {
        peer->disk_short = n->raft.role == RAFT_LEADER && b->disk_short;
    }
}
