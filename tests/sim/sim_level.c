/*
 * Members of two versions: each runs a program that knows the level in force
 * (base/level.h), or also the next one. Operators start one or the other, in
 * the safety phase both ways; in the end all have the newer one, and the level
 * is raised. Members come and go, crash and lose their disks meanwhile.
 *
 * A program that does not know the level does not start on a log that has it,
 * gets no link to a member whose log has it, is not let in, and ends when it
 * meets the entry. Operators start the newer one then.
 *
 * X25: the level is raised when each member is linked to the leader by a
 * program that knows it, and never lowered; after the entry that raises it
 * nothing is executed by a program that does not know it, and no such member
 * is linked to or let in by one that has the entry. What a request does that
 * has a word of the next level is said by the fold, by the level at its entry.
 */
#include "sim.h"

#include "base/level.h"

#include <stdio.h>

static bool is_on(const struct sim *s)
{
    return s->config.on[FAULT_LEVEL];
}

void level_init(struct sim *s)
{
    for (uint32_t i = 0; i < s->count && is_on(s); i++)
        s->nodes[i].level_max =
            sim_chance(&s->rng_fault, 40) ? LEVEL_NEXT : LEVEL_KNOWN;
}

/* It ends, or did not start; from now on it has the newer program. */
static void upgrade(struct sim *s, uint32_t node, uint64_t *count,
                    const char *why)
{
    sim_trace(s, "node %u: needs the newer program: %s", node, why);
    (*count)++;
    s->nodes[node].level_max = LEVEL_NEXT;
    process_crash_soon(s, node, 10 * SIM_MS, 2 * SIM_S);
}

bool level_strike(struct sim *s, uint32_t node)
{
    struct sim_node *n = &s->nodes[node];
    bool newer = n->level_max < LEVEL_NEXT;

    if (s->phase != PHASE_SAFETY || sim_chance(&s->rng_fault, newer ? 30 : 70))
        return false;
    sim_trace(s, "node %u: gets the %s program", node,
              newer ? "newer" : "older");
    n->level_max = newer ? LEVEL_NEXT : LEVEL_KNOWN;
    if (n->node)
        process_crash_soon(s, node, 10 * SIM_MS, 2 * SIM_S);
    return true;
}

void level_older(struct sim *s, uint32_t node)
{
    struct sim_node *n = &s->nodes[node];

    if (s->phase != PHASE_SAFETY || !n->node)
        return;
    sim_trace(s, "node %u: gets the older program", node);
    n->level_max = LEVEL_KNOWN;
    process_crash_soon(s, node, 10 * SIM_MS, 2 * SIM_S);
}

void level_drain(struct sim *s)
{
    for (uint32_t i = 0; i < s->count && is_on(s); i++) {
        bool older = s->nodes[i].level_max < LEVEL_NEXT;
        s->nodes[i].level_max = LEVEL_NEXT;
        if (older && s->nodes[i].node)
            process_crash(s, i, false, 10 * SIM_MS);
    }
}

/* --- who does not know it ------------------------------------------------- */

void level_refused(struct sim *s, uint32_t node, const char *text)
{
    struct sim_node *n = &s->nodes[node];
    raft_index at = 0;

    if (!is_on(s) || ghost_level_of(s, node, &at) <= n->level_max)
        sim_fail(s, "X2 recovery: node %u cannot start: %s", node, text);
    disk_crash(n->disk, false);
    upgrade(s, node, &s->stats.levels.not_started, "its log has the level");
}

bool level_ended(struct sim *s, struct sim_node *n)
{
    if (!is_on(s) || n->node->membership.applied.level <= n->level_max)
        return false;
    upgrade(s, n->id, &s->stats.levels.ended, "it has met the entry");
    return true;
}

