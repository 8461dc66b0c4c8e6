/*
 * The beat (codec/beat.h): what nodes tell each other beside the core, with
 * heartbeats, appends and their answers. The leader's:
 *
 *   held_by_*    what all members hold, and all live ones, for cutting the log
 *                (node_compact.c)
 *   disk_short   the disk of some member that is up is short of space
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
 * Disk space. Every member writes every write, whichever node its client uses.
 * So when one member runs short, no member takes writes any more: otherwise
 * that disk would run full and the member would be lost. Requests that were
 * taken before are not refused: they have their place in the session. The
 * leader knows of it after one heartbeat and its answer, the other followers
 * after one more.
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

struct beat node_beat_of(struct node *n, const struct raft_message *m)
{
    struct beat b = {.log_time_ms = node_time_reckoned(n)};

    ASSERT(m->from == n->options.self && m->to != n->options.self);
    if (from_leader(m)) {
        node_compact_tell(n, &b);
        b.disk_short = any_short(n);
    } else if (to_leader(m) && m->to == n->raft.leader) {
        b.disk_short = n->space.own_short;
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

    ASSERT(peer && m->from != n->options.self);
    if (m->term != n->raft.term)
        return;
    if (from_leader(m) && m->from == n->raft.leader) {
        node_compact_told(n, b);
        node_time_told(n, b->log_time_ms);
        n->space.leader_short = b->disk_short;
    } else if (to_leader(m)) {
        peer->disk_short = n->raft.role == RAFT_LEADER && b->disk_short;
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

void node_set_disk_full(struct node *n, bool is_full)
{
    ASSERT(n->started || !is_full);
    n->space.own_full = is_full;
}

bool node_disk_short(const struct node *n)
{
    return n->raft.role == RAFT_LEADER
               ? any_short(n)
               : n->space.own_short || n->space.leader_short;
}
