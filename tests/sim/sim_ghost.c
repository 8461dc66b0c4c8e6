/*
 * The ghost log: what every node has written, what of it is on its disk, and
 * what that amounts to for the cluster.
 *
 * It is fed by the store's wrapper with the bytes that reach the store, not by
 * the code under test. Every entry ever made is kept once per (index, term),
 * with the chain hash of the log up to it; whoever writes (index, term) must
 * have the same chain, which is log matching and all that follows from it.
 * Names of invariants are those of the table in tests/check/README.md.
 *
 * The state: each applied entry is one batch, shown to check/check_state.h; and
 * each node's whole state is compared with it and with the fold after every
 * restart and after so many entries.
 */
#include "sim.h"

#include "base/hash.h"
#include "base/reader.h"
#include "data/meta.h"

static const struct ghost_entry *log_at(const struct ghost_log *l, raft_index i)
{
    ASSERT(i >= l->first && i <= l->last);
    return l->at[i];
}

static void log_set(struct ghost_log *l, raft_index i,
                    const struct ghost_entry *e)
{
    if (i >= l->cap) {
        l->cap = MAX(l->cap * 2, i + 256);
        l->at = mem_realloc(l->at, l->cap * sizeof(l->at[0]));
    }
    l->at[i] = e;
    l->last = i;
}

void ghost_log_copy(struct ghost_log *to, const struct ghost_log *from)
{
    to->first = from->first;
    to->last = from->first - 1;
    to->prev_chain = from->prev_chain;
    for (raft_index i = from->first; i <= from->last; i++)
        log_set(to, i, from->at[i]);
}

/* The log begins at `first` from now on. */
static void log_start(struct ghost_log *l, raft_index first, uint64_t chain)
{
    l->first = first;
    l->prev_chain = chain;
    if (l->last + 1 < first)
        l->last = first - 1;
}

static void grow(struct ghost *g, raft_index to)
{
    size_t cap = MAX(g->cap * 2, to + 256);

    if (to < g->cap)
        return;
    g->entries = mem_realloc(g->entries, cap * sizeof(g->entries[0]));
    g->committed = mem_realloc(g->committed, cap * sizeof(g->committed[0]));
    g->committed_in =
        mem_realloc(g->committed_in, cap * sizeof(g->committed_in[0]));
    for (size_t i = g->cap; i < cap; i++) {
        g->entries[i] = NULL;
        g->committed[i] = NULL;
        g->committed_in[i] = 0;
    }
    g->cap = cap;
}

static node_id *by_term(node_id **items, size_t *cap, raft_term term)
{
    if (term >= *cap) {
        size_t more = MAX(*cap * 2, term + 64);
        *items = mem_realloc(*items, more * sizeof(**items));
        for (size_t i = *cap; i < more; i++)
            (*items)[i] = NODE_NONE;
        *cap = more;
    }
    return &(*items)[term];
}

/* I2, X1: this node has let it be known that it votes so. */
bool ghost_vote_known(struct sim *s, uint32_t node, raft_term term,
                      node_id candidate)
{
    struct ghost_node *n = &s->ghost.nodes[node];
    node_id *vote = by_term(&n->votes, &n->votes_cap, term);

    if (*vote != NODE_NONE && *vote != candidate)
        return false;
    *vote = candidate;
    return true;
}

/* Also by a vote that its disk has lost since. */
static bool has_vote(struct ghost_node *n, uint32_t candidate, raft_term term)
{
    return *by_term(&n->votes, &n->votes_cap, term) == candidate ||
           (term < n->votes_lost_cap && n->votes_lost[term] == candidate);
}

