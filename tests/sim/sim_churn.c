/*
 * Members that come and go while everything else goes wrong.
 *
 * Operators ask the leader for what they like: to add, remove, promote, demote,
 * replace, move any node, and who had better lead; the leader itself is
 * removed, too. The node's driver goes there by itself, also under the next
 * leader. Operators look after the processes: a node that is to be a member is
 * started on an empty directory, and asks to be let in; one whose process has
 * ended since it is none keeps its directory, until it is added again.
 *
 * Two processes that meet greet each other, as src/peer does: one that is no
 * member by a configuration that is committed learns it and ends; so does one
 * whose id was given to another directory. Others, that were removed and have
 * not heard of it, go on as they were.
 *
 * X19: when the faults have stopped, the members become those that were asked
 * for, and who leads is a voter than which none has a greater priority.
 */
#include "sim.h"

#include <stdio.h>

#define TEND_US     (200 * SIM_MS)
#define STRANGER_US (3 * SIM_S) /* at the end somebody stops it */

void churn_init(struct sim *s)
{
    if (!s->config.on[FAULT_CHURN])
        return;
    for (uint32_t i = s->config.nodes; i < s->count; i++)
        s->nodes[i].absent = true;
    sim_push(s, TEND_US, EV_TEND, 0, 0);
}

/* --- what is asked for --------------------------------------------------- */

bool churn_strike(struct sim *s, enum sim_fault kind)
{
    struct sim_node *n = sim_leader(s);

    if (n && s->phase == PHASE_SAFETY)
        process_push(s, n->id,
                     (struct inbox_item){.kind = IN_CHANGE, .epoch = kind});
    return false; /* counted when it is answered */
}

static enum node_change_kind draw_kind(uint64_t *rng)
{
    static const enum node_change_kind kinds[] = {
        NODE_ADD,     NODE_ADD,    NODE_ADD,      NODE_ADD,
        NODE_REMOVE,  NODE_REMOVE, NODE_PROMOTE,  NODE_DEMOTE,
        NODE_REPLACE, NODE_MOVE,   NODE_PRIORITY, NODE_PRIORITY};

    return kinds[rng_below(rng, ARRAY_LEN(kinds))];
}

struct change_texts {
    char peer[32];
    char client[32];
};

static struct node_change draw_change(struct sim *s, struct change_texts *t)
{
    uint64_t *rng = &s->rng_fault;
    enum node_change_kind kind = draw_kind(rng);
    node_id id = (node_id)rng_below(rng, s->count);
    uint32_t where = (uint32_t)rng_below(rng, 3);
    uint8_t priority = (uint8_t)(100 * rng_below(rng, 3));

    snprintf(t->peer, sizeof(t->peer), "10.%u.0.%u:7000", where, id);
    snprintf(t->client, sizeof(t->client), "10.%u.0.%u:6379", where, id);
    return (struct node_change){.kind = kind,
                                .id = id,
                                .learner = sim_chance(rng, 25),
                                /* That may cost the majority. */
                                .force = sim_chance(rng, 10) &&
                                         !s->config.on[FAULT_WIPE],
                                .priority = priority,
                                .peer_address = t->peer,
                                .client_address = t->client};
}

static void submit(struct sim *s, struct sim_node *n,
                   const struct node_change_request *r, enum sim_fault kind)
{
    struct node_submit what = {.argv = r->argv, .argc = ARRAY_LEN(r->argv)};
    struct sim_conn *c = mem_zalloc(sizeof(*c));

    c->sim = s;
    c->node = n->id;
    c->incarnation = n->incarnation;
    c->open = true;
    c->change = true;
    c->kind = kind;
    c->writer.protocol = 2;
    c->all = s->conns;
    s->conns = c;
    if (node_submit(n->node, &what, c) == 0)
        s->stats.changes++;
}

void churn_ask(struct sim *s, struct sim_node *n, enum sim_fault kind)
{
    struct change_texts texts;
    struct node_change ask = draw_change(s, &texts);
    struct node_change_request r;
    struct buf why = BUF_INIT;

    if (kind == FAULT_REMOVE_LEADER) {
        ask.kind = ask.kind == NODE_ADD ? NODE_DEMOTE : NODE_REMOVE;
        ask.id = n->id;
    }
    /* One of the others may be without its memory, and look as before. */
    if (s->config.on[FAULT_WIPE] && ask.kind != NODE_ADD && !stuck_all_whole(s))
        return;
    if (s->phase == PHASE_SAFETY &&
        node_change_members(n->node, &ask, &r, &why) == 0 &&
        ask.id < s->count) { /* the id of a new one */
        sim_trace(s, "node %u: is asked for change %d of node %u", n->id,
                  (int)ask.kind, ask.id);
        submit(s, n, &r, kind);
    }
    buf_release(&why);
}

