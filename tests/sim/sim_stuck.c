/*
 * A majority of the disks is lost, at the end of some runs; members came and
 * went before, and lost theirs.
 *
 * What was promised is gone then, and nobody can prove that it is not: those
 * who are left wait, together with those that are empty, although all of them
 * run and reach each other. An operator has to decide (vardctl recover).
 *
 * X26: as long as fewer than a majority of the members has its memory, by the
 * log of any of them, nobody is elected, nothing is committed, and no life is
 * granted. What was on its way before may still arrive: a while is left for it.
 */
#include "sim.h"

/* They have their memory, and somebody starts them. */
static uint32_t whole_mask(const struct sim *s)
{
    uint32_t mask = 0;

    for (uint32_t i = 0; i < s->count; i++) {
        const struct sim_node *n = &s->nodes[i];
        bool is = lost_whole(s, i) && !n->copied && !n->absent && !n->removed;
        mask |= (uint32_t)is << i;
    }
    return mask;
}

/* They have a log, or are being refilled with one: that may end, as a majority
 * has decided it before. */
static uint32_t written_mask(const struct sim *s)
{
    uint32_t mask = 0;

    for (uint32_t i = 0; i < s->count; i++)
        mask |= (uint32_t)(!s->nodes[i].blank && !s->nodes[i].absent) << i;
    return mask;
}

/* By what any of them has in its log. */
static bool decide(const struct sim *s, uint32_t mask)
{
    raft_index at = 0;

    for (uint32_t i = 0; i < s->count; i++)
        if ((mask >> i & 1) &&
            ghost_members_decide(ghost_members_of(s, i, &at), mask))
            return true;
    return false;
}

/* Nobody changes the members, who may be fewer then. */
static bool is_calm(struct sim *s)
{
    const struct sim_node *leader = sim_leader(s);
    struct node_change_status st;

    if (!leader || leader->node->dead)
        return false;
    node_change_status(leader->node, &st);
    return st.next[0] == '\0' && st.waits[0] == '\0' &&
           raft_can_change(&leader->node->raft);
}

/* Would those left still decide, each by its own log? */
bool stuck_spares(struct sim *s, uint32_t node)
{
    uint32_t mask = whole_mask(s) & ~(1u << node);
    raft_index at = 0;

    for (uint32_t i = 0; i < s->count; i++)
        if ((mask >> i & 1) && s->nodes[i].node &&
            !ghost_members_decide(ghost_members_of(s, i, &at), mask))
            return false;
    return is_calm(s) && sim_leader(s)->id != node;
}

bool stuck_all_whole(const struct sim *s)
{
    for (uint32_t i = 0; i < s->count; i++)
        if (s->nodes[i].blank || !lost_whole(s, i))
            return false;
    return true;
}

void stuck_begin(struct sim *s)
{
    uint32_t at = (uint32_t)rng_below(&s->rng_fault, s->count);

    for (uint32_t i = 0; i < s->count && decide(s, written_mask(s)); i++) {
        uint32_t node = (at + i) % s->count;
        if (!(written_mask(s) >> node & 1))
            continue;
        process_crash(s, node, true, 10 * SIM_MS);
        lost_empty(s, node);
    }
    if (decide(s, written_mask(s)))
        sim_fail(s, "a majority is left of those that lost their disks");
}

static int64_t settled_us(const struct sim *s)
{
    return 2 * SIM_S + 3 * s->config.election_ms * SIM_MS;
}

void stuck_poll(struct sim *s)
{
    int64_t passed = s->now_us - s->phase_us;
    struct stuck *k = &s->stuck;

    if (passed < settled_us(s)) {
        *k = (struct stuck){s->ghost.elections, s->ghost.commit, s->grants};
        return;
    }
    if (s->ghost.elections != k->elections || sim_leader(s))
        sim_fail(s, "X26 majority: of those left, somebody is elected, or "
                    "leads on");
    if (s->ghost.commit != k->commit)
        sim_fail(s, "X26 majority: entry %llu is committed by those left",
                 (unsigned long long)s->ghost.commit);
    if (s->grants != k->grants)
        sim_fail(s, "X26 majority: a life is granted by those left");
    if (passed <
        settled_us(s) + 20 * s->config.election_ms * SIM_MS + 5 * SIM_S)
        return;
    s->stats.faults[FAULT_MAJORITY]++;
    s->done = true;
}
