/*
 * Who the members are, as the ghost has it: from the entries that reach the
 * disks, without the core.
 *
 * Every entry that says who they are is kept, decoded. What counts for a node
 * is the newest one in its log; if none is there, the newest committed one
 * before its log; else the founders. Majorities are counted here anew.
 *
 * X4: at most one change at a time, by a leader whose own term has committed;
 * those who decide before and after it meet; and the core has the same in mind.
 * X17: the lives of an id rise, and no life has two directories.
 */
#include "sim.h"

static uint32_t sites(const struct raft_members *m, uint32_t positions)
{
    uint32_t mask = 0;

    for (uint32_t i = 0; i < m->count; i++)
        mask |= (positions >> i & 1) << m->ids[i];
    return mask;
}

static bool most(uint32_t of, uint32_t mask)
{
    return 2 * __builtin_popcount(of & mask) > __builtin_popcount(of);
}

bool ghost_members_decide(const struct raft_members *m, uint32_t mask)
{
    return most(sites(m, m->voters), mask) &&
           (m->outgoing == 0 || most(sites(m, m->outgoing), mask));
}

uint32_t ghost_members_mask(const struct raft_members *m)
{
    return sites(m, UINT32_MAX);
}

uint32_t ghost_members_life(const struct raft_members *m, uint32_t node)
{
    for (uint32_t i = 0; i < m->count; i++)
        if (m->ids[i] == node)
            return m->life[i];
    return 0;
}

/* Is it what this node's log, and what was before it, say? */
static bool holds(const struct sim *s, uint32_t node,
                  const struct ghost_members *m)
{
    const struct ghost_log *l = &s->ghost.nodes[node].live;

    if (m->index >= l->first)
        return m->index <= l->last && l->at[m->index] == m->entry;
    return s->ghost.committed[m->index] == m->entry;
}

/* The newest one below an entry. */
static const struct ghost_members *newest(const struct sim *s, uint32_t node,
                                          raft_index below)
{
    const struct ghost *g = &s->ghost;
    const struct ghost_members *found = &g->members[0];

    for (size_t i = 1; i < g->members_count; i++) {
        const struct ghost_members *m = &g->members[i];
        if (m->index < below && m->index > found->index && holds(s, node, m))
            found = m;
    }
    return found;
}

const struct raft_members *ghost_members_of(const struct sim *s, uint32_t node,
                                            raft_index *at)
{
    const struct ghost_members *m = newest(s, node, RAFT_NUMBER_MAX);

    *at = m->index;
    return &m->members;
}

uint16_t ghost_level_of(const struct sim *s, uint32_t node, raft_index *at)
{
    const struct ghost_members *m = newest(s, node, RAFT_NUMBER_MAX);

    *at = m->index;
    return m->configuration.level;
}

uint32_t ghost_members_settled(const struct sim *s, uint32_t node)
{
    const struct ghost_members *m = newest(s, node, RAFT_NUMBER_MAX);
    uint32_t mask = ghost_members_mask(&m->members);

    if (m->index > 0)
        mask &= ghost_members_mask(&newest(s, node, m->index)->members);
    return mask;
}

/* --- what a leader makes of them ----------------------------------------- */

/* X4 R1 */
static void may_change(struct sim *s, uint32_t node,
                       const struct ghost_members *before, raft_index i)
{
    const struct ghost_node *n = &s->ghost.nodes[node];
    const struct raft *r = &s->nodes[node].node->raft;

    if (before->index > n->commit)
        sim_fail(s,
                 "X4 members: node %u changes them by entry %llu, and entry "
                 "%llu is not committed",
                 node, (unsigned long long)i,
                 (unsigned long long)before->index);
    if (n->commit >= n->live.first && n->commit > 0 &&
        s->ghost.committed[n->commit]->term != r->term)
        sim_fail(s,
                 "X4 members: node %u changes them by entry %llu before it "
                 "has committed one of term %llu",
                 node, (unsigned long long)i, (unsigned long long)r->term);
}

