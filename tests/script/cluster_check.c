/*
 * The checker. Its names are those of tests/check/README.md: I1 election
 * safety, I2 one vote, I7 log matching, I11 true acknowledgements, I13 commit,
 * I14 leader completeness, I15 state machine safety, X1 durability before
 * speech, X6 reads.
 *
 * `created` remembers for each (index, term) the hash of the entry with its
 * whole prefix; any other hash seen there is a breach of I7. A commit by a
 * leader is recomputed from the disks of all nodes, not from what it believes.
 */
#include <inttypes.h>
#include <string.h>

#include "cluster_internal.h"

static uint64_t hash_at(const struct image *image, raft_index index)
{
    ASSERT(index <= image->last);
    return image->log[index].hash;
}

/* New entries from `from` on in a log: I7, I8. */
void check_created(struct cluster *c, uint32_t pos, raft_index from)
{
    const struct image *live = &c->nodes[pos].live;

    for (raft_index i = from; i <= live->last; i++) {
        struct entry *forks = c->ghost.created[i];
        uint32_t f = 0;
        while (f < CLUSTER_FORKS_MAX && forks[f].term != 0 &&
               forks[f].term != live->log[i].term) {
            f++;
        }
        if (f == CLUSTER_FORKS_MAX) {
            cluster_fail(c, "test: too many forks");
            return;
        }
        if (forks[f].term == 0) {
            forks[f] = live->log[i];
        } else if (forks[f].hash != live->log[i].hash) {
            cluster_fail(c, "I7 log matching: %u has another %ju/%ju",
                         cluster_id(c, pos), (uintmax_t)i,
                         (uintmax_t)live->log[i].term);
        }
    }
}

/* I15: no leader makes anyone throw away what is committed. */
void check_truncated(struct cluster *c, uint32_t pos, raft_index from)
{
    const struct image *live = &c->nodes[pos].live;

    if (from <= c->ghost.commit &&
        hash_at(live, from) == c->ghost.committed[from]) {
        cluster_fail(c, "I15: %u truncates committed %ju", cluster_id(c, pos),
                     (uintmax_t)from);
    }
}

static void check_vote(struct cluster *c, uint32_t pos, raft_term term,
                       node_id candidate)
{
    const struct node *n = &c->nodes[pos];
    uint32_t *vote = &c->ghost.votes[pos][term];

    if (*vote != 0 && *vote != candidate + 1) {
        cluster_fail(c, "I2 one vote: %u voted for %u and %u in term %ju",
                     cluster_id(c, pos), *vote - 1, candidate, (uintmax_t)term);
    }
    *vote = candidate + 1;
    if (n->disk.term != term || n->disk.vote != candidate) {
        cluster_fail(c, "X1: %u speaks of a vote that is not on disk",
                     cluster_id(c, pos));
    }
}

/* I11, X1: what is acknowledged is on disk, and as the leader has it. */
static void check_ack(struct cluster *c, uint32_t pos,
                      const struct raft_message *m)
{
    const struct node *n = &c->nodes[pos];
    uint32_t leader = c->ghost.leaders[m->term];

    if (m->match == 0 && m->verified == 0 && m->round == 0) {
        return;
    }
    if (m->term > n->disk.term) {
        cluster_fail(c, "X1: %u answers in a term not on disk",
                     cluster_id(c, pos));
    }
    if (m->match > n->disk.last || m->verified > n->live.last) {
        cluster_fail(c, "X1: %u acknowledges %ju, its disk has %ju",
                     cluster_id(c, pos), (uintmax_t)m->match,
                     (uintmax_t)n->disk.last);
        return;
    }
    if (hash_at(&n->disk, m->match) != hash_at(&n->live, m->match)) {
        cluster_fail(c, "X1: %u acknowledges another entry than is on disk",
                     cluster_id(c, pos));
    }
    if (leader == 0) {
        cluster_fail(c, "I11: %u acknowledges to nobody", cluster_id(c, pos));
        return;
    }
    const struct node *l = &c->nodes[leader - 1];
    if (l->up && raft_is_leader(&l->core) && l->core.term == m->term &&
        (m->verified > l->live.last ||
         hash_at(&l->live, m->verified) != hash_at(&n->live, m->verified))) {
        cluster_fail(c, "I11: %u's log differs from the leader's up to %ju",
                     cluster_id(c, pos), (uintmax_t)m->verified);
    }
}