/* I1, I3, I14: a node says that it leads. */
static void leads(struct sim *s, uint32_t node, raft_term term)
{
    struct ghost *g = &s->ghost;
    struct ghost_node *n = &g->nodes[node];
    node_id *leader = by_term(&g->leaders, &g->leaders_cap, term);
    uint32_t votes = 0;
    raft_index at = 0;

    if (*leader == node)
        return;
    if (*leader != NODE_NONE)
        sim_fail(s, "I1 election safety: nodes %u and %u lead term %llu", node,
                 *leader, (unsigned long long)term);
    *leader = node;
    g->elections++;
    s->stats.elections++;
    if (n->disk_term != term || n->disk_vote != node)
        sim_fail(s,
                 "X1 durability: node %u leads term %llu, its own vote is "
                 "not on its disk",
                 node, (unsigned long long)term);
    for (uint32_t i = 0; i < s->count; i++)
        if (i == node || has_vote(&g->nodes[i], node, term))
            votes |= 1u << i;
    if (!ghost_members_decide(ghost_members_of(s, node, &at), votes))
        sim_fail(s, "I3 votes: node %u leads term %llu with the votes of %x",
                 node, (unsigned long long)term, votes);
    /* It may be late, and a later leader have committed meanwhile. */
    raft_index must = g->commit;
    while (must > 0 && g->committed_in[must] >= term)
        must--;
    if (must >= n->live.first &&
        (n->live.last < must || log_at(&n->live, must) != g->committed[must]))
        sim_fail(s,
                 "I14 leader completeness: node %u leads term %llu without "
                 "entry %llu",
                 node, (unsigned long long)term, (unsigned long long)must);
}

void ghost_leads(struct sim *s, uint32_t node)
{
    leads(s, node, s->nodes[node].node->raft.term);
}

static struct ghost_entry *find(struct ghost *g, raft_index i, raft_term term)
{
    struct ghost_entry *e = g->entries[i];

    while (e && e->term != term)
        e = e->next;
    return e;
}

/* A leader makes an entry. */
static struct ghost_entry *create(struct sim *s, uint32_t node, raft_index i,
                                  const struct entry *from, uint64_t chain)
{
    const struct raft *r = &s->nodes[node].node->raft;

    if (r->role != RAFT_LEADER || r->term != from->term)
        sim_fail(s,
                 "I8 provenance: node %u writes entry %llu of term %llu, "
                 "which no leader made",
                 node, (unsigned long long)i, (unsigned long long)from->term);
    leads(s, node, from->term);
    if (from->kind == ENTRY_CONFIG)
        ghost_commit(s, node); /* by those until now */
    struct ghost_entry *e = mem_zalloc(sizeof(*e));
    *e = (struct ghost_entry){.term = from->term,
                              .chain = chain,
                              .seed = from->seed,
                              .time_ms = from->time_ms,
                              .wall_offset_ms = from->wall_offset_ms,
                              .kind = from->kind};
    buf_bytes(&e->payload, from->payload);
    e->made = ++s->ghost.made;
    const struct ghost_log *l = &s->ghost.nodes[node].live;
    time_made(s, &s->nodes[node], l->last >= l->first ? l->at[l->last] : NULL,
              e);
    e->next = s->ghost.entries[i];
    s->ghost.entries[i] = e;
    if (e->kind == ENTRY_CONFIG)
        ghost_members_made(s, node, i, e);
    return e;
}

static void effect(struct ghost_node *n, struct ghost_effect e)
{
    if (n->effect_head + n->effect_count == n->effect_cap) {
        if (n->effect_head > n->effect_cap / 2) {
            memmove(n->effects, n->effects + n->effect_head,
                    n->effect_count * sizeof(n->effects[0]));
            n->effect_head = 0;
        } else {
            n->effect_cap = MAX(n->effect_cap * 2, 64);
            n->effects =
                mem_realloc(n->effects, n->effect_cap * sizeof(n->effects[0]));
        }
    }
    n->effects[n->effect_head + n->effect_count++] = e;
}

static void appended(struct sim *s, uint32_t node, raft_index i,
                     struct bytes value, uint64_t batch)
{
    struct ghost_node *n = &s->ghost.nodes[node];
    struct entry record;
    uint64_t before = n->live.last < n->live.first
                          ? n->live.prev_chain
                          : n->live.at[n->live.last]->chain;

