/*
 * The level: what commands, entries and rows may be used (base/level.h).
 *
 * Whatever this program knows, a request is executed by the level in force at
 * its entry, which is a row of the state (data/level.h). A command of a higher
 * level is not there then, as it is not in a program that does not know it.
 *
 * Each member says in its greeting what its program can execute. When all of
 * them, learners too, are linked to the leader and can execute a higher level
 * than that in force, the leader raises it, by the entry that says who the
 * members are. It waits a little, since there is no way back to a program that
 * does not know the level; or, with level-auto no, until it is asked to.
 *
 * How it fails: a member of which it is not known what it can execute keeps the
 * level as it is, and node_levels() says which. One that comes back with a
 * program that does not know the level in force ends itself (node_members.c).
 */
#include "data/level.h"
#include "node/node_internal.h"

#define LEVEL_CALM_MS 5000

const struct cmd *node_level_command(struct node *n, struct bytes name)
{
    uint16_t level = level_get(n->ks);
    const struct cmd *c = cmd_lookup_again(n->applying.last_cmd, name, level);

    ASSERT(level <= node_level_max(n));
    n->applying.last_cmd = c;
    return c;
}

uint16_t node_level(const struct node *n)
{
    ASSERT(n->dead || level_get(n->ks) == n->membership.applied.level);
    return level_get(n->ks);
}

void node_set_level_auto(struct node *n, bool on)
{
    n->options.level_held = !on;
}

void node_peer_levels(struct node *n, node_id peer, uint16_t level_min,
                      uint16_t level_max)
{
    struct levels *l = &n->levels;
    uint32_t i = 0;

    ASSERT(level_min > 0 && level_min <= level_max);
    ASSERT(peer != n->options.self);
    while (i < l->said_count && l->said[i].id != peer)
        i++;
    for (uint32_t j = 0; j < RAFT_NODES_MAX && i == RAFT_NODES_MAX; j++)
        if (!configuration_find(&n->membership.newest, l->said[j].id))
            i = j; /* it is gone */
    if (i == RAFT_NODES_MAX)
        return; /* a stranger, who is not asked */
    l->said[i] = (struct node_level_range){peer, level_min, level_max};
    l->said_count = MAX(l->said_count, i + 1);
}

/* --- who can execute what ------------------------------------------------ */

static bool is_linked(const struct node *n, node_id id)
{
    ASSERT(id != n->options.self);
    for (uint32_t i = 0; i < n->peer_count; i++)
        if (n->peers[i].id == id)
            return n->peers[i].up;
    return false;
}

static struct node_level_range range_of(const struct node *n, node_id id)
{
    struct node_level_range r = {.id = id};

    if (id == n->options.self) {
        r.min = LEVEL_MIN;
        r.max = node_level_max(n);
    }
    for (uint32_t i = 0; i < n->levels.said_count; i++)
        if (n->levels.said[i].id == id && is_linked(n, id))
            r = n->levels.said[i];
    ASSERT(r.min <= r.max && (r.min > 0) == (r.max > 0));
    return r;
}

/* A member that is not known to be able to execute a level; NODE_NONE: there is
 * none. */
static node_id hindrance(const struct node *n, uint16_t level)
{
    const struct configuration *c = &n->membership.newest;

    ASSERT(level > LEVEL_MIN && c->count > 0);
    for (uint32_t i = 0; i < c->count; i++) {
        struct node_level_range r = range_of(n, c->members[i].id);
        if (level < r.min || level > r.max)
            return r.id;
    }
    return NODE_NONE;
}

/* The highest level that all members can execute, above the newest one; 0:
 * there is none. */
static uint16_t possible(const struct node *n)
{
    uint16_t level = node_level_max(n);

    for (; level > n->membership.newest.level; level--)
        if (hindrance(n, level) == NODE_NONE)
            return level;
    ASSERT(level >= LEVEL_MIN);
    return 0;
}

/* --- raising ------------------------------------------------------------- */

