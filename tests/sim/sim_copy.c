/*
 * Disks that are put back to what they were: a copy that somebody kept, or a
 * machine that goes on from a snapshot of itself.
 *
 * Now and then what a disk would have after a crash is kept, with its
 * watermark. Later the node is killed and starts on that, and does not know
 * it. Others do: by the starts of it that they have met, by its session in the
 * state, by the life that the log gives it, or by a receipt of what it has
 * acknowledged. Whoever knows says so when they meet; then its data is an
 * honest beginning, and it is refilled as one that has lost promises
 * (sim_lost.c). One of an earlier life is put aside, for an empty directory.
 *
 * What is promised is no more than this: a copy is found when it meets one who
 * knows. So a copy starts only while one who knows can be reached, and if they
 * have not met in half an election timeout it is put back once more; when
 * nobody is left who knows, its directory is emptied. Who has to know is
 * counted here, without the code under test.
 *
 * X24: a copy is found by the first one who has to know; until then it neither
 * votes nor leads. What it acknowledges meanwhile it has; so no commit is lost
 * (I14, I15). One that a later leader has brought all that it lacked, before it
 * met who knew, is none any more. Nobody else is taken for a copy.
 */
#include "sim.h"

#define ANSWERED_US (1 * SIM_S) /* as long after that there is a receipt */
#define AGAIN_US    (100 * SIM_MS)
#define TRIES_MAX   50

/* --- what is kept --------------------------------------------------------- */

static void image_release(struct sim_image *m)
{
    if (m->store)
        store_close(m->store);
    mem_free(m->log.at);
    memset(m, 0, sizeof(*m));
}

void copy_release(struct sim *s)
{
    for (uint32_t i = 0; i < s->count; i++)
        for (uint32_t k = 0; k < IMAGES_MAX; k++)
            image_release(&s->nodes[i].images[k]);
}

void copy_want_images(struct sim *s)
{
    for (uint32_t i = 0; i < s->count; i++)
        s->nodes[i].image_wanted |= sim_chance(&s->rng_fault, 30);
}

/* All that was written is promised, and what is written later is not there. */
void copy_promised(struct sim *s, uint32_t node)
{
    struct sim_node *n = &s->nodes[node];
    const struct ghost_node *g = &s->ghost.nodes[node];
    struct sim_image *m = &n->images[n->image_next];

    if (!n->image_wanted || !n->node || n->copied || !lost_whole(s, node))
        return;
    n->image_wanted = false;
    n->image_next = (n->image_next + 1) % IMAGES_MAX;
    image_release(m);
    m->store = store_memory_copy(n->disk->inner);
    ghost_log_copy(&m->log, &g->disk);
    m->term = g->disk_term;
    m->vote = g->disk_vote;
    m->flushed = g->flushed;
    m->incarnation = n->incarnation;
    m->has_mark = n->disk->disk.has_mark;
    m->mark = rng_below(&s->rng_disk, 2) == 0 ? n->disk->disk.mark
                                              : n->disk->disk.mark_synced;
    sim_trace(s, "node %u: its disk is copied, term %llu, log to %llu", node,
              (unsigned long long)m->term, (unsigned long long)m->log.last);
}

/* --- who knows ------------------------------------------------------------ */

/* A leader's picture of the others, as it was a while ago. */
void copy_turn(struct sim *s, struct sim_node *n)
{
    const struct raft *r = &n->node->raft;
    int64_t now_ms = sim_mono_ms(s, n);

    if (!(s->config.on[FAULT_COPY_BACK] || s->config.on[FAULT_CLONE]) ||
        r->role != RAFT_LEADER)
        return;
    for (uint32_t i = 0; i < s->count; i++) {
        struct sim_answered *a = &n->answered[i];
        int pos = raft_position(r, i);
        if (i == n->id || pos < 0 || r->progress[pos].recovering)
            continue;
        if (a->next.index > 0 && now_ms - a->next_ms < ANSWERED_US / SIM_MS)
            continue;
        if (a->next.index > 0 && a->next.term == r->term)
            a->known = a->next;
        a->next_ms = now_ms;
        a->next = (struct receipt){
            .life = (uint32_t)RAFT_LIFE(r->progress[pos].incarnation),
            .term = r->term,
            .index = MIN(r->progress[pos].match, r->commit)};
    }
}