    ASSERT(value.len > 8);
    uint64_t chain = load_u64le(value.data);
    struct bytes rest = bytes_from(value, 8);
    if (i != n->live.last + 1 || entry_decode(i, &rest, &record) != 0)
        sim_fail(s, "I6 shape: node %u writes entry %llu behind %llu", node,
                 (unsigned long long)i, (unsigned long long)n->live.last);
    if (chain != entry_chain(before, record.checksum))
        sim_fail(s, "I7 log matching: node %u, entry %llu: wrong chain", node,
                 (unsigned long long)i);
    if (n->live.last >= n->live.first &&
        n->live.at[n->live.last]->term > record.term)
        sim_fail(s, "I6 shape: node %u, entry %llu: the term falls", node,
                 (unsigned long long)i);
    if (record.term > n->live_term)
        sim_fail(s, "I5 terms: node %u, entry %llu is above its term", node,
                 (unsigned long long)i);
    grow(&s->ghost, i + 1);
    struct ghost_entry *e = find(&s->ghost, i, record.term);
    if (!e)
        e = create(s, node, i, &record, chain);
    if (e->chain != chain)
        sim_fail(s, "I7 log matching: node %u, entry %llu of term %llu differs",
                 node, (unsigned long long)i, (unsigned long long)record.term);
    log_set(&n->live, i, e);
    effect(n,
           (struct ghost_effect){
               .kind = EFFECT_APPEND, .batch = batch, .index = i, .entry = e});
}

static void truncated(struct sim *s, uint32_t node, raft_index from,
                      uint64_t batch)
{
    struct ghost *g = &s->ghost;
    struct ghost_node *n = &g->nodes[node];

    s->stats.truncations++;
    if (from <= n->commit || (from <= g->commit && from <= n->live.last &&
                              log_at(&n->live, from) == g->committed[from]))
        sim_fail(s,
                 "I15 state machine safety: node %u drops entry %llu, which "
                 "is committed",
                 node, (unsigned long long)from);
    if (from <= n->live.last)
        n->live.last = from - 1;
    effect(n, (struct ghost_effect){
                  .kind = EFFECT_TRUNCATE, .batch = batch, .index = from});
}

static void restarted(struct sim *s)
{
    s->stats.log_restarts++;
    core_release(s);
}

/* Up to where all members, or those that the leader has a link to and knows
 * not to be outrun, have the log on their disks. Nobody waits for one that is
 * paused, and what is told may be from before the newest change. */
static raft_index held(const struct sim *s, uint32_t leader, bool live)
{
    const struct raft *r = &s->nodes[leader].node->raft;
    uint32_t members = ghost_members_settled(s, leader);
    raft_index least = RAFT_NUMBER_MAX;

    for (uint32_t i = 0; i < s->count; i++) {
        int pos = raft_position(r, i);
        if (!(members >> i & 1) || pos < 0)
            continue;
        const struct raft_progress *p = &r->progress[pos];
        if (i == leader || !live ||
            (p->link_up && !p->paused && p->state != RAFT_SNAPSHOT))
            least = MIN(
                least, MAX(s->ghost.nodes[i].disk.last, s->ghost.nodes[i].had));
    }
    return least;
}

/* X3: what a leader lets the others know of what may be cut. */
void ghost_told(struct sim *s, uint32_t node, raft_index all, raft_index live)
{
    if (all > held(s, node, false) || live > held(s, node, true))
        sim_fail(s,
                 "X3 cut: node %u tells that all hold %llu and all live ones "
                 "%llu, which they do not",
                 node, (unsigned long long)all, (unsigned long long)live);
    s->ghost.told = MAX(s->ghost.told, MAX(all, live));
}

/* X3: a cut leaves what the others need; beyond the hard bound, what the live
 * ones need, as far as a leader knows them, or told of them. */
static void may_cut(struct sim *s, uint32_t node, raft_index upto)
{
    bool leads = s->nodes[node].node->raft.role == RAFT_LEADER;
    bool keeps_all =
        s->config.log_hard == LOG_UNBOUNDED && !s->config.on[FAULT_CHURN];

    if (upto <= held(s, node, false))
        return;
    if (!keeps_all &&
        (leads ? upto <= held(s, node, true) : upto <= s->ghost.told))
        return;
    sim_fail(s, "X3 cut: node %u cuts its log to %llu, which %s still needs",
             node, (unsigned long long)upto + 1,
             keeps_all ? "a member" : "a live member");
}