/* I10, I12: an append is a true slice of the log of the leader of its term. */
static void check_append(struct cluster *c, uint32_t pos,
                         const struct raft_message *m)
{
    const struct image *live = &c->nodes[pos].live;
    uint32_t run = 0;

    if (c->ghost.leaders[m->term] != pos + 1) {
        cluster_fail(c, "I12: %u sends appends of a term it does not lead",
                     cluster_id(c, pos));
    }
    if (m->index + m->count > live->last ||
        m->index_term != live->log[m->index].term) {
        cluster_fail(c, "I10: %u sends what it has not", cluster_id(c, pos));
        return;
    }
    for (raft_index i = m->index + 1; i <= m->index + m->count; i++) {
        while (run + 1 < m->run_count && m->runs[run + 1].first <= i) {
            run++;
        }
        if (m->runs[run].term != live->log[i].term) {
            cluster_fail(c, "I10: %u sends wrong terms", cluster_id(c, pos));
        }
    }
}

void check_sent(struct cluster *c, uint32_t pos, const struct raft_message *m)
{
    if (m->term >= CLUSTER_TERMS_MAX) {
        cluster_fail(c, "test: too many terms");
        return;
    }
    switch (m->type) {
    case RAFT_MSG_VOTE:
        check_vote(c, pos, m->term, m->from);
        break;
    case RAFT_MSG_VOTE_REPLY:
        if (m->granted) {
            check_vote(c, pos, m->term, m->to);
        }
        break;
    case RAFT_MSG_APPEND_REPLY:
    case RAFT_MSG_HEARTBEAT_REPLY:
        check_ack(c, pos, m);
        break;
    case RAFT_MSG_APPEND:
        check_append(c, pos, m);
        break;
    default:
        break;
    }
}

static bool most(uint32_t of, uint32_t mask)
{
    return 2 * __builtin_popcount(of & mask) > __builtin_popcount(of);
}

/* Are these enough, by the members in the log of who counts? */
static bool decide(const struct cluster *c, uint32_t pos, uint32_t mask)
{
    const struct image *live = &c->nodes[pos].live;
    raft_index at = 0;
    const struct raft_members *m =
        cluster_members(c, live, live->last + 1, &at);

    return most(m->voters, mask) &&
           (m->outgoing == 0 || most(m->outgoing, mask));
}

/* I1, I3, I14: a new leader. */
static void check_leader(struct cluster *c, uint32_t pos)
{
    const struct node *n = &c->nodes[pos];
    raft_term term = n->core.term;
    uint32_t votes = 0;

    c->elections++;
    ASSERT(term < CLUSTER_TERMS_MAX);
    if (c->ghost.leaders[term] != 0 && c->ghost.leaders[term] != pos + 1) {
        cluster_fail(c, "I1: two leaders in term %ju", (uintmax_t)term);
    }
    c->ghost.leaders[term] = pos + 1;
    for (uint32_t i = 0; i < c->count; i++) {
        bool voted = c->ghost.votes[i][term] == cluster_id(c, pos) + 1 ||
                     c->ghost.lost_votes[i][term] == cluster_id(c, pos) + 1;
        bool own = i == pos && n->disk.term == term &&
                   n->disk.vote == cluster_id(c, pos);
        votes |= (uint32_t)(voted || own) << i;
    }
    if (!decide(c, pos, votes)) {
        cluster_fail(c, "I3: %u leads with the votes %x", cluster_id(c, pos),
                     votes);
    }
    if (n->live.last < c->ghost.commit ||
        hash_at(&n->live, c->ghost.commit) !=
            c->ghost.committed[c->ghost.commit]) {
        cluster_fail(c, "I14: leader %u lacks committed %ju",
                     cluster_id(c, pos), (uintmax_t)c->ghost.commit);
    }
}

void check_role(struct cluster *c, uint32_t pos, enum raft_role before)
{
    const struct node *n = &c->nodes[pos];

    if (n->core.role == RAFT_LEADER && before != RAFT_LEADER) {
        check_leader(c, pos);
    }
    if (n->core.term != n->live.term || n->core.vote != n->live.vote) {
        cluster_fail(c, "I5: %u changed term or vote without writing",
                     cluster_id(c, pos));
    }
    if (n->core.last != n->live.last) {
        cluster_fail(c, "I6: %u's log is %ju long, not %ju", cluster_id(c, pos),
                     (uintmax_t)n->live.last, (uintmax_t)n->core.last);
    }
}