/* X4 R2, R3: whoever decides before and whoever decides after meet. */
static void must_meet(struct sim *s, const struct raft_members *a,
                      const struct raft_members *b, raft_index i)
{
    uint32_t all = (1u << s->count) - 1;

    for (uint32_t mask = 0; mask <= all; mask++)
        if (ghost_members_decide(a, mask) &&
            ghost_members_decide(b, all & ~mask))
            sim_fail(s,
                     "X4 members: after entry %llu nodes %x may decide "
                     "without those of %x that could before",
                     (unsigned long long)i, all & ~mask, mask);
}

/* X17 */
static void check_lives(struct sim *s, const struct configuration *c,
                        const struct ghost_members *before, raft_index i)
{
    for (uint32_t k = 0; k < c->count; k++) {
        const struct member *m = &c->members[k];
        const struct member *old =
            configuration_find(&before->configuration, m->id);
        if (!old)
            continue;
        if (m->life < old->life)
            sim_fail(s, "X17 life: by entry %llu node %u is back in life %u",
                     (unsigned long long)i, m->id, m->life);
        if (m->life == old->life && !directory_id_is_none(old->directory) &&
            !directory_id_eq(m->directory, old->directory))
            sim_fail(s,
                     "X17 life: by entry %llu life %u of node %u has a second "
                     "directory",
                     (unsigned long long)i, m->life, m->id);
    }
}

void ghost_members_made(struct sim *s, uint32_t node, raft_index i,
                        const struct ghost_entry *e)
{
    struct ghost *g = &s->ghost;
    size_t before = (size_t)(newest(s, node, i) - g->members);

    if (g->members_count == g->members_cap) {
        g->members_cap *= 2;
        g->members =
            mem_realloc(g->members, g->members_cap * sizeof(g->members[0]));
    }
    struct ghost_members *m = &g->members[g->members_count++];
    memset(m, 0, sizeof(*m));
    m->index = i;
    m->entry = e;
    s->stats.steps++;
    if (configuration_decode(buf_view(&e->payload), &m->configuration) != 0)
        sim_fail(s, "X4 members: entry %llu is no configuration",
                 (unsigned long long)i);
    configuration_members(&m->configuration, &m->members);
    may_change(s, node, &g->members[before], i);
    must_meet(s, &g->members[before].members, &m->members, i);
    check_lives(s, &m->configuration, &g->members[before], i);
    level_made(s, node, &g->members[before].configuration, &m->configuration,
               i);
}

/* X4 R4: the core has in mind what the log says. Before any entry does, one
 * that was let in goes by its grant. */
void ghost_members_turn(struct sim *s, uint32_t node)
{
    const struct raft *r = &s->nodes[node].node->raft;
    raft_index at = 0;
    const struct raft_members *m = ghost_members_of(s, node, &at);

    if (r->members_at[RAFT_NEWEST] == 0 && at == 0)
        return;
    if (r->members_at[RAFT_NEWEST] != at ||
        memcmp(&r->members[RAFT_NEWEST], m, sizeof(*m)) != 0)
        sim_fail(s,
                 "X4 members: node %u goes by those of entry %llu, its log "
                 "says entry %llu",
                 node, (unsigned long long)r->members_at[RAFT_NEWEST],
                 (unsigned long long)at);
}

void ghost_members_init(struct sim *s)
{
    struct ghost *g = &s->ghost;
    node_id ids[SIM_NODES_MAX];

    for (uint32_t i = 0; i < s->config.nodes; i++)
        ids[i] = i;
    g->members_cap = 16;
    g->members = mem_zalloc(g->members_cap * sizeof(g->members[0]));
    g->members_count = 1;
    configuration_of(&g->members[0].configuration, ids, s->config.nodes);
    configuration_members(&g->members[0].configuration, &g->members[0].members);
}

void ghost_members_release(struct sim *s)
{
    mem_free(s->ghost.members);
}