static void started_at(struct sim *s, uint32_t node,
                       const struct log_start *start, uint64_t batch)
{
    struct ghost_node *n = &s->ghost.nodes[node];

    if (start->first > n->live.first && start->first - 1 > n->flushed)
        sim_fail(s,
                 "X3 cut: node %u cuts its log to %llu, its state on disk "
                 "ends at %llu",
                 node, (unsigned long long)start->first,
                 (unsigned long long)n->flushed);
    if (start->first > n->live.first && s->nodes[node].node)
        may_cut(s, node, start->first - 1);
    if (start->first > n->live.last + 1)
        restarted(s);
    else
        s->stats.log_cuts++;
    log_start(&n->live, start->first, start->prev_chain);
    effect(n, (struct ghost_effect){.kind = EFFECT_START,
                                    .batch = batch,
                                    .index = start->first,
                                    .chain = start->prev_chain});
}

static void hard_state(struct sim *s, uint32_t node, const struct hard_state *h,
                       uint64_t batch)
{
    struct ghost_node *n = &s->ghost.nodes[node];

    if (h->term < n->live_term)
        sim_fail(s, "I5 terms: node %u goes back to term %llu", node,
                 (unsigned long long)h->term);
    if (h->term == n->live_term && n->live_vote != NODE_NONE &&
        h->vote != n->live_vote)
        sim_fail(s, "I2 one vote: node %u changes it in term %llu", node,
                 (unsigned long long)h->term);
    n->live_term = h->term;
    n->live_vote = h->vote;
    effect(n, (struct ghost_effect){.kind = EFFECT_HARD,
                                    .batch = batch,
                                    .index = h->term,
                                    .vote = h->vote});
}

/* X3: the state that is in use from now on is that of an entry which is
 * committed, and newer than what the node knew. */
static void check_fetched(struct sim *s, uint32_t node, const struct applied *a)
{
    const struct ghost *g = &s->ghost;
    const struct ghost_node *n = &g->nodes[node];

    if (a->index > g->commit || g->committed[a->index]->chain != a->chain ||
        g->committed[a->index]->term != a->term)
        sim_fail(s,
                 "X3 snapshot: node %u takes over a state of entry %llu, "
                 "which nobody committed",
                 node, (unsigned long long)a->index);
    if (a->index <= n->commit || a->index <= n->applied)
        sim_fail(s,
                 "X3 snapshot: node %u takes over the state of entry %llu, "
                 "and knows that %llu is committed",
                 node, (unsigned long long)a->index,
                 (unsigned long long)n->commit);
}

/* X3: the log begins behind the state, or leads there and stays. */
static void restarts(struct sim *s, uint32_t node, const struct applied *a,
                     const struct log_start *start, uint64_t batch)
{
    struct ghost_node *n = &s->ghost.nodes[node];
    bool leads = a->index >= n->live.first && a->index <= n->live.last &&
                 n->live.at[a->index] == s->ghost.committed[a->index];

    if (leads == (start != NULL))
        sim_fail(s, "X3 snapshot: node %u %s a log that %s to entry %llu", node,
                 start ? "drops" : "keeps", leads ? "leads" : "does not lead",
                 (unsigned long long)a->index);
    if (!start)
        return;
    if (start->first != a->index + 1 || start->prev_chain != a->chain)
        sim_fail(s, "X3 snapshot: node %u: state and log do not adjoin", node);
    log_start(&n->live, start->first, start->prev_chain);
    n->live.last = start->first - 1;
    effect(n, (struct ghost_effect){.kind = EFFECT_RESTART,
                                    .batch = batch,
                                    .index = start->first,
                                    .chain = start->prev_chain});
}