/* What `by` says of `node`. */
static bool is_welcome(struct sim *s, uint32_t node, uint32_t by)
{
    struct member_facts facts;
    raft_index at = 0;

    node_known(s->nodes[by].node, node, &facts);
    if (facts.level > s->nodes[node].level_max) {
        upgrade(s, node, &s->stats.levels.not_linked, "a member says so");
        return false;
    }
    if (ghost_level_of(s, by, &at) > s->nodes[node].level_max)
        sim_fail(s,
                 "X25 level: node %u, which does not know it, is welcome at "
                 "node %u, which has entry %llu",
                 node, by, (unsigned long long)at);
    return true;
}

bool level_meet(struct sim *s, uint32_t a, uint32_t b)
{
    return !is_on(s) || (is_welcome(s, a, b) && is_welcome(s, b, a));
}

void level_asked(struct sim *s, uint32_t node, const char *why)
{
    struct sim_node *n = &s->nodes[node];

    if (!is_on(s) || n->level_max >= LEVEL_NEXT || !strstr(why, "level"))
        return;
    sim_trace(s, "node %u: needs the newer program: %s", node, why);
    s->stats.levels.not_let_in++;
    n->level_max = LEVEL_NEXT;
}

void level_granted(struct sim *s, const struct configuration *c, uint32_t node)
{
    if (is_on(s) && c->level > s->nodes[node].level_max)
        sim_fail(s, "X25 level: node %u, which does not know it, is let in",
                 node);
}

/* --- when it is raised ---------------------------------------------------- */

void level_made(struct sim *s, uint32_t node,
                const struct configuration *before,
                const struct configuration *c, raft_index i)
{
    if (c->level < before->level)
        sim_fail(s, "X25 level: entry %llu lowers it", (unsigned long long)i);
    if (c->level == before->level)
        return;
    s->stats.levels.raised++;
    sim_trace(s, "node %u: raises the level by entry %llu", node,
              (unsigned long long)i);
    if (!is_on(s) || c->level > s->nodes[node].level_max)
        sim_fail(s, "X25 level: node %u raises what it does not know", node);
    /* That is the moment to go back to a program that does not know it. */
    int64_t soon_us = sim_magnitude(&s->rng_fault, 1, 20 * SIM_MS);
    uint32_t who = (uint32_t)rng_below(&s->rng_fault, s->count);
    sim_push(s, s->now_us + soon_us, EV_OLDER, who, 0);
    for (uint32_t k = 0; k < c->count; k++) {
        uint32_t side;
        if (c->members[k].id == node)
            continue;
        const struct sim_pair *p = net_pair(s, node, c->members[k].id, &side);
        if (!p->sides[side].up || p->sides[side].peer_level < c->level)
            sim_fail(s,
                     "X25 level: entry %llu raises it, and node %u is not "
                     "linked, or does not know it",
                     (unsigned long long)i, c->members[k].id);
    }
}

void level_applied(struct sim *s, uint32_t node, raft_index i)
{
    const struct ghost *g = &s->ghost;
    const struct sim_node *n = &s->nodes[node];

    for (size_t k = 0; k < g->members_count && is_on(s); k++) {
        const struct ghost_members *m = &g->members[k];
        if (m->index > 0 && m->index < i &&
            g->committed[m->index] == m->entry &&
            m->configuration.level > n->level_max)
            sim_fail(s,
                     "X25 level: node %u executes entry %llu, after entry "
                     "%llu, and does not know its level",
                     node, (unsigned long long)i, (unsigned long long)m->index);
    }
}

const char *level_wait(const struct sim *s, const struct sim_node *leader)
{
    if (is_on(s) && leader->node->membership.newest.level < LEVEL_NEXT)
        return "X25 level: it is not raised, and all know it";
    return NULL;
}

void level_print(const struct sim_stats *t)
{
    printf("level: raised %llu; the older program did not start %llu, got no "
           "link %llu, was not let in %llu, ended %llu; requests with a word "
           "of the next one %llu\n",
           (unsigned long long)t->levels.raised,
           (unsigned long long)t->levels.not_started,
           (unsigned long long)t->levels.not_linked,
           (unsigned long long)t->levels.not_let_in,
           (unsigned long long)t->levels.ended,
           (unsigned long long)t->levels.words);
}
