/*
 * What a message may say at the moment it leaves: compared with the sender's
 * log and disk. What is true then stays true, as terms only grow, a leader's
 * log only grows, and durable means durable.
 */
#include "sim.h"

#include "codec/beat.h"
#include "codec/message.h"

static const struct ghost_entry *at(const struct ghost_log *l, raft_index i)
{
    return i >= l->first && i <= l->last ? l->at[i] : NULL;
}

static void vote(struct sim *s, uint32_t node, const struct raft_message *m,
                 node_id candidate)
{
    const struct ghost_node *n = &s->ghost.nodes[node];

    if (n->disk_term != m->term || n->disk_vote != candidate)
        sim_fail(s,
                 "X1 durability: node %u speaks of a vote for %u in term "
                 "%llu that is not on its disk",
                 node, candidate, (unsigned long long)m->term);
    if (!ghost_vote_known(s, node, m->term, candidate))
        sim_fail(s, "I2 one vote: node %u votes twice in term %llu", node,
                 (unsigned long long)m->term);
}

static void from_leader(struct sim *s, uint32_t node,
                        const struct raft_message *m)
{
    const struct ghost *g = &s->ghost;

    if (m->term >= g->leaders_cap || g->leaders[m->term] != node)
        sim_fail(s, "I8 provenance: node %u speaks as leader of term %llu",
                 node, (unsigned long long)m->term);
    if (m->commit > g->commit)
        sim_fail(s, "I13 commit: node %u tells of a commit that nobody made",
                 node);
}

static void slice(struct sim *s, uint32_t node, const struct raft_message *m)
{
    const struct ghost_log *l = &s->ghost.nodes[node].live;
    const struct ghost_entry *prev = at(l, m->index);

    if (m->index + m->count > l->last || (prev && prev->term != m->index_term))
        sim_fail(s, "I10 true slices: node %u sends what it has not", node);
}

static void ack(struct sim *s, uint32_t node, uint32_t to,
                const struct raft_message *m)
{
    const struct ghost *g = &s->ghost;
    struct ghost_node *n = &s->ghost.nodes[node];
    const struct node *leader = s->nodes[to].node;

    if (m->match == 0 && m->verified == 0 && m->round == 0 && !m->rejected)
        return; /* tells of a term only */
    if (n->disk_term < m->term)
        sim_fail(s,
                 "X1 durability: node %u answers in term %llu, its disk is "
                 "in %llu",
                 node, (unsigned long long)m->term,
                 (unsigned long long)n->disk_term);
    if (m->match > n->disk.last)
        sim_fail(s,
                 "X1 durability: node %u acknowledges %llu, its disk has "
                 "%llu",
                 node, (unsigned long long)m->match,
                 (unsigned long long)n->disk.last);
    if (m->term >= g->leaders_cap || g->leaders[m->term] != to)
        sim_fail(s, "I11 acks are true: node %u answers %u, who does not lead",
                 node, to);
    n->acked = MAX(n->acked, m->match);
    if (!leader || leader->raft.role != RAFT_LEADER ||
        leader->raft.term != m->term)
        return;
    const struct ghost_entry *own = at(&n->disk, m->match);
    const struct ghost_entry *its = at(&g->nodes[to].live, m->match);
    if (own && its && own != its)
        sim_fail(s,
                 "I11 acks are true: node %u acknowledges %llu, which is "
                 "not the leader's",
                 node, (unsigned long long)m->match);
}

void ghost_sent(struct sim *s, uint32_t node, uint32_t to, struct bytes payload,
                struct raft_message *m)
{
    struct bytes rest;
    struct beat beat;

    int err = message_decode(payload, m, &rest);
    if (err == 0)
        err = beat_decode(rest, &beat, &rest);
    if (err != 0 || m->from != node || m->to != to)
        sim_fail(s, "I12 direction: node %u sends nonsense", node);
    if (m->from_incarnation != s->nodes[node].incarnation)
        sim_fail(s, "X5 incarnation: node %u speaks for another", node);
    lost_sent(s, node, m);
    ghost_commit(s, node);
    if (s->nodes[node].node->raft.role == RAFT_LEADER)
        ghost_leads(s, node);
    switch (m->type) {
    case RAFT_MSG_VOTE:
        vote(s, node, m, node);
        break;
    case RAFT_MSG_VOTE_REPLY:
        if (m->granted)
            vote(s, node, m, to);
        break;
    case RAFT_MSG_APPEND:
        from_leader(s, node, m);
        slice(s, node, m);
        ghost_told(s, node, beat.held_by_all, beat.held_by_live);
        break;
    case RAFT_MSG_HEARTBEAT:
        from_leader(s, node, m);
        ghost_told(s, node, beat.held_by_all, beat.held_by_live);
        break;
    case RAFT_MSG_TIMEOUT_NOW:
        from_leader(s, node, m);
        break;
    case RAFT_MSG_APPEND_REPLY:
    case RAFT_MSG_HEARTBEAT_REPLY:
        ack(s, node, to, m);
        break;
    default:
        break;
    }
}