void ghost_fetched(struct sim *s, uint32_t node, const struct store_batch *b,
                   uint64_t batch)
{
    struct ghost_node *n = &s->ghost.nodes[node];
    struct store *store = s->nodes[node].disk->inner;
    struct buf raw = BUF_INIT;
    struct store_batch_op op;
    struct log_start start;
    struct hard_state hard;
    struct applied a;
    bool moves = false;
    size_t pos = 0;

    int err = store_get(store, STORE_STATE, meta_applied_key(), &raw);
    if (err == 0)
        err = meta_applied_decode(buf_view(&raw), &a);
    ASSERT(err == 0);
    check_fetched(s, node, &a);
    while (store_batch_next(b, &pos, &op)) {
        if (op.family != STORE_META || op.op != STORE_OP_PUT)
            continue;
        if (bytes_eq(op.key, BYTES_LIT("g0/start")))
            moves = log_start_decode(op.value, &start) == 0;
        else if (bytes_eq(op.key, GHOST_HARD_KEY) &&
                 hard_state_decode(op.value, &hard) == 0)
            hard_state(s, node, &hard, batch);
    }
    restarts(s, node, &a, moves ? &start : NULL, batch);
    effect(n, (struct ghost_effect){
                  .kind = EFFECT_STATE, .batch = batch, .index = a.index});
    n->applied = n->compared = a.index;
    state_check_start(&s->state, node, a.index);
    state_check_store(&s->state, node, store);
    oracle_judge(s, node, a.index);
    s->stats.fetched++;
    buf_release(&raw);
}

static raft_index key_index(struct bytes key)
{
    struct reader r = reader_of(key);
    (void)reader_u16be(&r);
    return reader_u64be(&r);
}

void ghost_logged(struct sim *s, uint32_t node, const struct store_batch *b,
                  uint64_t batch)
{
    struct store_batch_op op;
    struct log_start start;
    struct hard_state hard;
    bool moves = false;
    size_t pos = 0;

    while (store_batch_next(b, &pos, &op))
        if (op.family == STORE_META &&
            bytes_eq(op.key, BYTES_LIT("g0/start")) &&
            log_start_decode(op.value, &start) == 0) {
            moves = true;
            started_at(s, node, &start, batch);
        }
    pos = 0;
    while (store_batch_next(b, &pos, &op)) {
        if (op.family == STORE_LOG && op.op == STORE_OP_PUT)
            appended(s, node, key_index(op.key), op.value, batch);
        else if (op.family == STORE_LOG && !moves)
            truncated(s, node, key_index(op.key), batch);
        else if (op.family == STORE_META && bytes_eq(op.key, GHOST_HARD_KEY) &&
                 hard_state_decode(op.value, &hard) == 0)
            hard_state(s, node, &hard, batch);
    }
    if (lost_written(s, node, b)) {
        s->ghost.nodes[node].live_lost = false;
        effect(&s->ghost.nodes[node],
               (struct ghost_effect){.kind = EFFECT_WHOLE, .batch = batch});
    }
}

static void do_effect(struct ghost_node *n, const struct ghost_effect *e)
{
    switch (e->kind) {
    case EFFECT_APPEND:
        log_set(&n->disk, e->index, e->entry);
        break;
    case EFFECT_TRUNCATE:
        if (e->index <= n->disk.last)
            n->disk.last = e->index - 1;
        break;
    case EFFECT_START:
        log_start(&n->disk, e->index, e->chain);
        break;
    case EFFECT_RESTART:
        log_start(&n->disk, e->index, e->chain);
        n->disk.last = e->index - 1;
        break;
    case EFFECT_HARD:
        n->disk_term = e->index;
        n->disk_vote = e->vote;
        break;
    case EFFECT_WHOLE:
        n->disk_lost = false;
        break;
    case EFFECT_STATE:
        n->flushed = e->index;
        break;
    }
}

void ghost_durable(struct sim *s, uint32_t node, uint64_t batch)
{
    struct ghost_node *n = &s->ghost.nodes[node];

    while (n->effect_count > 0 && n->effects[n->effect_head].batch <= batch) {
        const struct ghost_effect *e = &n->effects[n->effect_head++];
        s->stats.faults[FAULT_LOST] += e->kind == EFFECT_WHOLE;
        do_effect(n, e);
        n->effect_count--;
    }
    if (n->effect_count == 0)
        n->effect_head = 0;
}

void ghost_crashed(struct sim *s, uint32_t node, uint64_t kept)
{
    struct ghost_node *n = &s->ghost.nodes[node];

    ghost_durable(s, node, kept);
    n->effect_head = n->effect_count = 0;
    ghost_log_copy(&n->live, &n->disk);
    n->live_term = n->disk_term;
    n->live_vote = n->disk_vote;
    n->live_lost = n->disk_lost;
    n->applied = n->flushed;
}

