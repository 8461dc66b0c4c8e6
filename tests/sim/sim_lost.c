/*
 * Disks that lose what their node has promised, and its refill by the others
 * (src/raft/raft_recover.c).
 *
 * A power cut finds less than was synced: nothing at all; or a log that ends
 * earlier, with an earlier term or without its vote; or all of it, but no
 * watermark that proves it. The next start knows that something was lost, as
 * vard does; or nobody knows, since the directory is empty (wipe). Never is
 * more than a minority in this state at a time. Entries that somebody may have
 * cut, because this node said that it has them, are not lost: only a snapshot
 * would bring them back. So half of the seeds that have this fault never cut a
 * log. An empty directory is refilled with one: it may be of any seed.
 *
 * In either case it asks the others for a life until one grants it, and starts
 * with that, as recovering; or it begins one above all that it hears of, and
 * the leader has to put it in the log.
 *
 * The ghost keeps what was lost: it may still count for those who were told
 * of it. X13: until the record that ends a refill is on disk, the node speaks
 * for nobody, and its disk does not count for commits; and the end has a
 * reason: a committed entry on its disk that was made after this start, and a
 * vote in its term.
 */
#include "sim.h"

#include "node/node_boot.h"

enum loss { LOSS_ALL, LOSS_TAIL, LOSS_MARK, LOSS_COUNT };

/* --- what may go ---------------------------------------------------------- */

bool lost_whole(const struct sim *s, uint32_t node)
{
    return !s->ghost.nodes[node].disk_lost;
}

bool lost_allowed(const struct sim *s, uint32_t node)
{
    uint32_t lost = 1;

    for (uint32_t i = 0; i < s->count; i++)
        lost += i != node && (!lost_whole(s, i) || s->nodes[i].copied);
    return lost <= (s->count - 1) / 2;
}

/* What is gone above this, somebody still has. */
static raft_index floor_of(const struct sim *s, uint32_t node)
{
    const struct ghost *g = &s->ghost;
    bool keeps = s->config.log_soft == LOG_UNBOUNDED;
    raft_index least = keeps ? 0 : MAX(g->told, g->nodes[node].acked);

    for (uint32_t i = 0; i < s->count; i++) {
        const struct ghost_node *n = &g->nodes[i];
        bool restarts = i != node && n->flushed > n->live.last;
        least = MAX(least, restarts ? n->flushed : n->live.first - 1);
        if (s->nodes[i].node && !keeps)
            least = MAX(least, s->nodes[i].node->compaction.held_by_all);
    }
    return least;
}

/* The log of this one must not restart behind its state: another member
 * needs what it would drop. */
static bool others_lost(const struct sim *s, uint32_t node)
{
    for (uint32_t i = 0; i < s->count; i++)
        if (i != node && !lost_whole(s, i))
            return true;
    return false;
}

bool lost_may_flush(const struct sim *s, uint32_t node)
{
    const struct ghost_node *n = &s->ghost.nodes[node];

    return !s->config.on[FAULT_LOST] || n->applied <= n->disk.last;
}

/* --- the ghost ------------------------------------------------------------ */

void lost_keep_promises(struct sim *s, uint32_t node)
{
    struct ghost *g = &s->ghost;
    struct ghost_node *n = &g->nodes[node];

    n->lost_life = n->disk_lost ? n->lost_life : s->nodes[node].life;
    for (raft_index i = n->disk.first; !n->disk_lost && i <= n->disk.last; i++)
        for (struct ghost_entry *e = g->entries[i]; e; e = e->next)
            if (e == n->disk.at[i])
                e->promised |= 1u << node;
    if (n->votes_cap > n->votes_lost_cap) {
        n->votes_lost =
            mem_realloc(n->votes_lost, n->votes_cap * sizeof(n->votes_lost[0]));
        for (size_t t = n->votes_lost_cap; t < n->votes_cap; t++)
            n->votes_lost[t] = NODE_NONE;
        n->votes_lost_cap = n->votes_cap;
    }
    for (size_t t = 0; t < n->votes_cap; t++)
        if (n->votes[t] != NODE_NONE) {
            n->votes_lost[t] = n->votes[t];
            n->votes[t] = NODE_NONE;
        }
}

static void ghost_forget(struct sim *s, uint32_t node, raft_index last)
{
    struct ghost_node *n = &s->ghost.nodes[node];

    n->had = MAX(n->had, n->disk.last);
    n->disk.last = n->live.last = last;
    n->disk_lost = n->live_lost = true;
}

/* --- the disk ------------------------------------------------------------- */