/* Does this one have to know that `n` is an older copy, as it is now? */
static bool has_to_know(const struct sim *s, uint32_t by,
                        const struct sim_node *n)
{
    const struct sim_node *p = &s->nodes[by];
    const struct ghost_node *g = &s->ghost.nodes[n->id];
    const struct receipt *r = &p->answered[n->id].known;
    uint64_t life = RAFT_LIFE(n->incarnation);
    raft_index at = 0;

    if (!p->node || p->node->dead || p->copied)
        return false;
    if (p->seen[n->id].incarnation >= n->incarnation &&
        p->seen[n->id].nonce != n->nonce)
        return true;
    if (ghost_members_life(ghost_members_of(s, by, &at), n->id) > life)
        return true;
    if (s->ghost.nodes[by].applied == s->oracle.head &&
        fold_session(&s->oracle, n->id).incarnation > n->incarnation)
        return true;
    return r->index > 0 && r->life == life &&
           (g->live_term < r->term || g->live.last < r->index);
}

bool copy_can_meet(struct sim *s, uint32_t a, uint32_t b)
{
    uint32_t side;
    const struct sim_pair *p = net_pair(s, a, b, &side);

    return !p->dirs[0].cut && !p->dirs[1].cut &&
           s->nodes[b].busy_until_us <= s->now_us + 50 * SIM_MS;
}

/* --- a disk is put back --------------------------------------------------- */

static void put_back(struct sim *s, struct sim_node *n,
                     const struct sim_image *m)
{
    struct ghost_node *g = &s->ghost.nodes[n->id];
    struct sim_disk *d = n->disk;

    store_close(d->inner);
    d->inner = store_memory_copy(m->store);
    d->disk.has_mark = m->has_mark;
    d->disk.mark = d->disk.mark_synced = m->mark;
    g->had = MAX(g->had, g->disk.last);
    ghost_log_copy(&g->disk, &m->log);
    ghost_log_copy(&g->live, &m->log);
    g->disk_term = g->live_term = m->term;
    g->disk_vote = g->live_vote = m->vote;
    g->applied = g->flushed = m->flushed;
    n->incarnation = m->incarnation + 1; /* its next start */
}

/* One who has to know it, now, and can be met. */
static bool is_known(struct sim *s, const struct sim_node *n)
{
    for (uint32_t i = 0; i < s->count; i++)
        if (i != n->id && has_to_know(s, i, n) && copy_can_meet(s, n->id, i))
            return true;
    return false;
}

/* Looked at as if it were put back. */
bool copy_has_to_know(struct sim *s, uint32_t by, const struct sim_node *n,
                      const struct sim_image *m)
{
    struct ghost_node *g = &s->ghost.nodes[n->id];
    raft_term term = g->live_term;
    raft_index last = g->live.last;

    g->live_term = m->term;
    g->live.last = m->log.last;
    bool known = has_to_know(s, by, n);
    g->live_term = term;
    g->live.last = last;
    return known;
}

static bool would_be_known(struct sim *s, const struct sim_node *n,
                           const struct sim_image *m)
{
    const struct sim_node as = {.id = n->id, .incarnation = m->incarnation + 1};

    for (uint32_t i = 0; i < s->count; i++)
        if (i != n->id && copy_has_to_know(s, i, &as, m) &&
            copy_can_meet(s, n->id, i))
            return true;
    return false;
}

static const struct sim_image *choose(struct sim *s, const struct sim_node *n)
{
    uint32_t at = (uint32_t)rng_below(&s->rng_fault, IMAGES_MAX);

    for (uint32_t i = 0; i < IMAGES_MAX; i++) {
        const struct sim_image *m = &n->images[(at + i) % IMAGES_MAX];
        if (m->store && would_be_known(s, n, m))
            return m;
    }
    return NULL;
}