void ghost_started(struct sim *s, uint32_t node)
{
    struct ghost_node *n = &s->ghost.nodes[node];
    const struct node *real = s->nodes[node].node;
    const struct raft *r = &real->raft;
    uint64_t chain = 0;

    if (r->term != n->disk_term || r->vote != n->disk_vote)
        sim_fail(s, "X2 recovery: node %u: term or vote are not the disk's",
                 node);
    int err = journal_chain(real->journal, n->disk.last, &chain);
    uint64_t known = n->disk.last < n->disk.first
                         ? n->disk.prev_chain
                         : n->disk.at[n->disk.last]->chain;
    if (r->last != n->disk.last || err != 0 || chain != known)
        sim_fail(s, "X2 recovery: node %u: the log is not the disk's", node);
    raft_index applied = keyspace_applied(real->ks)->index;
    if (applied != n->flushed)
        sim_fail(s,
                 "X2 recovery: node %u: the state is at %llu, the disk had "
                 "%llu",
                 node, (unsigned long long)applied,
                 (unsigned long long)n->flushed);
    n->compared = n->flushed;
    state_check_start(&s->state, node, n->flushed);
    state_check_store(&s->state, node, s->nodes[node].disk->inner);
    oracle_judge(s, node, n->flushed);
    if (r->role != RAFT_FOLLOWER || r->commit > s->ghost.commit)
        sim_fail(s, "X2 recovery: node %u starts with what it cannot know",
                 node);
    n->commit = r->commit;
    if (r->commit >= n->live.first &&
        log_at(&n->live, r->commit) != s->ghost.committed[r->commit])
        sim_fail(s,
                 "I13 commit: node %u starts with a log that is not the "
                 "committed one",
                 node);
    lost_started(s, node);
    core_started(s, node);
}

/* I13: a majority of whole nodes has it on disk, and it is of the leader's own
 * term. */
static void first_commit(struct sim *s, uint32_t node, raft_index c)
{
    struct ghost *g = &s->ghost;
    const struct raft *r = &s->nodes[node].node->raft;
    const struct ghost_entry *e = log_at(&g->nodes[node].live, c);
    uint32_t have = 0;
    raft_index at = 0;
    const struct raft_members *members = ghost_members_of(s, node, &at);

    /* By that one that is to go may have ceased to lead. */
    bool leads = r->role == RAFT_LEADER ||
                 *by_term(&g->leaders, &g->leaders_cap, r->term) == node;

    if (!leads || e->term != r->term)
        sim_fail(s,
                 "I13 commit: node %u commits %llu before any leader of its "
                 "term did",
                 node, (unsigned long long)c);
    for (uint32_t i = 0; i < s->count; i++) {
        const struct ghost_log *d = &g->nodes[i].disk;
        bool has = c < d->first || (c <= d->last && d->at[c] == e);
        /* What was lost, or is refilled, does not count as it is; what was
         * acknowledged before still does, as long as that life is in force. */
        uint32_t life = ghost_members_life(members, i);
        has = has && lost_whole(s, i) && s->nodes[i].life >= life;
        if (has || ((e->promised >> i & 1) && g->nodes[i].lost_life >= life))
            have |= 1u << i;
    }
    if (!ghost_members_decide(members, have))
        sim_fail(s,
                 "I13 commit: node %u commits %llu, which only the disks of "
                 "%x have",
                 node, (unsigned long long)c, have);
}