static void lose_all(struct sim *s, struct sim_disk *d)
{
    struct ghost_node *n = &s->ghost.nodes[d->node];

    store_close(d->inner);
    d->inner = store_memory_new();
    ghost_forget(s, d->node, 0);
    n->disk.first = n->live.first = 1;
    n->disk.prev_chain = n->live.prev_chain = 0;
    n->disk_term = n->live_term = 0;
    n->disk_vote = n->live_vote = NODE_NONE;
    n->applied = n->flushed = 0;
    if (rng_below(&s->rng_fault, 2) == 0)
        d->disk.has_mark = false;
}

/* The least term that a log to here may go with. */
static raft_term term_at(const struct sim *s, const struct ghost_log *l,
                         raft_index last)
{
    if (last == 0)
        return 0;
    return last < l->first ? s->ghost.committed[last]->term : l->at[last]->term;
}

/* By hand: journal_hard_state() rightly refuses to go back. */
static void rewrite(struct sim_disk *d, raft_index last,
                    const struct hard_state *hard)
{
    struct journal_options options = {.cache_bytes_max = 1000};
    struct store_batch b = STORE_BATCH_INIT;
    struct journal *log;
    struct buf text = BUF_INIT;

    int err = journal_open(&log, d->inner, &options, &text);
    ASSERT(err == 0);
    if (last < journal_last(log))
        journal_truncate(log, &b, last + 1);
    journal_close(log);
    buf_reset(&text);
    hard_state_encode(hard, &text);
    store_batch_put(&b, STORE_META, GHOST_HARD_KEY, buf_view(&text));
    err = store_write(d->inner, &b, STORE_LOGGED);
    ASSERT(err == 0);
    err = store_sync(d->inner);
    ASSERT(err == 0);
    store_batch_release(&b);
    buf_release(&text);
}

/* The log ends at an earlier entry, the term is one of since then. */
static void lose_tail(struct sim *s, struct sim_disk *d, raft_index least)
{
    struct ghost_node *n = &s->ghost.nodes[d->node];
    uint64_t *rng = &s->rng_fault;
    raft_index from = MIN(MAX(least, n->disk.first - 1), n->disk.last);
    raft_index last = from + rng_below(rng, n->disk.last - from + 1);
    raft_term low = term_at(s, &n->disk, last);
    raft_term term = low + rng_below(rng, n->disk_term - low + 1);
    bool keeps = rng_below(rng, 2) == 0 && term == n->disk_term;
    struct hard_state hard = {.term = term,
                              .vote = keeps ? n->disk_vote : NODE_NONE};

    rewrite(d, last, &hard);
    ghost_forget(s, d->node, last);
    n->disk_term = n->live_term = hard.term;
    n->disk_vote = n->live_vote = hard.vote;
}

/* --- directories that are emptied ---------------------------------------- */

/* The next life, of all that those who run have heard of. */
static uint32_t next_life(const struct sim *s, const struct sim_node *n)
{
    uint32_t life = n->life;
    struct member_facts facts;

    for (uint32_t i = 0; i < s->count; i++)
        if (s->nodes[i].node) {
            node_known(s->nodes[i].node, n->id, &facts);
            life = MAX(life, (uint32_t)RAFT_LIFE(facts.incarnation));
        }
    return life + 1;
}

/* As a new directory: it needs a life. */
static void becomes_blank(struct sim *s, uint32_t node)
{
    struct sim_node *n = &s->nodes[node];

    n->blank = true;
    n->directory++;
    n->granted = 0;
    n->joins = sim_chance(&s->rng_fault, 50) || n->unheard;
    n->joins = n->joins && !s->config.on[FAULT_CHURN];
    s->stats.disks_lost++;
    core_lost(s, node);
}

void lost_becomes_blank(struct sim *s, uint32_t node)
{
    ghost_forget(s, node, s->ghost.nodes[node].disk.last);
    becomes_blank(s, node);
}

bool lost_has_to_ask(struct sim *s, uint32_t node)
{
    struct sim_node *n = &s->nodes[node];

    if (n->blank && n->joins)
        n->granted = next_life(s, n);
    if (!n->blank || n->granted > 0)
        return false;
    for (uint32_t i = 0; i < s->count; i++)
        if (i != node && s->nodes[i].node)
            process_push(s, i,
                         (struct inbox_item){.kind = IN_ADMIT,
                                             .pair = node,
                                             .epoch = n->directory});
    return true;
}

/* It had a committed entry on its disk, which has lost it since. */
static bool was_promised(const struct sim *s, uint32_t node, raft_index at)
{
    return at > 0 && at <= s->ghost.commit &&
           (s->ghost.committed[at]->promised >> node & 1);
}

/* X17: the entry that grants a life was on a majority without the member that
 * gets it, and no life is granted to two directories. */
