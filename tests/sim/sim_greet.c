/*
 * What two processes that meet think of each other, as src/peer does it
 * (peer_greet.c): they compare starts, lives and receipts.
 *
 * A process remembers the starts that it has been linked to, as long as it
 * runs; the rest it asks its node for (node_known). What is known of another
 * decides in this order: its life is over; its start is not above one that is
 * known; it lacks what it has acknowledged.
 */
#include "sim.h"

static bool is_newer(uint64_t incarnation, uint64_t nonce,
                     const struct sim_seen *than)
{
    return incarnation > than->incarnation ||
           (incarnation == than->incarnation && nonce != 0 && than->nonce == 0);
}

/* What `by` finds wrong with `n`; COPY_FINDINGS: nothing. */
enum copy_finding greet_judge(const struct sim_node *by,
                              const struct sim_node *n)
{
    struct sim_seen known = by->seen[n->id];
    struct member_facts facts;

    node_known(by->node, n->id, &facts);
    if (RAFT_LIFE(n->incarnation) < facts.life)
        return COPY_REPLACED;
    if (is_newer(facts.incarnation, facts.nonce, &known))
        known = (struct sim_seen){facts.incarnation, facts.nonce};
    if (n->incarnation < known.incarnation ||
        (n->incarnation == known.incarnation && known.nonce != 0 &&
         n->nonce != known.nonce))
        return COPY_START;
    if (facts.receipt.term > 0 && !node_remembers(n->node, &facts.receipt))
        return COPY_RECEIPT;
    return COPY_FINDINGS;
}

/* False: it is not, and has ended for it. */
static bool is_welcome(struct sim *s, uint32_t node, uint32_t by)
{
    enum copy_finding found = greet_judge(&s->nodes[by], &s->nodes[node]);

    if (found != COPY_FINDINGS) {
        copy_found(s, node, found);
        return false;
    }
    copy_met(s, node, by);
    return true;
}

bool greet_meet(struct sim *s, uint32_t a, uint32_t b)
{
    if (s->nodes[a].node->dead || s->nodes[b].node->dead ||
        !level_meet(s, a, b))
        return false;
    if (s->config.on[FAULT_CHURN])
        return churn_meet(s, a, b);
    return is_welcome(s, a, b) && is_welcome(s, b, a);
}

void greet_linked(struct sim *s, uint32_t a, uint32_t b)
{
    s->nodes[a].seen[b] =
        (struct sim_seen){s->nodes[b].incarnation, s->nodes[b].nonce};
    s->nodes[b].seen[a] =
        (struct sim_seen){s->nodes[a].incarnation, s->nodes[a].nonce};
}