void copy_strike(struct sim *s, uint32_t node)
{
    struct sim_node *n = &s->nodes[node];
    const struct sim_image *m;

    copy_want_images(s);
    if (s->phase != PHASE_SAFETY || !n->node || !lost_whole(s, node) ||
        n->copied || !lost_allowed(s, node))
        return;
    m = choose(s, n);
    if (!m)
        return;
    int64_t down_us = sim_magnitude(&s->rng_fault, 10 * SIM_MS, 10 * SIM_S);
    process_crash(s, node, true, down_us);
    lost_keep_promises(s, node);
    n->copied = m;
    n->copy_tries = 0;
    n->copy_term = s->ghost.nodes[node].disk_term;
    n->copy_commit = s->ghost.commit;
    put_back(s, n, m);
    sim_trace(s, "node %u: its disk is an older copy, term %llu, log to %llu",
              node, (unsigned long long)m->term,
              (unsigned long long)m->log.last);
}

bool copy_may_start(struct sim *s, uint32_t node)
{
    struct sim_node *n = &s->nodes[node];

    if (!n->copied)
        return true;
    put_back(s, n, n->copied); /* whatever it did is forgotten again */
    if (is_known(s, n)) {
        sim_push(s, s->now_us + s->config.election_ms * SIM_MS / 2, EV_MISSED,
                 node, n->start_gen);
        return true;
    }
    if (++n->copy_tries > TRIES_MAX) {
        n->copied = NULL;
        lost_empty(s, node);
    }
    sim_push(s, s->now_us + AGAIN_US, EV_START, node, n->start_gen);
    return false;
}

/* It has met nobody who knows. */
void copy_missed(struct sim *s, const struct sim_event *e)
{
    const struct sim_node *n = &s->nodes[e->a];

    if (n->copied && n->node && e->gen == n->start_gen)
        process_crash(s, e->a, true, AGAIN_US);
}

/* --- it is found ---------------------------------------------------------- */

void copy_found(struct sim *s, uint32_t node, enum copy_finding how)
{
    static const char *const texts[] = {
        [COPY_START] = "a newer start is known",
        [COPY_RECEIPT] = "there is a receipt of what it lacks",
        [COPY_REPLACED] = "its life is over",
        [COPY_LOG] = "the log has requests of another one",
    };
    struct sim_node *n = &s->nodes[node];

    if (!n->copied)
        sim_fail(s, "X24 copies: node %u is taken for an older copy: %s", node,
                 texts[how]);
    sim_trace(s, "node %u: is an older copy: %s", node, texts[how]);
    s->stats.copies[how]++;
    s->stats.faults[FAULT_COPY_BACK]++;
    n->copied = NULL;
    process_crash(s, node, false, 10 * SIM_MS);
    if (how == COPY_REPLACED)
        lost_empty(s, node);
    else
        lost_becomes_blank(s, node);
}

void copy_met(struct sim *s, uint32_t node, uint32_t by)
{
    const struct sim_node *n = &s->nodes[node];

    if (n->copied && has_to_know(s, by, n))
        sim_fail(s,
                 "X24 copies: node %u is an older copy, as node %u has to "
                 "know, and is welcome",
                 node, by);
}

/* It has, by a later leader, all that it lacked, votes in no term that it has
 * been in, and nobody is left who has to know. */
static bool is_complete(const struct sim *s, const struct sim_node *n)
{
    const struct ghost_node *g = &s->ghost.nodes[n->id];

    for (uint32_t i = 0; i < s->count; i++)
        if (i != n->id && has_to_know(s, i, n))
            return false;
    return g->disk_term > n->copy_term && g->disk.last >= n->copy_commit;
}

void copy_sent(struct sim *s, uint32_t node, const struct raft_message *m)
{
    struct sim_node *n = &s->nodes[node];
    bool promises = m->type == RAFT_MSG_VOTE || m->type == RAFT_MSG_APPEND ||
                    m->type == RAFT_MSG_HEARTBEAT ||
                    (m->type == RAFT_MSG_VOTE_REPLY && m->granted);

    if (!n->copied || !promises)
        return;
    if (!is_complete(s, n))
        sim_fail(s, "X24 copies: node %u, an older copy, votes or leads", node);
    sim_trace(s, "node %u: is no older copy any more", node);
    s->stats.copies_completed++;
    n->copied = NULL;
    n->starts[n->start_count - 1] = n->incarnation;
}