static void granted(struct sim *s, struct sim_node *by, struct sim_node *to,
                    const struct grant *grant)
{
    raft_index at = 0;
    uint32_t have = 0;
    const struct raft_members *members = ghost_members_of(s, by->id, &at);

    for (uint32_t i = 0; i < s->count; i++) {
        const struct ghost_log *l = &s->ghost.nodes[i].disk;
        bool has = at < l->first ||
                   (at <= l->last && l->at[at] == s->ghost.committed[at]);
        if (i != to->id && at <= s->ghost.commit &&
            ((has && lost_whole(s, i)) || was_promised(s, i, at)))
            have |= 1u << i;
    }
    if (!ghost_members_decide(members, have))
        sim_fail(s, "X17 life: entry %llu grants one on the disks of %x",
                 (unsigned long long)at, have);
    if (ghost_members_life(members, to->id) != grant->life)
        sim_fail(s, "X17 life: entry %llu does not say what is granted",
                 (unsigned long long)at);
    if (grant->life <= to->life)
        sim_fail(s, "X17 life: number %u of node %u is granted twice",
                 grant->life, to->id);
    level_granted(s, &grant->configuration, to->id);
    s->grants++;
    to->granted = grant->life;
    to->granted_members = grant->configuration;
    s->stats.faults[FAULT_WIPE] += to->wiped;
    sim_trace(s, "node %u: grants life %u to node %u", by->id, grant->life,
              to->id);
}

void lost_asked(struct sim *s, uint32_t node, const struct inbox_item *item)
{
    struct sim_node *by = &s->nodes[node];
    struct sim_node *to = &s->nodes[item->pair];
    struct admit ask = {.id = to->id,
                        .directory = {1, item->epoch},
                        .level_min = LEVEL_MIN,
                        .level_max = MAX(to->level_max, LEVEL_MAX)};
    struct grant grant;
    struct buf why = BUF_INIT;

    if (!to->blank || to->granted > 0 || to->directory != item->epoch)
        return;
    int err = node_admit(by->node, &ask, &grant, &why);
    buf_u8(&why, '\0');
    if (err == ERR_MISMATCH)
        level_asked(s, to->id, (const char *)why.data);
    if (err == 0)
        granted(s, by, to, &grant);
    else if (err != ERR_AGAIN && !s->config.on[FAULT_CHURN] &&
             !s->config.on[FAULT_LEVEL])
        sim_fail(s, "X17 life: node %u refuses node %u: %.*s", node, to->id,
                 (int)why.len, (const char *)why.data);
    else
        sim_trace(s, "node %u: not yet, says it to node %u: %.*s", node, to->id,
                  (int)why.len, (const char *)why.data);
    buf_release(&why);
}

void lost_empty(struct sim *s, uint32_t node)
{
    struct sim_disk *d = s->nodes[node].disk;

    ASSERT(!s->nodes[node].node);
    s->nodes[node].wiped = false;
    lost_keep_promises(s, node);
    lose_all(s, d);
    d->disk.has_mark = false;
    becomes_blank(s, node);
    sim_trace(s, "node %u: its directory is a new one", node);
}

/* The node is down, and its crash is done with. */
static void lose(struct sim *s, uint32_t node)
{
    struct sim_disk *d = s->nodes[node].disk;
    struct ghost_node *n = &s->ghost.nodes[node];
    enum loss how = (enum loss)rng_below(&s->rng_fault, LOSS_COUNT);
    raft_index least = floor_of(s, node);

    if (others_lost(s, node))
        least = MAX(least, n->flushed);
    lost_keep_promises(s, node);
    if (s->config.on[FAULT_WIPE] && !others_lost(s, node) &&
        sim_chance(&s->rng_fault, 50)) {
        lose_all(s, d);
        d->disk.has_mark = false;
        s->nodes[node].wiped = true;
        becomes_blank(s, node);
        sim_trace(s, "node %u: its directory is emptied", node);
        return;
    }
    s->nodes[node].wiped = false;
    if (how == LOSS_ALL && least == 0)
        lose_all(s, d);
    else if (how != LOSS_MARK)
        lose_tail(s, d, least);
    else
        ghost_forget(s, node, n->disk.last);
    becomes_blank(s, node);
    sim_trace(s, "node %u: its disk is left with term %llu, log to %llu", node,
              (unsigned long long)n->disk_term,
              (unsigned long long)n->disk.last);
}

void lost_strike(struct sim *s, uint32_t node)
{
    int64_t down_us = sim_magnitude(&s->rng_fault, 10 * SIM_MS, 10 * SIM_S);

    process_crash(s, node, true, down_us);
    lose(s, node);
}