static void put_raise(struct node *n, uint16_t level, struct raft_members *next)
{
    struct configuration c = n->membership.newest;

    ASSERT(level > c.level && hindrance(n, level) == NODE_NONE);
    ASSERT(n->raft.role == RAFT_LEADER);
    c.level = level;
    for (uint32_t i = 0; i < c.count; i++) {
        struct node_level_range r = range_of(n, c.members[i].id);
        c.members[i].level_min = r.min;
        c.members[i].level_max = r.max;
    }
    node_members_put_next(n, &c, next);
}

bool node_level_due(struct node *n, struct raft_members *next)
{
    bool leads = n->raft.role == RAFT_LEADER && !n->options.level_held;
    uint16_t level = leads ? possible(n) : 0;
    int64_t *since_ms = &n->levels.able_since_ms;

    ASSERT(*since_ms <= n->mono_ms);
    if (level == 0)
        *since_ms = 0;
    else if (*since_ms == 0)
        *since_ms = n->mono_ms;
    if (level == 0 || n->mono_ms - *since_ms < LEVEL_CALM_MS ||
        !node_members_can_change(n))
        return false;
    put_raise(n, level, next);
    return true;
}

static void put_hindrance(const struct node *n, node_id id, uint16_t level,
                          struct buf *out)
{
    struct node_level_range r = range_of(n, id);

    ASSERT(level < r.min || level > r.max);
    if (r.max == 0)
        buf_printf(out,
                   "node %u is not linked: what its program knows is not known",
                   id);
    else
        buf_printf(out,
                   "the program of node %u knows the levels %u to %u: start "
                   "another version of vard there",
                   id, r.min, r.max);
}

int node_level_ask(struct node *n, uint16_t level, struct raft_members *next,
                   struct buf *why)
{
    uint16_t now = n->membership.newest.level;
    uint16_t max = node_level_max(n);

    ASSERT(why->len == 0);
    if (level <= now || level > max) {
        buf_printf(why,
                   level <= now ? "the level is %u already, and is never "
                                  "lowered"
                                : "this program, vard " VARD_VERSION
                                  ", knows the levels 1 to %u",
                   level <= now ? now : max);
        return ERR_INVALID;
    }
    node_id by = hindrance(n, level);
    if (by != NODE_NONE) {
        put_hindrance(n, by, level, why);
        return ERR_MISMATCH;
    }
    if (!node_members_can_change(n)) {
        buf_str(why, "this node does not lead, or the last change of the "
                     "members is not committed yet: try again");
        return ERR_AGAIN;
    }
    put_raise(n, level, next);
    return 0;
}

/* --- for people ---------------------------------------------------------- */

/* `best`: the highest level that some program knows. */
static void put_waits(const struct node *n, uint16_t best, struct buf *waits)
{
    uint16_t newest = n->membership.newest.level;

    if (newest > level_get(n->ks)) {
        buf_printf(waits, "level %u is in the log, and not executed here yet",
                   newest);
        return;
    }
    if (best <= newest)
        return;
    node_id by = hindrance(n, best);
    if (by != NODE_NONE)
        put_hindrance(n, by, best, waits);
    else if (n->options.level_held)
        buf_printf(waits,
                   "all members know level %u, and this node has level-auto "
                   "no: RAFT LEVEL %u on the leader raises it",
                   best, best);
    else
        buf_printf(waits,
                   "all members know level %u: the leader raises it within "
                   "seconds, unless it has level-auto no",
                   best);
}

void node_levels(const struct node *n, struct node_levels *out,
                 struct buf *waits)
{
    const struct configuration *c = &n->membership.newest;
    uint16_t best = LEVEL_MIN;

    *out = (struct node_levels){
        .level = level_get(n->ks),
        .max = node_level_max(n),
        .held = n->options.level_held,
        .count = c->count,
    };
    for (uint32_t i = 0; i < c->count; i++) {
        out->members[i] = range_of(n, c->members[i].id);
        best = MAX(best, out->members[i].max);
    }
    ASSERT(out->count > 0 && out->count <= RAFT_NODES_MAX);
    put_waits(n, best, waits);
}