void ghost_commit(struct sim *s, uint32_t node)
{
    struct ghost *g = &s->ghost;
    struct ghost_node *n = &g->nodes[node];
    raft_index c = s->nodes[node].node->raft.commit;

    if (c == n->commit)
        return;
    if (c < n->commit || c > n->live.last)
        sim_fail(s, "I13 commit: node %u: from %llu to %llu, log to %llu", node,
                 (unsigned long long)n->commit, (unsigned long long)c,
                 (unsigned long long)n->live.last);
    if (c > g->commit)
        first_commit(s, node, c);
    grow(g, c + 1);
    for (raft_index i = MAX(n->commit + 1, n->live.first); i <= c; i++) {
        const struct ghost_entry *e = log_at(&n->live, i);
        if (i > g->commit) {
            g->committed[i] = e;
            g->committed_in[i] = s->nodes[node].node->raft.term;
        }
        if (g->committed[i] != e)
            sim_fail(s,
                     "I15 state machine safety: node %u commits another "
                     "entry %llu",
                     node, (unsigned long long)i);
    }
    s->stats.commits += c > g->commit ? c - g->commit : 0;
    g->commit = MAX(g->commit, c);
    n->commit = c;
}

/* A node's whole state is looked at after so many entries. */
#define COMPARE_EVERY 64

void ghost_applied(struct sim *s, uint32_t node, const struct store_batch *b)
{
    struct ghost_node *n = &s->ghost.nodes[node];
    raft_index i = n->applied + 1;

    ghost_commit(s, node);
    if (i > n->commit)
        sim_fail(s, "I16 apply order: node %u applies %llu, committed is %llu",
                 node, (unsigned long long)i, (unsigned long long)n->commit);
    state_check_apply(&s->state, node, b);
    oracle_judge(s, node, i);
    n->applied = i;
    level_applied(s, node, i);
    core_applied(s, node, i);
    oracle_advance(s, i);
}

/* I17: now and then, a node's state against the history and the fold. */
static void compare_some(struct sim *s, uint32_t node)
{
    struct ghost_node *n = &s->ghost.nodes[node];

    if (n->applied < n->compared + COMPARE_EVERY)
        return;
    n->compared = n->applied;
    state_check_store(&s->state, node, s->nodes[node].disk->inner);
    oracle_judge(s, node, n->applied);
    oracle_compare(s, node);
    struct rows_left left;
    rows_check(s, node, &left);
}

void ghost_turn(struct sim *s, uint32_t node)
{
    const struct node *real = s->nodes[node].node;
    const struct raft *r = &real->raft;
    struct ghost_node *n = &s->ghost.nodes[node];

    ghost_commit(s, node);
    copy_turn(s, &s->nodes[node]);
    ghost_members_turn(s, node);
    core_turn(s);
    s->stats.roles[r->role]++;
    if (r->role == RAFT_LEADER)
        leads(s, node, r->term);
    if (r->last != n->live.last || r->term != n->live_term ||
        r->vote != n->live_vote)
        sim_fail(s, "I6 shape: node %u: core and writes differ", node);
    if (r->durable > n->disk.last && r->role == RAFT_LEADER)
        sim_fail(s,
                 "X1 durability: node %u believes %llu durable, its disk "
                 "has %llu",
                 node, (unsigned long long)r->durable,
                 (unsigned long long)n->disk.last);
    if (keyspace_applied(real->ks)->index != n->applied)
        sim_fail(s, "I16 apply order: node %u: position and batches differ",
                 node);
    compare_some(s, node);
    bounds_turn(s, &s->nodes[node]);
}

void ghost_init(struct sim *s)
{
    struct ghost *g = &s->ghost;

    grow(g, 256);
    for (uint32_t i = 0; i < s->count; i++) {
        g->nodes[i].live.first = g->nodes[i].disk.first = 1;
        g->nodes[i].live_vote = g->nodes[i].disk_vote = NODE_NONE;
    }
}

void ghost_release(struct sim *s)
{
    struct ghost *g = &s->ghost;

    for (size_t i = 0; i < g->cap; i++)
        while (g->entries[i]) {
            struct ghost_entry *e = g->entries[i];
            g->entries[i] = e->next;
            buf_release(&e->payload);
            mem_free(e);
        }
    for (uint32_t i = 0; i < s->count; i++) {
        mem_free(g->nodes[i].live.at);
        mem_free(g->nodes[i].disk.at);
        mem_free(g->nodes[i].effects);
        mem_free(g->nodes[i].votes);
        mem_free(g->nodes[i].votes_lost);
    }
    mem_free(g->entries);
    mem_free(g->committed);
    mem_free(g->committed_in);
    mem_free(g->leaders);
}