void lost_wipe(struct sim *s, uint32_t node)
{
    if (!s->nodes[node].node || !lost_whole(s, node) || !stuck_spares(s, node))
        return;
    process_crash(s, node, true,
                  sim_magnitude(&s->rng_fault, 10 * SIM_MS, 10 * SIM_S));
    lost_empty(s, node);
    s->nodes[node].wiped = true;
}

/* --- X13 ------------------------------------------------------------------ */

void lost_started(struct sim *s, uint32_t node)
{
    struct ghost_node *n = &s->ghost.nodes[node];
    bool recovering = s->nodes[node].node->raft.recovering;

    n->made_before = s->ghost.made;
    if (recovering != n->disk_lost)
        sim_fail(s, "X13 corruption: node %u starts %s", node,
                 recovering ? "as recovering, but is whole"
                            : "as whole, but is not");
}

/* The node writes that it is whole. */
static void ends(struct sim *s, uint32_t node)
{
    const struct ghost *g = &s->ghost;
    const struct ghost_node *n = &g->nodes[node];
    const struct raft *r = &s->nodes[node].node->raft;
    /* A state that takes the place of the log is written before this record: if
     * the disk has this, it has that. */
    bool restarts = n->live.first > n->disk.last + 1;
    raft_index has = restarts ? n->live.first - 1 : n->disk.last;
    raft_index known = MIN(r->commit, has);

    if (!n->live_lost)
        sim_fail(s, "X13 corruption: node %u ends a refill, but is whole",
                 node);
    /* That of a state that it has fetched is not in its log. */
    const struct ghost_entry *e = restarts || known < n->disk.first
                                      ? g->committed[known]
                                      : n->disk.at[known];

    if (known == 0 || known > g->commit || e != g->committed[known] ||
        e->made <= n->made_before)
        sim_fail(s,
                 "X13 corruption: node %u ends its refill at %llu, without a "
                 "committed entry that is newer than its start",
                 node, (unsigned long long)known);
    const struct configuration *c = &s->nodes[node].node->membership.newest;
    s->nodes[node].unheard = false;
    if (configuration_find(c, node) &&
        configuration_find(c, node)->life <
            RAFT_LIFE(s->nodes[node].incarnation))
        sim_fail(s,
                 "X17 life: node %u ends its refill in a life that its log "
                 "does not know",
                 node);
    if (n->live_vote == NODE_NONE)
        sim_fail(s,
                 "X13 corruption: node %u ends its refill with its vote of "
                 "term %llu free",
                 node, (unsigned long long)n->live_term);
}

/* A record of the refill in a batch that the node writes, after the rest of
 * the batch was looked at. True: the refill ends with it. */
bool lost_written(struct sim *s, uint32_t node, const struct store_batch *b)
{
    struct store_batch_op op;
    size_t pos = 0;

    while (store_batch_next(b, &pos, &op)) {
        if (op.family != STORE_META || !bytes_eq(op.key, NODE_RECOVERING_KEY))
            continue;
        if (op.op != STORE_OP_PUT) {
            ends(s, node);
            return true;
        }
        if (!s->ghost.nodes[node].live_lost)
            sim_fail(s, "X13 corruption: node %u recovers, but is whole", node);
    }
    return false;
}

/* Pre-votes promise nothing: they may run ahead of the record's sync. */
static const char *broken(const struct ghost_node *n,
                          const struct raft_message *m)
{
    bool tells_term = m->match == 0 && m->verified == 0 && m->round == 0;

    switch (m->type) {
    case RAFT_MSG_PRE_VOTE:
        return n->live_lost ? "campaigns" : NULL;
    case RAFT_MSG_PRE_VOTE_REPLY:
        return n->live_lost && m->granted ? "grants a pre-vote" : NULL;
    case RAFT_MSG_VOTE:
        return "campaigns";
    case RAFT_MSG_VOTE_REPLY:
        return m->granted ? "votes" : NULL;
    case RAFT_MSG_APPEND_REPLY:
    case RAFT_MSG_HEARTBEAT_REPLY:
        if (m->match > 0 || (!m->recovering && !tells_term))
            return "acknowledges";
        return NULL;
    case RAFT_MSG_APPEND:
    case RAFT_MSG_HEARTBEAT:
    case RAFT_MSG_TIMEOUT_NOW:
    case RAFT_MSG_READ_REPLY:
        return "leads";
    default:
        return NULL;
    }
}

/* A message that leaves a node whose disk says that it recovers. */
void lost_sent(struct sim *s, uint32_t node, const struct raft_message *m)
{
    const char *what = NULL;

    copy_sent(s, node, m);
    if (!lost_whole(s, node))
        what = broken(&s->ghost.nodes[node], m);
    if (what)
        sim_fail(s, "X13 corruption: node %u, not yet refilled, %s", node,
                 what);
}