static uint32_t disks_with(const struct cluster *c, raft_index index,
                           uint64_t hash)
{
    uint32_t mask = 0;

    for (uint32_t i = 0; i < c->count; i++) {
        const struct image *disk = &c->nodes[i].disk;
        if (disk->recovering) { /* what it acknowledged before counts */
            disk = &c->ghost.lost[i];
        }
        bool has = disk->last >= index && hash_at(disk, index) == hash;
        mask |= (uint32_t)has << i;
    }
    return mask;
}

/* A leader's commit makes the ghost's; everybody's must agree with it. */
void check_commit(struct cluster *c, uint32_t pos, raft_index before)
{
    const struct node *n = &c->nodes[pos];
    struct ghost *g = &c->ghost;
    raft_index commit = n->core.commit;

    if (commit == before) {
        return;
    }
    ASSERT(commit > before && commit <= n->live.last);
    c->commits++;
    /* One that is to go ceases to lead with the commit. */
    if (g->leaders[n->core.term] == pos + 1 && commit > g->commit) {
        if (n->live.log[commit].term != n->core.term ||
            !decide(c, pos, disks_with(c, commit, hash_at(&n->live, commit)))) {
            cluster_fail(c, "I13: %u commits %ju without a majority",
                         cluster_id(c, pos), (uintmax_t)commit);
        }
        for (raft_index i = g->commit + 1; i <= commit; i++) {
            g->committed[i] = hash_at(&n->live, i);
        }
        g->commit = commit;
    }
    if (commit > g->commit) {
        cluster_fail(c, "I13: %u commits %ju, which nobody has",
                     cluster_id(c, pos), (uintmax_t)commit);
        return;
    }
    for (raft_index i = before + 1; i <= commit; i++) {
        if (g->committed[i] != hash_at(&n->live, i)) {
            cluster_fail(c, "I15: %u commits another %ju", cluster_id(c, pos),
                         (uintmax_t)i);
        }
    }
}

void check_read(struct cluster *c, uint32_t pos, const struct raft_read *read)
{
    c->reads_done++;
    if (read->read_id < CLUSTER_READS_MAX &&
        read->index < c->ghost.reads[read->read_id]) {
        cluster_fail(c, "X6: %u reads at %ju, %ju was committed before",
                     cluster_id(c, pos), (uintmax_t)read->index,
                     (uintmax_t)c->ghost.reads[read->read_id]);
    }
}

/* I11: what a leader believes of others is on their disks, unless they went
 * on to a later term. */
void check_matches(struct cluster *c, uint32_t pos)
{
    const struct node *n = &c->nodes[pos];

    if (!raft_is_leader(&n->core)) {
        return;
    }
    for (uint32_t i = 0; i < c->count; i++) {
        const struct raft_progress *p = &n->core.progress[i];
        const struct image *disk = &c->nodes[i].disk;
        bool same_term = c->nodes[i].disk.term <= n->core.term;
        if (p->incarnation <= c->ghost.lost_in[i]) {
            continue; /* it does not know yet what was lost */
        }
        if (i != pos && p->match > 0 && same_term &&
            (p->match > disk->last ||
             hash_at(disk, p->match) != hash_at(&n->live, p->match))) {
            cluster_fail(c, "I11: %u believes %u has %ju", cluster_id(c, pos),
                         cluster_id(c, i), (uintmax_t)p->match);
        }
    }
}

void cluster_check(struct cluster *c)
{
    for (uint32_t i = 0; i < c->count; i++) {
        const struct node *n = &c->nodes[i];
        if (!n->up) {
            continue;
        }
        raft_check(&n->core);
        check_created(c, i, 1);
        raft_index commit = MIN(n->core.commit, c->ghost.commit);
        if (commit > 0 && n->core.commit <= c->ghost.commit &&
            hash_at(&n->live, commit) != c->ghost.committed[commit]) {
            cluster_fail(c, "I15: %u has another %ju", cluster_id(c, i),
                         (uintmax_t)commit);
        }
        for (raft_index k = n->core.first; k <= n->live.last; k++) {
            raft_term term = 0;
            if (!raft_runs_term(&n->core, k, &term) ||
                term != n->live.log[k].term) {
                cluster_fail(c, "I6: %u forgot the term of %ju",
                             cluster_id(c, i), (uintmax_t)k);
            }
        }
    }
}