void churn_answered(struct sim *s, struct sim_conn *c,
                    enum node_outcome outcome)
{
    bool done = outcome == NODE_EXECUTED && c->out.data[0] != '-';

    sim_trace(s, "node %u: the change is %s", c->node,
              done ? "wanted" : "not known, or refused");
    s->stats.changes_done += done;
    s->stats.faults[c->kind] += done;
}

/* --- who meets ------------------------------------------------------------ */

static void ends(struct sim *s, uint32_t node, const char *why)
{
    sim_trace(s, "node %u: is told that %s, and ends", node, why);
    s->nodes[node].removed = true;
    s->stats.removed++;
    process_end(s, node);
}

/* What `a` says of `b` (peer_greet.c). */
static bool welcomes(struct sim *s, uint32_t a, uint32_t b)
{
    const struct sim_node *them = &s->nodes[b];
    struct directory_id own = {1, them->directory};
    struct member_facts facts;
    raft_index at = 0;

    node_known(s->nodes[a].node, b, &facts);
    (void)node_configuration(them->node, &at);
    if (!facts.is_member && at <= facts.granted_at) {
        if (facts.granted_at > 0 && facts.committed)
            ends(s, b, "it is no member");
        return false;
    }
    uint64_t life = RAFT_LIFE(them->incarnation);
    bool other = life != facts.life
                     ? life < facts.life
                     : !directory_id_is_none(facts.directory) &&
                           !directory_id_eq(facts.directory, own);
    if (other)
        ends(s, b, "its id has another directory");
    return !other;
}

bool churn_meet(struct sim *s, uint32_t a, uint32_t b)
{
    return welcomes(s, a, b) && welcomes(s, b, a);
}

/* --- processes ------------------------------------------------------------ */

/* Of a life before the one that the members have. */
static bool is_old(const struct sim_node *n, const struct member *m)
{
    return m && !n->blank && n->incarnation > 0 &&
           RAFT_LIFE(n->incarnation) < m->life;
}

static void begin(struct sim *s, struct sim_node *n)
{
    n->absent = false;
    n->removed = false;
    lost_empty(s, n->id);
    sim_push(s, s->now_us + sim_magnitude(&s->rng_fault, SIM_MS, SIM_S),
             EV_START, n->id, ++n->start_gen);
}

static void tend(struct sim *s, struct sim_node *n, const struct member *m)
{
    bool late =
        s->phase == PHASE_DRAIN && s->now_us - s->phase_us > STRANGER_US;

    if (is_old(n, m) || (!m && late && n->node))
        ends(s, n->id, "it is not needed");
    if (n->absent && m && !(m->roles & MEMBER_LEAVING))
        begin(s, n);
}

void churn_tend(struct sim *s)
{
    const struct sim_node *leader = sim_leader(s);

    sim_push(s, s->now_us + TEND_US, EV_TEND, 0, 0);
    if (!leader || leader->node->dead)
        return;
    const struct configuration c = leader->node->membership.newest;
    if (leader->node->membership.newest_at > leader->node->raft.commit)
        return;
    for (uint32_t i = 0; i < s->count; i++)
        tend(s, &s->nodes[i], configuration_find(&c, i));
}

/* --- X19 ------------------------------------------------------------------ */

static bool is_wanted(const struct configuration *is,
                      const struct configuration *want)
{
    bool same = is->count == want->count;

    for (uint32_t i = 0; i < is->count && same; i++)
        same = is->members[i].id == want->members[i].id &&
               is->members[i].roles == want->members[i].roles &&
               is->members[i].priority == want->members[i].priority;
    return same;
}

const char *churn_wait(struct sim *s, const struct sim_node *leader)
{
    struct node_change_status st;
    struct node *n = leader->node;

    if (n->raft.rank > 0)
        return "X19 members: another voter has a greater priority";
    if (!s->config.on[FAULT_CHURN])
        return NULL;
    node_change_status(n, &st);
    s->members = ghost_members_mask(&n->raft.members[RAFT_NEWEST]);
    snprintf(s->why, sizeof(s->why), "X19 members: next: %s; waits: %s",
             st.next, st.waits);
    if (st.next[0] != '\0' || st.waits[0] != '\0')
        return s->why;
    if (!raft_can_change(&n->raft))
        return "X19 members: a change is not committed";
    if (st.desired && !is_wanted(&n->membership.newest, st.desired))
        return "X19 members: they are not those that were asked for";
    for (uint32_t i = 0; i < s->count; i++)
        if (!(s->members >> i & 1) && s->nodes[i].node)
            return "X19 members: one that was removed goes on";
    return NULL;
}
